/* book.c: see book.h. */
#include "stack/host/book.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEX_BYTES (2 * MIST_ID)

struct entry {
    uint8_t id[MIST_ID];
    uint32_t length;
    uint8_t name[MIST_NAME];
};

struct call {
    uint32_t id; /* 0: none */
    uint32_t length;
    uint8_t name[MIST_NAME];
};

struct book {
    char *file;
    FILE *err;
    struct entry *entries;
    uint32_t count, size;
    struct call calls[BOOK_CALLS];
};

/* ---- entries ---- */

const uint8_t *book_find(const struct book *book, const uint8_t *name, size_t length)
{
    for (uint32_t i = 0; i < book->count; i++)
        if (book->entries[i].length == length && memcmp(book->entries[i].name, name, length) == 0)
            return book->entries[i].id;
    return NULL;
}

static int add(struct book *b, const uint8_t *id, const uint8_t *name, uint32_t length)
{
    if (b->count == BOOK_NAMES)
        return -1;
    if (b->count == b->size) {
        uint32_t size = b->size ? 2 * b->size : 64;
        struct entry *entries = realloc(b->entries, size * sizeof *entries);
        if (!entries)
            return -1;
        b->entries = entries;
        b->size = size;
    }
    struct entry *e = &b->entries[b->count++];
    memcpy(e->id, id, MIST_ID);
    memcpy(e->name, name, length);
    e->length = length;
    return 0;
}

/* ---- reading ---- */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Undoes %XX.  Returns the name's length, or -1 and where it is wrong in *at. */
static int read_name(const char *text, size_t length, uint8_t name[MIST_NAME], size_t *at)
{
    int n = 0;
    for (size_t i = 0; i < length; i++, n++) {
        *at = i;
        if (n == MIST_NAME || text[i] < 0x20 || text[i] > 0x7e)
            return -1;
        if (text[i] != '%') {
            name[n] = (uint8_t)text[i];
            continue;
        }
        int high = i + 2 < length ? hex_digit(text[i + 1]) : -1;
        int low = i + 2 < length ? hex_digit(text[i + 2]) : -1;
        if (high < 0 || low < 0)
            return -1;
        name[n] = (uint8_t)(high << 4 | low);
        i += 2;
    }
    *at = 0;
    return n > 0 ? n : -1;
}

static int wrong(const struct book *b, uint32_t line, size_t column, const char *expected)
{
    fprintf(b->err, "%s:%u:%zu: expected %s\n", b->file, (unsigned)line, column + 1, expected);
    return 1;
}

/* One line, without its newline.  Returns how many mistakes it has, all told. */
static int read_line(struct book *b, uint32_t line, const char *text, size_t length)
{
    uint8_t id[MIST_ID], name[MIST_NAME];
    size_t at = 0;
    if (length == 0 || text[0] == '#')
        return 0;
    while (at < HEX_BYTES && at < length && hex_digit(text[at]) >= 0)
        at++;
    if (at < HEX_BYTES || length == HEX_BYTES || text[HEX_BYTES] != ' ')
        return wrong(b, line, at, "64 hex digits of a person's id, a blank and a name");
    for (size_t i = 0; i < MIST_ID; i++)
        id[i] = (uint8_t)(hex_digit(text[2 * i]) << 4 | hex_digit(text[2 * i + 1]));
    const size_t start = HEX_BYTES + 1;
    int n = read_name(text + start, length - start, name, &at);
    if (n < 0)
        return wrong(b, line, start + at,
                     "a name of 1 to 255 bytes, those beyond printable ASCII as %XX");
    const uint8_t *known = book_find(b, name, (size_t)n);
    if (known)
        return wrong(b, line, start, "each name once; this one stands above already");
    return add(b, id, name, (uint32_t)n) ? wrong(b, line, 0, "at most 65536 names") : 0;
}

static int read_lines(struct book *b, FILE *in)
{
    char *text = NULL;
    size_t size = 0;
    int mistakes = 0;
    ssize_t length;
    for (uint32_t line = 1; (length = getline(&text, &size, in)) >= 0; line++) {
        if (length > 0 && text[length - 1] == '\n')
            length--;
        mistakes += read_line(b, line, text, (size_t)length);
    }
    free(text);
    if (ferror(in))
        mistakes += wrong(b, 1, 0, strerror(errno));
    return mistakes;
}

