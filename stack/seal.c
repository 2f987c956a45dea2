#include "stack/seal.h"

#include <sodium.h>
#include <string.h>

#include "stack/check.h"

void seal_public(uint8_t public_key[SEAL_KEY], const uint8_t secret[SEAL_KEY])
{
    CHECK(crypto_scalarmult_base(public_key, secret) == 0);
}

int seal_agree(uint8_t shared[SEAL_KEY], const uint8_t secret[SEAL_KEY],
               const uint8_t theirs[SEAL_KEY])
{
    return crypto_scalarmult(shared, secret, theirs);
}

void seal_hash(uint8_t *hash, size_t n, const uint8_t key[SEAL_KEY], const void *bytes,
               size_t length)
{
    CHECK(crypto_generichash(hash, n, bytes, length, key, key == NULL ? 0 : SEAL_KEY) == 0);
}

/* RFC 8439 wants 12 bytes: the counter, little-endian, and four zeros. */
static void nonce_of(uint8_t nonce[12], uint64_t counter)
{
    memset(nonce, 0, 12);
    for (int i = 0; i < 8; i++)
        nonce[i] = (uint8_t)(counter >> (8 * i));
}

void seal_lock(uint8_t *sealed, const uint8_t key[SEAL_KEY], uint64_t counter, const void *header,
               size_t header_length, const uint8_t *plain, size_t length)
{
    uint8_t nonce[12];
    nonce_of(nonce, counter);
    CHECK(crypto_aead_chacha20poly1305_ietf_encrypt(sealed, NULL, plain, length, header,
                                                    header_length, NULL, nonce, key) == 0);
}

int seal_open(uint8_t *plain, const uint8_t key[SEAL_KEY], uint64_t counter, const void *header,
              size_t header_length, const uint8_t *sealed, size_t length)
{
    uint8_t nonce[12];
    nonce_of(nonce, counter);
    return crypto_aead_chacha20poly1305_ietf_decrypt(plain, NULL, NULL, sealed, length, header,
                                                     header_length, nonce, key);
}

void seal_stream(uint8_t block[64], const uint8_t key[SEAL_KEY], uint64_t index)
{
    static const uint8_t zero[64];
    uint8_t nonce[8] = {0};
    CHECK(crypto_stream_chacha20_xor_ic(block, zero, sizeof zero, nonce, index, key) == 0);
}

void seal_wipe(void *bytes, size_t length)
{
    sodium_memzero(bytes, length);
}

int seal_equal(const void *a, const void *b, size_t length)
{
    return sodium_memcmp(a, b, length) == 0;
}
