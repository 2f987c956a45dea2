/* run_stack.h: the core that nodes run: the one built in, or another build of it from
 * a libmist.so.
 *
 * A library is code: loading it runs it.  So only commands that simulate load what a
 * scenario names; `mistsim check` does not. */
#ifndef SIM_RUN_STACK_H
#define SIM_RUN_STACK_H

#include <stdbool.h>

#include "sim/plan.h"
#include "sim/run_key.h"
#include "stack/mist.h"

struct run_stack {
    const struct mist_api *api;
    const char *name;    /* "embedded", or the library's file as it was named */
    char bytes[RUN_KEY]; /* hash of the file; "" of the core built in */
};

/* library NULL: the core built in.  Returns NULL and fills error when it cannot be
 * loaded, is of another version, or does not speak as we do: a node of it is made and
 * asked for its first event and datagram.  What is returned stays loaded and valid;
 * the same file is loaded once. */
const struct run_stack *run_stack_load(const char *library, char *error, int error_size);

/* Does a run of this plan model its cryptography?  The plan asks for it, and each of its
 * builds of the core can: older ones know only the real one, and all must speak alike.
 * usual: the core of populations without one of their own. */
bool run_stack_models(const struct plan *plan, const struct mist_api *usual);
/* What the results say of the core: its own words, then "modelled crypto" or "real crypto". */
void run_stack_version(const struct plan *plan, const struct mist_api *usual, char *text,
                       size_t size);

#endif
