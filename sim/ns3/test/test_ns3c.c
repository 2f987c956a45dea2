/* test_ns3c.c: the bindings of ns-3: what a link, a queue, a hook and a socket do,
 * by the formulas that define them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim/ns3/ns3c.h"

#define MS      1000000
#define MBIT    UINT64_C(1000000)
#define MOST    800
#define IP_UDP  28 /* bytes of headers, RFC 791 and 768 */
#define IP6_UDP 48 /* RFC 8200 and 768 */
#define PPP     2  /* as ns-3 frames a point-to-point link */
#define SIZE    100

/* What leaks is ns-3's own: what its libraries allocate once and keep. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libns3-\n";
}

static const struct ns3c_addr here = {{10, 0, 0, 1}, 1000, 4}, there = {{10, 0, 0, 2}, 2000, 4};
static const struct ns3c_addr beyond = {{10, 9, 0, 2}, 2000, 4};
static const struct ns3c_addr here6 = {{0x20, 1, 0xd, 0xb8, [15] = 1}, 1000, 6};
static const struct ns3c_addr there6 = {{0x20, 1, 0xd, 0xb8, [15] = 2}, 2000, 6};
static const struct ns3c_addr everything = {.family = 4};

static struct ns3c *w;
static struct {
    int64_t at;
    struct ns3c_addr from, to;
    uint64_t mark;
    uint8_t ttl;
    uint16_t length;
} got[MOST];
static uint32_t count, drops;
static uint64_t last_dropped;

static uint32_t must(int64_t result)
{
    if (result < 0)
        fail_msg("%s", ns3c_why());
    return (uint32_t)result;
}

static void receive(void *data, int64_t now, uint32_t socket, const struct ns3c_datagram *d)
{
    (void)data, (void)socket;
    assert_true(count < MOST);
    got[count].at = now;
    got[count].from = d->from;
    got[count].to = d->to;
    got[count].mark = d->mark;
    got[count].ttl = d->ttl;
    got[count].length = d->length;
    for (uint16_t i = 0; i < d->length; i++)
        assert_int_equal(d->bytes[i], (uint8_t)i);
    count++;
}

static void dropped(void *data, int64_t now, uint32_t port, const struct ns3c_datagram *d)
{
    (void)data, (void)now, (void)port;
    drops++;
    last_dropped = d->mark;
}

static void end(void)
{
    ns3c_close(w);
    w = NULL;
}

/* A test that failed has left its world. */
static void begin(void)
{
    if (w != NULL)
        end();
    count = drops = 0;
    must(ns3c_open(&w, NULL));
    ns3c_on_drop(w, dropped, NULL);
}

static void send(uint32_t socket, struct ns3c_addr to, uint16_t length, uint64_t mark, uint8_t ttl)
{
    static uint8_t bytes[UINT16_MAX];
    for (uint32_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)i;
    struct ns3c_datagram d = {.to = to, .mark = mark, .bytes = bytes, .length = length, .ttl = ttl};
    must(ns3c_udp_send(w, socket, &d));
}

static struct ns3c_link plain(uint64_t rate_bps, int64_t delay_ns, uint32_t limit_bytes)
{
    struct ns3c_side side = {.rate_bps = rate_bps, .limit_bytes = limit_bytes};
    return (struct ns3c_link){.side = {side, side}, .delay_ns = delay_ns};
}

static void join(uint32_t a, uint32_t b, struct ns3c_link link, uint32_t port[2])
{
    const uint32_t nodes[] = {a, b};
    must(ns3c_point_to_point(w, nodes, &link, port));
}

/* Two hosts on one link; returns the socket of the first, the second receives. */
static uint32_t two_hosts(struct ns3c_link link, uint32_t port[2])
{
    uint32_t a = must(ns3c_node(w, NS3C_IPV4)), b = must(ns3c_node(w, NS3C_IPV4));
    join(a, b, link, port);
    must(ns3c_address(w, port[0], &here, 24));
    must(ns3c_address(w, port[1], &there, 24));
    must(ns3c_udp(w, b, &there, receive, NULL));
    return must(ns3c_udp(w, a, &here, receive, NULL));
}

