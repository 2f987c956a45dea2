/* test_addr.c: addresses as text (RFC 5952), their order, and which of them are
 * reachable from anywhere (the IANA special-purpose registries, RFC 6890). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stack/addr.h"
#include "stack/check.h"

void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: broken promise: %s\n", file, line, condition);
    abort();
}

static struct addr parsed(const char *text)
{
    struct addr a;
    if (addr_parse(&a, text) != 0)
        fail_msg("%s does not parse", text);
    return a;
}

/* RFC 5952, sections 1, 2, 4 and 6: one text for each address. */
static void text_has_one_form(void **state)
{
    static const char *const cases[][2] = {
        {"2001:db8:0:0:1:0:0:1", "[2001:db8::1:0:0:1]:0"},
        {"2001:0db8:0:0:1:0:0:1", "[2001:db8::1:0:0:1]:0"},
        {"2001:db8::1:0:0:1", "[2001:db8::1:0:0:1]:0"},
        {"2001:db8::0:1:0:0:1", "[2001:db8::1:0:0:1]:0"},
        {"2001:0db8::1:0:0:1", "[2001:db8::1:0:0:1]:0"},
        {"2001:db8:0:0:1::1", "[2001:db8::1:0:0:1]:0"},
        {"2001:DB8:0:0:1::1", "[2001:db8::1:0:0:1]:0"},
        {"2001:db8:aaaa:bbbb:cccc:dddd:eeee:0001", "[2001:db8:aaaa:bbbb:cccc:dddd:eeee:1]:0"},
        {"2001:db8:0:0:0:0:2:1", "[2001:db8::2:1]:0"},
        {"2001:db8:0:1:1:1:1:1", "[2001:db8:0:1:1:1:1:1]:0"},
        {"2001:0:0:1:0:0:0:1", "[2001:0:0:1::1]:0"},
        {"2001:db8:0:0:0:0:0:0", "[2001:db8::]:0"},
        {"2001:DB8:AAAA:BBBB:CCCC:DDDD:EEEE:AAAA", "[2001:db8:aaaa:bbbb:cccc:dddd:eeee:aaaa]:0"},
        {"0:0:0:0:0:0:0:1", "[::1]:0"},
        {"::", "[::]:0"},
        {"1::", "[1::]:0"},
        {"1:2:3:4:5:6:7::", "[1:2:3:4:5:6:7:0]:0"},
        {"::2:3:4:5:6:7:8", "[0:2:3:4:5:6:7:8]:0"},
        {"[2001:db8::1]:80", "[2001:db8::1]:80"},
        {"[2001:db8::1]", "[2001:db8::1]:0"},
        {"1.2.3.4", "1.2.3.4:0"},
        {"255.255.255.255:65535", "255.255.255.255:65535"},
        {"0.0.0.0:1", "0.0.0.0:1"},
    };
    char text[ADDR_TEXT];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct addr a = parsed(cases[i][0]), again;
        assert_string_equal(addr_format(&a, text), cases[i][1]);
        assert_int_equal(addr_parse(&again, text), 0);
        assert_true(addr_equal(&a, &again));
    }
}

static void the_longest_text_fits(void **state)
{
    char text[ADDR_TEXT];
    (void)state;
    struct addr a = parsed("[1111:2222:3333:4444:5555:6666:7777:8888]:65535");
    assert_int_equal(strlen(addr_format(&a, text)), 47);
    struct addr none = {0}, relay = {.family = ADDR_RELAY};
    assert_string_equal(addr_format(&none, text), "none");
    assert_string_equal(addr_format(&relay, text), "relay");
}

static void text_means_what_it_says(void **state)
{
    static const uint8_t ip[16] = {0x20, 0x01, 0x0d, 0xb8, [14] = 0x0a, [15] = 0xbc};
    (void)state;
    struct addr v4 = parsed("1.2.3.4:5"), v6 = parsed("[2001:db8::abc]:7");
    struct addr want4 = addr_v4(0x01020304, 5), want6 = addr_v6(ip, 7);
    assert_true(addr_equal(&v4, &want4));
    assert_true(addr_equal(&v6, &want6));
    assert_int_equal(addr_ip4(&v4), 0x01020304);
    assert_int_equal(addr_ip4(&v6), 0);
    assert_int_equal(sizeof(struct addr), 20);
}

static void what_is_no_address_is_refused_and_changes_nothing(void **state)
{
    static const char *const cases[] = {
        "",
        "x",
        "1",
        "1.2",
        "1.2.3",
        "1.2.3.",
        "1.2.3.4.",
        "1.2.3.4.5",
        "256.1.1.1",
        "1.2.3.999",
        "1.2.3.4:",
        "1.2.3.4:65536",
        "1.2.3.4:99999999999",
        "1.2.3.4:1x",
        "1.2.3.4:-1",
        "1.2.3.4 ",
        " 1.2.3.4",
        "-1.2.3.4",
        "1..3.4",
        "[1.2.3.4]:5",
        ":",
        ":::",
        "1::2::3",
        "12345::",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7:8::",
        "::1]",
        "[::1",
        "[::1]5",
        "[::1]:",
        "[::1]:65536",
        "[]",
        "[",
        "g::",
        "fe80::1%eth0",
        ":1:2:3:4:5:6:7:8",
        "1:2:3:4:5:6:7:8:",
        "::1.2.3",
        "1:",
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct addr a = addr_v4(0x0a0b0c0d, 1), before = a;
        if (addr_parse(&a, cases[i]) != -1)
            fail_msg("\"%s\" parses", cases[i]);
        assert_true(addr_equal(&a, &before));
    }
}

