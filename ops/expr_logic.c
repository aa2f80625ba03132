/** Three-valued logic, tests for null and truth, CASE, COALESCE. */
#include <string.h>
#include "expr_private.h"

// A boolean column as two planes of bytes: is it true, is it false. Neither: null.
typedef struct truth {
    uint8_t *is_true;
    uint8_t *is_false;
} truth;

static void read_truth(const pc_vector *v, int count, uint8_t *is_true, uint8_t *is_false)
{
    if (v->is_constant) {
        const bool null = v->constant->is_null;
        memset(is_true, !null && v->constant->integer != 0, (size_t)count);
        memset(is_false, !null && v->constant->integer == 0, (size_t)count);
        return;
    }
    const uint8_t *value = v->column.data;
    const uint64_t *valid = v->column.valid;
    for (int i = 0; valid == NULL && i < count; i++) {
        is_true[i] = value[i];
        is_false[i] = value[i] ^ 1;
    }
    for (int i = 0; valid != NULL && i < count; i++) {
        const uint8_t known = (uint8_t)((valid[i >> 6] >> (i & 63)) & 1);
        is_true[i] = value[i] & known;
        is_false[i] = (value[i] ^ 1) & known;
    }
}

static pc_status write_truth(pc_eval *e, const truth *t, pc_vector *out)
{
    const int count = e->batch->row_count;
    uint64_t *valid = NULL;
    int nulls = 0;
    for (int i = 0; i < count; i++) {
        nulls += (t->is_true[i] | t->is_false[i]) ^ 1;
    }
    if (nulls > 0) {
        valid = pc_eval_bits(e);
        if (valid == NULL) return PC_NO_MEMORY;
        for (int i = 0; i < count; i++) {
            valid[i >> 6] |= (uint64_t)(t->is_true[i] | t->is_false[i]) << (i & 63);
        }
    }
    *out = (pc_vector){.column = {.type = PC_BOOL, .width = 1, .data = t->is_true, .valid = valid}};
    return PC_OK;
}

// Joins one argument into what is known so far.
static void join_truth(const truth *a, const uint8_t *is_true, const uint8_t *is_false, int count,
                       bool is_and)
{
    for (int i = 0; is_and && i < count; i++) {
        a->is_true[i] &= is_true[i];
        a->is_false[i] |= is_false[i];
    }
    for (int i = 0; !is_and && i < count; i++) {
        a->is_true[i] |= is_true[i];
        a->is_false[i] &= is_false[i];
    }
}

// An argument that can fail is evaluated only where the others do not decide.
static pc_status join_undecided(pc_eval *e, const pc_expr *arg, const truth *a, bool is_and,
                                truth *scratch)
{
    const int count = e->batch->row_count;
    int *row = pc_eval_array(e, sizeof *row);
    if (row == NULL) return PC_NO_MEMORY;
    int undecided = 0;
    const uint8_t *decided = is_and ? a->is_false : a->is_true;
    for (int i = 0; i < count; i++) {
        row[undecided] = i;
        undecided += decided[i] ^ 1;
    }
    if (undecided == 0) return PC_OK;
    pc_vector v;
    PC_TRY(pc_eval_rows(e, arg, row, undecided, &v));
    read_truth(&v, undecided, scratch->is_true, scratch->is_false);
    for (int i = 0; i < undecided; i++) {
        const truth at = {a->is_true + row[i], a->is_false + row[i]};
        join_truth(&at, scratch->is_true + i, scratch->is_false + i, 1, is_and);
    }
    return PC_OK;
}

static pc_status take_truth(pc_eval *e, truth *out)
{
    out->is_true = pc_eval_array(e, 1);
    out->is_false = pc_eval_array(e, 1);
    return out->is_true == NULL || out->is_false == NULL ? PC_NO_MEMORY : PC_OK;
}

pc_status pc_eval_and(pc_eval *e, const pc_expr *x, pc_vector *out)
{
    const bool is_and = pc_function_which(x->function) == PC_FN_AND;
    const int count = e->batch->row_count;
    truth all;
    truth one;
    PC_TRY(take_truth(e, &all));
    PC_TRY(take_truth(e, &one));
    memset(is_and ? all.is_true : all.is_false, 1, (size_t)count);
    for (int i = 0; i < x->arg_count; i++) {
        pc_expr_node *node;
        PC_TRY(pc_state_node(e->state, x->arg[i], &node, e->err));
        if (i > 0 && node->can_fail) {
            PC_TRY(join_undecided(e, x->arg[i], &all, is_and, &one));
            continue;
        }
        pc_vector v;
        PC_TRY(pc_eval_node(e, x->arg[i], &v));
        read_truth(&v, count, one.is_true, one.is_false);
        join_truth(&all, one.is_true, one.is_false, count, is_and);
    }
    return write_truth(e, &all, out);
}

pc_status pc_eval_not(pc_eval *e, const pc_expr *x, pc_vector *out)
{
    pc_vector v;
    truth t;
    PC_TRY(pc_eval_node(e, x->arg[0], &v));
    PC_TRY(take_truth(e, &t));
    read_truth(&v, e->batch->row_count, t.is_false, t.is_true);
    return write_truth(e, &t, out);
}

