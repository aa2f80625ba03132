/** repeat: each row as often as a column of it says, not at all where that is null or not positive.
 *  INTERSECT ALL and EXCEPT ALL are counts of equal rows, repeated. In: any columns. Out: the same
 *  columns, copies next to each other. */
#include "parcours/op.h"

typedef struct repeat {
    int column;
    const pc_batch *in; // borrowed
    int at;             // row
    int64_t done;       // copies of it that were written
    int row[PC_BATCH_ROWS];
} repeat;

static pc_status repeat_open(pc_op *op, const pc_plan *node, pc_error *err)
{
    repeat *s = pc_arena_take(op->arena, sizeof *s, err);
    if (s == NULL) return PC_NO_MEMORY;
    op->state = s;
    op->out = node->schema;
    s->column = node->of.repeat.column;
    return PC_OK;
}

static pc_status repeat_push(pc_op *op, pc_batch *batch, pc_arena *scratch, pc_error *err)
{
    (void)scratch;
    (void)err;
    repeat *s = op->state;
    s->in = batch;
    s->at = 0;
    s->done = 0;
    return PC_OK;
}

static int copy_rows(repeat *s)
{
    const pc_column *times = &s->in->column[s->column];
    int count = 0;
    while (s->at < s->in->row_count && count < PC_BATCH_ROWS) {
        const int64_t wanted = pc_column_is_null(times, s->at) ? 0 : pc_column_int(times, s->at);
        for (; s->done < wanted && count < PC_BATCH_ROWS; s->done++) {
            s->row[count++] = s->at;
        }
        if (s->done < wanted) break;
        s->at++;
        s->done = 0;
    }
    return count;
}

static pc_status repeat_more(pc_op *op, pc_batch *out, pc_arena *scratch, pc_error *err)
{
    repeat *s = op->state;
    const int columns = s->in->column_count;
    const int count = copy_rows(s);
    *out = (pc_batch){.column_count = columns, .row_count = count};
    out->column = pc_arena_array(scratch, (size_t)columns + 1, sizeof *out->column, err);
    if (out->column == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < columns; i++) {
        PC_TRY(pc_column_pick(&s->in->column[i], s->row, count, scratch, &out->column[i], err));
    }
    if (s->in->slot == NULL) return PC_OK;
    out->slot = pc_arena_array(scratch, (size_t)count + 1, sizeof *out->slot, err);
    if (out->slot == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < count; i++) {
        out->slot[i] = s->in->slot[s->row[i]];
    }
    return PC_OK;
}

const pc_op_type pc_op_repeat = {.name = "repeat",
                                 .kind = PC_PLAN_REPEAT,
                                 .open = repeat_open,
                                 .push = repeat_push,
                                 .more = repeat_more};
