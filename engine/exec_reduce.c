/** The states of all ranks to one: on rank 0, over a tree; or in parts, each with one rank, when
 *  that is more than a rank can hold. */
#include <string.h>
#include "exec_private.h"

static pc_status pack_state(void *context, pc_buffer *out, pc_error *err)
{
    pc_op *op = context;
    return op->type->pack(op, out, err);
}

static pc_status merge_state(void *context, pc_span other, pc_error *err)
{
    pc_op *op = context;
    return op->type->merge(op, other, err);
}

// Rows of nobody that were put together: reduced, and on rank 0 given to what is behind them, the
// lower operators first.
static pc_status reduce_nobody(pc_comm *comm, pc_flow *flow, pc_error *err)
{
    for (int at = flow->count - 1; at >= 0; at--) {
        pc_flow_node *n = &flow->node[at];
        if (!n->plan->by_slot) continue;
        int64_t some = n->has_nobody;
        pc_comm_sum_int64(comm, &some, 1);
        if (some == 0) continue;
        pc_status status =
            pc_comm_reduce(comm, &n->nobody, pack_state, merge_state, flow->budget, err);
        if (status != PC_OK) return status;
        if (pc_comm_rank(comm) == 0) status = pc_flow_nobody(flow, at, err);
        status = pc_comm_agree(comm, status, err);
        if (status != PC_OK) return status;
    }
    return PC_OK;
}

enum { COPIES = 3 }; // of a state on rank 0: grown by half, its rows, and what is made of them

// Parts: when a rank has put something aside, or when the states together would fill rank 0.
static bool goes_in_parts(pc_comm *comm, const pc_flow *flow, int node)
{
    const pc_flow_node *n = &flow->node[node];
    if (!pc_op_can_part(n->plan) || flow->parts.scratch == NULL) return false;
    // Several flows may be at work: what they take together counts against each.
    const size_t room = pc_flow_room(flow);
    int64_t least = room > INT64_MAX ? INT64_MAX : (int64_t)room;
    int64_t value[2] = {n->parts != NULL, (int64_t)pc_flow_used(flow)};
    pc_comm_sum_int64(comm, value, 2);
    pc_comm_min_int64(comm, &least, 1);
    return value[0] > 0 || value[1] > least / COPIES;
}

// The rows between parts: evenly spaced in the order of all samples. On every rank.
static pc_status find_bounds(pc_comm *comm, pc_flow *flow, int node, pc_buffer *bounds,
                             pc_error *err)
{
    pc_flow_node *n = &flow->node[node];
    pc_buffer all = {.budget = flow->budget};
    const pc_span mine = {n->sample.data, n->sample.bytes};
    pc_status status = pc_comm_gather(comm, mine, &all, NULL, err);
    if (status == PC_OK && pc_comm_rank(comm) == 0) {
        const pc_op *op = &n->op; // emptied: it may sort the samples
        status = op->type->merge(&n->op, (pc_span){all.data, all.bytes}, err);
        if (status == PC_OK) {
            status = op->type->sample(&n->op, flow->parts.count - 1, true, bounds, err);
        }
        if (status == PC_OK) status = op->type->clear(&n->op, err);
    }
    pc_buffer_release(&all);
    status = pc_comm_agree(comm, status, err);
    return status == PC_OK ? pc_comm_broadcast_buffer(comm, bounds, err) : status;
}

/** Rows put aside on their way to the parts that they belong to. */
typedef struct ranging {
    pc_flow *flow;
    int node;
    pc_op_parts to;
} ranging;

static pc_status keep_piece(void *context, int part, pc_span piece, pc_error *err)
{
    return pc_aside_add(context, part, piece, err);
}

static pc_status take_rows(void *context, pc_span piece, pc_error *err)
{
    const ranging *r = context;
    pc_flow_node *n = &r->flow->node[r->node];
    PC_TRY(n->op.type->merge(&n->op, piece, err));
    n->since_spill++;
    if (!pc_flow_is_full(r->flow, r->node)) return PC_OK;
    n->since_spill = 0;
    return n->op.type->pack_parts(&n->op, &r->to, err);
}

