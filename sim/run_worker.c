/* run_worker.c: see run_worker.h. */
#include "sim/run_worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "sim/exit.h"
#include "sim/failure.h"
#include "sim/oracle_census.h"
#include "sim/rule.h"
#include "sim/world_capture.h"
#include "sim/world_packets.h"

_Static_assert(sizeof(struct run_worker_message) <= 4096,
               "a message must be written in one piece (PIPE_BUF of Linux)");

static volatile sig_atomic_t stop;

static void on_stop(int signal_number)
{
    (void)signal_number;
    stop = 1;
}

struct report {
    int pipe;
    struct record *record;
};

/* The parent may have gone (then so are we, soon): a failed write changes nothing. */
static void send_message(int pipe, const struct run_worker_message *message)
{
    ssize_t written = write(pipe, message, sizeof *message);
    (void)written;
}

/* There is no point in simulating what cannot be stored. */
static void on_progress(void *data, const struct world_progress *progress)
{
    const struct report *report = data;
    struct run_worker_message message = {.kind = WORKER_PROGRESS, .progress = *progress};
    failure_note_time(progress->now);
    send_message(report->pipe, &message);
    if (record_failed(report->record))
        stop = 1;
}

static uint64_t peak_rss_bytes(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) ? 0 : (uint64_t)usage.ru_maxrss * 1024;
}

static struct record_run describe(const struct run_worker_job *job,
                                  const struct world_result *result, const char *status)
{
    struct record_run run = *job->info;
    run.status = status;
    run.sim_s = (double)result->sim / 1e9;
    run.wall_s = result->wall_s;
    run.events = result->figures.events;
    run.packets = result->figures.sent;
    run.peak_rss_bytes = peak_rss_bytes();
    run.trace_hash = result->figures.trace;
    run.untraced = job->engine->real;
    return run;
}

/* What a rule that shares nothing with the simulator says of the same boxes. */
static void compare_with_rule(const struct run_worker_job *job, struct record *record,
                              const struct world_result *result)
{
    const struct world_progress *p = &result->last;
    uint64_t dials = p->direct + p->relayed + p->failed;
    if (dials == 0)
        return;
    struct rule *rule = rule_open(job->plan);
    double share = rule_share(rule);
    rule_close(rule);
    record_series(record, result->sim, "dial.rule_rate", share);
    double distance = rule_distance(share, dials, p->direct);
    bool under = (double)p->direct < share * (double)dials;
    record_series(record, result->sim, "dial.direct_rate_vs_rule", distance);
    record_series(record, result->sim, "dial.direct_rate_under_rule", under ? distance : 0);
}

static void count_dial(void *census, uint32_t src, uint32_t dst)
{
    oracle_census_dial(census, src, dst);
}

/* What the dials that were made could have reached. */
static void compare_with_oracle(const struct run_worker_job *job, struct record *record,
                                const struct world_result *result)
{
    struct oracle_pair pair;
    const struct world_progress *p = &result->last;
    uint64_t dials = p->direct + p->relayed + p->failed, counted = 0;
    double best = 0;
    struct oracle_census *census = oracle_census_open(job->plan);
    record_each_dial(record, count_dial, census);
    for (uint32_t i = 0; oracle_census_pair(census, i, &pair); i++)
        record_pair(record, &pair);
    for (uint32_t i = 0; oracle_census_pair(census, i, &pair); i++) {
        best += pair.best * (double)pair.dials;
        counted += pair.dials;
    }
    oracle_census_close(census);
    if (counted == 0)
        return;
    best /= (double)counted;
    bool over = (double)p->direct > best * (double)dials;
    record_series(record, result->sim, "dial.direct_rate_over_best",
                  over ? rule_distance(best, dials, p->direct) : 0);
}

/* Who looks on besides the recorder. */
struct onlookers {
    struct world_capture *capture;
    struct world_packets *packets;
};

/* Returns the list of them, or NULL. */
static const struct world_watch *list(const struct onlookers *o)
{
    struct world_watch *capture = o->capture ? world_capture_watch(o->capture) : NULL;
    struct world_watch *packets = o->packets ? world_packets_watch(o->packets) : NULL;
    if (capture)
        capture->next = packets;
    return capture ? capture : packets;
}

