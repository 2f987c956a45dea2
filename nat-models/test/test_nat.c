/* The two axes, timers, hairpin and events, against RFC 4787's tables. */
#include "nat-models/test/lab.h"

#define A  "192.168.0.2:1234"
#define B  "192.168.0.3:1234"
#define Y1 "5.6.7.8:1000" /* Y:y */
#define Y2 "5.6.7.8:2000" /* the same address, another port */
#define Z1 "6.6.6.6:1000" /* another address */

#define expect_out(lab, t, from, to, seen) assert_string_equal(lab_out(lab, t, from, to), seen)
#define expect_in(lab, t, from, to, who)   assert_string_equal(lab_in(lab, t, from, to), who)

/* ---- mapping x filtering ---- */

/* RFC 4787 section 4.1: how many of the three remotes see another port. */
static void mapping_decides_which_remotes_see_the_same_port(void **state)
{
    static const struct {
        const char *knobs;
        bool port_same, address_same; /* towards another port, another address */
    } cases[] = {
        {"mapping: eim; ports: random", true, true},
        {"mapping: adm; ports: random", true, false},
        {"mapping: apdm; ports: random", false, false},
        {"mapping: eim; ports: sequential", true, true},
        {"mapping: adm; ports: sequential", true, false},
        {"mapping: apdm; ports: sequential", false, false},
        {"mapping: apdm; ports: preserve", true, true}, /* looks independent until a clash */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct lab lab = lab_open(cases[i].knobs);
        char seen[ADDR_TEXT];
        strcpy(seen, lab_out(&lab, 0, A, Y1));
        assert_string_equal(lab_out(&lab, 1, A, Y1), seen);
        assert_true((strcmp(lab_out(&lab, 2, A, Y2), seen) == 0) == cases[i].port_same);
        assert_true((strcmp(lab_out(&lab, 3, A, Z1), seen) == 0) == cases[i].address_same);
        assert_string_not_equal(lab_out(&lab, 4, B, Y1), seen); /* another host, another port */
        lab_close(&lab);
    }
}

/* RFC 4787 section 5, for each mapping: A sent to Y1 alone. */
static void filtering_decides_who_may_send_to_a_mapping(void **state)
{
    static const char *const mappings[] = {"eim", "adm", "apdm"};
    static const char *const ports[] = {"preserve", "random", "sequential", "overload"};
    static const struct {
        const char *filtering, *y2, *z1;
    } cases[] = {{"eif", A, A}, {"adf", A, "filter"}, {"apdf", "filter", "filter"}};
    (void)state;
    for (size_t i = 0; i < 36; i++) {
        char knobs[100];
        snprintf(knobs, sizeof knobs, "mapping: %s; filtering: %s; ports: %s", mappings[i % 3],
                 cases[i / 3 % 3].filtering, ports[i / 9]);
        struct lab lab = lab_open(knobs);
        char x[ADDR_TEXT];
        strcpy(x, lab_out(&lab, 0, A, Y1));
        expect_in(&lab, 1, Y1, x, A);
        expect_in(&lab, 2, Y2, x, cases[i / 3 % 3].y2);
        expect_in(&lab, 3, Z1, x, cases[i / 3 % 3].z1);
        lab_close(&lab);
    }
}

static void nothing_comes_in_before_something_went_out(void **state)
{
    static const char *const filterings[] = {"filtering: eif", "filtering: adf", "filtering: apdf"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct lab lab = lab_open(filterings[i]);
        expect_in(&lab, 0, Y1, "1.2.3.4:1234", "no_mapping");
        expect_out(&lab, 1, A, Y1, "1.2.3.4:1234");
        expect_in(&lab, 2, Y1, "1.2.3.4:1235", "no_mapping");
        expect_in(&lab, 3, Y1, "1.2.3.5:1234", "no_mapping"); /* not an address of the box */
        lab.last = lab_datagram(lab_addr(Y1), lab_addr("1.2.3.4:1234"));
        lab.last.protocol = NAT_TCP;
        assert_int_equal(nat_inbound(lab.nat, 4, &lab.last), NAT_DROP_NO_MAPPING);
        assert_int_equal(lab_count(&lab, 5, "dropped_no_mapping"), 4);
        assert_int_equal(lab_count(&lab, 5, "mappings_made"), 1);
        lab_close(&lab);
    }
}

