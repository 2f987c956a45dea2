/* fuzz_node.c: four cores in a lab, with links, a relayed connection, a direct one
 * and subscriptions; the input is a sequence of acts: sealed messages of any
 * bytes from one to another, datagrams of strangers, wishes, time, faults.  An
 * input of a few bytes is the seed of such a sequence.
 *
 * The world is built once and restored in place before each input. */
#include <stdlib.h>
#include <string.h>

#include "stack/check.h"
#include "stack/kad_parts.h"
#include "stack/test/lab.c"
#include "stack/test/lab_nat.c"
#include "stack/topic.h"

#define HOSTS 4
#define ACTS  32 /* of one input */

#define EXPANDED 400 /* bytes */
#define TOO_MANY 25  /* contacts or candidates: more than a message may hold */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct lab *lab;
static struct lab *kept; /* the lab as it was built */
static uint8_t *kept_memory[HOSTS];

/* ---- the world ---- */

static struct lab *build(void)
{
    static const char *const names[HOSTS] = {"s1", "s2", "home", "far"};
    struct lab *l = lab_open(1);
    for (uint32_t i = 0; i < HOSTS; i++) {
        lab_configure(l, lab_add(l, names[i]), "size", "tiny");
        if (i < 2)
            lab_configure(l, i, "reach.assume", "public");
    }
    lab_behind(l, 2, LAB_EIM, LAB_APDF, false);
    lab_behind(l, 3, LAB_APDM, LAB_APDF, true);
    for (uint32_t i = 0; i < HOSTS; i++) {
        lab_start(l, i, i < 2 ? i : 2);
        lab_run(l, l->now + SEC(10));
    }
    CHECK(lab_connect(l, 2, 1, "far") == MIST_OK);  /* stays on a relay */
    CHECK(lab_connect(l, 0, 2, "home") == MIST_OK); /* direct */
    CHECK(lab_name(l, 2, MIST_WISH_SUBSCRIBE, 3, "news", NULL) == MIST_OK);
    CHECK(lab_name(l, 0, MIST_WISH_SUBSCRIBE, 3, "news", NULL) == MIST_OK);
    lab_run(l, l->now + SEC(3));
    CHECK(lab_connect(l, 3, 4, "s2") == MIST_OK);
    CHECK(lab_name(l, 3, MIST_WISH_PUBLISH, 5, "news", "rain") == MIST_OK);
    CHECK(lab_connect(l, 1, 6, "nobody") == MIST_OK);
    while (l->in_flight > 0 && lab_step(l, MIST_NEVER))
        continue;
    return l;
}

static void keep(void)
{
    kept = malloc(sizeof *kept);
    CHECK(kept != NULL);
    *kept = *lab;
    for (uint32_t i = 0; i < HOSTS; i++) {
        const struct lab_host *h = &lab->hosts[i];
        kept_memory[i] = malloc(h->memory_size);
        CHECK(kept_memory[i] != NULL);
        memcpy(kept_memory[i], h->memory, h->memory_size);
    }
}

static void restore(void)
{
    for (uint32_t i = 0; i < lab->in_flight; i++)
        free(lab->heap[i]);
    struct lab_packet **heap = lab->heap;
    uint32_t heap_size = lab->heap_size;
    *lab = *kept;
    lab->heap = heap;
    lab->heap_size = heap_size;
    for (uint32_t i = 0; i < HOSTS; i++)
        memcpy(lab->hosts[i].memory, kept_memory[i], lab->hosts[i].memory_size);
}

/* ---- the input ---- */

struct script {
    const uint8_t *at, *end;
};

static uint8_t byte(struct script *s)
{
    return s->at < s->end ? *s->at++ : 0;
}

static uint32_t word(struct script *s)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++)
        value = value << 8 | byte(s);
    return value;
}

static size_t take_bytes(struct script *s, uint8_t *bytes, size_t most)
{
    size_t n = (size_t)byte(s) << 3 | (byte(s) & 7), left = (size_t)(s->end - s->at);
    n = n > most ? most : n;
    n = n > left ? left : n;
    if (n > 0)
        memcpy(bytes, s->at, n);
    s->at += n;
    return n;
}

/* Somebody's or nobody's. */
static struct addr take_some_addr(struct script *s)
{
    uint8_t pick = byte(s);
    struct addr a = lab->hosts[pick % HOSTS].local;
    if ((pick & 0x10) != 0)
        a = addr_v4(0x1e000001 + ((uint32_t)pick % HOSTS << 16), (uint16_t)(LAB_PORT + byte(s)));
    if ((pick & 0x20) != 0)
        a = addr_v4(word(s), (uint16_t)word(s));
    if ((pick & 0x40) != 0)
        a = addr_v6((const uint8_t[16]){0x20, 1, byte(s)}, (uint16_t)word(s));
    if ((pick & 0x80) != 0)
        a = (struct addr){0};
    return a;
}

