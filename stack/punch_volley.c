/* punch_volley.c: which volleys an attempt has, when they begin and end; see punch.h. */
#include <string.h>

#include "stack/check.h"
#include "stack/punch_attempt.h"

#define BUSY_AGAIN SEC(2)
#define AIM_WAITS  SEC(6) /* an end that is to be told where to aim waits that long */
#define ONE_SHOTS  3      /* attempts after which a pair of counted ports is taken for a busy one */
#define MANY       8      /* sockets or guessed ports from which on an attempt is a spray */

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

/* Of one shot after the other: so many until each had its turn. */
static uint32_t in_a_round(const struct punch *p, const struct attempt *a, const struct volley *v)
{
    uint32_t n = v->all ? shot_sockets(p, a) : a->count;
    return n == 0 ? 1 : n;
}

static uint32_t shots_of(const struct punch *p, const struct attempt *a, const struct volley *v)
{
    uint32_t shots = v->shots == 0 ? p->limits.probes : v->shots;
    if (v->target == TARGET_SPRAY && v->ports == 0 && shots > a->order.count)
        shots = a->order.count;
    if (p->strategy->rounds && v->target == TARGET_CANDIDATES && shots > p->limits.rounds)
        shots = p->limits.rounds;
    return shot_in_turn(v) ? shots * in_a_round(p, a, v) : shots;
}

static mist_time gap_after(const struct punch *p, const struct attempt *a, const struct volley *v,
                           uint32_t shot)
{
    uint32_t n = in_a_round(p, a, v);
    if (!shot_in_turn(v))
        return punch_gap(v, shot, rng_u32(p->rng));
    if ((shot + 1) % n != 0)
        return v->every;
    mist_time round = v->at[shot / n + 1 < v->shots ? shot / n + 1 : shot / n] - v->at[shot / n];
    return round - v->every * (mist_time)(n - 1);
}

/* Does it fit, and are there sockets left for it in what one link may cost? */
static bool applies(const struct punch *p, const struct attempt *a, const struct volley *v)
{
    return (v->sockets == 0 || a->mappings < p->limits.mappings) &&
           (v->attempts == 0 || (v->attempts >> (a->number - 1) & 1) != 0) &&
           (v->relations & a->relation) != 0 && (v->roles == 0 || (v->roles & a->role) != 0);
}

static mist_time earlier(mist_time a, mist_time b)
{
    return a < b ? a : b;
}

static mist_time gives_up(const struct punch *p, const struct attempt *a)
{
    return p->limits.time_s == 0 ? MIST_NEVER : a->since + SEC((mist_time)p->limits.time_s);
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
    mist_time ends = earlier(a->ends, gives_up(p, a));
    attempt_timer(p, a, earlier(at, ends));
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
    if (v->sockets > 0 && !shot_sockets_ready(p, a))
        return false;
    if (v->when == WHEN_AIMED && (!a->aimed || a->order.at.family == ADDR_NONE))
        return false;
    if ((a->relation & RELATION_AIMED_BOTH) != 0 && v->when == WHEN_AIMED &&
        a->own_aim != a->number)
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
    const struct addr *seen = shot_seen_at(a);
    if (!guesses(v) || v->when == WHEN_AIMED || seen == NULL)
        return;
    if (a->order.at.family == ADDR_NONE)
        shot_order(p, &a->order, seen, SHOT_PORT_LOW, SHOT_PORT_HIGH);
}

static void start_attempt(struct punch *p, mist_time now, struct attempt *a, struct out *out)
{
    uint32_t sockets = 0;
    a->attempts++;
    a->sends = true;
    a->guessed = false;
    a->scattered = 0;
    a->own_aim = 0;
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
        shot_want_sockets(p, a, sockets, out);
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
    if (peer->vouched.family != ADDR_NONE)
        a->vouched = peer->vouched;
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
    a->since = a->number == 0 ? now : a->since;
    a->number++;
    /* a small closed set, kept small */
    a->relation =
        (uint16_t)punch_relation(p->strategy->view, a->number > ONE_SHOTS, p->mine, &a->theirs);
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
    if (number >= p->strategy->attempts || a->attempts >= PUNCH_STARTS || gives_up(p, a) <= now)
        return;
    a->running = true;
    attempt_timer(p, a, now + p->strategy->gaps[number - 1 < last ? number - 1 : last]);
}

static void fire(struct punch *p, mist_time now, struct attempt *a, struct firing *f,
                 struct out *out)
{
    uint32_t shot = f->shot++;
    shot_fire(p, now, a, f->volley, shot, out);
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
    if (a->ends <= now || gives_up(p, a) <= now) {
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
        a->measure = 0;
        a->own_aim = a->number;
        a->here = here->addr;
        shot_tell(p, a, &here->addr, out);
        begin_volleys(p, now, a, out);
    }
}

/* Does the peer itself say that it is at that IP? */
static bool is_named(const struct attempt *a, const struct addr *addr)
{
    for (uint32_t i = 0; i < a->count; i++) {
        if (a->candidates[i].kind != CANDIDATE_TOLD && addr_same_ip(&a->candidates[i].addr, addr))
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

/* Every `step`-th port from the one after `low` to `high`; without end if they are equal. */
static void order_steps(struct punch *p, struct punch_order *o, const struct addr *at,
                        const struct nature *where)
{
    int span = (int16_t)(uint16_t)(where->high - where->low), count = span / where->step;
    if (count > 0 && p->mine->ports == NATURE_SEQUENTIAL)
        shot_order(p, o, at, 1, (uint32_t)count); /* two in step would miss each other for ever */
    else
        *o = (struct punch_order){.count = count > 0 ? (uint32_t)count : UINT16_MAX, .stride = 1};
    o->at = *at;
    o->low = where->low;
    o->step = where->step;
}

void punch_aimed(struct punch *p, mist_time now, mist_link link, const struct msg *aim,
                 struct out *out)
{
    struct attempt *a = attempt_find(p, link);
    const struct nature *where = &aim->nature;
    if (a == NULL || p->strategy == NULL || p->strategy->view != VIEW_PAIR || already_guesses(a))
        return;
    const struct addr *seen = shot_seen_at(a);
    if (where->step != 0 && attempt_usable(&aim->addr) && is_named(a, &aim->addr))
        order_steps(p, &a->order, &aim->addr, where);
    else if (where->step == 0 && seen != NULL && where->low >= SHOT_PORT_LOW &&
             where->low <= where->high)
        shot_order(p, &a->order, seen, where->low, where->high);
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

void punch_vouched(struct punch *p, mist_link link, const struct addr *seen)
{
    struct attempt *a = attempt_find(p, link);
    if (a != NULL && is_named(a, seen))
        a->vouched = *seen;
}

void punch_echoed(struct punch *p, mist_time now, mist_link link, const struct msg *echoed,
                  struct out *out)
{
    struct attempt *a = attempt_find(p, link);
    if (a == NULL || a->echo_token == 0 || a->echo_token != echoed->request ||
        !attempt_usable(&echoed->addr) ||
        !(a->role == PUNCH_ACCEPTOR ? attempt_vouched(a, &echoed->addr)
                                    : is_named(a, &echoed->addr)))
        return; /* the relay, too, is believed only in what the peer says itself */
    a->echoed = echoed->addr;
    a->echo_token = 0;
    if (a->running && a->sends)
        begin_volleys(p, now, a, out);
}
