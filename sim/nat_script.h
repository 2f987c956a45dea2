/* nat_script.h: a NAT script as it is played: boxes, and what is sent through
 * them, step by step.
 *
 * Format: nat-models/README.md.  Everything that can be wrong with a script is
 * found here, with its place; what is left for nat_play.h can only fail as an
 * expectation.  Plain data in one arena; nothing changes after reading. */
#ifndef SIM_NAT_SCRIPT_H
#define SIM_NAT_SCRIPT_H

#include "nat-models/nat.h"
#include "sim/catalogue.h"
#include "sim/nat_ask.h"
#include "sim/nat_flight.h"
#include "sim/nat_form.h"
#include "sim/schema.h"

#define NAT_SCRIPT_STEPS    10000   /* of one script */
#define NAT_SCRIPT_REPEAT   1000000 /* packets of one step */
#define NAT_SCRIPT_PACKETS  5000000 /* of one script: some seconds */
#define NAT_SCRIPT_EXTERNAL 1000    /* addresses written in a script */
#define NAT_SCRIPT_NONE     UINT32_MAX

extern const struct schema_map SCHEMA_NAT_SCRIPT; /* nat-models/scripts/X.yaml */

/* In the order of the keys that make a step what it is. */
enum nat_step_kind {
    NAT_STEP_OUT,
    NAT_STEP_IN,
    NAT_STEP_STATE,
    NAT_STEP_REBOOT,
    NAT_STEP_FLUSH,
    NAT_STEP_READDRESS,
    NAT_STEP_MAP,
    NAT_STEP_SET,
    NAT_STEP_KINDS
};

enum nat_vary {
    NAT_VARY_SOURCE_PORT,
    NAT_VARY_SOURCE_ADDRESS,
    NAT_VARY_DESTINATION_PORT,
    NAT_VARY_DESTINATION_ADDRESS,
    NAT_VARY_NOTHING
};

/* An ICMP error as `3/13` writes it. */
struct nat_script_icmp {
    bool asked; /* it stands in the script */
    bool none;  /* `none` */
    uint8_t type, code;
};

struct nat_count {
    const char *name; /* as nat_counter knows it */
    uint64_t value;
};

struct nat_step {
    enum nat_step_kind kind;
    mist_time at;

    /* out, in */
    struct nat_form from, to;
    uint8_t protocol, ttl; /* protocol: of map too */
    uint32_t repeat;       /* packets, gap apart */
    mist_time gap;
    enum nat_vary vary;
    uint32_t size;                        /* bytes of payload */
    bool whole;                           /* DF: must not be cut */
    struct nat_pieces pieces;             /* it is sent in */
    struct addr payload;                  /* an address in it; ADDR_NONE: none */
    struct nat_script_icmp error;         /* the packet is an ICMP error */
    bool damaged;                         /* and has the checksum of another */
    struct nat_form about_from, about_to; /* about a packet between these */

    /* what is asserted; NULL: nothing */
    const struct nat_form *expect, *seen; /* keys `expect` and `from` */
    struct nat_script_icmp answer;        /* key `icmp` */
    struct addr reads;                    /* in the payload; ADDR_NONE: not asserted */
    uint32_t packets;                     /* IP packets that arrive; 0: not asserted */
    uint32_t save;                        /* the name's place, or NAT_SCRIPT_NONE */

    /* what is done to a box */
    uint32_t box;
    uint32_t count_count;
    const struct nat_count *counts;
    const struct addr *external; /* readdress: as many as the box has */
    struct nat_form inside, claim;
    bool claims;     /* map: an external endpoint was asked for */
    enum nat_ask by; /* map */
    mist_time lifetime;
    struct nat_policy policy; /* set: the knobs from now on */
};

struct nat_script_box {
    struct nat_policy policy;
    uint64_t seed;
    uint32_t externals; /* 0: a firewall */
    const struct addr *external;
};

struct nat_script {
    struct arena arena;
    const char *name; /* of the file */
    uint32_t box_count, step_count, name_count;
    struct nat_script_box boxes[CATALOGUE_CHAIN]; /* inside first */
    const struct nat_step *steps;
    const char **names; /* saved endpoints */
};

/* Reads a file.  Returns NULL after an error. */
struct nat_script *nat_script_read(const char *path, struct errors *errors);

/* Reads a text; path only names it and tells where nat-models is sought. */
struct nat_script *nat_script_parse(const char *path, const char *text, size_t length,
                                    struct errors *errors);

void nat_script_free(struct nat_script *s); /* NULL is fine */

#endif
