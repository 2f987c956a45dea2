/* test_nat_scripts.c: plays nat-models/scripts, and proves
 *  - by scripts/pairs that every knob acts: the scripts of a knob send the same
 *    packets through boxes that differ in it alone, and expect different things;
 *  - by scripts/rfc4787, rfc5508, rfc6888 and rfc7857 that the table of conformance is
 *    what packets say: each box that a profile can draw passes the script of a
 *    requirement if and only if the rule about its knobs (nat_rules.h) says so. */
#include <dirent.h>

#include "sim/nat_profile.h"
#include "sim/test/nat_played.h"

#define FOLDER   "nat-models/scripts"
#define PROFILES "nat-models/profiles"
#define FILES    500 /* of a folder, at most */
#define PATH     300 /* bytes */
#define TEXT     20000

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Paths of the files in a folder, sorted; the caller frees them. */
static size_t list(const char *folder, char *paths[FILES])
{
    char path[PATH];
    size_t count = 0;
    DIR *directory = opendir(folder);
    struct dirent *file;
    assert_non_null(directory);
    while ((file = readdir(directory))) {
        size_t length = strlen(file->d_name);
        if (length < 6 || strcmp(file->d_name + length - 5, ".yaml") != 0)
            continue;
        assert_true(count < FILES);
        snprintf(path, sizeof path, "%s/%s", folder, file->d_name);
        paths[count++] = strdup(path);
    }
    closedir(directory);
    qsort(paths, count, sizeof *paths, by_text);
    return count;
}

static void free_all(char **paths, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(paths[i]);
}

static void load(const char *path, char text[TEXT])
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t length = fread(text, 1, TEXT - 1, file);
    assert_true(length < TEXT - 1);
    text[length] = 0;
    fclose(file);
}

static void pass_all(const char *folder)
{
    char *paths[FILES], text[TEXT];
    size_t count = list(folder, paths);
    assert_true(count > 0);
    for (size_t i = 0; i < count; i++) {
        load(paths[i], text);
        if (*played(text))
            fail_msg("%s: %s", paths[i], played(text));
    }
    free_all(paths, count);
}

static void every_script_of_a_knob_passes(void **state)
{
    (void)state;
    pass_all(FOLDER "/pairs");
}

static void every_fault_of_other_simulators_is_absent(void **state)
{
    (void)state;
    pass_all(FOLDER "/faults");
}

static void what_must_not_happen_does_not(void **state)
{
    (void)state;
    pass_all(FOLDER "/negative");
}

static void every_requirement_can_be_met(void **state)
{
    (void)state;
    pass_all(FOLDER "/rfc4787");
    pass_all(FOLDER "/rfc5508");
    pass_all(FOLDER "/rfc6888");
    pass_all(FOLDER "/rfc7857");
}

/* ---- pairs ---- */

/* The scripts of a knob: KNOB-a.yaml, KNOB-b.yaml ... */
static size_t list_of_knob(const char *knob, char *paths[FILES])
{
    char *all[FILES], prefix[PATH];
    size_t count = list(FOLDER "/pairs", all), found = 0;
    snprintf(prefix, sizeof prefix, FOLDER "/pairs/%s-", knob);
    for (size_t i = 0; i < count; i++) {
        if (strncmp(all[i], prefix, strlen(prefix)) == 0)
            paths[found++] = all[i];
        else
            free(all[i]);
    }
    return found;
}

/* The line that says `nat:`, without its end. */
static const char *nat_line(const char *text, size_t *length)
{
    const char *line = strncmp(text, "nat:", 4) == 0 ? text : strstr(text, "\nnat:") + 1;
    *length = strcspn(line, "\n");
    return line;
}

/* The script with the boxes of another. */
static void exchange(const char *script, const char *other, char mixed[2 * TEXT])
{
    size_t own_length, its_length;
    const char *own = nat_line(script, &own_length), *its = nat_line(other, &its_length);
    snprintf(mixed, 2 * TEXT, "%.*s%.*s%s", (int)(own - script), script, (int)its_length, its,
             own + own_length);
}

