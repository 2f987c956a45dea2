/* test_nat_catalogue.c: what `mistsim nat list` and `nat show` tell of the
 * catalogue, and which requirements knobs meet. */
#include "sim/exit.h"
#include "sim/nat_command.h"
#include "sim/nat_profile.h"
#include "sim/test/captured.h"
#include "sim/test/nat_played.h"

static char out[CAPTURED], err[CAPTURED];

/* ---- rules ---- */

static const struct nat_rule *find_rule(uint32_t rfc, const char *number)
{
    for (uint32_t i = 0; i < NAT_RULE_COUNT; i++)
        if (NAT_RULES[i].rfc == rfc && strcmp(NAT_RULES[i].number, number) == 0)
            return &NAT_RULES[i];
    fail_msg("no rule for RFC %u %s", rfc, number);
    return NULL;
}

/* "mapping: eim; idle: 30 s" over the defaults */
static struct nat_policy policy_of(const char *knobs)
{
    struct nat_policy policy = nat_policy_default();
    char copy[300], error[400];
    snprintf(copy, sizeof copy, "%s", knobs);
    for (char *key = strtok(copy, ";"); key; key = strtok(NULL, ";")) {
        char *value = strchr(key, ':');
        assert_non_null(value);
        *value++ = 0;
        key += strspn(key, " ");
        if (nat_policy_set(&policy, key, value, error, sizeof error) != 0)
            fail_msg("%s", error);
    }
    return policy;
}

/* As the RFCs' texts say; for the requirements whose scripts no profile tells
 * apart, and for RFC 5508, 6888 and 7857, which have no scripts. */
static const struct {
    const char *knobs;
    uint32_t rfc;
    const char *number, *verdict;
} VERDICTS[] = {
    {"", 4787, "REQ-1", "pass"},
    {"mapping: adm", 4787, "REQ-1", "breaks"},
    {"kind: one_to_one", 4787, "REQ-1", "pass"},
    {"kind: firewall", 4787, "REQ-1", "n/a"},
    {"egress_block: udp", 4787, "REQ-1", "n/a"},
    {"pool: 2; pooling: soft_paired", 4787, "REQ-2", "pass"},
    {"pool: 2; pooling: arbitrary", 4787, "REQ-2", "breaks"},
    {"pooling: arbitrary", 4787, "REQ-2", "n/a"},
    {"keep_privileged: on; range: [1, 65535]", 4787, "REQ-3a", "breaks"},
    {"keep_privileged: on", 4787, "REQ-3a", "pass"},
    {"udp_established: 119 s", 4787, "REQ-5", "breaks"},
    {"max_lifetime: 119 s", 4787, "REQ-5", "breaks"},
    {"dport_override: {53: 10 s}", 4787, "REQ-5a", "pass"},
    {"dport_override: {1024: 10 s}", 4787, "REQ-5a", "breaks"},
    {"", 4787, "REQ-5a", "n/a"},
    {"max_lifetime: 600 s", 4787, "REQ-6", "breaks"},
    {"refresh: in", 4787, "REQ-6", "breaks"},
    {"hairpin: internal", 4787, "REQ-9a", "breaks"},
    {"hairpin: internal", 4787, "REQ-9", "pass"},
    {"mapping: apdm; ports: random", 4787, "REQ-11", "pass"},
    {"mapping: apdm; ports: preserve", 4787, "REQ-11", "breaks"},
    {"inbound_clash: on", 4787, "REQ-11", "breaks"},
    {"mtu: 1400; df_too_big: drop", 4787, "REQ-13", "breaks"},
    {"fragments: in_order_only", 4787, "REQ-14", "breaks"},
    {"icmp_query: 59 s", 5508, "REQ-2", "breaks"},
    {"icmp_errors: off", 5508, "REQ-4", "breaks"},
    {"hairpin: external; icmp_errors: off", 5508, "REQ-7", "breaks"},
    {"hairpin: off", 5508, "REQ-7", "n/a"},
    {"on_exhaustion: icmp_3_13", 5508, "REQ-8", "pass"},
    {"on_exhaustion: icmp_3_1", 5508, "REQ-8", "breaks"},
    {"hairpin: external", 6888, "REQ-1", "pass"},
    {"hairpin: off", 6888, "REQ-1", "breaks"},
    {"quota_ports: 100", 6888, "REQ-4", "pass"},
    {"ports: block", 6888, "REQ-4", "pass"},
    {"ports: random", 6888, "REQ-4", "breaks"},
    {"hold: 120 s", 6888, "REQ-8", "pass"},
    {"hold: 119 s", 6888, "REQ-8", "breaks"},
    {"ports: deterministic", 6888, "REQ-8", "pass"},
    {"on_exhaustion: reuse", 6888, "REQ-11", "breaks"},
    {"on_exhaustion: evict_oldest", 6888, "REQ-11", "breaks"},
    {"on_exhaustion: drop", 6888, "REQ-11", "pass"},
    {"on_exhaustion: icmp_3_1", 6888, "REQ-11b", "pass"},
    {"ports: block; block_ports: random", 6888, "REQ-15", "pass"},
    {"ports: block", 6888, "REQ-15", "breaks"},
    {"ports: sequential", 6888, "REQ-15", "breaks"},
    {"ports: overload", 7857, "3", "breaks"},
    {"ports: overload; mapping: apdm", 7857, "3", "pass"},
    {"ports: overload; mapping: apdm; overload_demux: last_wins", 7857, "3", "breaks"},
    {"ports: random", 7857, "3", "n/a"},
    {"ports: sequential", 7857, "9", "breaks"},
};

