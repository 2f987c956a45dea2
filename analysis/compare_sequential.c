/* compare_sequential.c: verdicts that hold however often one looked (`--sequential`).
 *
 * Each gating metric has an interval that holds at all numbers of seeds at once
 * (sequential.h), at its share of the level (Bonferroni): so whoever adds seeds until this
 * says what it is, is wrong no more often than who looked once. */
#include <math.h>
#include <stdlib.h>

#include "analysis/compare_parts.h"
#include "analysis/sequential.h"

static struct interval always(const struct compare *c, const struct compare_result *r, double alpha)
{
    double *const *v = r->values.hits, *const *trials = r->values.trials;
    double differences[COMPARE_PAIRS];
    if (r->metric->kind == COMPARE_SHARE)
        return sequential_shares(v[0], trials[0], v[1], trials[1], c->seed_count, alpha);
    for (int s = 0; s < c->seed_count; s++)
        differences[s] = v[1][s] - v[0][s];
    return sequential_means(differences, c->seed_count, alpha);
}

static void judge(const struct compare *c, struct compare_result *r)
{
    struct margin margin = {r->margin, r->metric->better};
    r->difference.delta = always(c, r, COMPARE_ALPHA / c->gating_count);
    r->verdict = verdict_sequential(r->difference.delta, margin);
}

static void put_text(const struct compare *c, FILE *out)
{
    char change[COMPARE_TEXT], margin[COMPARE_TEXT];
    fprintf(
        out,
        "after %d paired seeds; intervals that hold at every look (family-wise error %.0f %%)\n",
        c->seed_count, 100 * COMPARE_ALPHA);
    for (int i = 0; i < c->gating_count; i++) {
        const struct compare_result *r = &c->results[i];
        fprintf(out, "  %-24s  %-9s  %s  (margin %s)\n", r->metric->name, verdict_name(r->verdict),
                compare_text_change(change, r), compare_text_margin(margin, r));
    }
}

static void put_number(FILE *out, const char *key, double value)
{
    if (isfinite(value))
        fprintf(out, ",\"%s\":%.12g", key, value);
    else
        fprintf(out, ",\"%s\":null", key);
}

/* Names of metrics and words of verdicts need no quoting. */
static void put_json(const struct compare *c, FILE *out)
{
    fprintf(out, "{\"version\":1,\"sequential\":true,\"seeds\":%d,\"exit\":%d,\"gating\":[",
            c->seed_count, compare_exit(c));
    for (int i = 0; i < c->gating_count; i++) {
        const struct compare_result *r = &c->results[i];
        fprintf(out, "%s{\"metric\":\"%s\",\"verdict\":\"%s\"", i ? "," : "", r->metric->name,
                verdict_name(r->verdict));
        put_number(out, "margin", r->margin);
        put_number(out, "difference", r->difference.delta.value);
        put_number(out, "lo", r->difference.delta.lo);
        put_number(out, "hi", r->difference.delta.hi);
        fputc('}', out);
    }
    fputs("]}\n", out);
}

void compare_sequential(struct compare *c, FILE *out)
{
    for (int i = 0; i < c->gating_count; i++)
        judge(c, &c->results[i]);
    if (c->request->form == FORM_JSON)
        put_json(c, out);
    else
        put_text(c, out);
}
