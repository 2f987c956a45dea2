/* example.c: ns-3 from C: two homes that talk through a router; the first stands
 * behind a box that rewrites addresses.
 *
 *   host 10.0.0.2 -- box 192.0.2.1 -- 1 Mbit/s, 10 ms -- router -- host 198.51.100.7
 *
 * usage: example [CAPTURE.pcap]
 *
 *     cc example.c -lns3c
 *
 * The second host answers what it gets; the first tells when the answer came. */
#include <stdio.h>
#include <stdlib.h>

#include "sim/ns3/ns3c.h"

#define MBIT 1000000u
#define MS   1000000

static const struct ns3c_addr inside = {{10, 0, 0, 2}, 5000, 4};
static const struct ns3c_addr outside = {{192, 0, 2, 1}, 6000, 4};
static const struct ns3c_addr server = {{198, 51, 100, 7}, 7000, 4};

struct box {
    uint32_t in, out; /* ports */
};

static uint32_t translate(void *data, int64_t now, uint32_t port, struct ns3c_datagram *d)
{
    const struct box *box = data;
    (void)now;
    d->ttl--;
    if (port == box->in) {
        d->from = outside;
        return box->out;
    }
    d->to = inside;
    return box->in;
}

static void answer(void *data, int64_t now, uint32_t socket, const struct ns3c_datagram *d)
{
    struct ns3c_datagram back = {.to = d->from, .bytes = d->bytes, .length = d->length};
    printf("%8.3f ms  the server got %u bytes from %u.%u.%u.%u:%u\n", (double)now / MS, d->length,
           d->from.ip[0], d->from.ip[1], d->from.ip[2], d->from.ip[3], d->from.port);
    ns3c_udp_send(data, socket, &back);
}

static void told(void *data, int64_t now, uint32_t socket, const struct ns3c_datagram *d)
{
    (void)data;
    (void)socket;
    printf("%8.3f ms  the host got %u bytes back, TTL %u\n", (double)now / MS, d->length, d->ttl);
}

static uint32_t must(int64_t result)
{
    if (result < 0) {
        fprintf(stderr, "example: %s\n", ns3c_why());
        exit(EXIT_FAILURE);
    }
    return (uint32_t)result;
}

/* Joins two nodes; port[0], port[1]: the ends. */
static void join(struct ns3c *w, uint32_t a, uint32_t b, uint64_t rate_bps, int64_t delay_ns,
                 uint32_t port[2])
{
    const uint32_t nodes[] = {a, b};
    const struct ns3c_link link = {
        {{rate_bps, NS3C_FQ_CODEL, 0}, {rate_bps, NS3C_DROP_TAIL, 0}}, delay_ns, 1500};
    must(ns3c_point_to_point(w, nodes, &link, port));
}

int main(int argc, char **argv)
{
    struct ns3c *w;
    struct box box;
    uint32_t lan[2], line[2], core[2];
    const struct ns3c_addr everything = {.family = 4};
    const struct ns3c_options options = {.checksums = argc > 1};
    must(ns3c_open(&w, &options));
    uint32_t host = must(ns3c_node(w, NS3C_IPV4)), middle = must(ns3c_node(w, 0));
    uint32_t router = must(ns3c_node(w, NS3C_IPV4 | NS3C_FORWARDS));
    uint32_t peer = must(ns3c_node(w, NS3C_IPV4));
    join(w, host, middle, 1000 * MBIT, 0, lan);
    join(w, middle, router, 1 * MBIT, 10 * MS, line);
    join(w, router, peer, 1000 * MBIT, 1 * MS, core);
    must(ns3c_address(w, lan[0], &inside, 24));
    must(ns3c_route(w, &everything, 0, lan[0], NULL));
    must(ns3c_address(w, core[1], &server, 24));
    must(ns3c_route(w, &everything, 0, core[1], NULL));
    must(ns3c_route(w, &outside, 32, line[1], NULL));
    must(ns3c_route(w, &server, 32, core[0], NULL));
    box.in = lan[1];
    box.out = line[0];
    must(ns3c_forward(w, middle, translate, &box));
    uint32_t socket = must(ns3c_udp(w, host, &inside, told, w));
    must(ns3c_udp(w, peer, &server, answer, w));
    if (argc > 1)
        must(ns3c_pcap(w, line[1], argv[1]));
    const uint8_t text[] = "hello";
    const struct ns3c_datagram d = {.to = server, .bytes = text, .length = sizeof text};
    must(ns3c_udp_send(w, socket, &d));
    ns3c_run(w, 1000 * MS);
    printf("%s: %llu events\n", ns3c_version(), (unsigned long long)ns3c_events(w));
    ns3c_close(w);
    return EXIT_SUCCESS;
}
