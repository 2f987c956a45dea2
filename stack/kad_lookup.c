/* kad_lookup.c: iterative lookups: ask the closest known, hear of closer ones.
 *
 * One timer per lookup, at the earliest of:
 *   since + patience    a question is late: another candidate is asked besides,
 *                       and FIND goes out again, for it may have been lost
 *   began + GIVE_UP     the candidate has failed
 *   LOOKUP_LIMIT        the lookup ends with what it has */
#include <string.h>

#include "stack/check.h"
#include "stack/kad_parts.h"

#define PATIENCE_START                                                                             \
    MS(500)                   /* per round trip, unmeasured: above the p95 of wired hosts, 329 ms */
#define PATIENCE_MIN  MS(150) /* less would ask too many on the jitter of an access link */
#define PATIENCE_MAX  MS(1500) /* p95 of a question in a live overlay is 1.1 s (IPFS, 2021) */
#define GIVE_UP       SEC(4)  /* four tries of a handshake are over by then but for the last wait */
#define LOOKUP_LIMIT  SEC(10) /* p99 of lookups in a live overlay is 3.2 s (IPFS, 2021) */
#define PARALLEL_NEXT 10      /* questions in flight once anybody has answered */
#define QUESTIONS     126     /* of one lookup; p90 of full walks in a live overlay (IPFS, 2021) */
#define PARALLEL_LAST KAD_K   /* questions in flight once the closest node has answered */

/* ---- patience ---- */

void kad_measure(struct kad *k, mist_time rtt)
{
    if (k->srtt == 0) {
        k->srtt = rtt;
        k->rttvar = rtt / 2;
        return;
    }
    mist_time error = rtt > k->srtt ? rtt - k->srtt : k->srtt - rtt;
    k->rttvar += (error - k->rttvar) / 4;
    k->srtt += (rtt - k->srtt) / 8;
}

/* How long a question may take before it is repeated and somebody else is asked
 * besides: RFC 6298, of all that this node asks. */
static mist_time patience(const struct kad *k)
{
    if (k->srtt == 0)
        return PATIENCE_START;
    mist_time t = k->srtt + 4 * k->rttvar;
    return t < PATIENCE_MIN ? PATIENCE_MIN : t > PATIENCE_MAX ? PATIENCE_MAX : t;
}

/* How long before the result stands without its answer: the repeat had its time, too. */
static mist_time last_wait(const struct kad *k)
{
    return 2 * patience(k);
}

/* ---- asking ---- */

static bool in_flight(const struct kad_candidate *c)
{
    return c->state == KAD_REACHING || c->state == KAD_ASKED;
}

static void put_find(struct msg *m, const struct kad_lookup *l, const struct kad_candidate *c)
{
    *m = (struct msg){.type = MSG_FIND, .request = c->request, .key = l->target};
}

static void reach(struct kad_lookup *l, struct kad_candidate *c, mist_time now, struct out *out)
{
    l->asked++;
    c->state = KAD_REACHING;
    c->link = 0;
    c->late = c->overdue = false;
    c->began = c->since = now;
    c->tries++;
    out_reach(out, &c->contact);
}

/* The question is on its way; link 0: in the handshake. */
static void mark_asked(struct kad *k, struct kad_candidate *c, mist_time now, mist_link link)
{
    if (c->request == 0) {
        c->request = ++k->last_request == 0 ? ++k->last_request : k->last_request;
    } else {
        c->repeated = true;
    }
    c->state = KAD_ASKED;
    c->link = link;
    c->since = now;
    c->late = c->overdue = false;
}

static void ask(struct kad *k, const struct kad_lookup *l, struct kad_candidate *c, mist_time now,
                mist_link link, struct out *out)
{
    struct msg m;
    mark_asked(k, c, now, link);
    put_find(&m, l, c);
    out_send(out, link, &m);
}

static bool any_in_flight(const struct kad_lookup *l)
{
    for (uint32_t i = 0; i < l->count; i++) {
        if (in_flight(&l->list[i]))
            return true;
    }
    return false;
}

static uint32_t questions(const struct kad_lookup *l)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < l->count; i++)
        n += in_flight(&l->list[i]) && !l->list[i].late;
    return n;
}

/* With the first answer the way is known.  Once nothing is nearer than who has
 * answered, all that is left is to ask the other KAD_K, which costs the same in parallel. */
