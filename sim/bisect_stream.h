/* bisect_stream.h: what one build of the core puts on the wire, read while it runs.
 *
 * A process of its own simulates and writes what passes (world_watch) into a pipe; the
 * reader takes as much as it wants.  Neither holds more than a pipe's and a buffer's
 * worth, whatever the length of the run. */
#ifndef SIM_BISECT_STREAM_H
#define SIM_BISECT_STREAM_H

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "sim/plan.h"
#include "stack/mist.h"

#define BISECT_BYTES 65536 /* no datagram is longer */

enum bisect_kind { BISECT_SENT, BISECT_ARRIVED, BISECT_DROPPED, BISECT_LOST, BISECT_END };

/* A line of the stream; its bytes follow in the pipe. */
struct bisect_record {
    uint8_t kind; /* enum bisect_kind */
    uint8_t use;  /* SENT: enum mist_kind, as the build counts it */
    uint8_t ttl;
    uint16_t length;
    uint32_t place; /* SENT, ARRIVED: host; DROPPED: box; LOST: enum engine_loss */
    mist_time at;
    struct addr from, to;
    char why[24];   /* DROPPED: the box's word */
    uint64_t trace; /* END: the run's trace hash */
};

struct bisect_stream {
    pid_t process;
    FILE *pipe;
    uint64_t sent; /* datagrams read so far */
    struct bisect_record record;
    uint8_t bytes[BISECT_BYTES];
};

/* Starts the simulation.  Returns 0, or -1 with errno. */
int bisect_stream_open(struct bisect_stream *s, const struct plan *plan,
                       const struct mist_api *api);

/* Reads the next record into s->record.  Returns 1, or 0 where the process ended without
 * an END: it crashed. */
int bisect_stream_next(struct bisect_stream *s);

/* Stops the simulation if it still runs. */
void bisect_stream_close(struct bisect_stream *s);

#endif
