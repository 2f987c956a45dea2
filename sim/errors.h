/* errors.h: what is wrong with the user's input: all of it at once, each with
 * its place.
 *
 *     scenarios/home.yaml:12:14: population.0.nat.mapping: expected eim, adm or apdm, got `emi` ...
 *      12 |     mapping: emi
 *         |              ^~~ */
#ifndef SIM_ERRORS_H
#define SIM_ERRORS_H

#include <stdint.h>
#include <stdio.h>

#include "sim/arena.h"

#define ERRORS_KEPT 100 /* the rest is only counted: nobody reads more */

/* A text that errors point into: a file, or one argument of the command line. */
struct error_source {
    const char *name; /* "scenarios/home.yaml", "--set" */
    const char *text; /* NUL-terminated; NULL: nothing to quote */
};

struct error_place {
    const struct error_source *source;
    uint32_t line, column; /* from 1; column in characters; line 0: the source as a whole */
    uint32_t width;        /* characters that the caret underlines, at least 1 */
};

struct error {
    struct error_place place;
    const char *path, *message;
};

struct errors {
    struct arena arena;
    uint32_t count;     /* all different ones */
    uint32_t raised;    /* those that were told already counted again: has anything gone wrong? */
    struct error *kept; /* the first ERRORS_KEPT, in order of discovery */
};

/* A source that lives as long as the errors: copies name and text. */
const struct error_source *errors_source(struct errors *e, const char *name, const char *text,
                                         size_t length);

/* Adds one, unless the same message stands at the same place already.
 * path: "network.loss", "" for the document.  Copies path and message, keeps
 * place.source (errors_source, or static). */
void errors_add(struct errors *e, const struct error_place *place, const char *path,
                const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Prints them in order of place within a source, then their number. */
void errors_print(const struct errors *e, FILE *out);

void errors_free(struct errors *e);

/* The candidate nearest to word, at most 2 edits or a third of its length
 * away; NULL if there is none.  Ties: the first. */
const char *errors_suggest(const char *word, const char *const *candidates, uint32_t count);

#endif
