/* fragments.h: datagrams in pieces: put together, followed, or cut.
 *
 * RFC 4787 section 11: later fragments carry no ports, so a box either collects
 * them until the datagram is whole, or lets them follow the first one.  What a
 * box keeps is bounded (REQ-14a): a few datagrams, each for 2 s; beyond that it
 * drops fragments, and whole datagrams never notice. */
#ifndef NAT_FRAGMENTS_H
#define NAT_FRAGMENTS_H

#include "nat-models/box.h"

bool nat_is_fragment(const struct nat_datagram *d);

/* A fragment came from that side.  NAT_PASS: it was the last that lacked, and
 * *whole is the datagram, its bytes the box's until the next fragment;
 * NAT_DROP_KEPT; or NAT_DROP_FRAGMENT. */
enum nat_verdict nat_fragments_collect(struct nat *nat, enum nat_side side,
                                       const struct nat_datagram *d, struct nat_datagram *whole);

/* The first fragment came as `came` and went as `went`, with that verdict. */
void nat_fragments_lead(struct nat *nat, enum nat_side side, const struct nat_datagram *came,
                        const struct nat_datagram *went, enum nat_verdict verdict);

/* A later fragment goes the way of its first, or NAT_DROP_FRAGMENT. */
enum nat_verdict nat_fragments_follow(struct nat *nat, enum nat_side side, struct nat_datagram *d);

/* Is it larger than the policy's mtu? */
bool nat_is_too_big(const struct nat *nat, const struct nat_datagram *d);

/* Cuts what is too big: *d is then the first piece, the others are in the outbox. */
void nat_fragments_cut(struct nat *nat, struct nat_datagram *d);

/* Into the outbox, in pieces if it is too big for the side. */
void nat_fragments_emit(struct nat *nat, enum nat_side side, const struct nat_datagram *d);

/* Forgets what the box has collected; and its memory too. */
void nat_fragments_clear(struct nat *nat);
void nat_fragments_close(struct nat *nat);

#endif
