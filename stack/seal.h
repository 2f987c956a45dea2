/* seal.h: all cryptography of the core, and the only file that knows libsodium.
 *
 * X25519 (RFC 7748), ChaCha20-Poly1305 (RFC 8439), SHA-256 with HMAC and HKDF
 * (RFC 6234, 2104, 5869), BLAKE2b (RFC 7693).  The host calls sodium_init; the
 * core never asks the system for randomness. */
#ifndef MIST_SEAL_H
#define MIST_SEAL_H

#include <stddef.h>
#include <stdint.h>

#define SEAL_KEY 32 /* bytes of every key and of a suite's hash */
#define SEAL_TAG 16 /* bytes that lock adds */
#define SEAL_MAC 16

/* A key agreement's secret and what belongs to it in public. */
struct seal_pair {
    uint8_t secret[SEAL_KEY], open[SEAL_KEY];
};

/* What handshakes and sessions are made of.  There are two: the real one, and one
 * for simulations that keeps every size, every message and every refusal, and
 * protects nothing. */
struct seal_suite {
    const char *name; /* of the Noise protocol family: "25519_ChaChaPoly_SHA256" */

    /* The public key of a pair whose secret was drawn. */
    void (*pair)(struct seal_pair *pair);

    /* The shared secret of two keys.  Returns 0, or -1 when `theirs` is a
     * low-order point: then nothing may be derived from it. */
    int (*agree)(uint8_t shared[SEAL_KEY], const struct seal_pair *ours,
                 const uint8_t theirs[SEAL_KEY]);

    /* The hash of a, then b; may be written over either. */
    void (*hash)(uint8_t hash[SEAL_KEY], const void *a, size_t a_length, const void *b,
                 size_t b_length);

    /* Two keys out of a chaining key and an input: HKDF of the Noise specification,
     * section 4.3.  Either may be written over the chaining key. */
    void (*derive)(uint8_t first[SEAL_KEY], uint8_t second[SEAL_KEY],
                   const uint8_t chaining[SEAL_KEY], const void *input, size_t length);

    /* The key that follows: Noise, section 4.2, REKEY.  No way leads back. */
    void (*rekey)(uint8_t key[SEAL_KEY]);

    /* Writes length + SEAL_TAG bytes to `sealed`, which may be `plain`.  The caller
     * never uses a counter twice under one key. */
    void (*lock)(uint8_t *sealed, const uint8_t key[SEAL_KEY], uint64_t counter, const void *header,
                 size_t header_length, const uint8_t *plain, size_t length);

    /* Writes length - SEAL_TAG bytes to `plain`.  Returns 0, or -1 and an undefined
     * `plain` when the tag does not fit. */
    int (*unlock)(uint8_t *plain, const uint8_t key[SEAL_KEY], uint64_t counter, const void *header,
                  size_t header_length, const uint8_t *sealed, size_t length);
};

/* The Noise functions 25519, ChaChaPoly and SHA256. */
extern const struct seal_suite seal_real;

/* SipHash-2-4 (Aumasson, Bernstein, INDOCRYPT 2012) in the place of all: a tag
 * still tells one flipped bit or another key, but bodies are in clear and anybody
 * could compute any key. */
extern const struct seal_suite seal_modelled;

/* Keyed BLAKE2b of `length` bytes; n is 16..64 bytes of output; key may be NULL. */
void seal_hash(uint8_t *hash, size_t n, const uint8_t key[SEAL_KEY], const void *bytes,
               size_t length);

/* The real public key of a pair: the ids of both suites. */
void seal_public(struct seal_pair *pair);

/* A person: the Ed25519 public key (RFC 8032) of a seed, and the X25519 pair that
 * belongs to the same secret (one key for both is safe: Thormarker, ePrint 2021/509). */
void seal_person(uint8_t id[SEAL_KEY], struct seal_pair *pair, const uint8_t seed[SEAL_KEY]);
/* The X25519 public key of a person's id.  Returns 0, or -1: no key of prime order. */
int seal_person_open(uint8_t open[SEAL_KEY], const uint8_t id[SEAL_KEY]);

/* Block `index` of the ChaCha20 key stream of `key`. */
void seal_stream(uint8_t block[64], const uint8_t key[SEAL_KEY], uint64_t index);

void seal_wipe(void *bytes, size_t length);
int seal_equal(const void *a, const void *b, size_t length); /* constant time; 1 or 0 */

#endif
