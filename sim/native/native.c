/* native.c: the native engine: the network of engine.h on one event queue.
 *
 * A datagram is one event at its destination's edge (EVENT_EDGE), and a second
 * one when it then waits in or travels over the last line (EVENT_ARRIVE); where
 * that line has no rate the edge's event is left out.  An alarm is an event too. */
#include "sim/draw.h"
#include "sim/latency.h"
#include "sim/native/native_parts.h"
#include "sim/trace.h"
#include "stack/check.h"

#include <string.h>

#define MILLION    1000000
#define AHEAD_NEAR 3 /* events ahead of which the sender's address is looked up early */
#define FETCHED    (sizeof(struct packet) + 100) /* bytes of a datagram fetched early */
#define AHEAD_FAR  6 /* events ahead of which host and datagram are fetched */

static bool is_host(const struct engine *e, uint32_t attachment)
{
    return attachment < plan_places(e->plan);
}

static const struct line *line_of(const struct engine *e, uint32_t host)
{
    return &e->lines[e->attachments[host].line];
}

static void lose(struct engine *e, uint32_t sender, const struct datagram *d, enum engine_loss why)
{
    if (e->calls->lost != NULL)
        e->calls->lost(e->calls->world, e->now, sender, d, (int)why);
}

/* ---- lines ---- */

/* ns that the packet takes, rounded up. */
static mist_time serialisation(const struct datagram *d, uint64_t bps)
{
    uint64_t bits_ns = datagram_packet(d) * 8 * UINT64_C(1000000000);
    return (mist_time)((bits_ns + bps - 1) / bps);
}

/* Joins the queue that is empty at *free; false: it is too long. */
static bool join_queue(mist_time now, mist_time *free, const struct datagram *d, uint64_t bps)
{
    if (bps == 0) {
        *free = now;
        return true;
    }
    mist_time start = *free > now ? *free : now;
    if (start - now > ENGINE_BUFFER)
        return false;
    *free = start + serialisation(d, bps);
    return true;
}

/* ---- sending ---- */

static void schedule(struct engine *e, enum event_kind kind, mist_time at, uint32_t target,
                     uint32_t sender, const struct datagram *d)
{
    uint32_t handle = packets_take(&e->packets, d->length);
    struct packet *p = packets_at(&e->packets, handle);
    p->from = d->from;
    p->to = d->to;
    p->sender = sender;
    p->length = d->length;
    p->ttl = d->ttl;
    p->icmp = d->icmp;
    p->more = d->fragment.more;
    p->forbidden = d->fragment.forbidden;
    p->id = d->fragment.id;
    p->offset = d->fragment.offset;
    if (d->length > 0)
        memcpy(p->bytes, d->bytes, d->length);
    struct event event = {.at = at,
                          .order =
                              (uint64_t)sender << SEQUENCE_BITS | e->stations[sender].sequence++,
                          .kind = kind,
                          .target = target,
                          .datagram = handle};
    queue_push(e->queue, &event);
}

/* Over the sender's own line; false: dropped there. */
static bool leave(struct engine *e, uint32_t sender, const struct datagram *d, mist_time *at)
{
    struct station *s = &e->stations[sender];
    const struct plan_access *access = &line_of(e, sender)->access;
    if (!join_queue(e->now, &s->up_free, d, access->up_bps)) {
        lose(e, sender, d, LOSS_QUEUE);
        return false;
    }
    *at = s->up_free + access->delay;
    return true;
}

/* The draw index of the host's next datagram on this link: see links.h. */
static uint64_t link_index(struct engine *e, uint32_t sender, uint32_t edge)
{
    struct station *s = &e->stations[sender];
    uint32_t slot = (uint32_t)(e->now / LINKS_SLOT) + 1; /* 0: none yet */
    if (s->link_slot != slot) {
        s->link_slot = slot;
        s->link_edge = edge;
        s->link_count = 0;
    }
    if (s->link_edge == edge)
        return links_index(e->now, s->link_count++);
    return links_next(&e->links, e->now, draw_link(sender, edge));
}

