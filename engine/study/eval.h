/** @file eval.h
 *  Timelines of one block: each node's records, from those of the nodes before it. No files, no
 *  ranks: a function of the block's rows.
 */
#ifndef PC_EVAL_H
#define PC_EVAL_H
#include "node.h"

/** One block being evaluated, and what lives longer than it. Start with zero, then
 *  pc_block_eval_open. */
typedef struct pc_block_eval {
    pc_nodes *nodes;
    pc_budget *budget;
    pc_words words;
    pc_arena run_arena;         ///< as long as the run
    pc_arena arena;             ///< as long as the block
    size_t arena_bytes;         ///< what `arena` keeps from block to block, in its first piece
    pc_arena_block *arena_base; ///< that piece, or NULL
    pc_arena scratch;           ///< shorter
    pc_expr_state *state;
    int32_t first_day, last_day; ///< the store's period
    int pass;                    ///< over the store: matching first, then all (nodes->passes)
    // Of the block:
    pc_block *block;
    const pc_reader *reader;
    int slot_count;
    struct {
        int64_t day;
        int year;        ///< 0: free
    } year_of[16];       ///< years of days met lately, by pc_timeline_year
    uint8_t *is_person;  ///< [slot_count] 1: a patient with a PERSON row
    int32_t *person_row; ///< [slot_count] row of PERSON, or -1
} pc_block_eval;

pc_status pc_block_eval_open(pc_block_eval *eval, pc_nodes *nodes, pc_budget *budget,
                             int32_t first_day, int32_t last_day, pc_error *err) PC_MUST_CHECK;
void pc_block_eval_close(pc_block_eval *eval);
/** Makes the records of every node; they stay until the next block. */
pc_status pc_block_eval_run(pc_block_eval *eval, pc_block *block, const pc_reader *reader,
                            pc_error *err) PC_MUST_CHECK;

/** The values of a record column as a batch column, in `arena`. */
pc_status pc_timeline_column(const pc_block_eval *eval, const int64_t *value, pc_type type,
                             uint8_t scale, int count, pc_arena *arena, pc_column *out,
                             pc_error *err) PC_MUST_CHECK;
/** Values of SQL for records `from` .. `from + count - 1` (at most PC_BATCH_ROWS). `out` lives in
 *  the scratch arena or the expression state. */
pc_status pc_timeline_sql(pc_block_eval *eval, const pc_records *records,
                          const pc_record_schema *schema, const pc_record_sql *sql, int64_t from,
                          int count, pc_column *out, pc_error *err) PC_MUST_CHECK;
/** `keep[row]` becomes 0 where a predicate is not true. */
pc_status pc_timeline_where(pc_block_eval *eval, const pc_records *records,
                            const pc_record_schema *schema, const pc_record_sql *sql, uint8_t *keep,
                            pc_error *err) PC_MUST_CHECK;
/** The calendar year of a day. */
int pc_timeline_year(pc_block_eval *eval, int64_t day);
/** A column of PERSON, loaded. */
pc_status pc_timeline_person(pc_block_eval *eval, const char *name, const pc_column **out,
                             pc_error *err) PC_MUST_CHECK;

// look.c
/** What a look gives for an anchor that sees nothing. */
int64_t pc_timeline_nothing(pc_verb verb);
/** Calls `each` for every record of `anchors` with `active` that may see something, with what the
 *  look gives: PC_NULL or a value as in record columns (booleans 0 and 1). The others see nothing.
 */
pc_status pc_timeline_look_each(pc_block_eval *eval, const pc_condition *condition,
                                const pc_records *anchors, const pc_def *anchor_def,
                                const uint8_t *active,
                                void (*each)(void *context, int64_t anchor, int64_t value),
                                void *context, pc_error *err) PC_MUST_CHECK;
/** The same for all anchors at once: `result` [count]. */
pc_status pc_timeline_look(pc_block_eval *eval, const pc_condition *condition,
                           const pc_records *anchors, const pc_def *anchor_def,
                           const uint8_t *active, int64_t *result, pc_error *err) PC_MUST_CHECK;
