/** The states of aggregates, column by column: adding a batch is one loop per aggregate. */
#include <assert.h>
#include <math.h>
#include <string.h>
#include "aggregate.h"
#include "parcours/function.h"
#include "parcours/kernel.h"

static bool takes_extreme(const pc_accumulator *a)
{
    return a->aggregate->function == PC_MIN || a->aggregate->function == PC_MAX;
}

static pc_status choose_keep(const pc_aggregate *aggregate, pc_keep *out, pc_error *err)
{
    const pc_expr *arg = aggregate->arg;
    const pc_type type = arg == NULL ? PC_NONE : arg->type;
    const bool is_number = type == PC_INT || type == PC_DECIMAL;
    const bool needs_arg =
        aggregate->function != PC_COUNT_ROWS && aggregate->function != PC_COUNT_PATIENTS;
    bool good = arg != NULL || !needs_arg;
    switch (aggregate->function) {
        case PC_COUNT_ROWS:
        case PC_COUNT:
            *out = PC_KEEP_COUNT;
            break;
        case PC_COUNT_PATIENTS:
            *out = PC_KEEP_PATIENTS;
            break;
        case PC_COUNT_DISTINCT:
            *out = PC_KEEP_DISTINCT;
            break;
        case PC_SUM:
        case PC_AVG:
            *out = aggregate->is_distinct ? PC_KEEP_DISTINCT
                   : type == PC_FLOAT     ? PC_KEEP_EXACT
                                          : PC_KEEP_SUM;
            good = good && (is_number || type == PC_FLOAT);
            break;
        case PC_VAR_POP:
        case PC_VAR_SAMP:
        case PC_STDDEV_POP:
        case PC_STDDEV_SAMP:
            *out = aggregate->is_distinct ? PC_KEEP_DISTINCT
                   : type == PC_FLOAT     ? PC_KEEP_EXACT_SQUARES
                                          : PC_KEEP_SQUARES;
            good = good && (is_number || type == PC_FLOAT);
            break;
        case PC_PERCENTILE_CONT:
        case PC_APPROX_PERCENTILE:
            *out = PC_KEEP_BAG;
            good = good && (is_number || type == PC_FLOAT);
            break;
        case PC_PERCENTILE_DISC:
        case PC_MODE:
            *out = PC_KEEP_BAG;
            good = good && type != PC_NONE && type != PC_KEY;
            break;
        case PC_STRING_AGG:
            *out = PC_KEEP_BAG;
            good = good && pc_type_is_text(type);
            break;
        case PC_APPROX_DISTINCT:
            *out = PC_KEEP_REGISTERS;
            good = good && type != PC_NONE && type != PC_KEY;
            break;
        case PC_MIN:
        case PC_MAX:
            *out =
                is_number || type == PC_DATE || type == PC_BOOL ? PC_KEEP_INTEGER : PC_KEEP_VALUE;
            good = good && type != PC_NONE && type != PC_KEY;
            break;
    }
    if (good) return PC_OK;
    return PC_FAIL(err, PC_BAD_JOB, "column '%s': this aggregate does not take the type %s",
                   aggregate->field.name, pc_type_name(type));
}

pc_status pc_accumulator_open(pc_accumulator *a, const pc_aggregate *aggregate, pc_budget *budget,
                              pc_error *err)
{
    *a = (pc_accumulator){.aggregate = aggregate,
                          .count = {.budget = budget},
                          .value = {.budget = budget},
                          .slot = {.budget = budget},
                          .amount = {.budget = budget},
                          .results = {.budget = budget},
                          .pairs = {.intern = {.budget = budget}, .direct = {.budget = budget}}};
    const pc_expr *arg = aggregate->arg;
    if (arg != NULL) {
        a->arg = (pc_field){.name = aggregate->field.name,
                            .type = arg->type,
                            .scale = arg->scale,
                            .width = arg->width};
    }
    PC_TRY(choose_keep(aggregate, &a->keep, err));
    if (pc_keeps_pairs(a->keep)) return pc_bag_open(a, budget, err);
    return a->keep == PC_KEEP_VALUE ? pc_coder_open(&a->coder, &a->arg, budget, err) : PC_OK;
}

void pc_accumulator_close(pc_accumulator *a)
{
    pc_buffer_release(&a->count);
    pc_buffer_release(&a->value);
    pc_buffer_release(&a->slot);
    pc_coder_close(&a->coder);
    pc_pairs_release(&a->pairs);
    pc_buffer_release(&a->amount);
    pc_bag_forget(a);
    pc_arena_reset(&a->results);
    a->room = 0;
}

