/* test_kad_hostile.c: what liars and crowds can do to the table and to lookups of one
 * node among hand-driven peers. */
#include "stack/test/kad_bench.h"

#define PEER 7 /* owner of the lookups */

static void start(struct bench *b, const uint8_t *target)
{
    assert_int_equal(kad_lookup(b->kad, b->now, target, PEER, NULL, 0, b->out), 0);
    drain(b);
}

/* ---- what they say ---- */

static void hostile_hearsay_is_not_followed(void **state)
{
    static struct bench b;
    static const char *const places[] = {
        "0.0.0.0:9",    "127.0.0.1:9",   "10.0.0.1:9",  "192.168.1.1:53",    "169.254.0.1:9",
        "100.64.0.1:9", "224.0.0.251:9", "[::]:9",      "[::1]:9",           "[ff02::fb]:5353",
        "[fe80::1]:9",  "8.8.8.8:0",     "[fd00::1]:9", "255.255.255.255:9",
    };
    struct contact list[KAD_K], good;
    (void)state;
    bench_open(&b);
    struct contact known = random_contact(&b);
    see(&b, &known);
    good = contact_in(&b, 12);
    uint32_t n = 0;
    for (; n < sizeof places / sizeof *places; n++) {
        list[n] = contact_in(&b, 30);
        assert_int_equal(addr_parse(&list[n].addr, places[n]), 0);
    }
    list[n] = random_contact(&b);
    list[n++].addr = (struct addr){0};
    list[n] = random_contact(&b);
    memset(list[n++].id, 0, WIRE_ID);
    list[n] = random_contact(&b);
    memcpy(list[n++].id, b.self, WIRE_ID);
    list[n++] = known;
    list[n++] = good;
    list[n++] = good;
    assert_int_equal(n, KAD_K);
    start(&b, b.self);
    kad_link_up(b.kad, b.now, known.id, 1, b.out);
    answer(&b, &known, 1, request_of(nth_effect(&b, EFFECT_SEND, 0)), list, n);
    assert_int_equal(count_effects(&b, EFFECT_REACH), 2);
    assert_memory_equal(nth_effect(&b, EFFECT_REACH, 1)->contact.id, good.id, WIRE_ID);
    assert_int_equal(kad_count(b.kad), 1);
    bench_close(&b);
}

static void a_private_network_may_speak_of_itself(void **state)
{
    static struct bench b;
    (void)state;
    bench_open(&b);
    struct contact known = random_contact(&b), peer = random_contact(&b);
    assert_int_equal(addr_parse(&known.addr, "192.168.1.1:7"), 0);
    assert_int_equal(addr_parse(&peer.addr, "192.168.1.2:7"), 0);
    see(&b, &known);
    start(&b, b.self);
    kad_link_up(b.kad, b.now, known.id, 1, b.out);
    answer(&b, &known, 1, request_of(nth_effect(&b, EFFECT_SEND, 0)), &peer, 1);
    assert_int_equal(count_effects(&b, EFFECT_REACH), 2);
    bench_close(&b);
}

/* Each answer names twenty nearer ones, who exist and do the same: the lookup
 * ends all the same, after 126 questions: p90 of full walks of IPFS in 2021. */
static void endless_hearsay_ends(void **state)
{
    static struct bench b;
    (void)state;
    bench_open(&b);
    struct contact known = contact_in(&b, 0);
    see(&b, &known);
    start(&b, b.self);
    mist_time began = b.now;
    uint32_t served = 0, bits = 1, questions = 0;
    while (count_effects(&b, EFFECT_LOOKUP_DONE) == 0) {
        uint32_t reached = count_effects(&b, EFFECT_REACH);
        for (; served < reached && count_effects(&b, EFFECT_LOOKUP_DONE) == 0; served++) {
            struct contact list[KAD_K], c = nth_effect(&b, EFFECT_REACH, served)->contact;
            kad_link_up(b.kad, b.now, c.id, served + 1, b.out);
            const struct effect *find = nth_effect(&b, EFFECT_SEND, questions);
            if (find == NULL)
                continue;
            questions++;
            uint32_t request = request_of(find);
            for (int i = 0; i < KAD_K; i++)
                list[i] = contact_in(&b, bits);
            bits += bits < 250;
            pass(&b, MS(100));
            if (count_effects(&b, EFFECT_LOOKUP_DONE) == 0)
                answer(&b, &c, served + 1, request, list, KAD_K);
        }
        if (served == reached)
            pass(&b, MS(100));
    }
    assert_true(b.now - began <= SEC(10) + MS(100));
    assert_true(questions > 0 && count_effects(&b, EFFECT_REACH) <= 126);
    bench_close(&b);
}