static uint32_t parallel(const struct kad_lookup *l)
{
    for (uint32_t i = 0; i < l->count; i++) {
        const struct kad_candidate *c = &l->list[i];
        if (c->state != KAD_FAILED && !c->late)
            return c->state == KAD_ANSWERED ? PARALLEL_LAST
                   : l->answers > 0         ? PARALLEL_NEXT
                                            : KAD_ALPHA;
    }
    return KAD_ALPHA;
}

/* The nearest of those that count while they are neither failed nor late; those that
 * failed last time wait for the others. */
static struct kad_candidate *next_to_ask(struct kad_lookup *l)
{
    struct kad_candidate *doubtful = NULL;
    if (l->asked >= QUESTIONS)
        return NULL;
    for (uint32_t i = 0; i < l->count; i++) {
        struct kad_candidate *c = &l->list[i];
        if ((c->ranks & KAD_IN_TIME) == 0 || c->state != KAD_HEARD)
            continue;
        if (!c->doubtful)
            return c;
        if (doubtful == NULL)
            doubtful = c;
    }
    return doubtful;
}

/* ---- results ---- */

static void tell_found(struct kad_lookup *l, struct kad_candidate *c, struct out *out)
{
    struct effect e = {.kind = EFFECT_FOUND,
                       .link = c->link,
                       .value = l->owner,
                       .addr = c->contact.addr,
                       .contact = c->contact};
    if (c->found)
        return;
    c->found = true;
    memcpy(e.key, l->target, WIRE_ID);
    if (l->owner != KAD_OWNER_UPKEEP)
        out_effect(out, &e);
}

struct progress {
    bool settled;  /* whoever counts and is not overdue has answered */
    bool complete; /* whoever counts has, or failed */
};

/* Tells the owner of answers that count. */
static struct progress announce(struct kad_lookup *l, struct out *out)
{
    struct progress p = {true, true};
    kad_rank(l);
    for (uint32_t i = 0; i < l->count; i++) {
        struct kad_candidate *c = &l->list[i];
        bool answered = c->state == KAD_ANSWERED;
        if ((c->ranks & KAD_ALIVE) != 0 && !answered)
            p.complete = false;
        if ((c->ranks & KAD_PROMPT) == 0)
            continue;
        if (answered)
            tell_found(l, c, out);
        else
            p.settled = false;
    }
    return p;
}

static uint32_t hops_of(const struct kad_lookup *l)
{
    for (uint32_t i = 0; i < l->count; i++) {
        if (l->list[i].state == KAD_ANSWERED)
            return l->list[i].depth;
    }
    return 0;
}

static uint32_t timer_of(const struct kad *k, const struct kad_lookup *l)
{
    return k->first_timer + (uint32_t)(l - k->lookup);
}

static void end(struct kad *k, struct kad_lookup *l)
{
    l->active = false;
    timers_set(k->timers, timer_of(k, l), MIST_NEVER);
}

/* What the lookup brought, once: those who are overdue may still be found. */
static void report(mist_time now, struct kad_lookup *l, struct out *out)
{
    uint32_t hops = hops_of(l);
    if (l->reported)
        return;
    l->reported = true;
    if (!l->closed)
        out_fact(out, FACT_LOOKUP_ENDED, l->target, NULL, l->answers, hops);
    if (l->owner == KAD_OWNER_UPKEEP)
        return;
    struct effect e = {
        .kind = EFFECT_LOOKUP_DONE, .value = l->owner, .number = (uint64_t)hops << 32 | l->answers};
    memcpy(e.key, l->target, WIRE_ID);
    out_effect(out, &e);
    out_event(out, &(struct mist_event){.kind = MIST_EVENT_LOOKUP,
                                        .count = l->answers,
                                        .hops = hops,
                                        .rtt = now - l->began,
                                        .reason = l->answers > 0 ? MIST_REASON_NONE
                                                                 : MIST_REASON_NOT_FOUND});
}

static void finish(struct kad *k, mist_time now, struct kad_lookup *l, struct out *out)
{
    for (uint32_t i = 0; i < l->count; i++) {
        if (l->list[i].state != KAD_ANSWERED)
            l->list[i].state = KAD_FAILED;
    }
    (void)announce(l, out);
    report(now, l, out);
    end(k, l);
    struct effect e = {.kind = EFFECT_LOOKUP_OVER, .value = l->owner};
    memcpy(e.key, l->target, WIRE_ID);
    if (l->owner != KAD_OWNER_UPKEEP)
        out_effect(out, &e);
}

