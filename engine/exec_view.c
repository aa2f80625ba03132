/** A query block by block: a flow whose states all lie within slots. */
#include "exec_private.h"

struct pc_view {
    pc_arena arena; // of this struct
    pc_flow flow;
};

static const pc_table *nothing_shared(void *context, const pc_plan *node)
{
    (void)context;
    (void)node;
    return NULL;
}

/** Whether the rows of a plan are each made of rows of one slot. As deep as the plan. */
static bool lies_in_slots(const pc_plan *plan)
{
    if (plan->spread != PC_SPREAD_SLOTS || plan->kind == PC_PLAN_ROWS) return false;
    if (pc_op_has_state(pc_op_find(plan->kind)) && !plan->by_slot) return false;
    if (plan->kind == PC_PLAN_JOIN) {
        const pc_plan *build = plan->of.join.build;
        const bool is_fixed = build->kind == PC_PLAN_SCAN || build->kind == PC_PLAN_VALUES;
        const bool is_good = plan->of.join.within_slot
                                 ? lies_in_slots(build)
                                 : build->spread == PC_SPREAD_WHOLE && is_fixed;
        return is_good && lies_in_slots(plan->input);
    }
    const pc_plan *input[PC_MAX_PLAN_INPUTS];
    const int count = pc_plan_inputs(plan, input);
    for (int i = 0; i < count; i++) {
        if (!lies_in_slots(input[i])) return false;
    }
    return true;
}

/** The plan below the sort that gives every result its order: the rows of a view have none. */
static const pc_plan *without_order(const pc_plan *root)
{
    const bool is_order = root->kind == PC_PLAN_SORT && root->of.sort.key_count == 0 &&
                          root->of.sort.limit < 0 && root->of.sort.offset == 0 &&
                          root->of.sort.first_of == 0;
    return is_order ? root->input : root;
}

pc_status pc_view_open(const pc_catalog *catalog, const pc_query *query, pc_budget *budget,
                       pc_view **out, pc_error *err)
{
    *out = NULL;
    const pc_plan *root = without_order(query->root);
    if (query->scalar_count > 0 || !lies_in_slots(root)) {
        return PC_FAIL(
            err, PC_UNSUPPORTED,
            "rows of several persons meet in the query: expected one whose rows are each "
            "made of one person's");
    }
    pc_arena arena = {.budget = budget};
    pc_view *view = pc_arena_take(&arena, sizeof *view, err);
    if (view == NULL) return PC_NO_MEMORY;
    view->arena = arena;
    const pc_flow_source source = {.catalog = catalog, .shared = nothing_shared};
    const pc_status status = pc_flow_open(&view->flow, root, &source, budget, err);
    if (status == PC_OK) {
        *out = view;
    } else {
        pc_view_close(view);
    }
    return status;
}

void pc_view_close(pc_view *view)
{
    if (view == NULL) return;
    pc_flow_close(&view->flow);
    pc_arena arena = view->arena;
    pc_arena_reset(&arena);
}

void pc_view_tables(const pc_view *view, bool *needed)
{
    pc_flow_tables(&view->flow, needed);
}

pc_status pc_view_block(pc_view *view, pc_block *block, const pc_reader *reader,
                        const pc_table **rows, pc_error *err)
{
    pc_flow *flow = &view->flow;
    pc_table_clear(flow->result);
    PC_TRY(pc_flow_block(flow, block, reader, err));
    // What is of nobody is of no person: nothing asks for it after the last block.
    for (int at = 0; at < flow->count; at++) {
        pc_op *nobody = &flow->node[at].nobody;
        if (nobody->type != NULL && nobody->type->clear != NULL) {
            PC_TRY(nobody->type->clear(nobody, err));
        }
    }
    *rows = flow->result;
    return PC_OK;
}
