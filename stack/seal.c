#include "stack/seal.h"

#include <sodium.h>
#include <string.h>

#include "stack/check.h"

void seal_hash(uint8_t *hash, size_t n, const uint8_t key[SEAL_KEY], const void *bytes,
               size_t length)
{
    CHECK(crypto_generichash(hash, n, bytes, length, key, key == NULL ? 0 : SEAL_KEY) == 0);
}

void seal_public(struct seal_pair *pair)
{
    CHECK(crypto_scalarmult_base(pair->open, pair->secret) == 0);
}

void seal_person(uint8_t id[SEAL_KEY], struct seal_pair *pair, const uint8_t seed[SEAL_KEY])
{
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    CHECK(crypto_sign_seed_keypair(id, secret, seed) == 0);
    CHECK(crypto_sign_ed25519_sk_to_curve25519(pair->secret, secret) == 0);
    seal_public(pair);
    seal_wipe(secret, sizeof secret);
}

int seal_person_open(uint8_t open[SEAL_KEY], const uint8_t id[SEAL_KEY])
{
    return crypto_sign_ed25519_pk_to_curve25519(open, id);
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

/* ---- the real suite ---- */

static int real_agree(uint8_t shared[SEAL_KEY], const struct seal_pair *ours,
                      const uint8_t theirs[SEAL_KEY])
{
    return crypto_scalarmult(shared, ours->secret, theirs);
}

static void real_hash(uint8_t hash[SEAL_KEY], const void *a, size_t a_length, const void *b,
                      size_t b_length)
{
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, a, a_length);
    crypto_hash_sha256_update(&state, b, b_length);
    crypto_hash_sha256_final(&state, hash);
}

/* HMAC-SHA256 of a, then b. */
static void hmac(uint8_t mac[SEAL_KEY], const uint8_t key[SEAL_KEY], const void *a, size_t a_length,
                 const void *b, size_t b_length)
{
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, key, SEAL_KEY);
    crypto_auth_hmacsha256_update(&state, a, a_length);
    crypto_auth_hmacsha256_update(&state, b, b_length);
    crypto_auth_hmacsha256_final(&state, mac);
    seal_wipe(&state, sizeof state);
}

static void real_derive(uint8_t first[SEAL_KEY], uint8_t second[SEAL_KEY],
                        const uint8_t chaining[SEAL_KEY], const void *input, size_t length)
{
    static const uint8_t one = 1, two = 2;
    uint8_t extracted[SEAL_KEY];
    hmac(extracted, chaining, input, length, NULL, 0);
    hmac(first, extracted, &one, 1, NULL, 0);
    hmac(second, extracted, first, SEAL_KEY, &two, 1);
    seal_wipe(extracted, sizeof extracted);
}

/* RFC 8439 wants 12 bytes: four zeros, then the counter, little-endian (Noise, 12.2). */
static void nonce_of(uint8_t nonce[12], uint64_t counter)
{
    memset(nonce, 0, 4);
    for (int i = 0; i < 8; i++)
        nonce[4 + i] = (uint8_t)(counter >> (8 * i));
}

static void real_lock(uint8_t *sealed, const uint8_t key[SEAL_KEY], uint64_t counter,
                      const void *header, size_t header_length, const uint8_t *plain, size_t length)
{
    uint8_t nonce[12];
    nonce_of(nonce, counter);
    CHECK(crypto_aead_chacha20poly1305_ietf_encrypt(sealed, NULL, plain, length, header,
                                                    header_length, NULL, nonce, key) == 0);
}

static int real_unlock(uint8_t *plain, const uint8_t key[SEAL_KEY], uint64_t counter,
                       const void *header, size_t header_length, const uint8_t *sealed,
                       size_t length)
{
    uint8_t nonce[12];
    nonce_of(nonce, counter);
    return crypto_aead_chacha20poly1305_ietf_decrypt(plain, NULL, NULL, sealed, length, header,
                                                     header_length, nonce, key);
}

static void real_rekey(uint8_t key[SEAL_KEY])
{
    static const uint8_t zeros[SEAL_KEY];
    uint8_t sealed[SEAL_KEY + SEAL_TAG];
    real_lock(sealed, key, UINT64_MAX, NULL, 0, zeros, sizeof zeros);
    memcpy(key, sealed, SEAL_KEY);
    seal_wipe(sealed, sizeof sealed);
}

const struct seal_suite seal_real = {.name = "25519_ChaChaPoly_SHA256",
                                     .pair = seal_public,
                                     .agree = real_agree,
                                     .hash = real_hash,
                                     .derive = real_derive,
                                     .rekey = real_rekey,
                                     .lock = real_lock,
                                     .unlock = real_unlock};

/* ---- the modelled suite ---- */

#define HALF 16 /* SipHash takes and gives so many bytes */

/* 16 bytes of a, then b, under 16 bytes of key. */
static void mix(uint8_t out[HALF], const uint8_t key[HALF], const void *a, size_t a_length,
                const void *b, size_t b_length)
{
    uint8_t between[HALF];
    CHECK(crypto_shorthash_siphashx24(between, a, a_length, key) == 0);
    CHECK(crypto_shorthash_siphashx24(out, b, b_length, between) == 0);
}

