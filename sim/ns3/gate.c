/* gate.c: see gate.h. */
#define _DEFAULT_SOURCE /* struct ifreq */
#include "sim/ns3/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "sim/exit.h"
#include "sim/ns3/topology.h"
#include "sim/tap.h"
#include "stack/check.h"

_Static_assert(TAP_NAME == IFNAMSIZ, "a device's name is as long as the kernel's");

/* Makes the device, or takes one of that name that waits for it.  Returns its file,
 * or -1 with errno. */
static int open_tap(const struct plan *plan, uint32_t place)
{
    const struct plan_population *p = &plan->populations[plan->hosts[place].population];
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    CHECK(tap_name(p, place - p->first, request.ifr_name) < TAP_NAME);
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    if (fd >= 0 && ioctl(fd, TUNSETIFF, &request) != 0) {
        int why = errno;
        close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

static bool is_alone(const struct plan *plan, uint32_t place)
{
    for (uint32_t i = 0; i < plan_places(plan); i++)
        if (i != place && plan->hosts[place].box != PLAN_NONE &&
            plan->hosts[i].box == plan->hosts[place].box)
            return false;
    return true;
}

static int gate_fits(const struct plan *plan, uint32_t place, char *error, size_t size)
{
    const struct plan_population *p = &plan->populations[plan->hosts[place].population];
    char name[TAP_NAME];
    tap_name(p, place - p->first, name);
    if (!is_alone(plan, place)) {
        snprintf(error, size,
                 "population.%s: a tap has no neighbours in its LAN; give it a box of its own",
                 p->name);
        return EXIT_INPUT;
    }
    int fd = open_tap(plan, place);
    if (fd < 0) {
        snprintf(error, size,
                 "tap %s: %s; it needs /dev/net/tun and the capability CAP_NET_ADMIN (run as root, "
                 "or in `unshare --user --map-root-user --net`), or a device of yours: "
                 "ip tuntap add %s mode tap user NAME",
                 name, strerror(errno), name);
        return EXIT_LACKING;
    }
    close(fd);
    return EXIT_FINE;
}

int gates_fit(const struct plan *plan, char *error, int error_size)
{
    int status = EXIT_FINE;
    for (uint32_t i = 0; i < plan->host_count && status == EXIT_FINE; i++)
        if (tap_is(plan, i))
            status = gate_fits(plan, i, error, (size_t)error_size);
    return status;
}

void gate_build(struct gate *g, struct ns3c *w, const struct plan *plan, uint32_t node)
{
    const struct ns3c_addr everything = {.family = 4};
    const struct addr gateway = addr_v4(TAP_GATEWAY_IP, 0);
    struct ns3c_addr own = topology_addr(&plan->hosts[g->place].addr),
                     router_addr = topology_addr(&gateway);
    struct ns3c_link link = {.side = {{.rate_bps = TOPOLOGY_FAST_BPS, .limit_bytes = UINT32_MAX},
                                      {.rate_bps = TOPOLOGY_FAST_BPS, .limit_bytes = UINT32_MAX}}};
    uint32_t router = topology_must(ns3c_node(w, NS3C_IPV4 | NS3C_FORWARDS));
    uint32_t nodes[2] = {node, router}, ports[2], tap;
    topology_must(ns3c_point_to_point(w, nodes, &link, ports));
    g->in = ports[0];
    int fd = open_tap(plan, g->place);
    CHECK(fd >= 0); /* gates_fit */
    topology_must(ns3c_tap(w, router, fd, &tap));
    topology_must(ns3c_address(w, tap, &router_addr, 32));
    topology_must(ns3c_route(w, &own, 32, tap, NULL));
    topology_must(ns3c_route(w, &everything, 0, ports[1], NULL));
}
