/* ns3.c: the ns-3 engine: the network of engine.h packet by packet.
 *
 * Hosts send and receive by ns-3's UDP sockets, boxes translate what crosses
 * them, lines are links with queues, and the core is a cloud that draws its
 * delays and losses as the native engine does.  sim/ns3/README.md tells where
 * the two differ. */
#include <stdlib.h>

#include "sim/draw.h"
#include "sim/engine_plugin.h"
#include "sim/exit.h"
#include "sim/latency.h"
#include "sim/ns3/attributes.h"
#include "sim/ns3/ns3_parts.h"
#include "sim/trace.h"

#define MILLION 1000000

/* Routers take one each, where a datagram enters the core and where it leaves
 * it; the cloud takes the rest of ENGINE_HOPS. */
#define CLOUD_HOPS (ENGINE_HOPS - 2)

static void *take(size_t count, size_t size)
{
    void *memory = calloc(count + 1, size);
    CHECK(memory != NULL);
    return memory;
}

static void on_drop(void *data, int64_t now, uint32_t port, const struct ns3c_datagram *d)
{
    (void)now;
    (void)port;
    if (is_ours(d))
        lose(data, d, LOSS_QUEUE);
}

/* ---- the core ---- */

/* Draws as the native engine does; false: lost on this way. */
static bool core_carries(struct engine *e, uint32_t sender, uint32_t edge, mist_time *delay)
{
    const struct plan_network *n = &e->plan->network;
    uint32_t sender_edge = e->stations[sender].edge, loss_ppm = n->loss_ppm;
    struct latency_end from = {sender_edge, e->region[sender_edge]}, to = {edge, e->region[edge]};
    *delay = latency_core(n, e->seed, from, to);
    if (e->calls->core_loss != NULL)
        loss_ppm = engine_both_losses(
            loss_ppm, e->calls->core_loss(e->calls->world, time_of(e), sender_edge, edge));
    if (loss_ppm == 0 && n->jitter_ppm == 0)
        return true;
    uint64_t link = draw_link(sender, edge);
    struct draw_block draw =
        draw_block(e->seed, link, DRAW_LINK, links_next(&e->links, time_of(e), link));
    uint64_t jitter = (uint64_t)*delay * n->jitter_ppm / MILLION;
    *delay += (mist_time)draw_scale(draw.word[1], jitter + 1);
    return draw_scale(draw.word[0], MILLION) >= loss_ppm;
}

static uint32_t on_core(void *data, int64_t now, uint32_t port, struct ns3c_datagram *d,
                        int64_t *delay)
{
    struct engine *e = data;
    struct datagram moving = datagram_of(d);
    uint32_t edge = directory_find(e->directory, PLAN_NONE, &moving.to);
    (void)now;
    (void)port;
    if (!is_ours(d))
        return NS3C_DROP;
    if (edge == PLAN_NONE) {
        lose(e, d, LOSS_NO_ROUTE);
    } else if (!core_carries(e, sender_of(d), edge, delay)) {
        lose(e, d, LOSS_LINK);
    } else if (d->ttl <= CLOUD_HOPS + 1) { /* the next router would be its last */
        lose(e, d, LOSS_TTL);
    } else if (!fits_link(e, edge, &moving)) {
        lose(e, d, LOSS_TOO_BIG);
    } else {
        d->ttl = (uint8_t)(d->ttl - CLOUD_HOPS);
        return e->topology.cloud[e->topology.router[edge]];
    }
    return NS3C_DROP;
}

/* A line's own errors: a keyed draw for each datagram that arrives over it. */
static bool on_line(void *data, uint32_t port)
{
    struct engine *e = data;
    uint32_t attachment = e->topology.links[port];
    const struct plan_access *access =
        &e->plan->populations[e->topology.population[attachment]].access;
    uint64_t line = draw_link(attachment, port == e->topology.up[attachment]);
    return draw_ppm(e->seed, line, DRAW_LINE_LOSS, e->line_draws[port]++, access->loss_ppm);
}

