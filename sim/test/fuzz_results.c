/* fuzz_results.c: a hostile results file: opened, verified, read whole, summed up.
 *
 * Random bytes are no database; so the input patches a good one: six bytes each,
 * a big-endian offset (4), an operation and a value.  One byte left over asks for
 * the summary, which costs ten times the rest. */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdint.h>
#include <sys/stat.h>

#include "sim/results.h"
#include "sim/summary.h"
#include "sim/test/recorded.h"
#include "stack/check.h"

_Noreturn void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: CHECK(%s)\n", file, line, condition);
    abort();
}

#define MOST 400000

static uint8_t good[MOST], bytes[MOST];
static size_t size;
static char name[] = "/dev/shm/mist-fuzz-XXXXXX";
static FILE *nowhere;

static void clean(void)
{
    unlink(name);
}

/* The good file: one small run. */
static void prepare(void)
{
    char error[300];
    int failed;
    int fd = mkstemp(name);
    CHECK(fd >= 0);
    atexit(clean);
    struct record_run run = recorded_run();
    struct record *r = record_open(name, recorded_plan(), &run, error, sizeof error);
    CHECK(r);
    recorded_rows(r);
    CHECK(record_close(r, &run, &failed, error, sizeof error) == 0);
    ssize_t n = pread(fd, good, sizeof good, 0);
    CHECK(n > 0 && n < MOST);
    size = (size_t)n;
    close(fd);
    nowhere = fopen("/dev/null", "w");
    CHECK(nowhere);
}

static void patch(const uint8_t *data, size_t length)
{
    memcpy(bytes, good, size);
    for (; length >= 6; data += 6, length -= 6) {
        size_t at =
            ((size_t)data[0] << 24 | (size_t)data[1] << 16 | (size_t)data[2] << 8 | data[3]) % size;
        switch (data[4] % 3) {
        case 0: bytes[at] = data[5]; break;
        case 1: bytes[at] ^= data[5]; break;
        case 2: bytes[at] = (uint8_t)(bytes[at] + data[5]); break;
        }
    }
}

static void write_file(void)
{
    int fd = open(name, O_WRONLY | O_TRUNC);
    CHECK(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
    close(fd);
}

/* Every row of every table, as show reads it. */
static void read_all(sqlite3 *db)
{
    static const char *const names[] = {"run",     "node",    "dial",   "lookup",     "message",
                                        "traffic", "nat_box", "series", "expectation"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char sql[60];
        sqlite3_stmt *s = NULL;
        snprintf(sql, sizeof sql, "SELECT * FROM %s", names[i]);
        if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK)
            for (int rows = 0; rows < 1000 && sqlite3_step(s) == SQLITE_ROW; rows++)
                for (int column = 0; column < sqlite3_column_count(s); column++)
                    (void)sqlite3_column_text(s, column);
        sqlite3_finalize(s);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
    if (size == 0)
        prepare();
    patch(data, length);
    write_file();
    char error[600];
    sqlite3 *db;
    if (results_read(&db, name, error, sizeof error) == 0) {
        read_all(db);
        sqlite3_close(db);
    }
    const struct summary_request request = {name, "?", &(int64_t){1}, 1};
    if (length % 6 == 1)
        (void)summary_print(&request, nowhere, error, sizeof error);
    if (length % 6 == 2)
        (void)summary_print_json(&request, nowhere, error, sizeof error);
    return 0;
}
