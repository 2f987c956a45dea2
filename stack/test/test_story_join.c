/* How a link comes to stand and how a node enters the overlay; the golden texts
 * are rewritten with MIST_GOLDEN=write. */
#include "stack/kad_parts.h"
#include "stack/test/story.c"

#define FACT(name)                                                                                 \
    {                                                                                              \
        STORY_FACT, FACT_##name                                                                    \
    }
#define EVENT(name)                                                                                \
    {                                                                                              \
        STORY_EVENT, MIST_EVENT_##name                                                             \
    }
#define SENT(type)                                                                                 \
    {                                                                                              \
        STORY_SENT, WIRE_##type                                                                    \
    }
#define COUNT(x) (sizeof(x) / sizeof((x)[0]))

static const struct story_entry *sent(const struct story *s, uint32_t host, uint32_t type)
{
    return story_find(s, host, STORY_SENT, type, 0);
}

static void a_link_stands_after_two_round_trips(void **state)
{
    (void)state;
    struct story *s = story_open(1);
    story_servers(s, 1);
    mist_time from = s->lab->now;
    uint32_t guest = story_join(s, "guest", LAB_EIM, LAB_APDF, false);
    const struct story_entry *init = sent(s, guest, WIRE_INIT),
                             *cookie = sent(s, 0, WIRE_COOKIE_IS),
                             *open = sent(s, guest, WIRE_OPEN), *accept = sent(s, 0, WIRE_ACCEPT);
    assert_non_null(init);
    assert_non_null(cookie);
    assert_non_null(open);
    assert_non_null(accept);
    assert_true(cookie->at == init->at + MS(20)); /* the lab's one-way delay */
    assert_true(open->at == init->at + MS(40));
    assert_true(accept->at == init->at + MS(60));
    assert_true(cookie->a <= init->a); /* no amplification */
    assert_true(story_find(s, 0, STORY_FACT, FACT_LINK_UP, from)->at == open->at + MS(20));
    assert_true(story_find(s, guest, STORY_FACT, FACT_LINK_UP, from)->at == init->at + MS(80));
    static const struct story_chosen chosen[] = {SENT(INIT),   SENT(COOKIE_IS),   SENT(OPEN),
                                                 SENT(ACCEPT), FACT(COOKIE_SENT), FACT(LINK_UP)};
    story_golden(s, "handshake.txt", from, chosen, COUNT(chosen));
    story_close(s);
}

static bool lose_first_accept(void *context, struct lab *l, uint32_t host, const struct addr *from,
                              const uint8_t *bytes, uint32_t length)
{
    static uint32_t seen;
    (void)context, (void)l, (void)host, (void)from, (void)length;
    return bytes[0] != WIRE_ACCEPT || seen++ > 0;
}

/* Both directions of the link carry a ping and its answer. */
static void assert_both_hear(struct story *s, uint32_t a, uint32_t b)
{
    struct link_view before[2], after[2];
    assert_true(lab_view(s->lab, a, b, &before[0]) && before[0].up);
    assert_true(lab_view(s->lab, b, a, &before[1]) && before[1].up);
    uint8_t bytes[64];
    struct msg ping = {.type = MSG_PING, .request = 7};
    size_t length = wire_put(bytes, sizeof bytes, &ping);
    lab_run(s->lab, s->lab->now + SEC(1));
    assert_int_equal(lab_say(s->lab, a, b, NULL, bytes, length), 0);
    lab_run(s->lab, s->lab->now + SEC(1));
    assert_true(lab_view(s->lab, a, b, &after[0]) && lab_view(s->lab, b, a, &after[1]));
    assert_true(after[0].last_in > before[0].last_in);
    assert_true(after[1].last_in > before[1].last_in);
}

static void a_lost_accept_leaves_both_ends_with_the_same_keys(void **state)
{
    (void)state;
    struct story *s = story_open(2);
    story_servers(s, 1);
    s->lab->watch.arrives = lose_first_accept;
    mist_time from = s->lab->now;
    uint32_t guest = story_join(s, "guest", LAB_EIM, LAB_APDF, false);
    assert_true(story_number(s, guest, STORY_SENT, WIRE_OPEN, from) >= 2);
    assert_both_hear(s, guest, 0);
    assert_int_equal(story_number(s, guest, STORY_FACT, FACT_FORGED, from), 0);
    assert_int_equal(story_number(s, 0, STORY_FACT, FACT_FORGED, from), 0);
    story_close(s);
}

/* The round trip is longer than the initiator's patience, so its second OPEN
 * crosses the first ACCEPT. */
static void a_repeated_open_that_crosses_the_accept_changes_no_keys(void **state)
{
    (void)state;
    struct story *s = story_open(5);
    story_servers(s, 1);
    lab_delays(s->lab, MS(300));
    mist_time from = s->lab->now;
    uint32_t guest = story_join(s, "guest", LAB_EIM, LAB_APDF, false);
    assert_true(story_number(s, guest, STORY_SENT, WIRE_OPEN, from) >= 2);
    assert_true(story_number(s, 0, STORY_SENT, WIRE_ACCEPT, from) >= 2);
    assert_both_hear(s, guest, 0);
    assert_int_equal(story_number(s, guest, STORY_FACT, FACT_FORGED, from), 0);
    assert_int_equal(story_number(s, 0, STORY_FACT, FACT_FORGED, from), 0);
    story_close(s);
}