static size_t value_bytes(pc_keep keep)
{
    switch (keep) {
        case PC_KEEP_SUM:
            return sizeof(pc_int128);
        case PC_KEEP_EXACT:
            return sizeof(pc_exact_sum);
        case PC_KEEP_SQUARES:
            return sizeof(pc_squares);
        case PC_KEEP_EXACT_SQUARES:
            return sizeof(pc_exact_squares);
        case PC_KEEP_INTEGER:
            return sizeof(int64_t);
        case PC_KEEP_VALUE:
            return sizeof(uint32_t);
        case PC_KEEP_COUNT:
        case PC_KEEP_PATIENTS:
        case PC_KEEP_DISTINCT:
        case PC_KEEP_BAG:
        case PC_KEEP_REGISTERS:
            break;
    }
    return 0;
}

static pc_status grow_zeroed(pc_buffer *buffer, size_t bytes, pc_error *err)
{
    PC_TRY(pc_buffer_reserve(buffer, bytes, err));
    if (bytes > buffer->bytes) memset(buffer->data + buffer->bytes, 0, bytes - buffer->bytes);
    buffer->bytes = bytes;
    return PC_OK;
}

pc_status pc_accumulator_grow(pc_accumulator *a, uint32_t group_count, pc_error *err)
{
    if (group_count <= a->room) return PC_OK;
    PC_TRY(grow_zeroed(&a->count, (size_t)group_count * sizeof(int64_t), err));
    PC_TRY(grow_zeroed(&a->value, (size_t)group_count * value_bytes(a->keep), err));
    if (a->keep == PC_KEEP_PATIENTS) {
        PC_TRY(grow_zeroed(&a->slot, (size_t)group_count * sizeof(int64_t), err));
    }
    a->room = group_count;
    return PC_OK;
}

static int64_t *counts_of(const pc_accumulator *a)
{
    return (int64_t *)(void *)a->count.data;
}

static int64_t count_valid(const pc_column *c, int row_count)
{
    int64_t count = 0;
    for (int row = 0; row < row_count; row++) {
        count += pc_is_valid(c->valid, row);
    }
    return count;
}

// A group's rows are counted whether or not there is a value column (count(*) has none).
static void add_counts(pc_accumulator *a, const pc_arguments *rows, bool one_group)
{
    int64_t *count = counts_of(a);
    const pc_column *c = rows->value;
    const bool has_nulls = c != NULL && c->valid != NULL;
    if (a->rows != NULL) {
        for (int row = 0; has_nulls && row < rows->row_count; row++) {
            count[rows->group[row]] += !pc_is_valid(c->valid, row);
        }
        return;
    }
    if (one_group) {
        count[0] += has_nulls ? count_valid(c, rows->row_count) : rows->row_count;
        return;
    }
    for (int row = 0; !has_nulls && row < rows->row_count; row++) {
        count[rows->group[row]]++;
    }
    for (int row = 0; has_nulls && row < rows->row_count; row++) {
        count[rows->group[row]] += pc_is_valid(c->valid, row);
    }
}

// A slot as it is remembered: never 0, which stands for none.
static inline int64_t slot_mark(int64_t slot)
{
    return (int64_t)((uint64_t)slot + 1);
}

// Of one group: the slots that begin.
PC_KERNEL static void add_all_patients(pc_accumulator *a, const pc_arguments *rows)
{
    int64_t *count = counts_of(a);
    int64_t *last = (int64_t *)(void *)a->slot.data;
    const int64_t *slot = rows->slot;
    int64_t begins = last[0] != slot_mark(slot[0]);
    for (int row = 1; row < rows->row_count; row++) {
        begins += slot[row] != slot[row - 1];
    }
    count[0] += begins;
    last[0] = slot_mark(slot[rows->row_count - 1]);
}

// Rows of a slot stand together, so a group saw the slot before if it was its last one.
static void add_patients(pc_accumulator *a, const pc_arguments *rows, bool one_group)
{
    if (one_group && rows->value == NULL) {
        add_all_patients(a, rows);
        return;
    }
    int64_t *count = counts_of(a);
    int64_t *last = (int64_t *)(void *)a->slot.data;
    const pc_column *c = rows->value;
    for (int row = 0; row < rows->row_count; row++) {
        const uint32_t group = rows->group[row];
        if (c != NULL && pc_column_is_null(c, row)) continue;
        const int64_t slot = slot_mark(rows->slot[row]);
        count[group] += last[group] != slot;
        last[group] = slot;
    }
}

