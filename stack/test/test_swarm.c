/* Swarms: a seed draws hosts, NATs, links and faults; checkers look after every
 * event; then the network heals and progress is demanded.
 *
 * MIST_SEEDS=N runs the seeds 1 .. N, MIST_SEED=S that one alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stack/check.h"
#include "stack/test/lab.c"
#include "stack/test/lab_nat.c"

#define SEEDS    40
#define TROUBLE  SEC(90)     /* of faults */
#define HEALING  MINUTES(10) /* join again and refresh a subscription: 4 min and a fifth each */
#define DIALS    6           /* demanded at the end */
#define PATIENCE SEC(60)     /* for them */
#define TOPICS   3
#define TABLES   32

struct swarm {
    struct lab *lab;
    uint32_t servers;
    uint32_t next_id;
    struct mist_counter counters[LAB_HOSTS][MIST_KIND_COUNT];
    uint32_t connected[LAB_HOSTS]; /* the latest id that got CONNECTED */
};

/* ---- checkers ---- */

static void check_counters(struct swarm *s, uint32_t host)
{
    struct mist_counter now[MIST_KIND_COUNT];
    s->lab->api->counters(s->lab->hosts[host].node, now);
    for (int i = 0; i < MIST_KIND_COUNT; i++) {
        const struct mist_counter *was = &s->counters[host][i];
        CHECK(now[i].packets_out >= was->packets_out && now[i].bytes_out >= was->bytes_out);
        CHECK(now[i].packets_in >= was->packets_in && now[i].bytes_in >= was->bytes_in);
    }
    memcpy(s->counters[host], now, sizeof now);
}

static void check_tables(const struct swarm *s, uint32_t host)
{
    struct mist_memory tables[TABLES];
    uint32_t n = s->lab->api->memory(s->lab->hosts[host].node, tables, TABLES);
    CHECK(n > 0 && n < TABLES);
    for (uint32_t i = 0; i < n; i++)
        CHECK(tables[i].used <= tables[i].limit);
}

static void after(void *context, struct lab *l, uint32_t host)
{
    (void)l;
    check_counters(context, host);
    check_tables(context, host);
}

static void on_event(void *context, struct lab *l, uint32_t host, const struct mist_event *e)
{
    struct swarm *s = context;
    (void)l;
    CHECK(e->size == sizeof *e);
    if (e->kind == MIST_EVENT_CONNECTED)
        s->connected[host] = e->id;
}

/* ---- the world ---- */

static uint32_t below(struct swarm *s, uint32_t n)
{
    return lab_below(s->lab, n);
}

static void draw_links(struct swarm *s)
{
    struct lab *l = s->lab;
    for (uint32_t i = 0; i < LAB_HOSTS; i++) {
        for (uint32_t j = 0; j < i; j++)
            l->delay[i][j] = l->delay[j][i] = MS(3 + below(s, 100));
    }
    l->jitter = MS(below(s, 50));
    l->loss = below(s, 200);
    l->duplicates = below(s, 50);
    l->damage = below(s, 20);
}

static void draw_hosts(struct swarm *s)
{
    struct lab *l = s->lab;
    char name[16];
    s->servers = 3 + below(s, 4);
    uint32_t count = s->servers + 5 + below(s, 34 - s->servers);
    for (uint32_t i = 0; i < count; i++) {
        snprintf(name, sizeof name, "h%u", (unsigned)i);
        uint32_t host = lab_add(l, name);
        if (i < s->servers)
            lab_configure(l, host, "reach.assume", i < 2 || below(s, 2) == 0 ? "public" : "auto");
        else if (below(s, 5) > 0)
            lab_behind(l, host, (enum lab_mapping)below(s, 3), (enum lab_filtering)below(s, 3),
                       below(s, 2) == 0);
        if (i >= s->servers && below(s, 3) == 0)
            lab_configure(l, host, "size", "tiny");
    }
}

static void start(struct swarm *s, uint32_t host)
{
    memset(s->counters[host], 0, sizeof s->counters[host]);
    for (int i = 0; i < 32; i++) { /* a transport key lives for one run */
        s->lab->hosts[host].seed[i] = (uint8_t)below(s, 256);
        s->lab->hosts[host].secret[i] = (uint8_t)below(s, 256);
    }
    lab_start(s->lab, host, s->servers);
}

/* ---- trouble ---- */

static void dial_somebody(struct swarm *s, uint32_t host)
{
    uint32_t other = below(s, s->lab->host_count);
    int error = lab_connect(s->lab, host, ++s->next_id, s->lab->hosts[other].name);
    CHECK(error == MIST_OK || error == MIST_ERR_FULL);
}

