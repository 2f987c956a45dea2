/* text.h: how results are written for people and for programs: aligned tables,
 * numbers with units, JSON strings.
 *
 * Texts may come from a hostile file: control characters and broken UTF-8 never
 * reach a terminal. */
#ifndef SIM_TEXT_H
#define SIM_TEXT_H

#include <stdint.h>
#include <stdio.h>

#define TEXT_NUMBER 40 /* bytes that the number functions write at most */

/* All return buffer. */
const char *text_count(char buffer[TEXT_NUMBER], int64_t n);        /* 12,345 */
const char *text_scaled(char buffer[TEXT_NUMBER], double n);        /* 1.23 M */
const char *text_percent(char buffer[TEXT_NUMBER], double share);   /* 71.3 % */
const char *text_seconds(char buffer[TEXT_NUMBER], double seconds); /* 312 ms, 4.21 s, 10 min 5 s */
const char *text_bytes(char buffer[TEXT_NUMBER], double bytes);     /* 1.44 MB (decimal) */

/* A value in one of the units of the view `summary`: ratio, s, B/s, 1/s, count, hops. */
const char *text_value(char buffer[TEXT_NUMBER], double value, const char *unit);

/* The wall clock now, "2026-01-31T12:00:00Z".  Returns buffer. */
const char *text_utc(char buffer[TEXT_NUMBER]);

/* May colours be used there?  A terminal that is not dumb, and no NO_COLOR. */
int text_colours(FILE *out);

/* Writes the text as it may be shown: what is not printable UTF-8 becomes '?'.
 * Returns the number of columns that it takes (one per character). */
int text_shown(FILE *out, const char *text);

/* Writes a JSON string with its quotes; text NULL: null.  Invalid UTF-8 becomes
 * U+FFFD. */
void text_json(FILE *out, const char *text);

/* Writes a JSON number; what JSON cannot write becomes null. */
void text_json_number(FILE *out, double value);

/* A table of cells, collected and then printed aligned. */
struct text_table;

enum text_align { TEXT_LEFT, TEXT_RIGHT };

/* columns > 0.  Aborts where there is no memory. */
struct text_table *text_table_new(int columns);
void text_table_align(struct text_table *t, int column, enum text_align align);
/* Appends a cell; rows fill from the left.  Copies. */
void text_table_add(struct text_table *t, const char *cell);
/* Prints with two spaces between columns, each line after indent, and frees. */
void text_table_print(struct text_table *t, FILE *out, const char *indent);

#endif
