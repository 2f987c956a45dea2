/* holm.c: see holm.h.  Families are small: ranks are counted, not sorted. */
#include "analysis/holm.h"

#include <math.h>
#include <stdbool.h>

static double level(double p)
{
    return isnan(p) ? 1 : p;
}

/* How many of the family are smaller; equal ones are smaller that stand before it. */
static int smaller_than(const double *p, int count, int which)
{
    int smaller = 0;
    for (int i = 0; i < count; i++) {
        bool before = level(p[i]) == level(p[which]) && i < which;
        smaller += level(p[i]) < level(p[which]) || before;
    }
    return smaller;
}

/* The largest (k - rank) p over the p that are not larger.  In place: what stands there
 * already is the largest of even smaller ones. */
void holm_adjust(const double *p, double *adjusted, int count)
{
    for (int i = 0; i < count; i++)
        adjusted[i] = fmin(1, (count - smaller_than(p, count, i)) * level(p[i]));
    for (int i = 0; i < count; i++) {
        for (int j = 0; j < count; j++)
            if (level(p[j]) <= level(p[i]))
                adjusted[i] = fmax(adjusted[i], adjusted[j]);
    }
    for (int i = 0; i < count; i++)
        adjusted[i] = isnan(p[i]) ? NAN : adjusted[i];
}

/* The smallest k p / rank over the p that are not smaller. */
void holm_discovery(const double *p, double *adjusted, int count)
{
    for (int i = 0; i < count; i++)
        adjusted[i] = fmin(1, count * level(p[i]) / (smaller_than(p, count, i) + 1));
    for (int i = 0; i < count; i++) {
        for (int j = 0; j < count; j++)
            if (level(p[j]) >= level(p[i]))
                adjusted[i] = fmin(adjusted[i], adjusted[j]);
    }
    for (int i = 0; i < count; i++)
        adjusted[i] = isnan(p[i]) ? NAN : adjusted[i];
}
