/* test_emit.c: what boxes say themselves comes as far as on the native engine
 * (sim/native/test/test_boxes.c), at times that differ by what links take; and what
 * boxes cut, put together and refuse does so on both engines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/engine_plugin.h"
#include "sim/native/test/toy.h"

static struct toy toy;

static void open_network(uint32_t *cgn, uint32_t *home)
{
    toy_init(&toy);
    toy.populations[0].access.delay = MS(5);
    *cgn = toy_box(&toy, PLAN_NONE, 0x05000001);
    *home = toy_box(&toy, *cgn, 0x64400001);
    toy_private_host(&toy, *home, 0xc0a80002);
    toy_private_host(&toy, *cgn, 0x64400009);
    toy_private_host(&toy, *cgn, 0x6440000a);
}

static void emit(const struct engine_type *type, uint32_t box, struct addr to, uint8_t number)
{
    uint8_t bytes[] = {0, 0, 0, number};
    struct datagram d = {
        .from = toy_at(0xc0000009), .to = to, .ttl = 64, .length = sizeof bytes, .bytes = bytes};
    type->emit(toy.engine, box, INWARD, &d);
}

/* All that arrives, in order of the number and the host. */
static uint32_t play(const struct engine_type *type, struct toy_arrival heard[16])
{
    uint32_t cgn, home, count = 0;
    open_network(&cgn, &home);
    toy.engine = type->open(&toy.plan, &toy.calls, 1);
    emit(type, home, toy_at(0xc0a80002), 1);
    emit(type, cgn, toy_at(0x64400009), 2);
    emit(type, cgn, toy_at(0x64400001), 3);
    emit(type, home, toy_at(0x64400009), 4); /* nobody's inside of the home box */
    emit(type, cgn, toy_at(0xe0000001), 5);
    emit(type, home, toy_at(0xe0000001), 6);
    type->run(toy.engine, SEC(1));
    assert_true(toy.arrivals < 16);
    for (uint32_t number = 1; number <= 6; number++)
        for (uint32_t host = 0; host < 3; host++)
            for (uint32_t i = 0; i < toy.arrivals; i++)
                if (toy.arrival[i].number == number && toy.arrival[i].host == host)
                    heard[count++] = toy.arrival[i];
    type->close(toy.engine);
    return count;
}

static void what_boxes_say_arrives_as_on_the_native_engine(void **state)
{
    struct toy_arrival native[16], ns3[16];
    (void)state;
    uint32_t count = play(&engine_native, native);
    assert_int_equal(play(engine_plugin()->type, ns3), count);
    assert_int_equal(count, 6);
    /* A fast link takes 4 bytes, framed, in 27 ns; at most two are on the way. */
    const mist_time links = 2 * (4 + 28 + 2) * 8 * SEC(1) / INT64_C(10000000000);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(ns3[i].number, native[i].number);
        assert_int_equal(ns3[i].host, native[i].host);
        assert_in_range(ns3[i].at, native[i].at + 1, native[i].at + links);
        assert_int_equal(ns3[i].length, native[i].length);
        assert_int_equal(ns3[i].ttl, native[i].ttl);
        assert_true(addr_equal(&ns3[i].from, &native[i].from));
        assert_true(addr_equal(&ns3[i].to, &native[i].to));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_boxes_say_arrives_as_on_the_native_engine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
