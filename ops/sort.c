/** sort: rows by keys, then by all columns ascending, nulls last; at most `limit` of them after
 *  `offset`. In: any columns. Out: the same columns, rows of no slot. Keeps all rows, or with a
 *  limit about twice as many as it will give. Rows that are equal in all columns cannot be told
 *  apart, so the result does not depend on the order of arrival. Where nulls stand among a key's
 *  values the plan says (PostgreSQL, 7.5). Texts compare by bytes, nan is the largest number. With
 *  `first_of` only the first row of each combination of the first keys stays (DISTINCT ON). */
#include <assert.h>
#include <string.h>
#include "coder.h"
#include "parcours/op.h"

enum {
    PRUNE_ROWS = 16384 // beyond the limit, before the rows are sorted and cut
};

// A column of the kept rows. Words are in the order of values: of texts and ids, coder numbers.
typedef struct kept_column {
    pc_buffer word; // uint64 [row_count]
    pc_buffer null; // uint8 [row_count]
    bool is_coded;
    pc_coder coder;
} kept_column;

typedef struct sorter {
    const pc_plan *node;
    pc_schema packed; // the columns of a packed batch
    int column_count;
    kept_column *column; // [column_count]
    int order_count;
    pc_sort_key *order; // [order_count] keys, then the other columns
    int64_t row_count;
    int64_t most;    // rows that can be in the result: offset + limit; -1: all
    int64_t kept;    // rows that stayed when repeats were last dropped
    bool has_cutoff; // row most - 1 is the last that can be in the result
    bool is_sorted;
    int64_t next;
    pc_buffer index; // uint32 [row_count] once sorted
} sorter;

static uint64_t *words_of(const kept_column *c)
{
    return (uint64_t *)(void *)c->word.data;
}

static uint8_t *nulls_of(const kept_column *c)
{
    return (uint8_t *)c->null.data;
}

static int compare_keys(const sorter *s, int key_count, int64_t a, int64_t b)
{
    for (int i = 0; i < key_count; i++) {
        const pc_sort_key *key = &s->order[i];
        const kept_column *c = &s->column[key->column];
        const bool null_a = nulls_of(c)[a] != 0;
        const bool null_b = nulls_of(c)[b] != 0;
        if (null_a || null_b) {
            if (null_a && null_b) continue;
            return null_a == key->nulls_first ? -1 : 1;
        }
        const uint64_t x = words_of(c)[a];
        const uint64_t y = words_of(c)[b];
        if (x == y) continue;
        int order = x < y ? -1 : 1;
        if (c->is_coded) order = pc_coder_compare(&c->coder, (uint32_t)x, (uint32_t)y);
        if (order != 0) return key->descending ? -order : order;
    }
    return 0;
}

static int compare_rows(const sorter *s, int64_t a, int64_t b)
{
    return compare_keys(s, s->order_count, a, b);
}

// Keys as given, then every column once more: one that is a key already never decides again.
static pc_status make_order(sorter *s, pc_arena *arena, pc_error *err)
{
    const int keys = s->node->of.sort.key_count;
    s->order_count = keys + s->column_count;
    s->order = pc_arena_array(arena, (size_t)s->order_count + 1, sizeof *s->order, err);
    if (s->order == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < keys; i++) {
        s->order[i] = s->node->of.sort.key[i];
    }
    for (int i = 0; i < s->column_count; i++) {
        s->order[keys + i] = (pc_sort_key){.column = i};
    }
    return PC_OK;
}

static pc_status open_columns(sorter *s, pc_budget *budget, pc_error *err)
{
    s->index.budget = budget;
    for (int i = 0; i < s->packed.field_count; i++) {
        kept_column *c = &s->column[i];
        const pc_type type = s->packed.field[i].type;
        *c = (kept_column){.word = {.budget = budget}, .null = {.budget = budget}};
        c->is_coded = type == PC_CODE || type == PC_TEXT || type == PC_ID;
        s->column_count = i + 1; // what close must give back
        if (c->is_coded) PC_TRY(pc_coder_open(&c->coder, &s->packed.field[i], budget, err));
    }
    return PC_OK;
}

static void close_columns(sorter *s)
{
    for (int i = 0; i < s->column_count; i++) {
        pc_buffer_release(&s->column[i].word);
        pc_buffer_release(&s->column[i].null);
        pc_coder_close(&s->column[i].coder);
    }
    pc_buffer_release(&s->index);
    s->column_count = 0;
    s->row_count = 0;
    s->next = 0;
    s->kept = 0;
    s->is_sorted = false;
    s->has_cutoff = false;
}

