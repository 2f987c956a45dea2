/* test_proxy.c: plain UDP programs reach one another by name, through the mist program's
 * two proxies, and their datagrams arrive as they were. */
#include <netinet/in.h>
#include <sys/socket.h>

#include "stack/addr.h"
#include "stack/host/split.h"
#include "stack/host/test/process.h"

/* ---- pieces ---- */

struct path { /* keeps what split_datagram sends */
    uint32_t count, length[64];
    uint8_t bytes[64][MIST_PAYLOAD];
};

static void keep(void *data, const uint8_t *bytes, uint32_t length)
{
    struct path *p = data;
    assert_true(p->count < 64 && length <= MIST_PAYLOAD);
    memcpy(p->bytes[p->count], bytes, length);
    p->length[p->count++] = length;
}

static void fill(uint8_t *bytes, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)(i * 31 + i / 251);
}

static const uint32_t sizes[] = {0, 1, 1146, 1147, 1148, 1149, 2286, 2287, 9000, 65507};

/* Backwards too: a path may reorder. */
static void a_datagram_of_any_size_is_put_together_again(void **state)
{
    static uint8_t sent[SPLIT_MOST];
    static struct split_join join;
    static struct path path;
    (void)state;
    fill(sent, sizeof sent);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (int backwards = 0; backwards < 2; backwards++) {
            const uint8_t *whole = NULL;
            uint32_t length = 0;
            path.count = 0;
            split_datagram(513, sent, sizes[i], (uint16_t)i, keep, &path);
            assert_int_equal(path.count, sizes[i] <= MIST_PAYLOAD - 3
                                             ? 1
                                             : (sizes[i] + SPLIT_PIECE - 1) / SPLIT_PIECE);
            for (uint32_t k = 0; k < path.count; k++) {
                uint32_t at = backwards ? path.count - 1 - k : k;
                assert_int_equal(split_flow(path.bytes[at], path.length[at]), 513);
                bool done = split_take(&join, path.bytes[at], path.length[at], &whole, &length);
                assert_int_equal(done, k + 1 == path.count);
            }
            assert_int_equal(length, sizes[i]);
            assert_memory_equal(whole, sent, length);
        }
}

static void a_datagram_that_lacks_a_piece_is_lost_and_the_next_is_not(void **state)
{
    static uint8_t sent[5000];
    static struct split_join join;
    static struct path path;
    const uint8_t *whole;
    uint32_t length;
    (void)state;
    fill(sent, sizeof sent);
    split_datagram(7, sent, sizeof sent, 1, keep, &path);
    for (uint32_t k = 1; k < path.count; k++)
        assert_false(split_take(&join, path.bytes[k], path.length[k], &whole, &length));
    path.count = 0;
    split_datagram(7, sent, sizeof sent, 2, keep, &path);
    for (uint32_t k = 0; k < path.count; k++)
        assert_int_equal(split_take(&join, path.bytes[k], path.length[k], &whole, &length),
                         k + 1 == path.count);
}

static void nonsense_is_no_piece(void **state)
{
    static struct split_join join;
    const uint8_t *whole;
    uint32_t length;
    static const uint8_t cases[][8] = {
        {2, 0, 0, 0, 2, 0, 0, 1}, {1, 0, 0, 2, 2, 0, 0, 1}, {1, 0, 0, 0, 65, 0, 0, 1},
        {1, 0, 0, 0, 1, 0, 0, 1}, {1, 0, 0, 0, 2, 0, 0, 1}, /* not the last, and not full */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_false(split_take(&join, cases[i], 8, &whole, &length));
    assert_false(split_take(&join, cases[0], 0, &whole, &length));
    assert_false(split_take(&join, cases[1], 7, &whole, &length));
    assert_int_equal(split_flow(cases[0], 8), -1);
    assert_int_equal(split_flow(cases[1], 2), -1);
}

/* ---- programs ---- */

static struct process meeting, server, caller;

static int end_all(void **state)
{
    (void)state;
    struct process *all[] = {&meeting, &server, &caller};
    for (size_t i = 0; i < 3; i++)
        if (all[i]->pid > 0 && waitpid(all[i]->pid, NULL, WNOHANG) == 0) {
            kill(all[i]->pid, SIGKILL);
            waitpid(all[i]->pid, NULL, 0);
        }
    return 0;
}

/* A UDP socket on 127.0.0.1, any port, or connected to `port` there. */
static int loopback(uint16_t connect_to, uint16_t *port)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof name;
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    assert_true(s >= 0);
    name.sin_port = htons(connect_to);
    if (connect_to)
        assert_int_equal(connect(s, (const struct sockaddr *)&name, sizeof name), 0);
    else
        assert_int_equal(bind(s, (const struct sockaddr *)&name, sizeof name), 0);
    assert_int_equal(getsockname(s, (struct sockaddr *)&name, &size), 0);
    *port = ntohs(name.sin_port);
    return s;
}

