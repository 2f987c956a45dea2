/* oracle.h: the best that two hosts can reach without a relay, by formula: what
 * plain punching brings together (rule.h), and the best probability over the
 * known techniques, whatever a protocol makes of them.
 *
 * Shares nothing with the protocol; of nat-models/ only the names of the knobs.
 * Formulae: birthday spray as in Tailscale's "How NAT traversal works" and
 * hyperdht, prediction and one shot as in NATBlaster (Biggadike et al., SIGCOMM
 * Asia 2005) and ph4r05/NATSimTools, the rest from RFC 4787's definitions; each
 * is played through the translator by oracle_play.h.
 *
 * Left out: loss; other hosts behind the same box, but for a box's `background`
 * (two on one port, a shared counter, ports in their hold); boxes whose knobs
 * change; what either side can learn while it fails, and try again with. */
#ifndef SIM_ORACLE_H
#define SIM_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/rule.h"

struct oracle_budget {  /* for each of the two hosts */
    uint32_t mappings;  /* new ones at its boxes, beside those in use */
    uint32_t probes;    /* datagrams sent, evenly over the time */
    mist_time time;     /* positive */
    uint32_t mapped[2]; /* parts per million: hosts with a port mapped on their outermost box */
};

/* hyperdht opens 256 sockets and sends 1,750 probes in 35 s. */
#define ORACLE_BUDGET                                                                              \
    {                                                                                              \
        256, 2048, SEC(40),                                                                        \
        {                                                                                          \
            0, 0                                                                                   \
        }                                                                                          \
    }

#define ORACLE_BUDGET_MAX 30000 /* mappings and probes: half of the ports of an address */

/* Between the sight of a port and the shot at the next: a round trip and the
 * exchange through a third party. */
#define ORACLE_AIM MS(200)

#define ORACLE_IN_USE 2 /* mappings that measuring takes: two servers were asked */

/* How a new mapping's external port is chosen, as others see it. */
enum oracle_law {
    ORACLE_KEPT,       /* it is the inside port */
    ORACLE_SEQUENTIAL, /* the former one and a step */
    ORACLE_RANDOM,
};

/* X(NAME, word): the techniques; words stand in results and JSON. */
#define ORACLE_TECHNIQUE_LIST(X)                                                                   \
    X(NONE, "none")                                                                                \
    X(PLAIN, "plain")             /* both send to where a third party saw the other */             \
    X(PREDICTION, "prediction")   /* easy side probes a sequential one's next ports */             \
    X(ONE_SHOT, "one_shot")       /* both sequential: each aims at the other's next */             \
    X(SPRAY, "spray")             /* one side holds many ports, the other probes many */           \
    X(BLOCK_SPRAY, "block_spray") /* the same within a subscriber's block */                       \
    X(SWEEP, "sweep")             /* sequential against random, both strict */                     \
    X(BOTH_RANDOM, "both_random") /* mappings that aim at each other by chance */                  \
    X(CONTACT, "contact")         /* a hard side lets in any port of the other's address */        \
    X(MAPPED, "mapped")           /* a static mapping on an outermost box */

#define ORACLE_ENUM_TECHNIQUE(name, word) ORACLE_##name,
enum oracle_technique { ORACLE_TECHNIQUE_LIST(ORACLE_ENUM_TECHNIQUE) ORACLE_TECHNIQUES };

const char *oracle_technique_word(enum oracle_technique technique);

/* What keeps a technique from more. */
enum oracle_limit {
    ORACLE_UNLIMITED,
    ORACLE_LIMIT_MAPPINGS, /* the budget's */
    ORACLE_LIMIT_PROBES,
    ORACLE_LIMIT_TIME,
    ORACLE_LIMIT_QUOTA, /* the box's: quota_ports */
    ORACLE_LIMIT_RATE,  /* new_mappings_per_s */
    ORACLE_LIMIT_CAPACITY,
    ORACLE_LIMIT_BLOCK,
    ORACLE_LIMIT_RANGE,
    ORACLE_LIMIT_TIMER, /* a hole ends however often it is used */
};

/* "quota" ...; "none" */
const char *oracle_limit_word(enum oracle_limit limit);

/* A chain as the other side meets it, under a budget.  No padding: equal bytes
 * are equal sides. */
struct oracle_side {
    mist_time life;         /* of a hole that its own side keeps open; MIST_NEVER: no end */
    uint64_t foreign_uhz;   /* others' new ports at the counter, per 10^6 s */
    double taken;           /* share of the next ports that others hold already */
    double kept;            /* probability that a dependent box that preserves has kept the port */
    int32_t delta;          /* of sequential ports */
    uint32_t places;        /* ports among which the next one is, once one is known */
    uint32_t addresses;     /* among which each mapping's is drawn; 1: they share one */
    uint32_t mappings;      /* new ones that boxes and budget allow */
    uint32_t sessions;      /* remotes that a socket may send to: a mapping each, or no limit */
    uint32_t refreshes;     /* datagrams that keep a hole open for the budget's time */
    uint8_t mappings_limit; /* enum oracle_limit: what sets `mappings` */
    uint8_t mapping;        /* enum nat_mapping_rule, the strictest of the chain as it looks */
    uint8_t filtering;      /* enum nat_filtering_rule, the strictest */
    uint8_t law;            /* enum oracle_law */
    uint8_t block;          /* the places are a subscriber's block */
    uint8_t answers;        /* a reply leaves through the port that was addressed */
    uint8_t blocked;        /* lets no UDP out */
    uint8_t spare;
};

_Static_assert(sizeof(struct oracle_side) == 4 * 8 + 6 * 4 + 7 + 1, "the fields fill the side");

struct oracle_side oracle_side_of(const struct rule_chain *chain,
                                  const struct oracle_budget *budget);

/* The box whose choice of ports others see: the outermost that does not keep
 * them; NULL: none. */
const struct nat_policy *oracle_chooser(const struct rule_chain *chain);

/* Does that box count its ports? */
bool oracle_is_sequential(const struct nat_policy *policy);

/* The probability that a box has let a socket keep its port: 1 unless the box
 * preserves ports, depends on the remote and has others' mappings
 * (`background`).  They hold rate x (life + hold) ports on average (Little's
 * law), Poisson and uniform over the range. */
double oracle_kept(const struct nat_policy *policy);

/* What a technique reaches and spends; [0] is the first host, [1] the second. */
struct oracle_option {
    bool possible; /* it fits the pair; else the rest is 0 */
    uint8_t limit; /* enum oracle_limit: what keeps it from 1, of side `limited` */
    uint8_t limited;
    uint8_t holder; /* the host whose ports are sought; the other seeks */
    double p;
    uint32_t mappings[2], probes[2]; /* at most; beside the mappings in use */
    mist_time time;
};

struct oracle_verdict {
    double plain, best;              /* best: of one technique, mapped ports besides */
    enum oracle_technique technique; /* of best; NONE where it is 0 */
    struct oracle_option options[ORACLE_TECHNIQUES];
};

/* shared: see rule_chain.  Options are those of the boxes as they look; plain
 * and best weigh in that a preserving dependent box may have met a clash. */
struct oracle_verdict oracle_judge(const struct rule_chain *a, const struct rule_chain *b,
                                   uint32_t shared, const struct oracle_budget *budget);

#endif
