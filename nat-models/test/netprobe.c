/* netprobe.c: the probe of sim/probe.h through a real NAT: plain UDP sockets in
 * network namespaces.
 *
 * usage: netprobe HOST=ADDRESS... @ SERVER=ADDRESS,ADDRESS [longest_s=N] [flows=N] [pause_ms=N]
 *
 * HOST and SERVER name network namespaces (as `ip netns` does), ADDRESS is the
 * address to use there.  One process holds all the sockets: a socket stays where
 * it was opened.  Prints one JSON object; exit 77 where a namespace cannot be
 * entered, 2 when it is called wrongly.
 *
 * The kernel's clock runs on while the machine does something else.  "late_ms" tells
 * for how long the probe was kept from its work, at the worst: the verdicts hold as
 * long as that is far below the half second by which it tells timers apart. */
#define _GNU_SOURCE /* setns */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "sim/exit.h"
#include "sim/probe_report.h"
#include "stack/check.h"

#define HOSTS       8
#define SOCKETS     4096
#define DELAYED     1024 /* replies that wait */
#define SERVER_PORT 3478

_Noreturn void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: broken promise: %s\n", file, line, condition);
    abort();
}

struct place { /* a namespace and an address in it */
    int space;
    uint32_t ip;
};

struct client {
    int fd;
    struct addr local;
};

struct delayed {
    mist_time at;
    struct addr to;
    struct probe_reply reply;
};

struct world {
    struct place hosts[HOSTS];
    int server[2][2];
    int32_t client_count;
    struct client clients[SOCKETS];
    uint32_t delayed_count;
    struct delayed delayed[DELAYED];
    mist_time waited; /* when it last had nothing to do but wait */
    mist_time late;   /* the longest that it took over something else */
};

/* ---- addresses and sockets ---- */

static mist_time read_clock(void)
{
    struct timespec t;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
    return SEC(t.tv_sec) + t.tv_nsec;
}

static struct sockaddr_in to_system(const struct addr *a)
{
    struct sockaddr_in s = {.sin_family = AF_INET};
    s.sin_addr.s_addr = htonl(addr_ip4(a));
    s.sin_port = htons(a->port);
    return s;
}

static struct addr from_system(const struct sockaddr_in *s)
{
    return addr_v4(ntohl(s->sin_addr.s_addr), ntohs(s->sin_port));
}

