/** Function calls: a table of plain ones, and those with a rule of their own. */
#include <string.h>
#include <strings.h>
#include "sql_private.h"

/** One signature. Arguments: t text, i int, d date; capital: may be left out. */
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
    {"make_date", PC_FN_MAKE_DATE, "iii", PC_DATE},
};

static const struct {
    const char *name;
    pc_date_part part;
} date_parts[] = {
    {"year", PC_PART_YEAR},
    {"years", PC_PART_YEAR},
    {"quarter", PC_PART_QUARTER},
    {"month", PC_PART_MONTH},
    {"week", PC_PART_WEEK},
    {"day", PC_PART_DAY},
    {"doy", PC_PART_DAY_OF_YEAR},
    {"dow", PC_PART_DAY_OF_WEEK},
    {"isodow", PC_PART_ISO_DAY_OF_WEEK},
    {"isoyear", PC_PART_ISO_YEAR},
    {"decade", PC_PART_DECADE},
};

bool pc_is_aggregate_name(const char *name)
{
    static const char *const known[] = {"count",     "sum",         "avg",
                                        "min",       "max",         "stddev",
                                        "variance",  "stddev_samp", "stddev_pop",
                                        "var_pop",   "var_samp",    "string_agg",
                                        "array_agg", "bool_and",    "bool_or",
                                        "every",     "mode",        "percentile_cont",
                                        "json_agg",  "corr",        "percentile_disc"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(known[i], name) == 0) return true;
    }
    return false;
}

/** A call being bound. */
typedef struct call {
    pc_binder *b;
    const char *name;
    const cJSON *body;
    int location;
    int position;
    int count;
    const pc_expr *arg[8]; ///< untyped literals included
} call;

static pc_status wrong_call(const call *c, const char *expected)
{
    return pc_bind_fail(c->b, c->location, PC_BAD_JOB, "%s: expected %s", c->name, expected);
}

static pc_status make(const call *c, pc_function_id id, pc_type type, uint8_t scale,
                      const void *extra, const pc_expr **out)
{
    return pc_make_call(c->b, id, type, scale, c->position, c->arg, c->count, extra, out);
}

// One argument as the kind that a signature asks for.
static pc_status bring_argument(call *c, int i, char kind)
{
    const pc_type wanted = kind == 't' ? PC_CODE : kind == 'd' ? PC_DATE : PC_INT;
    const pc_type found = c->arg[i]->type;
    if (found == PC_NONE) return pc_bring_to(c->b, c->arg[i], wanted, 0, &c->arg[i]);
    const bool fits = kind == 't' ? pc_type_is_text(found) : found == wanted;
    if (fits) return PC_OK;
    return pc_bind_fail(c->b, c->location, PC_BAD_JOB,
                        "%s: expected %s as argument %d, found a value of type %s", c->name,
                        kind == 't' ? "a text" : pc_type_name(wanted), i + 1, pc_type_name(found));
}

static pc_status bind_plain(call *c, const plain_function *f, const pc_expr **out)
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
    pc_type type = f->type;
    for (int i = 0; i < c->count; i++) {
        PC_TRY(bring_argument(c, i, (char)(f->args[i] | 32)));
        if (type == PC_CODE && c->arg[i]->type == PC_TEXT) type = PC_TEXT;
    }
    return make(c, f->id, type, 0, NULL, out);
}

static const pc_date_part *find_part(pc_span name)
{
    for (size_t i = 0; i < sizeof date_parts / sizeof date_parts[0]; i++) {
        if (pc_span_equal_nocase(name, pc_span_of(date_parts[i].name))) return &date_parts[i].part;
    }
    return NULL;
}

static pc_status bind_part(call *c, const pc_date_part *part, const pc_expr *date, bool truncate,
                           const pc_expr **out)
{
    c->arg[0] = date;
    c->count = 1;
    PC_TRY(bring_argument(c, 0, 'd'));
    const bool truncates = *part == PC_PART_YEAR || *part == PC_PART_QUARTER ||
                           *part == PC_PART_MONTH || *part == PC_PART_WEEK ||
                           *part == PC_PART_DAY || *part == PC_PART_DECADE;
    if (truncate && !truncates) return wrong_call(c, "year, quarter, month, week or day");
    return make(c, truncate ? PC_FN_DATE_TRUNC : PC_FN_DATE_PART, truncate ? PC_DATE : PC_INT, 0,
                part, out);
}

