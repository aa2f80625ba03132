/** @file exec_private.h
 *  A plan's chain of operators, and what collects its last rows. Private to engine/exec_*.c.
 */
#ifndef PC_ENGINE_EXEC_PRIVATE_H
#define PC_ENGINE_EXEC_PRIVATE_H
#include "parcours/exec.h"
#include "parcours/op.h"

/** The rows of a result while they come. Start with zeros. */
typedef struct pc_collector pc_collector;
pc_status pc_collector_new(const pc_schema *schema, pc_budget *budget, pc_collector **out,
                           pc_error *err) PC_MUST_CHECK;
/** Accepts NULL. */
void pc_collector_free(pc_collector *collector);
/** Adds rows of the schema. Local. */
pc_status pc_collector_add(pc_collector *collector, const pc_batch *batch,
                           pc_error *err) PC_MUST_CHECK;
int64_t pc_collector_rows(const pc_collector *collector);
/** Column `column` of all rows, copied to `arena`. */
pc_status pc_collector_column(const pc_collector *collector, int column, pc_arena *arena,
                              pc_column *out, pc_error *err) PC_MUST_CHECK;

/** The operators of a plan, from its scan up. Entry 0 stands for the scan and has no operator. */
typedef struct pc_pipeline {
    int count;
    pc_op op[PC_MAX_PLAN_NODES]; ///< [count]
    int reduce_at;               ///< first operator with state
    pc_arena arena;              ///< of the operators
    pc_arena scratch;            ///< of one batch
    pc_query_profile *profile;
} pc_pipeline;

/** Opens the operators. `pipeline` is of zeros but for the arenas' budgets and the profile. Close
 *  it even when this failed. Local. */
pc_status pc_pipeline_open(pc_pipeline *pipeline, const pc_plan *root, pc_error *err) PC_MUST_CHECK;
void pc_pipeline_close(pc_pipeline *pipeline);
/** Pushes a batch of the scan through the operators up to the first with state. Local. */
pc_status pc_pipeline_push(pc_pipeline *pipeline, pc_batch *batch, pc_error *err) PC_MUST_CHECK;
/** Runs what is behind the first operator with state, into `collector`. Local. */
pc_status pc_pipeline_finish(pc_pipeline *pipeline, pc_collector *collector,
                             pc_error *err) PC_MUST_CHECK;

#endif
