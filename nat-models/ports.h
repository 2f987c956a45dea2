/* ports.h: chooses external addresses and ports, and keeps the books of them. */
#ifndef NAT_PORTS_H
#define NAT_PORTS_H

#include "nat-models/box.h"

/* Chooses X':x' for a new mapping.  Returns NAT_PASS or NAT_DROP_PORT_EXHAUSTED. */
enum nat_verdict nat_ports_choose(struct nat *nat, const struct nat_endpoint *inside,
                                  const struct nat_endpoint *remote, uint8_t rule,
                                  struct nat_place *place);

/* Finds room for a static mapping: at *external, or anywhere when that is no
 * address or has port 0.  Returns 0, or -1 when it is taken or not the box's. */
int nat_ports_claim(struct nat *nat, const struct nat_endpoint *inside, const struct addr *external,
                    struct nat_place *place);

/* A mapping was made: takes its port into the books. */
void nat_ports_taken(struct nat *nat, uint32_t record);

/* A mapping is gone since end: holds its port, or frees it. */
void nat_ports_ended(struct nat *nat, const struct nat_mapping *gone, mist_time end);

/* A port's hold is over. */
void nat_ports_released(struct nat *nat, const struct nat_reserved *held);

/* A port of this address became free: what was full may no longer be. */
void nat_ports_freed(struct nat *nat, uint16_t address, uint8_t protocol);

/* After init or a reboot: sequential counters as policy.after_reboot says. */
void nat_ports_restart(struct nat *nat);

/* Ends the mapping that has the port which a draw tells: on_exhaustion: reuse.
 * false: nobody can be robbed. */
bool nat_ports_steal(struct nat *nat, const struct nat_endpoint *inside,
                     const struct nat_endpoint *remote, uint8_t rule);

/* ---- former.c: same_port_after_expiry ---- */

uint32_t nat_former_find(const struct nat *nat, const struct nat_endpoint *inside);
void nat_former_remove(struct nat *nat, uint32_t record);

/* A mapping ended; of those that end together the newest counts.  Makes a record. */
void nat_former_remember(struct nat *nat, const struct nat_mapping *gone);

#endif
