/* tap.c: see tap.h. */
#include "sim/tap.h"

#include "sim/world_parts.h"

#define IP4_TEXT 16 /* bytes of "255.255.255.255" and NUL */

#define LATE MS(10) /* well below the distances of any network */

/* The first host to join through that has an address of IPv4. */
static bool find_bootstrap(const struct plan *plan, struct addr *at)
{
    for (uint32_t i = 0; i < plan->population_count; i++) {
        const struct plan_population *p = &plan->populations[i];
        if (!p->bootstrap || p->family != ADDR_V4)
            continue;
        *at = plan->hosts[p->first].addr;
        at->port = host_port(plan, p->first, 0);
        return true;
    }
    return false;
}

static void write_ip4(uint32_t ip, char text[IP4_TEXT])
{
    snprintf(text, IP4_TEXT, "%u.%u.%u.%u", ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255);
}

static void tell_one(const struct plan *plan, uint32_t host, FILE *file)
{
    const struct plan_population *p = &plan->populations[plan->hosts[host].population];
    char name[TAP_NAME], own[IP4_TEXT], gateway[IP4_TEXT];
    tap_name(p, host - p->first, name);
    write_ip4(addr_ip4(&plan->hosts[host].addr), own);
    write_ip4(TAP_GATEWAY_IP, gateway);
    fprintf(file,
            "tap %s: in the real machine (a namespace: after `ip link set %s netns ...`):\n"
            "  ip addr add %s/32 dev %s; ip link set %s up; ip route add %s dev %s; "
            "ip route add default via %s\n",
            name, name, own, name, name, gateway, name, gateway);
}

void tap_tell(const struct plan *plan, FILE *file)
{
    struct addr at;
    bool any = false;
    for (uint32_t i = 0; i < plan->host_count; i++) {
        if (!tap_is(plan, i))
            continue;
        tell_one(plan, i, file);
        any = true;
    }
    if (any && find_bootstrap(plan, &at)) {
        char text[ADDR_TEXT];
        fprintf(file, "then join by: mist up --bootstrap %s\n", addr_format(&at, text));
    }
}

void tap_tell_late(mist_time late, FILE *file)
{
    if (late > LATE)
        fprintf(file,
                "real time: this machine was up to %.0f ms late with what happens in the network; "
                "with fewer hosts it keeps up\n",
                (double)late / 1e6);
}
