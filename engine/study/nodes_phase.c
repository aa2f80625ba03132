// Matching crosses patients: what stands on its sets has to wait for another pass over the store.
#include "node.h"

/** Calls `visit` for each node that `node` reads. */
typedef void (*visitor)(pc_node *node, pc_node *other);

static void visit_conditions(const pc_nodes *nodes, pc_node *node, pc_condition *const *condition,
                             int count, visitor visit)
{
    for (int i = 0; i < count; i++) {
        const pc_condition *c = condition[i];
        if (c->timeline != NULL) visit(node, pc_node_of(nodes, c->timeline->def));
        if (c->during != NULL && c->during->def != node->def) {
            visit(node, pc_node_of(nodes, c->during->def));
        }
        visit_conditions(nodes, node, c->child, c->child_count, visit);
    }
}

static void visit_all(const pc_nodes *nodes, pc_node *node, visitor visit)
{
    const pc_def *def = node->def;
    for (int k = 0; k < node->input_count; k++)
        visit(node, node->input[k]);
    if (node->clip != NULL) visit(node, node->clip);
    for (int i = 0; i < def->exit_count; i++) {
        visit_conditions(nodes, node, &def->exit[i].look, def->exit[i].look != NULL, visit);
    }
    visit_conditions(nodes, node, def->measure, def->measure_count, visit);
    visit_conditions(nodes, node, def->require, def->require_count, visit);
}

static void wait_for(pc_node *node, pc_node *other)
{
    const int after = other->phase + (node->def->kind == PC_DEF_MATCH);
    if (after > node->phase) node->phase = after;
}

static void serve(pc_node *node, pc_node *other)
{
    const bool serves = node->serves_match || node->def->kind == PC_DEF_MATCH;
    other->serves_match = other->serves_match || serves;
}

void pc_nodes_phase(pc_nodes *nodes)
{
    for (int i = 0; i < nodes->count; i++) {
        pc_node *node = nodes->node[i];
        visit_all(nodes, node, wait_for);
        if (node->def->kind == PC_DEF_MATCH && node->phase > nodes->passes) {
            nodes->passes = node->phase;
        }
    }
    for (int i = nodes->count - 1; i >= 0; i--)
        visit_all(nodes, nodes->node[i], serve);
}
