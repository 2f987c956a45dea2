/* story.h: a lab that writes down everything that happens in it, questions about
 * that record, and its comparison with a golden text.
 *
 * MIST_GOLDEN=write rewrites the texts (make golden); git shows the difference. */
#ifndef MIST_STORY_H
#define MIST_STORY_H

#include "stack/test/lab.h"

enum story_kind { STORY_FACT, STORY_EVENT, STORY_SENT };

struct story_entry {
    mist_time at;
    enum story_kind kind;
    uint32_t number; /* of the fact or event; of a datagram its enum wire_type */
    uint32_t host;
    int peer;  /* host, -1: none */
    int relay; /* the address is a way through this host; -1: it is not */
    struct addr addr;
    int64_t a, b; /* of a fact; of an event path and reason; of a datagram length and TTL */
    uint32_t id;
    mist_time rtt;
    uint32_t count, hops, attempts, probes, sockets;
    char text[48]; /* what an event carried */
};

struct story {
    struct lab *lab;
    struct story_entry *entries;
    uint32_t count, size;
};

struct story *story_open(uint64_t seed);
void story_close(struct story *s);

/* Servers s1, s2, ... that are told they are public, started and joined. */
void story_servers(struct story *s, uint32_t count);
/* A host behind a NAT, started after the servers; runs until it joined. */
uint32_t story_join(struct story *s, const char *name, enum lab_mapping mapping,
                    enum lab_filtering filtering, bool random_ports);
/* Starts a host and runs until it joined, 30 s at most. */
void story_start(struct story *s, uint32_t host);

/* The first entry of that kind at or after `from`; NULL: none. */
const struct story_entry *story_find(const struct story *s, uint32_t host, enum story_kind kind,
                                     uint32_t number, mist_time from);
uint32_t story_number(const struct story *s, uint32_t host, enum story_kind kind, uint32_t number,
                      mist_time from);
/* Did host get that text on any connection or subscription since `from`? */
bool story_heard(const struct story *s, uint32_t host, const char *text, mist_time from);

struct story_chosen {
    enum story_kind kind;
    uint32_t number;
};

/* Compares what happened since `from`, as far as chosen, with the text golden/NAME. */
void story_golden(const struct story *s, const char *name, mist_time from,
                  const struct story_chosen *chosen, size_t count);

#endif
