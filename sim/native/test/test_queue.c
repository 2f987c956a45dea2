/* test_queue.c: the event queue beside a naive sorted array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/draw.h"
#include "sim/native/queue.h"
#include "stack/check.h"

void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: broken promise: %s\n", file, line, condition);
    abort();
}

/* ---- the naive model: an array in descending order, the next event last ---- */

#define NAIVE_LIMIT 4096

struct naive {
    struct event at[NAIVE_LIMIT];
    size_t count;
};

static int later(const struct event *a, const struct event *b)
{
    return a->at > b->at || (a->at == b->at && a->order > b->order);
}

static void naive_push(struct naive *n, const struct event *e)
{
    size_t i = n->count;
    for (; i > 0 && later(e, &n->at[i - 1]); i--)
        ;
    memmove(&n->at[i + 1], &n->at[i], (n->count++ - i) * sizeof *e);
    n->at[i] = *e;
}

static bool naive_pop(struct naive *n, mist_time until, struct event *e)
{
    if (n->count == 0 || n->at[n->count - 1].at >= until)
        return false;
    *e = n->at[--n->count];
    return true;
}

static void naive_remove(struct naive *n, size_t i)
{
    memmove(&n->at[i], &n->at[i + 1], (--n->count - i) * sizeof *n->at);
}

/* ---- random operations on both ---- */

struct both {
    struct queue *queue;
    struct naive naive;
    uint64_t seed, step;
    mist_time now;
    uint64_t popped;
};

static uint64_t pick(struct both *b, uint64_t n)
{
    return draw_below(b->seed, b->step++, (enum draw_purpose)0, 0, n);
}

/* From "at once" to two hours: every level, page borders, many equal times. */
static mist_time some_delay(struct both *b)
{
    static const mist_time scale[] = {1,       US(1),   US(20),  MS(1),       MS(200),
                                      MS(268), MS(300), SEC(30), MINUTES(30), MINUTES(150)};
    mist_time s = scale[pick(b, sizeof scale / sizeof *scale)];
    return s * (mist_time)pick(b, 4) / 2 + (pick(b, 2) ? (mist_time)pick(b, (uint64_t)s) : 0);
}

static void push_both(struct both *b, mist_time at)
{
    struct event e = {.at = at, .order = pick(b, 16) << 40 | b->step, .target = (uint32_t)b->step};
    queue_push(b->queue, &e);
    naive_push(&b->naive, &e);
}

static void pop_both(struct both *b, mist_time until)
{
    struct event e, expected;
    bool found = naive_pop(&b->naive, until, &expected);
    assert_int_equal(queue_pop(b->queue, until, &e), found);
    if (!found)
        return;
    assert_true(e.at == expected.at && e.order == expected.order && e.target == expected.target);
    b->now = e.at;
    b->popped++;
}

static void one_step(struct both *b)
{
    uint64_t what = pick(b, 100);
    if (what < 48 && b->naive.count < NAIVE_LIMIT) {
        push_both(b, b->now + some_delay(b));
    } else if (what < 94) {
        pop_both(b, MIST_NEVER);
    } else if (what < 97 && b->naive.count > 0) {
        size_t i = pick(b, b->naive.count);
        queue_remove(b->queue, b->naive.at[i].at, b->naive.at[i].order);
        naive_remove(&b->naive, i);
    } else {
        mist_time until = b->now + some_delay(b);
        size_t left = b->naive.count;
        pop_both(b, until);
        if (left == b->naive.count && until > b->now)
            b->now = until;
    }
    assert_int_equal(queue_count(b->queue), b->naive.count);
}

static void random_operations(uint64_t seed, uint64_t steps, size_t filled)
{
    static struct both b;
    memset(&b, 0, sizeof b);
    b.seed = seed;
    b.queue = queue_open();
    while (b.naive.count < filled)
        push_both(&b, some_delay(&b));
    for (uint64_t i = 0; i < steps; i++)
        one_step(&b);
    while (b.naive.count > 0)
        pop_both(&b, MIST_NEVER);
    pop_both(&b, MIST_NEVER);
    assert_true(b.popped > steps / 4);
    queue_close(b.queue);
}

