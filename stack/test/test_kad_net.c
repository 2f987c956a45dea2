/* test_kad_net.c: 300 kads that look each other up through the wire format, with
 * handshakes, delays, losses and deaths; the test is everybody's node. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stack/check.h"
#include "stack/kad.h"
#include "stack/test/naive_kad.h"

#define NODES    300
#define CONTACTS 160 /* about half of the others */
#define LOOKUPS  4
#define PENDING  8192
#define CANARY   0xa5
#define OWNER    1

void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: broken promise: %s\n", file, line, condition);
    abort();
}

enum happening { MESSAGES, INIT, COOKIE, OPEN, ACCEPT, RETRY, WAKE };

struct happens {
    mist_time at;
    uint64_t sequence;
    enum happening what;
    uint32_t from, to, tries;
    uint32_t length;
    uint8_t bytes[WIRE_MTU];
};

struct node {
    struct kad *kad;
    uint8_t *memory, *timer_memory;
    struct timers timers;
    struct rng rng;
    struct contact self;
    mist_time wake; /* already arranged */
    bool dead;
};

struct net {
    struct node node[NODES];
    bool up[NODES][NODES], opening[NODES][NODES];
    struct out *out;
    struct rng dice;
    struct happens *pending; /* unordered: the earliest is searched for */
    uint32_t pending_count;
    uint64_t sequence, hash, questions;
    uint32_t loss_percent;
    mist_time now;
    /* the lookup being watched */
    uint32_t watched;
    bool done;
    mist_time took;
    uint32_t found_count;
    uint8_t found[512][WIRE_ID];
};

static struct kad_config config(void)
{
    return (struct kad_config){CONTACTS, LOOKUPS};
}

/* ---- time ---- */

/* One way, 10 to 100 ms, the same in both directions. */
static mist_time delay(const struct net *n, uint32_t a, uint32_t b)
{
    uint32_t sum = (uint32_t)n->node[a].self.id[5] + n->node[b].self.id[5];
    return MS(10) + MS(90) * (sum % 256) / 255;
}

static void arrange(struct net *n, mist_time at, enum happening what, uint32_t from, uint32_t to,
                    uint32_t tries, const void *bytes, size_t length)
{
    struct happens *h = &n->pending[n->pending_count++];
    assert_true(n->pending_count <= PENDING && length <= WIRE_MTU);
    *h = (struct happens){.at = at,
                          .sequence = n->sequence++,
                          .what = what,
                          .from = from,
                          .to = to,
                          .tries = tries,
                          .length = (uint32_t)length};
    if (length > 0)
        memcpy(h->bytes, bytes, length);
}

static void transmit(struct net *n, enum happening what, uint32_t from, uint32_t to,
                     const void *bytes, size_t length)
{
    if (n->node[to].dead || rng_below(&n->dice, 100) < n->loss_percent)
        return;
    arrange(n, n->now + delay(n, from, to), what, from, to, 0, bytes, length);
}

/* ---- what a node does ---- */

static void found(struct net *n, const struct effect *e)
{
    assert_true(n->found_count < 512);
    memcpy(n->found[n->found_count++], e->contact.id, WIRE_ID);
}

static uint32_t number_of(const uint8_t *id)
{
    return (uint32_t)id[30] << 8 | id[31];
}

static void do_reach(struct net *n, uint32_t self, const struct effect *e)
{
    uint32_t peer = number_of(e->contact.id);
    n->questions += self == n->watched;
    assert_int_not_equal(peer, self);
    if (n->up[self][peer])
        kad_link_up(n->node[self].kad, n->now, e->contact.id, peer + 1, n->out);
    else if (!n->opening[self][peer])
        arrange(n, n->now, RETRY, self, peer, 0, NULL, 0);
    n->opening[self][peer] = !n->up[self][peer];
}