static void protocols_have_mappings_of_their_own(void **state)
{
    (void)state;
    struct lab lab = lab_open("ports: preserve");
    expect_out(&lab, 0, A, Y1, "1.2.3.4:1234");
    lab.last = lab_datagram(lab_addr(B), lab_addr(Y1));
    lab.last.protocol = NAT_TCP;
    assert_int_equal(nat_outbound(lab.nat, 1, &lab.last), NAT_PASS);
    assert_int_equal(lab.last.from.port, 1234); /* B's TCP port is free though A has it for UDP */
    assert_int_equal(lab_count(&lab, 2, "mappings"), 2);
    lab_close(&lab);
}

/* ---- timers ---- */

static void a_mapping_is_dead_at_its_timeout_and_alive_1_ns_before(void **state)
{
    static const struct {
        const char *knobs;
        bool reply;
        mist_time timeout;
    } cases[] = {
        {"udp_unreplied: 30 s; udp_established: 120 s", false, SEC(30)},
        {"udp_unreplied: 30 s; udp_established: 120 s", true, SEC(120)},
        {"udp_unreplied: 60 s; udp_established: 20 s", true, SEC(20)}, /* shorter works too */
        {"idle: 35 s", true, SEC(35)},
        {"idle: 35 s; filter_lifetime: session", true, SEC(35)},
        {"udp_unreplied: 60 s; udp_established: 20 s; filter_lifetime: session", true, SEC(20)},
        {"idle: 35 s; mapping: apdm; ports: random", false, SEC(35)},
    };
    (void)state;
    for (size_t i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
        mist_time late = i % 2; /* ns after the last moment */
        struct lab lab = lab_open(cases[i / 2].knobs);
        char x[ADDR_TEXT];
        strcpy(x, lab_out(&lab, 0, A, Y1));
        if (cases[i / 2].reply)
            expect_in(&lab, 0, Y1, x, A);
        mist_time last = cases[i / 2].timeout - 1;
        assert_int_equal(lab_count(&lab, last + late, "mappings"), 1 - late);
        expect_in(&lab, last + late, Y1, x, late ? "no_mapping" : A);
        lab_close(&lab);
    }
}

/* Each row: a mapping of 30 s, kept up by packets every 20 s in one direction;
 * the last second at which a packet from outside passes. */
static void refresh_decides_which_direction_keeps_a_mapping_alive(void **state)
{
    static const struct {
        const char *refresh;
        bool out_keeps, in_keeps;
    } cases[] = {
        {"out", true, false}, {"in", false, true}, {"both", true, true}, {"none", false, false}};
    (void)state;
    for (size_t i = 0; i < 8; i++) {
        bool outward = i % 2, kept = outward ? cases[i / 2].out_keeps : cases[i / 2].in_keeps;
        char knobs[100];
        snprintf(knobs, sizeof knobs, "idle: 30 s; refresh: %s", cases[i / 2].refresh);
        struct lab lab = lab_open(knobs);
        expect_out(&lab, 0, A, Y1, "1.2.3.4:1234");
        if (outward)
            expect_out(&lab, SEC(20), A, Y1, "1.2.3.4:1234");
        else
            expect_in(&lab, SEC(20), Y1, "1.2.3.4:1234", A);
        mist_time last = kept ? SEC(50) - 1 : SEC(30) - 1;
        assert_int_equal(lab_count(&lab, last, "mappings"), 1);
        assert_int_equal(lab_count(&lab, last + 1, "mappings"), 0);
        expect_in(&lab, last + 1, Y1, "1.2.3.4:1234", "no_mapping");
        lab_close(&lab);
    }
}

/* Linux: a reply seen, and the entry older than 2 s. */
static void reply_and_age_waits_for_an_old_entry(void **state)
{
    static const struct {
        mist_time reply, again; /* second packet from outside, 0: none */
        mist_time end;
    } cases[] = {
        {SEC(1), 0, SEC(31)},          /* a reply inside 2 s: still the short timer */
        {SEC(2), 0, SEC(32)},          /* exactly 2 s is not older */
        {SEC(2) + 1, 0, SEC(122) + 1}, /* older */
        {SEC(1), SEC(3), SEC(123)},    /* the first packet after 2 s */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct lab lab = lab_open("udp_unreplied: 30 s; udp_established: 120 s; refresh: both; "
                                  "established_when: {reply_and_age: 2 s}");
        expect_out(&lab, 0, A, Y1, "1.2.3.4:1234");
        expect_in(&lab, cases[i].reply, Y1, "1.2.3.4:1234", A);
        if (cases[i].again)
            expect_in(&lab, cases[i].again, Y1, "1.2.3.4:1234", A);
        assert_int_equal(lab_count(&lab, cases[i].end - 1, "mappings"), 1);
        assert_int_equal(lab_count(&lab, cases[i].end, "mappings"), 0);
        lab_close(&lab);
    }
}

