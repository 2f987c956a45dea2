/* The list of facts in stack/README.md is the list in stack/facts.def. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stack/check.h"
#include "stack/mist.h"

#define README "stack/README.md"
#define FROM   "<!-- facts -->\n"
#define TO     "<!-- end of facts -->\n"

void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: broken promise: %s\n", file, line, condition);
    abort();
}

static char *read_all(const char *path)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char *text = calloc(1, 1 << 20);
    assert_non_null(text);
    assert_in_range(fread(text, 1, (1 << 20) - 1, file), 1, (1 << 20) - 2);
    fclose(file);
    return text;
}

static size_t write_table(char *text, size_t size)
{
    uint32_t count;
    const struct mist_names *names = mist_api()->fact_names(&count);
    size_t n = (size_t)snprintf(text, size, "| n | fact | tells |\n|---|---|---|\n");
    for (uint32_t i = 0; i < count; i++)
        n += (size_t)snprintf(text + n, size - n, "| %u | %s | %s |\n", (unsigned)names[i].number,
                              names[i].word, names[i].doc);
    return n;
}

static void rewrite(const char *text, const char *from, const char *to, const char *table)
{
    FILE *file = fopen(README, "w");
    assert_non_null(file);
    fwrite(text, 1, (size_t)(from - text), file);
    fputs(table, file);
    fputs(to, file);
    assert_int_equal(fclose(file), 0);
}

static void the_readme_lists_every_fact(void **state)
{
    (void)state;
    static char table[1 << 16];
    char *text = read_all(README);
    const char *golden = getenv("MIST_GOLDEN");
    char *from = strstr(text, FROM), *to = strstr(text, TO);
    assert_non_null(from);
    assert_non_null(to);
    from += strlen(FROM);
    size_t length = write_table(table, sizeof table);
    if (golden != NULL && strcmp(golden, "write") == 0)
        rewrite(text, from, to, table);
    else {
        assert_int_equal((size_t)(to - from), length);
        assert_memory_equal(from, table, length);
    }
    free(text);
}

static void numbers_of_facts_are_unique_and_grow(void **state)
{
    (void)state;
    uint32_t count;
    const struct mist_names *names = mist_api()->fact_names(&count);
    for (uint32_t i = 1; i < count; i++)
        assert_true(names[i].number > names[i - 1].number);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_readme_lists_every_fact),
        cmocka_unit_test(numbers_of_facts_are_unique_and_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