static void carry_out(struct net *n, uint32_t self)
{
    struct node *node = &n->node[self];
    struct effect e;
    struct mist_event event;
    while (out_take(n->out, &e)) {
        if (e.kind == EFFECT_REACH)
            do_reach(n, self, &e);
        else if (e.kind == EFFECT_SEND)
            transmit(n, MESSAGES, self, e.link - 1, e.bytes, e.length);
        else if (e.kind == EFFECT_FORSAKE)
            n->up[self][e.link - 1] = false;
        else if (e.kind == EFFECT_FOUND)
            found(n, &e);
        else if (e.kind == EFFECT_LOOKUP_DONE)
            n->done = true;
    }
    while (out_next_event(n->out, &event))
        n->took = event.rtt;
    out_reset(n->out, node);
    mist_time next = timers_next(&node->timers);
    if (next < node->wake) {
        node->wake = next;
        arrange(n, next, WAKE, self, self, 0, NULL, 0);
    }
}

static void read_messages(struct net *n, const struct happens *h)
{
    struct reader r = {h->bytes, h->bytes + h->length, false};
    struct kad *kad = n->node[h->to].kad;
    struct msg m;
    if (!n->up[h->to][h->from])
        return;
    while (wire_take(&r, &m) == 1) {
        if (m.type == MSG_FIND) {
            kad_find(kad, n->now, h->from + 1, &m, n->out);
        } else {
            kad_seen(kad, n->now, &n->node[h->from].self, 0, n->out);
            kad_nodes(kad, n->now, h->from + 1, n->node[h->from].self.id, &m, n->out);
        }
    }
}

/* Half of the peers are asked within the handshake, half on the link. */
static void open_link(struct net *n, const struct happens *h)
{
    uint8_t first[WIRE_MTU];
    size_t length = 0;
    if (h->from % 2 == 0)
        length =
            kad_first(n->node[h->to].kad, n->now, n->node[h->from].self.id, first, sizeof first);
    transmit(n, OPEN, h->to, h->from, first, length);
}

static void retry(struct net *n, const struct happens *h)
{
    const struct contact *peer = &n->node[h->to].self;
    if (!n->opening[h->from][h->to])
        return;
    if (h->tries == 4) {
        n->opening[h->from][h->to] = false;
        kad_link_failed(n->node[h->from].kad, n->now, peer->id, n->out);
        return;
    }
    transmit(n, INIT, h->from, h->to, NULL, 0);
    arrange(n, n->now + (MS(400) << h->tries), RETRY, h->from, h->to, h->tries + 1, NULL, 0);
}

static void wake(struct net *n, uint32_t self)
{
    struct node *node = &n->node[self];
    uint32_t id;
    if (node->wake != n->now)
        return; /* arranged before an earlier one was */
    node->wake = MIST_NEVER;
    while (timers_take(&node->timers, n->now, &id))
        kad_timer(node->kad, n->now, id, n->out);
}

static void happen(struct net *n, const struct happens *h)
{
    struct kad *kad = n->node[h->to].kad;
    const struct contact *from = &n->node[h->from].self;
    uint32_t actor = h->what == RETRY ? h->from : h->to;
    if (n->node[actor].dead)
        return;
    switch (h->what) {
    case MESSAGES: read_messages(n, h); break;
    case INIT: transmit(n, COOKIE, h->to, h->from, NULL, 0); break;
    case COOKIE: open_link(n, h); break;
    case OPEN:
        n->up[h->to][h->from] = true;
        kad_seen(kad, n->now, from, 0, n->out);
        transmit(n, ACCEPT, h->to, h->from, NULL, 0);
        read_messages(n, h);
        break;
    case ACCEPT:
        n->up[h->to][h->from] = true;
        n->opening[h->to][h->from] = false;
        kad_seen(kad, n->now, from, 0, n->out);
        kad_link_up(kad, n->now, from->id, h->from + 1, n->out);
        break;
    case RETRY: retry(n, h); break;
    case WAKE: wake(n, h->to); break;
    }
    carry_out(n, actor);
}