/* The time through the core, jitter included; false: lost on this way. */
static bool core_carries(struct engine *e, uint32_t sender, uint32_t edge, mist_time *delay)
{
    const struct plan_network *n = &e->plan->network;
    struct latency_end from = {e->stations[sender].edge, e->attachments[sender].region};
    struct latency_end to = {edge, e->attachments[edge].region};
    *delay = latency_core(n, e->seed, from, to);
    uint32_t loss_ppm = n->loss_ppm;
    if (e->calls->core_loss != NULL)
        loss_ppm = engine_both_losses(
            loss_ppm, e->calls->core_loss(e->calls->world, e->now, e->stations[sender].edge, edge));
    if (loss_ppm == 0 && n->jitter_ppm == 0)
        return true;
    struct draw_block draw =
        draw_block(e->seed, draw_link(sender, edge), DRAW_LINK, link_index(e, sender, edge));
    uint64_t jitter = (uint64_t)*delay * n->jitter_ppm / MILLION;
    *delay += (mist_time)draw_scale(draw.word[1], jitter + 1);
    return draw_scale(draw.word[0], MILLION) >= loss_ppm;
}

/* Onto the sender's line and into the core. */
static void send_packet(struct engine *e, uint32_t sender, struct datagram *d)
{
    mist_time at, delay;
    if (!leave(e, sender, d, &at))
        return;
    uint32_t edge = directory_find(e->directory, PLAN_NONE, &d->to);
    if (edge == PLAN_NONE) {
        lose(e, sender, d, LOSS_NO_ROUTE);
        return;
    }
    if (!core_carries(e, sender, edge, &delay)) {
        lose(e, sender, d, LOSS_LINK);
        return;
    }
    if (d->ttl <= ENGINE_HOPS) {
        lose(e, sender, d, LOSS_TTL);
        return;
    }
    d->ttl = (uint8_t)(d->ttl - ENGINE_HOPS);
    at += delay;
    const struct attachment *last = &e->attachments[edge];
    const struct plan_access *access = &e->lines[last->line].access;
    if (last->host != PLAN_NONE && access->down_bps == 0 && !pieces_needed(d, access->mtu))
        schedule(e, EVENT_ARRIVE, at + access->delay, edge, sender, d);
    else
        schedule(e, EVENT_EDGE, at, edge, sender, d);
}

/* Hosts count their datagrams from different numbers on, as they do in truth. */
static void number(struct engine *e, uint32_t sender, struct datagram *d)
{
    uint16_t first = (uint16_t)(sender * 40503u); /* 2^16 over the golden ratio */
    if (!datagram_is_piece(d))
        d->fragment.id = (uint16_t)(first + e->stations[sender].numbered++);
}

static void send_through_core(struct engine *e, uint32_t sender, struct datagram *d)
{
    uint32_t mtu = line_of(e, sender)->access.mtu;
    struct datagram piece;
    if (!pieces_needed(d, mtu)) {
        send_packet(e, sender, d);
    } else if (!pieces_allowed(d)) {
        lose(e, sender, d, LOSS_TOO_BIG);
    } else {
        number(e, sender, d);
        for (uint32_t at = 0; at < datagram_payload(d);) {
            at = pieces_cut(d, mtu, at, &piece);
            send_packet(e, sender, &piece);
        }
    }
}

/* Who owns the address at the box's inside, or PLAN_NONE. */
static uint32_t find_inside(const struct engine *e, uint32_t box, const struct addr *addr)
{
    uint32_t inside = e->boxes[box].inside;
    if (inside == PLAN_NONE || !is_host(e, inside))
        return directory_find(e->directory, box, addr);
    return addr_same_ip(&e->stations[inside].addr, addr) ? inside : PLAN_NONE;
}

/* The box has turned the datagram: it stands at the box's inside. */
static void send_back_inside(struct engine *e, uint32_t sender, uint32_t box,
                             const struct datagram *d)
{
    mist_time at = e->now;
    bool lines = e->attachments[plan_places(e->plan) + box].host == PLAN_NONE;
    if (lines && !leave(e, sender, d, &at))
        return;
    uint32_t target = find_inside(e, box, &d->to);
    if (target == PLAN_NONE)
        lose(e, sender, d, LOSS_NO_ROUTE);
    else
        schedule(e, lines ? EVENT_EDGE : EVENT_ARRIVE, at + ENGINE_LAN_RTT / 2, target, sender, d);
}

