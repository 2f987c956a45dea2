/* doctor.h: `mistsim doctor`: what works on this machine and how to mend the rest. */
#ifndef SIM_DOCTOR_H
#define SIM_DOCTOR_H

#include "sim/command.h"

extern const struct command doctor_command;

#endif
