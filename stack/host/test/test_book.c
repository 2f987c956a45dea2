/* test_book.c: the address book: what it reads, refuses and writes down. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "stack/host/book.h"

#define ALICE "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
#define BOB   "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"

static char folder[32], file[64];

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/mist-book-XXXXXX");
    snprintf(file, sizeof file, "%s/book", mkdtemp(folder) ? folder : "");
    return sodium_init() < 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(file);
    return rmdir(folder);
}

static void write_file(const char *text)
{
    FILE *out = fopen(file, "w");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
    assert_int_equal(chmod(file, 0600), 0);
}

/* Opens the book, which says on the way what is wrong with it. */
static struct book *open_book(char *said, size_t size)
{
    char *text = NULL;
    size_t length;
    FILE *err = open_memstream(&text, &length);
    struct book *b = book_open(file, err);
    fclose(err);
    snprintf(said, size, "%s", text);
    free(text);
    return b;
}

static void assert_pinned(const struct book *b, const char *name, const char *id)
{
    char text[2 * MIST_ID + 1] = "";
    const uint8_t *found = book_find(b, (const uint8_t *)name, strlen(name));
    if (found)
        sodium_bin2hex(text, sizeof text, found, MIST_ID);
    assert_string_equal(text, id);
}

static void names_are_any_bytes_and_stand_for_one_person_each(void **state)
{
    char said[512];
    (void)state;
    write_file("# friends\n\n" ALICE " alice@example.com\n" BOB " the printer, 2nd floor\n" BOB
               " 100%25 b%C3%B6b%0A");
    struct book *b = open_book(said, sizeof said);
    assert_string_equal(said, "");
    assert_non_null(b);
    assert_pinned(b, "alice@example.com", ALICE);
    assert_pinned(b, "the printer, 2nd floor", BOB);
    assert_pinned(b,
                  "100% b\xc3\xb6"
                  "b\n",
                  BOB);
    assert_pinned(b, "alice", "");
    assert_pinned(b, "", "");
    book_close(b);
}

static void all_mistakes_are_told_with_their_place(void **state)
{
    char said[2048], want[2048], long_name[400];
    (void)state;
    memset(long_name, 'x', sizeof long_name);
    long_name[256] = '\0';
    char text[2048];
    snprintf(text, sizeof text,
             "alice\n" ALICE "\n" ALICE " \n" ALICE " a\n" BOB " a\n" ALICE " b%%2\n" ALICE
             " c\x01\n" ALICE " %s\n",
             long_name);
    write_file(text);
    assert_null(open_book(said, sizeof said));
    const char *line = "64 hex digits of a person's id, a blank and a name";
    const char *name = "a name of 1 to 255 bytes, those beyond printable ASCII as %XX";
    snprintf(want, sizeof want,
             "%s:1:2: expected %s\n%s:2:65: expected %s\n%s:3:66: expected %s\n"
             "%s:5:66: expected each name once; this one stands above already\n"
             "%s:6:67: expected %s\n%s:7:67: expected %s\n%s:8:321: expected %s\n",
             file, line, file, line, file, name, file, file, name, file, name, file, name);
    assert_string_equal(said, want);
}

static void a_book_that_others_can_write_is_refused(void **state)
{
    char said[512];
    (void)state;
    write_file(ALICE " alice\n");
    assert_int_equal(chmod(file, 0622), 0);
    assert_null(open_book(said, sizeof said));
    assert_non_null(strstr(said, "chmod go-w"));
}

static struct mist_wish connect_to(uint32_t id, const char *name)
{
    return (struct mist_wish){.size = sizeof(struct mist_wish),
                              .kind = MIST_WISH_CONNECT,
                              .id = id,
                              .name = (const uint8_t *)name,
                              .name_length = (uint32_t)strlen(name)};
}

static void tell(struct book *b, uint32_t kind, uint32_t id, const char *person)
{
    uint8_t bytes[MIST_ID];
    sodium_hex2bin(bytes, sizeof bytes, person, strlen(person), NULL, NULL, NULL);
    book_event(b, &(struct mist_event){.size = sizeof(struct mist_event),
                                       .kind = kind,
                                       .id = id,
                                       .bytes = bytes,
                                       .length = person[0] ? MIST_ID : 0});
}

