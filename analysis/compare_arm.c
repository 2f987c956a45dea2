/* compare_arm.c: which runs stand on each side, and which are pairs.
 *
 * In the temporary tables of each source
 *   wanted(key, value)       the conditions of its own selection
 *   apart(key)               the settings that either selection names: they tell the sides
 *                            apart and so do not count for pairing
 *   chosen(run, seed, status, cell, trace_hash, version)   the runs that match; cell: its
 *                            settings but those of `apart`; version: its rank by text, core ... */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/compare_parts.h"
#include "analysis/exit.h"

const char *const compare_side_names[COMPARE_SIDES] = {"base", "candidate"};

void compare_refuse(struct compare *c, const char *format, ...)
{
    size_t length = strlen(c->error);
    va_list arguments;
    if (!c->status)
        c->status = EXIT_INPUT;
    if (length && length + 1 < sizeof c->error)
        strcpy(c->error + length++, "\n");
    va_start(arguments, format);
    vsnprintf(c->error + length, sizeof c->error - length, format, arguments);
    va_end(arguments);
}

int compare_failed(struct compare *c)
{
    for (int side = 0; side < COMPARE_SIDES; side++) {
        const struct source *s = &c->arms[side].source;
        if (!c->status && s->status) {
            c->status = s->status;
            snprintf(c->error, sizeof c->error, "%s", s->error);
        }
    }
    return c->status;
}

struct condition {
    char key[128], value[128];
};

/* "KEY=VALUE,KEY=VALUE"; returns how many, or -1. */
static int read_selection(const char *text, struct condition conditions[COMPARE_WANTED])
{
    int count = 0;
    while (text && *text) {
        size_t length = strcspn(text, ",");
        size_t key = strcspn(text, "=,");
        struct condition *x = &conditions[count];
        if (count == COMPARE_WANTED || key == 0 || text[key] != '=' || key >= sizeof x->key ||
            length - key - 1 >= sizeof x->value)
            return -1;
        snprintf(x->key, sizeof x->key, "%.*s", (int)key, text);
        snprintf(x->value, sizeof x->value, "%.*s", (int)(length - key - 1), text + key + 1);
        count++;
        text += length + (text[length] == ',');
    }
    return count;
}

static const char *value_of(const struct condition *all, int count, const char *key)
{
    for (int i = 0; i < count; i++)
        if (strcmp(all[i].key, key) == 0)
            return all[i].value;
    return NULL;
}

/* What differs must be the core's own: everything else is another world. */
static void check_apart(struct compare *c, struct condition sides[][COMPARE_WANTED],
                        const int *counts)
{
    static const char *const of_run[] = {"commit", "stack", "engine"};
    for (int side = 0; side < COMPARE_SIDES; side++)
        for (int i = 0; i < counts[side]; i++) {
            const struct condition *x = &sides[side][i];
            const char *other = value_of(sides[!side], counts[!side], x->key);
            int fine = compare_of_core(x->key) || (other && strcmp(other, x->value) == 0);
            for (int k = 0; k < 3; k++)
                fine |= strcmp(x->key, of_run[k]) == 0;
            if (!fine)
                compare_refuse(c,
                               "--%s %s=%s: not a setting of the core (stack...): the worlds would"
                               " differ; name the same value on both sides",
                               compare_side_names[side], x->key, x->value);
        }
}

#define IN_CELL                                                                                    \
    "(SELECT CAST(value AS TEXT) FROM json_each(CASE WHEN json_valid(run.cell) THEN run.cell ELSE" \
    " '{}' END) AS j WHERE j.key=wanted.key)"
#define IN_TEXT(rest) "instr(scenario_text, char(10) || '# --set ' || wanted.key || '='" rest ")"
#define MATCHES                                                                                    \
    "CASE wanted.key WHEN 'commit' THEN substr(commit_id, 1, length(wanted.value))=wanted.value"   \
    " AND wanted.value<>'' WHEN 'stack' THEN stack=wanted.value WHEN 'engine' THEN engine="        \
    "wanted.value ELSE CASE wanted.value WHEN '' THEN " IN_CELL                                    \
    " IS NULL AND " IN_TEXT("") "=0 ELSE coalesce(" IN_CELL "=wanted.value, " IN_TEXT(             \
        " || wanted.value || char(10)") ">0) END END"
