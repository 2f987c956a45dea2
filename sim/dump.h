/* dump.h: all that a results file says, in one order and one form: `mistsim dump`.
 *
 * A campaign that was killed and continued has dumped what one that was not has: runs
 * are told apart by what they are (scenario, cell, seed, engine, core, key) and not by
 * their numbers, and what differs each time is left out (started_utc, wall_s,
 * peak_rss_bytes).  The hash of a dump is BLAKE2b-256 of its text, as
 * `mistsim dump FILE.db | b2sum -l 256` tells. */
#ifndef SIM_DUMP_H
#define SIM_DUMP_H

#include <sqlite3.h>
#include <stdio.h>

#include "sim/command.h"

#define DUMP_HASH 65 /* 64 hex digits and NUL */

/* Writes the dump to out (NULL: nowhere) and its hash.  Returns an SQLite code. */
int dump_write(sqlite3 *db, FILE *out, char hash[DUMP_HASH]);

extern const struct command dump_command;

#endif
