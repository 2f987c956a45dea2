#include "nat-models/ports.h"
#include "nat-models/mapping.h"
#include "nat-models/philox.h"
#include "nat-models/remote.h"
#include "nat-models/subscriber.h"
#include "stack/check.h"

/* Candidates that are drawn before the free ports are counted: enough for any
 * range that is less than nine tenths full. */
#define DRAWS 64

#define FIRST_UNPRIVILEGED 1024 /* RFC 4787 REQ-3a */

/* What draws are for: part of their key. */
enum purpose { PURPOSE_PORT, PURPOSE_ADDRESS, PURPOSE_PAIRING, PURPOSE_COUNTER, PURPOSE_BLOCK };

/* One allocation: who asks, its own stream of draws, and the ports that it may
 * be given: first, first + step ... up to high. */
struct request {
    struct nat *nat;
    const struct nat_endpoint *inside, *remote;
    uint8_t rule;
    bool privileged; /* keep_privileged applies */
    uint64_t key;    /* of the draws: from the box's seed and who asks */
    uint32_t subscriber;
    uint32_t low, high;   /* the range */
    uint32_t first, step; /* in it: ports of the right parity */
};

/* ---- draws ---- */

/* Endpoints that share a generation: it is only there to make a mapping that
 * is made again after its end a new draw. */
static uint16_t *generation(struct nat *nat, const struct nat_endpoint *inside)
{
    return &nat->generation[nat_mix_endpoint(0, inside) % NAT_GENERATIONS];
}

static uint64_t draw_key(struct nat *nat, const struct nat_endpoint *inside,
                         const struct nat_endpoint *remote, uint8_t rule)
{
    uint64_t who = nat_mix_endpoint(rule, inside);
    uint32_t to = rule == NAT_EIM ? 0 : nat_ip4(remote);
    uint32_t port = rule == NAT_APDM ? remote->port : 0;
    struct nat_philox counter = {
        {(uint32_t)who, (uint32_t)(who >> 32), to, port << 16 | *generation(nat, inside)}};
    counter = nat_philox(nat->seed, counter);
    return (uint64_t)counter.word[1] << 32 | counter.word[0];
}

/* A draw for an inside address, whatever its port and protocol. */
static uint32_t draw_host(const struct request *r, enum purpose purpose, uint32_t ordinal)
{
    struct nat_endpoint host = *r->inside;
    host.port = 0;
    host.protocol = 0;
    uint64_t who = nat_mix_endpoint(0, &host);
    struct nat_philox counter = {{(uint32_t)who, (uint32_t)(who >> 32), purpose, ordinal}};
    return nat_philox(r->nat->seed, counter).word[0];
}

static uint32_t draw(uint64_t key, enum purpose purpose, uint32_t ordinal)
{
    return nat_philox(key, (struct nat_philox){{ordinal, purpose, 0, 0}}).word[0];
}

/* ---- is a port free? ---- */

/* The tuple (X':x', remote) is another's: even ports that are shared are not
 * free for this remote. */
static bool tuple_taken(const struct request *r, const struct nat_endpoint *outside)
{
    const struct nat *nat = r->nat;
    if (nat->policy.inbound_clash && nat_reserved_find(nat, NAT_KEY_CLASH, outside, r->remote) != 0)
        return true;
    uint32_t entry = nat_remote_find(nat, NAT_KEY_EXACT, outside, r->remote);
    if (entry == 0)
        return false;
    uint32_t owner = nat->slab->records[entry].remote.mapping;
    return !nat_same(&nat_mapping(nat, owner)->inside, r->inside);
}

enum use {
    USE_FREE,
    USE_OWN, /* only the asker's own mappings have it, and may share it */
    USE_TAKEN
};

