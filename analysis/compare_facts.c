/* compare_facts.c: who connected how (`--facts`): for every dial of an ordered pair of nodes
 * both NATs, the outcome and the class of the path.  Two engines carry the same scenario
 * in different microseconds, but to the same facts. */
#include <string.h>

#include "analysis/compare_parts.h"
#include "analysis/exit.h"

#define TOLD 100

/* What opened a path may depend on which datagram came first; that it had to be opened does
 * not.  So all that is punched is one class, and so are relays. */
static const char *class_of(const char *path)
{
    static const char *const classes[][2] = {
        {"punched", "punched"},  {"predicted", "punched"}, {"sprayed", "punched"},
        {"reversed", "punched"}, {"relay", "relay"},       {"relay2", "relay"},
    };
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (strcmp(path, classes[i][0]) == 0)
            return classes[i][1];
    return path;
}

struct facts {
    struct compare *c;
    const struct compare_pair *pair;
    FILE *out;
    int64_t dials, differ;
};

static void put_fact(const struct compare_dial *d, int side, FILE *out)
{
    compare_print(out, d->outcome[side] ? d->outcome[side] : "no dial");
    if (d->outcome[side]) {
        fputc(' ', out);
        compare_print(out, class_of(d->path[side]));
    }
}

static void tell_text(const struct facts *f, const struct compare_dial *d)
{
    char src[64], dst[64];
    fprintf(f->out, "seed %lld  ", (long long)d->seed);
    compare_print(f->out, compare_node(f->c, f->pair, d->src, src));
    fputs(" (", f->out);
    compare_print(f->out, d->src_nat);
    fputs(") to ", f->out);
    compare_print(f->out, compare_node(f->c, f->pair, d->dst, dst));
    fputs(" (", f->out);
    compare_print(f->out, d->dst_nat);
    fputs("): ", f->out);
    put_fact(d, COMPARE_BASE, f->out);
    fputs(", new ", f->out);
    put_fact(d, COMPARE_CANDIDATE, f->out);
    fputc('\n', f->out);
}

static void tell_json(const struct facts *f, const struct compare_dial *d)
{
    fprintf(f->out, "%s\n    {\"seed\": %lld, \"src\": %lld, \"dst\": %lld, \"src_nat\": ",
            f->differ > 1 ? "," : "", (long long)d->seed, (long long)d->src, (long long)d->dst);
    text_json(f->out, d->src_nat);
    fputs(", \"dst_nat\": ", f->out);
    text_json(f->out, d->dst_nat);
    for (int side = 0; side < COMPARE_SIDES; side++) {
        fprintf(f->out, ", \"%s\": ", compare_side_names[side]);
        if (!d->outcome[side]) {
            fputs("null", f->out);
            continue;
        }
        fputs("{\"outcome\": ", f->out);
        text_json(f->out, d->outcome[side]);
        fputs(", \"path\": ", f->out);
        text_json(f->out, class_of(d->path[side]));
        fputc('}', f->out);
    }
    fputc('}', f->out);
}

static void take(void *data, const struct compare_dial *d)
{
    struct facts *f = data;
    const char *const *outcome = d->outcome, *const *path = d->path;
    f->dials++;
    if (outcome[0] && outcome[1] && strcmp(outcome[0], outcome[1]) == 0 &&
        strcmp(class_of(path[0]), class_of(path[1])) == 0)
        return;
    f->differ++;
    if (f->c->request->form == FORM_JSON)
        tell_json(f, d);
    else if (f->differ <= TOLD)
        tell_text(f, d);
}

int compare_facts(struct compare *c, FILE *out)
{
    struct facts f = {.c = c, .out = out};
    int json = c->request->form == FORM_JSON;
    if (json)
        fputs("{\"version\": 1, \"differ\": [", out);
    for (int i = 0; i < c->pair_count; i++) {
        f.pair = &c->pairs[i];
        compare_each_dial(c, f.pair, take, &f);
    }
    if (compare_failed(c))
        return c->status;
    if (json)
        fprintf(out, "],\n  \"dials\": %lld, \"pairs\": %d, \"equal\": %s}\n", (long long)f.dials,
                c->pair_count, f.differ ? "false" : "true");
    else if (f.differ > TOLD)
        fprintf(out, "and %lld more\n", (long long)(f.differ - TOLD));
    if (!json)
        fprintf(out, "%s: %lld of %lld dials of %d pairs of runs differ\n",
                f.differ ? "DIFFER" : "equal", (long long)f.differ, (long long)f.dials,
                c->pair_count);
    return f.differ ? EXIT_WORSE : EXIT_FINE;
}
