/* test_kad_lookup.c: lookups and upkeep of one node among hand-driven peers. */
#include "stack/test/kad_bench.h"

#define PEER 7 /* owner of the lookups */

/* ---- lookups ---- */

static void start(struct bench *b, const uint8_t *target)
{
    assert_int_equal(kad_lookup(b->kad, b->now, target, PEER, NULL, 0, b->out), 0);
    drain(b);
}

static void with_nobody_to_ask_a_lookup_ends_at_once(void **state)
{
    static struct bench b;
    (void)state;
    bench_open(&b);
    struct mist_event e;
    start(&b, b.self);
    const struct effect *done = nth_effect(&b, EFFECT_LOOKUP_DONE, 0);
    assert_non_null(done);
    assert_int_equal(done->value, PEER);
    assert_int_equal(done->number, 0);
    assert_int_equal(out_next_event(b.out, &e), 1);
    assert_int_equal(e.kind, MIST_EVENT_LOOKUP);
    assert_int_equal(e.reason, MIST_REASON_NOT_FOUND);
    bench_close(&b);
}

static void a_lookup_asks_the_four_closest_first(void **state)
{
    static struct bench b;
    struct contact near[4];
    (void)state;
    bench_open(&b);
    for (int i = 0; i < 100; i++) {
        struct contact c = random_contact(&b);
        see(&b, &c);
    }
    struct contact target = random_contact(&b);
    kad_closest(b.kad, target.id, near, 4);
    start(&b, target.id);
    assert_int_equal(count_effects(&b, EFFECT_REACH), KAD_ALPHA);
    for (uint32_t i = 0; i < 4; i++)
        assert_memory_equal(nth_effect(&b, EFFECT_REACH, i)->contact.id, near[i].id, WIRE_ID);
    bench_close(&b);
}

static void who_failed_last_time_is_asked_last(void **state)
{
    static struct bench b;
    struct contact near[5];
    (void)state;
    bench_open(&b);
    for (int i = 0; i < 30; i++) {
        struct contact c = random_contact(&b);
        see(&b, &c);
    }
    struct contact target = random_contact(&b);
    kad_closest(b.kad, target.id, near, 5);
    kad_failed(b.kad, b.now, near[0].id, b.out);
    start(&b, target.id);
    for (uint32_t i = 0; i < 4; i++)
        assert_memory_equal(nth_effect(&b, EFFECT_REACH, i)->contact.id, near[i + 1].id, WIRE_ID);
    bench_close(&b);
}

/* The chain: known -> second (hop 1's answer) -> target itself (hop 2's). */
static void a_lookup_follows_answers_and_counts_hops(void **state)
{
    static struct bench b;
    struct mist_event e;
    (void)state;
    bench_open(&b);
    struct contact target = random_contact(&b), second = target, known = target;
    second.id[31] ^= 1;
    known.id[0] ^= 0x80;
    see(&b, &known);
    start(&b, target.id);
    kad_link_up(b.kad, b.now, known.id, 11, b.out);
    drain(&b);
    b.now += MS(50);
    answer(&b, &known, 11, request_of(nth_effect(&b, EFFECT_SEND, 0)), &second, 1);
    assert_memory_equal(nth_effect(&b, EFFECT_REACH, 1)->contact.id, second.id, WIRE_ID);
    kad_link_up(b.kad, b.now, second.id, 12, b.out);
    b.now += MS(50);
    answer(&b, &second, 12, request_of(nth_effect(&b, EFFECT_SEND, 1)), &target, 1);
    kad_link_up(b.kad, b.now, target.id, 13, b.out);
    b.now += MS(50);
    answer(&b, &target, 13, request_of(nth_effect(&b, EFFECT_SEND, 2)), NULL, 0);
    assert_int_equal(count_effects(&b, EFFECT_FOUND), 3);
    assert_int_equal(nth_effect(&b, EFFECT_FOUND, 2)->link, 13);
    const struct effect *done = nth_effect(&b, EFFECT_LOOKUP_DONE, 0);
    assert_true(done->number == ((uint64_t)3 << 32 | 3));
    assert_int_equal(out_next_event(b.out, &e), 1);
    assert_int_equal(e.rtt, MS(150));
    assert_int_equal(e.count, 3);
    assert_int_equal(e.hops, 3);
    assert_int_equal(e.reason, MIST_REASON_NONE);
    bench_close(&b);
}

