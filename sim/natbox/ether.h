/* ether.h: an Ethernet interface as a router's port: IP packets in and out, neighbours
 * found by ARP (RFC 826) and neighbour discovery (RFC 4861).
 *
 * The kernel's own IP stack has no part in it: the interface needs no address there, and
 * should have none.  Linux packet sockets; this file and ether.c alone know them. */
#ifndef NATBOX_ETHER_H
#define NATBOX_ETHER_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/addr.h"

#define ETHER_OWN 64 /* addresses of one port, and of the pool behind it */

struct ether_prefix {
    struct addr address; /* this port's own, port 0 */
    uint32_t bits;       /* of its network */
};

struct ether;

/* Opens the interface of this network namespace.  Returns NULL with a message that names
 * it, and sets *lacking when it is a privilege that lacks. */
struct ether *ether_open(const char *interface, const struct ether_prefix *own, uint32_t count,
                         bool *lacking, char *error, int error_size);
void ether_close(struct ether *e);

/* Answers for further addresses, which stand behind this port (a pool). */
int ether_also(struct ether *e, const struct addr *address);

/* Where packets of that family for foreign networks go; without: nowhere. */
void ether_via(struct ether *e, const struct addr *router);

int ether_fd(const struct ether *e); /* readable: call ether_receive until it returns false */
const char *ether_name(const struct ether *e);

/* Is the address of one of this port's networks? */
bool ether_is_near(const struct ether *e, const struct addr *address);

/* Takes what waits and calls each with every IP packet, as a wire would carry it: cut to
 * size and with its checksums, also where the sender left that to its network card. */
void ether_receive(struct ether *e, void (*each)(void *data, uint8_t *bytes, uint32_t length),
                   void *data);

/* Sends an IP packet, after asking for its neighbour where that is unknown; until the
 * answer comes a few packets wait and the rest are lost, as in any router. */
void ether_send(struct ether *e, const uint8_t *bytes, uint32_t length);

#endif
