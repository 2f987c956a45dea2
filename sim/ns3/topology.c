#include "sim/ns3/topology.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/engine.h"
#include "sim/latency.h"
#include "sim/ns3/prefixes.h"
#include "sim/tap.h"
#include "stack/check.h"

#define FEWEST_BUFFERED 3000u /* bytes of a line's queue: two packets of 1500 */

static const struct ns3c_addr everything4 = {.family = 4}, everything6 = {.family = 6};

static void *take(size_t count, size_t size)
{
    void *memory = calloc(count + 1, size);
    CHECK(memory != NULL);
    return memory;
}

uint32_t topology_must(int64_t result)
{
    if (result < 0)
        fprintf(stderr, "ns-3: %s\n", ns3c_why());
    CHECK(result >= 0);
    return (uint32_t)result;
}

struct ns3c_addr topology_addr(const struct addr *a)
{
    struct ns3c_addr out = {.port = a->port, .family = a->family};
    memcpy(out.ip, a->ip, sizeof out.ip);
    return out;
}

static bool is_host(const struct topology *t, uint32_t attachment)
{
    return attachment < plan_places(t->plan);
}

static const struct plan_box *box_of(const struct topology *t, uint32_t attachment)
{
    return &t->plan->boxes[attachment - plan_places(t->plan)];
}

/* What stands directly outside: an attachment, or PLAN_NONE for a router. */
static uint32_t outer_of(const struct topology *t, uint32_t attachment)
{
    uint32_t box =
        is_host(t, attachment) ? t->plan->hosts[attachment].box : box_of(t, attachment)->outer;
    return box == PLAN_NONE ? PLAN_NONE : plan_places(t->plan) + box;
}

/* ---- who is behind what ---- */

static void count_behind(struct topology *t)
{
    bool *seen = take(t->attachments, sizeof *seen);
    for (uint32_t i = 0; i < plan_places(t->plan); i++) {
        for (uint32_t a = i; a != PLAN_NONE; a = outer_of(t, a)) {
            t->several[a] = seen[a];
            if (!seen[a])
                t->population[a] = t->plan->hosts[i].population;
            seen[a] = true;
        }
    }
    free(seen);
}

/* ---- nodes ---- */

static void make_host(struct topology *t, uint32_t place, const struct topology_hooks *hooks)
{
    unsigned stack = t->plan->hosts[place].addr.family == ADDR_V6 ? NS3C_IPV6 : NS3C_IPV4;
    t->node[place] = topology_must(ns3c_node(t->w, stack));
    topology_must(ns3c_udp_catch(t->w, t->node[place], hooks->catch, hooks->data));
}

static void make_gate(struct topology *t, uint32_t place, const struct topology_hooks *hooks)
{
    struct gate *gate = &t->gates[t->gate_count++];
    *gate = (struct gate){.data = hooks->data, .place = place};
    t->node[place] = topology_must(ns3c_node(t->w, 0));
    topology_must(ns3c_forward(t->w, t->node[place], hooks->gate, gate));
}

static void make_box(struct topology *t, uint32_t number, const struct topology_hooks *hooks)
{
    struct topology_box *box = &t->boxes[number];
    uint32_t attachment = plan_places(t->plan) + number;
    *box = (struct topology_box){hooks->data, number};
    t->node[attachment] = topology_must(ns3c_node(t->w, 0));
    topology_must(ns3c_forward(t->w, t->node[attachment], hooks->box, box));
}

static void make_nodes(struct topology *t, const struct topology_hooks *hooks)
{
    for (uint32_t i = 0; i < plan_places(t->plan); i++) {
        if (tap_is(t->plan, i))
            make_gate(t, i, hooks);
        else
            make_host(t, i, hooks);
    }
    for (uint32_t i = 0; i < t->plan->box_count; i++)
        make_box(t, i, hooks);
}

static void build_gates(struct topology *t)
{
    for (uint32_t i = 0; i < t->gate_count; i++) {
        struct gate *gate = &t->gates[i];
        gate->up = t->up[gate->place];
        gate_build(gate, t->w, t->plan, t->node[gate->place]);
    }
}

/* ---- links ---- */