/* ---- hosts ---- */

static bool node_is_broken(const struct engine *e, uint32_t host)
{
    return draw_ppm(e->seed, host, DRAW_BROKEN_NODE, 0, e->plan->network.broken_nodes_ppm);
}

static bool is_server(const struct engine *e, uint32_t host)
{
    const struct plan_population *p = &e->plan->populations[e->plan->hosts[host].population];
    return p->bootstrap || p->relay;
}

static bool path_is_broken(const struct engine *e, uint32_t a, uint32_t b)
{
    const struct plan_network *n = &e->plan->network;
    if (n->broken_nodes_ppm == 0 && n->broken_pairs_ppm == 0)
        return false;
    if (e->stations[a].edge == e->stations[b].edge || is_server(e, a) || is_server(e, b))
        return false;
    return node_is_broken(e, a) || node_is_broken(e, b) ||
           draw_ppm(e->seed, draw_pair(a, b), DRAW_BROKEN_PAIR, 0, n->broken_pairs_ppm);
}

/* False: the path is broken, it does not arrive. */
static bool note_arrival(struct engine *e, int64_t now, uint32_t host,
                         const struct ns3c_datagram *d)
{
    if (!is_ours(d))
        return false;
    uint32_t sender = sender_of(d);
    if (path_is_broken(e, sender, host)) {
        lose(e, d, LOSS_BROKEN);
        return false;
    }
    struct trace_delivery delivery = {.at = now,
                                      .sender = sender,
                                      .receiver = host,
                                      .from = addr_of(&d->from),
                                      .to = addr_of(&d->to),
                                      .length = d->length,
                                      .bytes = d->bytes};
    e->figures.trace = trace_chain(e->figures.trace, trace_digest(&delivery));
    e->figures.arrived++;
    return true;
}

static void deliver(struct engine *e, int64_t now, uint32_t host, const struct ns3c_datagram *d)
{
    struct datagram arrived = datagram_of(d);
    if (note_arrival(e, now, host, d))
        e->calls->arrive(e->calls->world, now, host, &arrived);
}

/* A real machine's: into the network it gets the mark of its place; out of it, it has
 * arrived. */
static uint32_t on_gate(void *data, int64_t now, uint32_t port, struct ns3c_datagram *d)
{
    const struct gate *gate = data;
    struct engine *e = gate->data;
    if (port == gate->up)
        return note_arrival(e, now, gate->place, d) ? gate->in : NS3C_DROP;
    d->mark = mark_of(gate->place);
    e->figures.sent++;
    return gate->up;
}

/* A place's sockets and its catch both know their node by number alone. */
static void on_catch(void *data, int64_t now, uint32_t node, const struct ns3c_datagram *d)
{
    struct engine *e = data;
    deliver(e, now, e->topology.place_of_node[node], d);
}

static void on_receive(void *data, int64_t now, uint32_t socket, const struct ns3c_datagram *d)
{
    struct engine *e = data;
    deliver(e, now, e->place_of_socket[socket], d);
}

static void note_socket(struct engine *e, uint32_t socket, uint32_t place)
{
    if (socket >= e->socket_room) {
        e->socket_room = 2 * socket + 64;
        e->place_of_socket =
            realloc(e->place_of_socket, e->socket_room * sizeof *e->place_of_socket);
        CHECK(e->place_of_socket != NULL);
    }
    e->place_of_socket[socket] = place;
}

static uint32_t open_socket(struct engine *e, uint32_t place, const struct ns3c_addr *addr)
{
    struct station *s = &e->stations[place];
    if (s->bound_count == s->bound_room) {
        s->bound_room = s->bound_room == 0 ? 1 : 2 * s->bound_room;
        s->bound = realloc(s->bound, s->bound_room * sizeof *s->bound);
        CHECK(s->bound != NULL);
    }
    uint32_t socket = topology_must(ns3c_udp(e->w, e->topology.node[place], addr, on_receive, e));
    s->bound[s->bound_count++] = (struct bound){addr->port, socket};
    note_socket(e, socket, place);
    return socket;
}

