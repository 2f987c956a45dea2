/* attributes.h: attributes of ns-3 that a scenario sets by name (engine.ns3). */
#ifndef NS3_ATTRIBUTES_H
#define NS3_ATTRIBUTES_H

#include "sim/plan.h"

/* EXIT_FINE, or EXIT_INPUT: which are none, or have no such value, in error, a line each. */
int attributes_fit(const struct plan *plan, char *error, int error_size);

/* Sets them for the world that is opened next; they fit. */
void attributes_set(const struct plan *plan);

#endif
