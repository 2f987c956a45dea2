/* Two homes find each other by name; the golden texts are rewritten with
 * MIST_GOLDEN=write. */
#include "stack/test/pair.h"

#define RTT MS(40) /* of the lab's pairs */

/* ---- a direct path ---- */

static void two_port_restricted_homes_talk_by_relay_first_then_directly(void **state)
{
    (void)state;
    struct pair p = pair_open(1, LAB_EIM, LAB_APDF, LAB_EIM, LAB_APDF);
    uint32_t bobs = pair_dial(&p, SEC(3));
    const struct story_entry *offer = pair_fact(&p, p.bob, FACT_OFFER_RECEIVED);
    assert_int_equal(addr_ip4(&offer->addr), p.lab->hosts[p.alice].nat.ip); /* as seen (M13) */
    assert_int_equal(pair_event(&p, p.alice, MIST_EVENT_CONNECTED)->a, MIST_PATH_RELAY);
    const struct story_entry *moved = pair_event(&p, p.alice, MIST_EVENT_PATH);
    assert_non_null(moved);
    assert_int_equal(pair_path(&p, p.alice, 1), MIST_PATH_PUNCHED);
    assert_int_equal(pair_path(&p, p.bob, bobs), MIST_PATH_PUNCHED);
    uint32_t forwarded = 0, later = 0;
    for (uint32_t i = 0; i < 3; i++)
        forwarded += story_number(p.s, i, STORY_FACT, FACT_RELAY_FORWARDED, p.from);
    assert_true(forwarded > 0);
    mist_time direct = p.lab->now;
    pair_talks(&p, bobs, "there", "back");
    for (uint32_t i = 0; i < 3; i++)
        later += story_number(p.s, i, STORY_FACT, FACT_RELAY_FORWARDED, direct);
    assert_int_equal(later, 0); /* the relay has nothing to do any more */
    story_golden(p.s, "dial_punched.txt", p.from, pair_words, PAIR_WORDS);
    story_close(p.s);
}

static void both_ends_send_their_first_probes_within_a_round_trip(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct pair p = pair_open(seed, LAB_EIM, LAB_APDF, LAB_EIM, LAB_APDF);
        pair_dial(&p, SEC(3));
        mist_time a = pair_fact(&p, p.alice, FACT_PROBE_SENT)->at;
        mist_time b = pair_fact(&p, p.bob, FACT_PROBE_SENT)->at;
        assert_true((a > b ? a - b : b - a) <= RTT);
        story_close(p.s);
    }
}

static void a_proved_path_has_the_round_trip_that_the_network_has(void **state)
{
    (void)state;
    struct pair p = pair_open(2, LAB_EIM, LAB_APDF, LAB_EIM, LAB_APDF);
    pair_dial(&p, SEC(3));
    assert_true(pair_fact(&p, p.alice, FACT_PATH_PROVED)->a == RTT);
    assert_true(pair_fact(&p, p.bob, FACT_PATH_PROVED)->a == RTT);
    story_close(p.s);
}

/* What follows from RFC 4787 when both ends send to where the other was seen. */
static void the_pair_of_nats_decides_between_direct_and_relayed(void **state)
{
    (void)state;
    static const struct {
        enum lab_mapping mapping[2];
        enum lab_filtering filtering[2];
        bool direct;
    } cases[] = {
        {{LAB_EIM, LAB_EIM}, {LAB_EIF, LAB_EIF}, true},
        {{LAB_EIM, LAB_EIM}, {LAB_ADF, LAB_APDF}, true},
        {{LAB_APDM, LAB_EIM}, {LAB_APDF, LAB_EIF}, true},
        {{LAB_APDM, LAB_EIM}, {LAB_APDF, LAB_ADF}, true},
        {{LAB_EIM, LAB_APDM}, {LAB_ADF, LAB_APDF}, true},
        {{LAB_APDM, LAB_EIM}, {LAB_APDF, LAB_APDF}, false},
        {{LAB_EIM, LAB_APDM}, {LAB_APDF, LAB_APDF}, false},
        {{LAB_APDM, LAB_APDM}, {LAB_APDF, LAB_APDF}, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct pair p = pair_open(100 + i, cases[i].mapping[0], cases[i].filtering[0],
                                  cases[i].mapping[1], cases[i].filtering[1]);
        uint32_t bobs = pair_dial(&p, SEC(50)); /* all attempts */
        assert_int_equal(pair_path(&p, p.alice, 1) != MIST_PATH_RELAY, cases[i].direct);
        assert_int_equal(pair_path(&p, p.bob, bobs) != MIST_PATH_RELAY, cases[i].direct);
        pair_talks(&p, bobs, "there", "back");
        story_close(p.s);
    }
}

/* Alice asks Bob, who is reachable, for the holders of his own name while he
 * answers her offer through a relay: two handshakes at once. */
static void handshakes_that_cross_leave_both_ends_with_the_same_keys(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 16; seed++) { /* either may have the smaller id */
        struct pair p = pair_open(seed, LAB_APDM, LAB_APDF, LAB_EIM, LAB_EIF);
        uint32_t bobs = pair_dial(&p, SEC(40));
        assert_null(pair_event(&p, p.alice, MIST_EVENT_CLOSED));
        assert_null(pair_event(&p, p.bob, MIST_EVENT_CLOSED));
        pair_talks(&p, bobs, "there", "back");
        assert_int_equal(story_number(p.s, p.bob, STORY_FACT, FACT_FORGED, p.from), 0);
        story_close(p.s);
    }
}

