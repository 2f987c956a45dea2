/* workload.c: what the hosts do: dial each other; publications.c: publish.
 *
 * Every time, peer and payload is a keyed draw of (host, workload, ordinal), so
 * it depends on nothing that happens in the run. */
#include <stdlib.h>
#include <string.h>

#include "sim/draw.h"
#include "sim/record.h"
#include "sim/world_parts.h"
#include "stack/check.h"

#define FIRST_CONN UINT32_C(1)

/* A dial that talks sends TALK_SIZE bytes: TALK_MARK, where it stands among the dials,
 * its number, and when it was sent, all little-endian. */
#define TALK_SIZE 64u
#define TALK_MARK UINT32_C(0x6b6c6154)
/* It carries data if its target heard something within so many of its intervals. */
#define TALK_FRESH 3
/* A dial counts for recovery if its window leaves it this long: far above what the
 * slowest healthy recovery takes, a renewed join with its retries. */
#define RECOVERY_WATCH MINUTES(1)

static uint64_t key_of(uint32_t workload, uint64_t ordinal)
{
    CHECK(ordinal <= UINT32_MAX && workload < 1u << 15);
    return (uint64_t)workload << 32 | ordinal;
}

/* ---- who and when ---- */

static void add_members(const struct world *w, const bool *groups, uint32_t *list, uint32_t *count)
{
    for (uint32_t i = 0; i < w->plan->host_count; i++) {
        if (groups[w->plan->hosts[i].population])
            list[(*count)++] = i;
    }
}

static const uint32_t *sources(const struct world *w, uint32_t k)
{
    return w->members[k];
}

static const uint32_t *targets(const struct world *w, uint32_t k)
{
    return w->members[k] + w->src_count[k];
}

/* The place of a host in a sorted list, or UINT32_MAX. */
static uint32_t place_in(const uint32_t *list, uint32_t count, uint32_t host)
{
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (list[middle] < host)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && list[low] == host ? low : UINT32_MAX;
}

/* Evenly spaced over the whole workload: in round r every source takes its turn. */
static mist_time pair_time(const struct world *w, uint32_t k, uint32_t place, uint64_t ordinal)
{
    const struct plan_workload *work = &w->plan->workloads[k];
    uint64_t total = (uint64_t)w->src_count[k] * w->dst_count[k];
    uint64_t index = ordinal * w->src_count[k] + place;
    if (ordinal >= w->dst_count[k])
        return MIST_NEVER;
    mist_time span = work->until - work->from;
    return work->from + (mist_time)((__extension__(unsigned __int128) span * index) / total);
}

static mist_time next_time(const struct world *w, uint32_t host, uint32_t k, mist_time last,
                           uint64_t ordinal)
{
    const struct plan_workload *work = &w->plan->workloads[k];
    uint32_t place = place_in(sources(w, k), w->src_count[k], host);
    if (place == UINT32_MAX || w->dst_count[k] == 0)
        return MIST_NEVER;
    if (work->kind == WORK_DIAL_ALL_PAIRS)
        return pair_time(w, k, place, ordinal);
    if (work->rate_uhz == 0)
        return MIST_NEVER;
    mist_time mean = (mist_time)(UINT64_C(1000000000000000) / work->rate_uhz);
    mist_time gap = draw_exponential(w->plan->seed, host, DRAW_WORK_TIME, key_of(k, ordinal), mean);
    mist_time at = last + gap;
    return at < work->until ? at : MIST_NEVER;
}