#define CELL                                                                                       \
    "coalesce((SELECT group_concat(setting, ', ') FROM (SELECT j.key || '=' || j.value AS setting" \
    " FROM json_each(CASE WHEN json_valid(run.cell) THEN run.cell ELSE '{}' END) AS j WHERE j.key" \
    " NOT IN (SELECT key FROM apart) ORDER BY 1)), '')"

static void choose(struct compare *c, int side, struct condition sides[][COMPARE_WANTED],
                   const int *counts)
{
    struct source *s = &c->arms[side].source;
    source_run(s, "CREATE TEMP TABLE wanted(key TEXT, value TEXT)", "");
    source_run(s, "CREATE TEMP TABLE apart(key TEXT)", "");
    for (int i = 0; i < counts[side]; i++)
        source_run(s, "INSERT INTO wanted VALUES(?,?)", "tt", sides[side][i].key,
                   sides[side][i].value);
    for (int of = 0; of < COMPARE_SIDES; of++)
        for (int i = 0; i < counts[of]; i++)
            source_run(s, "INSERT INTO apart VALUES(?)", "t", sides[of][i].key);
    source_run(
        s,
        "CREATE TEMP TABLE chosen AS SELECT run, seed, status, trace_hash, run.cell AS whole,"
        " " CELL " AS cell, dense_rank() OVER (ORDER BY scenario, scenario_text, engine,"
        " stack, stack_version, commit_id) AS version FROM main.run WHERE NOT EXISTS"
        " (SELECT 1 FROM wanted WHERE NOT coalesce(" MATCHES ", 0))",
        "");
}

/* Several versions where one is wanted: what tells them apart, each with its selection. */
static void refuse_versions(struct compare *c, int side)
{
    struct source *s = &c->arms[side].source;
    compare_refuse(c,
                   "%s: the %s is one version, and these runs are of several; choose with --%s"
                   " KEY=VALUE,... (a setting of the sweep or of --set, KEY= where it is not set,"
                   " commit=, stack=, engine=):",
                   s->file, compare_side_names[side], compare_side_names[side]);
    sqlite3_stmt *rows = source_query(
        s,
        "SELECT count(*), scenario, engine, stack, commit_id, replace(substr(scenario_text, 1 +"
        " coalesce(nullif(instr(scenario_text, char(10) || '# --set '), 0),"
        " length(scenario_text))), char(10), ' ') FROM main.run JOIN chosen USING(run) WHERE"
        " chosen.status='complete' GROUP BY version LIMIT 8",
        "");
    while (source_row(s, rows))
        compare_refuse(c, "  %d runs of %.60s: engine=%.20s stack=%.60s commit=%.20s %.120s",
                       sqlite3_column_int(rows, 0), source_text(rows, 1), source_text(rows, 2),
                       source_text(rows, 3), source_text(rows, 4), source_text(rows, 5));
}

static void refuse_none(struct compare *c, int side)
{
    struct source *s = &c->arms[side].source;
    const char *select = c->request->select[side];
    int64_t runs = source_number(s, "SELECT count(*) FROM main.run", "");
    int64_t chosen = source_number(s, "SELECT count(*) FROM chosen", "");
    compare_refuse(c, "%s: no complete run%s%s%s for the %s; of its %lld runs %lld match", s->file,
                   select ? " of `" : "", select ? select : "", select ? "`" : "",
                   compare_side_names[side], (long long)runs, (long long)chosen);
    sqlite3_stmt *cells = source_query(s, "SELECT DISTINCT cell FROM main.run LIMIT 8", "");
    while (source_row(s, cells))
        compare_refuse(c, "  it has the cell %.200s", source_text(cells, 0));
}

