/* test_question.c: what a scenario asks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "analysis/question.h"

static void assert_question(const char *text, const char *expected)
{
    char question[40];
    question_read(text, question, sizeof question);
    assert_string_equal(question, expected);
}

static void the_question_is_that_of_the_document(void **state)
{
    (void)state;
    assert_question("mist: 1\nquestion: Why?\n", "Why?");
    assert_question("a: {question: no}\nb: [question, no]\nquestion: >-\n  How\n  far?\n",
                    "How far?");
    assert_question("x: question\ny: no\n", "");
    assert_question("a: &a [1, {b: 2}]\nc: *a\nquestion: 'q'\n", "q");
    assert_question("question: [a, b]\nz: no\n", "");
    assert_question("question: {question: no}\n", "");
}

static void a_long_question_is_cut(void **state)
{
    (void)state;
    assert_question("question: 0123456789012345678901234567890123456789012345678901234567890\n",
                    "012345678901234567890123456789012345678");
}

static void what_is_no_yaml_asks_nothing(void **state)
{
    (void)state;
    assert_question("", "");
    assert_question("just words", "");
    assert_question("- question\n- no\n", "");
    assert_question("a: [\nquestion: no\n", "");
    assert_question("\xff\xfe\x01", "");
    assert_question("a: \"\n", "");
}

static void deep_nesting_does_no_harm(void **state)
{
    enum { DEPTH = 100000 };
    (void)state;
    char *text = malloc(DEPTH + 1);
    assert_non_null(text);
    memset(text, '[', DEPTH);
    text[DEPTH] = 0;
    assert_question(text, "");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_question_is_that_of_the_document),
        cmocka_unit_test(a_long_question_is_cut),
        cmocka_unit_test(what_is_no_yaml_asks_nothing),
        cmocka_unit_test(deep_nesting_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
