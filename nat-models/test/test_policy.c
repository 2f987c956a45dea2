/* Knobs from text: what is taken, what is refused, and with which words. */
#include "nat-models/test/lab.h"
#include "nat-models/text.h"

static void every_knob_takes_the_words_it_names(void **state)
{
    const char *key, *values;
    (void)state;
    for (uint32_t i = 0; (key = nat_policy_key(i, &values)) != NULL; i++) {
        static const char *const forms[] = {"time",
                                            "count",
                                            "count|none",
                                            "number, not 0",
                                            "576..65535|none",
                                            "[low, high]",
                                            "{port: time}",
                                            "rate such as 10/s",
                                            "prefix such as 10.0.0.0/8, or none",
                                            "first_reply|{reply_and_age: time}"};
        bool words = true;
        for (size_t f = 0; f < sizeof forms / sizeof forms[0]; f++)
            words = words && strcmp(values, forms[f]) != 0;
        for (const char *at = values; words && *at != '\0';) {
            char word[32], error[200];
            size_t length = strcspn(at, "|");
            snprintf(word, sizeof word, "%.*s", (int)length, at);
            struct nat_policy policy = nat_policy_default();
            assert_int_equal(nat_policy_set(&policy, key, word, error, sizeof error), 0);
            at += length + (at[length] == '|');
        }
    }
}

/* DESIGN's defaults. */
static void a_box_without_knobs_is_a_home_router(void **state)
{
    char label[NAT_LABEL], error[200];
    struct nat_policy p = nat_policy_default();
    (void)state;
    assert_string_equal(nat_policy_label(&p, label), "eim/apdf/preserve");
    assert_int_equal(nat_policy_check(&p, error, sizeof error), 0);
    assert_int_equal(p.on_clash, NAT_CLASH_NEXT);
    assert_int_equal(p.delta, 1);
    assert_int_equal(p.counter, NAT_COUNTER_BOX);
    assert_int_equal(p.low, 1024);
    assert_int_equal(p.high, 65535);
    assert_int_equal(p.refresh, NAT_REFRESH_OUT);
    assert_int_equal(p.established_when, NAT_FIRST_REPLY);
    assert_int_equal(p.filter_lifetime, NAT_FILTER_OF_MAPPING);
    assert_int_equal(p.max_lifetime, 0);
    assert_int_equal(p.hold, 0);
    assert_int_equal(p.down, 0);
    assert_int_equal(p.session_reply + p.inbound_clash + p.hairpin + p.parity, 0);
    assert_int_equal(p.same_port_after_expiry + p.keep_privileged, 0);
    assert_int_equal(p.on_exhaustion, NAT_EXHAUSTED_DROP);
    assert_int_equal(p.quota_ports, 0);
    assert_int_equal(p.pooling, NAT_POOL_PAIRED);
}

