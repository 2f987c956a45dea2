/* control.h: how other programs of the same user speak to a running node: JSON lines
 * (wishes.h down, lines.h up) over a Unix socket that only its owner may open, or over
 * standard input and output.
 *
 * Every line is answered: {"ok":true}, {"ok":false,"error":"..."} or {"status":{...}}.  All
 * clients hear all events; connections and subscriptions are numbered by whoever makes
 * them, in one space. */
#ifndef STACK_HOST_CONTROL_H
#define STACK_HOST_CONTROL_H

#include <stddef.h>

#include "stack/host/host.h"

#define CONTROL_CLIENTS 32
#define CONTROL_BEHIND  (1 << 18) /* bytes that a client may leave unread before it is cut off */

struct control;

/* path "-": standard input and output.  A socket that nobody serves any more is replaced.
 * NULL with one line of text in error. */
struct control *control_open(struct host *host, const struct mist_api *api, const char *path,
                             char *error, size_t error_size);

/* Tells all clients. */
void control_event(struct control *c, const struct mist_event *event);

/* Before host_close; removes the socket. */
void control_close(struct control *c);

#endif