// A batch's sum of values up to 4 bytes wide fits 64 bits, and such a loop vectorises.
#define SUM_INTS(name, type, wide)                                                                 \
    PC_KERNEL static void name(pc_int128 *sum, const pc_arguments *rows, bool one_group)           \
    {                                                                                              \
        const pc_column *c = rows->value;                                                          \
        const type *value = c->data;                                                               \
        const int row_count = rows->row_count;                                                     \
        if (one_group) {                                                                           \
            wide all = 0;                                                                          \
            for (int row = 0; c->valid == NULL && row < row_count; row++) {                        \
                all += value[row];                                                                 \
            }                                                                                      \
            for (int row = 0; c->valid != NULL && row < row_count; row++) {                        \
                all += pc_is_valid(c->valid, row) ? value[row] : 0;                                \
            }                                                                                      \
            sum[0] += all;                                                                         \
            return;                                                                                \
        }                                                                                          \
        for (int row = 0; c->valid == NULL && row < row_count; row++) {                            \
            sum[rows->group[row]] += value[row];                                                   \
        }                                                                                          \
        for (int row = 0; c->valid != NULL && row < row_count; row++) {                            \
            if (pc_is_valid(c->valid, row)) sum[rows->group[row]] += value[row];                   \
        }                                                                                          \
    }
SUM_INTS(sum_1, int8_t, int64_t)
SUM_INTS(sum_2, int16_t, int64_t)
SUM_INTS(sum_4, int32_t, int64_t)
SUM_INTS(sum_8, int64_t, pc_int128)

static void add_sums(pc_accumulator *a, const pc_arguments *rows, bool one_group)
{
    pc_int128 *sum = (pc_int128 *)(void *)a->value.data;
    switch (rows->value->width) {
        case 1:
            sum_1(sum, rows, one_group);
            break;
        case 2:
            sum_2(sum, rows, one_group);
            break;
        case 4:
            sum_4(sum, rows, one_group);
            break;
        default:
            sum_8(sum, rows, one_group);
    }
}

static void add_exact(pc_accumulator *a, const pc_arguments *rows)
{
    pc_exact_sum *sum = (pc_exact_sum *)(void *)a->value.data;
    const double *value = rows->value->data;
    for (int row = 0; row < rows->row_count; row++) {
        if (pc_is_valid(rows->value->valid, row)) {
            pc_exact_sum_add(&sum[rows->group[row]], value[row]);
        }
    }
}

// A group of count 0 has no value yet. Rows of a group mostly follow each other, a patient's do:
// the group at hand stays in registers.
#define ADD_INTEGERS(type)                                                                         \
    do {                                                                                           \
        const type *from = c->data;                                                                \
        uint32_t group = rows->group[0];                                                           \
        int64_t now = best[group], so_far = count[group];                                          \
        for (int row = 0; row < rows->row_count; row++) {                                          \
            if (!pc_is_valid(c->valid, row)) continue;                                             \
            if (rows->group[row] != group) {                                                       \
                best[group] = now;                                                                 \
                count[group] = so_far;                                                             \
                group = rows->group[row];                                                          \
                now = best[group];                                                                 \
                so_far = count[group];                                                             \
            }                                                                                      \
            const int64_t value = (int64_t)from[row];                                              \
            const bool better = least ? value < now : value > now;                                 \
            now = (better | (so_far == 0)) ? value : now;                                          \
            so_far++;                                                                              \
        }                                                                                          \
        best[group] = now;                                                                         \
        count[group] = so_far;                                                                     \
    } while (0)

static void add_integers(pc_accumulator *a, const pc_arguments *rows)
{
    int64_t *best = (int64_t *)(void *)a->value.data;
    int64_t *count = counts_of(a);
    const bool least = a->aggregate->function == PC_MIN;
    const pc_column *c = rows->value;
    if (c->type == PC_BOOL) {
        ADD_INTEGERS(uint8_t);
    } else if (c->width == 1) {
        ADD_INTEGERS(int8_t);
    } else if (c->width == 2) {
        ADD_INTEGERS(int16_t);
    } else if (c->width == 4) {
        ADD_INTEGERS(int32_t);
    } else {
        ADD_INTEGERS(int64_t);
    }
}

void pc_accumulator_offer(pc_accumulator *a, uint32_t group, uint32_t number)
{
    uint32_t *best = &((uint32_t *)(void *)a->value.data)[group];
    if (number == 0 || number == *best) return;
    const int order = *best == 0 ? 0 : pc_coder_compare(&a->coder, number, *best);
    const bool least = a->aggregate->function == PC_MIN;
    if (*best == 0 || (least ? order < 0 : order > 0)) *best = number;
}

