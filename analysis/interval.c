/* interval.c: see interval.h. */
#include "analysis/interval.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

#define UPPER 0.975 /* quantile that leaves 2.5 % above it */

static const struct interval nothing = {NAN, NAN, NAN};

static struct interval wilson(double p, double n, double z)
{
    double middle = p + z * z / (2 * n);
    double half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    double scale = 1 + z * z / n;
    return (struct interval){p, fmax(0, (middle - half) / scale), fmin(1, (middle + half) / scale)};
}

struct interval interval_share(const double *hits, const double *trials, int seeds)
{
    double all = 0, n = 0, squares = 0;
    for (int i = 0; i < seeds; i++) {
        all += hits[i];
        n += trials[i];
    }
    double p = all / n;
    if (!(n > 0) || !(p >= 0 && p <= 1))
        return nothing;
    if (seeds == 1)
        return wilson(p, n, gsl_cdf_ugaussian_Pinv(UPPER));
    for (int i = 0; i < seeds; i++)
        squares += (hits[i] - p * trials[i]) * (hits[i] - p * trials[i]);
    double variance = seeds / (seeds - 1.0) * squares / (n * n);
    double effective = variance > 0 ? fmin(n, p * (1 - p) / variance) : n;
    return wilson(p, effective, gsl_cdf_tdist_Pinv(UPPER, seeds - 1));
}

struct interval interval_mean(const double *values, int seeds)
{
    double sum = 0, squares = 0;
    for (int i = 0; i < seeds; i++)
        sum += values[i];
    if (seeds < 1 || !isfinite(sum))
        return nothing;
    double mean = sum / seeds;
    if (seeds == 1)
        return (struct interval){mean, NAN, NAN};
    for (int i = 0; i < seeds; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    double half = gsl_cdf_tdist_Pinv(UPPER, seeds - 1) * sqrt(squares / (seeds - 1.0) / seeds);
    return (struct interval){mean, mean - half, mean + half};
}
