/* What strangers can do to a node: nothing.  The attacks are those of the
 * protocol notes, A1 (amplification), A2 (floods), A11 (replays), A13 (races). */
#include "stack/test/caught.h"

#define FLOOD 100000

/* Three servers and a host that found out for itself that it is reachable:
 * datagrams of all types have arrived somewhere. */
static struct story *settled(uint64_t seed)
{
    struct story *s = story_open(seed);
    memset(samples, 0, sizeof samples);
    s->lab->watch.arrives = keep_samples;
    story_servers(s, 3);
    story_start(s, lab_add(s->lab, "open"));
    lab_run(s->lab, s->lab->now + SEC(20));
    s->lab->watch.arrives = NULL;
    return s;
}

static struct addr stranger(struct lab *l)
{
    return addr_v4(0x50000000 | lab_below(l, 1 << 24), (uint16_t)(1 + lab_below(l, 65535)));
}

static void fill(struct lab *l, uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)lab_below(l, 256);
}

static size_t put_init(struct lab *l, uint8_t packet[WIRE_MTU])
{
    uint8_t nonce[WIRE_NONCE];
    fill(l, nonce, sizeof nonce);
    struct wire_head h = {.type = WIRE_INIT, .back = 1 + lab_below(l, 1 << 30), .nonce = nonce};
    return wire_put_head(packet, &h);
}

/* ---- floods ---- */

static void a_flood_of_inits_costs_no_memory_and_no_agreement(void **state)
{
    (void)state;
    struct story *s = settled(1);
    struct memory before = remember_memory(s->lab, 0);
    uint32_t computed = agreements;
    watch_sending(s->lab, NULL);
    for (int i = 0; i < FLOOD; i++) {
        uint8_t packet[WIRE_MTU];
        struct addr from = stranger(s->lab);
        size_t length = put_init(s->lab, packet);
        lab_input(s->lab, 0, &from, packet, length);
    }
    assert_int_equal(sending.datagrams, FLOOD); /* each was answered */
    assert_true(sending.bytes <= FLOOD * WIRE_INIT_SIZE);
    assert_int_equal(agreements, computed);
    assert_true(same_memory(s->lab, 0, &before));
    forget_memory(&before);
    story_close(s);
}

static void garbage_of_every_type_changes_nothing_and_is_not_answered(void **state)
{
    (void)state;
    struct story *s = settled(2);
    struct memory before = remember_memory(s->lab, 0);
    uint32_t computed = agreements;
    watch_sending(s->lab, NULL);
    for (int i = 0; i < FLOOD; i++) {
        uint8_t packet[MIST_DATAGRAM + 200];
        struct addr from = stranger(s->lab);
        size_t length = lab_below(s->lab, i % 2 == 0 ? 160 : sizeof packet);
        fill(s->lab, packet, length);
        packet[0] = (uint8_t)lab_below(s->lab, WIRE_TYPES + 2); /* else most are no type */
        lab_input(s->lab, 0, &from, packet, length);
    }
    assert_int_equal(sending.datagrams, 0);
    assert_int_equal(agreements, computed);
    assert_true(same_memory(s->lab, 0, &before));
    forget_memory(&before);
    story_close(s);
}

/* A cookie proves an address; who has none, or another's, costs no agreement. */
static void opens_without_a_valid_cookie_cost_no_agreement(void **state)
{
    (void)state;
    struct story *s = settled(3);
    struct memory before = remember_memory(s->lab, 0);
    uint32_t computed = agreements;
    for (int i = 0; i < FLOOD / 10; i++) {
        uint8_t packet[WIRE_MTU], noise[WIRE_NOISE], cookie[WIRE_COOKIE], id[WIRE_ID];
        struct addr from = stranger(s->lab);
        fill(s->lab, noise, sizeof noise);
        fill(s->lab, cookie, sizeof cookie);
        fill(s->lab, id, sizeof id);
        struct wire_head h = {.type = WIRE_OPEN,
                              .back = 1 + lab_below(s->lab, 1 << 30),
                              .noise = noise,
                              .cookie = cookie,
                              .id = id,
                              .stamp = UINT64_MAX};
        size_t length = wire_put_head(packet, &h);
        fill(s->lab, packet + length, 60);
        lab_input(s->lab, 0, &from, packet, length + 60);
    }
    assert_int_equal(agreements, computed);
    assert_true(same_memory(s->lab, 0, &before));
    forget_memory(&before);
    story_close(s);
}

