/** A column line of a model: "PHA_PRS_C13 int(14) system=CIP13 sensitive core null=0 : label". */
#include <assert.h>
#include <string.h>
#include "model_build.h"

enum { SMALL_DIGITS = 9, LARGE_DIGITS = 18 }; // what 4 and 8 bytes hold of any number of digits

typedef struct type_text {
    const char *name;
    int arguments; // how many numbers in brackets, -1: a word
    pc_type type;
} type_text;

static const type_text TYPE[] = {
    {"bool", 0, PC_BOOL},  {"int", 1, PC_INT},   {"decimal", 2, PC_DECIMAL}, {"float", 0, PC_FLOAT},
    {"date", -1, PC_DATE}, {"code", 0, PC_CODE}, {"id", 1, PC_ID},           {"text", 0, PC_TEXT}};

// A number of one or two digits at *at, moved behind it; -1: none.
static int small_number(const char **at)
{
    int value = 0;
    int digits = 0;
    for (; **at >= '0' && **at <= '9' && digits < 2; (*at)++, digits++) {
        value = 10 * value + (**at - '0');
    }
    return digits == 0 ? -1 : value;
}

static pc_status bad_type(const model_builder *b, const char *path, const char *word)
{
    return model_fail(b, path,
                      "expected a type (bool, int(digits), decimal(digits,scale), float, date, "
                      "date(ddmmyyyy), date(yyyymmdd), code, id(1..64), text), found '%.40s'",
                      word);
}

static uint8_t storage_digits(int digits)
{
    return digits <= SMALL_DIGITS ? SMALL_DIGITS : LARGE_DIGITS;
}

static pc_status set_numbers(const model_builder *b, const char *path, const char *word, int first,
                             int second, pc_model_column *column)
{
    switch (column->type) {
        case PC_INT:
            if (first < 1 || first > LARGE_DIGITS) break;
            column->digits = storage_digits(first);
            return PC_OK;
        case PC_DECIMAL:
            if (first < 1 || first > LARGE_DIGITS || second < 0 || second > first) break;
            column->digits = storage_digits(first);
            column->scale = (uint8_t)second;
            return PC_OK;
        case PC_ID:
            if (first < 1 || first > PC_ID_MAX_BYTES) break;
            column->width = (uint8_t)first;
            return PC_OK;
        default:
            return PC_OK;
    }
    return model_fail(b, path,
                      "'%.40s': digits are 1 to %d, a scale at most the digits, bytes of an "
                      "id 1 to %d",
                      word, LARGE_DIGITS, PC_ID_MAX_BYTES);
}

static pc_status read_type(const model_builder *b, const char *path, const char *word,
                           pc_model_column *column)
{
    const size_t name_bytes = strcspn(word, "(");
    const type_text *type = NULL;
    for (size_t i = 0; i < sizeof TYPE / sizeof TYPE[0] && type == NULL; i++) {
        if (strlen(TYPE[i].name) == name_bytes && memcmp(TYPE[i].name, word, name_bytes) == 0) {
            type = &TYPE[i];
        }
    }
    if (type == NULL) return bad_type(b, path, word);
    column->type = type->type;
    const char *at = word + name_bytes;
    int number[2] = {-1, -1};
    if (type->arguments == -1 && strcmp(at, "(ddmmyyyy)") == 0) {
        column->date_format = PC_DATE_DDMMYYYY;
        return PC_OK;
    }
    if (type->arguments == -1 && strcmp(at, "(yyyymmdd)") == 0) {
        column->date_format = PC_DATE_YYYYMMDD;
        return PC_OK;
    }
    for (int i = 0; i < type->arguments; i++) {
        if (*at++ != (i == 0 ? '(' : ',')) return bad_type(b, path, word);
        number[i] = small_number(&at);
    }
    if (type->arguments > 0 && *at++ != ')') return bad_type(b, path, word);
    if (*at != '\0') return bad_type(b, path, word);
    return set_numbers(b, path, word, number[0], number[1], column);
}

static pc_status read_null_marks(const model_builder *b, char *list, pc_model_column *column)
{
    int count = 1;
    for (const char *c = list; *c != '\0'; c++)
        count += *c == ',';
    const char **mark = pc_arena_array(b->arena, (size_t)count, sizeof *mark, b->err);
    if (mark == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < count; i++) {
        mark[i] = list;
        list += strcspn(list, ",");
        if (*list == ',') *list++ = '\0';
    }
    column->null_mark = mark;
    column->null_count = count;
    return PC_OK;
}

static pc_status read_system(const model_builder *b, const char *path, const char *name,
                             model_line *line)
{
    const int system = pc_model_find_system(b->model, pc_span_of(name));
    if (system < 0) {
        const int count = b->model->system_count;
        const char **known = pc_arena_array(b->arena, (size_t)count + 1, sizeof *known, b->err);
        if (known == NULL) return PC_NO_MEMORY;
        for (int i = 0; i < count; i++)
            known[i] = b->system[i].name;
        const char *near = pc_nearest_name(name, known, (size_t)count);
        return model_fail(b, path, "no code system '%.63s'%s%s%s", name,
                          near != NULL ? ", did you mean '" : "", near != NULL ? near : "",
                          near != NULL ? "'?" : "");
    }
    line->column.system = system;
    if (line->dict == NULL) line->dict = b->system[system].name;
    return PC_OK;
}