static void two_that_open_at_once_share_one_link(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) { /* either may have the smaller id */
        struct story *s = story_open(seed);
        for (uint32_t i = 0; i < 2; i++)
            lab_configure(s->lab, lab_add(s->lab, i == 0 ? "s1" : "s2"), "reach.assume", "public");
        lab_start(s->lab, 0, 2);
        lab_start(s->lab, 1, 2);
        lab_run(s->lab, s->lab->now + SEC(10));
        assert_true(s->lab->hosts[0].joined && s->lab->hosts[1].joined);
        assert_int_equal(s->lab->hosts[0].node->mux->up, 1);
        assert_int_equal(s->lab->hosts[1].node->mux->up, 1);
        assert_both_hear(s, 0, 1);
        story_close(s);
    }
}

static void a_handshake_with_nobody_is_given_up(void **state)
{
    (void)state;
    struct story *s = story_open(3);
    lab_add(s->lab, "s1"); /* never started */
    uint32_t guest = lab_add(s->lab, "guest");
    lab_start(s->lab, guest, 1);
    lab_run(s->lab, s->lab->now + SEC(7)); /* 0.4 + 0.8 + 1.6 + 3.2 s and 10 % */
    assert_int_equal(story_number(s, guest, STORY_FACT, FACT_LINK_DOWN, 0), 1);
    assert_int_equal(story_find(s, guest, STORY_FACT, FACT_LINK_DOWN, 0)->a, 1);
    assert_false(s->lab->hosts[guest].joined);
    story_close(s);
}

static void a_link_over_ipv6_stands_like_one_over_ipv4(void **state)
{
    (void)state;
    static const uint8_t prefix[16] = {0x26, 0x00, 0x0a};
    struct story *s = story_open(4);
    for (uint32_t i = 0; i < 3; i++) {
        static const char *const names[] = {"s1", "s2", "guest"};
        uint32_t host = lab_add(s->lab, names[i]);
        uint8_t ip[16];
        memcpy(ip, prefix, sizeof ip);
        ip[15] = (uint8_t)(i + 1);
        s->lab->hosts[host].local = addr_v6(ip, LAB_PORT);
        lab_configure(s->lab, host, "socket.family", "6");
        lab_configure(s->lab, host, "reach.assume", i < 2 ? "public" : "auto");
    }
    for (uint32_t i = 0; i < 3; i++) {
        lab_start(s->lab, i, i);
        lab_run(s->lab, s->lab->now + SEC(10));
        assert_true(s->lab->hosts[i].joined);
    }
    assert_int_equal(story_find(s, 2, STORY_FACT, FACT_REACHABLE, 0)->a, 1);
    assert_both_hear(s, 2, 0);
    story_close(s);
}

/* ---- joining ---- */

static const struct story_chosen joining[] = {
    FACT(LINK_UP),       FACT(SEEN_AT), FACT(REACHABLE),   FACT(KNOCKED),
    FACT(CONTACT_ADDED), FACT(JOINED),  EVENT(SUBSCRIBED), SENT(DIALBACK)};

/* Which of the hosts took `peer` into its table of servers? */
static uint32_t tables_with(const struct story *s, uint32_t peer)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->count; i++)
        n += s->entries[i].kind == STORY_FACT && s->entries[i].number == FACT_CONTACT_ADDED &&
             s->entries[i].peer == (int)peer;
    return n;
}

