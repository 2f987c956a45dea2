/* arena.c: chunks of at least ARENA_CHUNK bytes in a list; see arena.h. */
#include "sim/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stack/check.h"

#define ARENA_CHUNK 16384 /* bytes: a small scenario fits one */
#define ARENA_ALIGN 16    /* bytes: the strictest type of the ABI */

struct arena_chunk {
    struct arena_chunk *next;
    size_t size, used;
    _Alignas(ARENA_ALIGN) unsigned char bytes[];
};

static struct arena_chunk *chunk_new(size_t size)
{
    size_t room = size > ARENA_CHUNK ? size : ARENA_CHUNK;
    struct arena_chunk *chunk = calloc(1, sizeof *chunk + room);
    CHECK(chunk);
    chunk->size = room;
    return chunk;
}

void *arena_take(struct arena *a, size_t size)
{
    CHECK(size < SIZE_MAX / 2);
    size = (size + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
    if (!a->chunks || a->chunks->size - a->chunks->used < size) {
        struct arena_chunk *chunk = chunk_new(size);
        chunk->next = a->chunks;
        a->chunks = chunk;
    }
    void *piece = a->chunks->bytes + a->chunks->used;
    a->chunks->used += size;
    return piece;
}

char *arena_text(struct arena *a, const char *text, size_t length)
{
    char *copy = arena_take(a, length + 1);
    memcpy(copy, text, length);
    return copy;
}

char *arena_format(struct arena *a, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    CHECK(length >= 0);
    char *text = arena_take(a, (size_t)length + 1);
    (void)vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

void arena_free(struct arena *a)
{
    while (a->chunks) {
        struct arena_chunk *next = a->chunks->next;
        free(a->chunks);
        a->chunks = next;
    }
}