static enum use use_of(const struct request *r, uint16_t address, uint16_t port)
{
    const struct nat *nat = r->nat;
    struct nat_endpoint outside = nat_outside(nat, address, port, r->inside->protocol);
    uint32_t held = nat_reserved_find(nat, NAT_KEY_HELD, &outside, r->inside);
    if (held != 0 && !nat_same(&nat->slab->records[held].reserved.by, r->inside))
        return USE_TAKEN;
    uint32_t newest = nat_mapping_find_outside(nat, &outside);
    if (newest == 0)
        return nat->policy.inbound_clash && tuple_taken(r, &outside) ? USE_TAKEN : USE_FREE;
    const struct nat_mapping *m = nat_mapping(nat, newest);
    bool shared = nat->policy.ports == NAT_PORTS_OVERLOAD && !(m->flags & NAT_STATIC);
    if (shared && nat->policy.overload_demux == NAT_DEMUX_LAST_WINS)
        return USE_FREE;
    if (tuple_taken(r, &outside))
        return USE_TAKEN;
    if (shared)
        return USE_FREE;
    bool own = nat_same(&m->inside, r->inside) && !(m->flags & NAT_STATIC);
    return own && r->rule != NAT_EIM ? USE_OWN : USE_TAKEN;
}

static bool is_free(const struct request *r, uint16_t address, uint16_t port)
{
    return use_of(r, address, port) == USE_FREE;
}

/* ---- one address: rules that pick a port; 0 when there is none ---- */

static uint32_t places(const struct request *r)
{
    return r->first > r->high ? 0 : (r->high - r->first) / r->step + 1;
}

static uint16_t port_at(const struct request *r, uint32_t place)
{
    return (uint16_t)(r->first + place * r->step);
}

static bool in_range(const struct request *r, uint32_t port)
{
    return port >= r->first && port <= r->high && (port - r->first) % r->step == 0;
}

/* The request within [low, high]. */
static struct request narrowed(struct request r, uint32_t low, uint32_t high)
{
    r.low = low;
    r.high = high;
    r.step = r.nat->policy.parity ? 2 : 1;
    r.first = low + (r.nat->policy.parity ? (low ^ r.inside->port) & 1 : 0);
    return r;
}

static uint16_t pick_next(const struct request *r, uint16_t address)
{
    uint32_t n = places(r);
    uint32_t start =
        in_range(r, r->inside->port) ? (uint32_t)(r->inside->port - r->low) / r->step + 1 : 0;
    for (uint32_t i = 0; i < n; i++) {
        uint16_t port = port_at(r, (start + i) % n);
        if (is_free(r, address, port))
            return port;
    }
    return 0;
}

/* Uniform over the free ports: the first free one of independent draws is, and
 * so is the k-th free one for a drawn k. */
static uint16_t pick_random(const struct request *r, uint16_t address)
{
    uint32_t n = places(r), count = 0;
    for (uint32_t i = 0; i < DRAWS && n > 0; i++) {
        uint16_t port = port_at(r, nat_below(draw(r->key, PURPOSE_PORT, i), n));
        if (is_free(r, address, port))
            return port;
    }
    for (uint32_t i = 0; i < n; i++)
        count += is_free(r, address, port_at(r, i));
    uint32_t k = nat_below(draw(r->key, PURPOSE_PORT, DRAWS), count);
    for (uint32_t i = 0; i < n && count > 0; i++) {
        if (is_free(r, address, port_at(r, i)) && k-- == 0)
            return port_at(r, i);
    }
    return 0;
}

struct counter {
    uint16_t *last;
    uint8_t *counting;
    uint32_t ordinal; /* of the draw that sets its start */
};

static struct counter counter_of(const struct request *r, uint16_t address)
{
    struct nat *nat = r->nat;
    if (nat->policy.counter == NAT_COUNTER_BOX)
        return (struct counter){&nat->counter, &nat->counting, 0};
    if (nat->policy.counter == NAT_COUNTER_ADDRESS) {
        struct nat_external *x = &nat->external[address];
        return (struct counter){&x->counter, &x->counting, 1u + address};
    }
    struct nat_subscriber *s = &nat->slab->records[r->subscriber].subscriber;
    return (struct counter){&s->counter, &s->counting, draw_host(r, PURPOSE_COUNTER, 0)};
}

