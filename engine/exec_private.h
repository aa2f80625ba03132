/** @file exec_private.h
 *  How a plan runs. It is cut into stages where rows must be with all ranks (SHARE) or with others
 *  of their keys (EXCHANGE), or a value must be known (subqueries used as values); a stage is a
 *  flow: a tree of operators over one block after the other, up to the first operator whose state
 *  is of all ranks. That state is merged on rank 0, which runs what is behind it; a state too large
 *  for that goes in parts to all ranks, and each runs the rest for its parts. Stages that do not
 *  need each other run in one loop over shards. Private to engine/exec_*.c.
 */
#ifndef PC_ENGINE_EXEC_PRIVATE_H
#define PC_ENGINE_EXEC_PRIVATE_H
#include "exec_aside.h"
#include "parcours/exec.h"
#include "parcours/op.h"
#include "parcours/table.h"

/** Which leaves give rows. */
typedef enum pc_pass {
    PC_PASS_BUILD, ///< of what joins keep for the whole stage: rows that every rank has
    PC_PASS_BLOCK, ///< a block of a shard
    PC_PASS_PART,  ///< a part of what was exchanged
    PC_PASS_LAST   ///< on rank 0, after the last block: rows that every rank has, once
} pc_pass;

typedef struct pc_flow_node {
    const pc_plan *plan;
    int parent; ///< -1: the root
    int child_count;
    int child[PC_MAX_PLAN_INPUTS];
    pc_op op;             ///< type NULL: a leaf or a union
    pc_op nobody;         ///< by_slot: takes the rows of nobody
    bool has_nobody;      ///< it took some on this rank
    int key;              ///< by_slot: the output column that tells the slot
    pc_scan *scan;        ///< SCAN; owned
    pc_table *own_rows;   ///< VALUES, UNION of slots; owned
    const pc_table *rows; ///< SHARE: what the stage before gave; VALUES: own_rows
    pc_aside *taken;      ///< EXCHANGE: what the stage before gave
    pc_aside *parts;      ///< of a state that was too large: what is not in `op`; owned
    pc_buffer sample;     ///< packed rows of `parts`, where these become ranges
    int64_t since_spill;  ///< batches that were pushed since
    int64_t rows_in, rows_out, batches;
    int64_t chunks_read, bytes_read; ///< SCAN of shards
    double seconds;                  ///< of this operator alone
} pc_flow_node;

/** A plan being run on this rank. Node 0 is the root; a node's inputs come behind it. */
typedef struct pc_flow {
    int count;
    pc_flow_node node[PC_MAX_PLAN_NODES];
    int reduce_at;   ///< the lowest node whose state is of all ranks
    bool has_shards; ///< some scan reads shards
    bool has_parts;  ///< some leaf is an EXCHANGE
    pc_pass pass;
    int part;
    pc_block *block;
    const pc_reader *reader;
    const pc_block_rows *rows; ///< of ROWS nodes
    pc_table *result;          ///< rows of the root; owned
    pc_arena arena;            ///< of the operators
    pc_arena scratch;          ///< of batches
    pc_budget *budget;
    pc_aside_plan parts; ///< scratch NULL: nothing is put aside
    size_t at_rest;      ///< of the budget, when it was opened or last put something aside
} pc_flow;

/** Where a flow's leaves come from. */
typedef struct pc_flow_source {
    const pc_catalog *catalog; ///< NULL: no scans (tests push rows themselves)
    /** Rows of a SHARE node, or NULL. */
    const pc_table *(*shared)(void *context, const pc_plan *node);
    const pc_block_rows *rows; ///< of ROWS nodes
    /** Rows of an EXCHANGE node. */
    pc_aside *(*exchanged)(void *context, const pc_plan *node);
    void *context;
    pc_aside_plan parts;
} pc_flow_source;

/** Opens operators and scans, and fills what joins keep for the whole stage. `root` must have a
 *  state of all ranks somewhere (pc_flow_needs_sort). Close it even when this failed. Local. */
pc_status pc_flow_open(pc_flow *flow, const pc_plan *root, const pc_flow_source *source,
                       pc_budget *budget, pc_error *err) PC_MUST_CHECK;
void pc_flow_close(pc_flow *flow);
/** Fills what joins keep for the whole stage. Part of opening. */
pc_status pc_flow_fill(pc_flow *flow, pc_error *err) PC_MUST_CHECK;
/** True when no operator of the chain from the root down to the first leaf, join or union keeps a
 *  state of all ranks: then one that puts rows in order must be put on top. */
bool pc_flow_needs_sort(const pc_plan *root);
/** Marks the tables that its scans read. */
void pc_flow_tables(const pc_flow *flow, bool *needed);
/** Runs a block through the flow up to node `reduce_at`. Local. */
pc_status pc_flow_block(pc_flow *flow, pc_block *block, const pc_reader *reader,
                        pc_error *err) PC_MUST_CHECK;
/** What rank 0 adds once: rows that every rank has. Local. */
pc_status pc_flow_last(pc_flow *flow, pc_error *err) PC_MUST_CHECK;
/** Gives the rows of nobody that `node` kept (reduced to rank 0) to what is behind it. Local. */
pc_status pc_flow_nobody(pc_flow *flow, int node, pc_error *err) PC_MUST_CHECK;
/** Runs a part of what was exchanged through the flow. Local. */
pc_status pc_flow_part(pc_flow *flow, int part, pc_error *err) PC_MUST_CHECK;
/** The next node behind `node` that keeps a state; -1: none. */
int pc_flow_behind(const pc_flow *flow, int node);
/** Empties the state of `node` into what is behind it. Local. */
pc_status pc_flow_drain(pc_flow *flow, int node, pc_error *err) PC_MUST_CHECK;
/** Puts the state of `node` aside, by parts (of ranges: all of it in part 0, with a sample). */
pc_status pc_flow_spill(pc_flow *flow, int node, pc_error *err) PC_MUST_CHECK;
/** Bytes that states may take before they are put aside; SIZE_MAX: any. */
size_t pc_flow_room(const pc_flow *flow);
/** Bytes taken since the flow was at rest. */
size_t pc_flow_used(const pc_flow *flow);
/** True when the state of `node` should be put aside: little memory is left. */
bool pc_flow_is_full(const pc_flow *flow, int node);
/** A batch that node `from` made goes to its parent. Local. */
pc_status pc_flow_emit(pc_flow *flow, int from, pc_batch *batch, pc_error *err) PC_MUST_CHECK;

/** How the last state of a flow is left by pc_exec_reduce. */
typedef struct pc_reduced {
    int node;      ///< that keeps it
    bool in_parts; ///< its `parts` hold it, those that this rank owns; else rank 0 has it
} pc_reduced;
/** Collective. Reduces the states of a flow up to the last one: on rank 0, or in parts where that
 *  is too much for one rank (or `in_parts`: of a SPLIT). */
pc_status pc_exec_reduce(pc_comm *comm, pc_flow *flow, bool in_parts, pc_reduced *out,
                         pc_error *err) PC_MUST_CHECK;
/** Gives a part of the last state to what is behind it: into `flow->result`. Local. */
pc_status pc_exec_drain_part(pc_flow *flow, int node, int part, pc_error *err) PC_MUST_CHECK;

/** Collective. What the flows did, summed over ranks, into `profile`, whose arrays `arena` owns. */
pc_status pc_exec_profile(pc_comm *comm, const pc_flow *const *flow, int flow_count,
                          pc_arena *arena, pc_query_profile *profile, pc_error *err) PC_MUST_CHECK;

#endif
