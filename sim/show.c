/* show.c: see show.h.  One table says what each section selects and how its columns
 * are written for people; programs get the values as they are stored. */
#include "sim/show.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <string.h>

#include "sim/exit.h"
#include "sim/results.h"
#include "sim/text.h"
#include "sim/wilson.h"
#include "stack/check.h"

#define SHOW_COLUMNS 20
#define SHOW_ROWS    50 /* unless --limit says otherwise: what fits a screen or two */

/* How a column is written, one letter each:
 *   t text   c count   i number without commas   n nanoseconds   s seconds
 *   b bytes  p share   r number   v value in the unit that stands last */
struct section {
    const char *name, *help, *columns;
    const char *sql; /* ?1: the run, or NULL for all */
};

#define OF_RUN " WHERE (?1 IS NULL OR run=?1) "

static const struct section sections[] = {
    {"runs", "the runs and their status", "ittitttsscbt",
     "SELECT run, status, scenario, seed, cell, engine, stack_version, sim_s,"
     " wall_s, events, peak_rss_bytes, trace_hash FROM run" OF_RUN "ORDER BY run"},
    {"nodes", "the nodes and their NATs", "iittttt",
     "SELECT run, node, name, population, region, nat, stack FROM node" OF_RUN
     "ORDER BY run, node"},
    {"dials", "every dial and how it ended", "iiniittttnniiinnt",
     "SELECT run, dial, at_ns, src, dst, src_nat, dst_nat, outcome, path,"
     " first_ns, direct_ns, attempts, probes, sockets,"
     " rtt_final_ns, rtt_ideal_ns, reason FROM dial" OF_RUN "ORDER BY run, dial"},
    {"boxes", "the NAT boxes and what they dropped", "iitccccc",
     "SELECT run, box, profile, mappings_made, mappings_peak, dropped_filter, dropped_capacity,"
     " hairpins FROM nat_box" OF_RUN "ORDER BY run, box"},
    {"lookups", "every lookup in the overlay", "iniccni",
     "SELECT run, at_ns, node, hops, peers, latency_ns, ok FROM lookup" OF_RUN
     "ORDER BY run, at_ns, node"},
    {"messages", "every published message", "iiniccnn",
     "SELECT run, message, at_ns, publisher, subscribers, delivered, first_ns,"
     " last_ns FROM message" OF_RUN "ORDER BY run, message"},
    {"sessions", "when nodes ran, with churn or faults", "iicnnt",
     "SELECT run, node, session, from_ns, until_ns, ended FROM session" OF_RUN
     "ORDER BY run, node, session"},
    {"faults", "what broke, and the dials that recovered", "iinntcccn",
     "SELECT run, fault, at_ns, until_ns, what, hosts, count(dial) AS struck,"
     " count(latency_ns) AS recovered, CAST(avg(latency_ns) AS INTEGER) AS mean_ns"
     " FROM fault LEFT JOIN recovery USING(run, fault)" OF_RUN "GROUP BY run, fault"
     " ORDER BY run, fault"},
    {"traffic", "packets and bytes by population and kind", "ittccccb",
     "SELECT run, population, kind, sum(packets_out) AS packets_out, sum(bytes_out) AS bytes_out,"
     " sum(packets_in) AS packets_in, sum(bytes_in) AS bytes_in, sum(bytes_out)/(SELECT count(*)"
     " FROM node AS n WHERE n.run=traffic.run AND n.population=node.population) AS out_per_node"
     " FROM traffic JOIN node USING(run, node)" OF_RUN
     "GROUP BY run, population, kind ORDER BY run, population, kind"},
    {"verdicts", "what nodes say of their NATs beside what these are, pooled over the runs",
     "tttccppp",
     "SELECT knob, truth, found, nodes, n AS of, p AS share, " WILSON_LO " AS lo, " WILSON_HI
     " AS hi FROM (SELECT *, 1.0*nodes/n AS p FROM (SELECT knob, truth,"
     " CASE WHEN knob NOT IN ('block','idle','life') THEN found"
     " WHEN ok THEN 'right' ELSE 'wrong' END AS found,"
     " count(*) AS nodes, sum(count(*)) OVER (PARTITION BY knob, truth) AS n"
     " FROM verdict_last" OF_RUN "GROUP BY 1, 2, 3)) ORDER BY knob, truth, found"},
    {"series", "quantities over time", "itnr",
     "SELECT run, metric, at_ns, value FROM series" OF_RUN "ORDER BY run, metric, at_ns"},
    {"expectations", "what the scenario expected, and what came", "ittri",
     "SELECT run, metric, bound, value, ok FROM expectation" OF_RUN "ORDER BY run, metric"},
    {"summary", "the metrics of each run with 95 % intervals", "itvvvt",
     "SELECT run, metric, value, lo, hi, unit FROM summary" OF_RUN "ORDER BY run, metric"},
    {"matrix", "outcomes by pair of NATs with Wilson intervals", "ittccccppp",
     "SELECT run, src_nat, dst_nat, dials, direct, relayed, failed, direct_rate, lo, hi"
     " FROM punch_matrix" OF_RUN "ORDER BY run, src_nat, dst_nat"},
    {"pairs", "what each pair of NATs achieved, and could at best", "ittcpppppt",
     "SELECT run, src_nat, dst_nat, dials, direct_rate, lo, hi, plain, best, technique"
     " FROM pair_achieved" OF_RUN "ORDER BY run, src_nat, dst_nat"},
    {"facts", "recorded facts", "inititii",
     "SELECT run, at_ns, node, fact, connection, addr, a, b FROM fact" OF_RUN
     "ORDER BY run, at_ns, node"},
    {"packets", "recorded packets", "iniitttit",
     "SELECT run, at_ns, src, dst, sender, receiver, kind, bytes, fate FROM packet" OF_RUN
     "ORDER BY run, at_ns"},
};
#define SECTIONS (sizeof sections / sizeof *sections)