static void knobs_meet_or_break_requirements_as_their_texts_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof VERDICTS / sizeof *VERDICTS; i++) {
        struct nat_policy policy = policy_of(VERDICTS[i].knobs);
        const struct nat_rule *rule = find_rule(VERDICTS[i].rfc, VERDICTS[i].number);
        const char *verdict = nat_conformance_word(nat_rule_judge(rule, &policy, true));
        if (strcmp(verdict, VERDICTS[i].verdict) != 0)
            fail_msg("`%s`: RFC %u %s: expected %s, got %s", VERDICTS[i].knobs, VERDICTS[i].rfc,
                     VERDICTS[i].number, VERDICTS[i].verdict, verdict);
    }
}

static void rfc_6888_speaks_of_carriers_alone(void **state)
{
    struct nat_policy policy = nat_policy_default();
    (void)state;
    for (uint32_t i = 0; i < NAT_RULE_COUNT; i++)
        if (NAT_RULES[i].rfc == 6888)
            assert_int_equal(nat_rule_judge(&NAT_RULES[i], &policy, false), NAT_RULE_OUTSIDE);
}

/* ---- profiles ---- */

static const struct nat_profile *read_profile(struct arena *arena, const char *name)
{
    struct errors errors = {0};
    const struct nat_profile *p = nat_profile_read(catalogue_open(arena, ""), arena, name, &errors);
    assert_non_null(p);
    errors_free(&errors);
    return p;
}

static const char *origin_of(const struct nat_profile *p, const char *key)
{
    for (uint32_t i = 0; i < p->knob_count; i++)
        if (strcmp(p->knobs[i].key, key) == 0)
            return p->knobs[i].origin;
    return "";
}

/* nat-models/profiles/cgn_fixed_hard.yaml and the one that it is like. */
static void each_knob_tells_who_said_it(void **state)
{
    struct arena arena = {0};
    const struct nat_profile *p = read_profile(&arena, "cgn_fixed_hard");
    (void)state;
    assert_string_equal(nat_profile_value(p, "mapping"), "apdm");
    assert_string_equal(origin_of(p, "mapping"), "cgn_fixed_hard");
    assert_string_equal(nat_profile_value(p, "hold"), "120 s");
    assert_string_equal(origin_of(p, "hold"), "cgn_fixed");
    assert_string_equal(nat_profile_value(p, "udp_unreplied"),
                        "{ min: 10 s, median: 35 s, max: 200 s }"); /* said as `idle` */
    assert_string_equal(origin_of(p, "udp_unreplied"), "cgn_fixed");
    assert_string_equal(nat_profile_value(p, "session_reply"), "off");
    assert_string_equal(origin_of(p, "session_reply"), "default");
    arena_free(&arena);
}

/* What is told as a default, written into a script, changes nothing. */
static void each_default_is_told_as_it_would_be_written(void **state)
{
    struct arena arena = {0};
    struct nat_policy standard = nat_policy_default();
    const struct nat_profile *p = read_profile(&arena, "cloud_vm");
    (void)state;
    for (uint32_t i = 0; i < p->knob_count; i++) {
        struct nat_policy policy = standard;
        const struct nat_profile_knob *k = &p->knobs[i];
        char error[400];
        bool unset = strcmp(k->key, "dport_override") == 0 || strcmp(k->key, "background") == 0;
        if (strcmp(k->origin, "default") != 0 || (unset && strcmp(k->value, "none") == 0))
            continue;
        if (nat_policy_set(&policy, k->key, k->value, error, sizeof error) != 0)
            fail_msg("%s", error);
        assert_memory_equal(&policy, &standard, sizeof policy);
    }
    arena_free(&arena);
}

static enum nat_conformance judged(const char *profile, uint32_t rfc, const char *number)
{
    struct arena arena = {0};
    enum nat_conformance c =
        nat_profile_judge(read_profile(&arena, profile), find_rule(rfc, number));
    arena_free(&arena);
    return c;
}

/* home_apdf draws its timers from 30 s and from 54 s on, up to 691 s and 600 s;
 * cgn_cellular_hard one of two poolings. */