/* ns that so many bytes take, framing included; exact for the rates used here. */
static int64_t takes(uint32_t bytes, uint64_t rate_bps)
{
    return (int64_t)((bytes + PPP) * 8 * UINT64_C(1000000000) / rate_bps);
}

static void a_datagram_takes_its_bits_by_the_rate_and_the_delay(void **state)
{
    (void)state;
    uint32_t port[2];
    begin();
    uint32_t socket = two_hosts(plain(MBIT, 10 * MS, 0), port);
    send(socket, there, SIZE, 7, 64);
    send(socket, there, SIZE, 8, 64);
    ns3c_run(w, 1000 * MS);
    int64_t each = takes(SIZE + IP_UDP, MBIT);
    assert_int_equal(each, 1040000);
    assert_int_equal(count, 2);
    assert_int_equal(got[0].at, 10 * MS + each);
    assert_int_equal(got[1].at, 10 * MS + 2 * each); /* it waited for the first */
    assert_int_equal(got[0].mark, 7);
    assert_int_equal(got[1].mark, 8);
    assert_int_equal(got[0].length, SIZE);
    assert_int_equal(got[0].ttl, 64);
    assert_memory_equal(got[0].from.ip, here.ip, 16);
    assert_int_equal(got[0].from.port, here.port);
    assert_memory_equal(got[0].to.ip, there.ip, 16);
    assert_int_equal(got[0].to.port, there.port);
    end();
}

static void ipv6_goes_the_same_way(void **state)
{
    (void)state;
    uint32_t port[2];
    begin();
    uint32_t a = must(ns3c_node(w, NS3C_IPV6)), b = must(ns3c_node(w, NS3C_IPV6));
    join(a, b, plain(MBIT, 10 * MS, 0), port);
    must(ns3c_address(w, port[0], &here6, 64));
    must(ns3c_address(w, port[1], &there6, 64));
    must(ns3c_udp(w, b, &there6, receive, NULL));
    uint32_t socket = must(ns3c_udp(w, a, &here6, receive, NULL));
    send(socket, there6, SIZE, 7, 9);
    ns3c_run(w, 1000 * MS);
    assert_int_equal(count, 1);
    assert_int_equal(got[0].at, 10 * MS + takes(SIZE + IP6_UDP, MBIT));
    assert_int_equal(got[0].ttl, 9);
    assert_memory_equal(got[0].from.ip, here6.ip, 16);
    end();
}

/* One is on the wire, and of the others the queue holds what fits. */
static void a_full_queue_drops_the_newest(void **state)
{
    (void)state;
    uint32_t port[2], framed = SIZE + IP_UDP + PPP;
    begin();
    uint32_t socket = two_hosts(plain(MBIT, 0, 5 * framed), port);
    for (uint64_t i = 1; i <= 10; i++)
        send(socket, there, SIZE, i, 64);
    ns3c_run(w, 1000 * MS);
    assert_int_equal(count, 1 + 5);
    assert_int_equal(got[5].mark, 6);
    assert_int_equal(drops, 4);
    assert_int_equal(last_dropped, 10);
    end();
}

static uint32_t paced_socket;

static void send_one(void *data, uint64_t number)
{
    (void)data;
    send(paced_socket, there, SIZE, number + 1, 64);
}

/* Twice as much as the link takes for 2 s: RFC 8289 drops until the delay is near
 * its target of 5 ms; drop-tail holds what fits into 250 ms. */
