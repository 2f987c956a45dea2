/* process.c: see process.h. */
#include "sim/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define NO_PROGRAM 127 /* as shells say it */

_Noreturn static void become(const char *const *words, const char *output)
{
    int file = output ? open(output, O_WRONLY | O_CREAT | O_TRUNC, 0666) : -1;
    if (output && (file < 0 || dup2(file, STDOUT_FILENO) < 0 || dup2(file, STDERR_FILENO) < 0))
        _exit(NO_PROGRAM);
    /* A make that runs us means its own targets and jobs, not those of this program. */
    signal(SIGINT, SIG_DFL);
    unsetenv("MAKEFLAGS");
    unsetenv("MFLAGS");
    unsetenv("MAKELEVEL");
    execvp(words[0], (char *const *)(uintptr_t)words);
    _exit(NO_PROGRAM);
}

int process_run(const char *const *words, const char *output)
{
    int status = 0;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        become(words, output);
    if (child < 0)
        return NO_PROGRAM;
    /* Ctrl-C reaches the child too: its exit code tells what it made of it. */
    struct sigaction before, ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGINT, &ignore, &before);
    pid_t ended;
    do
        ended = waitpid(child, &status, 0);
    while (ended < 0 && errno == EINTR);
    sigaction(SIGINT, &before, NULL);
    if (ended < 0)
        return NO_PROGRAM;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
