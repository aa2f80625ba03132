/** Types of PostgreSQL as far as we have them: literals, common types, casts, intervals. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "sql_private.h"

bool pc_is_literal(const pc_expr *x)
{
    return x->kind == PC_EXPR_CONSTANT && x->type == PC_NONE && !x->constant.is_null;
}

bool pc_is_bare_null(const pc_expr *x)
{
    return x->kind == PC_EXPR_CONSTANT && x->type == PC_NONE && x->constant.is_null;
}

static bool is_number(pc_type type)
{
    return type == PC_INT || type == PC_DECIMAL || type == PC_FLOAT;
}

pc_status pc_make_int(pc_binder *b, int64_t value, const pc_expr **out)
{
    const pc_value constant = {.type = PC_INT, .integer = value};
    return pc_expr_constant(&constant, 0, b->arena, out, b->err);
}

// Digits as written: int, or decimal with as many digits behind the point.
bool pc_read_number(pc_span text, pc_value *out)
{
    const char *point = memchr(text.data, '.', text.bytes);
    const size_t decimals = point == NULL ? 0 : text.bytes - (size_t)(point - text.data) - 1;
    char digits[64];
    if (decimals > PC_DECIMAL_MAX_SCALE || text.bytes + 2 > sizeof digits) return false;
    // "5." and "-.5" are numbers of SQL: "5" and "-0.5" are numbers of ours.
    size_t bytes = 0;
    const size_t sign = text.bytes > 0 && (text.data[0] == '-' || text.data[0] == '+') ? 1 : 0;
    if (sign == 1) digits[bytes++] = text.data[0];
    if (point == text.data + sign) digits[bytes++] = '0';
    memcpy(digits + bytes, text.data + sign, text.bytes - sign);
    bytes += text.bytes - sign;
    if (point != NULL && decimals == 0) bytes--;
    const pc_span all = {digits, bytes};
    if (!pc_decimal_parse(all, (int)decimals, '.', &out->integer)) return false;
    out->type = decimals == 0 ? PC_INT : PC_DECIMAL;
    out->scale = (uint8_t)decimals;
    return true;
}

// libpg_query 15 leaves whole numbers below 0 out of its JSON, as it does with 0. The text has
// them: signs, blanks, brackets and comments, then digits.
static int64_t read_below_zero(const pc_sql_text *text, int location)
{
    const char *at = text->text + pc_sql_byte(text, location);
    while (*at != '\0' && (*at < '0' || *at > '9')) {
        if (at[0] == '-' && at[1] == '-') {
            at += strcspn(at, "\r\n");
        } else if (at[0] == '/' && at[1] == '*') {
            const char *end = strstr(at, "*/");
            at = end == NULL ? at + strlen(at) : end + 2;
        } else {
            at++;
        }
    }
    int64_t value = 0;
    const pc_span digits = {at, strspn(at, "0123456789")};
    return pc_int_parse(digits, &value) ? -value : 0;
}

pc_status pc_bind_literal(pc_binder *b, const cJSON *body, const pc_expr **out)
{
    const int location = pc_node_int(body, "location");
    pc_value value = {.type = PC_NONE};
    const cJSON *it;
    if (pc_node_bool(body, "isnull")) {
        value.is_null = true;
    } else if ((it = pc_node_get(body, "ival")) != NULL) {
        value.type = PC_INT;
        value.integer = pc_node_int(it, "ival");
        if (value.integer == 0) value.integer = read_below_zero(b->text, location);
    } else if ((it = pc_node_get(body, "boolval")) != NULL) {
        value.type = PC_BOOL;
        value.integer = pc_node_bool(it, "boolval");
    } else if ((it = pc_node_get(body, "sval")) != NULL) {
        const char *text = pc_node_text(it, "sval");
        value.text = pc_span_of(text == NULL ? "" : text);
    } else if ((it = pc_node_get(body, "fval")) != NULL) {
        const char *text = pc_node_text(it, "fval");
        if (strpbrk(text, "eE") != NULL) {
            value.type = PC_FLOAT;
            value.real = strtod(text, NULL);
        } else if (!pc_read_number(pc_span_of(text), &value)) {
            return pc_bind_fail(b, location, PC_UNSUPPORTED,
                                "a number has at most 18 digits, found %s", text);
        }
    } else {
        return pc_bind_fail(b, location, PC_UNSUPPORTED, "bit strings are not offered");
    }
    return pc_expr_constant(&value, pc_sql_position(b->text, location), b->arena, out, b->err);
}

