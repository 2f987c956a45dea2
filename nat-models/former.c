#include "nat-models/mapping.h"
#include "nat-models/ports.h"

/* How long a former port is remembered. */
#define FORMER_MEMORY (MINUTES(60) * 24)

static uint32_t hash_former(const struct nat *nat, const struct nat_endpoint *inside)
{
    return (uint32_t)nat_mix_endpoint(nat_mix(nat->seed, NAT_KEY_FORMER), inside);
}

uint32_t nat_former_find(const struct nat *nat, const struct nat_endpoint *inside)
{
    uint32_t hash = hash_former(nat, inside), place = hash, ref;
    while ((ref = nat_index_next(&nat->index, hash, &place)) != 0) {
        if (NAT_REF_KEY(ref) == NAT_KEY_FORMER &&
            nat_same(&nat->slab->records[NAT_REF_RECORD(ref)].former.inside, inside))
            return NAT_REF_RECORD(ref);
    }
    return 0;
}

void nat_former_remove(struct nat *nat, uint32_t record)
{
    const struct nat_former *f = &nat->slab->records[record].former;
    nat_index_remove(&nat->index, hash_former(nat, &f->inside), NAT_REF(NAT_KEY_FORMER, record));
    nat->entries--;
    nat_slab_give(nat->slab, record);
}

void nat_former_remember(struct nat *nat, const struct nat_mapping *gone)
{
    uint32_t record = nat_former_find(nat, &gone->inside);
    if (record == 0) {
        record = nat_slab_take(nat->slab);
        nat->slab->records[record].former.inside = gone->inside;
        nat->slab->records[record].former.created = INT64_MIN;
        nat_index_insert(&nat->index, hash_former(nat, &gone->inside),
                         NAT_REF(NAT_KEY_FORMER, record));
        nat->entries++;
    }
    struct nat_former *f = &nat->slab->records[record].former;
    if (gone->created > f->created || (gone->created == f->created && gone->port > f->port)) {
        f->created = gone->created;
        f->address = gone->address;
        f->port = gone->port;
    }
    nat_enqueue(nat, NAT_KEY_FORMER, record, nat->now + FORMER_MEMORY);
}
