/* regress.c: see regress.h.
 *
 * Both cores are libraries driven by this one program (revision.h, run_stack.h), so that
 * they meet the same worlds: same draws, same NATs, same losses.  The runs are `mistsim
 * run`'s, kept under results/regress/ and known by their keys: more seeds run only
 * themselves.  The verdict is `mistsim compare`'s. */
#include "sim/regress.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/exit.h"
#include "sim/process.h"
#include "sim/revision.h"
#include "sim/run_stack.h"
#include "sim/scenario.h"
#include "stack/check.h"

#define FIRST_SEEDS 20 /* of a look; statistics.md: a pilot of 20 says how many are needed */
#define MOST_SEEDS  400
#define FILE_NAME   1000
#define WORDS       (COMMAND_VALUES + 40)

struct side {
    struct revision revision;
    const struct run_stack *stack;
    char file[FILE_NAME]; /* the results */
};

struct regress {
    const struct command_line *line;
    struct side base, candidate;
    char self[REVISION_PATH]; /* this program */
    uint64_t first_seed, seeds, most;
};

/* ---- lines for this program's other commands ---- */

struct words {
    const char *words[WORDS];
    int count;
};

static void add(struct words *w, const char *word)
{
    CHECK(w->count < WORDS - 1);
    w->words[w->count++] = word;
}

/* Hands on each use of the option. */
static void add_option(struct words *w, const struct command_line *line, const char *name,
                       const char *dashed)
{
    static const char *values[COMMAND_VALUES];
    uint32_t count = command_values(line, name, values);
    for (uint32_t i = 0; i < count; i++) {
        add(w, dashed);
        if (*values[i])
            add(w, values[i]);
    }
}

static int run_side(const struct regress *r, const struct side *side, const char *scenario,
                    uint64_t last_seed)
{
    static struct words w;
    char seeds[60];
    snprintf(seeds, sizeof seeds, "%" PRIu64 "..%" PRIu64, r->first_seed, last_seed);
    w.count = 0;
    add(&w, r->self);
    add(&w, "run");
    add(&w, scenario);
    add(&w, "--quiet");
    add(&w, "--stack");
    add(&w, side->revision.library);
    add(&w, "--seeds");
    add(&w, seeds);
    add(&w, "--out");
    add(&w, side->file);
    add_option(&w, r->line, "jobs", "--jobs");
    add_option(&w, r->line, "set", "--set");
    w.words[w.count] = NULL;
    int code = process_run(w.words, NULL);
    /* What a scenario expects of one core is not the question here. */
    return code == EXIT_WORSE ? EXIT_FINE : code;
}

/* output: as of process_run. */
static int compare(const struct regress *r, int sequential, const char *output)
{
    static struct words w;
    w.count = 0;
    add(&w, r->self);
    add(&w, "compare");
    add(&w, r->base.file);
    add(&w, r->candidate.file);
    if (sequential)
        add(&w, "--sequential");
    add_option(&w, r->line, "margin", "--margin");
    add_option(&w, r->line, "max-loss", "--max-loss");
    add_option(&w, r->line, "json", "--json");
    w.words[w.count] = NULL;
    return process_run(w.words, output);
}

/* ---- one scenario ---- */

static int run_both(const struct regress *r, const char *scenario, uint64_t last_seed)
{
    int code = run_side(r, &r->base, scenario, last_seed);
    return code ? code : run_side(r, &r->candidate, scenario, last_seed);
}

static void show_file(const char *file)
{
    char bytes[4096];
    size_t n;
    FILE *in = fopen(file, "rb");
    while (in && (n = fread(bytes, 1, sizeof bytes, in)) > 0)
        fwrite(bytes, 1, n, stdout);
    if (in)
        fclose(in);
}

/* Looks after each batch of seeds; the last look is told. */
static int run_until_decided(const struct regress *r, const char *scenario)
{
    char look[FILE_NAME + 10];
    uint64_t seeds = r->seeds;
    int code;
    snprintf(look, sizeof look, "%s.look", r->candidate.file);
    for (;;) {
        code = run_both(r, scenario, r->first_seed + seeds - 1);
        if (code)
            return code;
        code = compare(r, 1, look);
        if (code != EXIT_UNDECIDED || seeds >= r->most)
            break;
        fprintf(stderr, "%s: undecided after %" PRIu64 " seeds\n", scenario, seeds);
        seeds = seeds + r->seeds < r->most ? seeds + r->seeds : r->most;
    }
    show_file(look);
    unlink(look);
    if (code == EXIT_UNDECIDED)
        fprintf(stderr, "%s: undecided after --most %" PRIu64 " seeds\n", scenario, seeds);
    return code;
}