static void max_lifetime_ends_even_a_busy_mapping(void **state)
{
    (void)state;
    struct lab lab = lab_open("idle: 30 s; max_lifetime: 60 s");
    for (mist_time t = 0; t < SEC(60); t += SEC(10))
        expect_out(&lab, t, A, Y1, "1.2.3.4:1234");
    assert_int_equal(lab_count(&lab, SEC(60) - 1, "mappings"), 1);
    assert_int_equal(lab_count(&lab, SEC(60), "mappings"), 0);
    lab_close(&lab);
}

static void filter_lifetime_lets_each_remote_age_alone(void **state)
{
    static const char *const filterings[] = {"adf", "apdf"};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        bool session = i % 2;
        char knobs[100];
        snprintf(knobs, sizeof knobs, "idle: 30 s; filtering: %s; filter_lifetime: %s",
                 filterings[i / 2], session ? "session" : "mapping");
        struct lab lab = lab_open(knobs);
        expect_out(&lab, 0, A, Y1, "1.2.3.4:1234");
        expect_out(&lab, SEC(20), A, Z1, "1.2.3.4:1234"); /* keeps the mapping, not the remote */
        expect_in(&lab, SEC(30) - 1, Y1, "1.2.3.4:1234", A);
        expect_in(&lab, SEC(30), Y1, "1.2.3.4:1234", session ? "filter" : A);
        expect_in(&lab, SEC(50) - 1, Z1, "1.2.3.4:1234", A);
        lab_close(&lab);
    }
}

/* RFC 7857: refused packets refresh nothing. */
static void a_refused_packet_refreshes_and_creates_nothing(void **state)
{
    (void)state;
    struct lab lab = lab_open("idle: 30 s; refresh: both");
    expect_out(&lab, 0, A, Y1, "1.2.3.4:1234");
    expect_in(&lab, SEC(20), Z1, "1.2.3.4:1234", "filter");
    assert_int_equal(lab_count(&lab, SEC(30) - 1, "mappings"), 1);
    assert_int_equal(lab_count(&lab, SEC(30), "mappings"), 0);
    assert_int_equal(lab_count(&lab, SEC(30), "dropped_filter"), 1);
    assert_int_equal(lab_count(&lab, SEC(30), "mappings_made"), 1);
    lab_close(&lab);
}

/* ---- session reply ---- */

/* nat-behaviour 3.5: H opens x' towards Y, Z sends to x', H answers Z. */
static void session_reply_answers_from_the_port_that_was_addressed(void **state)
{
    (void)state;
    for (int on = 0; on < 2; on++) {
        char knobs[100], x[ADDR_TEXT];
        snprintf(knobs, sizeof knobs,
                 "mapping: apdm; filtering: eif; ports: random; "
                 "session_reply: %s",
                 on ? "on" : "off");
        struct lab lab = lab_open(knobs);
        strcpy(x, lab_out(&lab, 0, A, Y1));
        expect_in(&lab, 1, Z1, x, A);
        assert_true((strcmp(lab_out(&lab, 2, A, Z1), x) == 0) == on);
        assert_string_not_equal(lab_out(&lab, 3, A, Y2), x); /* nobody sent from Y2 */
        lab_close(&lab);
    }
}

/* ---- inbound before outbound ---- */

/* nat-behaviour 3.10: Z1 knocks at the port that A has or will have, then A
 * sends to Z1; with inbound_clash off an unsolicited packet changes nothing. */
