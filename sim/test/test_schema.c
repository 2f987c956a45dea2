/* test_schema.c: the one table of keys is complete, and what is made from it is
 * up to date. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/metric.h"
#include "sim/schema.h"

static char *read_file(const char *path)
{
    struct arena arena = {0};
    struct errors errors = {0};
    const struct error_source source = {path, NULL};
    size_t length = 0;
    char *text = yaml_load(&arena, path, &source, &length, &errors);
    assert_non_null(text);
    char *copy = strdup(text);
    arena_free(&arena);
    errors_free(&errors);
    return copy;
}

static char *print(void (*write)(FILE *out))
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    write(out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void the_json_schema_in_the_folder_is_the_one_of_the_table(void **state)
{
    (void)state;
    char *kept = read_file("scenarios/schema.json"), *made = print(schema_print_json);
    assert_string_equal(kept, made); /* else: mistsim schema >scenarios/schema.json */
    free(kept);
    free(made);
}

static void the_reference_in_the_readme_is_the_one_of_the_table(void **state)
{
    (void)state;
    char *readme = read_file("scenarios/README.md"), *made = print(schema_print_markdown);
    assert_non_null(strstr(readme, made)); /* else: mistsim schema --markdown */
    free(readme);
    free(made);
}

static void the_metrics_in_the_readme_are_those_of_the_table(void **state)
{
    (void)state;
    char *readme = read_file("scenarios/README.md"), *made = print(metric_print_markdown);
    assert_non_null(strstr(readme, made)); /* else: mistsim schema --metrics */
    free(readme);
    free(made);
}

/* Every key has its meaning and an example; the example and the default are fine. */
static void check_map(const struct schema_map *map)
{
    for (uint32_t i = 0; i < map->count; i++) {
        const struct schema_key *key = &map->keys[i];
        assert_true(key->doc && *key->doc);
        if (key->need == NEED_LATER)
            continue;
        assert_true(key->example && *key->example);
        struct schema_key alone = *key;
        const struct schema_map one = {"one key", &alone, 1, 0};
        struct arena arena = {0};
        struct errors errors = {0};
        char *text = arena_format(&arena, "%s: %s\n", key->name, key->example);
        const struct error_source source = {key->name, text};
        struct yaml_node *document = yaml_parse(&arena, &source, 0, strlen(text), &errors);
        assert_non_null(document);
        schema_check(&one, document, &arena, &errors);
        if (errors.count) {
            errors_print(&errors, stderr);
            fail_msg("the example of `%s` is wrong", key->name);
        }
        arena_free(&arena);
        errors_free(&errors);
        if (key->inside)
            check_map(key->inside);
    }
}

static void every_key_is_explained_by_a_valid_example(void **state)
{
    (void)state;
    check_map(&SCHEMA_SCENARIO);
}

static void a_path_finds_its_key_through_lists_by_name_or_position(void **state)
{
    (void)state;
    assert_string_equal(schema_find(&SCHEMA_SCENARIO, "network.loss")->name, "loss");
    assert_string_equal(schema_find(&SCHEMA_SCENARIO, "population.home.access.up")->name, "up");
    assert_string_equal(schema_find(&SCHEMA_SCENARIO, "population.0.count")->name, "count");
    assert_null(schema_find(&SCHEMA_SCENARIO, "network.lost"));
    assert_null(schema_find(&SCHEMA_SCENARIO, "seed.more"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_json_schema_in_the_folder_is_the_one_of_the_table),
        cmocka_unit_test(the_reference_in_the_readme_is_the_one_of_the_table),
        cmocka_unit_test(the_metrics_in_the_readme_are_those_of_the_table),
        cmocka_unit_test(every_key_is_explained_by_a_valid_example),
        cmocka_unit_test(a_path_finds_its_key_through_lists_by_name_or_position),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
