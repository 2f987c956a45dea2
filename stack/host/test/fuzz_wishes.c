/* fuzz_wishes.c: any bytes are a line of the control socket. */
#include "stack/check.h"
#include "stack/host/wishes.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static struct wishes_line line;
    const char *wrong = wishes_read(mist_api(), (const char *)bytes, length, &line);
    if (!wrong && !line.status)
        CHECK(line.wish.kind != 0 && line.wish.name_length <= MIST_NAME &&
              line.wish.length <= MIST_PAYLOAD);
    return 0;
}
