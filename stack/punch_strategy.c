/* punch_strategy.c: the tables.  Numbers of the baselines: the systems' own sources,
 * as the README lists them; what a source leaves open is said at the number. */
#include "stack/punch_strategy.h"

#include <stddef.h>

#include "stack/check.h"

#define LENGTH(table) (uint8_t)(sizeof(table) / sizeof((table)[0]))
#define AT(table)     .at = table, .shots = LENGTH(table)
#define VOLLEYS(v)    .volleys = v, .volley_count = LENGTH(v)
#define GAPS(g)       .gaps = g, .gap_count = LENGTH(g)

#define EASY_AND_HARD (RELATION_EASY_HARD | RELATION_EASY_COUNTED | RELATION_EASY_BLOCK)
#define HARD_AND_EASY (RELATION_HARD_EASY | RELATION_COUNTED_EASY | RELATION_BLOCK_EASY)
#define FIRST         1u
#define SECOND        2u
#define LATER         0xfffeu /* all but the first */

/* ---- plain rounds: both ends, wherever the other may be ---- */

static const mist_time plain_at[] = {0, MS(100), MS(300), MS(700), MS(1500), MS(3100)};
static const mist_time plain_gaps[] = {SEC(10), SEC(20)};
static const struct volley plain[] = {{.relations = RELATION_ANY, AT(plain_at)}};

/* ---- mist ---- */

/* Where plain rounds cannot win they still go first, since a verdict may be wrong
 * and they cost six datagrams; the relay carries the data meanwhile. */
static const mist_time quick_at[] = {0, MS(100), MS(300)};
static const mist_time hold_at[] = {0, MS(200), MS(500), SEC(1), SEC(2)};
static const mist_time keep_at[] = {0, SEC(4), SEC(8), SEC(16), SEC(24)};
static const mist_time ask_at[] = {0, MS(500), SEC(1), SEC(2), SEC(4)}; /* words may be lost */
static const mist_time mist_gaps[] = {MS(500), SEC(1), SEC(3), SEC(10)};
static const struct volley mist[] = {
    {.relations = RELATION_PLAIN, .attempts = FIRST, AT(plain_at)},
    /* Other holes than before: the first packets die behind the own NAT, so that no
     * box sees one from outside before its own host has written (dolphin#11382). */
    {.relations = RELATION_PLAIN, .attempts = LATER, .ttl = 4, AT(plain_at)},
    {.relations = RELATION_ANY & ~RELATION_PLAIN, .attempts = FIRST, AT(quick_at)},
    /* A counted NAT: measure and open at one moment, then tell the peer the port. */
    {.relations = RELATION_COUNTED_EASY,
     .attempts = LATER,
     .target = TARGET_MEASURE,
     .sockets = 1,
     AT(hold_at)},
    {.relations = RELATION_EASY_COUNTED,
     .when = WHEN_AIMED,
     .target = TARGET_WINDOW,
     .shots = 16,
     .every = MS(20)},
    /* Two counted ones: each measures, and opens towards the other's next port. */
    {.relations = RELATION_COUNTED_BOTH,
     .attempts = LATER,
     .target = TARGET_MEASURE,
     .sockets = 1,
     AT(ask_at)},
    {.relations = RELATION_COUNTED_BOTH, .when = WHEN_AIMED, .target = TARGET_AIM, AT(hold_at)},
    /* Both hard: each makes many mappings, and aims them at where the other's may be.  Two
     * of them meet among few ports, or if the filters let in the other's address. */
    {.relations = RELATION_SCATTER,
     .attempts = LATER,
     .target = TARGET_MEASURE,
     .sockets = 1,
     AT(ask_at)},
    {.relations = RELATION_SCATTER, .when = WHEN_AIMED, .target = TARGET_SCATTER, .every = MS(20)},
    /* A mapping per address: each socket's one port may try many of the peer's. */
    {.relations = RELATION_SPREAD,
     .attempts = LATER,
     .target = TARGET_MEASURE,
     .sockets = 256,
     AT(ask_at)},
    {.relations = RELATION_SPREAD, .when = WHEN_AIMED, .target = TARGET_SCATTER, .every = MS(10)},
    /* Birthdays: the hard side holds sockets open, the easy one tries ports.  Again
     * after 8 s at most: the least timer of an unreplied mapping in the field is 10 s; the
     * peer is told with each of them, since one aim may be lost. */
    {.relations = RELATION_HARD_EASY,
     .attempts = LATER,
     .target = TARGET_SEEN,
     .all = true,
     .sockets = 256,
     AT(keep_at),
     .every = MS(10)},
    /* In a block every port is tried, so few are enough, and the host's other
     * connections need the rest (RFC 6888 REQ-4). */
    {.relations = RELATION_BLOCK_EASY,
     .attempts = LATER,
     .target = TARGET_SEEN,
     .all = true,
     .sockets = 32,
     AT(keep_at),
     .every = MS(10)},
    {.relations = RELATION_EASY_HARD | RELATION_EASY_BLOCK,
     .when = WHEN_AIMED,
     .target = TARGET_SPRAY,
     .every = MS(10)},
};

