// Exact intervals of counts and of weighted sums of counts, by quantiles of the gamma distribution.
#include <assert.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_sf_gamma.h>
#include <math.h>
#include "parcours/stats.h"

static const double half_alpha = 0.025; // 95 %, both sides

enum { BISECTION_MAX = 200 };

/** The `p` quantile of the gamma distribution of shape `a`, scale 1: GSL's own inverse ends the
 *  process when it does not converge, so the integral is inverted by halving. */
static double gamma_quantile(double p, double a)
{
    double low = 0, high = a + 10 * sqrt(a) + 20; // beyond all quantiles that are asked for
    for (int i = 0; i < BISECTION_MAX; i++) {
        const double middle = low + (high - low) / 2;
        if (middle <= low || middle >= high) break;
        if (gsl_sf_gamma_inc_P(a, middle) < p) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low + (high - low) / 2;
}

pc_interval pc_poisson_interval(int64_t count)
{
    assert(count >= 0);
    gsl_error_handler_t *before = gsl_set_error_handler_off();
    const double low = count == 0 ? 0 : gamma_quantile(half_alpha, (double)count);
    const double high = gamma_quantile(1 - half_alpha, (double)count + 1);
    gsl_set_error_handler(before);
    return (pc_interval){low, high};
}

pc_interval pc_gamma_interval(double sum, double variance, double largest)
{
    assert(sum >= 0 && variance >= 0 && largest >= 0);
    if (largest <= 0) return (pc_interval){NAN, NAN};
    // Fay and Feuer, 1997: the sum as a gamma variate with this mean and variance.
    gsl_error_handler_t *before = gsl_set_error_handler_off();
    double low = 0;
    if (sum > 0) {
        low = variance / sum * gamma_quantile(half_alpha, sum * sum / variance);
    }
    const double mean = sum + largest, spread = variance + largest * largest;
    const double high = spread / mean * gamma_quantile(1 - half_alpha, mean * mean / spread);
    gsl_set_error_handler(before);
    return (pc_interval){low, high};
}
