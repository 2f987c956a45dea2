/* compare_data.c: the comparison for programs: JSON (version 1; analysis/README.md tells
 * its fields) and JUnit, a test case per gating metric. */
#include <math.h>
#include <string.h>

#include "analysis/compare_parts.h"
#include "analysis/exit.h"

static void put_key(FILE *out, const char *key)
{
    fprintf(out, ", \"%s\": ", key);
}

static void put_text(FILE *out, const char *key, const char *text)
{
    put_key(out, key);
    text_json(out, text);
}

static void put_number(FILE *out, const char *key, double number)
{
    put_key(out, key);
    text_json_number(out, number);
}

static void put_interval(FILE *out, const char *key, struct interval x)
{
    put_key(out, key);
    fputs("{\"value\": ", out);
    text_json_number(out, x.value);
    put_number(out, "lo", x.lo);
    put_number(out, "hi", x.hi);
    fputc('}', out);
}

static void put_side(const struct compare *c, int side, FILE *out)
{
    const struct compare_arm *arm = &c->arms[side];
    fprintf(out, ",\n  \"%s\": {\"file\": ", compare_side_names[side]);
    text_json(out, arm->source.file);
    put_text(out, "select", c->request->select[side]);
    put_text(out, "stack", arm->stack);
    put_text(out, "stack_version", arm->version);
    put_text(out, "commit", arm->commit);
    put_text(out, "engine", arm->engine);
    put_number(out, "complete", arm->complete);
    put_number(out, "failed", arm->failed);
    put_number(out, "interrupted", arm->interrupted);
    put_number(out, "running", arm->running);
    put_number(out, "without_partner", arm->alone);
    fputc('}', out);
}

static double seed_value(const struct compare_result *r, int side, int seed)
{
    double value = r->values.hits[side][seed];
    return r->metric->kind == COMPARE_SHARE ? value / r->values.trials[side][seed] : value;
}

static void put_seeds(const struct compare *c, const struct compare_result *r, FILE *out)
{
    for (int side = 0; side < COMPARE_SIDES; side++) {
        fprintf(out, ", \"%s_by_seed\": [", compare_side_names[side]);
        for (int k = 0; k < c->seed_count; k++) {
            fputs(k ? ", " : "", out);
            text_json_number(out, seed_value(r, side, k));
        }
        fputc(']', out);
    }
}

static void put_result(const struct compare *c, const struct compare_result *r, FILE *out)
{
    const struct difference *d = &r->difference;
    fputs("{\"metric\": ", out);
    text_json(out, r->metric->name);
    put_text(out, "unit", r->metric->unit);
    fprintf(out, ", \"better\": \"%s\", \"gating\": %s",
            r->metric->better > 0   ? "higher"
            : r->metric->better < 0 ? "lower"
                                    : "",
            r->gating ? "true" : "false");
    put_interval(out, "base", d->base);
    put_interval(out, "candidate", d->candidate);
    put_interval(out, "difference", d->delta);
    put_number(out, "seeds", d->pairs);
    put_number(out, "p", d->p);
    put_number(out, "p_adjusted", r->p_adjusted);
    put_number(out, "p_sign_flip", d->p_flip);
    put_number(out, "correlation", d->correlation);
    put_number(out, "variance_paired", d->variance_paired);
    put_number(out, "variance_unpaired", d->variance_unpaired);
    if (r->metric->better) {
        put_number(out, "margin", r->margin);
        put_text(out, "verdict", verdict_name(r->verdict));
        put_key(out, "seeds_needed");
        if (r->verdict == VERDICT_UNDECIDED && r->seeds_needed)
            text_json_number(out, r->seeds_needed);
        else
            fputs("null", out);
    }
    put_seeds(c, r, out);
    fputc('}', out);
}

