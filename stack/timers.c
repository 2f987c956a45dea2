#include "stack/timers.h"

#include <stdbool.h>

#include "stack/check.h"

size_t timers_size(uint32_t limit)
{
    return limit * sizeof(struct timer) + limit * sizeof(uint16_t);
}

void timers_init(struct timers *t, void *memory, uint32_t limit)
{
    CHECK(limit < UINT16_MAX);
    t->count = 0;
    t->limit = limit;
    t->heap = memory;
    t->place = (uint16_t *)(void *)(t->heap + limit);
}

static bool earlier(const struct timer *a, const struct timer *b)
{
    return a->at != b->at ? a->at < b->at : a->id < b->id;
}

static void put(struct timers *t, uint32_t i, struct timer timer)
{
    t->heap[i] = timer;
    t->place[timer.id] = (uint16_t)(i + 1);
}

static void sift_up(struct timers *t, uint32_t i, struct timer timer)
{
    while (i > 0 && earlier(&timer, &t->heap[(i - 1) / 2])) {
        put(t, i, t->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    put(t, i, timer);
}

static void sift_down(struct timers *t, uint32_t i, struct timer timer)
{
    for (;;) {
        uint32_t child = 2 * i + 1;
        if (child >= t->count)
            break;
        if (child + 1 < t->count && earlier(&t->heap[child + 1], &t->heap[child]))
            child++;
        if (!earlier(&t->heap[child], &timer))
            break;
        put(t, i, t->heap[child]);
        i = child;
    }
    put(t, i, timer);
}

static void settle(struct timers *t, uint32_t i, struct timer timer)
{
    if (i > 0 && earlier(&timer, &t->heap[(i - 1) / 2]))
        sift_up(t, i, timer);
    else
        sift_down(t, i, timer);
}

static void clear(struct timers *t, uint32_t id)
{
    uint32_t i = t->place[id];
    if (i == 0)
        return;
    t->place[id] = 0;
    t->count--;
    if (i - 1 < t->count)
        settle(t, i - 1, t->heap[t->count]);
}

void timers_set(struct timers *t, uint32_t id, mist_time at)
{
    CHECK(id < t->limit);
    if (at == MIST_NEVER) {
        clear(t, id);
        return;
    }
    struct timer timer = {at, id};
    uint32_t i = t->place[id];
    if (i == 0)
        sift_up(t, t->count++, timer);
    else
        settle(t, i - 1, timer);
}

mist_time timers_next(const struct timers *t)
{
    return t->count == 0 ? MIST_NEVER : t->heap[0].at;
}

int timers_take(struct timers *t, mist_time now, uint32_t *id)
{
    if (t->count == 0 || t->heap[0].at > now)
        return 0;
    *id = t->heap[0].id;
    clear(t, *id);
    return 1;
}
