/* compare_why.c: one metric, seed by seed: where its difference comes from, and what was
 * gained by giving both sides the same worlds. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/compare_parts.h"
#include "analysis/proportion.h"

#define SEEDS_TOLD 40
#define DIALS_TOLD 20
#define NATS       64 /* pairs of NAT labels that are told */
#define LABEL      80

/* A dial counts for the metric by this. */
static int went_well(const struct compare_metric *metric, const char *outcome)
{
    static const char *const of_direct[] = {"dial.direct", "dial.punch"};
    for (int i = 0; i < 2; i++)
        if (strncmp(metric->name, of_direct[i], strlen(of_direct[i])) == 0)
            return strcmp(outcome, "direct") == 0;
    return strcmp(outcome, "failed") != 0;
}

struct nats {
    char src[LABEL], dst[LABEL];
    int64_t dials, only[COMPARE_SIDES];
};

struct told {
    struct compare *c;
    const struct compare_pair *pair;
    FILE *out;
    int nat_count, left_out, dials;
    int64_t taken, both_well, only[COMPARE_SIDES]; /* of the dials that both sides have */
    struct nats nats[NATS];
};

static struct nats *find_nats(struct told *t, const struct compare_dial *d)
{
    for (int i = 0; i < t->nat_count; i++)
        if (strncmp(t->nats[i].src, d->src_nat, LABEL - 1) == 0 &&
            strncmp(t->nats[i].dst, d->dst_nat, LABEL - 1) == 0)
            return &t->nats[i];
    if (t->nat_count == NATS)
        return NULL;
    struct nats *n = &t->nats[t->nat_count++];
    snprintf(n->src, LABEL, "%s", d->src_nat);
    snprintf(n->dst, LABEL, "%s", d->dst_nat);
    return n;
}

static void tell_dial(struct told *t, const struct compare_dial *d)
{
    char src[64], dst[64];
    if (t->dials++ >= DIALS_TOLD)
        return;
    if (t->dials == 1)
        fputs("\ndials that changed:\n", t->out);
    fprintf(t->out, "  seed %lld dial %lld: ", (long long)d->seed,
            (long long)d->number[COMPARE_BASE]);
    compare_print(t->out, compare_node(t->c, t->pair, d->src, src));
    fputs(" (", t->out);
    compare_print(t->out, d->src_nat);
    fputs(") to ", t->out);
    compare_print(t->out, compare_node(t->c, t->pair, d->dst, dst));
    fputs(" (", t->out);
    compare_print(t->out, d->dst_nat);
    fputs("): ", t->out);
    for (int side = 0; side < COMPARE_SIDES; side++) {
        compare_print(t->out, d->outcome[side]);
        fputc(' ', t->out);
        compare_print(t->out, d->path[side]);
        fputs(side ? "\n" : " became ", t->out);
    }
}

/* The dials taken one by one: what changed, and the share that it makes of all. */
static void put_discordant(FILE *out, const struct told *t)
{
    char p[COMPARE_TEXT];
    double base = (double)t->only[COMPARE_BASE], candidate = (double)t->only[COMPARE_CANDIDATE];
    struct interval d = proportion_newcombe_paired(
        (struct proportion_pairs){(double)t->both_well, base, candidate,
                                  (double)(t->taken - t->both_well) - base - candidate},
        0.05);
    compare_text_p(p, proportion_mcnemar_midp(base, candidate));
    fprintf(out,
            "\nof %lld dials of both sides %lld went well in base alone, %lld in new alone:"
            " %+.2f pt [%+.2f, %+.2f]\n(as if dials were independent: Newcombe's paired interval;"
            " McNemar, mid-p: %s)\n",
            (long long)t->taken, (long long)t->only[COMPARE_BASE],
            (long long)t->only[COMPARE_CANDIDATE], 100 * d.value, 100 * d.lo, 100 * d.hi, p);
}

static void take_dial(void *data, const struct compare_dial *d)
{
    struct told *t = data;
    if (!d->outcome[COMPARE_BASE] || !d->outcome[COMPARE_CANDIDATE])
        return;
    int base = went_well(t->c->request->why, d->outcome[COMPARE_BASE]);
    int candidate = went_well(t->c->request->why, d->outcome[COMPARE_CANDIDATE]);
    struct nats *n = find_nats(t, d);
    t->taken++;
    t->both_well += base && candidate;
    t->left_out += !n;
    if (n)
        n->dials++;
    if (base == candidate)
        return;
    t->only[base ? COMPARE_BASE : COMPARE_CANDIDATE]++;
    if (n)
        n->only[base ? COMPARE_BASE : COMPARE_CANDIDATE]++;
    tell_dial(t, d);
}

static int more_changed(const void *a, const void *b)
{
    const struct nats *x = a, *y = b;
    int64_t m = x->only[0] + x->only[1], n = y->only[0] + y->only[1];
    int labels = strcmp(x->src, y->src);
    return m != n ? (m < n) - (m > n) : labels ? labels : strcmp(x->dst, y->dst);
}

