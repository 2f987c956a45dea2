/* station.c: see station.h. */
#define _GNU_SOURCE /* ppoll, setgroups */
#include "sim/natbox/station.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sim/capture.h"
#include "sim/exit.h"
#include "sim/natbox/control.h"
#include "sim/natbox/ether.h"
#include "sim/natbox/line.h"
#include "sim/text.h"
#include "stack/check.h"

struct natbox {
    struct options *options;
    struct box *box;
    struct ether *inside[OPTIONS_PORTS], *outside;
    struct line *up, *down;
    struct capture *capture; /* interfaces by enum nat_side */
    struct control control;
    int64_t utc; /* what to add to the monotonic clock */
};

static volatile sig_atomic_t stop;

static void on_signal(int signal)
{
    (void)signal;
    stop = 1;
}

static int64_t clock_of(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return SEC(t.tv_sec) + t.tv_nsec;
}

/* ---- what it tells ---- */

static const char *protocol_word(uint8_t protocol)
{
    return protocol == NAT_UDP                             ? "udp"
           : protocol == NAT_TCP                           ? "tcp"
           : protocol == NAT_ICMP || protocol == NAT_ICMP6 ? "icmp"
                                                           : "other";
}

static void print_decision(const struct natbox *n, const struct box_decision *d)
{
    char from[ADDR_TEXT], to[ADDR_TEXT], after[ADDR_TEXT], to_after[ADDR_TEXT];
    const char *side = d->from == NAT_INSIDE ? "inside" : "outside";
    double at_s = (double)(d->at + n->utc) / 1e9;
    addr_format(&d->source, from);
    addr_format(&d->to, to);
    addr_format(&d->source_after, after);
    addr_format(&d->to_after, to_after);
    if (n->options->json)
        printf("{\"at_s\": %.6f, \"from\": \"%s\", \"box\": %u, \"protocol\": \"%s\", "
               "\"bytes\": %u, \"src\": \"%s\", \"dst\": \"%s\", \"verdict\": \"%s\", "
               "\"src_after\": \"%s\", \"dst_after\": \"%s\"}\n",
               at_s, side, d->level, protocol_word(d->protocol), d->length, from, to, d->verdict,
               after, to_after);
    else
        printf("%.6f %-7s %-4s %s > %s  %s  %s > %s\n", at_s, side, protocol_word(d->protocol),
               from, to, d->verdict, after, to_after);
}

static void on_decision(void *data, const struct box_decision *d)
{
    struct natbox *n = data;
    char comment[2 * ADDR_TEXT + 80], from[ADDR_TEXT], to[ADDR_TEXT];
    if (n->options->log)
        print_decision(n, d);
    if (!n->capture || d->length == 0)
        return;
    bool passed = d->source_after.family != ADDR_NONE;
    (void)snprintf(comment, sizeof comment, "box %u: %s%s%s%s%s", d->level, d->verdict,
                   passed ? ": " : "", passed ? addr_format(&d->source_after, from) : "",
                   passed ? " > " : "", passed ? addr_format(&d->to_after, to) : "");
    capture_packet(n->capture, d->at + n->utc, d->from, d->bytes, d->length, comment);
}

static void print_counters(const struct natbox *n)
{
    struct line_counts up = line_counts(n->up), down = line_counts(n->down);
    for (uint32_t i = 0; i < box_count(n->box); i++) {
        struct nat_counters c = nat_counters(box_nat(n->box, i), clock_of(CLOCK_MONOTONIC));
        fprintf(stderr, "natbox: box %u: %u mappings alive, %" PRIu64 " made, %" PRIu64 " hairpins",
                i, c.mappings_alive, c.mappings_made, c.hairpins);
        for (int v = NAT_DROP_FIRST; v < NAT_VERDICTS; v++)
            if (c.dropped[v])
                fprintf(stderr, ", %" PRIu64 " %s", c.dropped[v],
                        nat_verdict_word((enum nat_verdict)v));
        fputs("\n", stderr);
    }
    fprintf(stderr,
            "natbox: up %" PRIu64 " packets, %" PRIu64 " lost, %" PRIu64
            " overflowed; down %" PRIu64 ", %" PRIu64 ", %" PRIu64 "\n",
            up.packets, up.lost, up.overflowed, down.packets, down.lost, down.overflowed);
}

