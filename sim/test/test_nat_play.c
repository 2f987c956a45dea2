/* test_nat_play.c: what a NAT script says is what is played: the forms, the
 * steps, chains, hairpin, repetition. */
#include "sim/test/nat_played.h"

#define BOX   "nat: {mapping: eim, filtering: apdf, ports: preserve, idle: 30 s}\n"
#define AT    "external: [1.2.3.4]\n"
#define HOST  "192.168.0.2:1234"
#define Y     "5.6.7.8:5678"
#define STEPS "steps:\n"
#define SENT  "- {at: 0 s, out: \"" HOST " -> " Y "\", save: p}\n"

/* DESIGN 4.2's own example, word for word. */
static void the_example_of_the_design_passes(void **state)
{
    (void)state;
    assert_string_equal(
        played("nat: { mapping: eim, filtering: apdf, ports: preserve, idle: 30 s }\n"
               "external: [1.2.3.4]\n"
               "seed: 1\n"
               "steps:\n"
               "  - { at: 0 s,  out: \"192.168.0.2:1234 -> 5.6.7.8:5678\", save: p }\n"
               "  - { at: 1 s,  in:  \"5.6.7.8:5678 -> $p\", expect: \"192.168.0.2:1234\" }\n"
               "  - { at: 2 s,  in:  \"6.6.6.6:5678 -> $p\", expect: drop }\n"
               "  - { at: 3 s,  out: \"192.168.0.2:1234 -> 6.6.6.6:9000\", expect: $p }\n"
               "  - { at: 4 s,  in:  \"5.6.7.8:5678 -> $p+1\", expect: drop }\n"
               "  - { at: 5 s,  out: \"192.168.0.3:99 -> $p\", expect: drop }\n"
               "  - { at: 5 s,  out: \"192.168.0.2:1234 -> 5.6.7.8:53\", repeat: 100, step: 1 ms, "
               "vary: source_port }\n"
               "  - { at: 6 s,  state: { mappings: 101 } }\n"
               "  - { at: 7 s,  reboot: true }\n"
               "  - { at: 8 s,  state: { mappings: 0 } }\n"),
        "");
}

