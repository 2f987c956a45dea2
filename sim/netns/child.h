/* child.h: a process in a namespace, spoken to in lines of text: its standard input, and
 * its standard output and error together. */
#ifndef NETNS_CHILD_H
#define NETNS_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define CHILD_LINE 16384 /* bytes of the longest line that is listened to */

struct child {
    pid_t process; /* 0: none */
    int in, out;   /* what it reads, what it writes; non-blocking */
    size_t length;
    bool overlong; /* what follows belongs to a line that was too long */
    char text[CHILD_LINE];
};

/* Forks; the new process goes to that namespace, keeps no other descriptors, and ends with
 * what `be` returns.  Returns 0 or a negative errno. */
int child_start(struct child *c, int space, int (*be)(const void *data), const void *data);

/* Says text, which ends its line itself.  What does not fit the pipe breaks the child's
 * heart: returns -1, as when it is gone. */
int child_say(struct child *c, const char *text, size_t length);

/* Calls for every line that waits, without its end; longer ones are skipped.  Returns -1
 * when there will be no more. */
int child_listen(struct child *c, void (*line)(void *data, const char *text, size_t length),
                 void *data);

/* Says no more, waits for its end and lets go of it.  Returns its exit code; what it said
 * is in text, cut to the size. */
int child_finish(struct child *c, char *text, size_t size);

/* Sends the signal, waits for its end (for SIGKILL's after a second), lets go of it. */
void child_stop(struct child *c, int signal);

#endif
