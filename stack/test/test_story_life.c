/* What happens to a connection after it stands: relays die, NATs forget, peers
 * close; the golden texts are rewritten with MIST_GOLDEN=write. */
#include "stack/test/pair.h"

static uint32_t relay_of(const struct pair *p)
{
    struct link_view v, relay;
    assert_true(lab_view(p->lab, p->alice, p->bob, &v));
    mist_link link =
        v.path.family == ADDR_RELAY ? mux_relay_of(&v.path) : mux_relay_of(&v.fallback);
    assert_true(mux_view(p->lab->hosts[p->alice].node->mux, link, &relay));
    return (uint32_t)lab_by_id(p->lab, relay.id, MIST_ID);
}

static uint32_t closed(const struct pair *p, uint32_t host)
{
    return story_number(p->s, host, STORY_EVENT, MIST_EVENT_CLOSED, p->from);
}

/* ---- the relay dies ---- */

static void a_direct_path_outlives_the_relay_it_began_with(void **state)
{
    (void)state;
    struct pair p = pair_open(1, LAB_EIM, LAB_APDF, LAB_EIM, LAB_APDF);
    uint32_t bobs = pair_dial(&p, SEC(3));
    lab_stop(p.lab, relay_of(&p));
    lab_run(p.lab, p.lab->now + MINUTES(5));
    assert_int_equal(closed(&p, p.alice) + closed(&p, p.bob), 0);
    pair_talks(&p, bobs, "there", "back");
    story_close(p.s);
}

/* ---- a NAT forgets ---- */

/* Bob filters by address only: what comes from Alice's new port reaches him. */
static void a_rebound_nat_is_followed_once_the_new_path_is_proved(void **state)
{
    (void)state;
    struct pair p = pair_open(3, LAB_EIM, LAB_APDF, LAB_EIM, LAB_ADF);
    uint32_t bobs = pair_dial(&p, SEC(3));
    lab_run(p.lab, p.lab->now + SEC(2));
    p.from = p.lab->now;
    lab_nat_reboot(&p.lab->hosts[p.alice].nat);
    lab_run(p.lab, p.from + SEC(20)); /* Alice's next heartbeat comes from elsewhere */
    const struct story_entry *proved = pair_fact(&p, p.bob, FACT_PATH_PROVED);
    const struct story_entry *changed = pair_fact(&p, p.bob, FACT_PATH_CHANGED);
    assert_non_null(proved);
    assert_non_null(changed);
    assert_true(proved < changed); /* in this order, also within one input */
    assert_true(addr_equal(&proved->addr, &changed->addr));
    assert_int_equal(addr_ip4(&changed->addr), p.lab->hosts[p.alice].nat.ip);
    assert_int_equal(closed(&p, p.alice) + closed(&p, p.bob), 0);
    assert_int_equal(pair_path(&p, p.bob, bobs), MIST_PATH_PUNCHED);
    pair_talks(&p, bobs, "there", "back");
    story_golden(p.s, "nat_rebinds.txt", p.from, pair_words, PAIR_WORDS);
    story_close(p.s);
}

static void await_path_lost(const struct pair *p)
{
    while (pair_fact(p, p->alice, FACT_PATH_LOST) == NULL &&
           pair_fact(p, p->bob, FACT_PATH_LOST) == NULL)
        assert_true(lab_step(p->lab, p->from + SEC(30)));
}

/* Bob filters by port and hears nothing: both fall back to the relay, tell each
 * other where they are now, and punch again. */
static void a_rebound_nat_that_is_shut_out_is_punched_again(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) { /* either may notice first */
        struct pair p = pair_open(seed, LAB_EIM, LAB_APDF, LAB_EIM, LAB_APDF);
        uint32_t bobs = pair_dial(&p, SEC(3) + MS(997) * (int64_t)seed);
        p.from = p.lab->now;
        lab_nat_reboot(&p.lab->hosts[p.alice].nat);
        await_path_lost(&p);
        lab_run(p.lab, p.lab->now + SEC(20)); /* the second attempt at the latest */
        assert_int_equal(closed(&p, p.alice) + closed(&p, p.bob), 0);
        assert_int_equal(pair_path(&p, p.alice, 1), MIST_PATH_PUNCHED);
        assert_int_equal(pair_path(&p, p.bob, bobs), MIST_PATH_PUNCHED);
        pair_talks(&p, bobs, "there", "back");
        story_close(p.s);
    }
}

