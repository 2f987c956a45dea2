/* keyed.h: random numbers for resampling: every number is a function of a key and its
 * index, so that an interval is the same wherever and whenever it is computed.
 *
 * Generator: splitmix64 (Steele, Lea, Flood 2014) at the place `index` of the stream
 * `key`.  Integers only.  Never for anything that a simulation decides. */
#ifndef ANALYSIS_KEYED_H
#define ANALYSIS_KEYED_H

#include <stdint.h>

uint64_t keyed_word(uint64_t key, uint64_t index);

/* Uniform in [0, n), 0 < n < 2^32; bias below n / 2^64. */
uint32_t keyed_below(uint64_t key, uint64_t index, uint32_t n);

/* Uniform in (0, 1), never 0 nor 1. */
double keyed_uniform(uint64_t key, uint64_t index);

#endif