static void a_question_in_the_handshake_is_not_asked_again(void **state)
{
    static struct bench b;
    uint8_t first[WIRE_MTU];
    (void)state;
    bench_open(&b);
    struct contact known = random_contact(&b);
    see(&b, &known);
    start(&b, b.self);
    struct effect e = {.bytes = first};
    assert_int_equal(kad_first(b.kad, b.now, known.id, first, 36), 0); /* FIND takes 37 bytes */
    e.length = (uint32_t)kad_first(b.kad, b.now, known.id, first, sizeof first);
    assert_int_equal(e.length, 37);
    uint32_t request = request_of(&e);
    assert_int_equal(kad_first(b.kad, b.now, known.id, first, sizeof first), 37);
    assert_int_equal(request_of(&e), request);
    kad_link_up(b.kad, b.now, known.id, 5, b.out);
    assert_int_equal(count_effects(&b, EFFECT_SEND), 0);
    answer(&b, &known, 5, request, NULL, 0);
    assert_int_equal(count_effects(&b, EFFECT_LOOKUP_DONE), 1);
    assert_int_equal(kad_first(b.kad, b.now, known.id, first, sizeof first), 0);
    bench_close(&b);
}

static void only_the_asked_peer_answers_and_only_its_question(void **state)
{
    static struct bench b;
    (void)state;
    bench_open(&b);
    struct contact known = random_contact(&b), other = random_contact(&b);
    see(&b, &known);
    start(&b, b.self);
    answer(&b, &known, 5, 0, &other, 1);
    kad_link_up(b.kad, b.now, known.id, 5, b.out);
    uint32_t request = request_of(nth_effect(&b, EFFECT_SEND, 0));
    answer(&b, &known, 5, request + 1, &other, 1);
    answer(&b, &other, 5, request, &other, 1);
    assert_int_equal(count_effects(&b, EFFECT_FOUND), 0);
    assert_int_equal(count_effects(&b, EFFECT_REACH), 1);
    answer(&b, &known, 5, request, &other, 1);
    answer(&b, &known, 5, request, &other, 1);
    assert_int_equal(count_effects(&b, EFFECT_FOUND), 1);
    assert_int_equal(count_effects(&b, EFFECT_REACH), 2);
    bench_close(&b);
}

static void the_rest_is_asked_at_once_when_the_closest_has_answered(void **state)
{
    static struct bench b;
    (void)state;
    bench_open(&b);
    for (int i = 0; i < 100; i++) {
        struct contact c = random_contact(&b);
        see(&b, &c);
    }
    start(&b, b.self);
    for (uint32_t i = 0; i < 2; i++) { /* the second closest, then the closest */
        struct contact c = nth_effect(&b, EFFECT_REACH, 1 - i)->contact;
        kad_link_up(b.kad, b.now, c.id, i + 1, b.out);
        answer(&b, &c, i + 1, request_of(nth_effect(&b, EFFECT_SEND, i)), NULL, 0);
        assert_int_equal(count_effects(&b, EFFECT_REACH), i == 0 ? 1 + 10 : KAD_K);
    }
    bench_close(&b);
}

/* Unmeasured patience is 500 ms for each of the two round trips of a stranger. */
static void a_late_answer_adds_a_branch(void **state)
{
    static struct bench b;
    (void)state;
    bench_open(&b);
    for (int i = 0; i < 100; i++) {
        struct contact c = random_contact(&b);
        see(&b, &c);
    }
    start(&b, b.self);
    pass(&b, MS(499));
    assert_int_equal(count_effects(&b, EFFECT_REACH), KAD_ALPHA);
    pass(&b, MS(1));
    assert_int_equal(count_effects(&b, EFFECT_REACH), 2 * KAD_ALPHA);
    bench_close(&b);
}

