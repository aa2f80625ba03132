/** Operators: comparison, arithmetic, dates, text, BETWEEN. */
#include <string.h>
#include "sql_private.h"

static bool is_number(pc_type type)
{
    return type == PC_INT || type == PC_DECIMAL || type == PC_FLOAT;
}

static pc_status no_operator(pc_binder *b, int location, const char *name, const pc_expr *x,
                             const pc_expr *y)
{
    if (x == NULL) {
        return pc_bind_fail(b, location, PC_BAD_JOB, "%s of type %s does not exist", name,
                            pc_type_name(y->type));
    }
    return pc_bind_fail(b, location, PC_BAD_JOB, "%s of types %s and %s does not exist", name,
                        pc_type_name(x->type), pc_type_name(y->type));
}

static pc_status bind_numbers(pc_binder *b, pc_function_id id, const pc_expr *x, const pc_expr *y,
                              int location, const pc_expr **out)
{
    const pc_expr *arg[2];
    pc_type type;
    uint8_t scale;
    const char *name = pc_function_name(id);
    PC_TRY(pc_common_type(b, (const pc_expr *[]){x, y}, 2, location, name, &type, &scale));
    if (!is_number(type)) return no_operator(b, location, name, x, y);
    if (type == PC_DECIMAL && id == PC_FN_DIVIDE) type = PC_FLOAT;
    if (type == PC_FLOAT && id == PC_FN_MODULO) return no_operator(b, location, name, x, y);
    if (type == PC_DECIMAL && id == PC_FN_MULTIPLY) {
        // Scales add up, so each side keeps its own.
        const int sum =
            (x->type == PC_DECIMAL ? x->scale : 0) + (y->type == PC_DECIMAL ? y->scale : 0);
        if (sum > PC_DECIMAL_MAX_SCALE) {
            return pc_bind_fail(b, location, PC_UNSUPPORTED,
                                "a product has at most 18 digits behind the point");
        }
        PC_TRY(pc_bring_to(b, x, x->type == PC_NONE ? PC_INT : x->type, x->scale, &arg[0]));
        PC_TRY(pc_bring_to(b, y, y->type == PC_NONE ? PC_INT : y->type, y->scale, &arg[1]));
        scale = (uint8_t)sum;
    } else {
        PC_TRY(pc_bring_to(b, x, type, scale, &arg[0]));
        PC_TRY(pc_bring_to(b, y, type, scale, &arg[1]));
    }
    if (type == PC_FLOAT) scale = 0;
    return pc_make_call(b, id, type, scale, pc_sql_position(b->text, location), arg, 2, NULL, out);
}

// date + int, int + date, date - int, date - date.
static pc_status bind_days(pc_binder *b, pc_function_id id, const pc_expr *x, const pc_expr *y,
                           int location, const pc_expr **out)
{
    const pc_expr *arg[2] = {x, y};
    pc_type type = PC_DATE;
    if (id == PC_FN_ADD && y->type == PC_DATE && x->type != PC_DATE) {
        arg[0] = y;
        arg[1] = x;
    }
    if (id == PC_FN_SUBTRACT && y->type == PC_DATE) {
        if (x->type == PC_NONE) PC_TRY(pc_bring_to(b, x, PC_DATE, 0, &arg[0]));
        type = PC_INT;
    } else if (arg[1]->type == PC_NONE) {
        // PostgreSQL reads date - 'x' as a date, date + 'x' as a number.
        const bool as_date = id == PC_FN_SUBTRACT && !pc_is_bare_null(arg[1]);
        PC_TRY(pc_bring_to(b, arg[1], as_date ? PC_DATE : PC_INT, 0, &arg[1]));
        if (as_date) type = PC_INT;
    } else if (arg[1]->type != PC_INT) {
        return no_operator(b, location, pc_function_name(id), x, y);
    }
    if (arg[0]->type != PC_DATE) return no_operator(b, location, pc_function_name(id), x, y);
    return pc_make_call(b, id, type, 0, pc_sql_position(b->text, location), arg, 2, NULL, out);
}

