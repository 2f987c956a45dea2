/* regress.h: `mistsim regress`: did the core get worse since a revision? */
#ifndef SIM_REGRESS_H
#define SIM_REGRESS_H

#include "sim/command.h"

extern const struct command regress_command;

#endif
