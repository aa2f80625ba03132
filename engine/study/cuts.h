/** @file cuts.h
 *  Where runs of days are cut so that on each piece all is the same: calendar years, the beginnings
 *  and ends of other runs.
 */
#ifndef PC_CUTS_H
#define PC_CUTS_H
#include "eval.h"
#include "spans.h"

/** Appends a day (int64_t) to `cuts` when a piece of `run` would begin there. */
pc_status pc_cut_day(const pc_days *run, int64_t day, pc_buffer *cuts, pc_error *err) PC_MUST_CHECK;
/** The first days of calendar years. */
pc_status pc_cut_years(pc_block_eval *eval, const pc_days *run, pc_buffer *cuts,
                       pc_error *err) PC_MUST_CHECK;
/** Where other runs begin, and the days after their last. */
pc_status pc_cut_runs(const pc_days *run, const pc_days *other, int64_t count, pc_buffer *cuts,
                      pc_error *err) PC_MUST_CHECK;
/** Adds the first day of `run` and puts the days in order, each once: piece i goes from cut i to
 * the day before the next, the last one to the end of `run`. */
pc_status pc_cut_sort(const pc_days *run, pc_buffer *cuts, pc_error *err) PC_MUST_CHECK;
/** Does one of the runs, in order, hold a day. */
bool pc_days_hold(const pc_days *run, int64_t count, int64_t day);

#endif
