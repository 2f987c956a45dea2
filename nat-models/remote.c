#include <stdlib.h>

#include "nat-models/mapping.h"
#include "nat-models/ports.h"
#include "nat-models/remote.h"
#include "stack/check.h"

/* ---- finding ---- */

static uint32_t hash_remote(const struct nat *nat, enum nat_key key,
                            const struct nat_endpoint *base, const struct nat_endpoint *remote)
{
    uint64_t hash = nat_mix_endpoint(nat_mix(nat->seed, key), base);
    return (uint32_t)nat_mix_endpoint(hash, remote);
}

/* What the entry's key is built on. */
static struct nat_endpoint base_of(const struct nat *nat, const struct nat_remote *e)
{
    const struct nat_mapping *m = nat_mapping(nat, e->mapping);
    return e->key == NAT_KEY_REPLY ? m->inside : nat_mapping_outside(nat, m);
}

static struct nat_remote *entry(const struct nat *nat, uint32_t record)
{
    return &nat->slab->records[record].remote;
}

uint32_t nat_remote_find(const struct nat *nat, enum nat_key key, const struct nat_endpoint *base,
                         const struct nat_endpoint *remote)
{
    uint32_t hash = hash_remote(nat, key, base, remote), place = hash, ref;
    while ((ref = nat_index_next(&nat->index, hash, &place)) != 0) {
        if (NAT_REF_KEY(ref) != key)
            continue;
        const struct nat_remote *e = entry(nat, NAT_REF_RECORD(ref));
        if (!nat_same(&e->at, remote))
            continue;
        struct nat_endpoint own = base_of(nat, e);
        if (nat_same(&own, base))
            return NAT_REF_RECORD(ref);
    }
    return 0;
}

/* ---- an entry's life ---- */

mist_time nat_remote_end(const struct nat *nat, const struct nat_remote *e)
{
    if (nat->policy.filter_lifetime == NAT_FILTER_OF_MAPPING)
        return MIST_NEVER;
    return e->refreshed + nat_timeout(&nat->policy, e->at.protocol, e->flags);
}

static void link_entry(struct nat *nat, uint32_t record, uint32_t mapping)
{
    struct nat_mapping *m = nat_mapping(nat, mapping);
    struct nat_remote *e = entry(nat, record);
    e->mapping = mapping;
    e->previous = 0;
    e->next = m->first;
    if (m->first != 0)
        entry(nat, m->first)->previous = record;
    m->first = record;
}

static void unlink_entry(struct nat *nat, uint32_t record)
{
    const struct nat_remote *e = entry(nat, record);
    if (e->previous != 0)
        entry(nat, e->previous)->next = e->next;
    else
        nat_mapping(nat, e->mapping)->first = e->next;
    if (e->next != 0)
        entry(nat, e->next)->previous = e->previous;
}

/* The entry starts to live, for the mapping that it now belongs to. */
static void begin(struct nat *nat, mist_time now, uint32_t record)
{
    struct nat_remote *e = entry(nat, record);
    e->created = e->refreshed = now;
    e->flags = e->at.port != 0 && e->at.port == nat->policy.dport ? NAT_SHORT : 0;
    nat_enqueue(nat, e->key, record, nat_remote_end(nat, e));
}

static uint32_t add_entry(struct nat *nat, mist_time now, enum nat_key key, uint32_t mapping,
                          const struct nat_endpoint *remote)
{
    uint32_t record = nat_slab_take(nat->slab);
    struct nat_remote *e = entry(nat, record);
    e->key = (uint8_t)key;
    e->at = *remote;
    link_entry(nat, record, mapping);
    begin(nat, now, record);
    struct nat_endpoint base = base_of(nat, e);
    nat_index_insert(&nat->index, hash_remote(nat, key, &base, remote), NAT_REF(key, record));
    nat->entries++;
    return record;
}

static bool is_listed_only(const struct nat_remote *e)
{
    return e->key == NAT_KEY_ALLOWED || e->key == NAT_KEY_OWNER;
}

void nat_remote_remove(struct nat *nat, uint32_t record)
{
    const struct nat_remote *e = entry(nat, record);
    struct nat_endpoint base = base_of(nat, e);
    if (!is_listed_only(e))
        nat_index_remove(&nat->index, hash_remote(nat, e->key, &base, &e->at),
                         NAT_REF(e->key, record));
    unlink_entry(nat, record);
    nat->entries--;
    nat_slab_give(nat->slab, record);
}

