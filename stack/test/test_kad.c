/* test_kad.c: the table of contacts against a naive model, and what it answers. */
#include "stack/test/kad_bench.h"
#include "stack/test/naive_kad.h"

static void compare(struct bench *b, const struct naive *n)
{
    struct contact want[64], got[64];
    struct contact target = contact_in(b, rng_below(&b->dice, 60));
    const uint8_t *key = rng_below(&b->dice, 8) == 0 ? b->self : target.id;
    uint32_t limit = 1 + rng_below(&b->dice, 64);
    uint32_t count = naive_closest(n, key, want, limit);
    assert_int_equal(kad_count(b->kad), naive_count(n, -1, true));
    assert_int_equal(kad_closest(b->kad, key, got, limit), count);
    for (uint32_t i = 0; i < count; i++) {
        assert_memory_equal(got[i].id, want[i].id, WIRE_ID);
        assert_true(addr_equal(&got[i].addr, &want[i].addr));
    }
}

/* 200 tables, 1,000 steps each; ids crowd into buckets that differ by table. */
static void the_table_is_what_a_flat_list_would_be(void **state)
{
    static struct bench b;
    static struct naive n;
    static struct contact pool[400];
    (void)state;
    for (uint32_t table = 0; table < 200; table++) {
        uint32_t limit = table % 4 == 0 ? 30 : table % 4 == 1 ? 100 : 512;
        bench_open_with(&b, limit);
        b.dice.key[1] = (uint8_t)table;
        n.count = 0;
        n.limit = limit;
        memcpy(n.self, b.self, WIRE_ID);
        for (uint32_t i = 0; i < 400; i++)
            pool[i] = contact_in(&b, rng_below(&b.dice, 1 + table % 60));
        memcpy(pool[0].id, b.self, WIRE_ID);
        for (uint32_t step = 0; step < 1000; step++) {
            struct contact *c = &pool[rng_below(&b.dice, 400)];
            b.now += 1 + rng_below(&b.dice, 1000);
            if (rng_below(&b.dice, 10) == 0)
                c->addr.port++;
            if (rng_below(&b.dice, 10) < 6) {
                naive_seen(&n, b.now, c);
                kad_seen(b.kad, b.now, c, 0, b.out);
            } else {
                naive_failed(&n, c->id);
                kad_failed(b.kad, b.now, c->id, b.out);
            }
            forget(&b);
            if (step % 10 == 0)
                compare(&b, &n);
        }
        bench_close(&b);
    }
}

static void a_full_bucket_keeps_its_old_contacts(void **state)
{
    static struct bench b;
    struct contact old[KAD_K], got[KAD_K + 1], late;
    (void)state;
    bench_open(&b);
    for (int i = 0; i < KAD_K; i++) {
        old[i] = contact_in(&b, 3);
        see(&b, &old[i]);
    }
    for (int i = 0; i < 100; i++) {
        late = contact_in(&b, 3);
        see(&b, &late);
    }
    assert_int_equal(kad_count(b.kad), KAD_K);
    for (int i = 0; i < KAD_K; i++) {
        assert_int_equal(kad_closest(b.kad, old[i].id, got, 1), 1);
        assert_memory_equal(got[0].id, old[i].id, WIRE_ID);
    }
    bench_close(&b);
}

static void two_failures_in_a_row_let_the_newest_replacement_in(void **state)
{
    static struct bench b;
    struct contact first = {0}, spare = {0}, got;
    (void)state;
    bench_open(&b);
    for (int i = 0; i < KAD_K; i++) {
        struct contact c = contact_in(&b, 3);
        first = i == 0 ? c : first;
        see(&b, &c);
    }
    for (int i = 0; i < 10; i++) {
        b.now += SEC(1);
        spare = contact_in(&b, 3);
        see(&b, &spare);
    }
    kad_failed(b.kad, b.now, first.id, b.out);
    see(&b, &first); /* it answered: the count starts again */
    kad_failed(b.kad, b.now, first.id, b.out);
    kad_closest(b.kad, first.id, &got, 1);
    assert_memory_equal(got.id, first.id, WIRE_ID);
    kad_failed(b.kad, b.now, first.id, b.out);
    kad_closest(b.kad, first.id, &got, 1);
    assert_memory_not_equal(got.id, first.id, WIRE_ID);
    kad_closest(b.kad, spare.id, &got, 1);
    assert_memory_equal(got.id, spare.id, WIRE_ID);
    assert_int_equal(kad_count(b.kad), KAD_K);
    drain(&b);
    assert_int_equal(b.facts[FACT_CONTACT_DROPPED], 1);
    bench_close(&b);
}

