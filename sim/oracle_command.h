/* oracle_command.h: `mistsim nat pair`: what a pair of NATs can reach. */
#ifndef SIM_ORACLE_COMMAND_H
#define SIM_ORACLE_COMMAND_H

#include "sim/command.h"

extern const struct command nat_pair_command;

#endif