// extract(part FROM d), date_part('part', d), date_trunc('part', d), year(d), month(d), week(d).
static pc_status bind_date_function(call *c, bool *found, const pc_expr **out)
{
    const bool truncate = strcmp(c->name, "date_trunc") == 0;
    const bool two =
        truncate || strcmp(c->name, "extract") == 0 || strcmp(c->name, "date_part") == 0;
    static const char *const single[] = {"year", "month", "week", "day", "quarter"};
    *found = two;
    for (size_t i = 0; i < sizeof single / sizeof single[0]; i++) {
        if (strcmp(c->name, single[i]) != 0) continue;
        *found = true;
        if (c->count != 1) return wrong_call(c, "one date");
        return bind_part(c, find_part(pc_span_of(c->name)), c->arg[0], false, out);
    }
    if (!two) return PC_OK;
    if (c->count != 2 || !pc_is_literal(c->arg[0])) return wrong_call(c, "a part and a date");
    const pc_date_part *part = find_part(c->arg[0]->constant.text);
    if (part == NULL) {
        return pc_bind_fail(
            c->b, c->location, PC_UNSUPPORTED,
            "%s: expected one of year, quarter, month, week, day, doy, dow, isodow, "
            "isoyear, decade",
            c->name);
    }
    return bind_part(c, part, c->arg[1], truncate, out);
}

// round(x), round(x, n), floor, ceil, abs, sign, mod.
static pc_status bind_rounding(call *c, pc_function_id id, const pc_expr **out)
{
    const bool to_digits = id == PC_FN_ROUND && c->count == 2;
    if (c->count != 1 && !to_digits) return wrong_call(c, "one number");
    if (c->arg[0]->type == PC_NONE) {
        PC_TRY(pc_bring_to(c->b, c->arg[0], PC_FLOAT, 0, &c->arg[0]));
    }
    const pc_type type = c->arg[0]->type;
    if (type != PC_INT && type != PC_DECIMAL && type != PC_FLOAT) {
        return wrong_call(c, "a number");
    }
    if (to_digits) {
        const pc_expr *digits = c->arg[1];
        if (digits->kind != PC_EXPR_CONSTANT || digits->type != PC_INT ||
            digits->constant.is_null || digits->constant.integer < 0 ||
            digits->constant.integer > PC_DECIMAL_MAX_SCALE) {
            return pc_bind_fail(c->b, c->location, PC_UNSUPPORTED,
                                "round: expected a constant from 0 to 18 as number of digits");
        }
        c->count = 1;
        return make(c, id, PC_DECIMAL, (uint8_t)digits->constant.integer, NULL, out);
    }
    const bool whole = id == PC_FN_ROUND || id == PC_FN_FLOOR || id == PC_FN_CEIL;
    if (type == PC_INT && whole) {
        *out = c->arg[0];
        return PC_OK;
    }
    if (id == PC_FN_SIGN && type != PC_FLOAT) return make(c, id, PC_INT, 0, NULL, out);
    return make(c, id, type, whole ? 0 : c->arg[0]->scale, NULL, out);
}

static pc_status bind_trim(call *c, pc_function_id id, const pc_expr **out)
{
    if (c->count != 1 && c->count != 2) return wrong_call(c, "a text and the characters to cut");
    if (c->count == 1) {
        const pc_value blank = {.type = PC_CODE, .text = {" ", 1}};
        PC_TRY(pc_expr_constant(&blank, 0, c->b->arena, &c->arg[1], c->b->err));
        c->count = 2;
    }
    PC_TRY(bring_argument(c, 0, 't'));
    PC_TRY(bring_argument(c, 1, 't'));
    return make(c, id, c->arg[0]->type == PC_TEXT ? PC_TEXT : PC_CODE, 0, NULL, out);
}

