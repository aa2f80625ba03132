/** expand: each row once a grouping set, with null in the keys that the set leaves out, and the
 *  number of the set behind all columns: grouping by the keys and that number is GROUPING SETS
 *  (PostgreSQL, 7.2.4). In: the keys and then any columns. Out: set by set, the rows of a batch. */
#include <string.h>
#include "parcours/op.h"

typedef struct expand {
    const pc_plan *node;
    const pc_batch *in; // borrowed
    int set;            // the next one
} expand;

static pc_status expand_open(pc_op *op, const pc_plan *node, pc_error *err)
{
    expand *s = pc_arena_take(op->arena, sizeof *s, err);
    if (s == NULL) return PC_NO_MEMORY;
    op->state = s;
    op->out = node->schema;
    s->node = node;
    return PC_OK;
}

static pc_status expand_push(pc_op *op, pc_batch *batch, pc_arena *scratch, pc_error *err)
{
    (void)scratch;
    (void)err;
    expand *s = op->state;
    s->in = batch;
    s->set = 0;
    return PC_OK;
}

static pc_status expand_more(pc_op *op, pc_batch *out, pc_arena *scratch, pc_error *err)
{
    expand *s = op->state;
    const int columns = s->in->column_count;
    const int rows = s->in->row_count;
    *out = (pc_batch){.column_count = columns + 1};
    if (s->set == s->node->of.expand.set_count) return PC_OK;
    const size_t room = (size_t)rows;
    out->column = pc_arena_array(scratch, (size_t)columns + 1, sizeof *out->column, err);
    uint64_t *nothing = pc_arena_array(scratch, room / 64 + 1, sizeof *nothing, err);
    int64_t *set = pc_arena_array(scratch, room + 1, sizeof *set, err);
    if (out->column == NULL || nothing == NULL || set == NULL) return PC_NO_MEMORY;
    const uint64_t kept = s->node->of.expand.kept[s->set];
    for (int i = 0; i < columns; i++) {
        out->column[i] = s->in->column[i];
        const bool is_key = i < s->node->of.expand.key_count;
        if (is_key && (kept >> i & 1) == 0) out->column[i].valid = nothing;
    }
    for (int row = 0; row < rows; row++) {
        set[row] = s->set;
    }
    out->column[columns] = (pc_column){.type = PC_INT, .width = sizeof *set, .data = set};
    out->row_count = rows;
    out->slot = s->in->slot;
    s->set++;
    return PC_OK;
}

const pc_op_type pc_op_expand = {.name = "grouping sets",
                                 .kind = PC_PLAN_EXPAND,
                                 .open = expand_open,
                                 .push = expand_push,
                                 .more = expand_more};