static void each_form_holds_and_fails_as_it_says(void **state)
{
    static const struct line lines[] = {
        /* on out: the source that the destination sees */
        {BOX AT STEPS "- {at: 0 s, out: \"" HOST " -> " Y "\", expect: \"1.2.3.4:1234\"}", ""},
        {BOX AT STEPS "- {at: 0 s, out: \"" HOST " -> " Y "\", expect: \"1.2.3.4:1235\"}",
         "1: expected 1.2.3.4:1235, got 1.2.3.4:1234; "},
        {BOX AT STEPS "- {at: 0 s, out: \"" HOST " -> " Y "\", expect: drop}",
         "1: expected drop, got 1.2.3.4:1234; "},
        {BOX AT STEPS "- {at: 0 s, out: \"" HOST " -> " Y "\", expect: \"1.2.3.4:*\"}", ""},
        {BOX AT STEPS "- {at: 0 s, out: \"" HOST " -> " Y "\", expect: \"1.2.3.5:*\"}",
         "1: expected 1.2.3.5:*, got 1.2.3.4:1234; "},
        /* ! negates and requires that the packet passed */
        {BOX AT STEPS "- {at: 0 s, out: \"" HOST " -> " Y "\", expect: \"!1.2.3.4:1235\"}", ""},
        {BOX AT STEPS "- {at: 0 s, out: \"" HOST " -> " Y "\", expect: \"!1.2.3.5:*\"}", ""},
        {BOX AT STEPS "- {at: 0 s, out: \"" HOST " -> " Y "\", expect: \"!1.2.3.4:*\"}",
         "1: expected !1.2.3.4:*, got 1.2.3.4:1234; "},
        {BOX AT STEPS "- {at: 0 s, out: \"" HOST " -> " Y "\", expect: \"!drop\"}", ""},
        {BOX AT STEPS "- {at: 0 s, in: \"" Y " -> 1.2.3.4:5\", expect: \"!drop\"}",
         "1: expected !drop, got drop (no_mapping); "},
        {BOX AT STEPS "- {at: 0 s, in: \"" Y " -> 1.2.3.4:5\", expect: \"!9.9.9.9:9\"}",
         "1: expected !9.9.9.9:9, got drop (no_mapping); "},
        /* saved endpoints and their neighbours */
        {BOX AT STEPS SENT "- {at: 1 s, out: \"" HOST " -> 9.9.9.9:9\", expect: $p}", ""},
        {BOX AT STEPS SENT "- {at: 1 s, out: \"" HOST " -> 9.9.9.9:9\", expect: \"!$p\"}",
         "2: expected !$p (1.2.3.4:1234), got 1.2.3.4:1234; "},
        {BOX AT STEPS SENT "- {at: 1 s, out: \"192.168.0.2:1236 -> 9.9.9.9:9\", expect: $p+2}", ""},
        {BOX AT STEPS SENT "- {at: 1 s, out: \"192.168.0.2:1233 -> 9.9.9.9:9\", expect: $p-1}", ""},
        {BOX AT STEPS SENT "- {at: 1 s, out: \"192.168.0.2:1233 -> 9.9.9.9:9\", expect: $p+1}",
         "2: expected $p+1 (1.2.3.4:1235), got 1.2.3.4:1233; "},
        {BOX AT STEPS SENT "- {at: 1 s, in: \"" Y " -> $p+1\", expect: \"!drop\"}",
         "2: expected !drop, got drop (no_mapping); "},
        {BOX AT STEPS SENT "- {at: 1 s, out: \"192.168.0.9:9 -> 9.9.9.9:9\", expect: \"$p:*\"}\n"
                           "- {at: 1 s, out: \"192.168.0.9:9 -> 9.9.9.9:9\", expect: \"!$p:*\"}",
         "3: expected !$p:* (1.2.3.4:1234), got 1.2.3.4:1024; "},
        /* saving again replaces */
        {BOX AT STEPS SENT "- {at: 1 s, out: \"192.168.0.2:77 -> " Y "\", save: p}\n"
                           "- {at: 1 s, out: \"192.168.0.2:1234 -> " Y "\", expect: \"!$p\"}",
         ""},
        /* a port wraps from 65535 to 1 in arithmetic too */
        {BOX AT STEPS "- {at: 0 s, out: \"192.168.0.2:65535 -> " Y "\", save: p}\n"
                      "- {at: 0 s, out: \"192.168.0.2:65535 -> $p+1\", expect: \"!drop\"}\n"
                      "- {at: 1 s, in: \"" Y " -> 1.2.3.4:65535\", expect: \"192.168.0.2:65535\"}",
         "2: expected !drop, got drop (hairpin_off); "},
        /* nothing asserted without expect; saving needs a packet that passed */
        {BOX AT STEPS "- {at: 0 s, in: \"" Y " -> 1.2.3.4:5\"}", ""},
        {BOX AT STEPS "- {at: 0 s, in: \"" Y " -> 1.2.3.4:5\", save: q}\n"
                      "- {at: 1 s, out: \"" HOST " -> " Y "\", expect: $q}",
         "1: expected a packet that passes, to save it as q, got drop (no_mapping); "
         "2: expected $q to be saved, got nothing; "},
    };
    (void)state;
    CHECK_LINES(lines);
}

