/** The operators. A new one is its file, one line here, its test, its section in docs/. */
#include <assert.h>
#include "parcours/op.h"

extern const pc_op_type pc_op_filter;
extern const pc_op_type pc_op_project;
extern const pc_op_type pc_op_aggregate;
extern const pc_op_type pc_op_hide;
extern const pc_op_type pc_op_distinct;
extern const pc_op_type pc_op_sort;
extern const pc_op_type pc_op_join;
extern const pc_op_type pc_op_expand;
extern const pc_op_type pc_op_repeat;
extern const pc_op_type pc_op_window;
extern const pc_op_type pc_op_split;

static const pc_op_type *const type[] = {
    &pc_op_filter, &pc_op_project, &pc_op_aggregate, &pc_op_hide,   &pc_op_distinct, &pc_op_sort,
    &pc_op_join,   &pc_op_expand,  &pc_op_repeat,    &pc_op_window, &pc_op_split};

const pc_op_type *pc_op_find(pc_plan_kind kind)
{
    for (size_t i = 0; i < sizeof type / sizeof type[0]; i++) {
        if (type[i]->kind == kind) return type[i];
    }
    return NULL;
}

bool pc_op_has_state(const pc_op_type *of)
{
    return of != NULL && (of->merge != NULL || of->pack_parts != NULL);
}

// Of one group, of a group that is there without rows, and of the first rows there are no parts.
bool pc_op_can_part(const pc_plan *node)
{
    const pc_op_type *found = pc_op_find(node->kind);
    if (found == NULL || found->pack_parts == NULL || node->by_slot) return false;
    if (node->kind == PC_PLAN_AGGREGATE) {
        return node->of.aggregate.key_count > 0 && !node->of.aggregate.has_empty_set;
    }
    if (node->kind != PC_PLAN_SORT) return true;
    return node->of.sort.limit < 0 && node->of.sort.offset == 0 && node->of.sort.first_of == 0;
}

pc_status pc_op_open(const pc_plan *node, const pc_schema *in, pc_arena *arena, pc_op *out,
                     pc_error *err)
{
    const pc_op_type *found = pc_op_find(node->kind);
    assert(found != NULL);
    *out = (pc_op){.type = found, .in = in, .arena = arena};
    return found->open(out, node, err);
}

void pc_op_close(pc_op *op)
{
    if (op != NULL && op->type != NULL && op->type->close != NULL) op->type->close(op);
}
