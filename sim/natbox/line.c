/* line.c: see line.h. */
#include "sim/natbox/line.h"

#include <stdlib.h>
#include <string.h>

#include "sim/draw.h"
#include "stack/check.h"

struct item {
    mist_time at;
    uint64_t ordinal;
    uint32_t length;
    uint8_t *bytes;
};

struct line {
    struct line_quality quality;
    uint64_t seed;
    uint32_t direction;
    mist_time free; /* when the bottleneck has sent what it took */
    struct line_counts counts;
    uint32_t count, room;
    struct item *heap; /* earliest first */
};

struct line *line_open(const struct line_quality *quality, uint64_t seed, uint32_t direction)
{
    struct line *l = calloc(1, sizeof *l);
    CHECK(l);
    l->quality = *quality;
    l->seed = seed;
    l->direction = direction;
    return l;
}

void line_close(struct line *l)
{
    for (uint32_t i = 0; i < l->count; i++)
        free(l->heap[i].bytes);
    free(l->heap);
    free(l);
}

static bool before(const struct item *a, const struct item *b)
{
    return a->at != b->at ? a->at < b->at : a->ordinal < b->ordinal;
}

static void push(struct line *l, struct item item)
{
    if (l->count == l->room) {
        l->room = l->room ? 2 * l->room : 64;
        l->heap = realloc(l->heap, l->room * sizeof *l->heap);
        CHECK(l->heap);
    }
    uint32_t at = l->count++;
    for (; at > 0 && before(&item, &l->heap[(at - 1) / 2]); at = (at - 1) / 2)
        l->heap[at] = l->heap[(at - 1) / 2];
    l->heap[at] = item;
}

static struct item pop(struct line *l)
{
    struct item first = l->heap[0], last = l->heap[--l->count];
    uint32_t at = 0, child;
    for (; (child = 2 * at + 1) < l->count; at = child) {
        if (child + 1 < l->count && before(&l->heap[child + 1], &l->heap[child]))
            child++;
        if (!before(&l->heap[child], &last))
            break;
        l->heap[at] = l->heap[child];
    }
    l->heap[at] = last;
    return first;
}

/* Nanoseconds that so many bytes take. */
static mist_time sending(const struct line *l, uint64_t bytes)
{
    return l->quality.rate_bps ? (mist_time)(bytes * 8 * 1000000000u / l->quality.rate_bps) : 0;
}

void line_put(struct line *l, mist_time now, const uint8_t *bytes, uint32_t length)
{
    struct draw_block draw = draw_block(l->seed, l->direction, DRAW_LINK, l->counts.packets++);
    struct item item = {.ordinal = l->counts.packets, .length = length};
    if (l->free < now)
        l->free = now;
    if (l->quality.rate_bps && l->free - now > sending(l, l->quality.queue_bytes)) {
        l->counts.overflowed++;
        return;
    }
    l->free += sending(l, length);
    if (draw_scale(draw.word[0], 1000000) < l->quality.loss_ppm) {
        l->counts.lost++;
        return;
    }
    item.at = l->free + l->quality.delay +
              (mist_time)draw_scale(draw.word[1], (uint64_t)l->quality.jitter + 1);
    item.bytes = malloc(length ? length : 1);
    CHECK(item.bytes);
    memcpy(item.bytes, bytes, length);
    push(l, item);
}

uint8_t *line_take(struct line *l, mist_time now, uint32_t *length)
{
    if (l->count == 0 || l->heap[0].at > now)
        return NULL;
    struct item first = pop(l);
    *length = first.length;
    return first.bytes;
}

mist_time line_deadline(const struct line *l)
{
    return l->count ? l->heap[0].at : MIST_NEVER;
}

struct line_counts line_counts(const struct line *l)
{
    return l->counts;
}
