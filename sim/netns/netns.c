/* netns.c: see netns.h: the kernel world's time, and its table. */
#define _GNU_SOURCE /* ppoll */
#include "sim/netns/netns.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim/exit.h"
#include "sim/latency.h"
#include "sim/netns/parts.h"
#include "sim/netns/space.h"
#include "sim/record.h"
#include "stack/check.h"

struct engine {
    const struct plan *plan;
    struct engine_calls calls;
    uint64_t seed, events;
    mist_time began; /* by the monotonic clock */
    mist_time *alarms;
    mist_time reached; /* the time of the last run's end, or of what is happening */
    struct pollfd *fds;
};

static mist_time clock_now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return SEC(t.tv_sec) + t.tv_nsec;
}

/* ---- time ---- */

static int fits(const struct plan *plan, char *error, int error_size)
{
    struct layout *l = layout_open(plan, error, error_size);
    if (!l)
        return EXIT_INPUT;
    layout_close(l);
    return EXIT_FINE;
}

/* Time begins with the first run, when all stands. */
static struct engine *open_time(const struct plan *plan, const struct engine_calls *calls,
                                uint64_t seed)
{
    struct engine *e = calloc(1, sizeof *e);
    CHECK(e);
    e->plan = plan;
    e->calls = *calls;
    e->seed = seed;
    e->began = MIST_NEVER;
    e->alarms = malloc(plan->host_count * sizeof *e->alarms);
    e->fds = calloc(plan->host_count, sizeof *e->fds);
    CHECK(e->alarms && e->fds);
    for (uint32_t i = 0; i < plan->host_count; i++)
        e->alarms[i] = MIST_NEVER;
    return e;
}

static void set_alarm(struct engine *e, uint32_t host, mist_time at)
{
    e->alarms[host] = at;
}

static uint32_t next_alarm(const struct engine *e)
{
    uint32_t first = 0;
    for (uint32_t i = 1; i < e->plan->host_count; i++)
        if (e->alarms[i] < e->alarms[first])
            first = i;
    return first;
}

/* What is due by now, at the time that it is. */
static void ring(struct engine *e, mist_time until)
{
    for (;;) {
        uint32_t host = next_alarm(e);
        mist_time now = clock_now() - e->began;
        if (e->alarms[host] > now || e->alarms[host] >= until)
            return;
        e->alarms[host] = MIST_NEVER;
        e->reached = now;
        e->events++;
        e->calls.due(e->calls.world, now, host);
    }
}

static void listen_until(struct engine *e, mist_time at)
{
    struct world *w = e->calls.world;
    struct node *nodes = w->netns->nodes;
    mist_time rest = at - (clock_now() - e->began);
    struct timespec timeout = {.tv_sec = (time_t)(rest / SEC(1)), .tv_nsec = (long)(rest % SEC(1))};
    if (rest < 0)
        timeout = (struct timespec){.tv_sec = 0};
    for (uint32_t i = 0; i < e->plan->host_count; i++)
        e->fds[i] = (struct pollfd){.fd = nodes[i].process.process ? nodes[i].process.out : -1,
                                    .events = POLLIN};
    if (ppoll(e->fds, e->plan->host_count, &timeout, NULL) <= 0)
        return;
    for (uint32_t i = 0; i < e->plan->host_count; i++) {
        if (!e->fds[i].revents)
            continue;
        e->reached = clock_now() - e->began;
        e->events++;
        node_listen(w, i);
    }
}

static void run_time(struct engine *e, mist_time until)
{
    if (e->began == MIST_NEVER)
        e->began = clock_now();
    for (;;) {
        ring(e, until);
        if (clock_now() - e->began >= until)
            break;
        mist_time next = e->alarms[next_alarm(e)];
        listen_until(e, next < until ? next : until);
    }
    e->reached = until;
}

static mist_time time_now(const struct engine *e)
{
    return e->reached;
}

static mist_time ideal_rtt(const struct engine *e, uint32_t a, uint32_t b)
{
    return latency_ideal_rtt(e->plan, e->seed, a, b);
}