static void labels_name_mapping_filtering_and_ports(void **state)
{
    static const struct {
        const char *knobs, *label;
    } cases[] = {
        {"mapping: apdm; filtering: eif; ports: deterministic", "apdm/eif/deterministic"},
        {"mapping: adm; filtering: adf; ports: sequential", "adm/adf/sequential"},
        {"kind: firewall; filtering: adf", "firewall/adf"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct nat_policy policy = lab_policy(cases[i].knobs);
        char label[NAT_LABEL];
        assert_string_equal(nat_policy_label(&policy, label), cases[i].label);
    }
}

static void wrong_knobs_are_refused_with_the_nearest_right_one(void **state)
{
    static const struct {
        const char *key, *text, *message;
    } cases[] = {
        {"maping", "eim", "maping: no such knob of a NAT (did you mean mapping?)"},
        {"udp_unreplied_s", "30 s",
         "udp_unreplied_s: no such knob of a NAT (did you mean udp_unreplied?)"},
        {"colour", "blue", "colour: no such knob of a NAT"},
        {"mapping", "eif", "mapping: expected eim|adm|apdm, got eif (did you mean eim?)"},
        {"ports", "prserve",
         "ports: expected preserve|overload|sequential|random|block|deterministic, got prserve "
         "(did you mean preserve?)"},
        {"udp_unreplied", "30", "udp_unreplied: expected time, got 30"},
        {"quota_ports", "0", "quota_ports: expected count|none, got 0"},
        {"range", "[1024]", "range: expected [low, high], got [1024]"},
        {"range", "[1024, 70000]", "range: expected [low, high], got [1024, 70000]"},
        {"mtu", "500", "mtu: expected 576..65535|none, got 500"},
        {"exempt", "10.0.0.0", "exempt: expected prefix such as 10.0.0.0/8, or none, got 10.0.0.0"},
        {"exempt", "10.0.0.1/8",
         "exempt: expected prefix such as 10.0.0.0/8, or none, got 10.0.0.1/8"},
        {"exempt", "10.0.0.0/33",
         "exempt: expected prefix such as 10.0.0.0/8, or none, got 10.0.0.0/33"},
        {"exempt", "10.0.0.0/0",
         "exempt: expected prefix such as 10.0.0.0/8, or none, got 10.0.0.0/0"},
        {"exempt", "::/8", "exempt: expected prefix such as 10.0.0.0/8, or none, got ::/8"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char error[200];
        struct nat_policy policy = nat_policy_default(), before = policy;
        assert_int_equal(nat_policy_set(&policy, cases[i].key, cases[i].text, error, sizeof error),
                         -1);
        assert_string_equal(error, cases[i].message);
        assert_memory_equal(&policy, &before, sizeof policy);
    }
}

static void knobs_that_contradict_each_other_are_refused(void **state)
{
    static const struct {
        const char *key[2], *text[2], *message;
    } cases[] = {
        {{"range", NULL}, {"[5000, 4000]", NULL}, "range: expected 1 <= low <= high"},
        {{"range", NULL}, {"[0, 4000]", NULL}, "range: expected 1 <= low <= high"},
        {{"delta", NULL}, {"0", NULL}, "delta: expected a number other than 0"},
        {{"idle", "udp_unreplied"}, {"30 s", "0 s"}, "udp_unreplied: expected more than 0 s"},
        {{"ports", "range"}, {"block", "[2000, 2100]"}, "block: expected at most the range's 101"},
        {{"kind", "mapping"}, {"firewall", "apdm"}, "mapping: expected eim, a firewall"},
        {{"kind", "hairpin"}, {"firewall", "external"}, "hairpin: expected off, a firewall"},
        {{"ports", "hold"}, {"overload", "120 s"}, "hold: expected 0 s with ports: overload"},
        {{"on_clash", NULL}, {"sticky_random", NULL}, "on_clash: sticky_random needs mapping apdm"},
        {{"pool", NULL}, {"70000", NULL}, "pool: expected 1 to 65534 addresses"},
        {{"map_lifetime", NULL}, {"119 s", NULL}, "map_lifetime: expected at least 2 min"},
        {{"kind", "exempt"}, {"nat64", "10.0.0.0/8"}, "exempt: expected none, only kind nat"},
        {{"kind", "pcp"}, {"firewall", "on"}, "nat_pmp, pcp, upnp: expected off"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char error[200];
        struct nat_policy policy = nat_policy_default();
        for (size_t k = 0; k < 2 && cases[i].key[k] != NULL; k++)
            assert_int_equal(
                nat_policy_set(&policy, cases[i].key[k], cases[i].text[k], error, sizeof error), 0);
        assert_int_equal(nat_policy_check(&policy, error, sizeof error), -1);
        assert_memory_equal(error, cases[i].message, strlen(cases[i].message));
    }
}

static void times_are_read_exactly(void **state)
{
    static const struct {
        const char *text;
        int result;
        mist_time time;
    } cases[] = {
        {"30 s", 0, SEC(30)},
        {"30s", 0, SEC(30)},
        {" 1.5 min ", 0, SEC(90)},
        {"250 ms", 0, MS(250)},
        {"0", 0, 0},
        {"0 s", 0, 0},
        {"0.000000001 s", 0, 1},
        {"1.5 us", 0, 1500},
        {"3.66 h", 0, SEC(13176)},
        {"2 d", 0, MINUTES(2880)},
        {"7", -1, 0},
        {"7 weeks", -1, 0},
        {"-1 s", -1, 0},
        {"", -1, 0},
        {"s", -1, 0},
        {"1. s", -1, 0},
        {"101 years", -1, 0},
        {"36526 d", -1, 0},
        {"999999999999 h", -1, 0},
        {"1 s 2", -1, 0},
        {"36525 d", 0, MINUTES(1440) * 36525},
        {"1e3 s", -1, 0},
        {"0.1234567891 s", -1, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mist_time time = 0;
        assert_int_equal(nat_text_time(cases[i].text, &time), cases[i].result);
        assert_int_equal(time, cases[i].time);
    }
}

static void ranges_are_read_in_every_spelling(void **state)
{
    static const char *const right[] = {"[9000, 10900]", "9000..10900", "9000-10900", "9000 10900",
                                        " [ 9000 ,10900 ] "};
    static const char *const wrong[] = {"",     "[9000", "9000]",  "[9000, 10900] x",
                                        "a..b", "[,]",   "9000..", "[9000.5, 10900]"};
    (void)state;
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        uint16_t low = 0, high = 0;
        assert_int_equal(nat_text_range(right[i], &low, &high), 0);
        assert_int_equal(low, 9000);
        assert_int_equal(high, 10900);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        uint16_t low, high;
        assert_int_equal(nat_text_range(wrong[i], &low, &high), -1);
    }
}

static void structured_values_may_stand_in_braces(void **state)
{
    char error[200];
    struct nat_policy p = nat_policy_default();
    (void)state;
    assert_int_equal(nat_policy_set(&p, "established_when", "{ reply_and_age: 3 s }", error, 200),
                     0);
    assert_int_equal(p.established_when, NAT_REPLY_AND_AGE);
    assert_int_equal(p.established_age, SEC(3));
    assert_int_equal(nat_policy_set(&p, "established_when", "reply_and_age: 2 s", error, 200), 0);
    assert_int_equal(p.established_age, SEC(2));
    assert_int_equal(nat_policy_set(&p, "established_when", "first_reply", error, 200), 0);
    assert_int_equal(p.established_when, NAT_FIRST_REPLY);
    assert_int_equal(nat_policy_set(&p, "dport_override", "53: 10 s", error, 200), 0);
    assert_int_equal(p.dport, 53);
    assert_int_equal(p.dport_timeout, SEC(10));
    assert_int_equal(nat_policy_set(&p, "new_mappings", "600/min", error, 200), 0);
    assert_int_equal(p.new_mappings_per_s, 10);
    assert_int_equal(nat_policy_set(&p, "dport_override", "53", error, 200), -1);
    assert_int_equal(nat_policy_set(&p, "established_when", "{ reply_and_age }", error, 200), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_knob_takes_the_words_it_names),
        cmocka_unit_test(a_box_without_knobs_is_a_home_router),
        cmocka_unit_test(labels_name_mapping_filtering_and_ports),
        cmocka_unit_test(wrong_knobs_are_refused_with_the_nearest_right_one),
        cmocka_unit_test(knobs_that_contradict_each_other_are_refused),
        cmocka_unit_test(times_are_read_exactly),
        cmocka_unit_test(ranges_are_read_in_every_spelling),
        cmocka_unit_test(structured_values_may_stand_in_braces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
