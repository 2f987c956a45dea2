/* test_value.c: quantities become exact integers, or are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/value.h"

typedef const char *reader(const char *text, int64_t *out);

struct reading {
    reader *read;
    const char *text;
    int64_t value; /* -1: refused */
};

static const struct reading READINGS[] = {
    {value_time, "30 s", 30000000000},
    {value_time, "30s", 30000000000},
    {value_time, "40 ms", 40000000},
    {value_time, "2 min", 120000000000},
    {value_time, "3.66 h", 13176000000000},
    {value_time, "1 d", 86400000000000},
    {value_time, "0.5 us", 500},
    {value_time, "7 ns", 7},
    {value_time, "0 s", 0},
    {value_time, "0.5 ns", -1}, /* finer than a nanosecond */
    {value_time, "30", -1},
    {value_time, "30 sec", -1},
    {value_time, "-3 s", -1},
    {value_time, "1e3 s", -1},
    {value_time, ".5 s", -1},
    {value_time, "5. s", -1},
    {value_time, "", -1},
    {value_time, "s", -1},
    {value_time, "1.2.3 s", -1},
    {value_time, "106752 d", -1}, /* 2^63 ns are 106,751.99 days */
    {value_time, "106751 d", 9223286400000000000},
    {value_time, "9999999999999999999 ns", -1},
    {value_share, "5%", 50000},
    {value_share, "0.5 %", 5000},
    {value_share, "0.0001%", 1},
    {value_share, "100%", 1000000},
    {value_share, "0%", 0},
    {value_share, "100.0001%", -1},
    {value_share, "0.00001%", -1},
    {value_share, "0.05", -1},
    {value_rate, "1/s", 1000000},
    {value_rate, "1/min", 16667}, /* 16,666.67 */
    {value_rate, "0.2/min", 3333},
    {value_rate, "6/h", 1667},
    {value_rate, "1/d", 12},
    {value_rate, "1", -1},
    {value_rate, "1/m", -1},
    {value_size, "200 B", 200},
    {value_size, "2 kB", 2000},
    {value_size, "1 KiB", 1024},
    {value_size, "1.5 MiB", 1572864},
    {value_size, "0.5 B", -1},
    {value_size, "200", -1},
    {value_bandwidth, "20 Mbit/s", 20000000},
    {value_bandwidth, "512 kbit/s", 512000},
    {value_bandwidth, "unlimited", 0},
    {value_bandwidth, "0 bit/s", -1},
    {value_bandwidth, "20 MB/s", -1},
    {value_count, "1000", 1000},
    {value_count, "0", 0},
    {value_count, "1.5", -1},
    {value_count, "0x10", -1},
    {value_count, "1 000", -1},
    {value_switch, "on", 1},
    {value_switch, "true", 1},
    {value_switch, "off", 0},
    {value_switch, "yes", -1},
};

static void quantities_are_exact_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof READINGS / sizeof *READINGS; i++) {
        const struct reading *r = &READINGS[i];
        int64_t value = -1;
        const char *expected = r->read(r->text, &value);
        if ((expected != NULL) != (r->value < 0) || value != r->value)
            fail_msg("`%s` became %lld, not %lld", r->text, (long long)value, (long long)r->value);
    }
}

static void a_range_has_its_smaller_end_first(void **state)
{
    (void)state;
    int64_t low = -1, high = -1;
    assert_null(value_time_range("10 ms..0.2 s", &low, &high));
    assert_int_equal(low, 10000000);
    assert_int_equal(high, 200000000);
    assert_non_null(value_time_range("200 ms..10 ms", &low, &high));
    assert_non_null(value_time_range("10..20 ms", &low, &high));
    assert_non_null(value_time_range("10 ms", &low, &high));
    assert_int_equal(low, 10000000);
}