static void figures(const struct engine *e, struct engine_figures *f)
{
    const struct world *w = e->calls.world;
    *f = (struct engine_figures){.events = e->events,
                                 .sent = w->netns->counts->taken,
                                 .arrived = w->netns->counts->delivered,
                                 .late = w->netns->counts->late_ns};
}

static void close_time(struct engine *e)
{
    free(e->alarms);
    free(e->fds);
    free(e);
}

const struct engine_type engine_netns = {
    .name = "netns",
    .real = true,
    .fits = fits,
    .open = open_time,
    .alarm = set_alarm,
    .run = run_time,
    .now = time_now,
    .ideal_rtt = ideal_rtt,
    .figures = figures,
    .close = close_time,
};

/* ---- the world ---- */

/* The program `mist` stands beside this one, in a build as installed. */
static int find_mist(char *path, size_t size)
{
    ssize_t length = readlink("/proc/self/exe", path, size - 8);
    if (length <= 0)
        return -1;
    path[length] = '\0';
    char *slash = strrchr(path, '/');
    (void)strcpy(slash ? slash + 1 : path, "mist");
    return access(path, X_OK);
}

static int open_world(struct world *w, char *error, int error_size)
{
    struct netns *n = calloc(1, sizeof *n);
    CHECK(n);
    w->netns = n;
    w->readdressed = calloc(w->plan->box_count + 1u, sizeof *w->readdressed);
    n->nodes = calloc(w->plan->host_count, sizeof *n->nodes);
    n->layout = layout_open(w->plan, error, error_size);
    CHECK(w->readdressed && n->nodes && n->layout); /* it fits */
    if (w->options->facts || w->options->watch) {
        (void)snprintf(error, (size_t)error_size,
                       "engine netns: its nodes and boxes do not tell facts and packets: leave "
                       "--trace and --pcap out, or use --engine native");
        return EXIT_INPUT;
    }
    if (find_mist(n->mist, sizeof n->mist) != 0) {
        (void)snprintf(error, (size_t)error_size,
                       "engine netns: no program %.400s: make installs it beside mistsim", n->mist);
        return EXIT_LACKING;
    }
    char why[500];
    if (build_open(n, w->plan, why, sizeof why) == 0)
        return 0;
    (void)snprintf(error, (size_t)error_size, "engine netns: %.550s", why);
    return EXIT_LACKING;
}

static void close_world(struct world *w)
{
    struct netns *n = w->netns;
    if (!n)
        return;
    for (uint32_t i = 0; i < w->plan->host_count; i++) {
        child_stop(&n->nodes[i].process, SIGKILL);
        free(n->nodes[i].asked);
    }
    build_close(n);
    layout_close(n->layout);
    free(n->nodes);
    free(n);
    free(w->readdressed);
}

const struct world_kind world_kernel = {
    .open = open_world,
    .close = close_world,
    .start = node_start,
    .stop = node_stop,
    .wish = node_wish,
    .count = node_count,
    .strike = box_strike,
    .tally = box_tally,
};

/* ---- before a campaign ---- */

_Noreturn static void try_space(int pipe)
{
    char error[300] = "";
    int space = space_begin(error, sizeof error);
    if (space >= 0 && link_pair("a", space, "b") != 0)
        (void)snprintf(error, sizeof error, "no virtual interfaces (veth) in this kernel");
    ssize_t written = write(pipe, error, strlen(error));
    _exit(written < 0);
}

int netns_check(char *error, int error_size)
{
    int ends[2];
    if (find_mist(error, (size_t)error_size) != 0) {
        (void)snprintf(error, (size_t)error_size,
                       "no program mist beside mistsim: make puts it there");
        return -1;
    }
    *error = '\0';
    if (pipe(ends) != 0)
        return -1;
    pid_t child = fork();
    if (child == 0)
        try_space(ends[1]);
    (void)close(ends[1]);
    ssize_t got = read(ends[0], error, (size_t)error_size - 1);
    (void)close(ends[0]);
    error[got > 0 ? got : 0] = '\0';
    if (child > 0)
        (void)waitpid(child, NULL, 0);
    return got == 0 && child > 0 ? 0 : -1;
}
