/** @file parcours/stats.h
 *  Statistics from exact counts.
 */
#ifndef PC_STATS_H
#define PC_STATS_H
#include <stdint.h>

/** A 95 % interval. */
typedef struct pc_interval {
    double low, high; ///< NaN when there is none
} pc_interval;

/** Wilson's score interval of `hits` of `count` (0 <= hits <= count), 0 .. 1; NaN when the count is
 *  0. Local. */
pc_interval pc_wilson_interval(int64_t hits, int64_t count);
/** The exact interval of Clopper and Pearson, by quantiles of the beta distribution. Local. */
pc_interval pc_exact_interval(int64_t hits, int64_t count);
/** The exact interval of the mean of a Poisson count (Garwood, 1936). Local. */
pc_interval pc_poisson_interval(int64_t count);
/** The gamma interval of a weighted sum of Poisson counts (Fay and Feuer, 1997).
 *  @param sum       of weight x count
 *  @param variance  of weight^2 x count
 *  @param largest   of the weights; 0: NaN */
pc_interval pc_gamma_interval(double sum, double variance, double largest);

/** Events and people (or years) of one class of sex and age. */
typedef struct pc_standard_count {
    double weight; ///< of the class in the standard population
    double events, population;
} pc_standard_count;

typedef struct pc_standardised {
    double rate; ///< events by population
    pc_interval interval;
} pc_standardised;

/** The directly standardised rate: classes without population are left out and the shares of the
 *  others scaled to add up to 1. Local. */
void pc_standardise(const pc_standard_count *count, int classes_given, pc_standardised *out);

/** How many left after that many days, and why. */
typedef struct pc_survival_count {
    int64_t day, events, competing, censored;
} pc_survival_count;

/** What is known up to and including a day. */
typedef struct pc_survival {
    int64_t at_risk;           ///< followed up to that day or longer
    int64_t events, competing; ///< until then
    double survival;           ///< of event and competing ones (Kaplan and Meier, 1958)
    double incidence;          ///< of the event (Aalen and Johansen, 1978)
    pc_interval survival_interval, incidence_interval; ///< log-log; NaN at 0 and 1
} pc_survival;

/** @param at  [count] in order of days, each once. Of one day events come before censorings. Local.
 */
void pc_survival_at(const pc_survival_count *at, int count, int64_t day, pc_survival *out);

#endif