static pc_status bind_interval(pc_binder *b, pc_function_id id, const cJSON *date,
                               const cJSON *interval, int location, const pc_expr **out)
{
    int months;
    int days;
    PC_TRY(pc_read_interval(b, interval, &months, &days));
    PC_TRY(pc_bind_node(b, date, out));
    if ((*out)->type == PC_NONE) PC_TRY(pc_bring_to(b, *out, PC_DATE, 0, out));
    if ((*out)->type != PC_DATE) {
        return pc_bind_fail(b, location, PC_BAD_JOB,
                            "an interval is added to a date, found a value of type %s",
                            pc_type_name((*out)->type));
    }
    const int sign = id == PC_FN_ADD ? 1 : -1;
    const int position = pc_sql_position(b->text, location);
    const pc_expr *arg[2];
    if (months != 0) {
        arg[0] = *out;
        PC_TRY(pc_make_int(b, sign * months, &arg[1]));
        PC_TRY(pc_make_call(b, PC_FN_ADD_MONTHS, PC_DATE, 0, position, arg, 2, NULL, out));
    }
    if (days != 0) {
        arg[0] = *out;
        PC_TRY(pc_make_int(b, sign * days, &arg[1]));
        PC_TRY(pc_make_call(b, PC_FN_ADD, PC_DATE, 0, position, arg, 2, NULL, out));
    }
    return PC_OK;
}

static pc_status bind_join(pc_binder *b, const pc_expr *x, const pc_expr *y, int location,
                           const pc_expr **out)
{
    const pc_expr *arg[2];
    if (!pc_type_is_text(x->type) && x->type != PC_NONE && !pc_type_is_text(y->type) &&
        y->type != PC_NONE) {
        return no_operator(b, location, "||", x, y);
    }
    const pc_type type = x->type == PC_TEXT || y->type == PC_TEXT ? PC_TEXT : PC_CODE;
    PC_TRY(pc_bring_to(b, x, PC_CODE, 0, &arg[0]));
    PC_TRY(pc_bring_to(b, y, PC_CODE, 0, &arg[1]));
    return pc_make_call(b, PC_FN_JOIN, type, 0, 0, arg, 2, NULL, out);
}

// -x, +x, @ x (the absolute value).
static pc_status bind_prefix(pc_binder *b, const cJSON *node, char name, int location,
                             const pc_expr **out)
{
    const char text[2] = {name, '\0'};
    const pc_expr *x;
    PC_TRY(pc_bind_node(b, node, &x));
    if (x->type == PC_NONE) PC_TRY(pc_bring_to(b, x, PC_FLOAT, 0, &x));
    if (!is_number(x->type)) return no_operator(b, location, text, NULL, x);
    *out = x;
    if (name == '+') return PC_OK;
    return pc_make_call(b, name == '-' ? PC_FN_NEGATE : PC_FN_ABS, x->type, x->scale,
                        pc_sql_position(b->text, location), &x, 1, NULL, out);
}

// ^ : powers of floats.
static pc_status bind_power(pc_binder *b, const pc_expr *x, const pc_expr *y, int location,
                            const pc_expr **out)
{
    const pc_expr *arg[2] = {x, y};
    for (int i = 0; i < 2; i++) {
        if (arg[i]->type != PC_NONE && !is_number(arg[i]->type)) {
            return no_operator(b, location, "^", x, y);
        }
        PC_TRY(pc_bring_to(b, arg[i], PC_FLOAT, 0, &arg[i]));
    }
    return pc_make_call(b, PC_FN_POWER, PC_FLOAT, 0, pc_sql_position(b->text, location), arg, 2,
                        NULL, out);
}

// The function of a binary operator; PC_FN_COUNT: none.
static pc_function_id id_of_operator(const char *name)
{
    static const struct {
        const char *name;
        pc_function_id id;
    } known[] = {{"=", PC_FN_EQUAL},   {"<>", PC_FN_NOT_EQUAL},  {"<", PC_FN_LESS},
                 {">", PC_FN_GREATER}, {"<=", PC_FN_LESS_EQUAL}, {">=", PC_FN_GREATER_EQUAL},
                 {"+", PC_FN_ADD},     {"-", PC_FN_SUBTRACT},    {"*", PC_FN_MULTIPLY},
                 {"/", PC_FN_DIVIDE},  {"%", PC_FN_MODULO},      {"||", PC_FN_JOIN},
                 {"^", PC_FN_POWER}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(known[i].name, name) == 0) return known[i].id;
    }
    return PC_FN_COUNT;
}

