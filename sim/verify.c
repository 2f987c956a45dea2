/* verify.c: see verify.h.
 *
 * A run is repeated from what the file says of it: the scenario's text with its
 * overrides, cell, seed and core.  Only where the files are that the scenario names must
 * be known besides: the manifest tells, or the line. */
#include "sim/verify.h"

#include <inttypes.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "sim/commit.h"
#include "sim/exit.h"
#include "sim/failure.h"
#include "sim/manifest.h"
#include "sim/results.h"
#include "sim/run_key.h"
#include "sim/run_stack.h"
#include "sim/scenario.h"
#include "sim/text.h"
#include "sim/world.h"
#include "stack/check.h"

#define SAMPLE 5
#define SETS   COMMAND_VALUES
#define SET    "# --set "

enum outcome { SAME, OTHER_BUILD, CONTRADICTED, IMPOSSIBLE, OUTCOMES };

static const char *const words[OUTCOMES] = {"same", "differs", "differs", "cannot be repeated"};

struct verify {
    sqlite3 *db;
    const char *file, *path; /* path: of the scenario, NULL: as the manifest has it */
    int json;
    uint32_t counts[OUTCOMES], count;
    char why[400];
};

/* A run as the file has it; texts are borrowed from the statement. */
struct asked {
    int64_t run;
    uint64_t seed;
    const char *scenario, *text, *cell, *engine, *stack, *commit, *trace, *key;
};

/* ---- where its files are ---- */

/* The path in the manifest's last campaign of the scenario. */
static int path_in_line(sqlite3 *db, const char *line, const char *scenario, char *path, int size)
{
    sqlite3_stmt *s = NULL;
    int found = 0;
    int rc = sqlite3_prepare_v2(db,
                                "SELECT json_extract(?1, '$.scenario_path') WHERE json_valid(?1)"
                                " AND json_extract(?1, '$.scenario')=?2",
                                -1, &s, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_bind_text(s, 1, line, -1, SQLITE_STATIC);
        sqlite3_bind_text(s, 2, scenario, -1, SQLITE_STATIC);
        found = sqlite3_step(s) == SQLITE_ROW && sqlite3_column_type(s, 0) == SQLITE_TEXT;
    }
    if (found)
        snprintf(path, (size_t)size, "%s", (const char *)sqlite3_column_text(s, 0));
    sqlite3_finalize(s);
    return found;
}

static void find_path(const struct verify *v, const char *scenario, char *path, int size)
{
    static char line[1 << 20];
    char manifest[MANIFEST_PATH];
    snprintf(path, (size_t)size, "%s", v->path ? v->path : "");
    manifest_path(manifest, v->file);
    FILE *in = v->path ? NULL : fopen(manifest, "r");
    while (in && fgets(line, sizeof line, in))
        path_in_line(v->db, line, scenario, path, size);
    if (in)
        fclose(in);
}

/* ---- its plan ---- */

/* The overrides are the last lines of the text ("# --set PATH=VALUE"): cuts them off. */
static uint32_t cut_sets(char *text, const char *sets[SETS])
{
    uint32_t count = 0;
    for (;;) {
        size_t length = strlen(text);
        if (length == 0 || text[length - 1] != '\n' || count == SETS)
            break;
        char *line = text + length - 1;
        while (line > text && line[-1] != '\n')
            line--;
        line = strstr(line, SET); /* not at its beginning where the file ended without a newline */
        if (!line)
            break;
        text[length - 1] = 0;
        sets[count++] = line + strlen(SET);
        line[0] = 0; /* ends what is before; the override itself stands behind */
    }
    for (uint32_t i = 0; i < count / 2; i++) {
        const char *first = sets[i];
        sets[i] = sets[count - 1 - i];
        sets[count - 1 - i] = first;
    }
    return count;
}

static struct plan *plan_of_cell(const struct scenario *s, const struct asked *a,
                                 struct errors *errors)
{
    for (uint32_t cell = 0; cell < scenario_cells(s); cell++) {
        struct plan *plan = scenario_plan(s, cell, a->seed, errors);
        if (!plan || strcmp(plan->cell, a->cell) == 0)
            return plan;
        plan_free(plan);
    }
    return NULL;
}