static void a_bound_is_read_in_the_unit_of_its_metric(void **state)
{
    (void)state;
    char relation[3];
    double value;
    assert_null(value_bound(">= 70%", VALUE_SHARE, relation, &value));
    assert_string_equal(relation, ">=");
    assert_true(value == 0.7);
    assert_null(value_bound("<= 99.9%", VALUE_SHARE, relation, &value));
    assert_true(value == 0.999);
    assert_null(value_bound("<2 s", VALUE_TIME, relation, &value));
    assert_string_equal(relation, "<");
    assert_true(value == 2.0);
    assert_null(value_bound("<= 250 ms", VALUE_TIME, relation, &value));
    assert_true(value == 0.25);
    assert_null(value_bound("== 3", VALUE_NUMBER, relation, &value));
    assert_string_equal(relation, "==");
    assert_true(value == 3.0);
    assert_null(value_bound("<= 2.5", VALUE_NUMBER, relation, &value));
    assert_true(value == 2.5);
    assert_null(value_bound("> 2 kB", VALUE_SIZE, relation, &value));
    assert_true(value == 2000.0);
    assert_non_null(value_bound("70%", VALUE_SHARE, relation, &value));
    assert_non_null(value_bound("=> 70%", VALUE_SHARE, relation, &value));
    assert_non_null(value_bound(">= many", VALUE_NUMBER, relation, &value));
}

static void a_bound_in_another_unit_is_refused(void **state)
{
    (void)state;
    char relation[3];
    double value;
    static const char *const texts[] = {">= 1%", ">= 1 s", ">= 1 B", ">= 1"};
    for (int unit = 0; unit < 4; unit++)
        for (int quantity = 0; quantity < 4; quantity++)
            assert_true((value_bound(texts[unit], (enum value_quantity)quantity, relation,
                                     &value) == NULL) == (unit == quantity));
}

static void a_margin_is_points_of_a_share_and_an_amount_or_a_share_of_others(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum value_quantity quantity;
        double margin;
        int relative;
    } cases[] = {
        {"1%", VALUE_SHARE, 0.01, 0},    {"0.5 pt", VALUE_SHARE, 0.005, 0},
        {"1pt", VALUE_SHARE, 0.01, 0},   {"20 ms", VALUE_TIME, 0.02, 0},
        {"5%", VALUE_TIME, 0.05, 1},     {"100 B", VALUE_SIZE, 100, 0},
        {"2.5 %", VALUE_SIZE, 0.025, 1}, {"0.5", VALUE_NUMBER, 0.5, 0},
        {"10%", VALUE_NUMBER, 0.1, 1},   {"100%", VALUE_SHARE, 1, 0},
    };
    static const struct {
        const char *text;
        enum value_quantity quantity;
    } wrong[] = {
        {"", VALUE_SHARE},     {"0%", VALUE_SHARE},  {"101%", VALUE_SHARE}, {"1", VALUE_SHARE},
        {"1 ms", VALUE_SHARE}, {"-1%", VALUE_SHARE}, {"1pt", VALUE_TIME},   {"1", VALUE_TIME},
        {"0 ms", VALUE_TIME},  {"101%", VALUE_TIME}, {"1 ms", VALUE_SIZE},  {"1 B", VALUE_NUMBER},
        {"1pt", VALUE_NUMBER}, {"0", VALUE_NUMBER},  {"nan", VALUE_NUMBER}, {"1%x", VALUE_SHARE},
    };
    double margin;
    int relative;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_null(value_margin(cases[i].text, cases[i].quantity, &margin, &relative));
        assert_true(margin == cases[i].margin);
        assert_int_equal(relative, cases[i].relative);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (!value_margin(wrong[i].text, wrong[i].quantity, &margin, &relative))
            fail_msg("`%s` was taken", wrong[i].text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantities_are_exact_or_refused),
        cmocka_unit_test(a_range_has_its_smaller_end_first),
        cmocka_unit_test(a_bound_is_read_in_the_unit_of_its_metric),
        cmocka_unit_test(a_bound_in_another_unit_is_refused),
        cmocka_unit_test(a_margin_is_points_of_a_share_and_an_amount_or_a_share_of_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