pc_status pc_make_binary(pc_binder *b, const char *name, const pc_expr *x, const pc_expr *y,
                         int location, const pc_expr **out)
{
    if (pc_is_pattern_operator(name)) return pc_make_match(b, name, x, y, location, out);
    const pc_function_id id = id_of_operator(name);
    switch (id) {
        case PC_FN_COUNT:
            return pc_bind_fail(b, location, PC_UNSUPPORTED, "the operator %s is not offered",
                                name);
        case PC_FN_JOIN:
            return bind_join(b, x, y, location, out);
        case PC_FN_POWER:
            return bind_power(b, x, y, location, out);
        case PC_FN_ADD:
        case PC_FN_SUBTRACT:
            if (x->type != PC_DATE && y->type != PC_DATE) break;
            return bind_days(b, id, x, y, location, out);
        default:
            break;
    }
    if (id <= PC_FN_GREATER_EQUAL) {
        return pc_make_compare(b, id, x, y, pc_sql_position(b->text, location), location, out);
    }
    return bind_numbers(b, id, x, y, location, out);
}

static pc_status bind_binary(pc_binder *b, const char *name, const cJSON *left, const cJSON *right,
                             int location, const pc_expr **out)
{
    const pc_function_id id = id_of_operator(name);
    const bool additive = id == PC_FN_ADD || id == PC_FN_SUBTRACT;
    if (additive && pc_is_interval(right)) {
        return bind_interval(b, id, left, right, location, out);
    }
    if (id == PC_FN_ADD && pc_is_interval(left)) {
        return bind_interval(b, id, right, left, location, out);
    }
    if (pc_node_is(left, "RowExpr")) return pc_bind_rows(b, id, left, right, location, out);
    const pc_expr *x;
    const pc_expr *y;
    PC_TRY(pc_bind_node(b, left, &x));
    PC_TRY(pc_bind_node(b, right, &y));
    return pc_make_binary(b, name, x, y, location, out);
}

static pc_status make_between(pc_binder *b, const pc_expr *x, const pc_expr *low,
                              const pc_expr *high, int location, const pc_expr **out)
{
    const pc_expr *arg[2];
    PC_TRY(pc_make_compare(b, PC_FN_GREATER_EQUAL, x, low, 0, location, &arg[0]));
    PC_TRY(pc_make_compare(b, PC_FN_LESS_EQUAL, x, high, 0, location, &arg[1]));
    return pc_make_call(b, PC_FN_AND, PC_BOOL, 0, 0, arg, 2, NULL, out);
}

static pc_status bind_between(pc_binder *b, const cJSON *body, bool negate, bool symmetric,
                              const pc_expr **out)
{
    const cJSON *items = pc_node_get(pc_node_body(pc_node_get(body, "rexpr")), "items");
    const int location = pc_node_int(body, "location");
    const pc_expr *x;
    const pc_expr *low;
    const pc_expr *high;
    PC_TRY(pc_bind_node(b, pc_node_get(body, "lexpr"), &x));
    PC_TRY(pc_bind_node(b, cJSON_GetArrayItem(items, 0), &low));
    PC_TRY(pc_bind_node(b, cJSON_GetArrayItem(items, 1), &high));
    PC_TRY(make_between(b, x, low, high, location, out));
    if (symmetric) {
        const pc_expr *either[2] = {*out, NULL};
        PC_TRY(make_between(b, x, high, low, location, &either[1]));
        PC_TRY(pc_make_call(b, PC_FN_OR, PC_BOOL, 0, 0, either, 2, NULL, out));
    }
    if (!negate) return PC_OK;
    const pc_expr *inside = *out;
    return pc_make_call(b, PC_FN_NOT, PC_BOOL, 0, 0, &inside, 1, NULL, out);
}

pc_status pc_make_distinct(pc_binder *b, pc_function_id id, const pc_expr *x, const pc_expr *y,
                           int location, const pc_expr **out)
{
    const pc_expr *arg[2] = {x, y};
    pc_type type;
    uint8_t scale;
    PC_TRY(pc_common_type(b, arg, 2, location, pc_function_name(id), &type, &scale));
    PC_TRY(pc_bring_to(b, arg[0], type, scale, &arg[0]));
    PC_TRY(pc_bring_to(b, arg[1], type, scale, &arg[1]));
    return pc_make_call(b, id, PC_BOOL, 0, 0, arg, 2, NULL, out);
}