static struct plan *read_plan(struct verify *v, const struct asked *a,
                              const struct run_stack *stack)
{
    static const char *sets[SETS];
    char path[MANIFEST_PATH];
    struct errors errors = {0};
    char *text = strdup(a->text);
    CHECK(text);
    uint32_t count = cut_sets(text, sets);
    find_path(v, a->scenario, path, (int)sizeof path);
    const struct scenario_options options = {.api = stack->api, .load = run_stack_load};
    struct scenario *s = scenario_parse(path, text, strlen(text), sets, count, &options, &errors);
    struct plan *plan = s ? plan_of_cell(s, a, &errors) : NULL;
    if (!plan)
        snprintf(v->why, sizeof v->why, "its scenario is not one of this program's%s",
                 v->path || *path ? "" : " (where are its files? --scenario FILE)");
    if (!plan && errors.count)
        errors_print(&errors, stderr);
    scenario_free(s);
    errors_free(&errors);
    free(text);
    return plan;
}

/* ---- once more ---- */

/* By the build that made the run?  Then its key is the same. */
static int is_same_build(const struct asked *a, const struct plan *plan)
{
    char program[RUN_KEY], plain[RUN_KEY], events[RUN_KEY];
    const char *library = strcmp(a->stack, "embedded") == 0 ? NULL : a->stack;
    if (run_key_program(program, library, NULL))
        return 0;
    run_key(plain, plan, a->engine, program, "");
    run_key(events, plan, a->engine, program, "events");
    return strcmp(a->key, plain) == 0 || strcmp(a->key, events) == 0;
}

static enum outcome repeat(struct verify *v, const struct asked *a, const struct run_stack *stack)
{
    char error[300] = "", trace[17];
    struct plan *plan = read_plan(v, a, stack);
    if (!plan)
        return IMPOSSIBLE;
    struct world_options options = {.api = stack->api};
    struct world_result result;
    failure_note(plan->path, plan->cell, plan->seed);
    int failed = world_run(plan, &engine_native, &options, &result, error, (int)sizeof error);
    int same_build = is_same_build(a, plan);
    plan_free(plan);
    if (failed) {
        snprintf(v->why, sizeof v->why, "%s", error);
        return IMPOSSIBLE;
    }
    snprintf(trace, sizeof trace, "%016" PRIx64, result.figures.trace);
    if (strcmp(trace, a->trace) == 0)
        return SAME;
    snprintf(v->why, sizeof v->why,
             same_build
                 ? "trace %s and now %s by the same build: the simulation is not deterministic"
                 : "trace %s and now %s: it was made by another build, commit %s (this is %s)",
             a->trace, trace, a->commit, sim_commit);
    return same_build ? CONTRADICTED : OTHER_BUILD;
}

static enum outcome verify_run(struct verify *v, const struct asked *a)
{
    *v->why = 0;
    if (strcmp(a->engine, engine_native.name) != 0) {
        snprintf(v->why, sizeof v->why, "engine %.40s promises no equal traces", a->engine);
        return IMPOSSIBLE;
    }
    const char *library = strcmp(a->stack, "embedded") == 0 ? NULL : a->stack;
    const struct run_stack *stack = run_stack_load(library, v->why, (int)sizeof v->why);
    return stack ? repeat(v, a, stack) : IMPOSSIBLE;
}

static void tell(struct verify *v, const struct asked *a, enum outcome outcome)
{
    if (v->json) {
        printf("%s{\"run\":%" PRId64 ",\"seed\":%" PRIu64 ",\"cell\":", v->count ? "," : "", a->run,
               a->seed);
        text_json(stdout, a->cell);
        printf(",\"same\":%s,\"why\":", outcome == SAME ? "true" : "false");
        text_json(stdout, v->why);
        putchar('}');
    } else {
        printf("run %" PRId64 ", seed %" PRIu64 ", cell ", a->run, a->seed);
        text_shown(stdout, a->cell);
        printf(": %s%s", words[outcome], *v->why ? ": " : "");
        text_shown(stdout, v->why);
        putchar('\n');
    }
    fflush(stdout);
    v->counts[outcome]++;
    v->count++;
}

