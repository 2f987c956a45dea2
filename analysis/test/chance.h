/* chance.h: made-up worlds whose truth is known, for the statistical self-tests.
 *
 * Everything is drawn from keys, so that a test does the same on every machine.  The
 * environment's MIST_STAT=deep (make test-stat) asks for the full number of repetitions;
 * otherwise a tenth has to do. */
#ifndef ANALYSIS_TEST_CHANCE_H
#define ANALYSIS_TEST_CHANCE_H

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "analysis/keyed.h"

struct chance {
    uint64_t key, index;
};

static inline int repetitions(int deep)
{
    return getenv("MIST_STAT") ? deep : deep / 10;
}

static inline double chance_uniform(struct chance *c)
{
    return keyed_uniform(c->key, c->index++);
}

static inline bool chance_hit(struct chance *c, double share)
{
    return chance_uniform(c) < share;
}

static inline double chance_normal(struct chance *c)
{
    return gsl_cdf_ugaussian_Pinv(chance_uniform(c));
}

/* G. Marsaglia, W. W. Tsang, A simple method for generating gamma variables, 2000. */
static inline double chance_gamma(struct chance *c, double shape)
{
    if (shape < 1)
        return chance_gamma(c, shape + 1) * pow(chance_uniform(c), 1 / shape);
    double d = shape - 1.0 / 3;
    for (;;) {
        double x = chance_normal(c), v = pow(1 + x / sqrt(9 * d), 3);
        if (v > 0 && log(chance_uniform(c)) < x * x / 2 + d - d * v + d * log(v))
            return d * v;
    }
}

/* The share of a seed, beta distributed: the dials of a seed have this correlation. */
static inline double chance_share(struct chance *c, double mean, double correlation)
{
    if (!(correlation > 0))
        return mean;
    double size = 1 / correlation - 1;
    double one = chance_gamma(c, mean * size), other = chance_gamma(c, (1 - mean) * size);
    return one / (one + other);
}

#define CHANCE_SEEDS 1024

/* Dials of two versions in the same worlds.  A dial ends as its world has it, alike for both
 * versions, or, in a part `own` of the dials, as the version's own luck has it. */
struct versions {
    int seeds, dials;
    bool unequal;       /* the number of dials varies, from a quarter to seven quarters */
    double share;       /* of hits */
    double correlation; /* of dials in one world, and in one version's luck */
    double own;         /* 1: nothing in common */
    double gain;        /* of the misses that the candidate turns into hits */
    double loss;        /* of the hits that it turns into misses */
};

struct outcome {
    double base[CHANCE_SEEDS], base_trials[CHANCE_SEEDS];
    double candidate[CHANCE_SEEDS], candidate_trials[CHANCE_SEEDS];
};

/* candidate - base, in truth */
static inline double versions_truth(const struct versions *v)
{
    return v->gain * (1 - v->share) - v->loss * v->share;
}

static inline bool own(const struct versions *v, struct chance *c)
{
    return v->own > 0 && chance_hit(c, v->own);
}

static inline void versions_seed(const struct versions *v, struct chance *c, struct outcome *o,
                                 int seed)
{
    double world = chance_share(c, v->share, v->correlation);
    double luck[2] = {chance_share(c, v->share, v->correlation),
                      chance_share(c, v->share, v->correlation)};
    int dials = v->unequal ? v->dials / 4 + (int)(chance_uniform(c) * 1.5 * v->dials) : v->dials;
    o->base[seed] = o->candidate[seed] = 0;
    o->base_trials[seed] = o->candidate_trials[seed] = dials;
    for (int i = 0; i < dials; i++) {
        bool hit = chance_hit(c, world);
        bool base = own(v, c) ? chance_hit(c, luck[0]) : hit;
        bool candidate = own(v, c) ? chance_hit(c, luck[1]) : hit;
        o->base[seed] += base;
        double turned = candidate ? v->loss : v->gain;
        o->candidate[seed] += candidate != (turned > 0 && chance_hit(c, turned));
    }
}

static inline void versions_run(const struct versions *v, struct chance *c, struct outcome *o)
{
    for (int s = 0; s < v->seeds; s++)
        versions_seed(v, c, o, s);
}

#endif