static void what_stands_in_for_a_port_counts_up_and_wraps(void **state)
{
    static const struct line lines[] = {
        /* 65534, 65535, 1, 2: each preserved where the range lets it be */
        {"nat: {range: [1, 65535]}\n" AT STEPS "- {at: 0 s, out: \"10.0.0.1:65534 -> " Y
         "\", repeat: 4, vary: source_port, save: last}\n"
         "- {at: 0 s, state: {mappings: 4}}\n"
         "- {at: 0 s, out: \"10.0.0.1:2 -> " Y "\", expect: $last}\n"
         "- {at: 0 s, in: \"" Y " -> 1.2.3.4:1\", expect: \"10.0.0.1:1\"}\n"
         "- {at: 0 s, in: \"" Y " -> 1.2.3.4:65535\", expect: \"10.0.0.1:65535\"}",
         ""},
        /* 10.0.0.255 is followed by 10.0.1.0 */
        {BOX AT STEPS "- {at: 0 s, out: \"10.0.0.255:1000 -> " Y
                      "\", repeat: 2, vary: source_address}\n"
                      "- {at: 0 s, out: \"10.0.1.0:1000 -> " Y "\", save: p}\n"
                      "- {at: 0 s, in: \"" Y " -> $p\", expect: \"10.0.1.0:1000\"}\n"
                      "- {at: 0 s, state: {mappings: 2}}",
         ""},
        {BOX AT STEPS
         "- {at: 0 s, out: \"10.0.0.1:2000 -> 9.9.9.8:7\", repeat: 3, vary: destination_address}\n"
         "- {at: 0 s, in: \"9.9.9.10:7 -> 1.2.3.4:2000\", expect: \"10.0.0.1:2000\"}\n"
         "- {at: 0 s, in: \"9.9.9.11:7 -> 1.2.3.4:2000\", expect: drop}",
         ""},
        {BOX AT STEPS
         "- {at: 0 s, out: \"10.0.0.1:2000 -> 9.9.9.8:7\", repeat: 3, vary: destination_port}\n"
         "- {at: 0 s, in: \"9.9.9.8:9 -> 1.2.3.4:2000\", expect: \"10.0.0.1:2000\"}\n"
         "- {at: 0 s, in: \"9.9.9.8:10 -> 1.2.3.4:2000\", expect: drop}",
         ""},
        /* expect holds for every packet; all are sent, whatever became of the first */
        {BOX AT STEPS "- {at: 0 s, out: \"10.0.0.1:2000 -> " Y "\", repeat: 3, vary: source_port,"
                      " expect: \"1.2.3.4:*\"}\n"
                      "- {at: 0 s, out: \"10.0.0.1:3000 -> " Y "\", repeat: 3, vary: source_port,"
                      " expect: \"1.2.3.4:3000\"}\n"
                      "- {at: 0 s, state: {mappings: 6}}",
         "2: expected 1.2.3.4:3000, got 1.2.3.4:3001 (packet 2 of 3); "},
        /* packets lie `step` apart: the third, at 58 s, finds its mapping alive, 29 s
         * after the second; a single one at 58 s would not */
        {BOX AT STEPS "- {at: 0 s, out: \"10.0.0.1:2000 -> " Y "\", repeat: 3, step: 29 s}\n"
                      "- {at: 87999 ms, in: \"" Y " -> 1.2.3.4:2000\", expect: \"10.0.0.1:2000\"}\n"
                      "- {at: 88 s, in: \"" Y " -> 1.2.3.4:2000\", expect: drop}\n"
                      "- {at: 88 s, state: {mappings_made: 1}}",
         ""},
    };
    (void)state;
    CHECK_LINES(lines);
}

static void a_box_tells_its_state(void **state)
{
    static const struct line lines[] = {
        {BOX AT STEPS SENT "- {at: 1 s, in: \"6.6.6.6:1 -> $p\"}\n"
                           "- {at: 1 s, in: \"6.6.6.6:1 -> $p+1\"}\n"
                           "- {at: 1 s, state: {mappings: 1, mappings_made: 1, mappings_peak: 1,"
                           " dropped_filter: 1, dropped_no_mapping: 1, hairpins: 0}}\n"
                           "- {at: 30 s, state: {mappings: 0, mappings_made: 1}}",
         ""},
        {BOX AT STEPS SENT "- {at: 1 s, state: {mappings: 1, dropped_filter: 3}}",
         "2: expected dropped_filter 3, got dropped_filter 0; "},
        {BOX AT STEPS SENT "- {at: 1 s, state: {mappings: 2}}",
         "2: expected mappings 2, got mappings 1; "},
    };
    (void)state;
    CHECK_LINES(lines);
}

