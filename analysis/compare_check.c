/* compare_check.c: were the worlds the same?  The texts are (compare_world.c); what they
 * draw comes from further files too: profiles, populations, latencies. */
#include <string.h>

#include "analysis/compare_parts.h"

#define TOLD 3 /* pairs that are named when they differ */

static sqlite3_stmt *nodes_of(struct compare *c, const struct compare_pair *pair, int side)
{
    return source_query(&c->arms[side].source,
                        "SELECT node, name || ' of ' || population || ' in ' || coalesce(region,"
                        " 'no region') || ' behind ' || nat FROM main.node WHERE run=? ORDER BY"
                        " node",
                        "i", pair->run[side]);
}

/* Returns 1 where they differ, and says how. */
static int nodes_differ(struct compare *c, const struct compare_pair *pair)
{
    sqlite3_stmt *rows[COMPARE_SIDES];
    int more[COMPARE_SIDES], differ = 0;
    for (int side = 0; side < COMPARE_SIDES; side++)
        rows[side] = nodes_of(c, pair, side);
    do {
        const char *text[COMPARE_SIDES];
        for (int side = 0; side < COMPARE_SIDES; side++) {
            more[side] = source_row(&c->arms[side].source, rows[side]);
            text[side] = more[side] ? source_text(rows[side], 1) : "nobody";
        }
        differ = more[COMPARE_BASE] != more[COMPARE_CANDIDATE] ||
                 (more[COMPARE_BASE] && strcmp(text[COMPARE_BASE], text[COMPARE_CANDIDATE]) != 0);
        if (differ)
            compare_refuse(c,
                           "other worlds: with seed %lld there is %.150s in the one, %.150s in"
                           " the other",
                           (long long)pair->seed, text[COMPARE_BASE], text[COMPARE_CANDIDATE]);
    } while (!differ && more[COMPARE_BASE]);
    for (int side = 0; side < COMPARE_SIDES; side++)
        if (more[side])
            sqlite3_finalize(rows[side]);
    return differ;
}

struct passing {
    struct compare *c;
    const struct compare_pair *pair;
    int differ;
};

static void check_round_trip(struct passing *p, const struct compare_dial *d)
{
    int64_t a = d->ideal_ns[COMPARE_BASE], b = d->ideal_ns[COMPARE_CANDIDATE];
    char name[64], other[64];
    if (a < 0 || b < 0 || a == b || p->differ || p->c->request->across_engines)
        return;
    p->differ = 1;
    compare_refuse(p->c,
                   "other worlds: with seed %lld the round trip of the empty network between %s"
                   " and %s is %.3f ms in the one, %.3f ms in the other (other latencies?)",
                   (long long)p->pair->seed, compare_node(p->c, p->pair, d->src, name),
                   compare_node(p->c, p->pair, d->dst, other), (double)a / 1e6, (double)b / 1e6);
}

static void pass_dial(void *data, const struct compare_dial *d)
{
    struct passing *p = data;
    check_round_trip(p, d);
    compare_count_dial(&p->c->dials, d);
}

void compare_check(struct compare *c)
{
    int all_identical = c->identical == c->pair_count;
    for (int i = 0, told = 0; i < c->pair_count && told < TOLD; i++) {
        struct passing p = {c, &c->pairs[i], nodes_differ(c, &c->pairs[i])};
        if (!p.differ && !all_identical)
            compare_each_dial(c, &c->pairs[i], pass_dial, &p);
        told += p.differ;
    }
    compare_failed(c);
}
