/* wishes.c: see wishes.h. */
#include "stack/host/wishes.h"

#include <jansson.h>
#include <sodium.h>
#include <string.h>
#include <strings.h>

/* What a program may wish for; sockets are the host's. */
static const uint32_t allowed[] = {
    MIST_WISH_BOOTSTRAP, MIST_WISH_SUBSCRIBE, MIST_WISH_UNSUBSCRIBE, MIST_WISH_PUBLISH,
    MIST_WISH_CONNECT,   MIST_WISH_SEND,      MIST_WISH_CLOSE,       MIST_WISH_NAME,
    MIST_WISH_LEAVE,     MIST_WISH_PING,      MIST_WISH_SERVE,       MIST_WISH_OPEN,
};

static const char *read_kind(const struct mist_api *api, const char *word, uint32_t *kind)
{
    uint32_t count;
    const struct mist_names *names = api->wish_names(&count);
    for (uint32_t i = 0; i < count; i++)
        for (size_t k = 0; k < sizeof allowed / sizeof allowed[0]; k++)
            if (names[i].number == allowed[k] && strcasecmp(names[i].word, word) == 0) {
                *kind = names[i].number;
                return NULL;
            }
    return "no such wish";
}

static const char *read_id(const json_t *value, struct wishes_line *line)
{
    json_int_t id = json_integer_value(value);
    if (!json_is_integer(value) || id < 0 || id > UINT32_MAX)
        return "id: expected a number from 0 to 4294967295";
    line->wish.id = (uint32_t)id;
    return NULL;
}

static const char *read_name(const json_t *value, struct wishes_line *line)
{
    size_t length = json_string_length(value);
    if (!json_is_string(value) || length == 0 || length > MIST_NAME)
        return "name: expected 1 to 255 bytes";
    memcpy(line->name, json_string_value(value), length);
    line->wish.name = line->name;
    line->wish.name_length = (uint32_t)length;
    return NULL;
}

static const char *read_text(const json_t *value, struct wishes_line *line)
{
    size_t length = json_string_length(value);
    if (!json_is_string(value) || length > sizeof line->bytes)
        return "text: expected 1150 bytes at most";
    memcpy(line->bytes, json_string_value(value), length);
    line->wish.bytes = line->bytes;
    line->wish.length = (uint32_t)length;
    return NULL;
}

static const char *read_hex(const json_t *value, struct wishes_line *line)
{
    size_t length = 0, written = json_string_length(value);
    if (!json_is_string(value) || written % 2 != 0 ||
        sodium_hex2bin(line->bytes, sizeof line->bytes, json_string_value(value), written, NULL,
                       &length, NULL) != 0 ||
        length * 2 != written)
        return "hex: expected pairs of hex digits, 1150 at most";
    line->wish.bytes = line->bytes;
    line->wish.length = (uint32_t)length;
    return NULL;
}

static const char *read_addr(const json_t *value, struct wishes_line *line)
{
    if (!json_is_string(value) || addr_parse(&line->wish.addr, json_string_value(value)) != 0 ||
        line->wish.addr.port == 0)
        return "addr: expected an address and port, as 192.0.2.1:4000";
    return NULL;
}

static const struct field {
    const char *name;
    const char *(*read)(const json_t *value, struct wishes_line *line);
} fields[] = {
    {"id", read_id},   {"name", read_name}, {"text", read_text},
    {"hex", read_hex}, {"addr", read_addr},
};

static const char *read_field(const char *key, const json_t *value, struct wishes_line *line)
{
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (strcmp(fields[i].name, key) == 0)
            return fields[i].read(value, line);
    return "expected wish, id, name, text, hex or addr";
}

static const char *read_object(const struct mist_api *api, json_t *object, struct wishes_line *line)
{
    const char *key, *wrong = NULL;
    json_t *value;
    const char *ask = json_string_value(json_object_get(object, "ask"));
    const char *wish = json_string_value(json_object_get(object, "wish"));
    if (ask) {
        line->status = strcmp(ask, "status") == 0 && json_object_size(object) == 1;
        return line->status ? NULL : "expected {\"ask\":\"status\"}";
    }
    if (!wish)
        return "expected {\"wish\":...} or {\"ask\":\"status\"}";
    wrong = read_kind(api, wish, &line->wish.kind);
    json_object_foreach(object, key, value)
    {
        if (!wrong && strcmp(key, "wish") != 0)
            wrong = read_field(key, value, line);
    }
    return wrong;
}

const char *wishes_read(const struct mist_api *api, const char *text, size_t length,
                        struct wishes_line *line)
{
    *line = (struct wishes_line){.wish = {.size = sizeof line->wish}};
    if (length >= WISHES_LINE)
        return "too long a line";
    json_t *object = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    const char *wrong =
        json_is_object(object) ? read_object(api, object, line) : "expected an object of JSON";
    json_decref(object);
    return wrong;
}
