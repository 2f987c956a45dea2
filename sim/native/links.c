#include "sim/native/links.h"

#include "sim/native/memory.h"

#define FIRST_SIZE 1024

/* An open-addressing table at most half full in which every entry of an
 * earlier slot counts as empty: a new slot begins without touching anything. */
struct link_entry {
    uint64_t link;
    uint64_t slot; /* + 1: zero-filled is empty */
    uint64_t count;
};

void links_open(struct links *l)
{
    l->size = FIRST_SIZE;
    l->table = memory_map(l->size * sizeof *l->table);
}

void links_close(struct links *l)
{
    memory_unmap(l->table, l->size * sizeof *l->table);
}

static struct link_entry *find(const struct links *l, uint64_t link)
{
    uint32_t i = (uint32_t)(link * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (l->size - 1);
    while (l->table[i].slot == l->slot + 1 && l->table[i].link != link)
        i = (i + 1) & (l->size - 1);
    return &l->table[i];
}

static void grow(struct links *l)
{
    struct links larger = {.size = l->size * 2, .slot = l->slot, .used = l->used};
    larger.table = memory_map(larger.size * sizeof *larger.table);
    for (uint32_t i = 0; i < l->size; i++)
        if (l->table[i].slot == l->slot + 1)
            *find(&larger, l->table[i].link) = l->table[i];
    links_close(l);
    *l = larger;
}

uint64_t links_index(mist_time now, uint64_t count)
{
    return (uint64_t)(now / LINKS_SLOT) << 16 | (count & 0xffff);
}

uint64_t links_next(struct links *l, mist_time now, uint64_t link)
{
    uint64_t slot = (uint64_t)(now / LINKS_SLOT);
    if (slot != l->slot) {
        l->slot = slot;
        l->used = 0;
    }
    struct link_entry *e = find(l, link);
    if (e->slot != slot + 1) {
        if (2 * (l->used + 1) > l->size) {
            grow(l);
            e = find(l, link);
        }
        *e = (struct link_entry){.link = link, .slot = slot + 1};
        l->used++;
    }
    return links_index(now, e->count++);
}
