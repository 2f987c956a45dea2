/* compare_judge.c: margins, differences, families, verdicts. */
#include <math.h>
#include <string.h>

#include "analysis/compare_parts.h"
#include "analysis/exit.h"
#include "analysis/holm.h"

#define POINT 0.01 /* the margin of a share that nobody declared */
#define PART  0.05 /* of everything else, of the base's value */

static const char *const defaults[] = {"dial.connected_rate", "dial.direct_rate", "dial.punch_rate",
                                       "dial.first_byte.p50", "dial.first_byte.p95"};

static struct compare_margin default_margin(const struct compare_metric *metric)
{
    int share = metric->kind == COMPARE_SHARE;
    return (struct compare_margin){metric, share ? POINT : PART, !share};
}

struct margins {
    int count;
    struct compare_margin all[COMPARE_GATING];
};

static void put(struct compare *c, struct margins *m, struct compare_margin margin)
{
    for (int i = 0; i < m->count; i++)
        if (m->all[i].metric == margin.metric) {
            m->all[i] = margin;
            return;
        }
    if (m->count < COMPARE_GATING)
        m->all[m->count++] = margin;
    else
        compare_refuse(c, "more than %d gating metrics: each more asks for more seeds",
                       COMPARE_GATING);
}

/* What the scenario of that side declares. */
static void read_declared(struct compare *c, int side, struct margins *m)
{
    struct source *s = &c->arms[side].source;
    sqlite3_stmt *rows = source_query(
        s, "SELECT metric, margin, relative FROM main.margin WHERE run=? ORDER BY metric", "i",
        c->pairs[0].run[side]);
    while (source_row(s, rows)) {
        const struct compare_metric *metric = compare_metric_find(source_text(rows, 0));
        double most = source_real(rows, 1);
        if (!metric || !metric->better || !(most > 0 && isfinite(most))) {
            compare_refuse(c, "%s: declares a margin of `%.100s` that means nothing here", s->file,
                           source_text(rows, 0));
            continue;
        }
        put(c, m, (struct compare_margin){metric, most, sqlite3_column_int(rows, 2) != 0});
    }
}

static int same_margins(const struct margins *a, const struct margins *b)
{
    int same = a->count == b->count;
    for (int i = 0; same && i < a->count; i++)
        same = a->all[i].metric == b->all[i].metric && a->all[i].relative == b->all[i].relative &&
               fabs(a->all[i].most - b->all[i].most) <= 1e-12 * a->all[i].most;
    return same;
}

/* The base's scenario, else the defaults; then what the line says. */
static void take_margins(struct compare *c, struct margins *m)
{
    struct margins other = {0};
    read_declared(c, COMPARE_BASE, m);
    read_declared(c, COMPARE_CANDIDATE, &other);
    c->margins_differ = !same_margins(m, &other);
    c->margins_from = m->count ? MARGINS_OF_SCENARIO : MARGINS_DEFAULT;
    for (size_t i = 0; c->margins_from == MARGINS_DEFAULT && i < sizeof defaults / sizeof *defaults;
         i++)
        put(c, m, default_margin(compare_metric_find(defaults[i])));
    for (int i = 0; i < c->request->margin_count; i++)
        put(c, m, c->request->margins[i]);
    for (int i = 0; c->request->most_loss > 0 && i < m->count; i++)
        if (m->all[i].metric->kind == COMPARE_SHARE)
            m->all[i].most = c->request->most_loss;
    if (c->request->margin_count || c->request->most_loss > 0)
        c->margins_from = MARGINS_OF_LINE;
}

static int is_default(const char *name)
{
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
        if (strcmp(defaults[i], name) == 0)
            return 1;
    return 0;
}