/* Alice heard from the servers where she is now before she missed Bob. */
static void who_knows_where_it_moved_to_is_punched_at_once(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct pair p = pair_open(seed, LAB_EIM, LAB_APDF, LAB_EIM, LAB_APDF);
        pair_dial(&p, SEC(3));
        p.from = p.lab->now;
        lab_nat_reboot(&p.lab->hosts[p.alice].nat);
        struct mist *alice = p.lab->hosts[p.alice].node;
        for (uint32_t server = 0; server < 3; server++) {
            out_reset(alice->out, alice);
            mux_ping(alice->mux, p.lab->now, lab_link(p.lab, p.alice, server), alice->out);
            lab_drain(p.lab, p.alice);
        }
        await_path_lost(&p);
        lab_run(p.lab, p.lab->now + SEC(2));
        assert_int_equal(pair_path(&p, p.alice, 1), MIST_PATH_PUNCHED);
        story_close(p.s);
    }
}

/* Lost: what goes straight between the two. */
static bool no_direct_way(void *context, struct lab *l, uint32_t host, const struct addr *from,
                          const uint8_t *bytes, uint32_t length)
{
    const int sender = lab_by_addr(l, from);
    (void)context, (void)bytes, (void)length;
    return sender < 0 || !l->hosts[host].nat.present || !l->hosts[sender].nat.present;
}

/* Its peer has not noticed yet that the direct path is dead. */
static void who_falls_back_first_is_answered_through_the_relay(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct pair p = pair_open(seed, LAB_EIM, LAB_APDF, LAB_EIM, LAB_APDF);
        pair_dial(&p, SEC(3));
        p.from = p.lab->now;
        p.lab->watch.arrives = no_direct_way;
        await_path_lost(&p);
        bool alice = pair_fact(&p, p.alice, FACT_PATH_LOST) != NULL;
        struct link_view v;
        lab_run(p.lab, p.lab->now + MS(100)); /* a relayed round trip takes 80 */
        assert_true(lab_view(p.lab, alice ? p.alice : p.bob, alice ? p.bob : p.alice, &v));
        assert_int_equal(v.path.family, ADDR_RELAY);
        assert_true(v.srtt == MS(80));
        story_close(p.s);
    }
}

static void heartbeats_keep_a_silent_connection_for_an_hour(void **state)
{
    (void)state;
    struct pair p = pair_open(5, LAB_EIM, LAB_APDF, LAB_EIM, LAB_APDF);
    uint32_t bobs = pair_dial(&p, SEC(3));
    mist_time direct = p.lab->now;
    lab_run(p.lab, p.lab->now + MINUTES(60)); /* the toy NATs forget after 30 s */
    assert_int_equal(closed(&p, p.alice) + closed(&p, p.bob), 0);
    assert_int_equal(story_number(p.s, p.alice, STORY_EVENT, MIST_EVENT_PATH, direct),
                     0); /* never moved */
    pair_talks(&p, bobs, "there", "back");
    story_close(p.s);
}

static void a_network_that_splits_ends_connections_and_one_that_heals_joins_again(void **state)
{
    (void)state;
    struct pair p = pair_open(6, LAB_EIM, LAB_APDF, LAB_EIM, LAB_APDF);
    pair_dial(&p, SEC(3));
    p.lab->hosts[p.alice].side = 1;
    lab_run(p.lab, p.lab->now + MINUTES(3));
    assert_int_equal(closed(&p, p.alice), 1);
    assert_int_equal(closed(&p, p.bob), 1);
    p.lab->hosts[p.alice].side = 0;
    lab_run(p.lab, p.lab->now + MINUTES(1));
    p.from = p.lab->now;
    uint32_t bobs = pair_dial(&p, SEC(10));
    pair_talks(&p, bobs, "there", "back");
    story_close(p.s);
}