static pc_status no_common(pc_binder *b, int location, const char *where, pc_type x, pc_type y)
{
    return pc_bind_fail(b, location, PC_BAD_JOB, "%s of types %s and %s does not exist: cast one",
                        where, pc_type_name(x), pc_type_name(y));
}

pc_status pc_common_type(pc_binder *b, const pc_expr *const *x, int count, int location,
                         const char *where, pc_type *type, uint8_t *scale)
{
    *type = PC_NONE;
    *scale = 0;
    for (int i = 0; i < count; i++) {
        const pc_type it = x[i]->type;
        if (it == PC_NONE) continue;
        if (*type == PC_NONE) {
            *type = it;
        } else if (is_number(*type) && is_number(it)) {
            if (it == PC_FLOAT || *type == PC_FLOAT) {
                *type = PC_FLOAT;
            } else if (it == PC_DECIMAL) {
                *type = PC_DECIMAL;
            }
        } else if (pc_type_is_text(*type) && pc_type_is_text(it)) {
            // Free text stays free text: it must not leave under another name.
            *type = *type == PC_TEXT || it == PC_TEXT ? PC_TEXT : PC_CODE;
        } else if (*type != it) {
            return no_common(b, location, where, *type, it);
        }
        if (it == PC_DECIMAL && x[i]->scale > *scale) *scale = x[i]->scale;
    }
    for (int i = 0; i < count; i++) {
        // A literal in quotes beside a decimal may have more digits than it.
        pc_value value;
        if (*type != PC_DECIMAL || !pc_is_literal(x[i])) continue;
        if (!pc_read_number(pc_span_trim(x[i]->constant.text), &value)) continue;
        if (value.scale > *scale) *scale = value.scale;
    }
    if (*type != PC_DECIMAL) *scale = 0;
    if (*type == PC_NONE || *type == PC_ID) *type = PC_CODE;
    return PC_OK;
}

static pc_status wrong_literal(pc_binder *b, const pc_expr *x, pc_type type)
{
    const char *hint = type == PC_DATE ? " (a date is written 'YYYY-MM-DD')" : "";
    return PC_FAIL(b->err, PC_BAD_JOB, "%s: character %d: this text is not a value of type %s%s",
                   b->text->what, x->position, pc_type_name(type), hint);
}

// Reads a literal in quotes as a value of a type.
static pc_status read_literal(pc_binder *b, const pc_expr *x, pc_type type, uint8_t scale,
                              const pc_expr **out)
{
    pc_value as_text = x->constant;
    as_text.type = PC_CODE;
    const pc_expr *text;
    PC_TRY(pc_expr_constant(&as_text, x->position, b->arena, &text, b->err));
    if (pc_type_is_text(type)) {
        *out = text;
        return PC_OK;
    }
    PC_TRY(pc_make_call(b, PC_FN_CAST, type, scale, x->position, &text, 1, NULL, out));
    // What does not fold cannot be read.
    return (*out)->kind == PC_EXPR_CONSTANT ? PC_OK : wrong_literal(b, x, type);
}

pc_status pc_cast_to(pc_binder *b, const pc_expr *x, pc_type type, uint8_t scale, int position,
                     const pc_expr **out)
{
    if (pc_is_bare_null(x)) {
        const pc_value null = {.type = type, .scale = scale, .is_null = true};
        return pc_expr_constant(&null, x->position, b->arena, out, b->err);
    }
    if (pc_is_literal(x)) return read_literal(b, x, type, scale, out);
    const bool same = x->type == type && (type != PC_DECIMAL || x->scale == scale);
    if (same || (pc_type_is_text(type) && pc_type_is_text(x->type))) {
        *out = x;
        return PC_OK;
    }
    if (x->type == PC_KEY) {
        return PC_FAIL(b->err, PC_BAD_JOB, "%s: character %d: a model key has no value of type %s",
                       b->text->what, x->position, pc_type_name(type));
    }
    return pc_make_call(b, PC_FN_CAST, type, scale, position, &x, 1, NULL, out);
}

pc_status pc_bring_to(pc_binder *b, const pc_expr *x, pc_type type, uint8_t scale,
                      const pc_expr **out)
{
    return pc_cast_to(b, x, type, scale, x->position, out);
}

