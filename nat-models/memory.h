/* memory.h: memory of tables that grow by doubling and are read at random. */
#ifndef NAT_MEMORY_H
#define NAT_MEMORY_H

#include <stddef.h>

/* Moves a table into larger memory, whose new part is undefined; old NULL: begins one.
 * Large ones ask for huge pages, since each lookup would also miss the TLB.  Give
 * it back by free.  Without memory it is a CHECK. */
void *nat_memory_grow(void *old, size_t old_bytes, size_t new_bytes);

#endif
