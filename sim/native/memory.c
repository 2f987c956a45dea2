#define _DEFAULT_SOURCE /* MAP_ANONYMOUS, madvise */
#include "sim/native/memory.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "stack/check.h"

#define PAGE      ((size_t)4096)
#define HUGE_PAGE ((size_t)2 << 20) /* x86-64 and aarch64 with 4 KiB pages */

static size_t rounded(size_t bytes)
{
    size_t unit = bytes < HUGE_PAGE ? PAGE : HUGE_PAGE;
    CHECK(bytes <= SIZE_MAX - 2 * HUGE_PAGE);
    return bytes == 0 ? unit : (bytes + unit - 1) / unit * unit;
}

static char *map(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    return memory;
}

void *memory_map(size_t bytes)
{
    size_t size = rounded(bytes);
    if (size < HUGE_PAGE)
        return map(size);
    char *memory = map(size + HUGE_PAGE);
    size_t before = (HUGE_PAGE - (uintptr_t)memory % HUGE_PAGE) % HUGE_PAGE;
    if (before > 0)
        munmap(memory, before);
    munmap(memory + before + size, HUGE_PAGE - before);
    memory += before;
#ifdef MADV_HUGEPAGE
    (void)madvise(memory, size, MADV_HUGEPAGE); /* a wish: without huge pages only slower */
#endif
    return memory;
}

void *memory_grow(void *memory, size_t old_bytes, size_t new_bytes)
{
    CHECK(new_bytes >= old_bytes);
    void *larger = memory_map(new_bytes);
    if (memory != NULL)
        memcpy(larger, memory, old_bytes);
    memory_unmap(memory, old_bytes);
    return larger;
}

void memory_unmap(void *memory, size_t bytes)
{
    if (memory != NULL)
        CHECK(munmap(memory, rounded(bytes)) == 0);
}
