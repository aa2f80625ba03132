/** @file results.h
 *  What a study brings out: tallies of its statistics, flows and rows of its cohorts. Filled block
 *  by block on each rank, reduced to rank 0, written there.
 */
#ifndef PC_RESULTS_H
#define PC_RESULTS_H
#include "eval.h"
#include "parcours/release.h"
#include "parcours/stats.h"
#include "tally.h"

/** Rows of a cohort on one rank: pieces of one shard each, rows in order of slots. */
typedef struct pc_cohort_rows_of_rank {
    const pc_node *node;
    int attribute_count;
    int *attribute;   ///< [attribute_count] record columns that are written
    pc_type *type;    ///< [attribute_count] theirs
    size_t row_bytes; ///< of the attributes of a row, packed, where none is a text
    bool has_texts;
    pc_buffer rows;   ///< packed, one behind the other
    pc_buffer pieces; ///< pc_cohort_piece [...]
} pc_cohort_rows_of_rank;

typedef struct pc_cohort_piece {
    int64_t shard, first_byte, bytes, rows;
} pc_cohort_piece;

/** The tallies of a statistic: by group and of all records together; and the same by classes of sex
 *  and age, for standardising. */
enum { PC_GROUPS, PC_ALL, PC_CLASSES, PC_ALL_CLASSES, PC_TALLIES };

typedef struct pc_statistic_state {
    const pc_statistic *statistic;
    const pc_node *subject; ///< whose records are classed by `by`, or NULL
    const pc_node *other;   ///< the outcome; of `count` that of `in`; or NULL
    const pc_node **of;     ///< [of_count]
    const pc_node **split;  ///< [split_count]
    pc_record_column *key;  ///< [by_count + extra_count]
    int extra_count;        ///< keys of the tallies behind `by`: of the statistic itself
    pc_tally tally[PC_TALLIES];
} pc_statistic_state;

