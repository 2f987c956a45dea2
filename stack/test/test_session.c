/* test_session.c: counters, the replay window beside a naive model, and keys that
 * follow one another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "stack/check.h"
#include "stack/rng.h"
#include "stack/session.h"

#define LENGTH 5

void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: broken promise: %s\n", file, line, condition);
    abort();
}

static const uint8_t key_there[SEAL_KEY] = {1}, key_back[SEAL_KEY] = {2};

struct pair {
    struct session a, b;
};

static struct pair begin(mist_time now)
{
    struct pair p;
    session_begin(&p.a, now, key_there, key_back);
    session_begin(&p.b, now, key_back, key_there);
    return p;
}

struct sealed {
    uint64_t counter;
    uint8_t bytes[LENGTH + SEAL_TAG];
};

static struct sealed seal(struct session *s, mist_time now)
{
    struct sealed d;
    d.counter = session_next(s, &seal_real, now);
    session_lock(s, &seal_real, d.counter, d.bytes, "head", 4, (const uint8_t *)"hello", LENGTH);
    return d;
}

static enum session_verdict take(struct session *s, const struct sealed *d)
{
    uint8_t plain[LENGTH + SEAL_TAG];
    uint64_t counter;
    enum session_verdict v = session_open(s, &seal_real, (uint32_t)d->counter, plain, "head", 4,
                                          d->bytes, sizeof d->bytes, &counter);
    if (v == SESSION_FINE) {
        assert_memory_equal(plain, "hello", LENGTH);
        assert_true(counter == d->counter);
    }
    return v;
}

static void both_directions_have_keys_of_their_own(void **state)
{
    (void)state;
    struct pair p = begin(0);
    struct sealed there = seal(&p.a, 0), back = seal(&p.b, 0);
    assert_memory_not_equal(there.bytes, back.bytes, sizeof there.bytes);
    assert_int_equal(take(&p.a, &there), SESSION_FORGED); /* reflected */
    assert_int_equal(take(&p.b, &there), SESSION_FINE);
    assert_int_equal(take(&p.a, &back), SESSION_FINE);
}

/* Whatever comes when: taken once, unless it is older than the window. */
static void the_window_does_what_a_list_of_all_counters_does(void **state)
{
    enum { SENT = 12000 };
    static struct sealed sent[SENT];
    static bool taken[SENT];
    struct rng dice;
    (void)state;
    rng_init(&dice, (const uint8_t[32]){1});
    struct pair p = begin(0);
    for (int i = 0; i < SENT; i++)
        sent[i] = seal(&p.a, 0);
    uint32_t front = 0, highest = 0, fine = 0, replayed = 0;
    for (int i = 0; i < 60000 && front < SENT - 3000; i++) {
        uint32_t back = rng_below(&dice, i % 3 == 0 ? 3000 : 40), step = rng_below(&dice, 4);
        if (i % 997 == 0)
            step = rng_below(&dice, 2500);
        front += step / 2;
        uint32_t at = front > back ? front - back : front;
        bool old = highest > 0 && at + SESSION_WINDOW < highest;
        enum session_verdict want = taken[at] || old ? SESSION_REPLAYED : SESSION_FINE;
        assert_int_equal(take(&p.b, &sent[at]), want);
        fine += want == SESSION_FINE;
        replayed += want == SESSION_REPLAYED;
        taken[at] = true;
        highest = at + 1 > highest ? at + 1 : highest;
    }
    assert_true(fine > 1000 && replayed > 1000);
}

static void a_forged_datagram_moves_no_window(void **state)
{
    (void)state;
    struct pair p = begin(0);
    struct sealed first = seal(&p.a, 0), far = first;
    for (far.counter = 1; far.counter < UINT64_C(1) << 32; far.counter *= 3) {
        struct session before = p.b;
        assert_int_equal(take(&p.b, &far), SESSION_FORGED);
        assert_memory_equal(&p.b, &before, sizeof before);
    }
    assert_int_equal(take(&p.b, &first), SESSION_FINE);
    assert_int_equal(take(&p.b, &first), SESSION_REPLAYED);
}

