/* udpload.c: how much, and how fast, UDP datagrams go from here to there.  Used by
 * bench_proxy.sh, whose paths are all measured by this one program.
 *
 *     udpload echo PORT                       answers what `latency` and `throughput` ask
 *     udpload latency ADDRESS PORT COUNT      round trips, one after another
 *     udpload throughput ADDRESS PORT SECONDS as much as comes through without standing still
 *
 * throughput keeps WINDOW datagrams under way: each ACK_EVERY-th is acknowledged with how
 * many have come, and what is not acknowledged in PATIENCE_MS is taken for lost. */
#define _GNU_SOURCE /* sendmmsg(2), recvmmsg(2) */
#include <arpa/inet.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SIZE        1100 /* bytes: fits the paths of all that are compared */
#define WINDOW      256
#define BATCH       32
#define ACK_EVERY   16
#define PATIENCE_MS 50
#define MOST_COUNT  1000000

enum { ASK_ECHO = 1, ASK_COUNT = 2 };

/* What each datagram begins with. */
struct head {
    uint32_t ask, run; /* another run: the count begins anew */
    uint64_t number;   /* of `throughput`'s acknowledgement: how many have come */
};

struct batch {
    struct mmsghdr messages[BATCH];
    struct iovec vectors[BATCH];
    struct sockaddr_in from[BATCH];
    char bytes[BATCH][2048];
};

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static struct sockaddr_in address(const char *text, const char *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    if (inet_pton(AF_INET, text, &a.sin_addr) != 1)
        die(text);
    return a;
}