static void a_box_can_be_changed(void **state)
{
    static const struct line lines[] = {
        {BOX AT STEPS SENT "- {at: 1 s, reboot: true}\n- {at: 1 s, state: {mappings: 0}}\n"
                           "- {at: 1 s, in: \"" Y " -> $p\", expect: drop}",
         ""},
        {BOX AT STEPS SENT "- {at: 1 s, flush: true}\n- {at: 1 s, state: {mappings: 0}}", ""},
        /* a reboot loses static mappings, a flush keeps them */
        {BOX AT STEPS "- {at: 0 s, map: {inside: \"" HOST "\", external: \"1.2.3.4:80\"}}\n"
                      "- {at: 1 s, flush: true}\n"
                      "- {at: 1 s, in: \"" Y " -> 1.2.3.4:80\", expect: \"" HOST "\"}\n"
                      "- {at: 1 s, reboot: true}\n"
                      "- {at: 1 s, in: \"" Y " -> 1.2.3.4:80\", expect: drop}",
         ""},
        /* a new address: the old one is nobody's, the new one serves */
        {BOX AT STEPS SENT "- {at: 1 s, readdress: 9.9.9.9}\n"
                           "- {at: 1 s, in: \"" Y " -> $p\", expect: \"" HOST "\"}\n"
                           "- {at: 1 s, out: \"" HOST " -> " Y "\", expect: \"9.9.9.9:1234\"}\n"
                           "- {at: 1 s, in: \"" Y " -> 9.9.9.9:1234\", expect: \"" HOST "\"}",
         "3: expected 192.168.0.2:1234, got drop (nobody); "},
        {"nat: {pool: 2, pooling: arbitrary}\nexternal: [1.2.3.4, 1.2.3.5]\n" STEPS
         "- {at: 0 s, readdress: [9.9.9.8, 9.9.9.9]}\n"
         "- {at: 1 s, out: \"10.0.0.1:1 -> " Y "\", repeat: 50, vary: source_port,"
         " expect: \"!1.2.3.4:*\"}",
         ""},
        /* static mappings: any port, a port asked for twice, their end */
        {BOX AT STEPS "- {at: 0 s, map: {inside: \"" HOST "\", external: \"1.2.3.4:*\"}, save: m}\n"
                      "- {at: 0 s, in: \"" Y " -> $m\", expect: \"" HOST "\"}\n"
                      "- {at: 0 s, map: {inside: \"10.0.0.9:9\", external: $m}, expect: drop}\n"
                      "- {at: 0 s, map: {inside: \"10.0.0.9:9\", external: $m}, expect: $m}\n"
                      "- {at: 0 s, map: {inside: \"10.0.0.9:9\", external: $m}}\n"
                      "- {at: 0 s, map: {inside: \"10.0.0.9:9\", external: $m+1}, expect: $m+1}\n"
                      "- {at: 1 s, map: {inside: \"10.0.0.9:9\", lifetime: 0 s}}\n"
                      "- {at: 1 s, in: \"" Y " -> $m+1\", expect: drop}",
         "4: expected $m (1.2.3.4:1234), got drop (refused); "},
        {BOX AT STEPS "- {at: 0 s, map: {inside: \"" HOST
                      "\", external: \"1.2.3.4:80\", lifetime: 10 s}}\n"
                      "- {at: 9999 ms, in: \"" Y " -> 1.2.3.4:80\", expect: \"" HOST "\"}\n"
                      "- {at: 10 s, in: \"" Y " -> 1.2.3.4:80\", expect: drop}",
         ""},
        /* a knob that changes acts at once; others stay */
        {BOX AT STEPS SENT "- {at: 1 s, in: \"6.6.6.6:1 -> $p\", expect: drop}\n"
                           "- {at: 1 s, set: {filtering: eif}}\n"
                           "- {at: 1 s, in: \"6.6.6.6:1 -> $p\", expect: \"" HOST "\"}\n"
                           "- {at: 2 s, set: {range: [2000, 2000]}}\n"
                           "- {at: 2 s, out: \"192.168.0.9:9 -> " Y
                           "\", expect: \"1.2.3.4:2000\"}\n"
                           "- {at: 2 s, in: \"6.6.6.6:1 -> 1.2.3.4:2000\", expect: \"!drop\"}",
         ""},
    };
    (void)state;
    CHECK_LINES(lines);
}

static void an_address_that_nobody_owns_drops(void **state)
{
    static const struct line lines[] = {
        {BOX AT STEPS SENT "- {at: 1 s, in: \"" Y " -> 1.2.3.5:1234\", expect: drop}\n"
                           "- {at: 1 s, state: {dropped_no_mapping: 0, dropped_filter: 0}}",
         ""},
    };
    (void)state;
    CHECK_LINES(lines);
}

