/* test_wire.c: the wire format against bytes written by hand, and every message
 * and datagram cut, overlong and out of its limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stack/check.h"
#include "stack/mist.h"
#include "stack/wire.h"

#define TAG 16 /* bytes of a seal */

void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: broken promise: %s\n", file, line, condition);
    abort();
}

/* ---- one message of each type, all fields set ---- */

static uint8_t key[WIRE_ID], peer[WIRE_ID], prefix[WIRE_PREFIX], filter[WIRE_FILTER];
static uint8_t value[WIRE_VALUE];
static struct contact contacts[WIRE_CONTACTS];
static struct candidate candidates[WIRE_CANDIDATES];

static struct addr some_v6(uint8_t last)
{
    const uint8_t ip[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = last};
    return addr_v6(ip, 0x1234);
}

static int fill(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < sizeof value; i++)
        value[i] = (uint8_t)(i * 7 + 1);
    for (uint32_t i = 0; i < WIRE_ID; i++) {
        key[i] = (uint8_t)(0x40 + i);
        peer[i] = (uint8_t)(0x80 + i);
    }
    memset(prefix, 0xee, sizeof prefix);
    memset(filter, 0xf1, sizeof filter);
    for (uint8_t i = 0; i < WIRE_CONTACTS; i++) {
        memset(contacts[i].id, i + 1, WIRE_ID);
        contacts[i].addr = i % 2 == 0 ? addr_v4(0x01020300u + i, 9) : some_v6(i);
    }
    for (uint8_t i = 0; i < WIRE_CANDIDATES; i++) {
        candidates[i].kind = (uint8_t)(1 + i % 3);
        candidates[i].addr = contacts[i].addr;
    }
    return 0;
}

/* What each type carries, in the order of their permanent numbers: the length of its encoding is
 * the sum of the widths. */
static const struct {
    uint8_t type, kind;
    const char *name;
    size_t length;
} messages[] = {
    {MSG_PING, MIST_KIND_HEARTBEAT, "ping", 1 + 4 + 19},
    {MSG_PONG, MIST_KIND_HEARTBEAT, "pong", 1 + 4 + 19},
    {MSG_FIND, MIST_KIND_KAD, "find", 1 + 4 + 32},
    {MSG_NODES, MIST_KIND_KAD, "nodes", 1 + 4 + 1 + 20 * 32 + 10 * 7 + 10 * 19},
    {MSG_SUBSCRIBE, MIST_KIND_PUBSUB, "subscribe", 1 + 4 + 32 + 2},
    {MSG_SUBSCRIBED, MIST_KIND_PUBSUB, "subscribed", 1 + 4 + 2},
    {MSG_UNSUBSCRIBE, MIST_KIND_PUBSUB, "unsubscribe", 1 + 32},
    {MSG_PUBLISH, MIST_KIND_PUBSUB, "publish", 1 + 4 + 1 + 32 + 8 + 2 + WIRE_VALUE},
    {MSG_PUBLISHED, MIST_KIND_PUBSUB, "published", 1 + 4 + 2},
    {MSG_RECEIVE, MIST_KIND_PUBSUB, "receive", 1 + 1 + 32 + 8 + 32 + 19 + 2 + WIRE_VALUE},
    {MSG_RELAY, MIST_KIND_RELAY, "relay", 1 + 12 + 2 + WIRE_VALUE},
    {MSG_RELAYED, MIST_KIND_RELAY, "relayed", 1 + 12 + 2 + WIRE_VALUE},
    {MSG_REFUSED, MIST_KIND_RELAY, "refused", 1 + 12 + 1},
    {MSG_ANSWER, MIST_KIND_PUNCH, "answer", 1 + 4 + 2 + WIRE_VALUE},
    {MSG_MEET, MIST_KIND_PUNCH, "meet", 1 + 1 + 4 + 4 + 9 + 1 + 8 * 1 + 4 * 7 + 4 * 19},
    {MSG_PROBE, MIST_KIND_PUNCH, "probe", 1 + 4 + 1 + 49},
    {MSG_PROVED, MIST_KIND_PUNCH, "proved", 1 + 4 + 19},
    {MSG_REACH, MIST_KIND_REACH, "reach", 1 + 4 + 8 + 256},
    {MSG_KNOCK, MIST_KIND_REACH, "knock", 1 + 4 + 8 + 19},
    {MSG_KNOCKED, MIST_KIND_REACH, "knocked", 1 + 4},
    {MSG_BYE, MIST_KIND_HEARTBEAT, "bye", 1 + 1},
    {MSG_PAYLOAD, MIST_KIND_DATA, "payload", 1 + 4 + 4 + 2 + WIRE_VALUE},
    {MSG_HANGUP, MIST_KIND_DATA, "hangup", 1 + 4 + 1},
    {MSG_HELLO, MIST_KIND_HANDSHAKE, "hello", 1 + 1 + 19},
    {MSG_CHECK, MIST_KIND_PUNCH, "check", 1 + 4 + 1},
    {MSG_WHERE, MIST_KIND_REACH, "where", 1 + 4 + 21},
    {MSG_HERE, MIST_KIND_REACH, "here", 1 + 4 + 19 + 2},
    {MSG_SECOND, MIST_KIND_REACH, "second", 1 + 4 + 8},
    {MSG_AIM, MIST_KIND_PUNCH, "aim", 1 + 1 + 19 + 9},
    {MSG_ECHO, MIST_KIND_PUNCH, "echo", 1 + 12 + 4},
    {MSG_ECHOED, MIST_KIND_PUNCH, "echoed", 1 + 12 + 4 + 19},
    {MSG_PROOF, MIST_KIND_PUNCH, "proof", 1 + 4 + 2 + WIRE_VALUE},
    {MSG_INSTEAD, MIST_KIND_PUBSUB, "instead", 1 + 4 + 1 + 8 * 32 + 4 * 7 + 4 * 19},
};

