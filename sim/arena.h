/* arena.h: memory that is taken piece by piece and given back all at once.
 *
 * Used by the scenario reader and by a plan: everything in them lives as long
 * as the whole.  Not for anything that runs. */
#ifndef SIM_ARENA_H
#define SIM_ARENA_H

#include <stddef.h>

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks; /* newest first; NULL: nothing taken yet */
};

/* Zeroed bytes, aligned for any type; never NULL (a machine without memory
 * fails a CHECK). */
void *arena_take(struct arena *a, size_t size);

/* A NUL-terminated copy. */
char *arena_text(struct arena *a, const char *text, size_t length);

/* As printf, into the arena. */
char *arena_format(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Frees everything; the arena may be used again. */
void arena_free(struct arena *a);

#endif