static void scripts_of_a_knob_fail_with_one_anothers_boxes(void **state)
{
    static char texts[FILES][TEXT], mixed[2 * TEXT];
    const char *knob, *values;
    (void)state;
    for (uint32_t k = 0; (knob = nat_policy_key(k, &values)); k++) {
        char *paths[FILES];
        size_t count = list_of_knob(knob, paths);
        if (count < 2)
            fail_msg("%s has no pair of scripts", knob);
        for (size_t i = 0; i < count; i++)
            load(paths[i], texts[i]);
        for (size_t i = 0; i < count; i++)
            for (size_t j = 0; j < count; j++) {
                exchange(texts[i], texts[j], mixed);
                if (i != j && (!*played(mixed) || strncmp(played(mixed), "x.yaml", 6) == 0))
                    fail_msg("%s with the boxes of %s: `%s`", paths[i], paths[j], played(mixed));
            }
        free_all(paths, count);
    }
}

/* What a script expects, which is all that may differ. */
static bool is_expectation(const char *key)
{
    static const char *const keys[] = {"expect", "from", "icmp", "state", "reads", "packets"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcmp(keys[i], key) == 0)
            return true;
    return false;
}

static bool same(const struct yaml_node *a, const struct yaml_node *b)
{
    if (a->kind != b->kind || strcmp(a->text, b->text) != 0)
        return false;
    if (a->kind == YAML_LIST && a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->count; i++) {
        const struct yaml_item *item = &a->items[i];
        if (item->key && is_expectation(item->key->text))
            continue;
        const struct yaml_node *other =
            item->key ? yaml_get(b, item->key->text) : b->items[i].value;
        if (!other || !same(item->value, other))
            return false;
    }
    return true;
}

static uint32_t count_stimuli(const struct yaml_node *map)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < map->count; i++)
        count += !is_expectation(map->items[i].key->text);
    return count;
}

static bool same_steps(const struct yaml_node *a, const struct yaml_node *b)
{
    bool equal = same(a, b) && a->count == b->count;
    for (uint32_t i = 0; equal && i < a->count; i++)
        equal = count_stimuli(a->items[i].value) == count_stimuli(b->items[i].value);
    return equal;
}

/* Two maps of knobs: equal but for one. */
static bool differ_in_it_alone(const struct yaml_node *a, const struct yaml_node *b,
                               const char *knob)
{
    if (a->kind != YAML_MAP || b->kind != YAML_MAP || a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->count; i++) {
        const char *key = a->items[i].key->text;
        const struct yaml_node *other = yaml_get(b, key);
        bool equal = other && same(a->items[i].value, other);
        if (!other || equal == (strcmp(key, knob) == 0))
            return false;
    }
    return true;
}

static struct yaml_node *parse(struct arena *arena, struct errors *errors, const char *path)
{
    char text[TEXT];
    load(path, text);
    const struct error_source *source = errors_source(errors, path, text, strlen(text));
    struct yaml_node *node = yaml_parse(arena, source, 0, strlen(text), errors);
    assert_non_null(node);
    return node;
}

static void compare(const char *knob, const char *one, const char *other)
{
    struct arena arena = {0};
    struct errors errors = {0};
    const struct yaml_node *a = parse(&arena, &errors, one), *b = parse(&arena, &errors, other);
    if (!differ_in_it_alone(yaml_get(a, "nat"), yaml_get(b, "nat"), knob))
        fail_msg("%s and %s differ in more than %s", one, other, knob);
    if (!same_steps(yaml_get(a, "steps"), yaml_get(b, "steps")))
        fail_msg("%s and %s do not send the same", one, other);
    errors_free(&errors);
    arena_free(&arena);
}

static void scripts_of_a_knob_differ_in_it_and_what_they_expect_alone(void **state)
{
    const char *knob, *values;
    (void)state;
    for (uint32_t k = 0; (knob = nat_policy_key(k, &values)); k++) {
        char *paths[FILES];
        size_t count = list_of_knob(knob, paths);
        for (size_t i = 1; i < count; i++)
            compare(knob, paths[0], paths[i]);
        free_all(paths, count);
    }
}

/* ---- requirements ---- */

/* RFC 6888 REQ-1 is the others together. */
static bool is_composed(const struct nat_rule *rule)
{
    return rule->rfc == 6888 && strcmp(rule->number, "REQ-1") == 0;
}