static pc_status bind_pad(call *c, pc_function_id id, const pc_expr **out)
{
    if (c->count != 3 && c->count != 2) return wrong_call(c, "a text, a length and a filling");
    if (c->count == 2) {
        const pc_value blank = {.type = PC_CODE, .text = {" ", 1}};
        PC_TRY(pc_expr_constant(&blank, 0, c->b->arena, &c->arg[2], c->b->err));
        c->count = 3;
    }
    PC_TRY(bring_argument(c, 0, 't'));
    PC_TRY(bring_argument(c, 1, 'i'));
    PC_TRY(bring_argument(c, 2, 't'));
    return make(c, id, c->arg[0]->type == PC_TEXT ? PC_TEXT : PC_CODE, 0, NULL, out);
}

static pc_status bind_concat(call *c, const pc_expr **out)
{
    pc_type type = PC_CODE;
    for (int i = 0; i < c->count; i++) {
        if (c->arg[i]->type == PC_KEY) return wrong_call(c, "values that can be written");
        if (c->arg[i]->type == PC_TEXT) type = PC_TEXT;
        PC_TRY(pc_bring_to(c->b, c->arg[i], PC_CODE, 0, &c->arg[i]));
    }
    if (c->count == 0) return wrong_call(c, "at least one value");
    return make(c, PC_FN_CONCAT, type, 0, NULL, out);
}

static pc_status bind_mod(call *c, const pc_expr **out)
{
    pc_type type;
    uint8_t scale;
    if (c->count != 2) return wrong_call(c, "two numbers");
    PC_TRY(pc_common_type(c->b, c->arg, 2, c->location, c->name, &type, &scale));
    if (type != PC_INT && type != PC_DECIMAL) return wrong_call(c, "two whole or decimal numbers");
    PC_TRY(pc_bring_to(c->b, c->arg[0], type, scale, &c->arg[0]));
    PC_TRY(pc_bring_to(c->b, c->arg[1], type, scale, &c->arg[1]));
    return make(c, PC_FN_MODULO, type, scale, NULL, out);
}

static pc_status bind_band(call *c, const pc_expr **out)
{
    if (c->count != 2) return wrong_call(c, "a whole number and the width of a band");
    PC_TRY(bring_argument(c, 0, 'i'));
    PC_TRY(bring_argument(c, 1, 'i'));
    return make(c, PC_FN_BAND, PC_CODE, 0, NULL, out);
}

static pc_status bind_age(call *c, const pc_expr **out)
{
    pc_scope *scope = c->b->scope;
    if (c->count != 1) return wrong_call(c, "one date");
    PC_TRY(bring_argument(c, 0, 'd'));
    const pc_expr *day = c->arg[0];
    c->arg[0] = NULL;
    PC_TRY(scope->column(scope, NULL, "birth_date", c->position, &c->arg[0], c->b->err));
    if (c->arg[0] == NULL) return wrong_call(c, "a person with a birth_date here");
    c->arg[1] = day;
    c->count = 2;
    return make(c, PC_FN_AGE_ON, PC_INT, 0, NULL, out);
}

// in_codes over whole numbers becomes an IN list when the set can be listed.
static pc_status bind_codes_of_numbers(call *c, const pc_code_test *test, const pc_expr **out)
{
    const int64_t *value;
    int64_t count;
    PC_TRY(pc_code_set_integers(test->set, test->system, c->b->arena, &value, &count, c->b->err));
    if (value == NULL) return make(c, PC_FN_IN_CODES, PC_BOOL, 0, test, out);
    pc_in_list *list = pc_arena_take(c->b->arena, sizeof *list, c->b->err);
    if (list == NULL) return PC_NO_MEMORY;
    *list = (pc_in_list){.count = count, .integer = value};
    return make(c, PC_FN_IN, PC_BOOL, 0, list, out);
}

