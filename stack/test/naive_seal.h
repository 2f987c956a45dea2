/* naive_seal.h: ChaCha20-Poly1305 and BLAKE2b as RFC 8439 and RFC 7693 describe
 * them, word for word and slow, for comparison with what seal.c calls. */
#ifndef MIST_NAIVE_SEAL_H
#define MIST_NAIVE_SEAL_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t naive_word(const uint8_t b[4])
{
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static inline void naive_turn(uint32_t *a, uint32_t b, uint32_t *d, int bits)
{
    *a += b;
    *d ^= *a;
    *d = *d << bits | *d >> (32 - bits);
}

/* RFC 8439 2.1 */
static inline void naive_quarter(uint32_t s[16], int a, int b, int c, int d)
{
    naive_turn(&s[a], s[b], &s[d], 16);
    naive_turn(&s[c], s[d], &s[b], 12);
    naive_turn(&s[a], s[b], &s[d], 8);
    naive_turn(&s[c], s[d], &s[b], 7);
}

/* RFC 8439 2.3 */
static inline void naive_chacha(uint8_t out[64], const uint8_t key[32], uint32_t counter,
                                const uint8_t nonce[12])
{
    uint32_t start[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574}, s[16];
    for (int i = 0; i < 8; i++)
        start[4 + i] = naive_word(key + 4 * i);
    start[12] = counter;
    for (int i = 0; i < 3; i++)
        start[13 + i] = naive_word(nonce + 4 * i);
    memcpy(s, start, sizeof s);
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 4; i++)
            naive_quarter(s, i, 4 + i, 8 + i, 12 + i);
        for (int i = 0; i < 4; i++)
            naive_quarter(s, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
    }
    for (int i = 0; i < 64; i++)
        out[i] = (uint8_t)((s[i / 4] + start[i / 4]) >> (8 * (i % 4)));
}

/* Carries 17 digits of base 256 and takes off multiples of 2^130 - 5: 2^130 is 5. */
static inline void naive_carry(uint32_t h[17])
{
    uint32_t carry = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < 17; i++) {
            carry += h[i];
            h[i] = carry & 255;
            carry >>= 8;
        }
        carry = 5 * (carry << 6 | h[16] >> 2);
        h[16] &= 3;
    }
    h[0] += carry;
}

/* The final value is below 2^130 but may be 2^130 - 5 or above. */
static inline void naive_reduce(uint32_t h[17])
{
    uint32_t plus[17], carry = 5;
    for (int i = 0; i < 17; i++) {
        carry += h[i];
        plus[i] = carry & 255;
        carry >>= 8;
    }
    if (plus[16] >= 4) {
        plus[16] &= 3;
        memcpy(h, plus, sizeof plus);
    }
}

/* RFC 8439 2.5 */
static inline void naive_poly(uint8_t tag[16], const uint8_t key[32], const uint8_t *m, size_t n)
{
    uint32_t r[17] = {0}, h[17] = {0}, carry = 0;
    for (int i = 0; i < 16; i++)
        r[i] = key[i] & (i % 4 == 3 ? 15u : i % 4 == 0 && i > 0 ? 252u : 255u);
    while (n > 0) {
        size_t block = n < 16 ? n : 16;
        uint32_t product[17] = {0};
        for (size_t i = 0; i < block; i++)
            h[i] += m[i];
        h[block] += 1;
        for (int i = 0; i < 17; i++) {
            for (int j = 0; j < 17; j++)
                product[(i + j) % 17] += h[i] * r[j] * (i + j < 17 ? 1u : 320u); /* 2^136 */
        }
        naive_carry(product);
        naive_carry(product);
        memcpy(h, product, sizeof h);
        m += block;
        n -= block;
    }
    naive_reduce(h);
    for (int i = 0; i < 16; i++) {
        carry += h[i] + key[16 + i];
        tag[i] = (uint8_t)carry;
        carry >>= 8;
    }
}

