/* test_probe.c: the probe finds what boxes do, and the judge what they should not.
 *
 * What is expected stands in the knobs themselves (nat-behaviour.md section 5:
 * "exactly the configured pair", "the configured timers within 1 s"). */
#include "nat-models/test/lab.h"
#include "sim/probe_judge.h"
#include "sim/probe_world.h"

#define CHAIN 3

struct boxes {
    uint32_t count;
    struct nat_policy policies[CHAIN];
};

/* Knobs as lab_policy reads them, of each box, inside first; up to a NULL. */
static struct boxes boxes(const char *first, const char *second, const char *third)
{
    const char *const knobs[CHAIN] = {first, second, third};
    struct boxes b = {0};
    while (b.count < CHAIN && knobs[b.count]) {
        b.policies[b.count] = lab_policy(knobs[b.count]);
        b.count++;
    }
    return b;
}

/* What the probe sees of them, and what stands between it and them: NULL, or a
 * misbehaviour that changes the net. */
static struct probe_report probe_through(const struct boxes *b, uint64_t seed,
                                         void (*misbehave)(struct probe_net *net))
{
    struct probe_effort effort = probe_world_effort(seed);
    struct probe_world *w = probe_world_open(b->policies, b->count, seed);
    struct probe_net net = probe_world_net(w);
    if (misbehave)
        misbehave(&net);
    struct probe_report report = probe_run(&net, &effort);
    probe_world_close(w);
    return report;
}

static struct probe_report probe(const char *knobs)
{
    struct boxes b = boxes(knobs, NULL, NULL);
    return probe_through(&b, 1, NULL);
}

static void assert_found(const struct probe_report *report, enum probe_key key, const char *value,
                         const char *about)
{
    char buffer[PROBE_VALUE];
    const char *found = probe_value(report, key, buffer);
    if (strcmp(found ? found : "-", value) != 0)
        fail_msg("%s: %s: expected %s, found %s", about, probe_key_name(key), value,
                 found ? found : "-");
}

/* ---- what boxes are ---- */

static void the_nine_boxes_are_what_they_are(void **state)
{
    static const char *const mappings[] = {"eim", "adm", "apdm"};
    static const char *const filterings[] = {"eif", "adf", "apdf"};
    (void)state;
    for (int i = 0; i < 18; i++) {
        char knobs[200];
        const char *mapping = mappings[i % 3], *filtering = filterings[i / 3 % 3];
        snprintf(knobs, sizeof knobs,
                 "mapping: %s; filtering: %s; ports: random; session_reply: %s", mapping, filtering,
                 i < 9 ? "off" : "on");
        struct probe_report r = probe(knobs);
        assert_found(&r, PROBE_KEY_MAPPING, mapping, knobs);
        assert_found(&r, PROBE_KEY_FILTERING, filtering, knobs);
    }
}

struct finding {
    const char *knobs;
    enum probe_key key;
    const char *value;
};

static void check(const struct finding *findings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct probe_report r = probe(findings[i].knobs);
        assert_found(&r, findings[i].key, findings[i].value, findings[i].knobs);
    }
}
#define CHECK_FINDINGS(findings) check(findings, sizeof(findings) / sizeof *(findings))

/* nat-behaviour.md, end of section 5 */
static void a_dependent_box_that_keeps_ports_looks_independent(void **state)
{
    static const struct finding findings[] = {
        {"mapping: apdm; ports: preserve", PROBE_KEY_MAPPING, "eim"},
        {"mapping: adm; ports: overload", PROBE_KEY_MAPPING, "eim"},
        {"mapping: apdm; ports: preserve; pool: 4; pooling: arbitrary", PROBE_KEY_MAPPING, "apdm"},
        {"mapping: apdm; ports: preserve; range: [60000, 65535]", PROBE_KEY_MAPPING, "apdm"},
    };
    (void)state;
    CHECK_FINDINGS(findings);
}

