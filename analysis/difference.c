/* difference.c: see difference.h.
 *
 * A mean is a share with one trial per seed, so that one arithmetic serves both.  With the
 * ratios p_0 and p_1 of the two arms, seed s leaves e_s = (y_1 - p_1 m_1)/M_1 - (y_0 - p_0
 * m_0)/M_0, and p_1 - p_0 has the variance S/(S-1) sum e_s^2. */
#include "analysis/difference.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "analysis/keyed.h"
#include "analysis/proportion.h"
#include "stack/check.h"

/* A spread below this part of the difference is rounding. */
#define ROUNDING 1e-9

/* Two statistics that differ by less than this part are one, rounded twice. */
#define ALIKE 1e-9

#define FLIP_KEY      0x666c6970 /* "flip" */
#define BOOTSTRAP_KEY 0x626f6f74 /* "boot" */

/* The seeds that count: hits and trials of arm 0, the base, and arm 1. */
struct pairs {
    int seeds;
    double *hits[2], *trials[2];
};

static struct pairs pairs_take(const double *const hits[2], const double *const trials[2],
                               int seeds)
{
    size_t n = seeds > 0 ? (size_t)seeds : 0;
    double *block = calloc(4 * n + 1, sizeof *block);
    CHECK(block);
    struct pairs all = {0, {block, block + n}, {block + 2 * n, block + 3 * n}};
    for (int s = 0; s < seeds; s++) {
        bool counts = true;
        for (int arm = 0; arm < 2; arm++) {
            all.hits[arm][all.seeds] = hits[arm][s];
            all.trials[arm][all.seeds] = trials[arm] ? trials[arm][s] : 1;
            counts = counts && isfinite(hits[arm][s]) && all.trials[arm][all.seeds] > 0;
        }
        all.seeds += counts;
    }
    return all;
}

static void pairs_free(struct pairs *pairs)
{
    free(pairs->hits[0]);
}

static double sum_of(const double *values, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += values[i];
    return sum;
}

static double ratio_of(const struct pairs *pairs, int arm)
{
    return sum_of(pairs->hits[arm], pairs->seeds) / sum_of(pairs->trials[arm], pairs->seeds);
}

/* Value, spread and correlation; the intervals come after. */
static void measure(struct difference *d, const struct pairs *pairs)
{
    double ratio[2], all[2], square[2] = {0, 0}, product = 0, squares = 0;
    int n = pairs->seeds;
    for (int arm = 0; arm < 2; arm++) {
        ratio[arm] = ratio_of(pairs, arm);
        all[arm] = sum_of(pairs->trials[arm], n);
    }
    for (int s = 0; s < n; s++) {
        double e[2];
        for (int arm = 0; arm < 2; arm++) {
            e[arm] = (pairs->hits[arm][s] - ratio[arm] * pairs->trials[arm][s]) / all[arm];
            square[arm] += e[arm] * e[arm];
        }
        product += e[0] * e[1];
        squares += (e[1] - e[0]) * (e[1] - e[0]);
    }
    double scale = n / (n - 1.0);
    d->delta.value = d->inner.value = ratio[1] - ratio[0];
    d->error = sqrt(scale * squares);
    d->correlation = product / sqrt(square[0] * square[1]);
    d->variance_paired = scale * squares * n;
    d->variance_unpaired = scale * (square[0] + square[1]) * n;
}

/* All seeds differ by the same: no spread to judge by. */
static bool uniform(const struct difference *d)
{
    return d->error <= ROUNDING * fabs(d->delta.value);
}

/* The distance from the value at which no change in `least` trials would have its limit:
 * Wilson's for 0 of n, z^2/(n + z^2). */
static double unseen(const struct difference *d, double quantile)
{
    return quantile * quantile / (d->least + quantile * quantile);
}

static struct interval student(const struct difference *d, double alpha)
{
    double value = d->delta.value;
    double quantile = gsl_cdf_tdist_Qinv(alpha / 2, d->pairs - 1);
    double half = fmax(quantile * d->error, unseen(d, quantile));
    return (struct interval){value, value - half, value + half};
}

/* The p at which an end of `student` lies at 0. */
static double student_p(const struct difference *d)
{
    double far = fabs(d->delta.value);
    double t = far / d->error;
    if (isfinite(d->least))
        t = fmin(t, far < 1 ? sqrt(far * d->least / (1 - far)) : t);
    return 2 * gsl_cdf_tdist_Q(t, d->pairs - 1);
}

/* By chance alone, S equal differences have one sign with probability 2^(1-S). */
static struct interval sign_interval(const struct difference *d, double alpha)
{
    double value = d->delta.value;
    if (value == 0 || d->p < alpha)
        return (struct interval){value, value, value};
    return (struct interval){value, fmin(0, 2 * value), fmax(0, 2 * value)};
}

