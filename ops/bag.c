/** Aggregates whose state is a bag: pairs (group, value) and how often each occurs. Percentiles and
 *  modes count along the values of a group in order; sums of distinct values take each pair once.
 *
 *  Sketches are bags of few values. An approximate percentile keeps, for each value, the first 7
 * bits of its mantissa (DDSketch with a linearly interpolated index: C. Masson, J. Rim, H. Lee,
 * VLDB 2019): all values of a bucket lie within 1/128, its middle within 1/256 of each. An
 * approximate count of distinct values keeps 4,096 registers, each the longest run of zeros in a
 * hash (P. Flajolet et al., 2007), read by the estimator of O. Ertl, "New cardinality estimation
 * algorithms for HyperLogLog sketches" (2017). */
#include <assert.h>
#include <math.h>
#include <string.h>
#include "aggregate.h"
#include "parcours/hash.h"

enum {
    REGISTER_BITS = 12,
    RANK_BITS = 64 - REGISTER_BITS, // of a hash behind the register's
    BUCKET_SHIFT = 52 - 7,          // mantissa bits that a bucket does not know
    INFINITE_BUCKET = 0x7ff << 7
};

static_assert(PC_REGISTERS == 1 << REGISTER_BITS && PC_REGISTER_MOST == RANK_BITS + 1,
              "the hash is cut where registers end");

bool pc_keeps_pairs(pc_keep keep)
{
    return keep == PC_KEEP_DISTINCT || keep == PC_KEEP_BAG || keep == PC_KEEP_REGISTERS;
}

bool pc_bag_is_sketch(const pc_accumulator *a)
{
    return a->aggregate->function == PC_APPROX_PERCENTILE || a->keep == PC_KEEP_REGISTERS;
}

pc_status pc_bag_open(pc_accumulator *a, pc_budget *budget, pc_error *err)
{
    if (pc_bag_is_sketch(a)) a->arg = (pc_field){.name = a->arg.name, .type = PC_INT};
    return pc_coder_open(&a->coder, &a->arg, budget, err);
}

static double real_of(const pc_column *c, int row)
{
    static const double power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
                                   1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};
    if (c->type == PC_FLOAT) return ((const double *)c->data)[row];
    return (double)pc_column_int(c, row) / power[c->type == PC_DECIMAL ? c->scale : 0];
}

static int64_t bucket_of(double value)
{
    uint64_t bits;
    if (value != value) return INT64_MAX; // nan is the largest
    if (value == 0) return 0;
    memcpy(&bits, &value, sizeof bits);
    const int64_t bucket = (int64_t)(bits << 1 >> 1 >> BUCKET_SHIFT) + 1;
    return bits >> 63 != 0 ? -bucket : bucket;
}

static double middle_of(int64_t bucket)
{
    if (bucket == INT64_MAX) return (double)NAN;
    if (bucket == 0) return 0;
    const int64_t at = (bucket < 0 ? -bucket : bucket) - 1;
    const uint64_t bits[2] = {(uint64_t)at << BUCKET_SHIFT, (uint64_t)(at + 1) << BUCKET_SHIFT};
    double end[2];
    memcpy(end, bits, sizeof end);
    const double middle = at >= INFINITE_BUCKET - 1 ? end[0] : end[0] + (end[1] - end[0]) / 2;
    return bucket < 0 ? -middle : middle;
}

static uint64_t hash_of(const pc_column *c, int row)
{
    if (c->type == PC_CODE || c->type == PC_TEXT || c->type == PC_ID) {
        const pc_span text = pc_column_span(c, row);
        return pc_hash64(text.bytes == 0 ? "" : text.data, text.bytes);
    }
    if (c->type == PC_FLOAT) {
        const double value = ((const double *)c->data)[row] + 0.0; // -0 is 0
        return pc_hash64(&value, sizeof value);
    }
    const int64_t value = pc_column_int(c, row);
    return pc_hash64(&value, sizeof value);
}

/** Rows on their way into pairs. */
typedef struct bag_rows {
    int count;
    uint32_t group[PC_BATCH_ROWS];
    uint32_t number[PC_BATCH_ROWS];
    int64_t amount[PC_BATCH_ROWS];
} bag_rows;