static void put_dials(struct compare *c, FILE *out)
{
    static struct told t;
    memset(&t, 0, sizeof t);
    t.c = c;
    t.out = out;
    for (int i = 0; i < c->pair_count; i++) {
        t.pair = &c->pairs[i];
        compare_each_dial(c, t.pair, take_dial, &t);
    }
    if (t.dials > DIALS_TOLD)
        fprintf(out, "  and %d more\n", t.dials - DIALS_TOLD);
    put_discordant(out, &t);
    qsort(t.nats, (size_t)t.nat_count, sizeof *t.nats, more_changed);
    for (int i = 0; i < t.nat_count && t.nats[i].only[0] + t.nats[i].only[1] > 0; i++) {
        fprintf(out, "  %6lld in base alone, %6lld in new alone, of %8lld: ",
                (long long)t.nats[i].only[0], (long long)t.nats[i].only[1],
                (long long)t.nats[i].dials);
        compare_print(out, t.nats[i].src);
        fputs(" -> ", out);
        compare_print(out, t.nats[i].dst);
        fputc('\n', out);
    }
    if (t.left_out)
        fprintf(out, "  (%d dials of further pairs of NATs are not listed)\n", t.left_out);
}

struct seed_change {
    int place;
    double change;
};

static int by_change(const void *a, const void *b)
{
    const struct seed_change *x = a, *y = b;
    double m = fabs(x->change), n = fabs(y->change);
    return m != n ? (m < n) - (m > n) : (x->place > y->place) - (x->place < y->place);
}

static double seed_value(const struct compare_result *r, int side, int seed)
{
    double value = r->values.hits[side][seed];
    return r->metric->kind == COMPARE_SHARE ? value / r->values.trials[side][seed] : value;
}

static void put_seeds(const struct compare *c, const struct compare_result *r, FILE *out)
{
    static struct seed_change seeds[COMPARE_PAIRS];
    char base[TEXT_VALUE], candidate[TEXT_VALUE], number[TEXT_VALUE];
    int count = 0;
    for (int k = 0; k < c->seed_count; k++) {
        double change = seed_value(r, 1, k) - seed_value(r, 0, k);
        if (isfinite(change))
            seeds[count++] = (struct seed_change){k, change};
    }
    qsort(seeds, (size_t)count, sizeof *seeds, by_change);
    fputs("\nseed by seed, the largest differences first:\n", out);
    for (int i = 0; i < count && i < SEEDS_TOLD; i++) {
        int k = seeds[i].place;
        text_value(base, seed_value(r, 0, k), r->metric->unit);
        text_value(candidate, seed_value(r, 1, k), r->metric->unit);
        if (r->metric->kind == COMPARE_SHARE)
            snprintf(number, sizeof number, "%+.2f pt", 100 * seeds[i].change);
        else
            snprintf(number, sizeof number, "%+.4g %s", seeds[i].change, r->metric->unit);
        fprintf(out, "  seed %-8lld base %-12s new %-12s %s\n", (long long)c->seeds[k], base,
                candidate, number);
    }
    if (count > SEEDS_TOLD)
        fprintf(out, "  and %d seeds that differ less\n", count - SEEDS_TOLD);
}

/* What the same worlds were worth. */
static void put_gain(const struct difference *d, FILE *out)
{
    double gain = d->variance_unpaired / d->variance_paired;
    fprintf(out, "\n%d seeds.  Sign-flip permutation test: p=%.3g\n", d->pairs, d->p_flip);
    if (!isfinite(d->correlation) || !(d->variance_paired > 0)) {
        fputs("A side never varies, or all seeds differ by the same: nothing to say about what"
              " common random numbers gain.\n",
              out);
        return;
    }
    fprintf(out,
            "Common random numbers: correlation of the sides over seeds %.3f; variance of a seed's"
            " difference %.3g, with other seeds for each side %.3g, a gain of %.2f: without pairing"
            " %.0f seeds a side would say as much as these %d.\n",
            d->correlation, d->variance_paired, d->variance_unpaired, gain, ceil(gain * d->pairs),
            d->pairs);
}

void compare_why(struct compare *c, FILE *out)
{
    const struct compare_result *r = NULL;
    char change[COMPARE_TEXT], p[COMPARE_TEXT], margin[COMPARE_TEXT], need[COMPARE_TEXT];
    for (int i = 0; i < c->result_count; i++)
        if (c->results[i].metric == c->request->why)
            r = &c->results[i];
    if (!r) {
        compare_refuse(c, "`%s` was measured by no seed on both sides", c->request->why->name);
        return;
    }
    fprintf(out, "%s (%s): %s", r->metric->name, r->metric->label, compare_text_change(change, r));
    if (r->metric->better)
        fprintf(out, "  %s  margin %s", verdict_name(r->verdict), compare_text_margin(margin, r));
    fprintf(out, "  p=%s", compare_text_p(p, r->difference.p));
    if (r->metric->better && r->verdict == VERDICT_UNDECIDED)
        fprintf(out, "  %s", compare_text_need(need, r));
    fputc('\n', out);
    put_gain(&r->difference, out);
    put_seeds(c, r, out);
    if (strncmp(r->metric->name, "dial.", 5) == 0)
        put_dials(c, out);
}
