/* ns3c.h: the network simulator ns-3 for programs in C.
 *
 * What a simulation of peers needs of ns-3 3.37: time, nodes, links with rates,
 * delays and queue disciplines, the Internet stack, UDP sockets, hooks where
 * packets are forwarded, errors, captures, flows, and attributes by name.  C++
 * stands behind it; no exception and no type of ns-3 crosses.
 *
 * Nodes, ports (a node's end of a link) and sockets are numbers that count from
 * 0 in the order of making.  Times are ns since the beginning.  What is given by
 * pointer is borrowed for the call; `data` is handed back to callbacks as given.
 *
 * Functions that can fail return a negative ns3c_error, change nothing, and
 * ns3c_why tells more.  ns-3 is one simulator per process: one world at a time.
 * What ns-3 itself calls fatal (NS_FATAL_ERROR) ends the process.
 *
 * Deterministic: same calls, same events in the same order (but in real time).
 * Events of one time run in the order in which they were scheduled.  One thread.  The library is
 * linked with ns-3, so what is made of it is under ns-3's licence, GPL-2.0-only. */
#ifndef NS3C_H
#define NS3C_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ns3c;

enum ns3c_error {
    NS3C_OK = 0,
    NS3C_BUSY = -1,    /* another world is open */
    NS3C_RANGE = -2,   /* no such node, port or socket, or a value out of range */
    NS3C_UNKNOWN = -3, /* ns-3 knows no such type, attribute or value */
    NS3C_LACKS = -4,   /* the node has no such stack, the port no such queue */
    NS3C_SYSTEM = -5   /* a file or a socket could not be made */
};

/* family 4: ip[0..3], network order; 6: ip[0..15].  The port is in host order. */
struct ns3c_addr {
    uint8_t ip[16];
    uint16_t port;
    uint8_t family;
};

struct ns3c_fragment {
    uint16_t id, offset; /* offset: bytes from the start of the IP payload */
    bool more;           /* others follow; offset 0 and no more: a whole datagram */
    bool forbidden;      /* must not be cut (the DF bit) */
};

/* A UDP datagram, a piece of one (IPv4), or an ICMP message.  A first piece carries
 * ports and what follows the UDP header, as a whole datagram does; a later one has
 * ports 0 and the IP payload from its offset on; ICMP has ports 0 and its bytes from
 * the type on.  mark: goes with it through links, hooks and fragments, and nowhere onto
 * the wire; 0 where the sender gave none, and on what ns-3 says itself. */
struct ns3c_datagram {
    struct ns3c_addr from, to;
    struct ns3c_fragment fragment;
    uint8_t protocol; /* IANA's number; 0: UDP, as it is given back */
    uint64_t mark;
    const uint8_t *bytes;
    uint16_t length;
    uint8_t ttl; /* or hop limit: as it arrives, before this hop takes its one */
};

/* ---- the world and its time ---- */

struct ns3c_options {
    const char *scheduler; /* "ns3::PriorityQueueScheduler"; NULL: that one */
    uint32_t seed;         /* of ns-3's own randomness, from 1; 0 is 1 */
    bool checksums;        /* compute them: for captures and taps; costs time */
    bool real_time;        /* events wait for their time on the clock: for taps */
};

/* options may be NULL.  Attributes set by ns3c_default before stay. */
int ns3c_open(struct ns3c **world, const struct ns3c_options *options);
/* Ends it with all that is in it, and forgets ns3c_default. */
void ns3c_close(struct ns3c *w);

const char *ns3c_version(void); /* "ns-3.37" */
const char *ns3c_why(void);     /* the latest failure in words */

int64_t ns3c_now(const struct ns3c *w);
uint64_t ns3c_events(const struct ns3c *w);  /* processed so far */
uint64_t ns3c_pending(const struct ns3c *w); /* in the queue, cancelled ones too */
uint32_t ns3c_nodes(const struct ns3c *w);
/* Calls once, at that time or now if it has passed. */
void ns3c_schedule(struct ns3c *w, int64_t at, void (*call)(void *data, uint64_t number),
                   void *data, uint64_t number);