#define MESSAGES (sizeof messages / sizeof messages[0])

static struct msg whole(uint8_t type)
{
    struct msg m = {.type = type,
                    .flags = FLAG_SERVER | FLAG_OFFER,
                    .count = type == MSG_NODES ? WIRE_CONTACTS : WIRE_CANDIDATES,
                    .reason = 0x5a,
                    .ttl_s = 0x0102,
                    .port = 0x0304,
                    .length = sizeof value,
                    .request = 0x01020304,
                    .lag_us = 0xa1a2a3a4,
                    .counter = 0xb1b2b3b4,
                    .number = UINT64_C(0x1122334455667788),
                    .key = key,
                    .peer = peer,
                    .prefix = prefix,
                    .addr = some_v6(9),
                    .bytes = type == MSG_REACH ? filter : value,
                    .contacts = contacts,
                    .candidates = candidates};
    return m;
}

static int take(const uint8_t *bytes, size_t length, struct msg *m)
{
    /* On the heap, so that a sanitizer sees a byte too many. */
    static uint8_t *copy;
    free(copy);
    copy = malloc(length > 0 ? length : 1);
    if (length > 0)
        memcpy(copy, bytes, length);
    struct reader r = {copy, copy + length, false};
    int got = wire_take(&r, m);
    if (got == 1)
        assert_ptr_equal(r.at, r.end);
    return got;
}

static void every_type_has_its_number_length_kind_and_name(void **state)
{
    uint8_t buffer[WIRE_MTU];
    (void)state;
    assert_int_equal(MESSAGES, MSG_TYPES - 1);
    for (size_t i = 0; i < MESSAGES; i++) {
        struct msg m = whole(messages[i].type);
        assert_int_equal(messages[i].type, i + 1); /* permanent numbers */
        assert_int_equal(wire_put_size(&m), messages[i].length);
        assert_int_equal(wire_put(buffer, sizeof buffer, &m), messages[i].length);
        assert_int_equal(buffer[0], messages[i].type);
        assert_int_equal(wire_msg_kind(messages[i].type), messages[i].kind);
        assert_string_equal(wire_msg_name(messages[i].type), messages[i].name);
    }
    assert_int_equal(wire_msg_kind(MSG_TYPES), MIST_KIND_NONSENSE);
    assert_int_equal(wire_msg_kind(MSG_NONE), MIST_KIND_NONSENSE);
}

