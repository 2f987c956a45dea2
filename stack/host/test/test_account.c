/* test_account.c: what a node says of itself, from what it was told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stack/host/account.h"
#include "stack/host/ping.h"

static struct account account;

static int begin(void **state)
{
    (void)state;
    memset(&account, 0, sizeof account);
    return 0;
}

static void tell(uint32_t kind, uint32_t id, uint32_t path, mist_time rtt)
{
    account_event(&account, SEC(10),
                  &(struct mist_event){.kind = kind, .id = id, .path = path, .rtt = rtt});
}

static void tell_fact(uint32_t number, uint8_t peer, const struct addr *addr, int64_t a)
{
    struct mist_fact f = {.number = number, .addr = *addr, .a = a, .peer = {peer}};
    account_fact(&account, SEC(10), &f);
}

/* Does the account, 5 s later, hold these words? */
static bool says(const char *words)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    account_print(&account, SEC(15), mist_api(), out);
    fclose(out);
    bool found = strstr(text, words) != NULL;
    if (!found)
        print_message("%s\n", text);
    free(text);
    return found;
}

/* ---- the claims; numbers of facts as in stack/facts.def -------------------- */

static void a_connection_is_told_with_its_latest_path_until_it_ends(void **state)
{
    (void)state;
    tell(MIST_EVENT_CONNECTED, 1, MIST_PATH_RELAY, 0);
    tell(MIST_EVENT_PATH, 1, MIST_PATH_PUNCHED, MS(20));
    assert_true(says("{\"id\":1,\"from\":\"here\",\"path\":\"punched\",\"rtt_ns\":20000000,"
                     "\"for_s\":5,"));
    tell(MIST_EVENT_CLOSED, 1, MIST_PATH_PUNCHED, 0);
    assert_true(says("\"connections\":[],"));
}

static void places_of_ended_connections_are_used_again(void **state)
{
    (void)state;
    for (uint32_t id = 1; id < 3 * ACCOUNT_CONNECTIONS; id++) {
        tell(MIST_EVENT_ACCEPTED, id, MIST_PATH_LAN, 0);
        if (id > 1)
            tell(MIST_EVENT_CLOSED, id - 1, MIST_PATH_LAN, 0);
    }
    assert_int_equal(account.connection_count, 2);
}

static void more_connections_than_places_are_not_written_down(void **state)
{
    (void)state;
    for (uint32_t id = 1; id < 2 * ACCOUNT_CONNECTIONS; id++)
        tell(MIST_EVENT_ACCEPTED, id, MIST_PATH_LAN, 0);
    assert_int_equal(account.connection_count, ACCOUNT_CONNECTIONS);
    assert_int_equal(account.connections[ACCOUNT_CONNECTIONS - 1].id, ACCOUNT_CONNECTIONS);
}

static void a_peer_is_told_where_its_path_leads(void **state)
{
    const struct addr first = addr_v4(0x01020304, 5), then = addr_v4(0x01020304, 6);
    (void)state;
    tell_fact(9, 0xab, &first, 1); /* LINK_UP */
    assert_true(says("{\"for_s\":5,\"peer\":\"ab00000000000000\",\"addr\":\"1.2.3.4:5\"}"));
    tell_fact(29, 0xab, &then, 0); /* PATH_CHANGED */
    assert_true(says("\"addr\":\"1.2.3.4:6\"}"));
    tell_fact(10, 0xab, &then, 0); /* LINK_DOWN */
    assert_true(says("\"peers\":[]"));
}

static void the_nat_is_unknown_until_there_is_a_verdict(void **state)
{
    const struct addr outside = addr_v4(0x05060708, 9), none = {.family = ADDR_NONE};
    (void)state;
    assert_true(says("\"nat\":{\"reachable\":null},"));
    tell_fact(13, 0, &none, 0);    /* REACHABLE */
    tell_fact(12, 0, &outside, 0); /* SEEN_AT */
    assert_true(says("\"nat\":{\"reachable\":false,\"seen\":\"5.6.7.8:9\"},"));
    tell_fact(38, 0, &outside, 1); /* PORT_MAPPED */
    assert_true(says(",\"mapped\":\"5.6.7.8:9\"}"));
    account_event(&account, 0,
                  &(struct mist_event){.kind = MIST_EVENT_NATURE,
                                       .length = 9,
                                       .bytes = (const uint8_t *)"eim\"/\n\xff."});
    assert_true(says(",\"nature\":\"eim?/??.?\"}")); /* the ninth is the NUL */
}

static void a_ping_tells_least_average_most_and_jitter(void **state)
{
    struct ping p = {.sent = 4};
    char *text = NULL;
    size_t size = 0;
    (void)state;
    ping_count(&p, MS(10));
    ping_count(&p, MS(16));
    ping_count(&p, MS(13));
    FILE *out = open_memstream(&text, &size);
    ping_report(&p, "bob", out);
    fclose(out);
    /* (10 + 16 + 13) / 3 = 13; (|16 - 10| + |13 - 16|) / 2 = 4.5 */
    assert_string_equal(text, "--- bob ---\n4 sent, 3 received, 25.0% lost\n"
                              "round trip min/avg/max/jitter = 10.000/13.000/16.000/4.500 ms\n");
    free(text);
}

#define CLAIM(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM(a_connection_is_told_with_its_latest_path_until_it_ends),
        CLAIM(places_of_ended_connections_are_used_again),
        CLAIM(more_connections_than_places_are_not_written_down),
        CLAIM(a_peer_is_told_where_its_path_leads),
        CLAIM(the_nat_is_unknown_until_there_is_a_verdict),
        CLAIM(a_ping_tells_least_average_most_and_jitter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