// A constant decimal without a fraction beside an int column is compared as an int.
static pc_status narrow_constant(pc_binder *b, const pc_expr *x, const pc_expr *y,
                                 const pc_expr **out)
{
    *out = y;
    if (x->type != PC_INT || y->type != PC_DECIMAL || y->kind != PC_EXPR_CONSTANT) return PC_OK;
    int64_t divisor = 1;
    for (int i = 0; i < y->scale; i++) {
        divisor *= 10;
    }
    if (y->constant.is_null || y->constant.integer % divisor != 0) return PC_OK;
    return pc_make_int(b, y->constant.integer / divisor, out);
}

static pc_function_id flipped(pc_function_id id)
{
    switch (id) {
        case PC_FN_LESS:
            return PC_FN_GREATER;
        case PC_FN_LESS_EQUAL:
            return PC_FN_GREATER_EQUAL;
        case PC_FN_GREATER:
            return PC_FN_LESS;
        case PC_FN_GREATER_EQUAL:
            return PC_FN_LESS_EQUAL;
        default:
            return id;
    }
}

pc_status pc_make_compare(pc_binder *b, pc_function_id id, const pc_expr *x, const pc_expr *y,
                          int position, int location, const pc_expr **out)
{
    if (x->kind == PC_EXPR_CONSTANT && y->kind != PC_EXPR_CONSTANT) {
        const pc_expr *swap = x;
        x = y;
        y = swap;
        id = flipped(id);
    }
    const char *name = pc_function_name(id);
    const pc_expr *arg[2];
    PC_TRY(narrow_constant(b, x, y, &y));
    pc_type type;
    uint8_t scale;
    PC_TRY(pc_common_type(b, (const pc_expr *[]){x, y}, 2, location, name, &type, &scale));
    if (type == PC_KEY) {
        const bool equality = id == PC_FN_EQUAL || id == PC_FN_NOT_EQUAL;
        if (!equality || x->extra != y->extra || x->kind != PC_EXPR_COLUMN ||
            y->kind != PC_EXPR_COLUMN) {
            return pc_bind_fail(b, location, PC_BAD_JOB,
                                "a model key compares for equality with the same key only");
        }
    }
    PC_TRY(pc_bring_to(b, x, type, scale, &arg[0]));
    PC_TRY(pc_bring_to(b, y, type, scale, &arg[1]));
    return pc_make_call(b, id, PC_BOOL, 0, position, arg, 2, NULL, out);
}

/** A type as it is named. */
typedef struct named_type {
    pc_type type; ///< PC_NONE: numeric without digits: the argument's own
    uint8_t scale;
    const pc_limits *limits; ///< of what fits, or NULL: all of the type
} named_type;

// numeric(p, s): below 10^p of the last digit.
static pc_status limits_of_digits(pc_binder *b, int precision, const pc_limits **out)
{
    *out = NULL;
    if (precision >= PC_DECIMAL_MAX_SCALE) return PC_OK; // wider than what we hold
    pc_limits *limits = pc_arena_take(b->arena, sizeof *limits, b->err);
    if (limits == NULL) return PC_NO_MEMORY;
    *limits = (pc_limits){.high = 1, .name = "that numeric"};
    for (int i = 0; i < precision; i++) {
        limits->high *= 10;
    }
    limits->high--;
    limits->low = -limits->high;
    *out = limits;
    return PC_OK;
}

static pc_status read_numeric(pc_binder *b, const cJSON *modifier, int location, named_type *out)
{
    const cJSON *first = pc_node_body(cJSON_GetArrayItem(modifier, 0));
    const cJSON *second = pc_node_body(cJSON_GetArrayItem(modifier, 1));
    const int precision = pc_node_int(pc_node_get(first, "ival"), "ival");
    const int scale = pc_node_int(pc_node_get(second, "ival"), "ival");
    if (cJSON_GetArraySize(modifier) == 0) {
        out->type = PC_NONE;
        return PC_OK;
    }
    if (scale < 0 || scale > PC_DECIMAL_MAX_SCALE || precision < 1) {
        return pc_bind_fail(b, location, PC_UNSUPPORTED,
                            "numeric(p, s) is offered with 0 to 18 digits behind the point");
    }
    out->scale = (uint8_t)scale;
    return limits_of_digits(b, precision, &out->limits);
}

