/** join: rows of the input with those of `build` whose keys are equal and for which `on` is true.
 *  Keeps the rows of `build` and a hash table over their keys; a null key equals nothing. In: any
 *  columns. Out: INNER and LEFT: pairs, the input's columns first, null where LEFT found none; SEMI
 *  and ANTI: the input's rows that found one, or none; MARK: all of them and whether they did,
 * which can be null (IN and ANY of PostgreSQL, 9.23). Rows stay in the input's order and keep its
 * slots. Memory: the rows of `build` and 12 to 20 bytes a row. */
#include <assert.h>
#include <string.h>
#include "keys.h"
#include "parcours/op.h"
#include "parcours/table.h"

typedef struct join {
    const pc_plan *node;
    pc_expr_state *exprs; // owned
    pc_table *rows;       // of build; owned
    pc_keys build_keys, input_keys;
    pc_buffer hash; // uint64 [build rows]
    pc_buffer next; // uint32 [build rows] next row of the same cell + 1, 0: none
    pc_buffer head; // uint32 [mask + 1] first row + 1
    uint64_t mask;
    bool is_indexed;
    bool has_null;      // a build row whose only key is null
    bool *on_reads;     // [input columns + build columns]
    pc_column *build;   // [build columns] views
    const pc_batch *in; // being joined; borrowed
    uint64_t in_hash[PC_BATCH_ROWS];
    bool in_null[PC_BATCH_ROWS];
    int at;             // input row
    int64_t candidate;  // build row to look at next + 1; 0: the end
    bool has_candidate; // `candidate` is of row `at`
    bool matched, unknown;
    int input[PC_BATCH_ROWS];
    int64_t found[PC_BATCH_ROWS]; // -1: none
    bool is_last[PC_BATCH_ROWS];
    uint8_t passes[PC_BATCH_ROWS];  // 0 no, 1 yes, 2 unknown
    uint8_t verdict[PC_BATCH_ROWS]; // MARK
} join;

static int build_columns(const join *s)
{
    return s->node->of.join.build->schema.field_count;
}

static pc_status open_keys(join *s, pc_op *op, pc_error *err)
{
    const int count = s->node->of.join.key_count;
    PC_TRY(pc_keys_open(&s->build_keys, s->node->of.join.build_key, count, op->arena, err));
    return pc_keys_open(&s->input_keys, s->node->of.join.key, count, op->arena, err);
}

static pc_status join_open(pc_op *op, const pc_plan *node, pc_error *err)
{
    join *s = pc_arena_take(op->arena, sizeof *s, err);
    if (s == NULL) return PC_NO_MEMORY;
    pc_budget *budget = op->arena->budget;
    op->state = s;
    op->out = node->schema;
    s->node = node;
    s->hash.budget = s->next.budget = s->head.budget = budget;
    const pc_schema *build = &node->of.join.build->schema;
    const size_t columns = (size_t)(op->in->field_count + build->field_count) + 1;
    s->on_reads = pc_arena_array(op->arena, columns, sizeof *s->on_reads, err);
    s->build = pc_arena_array(op->arena, columns, sizeof *s->build, err);
    if (s->on_reads == NULL || s->build == NULL) return PC_NO_MEMORY;
    if (node->of.join.on != NULL) pc_expr_columns(node->of.join.on, s->on_reads);
    PC_TRY(pc_expr_state_new(op->arena, budget, &s->exprs, err));
    PC_TRY(open_keys(s, op, err));
    // The dictionaries of one block outlive its join; others may be gone before the first push.
    const pc_table_texts texts = node->of.join.within_slot ? PC_TABLE_BORROWS : PC_TABLE_COPIES;
    return pc_table_new(build, texts, budget, &s->rows, err);
}

static void join_close(pc_op *op)
{
    join *s = op->state;
    if (s == NULL) return;
    pc_expr_state_free(s->exprs);
    pc_table_free(s->rows);
    pc_keys_close(&s->build_keys);
    pc_keys_close(&s->input_keys);
    pc_buffer_release(&s->hash);
    pc_buffer_release(&s->next);
    pc_buffer_release(&s->head);
    s->exprs = NULL;
    s->rows = NULL;
}

