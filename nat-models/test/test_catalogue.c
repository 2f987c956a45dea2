/* The catalogue's files: names, sources and every value a knob takes.  Run
 * from the top of the tree. */
#include <dirent.h>
#include <yaml.h>

#include "nat-models/test/lab.h"

struct file {
    yaml_document_t document;
    char name[64]; /* without .yaml */
};

/* ---- yaml in small ---- */

static yaml_node_t *node_of(struct file *f, int id)
{
    return yaml_document_get_node(&f->document, id);
}

static const char *scalar(yaml_node_t *node)
{
    assert_non_null(node);
    assert_int_equal(node->type, YAML_SCALAR_NODE);
    return (const char *)node->data.scalar.value;
}

static yaml_node_t *member(struct file *f, yaml_node_t *map, const char *key)
{
    assert_int_equal(map->type, YAML_MAPPING_NODE);
    for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top;
         p++) {
        if (strcmp(scalar(node_of(f, p->key)), key) == 0)
            return node_of(f, p->value);
    }
    return NULL;
}

static void load(struct file *f, const char *folder, const char *entry)
{
    char path[300];
    yaml_parser_t parser;
    snprintf(path, sizeof path, "nat-models/%s/%s", folder, entry);
    snprintf(f->name, sizeof f->name, "%.*s", (int)strlen(entry) - 5, entry);
    FILE *stream = fopen(path, "r");
    assert_non_null(stream);
    assert_int_equal(yaml_parser_initialize(&parser), 1);
    yaml_parser_set_input_file(&parser, stream);
    if (!yaml_parser_load(&parser, &f->document))
        fail_msg("%s: %s", path, parser.problem);
    yaml_parser_delete(&parser);
    fclose(stream);
}

/* Calls each for every .yaml of a folder; returns how many there are. */
static int for_each(const char *folder, void (*each)(struct file *f, yaml_node_t *root))
{
    char path[100];
    int count = 0;
    snprintf(path, sizeof path, "nat-models/%s", folder);
    DIR *directory = opendir(path);
    assert_non_null(directory);
    for (struct dirent *e; (e = readdir(directory)) != NULL;) {
        size_t length = strlen(e->d_name);
        if (length < 6 || strcmp(e->d_name + length - 5, ".yaml") != 0)
            continue;
        struct file f;
        load(&f, folder, e->d_name);
        each(&f, yaml_document_get_root_node(&f.document));
        yaml_document_delete(&f.document);
        count++;
    }
    closedir(directory);
    return count;
}

/* ---- knobs ---- */

static void accept(struct file *f, struct nat_policy *policy, const char *key, const char *text)
{
    char error[200];
    if (nat_policy_set(policy, key, text, error, sizeof error) != 0)
        fail_msg("%s: %s", f->name, error);
}

/* {min, median, max} of times, in order. */
static void accept_triple(struct file *f, struct nat_policy *policy, const char *key,
                          yaml_node_t *map)
{
    static const char *const names[] = {"min", "median", "max"};
    struct nat_policy previous = *policy;
    for (int i = 0; i < 3; i++) {
        struct nat_policy p = *policy;
        accept(f, &p, key, scalar(member(f, map, names[i])));
        assert_true(i == 0 || strcmp(key, "udp_established") == 0 ||
                    p.udp_unreplied > previous.udp_unreplied);
        assert_true(i == 0 || strcmp(key, "udp_unreplied") == 0 ||
                    p.udp_established > previous.udp_established);
        previous = p;
    }
    *policy = previous;
}

static void accept_map(struct file *f, struct nat_policy *policy, const char *key, yaml_node_t *map)
{
    if (member(f, map, "min") != NULL) {
        accept_triple(f, policy, key, map);
        return;
    }
    yaml_node_pair_t *pair = map->data.mapping.pairs.start; /* {name: value} */
    char text[100];
    snprintf(text, sizeof text, "%s: %s", scalar(node_of(f, pair->key)),
             scalar(node_of(f, pair->value)));
    accept(f, policy, key, text);
}

