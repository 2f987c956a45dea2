/* nat_command.h: the command `mistsim nat`, whose sub-commands are commands of
 * their own. */
#ifndef SIM_NAT_COMMAND_H
#define SIM_NAT_COMMAND_H

#include "sim/command.h"

extern const struct command nat_command;

/* One file each. */
extern const struct command nat_list_command;
extern const struct command nat_show_command;
extern const struct command nat_play_command;
extern const struct command nat_probe_command;

#endif
