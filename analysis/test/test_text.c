/* test_text.c: texts and numbers as a page shows them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/exit.h"
#include "analysis/text.h"
#include "stack/check.h"

_Noreturn void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: CHECK(%s)\n", file, line, condition);
    _Exit(EXIT_BROKEN);
}

static void assert_html(const char *text, uint32_t most, const char *expected)
{
    char *html;
    size_t size;
    FILE *out = open_memstream(&html, &size);
    text_html(out, text, most);
    fclose(out);
    assert_string_equal(html, expected);
    free(html);
}

static void assert_json(const char *text, const char *expected)
{
    char *json;
    size_t size;
    FILE *out = open_memstream(&json, &size);
    text_json(out, text);
    fclose(out);
    assert_string_equal(json, expected);
    free(json);
}

static void what_html_reads_as_its_own_is_escaped(void **state)
{
    (void)state;
    assert_html("<b a=\"1\" c='2'>&amp;</b>", 100,
                "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;amp;&lt;/b&gt;");
    assert_html("two\nlines\tand a tab", 100, "two\nlines\tand a tab");
    assert_html("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", 100,
                "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
}

static void what_cannot_be_shown_is_replaced(void **state)
{
    static const char *const bad[] = {
        "\x80",             /* a continuation without its start */
        "\xc3",             /* a start without its continuation, before the end */
        "\xc0\xaf",         /* '/' in two bytes: longer than it may be (RFC 3629) */
        "\xe0\x80\xaf",     /* and in three */
        "\xed\xa0\x80",     /* half of a surrogate pair */
        "\xf4\x90\x80\x80", /* beyond U+10FFFF */
        "\x1b",             /* escape */
        "\x07",             /* bell */
        "\x7f",             /* delete */
        "\xc2\x85",         /* a control of the upper range */
        "\xe2\x80\xae",     /* turns the writing direction */
        "\xef\xbb\xbf",     /* byte order mark */
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *html;
        size_t size;
        FILE *out = open_memstream(&html, &size);
        text_html(out, bad[i], 100);
        fclose(out);
        assert_memory_equal(html, "\xef\xbf\xbd", 3);
        assert_null(strstr(html, bad[i]));
        free(html);
    }
}

static void a_long_text_ends_in_an_ellipsis(void **state)
{
    (void)state;
    assert_html("abcdef", 6, "abcdef");
    assert_html("abcdefg", 6, "abcdef\xe2\x80\xa6");
    assert_html("\xc3\xa9\xc3\xa9\xc3\xa9", 2, "\xc3\xa9\xc3\xa9\xe2\x80\xa6");
}

static void no_json_string_ends_its_script_element(void **state)
{
    (void)state;
    assert_json("</script><script>", "\"\\u003c/script\\u003e\\u003cscript\\u003e\"");
    assert_json("<!--", "\"\\u003c!--\"");
    assert_json("a\"b\\c\nd\x7f", "\"a\\\"b\\\\c\\u000ad\\u007f\"");
    assert_json("\xe2\x80\xa8", "\"\\u2028\""); /* a line's end to JavaScript */
    assert_json("\xff", "\"\\ufffd\"");
    assert_json(NULL, "null");
}

static void numbers_have_three_digits_and_a_unit(void **state)
{
    static const struct {
        double value;
        const char *unit, *expected;
    } cases[] = {
        {0.839613, "ratio", "84.0 %"},
        {1, "ratio", "100 %"},
        {0, "ratio", "0 %"},
        {0.99876, "ratio", "99.88 %"},
        {0.00004, "ratio", "<0.01 %"},
        {0.99996, "ratio", ">99.99 %"},
        {0.502925, "s", "503 ms"},
        {1.0097, "s", "1.01 s"},
        {600, "s", "10 min"},
        {3900, "s", "1 h 5 min"},
        {0.0000034, "s", "3.40 \xc2\xb5s"},
        {0, "s", "0 s"},
        {621.289, "B/s", "621 B/s"},
        {4470, "B/s", "4.47 kB/s"},
        {999.9, "B/s", "1.00 kB/s"},
        {5.1946, "1/s", "5.19/s"},
        {3105, "count", "3,105"},
        {-1234567, "count", "-1,234,567"},
        {999, "count", "999"},
        {1.34246, "hops", "1.34 hops"},
        {1.4748, "SE", "1.47 SE"},
        {NAN, "ratio", "-"},
        {INFINITY, "s", "-"},
        {1e300, "count", "-"},
        {-1e300, "B/s", "-1e+282 EB/s"},
    };
    char number[TEXT_VALUE];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(text_value(number, cases[i].value, cases[i].unit), cases[i].expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_html_reads_as_its_own_is_escaped),
        cmocka_unit_test(what_cannot_be_shown_is_replaced),
        cmocka_unit_test(a_long_text_ends_in_an_ellipsis),
        cmocka_unit_test(no_json_string_ends_its_script_element),
        cmocka_unit_test(numbers_have_three_digits_and_a_unit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
