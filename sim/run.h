/* run.h: `mistsim run`: a scenario, all its cells and seeds, into a results file. */
#ifndef SIM_RUN_H
#define SIM_RUN_H

#include "sim/command.h"

extern const struct command run_command;

#endif