/* An OPEN from there with the cookie that its INIT was given, and nothing right in it. */
static size_t put_proved(struct lab *l, const struct addr *from, uint8_t packet[WIRE_MTU])
{
    uint8_t noise[WIRE_NOISE], id[WIRE_ID];
    struct wire_head h, cookie;
    fill(l, noise, sizeof noise);
    fill(l, id, sizeof id);
    h = (struct wire_head){.type = WIRE_INIT, .back = 1 + lab_below(l, 1 << 30), .nonce = noise};
    lab_input(l, 0, from, packet, wire_put_head(packet, &h));
    assert_int_equal(wire_take_head(sending.last.bytes, sending.last.length, &cookie), 0);
    assert_int_equal(cookie.type, WIRE_COOKIE_IS);
    h.type = WIRE_OPEN;
    h.noise = noise;
    h.cookie = cookie.cookie;
    h.id = id;
    h.stamp = UINT64_MAX;
    size_t length = wire_put_head(packet, &h);
    fill(l, packet + length, 60);
    return length + 60;
}

/* Two agreements each: es and ss, before the first tag can be looked at. */
static void proved_addresses_of_one_site_cost_a_bounded_number_of_agreements(void **state)
{
    (void)state;
    struct story *s = settled(4);
    uint32_t computed = agreements;
    uint8_t packet[WIRE_MTU];
    watch_sending(s->lab, NULL);
    for (uint32_t i = 0; i < 10000; i++) { /* of a /24, in one second */
        struct addr from = addr_v4(0x50010200 | i % 256, (uint16_t)(1000 + i));
        size_t length = put_proved(s->lab, &from, packet);
        lab_input(s->lab, 0, &from, packet, length);
        s->lab->now += SEC(1) / 10000;
    }
    assert_in_range(agreements - computed, 2 * SHARE_BURST, 2 * (SHARE_BURST + 21));
    computed = agreements;
    struct addr other = addr_v4(0x50010301, 1000); /* the next site is not held to that */
    size_t length = put_proved(s->lab, &other, packet);
    lab_input(s->lab, 0, &other, packet, length);
    assert_int_equal(agreements - computed, 2);
    story_close(s);
}

/* ---- what was heard on the wire ---- */

/* Every sample, cut and bent in every way, from its own source and from another. */
static void bent_datagrams_of_every_type_change_nothing(void **state)
{
    (void)state;
    struct story *s = settled(4);
    uint32_t types = 0;
    for (uint32_t host = 0; host < 4; host++) {
        struct memory before = remember_memory(s->lab, host);
        for (uint32_t type = 1; type < WIRE_TYPES; type++) {
            const struct caught *c = &samples[host][type];
            if (c->length == 0)
                continue;
            types |= 1u << type;
            for (uint32_t cut = 0; cut < c->length; cut++)
                lab_input(s->lab, host, &c->from, c->bytes, cut);
            for (uint32_t bit = 0; bit < 8 * c->length; bit++) {
                struct addr other = stranger(s->lab);
                struct caught bent = *c;
                bent.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
                lab_input(s->lab, host, &c->from, bent.bytes, bent.length);
                lab_input(s->lab, host, &other, bent.bytes, bent.length);
            }
        }
        assert_true(same_memory(s->lab, host, &before));
        forget_memory(&before);
    }
    assert_int_equal(types, (1u << WIRE_TYPES) - 2); /* all of them were there */
    story_close(s);
}