/* Returns 0, or -1: why in error. */
static int invite(struct onlookers *o, const struct run_worker_job *job, struct record *record,
                  char *error, size_t size)
{
    if (job->pcap && !(o->capture = world_capture_open(job->pcap, job->plan))) {
        (void)snprintf(error, size, "cannot write %.400s: %s", job->pcap, strerror(errno));
        return -1;
    }
    if (job->packets || job->plan->record_packets)
        o->packets = world_packets_open(record);
    return 0;
}

static int dismiss(struct onlookers *o, const struct run_worker_job *job, char *error, size_t size)
{
    if (o->packets)
        world_packets_close(o->packets);
    if (!o->capture || world_capture_close(o->capture) == 0)
        return 0;
    (void)snprintf(error, size, "cannot write %.400s: %s", job->pcap, strerror(errno));
    return -1;
}

/* Returns what world_run does, or EXIT_STORAGE. */
static int run_world(const struct run_worker_job *job, struct report *report,
                     struct world_result *result, char *error, int size)
{
    struct onlookers onlookers = {0};
    if (invite(&onlookers, job, report->record, error, (size_t)size))
        return EXIT_STORAGE;
    struct world_options options = {
        .api = job->api,
        .record = report->record,
        .facts = job->facts != 0,
        .stop = &stop,
        .progress = on_progress,
        .progress_data = report,
        .watch = list(&onlookers),
    };
    int outcome = world_run(job->plan, job->engine, &options, result, error, size);
    return dismiss(&onlookers, job, error, (size_t)size) ? EXIT_STORAGE : outcome;
}

static void simulate(const struct run_worker_job *job, struct report *report,
                     struct run_worker_message *ended)
{
    int size = (int)sizeof ended->error;
    report->record = record_open(job->part, job->plan, job->info, ended->error, size);
    ended->exit_code = EXIT_STORAGE;
    if (!report->record)
        return;
    struct world_result result = {0};
    int outcome = run_world(job, report, &result, ended->error, size);
    ended->progress = result.last;
    if (outcome == EXIT_INPUT || outcome == EXIT_LACKING || outcome == EXIT_STORAGE) {
        record_abandon(report->record);
        ended->exit_code = outcome;
        return;
    }
    bool restless = plan_is_restless(job->plan); /* what hosts may reach is then another matter */
    if (outcome == 0 && !restless)
        compare_with_rule(job, report->record, &result);
    if (!restless)
        compare_with_oracle(job, report->record, &result);
    struct record_run run = describe(job, &result, outcome == 1 ? "interrupted" : "complete");
    if (record_close(report->record, &run, &ended->expectations_failed, ended->error, size) == 0)
        ended->exit_code = outcome == 1 ? EXIT_INTERRUPTED : EXIT_FINE;
}

/* Ctrl-C reaches the whole group of processes; the parent alone answers it. */
static void take_signals(void)
{
    struct sigaction act = {.sa_handler = on_stop};
    sigaction(SIGTERM, &act, NULL);
    act.sa_handler = SIG_IGN;
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGXFSZ, &act, NULL);
    sigaction(SIGPIPE, &act, NULL);
}

/* Begins with all signals blocked, so that one sent at once is not lost. */
_Noreturn static void be_worker(const struct run_worker_job *job, pid_t parent, int pipe)
{
    struct report report = {.pipe = pipe};
    struct run_worker_message ended = {.kind = WORKER_ENDED};
    sigset_t none;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(EXIT_INTERRUPTED);
    take_signals();
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    failure_note(job->plan->path, job->plan->cell, job->plan->seed);
    simulate(job, &report, &ended);
    send_message(pipe, &ended);
    _exit(ended.exit_code);
}

pid_t run_worker_start(const struct run_worker_job *job, void (*forget)(void *data), void *data,
                       int *pipe_end)
{
    int ends[2];
    if (pipe(ends))
        return -1;
    sigset_t all, before;
    sigfillset(&all);
    fflush(NULL);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t parent = getpid(), worker = fork();
    if (worker == 0) {
        close(ends[0]);
        forget(data);
        be_worker(job, parent, ends[1]);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    close(ends[1]);
    if (worker < 0) {
        close(ends[0]);
        return -1;
    }
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    *pipe_end = ends[0];
    return worker;
}