/* ---- who they are ---- */

struct told {
    struct contact teller;
    const struct contact *list;
    uint32_t count;
};

/* Everybody who is asked answers at once: the tellers what they tell, the others nothing. */
static void let_all_answer(struct bench *b, const struct told *told, uint32_t tellers)
{
    uint32_t served = 0, questions = 0;
    for (const struct effect *e; (e = nth_effect(b, EFFECT_REACH, served)) != NULL; served++) {
        const struct contact c = e->contact;
        const struct told *t = NULL;
        kad_link_up(b->kad, b->now, c.id, served + 1, b->out);
        const struct effect *find = nth_effect(b, EFFECT_SEND, questions);
        if (find == NULL)
            continue; /* others have taken its place meanwhile */
        questions++;
        uint32_t request = request_of(find);
        for (uint32_t i = 0; i < tellers; i++)
            t = memcmp(told[i].teller.id, c.id, WIRE_ID) == 0 ? &told[i] : t;
        answer(b, &c, served + 1, request, t == NULL ? NULL : t->list, t == NULL ? 0 : t->count);
    }
}

static uint32_t found_of(struct bench *b, const struct contact *list, uint32_t count)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < count_effects(b, EFFECT_FOUND); i++) {
        for (uint32_t j = 0; j < count; j++)
            n += memcmp(nth_effect(b, EFFECT_FOUND, i)->contact.id, list[j].id, WIRE_ID) == 0;
    }
    return n;
}

/* `bits` shared with this node; each in a network of its own, or all in one /24. */
static void draw_crowd(struct bench *b, struct contact *list, uint32_t count, uint32_t bits,
                       uint32_t first, uint32_t step)
{
    for (uint32_t i = 0; i < count; i++) {
        list[i] = contact_in(b, bits);
        list[i].addr = addr_v4(first + i * step, 4000);
    }
}

static void one_network_is_not_all_that_a_lookup_finds(void **state)
{
    static struct bench b;
    struct contact crowd[KAD_K], others[KAD_K];
    (void)state;
    bench_open(&b);
    struct told told[] = {{contact_in(&b, 0), crowd, KAD_K}, {contact_in(&b, 0), others, KAD_K}};
    draw_crowd(&b, crowd, KAD_K, 20, 0x52000001, 1);
    draw_crowd(&b, others, KAD_K, 10, 0x53000001, 1 << 16);
    see(&b, &told[0].teller);
    see(&b, &told[1].teller);
    start(&b, b.self);
    let_all_answer(&b, told, 2);
    assert_int_equal(count_effects(&b, EFFECT_LOOKUP_DONE), 1);
    /* two of a /24, and the nearest three of the path that tells of them */
    assert_in_range(found_of(&b, crowd, KAD_K), 2, 3);
    assert_in_range(found_of(&b, others, KAD_K), KAD_K - 3, KAD_K);
    bench_close(&b);
}

static void where_there_is_one_network_it_is_found_whole(void **state)
{
    static struct bench b;
    struct contact crowd[KAD_K];
    (void)state;
    bench_open(&b);
    struct told told = {contact_in(&b, 0), crowd, KAD_K};
    draw_crowd(&b, crowd, KAD_K, 20, 0x52000001, 1);
    see(&b, &told.teller);
    start(&b, b.self);
    let_all_answer(&b, &told, 1);
    assert_int_equal(found_of(&b, crowd, KAD_K), KAD_K);
    bench_close(&b);
}

