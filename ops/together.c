/** Aggregates that see the same rows, in one loop: a count, patients and a sum each wait for the
 *  memory of a row's group, and so they wait together. */
#include <string.h>
#include "aggregate.h"

typedef struct group_states {
    int64_t *count;
    int64_t *patients, *last; ///< NULL: none are counted
    pc_int128 *sum;           ///< NULL: nothing is summed
    const void *value;        ///< [rows]
    const int64_t *slot;      ///< [rows]
    const uint32_t *group;    ///< [rows]
    int row_count;
} group_states;

#define ADD_ROWS(with_patients, add_value)                                                         \
    do {                                                                                           \
        for (int row = 0; row < row_count; row++) {                                                \
            const uint32_t group = to->group[row];                                                 \
            count[group]++;                                                                        \
            if (with_patients) {                                                                   \
                const int64_t slot =                                                               \
                    (int64_t)((uint64_t)to->slot[row] + 1); /* as in add_patients */               \
                patients[group] += last[group] != slot;                                            \
                last[group] = slot;                                                                \
            }                                                                                      \
            add_value;                                                                             \
        }                                                                                          \
    } while (0)

#define ADD(name, add_value, ...)                                                                  \
    static void name(const group_states *to)                                                       \
    {                                                                                              \
        int64_t *count = to->count, *patients = to->patients, *last = to->last;                    \
        const int row_count = to->row_count;                                                       \
        __VA_ARGS__;                                                                               \
        if (patients != NULL) {                                                                    \
            ADD_ROWS(true, add_value);                                                             \
        } else {                                                                                   \
            ADD_ROWS(false, add_value);                                                            \
        }                                                                                          \
    }
#define ADD_SUM(name, type)                                                                        \
    ADD(name, sum[group] += value[row], pc_int128 *sum = to->sum; const type *value = to->value)

ADD(add_counts, (void)0, (void)0)
ADD_SUM(add_sum_1, int8_t)
ADD_SUM(add_sum_2, int16_t)
ADD_SUM(add_sum_4, int32_t)
ADD_SUM(add_sum_8, int64_t)

/** Of few groups the same one comes again before its last addition has reached memory: rows take
 *  turns at so many copies. What a batch adds fits 64 bits. */
enum { COPIES = 4, FEW_GROUPS = 64 };
typedef struct few_states {
    int64_t count[COPIES][FEW_GROUPS], patients[COPIES][FEW_GROUPS], sum[COPIES][FEW_GROUPS];
} few_states;

#define ADD_FEW_ROWS(with_patients, add_value)                                                     \
    do {                                                                                           \
        for (int row = 0; row < row_count; row++) {                                                \
            const uint32_t group = to->group[row];                                                 \
            few->count[row % COPIES][group]++;                                                     \
            if (with_patients) {                                                                   \
                const int64_t slot = (int64_t)((uint64_t)to->slot[row] + 1);                       \
                few->patients[row % COPIES][group] += last[group] != slot;                         \
                last[group] = slot;                                                                \
            }                                                                                      \
            add_value;                                                                             \
        }                                                                                          \
    } while (0)

#define ADD_FEW(name, add_value, ...)                                                              \
    static void name(const group_states *to, few_states *few)                                      \
    {                                                                                              \
        int64_t *last = to->last;                                                                  \
        const int row_count = to->row_count;                                                       \
        __VA_ARGS__;                                                                               \
        if (last != NULL) {                                                                        \
            ADD_FEW_ROWS(true, add_value);                                                         \
        } else {                                                                                   \
            ADD_FEW_ROWS(false, add_value);                                                        \
        }                                                                                          \
    }
#define ADD_FEW_SUM(name, type)                                                                    \
    ADD_FEW(name, few->sum[row % COPIES][group] += value[row], const type *value = to->value)

ADD_FEW(few_counts, (void)0, (void)0)
ADD_FEW_SUM(few_sum_1, int8_t)
ADD_FEW_SUM(few_sum_2, int16_t)
ADD_FEW_SUM(few_sum_4, int32_t)

