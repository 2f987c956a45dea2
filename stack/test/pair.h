/* pair.h: the pair of most stories: Alice and Bob, each behind a NAT, in an
 * overlay of three servers.  Included by one test program each. */
#ifndef MIST_PAIR_H
#define MIST_PAIR_H

#include "stack/test/story.c"

#define FACT(name)                                                                                 \
    {                                                                                              \
        STORY_FACT, FACT_##name                                                                    \
    }
#define EVENT(name)                                                                                \
    {                                                                                              \
        STORY_EVENT, MIST_EVENT_##name                                                             \
    }
#define COUNT(x) (sizeof(x) / sizeof((x)[0]))

/* What the golden texts of a pair tell. */
static const struct story_chosen pair_words[] = {
    FACT(OFFER_SENT),    FACT(OFFER_RECEIVED), FACT(CIRCUIT_OPENED), FACT(ANSWERED),
    FACT(PUNCH_STARTED), FACT(PROBE_SENT),     FACT(PROBE_RECEIVED), FACT(PATH_PROVED),
    FACT(PATH_CHANGED),  FACT(PATH_LOST),      FACT(PUNCH_FAILED),   EVENT(CONNECTED),
    EVENT(ACCEPTED),     EVENT(PATH),          EVENT(DATAGRAM),      EVENT(CLOSED),
    EVENT(FAILED)};
#define PAIR_WORDS COUNT(pair_words)

/* Configuration of both homes: key and value, as many as there are. */
static const char *pair_settings[4][2];

struct pair {
    struct story *s;
    struct lab *lab;
    uint32_t alice, bob;
    mist_time from; /* what the questions below are about */
};

static uint32_t pair_home(struct pair *p, const char *name, const struct lab_nat *nat)
{
    uint32_t host = lab_add(p->lab, name);
    lab_behind(p->lab, host, nat->mapping, nat->filtering, nat->random_ports);
    p->lab->hosts[host].nat.step = nat->step;
    p->lab->hosts[host].nat.block = nat->block;
    for (size_t i = 0; i < COUNT(pair_settings) && pair_settings[i][0] != NULL; i++)
        lab_configure(p->lab, host, pair_settings[i][0], pair_settings[i][1]);
    story_start(p->s, host);
    return host;
}

/* With NATs that the caller describes; both know what they stand behind. */
struct pair pair_behind(uint64_t seed, const struct lab_nat *alices, const struct lab_nat *bobs)
{
    struct pair p = {.s = story_open(seed)};
    p.lab = p.s->lab;
    story_servers(p.s, 4);
    p.alice = pair_home(&p, "alice", alices);
    p.bob = pair_home(&p, "bob", bobs);
    lab_run(p.lab, p.lab->now + SEC(15));
    p.from = p.lab->now;
    return p;
}

struct pair pair_open(uint64_t seed, enum lab_mapping alice_mapping,
                      enum lab_filtering alice_filtering, enum lab_mapping bob_mapping,
                      enum lab_filtering bob_filtering)
{
    struct pair p = {.s = story_open(seed)};
    p.lab = p.s->lab;
    story_servers(p.s, 3);
    p.alice = pair_home(&p, "alice",
                        &(struct lab_nat){.mapping = alice_mapping,
                                          .filtering = alice_filtering,
                                          .random_ports = alice_mapping == LAB_APDM});
    p.bob = pair_home(&p, "bob",
                      &(struct lab_nat){.mapping = bob_mapping,
                                        .filtering = bob_filtering,
                                        .random_ports = bob_mapping == LAB_APDM});
    lab_run(p.lab, p.lab->now + SEC(3));
    p.from = p.lab->now;
    return p;
}

const struct story_entry *pair_fact(const struct pair *p, uint32_t host, uint32_t number)
{
    return story_find(p->s, host, STORY_FACT, number, p->from);
}

const struct story_entry *pair_event(const struct pair *p, uint32_t host, uint32_t number)
{
    return story_find(p->s, host, STORY_EVENT, number, p->from);
}

/* Alice dials Bob as connection 1 and waits; returns Bob's id of it. */
uint32_t pair_dial(struct pair *p, mist_time wait)
{
    assert_int_equal(lab_connect(p->lab, p->alice, 1, "bob"), MIST_OK);
    lab_run(p->lab, p->lab->now + wait);
    assert_non_null(pair_event(p, p->alice, MIST_EVENT_CONNECTED));
    const struct story_entry *accepted = pair_event(p, p->bob, MIST_EVENT_ACCEPTED);
    assert_non_null(accepted);
    assert_int_equal(accepted->peer, p->alice);
    assert_true(accepted->id >= MEET_THEIRS);
    return accepted->id;
}

/* Both ends hear each other on it. */
void pair_talks(struct pair *p, uint32_t bobs_id, const char *there, const char *back)
{
    mist_time from = p->lab->now;
    assert_int_equal(lab_send(p->lab, p->alice, 1, there), MIST_OK);
    assert_int_equal(lab_send(p->lab, p->bob, bobs_id, back), MIST_OK);
    lab_run(p->lab, from + SEC(1));
    assert_true(story_heard(p->s, p->bob, there, from));
    assert_true(story_heard(p->s, p->alice, back, from));
}

/* enum mist_path of a connection that stands */
uint32_t pair_path(const struct pair *p, uint32_t host, uint32_t id)
{
    const struct conn *c = meet_find(&p->lab->hosts[host].node->meet, id);
    assert_non_null(c);
    return c->path;
}

#endif
