#include "sim/ns3/prefixes.h"

#include <stdlib.h>

#include "stack/check.h"

static unsigned length_of(const struct addr *a)
{
    return a->family == ADDR_V4 ? 32 : 128;
}

static unsigned site_bits(const struct addr *a)
{
    return a->family == ADDR_V4 ? 24 : 48;
}

static unsigned bit_of(const struct addr *a, unsigned i)
{
    return a->ip[i / 8] >> (7 - i % 8) & 1u;
}

/* Bits from the left in which two addresses of one family agree. */
static unsigned common_bits(const struct addr *a, const struct addr *b)
{
    unsigned i = 0;
    while (i < length_of(a) && bit_of(a, i) == bit_of(b, i))
        i++;
    return i;
}

/* All bits behind the prefix are alike: the network itself or its broadcast. */
static bool is_kept(const struct addr *a, unsigned bits)
{
    for (unsigned i = bits + 1; i < length_of(a); i++)
        if (bit_of(a, i) != bit_of(a, bits))
            return false;
    return true;
}

static int by_address(const void *left, const void *right)
{
    return addr_compare(left, right); /* equal ones are alike in every byte */
}

static unsigned usable_bits(const struct addr *addrs, uint32_t count, unsigned bits)
{
    for (uint32_t i = 0; i < count; i++)
        while (bits > 0 && bits < length_of(addrs) && is_kept(&addrs[i], bits))
            bits--;
    return bits;
}

struct prefixes prefixes_of(struct addr *addrs, uint32_t count, bool on_link)
{
    struct prefixes p = {.items = calloc(count + 1, sizeof *p.items)};
    CHECK(p.items != NULL);
    qsort(addrs, count, sizeof *addrs, by_address);
    for (uint32_t first = 0, end; first < count; first = end) {
        for (end = first + 1; end < count && addrs[end].family == addrs[first].family &&
                              common_bits(&addrs[first], &addrs[end]) >= site_bits(&addrs[first]);)
            end++;
        unsigned bits = common_bits(&addrs[first], &addrs[end - 1]);
        if (on_link)
            bits = usable_bits(&addrs[first], end - first, bits);
        p.items[p.count++] = (struct prefix){addrs[first], bits};
    }
    return p;
}

void prefixes_free(struct prefixes *p)
{
    free(p->items);
}

static bool covers(const struct prefix *p, const struct addr *addr)
{
    return p->addr.family == addr->family && common_bits(&p->addr, addr) >= p->bits;
}

const struct prefix *prefixes_find(const struct prefixes *p, const struct addr *addr)
{
    uint32_t i = 0;
    while (i < p->count && !covers(&p->items[i], addr))
        i++;
    CHECK(i < p->count);
    return &p->items[i];
}
