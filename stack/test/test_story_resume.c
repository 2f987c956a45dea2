/* A connection outlives its paths: it is carried by the relay while the direct path is
 * doubted, called back by name when no path is left, and moved by nobody else. */
#include "stack/test/pair.h"
#include "stack/topic.h"

static uint32_t closed(const struct pair *p)
{
    return story_number(p->s, p->alice, STORY_EVENT, MIST_EVENT_CLOSED, p->from) +
           story_number(p->s, p->bob, STORY_EVENT, MIST_EVENT_CLOSED, p->from);
}

static struct pair punched(uint64_t seed, uint32_t *bobs)
{
    struct pair p = pair_open(seed, LAB_EIM, LAB_APDF, LAB_EIM, LAB_APDF);
    *bobs = pair_dial(&p, SEC(3));
    assert_int_equal(pair_path(&p, p.alice, 1), MIST_PATH_PUNCHED);
    p.from = p.lab->now;
    return p;
}

/* Alice speaks so often, as if a call were on. */
static void talk(struct pair *p, mist_time span, mist_time every)
{
    for (mist_time end = p->lab->now + span; p->lab->now < end;) {
        (void)lab_send(p->lab, p->alice, 1, "hello");
        lab_run(p->lab, p->lab->now + every);
    }
}

/* The longest that Bob heard nothing from then on. */
static mist_time silence(const struct pair *p, mist_time from)
{
    mist_time last = from, longest = 0;
    for (uint32_t i = 0; i < p->s->count; i++) {
        const struct story_entry *e = &p->s->entries[i];
        if (e->at < from || e->host != p->bob || e->kind != STORY_EVENT ||
            e->number != MIST_EVENT_DATAGRAM)
            continue;
        longest = e->at - last > longest ? e->at - last : longest;
        last = e->at;
    }
    return longest;
}

static bool direct_is_dead(void *context, struct lab *l, uint32_t host, const struct addr *from,
                           const uint8_t *bytes, uint32_t length)
{
    const int sender = lab_by_addr(l, from);
    (void)context, (void)bytes, (void)length;
    return sender < 0 || !l->hosts[host].nat.present || !l->hosts[sender].nat.present;
}

/* ---- the relay stands by ---- */

/* A sign is missed after 1 s (LINK_OWED) and overdue 0.5 s later (patience at 40 ms round
 * trips); the words come each 0.1 s and take 40 ms through the relay. */
static void words_take_the_relay_as_soon_as_a_sign_of_life_is_overdue(void **state)
{
    uint32_t bobs;
    (void)state;
    struct pair p = punched(21, &bobs);
    talk(&p, SEC(20), MS(100)); /* well beyond the first heartbeats */
    p.from = p.lab->now;
    p.lab->watch.arrives = direct_is_dead;
    talk(&p, SEC(10), MS(100));
    assert_true(silence(&p, p.from) <= SEC(1) + MS(500) + MS(100) + MS(100));
    assert_int_equal(pair_path(&p, p.alice, 1), MIST_PATH_RELAY);
    assert_int_equal(closed(&p), 0);
    pair_talks(&p, bobs, "there", "back");
    story_close(p.s);
}

/* Five minutes without a relayed datagram: the circuit is still there. */
static void the_relay_of_a_direct_connection_stands_by(void **state)
{
    uint32_t bobs;
    (void)state;
    struct pair p = punched(22, &bobs);
    lab_run(p.lab, p.lab->now + MINUTES(5));
    p.from = p.lab->now;
    p.lab->watch.arrives = direct_is_dead;
    talk(&p, SEC(10), MS(100));
    assert_null(pair_fact(&p, p.alice, FACT_CALLED_BACK));
    assert_true(silence(&p, p.from) <= SEC(2));
    story_close(p.s);
}

