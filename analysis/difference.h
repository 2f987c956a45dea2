/* difference.h: how far a candidate lies from its base over the same seeds.
 *
 * The seed is the unit: both versions meet the same worlds (common random numbers), so
 * that every seed gives one pair, and the spread of the pairs' differences is all that
 * counts.  Dials of one seed depend on one another and are no units.  Arrays have one
 * value per seed, the same seed at the same place. */
#ifndef ANALYSIS_DIFFERENCE_H
#define ANALYSIS_DIFFERENCE_H

#include "analysis/interval.h"

#define DIFFERENCE_RESAMPLES                                                                       \
    5000                           /* of the bootstrap: its ends are exact to about a tenth of sd  \
                                    */
#define DIFFERENCE_FLIPS     10000 /* of the sign-flip test beyond DIFFERENCE_EXACT seeds */
#define DIFFERENCE_EXACT     20    /* seeds up to which all 2^(S-1) flips are counted */
#define DIFFERENCE_BOOTSTRAP 15    /* seeds from which quantiles use the bootstrap, not t */

struct difference {
    struct interval base, candidate; /* each alone, two-sided 1 - alpha */
    struct interval delta;           /* candidate - base, two-sided 1 - alpha */
    struct interval inner;           /* the same, 1 - 2 alpha: its ends are the one-sided
                                        1 - alpha limits, and the whole is TOST's */
    double p;                        /* two-sided, of no difference: below alpha exactly
                                        where delta leaves out 0 */
    double p_flip;                   /* the same by the sign-flip permutation test: a check */
    double alpha;
    double error;             /* standard error of delta */
    int pairs;                /* seeds that count */
    double least;             /* no limit lies nearer to the value than by the counts of so many
                                 trials can be known; INFINITY: no such bound */
    double correlation;       /* of the two versions over seeds; NAN where one never varies */
    double variance_paired;   /* of one seed's difference */
    double variance_unpaired; /* what it would be with other seeds for each version: this
                                 divided by the paired is the gain of common random numbers */
};

/* Shares, hits of trials in each seed, combined as all hits of all trials (ratio form);
 * t with seeds - 1 degrees of freedom.  A seed without trials in either version does not
 * count.  However alike the seeds, limits keep the distance of the score interval for no
 * change seen in all trials: seeing no difference does not show that there is none.
 * Fewer than two seeds have a value and no interval; senseless counts have nothing. */
struct difference difference_shares(const double *hits_base, const double *trials_base,
                                    const double *hits_candidate, const double *trials_candidate,
                                    int seeds, double alpha);

/* Means over seeds of one value per seed, paired t.  A seed where a value is not finite
 * does not count. */
struct difference difference_means(const double *base, const double *candidate, int seeds,
                                   double alpha);

/* The same for values with long tails, as quantiles of a seed are: from
 * DIFFERENCE_BOOTSTRAP seeds on by the bootstrap of whole seeds, both versions together
 * (expanded percentile interval: T. Hesterberg, What teachers should know about the
 * bootstrap, Am. Stat. 69, 2015), with a key of its own, so that the same values always give
 * the same interval.  Its p is never below 0.004 (15 seeds) to 0.0006 (many). */
struct difference difference_quantiles(const double *base, const double *candidate, int seeds,
                                       double alpha);

#endif
