/* test_noise.c: the handshakes against published vectors, and what they refuse. */
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
#include "stack/test/noise_vectors.h"

#define COUNT(x) (sizeof(x) / sizeof((x)[0]))

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

static struct seal_pair pair_of(const char *secret)
{
    struct seal_pair pair;
    hex(pair.secret, secret);
    seal_real.pair(&pair);
    return pair;
}

/* ---- the published vectors ---- */

static void begin_both(struct noise ends[2], const struct noise_vector *v)
{
    uint8_t prologue[64];
    size_t length = hex(prologue, v->prologue);
    struct seal_pair s[2] = {pair_of(v->initiator), pair_of(v->responder)};
    struct seal_pair e[2] = {pair_of(v->initiator_e), pair_of(v->responder_e)};
    for (int i = 0; i < 2; i++) {
        bool known = v->pattern == NOISE_KK || (v->pattern == NOISE_IK && i == 0);
        noise_begin(&ends[i], &seal_real, v->pattern, i == 0, prologue, length, &s[i], &e[i],
                    known ? s[1 - i].open : NULL);
    }
}

static void handshakes_are_those_of_the_published_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(noise_vectors); i++) {
        const struct noise_vector *v = &noise_vectors[i];
        struct noise ends[2];
        uint8_t payload[256], want[256], got[256], keys[2][SEAL_KEY], other[2][SEAL_KEY];
        uint32_t handshake = v->pattern == NOISE_XX ? 3 : 2;
        begin_both(ends, v);
        for (uint32_t m = 0; m < 6; m++) {
            size_t length = hex(payload, v->messages[m].payload);
            size_t sealed = hex(want, v->messages[m].sealed);
            if (m < handshake) {
                assert_int_equal(sealed, length + noise_overhead(v->pattern, m));
                assert_int_equal(noise_write(&ends[m % 2], payload, length, got), 0);
                assert_memory_equal(got, want, sealed);
                assert_int_equal(noise_read(&ends[1 - m % 2], want, sealed, got), 0);
                assert_memory_equal(got, payload, length);
            } else {
                noise_split(&ends[0], keys[0], keys[1]);
                noise_split(&ends[1], other[0], other[1]);
                assert_memory_equal(keys, other, sizeof keys);
                seal_real.lock(got, keys[m % 2], (m - handshake) / 2, NULL, 0, payload, length);
                assert_memory_equal(got, want, sealed);
            }
        }
        hex(want, v->hash);
        assert_memory_equal(ends[0].h, want, SEAL_KEY);
        assert_memory_equal(ends[1].h, want, SEAL_KEY);
    }
}

/* ---- what is refused ---- */

static const struct seal_suite *const suites[] = {&seal_real, &seal_modelled};

struct parties {
    struct seal_pair s[2], e[2];
};

static struct parties draw_parties(const struct seal_suite *seal, struct rng *dice)
{
    struct parties p;
    for (int i = 0; i < 2; i++) {
        rng_bytes(dice, p.s[i].secret, SEAL_KEY);
        rng_bytes(dice, p.e[i].secret, SEAL_KEY);
        seal->pair(&p.s[i]);
        seal->pair(&p.e[i]);
    }
    return p;
}

static void begin(struct noise *n, const struct seal_suite *seal, enum noise_pattern pattern,
                  const struct parties *p, int end, const char *prologue)
{
    bool known = pattern == NOISE_KK || (pattern == NOISE_IK && end == 0);
    noise_begin(n, seal, pattern, end == 0, prologue, strlen(prologue), &p->s[end], &p->e[end],
                known ? p->s[1 - end].open : NULL);
}

/* Message number `last` as it is, or with one bit bent; what reading it returns. */
static int exchange(const struct seal_suite *seal, enum noise_pattern pattern,
                    const struct parties *p, uint32_t last, uint32_t bit, const char *prologues[2])
{
    struct noise ends[2];
    uint8_t message[256], payload[256];
    begin(&ends[0], seal, pattern, p, 0, prologues[0]);
    begin(&ends[1], seal, pattern, p, 1, prologues[1]);
    for (uint32_t m = 0;; m++) {
        size_t length = noise_overhead(pattern, m) + 5;
        assert_int_equal(noise_write(&ends[m % 2], (const uint8_t *)"hello", 5, message), 0);
        if (m == last && bit < 8 * length)
            message[bit / 8] ^= (uint8_t)(1u << bit % 8);
        int read = noise_read(&ends[1 - m % 2], message, length, payload);
        if (read != 0 || m == last)
            return read;
    }
}

