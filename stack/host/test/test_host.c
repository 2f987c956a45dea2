/* test_host.c: the parts of the host that need no network. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stack/host/address.h"
#include "stack/host/key.h"
#include "stack/host/lines.h"

/* ---- lines --------------------------------------------------------------- */

static const struct mist_names event_names[] = {{7, "DATAGRAM", ""}, {3, "CONNECTED", ""}};
static const struct mist_names path_names[] = {{5, "punched", ""}};

static const struct mist_names *two_events(uint32_t *count)
{
    *count = 2;
    return event_names;
}

static const struct mist_names *one_path(uint32_t *count)
{
    *count = 1;
    return path_names;
}

static void assert_line(const struct mist_event *event, const char *expected)
{
    const struct mist_api api = {
        .event_names = two_events, .path_names = one_path, .reason_names = one_path};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    lines_event(out, &api, event);
    fclose(out);
    assert_string_equal(text, expected);
    free(text);
}

static void a_line_names_the_fields_that_the_event_uses(void **state)
{
    (void)state;
    assert_line(&(struct mist_event){.kind = 3,
                                     .id = 9,
                                     .path = MIST_PATH_PUNCHED,
                                     .rtt = 318000,
                                     .addr = addr_v4(0x7f000001, 4000)},
                "{\"event\":\"connected\",\"id\":9,\"addr\":\"127.0.0.1:4000\","
                "\"path\":\"punched\",\"rtt_ns\":318000}\n");
}

static void a_number_without_a_name_stays_a_number(void **state)
{
    (void)state;
    assert_line(&(struct mist_event){.kind = 99, .path = 77}, "{\"event\":99,\"path\":77}\n");
}

static void bytes_from_a_peer_cannot_break_a_line(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *expected;
    } cases[] = {
        {"plain", "{\"event\":\"datagram\",\"text\":\"plain\"}\n"},
        {"\"},{\"a\\", "{\"event\":\"datagram\",\"text\":\"\\\"},{\\\"a\\\\\"}\n"},
        {"a\nb", "{\"event\":\"datagram\",\"hex\":\"610a62\"}\n"},
        {"\x7f", "{\"event\":\"datagram\",\"hex\":\"7f\"}\n"},
        {"\xff\x1b", "{\"event\":\"datagram\",\"hex\":\"ff1b\"}\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_line(&(struct mist_event){.kind = 7,
                                         .bytes = (const uint8_t *)cases[i].bytes,
                                         .length = (uint32_t)strlen(cases[i].bytes)},
                    cases[i].expected);
}

/* ---- addresses ----------------------------------------------------------- */

static void an_address_survives_the_socket_interface(void **state)
{
    (void)state;
    static const char *const cases[] = {"1.2.3.4:5", "255.255.255.255:65535", "[2001:db8::1]:443"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct addr a;
        struct sockaddr_storage s;
        assert_int_equal(addr_parse(&a, cases[i]), 0);
        address_to_socket(&a, &s);
        struct addr back = address_from_socket((const struct sockaddr *)&s);
        assert_true(addr_equal(&a, &back));
    }
}

static void an_ipv4_socket_address_has_network_order(void **state)
{
    (void)state;
    struct addr a = addr_v4(0x01020304, 0x1234);
    struct sockaddr_storage s;
    address_to_socket(&a, &s);
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&s;
    assert_memory_equal(&v4->sin_addr, "\1\2\3\4", 4);
    assert_memory_equal(&v4->sin_port, "\x12\x34", 2);
}

static void a_local_socket_address_is_none(void **state)
{
    (void)state;
    struct sockaddr_storage s = {.ss_family = AF_UNIX};
    assert_int_equal(address_from_socket((const struct sockaddr *)&s).family, ADDR_NONE);
}

/* ---- keys ---------------------------------------------------------------- */

/* RFC 8032, section 7.1, test 1 */
#define ALICE_SECRET "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
#define ALICE_PUBLIC "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"

static char folder[32], file[64];

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/mist-test-XXXXXX");
    snprintf(file, sizeof file, "%s/key", mkdtemp(folder) ? folder : "");
    return sodium_init() < 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(file);
    return rmdir(folder);
}

static void write_file(const char *text, mode_t mode)
{
    FILE *out = fopen(file, "w");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
    assert_int_equal(chmod(file, mode), 0);
}

static void assert_hex(const uint8_t *bytes, const char *expected)
{
    char text[2 * KEY_BYTES + 1];
    assert_string_equal(sodium_bin2hex(text, sizeof text, bytes, KEY_BYTES), expected);
}

