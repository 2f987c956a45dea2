/* rng.h: the node's randomness: a 32-byte seed expanded by ChaCha20. */
#ifndef MIST_RNG_H
#define MIST_RNG_H

#include <stddef.h>
#include <stdint.h>

#include "stack/units.h"

struct rng {
    uint8_t key[32];
    uint8_t block[64];
    uint64_t index; /* of the next block */
    uint32_t used;  /* bytes of block given out */
};

void rng_init(struct rng *d, const uint8_t seed[32]);
void rng_bytes(struct rng *d, void *bytes, size_t length);
uint32_t rng_u32(struct rng *d);
uint64_t rng_u64(struct rng *d);
uint32_t rng_below(struct rng *d, uint32_t n);                      /* uniform in [0, n); n > 0 */
mist_time rng_around(struct rng *d, mist_time t, uint32_t percent); /* t +- percent */

#endif
