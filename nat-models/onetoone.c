#include "nat-models/box.h"

/* kind: one_to_one: each inside address has an external one for itself, given
 * in the order in which the addresses first send, or by nat_map.  Ports stay,
 * nothing is filtered, nothing ends before a reboot. */

/* The place of the external address of an inside one, a new one if need be; -1:
 * the pool is used up. */
static int32_t pair_of(struct nat *nat, const struct addr *inside)
{
    uint32_t ip = addr_ip4(inside);
    for (uint32_t i = 0; i < nat->externals; i++) {
        if (nat->external[i].inside == 0)
            nat->external[i].inside = ip;
        if (nat->external[i].inside == ip)
            return (int32_t)i;
    }
    return -1;
}

static void set_ip(struct addr *a, const struct addr *ip)
{
    uint16_t port = a->port;
    *a = *ip;
    a->port = port;
}

enum nat_verdict nat_onetoone_in(struct nat *nat, struct nat_datagram *d)
{
    int32_t place = nat_find_external(nat, &d->to);
    if (place < 0 || nat->external[place].inside == 0)
        return NAT_DROP_NO_MAPPING;
    struct addr inside = addr_v4(nat->external[place].inside, 0);
    set_ip(&d->to, &inside);
    return NAT_PASS;
}

enum nat_verdict nat_onetoone_out(struct nat *nat, struct nat_datagram *d)
{
    bool home = nat_find_external(nat, &d->to) >= 0;
    if (home && nat->policy.hairpin == NAT_HAIRPIN_OFF)
        return NAT_DROP_HAIRPIN_OFF;
    int32_t place = pair_of(nat, &d->from);
    if (place < 0)
        return NAT_DROP_CAPACITY;
    if (!home || nat->policy.hairpin == NAT_HAIRPIN_EXTERNAL)
        set_ip(&d->from, &nat->external[place].addr);
    if (!home)
        return NAT_PASS;
    enum nat_verdict verdict = nat_onetoone_in(nat, d);
    return verdict == NAT_PASS ? NAT_HAIRPIN : verdict;
}

int nat_onetoone_map(struct nat *nat, const struct addr *inside, struct addr *external)
{
    int32_t place =
        external->family == ADDR_NONE ? pair_of(nat, inside) : nat_find_external(nat, external);
    if (place < 0)
        return -1;
    uint32_t ip = addr_ip4(inside), owner = nat->external[place].inside;
    if (owner != 0 && owner != ip)
        return -1;
    nat->external[place].inside = ip;
    *external = nat->external[place].addr;
    external->port = inside->port;
    return 0;
}

void nat_onetoone_clear(struct nat *nat)
{
    for (uint32_t i = 0; i < nat->externals; i++)
        nat->external[i].inside = 0;
}