/* ---- what moves ---- */

static void leave_inside(struct natbox *n, const uint8_t *bytes, uint32_t length)
{
    struct addr to = bytes[0] >> 4 == 6 ? addr_v6(bytes + 24, 0) : (struct addr){.family = ADDR_V4};
    if (to.family == ADDR_V4)
        memcpy(to.ip, bytes + 16, 4);
    for (uint32_t i = 0; i < n->options->inside_count; i++)
        if (ether_is_near(n->inside[i], &to)) {
            ether_send(n->inside[i], bytes, length);
            return;
        }
}

static void on_send(void *data, enum nat_side side, const uint8_t *bytes, uint32_t length)
{
    struct natbox *n = data;
    if (side == NAT_OUTSIDE)
        line_put(n->up, clock_of(CLOCK_MONOTONIC), bytes, length);
    else
        leave_inside(n, bytes, length);
}

static void from_inside(void *data, uint8_t *bytes, uint32_t length)
{
    struct natbox *n = data;
    box_packet(n->box, clock_of(CLOCK_MONOTONIC), NAT_INSIDE, bytes, length);
}

static void from_outside(void *data, uint8_t *bytes, uint32_t length)
{
    struct natbox *n = data;
    line_put(n->down, clock_of(CLOCK_MONOTONIC), bytes, length);
}

static void deliver(struct natbox *n)
{
    uint32_t length;
    uint8_t *bytes;
    while ((bytes = line_take(n->up, clock_of(CLOCK_MONOTONIC), &length))) {
        ether_send(n->outside, bytes, length);
        free(bytes);
    }
    while ((bytes = line_take(n->down, clock_of(CLOCK_MONOTONIC), &length))) {
        box_packet(n->box, clock_of(CLOCK_MONOTONIC), NAT_OUTSIDE, bytes, length);
        free(bytes);
    }
    if (box_deadline(n->box) <= clock_of(CLOCK_MONOTONIC))
        box_tick(n->box, clock_of(CLOCK_MONOTONIC));
}

/* Sleeps until a packet or a command comes, something is due, or a signal. */
static void wait_for(struct natbox *n, struct pollfd *fds, nfds_t count, const sigset_t *open)
{
    mist_time due = box_deadline(n->box), now = clock_of(CLOCK_MONOTONIC);
    due = line_deadline(n->up) < due ? line_deadline(n->up) : due;
    due = line_deadline(n->down) < due ? line_deadline(n->down) : due;
    mist_time rest = due > now ? due - now : 0;
    struct timespec timeout = {.tv_sec = (time_t)(rest / SEC(1)), .tv_nsec = (long)(rest % SEC(1))};
    if (ppoll(fds, count, due == MIST_NEVER ? NULL : &timeout, open) < 0)
        for (nfds_t i = 0; i < count; i++)
            fds[i].revents = 0;
}

static void run(struct natbox *n, const sigset_t *open)
{
    struct pollfd fds[OPTIONS_PORTS + 2];
    uint32_t ports = n->options->inside_count;
    for (uint32_t i = 0; i < ports; i++)
        fds[i] = (struct pollfd){.fd = ether_fd(n->inside[i]), .events = POLLIN};
    fds[ports] = (struct pollfd){.fd = ether_fd(n->outside), .events = POLLIN};
    fds[ports + 1] = (struct pollfd){.fd = n->options->commands ? 0 : -1, .events = POLLIN};
    while (!stop) {
        wait_for(n, fds, ports + 2, open);
        deliver(n);
        for (uint32_t i = 0; i < ports; i++)
            if (fds[i].revents)
                ether_receive(n->inside[i], from_inside, n);
        if (fds[ports].revents)
            ether_receive(n->outside, from_outside, n);
        if (fds[ports + 1].revents && control_read(&n->control, clock_of(CLOCK_MONOTONIC)) != 0)
            fds[ports + 1].fd = -1;
        deliver(n);
        if (n->options->log)
            (void)fflush(stdout);
    }
}

