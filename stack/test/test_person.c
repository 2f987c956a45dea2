/* test_person.c: how two persons recognise each other, and what nobody else can do
 * with what they say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "stack/check.h"
#include "stack/mist.h"
#include "stack/person.h"

void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: broken promise: %s\n", file, line, condition);
    abort();
}

static const struct seal_suite *const suites[] = {&seal_real, &seal_modelled};

static const uint8_t name[WIRE_ID] = {1}, other_name[WIRE_ID] = {2};
static const uint8_t transport[WIRE_ID] = {3}, other_transport[WIRE_ID] = {4};

/* Alice calls Bob; what they said so far. */
struct scene {
    struct person alice, bob, carol;
    struct rng rng;
    struct call call, answer; /* Alice's and Bob's view */
    struct meeting at_alice, at_bob;
    uint8_t offer[WIRE_OFFER], reply[WIRE_ANSWER], proof[WIRE_ANSWER], plain[WIRE_OFFER];
    size_t offer_length, reply_length, proof_length, plain_length;
};

static void open_scene(struct scene *s, const struct seal_suite *seal, bool pinned)
{
    memset(s, 0, sizeof *s);
    rng_init(&s->rng, (const uint8_t[32]){1});
    person_init(&s->alice, (const uint8_t[32]){'a'});
    person_init(&s->bob, (const uint8_t[32]){'b'});
    person_init(&s->carol, (const uint8_t[32]){'c'});
    s->call = (struct call){seal, &s->alice, name, transport, 7};
    s->answer = (struct call){seal, &s->bob, name, transport, 7};
    s->offer_length = person_offer(&s->at_alice, &s->call, pinned ? s->bob.id : NULL, &s->rng,
                                   (const uint8_t *)"where I am", 10, s->offer, sizeof s->offer);
    assert_true(s->offer_length > 0);
}

static int answer(struct scene *s)
{
    return person_answer(&s->at_bob, &s->answer, &s->rng, 0, s->offer, s->offer_length, s->plain,
                         sizeof s->plain, &s->plain_length, s->reply, &s->reply_length);
}

static int prove(struct scene *s)
{
    return person_prove(&s->at_alice, &s->call, 0, s->reply, s->reply_length, s->proof,
                        &s->proof_length);
}

static int proved(struct scene *s)
{
    return person_proved(&s->at_bob, &s->answer, 0, s->proof, s->proof_length);
}

/* What one says the other hears, once. */
static void assert_talks(const struct seal_suite *seal, struct meeting *from, struct meeting *to)
{
    uint8_t sealed[WIRE_MTU], plain[WIRE_MTU];
    const uint8_t *body;
    size_t length;
    uint32_t channel, counter = person_seal(from, seal, 0, 3, (const uint8_t *)"hello", 5, sealed);
    size_t size = person_sealed(5);
    assert_int_equal(
        person_unseal(to, seal, counter, sealed, size, plain, &channel, &body, &length),
        SESSION_FINE);
    assert_int_equal(length, 5);
    assert_int_equal(channel, 3);
    assert_memory_equal(body, "hello", 5);
    assert_int_equal(
        person_unseal(to, seal, counter, sealed, size, plain, &channel, &body, &length),
        SESSION_REPLAYED);
}

static void two_persons_meet_pinned_or_not(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct scene s;
        open_scene(&s, suites[i / 2], i % 2 == 0);
        assert_int_equal(answer(&s), 0);
        assert_int_equal(s.plain_length, 10);
        assert_memory_equal(s.plain, "where I am", 10);
        assert_false(s.at_bob.stands); /* an offer may be a replay */
        assert_int_equal(prove(&s), 0);
        assert_memory_equal(s.at_alice.peer, s.bob.id, WIRE_ID);
        assert_int_equal(proved(&s), 0);
        assert_memory_equal(s.at_bob.peer, s.alice.id, WIRE_ID);
        assert_talks(suites[i / 2], &s.at_alice, &s.at_bob);
        assert_talks(suites[i / 2], &s.at_bob, &s.at_alice);
    }
}

static void an_offer_for_one_person_is_of_no_use_to_another(void **state)
{
    struct scene s;
    (void)state;
    open_scene(&s, &seal_real, true);
    s.answer.self = &s.carol;
    assert_int_equal(answer(&s), -1);
    for (size_t i = 0; i + 10 <= s.offer_length; i++) /* nor can she read it */
        assert_memory_not_equal(s.offer + i, "where I am", 10);
}