// Values of a sketch as whole numbers: buckets, or registers with their ranks.
static void read_sketch(const pc_accumulator *a, const pc_column *c, int row_count, int64_t *value,
                        int64_t *amount)
{
    for (int row = 0; row < row_count; row++) {
        value[row] = 0;
        if (pc_column_is_null(c, row)) continue;
        if (a->keep == PC_KEEP_BAG) {
            value[row] = bucket_of(real_of(c, row));
            continue;
        }
        const uint64_t hash = hash_of(c, row);
        const uint64_t rest = hash << REGISTER_BITS;
        value[row] = (int64_t)(hash >> RANK_BITS);
        amount[row] = rest == 0 ? RANK_BITS + 1 : __builtin_clzll(rest) + 1;
    }
}

pc_status pc_bag_merge(pc_accumulator *a, const uint32_t *group, const uint32_t *number,
                       const int64_t *amount, int count, pc_error *err)
{
    uint32_t pair[PC_BATCH_ROWS];
    PC_TRY(pc_pairs_number(&a->pairs, group, a->room, number, pc_coder_count(&a->coder), count,
                           pair, err));
    if (a->keep == PC_KEEP_DISTINCT) return PC_OK;
    const size_t bytes = (size_t)a->pairs.intern.count * sizeof(int64_t);
    PC_TRY(pc_buffer_reserve(&a->amount, bytes, err));
    if (bytes > a->amount.bytes) {
        memset(a->amount.data + a->amount.bytes, 0, bytes - a->amount.bytes);
        a->amount.bytes = bytes;
    }
    int64_t *sum = (int64_t *)(void *)a->amount.data;
    for (int i = 0; i < count && a->keep == PC_KEEP_REGISTERS; i++) {
        if (amount[i] > sum[pair[i]]) sum[pair[i]] = amount[i];
    }
    for (int i = 0; i < count && a->keep == PC_KEEP_BAG; i++) {
        if (__builtin_add_overflow(sum[pair[i]], amount[i], &sum[pair[i]])) {
            return PC_FAIL(err, PC_BAD_INPUT, "a packed aggregation is damaged");
        }
    }
    return PC_OK;
}

pc_status pc_bag_add(pc_accumulator *a, const pc_arguments *rows, pc_error *err)
{
    bag_rows it = {.count = 0};
    int64_t value[PC_BATCH_ROWS];
    pc_column column = *rows->value;
    for (int row = 0; row < rows->row_count; row++) {
        it.amount[row] = 1;
    }
    if (pc_bag_is_sketch(a)) {
        read_sketch(a, rows->value, rows->row_count, value, it.amount);
        column = (pc_column){
            .type = PC_INT, .width = sizeof value[0], .data = value, .valid = rows->value->valid};
    }
    PC_TRY(pc_coder_number(&a->coder, &column, rows->row_count, it.number, err));
    for (int row = 0; row < rows->row_count; row++) {
        it.group[it.count] = rows->group[row];
        it.number[it.count] = it.number[row];
        it.amount[it.count] = it.amount[row];
        it.count += it.number[row] != 0; // nulls are left out
    }
    return pc_bag_merge(a, it.group, it.number, it.amount, it.count, err);
}

/** A pair, with the place of its value among all values. */
typedef struct pc_bag_item {
    uint64_t key;
    int64_t amount;
    uint32_t group, number;
} bag_item;

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS };

static uint64_t word_of(const bag_item *item, bool of_group)
{
    return of_group ? item->group : item->key;
}

// One pass of a radix sort: items in the order of one digit, equal ones as they came.
static void sort_by_digit(const bag_item *from, uint32_t count, bool of_group, int shift,
                          bag_item *to)
{
    uint32_t place[DIGITS + 1] = {0};
    for (uint32_t i = 0; i < count; i++)
        place[(word_of(&from[i], of_group) >> shift) % DIGITS + 1]++;
    for (int digit = 0; digit < DIGITS; digit++)
        place[digit + 1] += place[digit];
    for (uint32_t i = 0; i < count; i++)
        to[place[(word_of(&from[i], of_group) >> shift) % DIGITS]++] = from[i];
}

// Sorts by the digits in which the words differ; the sorted items are in `*item` again.
static void sort_by_word(bag_item **item, bag_item **other, uint32_t count, bool of_group)
{
    uint64_t all = UINT64_MAX, any = 0;
    for (uint32_t i = 0; i < count; i++) {
        all &= word_of(&(*item)[i], of_group);
        any |= word_of(&(*item)[i], of_group);
    }
    for (int shift = 0; shift < 64 && count > 1; shift += DIGIT_BITS) {
        if (((all ^ any) >> shift) % DIGITS == 0) continue;
        sort_by_digit(*item, count, of_group, shift, *other);
        bag_item *swap = *item;
        *item = *other;
        *other = swap;
    }
}

