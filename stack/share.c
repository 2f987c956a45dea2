#include "stack/share.h"

uint32_t share_cell(uint64_t salt, const struct addr *a)
{
    uint64_t word = (addr_site(a) ^ salt) * UINT64_C(0x9e3779b97f4a7c15);
    word = (word ^ word >> 32) * UINT64_C(0xbf58476d1ce4e5b9); /* splitmix64's finisher */
    return (uint32_t)(word >> 40) % SHARE_CELLS;
}

bool share_take(struct share_cell *cell, mist_time now)
{
    mist_time from = cell->until > now ? cell->until : now;
    if (from - now > SHARE_EVERY * (SHARE_BURST - 1))
        return false;
    cell->until = from + SHARE_EVERY;
    return true;
}

bool share_has_room(const struct share_cell *cell, uint32_t used, uint32_t limit)
{
    return used < limit / 2 || cell->links < (limit + 7) / 8;
}
