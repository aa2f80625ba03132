/** The state of an aggregation as bytes, and merging such bytes into a state.
 *
 *      u64 groups
 *      per 2,048 groups: a packed batch of keys and simple states, then for each aggregate of kind
 *          EXACT its pc_exact_sum structs [rows]
 *      per aggregate of kind DISTINCT that has pairs of its own: u64 pairs, then packed batches
 * (group, value) */
#include <assert.h>
#include <string.h>
#include "aggregate.h"
#include "part_lists.h"

enum {
    MOST_STATE_COLUMNS = 6, // count, high and low half of a sum, three words of its squares
    MOST_PENDING = 1 << 30, // additions since carries were moved, by pc_exact_sum
    MOST_LIMB_BITS = 62     // a digit that waits for its carry
};

static int state_columns(pc_keep keep)
{
    switch (keep) {
        case PC_KEEP_SUM:
            return 3;
        case PC_KEEP_SQUARES:
            return 6;
        case PC_KEEP_COUNT:
        case PC_KEEP_PATIENTS:
        case PC_KEEP_EXACT:
        case PC_KEEP_EXACT_SQUARES:
        case PC_KEEP_INTEGER:
        case PC_KEEP_VALUE:
            return keep == PC_KEEP_INTEGER ? 2 : 1;
        case PC_KEEP_DISTINCT:
        case PC_KEEP_BAG:
        case PC_KEEP_REGISTERS:
            break;
    }
    return 0;
}

// The columns of a packed batch: the keys, then the states of each aggregate.
static pc_status state_schema(const pc_aggregation *s, pc_arena *arena, pc_schema *out,
                              pc_error *err)
{
    const int keys = s->groups.key_count;
    const size_t most = (size_t)(keys + MOST_STATE_COLUMNS * s->accumulator_count) + 1;
    pc_field *field = pc_arena_array(arena, most, sizeof *field, err);
    if (field == NULL) return PC_NO_MEMORY;
    int count = 0;
    for (int i = 0; i < keys; i++) {
        field[count] = s->node->schema.field[i];
        if (field[count].type == PC_ID && field[count].width == 0) {
            field[count].width = PC_ID_MAX_BYTES; // as the coder writes it
        }
        count++;
    }
    for (int i = 0; i < s->accumulator_count; i++) {
        const pc_accumulator *a = &s->accumulator[i];
        for (int k = 0; k < state_columns(a->keep); k++) {
            field[count] = (pc_field){.name = a->aggregate->field.name, .type = PC_INT};
            if (a->keep == PC_KEEP_VALUE) {
                field[count] = a->arg;
                if (a->arg.type == PC_ID && a->arg.width == 0) {
                    field[count].width = PC_ID_MAX_BYTES;
                }
            }
            count++;
        }
    }
    *out = (pc_schema){.field_count = count, .field = field};
    return PC_OK;
}

static pc_status new_ints(int count, pc_arena *arena, pc_column *out, int64_t **values,
                          pc_error *err)
{
    *values = pc_arena_array(arena, (size_t)count + 1, sizeof **values, err);
    *out = (pc_column){.type = PC_INT, .width = sizeof **values, .data = *values};
    return *values == NULL ? PC_NO_MEMORY : PC_OK;
}

static pc_status pack_accumulator(const pc_accumulator *a, const uint32_t *group, int count,
                                  pc_arena *arena, pc_column *column, pc_error *err)
{
    if (a->keep == PC_KEEP_VALUE) {
        return pc_accumulator_column(a, group, count, arena, column, err);
    }
    int64_t *part[MOST_STATE_COLUMNS] = {NULL};
    for (int k = 0; k < state_columns(a->keep); k++) {
        PC_TRY(new_ints(count, arena, &column[k], &part[k], err));
    }
    if (part[0] == NULL) return PC_OK;
    for (int i = 0; i < count; i++) {
        part[0][i] = ((const int64_t *)(const void *)a->count.data)[group[i]];
    }
    for (int i = 0; a->keep == PC_KEEP_INTEGER && i < count; i++) {
        part[1][i] = ((const int64_t *)(const void *)a->value.data)[group[i]];
    }
    for (int i = 0; a->keep == PC_KEEP_SUM && i < count; i++) {
        const pc_int128 sum = ((const pc_int128 *)(const void *)a->value.data)[group[i]];
        part[1][i] = (int64_t)(sum >> 64);
        part[2][i] = (int64_t)(uint64_t)sum;
    }
    for (int i = 0; a->keep == PC_KEEP_SQUARES && i < count; i++) {
        const pc_squares *s = &((const pc_squares *)(const void *)a->value.data)[group[i]];
        part[1][i] = (int64_t)(s->sum >> 64);
        part[2][i] = (int64_t)(uint64_t)s->sum;
        for (int k = 0; k < 3; k++) {
            part[3 + k][i] = (int64_t)s->square[k];
        }
    }
    return PC_OK;
}

