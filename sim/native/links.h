/* links.h: how many datagrams each link has carried in the current slot of time.
 *
 * Loss and jitter of a datagram are keyed by (seed, link, slot, index in the
 * slot); a link is a direction between a sending host and an outermost
 * attachment.  So one extra datagram can shift the draws of its own link within
 * its own 10 ms, and nothing else. */
#ifndef NATIVE_LINKS_H
#define NATIVE_LINKS_H

#include <stdint.h>

#include "stack/units.h"

#define LINKS_SLOT MS(10)

struct links {
    struct link_entry *table;
    uint32_t size, used;
    uint64_t slot;
};

/* l is zero-filled before. */
void links_open(struct links *l);
void links_close(struct links *l);

/* The draw index of the count-th datagram (from 0) on a link in this slot. */
uint64_t links_index(mist_time now, uint64_t count);

/* The draw index of the next datagram on the link, by the table.  Time does
 * not go back between calls. */
uint64_t links_next(struct links *l, mist_time now, uint64_t link);

#endif
