/* nat_flight.h: a datagram on its way through a chain of boxes, whole or in
 * pieces, with what boxes make of it and what they send back. */
#ifndef SIM_NAT_FLIGHT_H
#define SIM_NAT_FLIGHT_H

#include "nat-models/nat.h"

#define NAT_FLIGHT_BYTES   64    /* of the payload that a flight has by itself */
#define NAT_FLIGHT_SIZE    65000 /* bytes of a payload, at most */
#define NAT_FLIGHT_PIECES  16
#define NAT_FLIGHT_ADDRESS 5 /* where in the payload an address stands; 9 bytes at least */

struct nat_chain { /* inside first */
    uint32_t count;
    struct nat **boxes;
};

/* Which pieces of a datagram are sent, in this order; the first is 1. */
struct nat_pieces {
    uint32_t count; /* that are sent */
    uint32_t of;    /* that it is cut into */
    uint8_t order[NAT_FLIGHT_PIECES];
};

struct nat_flight {
    struct nat_datagram datagram; /* at last as the receiver gets it, or its first piece; then
                                     without bytes */
    bool passed;                  /* all of its bytes arrived */
    bool turned;                  /* by a hairpin */
    const char *why;              /* not passed: a drop's word, "nobody" has the address, "lost" */
    uint32_t packets;             /* IP packets that arrived */
    uint32_t wanted, arrived;     /* bytes behind IP headers */
    bool error;                   /* an ICMP error is what flies */
    const struct nat_pieces *pieces; /* to send it in; NULL: whole */
    uint8_t address[4];              /* that the receiver reads in the payload, or zeros */

    /* The ICMP error that came back to the sender. */
    bool answered;
    uint8_t type, code;

    uint8_t bytes[NAT_FLIGHT_BYTES];
};

/* Makes it a UDP or TCP packet, or an ICMP query whose identifier is from's
 * port, with a small payload of zeros. */
void nat_flight_query(struct nat_flight *f, uint8_t protocol, uint8_t ttl, const struct addr *from,
                      const struct addr *to);

/* Gives it so many bytes of payload (NAT_FLIGHT_SIZE at most), which it keeps and
 * sets to those of a query.  Not for errors. */
void nat_flight_enlarge(struct nat_flight *f, uint8_t *bytes, uint32_t size);

/* Makes it an ICMP error about a packet of that protocol between these two. */
void nat_flight_error(struct nat_flight *f, uint8_t type, uint8_t code, uint8_t protocol,
                      const struct addr *about_from, const struct addr *about_to);

/* Changes a bit of it, and not its checksum. */
void nat_flight_damage(struct nat_flight *f);

/* Puts an IPv4 address into the payload, which has room for it. */
void nat_flight_put_address(struct nat_flight *f, const struct addr *address);

/* May a datagram of that size be cut into so many pieces?  All but the last are
 * multiples of 8 bytes, and the first holds the transport header. */
bool nat_flight_can_cut(uint8_t protocol, uint32_t size, uint32_t pieces);

/* Sends it from the innermost network or from outside all boxes. */
void nat_flight_out(const struct nat_chain *chain, mist_time now, struct nat_flight *f);
void nat_flight_in(const struct nat_chain *chain, mist_time now, struct nat_flight *f);

#endif
