/* ping.h: the tally of `mist ping`, told as ping(8) tells it. */
#ifndef STACK_HOST_PING_H
#define STACK_HOST_PING_H

#include <stdint.h>
#include <stdio.h>

#include "stack/units.h"

/* Zero-filled at first; sent is counted by who sends. */
struct ping {
    uint32_t sent, received;
    mist_time last, least, most, sum; /* round trips */
    mist_time jitter;                 /* sum of the differences between successive ones */
};

/* The one sent last was answered. */
void ping_count(struct ping *p, mist_time rtt);
/* "alice: seq=3 path=punched time=12.300 ms", of the one counted last. */
void ping_answer(const struct ping *p, const char *name, const char *path, FILE *out);

/* The end: how many came back, and how fast. */
void ping_report(const struct ping *p, const char *name, FILE *out);
/* The same as a line: {"event":"done","sent":5,"received":5,"rtt_min_ns":...}. */
void ping_line(const struct ping *p, FILE *out);

#endif
