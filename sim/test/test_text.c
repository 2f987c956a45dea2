/* test_text.c: numbers as people read them, tables, JSON, and hostile texts; the
 * intervals over seeds; the line of the progress. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/interval.h"
#include "sim/progress.h"
#include "sim/text.h"
#include "stack/check.h"

_Noreturn void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: CHECK(%s)\n", file, line, condition);
    abort();
}

static void values_are_written_in_their_units(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *unit, *text;
    } cases[] = {
        {0.7134, "ratio", "71.3 %"},
        {1, "ratio", "100 %"},
        {0, "ratio", "0 %"},
        {0.99999, "ratio", ">99.99 %"},
        {0.00001, "ratio", "<0.01 %"},
        {0.9962, "ratio", "99.62 %"},
        {0.005, "ratio", "0.50 %"},
        {1 - 1e-16, "ratio", "100 %"},
        {0, "s", "0 s"},
        {0.312, "s", "312 ms"},
        {3e-9, "s", "3 ns"},
        {0.0000042, "s", "4.20 us"},
        {4.213, "s", "4.21 s"},
        {12.34, "s", "12.3 s"},
        {2, "s", "2 s"},
        {240, "s", "4 min"},
        {605, "s", "10 min 5 s"},
        {3600, "s", "1 h"},
        {5430, "s", "1 h 31 min"},
        {1234567, "count", "1,234,567"},
        {12, "count", "12"},
        {-1234, "count", "-1,234"},
        {148, "B/s", "148 B/s"},
        {2048, "B/s", "2.05 kB/s"},
        {2.271, "1/s", "2.27/s"},
        {1.02, "hops", "1.02 hops"},
        {1e9, "things", "1.00 G things"},
        {NAN, "s", "-"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char buffer[TEXT_NUMBER];
        assert_string_equal(text_value(buffer, cases[i].value, cases[i].unit), cases[i].text);
    }
}

/* What f writes, in a static buffer. */
static const char *written(void (*f)(FILE *out, const void *data), const void *data)
{
    static char text[4000];
    FILE *out = fmemopen(text, sizeof text, "w");
    assert_non_null(out);
    f(out, data);
    fclose(out);
    return text;
}

static void write_json(FILE *out, const void *text)
{
    text_json(out, text);
}

static void write_shown(FILE *out, const void *text)
{
    text_shown(out, text);
}

static void json_strings_are_escaped(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"plain", "\"plain\""},
        {"a\"b\\c", "\"a\\\"b\\\\c\""},
        {"tab\tline\n", "\"tab\\u0009line\\u000a\""},
        {"gr\xc3\xbc\xc3\x9f", "\"gr\xc3\xbc\xc3\x9f\""},
        {"bad \xff\xc3", "\"bad \\ufffd\\ufffd\""},
        {"overlong \xc0\x80", "\"overlong \\ufffd\\ufffd\""},
        {"surrogate \xed\xa0\x80", "\"surrogate \\ufffd\\ufffd\\ufffd\""},
        {"\x7f", "\"\\u007f\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(written(write_json, cases[i][0]), cases[i][1]);
    assert_string_equal(written(write_json, NULL), "null");
}

