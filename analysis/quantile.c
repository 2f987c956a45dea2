/* quantile.c: see quantile.h. */
#include "analysis/quantile.h"

#include <gsl/gsl_cdf.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>

static const struct interval nothing = {NAN, NAN, NAN};

/* Beyond so many deviations of the beta distribution its weights are below 1e-30. */
#define HARRELL_DAVIS_REACH 12

static bool in_range(long count, double q)
{
    return count > 0 && count < INT_MAX && q > 0 && q < 1;
}

static long rank_of(long count, double q)
{
    double rank = ceil((double)count * q);
    return rank < 1 ? 1 : rank > (double)count ? count : (long)rank;
}

double quantile_value(const double *sorted, long count, double q)
{
    return in_range(count, q) ? sorted[rank_of(count, q) - 1] : NAN;
}

/* Beyond so many, GSL's binomial and beta distributions give out (seen at 3 million). */
#define COUNT_EXACT 1000000

/* The smallest k with P(Bin(n, q) <= k) > level. */
static long binomial_quantile(long n, double q, double level)
{
    double mean = (double)n * q, deviation = sqrt(mean * (1 - q));
    if (n > COUNT_EXACT)
        return (long)floor(mean + gsl_cdf_ugaussian_Pinv(level) * deviation);
    long low = -1, high = n; /* low is too small, high is not */
    while (high - low > 1) {
        long middle = low + (high - low) / 2;
        if (gsl_cdf_binomial_P((unsigned)middle, q, (unsigned)n) > level)
            high = middle;
        else
            low = middle;
    }
    return high;
}

/* With K the number of values below the quantile, binomial, value number r lies above it
 * when K < r.  Lower rank l: P(K < l) <= alpha/2; upper u: P(K >= u) <= alpha/2. */
struct interval quantile_interval(const double *sorted, long count, double q, double alpha)
{
    if (!in_range(count, q))
        return nothing;
    long lower = binomial_quantile(count, q, alpha / 2);
    long upper = count + 1 - binomial_quantile(count, 1 - q, alpha / 2);
    return (struct interval){quantile_value(sorted, count, q), lower >= 1 ? sorted[lower - 1] : NAN,
                             upper <= count ? sorted[upper - 1] : NAN};
}

struct interval quantile_harrell_davis(const double *sorted, long count, double q, double alpha)
{
    if (!in_range(count, q) || count > COUNT_EXACT)
        return nothing;
    double n = (double)count, a = (n + 1) * q, b = (n + 1) * (1 - q);
    double reach = HARRELL_DAVIS_REACH * sqrt(q * (1 - q) / (n + 2));
    long first = (long)fmax(0, floor((q - reach) * n));
    long last = (long)fmin(n, ceil((q + reach) * n));
    double mean = 0, square = 0, before = 0;
    for (long i = first; i < last; i++) {
        double now = i + 1 < last ? gsl_cdf_beta_P((double)(i + 1) / n, a, b) : 1;
        mean += (now - before) * sorted[i];
        square += (now - before) * sorted[i] * sorted[i];
        before = now;
    }
    double half = gsl_cdf_ugaussian_Qinv(alpha / 2) * sqrt(fmax(0, square - mean * mean));
    return (struct interval){mean, mean - half, mean + half};
}

double quantile_restricted_mean(const double *sorted, long count, long trials, double limit)
{
    if (trials <= 0 || count < 0 || count > trials)
        return NAN;
    double sum = (double)(trials - count) * limit;
    for (long i = 0; i < count; i++)
        sum += fmin(sorted[i], limit);
    return sum / (double)trials;
}

double quantile_restricted(const double *sorted, long count, long trials, double q, double limit)
{
    if (!in_range(trials, q) || count < 0 || count > trials)
        return NAN;
    long rank = rank_of(trials, q);
    return rank <= count ? fmin(sorted[rank - 1], limit) : limit;
}