static uint8_t sent[SPLIT_MOST], got[SPLIT_MOST + 1];

/* Waits for a datagram; who sent it. */
static struct sockaddr_in await_datagram(int s, uint32_t length)
{
    struct pollfd wait = {.fd = s, .events = POLLIN};
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    assert_int_equal(poll(&wait, 1, LIMIT_MS), 1);
    assert_int_equal(recvfrom(s, got, sizeof got, 0, (struct sockaddr *)&from, &size), length);
    return from;
}

/* From the program behind the caller's proxy to the served one and back. */
static void exchange(int program, int served, uint32_t length, uint8_t mark)
{
    fill(sent, length);
    sent[0] = mark;
    assert_int_equal(send(program, sent, length, 0), length);
    struct sockaddr_in from = await_datagram(served, length);
    assert_memory_equal(got, sent, length);
    sent[0] ^= 0xff;
    assert_int_equal(sendto(served, sent, length, 0, (const struct sockaddr *)&from, sizeof from),
                     length);
    (void)await_datagram(program, length);
    assert_memory_equal(got, sent, length);
}

static uint16_t port_of(struct process *p)
{
    unsigned port = 0;
    const char *line = await(p, "\"event\":\"proxy\"");
    while (!strchr(line, '\n'))
        assert_true(read_more(p) > 0);
    assert_int_equal(sscanf(strstr(line, "\"addr\":\""), "\"addr\":\"127.0.0.1:%u", &port), 1);
    return (uint16_t)port;
}

static void programs_reach_another_by_name_each_with_answers_of_its_own(void **state)
{
    char at[64], to[64];
    uint16_t port;
    (void)state;
    int served = loopback(0, &port);
    snprintf(to, sizeof to, "127.0.0.1:%u", port);
    start(&meeting, (const char *[]){"up", "--public", "--listen", "127.0.0.1:0", NULL});
    address_of(&meeting, at);
    start(&server, (const char *[]){"serve", "--name", "shop", "--to", to, "--bind", "127.0.0.1:0",
                                    "--bootstrap", at, NULL});
    await(&server, "\"event\":\"joined\"");
    start(&caller, (const char *[]){"proxy", "shop", "--listen", "127.0.0.1:0", "--bind",
                                    "127.0.0.1:0", "--bootstrap", at, NULL});
    uint16_t local = port_of(&caller);
    await(&caller, "\"event\":\"joined\"");

    int first = loopback(local, &port), second = loopback(local, &port);
    exchange(first, served, 100, 1);
    exchange(second, served, 200, 2);
    exchange(first, served, 1, 3);
    exchange(first, served, 1400, 4);
    exchange(second, served, 65507, 5);
    for (uint8_t i = 0; i < 12; i++) { /* as many short-lived sockets as a resolver has */
        int one = loopback(local, &port);
        exchange(one, served, 30, i);
        close(one);
    }
    assert_int_equal(stop(&caller), 0);
    assert_int_equal(stop(&server), 0);
    assert_int_equal(stop(&meeting), 0);
    close(first);
    close(second);
    close(served);
}

static void a_proxy_listens_to_this_machine_alone(void **state)
{
    struct process p;
    (void)state;
    assert_int_equal(run(&p, (const char *[]){"proxy", "shop", "--listen", "0.0.0.0:0",
                                              "--bootstrap", "127.0.0.1:9", NULL}),
                     2);
    assert_int_equal(run(&p, (const char *[]){"serve", "--name", "shop", NULL}), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_datagram_of_any_size_is_put_together_again),
        cmocka_unit_test(a_datagram_that_lacks_a_piece_is_lost_and_the_next_is_not),
        cmocka_unit_test(nonsense_is_no_piece),
        cmocka_unit_test_teardown(programs_reach_another_by_name_each_with_answers_of_its_own,
                                  end_all),
        cmocka_unit_test(a_proxy_listens_to_this_machine_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