struct request {
    sqlite3 *db;
    const struct section *section;
    uint64_t run;   /* 0: all */
    uint64_t limit; /* 0: none */
};

static const struct section *find_section(const char *name)
{
    for (size_t i = 0; i < SECTIONS; i++)
        if (strcmp(sections[i].name, name) == 0)
            return &sections[i];
    return NULL;
}

static int is_text(char kind)
{
    return kind == 't';
}

static const char *plain_number(char buffer[TEXT_NUMBER], double value)
{
    snprintf(buffer, TEXT_NUMBER, "%.9g", value);
    return buffer;
}

/* The cell as people read it. */
static void add_cell(struct text_table *t, sqlite3_stmt *s, int column, char kind)
{
    char number[TEXT_NUMBER];
    int type = sqlite3_column_type(s, column);
    double value = sqlite3_column_double(s, column);
    const char *unit = (const char *)sqlite3_column_text(s, sqlite3_column_count(s) - 1);
    if (type == SQLITE_NULL)
        text_table_add(t, "-");
    else if (type == SQLITE_TEXT || is_text(kind))
        text_table_add(t, (const char *)sqlite3_column_text(s, column));
    else if (kind == 'c')
        text_table_add(t, text_count(number, sqlite3_column_int64(s, column)));
    else if (kind == 'n')
        text_table_add(t, text_seconds(number, value / 1e9));
    else if (kind == 's')
        text_table_add(t, text_seconds(number, value));
    else if (kind == 'b')
        text_table_add(t, text_bytes(number, value));
    else if (kind == 'p')
        text_table_add(t, text_percent(number, value));
    else if (kind == 'v')
        text_table_add(t, text_value(number, value, unit ? unit : ""));
    else if (kind == 'r')
        text_table_add(t, plain_number(number, value));
    else
        text_table_add(t, (const char *)sqlite3_column_text(s, column));
}

/* The column's name without the unit, which its cells say. */
static void add_heading(struct text_table *t, const char *name, char kind)
{
    const char *unit = kind == 'n' ? "_ns" : kind == 's' ? "_s" : kind == 'b' ? "_bytes" : "";
    size_t length = strlen(name), tail = strlen(unit);
    char heading[40];
    if (length > tail && strcmp(name + length - tail, unit) == 0)
        length -= tail;
    snprintf(heading, sizeof heading, "%.*s", (int)length, name);
    text_table_add(t, heading);
}

static int print_table(const struct request *q, sqlite3_stmt *s)
{
    int columns = sqlite3_column_count(s), rc;
    CHECK(columns == (int)strlen(q->section->columns));
    struct text_table *t = text_table_new(columns);
    for (int i = 0; i < columns; i++) {
        text_table_align(t, i, is_text(q->section->columns[i]) ? TEXT_LEFT : TEXT_RIGHT);
        add_heading(t, sqlite3_column_name(s, i), q->section->columns[i]);
    }
    uint64_t rows = 0;
    while ((rc = sqlite3_step(s)) == SQLITE_ROW && (q->limit == 0 || rows < q->limit)) {
        for (int i = 0; i < columns; i++)
            add_cell(t, s, i, q->section->columns[i]);
        rows++;
    }
    text_table_print(t, stdout, "");
    if (rc == SQLITE_ROW)
        printf("(the first %" PRIu64 "; --limit 0 shows all)\n", rows);
    else if (rows == 0)
        printf("(none)\n");
    return rc;
}

