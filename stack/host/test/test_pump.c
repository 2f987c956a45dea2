/* test_pump.c: the host under a core that does nothing but note what is done
 * to it and hand out what the test has laid ready.
 *
 * Every test ends by itself: the stub stops the host when it has seen what it
 * waits for; an alarm ends it otherwise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "stack/host/address.h"
#include "stack/host/host.h"

#define LIMIT SEC(20)

enum until { UNTIL_INPUT, UNTIL_REFUSED, UNTIL_TICK, UNTIL_OPENED };

/* The stub is one node; the test looks at it afterwards. */
static struct stub {
    struct host *host;
    enum until until;
    bool timed_out, aligned;
    /* what it asks for */
    uint8_t wanted_family;
    bool wanted;
    uint32_t to_send;
    struct addr send_to;
    uint8_t send_ttl;
    mist_time deadline;
    /* what it saw */
    uint32_t opened, failed, inputs, refusals, ticks;
    struct addr local, source, refused;
    mist_time ticked;
    uint8_t bytes[2048];
    size_t length;
} stub;

static void seen(enum until what)
{
    if (what == stub.until)
        host_stop(stub.host);
}

static size_t stub_node_size(const void *config)
{
    (void)config;
    return 100;
}

static size_t stub_scratch_size(void)
{
    return 1;
}

static struct mist *stub_init(void *memory, void *scratch, const void *config, const uint8_t *seed,
                              const uint8_t *secret, mist_time now)
{
    static const uint8_t zero[100];
    (void)config;
    (void)seed;
    (void)secret;
    (void)now;
    stub.aligned = (uintptr_t)memory % 64 == 0 && (uintptr_t)scratch % 64 == 0 &&
                   memcmp(memory, zero, 100) == 0;
    return memory;
}

static void stub_input(struct mist *node, mist_time now, uint32_t socket, const struct addr *from,
                       const uint8_t *bytes, size_t length)
{
    (void)node;
    (void)now;
    (void)socket;
    stub.inputs++;
    stub.source = *from;
    stub.length = length;
    memcpy(stub.bytes, bytes, length < sizeof stub.bytes ? length : sizeof stub.bytes);
    seen(UNTIL_INPUT);
}

static void stub_refused(struct mist *node, mist_time now, uint32_t socket, const struct addr *to)
{
    (void)node;
    (void)now;
    (void)socket;
    stub.refusals++;
    stub.refused = *to;
    seen(UNTIL_REFUSED);
}

static void stub_tick(struct mist *node, mist_time now)
{
    (void)node;
    stub.ticks++;
    stub.ticked = now;
    seen(UNTIL_TICK);
}

static uint32_t stub_output(struct mist *node, struct mist_datagram *array, uint32_t n)
{
    (void)node;
    if (n == 0 || stub.to_send == 0 || !stub.opened)
        return 0;
    stub.to_send--;
    uint8_t ttl = stub.send_ttl;
    stub.send_ttl = 0;
    array[0] = (struct mist_datagram){.socket = 1,
                                      .to = stub.send_to,
                                      .ttl = ttl,
                                      .length = 5,
                                      .bytes = (const uint8_t *)"hello"};
    return 1;
}

static int stub_event(struct mist *node, struct mist_event *event)
{
    (void)node;
    if (!stub.wanted)
        return 0;
    stub.wanted = false;
    event->kind = MIST_EVENT_SOCKET_WANTED;
    event->socket = 1;
    event->addr.family = stub.wanted_family;
    return 1;
}

static mist_time stub_deadline(const struct mist *node)
{
    (void)node;
    return stub.ticks ? MIST_NEVER : stub.deadline;
}

static int stub_wish(struct mist *node, mist_time now, const struct mist_wish *wish)
{
    (void)node;
    (void)now;
    if (wish->kind == MIST_WISH_SOCKET_OPENED) {
        stub.opened++;
        stub.local = wish->addr;
    }
    if (wish->kind == MIST_WISH_SOCKET_FAILED)
        stub.failed++;
    return 0;
}

static int stub_fact(struct mist *node, struct mist_fact *fact)
{
    (void)node;
    (void)fact;
    return 0;
}

