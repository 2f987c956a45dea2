/* sequential.c: see sequential.h.
 *
 * With r = 1 + n g, g the prior variance, x = t^2/(n - 1) of the differences from a supposed
 * mean, the mixture's likelihood ratio against that mean is
 *     r^(-1/2) ((1 + x)/(1 + x/r))^(n/2),
 * a martingale from 1 if the mean is true.  It stays below 1/alpha exactly where
 * x < (q - 1)/(1 - q/r) with q = (sqrt(r)/alpha)^(2/n), or everywhere if q >= r. */
#include "analysis/sequential.h"

#include <math.h>
#include <stdbool.h>

static struct interval around(double mean, double half)
{
    return (struct interval){mean, mean - half, mean + half};
}

/* squares: sum of squared deviations from the mean of n differences. */
static struct interval mixture(double mean, double squares, int n, double alpha)
{
    double r = 1 + n * SEQUENTIAL_PRIOR;
    double q = pow(sqrt(r) / alpha, 2.0 / n);
    if (n < 2 || q >= r)
        return around(mean, INFINITY);
    return around(mean, sqrt((q - 1) / (1 - q / r) * squares / n));
}

struct moments {
    int n;
    double mean, squares;
};

/* Welford 1962. */
static void moments_add(struct moments *m, double value)
{
    if (!isfinite(value))
        return;
    double before = value - m->mean;
    m->mean += before / ++m->n;
    m->squares += before * (value - m->mean);
}

static const struct interval unknown = {NAN, NAN, NAN};

struct interval sequential_means(const double *differences, int seeds, double alpha)
{
    struct moments m = {0, 0, 0};
    for (int s = 0; s < seeds; s++)
        moments_add(&m, differences[s]);
    return m.n > 0 ? mixture(m.mean, m.squares, m.n, alpha) : unknown;
}

static bool sensible(double hits, double trials)
{
    return hits >= 0 && hits <= trials && trials > 0 && isfinite(trials);
}

struct interval sequential_shares(const double *hits_base, const double *trials_base,
                                  const double *hits_candidate, const double *trials_candidate,
                                  int seeds, double alpha)
{
    struct moments m = {0, 0, 0};
    double trials = 0;
    for (int s = 0; s < seeds; s++) {
        if (!sensible(hits_base[s], trials_base[s]) ||
            !sensible(hits_candidate[s], trials_candidate[s]))
            continue;
        trials += fmin(trials_base[s], trials_candidate[s]);
        moments_add(&m, hits_candidate[s] / trials_candidate[s] - hits_base[s] / trials_base[s]);
    }
    if (m.n == 0)
        return unknown;
    struct interval x = mixture(m.mean, m.squares, m.n, alpha);
    double unseen = 1 - pow(alpha, 1 / trials);
    return around(m.mean, fmax(x.hi - x.value, unseen));
}
