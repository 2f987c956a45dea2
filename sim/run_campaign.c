/* run_campaign.c: see run_campaign.h. */
#include "sim/run_campaign.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/commit.h"
#include "sim/exit.h"
#include "sim/manifest.h"
#include "sim/progress.h"
#include "sim/results.h"
#include "sim/run_stack.h"
#include "sim/run_worker.h"
#include "sim/text.h"
#include "stack/check.h"

#define POLL_MS 200 /* how late a signal may be noticed */

struct worker {
    pid_t process; /* 0: the slot is free */
    int pipe;
    uint32_t index; /* of the run in the campaign */
    int64_t run;    /* its number in the results */
    uint64_t seed;
    double began;  /* progress_clock */
    int late;      /* its time is up: it was killed */
    int has_ended; /* it said how */
    struct run_worker_message ended;
};

struct state {
    struct run_campaign *campaign;
    struct results *results;
    struct progress *progress;
    int64_t *runs;
    uint32_t next;  /* the next run to look at */
    int interrupts; /* signals answered so far */
    int halted;     /* nothing runs on, nothing starts */
    int closed;     /* nothing starts */
    int opened;     /* results and manifest stand */
    int exit_code;
    struct manifest_outcome outcome;
    struct worker workers[RUN_CAMPAIGN_JOBS];
};

static volatile sig_atomic_t signals;

static void on_signal(int signal_number)
{
    (void)signal_number;
    signals++;
}

/* The gravest outcome is the campaign's. */
static void raise_code(struct state *s, int code)
{
    static const int order[] = {EXIT_FINE,  EXIT_WORSE,  EXIT_INTERRUPTED, EXIT_LACKING,
                                EXIT_INPUT, EXIT_BROKEN, EXIT_STORAGE};
    int old = 0, new = 0;
    for (int i = 0; i < (int)(sizeof order / sizeof *order); i++) {
        old = order[i] == s->exit_code ? i : old;
        new = order[i] == code ? i : new;
    }
    if (new > old)
        s->exit_code = code;
}

/* Storage has failed or the input is no good for any run: what runs is stopped,
 * nothing more starts. */
static void halt(struct state *s, int code)
{
    raise_code(s, code);
    s->halted = 1;
    for (int i = 0; i < RUN_CAMPAIGN_JOBS; i++)
        if (s->workers[i].process)
            kill(s->workers[i].process, SIGKILL);
}

/* A run that counts as failed has ended: with --fail-fast no other starts, and
 * what runs ends as it would. */
static void fail_run(struct state *s, int code)
{
    raise_code(s, code);
    if (s->campaign->fail_fast)
        s->closed = 1;
}

static void say(struct state *s, const char *line)
{
    char text[RESULTS_PATH + 900];
    snprintf(text, sizeof text, "mistsim run: %.*s", RESULTS_PATH + 850, line);
    progress_say(s->progress, text);
}

static void say_storage(struct state *s, const char *what)
{
    char text[RESULTS_PATH + 800];
    int64_t safe = results_complete(s->results);
    if (safe < 0)
        snprintf(text, sizeof text, "storage failed: %.700s; nothing more was written", what);
    else
        snprintf(text, sizeof text,
                 "storage failed: %.700s; the %" PRId64 " complete runs in the file are safe, and"
                 " the same command goes on from there",
                 what, safe);
    say(s, text);
}

/* A call on the results that failed. */
static void fail_results(struct state *s, int code)
{
    if (code == EXIT_STORAGE)
        say_storage(s, results_error(s->results));
    else
        say(s, results_error(s->results));
    if (code == EXIT_BROKEN)
        fail_run(s, code);
    else
        halt(s, code);
}

uint32_t run_campaign_size(const struct run_campaign *c)
{
    return c->seeds * scenario_cells(c->scenario);
}

struct plan *run_campaign_plan(struct run_campaign *c, uint32_t i, char key[RUN_KEY])
{
    uint32_t cells = scenario_cells(c->scenario);
    uint64_t seed = c->first_seed + i / cells;
    struct plan *plan = scenario_plan(c->scenario, i % cells, seed, &c->errors);
    if (plan && c->engine->real) /* its nodes protect what they send */
        plan->modelled = false;
    if (plan)
        run_key(key, plan, c->engine->name, c->program,
                c->packets ? "packets"
                : c->facts ? "events"
                           : "");
    else
        errors_print(&c->errors, stderr);
    return plan;
}

