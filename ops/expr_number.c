/** Arithmetic on int64, scaled decimals and doubles; casts between types. Exact, or a named error.
 */
#include <math.h>
#include <stdio.h>
#include "expr_private.h"

enum { FIRST_DAY = -719162, LAST_DAY = 2932896 }; // 0001-01-01 and 9999-12-31

static int64_t power_of_ten(int n)
{
    int64_t power = 1;
    for (int i = 0; i < n; i++) {
        power *= 10;
    }
    return power;
}

// True where the result does not fit.
static bool step(pc_function_id id, int64_t a, int64_t b, int64_t *out)
{
    switch (id) {
        case PC_FN_ADD:
            return __builtin_add_overflow(a, b, out);
        case PC_FN_SUBTRACT:
            return __builtin_sub_overflow(a, b, out);
        case PC_FN_MULTIPLY:
            return __builtin_mul_overflow(a, b, out);
        case PC_FN_NEGATE:
            return __builtin_sub_overflow(0, a, out);
        case PC_FN_DIVIDE:
            if (b == 0 || (a == INT64_MIN && b == -1)) return true;
            *out = a / b;
            return false;
        default:
            if (b == 0) return true;
            *out = b == -1 ? 0 : a % b;
            return false;
    }
}

static pc_status fail_int(pc_eval *e, const pc_expr *x, int64_t b)
{
    const pc_function_id id = pc_function_which(x->function);
    if ((id == PC_FN_DIVIDE || id == PC_FN_MODULO) && b == 0) {
        return pc_eval_fail(e, x, "division by zero");
    }
    return pc_eval_fail(e, x, "a result beyond 64 bits");
}

static pc_status int_loop(pc_eval *e, const pc_expr *x, const int64_t *a, const int64_t *b,
                          const uint64_t *valid, int64_t *to)
{
    const pc_function_id id = pc_function_which(x->function);
    const int count = e->batch->row_count;
    bool bad = false;
    if (id == PC_FN_ADD) {
        for (int i = 0; i < count; i++) {
            bad |= __builtin_add_overflow(a[i], b[i], &to[i]);
        }
    } else if (id == PC_FN_SUBTRACT) {
        for (int i = 0; i < count; i++) {
            bad |= __builtin_sub_overflow(a[i], b[i], &to[i]);
        }
    } else if (id == PC_FN_MULTIPLY) {
        for (int i = 0; i < count; i++) {
            bad |= __builtin_mul_overflow(a[i], b[i], &to[i]);
        }
    } else {
        for (int i = 0; i < count; i++) {
            bad |= step(id, a[i], b[i], &to[i]);
        }
    }
    // Null rows hold any value: only the others count.
    for (int i = 0; bad && i < count; i++) {
        if (pc_is_valid(valid, i) && step(id, a[i], b[i], &to[i])) return fail_int(e, x, b[i]);
    }
    return PC_OK;
}

static pc_status check_days(pc_eval *e, const pc_expr *x, const uint64_t *valid, int64_t *to)
{
    for (int i = 0; i < e->batch->row_count; i++) {
        if (to[i] >= FIRST_DAY && to[i] <= LAST_DAY) continue;
        if (pc_is_valid(valid, i)) return pc_eval_fail(e, x, "a date beyond the years 1 to 9999");
        to[i] = 0;
    }
    return PC_OK;
}

static pc_status real_loop(pc_eval *e, const pc_expr *x, const double *a, const double *b,
                           const uint64_t *valid, double *to)
{
    const pc_function_id id = pc_function_which(x->function);
    const int count = e->batch->row_count;
    for (int i = 0; i < count; i++) {
        if (id == PC_FN_ADD) to[i] = a[i] + b[i];
        if (id == PC_FN_SUBTRACT) to[i] = a[i] - b[i];
        if (id == PC_FN_MULTIPLY) to[i] = a[i] * b[i];
        if (id == PC_FN_DIVIDE) to[i] = a[i] / b[i];
        if (id == PC_FN_NEGATE) to[i] = -a[i];
        if (id == PC_FN_DIVIDE && b[i] == 0 && pc_is_valid(valid, i)) {
            return pc_eval_fail(e, x, "division by zero");
        }
    }
    for (int i = 0; i < count; i++) {
        if (isinf(to[i]) && !isinf(a[i]) && !isinf(b[i]) && pc_is_valid(valid, i)) {
            return pc_eval_fail(e, x, "a result beyond the range of float");
        }
    }
    return PC_OK;
}

