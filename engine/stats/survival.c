// Survival and cumulative incidence from counts by time.
#include <assert.h>
#include <math.h>
#include "parcours/stats.h"

static const double z = 1.959963984540054; // the normal quantile of 95 %

/** The log-log interval of a probability strictly between 0 and 1. */
static pc_interval log_log(double value, double variance)
{
    if (!(value > 0 && value < 1)) return (pc_interval){NAN, NAN};
    const double width = z * sqrt(variance) / (value * log(value));
    const double a = pow(value, exp(width)), b = pow(value, exp(-width));
    return a < b ? (pc_interval){a, b} : (pc_interval){b, a};
}

/** Aalen and Johansen's cumulative incidence up to a time, with the variance by the delta method
 *  (Marubini and Valsecchi, 1995, section 10.4). The sums run twice: the variance needs the end. */
static void cumulate(const pc_survival_count *at, int count, int64_t at_risk, pc_survival *out)
{
    double survival = 1, incidence = 0, greenwood = 0;
    double n = (double)at_risk;
    for (int i = 0; i < count && n > 0; i++) {
        const double events = (double)at[i].events, all = events + (double)at[i].competing;
        incidence += survival * events / n;
        if (n > all) greenwood += all / (n * (n - all));
        survival *= 1 - all / n;
        n -= all + (double)at[i].censored;
    }
    double variance = 0, so_far = 0, before = 1;
    n = (double)at_risk;
    for (int i = 0; i < count && n > 0; i++) {
        const double events = (double)at[i].events, all = events + (double)at[i].competing;
        so_far += before * events / n;
        const double left = incidence - so_far;
        if (n > all) variance += left * left * all / (n * (n - all));
        variance += before * before * events * (n - events) / (n * n * n);
        variance -= 2 * left * before * events / (n * n);
        before *= 1 - all / n;
        n -= all + (double)at[i].censored;
    }
    out->survival = survival;
    out->survival_interval = log_log(survival, survival * survival * greenwood);
    out->incidence = incidence;
    out->incidence_interval = log_log(incidence, variance);
}

void pc_survival_at(const pc_survival_count *at, int count, int64_t day, pc_survival *out)
{
    *out = (pc_survival){0};
    int64_t total = 0;
    int until = 0; // times that are counted
    for (int i = 0; i < count; i++) {
        assert(i == 0 || at[i].day > at[i - 1].day);
        const int64_t here = at[i].events + at[i].competing + at[i].censored;
        total += here;
        if (at[i].day >= day) out->at_risk += here;
        if (at[i].day > day) continue;
        until = i + 1;
        out->events += at[i].events;
        out->competing += at[i].competing;
    }
    cumulate(at, until, total, out);
}
