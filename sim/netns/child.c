/* child.c: see child.h. */
#define _GNU_SOURCE /* pipe2, close_range */
#include "sim/netns/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim/netns/space.h"

#define PATIENCE 1000 /* times a millisecond that a signal has to work */

static void take_signals(void)
{
    static const int ours[] = {SIGINT, SIGTERM, SIGPIPE, SIGXFSZ};
    sigset_t none;
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        (void)signal(ours[i], SIG_DFL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

_Noreturn static void begin(int in, int out, int space, int (*be)(const void *data),
                            const void *data)
{
    take_signals();
    if (space_visit(space) != 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
        _exit(1);
    (void)close_range(3, ~0u, 0);
    int code = be(data);
    (void)fflush(NULL);
    _exit(code);
}

static int unblock(int file)
{
    return fcntl(file, F_SETFL, O_NONBLOCK);
}

int child_start(struct child *c, int space, int (*be)(const void *data), const void *data)
{
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC) != 0)
        return -errno;
    if (pipe2(out, O_CLOEXEC) != 0) {
        int code = -errno;
        (void)close(in[0]);
        (void)close(in[1]);
        return code;
    }
    (void)fflush(NULL);
    pid_t process = fork();
    if (process == 0)
        begin(in[0], out[1], space, be, data);
    int code = process < 0 ? -errno : 0;
    (void)close(in[0]);
    (void)close(out[1]);
    c->process = process < 0 ? 0 : process;
    c->in = in[1];
    c->out = out[0];
    c->length = 0;
    c->overlong = false;
    if (code == 0 && unblock(c->in) == 0 && unblock(c->out) == 0)
        return 0;
    (void)close(c->in);
    (void)close(c->out);
    return code == 0 ? -errno : code;
}

int child_say(struct child *c, const char *text, size_t length)
{
    return write(c->in, text, length) == (ssize_t)length ? 0 : -1;
}

/* Hands on the whole lines that were read, and moves the rest to the front. */
static void hand_on(struct child *c, void (*line)(void *data, const char *text, size_t length),
                    void *data)
{
    char *begin = c->text, *end;
    while ((end = memchr(begin, '\n', c->length))) {
        size_t length = (size_t)(end - begin);
        c->length -= length + 1;
        if (!c->overlong)
            line(data, begin, length);
        c->overlong = false;
        begin = end + 1;
    }
    memmove(c->text, begin, c->length);
    if (c->length == sizeof c->text) {
        c->overlong = true;
        c->length = 0;
    }
}

int child_listen(struct child *c, void (*line)(void *data, const char *text, size_t length),
                 void *data)
{
    for (;;) {
        ssize_t got = read(c->out, c->text + c->length, sizeof c->text - c->length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN)
            return 0;
        if (got <= 0)
            return -1;
        c->length += (size_t)got;
        hand_on(c, line, data);
    }
}

int child_finish(struct child *c, char *text, size_t size)
{
    size_t length = 0;
    int status = 0;
    char rest[512];
    struct pollfd out = {.fd = c->out, .events = POLLIN};
    (void)close(c->in);
    for (ssize_t got = 1; got != 0;) {
        (void)poll(&out, 1, -1);
        got = read(c->out, rest, sizeof rest);
        for (ssize_t i = 0; i < got && length + 1 < size; i++)
            text[length++] = rest[i] == '\n' ? ' ' : rest[i];
    }
    text[length] = '\0';
    (void)close(c->out);
    while (waitpid(c->process, &status, 0) < 0 && errno == EINTR)
        continue;
    c->process = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

void child_stop(struct child *c, int signal)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    if (c->process == 0)
        return;
    bool gone = false;
    (void)kill(c->process, signal);
    for (int i = 0; i < PATIENCE && !gone; i++) {
        gone = waitpid(c->process, NULL, WNOHANG) != 0;
        if (!gone)
            (void)nanosleep(&moment, NULL);
    }
    if (!gone) {
        (void)kill(c->process, SIGKILL);
        while (waitpid(c->process, NULL, 0) < 0 && errno == EINTR)
            continue;
    }
    (void)close(c->in);
    (void)close(c->out);
    c->process = 0;
}