/* What an exchange of labels in some seeds moves from the candidate to the base. */
struct exchange {
    double hits, trials;
};

/* Counts a seed `times` more: -1 takes it back. */
static void exchange_add(struct exchange *x, const struct pairs *pairs, int seed, double times)
{
    x->hits += times * (pairs->hits[1][seed] - pairs->hits[0][seed]);
    x->trials += times * (pairs->trials[1][seed] - pairs->trials[0][seed]);
}

/* Exchanges the seeds whose bits are set; beyond the 64th the key draws the bits. */
static struct exchange exchange_of(const struct pairs *pairs, uint64_t key, uint64_t bits)
{
    struct exchange x = {0, 0};
    for (int s = 0; s < pairs->seeds; s++, bits >>= 1) {
        if (s > 0 && s % 64 == 0)
            bits = keyed_word(key, (uint64_t)s / 64);
        exchange_add(&x, pairs, s, (double)(bits & 1));
    }
    return x;
}

/* Both arms as they are, and how far apart an exchange has to put them. */
struct extreme {
    double hits[2], trials[2], far;
};

static struct extreme extreme_of(const struct pairs *pairs)
{
    struct extreme e;
    for (int arm = 0; arm < 2; arm++) {
        e.hits[arm] = sum_of(pairs->hits[arm], pairs->seeds);
        e.trials[arm] = sum_of(pairs->trials[arm], pairs->seeds);
    }
    e.far = fabs(e.hits[1] / e.trials[1] - e.hits[0] / e.trials[0]) * (1 - ALIKE);
    return e;
}

static bool reached(const struct extreme *e, struct exchange x)
{
    double base = e->trials[0] + x.trials, candidate = e->trials[1] - x.trials;
    double apart = (e->hits[1] - x.hits) * base - (e->hits[0] + x.hits) * candidate;
    return fabs(apart) >= e->far * base * candidate;
}

/* Sums are taken afresh after so many steps, so that rounding does not add up. */
#define AFRESH 1024

/* All exchanges but those of the last seed, which only turn the sign: a Gray code changes
 * one seed per step. */
static double flip_all(const struct pairs *pairs, const struct extreme *e)
{
    struct exchange x = {0, 0};
    uint64_t flips = (uint64_t)1 << (pairs->seeds - 1), found = 0;
    for (uint64_t i = 0; i < flips; i++) {
        uint64_t gray = i ^ i >> 1;
        int seed = 0;
        while (i > 0 && !(i >> seed & 1))
            seed++;
        if (i % AFRESH == 0)
            x = exchange_of(pairs, 0, gray);
        else
            exchange_add(&x, pairs, seed, gray >> seed & 1 ? 1 : -1);
        found += reached(e, x);
    }
    return (double)found / (double)flips;
}

/* If the versions are alike, either could have been called the base in any seed. */
static double flip_p(const struct pairs *pairs)
{
    struct extreme e = extreme_of(pairs);
    int found = 0;
    if (pairs->seeds <= DIFFERENCE_EXACT)
        return flip_all(pairs, &e);
    for (uint64_t flip = 0; flip < DIFFERENCE_FLIPS; flip++) {
        uint64_t key = FLIP_KEY + flip;
        found += reached(&e, exchange_of(pairs, key, keyed_word(key, 0)));
    }
    return (found + 1.0) / (DIFFERENCE_FLIPS + 1.0);
}

static const struct interval unknown = {NAN, NAN, NAN};

/* Everything but `base`, `candidate` and `least`, by Student's t. */
static void judge(struct difference *d, const struct pairs *pairs)
{
    d->pairs = pairs->seeds;
    measure(d, pairs);
    if (d->pairs < 2 || !isfinite(d->delta.value))
        return;
    d->p_flip = flip_p(pairs);
    if (uniform(d) && !isfinite(d->least)) {
        d->p = d->delta.value == 0 ? 1 : ldexp(1, 1 - d->pairs);
        d->delta = sign_interval(d, d->alpha);
        d->inner = sign_interval(d, 2 * d->alpha);
        return;
    }
    d->p = student_p(d);
    d->delta = student(d, d->alpha);
    d->inner = student(d, 2 * d->alpha);
}

static struct difference empty(double alpha)
{
    CHECK(alpha > 0 && alpha < 0.5);
    return (struct difference){.base = unknown,
                               .candidate = unknown,
                               .delta = unknown,
                               .inner = unknown,
                               .p = NAN,
                               .p_flip = NAN,
                               .alpha = alpha,
                               .error = NAN,
                               .least = INFINITY,
                               .correlation = NAN,
                               .variance_paired = NAN,
                               .variance_unpaired = NAN};
}