static void forget(void *data)
{
    results_forget(data);
}

struct results_run run_campaign_describe(const struct run_campaign *c, const struct plan *plan,
                                         const char *key)
{
    struct results_run run = {
        .scenario = plan->name,
        .scenario_text = plan->text,
        .cell = plan->cell,
        .engine = c->engine->name,
        .stack = c->stack,
        .commit_id = sim_commit,
        .key = key,
        .seed = plan->seed,
    };
    run_stack_version(plan, c->api, run.stack_version, sizeof run.stack_version);
    return run;
}

static int begin(struct state *s, const struct plan *plan, const char *key, int64_t *run)
{
    char started[TEXT_NUMBER];
    struct results_run what = run_campaign_describe(s->campaign, plan, key);
    what.started_utc = text_utc(started);
    return results_begin(s->results, &what, run);
}

/* One file per run: of several each bears its run's number, FILE-7.pcapng. */
static const char *name_capture(const struct run_campaign *c, int64_t run, char name[RESULTS_PATH])
{
    if (!c->pcap || run_campaign_size(c) == 1)
        return c->pcap;
    const char *slash = strrchr(c->pcap, '/'), *dot = strrchr(slash ? slash : c->pcap, '.');
    int stem = (int)(dot ? (size_t)(dot - c->pcap) : strlen(c->pcap));
    (void)snprintf(name, RESULTS_PATH, "%.*s-%" PRId64 "%s", stem, c->pcap, run, dot ? dot : "");
    return name;
}

static void launch(struct state *s, struct worker *w, const struct plan *plan)
{
    const struct run_campaign *c = s->campaign;
    char part[RESULTS_PATH], pcap[RESULTS_PATH];
    results_part(s->results, w->run, part);
    struct record_run info = {
        .engine = c->engine->name,
        .stack = c->stack,
        .commit_id = sim_commit,
    };
    run_stack_version(plan, c->api, info.stack_version, sizeof info.stack_version);
    const struct run_worker_job job = {.plan = plan,
                                       .engine = c->engine,
                                       .api = c->api,
                                       .info = &info,
                                       .part = part,
                                       .facts = c->facts,
                                       .packets = c->packets,
                                       .pcap = name_capture(c, w->run, pcap)};
    w->has_ended = w->late = 0;
    w->began = progress_clock();
    w->process = run_worker_start(&job, forget, s->results, &w->pipe);
    if (w->process > 0)
        return;
    char text[200];
    snprintf(text, sizeof text, "cannot start a process: %s", strerror(errno));
    say(s, text);
    w->process = 0;
    results_end(s->results, w->run, "failed");
    halt(s, EXIT_STORAGE);
}

/* A complete run of the same key is there: it is kept. */
static void keep(struct state *s, uint32_t index, const struct results_found *found)
{
    s->runs[index] = found->run;
    s->outcome.kept++;
    if (found->expectations_failed)
        fail_run(s, EXIT_WORSE);
    progress_skip(s->progress);
}

/* Starts run `index` in the free slot, unless it is there already. */
static void start(struct state *s, struct worker *w, uint32_t index)
{
    struct run_campaign *c = s->campaign;
    char key[RUN_KEY];
    struct plan *plan = run_campaign_plan(c, index, key);
    if (!plan) {
        halt(s, EXIT_INPUT);
        return;
    }
    struct results_found found = {0};
    int status = c->fresh ? 0 : results_find(s->results, key, &found);
    if (!status && !found.run)
        status = begin(s, plan, key, &w->run);
    if (status) {
        fail_results(s, status);
    } else if (found.run) {
        keep(s, index, &found);
    } else {
        w->index = index;
        w->seed = plan->seed;
        s->runs[index] = w->run;
        launch(s, w, plan);
    }
    plan_free(plan);
}

