/* config.h: what can be set, as text: one table is the schema. */
#ifndef MIST_CONFIG_H
#define MIST_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/mist.h"
#include "stack/seal.h"

struct config {
    uint32_t links, contacts, lookups, topics, held, circuits, connections, punches; /* limits */
    uint32_t port;        /* local UDP port, 0: any */
    uint32_t families;    /* 1: v4, 2: v6, 3: both */
    uint32_t assume;      /* enum reach_assume */
    uint32_t relay_serve; /* forward for others once reachable */
    uint32_t punch;       /* enum strategy_number */
    uint32_t punch_rounds;
    uint32_t survey;         /* learn what the NAT does */
    uint32_t port_mapping;   /* have the gateway map a port */
    uint32_t punch_probes;   /* to guessed ports, per peer; 0: the strategy's own */
    uint32_t punch_mappings; /* of the own NAT, per peer; the same */
    uint32_t punch_time_s;   /* of a search; the same */
    uint32_t punch_doubtful, punch_target, punch_node; /* packets: guard.h */
    uint32_t modelled;                                 /* cryptography: 0 real, 1 modelled */
};

void config_init(struct config *c);
int config_set(struct config *c, const char *key, const char *value);
const struct seal_suite *config_suite(const struct config *c);
const struct mist_key *config_keys(uint32_t *count);

#endif