static void inbound_clash_moves_the_later_outbound_packet(void **state)
{
    static const char *const rules[] = {"mapping: eim", "mapping: adm",
                                        "mapping: apdm; ports: overload"};
    (void)state;
    for (int i = 0; i < 6; i++) {
        bool on = i % 2;
        char knobs[100];
        snprintf(knobs, sizeof knobs, "%s; udp_unreplied: 30 s; inbound_clash: %s", rules[i / 2],
                 on ? "on" : "off");
        struct lab lab = lab_open(knobs);
        expect_out(&lab, 0, A, Y1, "1.2.3.4:1234");
        expect_in(&lab, 1, Z1, "1.2.3.4:1234", "filter");
        expect_out(&lab, 2, A, Z1, on ? "1.2.3.4:1235" : "1.2.3.4:1234");
        expect_in(&lab, 3, Z1, on ? "1.2.3.4:1235" : "1.2.3.4:1234", A);
        expect_out(&lab, 4, A, Y1, "1.2.3.4:1234"); /* towards others nothing moved */
        expect_out(&lab, SEC(29), A, Z1, on ? "1.2.3.4:1235" : "1.2.3.4:1234");
        lab_close(&lab);
        lab = lab_open(knobs); /* before any mapping; and the tuple is free again after 30 s */
        expect_in(&lab, 0, Z1, "1.2.3.4:1234", "no_mapping");
        expect_out(&lab, SEC(30) - 1, A, Z1, on ? "1.2.3.4:1235" : "1.2.3.4:1234");
        expect_in(&lab, SEC(100), Z1, "1.2.3.4:1234", "no_mapping");
        expect_out(&lab, SEC(130), A, Z1, "1.2.3.4:1234");
        lab_close(&lab);
    }
}

/* Linux as measured: two hosts share a port towards different remotes; a full
 * clash moves to a random port, which then serves later destinations too. */
static void sticky_random_serves_later_destinations_from_the_new_port(void **state)
{
    (void)state;
    struct lab lab = lab_open("mapping: apdm; ports: overload; on_clash: sticky_random");
    char moved[ADDR_TEXT];
    expect_out(&lab, 0, A, Y1, "1.2.3.4:1234");
    expect_out(&lab, 1, B, Y2, "1.2.3.4:1234");
    expect_in(&lab, 2, Y1, "1.2.3.4:1234", A);
    expect_in(&lab, 2, Y2, "1.2.3.4:1234", B);
    strcpy(moved, lab_out(&lab, 3, B, Y1)); /* the tuple is A's */
    assert_string_not_equal(moved, "1.2.3.4:1234");
    expect_out(&lab, 4, B, Z1, moved);
    expect_out(&lab, 5, B, Y2, "1.2.3.4:1234"); /* an old session stays */
    expect_out(&lab, 6, A, Z1, "1.2.3.4:1234");
    lab_close(&lab);
}

static void last_wins_cuts_the_older_flow(void **state)
{
    (void)state;
    struct lab lab = lab_open("ports: overload; overload_demux: last_wins");
    expect_out(&lab, 0, A, Y1, "1.2.3.4:1234");
    expect_out(&lab, 1, B, Y1, "1.2.3.4:1234");
    expect_in(&lab, 2, Y1, "1.2.3.4:1234", B);
    assert_int_equal(lab_count(&lab, 3, "mappings"), 1);
    lab_close(&lab);
}

static void a_blocked_network_lets_no_udp_out(void **state)
{
    (void)state;
    struct lab lab = lab_open("egress_block: udp");
    expect_out(&lab, 0, A, Y1, "egress");
    assert_int_equal(lab_count(&lab, 0, "mappings_made"), 0);
    lab.last = lab_datagram(lab_addr(A), lab_addr(Y1));
    lab.last.protocol = NAT_TCP;
    assert_int_equal(nat_outbound(lab.nat, 1, &lab.last), NAT_PASS);
    lab_close(&lab);
}

/* ---- hairpin ---- */

static void hairpin_delivers_as_configured(void **state)
{
    static const struct {
        const char *knobs, *seen;
    } cases[] = {
        {"hairpin: off; filtering: eif", "hairpin_off"},
        {"hairpin: external; filtering: eif", "1.2.3.4:4321 > 192.168.0.2:1234"},
        {"hairpin: internal; filtering: eif", "192.168.0.3:4321 > 192.168.0.2:1234"},
        {"hairpin: external; filtering: apdf", "filter"}, /* A never sent to B */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct lab lab = lab_open(cases[i].knobs);
        expect_out(&lab, 0, A, Y1, "1.2.3.4:1234");
        expect_out(&lab, 1, "192.168.0.3:4321", "1.2.3.4:1234", cases[i].seen);
        assert_int_equal(lab_count(&lab, 2, "hairpins"), i == 1 || i == 2);
        expect_out(&lab, 3, "192.168.0.3:4321", "1.2.3.4:999",
                   i == 0 ? "hairpin_off" : "no_mapping");
        lab_close(&lab);
    }
}

