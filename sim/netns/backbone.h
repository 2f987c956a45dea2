/* backbone.h: the core network of a kernel world, as a process in its hub: packets between
 * outermost attachments, late and lost as the plan says, and the access lines there. */
#ifndef NETNS_BACKBONE_H
#define NETNS_BACKBONE_H

#include <stdatomic.h>
#include <stdint.h>

#include "sim/netns/layout.h"

/* Written by the backbone, read by anybody who shares the memory. */
struct backbone_counts {
    _Atomic uint64_t taken, delivered, lost; /* packets; lost: by line, queue, TTL or route too */
    _Atomic int64_t late_ns;                 /* the latest that one was ever sent after its time */
};

struct backbone {
    const struct layout *layout;
    struct backbone_counts *counts;
};

/* Says "ready" or what is wrong; runs until it is killed.  data: a struct backbone. */
int backbone_be(const void *data);

#endif
