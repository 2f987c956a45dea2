/* test_alarm.c: one alarm per host: the last setting counts, exactly once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/draw.h"
#include "sim/native/test/toy.h"

static struct toy toy;

static void open_hosts(uint32_t hosts)
{
    toy_init(&toy);
    while (toy.plan.host_count < hosts)
        toy_public_host(&toy);
    toy_open(&toy, 1);
}

static void run_until(mist_time until)
{
    engine_native.run(toy.engine, until);
}

static void set_alarm(uint32_t host, mist_time at)
{
    engine_native.alarm(toy.engine, host, at);
}

static uint64_t pending(void)
{
    struct engine_figures figures;
    engine_native.figures(toy.engine, &figures);
    return figures.pending;
}

/* The settings of host 0 at time 0, and when due is called before 10 s. */
static void the_last_setting_counts(void **state)
{
    (void)state;
    static const struct {
        mist_time set[4];
        int settings;
        mist_time due; /* MIST_NEVER: not at all */
    } cases[] = {
        {{SEC(2)}, 1, SEC(2)},
        {{SEC(2), SEC(3)}, 2, SEC(3)},
        {{SEC(3), SEC(2)}, 2, SEC(2)},
        {{SEC(3), SEC(2), SEC(4)}, 3, SEC(4)},
        {{SEC(3), SEC(1), SEC(2)}, 3, SEC(2)},
        {{SEC(3), SEC(3)}, 2, SEC(3)},
        {{SEC(3), MIST_NEVER}, 2, MIST_NEVER},
        {{SEC(3), MIST_NEVER, SEC(5)}, 3, SEC(5)},
        {{SEC(3), MIST_NEVER, SEC(1)}, 3, SEC(1)},
        {{0}, 1, 0},
        {{MIST_NEVER}, 1, MIST_NEVER},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        open_hosts(1);
        for (int k = 0; k < cases[i].settings; k++)
            set_alarm(0, cases[i].set[k]);
        run_until(SEC(10));
        assert_int_equal(toy.dues, cases[i].due == MIST_NEVER ? 0 : 1);
        if (toy.dues > 0)
            assert_int_equal(toy.due_at[0], cases[i].due);
        assert_int_equal(pending(), 0);
        toy_close(&toy);
    }
}

static void an_alarm_in_the_past_is_due_now(void **state)
{
    (void)state;
    open_hosts(1);
    run_until(SEC(5));
    set_alarm(0, SEC(1));
    run_until(SEC(6));
    assert_int_equal(toy.dues, 1);
    assert_int_equal(toy.due_at[0], SEC(5));
    toy_close(&toy);
}

static void an_alarm_at_until_waits_for_the_next_run(void **state)
{
    (void)state;
    open_hosts(1);
    set_alarm(0, SEC(5));
    run_until(SEC(5));
    assert_int_equal(toy.dues, 0);
    run_until(SEC(5) + 1);
    assert_int_equal(toy.dues, 1);
    toy_close(&toy);
}

/* At one time: host 0's datagram, host 0's alarm, host 1's alarm. */
static void an_alarm_stands_behind_its_hosts_datagrams(void **state)
{
    (void)state;
    open_hosts(2);
    set_alarm(1, MS(20));
    set_alarm(0, MS(20));
    toy_send(&toy, 0, toy_at(0x08000001), 0, 4);
    run_until(SEC(1));
    assert_int_equal(toy.arrivals, 1);
    assert_int_equal(toy.dues, 2);
    assert_int_equal(toy.due_host[0], 0);
    assert_int_equal(toy.due_host[1], 1);
    assert_int_equal(toy.dues_before_arrival, 0);
    toy_close(&toy);
}

/* 20 hosts, 50,000 random settings, beside an array that holds each host's alarm. */
static void random_settings_are_due_as_the_last_ones_say(void **state)
{
    (void)state;
    static const mist_time scale[] = {US(50), MS(5), MS(400), SEC(30), MINUTES(80)};
    mist_time alarm[20];
    uint32_t due = 0;
    open_hosts(20);
    for (int i = 0; i < 20; i++)
        alarm[i] = MIST_NEVER;
    for (uint64_t step = 0; step < 50000; step++) {
        mist_time now = engine_native.now(toy.engine);
        struct draw_block draw = draw_block(7, step, (enum draw_purpose)0, 0);
        uint32_t host = (uint32_t)draw_scale(draw.word[0], 20);
        mist_time at = now + (mist_time)draw_scale(draw.word[1], (uint64_t)scale[step % 5]);
        if (draw.word[0] % 16 == 0)
            at = MIST_NEVER;
        set_alarm(host, at);
        alarm[host] = at;
        assert_true(pending() <= 20 * 4);
        toy.dues = 0;
        mist_time until = now + (mist_time)(draw.word[1] % (uint64_t)MS(1)), next = until;
        run_until(until);
        for (uint32_t k = 0; k < toy.dues; k++, due++) {
            next = MIST_NEVER;
            for (int i = 0; i < 20; i++)
                next = alarm[i] < next ? alarm[i] : next;
            assert_int_equal(toy.due_at[k], next);
            assert_int_equal(alarm[toy.due_host[k]], next);
            alarm[toy.due_host[k]] = MIST_NEVER;
        }
        for (int i = 0; i < 20; i++)
            assert_true(alarm[i] >= until);
    }
    assert_true(due > 5000);
    toy_close(&toy);
}

/* Ever earlier alarms are the worst case: each wants an event of its own. */
static void ever_earlier_alarms_do_not_pile_up(void **state)
{
    (void)state;
    open_hosts(1);
    for (mist_time at = SEC(3600); at > SEC(1); at -= MS(100))
        set_alarm(0, at);
    assert_true(pending() <= 4);
    run_until(SEC(7200));
    assert_int_equal(toy.dues, 1);
    assert_true(toy.due_at[0] > SEC(1) && toy.due_at[0] <= SEC(1) + MS(100));
    toy_close(&toy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_setting_counts),
        cmocka_unit_test(an_alarm_in_the_past_is_due_now),
        cmocka_unit_test(an_alarm_at_until_waits_for_the_next_run),
        cmocka_unit_test(an_alarm_stands_behind_its_hosts_datagrams),
        cmocka_unit_test(random_settings_are_due_as_the_last_ones_say),
        cmocka_unit_test(ever_earlier_alarms_do_not_pile_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
