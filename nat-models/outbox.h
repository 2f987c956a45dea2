/* outbox.h: what boxes send themselves, until nat_output takes it: one for all
 * boxes of a slab, since a box sends only in answer to a call. */
#ifndef NAT_OUTBOX_H
#define NAT_OUTBOX_H

#include "nat-models/box.h"

/* Forgets what was not drained.  First in every call. */
void nat_outbox_clear(struct nat *nat);

/* Appends a copy of the datagram and its bytes.  A full outbox loses it. */
void nat_outbox_add(struct nat *nat, enum nat_side side, const struct nat_datagram *d);

/* A copy of the datagram's bytes that the box may write, until the next call
 * that asks for one; bytes that are such a copy stay where they are. */
uint8_t *nat_outbox_rewritable(struct nat *nat, const struct nat_datagram *d);

void nat_outbox_close(struct nat_slab *slab);

#endif