/* 32 bytes for one purpose; may be written over a or b. */
static void model(uint8_t out[SEAL_KEY], uint8_t purpose, const void *a, size_t a_length,
                  const void *b, size_t b_length)
{
    uint8_t halves[2][HALF];
    for (uint8_t i = 0; i < 2; i++) {
        const uint8_t key[HALF] = {purpose, i};
        mix(halves[i], key, a, a_length, b, b_length);
    }
    memcpy(out, halves, sizeof halves);
}

static void modelled_pair(struct seal_pair *pair)
{
    model(pair->open, 'p', pair->secret, SEAL_KEY, NULL, 0);
}

/* RFC 7748, section 7: the points of order 1, 2, 4 and 8, and the same above the
 * prime, little-endian (cr.yp.to/ecdh.html); libsodium refuses them in the real suite. */
static int low_order(const uint8_t point[SEAL_KEY])
{
    static const uint8_t order8[2][SEAL_KEY] = {
        {0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3,
         0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32,
         0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00},
        {0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1,
         0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c,
         0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57}};
    uint8_t p[SEAL_KEY];
    memcpy(p, point, SEAL_KEY);
    p[SEAL_KEY - 1] &= 0x7f; /* the highest bit does not count */
    if (memcmp(p, order8[0], SEAL_KEY) == 0 || memcmp(p, order8[1], SEAL_KEY) == 0)
        return 1;
    uint8_t inner = p[1]; /* of 0 and 1 all further bytes are 0, of p-1, p, p+1 0xff */
    for (int i = 1; i < SEAL_KEY - 1; i++) {
        if (p[i] != inner)
            return 0;
    }
    return inner == 0 ? p[0] <= 1 && p[SEAL_KEY - 1] == 0
                      : inner == 0xff && p[0] >= 0xec && p[0] <= 0xee && p[SEAL_KEY - 1] == 0x7f;
}

static int modelled_agree(uint8_t shared[SEAL_KEY], const struct seal_pair *ours,
                          const uint8_t theirs[SEAL_KEY])
{
    if (low_order(theirs))
        return -1;
    int ours_first = memcmp(ours->open, theirs, SEAL_KEY) < 0;
    model(shared, 'a', ours_first ? ours->open : theirs, SEAL_KEY, ours_first ? theirs : ours->open,
          SEAL_KEY);
    return 0;
}

static void modelled_hash(uint8_t hash[SEAL_KEY], const void *a, size_t a_length, const void *b,
                          size_t b_length)
{
    model(hash, 'h', a, a_length, b, b_length);
}

static void modelled_derive(uint8_t first[SEAL_KEY], uint8_t second[SEAL_KEY],
                            const uint8_t chaining[SEAL_KEY], const void *input, size_t length)
{
    uint8_t copy[SEAL_KEY];
    memcpy(copy, chaining, SEAL_KEY);
    model(first, '1', copy, SEAL_KEY, input, length);
    model(second, '2', copy, SEAL_KEY, input, length);
}

static void modelled_rekey(uint8_t key[SEAL_KEY])
{
    model(key, 'r', key, SEAL_KEY, NULL, 0);
}

/* 16 bytes of key, counter, header and body. */
static void modelled_tag(uint8_t tag[SEAL_TAG], const uint8_t key[SEAL_KEY], uint64_t counter,
                         const void *header, size_t header_length, const uint8_t *body,
                         size_t length)
{
    uint8_t start[SEAL_KEY + 8], under[HALF];
    memcpy(start, key, SEAL_KEY);
    for (int i = 0; i < 8; i++)
        start[SEAL_KEY + i] = (uint8_t)(counter >> (8 * i));
    CHECK(crypto_shorthash_siphashx24(under, start, sizeof start, key) == 0);
    mix(tag, under, header, header_length, body, length);
}

static void modelled_lock(uint8_t *sealed, const uint8_t key[SEAL_KEY], uint64_t counter,
                          const void *header, size_t header_length, const uint8_t *plain,
                          size_t length)
{
    if (length > 0)
        memmove(sealed, plain, length);
    modelled_tag(sealed + length, key, counter, header, header_length, sealed, length);
}

static int modelled_unlock(uint8_t *plain, const uint8_t key[SEAL_KEY], uint64_t counter,
                           const void *header, size_t header_length, const uint8_t *sealed,
                           size_t length)
{
    uint8_t tag[SEAL_TAG];
    if (length < SEAL_TAG)
        return -1;
    modelled_tag(tag, key, counter, header, header_length, sealed, length - SEAL_TAG);
    if (memcmp(tag, sealed + length - SEAL_TAG, SEAL_TAG) != 0)
        return -1;
    if (length > SEAL_TAG)
        memmove(plain, sealed, length - SEAL_TAG);
    return 0;
}

const struct seal_suite seal_modelled = {.name = "modelled",
                                         .pair = modelled_pair,
                                         .agree = modelled_agree,
                                         .hash = modelled_hash,
                                         .derive = modelled_derive,
                                         .rekey = modelled_rekey,
                                         .lock = modelled_lock,
                                         .unlock = modelled_unlock};
