/* seal.h: all cryptography of the core, and the only file that knows libsodium.
 *
 * X25519 (RFC 7748), ChaCha20-Poly1305 (RFC 8439), BLAKE2b (RFC 7693).  The
 * host calls sodium_init; the core never asks the system for randomness. */
#ifndef MIST_SEAL_H
#define MIST_SEAL_H

#include <stddef.h>
#include <stdint.h>

#define SEAL_KEY 32 /* bytes of every key */
#define SEAL_TAG 16 /* bytes that seal_lock adds */
#define SEAL_MAC 16

/* The public key of a 32-byte secret. */
void seal_public(uint8_t public_key[SEAL_KEY], const uint8_t secret[SEAL_KEY]);

/* The shared secret of two transport keys.  Returns 0, or -1 when `theirs` is
 * a low-order point: then nothing may be derived from it. */
int seal_agree(uint8_t shared[SEAL_KEY], const uint8_t secret[SEAL_KEY],
               const uint8_t theirs[SEAL_KEY]);

/* Keyed BLAKE2b of `length` bytes; n is 16..64 bytes of output; key may be NULL. */
void seal_hash(uint8_t *hash, size_t n, const uint8_t key[SEAL_KEY], const void *bytes,
               size_t length);

/* Writes length + SEAL_TAG bytes to `sealed`, which may be `plain`.  The caller
 * never uses a counter twice under one key. */
void seal_lock(uint8_t *sealed, const uint8_t key[SEAL_KEY], uint64_t counter, const void *header,
               size_t header_length, const uint8_t *plain, size_t length);

/* Writes length - SEAL_TAG bytes to `plain`.  Returns 0, or -1 and an undefined
 * `plain` when the tag does not fit. */
int seal_open(uint8_t *plain, const uint8_t key[SEAL_KEY], uint64_t counter, const void *header,
              size_t header_length, const uint8_t *sealed, size_t length);

/* Block `index` of the ChaCha20 key stream of `key`. */
void seal_stream(uint8_t block[64], const uint8_t key[SEAL_KEY], uint64_t index);

void seal_wipe(void *bytes, size_t length);
int seal_equal(const void *a, const void *b, size_t length); /* constant time; 1 or 0 */

#endif