/* Out of `box`, through it and those outside of it, into the core. */
static void go_outward(struct engine *e, uint32_t sender, uint32_t box, struct datagram *d)
{
    for (; box != PLAN_NONE; box = e->boxes[box].outer) {
        enum crossing crossing = e->calls->cross(e->calls->world, e->now, box, OUTWARD, d);
        if (crossing == CROSS_DROP)
            return;
        if (crossing == CROSS_HAIRPIN) {
            send_back_inside(e, sender, box, d);
            return;
        }
    }
    send_through_core(e, sender, d);
}

static void native_send(struct engine *e, uint32_t host, const struct datagram *d)
{
    CHECK(host < plan_places(e->plan));
    struct datagram moving = *d;
    uint32_t box = e->stations[host].box;
    e->figures.sent++;
    e->carried_for = host;
    uint32_t neighbour = box == PLAN_NONE ? PLAN_NONE : find_inside(e, box, &d->to);
    if (neighbour != PLAN_NONE)
        schedule(e, EVENT_ARRIVE, e->now + ENGINE_LAN_RTT / 2, neighbour, host, d);
    else
        go_outward(e, host, box, &moving);
}

/* ---- what boxes send ---- */

/* The target stands directly inside of the box.  Ties are ordered as if it, or the
 * host whose datagram the box answers, had sent. */
static void emit_to(struct engine *e, uint32_t box, uint32_t target, const struct datagram *d)
{
    bool lines = e->attachments[plan_places(e->plan) + box].host == PLAN_NONE;
    uint32_t sender = is_host(e, target) ? target : e->carried_for;
    schedule(e, lines ? EVENT_EDGE : EVENT_ARRIVE, e->now + ENGINE_LAN_RTT / 2, target, sender, d);
}

static void emit_to_all(struct engine *e, uint32_t box, const struct datagram *d)
{
    uint32_t inside = e->boxes[box].inside;
    if (inside != PLAN_NONE && is_host(e, inside))
        emit_to(e, box, inside, d);
    for (uint32_t i = 0; inside == PLAN_NONE && i < plan_places(e->plan); i++)
        if (e->stations[i].box == box)
            emit_to(e, box, i, d);
}

static bool is_multicast(const struct addr *a)
{
    return a->family == ADDR_V6 ? a->ip[0] == 0xff : a->ip[0] >> 4 == 0xe;
}

static void emit_inside(struct engine *e, uint32_t box, const struct datagram *d)
{
    uint32_t target = find_inside(e, box, &d->to);
    if (target == PLAN_NONE)
        lose(e, e->carried_for, d, LOSS_NO_ROUTE);
    else
        emit_to(e, box, target, d);
}

/* Outward it waits for an event of its own: we may stand within a crossing. */
static void native_emit(struct engine *e, uint32_t box, enum direction direction,
                        const struct datagram *d)
{
    CHECK(box < e->plan->box_count);
    if (direction == OUTWARD)
        schedule(e, EVENT_LEAVE, e->now, plan_places(e->plan) + box, e->carried_for, d);
    else if (is_multicast(&d->to))
        emit_to_all(e, box, d);
    else
        emit_inside(e, box, d);
}

/* ---- arriving ---- */

/* Through one box inward.  Returns what stands behind it, or PLAN_NONE. */
static uint32_t enter(struct engine *e, uint32_t attachment, uint32_t sender, struct datagram *d)
{
    uint32_t box = attachment - plan_places(e->plan);
    enum crossing crossing = e->calls->cross(e->calls->world, e->now, box, INWARD, d);
    CHECK(crossing != CROSS_HAIRPIN);
    if (crossing == CROSS_DROP)
        return PLAN_NONE;
    uint32_t inside = find_inside(e, box, &d->to);
    if (inside == PLAN_NONE)
        lose(e, sender, d, LOSS_NO_ROUTE);
    return inside;
}

static bool node_is_broken(const struct engine *e, uint32_t host)
{
    return draw_ppm(e->seed, host, DRAW_BROKEN_NODE, 0, e->plan->network.broken_nodes_ppm);
}

static bool path_is_broken(const struct engine *e, uint32_t a, uint32_t b)
{
    const struct plan_network *n = &e->plan->network;
    if (n->broken_nodes_ppm == 0 && n->broken_pairs_ppm == 0)
        return false;
    const struct station *sa = &e->stations[a], *sb = &e->stations[b];
    if (sa->edge == sb->edge || line_of(e, a)->server || line_of(e, b)->server)
        return false;
    return node_is_broken(e, a) || node_is_broken(e, b) ||
           draw_ppm(e->seed, draw_pair(a, b), DRAW_BROKEN_PAIR, 0, n->broken_pairs_ppm);
}

