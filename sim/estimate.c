/* estimate.c: see estimate.h.
 *
 * A trial of the first run says how many events a simulated second of a host
 * brings and how fast this machine is.  What a trial cannot see (memory that grows
 * with the hosts of a larger run, rows on disk, dials that come later) is taken
 * from the figures below, measured on quickstart's populations at 100 to 1,000
 * nodes. */
#include "sim/estimate.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/progress.h"
#include "sim/text.h"
#include "sim/world.h"

#define PROCESS_BYTES     12e6   /* of a run without hosts */
#define HOST_BYTES        130e3  /* 90 to 150 kB, by the rate of dials */
#define HOST_EVENTS_PER_S 9      /* 2 (30 nodes) to 10 (1,000 nodes) */
#define DIAL_EVENTS       200    /* 100 to 300, lookups and punching included */
#define EVENT_S           3.5e-6 /* 1.6 to 5 us of one processor, cryptography included */
#define FILE_BYTES        120e3  /* of an empty results file */
#define HOST_DISK_BYTES   450    /* node, its traffic by kind, its first lookups */
#define SECOND_DISK_BYTES 90     /* of the series, per simulated second of a run */
#define DIAL_DISK_BYTES   130    /* with its lookup */
#define MESSAGE_BYTES     100
#define SESSION_EVENTS    2000 /* of a node's start under churn, stale contacts included */
#define SESSION_BYTES     350  /* on disk, with its lookups */

/* The share of its time that a host of the population is there. */
static double online_share(const struct plan *plan, uint32_t population)
{
    const struct plan_churn *churn = &plan->churn;
    if (!churn->groups || !churn->groups[population])
        return 1;
    return (double)churn->session.mean /
           ((double)churn->session.mean + (double)churn->downtime.mean);
}

static double online_of(const struct plan *plan, const bool *group)
{
    double hosts = 0;
    for (uint32_t i = 0; i < plan->population_count; i++)
        hosts += group[i] ? plan->populations[i].count * online_share(plan, i) : 0;
    return hosts;
}

static double online_hosts(const struct plan *plan)
{
    double hosts = 0;
    for (uint32_t i = 0; i < plan->population_count; i++)
        hosts += plan->populations[i].count * online_share(plan, i);
    return hosts;
}

static uint32_t hosts_of(const struct plan *plan, const bool *group)
{
    uint32_t hosts = 0;
    for (uint32_t i = 0; i < plan->population_count; i++)
        hosts += group[i] ? plan->populations[i].count : 0;
    return hosts;
}

static double ordered_pairs(const struct plan *plan, const struct plan_workload *w)
{
    double both = 0;
    for (uint32_t i = 0; i < plan->population_count; i++)
        both += w->src[i] && w->dst[i] ? plan->populations[i].count : 0;
    double pairs = (double)hosts_of(plan, w->src) * hosts_of(plan, w->dst) - both;
    return hosts_of(plan, w->src) ? pairs * online_of(plan, w->src) / hosts_of(plan, w->src) : 0;
}

static double at_rate(const struct plan *plan, const struct plan_workload *w)
{
    return online_of(plan, w->src) * (double)w->rate_uhz / 1e6 * (double)(w->until - w->from) / 1e9;
}

double estimate_dials(const struct plan *plan)
{
    double dials = 0;
    for (uint32_t i = 0; i < plan->workload_count; i++) {
        const struct plan_workload *w = &plan->workloads[i];
        if (w->kind == WORK_DIAL_ALL_PAIRS)
            dials += ordered_pairs(plan, w);
        else if (w->kind == WORK_DIAL_UNIFORM)
            dials += at_rate(plan, w);
    }
    return dials;
}

double estimate_messages(const struct plan *plan)
{
    double messages = 0;
    for (uint32_t i = 0; i < plan->workload_count; i++)
        if (plan_publishes(&plan->workloads[i]))
            messages += at_rate(plan, &plan->workloads[i]);
    return messages;
}

double estimate_sessions(const struct plan *plan)
{
    const struct plan_churn *churn = &plan->churn;
    double sessions = 0;
    for (uint32_t i = 0; churn->groups && i < plan->population_count; i++)
        if (churn->groups[i])
            sessions += plan->populations[i].count *
                        ((double)plan->duration /
                             ((double)churn->session.mean + (double)churn->downtime.mean) +
                         online_share(plan, i));
    return sessions;
}

