/** @file exec_private.h
 *  How a plan runs. It is cut into stages where rows must be with all ranks (SHARE) or a value must
 *  be known (subqueries used as values); a stage is a flow: a tree of operators over one block
 * after the other, up to the first operator whose state is of all ranks, and what is behind that on
 * rank 0. Stages that do not need each other run in one loop over shards. Private to
 * engine/exec_*.c.
 */
#ifndef PC_ENGINE_EXEC_PRIVATE_H
#define PC_ENGINE_EXEC_PRIVATE_H
#include "parcours/exec.h"
#include "parcours/op.h"
#include "parcours/table.h"

/** Which leaves give rows. */
typedef enum pc_pass {
    PC_PASS_BUILD, ///< of what joins keep for the whole stage: rows that every rank has
    PC_PASS_BLOCK, ///< a block of a shard
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
    int64_t rows_in, rows_out, batches;
    double seconds; ///< of this operator alone
} pc_flow_node;

/** A plan being run on this rank. Node 0 is the root; a node's inputs come behind it. */
typedef struct pc_flow {
    int count;
    pc_flow_node node[PC_MAX_PLAN_NODES];
    int reduce_at;   ///< the lowest node whose state is of all ranks
    bool has_shards; ///< some scan reads shards
    pc_pass pass;
    pc_block *block;
    const pc_reader *reader;
    const pc_block_rows *rows; ///< of ROWS nodes
    pc_table *result;          ///< rows of the root; owned
    pc_arena arena;            ///< of the operators
    pc_arena scratch;          ///< of batches
    pc_budget *budget;
} pc_flow;

/** Where a flow's leaves come from. */
typedef struct pc_flow_source {
    const pc_catalog *catalog; ///< NULL: no scans (tests push rows themselves)
    /** Rows of a SHARE node, or NULL. */
    const pc_table *(*shared)(void *context, const pc_plan *node);
    const pc_block_rows *rows; ///< of ROWS nodes
    void *context;
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
/** Runs what is behind `reduce_at` into `result`. Local, on rank 0. */
pc_status pc_flow_finish(pc_flow *flow, pc_error *err) PC_MUST_CHECK;
/** A batch that node `from` made goes to its parent. Local. */
pc_status pc_flow_emit(pc_flow *flow, int from, pc_batch *batch, pc_error *err) PC_MUST_CHECK;

/** Collective. What the flows did, summed over ranks, into `profile`, whose arrays `arena` owns. */
pc_status pc_exec_profile(pc_comm *comm, const pc_flow *const *flow, int flow_count,
                          pc_arena *arena, pc_query_profile *profile, pc_error *err) PC_MUST_CHECK;

#endif