static void hairpin_opens_a_strict_filter_by_the_external_endpoint(void **state)
{
    (void)state;
    struct lab lab = lab_open("hairpin: external");
    expect_out(&lab, 0, A, Y1, "1.2.3.4:1234");
    expect_out(&lab, 1, "192.168.0.3:4321", "1.2.3.4:1234", "filter");
    expect_out(&lab, 2, A, "1.2.3.4:4321", "1.2.3.4:1234 > 192.168.0.3:4321");
    expect_out(&lab, 3, "192.168.0.3:4321", "1.2.3.4:1234", "1.2.3.4:4321 > 192.168.0.2:1234");
    lab_close(&lab);
}

/* ---- firewall ---- */

static void a_firewall_filters_and_keeps_both_endpoints(void **state)
{
    static const struct {
        const char *inside, *y1, *y2, *z1;
    } families[] = {
        {"203.0.113.9:7000", Y1, Y2, Z1},
        {"[2001:db8::9]:7000", "[2001:db8:1::1]:1000", "[2001:db8:1::1]:2000",
         "[2001:db8:2::1]:1000"},
    };
    static const char *const filterings[] = {"eif", "adf", "apdf"};
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        const char *inside = families[i / 3].inside;
        char knobs[100];
        snprintf(knobs, sizeof knobs, "kind: firewall; filtering: %s; idle: 30 s",
                 filterings[i % 3]);
        struct lab lab = lab_open(knobs);
        expect_in(&lab, 0, families[i / 3].y1, inside, "no_mapping");
        expect_out(&lab, 1, inside, families[i / 3].y1, inside);
        expect_in(&lab, 2, families[i / 3].y1, inside, inside);
        expect_in(&lab, 3, families[i / 3].y2, inside, i % 3 == 2 ? "filter" : inside);
        expect_in(&lab, 4, families[i / 3].z1, inside, i % 3 == 0 ? inside : "filter");
        expect_in(&lab, 1 + SEC(30), families[i / 3].y1, inside, "no_mapping");
        lab_close(&lab);
    }
}

static void a_nat_carries_no_ipv6(void **state)
{
    (void)state;
    struct lab lab = lab_open("");
    expect_out(&lab, 0, "[2001:db8::9]:7000", "[2001:db8:1::1]:1000", "family");
    expect_in(&lab, 0, "[2001:db8:1::1]:1000", "[2001:db8::9]:7000", "family");
    lab_close(&lab);
}

/* ---- ttl ---- */

static void a_box_is_one_hop(void **state)
{
    (void)state;
    struct lab lab = lab_open("");
    struct nat_datagram d = lab_datagram(lab_addr(A), lab_addr(Y1));
    d.ttl = 1;
    assert_int_equal(nat_outbound(lab.nat, 0, &d), NAT_DROP_TTL);
    assert_int_equal(lab_count(&lab, 0, "mappings_made"), 0); /* no state from a dead packet */
    d = lab_datagram(lab_addr(A), lab_addr(Y1));
    d.ttl = 2;
    assert_int_equal(nat_outbound(lab.nat, 0, &d), NAT_PASS);
    assert_int_equal(d.ttl, 1);
    d = lab_datagram(lab_addr(Y1), d.from);
    d.ttl = 5;
    assert_int_equal(nat_inbound(lab.nat, 0, &d), NAT_PASS);
    assert_int_equal(d.ttl, 4);
    lab_close(&lab);
}

/* ---- events and static mappings ---- */

