/* static.h: static mappings, as all who ask for them share them: nat_map, NAT-PMP,
 * PCP and UPnP-IGD. */
#ifndef NAT_STATIC_H
#define NAT_STATIC_H

#include "nat-models/box.h"

enum nat_static_answer {
    NAT_STATIC_DONE,
    NAT_STATIC_TAKEN,  /* the endpoint asked for is another's, or not the box's */
    NAT_STATIC_FULL,   /* no port left */
    NAT_STATIC_UNABLE, /* the box does not translate, or not this family */
};

/* As nat_map, within a call on the box. */
enum nat_static_answer nat_static_make(struct nat *nat, const struct nat_endpoint *inside,
                                       struct addr *external, mist_time lifetime);

/* What a host would like: an external endpoint; family ADDR_NONE: any address,
 * port 0: any port. */
struct nat_static_wish {
    struct addr external;
    bool exactly; /* or nothing */
};

/* Makes or renews a mapping as the wish says, as near as can be, for at most
 * policy.map_lifetime; tells what was given. */
enum nat_static_answer nat_static_give(struct nat *nat, const struct nat_endpoint *inside,
                                       const struct nat_static_wish *wish, struct addr *external,
                                       mist_time *lifetime);

/* Ends all static mappings of the inside address and protocol. */
void nat_static_delete_all(struct nat *nat, const struct nat_endpoint *inside);

#endif
