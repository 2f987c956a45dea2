#include "nat-models/index.h"

#include <stdlib.h>
#include <string.h>

#include "nat-models/memory.h"
#include "stack/check.h"

#define FIRST_SLOTS 8

void nat_index_close(struct nat_index *index)
{
    free(index->slots);
    *index = (struct nat_index){0};
}

static void place(struct nat_slot *slots, uint32_t mask, struct nat_slot slot)
{
    uint32_t i = slot.hash & mask;
    while (slots[i].ref != 0)
        i = (i + 1) & mask;
    slots[i] = slot;
}

static void grow(struct nat_index *index)
{
    uint32_t count = index->slots == NULL ? 0 : index->mask + 1;
    uint32_t wanted = count == 0 ? FIRST_SLOTS : count * 2;
    CHECK(wanted != 0);
    struct nat_slot *slots = nat_memory_grow(NULL, 0, (size_t)wanted * sizeof *slots);
    memset(slots, 0, (size_t)wanted * sizeof *slots);
    for (uint32_t i = 0; i < count; i++) {
        if (index->slots[i].ref != 0)
            place(slots, wanted - 1, index->slots[i]);
    }
    free(index->slots);
    index->slots = slots;
    index->mask = wanted - 1;
}

void nat_index_insert(struct nat_index *index, uint32_t hash, uint32_t ref)
{
    CHECK(ref != 0);
    if (index->slots == NULL || (uint64_t)(index->used + 1) * 4 > (uint64_t)(index->mask + 1) * 3)
        grow(index);
    place(index->slots, index->mask, (struct nat_slot){hash, ref});
    index->used++;
}

/* Closes the gap at i: moves back every later slot of the run whose home is
 * not between the gap and itself (Knuth 6.4, algorithm R). */
static void close_gap(struct nat_index *index, uint32_t i)
{
    uint32_t mask = index->mask;
    for (uint32_t j = (i + 1) & mask; index->slots[j].ref != 0; j = (j + 1) & mask) {
        uint32_t home = index->slots[j].hash & mask;
        if (((j - home) & mask) >= ((j - i) & mask)) {
            index->slots[i] = index->slots[j];
            i = j;
        }
    }
    index->slots[i] = (struct nat_slot){0, 0};
}

void nat_index_remove(struct nat_index *index, uint32_t hash, uint32_t ref)
{
    CHECK(index->slots != NULL);
    uint32_t i = hash & index->mask;
    while (index->slots[i].hash != hash || index->slots[i].ref != ref) {
        CHECK(index->slots[i].ref != 0);
        i = (i + 1) & index->mask;
    }
    close_gap(index, i);
    index->used--;
}