/* ---- rekey ---- */

static void a_key_serves_for_two_minutes(void **state)
{
    (void)state;
    struct pair p = begin(SEC(7));
    struct sealed d = seal(&p.a, SEC(7));
    assert_int_equal(take(&p.b, &d), SESSION_FINE);
    d = seal(&p.a, SEC(7) + SESSION_LIFE - 1);
    assert_int_equal(d.counter, 1);
    assert_int_equal(take(&p.b, &d), SESSION_FINE);
    assert_memory_equal(p.b.rx_key, key_there, SEAL_KEY);
    d = seal(&p.a, SEC(7) + SESSION_LIFE);
    assert_int_equal(d.counter, SESSION_EPOCH);
    assert_int_equal(take(&p.b, &d), SESSION_FINE);
    uint8_t next[SEAL_KEY];
    memcpy(next, key_there, SEAL_KEY);
    seal_real.rekey(next);
    assert_memory_equal(p.b.rx_key, next, SEAL_KEY);
    assert_memory_equal(p.a.tx_key, next, SEAL_KEY);
    d = seal(&p.a, SEC(7) + 2 * SESSION_LIFE);
    assert_int_equal(d.counter, 2 * SESSION_EPOCH);
    assert_int_equal(take(&p.b, &d), SESSION_FINE);
    /* The first key is gone from both ends: what was recorded under it stays closed. */
    assert_memory_not_equal(p.b.rx_former, key_there, SEAL_KEY);
}

static void a_key_serves_for_65536_datagrams(void **state)
{
    (void)state;
    struct pair p = begin(0);
    struct sealed d = {0};
    for (uint32_t i = 0; i <= SESSION_EPOCH; i++) {
        d = seal(&p.a, 0);
        assert_int_equal(d.counter, i);
        if (i % 500 == 0 || i + 2 >= SESSION_EPOCH)
            assert_int_equal(take(&p.b, &d), SESSION_FINE);
    }
    assert_memory_not_equal(p.a.tx_key, key_there, SEAL_KEY);
    assert_memory_equal(p.a.tx_key, p.b.rx_key, SEAL_KEY);
}

/* A datagram of the old key arrives after the first of the new one, within the window. */
static void a_datagram_may_be_overtaken_by_a_rekey(void **state)
{
    (void)state;
    struct pair p = begin(0);
    struct sealed slow = {0}, last = {0};
    for (uint32_t i = 0; i < SESSION_EPOCH; i++) {
        slow = last;
        last = seal(&p.a, 0);
    }
    struct sealed first = seal(&p.a, 0);
    assert_int_equal(take(&p.b, &first), SESSION_FINE);
    assert_int_equal(take(&p.b, &last), SESSION_FINE);
    assert_int_equal(take(&p.b, &slow), SESSION_FINE);
    assert_int_equal(take(&p.b, &slow), SESSION_REPLAYED);
}

static void epochs_may_be_lost_whole_but_not_many(void **state)
{
    (void)state;
    struct pair p = begin(0);
    struct sealed d = seal(&p.a, 0);
    mist_time now = 0;
    assert_int_equal(take(&p.b, &d), SESSION_FINE);
    for (int i = 0; i < SESSION_AHEAD; i++)
        d = seal(&p.a, now += SESSION_LIFE);
    assert_int_equal(take(&p.b, &d), SESSION_FINE);
    for (int i = 0; i <= SESSION_AHEAD; i++)
        d = seal(&p.a, now += SESSION_LIFE);
    assert_int_equal(take(&p.b, &d), SESSION_FORGED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_directions_have_keys_of_their_own),
        cmocka_unit_test(the_window_does_what_a_list_of_all_counters_does),
        cmocka_unit_test(a_forged_datagram_moves_no_window),
        cmocka_unit_test(a_key_serves_for_two_minutes),
        cmocka_unit_test(a_key_serves_for_65536_datagrams),
        cmocka_unit_test(a_datagram_may_be_overtaken_by_a_rekey),
        cmocka_unit_test(epochs_may_be_lost_whole_but_not_many),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
