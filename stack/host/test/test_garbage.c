/* test_garbage.c: a daemon stands whatever is thrown at its sockets, and does not grow.
 *
 *     bob --- this program --- daemon alice --- her control socket --- this program
 *
 * Bob joins through a port of this program, which hands his datagrams on and keeps copies:
 * those come back bent, cut and again.  MIST_GARBAGE_S: for so many seconds (default 20;
 * `make test-garbage` takes ten minutes with sanitizers). */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sodium.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "stack/host/address.h"
#include "stack/host/test/process.h"

#define STRANGERS  16    /* sockets that nobody knows */
#define KEPT       256   /* real datagrams */
#define CLIENTS    40    /* more than a control socket serves */
#define BURST      24    /* thrown between two looks around */
#define WARM_MS    10000 /* tables fill from the front, and clients that read nothing lag behind */
#define GROWTH     0.10  /* of its memory, from then, or the first tenth of the time, to the end */
#define LARGEST    65507
#define LINES_ROOM 30000

struct datagram {
    size_t length;
    uint8_t bytes[1500];
};

static struct process alice, bob, caller;
static struct sockaddr_storage to_alice, to_bob;
static int toward_alice, toward_bob, strangers[STRANGERS], clients[CLIENTS];
static struct datagram kept[KEPT];
static uint32_t kept_count;
static uint64_t thrown, lines;
static char control[64];

/* ---- chance: any will do, the same again by its seed ----------------------- */

static uint64_t chance_state = UINT64_C(0x9e3779b97f4a7c15);

static uint32_t chance(uint32_t below)
{
    chance_state ^= chance_state << 13; /* xorshift64, Marsaglia 2003 */
    chance_state ^= chance_state >> 7;
    chance_state ^= chance_state << 17;
    return (uint32_t)((chance_state >> 32) % below);
}

/* ---- datagrams ------------------------------------------------------------- */

static int open_udp(void)
{
    const struct addr any = addr_v4(INADDR_LOOPBACK, 0);
    struct sockaddr_storage name;
    int s = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    address_to_socket(&any, &name);
    assert_true(s >= 0);
    assert_int_equal(bind(s, (const struct sockaddr *)&name, sizeof(struct sockaddr_in)), 0);
    return s;
}

static void keep(const uint8_t *bytes, size_t length)
{
    struct datagram *d = &kept[kept_count++ % KEPT];
    d->length = length < sizeof d->bytes ? length : sizeof d->bytes;
    memcpy(d->bytes, bytes, d->length);
}

/* Both ways between bob and alice. */
static void hand_on(void)
{
    static uint8_t bytes[2048];
    struct sockaddr_storage from;
    ssize_t n;
    socklen_t length = sizeof from;
    while ((n = recvfrom(toward_bob, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &length)) >=
           0) {
        to_bob = from;
        keep(bytes, (size_t)n);
        (void)sendto(toward_alice, bytes, (size_t)n, 0, (const struct sockaddr *)&to_alice,
                     sizeof(struct sockaddr_in));
    }
    while ((n = recv(toward_alice, bytes, sizeof bytes, 0)) >= 0) {
        keep(bytes, (size_t)n);
        (void)sendto(toward_bob, bytes, (size_t)n, 0, (const struct sockaddr *)&to_bob,
                     sizeof(struct sockaddr_in));
    }
    for (int i = 0; i < STRANGERS; i++)
        while ((n = recv(strangers[i], bytes, sizeof bytes, 0)) >= 0)
            keep(bytes, (size_t)n);
}

static void throw(const uint8_t *bytes, size_t length)
{
    int s = chance(4) == 0 ? toward_alice : strangers[chance(STRANGERS)];
    (void)sendto(s, bytes, length, 0, (const struct sockaddr *)&to_alice,
                 sizeof(struct sockaddr_in));
    thrown++;
}

static void throw_random(void)
{
    static uint8_t bytes[LARGEST];
    size_t length = chance(200) == 0 ? chance(LARGEST) : chance(1400);
    randombytes_buf(bytes, length);
    if (length > 0 && chance(2))
        bytes[0] = (uint8_t)chance(16); /* a type that may exist */
    throw(bytes, length);
}