static void hand_over(struct engine *e, uint32_t host, uint32_t sender, const struct datagram *d)
{
    struct trace_delivery delivery = {.at = e->now,
                                      .sender = sender,
                                      .receiver = host,
                                      .from = d->from,
                                      .to = d->to,
                                      .length = d->length,
                                      .bytes = d->bytes};
    e->figures.trace = trace_chain(e->figures.trace, trace_digest(&delivery));
    e->figures.arrived++;
    e->calls->arrive(e->calls->world, e->now, host, d);
}

/* At the host's system, which puts pieces together and keeps ICMP errors to itself. */
static void deliver(struct engine *e, uint32_t host, uint32_t sender, const struct datagram *d)
{
    struct station *s = &e->stations[host];
    struct datagram whole;
    if (path_is_broken(e, sender, host)) {
        lose(e, sender, d, LOSS_BROKEN);
        return;
    }
    if (d->icmp)
        return;
    if (!datagram_is_piece(d)) {
        hand_over(e, host, sender, d);
        return;
    }
    if (s->pieces == NULL)
        s->pieces = pieces_open();
    if (pieces_join(s->pieces, e->now, d, &whole))
        hand_over(e, host, sender, &whole);
}

/* The last line is behind it: what boxes are left stand at the host's. */
static void arrive(struct engine *e, uint32_t target, uint32_t sender, struct datagram *d)
{
    while (target != PLAN_NONE && !is_host(e, target))
        target = enter(e, target, sender, d);
    if (target != PLAN_NONE)
        deliver(e, target, sender, d);
}

/* Onto the last line, behind which the target stands; false: dropped there. */
static bool join_last_line(struct engine *e, uint32_t target, uint32_t sender,
                           const struct datagram *d, mist_time *at)
{
    const struct attachment *last = &e->attachments[target];
    const struct plan_access *access = &e->lines[last->line].access;
    struct station *s = &e->stations[last->host];
    if (!join_queue(e->now, &s->down_free, d, access->down_bps)) {
        lose(e, sender, d, LOSS_QUEUE);
        return false;
    }
    *at = s->down_free + access->delay;
    return true;
}

static void cut_for_last_line(struct engine *e, uint32_t target, uint32_t sender,
                              struct datagram *d, uint32_t mtu)
{
    struct datagram piece;
    mist_time arrives;
    if (!pieces_allowed(d)) {
        lose(e, sender, d, LOSS_TOO_BIG);
        return;
    }
    number(e, sender, d);
    for (uint32_t at = 0; at < datagram_payload(d);) {
        at = pieces_cut(d, mtu, at, &piece);
        if (join_last_line(e, target, sender, &piece, &arrives))
            schedule(e, EVENT_ARRIVE, arrives, target, sender, &piece);
    }
}

/* At the provider's: through the boxes there, then onto the last line.  Returns
 * false when the datagram has arrived or is lost, true while it is on the line. */
static bool reach_line(struct engine *e, struct event *event, uint32_t sender, struct datagram *d)
{
    uint32_t target = event->target;
    while (e->attachments[target].host == PLAN_NONE) {
        target = enter(e, target, sender, d);
        if (target == PLAN_NONE)
            return false;
    }
    uint32_t mtu = e->lines[e->attachments[target].line].access.mtu;
    if (pieces_needed(d, mtu)) {
        cut_for_last_line(e, target, sender, d, mtu);
        return false;
    }
    if (!join_last_line(e, target, sender, d, &event->at))
        return false;
    event->kind = EVENT_ARRIVE;
    event->target = target;
    if (event->at > e->now)
        return true;
    arrive(e, target, sender, d);
    return false;
}

static struct datagram datagram_of(struct packet *p)
{
    return (struct datagram){.from = p->from,
                             .to = p->to,
                             .fragment = {p->id, p->offset, p->more, p->forbidden},
                             .ttl = p->ttl,
                             .icmp = p->icmp,
                             .length = p->length,
                             .bytes = p->bytes};
}

