/* caught.h: tools of the attacker: datagrams caught on their way, a node's memory
 * before and after. */
#ifndef MIST_CAUGHT_H
#define MIST_CAUGHT_H

#include "stack/test/counted_seal.h"
#include "stack/test/story.c"

#define COUNT(x) (sizeof(x) / sizeof((x)[0]))

/* A datagram, where it came from and for whom. */
struct caught {
    uint32_t host, length;
    struct addr from;
    uint8_t bytes[MIST_DATAGRAM];
};

/* What arrives at the hosts: the first of each type for each host. */
static struct caught samples[LAB_HOSTS][WIRE_TYPES];

bool keep_samples(void *context, struct lab *l, uint32_t host, const struct addr *from,
                  const uint8_t *bytes, uint32_t length)
{
    (void)context, (void)l;
    struct caught *c = &samples[host][bytes[0]];
    if (c->length == 0) {
        *c = (struct caught){.host = host, .length = length, .from = *from};
        memcpy(c->bytes, bytes, length);
    }
    return true;
}

/* The latest datagram that any host sent, and what it sent since `spent` was zeroed. */
static struct {
    struct caught last;
    uint32_t bytes, datagrams;
    struct addr watched; /* ... to that address; family 0: to anybody */
} sending;

void note_sending(void *context, struct lab *l, uint32_t host, const struct mist_datagram *d)
{
    (void)context, (void)l;
    sending.last = (struct caught){.host = host, .length = d->length, .from = d->from};
    memcpy(sending.last.bytes, d->bytes, d->length);
    if (sending.watched.family == ADDR_NONE || addr_equal(&d->to, &sending.watched)) {
        sending.bytes += d->length;
        sending.datagrams++;
    }
}

void watch_sending(struct lab *l, const struct addr *to)
{
    memset(&sending, 0, sizeof sending);
    if (to != NULL)
        sending.watched = *to;
    l->watch.sent = note_sending;
}

/* What `from` would send to `to`: caught, not delivered. */
struct caught catch_message(struct lab *l, uint32_t from, uint32_t to, const uint8_t *messages,
                            size_t length)
{
    uint32_t loss = l->loss;
    struct lab_watch watch = l->watch;
    l->loss = 1000;
    watch_sending(l, NULL);
    assert_int_equal(lab_say(l, from, to, NULL, messages, length), MIST_OK);
    assert_int_equal(sending.datagrams, 1);
    l->loss = loss;
    l->watch = watch;
    return sending.last;
}

/* A node's block, but for the counters. */
struct memory {
    uint8_t *copy;
    size_t size;
};

struct memory remember_memory(const struct lab *l, uint32_t host)
{
    struct memory m = {malloc(l->hosts[host].memory_size), l->hosts[host].memory_size};
    assert_non_null(m.copy);
    memcpy(m.copy, l->hosts[host].memory, m.size);
    return m;
}

bool same_memory(const struct lab *l, uint32_t host, const struct memory *m)
{
    const uint8_t *now = l->hosts[host].memory;
    const size_t from = offsetof(struct mist, counters);
    const size_t to = from + sizeof((struct mist *)NULL)->counters;
    return memcmp(now, m->copy, from) == 0 && memcmp(now + to, m->copy + to, m->size - to) == 0;
}

void forget_memory(struct memory *m)
{
    free(m->copy);
    m->copy = NULL;
}

#endif