// Bytes of a group's exact sums, which travel as they are.
static size_t exact_bytes(pc_keep keep)
{
    if (keep == PC_KEEP_EXACT) return sizeof(pc_exact_sum);
    return keep == PC_KEEP_EXACT_SQUARES ? sizeof(pc_exact_squares) : 0;
}

static pc_status pack_groups(const pc_aggregation *s, const pc_schema *schema,
                             const uint32_t *group, int count, pc_arena *arena, pc_buffer *out,
                             pc_error *err)
{
    pc_batch batch = {.column_count = schema->field_count, .row_count = count};
    batch.column =
        pc_arena_array(arena, (size_t)schema->field_count + 1, sizeof *batch.column, err);
    if (batch.column == NULL) return PC_NO_MEMORY;
    int at = 0;
    for (; at < s->groups.key_count; at++) {
        PC_TRY(pc_groups_column(&s->groups, at, group, count, arena, &batch.column[at], err));
    }
    for (int i = 0; i < s->accumulator_count; i++) {
        PC_TRY(pack_accumulator(&s->accumulator[i], group, count, arena, &batch.column[at], err));
        at += state_columns(s->accumulator[i].keep);
    }
    PC_TRY(pc_batch_pack(&batch, schema, out, err));
    for (int i = 0; i < s->accumulator_count; i++) {
        const pc_accumulator *a = &s->accumulator[i];
        const size_t bytes = exact_bytes(a->keep);
        for (int k = 0; bytes > 0 && k < count; k++) {
            PC_TRY(pc_buffer_append(out, a->value.data + group[k] * bytes, bytes, err));
        }
    }
    return PC_OK;
}

// Columns of packed pairs: group, value, and how often.
static pc_schema pair_schema(const pc_accumulator *a, pc_field field[3])
{
    field[2] = (pc_field){.name = "amount", .type = PC_INT};
    field[0] = (pc_field){.name = "group", .type = PC_INT};
    field[1] = a->arg;
    if (a->arg.type == PC_ID && a->arg.width == 0) field[1].width = PC_ID_MAX_BYTES;
    return (pc_schema){.field_count = a->keep == PC_KEEP_DISTINCT ? 2 : 3, .field = field};
}

/** How a state is cut: groups by part, their places among those of their part, pairs by part. */
typedef struct cut {
    pc_schema schema;     ///< of packed groups
    const uint16_t *part; ///< [groups]
    pc_part_lists group;  ///< lists of groups
    uint32_t *place;      ///< [groups] in the list of its part
    pc_part_lists *pair;  ///< [accumulators] lists of pairs
} cut;

