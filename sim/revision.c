/* revision.c: see revision.h. */
#include "sim/revision.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/exit.h"
#include "sim/process.h"

#define COMMIT      41 /* 40 hex digits and NUL */
#define NO_PROGRAM  127
#define LOG_LINES   12 /* of a build that failed */
#define LOG_COLUMNS 200

/* Where a revision is built. */
struct place {
    char commit[COMMIT];
    char folder[REVISION_PATH / 2]; /* build/regress/COMMIT of the working tree */
    char work[REVISION_PATH / 2];   /* this process's own, beside it */
};

/* The first line of what the program prints, without its newline; returns its code. */
static int ask(const char *const *words, const char *scratch, char *line, int size)
{
    int code = process_run(words, scratch);
    FILE *in = fopen(scratch, "r");
    *line = 0;
    if (in && fgets(line, size, in))
        line[strcspn(line, "\n")] = 0;
    if (in)
        fclose(in);
    return code;
}

static int resolve(const char *what, const char *scratch, struct place *p, char *error, int size)
{
    char top[REVISION_PATH / 4], wanted[300];
    const char *const find_top[] = {"git", "rev-parse", "--show-toplevel", NULL};
    int code = ask(find_top, scratch, top, (int)sizeof top);
    if (code) {
        snprintf(error, (size_t)size,
                 "%s: neither a file nor, without git's history, a revision: %s", what,
                 code == NO_PROGRAM ? "git is not installed" : top);
        return EXIT_LACKING;
    }
    snprintf(wanted, sizeof wanted, "%.250s^{commit}", what);
    const char *const find_commit[] = {"git",  "rev-parse", "--verify", "--end-of-options",
                                       wanted, NULL};
    if (ask(find_commit, scratch, p->commit, COMMIT) || strlen(p->commit) != COMMIT - 1) {
        snprintf(error, (size_t)size, "%.250s: no such file, and no such revision in %s", what,
                 top);
        return EXIT_INPUT;
    }
    snprintf(p->folder, sizeof p->folder, "%s/build/regress/%s", top, p->commit);
    snprintf(p->work, sizeof p->work, "%s/build/regress/work-%d", top, (int)getpid());
    char above[REVISION_PATH / 2];
    snprintf(above, sizeof above, "%s/build", top);
    mkdir(above, 0777);
    snprintf(above, sizeof above, "%s/build/regress", top);
    mkdir(above, 0777);
    return 0;
}

/* The end of a log, for people. */
static void show_log(const char *log)
{
    static char lines[LOG_LINES][LOG_COLUMNS];
    int count = 0;
    FILE *in = fopen(log, "r");
    while (in && fgets(lines[count % LOG_LINES], LOG_COLUMNS, in))
        count++;
    if (in)
        fclose(in);
    for (int i = count > LOG_LINES ? count - LOG_LINES : 0; i < count; i++)
        fprintf(stderr, "    %s", lines[i % LOG_LINES]);
}

static int build(const struct place *p, const char *log)
{
    char archive[REVISION_PATH], sources[REVISION_PATH], built[REVISION_PATH + 20];
    char library[REVISION_PATH];
    snprintf(archive, sizeof archive, "%s/sources.tar", p->work);
    snprintf(sources, sizeof sources, "%s/sources", p->work);
    snprintf(built, sizeof built, "%s/build/libmist.so", sources);
    snprintf(library, sizeof library, "%s/libmist.so", p->folder);
    const char *const take[] = {"git", "archive", "--format=tar", "-o", archive, p->commit, NULL};
    const char *const unpack[] = {"tar", "-xf", archive, "-C", sources, NULL};
    const char *const make[] = {"make", "-C", sources, "B=build", "build/libmist.so", NULL};
    mkdir(p->folder, 0777);
    if (mkdir(p->work, 0777) || mkdir(sources, 0777) || process_run(take, log) ||
        process_run(unpack, log) || process_run(make, log))
        return -1;
    return rename(built, library);
}

static int build_once(const struct place *p, const char *name, char *error, int size)
{
    char log[REVISION_PATH];
    snprintf(log, sizeof log, "%s/build.log", p->folder);
    fprintf(stderr, "building the core of %s\n", name);
    int failed = build(p, log);
    const char *const clean[] = {"rm", "-rf", p->work, NULL};
    process_run(clean, NULL);
    if (!failed)
        return 0;
    snprintf(error, (size_t)size, "%s: its core does not build as build/libmist.so: see %s", name,
             log);
    show_log(log);
    return EXIT_INPUT;
}

int revision_find(const char *what, struct revision *r, char *error, int size)
{
    struct place p;
    char scratch[] = "/tmp/mist-revision-XXXXXX";
    if (access(what, F_OK) == 0) {
        snprintf(r->name, sizeof r->name, "%.190s", what);
        snprintf(r->library, sizeof r->library, "%s", what);
        return 0;
    }
    int file = mkstemp(scratch);
    if (file < 0) {
        snprintf(error, (size_t)size, "%s: %s", scratch, strerror(errno));
        return EXIT_STORAGE;
    }
    close(file);
    int status = resolve(what, scratch, &p, error, size);
    unlink(scratch);
    if (status)
        return status;
    snprintf(r->name, sizeof r->name, "%.150s (%.12s)", what, p.commit);
    snprintf(r->library, sizeof r->library, "%s/libmist.so", p.folder);
    return access(r->library, R_OK) == 0 ? 0 : build_once(&p, r->name, error, size);
}
