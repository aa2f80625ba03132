/** distinct: each combination of values once; nulls are equal. In: any columns. Out: the same
 *  columns, rows in no particular order and of no slot (PostgreSQL, 7.3.3). Keeps the rows. */
#include <string.h>
#include "groups.h"
#include "parcours/op.h"
#include "part_lists.h"

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
    PC_TRY(pc_schema_packed(&node->schema, op->arena, &s->packed, err));
    return pc_groups_open(&s->groups, s->packed.field, s->packed.field_count, op->arena, err);
}

static pc_status distinct_push(pc_op *op, pc_batch *batch, pc_arena *scratch, pc_error *err)
{
    (void)scratch;
    distinct *s = op->state;
    PC_TRY(pc_groups_number(&s->groups, batch->column, batch->row_count, s->group, err));
    batch->row_count = 0;
    return PC_OK;
}

static pc_status write_rows(const distinct *s, const uint32_t *group, int count, pc_arena *arena,
                            pc_batch *out, pc_error *err)
{
    *out = (pc_batch){.column_count = s->groups.key_count, .row_count = count};
    out->column = pc_arena_array(arena, (size_t)out->column_count + 1, sizeof *out->column, err);
    if (out->column == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < out->column_count; i++) {
        PC_TRY(pc_groups_column(&s->groups, i, group, count, arena, &out->column[i], err));
    }
    return PC_OK;
}

static int at_most_a_batch(uint32_t left)
{
    return left < PC_BATCH_ROWS ? (int)left : PC_BATCH_ROWS;
}

static pc_status distinct_finish(pc_op *op, pc_batch *out, pc_arena *scratch, pc_error *err)
{
    distinct *s = op->state;
    const int count = at_most_a_batch(s->groups.count - s->next);
    pc_groups_run(s->next, count, s->group);
    PC_TRY(write_rows(s, s->group, count, scratch, out, err));
    s->next += (uint32_t)out->row_count;
    return PC_OK;
}

static pc_status pack_rows(const distinct *s, const uint32_t *group, int count, pc_arena *arena,
                           pc_buffer *out, pc_error *err)
{
    const pc_arena_mark mark = pc_arena_now(arena);
    pc_batch batch;
    PC_TRY(write_rows(s, group, count, arena, &batch, err));
    PC_TRY(pc_batch_pack(&batch, &s->packed, out, err));
    pc_arena_rewind(arena, mark);
    return PC_OK;
}

static pc_status pack_all(distinct *s, pc_arena *arena, pc_buffer *out, pc_error *err)
{
    for (uint32_t first = 0; first < s->groups.count; first += PC_BATCH_ROWS) {
        const int count = at_most_a_batch(s->groups.count - first);
        pc_groups_run(first, count, s->group);
        PC_TRY(pack_rows(s, s->group, count, arena, out, err));
    }
    return PC_OK;
}

static pc_status write_parts(const distinct *s, const pc_op_parts *parts, pc_arena *arena,
                             pc_buffer *piece, pc_error *err)
{
    uint16_t *part;
    pc_part_lists lists;
    PC_TRY(pc_groups_parts(&s->groups, parts->count, arena, &part, err));
    PC_TRY(pc_part_lists_make(part, s->groups.count, parts->count, arena, &lists, err));
    for (int p = 0; p < parts->count; p++) {
        for (uint32_t at = lists.start[p]; at < lists.start[p + 1]; at += PC_BATCH_ROWS) {
            const int count = at_most_a_batch(lists.start[p + 1] - at);
            piece->bytes = 0;
            PC_TRY(pack_rows(s, lists.row + at, count, arena, piece, err));
            PC_TRY(parts->write(parts->context, p, (pc_span){piece->data, piece->bytes}, err));
        }
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
    const pc_status status = pack_all(s, &arena, out, err);
    pc_arena_reset(&arena);
    if (status != PC_OK) return status;
    return distinct_clear(op, err);
}

static pc_status distinct_pack_parts(pc_op *op, const pc_op_parts *parts, pc_error *err)
{
    pc_arena arena = {.budget = op->arena->budget};
    pc_buffer piece = {.budget = op->arena->budget};
    const pc_status status = write_parts(op->state, parts, &arena, &piece, err);
    pc_buffer_release(&piece);
    pc_arena_reset(&arena);
    return status == PC_OK ? distinct_clear(op, err) : status;
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
                                   .pack_parts = distinct_pack_parts,
                                   .merge = distinct_merge,
                                   .finish = distinct_finish,
                                   .close = distinct_close};
