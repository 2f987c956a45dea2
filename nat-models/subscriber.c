#include "nat-models/subscriber.h"
#include "nat-models/mapping.h"
#include "stack/check.h"

/* A subscriber with nothing left is remembered for its counter. */
#define SUBSCRIBER_MEMORY MINUTES(60)

/* ---- subscribers ---- */

static struct nat_subscriber *subscriber_at(const struct nat *nat, uint32_t record)
{
    return &nat->slab->records[record].subscriber;
}

static struct nat_endpoint host_of(const struct nat_endpoint *inside)
{
    struct nat_endpoint host = *inside;
    host.port = 0;
    return host;
}

static uint32_t hash_subscriber(const struct nat *nat, const struct nat_endpoint *host)
{
    return (uint32_t)nat_mix_endpoint(nat_mix(nat->seed, NAT_KEY_SUBSCRIBER), host);
}

uint32_t nat_subscriber_find(const struct nat *nat, const struct nat_endpoint *inside)
{
    struct nat_endpoint host = host_of(inside);
    uint32_t hash = hash_subscriber(nat, &host), place = hash, ref;
    while ((ref = nat_index_next(&nat->index, hash, &place)) != 0) {
        if (NAT_REF_KEY(ref) == NAT_KEY_SUBSCRIBER &&
            nat_same(&subscriber_at(nat, NAT_REF_RECORD(ref))->at, &host))
            return NAT_REF_RECORD(ref);
    }
    return 0;
}

uint32_t nat_subscriber_take(struct nat *nat, const struct nat_endpoint *inside)
{
    uint32_t record = nat_subscriber_find(nat, inside);
    if (record != 0)
        return record;
    struct nat_endpoint host = host_of(inside);
    record = nat_slab_take(nat->slab);
    subscriber_at(nat, record)->at = host;
    nat_index_insert(&nat->index, hash_subscriber(nat, &host), NAT_REF(NAT_KEY_SUBSCRIBER, record));
    nat->entries++;
    nat_enqueue(nat, NAT_KEY_SUBSCRIBER, record, nat->now + SUBSCRIBER_MEMORY);
    return record;
}

bool nat_subscriber_is_idle(const struct nat *nat, uint32_t subscriber)
{
    const struct nat_subscriber *s = subscriber_at(nat, subscriber);
    return s->mappings == 0 && s->blocks == 0;
}

void nat_subscriber_look(struct nat *nat, uint32_t subscriber)
{
    struct nat_subscriber *s = subscriber_at(nat, subscriber);
    if (!nat_subscriber_is_idle(nat, subscriber)) {
        s->check = MIST_NEVER; /* until its last mapping ends */
        return;
    }
    nat_index_remove(&nat->index, hash_subscriber(nat, &s->at),
                     NAT_REF(NAT_KEY_SUBSCRIBER, subscriber));
    nat->entries--;
    nat_slab_give(nat->slab, subscriber);
}

static void forget_later(struct nat *nat, uint32_t subscriber)
{
    if (nat_subscriber_is_idle(nat, subscriber))
        nat_enqueue(nat, NAT_KEY_SUBSCRIBER, subscriber, nat->now + SUBSCRIBER_MEMORY);
}

/* ---- limits ---- */

/* The generic cell rate algorithm with a burst of one second's worth. */
static mist_time rate_interval(const struct nat_policy *policy)
{
    return SEC(1) / policy->new_mappings_per_s;
}

enum nat_verdict nat_subscriber_allows(const struct nat *nat, mist_time now, uint32_t subscriber)
{
    const struct nat_policy *policy = &nat->policy;
    const struct nat_subscriber *s = subscriber_at(nat, subscriber);
    if (policy->quota_ports != 0 && s->mappings >= policy->quota_ports)
        return NAT_DROP_QUOTA;
    if (policy->new_mappings_per_s != 0 && s->next_allowed > now + SEC(1) - rate_interval(policy))
        return NAT_DROP_RATE;
    return NAT_PASS;
}

void nat_subscriber_made(struct nat *nat, mist_time now, const struct nat_endpoint *inside)
{
    if (!nat_keeps_subscribers(&nat->policy))
        return;
    struct nat_subscriber *s = subscriber_at(nat, nat_subscriber_take(nat, inside));
    s->mappings++;
    if (nat->policy.new_mappings_per_s != 0)
        s->next_allowed =
            (s->next_allowed > now ? s->next_allowed : now) + rate_interval(&nat->policy);
}

void nat_subscriber_ended(struct nat *nat, const struct nat_endpoint *inside)
{
    uint32_t record = nat_subscriber_find(nat, inside);
    if (record == 0 || subscriber_at(nat, record)->mappings == 0)
        return; /* made while nobody counted */
    subscriber_at(nat, record)->mappings--;
    forget_later(nat, record);
}

