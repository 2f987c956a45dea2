/* nat_conformance.h: which profile meets which requirement, as Markdown tables
 * for nat-models/README.md. */
#ifndef SIM_NAT_CONFORMANCE_H
#define SIM_NAT_CONFORMANCE_H

#include <stdio.h>

#include "sim/nat_profile.h"

/* One table per RFC, profiles down and requirements across, and one of what the
 * requirements ask. */
void nat_conformance_print(const struct nat_profile *const *profiles, uint32_t count, FILE *out);

#endif