/* The server that it joined through is no more, either. */
static void who_lost_everybody_comes_back_within_a_minute(void **state)
{
    (void)state;
    struct pair p = pair_open(11, LAB_EIM, LAB_APDF, LAB_EIM, LAB_APDF);
    const struct join *join = &p.lab->hosts[p.alice].node->join;
    lab_stop(p.lab, (uint32_t)lab_by_id(p.lab, join->through.id, WIRE_ID));
    p.lab->hosts[p.alice].side = 1;
    lab_run(p.lab, p.lab->now + SEC(100));
    assert_int_equal(kad_count(p.lab->hosts[p.alice].node->kad), 0);
    p.lab->hosts[p.alice].side = 0;
    lab_run(p.lab, p.lab->now + SEC(45)); /* retries are 32 s and a fifth apart at most */
    p.from = p.lab->now;
    uint32_t bobs = pair_dial(&p, SEC(5));
    pair_talks(&p, bobs, "there", "back");
    story_close(p.s);
}

/* ---- signs of life ---- */

static void a_ping_is_answered_within_the_round_trip_of_its_path(void **state)
{
    (void)state;
    struct pair p = pair_open(12, LAB_EIM, LAB_APDF, LAB_EIM, LAB_APDF);
    assert_int_equal(lab_id(p.lab, p.alice, MIST_WISH_PING, 1), MIST_ERR_UNKNOWN);
    pair_dial(&p, SEC(3));
    p.from = p.lab->now;
    assert_int_equal(lab_id(p.lab, p.alice, MIST_WISH_PING, 1), MIST_OK);
    lab_run(p.lab, p.lab->now + SEC(1));
    const struct story_entry *pong = pair_event(&p, p.alice, MIST_EVENT_PONG);
    assert_non_null(pong);
    assert_int_equal(pong->id, 1);
    assert_int_equal(pong->at - p.from, 2 * p.lab->delay[p.alice][p.bob]);
    assert_int_equal(pong->rtt, pong->at - p.from);
    assert_null(pair_event(&p, p.bob, MIST_EVENT_PONG));
    story_close(p.s);
}

/* Heartbeats go on, which say nothing about the ping that was lost. */
static void a_lost_ping_is_not_answered(void **state)
{
    (void)state;
    struct pair p = pair_open(13, LAB_EIM, LAB_APDF, LAB_EIM, LAB_APDF);
    pair_dial(&p, SEC(3));
    p.from = p.lab->now;
    p.lab->loss = 1000;
    assert_int_equal(lab_id(p.lab, p.alice, MIST_WISH_PING, 1), MIST_OK);
    p.lab->loss = 0;
    lab_run(p.lab, p.lab->now + SEC(10));
    assert_null(pair_event(&p, p.alice, MIST_EVENT_PONG));
    assert_int_equal(lab_id(p.lab, p.alice, MIST_WISH_PING, 1), MIST_OK);
    lab_run(p.lab, p.lab->now + SEC(1));
    assert_non_null(pair_event(&p, p.alice, MIST_EVENT_PONG));
    story_close(p.s);
}

/* ---- the end ---- */

static void who_hangs_up_is_told_the_tallies_and_the_other_that_it_was_closed(void **state)
{
    (void)state;
    struct pair p = pair_open(7, LAB_EIM, LAB_APDF, LAB_EIM, LAB_APDF);
    uint32_t bobs = pair_dial(&p, SEC(3));
    mist_time then = p.lab->now;
    assert_int_equal(lab_id(p.lab, p.alice, MIST_WISH_CLOSE, 1), MIST_OK);
    lab_run(p.lab, then + SEC(1));
    const struct story_entry *mine = pair_event(&p, p.alice, MIST_EVENT_CLOSED);
    const struct story_entry *theirs = pair_event(&p, p.bob, MIST_EVENT_CLOSED);
    assert_non_null(mine);
    assert_non_null(theirs);
    assert_true(mine->at == then);
    assert_int_equal(mine->b, MIST_REASON_NONE);
    assert_int_equal(mine->attempts, 1);
    assert_int_equal(mine->probes, story_number(p.s, p.alice, STORY_FACT, FACT_PROBE_SENT, p.from));
    assert_int_equal(theirs->b, MIST_REASON_PEER_CLOSED);
    assert_int_equal(theirs->id, bobs);
    assert_int_equal(lab_send(p.lab, p.alice, 1, "late"), MIST_ERR_UNKNOWN);
    assert_int_equal(lab_send(p.lab, p.bob, bobs, "late"), MIST_ERR_UNKNOWN);
    assert_int_equal(lab_id(p.lab, p.alice, MIST_WISH_CLOSE, 1), MIST_ERR_UNKNOWN);
    story_golden(p.s, "hang_up.txt", then, pair_words, PAIR_WORDS);
    story_close(p.s);
}

