/* interval.c: see interval.h. */
#include "sim/interval.h"

#include <math.h>

#include "stack/check.h"

#define Z 1.959963984540054

/* Between two rows the upper one holds: wider, never narrower. */
double interval_t(uint32_t freedom)
{
    static const double first[] = {12.7063, 4.3027, 3.1825, 2.7765, 2.5706, 2.4470, 2.3647, 2.3061,
                                   2.2622,  2.2282, 2.2010, 2.1789, 2.1604, 2.1448, 2.1315, 2.1200,
                                   2.1099,  2.1010, 2.0931, 2.0860, 2.0797, 2.0739, 2.0687, 2.0639,
                                   2.0596,  2.0556, 2.0519, 2.0485, 2.0453, 2.0423};
    static const struct {
        uint32_t freedom;
        double t;
    } later[] = {{1000, 1.9624}, {500, 1.9648}, {200, 1.9719}, {120, 1.9800}, {80, 1.9901},
                 {60, 2.0003},   {50, 2.0086},  {40, 2.0211},  {30, 2.0423}};
    CHECK(freedom > 0);
    if (freedom <= 30)
        return first[freedom - 1];
    int i = 0;
    while (later[i].freedom > freedom)
        i++;
    return later[i].t;
}

static struct interval wilson(double p, double n, double z)
{
    double middle = p + z * z / (2 * n);
    double half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    double scale = 1 + z * z / n;
    return (struct interval){p, fmax(0, (middle - half) / scale), fmin(1, (middle + half) / scale)};
}

struct interval interval_share(const double *hits, const double *trials, uint32_t seeds)
{
    double all_hits = 0, n = 0, squares = 0;
    for (uint32_t i = 0; i < seeds; i++) {
        all_hits += hits[i];
        n += trials[i];
    }
    if (n == 0)
        return (struct interval){NAN, NAN, NAN};
    double p = all_hits / n;
    if (seeds == 1)
        return wilson(p, n, Z);
    for (uint32_t i = 0; i < seeds; i++)
        squares += (hits[i] - p * trials[i]) * (hits[i] - p * trials[i]);
    double variance = seeds / (seeds - 1.0) * squares / (n * n);
    double effective = variance > 0 ? fmin(n, p * (1 - p) / variance) : n;
    return wilson(p, effective, interval_t(seeds - 1));
}

struct interval interval_mean(const double *values, uint32_t seeds)
{
    CHECK(seeds > 0);
    double sum = 0, squares = 0;
    for (uint32_t i = 0; i < seeds; i++)
        sum += values[i];
    double mean = sum / seeds;
    if (seeds == 1)
        return (struct interval){mean, NAN, NAN};
    for (uint32_t i = 0; i < seeds; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    double half = interval_t(seeds - 1) * sqrt(squares / (seeds - 1.0) / seeds);
    return (struct interval){mean, mean - half, mean + half};
}