static void a_firewall_keeps_endpoints_and_needs_no_address(void **state)
{
    static const struct line lines[] = {
        {"nat: {kind: firewall, filtering: adf, idle: 30 s}\nexternal: [1.2.3.4]\n" STEPS
         "- {at: 0 s, out: \"7.7.7.7:70 -> " Y "\", expect: \"7.7.7.7:70\"}\n"
         "- {at: 0 s, in: \"5.6.7.8:1 -> 7.7.7.7:70\", expect: \"7.7.7.7:70\"}\n"
         "- {at: 0 s, in: \"6.6.6.6:1 -> 7.7.7.7:70\", expect: drop}\n"
         "- {at: 0 s, in: \"5.6.7.8:1 -> 7.7.7.8:70\", expect: drop}\n"
         "- {at: 0 s, out: \"7.7.7.7:71 -> 1.2.3.4:5\", expect: \"7.7.7.7:71\"}",
         ""},
        {"nat: {kind: firewall}\n" STEPS
         "- {at: 0 s, out: \"[2a00::7]:70 -> [2a00::8]:80\", expect: \"[2a00::7]:70\"}\n"
         "- {at: 0 s, in: \"[2a00::8]:80 -> [2a00::7]:70\", expect: \"[2a00::7]:70\", "
         "from: \"[2a00::8]:*\"}\n"
         "- {at: 0 s, in: \"[2a00::8]:81 -> [2a00::7]:70\", expect: drop}",
         ""},
    };
    (void)state;
    CHECK_LINES(lines);
}

#define CHAIN                                                                                      \
    "nat: [{filtering: eif, idle: 30 s}, {filtering: eif, idle: 60 s, hairpin: external}]\n"

/* Inside first; inner boxes have shared addresses (100.64.0.0/10), seen here by a
 * hairpin that leaves the sender's endpoint alone. */
static void a_chain_is_crossed_from_the_inside_out(void **state)
{
    static const struct line lines[] = {
        {CHAIN AT STEPS SENT
         "- {at: 0 s, in: \"" Y " -> $p\", expect: \"" HOST "\", from: \"" Y "\"}\n"
         "- {at: 0 s, state: {mappings: 1, box: 0}}\n"
         "- {at: 0 s, state: {mappings: 1}, box: 1}\n"
         /* the inner box's timer runs out first; the outer one still passes the packet on */
         "- {at: 31 s, state: {mappings: 1}}\n"
         "- {at: 31 s, state: {mappings: 0}, box: 0}\n"
         "- {at: 31 s, in: \"" Y " -> $p\", expect: drop}\n"
         "- {at: 31 s, state: {dropped_no_mapping: 1}, box: 0}\n"
         "- {at: 31 s, state: {dropped_no_mapping: 0}}",
         ""},
        {"nat: [{}, {kind: firewall}]\n" STEPS "- {at: 0 s, out: \"" HOST " -> " Y
         "\", expect: \"100.64.0.2:1234\"}\n"
         "- {at: 0 s, in: \"" Y " -> 100.64.0.2:1234\", expect: \"" HOST "\"}",
         ""},
        /* events strike the outermost box unless told otherwise */
        {CHAIN AT STEPS SENT "- {at: 1 s, flush: true}\n- {at: 1 s, state: {mappings: 0}}\n"
                             "- {at: 1 s, state: {mappings: 1}, box: 0}\n"
                             "- {at: 1 s, flush: true, box: 0}\n"
                             "- {at: 1 s, state: {mappings: 0}, box: 0}",
         ""},
        {"nat: [home_apdf, cgn_eim]\n" AT STEPS SENT "- {at: 1 s, in: \"" Y
         " -> $p\", expect: \"" HOST "\"}\n"
         "- {at: 1 s, in: \"6.6.6.6:1 -> $p\", expect: drop}\n"
         "- {at: 1 s, state: {dropped_filter: 1}, box: 0}",
         ""},
    };
    (void)state;
    CHECK_LINES(lines);
}

static void a_hairpin_names_receiver_and_source(void **state)
{
    static const struct line lines[] = {
        {"nat: {filtering: eif, hairpin: external}\n" AT STEPS SENT
         "- {at: 0 s, out: \"192.168.0.3:4321 -> $p\", expect: \"" HOST "\", "
         "from: \"1.2.3.4:4321\", save: q}\n"
         "- {at: 0 s, out: \"" HOST " -> $q\", expect: \"192.168.0.3:4321\", from: $p}\n"
         "- {at: 0 s, out: \"192.168.0.3:4321 -> $p\", from: $p}\n"
         "- {at: 0 s, state: {hairpins: 3}}",
         "4: expected from $p (1.2.3.4:1234), got from 1.2.3.4:4321; "},
        {"nat: {filtering: eif, hairpin: internal}\n" AT STEPS SENT
         "- {at: 0 s, out: \"192.168.0.3:4321 -> $p\", expect: \"" HOST "\", "
         "from: \"192.168.0.3:4321\"}",
         ""},
        /* by the outer box, then down through the inner one again */
        {CHAIN AT STEPS SENT
         "- {at: 0 s, out: \"192.168.0.3:4321 -> $p\", expect: \"" HOST "\", "
         "from: \"1.2.3.4:4321\"}\n"
         "- {at: 0 s, state: {hairpins: 1}}\n- {at: 0 s, state: {hairpins: 0}, box: 0}",
         ""},
    };
    (void)state;
    CHECK_LINES(lines);
}