static void use_connection(struct swarm *s, uint32_t host)
{
    static const char text[] = "What hath God wrought?";
    int error = below(s, 3) > 0 ? lab_send(s->lab, host, s->connected[host], text)
                                : lab_id(s->lab, host, MIST_WISH_CLOSE, s->connected[host]);
    CHECK(error == MIST_OK || error == MIST_ERR_UNKNOWN || error == MIST_ERR_STATE);
}

static void publish_or_subscribe(struct swarm *s, uint32_t host)
{
    static const char *const topics[TOPICS] = {"weather", "news", "music"};
    const char *topic = topics[below(s, TOPICS)];
    uint32_t kind = below(s, 2) == 0 ? MIST_WISH_SUBSCRIBE : MIST_WISH_PUBLISH;
    int error = lab_name(s->lab, host, kind, 1 + below(s, TOPICS), topic, "rain");
    CHECK(error == MIST_OK || error == MIST_ERR_FULL);
    if (below(s, 3) == 0) {
        error = lab_id(s->lab, host, MIST_WISH_UNSUBSCRIBE, 1 + below(s, TOPICS));
        CHECK(error == MIST_OK || error == MIST_ERR_UNKNOWN);
    }
}

/* Two servers stay, or nobody could find the overlay again. */
static void crash(struct swarm *s, uint32_t host)
{
    if (host < 2)
        return;
    if (below(s, 3) == 0)
        CHECK(lab_id(s->lab, host, MIST_WISH_LEAVE, 0) == MIST_OK);
    lab_stop(s->lab, host);
}

static void one_thing(struct swarm *s)
{
    uint32_t host = below(s, s->lab->host_count);
    if (s->lab->hosts[host].node == NULL) {
        start(s, host);
        return;
    }
    switch (below(s, 12)) {
    case 0: crash(s, host); break;
    case 1: lab_nat_reboot(&s->lab->hosts[host].nat); break;
    case 2: s->lab->hosts[host].side ^= 1; break;
    case 3:
    case 4: publish_or_subscribe(s, host); break;
    case 5:
    case 6:
    case 7: use_connection(s, host); break;
    default: dial_somebody(s, host); break;
    }
}

static void heal(struct swarm *s)
{
    struct lab *l = s->lab;
    l->loss = l->duplicates = l->damage = 0;
    for (uint32_t i = 0; i < l->host_count; i++) {
        l->hosts[i].side = 0;
        if (l->hosts[i].node == NULL)
            start(s, i);
        for (uint32_t id = 1; id <= TOPICS; id++) { /* an offer needs a place, too */
            while (lab_id(l, i, MIST_WISH_UNSUBSCRIBE, id) == MIST_OK)
                continue;
        }
    }
    lab_run(l, l->now + HEALING);
}

/* ---- progress ---- */

static void demand_progress(struct swarm *s)
{
    struct lab *l = s->lab;
    for (uint32_t i = 0; i < l->host_count; i++)
        CHECK(l->hosts[i].joined);
    for (int i = 0; i < DIALS; i++) {
        uint32_t from = below(s, l->host_count), to = below(s, l->host_count);
        if (from == to)
            continue;
        uint32_t id = ++s->next_id;
        CHECK(lab_connect(l, from, id, l->hosts[to].name) == MIST_OK);
        mist_time until = l->now + PATIENCE;
        while (s->connected[from] != id && lab_step(l, until))
            continue;
        CHECK(s->connected[from] == id);
        CHECK(lab_id(l, from, MIST_WISH_CLOSE, id) == MIST_OK);
    }
}

static void swarm(uint64_t seed)
{
    struct swarm s = {.lab = lab_open(seed)};
    snprintf(lab_how, sizeof lab_how, "(to repeat: MIST_SEED=%llu test_swarm)",
             (unsigned long long)seed);
    s.lab->watch = (struct lab_watch){.context = &s, .event = on_event, .after = after};
    draw_hosts(&s);
    draw_links(&s);
    for (uint32_t i = 0; i < s.servers; i++)
        start(&s, i);
    mist_time end = s.lab->now + TROUBLE;
    while (s.lab->now < end) {
        one_thing(&s);
        lab_run(s.lab, s.lab->now + MS(100 + below(&s, 1400)));
    }
    heal(&s);
    demand_progress(&s);
    lab_close(s.lab);
}

static void swarms_survive_trouble_and_recover_once_it_ends(void **state)
{
    (void)state;
    const char *one = getenv("MIST_SEED"), *many = getenv("MIST_SEEDS");
    uint64_t first = one == NULL ? 1 : strtoull(one, NULL, 10);
    uint64_t last = one != NULL ? first : many != NULL ? strtoull(many, NULL, 10) : SEEDS;
    for (uint64_t seed = first; seed <= last; seed++)
        swarm(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(swarms_survive_trouble_and_recover_once_it_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