/* Files by the question and the program that asks it, so that runs which cannot be
 * compared never meet in one. */
static int choose_files(struct regress *r, const struct scenario *s)
{
    char folder[FILE_NAME / 2], program[RUN_KEY], question[RUN_KEY];
    unsigned char sum[16];
    const char *text = scenario_full_text(s);
    if (run_key_program(program, NULL, NULL))
        return EXIT_LACKING;
    crypto_generichash_state h;
    crypto_generichash_init(&h, NULL, 0, sizeof sum);
    crypto_generichash_update(&h, (const unsigned char *)program, strlen(program));
    crypto_generichash_update(&h, (const unsigned char *)text, strlen(text));
    crypto_generichash_final(&h, sum, sizeof sum);
    sodium_bin2hex(question, sizeof question, sum, sizeof sum);
    snprintf(folder, sizeof folder, "results/regress/%.200s-%.8s", scenario_name(s), question);
    mkdir("results", 0777);
    mkdir("results/regress", 0777);
    if (mkdir(folder, 0777) && errno != EEXIST) {
        fprintf(stderr, "mistsim regress: %s: %s\n", folder, strerror(errno));
        return EXIT_STORAGE;
    }
    snprintf(r->base.file, FILE_NAME, "%s/base-%.12s.db", folder, r->base.stack->bytes);
    snprintf(r->candidate.file, FILE_NAME, "%s/candidate-%.12s.db", folder,
             r->candidate.stack->bytes);
    return 0;
}

/* A setting that one of the builds refuses is told before anything runs. */
static int read_for(struct regress *r, const struct side *side, const char *path)
{
    static const char *sets[COMMAND_VALUES];
    uint32_t count = command_values(r->line, "set", sets);
    struct errors errors = {0};
    struct scenario_options options = {.api = side->stack->api, .load = run_stack_load};
    struct scenario *s = scenario_read(path, sets, count, &options, &errors);
    int status = s ? choose_files(r, s) : EXIT_INPUT;
    if (errors.count)
        errors_print(&errors, stderr);
    if (errors.count)
        fprintf(stderr, "(as the core of %s sees it)\n", side->revision.name);
    scenario_free(s);
    errors_free(&errors);
    return status;
}

static int do_scenario(struct regress *r, const char *scenario)
{
    int code = read_for(r, &r->base, scenario);
    if (!code)
        code = read_for(r, &r->candidate, scenario);
    if (code)
        return code;
    fprintf(stderr, "%s: base %s, candidate %s\n", scenario, r->base.revision.name,
            r->candidate.revision.name);
    if (command_value(r->line, "until-decided"))
        return run_until_decided(r, scenario);
    code = run_both(r, scenario, r->first_seed + r->seeds - 1);
    return code ? code : compare(r, 0, NULL);
}

/* ---- the command ---- */

static int find_side(struct side *side, const char *what)
{
    char error[REVISION_PATH + 300];
    int status = revision_find(what, &side->revision, error, sizeof error);
    if (!status) {
        side->stack = run_stack_load(side->revision.library, error, sizeof error);
        status = side->stack ? 0 : EXIT_INPUT;
    }
    if (status)
        fprintf(stderr, "mistsim regress: %s\n", error);
    return status;
}

/* The candidate is, unless the line says otherwise, what was built beside this program. */
static int find_sides(struct regress *r)
{
    char beside[REVISION_PATH];
    const char *base = command_value(r->line, "base");
    const char *candidate = command_value(r->line, "candidate");
    ssize_t length = readlink("/proc/self/exe", r->self, sizeof r->self - 20);
    r->self[length > 0 ? length : 0] = 0;
    snprintf(beside, sizeof beside, "%s", r->self);
    char *slash = strrchr(beside, '/');
    strcpy(slash ? slash + 1 : beside, "libmist.so");
    if (!base)
        return command_misuse(r->line->command, "say with what to compare: --base REV");
    if (!candidate && access(beside, R_OK)) {
        fprintf(stderr, "mistsim regress: %s: %s; run `make`, or say --candidate\n", beside,
                strerror(errno));
        return EXIT_LACKING;
    }
    int status = find_side(&r->base, base);
    return status ? status : find_side(&r->candidate, candidate ? candidate : beside);
}