static void nothing_that_steers_a_terminal_gets_through(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"\033[31mred", "?[31mred"},
        {"line\nnext\r", "line?next?"},
        {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
        {"c1 \xc2\x9b", "c1 ?"},
        {"turn \xe2\x80\xae.", "turn ?."},
        {"bad \xff\xf8", "bad ??"},
        {"cut \xe2\x82", "cut ??"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(written(write_shown, cases[i][0]), cases[i][1]);
}

static void write_number(FILE *out, const void *value)
{
    text_json_number(out, *(const double *)value);
}

static void json_numbers_are_numbers(void **state)
{
    (void)state;
    assert_string_equal(written(write_number, &(double){0.25}), "0.25");
    assert_string_equal(written(write_number, &(double){1e6}), "1000000");
    assert_string_equal(written(write_number, &(double){NAN}), "null");
    assert_string_equal(written(write_number, &(double){INFINITY}), "null");
}

static void write_table(FILE *out, const void *data)
{
    (void)data;
    struct text_table *t = text_table_new(3);
    static const char *const cells[] = {"name", "n",      "note", "gr\xc3\xbc\xc3\x9f", "1", "",
                                        "b",    "12,345", "long"};
    text_table_align(t, 1, TEXT_RIGHT);
    for (size_t i = 0; i < 9; i++)
        text_table_add(t, cells[i]);
    text_table_print(t, out, " ");
}

static void tables_are_aligned_by_characters_and_end_where_the_text_does(void **state)
{
    (void)state;
    assert_string_equal(written(write_table, NULL), " name       n  note\n"
                                                    " gr\xc3\xbc\xc3\x9f       1\n"
                                                    " b     12,345  long\n");
}

static void assert_close(double value, double expected)
{
    if (!(fabs(value - expected) < 1e-4))
        fail_msg("%.6f is not %.6f", value, expected);
}

static void one_seed_has_wilsons_interval(void **state)
{
    (void)state;
    struct interval i = interval_share(&(double){6}, &(double){10}, 1);
    assert_close(i.value, 0.6);
    assert_close(i.lo, 0.312674);
    assert_close(i.hi, 0.831820);
}

/* 10 and 5 of 10: V = 0.0625, n_eff = 3, t with 1 degree of freedom = 12.706. */
static void seeds_that_differ_widen_the_interval(void **state)
{
    (void)state;
    double hits[] = {10, 5}, trials[] = {10, 10};
    struct interval i = interval_share(hits, trials, 2);
    assert_close(i.value, 0.75);
    assert_close(i.lo, 0.01027);
    assert_close(i.hi, 0.99885);
}

/* Equal seeds: the trials count in full, with t of 2 degrees of freedom, 4.3027. */
static void seeds_that_agree_are_worth_all_their_trials(void **state)
{
    (void)state;
    double hits[] = {50, 50, 50}, trials[] = {100, 100, 100};
    struct interval i = interval_share(hits, trials, 3);
    double half = 4.3027 * sqrt(0.25 / 300 + 4.3027 * 4.3027 / (4.0 * 300 * 300)) /
                  (1 + 4.3027 * 4.3027 / 300);
    assert_close(i.lo, 0.5 - half);
    assert_close(i.hi, 0.5 + half);
}

static void no_trials_have_no_share(void **state)
{
    (void)state;
    assert_true(isnan(interval_share(&(double){0}, &(double){0}, 1).value));
}

/* 1..5: mean 3, s = sqrt(2.5), t(4) = 2.7764, half = 1.9632. */
static void a_mean_has_students_interval(void **state)
{
    (void)state;
    double values[] = {1, 2, 3, 4, 5};
    struct interval i = interval_mean(values, 5);
    assert_close(i.value, 3);
    assert_true(fabs(i.lo - 1.0368) < 1e-3);
    assert_true(fabs(i.hi - 4.9632) < 1e-3);
    assert_true(isnan(interval_mean(values, 1).lo));
}

/* Quantiles from printed tables (Fisher and Yates). */
static void students_quantile_is_never_too_small(void **state)
{
    (void)state;
    static const struct {
        uint32_t freedom;
        double t;
    } cases[] = {{1, 12.7062}, {2, 4.3027},  {10, 2.2281},  {30, 2.0423},
                 {40, 2.0211}, {60, 2.0003}, {120, 1.9799}, {1000000, 1.95996}};
    double previous = 13;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(interval_t(cases[i].freedom) >= cases[i].t - 5e-5);
        assert_true(interval_t(cases[i].freedom) < cases[i].t * 1.002);
    }
    for (uint32_t freedom = 1; freedom < 2000; freedom++) {
        assert_true(interval_t(freedom) <= previous);
        previous = interval_t(freedom);
    }
}

static void the_progress_line_tells_rate_and_remaining_time(void **state)
{
    (void)state;
    char line[PROGRESS_LINE];
    struct progress_state s = {.finished = 1, .runs = 4, .running = 1};
    s.wall_s = 10;
    s.events_per_s = 2.3e6;
    s.simulated_s = 500; /* 50 times real time */
    s.remaining_s = 6000;
    s.sum = (struct world_progress){.now = SEC(192), .duration = SEC(600), .joined = 998};
    s.sum.hosts = 1000;
    s.sum.direct = 70;
    s.sum.relayed = 25;
    s.sum.failed = 5;
    progress_line(line, &s);
    assert_string_equal(line, "[1/4] 3:12 of 10:00  2.30 M events/s  50x real time  ETA 2:00"
                              "  joined 998/1,000  connected 95.0 %  direct 70.0 %");
}

static void the_progress_of_one_run_has_no_counter(void **state)
{
    (void)state;
    char line[PROGRESS_LINE];
    struct progress_state s = {.runs = 1, .running = 1};
    s.sum.duration = SEC(7200);
    progress_line(line, &s);
    assert_string_equal(line, "0:00 of 2:00:00  0 events/s  0x real time  joined 0/0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_written_in_their_units),
        cmocka_unit_test(json_strings_are_escaped),
        cmocka_unit_test(nothing_that_steers_a_terminal_gets_through),
        cmocka_unit_test(json_numbers_are_numbers),
        cmocka_unit_test(tables_are_aligned_by_characters_and_end_where_the_text_does),
        cmocka_unit_test(one_seed_has_wilsons_interval),
        cmocka_unit_test(seeds_that_differ_widen_the_interval),
        cmocka_unit_test(seeds_that_agree_are_worth_all_their_trials),
        cmocka_unit_test(no_trials_have_no_share),
        cmocka_unit_test(a_mean_has_students_interval),
        cmocka_unit_test(students_quantile_is_never_too_small),
        cmocka_unit_test(the_progress_line_tells_rate_and_remaining_time),
        cmocka_unit_test(the_progress_of_one_run_has_no_counter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