static void path_of_rule(const struct nat_rule *rule, char path[PATH])
{
    snprintf(path, PATH, FOLDER "/rfc%u/%s.yaml", rule->rfc, rule->number);
}

static struct nat_script *read_script(const char *text)
{
    struct errors errors = {0};
    struct nat_script *s = nat_script_parse("x.yaml", text, strlen(text), &errors);
    if (!s) {
        errors_print(&errors, stderr);
        fail_msg("%s", text);
    }
    errors_free(&errors);
    return s;
}

/* Not every script tells the boxes of a rule apart.  RFC 4787 REQ-11's knows those that
 * are independent and stay so: one that is always dependent would fail it.  RFC 5508
 * REQ-7's enters the hairpin of a box that shows one endpoint to all.  RFC 7857's
 * section 7 speaks of refusals, and an open filter refuses nothing. */
static bool is_about(const struct nat_rule *rule, const struct nat_policy *policy)
{
    if (rule->rfc == 7857)
        return strcmp(rule->number, "7") != 0 || policy->filtering != NAT_EIF;
    bool independent = strcmp(rule->number, rule->rfc == 4787 ? "REQ-11" : "REQ-7") == 0 &&
                       (rule->rfc == 4787 || rule->rfc == 5508);
    return !independent || policy->mapping == NAT_EIM;
}

/* Cells that were compared, by verdict, of one requirement. */
struct compared {
    uint32_t met, broken;
};

/* The rule's verdict on the box of a script, and whether the script is about it.  A script
 * may change knobs that a box outside of its rule does not have: only its head is read. */
static enum nat_conformance judge(const struct nat_rule *rule, const char *script, bool carrier)
{
    static char head[2 * TEXT];
    snprintf(head, sizeof head, "%.*s\nsteps:\n  - { at: 0 s, state: { mappings: 0 } }\n",
             (int)(strstr(script, "\nsteps:") - script), script);
    struct nat_script *s = read_script(head);
    const struct nat_policy *policy = &s->boxes[0].policy;
    enum nat_conformance said = nat_rule_judge(rule, policy, carrier);
    if (!is_about(rule, policy))
        said = NAT_RULE_OUTSIDE;
    nat_script_free(s);
    return said;
}

static void compare_box(const struct nat_rule *rule, const char *script, const char *box,
                        bool carrier, struct compared *compared)
{
    static char mixed[2 * TEXT];
    char line[2 * PATH];
    snprintf(line, sizeof line, "nat: %s\n", box);
    exchange(script, line, mixed);
    enum nat_conformance said = judge(rule, mixed, carrier);
    if (said == NAT_RULE_OUTSIDE)
        return;
    struct nat_script *s = read_script(mixed);
    if ((said == NAT_RULE_MEETS) != (nat_play_script(s) == 0))
        fail_msg("%s, RFC %u %s: the rule says `%s`, the packets say `%s`", box, rule->rfc,
                 rule->number, nat_conformance_word(said), played(mixed));
    compared->met += said == NAT_RULE_MEETS;
    compared->broken += said == NAT_RULE_BREAKS;
    nat_script_free(s);
}

/* All boxes that the profile draws. */
static void compare_profile(const struct nat_rule *rule, const char *script,
                            const struct nat_profile *p, struct compared *compared)
{
    char box[PATH];
    for (uint32_t i = 0; i < nat_profile_boxes(p); i++) {
        nat_profile_write_box(p, i, box, sizeof box);
        compare_box(rule, script, box, p->carrier, compared);
    }
}

/* "nat-models/profiles/home_apdf.yaml" -> "home_apdf" */
static void base_name(const char *path, char name[PATH])
{
    const char *slash = strrchr(path, '/');
    snprintf(name, PATH, "%s", slash + 1);
    name[strlen(name) - 5] = 0;
}

/* No profile has dport_override or mtu: a line with a small MTU is not a box's kind. */
static bool has_no_profile(const char *number)
{
    return strcmp(number, "REQ-5a") == 0 || strcmp(number, "REQ-13") == 0 ||
           strcmp(number, "REQ-13a") == 0;
}