/* The peer of the ordinal-th act; the host itself: none this time. */
static uint32_t peer_of(const struct world *w, uint32_t host, uint32_t k, uint64_t ordinal)
{
    uint32_t n = w->dst_count[k];
    if (w->plan->workloads[k].kind == WORK_DIAL_ALL_PAIRS) {
        uint32_t place = place_in(sources(w, k), w->src_count[k], host);
        return targets(w, k)[(place + ordinal) % n];
    }
    uint32_t self = place_in(targets(w, k), n, host);
    if (self == UINT32_MAX)
        return targets(w,
                       k)[draw_below(w->plan->seed, host, DRAW_WORK_PEER, key_of(k, ordinal), n)];
    if (n == 1)
        return host;
    uint32_t other =
        (uint32_t)draw_below(w->plan->seed, host, DRAW_WORK_PEER, key_of(k, ordinal), n - 1);
    return targets(w, k)[other < self ? other : other + 1];
}

static void schedule(struct world *w, uint32_t host)
{
    mist_time at = MIST_NEVER;
    for (uint32_t k = 0; k < w->plan->workload_count; k++) {
        mist_time next = workload_progress(w, host, k)->next;
        at = next < at ? next : at;
    }
    for (uint32_t i = w->hosts[host].dials; i != DIAL_NONE; i = w->dials[i].next) {
        const struct dial *d = &w->dials[i];
        at = d->end < at ? d->end : at;
        at = d->next_talk < at ? d->next_talk : at;
    }
    w->hosts[host].work = at;
}

/* ---- dials ---- */

static uint32_t dial_new(struct world *w)
{
    if (w->dial_free != DIAL_NONE) {
        uint32_t i = w->dial_free;
        w->dial_free = w->dials[i].next;
        return i;
    }
    if (w->dial_used == w->dial_limit) {
        w->dial_limit = w->dial_limit == 0 ? 1024 : w->dial_limit * 2;
        w->dials = realloc(w->dials, w->dial_limit * sizeof *w->dials);
        CHECK(w->dials != NULL);
    }
    return w->dial_used++;
}

static struct dial *dial_of(const struct world *w, uint32_t host, uint32_t conn)
{
    for (uint32_t i = w->hosts[host].dials; i != DIAL_NONE; i = w->dials[i].next) {
        if (w->dials[i].conn == conn)
            return &w->dials[i];
    }
    return NULL;
}

static void start_dial(struct world *w, mist_time now, uint32_t host, uint32_t peer,
                       const struct plan_workload *work)
{
    struct host *h = &w->hosts[host];
    char name[MIST_NAME];
    uint8_t person[MIST_ID];
    uint32_t i = dial_new(w);
    w->dials[i] = (struct dial){.at = now,
                                .end = now + work->window,
                                .src = host,
                                .dst = peer,
                                .src_place = h->place,
                                .dst_place = w->hosts[peer].place,
                                .talk = work->talk,
                                .next_talk = MIST_NEVER,
                                .heard = RECORD_NONE,
                                .since = RECORD_NONE,
                                .checked = work->persons != PERSONS_UNKNOWN,
                                .number = ++w->dial_number,
                                .conn = FIRST_CONN + h->next_conn++,
                                .next = h->dials,
                                .first = RECORD_NONE,
                                .direct = RECORD_NONE,
                                .rtt_first = RECORD_NONE,
                                .rtt_final = RECORD_NONE};
    h->dials = i;
    struct mist_wish wish = {.size = sizeof wish,
                             .kind = MIST_WISH_CONNECT,
                             .id = w->dials[i].conn,
                             .name = (const uint8_t *)name,
                             .name_length = (uint32_t)world_name(w, peer, name, sizeof name)};
    if (work->persons == PERSONS_PINNED) {
        uint8_t seed[32];
        persons_of(w, peer, person, seed);
        wish.bytes = person;
        wish.length = sizeof person;
    }
    int error = h->joined ? w->kind->wish(w, now, host, &wish) : MIST_ERR_STATE;
    if (error != MIST_OK) {
        w->dials[i].over = true;
        w->dials[i].reason = h->joined ? MIST_REASON_REFUSED : MIST_REASON_NOT_JOINED;
    }
}

