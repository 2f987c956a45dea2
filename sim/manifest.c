/* manifest.c: see manifest.h. */
#define _GNU_SOURCE /* gnu_get_libc_version */
#include "sim/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "sim/commit.h"
#include "sim/dump.h"
#include "sim/exit.h"
#include "sim/progress.h"
#include "sim/results.h"
#include "sim/run_campaign.h"
#include "sim/text.h"
#include "stack/check.h"

#define VERSION 1 /* of the lines' keys */

void manifest_path(char path[MANIFEST_PATH], const char *results)
{
    size_t length = strlen(results);
    if (length > 3 && strcmp(results + length - 3, ".db") == 0)
        length -= 3;
    int n = snprintf(path, MANIFEST_PATH, "%.*s.manifest.jsonl", (int)length, results);
    CHECK(n < MANIFEST_PATH);
}

/* A line that a full disk cut short is ended, so that it spoils no other. */
static int is_cut_short(int file)
{
    char last = '\n';
    off_t size = lseek(file, 0, SEEK_END);
    return size > 0 && pread(file, &last, 1, size - 1) == 1 && last != '\n';
}

static int write_line(int file, const char *line, size_t length)
{
    if (is_cut_short(file) && write(file, "\n", 1) != 1)
        return -1;
    ssize_t written = write(file, line, length);
    if (written >= 0 && (size_t)written < length)
        errno = ENOSPC;
    return written == (ssize_t)length && fsync(file) == 0 ? 0 : -1;
}

/* Appends the line, to the disk. */
static int append(const char *results, const char *line, size_t length, char *error, int error_size)
{
    char path[MANIFEST_PATH];
    manifest_path(path, results);
    int file = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    int failed = file < 0 || write_line(file, line, length);
    if (failed)
        snprintf(error, (size_t)error_size, "%s: %s", path, strerror(errno));
    if (file >= 0)
        close(file);
    return failed ? EXIT_STORAGE : 0;
}

/* ---- what is said ---- */

static void say_text(FILE *out, const char *key, const char *value)
{
    fprintf(out, ",\"%s\":", key);
    text_json(out, value);
}

static void say_count(FILE *out, const char *key, uint64_t n)
{
    fprintf(out, ",\"%s\":%" PRIu64, key, n);
}

static void say_real(FILE *out, const char *key, double value)
{
    fprintf(out, ",\"%s\":", key);
    text_json_number(out, value);
}

static void open_line(FILE *out, const char *event)
{
    char now[TEXT_NUMBER];
    fprintf(out, "{\"version\":%d", VERSION);
    say_text(out, "event", event);
    say_text(out, "utc", text_utc(now));
}

static void say_build(FILE *out, const struct run_campaign *c)
{
    say_text(out, "build", c->program);
    say_text(out, "commit", sim_commit);
    say_text(out, "changes", sim_changes);
    say_text(out, "compiler", sim_compiler);
    say_text(out, "flags", sim_flags);
    say_text(out, "core", c->api->build);
    say_text(out, "stack", c->stack);
}

/* The processor's name as the kernel has it, "" where it tells none. */
static void read_processor(char name[200])
{
    char line[400];
    FILE *in = fopen("/proc/cpuinfo", "r");
    *name = 0;
    while (in && !*name && fgets(line, sizeof line, in))
        if (sscanf(line, "model name : %199[^\n]", name) != 1)
            *name = 0;
    if (in)
        fclose(in);
}

static void say_machine(FILE *out)
{
    struct utsname kernel;
    char processor[200];
    read_processor(processor);
    say_text(out, "libc", gnu_get_libc_version());
    if (uname(&kernel) == 0) {
        say_text(out, "kernel", kernel.release);
        say_text(out, "architecture", kernel.machine);
    }
    say_text(out, "processor", processor);
}

static void say_question(FILE *out, const struct run_campaign *c)
{
    unsigned char sum[32];
    char hash[2 * sizeof sum + 1];
    const char *text = scenario_full_text(c->scenario);
    crypto_generichash(sum, sizeof sum, (const unsigned char *)text, strlen(text), NULL, 0);
    sodium_bin2hex(hash, sizeof hash, sum, sizeof sum);
    char *path = realpath(c->path, NULL);
    say_text(out, "scenario", scenario_name(c->scenario));
    say_text(out, "scenario_path", path ? path : c->path);
    say_text(out, "scenario_hash", hash);
    free(path);
    say_text(out, "engine", c->engine->name);
    say_count(out, "cells", scenario_cells(c->scenario));
    say_count(out, "first_seed", c->first_seed);
    say_count(out, "seeds", c->seeds);
    say_count(out, "jobs", c->jobs);
    fputs(",\"command\":[", out);
    for (int i = 0; i < c->word_count; i++) {
        if (i > 0)
            fputc(',', out);
        text_json(out, c->words[i]);
    }
    fputc(']', out);
}

static int finish_line(FILE *out, char **line, const size_t *length, const struct run_campaign *c,
                       char *error, int error_size)
{
    fputs("}\n", out);
    CHECK(fclose(out) == 0);
    int status = append(c->file, *line, *length, error, error_size);
    free(*line);
    return status;
}

int manifest_begin(const struct run_campaign *c, char *error, int error_size)
{
    char *line = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&line, &length);
    CHECK(out);
    open_line(out, "begin");
    say_build(out, c);
    say_machine(out);
    say_question(out, c);
    return finish_line(out, &line, &length, c, error, error_size);
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

/* Of this process and of all its workers that have ended. */
static double cpu_seconds(void)
{
    struct rusage own, children;
    if (getrusage(RUSAGE_SELF, &own) || getrusage(RUSAGE_CHILDREN, &children))
        return 0;
    return seconds(own.ru_utime) + seconds(own.ru_stime) + seconds(children.ru_utime) +
           seconds(children.ru_stime);
}

/* "" where the file cannot be read: what there is of it was told elsewhere. */
static void hash_results(const char *file, char hash[DUMP_HASH])
{
    char error[RESULTS_PATH + 300];
    sqlite3 *db;
    *hash = 0;
    if (results_read(&db, file, error, sizeof error) == 0 &&
        dump_write(db, NULL, hash) != SQLITE_OK)
        *hash = 0;
    sqlite3_close(db);
}

int manifest_end(const struct run_campaign *c, const struct manifest_outcome *o, char *error,
                 int error_size)
{
    char *line = NULL, hash[DUMP_HASH];
    size_t length = 0;
    FILE *out = open_memstream(&line, &length);
    CHECK(out);
    hash_results(c->file, hash);
    open_line(out, "end");
    say_text(out, "build", c->program);
    say_count(out, "exit_code", (uint64_t)o->exit_code);
    say_count(out, "done", o->done);
    say_count(out, "kept", o->kept);
    say_count(out, "failed", o->failed);
    say_count(out, "interrupted", o->interrupted);
    say_real(out, "wall_s", progress_clock() - o->began);
    say_real(out, "cpu_s", cpu_seconds());
    say_text(out, "dump_hash", hash);
    return finish_line(out, &line, &length, c, error, error_size);
}
