#include "nat-models/slab.h"

#include <stdlib.h>
#include <string.h>

#include "nat-models/memory.h"
#include "nat-models/outbox.h"
#include "stack/check.h"

#define FIRST_RECORDS 64

struct nat_slab *nat_slab_open(void)
{
    struct nat_slab *slab = calloc(1, sizeof *slab);
    if (slab != NULL)
        slab->high = 1;
    return slab;
}

void nat_slab_close(struct nat_slab *slab)
{
    CHECK(slab->alive == 0);
    free(slab->records);
    free(slab->links);
    nat_outbox_close(slab);
    free(slab);
}

size_t nat_slab_bytes(const struct nat_slab *slab)
{
    return sizeof *slab + (size_t)slab->capacity * (sizeof *slab->records + sizeof *slab->links);
}

static void grow(struct nat_slab *slab)
{
    CHECK(slab->capacity < NAT_RECORDS_MAX);
    uint32_t wanted = slab->capacity == 0 ? FIRST_RECORDS : slab->capacity * 2;
    slab->records = nat_memory_grow(slab->records, (size_t)slab->capacity * sizeof *slab->records,
                                    (size_t)wanted * sizeof *slab->records);
    struct nat_links *links = realloc(slab->links, wanted * sizeof *links);
    CHECK(links != NULL);
    slab->links = links;
    slab->capacity = wanted;
}

uint32_t nat_slab_take(struct nat_slab *slab)
{
    uint32_t record = slab->free;
    if (record != 0) {
        slab->free = slab->records[record].head.next;
    } else {
        if (slab->high >= slab->capacity)
            grow(slab);
        record = slab->high++;
    }
    memset(&slab->records[record], 0, sizeof slab->records[record]);
    slab->records[record].head.serial = ++slab->serial;
    slab->alive++;
    return record;
}

void nat_slab_give(struct nat_slab *slab, uint32_t record)
{
    CHECK(record != 0 && slab->records[record].head.check != NAT_FREE);
    slab->records[record].head.check = NAT_FREE;
    slab->records[record].head.next = slab->free;
    slab->free = record;
    slab->alive--;
}
