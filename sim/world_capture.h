/* world_capture.h: what passes in a simulated world, as a pcapng file (mistsim run --pcap):
 * the same on every engine.
 *
 * Interfaces: one per host, named as everywhere (home.3), behind its system, so that its
 * datagrams are whole; two per box ("box 5 home_apdf inside", "... outside"); and "lost".
 * Comments: the kind of a message where it leaves, a box's verdict where it decides, why
 * something was lost.  Time 0 of the simulation is 1970-01-01. */
#ifndef SIM_WORLD_CAPTURE_H
#define SIM_WORLD_CAPTURE_H

#include "sim/world.h"

struct world_capture;

/* Creates the file; keeps plan.  NULL with errno set. */
struct world_capture *world_capture_open(const char *file, const struct plan *plan);

/* To look on by; its `next` may be set. */
struct world_watch *world_capture_watch(struct world_capture *c);

/* Returns 0, or -1 when something could not be written (errno). */
int world_capture_close(struct world_capture *c);

#endif
