/* The configuration: one table, and every setting that it lets through works. */
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE /* mincore */
#endif
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/mman.h>
#include <unistd.h>

#include "stack/check.h"
#include "stack/test/lab.c"
#include "stack/test/lab_nat.c"

#define COUNT(x) (sizeof(x) / sizeof((x)[0]))

static void each_key_takes_its_default_and_no_nonsense(void **state)
{
    (void)state;
    static const char *const nonsense[] = {"",    "x",    "-1",        "1.5",
                                           " 8",  "8 ",   "0x10",      "99999999999999999999",
                                           "on1", "Auto", "4294967296"};
    const struct mist_api *api = mist_api();
    uint32_t count;
    const struct mist_key *keys = api->config_keys(&count);
    struct config c, before;
    assert_int_equal(api->config_size, sizeof c);
    assert_true(count > 0);
    for (uint32_t i = 0; i < count; i++) {
        api->config_init(&c);
        before = c;
        assert_int_equal(api->config_set(&c, keys[i].name, keys[i].standard), MIST_OK);
        assert_memory_equal(&c, &before, sizeof c); /* init is these defaults */
        for (size_t j = 0; j < COUNT(nonsense); j++)
            assert_int_equal(api->config_set(&c, keys[i].name, nonsense[j]), MIST_ERR_VALUE);
        assert_memory_equal(&c, &before, sizeof c);
        assert_true(strlen(keys[i].doc) > 0 && strlen(keys[i].form) > 0);
        for (uint32_t j = 0; j < i; j++)
            assert_string_not_equal(keys[i].name, keys[j].name);
    }
    assert_int_equal(api->config_set(&c, "nonsense", "1"), MIST_ERR_KEY);
    assert_int_equal(api->config_set(&c, "", ""), MIST_ERR_KEY);
}

static void each_word_of_a_form_is_taken(void **state)
{
    (void)state;
    const struct mist_api *api = mist_api();
    uint32_t count;
    const struct mist_key *keys = api->config_keys(&count);
    struct config c;
    for (uint32_t i = 0; i < count; i++) {
        if (strchr(keys[i].form, '|') == NULL)
            continue;
        char form[128], *rest = form;
        snprintf(form, sizeof form, "%s", keys[i].form);
        for (char *word; (word = strtok_r(rest, " |", &rest)) != NULL;) {
            api->config_init(&c);
            assert_int_equal(api->config_set(&c, keys[i].name, word), MIST_OK);
        }
    }
}

/* A node with that configuration runs for a second. */
static void run_with(const char *key, const char *value)
{
    struct lab *l = lab_open(1);
    lab_configure(l, lab_add(l, "server"), "reach.assume", "public");
    lab_configure(l, lab_add(l, "guest"), key, value);
    lab_start(l, 0, 0);
    if (strcmp(key, "socket.family") != 0) {
        lab_start(l, 1, 1);
        lab_run(l, l->now + SEC(1));
    }
    lab_close(l);
}

/* The ends of each range, found by trying: what is taken, works. */
static void every_count_that_is_taken_makes_a_node_that_runs(void **state)
{
    (void)state;
    static const char *const values[] = {"0",     "1",     "2",     "3",     "7",    "8",
                                         "20",    "255",   "256",   "1024",  "4096", "16384",
                                         "32768", "65534", "65535", "65536", "65537"};
    uint32_t count;
    const struct mist_key *keys = mist_api()->config_keys(&count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t taken = 0;
        for (size_t j = 0; strcmp(keys[i].form, "count") == 0 && j < COUNT(values); j++) {
            struct config c;
            mist_api()->config_init(&c);
            if (mist_api()->config_set(&c, keys[i].name, values[j]) != MIST_OK)
                continue;
            taken++;
            run_with(keys[i].name, values[j]);
        }
        assert_true(taken > 0 || strcmp(keys[i].form, "count") != 0);
    }
}

