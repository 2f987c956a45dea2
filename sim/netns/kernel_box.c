/* kernel_box.c: see kernel_box.h. */
#define _DEFAULT_SOURCE
#include "sim/netns/kernel_box.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sim/netns/child.h"
#include "sim/netns/space.h"

/* nft 1.0.6 wants a new line before each closing brace. */
#define CHAIN_POST                                                                                 \
    " chain post {\n  type nat hook postrouting priority 100\n  policy accept\n"                   \
    "  oifname \"wan\" meta l4proto udp "
#define CHAIN_PRE                                                                                  \
    " chain pre {\n  type nat hook prerouting priority -100\n  policy accept\n"                    \
    "  iifname \"wan\" meta l4proto udp "
#define END_CHAIN "\n }\n"
#define FORWARD                                                                                    \
    " chain forward {\n  type filter hook forward priority 0\n  policy drop\n"                     \
    "  ct state established,related accept\n  iifname \"lan\" accept\n"                            \
    "  iifname \"wan\" ct status dnat accept\n }\n"
/* Before they are tracked for good: else a stranger's packet takes the port. */
#define DROP_UNSOLICITED                                                                           \
    " chain input {\n  type filter hook input priority 0\n  policy accept\n"                       \
    "  iifname \"wan\" ct state new drop\n }\n"
#define INSIDE_OF_PORT                                                                             \
    " map inside {\n  type inet_service : ipv4_addr\n  flags dynamic,timeout\n  size 65535\n"      \
    "  timeout 300s\n }\n"
#define ASKED                                                                                      \
    " set asked {\n  type ipv4_addr . inet_service\n  flags dynamic,timeout\n  size 65535\n"       \
    "  timeout 300s\n }\n"
#define NOTE_INSIDE CHAIN_POST "update @inside { udp sport : ip saddr }\n"
#define MASQUERADE  "  oifname \"wan\" meta l4proto udp masquerade"

static const struct {
    const char *name, *rules;
} table[] = {
    {"masquerade", CHAIN_POST "masquerade" END_CHAIN FORWARD DROP_UNSOLICITED},
    {"masquerade_accept", CHAIN_POST "masquerade" END_CHAIN FORWARD},
    {"masquerade_random", CHAIN_POST "masquerade random" END_CHAIN FORWARD DROP_UNSOLICITED},
    {"full_cone", INSIDE_OF_PORT NOTE_INSIDE MASQUERADE END_CHAIN CHAIN_PRE
     "dnat to udp dport map @inside" END_CHAIN FORWARD DROP_UNSOLICITED},
    {"address_restricted", INSIDE_OF_PORT ASKED NOTE_INSIDE
     "  oifname \"wan\" meta l4proto udp update @asked { ip daddr . udp sport }\n" MASQUERADE
         END_CHAIN CHAIN_PRE
     "ip saddr . udp dport @asked dnat to udp dport map @inside" END_CHAIN FORWARD
         DROP_UNSOLICITED},
};

const char *kernel_box_rules(const char *name)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i].name, name) == 0)
            return table[i].rules;
    return NULL;
}

static int be_nft(const void *data)
{
    (void)data;
    (void)execlp("nft", "nft", "-f", "-", (char *)NULL);
    puts("no program nft");
    return 127;
}

/* The forwarding of a namespace is its own; without it a router is none. */
static int forward(int space, int home)
{
    int code = space_visit(space);
    code = code ? code : space_set("ipv4/ip_forward", "1");
    int back = space_visit(home);
    return code ? code : back;
}

int kernel_box_open(const char *name, int space, int home, char *error, int error_size)
{
    struct child nft = {.process = 0};
    char rules[4096], said[300] = "";
    int length = snprintf(rules, sizeof rules, "table ip box {\n%s}\n", kernel_box_rules(name));
    int code = forward(space, home);
    if (code == 0)
        code = child_start(&nft, space, be_nft, NULL);
    if (code == 0) {
        (void)child_say(&nft, rules, (size_t)length);
        code = child_finish(&nft, said, sizeof said);
    }
    if (code != 0)
        (void)snprintf(error, (size_t)error_size,
                       "kernel/%s: %.200s: %s; apt-get install nftables, run as root, on a kernel "
                       "with nf_tables and its NAT",
                       name, *said ? said : "no forwarding", strerror(code < 0 ? -code : 0));
    return code == 0 ? 0 : -1;
}
