/* record_schema.c: see record_schema.h. */
#include "sim/record_schema.h"

#include <stdio.h>
#include <string.h>

#include "results/format.h"
#include "sim/exit.h"
#include "sim/wilson.h"

const struct record_columns record_schema_tables[RECORD_TABLES] = {
    [RECORD_NODE] = {"node", "node,name,population,region,nat,stack", 6},
    [RECORD_SESSION] = {"session", "node,session,from_ns,until_ns,ended", 5},
    [RECORD_FAULT] = {"fault", "fault,at_ns,until_ns,what,hosts", 5},
    [RECORD_DIAL] = {"dial",
                     "dial,at_ns,src,dst,src_nat,dst_nat,outcome,path,first_ns,direct_ns,attempts,"
                     "probes,sockets,rtt_first_ns,rtt_final_ns,rtt_ideal_ns,reason,window_ns",
                     18},
    [RECORD_RECOVERY] = {"recovery", "fault,dial,latency_ns", 3},
    [RECORD_LOOKUP] = {"lookup", "at_ns,node,hops,peers,latency_ns,ok", 6},
    [RECORD_MESSAGE] = {"message", "message,at_ns,publisher,subscribers,delivered,first_ns,last_ns",
                        7},
    [RECORD_TRAFFIC] = {"traffic", "node,kind,packets_out,bytes_out,packets_in,bytes_in", 6},
    [RECORD_NAT_BOX] = {"nat_box",
                        "box,profile,mappings_made,mappings_peak,dropped_filter,dropped_capacity,"
                        "hairpins",
                        7},
    [RECORD_VERDICT] = {"verdict", "node,at_ns,knob,found,truth,ok,confidence,packets,took_ns", 9},
    [RECORD_PAIR] = {"pair", "src_nat,dst_nat,plain,best,technique", 5},
    [RECORD_SERIES] = {"series", "at_ns,metric,value", 3},
    [RECORD_MARGIN] = {"margin", "metric,margin,relative", 3},
    [RECORD_EXPECTATION] = {"expectation", "metric,bound,value,ok", 4},
    [RECORD_FACT] = {"fact", "at_ns,node,fact,connection,addr,a,b", 7},
    [RECORD_PACKET] = {"packet", "at_ns,src,dst,sender,receiver,kind,bytes,fate", 8},
};

