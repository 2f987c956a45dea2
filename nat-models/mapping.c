#include <stdlib.h>

#include "nat-models/mapping.h"
#include "nat-models/ports.h"
#include "nat-models/remote.h"
#include "nat-models/subscriber.h"
#include "stack/check.h"

/* ---- time ---- */

mist_time nat_timeout(const struct nat_policy *policy, uint8_t protocol, uint8_t flags)
{
    if (flags & NAT_SHORT)
        return policy->dport_timeout;
    switch (protocol) {
    case NAT_TCP: return flags & NAT_ESTABLISHED ? policy->tcp_established : policy->tcp_transitory;
    case NAT_ICMP:
    case NAT_ICMP6: return policy->icmp_query;
    default: return flags & NAT_ESTABLISHED ? policy->udp_established : policy->udp_unreplied;
    }
}

mist_time nat_least_timeout(const struct nat_policy *policy, uint8_t protocol)
{
    mist_time a = nat_timeout(policy, protocol, 0),
              b = nat_timeout(policy, protocol, NAT_ESTABLISHED);
    return a < b ? a : b;
}

/* When the mapping dies unless something refreshes it. */
static mist_time mapping_end(const struct nat *nat, const struct nat_mapping *m)
{
    if (m->flags & (NAT_STATIC | NAT_OTHERS))
        return m->refreshed;
    const struct nat_policy *policy = &nat->policy;
    mist_time end = m->refreshed + nat_timeout(policy, m->inside.protocol, m->flags);
    if (policy->max_lifetime > 0 && m->created + policy->max_lifetime < end)
        end = m->created + policy->max_lifetime;
    return end;
}

void nat_enqueue(struct nat *nat, enum nat_key key, uint32_t record, mist_time end)
{
    union nat_record *r = &nat->slab->records[record];
    r->head.check = end;
    if (end == MIST_NEVER)
        return;
    nat_queue_push(&nat->queue, (struct nat_item){end, NAT_REF(key, record), r->head.serial});
    nat->due = nat_queue_first(&nat->queue);
}

void nat_mapping_renew(struct nat *nat, uint32_t record, mist_time end)
{
    nat_mapping(nat, record)->refreshed = end;
    nat_enqueue(nat, NAT_KEY_INSIDE, record, end);
}

mist_time nat_mapping_promise(struct nat *nat, uint32_t record, mist_time end)
{
    struct nat_mapping *m = nat_mapping(nat, record);
    mist_time refreshed = end - nat_least_timeout(&nat->policy, m->inside.protocol);
    if (!(m->flags & (NAT_STATIC | NAT_OTHERS)) && refreshed > m->refreshed) {
        m->refreshed = refreshed;
        m->flags &= (uint8_t)~NAT_SHORT;
    }
    return mapping_end(nat, m);
}

void nat_mapping_reschedule(struct nat *nat)
{
    for (uint32_t i = 0; nat->index.slots != NULL && i <= nat->index.mask; i++) {
        uint32_t ref = nat->index.slots[i].ref, record = NAT_REF_RECORD(ref);
        const union nat_record *r = &nat->slab->records[record];
        enum nat_key key = NAT_REF_KEY(ref);
        mist_time end = MIST_NEVER;
        if (key == NAT_KEY_INSIDE)
            end = mapping_end(nat, &r->mapping);
        else if (key == NAT_KEY_EXACT || key == NAT_KEY_ADDRESS || key == NAT_KEY_REPLY)
            end = nat_remote_end(nat, &r->remote);
        if (end < r->head.check)
            nat_enqueue(nat, key, record, end);
    }
}

/* The queue's item is due: removes the record, or queues it anew where its end
 * has moved, even into the past: ends are met in their order, since the last
 * mapping of a port decides how long the port is held. */
