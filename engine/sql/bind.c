/** Nodes of the parse tree to typed expressions: names, logic, CASE and the walk over the rest. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "sql_private.h"

pc_status pc_bind_fail(pc_binder *b, int location, pc_status status, const char *format, ...)
{
    char text[PC_ERROR_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (location < 0 && b->select != NULL) location = pc_node_leftmost(b->select);
    const int position = location < 0 ? 0 : pc_sql_position(b->text, location);
    if (position == 0) return PC_FAIL(b->err, status, "%s: %s", b->text->what, text);
    return PC_FAIL(b->err, status, "%s: character %d: %s", b->text->what, position, text);
}

pc_status pc_bind_unknown(pc_binder *b, int location, pc_status status, const char *nearest,
                          const char *format, ...)
{
    char text[PC_ERROR_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (nearest == NULL) return pc_bind_fail(b, location, status, "%s", text);
    return pc_bind_fail(b, location, status, "%s; did you mean %s?", text, nearest);
}

pc_status pc_make_call(pc_binder *b, pc_function_id id, pc_type type, uint8_t scale, int position,
                       const pc_expr *const *arg, int arg_count, const void *extra,
                       const pc_expr **out)
{
    const pc_call call = {.id = id,
                          .type = type,
                          .scale = scale,
                          .position = position,
                          .arg = arg,
                          .arg_count = arg_count,
                          .extra = extra};
    return pc_expr_call(&call, b->arena, out, b->err);
}

enum { NAMES_COMPARED = 2048 }; // names looked at for "nearest known name"

static pc_status unknown_name(pc_binder *b, const char *qualifier, const char *name, int location)
{
    const char **known = pc_arena_array(b->arena, NAMES_COMPARED, sizeof *known, b->err);
    if (known == NULL) return PC_NO_MEMORY;
    int count = b->scope->names == NULL ? 0 : b->scope->names(b->scope, known, NAMES_COMPARED);
    if (count > NAMES_COMPARED) count = NAMES_COMPARED;
    const char *nearest = pc_nearest_name(name, known, (size_t)count);
    return pc_bind_unknown(b, location, PC_BAD_JOB, nearest, "unknown column %s%s%s",
                           qualifier == NULL ? "" : qualifier, qualifier == NULL ? "" : ".", name);
}

static pc_status bind_column(pc_binder *b, const cJSON *body, const pc_expr **out)
{
    const cJSON *fields = pc_node_get(body, "fields");
    const int location = pc_node_int(body, "location");
    const int count = cJSON_GetArraySize(fields);
    const char *name = pc_node_string(cJSON_GetArrayItem(fields, count - 1));
    const char *qualifier = count > 1 ? pc_node_string(cJSON_GetArrayItem(fields, 0)) : NULL;
    if (name == NULL || count > 2) {
        return pc_bind_fail(b, location, PC_UNSUPPORTED,
                            "expected a column, as name or table.name");
    }
    const int position = pc_sql_position(b->text, location);
    *out = NULL;
    const pc_status status = b->scope->column(b->scope, qualifier, name, position, out, b->err);
    if (status != PC_OK) {
        if (status != PC_NO_MEMORY) {
            pc_error_prefix(b->err, "%s: character %d", b->text->what, position);
        }
        return status;
    }
    return *out == NULL ? unknown_name(b, qualifier, name, location) : PC_OK;
}

static pc_status bind_all(pc_binder *b, const cJSON *list, bool as_bool, const pc_expr ***out,
                          int *count)
{
    *count = cJSON_GetArraySize(list);
    const pc_expr **x = pc_arena_array(b->arena, (size_t)*count + 1, sizeof *x, b->err);
    if (x == NULL) return PC_NO_MEMORY;
    int i = 0;
    const cJSON *node;
    cJSON_ArrayForEach(node, list)
    {
        PC_TRY(as_bool ? pc_bind_bool(b, node, &x[i]) : pc_bind_node(b, node, &x[i]));
        i++;
    }
    *out = x;
    return PC_OK;
}

static pc_status bind_logic(pc_binder *b, const cJSON *body, const pc_expr **out)
{
    const char *op = pc_node_text(body, "boolop");
    const pc_expr **x;
    int count;
    PC_TRY(bind_all(b, pc_node_get(body, "args"), true, &x, &count));
    const pc_function_id id = strcmp(op, "AND_EXPR") == 0  ? PC_FN_AND
                              : strcmp(op, "OR_EXPR") == 0 ? PC_FN_OR
                                                           : PC_FN_NOT;
    return pc_make_call(b, id, PC_BOOL, 0, pc_sql_position(b->text, pc_node_int(body, "location")),
                        x, count, NULL, out);
}

static pc_status bind_null_test(pc_binder *b, const cJSON *body, const pc_expr **out)
{
    const pc_expr *x;
    const cJSON *arg = pc_node_get(body, "arg");
    const bool is_null = strcmp(pc_node_text(body, "nulltesttype"), "IS_NULL") == 0;
    if (pc_node_is(arg, "RowExpr")) return pc_bind_row_null_test(b, arg, is_null, out);
    PC_TRY(pc_bind_typed(b, arg, &x));
    return pc_make_call(b, is_null ? PC_FN_IS_NULL : PC_FN_IS_NOT_NULL, PC_BOOL, 0, 0, &x, 1, NULL,
                        out);
}

static pc_status bind_truth_test(pc_binder *b, const cJSON *body, const pc_expr **out)
{
    static const struct {
        const char *name;
        pc_function_id id;
    } test[] = {{"IS_TRUE", PC_FN_IS_TRUE},         {"IS_FALSE", PC_FN_IS_FALSE},
                {"IS_NOT_TRUE", PC_FN_IS_NOT_TRUE}, {"IS_NOT_FALSE", PC_FN_IS_NOT_FALSE},
                {"IS_UNKNOWN", PC_FN_IS_NULL},      {"IS_NOT_UNKNOWN", PC_FN_IS_NOT_NULL}};
    const pc_expr *x;
    PC_TRY(pc_bind_bool(b, pc_node_get(body, "arg"), &x));
    size_t i = 0;
    while (i + 1 < sizeof test / sizeof test[0] &&
           strcmp(test[i].name, pc_node_text(body, "booltesttype")) != 0) {
        i++;
    }
    return pc_make_call(b, test[i].id, PC_BOOL, 0, 0, &x, 1, NULL, out);
}

// CASE x WHEN v is CASE WHEN x = v.
static pc_status bind_case(pc_binder *b, const cJSON *body, const pc_expr **out)
{
    const cJSON *whens = pc_node_get(body, "args");
    const int location = pc_node_int(body, "location");
    const int when_count = cJSON_GetArraySize(whens);
    const int count = 2 * when_count + 1;
    const pc_expr **arg = pc_arena_array(b->arena, (size_t)count, sizeof *arg, b->err);
    const pc_expr **value = pc_arena_array(b->arena, (size_t)when_count + 1, sizeof *value, b->err);
    if (arg == NULL || value == NULL) return PC_NO_MEMORY;
    const pc_expr *subject = NULL;
    if (pc_node_get(body, "arg") != NULL) {
        PC_TRY(pc_bind_node(b, pc_node_get(body, "arg"), &subject));
    }
    int i = 0;
    const cJSON *when;
    cJSON_ArrayForEach(when, whens)
    {
        const cJSON *it = pc_node_body(when);
        const cJSON *condition = pc_node_get(it, "expr");
        if (subject == NULL) {
            PC_TRY(pc_bind_bool(b, condition, &arg[2 * i]));
        } else {
            const pc_expr *other;
            PC_TRY(pc_bind_node(b, condition, &other));
            PC_TRY(pc_make_compare(b, PC_FN_EQUAL, subject, other, 0, pc_node_location(condition),
                                   &arg[2 * i]));
        }
        PC_TRY(pc_bind_node(b, pc_node_get(it, "result"), &value[i]));
        i++;
    }
    const pc_value null = {.type = PC_NONE, .is_null = true};
    if (pc_node_get(body, "defresult") != NULL) {
        PC_TRY(pc_bind_node(b, pc_node_get(body, "defresult"), &value[when_count]));
    } else {
        PC_TRY(pc_expr_constant(&null, 0, b->arena, &value[when_count], b->err));
    }
    pc_type type;
    uint8_t scale;
    PC_TRY(pc_common_type(b, value, when_count + 1, location, "CASE", &type, &scale));
    for (i = 0; i <= when_count; i++) {
        const int at = i == when_count ? count - 1 : 2 * i + 1;
        PC_TRY(pc_bring_to(b, value[i], type, scale, &arg[at]));
    }
    return pc_make_call(b, PC_FN_CASE, type, scale, pc_sql_position(b->text, location), arg, count,
                        NULL, out);
}

// COALESCE, GREATEST, LEAST: values of one type.
static pc_status bind_choice(pc_binder *b, const cJSON *body, pc_function_id id, const char *name,
                             const pc_expr **out)
{
    const int location = pc_node_int(body, "location");
    const pc_expr **x;
    int count;
    pc_type type;
    uint8_t scale;
    PC_TRY(bind_all(b, pc_node_get(body, "args"), false, &x, &count));
    PC_TRY(pc_common_type(b, x, count, location, name, &type, &scale));
    for (int i = 0; i < count; i++) {
        PC_TRY(pc_bring_to(b, x[i], type, scale, &x[i]));
    }
    return pc_make_call(b, id, type, scale, pc_sql_position(b->text, location), x, count, NULL,
                        out);
}

static pc_status bind_any_node(pc_binder *b, const cJSON *node, const pc_expr **out);

// Expressions are walked as deep as they are nested: not deeper than a stack allows.
pc_status pc_bind_node(pc_binder *b, const cJSON *node, const pc_expr **out)
{
    if (b->depth == PC_SQL_NESTED) {
        return pc_bind_fail(b, pc_node_location(node), PC_UNSUPPORTED,
                            "an expression is nested at most %d levels deep", PC_SQL_NESTED);
    }
    b->depth++;
    const pc_status status = bind_any_node(b, node, out);
    b->depth--;
    return status;
}

static pc_status bind_any_node(pc_binder *b, const cJSON *node, const pc_expr **out)
{
    const cJSON *body = pc_node_body(node);
    const char *kind = body == NULL || body->string == NULL ? "" : body->string;
    if (strcmp(kind, "ColumnRef") == 0) return bind_column(b, body, out);
    if (strcmp(kind, "A_Const") == 0) return pc_bind_literal(b, body, out);
    if (strcmp(kind, "A_Expr") == 0) return pc_bind_operator(b, body, out);
    if (strcmp(kind, "BoolExpr") == 0) return bind_logic(b, body, out);
    if (strcmp(kind, "NullTest") == 0) return bind_null_test(b, body, out);
    if (strcmp(kind, "BooleanTest") == 0) return bind_truth_test(b, body, out);
    if (strcmp(kind, "FuncCall") == 0) return pc_bind_function(b, body, out);
    if (strcmp(kind, "TypeCast") == 0) return pc_bind_cast(b, body, out);
    if (strcmp(kind, "CaseExpr") == 0) return bind_case(b, body, out);
    if (strcmp(kind, "SubLink") == 0) {
        return b->subquery != NULL ? b->subquery(b, body, out) : pc_bind_in_select(b, body, out);
    }
    if (strcmp(kind, "GroupingFunc") == 0 && b->grouping != NULL) return b->grouping(b, body, out);
    if (strcmp(kind, "CoalesceExpr") == 0) {
        return bind_choice(b, body, PC_FN_COALESCE, "COALESCE", out);
    }
    if (strcmp(kind, "MinMaxExpr") == 0) {
        const bool greatest = strcmp(pc_node_text(body, "op"), "IS_GREATEST") == 0;
        return bind_choice(b, body, greatest ? PC_FN_GREATEST : PC_FN_LEAST,
                           greatest ? "GREATEST" : "LEAST", out);
    }
    if (strcmp(kind, "SQLValueFunction") == 0) {
        return pc_bind_fail(b, pc_node_location(node), PC_UNSUPPORTED,
                            "the time of day is not offered: results must not depend on it");
    }
    return pc_bind_fail(b, pc_node_location(node), PC_UNSUPPORTED, "%s is not offered",
                        kind[0] == '\0' ? "this expression" : kind);
}

pc_status pc_bind_typed(pc_binder *b, const cJSON *node, const pc_expr **out)
{
    PC_TRY(pc_bind_node(b, node, out));
    if ((*out)->type == PC_NONE) return pc_bring_to(b, *out, PC_CODE, 0, out);
    return PC_OK;
}

pc_status pc_bind_bool(pc_binder *b, const cJSON *node, const pc_expr **out)
{
    PC_TRY(pc_bind_node(b, node, out));
    if ((*out)->type == PC_NONE) return pc_bring_to(b, *out, PC_BOOL, 0, out);
    if ((*out)->type == PC_BOOL) return PC_OK;
    return pc_bind_fail(b, pc_node_location(node), PC_BAD_JOB,
                        "expected a condition (bool), found a value of type %s",
                        pc_type_name((*out)->type));
}

static pc_status bind_whole(pc_binder *b, pc_type wanted, const pc_expr **out)
{
    static const char *const allowed[] = {NULL};
    const cJSON *select = b->text->select;
    PC_TRY(pc_refuse_clauses(b, select, allowed));
    const cJSON *targets = pc_node_get(select, "targetList");
    const cJSON *target = pc_node_body(cJSON_GetArrayItem(targets, 0));
    if (cJSON_GetArraySize(targets) != 1 || pc_node_get(target, "name") != NULL) {
        return pc_bind_fail(b, -1, PC_BAD_JOB, "expected one expression, found a list");
    }
    const cJSON *node = pc_node_get(target, "val");
    if (wanted == PC_BOOL) return pc_bind_bool(b, node, out);
    PC_TRY(pc_bind_node(b, node, out));
    if ((*out)->type == PC_NONE) {
        return pc_bring_to(b, *out, wanted == PC_NONE ? PC_CODE : wanted, 0, out);
    }
    const bool fits = wanted == PC_NONE || wanted == (*out)->type ||
                      (pc_type_is_text(wanted) && pc_type_is_text((*out)->type));
    if (fits) return PC_OK;
    const bool widens =
        (wanted == PC_FLOAT && ((*out)->type == PC_INT || (*out)->type == PC_DECIMAL)) ||
        (wanted == PC_DECIMAL && (*out)->type == PC_INT);
    if (widens) return pc_bring_to(b, *out, wanted, 0, out);
    return pc_bind_fail(b, -1, PC_BAD_JOB, "expected a value of type %s, found %s",
                        pc_type_name(wanted), pc_type_name((*out)->type));
}

pc_status pc_bind_expr(pc_scope *scope, const char *sql, const char *what, pc_type wanted,
                       pc_arena *arena, const pc_expr **out, pc_error *err)
{
    pc_sql_text text;
    PC_TRY(pc_sql_text_parse(sql, what, true, &text, err));
    pc_binder b = {.scope = scope, .text = &text, .arena = arena, .err = err};
    const pc_status status = bind_whole(&b, wanted, out);
    pc_sql_text_free(&text);
    return status;
}
