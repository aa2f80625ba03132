/** Opening a flow: the nodes of a plan, their operators and scans. */
#include <string.h>
#include "exec_private.h"

// Nodes whose input is of another stage.
static bool is_stage_end(const pc_plan *plan)
{
    return plan->kind == PC_PLAN_SHARE || plan->kind == PC_PLAN_EXCHANGE;
}

int pc_plan_inputs(const pc_plan *plan, const pc_plan *input[PC_MAX_PLAN_INPUTS])
{
    if (plan->input == NULL || is_stage_end(plan)) return 0;
    input[0] = plan->input;
    if (plan->kind == PC_PLAN_JOIN) {
        input[1] = plan->of.join.build;
        return 2;
    }
    const int more = plan->kind == PC_PLAN_UNION ? plan->of.all.more_count : 0;
    for (int i = 0; i < more; i++) {
        input[i + 1] = plan->of.all.more[i];
    }
    return more + 1;
}

static pc_status too_long(pc_error *err)
{
    return PC_FAIL(err, PC_UNSUPPORTED, "a plan has at most %d steps", (int)PC_MAX_PLAN_NODES);
}

// Nodes behind their parents, one level after the other.
static pc_status list_nodes(pc_flow *f, const pc_plan *root, pc_error *err)
{
    f->count = 1;
    f->node[0] = (pc_flow_node){.plan = root, .parent = -1};
    for (int at = 0; at < f->count; at++) {
        const pc_plan *input[PC_MAX_PLAN_INPUTS];
        const int count = pc_plan_inputs(f->node[at].plan, input);
        f->node[at].child_count = count;
        for (int i = 0; i < count; i++) {
            if (f->count == PC_MAX_PLAN_NODES) return too_long(err);
            f->node[at].child[i] = f->count;
            f->node[f->count++] = (pc_flow_node){.plan = input[i], .parent = at};
        }
    }
    return PC_OK;
}

static bool is_of_all_ranks(const pc_plan *plan)
{
    const pc_op_type *type = pc_op_find(plan->kind);
    return pc_op_has_state(type) && !plan->by_slot;
}

static bool is_chain(const pc_plan *plan)
{
    return plan->input != NULL && !is_stage_end(plan) && plan->kind != PC_PLAN_JOIN &&
           plan->kind != PC_PLAN_UNION;
}

bool pc_flow_needs_sort(const pc_plan *root)
{
    for (const pc_plan *at = root; is_chain(at); at = at->input) {
        if (is_of_all_ranks(at)) return false;
    }
    return true;
}

static int lowest_of_all_ranks(const pc_flow *f)
{
    int found = 0;
    for (int at = 0; is_chain(f->node[at].plan); at = f->node[at].child[0]) {
        if (is_of_all_ranks(f->node[at].plan)) found = at;
    }
    return found;
}

static pc_status evaluate_row(const pc_plan *plan, int row, pc_expr_state *exprs, pc_arena *scratch,
                              pc_table *out, pc_error *err)
{
    const int columns = plan->schema.field_count;
    pc_batch none = {.row_count = 1};
    pc_batch batch = {.column_count = columns, .row_count = 1};
    batch.column = pc_arena_array(scratch, (size_t)columns + 1, sizeof *batch.column, err);
    if (batch.column == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < columns; i++) {
        const pc_expr *x = plan->of.values.value[row * columns + i];
        PC_TRY(pc_expr_eval(x, &none, exprs, scratch, &batch.column[i], err));
    }
    return pc_table_add(out, &batch, err);
}

static pc_status open_values(pc_flow *f, pc_flow_node *n, pc_error *err)
{
    PC_TRY(pc_table_new(&n->plan->schema, PC_TABLE_COPIES, f->budget, &n->own_rows, err));
    n->rows = n->own_rows;
    pc_expr_state *exprs = NULL;
    PC_TRY(pc_expr_state_new(&f->arena, f->budget, &exprs, err));
    pc_status status = PC_OK;
    for (int row = 0; status == PC_OK && row < n->plan->of.values.row_count; row++) {
        status = evaluate_row(n->plan, row, exprs, &f->scratch, n->own_rows, err);
        pc_arena_empty(&f->scratch);
    }
    pc_expr_state_free(exprs);
    return status;
}

