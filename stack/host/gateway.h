/* gateway.h: asks the home router to map a port, in whichever language it speaks: PCP
 * (RFC 6887), NAT-PMP (RFC 6886), UPnP IGD.
 *
 * All calls wait for answers, some seconds at most: for a thread of their own. */
#ifndef STACK_HOST_GATEWAY_H
#define STACK_HOST_GATEWAY_H

#include <stdint.h>

#include "stack/addr.h"

#define GATEWAY_LIFETIME_S 600 /* asked for; renewed long before */

enum gateway_language { GATEWAY_NONE, GATEWAY_PCP, GATEWAY_NATPMP, GATEWAY_UPNP };

/* Zero-filled at first, but for: */
struct gateway {
    struct addr inside;             /* IPv4, of the socket to be mapped */
    uint8_t nonce[12];              /* PCP: random, the same for all of a mapping's life */
    enum gateway_language language; /* in which it was mapped last; NONE: it is not mapped */
    struct addr outside;
};

/* Maps the port anew or for longer, in the language that worked before or else in any.
 * Returns 0 with *outside set, or -1: nobody does it, language is NONE. */
int gateway_map(struct gateway *g);
/* Gives the mapping back, if there is one. */
void gateway_release(struct gateway *g);

/* "none", "pcp", ... */
const char *gateway_word(enum gateway_language language);

/* PCP's MAP request and answer, for 60 bytes each.  read: 0 and the lifetime and *outside,
 * or -1 when it is not an answer to this gateway's request, or a refusal. */
#define GATEWAY_PCP_MAP 60
void gateway_put_map(uint8_t bytes[GATEWAY_PCP_MAP], const struct gateway *g, uint32_t lifetime_s);
int gateway_read_map(const uint8_t *bytes, uint32_t length, const struct gateway *g,
                     struct addr *outside);

#endif
