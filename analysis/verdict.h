/* verdict.h: what a difference means to someone who has to decide.
 *
 * A margin is the loss that would not matter; it is declared before anyone looks.  "Not
 * significant" is never "same": what is neither shown different nor shown within the margin
 * is undecided, and more seeds are asked for. */
#ifndef ANALYSIS_VERDICT_H
#define ANALYSIS_VERDICT_H

#include "analysis/difference.h"
#include "analysis/interval.h"

/* The first that holds, in this order; gain = candidate - base, its sign turned where
 * less is better. */
enum verdict {
    VERDICT_BETTER,    /* a gain: adjusted p < alpha; also one within the margin */
    VERDICT_WORSE,     /* a loss: adjusted p < alpha, and not shown smaller than the margin */
    VERDICT_SAME,      /* shown within +-margin (TOST), and no loss shown */
    VERDICT_NOT_WORSE, /* a loss as large as the margin is excluded (one-sided) */
    VERDICT_UNDECIDED, /* more seeds needed */
};

struct margin {
    double most; /* the loss that would not matter, in the metric's unit, >= 0 */
    int better;  /* +1: more is better, -1: less is better */
};

/* Of a difference whose p, adjusted for its family (holm_adjust), is given.  Intervals need
 * no adjustment: to claim that nothing is worse, every single metric has to pass (Berger
 * 1982, intersection-union test).  Without an interval: undecided. */
enum verdict verdict_of(const struct difference *difference, struct margin margin,
                        double p_adjusted);

/* Of an interval that holds at all times (sequence.h), after any number of looks. */
enum verdict verdict_sequential(struct interval always, struct margin margin);

/* The word of reports: BETTER, WORSE, same, not worse, UNDECIDED. */
const char *verdict_name(enum verdict verdict);

#define VERDICT_SEEDS_MOST 1000000 /* more is not a plan */

/* How many seeds in all decide with 95 % power, were the difference what it seems and its
 * spread over seeds the upper 80 % limit of what it seems; at the level of the first step of
 * Holm's procedure over `family` metrics.  At least one more than there are; more than
 * VERDICT_SEEDS_MOST: VERDICT_SEEDS_MOST + 1.  0 where the spread is not known. */
int verdict_seeds_needed(const struct difference *difference, struct margin margin, int family);

#endif