/* The run is over but worth nothing: status says how. */
static void drop(struct state *s, const struct worker *w, const char *status)
{
    int code = results_end(s->results, w->run, status);
    if (*status == 'f')
        s->outcome.failed++;
    else
        s->outcome.interrupted++;
    if (code && !s->halted)
        fail_results(s, code);
}

static void merge(struct state *s, const struct worker *w)
{
    int status = results_merge(s->results, w->run);
    if (status) {
        fail_results(s, status);
        drop(s, w, "failed");
        return;
    }
    if (w->ended.exit_code == EXIT_INTERRUPTED) {
        s->outcome.interrupted++;
        raise_code(s, EXIT_INTERRUPTED);
        return;
    }
    s->outcome.done++;
    if (w->ended.expectations_failed)
        fail_run(s, EXIT_WORSE);
}

static void tell_late(struct state *s, const struct worker *w)
{
    char text[200];
    snprintf(text, sizeof text,
             "run %" PRId64 ", seed %" PRIu64 ": not over after --timeout of %g s, stopped", w->run,
             w->seed, s->campaign->timeout_s);
    say(s, text);
}

static void tell_death(struct state *s, const struct worker *w, int status)
{
    char text[200];
    if (WIFSIGNALED(status))
        snprintf(text, sizeof text,
                 "run %" PRId64 ", seed %" PRIu64 ": its process was killed by signal %d%s", w->run,
                 w->seed, WTERMSIG(status),
                 WTERMSIG(status) == SIGKILL ? " (did the memory run out?)" : "");
    else
        snprintf(text, sizeof text,
                 "run %" PRId64 ", seed %" PRIu64
                 ": its process ended with code %d before the run did",
                 w->run, w->seed, WEXITSTATUS(status));
    say(s, text);
}

/* The worker is gone without a word, or with one that its part file is no good. */
static void lose(struct state *s, const struct worker *w, int status)
{
    if (s->halted || s->interrupts > 1) {
        drop(s, w, "interrupted");
        raise_code(s, EXIT_INTERRUPTED);
        return;
    }
    if (w->late) {
        tell_late(s, w);
        fail_run(s, EXIT_WORSE);
    } else if (!w->has_ended) {
        tell_death(s, w, status);
        fail_run(s, EXIT_BROKEN);
    } else if (w->ended.exit_code == EXIT_STORAGE) {
        say_storage(s, w->ended.error);
        halt(s, EXIT_STORAGE);
    } else {
        say(s, w->ended.error);
        halt(s, w->ended.exit_code);
    }
    drop(s, w, "failed");
}

static void describe(const struct worker *w, char *line, size_t size)
{
    const struct world_progress *p = &w->ended.progress;
    snprintf(line, size,
             "run %" PRId64 ", seed %" PRIu64 ": %s after %.0f s simulated, %" PRIu64 " dials%s",
             w->run, w->seed, w->ended.exit_code == EXIT_FINE ? "complete" : "interrupted",
             (double)p->now / 1e9, p->direct + p->relayed + p->failed,
             w->ended.expectations_failed ? ", expectations FAILED" : "");
}

static void reap(struct state *s, struct worker *w)
{
    int status = 0;
    char line[200];
    close(w->pipe);
    while (waitpid(w->process, &status, 0) < 0 && errno == EINTR)
        continue;
    w->process = 0;
    int whole =
        w->has_ended && (w->ended.exit_code == EXIT_FINE || w->ended.exit_code == EXIT_INTERRUPTED);
    if (whole)
        merge(s, w);
    else
        lose(s, w, status);
    describe(w, line, sizeof line);
    progress_finished(s->progress, (uint32_t)(w - s->workers),
                      whole && run_campaign_size(s->campaign) > 1 ? line : NULL);
}

/* Reads what the worker has to say; at the end of it the worker is reaped. */
static void listen_to(struct state *s, struct worker *w)
{
    struct run_worker_message message;
    for (;;) {
        ssize_t n = read(w->pipe, &message, sizeof message);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n != (ssize_t)sizeof message)
            break;
        if (message.kind == WORKER_PROGRESS) {
            progress_update(s->progress, (uint32_t)(w - s->workers), &message.progress);
        } else {
            w->has_ended = 1;
            w->ended = message;
        }
    }
    reap(s, w);
}

