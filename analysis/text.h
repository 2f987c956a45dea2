/* text.h: how a report writes texts and numbers: HTML, JSON, values with units.
 *
 * Texts come from a file that is not trusted.  What is not UTF-8, controls what is
 * displayed or turns the writing direction is replaced; what HTML or JSON reads as
 * its own is escaped, so that no text ends the element or string it stands in. */
#ifndef ANALYSIS_TEXT_H
#define ANALYSIS_TEXT_H

#include <stdint.h>
#include <stdio.h>

#include "analysis/interval.h"

#define TEXT_VALUE 48  /* bytes that the number functions write at most */
#define TEXT_LABEL 160 /* characters that a name is shown with */

/* As HTML text or attribute, at most so many characters, then an ellipsis. */
void text_html(FILE *out, const char *text, uint32_t most);

/* As a JSON string with its quotes, safe inside a script element; NULL: null. */
void text_json(FILE *out, const char *text);

/* As a JSON number; what JSON cannot write becomes null. */
void text_json_number(FILE *out, double value);

/* For people, three significant digits; all return buffer, "-" where not finite. */
const char *text_count(char buffer[TEXT_VALUE], double n);         /* 12,345 */
const char *text_scaled(char buffer[TEXT_VALUE], double n);        /* 1.23 M */
const char *text_percent(char buffer[TEXT_VALUE], double share);   /* 71.3 % */
const char *text_seconds(char buffer[TEXT_VALUE], double seconds); /* 312 ms, 4.21 s, 10 min */
const char *text_bytes(char buffer[TEXT_VALUE], double bytes);     /* 1.44 MB (decimal) */

/* In one of the units of the view `summary`: ratio, s, B/s, 1/s, count, hops, SE. */
const char *text_value(char buffer[TEXT_VALUE], double value, const char *unit);

#endif