static void print_json_cell(sqlite3_stmt *s, int column)
{
    text_json(stdout, sqlite3_column_name(s, column));
    fputs(": ", stdout);
    int type = sqlite3_column_type(s, column);
    if (type == SQLITE_INTEGER)
        printf("%" PRId64, (int64_t)sqlite3_column_int64(s, column));
    else if (type == SQLITE_FLOAT)
        text_json_number(stdout, sqlite3_column_double(s, column));
    else
        text_json(stdout, (const char *)sqlite3_column_text(s, column));
}

static int print_json(const struct request *q, sqlite3_stmt *s)
{
    int columns = sqlite3_column_count(s), rc;
    uint64_t rows = 0;
    printf("{\"version\": 1, \"section\": \"%s\", \"rows\": [", q->section->name);
    while ((rc = sqlite3_step(s)) == SQLITE_ROW && (q->limit == 0 || rows < q->limit)) {
        fputs(rows++ ? ",\n {" : "\n {", stdout);
        for (int i = 0; i < columns; i++) {
            fputs(i ? ", " : "", stdout);
            print_json_cell(s, i);
        }
        fputs("}", stdout);
    }
    puts("\n]}");
    return rc;
}

static int print_section(const struct request *q, const char *file, int json)
{
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(q->db, q->section->sql, -1, &s, NULL);
    if (rc == SQLITE_OK && q->run)
        rc = sqlite3_bind_int64(s, 1, (int64_t)q->run);
    if (rc == SQLITE_OK)
        rc = json ? print_json(q, s) : print_table(q, s);
    int good = rc == SQLITE_ROW || rc == SQLITE_DONE;
    if (!good)
        fprintf(stderr, "mistsim show: %s: %s\n", file, sqlite3_errmsg(q->db));
    sqlite3_finalize(s);
    if (fflush(stdout) || ferror(stdout))
        return EXIT_STORAGE;
    return good ? EXIT_FINE : EXIT_STORAGE;
}

static int unknown_section(const char *name)
{
    fprintf(stderr, "mistsim show: expected one of");
    for (size_t i = 0; i < SECTIONS; i++)
        fprintf(stderr, "%s %s", i ? "," : "", sections[i].name);
    fprintf(stderr, "; got `%.40s`\n", name);
    return EXIT_INPUT;
}

static int show_main(int argc, char **argv)
{
    static struct command_line line;
    int status = command_parse(&show_command, argc, argv, &line);
    if (status != COMMAND_CONTINUES)
        return status;
    int json = command_value(&line, "json") != NULL;
    const char *name = line.argument_count > 1 ? line.arguments[1] : "runs";
    struct request q = {.section = find_section(name), .limit = json ? 0 : SHOW_ROWS};
    if (!q.section)
        return unknown_section(name);
    if ((status = command_number(&line, "run", 1, INT64_MAX, &q.run)) != 0 ||
        (status = command_number(&line, "limit", 0, INT64_MAX, &q.limit)) != 0)
        return status;
    char error[RESULTS_PATH + 300];
    status = results_read(&q.db, line.arguments[0], error, sizeof error);
    if (status) {
        fprintf(stderr, "mistsim show: %s\n", error);
        return status;
    }
    status = print_section(&q, line.arguments[0], json);
    sqlite3_close(q.db);
    return status;
}

static const struct command_option options[] = {
    {"run", "N", "only this run", 0},
    {"limit", "N", "at most so many rows; 0: all (default 50, with --json all)", 0},
    {"json", NULL, "for programs: values as stored, times in nanoseconds", 0},
    {0},
};

const struct command show_command = {
    .name = "show",
    .arguments = "FILE.db [SECTION]",
    .least = 1,
    .most = 2,
    .help = "look into a results file",
    .examples =
        "  mistsim show results/quickstart.db\n"
        "  mistsim show results/quickstart.db dials --run 1 --limit 100\n"
        "  mistsim show results/quickstart.db summary --json\n"
        "\nsections: runs, nodes, dials, boxes, lookups, messages, traffic, series, expectations,\n"
        "summary, matrix, facts, packets\n",
    .options = options,
    .main = show_main,
};
