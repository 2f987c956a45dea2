#include "nat-models/upnp.h"

#include "nat-models/mapping.h"
#include "nat-models/ports.h"
#include "nat-models/static.h"

#define LONGEST_LEASE 604800u /* seconds: a week (WANIPConnection:2, section 2.3.16) */

/* The lease as a lifetime, or an error. */
static enum nat_upnp_error read_lease(const struct nat *nat, uint32_t lease_s, mist_time *lifetime)
{
    bool igd2 = nat->policy.upnp == NAT_UPNP_IGD2;
    if (nat->policy.upnp == NAT_UPNP_IGD1_PERMANENT && lease_s != 0)
        return NAT_UPNP_ONLY_PERMANENT;
    if (igd2 && lease_s > LONGEST_LEASE)
        return NAT_UPNP_INVALID_ARGUMENTS;
    if (lease_s != 0)
        *lifetime = SEC(lease_s);
    else
        *lifetime = igd2 ? SEC(LONGEST_LEASE) : MIST_NEVER;
    return NAT_UPNP_DONE;
}

static enum nat_upnp_error check(struct nat *nat, mist_time now, uint8_t protocol,
                                 const struct addr *inside)
{
    nat_begin(nat, now);
    if (nat->policy.upnp == NAT_UPNP_OFF)
        return NAT_UPNP_INVALID_ACTION;
    if (now < nat->down_until)
        return NAT_UPNP_ACTION_FAILED;
    bool valid = (protocol == NAT_UDP || protocol == NAT_TCP) && inside->family == ADDR_V4 &&
                 inside->port != 0;
    return valid ? NAT_UPNP_DONE : NAT_UPNP_INVALID_ARGUMENTS;
}

/* Who has the port of the first address. */
static uint32_t find_at(const struct nat *nat, uint8_t protocol, uint16_t port)
{
    struct nat_endpoint outside = nat_outside(nat, 0, port, protocol);
    return nat_mapping_find_outside(nat, &outside);
}

/* The inside endpoint's mapping may stand elsewhere: it makes way for one at
 * external.  false: that is another's. */
static bool make_way(struct nat *nat, const struct nat_endpoint *inside,
                     const struct addr *external)
{
    struct nat_place place;
    uint32_t own = nat_mapping_find_static(nat, inside);
    if (own != 0 && own == find_at(nat, inside->protocol, external->port))
        return true;
    if (nat_ports_claim(nat, inside, external, &place) < 0)
        return false;
    if (own != 0)
        nat_mapping_remove(nat, own, NAT_NO_HOLD);
    return true;
}

enum nat_upnp_error nat_upnp_add(struct nat *nat, mist_time now, uint8_t protocol,
                                 const struct addr *inside, uint16_t external_port,
                                 uint32_t lease_s)
{
    mist_time lifetime;
    enum nat_upnp_error error = check(nat, now, protocol, inside);
    if (error == NAT_UPNP_DONE && external_port == 0)
        error = NAT_UPNP_NO_WILDCARD_PORT;
    if (error == NAT_UPNP_DONE)
        error = read_lease(nat, lease_s, &lifetime);
    if (error != NAT_UPNP_DONE)
        return error;
    struct nat_endpoint host = nat_endpoint(inside, protocol);
    struct addr external = nat->external[0].addr;
    external.port = external_port;
    if (!make_way(nat, &host, &external))
        return NAT_UPNP_CONFLICT;
    return nat_static_make(nat, &host, &external, lifetime) == NAT_STATIC_DONE
               ? NAT_UPNP_DONE
               : NAT_UPNP_ACTION_FAILED;
}

enum nat_upnp_error nat_upnp_add_any(struct nat *nat, mist_time now, uint8_t protocol,
                                     const struct addr *inside, uint16_t *external_port,
                                     uint32_t lease_s)
{
    mist_time lifetime;
    enum nat_upnp_error error = check(nat, now, protocol, inside);
    if (error == NAT_UPNP_DONE && nat->policy.upnp != NAT_UPNP_IGD2)
        error = NAT_UPNP_INVALID_ACTION;
    if (error == NAT_UPNP_DONE)
        error = read_lease(nat, lease_s, &lifetime);
    if (error != NAT_UPNP_DONE)
        return error;
    struct nat_endpoint host = nat_endpoint(inside, protocol);
    struct addr external = nat->external[0].addr;
    external.port = *external_port;
    enum nat_static_answer answer = nat_static_make(nat, &host, &external, lifetime);
    if (answer == NAT_STATIC_TAKEN) {
        external.port = 0;
        answer = nat_static_make(nat, &host, &external, lifetime);
    }
    if (answer != NAT_STATIC_DONE)
        return NAT_UPNP_NO_PORTS;
    *external_port = external.port;
    return NAT_UPNP_DONE;
}

enum nat_upnp_error nat_upnp_delete(struct nat *nat, mist_time now, uint8_t protocol,
                                    uint16_t external_port)
{
    nat_begin(nat, now);
    if (nat->policy.upnp == NAT_UPNP_OFF)
        return NAT_UPNP_INVALID_ACTION;
    uint32_t record = find_at(nat, protocol, external_port);
    if (record == 0 || !(nat_mapping(nat, record)->flags & NAT_STATIC))
        return NAT_UPNP_NO_SUCH_ENTRY;
    nat_mapping_remove(nat, record, NAT_NO_HOLD);
    return NAT_UPNP_DONE;
}