void nat_remote_remove_all(struct nat *nat, uint32_t mapping)
{
    uint32_t record;
    while ((record = nat_mapping(nat, mapping)->first) != 0)
        nat_remote_remove(nat, record);
}

/* Shared keys belong to whoever used them last. */
static void claim(struct nat *nat, mist_time now, uint32_t record, uint32_t mapping)
{
    if (entry(nat, record)->mapping == mapping)
        return;
    unlink_entry(nat, record);
    link_entry(nat, record, mapping);
    begin(nat, now, record);
}

/* The same rules as a mapping's, for the entry alone. */
static void settle(struct nat *nat, mist_time now, uint32_t record, uint8_t direction)
{
    struct nat_remote *e = entry(nat, record);
    const struct nat_policy *policy = &nat->policy;
    if (direction == NAT_REFRESH_IN)
        e->flags |= NAT_REPLIED;
    if ((e->flags & NAT_REPLIED) &&
        (policy->established_when == NAT_FIRST_REPLY || now - e->created > policy->established_age))
        e->flags |= NAT_ESTABLISHED;
    if ((policy->refresh & direction) && now > e->refreshed)
        e->refreshed = now;
    mist_time end = nat_remote_end(nat, e);
    if (end < e->check)
        nat_enqueue(nat, e->key, record, end);
}

/* ---- the two directions ---- */

static bool keeps_exact(const struct nat_policy *policy)
{
    return policy->filtering == NAT_APDF || nat_shares_ports(policy);
}

static struct nat_endpoint without_port(struct nat_endpoint e)
{
    e.port = 0;
    return e;
}

static void open_filter(struct nat *nat, mist_time now, enum nat_key key, uint32_t mapping,
                        const struct nat_endpoint *remote)
{
    struct nat_endpoint outside = nat_mapping_outside(nat, nat_mapping(nat, mapping));
    uint32_t record = nat_remote_find(nat, key, &outside, remote);
    if (record == 0) {
        add_entry(nat, now, key, mapping, remote);
        return;
    }
    claim(nat, now, record, mapping);
    settle(nat, now, record, NAT_REFRESH_OUT);
}

/* Is it the remote for which the mapping was made, as the filter tells remotes apart? */
static bool is_first(const struct nat *nat, const struct nat_mapping *m,
                     const struct nat_endpoint *remote)
{
    return remote->family == ADDR_V4 && m->remote == nat_ip4(remote) &&
           (m->remote_port == remote->port || nat->policy.filtering == NAT_ADF);
}

/* Opens the filter of both kinds that the policy asks for. */
static void open_filters(struct nat *nat, mist_time now, uint32_t mapping,
                         const struct nat_endpoint *remote)
{
    struct nat_mapping *m = nat_mapping(nat, mapping);
    if (nat_keeps_first(&nat->policy) && is_first(nat, m, remote)) {
        m->flags |= NAT_OPENED;
        return;
    }
    if (keeps_exact(&nat->policy))
        open_filter(nat, now, NAT_KEY_EXACT, mapping, remote);
    if (nat->policy.filtering == NAT_ADF) {
        struct nat_endpoint address = without_port(*remote);
        open_filter(nat, now, NAT_KEY_ADDRESS, mapping, &address);
    }
}

void nat_remote_promise(struct nat *nat, uint32_t mapping, const struct nat_endpoint *remote,
                        mist_time end)
{
    struct nat_endpoint address = without_port(*remote);
    struct nat_endpoint outside = nat_mapping_outside(nat, nat_mapping(nat, mapping));
    uint32_t records[] = {nat_remote_find(nat, NAT_KEY_EXACT, &outside, remote),
                          nat_remote_find(nat, NAT_KEY_ADDRESS, &outside, &address)};
    for (int i = 0; i < 2; i++) {
        struct nat_remote *e = entry(nat, records[i]);
        mist_time refreshed = end - nat_least_timeout(&nat->policy, remote->protocol);
        if (records[i] != 0 && refreshed > e->refreshed)
            e->refreshed = refreshed;
    }
}

