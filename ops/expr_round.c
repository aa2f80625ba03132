/** Functions of numbers: rounding, powers and logarithms, bands. */
#include <math.h>
#include "expr_private.h"

int64_t pc_power_of_ten(int n)
{
    int64_t power = 1;
    for (int i = 0; i < n; i++) {
        power *= 10;
    }
    return power;
}

// Rounds a scaled integer to fewer digits, half away from zero.
int64_t pc_round_scaled(int64_t value, int64_t divisor)
{
    int64_t quotient = value / divisor;
    const int64_t rest = value % divisor;
    if (rest >= divisor - rest) quotient++; // for positive rests only: else rest is below
    if (-rest >= divisor + rest) quotient--;
    return quotient;
}

static int64_t floor_scaled(int64_t value, int64_t divisor)
{
    return value / divisor - (value % divisor < 0 ? 1 : 0);
}

pc_status pc_real_to_scaled(pc_eval *e, const pc_expr *x, double value, double (*how)(double),
                            pc_cell *out)
{
    const double scaled = how(value * (double)pc_power_of_ten(x->scale));
    if (!(scaled >= -9223372036854775808.0 && scaled < 9223372036854775808.0)) {
        return pc_eval_fail(e, x, "a result beyond 64 bits");
    }
    out->integer = (int64_t)scaled;
    return PC_OK;
}

pc_status pc_cell_number(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out)
{
    const pc_function_id id = pc_function_which(x->function);
    const bool from_real = x->arg[0]->type == PC_FLOAT;
    const double real = arg[0].real;
    const int64_t value = arg[0].integer;
    if (from_real && x->type == PC_DECIMAL) {
        return pc_real_to_scaled(e, x, real, id == PC_FN_TRUNC ? trunc : round, out);
    }
    if (from_real) {
        if (id == PC_FN_ABS) out->real = fabs(real);
        if (id == PC_FN_SIGN) out->real = (real > 0) - (real < 0);
        if (id == PC_FN_ROUND) out->real = rint(real);
        if (id == PC_FN_FLOOR) out->real = floor(real);
        if (id == PC_FN_CEIL) out->real = ceil(real);
        if (id == PC_FN_TRUNC) out->real = trunc(real);
        return PC_OK;
    }
    const int from_scale = x->arg[0]->scale;
    const int64_t divisor = from_scale > x->scale ? pc_power_of_ten(from_scale - x->scale) : 1;
    if (id == PC_FN_SIGN) out->integer = (value > 0) - (value < 0);
    if (id == PC_FN_ABS && value == INT64_MIN) {
        return pc_eval_fail(e, x, "a result beyond 64 bits");
    }
    if (id == PC_FN_ABS) out->integer = value < 0 ? -value : value;
    if (id == PC_FN_FLOOR) out->integer = floor_scaled(value, divisor);
    if (id == PC_FN_CEIL) out->integer = value / divisor + (value % divisor > 0 ? 1 : 0);
    if (id == PC_FN_TRUNC && divisor > 1) out->integer = value / divisor;
    if (id == PC_FN_ROUND && divisor > 1) out->integer = pc_round_scaled(value, divisor);
    if ((id == PC_FN_ROUND || id == PC_FN_TRUNC) && divisor == 1) {
        const int64_t factor = pc_power_of_ten(x->scale - from_scale);
        if (__builtin_mul_overflow(value, factor, &out->integer)) {
            return pc_eval_fail(e, x, "a result beyond 64 bits");
        }
    }
    return PC_OK;
}

// The result of a function of real numbers, which may be too large or no number.
static pc_status real_result(pc_eval *e, const pc_expr *x, bool is_finite_in, double value,
                             pc_cell *out)
{
    if (is_finite_in && isinf(value))
        return pc_eval_fail(e, x, "a result beyond the range of float");
    out->real = value;
    return PC_OK;
}

static pc_status power_of(pc_eval *e, const pc_expr *x, double base, double exponent, pc_cell *out)
{
    if (base == 0 && exponent < 0) return pc_eval_fail(e, x, "zero to a negative power");
    if (base < 0 && isfinite(exponent) && floor(exponent) != exponent) {
        return pc_eval_fail(e, x, "a negative number to a power that is not whole");
    }
    return real_result(e, x, isfinite(base) && isfinite(exponent), pow(base, exponent), out);
}