/* ---- baselines ---- */

/* dcutr (go-libp2p): the end that received the relayed connection sends random packets
 * for 5 s, the other dials QUIC: Initial, then the probe timeout of RFC 9002 section
 * 6.2.2 (333 ms of initial round trip: 999 ms, doubling).  The third attempt swaps. */
static const mist_time quic_at[] = {0, MS(999), MS(2997)};
static const mist_time no_gap[] = {0};
static const struct volley dcutr[] = {
    {.relations = RELATION_ANY, .attempts = 3, .roles = PUNCH_DIALER, AT(quic_at)},
    {.relations = RELATION_ANY,
     .attempts = 3,
     .roles = PUNCH_ACCEPTOR,
     .pace = PACE_DCUTR,
     .shots = UINT16_MAX},
    {.relations = RELATION_ANY, .attempts = 4, .roles = PUNCH_ACCEPTOR, AT(quic_at)},
    {.relations = RELATION_ANY,
     .attempts = 4,
     .roles = PUNCH_DIALER,
     .pace = PACE_DCUTR,
     .shots = UINT16_MAX},
};

/* noq (iroh): a tenth of the initial round trip of 333 ms, doubling, gaps of 2 s at
 * most; a path that is not direct is tried again after 60 s. */
static const mist_time noq_at[] = {0,       MS(33),   MS(67),   MS(133), MS(267),
                                   MS(533), MS(1067), MS(2133), MS(4133)};
static const mist_time minute[] = {SEC(60)};
static const struct volley noq[] = {{.relations = RELATION_ANY, AT(noq_at)}};

/* tailscale: a ping to every endpoint, each 5 s at the most often. */
static const struct volley tailscale[] = {
    {.relations = RELATION_ANY, .shots = 12, .every = SEC(5)}};

/* hyperdht: 10 packets at 1 s between consistent ones, the acceptor a second later;
 * else 256 sockets, first with TTL 5, then one packet each 20 ms, against 1,750 ports. */
static const struct volley hyperdht[] = {
    {.relations = RELATION_PLAIN, .roles = PUNCH_DIALER, .shots = 10, .every = SEC(1)},
    {.relations = RELATION_PLAIN,
     .roles = PUNCH_ACCEPTOR,
     .start = SEC(1),
     .shots = 10,
     .every = SEC(1)},
    {.relations = HARD_AND_EASY,
     .target = TARGET_SEEN,
     .ttl = 5,
     .all = true,
     .sockets = 256,
     .shots = 1},
    {.relations = HARD_AND_EASY,
     .target = TARGET_SEEN,
     .ttl = 5,
     .start = MS(100),
     .sockets = 256,
     .shots = 1745,
     .every = MS(20)},
    {.relations = EASY_AND_HARD, .target = TARGET_ANY_PORT, .shots = 1750, .every = MS(20)},
};

/* easytier: its rounds last 5 s here, in which its source lets go of one. */
static const mist_time easytier_gaps[] = {SEC(1), SEC(1), SEC(2), SEC(4),
                                          SEC(4), SEC(8), SEC(8), SEC(16)};
/* Three copies of each port, a millisecond each, the list sent twice. */
#define LIST(rounds, k)                                                                            \
    {                                                                                              \
        .attempts = rounds, .relations = RELATION_EASY_HARD | RELATION_EASY_BLOCK,                 \
        .target = TARGET_SPRAY, .copies = 3, .ports = k, .shots = 6 * (k), .every = MS(1)          \
    }
