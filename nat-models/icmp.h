/* icmp.h: ICMP errors: made and translated. */
#ifndef NAT_ICMP_H
#define NAT_ICMP_H

#include "nat-models/box.h"

enum {
    NAT_ICMP_UNREACHABLE = 3,
    NAT_ICMP_TIME_EXCEEDED = 11,
    NAT_ICMP_PARAMETER = 12,
    NAT_ICMP_PORT = 3, /* codes of unreachable */
    NAT_ICMP_FRAGMENTATION_NEEDED = 4,
};

enum {
    NAT_ICMP_HEADER = 8,
    NAT_ICMP_ERROR_BYTES = 36, /* with the headers of what it is about */
};

/* An error about another datagram, not a query? */
bool nat_icmp_is_error(const struct nat_datagram *d);

/* Rewrites an error by the datagram that it is about; refreshes nothing.
 * NAT_PASS or NAT_DROP_ICMP_UNMATCHED. */
enum nat_verdict nat_icmp_out(struct nat *nat, struct nat_datagram *d);
enum nat_verdict nat_icmp_in(struct nat *nat, struct nat_datagram *d);

/* Sends an ICMP error about d, as it came in, back to where it came from. */
void nat_icmp_send(struct nat *nat, enum nat_side side, uint8_t type, uint8_t code,
                   const struct nat_datagram *d);

/* ---- what ICMP and ICMPv6 share ---- */

/* Writes the bytes of an error about a datagram; mtu: of the next link, for
 * fragmentation needed (RFC 1191), else 0. */
void nat_icmp_write(uint8_t bytes[NAT_ICMP_ERROR_BYTES], uint8_t type, uint8_t code, uint16_t mtu,
                    const struct nat_datagram *about);

/* The checksum of a whole message. */
void nat_icmp_put_checksum(uint8_t *bytes, uint32_t length);

/* The mapping through which went out what the error is about, which *about tells
 * without bytes; or 0. */
uint32_t nat_icmp_read_sent(const struct nat *nat, const struct nat_datagram *error,
                            struct nat_datagram *about);

/* ---- icmp6.c ---- */

bool nat_icmp6_is_error(const struct nat_datagram *d);
void nat_icmp6_put_checksum(uint8_t *bytes, uint32_t length, const struct addr *from,
                            const struct addr *to);

/* As nat_icmp_send, of ICMP's types, to a host that speaks IPv6. */
void nat_icmp6_send(struct nat *nat, enum nat_side side, uint8_t type, uint8_t code, uint16_t mtu,
                    const struct nat_datagram *d);

/* Kind firewall: an error that came from that side passes as it is if it is about
 * what a record let through (RFC 6092). */
enum nat_verdict nat_icmp6_pass(const struct nat *nat, enum nat_side side,
                                const struct nat_datagram *d);

/* Kind nat64: an error becomes one of the other family (RFC 7915). */
enum nat_verdict nat64_error_out(struct nat *nat, struct nat_datagram *d);
enum nat_verdict nat64_error_in(struct nat *nat, struct nat_datagram *d);

/* Fragmentation needed, with the policy's mtu, to the inside. */
void nat_icmp_send_too_big(struct nat *nat, const struct nat_datagram *d);

#endif