static void one_bent_bit_ends_a_handshake(void **state)
{
    static const char *prologues[2] = {"mist", "mist"};
    struct rng dice;
    (void)state;
    rng_init(&dice, (const uint8_t[32]){3});
    for (size_t suite = 0; suite < COUNT(suites); suite++) {
        for (enum noise_pattern pattern = NOISE_KK; pattern <= NOISE_XX; pattern++) {
            uint32_t messages = pattern == NOISE_XX ? 3 : 2;
            struct parties p = draw_parties(suites[suite], &dice);
            for (uint32_t last = 0; last < messages; last++) {
                size_t bits = 8 * (noise_overhead(pattern, last) + 5);
                assert_int_equal(exchange(suites[suite], pattern, &p, last, UINT32_MAX, prologues),
                                 0);
                if (pattern == NOISE_XX && last == 0)
                    continue; /* there is no key yet: the next message notices */
                for (uint32_t bit = 0; bit < bits; bit += suite == 0 ? 7 : 1) {
                    if (suite == 0 && bit / 8 == 31 && bit % 8 == 7)
                        continue; /* X25519 ignores it; the hash does not, but then h differs */
                    assert_int_equal(exchange(suites[suite], pattern, &p, last, bit, prologues),
                                     -1);
                }
            }
        }
    }
}

/* A18: what both believe they agreed on is part of the first hash. */
static void another_prologue_is_another_conversation(void **state)
{
    static const char *prologues[2] = {"mist 2", "mist 1"};
    struct rng dice;
    (void)state;
    rng_init(&dice, (const uint8_t[32]){4});
    struct parties p = draw_parties(&seal_real, &dice);
    assert_int_equal(exchange(&seal_real, NOISE_KK, &p, 0, UINT32_MAX, prologues), -1);
    assert_int_equal(exchange(&seal_real, NOISE_IK, &p, 0, UINT32_MAX, prologues), -1);
    assert_int_equal(exchange(&seal_real, NOISE_XX, &p, 1, UINT32_MAX, prologues), -1);
}

static void cut_messages_are_refused(void **state)
{
    struct rng dice;
    (void)state;
    rng_init(&dice, (const uint8_t[32]){5});
    struct parties p = draw_parties(&seal_real, &dice);
    for (enum noise_pattern pattern = NOISE_KK; pattern <= NOISE_XX; pattern++) {
        struct noise initiator, responder;
        uint8_t message[256], payload[256];
        begin(&initiator, &seal_real, pattern, &p, 0, "");
        assert_int_equal(noise_write(&initiator, (const uint8_t *)"hello", 5, message), 0);
        for (size_t length = 0; length < noise_overhead(pattern, 0); length++) {
            begin(&responder, &seal_real, pattern, &p, 1, "");
            assert_int_equal(noise_read(&responder, message, length, payload), -1);
        }
    }
}

/* RFC 7748, section 6.1: a contribution of nothing gives a secret that all know. */
static void low_order_keys_end_a_handshake(void **state)
{
    static const uint8_t one[SEAL_KEY] = {1};
    struct rng dice;
    (void)state;
    rng_init(&dice, (const uint8_t[32]){6});
    for (size_t suite = 0; suite < COUNT(suites); suite++) {
        struct parties p = draw_parties(suites[suite], &dice);
        struct noise n;
        uint8_t message[256], payload[256];
        memcpy(p.s[1].open, one, SEAL_KEY); /* whom one calls */
        begin(&n, suites[suite], NOISE_KK, &p, 0, "");
        assert_int_equal(noise_write(&n, NULL, 0, message), -1);
        p = draw_parties(suites[suite], &dice);
        memset(message, 0, sizeof message); /* e, of one who calls */
        memcpy(message, one, SEAL_KEY);
        begin(&n, suites[suite], NOISE_IK, &p, 1, "");
        assert_int_equal(noise_read(&n, message, 96, payload), -1);
    }
}

/* Who stole the responder's static key can read a first message to it, but the
 * initiator does not take an answer of anybody who lacks its own peer's key. */
