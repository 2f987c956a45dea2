/* What a peer with a link can do to others through this node: little.  The
 * attacks are A1 (amplification), A3 (reflection), A4 (relay as open proxy), A10
 * (squatting) of the protocol notes. */
#include "stack/relay.h"
#include "stack/test/caught.h"
#include "stack/topic.h"

/* Three servers; a guest behind a NAT that has links to them. */
static struct story *with_guest(uint64_t seed, uint32_t *guest)
{
    struct story *s = story_open(seed);
    story_servers(s, 3);
    *guest = story_join(s, "guest", LAB_EIM, LAB_APDF, false);
    lab_run(s->lab, s->lab->now + SEC(20));
    return s;
}

/* ---- reflection ---- */

/* One message of each type, as long as its meaning allows to be short. */
static size_t put_message(struct lab *l, uint8_t type, uint8_t *bytes, size_t size)
{
    static const uint8_t zeros[WIRE_FILTER];
    static uint8_t key[WIRE_ID];
    key[0]++;
    struct msg m = {.type = type,
                    .request = lab_below(l, 1 << 30),
                    .number = lab_below(l, 1 << 30),
                    .ttl_s = 600,
                    .key = key,
                    .peer = key,
                    .prefix = key,
                    .bytes = zeros,
                    .addr = addr_v4(0x50010203, 99)};
    return wire_put(bytes, size, &m);
}

/* The peer writes the victim's address as its source. */
static void no_kind_of_message_is_answered_with_more_than_it_brought(void **state)
{
    (void)state;
    const struct addr victim = addr_v4(0x50010203, 7);
    for (uint8_t type = MSG_PING; type < MSG_TYPES; type++) {
        uint32_t guest;
        struct story *s = with_guest(type, &guest);
        for (int i = 0; i < 5; i++) {
            uint8_t bytes[WIRE_MTU];
            size_t length = put_message(s->lab, type, bytes, sizeof bytes);
            assert_true(length > 0); /* a new kind, too */
            if (lab_link(s->lab, guest, 0) == 0)
                break; /* BYE ended it */
            struct caught c = catch_message(s->lab, guest, 0, bytes, length);
            s->lab->loss = 1000;
            watch_sending(s->lab, &victim);
            lab_input(s->lab, 0, &victim, c.bytes, c.length);
            lab_run(s->lab, s->lab->now + MS(50)); /* whatever waits for a moment, too */
            if (sending.bytes > c.length)
                fprintf(stderr, "%s: %u bytes in, %u out\n", wire_msg_name(type),
                        (unsigned)c.length, (unsigned)sending.bytes);
            assert_true(sending.bytes <= c.length);
            s->lab->loss = 0;
            s->lab->watch.sent = NULL;
            lab_run(s->lab, s->lab->now + MS(150));
        }
        story_close(s);
    }
}

/* As many messages of each kind as a datagram holds. */
static void many_questions_in_one_datagram_reflect_no_more(void **state)
{
    (void)state;
    const struct addr victim = addr_v4(0x50010203, 7);
    uint32_t reflected = 0;
    for (uint8_t type = MSG_PING; type < MSG_TYPES; type++) {
        uint32_t guest;
        struct story *s = with_guest(100u + type, &guest);
        uint8_t bytes[WIRE_MTU];
        size_t length = 0, one = 1;
        while (one > 0 && length < 1100) {
            one = put_message(s->lab, type, bytes + length, 1100 - length);
            length += one;
        }
        struct caught c = catch_message(s->lab, guest, 0, bytes, length);
        watch_sending(s->lab, &victim);
        lab_input(s->lab, 0, &victim, c.bytes, c.length);
        lab_run(s->lab, s->lab->now + MS(50));
        assert_true(sending.bytes <= c.length);
        reflected += sending.bytes;
        story_close(s);
    }
    assert_true(reflected > 0); /* what is measured does happen */
}

/* ---- knocks ---- */

static size_t put_reach(struct lab *l, uint8_t *bytes, size_t size)
{
    return put_message(l, MSG_REACH, bytes, size);
}

static void knocks_are_limited_to_a_few_a_second(void **state)
{
    (void)state;
    uint32_t guest;
    struct story *s = with_guest(1, &guest);
    mist_time then = s->lab->now;
    for (int i = 0; i < 1000; i++) {
        uint8_t bytes[WIRE_MTU];
        size_t length = put_reach(s->lab, bytes, sizeof bytes);
        assert_int_equal(lab_say(s->lab, guest, 0, NULL, bytes, length), MIST_OK);
        lab_run(s->lab, s->lab->now + MS(2));
    }
    lab_run(s->lab, s->lab->now + SEC(1));
    uint32_t knocks = 0;
    for (uint32_t i = 0; i < 3; i++)
        knocks += story_number(s, i, STORY_FACT, FACT_KNOCKED, then);
    assert_true(knocks > 0);
    assert_true(knocks <= 20 * 3 + 20 + 1); /* 20 a second, and a second's burst */
    story_close(s);
}

