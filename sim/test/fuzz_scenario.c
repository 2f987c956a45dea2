/* fuzz_scenario.c: any bytes as a scenario: errors or a plan, never a crash.
 * The first byte may ask for the first line to be an override. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "sim/plan.h"
#include "sim/scenario.h"

#define MOST_HOSTS 2000 /* a larger plan only takes longer */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void read_one(const char *text, size_t length, const char *set)
{
    struct errors errors = {0};
    const struct scenario_options options = {0};
    struct scenario *s =
        scenario_parse("scenarios/fuzz.yaml", text, length, &set, set != NULL, &options, &errors);
    if (s && scenario_hosts(s, 0) <= MOST_HOSTS) {
        FILE *out = fopen("/dev/null", "w");
        plan_free(scenario_plan(s, scenario_cells(s) - 1, 1, &errors));
        if (out) {
            scenario_print(s, 0, out);
            errors_print(&errors, out);
            (void)fclose(out);
        }
    }
    scenario_free(s);
    errors_free(&errors);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char set[200];
    const uint8_t *end = size ? memchr(bytes, '\n', size) : NULL;
    if (size == 0 || bytes[0] != '!' || !end || (size_t)(end - bytes) >= sizeof set ||
        memchr(bytes, 0, (size_t)(end - bytes))) {
        read_one((const char *)bytes, size, NULL);
        return 0;
    }
    memcpy(set, bytes + 1, (size_t)(end - bytes) - 1);
    set[end - bytes - 1] = 0;
    read_one((const char *)end + 1, size - (size_t)(end - bytes) - 1, set);
    return 0;
}