static pc_status pack_pairs(const pc_accumulator *a, const pc_part_lists *lists, int p,
                            const uint32_t *place, pc_arena *arena, pc_buffer *out, pc_error *err)
{
    pc_field field[3];
    const pc_schema schema = pair_schema(a, field);
    const uint32_t end = lists->start[p + 1];
    const uint64_t total = end - lists->start[p];
    PC_TRY(pc_buffer_append(out, &total, sizeof total, err));
    for (uint32_t first = lists->start[p]; first < end; first += PC_BATCH_ROWS) {
        const pc_arena_mark mark = pc_arena_now(arena);
        const int count = end - first < PC_BATCH_ROWS ? (int)(end - first) : PC_BATCH_ROWS;
        pc_column column[3];
        int64_t *group = NULL;
        int64_t *amount = NULL;
        uint32_t number[PC_BATCH_ROWS];
        PC_TRY(new_ints(count, arena, &column[0], &group, err));
        PC_TRY(new_ints(count, arena, &column[2], &amount, err));
        for (int i = 0; i < count; i++) {
            const uint32_t pair = lists->row[first + (uint32_t)i];
            const uint64_t word = pc_intern_word(&a->pairs.intern, pair);
            group[i] = place[word >> 32];
            number[i] = (uint32_t)word;
            if (a->keep == PC_KEEP_DISTINCT) continue;
            amount[i] = ((const int64_t *)(const void *)a->amount.data)[pair];
        }
        PC_TRY(pc_coder_column(&a->coder, number, count, arena, &column[1], err));
        const pc_batch batch = {
            .column_count = schema.field_count, .row_count = count, .column = column};
        PC_TRY(pc_batch_pack(&batch, &schema, out, err));
        pc_arena_rewind(arena, mark);
    }
    return PC_OK;
}

static bool has_pairs(const pc_accumulator *a)
{
    return pc_keeps_pairs(a->keep) && a->bag == NULL;
}

// The pairs of each part: those of its groups.
static pc_status list_pairs(const pc_accumulator *a, const uint16_t *part, int part_count,
                            pc_arena *arena, pc_part_lists *out, pc_error *err)
{
    const uint32_t count = a->pairs.intern.count;
    uint16_t *pair_part = pc_arena_array(arena, (size_t)count + 1, sizeof *pair_part, err);
    if (pair_part == NULL) return PC_NO_MEMORY;
    for (uint32_t i = 0; i < count; i++) {
        pair_part[i] = part[pc_intern_word(&a->pairs.intern, i) >> 32];
    }
    return pc_part_lists_make(pair_part, count, part_count, arena, out, err);
}

static pc_status make_cut(pc_aggregation *s, int part_count, pc_arena *arena, cut *out,
                          pc_error *err)
{
    uint16_t *part;
    PC_TRY(state_schema(s, arena, &out->schema, err));
    PC_TRY(pc_groups_parts(&s->groups, part_count, arena, &part, err));
    out->part = part;
    const uint32_t count = s->groups.count;
    PC_TRY(pc_part_lists_make(part, count, part_count, arena, &out->group, err));
    out->place = pc_arena_array(arena, (size_t)count + 1, sizeof *out->place, err);
    out->pair = pc_arena_array(arena, (size_t)s->accumulator_count + 1, sizeof *out->pair, err);
    if (out->place == NULL || out->pair == NULL) return PC_NO_MEMORY;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t group = out->group.row[i];
        out->place[group] = i - out->group.start[part[group]];
    }
    PC_TRY(pc_aggregation_part(s, err));
    for (int i = 0; i < s->accumulator_count; i++) {
        if (!has_pairs(&s->accumulator[i])) continue;
        PC_TRY(list_pairs(&s->accumulator[i], part, part_count, arena, &out->pair[i], err));
    }
    return PC_OK;
}

static pc_status pack_part(pc_aggregation *s, const cut *c, int p, pc_arena *arena, pc_buffer *out,
                           pc_error *err)
{
    const uint32_t *group = c->group.row + c->group.start[p];
    const uint64_t total = c->group.start[p + 1] - c->group.start[p];
    PC_TRY(pc_buffer_append(out, &total, sizeof total, err));
    for (uint64_t first = 0; first < total; first += PC_BATCH_ROWS) {
        const pc_arena_mark mark = pc_arena_now(arena);
        const int count = total - first < PC_BATCH_ROWS ? (int)(total - first) : PC_BATCH_ROWS;
        PC_TRY(pack_groups(s, &c->schema, group + first, count, arena, out, err));
        pc_arena_rewind(arena, mark);
    }
    for (int i = 0; i < s->accumulator_count; i++) {
        if (!has_pairs(&s->accumulator[i])) continue;
        PC_TRY(pack_pairs(&s->accumulator[i], &c->pair[i], p, c->place, arena, out, err));
    }
    return PC_OK;
}