static int64_t longest_wait(enum ns3c_queue queue)
{
    uint32_t port[2];
    struct ns3c_link link = plain(MBIT, 0, 31250);
    int64_t each = takes(SIZE + IP_UDP, MBIT), wait = 0;
    begin();
    link.side[0].queue = queue;
    if (queue == NS3C_FQ_CODEL)
        link.side[0].limit_bytes = 0;
    paced_socket = two_hosts(link, port);
    for (int64_t i = 0; i < 380 * 2; i++)
        ns3c_schedule(w, i * each / 2, send_one, NULL, (uint64_t)i);
    ns3c_run(w, 5000 * (int64_t)MS);
    for (uint32_t i = 0; i < count; i++) {
        int64_t sent = (int64_t)(got[i].mark - 1) * each / 2;
        if (sent > 300 * MS && got[i].at - sent > wait)
            wait = got[i].at - sent;
    }
    assert_int_equal(count + drops, 760);
    end();
    return wait;
}

static void codel_keeps_the_queue_short_where_drop_tail_lets_it_grow(void **state)
{
    (void)state;
    int64_t drop_tail = longest_wait(NS3C_DROP_TAIL);
    assert_true(drop_tail > 190 * MS && drop_tail < 260 * MS);
    assert_true(longest_wait(NS3C_CODEL) < drop_tail);
}

struct box {
    uint32_t in, out;
    struct ns3c_addr outside;
};

static uint32_t translate(void *data, int64_t now, uint32_t port, struct ns3c_datagram *d)
{
    struct box *box = data;
    (void)now;
    if (d->ttl < 2)
        return NS3C_DROP;
    d->ttl--;
    if (port == box->in)
        d->from = box->outside;
    else
        d->to = here;
    return port == box->in ? box->out : box->in;
}

/* host - box - router - host; links of that MTU around the box. */
static uint32_t through_a_box(struct box *box, uint16_t mtu)
{
    uint32_t lan[2], line[2], last[2];
    struct ns3c_link link = plain(1000 * MBIT, 0, 0);
    uint32_t a = must(ns3c_node(w, NS3C_IPV4)), middle = must(ns3c_node(w, 0));
    uint32_t r = must(ns3c_node(w, NS3C_IPV4 | NS3C_FORWARDS)), b = must(ns3c_node(w, NS3C_IPV4));
    link.mtu = mtu;
    join(a, middle, link, lan);
    join(middle, r, link, line);
    link.mtu = 0;
    join(r, b, link, last);
    must(ns3c_address(w, lan[0], &here, 24));
    must(ns3c_route(w, &everything, 0, lan[0], NULL));
    must(ns3c_address(w, last[1], &beyond, 24));
    must(ns3c_route(w, &everything, 0, last[1], NULL));
    *box = (struct box){lan[1], line[0], {{192, 0, 2, 9}, 6000, 4}};
    must(ns3c_route(w, &beyond, 24, last[0], NULL));
    must(ns3c_route(w, &box->outside, 32, line[1], NULL));
    must(ns3c_forward(w, middle, translate, box));
    must(ns3c_udp(w, b, &beyond, receive, NULL));
    return must(ns3c_udp(w, a, &here, receive, NULL));
}

static void a_hook_rewrites_what_crosses_it(void **state)
{
    (void)state;
    struct box box;
    begin();
    uint32_t socket = through_a_box(&box, 1500);
    send(socket, beyond, SIZE, 5, 64);
    ns3c_run(w, 100 * MS);
    assert_int_equal(count, 1);
    assert_memory_equal(got[0].from.ip, box.outside.ip, 16);
    assert_int_equal(got[0].from.port, 6000);
    assert_int_equal(got[0].ttl, 64 - 2); /* the box and the router */
    assert_int_equal(got[0].mark, 5);
    send(socket - 1, box.outside, SIZE, 6, 64); /* and back */
    ns3c_run(w, 200 * MS);
    assert_int_equal(count, 2);
    assert_memory_equal(got[1].to.ip, here.ip, 16);
    assert_int_equal(got[1].mark, 6);
    send(socket, beyond, SIZE, 7, 1); /* the hook drops it */
    ns3c_run(w, 300 * MS);
    assert_int_equal(count, 2);
    end();
}

