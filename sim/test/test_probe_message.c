/* test_probe_message.c: the probe's messages byte by byte, and what a server
 * makes of hostile ones. */
#include "nat-models/test/lab.h"
#include "sim/probe_message.h"

/* The picture in probe_message.h. */
static const uint8_t REQUEST[PROBE_BYTES] = {'M',  'N',  'A',  'T',  1,    2,    3,    4,
                                             1,    3,    1,    0,    0,    0,    0x0a, 0x0b,
                                             0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0,    0};
static const uint8_t ANSWER[PROBE_BYTES] = {
    'M', 'N', 'A', 'T', 1,    2,    3,    4,    2,    2,    1, 0,
    0,   0,   0,   0,   0xfb, 0x2d, 0xfe, 0xfd, 0xfc, 0xfb, 0, 0}; /* 1.2.3.4:1234 inverted */

static void a_message_is_as_the_picture_draws_it(void **state)
{
    const struct probe_message request = {.kind = PROBE_REQUEST,
                                          .id = 0x01020304,
                                          .now = true,
                                          .later = true,
                                          .from = {1, 0},
                                          .later_ms = 0x0a0b};
    const struct probe_message answer = {.kind = PROBE_ANSWER,
                                         .id = 0x01020304,
                                         .later = true,
                                         .from = {1, 0},
                                         .seen = lab_addr("1.2.3.4:1234")};
    uint8_t bytes[PROBE_BYTES];
    (void)state;
    probe_message_write(&request, bytes);
    assert_memory_equal(bytes, REQUEST, PROBE_BYTES);
    probe_message_write(&answer, bytes);
    assert_memory_equal(bytes, ANSWER, PROBE_BYTES);
}

static void a_message_is_read_as_it_was_written(void **state)
{
    struct probe_message m;
    struct addr seen = lab_addr("1.2.3.4:1234");
    (void)state;
    assert_int_equal(probe_message_read(&m, REQUEST, PROBE_BYTES), 0);
    assert_int_equal(m.kind, PROBE_REQUEST);
    assert_int_equal(m.id, 0x01020304);
    assert_true(m.now && m.later);
    assert_int_equal(m.from.address, 1);
    assert_int_equal(m.from.port, 0);
    assert_int_equal(m.later_ms, 0x0a0b);
    assert_int_equal(probe_message_read(&m, ANSWER, PROBE_BYTES), 0);
    assert_true(addr_equal(&m.seen, &seen));
}

static void what_is_no_message_is_refused(void **state)
{
    static const struct {
        int at;
        uint8_t value;
    } wrong[] = {{0, 'N'}, {3, 0}, {8, 0}, {8, 4}, {9, 4}, {9, 0x80}, {10, 2}, {11, 2}, {12, 1}};
    uint8_t bytes[PROBE_BYTES + 1] = {0};
    struct probe_message m;
    (void)state;
    for (uint32_t length = 0; length <= PROBE_BYTES + 1; length++) {
        memcpy(bytes, REQUEST, PROBE_BYTES);
        assert_int_equal(probe_message_read(&m, bytes, length), length == PROBE_BYTES ? 0 : -1);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        memcpy(bytes, REQUEST, PROBE_BYTES);
        bytes[wrong[i].at] = wrong[i].value;
        assert_int_equal(probe_message_read(&m, bytes, PROBE_BYTES), -1);
    }
}

static void a_server_answers_requests_and_nothing_else(void **state)
{
    struct addr from = lab_addr("1.2.3.4:1234");
    struct probe_reply replies[PROBE_REPLIES];
    struct probe_message m;
    uint8_t bytes[PROBE_BYTES];
    (void)state;
    assert_int_equal(probe_serve(REQUEST, PROBE_BYTES, &from, replies), 2);
    assert_int_equal(replies[0].delay, 0);
    assert_int_equal(replies[1].delay, MS(0x0a0b));
    assert_int_equal(replies[1].from.address, 1);
    assert_memory_equal(replies[1].bytes, ANSWER, PROBE_BYTES);
    assert_int_equal(probe_message_read(&m, replies[0].bytes, PROBE_BYTES), 0);
    assert_false(m.later);
    assert_int_equal(probe_serve(ANSWER, PROBE_BYTES, &from, replies), 0);
    for (uint8_t flags = 0; flags < 4; flags++) {
        memcpy(bytes, REQUEST, PROBE_BYTES);
        bytes[9] = flags;
        assert_int_equal(probe_serve(bytes, PROBE_BYTES, &from, replies),
                         (flags & 1) + (flags >> 1));
    }
    memcpy(bytes, REQUEST, PROBE_BYTES);
    bytes[8] = PROBE_HELLO;
    assert_int_equal(probe_serve(bytes, PROBE_BYTES, &from, replies), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_as_the_picture_draws_it),
        cmocka_unit_test(a_message_is_read_as_it_was_written),
        cmocka_unit_test(what_is_no_message_is_refused),
        cmocka_unit_test(a_server_answers_requests_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
