/* link.h: network interfaces of the calling process' network namespace, by rtnetlink(7).
 *
 * All return 0 or a negative errno.  Linux only. */
#ifndef NETNS_LINK_H
#define NETNS_LINK_H

#include <stdint.h>

#include "stack/addr.h"

#define LINK_NAME 16 /* IFNAMSIZ: a name with its end */

/* A pair of virtual interfaces: `name` here, `peer` in the namespace behind the
 * descriptor `space`. */
int link_pair(const char *name, int space, const char *peer);

int link_bridge(const char *name);
int link_join(const char *name, const char *bridge);
int link_up(const char *name);

/* IPv6 addresses are usable at once, without duplicate address detection. */
int link_address(const char *name, const struct addr *address, uint32_t bits);

/* All that is not near goes to the gateway, which is taken to be on the link. */
int link_default(const char *name, const struct addr *gateway);

/* The network of that address, of so many bits, is on the link. */
int link_near(const char *name, const struct addr *network, uint32_t bits);

#endif
