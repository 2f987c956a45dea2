/* analysis_command.h: the commands that mistsim hands to its analysis program.
 *
 * `mistsim-analysis` stands beside mistsim, as git's commands do beside git; it links
 * what the simulator must not (GSL).  The line is checked here, so that help and
 * mistakes read like those of every command, and then handed over. */
#ifndef SIM_ANALYSIS_COMMAND_H
#define SIM_ANALYSIS_COMMAND_H

#include "sim/command.h"

extern const struct command report_command;
extern const struct command compare_command;

#endif
