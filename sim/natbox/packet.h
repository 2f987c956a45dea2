/* packet.h: IP packets as wires carry them, read into datagrams and written back.
 *
 * IPv4 (RFC 791) and IPv6 (RFC 8200) with UDP, TCP and ICMP.  A translator rewrites
 * the datagram; the packet that is written is the one that was read, with new
 * addresses, ports, TTL and checksums, and everything else in it as it was: options,
 * traffic class, TCP's header, a wrong checksum too (RFC 1624: only the difference is
 * counted in). */
#ifndef NATBOX_PACKET_H
#define NATBOX_PACKET_H

#include "nat-models/nat.h"

#define PACKET_ROOM 65536 /* bytes of the largest packet, and one */

/* A packet that was read: what a translator gets, and what is needed to write it. */
struct packet {
    struct nat_datagram datagram; /* bytes points into the packet */
    struct nat_datagram before;   /* the same, untouched by the translator */
    const uint8_t *bytes;         /* the packet; borrowed */
    uint32_t length;
    uint32_t transport; /* where the IP payload begins */
};

/* Reads length bytes, which are borrowed as long as the packet is used; a link's padding
 * behind the packet is left alone.  from: the side on which it arrived, which decides
 * where an ICMP query's identifier stands.  Returns NULL, or why it is no packet that
 * can be translated ("checksum", "truncated", ...). */
const char *packet_read(struct packet *p, enum nat_side from, uint8_t *bytes, uint32_t length);

/* Writes p's datagram, which the translator has rewritten: PACKET_ROOM bytes of room.
 * Returns the length. */
uint32_t packet_write(const struct packet *p, enum nat_side from, uint8_t *out);

/* Writes a datagram that was never a packet: what a box itself sends.  id: the IPv4
 * identification to give it.  Returns the length; 0: it has no such form (a TCP segment,
 * whose header nobody kept). */
uint32_t packet_make(const struct nat_datagram *d, uint16_t id, uint8_t *out);

/* Computes the UDP or TCP checksum of a whole packet, which its sender left to its network
 * card; any other packet stays as it is. */
void packet_sum(uint8_t *bytes, uint32_t length);

/* The Internet checksum (RFC 1071) of bytes, begun with sum. */
uint16_t packet_checksum(uint32_t sum, const uint8_t *bytes, uint32_t length);

#endif