/* previous + delta, wrapping in the range.  A delta that has a divisor in
 * common with the range comes round too early: it is shifted by one then, so
 * that every port is tried. */
static uint16_t pick_after(const struct request *r, uint16_t address, uint16_t *last)
{
    int64_t n = (int64_t)r->high - r->low + 1;
    int64_t place = (((int64_t)*last - r->low) % n + n) % n, start = place;
    for (int64_t i = 0; i < n; i++) {
        place = ((place + r->nat->policy.delta) % n + n) % n;
        uint16_t port = (uint16_t)(r->low + place);
        if (in_range(r, port) && is_free(r, address, port)) {
            *last = port;
            return port;
        }
        if (place == start)
            place = start = (start + 1) % n;
    }
    return 0;
}

static uint16_t pick_sequential(const struct request *r, uint16_t address)
{
    struct counter counter = counter_of(r, address);
    if (!*counter.counting) {
        uint32_t ordinal = counter.ordinal ^ (uint32_t)r->nat->reboots << 24;
        uint32_t n = r->high - r->low + 1;
        *counter.last =
            (uint16_t)(r->low + nat_below(draw(r->nat->seed, PURPOSE_COUNTER, ordinal), n));
        *counter.counting = 1;
    }
    return r->privileged ? pick_next(r, address) : pick_after(r, address, counter.last);
}

static uint16_t pick_in_block(const struct request *r, uint16_t address, uint32_t block)
{
    struct nat_ports_range range = nat_block_range(r->nat, block);
    struct request within = narrowed(*r, range.low, range.high);
    if (r->nat->policy.block_ports == NAT_BLOCK_RANDOM)
        return pick_random(&within, address);
    return pick_after(&within, address, &r->nat->slab->records[block].block.counter);
}

/* From the subscriber's blocks, or from one more. */
static uint16_t pick_blocked(const struct request *r, uint16_t address)
{
    uint32_t block = 0;
    while (nat_block_next(r->nat, r->subscriber, address, &block)) {
        uint16_t port = pick_in_block(r, address, block);
        if (port != 0)
            return port;
    }
    uint32_t blocks = r->nat->slab->records[r->subscriber].subscriber.blocks;
    block = nat_block_take(r->nat, r->subscriber, address, draw_host(r, PURPOSE_BLOCK, blocks));
    if (block == 0)
        return 0;
    uint16_t port = pick_in_block(r, address, block);
    if (port == 0)
        nat_block_give(r->nat, block);
    return port;
}

/* RFC 7422: the inside address alone tells external address and block. */
static uint32_t deterministic_place(const struct request *r)
{
    uint64_t places_in_all = (uint64_t)nat_blocks_per_address(r->nat) * r->nat->externals;
    return (uint32_t)(nat_host_number(r->inside) % places_in_all);
}

static struct request within_deterministic(const struct request *r)
{
    const struct nat *nat = r->nat;
    uint32_t number = deterministic_place(r) % nat_blocks_per_address(nat);
    uint32_t low = nat->block_low + number * nat->block_size;
    return narrowed(*r, low, low + nat->block_size - 1);
}

static uint16_t pick_deterministic(const struct request *r, uint16_t address)
{
    struct request within = within_deterministic(r);
    if (r->nat->policy.block_ports == NAT_BLOCK_RANDOM)
        return pick_random(&within, address);
    return pick_next(&within, address);
}

/* on_clash: sticky_random: the newest mapping's port serves the host's later
 * destinations as long as the tuple is free. */
static uint16_t pick_newest(const struct request *r, uint16_t address)
{
    uint32_t newest = nat_mapping_find_source(r->nat, r->inside);
    if (newest == 0)
        return 0;
    const struct nat_mapping *m = nat_mapping(r->nat, newest);
    return m->address == address && use_of(r, address, m->port) != USE_TAKEN ? m->port : 0;
}

