/* space.h: network namespaces of one's own (network_namespaces(7)), which nobody else sees
 * and which end with this process, however it ends.
 *
 * They have no names: a descriptor holds each.  Linux only. */
#ifndef NETNS_SPACE_H
#define NETNS_SPACE_H

/* Leaves the network namespace for an empty one.  Children born from now on live in a
 * process namespace of their own, which the kernel clears when this process is gone.
 * Without privileges it becomes root of a user namespace first.  Once per process, which
 * has one thread.  Returns the descriptor of the namespace, or -1 with what is lacking
 * and what helps in error. */
int space_begin(char *error, int error_size);

/* Makes a further one; this process stays where it is, in `home`.  Returns its descriptor
 * or a negative errno. */
int space_make(int home);

/* Goes to that namespace.  Returns 0 or a negative errno. */
int space_visit(int space);

/* Writes a word to a file below /proc/sys/net of the namespace where this process is.
 * Returns 0 or a negative errno. */
int space_set(const char *file, const char *word);

#endif