/* Returns 0; or -1 after saying what is wrong. */
static int read_file(struct book *b)
{
    struct stat status;
    FILE *in = fopen(b->file, "re");
    if (!in && errno == ENOENT)
        return 0;
    if (!in) {
        fprintf(b->err, "%s: %s\n", b->file, strerror(errno));
        return -1;
    }
    int mistakes = 0;
    if (fstat(fileno(in), &status) == 0 && (status.st_mode & 022)) {
        fprintf(b->err, "%s: others can write this book: chmod go-w it\n", b->file);
        mistakes = 1;
    }
    mistakes += read_lines(b, in);
    fclose(in);
    return mistakes ? -1 : 0;
}

struct book *book_open(const char *file, FILE *err)
{
    struct book *b = calloc(1, sizeof *b);
    if (b) {
        b->file = strdup(file);
        b->err = err;
    }
    if (b && b->file && read_file(b) == 0)
        return b;
    if (!b || !b->file)
        fprintf(err, "%s: no memory\n", file);
    if (b)
        book_close(b);
    return NULL;
}

void book_close(struct book *b)
{
    free(b->entries);
    free(b->file);
    free(b);
}

/* ---- writing ---- */

/* One line in one write, so that two programs do not mix theirs. */
static int append(const struct book *b, const struct entry *e)
{
    char line[HEX_BYTES + 1 + 3 * MIST_NAME + 2];
    sodium_bin2hex(line, sizeof line, e->id, MIST_ID);
    size_t n = HEX_BYTES;
    line[n++] = ' ';
    for (uint32_t i = 0; i < e->length; i++) {
        bool plain = e->name[i] >= 0x20 && e->name[i] <= 0x7e && e->name[i] != '%';
        if (plain)
            line[n++] = (char)e->name[i];
        else
            n += (size_t)snprintf(line + n, 4, "%%%02X", e->name[i]);
    }
    line[n++] = '\n';
    int fd = open(b->file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    struct stat before;
    bool known = fstat(fd, &before) == 0;
    bool fine = write(fd, line, n) == (ssize_t)n && fsync(fd) == 0;
    int why = errno;
    if (!fine && known)
        (void)ftruncate(fd, before.st_size); /* half a line would spoil the book */
    fine = close(fd) == 0 && fine;
    errno = why;
    return fine ? 0 : -1;
}

/* ---- calls ---- */

static struct call *call_of(struct book *b, uint32_t id)
{
    for (uint32_t i = 0; i < BOOK_CALLS; i++)
        if (b->calls[i].id == id)
            return &b->calls[i];
    return NULL;
}

struct mist_wish book_wish(struct book *b, const struct mist_wish *wish)
{
    struct mist_wish w = *wish;
    if (w.kind != MIST_WISH_CONNECT || w.length != 0 || w.id == 0 || w.name_length > MIST_NAME)
        return w;
    const uint8_t *pin = book_find(b, w.name, w.name_length);
    struct call *c = call_of(b, w.id);
    if (pin) {
        w.bytes = pin;
        w.length = MIST_ID;
        return w;
    }
    if (!c)
        c = call_of(b, 0);
    if (c && w.name_length > 0) { /* else it is not remembered, and asked for again next time */
        c->id = w.id;
        c->length = w.name_length;
        memcpy(c->name, w.name, w.name_length);
    }
    return w;
}

void book_event(struct book *b, const struct mist_event *event)
{
    struct call *c = event->id ? call_of(b, event->id) : NULL;
    if (!c || (event->kind != MIST_EVENT_CONNECTED && event->kind != MIST_EVENT_FAILED &&
               event->kind != MIST_EVENT_CLOSED))
        return;
    bool first = event->kind == MIST_EVENT_CONNECTED && event->length == MIST_ID &&
                 !book_find(b, c->name, c->length);
    if (first && (add(b, event->bytes, c->name, c->length) != 0 ||
                  append(b, &b->entries[b->count - 1]) != 0))
        fprintf(b->err, "%s: cannot write down whom this name stands for: %s\n", b->file,
                b->count == BOOK_NAMES ? "the book is full" : strerror(errno));
    c->id = 0;
}
