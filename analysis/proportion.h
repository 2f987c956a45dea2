/* proportion.h: intervals and tests of shares: one, two independent ones, two paired.
 *
 * Counts are doubles, as they come from SQL: whole numbers, 0 <= hits <= trials.  Every
 * interval is two-sided with confidence 1 - alpha, 0 < alpha < 1.  Senseless counts (no
 * trials, more hits than trials, NAN) give NAN. */
#ifndef ANALYSIS_PROPORTION_H
#define ANALYSIS_PROPORTION_H

#include "analysis/interval.h"

/* Score interval (E. B. Wilson 1927): the default for a share of independent trials. */
struct interval proportion_wilson(double hits, double trials, double alpha);

/* The same formula for a share and a number of trials that need not be whole, with a
 * quantile z of the caller's. */
struct interval proportion_score(double share, double trials, double z);

/* Exact by the binomial distribution (Clopper, Pearson 1934): covers at least 1 - alpha
 * whatever the share; for claims of "at least".  Where both kinds are so many that it makes
 * no difference, Wilson's. */
struct interval proportion_clopper_pearson(double hits, double trials, double alpha);

/* The share over seeds, of hits[i] out of trials[i] in seed i, when the trials of a seed
 * depend on one another: Wilson with the effective number of trials p(1-p)/V (at most
 * all), V the variance of the ratio estimate over seeds, and the quantile of Student's t
 * with seeds - 1 degrees of freedom.  One seed: Wilson within it. */
struct interval proportion_clustered(const double *hits, const double *trials, int seeds,
                                     double alpha);

/* Second share minus first, independent samples: hybrid score interval, method 10 of
 * R. G. Newcombe, Interval estimation for the difference between independent proportions
 * (Stat. Med. 17, 1998, 873-890). */
struct interval proportion_newcombe(double first_hits, double first_trials, double second_hits,
                                    double second_trials, double alpha);

/* n pairs by their two outcomes. */
struct proportion_pairs {
    double both, first_only, second_only, neither;
};

/* Second share minus first of paired outcomes: method 10 of R. G. Newcombe, Improved
 * confidence intervals for the difference between binomial proportions based on paired
 * data (Stat. Med. 17, 1998, 2635-2650).  Pairs must be independent: with several dials
 * per seed use difference_shares. */
struct interval proportion_newcombe_paired(struct proportion_pairs pairs, double alpha);

/* Two-sided p of McNemar's test that discordant pairs fall either way alike: exact by the
 * binomial distribution (for claims), and with the mid-p correction (for flags: closer to
 * its nominal level; Fagerland, Lydersen, Laake 2013).  1 without discordant pairs. */
double proportion_mcnemar_exact(double first_only, double second_only);
double proportion_mcnemar_midp(double first_only, double second_only);

#endif