static const struct volley easytier[] = {
    {.relations = RELATION_PLAIN, .roles = PUNCH_DIALER, .shots = 25, .every = MS(200)},
    {.relations = RELATION_PLAIN,
     .roles = PUNCH_ACCEPTOR,
     .burst = 2,
     .shots = 5,
     .every = MS(400)},
    {.relations = RELATION_HARD_EASY | RELATION_BLOCK_EASY | RELATION_COUNTED_EASY,
     .target = TARGET_SEEN,
     .all = true,
     .sockets = 84,
     .shots = 25,
     .every = MS(200)},
    LIST(FIRST | SECOND, 700), /* K = U[600, 800): its mean; from round 3 on max(2K/r, 180) */
    LIST(4, 466),
    LIST(8, 350),
    LIST(16, 280),
    LIST(32, 233),
    LIST(64, 200),
    LIST(0xff80, 180),
    {.relations = RELATION_EASY_COUNTED,
     .target = TARGET_UPWARD,
     .copies = 3,
     .burst = 150,
     .shots = 2,
     .every = MS(400)},
    {.relations = RELATION_COUNTED_BOTH,
     .target = TARGET_AHEAD,
     .all = true,
     .sockets = 25,
     .shots = 55,
     .every = MS(100)},
};

/* tox: one probe each 3 s, or 48 around the ports seen. */
static const struct volley tox[] = {
    {.relations = RELATION_PLAIN | HARD_AND_EASY, .shots = 13, .every = SEC(3)},
    {.relations = EASY_AND_HARD | RELATION_COUNTED_BOTH | RELATION_HOPELESS,
     .target = TARGET_AROUND,
     .burst = 48,
     .shots = 13,
     .every = SEC(3)},
};

/* ice (RFC 8445, 8489): sends of a check with RTO 500 ms and Rc 7; fails 16 RTO later. */
static const mist_time ice_at[] = {0, MS(500), MS(1500), MS(3500), MS(7500), MS(15500), MS(31500)};
static const struct volley ice[] = {{.relations = RELATION_ANY, AT(ice_at), .every = MS(50)}};

/* bep55 (libutp): SYN at 0, 3 and 9 s, failure at 21 s. */
static const mist_time utp_at[] = {0, SEC(3), SEC(9)};
static const struct volley bep55[] = {{.relations = RELATION_ANY, AT(utp_at)}};

/* Own budgets: what a system has none of is not limited here. */
#define OWN(m, p) .mappings = m, .probes = p
#define NO_BUDGET OWN(256, UINT16_MAX)

static const struct strategy strategies[STRATEGIES] = {
    [STRATEGY_MIST] = {"mist", VIEW_PAIR, 5, .rounds = true, GAPS(mist_gaps), .patience = SEC(2),
                       OWN(64, 1024), VOLLEYS(mist)},
    [STRATEGY_PLAIN] = {"plain", VIEW_NONE, 3, .rounds = true, GAPS(plain_gaps), .patience = SEC(2),
                        NO_BUDGET, VOLLEYS(plain)},
    [STRATEGY_DCUTR] = {"dcutr", VIEW_NONE, 3, GAPS(no_gap), .limit = SEC(5), NO_BUDGET,
                        VOLLEYS(dcutr)},
    [STRATEGY_NOQ] = {"noq", VIEW_NONE, 2, GAPS(minute), .patience = SEC(1), NO_BUDGET,
                      VOLLEYS(noq)},
    [STRATEGY_TAILSCALE] = {"tailscale", VIEW_NONE, 1, GAPS(no_gap), .patience = SEC(5), NO_BUDGET,
                            VOLLEYS(tailscale)},
    [STRATEGY_HYPERDHT] = {"hyperdht", VIEW_MAPPING, 1, GAPS(no_gap), .patience = SEC(1), NO_BUDGET,
                           VOLLEYS(hyperdht)},
    [STRATEGY_EASYTIER] = {"easytier", VIEW_MAPPING, 9, GAPS(easytier_gaps), .limit = SEC(6),
                           NO_BUDGET, VOLLEYS(easytier)},
    [STRATEGY_TOX] = {"tox", VIEW_MAPPING, 1, GAPS(no_gap), .patience = SEC(3), NO_BUDGET,
                      VOLLEYS(tox)},
    [STRATEGY_ICE] = {"ice", VIEW_NONE, 1, GAPS(no_gap), .patience = SEC(8), NO_BUDGET,
                      VOLLEYS(ice)},
    [STRATEGY_BEP55] = {"bep55", VIEW_NONE, 1, GAPS(no_gap), .patience = SEC(12), NO_BUDGET,
                        VOLLEYS(bep55)},
};

const struct strategy *punch_strategy(enum strategy_number number)
{
    CHECK(number > STRATEGY_NONE && number < STRATEGIES);
    return &strategies[number];
}

/* ---- which pair it is ---- */