/* ---- the sample ---- */

static const char *column(sqlite3_stmt *s, int i)
{
    const char *text = (const char *)sqlite3_column_text(s, i);
    return text ? text : "";
}

/* Evenly spread over cells and seeds. */
static int verify_sample(struct verify *v, int64_t sample)
{
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(
        v->db,
        "SELECT run, seed, scenario, scenario_text, cell, engine, stack, commit_id, trace_hash, key"
        " FROM (SELECT *, row_number() OVER (ORDER BY scenario_text, cell, seed, run) - 1 AS place,"
        " count(*) OVER () AS n FROM run JOIN run_key USING(run) WHERE status='complete')"
        " WHERE ?1 = 0 OR n <= ?1 OR (place * ?1) / n > ((place - 1) * ?1) / n OR place = 0"
        " ORDER BY place",
        -1, &s, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_int64(s, 1, sample);
    while (rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
        const struct asked a = {sqlite3_column_int64(s, 0),
                                (uint64_t)sqlite3_column_int64(s, 1),
                                column(s, 2),
                                column(s, 3),
                                column(s, 4),
                                column(s, 5),
                                column(s, 6),
                                column(s, 7),
                                column(s, 8),
                                column(s, 9)};
        tell(v, &a, verify_run(v, &a));
        rc = SQLITE_OK;
    }
    sqlite3_finalize(s);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int close_verdict(const struct verify *v)
{
    if (v->json)
        printf("],\"repeated\":%" PRIu32 ",\"same\":%" PRIu32 "}\n", v->count, v->counts[SAME]);
    else
        printf("%" PRIu32 " of %" PRIu32 " runs are what comes of them again\n", v->counts[SAME],
               v->count);
    if (v->counts[CONTRADICTED])
        return EXIT_BROKEN;
    if (v->count == 0) {
        fprintf(stderr, "mistsim verify: %s holds no complete run\n", v->file);
        return EXIT_INPUT;
    }
    return v->counts[SAME] == v->count ? EXIT_FINE : EXIT_WORSE;
}

static int verify_main(int argc, char **argv)
{
    static struct command_line line;
    int status = command_parse(&verify_command, argc, argv, &line);
    if (status != COMMAND_CONTINUES)
        return status;
    CHECK(sodium_init() >= 0);
    uint64_t sample = SAMPLE;
    char error[RESULTS_PATH + 300];
    struct verify v = {.file = line.arguments[0], .path = command_value(&line, "scenario")};
    v.json = command_value(&line, "json") != NULL;
    status = command_number(&line, "sample", 0, 1000000, &sample);
    if (status)
        return status;
    status = results_read(&v.db, v.file, error, sizeof error);
    if (status) {
        fprintf(stderr, "mistsim verify: %s\n", error);
        return status;
    }
    if (v.json)
        fputs("{\"version\":1,\"runs\":[", stdout);
    int rc = verify_sample(&v, (int64_t)sample);
    if (rc != SQLITE_OK)
        fprintf(stderr, "mistsim verify: %s: %s\n", v.file, sqlite3_errmsg(v.db));
    sqlite3_close(v.db);
    return rc == SQLITE_OK ? close_verdict(&v) : EXIT_STORAGE;
}

static const struct command_option options[] = {
    {"sample", "N", "so many runs, spread over cells and seeds; 0: all (default: 5)", 0},
    {"scenario", "FILE", "beside which the scenario's files are (default: as the manifest says)",
     0},
    {"json", NULL, "for programs", 0},
    {0},
};

const struct command verify_command = {
    .name = "verify",
    .arguments = "FILE.db",
    .least = 1,
    .most = 1,
    .help = "repeat some runs of a results file and compare their trace hashes",
    .examples =
        "  mistsim verify results/quickstart.db\n"
        "  mistsim verify results/study.db --sample 0\n"
        "\nExit code 0: all the same; 1: another build makes another trace, or a run cannot\n"
        "be repeated; 3: the same build makes another trace.\n",
    .options = options,
    .main = verify_main,
};