/* The queue holds what the line sends within ENGINE_BUFFER, as everywhere. */
static struct ns3c_side line_side(const struct plan_access *access, uint64_t rate_bps)
{
    static const enum ns3c_queue queues[] = {[PLAN_DROP_TAIL] = NS3C_DROP_TAIL,
                                             [PLAN_CODEL] = NS3C_CODEL,
                                             [PLAN_FQ_CODEL] = NS3C_FQ_CODEL};
    uint64_t rate = rate_bps == 0 ? TOPOLOGY_FAST_BPS : rate_bps;
    uint64_t bytes = rate / 8 * (ENGINE_BUFFER / MS(1)) / 1000;
    bytes = bytes < FEWEST_BUFFERED ? FEWEST_BUFFERED : bytes;
    struct ns3c_side side = {.rate_bps = rate, .queue = queues[access->queue]};
    if (side.queue != NS3C_FQ_CODEL) /* that one is limited in packets */
        side.limit_bytes = bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes;
    return side;
}

/* The access line lies between what serves one host and what serves several. */
static bool is_line(const struct topology *t, uint32_t attachment)
{
    uint32_t outer = outer_of(t, attachment);
    return !t->several[attachment] && (outer == PLAN_NONE || t->several[outer]);
}

static void lose_on_line(struct topology *t, uint32_t attachment,
                         const struct topology_hooks *hooks)
{
    struct ns3c_errors errors = {.kind = NS3C_CALL, .corrupt = hooks->corrupt, .data = hooks->data};
    topology_must(ns3c_receive_errors(t->w, t->up[attachment], &errors));
    topology_must(ns3c_receive_errors(t->w, t->down[attachment], &errors));
}

static void link_outward(struct topology *t, uint32_t attachment, uint32_t outer_node,
                         const struct topology_hooks *hooks)
{
    const struct plan_access *access = &t->plan->populations[t->population[attachment]].access;
    struct ns3c_link link = {.side = {{.rate_bps = TOPOLOGY_FAST_BPS, .limit_bytes = UINT32_MAX},
                                      {.rate_bps = TOPOLOGY_FAST_BPS, .limit_bytes = UINT32_MAX}},
                             .mtu = TOPOLOGY_MTU};
    if (is_line(t, attachment)) {
        link.mtu = (uint16_t)(access->mtu == 0 ? TOPOLOGY_MTU : access->mtu);
        link.side[0] = line_side(access, access->up_bps);
        link.side[1] = line_side(access, access->down_bps);
        link.delay_ns = access->delay;
    }
    uint32_t nodes[2] = {t->node[attachment], outer_node}, ports[2];
    topology_must(ns3c_point_to_point(t->w, nodes, &link, ports));
    t->mtu[attachment] = link.mtu;
    t->up[attachment] = ports[0];
    t->down[attachment] = ports[1];
    if (is_line(t, attachment) && access->loss_ppm > 0)
        lose_on_line(t, attachment, hooks);
}

/* ---- routers ---- */

/* Addresses by which an outermost attachment is reached from the core. */
struct reached {
    struct addr *addrs;
    uint32_t count, room;
};

static void reach(struct reached *r, struct addr addr)
{
    if (r->count == r->room) {
        r->room = r->room == 0 ? 16 : 2 * r->room;
        r->addrs = realloc(r->addrs, r->room * sizeof *r->addrs);
        CHECK(r->addrs != NULL);
    }
    r->addrs[r->count++] = addr;
}

static void reach_pool(struct reached *r, const struct plan_box *box, struct addr first)
{
    uint32_t count = box->policy.pool == 0 ? 1 : box->policy.pool;
    uint32_t ip = addr_ip4(&first);
    for (uint32_t i = 0; i < count; i++)
        reach(r, first.family == ADDR_V4 ? addr_v4(ip + i, 0) : first);
}

static bool is_firewall(const struct topology *t, uint32_t attachment)
{
    return !is_host(t, attachment) && box_of(t, attachment)->policy.kind == NAT_KIND_FIREWALL;
}

/* The outermost attachment at which the addresses of this one are seen: through
 * firewalls alone; PLAN_NONE behind a translating box. */
static uint32_t seen_at(const struct topology *t, uint32_t attachment)
{
    uint32_t outer;
    while ((outer = outer_of(t, attachment)) != PLAN_NONE) {
        if (!is_firewall(t, outer))
            return PLAN_NONE;
        attachment = outer;
    }
    return attachment;
}

static void reach_attachment(const struct topology *t, uint32_t attachment, struct reached *r)
{
    if (is_host(t, attachment)) {
        reach(r, t->plan->hosts[attachment].addr);
        return;
    }
    const struct plan_box *box = box_of(t, attachment);
    if (box->outside.family == ADDR_NONE)
        return;
    reach_pool(r, box, box->outside);
    for (uint32_t i = 0; i < box->later_count; i++)
        reach_pool(r, box, box->later[i]);
}

