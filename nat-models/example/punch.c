/* punch.c: do two hosts reach one another through their NATs, when a third told each
 * where it saw the other?  usage: punch eim apdf apdm apdf   (mapping, filtering; twice) */
#include <stdio.h>
#include <stdlib.h>

#include "nat-models/nat.h"
#include "stack/check.h"

_Noreturn void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: broken promise: %s\n", file, line, condition);
    abort();
}

static struct nat *open_box(struct nat_slab *slab, char **words, uint32_t ip)
{
    char error[200];
    struct addr external = addr_v4(ip, 0);
    struct nat_policy policy = nat_policy_default();
    if (nat_policy_set(&policy, "mapping", words[0], error, sizeof error) < 0 ||
        nat_policy_set(&policy, "filtering", words[1], error, sizeof error) < 0 ||
        nat_policy_set(&policy, "ports", "random", error, sizeof error) < 0 ||
        nat_policy_check(&policy, error, sizeof error) < 0) {
        fprintf(stderr, "punch: %s\n", error);
        exit(2);
    }
    return nat_init(malloc(nat_size(1)), slab, &policy, ip, &external, 1);
}

/* From the host behind `from` to there; when the box let it out, where it was seen. */
static struct nat_datagram leave(struct nat *from, mist_time now, struct addr to)
{
    struct nat_datagram d = {
        .from = addr_v4(0xc0a80002, 4000), .to = to, .protocol = NAT_UDP, .ttl = 64};
    return nat_outbound(from, now, &d) == NAT_PASS ? d : (struct nat_datagram){.ttl = 0};
}

int main(int argc, char **argv)
{
    struct nat_slab *slab = nat_slab_open(); /* the records of all boxes */
    struct addr server = addr_v4(0x09090909, 3478), at[2];
    if (argc != 5 || slab == NULL)
        return 2;
    struct nat *box[] = {open_box(slab, argv + 1, 0x01010101),
                         open_box(slab, argv + 3, 0x02020202)};
    for (int i = 0; i < 2; i++)
        at[i] = leave(box[i], 0, server).from; /* what the server tells the other */
    bool reached[2] = {false, false};
    for (mist_time now = MS(100); now <= SEC(1); now += MS(100))
        for (int i = 0; i < 2; i++) {
            struct nat_datagram d = leave(box[i], now, at[!i]);
            if (nat_inbound(box[!i], now, &d) == NAT_PASS) {
                reached[!i] = true;
                at[i] = d.from; /* seen better than the server did */
            }
        }
    puts(reached[0] && reached[1] ? "direct" : "no way");
    return 0;
}
