/* privileges.h: a node that serves strangers has no business being root. */
#ifndef STACK_HOST_PRIVILEGES_H
#define STACK_HOST_PRIVILEGES_H

#include <stddef.h>

/* Becomes that user, with its groups, when one is given (needs root), and gives up for good
 * all that is left of root's powers.  Returns 0, or -1 with one line of text in error. */
int privileges_drop(const char *user, char *error, size_t error_size);

#endif
