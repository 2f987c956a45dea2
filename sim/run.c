/* run.c: see run.h: the line, what it asks for, and the summary at the end. */
#include "sim/run.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/engine_plugin.h"
#include "sim/estimate.h"
#include "sim/exit.h"
#include "sim/netns/netns.h"
#include "sim/plan.h"
#include "sim/results.h"
#include "sim/run_campaign.h"
#include "sim/run_stack.h"
#include "sim/summary.h"
#include "sim/text.h"
#include "sim/value.h"
#include "stack/check.h"

#define RUNS_MOST 10000000 /* of one campaign */

static int choose_kernel(const struct command_line *line, struct run_campaign *c)
{
    char error[300];
    if (command_value(line, "stack"))
        return command_misuse(line->command, "--stack: nodes of the engine netns are the program "
                                             "mist, with its own core");
    if (c->pcap || c->packets)
        return command_misuse(line->command, "--pcap, --trace packets: the engine netns sees no "
                                             "packets; run tcpdump in its namespaces");
    if (netns_check(error, sizeof error) != 0) {
        fprintf(stderr, "mistsim run: engine netns: %s; or use --engine native\n", error);
        return EXIT_LACKING;
    }
    c->engine = &engine_netns;
    return 0;
}

static int choose_engine(const struct command_line *line, struct run_campaign *c)
{
    static char plugin[ENGINE_PLUGIN_PATH];
    char error[ENGINE_PLUGIN_PATH + 600] = "";
    const char *name = command_value(line, "engine");
    c->engine = &engine_native;
    if (!name || strcmp(name, "native") == 0)
        return 0;
    if (strcmp(name, "netns") == 0)
        return choose_kernel(line, c);
    if (strcmp(name, "ns3") != 0)
        return command_misuse(line->command, "--engine: expected native, ns3 or netns, got `%.40s`",
                              name);
    const struct engine_plugin *loaded = engine_plugin_load(name, plugin, error, sizeof error);
    if (!loaded) {
        fprintf(stderr, "mistsim run: engine %s: %s\n", name, error);
        return EXIT_LACKING;
    }
    c->engine = loaded->type;
    c->plugin = plugin;
    return 0;
}

static int choose_seeds(const struct command_line *line, struct run_campaign *c)
{
    const char *text = command_value(line, "seeds");
    uint64_t seed = scenario_seed(c->scenario), last;
    if (text && command_value(line, "seed"))
        return command_misuse(line->command, "--seed and --seeds exclude each other");
    int status = command_number(line, "seed", 0, INT64_MAX, &seed);
    c->first_seed = seed;
    c->seeds = 1;
    if (status || !text)
        return status;
    char first[24] = "";
    const char *dots = strstr(text, "..");
    if (dots && (size_t)(dots - text) < sizeof first)
        memcpy(first, text, (size_t)(dots - text));
    if (!dots || command_read_number(first, INT64_MAX, &c->first_seed) ||
        command_read_number(dots + 2, INT64_MAX, &last) || last < c->first_seed)
        return command_misuse(line->command, "--seeds: expected A..B with A <= B, got `%.40s`",
                              text);
    if ((last - c->first_seed + 1) > RUNS_MOST / scenario_cells(c->scenario))
        return command_misuse(line->command, "--seeds: more than %d runs", RUNS_MOST);
    c->seeds = (uint32_t)(last - c->first_seed + 1);
    return 0;
}

static int choose_jobs(const struct command_line *line, struct run_campaign *c)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t jobs = processors > 0 ? (uint64_t)processors : 1;
    if (jobs > RUN_CAMPAIGN_JOBS)
        jobs = RUN_CAMPAIGN_JOBS;
    int status = command_number(line, "jobs", 1, RUN_CAMPAIGN_JOBS, &jobs);
    c->jobs = (uint32_t)jobs;
    return status;
}

