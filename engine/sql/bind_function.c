/** Function calls: a table of plain ones, and those with a rule of their own. */
#include <string.h>
#include <strings.h>
#include "sql_aggregate.h"
#include "sql_call.h"

/** One signature. Arguments: as of pc_call_bring; capital: may be left out. */
typedef struct plain_function {
    const char *name;
    pc_function_id id;
    const char *args;
    pc_type type; ///< of the result; PC_CODE: text
} plain_function;

static const plain_function plain[] = {
    {"substr", PC_FN_SUBSTRING, "tiI", PC_CODE},
    {"substring", PC_FN_SUBSTRING, "tiI", PC_CODE},
    {"left", PC_FN_LEFT, "ti", PC_CODE},
    {"right", PC_FN_RIGHT, "ti", PC_CODE},
    {"length", PC_FN_LENGTH, "t", PC_INT},
    {"char_length", PC_FN_LENGTH, "t", PC_INT},
    {"character_length", PC_FN_LENGTH, "t", PC_INT},
    {"lower", PC_FN_LOWER, "t", PC_CODE},
    {"upper", PC_FN_UPPER, "t", PC_CODE},
    {"replace", PC_FN_REPLACE, "ttt", PC_CODE},
    {"position", PC_FN_POSITION, "tt", PC_INT},
    {"strpos", PC_FN_POSITION, "tt", PC_INT},
    {"starts_with", PC_FN_STARTS_WITH, "tt", PC_BOOL},
    {"initcap", PC_FN_INITCAP, "t", PC_CODE},
    {"reverse", PC_FN_REVERSE, "t", PC_CODE},
    {"repeat", PC_FN_REPEAT, "ti", PC_CODE},
    {"split_part", PC_FN_SPLIT_PART, "tti", PC_CODE},
    {"translate", PC_FN_TRANSLATE, "ttt", PC_CODE},
    {"overlay", PC_FN_OVERLAY, "ttiI", PC_CODE},
    {"octet_length", PC_FN_OCTET_LENGTH, "t", PC_INT},
    {"ascii", PC_FN_ASCII, "t", PC_INT},
    {"chr", PC_FN_CHR, "i", PC_CODE},
    {"make_date", PC_FN_MAKE_DATE, "iii", PC_DATE},
};

bool pc_is_aggregate_name(const char *name)
{
    static const char *const known[] = {"count",     "sum",      "avg",  "min",      "max",
                                        "array_agg", "json_agg", "corr", "covar_pop"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(known[i], name) == 0) return true;
    }
    return pc_is_statistic(name);
}

pc_status pc_call_wrong(const pc_sql_call *c, const char *expected)
{
    return pc_bind_fail(c->b, c->location, PC_BAD_JOB, "%s: expected %s", c->name, expected);
}

pc_status pc_call_make(const pc_sql_call *c, pc_function_id id, pc_type type, uint8_t scale,
                       const void *extra, const pc_expr **out)
{
    return pc_make_call(c->b, id, type, scale, c->position, c->arg, c->count, extra, out);
}

static pc_type type_of_kind(char kind)
{
    switch (kind) {
        case 't':
            return PC_CODE;
        case 'd':
            return PC_DATE;
        case 'f':
            return PC_FLOAT;
        default:
            return PC_INT;
    }
}

pc_status pc_call_bring(pc_sql_call *c, int i, char kind)
{
    const pc_type wanted = type_of_kind(kind);
    const pc_type found = c->arg[i]->type;
    const bool widens = kind == 'f' && (found == PC_INT || found == PC_DECIMAL);
    if (found == PC_NONE || widens) return pc_bring_to(c->b, c->arg[i], wanted, 0, &c->arg[i]);
    const bool fits = kind == 't' ? pc_type_is_text(found) : found == wanted;
    if (fits) return PC_OK;
    return pc_bind_fail(c->b, c->location, PC_BAD_JOB,
                        "%s: expected %s as argument %d, found a value of type %s", c->name,
                        kind == 't' ? "a text" : pc_type_name(wanted), i + 1, pc_type_name(found));
}

pc_status pc_call_append(pc_sql_call *c, const pc_value *value)
{
    return pc_expr_constant(value, 0, c->b->arena, &c->arg[c->count++], c->b->err);
}

pc_type pc_call_text(const pc_sql_call *c)
{
    for (int i = 0; i < c->count; i++) {
        if (c->arg[i]->type == PC_TEXT) return PC_TEXT;
    }
    return PC_CODE;
}

