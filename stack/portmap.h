/* portmap.h: has the gateway map the main IPv4 socket to a port outside, so that strangers
 * can reach this node whatever its NAT does with others.
 *
 * PCP first, NAT-PMP where the gateway says that it does not know PCP (RFC 6887 appendix A).
 * A mapping is renewed at half of its lifetime, and at once when the gateway's epoch shows
 * that it lost its table.  Answers count only from the gateway, and PCP's only with this
 * node's nonce; whatever a gateway sends, no more than one request a second leaves.
 *
 * One timer: the next request.  Requests leave as EFFECT_BARE, news come as EFFECT_MAPPED. */
#ifndef MIST_PORTMAP_H
#define MIST_PORTMAP_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/gateway.h"
#include "stack/out.h"
#include "stack/rng.h"
#include "stack/sockets.h"
#include "stack/timers.h"

struct portmap {
    bool off;              /* by configuration */
    bool pmp;              /* the gateway does not speak PCP */
    uint8_t tries;         /* unanswered requests */
    struct addr gateway;   /* with its port; family 0: none known */
    struct addr inside;    /* the main socket; family 0: not open */
    struct addr outside;   /* what is mapped; family 0: nothing */
    struct addr suggested; /* what was mapped before */
    uint8_t nonce[GATEWAY_NONCE];
    uint32_t epoch_s;         /* the gateway's, in its latest answer ... */
    mist_time epoch_at;       /* ... and when that came; 0: never */
    mist_time end;            /* of the mapping */
    mist_time asked_at, next; /* the latest request, and when the next is due */
    uint32_t ear;             /* a socket that hears announcements; 0: none */
    struct rng *rng;
    struct timers *timers;
    struct sockets *sockets;
    uint32_t timer;
};

void portmap_init(struct portmap *p, struct rng *rng, struct timers *timers,
                  struct sockets *sockets, uint32_t timer);
/* The gateway to ask (its port does not matter); family 0: ask nobody. */
void portmap_gateway(struct portmap *p, mist_time now, const struct addr *gateway, struct out *out);
/* Where the main IPv4 socket is bound now. */
void portmap_inside(struct portmap *p, mist_time now, const struct addr *inside, struct out *out);
void portmap_timer(struct portmap *p, mist_time now, struct out *out);
/* Is a datagram from there, on that socket, for portmap_input? */
bool portmap_hears(const struct portmap *p, uint32_t socket, const struct addr *from);
void portmap_input(struct portmap *p, mist_time now, const uint8_t *bytes, size_t length,
                   struct out *out);
/* The node leaves: gives the port back. */
void portmap_release(struct portmap *p, struct out *out);

#endif