pc_status pc_aggregation_pack(pc_op *op, pc_buffer *out, pc_error *err)
{
    pc_arena arena = {.budget = op->arena->budget};
    cut whole;
    pc_status status = make_cut(op->state, 1, &arena, &whole, err);
    if (status == PC_OK) status = pack_part(op->state, &whole, 0, &arena, out, err);
    pc_arena_reset(&arena);
    if (status == PC_OK) status = pc_aggregation_clear(op, err);
    return status;
}

static pc_status write_parts(pc_aggregation *s, const pc_op_parts *parts, pc_arena *arena,
                             pc_buffer *piece, pc_error *err)
{
    cut c;
    PC_TRY(make_cut(s, parts->count, arena, &c, err));
    for (int p = 0; p < parts->count; p++) {
        if (c.group.start[p + 1] == c.group.start[p]) continue;
        piece->bytes = 0;
        PC_TRY(pack_part(s, &c, p, arena, piece, err));
        PC_TRY(parts->write(parts->context, p, (pc_span){piece->data, piece->bytes}, err));
    }
    return PC_OK;
}

pc_status pc_aggregation_pack_parts(pc_op *op, const pc_op_parts *parts, pc_error *err)
{
    pc_arena arena = {.budget = op->arena->budget};
    pc_buffer piece = {.budget = op->arena->budget};
    pc_status status = write_parts(op->state, parts, &arena, &piece, err);
    pc_buffer_release(&piece);
    pc_arena_reset(&arena);
    if (status == PC_OK) status = pc_aggregation_clear(op, err);
    return status;
}

static pc_status bad_state(pc_error *err)
{
    return PC_FAIL(err, PC_BAD_INPUT, "a packed aggregation is damaged");
}

static pc_status take(pc_span in, size_t *at, void *to, size_t bytes, pc_error *err)
{
    if (bytes > in.bytes - *at) return bad_state(err);
    memcpy(to, in.data + *at, bytes);
    *at += bytes;
    return PC_OK;
}

static pc_status add_count(pc_accumulator *a, uint32_t group, int64_t more, pc_error *err)
{
    int64_t *count = &((int64_t *)(void *)a->count.data)[group];
    if (more < 0 || __builtin_add_overflow(*count, more, count)) return bad_state(err);
    return PC_OK;
}

static pc_status merge_sum(pc_accumulator *a, uint32_t group, int64_t high, int64_t low,
                           pc_error *err)
{
    pc_int128 *sum = &((pc_int128 *)(void *)a->value.data)[group];
    const pc_int128 more = (pc_int128)high * ((pc_int128)1 << 64) + (pc_int128)(uint64_t)low;
    return __builtin_add_overflow(*sum, more, sum) ? bad_state(err) : PC_OK;
}

static pc_status merge_squares(pc_accumulator *a, uint32_t group, const int64_t *part,
                               pc_error *err)
{
    pc_squares *mine = &((pc_squares *)(void *)a->value.data)[group];
    const pc_squares other = {.sum = (pc_int128)part[1] * ((pc_int128)1 << 64) +
                                     (pc_int128)(uint64_t)part[2],
                              .square = {(uint64_t)part[3], (uint64_t)part[4], (uint64_t)part[5]}};
    return pc_squares_merge(mine, &other) ? PC_OK : bad_state(err);
}

static void merge_integer(pc_accumulator *a, uint32_t group, int64_t value)
{
    int64_t *best = &((int64_t *)(void *)a->value.data)[group];
    const bool none = ((const int64_t *)(const void *)a->count.data)[group] == 0;
    const bool better = a->aggregate->function == PC_MIN ? value < *best : value > *best;
    if (none || better) *best = value;
}

