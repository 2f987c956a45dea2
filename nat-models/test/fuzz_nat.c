/* fuzz_nat.c: any bytes are a box and a story of packets and events; the box
 * must keep its promises (CHECK), its books and its memory.
 *
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined -I. nat-models/test/fuzz_nat.c
 *         nat-models/?*.c stack/addr.c -o fuzz_nat
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nat-models/icmp.h"
#include "nat-models/nat.h"
#include "nat-models/nat64.h"
#include "nat-models/slab.h"
#include "nat-models/upnp.h"
#include "stack/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

_Noreturn void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: broken promise: %s\n", file, line, condition);
    abort();
}

struct story {
    const uint8_t *bytes;
    size_t left;
};

static uint8_t byte(struct story *s)
{
    if (s->left == 0)
        return 0;
    s->left--;
    return *s->bytes++;
}

/* One of the words, numbers or times that the knob takes, or nonsense. */
static void set_knob(struct story *s, struct nat_policy *policy)
{
    static const char *const texts[] = {"1 s",        "30 s", "0 s",     "1",
                                        "4",          "-3",   "64",      "[2000, 2015]",
                                        "[1, 65535]", "none", "53: 1 s", "reply_and_age: 2 s",
                                        "10/s",       "on",   "600"};
    char error[100], word[32];
    const char *key, *values, *text = texts[byte(s) % (sizeof texts / sizeof texts[0])];
    uint32_t count = 0;
    while (nat_policy_key(count, &values) != NULL)
        count++;
    key = nat_policy_key(byte(s) % count, &values);
    for (uint8_t skip = byte(s) % 8; skip > 0 && strchr(values, '|') != NULL; skip--)
        values = strchr(values, '|') + 1;
    if (nat_policy_set(policy, key, text, error, sizeof error) == 0)
        return;
    size_t size = strcspn(values, "|");
    if (size >= sizeof word)
        return;
    memcpy(word, values, size);
    word[size] = '\0';
    nat_policy_set(policy, key, word, error, sizeof error);
}

static struct addr endpoint(struct story *s, uint32_t base)
{
    uint8_t b = byte(s);
    if (b == 255) {
        uint8_t ip[16] = {0x20, 0x01, [15] = byte(s)};
        return addr_v6(ip, byte(s));
    }
    return addr_v4(base + (b & 3), (uint16_t)(1998 + (b >> 2) % 24 - (b == 254) * 1500));
}

#define PAYLOAD 4096

static struct nat_datagram datagram(struct story *s, uint8_t *payload, uint32_t from, uint32_t to)
{
    static const uint8_t protocols[] = {NAT_UDP, NAT_UDP, NAT_UDP, NAT_TCP, NAT_ICMP, 99};
    struct nat_datagram d = {.from = endpoint(s, from), .to = endpoint(s, to)};
    uint8_t how = byte(s);
    d.protocol = protocols[how % 6];
    d.ttl = how >> 4;
    if (how % 6 == 4 || how % 16 == 15) {
        d.length = byte(s) % 64;
        for (uint32_t i = 0; i < d.length; i++)
            payload[i] = byte(s);
        uint8_t bits = byte(s);
        d.length += (bits & 7u) * 512; /* up to 3,647 */
        d.fragment.more = bits >> 3 & 1;
        d.fragment.forbidden = bits >> 4 & 1;
        d.fragment.id = bits >> 5 & 1;
        d.fragment.offset = (uint16_t)((byte(s) & 15) * (bits & 128 ? 8 : 512));
        if (d.length >= 4 && !(bits & 64))
            nat_icmp_put_checksum(payload, d.length); /* else the box looks no further */
    }
    d.bytes = payload;
    return d;
}

static void drain(struct nat *nat)
{
    struct nat_datagram d;
    enum nat_side side;
    while (nat_output(nat, &d, &side)) {
        uint32_t sum = 0;
        for (uint32_t i = 0; i < d.length; i++)
            sum += d.bytes[i];
        CHECK(sum <= d.length * 255);
    }
}

/* A host asks the box for ports, in a message that begins well. */
static void ask(struct story *s, struct nat *nat, mist_time now)
{
    uint8_t bytes[128] = {0}, what = byte(s);
    struct addr host = addr_v4(0xc0a80001u + (what >> 6), 2000);
    struct nat_datagram d = {.from = host, .to = addr_v4(0xc0000009u, 5351)};
    uint16_t port = (uint16_t)(1998 + byte(s) % 24);
    bytes[0] = what & 1 ? 2 : 0;
    bytes[1] = what >> 1 & 3;
    if (what & 1) {
        memcpy(bytes + 18, "\xff\xff\xc0\xa8\x00", 5);
        bytes[23] = host.ip[3];
        bytes[36] = NAT_UDP;
        memcpy(bytes + 54, "\xff\xff", 2);
        memcpy(bytes + 74, "\xff\xff\x05\x06\x07\x08", 6);
    }
    for (uint8_t changes = byte(s) % 8; changes > 0; changes--) {
        uint8_t at = byte(s) % sizeof bytes;
        bytes[at] = byte(s);
    }
    d.protocol = NAT_UDP;
    d.ttl = 64;
    d.length = byte(s) % (sizeof bytes + 1);
    d.bytes = bytes;
    if (what >> 3 & 1)
        nat_outbound(nat, now, &d);
    else if (what >> 4 & 1)
        nat_upnp_add(nat, now, NAT_UDP, &host, port, byte(s));
    else if (what >> 5 & 1)
        nat_upnp_add_any(nat, now, NAT_UDP, &host, &port, byte(s));
    else
        nat_upnp_delete(nat, now, NAT_UDP, port);
}