static const char *outcome_of(struct world *w, const struct dial *d)
{
    w->seen.dials++;
    if (d->direct != RECORD_NONE) {
        w->seen.direct++;
        return "direct";
    }
    if (d->first != RECORD_NONE) {
        w->seen.relayed++;
        return "relayed";
    }
    w->seen.failed++;
    return "failed";
}

/* Was its node up from then until now? */
static bool stayed(const struct world *w, uint32_t host, mist_time since)
{
    return w->hosts[host].runs && w->hosts[host].up_since <= since;
}

/* Why a dial failed: what the core says, unless an end was off, which no protocol
 * can help; self: the source's node stops now. */
static const char *reason_of(const struct world *w, const struct dial *d, bool self)
{
    bool failed = d->first == RECORD_NONE;
    if (failed && self)
        return "self_offline";
    if (failed && !stayed(w, d->dst, d->at))
        return "peer_offline";
    return world_core_word(&w->hosts[d->src].core->reasons, d->reason);
}

static void end_dial(struct world *w, mist_time now, uint32_t host, uint32_t i, bool self)
{
    struct dial *d = &w->dials[i];
    if (!d->over) {
        struct mist_wish wish = {.size = sizeof wish, .kind = MIST_WISH_CLOSE, .id = d->conn};
        (void)w->kind->wish(w, now, host, &wish);
        d = &w->dials[i];
    }
    if (d->since != RECORD_NONE && !self && stayed(w, d->dst, d->at) && w->options->record != NULL)
        record_recovery(w->options->record, d->fault, d->number, RECORD_NONE);
    if (d->first == RECORD_NONE && d->reason == MIST_REASON_NONE)
        d->reason = MIST_REASON_TIMEOUT;
    const char *reason = reason_of(w, d, self);
    world_record_dial(w, d, outcome_of(w, d), reason);
    uint32_t *at = &w->hosts[host].dials;
    while (*at != i)
        at = &w->dials[*at].next;
    *at = d->next;
    d->dst = PLAN_NONE; /* what still arrives is nobody's */
    d->next = w->dial_free;
    w->dial_free = i;
}

/* Direct beats relayed, and among the direct the latest counts. */
static bool is_direct(uint32_t path)
{
    return path != MIST_PATH_NONE && path != MIST_PATH_RELAY && path != MIST_PATH_RELAY2;
}

static void path_used(struct dial *d, mist_time now, const struct mist_event *e)
{
    mist_time since = now - d->at;
    if (d->first == RECORD_NONE)
        d->first = since;
    if (is_direct(e->path) && d->direct == RECORD_NONE)
        d->direct = since;
    if (is_direct(e->path) || !is_direct(d->path))
        d->path = (uint8_t)e->path;
    if (e->rtt > 0 && d->rtt_first == RECORD_NONE)
        d->rtt_first = e->rtt;
    if (e->rtt > 0)
        d->rtt_final = e->rtt;
}

/* Not from within the drain: its host looks at it next. */
static void begin_to_talk(struct world *w, mist_time now, struct dial *d)
{
    if (d->talk == 0 || d->next_talk != MIST_NEVER)
        return;
    d->next_talk = now;
    w->hosts[d->src].work = now;
}

static void put(uint8_t *bytes, uint64_t number, int length)
{
    for (int i = 0; i < length; i++)
        bytes[i] = (uint8_t)(number >> (8 * i));
}

static uint64_t get(const uint8_t *bytes, int length)
{
    uint64_t number = 0;
    for (int i = 0; i < length; i++)
        number |= (uint64_t)bytes[i] << (8 * i);
    return number;
}

static void talk(struct world *w, mist_time now, uint32_t host, uint32_t i)
{
    struct dial *d = &w->dials[i];
    uint8_t bytes[TALK_SIZE] = {0};
    put(bytes, TALK_MARK, 4);
    put(bytes + 4, i, 4);
    put(bytes + 8, d->number, 4);
    put(bytes + 12, (uint64_t)now, 8);
    struct mist_wish wish = {.size = sizeof wish,
                             .kind = MIST_WISH_SEND,
                             .id = d->conn,
                             .bytes = bytes,
                             .length = TALK_SIZE};
    d->next_talk = d->over ? MIST_NEVER : now + d->talk;
    if (!d->over)
        (void)w->kind->wish(w, now, host, &wish);
}