static pc_status join_build(pc_op *op, const pc_batch *batch, pc_error *err)
{
    join *s = op->state;
    assert(!s->is_indexed);
    return pc_table_add(s->rows, batch, err);
}

static pc_status join_clear(pc_op *op, pc_error *err)
{
    (void)err;
    join *s = op->state;
    pc_table_clear(s->rows);
    pc_keys_forget(&s->build_keys);
    pc_keys_forget(&s->input_keys);
    s->is_indexed = false;
    s->has_null = false;
    return PC_OK;
}

static pc_status size_index(join *s, int64_t row_count, pc_error *err)
{
    uint64_t cells = 64;
    while (cells < (uint64_t)row_count * 2) {
        cells *= 2;
    }
    PC_TRY(pc_buffer_reserve(&s->head, cells * sizeof(uint32_t), err));
    PC_TRY(pc_buffer_reserve(&s->next, (size_t)row_count * sizeof(uint32_t) + 1, err));
    PC_TRY(pc_buffer_reserve(&s->hash, (size_t)row_count * sizeof(uint64_t) + 1, err));
    memset(s->head.data, 0, cells * sizeof(uint32_t));
    s->mask = cells - 1;
    return PC_OK;
}

// Rows are linked from the last to the first, so that a chain is in the order of rows.
static void link_rows(join *s, int64_t row_count, const bool *is_null, uint64_t first)
{
    uint32_t *head = (uint32_t *)(void *)s->head.data;
    uint32_t *next = (uint32_t *)(void *)s->next.data;
    const uint64_t *hash = (const uint64_t *)(const void *)s->hash.data;
    for (int64_t i = row_count - 1; i >= 0; i--) {
        const uint64_t row = first + (uint64_t)i;
        next[row] = 0;
        if (is_null[i]) {
            s->has_null = true;
            continue;
        }
        uint32_t *cell = &head[hash[row] & s->mask];
        next[row] = *cell;
        *cell = (uint32_t)row + 1;
    }
}

static pc_status make_index(join *s, pc_arena *scratch, pc_error *err)
{
    const int64_t row_count = pc_table_rows(s->rows);
    if (row_count >= UINT32_MAX) {
        return PC_FAIL(err, PC_UNSUPPORTED, "a join keeps at most %u rows", UINT32_MAX - 1);
    }
    PC_TRY(size_index(s, row_count, err));
    for (int i = 0; i < build_columns(s); i++) {
        pc_table_view(s->rows, i, &s->build[i]);
    }
    const int64_t last = row_count / PC_BATCH_ROWS * PC_BATCH_ROWS;
    for (int64_t first = last; first >= 0; first -= PC_BATCH_ROWS) {
        const pc_arena_mark mark = pc_arena_now(scratch);
        bool is_null[PC_BATCH_ROWS];
        pc_batch batch;
        PC_TRY(pc_table_slice(s->rows, first, scratch, &batch, err));
        uint64_t *hash = (uint64_t *)(void *)s->hash.data + first;
        PC_TRY(pc_keys_hash(&s->build_keys, &batch, hash, is_null, err));
        link_rows(s, batch.row_count, is_null, (uint64_t)first);
        pc_arena_rewind(scratch, mark);
    }
    s->is_indexed = true;
    return PC_OK;
}

static pc_status join_push(pc_op *op, pc_batch *batch, pc_arena *scratch, pc_error *err)
{
    join *s = op->state;
    if (!s->is_indexed) PC_TRY(make_index(s, scratch, err));
    PC_TRY(pc_keys_hash(&s->input_keys, batch, s->in_hash, s->in_null, err));
    s->in = batch;
    s->at = 0;
    s->has_candidate = false;
    s->matched = s->unknown = false;
    return PC_OK;
}

// The next build row of the chain from `candidate` (row + 1) on whose keys are those of input row
// `at`; 0: none.
static int64_t next_equal(join *s, int64_t candidate)
{
    const uint32_t *next = (const uint32_t *)(const void *)s->next.data;
    const uint64_t *hash = (const uint64_t *)(const void *)s->hash.data;
    while (candidate != 0) {
        const int64_t row = candidate - 1;
        if (hash[row] == s->in_hash[s->at] &&
            pc_keys_equal(&s->input_keys, s->in->column, s->at, &s->build_keys, s->build, row)) {
            return candidate;
        }
        candidate = next[row];
    }
    return 0;
}