/* Every answer takes 100 ms: srtt 100, variance 50, 37.5, 28.125, 21.09 .. ms; after
 * four answers patience is 100 + 4 * 21.09 = 184 ms, to the nanosecond. */
static void patience_follows_the_observed_answers(void **state)
{
    static struct bench b;
    (void)state;
    bench_open(&b);
    for (int i = 0; i < 100; i++) {
        struct contact c = random_contact(&b);
        see(&b, &c);
    }
    start(&b, b.self);
    for (uint32_t i = 0; i < 4; i++) {
        struct contact c = nth_effect(&b, EFFECT_REACH, i)->contact;
        kad_link_up(b.kad, b.now, c.id, i + 1, b.out);
        b.now += MS(100);
        answer(&b, &c, i + 1, request_of(nth_effect(&b, EFFECT_SEND, i)), NULL, 0);
    }
    uint32_t reached = count_effects(&b, EFFECT_REACH), sent = count_effects(&b, EFFECT_SEND);
    for (uint32_t i = 4; i < reached; i++)
        kad_link_up(b.kad, b.now, nth_effect(&b, EFFECT_REACH, i)->contact.id, i + 1, b.out);
    sent += reached - 4;
    pass(&b, US(184375) - 1);
    assert_int_equal(count_effects(&b, EFFECT_SEND), sent);
    pass(&b, 1);
    assert_int_equal(count_effects(&b, EFFECT_SEND), sent + reached - 4); /* each asked again */
    assert_int_equal(count_effects(&b, EFFECT_REACH), KAD_K);
    bench_close(&b);
}

static void a_silent_link_is_forsaken_and_its_peer_met_anew_once(void **state)
{
    static struct bench b;
    (void)state;
    bench_open(&b);
    struct contact known = random_contact(&b);
    see(&b, &known);
    start(&b, b.self);
    kad_link_up(b.kad, b.now, known.id, 5, b.out);
    uint32_t request = request_of(nth_effect(&b, EFFECT_SEND, 0));
    pass(&b, MS(3999));
    assert_int_equal(count_effects(&b, EFFECT_SEND),
                     2); /* FIND, and again: it may have been lost */
    assert_int_equal(request_of(nth_effect(&b, EFFECT_SEND, 1)), request);
    assert_int_equal(count_effects(&b, EFFECT_FORSAKE), 0);
    pass(&b, MS(1));
    assert_int_equal(nth_effect(&b, EFFECT_FORSAKE, 0)->link, 5);
    assert_int_equal(count_effects(&b, EFFECT_REACH), 2);
    kad_link_up(b.kad, b.now, known.id, 6, b.out);
    pass(&b, SEC(4));
    assert_int_equal(count_effects(&b, EFFECT_FORSAKE), 2);
    assert_int_equal(count_effects(&b, EFFECT_REACH), 2);
    assert_int_equal(count_effects(&b, EFFECT_LOOKUP_DONE), 1);
    kad_failed(b.kad, b.now, known.id, b.out); /* the second in a row */
    assert_int_equal(kad_count(b.kad), 0);
    bench_close(&b);
}

static void a_failed_handshake_counts_once_for_all_lookups_that_wait(void **state)
{
    static struct bench b;
    (void)state;
    bench_open(&b);
    struct contact known = random_contact(&b);
    see(&b, &known);
    start(&b, b.self);
    start(&b, known.id);
    b.now += SEC(3);
    kad_link_failed(b.kad, b.now, known.id, b.out);
    assert_int_equal(count_effects(&b, EFFECT_LOOKUP_DONE), 2);
    assert_int_equal(kad_count(b.kad), 1);
    kad_link_failed(b.kad, b.now, known.id, b.out);
    assert_int_equal(kad_count(b.kad), 0);
    bench_close(&b);
}

