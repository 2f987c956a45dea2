/* test_loopback.c: the mist program as a user has it: processes on 127.0.0.1
 * that find one another by name.
 *
 * Nothing sleeps: each step waits for the line that a process prints, for at
 * most LIMIT_MS. */
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "stack/host/test/process.h"

static struct process meeting, alice, caller;

static int end_all(void **state)
{
    (void)state;
    struct process *all[] = {&meeting, &alice, &caller};
    for (size_t i = 0; i < 3; i++)
        if (all[i]->pid > 0 && waitpid(all[i]->pid, NULL, WNOHANG) == 0) {
            kill(all[i]->pid, SIGKILL);
            waitpid(all[i]->pid, NULL, 0);
        }
    return 0;
}

/* listen: a loopback address, any port */
static void reach_by_name(const char *listen)
{
    char at[64];
    start(&meeting,
          (const char *[]){"up", "--public", "--name", "meeting", "--listen", listen, NULL});
    address_of(&meeting, at);
    start(&alice, (const char *[]){"up", "--name", "alice", "--listen", listen, "--bootstrap", at,
                                   "--echo", NULL});
    await(&alice, "\"event\":\"joined\"");
    int code = run(&caller, (const char *[]){"dial", "alice", "--listen", listen, "--bootstrap", at,
                                             "--send", "good evening", "--count", "5", NULL});
    if (code != 0)
        fail_msg("dial exited with %d; it said:\n%s", code, caller.text);
    assert_non_null(strstr(caller.text, "\"event\":\"connected\""));
    assert_int_equal(occurrences(caller.text, "\"text\":\"good evening\""), 5);
    assert_non_null(strstr(caller.text, "{\"event\":\"done\",\"sent\":5,\"received\":5}"));
    await(&alice, "\"event\":\"accepted\"");
    assert_int_equal(stop(&alice), 0);
    assert_int_equal(occurrences(alice.text, "\"text\":\"good evening\""), 5);
    assert_int_equal(stop(&meeting), 0);
    assert_null(strstr(meeting.text, "good evening"));
}

static void a_node_reaches_another_by_name_through_a_third(void **state)
{
    (void)state;
    reach_by_name("127.0.0.1:0");
}

static int dial_with_book(const char *at, const char *book)
{
    return run(&caller,
               (const char *[]){"dial", "alice", "--listen", "127.0.0.1:0", "--bootstrap", at,
                                "--book", book, "--send", "it is me", "--timeout", "5", NULL});
}

static void be_alice(const char *at, const char *key)
{
    start(&alice, (const char *[]){"up", "--name", "alice", "--listen", "127.0.0.1:0", "--key", key,
                                   "--bootstrap", at, "--echo", NULL});
    await(&alice, "\"event\":\"joined\"");
}

/* Whoever is called alice later must have the key of the first, whatever its transport. */
static void a_name_stays_with_the_person_who_was_met_first(void **state)
{
    (void)state;
    char folder[] = "/tmp/mist-test-XXXXXX", at[64], book[64], first[64], other[64];
    assert_non_null(mkdtemp(folder));
    snprintf(book, sizeof book, "%s/book", folder);
    snprintf(first, sizeof first, "%s/first", folder);
    snprintf(other, sizeof other, "%s/other", folder);
    start(&meeting, (const char *[]){"up", "--public", "--listen", "127.0.0.1:0", NULL});
    address_of(&meeting, at);
    be_alice(at, first);
    assert_int_equal(dial_with_book(at, book), 0);
    assert_int_equal(stop(&alice), 0);
    be_alice(at, other);
    assert_int_equal(dial_with_book(at, book), 1);
    assert_null(strstr(caller.text, "\"event\":\"connected\""));
    assert_int_equal(stop(&alice), 0);
    be_alice(at, first);
    assert_int_equal(dial_with_book(at, book), 0);
    assert_int_equal(stop(&alice), 0);
    assert_int_equal(stop(&meeting), 0);
    unlink(book);
    unlink(first);
    unlink(other);
    rmdir(folder);
}

/* Containers may come without IPv6. */
static bool has_ipv6(void)
{
    const struct sockaddr_in6 loopback = {.sin6_family = AF_INET6, .sin6_addr.s6_addr[15] = 1};
    int s = socket(AF_INET6, SOCK_DGRAM, 0);
    bool bound = s >= 0 && bind(s, (const struct sockaddr *)&loopback, sizeof loopback) == 0;
    if (s >= 0)
        close(s);
    return bound;
}

