/* compare_cells.c: one setting of a sweep against all its other ones, for each pair of
 * populations (`--cells`): all made the same dials in the same worlds.
 *
 * A cell is a pair of populations, whoever of the two dials.  In each the candidate meets every
 * baseline dial by dial: McNemar's exact test over the dials of which one side alone became
 * direct, and Holm over all cells and baselines.  Each dial has ports of its own, so that
 * dials count as independent; those of one seed share their boxes' kind alone. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/compare_parts.h"
#include "analysis/exit.h"
#include "analysis/holm.h"
#include "analysis/proportion.h"

#define ROWS       20000 /* cells times baselines */
#define WORD       64
#define NAME       128
#define ACHIEVABLE 0.05 /* cells in which nothing much can be reached are left out of a share */

struct row {
    char a[NAME], b[NAME], arm[WORD];
    double dials, best;             /* best: achievable by formula; NAN where not known */
    double direct, candidate;       /* dials of the baseline, of the candidate */
    double alone, candidate_alone;  /* direct on that side alone */
    double time_s, probes, sockets; /* of the baseline: median, means */
    double own_time_s, own_probes, own_sockets;
    double p, adjusted;
};

struct cells {
    struct source *source;
    char key[WORD], value[WORD];
    int count, worse, better;
    struct row *rows;
};

static int split(struct cells *c, const char *setting)
{
    const char *equals = strchr(setting, '=');
    size_t length = equals ? (size_t)(equals - setting) : 0;
    if (length == 0 || length >= WORD || strlen(equals + 1) >= WORD ||
        strspn(setting, "abcdefghijklmnopqrstuvwxyz0123456789_.") != length) {
        source_fail(c->source, EXIT_INPUT, "--cells", "expected KEY=VALUE of the sweep");
        return -1;
    }
    snprintf(c->key, sizeof c->key, "%.*s", (int)length, setting);
    snprintf(c->value, sizeof c->value, "%s", equals + 1);
    return 0;
}

/* The newest run of each cell and seed, and its dials. */
static void gather(struct cells *c)
{
    char path[WORD + 8];
    snprintf(path, sizeof path, "$.\"%s\"", c->key);
    source_run(c->source,
               "CREATE TEMP TABLE arm_run AS SELECT max(run) AS run, seed, arm, rest FROM"
               " (SELECT run, seed, json_extract(cell, ?) AS arm, json_remove(cell, ?) AS rest"
               " FROM main.run WHERE status='complete') WHERE arm IS NOT NULL"
               " GROUP BY seed, arm, rest",
               "tt", path, path);
    source_run(c->source,
               "CREATE TEMP TABLE met AS SELECT arm, rest, seed, src, dst, at_ns,"
               " min(s.population, d.population) AS a, max(s.population, d.population) AS b,"
               " outcome='direct' AS ok,"
               " direct_ns/1e9 AS time_s, coalesce(probes, 0) AS probes,"
               " coalesce(sockets, 0) AS sockets, best FROM arm_run JOIN main.dial USING(run)"
               " JOIN main.node AS s ON s.run=dial.run AND s.node=dial.src"
               " JOIN main.node AS d ON d.run=dial.run AND d.node=dial.dst"
               " LEFT JOIN main.pair ON pair.run=dial.run AND pair.src_nat=dial.src_nat"
               " AND pair.dst_nat=dial.dst_nat",
               "");
    source_run(c->source, "CREATE INDEX temp.met_by_dial ON met(arm, seed, src, dst, at_ns, rest)",
               "");
    source_run(c->source,
               "CREATE TEMP TABLE cost AS SELECT arm, a, b, avg(probes) AS probes,"
               " avg(sockets) AS sockets, max(time_s) FILTER (WHERE k=(n+1)/2) AS time_s FROM"
               " (SELECT *, row_number() OVER (PARTITION BY arm, a, b ORDER BY time_s IS NULL,"
               " time_s) AS k, count(time_s) OVER (PARTITION BY arm, a, b) AS n FROM met)"
               " GROUP BY arm, a, b",
               "");
}

