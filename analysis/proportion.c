/* proportion.c: see proportion.h. */
#include "analysis/proportion.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>

/* Beyond so many, GSL's binomial and beta distributions give out (seen at 8 million), and
 * the normal one agrees to more digits than are ever shown. */
#define COUNT_EXACT 1e6
#define COUNT_RARE  1e4 /* fewer of one kind are no trouble among any number */

static const struct interval nothing = {NAN, NAN, NAN};

static bool counts(double hits, double trials)
{
    return trials > 0 && hits >= 0 && hits <= trials && isfinite(trials);
}

static double normal_quantile(double alpha)
{
    return gsl_cdf_ugaussian_Qinv(alpha / 2);
}

struct interval proportion_score(double share, double trials, double z)
{
    double middle = share + z * z / (2 * trials);
    double half = z * sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials));
    double scale = 1 + z * z / trials;
    /* Rounding must not put a limit on the wrong side of the share itself. */
    double lo = fmin(share, fmax(0, (middle - half) / scale));
    double hi = fmax(share, fmin(1, (middle + half) / scale));
    return (struct interval){share, lo, hi};
}

struct interval proportion_wilson(double hits, double trials, double alpha)
{
    if (!counts(hits, trials))
        return nothing;
    return proportion_score(hits / trials, trials, normal_quantile(alpha));
}

/* The x with P(Beta(a, b) <= x) = level, by halving until the numbers run out: GSL's own
 * inverse fails to converge for small a or b. */
static double beta_quantile(double level, double a, double b)
{
    double low = 0, high = 1, middle = 0.5;
    while (middle > low && middle < high) {
        if (gsl_cdf_beta_P(middle, a, b) < level)
            low = middle;
        else
            high = middle;
        middle = low + (high - low) / 2;
    }
    return high;
}

struct interval proportion_clopper_pearson(double hits, double trials, double alpha)
{
    if (!counts(hits, trials))
        return nothing;
    double misses = trials - hits;
    if (trials > COUNT_EXACT && fmin(hits, misses) > COUNT_RARE)
        return proportion_wilson(hits, trials, alpha);
    double lo = hits > 0 ? beta_quantile(alpha / 2, hits, misses + 1) : 0;
    double hi = misses > 0 ? 1 - beta_quantile(alpha / 2, misses, hits + 1) : 1;
    return (struct interval){hits / trials, lo, hi};
}

struct interval proportion_clustered(const double *hits, const double *trials, int seeds,
                                     double alpha)
{
    double all = 0, n = 0, squares = 0;
    for (int i = 0; i < seeds; i++) {
        all += hits[i];
        n += trials[i];
    }
    if (!counts(all, n))
        return nothing;
    if (seeds == 1)
        return proportion_wilson(all, n, alpha);
    double p = all / n;
    for (int i = 0; i < seeds; i++)
        squares += (hits[i] - p * trials[i]) * (hits[i] - p * trials[i]);
    double variance = seeds / (seeds - 1.0) * squares / (n * n);
    double effective = variance > 0 ? fmin(n, p * (1 - p) / variance) : n;
    return proportion_score(p, effective, gsl_cdf_tdist_Qinv(alpha / 2, seeds - 1));
}

/* How far the limits of two shares lie from their values, seen from the difference. */
static double reach(double one, double other, double phi)
{
    return sqrt(fmax(0, one * one - 2 * phi * one * other + other * other));
}

static struct interval hybrid(struct interval first, struct interval second, double phi)
{
    double difference = second.value - first.value;
    double down = reach(second.value - second.lo, first.hi - first.value, phi);
    double up = reach(second.hi - second.value, first.value - first.lo, phi);
    return (struct interval){difference, difference - down, difference + up};
}

struct interval proportion_newcombe(double first_hits, double first_trials, double second_hits,
                                    double second_trials, double alpha)
{
    if (!counts(first_hits, first_trials) || !counts(second_hits, second_trials))
        return nothing;
    return hybrid(proportion_wilson(first_hits, first_trials, alpha),
                  proportion_wilson(second_hits, second_trials, alpha), 0);
}

/* The correlation of the two outcomes, drawn towards 0 by Newcombe's continuity correction
 * where it is positive. */
static double correlation(struct proportion_pairs x, double n)
{
    double margins = (x.both + x.first_only) * (x.second_only + x.neither) *
                     (x.both + x.second_only) * (x.first_only + x.neither);
    double product = x.both * x.neither - x.first_only * x.second_only;
    if (!(margins > 0))
        return 0;
    if (product > 0)
        product = fmax(0, product - n / 2);
    return product / sqrt(margins);
}

struct interval proportion_newcombe_paired(struct proportion_pairs x, double alpha)
{
    double n = x.both + x.first_only + x.second_only + x.neither;
    double least = fmin(fmin(x.both, x.first_only), fmin(x.second_only, x.neither));
    if (!(n > 0) || !(least >= 0) || !isfinite(n))
        return nothing;
    struct interval first = proportion_wilson(x.both + x.first_only, n, alpha);
    struct interval second = proportion_wilson(x.both + x.second_only, n, alpha);
    return hybrid(first, second, correlation(x, n));
}

/* P(Bin(n, 1/2) <= fewer) less this part of its last term, both tails. */
static double mcnemar(double first_only, double second_only, double part)
{
    double n = first_only + second_only, fewer = fmin(first_only, second_only);
    if (!(fewer >= 0) || !isfinite(n))
        return NAN;
    if (n > COUNT_EXACT)
        return fmin(1, 2 * gsl_cdf_ugaussian_P((2 * fewer + 1 - 2 * part - n) / sqrt(n)));
    unsigned all = (unsigned)n, few = (unsigned)fewer;
    double tail = gsl_cdf_binomial_P(few, 0.5, all) - part * gsl_ran_binomial_pdf(few, 0.5, all);
    return fmin(1, 2 * tail);
}

double proportion_mcnemar_exact(double first_only, double second_only)
{
    return mcnemar(first_only, second_only, 0);
}

double proportion_mcnemar_midp(double first_only, double second_only)
{
    return mcnemar(first_only, second_only, 0.5);
}
