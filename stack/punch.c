#include "stack/punch.h"

#include <string.h>

#include "stack/check.h"
#include "stack/punch_attempt.h"

#define CHALLENGE_BY MS(100)
#define ANSWER_BY    SEC(1)

size_t punch_size(uint32_t attempts)
{
    return attempts * sizeof(struct attempt);
}

uint32_t punch_mappings(enum strategy_number strategy, uint32_t wanted)
{
    if (strategy == STRATEGY_NONE)
        return 0;
    return wanted == 0 ? punch_strategy(strategy)->mappings : wanted;
}

void punch_init(struct punch *p, void *memory, const struct punch_limits *limits,
                enum strategy_number strategy, const struct nature *mine, struct rng *rng,
                struct timers *timers, struct sockets *sockets, uint32_t first_timer)
{
    CHECK(limits->rounds >= 1 && limits->rounds <= PUNCH_ROUNDS);
    p->attempts = memory;
    p->limits = *limits;
    p->strategy = strategy == STRATEGY_NONE ? NULL : punch_strategy(strategy);
    p->limits.mappings = punch_mappings(strategy, limits->mappings);
    if (p->strategy != NULL && limits->probes == 0)
        p->limits.probes = p->strategy->probes;
    p->guard.limits = limits->guard;
    p->mine = mine;
    p->rng = rng;
    p->timers = timers;
    p->sockets = sockets;
    p->first_timer = first_timer;
}

struct attempt *attempt_find(const struct punch *p, mist_link link)
{
    for (uint32_t i = 0; i < p->used; i++) {
        if (p->attempts[i].link == link)
            return &p->attempts[i];
    }
    return NULL;
}

void attempt_timer(struct punch *p, const struct attempt *a, mist_time at)
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

static uint32_t token(struct punch *p)
{
    return rng_u32(p->rng) & ~UINT32_C(15);
}

struct attempt *attempt_add(struct punch *p, mist_link link)
{
    struct attempt *a = attempt_find(p, link);
    if (a == NULL)
        a = attempt_find(p, 0);
    if (a == NULL && p->used < p->limits.attempts)
        a = &p->attempts[p->used++];
    if (a == NULL && (a = resting(p)) != NULL)
        a->link = 0; /* only its tallies are lost */
    if (a != NULL && a->link == 0) {
        memset(a, 0, sizeof *a);
        a->link = link;
        a->spray_token = token(p);
    }
    return a;
}

/* The place of addr among the candidates; a new one takes the last place of a full list. */
uint32_t attempt_candidate(struct punch *p, struct attempt *a, const struct candidate *c)
{
    for (uint32_t i = 0; i < a->count; i++) {
        if (!addr_equal(&a->candidates[i].addr, &c->addr))
            continue;
        if (a->candidates[i].kind == CANDIDATE_TOLD)
            a->candidates[i].kind = c->kind;
        return i;
    }
    if (a->count < WIRE_CANDIDATES)
        a->count++;
    a->candidates[a->count - 1] = *c;
    a->tokens[a->count - 1] = token(p);
    return a->count - 1u;
}

/* A place for one more would be that of a probe whose answer is still awaited: hits of
 * a spray come faster than answers. */
static bool is_crowded(const struct attempt *a, mist_time now, const struct addr *addr)
{
    if (a->count < WIRE_CANDIDATES || now - a->sent[PUNCH_ANSWERS] >= ANSWER_BY)
        return false;
    for (uint32_t i = 0; i < a->count; i++) {
        if (addr_equal(&a->candidates[i].addr, addr))
            return false;
    }
    return true;
}

/* A host's address: neither multicast nor broadcast nor nobody's. */
bool attempt_usable(const struct addr *a)
{
    static const uint8_t unspecified[16];
    if (a->port == 0 || memcmp(a->ip, unspecified, 16) == 0)
        return false;
    if (a->family == ADDR_V4)
        return a->ip[0] != 0 && a->ip[0] < 224;
    return a->family == ADDR_V6 && a->ip[0] != 0xff;
}

bool attempt_named_enough(const struct attempt *a, const struct addr *addr)
{
    uint32_t same = 0;
    for (uint32_t i = 0; i < a->count; i++)
        same +=
            addr_same_ip(&a->candidates[i].addr, addr) && !addr_equal(&a->candidates[i].addr, addr);
    return same >= PUNCH_PER_IP;
}

/* ---- probes ---- */

/* Did the peer's owner ask for probes there?  It echoed a token, or they answer its own. */
static bool asked_for(const struct attempt *a, const struct addr *to, uint32_t round)
{
    return round == PUNCH_ANSWERS ||
           (a->echoed.family != ADDR_NONE && addr_same_ip(&a->echoed, to));
}

/* An introducer saw the peer at that address, and the peer says so itself. */
bool attempt_vouched(const struct attempt *a, const struct addr *to)
{
    return a->vouched.family != ADDR_NONE && addr_same_ip(&a->vouched, to);
}

void attempt_send(struct punch *p, mist_time now, struct attempt *a, const struct addr *to,
                  uint32_t socket, uint8_t ttl, uint32_t request, uint32_t place, struct out *out)
{
    uint32_t round = request & 15;
    bool vouched = attempt_vouched(a, to);
    if (!asked_for(a, to, round) && !guard_may(&p->guard, now, to, vouched, 1)) {
        out_fact(out, FACT_HELD_BACK, NULL, to, vouched, 0);
        return;
    }
    struct msg m = {.type = round == PUNCH_ANSWERS ? MSG_CHECK : MSG_PROBE,
                    .request = request,
                    .count = (uint8_t)round};
    a->probes++;
    out_fact(out, FACT_PROBE_SENT, NULL, to, round, place);
    out_probe_from(out, a->link, to, socket, ttl, &m);
}

