/* dump.c: see dump.h.  One JSON array per row, the table's name first. */
#include "sim/dump.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "sim/exit.h"
#include "sim/record_schema.h"
#include "sim/results.h"
#include "sim/text.h"
#include "stack/check.h"

/* All of a run but its number and what differs each time. */
#define RUN_COLUMNS                                                                                \
    "scenario, scenario_text, cell, seed, engine, stack, stack_version, commit_id, key, status,"   \
    " sim_s, events, packets, trace_hash"

struct dump {
    sqlite3 *db;
    FILE *out;  /* NULL: only the hash is wanted */
    FILE *line; /* of the row, in memory: what is hashed is what is written */
    char *text;
    size_t length;
    crypto_generichash_state hash;
};

/* A REAL with all its digits, so that two that differ are told apart. */
static void print_value(FILE *out, sqlite3_stmt *s, int column)
{
    switch (sqlite3_column_type(s, column)) {
    case SQLITE_INTEGER: fprintf(out, "%" PRId64, (int64_t)sqlite3_column_int64(s, column)); break;
    case SQLITE_FLOAT: fprintf(out, "%.17g", sqlite3_column_double(s, column)); break;
    case SQLITE_NULL: fputs("null", out); break;
    default: text_json(out, (const char *)sqlite3_column_text(s, column));
    }
}

static void print_row(struct dump *d, const char *table, sqlite3_stmt *s, int first)
{
    rewind(d->line);
    fprintf(d->line, "[\"%s\"", table);
    for (int i = first; i < sqlite3_column_count(s); i++) {
        fputc(',', d->line);
        print_value(d->line, s, i);
    }
    fputs("]\n", d->line);
    CHECK(fflush(d->line) == 0);
    crypto_generichash_update(&d->hash, (const unsigned char *)d->text, d->length);
    if (d->out)
        fwrite(d->text, 1, d->length, d->out);
}

/* The rows of a run in the order of all their columns: the key stands first in them. */
static int print_table(struct dump *d, const struct record_columns *c, int64_t run)
{
    char sql[1000];
    int n =
        snprintf(sql, sizeof sql, "SELECT %s FROM %s WHERE run=? ORDER BY 1", c->columns, c->table);
    for (int i = 2; i <= c->count; i++)
        n += snprintf(sql + n, sizeof sql - (size_t)n, ",%d", i);
    CHECK(n < (int)sizeof sql);
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(d->db, sql, -1, &s, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_int64(s, 1, run);
    while (rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
        print_row(d, c->table, s, 0);
        rc = SQLITE_OK;
    }
    sqlite3_finalize(s);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int print_runs(struct dump *d)
{
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(d->db,
                                "SELECT run, " RUN_COLUMNS " FROM run LEFT JOIN run_key USING(run)"
                                " ORDER BY " RUN_COLUMNS,
                                -1, &s, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
        print_row(d, "run", s, 1);
        rc = SQLITE_OK;
        for (int t = 0; t < RECORD_TABLES && rc == SQLITE_OK; t++)
            rc = print_table(d, &record_schema_tables[t], sqlite3_column_int64(s, 0));
    }
    sqlite3_finalize(s);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int dump_write(sqlite3 *db, FILE *out, char hash[DUMP_HASH])
{
    unsigned char sum[DUMP_HASH / 2];
    struct dump d = {.db = db, .out = out};
    d.line = open_memstream(&d.text, &d.length);
    CHECK(d.line);
    crypto_generichash_init(&d.hash, NULL, 0, sizeof sum);
    /* One state of the file, even while a campaign adds to it. */
    int rc = sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = print_runs(&d);
    sqlite3_exec(db, "END", NULL, NULL, NULL);
    crypto_generichash_final(&d.hash, sum, sizeof sum);
    sodium_bin2hex(hash, DUMP_HASH, sum, sizeof sum);
    fclose(d.line);
    free(d.text);
    return rc;
}

static int dump_main(int argc, char **argv)
{
    static struct command_line line;
    int status = command_parse(&dump_command, argc, argv, &line);
    if (status != COMMAND_CONTINUES)
        return status;
    char error[RESULTS_PATH + 300], hash[DUMP_HASH];
    int only_hash = command_value(&line, "hash") != NULL;
    sqlite3 *db;
    status = results_read(&db, line.arguments[0], error, sizeof error);
    if (status) {
        fprintf(stderr, "mistsim dump: %s\n", error);
        return status;
    }
    int rc = dump_write(db, only_hash ? NULL : stdout, hash);
    if (rc != SQLITE_OK)
        fprintf(stderr, "mistsim dump: %s: %s\n", line.arguments[0], sqlite3_errmsg(db));
    else if (only_hash)
        puts(hash);
    sqlite3_close(db);
    return rc == SQLITE_OK ? EXIT_FINE : EXIT_STORAGE;
}

static const struct command_option options[] = {
    {"hash", NULL, "only the hash of the dump (BLAKE2b-256)", 0},
    {0},
};

const struct command dump_command = {
    .name = "dump",
    .arguments = "FILE.db",
    .least = 1,
    .most = 1,
    .help = "print all that a results file says, in a form that can be compared",
    .examples = "  mistsim dump results/quickstart.db | less\n"
                "  mistsim dump results/quickstart.db --hash\n"
                "  diff <(mistsim dump one.db) <(mistsim dump other.db)\n",
    .options = options,
    .main = dump_main,
};
