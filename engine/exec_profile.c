/** What a query did on all ranks, operator by operator. */
#include <string.h>
#include "exec_private.h"

enum { PER_NODE = 5, READ = 8, MICROSECONDS = 1000000 };

// Nodes from the root down, each before its inputs, the main input first. As deep as the plan.
static void list(const pc_flow *flow, int stage, int at, int depth, pc_query_profile *out)
{
    const pc_flow_node *n = &flow->node[at];
    pc_op_profile *p = &out->node[out->node_count++];
    *p = (pc_op_profile){.node = n->plan,
                         .stage = stage,
                         .depth = depth,
                         .rows_in = n->rows_in,
                         .rows_out = n->rows_out,
                         .batches = n->batches,
                         .chunks_read = n->chunks_read,
                         .bytes_read = n->bytes_read,
                         .seconds = n->seconds};
    if (n->plan->kind == PC_PLAN_SCAN) out->rows_scanned += n->rows_in;
    for (int i = 0; i < n->child_count; i++) {
        list(flow, stage, n->child[i], depth + 1, out);
    }
}

static pc_status gather_shares(pc_comm *comm, pc_arena *arena, pc_query_profile *p, pc_error *err)
{
    const size_t count = (size_t)p->node_count;
    pc_buffer all = {.budget = arena->budget};
    pc_op_share *mine = pc_arena_array(arena, count + 1, sizeof *mine, err);
    p->share = pc_arena_array(arena, count * (size_t)pc_comm_size(comm) + 1, sizeof *mine, err);
    pc_status status = mine == NULL || p->share == NULL ? PC_NO_MEMORY : PC_OK;
    status = pc_comm_agree(comm, status, err);
    if (status != PC_OK) return status;
    for (size_t i = 0; i < count; i++) {
        const pc_op_profile *n = &p->node[i];
        mine[i] = (pc_op_share){n->rows_in, n->rows_out, n->chunks_read, n->bytes_read, n->seconds};
    }
    const pc_span span = {(const char *)mine, count * sizeof *mine};
    status = pc_comm_gather(comm, span, &all, NULL, err);
    if (status == PC_OK && all.bytes > 0) memcpy(p->share, all.data, all.bytes);
    pc_buffer_release(&all);
    return status;
}

static void sum_over_ranks(pc_comm *comm, pc_query_profile *p, int64_t *sum, int64_t *slowest)
{
    pc_run_counts *counts = &p->counts;
    int64_t *const read[READ] = {&counts->read.blocks,         &counts->read.slots,
                                 &counts->read.rows,           &counts->read.chunks_read,
                                 &counts->read.chunks_skipped, &counts->read.bytes_read,
                                 &counts->read.bytes_decoded,  &counts->shards};
    int at = 0;
    for (int i = 0; i < p->node_count; i++) {
        sum[at++] = p->node[i].rows_in;
        sum[at++] = p->node[i].rows_out;
        sum[at++] = p->node[i].batches;
        sum[at++] = p->node[i].chunks_read;
        sum[at++] = p->node[i].bytes_read;
        slowest[i] = (int64_t)(p->node[i].seconds * MICROSECONDS);
    }
    for (int i = 0; i < READ; i++) {
        sum[at++] = *read[i];
    }
    sum[at++] = p->rows_scanned;
    slowest[p->node_count] = (int64_t)(counts->seconds * MICROSECONDS);
    pc_comm_sum_int64(comm, sum, at);
    pc_comm_max_int64(comm, slowest, p->node_count + 1);
    at = 0;
    for (int i = 0; i < p->node_count; i++) {
        p->node[i].rows_in = sum[at++];
        p->node[i].rows_out = sum[at++];
        p->node[i].batches = sum[at++];
        p->node[i].chunks_read = sum[at++];
        p->node[i].bytes_read = sum[at++];
        p->node[i].seconds = (double)slowest[i] / MICROSECONDS;
    }
    for (int i = 0; i < READ; i++) {
        *read[i] = sum[at++];
    }
    p->rows_scanned = sum[at];
    counts->seconds = (double)slowest[p->node_count] / MICROSECONDS;
}

pc_status pc_exec_profile(pc_comm *comm, const pc_flow *const *flow, int flow_count,
                          pc_arena *arena, pc_query_profile *profile, pc_error *err)
{
    size_t count = 0;
    for (int i = 0; i < flow_count; i++) {
        count += (size_t)flow[i]->count;
    }
    profile->node = pc_arena_array(arena, count + 1, sizeof *profile->node, err);
    int64_t *sum = pc_arena_array(arena, count * PER_NODE + READ + 1, sizeof *sum, err);
    int64_t *slowest = pc_arena_array(arena, count + 1, sizeof *slowest, err);
    pc_status status = PC_OK;
    if (profile->node == NULL || sum == NULL || slowest == NULL) status = PC_NO_MEMORY;
    status = pc_comm_agree(comm, status, err);
    if (status != PC_OK) return status;
    for (int i = 0; i < flow_count; i++) {
        list(flow[i], i, 0, 0, profile);
    }
    profile->stage_count = flow_count;
    status = gather_shares(comm, arena, profile, err);
    if (status == PC_OK) sum_over_ranks(comm, profile, sum, slowest);
    return status;
}