static void a_knock_goes_to_the_address_that_the_asked_one_observed(void **state)
{
    (void)state;
    uint32_t guest;
    struct story *s = with_guest(2, &guest);
    mist_time then = s->lab->now;
    uint8_t bytes[WIRE_MTU];
    size_t length = put_reach(s->lab, bytes, sizeof bytes);
    assert_int_equal(lab_say(s->lab, guest, 0, NULL, bytes, length), MIST_OK);
    lab_run(s->lab, then + SEC(1));
    struct link_view v;
    assert_true(lab_view(s->lab, 0, guest, &v));
    uint32_t knocks = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        const struct story_entry *e = &s->entries[i];
        if (e->at < then || e->kind != STORY_FACT || e->number != FACT_KNOCKED)
            continue;
        knocks++;
        assert_true(addr_equal(&e->addr, &v.path));
    }
    assert_int_equal(knocks, 1);
    story_close(s);
}

static void nobody_is_knocked_at_whom_the_asker_only_claims_to_be(void **state)
{
    (void)state;
    const struct addr victim = addr_v4(0x50010203, 7);
    uint32_t guest;
    struct story *s = with_guest(3, &guest);
    uint8_t bytes[WIRE_MTU];
    size_t length = put_reach(s->lab, bytes, sizeof bytes);
    struct caught c = catch_message(s->lab, guest, 0, bytes, length);
    mist_time then = s->lab->now;
    lab_input(s->lab, 0, &victim, c.bytes, c.length);
    lab_run(s->lab, then + SEC(2));
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(story_number(s, i, STORY_FACT, FACT_KNOCKED, then), 0);
    story_close(s);
}

static void who_is_no_server_cannot_order_knocks(void **state)
{
    (void)state;
    uint32_t guest;
    struct story *s = with_guest(4, &guest);
    mist_time then = s->lab->now;
    uint8_t bytes[WIRE_MTU];
    size_t length = put_message(s->lab, MSG_KNOCK, bytes, sizeof bytes);
    assert_int_equal(lab_say(s->lab, guest, 0, NULL, bytes, length), MIST_OK);
    lab_run(s->lab, then + SEC(1));
    assert_int_equal(story_number(s, 0, STORY_FACT, FACT_KNOCKED, then), 0);
    story_close(s);
}

/* A peer that it asked knocks itself, through the hole that the guest made. */
static void a_knock_through_ones_own_hole_proves_nothing(void **state)
{
    (void)state;
    for (int own = 0; own < 2; own++) {
        struct story *s = story_open(9);
        story_servers(s, 3);
        uint32_t guest = lab_add(s->lab, "guest");
        lab_behind(s->lab, guest, LAB_EIM, LAB_APDF, false);
        lab_start(s->lab, guest, 3);
        const struct reach *r = &s->lab->hosts[guest].node->reach;
        while (r->channel == 0)
            assert_true(lab_step(s->lab, s->lab->now + SEC(5)));
        struct addr from = s->lab->hosts[guest].node->join.through.addr;
        if (own == 0)
            from = addr_v4(0x50010203, 7); /* a stranger, as if there were no filter */
        uint8_t packet[WIRE_MTU];
        struct wire_head h = {.type = WIRE_DIALBACK, .channel = r->channel, .number = r->nonce};
        lab_input(s->lab, guest, &from, packet, wire_put_head(packet, &h));
        assert_int_equal(r->reachable, own == 0);
        story_close(s);
    }
}

/* ---- the relay ---- */

/* from asks host 0 to forward n datagrams of that size to `to`. */
static void ask_to_forward(struct story *s, uint32_t from, uint32_t to, uint32_t n, uint16_t size)
{
    static const uint8_t zeros[WIRE_MTU];
    uint8_t bytes[WIRE_MTU];
    struct msg relay = {
        .type = MSG_RELAY, .prefix = s->lab->hosts[to].id, .bytes = zeros, .length = size};
    size_t length = wire_put(bytes, sizeof bytes, &relay);
    for (uint32_t i = 0; i < n; i++)
        assert_int_equal(lab_say(s->lab, from, 0, NULL, bytes, length), MIST_OK);
    lab_run(s->lab, s->lab->now + MS(100));
}

static void without_an_introduction_nothing_is_forwarded(void **state)
{
    (void)state;
    uint32_t guest;
    struct story *s = with_guest(5, &guest);
    mist_time then = s->lab->now;
    assert_true(lab_link(s->lab, 0, 1) != 0); /* the relay knows both */
    ask_to_forward(s, guest, 1, 10, 100);
    ask_to_forward(s, guest, guest, 10, 100);
    assert_int_equal(story_number(s, 0, STORY_FACT, FACT_RELAY_FORWARDED, then), 0);
    assert_int_equal(story_number(s, 0, STORY_FACT, FACT_RELAY_DROPPED, then), 20);
    story_close(s);
}

