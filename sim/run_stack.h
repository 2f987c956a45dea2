/* run_stack.h: the core that a run uses: the one built in, or another build of it from
 * a libmist.so. */
#ifndef SIM_RUN_STACK_H
#define SIM_RUN_STACK_H

#include "stack/mist.h"

/* library NULL: the core built in.  Returns NULL and fills error when it cannot be
 * loaded or is of another version.  The library stays loaded. */
const struct mist_api *run_stack_load(const char *library, char *error, int error_size);

#endif
