/* world_packets.h: a row for every datagram that a host sent (mistsim run --trace packets),
 * with what became of it.
 *
 * What arrives bears no number of its sending, so it is recognised by its payload, the
 * oldest of equal ones first: what a box rewrites (`alg`) and what is lost in pieces is
 * not, and stands as `not seen again`. */
#ifndef SIM_WORLD_PACKETS_H
#define SIM_WORLD_PACKETS_H

#include "sim/world.h"

struct record;
struct world_packets;

/* Keeps record. */
struct world_packets *world_packets_open(struct record *record);

/* To look on by; its `next` may be set. */
struct world_watch *world_packets_watch(struct world_packets *p);

/* Records what is still on its way, too. */
void world_packets_close(struct world_packets *p);

#endif
