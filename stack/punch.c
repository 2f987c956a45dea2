#include "stack/punch.h"

#include <string.h>

#include "stack/check.h"

#define CHALLENGE PUNCH_ROUNDS /* the round number of probes out of turn */

static const mist_time round_at[PUNCH_ROUNDS] = {0, MS(100), MS(300), MS(700), MS(1500), MS(3100)};
static const mist_time next_attempt[PUNCH_ATTEMPTS] = {0, SEC(10), SEC(20)};

size_t punch_size(uint32_t attempts)
{
    return attempts * sizeof(struct attempt);
}

void punch_init(struct punch *p, void *memory, uint32_t attempts, uint32_t rounds, struct rng *rng,
                struct timers *timers, uint32_t first_timer)
{
    CHECK(rounds >= 1 && rounds <= PUNCH_ROUNDS);
    p->attempts = memory;
    p->limit = attempts;
    p->rounds = rounds;
    p->rng = rng;
    p->timers = timers;
    p->first_timer = first_timer;
}

static struct attempt *find(const struct punch *p, mist_link link)
{
    for (uint32_t i = 0; i < p->used; i++) {
        if (p->attempts[i].link == link)
            return &p->attempts[i];
    }
    return NULL;
}

static void set_timer(struct punch *p, const struct attempt *a, mist_time at)
{
    timers_set(p->timers, p->first_timer + (uint32_t)(a - p->attempts), at);
}

/* The first that is done with its link; NULL when all are at work. */
static struct attempt *resting(const struct punch *p)
{
    for (uint32_t i = 0; i < p->used; i++) {
        if (!p->attempts[i].running && p->attempts[i].attempts > 0)
            return &p->attempts[i];
    }
    return NULL;
}

static struct attempt *find_or_add(struct punch *p, mist_link link)
{
    struct attempt *a = find(p, link);
    if (a == NULL)
        a = find(p, 0);
    if (a == NULL && p->used < p->limit)
        a = &p->attempts[p->used++];
    if (a == NULL && (a = resting(p)) != NULL)
        a->link = 0; /* only its tallies are lost */
    if (a != NULL && a->link == 0) {
        memset(a, 0, sizeof *a);
        a->link = link;
    }
    return a;
}

/* The place of addr among the candidates; a new one takes the last place of a full list. */
static uint32_t add_candidate(struct punch *p, struct attempt *a, const struct candidate *c)
{
    for (uint32_t i = 0; i < a->count; i++) {
        if (addr_equal(&a->candidates[i].addr, &c->addr))
            return i;
    }
    if (a->count < WIRE_CANDIDATES)
        a->count++;
    a->candidates[a->count - 1] = *c;
    a->tokens[a->count - 1] = rng_u32(p->rng) & ~UINT32_C(15);
    return a->count - 1u;
}

/* A host's address: neither multicast nor broadcast nor nobody's. */
static bool usable(const struct addr *a)
{
    static const uint8_t unspecified[16];
    if (a->port == 0 || memcmp(a->ip, unspecified, 16) == 0)
        return false;
    if (a->family == ADDR_V4)
        return a->ip[0] != 0 && a->ip[0] < 224;
    return a->family == ADDR_V6 && a->ip[0] != 0xff;
}

static bool named_enough(const struct attempt *a, const struct addr *addr)
{
    uint32_t same = 0;
    for (uint32_t i = 0; i < a->count; i++)
        same +=
            addr_same_ip(&a->candidates[i].addr, addr) && !addr_equal(&a->candidates[i].addr, addr);
    return same >= PUNCH_PER_IP;
}

static void probe(mist_time now, struct attempt *a, uint32_t i, uint32_t round, struct out *out)
{
    struct msg m = {.type = round == CHALLENGE ? MSG_CHECK : MSG_PROBE,
                    .request = a->tokens[i] | round,
                    .count = (uint8_t)round};
    a->sent[round] = now;
    a->probes++;
    out_fact(out, FACT_PROBE_SENT, NULL, &a->candidates[i].addr, round, i);
    out_probe(out, a->link, &a->candidates[i].addr, &m);
}

int punch_start(struct punch *p, mist_time now, mist_link link, const struct candidate *candidates,
                uint32_t count, mist_time delay, struct out *out)
{
    struct attempt *a = find_or_add(p, link);
    if (a == NULL) {
        out_fact(out, FACT_TABLE_FULL, NULL, NULL, 6, p->limit);
        return MIST_ERR_FULL;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (usable(&candidates[i].addr) && !named_enough(a, &candidates[i].addr))
            add_candidate(p, a, &candidates[i]);
    }
    if (a->running || a->attempts >= PUNCH_STARTS)
        return MIST_OK;
    a->running = true;
    a->round = 0;
    a->number = 1;
    a->attempts++;
    out_fact(out, FACT_PUNCH_STARTED, NULL, NULL, a->attempts, a->count);
    set_timer(p, a, now + delay);
    return MIST_OK;
}

