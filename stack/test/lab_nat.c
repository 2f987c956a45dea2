#include "stack/test/lab_nat.h"

#include <string.h>

static void forget_idle(struct lab_nat *n, mist_time now)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n->count; i++) {
        if (now - n->holes[i].last < n->idle)
            n->holes[kept++] = n->holes[i];
    }
    n->count = kept;
}

static bool port_taken(const struct lab_nat *n, uint16_t port)
{
    for (uint32_t i = 0; i < n->count; i++) {
        if (n->holes[i].port == port)
            return true;
    }
    return false;
}

static uint16_t choose_port(struct lab_nat *n, uint16_t inside_port)
{
    uint16_t port = (uint16_t)(inside_port + 1000 * n->salt);
    do {
        n->made++;
        if (n->random_ports || n->block != 0) {
            uint64_t x = (n->salt << 32 | n->made) * UINT64_C(0x9e3779b97f4a7c15);
            port = n->block != 0 ? (uint16_t)(20480 + (x >> 32) % n->block)
                                 : (uint16_t)(1024 + (x >> 32) % 64512);
        } else if (n->step != 0) {
            port = (uint16_t)(5000 + n->step * n->made);
        } else if (port_taken(n, port)) {
            port++;
        }
    } while (port_taken(n, port));
    return port;
}

static bool same_mapping(const struct lab_nat *n, const struct lab_hole *h, uint16_t inside,
                         const struct addr *to)
{
    if (h->inside != inside)
        return false;
    return n->mapping == LAB_EIM || (n->mapping == LAB_ADM && addr_same_ip(&h->remote, to)) ||
           addr_equal(&h->remote, to);
}

struct addr lab_nat_out(struct lab_nat *n, mist_time now, uint16_t inside_port,
                        const struct addr *remote)
{
    uint16_t port = 0;
    forget_idle(n, now);
    if (n->mapped != 0 && inside_port == n->mapped_inside)
        return addr_v4(n->ip, n->mapped);
    for (uint32_t i = 0; i < n->count; i++) {
        struct lab_hole *h = &n->holes[i];
        if (same_mapping(n, h, inside_port, remote))
            port = h->port;
        if (h->inside == inside_port && addr_equal(&h->remote, remote)) {
            h->last = now;
            return addr_v4(n->ip, h->port);
        }
    }
    if (port == 0)
        port = choose_port(n, inside_port);
    if (n->count == LAB_HOLES) /* as a full box does: the longest known goes */
        memmove(n->holes, n->holes + 1, --n->count * sizeof n->holes[0]);
    n->holes[n->count++] = (struct lab_hole){*remote, inside_port, port, now};
    return addr_v4(n->ip, port);
}

uint16_t lab_nat_in(struct lab_nat *n, mist_time now, const struct addr *remote, uint16_t port)
{
    forget_idle(n, now);
    if (n->mapped != 0 && port == n->mapped)
        return n->mapped_inside;
    for (uint32_t i = 0; i < n->count; i++) {
        const struct lab_hole *h = &n->holes[i];
        if (h->port == port && (n->filtering == LAB_EIF ||
                                (n->filtering == LAB_ADF && addr_same_ip(&h->remote, remote)) ||
                                addr_equal(&h->remote, remote)))
            return h->inside;
    }
    return 0;
}

void lab_nat_reboot(struct lab_nat *n)
{
    n->count = 0;
    n->salt++;
}