/** The pairs of all groups, those of a group together and in order. */
typedef struct bag_view {
    const pc_accumulator *a;
    pc_column value; ///< [items]
    const bag_item *item;
    uint32_t item_count;
} bag_view;

// The accumulator that keeps the pairs.
static pc_accumulator *keeper(pc_accumulator *a)
{
    return a->bag == NULL ? a : a->bag;
}

void pc_bag_forget(pc_accumulator *a)
{
    pc_arena_reset(&a->order.arena);
    a->order = (pc_bag_order){.item = NULL};
}

// Sorts the pairs of `a`, which keeps them, as `order` says.
static pc_status make_order(const pc_accumulator *a, pc_bag_order *order, pc_error *err)
{
    pc_arena *arena = &order->arena;
    const uint32_t count = a->pairs.intern.count;
    bag_item *other = pc_arena_array(arena, (size_t)count + 1, sizeof *other, err);
    bag_item *item = pc_arena_array(arena, (size_t)count + 1, sizeof *item, err);
    uint32_t *number = pc_arena_array(arena, (size_t)count + 1, sizeof *number, err);
    uint64_t *key = NULL;
    if (item == NULL || other == NULL || number == NULL) return PC_NO_MEMORY;
    PC_TRY(pc_coder_keys(&a->coder, arena, &key, err));
    const int64_t *amount = (const int64_t *)(const void *)a->amount.data;
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t word = pc_intern_word(&a->pairs.intern, i);
        const uint32_t of = (uint32_t)word;
        const uint64_t ordered = order->is_descending ? ~key[of] : key[of];
        item[i] =
            (bag_item){ordered, order->counts_once ? 1 : amount[i], (uint32_t)(word >> 32), of};
    }
    sort_by_word(&item, &other, count, false);
    sort_by_word(&item, &other, count, true);
    for (uint32_t i = 0; i < count; i++) {
        number[i] = item[i].number;
    }
    PC_TRY(pc_coder_column(&a->coder, number, (int)count, arena, &order->value, err));
    order->item = item;
    return PC_OK;
}

static pc_status view_items(pc_accumulator *a, bag_view *out, pc_error *err)
{
    pc_accumulator *of_pairs = keeper(a);
    pc_bag_order *order = &of_pairs->order;
    const bool once = a->keep == PC_KEEP_DISTINCT || a->aggregate->is_distinct;
    const bool descends = a->aggregate->is_descending;
    if (order->item == NULL || order->is_descending != descends || order->counts_once != once) {
        pc_bag_forget(of_pairs);
        order->arena.budget = a->results.budget;
        order->is_descending = descends;
        order->counts_once = once;
        PC_TRY(make_order(of_pairs, order, err));
    }
    *out = (bag_view){.a = a,
                      .value = order->value,
                      .item = order->item,
                      .item_count = of_pairs->pairs.intern.count};
    return PC_OK;
}

// The items of the group that begins at `first`.
static uint32_t end_of_group(const bag_view *v, uint32_t first)
{
    uint32_t end = first;
    while (end < v->item_count && v->item[end].group == v->item[first].group) {
        end++;
    }
    return end;
}

static int64_t total_of(const bag_view *v, uint32_t first, uint32_t end)
{
    int64_t total = 0;
    for (uint32_t i = first; i < end; i++) {
        total += v->item[i].amount;
    }
    return total;
}

// The item of the row with that number, from 0.
static uint32_t item_at(const bag_view *v, uint32_t first, int64_t row)
{
    for (int64_t before = v->item[first].amount; before <= row; before += v->item[first].amount) {
        first++;
    }
    return first;
}

static uint32_t discrete(const bag_view *v, uint32_t first, uint32_t end)
{
    const double wanted = ceil(v->a->aggregate->fraction * (double)total_of(v, first, end));
    return item_at(v, first, wanted < 1 ? 0 : (int64_t)wanted - 1);
}

static double continuous(const bag_view *v, uint32_t first, uint32_t end)
{
    const double at = v->a->aggregate->fraction * (double)(total_of(v, first, end) - 1);
    const double below = floor(at);
    const double low = real_of(&v->value, (int)item_at(v, first, (int64_t)below));
    if (ceil(at) == below) return low;
    const double high = real_of(&v->value, (int)item_at(v, first, (int64_t)below + 1));
    return low + (at - below) * (high - low);
}

static uint32_t most_frequent(const bag_view *v, uint32_t first, uint32_t end)
{
    uint32_t best = first;
    for (uint32_t i = first; i < end; i++) {
        if (v->item[i].amount > v->item[best].amount) best = i;
    }
    return best;
}

