/* netns.h: the kernel world: one `mist` process per node, natboxes and nftables between
 * them, all in network namespaces of its own, in real time.
 *
 * It is an engine that moves time alone, and a kind of world whose nodes and boxes are
 * processes.  README.md tells how it is laid out. */
#ifndef SIM_NETNS_H
#define SIM_NETNS_H

#include "sim/engine.h"

struct world_kind;

extern const struct engine_type engine_netns;
extern const struct world_kind world_kernel;

/* May it run here?  Returns 0, or -1 with what is lacking and what helps in error. */
int netns_check(char *error, int error_size);

#endif
