/* line.h: one direction of a real access line: a bottleneck with its queue, then a delay
 * with jitter, and loss.
 *
 * Draws are keyed by (seed, direction, ordinal of the packet): the same traffic at the
 * same times meets the same line. */
#ifndef NATBOX_LINE_H
#define NATBOX_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/units.h"

struct line_quality {
    mist_time delay, jitter; /* one way; uniform in [0, jitter] on top, which may reorder */
    uint32_t loss_ppm;
    uint64_t rate_bps;    /* 0: unlimited */
    uint32_t queue_bytes; /* before the bottleneck; what finds it full is lost (DropTail) */
};

struct line_counts {
    uint64_t packets, lost, overflowed;
};

struct line;

struct line *line_open(const struct line_quality *quality, uint64_t seed, uint32_t direction);
void line_close(struct line *l);

/* Takes a copy of the packet. */
void line_put(struct line *l, mist_time now, const uint8_t *bytes, uint32_t length);

/* The next packet that has arrived by now: malloc'd, the caller's; NULL: none. */
uint8_t *line_take(struct line *l, mist_time now, uint32_t *length);

mist_time line_deadline(const struct line *l); /* MIST_NEVER: it is empty */
struct line_counts line_counts(const struct line *l);

#endif
