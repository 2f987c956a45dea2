/* bench_world.c: whole worlds: the real core behind NATs, by the number of nodes.
 *
 * Each world runs in a process of its own, so that its memory is its own; the
 * result comes back through a pipe.  Beside it, in the same run: the bare event
 * loop with as many events pending. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/bench.h"
#include "sim/exit.h"
#include "sim/plan.h"
#include "sim/progress.h"
#include "sim/scenario.h"
#include "sim/world.h"

/* All nodes join within 10 s; from STEADY on the overlay stands, and each node
 * dials once a minute as in quickstart. */
#define STEADY SEC(20)
static const char scenario_text[] =
    "mist: 1\n"
    "name: bench\n"
    "duration: 40 s\n"
    "join: 10 s\n"
    "network: { latency: { uniform: 20 ms..200 ms }, jitter: 5%, loss: 0.5% }\n"
    "population:\n"
    "  - { name: server, count: 1, nat: none, roles: [bootstrap, relay] }\n"
    "  - name: home\n"
    "    count: 1\n"
    "    nat: { mapping: eim, filtering: apdf, ports: preserve }\n"
    "    access: { up: 20 Mbit/s, down: 100 Mbit/s, delay: 8 ms }\n"
    "  - name: open\n"
    "    count: 1\n"
    "    nat: { mapping: eim, filtering: eif, ports: random }\n"
    "  - name: hard\n"
    "    count: 1\n"
    "    nat: { mapping: apdm, filtering: apdf, ports: random }\n"
    "workload:\n"
    "  - { dial: uniform, rate: 1/min, from: 20 s, until: 30 s, window: 10 s }\n";

/* Of 100 nodes; in the order of the text. */
static const struct {
    const char *name;
    uint32_t share;
} groups[] = {{"server", 2}, {"home", 58}, {"open", 20}, {"hard", 20}};
#define GROUPS (sizeof groups / sizeof *groups)

/* What the world's process sends back.  The tables' names are literals of this
 * very program, at the same place in parent and child. */
struct outcome {
    struct world_result result;
    double steady_wall_s; /* wall time, events and simulated time since STEADY */
    uint64_t steady_events;
    mist_time steady;
    uint64_t peak_rss; /* bytes */
    double cpu_s;      /* of the whole process */
};

/* What a world of the bench is like. */
struct sort {
    uint32_t nodes;
    bool modelled; /* cryptography */
};

static struct plan *draw_plan(uint32_t nodes)
{
    char texts[GROUPS][64];
    const char *sets[GROUPS];
    for (size_t i = 0; i < GROUPS; i++) {
        snprintf(texts[i], sizeof texts[i], "population.%s.count=%u", groups[i].name,
                 (unsigned)(nodes / 100 * groups[i].share));
        sets[i] = texts[i];
    }
    struct errors errors = {0};
    struct scenario_options options = {.api = mist_api()};
    struct scenario *scenario = scenario_parse("bench", scenario_text, strlen(scenario_text), sets,
                                               GROUPS, &options, &errors);
    struct plan *plan = scenario == NULL ? NULL : scenario_plan(scenario, 0, 1, &errors);
    if (plan == NULL)
        errors_print(&errors, stderr);
    if (scenario != NULL)
        scenario_free(scenario);
    errors_free(&errors);
    return plan;
}

/* Where the run was when the steady part began. */
struct mark {
    double wall_s;
    uint64_t events;
    mist_time at; /* 0: not yet */
};

static void on_progress(void *data, const struct world_progress *p)
{
    struct mark *mark = data;
    if (mark->at == 0 && p->now >= STEADY)
        *mark = (struct mark){progress_clock(), p->events, p->now};
}