static pc_status type_of_name(pc_binder *b, const cJSON *type_name, int location, named_type *out)
{
    static const pc_limits smallint = {INT16_MIN, INT16_MAX, "smallint"};
    static const pc_limits integer = {INT32_MIN, INT32_MAX, "integer"};
    static const struct {
        const char *name;
        pc_type type;
        const pc_limits *limits;
    } known[] = {
        {"int2", PC_INT, &smallint}, {"int4", PC_INT, &integer},   {"integer", PC_INT, &integer},
        {"int8", PC_INT, NULL},      {"bool", PC_BOOL, NULL},      {"boolean", PC_BOOL, NULL},
        {"date", PC_DATE, NULL},     {"timestamp", PC_DATE, NULL}, {"text", PC_CODE, NULL},
        {"varchar", PC_CODE, NULL},  {"float8", PC_FLOAT, NULL},   {"numeric", PC_DECIMAL, NULL}};
    const char *name = pc_node_name(pc_node_get(type_name, "names"));
    for (size_t i = 0; name != NULL && i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(known[i].name, name) != 0 || pc_node_get(type_name, "arrayBounds") != NULL) {
            continue;
        }
        *out = (named_type){.type = known[i].type, .limits = known[i].limits};
        if (out->type != PC_DECIMAL) return PC_OK;
        return read_numeric(b, pc_node_get(type_name, "typmods"), location, out);
    }
    const char *names[sizeof known / sizeof known[0]];
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        names[i] = known[i].name;
    const char *nearest =
        name == NULL ? NULL : pc_nearest_name(name, names, sizeof names / sizeof names[0]);
    return pc_bind_unknown(b, location, PC_UNSUPPORTED, nearest, "the type %s is not offered",
                           name == NULL ? "?" : name);
}

static bool can_cast(pc_type from, pc_type to)
{
    if (pc_type_is_text(from) || pc_type_is_text(to)) return from != PC_KEY;
    if (is_number(from) && is_number(to)) return true;
    if ((from == PC_BOOL && to == PC_INT) || (from == PC_INT && to == PC_BOOL)) return true;
    return from == to && from != PC_KEY;
}

// varchar(3) cuts, as a cast that is written out does in PostgreSQL.
static pc_status cut_text(pc_binder *b, const cJSON *type_name, const pc_expr *x,
                          const pc_expr **out)
{
    const char *name = pc_node_name(pc_node_get(type_name, "names"));
    const cJSON *modifier = pc_node_get(type_name, "typmods");
    *out = x;
    if (strcmp(name, "varchar") != 0 || cJSON_GetArraySize(modifier) == 0) return PC_OK;
    const cJSON *digits = pc_node_body(cJSON_GetArrayItem(modifier, 0));
    const pc_expr *arg[2] = {x, NULL};
    PC_TRY(pc_make_int(b, pc_node_int(pc_node_get(digits, "ival"), "ival"), &arg[1]));
    return pc_make_call(b, PC_FN_LEFT, x->type, 0, x->position, arg, 2, NULL, out);
}

// numeric without digits: a number as it is.
static pc_status cast_to_any_numeric(pc_binder *b, const pc_expr *x, int location,
                                     const pc_expr **out)
{
    pc_value value = {.type = PC_NONE};
    if (pc_is_literal(x) && pc_read_number(pc_span_trim(x->constant.text), &value)) {
        value.type = PC_DECIMAL;
        return pc_expr_constant(&value, x->position, b->arena, out, b->err);
    }
    if (x->type == PC_INT) return pc_cast_to(b, x, PC_DECIMAL, 0, x->position, out);
    *out = x;
    if (is_number(x->type)) return PC_OK;
    return pc_bind_fail(b, location, PC_UNSUPPORTED,
                        "write the digits of the type: numeric(18, 2)");
}

pc_status pc_bind_cast(pc_binder *b, const cJSON *body, const pc_expr **out)
{
    const cJSON *type_name = pc_node_get(body, "typeName");
    const int location = pc_node_location(pc_node_get(body, "arg"));
    const int position = pc_sql_position(b->text, location);
    const pc_expr *x;
    named_type to = {0};
    PC_TRY(type_of_name(b, type_name, pc_node_int(type_name, "location"), &to));
    PC_TRY(pc_bind_node(b, pc_node_get(body, "arg"), &x));
    if (to.type == PC_NONE) return cast_to_any_numeric(b, x, location, out);
    if (x->type != PC_NONE && !can_cast(x->type, to.type)) {
        return pc_bind_fail(b, location, PC_BAD_JOB, "a value of type %s has no cast to %s",
                            pc_type_name(x->type), pc_type_name(to.type));
    }
    PC_TRY(pc_cast_to(b, x, to.type, to.scale, position, out));
    if (pc_type_is_text(to.type)) return cut_text(b, type_name, *out, out);
    // A constant that fits needs no test at run time.
    const bool fits =
        to.limits == NULL ||
        ((*out)->kind == PC_EXPR_CONSTANT && !(*out)->constant.is_null &&
         (*out)->constant.integer >= to.limits->low && (*out)->constant.integer <= to.limits->high);
    if (fits) return PC_OK;
    x = *out;
    return pc_make_call(b, PC_FN_FIT, to.type, to.scale, position, &x, 1, to.limits, out);
}

