/** hide: aggregates of few patients become null, before anything can be asked of them. In: one row
 * a group, its keys and then its aggregates. Out: the same rows and columns, and the number of
 *  patients behind each row. Where that is 1 to `most`, the columns from `first` on are null, so
 *  that neither HAVING nor ORDER BY, LIMIT or an error of arithmetic tells what the cell was. Keys
 *  stay. Source: the threshold of 11 of the SNDS (docs/sql.md, What leaves). */
#include <assert.h>
#include "parcours/op.h"

typedef struct hide {
    const pc_plan *node;
    pc_expr_state *exprs; // owned
} hide;

static pc_status hide_open(pc_op *op, const pc_plan *node, pc_error *err)
{
    hide *s = pc_arena_take(op->arena, sizeof *s, err);
    if (s == NULL) return PC_NO_MEMORY;
    assert(node->schema.field_count == op->in->field_count + 1);
    op->state = s;
    op->out = node->schema;
    s->node = node;
    return pc_expr_state_new(op->arena, op->arena->budget, &s->exprs, err);
}

// Bits of the rows whose aggregates may be seen. A count is never null.
static void mark_shown(const pc_column *patients, int row_count, int64_t most, uint64_t *shown)
{
    for (int row = 0; row < row_count; row++) {
        const int64_t count = pc_column_int(patients, row);
        const bool is_few = count > 0 && count <= most;
        shown[row >> 6] |= (uint64_t)!is_few << (row & 63);
    }
}

// A bitmap that says null for what is not shown, too.
static pc_status hide_column(pc_column *c, const uint64_t *shown, int row_count, pc_arena *arena,
                             pc_error *err)
{
    if (c->valid == NULL) {
        c->valid = shown;
        return PC_OK;
    }
    const int word_count = (row_count + 63) / 64;
    uint64_t *valid = pc_arena_array(arena, (size_t)word_count + 1, sizeof *valid, err);
    if (valid == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < word_count; i++) {
        valid[i] = c->valid[i] & shown[i];
    }
    c->valid = valid;
    return PC_OK;
}

static pc_status hide_push(pc_op *op, pc_batch *batch, pc_arena *scratch, pc_error *err)
{
    hide *s = op->state;
    const pc_plan *node = s->node;
    const int count = batch->column_count;
    const int rows = batch->row_count;
    pc_column *column = pc_arena_array(scratch, (size_t)count + 1, sizeof *column, err);
    uint64_t *shown = pc_arena_array(scratch, (size_t)rows / 64 + 1, sizeof *shown, err);
    if (column == NULL || shown == NULL) return PC_NO_MEMORY;
    PC_TRY(pc_expr_eval(node->of.hide.patients, batch, s->exprs, scratch, &column[count], err));
    mark_shown(&column[count], rows, node->of.hide.most, shown);
    for (int i = 0; i < count; i++) {
        column[i] = batch->column[i];
        if (i < node->of.hide.first) continue;
        PC_TRY(hide_column(&column[i], shown, rows, scratch, err));
    }
    batch->column = column;
    batch->column_count = count + 1;
    return PC_OK;
}

static void hide_close(pc_op *op)
{
    hide *s = op->state;
    if (s == NULL) return;
    pc_expr_state_free(s->exprs);
    s->exprs = NULL;
}

const pc_op_type pc_op_hide = {.name = "hide",
                               .kind = PC_PLAN_HIDE,
                               .open = hide_open,
                               .push = hide_push,
                               .close = hide_close};