static pc_status sort_open(pc_op *op, const pc_plan *node, pc_error *err)
{
    sorter *s = pc_arena_take(op->arena, sizeof *s, err);
    if (s == NULL) return PC_NO_MEMORY;
    op->state = s;
    op->out = node->schema;
    s->node = node;
    const int64_t limit = node->of.sort.limit;
    const int64_t offset = node->of.sort.offset;
    assert(offset >= 0);
    s->most = limit < 0 || limit > INT64_MAX - offset ? -1 : offset + limit;
    assert(node->of.sort.first_of == 0 || (limit < 0 && offset == 0));
    const int count = node->schema.field_count;
    s->column = pc_arena_array(op->arena, (size_t)count + 1, sizeof *s->column, err);
    if (s->column == NULL) return PC_NO_MEMORY;
    PC_TRY(pc_schema_packed(&node->schema, op->arena, &s->packed, err));
    PC_TRY(open_columns(s, op->arena->budget, err));
    return make_order(s, op->arena, err);
}

static void sort_close(pc_op *op)
{
    sorter *s = op->state;
    if (s != NULL) close_columns(s);
}

static const uint64_t SIGN = UINT64_C(1) << 63;

// Unsigned order of words is the order of values; nan (made one) is the largest.
static uint64_t ordered_float(double value)
{
    if (value != value) return UINT64_MAX;
    const double plain = value + 0.0; // -0 becomes 0
    uint64_t word;
    memcpy(&word, &plain, sizeof word);
    return (word & SIGN) != 0 ? ~word : word | SIGN;
}

static double unordered_float(uint64_t word)
{
    double value;
    if (word == UINT64_MAX) {
        word = UINT64_C(0x7ff8000000000000);
    } else {
        word = (word & SIGN) != 0 ? word ^ SIGN : ~word;
    }
    memcpy(&value, &word, sizeof value);
    return value;
}

static pc_status append_column(kept_column *c, const pc_column *from, int64_t row_count, int more,
                               pc_error *err)
{
    const size_t total = (size_t)(row_count + more);
    PC_TRY(pc_buffer_reserve(&c->word, total * sizeof(uint64_t), err));
    PC_TRY(pc_buffer_reserve(&c->null, total, err));
    uint64_t *word = words_of(c) + row_count;
    uint8_t *null = nulls_of(c) + row_count;
    uint32_t number[PC_BATCH_ROWS];
    if (c->is_coded) PC_TRY(pc_coder_number(&c->coder, from, more, number, err));
    for (int row = 0; row < more; row++) {
        null[row] = pc_column_is_null(from, row);
        if (null[row] != 0) {
            word[row] = 0;
        } else if (c->is_coded) {
            word[row] = number[row];
        } else if (from->type == PC_FLOAT) {
            word[row] = ordered_float(((const double *)from->data)[row]);
        } else {
            word[row] = (uint64_t)pc_column_int(from, row) ^ SIGN;
        }
    }
    c->word.bytes = total * sizeof(uint64_t);
    c->null.bytes = total;
    return PC_OK;
}

static void copy_row(sorter *s, int64_t from, int64_t to)
{
    for (int i = 0; i < s->column_count; i++) {
        words_of(&s->column[i])[to] = words_of(&s->column[i])[from];
        nulls_of(&s->column[i])[to] = nulls_of(&s->column[i])[from];
    }
}

// Merge sort from runs of one row up: no recursion, no more than n log2 n comparisons.
static void merge_runs(const sorter *s, const uint32_t *from, int64_t count, int64_t run,
                       uint32_t *to)
{
    for (int64_t start = 0; start < count; start += 2 * run) {
        const int64_t middle = start + run < count ? start + run : count;
        const int64_t end = start + 2 * run < count ? start + 2 * run : count;
        int64_t left = start;
        int64_t right = middle;
        for (int64_t at = start; at < end; at++) {
            const bool take_left =
                left < middle && (right >= end || compare_rows(s, from[left], from[right]) <= 0);
            to[at] = take_left ? from[left++] : from[right++];
        }
    }
}

