/* neighbour.h: which Ethernet address an IP address has on a link, by ARP (RFC 826) and
 * neighbour discovery (RFC 4861); packets wait while it is asked for.
 *
 * Reads and writes frames; knows no socket. */
#ifndef NATBOX_NEIGHBOUR_H
#define NATBOX_NEIGHBOUR_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/addr.h"
#include "stack/units.h"

#define NEIGHBOUR_MAC    6
#define NEIGHBOUR_HEADER 14 /* bytes of an Ethernet header */
#define NEIGHBOUR_OWN    80 /* addresses for which a port answers */

struct neighbours;

struct neighbour_calls {
    void *data;
    void (*frame)(void *data, const uint8_t *bytes, uint32_t length); /* sends it */
};

/* calls is copied. */
struct neighbours *neighbours_open(const uint8_t mac[NEIGHBOUR_MAC],
                                   const struct neighbour_calls *calls);
void neighbours_close(struct neighbours *n);

/* Answers for this address from now on.  Returns 0, or -1 when there are NEIGHBOUR_OWN. */
int neighbours_own(struct neighbours *n, const struct addr *address);

/* Is the frame one of these protocols'?  Then it was taken: learnt from and answered. */
bool neighbours_take(struct neighbours *n, mist_time now, const uint8_t *frame, uint32_t length);

/* Sends a frame, whose header's room stands before the packet, to whoever has `hop`; it
 * waits (a copy) where nobody knows, and is lost where too many wait. */
void neighbours_send(struct neighbours *n, mist_time now, const struct addr *hop, uint8_t *frame,
                     uint32_t length);

#endif
