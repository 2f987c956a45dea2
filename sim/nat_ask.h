/* nat_ask.h: a host asks a box for a port, by the protocol that programs use:
 * its own words on the wire, the box's answer read back. */
#ifndef SIM_NAT_ASK_H
#define SIM_NAT_ASK_H

#include "nat-models/nat.h"

/* X(NAME, word) */
#define NAT_ASKS(X)                                                                                \
    X(ITSELF, "box") /* nobody asks: it is configured (nat_map) */                                 \
    X(NAT_PMP, "nat_pmp")                                                                          \
    X(PCP, "pcp")                                                                                  \
    X(UPNP, "upnp")

#define NAT_ASK_ENUM(name, word) NAT_ASK_##name,
enum nat_ask { NAT_ASKS(NAT_ASK_ENUM) NAT_ASK_COUNT };

#define NAT_ASK_STANDARD SEC(7200) /* lifetime that NAT-PMP suggests (RFC 6886 section 3.3) */

struct nat_wish {
    uint8_t protocol; /* NAT_UDP, NAT_TCP */
    struct addr inside;
    struct addr external; /* ADDR_NONE: any; port 0: any of the address */
    struct addr first;    /* external address of the box, which UPnP tells apart */
    mist_time lifetime;   /* 0: deletes; MIST_NEVER: the protocol's usual */
};

/* Returns 0 and the endpoint that was given (ADDR_NONE for a deletion), or -1
 * when the box refuses, or does not speak the protocol. */
int nat_ask(struct nat *nat, mist_time now, enum nat_ask by, const struct nat_wish *wish,
            struct addr *given);

#endif
