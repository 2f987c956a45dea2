/* test_nat_scripts.c: plays nat-models/scripts, and proves
 *  - by scripts/pairs that every knob acts: the scripts of a knob send the same
 *    packets through boxes that differ in it alone, and expect different things;
 *  - by scripts/rfc4787 that the rules about knobs (nat_rules.h) tell the truth
 *    about packets: each profile passes the script of a requirement if and only
 *    if the rule says that it meets it. */
#include <dirent.h>

#include "sim/nat_rules.h"
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

/* "nat-models/scripts/rfc4787/REQ-3a.yaml" -> "REQ-3a" */
static void base_name(const char *path, char name[PATH])
{
    const char *slash = strrchr(path, '/');
    snprintf(name, PATH, "%s", slash + 1);
    name[strlen(name) - 5] = 0;
}

static const struct nat_rule *find_rule(uint32_t rfc, const char *number)
{
    for (uint32_t i = 0; i < NAT_RULE_COUNT; i++)
        if (NAT_RULES[i].rfc == rfc && strcmp(NAT_RULES[i].number, number) == 0)
            return &NAT_RULES[i];
    fail_msg("no rule for RFC %u %s", rfc, number);
    return NULL;
}

static struct nat_script *read_script(const char *text)
{
    struct errors errors = {0};
    struct nat_script *s = nat_script_parse("x.yaml", text, strlen(text), &errors);
    assert_non_null(s);
    errors_free(&errors);
    return s;
}

/* The script of REQ-11 tells an independent box that stays so from one that does
 * not; a dependent one that always is would fail it. */
static bool is_about(const struct nat_rule *rule, const struct nat_policy *policy)
{
    return strcmp(rule->number, "REQ-11") != 0 || policy->mapping == NAT_EIM;
}

static uint32_t compare_with_rule(const struct nat_rule *rule, const char *script,
                                  const char *profile)
{
    static char mixed[2 * TEXT];
    char line[2 * PATH];
    snprintf(line, sizeof line, "nat: %s\n", profile);
    exchange(script, line, mixed);
    struct nat_script *s = read_script(mixed);
    const struct nat_policy *policy = &s->boxes[0].policy;
    enum nat_conformance said = nat_rule_judge(rule, policy, false);
    bool compared = said != NAT_RULE_OUTSIDE && is_about(rule, policy);
    if (compared && (said == NAT_RULE_MEETS) != (nat_play_script(s) == 0))
        fail_msg("%s, %s: the rule says `%s`, the packets say `%s`", profile, rule->number,
                 nat_conformance_word(said), played(mixed));
    nat_script_free(s);
    return compared;
}

/* No profile has dport_override or mtu: a line with a small MTU is not a box's
 * kind. */
static bool has_no_profile(const char *number)
{
    return strcmp(number, "REQ-5a") == 0 || strcmp(number, "REQ-13") == 0 ||
           strcmp(number, "REQ-13a") == 0;
}

static void profiles_do_what_the_rules_say_of_their_knobs(void **state)
{
    char *scripts[FILES], *profiles[FILES], text[TEXT], name[PATH], number[PATH];
    size_t script_count = list(FOLDER "/rfc4787", scripts),
           profile_count = list(PROFILES, profiles);
    (void)state;
    for (size_t i = 0; i < script_count; i++) {
        uint32_t compared = 0;
        base_name(scripts[i], number);
        load(scripts[i], text);
        for (size_t j = 0; j < profile_count; j++) {
            base_name(profiles[j], name);
            compared += compare_with_rule(find_rule(4787, number), text, name);
        }
        if (compared == 0 && !has_no_profile(number))
            fail_msg("%s was compared with no profile", scripts[i]);
    }
    free_all(scripts, script_count);
    free_all(profiles, profile_count);
}

static void every_rule_of_rfc_4787_has_a_script(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < NAT_RULE_COUNT; i++) {
        char path[PATH], text[TEXT];
        snprintf(path, sizeof path, FOLDER "/rfc4787/%s.yaml", NAT_RULES[i].number);
        if (NAT_RULES[i].rfc == 4787)
            load(path, text);
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
        cmocka_unit_test(profiles_do_what_the_rules_say_of_their_knobs),
        cmocka_unit_test(every_rule_of_rfc_4787_has_a_script),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