static void the_newest_address_of_an_id_wins(void **state)
{
    static struct bench b;
    (void)state;
    bench_open(&b);
    struct contact c = random_contact(&b), got;
    see(&b, &c);
    c.addr = addr_v4(0x09090909, 9);
    see(&b, &c);
    assert_int_equal(kad_count(b.kad), 1);
    assert_int_equal(kad_closest(b.kad, c.id, &got, 1), 1);
    assert_true(addr_equal(&got.addr, &c.addr));
    bench_close(&b);
}

/* Bucket 0 holds 20 and 4 replacements; 6 more places are left for neighbours,
 * and 4 more where they displace the replacements. */
static void a_full_table_prefers_live_contacts_to_replacements(void **state)
{
    static struct bench b;
    (void)state;
    bench_open_with(&b, 30);
    for (int i = 0; i < 30; i++) {
        struct contact c = contact_in(&b, 0);
        see(&b, &c);
    }
    assert_int_equal(kad_count(b.kad), 20);
    for (int i = 0; i < 15; i++) {
        struct contact c = contact_in(&b, 9);
        see(&b, &c);
    }
    assert_int_equal(kad_count(b.kad), 30);
    assert_int_equal(b.facts[FACT_TABLE_FULL], 5);
    bench_close(&b);
}

static void the_memory_is_told_whole(void **state)
{
    static struct bench b;
    struct mist_memory table[8];
    struct kad_config config = {512, LOOKUPS};
    size_t sum = 0;
    (void)state;
    bench_open(&b);
    uint32_t n = kad_memory(b.kad, table, 8);
    for (uint32_t i = 0; i < n; i++)
        sum += table[i].entry_bytes * table[i].limit;
    assert_int_equal(sum, kad_size(&config));
    bench_close(&b);
}

static void an_answer_holds_the_twenty_closest(void **state)
{
    static struct bench b;
    struct contact want[KAD_K], got;
    (void)state;
    bench_open(&b);
    for (int i = 0; i < 200; i++) {
        struct contact c = random_contact(&b);
        see(&b, &c);
    }
    struct contact target = random_contact(&b);
    struct msg m = {.type = MSG_FIND, .request = 99, .key = target.id};
    kad_find(b.kad, b.now, 3, &m, b.out);
    const struct effect *e = nth_effect(&b, EFFECT_SEND, 0);
    assert_int_equal(e->link, 3);
    struct reader r = {e->bytes, e->bytes + e->length, false};
    assert_int_equal(wire_take(&r, &m), 1);
    assert_int_equal(m.request, 99);
    assert_int_equal(m.count, KAD_K);
    kad_closest(b.kad, target.id, want, KAD_K);
    for (uint32_t i = 0; i < KAD_K; i++) {
        wire_contact(&m, i, &got);
        assert_memory_equal(got.id, want[i].id, WIRE_ID);
    }
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_what_a_flat_list_would_be),
        cmocka_unit_test(a_full_bucket_keeps_its_old_contacts),
        cmocka_unit_test(two_failures_in_a_row_let_the_newest_replacement_in),
        cmocka_unit_test(the_newest_address_of_an_id_wins),
        cmocka_unit_test(a_full_table_prefers_live_contacts_to_replacements),
        cmocka_unit_test(the_memory_is_told_whole),
        cmocka_unit_test(an_answer_holds_the_twenty_closest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