static pc_status sort_index(sorter *s, pc_error *err)
{
    const size_t bytes = (size_t)s->row_count * sizeof(uint32_t);
    pc_buffer other = {.budget = s->index.budget};
    PC_TRY(pc_buffer_reserve(&s->index, bytes + 1, err));
    PC_TRY(pc_buffer_reserve(&other, bytes + 1, err));
    uint32_t *from = (uint32_t *)(void *)s->index.data;
    for (int64_t row = 0; row < s->row_count; row++) {
        from[row] = (uint32_t)row;
    }
    for (int64_t run = 1; run < s->row_count; run *= 2) {
        merge_runs(s, (const uint32_t *)(const void *)s->index.data, s->row_count, run,
                   (uint32_t *)(void *)other.data);
        const pc_buffer sorted = other;
        other = s->index;
        s->index = sorted;
    }
    s->index.bytes = bytes;
    pc_buffer_release(&other);
    return PC_OK;
}

// Of rows that are equal in the first keys only the first one. Returns how many stay.
static int64_t drop_repeats(sorter *s)
{
    const int keys = s->node->of.sort.first_of;
    uint32_t *index = (uint32_t *)(void *)s->index.data;
    int64_t kept = 0;
    for (int64_t i = 0; i < s->row_count; i++) {
        if (kept > 0 && keys > 0 && compare_keys(s, keys, index[kept - 1], index[i]) == 0) continue;
        index[kept++] = index[i];
    }
    return kept;
}

// The rows in order: `index` of them, and how many there are.
static pc_status order_rows(sorter *s, int64_t *count, pc_error *err)
{
    PC_TRY(sort_index(s, err));
    *count = s->node->of.sort.first_of == 0 ? s->row_count : drop_repeats(s);
    return PC_OK;
}

// Moves the values of rows index[0 .. count - 1] to the front, in that order.
static pc_status reorder(sorter *s, int64_t count, pc_error *err)
{
    const uint32_t *index = (const uint32_t *)(const void *)s->index.data;
    pc_buffer moved = {.budget = s->index.budget};
    PC_TRY(pc_buffer_reserve(&moved, (size_t)count * sizeof(uint64_t) + 1, err));
    uint64_t *word = (uint64_t *)(void *)moved.data;
    for (int i = 0; i < s->column_count; i++) {
        kept_column *c = &s->column[i];
        for (int64_t row = 0; row < count; row++) {
            word[row] = words_of(c)[index[row]];
        }
        memcpy(c->word.data, word, (size_t)count * sizeof(uint64_t));
        uint8_t *null = (uint8_t *)moved.data;
        for (int64_t row = 0; row < count; row++) {
            null[row] = nulls_of(c)[index[row]];
        }
        memcpy(c->null.data, null, (size_t)count);
    }
    pc_buffer_release(&moved);
    return PC_OK;
}

// Keeps only the rows that can still be in the result.
static pc_status prune(sorter *s, pc_error *err)
{
    int64_t count;
    PC_TRY(order_rows(s, &count, err));
    if (s->most >= 0 && count > s->most) count = s->most;
    if (count > 0) PC_TRY(reorder(s, count, err));
    s->has_cutoff = count == s->most;
    s->row_count = count;
    s->kept = count;
    return PC_OK;
}

// Rows behind the last one that can be in the result are left out at once.
static void drop_late_rows(sorter *s, int64_t first)
{
    int64_t kept = first;
    for (int64_t row = first; row < s->row_count; row++) {
        if (s->most == 0 || compare_rows(s, row, s->most - 1) >= 0) continue;
        if (kept != row) copy_row(s, row, kept);
        kept++;
    }
    s->row_count = kept;
}

static pc_status append_batch(sorter *s, const pc_batch *batch, pc_error *err)
{
    if (s->row_count + batch->row_count > UINT32_MAX) {
        return PC_FAIL(err, PC_BAD_INPUT, "more than %u rows to sort on one rank", UINT32_MAX);
    }
    const int64_t first = s->row_count;
    for (int i = 0; i < s->column_count; i++) {
        PC_TRY(append_column(&s->column[i], &batch->column[i], first, batch->row_count, err));
    }
    s->row_count += batch->row_count;
    if (s->has_cutoff) drop_late_rows(s, first);
    const bool drops = s->node->of.sort.first_of > 0;
    if (drops && s->row_count - PRUNE_ROWS > 2 * s->kept) return prune(s, err);
    if (s->most >= 0 && s->row_count - PRUNE_ROWS > 2 * s->most) return prune(s, err);
    return PC_OK;
}

static pc_status sort_push(pc_op *op, pc_batch *batch, pc_arena *scratch, pc_error *err)
{
    (void)scratch;
    PC_TRY(append_batch(op->state, batch, err));
    batch->row_count = 0;
    return PC_OK;
}