/* A real one: as it was, bent, cut short, made longer, or grown together with another. */
static void throw_bent(void)
{
    struct datagram d = kept[chance(kept_count < KEPT ? kept_count : KEPT)];
    const struct datagram *other = &kept[chance(kept_count < KEPT ? kept_count : KEPT)];
    switch (chance(5)) {
    case 0: break;
    case 1:
        for (uint32_t i = chance(4) + 1; i > 0 && d.length > 0; i--)
            d.bytes[chance((uint32_t)d.length)] ^= (uint8_t)(1u << chance(8));
        break;
    case 2: d.length = d.length ? chance((uint32_t)d.length) : 0; break;
    case 3: d.length += chance((uint32_t)(sizeof d.bytes - d.length) + 1); break;
    default:
        if (d.length > 5 && other->length > 5)
            memcpy(d.bytes + 5, other->bytes + 5,
                   (d.length < other->length ? d.length : other->length) - 5);
    }
    throw(d.bytes, d.length);
}

/* ---- lines ----------------------------------------------------------------- */

static int connect_control(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    snprintf(name.sun_path, sizeof name.sun_path, "%s", control);
    if (s >= 0 && connect(s, (const struct sockaddr *)&name, sizeof name) != 0) {
        close(s);
        s = -1;
    }
    return s;
}

/* Lines that mean something, so that what follows from them happens, too; not `leave`. */
static size_t sensible_line(char *text, size_t size)
{
    static const char *const wishes[] = {"connect", "subscribe", "unsubscribe", "publish",
                                         "send",    "close",     "name",        "bootstrap"};
    if (chance(10) == 0)
        return (size_t)snprintf(text, size, "{\"ask\":\"status\"}\n");
    return (size_t)snprintf(text, size,
                            "{\"wish\":\"%s\",\"id\":%u,\"name\":\"n%u\",\"%s\":\"%02x%02x\"}\n",
                            wishes[chance(7)], chance(20), chance(12), chance(2) ? "hex" : "text",
                            chance(256), chance(256));
}

static size_t some_line(char *text, size_t size)
{
    size_t length = sensible_line(text, size);
    switch (chance(7)) {
    case 0: randombytes_buf(text, length = chance(300)); break;
    case 1: length = chance((uint32_t)length); break;                  /* half a line */
    case 2: memset(text, '[', length = 9000); break;                   /* deep, and too long */
    case 3: memset(text, 'x', length = chance((uint32_t)size)); break; /* no end */
    case 4: text[chance((uint32_t)length)] = (char)chance(256); break; /* bent */
    case 5: memset(text, '\n', length = chance(2000)); break;          /* empty lines */
    default: break;
    }
    return length;
}

/* Some read what they hear, some never do, some leave in the middle. */
static void trouble_client(int *client)
{
    static char text[LINES_ROOM];
    if (*client < 0) {
        *client = connect_control();
        return;
    }
    size_t length = some_line(text, sizeof text);
    ssize_t n = send(*client, text, length, MSG_NOSIGNAL);
    lines++;
    bool gone = n < 0 && errno != EAGAIN;
    if (client - clients >= CLIENTS / 4)
        while ((n = recv(*client, text, sizeof text, 0)) > 0)
            ;
    if (gone || n == 0 || chance(50) == 0) {
        close(*client);
        *client = -1;
    }
}

/* ---- the daemon ------------------------------------------------------------ */