static void a_one_way_flow_on_a_healthy_path_never_moves(void **state)
{
    uint32_t bobs;
    (void)state;
    struct pair p = punched(23, &bobs);
    talk(&p, MINUTES(3), SEC(1));
    assert_int_equal(story_number(p.s, p.alice, STORY_EVENT, MIST_EVENT_PATH, p.from), 0);
    assert_true(silence(&p, p.from) <= SEC(1) + MS(20));
    story_close(p.s);
}

/* ---- no path is left ---- */

static void a_cut_of_twenty_seconds_ends_no_connection(void **state)
{
    (void)state;
    for (uint64_t seed = 31; seed < 37; seed++) {
        uint32_t bobs;
        struct pair p = punched(seed, &bobs);
        talk(&p, SEC(2), SEC(1));
        p.lab->hosts[p.alice].side = 1;
        talk(&p, SEC(20), SEC(1));
        p.lab->hosts[p.alice].side = 0;
        talk(&p, SEC(15), SEC(1));
        assert_non_null(pair_fact(&p, p.alice, FACT_CALLED_BACK)); /* it was lost indeed */
        assert_int_equal(closed(&p), 0);
        pair_talks(&p, bobs, "there", "back");
        story_close(p.s);
    }
}

/* Another external address and no mapping, at one end or both. */
static void move(struct pair *p, uint32_t host)
{
    struct lab_nat *nat = &p->lab->hosts[host].nat;
    lab_nat_reboot(nat);
    nat->ip += 0x100;
}

static void a_connection_follows_ends_that_get_another_address(void **state)
{
    (void)state;
    for (uint64_t seed = 41; seed < 50; seed++) {
        uint32_t bobs;
        struct pair p = punched(seed, &bobs);
        talk(&p, SEC(2) + MS(700) * (int64_t)(seed - 40), MS(500));
        p.from = p.lab->now;
        if (seed % 3 != 0)
            move(&p, p.alice);
        if (seed % 3 != 1)
            move(&p, p.bob);
        talk(&p, SEC(20), MS(500));
        assert_int_equal(closed(&p), 0);
        assert_true(silence(&p, p.from) <= SEC(12));
        assert_int_equal(pair_path(&p, p.alice, 1), MIST_PATH_PUNCHED); /* again */
        pair_talks(&p, bobs, "there", "back");
        story_close(p.s);
    }
}

static void a_relayed_connection_outlives_its_relay(void **state)
{
    (void)state;
    pair_settings[0][0] = "punch.strategy";
    pair_settings[0][1] = "none";
    struct pair p = pair_open(51, LAB_EIM, LAB_APDF, LAB_EIM, LAB_APDF);
    pair_settings[0][0] = NULL;
    uint32_t bobs = pair_dial(&p, SEC(3));
    struct link_view v, relay;
    assert_true(lab_view(p.lab, p.alice, p.bob, &v));
    assert_true(mux_view(p.lab->hosts[p.alice].node->mux, mux_relay_of(&v.path), &relay));
    p.from = p.lab->now;
    lab_stop(p.lab, (uint32_t)lab_by_id(p.lab, relay.id, MIST_ID));
    talk(&p, SEC(15), MS(500));
    assert_int_equal(closed(&p), 0);
    /* a sign is missed after 1 s, three pings wait for 1 s each as long as no round trip is
     * known; then words come each 0.5 s, and the search takes two round trips */
    assert_true(silence(&p, p.from) <= SEC(5));
    pair_talks(&p, bobs, "there", "back");
    story_close(p.s);
}

static void who_cannot_be_found_any_more_is_given_up_with_a_word(void **state)
{
    uint32_t bobs;
    (void)state;
    struct pair p = punched(52, &bobs);
    talk(&p, SEC(2), SEC(1));
    lab_stop(p.lab, p.bob);
    talk(&p, SEC(10), SEC(1));
    const struct story_entry *lost = pair_event(&p, p.alice, MIST_EVENT_PATH);
    assert_non_null(lost);
    while (lost->number != MIST_EVENT_PATH || lost->host != p.alice || lost->a != MIST_PATH_NONE)
        lost++; /* by the relay first */
    assert_int_equal(lost->b, MIST_REASON_PATH_LOST);
    mist_time at = lost->at;
    lab_run(p.lab, at + SEC(89));
    assert_int_equal(closed(&p), 0);
    lab_run(p.lab, at + SEC(91));
    assert_int_equal(closed(&p), 1);
    assert_int_equal(pair_event(&p, p.alice, MIST_EVENT_CLOSED)->b, MIST_REASON_PATH_LOST);
    story_close(p.s);
}