static void a_link_that_this_node_had_no_room_for_is_nobodys_failure(void **state)
{
    static struct bench b;
    (void)state;
    bench_open(&b);
    struct contact known = random_contact(&b);
    see(&b, &known);
    for (int i = 0; i < 5; i++) {
        start(&b, b.self);
        kad_link_failed(b.kad, b.now, known.id, b.out);
        forget(&b);
    }
    assert_int_equal(kad_count(b.kad), 1);
    bench_close(&b);
}

static void lookups_beyond_the_limit_are_refused(void **state)
{
    static struct bench b;
    (void)state;
    bench_open(&b);
    struct contact known = random_contact(&b);
    see(&b, &known);
    for (int i = 0; i < LOOKUPS; i++)
        start(&b, b.self);
    assert_int_equal(kad_lookup(b.kad, b.now, b.self, 9, NULL, 0, b.out), MIST_ERR_FULL);
    kad_cancel(b.kad, PEER);
    forget(&b);
    assert_int_equal(kad_lookup(b.kad, b.now, b.self, 9, NULL, 0, b.out), 0);
    pass(&b, SEC(10));
    assert_int_equal(count_effects(&b, EFFECT_LOOKUP_DONE), 1); /* the cancelled stay silent */
    assert_int_equal(nth_effect(&b, EFFECT_LOOKUP_DONE, 0)->value, 9);
    bench_close(&b);
}

/* Twenty nearer ones that never answer stand before it, then fail. */
static void an_answer_that_becomes_close_by_failures_is_told_then(void **state)
{
    static struct bench b;
    struct contact known, fake[KAD_K];
    (void)state;
    bench_open(&b);
    known = contact_in(&b, 0);
    see(&b, &known);
    for (int i = 0; i < KAD_K; i++)
        fake[i] = contact_in(&b, 20);
    struct contact second = contact_in(&b, 1);
    start(&b, b.self);
    kad_link_up(b.kad, b.now, known.id, 1, b.out);
    answer(&b, &known, 1, request_of(nth_effect(&b, EFFECT_SEND, 0)), &second, 1);
    assert_int_equal(count_effects(&b, EFFECT_FOUND), 1);
    kad_link_up(b.kad, b.now, second.id, 2, b.out);
    drain(&b);
    answer(&b, &second, 2, request_of(nth_effect(&b, EFFECT_SEND, 1)), fake, KAD_K);
    assert_int_equal(count_effects(&b, EFFECT_FOUND), 1);
    for (int i = 0; i < KAD_K; i++)
        kad_link_failed(b.kad, b.now + SEC(1), fake[i].id, b.out);
    assert_int_equal(count_effects(&b, EFFECT_FOUND), 2);
    pass(&b, SEC(10));
    assert_int_equal(count_effects(&b, EFFECT_LOOKUP_DONE), 1);
    bench_close(&b);
}

/* Unmeasured, patience is 500 ms for the question and 500 + 500 for its repeat. */
static void who_is_overdue_holds_up_no_result_and_may_still_be_found(void **state)
{
    static struct bench b;
    (void)state;
    bench_open(&b);
    struct contact prompt = contact_in(&b, 1), slow = contact_in(&b, 9);
    see(&b, &prompt);
    see(&b, &slow);
    start(&b, b.self);
    kad_link_up(b.kad, b.now, slow.id, 2, b.out);
    uint32_t request = request_of(nth_effect(&b, EFFECT_SEND, 0));
    kad_link_up(b.kad, b.now, prompt.id, 1, b.out);
    answer(&b, &prompt, 1, request_of(nth_effect(&b, EFFECT_SEND, 1)), NULL, 0);
    pass(&b, MS(999));
    assert_int_equal(count_effects(&b, EFFECT_LOOKUP_DONE), 0);
    pass(&b, MS(1));
    assert_int_equal(count_effects(&b, EFFECT_LOOKUP_DONE), 1);
    assert_int_equal(count_effects(&b, EFFECT_FOUND), 1);
    assert_int_equal(nth_effect(&b, EFFECT_PING, 0)->link, 2); /* is it dead? */
    answer(&b, &slow, 2, request, NULL, 0);
    assert_int_equal(count_effects(&b, EFFECT_FOUND), 2);
    pass(&b, SEC(10));
    assert_int_equal(count_effects(&b, EFFECT_LOOKUP_DONE), 1);
    bench_close(&b);
}

