/* flight.h: packets under way: each comes out at its time, in the order of time and then
 * of putting in. */
#ifndef NATBOX_FLIGHT_H
#define NATBOX_FLIGHT_H

#include <stdint.h>

#include "stack/units.h"

struct flight_packet {
    mist_time at;
    uint64_t ordinal; /* among those of one flight; set by flight_put */
    uint32_t to;      /* for whom it is; the owner's */
    uint32_t length;
    uint8_t *bytes;
};

/* Zero-filled is empty. */
struct flight {
    uint64_t put;
    uint32_t count, room;
    struct flight_packet *heap; /* earliest first */
};

/* Frees what is still under way. */
void flight_clear(struct flight *f);

/* Takes a copy of the bytes. */
void flight_put(struct flight *f, mist_time at, uint32_t to, const uint8_t *bytes, uint32_t length);

/* The next that has arrived by now: its bytes are malloc'd, the caller's; NULL: none. */
struct flight_packet flight_take(struct flight *f, mist_time now);

mist_time flight_deadline(const struct flight *f); /* MIST_NEVER: it is empty */

#endif