static void accept_list(struct file *f, struct nat_policy *policy, const char *key,
                        yaml_node_t *list)
{
    yaml_node_item_t *item = list->data.sequence.items.start;
    if (strcmp(key, "range") == 0) {
        char text[40];
        snprintf(text, sizeof text, "[%s, %s]", scalar(node_of(f, item[0])),
                 scalar(node_of(f, item[1])));
        accept(f, policy, key, text);
        return;
    }
    for (; item < list->data.sequence.items.top; item++)
        accept(f, policy, key, scalar(node_of(f, *item)));
}

static void accept_knobs(struct file *f, struct nat_policy *policy, yaml_node_t *knobs)
{
    for (yaml_node_pair_t *p = knobs->data.mapping.pairs.start; p < knobs->data.mapping.pairs.top;
         p++) {
        const char *key = scalar(node_of(f, p->key));
        yaml_node_t *value = node_of(f, p->value);
        if (value->type == YAML_SCALAR_NODE)
            accept(f, policy, key, scalar(value));
        else if (value->type == YAML_SEQUENCE_NODE)
            accept_list(f, policy, key, value);
        else
            accept_map(f, policy, key, value);
    }
}

static void assert_profile_exists(const char *name)
{
    char path[200];
    snprintf(path, sizeof path, "nat-models/profiles/%s.yaml", name);
    FILE *stream = fopen(path, "r");
    if (stream == NULL)
        fail_msg("no profile %s", name);
    fclose(stream);
}

/* A profile's policy, its `like` first; the last of each list. */
static void apply_profile(struct nat_policy *policy, const char *name)
{
    char entry[100];
    struct file f;
    snprintf(entry, sizeof entry, "%s.yaml", name);
    load(&f, "profiles", entry);
    yaml_node_t *root = yaml_document_get_root_node(&f.document);
    yaml_node_t *like = member(&f, root, "like");
    if (like != NULL)
        apply_profile(policy, scalar(like));
    accept_knobs(&f, policy, member(&f, root, "knobs"));
    yaml_document_delete(&f.document);
}

/* ---- claims ---- */

static void assert_told(struct file *f, yaml_node_t *root, const char *kind)
{
    assert_string_equal(scalar(member(f, root, kind)), f->name);
    assert_true(strlen(scalar(member(f, root, "doc"))) > 10);
    assert_true(strlen(scalar(member(f, root, "source"))) > 10);
}

static void check_profile(struct file *f, yaml_node_t *root)
{
    struct nat_policy policy = nat_policy_default();
    char error[200];
    assert_told(f, root, "profile");
    apply_profile(&policy, f->name);
    if (nat_policy_check(&policy, error, sizeof error) != 0)
        fail_msg("%s: %s", f->name, error);
}

static void check_nat(struct file *f, yaml_node_t *nat)
{
    if (nat->type == YAML_SCALAR_NODE) {
        if (strcmp(scalar(nat), "none") != 0)
            assert_profile_exists(scalar(nat));
        return;
    }
    if (nat->type == YAML_SEQUENCE_NODE) {
        for (yaml_node_item_t *i = nat->data.sequence.items.start; i < nat->data.sequence.items.top;
             i++)
            check_nat(f, node_of(f, *i));
        return;
    }
    struct nat_policy policy = nat_policy_default();
    accept_knobs(f, &policy, nat);
}

static void check_population(struct file *f, yaml_node_t *root)
{
    double sum = 0;
    assert_told(f, root, "population");
    yaml_node_t *boxes = member(f, root, "boxes");
    for (yaml_node_item_t *i = boxes->data.sequence.items.start; i < boxes->data.sequence.items.top;
         i++) {
        char *rest;
        sum += strtod(scalar(member(f, node_of(f, *i), "share")), &rest);
        assert_string_equal(rest, "%");
        check_nat(f, member(f, node_of(f, *i), "nat"));
    }
    assert_true(sum > 99.999 && sum < 100.001);
}

static void every_profile_names_its_source_and_takes_its_values(void **state)
{
    (void)state;
    assert_true(for_each("profiles", check_profile) >= 20);
}

static void every_population_adds_up_and_names_profiles_that_exist(void **state)
{
    (void)state;
    assert_true(for_each("populations", check_population) >= 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_profile_names_its_source_and_takes_its_values),
        cmocka_unit_test(every_population_adds_up_and_names_profiles_that_exist),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