static const char *const objects[] = {
    "CREATE TABLE run(run INTEGER PRIMARY KEY, scenario TEXT NOT NULL,"
    " scenario_text TEXT NOT NULL, cell TEXT NOT NULL, seed INTEGER NOT NULL,"
    " engine TEXT NOT NULL, stack TEXT NOT NULL, stack_version TEXT NOT NULL,"
    " commit_id TEXT NOT NULL, started_utc TEXT NOT NULL, status TEXT NOT NULL"
    " CHECK(status IN ('running','complete','failed','interrupted')),"
    " sim_s REAL, wall_s REAL, events INTEGER, packets INTEGER, peak_rss_bytes INTEGER,"
    " trace_hash TEXT) STRICT",
    /* What makes two runs the same run; no two complete runs share a key. */
    "CREATE TABLE run_key(run INTEGER PRIMARY KEY REFERENCES run ON DELETE CASCADE,"
    " key TEXT NOT NULL) STRICT",
    "CREATE INDEX run_key_by_key ON run_key(key)",
    "CREATE TABLE node(run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,"
    " node INTEGER NOT NULL, name TEXT NOT NULL, population TEXT NOT NULL, region TEXT,"
    " nat TEXT NOT NULL, stack TEXT NOT NULL, PRIMARY KEY(run, node)) STRICT, WITHOUT ROWID",
    /* When nodes ran; only of runs with churn or faults. */
    "CREATE TABLE session(run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,"
    " node INTEGER NOT NULL, session INTEGER NOT NULL, from_ns INTEGER NOT NULL,"
    " until_ns INTEGER NOT NULL, ended TEXT NOT NULL"
    " CHECK(ended IN ('left','churn','crash','restart','end')),"
    " PRIMARY KEY(run, node, session)) STRICT, WITHOUT ROWID",
    "CREATE TABLE fault(run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,"
    " fault INTEGER NOT NULL, at_ns INTEGER NOT NULL, until_ns INTEGER, what TEXT NOT NULL,"
    " hosts INTEGER NOT NULL, PRIMARY KEY(run, fault)) STRICT, WITHOUT ROWID",
    "CREATE TABLE dial(run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,"
    " dial INTEGER NOT NULL, at_ns INTEGER NOT NULL, src INTEGER NOT NULL, dst INTEGER NOT NULL,"
    " src_nat TEXT NOT NULL, dst_nat TEXT NOT NULL, outcome TEXT NOT NULL"
    " CHECK(outcome IN ('direct','relayed','failed')), path TEXT NOT NULL,"
    " first_ns INTEGER, direct_ns INTEGER, attempts INTEGER, probes INTEGER, sockets INTEGER,"
    " rtt_first_ns INTEGER, rtt_final_ns INTEGER, rtt_ideal_ns INTEGER, reason TEXT,"
    " window_ns INTEGER NOT NULL,"
    " PRIMARY KEY(run, dial)) STRICT, WITHOUT ROWID",
    /* Dials that carried data when a fault struck one of their ends; latency NULL: none
     * again. */
    "CREATE TABLE recovery(run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,"
    " fault INTEGER NOT NULL, dial INTEGER NOT NULL, latency_ns INTEGER,"
    " PRIMARY KEY(run, fault, dial)) STRICT, WITHOUT ROWID",
    "CREATE TABLE lookup(run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,"
    " at_ns INTEGER NOT NULL, node INTEGER NOT NULL, hops INTEGER, peers INTEGER,"
    " latency_ns INTEGER, ok INTEGER NOT NULL) STRICT",
    "CREATE INDEX lookup_by_run ON lookup(run)",
    "CREATE TABLE message(run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,"
    " message INTEGER NOT NULL, at_ns INTEGER NOT NULL, publisher INTEGER NOT NULL,"
    " subscribers INTEGER NOT NULL, delivered INTEGER NOT NULL, first_ns INTEGER,"
    " last_ns INTEGER, PRIMARY KEY(run, message)) STRICT, WITHOUT ROWID",
    "CREATE TABLE traffic(run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,"
    " node INTEGER NOT NULL, kind TEXT NOT NULL, packets_out INTEGER NOT NULL,"
    " bytes_out INTEGER NOT NULL, packets_in INTEGER NOT NULL, bytes_in INTEGER NOT NULL,"
    " PRIMARY KEY(run, node, kind)) STRICT, WITHOUT ROWID",
    "CREATE TABLE nat_box(run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,"
    " box INTEGER NOT NULL, profile TEXT NOT NULL, mappings_made INTEGER NOT NULL,"
    " mappings_peak INTEGER NOT NULL, dropped_filter INTEGER NOT NULL,"
    " dropped_capacity INTEGER NOT NULL, hairpins INTEGER NOT NULL,"
    " PRIMARY KEY(run, box)) STRICT, WITHOUT ROWID",
    /* What a node says of its NAT, beside what an ideal observer could see; ok: they agree. */
    "CREATE TABLE verdict(run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,"
    " node INTEGER NOT NULL, at_ns INTEGER NOT NULL, knob TEXT NOT NULL, found TEXT NOT NULL,"
    " truth TEXT NOT NULL, ok INTEGER NOT NULL, confidence INTEGER NOT NULL,"
    " packets INTEGER NOT NULL, took_ns INTEGER NOT NULL, PRIMARY KEY(run, node, knob, at_ns))"
    " STRICT, WITHOUT ROWID",
    /* What the dials between two labels could reach: means of probabilities. */
    "CREATE TABLE pair(run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,"
    " src_nat TEXT NOT NULL, dst_nat TEXT NOT NULL, plain REAL NOT NULL, best REAL NOT NULL,"
    " technique TEXT NOT NULL, PRIMARY KEY(run, src_nat, dst_nat)) STRICT, WITHOUT ROWID",
    "CREATE TABLE series(run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,"
    " at_ns INTEGER NOT NULL, metric TEXT NOT NULL, value REAL) STRICT",
    "CREATE INDEX series_by_metric ON series(run, metric, at_ns)",
    /* What `compare` may not lose: in the unit of the summary, or a share of the value. */
    "CREATE TABLE margin(run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,"
    " metric TEXT NOT NULL, margin REAL NOT NULL, relative INTEGER NOT NULL,"
    " PRIMARY KEY(run, metric)) STRICT, WITHOUT ROWID",
    "CREATE TABLE expectation(run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,"
    " metric TEXT NOT NULL, bound TEXT NOT NULL, value REAL, ok INTEGER NOT NULL,"
    " PRIMARY KEY(run, metric, bound)) STRICT, WITHOUT ROWID",
    "CREATE TABLE fact(run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,"
    " at_ns INTEGER NOT NULL, node INTEGER NOT NULL, fact TEXT NOT NULL, connection INTEGER,"
    " addr TEXT, a INTEGER, b INTEGER) STRICT",
    "CREATE INDEX fact_by_run ON fact(run, at_ns)",
    "CREATE TABLE packet(run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,"
    " at_ns INTEGER NOT NULL, src INTEGER NOT NULL, dst INTEGER, sender TEXT NOT NULL,"
    " receiver TEXT NOT NULL, kind TEXT NOT NULL, bytes INTEGER NOT NULL, fate TEXT NOT NULL)"
    " STRICT",
    "CREATE INDEX packet_by_run ON packet(run, at_ns)",

    "CREATE VIEW punch_matrix(run, src_nat, dst_nat, dials, direct, relayed, failed, direct_rate,"
    " lo, hi) AS SELECT run, src_nat, dst_nat, n, direct, relayed, failed, p, " WILSON_BOTH
    " FROM (SELECT run, src_nat, dst_nat, count(*) AS n, sum(outcome='direct') AS direct,"
    " sum(outcome='relayed') AS relayed, sum(outcome='failed') AS failed,"
    " avg(outcome='direct') AS p FROM dial GROUP BY run, src_nat, dst_nat)",

    "CREATE VIEW pair_achieved(run, src_nat, dst_nat, dials, direct_rate, lo, hi, plain, best,"
    " technique) AS SELECT run, src_nat, dst_nat, dials, direct_rate, lo, hi, plain, best,"
    " technique FROM pair JOIN punch_matrix USING(run, src_nat, dst_nat)",

    /* tried: the denominator of the field studies: neither end public, port-mapped, on
     * the same LAN or already connected (DESIGN 4.1).  offline: failed with an end off. */
    "CREATE VIEW dial_tally(run, src_population, dst_population, src_nat, dst_nat, dials, direct,"
    " relayed, failed, tried, punched, offline) AS"
    " SELECT run, src_population, dst_population, src_nat, dst_nat, count(*),"
    " sum(outcome='direct'), sum(outcome='relayed'), sum(outcome='failed'), sum(tried),"
    " sum(tried AND outcome='direct'), sum(offline)"
    " FROM (SELECT dial.run, source.population AS src_population,"
    " target.population AS dst_population, src_nat, dst_nat, outcome,"
    " src_nat<>'none' AND dst_nat<>'none' AND path NOT IN ('lan','mapped')"
    " AND coalesce(reason,'')<>'already_connected' AS tried,"
    " outcome='failed' AND coalesce(reason,'') IN ('peer_offline','self_offline') AS offline"
    " FROM dial LEFT JOIN node AS source ON source.run=dial.run AND source.node=dial.src"
    " LEFT JOIN node AS target ON target.run=dial.run AND target.node=dial.dst)"
    " GROUP BY run, src_population, dst_population, src_nat, dst_nat",

    "CREATE VIEW dial_total(run, dials, direct, relayed, failed, tried, punched, offline) AS"
    " SELECT run, sum(dials), sum(direct), sum(relayed), sum(failed), sum(tried), sum(punched),"
    " sum(offline)"
    " FROM dial_tally GROUP BY run",

    /* Deliveries of one message stand or fall together: n is the effective number
     * p(1-p)/V, V over messages (reference: survey sampling, ratio estimate). */
    "CREATE VIEW message_share(run, p, n) AS"
    " SELECT run, p, CASE WHEN s = 1 THEN NULL WHEN v > 0 THEN min(p*(1-p)/v, m) ELSE m END"
    " FROM (SELECT run, p, m, s, s/(s-1.0)*sum((delivered-p*subscribers)*"
    "(delivered-p*subscribers))/(m*m) AS v FROM message JOIN"
    " (SELECT run, 1.0*sum(delivered)/sum(subscribers) AS p, 1.0*sum(subscribers) AS m,"
    " count(*) AS s FROM message GROUP BY run HAVING sum(subscribers) > 0) USING(run)"
    " GROUP BY run)",

    /* What each node believed in the end. */
    "CREATE VIEW verdict_last(run, node, knob, found, truth, ok, packets, took_ns) AS"
    " SELECT run, node, knob, found, truth, ok, packets, took_ns FROM verdict AS v"
    " WHERE at_ns=(SELECT max(at_ns) FROM verdict AS w WHERE w.run=v.run AND w.node=v.node"
    " AND w.knob=v.knob)",

    "CREATE VIEW summary_share(run, metric, p, n) AS"
    " SELECT run, metric, 1.0*hits/n, n FROM (SELECT run, metric,"
    " CASE metric WHEN 'dial.punch_rate' THEN tried WHEN 'dial.online_rate' THEN dials-offline"
    " ELSE dials END AS n,"
    " CASE metric WHEN 'dial.direct_rate' THEN direct WHEN 'dial.relayed_rate' THEN relayed"
    " WHEN 'dial.failed_rate' THEN failed WHEN 'dial.connected_rate' THEN direct+relayed"
    " WHEN 'dial.online_rate' THEN direct+relayed"
    " ELSE punched END AS hits FROM dial_total CROSS JOIN (SELECT 'dial.direct_rate' AS metric"
    " UNION ALL SELECT 'dial.relayed_rate' UNION ALL SELECT 'dial.failed_rate'"
    " UNION ALL SELECT 'dial.connected_rate' UNION ALL SELECT 'dial.punch_rate'"
    " UNION ALL SELECT 'dial.online_rate') WHERE metric<>'dial.online_rate'"
    " OR EXISTS (SELECT 1 FROM session WHERE session.run=dial_total.run)) WHERE n > 0 UNION ALL"
    " SELECT run, 'recovery.rate', avg(latency_ns IS NOT NULL), count(*) FROM recovery"
    " GROUP BY run UNION ALL"
    " SELECT run, 'lookup.ok_rate', avg(ok<>0), count(*) FROM lookup GROUP BY run UNION ALL"
    " SELECT run, 'message.delivery_rate', p, n FROM message_share UNION ALL"
    " SELECT run, 'verdict.' || knob || '_rate', avg(ok), count(*) FROM verdict_last"
    " GROUP BY run, knob UNION ALL"
    /* The last value of the series `joined`, a number of nodes. */
    " SELECT run, 'node.joined', (SELECT value FROM series WHERE series.run=node.run AND"
    " metric='joined' ORDER BY at_ns DESC LIMIT 1)/count(*), count(*) FROM node"
    " WHERE EXISTS (SELECT 1 FROM series WHERE series.run=node.run AND metric='joined')"
    " GROUP BY run",

    "CREATE VIEW summary_sample(run, metric, value) AS"
    " SELECT run, 'dial.first_byte', first_ns/1e9 FROM dial WHERE first_ns IS NOT NULL UNION ALL"
    " SELECT run, 'dial.direct_time', direct_ns/1e9 FROM dial WHERE direct_ns IS NOT NULL"
    " UNION ALL"
    " SELECT run, 'recovery.time', latency_ns/1e9 FROM recovery WHERE latency_ns IS NOT NULL"
    " UNION ALL"
    " SELECT run, 'lookup.latency', latency_ns/1e9 FROM lookup WHERE ok<>0 AND latency_ns"
    " IS NOT NULL UNION ALL"
    " SELECT run, 'verdict.time', took_ns/1e9 FROM verdict WHERE knob='mapping' UNION ALL"
    " SELECT run, 'message.latency', last_ns/1e9 FROM message WHERE last_ns IS NOT NULL",

    "CREATE VIEW summary_sample_ranked(run, metric, value, k, n) AS"
    " SELECT run, metric, value, row_number() OVER (PARTITION BY run, metric ORDER BY value),"
    " count(*) OVER (PARTITION BY run, metric) FROM summary_sample",

    "CREATE VIEW summary_total(run, metric, value, unit) AS"
    " SELECT run, 'dial.count', dials, 'count' FROM dial_total UNION ALL"
    " SELECT run, 'lookup.count', count(*), 'count' FROM lookup GROUP BY run UNION ALL"
    " SELECT run, 'lookup.hops.mean', avg(hops), 'hops' FROM lookup WHERE ok<>0 GROUP BY run"
    " UNION ALL"
    " SELECT run, 'message.count', count(*), 'count' FROM message GROUP BY run UNION ALL"
    " SELECT run, 'verdict.packets.mean', avg(packets), 'packets' FROM verdict"
    " WHERE knob='mapping' GROUP BY run UNION ALL"
    " SELECT run, 'node.count', count(*), 'count' FROM node GROUP BY run UNION ALL"
    " SELECT run, 'node.sessions', count(*), 'count' FROM session GROUP BY run UNION ALL"
    " SELECT run, 'node.online_rate', sum(until_ns-from_ns)/1e9/sim_s/"
    "(SELECT count(*) FROM node WHERE node.run=session.run), 'ratio' FROM session JOIN run"
    " USING(run) WHERE sim_s > 0 GROUP BY run UNION ALL"
    " SELECT run, 'traffic.packets_per_node_s', sum(packets_out)/sim_s/"
    "(SELECT count(*) FROM node WHERE node.run=traffic.run), '1/s' FROM traffic JOIN run"
    " USING(run) WHERE sim_s > 0 GROUP BY run UNION ALL"
    " SELECT run, 'traffic.bytes_per_node_s', sum(bytes_out)/sim_s/"
    "(SELECT count(*) FROM node WHERE node.run=traffic.run), 'B/s' FROM traffic JOIN run"
    " USING(run) WHERE sim_s > 0 GROUP BY run UNION ALL"
    " SELECT run, 'nat.mappings_made', sum(mappings_made), 'count' FROM nat_box GROUP BY run"
    " UNION ALL"
    " SELECT run, 'nat.mappings_peak', max(mappings_peak), 'count' FROM nat_box GROUP BY run"
    " UNION ALL"
    " SELECT run, 'nat.dropped_filter', sum(dropped_filter), 'count' FROM nat_box GROUP BY run"
    " UNION ALL"
    " SELECT run, 'nat.dropped_capacity', sum(dropped_capacity), 'count' FROM nat_box"
    " GROUP BY run UNION ALL"
    " SELECT run, 'nat.hairpins', sum(hairpins), 'count' FROM nat_box GROUP BY run UNION ALL"
    /* Of those that punching brought together; reversed ones needed none. */
    " SELECT run, 'dial.first_attempt_rate', avg(attempts=1), 'ratio' FROM dial WHERE"
    " outcome='direct' AND path IN ('punched','predicted','sprayed') AND"
    " coalesce(reason,'')<>'already_connected' GROUP BY run UNION ALL"
    " SELECT run, 'dial.punch_packets.mean', 1.0*(SELECT sum(packets_out) FROM traffic WHERE"
    " traffic.run=dial_total.run AND kind='punch')/tried, 'count' FROM dial_total WHERE tried > 0"
    " AND EXISTS (SELECT 1 FROM traffic WHERE traffic.run=dial_total.run) UNION ALL"
    " SELECT run, 'dial.best_rate', sum(best*dials)/sum(dials), 'ratio' FROM pair_achieved"
    " GROUP BY run UNION ALL"
    " SELECT run, metric, value, CASE metric WHEN 'dial.rule_rate' THEN 'ratio' ELSE 'SE' END"
    " FROM series WHERE metric IN ('dial.rule_rate', 'dial.direct_rate_vs_rule',"
    " 'dial.direct_rate_under_rule', 'dial.direct_rate_over_best')",

    /* The q-quantile has rank ceil(nq); its conservative 95 % interval has the ranks
     * nq - z sqrt(nq(1-q)) and nq + 1 + z sqrt(nq(1-q)) (order statistics, Conover 1999,
     * 3.2), and is NULL where the sample is too small to have them. */
    "CREATE VIEW summary_quantile(run, metric, value, lo, hi) AS"
    " SELECT run, metric || '.p' || q, max(value) FILTER (WHERE k=middle),"
    " max(value) FILTER (WHERE k=low), max(value) FILTER (WHERE k=high)"
    " FROM (SELECT run, metric, value, k, q, (n*q+99)/100 AS middle,"
    " floor(n*q/100.0 - " Z "*sqrt(n*q*(100-q)/10000.0)) AS low,"
    " ceil(n*q/100.0 + 1 + " Z "*sqrt(n*q*(100-q)/10000.0)) AS high"
    " FROM summary_sample_ranked, (SELECT 50 AS q UNION ALL SELECT 95 UNION ALL SELECT 99))"
    " WHERE k IN (middle, low, high) GROUP BY run, metric, q",

    "CREATE VIEW summary(run, metric, value, lo, hi, unit) AS"
    " SELECT run, metric, p, " WILSON_BOTH ", 'ratio' FROM summary_share UNION ALL"
    " SELECT run, metric, value, lo, hi, 's' FROM summary_quantile UNION ALL"
    " SELECT run, metric, value, NULL, NULL, unit FROM summary_total",
};