void punch_again(struct punch *p, mist_time now, mist_link link, struct out *out)
{
    struct attempt *a = find(p, link);
    if (a != NULL && !a->running)
        (void)punch_start(p, now, link, NULL, 0, 0, out);
}

void punch_challenge(struct punch *p, mist_time now, mist_link link, const struct addr *addr,
                     struct out *out)
{
    struct attempt *a = usable(addr) ? find_or_add(p, link) : NULL;
    if (a == NULL || now - a->sent[CHALLENGE] < MS(100))
        return;
    struct candidate c = {*addr, CANDIDATE_SEEN};
    probe(now, a, add_candidate(p, a, &c), CHALLENGE, out);
    if (!a->running && a->attempts == 0)
        set_timer(p, a, now + SEC(3));
}

void punch_check(struct punch *p, mist_link link, const struct addr *from, const struct msg *m,
                 struct out *out)
{
    struct msg answer = {.type = MSG_PROVED, .request = m->request, .addr = *from};
    (void)p;
    out_fact(out, FACT_PROBE_RECEIVED, NULL, from, m->count, 0);
    if (usable(from)) /* through a relay it proves nothing */
        out_probe(out, link, from, &answer);
}

void punch_probe(struct punch *p, mist_time now, mist_link link, const struct addr *from,
                 const struct msg *m, struct out *out)
{
    punch_check(p, link, from, m, out);
    struct attempt *a = find(p, link);
    if (a == NULL || !a->running || !usable(from) || now - a->sent[CHALLENGE] < MS(1))
        return;
    /* Its hole towards us is open now: the best moment for ours. */
    struct candidate c = {*from, CANDIDATE_SEEN};
    probe(now, a, add_candidate(p, a, &c), CHALLENGE, out);
}

bool punch_proved(struct punch *p, mist_time now, mist_link link, const struct msg *m,
                  struct out *out)
{
    struct attempt *a = find(p, link);
    uint32_t i = 0, round = m->request & 15;
    while (a != NULL && i < a->count && a->tokens[i] != (m->request & ~UINT32_C(15)))
        i++;
    if (a == NULL || i == a->count || round > CHALLENGE)
        return false;
    struct effect e = {.kind = EFFECT_PATH_UP,
                       .link = link,
                       .addr = a->candidates[i].addr,
                       .value = a->candidates[i].kind,
                       .number = (uint64_t)(now - a->sent[round])};
    out_fact(out, FACT_PATH_PROVED, NULL, &e.addr, (int64_t)e.number, a->attempts);
    out_effect(out, &e);
    a->running = false;
    set_timer(p, a, a->attempts == 0 ? now : MIST_NEVER);
    return true;
}

void punch_forget(struct punch *p, mist_link link)
{
    struct attempt *a = find(p, link);
    if (a == NULL || link == 0)
        return;
    set_timer(p, a, MIST_NEVER);
    memset(a, 0, sizeof *a);
}

void punch_tally(const struct punch *p, mist_link link, uint32_t *attempts, uint32_t *probes)
{
    const struct attempt *a = find(p, link);
    *attempts = a == NULL ? 0 : a->attempts;
    *probes = a == NULL ? 0 : a->probes;
}

/* The last round's probes had their time: another attempt later, or none. */
static void give_up(struct punch *p, mist_time now, struct attempt *a, struct out *out)
{
    out_fact(out, FACT_PUNCH_FAILED, NULL, NULL, a->attempts, a->probes);
    a->round = 0;
    if (a->number < PUNCH_ATTEMPTS) {
        set_timer(p, a, now + next_attempt[a->number++]);
        return;
    }
    a->running = false;
    a->number = 0;
}

void punch_timer(struct punch *p, mist_time now, uint32_t index, struct out *out)
{
    struct attempt *a = &p->attempts[index];
    CHECK(index < p->used && a->link != 0);
    if (!a->running) {
        punch_forget(p, a->link); /* a challenge without an answer */
        return;
    }
    if (a->round == p->rounds) {
        give_up(p, now, a, out);
        return;
    }
    if (a->round == 0 && a->number > 1) {
        a->attempts++;
        out_fact(out, FACT_PUNCH_STARTED, NULL, NULL, a->attempts, a->count);
        out_effect(out, &(struct effect){.kind = EFFECT_ATTEMPT, .link = a->link});
    }
    for (uint32_t i = 0; i < a->count; i++)
        probe(now, a, i, a->round, out);
    a->round++;
    if (a->round < p->rounds)
        set_timer(p, a, now + round_at[a->round] - round_at[a->round - 1]);
    else
        set_timer(p, a, now + SEC(2)); /* a late answer still counts */
}

uint32_t punch_memory(const struct punch *p, struct mist_memory *array, uint32_t n)
{
    if (n < 1)
        return 0;
    array[0] = (struct mist_memory){"punches", sizeof(struct attempt), p->limit, p->used};
    return 1;
}
