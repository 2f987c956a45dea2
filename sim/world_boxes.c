/* world_boxes.c: the NAT boxes of the simulated world: what crosses them, and what
 * they send themselves.
 *
 * What a box sends itself are answers to hosts that ask for ports (NAT-PMP, PCP), the
 * announcements that tables were lost, ICMP errors, and datagrams that it has put
 * together from their pieces, or cut. */
#include <stdlib.h>

#include "sim/draw.h"
#include "sim/world_parts.h"
#include "stack/check.h"

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count == 0 ? 1 : count, size);
    CHECK(memory != NULL);
    return memory;
}

/* ---- life ---- */

/* The i-th address of a pool: they count up from the first. */
struct addr world_pool_address(const struct addr *first, uint32_t i)
{
    struct addr a = *first;
    for (int byte = (a.family == ADDR_V4 ? 4 : 16) - 1; i > 0 && byte >= 0; byte--) {
        i += a.ip[byte];
        a.ip[byte] = (uint8_t)i;
        i >>= 8;
    }
    return a;
}

/* For each box the first host behind it: whom its facts are told of. */
static void find_hosts(struct world *w)
{
    const struct plan *p = w->plan;
    w->box_hosts = allocate(p->box_count, sizeof *w->box_hosts);
    for (uint32_t host = p->host_count; host-- > 0;) {
        for (uint32_t box = p->hosts[host].box; box != PLAN_NONE; box = p->boxes[box].outer)
            w->box_hosts[box] = host;
    }
}

/* The first address of the network inside, as routers take it; homes are a /24, larger
 * sites and carriers one network from their range's beginning on (scenario_address.c). */
struct addr world_gateway(const struct plan *p, uint32_t place)
{
    const struct plan_host *h = &p->hosts[place];
    uint32_t ip = addr_ip4(&h->addr);
    if (h->box == PLAN_NONE || h->addr.family != ADDR_V4 || addr_is_global(&h->addr))
        return (struct addr){0};
    if (ip >> 16 == 0xc0a8)
        return addr_v4((ip & 0xffffff00u) | 1, 0);
    return addr_v4(ip >> 24 == 10 ? 0x0a000001 : 0x64400001, 0);
}

static void set_gateways(struct world *w)
{
    for (uint32_t place = 0; place < plan_places(w->plan); place++) {
        struct addr gateway = world_gateway(w->plan, place);
        if (gateway.family != ADDR_NONE)
            nat_set_gateway(w->boxes[w->plan->hosts[place].box], &gateway);
    }
}

void world_boxes_open(struct world *w)
{
    const struct plan *p = w->plan;
    w->slab = nat_slab_open();
    CHECK(w->slab != NULL);
    w->boxes = allocate(p->box_count, sizeof *w->boxes);
    find_hosts(w);
    w->readdressed = allocate(p->box_count, sizeof *w->readdressed);
    w->box_waits = allocate(p->box_count, sizeof *w->box_waits);
    w->waiting_boxes = allocate(p->box_count, sizeof *w->waiting_boxes);
    for (uint32_t i = 0; i < p->box_count; i++) {
        const struct plan_box *b = &p->boxes[i];
        uint32_t n = b->outside.family == ADDR_NONE ? 0 : b->policy.pool;
        struct addr *pool = allocate(n, sizeof *pool);
        for (uint32_t j = 0; j < n; j++)
            pool[j] = world_pool_address(&b->outside, j);
        w->boxes[i] = nat_init(allocate(1, nat_size(n)), w->slab, &b->policy,
                               draw_u64(p->seed, i, DRAW_BOX_SEED, 0), pool, n);
        free(pool);
    }
    set_gateways(w);
}

void world_boxes_close(struct world *w)
{
    for (uint32_t i = 0; w->boxes != NULL && i < w->plan->box_count; i++) {
        nat_close(w->boxes[i]);
        free(w->boxes[i]);
    }
    if (w->slab != NULL)
        nat_slab_close(w->slab);
    free(w->boxes);
    free(w->box_waits);
    free(w->box_hosts);
    free(w->waiting_boxes);
    free(w->readdressed);
}

/* ---- what boxes send ---- */

struct nat_datagram world_boxes_packet(const struct datagram *d)
{
    bool six = d->from.family == ADDR_V6;
    return (struct nat_datagram){
        .from = d->from,
        .to = d->to,
        .protocol = (uint8_t)(!d->icmp ? NAT_UDP
                              : six    ? NAT_ICMP6
                                       : NAT_ICMP),
        .ttl = d->ttl,
        .fragment = {d->fragment.id, d->fragment.offset, d->fragment.more, d->fragment.forbidden},
        .length = d->length,
        .bytes = d->bytes};
}

static struct datagram from_nat(const struct nat_datagram *n)
{
    return (struct datagram){
        .from = n->from,
        .to = n->to,
        .fragment = {n->fragment.id, n->fragment.offset, n->fragment.more, n->fragment.forbidden},
        .ttl = n->ttl,
        .icmp = n->protocol != NAT_UDP,
        .length = (uint16_t)n->length,
        .bytes = n->bytes};
}

