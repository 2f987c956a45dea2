/* Hosts ask for ports: NAT-PMP (RFC 6886), PCP (RFC 6887), UPnP-IGD.  Messages are
 * written here byte by byte, as the RFCs draw them. */
#include "nat-models/test/lab.h"
#include "nat-models/upnp.h"

#define HOST    "192.168.0.2"
#define CLIENT  "192.168.0.2:50000"
#define OTHER   "192.168.0.3:50000"
#define GATEWAY "192.168.0.1:5351"
#define ANYCAST "192.0.0.9:5351"
#define Y1      "5.6.7.8:1000"

struct reply {
    uint8_t bytes[1200];
    uint32_t length; /* 0: silence */
    struct addr from, to;
};

static struct lab open_box(const char *knobs)
{
    struct addr gateway = lab_addr(GATEWAY);
    struct lab lab = lab_open(knobs);
    nat_set_gateway(lab.nat, &gateway);
    return lab;
}

/* The one datagram that waits; none is of length 0. */
static struct reply receive(struct lab *lab)
{
    struct reply reply = {.length = 0};
    struct nat_datagram d;
    enum nat_side side;
    if (!nat_output(lab->nat, &d, &side))
        return reply;
    assert_int_equal(side, NAT_INSIDE);
    assert_int_equal(d.protocol, NAT_UDP);
    assert_true(d.length <= sizeof reply.bytes);
    memcpy(reply.bytes, d.bytes, d.length);
    reply.length = d.length;
    reply.from = d.from;
    reply.to = d.to;
    return reply;
}

static struct reply ask(struct lab *lab, mist_time t, const char *from, const char *to,
                        const uint8_t *bytes, uint32_t length)
{
    uint8_t copy[1200];
    struct nat_datagram d = lab_datagram(lab_addr(from), lab_addr(to));
    memcpy(copy, bytes, length);
    d.bytes = copy;
    d.length = length;
    assert_int_equal(nat_outbound(lab->nat, t, &d), NAT_DROP_KEPT);
    return receive(lab);
}

