/* check.c: what the mist program does when the code breaks its own promise. */
#include "stack/check.h"

#include <stdio.h>
#include <stdlib.h>

#define EXIT_INVARIANT 3

void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "mist: broken invariant at %s:%d: %s\n", file, line, condition);
    fprintf(stderr, "mist: this is an error in the program; please report this line\n");
    exit(EXIT_INVARIANT);
}
