/* report.c: see report.h.
 *
 * The page appears under its name when it is whole and on the disk, and not before:
 * an older one stays until then. */
#include "analysis/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analysis/cells.h"
#include "analysis/curves.h"
#include "analysis/exit.h"
#include "analysis/figures.h"
#include "analysis/measure.h"
#include "analysis/page.h"
#include "analysis/source.h"

#define PATH 1024 /* bytes of a file's name with room for what is added to it */

struct request {
    const char *file;
    char folder[PATH];
    int keep; /* scripts and data of the figures stay in the folder */
};

static int misuse(const char *what, const char *word)
{
    fprintf(stderr, "mistsim report: %s%s\nusage: mistsim report FILE.db [-o DIR] [--keep]\n", what,
            word);
    return EXIT_INPUT;
}

/* FILE.db becomes FILE-report. */
static void name_folder(struct request *q)
{
    size_t length = strlen(q->file);
    if (length > 3 && strcmp(q->file + length - 3, ".db") == 0)
        length -= 3;
    snprintf(q->folder, sizeof q->folder, "%.*s-report", (int)length, q->file);
}

static int read_request(int argc, char **argv, struct request *q)
{
    const char *folder = NULL;
    int only_files = 0;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (!only_files && strcmp(word, "--") == 0)
            only_files = 1;
        else if (!only_files && strcmp(word, "--keep") == 0)
            q->keep = 1;
        else if (!only_files && (strcmp(word, "-o") == 0 || strcmp(word, "--out") == 0))
            folder = i + 1 < argc ? argv[++i] : "";
        else if (!only_files && strncmp(word, "--out=", 6) == 0)
            folder = word + 6;
        else if (!only_files && strncmp(word, "-o", 2) == 0)
            folder = word + 2;
        else if (!only_files && word[0] == '-' && word[1])
            return misuse("unknown option ", word);
        else if (q->file)
            return misuse("one file at a time; unexpected ", word);
        else
            q->file = word;
    }
    if (!q->file || !*q->file)
        return misuse("expected FILE.db", "");
    if (folder && !*folder)
        return misuse("-o needs a folder", "");
    if (strlen(folder ? folder : q->file) > PATH - 100)
        return misuse("the name is too long", "");
    name_folder(q);
    if (folder)
        snprintf(q->folder, sizeof q->folder, "%s", folder);
    return 0;
}

/* Makes the folder and, if need be, those above it. */
static void make_folder(struct source *s, const char *folder)
{
    char path[PATH];
    snprintf(path, sizeof path, "%s", folder);
    for (char *end = path + 1; *end; end++)
        if (*end == '/') {
            *end = 0;
            mkdir(path, 0777);
            *end = '/';
        }
    if (mkdir(path, 0777) && errno != EEXIST)
        source_fail(s, EXIT_STORAGE, folder, strerror(errno));
}

/* Everything that the page shows, then the page. */
static void write_page(struct source *s, const char *keep, FILE *out)
{
    static struct cells cells;
    cells_find(s, &cells);
    measure_prepare(s);
    curves_prepare(s, &cells);
    struct figures *figures = figures_draw(s, &cells, keep);
    if (figures)
        page_write(&(struct page){s, &cells, figures, out});
    figures_free(figures);
}

/* Closes the file; it is whole when all was written and is on the disk. */
static void finish_file(struct source *s, FILE *out, const char *name)
{
    int bad = fflush(out) || ferror(out) || fsync(fileno(out));
    int why = errno;
    if (fclose(out) && !bad) {
        bad = 1;
        why = errno;
    }
    if (bad)
        source_fail(s, EXIT_STORAGE, name, strerror(why));
}

static void write_report(struct source *s, const struct request *q)
{
    char keep[PATH + 20], name[PATH + 20], unfinished[PATH + 80];
    snprintf(keep, sizeof keep, "%s/figures", q->folder);
    snprintf(name, sizeof name, "%s/index.html", q->folder);
    snprintf(unfinished, sizeof unfinished, "%s.%ld-unfinished", name, (long)getpid());
    make_folder(s, q->folder);
    FILE *out = s->status ? NULL : fopen(unfinished, "wx");
    if (!out) {
        source_fail(s, EXIT_STORAGE, unfinished, strerror(errno));
        return;
    }
    write_page(s, q->keep ? keep : NULL, out);
    finish_file(s, out, unfinished);
    if (!s->status && rename(unfinished, name))
        source_fail(s, EXIT_STORAGE, name, strerror(errno));
    if (s->status)
        unlink(unfinished);
}

int report_main(int argc, char **argv)
{
    struct request q = {0};
    struct source s;
    int status = read_request(argc, argv, &q);
    if (status)
        return status;
    if (!source_open(&s, q.file))
        write_report(&s, &q);
    source_close(&s);
    if (s.status == EXIT_STORAGE)
        fprintf(stderr, "mistsim report: %s (the results file was only read)\n", s.error);
    else if (s.status)
        fprintf(stderr, "mistsim report: %s\n", s.error);
    else if (printf("%s/index.html\n", q.folder) < 0 || fflush(stdout))
        return EXIT_STORAGE;
    return s.status;
}