/* Its memory is empty: it answers to its name, and knows no such conversation. */
static void a_peer_that_began_anew_ends_the_connection_soon_and_can_be_dialled(void **state)
{
    (void)state;
    for (uint64_t seed = 61; seed < 65; seed++) {
        uint32_t bobs;
        struct pair p = punched(seed, &bobs);
        talk(&p, SEC(2), SEC(1));
        lab_stop(p.lab, p.bob);
        p.lab->hosts[p.bob].secret[5] ^= (uint8_t)seed; /* a transport id of this run */
        p.lab->hosts[p.bob].seed[5] ^= (uint8_t)seed;
        p.from = p.lab->now;
        lab_start(p.lab, p.bob, 3);
        talk(&p, SEC(20), SEC(1));
        const struct story_entry *end = pair_event(&p, p.alice, MIST_EVENT_CLOSED);
        assert_non_null(end);
        assert_int_equal(end->b, MIST_REASON_PEER_CLOSED);
        p.from = p.lab->now;
        bobs = pair_dial(&p, SEC(5));
        pair_talks(&p, bobs, "there", "back");
        story_close(p.s);
    }
}

/* ---- nobody else moves it ---- */

static uint8_t called[WIRE_VALUE];
static uint16_t called_length;

/* What Alice publishes to call back. */
static void overhear(struct pair *p)
{
    const struct pubsub *pubsub = p->lab->hosts[p->alice].node->pubsub;
    called_length = 0;
    for (uint32_t i = 0; i < pubsub->topics_used; i++) {
        const struct topic *t = &pubsub->topics[i];
        if (t->kind != TOPIC_TOLD || (t->flags & FLAG_OFFER) == 0 || t->bytes[4] != WIRE_RESUME)
            continue;
        memcpy(called, t->bytes, t->length);
        called_length = (uint16_t)t->length;
    }
}

/* A holder of Bob's name hands him a call back, as of Alice. */
static void hand_over(struct pair *p, uint32_t holder, uint64_t number)
{
    uint8_t key[WIRE_ID], bytes[WIRE_MTU];
    struct addr nowhere = addr_v4(0xc6336401, 4000);
    node_name_key(key, (const uint8_t *)"bob", 3);
    struct msg receive = {.type = MSG_RECEIVE,
                          .flags = FLAG_OFFER | FLAG_RELAY,
                          .key = key,
                          .number = number,
                          .peer = p->lab->hosts[p->alice].id,
                          .addr = nowhere,
                          .bytes = called,
                          .length = called_length};
    size_t length = wire_put(bytes, sizeof bytes, &receive);
    assert_true(length > 0);
    assert_int_equal(lab_say(p->lab, holder, p->bob, NULL, bytes, length), 0);
    lab_run(p->lab, p->lab->now + MS(50));
}

/* Alice has called back, and the connection stands again on a direct path. */
static struct pair called_back(uint64_t seed, uint32_t *bobs)
{
    struct pair p = punched(seed, bobs);
    talk(&p, SEC(2), SEC(1));
    p.lab->hosts[p.alice].side = 1;
    while (pair_fact(&p, p.alice, FACT_CALLED_BACK) == NULL)
        talk(&p, MS(100), MS(50));
    overhear(&p);
    assert_true(called_length > 0);
    p.lab->hosts[p.alice].side = 0;
    talk(&p, SEC(30), SEC(1));
    assert_int_equal(pair_path(&p, p.bob, *bobs), MIST_PATH_PUNCHED);
    p.from = p.lab->now;
    return p;
}

