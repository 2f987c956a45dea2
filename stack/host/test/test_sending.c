/* test_sending.c: batches towards a kernel that the test plays: what it takes, when it is
 * full, what it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <uv.h>

#include "stack/host/address.h"
#include "stack/host/sending.h"
#include "stack/host/system.h"

/* ---- the kernel ---------------------------------------------------------- */

static struct kernel {
    const int *answers; /* of the next calls: most that it takes, or an errno negated */
    uint32_t answer_count, calls, taken;
    uint32_t first_bytes[4 * SENDING_MOST]; /* of those taken, in their order */
} kernel;

int system_send(int socket, const struct system_datagram *datagrams, uint32_t count)
{
    int answer = kernel.calls < kernel.answer_count ? kernel.answers[kernel.calls] : SYSTEM_BATCH;
    uint32_t n = answer < 0 ? 0 : count < (uint32_t)answer ? count : (uint32_t)answer;
    (void)socket;
    kernel.calls++;
    for (uint32_t i = 0; i < n; i++)
        memcpy(&kernel.first_bytes[kernel.taken++], datagrams[i].bytes, sizeof(uint32_t));
    return answer < 0 ? answer : (int)n;
}

bool system_next_refusal(int socket, struct addr *to)
{
    (void)socket;
    (void)to;
    return false;
}

int system_confine(void)
{
    return 0;
}

int system_network_open(void)
{
    return -1;
}

void system_network_drain(int fd)
{
    (void)fd;
}

uint64_t system_overruns(int socket)
{
    (void)socket;
    return 0;
}

/* ---- the sender ---------------------------------------------------------- */

static uv_loop_t loop;
static uv_udp_t here, there;
static struct sending *sending;
static const struct addr target = {.family = ADDR_V4, .port = 9, .ip = {127, 0, 0, 1}};

static void open_socket(uv_udp_t *udp)
{
    const struct addr any = addr_v4(INADDR_LOOPBACK, 0);
    struct sockaddr_storage name;
    address_to_socket(&any, &name);
    assert_int_equal(uv_udp_init(&loop, udp), 0);
    assert_int_equal(uv_udp_bind(udp, (const struct sockaddr *)&name, 0), 0);
}

static int open_sender(void **state)
{
    (void)state;
    kernel = (struct kernel){.calls = 0};
    assert_int_equal(uv_loop_init(&loop), 0);
    open_socket(&here);
    open_socket(&there);
    sending = sending_open(&loop);
    return sending == NULL;
}

static int close_sender(void **state)
{
    (void)state;
    sending_close(sending);
    uv_close((uv_handle_t *)&here, NULL);
    uv_close((uv_handle_t *)&there, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    return uv_loop_close(&loop);
}

/* The kernel's answers of this test. */
#define ANSWERS(...)                                                                               \
    do {                                                                                           \
        static const int list[] = {__VA_ARGS__};                                                   \
        kernel.answers = list;                                                                     \
        kernel.answer_count = sizeof list / sizeof list[0];                                        \
    } while (0)

/* Datagrams of `size` bytes that begin with first, first + 1, ... */
static void add(uv_udp_t *udp, uint32_t first, uint32_t count, uint32_t size)
{
    static uint8_t bytes[65536];
    for (uint32_t i = first; i < first + count; i++) {
        memcpy(bytes, &i, sizeof i);
        sending_add(sending, udp, &target, 0, bytes, size);
    }
}

static void assert_taken_in_order(uint32_t count)
{
    assert_int_equal(kernel.taken, count);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(kernel.first_bytes[i], i);
}

/* ---- the claims ---------------------------------------------------------- */

static void datagrams_of_one_socket_leave_with_one_call(void **state)
{
    (void)state;
    add(&here, 0, 10, 100);
    assert_int_equal(kernel.calls, 0);
    sending_flush(sending);
    assert_int_equal(kernel.calls, 1);
    assert_taken_in_order(10);
}

static void those_of_two_sockets_keep_their_order(void **state)
{
    (void)state;
    add(&here, 0, 2, 100);
    add(&there, 2, 2, 100);
    add(&here, 4, 1, 100);
    sending_flush(sending);
    assert_int_equal(kernel.calls, 3);
    assert_taken_in_order(5);
}

static void a_full_batch_does_not_wait(void **state)
{
    (void)state;
    add(&here, 0, SYSTEM_BATCH, 100);
    assert_int_equal(kernel.taken, SYSTEM_BATCH);
}

/* The timer brings back what waits, in its order. */
static void a_kernel_that_is_full_for_a_while_loses_nothing(void **state)
{
    (void)state;
    ANSWERS(-EAGAIN, 3, -ENOBUFS, -EAGAIN, 1);
    add(&here, 0, 20, 100);
    sending_flush(sending);
    add(&here, 20, 20, 100);
    assert_int_equal(kernel.taken, 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_taken_in_order(40);
    assert_int_equal(sending_tally(sending)->waits, 3);
    assert_int_equal(sending_tally(sending)->sent, 40);
    assert_int_equal(sending_tally(sending)->dropped, 0);
}

static void what_finds_no_room_to_wait_is_counted(void **state)
{
    (void)state;
    ANSWERS(-EAGAIN);
    add(&here, 0, SENDING_MOST + 7, 100);
    assert_int_equal(sending_tally(sending)->dropped, 7);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_taken_in_order(SENDING_MOST);
}

static void large_datagrams_fill_the_room_by_their_bytes(void **state)
{
    (void)state;
    ANSWERS(-EAGAIN);
    add(&here, 0, 34, 65507);
    assert_int_equal(sending_tally(sending)->dropped, 34 - SENDING_BYTES / 65507);
}

static void a_refused_datagram_does_not_hold_up_the_next(void **state)
{
    (void)state;
    ANSWERS(1, -EMSGSIZE, SYSTEM_BATCH);
    add(&here, 0, 3, 100);
    sending_flush(sending);
    assert_int_equal(kernel.taken, 2);
    assert_int_equal(kernel.first_bytes[1], 2);
    assert_int_equal(sending_tally(sending)->refused, 1);
}

/* The kernel tells a socket once that an earlier datagram was refused (udp(7)). */
static void the_refusal_of_an_earlier_datagram_costs_no_later_one(void **state)
{
    (void)state;
    ANSWERS(-ECONNREFUSED, SYSTEM_BATCH);
    add(&here, 0, 3, 100);
    sending_flush(sending);
    assert_taken_in_order(3);
    assert_int_equal(sending_tally(sending)->refused, 0);
}

static void nothing_is_sent_for_a_socket_that_is_gone(void **state)
{
    (void)state;
    ANSWERS(-EAGAIN);
    add(&here, 0, 1, 100);
    add(&there, 1, 1, 100);
    sending_forget(sending, &there);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_taken_in_order(1);
    assert_int_equal(sending_tally(sending)->dropped, 1);
}

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, open_sender, close_sender)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM(datagrams_of_one_socket_leave_with_one_call),
        CLAIM(those_of_two_sockets_keep_their_order),
        CLAIM(a_full_batch_does_not_wait),
        CLAIM(a_kernel_that_is_full_for_a_while_loses_nothing),
        CLAIM(what_finds_no_room_to_wait_is_counted),
        CLAIM(large_datagrams_fill_the_room_by_their_bytes),
        CLAIM(a_refused_datagram_does_not_hold_up_the_next),
        CLAIM(the_refusal_of_an_earlier_datagram_costs_no_later_one),
        CLAIM(nothing_is_sent_for_a_socket_that_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