static pc_status write_plain(const sorter *s, int column, int64_t first, int count, pc_arena *arena,
                             pc_column *out, pc_error *err)
{
    const uint32_t *index = (const uint32_t *)(const void *)s->index.data + first;
    const kept_column *c = &s->column[column];
    const pc_field *field = &s->packed.field[column];
    *out = (pc_column){.type = field->type,
                       .scale = field->type == PC_DECIMAL ? field->scale : 0,
                       .width = field->type == PC_BOOL ? 1 : sizeof(int64_t)};
    char *data = pc_arena_array(arena, (size_t)count + 1, out->width, err);
    uint64_t *valid = pc_arena_array(arena, (size_t)count / 64 + 1, sizeof *valid, err);
    if (data == NULL || valid == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < count; i++) {
        if (nulls_of(c)[index[i]] != 0) continue;
        uint64_t word = words_of(c)[index[i]];
        if (field->type == PC_FLOAT) {
            const double value = unordered_float(word);
            memcpy(&word, &value, sizeof word);
        } else {
            word ^= SIGN;
        }
        memcpy(data + (size_t)i * out->width, &word, out->width); // little-endian
        valid[i >> 6] |= UINT64_C(1) << (i & 63);
    }
    out->data = data;
    out->valid = valid;
    return PC_OK;
}

static pc_status write_column(const sorter *s, int column, int64_t first, int count,
                              pc_arena *arena, pc_column *out, pc_error *err)
{
    const kept_column *c = &s->column[column];
    if (!c->is_coded) return write_plain(s, column, first, count, arena, out, err);
    const uint32_t *index = (const uint32_t *)(const void *)s->index.data + first;
    uint32_t number[PC_BATCH_ROWS];
    for (int i = 0; i < count; i++) {
        number[i] = nulls_of(c)[index[i]] != 0 ? 0 : (uint32_t)words_of(c)[index[i]];
    }
    return pc_coder_column(&c->coder, number, count, arena, out, err);
}

// Rows first .. of the sorted ones, up to `end`.
static pc_status write_rows(const sorter *s, int64_t first, int64_t end, pc_arena *arena,
                            pc_batch *out, pc_error *err)
{
    const int64_t left = end - first;
    const int count = left < PC_BATCH_ROWS ? (int)left : PC_BATCH_ROWS;
    *out = (pc_batch){.column_count = s->column_count, .row_count = count};
    out->column = pc_arena_array(arena, (size_t)out->column_count + 1, sizeof *out->column, err);
    if (out->column == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < s->column_count; i++) {
        PC_TRY(write_column(s, i, first, count, arena, &out->column[i], err));
    }
    return PC_OK;
}

static pc_status sort_finish(pc_op *op, pc_batch *out, pc_arena *scratch, pc_error *err)
{
    sorter *s = op->state;
    if (!s->is_sorted) {
        PC_TRY(order_rows(s, &s->row_count, err));
        s->is_sorted = true;
        const int64_t offset = s->node->of.sort.offset;
        s->next = offset < s->row_count ? offset : s->row_count;
    }
    const bool cut = s->most >= 0 && s->most < s->row_count;
    const int64_t end = cut ? s->most : s->row_count;
    PC_TRY(write_rows(s, s->next < end ? s->next : end, end, scratch, out, err));
    s->next += out->row_count;
    return PC_OK;
}

// Sorted rows first .. end - 1, a batch at a time, to `part` or else behind `out`.
static pc_status pack_range(const sorter *s, int64_t first, int64_t end, pc_arena *arena,
                            const pc_op_parts *parts, int part, pc_buffer *out, pc_error *err)
{
    for (; first < end; first += PC_BATCH_ROWS) {
        const pc_arena_mark mark = pc_arena_now(arena);
        pc_batch batch;
        PC_TRY(write_rows(s, first, end, arena, &batch, err));
        if (parts != NULL) out->bytes = 0;
        PC_TRY(pc_batch_pack(&batch, &s->packed, out, err));
        pc_arena_rewind(arena, mark);
        if (parts == NULL) continue;
        PC_TRY(parts->write(parts->context, part, (pc_span){out->data, out->bytes}, err));
    }
    return PC_OK;
}

static pc_status pack_rows(sorter *s, pc_arena *arena, pc_buffer *out, pc_error *err)
{
    PC_TRY(order_rows(s, &s->row_count, err));
    const bool cut = s->most >= 0 && s->most < s->row_count;
    return pack_range(s, 0, cut ? s->most : s->row_count, arena, NULL, 0, out, err);
}

static pc_status sort_clear(pc_op *op, pc_error *err)
{
    sorter *s = op->state;
    close_columns(s);
    return open_columns(s, op->arena->budget, err);
}