static uint32_t replace_bytes(void *data, int64_t now, uint32_t port, struct ns3c_datagram *d)
{
    static const uint8_t bytes[] = {0, 1, 2};
    d->bytes = bytes;
    d->length = sizeof bytes;
    return translate(data, now, port, d);
}

static void a_hook_may_replace_the_bytes(void **state)
{
    (void)state;
    struct box box;
    begin();
    uint32_t socket = through_a_box(&box, 1500);
    must(ns3c_forward(w, 1, replace_bytes, &box));
    send(socket, beyond, SIZE, 5, 64);
    ns3c_run(w, 100 * MS);
    assert_int_equal(count, 1);
    assert_int_equal(got[0].length, 3);
    assert_int_equal(got[0].mark, 5);
    end();
}

static struct ns3c_fragment pieces[20];
static uint32_t piece_count;

static uint32_t note_piece(void *data, int64_t now, uint32_t port, struct ns3c_datagram *d)
{
    assert_true(piece_count < 20);
    pieces[piece_count++] = d->fragment;
    return translate(data, now, port, d);
}

/* MTU 600: 576 bytes behind the header, a multiple of 8; 4,008 are six of those and 552. */
static void a_hook_sees_each_piece_and_the_host_the_whole(void **state)
{
    (void)state;
    struct box box;
    begin();
    uint32_t socket = through_a_box(&box, 600);
    must(ns3c_forward(w, 1, note_piece, &box));
    piece_count = 0;
    send(socket, beyond, 4000, 5, 64);
    ns3c_run(w, 100 * MS);
    assert_int_equal(piece_count, 7);
    for (uint32_t i = 0; i < 7; i++) {
        assert_int_equal(pieces[i].offset, 576 * i);
        assert_int_equal(pieces[i].more, i < 6);
        assert_int_equal(pieces[i].id, pieces[0].id);
    }
    assert_int_equal(count, 1);
    assert_int_equal(got[0].length, 4000);
    assert_memory_equal(got[0].from.ip, box.outside.ip, 16);
    assert_int_equal(got[0].mark, 5);
    end();
}

static uint32_t forbid(void *data, int64_t now, uint32_t port, struct ns3c_datagram *d)
{
    d->fragment.forbidden = true;
    return translate(data, now, port, d);
}

