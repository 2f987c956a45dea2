/* oracle_formula.c: see oracle_formula.h. */
#include "sim/oracle_formula.h"

#include <math.h>

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

double oracle_poisson_below(double mean, uint32_t below)
{
    double sum = 0;
    if (mean <= 0)
        return below > 0;
    /* Each term by its logarithm: e^-mean alone is 0 from a mean of 746 on. */
    for (uint32_t k = 0; k < below; k++)
        sum += exp(k * log(mean) - mean - lgamma(k + 1.0));
    return fmin(sum, 1);
}

/* C(N-m,k) / C(N,k): none of the k ports is one of the m. */
static double miss(uint32_t places, uint32_t held, uint32_t probed)
{
    uint32_t fewer = smaller(held, probed), more = held + probed - fewer;
    double p = 1;
    if (fewer > places - more)
        return 0;
    for (uint32_t i = 0; i < fewer; i++)
        p *= (double)(places - more - i) / (places - i);
    return p;
}

double oracle_birthday(uint32_t places, uint32_t held, uint32_t probed)
{
    return 1 - miss(places, smaller(held, places), smaller(probed, places));
}

double oracle_birthday_spread(uint32_t places, uint32_t addresses, uint32_t held, uint32_t probed)
{
    double p = 0, rest = 1, share = 1.0 / addresses;
    if (addresses <= 1)
        return oracle_birthday(places, held, probed);
    held = smaller(held, places);
    probed = smaller(probed, places);
    /* Over how many of the held ports stand at the probed address: binomial. */
    for (uint32_t here = 0; here <= held && here <= places - probed; here++) {
        double chance = exp(lgamma(held + 1.0) - lgamma(here + 1.0) - lgamma(held - here + 1.0) +
                            here * log(share) + (held - here) * log1p(-share));
        p += chance * rest;
        rest *= (double)(places - probed - here) / (places - here);
    }
    return fmax(1 - p, 0);
}

double oracle_common_cell(uint32_t a_sent, uint32_t b_sent, double a_places, double b_places)
{
    double fewer = fmin(a_places, b_places);
    double a = fmin(a_sent, fewer), b = fmin(b_sent, fewer), sum = 0, term = -1;
    for (double r = 0; r < a && r < b && fabs(term) > 1e-18; r++) {
        term *= -(a - r) / (a_places - r) * ((b - r) / (b_places - r)) / (r + 1);
        sum += term;
    }
    return fmin(fmax(sum, 0), 1);
}

double oracle_once(double p, double n)
{
    return p >= 1 ? n > 0 : -expm1(n * log1p(-p));
}
