/* addr.h: a transport address, IPv4 or IPv6, as every part of Mist sees it.
 *
 * 20 bytes without padding, so two addresses are equal iff their bytes are.
 * An IPv4 address stands in ip[0..3], the rest zero.  The port is in host
 * order.  family 0 is no address; family ADDR_RELAY is a way through a relay
 * (mux.h) and never leaves the core. */
#ifndef MIST_ADDR_H
#define MIST_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ADDR_NONE = 0, ADDR_V4 = 4, ADDR_V6 = 6, ADDR_RELAY = 15 };

struct addr {
    uint8_t ip[16];
    uint16_t port;
    uint8_t family; /* ADDR_* */
    uint8_t zero;
};

#define ADDR_TEXT 56 /* bytes that addr_format needs: "[v6]:port" and NUL */

/* ip: host order, 0x7f000001 is 127.0.0.1 */
struct addr addr_v4(uint32_t ip, uint16_t port);
struct addr addr_v6(const uint8_t ip[16], uint16_t port);
uint32_t addr_ip4(const struct addr *a); /* host order; 0 unless family v4 */

bool addr_equal(const struct addr *a, const struct addr *b);
bool addr_same_ip(const struct addr *a, const struct addr *b);
int addr_compare(const struct addr *a, const struct addr *b); /* total order, <0 0 >0 */

/* Who may have many addresses has them in one network: two numbers that are equal for
 * two addresses iff they share it.  Site: /24, the longest prefix that is routed; of
 * IPv6 /48, what RFC 6177 thinks of for an end site.  Provider: /16, as go-libp2p
 * groups peers; /32, what a registry gives a provider at least. */
uint64_t addr_site(const struct addr *a);
uint64_t addr_provider(const struct addr *a);

/* Reachable from anywhere: neither private (RFC 1918, 4193), shared (RFC 6598),
 * loopback, link-local, multicast, documentation nor unspecified. */
bool addr_is_global(const struct addr *a);

/* Parses "1.2.3.4:5", "[2001:db8::1]:5".  The port may be left out (then 0).
 * Returns 0, or -1 and leaves *a alone. */
int addr_parse(struct addr *a, const char *text);

/* Writes "1.2.3.4:5", "[2001:db8::1]:5" (RFC 5952) or "none"; returns buffer. */
const char *addr_format(const struct addr *a, char buffer[ADDR_TEXT]);

#endif