static void flush_reboot_and_readdress_forget(void **state)
{
    (void)state;
    struct lab lab = lab_open("filtering: eif");
    struct addr external = lab_addr("1.2.3.4:80"), other = lab_addr("9.9.9.9:0");
    struct addr server = lab_addr("192.168.0.9:8080");
    assert_int_equal(nat_map(lab.nat, 0, NAT_UDP, &server, &external, MIST_NEVER), 0);
    expect_out(&lab, 1, A, Y1, "1.2.3.4:1234");
    nat_flush(lab.nat, 2);
    expect_in(&lab, 3, Y1, "1.2.3.4:1234", "no_mapping");
    expect_in(&lab, 3, Y1, "1.2.3.4:80", "192.168.0.9:8080"); /* static mappings stay */
    expect_out(&lab, 4, B, Y1, "1.2.3.4:1234"); /* and nothing old reaches the next owner's port */
    expect_in(&lab, 5, Y1, "1.2.3.4:1234", B);
    nat_reboot(lab.nat, 6);
    assert_int_equal(lab_count(&lab, 7, "mappings"), 0);
    expect_out(&lab, 8, A, Y1, "1.2.3.4:1234");
    nat_readdress(lab.nat, 9, &other);
    expect_in(&lab, 10, Y1, "1.2.3.4:1234", "no_mapping");
    expect_out(&lab, 11, A, Y1, "9.9.9.9:1234");
    expect_in(&lab, 12, Y1, "9.9.9.9:1234", A);
    lab_close(&lab);
}

static void a_static_mapping_serves_the_first_packet_and_ends_with_its_lease(void **state)
{
    (void)state;
    for (int on = 0; on < 2; on++) {
        struct lab lab = lab_open(on ? "mapping: apdm; ports: random; static_outbound: on"
                                     : "mapping: apdm; ports: random; static_outbound: off");
        struct addr inside = lab_addr(A), external = lab_addr("1.2.3.4:555");
        assert_int_equal(nat_map(lab.nat, 0, NAT_UDP, &inside, &external, SEC(100)), 0);
        expect_in(&lab, 0, Z1, "1.2.3.4:555", A); /* open to all, before any packet out */
        assert_true((strcmp(lab_out(&lab, 0, A, Y1), "1.2.3.4:555") == 0) == on);
        assert_true((strcmp(lab_out(&lab, 0, A, Z1), "1.2.3.4:555") == 0) == on);
        struct addr rival = lab_addr(B);
        assert_int_equal(nat_map(lab.nat, 0, NAT_UDP, &rival, &external, SEC(100)), -1);
        assert_int_equal(nat_map(lab.nat, SEC(50), NAT_UDP, &inside, &external, SEC(100)), 0);
        expect_in(&lab, SEC(150) - 1, Z1, "1.2.3.4:555", A);
        expect_in(&lab, SEC(150), Z1, "1.2.3.4:555", "no_mapping");
        lab_close(&lab);
    }
}

