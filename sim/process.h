/* process.h: other programs, run to their end without a shell. */
#ifndef SIM_PROCESS_H
#define SIM_PROCESS_H

/* Runs words[0] (looked for in PATH) with the words, which NULL ends.  output: where its
 * stdout and stderr go, a file that is made or written over; NULL: where ours go.
 * Returns its exit code, 128 + signal when one killed it, 127 when there is no such
 * program. */
int process_run(const char *const *words, const char *output);

#endif
