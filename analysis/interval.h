/* interval.h: a value with its 95 % interval, within one seed or over several.
 *
 * The seed is the unit of sampling: dials of one seed share a world, so that with
 * several seeds their spread says more than the number of dials does.  Sources: E. B.
 * Wilson 1927; ratio estimate over clusters with Student's t; Student 1908. */
#ifndef ANALYSIS_INTERVAL_H
#define ANALYSIS_INTERVAL_H

struct interval {
    double value, lo, hi; /* NAN where there is none */
};

/* The share of hits[i] out of trials[i] in seed i.  One seed: Wilson within it.
 * Several: Wilson with the effective number of trials p(1-p)/V, V the variance of
 * the ratio over seeds, and the quantile of t with seeds - 1 degrees of freedom. */
struct interval interval_share(const double *hits, const double *trials, int seeds);

/* Mean over seeds and t interval; of one seed the value alone. */
struct interval interval_mean(const double *values, int seeds);

/* The same with confidence 1 - alpha. */
struct interval interval_mean_at(const double *values, int seeds, double alpha);

#endif