static void put_dials(const struct compare_dials *n, FILE *out)
{
    fprintf(out,
            ",\n  \"dials\": {\"both\": %lld, \"changed\": %lld, \"base_alone\": %lld,"
            " \"candidate_alone\": %lld, \"direct_in_base_only\": %lld,"
            " \"direct_in_candidate_only\": %lld, \"connected_in_base_only\": %lld,"
            " \"connected_in_candidate_only\": %lld}",
            (long long)n->both, (long long)n->changed, (long long)n->unmatched[0],
            (long long)n->unmatched[1], (long long)n->direct_only[0], (long long)n->direct_only[1],
            (long long)n->reached_only[0], (long long)n->reached_only[1]);
}

void compare_json(struct compare *c, FILE *out)
{
    static const char *const from[] = {[MARGINS_OF_SCENARIO] = "scenario",
                                       [MARGINS_DEFAULT] = "default",
                                       [MARGINS_OF_LINE] = "command line"};
    int identical = c->identical == c->pair_count;
    fputs("{\"version\": 1, \"scenario\": ", out);
    text_json(out, c->arms[COMPARE_BASE].scenario);
    put_number(out, "exit", compare_exit(c));
    put_number(out, "pairs", c->pair_count);
    put_number(out, "identical_pairs", c->identical);
    put_key(out, "seeds");
    for (int k = 0; k < c->seed_count; k++)
        fprintf(out, "%s%lld", k ? ", " : "[", (long long)c->seeds[k]);
    fputc(']', out);
    put_side(c, COMPARE_BASE, out);
    put_side(c, COMPARE_CANDIDATE, out);
    if (!identical) {
        put_text(out, "margins_from", from[c->margins_from]);
        put_number(out, "alpha", COMPARE_ALPHA);
        put_dials(&c->dials, out);
    }
    fputs(",\n  \"metrics\": [", out);
    for (int i = 0; i < c->result_count; i++) {
        fputs(i ? ",\n    " : "\n    ", out);
        put_result(c, &c->results[i], out);
    }
    fputs("]}\n", out);
}

static void put_case(const struct compare *c, const struct compare_result *r, FILE *out)
{
    char change[COMPARE_TEXT], need[COMPARE_TEXT], margin[COMPARE_TEXT];
    compare_text_change(change, r);
    compare_text_margin(margin, r);
    fputs("  <testcase classname=\"", out);
    text_html(out, c->arms[COMPARE_BASE].scenario, TEXT_LABEL);
    fprintf(out, "\" name=\"%s\">\n", r->metric->name);
    if (r->verdict == VERDICT_WORSE)
        fprintf(out, "    <failure type=\"WORSE\" message=\"%s, margin %s\"/>\n", change, margin);
    else if (r->verdict == VERDICT_UNDECIDED)
        fprintf(out, "    <error type=\"UNDECIDED\" message=\"%s, margin %s: %s\"/>\n", change,
                margin, compare_text_need(need, r));
    fprintf(out, "    <system-out>%s: %s, margin %s</system-out>\n  </testcase>\n",
            verdict_name(r->verdict), change, margin);
}

void compare_junit(struct compare *c, FILE *out)
{
    int worse = 0, undecided = 0;
    for (int i = 0; i < c->gating_count; i++) {
        worse += c->results[i].verdict == VERDICT_WORSE;
        undecided += c->results[i].verdict == VERDICT_UNDECIDED;
    }
    int identical = c->identical == c->pair_count;
    fprintf(out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"mistsim compare\""
            " tests=\"%d\" failures=\"%d\" errors=\"%d\">\n",
            identical ? 1 : c->gating_count, worse, undecided);
    if (identical) {
        fputs("  <testcase classname=\"", out);
        text_html(out, c->arms[COMPARE_BASE].scenario, TEXT_LABEL);
        fputs("\" name=\"trace hashes\"/>\n", out);
    }
    for (int i = 0; i < c->gating_count; i++)
        put_case(c, &c->results[i], out);
    fputs("</testsuite>\n", out);
}