/* The place's socket with that port, opened when it is first sent from. */
static uint32_t socket_of(struct engine *e, uint32_t place, const struct ns3c_addr *addr)
{
    const struct station *s = &e->stations[place];
    for (uint32_t i = 0; i < s->bound_count; i++)
        if (s->bound[i].port == addr->port)
            return s->bound[i].socket;
    return open_socket(e, place, addr);
}

static void send_now(struct engine *e, uint32_t place, const struct datagram *d)
{
    struct ns3c_datagram out = packed(place, d);
    if (!fits_link(e, place, d))
        lose(e, &out, LOSS_TOO_BIG);
    else if (d->from.port != 0 && addr_same_ip(&d->from, &e->plan->hosts[place].addr))
        topology_must(ns3c_udp_send(e->w, socket_of(e, place, &out.from), &out));
    else
        topology_must(ns3c_udp_spoof(e->w, e->topology.node[place], &out));
}

/* A datagram that must wait: sent between two runs, when ns-3's clock is behind, or
 * to the sender itself. */
struct held {
    struct engine *e;
    struct datagram d;
    uint8_t bytes[];
};

static void send_held(void *data, uint64_t place)
{
    struct held *held = data;
    held->d.bytes = held->bytes;
    send_now(held->e, (uint32_t)place, &held->d);
    free(held);
}

/* To the sender itself: ns-3 would deliver it from within the sending. */
static void loop_back(void *data, uint64_t place)
{
    struct held *held = data;
    held->d.bytes = held->bytes;
    struct ns3c_datagram d = packed((uint32_t)place, &held->d);
    deliver(held->e, time_of(held->e), (uint32_t)place, &d);
    free(held);
}

static void hold(struct engine *e, uint32_t place, const struct datagram *d, mist_time at,
                 void (*then)(void *held, uint64_t place))
{
    struct held *held = malloc(sizeof *held + d->length);
    CHECK(held != NULL);
    held->e = e;
    held->d = *d;
    if (d->length > 0)
        memcpy(held->bytes, d->bytes, d->length);
    ns3c_schedule(e->w, at, then, held, place);
}

static void ns3_send(struct engine *e, uint32_t place, const struct datagram *d)
{
    CHECK(place < plan_places(e->plan));
    e->figures.sent++;
    if (addr_same_ip(&d->to, &e->plan->hosts[place].addr))
        hold(e, place, d, time_of(e) + ENGINE_LAN_RTT / 2, loop_back);
    else if (e->running)
        send_now(e, place, d);
    else
        hold(e, place, d, e->now, send_held);
}

/* ---- alarms ---- */

static void fire_alarm(void *data, uint64_t place);

/* Where the stack is full its earliest event stays in ns-3's queue and finds
 * nothing to do. */
static void queue_alarm(struct engine *e, uint32_t place)
{
    struct station *s = &e->stations[place];
    if (s->queued_count == ALARM_DEPTH)
        s->queued_count--;
    s->queued[s->queued_count++] = s->alarm_at;
    ns3c_schedule(e->w, s->alarm_at, fire_alarm, e, place);
}

static void ns3_alarm(struct engine *e, uint32_t place, mist_time at)
{
    CHECK(place < plan_places(e->plan));
    struct station *s = &e->stations[place];
    s->alarm_at = at < time_of(e) ? time_of(e) : at;
    if (at != MIST_NEVER && (s->queued_count == 0 || s->queued[s->queued_count - 1] > s->alarm_at))
        queue_alarm(e, place);
}