/* A field that the type carries comes back; one that it does not is zero. */
static void what_is_put_is_taken(void **state)
{
    uint8_t buffer[WIRE_MTU], again[WIRE_MTU];
    (void)state;
    for (size_t i = 0; i < MESSAGES; i++) {
        struct msg in = whole(messages[i].type), out;
        size_t length = wire_put(buffer, sizeof buffer, &in);
        assert_int_equal(take(buffer, length, &out), 1);
        assert_int_equal(out.type, in.type);
        assert_true(out.request == in.request || out.request == 0);
        assert_true(out.number == in.number || out.number == 0);
        assert_true(out.key == NULL || memcmp(out.key, key, WIRE_ID) == 0);
        assert_true(out.peer == NULL || memcmp(out.peer, peer, WIRE_ID) == 0);
        assert_true(out.addr.family == ADDR_NONE || addr_equal(&out.addr, &in.addr));
        out.contacts = contacts;
        out.candidates = candidates;
        assert_int_equal(wire_put(again, sizeof again, &out), length);
        assert_memory_equal(again, buffer, length);
    }
}

static void lists_come_back_entry_by_entry(void **state)
{
    uint8_t buffer[WIRE_MTU];
    struct msg m = whole(MSG_NODES), out;
    (void)state;
    assert_int_equal(take(buffer, wire_put(buffer, sizeof buffer, &m), &out), 1);
    assert_int_equal(out.count, WIRE_CONTACTS);
    for (uint32_t i = 0; i < WIRE_CONTACTS; i++) {
        struct contact c;
        wire_contact(&out, i, &c);
        assert_memory_equal(c.id, contacts[i].id, WIRE_ID);
        assert_true(addr_equal(&c.addr, &contacts[i].addr));
    }
    m = whole(MSG_MEET);
    assert_int_equal(take(buffer, wire_put(buffer, sizeof buffer, &m), &out), 1);
    assert_int_equal(out.count, WIRE_CANDIDATES);
    for (uint32_t i = 0; i < WIRE_CANDIDATES; i++) {
        struct candidate c;
        wire_candidate(&out, i, &c);
        assert_int_equal(c.kind, candidates[i].kind);
        assert_true(addr_equal(&c.addr, &candidates[i].addr));
    }
}

static void numbers_are_big_endian_where_the_boxes_say(void **state)
{
    static const uint8_t pong[] = {2, 0xde, 0xad, 0xbe, 0xef, 4, 192, 0, 2, 1, 0x1f, 0x90};
    static const uint8_t subscribed[] = {6, 0, 0, 0, 7, 0x02, 0x58};
    static const uint8_t publish[] = {8, 0, 0, 0, 1, 4};
    static const uint8_t answer[] = {14, 0, 0, 0, 2, 0, 3, 1, 8, 15};
    uint8_t buffer[WIRE_MTU];
    (void)state;
    struct msg m = {.type = MSG_PONG, .request = 0xdeadbeef, .addr = addr_v4(0xc0000201, 8080)};
    assert_int_equal(wire_put(buffer, sizeof buffer, &m), sizeof pong);
    assert_memory_equal(buffer, pong, sizeof pong);
    m = (struct msg){.type = MSG_SUBSCRIBED, .request = 7, .ttl_s = 600};
    assert_int_equal(wire_put(buffer, sizeof buffer, &m), sizeof subscribed);
    assert_memory_equal(buffer, subscribed, sizeof subscribed);
    m = (struct msg){.type = MSG_ANSWER, .request = 2, .bytes = value, .length = 3};
    assert_int_equal(wire_put(buffer, sizeof buffer, &m), sizeof answer);
    assert_memory_equal(buffer, answer, sizeof answer);
    m = (struct msg){.type = MSG_PUBLISH, .request = 1, .flags = FLAG_OFFER, .key = key};
    assert_int_equal(wire_put(buffer, sizeof buffer, &m), 1 + 4 + 1 + 32 + 8 + 2);
    assert_memory_equal(buffer, publish, sizeof publish);
    assert_memory_equal(buffer + sizeof publish, key, WIRE_ID);
}