static pc_status bind_distinct(pc_binder *b, const cJSON *body, pc_function_id id,
                               const pc_expr **out)
{
    const int location = pc_node_int(body, "location");
    const cJSON *left = pc_node_get(body, "lexpr");
    const cJSON *right = pc_node_get(body, "rexpr");
    const pc_expr *x;
    const pc_expr *y;
    if (pc_node_is(left, "RowExpr")) return pc_bind_rows(b, id, left, right, location, out);
    PC_TRY(pc_bind_node(b, left, &x));
    PC_TRY(pc_bind_node(b, right, &y));
    return pc_make_distinct(b, id, x, y, location, out);
}

// NULLIF(a, b) is CASE WHEN a = b THEN NULL ELSE a.
static pc_status bind_nullif(pc_binder *b, const cJSON *body, const pc_expr **out)
{
    const pc_expr *x;
    const pc_expr *y;
    const pc_expr *arg[3];
    PC_TRY(pc_bind_typed(b, pc_node_get(body, "lexpr"), &x));
    PC_TRY(pc_bind_node(b, pc_node_get(body, "rexpr"), &y));
    PC_TRY(pc_make_compare(b, PC_FN_EQUAL, x, y, 0, pc_node_int(body, "location"), &arg[0]));
    const pc_type type = x->type == PC_ID ? PC_CODE : x->type;
    const pc_value null = {.type = type, .scale = x->scale, .is_null = true};
    PC_TRY(pc_expr_constant(&null, 0, b->arena, &arg[1], b->err));
    arg[2] = x;
    return pc_make_call(b, PC_FN_CASE, type, x->scale, 0, arg, 3, NULL, out);
}

pc_status pc_bind_operator(pc_binder *b, const cJSON *body, const pc_expr **out)
{
    const char *kind = pc_node_text(body, "kind");
    const char *name = pc_node_name(pc_node_get(body, "name"));
    const int location = pc_node_int(body, "location");
    const cJSON *left = pc_node_get(body, "lexpr");
    const cJSON *right = pc_node_get(body, "rexpr");
    if (strcmp(kind, "AEXPR_OP") == 0 && left == NULL) {
        if (name[1] == '\0' && strchr("-+@", name[0]) != NULL) {
            return bind_prefix(b, right, name[0], location, out);
        }
    } else if (strcmp(kind, "AEXPR_OP") == 0) {
        return bind_binary(b, name, left, right, location, out);
    }
    if (strcmp(kind, "AEXPR_BETWEEN") == 0) return bind_between(b, body, false, false, out);
    if (strcmp(kind, "AEXPR_NOT_BETWEEN") == 0) return bind_between(b, body, true, false, out);
    if (strcmp(kind, "AEXPR_BETWEEN_SYM") == 0) return bind_between(b, body, false, true, out);
    if (strcmp(kind, "AEXPR_NOT_BETWEEN_SYM") == 0) return bind_between(b, body, true, true, out);
    if (strcmp(kind, "AEXPR_OP_ANY") == 0) return pc_bind_any(b, body, false, out);
    if (strcmp(kind, "AEXPR_OP_ALL") == 0) return pc_bind_any(b, body, true, out);
    if (strcmp(kind, "AEXPR_SIMILAR") == 0) return pc_bind_similar(b, body, out);
    if (strcmp(kind, "AEXPR_IN") == 0) return pc_bind_in_list(b, body, out);
    if (strcmp(kind, "AEXPR_LIKE") == 0) return pc_bind_like(b, body, out);
    if (strcmp(kind, "AEXPR_ILIKE") == 0) return pc_bind_like(b, body, out);
    if (strcmp(kind, "AEXPR_NULLIF") == 0) return bind_nullif(b, body, out);
    if (strcmp(kind, "AEXPR_DISTINCT") == 0) {
        return bind_distinct(b, body, PC_FN_DISTINCT, out);
    }
    if (strcmp(kind, "AEXPR_NOT_DISTINCT") == 0) {
        return bind_distinct(b, body, PC_FN_NOT_DISTINCT, out);
    }
    return pc_bind_fail(b, location, PC_UNSUPPORTED, "the operator %s (%s) is not offered", name,
                        kind + strlen("AEXPR_"));
}
