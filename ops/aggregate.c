/** aggregate: one row a group, its keys and then its aggregates. Keeps for each group exact states:
 *  counts, sums of 128 bits or without rounding, extremes, sets of values. In: any columns, rows of
 *  a slot together. Out: the plan node's columns, groups in no particular order. Nulls: null keys
 *  are equal; aggregates leave null arguments out, and of no argument count gives 0, the others
 *  null. Without keys there is one row, even of no input (PostgreSQL, 7.2.3 and 9.21). */
#include <assert.h>
#include <string.h>
#include "aggregate.h"

static pc_status open_state(pc_op *op, pc_aggregation *s, pc_error *err)
{
    const pc_plan *node = s->node;
    const int keys = node->of.aggregate.key_count;
    PC_TRY(pc_groups_open(&s->groups, node->schema.field, keys, op->arena, err));
    const pc_expr *const *key = node->of.aggregate.key;
    const int one = pc_memo_column(key, keys);
    pc_memo_open(&s->groups_of, one, op->arena->budget);
    for (int i = 0; i < keys; i++) {
        const bool is_computed = one < 0 && key[i]->kind == PC_EXPR_CALL;
        pc_memo_open(&s->memo[i], is_computed ? pc_memo_column(&key[i], 1) : -1, op->arena->budget);
    }
    for (int i = 0; i < node->of.aggregate.aggregate_count; i++) {
        s->accumulator_count = i + 1; // what close must give back
        PC_TRY(pc_accumulator_open(&s->accumulator[i], &node->of.aggregate.aggregate[i],
                                   op->arena->budget, err));
    }
    pc_aggregation_share(s);
    return PC_OK;
}

static void close_state(pc_aggregation *s)
{
    for (int i = 0; i < s->groups.key_count; i++)
        pc_memo_close(&s->memo[i]);
    pc_memo_close(&s->groups_of);
    pc_groups_close(&s->groups);
    for (int i = 0; i < s->accumulator_count; i++) {
        pc_accumulator_close(&s->accumulator[i]);
    }
    s->accumulator_count = 0;
}

static pc_status aggregate_open(pc_op *op, const pc_plan *node, pc_error *err)
{
    pc_aggregation *s = pc_arena_take(op->arena, sizeof *s, err);
    if (s == NULL) return PC_NO_MEMORY;
    op->state = s;
    s->node = node;
    const int keys = node->of.aggregate.key_count;
    const int aggregates = node->of.aggregate.aggregate_count;
    assert(node->schema.field_count == keys + aggregates);
    op->out = node->schema;
    s->key = pc_arena_array(op->arena, (size_t)keys + 1, sizeof *s->key, err);
    s->accumulator = pc_arena_array(op->arena, (size_t)aggregates + 1, sizeof *s->accumulator, err);
    s->memo = pc_arena_array(op->arena, (size_t)keys + 1, sizeof *s->memo, err);
    if (s->key == NULL || s->accumulator == NULL || s->memo == NULL) return PC_NO_MEMORY;
    PC_TRY(pc_expr_state_new(op->arena, op->arena->budget, &s->exprs, err));
    return open_state(op, s, err);
}

static void aggregate_close(pc_op *op)
{
    pc_aggregation *s = op->state;
    if (s == NULL) return;
    close_state(s);
    pc_expr_state_free(s->exprs);
    s->exprs = NULL;
}

pc_status pc_aggregation_clear(pc_op *op, pc_error *err)
{
    pc_aggregation *s = op->state;
    close_state(s);
    s->next = 0;
    return open_state(op, s, err);
}

// The rows that pass an aggregate's own filter. Its argument is not computed for the others, which
// may divide by zero.
static pc_status apply_filter(pc_aggregation *s, const pc_aggregate *aggregate,
                              const pc_batch *batch, pc_arena *scratch, pc_batch *out,
                              pc_error *err)
{
    int count = 0;
    PC_TRY(pc_expr_filter(aggregate->filter, batch, s->exprs, scratch, s->some_row, &count, err));
    *out = *batch;
    if (count == batch->row_count) {
        memcpy(s->some_group, s->group, (size_t)count * sizeof s->group[0]);
        return PC_OK;
    }
    if (aggregate->arg == NULL) out->column_count = 0;
    // A copy of the columns' heads: keeping rows replaces them.
    pc_column *column = pc_arena_array(scratch, (size_t)out->column_count + 1, sizeof *column, err);
    if (column == NULL) return PC_NO_MEMORY;
    if (out->column_count > 0) {
        memcpy(column, batch->column, (size_t)out->column_count * sizeof *column);
    }
    out->column = column;
    PC_TRY(pc_batch_keep(out, s->some_row, count, scratch, err));
    for (int i = 0; i < count; i++) {
        s->some_group[i] = s->group[s->some_row[i]];
    }
    return PC_OK;
}