static void add_to_few(const group_states *to, uint32_t group_count, int width)
{
    static void (*const add[])(const group_states *, few_states *) = {
        [0] = few_counts, [1] = few_sum_1, [2] = few_sum_2, [4] = few_sum_4};
    few_states few = {.count = {{0}}};
    add[width](to, &few);
    for (int copy = 0; copy < COPIES; copy++) {
        for (uint32_t group = 0; group < group_count; group++) {
            to->count[group] += few.count[copy][group];
            if (to->patients != NULL) to->patients[group] += few.patients[copy][group];
            if (to->sum != NULL) to->sum[group] += few.sum[copy][group];
        }
    }
}

#define SUM_OF_RUN(type)                                                                           \
    for (int row = first; row < end; row++)                                                        \
    sum += ((const type *)value)[row]

static int64_t sum_of_run(const void *value, int width, int first, int end)
{
    int64_t sum = 0;
    if (width == 1) SUM_OF_RUN(int8_t);
    if (width == 2) SUM_OF_RUN(int16_t);
    if (width == 4) SUM_OF_RUN(int32_t);
    return sum;
}

// Runs of rows of one slot and group, added at once.
static void add_runs(const group_states *to, const int *first, int run_count, int width)
{
    for (int run = 0; run < run_count; run++) {
        const int from = first[run], end = first[run + 1];
        const uint32_t group = to->group[from];
        to->count[group] += end - from;
        if (to->sum != NULL) to->sum[group] += sum_of_run(to->value, width, from, end);
        if (to->patients == NULL) continue;
        const int64_t slot = (int64_t)((uint64_t)to->slot[from] + 1);
        to->patients[group] += to->last[group] != slot;
        to->last[group] = slot;
    }
}

// The first aggregate of that kind that takes all rows and has counts of its own.
static int find_plain(const pc_aggregation *s, pc_keep keep)
{
    for (int i = 0; i < s->accumulator_count; i++) {
        const pc_accumulator *a = &s->accumulator[i];
        const bool fits = a->keep == keep && a->same == NULL && a->aggregate->filter == NULL;
        if (keep == PC_KEEP_SUM ? fits && a->rows != NULL : fits && a->aggregate->arg == NULL) {
            return i;
        }
    }
    return -1;
}

static void *states_of(const pc_buffer *buffer)
{
    return buffer->data;
}

pc_status pc_aggregation_together(pc_aggregation *s, const pc_batch *batch, pc_arena *scratch,
                                  bool *done, pc_error *err)
{
    const int rows = find_plain(s, PC_KEEP_COUNT);
    const int patients = batch->slot == NULL ? -1 : find_plain(s, PC_KEEP_PATIENTS);
    int sum = find_plain(s, PC_KEEP_SUM);
    // Of one group all rows are counted at once.
    if (rows < 0 || s->groups.key_count == 0 || batch->row_count == 0) return PC_OK;
    pc_column value = {.width = 0};
    if (sum >= 0) {
        const pc_expr *arg = s->accumulator[sum].aggregate->arg;
        PC_TRY(pc_expr_eval(arg, batch, s->exprs, scratch, &value, err));
        if (value.valid != NULL) sum = -1; // its count is not that of the rows
    }
    const group_states to = {
        .count = states_of(&s->accumulator[rows].count),
        .patients = patients < 0 ? NULL : states_of(&s->accumulator[patients].count),
        .last = patients < 0 ? NULL : states_of(&s->accumulator[patients].slot),
        .sum = sum < 0 ? NULL : states_of(&s->accumulator[sum].value),
        .value = value.data,
        .slot = batch->slot,
        .group = s->group,
        .row_count = batch->row_count};
    static void (*const add[])(const group_states *) = {
        [0] = add_counts, [1] = add_sum_1, [2] = add_sum_2, [4] = add_sum_4, [8] = add_sum_8};
    const int width = sum < 0 ? 0 : value.width;
    if (s->run_count > 0 && width < 8) {
        add_runs(&to, s->run_first, s->run_count, width);
    } else if (s->groups.count <= FEW_GROUPS && width < 8) {
        add_to_few(&to, s->groups.count, width);
    } else {
        add[width](&to);
    }
    done[rows] = true;
    if (patients >= 0) done[patients] = true;
    if (sum >= 0) done[sum] = true;
    return PC_OK;
}
