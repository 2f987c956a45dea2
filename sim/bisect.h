/* bisect.h: `mistsim bisect`: the first datagram in which two builds of the core differ. */
#ifndef SIM_BISECT_H
#define SIM_BISECT_H

#include "sim/command.h"

extern const struct command bisect_command;

#endif