/* In the world's own process; returns its exit code. */
static int run_world(struct sort sort, int out)
{
    struct outcome outcome;
    struct mark mark = {0};
    struct world_options options = {
        .api = mist_api(), .progress = on_progress, .progress_data = &mark};
    struct rusage usage;
    char error[200] = "";
    memset(&outcome, 0, sizeof outcome);
    struct plan *plan = draw_plan(sort.nodes);
    if (plan == NULL)
        return EXIT_INPUT;
    plan->modelled = sort.modelled;
    if (world_run(plan, &engine_native, &options, &outcome.result, error, sizeof error) != 0) {
        fprintf(stderr, "mistsim bench: %s\n", error);
        return EXIT_INPUT;
    }
    plan_free(plan);
    outcome.steady_wall_s = progress_clock() - mark.wall_s;
    outcome.steady_events = outcome.result.figures.events - mark.events;
    outcome.steady = outcome.result.sim - mark.at;
    getrusage(RUSAGE_SELF, &usage);
    outcome.peak_rss = (uint64_t)usage.ru_maxrss * 1024;
    outcome.cpu_s = (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6 +
                    (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6;
    bool sent = write(out, &outcome, sizeof outcome) == (ssize_t)sizeof outcome;
    return sent ? EXIT_FINE : EXIT_STORAGE;
}

static bool read_all(int in, void *bytes, size_t size)
{
    char *at = bytes;
    while (size > 0) {
        ssize_t n = read(in, at, size);
        if (n <= 0 && !(n < 0 && errno == EINTR))
            return false;
        at += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

/* Returns EXIT_FINE and the outcome, or why there is none. */
static int run_in_process(struct sort sort, struct outcome *outcome)
{
    int ends[2], status = 0;
    fflush(NULL);
    if (pipe(ends) != 0) {
        perror("mistsim bench: pipe");
        return EXIT_LACKING;
    }
    pid_t child = fork();
    if (child == 0)
        _exit(run_world(sort, ends[1]));
    close(ends[1]);
    bool read = child > 0 && read_all(ends[0], outcome, sizeof *outcome);
    close(ends[0]);
    if (child < 0 || waitpid(child, &status, 0) != child) {
        perror("mistsim bench: a process for the world");
        return EXIT_LACKING;
    }
    if (!WIFEXITED(status))
        return EXIT_BROKEN;
    return WEXITSTATUS(status) == EXIT_FINE && !read ? EXIT_BROKEN : WEXITSTATUS(status);
}

static void add_speed(struct bench *b, uint32_t nodes, const struct outcome *outcome)
{
    const struct world_result *r = &outcome->result;
    double bare = bench_bare_loop(r->figures.pending);
    double events = (double)outcome->steady_events / outcome->steady_wall_s;
    double per_datagram = (double)r->figures.events / (double)r->figures.arrived;
    double joining_s = r->wall_s - outcome->steady_wall_s;
    bench_add(b, "world", "wall time of joining, per node", nodes, joining_s / nodes * 1e6, "us");
    bench_add(b, "world", "then: events", nodes, events, "events/s");
    bench_add(b, "world", "then: datagrams", nodes, events / per_datagram, "datagrams/s");
    bench_add(b, "world", "then: simulated over real time", nodes,
              (double)outcome->steady / 1e9 / outcome->steady_wall_s, "x");
    bench_add(b, "world", "bare loop, as many pending", nodes, bare, "events/s");
    bench_add(b, "world", "events over bare loop", nodes, events / bare, "share");
    bench_add(b, "world", "events per datagram", nodes, per_datagram, "");
    bench_add(b, "world", "joined", nodes, (double)r->last.joined / r->last.hosts, "share");
}

static void add_memory(struct bench *b, uint32_t nodes, const struct outcome *outcome)
{
    const struct world_result *r = &outcome->result;
    bench_add(b, "world", "peak memory of the process per node", nodes,
              (double)outcome->peak_rss / nodes, "B");
    bench_add(b, "world", "reserved per node", nodes, (double)r->node_bytes, "B");
    double sum = 0;
    for (uint32_t i = 0; i < r->memory_count; i++)
        sum += (double)(r->memory[i].used * r->memory[i].entry_bytes);
    bench_add(b, "world", "used per node", nodes, sum / nodes, "B");
    for (uint32_t i = 0; i < r->memory_count; i++) {
        const struct world_memory *m = &r->memory[i];
        char name[BENCH_NAME];
        snprintf(name, sizeof name, "  %s (%u B each)", m->table, (unsigned)m->entry_bytes);
        bench_add(b, "world", name, nodes, (double)(m->used * m->entry_bytes) / nodes, "B");
    }
}

int bench_world(struct bench *b)
{
    static const uint32_t sizes[] = {1000, 2000, 10000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        static struct outcome outcome;
        int status = run_in_process((struct sort){sizes[i], true}, &outcome);
        if (status != EXIT_FINE)
            return status;
        add_speed(b, sizes[i], &outcome);
        add_memory(b, sizes[i], &outcome);
    }
    return EXIT_FINE;
}

/* The same world with real cryptography and with its model, which keeps every message and
 * every size: what the real one takes beyond the model, the curve and the ciphers take. */
int bench_crypto(struct bench *b)
{
    static const uint32_t nodes = 500;
    static struct outcome real, modelled;
    int status = run_in_process((struct sort){nodes, false}, &real);
    if (status == EXIT_FINE)
        status = run_in_process((struct sort){nodes, true}, &modelled);
    if (status != EXIT_FINE)
        return status;
    bench_add(b, "crypto", "CPU time, real", nodes, real.cpu_s, "s");
    bench_add(b, "crypto", "CPU time, modelled", nodes, modelled.cpu_s, "s");
    bench_add(b, "crypto", "share of time in cryptography", nodes, 1 - modelled.cpu_s / real.cpu_s,
              "share");
    bench_add(b, "crypto", "datagrams alike", nodes,
              real.result.figures.arrived == modelled.result.figures.arrived, "");
    return EXIT_FINE;
}
