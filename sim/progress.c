/* progress.c: see progress.h. */
#include "sim/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "sim/text.h"
#include "stack/check.h"

#define TERMINAL_EVERY_S 0.2
#define PLAIN_EVERY_S    10.0
#define SLOTS            1024 /* most workers */

struct slot {
    int busy;
    struct world_progress now;
};

struct progress {
    int quiet, terminal;
    uint32_t runs, finished;
    double began, printed;
    double finished_s;            /* simulated by the finished runs */
    uint64_t events, events_then; /* since the beginning; at the last line */
    struct slot slots[SLOTS];
};

double progress_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A dumb terminal cannot wipe a line: it gets plain ones. */
static int renews_lines(void)
{
    const char *terminal = getenv("TERM");
    return isatty(STDERR_FILENO) && !(terminal && strcmp(terminal, "dumb") == 0);
}

struct progress *progress_open(uint32_t runs, int quiet)
{
    struct progress *p = calloc(1, sizeof *p);
    CHECK(p);
    p->quiet = quiet;
    p->terminal = renews_lines();
    p->runs = runs;
    p->began = p->printed = progress_clock();
    return p;
}

static void clock_time(char text[TEXT_NUMBER], double seconds)
{
    uint64_t s = seconds > 0 ? (uint64_t)seconds : 0;
    if (s >= 3600)
        snprintf(text, TEXT_NUMBER, "%u:%02u:%02u", (unsigned)(s / 3600 % 1000000),
                 (unsigned)(s / 60 % 60), (unsigned)(s % 60));
    else
        snprintf(text, TEXT_NUMBER, "%u:%02u", (unsigned)(s / 60), (unsigned)(s % 60));
}

/* How the dials of the running runs ended so far. */
static int outcomes(char *line, int size, const struct world_progress *sum)
{
    char connected[TEXT_NUMBER], direct[TEXT_NUMBER];
    double dials = (double)(sum->direct + sum->relayed + sum->failed);
    if (dials == 0)
        return 0;
    text_percent(connected, (double)(sum->direct + sum->relayed) / dials);
    text_percent(direct, (double)sum->direct / dials);
    return snprintf(line, (size_t)size, "  connected %s  direct %s", connected, direct);
}

void progress_line(char line[PROGRESS_LINE], const struct progress_state *s)
{
    char now[TEXT_NUMBER], duration[TEXT_NUMBER], rate[TEXT_NUMBER], eta[TEXT_NUMBER],
        ratio[TEXT_NUMBER];
    char joined[TEXT_NUMBER], hosts[TEXT_NUMBER];
    double speed = s->wall_s > 0 ? s->simulated_s / s->wall_s : 0;
    int n = 0;
    if (s->runs > 1)
        n = snprintf(line, PROGRESS_LINE, "[%u/%u] ", s->finished, s->runs);
    clock_time(now, (double)s->sum.now / 1e9);
    clock_time(duration, (double)s->sum.duration / 1e9);
    clock_time(eta, speed > 0 ? s->remaining_s / speed + 0.5 : 0);
    n += snprintf(line + n, (size_t)(PROGRESS_LINE - n), "%s of %s  %s events/s  %sx real time",
                  now, duration, text_scaled(rate, s->events_per_s), text_scaled(ratio, speed));
    if (speed > 0)
        n += snprintf(line + n, (size_t)(PROGRESS_LINE - n), "  ETA %s", eta);
    n += snprintf(line + n, (size_t)(PROGRESS_LINE - n), "  joined %s/%s",
                  text_count(joined, s->sum.joined), text_count(hosts, s->sum.hosts));
    outcomes(line + n, PROGRESS_LINE - n, &s->sum);
}

/* Sums up the running runs. */
static void gather(const struct progress *p, struct progress_state *s)
{
    double duration = 0;
    for (int i = 0; i < SLOTS; i++) {
        const struct world_progress *w = &p->slots[i].now;
        if (!p->slots[i].busy)
            continue;
        s->running++;
        s->simulated_s += (double)w->now / 1e9;
        duration += (double)w->duration / 1e9;
        s->sum.events += w->events;
        s->sum.joined += w->joined;
        s->sum.hosts += w->hosts;
        s->sum.direct += w->direct;
        s->sum.relayed += w->relayed;
        s->sum.failed += w->failed;
    }
    if (s->running == 0)
        return;
    double mean = duration / s->running;
    s->sum.now = (mist_time)(s->simulated_s / s->running * 1e9);
    s->sum.duration = (mist_time)(mean * 1e9);
    s->remaining_s = mean * (p->runs - p->finished) - s->simulated_s;
    s->simulated_s += p->finished_s;
}

static int columns(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || size.ws_col < 20)
        return 80;
    return size.ws_col;
}

static void wipe(const struct progress *p)
{
    if (p->terminal && !p->quiet)
        fputs("\r\033[K", stderr);
}

static void print_line(struct progress *p)
{
    char line[PROGRESS_LINE];
    double now = progress_clock();
    struct progress_state state = {.finished = p->finished, .runs = p->runs};
    state.wall_s = now - p->began;
    if (now > p->printed)
        state.events_per_s = (double)(p->events - p->events_then) / (now - p->printed);
    p->printed = now;
    p->events_then = p->events;
    gather(p, &state);
    if (state.running == 0)
        return;
    progress_line(line, &state);
    wipe(p);
    if (p->terminal)
        fprintf(stderr, "%.*s", columns() - 1, line);
    else
        fprintf(stderr, "%s\n", line);
    fflush(stderr);
}

void progress_update(struct progress *p, uint32_t slot, const struct world_progress *now)
{
    CHECK(slot < SLOTS);
    struct slot *s = &p->slots[slot];
    p->events += now->events - (s->busy ? s->now.events : 0);
    s->busy = 1;
    s->now = *now;
    double every = p->terminal ? TERMINAL_EVERY_S : PLAIN_EVERY_S;
    if (!p->quiet && progress_clock() - p->printed >= every)
        print_line(p);
}

void progress_skip(struct progress *p)
{
    CHECK(p->runs > 0);
    p->runs--;
}

void progress_say(struct progress *p, const char *line)
{
    wipe(p);
    fprintf(stderr, "%s\n", line);
    fflush(stderr);
}

void progress_finished(struct progress *p, uint32_t slot, const char *line)
{
    CHECK(slot < SLOTS);
    struct slot *s = &p->slots[slot];
    if (s->busy)
        p->finished_s += (double)s->now.now / 1e9;
    s->busy = 0;
    p->finished++;
    if (line && !p->quiet)
        progress_say(p, line);
}

void progress_close(struct progress *p)
{
    wipe(p);
    free(p);
}