/* RFC 6887 section 13.3: remote addresses and ports, the address by its prefix. */
static void a_static_mapping_may_have_filters(void **state)
{
    static const struct {
        const char *from, *verdict;
    } cases[] = {{"5.6.7.8:1000", A},     {"5.6.7.8:1001", "filter"}, {"5.6.7.9:1000", "filter"},
                 {"10.127.255.255:9", A}, {"10.0.0.1:1", A},          {"10.128.0.0:1", "filter"},
                 {"11.0.0.1:1", "filter"}};
    struct addr inside = lab_addr(A), external = {0}, one = lab_addr("5.6.7.8:1000"),
                network = lab_addr("10.0.0.0");
    (void)state;
    struct lab lab = lab_open("");
    assert_int_equal(nat_map_filter(lab.nat, 0, NAT_UDP, &inside, &one, 32), -1);
    assert_int_equal(nat_map(lab.nat, 0, NAT_UDP, &inside, &external, SEC(100)), 0);
    expect_in(&lab, 0, "11.0.0.1:1", "1.2.3.4:1234", A);
    assert_int_equal(nat_map_filter(lab.nat, 0, NAT_UDP, &inside, &one, 32), 0);
    assert_int_equal(nat_map_filter(lab.nat, 0, NAT_UDP, &inside, &network, 9), 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_in(&lab, 0, cases[i].from, "1.2.3.4:1234", cases[i].verdict);
    for (; one.port < 1000 + NAT_FILTERS - 1; one.port++) /* the first is there already */
        assert_int_equal(nat_map_filter(lab.nat, 0, NAT_UDP, &inside, &one, 32), 0);
    assert_int_equal(nat_map_filter(lab.nat, 0, NAT_UDP, &inside, &one, 32), -1);
    assert_int_equal(nat_map(lab.nat, 0, NAT_UDP, &inside, &external, SEC(200)), 0);
    expect_in(&lab, SEC(150), "11.0.0.1:1", "1.2.3.4:1234", "filter"); /* it outlives a renewal */
    assert_int_equal(nat_map_filter(lab.nat, SEC(150), NAT_UDP, &inside, &one, 0), 0);
    expect_in(&lab, SEC(150), "11.0.0.1:1", "1.2.3.4:1234", A);
    expect_in(&lab, SEC(200), "5.6.7.8:1000", "1.2.3.4:1234", "no_mapping");
    lab_close(&lab);
}

static void a_knob_may_change_while_mappings_live(void **state)
{
    (void)state;
    struct lab lab = lab_open("idle: 100 s; filtering: eif");
    expect_out(&lab, 0, A, Y1, "1.2.3.4:1234");
    lab_set(&lab, SEC(1), "idle: 20 s; filtering: apdf");
    expect_in(&lab, SEC(19), Z1, "1.2.3.4:1234", "filter");
    assert_int_equal(lab_count(&lab, SEC(20) - 1, "mappings"), 1);
    assert_int_equal(lab_count(&lab, SEC(20), "mappings"), 0);
    lab_close(&lab);
}

/* Lists that only sharing boxes keep are made from the mappings that live. */
static void a_box_may_begin_to_share_ports_while_mappings_live(void **state)
{
    (void)state;
    struct lab lab = lab_open("mapping: apdm; ports: random; idle: 100 s");
    char older[ADDR_TEXT], newer[ADDR_TEXT];
    struct addr inside = lab_addr("192.168.0.9:80"), external = lab_addr("1.2.3.4:1234");
    assert_int_equal(nat_map(lab.nat, 0, NAT_UDP, &inside, &external, MIST_NEVER), 0);
    strcpy(older, lab_out(&lab, 1, A, Y1));
    strcpy(newer, lab_out(&lab, 2, A, Y2));
    lab_set(&lab, 3, "mapping: apdm; ports: overload; on_clash: sticky_random; idle: 100 s");
    expect_out(&lab, 4, A, Z1, newer); /* the newest mapping's port serves the next remote */
    expect_in(&lab, 5, Y1, older, A);
    expect_in(&lab, 5, Y2, newer, A);
    expect_in(&lab, 5, Z1, newer, A);
    expect_in(&lab, 5, Z1, "1.2.3.4:1234", "192.168.0.9:80");
    assert_int_equal(lab_count(&lab, SEC(100) + 4, "mappings"), 1);
    lab_close(&lab);
}

/* A mapping keeps its first remote itself, without an entry; this must not be seen. */
static void first_remotes_live_on_when_the_filter_changes(void **state)
{
    (void)state;
    struct lab lab = lab_open("idle: 100 s");
    expect_out(&lab, 0, A, Y1, "1.2.3.4:1234");
    expect_in(&lab, SEC(1), Y1, "1.2.3.4:1234", A);
    expect_out(&lab, SEC(50), A, Z1, "1.2.3.4:1234");
    lab_set(&lab, SEC(60), "idle: 40 s; filter_lifetime: session");
    expect_in(&lab, SEC(61), Y1, "1.2.3.4:1234", A);
    expect_in(&lab, SEC(61), Y2, "1.2.3.4:1234", "filter");
    expect_out(&lab, SEC(80), A, Z1, "1.2.3.4:1234");
    expect_in(&lab, SEC(90) - 1, Y1, "1.2.3.4:1234",
              A); /* its clock was its mapping's until 60 s */
    expect_in(&lab, SEC(90), Y1, "1.2.3.4:1234", "filter");
    expect_in(&lab, SEC(90), Z1, "1.2.3.4:1234", A);
    lab_set(&lab, SEC(91), "idle: 40 s");
    expect_in(&lab, SEC(92), Z1, "1.2.3.4:1234", A);
    lab_close(&lab);
}

/* The same datagrams through two boxes, of which one is told before. */
static void a_prefetch_changes_nothing(void **state)
{
    static const char *const boxes[] = {"mapping: apdm; ports: random", "kind: firewall",
                                        "ports: overload; hairpin: external"};
    struct nat_datagram burst[2 * NAT_PREFETCH];
    (void)state;
    for (size_t box = 0; box < 3; box++) {
        struct lab told = lab_open(boxes[box]), untold = lab_open(boxes[box]);
        for (uint32_t i = 0; i < 2 * NAT_PREFETCH; i++)
            burst[i] = lab_datagram(addr_v4(0xc0a80001 + i % 7, (uint16_t)(2000 + i % 11)),
                                    i % 5 == 4 ? lab_addr("1.2.3.4:2003") : lab_addr(Y1));
        for (int round = 0; round < 2; round++) {
            nat_prefetch(told.nat, NAT_INSIDE, burst, 2 * NAT_PREFETCH);
            nat_prefetch(told.nat, NAT_OUTSIDE, burst, 3);
            for (uint32_t i = 0; i < 2 * NAT_PREFETCH; i++) {
                char seen[2 * ADDR_TEXT];
                strcpy(seen, lab_out_addr(&told, round, burst[i].from, burst[i].to));
                assert_string_equal(seen, lab_out_addr(&untold, round, burst[i].from, burst[i].to));
            }
        }
        lab_close(&told);
        lab_close(&untold);
    }
}

/* ---- long runs ---- */

/* The fault of a counter that ends after 16,384 mappings ever made. */
static void a_hundred_thousand_mappings_pass_through_one_box(void **state)
{
    static const char *const rules[] = {"preserve", "sequential", "random", "overload"};
    (void)state;
    for (size_t rule = 0; rule < 4; rule++) {
        char knobs[100];
        snprintf(knobs, sizeof knobs, "idle: 120 s; ports: %s", rules[rule]);
        struct lab lab = lab_open(knobs);
        mist_time t = 0;
        uint32_t first = 0;
        for (uint32_t i = 0; i < 100000; i++, t += SEC(2)) { /* 2.3 days */
            struct addr from = addr_v4(0xc0a80002u + i % 5, (uint16_t)(1024 + i % 60000));
            lab_out_addr(&lab, t, from, lab_addr(Y1));
            assert_int_equal(lab.verdict, NAT_PASS);
            first = i == 0 ? lab.last.from.port - 1024u : first;
            if (rule == 1) /* sequential wraps in its 64,512 ports */
                assert_int_equal(lab.last.from.port, 1024 + (first + i) % 64512);
        }
        struct nat_counters count = nat_counters(lab.nat, t);
        assert_int_equal(count.mappings_made, 100000);
        assert_int_equal(count.mappings_peak, 60); /* 120 s at one every 2 s */
        assert_int_equal(lab_count(&lab, t + SEC(120), "mappings"), 0);
        lab_close(&lab);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mapping_decides_which_remotes_see_the_same_port),
        cmocka_unit_test(filtering_decides_who_may_send_to_a_mapping),
        cmocka_unit_test(nothing_comes_in_before_something_went_out),
        cmocka_unit_test(protocols_have_mappings_of_their_own),
        cmocka_unit_test(a_mapping_is_dead_at_its_timeout_and_alive_1_ns_before),
        cmocka_unit_test(refresh_decides_which_direction_keeps_a_mapping_alive),
        cmocka_unit_test(reply_and_age_waits_for_an_old_entry),
        cmocka_unit_test(max_lifetime_ends_even_a_busy_mapping),
        cmocka_unit_test(filter_lifetime_lets_each_remote_age_alone),
        cmocka_unit_test(a_refused_packet_refreshes_and_creates_nothing),
        cmocka_unit_test(session_reply_answers_from_the_port_that_was_addressed),
        cmocka_unit_test(inbound_clash_moves_the_later_outbound_packet),
        cmocka_unit_test(sticky_random_serves_later_destinations_from_the_new_port),
        cmocka_unit_test(last_wins_cuts_the_older_flow),
        cmocka_unit_test(a_blocked_network_lets_no_udp_out),
        cmocka_unit_test(hairpin_delivers_as_configured),
        cmocka_unit_test(hairpin_opens_a_strict_filter_by_the_external_endpoint),
        cmocka_unit_test(a_firewall_filters_and_keeps_both_endpoints),
        cmocka_unit_test(a_nat_carries_no_ipv6),
        cmocka_unit_test(a_box_is_one_hop),
        cmocka_unit_test(flush_reboot_and_readdress_forget),
        cmocka_unit_test(a_static_mapping_serves_the_first_packet_and_ends_with_its_lease),
        cmocka_unit_test(a_static_mapping_may_have_filters),
        cmocka_unit_test(a_knob_may_change_while_mappings_live),
        cmocka_unit_test(a_box_may_begin_to_share_ports_while_mappings_live),
        cmocka_unit_test(first_remotes_live_on_when_the_filter_changes),
        cmocka_unit_test(a_prefetch_changes_nothing),
        cmocka_unit_test(a_hundred_thousand_mappings_pass_through_one_box),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
