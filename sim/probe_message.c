/* probe_message.c: see probe_message.h. */
#include "sim/probe_message.h"

#include <string.h>

static const uint8_t MAGIC[4] = {'M', 'N', 'A', 'T'};

enum { AT_ID = 4, AT_KIND = 8, AT_FLAGS, AT_ADDRESS, AT_PORT, AT_LATER, AT_SEEN = 16 };
enum { FLAG_NOW = 1, FLAG_LATER = 2 };

static void put(uint8_t *at, uint32_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--, value >>= 8)
        at[i] = (uint8_t)value;
}

static uint32_t get(const uint8_t *at, int bytes)
{
    uint32_t value = 0;
    for (int i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

void probe_message_write(const struct probe_message *m, uint8_t bytes[PROBE_BYTES])
{
    memset(bytes, 0, PROBE_BYTES);
    memcpy(bytes, MAGIC, sizeof MAGIC);
    put(bytes + AT_ID, m->id, 4);
    bytes[AT_KIND] = (uint8_t)m->kind;
    bytes[AT_FLAGS] = (uint8_t)((m->now ? FLAG_NOW : 0) | (m->later ? FLAG_LATER : 0));
    bytes[AT_ADDRESS] = m->from.address;
    bytes[AT_PORT] = m->from.port;
    put(bytes + AT_LATER, m->later_ms, 4);
    put(bytes + AT_SEEN, ~(uint32_t)m->seen.port, 2);
    put(bytes + AT_SEEN + 2, ~addr_ip4(&m->seen), 4);
}

int probe_message_read(struct probe_message *m, const uint8_t *bytes, uint32_t length)
{
    if (length != PROBE_BYTES || memcmp(bytes, MAGIC, sizeof MAGIC) != 0)
        return -1;
    uint8_t kind = bytes[AT_KIND], flags = bytes[AT_FLAGS];
    if (kind < PROBE_REQUEST || kind > PROBE_HELLO || flags > (FLAG_NOW | FLAG_LATER) ||
        bytes[AT_ADDRESS] > 1 || bytes[AT_PORT] > 1)
        return -1;
    *m = (struct probe_message){
        .kind = (enum probe_kind)kind,
        .id = get(bytes + AT_ID, 4),
        .now = flags & FLAG_NOW,
        .later = flags & FLAG_LATER,
        .from = {bytes[AT_ADDRESS], bytes[AT_PORT]},
        .later_ms = get(bytes + AT_LATER, 4),
        .seen = addr_v4(~get(bytes + AT_SEEN + 2, 4), (uint16_t)~get(bytes + AT_SEEN, 2)),
    };
    return m->later_ms > PROBE_LATEST ? -1 : 0;
}

uint32_t probe_serve(const uint8_t *bytes, uint32_t length, const struct addr *from,
                     struct probe_reply replies[PROBE_REPLIES])
{
    struct probe_message request;
    uint32_t count = 0;
    if (probe_message_read(&request, bytes, length) < 0 || request.kind != PROBE_REQUEST)
        return 0;
    for (int late = 0; late <= 1; late++) {
        if (late ? !request.later : !request.now)
            continue;
        struct probe_message answer = {.kind = PROBE_ANSWER,
                                       .id = request.id,
                                       .later = late,
                                       .from = request.from,
                                       .seen = *from};
        replies[count].from = request.from;
        replies[count].delay = late ? MS(request.later_ms) : 0;
        probe_message_write(&answer, replies[count++].bytes);
    }
    return count;
}
