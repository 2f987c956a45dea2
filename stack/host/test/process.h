/* process.h: a running mist, as a user has it: it is started, its lines are awaited, its
 * end is asked for.  Nothing sleeps. */
#ifndef STACK_HOST_TEST_PROCESS_H
#define STACK_HOST_TEST_PROCESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIMIT_MS  60000
#define ARGUMENTS 16

/* A running mist and what it has printed so far. */
struct process {
    pid_t pid;
    int out;
    size_t length;
    char text[1 << 16];
};

static char *program(char *path, size_t size)
{
    const char *build = getenv("MIST_BUILD");
    snprintf(path, size, "%s/mist", build ? build : "build");
    return path;
}

/* Starts mist with the arguments, NULL last. */
static void start(struct process *p, const char *const *arguments)
{
    char path[1024];
    char *argv[ARGUMENTS + 2] = {program(path, sizeof path)};
    int ends[2];
    for (size_t i = 0; arguments[i]; i++) {
        assert_true(i < ARGUMENTS);
        argv[i + 1] = strdup(arguments[i]);
    }
    assert_int_equal(pipe(ends), 0);
    p->length = 0;
    p->pid = fork();
    assert_true(p->pid >= 0);
    if (p->pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execv(path, argv);
        _exit(127);
    }
    close(ends[1]);
    p->out = ends[0];
    for (size_t i = 1; argv[i]; i++)
        free(argv[i]);
}

/* Reads what comes next; 0 at the end of the output. */
static size_t read_more(struct process *p)
{
    struct pollfd wait = {.fd = p->out, .events = POLLIN};
    assert_true(p->length < sizeof p->text - 1);
    assert_int_equal(poll(&wait, 1, LIMIT_MS), 1);
    ssize_t n = read(p->out, p->text + p->length, sizeof p->text - 1 - p->length);
    assert_true(n >= 0);
    p->length += (size_t)n;
    p->text[p->length] = 0;
    return (size_t)n;
}

/* Waits until the output holds the words; what stands there. */
static const char *await(struct process *p, const char *words)
{
    const char *found;
    p->text[p->length] = 0;
    while (!(found = strstr(p->text, words)))
        if (!read_more(p))
            fail_msg("the process ended without %s; it said:\n%s", words, p->text);
    return found;
}

/* Waits for the end of the process.  Returns its exit code. */
static int await_exit(struct process *p)
{
    int status;
    while (read_more(p))
        ;
    close(p->out);
    assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static inline int stop(struct process *p)
{
    kill(p->pid, SIGTERM);
    return await_exit(p);
}

static inline size_t occurrences(const char *text, const char *words)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, words)); at++)
        count++;
    return count;
}

static inline int run(struct process *p, const char *const *arguments)
{
    start(p, arguments);
    return await_exit(p);
}

/* Waits for the address at which the process listens. */
static void address_of(struct process *p, char address[64])
{
    const char *line = await(p, "\"event\":\"listening\"");
    while (!strchr(line, '\n'))
        assert_true(read_more(p) > 0);
    assert_int_equal(sscanf(strstr(line, "\"addr\":\""), "\"addr\":\"%63[^\"]", address), 1);
}

#endif