/* ---- no direct path ---- */

static void a_symmetric_and_a_port_restricted_home_stay_on_the_relay(void **state)
{
    (void)state;
    struct pair p = pair_open(3, LAB_APDM, LAB_APDF, LAB_EIM, LAB_APDF);
    uint32_t bobs = pair_dial(&p, SEC(6)); /* the first attempt */
    story_golden(p.s, "dial_relayed.txt", p.from, pair_words, PAIR_WORDS);
    lab_run(p.lab, p.lab->now + MINUTES(10)); /* heartbeats alone keep it */
    assert_int_equal(story_number(p.s, p.alice, STORY_EVENT, MIST_EVENT_CLOSED, p.from), 0);
    assert_int_equal(pair_path(&p, p.alice, 1), MIST_PATH_RELAY);
    pair_talks(&p, bobs, "still there", "still here");
    story_close(p.s);
}

static void an_attempt_that_fails_had_at_least_four_rounds(void **state)
{
    (void)state;
    struct pair p = pair_open(4, LAB_APDM, LAB_APDF, LAB_EIM, LAB_APDF);
    pair_dial(&p, SEC(50));
    uint32_t hosts[] = {p.alice, p.bob};
    for (size_t h = 0; h < COUNT(hosts); h++) {
        uint32_t attempts = 0, rounds = 0;
        assert_non_null(pair_fact(&p, hosts[h], FACT_PUNCH_FAILED));
        for (uint32_t i = 0; i < p.s->count; i++) {
            const struct story_entry *e = &p.s->entries[i];
            if (e->at < p.from || e->host != hosts[h] || e->kind != STORY_FACT)
                continue;
            if (e->number == FACT_PUNCH_STARTED) {
                assert_true(attempts == 0 || __builtin_popcount(rounds) >= 4);
                attempts++;
                rounds = 0;
            } else if (e->number == FACT_PROBE_SENT && e->a < PUNCH_ROUNDS) {
                rounds |= 1u << e->a; /* each round once, in order */
            }
        }
        assert_true(__builtin_popcount(rounds) >= 4);
        assert_true(attempts >= 2);
    }
    story_close(p.s);
}

/* Lost: what comes straight from Alice to Bob. */
static bool deaf_bob(void *context, struct lab *l, uint32_t host, const struct addr *from,
                     const uint8_t *bytes, uint32_t length)
{
    (void)context, (void)bytes, (void)length;
    return strcmp(l->hosts[host].name, "bob") != 0 || lab_by_addr(l, from) < 0 ||
           strcmp(l->hosts[lab_by_addr(l, from)].name, "alice") != 0;
}

static void probes_go_on_after_the_first_packet_received(void **state)
{
    (void)state;
    struct pair p = pair_open(5, LAB_EIM, LAB_APDF, LAB_EIM, LAB_APDF);
    p.lab->watch.arrives = deaf_bob;
    pair_dial(&p, SEC(1));
    mist_time heard = pair_fact(&p, p.alice, FACT_PROBE_RECEIVED)->at;
    uint32_t before = story_number(p.s, p.alice, STORY_FACT, FACT_PROBE_SENT, heard + 1);
    assert_true(before >= 2);
    assert_null(pair_fact(&p, p.alice, FACT_PATH_PROVED));
    assert_null(pair_event(&p, p.alice, MIST_EVENT_PATH));
    p.lab->watch.arrives = NULL;
    lab_run(p.lab, p.from + SEC(6)); /* within the same attempt */
    assert_int_equal(pair_fact(&p, p.alice, FACT_PATH_PROVED)->b, 1);
    assert_int_equal(pair_path(&p, p.alice, 1), MIST_PATH_PUNCHED);
    story_close(p.s);
}

