/* failure.h: what the simulator says when a CHECK fails: how to repeat it.
 *
 * Defines check_failed (stack/check.h) for the programs of sim/.  A process
 * simulates one run at a time, so one note is enough. */
#ifndef SIM_FAILURE_H
#define SIM_FAILURE_H

#include <stdint.h>

#include "stack/units.h"

/* The run that this process is about to simulate; borrowed until the next note. */
void failure_note(const char *scenario, const char *cell, uint64_t seed);

/* How far it has come. */
void failure_note_time(mist_time now);

#endif