typedef struct pc_results {
    const pc_study *study;
    pc_nodes *nodes;
    pc_block_eval *eval;
    pc_budget *budget;
    int64_t slot_base; ///< slots of the blocks before this one
    int64_t
        shards_here; ///< an even share of the shards, or 0: how many this rank can expect to read
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

// statistic.c
/** What is done with one record. `by` [by_count]: its group. */
typedef pc_status (*pc_statistic_row)(pc_results *results, pc_statistic_state *state,
                                      const pc_records *records, int64_t row, const int64_t *by,
                                      const void *context, pc_error *err);
/** Some records in a row with their groups: rows `from` .. `from` + `count` - 1 of `records`. */
typedef struct pc_statistic_rows {
    const pc_records *records;
    int64_t from;
    int count;          ///< at most PC_BATCH_ROWS
    int64_t *const *by; ///< [by_count] of [count]
} pc_statistic_rows;
typedef pc_status (*pc_statistic_batch)(pc_results *results, pc_statistic_state *state,
                                        const pc_statistic_rows *rows, const void *context,
                                        pc_error *err);
/** Calls `each` for all records, batch by batch. The columns of `records` are those of
 *  `statistic->piece`. */
pc_status pc_statistic_batches(pc_results *results, pc_statistic_state *state,
                               const pc_records *records, pc_statistic_batch each,
                               const void *context, pc_error *err) PC_MUST_CHECK;
/** Calls `each` for every record, with its values of `by`. The columns of `records` are those of
 *  `statistic->piece`. */
pc_status pc_statistic_each(pc_results *results, pc_statistic_state *state,
                            const pc_records *records, pc_statistic_row each, const void *context,
                            pc_error *err) PC_MUST_CHECK;
/** The counts of a group and of all, with further keys `extra` [extra_count of these tallies].
 *  @param classes  those by classes of sex and age */
pc_status pc_statistic_find(pc_statistic_state *state, bool classes, const int64_t *by,
                            const int64_t *extra, pc_tally_counts *out[2],
                            pc_error *err) PC_MUST_CHECK;
/** Counts a record in its class of sex and age, if both are known. */
pc_status pc_statistic_class(pc_results *results, pc_statistic_state *state, int32_t slot,
                             int64_t year, const int64_t *by, int64_t records, bool has_event,
                             int64_t total, pc_error *err) PC_MUST_CHECK;

/** Entries of a tally that are of one group. */
typedef struct pc_group {
    const pc_tally *tally;
    const int64_t *by;    ///< [by_count] NULL: all records together
    const int64_t *order; ///< [count] entries, by the further keys
    int64_t count;
} pc_group;
/** The groups of a statistic in order, the last all records together. Memory of `arena`. */
pc_status pc_statistic_groups(const pc_statistic_state *state, bool classes, pc_arena *arena,
                              pc_group **out, int64_t *count, pc_error *err) PC_MUST_CHECK;
/** The further keys of entry `index` of a group, and its counts. */
const int64_t *pc_group_extra(const pc_group *group, int64_t index);
const pc_tally_counts *pc_group_counts(const pc_group *group, int64_t index);
/** The group's directly standardised rate, from the groups by classes. `by_total`: of the total,
 *  else of the distinct people. False: nobody has a class. */
bool pc_statistic_standardise(const pc_group *classes, int64_t class_groups, const pc_group *group,
                              const pc_statistic *statistic, bool by_total, pc_standardised *out);

// stat_*.c: what each verb does with a block, and its table.
pc_status pc_count_add(pc_results *results, pc_statistic_state *state, pc_error *err);
pc_status pc_incidence_add(pc_results *results, pc_statistic_state *state, pc_error *err);
pc_status pc_survival_add(pc_results *results, pc_statistic_state *state, pc_error *err);
pc_status pc_summary_add(pc_results *results, pc_statistic_state *state, pc_error *err);
pc_status pc_overlap_add(pc_results *results, pc_statistic_state *state, pc_error *err);
/** Does a record of `there` in that slot hold a day of [start, end]. */
bool pc_records_touch(const pc_records *there, int32_t slot, int64_t start, int64_t end);

// cohort_rows.c
pc_status pc_cohort_rows_add(pc_results *results, pc_cohort_rows_of_rank *cohort, int shard,
                             pc_error *err) PC_MUST_CHECK;
/** A row as it was packed. */
typedef struct pc_cohort_packed {
    char patient[PC_SLOT_TEXT_BYTES];
    int32_t start, end;     ///< `end` INT32_MIN: open
    const char *attributes; ///< [attribute_count] yes or no in a byte, a number in eight, or the
                            ///< length of a text and its bytes
} pc_cohort_packed;
/** Reads packed rows one by one. Start with `{.cohort = c, .in = rows}`. */
typedef struct pc_cohort_reader {
    const pc_cohort_rows_of_rank *cohort;
    pc_span in;
    size_t at;
    uint32_t rows_left; ///< of the patient
    char patient[PC_SLOT_TEXT_BYTES];
} pc_cohort_reader;
/** The next row. @return PC_BAD_INPUT: the bytes are not those of rows */
pc_status pc_cohort_next(pc_cohort_reader *reader, pc_cohort_packed *out, pc_error *err);
/** The next attribute of a row: `*at` starts with its `attributes`. Null: PC_NULL, of texts
 *  `text->data` NULL. */
void pc_cohort_attribute_next(pc_type type, const char **at, int64_t *value, pc_span *text);

// cohort_files.c
/** Writes the file of every cohort, each rank its own rows, in order of shards. Collective.
 *  @param path  [cohort_count] the same on all ranks
 *  @param hash  [cohort_count] the BLAKE2b of each file, on rank 0 */
pc_status pc_cohort_files_write(pc_comm *comm, pc_results *results, int64_t shard_count,
                                const char *const *path, char (*hash)[PC_DIGEST_TEXT_BYTES],
                                pc_error *err) PC_MUST_CHECK;

#endif