static void fire_alarm(void *data, uint64_t place)
{
    struct engine *e = data;
    struct station *s = &e->stations[place];
    mist_time now = time_of(e);
    if (s->queued_count == 0 || s->queued[s->queued_count - 1] != now)
        return;
    s->queued_count--;
    if (s->alarm_at == now) {
        s->alarm_at = MIST_NEVER;
        e->calls->due(e->calls->world, now, (uint32_t)place);
    } else {
        ns3_alarm(e, (uint32_t)place, s->alarm_at);
    }
}

/* ---- running ---- */

static void ns3_run(struct engine *e, mist_time until)
{
    if (until <= e->now)
        return;
    e->running = true;
    ns3c_run(e->w, until);
    e->running = false;
    e->now = until;
}

static mist_time ns3_now(const struct engine *e)
{
    return time_of(e);
}

static mist_time ns3_ideal_rtt(const struct engine *e, uint32_t a, uint32_t b)
{
    return latency_ideal_rtt(e->plan, e->seed, a, b);
}

static void ns3_figures(const struct engine *e, struct engine_figures *figures)
{
    *figures = e->figures;
    figures->events = ns3c_events(e->w);
    figures->pending = ns3c_pending(e->w);
    figures->late = ns3c_late(e->w);
}

/* ---- opening ---- */

static void open_stations(struct engine *e)
{
    const struct plan *plan = e->plan;
    for (uint32_t i = 0; i < plan_places(plan); i++) {
        struct latency_end end = latency_end(plan, i);
        e->stations[i].edge = end.attachment;
        e->stations[i].alarm_at = MIST_NEVER;
        e->region[end.attachment] = end.region;
    }
}

static struct engine *ns3_open(const struct plan *plan, const struct engine_calls *calls,
                               uint64_t seed)
{
    struct engine *e = take(1, sizeof *e);
    const struct topology_hooks hooks = {.box = ns3_box,
                                         .gate = on_gate,
                                         .core = on_core,
                                         .catch = on_catch,
                                         .corrupt = on_line,
                                         .data = e};
    e->plan = plan;
    e->calls = calls;
    e->seed = seed;
    struct ns3c_options options = {0};
    for (uint32_t i = 0; i < plan->population_count; i++)
        options.real_time |= plan->populations[i].behaviour == BEHAVIOUR_TAP;
    options.checksums = options.real_time; /* a kernel looks at them */
    attributes_set(plan);
    topology_must(ns3c_open(&e->w, &options));
    ns3c_on_drop(e->w, on_drop, e);
    topology_build(&e->topology, e->w, plan, &hooks);
    e->directory = directory_open(plan);
    links_open(&e->links);
    e->stations = take(plan_places(plan), sizeof *e->stations);
    e->region = take(e->topology.attachments, sizeof *e->region);
    e->line_draws = take(e->topology.ports, sizeof *e->line_draws);
    open_stations(e);
    return e;
}

static void ns3_close(struct engine *e)
{
    ns3c_close(e->w);
    topology_free(&e->topology);
    directory_close(e->directory);
    links_close(&e->links);
    for (uint32_t i = 0; i < plan_places(e->plan); i++)
        free(e->stations[i].bound);
    free(e->stations);
    free(e->place_of_socket);
    free(e->region);
    free(e->line_draws);
    free(e);
}

static int ns3_fits(const struct plan *plan, char *error, int error_size)
{
    int code = attributes_fit(plan, error, error_size);
    return code != EXIT_FINE ? code : gates_fit(plan, error, error_size);
}

static const struct engine_type engine_ns3 = {
    .name = "ns3",
    .fits = ns3_fits,
    .open = ns3_open,
    .send = ns3_send,
    .emit = ns3_emit,
    .alarm = ns3_alarm,
    .run = ns3_run,
    .now = ns3_now,
    .ideal_rtt = ns3_ideal_rtt,
    .figures = ns3_figures,
    .close = ns3_close,
};

const struct engine_plugin *engine_plugin(void)
{
    static struct engine_plugin plugin = {.layout = ENGINE_PLUGIN_LAYOUT, .type = &engine_ns3};
    plugin.about = ns3c_version();
    return &plugin;
}