/* RFC 5508 REQ-8, RFC 6888 REQ-11: refused with ICMP, and still a drop. */
static void a_packet_refused_with_icmp_is_a_drop(void **state)
{
    static const struct line lines[] = {
        {"nat: {quota_ports: 1, on_exhaustion: icmp_3_13}\n" AT STEPS SENT
         "- {at: 0 s, out: \"192.168.0.2:5 -> " Y "\", expect: drop, icmp: 3/13}\n"
         "- {at: 0 s, out: \"192.168.0.2:5 -> " Y "\", icmp: 3/1}\n"
         "- {at: 0 s, out: \"192.168.0.2:5 -> " Y "\", icmp: none}\n"
         "- {at: 0 s, out: \"" HOST " -> " Y "\", expect: $p, icmp: none}\n"
         "- {at: 0 s, out: \"" HOST " -> " Y "\", icmp: 3/13}",
         "3: expected icmp 3/1, got icmp 3/13; 4: expected no icmp, got icmp 3/13; "
         "6: expected icmp 3/13, got no icmp; "},
        /* a router on the way counts hops: RFC 1812 5.3.1; through the home box inward */
        {"nat: [{}, {}]\n" AT STEPS "- {at: 0 s, out: \"" HOST " -> " Y
         "\", ttl: 1, expect: drop, icmp: 11/0}\n"
         "- {at: 0 s, state: {mappings: 0}, box: 0}\n"
         "- {at: 0 s, out: \"" HOST " -> " Y "\", ttl: 2, expect: drop, icmp: 11/0}\n"
         "- {at: 0 s, state: {mappings: 1}, box: 0}\n"
         "- {at: 0 s, out: \"" HOST " -> " Y "\", ttl: 3, expect: \"1.2.3.4:1234\"}",
         ""},
        {"nat: {unsolicited_reply: icmp_3_3}\n" AT STEPS "- {at: 0 s, in: \"" Y
         " -> 1.2.3.4:7\", expect: drop, icmp: 3/3}",
         ""},
    };
    (void)state;
    CHECK_LINES(lines);
}

static void errors_and_other_protocols_go_their_way(void **state)
{
    static const struct line lines[] = {
        /* RFC 5508 REQ-4: about a packet of ours to its host, about another nowhere */
        {BOX AT STEPS SENT
         "- {at: 1 s, in: \"7.7.7.7 -> 1.2.3.4\", error: 11/0, about: \"$p -> " Y "\", "
         "expect: \"192.168.0.2:*\", from: \"7.7.7.7:*\"}\n"
         "- {at: 1 s, in: \"7.7.7.7 -> 1.2.3.4\", error: 3/3, about: \"$p+1 -> " Y "\", "
         "expect: drop}\n"
         "- {at: 1 s, out: \"192.168.0.2 -> 5.6.7.8\", error: 3/3, about: \"" Y " -> " HOST "\", "
         "expect: \"1.2.3.4:*\"}\n"
         "- {at: 1 s, state: {dropped_icmp_unmatched: 1}}",
         ""},
        /* mappings of TCP are apart from those of UDP (RFC 7857) */
        {BOX AT STEPS SENT "- {at: 0 s, in: \"" Y " -> $p\", protocol: tcp, expect: drop}\n"
                           "- {at: 0 s, out: \"" HOST " -> " Y
                           "\", protocol: tcp, expect: \"1.2.3.4:1234\"}\n"
                           "- {at: 0 s, state: {mappings: 2}}\n"
                           "- {at: 0 s, in: \"" Y " -> $p\", protocol: tcp, expect: \"" HOST "\"}",
         ""},
        /* an echo request's identifier stands where a port does */
        {BOX AT STEPS "- {at: 0 s, out: \"192.168.0.2:9 -> 5.6.7.8\", protocol: icmp, save: q}\n"
                      "- {at: 59999 ms, in: \"5.6.7.8 -> $q\", protocol: icmp, "
                      "expect: \"192.168.0.2:9\"}\n"
                      "- {at: 61 s, state: {mappings: 0}}",
         ""},
        /* RFC 6146: a ping from IPv6 to IPv4 and its reply, under 64:ff9b::/96 */
        {"nat: {kind: nat64}\n" AT STEPS
         "- {at: 0 s, out: \"[2001:db8::2]:9 -> [64:ff9b::506:708]\", protocol: icmp, "
         "expect: \"1.2.3.4:*\", save: q}\n"
         "- {at: 1 s, in: \"5.6.7.8 -> $q\", protocol: icmp, expect: \"[2001:db8::2]:9\", "
         "from: \"[64:ff9b::506:708]:*\"}\n"
         "- {at: 2 s, out: \"[2001:db8::2]:9 -> [64:ff9b::506:708]:80\", ttl: 1, expect: drop, "
         "icmp: 3/0}",
         ""},
    };
    (void)state;
    CHECK_LINES(lines);
}

