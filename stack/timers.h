/* timers.h: one alarm per thing that waits, all in one heap.
 *
 * A timer is a small number; node.c gives each module a range of them.  Equal
 * times come out in the order of their numbers.  O(log n); memory is touched
 * only as far as timers are in use. */
#ifndef MIST_TIMERS_H
#define MIST_TIMERS_H

#include <stddef.h>
#include <stdint.h>

#include "stack/units.h"

struct timer {
    mist_time at;
    uint32_t id;
};

struct timers {
    uint32_t count, limit; /* armed; largest id + 1 */
    struct timer *heap;    /* [limit] */
    uint16_t *place;       /* [limit] index in the heap + 1, 0: not armed */
};

size_t timers_size(uint32_t limit);
void timers_init(struct timers *t, void *memory, uint32_t limit); /* zero-filled memory */
void timers_set(struct timers *t, uint32_t id, mist_time at);     /* MIST_NEVER: clears */
mist_time timers_next(const struct timers *t);                    /* MIST_NEVER when none */
int timers_take(struct timers *t, mist_time now, uint32_t *id);   /* 1: *id was due and is off */

#endif
