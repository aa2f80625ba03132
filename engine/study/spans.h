/** @file spans.h
 *  Runs of days of one patient: joining, intersection, subtraction, coverage by supplies, and which
 *  values are held together. Plain arrays; no records, no arenas.
 */
#ifndef PC_SPANS_H
#define PC_SPANS_H
#include "record.h"

/** Days from `first` to `last`, both included; `last` PC_OPEN: without end. */
typedef struct pc_days {
    int64_t first, last;
} pc_days;

enum { PC_SUPPLY_MAX = 3652059 }; // days of the years 1 to 9999: a longer supply counts as that

/** Puts runs in order of first days; ties by last days. In place, n log n at worst. */
void pc_days_sort(pc_days *days, int64_t count);
/** Joins runs, in order of first days, when at most `gap` empty days lie between the latest end so
 *  far and the next start (-1: they share a day; PC_GAP_ALL: always). In place.
 *  @param run_of  [count] the joined run that each went into; NULL: not asked
 *  @return how many are left */
int64_t pc_days_join(pc_days *days, int64_t count, int64_t gap, int64_t *run_of);
/** Days in both; each input in order and joined with gap 0. `out` [a_count + b_count]. */
int64_t pc_days_both(const pc_days *a, int64_t a_count, const pc_days *b, int64_t b_count,
                     pc_days *out);
/** Days of `a` that are not in `b`; as above. `out` [a_count + b_count]. */
int64_t pc_days_without(const pc_days *a, int64_t a_count, const pc_days *b, int64_t b_count,
                        pc_days *out);
/** Deliveries in order, `days[i].first` the day and `supply[i]` (1 or more; PC_OPEN: for ever) how
 *  long they last, become what they cover. What is left over moves the next by at most `carry`. */
void pc_days_cover(pc_days *days, const int64_t *supply, int64_t count, int64_t carry);

/** An era of one value; values are numbered in their order. */
typedef struct pc_era {
    int64_t value;
    pc_days days;
} pc_era;

/** Days on which exactly these values are held: no larger set that holds contains them. */
typedef struct pc_held {
    int count;
    int64_t value[PC_STUDY_COMBINE_MAX]; ///< ascending
    pc_days days;
} pc_held;

enum { PC_HELD_AT_ONCE = 64 }; // values of one patient on one day

/** The sets of at most `most` values that hold: those of one value on its eras, larger ones on each
 *  intersection of one era a value that lasts `shortest` days or more. For each set its runs of
 * days where no larger one holds, in order of the set, then of days.
 *  @param era    [count] those of one value share no day
 *  @param held   pc_held [...], replaced
 *  @return PC_NO_MEMORY; PC_BAD_INPUT: more than PC_HELD_AT_ONCE values on one day */
pc_status pc_eras_combine(const pc_era *era, int64_t count, int most, int64_t shortest,
                          pc_buffer *held, pc_error *err) PC_MUST_CHECK;

#endif
