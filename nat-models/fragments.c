#include "nat-models/fragments.h"

#include <stdlib.h>

#include "nat-models/outbox.h"
#include "stack/check.h"

#define SLOTS       16     /* datagrams in pieces that a box knows at once */
#define LIFETIME    SEC(2) /* of a datagram in pieces; RFC 6146's FRAGMENT_MIN */
#define PAYLOAD_MAX 65515  /* bytes behind the header of the largest IPv4 packet */
#define UNIT        8      /* bytes that offsets count in */
#define UNITS       ((PAYLOAD_MAX + UNIT - 1) / UNIT)
#define FIRST_BYTES 2048
#define IPV4_HEADER 20

/* A datagram in pieces, from its first piece to arrive. */
struct slot {
    mist_time end;        /* dead from then on */
    struct addr from, to; /* ports 0 */
    uint16_t id;
    uint8_t protocol;
    enum nat_side side;
    bool has_first;
    struct nat_datagram first; /* collecting: as it came; following: as it went */
    enum nat_verdict verdict;  /* following: of the first */
    uint32_t total;            /* bytes of the IP payload; 0: the last has not come */
    uint32_t high;             /* end of what has come */
    uint32_t units;            /* that have come */
    uint8_t have[(UNITS + 7) / 8];
    uint32_t capacity;
    uint8_t *bytes; /* the IP payload; where the transport header stood, nothing */
};

struct nat_fragments_kept {
    uint16_t next_id;
    struct slot slots[SLOTS];
};

static uint32_t transport_header(uint8_t protocol)
{
    return protocol == NAT_UDP ? 8 : protocol == NAT_TCP ? 20 : 0;
}

bool nat_is_fragment(const struct nat_datagram *d)
{
    return d->fragment.offset != 0 || d->fragment.more;
}

/* ---- slots ---- */

static struct nat_fragments_kept *kept_of(struct nat *nat)
{
    if (nat->fragments == NULL) {
        nat->fragments = calloc(1, sizeof *nat->fragments);
        CHECK(nat->fragments != NULL);
        nat_fragments_clear(nat);
    }
    return nat->fragments;
}

void nat_fragments_clear(struct nat *nat)
{
    for (int i = 0; nat->fragments != NULL && i < SLOTS; i++)
        nat->fragments->slots[i].end = INT64_MIN;
}

void nat_fragments_close(struct nat *nat)
{
    for (int i = 0; nat->fragments != NULL && i < SLOTS; i++)
        free(nat->fragments->slots[i].bytes);
    free(nat->fragments);
    nat->fragments = NULL;
}

static struct addr without_port(struct addr a)
{
    a.port = 0;
    return a;
}

static struct slot *find_slot(struct nat *nat, enum nat_side side, const struct nat_datagram *d)
{
    for (int i = 0; i < SLOTS; i++) {
        struct slot *s = &kept_of(nat)->slots[i];
        if (s->end > nat->now && s->side == side && s->id == d->fragment.id &&
            s->protocol == d->protocol && addr_same_ip(&s->from, &d->from) &&
            addr_same_ip(&s->to, &d->to))
            return s;
    }
    return NULL;
}

/* The datagram's slot, a new one if need be; NULL when all are taken. */
static struct slot *take_slot(struct nat *nat, enum nat_side side, const struct nat_datagram *d)
{
    struct slot *s = find_slot(nat, side, d);
    for (int i = 0; s == NULL && i < SLOTS; i++) {
        struct slot *free_slot = &kept_of(nat)->slots[i];
        if (free_slot->end > nat->now)
            continue;
        uint8_t *bytes = free_slot->bytes;
        uint32_t capacity = free_slot->capacity;
        s = free_slot;
        *s = (struct slot){.end = nat->now + LIFETIME,
                           .from = without_port(d->from),
                           .to = without_port(d->to),
                           .id = d->fragment.id,
                           .protocol = d->protocol,
                           .side = side,
                           .capacity = capacity,
                           .bytes = bytes};
    }
    return s;
}

/* ---- collecting ---- */

static void make_room(struct slot *s, uint32_t length)
{
    uint32_t wanted = s->capacity == 0 ? FIRST_BYTES : s->capacity;
    while (wanted < length)
        wanted *= 2;
    if (wanted == s->capacity)
        return;
    s->bytes = realloc(s->bytes, wanted);
    CHECK(s->bytes != NULL);
    s->capacity = wanted;
}

/* Marks the units of [start, end) and returns how many were there before. */
static uint32_t mark(struct slot *s, uint32_t start, uint32_t end)
{
    uint32_t before = 0;
    for (uint32_t u = start / UNIT; u < (end + UNIT - 1) / UNIT; u++) {
        before += s->have[u / 8] >> u % 8 & 1;
        s->have[u / 8] |= (uint8_t)(1u << u % 8);
    }
    return before;
}

