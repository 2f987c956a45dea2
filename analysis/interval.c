/* interval.c: see interval.h. */
#include "analysis/interval.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

#include "analysis/proportion.h"

#define ALPHA 0.05 /* what a 95 % interval may miss */

static const struct interval nothing = {NAN, NAN, NAN};

struct interval interval_share(const double *hits, const double *trials, int seeds)
{
    return proportion_clustered(hits, trials, seeds, ALPHA);
}

struct interval interval_mean_at(const double *values, int seeds, double alpha)
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
    double error = sqrt(squares / (seeds - 1.0) / seeds);
    double half = gsl_cdf_tdist_Qinv(alpha / 2, seeds - 1) * error;
    return (struct interval){mean, mean - half, mean + half};
}

struct interval interval_mean(const double *values, int seeds)
{
    return interval_mean_at(values, seeds, ALPHA);
}