static void arm(struct kad *k, const struct kad_lookup *l)
{
    mist_time next = l->began + LOOKUP_LIMIT;
    for (uint32_t i = 0; i < l->count; i++) {
        const struct kad_candidate *c = &l->list[i];
        if (!in_flight(c))
            continue;
        mist_time limit = c->late ? last_wait(k) : patience(k);
        if (!c->overdue && c->since + limit < next)
            next = c->since + limit;
        if (c->began + GIVE_UP < next)
            next = c->began + GIVE_UP;
    }
    timers_set(k->timers, timer_of(k, l), next);
}

/* Whatever changed, here a lookup goes on or ends. */
static void advance(struct kad *k, mist_time now, struct kad_lookup *l, struct out *out)
{
    struct progress p = announce(l, out);
    struct kad_candidate *c;
    if (p.complete) {
        finish(k, now, l, out);
        return;
    }
    if (p.settled)
        report(now, l, out);
    while (questions(l) < parallel(l) && (c = next_to_ask(l)) != NULL)
        reach(l, c, now, out); /* in time still: no rank changes */
    if (l->asked < QUESTIONS || any_in_flight(l))
        arm(k, l);
    else
        finish(k, now, l, out); /* somebody makes up nearer ones without end */
}

/* ---- the lookup's life ---- */

static struct kad_lookup *begin(struct kad *k, mist_time now, const uint8_t target[WIRE_ID],
                                uint32_t owner, struct out *out)
{
    for (uint32_t i = 0; i < k->lookup_limit; i++) {
        struct kad_lookup *l = &k->lookup[i];
        if (l->active)
            continue;
        l->active = true;
        l->closed = l->reported = false;
        l->began = now;
        l->owner = owner;
        l->count = 0;
        l->asked = 0;
        l->answers = 0;
        memcpy(l->target, target, WIRE_ID);
        return l;
    }
    out_fact(out, FACT_TABLE_FULL, target, NULL, 2, owner);
    return NULL;
}

int kad_lookup(struct kad *k, mist_time now, const uint8_t target[WIRE_ID], uint32_t owner,
               const struct contact *extra, uint32_t extra_count, struct out *out)
{
    struct kad_lookup *l = begin(k, now, target, owner, out);
    if (l == NULL)
        return MIST_ERR_FULL;
    k->bucket[kad_bucket_of(k, target)].looked_up = now;
    struct contact near[KAD_K];
    uint32_t n = kad_closest(k, target, near, KAD_K);
    for (uint32_t i = 0; i < n; i++)
        kad_insert(k, l, &near[i], (uint8_t)(i % KAD_PATHS))->doubtful =
            kad_entry_of(k, near[i].id)->failures > 0;
    for (uint32_t i = 0; i < extra_count; i++)
        kad_insert(k, l, &extra[i], (uint8_t)((n + i) % KAD_PATHS));
    advance(k, now, l, out);
    return 0;
}

int kad_ping(struct kad *k, mist_time now, const struct contact *c, struct out *out)
{
    struct kad_lookup *l = begin(k, now, k->self, KAD_OWNER_UPKEEP, out);
    if (l == NULL)
        return MIST_ERR_FULL;
    l->closed = true;
    kad_insert(k, l, c, 0);
    advance(k, now, l, out);
    return 0;
}

void kad_cancel(struct kad *k, uint32_t owner)
{
    for (uint32_t i = 0; i < k->lookup_limit; i++) {
        if (k->lookup[i].active && k->lookup[i].owner == owner)
            end(k, &k->lookup[i]);
    }
}

void kad_link_up(struct kad *k, mist_time now, const uint8_t id[WIRE_ID], mist_link link,
                 struct out *out)
{
    for (uint32_t i = 0; i < k->lookup_limit; i++) {
        struct kad_lookup *l = &k->lookup[i];
        struct kad_candidate *c = kad_candidate_of(l, id);
        if (c == NULL)
            continue;
        if (c->state == KAD_REACHING) {
            ask(k, l, c, now, link, out);
            advance(k, now, l, out);
        } else if (c->state == KAD_ASKED && c->link == 0) {
            c->link = link;
        }
    }
}

/* What fails in the very instant it was asked for never left this node (its
 * link table is full): the peer is not to blame. */
