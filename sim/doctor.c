/* doctor.c: see doctor.h. */
#include "sim/doctor.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "sim/commit.h"
#include "sim/engine_plugin.h"
#include "sim/exit.h"
#include "sim/netns/netns.h"
#include "sim/text.h"
#include "stack/mist.h"

struct finding {
    int good;
    char what[200]; /* found, or what is missing */
};

static void note(struct finding *f, int good, const char *what)
{
    f->good = good;
    snprintf(f->what, sizeof f->what, "%s", what);
}

/* Looks along PATH, as a shell would. */
static int is_program(const char *name)
{
    const char *path = getenv("PATH");
    while (path && *path) {
        char file[4096];
        size_t length = strcspn(path, ":");
        int n = snprintf(file, sizeof file, "%.*s/%s", (int)length, path, name);
        if (n > 0 && (size_t)n < sizeof file && access(file, X_OK) == 0)
            return 1;
        path += length + (path[length] == ':');
    }
    return 0;
}

static void examine_engine(struct finding *f)
{
    char text[200];
    snprintf(text, sizeof text, "core %s, commit %s", mist_api()->build, sim_commit);
    note(f, 1, text);
}

/* The views of a results file need SQL's sqrt, floor and ceil, and STRICT tables. */
static void examine_sqlite(struct finding *f)
{
    sqlite3 *db = NULL;
    int rc = sqlite3_open(":memory:", &db);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, "CREATE TABLE t(a REAL) STRICT; SELECT sqrt(2), floor(1), ceil(1)",
                          NULL, NULL, NULL);
    char text[200];
    snprintf(text, sizeof text, "version %s%s", sqlite3_libversion(),
             rc == SQLITE_OK ? "" : " lacks STRICT tables or mathematical functions");
    note(f, rc == SQLITE_OK, text);
    sqlite3_close(db);
}

static void examine_disk(struct finding *f)
{
    struct statvfs disk;
    char text[200], number[TEXT_NUMBER];
    const char *folder = access("results", F_OK) == 0 ? "results" : ".";
    double room = statvfs(folder, &disk) ? -1 : (double)disk.f_bavail * (double)disk.f_frsize;
    int writable = access(folder, W_OK) == 0;
    snprintf(text, sizeof text, "%s free for results%s", room < 0 ? "?" : text_bytes(number, room),
             writable ? "" : ", but the folder cannot be written");
    note(f, writable && room > 100e6, text);
}

static void examine_gnuplot(struct finding *f)
{
    int found = is_program("gnuplot");
    note(f, found,
         found ? "draws the figures of reports" : "needed to draw the figures of reports");
}

static void examine_sqlite_program(struct finding *f)
{
    int found = is_program("sqlite3");
    note(f, found, found ? "looks into results by SQL" : "handy to look into results by SQL");
}

static void examine_ns3(struct finding *f)
{
    char path[ENGINE_PLUGIN_PATH], error[ENGINE_PLUGIN_PATH + 600], text[200];
    const struct engine_plugin *plugin = engine_plugin_load("ns3", path, error, sizeof error);
    if (plugin)
        snprintf(text, sizeof text, "%s: --engine ns3 works", plugin->about);
    else
        snprintf(text, sizeof text, "%.180s", access(path, F_OK) ? "no plug-in for it" : error);
    note(f, plugin != NULL, text);
}

static void examine_namespaces(struct finding *f)
{
    char why[sizeof f->what];
    int able = netns_check(why, sizeof why) == 0;
    note(f, able, able ? "--engine netns works" : why);
}

static void examine_nft(struct finding *f)
{
    int found = is_program("nft");
    note(f, found,
         found ? "kernel/ profiles work on --engine netns"
               : "needed for kernel/ profiles on --engine netns");
}

/* needed: without it nothing runs. */
static const struct {
    const char *name;
    int needed;
    void (*examine)(struct finding *f);
    const char *remedy;
} examinations[] = {
    {"simulator", 1, examine_engine, ""},
    {"SQLite library", 1, examine_sqlite, "apt-get install libsqlite3-0 (Debian 12 or later)"},
    {"disk", 1, examine_disk, "make room, or choose another place with --out"},
    {"sqlite3", 0, examine_sqlite_program, "apt-get install sqlite3"},
    {"gnuplot", 0, examine_gnuplot, "apt-get install gnuplot-nox"},
    {"ns-3", 0, examine_ns3, "apt-get install libns3-dev, then make again"},
    {"namespaces", 0, examine_namespaces, "see there; --engine native needs none"},
    {"nftables", 0, examine_nft, "apt-get install nftables"},
};

static int doctor_main(int argc, char **argv)
{
    static struct command_line line;
    int code = command_parse(&doctor_command, argc, argv, &line);
    if (code != COMMAND_CONTINUES)
        return code;
    code = EXIT_FINE;
    struct utsname system;
    if (uname(&system) >= 0)
        printf("%s %s on %s, %ld processors\n", system.sysname, system.release, system.machine,
               sysconf(_SC_NPROCESSORS_ONLN));
    struct text_table *t = text_table_new(4);
    for (size_t i = 0; i < sizeof examinations / sizeof *examinations; i++) {
        struct finding f = {0};
        examinations[i].examine(&f);
        text_table_add(t, f.good ? "ok" : examinations[i].needed ? "BAD" : "-");
        text_table_add(t, examinations[i].name);
        text_table_add(t, f.what);
        text_table_add(t, f.good ? "" : examinations[i].remedy);
        if (!f.good && examinations[i].needed)
            code = EXIT_LACKING;
    }
    text_table_print(t, stdout, "");
    return code;
}

const struct command doctor_command = {
    .name = "doctor",
    .arguments = "",
    .help = "what works on this machine, and how to mend the rest",
    .main = doctor_main,
};