/* -1: it cannot be had. */
static int open_udp(int space, const struct addr *local)
{
    struct sockaddr_in s = to_system(local);
    if (setns(space, CLONE_NEWNET) < 0)
        return -1;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (fd >= 0 && bind(fd, (const struct sockaddr *)&s, sizeof s) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static void send_udp(int fd, const struct addr *to, const uint8_t bytes[PROBE_BYTES])
{
    struct sockaddr_in s = to_system(to);
    /* What cannot be sent is lost like anything else that nobody answers. */
    (void)!sendto(fd, bytes, PROBE_BYTES, 0, (const struct sockaddr *)&s, sizeof s);
}

/* Returns whether there was a datagram. */
static bool receive_udp(int fd, struct probe_arrival *a)
{
    struct sockaddr_in s;
    socklen_t size = sizeof s;
    ssize_t length =
        recvfrom(fd, a->bytes, sizeof a->bytes, MSG_TRUNC, (struct sockaddr *)&s, &size);
    if (length < 0)
        return false;
    a->length = (uint32_t)length;
    a->from = from_system(&s);
    return true;
}

/* ---- lateness ---- */

static void note_late(struct world *w, mist_time since)
{
    mist_time late = read_clock() - since;
    if (late > w->late)
        w->late = late;
}

/* Between two waits there is work of some milliseconds. */
static void begin_wait(struct world *w)
{
    note_late(w, w->waited);
}

static void end_wait(struct world *w, mist_time until)
{
    note_late(w, until);
    w->waited = read_clock();
}

/* ---- the server ---- */

static void reply(const struct world *w, const struct addr *to, const struct probe_reply *reply)
{
    send_udp(w->server[reply->from.address][reply->from.port], to, reply->bytes);
}

static void serve(struct world *w, int fd)
{
    struct probe_arrival a;
    struct probe_reply replies[PROBE_REPLIES];
    while (receive_udp(fd, &a)) {
        uint32_t count = probe_serve(a.bytes, a.length, &a.from, replies);
        for (uint32_t i = 0; i < count; i++) {
            if (replies[i].delay == 0)
                reply(w, &a.from, &replies[i]);
            else if (w->delayed_count < DELAYED)
                w->delayed[w->delayed_count++] =
                    (struct delayed){read_clock() + replies[i].delay, a.from, replies[i]};
        }
    }
}

/* Sends what is due.  Returns when the next is, or until. */
static mist_time send_due(struct world *w, mist_time until)
{
    mist_time now = read_clock(), next = until;
    for (uint32_t i = 0; i < w->delayed_count;) {
        struct delayed *d = &w->delayed[i];
        if (d->at <= now) {
            note_late(w, d->at);
            reply(w, &d->to, &d->reply);
            *d = w->delayed[--w->delayed_count];
            continue;
        }
        next = d->at < next ? d->at : next;
        i++;
    }
    return next;
}

/* Serves until then, or until there is something to read at fd (-1: none). */
static void run_until(struct world *w, mist_time until, int fd)
{
    struct pollfd polled[5];
    for (int i = 0; i < 4; i++)
        polled[i] = (struct pollfd){.fd = w->server[i / 2][i % 2], .events = POLLIN};
    polled[4] = (struct pollfd){.fd = fd, .events = POLLIN};
    for (;;) {
        mist_time next = send_due(w, until), now = read_clock();
        int patience_ms = next > now ? (int)((next - now) / MS(1)) + 1 : 0;
        (void)poll(polled, 5, patience_ms);
        for (int i = 0; i < 4; i++)
            if (polled[i].revents)
                serve(w, polled[i].fd);
        if (polled[4].revents || read_clock() >= until)
            return;
    }
}

/* ---- what the probe calls ---- */

static int32_t open_client(void *world, uint32_t host, uint16_t port)
{
    struct world *w = world;
    struct client client = {.local = addr_v4(w->hosts[host].ip, port)};
    if (w->client_count == SOCKETS)
        return PROBE_NOTHING;
    client.fd = open_udp(w->hosts[host].space, &client.local);
    if (client.fd < 0)
        return PROBE_NOTHING;
    w->clients[w->client_count] = client;
    return w->client_count++;
}

static void close_client(void *world, int32_t socket)
{
    close(((struct world *)world)->clients[socket].fd);
}

static struct addr local_of(void *world, int32_t socket)
{
    return ((struct world *)world)->clients[socket].local;
}

static void send_from(void *world, int32_t socket, const struct addr *to,
                      const uint8_t bytes[PROBE_BYTES])
{
    send_udp(((struct world *)world)->clients[socket].fd, to, bytes);
}

static bool receive_at(void *world, int32_t socket, mist_time patience, struct probe_arrival *a)
{
    struct world *w = world;
    int fd = w->clients[socket].fd;
    mist_time until = read_clock() + patience;
    begin_wait(w);
    for (;;) {
        bool came = receive_udp(fd, a);
        if (came || read_clock() >= until) {
            end_wait(w, until);
            return came;
        }
        run_until(w, until, fd);
    }
}

static void wait_for(void *world, mist_time duration)
{
    struct world *w = world;
    mist_time until = read_clock() + duration;
    begin_wait(w);
    run_until(w, until, -1);
    end_wait(w, until);
}

/* ---- the line ---- */

_Noreturn static void give_up(int code, const char *what, const char *why)
{
    fprintf(stderr, "netprobe: %s: %s\n", what, why);
    exit(code);
}

/* Reads "NAME=ADDRESS", the address up to its end or a comma. */
static struct place read_place(const char *word)
{
    char path[200];
    struct addr a;
    size_t length = strcspn(word, "=");
    if (word[length] != '=' || length > 100)
        give_up(EXIT_INPUT, word, "expected NAMESPACE=ADDRESS");
    (void)snprintf(path, sizeof path, "/run/netns/%.*s", (int)length, word);
    const char *text = word + length + 1;
    char address[ADDR_TEXT];
    (void)snprintf(address, sizeof address, "%.*s", (int)strcspn(text, ","), text);
    if (addr_parse(&a, address) < 0 || a.family != ADDR_V4)
        give_up(EXIT_INPUT, word, "expected an IPv4 address");
    int space = open(path, O_RDONLY | O_CLOEXEC);
    if (space < 0)
        give_up(EXIT_LACKING, path, strerror(errno));
    return (struct place){space, addr_ip4(&a)};
}

static void open_server(struct world *w, struct probe_net *net, const char *word)
{
    struct place place = read_place(word);
    const char *comma = strchr(word, ',');
    struct addr second;
    if (!comma || addr_parse(&second, comma + 1) < 0)
        give_up(EXIT_INPUT, word, "expected two addresses");
    for (int i = 0; i < 4; i++) {
        uint32_t ip = i / 2 ? addr_ip4(&second) : place.ip;
        struct addr end = addr_v4(ip, (uint16_t)(SERVER_PORT + i % 2));
        net->server[i / 2][i % 2] = end;
        w->server[i / 2][i % 2] = open_udp(place.space, &end);
        if (w->server[i / 2][i % 2] < 0)
            give_up(EXIT_LACKING, word, strerror(errno));
    }
}

static bool read_number(const char *word, const char *key, uint32_t *number)
{
    size_t length = strlen(key);
    if (strncmp(word, key, length) != 0 || word[length] != '=')
        return false;
    *number = (uint32_t)strtoul(word + length + 1, NULL, 10);
    return true;
}

static void read_line(struct world *w, struct probe_net *net, struct probe_effort *effort,
                      char **words)
{
    uint32_t pause_ms = 0;
    for (; *words && strcmp(*words, "@") != 0; words++) {
        if (net->hosts == HOSTS)
            give_up(EXIT_INPUT, *words, "too many hosts");
        w->hosts[net->hosts++] = read_place(*words);
    }
    if (net->hosts == 0 || !*words || !words[1])
        give_up(EXIT_INPUT, "usage", "netprobe HOST=ADDRESS... @ SERVER=ADDRESS,ADDRESS [KEY=N]");
    open_server(w, net, words[1]);
    for (words += 2; *words; words++)
        if (!read_number(*words, "longest_s", &effort->longest_s) &&
            !read_number(*words, "flows", &effort->flows) &&
            !read_number(*words, "pause_ms", &pause_ms))
            give_up(EXIT_INPUT, *words, "expected longest_s=N, flows=N or pause_ms=N");
    effort->pause = MS(pause_ms);
}

int main(int argc, char **argv)
{
    static struct world w;
    struct probe_net net = {.world = &w,
                            .open = open_client,
                            .close = close_client,
                            .local = local_of,
                            .send = send_from,
                            .receive = receive_at,
                            .wait = wait_for};
    struct probe_effort effort = {.patience = MS(300), .longest_s = 5, .flows = 24};
    CHECK(argc > 0);
    read_line(&w, &net, &effort, argv + 1);
    effort.timers_at_once = effort.longest_s < 64 ? effort.longest_s : 64;
    w.waited = read_clock();
    struct probe_report report = probe_run(&net, &effort);
    putchar('{');
    probe_report_json(&report, stdout);
    printf(", \"late_ms\": %ld}\n", (long)(w.late / MS(1)));
    return EXIT_FINE;
}
