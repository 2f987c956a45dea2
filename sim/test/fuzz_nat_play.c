/* fuzz_nat_play.c: any bytes as a NAT script: errors, or it is played to its end;
 * never a crash, and a second playing comes to the same. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/nat_play.h"
#include "stack/check.h"

#define MOST_PACKETS  5000 /* a longer script only takes longer */
#define MOST_EXTERNAL 2000 /* so does a larger pool */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static bool is_small(const struct nat_script *s)
{
    uint64_t packets = 0;
    for (uint32_t i = 0; i < s->step_count; i++)
        packets += s->steps[i].repeat;
    for (uint32_t i = 0; i < s->box_count; i++)
        if (s->boxes[i].externals > MOST_EXTERNAL || s->boxes[i].policy.background_uhz != 0)
            return false;
    for (uint32_t i = 0; i < s->step_count; i++)
        if (s->steps[i].policy.background_uhz != 0)
            return false;
    return packets <= MOST_PACKETS;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct errors errors = {0};
    struct nat_script *s =
        nat_script_parse("nat-models/fuzz.yaml", (const char *)bytes, size, &errors);
    if (s && is_small(s))
        CHECK(nat_play_script(s) == nat_play_script(s));
    if (errors.count) {
        FILE *out = fopen("/dev/null", "w");
        if (out) {
            errors_print(&errors, out);
            (void)fclose(out);
        }
    }
    nat_script_free(s);
    errors_free(&errors);
    return 0;
}
