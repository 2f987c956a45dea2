/* punch_strategy.h: what each strategy sends, as data: who, when, where to, how often.
 *
 * `mist` and the plain rounds are this project's; the others are baselines: the
 * schedules of systems in the field, with their own budgets.  All share
 * everything else: introduction, candidates, sealed probes, answers, relays, and
 * the rule that nobody sprays an address that has not echoed a token. */
#ifndef MIST_PUNCH_STRATEGY_H
#define MIST_PUNCH_STRATEGY_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/nature.h"
#include "stack/units.h"

/* Bits: this end's NAT and the other's.  Easy: one mapping for all; hard: one per
 * remote; counted: hard, and its ports are sequential. */
enum punch_relation {
    RELATION_PLAIN = 1,         /* both sending to what was seen is enough, or nothing is known */
    RELATION_EASY_HARD = 2,     /* easy here, hard there */
    RELATION_HARD_EASY = 4,     /* hard here, easy there */
    RELATION_EASY_COUNTED = 8,  /* the same with a counted one */
    RELATION_COUNTED_EASY = 16, /* */
    RELATION_COUNTED_BOTH = 32, /* */
    RELATION_EASY_BLOCK = 64,   /* hard there, with ports of a block */
    RELATION_BLOCK_EASY = 128,  /* */
    RELATION_HOPELESS = 256,    /* hard on both sides, and no way to guess */
    RELATION_SCATTER = 512,     /* hard on both sides, among few ports or with filters by address */
    RELATION_SPREAD = 1024,     /* the same, and here one mapping serves all ports of a remote */
};
#define RELATION_ANY        2047
#define RELATION_SCATTERS   (RELATION_SCATTER | RELATION_SPREAD)
#define RELATION_AIMED_BOTH (RELATION_COUNTED_BOTH | RELATION_SCATTERS)

/* By what a strategy tells pairs apart. */
enum punch_view {
    VIEW_NONE,    /* all are plain */
    VIEW_MAPPING, /* easy or hard alone: the filter is not asked */
    VIEW_PAIR     /* RFC 4787's two axes of both ends, and the port rule */
};

enum punch_role { PUNCH_DIALER = 1, PUNCH_ACCEPTOR = 2 };

enum volley_target {
    TARGET_CANDIDATES, /* all that the peer named and was seen at */
    TARGET_SEEN,       /* where others see the peer, from each of the fresh sockets in turn */
    TARGET_MEASURE,    /* the same; the first socket asks the relay for its port just before */
    TARGET_AIM,        /* the next port that the peer's aim leads to */
    TARGET_SCATTER,    /* from the sockets in turn to ports of the aim, one after the other */
    TARGET_WINDOW,     /* ports from the peer's aim on, by its step */
    TARGET_SPRAY,      /* each port of the aim's range once, in an order of dice */
    TARGET_ANY_PORT,   /* 1000 + a random number below 64536, again and again (hyperdht) */
    TARGET_UPWARD,     /* seen port + 1, + 2, ... + 50 (easytier) */
    TARGET_AHEAD,      /* seen port + 20 (easytier) */
    TARGET_AROUND,     /* seen port + and - 0, 1, 2, ... (tox) */
};

enum volley_when {
    WHEN_STARTED, /* the attempt */
    WHEN_AIMED    /* the peer's aim arrived (and for TARGET_AIM, the own port is known) */
};

enum volley_pace {
    PACE_EVEN, /* `every`, after the times in `at` if there are any */
    PACE_DCUTR /* 10 ms + U(0, min(10 (i + 1)^2, 200)) ms after shot i (go-libp2p) */
};

/* What one end sends in an attempt. */
struct volley {
    uint16_t attempts;  /* bit i: in attempt i + 1; 0: in each */
    uint16_t relations; /* bits of enum punch_relation */
    uint8_t roles;      /* bits of enum punch_role; 0: both */
    uint8_t target, when, pace;
    uint8_t ttl;         /* of the first datagram of each socket; 0: the host's default */
    uint8_t burst;       /* ports per shot; 0: one */
    uint8_t copies;      /* of each port; 0: one */
    bool all;            /* a shot is from every socket, not from one */
    uint16_t sockets;    /* fresh ones; 0: the main one */
    uint16_t shots;      /* 0: what punch.probes allows */
    uint16_t ports;      /* after so many the same again; 0: never */
    const mist_time *at; /* of the first shots; NULL: all even */
    mist_time start;
    mist_time every; /* with `at`: candidates or sockets have their turns so far apart */
};

struct strategy {
    const char *name;
    enum punch_view view;
    uint8_t attempts, volley_count;
    bool rounds;           /* punch.rounds cuts `at` */
    const mist_time *gaps; /* before attempt i + 1; the last counts for all later ones */
    uint8_t gap_count;
    mist_time patience; /* after the last shot */
    mist_time limit;    /* an attempt ends then, whatever is left; 0: no limit */
    uint16_t mappings;  /* its own budget for one peer ... */
    uint16_t probes;    /* ... of guessed ports */
    const struct volley *volleys;
};

enum strategy_number {
    STRATEGY_NONE,
    STRATEGY_MIST,
    STRATEGY_PLAIN,
    STRATEGY_DCUTR,
    STRATEGY_NOQ,
    STRATEGY_TAILSCALE,
    STRATEGY_HYPERDHT,
    STRATEGY_EASYTIER,
    STRATEGY_TOX,
    STRATEGY_ICE,
    STRATEGY_BEP55,
    STRATEGIES
};

/* Not for NONE. */
const struct strategy *punch_strategy(enum strategy_number number);

/* busy: both count their ports, and others take too many of them for single shots. */
enum punch_relation punch_relation(enum punch_view view, bool busy, const struct nature *mine,
                                   const struct nature *theirs);

/* The time from shot i to the next of a volley over `candidates`; dice: uniform. */
mist_time punch_gap(const struct volley *v, uint32_t shot, uint32_t dice);

#endif
