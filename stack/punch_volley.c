/* punch_volley.c: what a strategy sends in an attempt, and when; see punch.h. */
#include <string.h>

#include "stack/check.h"
#include "stack/punch_attempt.h"

#define FIRST_PORT 1024 /* NATs give no lower one to a socket above it (RFC 4787 REQ-3a) */
#define LAST_PORT  65535
#define BLOCK_MORE 256 /* ports beside those seen that a block may hold as well */
#define BUSY_AGAIN SEC(2)
#define AIM_WAITS  SEC(6) /* an end that is to be told where to aim waits that long */
#define BLOCK_EDGE 32     /* the same where each port more costs chances: 512 / 16 */
#define AIMED_BOTH (RELATION_COUNTED_BOTH | RELATION_SCATTER)
#define MANY       8 /* sockets or guessed ports from which on an attempt is a spray */

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

/* Each of the ports low .. high once. */
static void order_spray(struct punch *p, struct punch_order *o, const struct addr *at, uint32_t low,
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
    if (o->step != 0)
        return (uint16_t)((int)o->low + o->step * (int)(k + 1));
    uint64_t place = (o->offset + (uint64_t)k % o->count * o->stride) % o->count;
    return (uint16_t)(o->low + place);
}

/* Where others see the peer; NULL: nobody has said. */
static const struct addr *seen_at(const struct attempt *a)
{
    for (uint32_t i = 0; i < a->count; i++) {
        if (a->candidates[i].kind == CANDIDATE_SEEN && addr_is_global(&a->candidates[i].addr))
            return &a->candidates[i].addr;
    }
    for (uint32_t i = 0; i < a->count; i++) {
        if (a->candidates[i].kind == CANDIDATE_SEEN)
            return &a->candidates[i].addr;
    }
    return NULL;
}

/* ---- the spare sockets of an attempt ---- */

static uint32_t sockets_of(const struct punch *p, const struct attempt *a)
{
    uint32_t n = 0;
    while (sockets_nth(p->sockets, a->link, n) != 0)
        n++;
    return n;
}

/* Every spare socket that was asked for is open. */
static bool sockets_ready(const struct punch *p, const struct attempt *a)
{
    uint32_t id;
    for (uint32_t i = 0; (id = sockets_nth(p->sockets, a->link, i)) != 0; i++) {
        if (sockets_local(p->sockets, id, ADDR_V4) == NULL)
            return false;
    }
    return true;
}

/* Fresh ones, within what one link may cost in mappings. */
static void want_sockets(struct punch *p, struct attempt *a, uint32_t wanted, struct out *out)
{
    sockets_release(p->sockets, a->link, out);
    for (uint32_t i = 0; i < wanted && a->sockets < p->limits.mappings; i++, a->sockets++) {
        if (sockets_want(p->sockets, ADDR_V4, SOCKET_FOR_PUNCH, a->link, out) == 0)
            return;
    }
}

/* ---- shots ---- */

static void shoot_from(struct punch *p, mist_time now, struct attempt *a, const struct volley *v,
                       uint32_t index, uint32_t shot, struct out *out)
{
    uint32_t id = sockets_nth(p->sockets, a->link, index);
    const struct addr *at = seen_at(a);
    struct candidate c = {.kind = CANDIDATE_SEEN};
    bool first = v->all ? shot == 0 : shot < sockets_of(p, a);
    if (id == 0 || at == NULL)
        return;
    c.addr = *at;
    attempt_probe(now, a, attempt_candidate(p, a, &c), shot % PUNCH_SLOTS, id, first ? v->ttl : 0,
                  out);
}

static void shoot_sockets(struct punch *p, mist_time now, struct attempt *a, const struct volley *v,
                          uint32_t shot, struct out *out)
{
    uint32_t n = sockets_of(p, a);
    for (uint32_t i = 0; i < n && v->all; i++)
        shoot_from(p, now, a, v, i, shot, out);
    if (n > 0 && !v->all)
        shoot_from(p, now, a, v, shot % n, shot, out);
}