static bool sensible(const struct pairs *pairs)
{
    for (int arm = 0; arm < 2; arm++)
        for (int s = 0; s < pairs->seeds; s++) {
            double hits = pairs->hits[arm][s], trials = pairs->trials[arm][s];
            if (!(hits >= 0 && hits <= trials && isfinite(trials)))
                return false;
        }
    return pairs->seeds > 0;
}

struct difference difference_shares(const double *hits_base, const double *trials_base,
                                    const double *hits_candidate, const double *trials_candidate,
                                    int seeds, double alpha)
{
    struct difference d = empty(alpha);
    struct pairs pairs = pairs_take((const double *const[]){hits_base, hits_candidate},
                                    (const double *const[]){trials_base, trials_candidate}, seeds);
    int n = pairs.seeds;
    if (sensible(&pairs)) {
        d.least = fmin(sum_of(pairs.trials[0], n), sum_of(pairs.trials[1], n));
        d.base = proportion_clustered(pairs.hits[0], pairs.trials[0], n, alpha);
        d.candidate = proportion_clustered(pairs.hits[1], pairs.trials[1], n, alpha);
        judge(&d, &pairs);
    }
    pairs_free(&pairs);
    return d;
}

static struct pairs values_take(const double *base, const double *candidate, int seeds)
{
    return pairs_take((const double *const[]){base, candidate}, (const double *const[]){NULL, NULL},
                      seeds);
}

static struct difference means(const struct pairs *pairs, double alpha)
{
    struct difference d = empty(alpha);
    if (pairs->seeds > 0) {
        d.base = interval_mean_at(pairs->hits[0], pairs->seeds, alpha);
        d.candidate = interval_mean_at(pairs->hits[1], pairs->seeds, alpha);
        judge(&d, pairs);
    }
    return d;
}

struct difference difference_means(const double *base, const double *candidate, int seeds,
                                   double alpha)
{
    struct pairs pairs = values_take(base, candidate, seeds);
    struct difference d = means(&pairs, alpha);
    pairs_free(&pairs);
    return d;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Mean differences of resampled seeds, both arms of a seed together, ascending. */
static void resample(const struct pairs *pairs, double means[DIFFERENCE_RESAMPLES])
{
    uint32_t n = (uint32_t)pairs->seeds;
    for (uint64_t i = 0; i < DIFFERENCE_RESAMPLES; i++) {
        double sum = 0;
        for (uint64_t k = 0; k < n; k++) {
            uint32_t seed = keyed_below(BOOTSTRAP_KEY, i * n + k, n);
            sum += pairs->hits[1][seed] - pairs->hits[0][seed];
        }
        means[i] = sum / n;
    }
    qsort(means, DIFFERENCE_RESAMPLES, sizeof *means, ascending);
}

/* A resample spreads like sqrt((n-1)/n) of what it should, and by the normal quantile, not
 * t's: the expanded percentile interval makes up for both. */
static double expansion(int pairs)
{
    return sqrt(pairs / (pairs - 1.0));
}

static struct interval percentile(const struct difference *d, const double *means, double alpha)
{
    double quantile = expansion(d->pairs) * gsl_cdf_tdist_Qinv(alpha / 2, d->pairs - 1);
    int rank = (int)(gsl_cdf_ugaussian_Q(quantile) * (DIFFERENCE_RESAMPLES + 1));
    if (rank < 1)
        return (struct interval){d->delta.value, -INFINITY, INFINITY};
    return (struct interval){d->delta.value, means[rank - 1], means[DIFFERENCE_RESAMPLES - rank]};
}

/* The level at which an end of `percentile` comes to 0. */
static double percentile_p(const struct difference *d, const double *means)
{
    int below = 0, above = 0;
    for (int i = 0; i < DIFFERENCE_RESAMPLES; i++) {
        below += means[i] <= 0;
        above += means[i] >= 0;
    }
    double part = fmin(0.5, (fmin(below, above) + 1) / (DIFFERENCE_RESAMPLES + 1));
    double t = gsl_cdf_ugaussian_Qinv(part) / expansion(d->pairs);
    return 2 * gsl_cdf_tdist_Q(t, d->pairs - 1);
}

static void bootstrap(struct difference *d, const struct pairs *pairs)
{
    double means[DIFFERENCE_RESAMPLES];
    resample(pairs, means);
    d->delta = percentile(d, means, d->alpha);
    d->inner = percentile(d, means, 2 * d->alpha);
    d->p = percentile_p(d, means);
}

struct difference difference_quantiles(const double *base, const double *candidate, int seeds,
                                       double alpha)
{
    struct pairs pairs = values_take(base, candidate, seeds);
    struct difference d = means(&pairs, alpha);
    if (d.pairs >= DIFFERENCE_BOOTSTRAP && !uniform(&d))
        bootstrap(&d, &pairs);
    pairs_free(&pairs);
    return d;
}
