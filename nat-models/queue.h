/* queue.h: when to look at which record again: a binary heap per box.
 *
 * A refresh does not touch the queue.  A record's item says when it would have
 * expired at the time it was queued; when that comes, the box looks, and
 * queues the record again if it was refreshed since.  So every expiry is seen
 * in time, and a mapping costs one visit per timeout, however busy it is.
 *
 * An item is the record's own while its time and serial are the record's; else
 * it is stale and means nothing. */
#ifndef NAT_QUEUE_H
#define NAT_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/units.h"

struct nat_item {
    mist_time at;
    uint32_t ref; /* slab.h */
    uint32_t serial;
};

struct nat_queue {
    struct nat_item *items;
    uint32_t count, capacity;
};

void nat_queue_close(struct nat_queue *queue);
void nat_queue_push(struct nat_queue *queue, struct nat_item item);
struct nat_item nat_queue_pop(struct nat_queue *queue); /* must not be empty */

static inline mist_time nat_queue_first(const struct nat_queue *queue)
{
    return queue->count == 0 ? MIST_NEVER : queue->items[0].at;
}

#endif
