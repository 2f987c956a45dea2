/* upnp.h: UPnP-IGD's port mapping as a service, without discovery and SOAP: what a
 * control point asks, and the error code that it gets.
 *
 * WANIPConnection:1 and :2 of the UPnP Forum.  policy.upnp says which; off is a
 * box that nobody finds.  One mapping per inside endpoint: another external port
 * for it replaces the first. */
#ifndef NAT_UPNP_H
#define NAT_UPNP_H

#include "nat-models/nat.h"

enum nat_upnp_error {
    NAT_UPNP_DONE = 0,
    NAT_UPNP_INVALID_ACTION = 401, /* no such action: policy.upnp lacks it */
    NAT_UPNP_INVALID_ARGUMENTS = 402,
    NAT_UPNP_ACTION_FAILED = 501,
    NAT_UPNP_NO_SUCH_ENTRY = 714,
    NAT_UPNP_NO_WILDCARD_PORT = 716, /* external port 0 */
    NAT_UPNP_CONFLICT = 718,         /* the port is another host's */
    NAT_UPNP_ONLY_PERMANENT = 725,   /* a lease, which the box does not know */
    NAT_UPNP_NO_PORTS = 728,         /* IGD 2: all are taken */
};

/* AddPortMapping: external_port of the box's first address leads to inside.
 * lease_s: 0 is for good (IGD 1) or 604,800 s (IGD 2, the longest). */
enum nat_upnp_error nat_upnp_add(struct nat *nat, mist_time now, uint8_t protocol,
                                 const struct addr *inside, uint16_t external_port,
                                 uint32_t lease_s);

/* AddAnyPortMapping (IGD 2): that port, or a free one, which it tells. */
enum nat_upnp_error nat_upnp_add_any(struct nat *nat, mist_time now, uint8_t protocol,
                                     const struct addr *inside, uint16_t *external_port,
                                     uint32_t lease_s);

/* DeletePortMapping */
enum nat_upnp_error nat_upnp_delete(struct nat *nat, mist_time now, uint8_t protocol,
                                    uint16_t external_port);

#endif