/* The verdict follows from RFC 4787: a stranger's knock passes EIF only. */
static void only_strangers_that_get_through_make_a_node_reachable(void **state)
{
    (void)state;
    static const struct {
        bool nat;
        enum lab_mapping mapping;
        enum lab_filtering filtering;
        int64_t reachable;
    } cases[] = {
        {false, LAB_EIM, LAB_EIF, 1}, {true, LAB_EIM, LAB_EIF, 1},   {true, LAB_EIM, LAB_ADF, 0},
        {true, LAB_EIM, LAB_APDF, 0}, {true, LAB_APDM, LAB_APDF, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct story *s = story_open(10 + i);
        story_servers(s, 3);
        uint32_t host = lab_add(s->lab, "guest");
        if (cases[i].nat)
            lab_behind(s->lab, host, cases[i].mapping, cases[i].filtering, false);
        story_start(s, host);
        const struct story_entry *verdict = story_find(s, host, STORY_FACT, FACT_REACHABLE, 0);
        assert_non_null(verdict);
        assert_int_equal(verdict->a, cases[i].reachable);
        lab_run(s->lab, s->lab->now + MINUTES(12)); /* checked again twice: it stays so */
        assert_int_equal(story_number(s, host, STORY_FACT, FACT_REACHABLE, 0), 1);
        assert_int_equal(tables_with(s, host) > 0, cases[i].reachable);
        story_close(s);
    }
}

/* No filter, but another port for each peer: what a stranger got through is not
 * this node's address.  The first verdict is taken back, and with it the place in
 * the tables. */
static void who_looks_different_to_each_peer_is_nobodys_server_for_long(void **state)
{
    (void)state;
    struct story *s = story_open(30);
    story_servers(s, 3);
    uint32_t host = story_join(s, "guest", LAB_APDM, LAB_EIF, true);
    lab_run(s->lab, s->lab->now + MINUTES(1));
    assert_false(s->lab->hosts[host].node->reach.reachable);
    for (uint32_t i = 0; i < 3; i++)
        assert_null(kad_entry_of(s->lab->hosts[i].node->kad, s->lab->hosts[host].id));
    assert_true(tables_with(s, host) > 0); /* it had been there */
    story_close(s);
}

static void a_home_joins_and_is_nobodys_server(void **state)
{
    (void)state;
    struct story *s = story_open(20);
    story_servers(s, 3);
    mist_time from = s->lab->now;
    uint32_t home = story_join(s, "home", LAB_EIM, LAB_APDF, false);
    const struct story_entry *seen = story_find(s, home, STORY_FACT, FACT_SEEN_AT, from);
    assert_int_equal(addr_ip4(&seen->addr), s->lab->hosts[home].nat.ip);
    assert_int_equal(story_find(s, home, STORY_FACT, FACT_REACHABLE, from)->a, 0);
    story_golden(s, "join_home.txt", from, joining, COUNT(joining));
    lab_run(s->lab, s->lab->now + MINUTES(1));
    assert_int_equal(tables_with(s, home), 0);
    story_close(s);
}

static void a_public_node_joins_and_becomes_a_server(void **state)
{
    (void)state;
    struct story *s = story_open(21);
    story_servers(s, 3);
    mist_time from = s->lab->now;
    uint32_t open = lab_add(s->lab, "open");
    story_start(s, open);
    const struct story_entry *verdict = story_find(s, open, STORY_FACT, FACT_REACHABLE, from);
    assert_int_equal(verdict->a, 1);
    story_golden(s, "join_public.txt", from, joining, COUNT(joining));
    lab_run(s->lab, s->lab->now + MINUTES(1));
    assert_true(tables_with(s, open) > 0);
    story_close(s);
}

static void a_node_joins_through_the_second_address_when_the_first_is_dead(void **state)
{
    (void)state;
    struct story *s = story_open(22);
    story_servers(s, 3);
    for (uint32_t dead = 0; dead < 2; dead++)
        lab_stop(s->lab, dead);
    uint32_t guest = lab_add(s->lab, "guest");
    lab_start(s->lab, guest, 3);
    lab_run(s->lab, s->lab->now + MINUTES(2));
    assert_true(s->lab->hosts[guest].joined);
    story_close(s);
}

/* Two servers here, two there, joined while the network was cut in two. */
static void overlays_that_were_apart_find_each_other(void **state)
{
    (void)state;
    struct story *s = story_open(31);
    for (uint32_t i = 0; i < 4; i++) {
        static const char *const names[] = {"s1", "s2", "s3", "s4"};
        uint32_t host = lab_add(s->lab, names[i]);
        lab_configure(s->lab, host, "reach.assume", "public");
        s->lab->hosts[host].side = i / 2;
    }
    for (uint32_t i = 0; i < 4; i++)
        lab_start(s->lab, i, 4);
    lab_run(s->lab, s->lab->now + MINUTES(2));
    const struct kad *first = s->lab->hosts[0].node->kad;
    assert_int_equal(kad_count(first), 1);
    for (uint32_t i = 0; i < 4; i++)
        s->lab->hosts[i].side = 0;
    lab_run(s->lab, s->lab->now + MINUTES(5)); /* each looks around every 4 min and a fifth */
    assert_int_equal(kad_count(first), 3);
    story_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_link_stands_after_two_round_trips),
        cmocka_unit_test(a_lost_accept_leaves_both_ends_with_the_same_keys),
        cmocka_unit_test(a_repeated_open_that_crosses_the_accept_changes_no_keys),
        cmocka_unit_test(two_that_open_at_once_share_one_link),
        cmocka_unit_test(a_handshake_with_nobody_is_given_up),
        cmocka_unit_test(a_link_over_ipv6_stands_like_one_over_ipv4),
        cmocka_unit_test(only_strangers_that_get_through_make_a_node_reachable),
        cmocka_unit_test(who_looks_different_to_each_peer_is_nobodys_server_for_long),
        cmocka_unit_test(a_home_joins_and_is_nobodys_server),
        cmocka_unit_test(a_public_node_joins_and_becomes_a_server),
        cmocka_unit_test(overlays_that_were_apart_find_each_other),
        cmocka_unit_test(a_node_joins_through_the_second_address_when_the_first_is_dead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
