/* record_expect.c: see record_expect.h. */
#include "sim/record_expect.h"

#include <math.h>
#include <string.h>

#include "sim/plan.h"
#include "stack/check.h"

/* The summary costs a pass over all rows: once is enough. */
static const char take_summary[] =
    "CREATE TEMP TABLE measured AS SELECT metric, value FROM summary WHERE run=1";

/* The metric as the summary has it, or the last value of a series of that name. */
static const char of_run[] =
    "SELECT value FROM (SELECT 1 AS choice, value FROM measured WHERE metric=?1"
    " UNION ALL SELECT 2, (SELECT value FROM series WHERE run=1 AND metric=?1"
    " ORDER BY at_ns DESC LIMIT 1)) WHERE value IS NOT NULL ORDER BY choice LIMIT 1";

/* The same over the dials of one ordered pair (plan.h): each end is a population
 * or, where none is called so, a NAT. */
#define PAIR                                                                                       \
    " FROM dial_tally, (SELECT ?2 IN (SELECT population FROM node WHERE run=1) AS src_is,"         \
    " ?3 IN (SELECT population FROM node WHERE run=1) AS dst_is)"                                  \
    " WHERE run=1 AND ?2 = CASE WHEN src_is THEN src_population ELSE src_nat END"                  \
    " AND ?3 = CASE WHEN dst_is THEN dst_population ELSE dst_nat END"
static const char of_pair[] =
    "SELECT CASE ?1 WHEN 'dial.count' THEN dials WHEN 'dial.direct_rate' THEN 1.0*direct/dials"
    " WHEN 'dial.relayed_rate' THEN 1.0*relayed/dials"
    " WHEN 'dial.failed_rate' THEN 1.0*failed/dials"
    " WHEN 'dial.connected_rate' THEN 1.0*(direct+relayed)/dials"
    " WHEN 'dial.punch_rate' THEN 1.0*punched/tried END"
    " FROM (SELECT sum(dials) AS dials, sum(direct) AS direct, sum(relayed) AS relayed,"
    " sum(failed) AS failed, sum(tried) AS tried, sum(punched) AS punched" PAIR ")";

int record_expect_holds(const struct plan_expect *expect, double value)
{
    const char *relation = expect->relation;
    double bound = expect->value;
    if (strcmp(relation, ">=") == 0)
        return value >= bound;
    if (strcmp(relation, "<=") == 0)
        return value <= bound;
    if (strcmp(relation, ">") == 0)
        return value > bound;
    if (strcmp(relation, "<") == 0)
        return value < bound;
    CHECK(strcmp(relation, "==") == 0);
    return fabs(value - bound) <= 1e-12 * fmax(1, fabs(bound));
}

/* *known: was it measured? */
static int measure(sqlite3 *db, const struct plan_expect *expect, double *value, int *known)
{
    sqlite3_stmt *s = NULL;
    const char *name = expect->src ? expect->name : expect->metric;
    int rc = sqlite3_prepare_v2(db, expect->src ? of_pair : of_run, -1, &s, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK && expect->src)
        rc = sqlite3_bind_text(s, 2, expect->src, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK && expect->src)
        rc = sqlite3_bind_text(s, 3, expect->dst, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(s);
    *known = rc == SQLITE_ROW && sqlite3_column_type(s, 0) != SQLITE_NULL;
    *value = *known ? sqlite3_column_double(s, 0) : 0;
    sqlite3_finalize(s);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int store(sqlite3_stmt *insert, const struct plan_expect *expect, double value, int known,
                 int ok)
{
    sqlite3_bind_text(insert, 1, expect->metric, -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 2, expect->bound, -1, SQLITE_STATIC);
    if (known)
        sqlite3_bind_double(insert, 3, value);
    else
        sqlite3_bind_null(insert, 3);
    sqlite3_bind_int(insert, 4, ok);
    int rc = sqlite3_step(insert);
    sqlite3_reset(insert);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int record_expect(sqlite3 *db, const struct plan *plan, int *failed)
{
    *failed = 0;
    if (plan->expect_count == 0)
        return SQLITE_OK;
    sqlite3_stmt *insert = NULL;
    int rc = sqlite3_exec(db, take_summary, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(db, "INSERT OR REPLACE INTO expectation VALUES(1,?,?,?,?)", -1,
                                &insert, NULL);
    for (uint32_t i = 0; i < plan->expect_count && rc == SQLITE_OK; i++) {
        const struct plan_expect *expect = &plan->expects[i];
        double value;
        int known;
        rc = measure(db, expect, &value, &known);
        int ok = known && record_expect_holds(expect, value);
        *failed += !ok;
        if (rc == SQLITE_OK)
            rc = store(insert, expect, value, known, ok);
    }
    sqlite3_finalize(insert);
    return rc;
}