static int choose_seeds(struct regress *r)
{
    const char *text = command_value(r->line, "seeds");
    const char *dots = text ? strstr(text, "..") : NULL;
    char first[24] = "1";
    uint64_t last = FIRST_SEEDS;
    if (dots && (size_t)(dots - text) < sizeof first)
        snprintf(first, sizeof first, "%.*s", (int)(dots - text), text);
    if ((text && !dots) || command_read_number(first, INT64_MAX / 2, &r->first_seed) ||
        (dots && command_read_number(dots + 2, INT64_MAX / 2, &last)) || last < r->first_seed)
        return command_misuse(r->line->command, "--seeds: expected A..B with A <= B, got `%.40s`",
                              text);
    r->seeds = last - r->first_seed + 1;
    r->most = r->seeds > MOST_SEEDS ? r->seeds : MOST_SEEDS;
    if (command_value(r->line, "most") && !command_value(r->line, "until-decided"))
        return command_misuse(r->line->command, "--most goes with --until-decided");
    return command_number(r->line, "most", r->seeds, 1000000, &r->most);
}

/* The gravest of two outcomes: what failed, then worse, then undecided. */
static int gravest(int a, int b)
{
    static const int order[] = {EXIT_FINE, EXIT_UNDECIDED, EXIT_WORSE};
    int places[2] = {3, 3};
    for (int i = 0; i < 3; i++) {
        places[0] = order[i] == a ? i : places[0];
        places[1] = order[i] == b ? i : places[1];
    }
    return places[1] > places[0] ? b : a;
}

static int regress_main(int argc, char **argv)
{
    static struct command_line line;
    static struct regress r;
    int status = command_parse(&regress_command, argc, argv, &line);
    if (status != COMMAND_CONTINUES)
        return status;
    CHECK(sodium_init() >= 0);
    r.line = &line;
    status = choose_seeds(&r);
    if (!status)
        status = find_sides(&r);
    if (status)
        return status;
    for (int i = 0; i < line.argument_count; i++) {
        int code = do_scenario(&r, line.arguments[i]);
        status = gravest(status, code);
        if (code != EXIT_FINE && code != EXIT_WORSE && code != EXIT_UNDECIDED)
            break;
    }
    return status;
}

static const struct command_option options[] = {
    {"base", "REV", "git revision, or libmist.so, to compare with", 0},
    {"candidate", "REV", "the same of the core that is judged (default: built beside this program)",
     0},
    {"seeds", "A..B", "the seeds, or those of the first look (default: 1..20)", 0},
    {"until-decided", NULL, "add as many seeds again and again until every verdict stands", 0},
    {"most", "N", "seeds at which --until-decided gives up (default: 400)", 0},
    {"set", "PATH=VALUE", "override a value of the scenarios; repeatable", 0},
    {"jobs", "N", "runs at a time (default: one per processor)", 'j'},
    {"margin", "METRIC=MARGIN", "as of compare; repeatable", 0},
    {"max-loss", "POINTS", "as of compare", 0},
    {"json", NULL, "for programs: compare's, one object per scenario", 0},
    {0},
};

const struct command regress_command = {
    .name = "regress",
    .arguments = "SCENARIO...",
    .least = 1,
    .most = COMMAND_VALUES,
    .help = "did the core get worse since a git revision? on the same worlds",
    .examples =
        "  mistsim regress --base HEAD~1 scenarios/smoke/one-home.yaml\n"
        "  mistsim regress --base v1.0 --until-decided --most 200 scenarios/quickstart.yaml\n"
        "\nBoth cores run under this program.  Exit code: compare's, the gravest of all\n"
        "scenarios: 0 not worse, 1 worse, 4 undecided.\n",
    .options = options,
    .main = regress_main,
};