/* RFC 8439 2.8: sealed gets length + 16 bytes; lengths below 2 KiB. */
static inline void naive_aead(uint8_t *sealed, const uint8_t key[32], const uint8_t nonce[12],
                              const uint8_t *header, size_t header_length, const uint8_t *plain,
                              size_t length)
{
    static uint8_t text[8192];
    uint8_t block[64];
    size_t n = 0;
    for (size_t i = 0; i < length; i++) {
        if (i % 64 == 0)
            naive_chacha(block, key, (uint32_t)(1 + i / 64), nonce);
        sealed[i] = plain[i] ^ block[i % 64];
    }
    memset(text, 0, sizeof text);
    if (header_length > 0)
        memcpy(text, header, header_length);
    n = (header_length + 15) / 16 * 16;
    memcpy(text + n, sealed, length);
    n += (length + 15) / 16 * 16;
    for (int i = 0; i < 8; i++) {
        text[n + (size_t)i] = (uint8_t)((uint64_t)header_length >> (8 * i));
        text[n + 8 + (size_t)i] = (uint8_t)((uint64_t)length >> (8 * i));
    }
    naive_chacha(block, key, 0, nonce);
    naive_poly(sealed + length, block, text, n + 16);
}

/* ---- BLAKE2b ---- */

static inline uint64_t naive_right(uint64_t x, int bits)
{
    return x >> bits | x << (64 - bits);
}

/* RFC 7693 3.1 */
static inline void naive_mix(uint64_t v[16], int a, int b, int c, int d, uint64_t x, uint64_t y)
{
    v[a] += v[b] + x;
    v[d] = naive_right(v[d] ^ v[a], 32);
    v[c] += v[d];
    v[b] = naive_right(v[b] ^ v[c], 24);
    v[a] += v[b] + y;
    v[d] = naive_right(v[d] ^ v[a], 16);
    v[c] += v[d];
    v[b] = naive_right(v[b] ^ v[c], 63);
}

static const uint64_t naive_iv[8] = {UINT64_C(0x6a09e667f3bcc908), UINT64_C(0xbb67ae8584caa73b),
                                     UINT64_C(0x3c6ef372fe94f82b), UINT64_C(0xa54ff53a5f1d36f1),
                                     UINT64_C(0x510e527fade682d1), UINT64_C(0x9b05688c2b3e6c1f),
                                     UINT64_C(0x1f83d9abfb41bd6b), UINT64_C(0x5be0cd19137e2179)};

/* RFC 7693 3.2 */
static inline void naive_compress(uint64_t h[8], const uint8_t block[128], uint64_t total,
                                  uint64_t last)
{
    static const uint8_t sigma[10][16] = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
                                          {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
                                          {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
                                          {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
                                          {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
                                          {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
                                          {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
                                          {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
                                          {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
                                          {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0}};
    uint64_t v[16], m[16];
    for (int i = 0; i < 16; i++)
        m[i] = naive_word(block + 8 * i) | (uint64_t)naive_word(block + 8 * i + 4) << 32;
    memcpy(v, h, 64);
    memcpy(v + 8, naive_iv, 64);
    v[12] ^= total;
    v[14] ^= last;
    for (int round = 0; round < 12; round++) {
        const uint8_t *s = sigma[round % 10];
        for (int i = 0; i < 4; i++)
            naive_mix(v, i, 4 + i, 8 + i, 12 + i, m[s[2 * i]], m[s[2 * i + 1]]);
        for (int i = 0; i < 4; i++)
            naive_mix(v, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4, m[s[8 + 2 * i]],
                      m[s[9 + 2 * i]]);
    }
    for (int i = 0; i < 8; i++)
        h[i] ^= v[i] ^ v[i + 8];
}

/* RFC 7693 3.3; lengths below 4 KiB. */
static inline void naive_blake(uint8_t *out, size_t n, const uint8_t *key, size_t key_length,
                               const uint8_t *bytes, size_t length)
{
    static uint8_t text[4096];
    uint64_t h[8];
    size_t total = (key_length > 0 ? 128 : 0) + length, at = 0;
    memset(text, 0, sizeof text);
    if (key_length > 0)
        memcpy(text, key, key_length);
    if (length > 0)
        memcpy(text + total - length, bytes, length);
    memcpy(h, naive_iv, sizeof h);
    h[0] ^= 0x01010000 ^ (uint64_t)key_length << 8 ^ (uint64_t)n;
    for (; at + 128 < total; at += 128)
        naive_compress(h, text + at, at + 128, 0);
    naive_compress(h, text + at, total, UINT64_MAX);
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(h[i / 8] >> (8 * (i % 8)));
}

#endif
