/* nat64.h: kind nat64 (RFC 6146): hosts that have IPv6 alone reach IPv4.
 *
 * Inside, an IPv4 address stands in the last 32 bits of 64:ff9b::/96 (RFC 6052).
 * Outside it is a NAT with all its knobs. */
#ifndef NAT_NAT64_H
#define NAT_NAT64_H

#include "nat-models/nat.h"

/* How hosts behind the box name an IPv4 endpoint. */
struct addr nat64_name(const struct addr *v4);

/* The IPv4 endpoint that a name stands for; false: it is no such name. */
bool nat64_resolve(const struct addr *name, struct addr *v4);

/* ---- for nat.c ---- */

/* Makes an IPv4 datagram of one from inside but for its sender, and an IPv6 one of
 * one for inside but for its receiver: the addresses of the remote, and the types
 * of echo messages. */
void nat64_lower(struct nat *nat, struct nat_datagram *d);
void nat64_raise(struct nat *nat, struct nat_datagram *d);

#endif