static pc_status make_ranges(pc_flow *flow, int node, pc_span bounds, pc_error *err)
{
    pc_flow_node *n = &flow->node[node];
    pc_aside *ranges = NULL;
    PC_TRY(pc_aside_open(&flow->parts, &ranges, err));
    flow->at_rest = flow->budget->used_bytes;
    ranging r = {flow, node, {flow->parts.count, bounds, ranges, keep_piece}};
    pc_status status = pc_aside_read(n->parts, 0, take_rows, &r, err);
    if (status == PC_OK) status = n->op.type->pack_parts(&n->op, &r.to, err);
    pc_aside_close(n->parts);
    n->parts = ranges;
    return status;
}

// The states of all ranks to the parts of each.
static pc_status to_parts(pc_comm *comm, pc_flow *flow, int node, pc_error *err)
{
    pc_flow_node *n = &flow->node[node];
    pc_status status = pc_comm_agree(comm, pc_flow_spill(flow, node, err), err);
    if (status == PC_OK && n->op.type->sample != NULL) {
        pc_buffer bounds = {.budget = flow->budget};
        status = find_bounds(comm, flow, node, &bounds, err);
        if (status == PC_OK) {
            status = make_ranges(flow, node, (pc_span){bounds.data, bounds.bytes}, err);
            status = pc_comm_agree(comm, status, err);
        }
        pc_buffer_release(&bounds);
    }
    if (status == PC_OK) status = pc_aside_exchange(comm, &n->parts, err);
    flow->at_rest = flow->budget->used_bytes;
    return status;
}

static pc_status merge_piece(void *context, pc_span piece, pc_error *err)
{
    return merge_state(context, piece, err);
}

pc_status pc_exec_drain_part(pc_flow *flow, int node, int part, pc_error *err)
{
    pc_flow_node *n = &flow->node[node];
    if (pc_aside_is_empty(n->parts, part)) return PC_OK;
    PC_TRY(pc_aside_read(n->parts, part, merge_piece, &n->op, err));
    PC_TRY(pc_flow_drain(flow, node, err));
    return n->op.type->clear(&n->op, err);
}

static pc_status drain_parts(pc_comm *comm, pc_flow *flow, int node, pc_error *err)
{
    for (int p = pc_comm_rank(comm); p < flow->parts.count; p += pc_comm_size(comm)) {
        PC_TRY(pc_exec_drain_part(flow, node, p, err));
    }
    return PC_OK;
}

// What every rank adds by itself: rows that were exchanged, and on rank 0 rows that all have.
static pc_status run_rest(pc_comm *comm, pc_flow *flow, pc_error *err)
{
    for (int p = pc_comm_rank(comm); flow->has_parts && p < flow->parts.count;
         p += pc_comm_size(comm)) {
        PC_TRY(pc_flow_part(flow, p, err));
    }
    return pc_comm_rank(comm) == 0 ? pc_flow_last(flow, err) : PC_OK;
}

pc_status pc_exec_reduce(pc_comm *comm, pc_flow *flow, bool in_parts, pc_reduced *out,
                         pc_error *err)
{
    pc_status status = flow->has_shards ? reduce_nobody(comm, flow, err) : PC_OK;
    if (status == PC_OK) status = pc_comm_agree(comm, run_rest(comm, flow, err), err);
    bool on_all = flow->has_shards || flow->has_parts; // states are on all ranks, or on rank 0
    *out = (pc_reduced){.node = flow->reduce_at};
    while (status == PC_OK) {
        pc_flow_node *n = &flow->node[out->node];
        out->in_parts = in_parts || goes_in_parts(comm, flow, out->node);
        if (out->in_parts) {
            status = to_parts(comm, flow, out->node, err);
        } else if (on_all) {
            status = pc_comm_reduce(comm, &n->op, pack_state, merge_state, flow->budget, err);
        }
        const int behind = pc_flow_behind(flow, out->node);
        if (status != PC_OK || behind < 0) return status;
        if (out->in_parts) {
            status = drain_parts(comm, flow, out->node, err);
        } else if (pc_comm_rank(comm) == 0) {
            status = pc_flow_drain(flow, out->node, err);
        }
        status = pc_comm_agree(comm, status, err);
        on_all = out->in_parts;
        out->node = behind;
    }
    return status;
}
