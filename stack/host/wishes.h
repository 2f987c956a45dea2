/* wishes.h: what may be asked of a node, as JSON lines: the wishes of the core by their own
 * names, and its status.
 *
 *     {"wish":"connect","id":1,"name":"alice"}
 *     {"wish":"send","id":1,"text":"hello"}            or "hex":"68656c6c6f"
 *     {"wish":"bootstrap","addr":"192.0.2.1:4000"}
 *     {"ask":"status"}
 *
 * The lines may come from anybody who may write there: bounds, and no nonsense. */
#ifndef STACK_HOST_WISHES_H
#define STACK_HOST_WISHES_H

#include <stdbool.h>
#include <stddef.h>

#include "stack/mist.h"

#define WISHES_LINE 8192 /* bytes of the longest line, with its newline */

struct wishes_line {
    bool status; /* asks for the status; else: */
    struct mist_wish wish;
    uint8_t name[MIST_NAME], bytes[MIST_PAYLOAD]; /* to which the wish points */
};

/* Reads a line without its newline.  Returns NULL, or what is wrong with it. */
const char *wishes_read(const struct mist_api *api, const char *text, size_t length,
                        struct wishes_line *line);

#endif