static uint32_t number(const uint8_t *at, int bytes)
{
    uint32_t value = 0;
    for (int i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

static void put(uint8_t *at, uint32_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--, value >>= 8)
        at[i] = (uint8_t)value;
}

#define expect_in(lab, t, from, to, who)   assert_string_equal(lab_in(lab, t, from, to), who)
#define expect_out(lab, t, from, to, seen) assert_string_equal(lab_out(lab, t, from, to), seen)

/* ---- NAT-PMP ---- */

/* 12 bytes: version 0, opcode, reserved, internal port, external port, lifetime. */
static struct reply ask_pmp(struct lab *lab, mist_time t, const char *from, uint8_t opcode,
                            uint16_t inside, uint16_t outside, uint32_t lifetime)
{
    uint8_t bytes[12] = {0, opcode};
    put(bytes + 4, inside, 2);
    put(bytes + 6, outside, 2);
    put(bytes + 8, lifetime, 4);
    return ask(lab, t, from, GATEWAY, bytes, sizeof bytes);
}

static void nat_pmp_tells_the_external_address_and_the_epoch(void **state)
{
    static const uint8_t request[] = {0, 0};
    static const uint8_t answer[] = {0, 128, 0, 0, 0, 0, 1, 2, 1, 2, 3, 4}; /* epoch 258 */
    char text[ADDR_TEXT];
    (void)state;
    struct lab lab = open_box("nat_pmp: on");
    struct reply r = ask(&lab, SEC(258) + 7, CLIENT, GATEWAY, request, sizeof request);
    assert_int_equal(r.length, sizeof answer);
    assert_memory_equal(r.bytes, answer, sizeof answer);
    assert_string_equal(addr_format(&r.from, text), GATEWAY);
    assert_string_equal(addr_format(&r.to, text), CLIENT);
    assert_int_equal(lab_count(&lab, SEC(259), "mappings_made"), 0);
    lab_close(&lab);
}

static void nat_pmp_maps_ports(void **state)
{
    static const uint8_t answer[] = {0,    129,  0,    0,    0, 0, 0,  1,
                                     0x1f, 0x90, 0x27, 0x10, 0, 0, 28, 32}; /* 8080, 10000, 7200 */
    (void)state;
    struct lab lab = open_box("nat_pmp: on; idle: 30 s");
    struct reply r = ask_pmp(&lab, SEC(1), CLIENT, 1, 8080, 10000, 7200);
    assert_int_equal(r.length, sizeof answer);
    assert_memory_equal(r.bytes, answer, sizeof answer);
    expect_in(&lab, SEC(2), Y1, "1.2.3.4:10000", HOST ":8080");
    expect_out(&lab, SEC(2), HOST ":8080", Y1, "1.2.3.4:10000"); /* the first one already */
    r = ask_pmp(&lab, SEC(3), OTHER, 1, 8080, 10000, 7200);      /* taken: another one */
    assert_int_equal(number(r.bytes + 2, 2), 0);
    assert_int_equal(number(r.bytes + 10, 2), 8080);
    expect_in(&lab, SEC(3), Y1, "1.2.3.4:8080", "192.168.0.3:8080");
    r = ask_pmp(&lab, SEC(4), OTHER, 2, 8080, 10000, 7200); /* TCP has ports of its own */
    assert_int_equal(number(r.bytes + 10, 2), 10000);
    expect_in(&lab, SEC(7201) - 1, Y1, "1.2.3.4:10000", HOST ":8080");
    expect_in(&lab, SEC(7201), Y1, "1.2.3.4:10000", "no_mapping");
    lab_close(&lab);
}

static void the_port_asked_for_may_be_free_at_another_address(void **state)
{
    (void)state;
    struct lab lab = open_box("nat_pmp: on; pool: 2");
    for (int i = 0; i < 2; i++) {
        struct reply r = ask_pmp(&lab, 0, CLIENT, 1, (uint16_t)(8080 + i), 10000, 7200);
        assert_int_equal(number(r.bytes + 10, 2), 10000);
    }
    expect_in(&lab, 0, Y1, "1.2.3.4:10000", HOST ":8080");
    expect_in(&lab, 0, Y1, "1.2.3.5:10000", HOST ":8081");
    struct reply r = ask_pmp(&lab, 0, CLIENT, 1, 8082, 10000, 7200);
    assert_int_equal(number(r.bytes + 10, 2), 8082);
    lab_close(&lab);
}

static void nat_pmp_deletes_one_or_all_of_a_host(void **state)
{
    (void)state;
    struct lab lab = open_box("nat_pmp: on");
    for (uint16_t port = 8000; port < 8004; port++)
        ask_pmp(&lab, 0, CLIENT, 1, port, 0, 7200);
    ask_pmp(&lab, 0, CLIENT, 2, 8000, 0, 7200);
    ask_pmp(&lab, 0, OTHER, 1, 9000, 0, 7200);
    struct reply r = ask_pmp(&lab, 0, CLIENT, 1, 8000, 8000, 0);
    assert_int_equal(r.length, 16);
    assert_int_equal(number(r.bytes + 2, 2), 0);
    assert_int_equal(number(r.bytes + 8, 2), 8000);
    assert_int_equal(number(r.bytes + 10, 2), 0);
    assert_int_equal(number(r.bytes + 12, 4), 0);
    assert_int_equal(lab_count(&lab, 0, "mappings"), 5);
    ask_pmp(&lab, 0, CLIENT, 1, 0, 0, 0);
    assert_int_equal(lab_count(&lab, 0, "mappings"), 2); /* its TCP one and the other host's */
    lab_close(&lab);
}

static void nat_pmp_refuses_by_its_result_codes(void **state)
{
    static const uint8_t version[] = {1, 0}, opcode[] = {0, 3}, answer[] = {0, 131};
    (void)state;
    struct lab lab = open_box("nat_pmp: on; table_capacity: 1");
    struct reply r = ask(&lab, 0, CLIENT, GATEWAY, version, 2);
    assert_int_equal(r.length, 8);
    assert_int_equal(r.bytes[0], 0);
    assert_int_equal(number(r.bytes + 2, 2), 1); /* unsupported version */
    r = ask(&lab, 0, CLIENT, GATEWAY, opcode, 2);
    assert_int_equal(r.bytes[1], 131);
    assert_int_equal(number(r.bytes + 2, 2), 5); /* unsupported opcode */
    ask_pmp(&lab, 0, CLIENT, 1, 8000, 0, 7200);
    r = ask_pmp(&lab, 0, CLIENT, 1, 8001, 0, 7200);
    assert_int_equal(number(r.bytes + 2, 2), 4); /* out of resources */
    r = ask_pmp(&lab, 0, CLIENT, 1, 8000, 0, 7200);
    assert_int_equal(number(r.bytes + 2, 2), 0); /* what is there is renewed */
    assert_int_equal(ask(&lab, 0, CLIENT, GATEWAY, answer, 2).length, 0); /* no request */
    assert_int_equal(ask(&lab, 0, CLIENT, GATEWAY, (uint8_t[]){0, 128}, 2).length, 0);
    assert_int_equal(ask(&lab, 0, CLIENT, GATEWAY, (uint8_t[]){1, 128}, 2).length, 0);
    assert_int_equal(ask(&lab, 0, CLIENT, GATEWAY, version, 1).length, 0);
    lab_close(&lab);
}

static void a_lifetime_is_granted_up_to_the_boxs_most(void **state)
{
    (void)state;
    struct lab lab = open_box("nat_pmp: on; pcp: on; map_lifetime: 1 h");
    struct reply r = ask_pmp(&lab, 0, CLIENT, 1, 8000, 0, 7200);
    assert_int_equal(number(r.bytes + 12, 4), 3600);
    expect_in(&lab, SEC(3600) - 1, Y1, "1.2.3.4:8000", HOST ":8000");
    expect_in(&lab, SEC(3600), Y1, "1.2.3.4:8000", "no_mapping");
    lab_close(&lab);
}

static void only_a_box_that_speaks_it_hears_it(void **state)
{
    static const uint8_t request[] = {0, 0};
    (void)state;
    struct lab lab = open_box("");
    assert_int_equal(ask(&lab, 0, CLIENT, GATEWAY, request, 2).length, 0);
    expect_out(&lab, 0, CLIENT, ANYCAST, "1.2.3.4:50000"); /* for a box further out */
    expect_in(&lab, 0, "192.0.0.9:5351", "1.2.3.4:50000", CLIENT);
    lab_close(&lab);
    lab = open_box("nat_pmp: on");
    assert_int_equal(ask(&lab, 0, CLIENT, ANYCAST, request, 2).length, 12);
    expect_in(&lab, 0, Y1, "1.2.3.4:5351", "no_mapping"); /* nobody asks from outside */
    struct nat_datagram d = lab_datagram(lab_addr(CLIENT), lab_addr(ANYCAST));
    d.protocol = NAT_TCP;
    assert_int_equal(nat_outbound(lab.nat, 0, &d), NAT_PASS); /* the protocols are UDP's */
    lab_close(&lab);
}

/* ---- PCP ---- */

static const uint8_t nonce[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

/* A request of 24 bytes from 192.168.0.2; longer with `length`. */
static void pcp_head(uint8_t *bytes, uint8_t opcode, uint32_t lifetime)
{
    memset(bytes, 0, 200);
    bytes[0] = 2;
    bytes[1] = opcode;
    put(bytes + 4, lifetime, 4);
    bytes[18] = bytes[19] = 0xff;
    memcpy(bytes + 20, lab_addr(CLIENT).ip, 4);
}

/* MAP, 60 bytes; external "0.0.0.0:0" leaves the choice to the box. */
static void pcp_map(uint8_t *bytes, uint8_t protocol, uint16_t inside, const char *external,
                    uint32_t lifetime)
{
    struct addr e = lab_addr(external);
    pcp_head(bytes, 1, lifetime);
    memcpy(bytes + 24, nonce, 12);
    bytes[36] = protocol;
    put(bytes + 40, inside, 2);
    put(bytes + 42, e.port, 2);
    bytes[54] = bytes[55] = 0xff;
    memcpy(bytes + 56, e.ip, 4);
}

/* Appends an option; returns the new length. */
static uint32_t pcp_option(uint8_t *bytes, uint32_t length, uint8_t code, const uint8_t *data,
                           uint32_t size)
{
    bytes[length] = code;
    bytes[length + 1] = 0;
    put(bytes + length + 2, size, 2);
    if (size > 0)
        memcpy(bytes + length + 4, data, size);
    return length + 4 + (size + 3) / 4 * 4;
}

static void expect_result(const struct reply *r, uint8_t opcode, uint8_t result, uint32_t lifetime)
{
    assert_true(r->length >= 24 && r->length % 4 == 0);
    assert_int_equal(r->bytes[0], 2);
    assert_int_equal(r->bytes[1], 128 + opcode);
    assert_int_equal(r->bytes[2], 0);
    assert_int_equal(r->bytes[3], result);
    assert_int_equal(number(r->bytes + 4, 4), lifetime);
}

static void pcp_announces_when_asked(void **state)
{
    uint8_t bytes[200];
    (void)state;
    struct lab lab = open_box("pcp: on");
    pcp_head(bytes, 0, 0);
    struct reply r = ask(&lab, SEC(77), CLIENT, ANYCAST, bytes, 24);
    expect_result(&r, 0, 0, 0);
    assert_int_equal(r.length, 24);
    assert_int_equal(number(r.bytes + 8, 4), 77);
    lab_close(&lab);
}

static void pcp_maps_ports(void **state)
{
    uint8_t bytes[200];
    (void)state;
    struct lab lab = open_box("pcp: on; idle: 30 s");
    pcp_map(bytes, NAT_UDP, 8080, "1.2.3.4:10000", 600);
    struct reply r = ask(&lab, SEC(5), CLIENT, GATEWAY, bytes, 60);
    expect_result(&r, 1, 0, 600);
    assert_int_equal(r.length, 60);
    assert_int_equal(number(r.bytes + 8, 4), 5);
    assert_memory_equal(r.bytes + 24, bytes + 24, 60 - 24); /* as asked: nonce, ports, address */
    expect_in(&lab, SEC(605) - 1, Y1, "1.2.3.4:10000", HOST ":8080");
    expect_in(&lab, SEC(605), Y1, "1.2.3.4:10000", "no_mapping");
    pcp_map(bytes, NAT_UDP, 8081, "0.0.0.0:0", 7); /* section 15: at least two minutes */
    r = ask(&lab, SEC(700), CLIENT, GATEWAY, bytes, 60);
    expect_result(&r, 1, 0, 120);
    assert_int_equal(number(r.bytes + 42, 2), 8081);
    assert_int_equal(number(r.bytes + 56, 4), 0x01020304);
    pcp_map(bytes, NAT_UDP, 8081, "0.0.0.0:0", 0);
    r = ask(&lab, SEC(701), CLIENT, GATEWAY, bytes, 60);
    expect_result(&r, 1, 0, 0);
    expect_in(&lab, SEC(701), Y1, "1.2.3.4:8081", "no_mapping");
    lab_close(&lab);
}

/* Section 11.3: who does not know the nonce may not touch the mapping. */
static void a_pcp_mapping_is_its_nonces(void **state)
{
    uint8_t bytes[200];
    (void)state;
    struct lab lab = open_box("pcp: on");
    pcp_map(bytes, NAT_UDP, 8080, "0.0.0.0:0", 600);
    ask(&lab, 0, CLIENT, GATEWAY, bytes, 60);
    for (uint32_t lifetime = 0; lifetime <= 600; lifetime += 600) {
        pcp_map(bytes, NAT_UDP, 8080, "0.0.0.0:0", lifetime);
        bytes[35]++;
        struct reply r = ask(&lab, 0, CLIENT, GATEWAY, bytes, 60);
        expect_result(&r, 1, 2, 1800);
    }
    expect_in(&lab, 0, Y1, "1.2.3.4:8080", HOST ":8080");
    lab_close(&lab);
}

static void prefer_failure_wants_that_port_or_none(void **state)
{
    uint8_t bytes[200];
    (void)state;
    struct lab lab = open_box("pcp: on");
    expect_out(&lab, 0, OTHER, Y1, "1.2.3.4:50000");
    for (int prefer = 0; prefer < 2; prefer++) {
        pcp_map(bytes, NAT_UDP, (uint16_t)(8080 + prefer), "1.2.3.4:50000", 600);
        uint32_t length = prefer ? pcp_option(bytes, 60, 2, NULL, 0) : 60;
        struct reply r = ask(&lab, 0, CLIENT, GATEWAY, bytes, length);
        expect_result(&r, 1, prefer ? 11 : 0, prefer ? 30 : 600);
        if (!prefer)
            assert_int_equal(number(r.bytes + 42, 2), 8080);
    }
    lab_close(&lab);
}

static void a_pcp_filter_lets_in_whom_it_names(void **state)
{
    uint8_t bytes[200], filter[20] = {0, 96 + 24, [14] = 0xff, [15] = 0xff, 5, 6, 7, 0};
    (void)state;
    struct lab lab = open_box("pcp: on");
    for (int only = 1; only >= 0; only--) {
        filter[1] = only ? 96 + 24 : 0; /* 0 deletes all filters */
        pcp_map(bytes, NAT_UDP, 8080, "0.0.0.0:0", 600);
        uint32_t length = pcp_option(bytes, 60, 3, filter, sizeof filter);
        struct reply r = ask(&lab, 0, CLIENT, GATEWAY, bytes, length);
        expect_result(&r, 1, 0, 600);
        expect_in(&lab, 0, "5.6.7.200:9", "1.2.3.4:8080", HOST ":8080");
        expect_in(&lab, 0, "5.6.8.1:9", "1.2.3.4:8080", only ? "filter" : HOST ":8080");
    }
    lab_close(&lab);
}

/* PEER is MAP with a remote, 80 bytes. */
static void a_pcp_peer_keeps_a_hole_open_without_packets(void **state)
{
    uint8_t bytes[200];
    struct addr remote = lab_addr(Y1);
    static const char *const boxes[] = {"pcp: on; idle: 30 s; ports: random; mapping: apdm",
                                        "pcp: on; idle: 30 s; filter_lifetime: session"};
    (void)state;
    for (int box = 0; box < 2; box++) {
        struct lab lab = open_box(boxes[box]);
        pcp_map(bytes, NAT_UDP, 8080, "0.0.0.0:0", 3600);
        bytes[1] = 2;
        put(bytes + 60, remote.port, 2);
        bytes[74] = bytes[75] = 0xff;
        memcpy(bytes + 76, remote.ip, 4);
        struct reply r = ask(&lab, SEC(1), CLIENT, GATEWAY, bytes, 80);
        expect_result(&r, 2, 0, 3600);
        assert_int_equal(r.length, 80);
        char seen[ADDR_TEXT];
        struct addr external = addr_v4(number(r.bytes + 56, 4), (uint16_t)number(r.bytes + 42, 2));
        addr_format(&external, seen);
        expect_in(&lab, SEC(1000), "6.6.6.6:1000", seen, "filter");
        expect_out(&lab, SEC(1000), HOST ":8080", Y1, seen);
        expect_in(&lab, SEC(3601) - 1, Y1, seen, HOST ":8080");
        expect_in(&lab, SEC(3601), Y1, seen, "no_mapping");
        lab_close(&lab);
    }
}

/* Section 7.4; each row changes one byte of a good MAP request. */
static void pcp_refuses_by_its_result_codes(void **state)
{
    static const struct {
        uint32_t at;
        uint8_t value;
        uint32_t length;
        uint8_t result;
    } cases[] = {
        {0, 3, 60, 1},    /* version */
        {1, 3, 60, 4},    /* opcode */
        {23, 9, 60, 12},  /* client address */
        {36, 132, 60, 9}, /* SCTP */
        {36, 0, 60, 3},   /* protocol 0 with a port */
        {0, 2, 56, 3},    /* too short for MAP */
        {0, 2, 61, 3},    /* no multiple of four */
        {60, 1, 64, 5},   /* option THIRD_PARTY */
        {60, 200, 64, 0}, /* an option that may be left out */
        {60, 128, 64, 0}, /* the first of those */
        {60, 127, 64, 5}, /* the last that may not */
        {63, 8, 64, 6},   /* an option longer than the message */
        {60, 3, 64, 6},   /* FILTER without data */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t bytes[200];
        struct lab lab = open_box("pcp: on");
        pcp_map(bytes, NAT_UDP, 8080, "0.0.0.0:0", 600);
        bytes[60] = 200;
        bytes[cases[i].at] = cases[i].value;
        struct reply r = ask(&lab, 0, CLIENT, GATEWAY, bytes, cases[i].length);
        expect_result(&r, bytes[1], cases[i].result, cases[i].result ? 1800 : 600);
        assert_int_equal(lab_count(&lab, 0, "mappings"), cases[i].result == 0);
        lab_close(&lab);
    }
}

static void pcp_answers_no_answers_and_no_giants(void **state)
{
    uint8_t bytes[1200] = {2, 129};
    (void)state;
    struct lab lab = open_box("pcp: on");
    assert_int_equal(ask(&lab, 0, CLIENT, GATEWAY, bytes, 60).length, 0); /* a response */
    assert_int_equal(ask(&lab, 0, CLIENT, GATEWAY, bytes, 1).length, 0);
    bytes[1] = 1;
    struct reply r = ask(&lab, 0, CLIENT, GATEWAY, bytes, 1104);
    expect_result(&r, 1, 3, 1800);
    assert_int_equal(r.length, 1100);
    lab_close(&lab);
}

/* A box whose one port is given has none left, whichever is suggested. */
static void a_full_box_has_no_resources(void **state)
{
    uint8_t bytes[200];
    (void)state;
    struct lab lab = open_box("pcp: on; nat_pmp: on; range: [9000, 9000]");
    pcp_map(bytes, NAT_UDP, 8080, "0.0.0.0:0", 600);
    memset(bytes + 44, 0, 16); /* "::" suggests nothing, too */
    struct reply r = ask(&lab, 0, CLIENT, GATEWAY, bytes, 60);
    expect_result(&r, 1, 0, 600);
    assert_int_equal(number(r.bytes + 54, 2), 0xffff);
    assert_int_equal(number(r.bytes + 56, 4), 0x01020304);
    pcp_map(bytes, NAT_UDP, 8081, "0.0.0.0:0", 600);
    r = ask(&lab, 0, CLIENT, GATEWAY, bytes, 60);
    expect_result(&r, 1, 8, 30);
    pcp_map(bytes, NAT_UDP, 8081, "1.2.3.4:9000", 600);
    r = ask(&lab, 0, CLIENT, GATEWAY, bytes, 60);
    expect_result(&r, 1, 8, 30);
    r = ask_pmp(&lab, 0, CLIENT, 1, 8081, 9000, 7200);
    assert_int_equal(number(r.bytes + 2, 2), 4);
    lab_close(&lab);
}

static void no_room_and_quota_are_short_errors(void **state)
{
    uint8_t bytes[200];
    struct addr remote = lab_addr(Y1);
    (void)state;
    struct lab lab = open_box("pcp: on; table_capacity: 1; quota_ports: 1");
    expect_out(&lab, 0, HOST ":7", Y1, "1.2.3.4:1024");
    pcp_map(bytes, NAT_UDP, 8080, "0.0.0.0:0", 600);
    struct reply r = ask(&lab, 0, CLIENT, GATEWAY, bytes, 60);
    expect_result(&r, 1, 8, 30);
    bytes[1] = 2;
    put(bytes + 60, remote.port, 2);
    bytes[74] = bytes[75] = 0xff;
    memcpy(bytes + 76, remote.ip, 4);
    r = ask(&lab, 0, CLIENT, GATEWAY, bytes, 80);
    expect_result(&r, 2, 10, 30);
    lab_close(&lab);
}

/* RFC 6887 appendix A and RFC 6886 section 3.5: either tells the other what it is not. */
static void a_box_with_one_protocol_refuses_the_other(void **state)
{
    uint8_t bytes[200], old[] = {0, 0};
    (void)state;
    struct lab lab = open_box("pcp: on");
    struct reply r = ask(&lab, 0, CLIENT, GATEWAY, old, 2);
    assert_int_equal(r.length, 8);
    assert_int_equal(number(r.bytes, 4), 0x00800001);
    lab_close(&lab);
    lab = open_box("nat_pmp: on");
    pcp_map(bytes, NAT_UDP, 8080, "0.0.0.0:0", 600);
    r = ask(&lab, 0, CLIENT, GATEWAY, bytes, 60);
    assert_int_equal(r.length, 8);
    assert_int_equal(number(r.bytes, 4), 0x00810001);
    lab_close(&lab);
}

/* ---- announcements ---- */

/* RFC 6886 section 3.2.1: ten, 250 ms apart at first, then twice as long each. */
static void expect_announcements(struct lab *lab, mist_time at, const char *address)
{
    char text[ADDR_TEXT];
    mist_time gap = MS(250), from = at;
    for (int i = 0; i < 10; i++, at += gap, gap *= 2) {
        assert_int_equal(nat_deadline(lab->nat), at);
        nat_tick(lab->nat, at);
        struct reply pmp = receive(lab), pcp = receive(lab);
        assert_int_equal(pmp.length, 12);
        assert_string_equal(addr_format(&pmp.from, text), GATEWAY);
        assert_string_equal(addr_format(&pmp.to, text), "224.0.0.1:5350");
        assert_int_equal(number(pmp.bytes, 4), 0x00800000);
        assert_int_equal(number(pmp.bytes + 4, 4), (at - from) / SEC(1));
        struct addr told = addr_v4(number(pmp.bytes + 8, 4), 0), is = lab_addr(address);
        assert_true(addr_equal(&told, &is));
        expect_result(&pcp, 0, 0, 0);
        assert_int_equal(number(pcp.bytes + 8, 4), (at - from) / SEC(1));
        assert_int_equal(receive(lab).length, 0);
    }
    assert_int_equal(nat_deadline(lab->nat), MIST_NEVER);
}

static void a_box_that_lost_its_tables_says_so_ten_times(void **state)
{
    struct addr other = lab_addr("9.9.9.9");
    (void)state;
    struct lab lab = open_box("nat_pmp: on; pcp: on; down: 5 s");
    assert_int_equal(nat_deadline(lab.nat), MIST_NEVER);
    ask_pmp(&lab, SEC(100), CLIENT, 1, 8080, 0, 7200);
    nat_reboot(lab.nat, SEC(200));
    expect_announcements(&lab, SEC(205), "1.2.3.4");
    expect_in(&lab, SEC(400), Y1, "1.2.3.4:8080", "no_mapping");
    nat_readdress(lab.nat, SEC(1000), &other);
    expect_announcements(&lab, SEC(1000), "9.9.9.9");
    nat_flush(lab.nat, SEC(2000)); /* static mappings stay, and so does the epoch */
    assert_int_equal(nat_deadline(lab.nat), MIST_NEVER);
    static const uint8_t request[] = {0, 0};
    struct reply r = ask(&lab, SEC(2001), CLIENT, GATEWAY, request, 2);
    assert_int_equal(number(r.bytes + 4, 4), 1001);
    lab_close(&lab);
}

/* ---- UPnP-IGD ---- */

static enum nat_upnp_error add(struct lab *lab, const char *inside, uint16_t port, uint32_t lease_s)
{
    struct addr host = lab_addr(inside);
    return nat_upnp_add(lab->nat, 0, NAT_UDP, &host, port, lease_s);
}

static void upnp_maps_and_refuses_by_its_codes(void **state)
{
    (void)state;
    struct lab lab = lab_open("upnp: igd1");
    assert_int_equal(add(&lab, HOST ":8080", 9000, 60), NAT_UPNP_DONE);
    expect_in(&lab, SEC(60) - 1, Y1, "1.2.3.4:9000", HOST ":8080");
    lab_close(&lab);
    lab = lab_open("upnp: igd1");
    assert_int_equal(add(&lab, HOST ":8080", 9000, 0), NAT_UPNP_DONE);
    assert_int_equal(add(&lab, HOST ":8080", 9000, 0), NAT_UPNP_DONE); /* once more: renewed */
    assert_int_equal(add(&lab, "192.168.0.3:8080", 9000, 0), 718);
    assert_int_equal(add(&lab, "192.168.0.3:8080", 0, 0), 716);
    assert_int_equal(add(&lab, "192.168.0.3:0", 9001, 0), 402);
    assert_int_equal(add(&lab, HOST ":8080", 9001, 0), NAT_UPNP_DONE); /* elsewhere now */
    expect_in(&lab, SEC(1000000), Y1, "1.2.3.4:9000", "no_mapping");
    expect_in(&lab, SEC(1000000), Y1, "1.2.3.4:9001", HOST ":8080"); /* lease 0 is for good */
    assert_int_equal(nat_upnp_delete(lab.nat, SEC(1000000), NAT_UDP, 9000), 714);
    expect_out(&lab, SEC(1000000), OTHER, Y1, "1.2.3.4:50000");
    assert_int_equal(nat_upnp_delete(lab.nat, SEC(1000000), NAT_UDP, 50000), 714); /* no entry */
    struct addr web = lab_addr(HOST ":80");
    assert_int_equal(nat_upnp_add(lab.nat, SEC(1000000), NAT_TCP, &web, 80, 0), NAT_UPNP_DONE);
    assert_int_equal(nat_upnp_add(lab.nat, SEC(1000000), NAT_ICMP, &web, 80, 0), 402);
    assert_int_equal(nat_upnp_delete(lab.nat, SEC(1000000), NAT_UDP, 9001), NAT_UPNP_DONE);
    expect_in(&lab, SEC(1000000), Y1, "1.2.3.4:9001", "no_mapping");
    lab_close(&lab);
}

static void a_conflict_leaves_the_own_mapping_where_it_is(void **state)
{
    (void)state;
    struct lab lab = lab_open("upnp: igd1");
    assert_int_equal(add(&lab, HOST ":8080", 9000, 0), NAT_UPNP_DONE);
    assert_int_equal(add(&lab, "192.168.0.3:8080", 9001, 0), NAT_UPNP_DONE);
    assert_int_equal(add(&lab, HOST ":8080", 9001, 0), 718);
    expect_in(&lab, 0, Y1, "1.2.3.4:9000", HOST ":8080");
    lab_close(&lab);
}

static void kinds_of_upnp_differ_in_leases(void **state)
{
    struct addr host = lab_addr(HOST ":8080"), other = lab_addr("192.168.0.3:8080");
    uint16_t port = 9000;
    (void)state;
    struct lab lab = lab_open("upnp: igd1_permanent");
    assert_int_equal(add(&lab, HOST ":8080", 9000, 60), 725);
    assert_int_equal(add(&lab, HOST ":8080", 9000, 0), NAT_UPNP_DONE);
    assert_int_equal(nat_upnp_add_any(lab.nat, 0, NAT_UDP, &host, &port, 0), 401);
    lab_close(&lab);
    lab = lab_open("upnp: igd2; range: [9000, 9001]");
    assert_int_equal(add(&lab, HOST ":8080", 9000, 604801), 402);
    assert_int_equal(add(&lab, HOST ":8080", 9000, 0), NAT_UPNP_DONE);
    assert_int_equal(nat_upnp_add_any(lab.nat, 0, NAT_UDP, &other, &port, 60), NAT_UPNP_DONE);
    assert_int_equal(port, 9001);
    other.port++;
    assert_int_equal(nat_upnp_add_any(lab.nat, 0, NAT_UDP, &other, &port, 60), 728);
    expect_in(&lab, SEC(604800) - 1, Y1, "1.2.3.4:9000", HOST ":8080"); /* a week */
    expect_in(&lab, SEC(604800), Y1, "1.2.3.4:9000", "no_mapping");
    lab_close(&lab);
    lab = lab_open("");
    assert_int_equal(add(&lab, HOST ":8080", 9000, 0), 401);
    lab_close(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nat_pmp_tells_the_external_address_and_the_epoch),
        cmocka_unit_test(nat_pmp_maps_ports),
        cmocka_unit_test(the_port_asked_for_may_be_free_at_another_address),
        cmocka_unit_test(nat_pmp_deletes_one_or_all_of_a_host),
        cmocka_unit_test(nat_pmp_refuses_by_its_result_codes),
        cmocka_unit_test(a_lifetime_is_granted_up_to_the_boxs_most),
        cmocka_unit_test(only_a_box_that_speaks_it_hears_it),
        cmocka_unit_test(pcp_announces_when_asked),
        cmocka_unit_test(pcp_maps_ports),
        cmocka_unit_test(a_pcp_mapping_is_its_nonces),
        cmocka_unit_test(prefer_failure_wants_that_port_or_none),
        cmocka_unit_test(a_pcp_filter_lets_in_whom_it_names),
        cmocka_unit_test(a_pcp_peer_keeps_a_hole_open_without_packets),
        cmocka_unit_test(pcp_refuses_by_its_result_codes),
        cmocka_unit_test(pcp_answers_no_answers_and_no_giants),
        cmocka_unit_test(a_full_box_has_no_resources),
        cmocka_unit_test(no_room_and_quota_are_short_errors),
        cmocka_unit_test(a_box_with_one_protocol_refuses_the_other),
        cmocka_unit_test(a_box_that_lost_its_tables_says_so_ten_times),
        cmocka_unit_test(upnp_maps_and_refuses_by_its_codes),
        cmocka_unit_test(a_conflict_leaves_the_own_mapping_where_it_is),
        cmocka_unit_test(kinds_of_upnp_differ_in_leases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