void estimate_add(struct estimate *e, const struct plan *plan)
{
    double seconds = (double)plan->duration / 1e9;
    e->runs++;
    e->hosts = plan->host_count > e->hosts ? plan->host_count : e->hosts;
    e->host_s += online_hosts(plan) * seconds;
    e->sessions += estimate_sessions(plan);
    e->dials += estimate_dials(plan);
    e->messages += estimate_messages(plan);
    e->rows += plan->host_count * (double)HOST_DISK_BYTES + seconds * SECOND_DISK_BYTES;
}

struct trial {
    double sim_s, wall_s, events, dials, memory;
    int whole;
    double began;
};

static volatile sig_atomic_t trial_over;

static void watch_trial(void *data, const struct world_progress *p)
{
    const struct trial *trial = data;
    (void)p;
    if (progress_clock() - trial->began >= ESTIMATE_TRIAL_S)
        trial_over = 1;
}

/* In a process of its own, so that the memory is the run's. */
_Noreturn static void be_trial(const struct plan *plan, const struct engine_type *engine,
                               const struct mist_api *api, int out)
{
    struct trial trial = {.began = progress_clock()};
    struct world_options options = {
        .api = api, .stop = &trial_over, .progress = watch_trial, .progress_data = &trial};
    struct world_result result = {0};
    struct rusage usage;
    char error[200];
    int outcome = world_run(plan, engine, &options, &result, error, sizeof error);
    if (outcome == 2)
        _exit(1);
    getrusage(RUSAGE_SELF, &usage);
    trial.whole = outcome == 0;
    trial.sim_s = (double)result.sim / 1e9;
    trial.wall_s = result.wall_s;
    trial.events = (double)result.figures.events;
    trial.dials = (double)result.last.dials;
    trial.memory = (double)usage.ru_maxrss * 1024;
    _exit(write(out, &trial, sizeof trial) != (ssize_t)sizeof trial);
}

static int read_trial(int in, struct trial *trial)
{
    ssize_t n;
    do
        n = read(in, trial, sizeof *trial);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof *trial && trial->sim_s > 0 && trial->wall_s > 0;
}

void estimate_try(struct estimate *e, const struct plan *plan, const struct engine_type *engine,
                  const struct mist_api *api)
{
    int ends[2], status;
    struct trial trial;
    if (plan->host_count > ESTIMATE_TRIAL_HOSTS || pipe(ends))
        return;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        be_trial(plan, engine, api, ends[1]);
    close(ends[1]);
    e->tried = child > 0 && read_trial(ends[0], &trial);
    close(ends[0]);
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    if (!e->tried)
        return;
    e->trial_sim_s = trial.sim_s;
    e->trial_wall_s = trial.wall_s;
    e->trial_host_s = trial.sim_s * online_hosts(plan);
    e->trial_events = trial.events;
    e->trial_dials = trial.dials;
    e->trial_memory = trial.memory;
    e->trial_hosts = plan->host_count;
    e->trial_whole = trial.whole;
}

/* The trial's events were its dials' and its hosts'. */
static double events_of(const struct estimate *e)
{
    double per_host_s = HOST_EVENTS_PER_S, per_dial = DIAL_EVENTS;
    if (e->tried && e->trial_whole)
        return e->trial_events * e->host_s / e->trial_host_s;
    if (e->tried)
        per_host_s = fmax(1, (e->trial_events - e->trial_dials * per_dial) / e->trial_host_s);
    double sessions = e->tried ? 0 : e->sessions; /* the trial's were its hosts' */
    return e->host_s * per_host_s + e->dials * per_dial + sessions * SESSION_EVENTS;
}

static double memory_of(const struct estimate *e)
{
    double rough = PROCESS_BYTES + HOST_BYTES * e->hosts;
    if (!e->tried)
        return rough;
    if (e->trial_whole)
        return e->trial_memory * e->hosts / e->trial_hosts;
    return fmax(rough, e->trial_memory * e->hosts / e->trial_hosts);
}

struct estimate_needs estimate_needs(const struct estimate *e, uint32_t jobs)
{
    double events = events_of(e);
    double event_s = e->tried && e->trial_events > 0 ? e->trial_wall_s / e->trial_events : EVENT_S;
    double at_a_time = fmin(jobs, fmin(e->runs, (double)sysconf(_SC_NPROCESSORS_ONLN)));
    return (struct estimate_needs){
        .memory_bytes = memory_of(e),
        .wall_s = events * event_s / fmax(1, at_a_time),
        .events = events,
        .disk_bytes = FILE_BYTES + e->rows + e->dials * DIAL_DISK_BYTES +
                      e->messages * MESSAGE_BYTES + e->sessions * SESSION_BYTES,
    };
}