static uint16_t pick_preserved(const struct request *r, uint16_t address)
{
    const struct nat_policy *policy = &r->nat->policy;
    uint16_t port = 0;
    if (policy->on_clash == NAT_CLASH_STICKY_RANDOM)
        port = pick_newest(r, address);
    if (port == 0 && in_range(r, r->inside->port) &&
        use_of(r, address, r->inside->port) != USE_TAKEN)
        port = r->inside->port;
    if (port != 0)
        return port;
    return policy->on_clash == NAT_CLASH_NEXT ? pick_next(r, address) : pick_random(r, address);
}

static uint16_t pick_by_rule(const struct request *r, uint16_t address)
{
    switch (r->nat->policy.ports) {
    case NAT_PORTS_SEQUENTIAL: return pick_sequential(r, address);
    case NAT_PORTS_RANDOM: return pick_random(r, address);
    case NAT_PORTS_BLOCK: return pick_blocked(r, address);
    case NAT_PORTS_DETERMINISTIC: return pick_deterministic(r, address);
    default: return pick_preserved(r, address);
    }
}

/* ---- wishes that come before the rule ---- */

/* Would the rule itself give this port?  A wish does not leave the blocks. */
static bool is_allowed(const struct request *r, uint16_t address, uint32_t port)
{
    uint32_t block = 0;
    if (r->nat->policy.ports == NAT_PORTS_BLOCK) {
        while (nat_block_next(r->nat, r->subscriber, address, &block)) {
            struct nat_ports_range range = nat_block_range(r->nat, block);
            if (port >= range.low && port <= range.high)
                return true;
        }
        return false;
    }
    struct request within =
        r->nat->policy.ports == NAT_PORTS_DETERMINISTIC ? within_deterministic(r) : *r;
    return in_range(&within, port);
}

static uint16_t pick_former(const struct request *r, uint16_t address)
{
    uint32_t record = nat_former_find(r->nat, r->inside);
    if (record == 0)
        return 0;
    const struct nat_former *f = &r->nat->slab->records[record].former;
    bool wanted = f->address == address && is_allowed(r, address, f->port);
    return wanted && is_free(r, address, f->port) ? f->port : 0;
}

/* RFC 4787 section 4.2.3: x + 1 of a host gets x' + 1, and x - 1 gets x' - 1. */
static uint16_t pick_contiguous(const struct request *r, uint16_t address)
{
    for (int step = -1; step <= 1; step += 2) {
        struct nat_endpoint neighbour = *r->inside;
        neighbour.port = (uint16_t)(neighbour.port + step);
        uint32_t record = nat_mapping_find_source(r->nat, &neighbour);
        if (record == 0 || nat_mapping(r->nat, record)->address != address)
            continue;
        uint32_t port = (uint32_t)(nat_mapping(r->nat, record)->port - step);
        if (is_allowed(r, address, port) && is_free(r, address, (uint16_t)port))
            return (uint16_t)port;
    }
    return 0;
}

static uint16_t pick(const struct request *r, uint16_t address)
{
    const struct nat_policy *policy = &r->nat->policy;
    uint16_t port = 0;
    if (policy->same_port_after_expiry)
        port = pick_former(r, address);
    if (port == 0 && policy->contiguity)
        port = pick_contiguous(r, address);
    return port != 0 ? port : pick_by_rule(r, address);
}

/* ---- full addresses ---- */

static uint8_t *full_mark(struct nat *nat, uint16_t address, uint8_t protocol)
{
    return &nat->external[address].full[protocol == NAT_UDP ? 0 : protocol == NAT_TCP ? 1 : 2];
}

void nat_ports_freed(struct nat *nat, uint16_t address, uint8_t protocol)
{
    *full_mark(nat, address, protocol) = 0;
}

/* Remembers that an address had no port left, so that a flood of refused
 * mappings does not search it again and again.  Not where a refusal depends on
 * who asks or on the remote. */
static uint16_t pick_unless_full(const struct request *r, uint16_t address)
{
    uint8_t *full = full_mark(r->nat, address, r->inside->protocol);
    if (*full)
        return 0;
    uint16_t port = pick(r, address);
    const struct nat_policy *policy = &r->nat->policy;
    bool for_all = policy->ports < NAT_PORTS_BLOCK && r->step == 1 && !r->privileged &&
                   policy->hold == 0 && !nat_shares_ports(policy) && !policy->inbound_clash;
    if (port == 0 && for_all)
        *full = 1;
    return port;
}

