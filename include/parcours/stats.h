/** @file parcours/stats.h
 *  Statistics from exact counts.
 */
#ifndef PC_STATS_H
#define PC_STATS_H
#include <stdint.h>

/** A 95 % interval of a share. */
typedef struct pc_interval {
    double low, high; ///< 0 .. 1; NaN when the count is 0
} pc_interval;

/** Wilson's score interval of `hits` of `count` (0 <= hits <= count). Local. */
pc_interval pc_wilson_interval(int64_t hits, int64_t count);
/** The exact interval of Clopper and Pearson, by quantiles of the beta distribution. Local. */
pc_interval pc_exact_interval(int64_t hits, int64_t count);

#endif
