/* test_seal.c: the cryptography against the vectors of RFC 7748, 8439, 6234 and
 * 7693; HMAC and HKDF are proved by the handshakes of test_noise.c.
 *
 * Where seal.h fixes what a vector varies (nonces begin with zeros, keys are 32
 * bytes), the vector proves a naive implementation, and that proves seal.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "stack/check.h"
#include "stack/rng.h"
#include "stack/seal.h"
#include "stack/test/naive_seal.h"

void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: broken promise: %s\n", file, line, condition);
    abort();
}

static size_t hex(uint8_t *out, const char *text)
{
    size_t n = 0;
    for (; text[2 * n] != '\0'; n++) {
        const char byte[3] = {text[2 * n], text[2 * n + 1], '\0'};
        out[n] = (uint8_t)strtoul(byte, NULL, 16);
    }
    return n;
}

static void assert_hex(const uint8_t *got, const char *text)
{
    uint8_t want[256];
    size_t n = hex(want, text);
    assert_memory_equal(got, want, n);
}

/* ---- X25519 ---- */

/* RFC 7748 5.2 */
static void agreement_is_x25519(void **state)
{
    static const char *const vectors[][3] = {
        {"a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
         "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
         "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"},
        {"4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
         "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
         "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957"},
    };
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct seal_pair pair = {{0}, {0}};
        uint8_t u[32], got[32];
        hex(pair.secret, vectors[i][0]);
        hex(u, vectors[i][1]);
        assert_int_equal(seal_real.agree(got, &pair, u), 0);
        assert_hex(got, vectors[i][2]);
    }
}