static void move_datagram(struct engine *e, struct event *event)
{
    struct packet *p = packets_at(&e->packets, event->datagram);
    struct datagram d = datagram_of(p);
    e->carried_for = p->sender;
    if (event->kind == EVENT_ARRIVE) {
        arrive(e, event->target, p->sender, &d);
    } else if (event->kind == EVENT_LEAVE) {
        go_outward(e, p->sender, e->boxes[event->target - plan_places(e->plan)].outer, &d);
    } else if (reach_line(e, event, p->sender, &d)) {
        p->to = d.to;
        p->ttl = d.ttl;
        queue_push(e->queue, event);
        return;
    }
    packets_give(&e->packets, event->datagram);
}

/* ---- alarms ---- */

static void queue_alarm(struct engine *e, uint32_t host)
{
    struct station *s = &e->stations[host];
    uint64_t order = (uint64_t)host << SEQUENCE_BITS | ALARM_SEQUENCE;
    if (s->queued_count == ALARM_DEPTH)
        queue_remove(e->queue, s->queued[--s->queued_count], order);
    s->queued[s->queued_count++] = s->alarm_at;
    struct event event = {.at = s->alarm_at, .order = order, .kind = EVENT_ALARM, .target = host};
    queue_push(e->queue, &event);
}

static void native_alarm(struct engine *e, uint32_t host, mist_time at)
{
    CHECK(host < plan_places(e->plan));
    struct station *s = &e->stations[host];
    s->alarm_at = at < e->now ? e->now : at;
    if (at != MIST_NEVER && (s->queued_count == 0 || s->queued[s->queued_count - 1] > s->alarm_at))
        queue_alarm(e, host);
}

static void fire_alarm(struct engine *e, uint32_t host)
{
    struct station *s = &e->stations[host];
    CHECK(s->queued_count > 0 && s->queued[s->queued_count - 1] == e->now);
    s->queued_count--;
    if (s->alarm_at == e->now) {
        s->alarm_at = MIST_NEVER;
        e->calls->due(e->calls->world, e->now, host);
    } else {
        native_alarm(e, host, s->alarm_at);
    }
}

/* ---- running ---- */

static void prefetch_lines(const void *begin, size_t bytes)
{
    const char *p = begin;
    for (size_t i = 0; i < bytes; i += 64)
        __builtin_prefetch(p + i, 1);
}

/* Far ahead: the host and its datagram.  Nearer, when that datagram is there:
 * the entry of its sender, who is likely to be answered. */
static void prefetch_ahead(const struct engine *e)
{
    const struct event *event = queue_ahead(e->queue, AHEAD_FAR);
    if (event == NULL) /* slots are short: look beyond this one */
        event = queue_coming(e->queue);
    if (event != NULL) {
        uint32_t host = e->attachments[event->target].host;
        if (event->kind != EVENT_ALARM)
            prefetch_lines(packets_at(&e->packets, event->datagram), FETCHED);
        if (host != PLAN_NONE) {
            prefetch_lines(&e->stations[host], sizeof *e->stations);
            if (e->calls->prefetch != NULL)
                e->calls->prefetch(e->calls->world, host);
        }
    }
    event = queue_ahead(e->queue, AHEAD_NEAR);
    if (event != NULL && event->kind != EVENT_ALARM)
        directory_prefetch(e->directory, PLAN_NONE,
                           &packets_at(&e->packets, event->datagram)->from);
}

static void native_run(struct engine *e, mist_time until)
{
    struct event event;
    while (queue_pop(e->queue, until, &event)) {
        e->now = event.at;
        e->figures.events++;
        prefetch_ahead(e);
        if (event.kind == EVENT_ALARM)
            fire_alarm(e, event.target);
        else
            move_datagram(e, &event);
    }
    if (until > e->now)
        e->now = until;
}

static mist_time native_now(const struct engine *e)
{
    return e->now;
}

static mist_time native_ideal_rtt(const struct engine *e, uint32_t a, uint32_t b)
{
    return latency_ideal_rtt(e->plan, e->seed, a, b);
}

static void native_figures(const struct engine *e, struct engine_figures *figures)
{
    *figures = e->figures;
    figures->pending = queue_count(e->queue);
}

const struct engine_type engine_native = {
    .name = "native",
    .fits = native_fits,
    .open = native_open,
    .send = native_send,
    .emit = native_emit,
    .alarm = native_alarm,
    .run = native_run,
    .now = native_now,
    .ideal_rtt = native_ideal_rtt,
    .figures = native_figures,
    .close = native_close,
};
