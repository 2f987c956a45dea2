/* test_mtu.c: lines that take only small packets, on ns-3 beside the native engine:
 * pieces really travel, boxes see them, hosts put them together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/engine_plugin.h"

static const struct engine_type *engine;
#define TOY_ENGINE engine
#include "sim/native/test/toy.h"

#define GIVEN 0x08000000u /* where toy_public_host puts its hosts */
#define WAY   (MS(20) + 2 * MS(5))

static struct toy toys[2];

static void play(void (*lay)(struct toy *t), void (*send)(struct toy *t))
{
    for (int i = 0; i < 2; i++) {
        engine = i == 0 ? &engine_native : engine_plugin()->type;
        toy_init(&toys[i]);
        lay(&toys[i]);
        toy_open(&toys[i], 1);
        send(&toys[i]);
        engine->run(toys[i].engine, SEC(100));
        toy_close(&toys[i]);
    }
}

/* Host 0 at home, behind a line of 1 Mbit/s up and 2 down; host 1 in the open. */
static void lay_lines(struct toy *t, uint32_t home_mtu, uint32_t open_mtu)
{
    uint32_t box = toy_box(t, PLAN_NONE, 0x05000001);
    t->plan.population_count = 2;
    for (int i = 0; i < 2; i++)
        t->populations[i].access =
            (struct plan_access){.up_bps = 1000000, .down_bps = 2000000, .delay = MS(5)};
    t->populations[0].access.mtu = home_mtu;
    t->populations[1].access.mtu = open_mtu;
    toy_private_host(t, box, 0xc0a80002);
    toy_public_host(t);
    t->hosts[1].population = 1;
}

static void lay_both_narrow(struct toy *t)
{
    lay_lines(t, 576, 576);
}

static void lay_narrow_home(struct toy *t)
{
    lay_lines(t, 576, 0);
}

static void lay_lines_wide(struct toy *t)
{
    lay_lines(t, 0, 0);
}

static void send_out(struct toy *t)
{
    toy_send(t, 0, toy_at(GIVEN + 1), 1, 1000);
}

static void send_in(struct toy *t)
{
    toy_send(t, 1, toy_at(0x05000001), 2, 1000);
}

static void send_forbidden(struct toy *t, uint32_t host, struct addr to, uint32_t number)
{
    uint8_t bytes[1000] = {0, 0, 0, (uint8_t)number};
    struct datagram d = {.from = t->hosts[host].addr,
                         .to = to,
                         .fragment.forbidden = true,
                         .ttl = 64,
                         .length = sizeof bytes,
                         .bytes = bytes};
    d.from.port = TOY_PORT;
    engine->send(t->engine, host, &d);
}

static void send_forbidden_both_ways(struct toy *t)
{
    send_forbidden(t, 0, toy_at(GIVEN + 1), 1);
    send_forbidden(t, 1, toy_at(0x05000001), 2);
}

static uint32_t crossings(const struct toy *t, enum direction direction)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < t->crossings; i++)
        count += t->crossing[i].direction == direction;
    return count;
}

static void assert_arrived_once(const struct toy *t, uint32_t number)
{
    assert_int_equal(t->arrivals, 1);
    assert_int_equal(t->arrival[0].number, number);
    assert_int_equal(t->arrival[0].length, 1000);
    assert_int_equal(t->losses, 0);
}

/* Packets of 572 and 476 bytes; the second waits for the first on the way up, and takes
 * 4 us per byte on the way down.  ns-3's links frame each with 2 bytes. */
static void two_pieces_take_the_time_of_two_packets(void **state)
{
    (void)state;
    play(lay_both_narrow, send_out);
    for (int i = 0; i < 2; i++) {
        mist_time framing = i == 0 ? 0 : 2;
        mist_time lines = US(8) * (572 + 476 + 2 * framing) + US(4) * (476 + framing);
        assert_arrived_once(&toys[i], 1);
        assert_in_range(toys[i].arrival[0].at, WAY + lines, WAY + lines + US(5));
    }
}

/* Outward it is the box's line that cuts, behind the box; inward the sender's. */
static void a_box_sees_the_pieces_that_others_cut(void **state)
{
    (void)state;
    play(lay_both_narrow, send_out);
    for (int i = 0; i < 2; i++)
        assert_int_equal(crossings(&toys[i], OUTWARD), 1);
    play(lay_both_narrow, send_in);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(crossings(&toys[i], INWARD), 2);
        assert_arrived_once(&toys[i], 2);
    }
}

static void the_provider_cuts_for_the_last_line(void **state)
{
    (void)state;
    play(lay_narrow_home, send_in);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(crossings(&toys[i], INWARD), 2);
        assert_arrived_once(&toys[i], 2);
    }
}

static void what_must_not_be_cut_is_lost_at_the_narrow_line(void **state)
{
    (void)state;
    play(lay_narrow_home, send_forbidden_both_ways);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(toys[i].arrivals, 0);
        assert_int_equal(toys[i].losses, 2);
        assert_int_equal(toys[i].lost_why[0], LOSS_TOO_BIG);
        assert_int_equal(toys[i].lost_why[1], LOSS_TOO_BIG);
    }
    play(lay_lines_wide, send_forbidden_both_ways);
    for (int i = 0; i < 2; i++)
        assert_int_equal(toys[i].arrivals, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_pieces_take_the_time_of_two_packets),
        cmocka_unit_test(a_box_sees_the_pieces_that_others_cut),
        cmocka_unit_test(the_provider_cuts_for_the_last_line),
        cmocka_unit_test(what_must_not_be_cut_is_lost_at_the_narrow_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
