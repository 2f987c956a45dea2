/* draw.h: the node's randomness: a 32-byte seed expanded by ChaCha20. */
#ifndef MIST_DRAW_H
#define MIST_DRAW_H

#include <stddef.h>
#include <stdint.h>

#include "stack/units.h"

struct draw {
    uint8_t key[32];
    uint8_t block[64];
    uint64_t index; /* of the next block */
    uint32_t used;  /* bytes of block given out */
};

void draw_init(struct draw *d, const uint8_t seed[32]);
void draw_bytes(struct draw *d, void *bytes, size_t length);
uint32_t draw_u32(struct draw *d);
uint64_t draw_u64(struct draw *d);
uint32_t draw_below(struct draw *d, uint32_t n);                      /* uniform in [0, n); n > 0 */
mist_time draw_around(struct draw *d, mist_time t, uint32_t percent); /* t +- percent */

#endif
