/* record.c: see record.h.
 *
 * The part file is written without journal and without syncing: it is thrown
 * away unless its one transaction ends, and merged by a process that can read
 * it back whatever happens but a power cut, before which it promises nothing. */
#include "sim/record.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sim/oracle_census.h"
#include "sim/plan.h"
#include "sim/record_expect.h"
#include "sim/record_schema.h"
#include "sim/run_stack.h"
#include "stack/check.h"

struct record {
    sqlite3 *db;
    const struct plan *plan;
    sqlite3_stmt *insert[RECORD_TABLES];
    int failed; /* the first SQLite code that was not good, or 0 */
    char why[200];
};

static void fail(struct record *r, int rc)
{
    if (r->failed)
        return;
    r->failed = rc;
    snprintf(r->why, sizeof r->why, "%s", sqlite3_errmsg(r->db));
}

static int run_sql(struct record *r, const char *sql)
{
    int rc = r->failed ? r->failed : sqlite3_exec(r->db, sql, NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        fail(r, rc);
    return rc;
}

/* One value of a row: integer, real, text or nothing. */
struct value {
    enum { INTEGER, REAL, TEXT, NOTHING } type;
    int64_t integer;
    double real;
    const char *text;
};

static struct value count(uint64_t n)
{
    return (struct value){.type = INTEGER, .integer = (int64_t)n};
}

static struct value integer(int64_t n)
{
    return (struct value){.type = INTEGER, .integer = n};
}

static struct value duration(mist_time t)
{
    return (struct value){.type = t == RECORD_NONE ? NOTHING : INTEGER, .integer = t};
}

static struct value known(int is_known, int64_t n)
{
    return (struct value){.type = is_known ? INTEGER : NOTHING, .integer = n};
}

static struct value real(double x)
{
    return (struct value){.type = REAL, .real = x};
}

static struct value text(const char *s)
{
    return (struct value){.type = s ? TEXT : NOTHING, .text = s};
}

static int bind(sqlite3_stmt *s, int place, const struct value *v)
{
    switch (v->type) {
    case INTEGER: return sqlite3_bind_int64(s, place, v->integer);
    case REAL: return sqlite3_bind_double(s, place, v->real);
    case TEXT: return sqlite3_bind_text(s, place, v->text, -1, SQLITE_STATIC);
    case NOTHING: break;
    }
    return sqlite3_bind_null(s, place);
}

/* The values borrow their texts for the call. */
static void insert(struct record *r, enum record_table table, const struct value *values, int n)
{
    if (r->failed)
        return;
    CHECK(n == record_schema_tables[table].count);
    sqlite3_stmt *s = r->insert[table];
    int rc = SQLITE_OK;
    for (int i = 0; i < n && rc == SQLITE_OK; i++)
        rc = bind(s, i + 1, &values[i]);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(s);
    if (rc != SQLITE_DONE)
        fail(r, rc);
    sqlite3_reset(s);
}

#define INSERT(r, table, ...)                                                                      \
    insert(r, table, (const struct value[]){__VA_ARGS__},                                          \
           (int)(sizeof((const struct value[]){__VA_ARGS__}) / sizeof(struct value)))

static void prepare(struct record *r)
{
    for (int t = 0; t < RECORD_TABLES && !r->failed; t++) {
        const struct record_columns *c = &record_schema_tables[t];
        char sql[400];
        int n = snprintf(sql, sizeof sql, "INSERT INTO %s(run,%s) VALUES(1", c->table, c->columns);
        for (int i = 0; i < c->count; i++)
            n += snprintf(sql + n, sizeof sql - (size_t)n, ",?");
        n += snprintf(sql + n, sizeof sql - (size_t)n, ")");
        CHECK(n < (int)sizeof sql);
        int rc = sqlite3_prepare_v2(r->db, sql, -1, &r->insert[t], NULL);
        if (rc != SQLITE_OK)
            fail(r, rc);
    }
}

static void insert_run(struct record *r, const struct record_run *run)
{
    const struct plan *plan = r->plan;
    const struct value values[] = {
        text(plan->name),
        text(plan->text),
        text(plan->cell),
        count(plan->seed),
        text(run->engine),
        text(run->stack),
        text(run->stack_version),
        text(run->commit_id),
        text(run->started_utc ? run->started_utc : ""),
    };
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(r->db,
                                "INSERT INTO run(run,scenario,scenario_text,cell,seed,engine,stack,"
                                "stack_version,commit_id,started_utc,status)"
                                " VALUES(1,?,?,?,?,?,?,?,?,?,'running')",
                                -1, &s, NULL);
    for (int i = 0; i < (int)(sizeof values / sizeof *values) && rc == SQLITE_OK; i++)
        rc = bind(s, i + 1, &values[i]);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(s);
    if (rc != SQLITE_DONE)
        fail(r, rc);
    sqlite3_finalize(s);
}

static void insert_nodes(struct record *r, const char *stack)
{
    const struct plan *plan = r->plan;
    for (uint32_t h = 0; h < plan->host_count && !r->failed; h++) {
        const struct plan_host *host = &plan->hosts[h];
        CHECK(host->population < plan->population_count);
        const struct plan_population *population = &plan->populations[host->population];
        int has_region = plan->network.region_names && host->region < plan->network.regions;
        char name[300];
        snprintf(name, sizeof name, "%s.%" PRIu32, population->name, h - population->first);
        INSERT(r, RECORD_NODE, integer(h), text(name), text(population->name),
               text(has_region ? plan->network.region_names[host->region] : NULL), text(host->nat),
               text(population->stack ? population->stack->name : stack));
    }
}

static void insert_margins(struct record *r)
{
    const struct plan *plan = r->plan;
    for (uint32_t i = 0; i < plan->margin_count; i++)
        INSERT(r, RECORD_MARGIN, text(plan->margins[i].metric), real(plan->margins[i].margin),
               integer(plan->margins[i].relative));
}

static int is_occupied(const char *file)
{
    struct stat st;
    return stat(file, &st) == 0 && st.st_size > 0;
}

struct record *record_open(const char *file, const struct plan *plan, const struct record_run *run,
                           char *error, int error_size)
{
    if (is_occupied(file)) {
        snprintf(error, (size_t)error_size, "%s: there is something already", file);
        return NULL;
    }
    struct record *r = calloc(1, sizeof *r);
    if (!r) {
        snprintf(error, (size_t)error_size, "%s: out of memory", file);
        return NULL;
    }
    r->plan = plan;
    int rc = sqlite3_open_v2(file, &r->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    if (rc != SQLITE_OK)
        fail(r, rc);
    run_sql(r, "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;"
               "PRAGMA cache_size=-16384; BEGIN");
    if (!r->failed && (rc = record_schema_create(r->db)) != SQLITE_OK)
        fail(r, rc);
    prepare(r);
    if (!r->failed)
        insert_run(r, run);
    insert_nodes(r, run->stack);
    insert_margins(r);
    if (r->failed) {
        snprintf(error, (size_t)error_size, "%s: %s", file, r->why);
        record_abandon(r);
        return NULL;
    }
    return r;
}

void record_dial(struct record *r, const struct record_dial *d)
{
    CHECK(d->src < r->plan->host_count && d->dst < r->plan->host_count);
    INSERT(r, RECORD_DIAL, integer(d->dial), integer(d->at), integer(d->src), integer(d->dst),
           text(d->src_nat ? d->src_nat : r->plan->hosts[d->src].nat),
           text(d->dst_nat ? d->dst_nat : r->plan->hosts[d->dst].nat), text(d->outcome),
           text(d->path), duration(d->first), duration(d->direct), integer(d->attempts),
           integer(d->probes), integer(d->sockets), duration(d->rtt_first), duration(d->rtt_final),
           duration(d->rtt_ideal), text(d->reason), integer(d->window));
}

void record_lookup(struct record *r, mist_time at, uint32_t node, uint32_t hops, uint32_t peers,
                   mist_time latency, int ok)
{
    INSERT(r, RECORD_LOOKUP, integer(at), integer(node), integer(hops), integer(peers),
           duration(latency), integer(ok != 0));
}

void record_fault(struct record *r, uint32_t fault, mist_time at, mist_time until, const char *what,
                  uint32_t hosts)
{
    INSERT(r, RECORD_FAULT, integer(fault), integer(at), duration(until), text(what),
           integer(hosts));
}

void record_recovery(struct record *r, uint32_t fault, uint32_t dial, mist_time latency)
{
    INSERT(r, RECORD_RECOVERY, integer(fault), integer(dial), duration(latency));
}

void record_session(struct record *r, uint32_t node, uint32_t session, mist_time from,
                    mist_time until, const char *ended)
{
    CHECK(node < r->plan->host_count);
    INSERT(r, RECORD_SESSION, integer(node), integer(session), integer(from), integer(until),
           text(ended));
}

void record_message(struct record *r, uint32_t message, mist_time at, uint32_t publisher,
                    uint32_t subscribers, uint32_t delivered, mist_time first, mist_time last)
{
    INSERT(r, RECORD_MESSAGE, integer(message), integer(at), integer(publisher),
           integer(subscribers), integer(delivered), duration(first), duration(last));
}

/* The traffic of a population stands at its first node, so that the table keeps
 * one meaning: node numbers. */
void record_traffic(struct record *r, const struct record_traffic *t)
{
    const struct plan *plan = r->plan;
    CHECK(t->node < (plan->traffic_per_node ? plan->host_count : plan->population_count));
    uint32_t node = plan->traffic_per_node ? t->node : plan->populations[t->node].first;
    INSERT(r, RECORD_TRAFFIC, integer(node), text(t->kind), count(t->packets_out),
           count(t->bytes_out), count(t->packets_in), count(t->bytes_in));
}

void record_box(struct record *r, const struct record_box *b)
{
    CHECK(b->box < r->plan->box_count);
    INSERT(r, RECORD_NAT_BOX, integer(b->box), text(r->plan->boxes[b->box].profile),
           count(b->mappings_made), count(b->mappings_peak), count(b->dropped_filter),
           count(b->dropped_capacity), count(b->hairpins));
}

void record_verdict(struct record *r, const struct record_verdict *v)
{
    CHECK(v->node < r->plan->host_count);
    INSERT(r, RECORD_VERDICT, integer(v->node), integer(v->at), text(v->knob), text(v->found),
           text(v->truth), integer(v->ok != 0), integer(v->confidence), integer(v->packets),
           duration(v->took));
}

void record_pair(struct record *r, const struct oracle_pair *p)
{
    INSERT(r, RECORD_PAIR, text(p->src_nat), text(p->dst_nat), real(p->plain), real(p->best),
           text(oracle_technique_word(p->technique)));
}

void record_series(struct record *r, mist_time at, const char *metric, double value)
{
    INSERT(r, RECORD_SERIES, integer(at), text(metric), real(value));
}

void record_fact(struct record *r, mist_time at, uint32_t node, const char *fact,
                 uint32_t connection, const struct addr *addr, int64_t a, int64_t b)
{
    char address[ADDR_TEXT];
    int has_addr = addr && addr->family != ADDR_NONE;
    INSERT(r, RECORD_FACT, integer(at), integer(node), text(fact),
           known(connection != 0, connection), text(has_addr ? addr_format(addr, address) : NULL),
           integer(a), integer(b));
}

void record_packet(struct record *r, const struct record_packet *p)
{
    char sender[ADDR_TEXT], receiver[ADDR_TEXT];
    INSERT(r, RECORD_PACKET, integer(p->at), integer(p->src), known(p->dst != PLAN_NONE, p->dst),
           text(addr_format(&p->sender, sender)), text(addr_format(&p->receiver, receiver)),
           text(p->kind), integer(p->bytes), text(p->fate));
}

void record_each_dial(struct record *r, void (*each)(void *data, uint32_t src, uint32_t dst),
                      void *data)
{
    sqlite3_stmt *s = NULL;
    if (r->failed)
        return;
    int rc = sqlite3_prepare_v2(r->db, "SELECT src, dst FROM dial ORDER BY dial", -1, &s, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
        each(data, (uint32_t)sqlite3_column_int64(s, 0), (uint32_t)sqlite3_column_int64(s, 1));
        rc = SQLITE_OK;
    }
    if (rc != SQLITE_DONE)
        fail(r, rc);
    sqlite3_finalize(s);
}

int record_failed(const struct record *r)
{
    return r->failed != 0;
}

static void finish_run(struct record *r, const struct record_run *run)
{
    char hash[17];
    snprintf(hash, sizeof hash, "%016" PRIx64, run->trace_hash);
    const struct value values[] = {
        text(run->status),
        {.type = REAL, .real = run->sim_s},
        {.type = REAL, .real = run->wall_s},
        count(run->events),
        count(run->packets),
        count(run->peak_rss_bytes),
        text(run->untraced ? NULL : hash),
    };
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(r->db,
                                "UPDATE run SET status=?, sim_s=?, wall_s=?, events=?, packets=?,"
                                " peak_rss_bytes=?, trace_hash=? WHERE run=1",
                                -1, &s, NULL);
    for (int i = 0; i < (int)(sizeof values / sizeof *values) && rc == SQLITE_OK; i++)
        rc = bind(s, i + 1, &values[i]);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(s);
    if (rc != SQLITE_DONE)
        fail(r, rc);
    sqlite3_finalize(s);
}

/* Returns SQLite's verdict on the close, which is the last to learn of trouble. */
static int release(struct record *r)
{
    for (int t = 0; t < RECORD_TABLES; t++)
        sqlite3_finalize(r->insert[t]);
    return sqlite3_close(r->db);
}

int record_close(struct record *r, const struct record_run *run, int *expectations_failed,
                 char *error, int error_size)
{
    *expectations_failed = 0;
    if (!r->failed)
        finish_run(r, run);
    if (!r->failed && strcmp(run->status, "complete") == 0) {
        int rc = record_expect(r->db, r->plan, expectations_failed);
        if (rc != SQLITE_OK)
            fail(r, rc);
    }
    run_sql(r, "COMMIT");
    int rc = release(r);
    if (rc != SQLITE_OK && !r->failed) {
        r->failed = rc;
        snprintf(r->why, sizeof r->why, "%s", sqlite3_errstr(rc));
    }
    int status = r->failed ? -1 : 0;
    if (status)
        snprintf(error, (size_t)error_size, "%s", r->why);
    free(r);
    return status;
}

void record_abandon(struct record *r)
{
    release(r);
    free(r);
}