static void a_link_that_nobody_needs_is_forgotten_after_three_minutes(void **state)
{
    (void)state;
    struct pair p = pair_open(8, LAB_EIM, LAB_APDF, LAB_EIM, LAB_APDF);
    pair_dial(&p, SEC(3));
    struct link_view v;
    assert_true(lab_view(p.lab, p.alice, p.bob, &v));
    assert_int_equal(v.pins, 1);
    assert_int_equal(lab_id(p.lab, p.alice, MIST_WISH_CLOSE, 1), MIST_OK);
    lab_run(p.lab, p.lab->now + SEC(5)); /* the hang-up is repeated for 3 s */
    assert_true(lab_view(p.lab, p.alice, p.bob, &v));
    assert_int_equal(v.pins, 0);
    lab_run(p.lab, p.lab->now + SEC(170));
    assert_int_not_equal(lab_link(p.lab, p.alice, p.bob), 0);
    lab_run(p.lab, p.lab->now + SEC(30));
    assert_int_equal(lab_link(p.lab, p.alice, p.bob), 0);
    assert_int_equal(lab_link(p.lab, p.bob, p.alice), 0);
    story_close(p.s);
}

static void two_connections_of_one_pair_share_a_link_and_end_apart(void **state)
{
    (void)state;
    struct pair p = pair_open(9, LAB_EIM, LAB_APDF, LAB_EIM, LAB_APDF);
    uint32_t bobs = pair_dial(&p, SEC(3));
    mist_time then = p.lab->now;
    assert_int_equal(lab_connect(p.lab, p.alice, 2, "bob"), MIST_OK);
    lab_run(p.lab, then + SEC(3));
    const struct story_entry *second =
        story_find(p.s, p.alice, STORY_EVENT, MIST_EVENT_CONNECTED, then);
    assert_non_null(second);
    assert_int_equal(second->b, MIST_REASON_ALREADY_CONNECTED);
    struct link_view v;
    assert_true(lab_view(p.lab, p.alice, p.bob, &v));
    assert_int_equal(v.pins, 2);
    assert_int_equal(lab_id(p.lab, p.alice, MIST_WISH_CLOSE, 2), MIST_OK);
    lab_run(p.lab, p.lab->now + MINUTES(2));
    pair_talks(&p, bobs, "there", "back");
    story_close(p.s);
}

static void a_node_that_leaves_is_missed_at_once(void **state)
{
    (void)state;
    struct pair p = pair_open(10, LAB_EIM, LAB_APDF, LAB_EIM, LAB_APDF);
    pair_dial(&p, SEC(3));
    mist_time then = p.lab->now;
    assert_int_equal(lab_id(p.lab, p.alice, MIST_WISH_LEAVE, 0), MIST_OK);
    lab_run(p.lab, then + SEC(1));
    const struct story_entry *gone = pair_event(&p, p.bob, MIST_EVENT_CLOSED);
    assert_non_null(gone);
    assert_true(gone->at == then + MS(20)); /* the lab's one-way delay */
    story_close(p.s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_direct_path_outlives_the_relay_it_began_with),
        cmocka_unit_test(a_rebound_nat_is_followed_once_the_new_path_is_proved),
        cmocka_unit_test(a_rebound_nat_that_is_shut_out_is_punched_again),
        cmocka_unit_test(who_knows_where_it_moved_to_is_punched_at_once),
        cmocka_unit_test(who_falls_back_first_is_answered_through_the_relay),
        cmocka_unit_test(heartbeats_keep_a_silent_connection_for_an_hour),
        cmocka_unit_test(a_network_that_splits_ends_connections_and_one_that_heals_joins_again),
        cmocka_unit_test(who_lost_everybody_comes_back_within_a_minute),
        cmocka_unit_test(a_ping_is_answered_within_the_round_trip_of_its_path),
        cmocka_unit_test(a_lost_ping_is_not_answered),
        cmocka_unit_test(who_hangs_up_is_told_the_tallies_and_the_other_that_it_was_closed),
        cmocka_unit_test(a_link_that_nobody_needs_is_forgotten_after_three_minutes),
        cmocka_unit_test(two_connections_of_one_pair_share_a_link_and_end_apart),
        cmocka_unit_test(a_node_that_leaves_is_missed_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