static pc_status bind_plain(pc_sql_call *c, const plain_function *f, const pc_expr **out)
{
    const int most = (int)strlen(f->args);
    int least = 0;
    while (least < most && f->args[least] >= 'a') {
        least++;
    }
    if (c->count < least || c->count > most) {
        return pc_bind_fail(c->b, c->location, PC_BAD_JOB, "%s: expected %d arguments, found %d",
                            c->name, c->count < least ? least : most, c->count);
    }
    for (int i = 0; i < c->count; i++) {
        PC_TRY(pc_call_bring(c, i, (char)(f->args[i] | 32)));
    }
    const pc_type type = f->type == PC_CODE ? pc_call_text(c) : f->type;
    return pc_call_make(c, f->id, type, 0, NULL, out);
}

static const pc_value blank = {.type = PC_CODE, .text = {" ", 1}};

static pc_status bind_trim(pc_sql_call *c, pc_function_id id, const pc_expr **out)
{
    if (c->count != 1 && c->count != 2) return pc_call_wrong(c, "a text and the characters to cut");
    if (c->count == 1) PC_TRY(pc_call_append(c, &blank));
    PC_TRY(pc_call_bring(c, 0, 't'));
    PC_TRY(pc_call_bring(c, 1, 't'));
    return pc_call_make(c, id, pc_call_text(c), 0, NULL, out);
}

static pc_status bind_pad(pc_sql_call *c, pc_function_id id, const pc_expr **out)
{
    if (c->count != 3 && c->count != 2) return pc_call_wrong(c, "a text, a length and a filling");
    if (c->count == 2) PC_TRY(pc_call_append(c, &blank));
    PC_TRY(pc_call_bring(c, 0, 't'));
    PC_TRY(pc_call_bring(c, 1, 'i'));
    PC_TRY(pc_call_bring(c, 2, 't'));
    return pc_call_make(c, id, pc_call_text(c), 0, NULL, out);
}

// 't' or 'f', as PostgreSQL writes a boolean where it is not cast.
static pc_status letter_of_bool(pc_sql_call *c, int i)
{
    static const pc_value letter[2] = {{.type = PC_CODE, .text = {"t", 1}},
                                       {.type = PC_CODE, .text = {"f", 1}}};
    const pc_value null = {.type = PC_CODE, .is_null = true, .text = {"", 0}};
    const pc_expr *arg[5] = {c->arg[i], NULL, NULL, NULL, NULL};
    PC_TRY(pc_make_call(c->b, PC_FN_NOT, PC_BOOL, 0, 0, &c->arg[i], 1, NULL, &arg[2]));
    PC_TRY(pc_expr_constant(&letter[0], 0, c->b->arena, &arg[1], c->b->err));
    PC_TRY(pc_expr_constant(&letter[1], 0, c->b->arena, &arg[3], c->b->err));
    PC_TRY(pc_expr_constant(&null, 0, c->b->arena, &arg[4], c->b->err));
    return pc_make_call(c->b, PC_FN_CASE, PC_CODE, 0, 0, arg, 5, NULL, &c->arg[i]);
}

// concat(x, ...), concat_ws(separator, x, ...): any values, as text.
static pc_status bind_concat(pc_sql_call *c, pc_function_id id, const pc_expr **out)
{
    const int first = id == PC_FN_CONCAT_WITH ? 1 : 0;
    if (c->count <= first) return pc_call_wrong(c, "at least one value");
    if (first == 1) PC_TRY(pc_call_bring(c, 0, 't'));
    const pc_type type = pc_call_text(c);
    for (int i = first; i < c->count; i++) {
        if (c->arg[i]->type == PC_KEY) return pc_call_wrong(c, "values that can be written");
        const bool is_bool = c->arg[i]->type == PC_BOOL;
        if (!is_bool) PC_TRY(pc_bring_to(c->b, c->arg[i], PC_CODE, 0, &c->arg[i]));
        if (is_bool) PC_TRY(letter_of_bool(c, i));
    }
    return pc_call_make(c, id, type, 0, NULL, out);
}

