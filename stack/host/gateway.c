/* gateway.c: see gateway.h. */
#include "stack/host/gateway.h"

#include <arpa/inet.h>
#include <miniupnpc/miniupnpc.h>
#include <miniupnpc/upnpcommands.h>
#include <natpmp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stack/host/address.h"

#define PCP_PORT     5351
#define PCP_TRIES    3
#define PCP_WAIT_MS  500 /* RFC 6887 says 3 s first; a router next door answers in one */
#define NATPMP_TRIES 3   /* waits of 0.25, 0.5, 1 s (RFC 6886, 3.1) */
#define UPNP_WAIT_MS                                                                               \
    2000 /* devices may take MX seconds to answer, which libminiupnpc rounds up                    \
          */
#define PROTOCOL_UDP 17

/* ---- PCP ----------------------------------------------------------------- */

/*      0         1        2..3       4..7       8..23
 *     +---------+--------+----------+----------+-----------------------------+
 *     | 2       | R|MAP 1| reserved | lifetime | client's address, as IPv6   |  answer: result in
 * 3,
 *     +---------+--------+----------+----------+-----------------------------+  epoch in 8..11
 *      24..35    36       40..41     42..43     44..59
 *     +---------+--------+----------+----------+-----------------------------+
 *     | nonce   | 17     | inside   | outside  | outside address, as IPv6    |
 *     +---------+--------+----------+----------+-----------------------------+ */
enum { PCP_VERSION = 2, PCP_MAP = 1, PCP_ANSWER = 0x80 };

static void put_v4_mapped(uint8_t bytes[16], const uint8_t *ip)
{
    memset(bytes, 0, 10);
    memset(bytes + 10, 0xff, 2);
    if (ip)
        memcpy(bytes + 12, ip, 4);
    else
        memset(bytes + 12, 0, 4);
}

static void put16(uint8_t *bytes, uint32_t value)
{
    bytes[0] = (uint8_t)(value >> 8);
    bytes[1] = (uint8_t)value;
}

void gateway_put_map(uint8_t bytes[GATEWAY_PCP_MAP], const struct gateway *g, uint32_t lifetime_s)
{
    memset(bytes, 0, GATEWAY_PCP_MAP);
    bytes[0] = PCP_VERSION;
    bytes[1] = PCP_MAP;
    put16(bytes + 4, lifetime_s >> 16);
    put16(bytes + 6, lifetime_s & 0xffff);
    put_v4_mapped(bytes + 8, g->inside.ip);
    memcpy(bytes + 24, g->nonce, sizeof g->nonce);
    bytes[36] = PROTOCOL_UDP;
    put16(bytes + 40, g->inside.port);
    put16(bytes + 42, g->outside.port ? g->outside.port : g->inside.port);
    put_v4_mapped(bytes + 44, g->outside.family == ADDR_V4 ? g->outside.ip : NULL);
}

int gateway_read_map(const uint8_t *bytes, uint32_t length, const struct gateway *g,
                     struct addr *outside)
{
    uint8_t mapped[16];
    if (length < GATEWAY_PCP_MAP || bytes[0] != PCP_VERSION || bytes[1] != (PCP_ANSWER | PCP_MAP) ||
        bytes[3] != 0 || memcmp(bytes + 24, g->nonce, sizeof g->nonce) != 0 ||
        bytes[36] != PROTOCOL_UDP || (bytes[40] << 8 | bytes[41]) != g->inside.port)
        return -1;
    put_v4_mapped(mapped, bytes + 56);
    uint16_t port = (uint16_t)(bytes[42] << 8 | bytes[43]);
    if (memcmp(bytes + 44, mapped, sizeof mapped) != 0 || port == 0 || bytes[56] == 0)
        return -1;
    *outside = (struct addr){.family = ADDR_V4, .port = port};
    memcpy(outside->ip, bytes + 56, 4);
    return 0;
}

/* Where NAT-PMP and PCP are asked: the default gateway, which libnatpmp knows to find. */
static int open_towards_gateway(const struct addr *inside)
{
    natpmp_t natpmp;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PCP_PORT)};
    struct addr from = *inside;
    struct sockaddr_storage name;
    if (initnatpmp(&natpmp, 0, 0) != 0)
        return -1;
    to.sin_addr.s_addr = natpmp.gateway;
    closenatpmp(&natpmp);
    int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    from.port = 0;
    socklen_t length = address_to_socket(&from, &name);
    if (s >= 0 && (bind(s, (const struct sockaddr *)&name, length) != 0 ||
                   connect(s, (const struct sockaddr *)&to, sizeof to) != 0)) {
        (void)close(s);
        s = -1;
    }
    return s;
}

static int pcp_map(struct gateway *g, uint32_t lifetime_s)
{
    uint8_t request[GATEWAY_PCP_MAP], answer[1100]; /* RFC 6887, 7: the longest */
    int s = open_towards_gateway(&g->inside), mapped = -1;
    gateway_put_map(request, g, lifetime_s);
    for (int i = 0; s >= 0 && mapped != 0 && i < PCP_TRIES; i++) {
        struct pollfd wait = {.fd = s, .events = POLLIN};
        if (send(s, request, sizeof request, 0) < 0 || poll(&wait, 1, PCP_WAIT_MS) != 1)
            continue;
        ssize_t n = recv(s, answer, sizeof answer, MSG_DONTWAIT);
        if (n < 0 || answer[0] != PCP_VERSION)
            break; /* refused, or NAT-PMP's word for another version */
        mapped = gateway_read_map(answer, (uint32_t)n, g, &g->outside);
    }
    if (s >= 0)
        (void)close(s);
    return mapped;
}

