#include "sim/trace.h"

#include <string.h>

#define PRIME_1 UINT64_C(0x9e3779b185ebca87)
#define PRIME_2 UINT64_C(0xc2b2ae3d27d4eb4f)
#define PRIME_3 UINT64_C(0x165667b19e3779f9)
#define PRIME_4 UINT64_C(0x85ebca77c2b2ae63)
#define PRIME_5 UINT64_C(0x27d4eb2f165667c5)

static uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static uint64_t load_32(const uint8_t *p)
{
    return p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24;
}

static uint64_t load_64(const uint8_t *p)
{
    return load_32(p) | load_32(p + 4) << 32;
}

static uint64_t round_of(uint64_t lane, uint64_t input)
{
    return rotate(lane + input * PRIME_2, 31) * PRIME_1;
}

static uint64_t merge(uint64_t hash, uint64_t lane)
{
    return (hash ^ round_of(0, lane)) * PRIME_1 + PRIME_4;
}

/* Whole stripes of 32 bytes in four lanes; *end: where they end. */
static uint64_t stripes(uint64_t seed, const uint8_t *p, size_t length, const uint8_t **end)
{
    uint64_t lane[4] = {seed + PRIME_1 + PRIME_2, seed + PRIME_2, seed, seed - PRIME_1};
    for (; length >= 32; length -= 32, p += 32)
        for (int i = 0; i < 4; i++)
            lane[i] = round_of(lane[i], load_64(p + 8 * i));
    *end = p;
    uint64_t hash =
        rotate(lane[0], 1) + rotate(lane[1], 7) + rotate(lane[2], 12) + rotate(lane[3], 18);
    for (int i = 0; i < 4; i++)
        hash = merge(hash, lane[i]);
    return hash;
}

uint64_t trace_hash(uint64_t seed, const uint8_t *bytes, size_t length)
{
    const uint8_t *p = bytes;
    uint64_t hash = (length >= 32 ? stripes(seed, bytes, length, &p) : seed + PRIME_5) + length;
    size_t left = length % 32;
    for (; left >= 8; left -= 8, p += 8)
        hash = rotate(hash ^ round_of(0, load_64(p)), 27) * PRIME_1 + PRIME_4;
    for (; left >= 4; left -= 4, p += 4)
        hash = rotate(hash ^ (load_32(p) * PRIME_1), 23) * PRIME_2 + PRIME_3;
    for (; left > 0; left--, p++)
        hash = rotate(hash ^ (*p * PRIME_5), 11) * PRIME_1;
    hash = (hash ^ hash >> 33) * PRIME_2;
    hash = (hash ^ hash >> 29) * PRIME_3;
    return hash ^ hash >> 32;
}

static uint8_t *store(uint8_t *p, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        *p++ = (uint8_t)(value >> (8 * i));
    return p;
}

static uint8_t *store_addr(uint8_t *p, const struct addr *a)
{
    memcpy(p, a->ip, sizeof a->ip);
    p = store(p + sizeof a->ip, a->port, 2);
    return store(p, a->family, 1);
}

uint64_t trace_digest(const struct trace_delivery *d)
{
    uint8_t record[8 + 4 + 4 + 2 + 19 + 19 + 8], *p = record;
    p = store(p, (uint64_t)d->at, 8);
    p = store(p, d->sender, 4);
    p = store(p, d->receiver, 4);
    p = store(p, d->length, 2);
    p = store_addr(p, &d->from);
    p = store_addr(p, &d->to);
    store(p, trace_hash(0, d->bytes, d->length), 8);
    return trace_hash(0, record, sizeof record);
}

uint64_t trace_chain(uint64_t trace, uint64_t digest)
{
    uint8_t record[8];
    store(record, digest, 8);
    return trace_hash(trace, record, sizeof record);
}
