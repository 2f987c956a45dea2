/* lines.c: see lines.h. */
#include "stack/host/lines.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

static bool is_printable(const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (bytes[i] < 0x20 || bytes[i] > 0x7e)
            return false;
    return true;
}

static void put_hex(FILE *out, const char *field, const uint8_t *bytes, size_t length)
{
    fprintf(out, ",\"%s\":\"", field);
    for (size_t i = 0; i < length; i++)
        fprintf(out, "%02x", bytes[i]);
    fputc('"', out);
}

static void put_bytes(FILE *out, const uint8_t *bytes, size_t length)
{
    if (!is_printable(bytes, length)) {
        put_hex(out, "hex", bytes, length);
        return;
    }
    fputs(",\"text\":\"", out);
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == '"' || bytes[i] == '\\')
            fputc('\\', out);
        fputc(bytes[i], out);
    }
    fputc('"', out);
}

static void put_word(FILE *out, const char *word)
{
    for (; *word; word++)
        fputc(tolower((unsigned char)*word), out);
}

static void put_name(FILE *out, const char *field, const struct mist_names *names, uint32_t count,
                     uint32_t number)
{
    if (field)
        fprintf(out, ",\"%s\":", field);
    for (uint32_t i = 0; i < count; i++) {
        if (names[i].number == number) {
            fputc('"', out);
            put_word(out, names[i].word);
            fputc('"', out);
            return;
        }
    }
    fprintf(out, "%" PRIu32, number);
}

static void put_count(FILE *out, const char *field, uint32_t value)
{
    if (value)
        fprintf(out, ",\"%s\":%" PRIu32, field, value);
}

static void put_address(FILE *out, const struct addr *a)
{
    char text[ADDR_TEXT];
    if (a->family != ADDR_NONE)
        fprintf(out, ",\"addr\":\"%s\"", addr_format(a, text));
}

static void end_line(FILE *out)
{
    fputs("}\n", out);
    fflush(out);
}

void lines_event(FILE *out, const struct mist_api *api, const struct mist_event *e)
{
    static const uint8_t nobody[MIST_ID];
    uint32_t count;
    const struct mist_names *names = api->event_names(&count);
    fputs("{\"event\":", out);
    put_name(out, NULL, names, count, e->kind);
    put_count(out, "id", e->id);
    put_address(out, &e->addr);
    if (memcmp(e->peer, nobody, sizeof nobody) != 0)
        put_hex(out, "peer", e->peer, sizeof e->peer);
    if (e->path != MIST_PATH_NONE) {
        names = api->path_names(&count);
        put_name(out, "path", names, count, e->path);
    }
    if (e->reason != MIST_REASON_NONE) {
        names = api->reason_names(&count);
        put_name(out, "reason", names, count, e->reason);
    }
    if (e->rtt)
        fprintf(out, ",\"rtt_ns\":%" PRId64, e->rtt);
    put_count(out, "count", e->count);
    put_count(out, "hops", e->hops);
    put_count(out, "attempts", e->attempts);
    put_count(out, "probes", e->probes);
    put_count(out, "sockets", e->sockets);
    bool person = e->kind == MIST_EVENT_CONNECTED || e->kind == MIST_EVENT_ACCEPTED;
    if (e->length && person)
        put_hex(out, "person", e->bytes, e->length);
    else if (e->length)
        put_bytes(out, e->bytes, e->length);
    end_line(out);
}

void lines_fact(FILE *out, const struct mist_api *api, const struct mist_fact *f)
{
    static const uint8_t nobody[sizeof f->peer];
    uint32_t count;
    const struct mist_names *names = api->fact_names(&count);
    fputs("{\"fact\":", out);
    put_name(out, NULL, names, count, f->number);
    put_count(out, "connection", f->connection);
    put_address(out, &f->addr);
    if (memcmp(f->peer, nobody, sizeof nobody) != 0)
        put_hex(out, "peer", f->peer, sizeof f->peer);
    fprintf(out, ",\"a\":%" PRId64 ",\"b\":%" PRId64, f->a, f->b);
    end_line(out);
}

void lines_listening(FILE *out, uint32_t socket, const struct addr *local)
{
    fprintf(out, "{\"event\":\"listening\",\"socket\":%" PRIu32, socket);
    put_address(out, local);
    end_line(out);
}

void lines_proxy(FILE *out, const char *name, const struct addr *local)
{
    char text[ADDR_TEXT];
    fprintf(out, "{\"event\":\"proxy\",\"addr\":\"%s\"", addr_format(local, text));
    put_bytes(out, (const uint8_t *)name, strlen(name));
    end_line(out);
}

void lines_mapped(FILE *out, const struct addr *outside, const char *language)
{
    fputs("{\"event\":\"mapped\"", out);
    put_address(out, outside);
    fprintf(out, ",\"by\":\"%s\"", language);
    end_line(out);
}

void lines_done(FILE *out, uint32_t sent, uint32_t received)
{
    fprintf(out, "{\"event\":\"done\",\"sent\":%" PRIu32 ",\"received\":%" PRIu32, sent, received);
    end_line(out);
}
