/* punch_shot.c: what one shot of a volley sends: to whom, from which sockets, to which
 * guessed ports; and what the peer is told to aim at.  See punch_attempt.h. */
#include <string.h>

#include "stack/check.h"
#include "stack/punch_attempt.h"

#define BLOCK_MORE 256 /* ports beside those seen that a block may hold as well */
#define BLOCK_EDGE 32  /* the same where each port more costs chances: 512 / 16 */

/* ---- ports in an order of dice ---- */

static uint32_t common_divisor(uint32_t a, uint32_t b)
{
    while (b != 0) {
        uint32_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

void shot_order(struct punch *p, struct punch_order *o, const struct addr *at, uint32_t low,
                uint32_t high)
{
    *o = (struct punch_order){.at = *at, .low = low, .count = high - low + 1};
    o->offset = rng_below(p->rng, o->count);
    o->stride = 1 + rng_below(p->rng, o->count);
    while (common_divisor(o->stride, o->count) != 1)
        o->stride++;
}

static uint16_t order_port(const struct punch_order *o, uint32_t k)
{
    uint64_t place = (o->offset + (uint64_t)k % o->count * o->stride) % o->count;
    if (o->step != 0)
        return (uint16_t)((int)o->low + o->step * (int)(place + 1));
    return (uint16_t)(o->low + place);
}

const struct addr *shot_seen_at(const struct attempt *a)
{
    for (uint32_t i = 0; i < a->count; i++) {
        if (a->candidates[i].kind == CANDIDATE_SEEN && addr_is_global(&a->candidates[i].addr))
            return &a->candidates[i].addr;
    }
    for (uint32_t i = 0; i < a->count; i++) {
        if (a->candidates[i].kind == CANDIDATE_SEEN || a->candidates[i].kind == CANDIDATE_TOLD)
            return &a->candidates[i].addr;
    }
    return NULL;
}

/* ---- the spare sockets of an attempt ---- */

uint32_t shot_sockets(const struct punch *p, const struct attempt *a)
{
    uint32_t n = 0;
    while (sockets_nth(p->sockets, a->link, n) != 0)
        n++;
    return n;
}

bool shot_sockets_ready(const struct punch *p, const struct attempt *a)
{
    uint32_t id;
    for (uint32_t i = 0; (id = sockets_nth(p->sockets, a->link, i)) != 0; i++) {
        if (sockets_local(p->sockets, id, ADDR_V4) == NULL)
            return false;
    }
    return true;
}

/* The NAT makes a mapping for each port that one socket writes to. */
static bool pays_by_port(const struct punch *p)
{
    return p->mine->mapping == NATURE_APDM;
}

void shot_want_sockets(struct punch *p, struct attempt *a, uint32_t wanted, struct out *out)
{
    sockets_release(p->sockets, a->link, out);
    for (uint32_t i = 0; i < wanted && a->mappings < p->limits.mappings; i++) {
        if (sockets_want(p->sockets, ADDR_V4, SOCKET_FOR_PUNCH, a->link, out) == 0)
            return;
        a->sockets++;
        a->mappings++;
    }
}

/* ---- shots ---- */

bool shot_in_turn(const struct volley *v)
{
    return v->at != NULL && v->every > 0;
}

static void shoot_from(struct punch *p, mist_time now, struct attempt *a, const struct volley *v,
                       uint32_t index, uint32_t shot, struct out *out)
{
    uint32_t id = sockets_nth(p->sockets, a->link, index);
    const struct addr *at = shot_seen_at(a);
    struct candidate c = {.kind = CANDIDATE_SEEN};
    bool first = v->all ? shot == 0 : shot < shot_sockets(p, a);
    if (id == 0 || at == NULL)
        return;
    c.addr = *at;
    attempt_probe(p, now, a, attempt_candidate(p, a, &c), shot % PUNCH_SLOTS, id,
                  first ? v->ttl : 0, out);
}

/* Returns whether all of them have shot now. */
static bool shoot_sockets(struct punch *p, mist_time now, struct attempt *a, const struct volley *v,
                          uint32_t shot, struct out *out)
{
    uint32_t n = shot_sockets(p, a);
    if (n == 0)
        return false;
    for (uint32_t i = 0; i < n && v->all && !shot_in_turn(v); i++)
        shoot_from(p, now, a, v, i, shot, out);
    if (v->all && shot_in_turn(v))
        shoot_from(p, now, a, v, shot % n, shot / n, out);
    if (!v->all)
        shoot_from(p, now, a, v, shot % n, shot, out);
    return !shot_in_turn(v) || shot % n == n - 1;
}

static void shoot_candidates(struct punch *p, mist_time now, struct attempt *a,
                             const struct volley *v, uint32_t shot, struct out *out)
{
    uint8_t ttl = shot == 0 ? v->ttl : 0;
    bool in_turn = shot_in_turn(v);
    uint32_t round = in_turn ? shot / (a->count == 0 ? 1u : a->count) : shot;
    for (uint32_t copy = 0; copy < (v->burst == 0 ? 1u : v->burst); copy++) {
        for (uint32_t i = 0; i < a->count; i++) {
            if (!in_turn || i == shot % a->count)
                attempt_probe(p, now, a, i, round % PUNCH_SLOTS, 0, ttl, out);
        }
    }
}

/* The k-th port of a volley that guesses. */
static uint16_t guess(struct punch *p, const struct attempt *a, const struct volley *v, uint32_t k)
{
    const struct addr *seen = shot_seen_at(a);
    uint32_t base = seen == NULL ? 0 : seen->port;
    switch (v->target) {
    case TARGET_ANY_PORT: return (uint16_t)(1000 + rng_below(p->rng, 64536));
    case TARGET_UPWARD: return (uint16_t)(base + 1 + k % 50);
    case TARGET_AHEAD: return (uint16_t)(base + 20);
    case TARGET_AROUND: /* c-toxcore: port + it / 2, or less for odd it */
        return (uint16_t)(k % 2 != 0 ? base - k / 2 : base + k / 2);
    default: return order_port(&a->order, v->ports == 0 ? k : a->order.done + k % v->ports);
    }
}

/* A shot at a guessed port: false when it would cost more than one link may. */
static bool may_guess(const struct punch *p, struct attempt *a)
{
    if (a->guesses == p->limits.probes || (pays_by_port(p) && a->mappings == p->limits.mappings))
        return false;
    a->guesses++;
    a->mappings += pays_by_port(p);
    return true;
}

/* The same for the k-th port of an aim: when there may be no more mappings, those that
 * were made are kept open. */
static bool may_scatter(const struct punch *p, struct attempt *a, uint32_t *k)
{
    if (may_guess(p, a)) {
        a->scattered++;
        return true;
    }
    if (a->guesses == p->limits.probes || a->scattered == 0)
        return false;
    a->guesses++;
    *k %= a->scattered;
    return true;
}

static void shoot_guess(struct punch *p, mist_time now, struct attempt *a, const struct volley *v,
                        uint32_t shot, struct out *out)
{
    uint32_t burst = v->burst == 0 ? 1 : v->burst, copies = v->copies == 0 ? 1 : v->copies;
    for (uint32_t i = 0; i < burst; i++) {
        struct addr to = a->order.at;
        uint32_t k = (shot * burst + i) / copies;
        to.port = guess(p, a, v, k);
        if (to.port == 0 || !may_guess(p, a))
            continue;
        attempt_send(p, now, a, &to, 0, 0, a->spray_token | PUNCH_SPRAYED, k, out);
    }
}

/* From each fresh socket to one guessed port. */
static void shoot_ahead(struct punch *p, mist_time now, struct attempt *a, const struct volley *v,
                        struct out *out)
{
    struct addr to = a->order.at;
    uint32_t n = shot_sockets(p, a);
    to.port = guess(p, a, v, 0);
    for (uint32_t i = 0; i < n; i++)
        attempt_send(p, now, a, &to, sockets_nth(p->sockets, a->link, i), 0,
                     a->spray_token | PUNCH_SPRAYED, i, out);
}

/* To the k-th port of the peer's aim, from one socket after the other, so that no two
 * meet twice before all have met. */
static void shoot_aimed(struct punch *p, mist_time now, struct attempt *a, uint32_t k,
                        struct out *out)
{
    struct addr to = a->order.at;
    uint32_t n = shot_sockets(p, a), id;
    if (n == 0 || !may_scatter(p, a, &k))
        return;
    id = sockets_nth(p->sockets, a->link, (k % a->order.count + k / a->order.count) % n);
    to.port = order_port(&a->order, k);
    if (to.port == 0)
        return;
    attempt_send(p, now, a, &to, id, 0, a->spray_token | PUNCH_SPRAYED, k, out);
}

/* The relay is asked for the port in the same moment in which the hole is made: of the
 * ports that others take meanwhile, none lies between. */
static void measure(struct punch *p, struct attempt *a, struct out *out)
{
    uint32_t id = sockets_nth(p->sockets, a->link, 0);
    if (id == 0)
        return;
    a->measure = a->measure != 0 ? a->measure : rng_u32(p->rng) | 1;
    out_effect(out,
               &(struct effect){
                   .kind = EFFECT_MEASURE, .link = a->link, .socket = id, .number = a->measure});
}

static void aim(const struct attempt *a, const struct nature *where, const struct addr *at,
                struct out *out)
{
    struct msg m = {.type = MSG_AIM, .count = a->number, .addr = *at, .nature = *where};
    out_send(out, a->link, &m);
}

/* The peer may look for the held ports now. */
static void aim_at_held(const struct punch *p, const struct attempt *a, uint16_t more,
                        struct out *out)
{
    struct nature where = {.ports = p->mine->ports, .low = SHOT_PORT_LOW, .high = SHOT_PORT_HIGH};
    if (p->mine->ports == NATURE_BLOCK) {
        where.low =
            (uint16_t)(p->mine->low < SHOT_PORT_LOW + more ? SHOT_PORT_LOW : p->mine->low - more);
        where.high = (uint16_t)(p->mine->high > SHOT_PORT_HIGH - more ? SHOT_PORT_HIGH
                                                                      : p->mine->high + more);
    }
    aim(a, &where, &(struct addr){.family = ADDR_NONE}, out);
}

void shot_tell(const struct punch *p, const struct attempt *a, const struct addr *here,
               struct out *out)
{
    if (p->mine->ports != NATURE_SEQUENTIAL) {
        aim_at_held(p, a, BLOCK_EDGE, out);
        return;
    }
    uint32_t held = pays_by_port(p) ? p->limits.mappings - a->mappings : shot_sockets(p, a);
    int span = (a->relation & RELATION_SCATTERS) != 0 ? p->mine->step * (int)held : 0;
    struct nature where = {.ports = NATURE_SEQUENTIAL,
                           .step = p->mine->step,
                           .low = here->port,
                           .high = (uint16_t)(here->port + span)};
    aim(a, &where, here, out);
}

/* What both wait for may have been lost. */
static void say_again(const struct punch *p, const struct attempt *a, uint32_t shot,
                      struct out *out)
{
    if (shot > 0 && a->own_aim == a->number)
        shot_tell(p, a, &a->here, out);
    if (shot > 0 && a->echo_token != 0)
        out_effect(out, &(struct effect){.kind = EFFECT_ATTEMPT, .link = a->link});
}

void shot_fire(struct punch *p, mist_time now, struct attempt *a, const struct volley *v,
               uint32_t shot, struct out *out)
{
    switch (v->target) {
    case TARGET_CANDIDATES: shoot_candidates(p, now, a, v, shot, out); break;
    case TARGET_MEASURE:
        if (a->own_aim != a->number)
            measure(p, a, out);
        if ((a->relation & RELATION_AIMED_BOTH) != 0) /* there the aim makes the hole */
            say_again(p, a, shot, out);
        else
            shoot_from(p, now, a, v, 0, shot, out);
        break;
    case TARGET_SEEN:
        if (shoot_sockets(p, now, a, v, shot, out) && p->strategy->view == VIEW_PAIR)
            aim_at_held(p, a, BLOCK_MORE, out);
        break;
    case TARGET_AHEAD: shoot_ahead(p, now, a, v, out); break;
    case TARGET_AIM: shoot_aimed(p, now, a, 0, out); break;
    case TARGET_SCATTER: shoot_aimed(p, now, a, shot, out); break;
    default: shoot_guess(p, now, a, v, shot, out);
    }
}