static void look(struct nat *nat, enum nat_key key, uint32_t record)
{
    union nat_record *r = &nat->slab->records[record];
    mist_time end = r->head.check;
    if (key == NAT_KEY_INSIDE)
        end = mapping_end(nat, &r->mapping);
    else if (key == NAT_KEY_EXACT || key == NAT_KEY_ADDRESS || key == NAT_KEY_REPLY)
        end = nat_remote_end(nat, &r->remote);
    if (end > r->head.check)
        nat_enqueue(nat, key, record, end);
    else if (key == NAT_KEY_INSIDE)
        nat_mapping_remove(nat, record, end);
    else if (key == NAT_KEY_CLASH || key == NAT_KEY_HELD)
        nat_reserved_remove(nat, key, record);
    else if (key == NAT_KEY_SUBSCRIBER)
        nat_subscriber_look(nat, record);
    else if (key == NAT_KEY_FORMER)
        nat_former_remove(nat, record);
    else
        nat_remote_remove(nat, record);
}

void nat_expire(struct nat *nat, mist_time now)
{
    while (nat->due <= now) {
        struct nat_item item = nat_queue_pop(&nat->queue);
        uint32_t record = NAT_REF_RECORD(item.ref);
        const union nat_record *r = &nat->slab->records[record];
        nat->due = nat_queue_first(&nat->queue);
        if (r->head.serial == item.serial && r->head.check == item.at)
            look(nat, NAT_REF_KEY(item.ref), record);
    }
}

/* ---- keys ---- */

struct key_part {
    uint32_t remote;
    uint16_t port;
};

static struct key_part key_part(uint8_t rule, const struct nat_endpoint *remote)
{
    struct key_part part = {0, 0};
    if (rule != NAT_EIM)
        part.remote = nat_ip4(remote);
    if (rule == NAT_APDM)
        part.port = remote->port;
    return part;
}

static uint32_t hash_inside(const struct nat *nat, uint8_t rule, const struct nat_endpoint *inside,
                            struct key_part part)
{
    uint64_t hash = nat_mix(nat->seed, (uint64_t)rule << 8 | NAT_KEY_INSIDE);
    hash = nat_mix_endpoint(hash, inside);
    return (uint32_t)nat_mix(hash, (uint64_t)part.remote << 16 | part.port);
}

static struct key_part own_key_part(const struct nat_mapping *m)
{
    return (struct key_part){m->rule == NAT_EIM ? 0 : m->remote,
                             m->rule == NAT_APDM ? m->remote_port : 0};
}

static uint32_t hash_endpoint(const struct nat *nat, enum nat_key key, const struct nat_endpoint *e)
{
    return (uint32_t)nat_mix_endpoint(nat_mix(nat->seed, key), e);
}

uint32_t nat_mapping_hash(const struct nat *nat, uint8_t rule, const struct nat_endpoint *inside,
                          const struct nat_endpoint *remote)
{
    return hash_inside(nat, rule, inside, key_part(rule, remote));
}

uint32_t nat_mapping_hash_outside(const struct nat *nat, const struct nat_endpoint *outside)
{
    return hash_endpoint(nat, NAT_KEY_OUTSIDE, outside);
}

uint32_t nat_mapping_find(const struct nat *nat, uint8_t rule, const struct nat_endpoint *inside,
                          const struct nat_endpoint *remote)
{
    struct key_part part = key_part(rule, remote);
    uint32_t hash = hash_inside(nat, rule, inside, part), place = hash, ref;
    while ((ref = nat_index_next(&nat->index, hash, &place)) != 0) {
        const struct nat_mapping *m = nat_mapping(nat, NAT_REF_RECORD(ref));
        if (NAT_REF_KEY(ref) == NAT_KEY_INSIDE && m->rule == rule &&
            (rule == NAT_EIM || m->remote == part.remote) &&
            (rule != NAT_APDM || m->remote_port == part.port) && nat_same(&m->inside, inside))
            return NAT_REF_RECORD(ref);
    }
    return 0;
}

