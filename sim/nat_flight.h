/* nat_flight.h: one packet on its way through a chain of boxes. */
#ifndef SIM_NAT_FLIGHT_H
#define SIM_NAT_FLIGHT_H

#include "nat-models/nat.h"

#define NAT_FLIGHT_BYTES 64 /* of an ICMP error */

struct nat_chain { /* inside first */
    uint32_t count;
    struct nat **boxes;
};

struct nat_flight {
    struct nat_datagram datagram; /* at last as the receiver gets it */
    uint8_t bytes[NAT_FLIGHT_BYTES];
    bool passed;
    bool turned;     /* by a hairpin */
    const char *why; /* it did not pass: a drop's word, or "nobody" has the address */

    /* The ICMP error that came back to the sender. */
    bool answered;
    uint8_t type, code;
};

/* Makes it a UDP or TCP packet, or an ICMP query whose identifier is from's
 * port. */
void nat_flight_query(struct nat_flight *f, uint8_t protocol, uint8_t ttl, const struct addr *from,
                      const struct addr *to);

/* Makes it an ICMP error about a packet of that protocol between these two. */
void nat_flight_error(struct nat_flight *f, uint8_t type, uint8_t code, uint8_t protocol,
                      const struct addr *about_from, const struct addr *about_to);

/* Sends it from the innermost network or from outside all boxes. */
void nat_flight_out(const struct nat_chain *chain, mist_time now, struct nat_flight *f);
void nat_flight_in(const struct nat_chain *chain, mist_time now, struct nat_flight *f);

#endif
