/* test_speech.c: what this end of the control socket says and hears is what the other end,
 * stack/host, reads and writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/netns/speech.h"
#include "stack/check.h"
#include "stack/host/lines.h"
#include "stack/host/wishes.h"

_Noreturn void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: broken promise: %s\n", file, line, condition);
    abort();
}

/* What the other end reads of a wish. */
static void hear(const struct mist_wish *wish, struct wishes_line *heard)
{
    char line[SPEECH_LINE];
    size_t length = speech_wish(mist_api(), wish, line);
    assert_int_equal(line[length - 1], '\n');
    assert_null(memchr(line, '\n', length - 1));
    const char *wrong = wishes_read(mist_api(), line, length - 1, heard);
    if (wrong)
        fail_msg("%.*s: %s", (int)length - 1, line, wrong);
    assert_int_equal(heard->wish.kind, wish->kind);
    assert_int_equal(heard->wish.id, wish->id);
}

static void a_node_reads_every_wish_as_it_was_meant(void **state)
{
    static struct wishes_line heard;
    uint8_t bytes[MIST_PAYLOAD];
    const uint8_t name[] = "home.\"17\\";
    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7);
    hear(
        &(struct mist_wish){.kind = MIST_WISH_CONNECT, .id = 70000, .name = name, .name_length = 9},
        &heard);
    assert_int_equal(heard.wish.name_length, 9);
    assert_memory_equal(heard.wish.name, name, 9);
    hear(&(struct mist_wish){.kind = MIST_WISH_SEND, .id = 3, .bytes = bytes, .length = 1150},
         &heard);
    assert_int_equal(heard.wish.length, 1150);
    assert_memory_equal(heard.wish.bytes, bytes, 1150);
    hear(&(struct mist_wish){.kind = MIST_WISH_BOOTSTRAP, .addr = addr_v4(0x01020304, 5)}, &heard);
    assert_int_equal(addr_ip4(&heard.wish.addr), 0x01020304);
    assert_int_equal(heard.wish.addr.port, 5);
    hear(&(struct mist_wish){.kind = MIST_WISH_CLOSE, .id = 9}, &heard);
}

/* What is heard when the other end tells the event. */
static void tell(const struct mist_event *event, struct speech *heard)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    lines_event(out, mist_api(), event);
    assert_int_equal(fclose(out), 0);
    speech_read(mist_api(), text, length - 1, heard);
    free(text);
    assert_int_equal(heard->kind, SPEECH_EVENT);
    assert_int_equal(heard->event.kind, event->kind);
    assert_int_equal(heard->event.id, event->id);
}

static void every_event_is_heard_with_its_path_reason_and_round_trip(void **state)
{
    static struct speech heard;
    (void)state;
    for (uint32_t kind = MIST_EVENT_JOINED; kind <= MIST_EVENT_IMPOSTOR; kind++) {
        if (kind == MIST_EVENT_SOCKET_UNWANTED)
            continue; /* the host's own affair */
        struct mist_event e = {.size = sizeof e,
                               .kind = kind,
                               .id = kind + 10,
                               .path = MIST_PATH_PREDICTED,
                               .reason = MIST_REASON_ALREADY_CONNECTED,
                               .rtt = INT64_C(123456789012),
                               .count = 5,
                               .hops = 6,
                               .attempts = 7,
                               .probes = 8,
                               .sockets = 9};
        tell(&e, &heard);
        assert_int_equal(heard.event.path, MIST_PATH_PREDICTED);
        assert_int_equal(heard.event.reason, MIST_REASON_ALREADY_CONNECTED);
        assert_int_equal(heard.event.rtt, INT64_C(123456789012));
        assert_int_equal(heard.event.count, 5);
        assert_int_equal(heard.event.hops, 6);
        assert_int_equal(heard.event.attempts, 7);
        assert_int_equal(heard.event.probes, 8);
        assert_int_equal(heard.event.sockets, 9);
    }
}

static void bytes_are_heard_whether_they_are_text_or_not(void **state)
{
    static struct speech heard;
    static const char *const texts[] = {"plain", "\"quoted\\\"", "new\nline", "\x01\x80\xff"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct mist_event e = {.size = sizeof e,
                               .kind = MIST_EVENT_DATAGRAM,
                               .id = 4,
                               .bytes = (const uint8_t *)texts[i],
                               .length = (uint32_t)strlen(texts[i])};
        tell(&e, &heard);
        assert_int_equal(heard.event.length, strlen(texts[i]));
        assert_memory_equal(heard.event.bytes, texts[i], strlen(texts[i]));
    }
}

static void hear_line(const char *line, struct speech *heard)
{
    speech_read(mist_api(), line, strlen(line), heard);
}

static void answers_and_counters_are_heard(void **state)
{
    static struct speech heard;
    (void)state;
    hear_line("{\"ok\":true}", &heard);
    assert_int_equal(heard.kind, SPEECH_ANSWER);
    assert_true(heard.ok);
    hear_line("{\"ok\":false,\"error\":\"the core refused\"}", &heard);
    assert_int_equal(heard.kind, SPEECH_ANSWER);
    assert_false(heard.ok);
    hear_line("{\"status\":{\"id\":\"00\",\"sockets\":1,\"traffic\":{\"punch\":{\"packets_out\":3,"
              "\"bytes_out\":44,\"packets_in\":5,\"bytes_in\":66}}}}",
              &heard);
    assert_int_equal(heard.kind, SPEECH_STATUS);
    assert_int_equal(heard.counters[MIST_KIND_PUNCH].packets_out, 3);
    assert_int_equal(heard.counters[MIST_KIND_PUNCH].bytes_out, 44);
    assert_int_equal(heard.counters[MIST_KIND_PUNCH].packets_in, 5);
    assert_int_equal(heard.counters[MIST_KIND_PUNCH].bytes_in, 66);
    assert_int_equal(heard.counters[MIST_KIND_KAD].packets_out, 0);
}

static void what_is_no_speech_of_a_node_is_left_alone(void **state)
{
    static struct speech heard;
    static const char *const lines[] = {
        "",  "mist: cannot listen on 1.2.3.4:5: address in use", "{", "[1]", "{\"event\":7}",
        "5", "{\"event\":\"listening\",\"socket\":1}",           "{}"};
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        hear_line(lines[i], &heard);
        assert_int_equal(heard.kind, SPEECH_OTHER);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_reads_every_wish_as_it_was_meant),
        cmocka_unit_test(every_event_is_heard_with_its_path_reason_and_round_trip),
        cmocka_unit_test(bytes_are_heard_whether_they_are_text_or_not),
        cmocka_unit_test(answers_and_counters_are_heard),
        cmocka_unit_test(what_is_no_speech_of_a_node_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