pc_status pc_eval_arithmetic(pc_eval *e, const pc_expr *x, pc_vector *out)
{
    pc_vector a;
    pc_vector b;
    PC_TRY(pc_eval_node(e, x->arg[0], &a));
    b = a;
    if (x->arg_count > 1) PC_TRY(pc_eval_node(e, x->arg[1], &b));
    const uint64_t *valid;
    PC_TRY(pc_vector_both(e, &a, &b, &valid));
    void *data = pc_eval_array(e, 8);
    if (data == NULL) return PC_NO_MEMORY;
    if (x->type == PC_FLOAT) {
        const double *m;
        const double *n;
        PC_TRY(pc_vector_double(e, &a, &m));
        PC_TRY(pc_vector_double(e, &b, &n));
        PC_TRY(real_loop(e, x, m, n, valid, data));
    } else {
        const int64_t *m;
        const int64_t *n;
        PC_TRY(pc_vector_int64(e, &a, &m));
        PC_TRY(pc_vector_int64(e, &b, &n));
        PC_TRY(int_loop(e, x, m, n, valid, data));
        if (x->type == PC_DATE) PC_TRY(check_days(e, x, valid, data));
    }
    *out = (pc_vector){
        .column = {.type = x->type, .scale = x->scale, .width = 8, .data = data, .valid = valid}};
    return PC_OK;
}

// Rounds a scaled integer to fewer digits, half away from zero.
static int64_t round_scaled(int64_t value, int64_t divisor)
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

