/* test_control.c: programs of the same user ask a running node, over its socket. */
#include <fcntl.h>
#include <sodium.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "stack/host/control.h"
#include "stack/host/test/process.h"
#include "stack/host/wishes.h"

/* ---- lines ---- */

static const char *read_line(const char *text, struct wishes_line *line)
{
    return wishes_read(mist_api(), text, strlen(text), line);
}

static void a_wish_is_read_with_its_fields(void **state)
{
    struct wishes_line l;
    (void)state;
    assert_null(read_line("{\"wish\":\"connect\",\"id\":7,\"name\":\"alice\"}", &l));
    assert_int_equal(l.wish.kind, MIST_WISH_CONNECT);
    assert_int_equal(l.wish.id, 7);
    assert_int_equal(l.wish.name_length, 5);
    assert_memory_equal(l.wish.name, "alice", 5);
    assert_null(read_line("{\"wish\":\"send\",\"id\":7,\"hex\":\"00ff41\"}", &l));
    assert_int_equal(l.wish.length, 3);
    assert_memory_equal(l.wish.bytes, "\x00\xff\x41", 3);
    assert_null(read_line("{\"wish\":\"bootstrap\",\"addr\":\"192.0.2.1:4000\"}", &l));
    assert_int_equal(l.wish.addr.port, 4000);
    assert_null(read_line("{\"ask\":\"status\"}", &l));
    assert_true(l.status);
}

/* Each with what is wrong; sockets are the host's alone. */
static void a_wrong_line_is_told_what_is_wrong(void **state)
{
    static const char *const cases[][2] = {
        {"", "expected an object of JSON"},
        {"[]", "expected an object of JSON"},
        {"{\"wish\":\"send\"", "expected an object of JSON"},
        {"{}", "expected {\"wish\":...} or {\"ask\":\"status\"}"},
        {"{\"ask\":\"secret\"}", "expected {\"ask\":\"status\"}"},
        {"{\"wish\":\"socket_opened\"}", "no such wish"},
        {"{\"wish\":\"fly\"}", "no such wish"},
        {"{\"wish\":\"close\",\"id\":-1}", "id: expected a number from 0 to 4294967295"},
        {"{\"wish\":\"close\",\"id\":4294967296}", "id: expected a number from 0 to 4294967295"},
        {"{\"wish\":\"name\",\"name\":\"\"}", "name: expected 1 to 255 bytes"},
        {"{\"wish\":\"send\",\"hex\":\"0\"}", "hex: expected pairs of hex digits, 1150 at most"},
        {"{\"wish\":\"send\",\"hex\":\"zz\"}", "hex: expected pairs of hex digits, 1150 at most"},
        {"{\"wish\":\"bootstrap\",\"addr\":\"1.2.3.4\"}",
         "addr: expected an address and port, as 192.0.2.1:4000"},
        {"{\"wish\":\"send\",\"colour\":\"red\"}", "expected wish, id, name, text, hex or addr"},
    };
    struct wishes_line l;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(read_line(cases[i][0], &l), cases[i][1]);
}

/* ---- programs ---- */

static struct process meeting, alice, other;
static char folder[] = "/tmp/mist-control-XXXXXX", at_meeting[64], at_alice[64];

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(at_meeting, sizeof at_meeting, "%s/meeting", folder);
    snprintf(at_alice, sizeof at_alice, "%s/alice", folder);
    return sodium_init() < 0 ? -1 : 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(at_meeting);
    unlink(at_alice);
    return rmdir(folder);
}

static int end_all(void **state)
{
    (void)state;
    struct process *all[] = {&meeting, &alice, &other};
    for (size_t i = 0; i < 3; i++)
        if (all[i]->pid > 0 && waitpid(all[i]->pid, NULL, WNOHANG) == 0) {
            kill(all[i]->pid, SIGKILL);
            waitpid(all[i]->pid, NULL, 0);
        }
    return 0;
}

static void start_two(void)
{
    char at[64];
    start(&meeting, (const char *[]){"up", "--public", "--listen", "127.0.0.1:0", "--control",
                                     at_meeting, NULL});
    address_of(&meeting, at);
    start(&alice, (const char *[]){"up", "--listen", "127.0.0.1:0", "--bootstrap", at, "--control",
                                   at_alice, NULL});
    await(&alice, "\"event\":\"joined\"");
}

static void what_one_publishes_another_receives(void **state)
{
    struct process publisher;
    (void)state;
    start_two();
    start(&other, (const char *[]){"subscribe", "news", "--control", at_alice, NULL});
    await(&alice, "\"event\":\"subscribed\"");
    int code = run(&publisher, (const char *[]){"publish", "news", "--send", "rain", "--control",
                                                at_meeting, NULL});
    if (code != 0)
        fail_msg("publish exited with %d; it said:\n%s", code, publisher.text);
    assert_int_equal(await_exit(&other), 0);
    assert_non_null(strstr(other.text, "\"text\":\"rain\""));
    assert_int_equal(stop(&alice), 0);
    assert_int_equal(stop(&meeting), 0);
}