static void fold(struct net *n, const void *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        n->hash = (n->hash ^ ((const uint8_t *)bytes)[i]) * UINT64_C(0x100000001b3);
}

/* Runs until then, or until the watched lookup is done. */
static void run(struct net *n, mist_time until)
{
    while (!n->done) {
        struct happens *next = NULL, now;
        for (struct happens *h = n->pending; h < n->pending + n->pending_count; h++) {
            if (next == NULL || h->at < next->at ||
                (h->at == next->at && h->sequence < next->sequence))
                next = h;
        }
        if (next == NULL || next->at > until)
            break;
        now = *next;
        *next = n->pending[--n->pending_count];
        n->now = now.at;
        fold(n, &now.at, sizeof now.at);
        fold(n, now.bytes, now.length);
        happen(n, &now);
    }
    if (!n->done)
        n->now = until;
}

/* ---- the network ---- */

static void net_open(struct net *n, uint8_t seed)
{
    const struct kad_config limits = config();
    const uint8_t dice[32] = {seed};
    memset(n, 0, sizeof *n);
    rng_init(&n->dice, dice);
    n->out = calloc(1, out_size());
    n->pending = calloc(PENDING, sizeof *n->pending);
    for (uint32_t i = 0; i < NODES; i++) {
        struct node *node = &n->node[i];
        uint8_t own[32];
        rng_bytes(&n->dice, own, sizeof own);
        rng_init(&node->rng, own);
        rng_bytes(&n->dice, node->self.id, WIRE_ID);
        node->self.id[30] = (uint8_t)(i >> 8);
        node->self.id[31] = (uint8_t)i;
        node->self.addr = addr_v4(0x08000000 + i, 4000);
        node->wake = MIST_NEVER;
        node->memory = calloc(1, kad_size(&limits) + 64);
        memset(node->memory + kad_size(&limits), CANARY, 64);
        node->timer_memory = calloc(1, timers_size(kad_timers(&limits)));
        timers_init(&node->timers, node->timer_memory, kad_timers(&limits));
        node->kad = kad_init(node->memory, &limits, node->self.id, &node->rng, &node->timers, 0);
    }
}

static void net_close(struct net *n)
{
    const struct kad_config limits = config();
    for (uint32_t i = 0; i < NODES; i++) {
        for (int j = 0; j < 64; j++)
            assert_int_equal(n->node[i].memory[kad_size(&limits) + (size_t)j], CANARY);
        assert_true(kad_count(n->node[i].kad) <= CONTACTS);
        free(n->node[i].memory);
        free(n->node[i].timer_memory);
    }
    free(n->pending);
    free(n->out);
}

static void look_up(struct net *n, uint32_t self, const uint8_t *target,
                    const struct contact *extra)
{
    n->watched = self;
    n->done = false;
    n->found_count = 0;
    assert_int_equal(
        kad_lookup(n->node[self].kad, n->now, target, OWNER, extra, extra == NULL ? 0 : 1, n->out),
        0);
    carry_out(n, self);
    run(n, n->now + SEC(60));
    assert_true(n->done);
    n->done = false;
    run(n, n->now + SEC(5)); /* the late are found, or given up */
}

/* One after the other through any who is there already; then upkeep once over. */
static void join_all(struct net *n)
{
    for (uint32_t i = 1; i < NODES; i++)
        look_up(n, i, n->node[i].self.id, &n->node[rng_below(&n->dice, i)].self);
    run(n, n->now + SEC(150));
}

struct tally {
    uint32_t lookups, whole, holders, holders_found;
    mist_time took_longest, took_sum;
    uint64_t questions;
};

static uint32_t living_closest(struct net *n, uint32_t self, const uint8_t *target,
                               struct contact *array)
{
    static struct naive all;
    all.count = 0;
    for (uint32_t i = 0; i < NODES; i++) {
        if (i != self && !n->node[i].dead)
            all.entry[all.count++] = (struct naive_entry){.contact = n->node[i].self, .live = true};
    }
    return naive_closest(&all, target, array, KAD_K);
}

