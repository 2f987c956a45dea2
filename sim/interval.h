/* interval.h: 95 % intervals when the seed is the unit (reference: Wilson 1927;
 * ratio estimate over clusters; Student 1908). */
#ifndef SIM_INTERVAL_H
#define SIM_INTERVAL_H

#include <stdint.h>

struct interval {
    double value, lo, hi; /* lo, hi NAN where there is no interval */
};

/* Of hits[i] out of trials[i] in seed i.  One seed: Wilson over its trials;
 * several: Wilson with the effective number of trials and Student's t. */
struct interval interval_share(const double *hits, const double *trials, uint32_t seeds);

/* Mean over seeds and t interval; one seed: the value alone. */
struct interval interval_mean(const double *values, uint32_t seeds);

/* The 97.5 % quantile of Student's t, for at least 1 degree of freedom: never
 * below the true value. */
double interval_t(uint32_t freedom);

#endif
