/* test_world_boxes.c: what the boxes of a simulated world send themselves, and when.
 * The engine is a list of what it was given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nat-models/portmap.h"
#include "sim/world_parts.h"
#include "stack/check.h"

_Noreturn void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: broken promise: %s\n", file, line, condition);
    abort();
}

#define EMITTED 100
#define HOST    0xc0a80002u /* 192.168.0.2 */
#define ANYCAST 0xc0000009u /* 192.0.0.9 (RFC 7723) */
#define ALL     0xe0000001u /* 224.0.0.1 */

struct engine {
    uint32_t count;
    struct {
        uint32_t box;
        enum direction direction;
        struct addr from, to;
        struct fragment fragment;
        bool icmp;
        uint16_t length;
        uint8_t bytes[1500];
    } emitted[EMITTED];
};

static void note(struct engine *e, uint32_t box, enum direction direction, const struct datagram *d)
{
    assert_true(e->count < EMITTED && d->length <= sizeof e->emitted[0].bytes);
    e->emitted[e->count].box = box;
    e->emitted[e->count].direction = direction;
    e->emitted[e->count].fragment = d->fragment;
    e->emitted[e->count].icmp = d->icmp;
    e->emitted[e->count].from = d->from;
    e->emitted[e->count].to = d->to;
    e->emitted[e->count].length = d->length;
    memcpy(e->emitted[e->count++].bytes, d->bytes, d->length);
}

static mist_time no_time(const struct engine *e)
{
    (void)e;
    return 0;
}

static const struct engine_type noting = {.name = "noting", .emit = note, .now = no_time};

/* A world of two boxes with those knobs ("key: value; ..."), and nothing else. */
struct small {
    struct plan plan;
    struct plan_box boxes[2];
    struct engine engine;
    struct world_options options;
    struct world world;
};

static void set(struct nat_policy *policy, const char *key, const char *value)
{
    char error[200];
    if (nat_policy_set(policy, key, value, error, sizeof error) != 0)
        fail_msg("%s", error);
}

static struct nat_policy policy_of(const char *knobs)
{
    struct nat_policy policy = nat_policy_default();
    char copy[200], *rest = copy, *key;
    snprintf(copy, sizeof copy, "%s", knobs);
    while ((key = strtok_r(rest, ":", &rest)) != NULL) {
        char *value = strtok_r(rest, ";", &rest);
        set(&policy, key + strspn(key, " "), value + 1);
    }
    return policy;
}

static void open_world(struct small *s, const char *knobs)
{
    memset(s, 0, sizeof *s);
    for (uint32_t i = 0; i < 2; i++)
        s->boxes[i] = (struct plan_box){
            .policy = policy_of(knobs), .outer = PLAN_NONE, .outside = addr_v4(0x01020304 + i, 0)};
    s->plan.boxes = s->boxes;
    s->plan.box_count = 2;
    s->world.plan = &s->plan;
    s->world.options = &s->options;
    s->world.type = &noting;
    s->world.engine = &s->engine;
    world_boxes_open(&s->world);
}

static void close_world(struct small *s)
{
    world_boxes_close(&s->world);
}

/* From the host to there, through box 1. */
static enum crossing cross(struct small *s, mist_time now, struct addr to, uint8_t *bytes,
                           uint16_t length, struct datagram *d)
{
    *d = (struct datagram){
        .from = addr_v4(HOST, 4000), .to = to, .ttl = 64, .length = length, .bytes = bytes};
    return world_boxes_cross(&s->world, now, 1, OUTWARD, d);
}

static void a_host_that_asks_for_a_port_is_answered_by_its_box(void **state)
{
    static struct small s;
    struct datagram d;
    uint8_t request[] = {0, 1, 0, 0, 0x0f, 0xa0, 0, 0, 0, 0, 0x0e, 0x10}; /* UDP 4000, 3600 s */
    (void)state;
    open_world(&s, "nat_pmp: on");
    struct addr anycast = addr_v4(ANYCAST, 5351), host = addr_v4(HOST, 4000);
    assert_int_equal(cross(&s, SEC(1), anycast, request, sizeof request, &d), CROSS_DROP);
    assert_int_equal(s.engine.count, 1);
    assert_int_equal(s.engine.emitted[0].box, 1);
    assert_true(addr_equal(&s.engine.emitted[0].from, &anycast));
    assert_true(addr_equal(&s.engine.emitted[0].to, &host));
    /* RFC 6886 section 3.3: 16 bytes, operation 128 + 1, result 0, lifetime granted */
    static const uint8_t head[] = {0, 129, 0, 0}, lifetime[] = {0, 0, 0x0e, 0x10};
    assert_int_equal(s.engine.emitted[0].length, 16);
    assert_memory_equal(s.engine.emitted[0].bytes, head, sizeof head);
    assert_memory_equal(s.engine.emitted[0].bytes + 12, lifetime, sizeof lifetime);
    close_world(&s);
}

/* RFC 792: type 3, code 13 (RFC 1812): administratively prohibited. */
static void a_box_says_by_icmp_that_its_table_is_full(void **state)
{
    static struct small s;
    struct datagram d;
    uint8_t payload[100] = {0};
    struct addr remote = addr_v4(0x05060708, 1000);
    (void)state;
    open_world(&s, "table_capacity: 1; on_exhaustion: icmp_3_13");
    assert_int_equal(cross(&s, 0, remote, payload, sizeof payload, &d), CROSS_PASS);
    d = (struct datagram){
        .from = addr_v4(HOST, 4001), .to = remote, .ttl = 64, .length = 100, .bytes = payload};
    assert_int_equal(world_boxes_cross(&s.world, 0, 1, OUTWARD, &d), CROSS_DROP);
    assert_int_equal(s.engine.count, 1);
    assert_true(s.engine.emitted[0].icmp);
    assert_int_equal(s.engine.emitted[0].direction, INWARD);
    assert_int_equal(addr_ip4(&s.engine.emitted[0].to), HOST);
    assert_int_equal(s.engine.emitted[0].bytes[0], 3);
    assert_int_equal(s.engine.emitted[0].bytes[1], 13);
    close_world(&s);
}