static pc_status add_values(pc_accumulator *a, const pc_arguments *rows, pc_error *err)
{
    uint32_t number[PC_BATCH_ROWS];
    PC_TRY(pc_coder_number(&a->coder, rows->value, rows->row_count, number, err));
    for (int row = 0; row < rows->row_count; row++) {
        pc_accumulator_offer(a, rows->group[row], number[row]);
    }
    return PC_OK;
}

static void add_squares(pc_accumulator *a, const pc_arguments *rows)
{
    pc_squares *squares = (pc_squares *)(void *)a->value.data;
    for (int row = 0; row < rows->row_count; row++) {
        if (!pc_is_valid(rows->value->valid, row)) continue;
        pc_squares_add(&squares[rows->group[row]], pc_column_int(rows->value, row));
    }
}

static void add_exact_squares(pc_accumulator *a, const pc_arguments *rows)
{
    pc_exact_squares *squares = (pc_exact_squares *)(void *)a->value.data;
    const double *value = rows->value->data;
    for (int row = 0; row < rows->row_count; row++) {
        if (!pc_is_valid(rows->value->valid, row)) continue;
        pc_exact_squares_add(&squares[rows->group[row]], value[row]);
    }
}

pc_status pc_accumulator_add(pc_accumulator *a, const pc_arguments *rows, bool one_group,
                             pc_error *err)
{
    if (rows->row_count == 0) return PC_OK;
    switch (a->keep) {
        case PC_KEEP_COUNT:
            add_counts(a, rows, one_group);
            return PC_OK;
        case PC_KEEP_PATIENTS:
            if (rows->slot == NULL) {
                return PC_FAIL(err, PC_BAD_JOB, "column '%s': these rows are not of patients",
                               a->aggregate->field.name);
            }
            add_patients(a, rows, one_group);
            return PC_OK;
        case PC_KEEP_DISTINCT:
        case PC_KEEP_BAG:
        case PC_KEEP_REGISTERS:
            return pc_bag_add(a, rows, err);
        case PC_KEEP_SQUARES:
            add_squares(a, rows);
            add_counts(a, rows, one_group);
            return PC_OK;
        case PC_KEEP_EXACT_SQUARES:
            add_exact_squares(a, rows);
            add_counts(a, rows, one_group);
            return PC_OK;
        case PC_KEEP_SUM:
            add_sums(a, rows, one_group);
            add_counts(a, rows, one_group);
            return PC_OK;
        case PC_KEEP_EXACT:
            add_exact(a, rows);
            add_counts(a, rows, one_group);
            return PC_OK;
        case PC_KEEP_INTEGER:
            add_integers(a, rows);
            return PC_OK;
        case PC_KEEP_VALUE:
            return add_values(a, rows, err);
    }
    return PC_OK;
}

pc_status pc_accumulator_settle(pc_accumulator *a, uint32_t group_count, pc_error *err)
{
    PC_TRY(pc_accumulator_grow(a, group_count, err));
    if (!pc_keeps_pairs(a->keep) || a->room == 0) return PC_OK;
    if (a->aggregate->function != PC_COUNT_DISTINCT) return pc_bag_settle(a, group_count, err);
    int64_t *count = counts_of(a);
    memset(count, 0, a->count.bytes);
    const pc_intern *pairs = a->bag == NULL ? &a->pairs.intern : &a->bag->pairs.intern;
    for (uint32_t i = 0; i < pairs->count; i++) {
        count[pc_intern_word(pairs, i) >> 32]++;
    }
    return PC_OK;
}

pc_status pc_narrow_sum(const pc_accumulator *a, pc_int128 sum, int64_t *out, pc_error *err)
{
    if (sum > INT64_MAX || sum < INT64_MIN) {
        return PC_FAIL(err, PC_BAD_INPUT,
                       "column '%s': a sum is beyond the range of 64-bit integers",
                       a->aggregate->field.name);
    }
    *out = (int64_t)sum;
    return PC_OK;
}

static bool is_of_sample(const pc_accumulator *a)
{
    return a->aggregate->function == PC_VAR_SAMP || a->aggregate->function == PC_STDDEV_SAMP;
}

static double variance_of(const pc_accumulator *a, uint32_t group, int64_t count)
{
    const bool is_root =
        a->aggregate->function == PC_STDDEV_POP || a->aggregate->function == PC_STDDEV_SAMP;
    double variance;
    if (a->keep == PC_KEEP_SQUARES) {
        variance = pc_squares_variance(&((const pc_squares *)(const void *)a->value.data)[group],
                                       count, a->arg.scale, is_of_sample(a));
    } else {
        variance = pc_exact_squares_variance(
            &((const pc_exact_squares *)(const void *)a->value.data)[group], count,
            is_of_sample(a));
    }
    return is_root ? sqrt(variance) : variance;
}