static void each_port_rule_is_told(void **state)
{
    static const struct finding findings[] = {
        {"ports: preserve", PROBE_KEY_PORTS, "preserve"},
        {"ports: overload", PROBE_KEY_PORTS, "preserve"},
        {"ports: random", PROBE_KEY_PORTS, "random"},
        {"ports: random; range: [9000, 10900]", PROBE_KEY_PORTS, "random"},
        {"ports: random; quota_ports: 100", PROBE_KEY_PORTS, "random"},
        {"ports: random; range: [9000, 10900]; quota_ports: 100; pool: 4", PROBE_KEY_PORTS,
         "random"},
        {"ports: sequential", PROBE_KEY_PORTS, "sequential"},
        {"ports: sequential; counter: subscriber", PROBE_KEY_PORTS, "sequential"},
        {"ports: sequential; background: {rate: 5/s, life: 60 s}", PROBE_KEY_PORTS, "sequential"},
        {"ports: sequential; mapping: apdm", PROBE_KEY_DELTA, "1"},
        {"ports: sequential; delta: 2", PROBE_KEY_DELTA, "2"},
        {"ports: sequential; delta: -3; mapping: adm", PROBE_KEY_DELTA, "-3"},
        {"ports: block; block: 64", PROBE_KEY_PORTS, "block"},
        {"ports: block; block: 64", PROBE_KEY_BLOCK, "64"},
        {"ports: block; block: 4096", PROBE_KEY_BLOCK, "4096"},
        {"ports: block; block: 512; max_blocks: 4", PROBE_KEY_BLOCK, "512"},
        {"ports: block; block: 512; block_ports: random", PROBE_KEY_BLOCK, "512"},
        {"ports: block; block: 256; pool: 4; mapping: apdm", PROBE_KEY_BLOCK, "256"},
        {"ports: block; block: 4096; quota_ports: 1000", PROBE_KEY_BLOCK, "1000"},
        {"ports: deterministic; block: 1024", PROBE_KEY_BLOCK, "1024"},
    };
    (void)state;
    CHECK_FINDINGS(findings);
}

static void both_timers_are_found_to_the_second(void **state)
{
    static const struct finding findings[] = {
        {"idle: 1 s", PROBE_KEY_UNREPLIED, "1"},
        {"idle: 30 s", PROBE_KEY_UNREPLIED, "30"},
        {"idle: 54321 ms", PROBE_KEY_UNREPLIED, "54"},
        {"idle: 54700 ms", PROBE_KEY_ESTABLISHED, "55"},
        {"udp_unreplied: 30 s; udp_established: 691 s", PROBE_KEY_UNREPLIED, "30"},
        {"udp_unreplied: 30 s; udp_established: 691 s", PROBE_KEY_ESTABLISHED, "691"},
        {"udp_unreplied: 691 s; udp_established: 54 s", PROBE_KEY_UNREPLIED, "691"},
        {"udp_unreplied: 691 s; udp_established: 54 s", PROBE_KEY_ESTABLISHED, "54"},
        {"idle: 3599 s", PROBE_KEY_ESTABLISHED, "3599"},
        {"idle: 2 h", PROBE_KEY_ESTABLISHED, "-"},
        {"udp_unreplied: 30 s; established_when: {reply_and_age: 2 s}", PROBE_KEY_UNREPLIED, "30"},
        {"udp_unreplied: 30 s; established_when: {reply_and_age: 2 s}", PROBE_KEY_ESTABLISHED,
         "120"},
        {"mapping: apdm; ports: random; refresh: both; filter_lifetime: session; idle: 77 s",
         PROBE_KEY_ESTABLISHED, "77"},
        {"refresh: in; idle: 44 s", PROBE_KEY_ESTABLISHED, "44"},
        {"max_lifetime: 50 s", PROBE_KEY_UNREPLIED, "50"},
    };
    (void)state;
    CHECK_FINDINGS(findings);
}

static void a_hairpin_is_seen_where_the_filter_lets_it(void **state)
{
    static const struct finding findings[] = {
        {"hairpin: off", PROBE_KEY_HAIRPIN, "off"},
        {"hairpin: external", PROBE_KEY_HAIRPIN, "external"},
        {"hairpin: internal", PROBE_KEY_HAIRPIN, "internal"},
        {"hairpin: external; filtering: eif; ports: random; mapping: apdm", PROBE_KEY_HAIRPIN,
         "external"},
        {"hairpin: external; filtering: apdf; ports: random; mapping: apdm", PROBE_KEY_HAIRPIN,
         "off"},
        {"kind: one_to_one; hairpin: external", PROBE_KEY_HAIRPIN, "external"},
    };
    (void)state;
    CHECK_FINDINGS(findings);
}