/* Takes the piece [start, end) in.  false: it contradicts what came before. */
static bool take_piece(struct slot *s, const struct nat_datagram *d, uint32_t start, uint32_t end)
{
    if (s->total != 0 && (end > s->total || (!d->fragment.more && end != s->total)))
        return false;
    if (!d->fragment.more && s->high > end)
        return false;
    uint32_t units = (end + UNIT - 1) / UNIT - start / UNIT, before = mark(s, start, end);
    if (before == units)
        return true; /* once more the same */
    if (before != 0)
        return false; /* it overlaps */
    make_room(s, end);
    memcpy(s->bytes + end - d->length, d->bytes, d->length);
    s->units += units;
    s->high = end > s->high ? end : s->high;
    if (!d->fragment.more)
        s->total = end;
    if (start == 0) {
        s->first = *d;
        s->has_first = true;
    }
    return true;
}

enum nat_verdict nat_fragments_collect(struct nat *nat, enum nat_side side,
                                       const struct nat_datagram *d, struct nat_datagram *whole)
{
    uint32_t start = d->fragment.offset, header = transport_header(d->protocol);
    uint32_t end = start + d->length + (start == 0 ? header : 0);
    if (start % UNIT != 0 || d->length == 0 || d->length > PAYLOAD_MAX || end > PAYLOAD_MAX ||
        (d->fragment.more && end % UNIT != 0) || (start != 0 && start < header))
        return NAT_DROP_FRAGMENT;
    struct slot *s = take_slot(nat, side, d);
    if (s == NULL)
        return NAT_DROP_FRAGMENT;
    if (!take_piece(s, d, start, end)) {
        s->end = INT64_MIN;
        return NAT_DROP_FRAGMENT;
    }
    if (s->total == 0 || s->units != (s->total + UNIT - 1) / UNIT)
        return NAT_DROP_KEPT;
    CHECK(s->has_first);
    s->end = INT64_MIN;
    *whole = s->first;
    whole->fragment.more = false;
    whole->length = s->total - header;
    whole->bytes = s->bytes + header;
    return NAT_PASS;
}

/* ---- following ---- */

void nat_fragments_lead(struct nat *nat, enum nat_side side, const struct nat_datagram *came,
                        const struct nat_datagram *went, enum nat_verdict verdict)
{
    struct slot *s = take_slot(nat, side, came);
    if (s == NULL)
        return;
    s->first = *went;
    s->verdict = verdict;
}

enum nat_verdict nat_fragments_follow(struct nat *nat, enum nat_side side, struct nat_datagram *d)
{
    const struct slot *s = find_slot(nat, side, d);
    if (s == NULL)
        return NAT_DROP_FRAGMENT;
    if (d->ttl <= 1)
        return NAT_DROP_TTL;
    d->from = without_port(s->first.from);
    d->to = without_port(s->first.to);
    d->ttl--;
    return s->verdict;
}

/* ---- cutting ---- */

/* Bytes of IP payload. */
static uint32_t ip_payload(const struct nat_datagram *d)
{
    return d->length + (d->fragment.offset == 0 ? transport_header(d->protocol) : 0);
}

bool nat_is_too_big(const struct nat *nat, const struct nat_datagram *d)
{
    return nat->policy.mtu != 0 && d->from.family == ADDR_V4 &&
           IPV4_HEADER + ip_payload(d) > nat->policy.mtu;
}

/* The piece of d that begins at `at` bytes of its payload, in *piece; returns
 * where it ends. */
static uint32_t piece_at(const struct nat *nat, const struct nat_datagram *d, uint32_t at,
                         struct nat_datagram *piece)
{
    uint32_t most = (nat->policy.mtu - (uint32_t)IPV4_HEADER) / UNIT * UNIT, all = ip_payload(d);
    uint32_t end = all - at > most ? at + most : all;
    uint32_t header = all - d->length; /* stands before the bytes */
    *piece = *d;
    piece->fragment.offset = (uint16_t)(d->fragment.offset + at);
    piece->fragment.more = d->fragment.more || end < all;
    piece->length = end - (at == 0 ? header : at);
    piece->bytes = d->bytes + (at == 0 ? 0 : at - header);
    if (piece->fragment.offset != 0)
        piece->from.port = piece->to.port = 0;
    return end;
}

/* Fragments need a number; a whole datagram may come without. */
static void number(struct nat *nat, struct nat_datagram *d)
{
    if (!nat_is_fragment(d))
        d->fragment.id = ++kept_of(nat)->next_id;
}

void nat_fragments_cut(struct nat *nat, struct nat_datagram *d)
{
    if (!nat_is_too_big(nat, d))
        return;
    number(nat, d);
    struct nat_datagram whole = *d, piece;
    uint32_t at = piece_at(nat, &whole, 0, d);
    while (at < ip_payload(&whole)) {
        at = piece_at(nat, &whole, at, &piece);
        nat_outbox_add(nat, NAT_OUTSIDE, &piece);
    }
}

void nat_fragments_emit(struct nat *nat, enum nat_side side, const struct nat_datagram *d)
{
    struct nat_datagram whole = *d, piece;
    if (side == NAT_INSIDE || !nat_is_too_big(nat, d)) {
        nat_outbox_add(nat, side, d);
        return;
    }
    number(nat, &whole);
    for (uint32_t at = 0; at < ip_payload(&whole);) {
        at = piece_at(nat, &whole, at, &piece);
        nat_outbox_add(nat, side, &piece);
    }
}