/* ---- memory ---- */

static size_t pages_touched(void *memory, size_t size)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = (size + page - 1) / page;
    unsigned char *resident = calloc(1, pages);
    size_t n = 0;
    assert_non_null(resident);
    assert_int_equal(mincore(memory, size, resident), 0);
    for (size_t i = 0; i < pages; i++)
        n += resident[i] & 1;
    free(resident);
    return n;
}

static size_t pages_of_init(const char *size_name, size_t *bytes)
{
    static const uint8_t seed[32] = {1}, secret[32] = {2};
    const struct mist_api *api = mist_api();
    struct config c;
    void *scratch = calloc(1, api->scratch_size());
    assert_non_null(scratch);
    api->config_init(&c);
    assert_int_equal(api->config_set(&c, "size", size_name), MIST_OK);
    *bytes = api->node_size(&c);
    void *memory = mmap(NULL, *bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(memory != MAP_FAILED);
    assert_int_equal(pages_touched(memory, *bytes), 0);
    api->init(memory, scratch, &c, seed, secret, SEC(1));
    size_t touched = pages_touched(memory, *bytes);
    munmap(memory, *bytes);
    free(scratch);
    return touched;
}

static void init_touches_a_few_pages_whatever_the_size(void **state)
{
    (void)state;
    size_t tiny, normal, server;
    size_t few = pages_of_init("tiny", &tiny);
    assert_true(few <= 8);
    assert_true(pages_of_init("normal", &normal) <= 8);
    assert_true(pages_of_init("server", &server) <= 8);
    assert_true(tiny < normal && normal < server);
    assert_true(server > 1000000); /* or the claim says nothing */
}

static void the_tables_account_for_the_block(void **state)
{
    (void)state;
    static const char *const sizes[] = {"tiny", "normal", "server"};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct lab *l = lab_open(1);
        lab_configure(l, lab_add(l, "one"), "size", sizes[i]);
        lab_start(l, 0, 0);
        struct mist_memory tables[32];
        uint32_t n = l->api->memory(l->hosts[0].node, tables, COUNT(tables));
        size_t sum = 0;
        for (uint32_t j = 0; j < n; j++)
            sum += tables[j].entry_bytes * tables[j].limit;
        assert_true(n < COUNT(tables));
        assert_true(sum <= l->hosts[0].memory_size);
        assert_true(sum >= l->hosts[0].memory_size / 100 * 95); /* rounding and heads apart */
        lab_close(l);
    }
}

/* ---- names ---- */

static void check_names(const struct mist_names *names, uint32_t count)
{
    assert_true(count > 0);
    for (uint32_t i = 0; i < count; i++) {
        assert_true(strlen(names[i].word) > 0);
        for (uint32_t j = 0; j < i; j++) {
            assert_true(names[i].number != names[j].number);
            assert_string_not_equal(names[i].word, names[j].word);
        }
    }
}

static void every_number_has_one_name(void **state)
{
    (void)state;
    const struct mist_api *api = mist_api();
    const struct mist_names *(*const tables[])(uint32_t *) = {api->wish_names,   api->event_names,
                                                              api->fact_names,   api->path_names,
                                                              api->reason_names, api->kind_names};
    assert_int_equal(api->size, sizeof *api);
    assert_int_equal(api->version, MIST_API_VERSION);
    for (size_t i = 0; i < COUNT(tables); i++) {
        uint32_t count;
        const struct mist_names *names = tables[i](&count);
        check_names(names, count);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_key_takes_its_default_and_no_nonsense),
        cmocka_unit_test(each_word_of_a_form_is_taken),
        cmocka_unit_test(every_count_that_is_taken_makes_a_node_that_runs),
        cmocka_unit_test(init_touches_a_few_pages_whatever_the_size),
        cmocka_unit_test(the_tables_account_for_the_block),
        cmocka_unit_test(every_number_has_one_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
