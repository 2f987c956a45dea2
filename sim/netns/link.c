/* link.c: see link.h. */
#define _DEFAULT_SOURCE
#include "sim/netns/link.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stack/check.h"

#define ROOM 512 /* bytes of the longest request: a pair with two names */

/* A request under construction. */
struct request {
    struct nlmsghdr header;
    uint8_t body[ROOM];
};

static void begin(struct request *r, uint16_t type, uint16_t flags, const void *fixed, size_t size)
{
    memset(r, 0, sizeof *r);
    r->header.nlmsg_len = (uint32_t)(NLMSG_HDRLEN + NLMSG_ALIGN(size));
    r->header.nlmsg_type = type;
    r->header.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
    memcpy(r->body, fixed, size);
}

/* Appends bytes, aligned.  Returns where they stand. */
static uint8_t *append(struct request *r, const void *bytes, size_t size)
{
    uint8_t *at = (uint8_t *)r + r->header.nlmsg_len;
    CHECK(r->header.nlmsg_len + NLMSG_ALIGN(size) <= sizeof *r);
    if (size > 0)
        memcpy(at, bytes, size);
    r->header.nlmsg_len += (uint32_t)NLMSG_ALIGN(size);
    return at;
}

/* Appends an attribute; one that others are to stand in is ended by `end`. */
static struct rtattr *put(struct request *r, uint16_t type, const void *bytes, size_t size)
{
    struct rtattr head = {.rta_len = (uint16_t)RTA_LENGTH(size), .rta_type = type};
    uint8_t *at = append(r, &head, sizeof head);
    append(r, bytes, size);
    return (struct rtattr *)(void *)at; /* aligned by append */
}

static void end(const struct request *r, struct rtattr *nest)
{
    const uint8_t *after = (const uint8_t *)r + r->header.nlmsg_len;
    nest->rta_len = (uint16_t)(after - (const uint8_t *)nest);
}

static void put_text(struct request *r, uint16_t type, const char *text)
{
    put(r, type, text, strlen(text) + 1);
}

static int read_answer(int s)
{
    struct {
        struct nlmsghdr header;
        struct nlmsgerr error;
        uint8_t rest[ROOM + 512];
    } answer;
    ssize_t got = recv(s, &answer, sizeof answer, 0);
    if (got < 0)
        return -errno;
    if ((size_t)got < sizeof answer.header + sizeof answer.error ||
        answer.header.nlmsg_type != NLMSG_ERROR)
        return -EPROTO;
    return answer.error.error;
}

static int ask(const struct request *r)
{
    int s = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (s < 0)
        return -errno;
    int code = send(s, r, r->header.nlmsg_len, 0) < 0 ? -errno : read_answer(s);
    (void)close(s);
    return code;
}

/* ---- links ---- */

int link_pair(const char *name, int space, const char *peer)
{
    struct request r;
    const struct ifinfomsg none = {.ifi_family = AF_UNSPEC};
    begin(&r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &none, sizeof none);
    put_text(&r, IFLA_IFNAME, name);
    struct rtattr *info = put(&r, IFLA_LINKINFO, NULL, 0);
    put_text(&r, IFLA_INFO_KIND, "veth");
    struct rtattr *data = put(&r, IFLA_INFO_DATA, NULL, 0);
    struct rtattr *other = put(&r, VETH_INFO_PEER, NULL, 0);
    append(&r, &none, sizeof none);
    put_text(&r, IFLA_IFNAME, peer);
    put(&r, IFLA_NET_NS_FD, &space, sizeof space);
    end(&r, other);
    end(&r, data);
    end(&r, info);
    return ask(&r);
}

int link_bridge(const char *name)
{
    struct request r;
    const struct ifinfomsg none = {.ifi_family = AF_UNSPEC};
    begin(&r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &none, sizeof none);
    put_text(&r, IFLA_IFNAME, name);
    struct rtattr *info = put(&r, IFLA_LINKINFO, NULL, 0);
    put_text(&r, IFLA_INFO_KIND, "bridge");
    end(&r, info);
    return ask(&r);
}

static struct ifinfomsg find(const char *name)
{
    return (struct ifinfomsg){.ifi_family = AF_UNSPEC, .ifi_index = (int)if_nametoindex(name)};
}

int link_join(const char *name, const char *bridge)
{
    struct request r;
    const struct ifinfomsg link = find(name);
    uint32_t master = if_nametoindex(bridge);
    if (link.ifi_index == 0 || master == 0)
        return -ENODEV;
    begin(&r, RTM_NEWLINK, 0, &link, sizeof link);
    put(&r, IFLA_MASTER, &master, sizeof master);
    return ask(&r);
}

int link_up(const char *name)
{
    struct request r;
    struct ifinfomsg link = find(name);
    if (link.ifi_index == 0)
        return -ENODEV;
    link.ifi_flags = link.ifi_change = IFF_UP;
    begin(&r, RTM_NEWLINK, 0, &link, sizeof link);
    return ask(&r);
}

/* ---- addresses and routes ---- */

static uint8_t family_of(const struct addr *a)
{
    return a->family == ADDR_V4 ? AF_INET : AF_INET6;
}

static size_t size_of(const struct addr *a)
{
    return a->family == ADDR_V4 ? 4 : 16;
}

int link_address(const char *name, const struct addr *address, uint32_t bits)
{
    struct request r;
    const struct ifaddrmsg what = {.ifa_family = family_of(address),
                                   .ifa_prefixlen = (uint8_t)bits,
                                   .ifa_flags = address->family == ADDR_V6 ? IFA_F_NODAD : 0,
                                   .ifa_index = if_nametoindex(name)};
    if (what.ifa_index == 0)
        return -ENODEV;
    begin(&r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &what, sizeof what);
    put(&r, IFA_LOCAL, address->ip, size_of(address));
    put(&r, IFA_ADDRESS, address->ip, size_of(address));
    return ask(&r);
}

int link_default(const char *name, const struct addr *gateway)
{
    struct request r;
    const struct rtmsg what = {.rtm_family = family_of(gateway),
                               .rtm_table = RT_TABLE_MAIN,
                               .rtm_protocol = RTPROT_STATIC,
                               .rtm_scope = RT_SCOPE_UNIVERSE,
                               .rtm_type = RTN_UNICAST,
                               .rtm_flags = RTNH_F_ONLINK};
    uint32_t index = if_nametoindex(name);
    if (index == 0)
        return -ENODEV;
    begin(&r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &what, sizeof what);
    put(&r, RTA_GATEWAY, gateway->ip, size_of(gateway));
    put(&r, RTA_OIF, &index, sizeof index);
    return ask(&r);
}

int link_near(const char *name, const struct addr *network, uint32_t bits)
{
    struct request r;
    struct addr masked = *network;
    const struct rtmsg what = {.rtm_family = family_of(network),
                               .rtm_dst_len = (uint8_t)bits,
                               .rtm_table = RT_TABLE_MAIN,
                               .rtm_protocol = RTPROT_STATIC,
                               .rtm_scope = RT_SCOPE_LINK,
                               .rtm_type = RTN_UNICAST};
    uint32_t index = if_nametoindex(name);
    if (index == 0)
        return -ENODEV;
    for (uint32_t i = 0; i < 8 * size_of(network); i++)
        if (i >= bits)
            masked.ip[i / 8] &= (uint8_t) ~(0x80u >> (i % 8));
    begin(&r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &what, sizeof what);
    put(&r, RTA_DST, masked.ip, size_of(network));
    put(&r, RTA_OIF, &index, sizeof index);
    return ask(&r);
}
