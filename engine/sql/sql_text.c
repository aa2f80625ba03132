/** SQL text to PostgreSQL's parse tree (libpg_query), and reading that tree. */
#include <pg_query.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "sql_private.h"

enum {
    TEXT_BYTES = 1 << 20, // without long lists: more is not written by a person
    WHOLE_BYTES = 1 << 28 // with them
};

int pc_sql_position(const pc_sql_text *text, int location)
{
    if (location < text->prefix_bytes) return 0;
    const int byte = pc_sql_byte(text, location);
    int character = 1;
    for (int i = 0; i < byte && text->text[i] != '\0'; i++) {
        const unsigned char next = (unsigned char)text->text[i + 1];
        if ((next & 0xc0) != 0x80) character++;
    }
    return character;
}

void pc_sql_text_free(pc_sql_text *text)
{
    cJSON_Delete(text->tree);
    text->tree = NULL;
}

static pc_status check_bytes(const char *text, const char *what, pc_error *err)
{
    const pc_span all = pc_span_of(text);
    if (all.bytes > WHOLE_BYTES) {
        return PC_FAIL(err, PC_BAD_JOB, "%s: an SQL text has at most %d bytes", what,
                       (int)WHOLE_BYTES);
    }
    if (pc_utf8_prefix(all) != all.bytes) {
        return PC_FAIL(err, PC_BAD_JOB, "%s: byte %zu is not UTF-8", what, pc_utf8_prefix(all) + 1);
    }
    if (pc_span_trim(all).bytes == 0) {
        return PC_FAIL(err, PC_BAD_JOB, "%s: expected SQL, found nothing", what);
    }
    return PC_OK;
}

// The tree is deeper than cJSON reads: the first location behind the place where it is.
static int deep_location(const char *json)
{
    static const char name[] = "\"location\":";
    int depth = 0;
    bool is_text = false;
    for (const char *at = json; *at != '\0'; at++) {
        if (is_text) {
            if (*at == '\\' && at[1] != '\0') at++;
            is_text = *at != '"';
            continue;
        }
        if (*at == '"') is_text = true;
        if (*at == '{' || *at == '[') depth++;
        if (*at == '}' || *at == ']') depth--;
        if (depth < CJSON_NESTING_LIMIT) continue;
        const char *found = strstr(at, name);
        return found == NULL ? 0 : (int)strtol(found + sizeof name - 1, NULL, 10);
    }
    return 0;
}

static pc_status read_tree(const char *json, pc_sql_text *out, pc_error *err)
{
    out->tree = cJSON_Parse(json);
    if (out->tree == NULL) {
        return PC_FAIL(err, PC_UNSUPPORTED,
                       "%s: character %d: an expression is nested at most %d levels deep",
                       out->what, pc_sql_position(out, deep_location(json)), PC_SQL_NESTED);
    }
    const cJSON *statements = pc_node_get(out->tree, "stmts");
    if (cJSON_GetArraySize(statements) != 1) {
        return PC_FAIL(err, PC_BAD_JOB, "%s: expected one SQL statement, found %d", out->what,
                       cJSON_GetArraySize(statements));
    }
    const cJSON *statement = pc_node_get(cJSON_GetArrayItem(statements, 0), "stmt");
    if (!pc_node_is(statement, "SelectStmt")) {
        return PC_FAIL(err, PC_UNSUPPORTED,
                       "%s: character 1: expected SELECT; other statements are not offered",
                       out->what);
    }
    out->select = pc_node_body(statement);
    return PC_OK;
}

// Where the parser says "character": from 1, of the text that it saw.
static int byte_of_character(const char *text, int character)
{
    int byte = 0;
    for (int seen = 1; seen < character && text[byte] != '\0'; seen++) {
        byte++;
        while (((unsigned char)text[byte] & 0xc0) == 0x80) {
            byte++;
        }
    }
    return byte;
}

