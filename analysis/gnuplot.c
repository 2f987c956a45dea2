/* gnuplot.c: see gnuplot.h. */
#include "analysis/gnuplot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "analysis/exit.h"
#include "stack/check.h"

#define SVG_MOST   (4 << 20) /* bytes of a figure; a crowded one has 60 kB */
#define NO_PROGRAM 127       /* exit code of the child when there is no gnuplot */

static void fail(struct gnuplot *g, int status, const char *what, const char *why)
{
    source_fail(g->source, status, what, why);
}

static void path_of(const struct gnuplot *g, const char *name, char path[GNUPLOT_PATH + 64])
{
    snprintf(path, GNUPLOT_PATH + 64, "%s/%.60s", g->folder, name);
}

void gnuplot_open(struct gnuplot *g, struct source *s, const char *keep)
{
    const char *place = getenv("TMPDIR");
    *g = (struct gnuplot){.source = s, .keep = keep != NULL};
    if (keep)
        snprintf(g->folder, sizeof g->folder, "%s", keep);
    else
        snprintf(g->folder, sizeof g->folder, "%.900s/mist-report-XXXXXX",
                 place && *place ? place : "/tmp");
    int bad = keep ? mkdir(keep, 0777) && errno != EEXIST : !mkdtemp(g->folder);
    if (!bad)
        return;
    fail(g, EXIT_STORAGE, g->folder, strerror(errno));
    g->folder[0] = 0;
}

FILE *gnuplot_create(struct gnuplot *g, const char *name)
{
    char path[GNUPLOT_PATH + 64];
    if (g->source->status)
        return NULL;
    path_of(g, name, path);
    FILE *file = fopen(path, "w");
    if (!file)
        fail(g, EXIT_STORAGE, path, strerror(errno));
    return file;
}

void gnuplot_written(struct gnuplot *g, FILE *file)
{
    int bad = ferror(file);
    if (fclose(file) || bad)
        fail(g, EXIT_STORAGE, g->folder, strerror(errno));
}

/* The child: gnuplot without the user's settings, its talk in a file. */
_Noreturn static void become_gnuplot(const struct gnuplot *g, const char *script)
{
    int log = -1;
    if (chdir(g->folder) == 0)
        log = open("gnuplot.log", O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (log >= 0 && dup2(log, STDOUT_FILENO) >= 0 && dup2(log, STDERR_FILENO) >= 0)
        execlp("gnuplot", "gnuplot", "--default-settings", script, (char *)NULL);
    _exit(log >= 0 && errno == ENOENT ? NO_PROGRAM : 1);
}

static void tell_trouble(struct gnuplot *g)
{
    char path[GNUPLOT_PATH + 64], line[200], why[260] = "failed";
    path_of(g, "gnuplot.log", path);
    FILE *log = fopen(path, "r");
    while (log && fgets(line, sizeof line, log))
        if (strspn(line, " \t\n^") != strlen(line))
            snprintf(why, sizeof why, "failed: %.*s", (int)strcspn(line, "\n"), line);
    if (log)
        fclose(log);
    fail(g, EXIT_STORAGE, "gnuplot", why);
}

void gnuplot_run(struct gnuplot *g, const char *script)
{
    int status = 0;
    if (g->source->status)
        return;
    pid_t child = fork();
    if (child == 0)
        become_gnuplot(g, script);
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    if (child < 0)
        fail(g, EXIT_STORAGE, "gnuplot", strerror(errno));
    else if (WIFEXITED(status) && WEXITSTATUS(status) == NO_PROGRAM)
        fail(g, EXIT_LACKING, "gnuplot",
             "is not there, and draws the figures; as root: apt-get install gnuplot-nox");
    else if (status != 0)
        tell_trouble(g);
}

/* The whole file, allocated. */
static char *read_file(struct gnuplot *g, const char *name)
{
    char path[GNUPLOT_PATH + 64];
    path_of(g, name, path);
    FILE *file = fopen(path, "r");
    char *text = file ? malloc(SVG_MOST + 1) : NULL;
    if (text) {
        size_t n = fread(text, 1, SVG_MOST, file);
        text[n] = 0;
    } else {
        fail(g, EXIT_STORAGE, path, strerror(errno));
    }
    if (file)
        fclose(file);
    return text;
}

/* Attributes that the page's style sets, or that only repeat the default. */
static size_t skipped_attribute(const char *s)
{
    static const char *const names[] = {
        " color=\"", " font-family=\"", " stroke-linecap=\"", " stroke-linejoin=\"",
        " id=\"",    " class=\"",       " xml:space=\"",      " shape-rendering='"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t length = strlen(names[i]);
        if (strncmp(s, names[i], length) == 0)
            return length + strcspn(s + length, "\"'") + 1;
    }
    return 0;
}

/* Writes the page's name of a colour and returns how long gnuplot's was; 0: none. */
static size_t write_colour(FILE *out, const char *s)
{
    int r, g, b, length = 0;
    if (strncmp(s, "\"black\"", 7) == 0) {
        fputs("\"currentColor\"", out);
        return 7;
    }
    if (sscanf(s, "rgb( %d , %d , %d )%n", &r, &g, &b, &length) != 3 || length == 0)
        return 0;
    if (r == 1)
        fprintf(out, "var(--line-%d)", b);
    else
        fputs(r == 2 ? "var(--faint)" : r == 3 ? "var(--grid)" : "var(--muted)", out);
    return (size_t)length;
}

/* Groups without content, which gnuplot writes many of, and its names of plots. */
static size_t skipped_element(const char *s)
{
    if (strncmp(s, "<title>", 7) == 0) {
        const char *end = strstr(s, "</title>");
        return end ? (size_t)(end - s) + 8 : 0;
    }
    if (strncmp(s, "<g ", 3) != 0)
        return 0;
    const char *end = strchr(s, '>');
    return end && strncmp(end, ">\n</g>\n", 7) == 0 ? (size_t)(end - s) + 7 : 0;
}

static void take_over(FILE *out, const char *s, const char *end)
{
    while (s < end) {
        size_t n = skipped_element(s);
        if (n == 0)
            n = skipped_attribute(s);
        if (n == 0)
            n = write_colour(out, s);
        if (n == 0 && (*s == '\t' || (*s == '\n' && s[1] == '\n')))
            n = 1;
        if (n == 0)
            fputc(*s++, out);
        s += n;
    }
}

char *gnuplot_take(struct gnuplot *g, const char *name)
{
    char *svg = g->source->status ? NULL : read_file(g, name), *taken = NULL;
    size_t size;
    if (!svg)
        return NULL;
    /* The body stands between the definitions and the end of the canvas. */
    const char *body = strstr(svg, "</defs>"), *end = strstr(svg, "</g>\n</svg>");
    FILE *out = open_memstream(&taken, &size);
    CHECK(out);
    if (body && end && body < end)
        take_over(out, body + 7, end);
    else
        fail(g, EXIT_STORAGE, "gnuplot", "wrote no whole SVG; is the disk full?");
    CHECK(fclose(out) == 0);
    free(svg);
    return taken;
}

static void remove_folder(const struct gnuplot *g)
{
    DIR *folder = opendir(g->folder);
    if (!folder)
        return;
    for (const struct dirent *entry; (entry = readdir(folder));)
        if (entry->d_name[0] != '.')
            unlinkat(dirfd(folder), entry->d_name, 0);
    closedir(folder);
    rmdir(g->folder);
}

void gnuplot_close(struct gnuplot *g)
{
    if (!g->keep && g->folder[0])
        remove_folder(g);
}
