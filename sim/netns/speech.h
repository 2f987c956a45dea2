/* speech.h: what a `mist` process is told and tells over its control socket (stack/host's
 * wishes.h and lines.h), seen from the other end: wishes as JSON lines, JSON lines as
 * events.  The words are those of the core's own tables. */
#ifndef NETNS_SPEECH_H
#define NETNS_SPEECH_H

#include <stdbool.h>
#include <stddef.h>

#include "stack/mist.h"

#define SPEECH_LINE 8192 /* bytes of the longest wish, with its end */

/* Writes the wish as a line, its end included.  Returns its length. */
size_t speech_wish(const struct mist_api *api, const struct mist_wish *wish,
                   char line[SPEECH_LINE]);

enum speech_kind {
    SPEECH_EVENT,
    SPEECH_ANSWER, /* to the oldest wish without one */
    SPEECH_STATUS,
    SPEECH_OTHER, /* what a program tells besides: where it listens, complaints */
};

struct speech {
    enum speech_kind kind;
    bool ok;                                       /* ANSWER */
    struct mist_event event;                       /* EVENT; points to the bytes */
    struct mist_counter counters[MIST_KIND_COUNT]; /* STATUS */
    uint8_t bytes[MIST_DATAGRAM];
};

/* Reads a line without its end.  Whatever is not understood is OTHER. */
void speech_read(const struct mist_api *api, const char *line, size_t length, struct speech *s);

#endif
