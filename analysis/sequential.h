/* sequential.h: looking after every seed, and stopping when decided.
 *
 * Looking again and again at ordinary intervals finds something in the end.  The interval
 * here holds at all numbers of seeds at once: with probability at least 1 - alpha the true
 * difference never leaves it, so that whatever is read off it at any time, in particular
 * at the time one stops, is right (a confidence sequence: Robbins 1970; Howard, Ramdas,
 * McAuliffe, Sekhon 2021). */
#ifndef ANALYSIS_SEQUENTIAL_H
#define ANALYSIS_SEQUENTIAL_H

#include "analysis/interval.h"

/* Mean of the differences, one per seed in the order of the seeds; not finite: does not
 * count.  A t-type mixture: normal differences of unknown spread, a standardised effect
 * drawn from N(0, SEQUENTIAL_PRIOR) (Lai 1976; H. Wang, A. Ramdas, Anytime-valid t-tests and
 * confidence sequences, 2024).  Infinite below about twenty seeds.  Whether to add a seed may
 * depend on nothing but the differences seen. */
struct interval sequential_means(const double *differences, int seeds, double alpha);

/* The prior variance of effect / standard deviation over seeds.  Small on purpose: it takes
 * twenty seeds before even the greatest effect is believed, so that a skew spread, of which
 * few seeds show one side only, does not mislead; and effects of a tenth to a half of a
 * deviation, which are hard to see, are found the soonest. */
#define SEQUENTIAL_PRIOR 0.02

/* Shares, candidate minus base, mean over seeds of the difference of the two shares of a
 * seed; limits keep the distance that no change in all trials leaves open, alpha^(1/n). */
struct interval sequential_shares(const double *hits_base, const double *trials_base,
                                  const double *hits_candidate, const double *trials_candidate,
                                  int seeds, double alpha);

#endif
