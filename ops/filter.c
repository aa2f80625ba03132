/** filter: keeps the rows for which a predicate is true; false and null do not pass. In: any
 *  columns. Out: the same columns, at most as many rows, order kept (PostgreSQL, 7.2.2). */
#include "parcours/op.h"

typedef struct filter {
    const pc_expr *predicate;
    pc_expr_state *exprs; // owned
    int row[PC_BATCH_ROWS];
} filter;

static pc_status filter_open(pc_op *op, const pc_plan *node, pc_error *err)
{
    filter *s = pc_arena_take(op->arena, sizeof *s, err);
    if (s == NULL) return PC_NO_MEMORY;
    op->state = s;
    op->out = node->schema;
    s->predicate = node->of.filter.predicate;
    return pc_expr_state_new(op->arena, op->arena->budget, &s->exprs, err);
}

static pc_status filter_push(pc_op *op, pc_batch *batch, pc_arena *scratch, pc_error *err)
{
    filter *s = op->state;
    int count = 0;
    PC_TRY(pc_expr_filter(s->predicate, batch, s->exprs, scratch, s->row, &count, err));
    if (count == batch->row_count) return PC_OK;
    return pc_batch_keep(batch, s->row, count, scratch, err);
}

static void filter_close(pc_op *op)
{
    filter *s = op->state;
    if (s == NULL) return;
    pc_expr_state_free(s->exprs);
    s->exprs = NULL;
}

const pc_op_type pc_op_filter = {.name = "filter",
                                 .kind = PC_PLAN_FILTER,
                                 .open = filter_open,
                                 .push = filter_push,
                                 .close = filter_close};