#define OBJECTS (sizeof objects / sizeof *objects)

int record_schema_harden(sqlite3 *db)
{
    int on = 0;
    int rc = sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, &on);
    if (rc == SQLITE_OK)
        rc = sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, &on);
    if (rc == SQLITE_OK)
        rc = sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, &on);
    return rc;
}

int record_schema_create(sqlite3 *db)
{
    char stamp[96];
    snprintf(stamp, sizeof stamp, "PRAGMA application_id=%d; PRAGMA user_version=%d;",
             RESULTS_APPLICATION, RESULTS_VERSION);
    int rc = sqlite3_exec(db, stamp, NULL, NULL, NULL);
    for (size_t i = 0; i < OBJECTS && rc == SQLITE_OK; i++)
        rc = sqlite3_exec(db, objects[i], NULL, NULL, NULL);
    return rc;
}

/* A file of another kind or version is the caller's input; what cannot be read is storage. */
static int refuse(sqlite3 *db, int rc, char *error, int error_size)
{
    if (rc == SQLITE_NOTADB) {
        snprintf(error, (size_t)error_size, "not a database");
        return EXIT_INPUT;
    }
    if (rc == SQLITE_CORRUPT)
        snprintf(
            error, (size_t)error_size,
            "the database is damaged (nothing was changed; sqlite3's .recover saves what is left)");
    else
        snprintf(error, (size_t)error_size, "cannot be read: %s", sqlite3_errmsg(db));
    return EXIT_STORAGE;
}

