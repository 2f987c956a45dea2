/* draw.h: keyed randomness: every draw is a function of (seed, entity, purpose,
 * index), never of how many draws came before it.
 *
 * So two protocol versions face the same NATs, latencies, churn and losses, and
 * one extra packet shifts nothing else.  Generator: Philox4x32-10 (Salmon,
 * Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC'11) as
 * in Random123.  Key = seed; counter = entity (64 bits), index (48), purpose
 * (16): different arguments are different blocks.  Integers only, so a draw is
 * the same on every machine.  About 20 ns. */
#ifndef SIM_DRAW_H
#define SIM_DRAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stack/units.h"

/* What a draw is for.  Numbers are permanent: a new purpose takes a new number,
 * or every run changes.  The entity and the index stand beside it. */
enum draw_purpose {
    DRAW_PATH_RTT = 1,    /* draw_pair of outermost attachments; 0 */
    DRAW_LINK = 2,        /* draw_link(host, outermost attachment); slot and index in the slot */
    DRAW_BROKEN_NODE = 3, /* host; 0 */
    DRAW_BROKEN_PAIR = 4, /* draw_pair of hosts; 0 */
    DRAW_NODE_SEED = 5,   /* host; incarnation */
    DRAW_NODE_SECRET = 6, /* host; incarnation */
    DRAW_BOX_SEED = 7,    /* box; 0 */
    DRAW_BOX_KIND = 8,    /* box: which of a population's NATs, which of a profile's values; knob */
    DRAW_HOST_REGION = 9, /* host; 0 */
    DRAW_HOST_START = 10, /* host; 0 */
    DRAW_WORK_TIME = 11,  /* host; workload << 32 | ordinal */
    DRAW_WORK_PEER = 12,  /* host; workload << 32 | ordinal */
    DRAW_WORK_BYTES = 13, /* host; workload << 32 | ordinal */
    DRAW_HOST_ADDRESS = 14, /* host or box; 0 */
    DRAW_HOST_PORT = 15,    /* host; 0, spare sockets from 1 on */
    DRAW_ORACLE = 16,       /* 0; number of the draw in its world */
    DRAW_CHURN_START = 17,  /* host; 0: there or away at time 0, 1: what is left of that */
    DRAW_SESSION = 18,      /* host; ordinal of the session */
    DRAW_DOWNTIME = 19,     /* host; ordinal of the session before it */
    DRAW_GOODBYE = 20,      /* host; ordinal of the session */
    DRAW_FAULT_HOST = 21,   /* host; fault */
    DRAW_FAULT_BOX = 22,    /* box; fault */
    DRAW_ATTACK_TIME = 23,  /* host; ordinal */
    DRAW_ATTACK = 24,       /* host; ordinal << 8, and the bytes from 1 on */
    DRAW_VICTIM = 25,       /* host; 0 */
    DRAW_PERSON = 26,       /* host; 0 */
    DRAW_LINE_LOSS = 40     /* draw_link(attachment, up or down); datagrams so far */
};

#define DRAW_INDEX_BITS 48 /* an index is below 1 << DRAW_INDEX_BITS (CHECK) */

/* The whole block: 128 independent bits. */
struct draw_block {
    uint64_t word[2];
};

struct draw_block draw_block(uint64_t seed, uint64_t entity, enum draw_purpose purpose,
                             uint64_t index);

uint64_t draw_u64(uint64_t seed, uint64_t entity, enum draw_purpose purpose, uint64_t index);
uint32_t draw_u32(uint64_t seed, uint64_t entity, enum draw_purpose purpose, uint64_t index);

/* Uniform in [0, n), n > 0.  Bias below 2^-64: n parts of 2^128. */
uint64_t draw_below(uint64_t seed, uint64_t entity, enum draw_purpose purpose, uint64_t index,
                    uint64_t n);

/* Uniform in [low, high], both ends included, low <= high. */
mist_time draw_between(uint64_t seed, uint64_t entity, enum draw_purpose purpose, uint64_t index,
                       mist_time low, mist_time high);

/* True with probability ppm / 10^6. */
bool draw_ppm(uint64_t seed, uint64_t entity, enum draw_purpose purpose, uint64_t index,
              uint32_t ppm);

/* Exponential with this mean, by an integer logarithm exact to 2^-38; at most
 * 45 means (the smallest 64-bit fraction), saturating at INT64_MAX. */
mist_time draw_exponential(uint64_t seed, uint64_t entity, enum draw_purpose purpose,
                           uint64_t index, mist_time mean);

/* Fills bytes; uses the indexes 0 .. (size - 1) / 16 of this key. */
void draw_fill(uint64_t seed, uint64_t entity, enum draw_purpose purpose, void *bytes, size_t size);

/* Parts of a block, for who needs two draws from one: uniform in [0, n). */
uint64_t draw_scale(uint64_t word, uint64_t n);

/* Entities made of two numbers: unordered (a path) and ordered (a direction). */
uint64_t draw_pair(uint32_t a, uint32_t b);
uint64_t draw_link(uint32_t from, uint32_t to);

#endif