static bool is_hard(const struct nature *n)
{
    return n->mapping == NATURE_ADM || n->mapping == NATURE_APDM;
}

/* RFC 4787 by its definitions, as sim/rule.c plays them: a datagram to where the other
 * was seen passes an open filter, and that of an easy box whose host sends to this
 * address (adf) or to this very endpoint, which an easy box alone has. */
static bool plain_wins(const struct nature *a, const struct nature *b)
{
    if (!is_hard(a) && !is_hard(b))
        return true;
    if (is_hard(a) && is_hard(b))
        return (a->filtering == NATURE_EIF && b->filtering <= NATURE_ADF) ||
               (b->filtering == NATURE_EIF && a->filtering <= NATURE_ADF);
    const struct nature *easy = is_hard(a) ? b : a;
    return easy->filtering <= NATURE_ADF;
}

static enum punch_relation of_hard(const struct nature *hard, enum punch_relation counted,
                                   enum punch_relation block, enum punch_relation other)
{
    return hard->ports == NATURE_SEQUENTIAL ? counted : hard->ports == NATURE_BLOCK ? block : other;
}

static bool among_few(const struct nature *n)
{
    return n->ports == NATURE_SEQUENTIAL || n->ports == NATURE_BLOCK;
}

static bool by_address(const struct nature *n)
{
    return n->filtering == NATURE_EIF || n->filtering == NATURE_ADF;
}

/* A guess of the seeker's hits one of the holder's ports and passes its filter.  The
 * answer passes the seeker's if that is by address, or comes from the port that was hit. */
static bool may_hit(const struct nature *holder, const struct nature *seeker)
{
    return by_address(holder) && (holder->mapping == NATURE_ADM || by_address(seeker));
}

/* From one socket, with one mapping, the seeker tries every port that the holder may
 * answer from: the first that is let in tells the holder where to, and whatever port its
 * answer leaves through, the seeker's filter knows it. */
static bool may_cover(const struct nature *holder, const struct nature *seeker)
{
    return by_address(holder) && among_few(holder) && seeker->mapping == NATURE_ADM;
}

/* Mappings that aim at each other by chance. */
static bool may_scatter(const struct nature *a, const struct nature *b)
{
    return (among_few(a) && among_few(b)) || may_hit(a, b) || may_hit(b, a);
}

static enum punch_relation of_both_hard(const struct nature *mine, const struct nature *theirs)
{
    bool hits = may_hit(mine, theirs) || may_hit(theirs, mine);
    if (!hits && (may_cover(mine, theirs) || may_cover(theirs, mine)))
        return RELATION_SCATTER; /* one socket is enough, whatever a port costs */
    if (!may_scatter(mine, theirs))
        return RELATION_HOPELESS;
    return mine->mapping == NATURE_ADM ? RELATION_SPREAD : RELATION_SCATTER;
}

enum punch_relation punch_relation(enum punch_view view, bool busy, const struct nature *mine,
                                   const struct nature *theirs)
{
    bool unknown = mine->mapping == 0 || theirs->mapping == 0;
    if (view == VIEW_NONE || unknown || (!is_hard(mine) && !is_hard(theirs)))
        return RELATION_PLAIN;
    if (view == VIEW_PAIR && plain_wins(mine, theirs))
        return RELATION_PLAIN;
    if (is_hard(mine) && is_hard(theirs)) {
        bool counted = mine->ports == NATURE_SEQUENTIAL && theirs->ports == NATURE_SEQUENTIAL;
        if (counted && (!busy || view != VIEW_PAIR))
            return RELATION_COUNTED_BOTH;
        return view == VIEW_PAIR ? of_both_hard(mine, theirs) : RELATION_HOPELESS;
    }
    if (is_hard(mine))
        return of_hard(mine, RELATION_COUNTED_EASY, RELATION_BLOCK_EASY, RELATION_HARD_EASY);
    return of_hard(theirs, RELATION_EASY_COUNTED, RELATION_EASY_BLOCK, RELATION_EASY_HARD);
}

mist_time punch_gap(const struct volley *v, uint32_t shot, uint32_t dice)
{
    if (v->pace == PACE_DCUTR) {
        uint64_t most = MS(10) * (uint64_t)(shot + 1) * (shot + 1);
        if (shot > 3) /* 10 (i + 1)^2 is 200 and more from i = 4 on */
            most = MS(200);
        return MS(10) + (mist_time)((most * dice) >> 32);
    }
    if (v->at != NULL && shot + 1u < v->shots)
        return v->at[shot + 1] - v->at[shot];
    return v->every;
}