/* Processes all events before `until`, which must lie ahead of now.  Afterwards
 * ns3c_now is until - 1 or the time of the last event, whichever is later. */
void ns3c_run(struct ns3c *w, int64_t until);
/* In real time: by how much the clock was ahead of the events at worst, ns, as seen at
 * the end of each ns3c_run.  Else 0. */
int64_t ns3c_late(const struct ns3c *w);

/* ---- nodes and links ---- */

enum { NS3C_IPV4 = 1, NS3C_IPV6 = 2, NS3C_FORWARDS = 4 }; /* families, and: it is a router */

/* stack: what of the Internet stack it has; 0: none, only ns3c_forward moves
 * packets through it.  Returns the node. */
int64_t ns3c_node(struct ns3c *w, unsigned stack);

enum ns3c_queue { NS3C_DROP_TAIL, NS3C_CODEL, NS3C_FQ_CODEL };

/* One direction of a link.  The two disciplines with delay targets (RFC 8289,
 * 8290; ns-3's defaults) stand above a device queue of one packet. */
struct ns3c_side {
    uint64_t rate_bps; /* above 0 */
    enum ns3c_queue queue;
    uint32_t limit_bytes; /* of the queue; 0: ns-3's default */
};

struct ns3c_link {
    struct ns3c_side side[2]; /* what node[i] sends */
    int64_t delay_ns;
    uint16_t mtu; /* 0: 1500 */
};

/* PPP framing (2 bytes).  port[i]: the end at node[i]. */
int ns3c_point_to_point(struct ns3c *w, const uint32_t node[2], const struct ns3c_link *link,
                        uint32_t port[2]);

/* One Ethernet segment for all nodes (ARP and neighbour discovery work).  Its
 * delay is that between any two.  port[count]: the ends. */
int ns3c_csma(struct ns3c *w, const uint32_t *node, uint32_t count, uint64_t rate_bps,
              int64_t delay_ns, uint32_t *port);

/* A network of which only the delays are known, without rates and queues: `carry`
 * says for each datagram at which port it comes out, after what delay, or
 * NS3C_DROP.  It may change d->ttl.  Nothing else passes. */
#define NS3C_DROP UINT32_MAX
typedef uint32_t ns3c_carry(void *data, int64_t now, uint32_t port, struct ns3c_datagram *d,
                            int64_t *delay_ns);
int ns3c_cloud(struct ns3c *w, const uint32_t *node, uint32_t count, ns3c_carry *carry, void *data,
               uint32_t *port);

/* A TAP device of this machine (tuntap(7)), open as fd, as a port of the node: an
 * Ethernet between the machine and ns-3.  For a world in real time.  The fd is the
 * world's from then on. */
int ns3c_tap(struct ns3c *w, uint32_t node, int fd, uint32_t *port);

/* What a queue dropped, with the port whose queue it is.  For links that are made
 * afterwards; not called for what is neither UDP nor ICMP. */
typedef void ns3c_dropped(void *data, int64_t now, uint32_t port, const struct ns3c_datagram *d);
void ns3c_on_drop(struct ns3c *w, ns3c_dropped *dropped, void *data);

enum ns3c_errors_kind { NS3C_PER_PACKET, NS3C_PER_BYTE, NS3C_PER_BIT, NS3C_BURSTS, NS3C_CALL };

/* What a port loses of what arrives at it. */
struct ns3c_errors {
    enum ns3c_errors_kind kind;
    double rate;      /* of errors, by the kind's unit; bursts: of their beginnings */
    uint32_t longest; /* bursts: of 1 to longest packets */
    int64_t stream;   /* of ns-3's randomness; -1: ns-3 chooses */
    bool (*corrupt)(void *data, uint32_t port); /* NS3C_CALL: decides */
    void *data;
};
int ns3c_receive_errors(struct ns3c *w, uint32_t port, const struct ns3c_errors *errors);

/* ---- the Internet stack ---- */