/* ---- blocks ---- */

static struct nat_block *block_at(const struct nat *nat, uint32_t record)
{
    return &nat->slab->records[record].block;
}

static uint32_t hash_block(const struct nat *nat, uint16_t address, uint16_t number,
                           uint8_t protocol)
{
    uint64_t which = (uint64_t)protocol << 32 | (uint64_t)address << 16 | number;
    return (uint32_t)nat_mix(nat_mix(nat->seed, NAT_KEY_BLOCK), which);
}

static uint32_t find_block(const struct nat *nat, uint16_t address, uint16_t number,
                           uint8_t protocol)
{
    uint32_t hash = hash_block(nat, address, number, protocol), place = hash, ref;
    while ((ref = nat_index_next(&nat->index, hash, &place)) != 0) {
        const struct nat_block *b = block_at(nat, NAT_REF_RECORD(ref));
        if (NAT_REF_KEY(ref) == NAT_KEY_BLOCK && b->address == address && b->number == number &&
            b->protocol == protocol)
            return NAT_REF_RECORD(ref);
    }
    return 0;
}

uint32_t nat_blocks_per_address(const struct nat *nat)
{
    return ((uint32_t)nat->block_high - nat->block_low + 1) / nat->block_size;
}

bool nat_block_next(const struct nat *nat, uint32_t subscriber, uint16_t address, uint32_t *block)
{
    do {
        *block = *block == 0 ? subscriber_at(nat, subscriber)->block : block_at(nat, *block)->older;
    } while (*block != 0 && block_at(nat, *block)->address != address);
    return *block != 0;
}

struct nat_ports_range nat_block_range(const struct nat *nat, uint32_t block)
{
    uint32_t low = nat->block_low + (uint32_t)block_at(nat, block)->number * nat->block_size;
    return (struct nat_ports_range){(uint16_t)low, (uint16_t)(low + nat->block_size - 1)};
}

static uint32_t add_block(struct nat *nat, uint32_t subscriber, uint16_t address, uint16_t number)
{
    uint32_t record = nat_slab_take(nat->slab);
    struct nat_subscriber *s = subscriber_at(nat, subscriber);
    struct nat_block *b = block_at(nat, record);
    b->check = MIST_NEVER;
    b->subscriber = subscriber;
    b->older = s->block;
    b->address = address;
    b->number = number;
    b->protocol = s->at.protocol;
    b->counter = nat_block_range(nat, record).high; /* the first port comes next */
    s->block = record;
    s->blocks++;
    nat->blocks++;
    nat->entries++;
    nat_index_insert(&nat->index, hash_block(nat, address, number, b->protocol),
                     NAT_REF(NAT_KEY_BLOCK, record));
    return record;
}

uint32_t nat_block_take(struct nat *nat, uint32_t subscriber, uint16_t address, uint32_t draw)
{
    const struct nat_subscriber *s = subscriber_at(nat, subscriber);
    uint32_t n = nat_blocks_per_address(nat);
    if (s->blocks >= nat->policy.max_blocks)
        return 0;
    for (uint32_t i = 0; i < n; i++) {
        uint16_t number = (uint16_t)((draw + (uint64_t)i) % n);
        if (find_block(nat, address, number, s->at.protocol) == 0)
            return add_block(nat, subscriber, address, number);
    }
    return 0;
}

void nat_block_give(struct nat *nat, uint32_t block)
{
    const struct nat_block *b = block_at(nat, block);
    uint32_t subscriber = b->subscriber;
    struct nat_subscriber *s = subscriber_at(nat, subscriber);
    uint32_t *link = &s->block;
    while (*link != block)
        link = &block_at(nat, *link)->older;
    *link = b->older;
    s->blocks--;
    nat->blocks--;
    nat->entries--;
    nat_index_remove(&nat->index, hash_block(nat, b->address, b->number, b->protocol),
                     NAT_REF(NAT_KEY_BLOCK, block));
    nat_slab_give(nat->slab, block);
    forget_later(nat, subscriber);
}

static uint32_t block_of(const struct nat *nat, uint16_t address, uint16_t port, uint8_t protocol)
{
    uint16_t number = (uint16_t)((port - nat->block_low) / nat->block_size);
    uint32_t record = find_block(nat, address, number, protocol);
    CHECK(record != 0);
    return record;
}

void nat_block_used(struct nat *nat, uint16_t address, uint16_t port, uint8_t protocol)
{
    block_at(nat, block_of(nat, address, port, protocol))->used++;
}

void nat_block_freed(struct nat *nat, uint16_t address, uint16_t port, uint8_t protocol)
{
    uint32_t record = block_of(nat, address, port, protocol);
    CHECK(block_at(nat, record)->used > 0);
    if (--block_at(nat, record)->used == 0)
        nat_block_give(nat, record);
}