static pc_status add_batch(pc_aggregation *s, pc_accumulator *a, const pc_batch *batch,
                           pc_arena *scratch, pc_error *err)
{
    const pc_aggregate *aggregate = a->aggregate;
    pc_batch some = *batch;
    const uint32_t *group = s->group;
    if (aggregate->filter != NULL) {
        PC_TRY(apply_filter(s, aggregate, batch, scratch, &some, err));
        group = s->some_group;
    }
    pc_column value;
    if (aggregate->arg != NULL && some.row_count > 0) {
        PC_TRY(pc_expr_eval(aggregate->arg, &some, s->exprs, scratch, &value, err));
    }
    const pc_arguments rows = {.value = aggregate->arg == NULL ? NULL : &value,
                               .slot = some.slot,
                               .group = group,
                               .row_count = some.row_count};
    return pc_accumulator_add(a, &rows, s->groups.key_count == 0, err);
}

// The same where the keys are told by the slot: of the rows of a slot the first one is numbered.
static pc_status number_slots(pc_aggregation *s, const pc_batch *batch, pc_arena *scratch,
                              pc_error *err)
{
    int *first = s->run_first;
    uint32_t group[PC_BATCH_ROWS];
    int runs = 0;
    for (int row = 0; row < batch->row_count; row++) {
        first[runs] = row;
        runs += row == 0 || batch->slot[row] != batch->slot[row - 1];
    }
    for (int i = 0; i < s->groups.key_count; i++) {
        const pc_column *key = &batch->column[s->node->of.aggregate.key[i]->column];
        PC_TRY(pc_column_pick(key, first, runs, scratch, &s->key[i], err));
    }
    PC_TRY(pc_groups_number(&s->groups, s->key, runs, group, err));
    first[runs] = batch->row_count;
    s->run_count = runs;
    for (int run = 0; run < runs; run++) {
        for (int row = first[run]; row < first[run + 1]; row++)
            s->group[row] = group[run];
    }
    return PC_OK;
}

// The groups of a batch's rows.
static pc_status number_rows(pc_aggregation *s, const pc_batch *batch, pc_arena *scratch,
                             pc_error *err)
{
    uint32_t number[PC_BATCH_ROWS];
    uint32_t group_count = batch->row_count > 0 ? 1 : 0;
    s->run_count = 0;
    if (s->node->of.aggregate.of_slot && batch->slot != NULL) {
        return number_slots(s, batch, scratch, err);
    }
    if (pc_memo_find(&s->groups_of, batch, s->group)) return PC_OK;
    memset(s->group, 0, (size_t)batch->row_count * sizeof *s->group);
    for (int i = 0; i < s->groups.key_count; i++) {
        const pc_expr *key = s->node->of.aggregate.key[i];
        if (!pc_memo_find(&s->memo[i], batch, number)) {
            PC_TRY(pc_expr_eval(key, batch, s->exprs, scratch, &s->key[i], err));
            PC_TRY(pc_coder_number(&s->groups.coder[i], &s->key[i], batch->row_count, number, err));
            PC_TRY(pc_memo_learn(&s->memo[i], batch, number, err));
        }
        PC_TRY(
            pc_groups_join(&s->groups, i, number, batch->row_count, s->group, &group_count, err));
    }
    pc_groups_end(&s->groups, group_count);
    return pc_memo_learn(&s->groups_of, batch, s->group, err);
}

