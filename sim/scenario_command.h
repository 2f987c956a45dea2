/* scenario_command.h: the commands that tell about scenarios and run nothing:
 * `mistsim check`, `mistsim explain-key`, `mistsim schema`. */
#ifndef SIM_SCENARIO_COMMAND_H
#define SIM_SCENARIO_COMMAND_H

#include "sim/command.h"

extern const struct command scenario_check_command;
extern const struct command explain_key_command;
extern const struct command schema_command;

#endif
