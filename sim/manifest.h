/* manifest.h: what a campaign was, beside its results: FILE.manifest.jsonl.
 *
 * One JSON object per line, only ever appended to: "begin" before the first run,
 * "end" after the last.  A campaign that was killed has no end.  All that it takes to
 * repeat a campaign and to tell whether the same came of it: build, compiler, machine,
 * scenario, seeds, command line; then counts, wall and CPU time and the hash of the
 * canonical dump (dump.h). */
#ifndef SIM_MANIFEST_H
#define SIM_MANIFEST_H

#include <stdint.h>

struct run_campaign;

struct manifest_outcome {
    double began; /* progress_clock */
    int exit_code;
    uint32_t done, kept, failed, interrupted; /* runs of this campaign */
};

/* Where it stands: the results file without .db, and .manifest.jsonl. */
#define MANIFEST_PATH 4200
void manifest_path(char path[MANIFEST_PATH], const char *results);

/* Both return 0, or EXIT_STORAGE with error filled: then nothing was added, or a line
 * in part, which the next one does not continue. */
int manifest_begin(const struct run_campaign *c, char *error, int error_size);
/* The results are closed. */
int manifest_end(const struct run_campaign *c, const struct manifest_outcome *outcome, char *error,
                 int error_size);

#endif