/* Two homes that met through the servers; both may use host 0 as relay. */
static struct story *introduced(uint64_t seed, uint32_t *a, uint32_t *b)
{
    struct story *s = story_open(seed);
    story_servers(s, 3);
    *a = story_join(s, "anna", LAB_APDM, LAB_APDF, true);
    *b = story_join(s, "bert", LAB_APDM, LAB_APDF, true);
    lab_run(s->lab, s->lab->now + SEC(3));
    assert_int_equal(lab_connect(s->lab, *a, 1, "bert"), MIST_OK);
    lab_run(s->lab, s->lab->now + SEC(40)); /* the probes are over */
    assert_non_null(story_find(s, 0, STORY_FACT, FACT_CIRCUIT_OPENED, 0));
    return s;
}

static uint64_t forwarded_bytes(const struct story *s, mist_time from)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        const struct story_entry *e = &s->entries[i];
        if (e->at >= from && e->host == 0 && e->kind == STORY_FACT &&
            e->number == FACT_RELAY_FORWARDED)
            sum += (uint64_t)e->a;
    }
    return sum;
}

static void a_circuit_has_its_rate_and_no_more(void **state)
{
    (void)state;
    uint32_t a, b;
    struct story *s = introduced(6, &a, &b);
    assert_int_equal(lab_connect(s->lab, a, 2, "bert"), MIST_OK); /* renews the circuit */
    lab_run(s->lab, s->lab->now + SEC(5));
    mist_time then = s->lab->now;
    const int64_t seconds = 10;
    for (int i = 0; i < 10 * seconds; i++)
        ask_to_forward(s, a, b, 20, 1000); /* 200 kB/s */
    uint64_t bytes = forwarded_bytes(s, then);
    assert_true(bytes <= RELAY_BURST + RELAY_RATE * (uint64_t)seconds);
    assert_true(bytes >= RELAY_RATE * (uint64_t)(seconds - 1));
    story_close(s);
}

static void a_circuit_ends_when_it_is_not_used(void **state)
{
    (void)state;
    uint32_t a, b;
    struct story *s = introduced(7, &a, &b);
    assert_int_equal(lab_id(s->lab, a, MIST_WISH_CLOSE, 1), MIST_OK);
    lab_run(s->lab, s->lab->now + RELAY_KEPT + SEC(70)); /* their link idles out first */
    mist_time then = s->lab->now;
    ask_to_forward(s, a, b, 5, 100);
    assert_int_equal(forwarded_bytes(s, then), 0);
    story_close(s);
}

static void a_node_that_does_not_serve_forwards_nothing(void **state)
{
    (void)state;
    struct story *s = story_open(8);
    for (uint32_t i = 0; i < 3; i++) {
        static const char *const names[] = {"s1", "s2", "s3"};
        uint32_t host = lab_add(s->lab, names[i]);
        lab_configure(s->lab, host, "reach.assume", "public");
        lab_configure(s->lab, host, "relay.serve", "off");
        lab_start(s->lab, i, i);
    }
    lab_run(s->lab, s->lab->now + SEC(10));
    uint32_t a = story_join(s, "anna", LAB_APDM, LAB_APDF, true);
    uint32_t b = story_join(s, "bert", LAB_APDM, LAB_APDF, true);
    lab_run(s->lab, s->lab->now + SEC(3));
    mist_time then = s->lab->now;
    assert_int_equal(lab_connect(s->lab, a, 1, "bert"), MIST_OK);
    lab_run(s->lab, then + SEC(40));
    assert_null(story_find(s, 0, STORY_FACT, FACT_CIRCUIT_OPENED, 0));
    assert_non_null(story_find(s, a, STORY_EVENT, MIST_EVENT_FAILED, then));
    assert_int_equal(s->lab->hosts[b].node->meet.conns[0].state, CONN_FREE); /* nothing is left */
    ask_to_forward(s, a, b, 5, 100);
    assert_int_equal(forwarded_bytes(s, then), 0);
    story_close(s);
}