static void it_does_so_over_ipv6_too(void **state)
{
    (void)state;
    if (!has_ipv6()) {
        print_message("no IPv6 loopback here: skipped\n");
        skip();
    }
    reach_by_name("[::1]:0");
}

static void a_name_that_nobody_has_is_not_reached(void **state)
{
    (void)state;
    char at[64];
    start(&meeting, (const char *[]){"up", "--public", "--listen", "127.0.0.1:0", NULL});
    address_of(&meeting, at);
    assert_int_equal(run(&caller, (const char *[]){"dial", "nobody", "--listen", "127.0.0.1:0",
                                                   "--bootstrap", at, "--timeout", "3", NULL}),
                     1);
    assert_null(strstr(caller.text, "\"event\":\"connected\""));
    assert_int_equal(stop(&meeting), 0);
}

static void a_dial_without_an_answering_bootstrap_ends_in_time(void **state)
{
    (void)state;
    assert_int_equal(
        run(&caller, (const char *[]){"dial", "alice", "--listen", "127.0.0.1:0", "--bootstrap",
                                      "127.0.0.1:1", "--timeout", "1", NULL}),
        1);
}

static void a_taken_address_is_said_and_ends_the_program(void **state)
{
    (void)state;
    char at[64];
    start(&meeting, (const char *[]){"up", "--public", "--listen", "127.0.0.1:0", NULL});
    address_of(&meeting, at);
    assert_int_equal(run(&alice, (const char *[]){"up", "--listen", at, NULL}), 77);
    assert_int_equal(stop(&meeting), 0);
}

static void a_key_file_keeps_the_id(void **state)
{
    (void)state;
    char folder[] = "/tmp/mist-test-XXXXXX", file[64];
    assert_non_null(mkdtemp(folder));
    snprintf(file, sizeof file, "%s/key", folder);
    char first[128];
    assert_int_equal(run(&caller, (const char *[]){"id", "--key", file, NULL}), 0);
    assert_int_equal(caller.length, 65);
    memcpy(first, caller.text, caller.length + 1);
    assert_int_equal(run(&caller, (const char *[]){"id", "--key", file, NULL}), 0);
    assert_string_equal(caller.text, first);
    assert_int_equal(run(&caller, (const char *[]){"id", NULL}), 0);
    assert_string_not_equal(caller.text, first);
    unlink(file);
    rmdir(folder);
}