static const struct {
    const char *text;
    bool global;
} reachable[] = {
    {"0.0.0.0", false},
    {"0.255.255.255", false},
    {"1.0.0.0", true},
    {"8.8.8.8", true},
    {"9.255.255.255", true},
    {"10.0.0.0", false},
    {"10.255.255.255", false},
    {"11.0.0.0", true},
    {"100.63.255.255", true},
    {"100.64.0.0", false},
    {"100.127.255.255", false},
    {"100.128.0.0", true},
    {"126.255.255.255", true},
    {"127.0.0.1", false},
    {"127.255.255.255", false},
    {"128.0.0.0", true},
    {"169.253.255.255", true},
    {"169.254.0.0", false},
    {"169.254.255.255", false},
    {"169.255.0.0", true},
    {"172.15.255.255", true},
    {"172.16.0.0", false},
    {"172.31.255.255", false},
    {"172.32.0.0", true},
    {"192.0.0.8", false},
    {"192.0.1.0", true},
    {"192.0.2.1", false},
    {"192.0.3.0", true},
    {"192.167.255.255", true},
    {"192.168.0.0", false},
    {"192.168.255.255", false},
    {"192.169.0.0", true},
    {"198.17.255.255", true},
    {"198.18.0.0", false},
    {"198.19.255.255", false},
    {"198.20.0.0", true},
    {"198.51.99.255", true},
    {"198.51.100.0", false},
    {"198.51.101.0", true},
    {"203.0.112.255", true},
    {"203.0.113.1", false},
    {"203.0.114.0", true},
    {"223.255.255.255", true},
    {"224.0.0.1", false},
    {"239.255.255.255", false},
    {"240.0.0.0", false},
    {"255.255.255.255", false},
    {"::", false},
    {"::1", false},
    {"2606:4700::1111", true},
    {"2001:db7::1", true},
    {"2001:db8::1", false},
    {"2001:db8:ffff::", false},
    {"2001:db9::1", true},
    {"2000::1", true},
    {"3fff:fff::1", true},
    {"fc00::1", false},
    {"fdff::1", false},
    {"fe80::1", false},
    {"febf::1", false},
    {"ff02::1", false},
    {"ff0e::1", false},
    {"::ffff:1:2", false},
};

static void only_addresses_reachable_from_anywhere_are_global(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof reachable / sizeof *reachable; i++) {
        struct addr a = parsed(reachable[i].text);
        if (addr_is_global(&a) != reachable[i].global)
            fail_msg("%s: expected %d", reachable[i].text, reachable[i].global);
    }
    struct addr none = {0}, relay = {.family = ADDR_RELAY, .ip = {8, 8, 8, 8}};
    assert_false(addr_is_global(&none));
    assert_false(addr_is_global(&relay));
}

/* In ascending order: each below all that follow. */
static void the_order_is_total(void **state)
{
    static const char *const ascending[] = {
        "0.0.0.0:0", "0.0.0.1:0",       "1.2.3.4:5",         "1.2.3.4:6",  "2.0.0.0:0",
        "[::]:0",    "[2001:db8::1]:1", "[2001:db8::1]:256", "[ff02::]:0",
    };
    const int n = sizeof ascending / sizeof *ascending;
    (void)state;
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
            struct addr a = parsed(ascending[i]), b = parsed(ascending[j]);
            int order = addr_compare(&a, &b);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
            assert_int_equal(addr_equal(&a, &b), i == j);
        }
    }
}

static void the_same_host_has_other_ports(void **state)
{
    (void)state;
    struct addr a = parsed("1.2.3.4:5"), b = parsed("1.2.3.4:6"), c = parsed("1.2.3.5:5");
    struct addr d = parsed("[102:304::]:5"); /* the same sixteen bytes */
    assert_true(addr_same_ip(&a, &b));
    assert_false(addr_same_ip(&a, &c));
    assert_false(addr_same_ip(&a, &d));
}

static void addresses_of_one_network_have_its_number(void **state)
{
    static const struct {
        const char *a, *b;
        bool site, provider;
    } cases[] = {
        {"8.8.8.8:1", "8.8.8.9:2", true, true},
        {"8.8.8.8:1", "8.8.9.8:1", false, true},
        {"8.8.8.8:1", "8.9.8.8:1", false, false},
        {"[2a00:1:2:3::1]:1", "[2a00:1:2:4::1]:1", true, true},
        {"[2a00:1:2:3::1]:1", "[2a00:1:3:3::1]:1", false, true},
        {"[2a00:1:2:3::1]:1", "[2a00:2:2:3::1]:1", false, false},
        {"8.8.8.8:1", "[808:800::]:1", false, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct addr a, b;
        assert_int_equal(addr_parse(&a, cases[i].a), 0);
        assert_int_equal(addr_parse(&b, cases[i].b), 0);
        assert_int_equal(addr_site(&a) == addr_site(&b), cases[i].site);
        assert_int_equal(addr_provider(&a) == addr_provider(&b), cases[i].provider);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_has_one_form),
        cmocka_unit_test(the_longest_text_fits),
        cmocka_unit_test(text_means_what_it_says),
        cmocka_unit_test(what_is_no_address_is_refused_and_changes_nothing),
        cmocka_unit_test(only_addresses_reachable_from_anywhere_are_global),
        cmocka_unit_test(the_order_is_total),
        cmocka_unit_test(the_same_host_has_other_ports),
        cmocka_unit_test(addresses_of_one_network_have_its_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