#define INSIDE  0xc0a80001u
#define OUTSIDE 0x01020304u
#define REMOTE  0x05060708u

/* A host with IPv6 alone sends it. */
static void raise(struct nat_datagram *d)
{
    uint8_t ip[16] = {0x20, 0x01, [15] = d->from.ip[3]};
    d->from = addr_v6(ip, d->from.port);
    d->to = nat64_name(&d->to);
    if (d->protocol == NAT_ICMP)
        d->protocol = NAT_ICMP6;
}

/* One step of the story. */
static void step(struct story *s, struct nat *nat, mist_time *now)
{
    static const mist_time waits[] = {0, 0, 1, MS(1), SEC(1), SEC(10), SEC(29), MINUTES(10)};
    static uint8_t payload[PAYLOAD];
    uint8_t what = byte(s);
    char error[100];
    struct nat_datagram d;
    struct addr address = addr_v4(OUTSIDE, (uint16_t)(1998 + byte(s) % 24));
    struct addr host = addr_v4(INSIDE, 2000);
    struct nat_policy policy = *nat_policy_of(nat);
    if (policy.kind == NAT_KIND_NAT64)
        host = addr_v6((const uint8_t[16]){0x20, 0x01, [15] = 1}, 2000);
    mist_time wait = waits[what >> 5];
    if (policy.background_uhz != 0 && wait > MS(100))
        wait = MS(100); /* others' thousands of mappings teach nothing */
    *now += wait;
    switch (what & 31) {
    case 0: nat_flush(nat, *now); break;
    case 1: nat_reboot(nat, *now); break;
    case 2:
    case 3: nat_map(nat, *now, NAT_UDP, &host, &address, waits[byte(s) & 7]); break;
    case 4:
    case 5:
        set_knob(s, &policy);
        policy.kind = nat_policy_of(nat)->kind;
        if (nat_policy_check(&policy, error, sizeof error) == 0)
            nat_set(nat, *now, &policy);
        break;
    case 6:
        d = datagram(s, payload, REMOTE, REMOTE);
        nat_map_filter(nat, *now, NAT_UDP, &host, &d.from, byte(s));
        break;
    case 8: ask(s, nat, *now); break;
    case 9:
        nat_readdress(nat, *now, (struct addr[]){addr_v4(OUTSIDE + byte(s) % 2, 0), address});
        break;
    case 7:
        nat_tick(nat, *now);
        CHECK(nat_counters(nat, *now).mappings_peak >= nat_counters(nat, *now).mappings_alive);
        break;
    default:
        if (what & 1) {
            d = datagram(s, payload, INSIDE, what & 2 ? REMOTE : OUTSIDE);
            if (policy.kind == NAT_KIND_NAT64 && byte(s) != 0)
                raise(&d);
            nat_outbound(nat, *now, &d);
        } else {
            d = datagram(s, payload, REMOTE, OUTSIDE);
            nat_inbound(nat, *now, &d);
        }
    }
    drain(nat);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct story s = {bytes, length};
    struct nat_policy policy = nat_policy_default();
    char error[100];
    mist_time now = 0;
    for (uint8_t knobs = byte(&s) % 16; knobs > 0; knobs--)
        set_knob(&s, &policy);
    policy.pool = 2;
    if (byte(&s) % 8 != 0)
        policy.background_uhz = 0; /* thousands of mappings a step: few inputs of that */
    if (nat_policy_check(&policy, error, sizeof error) != 0)
        return 0;
    struct addr external[2] = {addr_v4(OUTSIDE, 0), addr_v4(OUTSIDE + 1, 0)};
    uint32_t count = policy.kind == NAT_KIND_FIREWALL ? 0 : 2;
    struct nat_slab *slab = nat_slab_open();
    struct nat *nat = nat_init(malloc(nat_size(count)), slab, &policy, byte(&s), external, count);
    while (s.left > 0)
        step(&s, nat, &now);
    /* Whatever happened, idleness empties the table of all but static mappings. */
    nat_flush(nat, now);
    nat_reboot(nat, now);
    CHECK(nat_counters(nat, now).mappings_alive == 0);
    nat_close(nat);
    CHECK(slab->alive == 0);
    nat_slab_close(slab);
    free(nat);
    return 0;
}