/* The target of a dial has heard its source. */
static void heard(struct world *w, mist_time now, uint32_t host, const struct mist_event *e)
{
    if (e->length != TALK_SIZE || get(e->bytes, 4) != TALK_MARK)
        return;
    uint32_t i = (uint32_t)get(e->bytes + 4, 4);
    mist_time sent = (mist_time)get(e->bytes + 12, 8);
    if (i >= w->dial_used || w->dials[i].number != get(e->bytes + 8, 4) || w->dials[i].dst != host)
        return; /* of a dial that has ended */
    struct dial *d = &w->dials[i];
    d->heard = now;
    if (d->since == RECORD_NONE || sent < d->since)
        return;
    if (w->options->record != NULL)
        record_recovery(w->options->record, d->fault, d->number, now - d->since);
    d->since = RECORD_NONE;
}

static void dial_event(struct world *w, mist_time now, uint32_t host, const struct mist_event *e)
{
    struct dial *d = dial_of(w, host, e->id);
    if (d == NULL || d->over)
        return;
    switch (e->kind) {
    case MIST_EVENT_CONNECTED:
        d->reason = (uint8_t)e->reason;
        persons_reached(w, d, e);
        path_used(d, now, e);
        begin_to_talk(w, now, d);
        break;
    case MIST_EVENT_PATH:
        if (e->path != MIST_PATH_NONE) /* none: lost, and looked for */
            path_used(d, now, e);
        break;
    case MIST_EVENT_IMPOSTOR: w->impostors++; break;
    case MIST_EVENT_FAILED:
        d->over = true;
        d->reason = (uint8_t)e->reason;
        break;
    case MIST_EVENT_CLOSED:
        d->attempts = e->attempts;
        d->probes = e->probes;
        d->sockets = e->sockets;
        if (e->reason != MIST_REASON_NONE) {
            d->over = true;
            d->reason = (uint8_t)e->reason;
        }
        break;
    default: break;
    }
}

/* ---- the interface ---- */

void workload_joined(struct world *w, mist_time now, uint32_t host)
{
    struct host *h = &w->hosts[host];
    if (h->subscribed || !publications_wanted(w, host))
        return;
    h->subscribed = true;
    h->work = now; /* not from within the drain */
}

static void act(struct world *w, mist_time now, uint32_t host, uint32_t k)
{
    const struct plan_workload *work = &w->plan->workloads[k];
    struct progress_of_work *p = workload_progress(w, host, k);
    uint64_t ordinal = p->ordinal++;
    p->next = next_time(w, host, k, p->next, p->ordinal);
    uint32_t peer = work->kind == WORK_PUBLISH_SHARED ? PLAN_NONE : peer_of(w, host, k, ordinal);
    if (peer == host)
        return;
    if (!w->hosts[host].runs) {
        w->unmade++;
        return;
    }
    if (plan_publishes(work))
        publications_start(w, now, host, peer, k, key_of(k, ordinal));
    else
        start_dial(w, now, host, peer, work);
}

void workload_due(struct world *w, mist_time now, uint32_t host)
{
    if (w->hosts[host].subscribed) /* its node runs */
        publications_subscribe(w, now, host);
    for (uint32_t i = w->hosts[host].dials, next; i != DIAL_NONE; i = next) {
        next = w->dials[i].next;
        if (w->dials[i].end <= now)
            end_dial(w, now, host, i, false);
        else if (w->dials[i].next_talk <= now)
            talk(w, now, host, i);
    }
    for (uint32_t k = 0; k < w->plan->workload_count; k++) {
        while (workload_progress(w, host, k)->next <= now)
            act(w, now, host, k);
    }
    schedule(w, host);
}

