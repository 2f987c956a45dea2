/* portmap.h: the box's side of the protocols by which hosts ask it for ports:
 * NAT-PMP (RFC 6886) and PCP (RFC 6887), both on UDP port 5351. */
#ifndef NAT_PORTMAP_H
#define NAT_PORTMAP_H

#include "nat-models/box.h"

#define NAT_PORTMAP_PORT     5351
#define NAT_PORTMAP_ANNOUNCE 5350 /* where hosts listen for announcements */

/* Is the datagram from inside a request to the box itself? */
bool nat_portmap_is_request(const struct nat *nat, const struct nat_datagram *d);

/* Answers by the outbox, or is silent where the RFCs say so. */
void nat_portmap_answer(struct nat *nat, const struct nat_datagram *d);

/* The tables were lost: the epoch begins anew at that time, and the box says so. */
void nat_portmap_restart(struct nat *nat, mist_time at);

/* Says so once more, when it is due. */
void nat_portmap_announce(struct nat *nat);

/* ---- what the two protocols share ---- */

/* Seconds since the tables were last lost. */
uint32_t nat_portmap_epoch(const struct nat *nat);

/* Back to where the request came from. */
void nat_portmap_reply(struct nat *nat, const struct nat_datagram *request, uint8_t *bytes,
                       uint32_t length);

/* ---- natpmp.c ---- */

void nat_pmp_answer(struct nat *nat, const struct nat_datagram *d);

/* "This version not", in NAT-PMP's own format, to whoever asks by it or before it. */
void nat_pmp_refuse_version(struct nat *nat, const struct nat_datagram *d);

/* The message that tells the external address, unasked; returns its length. */
#define NAT_PMP_ADDRESS_BYTES 12
void nat_pmp_write_address(const struct nat *nat, uint8_t bytes[NAT_PMP_ADDRESS_BYTES]);

/* ---- pcp.c ---- */

void nat_pcp_answer(struct nat *nat, const struct nat_datagram *d);

#define NAT_PCP_HEADER 24
void nat_pcp_write_announcement(const struct nat *nat, uint8_t bytes[NAT_PCP_HEADER]);

#endif
