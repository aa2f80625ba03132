/** @file look_index.h
 *  Order in the records of one patient, so that a look finds its days and its records by bisection:
 *  with n anchors that look at n records, n log n steps in place of n * n.
 */
#ifndef PC_LOOK_INDEX_H
#define PC_LOOK_INDEX_H
#include "eval.h"

enum { PC_LOOK_FEW = 64 }; ///< records of a patient, or anchors, that need no index

/** Records of one patient, those of equal keys together, in each such group in their order. */
typedef struct pc_look_index {
    pc_records rows;         ///< 0 .. count - 1; only `column` and `count` hold
    int64_t **column;        ///< [column_count] of `rows`
    int64_t *latest;         ///< [count] the last day of the rows of the group until this one
    int64_t *covered;        ///< [count] how many days these rows cover
    int64_t *different_days; ///< [count] on how many different first days they start
    int64_t *order, *other;  ///< scratch
} pc_look_index;

/** Takes memory of `arena` for the longest patient of `records`, if there is one of more than
 *  PC_LOOK_FEW records; else `column` stays NULL. */
pc_status pc_look_index_open(pc_look_index *index, const pc_records *records, int slot_count,
                             bool has_keys, pc_arena *arena, pc_error *err) PC_MUST_CHECK;
/** Puts the records `from` .. `end - 1` of one patient in order of `key`. n log n steps with keys,
 *  else n. */
void pc_look_index_build(pc_look_index *index, const pc_records *records, int64_t from, int64_t end,
                         const int *key, int key_count);
/** The rows whose keys are `value`: `from` .. `end - 1`. */
void pc_look_index_group(const pc_look_index *index, const int *key, int key_count,
                         const int64_t *value, int64_t *from, int64_t *end);
/** The first of the rows `from` .. `end - 1` of a group that ends on `day` or later. */
int64_t pc_look_index_ends(const pc_look_index *index, int64_t from, int64_t end, int64_t day);
/** How many days from `low` to `high` the rows of a group cover. */
int64_t pc_look_index_days(const pc_look_index *index, int64_t from, int64_t end, int64_t low,
                           int64_t high);

#endif