/* What others still say of one that was silent here is not worth a question. */
static void who_was_silent_lately_is_not_asked_on_hearsay(void **state)
{
    static struct bench b;
    (void)state;
    bench_open(&b);
    struct contact teller = contact_in(&b, 0), dead = contact_in(&b, 9);
    see(&b, &teller);
    kad_failed(b.kad, b.now, dead.id, b.out);
    for (uint32_t i = 0; i < 3; i++) { /* at once, before three minutes are over, after */
        start(&b, b.self);
        kad_link_up(b.kad, b.now, teller.id, 1, b.out);
        answer(&b, &teller, 1, request_of(nth_effect(&b, EFFECT_SEND, 0)), &dead, 1);
        assert_int_equal(count_effects(&b, EFFECT_REACH), i < 2 ? 1 : 2);
        kad_cancel(b.kad, PEER);
        b.now += SEC(90);
        forget(&b);
    }
    kad_failed(b.kad, b.now, dead.id, b.out);
    see(&b, &dead); /* it has come back */
    start(&b, b.self);
    assert_memory_equal(nth_effect(&b, EFFECT_REACH, 0)->contact.id, dead.id, WIRE_ID);
    bench_close(&b);
}

static void others_are_not_told_of_who_failed_last_time(void **state)
{
    static struct bench b;
    struct contact told[KAD_K];
    (void)state;
    bench_open(&b);
    struct contact live = contact_in(&b, 0), doubtful = contact_in(&b, 9);
    see(&b, &live);
    see(&b, &doubtful);
    assert_int_equal(kad_vouched(b.kad, b.self, told, KAD_K), 2);
    kad_failed(b.kad, b.now, doubtful.id, b.out);
    assert_int_equal(kad_vouched(b.kad, b.self, told, KAD_K), 1);
    assert_memory_equal(told[0].id, live.id, WIRE_ID);
    assert_int_equal(kad_closest(b.kad, b.self, told, KAD_K), 2);
    bench_close(&b);
}

static void hearsay_of_a_failed_peer_elsewhere_is_tried_once(void **state)
{
    static struct bench b;
    (void)state;
    bench_open(&b);
    struct contact teller = contact_in(&b, 1), liar = contact_in(&b, 0), peer = contact_in(&b, 9);
    see(&b, &teller);
    see(&b, &liar);
    start(&b, b.self);
    kad_link_up(b.kad, b.now, liar.id, 1, b.out);
    kad_link_up(b.kad, b.now, teller.id, 2, b.out);
    drain(&b);
    answer(&b, &liar, 1, request_of(nth_effect(&b, EFFECT_SEND, 0)), &peer, 1);
    kad_link_failed(b.kad, b.now, peer.id, b.out);
    peer.addr.port = 77;
    answer(&b, &teller, 2, request_of(nth_effect(&b, EFFECT_SEND, 1)), &peer, 1);
    assert_int_equal(count_effects(&b, EFFECT_REACH), 4);
    assert_int_equal(nth_effect(&b, EFFECT_REACH, 3)->contact.addr.port, 77);
    bench_close(&b);
}

/* ---- upkeep ---- */

/* A node of 100 contacts that nobody uses: an hour brings 2 self-lookups at
 * once and one each 15 min (20 questions each), as many for each of at most 6
 * buckets with room, and one sign of life per 30 s at most. */
static void an_idle_node_costs_little(void **state)
{
    static struct bench b;
    (void)state;
    bench_open(&b);
    for (int i = 0; i < 100; i++) {
        struct contact c = random_contact(&b);
        see(&b, &c);
    }
    uint32_t known = kad_count(b.kad);
    uint32_t asked = live_on(&b, MINUTES(60), true);
    assert_in_range(asked, known, 6 * 20 + 6 * 4 * 20 + 140);
    assert_int_equal(kad_count(b.kad), known);
    bench_close(&b);
}

/* Looked up at 30 s and 2 min, its contact last answered then: for five
 * minutes nothing is due, then that contact alone is asked. */
