/* account.h: what a node's events and facts have told so far, for its status: whom it is
 * connected to and how, which peers of the overlay it has links to, what is known of the
 * NAT before it. */
#ifndef STACK_HOST_ACCOUNT_H
#define STACK_HOST_ACCOUNT_H

#include <stdbool.h>
#include <stdio.h>

#include "stack/host/sending.h"
#include "stack/mist.h"

#define ACCOUNT_CONNECTIONS 128 /* at once; a core of normal size has 64 */
#define ACCOUNT_PEERS       512

struct account_connection {
    uint32_t id; /* 0: none */
    uint32_t path;
    bool accepted;
    mist_time since, rtt;
    uint8_t peer[MIST_ID], person[MIST_ID];
};

struct account_peer {
    uint8_t id[8]; /* first bytes; all zero: none */
    struct addr addr;
    mist_time since;
};

/* Zero-filled at first. */
struct account {
    uint32_t connection_count, peer_count; /* places ever used */
    struct account_connection connections[ACCOUNT_CONNECTIONS];
    struct account_peer peers[ACCOUNT_PEERS];
    bool decided, reachable; /* can strangers reach this node? */
    struct addr seen;        /* where a peer saw it last */
    struct addr mapped;      /* by its gateway */
    char nature[128];        /* of the NAT; empty: not known yet */
};

/* Beyond the limits nothing is written down. */
void account_event(struct account *a, mist_time now, const struct mist_event *event);
void account_fact(struct account *a, mist_time now, const struct mist_fact *fact);

/* "nat":{...},"connections":[...],"peers":[...] */
void account_print(const struct account *a, mist_time now, const struct mist_api *api, FILE *out);

/* "traffic":{...}: what the core counted, by kind. */
void account_traffic(const struct mist_api *api, const struct mist *node, FILE *out);

/* "kernel":{...}: what it did with datagrams; overruns: how many it had no room for. */
void account_kernel(const struct sending_tally *t, uint64_t overruns, FILE *out);

#endif