static struct prefixes *prefixes_by_edge(const struct topology *t)
{
    struct reached *reached = take(t->attachments, sizeof *reached);
    struct prefixes *prefixes = take(t->attachments, sizeof *prefixes);
    for (uint32_t i = 0; i < t->attachments; i++) {
        uint32_t edge = seen_at(t, i);
        if (edge != PLAN_NONE)
            reach_attachment(t, i, &reached[edge]);
    }
    for (uint32_t i = 0; i < t->attachments; i++) {
        if (outer_of(t, i) == PLAN_NONE)
            prefixes[i] = prefixes_of(reached[i].addrs, reached[i].count, false);
        free(reached[i].addrs);
    }
    free(reached);
    return prefixes;
}

struct filling { /* the router that a region's next link goes to */
    uint32_t router, edges, routes;
    bool any;
};

static void choose_routers(struct topology *t, const struct prefixes *prefixes)
{
    uint32_t regions = t->plan->network.regions;
    struct filling *filling = take(regions, sizeof *filling);
    for (uint32_t i = 0; i < t->attachments; i++) {
        if (outer_of(t, i) != PLAN_NONE)
            continue;
        uint32_t region = is_host(t, i) ? t->plan->hosts[i].region : box_of(t, i)->region;
        struct filling *f = &filling[region < regions ? region : 0];
        if (!f->any || f->edges == TOPOLOGY_EDGES ||
            f->routes + prefixes[i].count > TOPOLOGY_ROUTES)
            *f = (struct filling){.router = t->routers++, .any = true};
        f->edges++;
        f->routes += prefixes[i].count;
        t->router[i] = f->router;
    }
    free(filling);
}

static uint32_t *make_routers(struct topology *t, const struct topology_hooks *hooks)
{
    uint32_t *nodes = take(t->routers, sizeof *nodes);
    t->cloud = take(t->routers, sizeof *t->cloud);
    for (uint32_t i = 0; i < t->routers; i++)
        nodes[i] = topology_must(ns3c_node(t->w, NS3C_IPV4 | NS3C_IPV6 | NS3C_FORWARDS));
    topology_must(ns3c_cloud(t->w, nodes, t->routers, hooks->core, hooks->data, t->cloud));
    return nodes;
}

/* Up: all into the core, which knows where to; down: by prefix. */
static void route_edges(struct topology *t, const struct prefixes *prefixes)
{
    for (uint32_t i = 0; i < t->attachments; i++) {
        if (outer_of(t, i) != PLAN_NONE)
            continue;
        topology_must(ns3c_route_from(t->w, t->down[i], t->cloud[t->router[i]]));
        for (uint32_t k = 0; k < prefixes[i].count; k++) {
            struct ns3c_addr to = topology_addr(&prefixes[i].items[k].addr);
            topology_must(ns3c_route(t->w, &to, prefixes[i].items[k].bits, t->down[i], NULL));
        }
    }
}

/* ---- hosts ---- */

static void address_hosts(struct topology *t)
{
    for (uint32_t i = 0; i < plan_places(t->plan); i++) {
        struct ns3c_addr addr = topology_addr(&t->plan->hosts[i].addr);
        bool is6 = addr.family == 6;
        if (tap_is(t->plan, i)) /* the machine has it */
            continue;
        topology_must(ns3c_address(t->w, t->up[i], &addr, is6 ? 128 : 32));
        topology_must(ns3c_route(t->w, is6 ? &everything6 : &everything4, 0, t->up[i], NULL));
    }
}

/* One network for these hosts, which stand directly inside one box. */
static void make_lan(struct topology *t, const uint32_t *hosts, uint32_t count)
{
    uint32_t *nodes = take(count, sizeof *nodes), *ports = take(count, sizeof *ports);
    struct addr *addrs = take(count, sizeof *addrs);
    for (uint32_t i = 0; i < count; i++) {
        nodes[i] = t->node[hosts[i]];
        addrs[i] = t->plan->hosts[hosts[i]].addr;
    }
    struct prefixes links = prefixes_of(addrs, count, true);
    topology_must(ns3c_csma(t->w, nodes, count, TOPOLOGY_LAN_BPS, ENGINE_LAN_RTT / 2, ports));
    for (uint32_t i = 0; i < count; i++) {
        const struct addr *own = &t->plan->hosts[hosts[i]].addr;
        struct ns3c_addr addr = topology_addr(own);
        const struct prefix *link = prefixes_find(&links, own);
        topology_must(ns3c_address(t->w, ports[i], &addr, link->bits));
        for (uint32_t k = 0; k < links.count; k++) {
            struct ns3c_addr to = topology_addr(&links.items[k].addr);
            if (&links.items[k] != link)
                topology_must(ns3c_route(t->w, &to, links.items[k].bits, ports[i], NULL));
        }
    }
    prefixes_free(&links);
    free(addrs);
    free(ports);
    free(nodes);
}