// The output column that holds the key of the input that tells slots.
static int find_key(const pc_plan *plan)
{
    if (plan->kind != PC_PLAN_AGGREGATE) return plan->patient;
    for (int i = 0; i < plan->of.aggregate.key_count; i++) {
        const pc_expr *key = plan->of.aggregate.key[i];
        if (key->kind == PC_EXPR_COLUMN && key->column == plan->patient) return i;
    }
    return -1; // the planner has put it among the keys
}

static pc_status open_operator(pc_flow *f, pc_flow_node *n, pc_error *err)
{
    const pc_schema *in = &f->node[n->child[0]].plan->schema;
    if (n->plan->by_slot) {
        n->key = find_key(n->plan);
        PC_TRY(pc_op_open(n->plan, in, &f->arena, &n->nobody, err));
    }
    return pc_op_open(n->plan, in, &f->arena, &n->op, err);
}

static pc_status open_node(pc_flow *f, pc_flow_node *n, const pc_flow_source *source, pc_error *err)
{
    switch (n->plan->kind) {
        case PC_PLAN_SCAN:
            f->has_shards = f->has_shards || n->plan->of.scan.reference < 0;
            if (source->catalog == NULL) return PC_OK;
            return pc_scan_open(source->catalog, n->plan->of.scan.plan, f->budget, &n->scan, err);
        case PC_PLAN_ROWS:
            f->has_shards = true;
            f->rows = source->rows;
            return PC_OK;
        case PC_PLAN_SHARE:
            n->rows = source->shared(source->context, n->plan);
            return PC_OK;
        case PC_PLAN_EXCHANGE:
            f->has_parts = true;
            n->taken = source->exchanged(source->context, n->plan);
            return PC_OK;
        case PC_PLAN_VALUES:
            return open_values(f, n, err);
        case PC_PLAN_UNION:
            if (n->plan->spread != PC_SPREAD_SLOTS) return PC_OK;
            return pc_table_new(&n->plan->schema, PC_TABLE_BORROWS, f->budget, &n->own_rows, err);
        default:
            return open_operator(f, n, err);
    }
}

pc_status pc_flow_open(pc_flow *flow, const pc_plan *root, const pc_flow_source *source,
                       pc_budget *budget, pc_error *err)
{
    flow->budget = budget;
    flow->arena.budget = budget;
    flow->scratch.budget = budget;
    flow->parts = source->parts;
    PC_TRY(list_nodes(flow, root, err));
    flow->reduce_at = lowest_of_all_ranks(flow);
    PC_TRY(pc_table_new(&root->schema, PC_TABLE_COPIES, budget, &flow->result, err));
    for (int at = flow->count - 1; at >= 0; at--) {
        PC_TRY(open_node(flow, &flow->node[at], source, err));
    }
    const pc_status status = pc_flow_fill(flow, err);
    flow->at_rest = budget->used_bytes;
    return status;
}

void pc_flow_close(pc_flow *flow)
{
    for (int at = 0; at < flow->count; at++) {
        pc_flow_node *n = &flow->node[at];
        pc_op_close(&n->op);
        pc_op_close(&n->nobody);
        pc_scan_close(n->scan);
        pc_table_free(n->own_rows);
        pc_aside_close(n->parts);
        pc_buffer_release(&n->sample);
    }
    flow->count = 0;
    pc_table_free(flow->result);
    flow->result = NULL;
    pc_arena_reset(&flow->scratch);
    pc_arena_reset(&flow->arena);
}

void pc_flow_tables(const pc_flow *flow, bool *needed)
{
    for (int at = 0; at < flow->count; at++) {
        const pc_flow_node *n = &flow->node[at];
        const bool of_shards = n->scan != NULL && n->plan->of.scan.reference < 0;
        if (of_shards) pc_scan_tables(n->scan, needed);
    }
}