static pc_status aggregate_push(pc_op *op, pc_batch *batch, pc_arena *scratch, pc_error *err)
{
    pc_aggregation *s = op->state;
    PC_TRY(number_rows(s, batch, scratch, err));
    for (int i = 0; i < s->accumulator_count; i++) {
        PC_TRY(pc_accumulator_grow(&s->accumulator[i], s->groups.count, err));
    }
    PC_TRY(pc_aggregation_same(s, batch, scratch, err));
    bool *done = pc_arena_array(scratch, (size_t)s->accumulator_count + 1, sizeof *done, err);
    if (done == NULL) return PC_NO_MEMORY;
    PC_TRY(pc_aggregation_together(s, batch, scratch, done, err));
    for (int i = 0; i < s->accumulator_count; i++) {
        const pc_accumulator *a = &s->accumulator[i];
        if (a->same != NULL || a->bag != NULL || done[i]) continue;
        PC_TRY(add_batch(s, &s->accumulator[i], batch, scratch, err));
    }
    batch->row_count = 0;
    return PC_OK;
}

// The empty grouping set has a group even of no rows.
static pc_status add_empty_set(pc_aggregation *s, pc_arena *scratch, pc_error *err)
{
    const int keys = s->groups.key_count;
    const pc_schema *schema = &s->node->schema;
    static const uint64_t nothing[1] = {0};
    static const uint64_t zero[PC_ID_MAX_BYTES / 8] = {0};
    static const uint64_t none[1] = {0};
    static const pc_dict empty = {.sorted = true, .offset = none, .bytes = ""};
    for (int i = 0; i < keys; i++) {
        const pc_field *f = &schema->field[i];
        const bool is_dict = f->type == PC_CODE || f->type == PC_TEXT;
        s->key[i] = (pc_column){.type = f->type,
                                .scale = f->type == PC_DECIMAL ? f->scale : 0,
                                .width = f->type == PC_ID                ? f->width
                                         : is_dict || f->type == PC_BOOL ? 1
                                                                         : 8,
                                .data = zero,
                                .valid = nothing,
                                .dict = is_dict ? &empty : NULL};
    }
    int64_t *set = pc_arena_take(scratch, sizeof *set, err);
    if (set == NULL) return PC_NO_MEMORY;
    *set = s->node->of.aggregate.empty_set;
    s->key[keys - 1].data = set;
    s->key[keys - 1].valid = NULL;
    PC_TRY(pc_groups_number(&s->groups, s->key, 1, s->group, err));
    for (int i = 0; i < s->accumulator_count; i++) {
        PC_TRY(pc_accumulator_grow(&s->accumulator[i], s->groups.count, err));
    }
    return PC_OK;
}

static pc_status aggregate_finish(pc_op *op, pc_batch *out, pc_arena *scratch, pc_error *err)
{
    pc_aggregation *s = op->state;
    if (s->groups.key_count == 0 && s->groups.count == 0) s->groups.count = 1; // of no rows
    if (s->groups.count == 0 && s->node->of.aggregate.has_empty_set) {
        PC_TRY(add_empty_set(s, scratch, err));
    }
    if (s->next == 0) PC_TRY(pc_aggregation_part(s, err));
    const uint32_t left = s->groups.count - s->next;
    const int count = left < PC_BATCH_ROWS ? (int)left : PC_BATCH_ROWS;
    *out = (pc_batch){.column_count = op->out.field_count, .row_count = count};
    out->column = pc_arena_array(scratch, (size_t)out->column_count + 1, sizeof *out->column, err);
    if (out->column == NULL) return PC_NO_MEMORY;
    const int keys = s->groups.key_count;
    pc_groups_run(s->next, count, s->group);
    for (int i = 0; i < keys; i++) {
        PC_TRY(pc_groups_column(&s->groups, i, s->group, count, scratch, &out->column[i], err));
    }
    for (int i = 0; i < s->accumulator_count && s->next == 0; i++)
        PC_TRY(pc_accumulator_settle(&s->accumulator[i], s->groups.count, err));
    for (int i = 0; i < s->accumulator_count; i++) {
        pc_bag_forget(&s->accumulator[i]);
        PC_TRY(pc_accumulator_column(&s->accumulator[i], s->group, count, scratch,
                                     &out->column[keys + i], err));
    }
    s->next += (uint32_t)count;
    return PC_OK;
}

const pc_op_type pc_op_aggregate = {.name = "aggregate",
                                    .kind = PC_PLAN_AGGREGATE,
                                    .open = aggregate_open,
                                    .push = aggregate_push,
                                    .clear = pc_aggregation_clear,
                                    .pack = pc_aggregation_pack,
                                    .pack_parts = pc_aggregation_pack_parts,
                                    .merge = pc_aggregation_merge,
                                    .finish = aggregate_finish,
                                    .close = aggregate_close};
