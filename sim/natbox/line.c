/* line.c: see line.h. */
#include "sim/natbox/line.h"

#include <stdlib.h>

#include "sim/draw.h"
#include "sim/natbox/flight.h"
#include "stack/check.h"

struct line {
    struct line_quality quality;
    uint64_t seed;
    uint32_t direction;
    mist_time free; /* when the bottleneck has sent what it took */
    struct line_counts counts;
    struct flight flight;
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
    flight_clear(&l->flight);
    free(l);
}

/* Nanoseconds that so many bytes take. */
static mist_time sending(const struct line *l, uint64_t bytes)
{
    return l->quality.rate_bps ? (mist_time)(bytes * 8 * 1000000000u / l->quality.rate_bps) : 0;
}

void line_put(struct line *l, mist_time now, const uint8_t *bytes, uint32_t length)
{
    struct draw_block draw = draw_block(l->seed, l->direction, DRAW_LINK, l->counts.packets++);
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
    mist_time late = (mist_time)draw_scale(draw.word[1], (uint64_t)l->quality.jitter + 1);
    flight_put(&l->flight, l->free + l->quality.delay + late, 0, bytes, length);
}

uint8_t *line_take(struct line *l, mist_time now, uint32_t *length)
{
    struct flight_packet first = flight_take(&l->flight, now);
    *length = first.length;
    return first.bytes;
}

mist_time line_deadline(const struct line *l)
{
    return flight_deadline(&l->flight);
}

struct line_counts line_counts(const struct line *l)
{
    return l->counts;
}