/* ---- the pool ---- */

/* The place in the pool of the i-th address to try, or -1 when there is no
 * further one. */
static int64_t address_to_try(const struct request *r, uint32_t i)
{
    struct nat *nat = r->nat;
    if (i >= nat->externals)
        return -1;
    if (nat->externals == 1)
        return 0;
    if (nat->policy.ports == NAT_PORTS_DETERMINISTIC)
        return i > 0 ? -1 : (int64_t)(deterministic_place(r) / nat_blocks_per_address(nat));
    if (nat->policy.pooling == NAT_POOL_PAIRED && i > 0)
        return -1;
    uint32_t random = nat->policy.pooling == NAT_POOL_ARBITRARY ? draw(r->key, PURPOSE_ADDRESS, 0)
                                                                : draw_host(r, PURPOSE_PAIRING, 0);
    return ((int64_t)nat_below(random, nat->externals) + i) % nat->externals;
}

static struct request request(struct nat *nat, const struct nat_endpoint *inside,
                              const struct nat_endpoint *remote, uint8_t rule)
{
    const struct nat_policy *policy = &nat->policy;
    struct request r = {.nat = nat, .inside = inside, .remote = remote, .rule = rule};
    r.key = draw_key(nat, inside, remote, rule);
    r.privileged = policy->keep_privileged && inside->port < FIRST_UNPRIVILEGED;
    if (nat_keeps_subscribers(policy))
        r.subscriber = nat_subscriber_take(nat, inside);
    if (nat->blocks == 0) {
        nat->block_low = policy->low;
        nat->block_high = policy->high;
        nat->block_size = (uint16_t)policy->block;
    }
    if (inside->protocol == NAT_ICMP)
        return narrowed(r, 1, UINT16_MAX); /* an identifier is no port */
    if (r.privileged)
        return narrowed(r, 1, FIRST_UNPRIVILEGED - 1);
    return narrowed(r, policy->low, policy->high);
}

enum nat_verdict nat_ports_choose(struct nat *nat, const struct nat_endpoint *inside,
                                  const struct nat_endpoint *remote, uint8_t rule,
                                  struct nat_place *place)
{
    struct request r = request(nat, inside, remote, rule);
    int64_t address;
    for (uint32_t i = 0; (address = address_to_try(&r, i)) >= 0; i++) {
        uint16_t port = pick_unless_full(&r, (uint16_t)address);
        if (port == 0)
            continue;
        place->address = (uint16_t)address;
        place->port = port;
        if (nat->policy.ports == NAT_PORTS_BLOCK)
            place->flags |= NAT_BLOCKED;
        return NAT_PASS;
    }
    return NAT_DROP_PORT_EXHAUSTED;
}

bool nat_ports_steal(struct nat *nat, const struct nat_endpoint *inside,
                     const struct nat_endpoint *remote, uint8_t rule)
{
    struct request r = request(nat, inside, remote, rule);
    int64_t address = address_to_try(&r, 0);
    if (places(&r) == 0 || address < 0)
        return false;
    uint16_t port = port_at(&r, nat_below(draw(r.key, PURPOSE_PORT, DRAWS + 1), places(&r)));
    struct nat_endpoint outside = nat_outside(nat, (uint16_t)address, port, inside->protocol);
    uint32_t owner = nat_mapping_find_outside(nat, &outside);
    if (owner == 0 || (nat_mapping(nat, owner)->flags & NAT_STATIC))
        return false;
    nat_mapping_remove(nat, owner, NAT_NO_HOLD);
    return true;
}

/* A static mapping has its port for itself, whatever the policy. */
static bool is_unused(const struct request *r, uint16_t address, uint16_t port)
{
    struct nat_endpoint outside = nat_outside(r->nat, address, port, r->inside->protocol);
    return nat_mapping_find_outside(r->nat, &outside) == 0 && is_free(r, address, port);
}

