/* rule.c: plain punching played on symbols; see rule.h. */
#include "sim/rule.h"

#include "stack/check.h"

#define ROUNDS  6   /* nothing new is learnt after four: both boxes, both directions */
#define KNOWN   16  /* addresses of the other side that a host may learn */
#define ENTRIES 256 /* mappings, remotes and replies of one box: two sides that know KNOWN each */

/* Not numbers: names of addresses and ports. */
struct place {
    uint16_t address, port;
};

enum { SERVER = 1, HOSTS = 2, BOXES = 4 }; /* names of addresses: HOSTS + side, BOXES + box */

struct entry {
    struct place inside, remote, outside;
};

struct box {
    struct rule_kind kind;
    uint16_t address, ports; /* its name; ports named so far */
    uint32_t mapping_count, seen_count, reply_count;
    struct entry mappings[ENTRIES];
    struct entry seen[ENTRIES];    /* outside sent to remote */
    struct entry replies[ENTRIES]; /* remote came in to outside for inside */
};

struct side {
    uint32_t count, known_count;
    struct box *boxes[RULE_CHAIN]; /* inside first */
    struct place self, reflexive;  /* as the server saw it */
    struct place known[KNOWN];     /* where the other side may be */
};

struct play {
    struct box boxes[2 * RULE_CHAIN];
    struct side sides[2];
    uint32_t shared;
    bool direct;
};

static bool same(struct place a, struct place b)
{
    return a.address == b.address && a.port == b.port;
}

static void add_entry(struct entry *entries, uint32_t *count, struct entry entry)
{
    for (uint32_t i = 0; i < *count; i++)
        if (same(entries[i].inside, entry.inside) && same(entries[i].remote, entry.remote) &&
            same(entries[i].outside, entry.outside))
            return;
    CHECK(*count < ENTRIES);
    entries[(*count)++] = entry;
}

/* RFC 4787 section 4.1: which remotes share a mapping. */
static bool maps_alike(const struct box *box, struct place a, struct place b)
{
    switch (box->kind.mapping) {
    case NAT_EIM: return true;
    case NAT_ADM: return a.address == b.address;
    default: return same(a, b);
    }
}

static struct place find_mapping(struct box *box, struct place inside, struct place remote)
{
    for (uint32_t i = 0; i < box->reply_count && box->kind.session_reply; i++)
        if (same(box->replies[i].inside, inside) && same(box->replies[i].remote, remote))
            return box->replies[i].outside;
    for (uint32_t i = 0; i < box->mapping_count; i++)
        if (same(box->mappings[i].inside, inside) &&
            maps_alike(box, box->mappings[i].remote, remote))
            return box->mappings[i].outside;
    struct place outside = {box->address, ++box->ports};
    if (box->kind.keeps)
        outside = inside;
    add_entry(box->mappings, &box->mapping_count, (struct entry){inside, remote, outside});
    return outside;
}

static struct place go_out(struct box *box, struct place from, struct place to)
{
    struct place outside = find_mapping(box, from, to);
    add_entry(box->seen, &box->seen_count, (struct entry){from, to, outside});
    return outside;
}

/* RFC 4787 section 5: who may answer. */
static bool lets_in(const struct box *box, struct place from, struct place to)
{
    if (box->kind.filtering == NAT_EIF)
        return true;
    for (uint32_t i = 0; i < box->seen_count; i++) {
        const struct entry *seen = &box->seen[i];
        if (same(seen->outside, to) && seen->remote.address == from.address &&
            (box->kind.filtering == NAT_ADF || seen->remote.port == from.port))
            return true;
    }
    return false;
}

/* Rewrites *to; false: dropped. */
static bool go_in(struct box *box, struct place from, struct place *to)
{
    for (uint32_t i = 0; i < box->mapping_count; i++) {
        struct place inside = box->mappings[i].inside;
        if (!same(box->mappings[i].outside, *to))
            continue;
        if (!lets_in(box, from, *to))
            return false;
        add_entry(box->replies, &box->reply_count, (struct entry){inside, from, *to});
        *to = inside;
        return true;
    }
    return false;
}

/* The address under which what stands inside of a side's box `below` is known. */
static uint16_t face(const struct side *side, uint32_t below)
{
    while (below-- > 0)
        if (!side->boxes[below]->kind.keeps)
            return side->boxes[below]->address;
    return side->self.address;
}

/* Carries a datagram from a side to the other, or to the server.  Returns
 * whether it arrived; *from is then the source that the receiver saw. */