static void pools_and_limits_are_told(void **state)
{
    static const struct finding findings[] = {
        {"pool: 1", PROBE_KEY_ADDRESSES, "1"},
        {"pool: 300; pooling: paired", PROBE_KEY_POOLING, "paired"},
        {"pool: 2; pooling: soft_paired", PROBE_KEY_POOLING, "paired"},
        {"pool: 2; pooling: arbitrary", PROBE_KEY_POOLING, "arbitrary"},
        {"pool: 2; pooling: arbitrary", PROBE_KEY_ADDRESSES, "2"},
        {"quota_ports: 100", PROBE_KEY_FLOWS, "100"},
        {"quota_ports: 100", PROBE_KEY_FLOWS_OF, "host"},
        {"table_capacity: 40", PROBE_KEY_FLOWS, "40"},
        {"table_capacity: 40", PROBE_KEY_FLOWS_OF, "box"},
        {"new_mappings_per_s: 10", PROBE_KEY_FLOWS_OF, "host"},
        {"ports: random; range: [9000, 10900]", PROBE_KEY_FLOWS, "1901"},
        {"ports: random; range: [9000, 10900]", PROBE_KEY_LOW, "9000"},
        {"ports: random; range: [9000, 10900]", PROBE_KEY_HIGH, "10900"},
        {"ports: preserve", PROBE_KEY_FLOWS_OF, "-"},
    };
    (void)state;
    CHECK_FINDINGS(findings);
}

/* reliability.md section 1: what a Linux router does and others do not. */
static void what_becomes_of_a_port_in_dispute_is_told(void **state)
{
    static const struct finding findings[] = {
        {"inbound_clash: on", PROBE_KEY_EARLY, "moved"},
        {"inbound_clash: off", PROBE_KEY_EARLY, "kept"},
        {"inbound_clash: on; filtering: eif", PROBE_KEY_EARLY, "kept"},
        {"mapping: apdm; ports: overload", PROBE_KEY_SHARED, "yes"},
        {"ports: preserve", PROBE_KEY_SHARED, "no"},
        {"ports: preserve; on_clash: next", PROBE_KEY_CLASH, "next"},
        {"ports: preserve; on_clash: random", PROBE_KEY_CLASH, "random"},
        {"ports: overload; overload_demux: last_wins", PROBE_KEY_CLASH, "cuts"},
        {"mapping: apdm; ports: overload; on_clash: sticky_random", PROBE_KEY_AFTER_CLASH, "stays"},
        {"mapping: apdm; ports: overload; on_clash: random", PROBE_KEY_AFTER_CLASH, "returns"},
        {"mapping: apdm; ports: random", PROBE_KEY_EARLY, "-"},
        {"mapping: apdm; ports: random", PROBE_KEY_CLASH, "-"},
    };
    (void)state;
    CHECK_FINDINGS(findings);
}

static void what_is_no_nat_is_told(void **state)
{
    static const struct finding findings[] = {
        {"kind: firewall; filtering: adf", PROBE_KEY_MAPPING, "none"},
        {"kind: firewall; filtering: adf", PROBE_KEY_FILTERING, "adf"},
        {"kind: firewall; filtering: adf; idle: 77 s", PROBE_KEY_UNREPLIED, "77"},
        {"kind: firewall; filtering: adf", PROBE_KEY_POOLING, "none"},
        {"kind: one_to_one", PROBE_KEY_MAPPING, "eim"},
        {"kind: one_to_one", PROBE_KEY_FILTERING, "eif"},
        {"kind: one_to_one", PROBE_KEY_UNREPLIED, "-"},
        {"egress_block: udp", PROBE_KEY_MAPPING, "blocked"},
        {"egress_block: udp", PROBE_KEY_FILTERING, "-"},
        {"egress_block: tcp_high_ports", PROBE_KEY_MAPPING, "eim"},
    };
    struct boxes nothing = {0};
    struct probe_report r = probe_through(&nothing, 1, NULL);
    (void)state;
    CHECK_FINDINGS(findings);
    assert_found(&r, PROBE_KEY_MAPPING, "none", "no box");
    assert_found(&r, PROBE_KEY_FILTERING, "eif", "no box");
}

/* RFC 6146: outside it is a NAT like another. */
static void hosts_with_ipv6_alone_are_probed_too(void **state)
{
    static const struct finding findings[] = {
        {"kind: nat64; mapping: adm; ports: random", PROBE_KEY_MAPPING, "adm"},
        {"kind: nat64; filtering: adf", PROBE_KEY_FILTERING, "adf"},
        {"kind: nat64; udp_established: 300 s", PROBE_KEY_ESTABLISHED, "300"},
        {"kind: nat64; hairpin: external", PROBE_KEY_HAIRPIN, "external"},
        {"kind: nat64; ports: sequential", PROBE_KEY_PORTS, "sequential"},
    };
    (void)state;
    CHECK_FINDINGS(findings);
}

