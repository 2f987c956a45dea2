/* speech.c: see speech.h. */
#include "sim/netns/speech.h"

#include <ctype.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "stack/check.h"

/* ---- wishes ---- */

static const char *word_of(const struct mist_names *names, uint32_t count, uint32_t number)
{
    uint32_t i = 0;
    while (i < count && names[i].number != number)
        i++;
    CHECK(i < count);
    return names[i].word;
}

static void put_hex(json_t *object, const uint8_t *bytes, uint32_t length)
{
    char hex[2 * MIST_DATAGRAM + 1];
    CHECK(length <= MIST_DATAGRAM);
    (void)json_object_set_new(object, "hex",
                              json_string(sodium_bin2hex(hex, sizeof hex, bytes, length)));
}

size_t speech_wish(const struct mist_api *api, const struct mist_wish *wish, char line[SPEECH_LINE])
{
    char word[32], addr[ADDR_TEXT];
    uint32_t count;
    const struct mist_names *names = api->wish_names(&count);
    (void)snprintf(word, sizeof word, "%s", word_of(names, count, wish->kind));
    for (char *c = word; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    json_t *object = json_pack("{s:s}", "wish", word);
    CHECK(object);
    if (wish->id != 0)
        (void)json_object_set_new(object, "id", json_integer(wish->id));
    if (wish->name_length > 0)
        (void)json_object_set_new(object, "name",
                                  json_stringn((const char *)wish->name, wish->name_length));
    if (wish->addr.family != ADDR_NONE)
        (void)json_object_set_new(object, "addr", json_string(addr_format(&wish->addr, addr)));
    if (wish->length > 0)
        put_hex(object, wish->bytes, wish->length);
    size_t length = json_dumpb(object, line, SPEECH_LINE - 1, JSON_COMPACT);
    json_decref(object);
    CHECK(length < SPEECH_LINE - 1);
    line[length] = '\n';
    return length + 1;
}

/* ---- what is told ---- */

/* Returns whether the word is one of the table's. */
static bool number_of(const struct mist_names *names, uint32_t count, const char *word,
                      uint32_t *number)
{
    for (uint32_t i = 0; word && i < count; i++)
        if (strcasecmp(names[i].word, word) == 0) {
            *number = names[i].number;
            return true;
        }
    return false;
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static uint32_t count_of(const json_t *object, const char *key)
{
    json_int_t n = json_integer_value(json_object_get(object, key));
    return n < 0 || n > UINT32_MAX ? 0 : (uint32_t)n;
}

static void read_bytes(const json_t *object, struct speech *s)
{
    const json_t *text = json_object_get(object, "text");
    const char *hex = text_of(object, "hex");
    size_t length = json_string_length(text);
    hex = hex ? hex : text_of(object, "person");
    if (text && length <= sizeof s->bytes)
        memcpy(s->bytes, json_string_value(text), length);
    else if (!hex ||
             sodium_hex2bin(s->bytes, sizeof s->bytes, hex, strlen(hex), NULL, &length, NULL) != 0)
        length = 0;
    s->event.bytes = s->bytes;
    s->event.length = (uint32_t)length;
}

static void read_event(const struct mist_api *api, const json_t *object, struct speech *s)
{
    struct mist_event *e = &s->event;
    uint32_t events, paths, reasons;
    const struct mist_names *names = api->event_names(&events);
    const struct mist_names *path_names = api->path_names(&paths);
    const struct mist_names *reason_names = api->reason_names(&reasons);
    *e = (struct mist_event){.size = sizeof *e};
    if (!number_of(names, events, text_of(object, "event"), &e->kind))
        return;
    (void)number_of(path_names, paths, text_of(object, "path"), &e->path);
    (void)number_of(reason_names, reasons, text_of(object, "reason"), &e->reason);
    e->id = count_of(object, "id");
    e->rtt = json_integer_value(json_object_get(object, "rtt_ns"));
    e->count = count_of(object, "count");
    e->hops = count_of(object, "hops");
    e->attempts = count_of(object, "attempts");
    e->probes = count_of(object, "probes");
    e->sockets = count_of(object, "sockets");
    const char *addr = text_of(object, "addr"), *peer = text_of(object, "peer");
    if (addr)
        (void)addr_parse(&e->addr, addr);
    if (peer)
        (void)sodium_hex2bin(e->peer, sizeof e->peer, peer, strlen(peer), NULL, NULL, NULL);
    read_bytes(object, s);
    s->kind = SPEECH_EVENT;
}

static uint64_t total_of(const json_t *object, const char *key)
{
    json_int_t n = json_integer_value(json_object_get(object, key));
    return n < 0 ? 0 : (uint64_t)n;
}

static void read_status(const struct mist_api *api, const json_t *status, struct speech *s)
{
    uint32_t count, kind;
    const struct mist_names *names = api->kind_names(&count);
    const char *word;
    json_t *one;
    memset(s->counters, 0, sizeof s->counters);
    json_object_foreach(json_object_get(status, "traffic"), word, one)
    {
        if (number_of(names, count, word, &kind) && kind < MIST_KIND_COUNT)
            s->counters[kind] =
                (struct mist_counter){total_of(one, "packets_out"), total_of(one, "bytes_out"),
                                      total_of(one, "packets_in"), total_of(one, "bytes_in")};
    }
    s->kind = SPEECH_STATUS;
}

void speech_read(const struct mist_api *api, const char *line, size_t length, struct speech *s)
{
    json_t *object = json_loadb(line, length, JSON_ALLOW_NUL, NULL);
    const json_t *ok = json_object_get(object, "ok"), *status = json_object_get(object, "status");
    s->kind = SPEECH_OTHER;
    if (json_is_boolean(ok)) {
        s->kind = SPEECH_ANSWER;
        s->ok = json_is_true(ok);
    } else if (status) {
        read_status(api, status, s);
    } else if (object) {
        read_event(api, object, s);
    }
    json_decref(object);
}
