/* system_other.c: see system.h.  For systems without calls of their own here: POSIX alone.
 * -DMIST_PORTABLE takes it on Linux too, so that it can be tried. */
#include "stack/host/system.h"

#if !defined(__linux__) || defined(MIST_PORTABLE)

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "stack/host/address.h"

static int set_ttl(int socket, uint8_t family, int ttl)
{
    return family == ADDR_V4
               ? setsockopt(socket, IPPROTO_IP, IP_TTL, &ttl, sizeof ttl)
               : setsockopt(socket, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &ttl, sizeof ttl);
}

/* One at a time. */
int system_send(int socket, const struct system_datagram *d, uint32_t count)
{
    struct sockaddr_storage to;
    socklen_t length = d->to.family == ADDR_NONE ? 0 : address_to_socket(&d->to, &to);
    (void)count;
    if (d->ttl)
        (void)set_ttl(socket, d->to.family, d->ttl);
    ssize_t sent = sendto(socket, d->bytes, d->length, MSG_DONTWAIT,
                          length ? (const struct sockaddr *)&to : NULL, length);
    int error = errno;
    if (d->ttl)
        (void)set_ttl(socket, d->to.family, 64); /* the default, RFC 1700 */
    return sent < 0 ? -error : 1;
}

/* ICMP errors about what an unconnected socket sent are not told. */
bool system_next_refusal(int socket, struct addr *to)
{
    (void)socket;
    (void)to;
    return false;
}

uint64_t system_overruns(int socket)
{
    (void)socket;
    return 0;
}

/* Who is not root any more has no more powers. */
int system_confine(void)
{
    return 0;
}

int system_network_open(void)
{
    return -1;
}

void system_network_drain(int fd)
{
    (void)fd;
}

#else
typedef int system_is_linux; /* a source must hold something */
#endif
