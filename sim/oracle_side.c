/* oracle_side.c: what the other side meets of a chain of boxes; see oracle.h. */
#include "sim/oracle.h"

#include <math.h>
#include <string.h>

#include "stack/check.h"

/* A limit on the mappings of one host, if it is lower than what was there. */
static void lower(struct oracle_side *side, uint64_t mappings, enum oracle_limit limit)
{
    if (mappings >= side->mappings)
        return;
    side->mappings = (uint32_t)mappings;
    side->mappings_limit = (uint8_t)limit;
}

/* What a table with room for so many leaves. */
static uint64_t beside_those_in_use(uint64_t room)
{
    return room > ORACLE_IN_USE ? room - ORACLE_IN_USE : 0;
}

static bool has_blocks(const struct nat_policy *policy)
{
    return policy->ports == NAT_PORTS_BLOCK || policy->ports == NAT_PORTS_DETERMINISTIC;
}

/* Ports of one address, or of one block, that a mapping may be given; parity
 * halves them. */
static uint32_t places_of(const struct nat_policy *policy)
{
    uint32_t places = has_blocks(policy) ? policy->block : policy->high - policy->low + 1u;
    return policy->parity && places > 1 ? places / 2 : places;
}

/* Ports that others hold on average: Little's law. */
static double held_by_others(const struct nat_policy *policy)
{
    double rate = (double)policy->background_uhz / 1e6;
    return rate * ((double)policy->background_life + (double)policy->hold) / 1e9;
}

/* Ports of all addresses, or of the host's blocks, that others leave. */
static uint64_t ports_left(const struct nat_policy *policy)
{
    uint64_t places = places_of(policy);
    if (policy->ports == NAT_PORTS_BLOCK)
        return places * policy->max_blocks;
    if (policy->ports == NAT_PORTS_DETERMINISTIC)
        return places;
    double left = (double)places * policy->pool - held_by_others(policy);
    return left > 0 ? (uint64_t)left : 0;
}

static void limit_mappings(struct oracle_side *side, const struct nat_policy *policy,
                           const struct oracle_budget *budget)
{
    if (policy->quota_ports > 0)
        lower(side, beside_those_in_use(policy->quota_ports), ORACLE_LIMIT_QUOTA);
    if (policy->table_capacity > 0)
        lower(side, beside_those_in_use(policy->table_capacity), ORACLE_LIMIT_CAPACITY);
    /* A burst of a second's worth, then one by one: these meet half of the probes. */
    if (policy->new_mappings_per_s > 0)
        lower(side, policy->new_mappings_per_s * (uint64_t)(1 + budget->time / SEC(2)),
              ORACLE_LIMIT_RATE);
    if (policy->kind == NAT_KIND_NAT && policy->ports != NAT_PORTS_OVERLOAD)
        lower(side, beside_those_in_use(ports_left(policy)),
              has_blocks(policy) ? ORACLE_LIMIT_BLOCK : ORACLE_LIMIT_RANGE);
}

static void limit_life(struct oracle_side *side, const struct nat_policy *policy,
                       const struct oracle_budget *budget)
{
    mist_time life = policy->max_lifetime > 0 ? policy->max_lifetime : MIST_NEVER;
    uint32_t refreshes = (uint32_t)(budget->time / policy->udp_unreplied) + 1;
    if (!(policy->refresh & NAT_REFRESH_OUT))
        life = policy->udp_unreplied < life ? policy->udp_unreplied : life;
    else if (refreshes > side->refreshes)
        side->refreshes = refreshes;
    if (life < budget->time && life < side->life)
        side->life = life;
}

double oracle_kept(const struct nat_policy *policy)
{
    if (policy->kind != NAT_KIND_NAT || policy->mapping == NAT_EIM ||
        policy->ports != NAT_PORTS_PRESERVE || policy->on_clash == NAT_CLASH_STICKY_RANDOM)
        return 1;
    return exp(-held_by_others(policy) / places_of(policy));
}

