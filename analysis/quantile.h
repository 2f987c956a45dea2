/* quantile.h: quantiles of one sample, and times of which some never came.
 *
 * Samples are sorted, smallest first.  The q-quantile, 0 < q < 1, is the value of rank
 * ceil(nq), as in the results file's view `summary`.  Values of one seed depend on one
 * another: over seeds take each seed's quantile and combine those (interval.h,
 * difference.h); never average percentiles of nodes. */
#ifndef ANALYSIS_QUANTILE_H
#define ANALYSIS_QUANTILE_H

#include "analysis/interval.h"

double quantile_value(const double *sorted, long count, double q);

/* Interval by order statistics, whatever the distribution: the ranks are those of the
 * binomial distribution that leave at most alpha/2 on either side (Conover 1999, 3.2).  An
 * end is NAN where the sample is too small to have one: a 99 % quantile needs 368 values. */
struct interval quantile_interval(const double *sorted, long count, double q, double alpha);

/* Weighted mean of order statistics: smoother than a single one where values are dense, not
 * for heavy ties or far tails (F. E. Harrell, C. E. Davis 1982); interval by normal
 * quantiles and the standard error of J. S. Maritz, R. G. Jarrett 1978.  NAN for more than a
 * million values, of which a single one is as good. */
struct interval quantile_harrell_davis(const double *sorted, long count, double q, double alpha);

/* Of `trials`, `count` came after the times `sorted`; the others, and those later than
 * `limit`, count as `limit`: so a version that gives up on hard cases looks no faster.
 * NAN for no trials or more times than trials. */
double quantile_restricted_mean(const double *sorted, long count, long trials, double limit);
double quantile_restricted(const double *sorted, long count, long trials, double q, double limit);

#endif
