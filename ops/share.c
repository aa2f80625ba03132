/** Counts that are the same as others. What `count(*)` counts is what `sum(paid)` counts too as
 * long as no amount is null, and patients of a condition that all rows fulfil are those of all
 * rows: such counts are taken from one accumulator until a batch shows a difference. Percentiles
 * of one value are read from one bag, for good. */
#include <assert.h>
#include <string.h>
#include "aggregate.h"
#include "parcours/function.h"

static bool is_plain(const pc_accumulator *a, pc_aggregate_function function)
{
    return a->aggregate->function == function && a->aggregate->filter == NULL &&
           (function == PC_COUNT_ROWS || a->aggregate->arg == NULL);
}

static const pc_accumulator *find_plain(const pc_aggregation *s, pc_aggregate_function function)
{
    for (int i = 0; i < s->accumulator_count; i++) {
        if (is_plain(&s->accumulator[i], function)) return &s->accumulator[i];
    }
    return NULL;
}

static bool same_or_none(const pc_expr *a, const pc_expr *b)
{
    return a == NULL || b == NULL ? a == b : pc_expr_equal(a, b);
}

static pc_accumulator *find_bag(pc_aggregation *s, int before)
{
    const pc_accumulator *a = &s->accumulator[before];
    for (int i = 0; i < before && pc_keeps_pairs(a->keep); i++) {
        pc_accumulator *other = &s->accumulator[i];
        if (other->bag == NULL && other->keep == a->keep && other->arg.type == a->arg.type &&
            pc_bag_is_sketch(other) == pc_bag_is_sketch(a) &&
            same_or_none(other->aggregate->arg, a->aggregate->arg) &&
            same_or_none(other->aggregate->filter, a->aggregate->filter)) {
            return other;
        }
    }
    return NULL;
}

void pc_aggregation_share(pc_aggregation *s)
{
    const pc_accumulator *rows = find_plain(s, PC_COUNT_ROWS);
    const pc_accumulator *patients = find_plain(s, PC_COUNT_PATIENTS);
    for (int i = 0; i < s->accumulator_count; i++) {
        pc_accumulator *a = &s->accumulator[i];
        const bool is_whole = a->aggregate->filter == NULL;
        a->bag = find_bag(s, i);
        if (a->keep == PC_KEEP_PATIENTS && a->aggregate->arg == NULL && patients != a) {
            a->same = patients;
        }
        if (a->keep == PC_KEEP_COUNT && a->aggregate->arg == NULL && rows != a) a->same = rows;
        const bool counts_values =
            a->keep == PC_KEEP_SUM || (a->keep == PC_KEEP_COUNT && a->aggregate->arg != NULL);
        if (counts_values && is_whole) a->rows = rows;
    }
}

void pc_accumulator_part(pc_accumulator *a)
{
    if (a->same != NULL) {
        assert(a->same->room == a->room);
        const size_t bytes = a->room * sizeof(int64_t);
        if (bytes > 0) memcpy(a->count.data, a->same->count.data, bytes);
        if (bytes > 0 && a->keep == PC_KEEP_PATIENTS) {
            memcpy(a->slot.data, a->same->slot.data, bytes);
        }
        a->same = NULL;
    }
    if (a->rows != NULL) {
        assert(a->rows->room == a->room);
        int64_t *count = (int64_t *)(void *)a->count.data;
        const int64_t *all = (const int64_t *)(const void *)a->rows->count.data;
        for (uint32_t group = 0; group < a->room; group++)
            count[group] = all[group] - count[group];
        a->rows = NULL;
    }
}

pc_status pc_aggregation_part(pc_aggregation *s, pc_error *err)
{
    for (int i = 0; i < s->accumulator_count; i++)
        PC_TRY(pc_accumulator_grow(&s->accumulator[i], s->groups.count, err));
    for (int i = 0; i < s->accumulator_count; i++)
        pc_accumulator_part(&s->accumulator[i]);
    return PC_OK;
}

pc_status pc_aggregation_same(pc_aggregation *s, const pc_batch *batch, pc_arena *scratch,
                              pc_error *err)
{
    for (int i = 0; i < s->accumulator_count; i++) {
        pc_accumulator *a = &s->accumulator[i];
        if (a->same == NULL || a->aggregate->filter == NULL) continue;
        int count = 0;
        PC_TRY(pc_expr_filter(a->aggregate->filter, batch, s->exprs, scratch, s->some_row, &count,
                              err));
        if (count != batch->row_count) pc_accumulator_part(a);
    }
    return PC_OK;
}