static void check(struct cells *c)
{
    if (source_number(c->source,
                      "SELECT count(*) FROM (SELECT DISTINCT scenario_text, stack_version,"
                      " commit_id, engine FROM main.run JOIN arm_run USING(run))",
                      "") > 1)
        source_fail(c->source, EXIT_INPUT, NULL, "its runs are of several scenarios or versions");
    if (source_number(c->source, "SELECT count(*) FROM arm_run WHERE arm=?", "t", c->value) == 0)
        source_fail(c->source, EXIT_INPUT, c->value, "no run has that setting");
    if (source_number(c->source, "SELECT count(DISTINCT arm) FROM arm_run", "") == 1)
        source_fail(c->source, EXIT_INPUT, c->value, "there is no other setting beside it");
}

static void fill(struct row *r, sqlite3_stmt *q)
{
    double *const numbers[] = {
        &r->dials,  &r->best,   &r->direct,  &r->candidate,  &r->alone,      &r->candidate_alone,
        &r->time_s, &r->probes, &r->sockets, &r->own_time_s, &r->own_probes, &r->own_sockets};
    snprintf(r->a, sizeof r->a, "%s", source_text(q, 0));
    snprintf(r->b, sizeof r->b, "%s", source_text(q, 1));
    snprintf(r->arm, sizeof r->arm, "%s", source_text(q, 2));
    for (int i = 0; i < (int)(sizeof numbers / sizeof *numbers); i++)
        *numbers[i] = source_real(q, 3 + i);
    r->p = proportion_mcnemar_exact(r->alone, r->candidate_alone);
}

static void read_rows(struct cells *c)
{
    sqlite3_stmt *q = source_query(
        c->source,
        "SELECT m.a, m.b, m.arm, m.n, m.best, m.ok, m.own, m.alone, m.own_alone, x.time_s,"
        " x.probes, x.sockets, y.time_s, y.probes, y.sockets FROM"
        " (SELECT o.a AS a, o.b AS b, o.arm AS arm, count(*) AS n, avg(o.best) AS best,"
        " sum(o.ok) AS ok, sum(c.ok) AS own, sum(o.ok AND NOT c.ok) AS alone,"
        " sum(c.ok AND NOT o.ok) AS own_alone FROM met AS c JOIN met AS o ON o.seed=c.seed AND"
        " o.src=c.src AND o.dst=c.dst AND o.at_ns=c.at_ns AND o.rest=c.rest"
        " WHERE c.arm=?1 AND o.arm<>?1 GROUP BY o.a, o.b, o.arm) AS m"
        " JOIN cost AS x ON x.a=m.a AND x.b=m.b AND x.arm=m.arm"
        " JOIN cost AS y ON y.a=m.a AND y.b=m.b AND y.arm=?1 ORDER BY m.a, m.b, m.arm",
        "t", c->value);
    while (source_row(c->source, q)) {
        if (c->count == ROWS) {
            source_fail(c->source, EXIT_INPUT, NULL, "more cells than are compared");
            sqlite3_finalize(q);
            return;
        }
        fill(&c->rows[c->count++], q);
    }
}

static void judge(struct cells *c)
{
    double *p = calloc((size_t)c->count + 1, 2 * sizeof *p);
    if (!p) {
        source_fail(c->source, EXIT_LACKING, NULL, "out of memory");
        return;
    }
    for (int i = 0; i < c->count; i++)
        p[i] = c->rows[i].p;
    holm_adjust(p, p + c->count, c->count);
    for (int i = 0; i < c->count; i++) {
        struct row *r = &c->rows[i];
        r->adjusted = p[c->count + i];
        c->worse += r->adjusted < COMPARE_ALPHA && r->alone > r->candidate_alone;
        c->better += r->adjusted < COMPARE_ALPHA && r->alone < r->candidate_alone;
    }
    free(p);
}

