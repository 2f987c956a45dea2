#include "nat-models/box.h"
#include "nat-models/mapping.h"

/* Two passes over a burst: the first asks for the index lines, the second, when
 * they are there, for the records that they name. */

static uint32_t hash_of(const struct nat *nat, enum nat_side side, const struct nat_datagram *d)
{
    struct nat_endpoint from = nat_endpoint(&d->from, d->protocol);
    struct nat_endpoint to = nat_endpoint(&d->to, d->protocol);
    uint8_t rule = nat->policy.kind == NAT_KIND_FIREWALL ? NAT_EIM : nat->policy.mapping;
    return side == NAT_INSIDE ? nat_mapping_hash(nat, rule, &from, &to)
                              : nat_mapping_hash_outside(nat, &to);
}

void nat_prefetch(const struct nat *nat, enum nat_side side, const struct nat_datagram *datagrams,
                  uint32_t count)
{
    uint32_t hashes[NAT_PREFETCH];
    if (nat->index.slots == NULL)
        return;
    if (count > NAT_PREFETCH)
        count = NAT_PREFETCH;
    for (uint32_t i = 0; i < count; i++) {
        hashes[i] = hash_of(nat, side, &datagrams[i]);
        __builtin_prefetch(&nat->index.slots[hashes[i] & nat->index.mask]);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t place = hashes[i];
        uint32_t ref = nat_index_next(&nat->index, hashes[i], &place);
        __builtin_prefetch(&nat->slab->records[NAT_REF_RECORD(ref)], 1);
    }
}