static void replays_of_every_type_change_nothing_whatever_their_source(void **state)
{
    (void)state;
    struct story *s = settled(5);
    uint32_t computed = agreements;
    for (uint32_t host = 0; host < 4; host++) {
        struct memory before = remember_memory(s->lab, host);
        for (uint32_t type = 1; type < WIRE_TYPES; type++) {
            struct caught *c = &samples[host][type];
            struct addr other = stranger(s->lab);
            if (c->length == 0)
                continue;
            watch_sending(s->lab, NULL);
            lab_input(s->lab, host, &c->from, c->bytes, c->length);
            assert_true(sending.bytes <= c->length);
            watch_sending(s->lab, NULL);
            lab_input(s->lab, host, &other, c->bytes, c->length);
            assert_true(sending.bytes <= c->length);
        }
        assert_true(same_memory(s->lab, host, &before));
        forget_memory(&before);
    }
    assert_int_equal(agreements, computed);
    story_close(s);
}

/* True ones from another's address: INIT alone is answered, by what is half as long. */
static void no_type_of_datagram_is_answered_with_more_than_it_brought(void **state)
{
    (void)state;
    struct story *s = settled(7);
    uint32_t types = 0, reflected = 0;
    for (uint32_t host = 0; host < s->lab->host_count; host++) {
        for (uint32_t type = 1; type < WIRE_TYPES; type++) {
            const struct caught *c = &samples[host][type];
            struct addr victim = stranger(s->lab);
            if (c->length == 0)
                continue;
            watch_sending(s->lab, &victim);
            lab_input(s->lab, host, &victim, c->bytes, c->length);
            assert_true(sending.bytes <= c->length);
            reflected += sending.bytes;
            types |= 1u << type;
        }
    }
    assert_int_equal(types, (1u << WIRE_TYPES) - 2); /* each was there, a new one would be */
    assert_true(reflected > 0);
    story_close(s);
}

static void a_guessed_channel_is_of_no_use_without_the_key(void **state)
{
    (void)state;
    struct story *s = settled(6);
    struct mux *mux = s->lab->hosts[0].node->mux;
    struct link_view peer;
    assert_true(lab_view(s->lab, 0, 1, &peer));
    struct memory before = remember_memory(s->lab, 0);
    s->lab->watch.fact = on_fact;
    mist_time then = s->lab->now;
    for (int i = 0; i < 1000; i++) {
        uint8_t packet[WIRE_MTU];
        struct wire_head h = {.type = WIRE_DATA,
                              .channel = link_get(mux, peer.link)->rx_channel,
                              .counter = lab_below(s->lab, 1 << 30)};
        struct addr from = i % 2 == 0 ? peer.path : stranger(s->lab);
        size_t head = wire_put_head(packet, &h), body = SEAL_TAG + lab_below(s->lab, 100);
        fill(s->lab, packet + head, body);
        lab_input(s->lab, 0, &from, packet, head + body);
    }
    assert_int_equal(story_number(s, 0, STORY_FACT, FACT_FORGED, then), 1000);
    assert_true(same_memory(s->lab, 0, &before));
    forget_memory(&before);
    story_close(s);
}

/* ---- the cookie ---- */

/* An OPEN that a guest sends to a server, caught before it arrives. */
static struct caught caught_open;

static bool stop_open(void *context, struct lab *l, uint32_t host, const struct addr *from,
                      const uint8_t *bytes, uint32_t length)
{
    (void)context, (void)l;
    if (bytes[0] != WIRE_OPEN)
        return true;
    caught_open = (struct caught){.host = host, .length = length, .from = *from};
    memcpy(caught_open.bytes, bytes, length);
    return false;
}

static struct story *with_caught_open(uint64_t seed)
{
    struct story *s = story_open(seed);
    story_servers(s, 1);
    s->lab->watch.arrives = stop_open;
    lab_start(s->lab, lab_add(s->lab, "guest"), 1);
    lab_run(s->lab, s->lab->now + MS(100));
    lab_stop(s->lab, 1);
    assert_int_equal(caught_open.host, 0);
    return s;
}

static uint32_t links_after_open(struct story *s, const struct addr *from)
{
    lab_input(s->lab, 0, from, caught_open.bytes, caught_open.length);
    return s->lab->hosts[0].node->mux->up;
}

static void a_cookie_is_good_from_its_address_for_a_while(void **state)
{
    (void)state;
    struct story *s = with_caught_open(10);
    lab_run(s->lab, s->lab->now + SEC(59));
    assert_int_equal(links_after_open(s, &caught_open.from), 1);
    story_close(s);
}

