/* philox.h: Philox4x32-10, a counter-based generator: the same key and counter
 * give the same four words, and every draw stands for itself.
 *
 * Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3",
 * SC 2011; test vectors from Random123's kat_vectors. */
#ifndef NAT_PHILOX_H
#define NAT_PHILOX_H

#include <stdint.h>

struct nat_philox {
    uint32_t word[4];
};

static inline struct nat_philox nat_philox(uint64_t key, struct nat_philox counter)
{
    uint32_t *c = counter.word;
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xd2511f53u * c[0];
        uint64_t p1 = (uint64_t)0xcd9e8d57u * c[2];
        uint32_t c1 = c[1], c3 = c[3];
        c[0] = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c[1] = (uint32_t)p1;
        c[2] = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c[3] = (uint32_t)p0;
        k0 += 0x9e3779b9u;
        k1 += 0xbb67ae85u;
    }
    return counter;
}

/* One of n, uniform; the bias is below n / 2^32. */
static inline uint32_t nat_below(uint32_t draw, uint32_t n)
{
    return (uint32_t)((uint64_t)draw * n >> 32);
}

#endif
