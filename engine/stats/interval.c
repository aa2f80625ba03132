// Confidence intervals of a share.
#include "parcours/stats.h"
#include <assert.h>
#include <gsl/gsl_sf_gamma.h>
#include <math.h>

static const double half_alpha = 0.025;    // 95 %, both sides
static const double z = 1.959963984540054; // its normal quantile

enum {
    FRACTION_MAX = 100000, // terms; about the square root of the larger count is needed
    BISECTION_MAX = 400    // halvings; a double has 53 bits, and shares may be as small as 1e-9
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

/** The beta distribution's probability below `x`. GSL's own gives up beyond some 100,000 counts,
 * and ends the process when its inverse does not converge. */
static double beta_below(double a, double b, double x)
{
    const double front = exp(a * log(x) + b * log1p(-x) - gsl_sf_lnbeta(a, b));
    if (x < (a + 1) / (a + b + 2)) return front * beta_fraction(a, b, x) / a;
    return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

/** The x below which the probability is `wanted`, to the last bit, by halving. */
static double beta_quantile(double a, double b, double wanted)
{
    double low = 0, high = 1;
    for (int i = 0; i < BISECTION_MAX; i++) {
        const double middle = low + (high - low) / 2;
        if (middle <= low || middle >= high) break;
        if (beta_below(a, b, middle) < wanted) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return high;
}

pc_interval pc_exact_interval(int64_t hits, int64_t count)
{
    assert(hits >= 0 && hits <= count);
    if (count == 0) return (pc_interval){NAN, NAN};
    const double k = (double)hits, n = (double)count;
    // Clopper and Pearson, 1934; none and all have a closed form.
    if (hits == 0) return (pc_interval){0, -expm1(log(half_alpha) / n)};
    if (hits == count) return (pc_interval){exp(log(half_alpha) / n), 1};
    return (pc_interval){beta_quantile(k, n - k + 1, half_alpha),
                         beta_quantile(k + 1, n - k, 1 - half_alpha)};
}
