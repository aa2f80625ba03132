// Confidence intervals of a share.
#include "parcours/stats.h"
#include <assert.h>
#include <gsl/gsl_sf_gamma.h>
#include <math.h>

static const double half_alpha = 0.025;    // 95 %, both sides
static const double z = 1.959963984540054; // its normal quantile

enum {
    FRACTION_MAX = 100000, // terms; about the square root of the larger count is needed
    STEPS_MAX = 400        // a handful of Newton's; as halvings, shares as small as 1e-9 need 80
};

pc_interval pc_wilson_interval(int64_t hits, int64_t count)
{
    assert(hits >= 0 && hits <= count);
    if (count == 0) return (pc_interval){NAN, NAN};
    // Wilson, 1927: the shares whose score test does not reject what was seen.
    const double n = (double)count, p = (double)hits / n;
    const double middle = p + z * z / (2 * n);
    const double half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    const double scale = 1 + z * z / n;
    return (pc_interval){hits == 0 ? 0 : (middle - half) / scale,
                         hits == count ? 1 : (middle + half) / scale};
}

/** The continued fraction of the incomplete beta function (DLMF 8.17.22), by Lentz's method. */
static double beta_fraction(double a, double b, double x)
{
    const double tiny = 1e-300;
    double d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double c = 1, value = d;
    for (int m = 1; m < FRACTION_MAX; m++) {
        const double i = m;
        const double term[2] = {i * (b - i) * x / ((a + 2 * i - 1) * (a + 2 * i)),
                                -(a + i) * (a + b + i) * x / ((a + 2 * i) * (a + 2 * i + 1))};
        double step = 1;
        for (int half = 0; half < 2; half++) {
            d = 1 + term[half] * d;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            c = 1 + term[half] / c;
            if (fabs(c) < tiny) c = tiny;
            step = c * d;
            value *= step;
        }
        if (fabs(step - 1) < 1e-15) break;
    }
    return value;
}

/** The beta distribution's probability below `x`; `log_beta` is the logarithm of B(a, b). GSL's own
 * gives up beyond some 100,000 counts, and ends the process when its inverse does not converge. */
static double beta_below(double a, double b, double x, double log_beta)
{
    const double front = exp(a * log(x) + b * log1p(-x) - log_beta);
    if (x < (a + 1) / (a + b + 2)) return front * beta_fraction(a, b, x) / a;
    return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

/** The x below which the probability is `wanted`: Newton's steps from `guess`, kept between bounds
 * that close; a step that leaves them halves instead. */
static double beta_quantile(double a, double b, double wanted, double guess)
{
    const double log_beta = gsl_sf_lnbeta(a, b);
    double low = 0, high = 1, x = guess;
    for (int i = 0; i < STEPS_MAX; i++) {
        if (!(x > low && x < high)) x = low + (high - low) / 2;
        if (x <= low || x >= high) break; // no double lies between
        const double off = beta_below(a, b, x, log_beta) - wanted;
        *(off < 0 ? &low : &high) = x;
        const double density = exp((a - 1) * log(x) + (b - 1) * log1p(-x) - log_beta);
        const double step = off / density;
        x -= step;
        // Steps square: after one this small the next is below a double's precision.
        if (fabs(step) <= 1e-9 * x && x > low && x < high) return x;
    }
    return x;
}

pc_interval pc_exact_interval(int64_t hits, int64_t count)
{
    assert(hits >= 0 && hits <= count);
    if (count == 0) return (pc_interval){NAN, NAN};
    const double k = (double)hits, n = (double)count;
    // Clopper and Pearson, 1934; none and all have a closed form.
    if (hits == 0) return (pc_interval){0, -expm1(log(half_alpha) / n)};
    if (hits == count) return (pc_interval){exp(log(half_alpha) / n), 1};
    const pc_interval near = pc_wilson_interval(hits, count);
    return (pc_interval){beta_quantile(k, n - k + 1, half_alpha, near.low),
                         beta_quantile(k + 1, n - k, 1 - half_alpha, near.high)};
}