/* ---- for people ---- */

static void put_rate(FILE *out, double hits, double n)
{
    struct interval x = proportion_wilson(hits, n, COMPARE_ALPHA);
    fprintf(out, "%5.1f %% [%5.1f, %5.1f]", 100 * hits / n, 100 * x.lo, 100 * x.hi);
}

/* The baseline that did best in the cell of the rows from i on; next: the row after it. */
static const struct row *strongest(const struct cells *c, int i, int *next)
{
    const struct row *best = &c->rows[i];
    int k = i;
    for (; k < c->count && strcmp(c->rows[k].a, c->rows[i].a) == 0 &&
           strcmp(c->rows[k].b, c->rows[i].b) == 0;
         k++)
        if (c->rows[k].direct > best->direct)
            best = &c->rows[k];
    *next = k;
    return best;
}

static void tell_cells(const struct cells *c, FILE *out)
{
    fprintf(out, "%-20s  %-20s  %5s  %7s  %-22s  %-10s  %-22s  %s\n", "between", "and", "dials",
            "formula", c->value, "strongest", "", "p (Holm)");
    for (int i = 0; i < c->count;) {
        const struct row *r = strongest(c, i, &i);
        int width = compare_print(out, r->a);
        fprintf(out, "%*s", width < 22 ? 22 - width : 1, "");
        width = compare_print(out, r->b);
        fprintf(out, "%*s", width < 22 ? 22 - width : 1, "");
        fprintf(out, "%5.0f  ", r->dials);
        if (isfinite(r->best))
            fprintf(out, "%5.1f %%  ", 100 * r->best);
        else
            fprintf(out, "%7s  ", "-");
        put_rate(out, r->candidate, r->dials);
        fputs("  ", out);
        width = compare_print(out, r->arm);
        fprintf(out, "%*s", width < 12 ? 12 - width : 1, "");
        put_rate(out, r->direct, r->dials);
        fprintf(out, "  %.2g%s\n", r->adjusted,
                r->adjusted < COMPARE_ALPHA && r->direct > r->candidate ? "  WORSE" : "");
    }
}

/* A setting over all cells: its direct share over seeds, what it reaches of what can be, its cost.
 */
static void tell_arm(struct cells *c, const char *arm, FILE *out)
{
    static const char *const one =
        "SELECT avg(ok), avg(probes), avg(sockets), (SELECT sum(ok)/sum(best) FROM (SELECT"
        " sum(ok) AS ok, sum(best) AS best, avg(best) AS share FROM met WHERE arm=?1 GROUP BY a, b)"
        " WHERE share>=?2), (SELECT 1.0*sum(mappings_made) FROM main.nat_box JOIN arm_run"
        " USING(run) WHERE arm=?1)/count(*) FROM met WHERE arm=?1";
    static const char *const middle =
        "SELECT time_s FROM met WHERE arm=?1 AND time_s IS NOT NULL ORDER BY time_s LIMIT 1"
        " OFFSET (SELECT count(time_s)/2 FROM met WHERE arm=?1)";
    double hits[1000], dials[1000], median = NAN;
    char time[TEXT_VALUE];
    int seeds = 0;
    sqlite3_stmt *q = source_query(
        c->source, "SELECT sum(ok), count(*) FROM met WHERE arm=? GROUP BY seed LIMIT 1000", "t",
        arm);
    for (; source_row(c->source, q); seeds++) {
        hits[seeds] = source_real(q, 0);
        dials[seeds] = source_real(q, 1);
    }
    q = source_query(c->source, middle, "t", arm);
    while (source_row(c->source, q))
        median = source_real(q, 0);
    q = source_query(c->source, one, "tr", arm, ACHIEVABLE);
    while (source_row(c->source, q)) {
        struct interval x = proportion_clustered(hits, dials, seeds, COMPARE_ALPHA);
        fprintf(out, "%-12s %5d  %5.1f %% [%5.1f, %5.1f]  %9.3f  %10s  %8.1f  %8.2f  %8.1f\n", arm,
                seeds, 100 * source_real(q, 0), 100 * x.lo, 100 * x.hi, source_real(q, 3),
                text_seconds(time, median), source_real(q, 1), source_real(q, 2),
                source_real(q, 4));
    }
}