/* Hosts in a list per box, in the order of their numbers. */
static void make_lans(struct topology *t)
{
    const struct plan *plan = t->plan;
    uint32_t *first = take(plan->box_count, sizeof *first);
    uint32_t *hosts = take(plan_places(plan), sizeof *hosts);
    for (uint32_t i = 0; i < plan_places(plan); i++)
        if (plan->hosts[i].box != PLAN_NONE)
            first[plan->hosts[i].box + 1]++;
    for (uint32_t i = 0; i < plan->box_count; i++)
        first[i + 1] += first[i];
    uint32_t *next = take(plan->box_count, sizeof *next);
    memcpy(next, first, (plan->box_count + 1) * sizeof *next);
    for (uint32_t i = 0; i < plan_places(plan); i++)
        if (plan->hosts[i].box != PLAN_NONE)
            hosts[next[plan->hosts[i].box]++] = i;
    for (uint32_t i = 0; i < plan->box_count; i++)
        if (first[i + 1] - first[i] > 1)
            make_lan(t, &hosts[first[i]], first[i + 1] - first[i]);
    free(next);
    free(hosts);
    free(first);
}

/* ---- looking back ---- */

static uint32_t *filled(uint32_t count)
{
    uint32_t *numbers = take(count, sizeof *numbers);
    memset(numbers, 0xff, count * sizeof *numbers); /* PLAN_NONE */
    return numbers;
}

static void index_ports(struct topology *t)
{
    t->ports = 0;
    for (uint32_t i = 0; i < t->attachments; i++)
        t->ports = t->down[i] >= t->ports ? t->down[i] + 1 : t->ports;
    t->inside = filled(t->ports);
    t->links = filled(t->ports);
    t->place_of_node = filled(ns3c_nodes(t->w));
    for (uint32_t i = 0; i < t->attachments; i++) {
        if (outer_of(t, i) != PLAN_NONE)
            t->inside[t->down[i]] = i;
        t->links[t->down[i]] = t->links[t->up[i]] = i;
        if (is_host(t, i))
            t->place_of_node[t->node[i]] = i;
    }
}

void topology_build(struct topology *t, struct ns3c *w, const struct plan *plan,
                    const struct topology_hooks *hooks)
{
    t->plan = plan;
    t->w = w;
    t->attachments = plan_places(plan) + plan->box_count;
    t->node = take(t->attachments, sizeof *t->node);
    t->up = take(t->attachments, sizeof *t->up);
    t->down = take(t->attachments, sizeof *t->down);
    t->several = take(t->attachments, sizeof *t->several);
    t->population = take(t->attachments, sizeof *t->population);
    t->mtu = take(t->attachments, sizeof *t->mtu);
    t->router = take(t->attachments, sizeof *t->router);
    t->boxes = take(plan->box_count, sizeof *t->boxes);
    t->gates = take(plan->host_count, sizeof *t->gates);
    count_behind(t);
    make_nodes(t, hooks);
    struct prefixes *prefixes = prefixes_by_edge(t);
    choose_routers(t, prefixes);
    uint32_t *routers = make_routers(t, hooks);
    for (uint32_t i = 0; i < t->attachments; i++) {
        uint32_t outer = outer_of(t, i);
        link_outward(t, i, outer == PLAN_NONE ? routers[t->router[i]] : t->node[outer], hooks);
    }
    address_hosts(t);
    route_edges(t, prefixes);
    make_lans(t);
    build_gates(t);
    index_ports(t);
    for (uint32_t i = 0; i < t->attachments; i++)
        prefixes_free(&prefixes[i]);
    free(prefixes);
    free(routers);
}

void topology_free(struct topology *t)
{
    void *parts[] = {t->node,   t->up,    t->down,   t->several, t->population,
                     t->router, t->cloud, t->inside, t->links,   t->place_of_node,
                     t->boxes,  t->mtu,   t->gates};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        free(parts[i]);
}