static int64_t first_candidate(join *s)
{
    if (s->node->of.join.key_count == 0) return pc_table_rows(s->rows) > 0 ? 1 : 0;
    if (s->in_null[s->at]) return 0;
    const uint32_t *head = (const uint32_t *)(const void *)s->head.data;
    return next_equal(s, head[s->in_hash[s->at] & s->mask]);
}

static int64_t later_candidate(join *s, int64_t candidate)
{
    if (s->node->of.join.key_count == 0) {
        return candidate < pc_table_rows(s->rows) ? candidate + 1 : 0;
    }
    const uint32_t *next = (const uint32_t *)(const void *)s->next.data;
    return next_equal(s, next[candidate - 1]);
}

// Fills pairs from where the input stands. A row without candidates is a pair with none.
static int collect_pairs(join *s)
{
    const pc_join kind = s->node->of.join.join;
    const bool one_is_enough =
        s->node->of.join.on == NULL && kind != PC_JOIN_INNER && kind != PC_JOIN_LEFT;
    int count = 0;
    while (s->at < s->in->row_count && count < PC_BATCH_ROWS) {
        if (!s->has_candidate) {
            s->candidate = first_candidate(s);
            s->has_candidate = true;
            if (s->candidate == 0) {
                s->input[count] = s->at;
                s->found[count] = -1;
                s->is_last[count++] = true;
            }
        }
        while (s->candidate != 0 && count < PC_BATCH_ROWS) {
            s->input[count] = s->at;
            s->found[count] = s->candidate - 1;
            s->candidate = one_is_enough ? 0 : later_candidate(s, s->candidate);
            s->is_last[count++] = s->candidate == 0;
        }
        if (s->candidate != 0) break;
        s->has_candidate = false;
        s->at++;
    }
    return count;
}

// Columns of pairs, those of the input and then those of build; of `wanted`, or all when NULL.
static pc_status pair_columns(join *s, const int *input, const int64_t *found, int count,
                              const bool *wanted, pc_arena *scratch, pc_column *out, pc_error *err)
{
    const int inputs = s->in->column_count;
    for (int i = 0; i < inputs; i++) {
        if (wanted != NULL && !wanted[i]) continue;
        PC_TRY(pc_column_pick(&s->in->column[i], input, count, scratch, &out[i], err));
    }
    for (int i = 0; i < build_columns(s); i++) {
        if (wanted != NULL && !wanted[inputs + i]) continue;
        PC_TRY(pc_table_take(s->rows, i, found, count, scratch, &out[inputs + i], err));
    }
    return PC_OK;
}

static pc_status test_pairs(join *s, int count, pc_arena *scratch, pc_error *err)
{
    const pc_expr *on = s->node->of.join.on;
    for (int i = 0; i < count; i++) {
        s->passes[i] = s->found[i] >= 0 ? 1 : 0;
    }
    if (on == NULL || count == 0) return PC_OK;
    const pc_arena_mark mark = pc_arena_now(scratch);
    const int columns = s->in->column_count + build_columns(s);
    pc_column *column = pc_arena_array(scratch, (size_t)columns + 1, sizeof *column, err);
    if (column == NULL) return PC_NO_MEMORY;
    PC_TRY(pair_columns(s, s->input, s->found, count, s->on_reads, scratch, column, err));
    const pc_batch batch = {.column_count = columns, .row_count = count, .column = column};
    pc_column value;
    PC_TRY(pc_expr_eval(on, &batch, s->exprs, scratch, &value, err));
    for (int i = 0; i < count; i++) {
        if (s->found[i] < 0) continue;
        s->passes[i] = pc_column_is_null(&value, i) ? 2 : pc_column_int(&value, i) != 0 ? 1 : 0;
    }
    pc_arena_rewind(scratch, mark);
    return PC_OK;
}