static long memory_kb(void)
{
    char path[64], line[256];
    long kb = -1;
    snprintf(path, sizeof path, "/proc/%d/status", (int)alice.pid);
    FILE *in = fopen(path, "r");
    while (in && kb < 0 && fgets(line, sizeof line, in))
        (void)sscanf(line, "VmRSS: %ld", &kb);
    if (in)
        fclose(in);
    return kb;
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What it prints is of no interest now, but must be taken. */
static void take_lines(struct process *p)
{
    static char text[1 << 16];
    while (read(p->out, text, sizeof text) > 0)
        ;
}

static void start_all(void)
{
    char at[64], here[64];
    struct sockaddr_storage name;
    struct addr a;
    socklen_t length = sizeof name;
    start(&alice, (const char *[]){"up", "--public", "--name", "alice", "--listen", "127.0.0.1:0",
                                   "--control", control, "--echo", NULL});
    address_of(&alice, at);
    assert_int_equal(addr_parse(&a, at), 0);
    address_to_socket(&a, &to_alice);
    assert_int_equal(getsockname(toward_bob, (struct sockaddr *)&name, &length), 0);
    a = address_from_socket((const struct sockaddr *)&name);
    start(&bob, (const char *[]){"up", "--listen", "127.0.0.1:0", "--bootstrap",
                                 addr_format(&a, here), NULL});
    fcntl(alice.out, F_SETFL, O_NONBLOCK);
    fcntl(bob.out, F_SETFL, O_NONBLOCK);
}

/* Waits for the end of the caller while the daemon's lines are taken. */
static int caller_ends(void)
{
    int status = 0;
    while (waitpid(caller.pid, &status, WNOHANG) == 0) {
        struct pollfd wait[] = {{.fd = alice.out, .events = POLLIN},
                                {.fd = caller.out, .events = POLLIN}};
        (void)poll(wait, 2, 100);
        take_lines(&alice);
        take_lines(&bob);
        take_lines(&caller);
    }
    close(caller.out);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int call(const char *const *arguments)
{
    start(&caller, arguments);
    fcntl(caller.out, F_SETFL, O_NONBLOCK);
    return caller_ends();
}

/* A dial of somebody new, by name, and one line asked. */
static void assert_it_serves(void)
{
    char at[ADDR_TEXT];
    struct addr a = address_from_socket((const struct sockaddr *)&to_alice);
    assert_int_equal(
        call((const char *[]){"dial", "alice", "--listen", "127.0.0.1:0", "--bootstrap",
                              addr_format(&a, at), "--send", "still", "--timeout", "50", NULL}),
        0);
    assert_int_equal(call((const char *[]){"status", "--control", control, NULL}), 0);
}

static void a_daemon_under_garbage_serves_and_does_not_grow(void **state)
{
    const char *text = getenv("MIST_GARBAGE_S");
    int64_t duration = (text ? atol(text) : 20) * INT64_C(1000), start = now_ms(), spent;
    long early = 0;
    (void)state;
    start_all();
    while ((spent = now_ms() - start) < duration) {
        struct pollfd wait = {.fd = toward_alice, .events = POLLIN};
        (void)poll(&wait, 1, 1);
        hand_on();
        for (int i = 0; i < BURST && kept_count > 0; i++)
            chance(3) ? throw_bent() : throw_random();
        trouble_client(&clients[chance(CLIENTS)]);
        take_lines(&alice);
        take_lines(&bob);
        if (early == 0 && spent > (duration / 10 > WARM_MS ? duration / 10 : WARM_MS))
            early = memory_kb();
        assert_int_equal(waitpid(alice.pid, NULL, WNOHANG), 0);
    }
    long late = memory_kb();
    for (int i = 0; i < CLIENTS; i++)
        if (clients[i] >= 0)
            close(clients[i]);
    printf("%llu datagrams, %llu lines; memory once warm %ld kB, at the end %ld kB\n",
           (unsigned long long)thrown, (unsigned long long)lines, early, late);
    assert_true(kept_count > 0);
    assert_it_serves();
    assert_true(early > 0);
    assert_true((double)late <= (double)early * (1 + GROWTH));
    fcntl(alice.out, F_SETFL, 0);
    assert_int_equal(stop(&alice), 0);
}

/* ---- before and after ------------------------------------------------------ */

static int prepare(void **state)
{
    (void)state;
    snprintf(control, sizeof control, "/tmp/mist-garbage-%d", (int)getpid());
    /* AddressSanitizer keeps 256 MB of what the daemon frees, which looks like growth. */
    setenv("ASAN_OPTIONS", "quarantine_size_mb=4", 0);
    toward_alice = open_udp();
    toward_bob = open_udp();
    for (int i = 0; i < STRANGERS; i++)
        strangers[i] = open_udp();
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = -1;
    return sodium_init() < 0;
}

static int end_all(void **state)
{
    (void)state;
    struct process *all[] = {&alice, &bob, &caller};
    for (size_t i = 0; i < 3; i++)
        if (all[i]->pid > 0 && waitpid(all[i]->pid, NULL, WNOHANG) == 0) {
            kill(all[i]->pid, SIGKILL);
            waitpid(all[i]->pid, NULL, 0);
        }
    unlink(control);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_daemon_under_garbage_serves_and_does_not_grow, prepare,
                                        end_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
