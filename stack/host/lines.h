/* lines.h: what a node tells the outside, as JSON lines: one object per line,
 * flushed at once.  The names are those of the core's tables. */
#ifndef STACK_HOST_LINES_H
#define STACK_HOST_LINES_H

#include <stdio.h>

#include "stack/mist.h"

/* {"event":"connected","id":1,"peer":"5f..","path":"punched","rtt_ns":318000}:
 * the fields that the event uses.  Bytes stand in "text" when they are
 * printable ASCII, else in "hex". */
void lines_event(FILE *out, const struct mist_api *api, const struct mist_event *event);

/* {"fact":"link_up","addr":"192.0.2.1:4000","peer":"5f..","a":1,"b":0}: stack/facts.def. */
void lines_fact(FILE *out, const struct mist_api *api, const struct mist_fact *fact);

/* {"event":"listening","socket":1,"addr":"127.0.0.1:4000"} */
void lines_listening(FILE *out, uint32_t socket, const struct addr *local);

/* {"event":"proxy","addr":"127.0.0.1:5353","text":"alice"}: programs may speak there. */
void lines_proxy(FILE *out, const char *name, const struct addr *local);

/* {"event":"mapped","addr":"203.0.113.7:4000","by":"pcp"}: the gateway maps a port; without
 * addr: it does not any longer. */
void lines_mapped(FILE *out, const struct addr *outside, const char *language);

/* {"event":"done","sent":3,"received":3} */
void lines_done(FILE *out, uint32_t sent, uint32_t received);

#endif
