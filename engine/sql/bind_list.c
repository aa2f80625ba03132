/** Comparisons of more than two values: rows, and ANY and ALL of an array written out. */
#include <string.h>
#include "sql_private.h"

static pc_status combine(pc_binder *b, pc_function_id id, const pc_expr **part, int count,
                         const pc_expr **out)
{
    *out = part[0];
    if (count == 1) return PC_OK;
    return pc_make_call(b, id, PC_BOOL, 0, 0, part, count, NULL, out);
}

/** Two rows, bound. */
typedef struct row_pair {
    int count;
    const pc_expr **left;
    const pc_expr **right;
} row_pair;

static pc_status bind_pair(pc_binder *b, const cJSON *left, const cJSON *right, int location,
                           row_pair *out)
{
    const cJSON *x = pc_node_get(pc_node_body(left), "args");
    const cJSON *y = pc_node_get(pc_node_body(right), "args");
    out->count = cJSON_GetArraySize(x);
    if (!pc_node_is(left, "RowExpr") || !pc_node_is(right, "RowExpr") || out->count == 0 ||
        out->count != cJSON_GetArraySize(y)) {
        return pc_bind_fail(b, location, PC_BAD_JOB,
                            "a row is compared with a row of as many values");
    }
    out->left = pc_arena_array(b->arena, (size_t)out->count, sizeof *out->left, b->err);
    out->right = pc_arena_array(b->arena, (size_t)out->count, sizeof *out->right, b->err);
    if (out->left == NULL || out->right == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < out->count; i++) {
        PC_TRY(pc_bind_node(b, cJSON_GetArrayItem(x, i), &out->left[i]));
        PC_TRY(pc_bind_node(b, cJSON_GetArrayItem(y, i), &out->right[i]));
    }
    return PC_OK;
}

// Every pair compared by `id`, joined by `by`.
static pc_status compare_each(pc_binder *b, pc_function_id id, pc_function_id by, row_pair *p,
                              int location, const pc_expr **out)
{
    for (int i = 0; i < p->count; i++) {
        const bool is_distinct = id == PC_FN_DISTINCT || id == PC_FN_NOT_DISTINCT;
        PC_TRY(is_distinct
                   ? pc_make_distinct(b, id, p->left[i], p->right[i], location, &p->left[i])
                   : pc_make_compare(b, id, p->left[i], p->right[i], 0, location, &p->left[i]));
    }
    return combine(b, by, p->left, p->count, out);
}

// (a, b) < (c, d) is a < c OR (a = c AND b < d); from the last pair to the first.
static pc_status compare_in_order(pc_binder *b, pc_function_id id, const row_pair *p, int location,
                                  const pc_expr **out)
{
    const bool less = id == PC_FN_LESS || id == PC_FN_LESS_EQUAL;
    const int last = p->count - 1;
    PC_TRY(pc_make_compare(b, id, p->left[last], p->right[last], 0, location, out));
    for (int i = last - 1; i >= 0; i--) {
        const pc_expr *both[2] = {NULL, *out};
        const pc_expr *either[2];
        PC_TRY(pc_make_compare(b, less ? PC_FN_LESS : PC_FN_GREATER, p->left[i], p->right[i], 0,
                               location, &either[0]));
        PC_TRY(pc_make_compare(b, PC_FN_EQUAL, p->left[i], p->right[i], 0, location, &both[0]));
        PC_TRY(combine(b, PC_FN_AND, both, 2, &either[1]));
        PC_TRY(combine(b, PC_FN_OR, either, 2, out));
    }
    return PC_OK;
}

