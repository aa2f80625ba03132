/** @file tally.h
 *  Exact counts by group, as a state that merges: the same on any number of ranks and in any order.
 */
#ifndef PC_TALLY_H
#define PC_TALLY_H
#include "record.h"

/** What is counted in a group. A patient lies in one slot and a slot on one rank, so distinct
 *  patients add up over ranks. */
typedef struct pc_tally_counts {
    int64_t records, patients, population;
    pc_int128 total;
    int64_t last_patient, last_member; ///< slots that were counted last; -1: none
} pc_tally_counts;

enum { PC_TALLY_KEYS_MAX = PC_STUDY_BY_MAX + 4 }; // a statistic's `by`, and what it adds itself

/** Groups in order of arrival. Start with zero, then pc_tally_open. */
typedef struct pc_tally {
    int key_count;
    int extra_count;             ///< the last of the keys: those that a statistic adds to its `by`
    const pc_record_column *key; ///< [key_count] borrowed: types
    pc_words *words;             ///< borrowed: texts of keys
    int64_t count;
    pc_buffer keys;   ///< int64_t [count][key_count]
    pc_buffer counts; ///< pc_tally_counts [count]
    pc_buffer places; ///< int64_t [a power of two] index + 1, 0: free
} pc_tally;

void pc_tally_open(pc_tally *tally, const pc_record_column *key, int key_count, pc_words *words,
                   pc_budget *budget);
void pc_tally_close(pc_tally *tally);
/** The counts of a group, made when it is not there yet; valid until the next call. */
pc_status pc_tally_find(pc_tally *tally, const int64_t *key, pc_tally_counts **out,
                        pc_error *err) PC_MUST_CHECK;
/** Key and counts of a group by its index. */
const int64_t *pc_tally_key(const pc_tally *tally, int64_t index);
pc_tally_counts *pc_tally_counts_at(const pc_tally *tally, int64_t index);
/** The groups of many rows at once, made when they are not there yet.
 *  @param column  [key_count] of [count] values
 *  @param wanted  [count] false: the row is in no group
 *  @param group  [count] indices of groups, from 0; of rows that are not wanted as it was */
pc_status pc_tally_find_rows(pc_tally *tally, int64_t *const *column, const bool *wanted, int count,
                             int64_t *group, pc_error *err) PC_MUST_CHECK;
/** Counts records of one slot, and the slot once. Slots come one after the other.
 *  @param records  with the event; `total` is added to the total
 *  @param has_event  the slot is one of `patients` too */
static inline void pc_tally_count(pc_tally_counts *counts, int64_t slot, int64_t records,
                                  bool has_event, int64_t total)
{
    counts->records += records;
    counts->total += total;
    counts->population += counts->last_member != slot;
    counts->last_member = slot;
    counts->patients += has_event && counts->last_patient != slot;
    counts->last_patient = has_event ? slot : counts->last_patient;
}
/** Appends all groups to `out`, texts written out. */
pc_status pc_tally_pack(const pc_tally *tally, pc_buffer *out, pc_error *err) PC_MUST_CHECK;
/** Adds a packed tally at `*at` of `in` and moves `*at` behind it. PC_BAD_INPUT: cut short. */
pc_status pc_tally_merge(pc_tally *tally, pc_span in, size_t *at, pc_error *err) PC_MUST_CHECK;
/** The groups ordered by their keys, nulls last: indices [count], in `arena`. */
pc_status pc_tally_order(const pc_tally *tally, pc_arena *arena, int64_t **out,
                         pc_error *err) PC_MUST_CHECK;

#endif