static pc_status read_attribute(const model_builder *b, const char *path, char *word,
                                model_line *line)
{
    if (strcmp(word, "core") == 0) {
        line->column.core = true;
        return PC_OK;
    }
    if (strcmp(word, "often") == 0) {
        line->column.often = true;
        return PC_OK;
    }
    for (int i = PC_CLASS_PLAIN; i <= PC_CLASS_PATIENT; i++) {
        if (strcmp(word, pc_class_name((pc_class)i)) == 0) {
            line->column.class_of = (pc_class)i;
            return PC_OK;
        }
    }
    if (strncmp(word, "system=", 7) == 0) return read_system(b, path, word + 7, line);
    if (strncmp(word, "null=", 5) == 0) return read_null_marks(b, word + 5, &line->column);
    if (strncmp(word, "unit=", 5) == 0) {
        line->column.unit = word + 5;
        return PC_OK;
    }
    if (strncmp(word, "codes=", 6) == 0) {
        line->column.codes = word + 6;
        return PC_OK;
    }
    if (strncmp(word, "dict=", 5) == 0) {
        line->dict = word + 5;
        return model_check_name(b, path, line->dict);
    }
    return model_fail(
        b, path,
        "expected core, often, a class (plain, quasi, sensitive, potential_id, "
        "professional_id, direct_id, patient), system=, dict=, codes=, null= or unit=, "
        "found '%.40s'",
        word);
}

// The next word of *at, cut with a NUL; NULL at the end.
static char *next_word(char **at)
{
    char *word = *at + strspn(*at, " ");
    if (*word == '\0') return NULL;
    char *end = word + strcspn(word, " ");
    *at = *end == '\0' ? end : end + 1;
    *end = '\0';
    return word;
}

pc_status model_read_line(model_builder *b, const char *path, const char *text, model_line *out)
{
    *out = (model_line){.column = {.system = -1, .dict = -1, .parent_column = -1}};
    out->text = pc_arena_text(b->arena, text, strlen(text), b->err);
    if (out->text == NULL) return PC_NO_MEMORY;
    char *label = strstr(out->text, " : ");
    if (label != NULL) {
        *label = '\0';
        out->column.label = label + 3;
    }
    char *at = out->text;
    const char *name = next_word(&at);
    const char *type = next_word(&at);
    if (name == NULL || type == NULL) return model_fail(b, path, "expected \"NAME type ...\"");
    PC_TRY(model_check_name(b, path, name));
    out->column.name = name;
    PC_TRY(read_type(b, path, type, &out->column));
    for (char *word = next_word(&at); word != NULL; word = next_word(&at)) {
        PC_TRY(read_attribute(b, path, word, out));
    }
    const pc_type t = out->column.type;
    const bool is_text = t == PC_CODE || t == PC_TEXT;
    if (out->column.system >= 0 && !is_text && t != PC_INT && t != PC_ID) {
        return model_fail(b, path, "a code system needs type code, text, int or id");
    }
    if (out->column.system < 0 && out->dict != NULL && !is_text) {
        return model_fail(b, path, "a dictionary needs type code or text");
    }
    return PC_OK;
}

// A hash of a name without regard to case (FNV-1a): thousands of names are compared with each
// other, and four bytes each are compared faster than texts.
static uint32_t name_hash(const char *name)
{
    uint32_t hash = 2166136261U;
    for (; *name != '\0'; name++) {
        const unsigned char c = (unsigned char)*name;
        hash = (hash ^ (c >= 'A' && c <= 'Z' ? c + 32U : c)) * 16777619U;
    }
    return hash;
}

int model_dict(model_builder *b, const char *name)
{
    const uint32_t hash = name_hash(name);
    const int count = b->model->dict_count;
    for (int i = 0; i < count; i++) {
        if (b->dict_hash[i] == hash && strcmp(b->dict[i], name) == 0) return i;
    }
    if (count == b->dict_room) return -1;
    b->dict_hash[count] = hash;
    b->dict[count] = name;
    b->model->dict_count++;
    return count;
}

pc_status model_take_columns(model_builder *b, int table, int count)
{
    b->column[table] = pc_arena_array(b->arena, (size_t)count, sizeof **b->column, b->err);
    b->column_hash[table] =
        pc_arena_array(b->arena, (size_t)count, sizeof **b->column_hash, b->err);
    b->table[table].column = b->column[table];
    if (b->column[table] == NULL || b->column_hash[table] == NULL) return PC_NO_MEMORY;
    return PC_OK;
}

static bool has_column(const model_builder *b, int table, const char *name, uint32_t hash)
{
    const pc_model_table *t = &b->table[table];
    for (int i = 0; i < t->column_count; i++) {
        if (b->column_hash[table][i] == hash &&
            pc_span_equal_nocase(pc_span_of(t->column[i].name), pc_span_of(name))) {
            return true;
        }
    }
    return false;
}

pc_status model_add_column(model_builder *b, const char *path, int table,
                           const pc_model_column *column, const char *dict)
{
    static const char *const own[] = {"patient", "patient_status", "stay"};
    pc_model_table *t = &b->table[table];
    for (size_t i = 0; i < sizeof own / sizeof own[0] && column->origin != PC_FROM_PERSON; i++) {
        if (pc_span_equal_nocase(pc_span_of(own[i]), pc_span_of(column->name))) {
            return model_fail(b, path, "'%s' is a name of the engine's own", own[i]);
        }
    }
    const uint32_t hash = name_hash(column->name);
    if (has_column(b, table, column->name, hash)) {
        return model_fail(b, path, "column '%s' is in %s twice", column->name, t->name);
    }
    pc_model_column *c = &b->column[table][t->column_count];
    b->column_hash[table][t->column_count] = hash;
    *c = *column;
    if (c->type == PC_CODE || c->type == PC_TEXT) {
        c->dict = model_dict(b, dict != NULL ? dict : c->name);
        assert(c->dict >= 0);
    }
    t->column_count++;
    return PC_OK;
}
