/* bench.h: `mistsim bench`: how fast the machine, the simulator and the core are.
 *
 * Absolute figures drift with the machine; so every part stands beside its own
 * limits measured in the same run: the whole world beside the bare event loop,
 * its cryptography beside the primitives. */
#ifndef SIM_BENCH_H
#define SIM_BENCH_H

#include <stdint.h>

#include "sim/command.h"

extern const struct command bench_command;

#define BENCH_SAMPLES 5   /* the median of which is a figure */
#define BENCH_NAME    48  /* bytes of a figure's name */
#define BENCH_FIGURES 256 /* most figures of a run */

/* One cell of a part's table: row `name`, column `at`. */
struct bench_figure {
    const char *part; /* "queue" */
    char name[BENCH_NAME];
    uint64_t at; /* how many: nodes, events pending; 0: the part has one column */
    double value;
    const char *unit; /* "events/s", "ns", "B", "x", "share" */
};

struct bench {
    uint32_t count;
    struct bench_figure figures[BENCH_FIGURES];
};

/* Appends a figure; part and unit are literals, name is copied.  At most
 * BENCH_FIGURES (CHECK). */
void bench_add(struct bench *b, const char *part, const char *name, uint64_t at, double value,
               const char *unit);

/* The middle one of BENCH_SAMPLES; sorts them. */
double bench_median(double samples[BENCH_SAMPLES]);

/* The parts, each of which appends its figures and returns an exit code. */
int bench_queue(struct bench *b);
int bench_engine(struct bench *b);
int bench_ns3(struct bench *b); /* nothing, and a word, where ns-3 is not */
int bench_primitives(struct bench *b);
int bench_nat(struct bench *b);
int bench_world(struct bench *b);
int bench_crypto(struct bench *b);

/* Events per second of the bare loop (pop, push again; no nodes) with that many
 * events pending, network-like delays: the limit of everything built on it. */
double bench_bare_loop(uint64_t pending);

#endif
