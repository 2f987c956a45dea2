/* fuzz_wire.c: whatever parses is written again with the same bytes, padding
 * apart, and a reader that failed stays failed. */
#include <stdlib.h>
#include <string.h>

#include "stack/check.h"
#include "stack/mist.h"
#include "stack/wire.h"

#define BEFORE_PADDING 5 /* type and request */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void check_failed(const char *condition, const char *file, int line)
{
    (void)condition;
    (void)file;
    (void)line;
    abort();
}

static void message(const uint8_t *bytes, size_t length, const struct msg *read)
{
    uint8_t again[WIRE_MTU];
    struct contact contacts[WIRE_CONTACTS];
    struct candidate candidates[WIRE_CANDIDATES];
    struct msg m = *read;
    for (uint32_t i = 0; (m.type == MSG_NODES || m.type == MSG_INSTEAD) && i < m.count; i++)
        wire_contact(read, i, &contacts[i]);
    for (uint32_t i = 0; m.type == MSG_MEET && i < m.count; i++)
        wire_candidate(read, i, &candidates[i]);
    m.contacts = contacts;
    m.candidates = candidates;
    CHECK(wire_put_size(&m) == length);
    CHECK(wire_put(again, length - 1, &m) == 0);
    CHECK(wire_put(again, sizeof again, &m) == length);
    bool padded = m.type == MSG_PING || m.type == MSG_PROBE || m.type == MSG_WHERE;
    CHECK(memcmp(again, bytes, padded ? BEFORE_PADDING : length) == 0);
    CHECK(wire_msg_kind(m.type) < MIST_KIND_NONSENSE);
}

static void messages(const uint8_t *data, size_t size)
{
    struct reader r = {data, data + size, false};
    struct msg m;
    const uint8_t *from = data;
    int got;
    while ((got = wire_take(&r, &m)) == 1) {
        CHECK(r.at > from && r.at <= r.end);
        message(from, (size_t)(r.at - from), &m);
        from = r.at;
    }
    CHECK(got == wire_take(&r, &m));
    CHECK(got == -1 || r.at == r.end);
}

static void head(const uint8_t *data, size_t size)
{
    struct wire_head h;
    uint8_t again[WIRE_MTU];
    if (wire_take_head(data, size, &h) != 0)
        return;
    CHECK(h.head_length <= size && h.body_length == size - h.head_length);
    size_t length = wire_put_head(again, &h);
    CHECK(length == (h.type == WIRE_INIT ? size : h.head_length));
    CHECK(memcmp(again, data, h.head_length) == 0);
}

static void offer(const uint8_t *data, size_t size)
{
    struct offer o;
    struct call_value v;
    uint8_t again[WIRE_MTU];
    if (wire_take_call(data, size, &v) == 0) {
        CHECK(wire_put_call(again, sizeof again, &v) == size);
        CHECK(memcmp(again, data, size) == 0);
    }
    if (wire_take_offer(data, size, &o) != 0)
        return;
    CHECK(wire_put_offer(again, sizeof again, &o) == size);
    CHECK(memcmp(again, data, size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    head(data, size);
    if (size > WIRE_MTU)
        return 0;
    messages(data, size);
    offer(data, size);
    return 0;
}