static void a_sign_of_life_is_asked_of_one_when_it_is_due(void **state)
{
    static struct bench b;
    struct contact list[KAD_K];
    (void)state;
    bench_open(&b);
    struct contact known = random_contact(&b);
    see(&b, &known);
    assert_int_equal(live_on(&b, MINUTES(3), true), 2);
    assert_true(timers_next(&b.timers) - b.now > MINUTES(2));
    while (count_effects(&b, EFFECT_REACH) == 0)
        pass(&b, timers_next(&b.timers) - b.now);
    assert_in_range(b.now, SEC(1000) + MINUTES(6), SEC(1000) + MINUTES(8));
    kad_link_up(b.kad, b.now, known.id, 1, b.out);
    for (int i = 0; i < KAD_K; i++)
        list[i] = random_contact(&b);
    answer(&b, &known, 1, request_of(nth_effect(&b, EFFECT_SEND, 0)), list, KAD_K);
    assert_int_equal(count_effects(&b, EFFECT_REACH), 1);
    bench_close(&b);
}

static void the_dead_leave_the_table_in_time(void **state)
{
    static struct bench b;
    (void)state;
    bench_open(&b);
    for (int i = 0; i < 30; i++) {
        struct contact c = random_contact(&b);
        see(&b, &c);
    }
    live_on(&b, MINUTES(40), false);
    assert_int_equal(kad_count(b.kad), 0);
    assert_true(timers_next(&b.timers) == MIST_NEVER);
    bench_close(&b);
}

/* Bucket 0 has room and 30 contacts lie beyond it: after 15 min without a
 * lookup there, one starts, for an id of that bucket. */
static void a_range_without_lookups_is_refreshed(void **state)
{
    static struct bench b;
    (void)state;
    bench_open(&b);
    struct contact far = contact_in(&b, 0);
    see(&b, &far);
    for (int i = 0; i < 30; i++) {
        struct contact c = contact_in(&b, 5 + (uint32_t)i / 10);
        see(&b, &c);
    }
    live_on(&b, MINUTES(15), true);
    assert_int_equal(b.far_questions, 0);
    live_on(&b, MINUTES(2), true);
    assert_true(b.far_questions > 0);
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_nobody_to_ask_a_lookup_ends_at_once),
        cmocka_unit_test(a_lookup_asks_the_four_closest_first),
        cmocka_unit_test(who_failed_last_time_is_asked_last),
        cmocka_unit_test(a_lookup_follows_answers_and_counts_hops),
        cmocka_unit_test(a_question_in_the_handshake_is_not_asked_again),
        cmocka_unit_test(only_the_asked_peer_answers_and_only_its_question),
        cmocka_unit_test(the_rest_is_asked_at_once_when_the_closest_has_answered),
        cmocka_unit_test(a_late_answer_adds_a_branch),
        cmocka_unit_test(patience_follows_the_observed_answers),
        cmocka_unit_test(a_silent_link_is_forsaken_and_its_peer_met_anew_once),
        cmocka_unit_test(a_failed_handshake_counts_once_for_all_lookups_that_wait),
        cmocka_unit_test(a_link_that_this_node_had_no_room_for_is_nobodys_failure),
        cmocka_unit_test(lookups_beyond_the_limit_are_refused),
        cmocka_unit_test(an_answer_that_becomes_close_by_failures_is_told_then),
        cmocka_unit_test(who_is_overdue_holds_up_no_result_and_may_still_be_found),
        cmocka_unit_test(who_was_silent_lately_is_not_asked_on_hearsay),
        cmocka_unit_test(others_are_not_told_of_who_failed_last_time),
        cmocka_unit_test(hearsay_of_a_failed_peer_elsewhere_is_tried_once),
        cmocka_unit_test(an_idle_node_costs_little),
        cmocka_unit_test(a_sign_of_life_is_asked_of_one_when_it_is_due),
        cmocka_unit_test(the_dead_leave_the_table_in_time),
        cmocka_unit_test(a_range_without_lookups_is_refreshed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
