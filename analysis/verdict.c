/* verdict.c: see verdict.h. */
#include "analysis/verdict.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdbool.h>

#include "stack/check.h"

#define POWER        0.95 /* of the planned comparison */
#define FREEDOM_MOST 1e5  /* beyond, the spread is certain, and GSL's inverse fails */
#define CAUTION      0.8  /* confidence that the spread is not larger than assumed (Browne 1995) */

/* Turned so that more is better. */
static struct interval gain(struct interval x, int better)
{
    CHECK(better == 1 || better == -1);
    return better > 0 ? x : (struct interval){-x.value, -x.hi, -x.lo};
}

/* Whether a loss as large as the margin is excluded; without any loss even by no margin. */
static bool harmless(double lo, double margin)
{
    return lo > -margin || lo >= 0;
}

static enum verdict within(struct interval inner, double margin)
{
    if (!harmless(inner.lo, margin))
        return VERDICT_UNDECIDED;
    return harmless(-inner.hi, margin) ? VERDICT_SAME : VERDICT_NOT_WORSE;
}

enum verdict verdict_of(const struct difference *difference, struct margin margin,
                        double p_adjusted)
{
    struct interval inner = gain(difference->inner, margin.better);
    bool shown = p_adjusted < difference->alpha;
    CHECK(margin.most >= 0);
    if (!isfinite(inner.lo) || !isfinite(inner.hi))
        return VERDICT_UNDECIDED;
    if (shown && inner.value > 0)
        return VERDICT_BETTER;
    if (shown && inner.value < 0)
        return harmless(inner.lo, margin.most) ? VERDICT_NOT_WORSE : VERDICT_WORSE;
    return within(inner, margin.most);
}

enum verdict verdict_sequential(struct interval always, struct margin margin)
{
    struct interval x = gain(always, margin.better);
    CHECK(margin.most >= 0);
    if (!isfinite(x.lo) || !isfinite(x.hi))
        return VERDICT_UNDECIDED;
    if (x.lo > 0)
        return VERDICT_BETTER;
    if (x.hi < 0)
        return harmless(x.lo, margin.most) ? VERDICT_NOT_WORSE : VERDICT_WORSE;
    return within(x, margin.most);
}

const char *verdict_name(enum verdict verdict)
{
    static const char *const names[] = {
        [VERDICT_BETTER] = "BETTER",       [VERDICT_WORSE] = "WORSE",
        [VERDICT_SAME] = "same",           [VERDICT_NOT_WORSE] = "not worse",
        [VERDICT_UNDECIDED] = "UNDECIDED",
    };
    return names[verdict];
}

/* What is known of one seed. */
struct seed {
    double deviation; /* of its difference */
    double trials;    /* INFINITY: not counts */
    int least;        /* seeds that there will be anyway */
};

/* Seeds at which a difference so far from a limit is shown beyond it with the power:
 * n >= ((t(1 - level) + t(power)) deviation/distance)^2; and limits come so near by the
 * number of trials: t^2/(n trials + t^2) <= distance. */
static double seeds_for(double distance, double level, struct seed seed)
{
    double n = seed.least;
    if (!(distance > 0))
        return INFINITY;
    for (int i = 0; i < 20 && n <= VERDICT_SEEDS_MOST; i++) { /* t hardly moves with n: settles */
        double t = gsl_cdf_tdist_Qinv(level, n - 1);
        double sum = (t + gsl_cdf_tdist_Pinv(POWER, n - 1)) * seed.deviation / distance;
        double counted = t * t * fmax(0, 1 - distance) / (distance * seed.trials);
        n = fmax(seed.least, ceil(fmax(sum * sum, counted)));
    }
    return n;
}

/* A true gain is decided by showing it different from 0, or no loss of the margin. */
static double seeds_if(double gain, double margin, double level, double alpha, struct seed seed)
{
    return fmin(seeds_for(fabs(gain), level, seed), seeds_for(gain + margin, alpha, seed));
}

int verdict_seeds_needed(const struct difference *d, struct margin margin, int family)
{
    double value = gain(d->delta, margin.better).value;
    CHECK(margin.most >= 0 && family > 0);
    if (!isfinite(d->error) || d->pairs < 2)
        return 0;
    double freedom = fmin(d->pairs - 1, FREEDOM_MOST);
    double spread = freedom / gsl_cdf_chisq_Pinv(1 - CAUTION, freedom);
    struct seed seed = {sqrt(d->variance_paired * spread), d->least / d->pairs, d->pairs + 1};
    double n = seeds_if(value, margin.most, d->alpha / 2 / family, d->alpha, seed);
    return n > VERDICT_SEEDS_MOST ? VERDICT_SEEDS_MOST + 1 : (int)n;
}