/* nat-behaviour.md section 9: the strictest level, the first timer to run out. */
static void of_a_chain_the_strictest_box_is_seen(void **state)
{
    static const struct {
        const char *inner, *outer, *mapping, *filtering, *ports, *established;
    } chains[] = {
        {"filtering: apdf", "filtering: eif; ports: random; idle: 50 s", "eim", "apdf", "random",
         "50"},
        {"filtering: eif; ports: random; mapping: adm", "filtering: adf", "adm", "adf", "random",
         "120"},
        {"filtering: eif; idle: 40 s", "mapping: apdm; ports: sequential; filtering: eif", "apdm",
         "eif", "sequential", "40"},
        {"kind: firewall; filtering: apdf", "filtering: eif", "eim", "apdf", "preserve", "120"},
        {"filtering: eif", "kind: firewall; filtering: adf; idle: 33 s", "eim", "adf", "preserve",
         "33"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof chains / sizeof *chains; i++) {
        struct boxes b = boxes(chains[i].inner, chains[i].outer, NULL);
        struct probe_report r = probe_through(&b, 1, NULL);
        assert_found(&r, PROBE_KEY_MAPPING, chains[i].mapping, chains[i].outer);
        assert_found(&r, PROBE_KEY_FILTERING, chains[i].filtering, chains[i].outer);
        assert_found(&r, PROBE_KEY_PORTS, chains[i].ports, chains[i].outer);
        assert_found(&r, PROBE_KEY_ESTABLISHED, chains[i].established, chains[i].outer);
    }
}

static void a_seed_repeats_its_report_and_another_does_not(void **state)
{
    struct boxes b = boxes("mapping: apdm; ports: random", NULL, NULL);
    struct probe_report first = probe_through(&b, 1, NULL), again = probe_through(&b, 1, NULL);
    struct probe_report other = probe_through(&b, 2, NULL);
    (void)state;
    for (int key = 0; key < PROBE_KEYS; key++) {
        char buffer[PROBE_VALUE];
        const char *value = probe_value(&first, (enum probe_key)key, buffer);
        assert_found(&again, (enum probe_key)key, value ? value : "-", "seed 1");
    }
    assert_true(first.low != other.low || first.high != other.high);
}

/* ---- the judge ---- */

/* Judges what is found of `found` by what `label` says; "mapping filtering", the
 * keys that differ, in text. */
static const char *judged(const struct boxes *label, const char *looks,
                          const struct probe_report *found)
{
    static char text[400];
    struct probe_effort effort = probe_world_effort(1);
    struct probe_expected expected;
    struct probe_difference differences[PROBE_KEYS];
    probe_expect(label->policies, label->count, looks, &effort, &expected);
    uint32_t count = probe_judge(&expected, found, differences);
    text[0] = 0;
    for (uint32_t i = 0; i < count; i++) {
        strcat(text, i ? " " : "");
        strcat(text, probe_key_name(differences[i].key));
    }
    return text;
}

/* A label, what the box does behind it, and what then must be told. */
static void a_box_that_is_not_what_its_label_says_is_reported_as_it_behaves(void **state)
{
    static const struct {
        const char *label, *box, *differences;
    } lies[] = {
        {"ports: random", "ports: random", ""},
        {"ports: random", "ports: random; mapping: apdm", "mapping after_early_inbound"},
        {"mapping: adm; ports: random", "mapping: apdm; ports: random", "mapping"},
        {"filtering: apdf", "filtering: adf", "filtering"},
        {"filtering: adf", "filtering: eif", "filtering"},
        {"ports: preserve", "ports: random", "ports"},
        {"ports: sequential", "ports: sequential; delta: 2", "delta"},
        {"ports: block; block: 256", "ports: block; block: 128", "block"},
        {"hairpin: external", "hairpin: internal", "hairpin"},
        {"hairpin: off", "hairpin: external", "hairpin"},
        {"idle: 120 s", "udp_unreplied: 122 s", "udp_unreplied_s"},
        {"idle: 120 s", "udp_established: 118 s", "udp_established_s"},
        {"idle: 120 s", "kind: one_to_one", "filtering udp_unreplied_s udp_established_s"},
        {"pool: 4", "pool: 4; pooling: arbitrary", "pooling"},
        {"inbound_clash: off", "inbound_clash: on", "after_early_inbound"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        struct boxes label = boxes(lies[i].label, NULL, NULL);
        struct probe_report found = probe(lies[i].box);
        assert_string_equal(judged(&label, NULL, &found), lies[i].differences);
    }
}

static void looks_are_what_counts_where_they_are_told(void **state)
{
    struct boxes b = boxes("mapping: apdm; ports: overload", NULL, NULL);
    struct probe_report found = probe("mapping: apdm; ports: overload");
    (void)state;
    assert_string_equal(judged(&b, "eim/apdf/preserve", &found), "");
    assert_string_equal(judged(&b, "apdm/eif/random", &found), "mapping filtering ports");
}

/* ---- boxes that misbehave as no knob makes them ---- */

static struct probe_net behaving; /* the net beneath the misbehaviour */

/* The box forgets everything after 40 s, whatever its timers. */
static void send_short(void *world, int32_t socket, const struct addr *to,
                       const uint8_t bytes[PROBE_BYTES])
{
    struct probe_message m;
    uint8_t changed[PROBE_BYTES];
    assert_int_equal(probe_message_read(&m, bytes, PROBE_BYTES), 0);
    m.later = m.later && m.later_ms < 40000;
    probe_message_write(&m, changed);
    behaving.send(world, socket, to, changed);
}

static void forget_early(struct probe_net *net)
{
    behaving = *net;
    net->send = send_short;
}

/* Towards the server's second address the box uses the next port. */
static bool receive_shifted(void *world, int32_t socket, mist_time patience,
                            struct probe_arrival *a)
{
    struct probe_message m;
    bool came = behaving.receive(world, socket, patience, a);
    if (came && probe_message_read(&m, a->bytes, a->length) == 0 && m.kind == PROBE_ANSWER &&
        addr_same_ip(&a->from, &behaving.server[1][0])) {
        m.seen.port++;
        probe_message_write(&m, a->bytes);
    }
    return came;
}

static void shift_ports(struct probe_net *net)
{
    behaving = *net;
    net->receive = receive_shifted;
}

/* Every answer comes from the server's first endpoint, as from a server that
 * does not know how to answer from elsewhere: no open filter. */
static void send_home(void *world, int32_t socket, const struct addr *to,
                      const uint8_t bytes[PROBE_BYTES])
{
    struct probe_message m;
    uint8_t changed[PROBE_BYTES];
    assert_int_equal(probe_message_read(&m, bytes, PROBE_BYTES), 0);
    for (uint8_t i = 0; i < 4; i++)
        if (addr_equal(to, &behaving.server[i / 2][i % 2]))
            m.from = (struct probe_end){i / 2, i % 2};
    probe_message_write(&m, changed);
    behaving.send(world, socket, to, changed);
}

static void answer_from_home(struct probe_net *net)
{
    behaving = *net;
    net->send = send_home;
}

static void misbehaviour_beyond_all_knobs_is_found(void **state)
{
    static const struct {
        void (*misbehave)(struct probe_net *net);
        const char *differences;
    } faults[] = {
        {NULL, ""},
        {forget_early, "udp_unreplied_s udp_established_s"},
        {shift_ports, "mapping after_early_inbound"},
        {answer_from_home, "filtering"},
    };
    struct boxes b = boxes("filtering: adf; ports: random", NULL, NULL);
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct probe_report found = probe_through(&b, 1, faults[i].misbehave);
        assert_string_equal(judged(&b, NULL, &found), faults[i].differences);
        if (faults[i].misbehave == forget_early)
            assert_found(&found, PROBE_KEY_UNREPLIED, "40", "forgets after 40 s");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_nine_boxes_are_what_they_are),
        cmocka_unit_test(a_dependent_box_that_keeps_ports_looks_independent),
        cmocka_unit_test(each_port_rule_is_told),
        cmocka_unit_test(both_timers_are_found_to_the_second),
        cmocka_unit_test(a_hairpin_is_seen_where_the_filter_lets_it),
        cmocka_unit_test(pools_and_limits_are_told),
        cmocka_unit_test(what_becomes_of_a_port_in_dispute_is_told),
        cmocka_unit_test(what_is_no_nat_is_told),
        cmocka_unit_test(hosts_with_ipv6_alone_are_probed_too),
        cmocka_unit_test(of_a_chain_the_strictest_box_is_seen),
        cmocka_unit_test(a_seed_repeats_its_report_and_another_does_not),
        cmocka_unit_test(a_box_that_is_not_what_its_label_says_is_reported_as_it_behaves),
        cmocka_unit_test(looks_are_what_counts_where_they_are_told),
        cmocka_unit_test(misbehaviour_beyond_all_knobs_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
