/* mapping.h: keeps a port of the home router mapped to the node's socket as long as the
 * node runs, and tells the core (PORT_MAPPED).
 *
 * Renewed each MAPPING_EVERY, so that a router that lost power gets it again, and at once
 * when the machine's network changed.  Given back at the end. */
#ifndef STACK_HOST_MAPPING_H
#define STACK_HOST_MAPPING_H

#include "stack/host/host.h"

#define MAPPING_EVERY SEC(30) /* a datagram and its answer, to the router next door */

struct mapping;

/* Keeps host.  NULL: no memory. */
struct mapping *mapping_open(struct host *host);
/* The main IPv4 socket is here, or is here now: what can be reached anyway, or from this
 * machine only, is not mapped. */
void mapping_socket(struct mapping *m, const struct addr *local);
/* Before host_close, which waits for what is under way; gives the port back. */
void mapping_close(struct mapping *m);

#endif