static void an_id_is_the_public_key_of_rfc_8032(void **state)
{
    (void)state;
    uint8_t secret[KEY_BYTES], id[KEY_BYTES];
    char error[256];
    write_file(ALICE_SECRET "\n", 0600);
    assert_int_equal(key_load(file, secret, error, sizeof error), 0);
    assert_hex(secret, ALICE_SECRET);
    key_id(secret, id);
    assert_hex(id, ALICE_PUBLIC);
}

static void a_new_key_is_its_owners_alone_and_stays(void **state)
{
    (void)state;
    uint8_t made[KEY_BYTES], again[KEY_BYTES];
    char error[256];
    struct stat status;
    assert_int_equal(key_load(file, made, error, sizeof error), 0);
    assert_int_equal(stat(file, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(key_load(file, again, error, sizeof error), 0);
    assert_memory_equal(made, again, KEY_BYTES);
}

static void a_key_that_others_can_read_is_refused(void **state)
{
    (void)state;
    uint8_t secret[KEY_BYTES];
    char error[256];
    write_file(ALICE_SECRET "\n", 0640);
    assert_int_equal(key_load(file, secret, error, sizeof error), -1);
    assert_non_null(strstr(error, "chmod 600"));
}

static void a_damaged_key_is_refused_and_left_alone(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "\n",
        ALICE_SECRET,
        "7" ALICE_SECRET "\n",
        ALICE_SECRET "\n\n",
        "x7076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a\n",
    };
    uint8_t secret[KEY_BYTES];
    char error[256], text[128] = "";
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_file(cases[i], 0600);
        assert_int_equal(key_load(file, secret, error, sizeof error), -1);
        FILE *in = fopen(file, "r");
        size_t length = fread(text, 1, sizeof text - 1, in);
        fclose(in);
        assert_int_equal(length, strlen(cases[i]));
        assert_memory_equal(text, cases[i], length);
    }
}

/* How many names the folder holds. */
static uint32_t entries(void)
{
    uint32_t count = 0;
    DIR *d = opendir(folder);
    assert_non_null(d);
    for (const struct dirent *e; (e = readdir(d));)
        count += e->d_name[0] != '.';
    closedir(d);
    return count;
}

/* A limit of the file's size stands for a full disk: the write is cut short. */
static void a_key_that_finds_no_room_leaves_nothing_behind(void **state)
{
    uint8_t secret[KEY_BYTES];
    char error[256];
    struct rlimit before, small;
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 10;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int answer = key_load(file, secret, error, sizeof error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(answer, -1);
    assert_int_equal(entries(), 0);
}

static void a_new_key_leaves_nothing_beside_it(void **state)
{
    uint8_t secret[KEY_BYTES];
    char error[256];
    (void)state;
    assert_int_equal(key_load(file, secret, error, sizeof error), 0);
    assert_int_equal(entries(), 1);
}

/* Whoever can lay a link must not choose where the secret is written. */
static void a_key_is_not_written_through_a_link(void **state)
{
    uint8_t secret[KEY_BYTES];
    char error[256], target[96];
    struct stat is;
    (void)state;
    snprintf(target, sizeof target, "%s/elsewhere", folder);
    assert_int_equal(symlink(target, file), 0);
    assert_int_equal(key_load(file, secret, error, sizeof error), -1);
    assert_int_equal(stat(target, &is), -1);
    assert_int_equal(entries(), 1);
}

static void a_fifo_is_no_key_and_holds_nobody(void **state)
{
    uint8_t secret[KEY_BYTES];
    char error[256];
    (void)state;
    assert_int_equal(mkfifo(file, 0600), 0);
    assert_int_equal(key_load(file, secret, error, sizeof error), -1);
    assert_non_null(strstr(error, "not a file"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_names_the_fields_that_the_event_uses),
        cmocka_unit_test(a_number_without_a_name_stays_a_number),
        cmocka_unit_test(bytes_from_a_peer_cannot_break_a_line),
        cmocka_unit_test(an_address_survives_the_socket_interface),
        cmocka_unit_test(an_ipv4_socket_address_has_network_order),
        cmocka_unit_test(a_local_socket_address_is_none),
        cmocka_unit_test_setup_teardown(an_id_is_the_public_key_of_rfc_8032, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_new_key_is_its_owners_alone_and_stays, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_key_that_others_can_read_is_refused, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_key_that_finds_no_room_leaves_nothing_behind, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_new_key_leaves_nothing_beside_it, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_key_is_not_written_through_a_link, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_fifo_is_no_key_and_holds_nobody, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_damaged_key_is_refused_and_left_alone, make_folder,
                                        remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
