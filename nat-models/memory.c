#define _DEFAULT_SOURCE /* madvise */
#include "nat-models/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "stack/check.h"

#define HUGE_PAGE ((size_t)2 << 20) /* x86-64 and aarch64 with 4 KiB pages */

void *nat_memory_grow(void *old, size_t old_bytes, size_t new_bytes)
{
    CHECK(new_bytes > old_bytes);
    if (new_bytes < HUGE_PAGE) {
        void *memory = realloc(old, new_bytes);
        CHECK(memory != NULL);
        return memory;
    }
    size_t size = (new_bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    void *memory = aligned_alloc(HUGE_PAGE, size);
    CHECK(memory != NULL);
#ifdef MADV_HUGEPAGE
    (void)madvise(memory, size, MADV_HUGEPAGE); /* a wish: without huge pages only slower */
#endif
    if (old_bytes > 0)
        memcpy(memory, old, old_bytes);
    free(old);
    return memory;
}
