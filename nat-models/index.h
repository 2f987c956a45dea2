/* index.h: finds a box's records by hash: open addressing with linear probing,
 * 8 bytes per slot, starts at one cache line and doubles at three quarters.
 *
 * The same hash may stand more than once: the caller compares the records.
 * The order of slots decides nothing. */
#ifndef NAT_INDEX_H
#define NAT_INDEX_H

#include <stddef.h>
#include <stdint.h>

struct nat_slot {
    uint32_t hash;
    uint32_t ref; /* slab.h; 0: empty */
};

struct nat_index {
    struct nat_slot *slots;
    uint32_t mask; /* slots - 1; 0 before the first insertion */
    uint32_t used;
};

void nat_index_close(struct nat_index *index);
void nat_index_insert(struct nat_index *index, uint32_t hash, uint32_t ref);
void nat_index_remove(struct nat_index *index, uint32_t hash, uint32_t ref); /* must stand there */

/* Walks the references under a hash: start with *place = hash; 0 at the end. */
static inline uint32_t nat_index_next(const struct nat_index *index, uint32_t hash, uint32_t *place)
{
    if (index->slots == NULL)
        return 0;
    for (;;) {
        const struct nat_slot *slot = &index->slots[*place & index->mask];
        if (slot->ref == 0)
            return 0;
        *place += 1;
        if (slot->hash == hash)
            return slot->ref;
    }
}

#endif