/* MTU 576: 552 bytes of the 1,208, then 552 and 104. */
static void what_a_box_cuts_leaves_it_in_order(void **state)
{
    static struct small s;
    struct datagram d;
    uint8_t payload[1200] = {0};
    static const uint16_t offsets[] = {0, 552, 1104}, lengths[] = {544, 552, 104};
    (void)state;
    open_world(&s, "mtu: 576");
    assert_int_equal(cross(&s, 0, addr_v4(0x05060708, 1000), payload, sizeof payload, &d),
                     CROSS_DROP);
    assert_int_equal(s.engine.count, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(s.engine.emitted[i].direction, OUTWARD);
        assert_int_equal(s.engine.emitted[i].fragment.offset, offsets[i]);
        assert_int_equal(s.engine.emitted[i].fragment.more, i < 2);
        assert_int_equal(s.engine.emitted[i].length, lengths[i]);
    }
    close_world(&s);
}

/* RFC 4787 REQ-14: the box that puts together what comes in pieces sends the whole. */
static void a_box_puts_together_what_comes_in_pieces(void **state)
{
    static struct small s;
    uint8_t payload[1000] = {1, 2, 3};
    (void)state;
    open_world(&s, "fragments: reassemble");
    struct datagram last = {.from = addr_v4(HOST, 0),
                            .to = addr_v4(0x05060708, 0),
                            .fragment = {.id = 9, .offset = 552},
                            .ttl = 64,
                            .length = 1008 - 552,
                            .bytes = payload + 544};
    struct datagram first = {.from = addr_v4(HOST, 4000),
                             .to = addr_v4(0x05060708, 1000),
                             .fragment = {.id = 9, .more = true},
                             .ttl = 64,
                             .length = 544,
                             .bytes = payload};
    assert_int_equal(world_boxes_cross(&s.world, 0, 1, OUTWARD, &last), CROSS_DROP);
    assert_int_equal(s.engine.count, 0);
    assert_int_equal(world_boxes_cross(&s.world, 0, 1, OUTWARD, &first), CROSS_DROP);
    assert_int_equal(s.engine.count, 1);
    assert_int_equal(s.engine.emitted[0].direction, OUTWARD);
    assert_int_equal(s.engine.emitted[0].length, 1000);
    assert_false(s.engine.emitted[0].fragment.more);
    assert_memory_equal(s.engine.emitted[0].bytes, payload, 3);
    close_world(&s);
}

static void a_gateway_rewrites_the_addresses_in_payloads(void **state)
{
    static struct small s;
    struct datagram d;
    uint8_t payload[] = {9, 192, 168, 0, 2, 9};
    static const uint8_t seen[] = {9, 1, 2, 3, 5, 9};
    (void)state;
    open_world(&s, "alg: rewrite");
    assert_int_equal(cross(&s, 0, addr_v4(0x05060708, 1000), payload, sizeof payload, &d),
                     CROSS_PASS);
    assert_int_equal(d.length, sizeof seen);
    assert_memory_equal(d.bytes, seen, sizeof seen);
    assert_int_equal(payload[1], 192); /* the host's own copy */
    close_world(&s);
}

/* RFC 6886 section 3.2.1: ten announcements, at first 250 ms apart, then twice as long
 * each time. */
static void a_box_that_lost_its_tables_says_so_ten_times(void **state)
{
    static struct small s;
    const mist_time lost = SEC(7);
    mist_time expected = lost;
    (void)state;
    open_world(&s, "nat_pmp: on");
    assert_int_equal(world_boxes_deadline(&s.world), MIST_NEVER);
    nat_reboot(s.world.boxes[0], lost);
    world_boxes_called(&s.world, 0);
    world_boxes_called(&s.world, 0);
    for (uint32_t i = 0; i < 10; i++) {
        assert_int_equal(world_boxes_deadline(&s.world), expected);
        world_boxes_due(&s.world, expected - 1);
        assert_int_equal(s.engine.count, i);
        world_boxes_due(&s.world, expected);
        assert_int_equal(s.engine.count, i + 1);
        assert_int_equal(s.engine.emitted[i].box, 0);
        assert_int_equal(addr_ip4(&s.engine.emitted[i].to), ALL);
        assert_int_equal(s.engine.emitted[i].to.port, NAT_PORTMAP_ANNOUNCE);
        expected += MS(250) << i;
    }
    assert_int_equal(world_boxes_deadline(&s.world), MIST_NEVER);
    world_boxes_due(&s.world, SEC(3600));
    assert_int_equal(s.engine.count, 10);
    close_world(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_that_asks_for_a_port_is_answered_by_its_box),
        cmocka_unit_test(a_box_says_by_icmp_that_its_table_is_full),
        cmocka_unit_test(what_a_box_cuts_leaves_it_in_order),
        cmocka_unit_test(a_box_puts_together_what_comes_in_pieces),
        cmocka_unit_test(a_gateway_rewrites_the_addresses_in_payloads),
        cmocka_unit_test(a_box_that_lost_its_tables_says_so_ten_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