/* STATIC and SOURCE: by the inside endpoint alone. */
static uint32_t find_by_inside(const struct nat *nat, enum nat_key key,
                               const struct nat_endpoint *inside)
{
    uint32_t hash = hash_endpoint(nat, key, inside), place = hash, ref;
    while ((ref = nat_index_next(&nat->index, hash, &place)) != 0) {
        if (NAT_REF_KEY(ref) == key &&
            nat_same(&nat_mapping(nat, NAT_REF_RECORD(ref))->inside, inside))
            return NAT_REF_RECORD(ref);
    }
    return 0;
}

uint32_t nat_mapping_find_static(const struct nat *nat, const struct nat_endpoint *inside)
{
    return nat->statics == 0 ? 0 : find_by_inside(nat, NAT_KEY_STATIC, inside);
}

uint32_t nat_mapping_find_source(const struct nat *nat, const struct nat_endpoint *inside)
{
    return find_by_inside(nat, NAT_KEY_SOURCE, inside);
}

uint32_t nat_mapping_find_outside(const struct nat *nat, const struct nat_endpoint *outside)
{
    uint32_t hash = hash_endpoint(nat, NAT_KEY_OUTSIDE, outside), place = hash, ref;
    while ((ref = nat_index_next(&nat->index, hash, &place)) != 0) {
        if (NAT_REF_KEY(ref) != NAT_KEY_OUTSIDE)
            continue;
        struct nat_endpoint own = nat_mapping_outside(nat, nat_mapping(nat, NAT_REF_RECORD(ref)));
        if (nat_same(&own, outside))
            return NAT_REF_RECORD(ref);
    }
    return 0;
}

static uint32_t hash_outside(const struct nat *nat, const struct nat_mapping *m)
{
    struct nat_endpoint outside = nat_mapping_outside(nat, m);
    return hash_endpoint(nat, NAT_KEY_OUTSIDE, &outside);
}

/* ---- lists of mappings at one key, the newest in the index ---- */

/* The two lists that a LISTED mapping is in: a pair of links each. */
struct list {
    enum nat_key key;
    uint32_t hash, newest;
};

static struct list list_of(const struct nat *nat, enum nat_key key, const struct nat_mapping *m)
{
    if (key == NAT_KEY_SOURCE)
        return (struct list){key, hash_endpoint(nat, key, &m->inside),
                             nat_mapping_find_source(nat, &m->inside)};
    struct nat_endpoint outside = nat_mapping_outside(nat, m);
    return (struct list){key, hash_endpoint(nat, key, &outside),
                         nat_mapping_find_outside(nat, &outside)};
}

static struct nat_link *link_of(const struct nat *nat, enum nat_key key, uint32_t record)
{
    return key == NAT_KEY_SOURCE ? &nat->slab->links[record].source
                                 : &nat->slab->links[record].port;
}

static void push(struct nat *nat, enum nat_key key, uint32_t record)
{
    struct list list = list_of(nat, key, nat_mapping(nat, record));
    if (list.newest != 0) {
        nat_index_remove(&nat->index, list.hash, NAT_REF(key, list.newest));
        link_of(nat, key, list.newest)->newer = record;
    }
    nat_index_insert(&nat->index, list.hash, NAT_REF(key, record));
    *link_of(nat, key, record) = (struct nat_link){.newer = 0, .older = list.newest};
}

static void pull(struct nat *nat, enum nat_key key, uint32_t record)
{
    struct nat_link *link = link_of(nat, key, record);
    if (link->older != 0)
        link_of(nat, key, link->older)->newer = link->newer;
    if (link->newer != 0) {
        link_of(nat, key, link->newer)->older = link->older;
        return;
    }
    struct list list = list_of(nat, key, nat_mapping(nat, record));
    nat_index_remove(&nat->index, list.hash, NAT_REF(key, record));
    if (link->older != 0)
        nat_index_insert(&nat->index, list.hash, NAT_REF(key, link->older));
}

