/* A box's beginning and end, and the events between. */
#include "nat-models/fragments.h"
#include "nat-models/mapping.h"
#include "nat-models/portmap.h"
#include "nat-models/ports.h"
#include "nat-models/remote.h"
#include "nat-models/subscriber.h"
#include "stack/check.h"

size_t nat_size(uint32_t externals)
{
    return sizeof(struct nat) + externals * sizeof(struct nat_external);
}

static void set_external(struct nat *nat, const struct addr *external)
{
    for (uint32_t i = 0; i < nat->externals; i++) {
        nat->external[i].addr = external[i];
        nat->external[i].addr.port = 0;
        CHECK(external[i].family == ADDR_V4);
    }
    nat->counted_up = true;
    nat->first_ip = nat->externals > 0 ? addr_ip4(&external[0]) : 0;
    for (uint32_t i = 0; i < nat->externals; i++)
        nat->counted_up = nat->counted_up && addr_ip4(&external[i]) == nat->first_ip + i;
}

struct nat *nat_init(void *memory, struct nat_slab *slab, const struct nat_policy *policy,
                     uint64_t seed, const struct addr *external, uint32_t externals)
{
    struct nat *nat = memory;
    CHECK((externals > 0) == (policy->kind != NAT_KIND_FIREWALL) && externals < NAT_NO_ADDRESS);
    memset(nat, 0, nat_size(externals));
    nat->due = MIST_NEVER;
    nat->now = nat->down_until = INT64_MIN;
    nat->announce_at = MIST_NEVER;
    nat->seed = seed;
    nat->slab = slab;
    nat->policy = *policy;
    nat->externals = externals;
    set_external(nat, external);
    nat_background_start(nat, 0);
    return nat;
}

/* One pass of clear: removing moves slots, some of them behind the pass. */
static bool clear_pass(struct nat *nat, uint8_t spare)
{
    bool found = false;
    for (uint32_t i = 0; nat->index.slots != NULL && i <= nat->index.mask;) {
        uint32_t ref = nat->index.slots[i].ref, record = NAT_REF_RECORD(ref);
        enum nat_key key = NAT_REF_KEY(ref);
        if (key == NAT_KEY_OUTSIDE && !(nat_mapping(nat, record)->flags & spare))
            nat_mapping_remove(nat, record, NAT_NO_HOLD);
        else if (key == NAT_KEY_CLASH || key == NAT_KEY_HELD)
            nat_reserved_remove(nat, key, record);
        else if (key == NAT_KEY_FORMER)
            nat_former_remove(nat, record);
        else if (key == NAT_KEY_SUBSCRIBER && nat_subscriber_is_idle(nat, record))
            nat_subscriber_look(nat, record);
        else {
            i++;
            continue;
        }
        found = true;
    }
    return found;
}

/* Forgets all but the mappings with a flag of spare. */
static void clear(struct nat *nat, uint8_t spare)
{
    while (clear_pass(nat, spare))
        ;
    nat_fragments_clear(nat);
    if (spare == 0)
        nat_onetoone_clear(nat);
}

void nat_close(struct nat *nat)
{
    clear(nat, 0);
    nat_fragments_close(nat);
    nat_index_close(&nat->index);
    nat_queue_close(&nat->queue);
}

size_t nat_bytes(const struct nat *nat)
{
    size_t slots = nat->index.slots == NULL ? 0 : (size_t)nat->index.mask + 1;
    return slots * sizeof *nat->index.slots +
           (size_t)nat->queue.capacity * sizeof *nat->queue.items;
}

void nat_flush(struct nat *nat, mist_time now)
{
    nat_begin(nat, now);
    clear(nat, NAT_STATIC);
}

void nat_reboot(struct nat *nat, mist_time now)
{
    nat_begin(nat, now);
    clear(nat, 0);
    nat_ports_restart(nat);
    nat->down_until = now + nat->policy.down;
    nat_portmap_restart(nat, nat->down_until);
}

void nat_readdress(struct nat *nat, mist_time now, const struct addr *external)
{
    nat_begin(nat, now);
    clear(nat, 0);
    set_external(nat, external);
    nat_portmap_restart(nat, now);
}

void nat_set_gateway(struct nat *nat, const struct addr *inside)
{
    nat->gateway = *inside;
    nat->gateway.port = 0;
}

const struct nat_policy *nat_policy_of(const struct nat *nat)
{
    return &nat->policy;
}

void nat_set(struct nat *nat, mist_time now, const struct nat_policy *policy)
{
    nat_begin(nat, now);
    CHECK(policy->kind == nat->policy.kind);
    if (nat_keeps_first(&nat->policy) &&
        (!nat_keeps_first(policy) || policy->filtering != nat->policy.filtering))
        nat_remote_unfold_all(nat);
    if (policy->fragments != nat->policy.fragments)
        nat_fragments_clear(nat);
    nat->policy = *policy;
    nat_background_start(nat, now);
    if (nat_lists_mappings(policy))
        nat_mapping_list_all(nat);
    nat_mapping_reschedule(nat);
    for (uint32_t i = 0; i < nat->externals; i++)
        memset(nat->external[i].full, 0, sizeof nat->external[i].full);
}