// in_codes over whole numbers becomes an IN list when the set can be listed.
static pc_status bind_codes_of_numbers(pc_sql_call *c, const pc_code_test *test,
                                       const pc_expr **out)
{
    const int64_t *value;
    int64_t count;
    PC_TRY(pc_code_set_integers(test->set, test->system, c->b->arena, &value, &count, c->b->err));
    if (value == NULL) return pc_call_make(c, PC_FN_IN_CODES, PC_BOOL, 0, test, out);
    pc_in_list *list = pc_arena_take(c->b->arena, sizeof *list, c->b->err);
    if (list == NULL) return PC_NO_MEMORY;
    *list = (pc_in_list){.count = count, .integer = value};
    return pc_call_make(c, PC_FN_IN, PC_BOOL, 0, list, out);
}

/** A whole number that was cast to text, as code columns of studies are; else `x`. Codes of numbers
 *  are compared as they are written, so both mean the same. */
static const pc_expr *without_cast(const pc_expr *x)
{
    const bool is_cast = x->kind == PC_EXPR_CALL && pc_function_which(x->function) == PC_FN_CAST &&
                         pc_type_is_text(x->type);
    return is_cast && x->arg[0]->type == PC_INT ? x->arg[0] : x;
}

static pc_status bind_in_codes(pc_sql_call *c, const pc_expr **out)
{
    pc_scope *scope = c->b->scope;
    if (c->count != 2 || !pc_is_literal(c->arg[1])) {
        return pc_call_wrong(c, "a column and the name of a code set in quotes");
    }
    const pc_span text = c->arg[1]->constant.text;
    const char *name = pc_arena_text(c->b->arena, text.data, text.bytes, c->b->err);
    pc_code_test *test = pc_arena_take(c->b->arena, sizeof *test, c->b->err);
    if (name == NULL || test == NULL) return PC_NO_MEMORY;
    const pc_code_set *set = scope->codes == NULL ? NULL : scope->codes(scope, name);
    if (set == NULL) {
        return pc_bind_fail(c->b, c->location, PC_BAD_JOB, "in_codes: unknown code set '%s'", name);
    }
    const int system = scope->system == NULL ? -1 : scope->system(scope, c->arg[0]);
    *test = (pc_code_test){.set = set, .system = system, .name = name};
    c->count = 1;
    c->arg[0] = without_cast(c->arg[0]);
    if (c->arg[0]->type == PC_INT) return bind_codes_of_numbers(c, test, out);
    PC_TRY(pc_call_bring(c, 0, 't'));
    return pc_call_make(c, PC_FN_IN_CODES, PC_BOOL, 0, test, out);
}

static pc_status bind_special(pc_sql_call *c, bool *found, const pc_expr **out)
{
    static const struct {
        const char *name;
        pc_function_id id;
        pc_status (*bind)(pc_sql_call *c, pc_function_id id, const pc_expr **out);
    } known[] = {
        {"btrim", PC_FN_TRIM_BOTH, bind_trim}, {"trim", PC_FN_TRIM_BOTH, bind_trim},
        {"ltrim", PC_FN_TRIM_LEFT, bind_trim}, {"rtrim", PC_FN_TRIM_RIGHT, bind_trim},
        {"lpad", PC_FN_PAD_LEFT, bind_pad},    {"rpad", PC_FN_PAD_RIGHT, bind_pad},
        {"concat", PC_FN_CONCAT, bind_concat}, {"concat_ws", PC_FN_CONCAT_WITH, bind_concat}};
    *found = true;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(known[i].name, c->name) == 0) return known[i].bind(c, known[i].id, out);
    }
    if (strcmp(c->name, "regexp_like") == 0) return pc_bind_regexp_like(c, out);
    if (strcmp(c->name, "in_codes") == 0) return bind_in_codes(c, out);
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        if (strcmp(plain[i].name, c->name) == 0) return bind_plain(c, &plain[i], out);
    }
    *found = false;
    return PC_OK;
}

