/** @file results.h
 *  What a study brings out: tallies of its statistics, flows and rows of its cohorts. Filled block
 *  by block on each rank, reduced to rank 0, written there.
 */
#ifndef PC_RESULTS_H
#define PC_RESULTS_H
#include "eval.h"
#include "parcours/release.h"
#include "tally.h"

/** Rows of a cohort on one rank: pieces of one shard each, rows in order of slots. */
typedef struct pc_cohort_rows_of_rank {
    const pc_node *node;
    int attribute_count;
    int *attribute;   ///< [attribute_count] record columns that are written
    pc_buffer rows;   ///< packed, one behind the other
    pc_buffer pieces; ///< pc_cohort_piece [...]
} pc_cohort_rows_of_rank;

typedef struct pc_cohort_piece {
    int64_t shard, first_byte, bytes, rows;
} pc_cohort_piece;

typedef struct pc_statistic_state {
    const pc_statistic *statistic;
    const pc_node *subject; ///< whose records are classed by `by`
    const pc_node *other;   ///< of prevalence its timeline, else of `in`; or NULL
    pc_record_column *key;  ///< [by_count]
    pc_tally groups, all;   ///< by group; all records together
} pc_statistic_state;

typedef struct pc_results {
    const pc_study *study;
    pc_nodes *nodes;
    pc_block_eval *eval;
    pc_budget *budget;
    int64_t slot_base; ///< slots of the blocks before this one
    int statistic_count;
    pc_statistic_state *statistic;
    int cohort_count;
    pc_cohort_rows_of_rank *cohort;
} pc_results;

pc_status pc_results_open(pc_results *results, pc_block_eval *eval, pc_error *err) PC_MUST_CHECK;
void pc_results_close(pc_results *results);
/** Adds the records of the block that was just evaluated. */
pc_status pc_results_add(pc_results *results, int shard, pc_error *err) PC_MUST_CHECK;
/** pc_pack and pc_merge of the tallies and flows (cohort rows go by pc_cohorts_write). */
pc_status pc_results_pack(void *context, pc_buffer *out, pc_error *err);
pc_status pc_results_merge(void *context, pc_span other, pc_error *err);

/** The table of a statistic. Memory of `arena`. */
pc_status pc_statistic_result(const pc_results *results, const pc_statistic_state *state,
                              pc_arena *arena, pc_result *out, pc_error *err) PC_MUST_CHECK;

// cohort_rows.c
pc_status pc_cohort_rows_add(pc_results *results, pc_cohort_rows_of_rank *cohort, int shard,
                             pc_error *err) PC_MUST_CHECK;
/** Collective. Writes the files of as many cohorts as there are ranks, from `first` on: rank r that
 *  of cohort first + r, pieces in order of shards, to its `path`. */
pc_status pc_cohorts_write(pc_comm *comm, pc_results *results, int first, const char *path,
                           pc_error *err) PC_MUST_CHECK;

#endif