/* Once: the workers finish their slice and store what they have.  Twice: they stop. */
static void answer_signals(struct state *s)
{
    int seen = signals;
    if (seen == s->interrupts)
        return;
    if (s->interrupts == 0)
        say(s, "stopping; what is finished is kept (Ctrl-C again to stop at once)");
    s->interrupts = seen;
    raise_code(s, EXIT_INTERRUPTED);
    for (int i = 0; i < RUN_CAMPAIGN_JOBS; i++)
        if (s->workers[i].process)
            kill(s->workers[i].process, seen > 1 ? SIGKILL : SIGTERM);
}

static int start_what_fits(struct state *s)
{
    int running = 0;
    for (uint32_t i = 0; i < s->campaign->jobs; i++) {
        struct worker *w = &s->workers[i];
        while (!w->process && !s->halted && !s->closed && !s->interrupts &&
               s->next < run_campaign_size(s->campaign)) {
            start(s, w, s->next++);
            answer_signals(s);
        }
        running += w->process != 0;
    }
    return running;
}

static void stop_late_workers(struct state *s)
{
    double limit = s->campaign->timeout_s, now = progress_clock();
    for (int i = 0; i < RUN_CAMPAIGN_JOBS && limit > 0; i++) {
        struct worker *w = &s->workers[i];
        if (!w->process || w->late || now - w->began < limit)
            continue;
        w->late = 1;
        kill(w->process, SIGKILL);
    }
}

static void wait_for_workers(struct state *s)
{
    struct pollfd polls[RUN_CAMPAIGN_JOBS];
    struct worker *of[RUN_CAMPAIGN_JOBS];
    nfds_t n = 0;
    for (int i = 0; i < RUN_CAMPAIGN_JOBS; i++) {
        if (!s->workers[i].process)
            continue;
        of[n] = &s->workers[i];
        polls[n++] = (struct pollfd){.fd = s->workers[i].pipe, .events = POLLIN};
    }
    int ready = poll(polls, n, POLL_MS);
    for (nfds_t i = 0; i < n && ready > 0; i++)
        if (polls[i].revents)
            listen_to(s, of[i]);
}

static void take_signals(struct sigaction before[2])
{
    struct sigaction act = {.sa_handler = on_signal};
    signals = 0;
    sigaction(SIGINT, &act, &before[0]);
    sigaction(SIGTERM, &act, &before[1]);
    act.sa_handler = SIG_IGN;
    sigaction(SIGXFSZ, &act, NULL);
    sigaction(SIGPIPE, &act, NULL);
}

static int open_all(struct state *s)
{
    int status = results_open(&s->results, s->campaign->file);
    if (status) {
        say(s, results_error(s->results));
        return status;
    }
    char error[RESULTS_PATH + 200];
    status = manifest_begin(s->campaign, error, sizeof error);
    if (status)
        say_storage(s, error);
    return status;
}

/* The file is as it will stay: what the manifest says of it can be verified. */
static void close_all(struct state *s)
{
    char error[RESULTS_PATH + 200];
    results_close(s->results);
    s->outcome.exit_code = s->exit_code;
    if (s->opened && manifest_end(s->campaign, &s->outcome, error, sizeof error)) {
        say(s, error);
        raise_code(s, EXIT_STORAGE);
    }
}

int run_campaign_do(struct run_campaign *c, int64_t *runs)
{
    CHECK(c->jobs >= 1 && c->jobs <= RUN_CAMPAIGN_JOBS);
    struct state *s = calloc(1, sizeof *s);
    CHECK(s);
    s->campaign = c;
    s->runs = runs;
    struct sigaction before[2];
    take_signals(before);
    s->outcome.began = progress_clock();
    s->progress = progress_open(run_campaign_size(c), c->quiet);
    int status = open_all(s);
    if (status)
        halt(s, status);
    s->opened = !status;
    for (;;) {
        answer_signals(s);
        if (start_what_fits(s) == 0)
            break;
        wait_for_workers(s);
        stop_late_workers(s);
    }
    close_all(s);
    progress_close(s->progress);
    sigaction(SIGINT, &before[0], NULL);
    sigaction(SIGTERM, &before[1], NULL);
    int code = s->exit_code;
    free(s);
    return code;
}
