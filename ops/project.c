/** project: computes columns. In: any columns. Out: one column an expression, the same rows in the
 *  same order, each still of its slot. Nulls as each expression says (PostgreSQL, 7.3). */
#include "parcours/op.h"

typedef struct project {
    const pc_plan *node;
    pc_expr_state *exprs; // owned
} project;

static pc_status project_open(pc_op *op, const pc_plan *node, pc_error *err)
{
    project *s = pc_arena_take(op->arena, sizeof *s, err);
    if (s == NULL) return PC_NO_MEMORY;
    op->state = s;
    op->out = node->schema;
    s->node = node;
    return pc_expr_state_new(op->arena, op->arena->budget, &s->exprs, err);
}

static pc_status project_push(pc_op *op, pc_batch *batch, pc_arena *scratch, pc_error *err)
{
    project *s = op->state;
    const int count = s->node->of.project.expr_count;
    pc_column *column = pc_arena_array(scratch, (size_t)count + 1, sizeof *column, err);
    if (column == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < count && batch->row_count > 0; i++) {
        PC_TRY(
            pc_expr_eval(s->node->of.project.expr[i], batch, s->exprs, scratch, &column[i], err));
    }
    batch->column = column;
    batch->column_count = count;
    return PC_OK;
}

static void project_close(pc_op *op)
{
    project *s = op->state;
    if (s == NULL) return;
    pc_expr_state_free(s->exprs);
    s->exprs = NULL;
}

const pc_op_type pc_op_project = {.name = "project",
                                  .kind = PC_PLAN_PROJECT,
                                  .open = project_open,
                                  .push = project_push,
                                  .close = project_close};