static void a_mistake_on_the_command_line_exits_2(void **state)
{
    (void)state;
    static const char *const cases[][6] = {
        {NULL},
        {"fly", NULL},
        {"id", "extra", NULL},
        {"up", "--nmae", "x", NULL},
        {"up", "--name", NULL},
        {"up", "--public=yes", NULL},
        {"up", "--send", "x", NULL},
        {"up", "--listen", "nowhere", NULL},
        {"up", "--set", "reach.assume", NULL},
        {"up", "--set", "no.such=1", NULL},
        {"dial", "alice", NULL},
        {"dial", "--bootstrap", "127.0.0.1:1", NULL},
        {"dial", "alice", "--bootstrap", "127.0.0.1", NULL},
        {"dial", "alice", "--count", "0", NULL},
        {"dial", "alice", "--count", "-1", NULL},
        {"dial", "alice", "--timeout", "1e3", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(run(&caller, cases[i]), 2);
}

/* Meeting and Alice, who joined; the meeting's address in `at`. */
static void start_alice(char at[64], const char *const more[2])
{
    start(&meeting, (const char *[]){"up", "--public", "--listen", "127.0.0.1:0", NULL});
    address_of(&meeting, at);
    start(&alice, (const char *[]){"up", "--name", "alice", "--listen", "127.0.0.1:0",
                                   "--bootstrap", at, more[0], more[1], NULL});
    await(&alice, "\"event\":\"joined\"");
}

/* Alice runs no echo: the core answers. */
static void a_ping_tells_path_and_round_trip_of_anybody(void **state)
{
    (void)state;
    char at[64];
    start_alice(at, (const char *[2]){NULL, NULL});
    int code = run(&caller, (const char *[]){"ping", "alice", "--listen", "127.0.0.1:0",
                                             "--bootstrap", at, "--count", "2", NULL});
    if (code != 0)
        fail_msg("ping exited with %d; it said:\n%s", code, caller.text);
    assert_int_equal(occurrences(caller.text, "alice: seq="), 2);
    assert_non_null(strstr(caller.text, "2 sent, 2 received, 0.0% lost\n"));
    assert_int_equal(run(&caller, (const char *[]){"ping", "nobody", "--listen", "127.0.0.1:0",
                                                   "--bootstrap", at, "--timeout", "3", NULL}),
                     1);
    assert_int_equal(stop(&alice), 0);
    assert_int_equal(stop(&meeting), 0);
}

/* Alice is killed without a goodbye and comes back, elsewhere: a new call is answered at
 * once, and whoever was connected to her hears that this has ended, and may call again. */
static void who_was_killed_and_comes_back_is_reached_at_once(void **state)
{
    (void)state;
    char at[64];
    static struct process pinger;
    start_alice(at, (const char *[2]){NULL, NULL});
    start(&pinger, (const char *[]){"ping", "alice", "--json", "--listen", "127.0.0.1:0",
                                    "--bootstrap", at, NULL});
    await(&pinger, "\"event\":\"pong\"");
    kill(alice.pid, SIGKILL);
    waitpid(alice.pid, NULL, 0);
    close(alice.out);
    start(&alice, (const char *[]){"up", "--name", "alice", "--listen", "127.0.0.1:0",
                                   "--bootstrap", at, "--echo", NULL});
    await(&alice, "\"event\":\"joined\"");
    assert_int_equal(run(&caller, (const char *[]){"dial", "alice", "--listen", "127.0.0.1:0",
                                                   "--bootstrap", at, "--send", "back?", NULL}),
                     0);
    await(&pinger, "\"event\":\"closed\"");
    assert_int_equal(await_exit(&pinger), 0);
    assert_int_equal(stop(&alice), 0);
    assert_int_equal(stop(&meeting), 0);
}

/* What /proc says of a process (proc(5)): the line that begins with `field`. */
static void assert_status_line(pid_t pid, const char *field, const char *expected)
{
    char path[64], line[256];
    bool found = false;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    while (!found && fgets(line, sizeof line, in))
        found = strncmp(line, field, strlen(field)) == 0;
    fclose(in);
    assert_true(found);
    assert_non_null(strstr(line, expected));
}

static void root_becomes_the_user_it_is_told_and_keeps_no_power(void **state)
{
    (void)state;
    char at[64];
    if (geteuid() != 0)
        skip();
    start_alice(at, (const char *[2]){"--user", "nobody"});
    assert_status_line(alice.pid, "Uid:", "\t65534\t65534\t65534\t65534\n");
    assert_status_line(alice.pid, "CapPrm:", "\t0000000000000000\n");
    assert_status_line(alice.pid, "NoNewPrivs:", "\t1\n");
    assert_status_line(meeting.pid, "CapEff:", "\t0000000000000000\n");
    assert_int_equal(stop(&alice), 0);
    assert_int_equal(stop(&meeting), 0);
    assert_int_equal(run(&caller, (const char *[]){"up", "--listen", "127.0.0.1:0", "--user",
                                                   "no such user", NULL}),
                     77);
}

static void the_log_tells_facts_beside_events(void **state)
{
    (void)state;
    char at[64];
    start_alice(at, (const char *[2]){"--log", NULL});
    await(&alice, "{\"fact\":\"link_up\",\"addr\":\"");
    assert_int_equal(stop(&alice), 0);
    assert_int_equal(stop(&meeting), 0);
    assert_null(strstr(meeting.text, "\"fact\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_ping_tells_path_and_round_trip_of_anybody, end_all),
        cmocka_unit_test_teardown(who_was_killed_and_comes_back_is_reached_at_once, end_all),
        cmocka_unit_test_teardown(root_becomes_the_user_it_is_told_and_keeps_no_power, end_all),
        cmocka_unit_test_teardown(the_log_tells_facts_beside_events, end_all),
        cmocka_unit_test_teardown(a_node_reaches_another_by_name_through_a_third, end_all),
        cmocka_unit_test_teardown(it_does_so_over_ipv6_too, end_all),
        cmocka_unit_test_teardown(a_name_that_nobody_has_is_not_reached, end_all),
        cmocka_unit_test_teardown(a_dial_without_an_answering_bootstrap_ends_in_time, end_all),
        cmocka_unit_test_teardown(a_taken_address_is_said_and_ends_the_program, end_all),
        cmocka_unit_test_teardown(a_name_stays_with_the_person_who_was_met_first, end_all),
        cmocka_unit_test_teardown(a_key_file_keeps_the_id, end_all),
        cmocka_unit_test_teardown(a_mistake_on_the_command_line_exits_2, end_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