// `column` are the state columns of one aggregate; row i is of group[i].
static pc_status merge_columns(pc_accumulator *a, const pc_column *column, const uint32_t *group,
                               int row_count, pc_error *err)
{
    if (a->keep == PC_KEEP_VALUE) {
        uint32_t number[PC_BATCH_ROWS];
        pc_coder_forget(&a->coder);
        PC_TRY(pc_coder_number(&a->coder, column, row_count, number, err));
        pc_coder_forget(&a->coder);
        for (int i = 0; i < row_count; i++) {
            pc_accumulator_offer(a, group[i], number[i]);
        }
        return PC_OK;
    }
    const int parts = state_columns(a->keep);
    for (int i = 0; i < row_count; i++) {
        int64_t part[MOST_STATE_COLUMNS] = {0};
        for (int k = 0; k < parts; k++) {
            if (pc_column_is_null(&column[k], i)) return bad_state(err);
            part[k] = pc_column_int(&column[k], i);
        }
        if (a->keep == PC_KEEP_SUM) PC_TRY(merge_sum(a, group[i], part[1], part[2], err));
        if (a->keep == PC_KEEP_SQUARES) PC_TRY(merge_squares(a, group[i], part, err));
        if (a->keep == PC_KEEP_INTEGER && part[0] > 0) merge_integer(a, group[i], part[1]);
        if (parts > 0) PC_TRY(add_count(a, group[i], part[0], err));
    }
    return PC_OK;
}

static bool is_sound(const pc_exact_sum *sum)
{
    const int64_t most = (int64_t)1 << MOST_LIMB_BITS;
    for (size_t i = 0; i < sizeof sum->limb / sizeof sum->limb[0]; i++) {
        if (sum->limb[i] > most || sum->limb[i] < -most) return false;
    }
    return sum->pending >= 0 && sum->pending <= MOST_PENDING && sum->nan_count >= 0 &&
           sum->nan_count < most && sum->positive_infinity_count >= 0 &&
           sum->positive_infinity_count < most && sum->negative_infinity_count >= 0 &&
           sum->negative_infinity_count < most;
}

static pc_status merge_exact(pc_accumulator *a, pc_span in, size_t *at, const uint32_t *group,
                             int row_count, pc_error *err)
{
    // A group has one such sum, or that of its squares behind it.
    pc_exact_sum *mine = (pc_exact_sum *)(void *)a->value.data;
    const size_t sums = exact_bytes(a->keep) / sizeof *mine;
    for (int i = 0; i < row_count; i++) {
        for (size_t k = 0; k < sums; k++) {
            pc_exact_sum other;
            PC_TRY(take(in, at, &other, sizeof other, err));
            if (!is_sound(&other)) return bad_state(err);
            pc_exact_sum_merge(&mine[group[i] * sums + k], &other);
        }
    }
    return PC_OK;
}

// `map` gets the group here of each group there.
static pc_status merge_batch(pc_aggregation *s, const pc_schema *schema, pc_span in, size_t *at,
                             pc_arena *arena, uint64_t left, uint32_t *map, int *row_count,
                             pc_error *err)
{
    pc_batch batch;
    PC_TRY(pc_aggregation_part(s, err));
    PC_TRY(pc_batch_unpack(in, at, schema, arena, &batch, err));
    const bool whole = batch.row_count == PC_BATCH_ROWS || (uint64_t)batch.row_count == left;
    if (!whole || batch.row_count == 0 || (uint64_t)batch.row_count > left) return bad_state(err);
    pc_groups_forget(&s->groups);
    PC_TRY(pc_groups_number(&s->groups, batch.column, batch.row_count, map, err));
    pc_groups_forget(&s->groups);
    int column = s->groups.key_count;
    for (int i = 0; i < s->accumulator_count; i++) {
        pc_accumulator *a = &s->accumulator[i];
        PC_TRY(pc_accumulator_grow(a, s->groups.count, err));
        PC_TRY(merge_columns(a, &batch.column[column], map, batch.row_count, err));
        column += state_columns(a->keep);
    }
    for (int i = 0; i < s->accumulator_count; i++) {
        if (exact_bytes(s->accumulator[i].keep) == 0) continue;
        PC_TRY(merge_exact(&s->accumulator[i], in, at, map, batch.row_count, err));
    }
    *row_count = batch.row_count;
    return PC_OK;
}