static const struct mist_api api = {.node_size = stub_node_size,
                                    .scratch_size = stub_scratch_size,
                                    .init = stub_init,
                                    .input = stub_input,
                                    .refused = stub_refused,
                                    .tick = stub_tick,
                                    .output = stub_output,
                                    .event = stub_event,
                                    .deadline = stub_deadline,
                                    .wish = stub_wish,
                                    .fact = stub_fact};

/* ---- the driver of the stub ---------------------------------------------- */

static int foreign; /* a plain socket of the test, on loopback */

static struct addr foreign_address(void)
{
    struct sockaddr_storage name;
    socklen_t length = sizeof name;
    assert_int_equal(getsockname(foreign, (struct sockaddr *)&name, &length), 0);
    return address_from_socket((const struct sockaddr *)&name);
}

static int prepare(void **state)
{
    (void)state;
    const struct addr any = addr_v4(INADDR_LOOPBACK, 0);
    struct sockaddr_storage name;
    address_to_socket(&any, &name);
    stub = (struct stub){.deadline = MIST_NEVER, .wanted = true, .wanted_family = ADDR_V4};
    foreign = socket(AF_INET, SOCK_DGRAM, 0);
    return bind(foreign, (const struct sockaddr *)&name, sizeof(struct sockaddr_in));
}

static int clear(void **state)
{
    (void)state;
    return close(foreign);
}

static void on_event(void *user, const struct mist_event *event)
{
    (void)user;
    (void)event;
}

/* Greets the new socket from outside. */
static void on_opened(void *user, uint32_t socket, const struct addr *local)
{
    struct sockaddr_storage name;
    (void)user;
    (void)socket;
    address_to_socket(local, &name);
    sendto(foreign, "greeting", 8, 0, (const struct sockaddr *)&name, sizeof(struct sockaddr_in));
    seen(UNTIL_OPENED);
}

static void on_failed(void *user, uint32_t socket, const struct addr *wanted, const char *why)
{
    (void)user;
    (void)socket;
    (void)wanted;
    (void)why;
    seen(UNTIL_OPENED);
}

static void on_limit(void *user)
{
    (void)user;
    stub.timed_out = true;
    host_stop(stub.host);
}

static void run_until(enum until until, const struct addr *listen, uint32_t listen_count)
{
    static const uint8_t secret[32];
    stub.until = until;
    stub.host = host_open(&(struct host_options){
        .api = &api,
        .secret = secret,
        .listen = listen,
        .listen_count = listen_count,
        .calls = {.event = on_event, .opened = on_opened, .failed = on_failed}});
    assert_non_null(stub.host);
    host_alarm(stub.host, LIMIT, on_limit);
    host_run(stub.host);
    host_close(stub.host);
    assert_false(stub.timed_out);
}

/* ---- the claims ---------------------------------------------------------- */

static void the_cores_blocks_are_aligned_and_zero(void **state)
{
    (void)state;
    const struct addr loopback = addr_v4(INADDR_LOOPBACK, 0);
    run_until(UNTIL_OPENED, &loopback, 1);
    assert_true(stub.aligned);
}

static void a_wanted_socket_is_bound_where_the_user_said(void **state)
{
    (void)state;
    const struct addr loopback = addr_v4(0x7f000002, 0);
    run_until(UNTIL_OPENED, &loopback, 1);
    assert_int_equal(stub.opened, 1);
    assert_int_equal(addr_ip4(&stub.local), 0x7f000002);
    assert_int_not_equal(stub.local.port, 0);
}

static void a_family_that_the_user_did_not_name_fails(void **state)
{
    (void)state;
    const struct addr loopback = addr_v4(INADDR_LOOPBACK, 0);
    stub.wanted_family = ADDR_V6;
    run_until(UNTIL_OPENED, &loopback, 1);
    assert_int_equal(stub.failed, 1);
    assert_int_equal(stub.opened, 0);
}

static void a_taken_port_fails(void **state)
{
    (void)state;
    const struct addr taken = foreign_address();
    run_until(UNTIL_OPENED, &taken, 1);
    assert_int_equal(stub.failed, 1);
}

