/* test_timers.c: the heap of timers against a plain array of times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stack/check.h"
#include "stack/rng.h"
#include "stack/timers.h"

#define LIMIT 300
#define STEPS 1000000

void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: broken promise: %s\n", file, line, condition);
    abort();
}

/* ---- the naive model: at[id], scanned ---- */

static mist_time at[LIMIT];

static uint32_t earliest(void)
{
    uint32_t best = 0;
    for (uint32_t id = 1; id < LIMIT; id++) {
        if (at[id] < at[best])
            best = id;
    }
    return best;
}

static void open_timers(struct timers *t, void **memory, uint32_t limit)
{
    *memory = calloc(1, timers_size(limit));
    timers_init(t, *memory, limit);
}

/* Times crowd, so that equal ones are common. */
static void a_million_steps_are_what_a_plain_array_does(void **state)
{
    struct timers t;
    struct rng dice;
    void *memory;
    mist_time now = -500;
    (void)state;
    open_timers(&t, &memory, LIMIT);
    rng_init(&dice, (const uint8_t[32]){1});
    for (uint32_t id = 0; id < LIMIT; id++)
        at[id] = MIST_NEVER;
    for (uint32_t step = 0; step < STEPS; step++) {
        uint32_t id = rng_below(&dice, LIMIT), what = rng_below(&dice, 10), got, want = 0;
        if (what < 6) {
            at[id] = now + (mist_time)rng_below(&dice, 100) - 10;
            timers_set(&t, id, at[id]);
        } else if (what == 6) {
            at[id] = MIST_NEVER;
            timers_set(&t, id, MIST_NEVER);
        } else {
            want = earliest();
            now += rng_below(&dice, 3);
            bool due = at[want] <= now;
            assert_int_equal(timers_take(&t, now, &got), due);
            if (due) {
                assert_int_equal(got, want);
                at[want] = MIST_NEVER;
            }
        }
        if (step % 16 == 0)
            assert_true(timers_next(&t) == at[earliest()]);
    }
    free(memory);
}

static void equal_times_come_in_the_order_of_their_numbers(void **state)
{
    struct timers t;
    void *memory;
    uint32_t id;
    (void)state;
    open_timers(&t, &memory, 50);
    for (uint32_t i = 0; i < 50; i++)
        timers_set(&t, i * 37 % 50, 7);
    for (uint32_t i = 0; i < 50; i++) {
        assert_int_equal(timers_take(&t, 7, &id), 1);
        assert_int_equal(id, i);
    }
    assert_int_equal(timers_take(&t, 7, &id), 0);
    free(memory);
}

static void a_timer_is_due_at_its_time_and_not_before(void **state)
{
    struct timers t;
    void *memory;
    uint32_t id = 99;
    (void)state;
    open_timers(&t, &memory, 4);
    assert_true(timers_next(&t) == MIST_NEVER);
    timers_set(&t, 3, SEC(1));
    assert_true(timers_next(&t) == SEC(1));
    assert_int_equal(timers_take(&t, SEC(1) - 1, &id), 0);
    assert_int_equal(id, 99);
    assert_int_equal(timers_take(&t, SEC(1), &id), 1);
    assert_int_equal(id, 3);
    assert_true(timers_next(&t) == MIST_NEVER);
    free(memory);
}

static void setting_again_moves_and_never_doubles(void **state)
{
    struct timers t;
    void *memory;
    uint32_t id;
    (void)state;
    open_timers(&t, &memory, 4);
    timers_set(&t, 0, SEC(5));
    timers_set(&t, 0, SEC(9));
    timers_set(&t, 0, SEC(2));
    timers_set(&t, 1, MIST_NEVER); /* off already */
    assert_int_equal(timers_take(&t, SEC(100), &id), 1);
    assert_int_equal(timers_take(&t, SEC(100), &id), 0);
    free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_million_steps_are_what_a_plain_array_does),
        cmocka_unit_test(equal_times_come_in_the_order_of_their_numbers),
        cmocka_unit_test(a_timer_is_due_at_its_time_and_not_before),
        cmocka_unit_test(setting_again_moves_and_never_doubles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