bool pc_is_interval(const cJSON *node)
{
    if (!pc_node_is(node, "TypeCast")) return false;
    const cJSON *names = pc_node_get(pc_node_get(pc_node_body(node), "typeName"), "names");
    const char *name = pc_node_name(names);
    return name != NULL && strcmp(name, "interval") == 0;
}

// One word of an interval: "months", and its number before it.
static bool add_unit(pc_span unit, int64_t number, int64_t *months, int64_t *days)
{
    static const struct {
        const char *name;
        int months, days;
    } known[] = {{"year", 12, 0}, {"mon", 1, 0}, {"month", 1, 0}, {"day", 0, 1},     {"d", 0, 1},
                 {"week", 0, 7},  {"w", 0, 7},   {"y", 12, 0},    {"decade", 120, 0}};
    pc_span singular = unit;
    if (unit.bytes > 1 && (unit.data[unit.bytes - 1] | 32) == 's') singular.bytes--;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        const pc_span name = pc_span_of(known[i].name);
        if (!pc_span_equal_nocase(name, unit) && !pc_span_equal_nocase(name, singular)) continue;
        *months += number * known[i].months;
        *days += number * known[i].days;
        return true;
    }
    return false;
}

static pc_span next_word(pc_span *text)
{
    *text = pc_span_trim(*text);
    size_t bytes = 0;
    const bool number = text->bytes > 0 && text->data[0] <= '9';
    while (bytes < text->bytes && text->data[bytes] != ' ' && text->data[bytes] != '\t' &&
           (text->data[bytes] <= '9') == number) {
        bytes++;
    }
    const pc_span word = {text->data, bytes};
    *text = (pc_span){text->data + bytes, text->bytes - bytes};
    return word;
}

// INTERVAL '1' MONTH: the field as PostgreSQL's mask of fields.
static pc_span unit_of_field(const cJSON *body)
{
    const cJSON *modifier = pc_node_get(pc_node_get(body, "typeName"), "typmods");
    const cJSON *first = pc_node_body(cJSON_GetArrayItem(modifier, 0));
    switch (pc_node_int(pc_node_get(first, "ival"), "ival")) {
        case 1 << 2:
            return pc_span_of("year");
        case 1 << 1:
            return pc_span_of("month");
        case 1 << 3:
            return pc_span_of("day");
        default:
            return pc_span_of("");
    }
}

enum { INTERVAL_UNITS = 1000000 }; // more than the calendar has of any unit

pc_status pc_read_interval(pc_binder *b, const cJSON *node, int *months, int *days)
{
    const cJSON *body = pc_node_body(node);
    const int location = pc_node_location(pc_node_get(body, "arg"));
    const pc_expr *x;
    PC_TRY(pc_bind_node(b, pc_node_get(body, "arg"), &x));
    pc_span text = pc_is_literal(x) ? x->constant.text : (pc_span){"", 0};
    int64_t month_count = 0;
    int64_t day_count = 0;
    bool good = pc_span_trim(text).bytes > 0;
    while (good && pc_span_trim(text).bytes > 0) {
        int64_t number = 0;
        const pc_span digits = next_word(&text);
        pc_span unit = next_word(&text);
        if (unit.bytes == 0) unit = unit_of_field(body);
        good = pc_int_parse(digits, &number) && number > -INTERVAL_UNITS &&
               number < INTERVAL_UNITS && add_unit(unit, number, &month_count, &day_count);
    }
    good = good && month_count > -INTERVAL_UNITS && month_count < INTERVAL_UNITS &&
           day_count > -10 * INTERVAL_UNITS && day_count < 10 * INTERVAL_UNITS;
    if (!good) {
        return pc_bind_fail(b, location, PC_UNSUPPORTED,
                            "expected an interval of years, months, weeks and days, as in "
                            "INTERVAL '6 months'");
    }
    *months = (int)month_count;
    *days = (int)day_count;
    return PC_OK;
}