/* Total: no two unlisted mappings share an outside endpoint. */
static int older_first(const void *left, const void *right)
{
    const struct nat_mapping *a = left, *b = right;
    if (a->created != b->created)
        return a->created < b->created ? -1 : 1;
    if (a->address != b->address)
        return a->address < b->address ? -1 : 1;
    if (a->port != b->port)
        return a->port < b->port ? -1 : 1;
    return a->inside.protocol - b->inside.protocol;
}

void nat_mapping_list_all(struct nat *nat)
{
    size_t count = 0;
    struct nat_mapping *old = calloc((size_t)nat->count.mappings_alive + 1, sizeof *old);
    CHECK(old != NULL);
    for (uint32_t i = 0; nat->index.slots != NULL && i <= nat->index.mask; i++) {
        uint32_t ref = nat->index.slots[i].ref;
        const struct nat_mapping *m = nat_mapping(nat, NAT_REF_RECORD(ref));
        if (NAT_REF_KEY(ref) == NAT_KEY_OUTSIDE && !(m->flags & NAT_LISTED))
            old[count++] = *m;
    }
    qsort(old, count, sizeof *old, older_first);
    for (size_t i = 0; i < count; i++) {
        struct nat_endpoint outside = nat_mapping_outside(nat, &old[i]);
        uint32_t record = nat_mapping_find_outside(nat, &outside);
        nat_index_remove(&nat->index, hash_outside(nat, &old[i]), NAT_REF(NAT_KEY_OUTSIDE, record));
        nat_mapping(nat, record)->flags |= NAT_LISTED;
        push(nat, NAT_KEY_OUTSIDE, record);
        if (!(old[i].flags & NAT_STATIC))
            push(nat, NAT_KEY_SOURCE, record);
    }
    free(old);
}

/* ---- birth and death ---- */

static void count_birth(struct nat_counters *count)
{
    count->mappings_made++;
    count->mappings_alive++;
    if (count->mappings_alive > count->mappings_peak)
        count->mappings_peak = count->mappings_alive;
}

/* last_wins: whoever else has the port loses it. */
static void cut_others(struct nat *nat, mist_time now, const struct nat_endpoint *outside,
                       const struct nat_endpoint *inside)
{
    uint32_t other;
    while ((other = nat_mapping_find_outside(nat, outside)) != 0 &&
           !nat_same(&nat_mapping(nat, other)->inside, inside))
        nat_mapping_remove(nat, other, now);
}

static void insert_keys(struct nat *nat, uint32_t record)
{
    const struct nat_mapping *m = nat_mapping(nat, record);
    if (m->flags & NAT_LISTED)
        push(nat, NAT_KEY_OUTSIDE, record);
    else
        nat_index_insert(&nat->index, hash_outside(nat, m), NAT_REF(NAT_KEY_OUTSIDE, record));
    if (m->flags & NAT_STATIC) {
        nat_index_insert(&nat->index, hash_endpoint(nat, NAT_KEY_STATIC, &m->inside),
                         NAT_REF(NAT_KEY_STATIC, record));
        nat->statics++;
        return;
    }
    nat_index_insert(&nat->index, hash_inside(nat, m->rule, &m->inside, own_key_part(m)),
                     NAT_REF(NAT_KEY_INSIDE, record));
    if (m->flags & NAT_LISTED)
        push(nat, NAT_KEY_SOURCE, record);
}

