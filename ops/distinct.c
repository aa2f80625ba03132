/** distinct: each combination of values once; nulls are equal. In: any columns. Out: the same
 *  columns, rows in no particular order and of no slot (PostgreSQL, 7.3.3). Keeps the rows. */
#include <string.h>
#include "groups.h"
#include "parcours/op.h"

typedef struct distinct {
    pc_groups groups;
    pc_schema packed; // the columns of a packed batch
    uint32_t next;    // first row that finish has not written
    uint32_t group[PC_BATCH_ROWS];
} distinct;

static pc_status distinct_open(pc_op *op, const pc_plan *node, pc_error *err)
{
    distinct *s = pc_arena_take(op->arena, sizeof *s, err);
    if (s == NULL) return PC_NO_MEMORY;
    op->state = s;
    op->out = node->schema;
    const int count = node->schema.field_count;
    pc_field *field = pc_arena_array(op->arena, (size_t)count + 1, sizeof *field, err);
    if (field == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < count; i++) {
        field[i] = node->schema.field[i];
        if (field[i].type == PC_ID && field[i].width == 0) field[i].width = PC_ID_MAX_BYTES;
    }
    s->packed = (pc_schema){.field_count = count, .field = field};
    return pc_groups_open(&s->groups, field, count, op->arena, err);
}

static pc_status distinct_push(pc_op *op, pc_batch *batch, pc_arena *scratch, pc_error *err)
{
    (void)scratch;
    distinct *s = op->state;
    PC_TRY(pc_groups_number(&s->groups, batch->column, batch->row_count, s->group, err));
    batch->row_count = 0;
    return PC_OK;
}

static pc_status write_rows(const distinct *s, uint32_t first, pc_arena *arena, pc_batch *out,
                            pc_error *err)
{
    const uint32_t left = s->groups.count - first;
    const int count = left < PC_BATCH_ROWS ? (int)left : PC_BATCH_ROWS;
    *out = (pc_batch){.column_count = s->groups.key_count, .row_count = count};
    out->column = pc_arena_array(arena, (size_t)out->column_count + 1, sizeof *out->column, err);
    if (out->column == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < out->column_count; i++) {
        PC_TRY(pc_groups_column(&s->groups, i, first, count, arena, &out->column[i], err));
    }
    return PC_OK;
}

static pc_status distinct_finish(pc_op *op, pc_batch *out, pc_arena *scratch, pc_error *err)
{
    distinct *s = op->state;
    PC_TRY(write_rows(s, s->next, scratch, out, err));
    s->next += (uint32_t)out->row_count;
    return PC_OK;
}

static pc_status pack_rows(const distinct *s, pc_arena *arena, pc_buffer *out, pc_error *err)
{
    for (uint32_t first = 0; first < s->groups.count; first += PC_BATCH_ROWS) {
        const pc_arena_mark mark = pc_arena_now(arena);
        pc_batch batch;
        PC_TRY(write_rows(s, first, arena, &batch, err));
        PC_TRY(pc_batch_pack(&batch, &s->packed, out, err));
        pc_arena_rewind(arena, mark);
    }
    return PC_OK;
}

static pc_status distinct_clear(pc_op *op, pc_error *err)
{
    distinct *s = op->state;
    pc_groups_close(&s->groups);
    s->next = 0;
    return pc_groups_open(&s->groups, s->packed.field, s->packed.field_count, op->arena, err);
}

static pc_status distinct_pack(pc_op *op, pc_buffer *out, pc_error *err)
{
    distinct *s = op->state;
    pc_arena arena = {.budget = op->arena->budget};
    const pc_status status = pack_rows(s, &arena, out, err);
    pc_arena_reset(&arena);
    if (status != PC_OK) return status;
    return distinct_clear(op, err);
}

static pc_status merge_rows(distinct *s, pc_span state, pc_arena *arena, pc_error *err)
{
    for (size_t at = 0; at < state.bytes;) {
        const pc_arena_mark mark = pc_arena_now(arena);
        pc_batch batch;
        PC_TRY(pc_batch_unpack(state, &at, &s->packed, arena, &batch, err));
        pc_groups_forget(&s->groups);
        PC_TRY(pc_groups_number(&s->groups, batch.column, batch.row_count, s->group, err));
        pc_groups_forget(&s->groups);
        pc_arena_rewind(arena, mark);
    }
    return PC_OK;
}

static pc_status distinct_merge(pc_op *op, pc_span state, pc_error *err)
{
    pc_arena arena = {.budget = op->arena->budget};
    const pc_status status = merge_rows(op->state, state, &arena, err);
    pc_arena_reset(&arena);
    return status;
}

static void distinct_close(pc_op *op)
{
    distinct *s = op->state;
    if (s != NULL) pc_groups_close(&s->groups);
}

const pc_op_type pc_op_distinct = {.name = "distinct",
                                   .kind = PC_PLAN_DISTINCT,
                                   .open = distinct_open,
                                   .push = distinct_push,
                                   .clear = distinct_clear,
                                   .pack = distinct_pack,
                                   .merge = distinct_merge,
                                   .finish = distinct_finish,
                                   .close = distinct_close};
