/* system_linux.c: see system.h.  All that is Linux's own is here. */
#define _GNU_SOURCE /* sendmmsg(2), syscall(2) */
#include "stack/host/system.h"

#if defined(__linux__) && !defined(MIST_PORTABLE)

#include <errno.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "stack/host/address.h"

/* ---- datagrams ----------------------------------------------------------- */

#define JOINED_MOST  64    /* datagrams of a message: UDP_MAX_SEGMENTS of Linux 4.18 */
#define JOINED_BYTES 65507 /* the kernel makes one packet of them before it cuts it */

/* What a message points to. */
struct envelope {
    struct sockaddr_storage to;
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
};

static void put_control(struct msghdr *m, struct envelope *e, int level, int type,
                        const void *value, size_t size)
{
    m->msg_control = e->control;
    m->msg_controllen = CMSG_SPACE(size);
    struct cmsghdr *c = CMSG_FIRSTHDR(m);
    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(c), value, size);
}

static void put_ttl(struct msghdr *m, struct envelope *e, const struct system_datagram *d)
{
    int ttl = d->ttl;
    if (d->to.family == ADDR_V4)
        put_control(m, e, IPPROTO_IP, IP_TTL, &ttl, sizeof ttl);
    else
        put_control(m, e, IPPROTO_IPV6, IPV6_HOPLIMIT, &ttl, sizeof ttl);
}

/* How many of the datagrams, `most` at most, one message carries, which the kernel cuts
 * again: all to one place and of one size, but for a shorter last one. */
static uint32_t joined(const struct system_datagram *d, uint32_t count, uint32_t most)
{
    uint32_t n = 1, bytes = d[0].length;
    while (n < count && n < most && !d[n].ttl && !d[0].ttl && d[0].length > 0 && d[n].length > 0 &&
           d[n].length <= d[0].length && d[n - 1].length == d[0].length &&
           bytes + d[n].length <= JOINED_BYTES && addr_equal(&d[n].to, &d[0].to))
        bytes += d[n++].length;
    return n;
}

static void put_message(struct msghdr *m, struct envelope *e, struct iovec *bytes,
                        const struct system_datagram *d, uint32_t count)
{
    *m = (struct msghdr){.msg_iov = bytes, .msg_iovlen = count};
    /* An iovec's bytes are not const; sending only reads. */
    for (uint32_t i = 0; i < count; i++)
        bytes[i] = (struct iovec){(void *)(uintptr_t)d[i].bytes, d[i].length};
    if (d->to.family != ADDR_NONE) {
        m->msg_name = &e->to;
        m->msg_namelen = address_to_socket(&d->to, &e->to);
    }
    uint16_t size = (uint16_t)d->length;
    if (count > 1)
        put_control(m, e, SOL_UDP, UDP_SEGMENT, &size, sizeof size);
    else if (d->ttl)
        put_ttl(m, e, d);
}

/* With `most` datagrams in a message at most. */
static int send_joined(int socket, const struct system_datagram *datagrams, uint32_t count,
                       uint32_t most)
{
    struct mmsghdr messages[SYSTEM_BATCH];
    struct envelope envelopes[SYSTEM_BATCH];
    struct iovec bytes[SYSTEM_BATCH];
    uint32_t carried[SYSTEM_BATCH], n = 0, i = 0;
    for (; i < count; i += carried[n++]) {
        carried[n] = joined(datagrams + i, count - i, most);
        put_message(&messages[n].msg_hdr, &envelopes[n], bytes + i, datagrams + i, carried[n]);
    }
    int taken, all = 0;
    do
        taken = sendmmsg(socket, messages, n, MSG_DONTWAIT);
    while (taken < 0 && errno == EINTR);
    if (taken < 0)
        return carried[0] > 1 && errno != EAGAIN && errno != ENOBUFS && errno != ECONNREFUSED
                   ? 0
                   : -errno;
    for (int k = 0; k < taken; k++)
        all += (int)carried[k];
    return all;
}

/* What some device or route on the way does not take joined goes one by one. */
int system_send(int socket, const struct system_datagram *datagrams, uint32_t count)
{
    uint32_t n = count < SYSTEM_BATCH ? count : SYSTEM_BATCH;
    int taken = send_joined(socket, datagrams, n, JOINED_MOST);
    return taken == 0 ? send_joined(socket, datagrams, n, 1) : taken;
}

/* The socket's queue of errors: ip(7), IP_RECVERR. */
bool system_next_refusal(int socket, struct addr *to)
{
    struct sockaddr_storage name = {0};
    char control[512];
    struct msghdr message = {.msg_name = &name,
                             .msg_namelen = sizeof name,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    if (recvmsg(socket, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
        return false;
    *to = address_from_socket((const struct sockaddr *)&name);
    return true;
}

uint64_t system_overruns(int socket)
{
    uint32_t counts[SK_MEMINFO_VARS] = {0};
    socklen_t size = sizeof counts;
    return getsockopt(socket, SOL_SOCKET, SO_MEMINFO, counts, &size) ? 0 : counts[SK_MEMINFO_DROPS];
}

/* ---- privileges ---------------------------------------------------------- */

/* capabilities(7), no_new_privs(2const): nothing that is run later gets them back either. */
int system_confine(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return -1;
    return (int)syscall(SYS_capset, &header, none);
}

/* ---- the network --------------------------------------------------------- */

/* rtnetlink(7) */
int system_network_open(void)
{
    struct sockaddr_nl name = {.nl_family = AF_NETLINK,
                               .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
                                            RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (fd >= 0 && bind(fd, (const struct sockaddr *)&name, sizeof name) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

/* That something changed is all that is wanted: what, is looked up anew. */
void system_network_drain(int fd)
{
    char message[8192];
    while (recv(fd, message, sizeof message, MSG_DONTWAIT) > 0 || errno == ENOBUFS)
        errno = 0;
}

#endif