static int choose_failures(const struct command_line *line, struct run_campaign *c)
{
    const char *text = command_value(line, "timeout");
    int64_t ns = 0;
    const char *expected = text ? value_time(text, &ns) : NULL;
    if (expected || (text && ns == 0))
        return command_misuse(line->command,
                              "--timeout: expected a time such as `90 s`, got `%.40s`", text);
    if (command_value(line, "fail-fast") && command_value(line, "keep-going"))
        return command_misuse(line->command, "--fail-fast and --keep-going exclude each other");
    c->timeout_s = (double)ns / 1e9;
    c->fail_fast = command_value(line, "fail-fast") != NULL;
    return 0;
}

static int choose_stack(const struct command_line *line, struct run_campaign *c)
{
    char error[600] = "";
    const char *library = command_value(line, "stack");
    const struct run_stack *stack = run_stack_load(library, error, sizeof error);
    if (!stack) {
        fprintf(stderr, "mistsim run: --stack: %s\n", error);
        return EXIT_INPUT;
    }
    c->api = stack->api;
    c->stack = stack->name;
    if (run_key_program(c->program, library, c->plugin)) {
        fprintf(stderr, "mistsim run: cannot read %s: %s\n", library ? library : "/proc/self/exe",
                strerror(errno));
        return EXIT_LACKING;
    }
    return 0;
}

/* What a run leaves besides its figures.  A kept run would leave no capture. */
static int choose_traces(const struct command_line *line, struct run_campaign *c)
{
    const char *trace = command_value(line, "trace");
    c->pcap = command_value(line, "pcap");
    if (c->pcap && !*c->pcap)
        return command_misuse(line->command, "--pcap: expected a file name");
    if (c->pcap && strlen(c->pcap) >= RESULTS_PATH - 24)
        return command_misuse(line->command, "--pcap: the file name is too long");
    c->fresh = command_value(line, "fresh") != NULL || c->pcap;
    c->packets = trace && strcmp(trace, "packets") == 0;
    c->facts = trace != NULL;
    if (trace && !c->packets && strcmp(trace, "events") != 0)
        return command_misuse(line->command, "--trace: expected events or packets, got `%.40s`",
                              trace);
    if (command_value(line, "resume") && command_value(line, "fresh"))
        return command_misuse(line->command, "--resume and --fresh exclude each other");
    return 0;
}

static int read_scenario(const struct command_line *line, struct run_campaign *c)
{
    static const char *sets[COMMAND_VALUES];
    uint32_t count = command_values(line, "set", sets);
    struct scenario_options options = {.api = c->api, .load = run_stack_load};
    c->path = line->arguments[0];
    c->scenario = scenario_read(line->arguments[0], sets, count, &options, &c->errors);
    if (c->errors.count)
        errors_print(&c->errors, stderr);
    return c->scenario ? 0 : EXIT_INPUT;
}

/* results/NAME.db, whose folder is made; or --out. */
static int choose_file(const struct command_line *line, struct run_campaign *c, char *name,
                       size_t size)
{
    c->file = command_value(line, "out");
    if (c->file && !*c->file)
        return command_misuse(line->command, "--out: expected a file name");
    if (c->file)
        return 0;
    int n = snprintf(name, size, "results/%s.db", scenario_name(c->scenario));
    CHECK(n > 0 && (size_t)n < size);
    c->file = name;
    if (!command_value(line, "dry-run") && mkdir("results", 0777) && errno != EEXIST) {
        fprintf(stderr, "mistsim run: results/: %s (choose another place with --out)\n",
                strerror(errno));
        return EXIT_STORAGE;
    }
    return 0;
}

