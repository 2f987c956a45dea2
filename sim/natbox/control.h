/* control.h: what may happen to a box while it runs, as lines of text:
 *
 *     flush                    forget mappings and filters
 *     reboot                   lose power for a moment
 *     readdress ADDR...        new external addresses, as many as it has
 *     set KNOB VALUE           as in a profile: set udp_established 30 s
 *     counters                 print them
 *
 * A chain's events concern its outermost box; `box N` before them another. */
#ifndef NATBOX_CONTROL_H
#define NATBOX_CONTROL_H

#include "sim/natbox/box.h"

struct control {
    struct box *box;
    uint32_t length;
    char line[512];
};

/* Reads what stands at standard input and obeys; answers each line with `ok` or what is
 * wrong with it, on standard output.  Returns 0, or -1 at its end. */
int control_read(struct control *c, mist_time now);

#endif