/* The inside port if it can be had, else the next one unused; 0: none. */
static uint16_t pick_unused(const struct request *r, uint16_t address)
{
    uint32_t n = places(r);
    uint32_t start = in_range(r, r->inside->port) ? (r->inside->port - r->first) / r->step : 0;
    for (uint32_t i = 0; i < n; i++) {
        uint16_t port = port_at(r, (start + i) % n);
        if (is_unused(r, address, port))
            return port;
    }
    return 0;
}

int nat_ports_claim(struct nat *nat, const struct nat_endpoint *inside, const struct addr *external,
                    struct nat_place *place)
{
    struct request r = request(nat, inside, inside, NAT_EIM);
    bool anywhere = external->family == ADDR_NONE, any_port = anywhere || external->port == 0;
    for (uint32_t i = 0; i < nat->externals; i++) {
        if (!anywhere && !addr_same_ip(&nat->external[i].addr, external))
            continue;
        uint16_t port = any_port ? pick_unused(&r, (uint16_t)i) : external->port;
        if (port == 0 || !is_unused(&r, (uint16_t)i, port))
            continue;
        place->address = (uint16_t)i;
        place->port = port;
        return 0;
    }
    return -1;
}

/* ---- ends ---- */

void nat_ports_taken(struct nat *nat, uint32_t record)
{
    struct nat_mapping m = *nat_mapping(nat, record);
    struct nat_endpoint outside = nat_mapping_outside(nat, &m);
    if (m.flags & NAT_BLOCKED)
        nat_block_used(nat, m.address, m.port, m.inside.protocol);
    if (!(m.flags & NAT_STATIC))
        nat_subscriber_made(nat, nat->now, &m.inside);
    if (m.address == NAT_NO_ADDRESS || nat->policy.hold == 0)
        return;
    uint32_t held = nat_reserved_find(nat, NAT_KEY_HELD, &outside, &m.inside);
    if (held != 0) /* taken back by its former owner */
        nat_reserved_remove(nat, NAT_KEY_HELD, held);
}

void nat_ports_released(struct nat *nat, const struct nat_reserved *held)
{
    nat_ports_freed(nat, held->address, held->by.protocol);
    if (held->flags & NAT_BLOCKED)
        nat_block_freed(nat, held->address, held->port, held->by.protocol);
}

void nat_ports_ended(struct nat *nat, const struct nat_mapping *gone, mist_time end)
{
    const struct nat_policy *policy = &nat->policy;
    ++*generation(nat, &gone->inside);
    if (!(gone->flags & NAT_STATIC))
        nat_subscriber_ended(nat, &gone->inside);
    if (gone->address == NAT_NO_ADDRESS)
        return;
    if (policy->same_port_after_expiry && end != NAT_NO_HOLD && !(gone->flags & NAT_STATIC))
        nat_former_remember(nat, gone);
    struct nat_endpoint outside = nat_mapping_outside(nat, gone);
    bool held = end != NAT_NO_HOLD && end + policy->hold > nat->now &&
                !(gone->flags & NAT_STATIC) && nat_mapping_find_outside(nat, &outside) == 0;
    nat_ports_freed(nat, gone->address, gone->inside.protocol);
    if (held)
        nat_reserve(nat, NAT_KEY_HELD, gone->address, gone->port, &gone->inside, end + policy->hold,
                    gone->flags & NAT_BLOCKED);
    else if (gone->flags & NAT_BLOCKED)
        nat_block_freed(nat, gone->address, gone->port, gone->inside.protocol);
}

void nat_ports_restart(struct nat *nat)
{
    if (nat->policy.after_reboot == NAT_COUNTER_KEEP)
        return;
    if (nat->policy.after_reboot == NAT_COUNTER_RANDOM)
        nat->reboots++;
    nat->counting = 0;
    for (uint32_t i = 0; i < nat->externals; i++)
        nat->external[i].counting = 0;
}