pc_status pc_sql_text_parse(const char *text, const char *what, bool is_expression,
                            pc_sql_text *out, pc_error *err)
{
    static const char prefix[] = "SELECT (";
    *out = (pc_sql_text){.text = text, .what = what};
    PC_TRY(check_bytes(text, what, err));
    pc_buffer whole = {.budget = NULL};
    pc_status status = PC_OK;
    const char *end = is_expression ? "\n)" : "";
    if (is_expression) {
        out->prefix_bytes = sizeof prefix - 1;
        status = pc_buffer_print(&whole, err, "%s", prefix);
    }
    if (status == PC_OK) status = pc_sql_cut_lists(pc_span_of(text), out, &whole, err);
    if (status == PC_OK && whole.bytes > TEXT_BYTES) {
        status = PC_FAIL(err, PC_BAD_JOB,
                         "%s: an SQL text has at most %d bytes besides lists of IN of %d values "
                         "and more",
                         what, (int)TEXT_BYTES, (int)PC_SQL_LONG_LIST);
    }
    if (status == PC_OK) status = pc_buffer_append(&whole, end, strlen(end) + 1, err);
    if (status != PC_OK) {
        pc_buffer_release(&whole);
        return status;
    }
    PgQueryParseResult result = pg_query_parse(whole.data);
    if (result.error != NULL) {
        const int byte = byte_of_character(whole.data, result.error->cursorpos);
        const int character = pc_sql_position(out, byte);
        status = PC_FAIL(err, PC_BAD_JOB, "%s: character %d: %s", what,
                         character < 1 ? 1 : character, result.error->message);
    } else {
        status = read_tree(result.parse_tree, out, err);
    }
    pg_query_free_parse_result(result);
    pc_buffer_release(&whole);
    if (status != PC_OK) pc_sql_text_free(out);
    return status;
}

const cJSON *pc_node_body(const cJSON *node)
{
    return node == NULL ? NULL : node->child;
}

bool pc_node_is(const cJSON *node, const char *kind)
{
    const cJSON *body = pc_node_body(node);
    return body != NULL && body->string != NULL && strcmp(body->string, kind) == 0;
}

const cJSON *pc_node_get(const cJSON *body, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(body, key);
}

const char *pc_node_text(const cJSON *body, const char *key)
{
    return cJSON_GetStringValue(pc_node_get(body, key));
}

int pc_node_int(const cJSON *body, const char *key)
{
    const cJSON *value = pc_node_get(body, key);
    return cJSON_IsNumber(value) ? value->valueint : 0;
}

bool pc_node_bool(const cJSON *body, const char *key)
{
    return cJSON_IsTrue(pc_node_get(body, key)) != 0;
}

int pc_node_location(const cJSON *node)
{
    for (; node != NULL; node = node->child) {
        const cJSON *location = pc_node_get(node, "location");
        if (cJSON_IsNumber(location) && location->valueint >= 0) return location->valueint;
        if (cJSON_IsArray(node) && node->child == NULL) return -1;
    }
    return -1;
}

int pc_node_leftmost(const cJSON *node)
{
    int least = -1;
    const cJSON *item;
    cJSON_ArrayForEach(item, node)
    {
        const bool is_place = item->string != NULL && strcmp(item->string, "location") == 0;
        const int here = is_place && cJSON_IsNumber(item) ? item->valueint : pc_node_leftmost(item);
        if (here >= 0 && (least < 0 || here < least)) least = here;
    }
    return least;
}

const char *pc_node_string(const cJSON *node)
{
    return pc_node_is(node, "String") ? pc_node_text(pc_node_body(node), "sval") : NULL;
}

const char *pc_node_name(const cJSON *list)
{
    const int count = cJSON_GetArraySize(list);
    return count == 0 ? NULL : pc_node_string(cJSON_GetArrayItem(list, count - 1));
}

static bool is_among(const char *name, const char *const *list)
{
    for (; *list != NULL; list++) {
        if (strcmp(name, *list) == 0) return true;
    }
    return false;
}

pc_status pc_refuse_clauses(pc_binder *b, const cJSON *select, const char *const *allowed)
{
    static const struct {
        const char *key, *name;
    } clause[] = {{"withClause", "WITH"},          {"fromClause", "FROM"},
                  {"whereClause", "WHERE"},        {"groupClause", "GROUP BY"},
                  {"havingClause", "HAVING"},      {"windowClause", "WINDOW"},
                  {"valuesLists", "VALUES"},       {"sortClause", "ORDER BY"},
                  {"limitCount", "LIMIT"},         {"limitOffset", "OFFSET"},
                  {"lockingClause", "FOR UPDATE"}, {"distinctClause", "DISTINCT"},
                  {"intoClause", "INTO"},          {"groupDistinct", "GROUP BY DISTINCT"}};
    const char *op = pc_node_text(select, "op");
    if (op != NULL && strcmp(op, "SETOP_NONE") != 0) {
        return pc_bind_fail(b, -1, PC_UNSUPPORTED, "%s is not offered", op + strlen("SETOP_"));
    }
    for (size_t i = 0; i < sizeof clause / sizeof clause[0]; i++) {
        const cJSON *found = pc_node_get(select, clause[i].key);
        if (found == NULL || is_among(clause[i].key, allowed)) continue;
        return pc_bind_fail(b, pc_node_location(found), PC_UNSUPPORTED, "%s is not offered here",
                            clause[i].name);
    }
    return PC_OK;
}