// Values that a result needs: with fewer it is null.
static int64_t least_count(const pc_accumulator *a)
{
    switch (a->keep) {
        case PC_KEEP_SQUARES:
        case PC_KEEP_EXACT_SQUARES:
            return is_of_sample(a) ? 2 : 1;
        case PC_KEEP_SUM:
        case PC_KEEP_EXACT:
            return 1;
        default:
            return takes_extreme(a) ? 1 : 0;
    }
}

// One result as the 8 bytes of its column. The group has a value.
static pc_status result_word(const pc_accumulator *a, uint32_t group, int64_t *out, pc_error *err)
{
    const int64_t count = counts_of(a)[group];
    const bool is_mean = a->aggregate->function == PC_AVG;
    double real = 0;
    switch (a->keep) {
        case PC_KEEP_SUM: {
            const pc_int128 sum = ((const pc_int128 *)(const void *)a->value.data)[group];
            if (!is_mean) return pc_narrow_sum(a, sum, out, err);
            real = pc_mean(sum, count, a->arg.scale);
            break;
        }
        case PC_KEEP_EXACT:
            real = pc_exact_sum_round(&((const pc_exact_sum *)(const void *)a->value.data)[group]);
            if (is_mean) real /= (double)count;
            break;
        case PC_KEEP_SQUARES:
        case PC_KEEP_EXACT_SQUARES:
            real = variance_of(a, group, count);
            break;
        case PC_KEEP_INTEGER:
            *out = ((const int64_t *)(const void *)a->value.data)[group];
            return PC_OK;
        default:
            *out = count;
            return PC_OK;
    }
    memcpy(out, &real, sizeof real);
    return PC_OK;
}

static pc_status result_words(const pc_accumulator *a, const uint32_t *of, int count,
                              pc_arena *arena, pc_column *out, pc_error *err)
{
    const pc_field *field = &a->aggregate->field;
    *out = (pc_column){.type = field->type,
                       .scale = field->type == PC_DECIMAL ? field->scale : 0,
                       .width = field->type == PC_BOOL ? 1 : sizeof(int64_t)};
    char *data = pc_arena_array(arena, (size_t)count + 1, out->width, err);
    uint64_t *valid = pc_arena_array(arena, (size_t)count / 64 + 1, sizeof *valid, err);
    if (data == NULL || valid == NULL) return PC_NO_MEMORY;
    const int64_t least = least_count(a);
    for (int i = 0; i < count; i++) {
        const uint32_t group = of[i];
        if (counts_of(a)[group] < least) continue;
        int64_t word = 0;
        PC_TRY(result_word(a, group, &word, err));
        memcpy(data + (size_t)i * out->width, &word, out->width); // little-endian
        valid[i >> 6] |= UINT64_C(1) << (i & 63);
    }
    out->data = data;
    out->valid = valid;
    return PC_OK;
}

// A piece of what settling has made, of groups behind each other.
static pc_status settled_column(const pc_accumulator *a, uint32_t first, int count, pc_arena *arena,
                                pc_column *out, pc_error *err)
{
    *out = a->result;
    out->data = (const char *)a->result.data + (size_t)first * a->result.width;
    if (a->result.valid == NULL) return PC_OK;
    uint64_t *valid = pc_arena_array(arena, (size_t)count / 64 + 1, sizeof *valid, err);
    if (valid == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < count; i++) {
        if (pc_is_valid(a->result.valid, (int64_t)first + i))
            valid[i >> 6] |= UINT64_C(1) << (i & 63);
    }
    out->valid = valid;
    return PC_OK;
}

pc_status pc_accumulator_column(const pc_accumulator *a, const uint32_t *group, int count,
                                pc_arena *arena, pc_column *out, pc_error *err)
{
    if (a->result.data != NULL) {
        return settled_column(a, count == 0 ? 0 : group[0], count, arena, out, err);
    }
    if (a->keep != PC_KEEP_VALUE) return result_words(a, group, count, arena, out, err);
    const uint32_t *best = (const uint32_t *)(const void *)a->value.data;
    uint32_t number[PC_BATCH_ROWS];
    for (int i = 0; i < count; i++) {
        number[i] = best[group[i]];
    }
    return pc_coder_column(&a->coder, number, count, arena, out, err);
}