/* 3.4: a hold starts when the mapping expires, not when that is noticed. */
static void a_hold_starts_with_the_end_of_the_mapping(void **state)
{
    static const struct line lines[] = {
        {"nat: {idle: 30 s, hold: 100 s, range: [5000, 5000]}\n" AT STEPS
         "- {at: 0 s, out: \"192.168.0.2:1 -> " Y "\", expect: \"1.2.3.4:5000\"}\n"
         "- {at: 129999 ms, out: \"192.168.0.3:1 -> " Y "\", expect: drop}\n"
         "- {at: 130 s, out: \"192.168.0.3:1 -> " Y "\", expect: \"1.2.3.4:5000\"}",
         ""},
    };
    (void)state;
    CHECK_LINES(lines);
}

/* 11.2: two runs, same seed: the same ports; another seed: others. */
static void the_seed_decides_the_draws(void **state)
{
    static const char *const form = "nat: {ports: random}\nexternal: [1.2.3.4]\nseed: %d\nsteps:\n"
                                    "- {at: 0 s, out: \"10.0.0.1:1 -> 5.6.7.8:5\", expect: drop}";
    char script[400], first[PLAYED];
    (void)state;
    snprintf(script, sizeof script, form, 1);
    snprintf(first, sizeof first, "%s", played(script));
    assert_string_equal(played(script), first);
    snprintf(script, sizeof script, form, 2);
    assert_string_not_equal(played(script), first);
}

/* 11.2: several external addresses given, only the first used. */
static void all_given_addresses_are_used(void **state)
{
    static const char *const others[] = {"1.2.3.4", "1.2.3.5", "1.2.3.6"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        char script[400];
        snprintf(script, sizeof script,
                 "nat: {pooling: arbitrary}\nexternal: [1.2.3.4, 1.2.3.5, 1.2.3.6]\nsteps:\n"
                 "- {at: 0 s, out: \"10.0.0.1:2000 -> " Y "\", repeat: 100, vary: source_port,"
                 " expect: \"!%s:*\"}",
                 others[i]);
        assert_string_not_equal(played(script), "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_the_design_passes),
        cmocka_unit_test(each_form_holds_and_fails_as_it_says),
        cmocka_unit_test(what_stands_in_for_a_port_counts_up_and_wraps),
        cmocka_unit_test(a_box_tells_its_state),
        cmocka_unit_test(a_box_can_be_changed),
        cmocka_unit_test(an_address_that_nobody_owns_drops),
        cmocka_unit_test(a_firewall_keeps_endpoints_and_needs_no_address),
        cmocka_unit_test(a_chain_is_crossed_from_the_inside_out),
        cmocka_unit_test(a_hairpin_names_receiver_and_source),
        cmocka_unit_test(a_packet_refused_with_icmp_is_a_drop),
        cmocka_unit_test(errors_and_other_protocols_go_their_way),
        cmocka_unit_test(a_hold_starts_with_the_end_of_the_mapping),
        cmocka_unit_test(the_seed_decides_the_draws),
        cmocka_unit_test(all_given_addresses_are_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