static void what_a_hook_says_must_not_be_cut_is_not(void **state)
{
    (void)state;
    struct box box;
    begin();
    uint32_t socket = through_a_box(&box, 600);
    must(ns3c_forward(w, 1, forbid, &box));
    send(socket, beyond, 600 - 28, 5, 64); /* fits to the byte */
    ns3c_run(w, 100 * MS);
    assert_int_equal(count, 1);
    struct ns3c_datagram large = {.from = box.outside, .to = beyond, .ttl = 9, .mark = 6};
    static uint8_t bytes[600];
    for (uint32_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    large.bytes = bytes;
    large.length = 600 - 28 + 1;
    large.fragment.forbidden = true;
    must(ns3c_emit(w, box.out, &large));
    ns3c_run(w, 200 * MS);
    assert_int_equal(count, 1);
    large.fragment.forbidden = false;
    must(ns3c_emit(w, box.out, &large));
    ns3c_run(w, 300 * MS);
    assert_int_equal(count, 2);
    assert_int_equal(got[1].length, large.length);
    end();
}

static void a_node_without_a_stack_sends_by_itself(void **state)
{
    (void)state;
    struct box box;
    static const uint8_t bytes[] = {0};
    begin();
    (void)through_a_box(&box, 1500);
    struct ns3c_datagram d = {
        .from = box.outside, .to = beyond, .ttl = 9, .mark = 6, .bytes = bytes, .length = 1};
    must(ns3c_emit(w, box.out, &d));
    ns3c_run(w, 100 * MS);
    assert_int_equal(count, 1);
    assert_int_equal(got[0].from.port, box.outside.port);
    assert_int_equal(got[0].ttl, 9 - 1); /* the router */
    assert_int_equal(got[0].mark, 6);
    d.protocol = 1; /* ICMP ends in the stack */
    must(ns3c_emit(w, box.out, &d));
    ns3c_run(w, 200 * MS);
    assert_int_equal(count, 1);
    assert_int_equal(ns3c_emit(w, box.out + 1, &d), NS3C_LACKS); /* the router's */
    assert_int_equal(ns3c_emit(w, 99, &d), NS3C_RANGE);
    end();
}

static uint32_t carry(void *data, int64_t now, uint32_t port, struct ns3c_datagram *d,
                      int64_t *delay_ns)
{
    const uint32_t *ports = data;
    (void)now;
    *delay_ns = 20 * MS + (int64_t)d->mark;
    d->ttl = (uint8_t)(d->ttl - 10);
    return d->mark == 99 ? NS3C_DROP : ports[port == ports[0]];
}

static void a_cloud_delays_and_drops_as_it_is_told(void **state)
{
    (void)state;
    uint32_t ports[2], nodes[2];
    begin();
    nodes[0] = must(ns3c_node(w, NS3C_IPV4));
    nodes[1] = must(ns3c_node(w, NS3C_IPV4));
    must(ns3c_cloud(w, nodes, 2, carry, ports, ports));
    must(ns3c_address(w, ports[0], &here, 24));
    must(ns3c_address(w, ports[1], &there, 24));
    must(ns3c_udp(w, nodes[1], &there, receive, NULL));
    uint32_t socket = must(ns3c_udp(w, nodes[0], &here, receive, NULL));
    send(socket, there, SIZE, 99, 64);
    send(socket, there, SIZE, 5, 64);
    send(socket, there, SIZE, 3, 64); /* overtakes */
    ns3c_run(w, 100 * MS);
    assert_int_equal(count, 2);
    assert_int_equal(got[0].at, 20 * MS + 3);
    assert_int_equal(got[1].at, 20 * MS + 5);
    assert_int_equal(got[0].ttl, 54);
    end();
}

static void hosts_of_one_segment_find_each_other_by_arp(void **state)
{
    (void)state;
    uint32_t nodes[3], ports[3];
    const struct ns3c_addr third = {{10, 0, 0, 3}, 2000, 4};
    begin();
    for (int i = 0; i < 3; i++)
        nodes[i] = must(ns3c_node(w, NS3C_IPV4));
    must(ns3c_csma(w, nodes, 3, 1000 * MBIT, MS / 2, ports));
    must(ns3c_address(w, ports[0], &here, 24));
    must(ns3c_address(w, ports[1], &there, 24));
    must(ns3c_address(w, ports[2], &third, 24));
    must(ns3c_udp(w, nodes[2], &third, receive, NULL));
    uint32_t socket = must(ns3c_udp(w, nodes[0], &here, receive, NULL));
    send(socket, third, SIZE, 1, 64);
    ns3c_run(w, 100 * MS);
    assert_int_equal(count, 1);
    /* question, answer, datagram: three times the delay, and little for the bits */
    assert_true(got[0].at > 3 * MS / 2 && got[0].at < 3 * MS / 2 + MS / 100);
    end();
}

/* As at home: each host has one address, on its line outward (/128) and in its LAN. */
static void ipv6_neighbours_find_each_other_although_their_lines_have_their_addresses(void **state)
{
    (void)state;
    uint32_t nodes[2], line[2], lan[2];
    const struct ns3c_addr all = {.family = 6};
    const struct ns3c_addr *addrs[] = {&here6, &there6};
    begin();
    uint32_t r = must(ns3c_node(w, NS3C_IPV4 | NS3C_IPV6 | NS3C_FORWARDS));
    for (int i = 0; i < 2; i++) {
        nodes[i] = must(ns3c_node(w, NS3C_IPV6));
        join(nodes[i], r, plain(1000 * MBIT, 20 * MS, 0), line);
        must(ns3c_address(w, line[0], addrs[i], 128));
        must(ns3c_route(w, &all, 0, line[0], NULL));
    }
    must(ns3c_csma(w, nodes, 2, 1000 * MBIT, MS / 2, lan));
    for (int i = 0; i < 2; i++)
        must(ns3c_address(w, lan[i], addrs[i], 64));
    must(ns3c_udp(w, nodes[1], &there6, receive, NULL));
    uint32_t socket = must(ns3c_udp(w, nodes[0], &here6, receive, NULL));
    send(socket, there6, SIZE, 7, 9);
    ns3c_run(w, 100 * MS);
    assert_int_equal(count, 1);
    assert_memory_equal(got[0].from.ip, here6.ip, 16);
    assert_int_equal(got[0].ttl, 9);
    /* question, answer, datagram, as by ARP */
    assert_true(got[0].at > 3 * MS / 2 && got[0].at < 3 * MS / 2 + MS / 100);
    end();
}

static void a_port_without_a_socket_is_caught(void **state)
{
    (void)state;
    uint32_t port[2];
    begin();
    uint32_t socket = two_hosts(plain(MBIT, 0, 0), port);
    struct ns3c_addr elsewhere = there;
    elsewhere.port = 2001;
    send(socket, elsewhere, SIZE, 1, 64);
    ns3c_run(w, 100 * MS);
    assert_int_equal(count, 0);
    must(ns3c_udp_catch(w, 1, receive, NULL));
    send(socket, elsewhere, SIZE, 2, 64);
    ns3c_run(w, 200 * MS);
    assert_int_equal(count, 1);
    assert_int_equal(got[0].to.port, 2001);
    assert_int_equal(got[0].mark, 2);
    end();
}

static void a_spoofed_datagram_comes_from_where_it_says(void **state)
{
    (void)state;
    uint32_t port[2];
    const uint8_t byte = 0;
    begin();
    two_hosts(plain(MBIT, 0, 0), port);
    struct ns3c_datagram d = {.from = {{6, 6, 6, 6}, 666, 4},
                              .to = there,
                              .mark = 4,
                              .bytes = &byte,
                              .length = 1,
                              .ttl = 33};
    must(ns3c_udp_spoof(w, 0, &d));
    ns3c_run(w, 100 * MS);
    assert_int_equal(count, 1);
    assert_int_equal(got[0].from.ip[0], 6);
    assert_int_equal(got[0].from.port, 666);
    assert_int_equal(got[0].ttl, 33);
    end();
}

static bool lose_odd(void *data, uint32_t port)
{
    uint32_t *seen = data;
    (void)port;
    return (*seen)++ % 2 == 1;
}

static void errors_lose_what_they_decide(void **state)
{
    (void)state;
    uint32_t port[2], seen = 0;
    begin();
    uint32_t socket = two_hosts(plain(100 * MBIT, 0, 0), port);
    struct ns3c_errors errors = {.kind = NS3C_CALL, .corrupt = lose_odd, .data = &seen};
    must(ns3c_receive_errors(w, port[1], &errors));
    for (uint64_t i = 0; i < 10; i++)
        send(socket, there, SIZE, i, 64);
    ns3c_run(w, 100 * MS);
    assert_int_equal(seen, 10);
    assert_int_equal(count, 5);
    errors = (struct ns3c_errors){.kind = NS3C_PER_PACKET, .rate = 1, .stream = 1};
    must(ns3c_receive_errors(w, port[1], &errors));
    send(socket, there, SIZE, 1, 64);
    ns3c_run(w, 200 * MS);
    assert_int_equal(count, 5);
    end();
}

static void note_time(void *data, uint64_t number)
{
    uint64_t *order = data;
    *order = *order * 10 + number;
}

/* Those of one time in the order of their making, also when others make them. */
static void run_processes_all_before_its_end_and_nothing_after(void **state)
{
    (void)state;
    uint64_t order = 0;
    begin();
    ns3c_schedule(w, 10, note_time, &order, 3);
    ns3c_schedule(w, 9, note_time, &order, 1);
    ns3c_schedule(w, 9, note_time, &order, 2);
    assert_int_equal(ns3c_pending(w), 3);
    ns3c_run(w, 10);
    assert_int_equal(order, 12);
    assert_int_equal(ns3c_pending(w), 1);
    ns3c_schedule(w, 0, note_time, &order, 4); /* long past: now, which is 9 */
    ns3c_run(w, 11);
    assert_int_equal(order, 1243);
    end();
}

static void attributes_are_set_and_read_by_name(void **state)
{
    (void)state;
    uint32_t port[2];
    char text[32];
    must(ns3c_default("ns3::PointToPointNetDevice::Mtu", "1234"));
    begin();
    two_hosts(plain(MBIT, 0, 0), port);
    assert_int_equal(ns3c_get(w, NS3C_DEVICE, port[0], "Mtu", text, sizeof text), 4);
    assert_string_equal(text, "1234");
    assert_int_equal(ns3c_set(w, NS3C_DEVICE, port[0], "Mtu", "900"), 0);
    assert_int_equal(ns3c_get(w, NS3C_DEVICE, port[0], "Mtu", text, 3), 3);
    assert_string_equal(text, "90"); /* as far as there is room */
    assert_int_equal(ns3c_set(w, NS3C_DEVICE, port[0], "Mtu", "70000"), NS3C_UNKNOWN);
    assert_int_equal(ns3c_set(w, NS3C_DEVICE, port[0], "Colour", "1"), NS3C_UNKNOWN);
    assert_int_equal(ns3c_set(w, NS3C_QUEUE, port[0], "MaxSize", "7p"), 0);
    assert_int_equal(ns3c_default("ns3::NoSuchThing::Size", "1"), NS3C_UNKNOWN);
    end();
}

static void wrong_use_is_refused_with_a_reason(void **state)
{
    (void)state;
    struct ns3c *other;
    uint32_t port[2];
    begin();
    uint32_t a = must(ns3c_node(w, NS3C_IPV4)), b = must(ns3c_node(w, 0));
    const uint32_t nodes[] = {a, b}, unknown[] = {a, 77};
    const struct ns3c_options slow = {.scheduler = "ns3::Node"};
    struct ns3c_link link = plain(0, 0, 0);
    assert_int_equal(ns3c_open(&other, NULL), NS3C_BUSY);
    assert_int_equal(ns3c_point_to_point(w, nodes, &link, port), NS3C_RANGE);
    link = plain(MBIT, 0, 0);
    assert_int_equal(ns3c_point_to_point(w, unknown, &link, port), NS3C_RANGE);
    must(ns3c_point_to_point(w, nodes, &link, port));
    assert_int_equal(ns3c_address(w, port[1], &here, 24), NS3C_LACKS);
    assert_int_equal(ns3c_address(w, port[0], &here6, 64), NS3C_LACKS);
    assert_int_equal(ns3c_address(w, port[0], &here, 33), NS3C_RANGE);
    assert_int_equal(ns3c_forward(w, a, translate, NULL), NS3C_LACKS);
    assert_int_equal(ns3c_tap(w, a, 0, port), NS3C_LACKS); /* time is virtual */
    assert_int_equal(ns3c_udp(w, b, &here, receive, NULL), NS3C_LACKS);
    must(ns3c_address(w, port[0], &here, 24));
    must(ns3c_udp(w, a, &here, receive, NULL));
    assert_int_equal(ns3c_udp(w, a, &here, receive, NULL), NS3C_SYSTEM);
    assert_string_equal(ns3c_why(), "the address is taken");
    assert_int_equal(ns3c_pcap(w, port[0], "/no/such/folder/x.pcap"), NS3C_SYSTEM);
    assert_int_equal(ns3c_flows(w, NULL, NULL), NS3C_LACKS);
    end();
    assert_int_equal(ns3c_open(&w, &slow), NS3C_UNKNOWN);
}

static struct ns3c_flow seen_flow;
static uint32_t flows;

static void see_flow(void *data, const struct ns3c_flow *flow)
{
    (void)data;
    seen_flow = *flow;
    flows++;
}

static void a_flow_is_counted_from_end_to_end(void **state)
{
    (void)state;
    uint32_t port[2];
    begin();
    uint32_t socket = two_hosts(plain(MBIT, 10 * MS, 0), port);
    must(ns3c_flows_watch(w, 4));
    ns3c_run(w, 1);
    for (uint64_t i = 0; i < 3; i++)
        send(socket, there, SIZE, i, 64);
    ns3c_run(w, 1000 * MS);
    flows = 0;
    must(ns3c_flows(w, see_flow, NULL));
    assert_int_equal(flows, 1);
    assert_int_equal(seen_flow.packets_sent, 3);
    assert_int_equal(seen_flow.packets_received, 3);
    assert_int_equal(seen_flow.bytes_received, 3 * (SIZE + IP_UDP));
    assert_int_equal(seen_flow.delay_sum_ns,
                     3 * 10 * MS + (1 + 2 + 3) * takes(SIZE + IP_UDP, MBIT));
    assert_int_equal(seen_flow.to.port, there.port);
    assert_memory_equal(seen_flow.from.ip, here.ip, 16);
    end();
}

/* The magic number of nanosecond captures; 100 bytes of payload behind PPP. */
static void a_capture_holds_what_the_link_carried(void **state)
{
    (void)state;
    char file[] = "/tmp/ns3c-XXXXXX";
    uint8_t bytes[300];
    uint32_t port[2], magic, length;
    int made = mkstemp(file);
    assert_true(made >= 0);
    close(made);
    begin();
    uint32_t socket = two_hosts(plain(MBIT, 0, 0), port);
    must(ns3c_pcap(w, port[0], file));
    send(socket, there, SIZE, 1, 64);
    ns3c_run(w, 100 * MS);
    end();
    FILE *f = fopen(file, "rb");
    assert_non_null(f);
    size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    unlink(file);
    assert_int_equal(n, 24 + 16 + PPP + IP_UDP + SIZE);
    memcpy(&magic, bytes, 4);
    memcpy(&length, bytes + 24 + 12, 4);
    assert_int_equal(magic, 0xa1b23c4d);
    assert_int_equal(length, PPP + IP_UDP + SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_datagram_takes_its_bits_by_the_rate_and_the_delay),
        cmocka_unit_test(ipv6_goes_the_same_way),
        cmocka_unit_test(a_full_queue_drops_the_newest),
        cmocka_unit_test(codel_keeps_the_queue_short_where_drop_tail_lets_it_grow),
        cmocka_unit_test(a_hook_rewrites_what_crosses_it),
        cmocka_unit_test(a_hook_may_replace_the_bytes),
        cmocka_unit_test(a_hook_sees_each_piece_and_the_host_the_whole),
        cmocka_unit_test(what_a_hook_says_must_not_be_cut_is_not),
        cmocka_unit_test(a_node_without_a_stack_sends_by_itself),
        cmocka_unit_test(a_cloud_delays_and_drops_as_it_is_told),
        cmocka_unit_test(hosts_of_one_segment_find_each_other_by_arp),
        cmocka_unit_test(ipv6_neighbours_find_each_other_although_their_lines_have_their_addresses),
        cmocka_unit_test(a_port_without_a_socket_is_caught),
        cmocka_unit_test(a_spoofed_datagram_comes_from_where_it_says),
        cmocka_unit_test(errors_lose_what_they_decide),
        cmocka_unit_test(run_processes_all_before_its_end_and_nothing_after),
        cmocka_unit_test(attributes_are_set_and_read_by_name),
        cmocka_unit_test(wrong_use_is_refused_with_a_reason),
        cmocka_unit_test(a_flow_is_counted_from_end_to_end),
        cmocka_unit_test(a_capture_holds_what_the_link_carried),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