static pc_status sort_pack(pc_op *op, pc_buffer *out, pc_error *err)
{
    sorter *s = op->state;
    pc_arena arena = {.budget = op->arena->budget};
    const pc_status status = pack_rows(s, &arena, out, err);
    pc_arena_reset(&arena);
    return status == PC_OK ? sort_clear(op, err) : status;
}

static pc_status merge_rows(sorter *s, pc_span state, pc_arena *arena, pc_error *err)
{
    for (size_t at = 0; at < state.bytes;) {
        const pc_arena_mark mark = pc_arena_now(arena);
        pc_batch batch;
        PC_TRY(pc_batch_unpack(state, &at, &s->packed, arena, &batch, err));
        for (int i = 0; i < s->column_count; i++) {
            pc_coder_forget(&s->column[i].coder);
        }
        PC_TRY(append_batch(s, &batch, err));
        for (int i = 0; i < s->column_count; i++) {
            pc_coder_forget(&s->column[i].coder);
        }
        pc_arena_rewind(arena, mark);
    }
    return PC_OK;
}

// Rows in order of arrival.
static pc_status index_rows(sorter *s, pc_error *err)
{
    const size_t bytes = (size_t)s->row_count * sizeof(uint32_t);
    PC_TRY(pc_buffer_reserve(&s->index, bytes + 1, err));
    uint32_t *index = (uint32_t *)(void *)s->index.data;
    for (int64_t row = 0; row < s->row_count; row++) {
        index[row] = (uint32_t)row;
    }
    s->index.bytes = bytes;
    return PC_OK;
}

static pc_status write_parts(sorter *s, const pc_op_parts *parts, pc_arena *arena, pc_buffer *piece,
                             pc_error *err)
{
    if (parts->bounds.bytes == 0) {
        PC_TRY(index_rows(s, err));
        return pack_range(s, 0, s->row_count, arena, parts, 0, piece, err);
    }
    // The bounds are sorted among the rows, and each begins the next part.
    const int64_t rows = s->row_count;
    PC_TRY(merge_rows(s, parts->bounds, arena, err));
    PC_TRY(sort_index(s, err));
    const uint32_t *index = (const uint32_t *)(const void *)s->index.data;
    int64_t start = 0;
    int part = 0;
    for (int64_t i = 0; i < s->row_count; i++) {
        if (index[i] < rows) continue;
        assert(part < parts->count);
        PC_TRY(pack_range(s, start, i, arena, parts, part++, piece, err));
        start = i + 1;
    }
    return pack_range(s, start, s->row_count, arena, parts, part, piece, err);
}

static pc_status sort_pack_parts(pc_op *op, const pc_op_parts *parts, pc_error *err)
{
    sorter *s = op->state;
    assert(s->most < 0 && s->node->of.sort.first_of == 0);
    pc_arena arena = {.budget = op->arena->budget};
    pc_buffer piece = {.budget = op->arena->budget};
    const pc_status status = write_parts(s, parts, &arena, &piece, err);
    pc_buffer_release(&piece);
    pc_arena_reset(&arena);
    return status == PC_OK ? sort_clear(op, err) : status;
}

// The rows of the sample become the index, so that they are written as sorted rows are.
static pc_status sort_sample(pc_op *op, int count, bool in_order, pc_buffer *out, pc_error *err)
{
    sorter *s = op->state;
    PC_TRY(in_order ? sort_index(s, err) : index_rows(s, err));
    uint32_t *index = (uint32_t *)(void *)s->index.data;
    const int64_t taken = count < s->row_count ? count : s->row_count;
    for (int64_t i = 0; i < taken; i++) {
        index[i] = index[(i + 1) * s->row_count / (taken + 1)];
    }
    pc_arena arena = {.budget = op->arena->budget};
    const pc_status status = pack_range(s, 0, taken, &arena, NULL, 0, out, err);
    pc_arena_reset(&arena);
    return status;
}

static pc_status sort_merge(pc_op *op, pc_span state, pc_error *err)
{
    pc_arena arena = {.budget = op->arena->budget};
    const pc_status status = merge_rows(op->state, state, &arena, err);
    pc_arena_reset(&arena);
    return status;
}

const pc_op_type pc_op_sort = {.name = "sort",
                               .kind = PC_PLAN_SORT,
                               .open = sort_open,
                               .push = sort_push,
                               .clear = sort_clear,
                               .pack = sort_pack,
                               .pack_parts = sort_pack_parts,
                               .sample = sort_sample,
                               .merge = sort_merge,
                               .finish = sort_finish,
                               .close = sort_close};
