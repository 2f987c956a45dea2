/* memory.h: large zero-filled arrays, on huge pages where the system gives them.
 *
 * A simulation touches its state at random: with 4 KiB pages the translation of
 * addresses costs as much as the access.  Exhausted memory ends the program
 * through check_failed: a run that cannot hold its state has no result. */
#ifndef NATIVE_MEMORY_H
#define NATIVE_MEMORY_H

#include <stddef.h>

/* Zero-filled, aligned to 64 bytes (to 2 MiB when as large).  bytes may be 0. */
void *memory_map(size_t bytes);

/* The same content in a larger array, the rest zero; the old one is gone. */
void *memory_grow(void *memory, size_t old_bytes, size_t new_bytes);

/* bytes: as mapped.  NULL is allowed. */
void memory_unmap(void *memory, size_t bytes);

#endif