/* Marks the gating results.  Of the defaults those may lack that nobody asked for. */
static void mark_gating(struct compare *c, const struct margins *m)
{
    for (int i = 0; i < c->result_count; i++)
        c->results[i].declared = default_margin(c->results[i].metric);
    for (int k = 0; k < m->count; k++) {
        struct compare_result *found = NULL;
        for (int i = 0; i < c->result_count; i++)
            if (c->results[i].metric == m->all[k].metric)
                found = &c->results[i];
        if (found) {
            found->gating = 1;
            found->declared = m->all[k];
            c->gating_count++;
        } else if (c->margins_from == MARGINS_OF_SCENARIO || !is_default(m->all[k].metric->name)) {
            compare_refuse(c, "`%s` has to be judged by, and no seed measured it on both sides",
                           m->all[k].metric->name);
        }
    }
    if (c->gating_count == 0)
        compare_refuse(c, "nothing was measured by which to judge: name metrics under `compare` in"
                          " the scenario, or with --margin");
}

static void gating_first(struct compare *c)
{
    static struct compare_result sorted[COMPARE_METRICS];
    int count = 0;
    for (int gating = 1; gating >= 0; gating--)
        for (int i = 0; i < c->result_count; i++)
            if (c->results[i].gating == gating)
                sorted[count++] = c->results[i];
    memcpy(c->results, sorted, sizeof sorted);
}

static void differ(const struct compare *c, struct compare_result *r)
{
    double *const *v = r->values.hits, *const *trials = r->values.trials;
    switch (r->metric->kind) {
    case COMPARE_SHARE:
        r->difference =
            difference_shares(v[0], trials[0], v[1], trials[1], c->seed_count, COMPARE_ALPHA);
        break;
    case COMPARE_QUANTILE:
        r->difference = difference_quantiles(v[0], v[1], c->seed_count, COMPARE_ALPHA);
        break;
    case COMPARE_MEAN:
        r->difference = difference_means(v[0], v[1], c->seed_count, COMPARE_ALPHA);
        break;
    }
    double base = r->difference.base.value;
    r->margin = r->declared.most;
    if (r->declared.relative)
        r->margin *= isfinite(base) ? fabs(base) : 0;
}

/* p-values of a family, adjusted; results from first that have a better. */
static void adjust(struct compare_result *first, int count,
                   void (*procedure)(const double *, double *, int))
{
    double p[COMPARE_METRICS] = {0}, adjusted[COMPARE_METRICS];
    int places[COMPARE_METRICS], family = 0;
    for (int i = 0; i < count; i++) {
        first[i].p_adjusted = (double)NAN;
        if (!first[i].metric->better)
            continue;
        places[family] = i;
        p[family++] = first[i].difference.p;
    }
    procedure(p, adjusted, family);
    for (int i = 0; i < family; i++)
        first[places[i]].p_adjusted = adjusted[i];
}

static void judge(struct compare_result *r, int family)
{
    struct margin margin = {r->margin, r->metric->better};
    if (!margin.better)
        return;
    r->verdict = verdict_of(&r->difference, margin, r->p_adjusted);
    if (r->verdict == VERDICT_UNDECIDED)
        r->seeds_needed = verdict_seeds_needed(&r->difference, margin, family);
}

void compare_judge(struct compare *c)
{
    struct margins m = {0};
    take_margins(c, &m);
    mark_gating(c, &m);
    if (compare_failed(c))
        return;
    gating_first(c);
    for (int i = 0; i < c->result_count; i++)
        differ(c, &c->results[i]);
    int rest = c->result_count - c->gating_count;
    adjust(c->results, c->gating_count, holm_adjust);
    adjust(c->results + c->gating_count, rest, holm_discovery);
    for (int i = 0; i < c->result_count; i++)
        judge(&c->results[i], c->results[i].gating ? c->gating_count : rest);
}

int compare_exit(const struct compare *c)
{
    int code = EXIT_FINE;
    for (int i = 0; i < c->gating_count; i++) {
        if (c->results[i].verdict == VERDICT_WORSE)
            return EXIT_WORSE;
        if (c->results[i].verdict == VERDICT_UNDECIDED)
            code = EXIT_UNDECIDED;
    }
    return code;
}
