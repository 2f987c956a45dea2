/* scenario.h: reads a scenario file and turns it into plans.
 *
 *     struct errors errors = {0};
 *     struct scenario *s = scenario_read(path, sets, count, &options, &errors);
 *     for each cell, for each seed:
 *         struct plan *plan = scenario_plan(s, cell, seed, &errors);
 *     scenario_free(s);                        plans outlive it
 *     if (errors.count) errors_print(&errors, stderr), exit 2
 *     errors_free(&errors);                    last: the scenario points into it
 *
 * The file is checked against one schema (schema.h).  Nothing is guessed: an
 * unknown key, a missing unit or a number out of range is an error, and all
 * errors of all sweep cells are found in one reading. */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include <stdint.h>
#include <stdio.h>

#include "sim/errors.h"

struct plan;
struct scenario;
struct mist_api;
struct run_stack;

#define SCENARIO_CELLS 10000   /* most cells of a sweep */
#define SCENARIO_HOSTS 4000000 /* most hosts of a scenario */

struct scenario_options {
    const struct mist_api *api; /* checks the keys under `stack`; NULL: they are not checked */
    /* Loads what `stack: {library: ...}` names (run_stack_load); NULL: only whether the
     * file is there is checked, for loading it runs it.  Keeps what is returned. */
    const struct run_stack *(*load)(const char *library, char *error, int error_size);
};

/* Reads the file and the overrides ("network.loss=2%": items of a list by
 * position or by name).  Returns NULL when the errors (in *errors) do not
 * allow a plan.  The texts of both live in *errors, which must outlive the
 * scenario. */
struct scenario *scenario_read(const char *path, const char *const *sets, uint32_t sets_count,
                               const struct scenario_options *options, struct errors *errors);

/* The same from memory; path is only a name, and where relative files are
 * looked for.  text: length bytes, any content. */
struct scenario *scenario_parse(const char *path, const char *text, size_t length,
                                const char *const *sets, uint32_t sets_count,
                                const struct scenario_options *options, struct errors *errors);

void scenario_free(struct scenario *s);

const char *scenario_name(const struct scenario *s);      /* safe as a file name */
const char *scenario_question(const struct scenario *s);  /* "" when it asks none */
const char *scenario_full_text(const struct scenario *s); /* as plan.text */
uint64_t scenario_seed(const struct scenario *s);         /* the file's `seed` */
uint32_t scenario_cells(const struct scenario *s);        /* 1 without a sweep */
uint32_t scenario_hosts(const struct scenario *s, uint32_t cell);

/* Draws hosts and boxes.  The plan belongs to the caller (plan_free) and keeps
 * nothing of the scenario.  NULL only with an error added. */
struct plan *scenario_plan(const struct scenario *s, uint32_t cell, uint64_t seed,
                           struct errors *errors);

/* Prints the cell's document, defaults filled in, each value with its origin:
 * `default`, `FILE:LINE` or `--set`. */
void scenario_print(const struct scenario *s, uint32_t cell, FILE *out);

/* The command `mistsim check SCENARIO...`; returns the exit code. */
int check_main(int argc, char **argv);

#endif
