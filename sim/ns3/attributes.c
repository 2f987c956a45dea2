#include "sim/ns3/attributes.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/exit.h"
#include "sim/ns3/ns3c.h"
#include "stack/check.h"

enum trial { TRIAL_FINE, TRIAL_UNKNOWN, TRIAL_UNREADABLE };

/* ns-3 ends the process over a value that it cannot read at all, so another one tries. */
static enum trial try_one(const struct plan_attribute *a)
{
    int status;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        int nothing = open("/dev/null", O_WRONLY);
        dup2(nothing, STDERR_FILENO); /* what ns-3 says then names its own sources */
        _exit(ns3c_default(a->name, a->value) == NS3C_OK ? TRIAL_FINE : TRIAL_UNKNOWN);
    }
    CHECK(waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? (enum trial)WEXITSTATUS(status) : TRIAL_UNREADABLE;
}

int attributes_fit(const struct plan *plan, char *error, int error_size)
{
    int used = 0;
    error[0] = '\0';
    for (uint32_t i = 0; i < plan->attribute_count; i++) {
        const struct plan_attribute *a = &plan->attributes[i];
        enum trial trial = try_one(a);
        if (trial == TRIAL_FINE || used >= error_size)
            continue;
        used += snprintf(error + used, (size_t)(error_size - used),
                         "%s%s: engine.ns3.%.80s: expected an attribute of %s and a value that "
                         "it takes, got `%.40s`%s",
                         used > 0 ? "\n" : "", a->place, a->name, ns3c_version(), a->value,
                         trial == TRIAL_UNREADABLE ? ", which it cannot read" : "");
    }
    return used > 0 ? EXIT_INPUT : EXIT_FINE;
}

void attributes_set(const struct plan *plan)
{
    for (uint32_t i = 0; i < plan->attribute_count; i++)
        CHECK(ns3c_default(plan->attributes[i].name, plan->attributes[i].value) == NS3C_OK);
}