/* RFC 7748 5.2: k = X25519(k, u), u = the old k, from 9, 9. */
static void a_thousand_agreements_in_a_row_are_right(void **state)
{
    struct seal_pair k = {{9}, {0}};
    uint8_t u[32] = {9}, next[32];
    (void)state;
    for (int i = 1; i <= 1000; i++) {
        assert_int_equal(seal_real.agree(next, &k, u), 0);
        memcpy(u, k.secret, 32);
        memcpy(k.secret, next, 32);
        if (i == 1)
            assert_hex(k.secret,
                       "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
    }
    assert_hex(k.secret, "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
}

/* RFC 7748 6.1 */
static void two_ends_agree(void **state)
{
    struct seal_pair alice, bob;
    uint8_t shared[32];
    (void)state;
    hex(alice.secret, "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
    hex(bob.secret, "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
    seal_real.pair(&alice);
    seal_real.pair(&bob);
    assert_hex(alice.open, "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
    assert_hex(bob.open, "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
    assert_int_equal(seal_real.agree(shared, &alice, bob.open), 0);
    assert_hex(shared, "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
    assert_int_equal(seal_real.agree(shared, &bob, alice.open), 0);
    assert_hex(shared, "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
}

/* RFC 7748 7: the points of order 1, 2, 4 and 8, and the same above the prime,
 * little-endian (list: cr.yp.to/ecdh.html). */
static void low_order_points_are_refused(void **state)
{
    static const char *const points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    static const struct seal_suite *const suites[] = {&seal_real, &seal_modelled};
    struct seal_pair pair;
    uint8_t point[32], shared[32];
    (void)state;
    hex(pair.secret, "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
    for (int suite = 0; suite < 2; suite++) {
        suites[suite]->pair(&pair);
        for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
            hex(point, points[i]);
            assert_int_equal(suites[suite]->agree(shared, &pair, point), -1);
            point[31] |= 0x80; /* the highest bit does not count */
            assert_int_equal(suites[suite]->agree(shared, &pair, point), -1);
            point[16] ^= 4; /* and this is another point */
            assert_int_equal(suites[suite]->agree(shared, &pair, point), 0);
        }
    }
}

/* ---- ChaCha20-Poly1305 ---- */

/* RFC 8439 A.1, vectors 1 to 3 */
static void the_stream_is_chacha20(void **state)
{
    uint8_t key[32] = {0}, block[64];
    (void)state;
    seal_stream(block, key, 0);
    assert_hex(block, "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7"
                      "da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586");
    seal_stream(block, key, 1);
    assert_hex(block, "9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed"
                      "29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f");
    key[31] = 1;
    seal_stream(block, key, 1);
    assert_hex(block, "3aeb5224ecf849929b9d828db1ced4dd832025e8018b8160b82284f3c949aa5a"
                      "8eca00bbb4a73bdad192b5c42f73f2fd4e273644c8b36125a64addeb006c13a0");
}

/* RFC 8439 2.8.2 */
static void the_naive_seal_is_rfc_8439(void **state)
{
    static const char text[] = "Ladies and Gentlemen of the class of '99: If I could offer you "
                               "only one tip for the future, sunscreen would be it.";
    uint8_t key[32], nonce[12], header[12], sealed[sizeof text + 16];
    (void)state;
    for (uint8_t i = 0; i < 32; i++)
        key[i] = (uint8_t)(0x80 + i);
    hex(nonce, "070000004041424344454647");
    hex(header, "50515253c0c1c2c3c4c5c6c7");
    naive_aead(sealed, key, nonce, header, sizeof header, (const uint8_t *)text, sizeof text - 1);
    assert_hex(sealed, "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
                       "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
                       "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
                       "3ff4def08e4b7a9de576d26586cec64b6116"
                       "1ae10b594f09e26a7e902ecbd0600691");
}

/* The nonce is four zeros, then the counter, little-endian (Noise, section 12.2). */
static void a_seal_is_what_the_naive_one_makes(void **state)
{
    struct rng dice;
    uint8_t key[32], header[64], plain[1300], sealed[1316], want[1316], back[1300];
    (void)state;
    rng_init(&dice, (const uint8_t[32]){1});
    for (int i = 0; i < 500; i++) {
        uint32_t length = rng_below(&dice, sizeof plain + 1), head = rng_below(&dice, 65);
        uint64_t counter = rng_u64(&dice) >> rng_below(&dice, 64);
        uint8_t nonce[12] = {0};
        rng_bytes(&dice, key, sizeof key);
        rng_bytes(&dice, header, sizeof header);
        rng_bytes(&dice, plain, sizeof plain);
        for (int j = 0; j < 8; j++)
            nonce[4 + j] = (uint8_t)(counter >> (8 * j));
        naive_aead(want, key, nonce, header, head, plain, length);
        seal_real.lock(sealed, key, counter, header, head, plain, length);
        assert_memory_equal(sealed, want, length + SEAL_TAG);
        assert_int_equal(
            seal_real.unlock(back, key, counter, header, head, sealed, length + SEAL_TAG), 0);
        assert_memory_equal(back, plain, length);
        seal_real.lock(plain, key, counter, header, head, plain, length < 1284 ? length : 1284);
        assert_memory_equal(plain, want, length < 1284 ? length + SEAL_TAG : 1284);
    }
}

static void one_flipped_bit_anywhere_breaks_the_seal(void **state)
{
    static const struct seal_suite *const suites[] = {&seal_real, &seal_modelled};
    (void)state;
    for (int suite = 0; suite < 2; suite++) {
        const struct seal_suite *seal = suites[suite];
        uint8_t key[32] = {7}, header[9] = {1, 2, 3}, plain[20] = {4}, sealed[36], back[20];
        seal->lock(sealed, key, 5, header, sizeof header, plain, sizeof plain);
        for (uint32_t bit = 0; bit < 8 * (sizeof sealed + sizeof header + sizeof key); bit++) {
            uint32_t byte = bit / 8;
            uint8_t *at = byte < 36   ? &sealed[byte]
                          : byte < 45 ? &header[byte - 36]
                                      : &key[byte - 45];
            *at ^= (uint8_t)(1 << bit % 8);
            assert_int_equal(seal->unlock(back, key, 5, header, sizeof header, sealed, 36), -1);
            *at ^= (uint8_t)(1 << bit % 8);
        }
        assert_int_equal(seal->unlock(back, key, 5, header, sizeof header, sealed, 36), 0);
        assert_memory_equal(back, plain, sizeof plain);
        assert_int_equal(seal->unlock(back, key, 6, header, sizeof header, sealed, 36), -1);
        for (size_t cut = 0; cut < sizeof sealed; cut++)
            assert_int_equal(seal->unlock(back, key, 5, header, sizeof header, sealed, cut), -1);
    }
}

/* Noise, section 4.2: the first 32 bytes of ENCRYPT(k, 2^64 - 1, nothing, zeros). */
static void the_next_key_is_what_the_naive_seal_makes_of_zeros(void **state)
{
    uint8_t key[32] = {1, 2, 3}, nonce[12] = {0}, want[48];
    const uint8_t zeros[32] = {0};
    (void)state;
    memset(nonce + 4, 0xff, 8);
    naive_aead(want, key, nonce, NULL, 0, zeros, sizeof zeros);
    seal_real.rekey(key);
    assert_memory_equal(key, want, 32);
}

/* ---- SHA-256 ---- */

/* RFC 6234, section 8.5, test 1 and 2.1 */
static void the_hash_of_the_suite_is_sha256(void **state)
{
    static const char text[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    uint8_t got[32];
    (void)state;
    seal_real.hash(got, "abc", 3, NULL, 0);
    assert_hex(got, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    for (size_t cut = 0; cut < sizeof text; cut++) {
        seal_real.hash(got, text, cut, text + cut, sizeof text - 1 - cut);
        assert_hex(got, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    }
}

/* The modelled suite protects nothing, but takes nothing for another thing either. */
static void modelled_keys_agree_and_differ(void **state)
{
    struct seal_pair a = {{1}, {0}}, b = {{2}, {0}}, c = {{3}, {0}};
    uint8_t ab[32], ba[32], ac[32], first[32], second[32], next[32];
    (void)state;
    seal_public(&a); /* static pairs are real ones */
    seal_public(&b);
    seal_modelled.pair(&c);
    assert_int_equal(seal_modelled.agree(ab, &a, b.open), 0);
    assert_int_equal(seal_modelled.agree(ba, &b, a.open), 0);
    assert_int_equal(seal_modelled.agree(ac, &a, c.open), 0);
    assert_memory_equal(ab, ba, 32);
    assert_memory_not_equal(ab, ac, 32);
    seal_modelled.derive(first, second, ab, ac, 32);
    assert_memory_not_equal(first, second, 32);
    memcpy(next, ab, 32);
    seal_modelled.derive(next, second, next, ac, 32); /* in place */
    assert_memory_equal(next, first, 32);
    seal_modelled.rekey(next);
    assert_memory_not_equal(next, first, 32);
}

/* ---- BLAKE2b ---- */

/* RFC 7693, appendix A */
static void the_hash_is_blake2b(void **state)
{
    uint8_t got[64];
    (void)state;
    seal_hash(got, 64, NULL, "abc", 3);
    assert_hex(got, "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
                    "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923");
}

/* The byte generator of RFC 7693, appendix E */
static void sequence(uint8_t *out, size_t length, uint32_t seed)
{
    uint32_t a = 0xdead4bad * seed, b = 1;
    for (size_t i = 0; i < length; i++) {
        uint32_t t = a + b;
        a = b;
        b = t;
        out[i] = (uint8_t)(t >> 24);
    }
}

/* RFC 7693, appendix E: one hash of the hashes of 24 inputs, plain and keyed */
static void the_naive_hash_is_rfc_7693(void **state)
{
    static const uint32_t outputs[] = {20, 32, 48, 64}, inputs[] = {0, 3, 128, 129, 255, 1024};
    uint8_t all[48 * 64], in[1024], key[64], got[32];
    size_t n = 0;
    (void)state;
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 6; j++) {
            sequence(in, inputs[j], inputs[j]);
            naive_blake(all + n, outputs[i], NULL, 0, in, inputs[j]);
            n += outputs[i];
            sequence(key, outputs[i], outputs[i]);
            naive_blake(all + n, outputs[i], key, outputs[i], in, inputs[j]);
            n += outputs[i];
        }
    }
    naive_blake(got, 32, NULL, 0, all, n);
    assert_hex(got, "c23a7800d98123bd10f506c61e29da5603d763b8bbad2e737f5e765a7bccd475");
}

static void a_hash_is_what_the_naive_one_makes(void **state)
{
    struct rng dice;
    uint8_t key[32], bytes[1500], got[64], want[64];
    (void)state;
    rng_init(&dice, (const uint8_t[32]){2});
    for (int i = 0; i < 1000; i++) {
        uint32_t length = rng_below(&dice, sizeof bytes + 1), n = 16 + rng_below(&dice, 49);
        const uint8_t *with = i % 2 == 0 ? key : NULL;
        rng_bytes(&dice, key, sizeof key);
        rng_bytes(&dice, bytes, sizeof bytes);
        naive_blake(want, n, with, with == NULL ? 0 : 32, bytes, length);
        seal_hash(got, n, with, bytes, length);
        assert_memory_equal(got, want, n);
    }
}

/* ---- small change ---- */

static void bytes_are_compared_and_wiped(void **state)
{
    uint8_t a[32] = {1, 2, 3}, b[32] = {1, 2, 3};
    const uint8_t zero[32] = {0};
    (void)state;
    for (int i = 0; i < 32; i++) {
        assert_int_equal(seal_equal(a, b, 32), 1);
        b[i] ^= 0x10;
        assert_int_equal(seal_equal(a, b, 32), 0);
        b[i] ^= 0x10;
    }
    seal_wipe(a, 32);
    assert_memory_equal(a, zero, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agreement_is_x25519),
        cmocka_unit_test(a_thousand_agreements_in_a_row_are_right),
        cmocka_unit_test(two_ends_agree),
        cmocka_unit_test(low_order_points_are_refused),
        cmocka_unit_test(the_stream_is_chacha20),
        cmocka_unit_test(the_naive_seal_is_rfc_8439),
        cmocka_unit_test(a_seal_is_what_the_naive_one_makes),
        cmocka_unit_test(one_flipped_bit_anywhere_breaks_the_seal),
        cmocka_unit_test(the_next_key_is_what_the_naive_seal_makes_of_zeros),
        cmocka_unit_test(the_hash_of_the_suite_is_sha256),
        cmocka_unit_test(modelled_keys_agree_and_differ),
        cmocka_unit_test(the_hash_is_blake2b),
        cmocka_unit_test(the_naive_hash_is_rfc_7693),
        cmocka_unit_test(a_hash_is_what_the_naive_one_makes),
        cmocka_unit_test(bytes_are_compared_and_wiped),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
