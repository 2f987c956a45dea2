/* lifetime.h: how long something lasts: a session, a time offline.
 *
 * A law and a random word give a duration, in integers only (fixed.h), so that
 * a host's sessions are the same on every machine and for every protocol.
 *
 *   weibull    P(T > t) = exp(-(t/scale)^shape); shape 1 is the exponential law
 *   lognormal  ln T is normal: median, and sigma of the logarithm
 *   trace      one of the measured durations, each as likely as its share of them
 *
 * A run does not begin when everybody's session does: at any time a long session
 * is likelier to be met than a short one.  What is left of the one that is met has
 * the distribution function (1/mean) * integral of P(T > t) (renewal theory: D. R.
 * Cox, 1962, chapter 5); it is a uniform share of a duration drawn with a weight
 * of its own length, which is how lifetime_rest draws it. */
#ifndef SIM_LIFETIME_H
#define SIM_LIFETIME_H

#include <stdint.h>

#include "sim/arena.h"
#include "stack/units.h"

#define LIFETIME_LEAST   MS(1)    /* no duration is shorter: time must pass */
#define LIFETIME_SHAPE_L 200000   /* ppm: the least shape of a Weibull law ... */
#define LIFETIME_SHAPE_H 20000000 /* ... and the greatest */
#define LIFETIME_SIGMA_H 4000000  /* ppm: the greatest sigma of a lognormal law */
#define LIFETIME_VALUES  1000000  /* most durations of a trace */

enum lifetime_law { LIFETIME_WEIBULL, LIFETIME_LOGNORMAL, LIFETIME_TRACE };

struct lifetime {
    enum lifetime_law law;
    mist_time scale;     /* weibull: scale; lognormal: median; at most 100 years */
    uint32_t shape_ppm;  /* weibull: shape; lognormal: sigma */
    mist_time mean;      /* of a Weibull law to 0.02 % */
    uint32_t count;      /* trace: durations; weibull: cells of sums */
    uint64_t *sums;      /* cumulated weights of the length-biased law, or NULL */
    mist_time *duration; /* trace: ascending, each at least LIFETIME_LEAST */
};

/* Fill l; what it points to lives in arena.  Arguments are in the ranges above. */
void lifetime_weibull(struct lifetime *l, struct arena *arena, mist_time scale, uint32_t shape_ppm);
void lifetime_lognormal(struct lifetime *l, mist_time median, uint32_t sigma_ppm);
/* Keeps durations (count > 0 of them) and sorts them. */
void lifetime_trace(struct lifetime *l, struct arena *arena, mist_time *durations, uint32_t count);

/* A whole duration; word: 64 uniform bits.  At most INT64_MAX. */
mist_time lifetime_draw(const struct lifetime *l, uint64_t word);

/* What is left of the one that is met at a random time. */
mist_time lifetime_rest(const struct lifetime *l, const uint64_t word[2]);

#endif
