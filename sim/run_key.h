/* run_key.h: what makes two runs the same run.
 *
 * The key covers all that a run's outcome depends on: the scenario's text with
 * its overrides, the cell, the seed, the worlds drawn (which come from further files:
 * latencies, profiles, populations), the engine, what is recorded, and the bytes of
 * the program and of the cores that it loaded.  So an edit anywhere runs again,
 * and nothing else does. */
#ifndef SIM_RUN_KEY_H
#define SIM_RUN_KEY_H

#include <stdint.h>

#include "sim/plan.h"

#define RUN_KEY 33 /* 32 hex digits and NUL */

/* Hash of the running program, of the core's library and of the engine's plug-in
 * (NULL: none).  Returns 0, or -1 when one of them cannot be read. */
int run_key_program(char program[RUN_KEY], const char *library, const char *plugin);

/* Hash of a file's bytes.  Returns 0, or -1 with errno when it cannot be read. */
int run_key_file(char hash[RUN_KEY], const char *file);

/* detail: what else is recorded, "" or "events". */
void run_key(char key[RUN_KEY], const struct plan *plan, const char *engine, const char *program,
             const char *detail);

#endif
