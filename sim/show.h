/* show.h: `mistsim show`: looks into a results file, however hostile. */
#ifndef SIM_SHOW_H
#define SIM_SHOW_H

#include "sim/command.h"

extern const struct command show_command;

#endif
