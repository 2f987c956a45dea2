/* address.c: see address.h. */
#include "stack/host/address.h"

#include <stdbool.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

socklen_t address_to_socket(const struct addr *a, struct sockaddr_storage *s)
{
    memset(s, 0, sizeof *s);
    if (a->family == ADDR_V4) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)s;
        v4->sin_family = AF_INET;
        v4->sin_port = htons(a->port);
        memcpy(&v4->sin_addr, a->ip, 4);
        return sizeof *v4;
    }
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)s;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(a->port);
    memcpy(&v6->sin6_addr, a->ip, 16);
    return sizeof *v6;
}

struct addr address_from_socket(const struct sockaddr *s)
{
    if (s->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)s;
        return addr_v4(ntohl(v4->sin_addr.s_addr), ntohs(v4->sin_port));
    }
    if (s->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)s;
        return addr_v6(v6->sin6_addr.s6_addr, ntohs(v6->sin6_port));
    }
    return (struct addr){.family = ADDR_NONE};
}

static bool is_link_local(const struct addr *a)
{
    if (a->family == ADDR_V4)
        return a->ip[0] == 169 && a->ip[1] == 254;        /* RFC 3927 */
    return a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80; /* RFC 4291, 2.5.6 */
}

/* The one that datagrams to the Internet leave from: the route's, asked for by connecting a
 * socket, which sends nothing.  family ADDR_NONE: there is no route. */
static struct addr address_by_route(uint8_t family)
{
    static const uint8_t documentation6[16] = {0x20, 0x01, 0x0d, 0xb8}; /* RFC 3849; RFC 5737 */
    struct addr far = family == ADDR_V4 ? addr_v4(0xc0000201, 9) : addr_v6(documentation6, 9);
    struct sockaddr_storage name;
    socklen_t length = address_to_socket(&far, &name);
    struct addr found = {.family = ADDR_NONE};
    int s = socket(family == ADDR_V4 ? AF_INET : AF_INET6, SOCK_DGRAM, 0);
    if (s < 0)
        return found;
    if (connect(s, (const struct sockaddr *)&name, length) == 0) {
        length = sizeof name;
        if (getsockname(s, (struct sockaddr *)&name, &length) == 0)
            found = address_from_socket((const struct sockaddr *)&name);
    }
    (void)close(s);
    return found;
}

struct addr address_of_machine(uint8_t family, uint16_t port)
{
    static const uint8_t loopback6[16] = {[15] = 1};
    struct addr found = family == ADDR_V4 ? addr_v4(INADDR_LOOPBACK, 0) : addr_v6(loopback6, 0);
    uv_interface_address_t *interfaces;
    int count;
    const struct addr routed = address_by_route(family);
    if (routed.family == family && !is_link_local(&routed))
        found = routed;
    else if (uv_interface_addresses(&interfaces, &count) == 0) {
        for (int i = 0; i < count; i++) {
            struct addr a =
                address_from_socket((const struct sockaddr *)(const void *)&interfaces[i].address);
            if (a.family == family && !interfaces[i].is_internal && !is_link_local(&a)) {
                found = a;
                break;
            }
        }
        uv_free_interface_addresses(interfaces, count);
    }
    found.port = port;
    return found;
}
