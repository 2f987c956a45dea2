/* captured.h: runs a command in a test with what it prints in texts. */
#ifndef SIM_TEST_CAPTURED_H
#define SIM_TEST_CAPTURED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/command.h"

#define CAPTURED 100000 /* bytes of a text */

/* words: ended by NULL.  Returns the exit code. */
static inline int captured(const struct command *command, char out[CAPTURED], char err[CAPTURED],
                           const char *const *words)
{
    char *argv[20] = {NULL};
    int argc = 0;
    for (; words[argc]; argc++)
        argv[argc] = strdup(words[argc]);
    fflush(stdout);
    int stdout_was = dup(STDOUT_FILENO), stderr_was = dup(STDERR_FILENO);
    FILE *files[2] = {tmpfile(), tmpfile()};
    dup2(fileno(files[0]), STDOUT_FILENO);
    dup2(fileno(files[1]), STDERR_FILENO);
    int code = command->main(argc, argv);
    fflush(stdout);
    fflush(stderr);
    dup2(stdout_was, STDOUT_FILENO);
    dup2(stderr_was, STDERR_FILENO);
    close(stdout_was);
    close(stderr_was);
    char *texts[2] = {out, err};
    for (int i = 0; i < 2; i++) {
        rewind(files[i]);
        texts[i][fread(texts[i], 1, CAPTURED - 1, files[i])] = 0;
        fclose(files[i]);
    }
    for (int i = 0; i < argc; i++)
        free(argv[i]);
    return code;
}

#endif