static bool carry(struct play *p, int sender, struct place to, struct place *from)
{
    struct side *a = &p->sides[sender], *b = &p->sides[!sender];
    uint32_t turn = b->count; /* the receiver's boxes below this one are crossed inwards */
    *from = a->self;
    for (uint32_t i = 0; i < a->count; i++) {
        struct box *box = a->boxes[i];
        bool shared = i + p->shared >= a->count;
        uint32_t twin = shared ? b->count - (a->count - i) : 0;
        if (box->kind.blocked)
            return false;
        if (shared && box->kind.keeps && to.address == face(b, twin)) {
            turn = twin; /* inside the firewall: it is not crossed */
            break;
        }
        *from = go_out(box, *from, to);
        if (shared && !box->kind.keeps && to.address == box->address) {
            if (!box->kind.hairpin)
                return false;
            turn = twin + 1;
            break;
        }
    }
    if (to.address == SERVER)
        return true;
    if (turn == b->count && to.address != face(b, b->count))
        return false;
    while (turn-- > 0)
        if (!go_in(b->boxes[turn], *from, &to))
            return false;
    return same(to, b->self);
}

static bool knows(const struct side *side, struct place place)
{
    for (uint32_t i = 0; i < side->known_count; i++)
        if (same(side->known[i], place))
            return true;
    return false;
}

static void learn(struct side *side, struct place place)
{
    if (!knows(side, place) && side->known_count < KNOWN)
        side->known[side->known_count++] = place;
}

/* A side sends to all it knows; whoever receives answers to the source. */
static void send_round(struct play *p, int sender)
{
    struct side *side = &p->sides[sender], *other = &p->sides[!sender];
    uint32_t count = side->known_count;
    for (uint32_t i = 0; i < count && !p->direct; i++) {
        struct place from, back;
        if (!carry(p, sender, side->known[i], &from))
            continue;
        learn(other, from);
        if (carry(p, !sender, from, &back)) {
            learn(side, back);
            p->direct = true; /* a round trip */
        }
    }
}

/* A dependent box that keeps the port shows one endpoint to every remote until
 * somebody else inside holds that port: it looks EIM (RFC 5780 finds no more),
 * and here there is nobody else.  Other kinds of box keep the port anyway. */
static bool shows_one_endpoint(const struct nat_policy *policy)
{
    return policy->ports == NAT_PORTS_OVERLOAD || policy->ports == NAT_PORTS_PRESERVE ||
           policy->kind != NAT_KIND_NAT;
}

struct rule_kind rule_kind(const struct nat_policy *policy)
{
    bool open = policy->kind == NAT_KIND_ONE_TO_ONE;
    return (struct rule_kind){.there = 1,
                              .mapping =
                                  shows_one_endpoint(policy) ? (uint8_t)NAT_EIM : policy->mapping,
                              .filtering = open ? (uint8_t)NAT_EIF : policy->filtering,
                              .keeps = policy->kind == NAT_KIND_FIREWALL,
                              .hairpin = policy->hairpin != NAT_HAIRPIN_OFF,
                              .session_reply = policy->session_reply != 0,
                              .blocked = policy->egress == NAT_EGRESS_BLOCK_UDP};
}

static void set_box(struct box *box, const struct nat_policy *policy, uint16_t address)
{
    box->mapping_count = box->seen_count = box->reply_count = 0;
    box->address = address;
    box->ports = 0;
    box->kind = rule_kind(policy);
}

static void set_play(struct play *p, const struct rule_chain *a, const struct rule_chain *b,
                     uint32_t shared)
{
    const struct rule_chain *chains[2] = {a, b};
    p->shared = shared;
    p->direct = false;
    for (uint16_t s = 0; s < 2; s++) {
        struct side *side = &p->sides[s];
        *side = (struct side){.count = chains[s]->count, .self = {(uint16_t)(HOSTS + s), 1}};
        for (uint32_t i = 0; i < side->count; i++) {
            uint32_t number = s * RULE_CHAIN + i;
            if (s == 1 && i + shared >= side->count) {
                side->boxes[i] = p->sides[0].boxes[a->count - (side->count - i)];
                continue;
            }
            side->boxes[i] = &p->boxes[number];
            set_box(side->boxes[i], chains[s]->boxes[i], (uint16_t)(BOXES + number));
        }
    }
}

bool rule_direct(const struct rule_chain *a, const struct rule_chain *b, uint32_t shared)
{
    struct play p; /* 150 KB */
    CHECK(a->count <= RULE_CHAIN && b->count <= RULE_CHAIN);
    CHECK(shared <= a->count && shared <= b->count);
    set_play(&p, a, b, shared);
    const struct place server = {SERVER, 1};
    for (int s = 0; s < 2; s++)
        if (!carry(&p, s, server, &p.sides[s].reflexive))
            return false;
    learn(&p.sides[0], p.sides[1].reflexive);
    learn(&p.sides[1], p.sides[0].reflexive);
    for (int round = 0; round < ROUNDS && !p.direct; round++)
        for (int s = 0; s < 2; s++)
            send_round(&p, s);
    return p.direct;
}
