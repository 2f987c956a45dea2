/* nat_script_parts.h: what the files of the script reader share; nobody else's.
 *
 *   nat_script.c         the document: boxes, addresses, the list of steps
 *   nat_script_step.c    one step
 *   nat_script_schema.c  the keys */
#ifndef SIM_NAT_SCRIPT_PARTS_H
#define SIM_NAT_SCRIPT_PARTS_H

#include "sim/nat_script.h"

struct nat_script_reader {
    struct nat_script *script;
    struct errors *errors;
    uint32_t name_room;
    mist_time last;                              /* of the steps so far: their last packet */
    uint64_t packets;                            /* of the steps so far */
    struct nat_policy policies[CATALOGUE_CHAIN]; /* after the `set` of the steps so far */
};

/* Reads a list of IPv4 addresses, or one.  Returns how many; 0 after an error. */
uint32_t nat_script_addresses(struct nat_script_reader *r, const struct yaml_node *node,
                              const char *path, const struct addr **addresses);

/* Reads a step that the schema let pass. */
void nat_script_step(struct nat_script_reader *r, const struct yaml_node *map, const char *path,
                     struct nat_step *step);

#endif