/* Why the run will be done, or kept.  Returns whether it is to be done. */
static int reason(const struct run_campaign *c, const struct plan *plan, const char *key, char *why,
                  size_t size)
{
    int64_t run;
    const struct results_run what = run_campaign_describe(c, plan, key);
    static const char *const words[] = {
        [RESULTS_NEW] = "new",
        [RESULTS_COMPLETE] = "kept (complete as run %" PRId64 ")",
        [RESULTS_FAILED] = "again (run %" PRId64 " failed)",
        [RESULTS_INTERRUPTED] = "again (run %" PRId64 " was interrupted)",
        [RESULTS_OTHER_BUILD] = "build changed (complete as run %" PRId64 " by another)",
    };
    enum results_known known = results_look_up(c->file, &what, &run);
    if (known == RESULTS_COMPLETE && c->fresh)
        snprintf(why, size, "again (--fresh; complete as run %" PRId64 ")", run);
    else
        snprintf(why, size, words[known], run);
    return known != RESULTS_COMPLETE || c->fresh;
}

static void list_run(struct text_table *t, const struct plan *plan, const char *why)
{
    char number[TEXT_NUMBER];
    text_table_add(t, text_count(number, (int64_t)plan->seed));
    text_table_add(t, plan->cell);
    text_table_add(t, text_count(number, plan->host_count));
    text_table_add(t, text_count(number, plan->box_count));
    text_table_add(t, why);
}

/* Returns the number of runs looked at: all of them unless a plan failed.  *first:
 * the first that is to be done. */
static uint32_t list_runs(struct run_campaign *c, struct estimate *estimate, uint32_t *first)
{
    struct text_table *t = text_table_new(5);
    static const char *const heads[] = {"seed", "cell", "nodes", "boxes", ""};
    uint32_t size = run_campaign_size(c), i;
    for (int k = 0; k < 5; k++)
        text_table_add(t, heads[k]);
    for (i = 0; i < size; i++) {
        char key[RUN_KEY], why[80];
        struct plan *plan = run_campaign_plan(c, i, key);
        if (!plan)
            break;
        int due = reason(c, plan, key, why, sizeof why);
        list_run(t, plan, why);
        if (due) {
            *first = estimate->runs ? *first : i;
            estimate_add(estimate, plan);
        }
        plan_free(plan);
    }
    text_table_print(t, stdout, "");
    printf("%" PRIu32 " runs, %" PRIu32 " to do, into %s\n", size, estimate->runs, c->file);
    return i;
}

static void estimate_runs(struct run_campaign *c, struct estimate *estimate, uint32_t first)
{
    char key[RUN_KEY];
    struct plan *plan = run_campaign_plan(c, first, key);
    CHECK(plan); /* it was listed */
    if (!c->engine->real)
        estimate_try(estimate, plan, c->engine, c->api);
    else
        printf("engine netns runs in real time: %g s for each run, %" PRIu32 " at a time\n",
               (double)plan->duration / 1e9, c->jobs);
    plan_free(plan);
    const struct estimate_machine machine = estimate_machine(c->file);
    estimate_print(estimate, &machine, c->jobs, stdout, stderr);
}

static int dry_run(struct run_campaign *c)
{
    uint32_t cells = scenario_cells(c->scenario), first = 0;
    struct estimate estimate = {0};
    scenario_print(c->scenario, 0, stdout);
    if (cells > 1)
        printf("(the first of %" PRIu32 " cells)\n", cells);
    putchar('\n');
    if (list_runs(c, &estimate, &first) < run_campaign_size(c))
        return EXIT_INPUT;
    if (estimate.runs)
        estimate_runs(c, &estimate, first);
    return EXIT_FINE;
}

static int summarise(const struct run_campaign *c, const int64_t *runs, int json)
{
    char error[RESULTS_PATH + 300] = "";
    uint32_t size = run_campaign_size(c), count = 0;
    int64_t *reached = calloc(size, sizeof *reached);
    CHECK(reached);
    for (uint32_t i = 0; i < size; i++)
        if (runs[i])
            reached[count++] = runs[i];
    const struct summary_request request = {c->file, scenario_question(c->scenario), reached,
                                            count};
    int status = 0;
    if (count > 0)
        status = json ? summary_print_json(&request, stdout, error, sizeof error)
                      : summary_print(&request, stdout, error, sizeof error);
    if (status)
        fprintf(stderr, "mistsim run: %s\n", error);
    free(reached);
    return status;
}