uint32_t nat_mapping_add(struct nat *nat, mist_time now, const struct nat_endpoint *inside,
                         const struct nat_endpoint *remote, const struct nat_place *place)
{
    const struct nat_policy *policy = &nat->policy;
    if (policy->ports == NAT_PORTS_OVERLOAD && policy->overload_demux == NAT_DEMUX_LAST_WINS) {
        struct nat_endpoint outside =
            nat_outside(nat, place->address, place->port, inside->protocol);
        cut_others(nat, now, &outside, inside);
    }
    uint32_t record = nat_slab_take(nat->slab);
    struct nat_mapping *m = nat_mapping(nat, record);
    m->inside = *inside;
    m->remote = nat_ip4(remote);
    m->remote_port = remote->port;
    m->address = place->address;
    m->port = place->port;
    m->rule = place->rule;
    m->flags = place->flags;
    if (nat_lists_mappings(policy))
        m->flags |= NAT_LISTED;
    m->created = now;
    m->refreshed = place->flags & (NAT_STATIC | NAT_OTHERS) ? place->end : now;
    insert_keys(nat, record);
    count_birth(&nat->count);
    nat_enqueue(nat, NAT_KEY_INSIDE, record, mapping_end(nat, nat_mapping(nat, record)));
    nat_ports_taken(nat, record);
    return record;
}

static void remove_keys(struct nat *nat, uint32_t record)
{
    const struct nat_mapping *m = nat_mapping(nat, record);
    if (m->flags & NAT_LISTED)
        pull(nat, NAT_KEY_OUTSIDE, record);
    else
        nat_index_remove(&nat->index, hash_outside(nat, m), NAT_REF(NAT_KEY_OUTSIDE, record));
    if (m->flags & NAT_STATIC) {
        nat_index_remove(&nat->index, hash_endpoint(nat, NAT_KEY_STATIC, &m->inside),
                         NAT_REF(NAT_KEY_STATIC, record));
        nat->statics--;
        return;
    }
    nat_index_remove(&nat->index, hash_inside(nat, m->rule, &m->inside, own_key_part(m)),
                     NAT_REF(NAT_KEY_INSIDE, record));
    if (m->flags & NAT_LISTED)
        pull(nat, NAT_KEY_SOURCE, record);
}

void nat_mapping_remove(struct nat *nat, uint32_t record, mist_time end)
{
    nat_remote_remove_all(nat, record);
    remove_keys(nat, record);
    struct nat_mapping m = *nat_mapping(nat, record);
    nat_slab_give(nat->slab, record);
    nat->count.mappings_alive--;
    nat_ports_ended(nat, &m, end);
}

/* ---- life ---- */

static bool is_established(const struct nat_policy *policy, mist_time age)
{
    return policy->established_when == NAT_FIRST_REPLY || age > policy->established_age;
}

void nat_mapping_sent(struct nat *nat, mist_time now, uint32_t record, uint16_t remote_port)
{
    struct nat_mapping *m = nat_mapping(nat, record);
    if (m->flags & (NAT_STATIC | NAT_OTHERS))
        return;
    if (remote_port != nat->policy.dport)
        m->flags &= (uint8_t)~NAT_SHORT;
    if ((m->flags & NAT_REPLIED) && is_established(&nat->policy, now - m->created))
        m->flags |= NAT_ESTABLISHED;
    if ((nat->policy.refresh & NAT_REFRESH_OUT) && now > m->refreshed)
        m->refreshed = now;
    if (mapping_end(nat, m) < m->check)
        nat_enqueue(nat, NAT_KEY_INSIDE, record, mapping_end(nat, m));
}

void nat_mapping_received(struct nat *nat, mist_time now, uint32_t record)
{
    struct nat_mapping *m = nat_mapping(nat, record);
    if (m->flags & (NAT_STATIC | NAT_OTHERS))
        return;
    m->flags |= NAT_REPLIED;
    if (is_established(&nat->policy, now - m->created))
        m->flags |= NAT_ESTABLISHED;
    if ((nat->policy.refresh & NAT_REFRESH_IN) && now > m->refreshed)
        m->refreshed = now;
    if (mapping_end(nat, m) < m->check)
        nat_enqueue(nat, NAT_KEY_INSIDE, record, mapping_end(nat, m));
}
