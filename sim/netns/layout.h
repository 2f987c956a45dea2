/* layout.h: where everything of a plan stands among network namespaces; pure arithmetic.
 *
 * All interfaces but the hosts' own and those of kernel boxes stand in one namespace, the
 * hub, that has no address; what runs there reads and writes frames:
 *
 *     host 3: eth0 ---- b7i  box 7 (natbox)  b7o ---- b7c  backbone (the core)
 *     host 4: eth0 ---- lan  box 8 (kernel)  wan ---- b8c  backbone
 *     host 5: eth0 ---- h5   backbone
 *
 * A box with several hosts or boxes inside has a bridge there (b7l; lan).  Every link has
 * the same two addresses at its ends, the gateway's nearer to the core. */
#ifndef NETNS_LAYOUT_H
#define NETNS_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/natbox/ether.h"
#include "sim/natbox/line.h"
#include "sim/netns/link.h"
#include "sim/plan.h"

#define LAYOUT_PROCESSES                                                                           \
    400 /* nodes and boxes: what one machine runs in real time, and a worker's                     \
           table of descriptors (1024) holds */

struct layout_box {
    bool kernel;
    uint8_t family;   /* of who is inside */
    uint32_t hosts;   /* behind it in all */
    uint32_t members; /* hosts and boxes directly inside */
};

struct layout {
    const struct plan *plan;
    struct layout_box *boxes;
    uint32_t *lines; /* [hosts] the attachment outside of which the access line stands */
};

/* NULL with what the plan asks for that this world has not, and what to do. */
struct layout *layout_open(const struct plan *plan, char *error, int error_size);
void layout_close(struct layout *l);

/* The rules of a box that the kernel is to be: "masquerade" of the profile
 * "kernel/masquerade"; NULL: it is to be modelled. */
const char *layout_kernel(const struct plan_box *box);

/* The line outside of an attachment (a host, or plan_places + box), one direction. */
struct line_quality layout_line(const struct layout *l, uint32_t attachment, bool up);

struct addr layout_gateway(uint8_t family);
/* The same gateway's further name, for kernel boxes: they have the first themselves. */
struct addr layout_gateway_of_kernel(void);
/* Both of a family's, as the ends of a port nearer to the core; the first is near to all
 * where all is true.  Returns how many. */
uint32_t layout_gateway_port(uint8_t family, bool all, struct ether_prefix own[2]);
/* How an attachment is called on the link outside of it: its first address, or, of a
 * firewall, one that is good for this link only. */
struct addr layout_outside(const struct layout *l, uint32_t attachment);
/* Bits of the network that is one LAN with the host. */
uint32_t layout_lan_bits(const struct addr *host);

/* "h5", "b7i": i and o the natbox's own ends, c the backbone's, l the bridge, j its port
 * for the natbox. */
void layout_host_name(uint32_t host, char name[LINK_NAME]);
void layout_box_name(uint32_t box, char end, char name[LINK_NAME]);
/* The inside end of a box' member, counted from 0. */
void layout_member_name(const struct layout *l, uint32_t box, uint32_t member,
                        char name[LINK_NAME]);

#endif