bool nat_remote_sent(struct nat *nat, mist_time now, uint32_t mapping,
                     const struct nat_endpoint *remote)
{
    const struct nat_policy *policy = &nat->policy;
    if (nat->entries >= NAT_ENTRIES_MAX)
        return false;
    if (nat_mapping(nat, mapping)->flags & NAT_STATIC)
        return true; /* open to all */
    open_filters(nat, now, mapping, remote);
    if (policy->session_reply) {
        uint32_t record =
            nat_remote_find(nat, NAT_KEY_REPLY, &nat_mapping(nat, mapping)->inside, remote);
        if (record != 0 && entry(nat, record)->mapping == mapping)
            settle(nat, now, record, NAT_REFRESH_OUT);
    }
    return true;
}

/* A first remote gets the entry that it went without. */
static void unfold(struct nat *nat, uint32_t mapping)
{
    struct nat_mapping m = *nat_mapping(nat, mapping);
    struct addr address = addr_v4(m.remote, m.remote_port);
    struct nat_endpoint remote = nat_endpoint(&address, m.inside.protocol);
    bool exact = keeps_exact(&nat->policy);
    if (!exact)
        remote = without_port(remote);
    enum nat_key key = exact ? NAT_KEY_EXACT : NAT_KEY_ADDRESS;
    struct nat_endpoint outside = nat_mapping_outside(nat, &m);
    nat_mapping(nat, mapping)->flags &= (uint8_t)~NAT_OPENED;
    if (nat_remote_find(nat, key, &outside, &remote) != 0)
        return; /* it has one since an earlier change */
    uint32_t record = add_entry(nat, m.created, key, mapping, &remote);
    entry(nat, record)->refreshed = m.refreshed;
    entry(nat, record)->flags = m.flags & (NAT_REPLIED | NAT_ESTABLISHED | NAT_SHORT);
}

void nat_remote_unfold_all(struct nat *nat)
{
    size_t count = 0;
    uint32_t *opened = calloc((size_t)nat->count.mappings_alive + 1, sizeof *opened);
    CHECK(opened != NULL);
    for (uint32_t i = 0; nat->index.slots != NULL && i <= nat->index.mask; i++) {
        uint32_t ref = nat->index.slots[i].ref, record = NAT_REF_RECORD(ref);
        if (NAT_REF_KEY(ref) == NAT_KEY_INSIDE && (nat_mapping(nat, record)->flags & NAT_OPENED))
            opened[count++] = record;
    }
    while (count > 0)
        unfold(nat, opened[--count]);
    free(opened);
}

/* ---- filters of static mappings ---- */

static bool is_within(const struct nat_endpoint *network, uint8_t prefix,
                      const struct nat_endpoint *e)
{
    uint8_t bytes = prefix / 8, last = (uint8_t)(0xff00 >> prefix % 8);
    return memcmp(network->ip, e->ip, bytes) == 0 &&
           (prefix % 8 == 0 || ((network->ip[bytes] ^ e->ip[bytes]) & last) == 0) &&
           (network->port == 0 || network->port == e->port);
}

/* May remote come in through the static mapping? */
static bool is_allowed(const struct nat *nat, uint32_t mapping, const struct nat_endpoint *remote)
{
    bool filtered = false;
    for (uint32_t i = nat_mapping(nat, mapping)->first; i != 0; i = entry(nat, i)->next) {
        const struct nat_remote *e = entry(nat, i);
        if (e->key != NAT_KEY_ALLOWED)
            continue;
        filtered = true;
        if (is_within(&e->at, e->prefix, remote))
            return true;
    }
    return !filtered;
}

/* A record that its mapping's list alone leads to. */
static struct nat_remote *add_listed(struct nat *nat, uint32_t mapping, enum nat_key key)
{
    uint32_t record = nat_slab_take(nat->slab);
    struct nat_remote *e = entry(nat, record);
    e->check = MIST_NEVER;
    e->key = (uint8_t)key;
    link_entry(nat, record, mapping);
    nat->entries++;
    return e;
}

