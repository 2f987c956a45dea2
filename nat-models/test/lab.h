/* lab.h: one box on a table, spoken to in text: what the tests of the
 * translator share. */
#ifndef NAT_TEST_LAB_H
#define NAT_TEST_LAB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nat-models/nat.h"
#include "stack/check.h"

_Noreturn void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: broken promise: %s\n", file, line, condition);
    abort();
}

struct lab {
    struct nat_slab *slab;
    struct nat *nat;
    enum nat_verdict verdict; /* of the last datagram */
    struct nat_datagram last; /* as it left the box */
    char text[2 * ADDR_TEXT];
};

static inline struct addr lab_addr(const char *text)
{
    struct addr a = {0};
    if (addr_parse(&a, text) != 0)
        fail_msg("not an address: %s", text);
    return a;
}

/* "mapping: eim; filtering: adf; idle: 30 s", over the defaults */
static inline struct nat_policy lab_policy(const char *knobs)
{
    struct nat_policy policy = nat_policy_default();
    char copy[512], error[200], *rest = copy;
    assert_true(strlen(knobs) < sizeof copy);
    memcpy(copy, knobs, strlen(knobs) + 1);
    while (rest != NULL && *rest != '\0') {
        char *key = rest + strspn(rest, " "), *end = strchr(rest, ';');
        rest = end == NULL ? NULL : end + 1;
        if (end != NULL)
            *end = '\0';
        char *value = strchr(key, ':');
        assert_non_null(value);
        *value++ = '\0';
        if (nat_policy_set(&policy, key, value, error, sizeof error) != 0)
            fail_msg("%s", error);
    }
    if (nat_policy_check(&policy, error, sizeof error) != 0)
        fail_msg("%s", error);
    return policy;
}

/* A box at 1.2.3.4, and 1.2.3.5 ... for a pool. */
static inline struct lab lab_open_seeded(const char *knobs, uint64_t seed)
{
    struct nat_policy policy = lab_policy(knobs);
    struct addr external[64];
    uint32_t count = policy.kind == NAT_KIND_FIREWALL ? 0 : policy.pool;
    assert_true(count <= 64);
    for (uint32_t i = 0; i < count; i++)
        external[i] = addr_v4(0x01020304 + i, 0);
    struct lab lab = {.slab = nat_slab_open()};
    lab.nat = nat_init(malloc(nat_size(count)), lab.slab, &policy, seed, external, count);
    return lab;
}

static inline struct lab lab_open(const char *knobs)
{
    return lab_open_seeded(knobs, 1);
}

static inline void lab_close(struct lab *lab)
{
    nat_close(lab->nat);
    free(lab->nat);
    nat_slab_close(lab->slab); /* checks that every record came back */
}

static inline void lab_set(struct lab *lab, mist_time now, const char *knobs)
{
    struct nat_policy policy = lab_policy(knobs);
    nat_set(lab->nat, now, &policy);
}

static inline struct nat_datagram lab_datagram(struct addr from, struct addr to)
{
    return (struct nat_datagram){.from = from, .to = to, .protocol = NAT_UDP, .ttl = 64};
}

/* What the destination sees as the source ("1.2.3.4:5"), "source > receiver"
 * of a hairpinned datagram, or the word of the drop. */
static inline const char *lab_out_addr(struct lab *lab, mist_time now, struct addr from,
                                       struct addr to)
{
    char receiver[ADDR_TEXT];
    lab->last = lab_datagram(from, to);
    lab->verdict = nat_outbound(lab->nat, now, &lab->last);
    if (nat_is_drop(lab->verdict))
        return nat_verdict_word(lab->verdict);
    addr_format(&lab->last.from, lab->text);
    if (lab->verdict == NAT_HAIRPIN) {
        strcat(lab->text, " > ");
        strcat(lab->text, addr_format(&lab->last.to, receiver));
    }
    return lab->text;
}

static inline const char *lab_out(struct lab *lab, mist_time now, const char *from, const char *to)
{
    return lab_out_addr(lab, now, lab_addr(from), lab_addr(to));
}

/* The inside endpoint that gets it, or the word of the drop. */
static inline const char *lab_in_addr(struct lab *lab, mist_time now, struct addr from,
                                      struct addr to)
{
    lab->last = lab_datagram(from, to);
    lab->verdict = nat_inbound(lab->nat, now, &lab->last);
    if (nat_is_drop(lab->verdict))
        return nat_verdict_word(lab->verdict);
    return addr_format(&lab->last.to, lab->text);
}

static inline const char *lab_in(struct lab *lab, mist_time now, const char *from, const char *to)
{
    return lab_in_addr(lab, now, lab_addr(from), lab_addr(to));
}

static inline uint64_t lab_count(struct lab *lab, mist_time now, const char *name)
{
    uint64_t value = 0;
    assert_int_equal(nat_counter(lab->nat, now, name, &value), 0);
    return value;
}

#endif
