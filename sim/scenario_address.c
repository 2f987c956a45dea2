/* scenario_address.c: which addresses hosts and boxes get; pure arithmetic. */
#include "sim/scenario_parts.h"
#include "stack/check.h"

#define NETWORKS 56488u /* /16 networks that hold no reserved address: 224 * 256 - 856 */
#define STRIDE   34911u /* coprime to NETWORKS, about its golden section */

/* Reserved /16 networks below 224.0.0.0 (RFC 6890), first and last, ascending. */
static const uint16_t RESERVED[][2] = {
    {0x0000, 0x00ff}, /* 0.0.0.0/8 this network */
    {0x0a00, 0x0aff}, /* 10.0.0.0/8 private */
    {0x6440, 0x647f}, /* 100.64.0.0/10 shared */
    {0x7f00, 0x7fff}, /* 127.0.0.0/8 loopback */
    {0xa9fe, 0xa9fe}, /* 169.254.0.0/16 link-local */
    {0xac10, 0xac1f}, /* 172.16.0.0/12 private */
    {0xc000, 0xc000}, /* 192.0.0.0/24 protocols, 192.0.2.0/24 documentation */
    {0xc058, 0xc058}, /* 192.88.99.0/24 6to4 relays */
    {0xc0a8, 0xc0a8}, /* 192.168.0.0/16 private */
    {0xc612, 0xc613}, /* 198.18.0.0/15 benchmarks */
    {0xc633, 0xc633}, /* 198.51.100.0/24 documentation */
    {0xcb00, 0xcb00}, /* 203.0.113.0/24 documentation */
};

/* The n-th /16 network that is not reserved. */
static uint32_t network_at(uint32_t n)
{
    for (size_t i = 0; i < sizeof RESERVED / sizeof *RESERVED; i++)
        if (n >= RESERVED[i][0])
            n += RESERVED[i][1] - RESERVED[i][0] + 1u;
    return n;
}

static struct addr global_v6(uint32_t slot, uint32_t low)
{
    uint32_t prefix = slot * 0x9e3779b1u & 0x0fffffffu; /* odd: a bijection of 28 bits */
    uint8_t ip[16] = {0x2a, (uint8_t)(prefix >> 24), (uint8_t)(prefix >> 16),
                      (uint8_t)(prefix >> 8), (uint8_t)prefix};
    low++;
    for (int i = 0; i < 4; i++)
        ip[12 + i] = (uint8_t)(low >> (24 - 8 * i));
    return addr_v6(ip, 0);
}

struct addr scenario_global(uint8_t family, uint32_t slot, uint32_t low)
{
    CHECK(slot < GLOBAL_SLOTS);
    if (family == ADDR_V6)
        return global_v6(slot, low);
    CHECK(low < GLOBAL_LOW);
    uint32_t n = slot % NETWORKS, round = slot / NETWORKS;
    uint32_t network = network_at((uint32_t)((uint64_t)n * STRIDE % NETWORKS));
    uint32_t third = (round + n * 73) & 0xff; /* so that not every network begins at .0 */
    return addr_v4(network << 16 | third << 8 | (low + 1), 0);
}

struct addr scenario_home(uint64_t home, uint32_t n)
{
    /* What routers come with, the commonest more often (assumed). */
    static const uint8_t thirds[16] = {1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 178, 178, 2, 8, 50, 100};
    CHECK(n < 100);
    uint32_t first = 2 + (uint32_t)(home >> 4) % 100;
    return addr_v4(0xc0a80000u | (uint32_t)thirds[home & 15] << 8 | (first + n), 0);
}

struct addr scenario_large_site(uint32_t n)
{
    return addr_v4(0x0a000002u + n, 0);
}

struct addr scenario_carrier(uint32_t n)
{
    CHECK(n < (1u << 22) - 2);
    return addr_v4(0x64400002u + n, 0);
}
