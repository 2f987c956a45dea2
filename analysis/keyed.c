/* keyed.c: see keyed.h. */
#include "analysis/keyed.h"

#define GOLDEN 0x9e3779b97f4a7c15U /* 2^64 / golden ratio: splitmix64's step */

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31);
}

uint64_t keyed_word(uint64_t key, uint64_t index)
{
    return mix(mix(key + GOLDEN) + (index + 1) * GOLDEN);
}

uint32_t keyed_below(uint64_t key, uint64_t index, uint32_t n)
{
    uint64_t word = keyed_word(key, index);
    uint64_t low = (word & UINT32_MAX) * n;
    return (uint32_t)(((word >> 32) * n + (low >> 32)) >> 32);
}

double keyed_uniform(uint64_t key, uint64_t index)
{
    return ((double)(keyed_word(key, index) >> 12) + 0.5) / 4503599627370496.0; /* 2^52 */
}