pc_status pc_eval_null_test(pc_eval *e, const pc_expr *x, pc_vector *out)
{
    static const pc_value answer[2] = {{.type = PC_BOOL}, {.type = PC_BOOL, .integer = 1}};
    const bool wants_null = pc_function_which(x->function) == PC_FN_IS_NULL;
    pc_vector v;
    PC_TRY(pc_eval_node(e, x->arg[0], &v));
    if (v.is_constant || v.column.valid == NULL) {
        const bool is_null = v.is_constant && v.constant->is_null;
        *out = (pc_vector){.is_constant = true, .constant = &answer[is_null == wants_null]};
        return PC_OK;
    }
    uint8_t *value = pc_eval_array(e, 1);
    if (value == NULL) return PC_NO_MEMORY;
    const uint64_t *valid = v.column.valid;
    for (int i = 0; i < e->batch->row_count; i++) {
        value[i] = (uint8_t)(((valid[i >> 6] >> (i & 63)) & 1) ^ wants_null);
    }
    *out = (pc_vector){.column = {.type = PC_BOOL, .width = 1, .data = value}};
    return PC_OK;
}

pc_status pc_eval_truth_test(pc_eval *e, const pc_expr *x, pc_vector *out)
{
    const pc_function_id id = pc_function_which(x->function);
    pc_vector v;
    truth t;
    PC_TRY(pc_eval_node(e, x->arg[0], &v));
    PC_TRY(take_truth(e, &t));
    read_truth(&v, e->batch->row_count, t.is_true, t.is_false);
    uint8_t *value = id == PC_FN_IS_TRUE || id == PC_FN_IS_NOT_TRUE ? t.is_true : t.is_false;
    const uint8_t flip = id == PC_FN_IS_NOT_TRUE || id == PC_FN_IS_NOT_FALSE;
    for (int i = 0; i < e->batch->row_count; i++) {
        value[i] ^= flip;
    }
    *out = (pc_vector){.column = {.type = PC_BOOL, .width = 1, .data = value}};
    return PC_OK;
}

// Splits rows by a boolean: those where it is true, and the others, both in order. `no` may be
// `row`.
static void split(const pc_vector *v, const int *row, int count, int *yes, int *yes_count, int *no,
                  int *no_count)
{
    const uint8_t constant = v->is_constant && !v->constant->is_null && v->constant->integer != 0;
    const uint8_t *value = v->is_constant ? NULL : v->column.data;
    const uint64_t *valid = v->is_constant ? NULL : v->column.valid;
    int yes_rows = 0, no_rows = 0;
    for (int i = 0; i < count; i++) {
        const int here = row[i];
        const bool is_true = (value == NULL ? constant : value[i]) != 0 && pc_is_valid(valid, i);
        yes[yes_rows] = here;
        no[no_rows] = here;
        yes_rows += is_true;
        no_rows += !is_true;
    }
    *yes_count = yes_rows;
    *no_count = no_rows;
}

pc_status pc_eval_case(pc_eval *e, const pc_expr *x, pc_vector *out)
{
    int *left = pc_eval_array(e, sizeof *left);
    int *yes = pc_eval_array(e, sizeof *yes);
    pc_filler filler;
    PC_TRY(pc_filler_begin(e, x, &filler));
    if (left == NULL || yes == NULL) return PC_NO_MEMORY;
    int left_count = e->batch->row_count;
    for (int i = 0; i < left_count; i++) {
        left[i] = i;
    }
    pc_vector v;
    for (int i = 0; i + 1 < x->arg_count && left_count > 0; i += 2) {
        int yes_count;
        PC_TRY(pc_eval_rows(e, x->arg[i], left, left_count, &v));
        split(&v, left, left_count, yes, &yes_count, left, &left_count);
        if (yes_count == 0) continue;
        PC_TRY(pc_eval_rows(e, x->arg[i + 1], yes, yes_count, &v));
        PC_TRY(pc_filler_scatter(e, &filler, yes, yes_count, &v));
    }
    if (left_count > 0) {
        PC_TRY(pc_eval_rows(e, x->arg[x->arg_count - 1], left, left_count, &v));
        PC_TRY(pc_filler_scatter(e, &filler, left, left_count, &v));
    }
    pc_filler_end(e, &filler, x, out);
    return PC_OK;
}

pc_status pc_eval_coalesce(pc_eval *e, const pc_expr *x, pc_vector *out)
{
    int *left = pc_eval_array(e, sizeof *left);
    pc_filler filler;
    PC_TRY(pc_filler_begin(e, x, &filler));
    if (left == NULL) return PC_NO_MEMORY;
    int left_count = e->batch->row_count;
    for (int i = 0; i < left_count; i++) {
        left[i] = i;
    }
    for (int a = 0; a < x->arg_count && left_count > 0; a++) {
        pc_vector v;
        PC_TRY(pc_eval_rows(e, x->arg[a], left, left_count, &v));
        PC_TRY(pc_filler_scatter(e, &filler, left, left_count, &v));
        int still = 0;
        for (int i = 0; i < left_count; i++) {
            left[still] = left[i];
            still += pc_vector_is_null(&v, i);
        }
        left_count = still;
    }
    pc_filler_end(e, &filler, x, out);
    return PC_OK;
}