static void an_old_cookie_is_refused(void **state)
{
    (void)state;
    struct story *s = with_caught_open(11);
    lab_run(s->lab, s->lab->now + SEC(121)); /* two epochs of 60 s at most */
    assert_int_equal(links_after_open(s, &caught_open.from), 0);
    assert_non_null(story_find(s, 0, STORY_FACT, FACT_BAD_COOKIE, 0));
    story_close(s);
}

static void a_cookie_is_of_no_use_at_another_address(void **state)
{
    (void)state;
    struct story *s = with_caught_open(12);
    struct addr port = caught_open.from, ip = caught_open.from;
    port.port++;
    ip.ip[3]++;
    uint32_t computed = agreements;
    assert_int_equal(links_after_open(s, &port), 0);
    assert_int_equal(links_after_open(s, &ip), 0);
    assert_int_equal(agreements, computed);
    assert_int_equal(links_after_open(s, &caught_open.from), 1);
    story_close(s);
}

/* ---- races ---- */

/* The attacker's copy comes first; the peer's own datagram is a replay then. */
static void a_copy_from_elsewhere_does_not_take_the_path_along(void **state)
{
    (void)state;
    struct story *s = settled(7);
    uint8_t bytes[64];
    struct msg ping = {.type = MSG_PING, .request = 1};
    size_t length = wire_put(bytes, sizeof bytes, &ping);
    for (int i = 0; i < 20; i++) {
        struct addr attacker = stranger(s->lab);
        struct link_view path;
        assert_true(lab_view(s->lab, 0, 1, &path));
        struct caught c = catch_message(s->lab, 1, 0, bytes, length);
        lab_input(s->lab, 0, &attacker, c.bytes, c.length);
        lab_input(s->lab, 0, &c.from, c.bytes, c.length);
        lab_run(s->lab, s->lab->now + SEC(7));
        struct link_view after;
        assert_true(lab_view(s->lab, 0, 1, &after) && after.up);
        assert_true(addr_equal(&after.path, &path.path));
    }
    story_close(s);
}

static const struct addr thief = {.ip = {80, 1, 2, 3}, .port = 666, .family = ADDR_V4};

/* The first ACCEPT arrives from the thief's address, the true one after it. */
static bool steal_accept(void *context, struct lab *l, uint32_t host, const struct addr *from,
                         const uint8_t *bytes, uint32_t length)
{
    (void)context;
    if (bytes[0] == WIRE_ACCEPT && !addr_equal(from, &thief))
        lab_input(l, host, &thief, bytes, length);
    return true;
}

static void a_copied_accept_does_not_take_the_path_along(void **state)
{
    (void)state;
    struct story *s = story_open(8);
    story_servers(s, 1);
    s->lab->watch.arrives = steal_accept;
    uint32_t guest = story_join(s, "guest", LAB_EIM, LAB_APDF, false);
    lab_run(s->lab, s->lab->now + SEC(2));
    struct link_view v;
    assert_true(lab_view(s->lab, guest, 0, &v) && v.up);
    assert_true(addr_equal(&v.path, &s->lab->hosts[0].local));
    story_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flood_of_inits_costs_no_memory_and_no_agreement),
        cmocka_unit_test(proved_addresses_of_one_site_cost_a_bounded_number_of_agreements),
        cmocka_unit_test(garbage_of_every_type_changes_nothing_and_is_not_answered),
        cmocka_unit_test(opens_without_a_valid_cookie_cost_no_agreement),
        cmocka_unit_test(bent_datagrams_of_every_type_change_nothing),
        cmocka_unit_test(replays_of_every_type_change_nothing_whatever_their_source),
        cmocka_unit_test(no_type_of_datagram_is_answered_with_more_than_it_brought),
        cmocka_unit_test(a_guessed_channel_is_of_no_use_without_the_key),
        cmocka_unit_test(a_cookie_is_good_from_its_address_for_a_while),
        cmocka_unit_test(an_old_cookie_is_refused),
        cmocka_unit_test(a_cookie_is_of_no_use_at_another_address),
        cmocka_unit_test(a_copy_from_elsewhere_does_not_take_the_path_along),
        cmocka_unit_test(a_copied_accept_does_not_take_the_path_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