static struct tally measure(struct net *n, uint32_t lookups)
{
    struct tally t = {.lookups = lookups};
    for (uint32_t i = 0; i < lookups; i++) {
        uint8_t target[WIRE_ID];
        struct contact truth[KAD_K];
        uint32_t self = rng_below(&n->dice, NODES), hits = 0;
        while (n->node[self].dead)
            self = rng_below(&n->dice, NODES);
        rng_bytes(&n->dice, target, WIRE_ID);
        uint32_t count = living_closest(n, self, target, truth);
        uint64_t before = n->questions;
        look_up(n, self, target, NULL);
        for (uint32_t h = 0; h < count; h++) {
            bool hit = false;
            for (uint32_t f = 0; f < n->found_count; f++)
                hit = hit || memcmp(truth[h].id, n->found[f], WIRE_ID) == 0;
            hits += hit;
        }
        t.whole += hits == count;
        t.holders += count;
        t.holders_found += hits;
        t.took_sum += n->took;
        t.took_longest = n->took > t.took_longest ? n->took : t.took_longest;
        t.questions += n->questions - before;
    }
    print_message("    %u of %u lookups whole, %u of %u holders, %d ms (longest %d), "
                  "%u questions each\n",
                  t.whole, lookups, t.holders_found, t.holders, (int)(t.took_sum / lookups / MS(1)),
                  (int)(t.took_longest / MS(1)), (uint32_t)(t.questions / lookups));
    return t;
}

/* ---- claims ---- */

static struct net net;

/* 20 holders and the way to them: two times KAD_K questions are plenty. */
static void a_lookup_finds_the_twenty_closest(void **state)
{
    (void)state;
    net_open(&net, 1);
    join_all(&net);
    struct tally t = measure(&net, 300);
    assert_true(t.whole * 100 >= 99 * t.lookups);
    assert_true(t.questions <= 2 * KAD_K * t.lookups);
    assert_true(t.took_longest <= SEC(10));
    net_close(&net);
}

static void losses_cost_time_but_not_holders(void **state)
{
    (void)state;
    net_open(&net, 2);
    net.loss_percent = 5;
    join_all(&net);
    struct tally t = measure(&net, 200);
    assert_true(t.holders_found * 100 >= 98 * t.holders);
    assert_true(t.took_longest <= SEC(10));
    net_close(&net);
}

/* At once: no table knows of it yet. */
static void when_half_of_them_die_lookups_end_and_find_the_rest(void **state)
{
    (void)state;
    net_open(&net, 3);
    join_all(&net);
    for (uint32_t i = 0; i < NODES; i += 2)
        net.node[i].dead = true;
    struct tally t = measure(&net, 100);
    assert_true(t.took_longest <= SEC(10));
    assert_true(t.holders_found * 100 >= 90 * t.holders);
    t = measure(&net, 100);
    run(&net, net.now + MINUTES(40));
    t = measure(&net, 100);
    assert_true(t.holders_found * 100 >= 99 * t.holders);
    net_close(&net);
}

static void the_same_seed_brings_the_same_bytes(void **state)
{
    uint64_t hash[3];
    (void)state;
    for (uint8_t i = 0; i < 3; i++) {
        net_open(&net, i == 2 ? 5 : 4);
        for (uint32_t j = 1; j < 60; j++)
            look_up(&net, j, net.node[j].self.id, &net.node[j - 1].self);
        hash[i] = net.hash;
        net_close(&net);
    }
    assert_true(hash[0] == hash[1]);
    assert_true(hash[0] != hash[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lookup_finds_the_twenty_closest),
        cmocka_unit_test(losses_cost_time_but_not_holders),
        cmocka_unit_test(when_half_of_them_die_lookups_end_and_find_the_rest),
        cmocka_unit_test(the_same_seed_brings_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
