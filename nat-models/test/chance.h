/* chance.h: chance in the tests that compare frequencies with formulae: a keyed
 * stream of draws, and when a frequency agrees with a probability. */
#ifndef NAT_TEST_CHANCE_H
#define NAT_TEST_CHANCE_H

#include <math.h>

#include "nat-models/philox.h"
#include "nat-models/test/lab.h"

/* Within 4 standard errors, 4 sqrt(P (1 - P) / n): a right box fails once in
 * 16,000 such checks. */
static inline bool agrees(uint32_t met, uint32_t worlds, double p)
{
    double away = fabs((double)met / worlds - p);
    return away <= 4 * sqrt(p * (1 - p) / worlds) + 1e-12;
}

static inline void assert_agree(const char *what, uint32_t met, uint32_t worlds, double p)
{
    if (!agrees(met, worlds, p))
        fail_msg("%s: expected %.4f, met in %u of %u worlds", what, p, met, worlds);
}

static inline void assert_near(double got, double expected, double tolerance)
{
    if (!(fabs(got - expected) <= tolerance))
        fail_msg("expected %.5f within %g, got %.5f", expected, tolerance, got);
}

struct stream {
    uint64_t key;
    uint32_t count;
};

static inline uint32_t next(struct stream *s)
{
    return nat_philox(s->key, (struct nat_philox){{s->count++, 0x5eed, 0, 0}}).word[0];
}

static inline bool happens(struct stream *s, double p)
{
    return next(s) < p * 4294967296.0;
}

#endif