void kad_link_failed(struct kad *k, mist_time now, const uint8_t id[WIRE_ID], struct out *out)
{
    bool tried = true;
    for (uint32_t i = 0; i < k->lookup_limit; i++) {
        struct kad_lookup *l = &k->lookup[i];
        struct kad_candidate *c = kad_candidate_of(l, id);
        if (c == NULL || !in_flight(c) || c->link != 0)
            continue;
        tried = c->began < now;
        c->state = KAD_FAILED;
        advance(k, now, l, out);
    }
    if (tried)
        kad_failed(k, now, id, out);
}

size_t kad_first(struct kad *k, mist_time now, const uint8_t id[WIRE_ID], uint8_t *buffer,
                 size_t size)
{
    size_t used = 0;
    for (uint32_t i = 0; i < k->lookup_limit; i++) {
        struct kad_lookup *l = &k->lookup[i];
        struct kad_candidate *c = kad_candidate_of(l, id);
        if (c == NULL || !in_flight(c) || c->link != 0)
            continue;
        struct msg m = {.type = MSG_FIND, .key = l->target};
        if (wire_put_size(&m) > size - used)
            break;
        mark_asked(k, c, now, 0);
        put_find(&m, l, c);
        used += wire_put(buffer + used, size - used, &m);
        arm(k, l);
    }
    return used;
}

/* The question that an answer answers: the same peer, the same number. */
static struct kad_candidate *asked(struct kad *k, const uint8_t peer[WIRE_ID], uint32_t request,
                                   struct kad_lookup **lookup)
{
    for (uint32_t i = 0; i < k->lookup_limit; i++) {
        struct kad_candidate *c = kad_candidate_of(&k->lookup[i], peer);
        if (c != NULL && c->request == request && c->state != KAD_ANSWERED) {
            *lookup = &k->lookup[i];
            return c;
        }
    }
    return NULL;
}

void kad_nodes(struct kad *k, mist_time now, mist_link link, const uint8_t peer[WIRE_ID],
               const struct msg *m, struct out *out)
{
    struct kad_lookup *l;
    struct kad_candidate *c = m->request == 0 ? NULL : asked(k, peer, m->request, &l);
    if (c == NULL)
        return;
    if (c->state == KAD_ASKED && !c->repeated)
        kad_measure(k, now - c->since);
    c->state = KAD_ANSWERED;
    c->link = link;
    c->late = c->overdue = false;
    l->answers++;
    const struct kad_candidate teller = *c;
    for (uint32_t i = 0; i < m->count && !l->closed; i++) {
        struct contact heard;
        wire_contact(m, i, &heard);
        kad_hear(k, now, l, &heard, &teller);
    }
    advance(k, now, l, out);
}

/* ---- time ---- */

/* A link that stands but does not answer: the peer may have lost its state, so
 * it is met anew, once. */
static void give_up(struct kad *k, mist_time now, struct kad_lookup *l, struct kad_candidate *c,
                    struct out *out)
{
    bool silent = c->state == KAD_ASKED && c->link != 0;
    if (silent)
        out_effect(out, &(struct effect){.kind = EFFECT_FORSAKE, .link = c->link});
    if (silent && c->tries < KAD_TRIES) {
        reach(l, c, now, out);
        return;
    }
    c->state = KAD_FAILED;
    if (silent)
        kad_failed(k, now, c->contact.id, out);
}

static void become_late(const struct kad_lookup *l, struct kad_candidate *c, struct out *out)
{
    c->late = true;
    if (c->state != KAD_ASKED || c->link == 0)
        return;
    struct msg m;
    c->repeated = true;
    put_find(&m, l, c);
    out_send(out, c->link, &m);
}

/* On a link that stands, the mux finds out whether it is dead; a handshake goes on
 * by itself. */
static void become_overdue(struct kad_candidate *c, struct out *out)
{
    c->overdue = true;
    if (c->state == KAD_ASKED && c->link != 0)
        out_effect(out, &(struct effect){.kind = EFFECT_PING, .link = c->link});
}

void kad_lookup_timer(struct kad *k, mist_time now, struct kad_lookup *l, struct out *out)
{
    if (!l->active)
        return;
    if (now >= l->began + LOOKUP_LIMIT) {
        finish(k, now, l, out);
        return;
    }
    for (uint32_t i = 0; i < l->count; i++) {
        struct kad_candidate *c = &l->list[i];
        if (!in_flight(c))
            continue;
        if (now >= c->began + GIVE_UP)
            give_up(k, now, l, c, out);
        else if (!c->late && now >= c->since + patience(k))
            become_late(l, c, out);
        else if (c->late && !c->overdue && now >= c->since + last_wait(k))
            become_overdue(c, out);
    }
    advance(k, now, l, out);
}
