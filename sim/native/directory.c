#include "sim/native/directory.h"

#include "sim/native/memory.h"
#include "sim/plan.h"
#include "stack/check.h"

/* An address as IPv6: v4 in its mapped form (RFC 4291 2.5.5.2), so families never clash. */
struct key {
    uint64_t high, low;
    uint32_t place;
};

/* An open-addressing table at most half full; the order of its entries decides
 * nothing.  owner is the attachment + 1; 0 is an empty entry. */
struct entry {
    uint64_t high, low;
    uint32_t place;
    uint32_t owner;
};

struct directory {
    struct entry *table;
    uint32_t size; /* a power of two */
};

static uint64_t load(const uint8_t *p)
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++)
        value = value << 8 | p[i];
    return value;
}

static struct key key_of(uint32_t place, const struct addr *addr)
{
    if (addr->family == ADDR_V4)
        return (struct key){0, UINT64_C(0xffff) << 32 | addr_ip4(addr), place};
    return (struct key){load(addr->ip), load(addr->ip + 8), place};
}

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 32) * UINT64_C(0x9e3779b97f4a7c15);
    return x ^ x >> 29;
}

static uint32_t home_of(struct key key)
{
    return (uint32_t)mix(mix(key.low + key.place) + key.high);
}

/* The entry of the key, or the empty one where it would stand. */
static struct entry *find(const struct directory *d, struct key key)
{
    for (uint32_t i = home_of(key);; i++) {
        struct entry *e = &d->table[i & (d->size - 1)];
        if (e->owner == 0 || (e->low == key.low && e->high == key.high && e->place == key.place))
            return e;
    }
}

uint32_t directory_find(const struct directory *d, uint32_t place, const struct addr *addr)
{
    return find(d, key_of(place, addr))->owner - 1; /* 0 - 1 is PLAN_NONE */
}

void directory_prefetch(const struct directory *d, uint32_t place, const struct addr *addr)
{
    __builtin_prefetch(&d->table[home_of(key_of(place, addr)) & (d->size - 1)]);
}

static void add(struct directory *d, uint32_t place, const struct addr *addr, uint32_t owner)
{
    struct key key = key_of(place, addr);
    struct entry *e = find(d, key);
    CHECK(e->owner == 0);
    *e = (struct entry){key.high, key.low, place, owner + 1};
}

static bool keeps_addresses(const struct plan *plan, uint32_t box)
{
    return plan->boxes[box].policy.kind == NAT_KIND_FIREWALL;
}

/* The address at its own place, and at every place outside where it is seen. */
static void add_outward(struct directory *d, const struct plan *plan, uint32_t place,
                        const struct addr *addr, uint32_t owner)
{
    add(d, place, addr, owner);
    while (place != PLAN_NONE && keeps_addresses(plan, place)) {
        owner = plan_places(plan) + place;
        place = plan->boxes[place].outer;
        add(d, place, addr, owner);
    }
}

static uint32_t pool_of(const struct plan_box *box)
{
    if (box->outside.family == ADDR_NONE)
        return 0;
    return box->policy.pool == 0 ? 1 : box->policy.pool;
}

/* The address that stands `step` after a. */
static struct addr addr_after(struct addr a, uint32_t step)
{
    int last = a.family == ADDR_V4 ? 3 : 15;
    uint64_t carry = step;
    for (int i = last; i >= 0 && carry > 0; i--) {
        carry += a.ip[i];
        a.ip[i] = (uint8_t)carry;
        carry >>= 8;
    }
    return a;
}

/* Entries that one address makes: its own place and the firewalls around it. */
static uint64_t places_of(const struct plan *plan, uint32_t place)
{
    uint64_t places = 1;
    for (; place != PLAN_NONE && keeps_addresses(plan, place); place = plan->boxes[place].outer)
        places++;
    return places;
}

static uint64_t count_entries(const struct plan *plan)
{
    uint64_t entries = 0;
    for (uint32_t i = 0; i < plan_places(plan); i++)
        entries += places_of(plan, plan->hosts[i].box);
    for (uint32_t i = 0; i < plan->box_count; i++)
        entries += (uint64_t)pool_of(&plan->boxes[i]) * (1 + plan->boxes[i].later_count) *
                   places_of(plan, plan->boxes[i].outer);
    return entries;
}

static void add_pool(struct directory *d, const struct plan *plan, uint32_t number,
                     const struct addr *first)
{
    const struct plan_box *box = &plan->boxes[number];
    for (uint32_t k = 0; k < pool_of(box); k++) {
        struct addr addr = addr_after(*first, k);
        add_outward(d, plan, box->outer, &addr, plan_places(plan) + number);
    }
}

struct directory *directory_open(const struct plan *plan)
{
    struct directory *d = memory_map(sizeof *d);
    uint64_t entries = count_entries(plan);
    CHECK(entries < UINT32_C(1) << 29);
    for (d->size = 64; d->size < 2 * entries;)
        d->size *= 2;
    d->table = memory_map(d->size * sizeof *d->table);
    for (uint32_t i = 0; i < plan_places(plan); i++)
        add_outward(d, plan, plan->hosts[i].box, &plan->hosts[i].addr, i);
    for (uint32_t i = 0; i < plan->box_count; i++) {
        const struct plan_box *box = &plan->boxes[i];
        add_pool(d, plan, i, &box->outside);
        for (uint32_t k = 0; k < box->later_count; k++)
            add_pool(d, plan, i, &box->later[k]);
    }
    return d;
}

void directory_close(struct directory *d)
{
    memory_unmap(d->table, d->size * sizeof *d->table);
    memory_unmap(d, sizeof *d);
}