static void tell_arms(struct cells *c, FILE *out)
{
    char arms[64][WORD];
    int count = 0;
    sqlite3_stmt *q =
        source_query(c->source, "SELECT DISTINCT arm FROM arm_run ORDER BY arm LIMIT 64", "");
    for (; source_row(c->source, q); count++)
        snprintf(arms[count], WORD, "%s", source_text(q, 0));
    fprintf(out, "\n%-12s %5s  %-24s  %9s  %10s  %8s  %8s  %8s\n", "", "seeds", "direct",
            "/ formula", "median", "probes", "sockets", "mappings");
    for (int i = 0; i < count; i++)
        tell_arm(c, arms[i], out);
    fprintf(
        out,
        "(95 %% intervals; the share of the formula where that is 5 %% and more; probes and"
        " sockets of\n the dialer, mappings of all boxes, a dial, with what the overlay takes)\n");
}

static void tell(struct cells *c, FILE *out)
{
    tell_cells(c, out);
    tell_arms(c, out);
    fprintf(out, "\n%d comparisons, Holm: ", c->count);
    compare_print(out, c->value);
    fprintf(out, " is better in %d, worse in %d\n", c->better, c->worse);
}

/* ---- for programs ---- */

static void tell_json(const struct cells *c, FILE *out)
{
    fputs("{\"version\":1,\"candidate\":", out);
    text_json(out, c->value);
    fprintf(out, ",\"better\":%d,\"worse\":%d,\"comparisons\":[", c->better, c->worse);
    for (int i = 0; i < c->count; i++) {
        const struct row *r = &c->rows[i];
        const struct {
            const char *name;
            double value;
        } numbers[] = {{"dials", r->dials},
                       {"formula", r->best},
                       {"candidate_direct", r->candidate},
                       {"direct", r->direct},
                       {"candidate_alone", r->candidate_alone},
                       {"alone", r->alone},
                       {"p", r->p},
                       {"p_adjusted", r->adjusted},
                       {"candidate_time_s", r->own_time_s},
                       {"time_s", r->time_s},
                       {"candidate_probes", r->own_probes},
                       {"probes", r->probes},
                       {"candidate_sockets", r->own_sockets},
                       {"sockets", r->sockets}};
        fputs(i ? ",\n{\"a\":" : "\n{\"a\":", out);
        text_json(out, r->a);
        fputs(",\"b\":", out);
        text_json(out, r->b);
        fputs(",\"baseline\":", out);
        text_json(out, r->arm);
        for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) {
            fprintf(out, ",\"%s\":", numbers[k].name);
            text_json_number(out, numbers[k].value);
        }
        fputc('}', out);
    }
    fputs("]}\n", out);
}

int compare_cells(struct source *source, const char *setting, enum compare_form form, FILE *out)
{
    struct cells c = {.source = source, .rows = calloc(ROWS, sizeof *c.rows)};
    if (!c.rows)
        source_fail(source, EXIT_LACKING, NULL, "out of memory");
    if (!source->status && split(&c, setting) == 0)
        gather(&c);
    if (!source->status)
        check(&c);
    if (!source->status)
        read_rows(&c);
    if (!source->status)
        judge(&c);
    if (!source->status && form == FORM_JSON)
        tell_json(&c, out);
    else if (!source->status)
        tell(&c, out);
    free(c.rows);
    return source->status ? source->status : c.worse ? EXIT_WORSE : EXIT_FINE;
}
