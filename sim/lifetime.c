#include "sim/lifetime.h"

#include <stdlib.h>

#include "sim/draw.h"
#include "sim/fixed.h"
#include "stack/check.h"

__extension__ typedef unsigned __int128 wide;

#define MILLION 1000000

/* The length-biased Weibull law is scale * G^(1/shape) with G of the gamma law of
 * shape 1 + 1/shape (substitute (t/scale)^shape in t f(t)).  Its density
 * g^(1/shape) e^-g is summed over cells, by their middle: CELLS of them up to
 * LAST, behind which lie 10^-19 of it at the least shape. */
#define CELLS     4096
#define CELL_BITS (FIXED_BITS - 6) /* a cell is 2^-6 wide */
#define LAST      (CELLS >> (FIXED_BITS - CELL_BITS))
_Static_assert(LAST == 64, "the cells reach where the tail is thin");

static int64_t of_ppm(uint32_t ppm)
{
    return fixed_divide(ppm, MILLION);
}

static mist_time at_least(mist_time t)
{
    return t < LIFETIME_LEAST ? LIFETIME_LEAST : t;
}

/* scale * x^(1/shape), x > 0 with FIXED_BITS. */
static mist_time stretch(const struct lifetime *l, int64_t x)
{
    int64_t log2 = fixed_log2((uint64_t)x) - FIXED_BITS * FIXED_ONE;
    return fixed_exp2(l->scale, fixed_divide(log2, of_ppm(l->shape_ppm)));
}

/* x^(1/shape) e^-x in units of 2^-FIXED_BITS. */
static int64_t density(const struct lifetime *l, int64_t x)
{
    int64_t log2 = fixed_log2((uint64_t)x) - FIXED_BITS * FIXED_ONE;
    return fixed_exp2(FIXED_ONE, fixed_divide(log2, of_ppm(l->shape_ppm)) - fixed_nats(x));
}

void lifetime_weibull(struct lifetime *l, struct arena *arena, mist_time scale, uint32_t shape_ppm)
{
    CHECK(shape_ppm >= LIFETIME_SHAPE_L && shape_ppm <= LIFETIME_SHAPE_H);
    *l = (struct lifetime){LIFETIME_WEIBULL, scale, shape_ppm, 0, CELLS, NULL, NULL};
    l->sums = arena_take(arena, CELLS * sizeof *l->sums);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < CELLS; i++) {
        sum += (uint64_t)density(l, ((int64_t)(2 * i + 1) << CELL_BITS) / 2);
        l->sums[i] = sum;
    }
    /* The whole sum times the width of a cell is Gamma(1 + 1/shape), mean / scale. */
    wide mean = (wide)(uint64_t)scale * sum >> (2 * FIXED_BITS - CELL_BITS);
    l->mean = mean > INT64_MAX / 4 ? INT64_MAX / 4 : at_least((mist_time)mean);
}

void lifetime_lognormal(struct lifetime *l, mist_time median, uint32_t sigma_ppm)
{
    CHECK(sigma_ppm <= LIFETIME_SIGMA_H);
    *l = (struct lifetime){LIFETIME_LOGNORMAL, median, sigma_ppm, 0, 0, NULL, NULL};
    int64_t sigma = of_ppm(sigma_ppm);
    mist_time mean = fixed_exp2(median, fixed_nats(fixed_multiply(sigma, sigma) / 2));
    l->mean = mean > INT64_MAX / 4 ? INT64_MAX / 4 : at_least(mean);
}

static int by_length(const void *left, const void *right)
{
    mist_time a = *(const mist_time *)left, b = *(const mist_time *)right;
    return (a > b) - (a < b);
}

void lifetime_trace(struct lifetime *l, struct arena *arena, mist_time *durations, uint32_t count)
{
    CHECK(count > 0 && count <= LIFETIME_VALUES);
    *l = (struct lifetime){LIFETIME_TRACE, 0, 0, 0, count, NULL, durations};
    qsort(durations, count, sizeof *durations, by_length); /* equal ones are alike */
    l->sums = arena_take(arena, count * sizeof *l->sums);
    wide sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        durations[i] = at_least(durations[i]);
        sum += (uint64_t)durations[i] / MS(1); /* below 2^42 each: their sum fits */
        l->sums[i] = (uint64_t)sum;
    }
    l->mean = (mist_time)(sum / count) * MS(1);
}

/* e^(sigma z + shift) medians. */
static mist_time normal(const struct lifetime *l, uint64_t word, int64_t shift)
{
    int64_t exponent = fixed_multiply(of_ppm(l->shape_ppm), fixed_normal(word)) + shift;
    return fixed_exp2(l->scale, fixed_nats(exponent));
}

mist_time lifetime_draw(const struct lifetime *l, uint64_t word)
{
    int64_t log;
    switch (l->law) {
    case LIFETIME_WEIBULL:
        log = fixed_minus_ln(word);
        return log == 0 ? LIFETIME_LEAST : at_least(stretch(l, log));
    case LIFETIME_LOGNORMAL: return at_least(normal(l, word, 0));
    case LIFETIME_TRACE: break;
    }
    return l->duration[draw_scale(word, l->count)];
}

/* The first i with point < sums[i]. */
static uint32_t cell_of(const struct lifetime *l, uint64_t point)
{
    uint32_t low = 0, high = l->count - 1;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (point < l->sums[middle])
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* The G of above: uniform within its cell. */
static int64_t draw_gamma(const struct lifetime *l, uint64_t word)
{
    uint64_t point = draw_scale(word, l->sums[CELLS - 1]);
    uint32_t cell = cell_of(l, point);
    uint64_t begin = cell == 0 ? 0 : l->sums[cell - 1], width = l->sums[cell] - begin;
    wide inside = ((wide)(point - begin) << CELL_BITS) / width;
    int64_t g = ((int64_t)cell << CELL_BITS) + (int64_t)inside;
    return g == 0 ? 1 : g;
}

/* One of all durations, with a weight of its length. */
static mist_time draw_biased(const struct lifetime *l, uint64_t word)
{
    int64_t sigma = of_ppm(l->shape_ppm);
    switch (l->law) {
    case LIFETIME_WEIBULL: return stretch(l, draw_gamma(l, word));
    case LIFETIME_LOGNORMAL: return normal(l, word, fixed_multiply(sigma, sigma));
    case LIFETIME_TRACE: break;
    }
    return l->duration[cell_of(l, draw_scale(word, l->sums[l->count - 1]))];
}

mist_time lifetime_rest(const struct lifetime *l, const uint64_t word[2])
{
    mist_time whole = draw_biased(l, word[0]);
    return at_least((mist_time)draw_scale(word[1], (uint64_t)whole));
}
