#include "nat-models/box.h"
#include "nat-models/philox.h"
#include "stack/check.h"

/* Candidates that are drawn before the free ports are counted: enough for any
 * range that is less than nine tenths full. */
#define DRAWS 64

/* What draws are for: part of their key. */
enum purpose { PURPOSE_PORT, PURPOSE_ADDRESS, PURPOSE_PAIRING, PURPOSE_COUNTER };

/* One allocation: who asks, and its own stream of draws. */
struct request {
    struct nat *nat;
    const struct nat_endpoint *inside, *remote;
    uint8_t rule;
    uint64_t key;             /* of the draws: from the box's seed and who asks */
    uint16_t low, high, step; /* ports that may be given: low, low + step ... high */
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

/* own_too: the asker's own mappings may share the port. */
static bool is_free(const struct request *r, uint16_t address, uint16_t port, bool own_too)
{
    const struct nat *nat = r->nat;
    struct nat_endpoint outside = nat_outside(nat, address, port, r->inside->protocol);
    uint32_t held = nat_reserved_find(nat, NAT_KEY_HELD, &outside, r->inside);
    if (held != 0 && !nat_same(&nat->slab->records[held].reserved.by, r->inside))
        return false;
    uint32_t newest = nat_mapping_find_outside(nat, &outside);
    if (newest == 0)
        return !(nat->policy.inbound_clash && tuple_taken(r, &outside));
    const struct nat_mapping *m = nat_mapping(nat, newest);
    if (m->flags & NAT_STATIC)
        return false;
    bool own = nat_same(&m->inside, r->inside);
    if (nat->policy.ports == NAT_PORTS_OVERLOAD)
        return nat->policy.overload_demux == NAT_DEMUX_LAST_WINS || !tuple_taken(r, &outside);
    return own && own_too && r->rule != NAT_EIM && !tuple_taken(r, &outside);
}

/* ---- one address: rules that pick a port; 0 when there is none ---- */

static uint32_t places(const struct request *r)
{
    return r->low > r->high ? 0 : ((uint32_t)r->high - r->low) / r->step + 1;
}

static uint16_t port_at(const struct request *r, uint32_t place)
{
    return (uint16_t)(r->low + place * r->step);
}

static bool in_range(const struct request *r, uint32_t port)
{
    return port >= r->low && port <= r->high && (port - r->low) % r->step == 0;
}

static uint16_t pick_next(const struct request *r, uint16_t address)
{
    uint32_t n = places(r);
    uint32_t start =
        in_range(r, r->inside->port) ? (uint32_t)(r->inside->port - r->low) / r->step + 1 : 0;
    for (uint32_t i = 0; i < n; i++) {
        uint16_t port = port_at(r, (start + i) % n);
        if (is_free(r, address, port, false))
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
        if (is_free(r, address, port, false))
            return port;
    }
    for (uint32_t i = 0; i < n; i++)
        count += is_free(r, address, port_at(r, i), false);
    uint32_t k = nat_below(draw(r->key, PURPOSE_PORT, DRAWS), count);
    for (uint32_t i = 0; i < n && count > 0; i++) {
        if (is_free(r, address, port_at(r, i), false) && k-- == 0)
            return port_at(r, i);
    }
    return 0;
}

/* The counter that a sequence goes on from, set to its start if need be. */
static uint16_t *counter_of(const struct request *r, uint16_t address)
{
    struct nat *nat = r->nat;
    const struct nat_policy *policy = &nat->policy;
    bool of_box = policy->counter == NAT_COUNTER_BOX;
    uint16_t *counter = of_box ? &nat->counter : &nat->external[address].counter;
    uint8_t *counting = of_box ? &nat->counting : &nat->external[address].counting;
    if (!*counting) {
        uint32_t n = (uint32_t)policy->high - policy->low + 1;
        uint32_t ordinal = of_box ? 0 : 1u + address;
        ordinal |= (uint32_t)nat->reboots << 24;
        *counter =
            (uint16_t)(policy->low + nat_below(draw(nat->seed, PURPOSE_COUNTER, ordinal), n));
        *counting = 1;
    }
    return counter;
}

/* previous + delta, wrapping in [low, high].  A delta that has a divisor in
 * common with the range comes round too early: it is shifted by one then, so
 * that every port is tried. */
static uint16_t pick_sequential(const struct request *r, uint16_t address)
{
    uint16_t *counter = counter_of(r, address);
    int64_t low = r->nat->policy.low, n = (int64_t)r->nat->policy.high - low + 1;
    int64_t place = ((int64_t)*counter - low) % n, start = place;
    for (int64_t i = 0; i < n; i++) {
        place = ((place + r->nat->policy.delta) % n + n) % n;
        uint16_t port = (uint16_t)(low + place);
        if (in_range(r, port) && is_free(r, address, port, false)) {
            *counter = port;
            return port;
        }
        if (place == start)
            place = start = (start + 1) % n;
    }
    return 0;
}

/* on_clash: sticky_random: the newest mapping's port serves the host's later
 * destinations as long as the tuple is free. */
static uint16_t pick_newest(const struct request *r, uint16_t address)
{
    uint32_t newest = nat_mapping_find_source(r->nat, r->inside);
    if (newest == 0)
        return 0;
    const struct nat_mapping *m = nat_mapping(r->nat, newest);
    return m->address == address && is_free(r, address, m->port, true) ? m->port : 0;
}

static uint16_t pick_preserved(const struct request *r, uint16_t address)
{
    const struct nat_policy *policy = &r->nat->policy;
    uint16_t port = 0;
    if (policy->on_clash == NAT_CLASH_STICKY_RANDOM)
        port = pick_newest(r, address);
    if (port == 0 && in_range(r, r->inside->port) && is_free(r, address, r->inside->port, true))
        port = r->inside->port;
    if (port != 0)
        return port;
    return policy->on_clash == NAT_CLASH_NEXT ? pick_next(r, address) : pick_random(r, address);
}

static uint16_t pick(const struct request *r, uint16_t address)
{
    switch (r->nat->policy.ports) {
    case NAT_PORTS_SEQUENTIAL: return pick_sequential(r, address);
    case NAT_PORTS_RANDOM: return pick_random(r, address);
    default: return pick_preserved(r, address);
    }
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
 * the remote. */
static uint16_t pick_unless_full(const struct request *r, uint16_t address)
{
    uint8_t *full = full_mark(r->nat, address, r->inside->protocol);
    if (*full)
        return 0;
    uint16_t port = pick(r, address);
    if (port == 0 && !nat_shares_ports(&r->nat->policy) && !r->nat->policy.inbound_clash)
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
    if (nat->policy.pooling == NAT_POOL_ARBITRARY)
        return ((int64_t)nat_below(draw(r->key, PURPOSE_ADDRESS, 0), nat->externals) + i) %
               nat->externals;
    if (nat->policy.pooling == NAT_POOL_PAIRED && i > 0)
        return -1;
    struct nat_endpoint host = *r->inside;
    host.port = 0;
    host.protocol = 0;
    uint64_t who = nat_mix_endpoint(0, &host);
    struct nat_philox counter = {{(uint32_t)who, (uint32_t)(who >> 32), PURPOSE_PAIRING, 0}};
    uint32_t first = nat_below(nat_philox(nat->seed, counter).word[0], nat->externals);
    return ((int64_t)first + i) % nat->externals;
}

static struct request request(struct nat *nat, const struct nat_endpoint *inside,
                              const struct nat_endpoint *remote, uint8_t rule)
{
    return (struct request){
        .nat = nat,
        .inside = inside,
        .remote = remote,
        .rule = rule,
        .key = draw_key(nat, inside, remote, rule),
        .low = nat->policy.low,
        .high = nat->policy.high,
        .step = 1,
    };
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
        return NAT_PASS;
    }
    return NAT_DROP_PORT_EXHAUSTED;
}

/* A static mapping has its port for itself, whatever the policy. */
static bool is_unused(const struct request *r, uint16_t address, uint16_t port)
{
    struct nat_endpoint outside = nat_outside(r->nat, address, port, r->inside->protocol);
    return nat_mapping_find_outside(r->nat, &outside) == 0 && is_free(r, address, port, false);
}

/* The inside port if it can be had, else the next one unused; 0: none. */
static uint16_t pick_unused(const struct request *r, uint16_t address)
{
    uint32_t n = places(r);
    uint32_t start = in_range(r, r->inside->port) ? r->inside->port - (uint32_t)r->low : 0;
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

void nat_ports_ended(struct nat *nat, const struct nat_mapping *gone, mist_time end)
{
    ++*generation(nat, &gone->inside);
    if (gone->address == NAT_NO_ADDRESS)
        return;
    (void)end;
    nat_ports_freed(nat, gone->address, gone->inside.protocol);
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