void attempt_probe(struct punch *p, mist_time now, struct attempt *a, uint32_t i, uint32_t round,
                   uint32_t socket, uint8_t ttl, struct out *out)
{
    a->sent[round] = now;
    attempt_send(p, now, a, &a->candidates[i].addr, socket, ttl, a->tokens[i] | round, i, out);
}

void punch_challenge(struct punch *p, mist_time now, mist_link link, const struct addr *addr,
                     uint32_t socket, struct out *out)
{
    struct attempt *a = attempt_usable(addr) ? attempt_add(p, link) : NULL;
    if (a == NULL || now - a->sent[PUNCH_ANSWERS] < CHALLENGE_BY || is_crowded(a, now, addr))
        return;
    struct candidate c = {*addr, CANDIDATE_TOLD};
    attempt_probe(p, now, a, attempt_candidate(p, a, &c), PUNCH_ANSWERS, socket, 0, out);
    if (!a->running && a->attempts == 0)
        attempt_timer(p, a, now + SEC(3));
}

void punch_check(mist_link link, const struct addr *from, uint32_t socket, const struct msg *m,
                 struct out *out)
{
    struct msg answer = {.type = MSG_PROVED, .request = m->request, .addr = *from};
    if (m->type == MSG_CHECK) /* an answer longer than that would not go to a strange address */
        answer.addr = (struct addr){.family = ADDR_NONE};
    out_fact(out, FACT_PROBE_RECEIVED, NULL, from, m->count, 0);
    if (attempt_usable(from)) /* through a relay it proves nothing */
        out_probe_from(out, link, from, socket, 0, &answer);
}

void punch_probe(struct punch *p, mist_time now, mist_link link, const struct addr *from,
                 uint32_t socket, const struct msg *m, struct out *out)
{
    punch_check(link, from, socket, m, out);
    struct attempt *a = attempt_find(p, link);
    if (a == NULL || !a->running || !attempt_usable(from) || now - a->sent[PUNCH_ANSWERS] < MS(1) ||
        is_crowded(a, now, from))
        return;
    /* Its hole towards us is open now: the best moment for ours. */
    struct candidate c = {*from, CANDIDATE_TOLD};
    attempt_probe(p, now, a, attempt_candidate(p, a, &c), PUNCH_ANSWERS, socket, 0, out);
}

/* ---- the end of a search ---- */

void attempt_stop(struct punch *p, struct attempt *a)
{
    a->running = a->sends = false;
    memset(a->firings, 0, sizeof a->firings);
    a->echo_token = a->measure = 0;
    if (p->spraying == a->link)
        p->spraying = 0;
}

/* How a path came about: the candidate's kind, or the guess that led to it. */
static uint8_t kind_of(const struct attempt *a, uint32_t i, uint32_t socket)
{
    if (!a->guessed && socket <= MIST_SOCKETS)
        return a->candidates[i].kind;
    bool counted = (a->relation &
                    (RELATION_EASY_COUNTED | RELATION_COUNTED_EASY | RELATION_COUNTED_BOTH)) != 0;
    return counted ? CANDIDATE_PREDICTED : CANDIDATE_SPRAYED;
}

bool punch_proved(struct punch *p, mist_time now, mist_link link, const struct addr *from,
                  uint32_t socket, const struct msg *m, struct out *out)
{
    struct attempt *a = attempt_find(p, link);
    uint32_t i = 0, round = m->request & 15, token = m->request & ~UINT32_C(15);
    if (a == NULL)
        return false;
    /* To many ports of one address: it is the one that answers. */
    bool sprayed = round == PUNCH_SPRAYED && token == a->spray_token &&
                   addr_same_ip(from, &a->order.at) && attempt_usable(from);
    while (i < a->count && a->tokens[i] != token)
        i++;
    if (!sprayed && i == a->count)
        return false;
    struct effect e = {.kind = EFFECT_PATH_UP,
                       .link = link,
                       .addr = sprayed ? *from : a->candidates[i].addr,
                       .socket = socket <= MIST_SOCKETS ? 0 : socket,
                       .value = sprayed ? kind_of(a, 0, UINT32_MAX) : kind_of(a, i, socket),
                       .number = sprayed ? 0 : (uint64_t)(now - a->sent[round])};
    guard_proved(&p->guard, now, &e.addr);
    out_fact(out, FACT_PATH_PROVED, NULL, &e.addr, (int64_t)e.number, a->attempts);
    out_effect(out, &e);
    attempt_stop(p, a);
    attempt_timer(p, a, a->attempts == 0 ? now : MIST_NEVER);
    return true;
}

void punch_forget(struct punch *p, mist_link link)
{
    struct attempt *a = attempt_find(p, link);
    if (a == NULL || link == 0)
        return;
    attempt_stop(p, a);
    attempt_timer(p, a, MIST_NEVER);
    memset(a, 0, sizeof *a);
}

void punch_tally(const struct punch *p, mist_link link, uint32_t *attempts, uint32_t *probes,
                 uint32_t *sockets)
{
    const struct attempt *a = attempt_find(p, link);
    *attempts = a == NULL ? 0 : a->attempts;
    *probes = a == NULL ? 0 : a->probes;
    *sockets = a == NULL ? 1 : 1 + a->sockets;
}

uint32_t punch_memory(const struct punch *p, struct mist_memory *array, uint32_t n)
{
    if (n < 1)
        return 0;
    array[0] = (struct mist_memory){"punches", sizeof(struct attempt), p->limits.attempts, p->used};
    return 1;
}