static void draws_make_some_boxes_break_a_requirement(void **state)
{
    (void)state;
    assert_int_equal(judged("home_apdf", 4787, "REQ-5"), NAT_RULE_SOME);
    assert_int_equal(judged("home_apdf", 4787, "REQ-1"), NAT_RULE_MEETS);
    assert_int_equal(judged("cgn_cellular_hard", 4787, "REQ-2"), NAT_RULE_SOME);
    assert_int_equal(judged("cgn_cellular_hard", 4787, "REQ-1"), NAT_RULE_BREAKS);
}

/* ---- commands ---- */

#define BEGIN "<!-- begin of `mistsim nat list --conformance` -->\n"
#define END   "<!-- end -->"

static void the_readme_holds_the_table_of_requirements(void **state)
{
    static char readme[CAPTURED];
    FILE *file = fopen("nat-models/README.md", "r");
    (void)state;
    assert_non_null(file);
    readme[fread(readme, 1, CAPTURED - 1, file)] = 0;
    fclose(file);
    char *begin = strstr(readme, BEGIN), *end = begin ? strstr(begin, END) : NULL;
    assert_non_null(end);
    *end = 0;
    assert_int_equal(captured(&nat_command, out, err,
                              (const char *const[]){"nat", "list", "--conformance", NULL}),
                     EXIT_FINE);
    assert_string_equal(begin + strlen(BEGIN), out);
}

static void the_list_names_every_file(void **state)
{
    static const char *const lines[] = {
        "\nlinux_masquerade ", "\ncloud_vm ", "\nroverso ",
        "  apdf       preserve              30 s .. 691 s  54 s .. 600 s  Hatonen"};
    (void)state;
    assert_int_equal(captured(&nat_command, out, err, (const char *const[]){"nat", "list", NULL}),
                     EXIT_FINE);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (!strstr(out, lines[i]))
            fail_msg("`%s` is missing in\n%s", lines[i], out);
    assert_int_equal(
        captured(&nat_command, out, err, (const char *const[]){"nat", "list", "--json", NULL}),
        EXIT_FINE);
    assert_non_null(strstr(out, "{\"name\": \"linux_drop\", \"kind\": \"nat\", \"mapping\": "
                                "\"apdm\", \"filtering\": \"apdf\", \"ports\": \"overload\", "
                                "\"udp_unreplied\": \"30 s\", \"udp_established\": \"120 s\", "
                                "\"looks\": \"eim/apdf/preserve\""));
}

static void a_profile_is_shown_with_what_it_breaks(void **state)
{
    (void)state;
    assert_int_equal(
        captured(&nat_command, out, err, (const char *const[]){"nat", "show", "linux_drop", NULL}),
        EXIT_FINE);
    assert_non_null(strstr(out, "\nlooks     eim/apdf/preserve\n"));
    assert_non_null(
        strstr(out, "\n  inbound_clash           off                     linux_drop\n"));
    assert_non_null(strstr(out, "\n  RFC 4787 REQ-1   MUST      one external endpoint"));
    assert_null(strstr(out, "RFC 6888"));
    assert_int_equal(captured(&nat_command, out, err,
                              (const char *const[]){"nat", "show", "--json", "linux_drop", NULL}),
                     EXIT_FINE);
    assert_non_null(strstr(out, "\"inbound_clash\": {\"value\": \"off\", \"origin\": "
                                "\"linux_drop\"}"));
    assert_non_null(strstr(out, "{\"rfc\": 4787, \"number\": \"REQ-1\", \"level\": \"MUST\", "
                                "\"verdict\": \"breaks\""));
}

static void a_population_is_shown_with_its_shares(void **state)
{
    (void)state;
    assert_int_equal(
        captured(&nat_command, out, err, (const char *const[]){"nat", "show", "mobile", NULL}),
        EXIT_FINE);
    assert_non_null(strstr(out, "\n  55.8%  cgn_cellular\n"));
}

static void a_misspelt_name_is_told_with_the_nearest(void **state)
{
    (void)state;
    assert_int_equal(
        captured(&nat_command, out, err, (const char *const[]){"nat", "show", "home_apd", NULL}),
        EXIT_INPUT);
    assert_string_equal(out, "");
    assert_non_null(strstr(err, "did you mean `home_apdf`?"));
    assert_int_equal(
        captured(&nat_command, out, err, (const char *const[]){"nat", "show", "../x", NULL}),
        EXIT_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knobs_meet_or_break_requirements_as_their_texts_say),
        cmocka_unit_test(rfc_6888_speaks_of_carriers_alone),
        cmocka_unit_test(each_knob_tells_who_said_it),
        cmocka_unit_test(each_default_is_told_as_it_would_be_written),
        cmocka_unit_test(draws_make_some_boxes_break_a_requirement),
        cmocka_unit_test(the_readme_holds_the_table_of_requirements),
        cmocka_unit_test(the_list_names_every_file),
        cmocka_unit_test(a_profile_is_shown_with_what_it_breaks),
        cmocka_unit_test(a_population_is_shown_with_its_shares),
        cmocka_unit_test(a_misspelt_name_is_told_with_the_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