static void a_socket_on_every_address_tells_one_that_others_can_name(void **state)
{
    (void)state;
    run_until(UNTIL_OPENED, NULL, 0);
    assert_int_equal(stub.opened, 1);
    assert_int_not_equal(addr_ip4(&stub.local), 0);
    assert_int_not_equal(stub.local.port, 0);
}

static void a_datagram_reaches_the_core_with_its_source(void **state)
{
    (void)state;
    const struct addr loopback = addr_v4(INADDR_LOOPBACK, 0), source = foreign_address();
    run_until(UNTIL_INPUT, &loopback, 1);
    assert_int_equal(stub.inputs, 1);
    assert_true(addr_equal(&stub.source, &source));
    assert_int_equal(stub.length, 8);
    assert_memory_equal(stub.bytes, "greeting", 8);
}

/* The TTL that the datagram waiting at `foreign` arrived with (ip(7), IP_RECVTTL). */
static int receive_ttl(char *bytes, size_t size)
{
    _Alignas(struct cmsghdr) char control[64];
    struct iovec vector = {.iov_base = bytes, .iov_len = size};
    struct msghdr message = {.msg_iov = &vector,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    int ttl = -1;
    assert_int_equal(recvmsg(foreign, &message, 0), size);
    struct cmsghdr *first = CMSG_FIRSTHDR(&message);
    assert_non_null(first);
    memcpy(&ttl, CMSG_DATA(first), sizeof ttl);
    return ttl;
}

static void output_is_sent_with_its_ttl_and_the_next_without(void **state)
{
    (void)state;
    const struct addr loopback = addr_v4(INADDR_LOOPBACK, 0);
    char bytes[5];
    int on = 1;
    assert_int_equal(setsockopt(foreign, IPPROTO_IP, IP_RECVTTL, &on, sizeof on), 0);
    stub.send_to = foreign_address();
    stub.send_ttl = 7;
    stub.to_send = 2;
    run_until(UNTIL_INPUT, &loopback, 1);
    assert_int_equal(receive_ttl(bytes, sizeof bytes), 7);
    assert_memory_equal(bytes, "hello", 5);
    assert_int_equal(receive_ttl(bytes, sizeof bytes), 64);
}

/* 127.0.0.3 has the whole port range to itself: nobody else here binds to it. */
static void a_refused_datagram_is_told_with_where_it_went(void **state)
{
    (void)state;
    const struct addr loopback = addr_v4(INADDR_LOOPBACK, 0);
    stub.send_to = addr_v4(0x7f000003, 9);
    stub.to_send = 1;
    run_until(UNTIL_REFUSED, &loopback, 1);
    assert_int_equal(stub.refusals, 1);
    assert_true(addr_equal(&stub.refused, &stub.send_to));
}

static mist_time present(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return SEC(t.tv_sec) + t.tv_nsec;
}

static void a_tick_comes_at_the_deadline_and_not_before(void **state)
{
    (void)state;
    const struct addr loopback = addr_v4(INADDR_LOOPBACK, 0);
    stub.deadline = present() + MS(30);
    run_until(UNTIL_TICK, &loopback, 1);
    assert_int_equal(stub.ticks, 1);
    assert_true(stub.ticked >= stub.deadline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_cores_blocks_are_aligned_and_zero, prepare, clear),
        cmocka_unit_test_setup_teardown(a_wanted_socket_is_bound_where_the_user_said, prepare,
                                        clear),
        cmocka_unit_test_setup_teardown(a_family_that_the_user_did_not_name_fails, prepare, clear),
        cmocka_unit_test_setup_teardown(a_taken_port_fails, prepare, clear),
        cmocka_unit_test_setup_teardown(a_socket_on_every_address_tells_one_that_others_can_name,
                                        prepare, clear),
        cmocka_unit_test_setup_teardown(a_datagram_reaches_the_core_with_its_source, prepare,
                                        clear),
        cmocka_unit_test_setup_teardown(output_is_sent_with_its_ttl_and_the_next_without, prepare,
                                        clear),
        cmocka_unit_test_setup_teardown(a_refused_datagram_is_told_with_where_it_went, prepare,
                                        clear),
        cmocka_unit_test_setup_teardown(a_tick_comes_at_the_deadline_and_not_before, prepare,
                                        clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