static void shoot_candidates(mist_time now, struct attempt *a, const struct volley *v,
                             uint32_t shot, struct out *out)
{
    uint8_t ttl = shot == 0 ? v->ttl : 0;
    bool in_turn = v->at != NULL && v->every > 0; /* one check after the other (RFC 8445 14) */
    uint32_t round = in_turn ? shot / (a->count == 0 ? 1u : a->count) : shot;
    for (uint32_t copy = 0; copy < (v->burst == 0 ? 1u : v->burst); copy++) {
        for (uint32_t i = 0; i < a->count; i++) {
            if (!in_turn || i == shot % a->count)
                attempt_probe(now, a, i, round % PUNCH_SLOTS, 0, ttl, out);
        }
    }
}

/* The k-th port of a volley that guesses. */
static uint16_t guess(struct punch *p, const struct attempt *a, const struct volley *v, uint32_t k)
{
    const struct addr *seen = seen_at(a);
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

static void shoot_guess(struct punch *p, struct attempt *a, const struct volley *v, uint32_t shot,
                        struct out *out)
{
    uint32_t burst = v->burst == 0 ? 1 : v->burst, copies = v->copies == 0 ? 1 : v->copies;
    for (uint32_t i = 0; i < burst; i++) {
        struct addr to = a->order.at;
        uint32_t k = (shot * burst + i) / copies;
        to.port = guess(p, a, v, k);
        if (to.port == 0 || a->guesses == p->limits.probes)
            continue;
        a->guesses++;
        attempt_send(a, &to, 0, 0, a->spray_token | PUNCH_SPRAYED, k, out);
    }
}

/* From each fresh socket to one guessed port. */
static void shoot_ahead(struct punch *p, struct attempt *a, const struct volley *v, struct out *out)
{
    struct addr to = a->order.at;
    uint32_t n = sockets_of(p, a);
    to.port = guess(p, a, v, 0);
    for (uint32_t i = 0; i < n; i++)
        attempt_send(a, &to, sockets_nth(p->sockets, a->link, i), 0, a->spray_token | PUNCH_SPRAYED,
                     i, out);
}

/* From the socket that was measured, to the k-th port of the peer's aim. */
static void shoot_aimed(const struct punch *p, struct attempt *a, uint32_t k, struct out *out)
{
    struct addr to = a->order.at;
    uint32_t id = sockets_nth(p->sockets, a->link, 0);
    to.port = order_port(&a->order, k);
    if (id == 0 || to.port == 0 || a->guesses == p->limits.probes)
        return;
    a->guesses++;
    attempt_send(a, &to, id, 0, a->spray_token | PUNCH_SPRAYED, k, out);
}

/* The relay is asked for the port in the same moment in which the hole is made: of the
 * ports that others take meanwhile, none lies between. */
static void measure(struct punch *p, struct attempt *a, struct out *out)
{
    uint32_t id = sockets_nth(p->sockets, a->link, 0);
    if (id == 0)
        return;
    a->measure = rng_u32(p->rng) | 1;
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
    struct nature where = {.ports = p->mine->ports, .low = FIRST_PORT, .high = LAST_PORT};
    if (p->mine->ports == NATURE_BLOCK) {
        where.low = (uint16_t)(p->mine->low < FIRST_PORT + more ? FIRST_PORT : p->mine->low - more);
        where.high =
            (uint16_t)(p->mine->high > LAST_PORT - more ? LAST_PORT : p->mine->high + more);
    }
    aim(a, &where, &(struct addr){.family = ADDR_NONE}, out);
}

static void shoot(struct punch *p, mist_time now, struct attempt *a, const struct volley *v,
                  uint32_t shot, struct out *out)
{
    switch (v->target) {
    case TARGET_CANDIDATES: shoot_candidates(now, a, v, shot, out); break;
    case TARGET_MEASURE:
        if (shot == 0)
            measure(p, a, out);
        if ((a->relation & AIMED_BOTH) == 0) /* there the aim makes the hole */
            shoot_from(p, now, a, v, 0, shot, out);
        break;
    case TARGET_SEEN:
        shoot_sockets(p, now, a, v, shot, out);
        if (p->strategy->view == VIEW_PAIR)
            aim_at_held(p, a, BLOCK_MORE, out);
        break;
    case TARGET_AHEAD: shoot_ahead(p, a, v, out); break;
    case TARGET_AIM: shoot_aimed(p, a, 0, out); break;
    case TARGET_SCATTER: shoot_aimed(p, a, shot, out); break;
    default: shoot_guess(p, a, v, shot, out);
    }
}

/* ---- volleys ---- */

static bool guesses(const struct volley *v)
{
    return v->target >= TARGET_AIM;
}

/* So many ports of one address that its owner must have asked for it. */
static bool needs_echo(const struct volley *v)
{
    return guesses(v) && v->target != TARGET_AIM && v->target != TARGET_WINDOW &&
           v->target != TARGET_AHEAD;
}

static bool is_spray(const struct volley *v)
{
    return v->sockets > MANY || needs_echo(v);
}

static uint32_t shots_of(const struct punch *p, const struct attempt *a, const struct volley *v)
{
    uint32_t shots = v->shots == 0 ? p->limits.probes : v->shots;
    if (v->target == TARGET_SPRAY && v->ports == 0 && shots > a->order.count)
        shots = a->order.count;
    if (v->target == TARGET_SCATTER && shots > p->limits.mappings)
        shots = p->limits.mappings; /* each makes one */
    if (p->strategy->rounds && v->target == TARGET_CANDIDATES && shots > p->limits.rounds)
        shots = p->limits.rounds;
    if (v->at != NULL && v->every > 0)
        shots *= a->count == 0 ? 1 : a->count;
    return shots;
}

static mist_time gap_after(const struct punch *p, const struct attempt *a, const struct volley *v,
                           uint32_t shot)
{
    uint32_t n = a->count == 0 ? 1 : a->count;
    bool in_turn = v->at != NULL && v->every > 0;
    if (!in_turn)
        return punch_gap(v, shot, rng_u32(p->rng));
    if ((shot + 1) % n != 0)
        return v->every;
    mist_time round = v->at[shot / n + 1 < v->shots ? shot / n + 1 : shot / n] - v->at[shot / n];
    return round - v->every * (mist_time)(n - 1);
}

/* Does it fit, and are there sockets left for it in what one link may cost? */
static bool applies(const struct punch *p, const struct attempt *a, const struct volley *v)
{
    return (v->sockets == 0 || a->sockets < p->limits.mappings) &&
           (v->attempts == 0 || (v->attempts >> (a->number - 1) & 1) != 0) &&
           (v->relations & a->relation) != 0 && (v->roles == 0 || (v->roles & a->role) != 0);
}

/* The earliest shot; after the last one the end, when answers had their time. */
static void schedule(struct punch *p, mist_time now, struct attempt *a)
{
    mist_time at = MIST_NEVER;
    bool waits = false;
    for (uint32_t i = 0; i < PUNCH_VOLLEYS; i++) {
        const struct firing *f = &a->firings[i];
        waits |= f->volley != NULL && !f->begun;
        if (f->volley != NULL && f->begun && !f->over && f->next < at)
            at = f->next;
    }
    if (p->strategy->limit > 0)
        a->ends = a->began + p->strategy->limit;
    else if (at != MIST_NEVER)
        a->ends = MIST_NEVER;
    else if (waits && a->began + AIM_WAITS > now)
        a->ends = a->began + AIM_WAITS;
    else if (a->ends == MIST_NEVER)
        a->ends = now + p->strategy->patience;
    attempt_timer(p, a, at < a->ends ? at : a->ends);
}

static void add_firing(struct attempt *a, const struct volley *v)
{
    for (uint32_t i = 0; i < PUNCH_VOLLEYS; i++) {
        if (a->firings[i].volley != NULL)
            continue;
        a->firings[i] = (struct firing){.volley = v, .next = MIST_NEVER};
        return;
    }
    CHECK(false); /* no strategy has more for one relation and role */
}

/* Nobody sprays an address that has not asked for it: its echo is wanted. */
static bool echo_is_there(struct punch *p, struct attempt *a, struct out *out)
{
    if (a->echoed.family != ADDR_NONE) {
        a->order.at = a->echoed;
        return true;
    }
    if (a->echo_token == 0) {
        a->echo_token = rng_u32(p->rng) | 1;
        out_effect(out, &(struct effect){.kind = EFFECT_ATTEMPT, .link = a->link});
    }
    return false;
}

static bool may_begin(struct punch *p, struct attempt *a, const struct volley *v, struct out *out)
{
    if (v->sockets > 0 && !sockets_ready(p, a))
        return false;
    if (v->when == WHEN_AIMED && (!a->aimed || a->order.at.family == ADDR_NONE))
        return false;
    if ((a->relation & AIMED_BOTH) != 0 && v->when == WHEN_AIMED && a->own_aim != a->number)
        return false;
    if (is_spray(v) && p->spraying != 0 && p->spraying != a->link)
        return false;
    return !needs_echo(v) || echo_is_there(p, a, out);
}

/* What waited may go on, if it waits no more. */
static void begin_volleys(struct punch *p, mist_time now, struct attempt *a, struct out *out)
{
    for (uint32_t i = 0; i < PUNCH_VOLLEYS; i++) {
        struct firing *f = &a->firings[i];
        if (f->volley == NULL || f->begun || !may_begin(p, a, f->volley, out))
            continue;
        f->begun = true;
        f->next = now + f->volley->start;
        a->guessed |= guesses(f->volley);
        if (is_spray(f->volley))
            p->spraying = a->link;
    }
    schedule(p, now, a);
}

/* The order of guessed ports that a strategy brings along itself. */
static void order_own(struct punch *p, struct attempt *a, const struct volley *v)
{
    const struct addr *seen = seen_at(a);
    if (!guesses(v) || v->when == WHEN_AIMED || seen == NULL)
        return;
    if (a->order.at.family == ADDR_NONE)
        order_spray(p, &a->order, seen, FIRST_PORT, LAST_PORT);
}

static void start_attempt(struct punch *p, mist_time now, struct attempt *a, struct out *out)
{
    uint32_t sockets = 0;
    a->attempts++;
    a->sends = true;
    a->guessed = false;
    a->began = now;
    a->ends = MIST_NEVER;
    memset(a->firings, 0, sizeof a->firings);
    out_fact(out, FACT_PUNCH_STARTED, NULL, NULL, a->attempts, a->count);
    for (uint32_t i = 0; i < p->strategy->volley_count; i++) {
        const struct volley *v = &p->strategy->volleys[i];
        if (!applies(p, a, v))
            continue;
        order_own(p, a, v);
        add_firing(a, v);
        sockets = v->sockets > sockets ? v->sockets : sockets;
    }
    if (sockets > 0)
        want_sockets(p, a, sockets, out);
    begin_volleys(p, now, a, out);
}

static bool any_volley(const struct punch *p, const struct attempt *a)
{
    for (uint32_t i = 0; i < p->strategy->volley_count; i++) {
        if (applies(p, a, &p->strategy->volleys[i]))
            return true;
    }
    return false;
}

/* Another link's spray is under way, and this attempt would be one. */
static bool must_wait(const struct punch *p, const struct attempt *a)
{
    if (p->spraying == 0 || p->spraying == a->link)
        return false;
    for (uint32_t i = 0; i < p->strategy->volley_count; i++) {
        const struct volley *v = &p->strategy->volleys[i];
        if (applies(p, a, v) && is_spray(v) && v->when == WHEN_STARTED)
            return true;
    }
    return false;
}

/* ---- attempts ---- */

int punch_start(struct punch *p, mist_time now, mist_link link, const struct punch_peer *peer,
                mist_time delay, struct out *out)
{
    if (p->strategy == NULL)
        return MIST_OK; /* the relay will do */
    struct attempt *a = attempt_add(p, link);
    if (a == NULL) {
        out_fact(out, FACT_TABLE_FULL, NULL, NULL, 6, p->limits.attempts);
        return MIST_ERR_FULL;
    }
    for (uint32_t i = 0; i < peer->count; i++) {
        const struct candidate *c = &peer->candidates[i];
        if (attempt_usable(&c->addr) && !attempt_named_enough(a, &c->addr))
            (void)attempt_candidate(p, a, c);
    }
    if (peer->nature.mapping != 0)
        a->theirs = peer->nature;
    if (a->role == 0)
        a->role = (uint8_t)peer->role;
    if (a->running || a->attempts >= PUNCH_STARTS)
        return MIST_OK;
    a->running = true;
    a->number = 0;
    a->order.at.family = a->aimed ? a->order.at.family : ADDR_NONE;
    memset(a->firings, 0, sizeof a->firings);
    attempt_timer(p, a, now + delay);
    return MIST_OK;
}

void punch_again(struct punch *p, mist_time now, mist_link link, struct out *out)
{
    struct attempt *a = attempt_find(p, link);
    if (a != NULL && !a->running)
        (void)punch_start(p, now, link, &(struct punch_peer){.count = 0}, 0, out);
}

static void next_attempt(struct punch *p, mist_time now, struct attempt *a, struct out *out)
{
    a->number++;
    /* a small closed set, kept small */
    a->relation = (uint16_t)punch_relation(p->strategy->view, p->mine, &a->theirs);
    if (must_wait(p, a)) {
        a->number--;
        attempt_timer(p, a, now + BUSY_AGAIN);
        return;
    }
    if (a->number > 1 && any_volley(p, a)) /* a NAT may have moved either end since */
        out_effect(out, &(struct effect){.kind = EFFECT_ATTEMPT, .link = a->link});
    if (any_volley(p, a))
        start_attempt(p, now, a, out);
    else
        attempt_stop(p, a); /* this strategy has no more to offer to such a pair */
}

/* The attempt had its time: another one later, or none. */
static void end_attempt(struct punch *p, mist_time now, struct attempt *a, struct out *out)
{
    out_fact(out, FACT_PUNCH_FAILED, NULL, NULL, a->attempts, a->probes);
    uint8_t number = a->number, last = (uint8_t)(p->strategy->gap_count - 1);
    sockets_release(p->sockets, a->link, out);
    for (uint32_t i = 0; i < PUNCH_VOLLEYS; i++)
        a->order.done += a->firings[i].volley == NULL ? 0 : a->firings[i].volley->ports;
    if (a->aimed)
        a->order.at.family = ADDR_NONE; /* another attempt, another aim */
    a->aimed = false;
    attempt_stop(p, a);
    if (number >= p->strategy->attempts || a->attempts >= PUNCH_STARTS)
        return;
    a->running = true;
    attempt_timer(p, a, now + p->strategy->gaps[number - 1 < last ? number - 1 : last]);
}

static void fire(struct punch *p, mist_time now, struct attempt *a, struct firing *f,
                 struct out *out)
{
    uint32_t shot = f->shot++;
    shoot(p, now, a, f->volley, shot, out);
    f->over = f->shot >= shots_of(p, a, f->volley);
    if (!f->over)
        f->next = now + gap_after(p, a, f->volley, shot);
}

void punch_timer(struct punch *p, mist_time now, uint32_t index, struct out *out)
{
    struct attempt *a = &p->attempts[index];
    CHECK(index < p->used && a->link != 0);
    if (!a->running) {
        punch_forget(p, a->link); /* a challenge without an answer */
        return;
    }
    if (!a->sends) {
        next_attempt(p, now, a, out);
        return;
    }
    if (a->ends <= now) {
        end_attempt(p, now, a, out);
        return;
    }
    for (uint32_t i = 0; i < PUNCH_VOLLEYS && a->running; i++) {
        if (a->firings[i].begun && !a->firings[i].over && a->firings[i].next <= now)
            fire(p, now, a, &a->firings[i], out);
    }
    schedule(p, now, a);
}

/* ---- what an attempt waits for ---- */

void punch_socket(struct punch *p, mist_time now, mist_link link, struct out *out)
{
    struct attempt *a = attempt_find(p, link);
    if (a != NULL && a->running && a->sends)
        begin_volleys(p, now, a, out);
}

void punch_here(struct punch *p, mist_time now, const struct msg *here, struct out *out)
{
    for (uint32_t i = 0; i < p->used; i++) {
        struct attempt *a = &p->attempts[i];
        if (a->link == 0 || a->measure == 0 || a->measure != here->request || !a->running)
            continue;
        struct nature where = {.ports = NATURE_SEQUENTIAL,
                               .step = p->mine->step,
                               .low = here->addr.port,
                               .high = here->addr.port};
        a->measure = 0;
        a->own_aim = a->number;
        if (p->mine->ports == NATURE_SEQUENTIAL)
            aim(a, &where, &here->addr, out);
        else
            aim_at_held(p, a, BLOCK_EDGE, out);
        begin_volleys(p, now, a, out);
    }
}

static bool is_named(const struct attempt *a, const struct addr *addr)
{
    for (uint32_t i = 0; i < a->count; i++) {
        if (addr_same_ip(&a->candidates[i].addr, addr))
            return true;
    }
    return false;
}

/* Guessing by the aim that came before: the same again changes nothing. */
static bool already_guesses(const struct attempt *a)
{
    for (uint32_t i = 0; i < PUNCH_VOLLEYS; i++) {
        const struct firing *f = &a->firings[i];
        if (a->aimed && f->volley != NULL && f->begun && f->volley->when == WHEN_AIMED)
            return true;
    }
    return false;
}

void punch_aimed(struct punch *p, mist_time now, mist_link link, const struct msg *aim,
                 struct out *out)
{
    struct attempt *a = attempt_find(p, link);
    const struct nature *where = &aim->nature;
    if (a == NULL || p->strategy == NULL || p->strategy->view != VIEW_PAIR || already_guesses(a))
        return;
    const struct addr *seen = seen_at(a);
    if (where->step != 0 && attempt_usable(&aim->addr) && is_named(a, &aim->addr))
        a->order = (struct punch_order){
            .at = aim->addr, .low = where->low, .count = 1, .step = where->step};
    else if (where->step == 0 && seen != NULL && where->low >= FIRST_PORT &&
             where->low <= where->high)
        order_spray(p, &a->order, seen, where->low, where->high);
    else
        return;
    a->aimed = true;
    a->echo_token = 0; /* wanted still: ask again */
    if (!a->running)
        punch_again(p, now, link, out);
    else if (a->sends)
        begin_volleys(p, now, a, out);
}

uint32_t punch_echo_token(const struct punch *p, mist_link link)
{
    const struct attempt *a = attempt_find(p, link);
    return a == NULL ? 0 : a->echo_token;
}

void punch_echoed(struct punch *p, mist_time now, mist_link link, const struct msg *echoed,
                  struct out *out)
{
    struct attempt *a = attempt_find(p, link);
    if (a == NULL || a->echo_token == 0 || a->echo_token != echoed->request ||
        !attempt_usable(&echoed->addr))
        return;
    a->echoed = echoed->addr;
    a->echo_token = 0;
    if (a->running && a->sends)
        begin_volleys(p, now, a, out);
}