/* A number that the host waits for, near enough: requests, tokens, conversations. */
static uint32_t take_number_of(struct script *s, const struct mist *n)
{
    uint8_t pick = byte(s);
    const uint32_t numbers[] = {n->meet.conns[0].conversation,
                                n->meet.conns[1].conversation,
                                n->meet.conns[2].conversation,
                                n->kad->last_request - (pick >> 4),
                                n->pubsub->next_request - (pick >> 4),
                                n->reach.channel,
                                n->punch.attempts[0].tokens[0] | pick >> 4,
                                n->mux->links[pick >> 4].ping_token};
    return numbers[pick % 8] + (pick >= 0xf8 ? word(s) : 0);
}

static const uint8_t *take_some_id(struct script *s, uint8_t own[WIRE_ID])
{
    uint8_t pick = byte(s);
    if (pick % 8 < HOSTS)
        return lab->hosts[pick % 8].id;
    if (pick % 8 < 6)
        node_topic_key(own, (const uint8_t *)"news", 4);
    else
        memset(own, pick, WIRE_ID);
    return own;
}

/* A message of that type, with fields that make some sense to the receiver. */
static size_t put_sensible(struct script *s, const struct mist *to, uint8_t *bytes, size_t size)
{
    uint8_t key[WIRE_ID], peer[WIRE_ID], value[WIRE_MTU];
    struct contact contacts[TOO_MANY];
    struct candidate candidates[TOO_MANY];
    struct msg m = {.type = (uint8_t)(1 + byte(s) % (MSG_TYPES - 1)),
                    .flags = byte(s),
                    .request = take_number_of(s, to),
                    .ttl_s = byte(s),
                    .lag_us = byte(s) * UINT32_C(20000),
                    .number = to->meet.conns[0].publication ^ byte(s),
                    .counter = byte(s),
                    .key = take_some_id(s, key),
                    .peer = take_some_id(s, peer),
                    .addr = take_some_addr(s),
                    .bytes = value,
                    .contacts = contacts,
                    .candidates = candidates};
    m.prefix = m.peer;
    m.reason = m.count = byte(s);
    const bool lists = m.type == MSG_NODES || m.type == MSG_INSTEAD;
    if (lists || m.type == MSG_MEET)
        m.count %= TOO_MANY + 1;
    for (uint32_t i = 0; lists && i < m.count; i++) {
        memcpy(contacts[i].id, take_some_id(s, key), WIRE_ID);
        contacts[i].addr = take_some_addr(s);
    }
    for (uint32_t i = 0; m.type == MSG_MEET && i < m.count; i++)
        candidates[i] = (struct candidate){take_some_addr(s), byte(s)};
    memset(value, 0, sizeof value);
    m.length = (uint16_t)take_bytes(s, value, m.type == MSG_REACH ? WIRE_FILTER : 1100);
    return wire_put(bytes, size, &m);
}

/* Now and then some bytes are others than the writer of a message would write. */
static void bend(struct script *s, uint8_t *bytes, size_t length)
{
    uint8_t edits = byte(s);
    for (edits = edits < 0xc0 ? 0 : edits % 4 + 1; edits > 0 && length > 0; edits--) {
        size_t at = ((size_t)byte(s) << 8 | byte(s)) % length;
        bytes[at] = byte(s);
    }
}

/* ---- acts ---- */

static void say(struct script *s, uint8_t who)
{
    uint8_t bytes[WIRE_MTU];
    size_t length = take_bytes(s, bytes, sizeof bytes);
    if (length > 0)
        (void)lab_say(lab, who % HOSTS, who / HOSTS % HOSTS, NULL, bytes, length);
}

static void say_something_sensible(struct script *s, uint8_t who)
{
    uint8_t bytes[WIRE_MTU];
    uint32_t to = who / HOSTS % HOSTS;
    size_t length = 0;
    for (uint32_t n = who >> 6; n < 4; n++) /* several in one datagram */
        length += put_sensible(s, lab->hosts[to].node, bytes + length, sizeof bytes - 30 - length);
    if (length == 0)
        return;
    bend(s, bytes, length);
    const struct addr elsewhere = lab->hosts[to].local;
    (void)lab_say(lab, who % HOSTS, to, (who & 0x20) != 0 ? &elsewhere : NULL, bytes, length);
}

