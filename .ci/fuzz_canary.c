/* fuzz_canary.c: an error planted for the fuzzers to find.
 *
 * `make fuzz` fails unless this target is reported as an out-of-bounds read:
 * that proves the sanitizer, the coverage feedback and the reading of results.
 * It trusts a length byte, behind a magic number that blind bytes rarely hit. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4 || data[0] != 'M' || data[1] != 'i' || data[2] != 's')
        return 0;
    uint8_t *copy = malloc(size);
    if (!copy)
        return 0;
    memcpy(copy, data, size);
    volatile uint8_t last = copy[3 + copy[3]];
    (void)last;
    free(copy);
    return 0;
}