static int read_number(sqlite3 *db, const char *sql, int *number)
{
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &s, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(s);
    if (rc == SQLITE_ROW)
        *number = sqlite3_column_int(s, 0);
    sqlite3_finalize(s);
    return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static int verify_stamp(sqlite3 *db, char *error, int error_size)
{
    int application = 0, version = 0;
    int rc = read_number(db, "PRAGMA application_id", &application);
    if (rc == SQLITE_OK)
        rc = read_number(db, "PRAGMA user_version", &version);
    if (rc != SQLITE_OK)
        return refuse(db, rc, error, error_size);
    if (application != RESULTS_APPLICATION) {
        snprintf(error, (size_t)error_size, "a database, but not one of mistsim's");
        return EXIT_INPUT;
    }
    if (version != RESULTS_VERSION) {
        snprintf(error, (size_t)error_size, RESULTS_OTHER_VERSION " (nothing was changed)",
                 (long long)version, RESULTS_VERSION);
        return EXIT_INPUT;
    }
    return 0;
}

/* Our tables and views must read exactly as we write them, and nothing may fire
 * behind our back: then a query on them does what we think it does. */
static int verify_objects(sqlite3 *db, char *error, int error_size)
{
    int strange = 0;
    int rc = read_number(db, "SELECT count(*) FROM sqlite_schema WHERE type='trigger'", &strange);
    sqlite3_stmt *s = NULL;
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(db, "SELECT count(*) FROM sqlite_schema WHERE sql=?", -1, &s, NULL);
    for (size_t i = 0; i < OBJECTS && rc == SQLITE_OK && !strange; i++) {
        sqlite3_bind_text(s, 1, objects[i], -1, SQLITE_STATIC);
        rc = sqlite3_step(s);
        strange = rc == SQLITE_ROW && sqlite3_column_int(s, 0) != 1;
        rc = rc == SQLITE_ROW ? sqlite3_reset(s) : rc;
    }
    sqlite3_finalize(s);
    if (rc != SQLITE_OK)
        return refuse(db, rc, error, error_size);
    if (strange) {
        snprintf(error, (size_t)error_size,
                 "says version %d, but its tables are not that version's", RESULTS_VERSION);
        return EXIT_INPUT;
    }
    return 0;
}

static int verify_pages(sqlite3 *db, char *error, int error_size)
{
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &s, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(s);
    const char *verdict = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(s, 0) : NULL;
    if (verdict && strcmp(verdict, "ok") != 0)
        rc = SQLITE_CORRUPT;
    sqlite3_finalize(s);
    return rc == SQLITE_ROW ? 0 : refuse(db, rc, error, error_size);
}

int record_schema_verify(sqlite3 *db, char *error, int error_size)
{
    int status = verify_stamp(db, error, error_size);
    if (!status)
        status = verify_objects(db, error, error_size);
    return status ? status : verify_pages(db, error, error_size);
}