pc_status pc_cell_real(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out)
{
    const pc_function_id id = pc_function_which(x->function);
    const double value = arg[0].real;
    switch (id) {
        case PC_FN_POWER:
            return power_of(e, x, value, arg[1].real, out);
        case PC_FN_SQRT:
            if (value < 0) return pc_eval_fail(e, x, "the square root of a negative number");
            out->real = sqrt(value);
            return PC_OK;
        case PC_FN_CBRT:
            out->real = cbrt(value);
            return PC_OK;
        case PC_FN_EXP:
            return real_result(e, x, isfinite(value), exp(value), out);
        default:
            if (value == 0) return pc_eval_fail(e, x, "the logarithm of zero");
            if (value < 0) return pc_eval_fail(e, x, "the logarithm of a negative number");
            out->real = id == PC_FN_LN ? log(value) : log10(value);
            return PC_OK;
    }
}

// Which of `count` equal parts of low .. high holds x, from 1; 0 before low, count + 1 from high
// on. Ends may stand in falling order.
pc_status pc_cell_width_bucket(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out)
{
    const int64_t count = arg[3].integer;
    if (count <= 0 || count > INT32_MAX - 1) {
        return pc_eval_fail(e, x, "a number of parts that is not from 1 to 2147483646");
    }
    if (x->arg[0]->type == PC_FLOAT) {
        const double sign = arg[1].real < arg[2].real ? 1 : -1;
        const double from = (arg[0].real - arg[1].real) * sign;
        const double span = (arg[2].real - arg[1].real) * sign;
        if (!isfinite(arg[1].real) || !isfinite(arg[2].real) || isnan(arg[0].real)) {
            return pc_eval_fail(e, x, "bounds that are not finite");
        }
        if (span == 0) return pc_eval_fail(e, x, "two equal bounds");
        out->integer = from < 0 ? 0 : count + 1;
        if (from >= 0 && from < span) out->integer = (int64_t)((double)count * from / span) + 1;
        return PC_OK;
    }
    const int sign = arg[1].integer < arg[2].integer ? 1 : -1;
    const pc_int128 from = ((pc_int128)arg[0].integer - arg[1].integer) * sign;
    const pc_int128 span = ((pc_int128)arg[2].integer - arg[1].integer) * sign;
    if (span == 0) return pc_eval_fail(e, x, "two equal bounds");
    out->integer = from < 0 ? 0 : count + 1;
    if (from >= 0 && from < span) out->integer = (int64_t)(from * count / span) + 1;
    return PC_OK;
}

pc_status pc_cell_band(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out)
{
    const int64_t width = arg[1].integer;
    if (width <= 0) return pc_eval_fail(e, x, "a band that is not wider than 0");
    int64_t low;
    int64_t high;
    if (__builtin_mul_overflow(floor_scaled(arg[0].integer, width), width, &low) ||
        __builtin_add_overflow(low, width - 1, &high)) {
        return pc_eval_fail(e, x, "a result beyond 64 bits");
    }
    pc_buffer *text = &e->state->text;
    text->bytes = 0;
    PC_TRY(pc_buffer_print(text, e->err, "%lld-%lld", (long long)low, (long long)high));
    out->text = (pc_span){text->data, text->bytes};
    return PC_OK;
}

enum { VALUES_KEPT = 128 }; // ages have fewer

// The text of a value's band is written once a batch, not once a row.
pc_status pc_eval_band(pc_eval *e, const pc_expr *x, pc_vector *out)
{
    const pc_expr *width = x->arg[1];
    if (width->kind != PC_EXPR_CONSTANT || width->constant.is_null ||
        width->constant.integer <= 0) {
        return pc_eval_cells(e, x, out);
    }
    uint32_t word[VALUES_KEPT] = {0};
    pc_vector v;
    pc_filler filler;
    const int64_t *value;
    PC_TRY(pc_eval_node(e, x->arg[0], &v));
    if (v.is_constant) return pc_eval_cells(e, x, out);
    PC_TRY(pc_vector_int64(e, &v, &value));
    PC_TRY(pc_filler_begin(e, x, &filler));
    for (int row = 0; row < e->batch->row_count; row++) {
        if (!pc_is_valid(v.column.valid, row)) continue;
        const bool kept = value[row] >= 0 && value[row] < VALUES_KEPT;
        if (kept && word[value[row]] != 0) {
            filler.valid[row >> 6] |= 1ULL << (row & 63);
            filler.word[row] = word[value[row]] - 1;
            continue;
        }
        const pc_cell arg[2] = {{.integer = value[row]}, {.integer = width->constant.integer}};
        pc_cell text = {.is_null = false};
        PC_TRY(pc_cell_band(e, x, arg, &text));
        PC_TRY(pc_filler_put(e, &filler, row, &text));
        if (kept) word[value[row]] = filler.word[row] + 1;
    }
    pc_filler_end(e, &filler, x, out);
    return PC_OK;
}