void nat_remote_allow(struct nat *nat, uint32_t mapping, const struct nat_endpoint *remote,
                      uint8_t prefix)
{
    for (uint32_t i = nat_mapping(nat, mapping)->first; i != 0; i = entry(nat, i)->next) {
        const struct nat_remote *e = entry(nat, i);
        if (e->key == NAT_KEY_ALLOWED && e->prefix == prefix && nat_same(&e->at, remote))
            return;
    }
    struct nat_remote *e = add_listed(nat, mapping, NAT_KEY_ALLOWED);
    e->at = *remote;
    e->prefix = prefix;
}

uint32_t nat_remote_count_allowed(const struct nat *nat, uint32_t mapping)
{
    uint32_t count = 0;
    for (uint32_t i = nat_mapping(nat, mapping)->first; i != 0; i = entry(nat, i)->next)
        count += entry(nat, i)->key == NAT_KEY_ALLOWED;
    return count;
}

void nat_remote_allow_all(struct nat *nat, uint32_t mapping)
{
    uint32_t next;
    for (uint32_t i = nat_mapping(nat, mapping)->first; i != 0; i = next) {
        next = entry(nat, i)->next;
        if (entry(nat, i)->key == NAT_KEY_ALLOWED)
            nat_remote_remove(nat, i);
    }
}

/* ---- who asked for it ---- */

static struct nat_remote *owner_of(const struct nat *nat, uint32_t mapping)
{
    uint32_t i = nat_mapping(nat, mapping)->first;
    while (i != 0 && entry(nat, i)->key != NAT_KEY_OWNER)
        i = entry(nat, i)->next;
    return i == 0 ? NULL : entry(nat, i);
}

bool nat_remote_is_owner(const struct nat *nat, uint32_t mapping, const uint8_t *nonce)
{
    const struct nat_remote *owner = owner_of(nat, mapping);
    return owner == NULL || memcmp(owner->at.ip, nonce, NAT_NONCE_BYTES) == 0;
}

void nat_remote_set_owner(struct nat *nat, uint32_t mapping, const uint8_t *nonce)
{
    struct nat_remote *owner = owner_of(nat, mapping);
    if (owner == NULL)
        owner = add_listed(nat, mapping, NAT_KEY_OWNER);
    memcpy(owner->at.ip, nonce, NAT_NONCE_BYTES);
}

/* ---- inward ---- */

/* The filter entry that lets remote in, or 0. */
static uint32_t find_filter(const struct nat *nat, const struct nat_endpoint *outside,
                            const struct nat_endpoint *remote)
{
    const struct nat_policy *policy = &nat->policy;
    uint32_t record = 0;
    if (keeps_exact(policy))
        record = nat_remote_find(nat, NAT_KEY_EXACT, outside, remote);
    if (record == 0 && policy->filtering == NAT_ADF) {
        struct nat_endpoint address = without_port(*remote);
        record = nat_remote_find(nat, NAT_KEY_ADDRESS, outside, &address);
    }
    return record;
}

uint32_t nat_remote_admit(const struct nat *nat, const struct nat_endpoint *outside,
                          const struct nat_endpoint *remote, enum nat_verdict *verdict)
{
    *verdict = NAT_PASS;
    bool keeps_first = nat_keeps_first(&nat->policy);
    uint32_t newest = keeps_first ? nat_mapping_find_outside(nat, outside) : 0;
    if (newest != 0 && (nat_mapping(nat, newest)->flags & NAT_OPENED) &&
        is_first(nat, nat_mapping(nat, newest), remote))
        return newest;
    uint32_t filter = find_filter(nat, outside, remote);
    if (filter != 0)
        return entry(nat, filter)->mapping;
    if (!keeps_first)
        newest = nat_mapping_find_outside(nat, outside);
    if (newest == 0) {
        *verdict = NAT_DROP_NO_MAPPING;
        return 0;
    }
    if (nat_mapping(nat, newest)->flags & NAT_STATIC ? is_allowed(nat, newest, remote)
                                                     : nat->policy.filtering == NAT_EIF)
        return newest;
    *verdict = NAT_DROP_FILTER;
    return 0;
}