static void without_a_strategy_nobody_punches(void **state)
{
    (void)state;
    struct pair p = {.s = story_open(6)};
    p.lab = p.s->lab;
    story_servers(p.s, 3);
    uint32_t *who[] = {&p.alice, &p.bob};
    for (int i = 0; i < 2; i++) {
        *who[i] = lab_add(p.lab, i == 0 ? "alice" : "bob");
        lab_behind(p.lab, *who[i], LAB_EIM, LAB_APDF, false);
        lab_configure(p.lab, *who[i], "punch.strategy", "none");
        story_start(p.s, *who[i]);
    }
    p.from = p.lab->now;
    uint32_t bobs = pair_dial(&p, SEC(30));
    assert_null(pair_fact(&p, p.alice, FACT_PROBE_SENT));
    assert_null(pair_fact(&p, p.bob, FACT_PROBE_SENT));
    pair_talks(&p, bobs, "there", "back");
    story_close(p.s);
}

/* ---- no peer ---- */

static void a_name_that_nobody_has_is_not_found(void **state)
{
    (void)state;
    struct pair p = pair_open(7, LAB_EIM, LAB_APDF, LAB_EIM, LAB_APDF);
    assert_int_equal(lab_connect(p.lab, p.alice, 1, "carol"), MIST_OK);
    lab_run(p.lab, p.from + SEC(40));
    const struct story_entry *failed = pair_event(&p, p.alice, MIST_EVENT_FAILED);
    assert_non_null(failed);
    assert_int_equal(failed->b, MIST_REASON_NOT_FOUND);
    assert_null(meet_find(&p.lab->hosts[p.alice].node->meet, 1)); /* the id is free again */
    assert_int_equal(lab_connect(p.lab, p.alice, 1, "bob"), MIST_OK);
    story_close(p.s);
}

static void a_peer_that_died_does_not_answer(void **state)
{
    (void)state;
    struct pair p = pair_open(8, LAB_EIM, LAB_APDF, LAB_EIM, LAB_APDF);
    lab_stop(p.lab, p.bob);
    assert_int_equal(lab_connect(p.lab, p.alice, 1, "bob"), MIST_OK);
    lab_run(p.lab, p.from + SEC(60));
    const struct story_entry *failed = pair_event(&p, p.alice, MIST_EVENT_FAILED);
    assert_non_null(failed);
    assert_true(failed->b == MIST_REASON_NO_ANSWER || failed->b == MIST_REASON_NOT_FOUND);
    story_close(p.s);
}

static void a_lossy_network_delays_a_dial_and_does_not_break_it(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct pair p = pair_open(seed, LAB_EIM, LAB_APDF, LAB_EIM, LAB_APDF);
        p.lab->loss = 200;
        assert_int_equal(lab_connect(p.lab, p.alice, 1, "bob"), MIST_OK);
        lab_run(p.lab, p.from + SEC(30));
        assert_non_null(pair_event(&p, p.alice, MIST_EVENT_CONNECTED));
        story_close(p.s);
    }
}

int main(void)
{
    pair_settings[0][0] = "punch.strategy"; /* test_story_punch.c is about the others */
    pair_settings[0][1] = "plain";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_port_restricted_homes_talk_by_relay_first_then_directly),
        cmocka_unit_test(both_ends_send_their_first_probes_within_a_round_trip),
        cmocka_unit_test(a_proved_path_has_the_round_trip_that_the_network_has),
        cmocka_unit_test(the_pair_of_nats_decides_between_direct_and_relayed),
        cmocka_unit_test(handshakes_that_cross_leave_both_ends_with_the_same_keys),
        cmocka_unit_test(a_symmetric_and_a_port_restricted_home_stay_on_the_relay),
        cmocka_unit_test(an_attempt_that_fails_had_at_least_four_rounds),
        cmocka_unit_test(probes_go_on_after_the_first_packet_received),
        cmocka_unit_test(without_a_strategy_nobody_punches),
        cmocka_unit_test(a_name_that_nobody_has_is_not_found),
        cmocka_unit_test(a_peer_that_died_does_not_answer),
        cmocka_unit_test(a_lossy_network_delays_a_dial_and_does_not_break_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
