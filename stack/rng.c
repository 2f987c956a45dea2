#include "stack/rng.h"

#include <string.h>

#include "stack/check.h"
#include "stack/seal.h"

void rng_init(struct rng *d, const uint8_t seed[32])
{
    memset(d, 0, sizeof *d);
    memcpy(d->key, seed, 32);
    d->used = sizeof d->block;
}

void rng_bytes(struct rng *d, void *bytes, size_t length)
{
    uint8_t *out = bytes;
    while (length > 0) {
        if (d->used == sizeof d->block) {
            seal_stream(d->block, d->key, d->index++);
            d->used = 0;
        }
        size_t n = sizeof d->block - d->used;
        if (n > length)
            n = length;
        memcpy(out, d->block + d->used, n);
        seal_wipe(d->block + d->used, n);
        d->used += (uint32_t)n;
        out += n;
        length -= n;
    }
}

uint64_t rng_u64(struct rng *d)
{
    uint8_t b[8];
    uint64_t value = 0;
    rng_bytes(d, b, sizeof b);
    for (int i = 0; i < 8; i++)
        value |= (uint64_t)b[i] << (8 * i);
    return value;
}

uint32_t rng_u32(struct rng *d)
{
    uint8_t b[4];
    rng_bytes(d, b, sizeof b);
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

/* Lemire's multiplication: the bias is at most n / 2^32, without a loop. */
uint32_t rng_below(struct rng *d, uint32_t n)
{
    CHECK(n > 0);
    return (uint32_t)((uint64_t)rng_u32(d) * n >> 32);
}

mist_time rng_around(struct rng *d, mist_time t, uint32_t percent)
{
    mist_time span = t / 100 * percent;
    if (span <= 0)
        return t;
    return t - span + (mist_time)(rng_u64(d) % (uint64_t)(2 * span + 1));
}