void workload_event(struct world *w, mist_time now, uint32_t host, const struct mist_event *e)
{
    if (e->kind == MIST_EVENT_DATAGRAM)
        heard(w, now, host, e);
    else if (e->kind == MIST_EVENT_RECEIVED)
        publications_received(w, now, host, e);
    else if (e->kind == MIST_EVENT_SUBSCRIBED)
        publications_subscribed(w, now, host, e);
    else if (e->kind == MIST_EVENT_LOOKUP)
        world_record_lookup(w, now, host, e);
    else
        dial_event(w, now, host, e);
}

void workload_struck(struct world *w, mist_time now, uint32_t fault)
{
    const struct plan_fault *f = &w->plan->faults[fault];
    bool lasts = f->kind == FAULT_PARTITION || f->kind == FAULT_LOSS;
    mist_time since = lasts ? f->end : now;
    for (uint32_t host = 0; host < w->plan->host_count; host++)
        for (uint32_t i = w->hosts[host].dials; i != DIAL_NONE; i = w->dials[i].next) {
            struct dial *d = &w->dials[i];
            bool carries = d->heard != RECORD_NONE && now - d->heard <= TALK_FRESH * d->talk;
            if (!carries || d->since != RECORD_NONE || since > d->end - RECOVERY_WATCH ||
                f->kind <= FAULT_RESTART || !faults_touch(w, fault, d->src, d->dst))
                continue;
            d->since = since;
            d->fault = fault;
        }
}

void workload_stopping(struct world *w, mist_time now, uint32_t host, bool politely)
{
    for (uint32_t i = w->hosts[host].dials, next; i != DIAL_NONE; i = next) {
        next = w->dials[i].next;
        w->dials[i].over = w->dials[i].over || !politely;
        end_dial(w, now, host, i, true);
    }
    publications_stopping(w, now, host);
    schedule(w, host);
}

void workload_open(struct world *w)
{
    const struct plan *p = w->plan;
    w->dial_free = DIAL_NONE;
    w->work = calloc((size_t)p->host_count * p->workload_count + 1, sizeof *w->work);
    w->members = calloc(p->workload_count + 1u, sizeof *w->members);
    w->src_count = calloc(p->workload_count + 1u, sizeof *w->src_count);
    w->dst_count = calloc(p->workload_count + 1u, sizeof *w->dst_count);
    CHECK(w->work && w->members && w->src_count && w->dst_count);
    for (uint32_t k = 0; k < p->workload_count; k++) {
        w->members[k] = calloc((size_t)p->host_count * 2 + 1, sizeof **w->members);
        CHECK(w->members[k] != NULL);
        add_members(w, p->workloads[k].src, w->members[k], &w->src_count[k]);
        add_members(w, p->workloads[k].dst, w->members[k] + w->src_count[k], &w->dst_count[k]);
    }
    for (uint32_t i = 0; i < p->host_count; i++) {
        for (uint32_t k = 0; k < p->workload_count; k++)
            workload_progress(w, i, k)->next = next_time(w, i, k, p->workloads[k].from, 0);
        schedule(w, i);
        world_alarm(w, i);
    }
}

void workload_close(struct world *w)
{
    for (uint32_t k = 0; w->members != NULL && k < w->plan->workload_count; k++)
        free(w->members[k]);
    free(w->members);
    free(w->src_count);
    free(w->dst_count);
    free(w->work);
    free(w->dials);
    publications_close(w);
}

void workload_finish(struct world *w)
{
    mist_time end = w->type->now(w->engine);
    for (uint32_t host = 0; host < w->plan->host_count; host++) {
        for (uint32_t i = w->hosts[host].dials, next; i != DIAL_NONE; i = next) {
            next = w->dials[i].next;
            if (w->dials[i].end <= end)
                end_dial(w, end, host, i, false);
        }
    }
}