static void it_pops_what_a_sorted_array_pops(void **state)
{
    (void)state;
    random_operations(1, 600000, 0);
    random_operations(2, 300000, 500);
    random_operations(3, 200000, 4000);
}

/* A thousand events of one instant, pushed in any order, come out by their order. */
static void equal_times_come_in_their_order(void **state)
{
    (void)state;
    struct queue *q = queue_open();
    for (uint64_t i = 0; i < 1000; i++)
        queue_push(q, &(struct event){.at = SEC(5), .order = i * 7 % 1000});
    for (uint64_t i = 0; i < 1000; i++) {
        struct event e;
        assert_true(queue_pop(q, SEC(6), &e));
        assert_true(e.order == i);
    }
    queue_close(q);
}

/* Every border of slots, pages and levels is a power of two away from time 0. */
static void times_around_powers_of_two_keep_their_order(void **state)
{
    (void)state;
    for (int low = 0; low < 62; low++) {
        for (int high = low + 1; high < 62; high++) {
            struct queue *q = queue_open();
            mist_time near = INT64_C(1) << low, far = INT64_C(1) << high;
            const mist_time sorted[] = {near - 1, near, far, far + 1};
            struct event e;
            for (int i = 3; i >= 0; i--)
                queue_push(q, &(struct event){.at = sorted[i], .order = (uint64_t)i});
            for (uint64_t i = 0; i < 4; i++) {
                assert_true(queue_pop(q, MIST_NEVER, &e));
                assert_true(e.at == sorted[i]);
            }
            queue_close(q);
        }
    }
}

static void pop_takes_nothing_at_or_after_until(void **state)
{
    (void)state;
    struct queue *q = queue_open();
    struct event e;
    queue_push(q, &(struct event){.at = 100});
    assert_false(queue_pop(q, 0, &e));
    assert_false(queue_pop(q, 100, &e));
    assert_true(queue_pop(q, 101, &e));
    assert_true(e.at == 100);
    queue_close(q);
}

/* What a pop in vain has passed over can still be pushed into. */
static void an_event_may_follow_a_pop_in_vain(void **state)
{
    (void)state;
    struct queue *q = queue_open();
    struct event e;
    queue_push(q, &(struct event){.at = MINUTES(100)});
    assert_false(queue_pop(q, MINUTES(90), &e));
    queue_push(q, &(struct event){.at = MINUTES(90)});
    assert_true(queue_pop(q, MIST_NEVER, &e));
    assert_true(e.at == MINUTES(90));
    assert_true(queue_pop(q, MIST_NEVER, &e));
    assert_true(e.at == MINUTES(100));
    queue_close(q);
}

static void the_last_representable_times_are_kept_apart(void **state)
{
    (void)state;
    struct queue *q = queue_open();
    struct event e;
    queue_push(q, &(struct event){.at = MIST_NEVER - 1, .order = 2});
    queue_push(q, &(struct event){.at = MIST_NEVER - 2, .order = 3});
    assert_true(queue_pop(q, MIST_NEVER, &e));
    assert_true(e.order == 3);
    assert_true(queue_pop(q, MIST_NEVER, &e));
    assert_true(e.order == 2);
    assert_false(queue_pop(q, MIST_NEVER, &e));
    queue_close(q);
}

static void ahead_names_the_coming_events_of_the_slot(void **state)
{
    (void)state;
    struct queue *q = queue_open();
    struct event e;
    for (uint64_t i = 0; i < 3; i++)
        queue_push(q, &(struct event){.at = 10, .order = i});
    assert_null(queue_ahead(q, 0));
    assert_true(queue_pop(q, 11, &e));
    assert_true(queue_ahead(q, 0)->order == 1);
    assert_true(queue_ahead(q, 1)->order == 2);
    assert_null(queue_ahead(q, 2));
    queue_close(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_pops_what_a_sorted_array_pops),
        cmocka_unit_test(equal_times_come_in_their_order),
        cmocka_unit_test(times_around_powers_of_two_keep_their_order),
        cmocka_unit_test(pop_takes_nothing_at_or_after_until),
        cmocka_unit_test(an_event_may_follow_a_pop_in_vain),
        cmocka_unit_test(the_last_representable_times_are_kept_apart),
        cmocka_unit_test(ahead_names_the_coming_events_of_the_slot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
