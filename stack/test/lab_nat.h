/* lab_nat.h: a toy NAT for tests of the core, written from RFC 4787 sections 4
 * and 5 without a look at nat-models: a list of holes, searched from the front. */
#ifndef MIST_LAB_NAT_H
#define MIST_LAB_NAT_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/addr.h"
#include "stack/units.h"

#define LAB_HOLES 600

enum lab_mapping { LAB_EIM, LAB_ADM, LAB_APDM };
enum lab_filtering { LAB_EIF, LAB_ADF, LAB_APDF };

/* One remote endpoint that an inside socket sent to, and the port it saw. */
struct lab_hole {
    struct addr remote;
    uint16_t inside, port;
    mist_time last; /* sent; what comes in refreshes nothing (RFC 4787 REQ-6) */
};

/* In front of one host. */
struct lab_nat {
    bool present;
    enum lab_mapping mapping;
    enum lab_filtering filtering;
    bool random_ports; /* else the inside port, or the next one that is free */
    uint16_t step;     /* not 0: each new mapping that far above the one before, from 5000 on */
    uint32_t block;    /* not 0: random ports out of so many, aligned, from 20480 on */
    mist_time idle;    /* until an unused hole closes */
    uint32_t ip;       /* the external address */
    uint16_t mapped;   /* not 0: this external port is mapped, both ways and for all ... */
    uint16_t mapped_inside; /* ... to that inside one */
    uint64_t salt;
    uint32_t made, count;
    struct lab_hole holes[LAB_HOLES];
};

/* The source that `remote` sees. */
struct addr lab_nat_out(struct lab_nat *n, mist_time now, uint16_t inside_port,
                        const struct addr *remote);
/* The inside port that a datagram of `remote` to the external `port` reaches; 0: none. */
uint16_t lab_nat_in(struct lab_nat *n, mist_time now, const struct addr *remote, uint16_t port);
/* Forgets every mapping; those that follow get other ports. */
void lab_nat_reboot(struct lab_nat *n);

#endif