static void describe(struct compare_arm *arm)
{
    sqlite3_stmt *row = source_query(&arm->source,
                                     "SELECT scenario, engine, stack, stack_version, commit_id,"
                                     " scenario_text FROM main.run WHERE run=(SELECT max(run) FROM"
                                     " chosen WHERE status='complete')",
                                     "");
    if (!source_row(&arm->source, row))
        return;
    snprintf(arm->scenario, sizeof arm->scenario, "%s", source_text(row, 0));
    snprintf(arm->engine, sizeof arm->engine, "%s", source_text(row, 1));
    snprintf(arm->stack, sizeof arm->stack, "%s", source_text(row, 2));
    snprintf(arm->version, sizeof arm->version, "%s", source_text(row, 3));
    snprintf(arm->commit, sizeof arm->commit, "%s", source_text(row, 4));
    arm->text = strdup(source_text(row, 5));
    sqlite3_finalize(row);
}

/* Of runs that did not complete those count whose cell and seed no complete one has. */
static int without(struct source *s, const char *status)
{
    return (int)source_number(s,
                              "SELECT count(*) FROM (SELECT DISTINCT cell, seed FROM chosen WHERE"
                              " status=? EXCEPT SELECT cell, seed FROM chosen WHERE"
                              " status='complete')",
                              "t", status);
}

static void take_arm(struct compare *c, int side)
{
    struct compare_arm *arm = &c->arms[side];
    struct source *s = &arm->source;
    int64_t versions =
        source_number(s, "SELECT count(DISTINCT version) FROM chosen WHERE status='complete'", "");
    if (s->status)
        return;
    if (versions == 0)
        refuse_none(c, side);
    else if (versions > 1)
        refuse_versions(c, side);
    if (versions != 1)
        return;
    describe(arm);
    source_run(s,
               "DELETE FROM chosen WHERE version<>(SELECT version FROM chosen WHERE"
               " status='complete')",
               "");
    arm->complete = (int)source_number(
        s, "SELECT count(*) FROM (SELECT DISTINCT cell, seed FROM chosen WHERE status='complete')",
        "");
    arm->failed = without(s, "failed");
    arm->interrupted = without(s, "interrupted");
    arm->running = without(s, "running");
    if (source_number(s,
                      "SELECT count(*) FROM (SELECT 1 FROM chosen GROUP BY cell HAVING"
                      " count(DISTINCT whole) > 1)",
                      ""))
        compare_refuse(c,
                       "%s: --%s names several cells where the other side has one: name the"
                       " same settings on both sides",
                       s->file, compare_side_names[side]);
}

static sqlite3_stmt *runs_of(struct source *s)
{
    return source_query(s,
                        "SELECT max(run), seed, cell, coalesce(trace_hash, '') FROM chosen WHERE"
                        " status='complete' GROUP BY seed, cell ORDER BY seed, cell",
                        "");
}

/* Which of the two rows comes first: -1, 0, 1; a side that has none left comes last. */
static int order(sqlite3_stmt *rows[COMPARE_SIDES], const int more[COMPARE_SIDES])
{
    if (!more[COMPARE_BASE] || !more[COMPARE_CANDIDATE])
        return more[COMPARE_BASE] ? -1 : 1;
    int64_t a = sqlite3_column_int64(rows[COMPARE_BASE], 1);
    int64_t b = sqlite3_column_int64(rows[COMPARE_CANDIDATE], 1);
    if (a != b)
        return a < b ? -1 : 1;
    return strcmp(source_text(rows[COMPARE_BASE], 2), source_text(rows[COMPARE_CANDIDATE], 2));
}

