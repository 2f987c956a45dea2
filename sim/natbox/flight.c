/* flight.c: see flight.h. */
#include "sim/natbox/flight.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "stack/check.h"

void flight_clear(struct flight *f)
{
    for (uint32_t i = 0; i < f->count; i++)
        free(f->heap[i].bytes);
    free(f->heap);
    *f = (struct flight){.put = f->put};
}

static bool before(const struct flight_packet *a, const struct flight_packet *b)
{
    return a->at != b->at ? a->at < b->at : a->ordinal < b->ordinal;
}

static void push(struct flight *f, struct flight_packet packet)
{
    if (f->count == f->room) {
        f->room = f->room ? 2 * f->room : 64;
        f->heap = realloc(f->heap, f->room * sizeof *f->heap);
        CHECK(f->heap);
    }
    uint32_t at = f->count++;
    for (; at > 0 && before(&packet, &f->heap[(at - 1) / 2]); at = (at - 1) / 2)
        f->heap[at] = f->heap[(at - 1) / 2];
    f->heap[at] = packet;
}

static struct flight_packet pop(struct flight *f)
{
    struct flight_packet first = f->heap[0], last = f->heap[--f->count];
    uint32_t at = 0, child;
    for (; (child = 2 * at + 1) < f->count; at = child) {
        if (child + 1 < f->count && before(&f->heap[child + 1], &f->heap[child]))
            child++;
        if (!before(&f->heap[child], &last))
            break;
        f->heap[at] = f->heap[child];
    }
    f->heap[at] = last;
    return first;
}

void flight_put(struct flight *f, mist_time at, uint32_t to, const uint8_t *bytes, uint32_t length)
{
    struct flight_packet packet = {.at = at, .ordinal = ++f->put, .to = to, .length = length};
    packet.bytes = malloc(length ? length : 1);
    CHECK(packet.bytes);
    memcpy(packet.bytes, bytes, length);
    push(f, packet);
}

struct flight_packet flight_take(struct flight *f, mist_time now)
{
    if (f->count == 0 || f->heap[0].at > now)
        return (struct flight_packet){.bytes = NULL};
    return pop(f);
}

mist_time flight_deadline(const struct flight *f)
{
    return f->count ? f->heap[0].at : MIST_NEVER;
}
