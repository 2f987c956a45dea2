/* noise.h: handshakes of the Noise Protocol Framework, revision 34
 * (noiseprotocol.org), over a suite of seal.h.
 *
 *     KK   -> s  <- s  ...  -> e, es, ss   <- e, ee, se            links (handshake.c)
 *     IK   <- s        ...  -> e, es, s, ss   <- e, ee, se         who knows whom it calls
 *     XX   ...              -> e   <- e, ee, s, es   -> s, se      who calls a name
 *
 * Names follow the specification: s and e are the static and the ephemeral pair,
 * rs and re the other's public ones, h the hash of all that was said, ck the
 * chaining key, k the key of the moment.  Nothing here is kept: the caller wipes
 * the struct. */
#ifndef MIST_NOISE_H
#define MIST_NOISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stack/seal.h"

enum noise_pattern { NOISE_KK, NOISE_IK, NOISE_XX };

struct noise {
    const struct seal_suite *seal;
    uint8_t pattern; /* enum noise_pattern */
    uint8_t message; /* the next one, from 0 */
    bool initiator, keyed;
    uint64_t counter; /* of k */
    uint8_t h[SEAL_KEY], ck[SEAL_KEY], k[SEAL_KEY];
    struct seal_pair s, e;
    uint8_t rs[SEAL_KEY], re[SEAL_KEY];
};

/* Begins a handshake of both ends' agreed prologue.  e: the pair of this handshake
 * alone, freshly drawn.  rs: the other's static key where the pattern has it known
 * beforehand, else NULL.  Copies all. */
void noise_begin(struct noise *n, const struct seal_suite *seal, enum noise_pattern pattern,
                 bool initiator, const void *prologue, size_t prologue_length,
                 const struct seal_pair *s, const struct seal_pair *e, const uint8_t *rs);

/* Bytes of the pattern's message number i (0, 1, 2) beyond its payload. */
size_t noise_overhead(enum noise_pattern pattern, uint32_t i);

/* Writes the next message: noise_overhead + length bytes.  Returns 0, or -1 when a
 * key of the other side is a low-order point. */
int noise_write(struct noise *n, const uint8_t *payload, size_t length, uint8_t *message);

/* Reads the next message; payload gets length - noise_overhead bytes.  Returns 0,
 * or -1: not from whom it should be; then the handshake is of no further use. */
int noise_read(struct noise *n, const uint8_t *message, size_t length, uint8_t *payload);

/* The keys of what follows the last message (Noise, section 5.2, Split). */
void noise_split(const struct noise *n, uint8_t to_responder[SEAL_KEY],
                 uint8_t to_initiator[SEAL_KEY]);

/* What an initiator keeps between the first message and its answer: less than all. */
struct noise_kept {
    struct seal_pair e;
    uint8_t h[SEAL_KEY], ck[SEAL_KEY];
};
void noise_keep(const struct noise *n, struct noise_kept *kept);
void noise_resume(struct noise *n, const struct seal_suite *seal, enum noise_pattern pattern,
                  const struct seal_pair *s, const uint8_t *rs, const struct noise_kept *kept);

/* A key for data beside the first message, just written or read: as well protected as
 * that message's payload would be, and apart from every later key. */
void noise_early(const struct noise *n, uint8_t key[SEAL_KEY]);

#endif
