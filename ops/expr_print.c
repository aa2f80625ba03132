/** Expressions as text, for explain. */
#include "expr_private.h"

static pc_status print_text(pc_buffer *out, pc_span text, pc_error *err)
{
    PC_TRY(pc_buffer_append(out, "'", 1, err));
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.data[i] == '\'') PC_TRY(pc_buffer_append(out, "'", 1, err));
        PC_TRY(pc_buffer_append(out, &text.data[i], 1, err));
    }
    return pc_buffer_append(out, "'", 1, err);
}

static pc_status print_value(const pc_value *value, pc_buffer *out, pc_error *err)
{
    char text[48];
    if (value->is_null) return pc_buffer_print(out, err, "NULL");
    switch (value->type) {
        case PC_BOOL:
            return pc_buffer_print(out, err, value->integer != 0 ? "true" : "false");
        case PC_INT:
        case PC_DECIMAL:
            (void)pc_decimal_format(value->integer, value->scale, text);
            return pc_buffer_print(out, err, "%s", text);
        case PC_DATE:
            (void)pc_day_format((int32_t)value->integer, text);
            return pc_buffer_print(out, err, "DATE '%s'", text);
        case PC_FLOAT:
            (void)pc_float_format(value->real, text);
            return pc_buffer_print(out, err, "%s", text);
        default:
            return print_text(out, value->text, err);
    }
}

enum { LIST_SHOWN = 20 }; // values of an IN list that are written out

static pc_status print_list(const pc_expr *x, pc_buffer *out, pc_error *err)
{
    const pc_in_list *list = x->extra;
    PC_TRY(pc_buffer_print(out, err, list->negate ? " NOT IN (" : " IN ("));
    for (int64_t i = 0; i < list->count && i < LIST_SHOWN; i++) {
        pc_value value = {.type = x->arg[0]->type, .scale = x->arg[0]->scale};
        if (list->text != NULL) value.text = list->text[i];
        if (list->integer != NULL) value.integer = list->integer[i];
        if (list->real != NULL) value.real = list->real[i];
        if (i > 0) PC_TRY(pc_buffer_print(out, err, ", "));
        PC_TRY(print_value(&value, out, err));
    }
    if (list->count > LIST_SHOWN) {
        PC_TRY(pc_buffer_print(out, err, ", ... %lld in all", (long long)list->count));
    }
    return pc_buffer_print(out, err, list->has_null ? ", NULL)" : ")");
}

static pc_status print_behind(const pc_expr *x, pc_buffer *out, pc_error *err)
{
    const pc_function_id id = pc_function_which(x->function);
    if (id == PC_FN_IN) return print_list(x, out, err);
    if (id == PC_FN_REGEX) {
        PC_TRY(pc_buffer_print(out, err, " %s ", pc_regex_operator(x->extra)));
        return print_text(out, pc_regex_pattern(x->extra), err);
    }
    if (id != PC_FN_LIKE) return pc_buffer_print(out, err, " %s", x->function->name);
    const pc_like *like = x->extra;
    PC_TRY(pc_buffer_print(out, err, " %s%s ", like->negate ? "NOT " : "",
                           like->ignore_case ? "ILIKE" : "LIKE"));
    return print_text(out, like->pattern, err);
}

static pc_status print_call(const pc_expr *x, const pc_schema *schema, pc_buffer *out,
                            pc_error *err)
{
    const pc_function_id id = pc_function_which(x->function);
    PC_TRY(pc_buffer_print(out, err, "%s(", x->function->name));
    if (id == PC_FN_DATE_PART || id == PC_FN_DATE_TRUNC || id == PC_FN_AGE_PART) {
        PC_TRY(
            pc_buffer_print(out, err, "%s, ", pc_date_part_name(*(const pc_date_part *)x->extra)));
    }
    for (int i = 0; i < x->arg_count; i++) {
        if (i > 0) PC_TRY(pc_buffer_print(out, err, ", "));
        PC_TRY(pc_expr_print(x->arg[i], schema, out, err));
    }
    if (id == PC_FN_IN_CODES) {
        PC_TRY(pc_buffer_print(out, err, ", '%s'", ((const pc_code_test *)x->extra)->name));
    }
    if (id == PC_FN_FIT)
        PC_TRY(pc_buffer_print(out, err, " AS %s", ((const pc_limits *)x->extra)->name));
    if (id == PC_FN_CAST) PC_TRY(pc_buffer_print(out, err, " AS %s", pc_type_name(x->type)));
    if (id == PC_FN_CAST && x->type == PC_DECIMAL) {
        PC_TRY(pc_buffer_print(out, err, "(%d)", x->scale));
    }
    return pc_buffer_print(out, err, ")");
}

pc_status pc_expr_print(const pc_expr *expr, const pc_schema *schema, pc_buffer *out, pc_error *err)
{
    if (expr->kind == PC_EXPR_CONSTANT) return print_value(&expr->constant, out, err);
    if (expr->kind == PC_EXPR_LATER) {
        return pc_buffer_print(out, err, "value %d", expr->column + 1);
    }
    if (expr->kind == PC_EXPR_COLUMN) {
        const bool named = schema != NULL && expr->column < schema->field_count;
        if (!named) return pc_buffer_print(out, err, "#%d", expr->column);
        return pc_buffer_print(out, err, "%s", schema->field[expr->column].name);
    }
    switch (expr->function->form) {
        case PC_PRINT_CALL:
            return print_call(expr, schema, out, err);
        case PC_PRINT_BEHIND:
            PC_TRY(pc_expr_print(expr->arg[0], schema, out, err));
            return print_behind(expr, out, err);
        case PC_PRINT_INFIX:
            break;
    }
    PC_TRY(pc_buffer_print(out, err, "("));
    for (int i = 0; i < expr->arg_count; i++) {
        if (i > 0) PC_TRY(pc_buffer_print(out, err, " %s ", expr->function->name));
        PC_TRY(pc_expr_print(expr->arg[i], schema, out, err));
    }
    return pc_buffer_print(out, err, ")");
}