static void a_known_name_is_pinned_in_the_call(void **state)
{
    char said[512], id[2 * MIST_ID + 1];
    (void)state;
    write_file(ALICE " alice\n");
    struct book *b = open_book(said, sizeof said);
    struct mist_wish asked = connect_to(1, "alice"), w = book_wish(b, &asked);
    assert_int_equal(w.length, MIST_ID);
    assert_string_equal(sodium_bin2hex(id, sizeof id, w.bytes, MIST_ID), ALICE);
    asked.kind = MIST_WISH_NAME; /* one's own name is no call */
    assert_int_equal(book_wish(b, &asked).length, 0);
    book_close(b);
}

static void who_is_met_first_under_a_new_name_is_written_down(void **state)
{
    char said[512];
    (void)state;
    struct book *b = open_book(said, sizeof said); /* there is none yet */
    assert_non_null(b);
    struct mist_wish w = connect_to(1, "b%b\n"), again = connect_to(2, "b%b\n");
    assert_int_equal(book_wish(b, &w).length, 0);
    assert_int_equal(book_wish(b, &again).length, 0);
    tell(b, MIST_EVENT_IMPOSTOR, 1, "");
    tell(b, MIST_EVENT_CONNECTED, 1, BOB);
    tell(b, MIST_EVENT_CONNECTED, 2, ALICE); /* later: the name is taken */
    assert_pinned(b, "b%b\n", BOB);
    assert_int_equal(book_wish(b, &w).length, MIST_ID);
    book_close(b);
    b = open_book(said, sizeof said);
    assert_string_equal(said, "");
    assert_pinned(b, "b%b\n", BOB);
    struct stat status;
    assert_int_equal(stat(file, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(status.st_size, 64 + 1 + 8 + 1); /* one line */
    book_close(b);
}

static void a_call_that_failed_pins_nobody(void **state)
{
    char said[512];
    (void)state;
    struct book *b = open_book(said, sizeof said);
    struct mist_wish w = connect_to(1, "bob"), other = connect_to(1, "carol");
    (void)book_wish(b, &w);
    tell(b, MIST_EVENT_FAILED, 1, "");
    (void)book_wish(b, &other); /* the number serves again */
    tell(b, MIST_EVENT_CONNECTED, 1, ALICE);
    assert_pinned(b, "bob", "");
    assert_pinned(b, "carol", ALICE);
    book_close(b);
}

static void a_book_that_cannot_be_written_holds_for_now_and_says_so(void **state)
{
    char *text = NULL;
    size_t length;
    (void)state;
    FILE *err = open_memstream(&text, &length);
    struct book *b = book_open("/nowhere/book", err);
    assert_non_null(b);
    struct mist_wish w = connect_to(1, "bob");
    (void)book_wish(b, &w);
    tell(b, MIST_EVENT_CONNECTED, 1, BOB);
    assert_pinned(b, "bob", BOB);
    book_close(b);
    fclose(err);
    assert_non_null(strstr(text, "/nowhere/book: cannot write down"));
    free(text);
}

/* A limit of the file's size stands for a full disk: half a line would fit. */
static void a_line_that_finds_no_room_leaves_the_book_whole(void **state)
{
    char *text = NULL;
    size_t length;
    struct rlimit before, small;
    struct stat is;
    (void)state;
    FILE *err = open_memstream(&text, &length);
    write_file(ALICE " alice\n");
    assert_int_equal(chmod(file, 0600), 0);
    struct book *b = book_open(file, err);
    assert_non_null(b);
    struct mist_wish w = connect_to(1, "bob");
    (void)book_wish(b, &w);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 100;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    tell(b, MIST_EVENT_CONNECTED, 1, BOB);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    book_close(b);
    assert_int_equal(stat(file, &is), 0);
    assert_int_equal(is.st_size, strlen(ALICE " alice\n"));
    fclose(err);
    assert_non_null(strstr(text, "cannot write down"));
    free(text);
}

int main(void)
{
#define CASE(claim) cmocka_unit_test_setup_teardown(claim, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        CASE(names_are_any_bytes_and_stand_for_one_person_each),
        CASE(all_mistakes_are_told_with_their_place),
        CASE(a_book_that_others_can_write_is_refused),
        CASE(a_known_name_is_pinned_in_the_call),
        CASE(who_is_met_first_under_a_new_name_is_written_down),
        CASE(a_call_that_failed_pins_nobody),
        CASE(a_line_that_finds_no_room_leaves_the_book_whole),
        CASE(a_book_that_cannot_be_written_holds_for_now_and_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