/* Gives the port an address; prefix: bits of the network on the link. */
int ns3c_address(struct ns3c *w, uint32_t port, const struct ns3c_addr *addr, unsigned prefix);
/* Sends what goes to that prefix (0: everything) out of the port; gateway may be
 * NULL where the link has two ends.  ns-3 looks routes up in a list: few are fast. */
int ns3c_route(struct ns3c *w, const struct ns3c_addr *to, unsigned prefix, uint32_t port,
               const struct ns3c_addr *gateway);
/* Routing by policy: what comes in at a port, but for multicasts, goes out of the
 * other port of the node, whatever its destination. */
int ns3c_route_from(struct ns3c *w, uint32_t in_port, uint32_t out_port);

/* ---- UDP ---- */

typedef void ns3c_receive(void *data, int64_t now, uint32_t socket, const struct ns3c_datagram *d);

/* A socket on the node, bound to addr.  Returns the socket. */
int64_t ns3c_udp(struct ns3c *w, uint32_t node, const struct ns3c_addr *addr, ns3c_receive *receive,
                 void *data);
/* d->from is not looked at, of d->fragment only whether it is forbidden; d->ttl 0: ns-3's
 * default.  Losses are silent. */
int ns3c_udp_send(struct ns3c *w, uint32_t socket, const struct ns3c_datagram *d);
/* As if from d->from, whoever owns that. */
int ns3c_udp_spoof(struct ns3c *w, uint32_t node, const struct ns3c_datagram *d);
/* What reaches a port of the node that no socket holds goes here, not back as
 * ICMP; `socket` is then the node. */
int ns3c_udp_catch(struct ns3c *w, uint32_t node, ns3c_receive *receive, void *data);

/* ---- hooks ---- */

/* A datagram came in at a port of a node without a stack.  May rewrite addresses, TTL,
 * mark and fragment, and point to other bytes; returns the port of the same node at which it
 * leaves, or NS3C_DROP.  Pieces come one by one.  What is too large for the link is
 * cut, or dropped if it must not be (IPv6 always).  What is neither UDP nor ICMP is dropped. */
typedef uint32_t ns3c_hook(void *data, int64_t now, uint32_t port, struct ns3c_datagram *d);
int ns3c_forward(struct ns3c *w, uint32_t node, ns3c_hook *hook, void *data);
/* Sends out of the port of a node without a stack, as if the hook had let it pass. */
int ns3c_emit(struct ns3c *w, uint32_t port, const struct ns3c_datagram *d);

/* ---- looking on ---- */

/* Captures what the port's link carries there, with ns, as pcap. */
int ns3c_pcap(struct ns3c *w, uint32_t port, const char *file);

/* A flow as ns-3's FlowMonitor sees it: a hook that rewrites addresses makes two
 * of one. */
struct ns3c_flow {
    struct ns3c_addr from, to;
    uint64_t packets_sent, packets_received, bytes_sent, bytes_received;
    int64_t delay_sum_ns, jitter_sum_ns;
};
/* Watches, from the next event on, the nodes that are there now and whose stack is
 * of that family, 4 or 6, and no other: ns-3 numbers the flows of either anew. */
int ns3c_flows_watch(struct ns3c *w, uint8_t family);
/* Calls `each` for every flow so far. */
int ns3c_flows(struct ns3c *w, void (*each)(void *data, const struct ns3c_flow *flow), void *data);

/* ---- attributes by name ---- */

enum ns3c_thing { NS3C_NODE, NS3C_DEVICE, NS3C_LINK, NS3C_QUEUE }; /* a node; a port's ... */

/* "ns3::FqCoDelQueueDisc::Flows", "16": for objects made from now on.  A value out
 * of range is refused; one that ns-3 cannot read at all is fatal to it. */
int ns3c_default(const char *attribute, const char *value);
int ns3c_set(struct ns3c *w, enum ns3c_thing thing, uint32_t number, const char *name,
             const char *value);
/* Writes at most size bytes, NUL included; returns the length of the whole. */
int ns3c_get(struct ns3c *w, enum ns3c_thing thing, uint32_t number, const char *name, char *value,
             uint32_t size);

#ifdef __cplusplus
}
#endif

#endif