static void a_wrong_responder_cannot_answer(void **state)
{
    struct rng dice;
    (void)state;
    rng_init(&dice, (const uint8_t[32]){7});
    for (enum noise_pattern pattern = NOISE_KK; pattern <= NOISE_IK; pattern++) {
        struct parties p = draw_parties(&seal_real, &dice);
        struct parties wrong = draw_parties(&seal_real, &dice);
        struct noise initiator, responder;
        uint8_t message[256], payload[256];
        begin(&initiator, &seal_real, pattern, &p, 0, "");
        assert_int_equal(noise_write(&initiator, NULL, 0, message), 0);
        wrong.s[0] = p.s[0]; /* it knows who calls */
        begin(&responder, &seal_real, pattern, &wrong, 1, "");
        assert_int_equal(noise_read(&responder, message, noise_overhead(pattern, 0), payload), -1);
        /* ... and whom: it writes an answer with the true public key, without its secret */
        memcpy(wrong.s[1].open, p.s[1].open, SEAL_KEY);
        begin(&responder, &seal_real, pattern, &wrong, 1, "");
        (void)noise_read(&responder, message, noise_overhead(pattern, 0), payload);
        responder.message = 1;
        memcpy(responder.rs, p.s[0].open, SEAL_KEY);
        assert_int_equal(noise_write(&responder, NULL, 0, message), 0);
        assert_int_equal(noise_read(&initiator, message, noise_overhead(pattern, 1), payload), -1);
    }
}

/* A12, key-compromise impersonation: the thief of the responder's own static key can
 * forge a first message from anybody (section 7.7, source property 1), and gets no
 * further: the keys of the session need the initiator's secret. */
static void key_compromise_a_stolen_static_key_opens_no_session_as_another(void **state)
{
    struct rng dice;
    (void)state;
    rng_init(&dice, (const uint8_t[32]){8});
    struct parties p = draw_parties(&seal_real, &dice), thief = draw_parties(&seal_real, &dice);
    struct noise forged, responder;
    uint8_t message[256], payload[256], keys[2][SEAL_KEY], thiefs[2][SEAL_KEY];
    begin(&forged, &seal_real, NOISE_KK, &p, 0, "");
    forged.e = thief.e[0];
    assert_int_equal(noise_write(&forged, NULL, 0, message), 0); /* ss: from our side */
    begin(&responder, &seal_real, NOISE_KK, &p, 1, "");
    assert_int_equal(noise_read(&responder, message, 48, payload), 0);
    assert_int_equal(noise_write(&responder, NULL, 0, message), 0);
    noise_split(&responder, keys[0], keys[1]);
    forged.s = thief.s[0]; /* what the thief lacks: the initiator's secret, needed for se */
    assert_int_equal(noise_read(&forged, message, 48, payload), -1);
    noise_split(&forged, thiefs[0], thiefs[1]);
    assert_memory_not_equal(keys[0], thiefs[0], SEAL_KEY);
    assert_memory_not_equal(keys[1], thiefs[1], SEAL_KEY);
}

static void early_keys_and_session_keys_are_all_different(void **state)
{
    struct rng dice;
    (void)state;
    rng_init(&dice, (const uint8_t[32]){9});
    for (size_t suite = 0; suite < COUNT(suites); suite++) {
        struct parties p = draw_parties(suites[suite], &dice);
        struct noise a, b;
        uint8_t message[256], payload[256], keys[3][SEAL_KEY], theirs[3][SEAL_KEY];
        begin(&a, suites[suite], NOISE_KK, &p, 0, "");
        begin(&b, suites[suite], NOISE_KK, &p, 1, "");
        assert_int_equal(noise_write(&a, NULL, 0, message), 0);
        assert_int_equal(noise_read(&b, message, 48, payload), 0);
        noise_early(&a, keys[0]);
        noise_early(&b, theirs[0]);
        assert_int_equal(noise_write(&b, NULL, 0, message), 0);
        assert_int_equal(noise_read(&a, message, 48, payload), 0);
        noise_split(&a, keys[1], keys[2]);
        noise_split(&b, theirs[1], theirs[2]);
        assert_memory_equal(keys, theirs, sizeof keys);
        assert_memory_not_equal(keys[0], keys[1], SEAL_KEY);
        assert_memory_not_equal(keys[0], keys[2], SEAL_KEY);
        assert_memory_not_equal(keys[1], keys[2], SEAL_KEY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handshakes_are_those_of_the_published_vectors),
        cmocka_unit_test(one_bent_bit_ends_a_handshake),
        cmocka_unit_test(another_prologue_is_another_conversation),
        cmocka_unit_test(cut_messages_are_refused),
        cmocka_unit_test(low_order_keys_end_a_handshake),
        cmocka_unit_test(a_wrong_responder_cannot_answer),
        cmocka_unit_test(key_compromise_a_stolen_static_key_opens_no_session_as_another),
        cmocka_unit_test(early_keys_and_session_keys_are_all_different),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
