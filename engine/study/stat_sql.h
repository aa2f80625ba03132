/** @file stat_sql.h
 *  Statistics `sql`: queries whose FROM names timelines beside tables. Each is a pass of its own
 *  over the store for what is released, and another for the true counts.
 */
#ifndef PC_STAT_SQL_H
#define PC_STAT_SQL_H
#include "eval.h"
#include "parcours/exec.h"

/** The answers to one statistic: for release, and with all counts. */
typedef struct pc_sql_answer {
    pc_result result[2];
} pc_sql_answer;

/** Collective. Runs the study's statistics `sql`. Matching must be over: all passes of `eval` but
 *  the last.
 *  @param query  store, catalogue, budget and log
 *  @param arena  owns the answers
 *  @param out    [statistic_count] filled on rank 0, for statistics `sql` */
pc_status pc_sql_statistics_run(pc_comm *comm, pc_block_eval *eval, const pc_query_run *query,
                                pc_arena *arena, pc_sql_answer **out, pc_error *err) PC_MUST_CHECK;

#endif