pc_status pc_bind_rows(pc_binder *b, pc_function_id id, const cJSON *left, const cJSON *right,
                       int location, const pc_expr **out)
{
    row_pair pair;
    PC_TRY(bind_pair(b, left, right, location, &pair));
    switch (id) {
        case PC_FN_EQUAL:
        case PC_FN_NOT_DISTINCT:
            return compare_each(b, id, PC_FN_AND, &pair, location, out);
        case PC_FN_NOT_EQUAL:
        case PC_FN_DISTINCT:
            return compare_each(b, id, PC_FN_OR, &pair, location, out);
        case PC_FN_LESS:
        case PC_FN_LESS_EQUAL:
        case PC_FN_GREATER:
        case PC_FN_GREATER_EQUAL:
            return compare_in_order(b, id, &pair, location, out);
        default:
            return pc_bind_fail(b, location, PC_UNSUPPORTED, "this operator takes no rows");
    }
}

pc_status pc_bind_rows_in(pc_binder *b, const cJSON *row, const cJSON *items, bool negate,
                          int location, const pc_expr **out)
{
    const int count = cJSON_GetArraySize(items);
    const pc_expr **part = pc_arena_array(b->arena, (size_t)count + 1, sizeof *part, b->err);
    if (part == NULL) return PC_NO_MEMORY;
    int i = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, items)
    {
        PC_TRY(pc_bind_rows(b, PC_FN_EQUAL, row, item, location, &part[i++]));
    }
    PC_TRY(combine(b, PC_FN_OR, part, count, out));
    if (!negate) return PC_OK;
    const pc_expr *inside = *out;
    return pc_make_call(b, PC_FN_NOT, PC_BOOL, 0, 0, &inside, 1, NULL, out);
}

pc_status pc_bind_row_null_test(pc_binder *b, const cJSON *row, bool is_null, const pc_expr **out)
{
    const cJSON *items = pc_node_get(pc_node_body(row), "args");
    const int count = cJSON_GetArraySize(items);
    const pc_expr **part = pc_arena_array(b->arena, (size_t)count + 1, sizeof *part, b->err);
    if (part == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < count; i++) {
        const pc_expr *x;
        PC_TRY(pc_bind_typed(b, cJSON_GetArrayItem(items, i), &x));
        PC_TRY(pc_make_call(b, is_null ? PC_FN_IS_NULL : PC_FN_IS_NOT_NULL, PC_BOOL, 0, 0, &x, 1,
                            NULL, &part[i]));
    }
    return combine(b, PC_FN_AND, part, count, out);
}

// x op ANY (ARRAY[...]) is true when it is for one of them; = and <> are IN and NOT IN.
pc_status pc_bind_any(pc_binder *b, const cJSON *body, bool is_all, const pc_expr **out)
{
    const cJSON *array = pc_node_get(body, "rexpr");
    const cJSON *items = pc_node_get(pc_node_body(array), "elements");
    const cJSON *left = pc_node_get(body, "lexpr");
    const char *name = pc_node_name(pc_node_get(body, "name"));
    const int location = pc_node_int(body, "location");
    const int count = cJSON_GetArraySize(items);
    if (!pc_node_is(array, "A_ArrayExpr") || count == 0) {
        return pc_bind_fail(b, location, PC_UNSUPPORTED,
                            "%s takes an array that is written out: "
                            "ARRAY[1, 2]",
                            is_all ? "ALL" : "ANY");
    }
    if (strcmp(name, is_all ? "<>" : "=") == 0) {
        return pc_bind_in_items(b, left, items, is_all, location, out);
    }
    const pc_expr **part = pc_arena_array(b->arena, (size_t)count + 1, sizeof *part, b->err);
    if (part == NULL) return PC_NO_MEMORY;
    const pc_expr *x;
    PC_TRY(pc_bind_node(b, left, &x));
    for (int i = 0; i < count; i++) {
        const pc_expr *y;
        PC_TRY(pc_bind_node(b, cJSON_GetArrayItem(items, i), &y));
        PC_TRY(pc_make_binary(b, name, x, y, location, &part[i]));
        if (part[i]->type != PC_BOOL) {
            return pc_bind_fail(b, location, PC_BAD_JOB, "ANY and ALL take a comparison");
        }
    }
    return combine(b, is_all ? PC_FN_AND : PC_FN_OR, part, count, out);
}