static void offer_to_connect(struct script *s, uint8_t who)
{
    uint8_t value[WIRE_VALUE], bytes[WIRE_MTU], key[WIRE_ID];
    struct offer o = {.flags = byte(s)};
    const uint32_t conversation = word(s);
    const uint8_t *publisher = lab->hosts[byte(s) % HOSTS].id;
    if (byte(s) % 4 != 0)
        mux_ticket(lab->hosts[who % HOSTS].node->mux, lab->now, o.ticket);
    o.count = byte(s) % (WIRE_CANDIDATES + 1);
    for (uint32_t i = 0; i < o.count; i++)
        o.candidates[i] = (struct candidate){take_some_addr(s), CANDIDATE_SEEN};
    uint32_t to = who / HOSTS % HOSTS;
    const struct lab_host *h = &lab->hosts[to];
    node_name_key(key, (const uint8_t *)h->name, strlen(h->name));
    const size_t length = lab_offer(lab, value, conversation, key, publisher, &o);
    bend(s, value, length);
    struct msg m = {.type = (who & 0x80) != 0 ? MSG_PUBLISH : MSG_RECEIVE,
                    .flags = (uint8_t)(FLAG_OFFER | (who & 0x40 ? 0 : FLAG_RELAY)),
                    .key = key,
                    .number = word(s),
                    .peer = publisher,
                    .addr = take_some_addr(s),
                    .bytes = value,
                    .length = (uint16_t)length};
    (void)lab_say(lab, who % HOSTS, to, NULL, bytes, wire_put(bytes, sizeof bytes, &m));
}

static void stranger_sends(struct script *s, uint8_t who)
{
    uint8_t bytes[MIST_DATAGRAM];
    struct addr from = take_some_addr(s);
    size_t length = take_bytes(s, bytes, sizeof bytes);
    if (from.family != ADDR_NONE)
        lab_input(lab, who % HOSTS, &from, bytes, length);
}

static void wish(struct script *s, uint8_t who)
{
    uint8_t name[MIST_NAME + 8], value[WIRE_MTU];
    struct mist_wish w = {.size = sizeof w,
                          .kind = byte(s) % 12,
                          .id = byte(s) % 16,
                          .socket = byte(s) % 4,
                          .addr = take_some_addr(s),
                          .name = name,
                          .bytes = value};
    w.name_length = (uint32_t)take_bytes(s, name, sizeof name);
    w.length = (uint32_t)take_bytes(s, value, sizeof value);
    if (w.kind == MIST_WISH_SOCKET_OPENED) /* the host would not lie about its socket */
        w.kind = MIST_WISH_SOCKET_FAILED;
    if ((who & 0x80) != 0)
        w.id = MEET_THEIRS | (w.id & 7);
    (void)lab_wish(lab, who % HOSTS, &w);
}

static void fault(struct script *s, uint8_t who)
{
    struct lab_host *h = &lab->hosts[who % HOSTS];
    switch (byte(s) % 4) {
    case 0: lab->loss = byte(s) * 4u; break;
    case 1: lab->duplicates = byte(s) * 4u; break;
    case 2: lab_nat_reboot(&h->nat); break;
    default: h->side ^= 1; break;
    }
}

static void act(struct script *s)
{
    uint8_t what = byte(s), who = byte(s);
    switch (what % 8) {
    case 0: say(s, who); break;
    case 1:
    case 2: say_something_sensible(s, who); break;
    case 3: offer_to_connect(s, who); break;
    case 4: stranger_sends(s, who); break;
    case 5: wish(s, who); break;
    case 6: fault(s, who); break;
    default: lab_run(lab, lab->now + US(100) * who * who); break; /* up to 6.5 s */
    }
}

/* A short input is the seed of a long script: acts that nobody has learnt yet. */
static struct script expand(const uint8_t *data, size_t size, uint8_t script[EXPANDED])
{
    if (size > sizeof(uint64_t))
        return (struct script){data, data + size};
    uint64_t seed = size;
    for (size_t i = 0; i < size; i++)
        seed = seed << 8 | data[i];
    lab->seed = seed;
    for (size_t i = 0; i < EXPANDED; i++)
        script[i] = (uint8_t)draw(lab);
    return (struct script){script, script + EXPANDED};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t script[EXPANDED];
    if (lab == NULL) {
        lab = build();
        keep();
    }
    restore();
    struct script s = expand(data, size, script);
    for (int i = 0; i < ACTS && s.at < s.end; i++)
        act(&s);
    lab_run(lab, lab->now + SEC(1));
    return 0;
}