static pc_status bind_in_codes(call *c, const pc_expr **out)
{
    pc_scope *scope = c->b->scope;
    if (c->count != 2 || !pc_is_literal(c->arg[1])) {
        return wrong_call(c, "a column and the name of a code set in quotes");
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
    if (c->arg[0]->type == PC_INT) return bind_codes_of_numbers(c, test, out);
    PC_TRY(bring_argument(c, 0, 't'));
    return make(c, PC_FN_IN_CODES, PC_BOOL, 0, test, out);
}

static pc_status bind_special(call *c, bool *found, const pc_expr **out)
{
    static const struct {
        const char *name;
        pc_function_id id;
        pc_status (*bind)(call *c, pc_function_id id, const pc_expr **out);
    } known[] = {{"round", PC_FN_ROUND, bind_rounding},  {"floor", PC_FN_FLOOR, bind_rounding},
                 {"ceil", PC_FN_CEIL, bind_rounding},    {"ceiling", PC_FN_CEIL, bind_rounding},
                 {"abs", PC_FN_ABS, bind_rounding},      {"sign", PC_FN_SIGN, bind_rounding},
                 {"btrim", PC_FN_TRIM_BOTH, bind_trim},  {"ltrim", PC_FN_TRIM_LEFT, bind_trim},
                 {"rtrim", PC_FN_TRIM_RIGHT, bind_trim}, {"lpad", PC_FN_PAD_LEFT, bind_pad},
                 {"trim", PC_FN_TRIM_BOTH, bind_trim},   {"rpad", PC_FN_PAD_RIGHT, bind_pad}};
    *found = true;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(known[i].name, c->name) == 0) return known[i].bind(c, known[i].id, out);
    }
    if (strcmp(c->name, "concat") == 0) return bind_concat(c, out);
    if (strcmp(c->name, "mod") == 0) return bind_mod(c, out);
    if (strcmp(c->name, "band") == 0) return bind_band(c, out);
    if (strcmp(c->name, "age_on") == 0) return bind_age(c, out);
    if (strcmp(c->name, "in_codes") == 0) return bind_in_codes(c, out);
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        if (strcmp(plain[i].name, c->name) == 0) return bind_plain(c, &plain[i], out);
    }
    *found = false;
    return PC_OK;
}

static pc_status unknown_function(const call *c)
{
    static const char *const known[] = {
        "substr",  "substring", "left",     "right",     "length",   "lower",
        "upper",   "replace",   "strpos",   "make_date", "year",     "month",
        "week",    "date_part", "round",    "floor",     "ceil",     "abs",
        "sign",    "btrim",     "ltrim",    "rtrim",     "lpad",     "rpad",
        "concat",  "mod",       "band",     "age_on",    "in_codes", "date_trunc",
        "extract", "coalesce",  "greatest", "least",     "nullif",   "starts_with"};
    const char *nearest = pc_nearest_name(c->name, known, sizeof known / sizeof known[0]);
    return pc_bind_fail(c->b, c->location, PC_UNSUPPORTED, "the function %s is not offered%s%s%s",
                        c->name, nearest == NULL ? "" : "; did you mean ",
                        nearest == NULL ? "" : nearest, nearest == NULL ? "" : "?");
}

pc_status pc_bind_function(pc_binder *b, const cJSON *body, const pc_expr **out)
{
    call c = {.b = b, .body = body, .location = pc_node_int(body, "location")};
    c.name = pc_node_name(pc_node_get(body, "funcname"));
    c.position = pc_sql_position(b->text, c.location);
    if (c.name == NULL) return pc_bind_fail(b, c.location, PC_UNSUPPORTED, "expected a function");
    if (pc_node_get(body, "over") != NULL) {
        return pc_bind_fail(b, c.location, PC_UNSUPPORTED, "%s: window functions are not offered",
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
        return pc_bind_fail(b, c.location, PC_BAD_JOB,
                            "%s is not an aggregate: DISTINCT, FILTER, ORDER BY and * are not "
                            "allowed in it",
                            c.name);
    }
    const cJSON *args = pc_node_get(body, "args");
    if (cJSON_GetArraySize(args) > (int)(sizeof c.arg / sizeof c.arg[0])) {
        return pc_bind_fail(b, c.location, PC_UNSUPPORTED, "%s: at most 8 arguments", c.name);
    }
    const cJSON *node;
    cJSON_ArrayForEach(node, args)
    {
        PC_TRY(pc_bind_node(b, node, &c.arg[c.count++]));
    }
    bool found;
    PC_TRY(bind_date_function(&c, &found, out));
    if (found) return PC_OK;
    PC_TRY(bind_special(&c, &found, out));
    return found ? PC_OK : unknown_function(&c);
}