static int run_all(const struct command_line *line, struct run_campaign *c)
{
    int64_t *runs = calloc(run_campaign_size(c), sizeof *runs);
    CHECK(runs);
    int json = command_value(line, "json") != NULL;
    int code = run_campaign_do(c, runs);
    /* Where storage failed, what it holds was said already. */
    if (code != EXIT_STORAGE && (json || !c->quiet)) {
        int status = summarise(c, runs, json);
        code = code ? code : status;
    }
    free(runs);
    return code;
}

static int run_main(int argc, char **argv)
{
    static struct command_line line;
    char name[RESULTS_PATH];
    struct run_campaign c = {0};
    int status = command_parse(&run_command, argc, argv, &line);
    if (status != COMMAND_CONTINUES)
        return status;
    CHECK(sodium_init() >= 0);
    c.quiet = command_value(&line, "quiet") != NULL;
    c.word_count = argc;
    c.words = argv;
    status = choose_traces(&line, &c);
    if (!status)
        status = choose_engine(&line, &c);
    if (!status)
        status = choose_stack(&line, &c);
    if (!status)
        status = read_scenario(&line, &c);
    if (!status)
        status = choose_seeds(&line, &c);
    if (!status)
        status = choose_jobs(&line, &c);
    if (!status)
        status = choose_failures(&line, &c);
    if (!status)
        status = choose_file(&line, &c, name, sizeof name);
    if (!status)
        status = command_value(&line, "dry-run") ? dry_run(&c) : run_all(&line, &c);
    scenario_free(c.scenario);
    errors_free(&c.errors);
    return status;
}

static const struct command_option options[] = {
    {"seed", "N", "the seed, instead of the scenario's", 0},
    {"seeds", "A..B", "one run per seed from A to B (and cell of the sweep)", 0},
    {"set", "PATH=VALUE", "override a value of the scenario; repeatable", 0},
    {"engine", "native|ns3|netns",
     "what moves the datagrams (default: native); netns: the kernel, in real time", 0},
    {"stack", "LIB.so", "another build of the core", 0},
    {"jobs", "N", "runs at a time (default: one per processor)", 'j'},
    {"out", "FILE.db", "results file (default: results/NAME.db)", 'o'},
    {"trace", "events|packets", "record more: events; packets: and every datagram's fate", 0},
    {"pcap", "FILE.pcapng", "capture what passes hosts and boxes (of several runs: FILE-RUN)", 0},
    {"dry-run", NULL, "print the plan, its origins and what would run; write nothing", 'n'},
    {"resume", NULL, "keep runs that are complete (the default)", 0},
    {"fresh", NULL, "repeat runs that are complete, and compare their trace hashes", 0},
    {"keep-going", NULL, "do the other runs when one fails (the default)", 0},
    {"fail-fast", NULL, "start no run after one that failed", 0},
    {"timeout", "TIME", "stop a run that takes longer by the wall clock: it failed", 0},
    {"quiet", NULL, "errors only", 'q'},
    {"json", NULL, "print the summary as JSON", 0},
    {0},
};

const struct command run_command = {
    .name = "run",
    .arguments = "SCENARIO",
    .least = 1,
    .most = 1,
    .help = "simulate a scenario and summarise what came of it",
    .examples = "  mistsim run scenarios/quickstart.yaml\n"
                "  mistsim run scenarios/quickstart.yaml --seeds 1..20 --jobs 4\n"
                "  mistsim run scenarios/quickstart.yaml --set network.loss=2% --out lossy.db\n"
                "  mistsim run scenarios/matrix/kernel.yaml --engine netns\n",
    .options = options,
    .main = run_main,
};