// Ertl's sums of the share of registers that are empty, and of those that are full.
static double sigma(double x)
{
    if (x == 1) return (double)INFINITY;
    double y = 1;
    double z = x;
    for (double before = -1; before != z;) {
        before = z;
        x *= x;
        z += x * y;
        y += y;
    }
    return z;
}

static double tau(double x)
{
    if (x == 0 || x == 1) return 0;
    double y = 1;
    double z = 1 - x;
    for (double before = -1; before != z;) {
        before = z;
        x = sqrt(x);
        y *= 0.5;
        z -= (1 - x) * (1 - x) * y;
    }
    return z / 3;
}

static int64_t estimate(const bag_view *v, uint32_t first, uint32_t end)
{
    int64_t count[RANK_BITS + 2] = {0};
    count[0] = PC_REGISTERS - (int64_t)(end - first);
    for (uint32_t i = first; i < end; i++) {
        count[v->item[i].amount]++;
    }
    const double m = PC_REGISTERS;
    double z = m * tau(1 - (double)count[RANK_BITS + 1] / m);
    for (int rank = RANK_BITS; rank >= 1; rank--) {
        z = 0.5 * (z + (double)count[rank]);
    }
    z += m * sigma((double)count[0] / m);
    return (int64_t)rint(m * m / (2 * 0.693147180559945309417) / z);
}

static pc_status join_texts(const bag_view *v, uint32_t first, uint32_t end, pc_buffer *to,
                            pc_error *err)
{
    const pc_span separator = v->a->aggregate->separator;
    to->bytes = 0;
    bool is_first = true;
    for (uint32_t i = first; i < end; i++) {
        const pc_span text = pc_column_span(&v->value, i);
        for (int64_t n = 0; n < v->item[i].amount; n++) {
            if (!is_first) {
                PC_TRY(pc_buffer_append(to, separator.data, separator.bytes, err));
            }
            PC_TRY(pc_buffer_append(to, text.data, text.bytes, err));
            is_first = false;
        }
    }
    return PC_OK;
}

static double variance_of_items(const bag_view *v, uint32_t first, uint32_t end)
{
    const bool is_sample =
        v->a->aggregate->function == PC_VAR_SAMP || v->a->aggregate->function == PC_STDDEV_SAMP;
    const int64_t count = (int64_t)(end - first);
    if (v->value.type == PC_FLOAT) {
        pc_exact_squares squares = {.sum = {.pending = 0}};
        for (uint32_t i = first; i < end; i++) {
            pc_exact_squares_add(&squares, real_of(&v->value, (int)i));
        }
        return pc_exact_squares_variance(&squares, count, is_sample);
    }
    pc_squares squares = {.sum = 0};
    for (uint32_t i = first; i < end; i++) {
        pc_squares_add(&squares, pc_column_int(&v->value, i));
    }
    return pc_squares_variance(&squares, count, v->value.scale, is_sample);
}

static pc_status sum_of_items(const bag_view *v, uint32_t first, uint32_t end, int64_t *word,
                              pc_error *err)
{
    const bool is_mean = v->a->aggregate->function == PC_AVG;
    double real;
    if (v->value.type == PC_FLOAT) {
        pc_exact_sum sum = {.pending = 0};
        for (uint32_t i = first; i < end; i++) {
            pc_exact_sum_add(&sum, real_of(&v->value, (int)i));
        }
        real = pc_exact_sum_round(&sum);
        if (is_mean) real /= (double)(end - first);
        memcpy(word, &real, sizeof real);
        return PC_OK;
    }
    pc_int128 sum = 0;
    for (uint32_t i = first; i < end; i++) {
        sum += pc_column_int(&v->value, i);
    }
    if (!is_mean) return pc_narrow_sum(v->a, sum, word, err);
    real = pc_mean(sum, (int64_t)(end - first), v->value.scale);
    memcpy(word, &real, sizeof real);
    return PC_OK;
}

/** Results being written: words, or the values that the groups chose. */
typedef struct bag_results {
    int64_t *word;           ///< [groups]
    uint32_t *number;        ///< [groups] of a value, 0: null; for aggregates that give a value
    uint64_t *valid;         ///< [groups]
    pc_buffer text;          ///< one joined text
    pc_dict_builder *joined; ///< of STRING_AGG
} bag_results;

