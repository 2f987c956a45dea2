#include "nat-models/icmp.h"
#include "nat-models/mapping.h"
#include "nat-models/ports.h"

/* ICMP codes of destination unreachable. */
enum { HOST_UNREACHABLE = 1, ADMINISTRATIVELY_PROHIBITED = 13 };

/* Longest unrefreshed first; a total order, since outside endpoints and ages
 * of shared ones differ. */
static bool is_staler(const struct nat_mapping *a, const struct nat_mapping *b)
{
    if (a->refreshed != b->refreshed)
        return a->refreshed < b->refreshed;
    if (a->created != b->created)
        return a->created < b->created;
    if (a->address != b->address)
        return a->address < b->address;
    if (a->port != b->port)
        return a->port < b->port;
    return memcmp(&a->inside, &b->inside, sizeof a->inside) < 0;
}

/* May it be ended so that the datagram's mapping finds room? */
static bool is_victim(const struct nat *nat, const struct nat_mapping *m,
                      const struct nat_datagram *d, enum nat_verdict reason)
{
    if (m->flags & NAT_STATIC)
        return false;
    if (nat->policy.on_exhaustion == NAT_EXHAUSTED_EVICT_UNREPLIED && (m->flags & NAT_ESTABLISHED))
        return false;
    if (reason == NAT_DROP_QUOTA)
        return memcmp(m->inside.ip, d->from.ip, sizeof m->inside.ip) == 0 &&
               m->inside.protocol == d->protocol;
    return reason == NAT_DROP_CAPACITY || m->inside.protocol == d->protocol;
}

/* Looks at all mappings: a faulty box need not be fast. */
static bool evict(struct nat *nat, const struct nat_datagram *d, enum nat_verdict reason)
{
    uint32_t victim = 0;
    for (uint32_t i = 0; nat->index.slots != NULL && i <= nat->index.mask; i++) {
        uint32_t ref = nat->index.slots[i].ref, record = NAT_REF_RECORD(ref);
        if (NAT_REF_KEY(ref) != NAT_KEY_INSIDE ||
            !is_victim(nat, nat_mapping(nat, record), d, reason))
            continue;
        if (victim == 0 || is_staler(nat_mapping(nat, record), nat_mapping(nat, victim)))
            victim = record;
    }
    if (victim != 0)
        nat_mapping_remove(nat, victim, NAT_NO_HOLD);
    return victim != 0;
}

bool nat_exhausted(struct nat *nat, const struct nat_datagram *d, uint8_t rule,
                   enum nat_verdict reason)
{
    struct nat_endpoint inside = nat_endpoint(&d->from, d->protocol);
    struct nat_endpoint remote = nat_endpoint(&d->to, d->protocol);
    switch (nat->policy.on_exhaustion) {
    case NAT_EXHAUSTED_ICMP_3_13:
        nat_icmp_send(nat, NAT_INSIDE, NAT_ICMP_UNREACHABLE, ADMINISTRATIVELY_PROHIBITED, d);
        return false;
    case NAT_EXHAUSTED_ICMP_3_1:
        nat_icmp_send(nat, NAT_INSIDE, NAT_ICMP_UNREACHABLE, HOST_UNREACHABLE, d);
        return false;
    case NAT_EXHAUSTED_EVICT_OLDEST:
    case NAT_EXHAUSTED_EVICT_UNREPLIED: return reason != NAT_DROP_RATE && evict(nat, d, reason);
    case NAT_EXHAUSTED_REUSE:
        return reason == NAT_DROP_PORT_EXHAUSTED && nat_ports_steal(nat, &inside, &remote, rule);
    default: return false;
    }
}