/* The answer to remote shall leave through this mapping. */
static void open_reply(struct nat *nat, mist_time now, uint32_t mapping,
                       const struct nat_endpoint *remote)
{
    const struct nat_endpoint inside = nat_mapping(nat, mapping)->inside;
    uint32_t record = nat_remote_find(nat, NAT_KEY_REPLY, &inside, remote);
    if (record == 0) {
        uint8_t rule = nat_mapping(nat, mapping)->rule;
        if (nat_mapping_find(nat, rule, &inside, remote) == mapping)
            return; /* its key leads there anyway */
        if (nat->entries >= NAT_ENTRIES_MAX)
            return;
        record = add_entry(nat, now, NAT_KEY_REPLY, mapping, remote);
    }
    claim(nat, now, record, mapping);
    settle(nat, now, record, NAT_REFRESH_IN);
}

void nat_remote_received(struct nat *nat, mist_time now, uint32_t mapping,
                         const struct nat_endpoint *remote)
{
    const struct nat_policy *policy = &nat->policy;
    struct nat_endpoint outside = nat_mapping_outside(nat, nat_mapping(nat, mapping));
    uint32_t record = 0;
    if (policy->filter_lifetime == NAT_FILTER_OF_SESSION && keeps_exact(policy)) {
        record = nat_remote_find(nat, NAT_KEY_EXACT, &outside, remote);
        if (record != 0)
            settle(nat, now, record, NAT_REFRESH_IN);
    }
    if (policy->filter_lifetime == NAT_FILTER_OF_SESSION && policy->filtering == NAT_ADF) {
        struct nat_endpoint address = without_port(*remote);
        record = nat_remote_find(nat, NAT_KEY_ADDRESS, &outside, &address);
        if (record != 0)
            settle(nat, now, record, NAT_REFRESH_IN);
    }
    if (policy->session_reply)
        open_reply(nat, now, mapping, remote);
}

/* ---- reserved ports ---- */

static struct nat_reserved *reserved(const struct nat *nat, uint32_t record)
{
    return &nat->slab->records[record].reserved;
}

/* A tuple is found by both of its ends; a held port by its own alone. */
static uint32_t hash_reserved(const struct nat *nat, enum nat_key key,
                              const struct nat_endpoint *outside, const struct nat_endpoint *by)
{
    if (key == NAT_KEY_CLASH)
        return hash_remote(nat, key, outside, by);
    return (uint32_t)nat_mix_endpoint(nat_mix(nat->seed, key), outside);
}

uint32_t nat_reserved_find(const struct nat *nat, enum nat_key key,
                           const struct nat_endpoint *outside, const struct nat_endpoint *by)
{
    uint32_t hash = hash_reserved(nat, key, outside, by), place = hash, ref;
    while ((ref = nat_index_next(&nat->index, hash, &place)) != 0) {
        if (NAT_REF_KEY(ref) != key)
            continue;
        const struct nat_reserved *r = reserved(nat, NAT_REF_RECORD(ref));
        struct nat_endpoint own = nat_outside(nat, r->address, r->port, r->by.protocol);
        if (nat_same(&own, outside) && (key == NAT_KEY_HELD || nat_same(&r->by, by)))
            return NAT_REF_RECORD(ref);
    }
    return 0;
}

void nat_reserve(struct nat *nat, enum nat_key key, uint16_t address, uint16_t port,
                 const struct nat_endpoint *by, mist_time end, uint8_t flags)
{
    struct nat_endpoint outside = nat_outside(nat, address, port, by->protocol);
    uint32_t record = nat_reserved_find(nat, key, &outside, by);
    if (record == 0) {
        record = nat_slab_take(nat->slab);
        nat_index_insert(&nat->index, hash_reserved(nat, key, &outside, by), NAT_REF(key, record));
        nat->entries++;
    }
    struct nat_reserved *r = reserved(nat, record);
    r->address = address;
    r->port = port;
    r->by = *by;
    r->flags = flags;
    nat_enqueue(nat, key, record, end);
}

void nat_reserved_remove(struct nat *nat, enum nat_key key, uint32_t record)
{
    const struct nat_reserved *r = reserved(nat, record);
    struct nat_endpoint outside = nat_outside(nat, r->address, r->port, r->by.protocol);
    nat_index_remove(&nat->index, hash_reserved(nat, key, &outside, &r->by), NAT_REF(key, record));
    struct nat_reserved gone = *r;
    nat->entries--;
    nat_slab_give(nat->slab, record);
    if (key == NAT_KEY_HELD)
        nat_ports_released(nat, &gone);
}