static void a_call_back_that_is_not_the_callers_own_moves_nothing(void **state)
{
    (void)state;
    uint32_t bobs;
    struct pair p = called_back(71, &bobs);
    for (uint16_t at = 4 + 1 + WIRE_COOKIE; at < called_length; at++) {
        called[at] ^= 1;
        hand_over(&p, 0, 1000 + at);
        called[at] ^= 1;
    }
    uint32_t forged = story_number(p.s, p.bob, STORY_FACT, FACT_FORGED, p.from);
    uint32_t replayed = story_number(p.s, p.bob, STORY_FACT, FACT_REPLAYED, p.from);
    assert_int_equal(forged + replayed, called_length - 4 - 1 - WIRE_COOKIE);
    assert_int_equal(pair_path(&p, p.bob, bobs), MIST_PATH_PUNCHED);
    assert_null(pair_fact(&p, p.bob, FACT_PATH_CHANGED));
    assert_null(pair_fact(&p, p.bob, FACT_PROBE_SENT)); /* nobody there is probed for it */
    pair_talks(&p, bobs, "there", "back");
    story_close(p.s);
}

/* It may have been kept by a holder that let it pass, or by one that did not. */
static void a_call_back_is_good_once(void **state)
{
    (void)state;
    uint32_t bobs;
    struct pair p = called_back(72, &bobs);
    hand_over(&p, 1, 7);
    const struct story_entry *first = pair_fact(&p, p.bob, FACT_PATH_CHANGED);
    if (first != NULL) /* all copies of this one were lost in the cut: late, and still Alice's */
        talk(&p, SEC(30), SEC(1));
    p.from = p.lab->now;
    for (uint64_t number = 8; number < 18; number++)
        hand_over(&p, (uint32_t)number % 3, number);
    assert_int_equal(story_number(p.s, p.bob, STORY_FACT, FACT_REPLAYED, p.from), 10);
    assert_null(pair_fact(&p, p.bob, FACT_PATH_CHANGED));
    assert_null(pair_fact(&p, p.bob, FACT_PROBE_SENT));
    pair_talks(&p, bobs, "there", "back");
    story_close(p.s);
}

/* A stranger that answers to the name may hurry the end of what is lost, not of what works. */
static void a_stranger_cannot_end_a_connection_that_works(void **state)
{
    (void)state;
    uint32_t bobs;
    struct pair p = punched(73, &bobs);
    const struct conn *c = meet_find(&p.lab->hosts[p.alice].node->meet, 1);
    struct msg hangup = {.type = MSG_HANGUP, .request = c->conversation};
    uint8_t bytes[16];
    size_t length = wire_put(bytes, sizeof bytes, &hangup);
    for (uint32_t server = 0; server < 3; server++) {
        if (lab_link(p.lab, server, p.alice) != 0)
            assert_int_equal(lab_say(p.lab, server, p.alice, NULL, bytes, length), 0);
    }
    lab_run(p.lab, p.lab->now + SEC(10));
    assert_int_equal(closed(&p), 0);
    pair_talks(&p, bobs, "there", "back");
    story_close(p.s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_take_the_relay_as_soon_as_a_sign_of_life_is_overdue),
        cmocka_unit_test(the_relay_of_a_direct_connection_stands_by),
        cmocka_unit_test(a_one_way_flow_on_a_healthy_path_never_moves),
        cmocka_unit_test(a_cut_of_twenty_seconds_ends_no_connection),
        cmocka_unit_test(a_connection_follows_ends_that_get_another_address),
        cmocka_unit_test(a_relayed_connection_outlives_its_relay),
        cmocka_unit_test(who_cannot_be_found_any_more_is_given_up_with_a_word),
        cmocka_unit_test(a_peer_that_began_anew_ends_the_connection_soon_and_can_be_dialled),
        cmocka_unit_test(a_call_back_that_is_not_the_callers_own_moves_nothing),
        cmocka_unit_test(a_call_back_is_good_once),
        cmocka_unit_test(a_stranger_cannot_end_a_connection_that_works),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
