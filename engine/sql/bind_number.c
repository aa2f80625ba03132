/** Functions of numbers. */
#include <string.h>
#include "sql_call.h"

static bool is_number(pc_type type)
{
    return type == PC_INT || type == PC_DECIMAL || type == PC_FLOAT;
}

// round(x, n) and trunc(x, n): a decimal of n digits.
static pc_status bind_digits(pc_sql_call *c, pc_function_id id, const pc_expr **out)
{
    const pc_expr *digits = c->arg[1];
    if (digits->kind != PC_EXPR_CONSTANT || digits->type != PC_INT || digits->constant.is_null ||
        digits->constant.integer < 0 || digits->constant.integer > PC_DECIMAL_MAX_SCALE) {
        return pc_bind_fail(c->b, c->location, PC_UNSUPPORTED,
                            "%s: expected a constant from 0 to 18 as number of digits", c->name);
    }
    c->count = 1;
    return pc_call_make(c, id, PC_DECIMAL, (uint8_t)digits->constant.integer, NULL, out);
}

// round, trunc, floor, ceil, sign of an int are floats, as PostgreSQL chooses; abs stays an int.
static pc_status bind_rounding(pc_sql_call *c, pc_function_id id, const pc_expr **out)
{
    const bool to_digits = (id == PC_FN_ROUND || id == PC_FN_TRUNC) && c->count == 2;
    if (c->count != 1 && !to_digits) return pc_call_wrong(c, "one number");
    if (c->arg[0]->type == PC_NONE) {
        const bool as_decimal = to_digits && pc_is_literal(c->arg[0]);
        PC_TRY(pc_bring_to(c->b, c->arg[0], as_decimal ? PC_DECIMAL : PC_FLOAT,
                           as_decimal ? PC_DECIMAL_MAX_SCALE : 0, &c->arg[0]));
    }
    if (!is_number(c->arg[0]->type)) return pc_call_wrong(c, "a number");
    if (to_digits) return bind_digits(c, id, out);
    if (c->arg[0]->type == PC_INT && id != PC_FN_ABS) PC_TRY(pc_call_bring(c, 0, 'f'));
    const pc_type type = c->arg[0]->type;
    return pc_call_make(c, id, type, id == PC_FN_ABS ? c->arg[0]->scale : 0, NULL, out);
}

// mod(a, b), div(a, b): the whole quotient, a decimal as in PostgreSQL.
static pc_status bind_mod(pc_sql_call *c, pc_function_id id, const pc_expr **out)
{
    pc_type type;
    uint8_t scale;
    if (c->count != 2) return pc_call_wrong(c, "two numbers");
    PC_TRY(pc_common_type(c->b, c->arg, 2, c->location, c->name, &type, &scale));
    if (type != PC_INT && type != PC_DECIMAL)
        return pc_call_wrong(c, "two whole or decimal numbers");
    if (id == PC_FN_DIVIDE) type = PC_DECIMAL;
    PC_TRY(pc_bring_to(c->b, c->arg[0], type, scale, &c->arg[0]));
    PC_TRY(pc_bring_to(c->b, c->arg[1], type, scale, &c->arg[1]));
    return pc_call_make(c, id, type, id == PC_FN_DIVIDE ? 0 : scale, NULL, out);
}

static pc_status bind_band(pc_sql_call *c, pc_function_id id, const pc_expr **out)
{
    if (c->count != 2) return pc_call_wrong(c, "a whole number and the width of a band");
    PC_TRY(pc_call_bring(c, 0, 'i'));
    PC_TRY(pc_call_bring(c, 1, 'i'));
    return pc_call_make(c, id, PC_CODE, 0, NULL, out);
}

static pc_status bind_real(pc_sql_call *c, pc_function_id id, const pc_expr **out)
{
    const int count = id == PC_FN_POWER ? 2 : 1;
    if (c->count != count) return pc_call_wrong(c, count == 2 ? "two numbers" : "one number");
    for (int i = 0; i < count; i++) {
        PC_TRY(pc_call_bring(c, i, 'f'));
    }
    return pc_call_make(c, id, PC_FLOAT, 0, NULL, out);
}

// width_bucket(x, low, high, count): of floats, or of whole numbers and decimals exactly.
static pc_status bind_width_bucket(pc_sql_call *c, pc_function_id id, const pc_expr **out)
{
    pc_type type;
    uint8_t scale;
    if (c->count != 4) return pc_call_wrong(c, "a number, two bounds and a number of parts");
    PC_TRY(pc_common_type(c->b, c->arg, 3, c->location, c->name, &type, &scale));
    if (!is_number(type)) return pc_call_wrong(c, "numbers");
    for (int i = 0; i < 3; i++) {
        PC_TRY(pc_bring_to(c->b, c->arg[i], type, scale, &c->arg[i]));
    }
    PC_TRY(pc_call_bring(c, 3, 'i'));
    return pc_call_make(c, id, PC_INT, 0, NULL, out);
}

pc_status pc_bind_number_function(pc_sql_call *c, bool *found, const pc_expr **out)
{
    static const struct {
        const char *name;
        pc_function_id id;
        pc_status (*bind)(pc_sql_call *c, pc_function_id id, const pc_expr **out);
    } known[] = {{"round", PC_FN_ROUND, bind_rounding},
                 {"trunc", PC_FN_TRUNC, bind_rounding},
                 {"floor", PC_FN_FLOOR, bind_rounding},
                 {"ceil", PC_FN_CEIL, bind_rounding},
                 {"ceiling", PC_FN_CEIL, bind_rounding},
                 {"abs", PC_FN_ABS, bind_rounding},
                 {"sign", PC_FN_SIGN, bind_rounding},
                 {"mod", PC_FN_MODULO, bind_mod},
                 {"div", PC_FN_DIVIDE, bind_mod},
                 {"power", PC_FN_POWER, bind_real},
                 {"pow", PC_FN_POWER, bind_real},
                 {"sqrt", PC_FN_SQRT, bind_real},
                 {"cbrt", PC_FN_CBRT, bind_real},
                 {"exp", PC_FN_EXP, bind_real},
                 {"ln", PC_FN_LN, bind_real},
                 {"log", PC_FN_LOG10, bind_real},
                 {"log10", PC_FN_LOG10, bind_real},
                 {"band", PC_FN_BAND, bind_band},
                 {"width_bucket", PC_FN_WIDTH_BUCKET, bind_width_bucket}};
    *found = true;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(known[i].name, c->name) == 0) return known[i].bind(c, known[i].id, out);
    }
    *found = false;
    return PC_OK;
}
