/* record_schema.h: the tables and views of a results file (DESIGN 4.3), their
 * creation, and the check that a file found on disk is one of ours.
 *
 * Used by the recorder (part files), results (the file itself) and everybody
 * who reads.  The names are stable; a change raises the version (results/format.h). */
#ifndef SIM_RECORD_SCHEMA_H
#define SIM_RECORD_SCHEMA_H

#include <sqlite3.h>
#include <stdint.h>

/* The tables that hold a run's rows, in the order in which they are merged. */
enum record_table {
    RECORD_NODE,
    RECORD_SESSION,
    RECORD_FAULT,
    RECORD_DIAL,
    RECORD_RECOVERY,
    RECORD_LOOKUP,
    RECORD_MESSAGE,
    RECORD_TRAFFIC,
    RECORD_NAT_BOX,
    RECORD_VERDICT,
    RECORD_PAIR,
    RECORD_SERIES,
    RECORD_MARGIN,
    RECORD_EXPECTATION,
    RECORD_FACT,
    RECORD_PACKET,
    RECORD_TABLES
};

struct record_columns {
    const char *table;
    const char *columns; /* all but `run`, separated by commas */
    int count;           /* of them */
};

extern const struct record_columns record_schema_tables[RECORD_TABLES];

/* Makes the schema in an empty database.  Returns an SQLite code. */
int record_schema_create(sqlite3 *db);

/* Is this a results file of our version with our tables, and undamaged?
 * Returns 0, EXIT_INPUT (another program's, another version's) or EXIT_STORAGE
 * (damaged, unreadable); the message, without the file's name, goes to error. */
int record_schema_verify(sqlite3 *db, char *error, int error_size);

/* Hardens a connection against a hostile file, before anything is read. */
int record_schema_harden(sqlite3 *db);

#endif
