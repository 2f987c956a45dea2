/* progress.h: how a campaign is doing, on stderr: one line that renews itself on a
 * terminal, plain lines now and then elsewhere, nothing when quiet.
 *
 * The only code of the simulator besides run's wall times that reads the clock. */
#ifndef SIM_PROGRESS_H
#define SIM_PROGRESS_H

#include <stdint.h>

#include "sim/world.h"

#define PROGRESS_LINE 400

struct progress;

/* runs: to be done in this campaign.  Aborts without memory. */
struct progress *progress_open(uint32_t runs, int quiet);

/* The worker in that slot (0 ..) says how its run goes. */
void progress_update(struct progress *p, uint32_t slot, const struct world_progress *now);

/* The run in that slot is over; line: what to say of it, without newline; NULL:
 * nothing. */
void progress_finished(struct progress *p, uint32_t slot, const char *line);

/* One run less is to be done: it is there already. */
void progress_skip(struct progress *p);

/* Says something in its own line, between the progress. */
void progress_say(struct progress *p, const char *line);

void progress_close(struct progress *p);

/* Everything that the line is made of, for the tests: wall_s since the campaign
 * began, events_per_s of late. */
struct progress_state {
    uint32_t finished, runs, running;
    double wall_s, events_per_s;
    double simulated_s;        /* by all runs of this campaign so far */
    double remaining_s;        /* simulated time that is still to come */
    struct world_progress sum; /* over the running ones; now and duration: their means */
};

void progress_line(char line[PROGRESS_LINE], const struct progress_state *state);

/* Seconds on a clock that never goes back. */
double progress_clock(void);

#endif