/* ---- NAT-PMP -------------------------------------------------------------- */

static int natpmp_answer(natpmp_t *n, natpmpresp_t *answer)
{
    for (int tries = 0; tries < NATPMP_TRIES; tries++) {
        struct timeval left;
        struct pollfd wait = {.fd = n->s, .events = POLLIN};
        if (getnatpmprequesttimeout(n, &left) != 0)
            return -1;
        (void)poll(&wait, 1, (int)(left.tv_sec * 1000 + left.tv_usec / 1000) + 1);
        int result = readnatpmpresponseorretry(n, answer);
        if (result != NATPMP_TRYAGAIN)
            return result;
    }
    return -1;
}

static int natpmp_map(struct gateway *g, uint32_t lifetime_s)
{
    natpmp_t n;
    natpmpresp_t where, mapped;
    if (initnatpmp(&n, 0, 0) != 0)
        return -1;
    uint16_t wanted = lifetime_s == 0 ? 0 : g->outside.port ? g->outside.port : g->inside.port;
    int failed = sendpublicaddressrequest(&n) < 0 || natpmp_answer(&n, &where) != 0 ||
                 sendnewportmappingrequest(&n, NATPMP_PROTOCOL_UDP, g->inside.port, wanted,
                                           lifetime_s) < 0 ||
                 natpmp_answer(&n, &mapped) != 0;
    closenatpmp(&n);
    if (failed || (lifetime_s > 0 && mapped.pnu.newportmapping.mappedpublicport == 0))
        return -1;
    g->outside = addr_v4(ntohl(where.pnu.publicaddress.addr.s_addr),
                         mapped.pnu.newportmapping.mappedpublicport);
    return addr_ip4(&g->outside) == 0 ? -1 : 0;
}

/* ---- UPnP IGD -------------------------------------------------------------- */

struct igd {
    struct UPNPUrls urls;
    struct IGDdatas data;
    char lan[64];
};

static int igd_find(struct igd *igd)
{
    int error = 0;
    struct UPNPDev *devices =
        upnpDiscover(UPNP_WAIT_MS, NULL, NULL, UPNP_LOCAL_PORT_ANY, 0, 2, &error);
    int found =
        devices ? UPNP_GetValidIGD(devices, &igd->urls, &igd->data, igd->lan, (int)sizeof igd->lan)
                : 0;
    freeUPNPDevlist(devices);
    if (found > 1)
        FreeUPNPUrls(&igd->urls);
    return found == 1 ? 0 : -1;
}

static int igd_map(const struct igd *igd, struct gateway *g)
{
    char inside[8], outside[8], lifetime[12], where[40] = "";
    struct in_addr ip;
    const char *url = igd->urls.controlURL, *service = igd->data.first.servicetype;
    uint16_t wanted = g->outside.port ? g->outside.port : g->inside.port;
    (void)snprintf(inside, sizeof inside, "%u", g->inside.port);
    (void)snprintf(outside, sizeof outside, "%u", wanted);
    (void)snprintf(lifetime, sizeof lifetime, "%d", GATEWAY_LIFETIME_S);
    int answer =
        UPNP_AddPortMapping(url, service, outside, inside, igd->lan, "mist", "UDP", NULL, lifetime);
    if (answer == 725) /* OnlyPermanentLeasesSupported: given back at the end */
        answer =
            UPNP_AddPortMapping(url, service, outside, inside, igd->lan, "mist", "UDP", NULL, "0");
    if (answer != UPNPCOMMAND_SUCCESS ||
        UPNP_GetExternalIPAddress(url, service, where) != UPNPCOMMAND_SUCCESS ||
        inet_pton(AF_INET, where, &ip) != 1 || ip.s_addr == 0)
        return -1;
    g->outside = addr_v4(ntohl(ip.s_addr), wanted);
    return 0;
}

static int upnp_map(struct gateway *g, uint32_t lifetime_s)
{
    struct igd igd = {0};
    char outside[8];
    if (igd_find(&igd) != 0)
        return -1;
    int answer = 0;
    (void)snprintf(outside, sizeof outside, "%u", g->outside.port);
    if (lifetime_s > 0)
        answer = igd_map(&igd, g);
    else
        (void)UPNP_DeletePortMapping(igd.urls.controlURL, igd.data.first.servicetype, outside,
                                     "UDP", NULL);
    FreeUPNPUrls(&igd.urls);
    return answer;
}

/* ---- any of them ----------------------------------------------------------- */

static const struct {
    const char *word;
    int (*map)(struct gateway *g, uint32_t lifetime_s);
} languages[] = {
    [GATEWAY_NONE] = {"none", NULL},
    [GATEWAY_PCP] = {"pcp", pcp_map},
    [GATEWAY_NATPMP] = {"nat-pmp", natpmp_map},
    [GATEWAY_UPNP] = {"upnp", upnp_map},
};

int gateway_map(struct gateway *g)
{
    enum gateway_language former = g->language;
    if (former != GATEWAY_NONE && languages[former].map(g, GATEWAY_LIFETIME_S) == 0)
        return 0;
    for (int l = GATEWAY_PCP; l <= GATEWAY_UPNP; l++) {
        if ((enum gateway_language)l == former || languages[l].map(g, GATEWAY_LIFETIME_S) != 0)
            continue;
        g->language = (enum gateway_language)l;
        return 0;
    }
    g->language = GATEWAY_NONE;
    return -1;
}

void gateway_release(struct gateway *g)
{
    if (g->language != GATEWAY_NONE)
        (void)languages[g->language].map(g, 0);
    g->language = GATEWAY_NONE;
}

const char *gateway_word(enum gateway_language language)
{
    return languages[language].word;
}