static void a_message_cut_anywhere_is_malformed(void **state)
{
    uint8_t buffer[WIRE_MTU];
    (void)state;
    for (size_t i = 0; i < MESSAGES; i++) {
        struct msg m = whole(messages[i].type), out;
        size_t length = wire_put(buffer, sizeof buffer, &m);
        assert_int_equal(take(buffer, 0, &out), 0);
        for (size_t cut = 1; cut < length; cut++)
            assert_int_equal(take(buffer, cut, &out), -1);
    }
}

static void a_message_that_does_not_fit_is_not_put(void **state)
{
    uint8_t buffer[WIRE_MTU];
    (void)state;
    for (size_t i = 0; i < MESSAGES; i++) {
        struct msg m = whole(messages[i].type);
        for (size_t size = 0; size < messages[i].length; size++) {
            memset(buffer, 0xcc, sizeof buffer);
            assert_int_equal(wire_put(buffer, size, &m), 0);
            assert_int_equal(buffer[size], 0xcc);
        }
    }
}

static void a_reader_that_failed_stays_failed(void **state)
{
    static const uint8_t bytes[] = {MSG_BYE, 1, 200, MSG_BYE, 1};
    struct reader r = {bytes, bytes + sizeof bytes, false};
    struct msg m;
    (void)state;
    assert_int_equal(wire_take(&r, &m), 1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(wire_take(&r, &m), -1);
}

static void unknown_types_and_families_are_malformed(void **state)
{
    uint8_t buffer[WIRE_MTU];
    struct msg m, out;
    (void)state;
    for (unsigned type = 0; type < 256; type++) {
        memset(buffer, 0, sizeof buffer);
        buffer[0] = (uint8_t)type;
        struct reader r = {buffer, buffer + sizeof buffer, false};
        bool known = type > MSG_NONE && type < MSG_TYPES;
        assert_int_equal(wire_take(&r, &m), known ? 1 : -1);
    }
    m = (struct msg){.type = MSG_HELLO, .addr = addr_v4(1, 1)};
    size_t length = wire_put(buffer, sizeof buffer, &m);
    for (unsigned family = 0; family < 256; family++) {
        buffer[2] = (uint8_t)family;
        struct reader r = {buffer, buffer + sizeof buffer, false};
        bool known = family == ADDR_NONE || family == ADDR_V4 || family == ADDR_V6;
        assert_int_equal(wire_take(&r, &out), known ? 1 : -1);
    }
    assert_int_equal(length, 1 + 1 + 7);
}

/* MEET: flags, lag, request, then the two bytes of verdicts on the NAT. */
static void verdicts_that_nobody_gives_are_malformed(void **state)
{
    uint8_t buffer[20] = {MSG_MEET};
    struct msg m;
    (void)state;
    for (unsigned byte = 0; byte < 512; byte++) {
        buffer[10] = byte < 256 ? (uint8_t)byte : 0;
        buffer[11] = byte < 256 ? 0 : (uint8_t)byte;
        bool known = byte < 256
                         ? byte < 64 && byte % 4 <= NATURE_ARBITRARY
                         : byte % 4 <= NATURE_HAIRPIN_ON && (byte - 256) / 4 <= NATURE_RANDOM;
        struct reader r = {buffer, buffer + sizeof buffer, false};
        assert_int_equal(wire_take(&r, &m), known ? 1 : -1);
    }
}

static void lists_over_their_limit_are_malformed(void **state)
{
    uint8_t buffer[WIRE_MTU] = {MSG_NODES};
    struct msg m;
    struct offer o;
    (void)state;
    for (unsigned count = 0; count < 256; count++) {
        buffer[0] = MSG_NODES;
        buffer[5] = (uint8_t)count;
        struct reader r = {buffer, buffer + 6 + 33 * count, false};
        if (count * 33 + 6 <= sizeof buffer)
            assert_int_equal(wire_take(&r, &m), count <= WIRE_CONTACTS ? 1 : -1);
        buffer[0] = MSG_MEET;
        buffer[5] = 0;
        buffer[19] = (uint8_t)count; /* behind flags, lag, request, nature */
        r = (struct reader){buffer, buffer + 20 + 2 * count, false};
        assert_int_equal(wire_take(&r, &m), count <= WIRE_CANDIDATES ? 1 : -1);
        buffer[19] = 0;
        buffer[26] = (uint8_t)count;
        assert_int_equal(wire_take_offer(buffer, 27 + 2 * count, &o),
                         count <= WIRE_CANDIDATES ? 0 : -1);
        buffer[26] = 0;
    }
}

/* Amplification: who asks without proof gets no more bytes than it sent. */
static void no_answer_is_larger_than_its_question(void **state)
{
    uint8_t buffer[WIRE_MTU];
    (void)state;
    struct msg ping = whole(MSG_PING), pong = whole(MSG_PONG);
    struct msg probe = whole(MSG_PROBE), proved = whole(MSG_PROVED), check = whole(MSG_CHECK);
    struct wire_head cookie = {
        .type = WIRE_COOKIE_IS, .channel = 1, .nonce = value, .cookie = value, .id = key};
    assert_true(wire_put_size(&pong) <= wire_put_size(&ping));
    /* A PROBE may be answered by PROVED and CHECK, a datagram each. */
    assert_true(wire_put_size(&proved) + wire_put_size(&check) + 9 + TAG <= wire_put_size(&probe));
    assert_true(wire_put_head(buffer, &cookie) <= WIRE_INIT_SIZE);
}

static void twenty_v6_contacts_fit_into_a_datagram(void **state)
{
    struct contact all[WIRE_CONTACTS] = {0};
    (void)state;
    for (uint32_t i = 0; i < WIRE_CONTACTS; i++)
        all[i].addr = some_v6((uint8_t)i);
    struct msg m = {.type = MSG_NODES, .count = WIRE_CONTACTS, .contacts = all};
    assert_in_range(wire_put_size(&m), 1, WIRE_MTU - 9 - TAG);
}

/* ---- offers ---- */

static void an_offer_comes_back_and_has_one_length(void **state)
{
    struct offer in = {.flags = FLAG_SERVER,
                       .nature = {.mapping = NATURE_APDM,
                                  .filtering = NATURE_ADF,
                                  .ports = NATURE_SEQUENTIAL,
                                  .pooling = NATURE_PAIRED,
                                  .hairpin = NATURE_HAIRPIN_OFF,
                                  .step = -2,
                                  .rate_hz = 300,
                                  .low = 1024,
                                  .high = 65535},
                       .count = WIRE_CANDIDATES};
    struct offer out;
    uint8_t buffer[WIRE_MTU];
    (void)state;
    memcpy(in.candidates, candidates, sizeof candidates);
    memcpy(in.ticket, value, sizeof in.ticket);
    size_t length = wire_put_offer(buffer, sizeof buffer, &in);
    assert_int_equal(length, 16 + 1 + 9 + 1 + 8 * 1 + 4 * 7 + 4 * 19);
    assert_int_equal(wire_take_offer(buffer, length, &out), 0);
    assert_memory_equal(out.ticket, in.ticket, sizeof in.ticket);
    assert_int_equal(out.flags, in.flags);
    assert_memory_equal(&out.nature, &in.nature, sizeof in.nature);
    assert_int_equal(out.count, in.count);
    for (uint32_t i = 0; i < in.count; i++) {
        assert_int_equal(out.candidates[i].kind, in.candidates[i].kind);
        assert_true(addr_equal(&out.candidates[i].addr, &in.candidates[i].addr));
    }
    for (size_t cut = 0; cut < length; cut++) {
        assert_int_equal(wire_take_offer(buffer, cut, &out), -1);
        assert_int_equal(wire_put_offer(buffer, cut, &in), 0);
    }
    assert_int_equal(wire_take_offer(buffer, length + 1, &out), -1);
}

static void a_call_comes_back_and_has_a_limit(void **state)
{
    struct call_value in = {.conversation = 0x01020304, .bytes = value, .length = 100}, out;
    uint8_t buffer[WIRE_MTU];
    (void)state;
    assert_int_equal(wire_put_call(buffer, sizeof buffer, &in), 104);
    assert_int_equal(wire_take_call(buffer, 104, &out), 0);
    assert_int_equal(out.conversation, in.conversation);
    assert_int_equal(out.length, 100);
    assert_memory_equal(out.bytes, value, 100);
    assert_int_equal(wire_take_call(buffer, 3, &out), -1);
    assert_int_equal(wire_put_call(buffer, 103, &in), 0);
    in.length = WIRE_OFFER - 3;
    assert_int_equal(wire_take_call(buffer, wire_put_call(buffer, sizeof buffer, &in), &out), -1);
}

/* ---- datagrams ---- */

static struct wire_head some_head(uint8_t type)
{
    struct wire_head h = {.type = type,
                          .version = WIRE_VERSION,
                          .channel = type == WIRE_INIT || type == WIRE_OPEN ? 0 : 0x0a0b0c0d,
                          .back = 0x01020304,
                          .counter = 0x21222324,
                          .stamp = UINT64_C(0x3132333435363738),
                          .number = UINT64_C(0x4142434445464748),
                          .nonce = value,
                          .noise = value + 200,
                          .cookie = value + 100,
                          .id = key};
    return h;
}

static const struct {
    uint8_t type;
    bool sealed;
    size_t length;
} heads[] = {
    {WIRE_INIT, false, WIRE_INIT_SIZE},
    {WIRE_COOKIE_IS, false, 1 + 4 + 16 + 16 + 32},
    {WIRE_OPEN, true, 1 + 4 + 1 + 4 + 48 + 16 + 32 + 8},
    {WIRE_ACCEPT, true, 1 + 4 + 4 + 48 + 4},
    {WIRE_DATA, true, 1 + 4 + 4},
    {WIRE_DIALBACK, false, 1 + 4 + 8},
};

#define HEADS (sizeof heads / sizeof heads[0])

static void every_head_comes_back(void **state)
{
    uint8_t buffer[WIRE_MTU] = {0}, again[WIRE_MTU];
    struct wire_head out;
    (void)state;
    assert_int_equal(HEADS, WIRE_TYPES - 1);
    for (size_t i = 0; i < HEADS; i++) {
        struct wire_head in = some_head(heads[i].type);
        size_t length = wire_put_head(buffer, &in), body = heads[i].sealed ? TAG : 0;
        assert_int_equal(length, heads[i].length);
        assert_int_equal(wire_take_head(buffer, length + body, &out), 0);
        assert_int_equal(out.type, in.type);
        assert_int_equal(out.channel, in.channel);
        assert_int_equal(wire_put_head(again, &out), length);
        assert_memory_equal(again, buffer, length);
        if (heads[i].sealed) {
            assert_int_equal(out.head_length, length);
            assert_int_equal(out.body_length, TAG);
            assert_ptr_equal(out.body, buffer + length);
        }
    }
}

static void a_datagram_cut_or_overlong_is_none(void **state)
{
    uint8_t buffer[WIRE_MTU + 1] = {0};
    struct wire_head out;
    (void)state;
    for (size_t i = 0; i < HEADS; i++) {
        struct wire_head in = some_head(heads[i].type);
        size_t length = wire_put_head(buffer, &in) + (heads[i].sealed ? TAG : 0);
        for (size_t cut = 0; cut < length; cut++) {
            uint8_t *copy = malloc(cut > 0 ? cut : 1);
            memcpy(copy, buffer, cut);
            assert_int_equal(wire_take_head(copy, cut, &out), -1);
            free(copy);
        }
        assert_int_equal(wire_take_head(buffer, length + 1, &out), heads[i].sealed ? 0 : -1);
        assert_int_equal(wire_take_head(buffer, WIRE_MTU + 1, &out), -1);
    }
}

static void heads_with_a_wrong_channel_type_or_version_are_none(void **state)
{
    uint8_t buffer[WIRE_MTU] = {0};
    struct wire_head out;
    (void)state;
    for (size_t i = 0; i < HEADS; i++) {
        struct wire_head in = some_head(heads[i].type);
        bool handshake = in.type == WIRE_INIT || in.type == WIRE_OPEN;
        in.channel = handshake ? 1 : 0;
        size_t length = wire_put_head(buffer, &in) + (heads[i].sealed ? TAG : 0);
        assert_int_equal(wire_take_head(buffer, length, &out), -1);
        in = some_head(heads[i].type);
        wire_put_head(buffer, &in);
        assert_int_equal(wire_take_head(buffer, length, &out), 0);
        buffer[5] ^= 0x40; /* the version of a handshake */
        assert_int_equal(wire_take_head(buffer, length, &out), handshake ? -1 : 0);
        buffer[5] ^= 0x40;
        for (unsigned type = WIRE_TYPES; type < 256; type++) {
            buffer[0] = (uint8_t)type;
            assert_int_equal(wire_take_head(buffer, length, &out), -1);
        }
        buffer[0] = 0;
        assert_int_equal(wire_take_head(buffer, length, &out), -1);
    }
}

static void an_address_has_one_canonical_form(void **state)
{
    uint8_t buffer[19];
    const uint8_t want[] = {4, 1, 2, 3, 4, 0xff, 0xfe};
    (void)state;
    struct addr a = addr_v4(0x01020304, 0xfffe), b = some_v6(7);
    assert_int_equal(wire_put_addr(buffer, &a), sizeof want);
    assert_memory_equal(buffer, want, sizeof want);
    assert_int_equal(wire_put_addr(buffer, &b), 19);
    assert_int_equal(buffer[0], 6);
    assert_memory_equal(buffer + 1, b.ip, 16);
    assert_int_equal(buffer[17] << 8 | buffer[18], 0x1234);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_has_its_number_length_kind_and_name),
        cmocka_unit_test(what_is_put_is_taken),
        cmocka_unit_test(lists_come_back_entry_by_entry),
        cmocka_unit_test(numbers_are_big_endian_where_the_boxes_say),
        cmocka_unit_test(a_message_cut_anywhere_is_malformed),
        cmocka_unit_test(a_message_that_does_not_fit_is_not_put),
        cmocka_unit_test(a_reader_that_failed_stays_failed),
        cmocka_unit_test(unknown_types_and_families_are_malformed),
        cmocka_unit_test(verdicts_that_nobody_gives_are_malformed),
        cmocka_unit_test(lists_over_their_limit_are_malformed),
        cmocka_unit_test(no_answer_is_larger_than_its_question),
        cmocka_unit_test(twenty_v6_contacts_fit_into_a_datagram),
        cmocka_unit_test(an_offer_comes_back_and_has_one_length),
        cmocka_unit_test(a_call_comes_back_and_has_a_limit),
        cmocka_unit_test(every_head_comes_back),
        cmocka_unit_test(a_datagram_cut_or_overlong_is_none),
        cmocka_unit_test(heads_with_a_wrong_channel_type_or_version_are_none),
        cmocka_unit_test(an_address_has_one_canonical_form),
    };
    return cmocka_run_group_tests(tests, fill, NULL);
}
