/* icmp.h: ICMP errors: made, translated, and the outbox of a box. */
#ifndef NAT_ICMP_H
#define NAT_ICMP_H

#include "nat-models/box.h"

enum {
    NAT_ICMP_UNREACHABLE = 3,
    NAT_ICMP_TIME_EXCEEDED = 11,
    NAT_ICMP_PARAMETER = 12,
    NAT_ICMP_PORT = 3, /* code of unreachable */
};

/* Forgets what was not drained.  First in every call. */
void nat_outbox_clear(struct nat *nat);

/* An error about another datagram, not a query? */
bool nat_icmp_is_error(const struct nat_datagram *d);

/* Rewrites an error by the datagram that it is about; refreshes nothing.
 * NAT_PASS or NAT_DROP_ICMP_UNMATCHED. */
enum nat_verdict nat_icmp_out(struct nat *nat, struct nat_datagram *d);
enum nat_verdict nat_icmp_in(struct nat *nat, struct nat_datagram *d);

/* Sends an ICMP error about d, as it came in, back to where it came from. */
void nat_icmp_send(struct nat *nat, enum nat_side side, uint8_t type, uint8_t code,
                   const struct nat_datagram *d);

#endif
