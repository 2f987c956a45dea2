/* system_linux.c: see system.h.  All that is Linux's own is here. */
#define _GNU_SOURCE /* sendmmsg(2) */
#include "stack/host/system.h"

#if defined(__linux__) && !defined(MIST_PORTABLE)

#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "stack/host/address.h"

/* ---- datagrams ----------------------------------------------------------- */

/* What a message of one datagram points to. */
struct envelope {
    struct sockaddr_storage to;
    struct iovec bytes;
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
};

static void put_ttl(struct msghdr *m, struct envelope *e, const struct system_datagram *d)
{
    int ttl = d->ttl;
    m->msg_control = e->control;
    m->msg_controllen = sizeof e->control;
    struct cmsghdr *c = CMSG_FIRSTHDR(m);
    c->cmsg_level = d->to.family == ADDR_V4 ? IPPROTO_IP : IPPROTO_IPV6;
    c->cmsg_type = d->to.family == ADDR_V4 ? IP_TTL : IPV6_HOPLIMIT;
    c->cmsg_len = CMSG_LEN(sizeof ttl);
    memcpy(CMSG_DATA(c), &ttl, sizeof ttl);
}

static void put_message(struct msghdr *m, struct envelope *e, const struct system_datagram *d)
{
    *m = (struct msghdr){.msg_iov = &e->bytes, .msg_iovlen = 1};
    /* An iovec's bytes are not const; sending only reads. */
    e->bytes = (struct iovec){(void *)(uintptr_t)d->bytes, d->length};
    if (d->to.family != ADDR_NONE) {
        m->msg_name = &e->to;
        m->msg_namelen = address_to_socket(&d->to, &e->to);
    }
    if (d->ttl)
        put_ttl(m, e, d);
}

int system_send(int socket, const struct system_datagram *datagrams, uint32_t count)
{
    struct mmsghdr messages[SYSTEM_BATCH];
    struct envelope envelopes[SYSTEM_BATCH];
    uint32_t n = count < SYSTEM_BATCH ? count : SYSTEM_BATCH;
    for (uint32_t i = 0; i < n; i++)
        put_message(&messages[i].msg_hdr, &envelopes[i], &datagrams[i]);
    int taken;
    do
        taken = sendmmsg(socket, messages, n, MSG_DONTWAIT);
    while (taken < 0 && errno == EINTR);
    return taken < 0 ? -errno : taken;
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

#endif
