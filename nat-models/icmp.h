/* icmp.h: ICMP errors: made and translated. */
#ifndef NAT_ICMP_H
#define NAT_ICMP_H

#include "nat-models/box.h"

enum {
    NAT_ICMP_UNREACHABLE = 3,
    NAT_ICMP_TIME_EXCEEDED = 11,
    NAT_ICMP_PARAMETER = 12,
    NAT_ICMP_PORT = 3, /* codes of unreachable */
    NAT_ICMP_FRAGMENTATION_NEEDED = 4,
};

/* An error about another datagram, not a query? */
bool nat_icmp_is_error(const struct nat_datagram *d);

/* Rewrites an error by the datagram that it is about; refreshes nothing.
 * NAT_PASS or NAT_DROP_ICMP_UNMATCHED. */
enum nat_verdict nat_icmp_out(struct nat *nat, struct nat_datagram *d);
enum nat_verdict nat_icmp_in(struct nat *nat, struct nat_datagram *d);

/* Sends an ICMP error about d, as it came in, back to where it came from. */
void nat_icmp_send(struct nat *nat, enum nat_side side, uint8_t type, uint8_t code,
                   const struct nat_datagram *d);

/* Fragmentation needed, with the policy's mtu, to the inside. */
void nat_icmp_send_too_big(struct nat *nat, const struct nat_datagram *d);

#endif