// IN of one key that found no equal: unknown where a null was compared.
static bool is_unknown(const join *s, int input)
{
    if (!s->node->of.join.null_aware) return false;
    if (s->node->of.join.on != NULL || s->node->of.join.key_count != 1) return s->unknown;
    return s->has_null || (s->in_null[input] && pc_table_rows(s->rows) > 0);
}

// What the join makes of tested pairs, in place: input rows and what they found.
static int join_pairs(join *s, int count)
{
    const pc_join kind = s->node->of.join.join;
    int kept = 0;
    for (int i = 0; i < count; i++) {
        bool emit = s->passes[i] == 1 && (kind == PC_JOIN_INNER || kind == PC_JOIN_LEFT);
        int64_t found = s->found[i];
        s->matched = s->matched || s->passes[i] == 1;
        s->unknown = s->unknown || s->passes[i] == 2;
        if (s->is_last[i]) {
            if (kind == PC_JOIN_SEMI || kind == PC_JOIN_ANTI) {
                emit = s->matched == (kind == PC_JOIN_SEMI);
            } else if (kind == PC_JOIN_MARK) {
                emit = true;
                s->verdict[kept] = s->matched ? 1 : is_unknown(s, s->input[i]) ? 2 : 0;
            } else if (kind == PC_JOIN_LEFT && !s->matched) {
                emit = true;
                found = -1;
            }
            s->matched = s->unknown = false;
        }
        s->input[kept] = s->input[i];
        s->found[kept] = found;
        kept += emit ? 1 : 0;
    }
    return kept;
}

static pc_status mark_column(const join *s, int count, pc_arena *scratch, pc_column *out,
                             pc_error *err)
{
    uint8_t *value = pc_arena_array(scratch, (size_t)count + 1, 1, err);
    uint64_t *valid = pc_arena_array(scratch, (size_t)count / 64 + 1, sizeof *valid, err);
    if (value == NULL || valid == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < count; i++) {
        value[i] = s->verdict[i] == 1;
        if (s->verdict[i] != 2) valid[i >> 6] |= UINT64_C(1) << (i & 63);
    }
    *out = (pc_column){.type = PC_BOOL, .width = 1, .data = value, .valid = valid};
    return PC_OK;
}

static pc_status write_rows(join *s, int count, pc_arena *scratch, pc_batch *out, pc_error *err)
{
    const pc_join kind = s->node->of.join.join;
    const int inputs = s->in->column_count;
    const int more = kind == PC_JOIN_INNER || kind == PC_JOIN_LEFT ? build_columns(s) : 0;
    *out = (pc_batch){.column_count = inputs + more + (kind == PC_JOIN_MARK), .row_count = count};
    out->column = pc_arena_array(scratch, (size_t)out->column_count + 1, sizeof *out->column, err);
    if (out->column == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < inputs; i++) {
        PC_TRY(pc_column_pick(&s->in->column[i], s->input, count, scratch, &out->column[i], err));
    }
    for (int i = 0; i < more; i++) {
        PC_TRY(pc_table_take(s->rows, i, s->found, count, scratch, &out->column[inputs + i], err));
    }
    if (kind == PC_JOIN_MARK) {
        PC_TRY(mark_column(s, count, scratch, &out->column[inputs], err));
    }
    if (s->in->slot == NULL) return PC_OK;
    out->slot = pc_arena_array(scratch, (size_t)count + 1, sizeof *out->slot, err);
    if (out->slot == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < count; i++) {
        out->slot[i] = s->in->slot[s->input[i]];
    }
    return PC_OK;
}

static pc_status join_more(pc_op *op, pc_batch *out, pc_arena *scratch, pc_error *err)
{
    join *s = op->state;
    int kept = 0;
    while (kept == 0 && s->at < s->in->row_count) {
        const int count = collect_pairs(s);
        PC_TRY(test_pairs(s, count, scratch, err));
        kept = join_pairs(s, count);
    }
    return write_rows(s, kept, scratch, out, err);
}

const pc_op_type pc_op_join = {.name = "join",
                               .kind = PC_PLAN_JOIN,
                               .open = join_open,
                               .build = join_build,
                               .push = join_push,
                               .more = join_more,
                               .clear = join_clear,
                               .close = join_close};