static void a_full_table_of_circuits_refuses_the_next_pair(void **state)
{
    (void)state;
    enum { CIRCUITS = 8 };
    struct relay r = {0};
    uint8_t node;
    void *memory = calloc(1, relay_size(CIRCUITS));
    struct out *out = calloc(1, out_size());
    assert_true(memory != NULL && out != NULL);
    out_reset(out, &node);
    relay_init(&r, memory, CIRCUITS, 1);
    for (mist_link i = 1; i <= CIRCUITS; i++) {
        relay_introduce(&r, SEC(1), i, 100 + i, out);
        assert_int_equal(relay_forward(&r, SEC(1), 100 + i, i, 100), RELAY_YES);
    }
    relay_introduce(&r, SEC(1), CIRCUITS + 1, 101 + CIRCUITS, out);
    assert_int_equal(relay_forward(&r, SEC(1), CIRCUITS + 1, 101 + CIRCUITS, 100),
                     RELAY_NO_CIRCUIT);
    /* idle ones make room */
    relay_introduce(&r, SEC(1) + RELAY_IDLE, CIRCUITS + 1, 101 + CIRCUITS, out);
    assert_int_equal(relay_forward(&r, SEC(1) + RELAY_IDLE, CIRCUITS + 1, 101 + CIRCUITS, 100),
                     RELAY_YES);
    free(memory);
    free(out);
}

/* ---- what one peer can occupy ---- */

static void one_peer_cannot_fill_the_table_of_subscriptions(void **state)
{
    (void)state;
    uint32_t guest;
    struct story *s = with_guest(20, &guest);
    uint32_t before = s->lab->hosts[0].node->pubsub->held_count;
    for (int i = 0; i < 1000; i++) {
        uint8_t bytes[WIRE_MTU];
        size_t length = put_message(s->lab, MSG_SUBSCRIBE, bytes, sizeof bytes);
        assert_int_equal(lab_say(s->lab, guest, 0, NULL, bytes, length), MIST_OK);
    }
    lab_run(s->lab, s->lab->now + SEC(1));
    uint32_t after = s->lab->hosts[0].node->pubsub->held_count;
    assert_true(after > before);
    assert_true(after - before <= PUBSUB_PER_LINK);
    story_close(s);
}

static uint32_t connections(const struct mist *n)
{
    uint32_t used = 0;
    for (uint32_t i = 0; i < n->meet.limit; i++)
        used += n->meet.conns[i].state != CONN_FREE;
    return used;
}

/* The guest pretends to forward offers that anybody made to the server's name. */
static void offers_cannot_fill_the_table_of_connections(void **state)
{
    (void)state;
    uint32_t guest;
    struct story *s = with_guest(21, &guest);
    struct mist *server = s->lab->hosts[0].node;
    for (uint32_t i = 0; i < 1000; i++) {
        uint8_t bytes[WIRE_MTU], value[WIRE_VALUE], key[WIRE_ID], publisher[WIRE_ID];
        struct offer o = {.flags = 0};
        memset(publisher, (int)(1 + i % 250), sizeof publisher);
        node_name_key(key, (const uint8_t *)"s1", 2);
        struct msg m = {.type = MSG_RECEIVE,
                        .flags = FLAG_OFFER | (i % 2 == 0 ? FLAG_RELAY : 0),
                        .key = key,
                        .number = i,
                        .peer = publisher,
                        .bytes = value,
                        .length = lab_offer(s->lab, value, i + 1, key, publisher, &o)};
        size_t length = wire_put(bytes, sizeof bytes, &m);
        assert_int_equal(lab_say(s->lab, guest, 0, NULL, bytes, length), MIST_OK);
        lab_run(s->lab, s->lab->now + MS(1));
    }
    assert_true(connections(server) > 0); /* the offers were taken for offers */
    assert_true(connections(server) <= server->meet.limit / 2);
    assert_int_equal(lab_connect(s->lab, 0, 1, "guest"), MIST_OK);
    lab_run(s->lab, s->lab->now + SEC(30));
    assert_non_null(story_find(s, 0, STORY_EVENT, MIST_EVENT_CONNECTED, 0));
    assert_int_equal(connections(server), 1); /* its own one: the others are forgotten */
    story_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_kind_of_message_is_answered_with_more_than_it_brought),
        cmocka_unit_test(many_questions_in_one_datagram_reflect_no_more),
        cmocka_unit_test(knocks_are_limited_to_a_few_a_second),
        cmocka_unit_test(a_knock_goes_to_the_address_that_the_asked_one_observed),
        cmocka_unit_test(nobody_is_knocked_at_whom_the_asker_only_claims_to_be),
        cmocka_unit_test(who_is_no_server_cannot_order_knocks),
        cmocka_unit_test(a_knock_through_ones_own_hole_proves_nothing),
        cmocka_unit_test(without_an_introduction_nothing_is_forwarded),
        cmocka_unit_test(a_circuit_has_its_rate_and_no_more),
        cmocka_unit_test(a_circuit_ends_when_it_is_not_used),
        cmocka_unit_test(a_node_that_does_not_serve_forwards_nothing),
        cmocka_unit_test(a_full_table_of_circuits_refuses_the_next_pair),
        cmocka_unit_test(one_peer_cannot_fill_the_table_of_subscriptions),
        cmocka_unit_test(offers_cannot_fill_the_table_of_connections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