/* A crowd with ids nearer than anybody's, more than the list holds; each tells of the
 * next twenty of it.  Late, by who is told of on the other path alone, come the honest. */
static uint32_t found_besides(struct bench *b, uint32_t step)
{
    static struct contact crowd[4 * KAD_K], honest[KAD_K];
    static struct told told[3 * KAD_K + 3];
    bench_open(b);
    draw_crowd(b, crowd, 4 * KAD_K, 30, 0x52000001, step);
    draw_crowd(b, honest, KAD_K, 10, 0x08000001, 1 << 16);
    struct contact known[2] = {contact_in(b, 0), contact_in(b, 0)}, late = contact_in(b, 5);
    see(b, &known[0]);
    see(b, &known[1]);
    kad_closest(b->kad, b->self, known, 2); /* the nearer one stands on the first path */
    told[0] = (struct told){known[0], crowd, KAD_K};
    told[1] = (struct told){known[1], &late, 1};
    told[2] = (struct told){late, honest, KAD_K};
    for (uint32_t i = 0; i < 3 * KAD_K; i++)
        told[3 + i] = (struct told){crowd[i], crowd + (i / KAD_K + 1) * KAD_K, KAD_K};
    start(b, b->self);
    let_all_answer(b, told, 3 + 3 * KAD_K);
    assert_int_equal(count_effects(b, EFFECT_LOOKUP_DONE), 1);
    uint32_t found = found_of(b, honest, KAD_K);
    bench_close(b);
    return found;
}

static void who_stands_on_one_path_cannot_hide_the_others(void **state)
{
    static struct bench b;
    (void)state;
    assert_int_equal(found_besides(&b, 1 << 16), 3);
}

/* All of the crowd stand in one /16: four of them count. */
static void a_crowd_of_one_network_makes_room_on_the_list(void **state)
{
    static struct bench b;
    (void)state;
    assert_in_range(found_besides(&b, 256), KAD_K - 4, KAD_K);
}

static uint32_t stored_of(struct bench *b, uint32_t first, uint32_t mask)
{
    struct contact all[100];
    uint32_t n = kad_closest(b->kad, b->self, all, 100), count = 0;
    for (uint32_t i = 0; i < n; i++)
        count += (addr_ip4(&all[i].addr) & mask) == first;
    return count;
}

/* Two of a /24 and four of a /16 are a network's share of a bucket that others want. */
static void one_network_does_not_keep_a_bucket(void **state)
{
    static struct bench b;
    struct contact crowd[KAD_K], others[KAD_K], more[KAD_K];
    (void)state;
    bench_open(&b);
    draw_crowd(&b, crowd, KAD_K, 0, 0x52000001, 1);
    draw_crowd(&b, others, KAD_K, 0, 0x53000001, 1 << 16);
    draw_crowd(&b, more, KAD_K, 0, 0x53000101, 256);
    for (uint32_t i = 0; i < KAD_K; i++)
        see(&b, &crowd[i]);
    assert_int_equal(stored_of(&b, 0x52000000, 0xffffff00), KAD_K);
    for (uint32_t i = 0; i < KAD_K; i++) {
        see(&b, &others[i]);
        b.now++;
    }
    assert_int_equal(stored_of(&b, 0x52000000, 0xffffff00), 2);
    assert_int_equal(kad_count(b.kad), KAD_K);
    for (uint32_t i = 0; i < KAD_K; i++) /* one of this /16 is there already */
        see(&b, &more[i]);
    assert_int_equal(stored_of(&b, 0x53000000, 0xffff0000), 1);
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_hearsay_is_not_followed),
        cmocka_unit_test(a_private_network_may_speak_of_itself),
        cmocka_unit_test(endless_hearsay_ends),
        cmocka_unit_test(one_network_is_not_all_that_a_lookup_finds),
        cmocka_unit_test(where_there_is_one_network_it_is_found_whole),
        cmocka_unit_test(who_stands_on_one_path_cannot_hide_the_others),
        cmocka_unit_test(a_crowd_of_one_network_makes_room_on_the_list),
        cmocka_unit_test(one_network_does_not_keep_a_bucket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
