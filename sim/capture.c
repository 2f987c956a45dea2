/* capture.c: see capture.h. */
#include "sim/capture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stack/check.h"

enum { SECTION = 0x0a0d0d0a, INTERFACE = 1, PACKET = 6, ORDER = 0x1a2b3c4d };
enum {
    LINK_RAW = 101,
    OPTION_COMMENT = 1,
    OPTION_NAME = 2,
    OPTION_APPLICATION = 4,
    OPTION_UNIT = 9
};

#define NANOSECONDS 9
#define LONGEST     (70000 + 4096)

struct capture {
    FILE *file;
    int error;
    uint32_t interfaces;
    uint32_t length;
    uint8_t block[LONGEST];
};

/* ---- a block: in this machine's byte order, as the format asks ---- */

static void add(struct capture *c, const void *bytes, uint32_t length)
{
    static const uint8_t zero[4] = {0};
    uint32_t pad = (4 - length % 4) % 4;
    CHECK(c->length + length + pad + 8 <= sizeof c->block);
    memcpy(c->block + c->length, bytes, length);
    memcpy(c->block + c->length + length, zero, pad);
    c->length += length + pad;
}

static void add32(struct capture *c, uint32_t value)
{
    add(c, &value, sizeof value);
}

static void add16s(struct capture *c, uint16_t first, uint16_t second)
{
    uint16_t both[2] = {first, second};
    add(c, both, sizeof both);
}

static void add_option(struct capture *c, uint16_t code, const void *value, size_t length)
{
    if (length == 0)
        return;
    length = length > 4000 ? 4000 : length;
    add16s(c, code, (uint16_t)length);
    add(c, value, (uint32_t)length);
}

static void begin(struct capture *c, uint32_t type)
{
    c->length = 0;
    add32(c, type);
    add32(c, 0);
}

static void end(struct capture *c)
{
    add16s(c, 0, 0);
    uint32_t all = c->length + 4;
    add32(c, all);
    memcpy(c->block + 4, &all, sizeof all);
    if (fwrite(c->block, 1, all, c->file) != all && !c->error)
        c->error = errno;
}

uint32_t capture_interface(struct capture *c, const char *name)
{
    uint8_t unit = NANOSECONDS;
    begin(c, INTERFACE);
    add16s(c, LINK_RAW, 0);
    add32(c, 0);
    add_option(c, OPTION_NAME, name, strlen(name));
    add_option(c, OPTION_UNIT, &unit, 1);
    end(c);
    return c->interfaces++;
}

struct capture *capture_open(const char *file, const char *about, const char *application)
{
    struct capture *c = calloc(1, sizeof *c);
    CHECK(c);
    c->file = fopen(file, "wb");
    if (!c->file) {
        free(c);
        return NULL;
    }
    begin(c, SECTION);
    add32(c, ORDER);
    add16s(c, 1, 0);
    add32(c, UINT32_MAX); /* the section's length is not known */
    add32(c, UINT32_MAX);
    add_option(c, OPTION_COMMENT, about, strlen(about));
    add_option(c, OPTION_APPLICATION, application, strlen(application));
    end(c);
    return c;
}

void capture_packet(struct capture *c, int64_t utc, uint32_t interface, const uint8_t *bytes,
                    uint32_t length, const char *comment)
{
    begin(c, PACKET);
    CHECK(interface < c->interfaces);
    add32(c, interface);
    add32(c, (uint32_t)((uint64_t)utc >> 32));
    add32(c, (uint32_t)utc);
    add32(c, length);
    add32(c, length);
    add(c, bytes, length);
    add_option(c, OPTION_COMMENT, comment, strlen(comment));
    end(c);
}

int capture_close(struct capture *c)
{
    int error = c->error;
    if (fclose(c->file) != 0 && !error)
        error = errno;
    free(c);
    errno = error;
    return error ? -1 : 0;
}
