/* kad_parts.h: what the files of kad share: the table and the lookups. */
#ifndef MIST_KAD_PARTS_H
#define MIST_KAD_PARTS_H

#include "stack/kad.h"

#define KAD_BUCKETS 40 /* the last one holds every longer shared prefix too */
#define KAD_SPARES  4  /* replacements of a bucket */
#define KAD_GONE                                                                                   \
    32                   /* remembered as silent: more than die within GONE_FOR at any churn that  \
                          * leaves an overlay */
#define KAD_SHORTLIST 48 /* KAD_K, and as many dead or slow ones among them, and some */

/* ---- the table ---- */

struct kad_entry {
    struct contact contact;
    uint16_t next;    /* in its list, slot + 1; 0 ends it */
    uint8_t failures; /* in a row */
    uint8_t live;     /* else a replacement, or free */
    mist_time seen;
};

struct kad_bucket {
    uint16_t live, spares; /* heads, slot + 1 */
    uint8_t live_count, spare_count;
    mist_time looked_up; /* the last lookup in its range */
};

/* Who did not answer lately.  Others may still speak of it. */
struct kad_gone {
    uint64_t tag; /* of the id; compared for being equal, nothing else */
    mist_time until;
};

/* ---- the lookups ---- */

#define KAD_PATHS 3 /* of a lookup; one of them may be all lies */
#define KAD_TRIES 2 /* to reach one candidate */

/* Of the KAD_K nearest at most so many in one network, while there are others: go-libp2p
 * takes 2 of a /16 into a bucket and 3 into its table; here 20 are held, not 2. */
#define KAD_PER_SITE     2
#define KAD_PER_PROVIDER 4

/* Who counts: the KAD_K nearest, those of crowded networks after all others, and the
 * nearest of each path ... */
enum kad_rank {
    KAD_ALIVE = 1,   /* ... that have not failed */
    KAD_PROMPT = 2,  /* ... nor are overdue */
    KAD_IN_TIME = 4, /* ... nor late */
};

enum kad_state { KAD_HEARD, KAD_REACHING, KAD_ASKED, KAD_ANSWERED, KAD_FAILED };

/* Somebody a lookup may ask. */
struct kad_candidate {
    struct contact contact;
    mist_link link;   /* ASKED: 0 while the question rides in the handshake */
    uint32_t request; /* of its FIND; 0: none yet */
    mist_time began;  /* to reach it: gives up from here */
    mist_time since;  /* the last question, for patience and round trips */
    uint8_t state;    /* enum kad_state */
    uint8_t ranks;    /* enum kad_rank, of the latest kad_rank */
    uint8_t path;     /* on which it was heard of first: where its answer goes */
    uint8_t told_on;  /* bits: the paths that tell of it */
    uint64_t site, provider;
    bool global;   /* its address */
    uint8_t depth; /* questions in the chain that leads to its answer */
    uint8_t tries; /* EFFECT_REACH */
    bool doubtful; /* failed last time: asked last */
    bool late;     /* out of patience: somebody else is asked besides */
    bool overdue;  /* so late that the result stands without it */
    bool repeated; /* FIND was sent twice: its answer measures nothing */
    bool found;    /* EFFECT_FOUND went out */
};

struct kad_lookup {
    uint8_t target[WIRE_ID];
    mist_time began;
    uint32_t owner;
    uint32_t answers, asked;
    uint16_t count; /* of list */
    bool active;
    bool reported; /* its event went out */
    bool closed;   /* a sign of life: asks its one candidate, hears of nobody */
    struct kad_candidate list[KAD_SHORTLIST]; /* nearest to target first */
};

struct kad {
    uint8_t self[WIRE_ID];
    struct rng *rng;
    struct timers *timers;
    uint32_t first_timer;
    uint32_t contact_limit, lookup_limit;
    uint32_t high; /* entries ever used */
    uint32_t free; /* head of the free entries, slot + 1 */
    uint32_t count, spare_count;
    uint32_t last_request;
    bool awake;                /* upkeep runs: the table holds somebody */
    bool settled;              /* this node looked itself up once */
    mist_time next_self;       /* when to look this node itself up again */
    mist_time srtt, rttvar;    /* of answers, RFC 6298; 0: none yet */
    struct kad_entry *entry;   /* [contact_limit] */
    struct kad_lookup *lookup; /* [lookup_limit] */
    struct kad_bucket bucket[KAD_BUCKETS];
    struct kad_gone gone[KAD_GONE]; /* a ring */
    uint32_t gone_next;
};

/* kad_table.c */
bool kad_nearer(const uint8_t target[WIRE_ID], const uint8_t a[WIRE_ID], const uint8_t b[WIRE_ID]);
uint32_t kad_bucket_of(const struct kad *k, const uint8_t id[WIRE_ID]);
struct kad_entry *kad_entry_of(struct kad *k, const uint8_t id[WIRE_ID]); /* live, or NULL */
struct kad_entry *kad_least_recent(struct kad *k); /* live, longest not seen; NULL when empty */
struct kad_entry *kad_doubtful(struct kad *k);     /* live, failed last time; or NULL */
bool kad_is_gone(const struct kad *k, mist_time now, const uint8_t id[WIRE_ID]);
void kad_store(struct kad *k, mist_time now, const struct contact *c, struct out *out);

/* kad_shortlist.c */
bool kad_is_zero(const uint8_t id[WIRE_ID]);
struct kad_candidate *kad_candidate_of(struct kad_lookup *l, const uint8_t id[WIRE_ID]);
/* Puts a contact in its place; NULL when it is known, this node, or too far from the
 * target.  Moves the others. */
struct kad_candidate *kad_insert(const struct kad *k, struct kad_lookup *l, const struct contact *c,
                                 uint8_t path);
/* One contact of an answer. */
void kad_hear(const struct kad *k, mist_time now, struct kad_lookup *l, const struct contact *c,
              const struct kad_candidate *teller);
void kad_rank(struct kad_lookup *l);

/* kad_lookup.c */
void kad_measure(struct kad *k, mist_time rtt); /* one round trip of a question */
/* Asks one contact for a sign of life; MIST_ERR_FULL. */
int kad_ping(struct kad *k, mist_time now, const struct contact *c, struct out *out);
void kad_lookup_timer(struct kad *k, mist_time now, struct kad_lookup *l, struct out *out);

#endif
