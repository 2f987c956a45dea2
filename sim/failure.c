/* failure.c: see failure.h. */
#include "sim/failure.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sim/commit.h"
#include "sim/exit.h"
#include "stack/check.h"

static struct {
    const char *scenario, *cell;
    uint64_t seed;
    mist_time now;
} note;

void failure_note(const char *scenario, const char *cell, uint64_t seed)
{
    note.scenario = scenario;
    note.cell = cell;
    note.seed = seed;
    note.now = 0;
}

void failure_note_time(mist_time now)
{
    note.now = now;
}

/* _exit: nothing that other code has buffered or registered can be trusted now. */
_Noreturn void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "\nmistsim broke a promise of its own: %s (%s:%d), commit %s\n", condition,
            file, line, sim_commit);
    if (note.scenario)
        fprintf(stderr,
                "in cell %s, at least %.3f s into the simulation; to reproduce:\n"
                "  mistsim run %s --seed %" PRIu64 " --fresh\n",
                note.cell, (double)note.now / 1e9, note.scenario, note.seed);
    fflush(stderr);
    _exit(EXIT_BROKEN);
}