/* What can be had without swapping: Linux's own estimate. */
static double free_memory(void)
{
    char line[200];
    unsigned long long kilobytes;
    double bytes = -1;
    FILE *in = fopen("/proc/meminfo", "r");
    while (in && fgets(line, sizeof line, in))
        if (sscanf(line, "MemAvailable: %llu kB", &kilobytes) == 1)
            bytes = (double)kilobytes * 1024;
    if (in)
        (void)fclose(in);
    return bytes;
}

/* Of the folder of the file, or of the nearest one above it that is there. */
static double free_disk(const char *file)
{
    char folder[4096];
    struct statvfs disk;
    int n = snprintf(folder, sizeof folder, "%s", file);
    if (n < 0 || (size_t)n >= sizeof folder)
        return -1;
    for (;;) {
        char *slash = strrchr(folder, '/');
        if (!slash)
            strcpy(folder, ".");
        else
            slash[slash == folder] = 0;
        if (statvfs(folder, &disk) == 0)
            return (double)disk.f_bavail * (double)disk.f_frsize;
        if (strcmp(folder, ".") == 0 || strcmp(folder, "/") == 0)
            return -1;
    }
}

struct estimate_machine estimate_machine(const char *file)
{
    return (struct estimate_machine){free_memory(), free_disk(file)};
}

static void print_basis(const struct estimate *e, FILE *out)
{
    char sim[TEXT_NUMBER], wall[TEXT_NUMBER];
    if (!e->tried)
        fputs("estimate, from measurements at 1,000 nodes; several times off is possible\n", out);
    else if (e->trial_whole)
        fprintf(out, "estimate, from a trial: the whole first run in %s\n",
                text_seconds(wall, e->trial_wall_s));
    else
        fprintf(out,
                "estimate, from a trial: %s of the first run in %s; twice or half is possible\n",
                text_seconds(sim, e->trial_sim_s), text_seconds(wall, e->trial_wall_s));
}

static void print_free(double bytes, FILE *out)
{
    char number[TEXT_NUMBER];
    if (bytes >= 0)
        fprintf(out, "; %s are free", text_bytes(number, bytes));
    fputc('\n', out);
}

static void warn(const struct estimate *e, const struct estimate_needs *needs,
                 const struct estimate_machine *machine, uint32_t jobs, FILE *warnings)
{
    char need[TEXT_NUMBER], have[TEXT_NUMBER];
    uint32_t at_a_time = jobs < e->runs ? jobs : e->runs;
    double memory = needs->memory_bytes * at_a_time;
    if (machine->memory_bytes >= 0 && needs->memory_bytes > machine->memory_bytes)
        fprintf(warnings,
                "warning: one run needs about %s of memory, %s are free: it will not fit this "
                "machine\n",
                text_bytes(need, needs->memory_bytes), text_bytes(have, machine->memory_bytes));
    else if (machine->memory_bytes >= 0 && memory > machine->memory_bytes)
        fprintf(
            warnings,
            "warning: %u runs at a time need about %s of memory, %s are free: use --jobs %.0f\n",
            at_a_time, text_bytes(need, memory), text_bytes(have, machine->memory_bytes),
            floor(machine->memory_bytes / needs->memory_bytes));
    if (machine->disk_bytes >= 0 && needs->disk_bytes > machine->disk_bytes)
        fprintf(warnings,
                "warning: the results need about %s, %s are free: choose another place with "
                "--out\n",
                text_bytes(need, needs->disk_bytes), text_bytes(have, machine->disk_bytes));
}

void estimate_print(const struct estimate *e, const struct estimate_machine *machine, uint32_t jobs,
                    FILE *out, FILE *warnings)
{
    char number[TEXT_NUMBER], events[TEXT_NUMBER];
    if (e->runs == 0)
        return;
    struct estimate_needs needs = estimate_needs(e, jobs);
    print_basis(e, out);
    fprintf(out, "  memory  %s for each of %u at a time", text_bytes(number, needs.memory_bytes),
            jobs < e->runs ? jobs : e->runs);
    print_free(machine->memory_bytes, out);
    fprintf(out, "  time    %s for %s events\n", text_seconds(number, needs.wall_s),
            text_scaled(events, needs.events));
    fprintf(out, "  disk    %s", text_bytes(number, needs.disk_bytes));
    print_free(machine->disk_bytes, out);
    warn(e, &needs, machine, jobs, warnings);
}
