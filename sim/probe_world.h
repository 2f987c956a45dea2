/* probe_world.h: boxes in a row, hosts inside and a probe's server outside, on
 * a clock of their own: a network for probe.h.
 *
 *   host 0 ... 7 - box - ... - box - the rest of the world: the server's 4 ends
 *
 * Nothing is lost and nothing waits; from the outermost box to the server it
 * takes PROBE_WORLD_DELAY each way. */
#ifndef SIM_PROBE_WORLD_H
#define SIM_PROBE_WORLD_H

#include "nat-models/nat.h"
#include "sim/probe.h"

#define PROBE_WORLD_HOSTS 8
#define PROBE_WORLD_DELAY MS(10)
#define PROBE_WORLD_BOXES 8 /* in a row, at most */

struct probe_world;

/* count boxes, inside first; 0: the hosts have addresses of their own.  The
 * policies are copied, and have passed nat_policy_check.  seed: of the boxes.
 * Needs memory, or fails a CHECK. */
struct probe_world *probe_world_open(const struct nat_policy *policies, uint32_t count,
                                     uint64_t seed);
void probe_world_close(struct probe_world *w);

/* What the probe calls; good until the world is closed. */
struct probe_net probe_world_net(struct probe_world *w);

/* What is enough for any box of it, in virtual time that costs little. */
struct probe_effort probe_world_effort(uint64_t seed);

#endif
