/* nat_form.h: how a NAT script writes endpoints.
 *
 *     1.2.3.4:5      that endpoint            $p      what a step saved as p
 *     1.2.3.4:*      any port of the address  $p+1    its port counted up, $p-1 down
 *     drop           nothing arrives          $p:*    any port of its address
 *     !...           it passes, and is not that
 *
 * Ports are counted 65535 -> 1. */
#ifndef SIM_NAT_FORM_H
#define SIM_NAT_FORM_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/arena.h"
#include "stack/addr.h"

enum nat_form_kind { NAT_FORM_DROP, NAT_FORM_ENDPOINT, NAT_FORM_SAVED };

struct nat_form {
    enum nat_form_kind kind;
    bool negated, any_port;
    struct addr addr; /* NAT_FORM_ENDPOINT */
    const char *name; /* NAT_FORM_SAVED, without the $ */
    uint32_t saved;   /* its place among the script's names: set by who knows them */
    int32_t shift;    /* ports to count up */
    const char *text; /* as it was written */
};

/* Where a form stands decides what it may be. */
enum nat_form_place {
    NAT_FORM_SENT,     /* `A:p`, `$n`, `$n+k`, `$n-k` */
    NAT_FORM_PORTLESS, /* also `A`: ICMP has no ports */
    NAT_FORM_CLAIMED,  /* also `A:*`, `$n:*` */
    NAT_FORM_EXPECTED  /* all but `A` */
};

/* Reads length bytes of text; what the form keeps lives in the arena.  Returns
 * NULL, or what it would have taken, to stand after "expected". */
const char *nat_form_read(struct arena *arena, const char *text, size_t length,
                          enum nat_form_place place, struct nat_form *form);

/* The port so many further on, 65535 -> 1. */
uint16_t nat_form_port(uint16_t port, int64_t shift);

/* The endpoint that the form stands for; saved: of each name.  Family ADDR_NONE
 * if nothing was saved under its name, or the form is `drop`. */
struct addr nat_form_resolve(const struct nat_form *form, const struct addr *saved);

/* Is it as the form says?  resolved: from nat_form_resolve; passed and got: what
 * became of the packet. */
bool nat_form_matches(const struct nat_form *form, const struct addr *resolved, bool passed,
                      const struct addr *got);

#endif