static void add_pair(struct compare *c, sqlite3_stmt *rows[COMPARE_SIDES])
{
    if (c->pair_count == COMPARE_PAIRS) {
        if (!c->status)
            compare_refuse(c, "more than %d pairs of runs", COMPARE_PAIRS);
        return;
    }
    struct compare_pair *pair = &c->pairs[c->pair_count];
    const char *hash = source_text(rows[COMPARE_BASE], 3);
    for (int side = 0; side < COMPARE_SIDES; side++)
        pair->run[side] = sqlite3_column_int64(rows[side], 0);
    pair->seed = sqlite3_column_int64(rows[COMPARE_BASE], 1);
    pair->identical = *hash && strcmp(hash, source_text(rows[COMPARE_CANDIDATE], 3)) == 0;
    c->identical += pair->identical;
    if (c->seed_count == 0 || c->seeds[c->seed_count - 1] != pair->seed)
        c->seeds[c->seed_count++] = pair->seed;
    c->seed_of[c->pair_count++] = c->seed_count - 1;
}

static void merge(struct compare *c)
{
    sqlite3_stmt *rows[COMPARE_SIDES];
    int more[COMPARE_SIDES];
    for (int side = 0; side < COMPARE_SIDES; side++) {
        rows[side] = runs_of(&c->arms[side].source);
        more[side] = source_row(&c->arms[side].source, rows[side]);
    }
    while (more[COMPARE_BASE] || more[COMPARE_CANDIDATE]) {
        int first = order(rows, more);
        if (first == 0)
            add_pair(c, rows);
        for (int side = 0; side < COMPARE_SIDES; side++) {
            if (first != 0 && (first < 0) != (side == COMPARE_BASE))
                continue;
            c->arms[side].alone += first != 0;
            more[side] = source_row(&c->arms[side].source, rows[side]);
        }
    }
    c->cell_count = c->seed_count ? (c->pair_count + c->seed_count - 1) / c->seed_count : 0;
}

static void check_arms(struct compare *c)
{
    const struct compare_arm *a = &c->arms[COMPARE_BASE], *b = &c->arms[COMPARE_CANDIDATE];
    char why[300];
    if (strcmp(a->scenario, b->scenario) != 0)
        compare_refuse(c, "other scenarios: `%s` and `%s`", a->scenario, b->scenario);
    if (strcmp(a->engine, b->engine) != 0 && !c->request->across_engines)
        compare_refuse(c, "other engines: %s and %s (--across-engines compares them all the same)",
                       a->engine, b->engine);
    compare_world(a->text ? a->text : "", b->text ? b->text : "", why, sizeof why);
    if (*why)
        compare_refuse(c, "other worlds: %s", why);
    for (int side = 0; side < COMPARE_SIDES; side++) {
        const struct compare_arm *arm = &c->arms[side];
        int lost = arm->failed + arm->interrupted + arm->running;
        if (lost && !c->request->incomplete)
            compare_refuse(c,
                           "%s: %d of the %s's %d runs did not complete (%d failed, %d interrupted,"
                           " %d running): run the scenario again, or leave them out with"
                           " --incomplete: what failed may have been the hard cases",
                           arm->source.file, lost, compare_side_names[side], lost + arm->complete,
                           arm->failed, arm->interrupted, arm->running);
    }
}

void compare_pair_up(struct compare *c)
{
    static struct condition sides[COMPARE_SIDES][COMPARE_WANTED];
    int counts[COMPARE_SIDES];
    for (int side = 0; side < COMPARE_SIDES; side++) {
        counts[side] = read_selection(c->request->select[side], sides[side]);
        if (counts[side] < 0) {
            compare_refuse(c, "--%s: expected KEY=VALUE,..., at most %d, got `%.100s`",
                           compare_side_names[side], COMPARE_WANTED, c->request->select[side]);
            return;
        }
    }
    check_apart(c, sides, counts);
    for (int side = 0; side < COMPARE_SIDES && !c->status; side++)
        choose(c, side, sides, counts);
    for (int side = 0; side < COMPARE_SIDES; side++)
        take_arm(c, side);
    if (compare_failed(c))
        return;
    check_arms(c);
    merge(c);
    if (!compare_failed(c) && c->pair_count == 0)
        compare_refuse(c, "no cell and seed that both sides have: run both with the same --seeds");
}