// How often, or the rank of a register: what no rank could have sent is damage.
static bool is_sound_amount(const pc_accumulator *a, const pc_batch *batch, int row, int64_t amount)
{
    if (a->keep == PC_KEEP_BAG) return amount > 0;
    const int64_t at = pc_column_int(&batch->column[1], row);
    return at >= 0 && at < PC_REGISTERS && amount > 0 && amount <= PC_REGISTER_MOST;
}

static pc_status merge_pair_batch(pc_accumulator *a, const pc_batch *batch, const uint32_t *map,
                                  uint64_t group_count, pc_error *err)
{
    uint32_t group[PC_BATCH_ROWS];
    uint32_t number[PC_BATCH_ROWS];
    int64_t amount[PC_BATCH_ROWS];
    pc_coder_forget(&a->coder);
    PC_TRY(pc_coder_number(&a->coder, &batch->column[1], batch->row_count, number, err));
    pc_coder_forget(&a->coder);
    for (int i = 0; i < batch->row_count; i++) {
        const uint64_t there = (uint64_t)pc_column_int(&batch->column[0], i);
        const bool bad =
            pc_column_is_null(&batch->column[0], i) || there >= group_count || number[i] == 0;
        if (bad) return bad_state(err);
        group[i] = map[there];
        amount[i] = 1;
        if (a->keep == PC_KEEP_DISTINCT) continue;
        amount[i] = pc_column_int(&batch->column[2], i);
        if (pc_column_is_null(&batch->column[2], i)) return bad_state(err);
        if (!is_sound_amount(a, batch, i, amount[i])) return bad_state(err);
    }
    return pc_bag_merge(a, group, number, amount, batch->row_count, err);
}

static pc_status merge_pairs(pc_accumulator *a, pc_span in, size_t *at, const uint32_t *map,
                             uint64_t group_count, pc_arena *arena, pc_error *err)
{
    pc_field field[3];
    const pc_schema schema = pair_schema(a, field);
    uint64_t left = 0;
    PC_TRY(take(in, at, &left, sizeof left, err));
    while (left > 0) {
        const pc_arena_mark mark = pc_arena_now(arena);
        pc_batch batch;
        PC_TRY(pc_batch_unpack(in, at, &schema, arena, &batch, err));
        if (batch.row_count == 0 || (uint64_t)batch.row_count > left) return bad_state(err);
        PC_TRY(merge_pair_batch(a, &batch, map, group_count, err));
        left -= (uint64_t)batch.row_count;
        pc_arena_rewind(arena, mark);
    }
    return PC_OK;
}

static pc_status merge_all(pc_aggregation *s, pc_span in, pc_arena *arena, pc_error *err)
{
    pc_schema schema;
    PC_TRY(state_schema(s, arena, &schema, err));
    size_t at = 0;
    uint64_t total = 0;
    PC_TRY(take(in, &at, &total, sizeof total, err));
    // A group takes at least a byte of a batch, unless there are no keys: then there is one.
    if (total > in.bytes || (s->groups.key_count == 0 && total > 1)) return bad_state(err);
    uint32_t *map = pc_arena_array(arena, (size_t)total + PC_BATCH_ROWS, sizeof *map, err);
    if (map == NULL) return PC_NO_MEMORY;
    for (uint64_t done = 0; done < total;) {
        const pc_arena_mark mark = pc_arena_now(arena);
        int row_count = 0;
        PC_TRY(merge_batch(s, &schema, in, &at, arena, total - done, map + done, &row_count, err));
        done += (uint64_t)row_count;
        pc_arena_rewind(arena, mark);
    }
    for (int i = 0; i < s->accumulator_count; i++) {
        if (!has_pairs(&s->accumulator[i])) continue;
        PC_TRY(merge_pairs(&s->accumulator[i], in, &at, map, total, arena, err));
    }
    return at == in.bytes ? PC_OK : bad_state(err);
}

pc_status pc_aggregation_merge(pc_op *op, pc_span state, pc_error *err)
{
    pc_arena arena = {.budget = op->arena->budget};
    const pc_status status = merge_all(op->state, state, &arena, err);
    pc_arena_reset(&arena);
    return status;
}