static pc_status real_to_scaled(pc_eval *e, const pc_expr *x, double value, double (*how)(double),
                                pc_cell *out)
{
    const double scaled = how(value * (double)power_of_ten(x->scale));
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
    if (from_real && x->type == PC_DECIMAL) return real_to_scaled(e, x, real, round, out);
    if (from_real) {
        if (id == PC_FN_ABS) out->real = fabs(real);
        if (id == PC_FN_SIGN) out->real = (real > 0) - (real < 0);
        if (id == PC_FN_ROUND) out->real = rint(real);
        if (id == PC_FN_FLOOR) out->real = floor(real);
        if (id == PC_FN_CEIL) out->real = ceil(real);
        return PC_OK;
    }
    const int from_scale = x->arg[0]->scale;
    const int64_t divisor = from_scale > x->scale ? power_of_ten(from_scale - x->scale) : 1;
    if (id == PC_FN_SIGN) out->integer = (value > 0) - (value < 0);
    if (id == PC_FN_ABS && value == INT64_MIN) {
        return pc_eval_fail(e, x, "a result beyond 64 bits");
    }
    if (id == PC_FN_ABS) out->integer = value < 0 ? -value : value;
    if (id == PC_FN_FLOOR) out->integer = floor_scaled(value, divisor);
    if (id == PC_FN_CEIL) out->integer = value / divisor + (value % divisor > 0 ? 1 : 0);
    if (id == PC_FN_ROUND && divisor > 1) out->integer = round_scaled(value, divisor);
    if (id == PC_FN_ROUND && divisor == 1) {
        const int64_t factor = power_of_ten(x->scale - from_scale);
        if (__builtin_mul_overflow(value, factor, &out->integer)) {
            return pc_eval_fail(e, x, "a result beyond 64 bits");
        }
    }
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

enum { BANDS_KEPT = 256 }; // ages and years of birth have fewer

// The text of a band is written once a batch, not once a row.
pc_status pc_eval_band(pc_eval *e, const pc_expr *x, pc_vector *out)
{
    const pc_expr *width = x->arg[1];
    if (width->kind != PC_EXPR_CONSTANT || width->constant.is_null ||
        width->constant.integer <= 0) {
        return pc_eval_cells(e, x, out);
    }
    uint32_t word[BANDS_KEPT] = {0};
    pc_vector v;
    pc_filler filler;
    PC_TRY(pc_eval_node(e, x->arg[0], &v));
    PC_TRY(pc_filler_begin(e, x, &filler));
    for (int row = 0; row < e->batch->row_count; row++) {
        pc_cell arg[2] = {pc_vector_cell(&v, row), {.integer = width->constant.integer}};
        if (arg[0].is_null) continue;
        const int64_t band = floor_scaled(arg[0].integer, arg[1].integer);
        const bool kept = band >= 0 && band < BANDS_KEPT;
        if (kept && word[band] != 0) {
            filler.valid[row >> 6] |= 1ULL << (row & 63);
            filler.word[row] = word[band] - 1;
            continue;
        }
        pc_cell text = {.is_null = false};
        PC_TRY(pc_cell_band(e, x, arg, &text));
        PC_TRY(pc_filler_put(e, &filler, row, &text));
        if (kept) word[band] = filler.word[row] + 1;
    }
    pc_filler_end(&filler, x, out);
    return PC_OK;
}

static pc_status scaled_to_scaled(pc_eval *e, const pc_expr *x, int64_t value, pc_cell *out)
{
    const int from = x->arg[0]->scale;
    if (from > x->scale) {
        out->integer = round_scaled(value, power_of_ten(from - x->scale));
        return PC_OK;
    }
    if (__builtin_mul_overflow(value, power_of_ten(x->scale - from), &out->integer)) {
        return pc_eval_fail(e, x, "a result beyond 64 bits");
    }
    return PC_OK;
}

static pc_status text_to(pc_eval *e, const pc_expr *x, pc_span text, pc_cell *out)
{
    static const char *const yes[] = {"t", "true", "y", "yes", "on", "1"};
    static const char *const no[] = {"f", "false", "n", "no", "off", "0"};
    const pc_span trimmed = pc_span_trim(text);
    bool good = false;
    int32_t day = 0;
    switch (x->type) {
        case PC_INT:
            good = pc_int_parse(trimmed, &out->integer);
            break;
        case PC_DECIMAL:
            good = pc_decimal_parse(trimmed, x->scale, '.', &out->integer);
            break;
        case PC_DATE:
            good = pc_day_parse(trimmed, &day);
            out->integer = day;
            break;
        case PC_FLOAT: {
            int64_t scaled;
            // Decimals as written in data: 18 digits behind the point are more than a double has.
            good = pc_decimal_parse(trimmed, 9, '.', &scaled);
            out->real = (double)scaled / 1e9;
            break;
        }
        case PC_BOOL:
            for (int i = 0; i < 6 && !good; i++) {
                out->integer = pc_span_equal_nocase(trimmed, pc_span_of(yes[i]));
                good = out->integer != 0 || pc_span_equal_nocase(trimmed, pc_span_of(no[i]));
            }
            break;
        default:
            out->text = text;
            return PC_OK;
    }
    return good ? PC_OK : pc_eval_fail(e, x, "a text that is not a value of that type");
}

static pc_status to_text(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out)
{
    pc_buffer *text = &e->state->text;
    text->bytes = 0;
    PC_TRY(pc_buffer_reserve(text, 64, e->err));
    const pc_expr *from = x->arg[0];
    int bytes = 0;
    if (from->type == PC_BOOL) bytes = snprintf(text->data, 64, arg->integer ? "true" : "false");
    if (from->type == PC_INT || from->type == PC_DECIMAL) {
        bytes = pc_decimal_format(arg->integer, from->scale, text->data);
    }
    if (from->type == PC_FLOAT) bytes = pc_float_format(arg->real, text->data);
    if (from->type == PC_DATE) bytes = pc_day_format((int32_t)arg->integer, text->data);
    out->text = (pc_span){text->data, (size_t)bytes};
    return PC_OK;
}

pc_status pc_cell_cast(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out)
{
    const pc_type from = x->arg[0]->type;
    if (pc_type_is_text(from)) return text_to(e, x, arg[0].text, out);
    if (pc_type_is_text(x->type)) return to_text(e, x, arg, out);
    if (from == PC_FLOAT && x->type == PC_INT) return real_to_scaled(e, x, arg->real, rint, out);
    if (from == PC_FLOAT && x->type == PC_DECIMAL) {
        return real_to_scaled(e, x, arg->real, round, out);
    }
    if (x->type == PC_BOOL) {
        out->integer = arg->integer != 0;
        return PC_OK;
    }
    if (x->type == PC_FLOAT && from != PC_FLOAT) {
        out->real = (double)arg->integer / (double)power_of_ten(x->arg[0]->scale);
        return PC_OK;
    }
    if (x->type == PC_INT || x->type == PC_DECIMAL) {
        return scaled_to_scaled(e, x, arg->integer, out);
    }
    *out = arg[0];
    return PC_OK;
}

// Integers to double, the cast that sums and shares make often, without going cell by cell.
pc_status pc_eval_cast(pc_eval *e, const pc_expr *x, pc_vector *out)
{
    const pc_type from = x->arg[0]->type;
    const bool is_fast = x->type == PC_FLOAT && (from == PC_INT || from == PC_DECIMAL);
    if (!is_fast) return pc_eval_cells(e, x, out);
    pc_vector v;
    PC_TRY(pc_eval_node(e, x->arg[0], &v));
    if (v.is_constant) return pc_eval_cells(e, x, out);
    const int64_t *value;
    PC_TRY(pc_vector_int64(e, &v, &value));
    double *to = pc_eval_array(e, sizeof *to);
    if (to == NULL) return PC_NO_MEMORY;
    const double divisor = (double)power_of_ten(x->arg[0]->scale);
    for (int i = 0; i < e->batch->row_count; i++) {
        to[i] = (double)value[i] / divisor;
    }
    *out =
        (pc_vector){.column = {.type = PC_FLOAT, .width = 8, .data = to, .valid = v.column.valid}};
    return PC_OK;
}