/* Whoever answers without Bob's key, whatever else he knows. */
static void who_lacks_the_pinned_key_cannot_answer(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct scene s, other;
        open_scene(&s, &seal_real, true);
        open_scene(&other, &seal_real, true);
        assert_int_equal(answer(&s), 0);
        if (i == 0) { /* an answer to another call of the same two */
            other.call.conversation = other.answer.conversation = 8;
            other.offer_length = person_offer(&other.at_alice, &other.call, other.bob.id,
                                              &other.rng, NULL, 0, other.offer, sizeof other.offer);
            assert_int_equal(answer(&other), 0);
            memcpy(s.reply, other.reply, sizeof s.reply);
        } else if (i == 1) { /* noise */
            rng_bytes(&s.rng, s.reply, s.reply_length);
        } else { /* an answer of the other kind */
            s.reply_length = WIRE_ANSWER;
        }
        struct meeting before = s.at_alice;
        assert_int_equal(prove(&s), -1);
        assert_memory_equal(&before, &s.at_alice, sizeof before);
    }
}

/* The search goes on: an answer that proves nothing spoils nothing. */
static void after_an_impostor_the_true_answer_still_counts(void **state)
{
    (void)state;
    for (int pinned = 0; pinned < 2; pinned++) {
        struct scene s;
        uint8_t good[WIRE_ANSWER];
        open_scene(&s, &seal_real, pinned != 0);
        assert_int_equal(answer(&s), 0);
        memcpy(good, s.reply, sizeof good);
        for (uint32_t bit = 0; bit < 8 * s.reply_length; bit += 11) {
            s.reply[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_equal(prove(&s), -1);
            memcpy(s.reply, good, sizeof good);
        }
        assert_int_equal(prove(&s), 0);
        memcpy(good, s.proof, sizeof good);
        for (uint32_t bit = 0; bit < 8 * s.proof_length; bit += 11) {
            s.proof[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_equal(proved(&s), -1);
            memcpy(s.proof, good, sizeof good);
        }
        assert_int_equal(proved(&s), 0);
    }
}

/* A holder of the name publishes Alice's offer as its own, or under another name. */
static void an_offer_serves_its_own_dialer_name_and_conversation_only(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++) {
        struct scene s;
        open_scene(&s, &seal_real, i < 3);
        s.answer.dialer = i % 3 == 0 ? other_transport : transport;
        s.answer.name = i % 3 == 1 ? other_name : name;
        s.answer.conversation = i % 3 == 2 ? 8 : 7;
        int answered = answer(&s);
        assert_int_equal(answered, i < 3 ? -1 : 0); /* without a pin it shows one message later */
        if (answered == 0)
            assert_int_equal(prove(&s), -1);
    }
}

/* Carol says that she is Bob. */
static void an_id_goes_with_its_key(void **state)
{
    struct scene s;
    (void)state;
    open_scene(&s, &seal_real, false);
    struct person liar = s.carol;
    memcpy(liar.id, s.bob.id, WIRE_ID);
    s.answer.self = &liar;
    assert_int_equal(answer(&s), 0);
    assert_int_equal(prove(&s), -1);
    open_scene(&s, &seal_real, true);
    liar = s.carol;
    memcpy(liar.id, s.alice.id, WIRE_ID);
    s.call.self = &liar;
    s.offer_length =
        person_offer(&s.at_alice, &s.call, s.bob.id, &s.rng, NULL, 0, s.offer, sizeof s.offer);
    assert_int_equal(answer(&s), -1);
}

/* A11: the recorded offer makes Bob answer, and no more. */
static void a_replayed_offer_brings_nobody_in(void **state)
{
    struct scene s, again;
    (void)state;
    open_scene(&s, &seal_real, true);
    assert_int_equal(answer(&s), 0);
    assert_int_equal(prove(&s), 0);
    assert_int_equal(proved(&s), 0);
    again = s;
    assert_int_equal(answer(&again), 0);  /* the same bytes, another time */
    assert_int_equal(proved(&again), -1); /* the recorded proof */
    assert_false(again.at_bob.stands);
}

static void bent_and_cut_offers_are_refused(void **state)
{
    struct scene s;
    (void)state;
    open_scene(&s, &seal_real, true);
    uint8_t good[WIRE_OFFER];
    memcpy(good, s.offer, sizeof good);
    for (uint32_t bit = 0; bit < 8 * s.offer_length; bit += 13) {
        if (bit / 8 == 32 && bit % 8 == 7)
            continue; /* X25519 ignores the highest bit of e, and the hash notices: below */
        s.offer[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(answer(&s), -1);
        memcpy(s.offer, good, sizeof good);
    }
    size_t whole = s.offer_length;
    for (s.offer_length = 0; s.offer_length < whole; s.offer_length++)
        assert_int_equal(answer(&s), -1);
}

/* RFC 8032, section 7.1, tests 1 and 2: the ids; both ways to the X25519 key agree. */
static void a_person_is_an_ed25519_key(void **state)
{
    static const char *const vectors[][2] = {
        {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
         "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"},
        {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
         "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"},
    };
    (void)state;
    for (int i = 0; i < 2; i++) {
        uint8_t seed[32], id[32], open[32];
        struct person p;
        sodium_hex2bin(seed, 32, vectors[i][0], 64, NULL, NULL, NULL);
        sodium_hex2bin(id, 32, vectors[i][1], 64, NULL, NULL, NULL);
        person_init(&p, seed);
        assert_memory_equal(p.id, id, 32);
        assert_int_equal(seal_person_open(open, p.id), 0);
        assert_memory_equal(open, p.pair.open, 32);
    }
}

/* Points of low order (RFC 8032, section 5.1.4: identity, and of order 2) and no points. */
static void nobodys_ids_cannot_be_pinned(void **state)
{
    static const uint8_t ids[][32] = {{0}, {1}, {2}, {[0] = 0xec, [31] = 0x7f}};
    (void)state;
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        struct scene s;
        open_scene(&s, &seal_real, true);
        assert_int_equal(
            person_offer(&s.at_alice, &s.call, ids[i], &s.rng, NULL, 0, s.offer, sizeof s.offer),
            0);
    }
}

/* By the formula of PADME: E = floor(log2 L), S = floor(log2 E) + 1, and the last E - S
 * binary digits of L, rounded up, are zero; two bytes of length come before the text. */
static void lengths_fall_into_classes(void **state)
{
    static const size_t cases[][2] = {
        {0, 32},    {30, 32},   {31, 36},    {98, 104},    {200, 208},
        {510, 512}, {511, 544}, {998, 1024}, {1023, 1088}, {MIST_PAYLOAD, 1152}};
    size_t classes = 0, last = 0;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(person_sealed(cases[i][0]), cases[i][1] + SEAL_TAG);
    for (size_t length = 0; length <= MIST_PAYLOAD; length++) {
        size_t sealed = person_sealed(length);
        assert_true(sealed >= length + 2 + SEAL_TAG && sealed >= last);
        classes += sealed != last;
        last = sealed;
    }
    /* 32; then 8 up to each of 64, 128 and 256; 16 up to 512 and 1,024; 1,088 and 1,152 */
    assert_int_equal(classes, 1 + 3 * 8 + 2 * 16 + 2);
    /* In PAYLOAD and DATA, wrapped for a relay, the longest still is a datagram. */
    assert_true(11 + person_sealed(MIST_PAYLOAD) + 25 + 15 + 25 <= MIST_DATAGRAM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_persons_meet_pinned_or_not),
        cmocka_unit_test(an_offer_for_one_person_is_of_no_use_to_another),
        cmocka_unit_test(who_lacks_the_pinned_key_cannot_answer),
        cmocka_unit_test(after_an_impostor_the_true_answer_still_counts),
        cmocka_unit_test(an_offer_serves_its_own_dialer_name_and_conversation_only),
        cmocka_unit_test(an_id_goes_with_its_key),
        cmocka_unit_test(a_replayed_offer_brings_nobody_in),
        cmocka_unit_test(bent_and_cut_offers_are_refused),
        cmocka_unit_test(a_person_is_an_ed25519_key),
        cmocka_unit_test(nobodys_ids_cannot_be_pinned),
        cmocka_unit_test(lengths_fall_into_classes),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
