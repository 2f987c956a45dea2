#include "nat-models/queue.h"

#include <stdlib.h>

#include "stack/check.h"

#define FIRST_ITEMS 4

void nat_queue_close(struct nat_queue *queue)
{
    free(queue->items);
    *queue = (struct nat_queue){0};
}

/* Equal times are ordered by reference, so that the order of pops depends on
 * what is queued and not on how it came in. */
static bool before(struct nat_item a, struct nat_item b)
{
    return a.at != b.at ? a.at < b.at : a.ref < b.ref;
}

void nat_queue_push(struct nat_queue *queue, struct nat_item item)
{
    if (queue->count == queue->capacity) {
        uint32_t wanted = queue->capacity == 0 ? FIRST_ITEMS : queue->capacity * 2;
        struct nat_item *items = realloc(queue->items, wanted * sizeof *items);
        CHECK(items != NULL && wanted != 0);
        queue->items = items;
        queue->capacity = wanted;
    }
    uint32_t i = queue->count++;
    while (i > 0 && before(item, queue->items[(i - 1) / 2])) {
        queue->items[i] = queue->items[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    queue->items[i] = item;
}

struct nat_item nat_queue_pop(struct nat_queue *queue)
{
    CHECK(queue->count > 0);
    struct nat_item first = queue->items[0];
    struct nat_item last = queue->items[--queue->count];
    uint32_t i = 0;
    for (;;) {
        uint32_t child = 2 * i + 1;
        if (child >= queue->count)
            break;
        if (child + 1 < queue->count && before(queue->items[child + 1], queue->items[child]))
            child++;
        if (!before(queue->items[child], last))
            break;
        queue->items[i] = queue->items[child];
        i = child;
    }
    if (queue->count > 0)
        queue->items[i] = last;
    return first;
}
