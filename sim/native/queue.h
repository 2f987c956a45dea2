/* queue.h: the pending events of a shard, in the total order (at, order).
 *
 * Two levels of timing wheel, each slot a list; the slot that time has reached
 * is a sorted run, and what is pushed into it late goes to a small heap beside
 * it.  Push and pop are O(1) but for the sort of one slot; no allocation once
 * the arrays have grown to the peak. */
#ifndef NATIVE_QUEUE_H
#define NATIVE_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/units.h"

struct event {
    mist_time at;
    uint64_t order; /* among equal times; (at, order) is unique in the queue */
    uint32_t kind;  /* the owner's */
    uint32_t target;
    uint32_t datagram;
    uint32_t next; /* the queue's */
};

struct queue;

/* Time begins at 0; nothing earlier can be pushed. */
struct queue *queue_open(void);
void queue_close(struct queue *q);

/* Copies the event.  event->at is not before the last popped event, nor before
 * the `until` of a pop that found nothing. */
void queue_push(struct queue *q, const struct event *event);

/* The earliest event before `until`, removed; false: there is none. */
bool queue_pop(struct queue *q, mist_time until, struct event *event);

/* Takes out the event of this key, which is pending (CHECK).  Searches its
 * slot: for the rare case. */
void queue_remove(struct queue *q, mist_time at, uint64_t order);

uint64_t queue_count(const struct queue *q);

/* The event that will be popped `ahead` pops after the next one, as far as the
 * current slot knows; NULL: unknown.  For prefetching only: a push may change it. */
const struct event *queue_ahead(const struct queue *q, uint32_t ahead);

/* Some event of one of the next slots, another one after each pop; NULL: none
 * known.  For prefetching only. */
const struct event *queue_coming(const struct queue *q);

#endif