// condition.c
/** `keep[row]` becomes 0 where the condition is not true; rows that are 0 are not looked at. */
pc_status pc_timeline_condition(pc_block_eval *eval, const pc_condition *condition,
                                const pc_records *anchors, const pc_def *anchor_def, uint8_t *keep,
                                pc_error *err) PC_MUST_CHECK;
/** Fills the columns of the measures of `def` that are needed. */
pc_status pc_timeline_measures(pc_block_eval *eval, pc_node *node, pc_error *err) PC_MUST_CHECK;
/** Applies pick to `records`, which are in order, within `per` columns. */
pc_status pc_timeline_pick(pc_block_eval *eval, const pc_records *records, pc_pick pick,
                           int64_t apart, const int *per, int per_count, uint8_t *keep,
                           pc_error *err) PC_MUST_CHECK;

// eval_group.c
/** Puts the rows `from .. end-1` in order of the values of `key` as they are stored; equal ones
 * stay in order. `order` and `other` are [end] at least. */
void pc_records_order_by(const pc_records *in, const int *key, int key_count, int64_t from,
                         int64_t end, int64_t *order, int64_t *other);
bool pc_records_same(const pc_records *in, const int *key, int key_count, int64_t a, int64_t b);
pc_status pc_timeline_group(pc_block_eval *eval, pc_node *node, pc_error *err) PC_MUST_CHECK;

// eval_span.c
/** Periods of other timelines, and exposures. */
pc_status pc_timeline_period(pc_block_eval *eval, pc_node *node, pc_error *err) PC_MUST_CHECK;
// eval_exposure.c
pc_status pc_timeline_exposure(pc_block_eval *eval, pc_node *node, pc_error *err) PC_MUST_CHECK;
// eval_exit.c
/** Ends the records of a cohort by its exits. `keep[row]` becomes 0 where the earliest lies before
 *  the start, else 1. The records stay in order. */
pc_status pc_timeline_exit(pc_block_eval *eval, pc_node *node, uint8_t *keep,
                           pc_error *err) PC_MUST_CHECK;
/** Joins records of a patient by the cohort's gap: the first of each run gets the run's end and the
 *  reason of the one that ends it; `keep[row]` is 1 for it and 0 for the others. */
void pc_timeline_join(pc_node *node, uint8_t *keep);

// eval_given.c
/** Appends a record; all but its days is null. */
pc_status pc_timeline_add(pc_block_eval *eval, pc_node *node, int32_t slot, int64_t start,
                          int64_t end, pc_error *err) PC_MUST_CHECK;
/** Calendar units, fixed days, `study`, `observation`, `death`. */
pc_status pc_timeline_given(pc_block_eval *eval, pc_node *node, pc_error *err) PC_MUST_CHECK;
/** A cohort, step by step; the steps' counts are added up in the node. */
pc_status pc_timeline_cohort(pc_block_eval *eval, pc_node *node, pc_error *err) PC_MUST_CHECK;

// eval_block.c
/** The records of all inputs behind each other, by the columns of `schema`; `needed` says which.
 *  Not yet in order. */
pc_status pc_timeline_gather(pc_block_eval *eval, const pc_node *node,
                             const pc_record_schema *schema, const bool *needed, pc_records *out,
                             pc_error *err) PC_MUST_CHECK;
/** The records of all inputs in order, with stage 1 of an event applied. */
pc_status pc_timeline_merge(pc_block_eval *eval, pc_node *node, pc_error *err) PC_MUST_CHECK;
/** True when stage 1 changes nothing: one input, no SQL. */
bool pc_timeline_is_copy(const pc_node *node);
/** Then, in place of pc_timeline_merge: the records of the input with `keep` (0 or 1). */
pc_status pc_timeline_copy(pc_block_eval *eval, pc_node *node, const uint8_t *keep,
                           pc_error *err) PC_MUST_CHECK;

#endif