static void a_node_tells_its_status(void **state)
{
    struct stat is;
    (void)state;
    start_two();
    assert_int_equal(stat(at_alice, &is), 0);
    assert_int_equal(is.st_mode & 0777, 0600);
    assert_int_equal(run(&other, (const char *[]){"status", "--control", at_alice, NULL}), 0);
    assert_non_null(strstr(other.text, "\"handshake\":{\"packets_out\":"));
    assert_non_null(strstr(other.text, "\"listening\":[\"127.0.0.1:"));
    assert_non_null(strstr(other.text, "\"nat\":{\"reachable\":"));
    assert_int_equal(occurrences(other.text, "\"for_s\":"), 1); /* the meeting, no connection */
    assert_non_null(strstr(other.text, "\"dropped\":0"));
    assert_int_equal(stop(&alice), 0);
    assert_int_equal(stat(at_alice, &is), -1);
    assert_int_equal(run(&other, (const char *[]){"status", "--control", at_alice, NULL}), 77);
    assert_int_equal(run(&other, (const char *[]){"status", NULL}), 2);
    assert_int_equal(stop(&meeting), 0);
}

/* One that a killed node left is taken over; one that is served is not. */
static void a_socket_is_served_by_one_node(void **state)
{
    (void)state;
    start_two();
    assert_int_equal(
        run(&other, (const char *[]){"up", "--listen", "127.0.0.1:0", "--control", at_alice, NULL}),
        77);
    kill(alice.pid, SIGKILL);
    waitpid(alice.pid, NULL, 0);
    close(alice.out);
    start(&alice, (const char *[]){"up", "--listen", "127.0.0.1:0", "--control", at_alice, NULL});
    await(&alice, "\"event\":\"listening\"");
    assert_int_equal(run(&other, (const char *[]){"status", "--control", at_alice, NULL}), 0);
    assert_int_equal(stop(&alice), 0);
    assert_int_equal(stop(&meeting), 0);
}

static int speak_to(const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(name.sun_path, sizeof name.sun_path, "%s", path);
    assert_int_equal(connect(s, (const struct sockaddr *)&name, sizeof name), 0);
    return s;
}

static void garbage_and_a_line_without_end_harm_nobody(void **state)
{
    static char endless[100000];
    (void)state;
    start_two();
    int s = speak_to(at_alice);
    memset(endless, 'x', sizeof endless);
    assert_int_equal(send(s, "\n\0\xff\n{}\n", 7, 0), 7);
    assert_int_equal(send(s, endless, sizeof endless, 0), sizeof endless);
    assert_int_equal(run(&other, (const char *[]){"status", "--control", at_alice, NULL}), 0);
    close(s);
    assert_int_equal(run(&other, (const char *[]){"status", "--control", at_alice, NULL}), 0);
    assert_int_equal(stop(&alice), 0);
    assert_int_equal(stop(&meeting), 0);
}

/* One too many is sent away; the next is served when others have left. */
static void too_many_programs_are_told_so_and_block_no_later_one(void **state)
{
    int all[CONTROL_CLIENTS];
    char text[200] = "";
    (void)state;
    start_two();
    for (int i = 0; i < CONTROL_CLIENTS; i++)
        all[i] = speak_to(at_alice);
    int s = speak_to(at_alice);
    assert_true(recv(s, text, sizeof text - 1, 0) > 0);
    assert_non_null(strstr(text, "too many programs"));
    close(s);
    for (int i = 0; i < CONTROL_CLIENTS; i++)
        close(all[i]);
    int code = 2, tries = 0; /* she may notice their leaving after the next one's coming */
    while (code == 2 && tries++ < 100)
        code = run(&other, (const char *[]){"status", "--control", at_alice, NULL});
    assert_int_equal(code, 0);
    assert_int_equal(stop(&alice), 0);
    assert_int_equal(stop(&meeting), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wish_is_read_with_its_fields),
        cmocka_unit_test(a_wrong_line_is_told_what_is_wrong),
        cmocka_unit_test_teardown(what_one_publishes_another_receives, end_all),
        cmocka_unit_test_teardown(a_node_tells_its_status, end_all),
        cmocka_unit_test_teardown(a_socket_is_served_by_one_node, end_all),
        cmocka_unit_test_teardown(garbage_and_a_line_without_end_harm_nobody, end_all),
        cmocka_unit_test_teardown(too_many_programs_are_told_so_and_block_no_later_one, end_all),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
