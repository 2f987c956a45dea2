/* scenario_parts.h: what the files of the scenario reader share; nobody else's.
 *
 *   scenario.c          files, overrides, sweep cells: text -> one tree per cell
 *   scenario_path.c     "population.home.count" -> a place in the tree
 *   scenario_cell.c     a checked tree -> a plan without hosts
 *   scenario_partial.c  what else is wrong with a document that is wrong
 *   scenario_expect.c   `expect` -> plan_expect
 *   scenario_compare.c  `compare` -> plan_margin
 *   scenario_latency.c  latency files
 *   scenario_churn.c    `churn` -> plan_churn, and files of durations
 *   scenario_attack.c   hostile populations
 *   scenario_faults.c   `faults` -> plan_fault, and whom they strike
 *   scenario_draw.c     populations -> hosts and boxes, by keyed draws
 *   scenario_address.c  their addresses
 *   scenario_check.c    the command `mistsim check` */
#ifndef SIM_SCENARIO_PARTS_H
#define SIM_SCENARIO_PARTS_H

#include "sim/catalogue.h"
#include "sim/plan.h"
#include "sim/scenario.h"
#include "sim/yaml.h"

/* One key of the sweep. */
struct sweep_axis {
    const struct yaml_node *path, *values; /* values: a list of at least one */
};

/* Round-trip times read from a file, kept for all cells. */
struct latency_file {
    struct latency_file *next;
    const char *path;
    bool fine; /* else its errors were told */
    uint32_t regions;
    mist_time *rtt;
    char **names;
    uint32_t *weights;
};

struct latencies {
    struct arena *arena;
    const char *folder; /* where relative files start */
    struct latency_file *files;
};

/* Durations read from a file, kept for all cells. */
struct trace_file {
    struct trace_file *next;
    const char *path;
    uint32_t count; /* 0: its errors were told */
    mist_time *durations;
};

struct traces {
    struct arena *arena;
    struct trace_file *files;
};

struct scenario {
    struct arena arena;
    struct scenario_options options;
    const struct error_source *source;
    char *folder;           /* of the file, "" or ending in '/': relative files start there */
    char *text;             /* as plan.text */
    struct yaml_node *root; /* overrides applied, the sweep's not, nothing filled in */
    uint32_t axis_count, cells;
    struct sweep_axis *axes;
    struct latencies *latencies;
    struct traces *traces;
    struct catalogue *catalogue;
};

/* A plan in the making. */
struct draft_population {
    const struct catalogue_nat *nat;
    struct error_place place; /* of nat */
    uint32_t subscribers;
};
struct draft {
    struct plan *plan; /* all but hosts and boxes */
    struct draft_population *populations;
    struct error_place *faults; /* of each fault */
};

/* Replaces or adds what path names.  The last part of a path may be new, a list
 * item may not.  place: of the path, for errors.  Returns false after an error. */
bool scenario_path_set(struct yaml_node *root, const char *path, struct yaml_node *value,
                       struct arena *arena, const struct error_place *place, struct errors *errors);

/* The tree of a cell, in the arena: complete, and fine if no error was added.
 * NULL if the sweep's paths lead nowhere. */
struct yaml_node *scenario_document(const struct scenario *s, uint32_t cell, struct arena *arena,
                                    struct errors *errors);

/* Fills draft->plan (allocated by the caller, its arena empty) from a checked
 * document.  Adds errors for what the schema cannot see.  What the draft points
 * to besides the plan lives in scratch. */
void scenario_cell(const struct scenario *s, const struct yaml_node *document, struct draft *draft,
                   struct arena *scratch, struct errors *errors);

/* Adds the errors that can be found in a document which the schema refuses. */
void scenario_partial(const struct scenario *s, const struct yaml_node *document,
                      struct arena *scratch, struct errors *errors);

/* Reads `expect` into the plan, whose populations stand already. */
void scenario_expect(const struct yaml_node *expect, struct catalogue *catalogue, struct plan *plan,
                     struct errors *errors);

/* Reads `compare` into the plan. */
void scenario_compare(const struct yaml_node *compare, struct plan *plan, struct errors *errors);

/* Reads `network.latency` into the plan. */
void scenario_latency(struct latencies *latencies, const struct yaml_node *latency,
                      struct plan *plan, struct errors *errors);

/* Reads `attack` of the populations, which stand already. */
void scenario_attacks(const struct yaml_node *populations, struct plan *plan, struct arena *scratch,
                      struct errors *errors);

/* Checks the populations of the behaviour tap, which stand already. */
void scenario_taps(const struct yaml_node *populations, const struct plan *plan,
                   struct errors *errors);

/* Reads `engine` into the plan. */
void scenario_engine(const struct yaml_node *engine, struct plan *plan, struct errors *errors);

/* Reads `churn`, or NULL, into the plan, whose populations stand already. */
void scenario_churn(const struct scenario *s, const struct yaml_node *churn, struct plan *plan,
                    struct errors *errors);

/* Reads `faults` into the plan, whose populations stand already. */
void scenario_faults(const struct yaml_node *faults, struct draft *draft, struct arena *scratch,
                     struct errors *errors);

/* Draws the hosts that faults strike, and gives those that roam a place each.  False
 * after an error. */
bool scenario_faults_hosts(const struct draft *draft, struct errors *errors);

/* Draws the boxes that faults strike; the boxes stand already.  False after an error. */
bool scenario_faults_boxes(const struct draft *draft, struct errors *errors);

/* The populations that a name or a list names, as [populations] in the plan's
 * memory; NULL: all honest ones without the role bootstrap. */
bool *scenario_group(struct plan *plan, const struct yaml_node *names, const char *path,
                     struct errors *errors);

/* The position of the population, or PLAN_NONE. */
uint32_t scenario_population(const struct plan *plan, const char *name);

/* Adds an error: node names no population. */
void scenario_no_population(const struct plan *plan, const struct yaml_node *node, const char *path,
                            struct errors *errors);

#define GLOBAL_SLOTS UINT32_C(14460928) /* of scenario_global: 56,488 /16 networks of 256 */
#define GLOBAL_LOW   253u               /* hosts of an IPv4 slot */

/* The low-th address (from 0) of a global slot: a /24 of IPv4, a /48 of IPv6.
 * A bijection; neighbouring slots lie in different /16 (/32), as the homes of
 * real peers do, and none is reserved (RFC 6890). */
struct addr scenario_global(uint8_t family, uint32_t slot, uint32_t low);

/* The n-th address (from 0) inside a box.  home: which of the usual home
 * networks 192.168.x.0/24 it is, and where its hosts begin: any number. */
struct addr scenario_home(uint64_t home, uint32_t n); /* n < 100 */
struct addr scenario_large_site(uint32_t n);          /* 10.0.0.0/8 */
struct addr scenario_carrier(uint32_t n);             /* 100.64.0.0/10 (RFC 6598) */

/* Draws hosts and boxes.  False after an error. */
bool scenario_draw(const struct draft *draft, struct errors *errors);

#endif