static int open_socket(void)
{
    int s = socket(AF_INET, SOCK_DGRAM, 0), room = 4 << 20;
    if (s < 0)
        die("socket");
    setsockopt(s, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    return s;
}

static void prepare(struct batch *b, size_t size)
{
    for (int i = 0; i < BATCH; i++) {
        b->vectors[i] = (struct iovec){b->bytes[i], size};
        b->messages[i].msg_hdr = (struct msghdr){.msg_iov = &b->vectors[i],
                                                 .msg_iovlen = 1,
                                                 .msg_name = &b->from[i],
                                                 .msg_namelen = sizeof b->from[i]};
    }
}

/* ---- there --------------------------------------------------------------- */

static void answer(int s, const struct batch *b, int i, uint64_t *came, uint32_t *run)
{
    struct head head;
    size_t length = b->messages[i].msg_len;
    const struct sockaddr *to = (const struct sockaddr *)&b->from[i];
    memcpy(&head, b->bytes[i], sizeof head);
    if (length < sizeof head)
        return;
    if (head.ask == ASK_ECHO) {
        sendto(s, b->bytes[i], length, 0, to, sizeof b->from[i]);
        return;
    }
    *came = head.run == *run ? *came + 1 : 1;
    *run = head.run;
    head.number = *came;
    if (*came % ACK_EVERY == 0)
        sendto(s, &head, sizeof head, 0, to, sizeof b->from[i]);
}

static _Noreturn void run_echo(const char *port)
{
    static struct batch b;
    struct sockaddr_in at = address("0.0.0.0", port);
    int s = open_socket();
    uint64_t came = 0;
    uint32_t run = 0;
    if (bind(s, (const struct sockaddr *)&at, sizeof at) != 0)
        die("bind");
    for (;;) {
        prepare(&b, sizeof b.bytes[0]);
        int n = recvmmsg(s, b.messages, BATCH, MSG_WAITFORONE, NULL);
        for (int i = 0; i < n; i++)
            answer(s, &b, i, &came, &run);
    }
}

/* ---- here ---------------------------------------------------------------- */

static int open_towards(const char *host, const char *port)
{
    struct sockaddr_in to = address(host, port);
    int s = open_socket();
    if (connect(s, (const struct sockaddr *)&to, sizeof to) != 0)
        die("connect");
    return s;
}

/* Waits for an answer for so long.  Returns whether there is one. */
static int hear(int s, int timeout_ms, struct head *head)
{
    struct pollfd wait = {.fd = s, .events = POLLIN};
    return poll(&wait, 1, timeout_ms) == 1 && recv(s, head, sizeof *head, MSG_DONTWAIT) > 0;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* One echo that comes shows that the path stands; it may have to be found first. */
static void await_path(int s)
{
    char bytes[SIZE] = {0};
    struct head head = {.ask = ASK_ECHO};
    memcpy(bytes, &head, sizeof head);
    for (int tries = 0; tries < 300; tries++) {
        if (send(s, bytes, sizeof bytes, 0) > 0 && hear(s, 200, &head))
            return;
        usleep(1000);
    }
    fprintf(stderr, "udpload: nothing comes back\n");
    exit(1);
}

static int run_latency(int s, long count)
{
    char bytes[SIZE] = {0};
    struct head head = {.ask = ASK_ECHO};
    int64_t *took = calloc((size_t)count, sizeof *took);
    long heard = 0;
    if (!took)
        die("latency");
    for (long i = 0; i < count; i++) {
        struct head back;
        head.number = (uint64_t)i + 1;
        memcpy(bytes, &head, sizeof head);
        int64_t start = now_ns();
        if (send(s, bytes, sizeof bytes, 0) < 0)
            continue;
        while (hear(s, 200, &back))
            if (back.number == head.number) {
                took[heard++] = now_ns() - start;
                break;
            }
    }
    qsort(took, (size_t)heard, sizeof *took, by_size);
    if (heard)
        printf("%" PRId64 " %" PRId64 "\n", took[heard / 2], took[heard * 99 / 100]);
    free(took);
    return heard ? 0 : 1;
}

static uint64_t send_some(int s, struct batch *b, uint32_t run, uint64_t most)
{
    struct head head = {.ask = ASK_COUNT, .run = run};
    int n = most < BATCH ? (int)most : BATCH;
    prepare(b, SIZE);
    for (int i = 0; i < n; i++) {
        memcpy(b->bytes[i], &head, sizeof head);
        b->messages[i].msg_hdr.msg_name = NULL;
        b->messages[i].msg_hdr.msg_namelen = 0;
    }
    n = sendmmsg(s, b->messages, (unsigned)n, 0);
    return n < 0 ? 0 : (uint64_t)n;
}

static int run_throughput(int s, long seconds)
{
    static struct batch b;
    uint32_t run = (uint32_t)getpid();
    uint64_t sent = 0, came = 0, under_way = 0;
    int64_t start = now_ns(), end = start + seconds * 1000000000;
    while (now_ns() < end) {
        struct head head;
        if (under_way < WINDOW) {
            uint64_t n = send_some(s, &b, run, WINDOW - under_way);
            sent += n;
            under_way += n;
        }
        int heard = hear(s, under_way < WINDOW ? 0 : PATIENCE_MS, &head);
        if (heard && head.run == run && head.number > came) {
            under_way -= head.number - came < under_way ? head.number - came : under_way;
            came = head.number;
        } else if (!heard && under_way >= WINDOW)
            under_way = 0; /* lost */
    }
    int64_t took = now_ns() - start;
    printf("%.1f %.4f\n", (double)came * SIZE * 8e3 / (double)took,
           sent ? 1 - (double)came / (double)sent : 1);
    return 0;
}

int main(int argc, char **argv)
{
    long number = argc == 5 ? atol(argv[4]) : 0;
    if (argc == 3 && strcmp(argv[1], "echo") == 0)
        run_echo(argv[2]);
    if (argc != 5 || number < 1 || number > MOST_COUNT) {
        fprintf(stderr, "usage: udpload echo PORT | latency|throughput ADDRESS PORT NUMBER\n");
        return 2;
    }
    int s = open_towards(argv[2], argv[3]);
    await_path(s);
    return strcmp(argv[1], "latency") == 0 ? run_latency(s, number) : run_throughput(s, number);
}