/* ---- opening ---- */

static int open_ports(struct natbox *n)
{
    char error[300];
    bool lacking = false;
    struct options *o = n->options;
    for (uint32_t i = 0; i <= o->inside_count; i++) {
        const struct options_port *port = i < o->inside_count ? &o->inside[i] : &o->outside;
        struct ether *e =
            ether_open(port->interface, port->own, port->count, &lacking, error, sizeof error);
        if (!e) {
            fprintf(stderr, "natbox: %s\n", error);
            return lacking ? EXIT_LACKING : EXIT_INPUT;
        }
        *(i < o->inside_count ? &n->inside[i] : &n->outside) = e;
    }
    for (uint32_t i = 0; i < o->external.count; i++)
        (void)ether_also(n->outside, &o->external.addresses[i]);
    for (uint32_t i = 0; i < o->via_count; i++)
        ether_via(n->outside, &o->via[i]);
    return 0;
}

static int open_box(struct natbox *n)
{
    char error[300];
    struct box_calls calls = {n, on_send, n->options->log || n->options->pcap ? on_decision : NULL};
    n->box =
        box_open(&n->options->nat, &n->options->external, &n->options->inside[0].own[0].address,
                 n->options->seed, &calls, error, sizeof error);
    if (!n->box) {
        fprintf(stderr, "natbox: %s\n", error);
        return EXIT_INPUT;
    }
    n->control = (struct control){.box = n->box};
    n->up = line_open(&n->options->up, n->options->seed, 0);
    n->down = line_open(&n->options->down, n->options->seed, 1);
    n->capture =
        n->options->pcap ? capture_open(n->options->pcap, n->options->nat.name, "natbox") : NULL;
    if (n->capture) {
        CHECK(capture_interface(n->capture, "inside") == NAT_INSIDE);
        CHECK(capture_interface(n->capture, "outside") == NAT_OUTSIDE);
    }
    if (n->options->pcap && !n->capture) {
        fprintf(stderr, "natbox: %s: %s\n", n->options->pcap, strerror(errno));
        return EXIT_STORAGE;
    }
    return 0;
}

/* The sockets are open: nothing else is needed of root. */
static int drop_privileges(void)
{
    const struct passwd *nobody = getpwnam("nobody");
    if (geteuid() != 0)
        return 0;
    if (nobody && setgroups(0, NULL) == 0 && setgid(nobody->pw_gid) == 0 &&
        setuid(nobody->pw_uid) == 0)
        return 0;
    /* In a user namespace there may be no nobody: nothing of the machine's is held there. */
    return errno == EINVAL || errno == EPERM ? 0 : -1;
}

static void close_all(struct natbox *n)
{
    for (uint32_t i = 0; i < n->options->inside_count; i++)
        if (n->inside[i])
            ether_close(n->inside[i]);
    if (n->outside)
        ether_close(n->outside);
    if (n->up)
        line_close(n->up);
    if (n->down)
        line_close(n->down);
    if (n->box)
        box_close(n->box);
}

static int finish(struct natbox *n)
{
    if (n->capture && capture_close(n->capture) != 0) {
        fprintf(stderr, "natbox: %s: %s (what was written before is whole)\n", n->options->pcap,
                strerror(errno));
        return EXIT_STORAGE;
    }
    return 0;
}

int station_run(struct options *options)
{
    static struct natbox n;
    sigset_t blocked, open;
    struct sigaction action = {.sa_handler = on_signal};
    n.options = options;
    (void)sigemptyset(&blocked);
    (void)sigaddset(&blocked, SIGINT);
    (void)sigaddset(&blocked, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &blocked, &open);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    n.utc = clock_of(CLOCK_REALTIME) - clock_of(CLOCK_MONOTONIC);
    int code = open_ports(&n);
    if (!code)
        code = open_box(&n);
    if (!code && drop_privileges() != 0) {
        perror("natbox: cannot become nobody");
        code = EXIT_LACKING;
    }
    if (!code) {
        fprintf(stderr, "natbox: ready: %s\n", options->nat.name);
        run(&n, &open);
        print_counters(&n);
        code = finish(&n);
    }
    close_all(&n);
    return code;
}
