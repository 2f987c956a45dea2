/* plan.c: see plan.h. */
#include "sim/plan.h"

#include <stdlib.h>

void plan_free(struct plan *plan)
{
    if (!plan)
        return;
    arena_free(&plan->memory);
    free(plan);
}
