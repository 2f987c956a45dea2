/* test_nat_scripts.c: plays nat-models/scripts, and proves by scripts/pairs
 * that every knob acts: the scripts of a knob send the same packets through
 * boxes that differ in it alone, and expect different things. */
#include <dirent.h>

#include "sim/test/nat_played.h"

#define FOLDER "nat-models/scripts"
#define FILES  500 /* of a folder, at most */
#define PATH   300 /* bytes */
#define TEXT   20000

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Paths of the scripts in a folder, sorted; the caller frees them. */
static size_t list(const char *folder, char *paths[FILES])
{
    char path[PATH];
    size_t count = 0;
    snprintf(path, sizeof path, FOLDER "/%s", folder);
    DIR *directory = opendir(path);
    struct dirent *file;
    assert_non_null(directory);
    while ((file = readdir(directory))) {
        size_t length = strlen(file->d_name);
        if (length < 6 || strcmp(file->d_name + length - 5, ".yaml") != 0)
            continue;
        assert_true(count < FILES);
        snprintf(path, sizeof path, FOLDER "/%s/%s", folder, file->d_name);
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
    pass_all("pairs");
}

/* ---- pairs ---- */

/* The scripts of a knob: KNOB-a.yaml, KNOB-b.yaml ... */
static size_t list_of_knob(const char *knob, char *paths[FILES])
{
    char *all[FILES], prefix[PATH];
    size_t count = list("pairs", all), found = 0;
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
    static const char *const keys[] = {"expect", "from", "icmp", "state"};
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_script_of_a_knob_passes),
        cmocka_unit_test(scripts_of_a_knob_fail_with_one_anothers_boxes),
        cmocka_unit_test(scripts_of_a_knob_differ_in_it_and_what_they_expect_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
