#include "stack/budget.h"

static struct budget_count *count_of(struct budget *b, mist_time now, uint64_t who, uint32_t row)
{
    uint64_t hash = (who ^ b->salt) * UINT64_C(0x9e3779b97f4a7c15);
    hash = (hash ^ hash >> 32) * UINT64_C(0xd6e8feb86659fd93);
    struct budget_count *c = &b->counts[row][(hash >> (row * 32 + 16)) % BUDGET_ROW];
    uint32_t second = (uint32_t)(now / SEC(1));
    if (c->second != second)
        *c = (struct budget_count){second, 0};
    return c;
}

bool budget_take(struct budget *b, mist_time now, uint64_t who, uint32_t limit)
{
    struct budget_count *one = count_of(b, now, who, 0), *other = count_of(b, now, who, 1);
    if (one->spent >= limit && other->spent >= limit)
        return false;
    one->spent++;
    other->spent++;
    return true;
}
