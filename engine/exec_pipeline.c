/** The loop that pushes batches through operators. */
#include <assert.h>
#include "exec_private.h"

static pc_status list_nodes(const pc_plan *root, const pc_plan *node[PC_MAX_PLAN_NODES],
                            int *node_count, pc_error *err)
{
    int count = 0;
    for (const pc_plan *at = root; at != NULL; at = at->input) {
        if (count == PC_MAX_PLAN_NODES - 1) { // one more may be put behind them
            return PC_FAIL(err, PC_UNSUPPORTED, "a plan has at most %d steps",
                           (int)PC_MAX_PLAN_NODES - 1);
        }
        node[count++] = at;
    }
    for (int i = 0; i < count / 2; i++) { // from the scan up
        const pc_plan *other = node[i];
        node[i] = node[count - 1 - i];
        node[count - 1 - i] = other;
    }
    *node_count = count;
    return PC_OK;
}

static bool has_state(const pc_op *op)
{
    return op->type != NULL && op->type->merge != NULL;
}

pc_status pc_pipeline_open(pc_pipeline *p, const pc_plan *root, pc_error *err)
{
    const pc_plan *node[PC_MAX_PLAN_NODES];
    int node_count = 0;
    PC_TRY(list_nodes(root, node, &node_count, err));
    bool keeps_state = false;
    for (int i = 1; i < node_count; i++) {
        const pc_op_type *type = pc_op_find(node[i]->kind);
        keeps_state = keeps_state || (type != NULL && type->merge != NULL);
    }
    if (!keeps_state) {
        // Rows of all ranks must meet somewhere, and in an order that does not depend on them.
        pc_plan *last = &p->profile->last;
        *last = (pc_plan){.kind = PC_PLAN_SORT, .input = root, .schema = root->schema};
        last->of.sort.limit = -1;
        node[node_count++] = last;
    }
    p->profile->node_count = node_count;
    p->profile->node[0].node = node[0];
    p->count = 1;
    const pc_schema *in = &node[0]->schema;
    for (int i = 1; i < node_count; i++) {
        p->profile->node[i].node = node[i];
        p->count = i + 1; // what close must close
        PC_TRY(pc_op_open(node[i], in, &p->arena, &p->op[i], err));
        in = &p->op[i].out;
    }
    while (!has_state(&p->op[p->reduce_at])) {
        p->reduce_at++;
    }
    p->profile->reduce_at = p->reduce_at;
    return PC_OK;
}

void pc_pipeline_close(pc_pipeline *p)
{
    for (int i = 1; i < p->count; i++) {
        pc_op_close(&p->op[i]);
    }
    pc_arena_reset(&p->scratch);
    pc_arena_reset(&p->arena);
}

static pc_status push_one(pc_pipeline *p, int at, pc_batch *batch, pc_error *err)
{
    pc_op_profile *profile = &p->profile->node[at];
    const double started_s = pc_clock_s();
    profile->batches++;
    profile->rows_in += batch->row_count;
    const pc_status status = p->op[at].type->push(&p->op[at], batch, &p->scratch, err);
    profile->seconds += pc_clock_s() - started_s;
    if (status != PC_OK || has_state(&p->op[at])) return status;
    profile->rows_out += batch->row_count;
#ifndef NDEBUG
    return batch->row_count == 0 ? PC_OK : pc_batch_check(batch, &p->op[at].out, err);
#else
    return PC_OK;
#endif
}

// Through operators `from` .. `to`.
static pc_status push_through(pc_pipeline *p, int from, int to, pc_batch *batch, pc_error *err)
{
    for (int i = from; i <= to && batch->row_count > 0; i++) {
        PC_TRY(push_one(p, i, batch, err));
    }
    return PC_OK;
}

pc_status pc_pipeline_push(pc_pipeline *p, pc_batch *batch, pc_error *err)
{
    const pc_arena_mark mark = pc_arena_now(&p->scratch);
    const pc_status status = push_through(p, 1, p->reduce_at, batch, err);
    pc_arena_rewind(&p->scratch, mark);
    return status;
}

static pc_status finish_one(pc_pipeline *p, int at, pc_batch *batch, pc_error *err)
{
    pc_op_profile *profile = &p->profile->node[at];
    const double started_s = pc_clock_s();
    PC_TRY(p->op[at].type->finish(&p->op[at], batch, &p->scratch, err));
    profile->seconds += pc_clock_s() - started_s;
    profile->rows_out += batch->row_count;
#ifndef NDEBUG
    return pc_batch_check(batch, &p->op[at].out, err);
#else
    return PC_OK;
#endif
}

// Empties operator `at` into the operators behind it, up to and with `to`, or the collector.
static pc_status drain(pc_pipeline *p, int at, int to, pc_collector *collector, pc_error *err)
{
    const int last = to < p->count ? to : p->count - 1;
    for (bool more = true; more;) {
        const pc_arena_mark mark = pc_arena_now(&p->scratch);
        pc_batch batch;
        pc_status status = finish_one(p, at, &batch, err);
        if (status == PC_OK) {
            more = batch.row_count > 0;
            status = push_through(p, at + 1, last, &batch, err);
        }
        if (status == PC_OK && to == p->count && batch.row_count > 0) {
            status = pc_collector_add(collector, &batch, err);
        }
        pc_arena_rewind(&p->scratch, mark);
        if (status != PC_OK) return status;
    }
    return PC_OK;
}

pc_status pc_pipeline_finish(pc_pipeline *p, pc_collector *collector, pc_error *err)
{
    for (int at = p->reduce_at; at < p->count;) {
        int next = at + 1;
        while (next < p->count && !has_state(&p->op[next])) {
            next++;
        }
        PC_TRY(drain(p, at, next, collector, err));
        at = next;
    }
    return PC_OK;
}
