/* options.h: natbox's command line. */
#ifndef NATBOX_OPTIONS_H
#define NATBOX_OPTIONS_H

#include "sim/natbox/box.h"
#include "sim/natbox/ether.h"
#include "sim/natbox/line.h"

#define OPTIONS_PORTS 64 /* inside interfaces */
#define OPTIONS_GO_ON (-1)

struct options_port {
    char interface[32];
    uint32_t count;
    struct ether_prefix own[ETHER_OWN];
};

struct options {
    struct nat_named nat;
    uint32_t inside_count;
    struct options_port inside[OPTIONS_PORTS], outside;
    struct box_outside external;
    uint32_t via_count;
    struct addr via[2]; /* one of each family at most */
    struct line_quality up, down;
    uint64_t seed;
    const char *pcap; /* NULL: none */
    bool log, json, commands;
    struct arena arena; /* of what the NAT's name stands for */
    struct errors errors;
};

/* Reads the line.  Returns OPTIONS_GO_ON, or the exit code; what is wrong was said. */
int options_read(struct options *o, int argc, char **argv);
void options_close(struct options *o);

#endif
