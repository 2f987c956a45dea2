/* verify.h: `mistsim verify`: are a file's runs what comes of them again? */
#ifndef SIM_VERIFY_H
#define SIM_VERIFY_H

#include "sim/command.h"

extern const struct command verify_command;

#endif
