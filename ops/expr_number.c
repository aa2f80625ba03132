/** Arithmetic on int64, scaled decimals and doubles. Exact, or a named error. */
#include <math.h>
#include "expr_private.h"

enum { FIRST_DAY = -719162, LAST_DAY = 2932896 }; // 0001-01-01 and 9999-12-31

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