static pc_status result_of(const bag_view *v, uint32_t first, uint32_t end, bag_results *out,
                           pc_error *err)
{
    const uint32_t group = v->item[first].group;
    const pc_aggregate_function function = v->a->aggregate->function;
    double real = 0;
    bool is_real = true;
    out->valid[group >> 6] |= UINT64_C(1) << (group & 63);
    switch (function) {
        case PC_PERCENTILE_DISC:
            out->number[group] = v->item[discrete(v, first, end)].number;
            return PC_OK;
        case PC_MODE:
            out->number[group] = v->item[most_frequent(v, first, end)].number;
            return PC_OK;
        case PC_PERCENTILE_CONT:
            real = continuous(v, first, end);
            break;
        case PC_APPROX_PERCENTILE:
            real = middle_of(pc_column_int(&v->value, discrete(v, first, end)));
            break;
        case PC_APPROX_DISTINCT:
            out->word[group] = estimate(v, first, end);
            return PC_OK;
        case PC_STRING_AGG: {
            uint32_t index;
            PC_TRY(join_texts(v, first, end, &out->text, err));
            const pc_span text = {out->text.bytes == 0 ? "" : out->text.data, out->text.bytes};
            PC_TRY(pc_dict_builder_add(out->joined, text, &index, err));
            out->word[group] = index;
            return PC_OK;
        }
        case PC_SUM:
        case PC_AVG:
            is_real = false;
            PC_TRY(sum_of_items(v, first, end, &out->word[group], err));
            break;
        case PC_VAR_SAMP:
        case PC_STDDEV_SAMP:
            if (end - first < 2) {
                out->valid[group >> 6] &= ~(UINT64_C(1) << (group & 63));
                return PC_OK;
            }
            real = variance_of_items(v, first, end);
            break;
        default:
            real = variance_of_items(v, first, end);
            break;
    }
    if (function == PC_STDDEV_POP || function == PC_STDDEV_SAMP) real = sqrt(real);
    if (is_real) memcpy(&out->word[group], &real, sizeof real);
    return PC_OK;
}

static pc_status settle_all(pc_accumulator *a, uint32_t group_count, bag_results *out,
                            pc_error *err)
{
    bag_view v;
    PC_TRY(view_items(a, &v, err));
    for (uint32_t first = 0; first < v.item_count;) {
        const uint32_t end = end_of_group(&v, first);
        PC_TRY(result_of(&v, first, end, out, err));
        first = end;
    }
    const pc_aggregate *aggregate = a->aggregate;
    if (aggregate->function == PC_PERCENTILE_DISC || aggregate->function == PC_MODE) {
        return pc_coder_column(&keeper(a)->coder, out->number, (int)group_count, &a->results,
                               &a->result, err);
    }
    // An estimated count of nothing is 0.
    if (aggregate->function == PC_APPROX_DISTINCT) out->valid = NULL;
    a->result = (pc_column){.type = aggregate->field.type,
                            .scale = aggregate->field.scale,
                            .width = sizeof out->word[0],
                            .data = out->word,
                            .valid = out->valid};
    if (aggregate->function != PC_STRING_AGG) return PC_OK;
    uint32_t *index = pc_arena_array(&a->results, (size_t)group_count + 1, sizeof *index, err);
    pc_dict *dict = pc_arena_take(&a->results, sizeof *dict, err);
    uint32_t *sorted = NULL;
    if (index == NULL || dict == NULL) return PC_NO_MEMORY;
    PC_TRY(pc_dict_builder_sort(out->joined, &a->results, dict, &sorted, err));
    for (uint32_t i = 0; i < group_count; i++) {
        if (pc_is_valid(out->valid, i)) index[i] = sorted[out->word[i]];
    }
    a->result.data = index;
    a->result.width = sizeof *index;
    a->result.dict = dict;
    return PC_OK;
}

pc_status pc_bag_settle(pc_accumulator *a, uint32_t group_count, pc_error *err)
{
    bag_results out = {.text = {.budget = a->results.budget}};
    pc_arena_reset(&a->results);
    a->result = (pc_column){.type = PC_NONE};
    out.word = pc_arena_array(&a->results, (size_t)group_count + 1, sizeof *out.word, err);
    out.number = pc_arena_array(&a->results, (size_t)group_count + 1, sizeof *out.number, err);
    out.valid = pc_arena_array(&a->results, (size_t)group_count / 64 + 1, sizeof *out.valid, err);
    pc_status status =
        out.word == NULL || out.number == NULL || out.valid == NULL ? PC_NO_MEMORY : PC_OK;
    if (status == PC_OK && a->aggregate->function == PC_STRING_AGG) {
        status = pc_dict_builder_new(a->results.budget, &out.joined, err);
    }
    if (status == PC_OK) status = settle_all(a, group_count, &out, err);
    pc_buffer_release(&out.text);
    pc_dict_builder_free(out.joined);
    return status;
}