static void the_table_of_conformance_is_what_packets_say(void **state)
{
    char *profiles[FILES], text[TEXT], name[PATH], path[PATH];
    size_t profile_count = list(PROFILES, profiles);
    struct arena arena = {0};
    struct errors errors = {0};
    struct catalogue *catalogue = catalogue_open(&arena, "");
    (void)state;
    for (uint32_t r = 0; r < NAT_RULE_COUNT; r++) {
        const struct nat_rule *rule = &NAT_RULES[r];
        struct compared compared = {0, 0};
        if (is_composed(rule))
            continue;
        path_of_rule(rule, path);
        load(path, text);
        for (size_t i = 0; i < profile_count; i++) {
            base_name(profiles[i], name);
            const struct nat_profile *p = nat_profile_read(catalogue, &arena, name, &errors);
            assert_non_null(p);
            compare_profile(rule, text, p, &compared);
        }
        if (compared.met + compared.broken == 0 && !has_no_profile(rule->number))
            fail_msg("%s was compared with no profile", path);
        print_message("RFC %u %s: %u boxes meet it, %u break it\n", rule->rfc, rule->number,
                      compared.met, compared.broken);
    }
    free_all(profiles, profile_count);
    errors_free(&errors);
    arena_free(&arena);
}

/* A box whose verdict is the other one, for each requirement that none of the catalogue's
 * breaks, or none meets, by a knob; the translator breaks the rest by no knob at all. */
static void scripts_tell_boxes_apart_that_the_catalogue_does_not_have(void **state)
{
    static const struct {
        uint32_t rfc;
        const char *number, *box;
    } others[] = {
        {4787, "REQ-5a", "{ dport_override: { 5000: 10 s } }"},
        {4787, "REQ-6", "{ refresh: in }"},
        {4787, "REQ-6", "{ max_lifetime: 90 s }"},
        {4787, "REQ-9a", "{ hairpin: internal }"},
        {4787, "REQ-10", "{ alg: rewrite }"},
        {4787, "REQ-12a", "{ icmp_errors: off }"},
        {4787, "REQ-12b", "{ icmp_errors: off }"},
        {4787, "REQ-13", "{ mtu: 1280, df_too_big: drop }"},
        {4787, "REQ-14", "{ fragments: in_order_only }"},
        {5508, "REQ-2", "{ icmp_query: 59 s }"},
        {5508, "REQ-4", "{ icmp_errors: off }"},
        {5508, "REQ-5", "{ icmp_errors: off }"},
        {5508, "REQ-7", "{ hairpin: external, icmp_errors: off }"},
        {5508, "REQ-8", "{ on_exhaustion: icmp_3_13 }"},
        {5508, "REQ-10", "{ icmp_errors: off }"},
        {6888, "REQ-4b", "{ new_mappings: 10/s }"},
        {6888, "REQ-9", "{ pcp: on }"},
        {6888, "REQ-11", "{ on_exhaustion: evict_oldest }"},
        {6888, "REQ-11", "{ on_exhaustion: evict_unreplied }"},
        {6888, "REQ-11b", "{ on_exhaustion: icmp_3_1 }"},
        {7857, "3", "{ mapping: apdm, ports: overload, overload_demux: last_wins }"},
        {7857, "3", "{ mapping: eim, ports: overload }"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct compared compared = {0, 0};
        char text[TEXT], path[PATH];
        uint32_t r = 0;
        while (NAT_RULES[r].rfc != others[i].rfc ||
               strcmp(NAT_RULES[r].number, others[i].number) != 0)
            r++;
        path_of_rule(&NAT_RULES[r], path);
        load(path, text);
        compare_box(&NAT_RULES[r], text, others[i].box, true, &compared);
        if (compared.met + compared.broken != 1)
            fail_msg("%s was not compared with %s", path, others[i].box);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_script_of_a_knob_passes),
        cmocka_unit_test(scripts_of_a_knob_fail_with_one_anothers_boxes),
        cmocka_unit_test(scripts_of_a_knob_differ_in_it_and_what_they_expect_alone),
        cmocka_unit_test(every_fault_of_other_simulators_is_absent),
        cmocka_unit_test(what_must_not_happen_does_not),
        cmocka_unit_test(every_requirement_can_be_met),
        cmocka_unit_test(the_table_of_conformance_is_what_packets_say),
        cmocka_unit_test(scripts_tell_boxes_apart_that_the_catalogue_does_not_have),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
