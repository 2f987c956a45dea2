/* fuzz_natbox.c: any bytes are frames and packets that reach a natbox; whatever leaves
 * must be a packet that the next router can read. */
#include <stdlib.h>
#include <string.h>

#include "nat-models/bytes.h"
#include "sim/natbox/box.h"
#include "sim/natbox/neighbour.h"
#include "sim/natbox/segment.h"
#include "stack/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

#define MOST 4000 /* bytes of a packet here */

static void set(struct nat_policy *policy, const char *key, const char *text)
{
    char error[200];
    CHECK(nat_policy_set(policy, key, text, error, sizeof error) == 0);
}

/* A plain home box, one that does all it can, a chain, a firewall, a NAT64. */
static struct nat_named named(uint8_t which)
{
    struct nat_named n = {.name = "fuzzed", .count = 1};
    for (uint32_t i = 0; i < CATALOGUE_CHAIN; i++)
        n.policies[i] = nat_policy_default();
    struct nat_policy *first = &n.policies[0];
    if (which == 1) {
        set(first, "hairpin", "external");
        set(first, "pcp", "on");
        set(first, "nat_pmp", "on");
        set(first, "mtu", "1400");
        set(first, "alg", "rewrite");
        set(first, "df_too_big", "icmp_3_4");
        set(first, "mapping", "apdm");
    }
    if (which == 2)
        n.count = 2;
    if (which == 3)
        set(first, "kind", "firewall");
    if (which == 4)
        set(first, "kind", "nat64");
    return n;
}

static void on_send(void *data, enum nat_side side, const uint8_t *bytes, uint32_t length)
{
    struct packet p;
    uint8_t *copy = malloc(length);
    (void)data;
    CHECK(copy);
    memcpy(copy, bytes, length);
    const char *why = packet_read(&p, side, copy, length);
    CHECK(!why);
    free(copy);
}

static void on_decision(void *data, const struct box_decision *d)
{
    char text[ADDR_TEXT];
    (void)data;
    (void)addr_format(&d->source, text);
    (void)addr_format(&d->to_after, text);
}

static void on_frame(void *data, const uint8_t *bytes, uint32_t length)
{
    (void)data;
    (void)bytes;
    CHECK(length >= NEIGHBOUR_HEADER);
}

static void on_segment(void *data, uint8_t *bytes, uint32_t length)
{
    packet_sum(bytes, length);
    box_packet(data, 0, NAT_INSIDE, bytes, length);
}

/* Length and checksum as they must be, so that more gets past the first look. */
static void mend(uint8_t *p, uint32_t length)
{
    uint32_t header = (p[0] & 15u) * 4;
    if (length < 20 || p[0] >> 4 != 4 || header < 20 || header > length)
        return;
    nat_put16(p + 2, length);
    nat_put16(p + 10, 0);
    nat_put16(p + 10, packet_checksum(0, p, header));
    if (p[9] == NAT_UDP && length >= header + 8)
        nat_put16(p + header + 4, length - header);
}

static void feed(struct box *b, struct neighbours *n, mist_time now, uint8_t how, uint8_t *bytes,
                 uint32_t length)
{
    if (how & 2)
        mend(bytes, length);
    if (how & 4)
        (void)neighbours_take(n, now, bytes, length);
    else if (how & 8)
        (void)segment_cut(bytes, length, how >> 4, on_segment, b);
    else
        box_packet(b, now, how & 1 ? NAT_INSIDE : NAT_OUTSIDE, bytes, length);
    if (box_deadline(b) <= now)
        box_tick(b, now);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    char error[200];
    const uint8_t mac[NEIGHBOUR_MAC] = {2};
    struct box_calls calls = {NULL, on_send, on_decision};
    struct neighbour_calls frames = {NULL, on_frame};
    struct box_outside outside = {.count = 1, .addresses = {addr_v4(0xc6120001, 0)}};
    struct addr gateway = addr_v4(0xc0a80101, 0);
    if (length < 1)
        return 0;
    struct nat_named nat = named(bytes[0] % 5);
    if (bytes[0] % 5 == 3)
        outside.count = 0;
    struct box *b = box_open(&nat, &outside, &gateway, 1, &calls, error, sizeof error);
    struct neighbours *n = neighbours_open(mac, &frames);
    CHECK(b);
    (void)neighbours_own(n, &gateway);
    mist_time now = 0;
    for (size_t at = 1; at + 3 <= length;) {
        uint32_t size = bytes[at + 1] * 16u + bytes[at + 2] % 16u;
        uint8_t packet[MOST + 200], how = bytes[at];
        at += 3;
        size = size > length - at ? (uint32_t)(length - at) : size;
        memcpy(packet, bytes + at, size);
        at += size;
        now += MS(100);
        feed(b, n, now, how, packet, size);
    }
    neighbours_close(n);
    box_close(b);
    return 0;
}