// Names that a misspelt one is compared with; the last ones are of aggregates and window functions.
static const char *const known_names[] = {"substr",
                                          "substring",
                                          "left",
                                          "right",
                                          "length",
                                          "lower",
                                          "upper",
                                          "replace",
                                          "strpos",
                                          "make_date",
                                          "year",
                                          "month",
                                          "week",
                                          "date_part",
                                          "round",
                                          "floor",
                                          "ceil",
                                          "abs",
                                          "sign",
                                          "btrim",
                                          "ltrim",
                                          "rtrim",
                                          "lpad",
                                          "rpad",
                                          "concat",
                                          "mod",
                                          "band",
                                          "age_on",
                                          "in_codes",
                                          "date_trunc",
                                          "extract",
                                          "coalesce",
                                          "greatest",
                                          "least",
                                          "nullif",
                                          "starts_with",
                                          "trunc",
                                          "power",
                                          "sqrt",
                                          "cbrt",
                                          "exp",
                                          "ln",
                                          "log",
                                          "div",
                                          "to_char",
                                          "overlaps",
                                          "initcap",
                                          "reverse",
                                          "repeat",
                                          "translate",
                                          "overlay",
                                          "ascii",
                                          "chr",
                                          "split_part",
                                          "concat_ws",
                                          "width_bucket",
                                          "octet_length",
                                          "char_length",
                                          "regexp_like",
                                          "count",
                                          "sum",
                                          "avg",
                                          "min",
                                          "max",
                                          "stddev",
                                          "variance",
                                          "percentile_cont",
                                          "percentile_disc",
                                          "approx_count_distinct",
                                          "approx_percentile",
                                          "mode",
                                          "string_agg",
                                          "bool_or",
                                          "bool_and",
                                          "row_number",
                                          "rank",
                                          "dense_rank",
                                          "lag",
                                          "lead",
                                          "first_value",
                                          "last_value",
                                          "ntile"};
enum { KNOWN_NAMES = sizeof known_names / sizeof known_names[0] };

static bool is_known(const char *name)
{
    for (size_t i = 0; i < KNOWN_NAMES; i++) {
        if (strcmp(known_names[i], name) == 0) return true;
    }
    return false;
}

const char *pc_nearest_function(const char *name)
{
    return pc_nearest_name(name, known_names, KNOWN_NAMES);
}

static pc_status unknown_function(const pc_sql_call *c)
{
    const char *nearest = pc_nearest_function(c->name);
    return pc_bind_unknown(c->b, c->location, PC_UNSUPPORTED, nearest,
                           "the function %s is not offered", c->name);
}

pc_status pc_bind_function(pc_binder *b, const cJSON *body, const pc_expr **out)
{
    pc_sql_call c = {.b = b, .body = body, .location = pc_node_int(body, "location")};
    c.name = pc_node_name(pc_node_get(body, "funcname"));
    c.position = pc_sql_position(b->text, c.location);
    if (c.name == NULL) return pc_bind_fail(b, c.location, PC_UNSUPPORTED, "expected a function");
    if (pc_node_get(body, "over") != NULL) {
        if (b->window != NULL) return b->window(b, body, c.name, out);
        return pc_bind_fail(b, c.location, PC_BAD_JOB,
                            "%s: a window function is not allowed here: it stands among the "
                            "outputs or in ORDER BY",
                            c.name);
    }
    if (pc_is_aggregate_name(c.name)) {
        if (b->aggregate != NULL) return b->aggregate(b, body, c.name, out);
        return pc_bind_fail(b, c.location, PC_BAD_JOB, "the aggregate %s is not allowed here",
                            c.name);
    }
    if (pc_node_get(body, "agg_filter") != NULL || pc_node_bool(body, "agg_distinct") ||
        pc_node_bool(body, "agg_star") || pc_node_get(body, "agg_order") != NULL ||
        pc_node_bool(body, "func_variadic")) {
        if (!is_known(c.name)) return unknown_function(&c);
        return pc_bind_fail(b, c.location, PC_BAD_JOB,
                            "%s is not an aggregate: DISTINCT, FILTER, ORDER BY and * are not "
                            "allowed in it",
                            c.name);
    }
    bool is_part;
    PC_TRY(pc_bind_date_part(&c, &is_part, out));
    if (is_part) return PC_OK;
    const cJSON *args = pc_node_get(body, "args");
    if (cJSON_GetArraySize(args) >= PC_SQL_ARGUMENTS) { // one more may be put behind them
        return pc_bind_fail(b, c.location, PC_UNSUPPORTED, "%s: at most %d arguments", c.name,
                            PC_SQL_ARGUMENTS - 1);
    }
    const cJSON *node;
    cJSON_ArrayForEach(node, args)
    {
        PC_TRY(pc_bind_node(b, node, &c.arg[c.count++]));
    }
    bool found;
    PC_TRY(pc_bind_number_function(&c, &found, out));
    if (!found) PC_TRY(pc_bind_date_function(&c, &found, out));
    if (!found) PC_TRY(bind_special(&c, &found, out));
    return found ? PC_OK : unknown_function(&c);
}