bool oracle_is_sequential(const struct nat_policy *policy)
{
    return policy->ports == NAT_PORTS_SEQUENTIAL ||
           (has_blocks(policy) && policy->block_ports == NAT_BLOCK_SEQUENTIAL);
}

static void set_law(struct oracle_side *side, const struct nat_policy *policy)
{
    side->law = oracle_is_sequential(policy) ? ORACLE_SEQUENTIAL : ORACLE_RANDOM;
    side->places = places_of(policy);
    side->block = has_blocks(policy);
    side->delta = policy->ports == NAT_PORTS_DETERMINISTIC ? 1 : policy->delta;
    if (policy->ports != NAT_PORTS_SEQUENTIAL)
        return; /* in a block of its own */
    if (policy->counter == NAT_COUNTER_SUBSCRIBER) {
        side->taken = fmin(held_by_others(policy) / places_of(policy), 1);
        return;
    }
    side->foreign_uhz = policy->background_uhz;
    if (policy->counter == NAT_COUNTER_ADDRESS && policy->pool > 1)
        side->foreign_uhz /= policy->pool;
}

static void add_box(struct oracle_side *side, const struct nat_policy *policy,
                    const struct oracle_budget *budget)
{
    struct rule_kind kind = rule_kind(policy);
    side->mapping = kind.mapping > side->mapping ? kind.mapping : side->mapping;
    side->filtering = kind.filtering > side->filtering ? kind.filtering : side->filtering;
    side->blocked |= kind.blocked;
    side->answers &= kind.mapping == NAT_EIM || kind.session_reply;
    side->kept *= oracle_kept(policy);
    if (policy->kind == NAT_KIND_ONE_TO_ONE)
        return;
    limit_mappings(side, policy, budget);
    limit_life(side, policy, budget);
}

static bool keeps_ports(const struct nat_policy *policy)
{
    return policy->kind != NAT_KIND_NAT || policy->ports == NAT_PORTS_PRESERVE ||
           policy->ports == NAT_PORTS_OVERLOAD;
}

const struct nat_policy *oracle_chooser(const struct rule_chain *chain)
{
    for (uint32_t i = chain->count; i-- > 0;)
        if (!keeps_ports(chain->boxes[i]))
            return chain->boxes[i];
    return NULL;
}

/* Mappings of one host get addresses of their own: told by the outermost pool. */
static uint32_t addresses_of(const struct rule_chain *chain)
{
    for (uint32_t i = chain->count; i-- > 0;) {
        const struct nat_policy *policy = chain->boxes[i];
        if (policy->kind == NAT_KIND_NAT)
            return policy->pooling == NAT_POOL_ARBITRARY ? policy->pool : 1;
    }
    return 1;
}

struct oracle_side oracle_side_of(const struct rule_chain *chain,
                                  const struct oracle_budget *budget)
{
    struct oracle_side side;
    const struct nat_policy *chooser = oracle_chooser(chain);
    CHECK(chain->count <= RULE_CHAIN && budget->time > 0);
    memset(&side, 0, sizeof side);
    side.life = MIST_NEVER;
    side.kept = side.refreshes = side.places = 1;
    side.answers = 1;
    side.addresses = addresses_of(chain);
    side.mappings = budget->mappings;
    side.sessions = UINT32_MAX;
    side.mappings_limit = ORACLE_LIMIT_MAPPINGS;
    for (uint32_t i = 0; i < chain->count; i++)
        add_box(&side, chain->boxes[i], budget);
    if (chooser)
        set_law(&side, chooser);
    lower(&side, budget->probes / side.refreshes, ORACLE_LIMIT_PROBES);
    for (uint32_t i = 0; i < chain->count; i++)
        if (chain->boxes[i]->kind == NAT_KIND_NAT && chain->boxes[i]->mapping == NAT_APDM)
            side.sessions = side.mappings;
    return side;
}