static void emit(struct world *w, uint32_t box, enum direction direction, const struct datagram *d)
{
    WORLD_TELL(w, emitted, w->type->now(w->engine), box, direction, d);
    w->type->emit(w->engine, box, direction, d);
}

static void send_own(struct world *w, uint32_t box)
{
    struct nat_datagram n;
    enum nat_side side;
    while (nat_output(w->boxes[box], &n, &side)) {
        struct datagram d = from_nat(&n);
        emit(w, box, side == NAT_INSIDE ? INWARD : OUTWARD, &d);
    }
}

/* The box has cut it: the first piece leaves like the others, and before them. */
static bool was_cut(const struct datagram *came, const struct nat_datagram *went)
{
    return went->fragment.more && (!came->fragment.more || went->length != came->length);
}

enum crossing world_boxes_cross(struct world *w, mist_time now, uint32_t box,
                                enum direction direction, struct datagram *d)
{
    struct nat_datagram n = world_boxes_packet(d);
    WORLD_TELL(w, reached, now, box, direction, d);
    enum nat_verdict verdict = direction == OUTWARD ? nat_outbound(w->boxes[box], now, &n)
                                                    : nat_inbound(w->boxes[box], now, &n);
    bool cut = verdict == NAT_PASS && was_cut(d, &n);
    struct datagram went = from_nat(&n);
    WORLD_TELL(w, decided, now, box, direction, nat_verdict_word(verdict),
               cut || nat_is_drop(verdict) ? NULL : &went);
    if (cut)
        emit(w, box, direction, &went);
    send_own(w, box);
    if (cut)
        return CROSS_DROP;
    if (nat_is_drop(verdict)) {
        WORLD_TELL(w, dropped, now, box, nat_verdict_word(verdict), d);
        if (w->options->facts)
            world_record_drop(w, now, w->box_hosts[box], box, direction, verdict, d);
        return CROSS_DROP;
    }
    *d = went; /* alg: rewrite: its bytes too */
    return verdict == NAT_HAIRPIN ? CROSS_HAIRPIN : CROSS_PASS;
}

void world_boxes_called(struct world *w, uint32_t box)
{
    send_own(w, box);
    if (w->box_waits[box] || nat_deadline(w->boxes[box]) == MIST_NEVER)
        return;
    w->box_waits[box] = true;
    w->waiting_boxes[w->waiting_box_count++] = box;
}

mist_time world_boxes_deadline(const struct world *w)
{
    mist_time first = MIST_NEVER;
    for (uint32_t i = 0; i < w->waiting_box_count; i++) {
        mist_time due = nat_deadline(w->boxes[w->waiting_boxes[i]]);
        first = due < first ? due : first;
    }
    return first;
}

void world_boxes_due(struct world *w, mist_time now)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < w->waiting_box_count; i++) {
        uint32_t box = w->waiting_boxes[i];
        if (nat_deadline(w->boxes[box]) <= now) {
            nat_tick(w->boxes[box], now);
            send_own(w, box);
        }
        w->box_waits[box] = nat_deadline(w->boxes[box]) != MIST_NEVER;
        if (w->box_waits[box])
            w->waiting_boxes[kept++] = box;
    }
    w->waiting_box_count = kept;
}

/* ---- faults ---- */

static void turn_knobs(struct nat *box, mist_time now, const struct plan_fault *fault)
{
    struct nat_policy policy = *nat_policy_of(box);
    char error[200];
    for (uint32_t i = 0; i < fault->setting_count; i++)
        CHECK(nat_policy_set(&policy, fault->settings[i].key, fault->settings[i].value, error,
                             sizeof error) == 0);
    CHECK(nat_policy_check(&policy, error, sizeof error) == 0); /* the reader tried it */
    nat_set(box, now, &policy);
}

static void readdress(struct world *w, mist_time now, uint32_t number)
{
    const struct plan_box *box = &w->plan->boxes[number];
    uint32_t count = box->policy.pool;
    struct addr *pool = calloc(count + 1u, sizeof *pool);
    CHECK(pool != NULL && w->readdressed[number] < box->later_count);
    const struct addr *first = &box->later[w->readdressed[number]++];
    for (uint32_t i = 0; i < count; i++)
        pool[i] = world_pool_address(first, i);
    nat_readdress(w->boxes[number], now, pool);
    free(pool);
}

void world_boxes_strike(struct world *w, mist_time now, const struct plan_fault *fault,
                        uint32_t number)
{
    switch (fault->kind) {
    case FAULT_NAT_REBOOT: nat_reboot(w->boxes[number], now); break;
    case FAULT_NAT_FLUSH: nat_flush(w->boxes[number], now); break;
    case FAULT_NAT_SET: turn_knobs(w->boxes[number], now, fault); break;
    default: CHECK(fault->kind == FAULT_READDRESS); readdress(w, now, number);
    }
    world_boxes_called(w, number); /* it may have something to announce */
}

struct nat_counters world_boxes_tally(struct world *w, mist_time now, uint32_t box)
{
    return nat_counters(w->boxes[box], now);
}
