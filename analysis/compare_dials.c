/* compare_dials.c: the dials of both sides, one by one.
 *
 * Which dials are made is drawn by keys that the core cannot shift, so that both sides make
 * the same ones: same source, same target, same time.  Between engines, of which one may
 * run in real time, the order among the dials of a pair takes the place of the time. */
#include <string.h>

#include "analysis/compare_parts.h"

static sqlite3_stmt *dials_of(struct compare *c, const struct compare_pair *pair, int side)
{
    const char *sql = c->request->across_engines
                          ? "SELECT src, dst, row_number() OVER (PARTITION BY src, dst ORDER BY"
                            " at_ns, dial) AS k, dial, src_nat, dst_nat, outcome, path,"
                            " coalesce(rtt_ideal_ns, -1) FROM main.dial WHERE run=?"
                            " ORDER BY src, dst, k"
                          : "SELECT src, dst, at_ns, dial, src_nat, dst_nat, outcome, path,"
                            " coalesce(rtt_ideal_ns, -1) FROM main.dial WHERE run=?"
                            " ORDER BY src, dst, at_ns, dial";
    return source_query(&c->arms[side].source, sql, "i", pair->run[side]);
}

/* Which of the two rows comes first: < 0, 0, > 0. */
static int order(sqlite3_stmt *rows[COMPARE_SIDES], const int more[COMPARE_SIDES])
{
    if (!more[COMPARE_BASE] || !more[COMPARE_CANDIDATE])
        return more[COMPARE_BASE] ? -1 : 1;
    for (int column = 0; column < 3; column++) {
        int64_t a = sqlite3_column_int64(rows[COMPARE_BASE], column);
        int64_t b = sqlite3_column_int64(rows[COMPARE_CANDIDATE], column);
        if (a != b)
            return a < b ? -1 : 1;
    }
    return 0;
}

static void fill_dial(struct compare_dial *d, sqlite3_stmt *row, int side)
{
    d->src = sqlite3_column_int64(row, 0);
    d->dst = sqlite3_column_int64(row, 1);
    d->number[side] = sqlite3_column_int64(row, 3);
    d->src_nat = source_text(row, 4);
    d->dst_nat = source_text(row, 5);
    d->outcome[side] = source_text(row, 6);
    d->path[side] = source_text(row, 7);
    d->ideal_ns[side] = sqlite3_column_int64(row, 8);
}

void compare_each_dial(struct compare *c, const struct compare_pair *pair,
                       void (*use)(void *data, const struct compare_dial *dial), void *data)
{
    sqlite3_stmt *rows[COMPARE_SIDES];
    int more[COMPARE_SIDES];
    for (int side = 0; side < COMPARE_SIDES; side++) {
        rows[side] = dials_of(c, pair, side);
        more[side] = source_row(&c->arms[side].source, rows[side]);
    }
    while (more[COMPARE_BASE] || more[COMPARE_CANDIDATE]) {
        struct compare_dial d = {.seed = pair->seed, .ideal_ns = {-1, -1}};
        int first = order(rows, more), taken[COMPARE_SIDES] = {first <= 0, first >= 0};
        for (int side = 0; side < COMPARE_SIDES; side++)
            if (taken[side])
                fill_dial(&d, rows[side], side);
        use(data, &d);
        for (int side = 0; side < COMPARE_SIDES; side++)
            if (taken[side])
                more[side] = source_row(&c->arms[side].source, rows[side]);
    }
}

static int is_direct(const char *outcome)
{
    return strcmp(outcome, "direct") == 0;
}

static int is_reached(const char *outcome)
{
    return strcmp(outcome, "failed") != 0;
}

/* Puts a dial down for the side on which alone it went well. */
static void discord(int64_t only[COMPARE_SIDES], int base, int candidate)
{
    only[COMPARE_BASE] += base && !candidate;
    only[COMPARE_CANDIDATE] += candidate && !base;
}

void compare_count_dial(struct compare_dials *n, const struct compare_dial *d)
{
    const char *a = d->outcome[COMPARE_BASE], *b = d->outcome[COMPARE_CANDIDATE];
    if (!a || !b) {
        n->unmatched[a ? COMPARE_BASE : COMPARE_CANDIDATE]++;
        return;
    }
    n->both++;
    n->changed += strcmp(a, b) != 0;
    discord(n->direct_only, is_direct(a), is_direct(b));
    discord(n->reached_only, is_reached(a), is_reached(b));
}

const char *compare_node(struct compare *c, const struct compare_pair *pair, int64_t node,
                         char name[64])
{
    sqlite3_stmt *row = source_query(&c->arms[COMPARE_BASE].source,
                                     "SELECT name FROM main.node WHERE run=? AND node=?", "ii",
                                     pair->run[COMPARE_BASE], node);
    snprintf(name, 64, "node %lld", (long long)node);
    if (source_row(&c->arms[COMPARE_BASE].source, row)) {
        snprintf(name, 64, "%s", source_text(row, 0));
        sqlite3_finalize(row);
    }
    return name;
}
