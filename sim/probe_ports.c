/* probe_ports.c: how a box chooses external ports, from many flows at once.
 *
 * One host opens as many flows as the effort allows, then others a few each.  A
 * rule shows in the order of the ports, and blocks in where the hosts' ports lie;
 * where flows are refused, the others tell whose limit it was. */
#include <stdlib.h>
#include <string.h>

#include "sim/probe_parts.h"
#include "stack/check.h"

#define LATER      16   /* flows of each of the others */
#define FIRST_PORT 1024 /* of the usual range of external ports */
#define FEW        16   /* ports that show a rule */
#define NEAR       64   /* ports: others may move a counter on so far; no gap in a block is wider */

/* In a block n ports lie within 8 n; 5,000 random ones of the usual range lie
 * within 13 n, and fewer farther apart. */
#define CLOSE 8

struct flows {
    uint32_t asked, granted;
    int32_t *sockets;
    uint32_t *ids;
    uint16_t *outside; /* of those that were granted, in their order */
    uint32_t preserved;
};

static void ask_all(struct probe *p, uint32_t host, struct flows *f)
{
    const struct probe_message question = {.now = true};
    for (uint32_t i = 0; i < f->asked; i++) {
        f->sockets[i] = probe_socket(p, host);
        f->ids[i] = probe_ask(p, f->sockets[i], PROBE_MAIN, &question);
    }
}

static struct flows open_flows(struct probe *p, uint32_t host, uint32_t count)
{
    struct flows f = {.asked = count};
    f.sockets = calloc(count, sizeof *f.sockets);
    f.ids = calloc(count, sizeof *f.ids);
    f.outside = calloc(count, sizeof *f.outside);
    CHECK(f.sockets && f.ids && f.outside);
    ask_all(p, host, &f);
    p->net->wait(p->net->world, p->effort->patience);
    for (uint32_t i = 0; i < count; i++) {
        struct addr seen;
        if (!probe_hear(p, f.sockets[i], f.ids[i], PROBE_MAIN, false, 0, &seen))
            continue;
        f.outside[f.granted++] = seen.port;
        f.preserved += seen.port == p->net->local(p->net->world, f.sockets[i]).port;
    }
    return f;
}

static void close_flows(const struct probe *p, struct flows *f)
{
    for (uint32_t i = 0; i < f->asked; i++)
        probe_close(p, f->sockets[i]);
    free(f->sockets);
    free(f->ids);
    free(f->outside);
}

struct range {
    uint16_t low, high;
};

static struct range range_of(const uint16_t *ports, uint32_t count)
{
    struct range r = {UINT16_MAX, 0};
    for (uint32_t i = 0; i < count; i++) {
        r.low = ports[i] < r.low ? ports[i] : r.low;
        r.high = ports[i] > r.high ? ports[i] : r.high;
    }
    return r;
}

/* The step that four of five among the first ports make, since a range may end
 * there and others may come between; 0: there is none. */
static int32_t common_step(const struct flows *f)
{
    uint32_t count = f->granted < FEW ? f->granted : FEW;
    for (uint32_t i = 1; i < count; i++) {
        int32_t step = f->outside[i] - f->outside[i - 1];
        uint32_t same = 0;
        for (uint32_t j = 1; j < count; j++)
            same += f->outside[j] - f->outside[j - 1] == step;
        if (5 * same >= 4 * (count - 1))
            return step;
    }
    return 0;
}

static int by_number(const void *a, const void *b)
{
    return *(const uint16_t *)a - *(const uint16_t *)b;
}

static bool is_within(uint16_t port, const struct range *r)
{
    return port >= r->low && port <= r->high;
}

/* The block that the first port lies in, as far as it is filled, and how many
 * flows lie there; 0: they lie too far apart for one, or others came before they
 * were all made. */
static uint32_t find_block(const struct flows *f, struct range *block)
{
    uint16_t *sorted = calloc(f->granted + 1, sizeof *sorted);
    uint32_t first = 0, last;
    CHECK(sorted);
    memcpy(sorted, f->outside, f->granted * sizeof *sorted);
    qsort(sorted, f->granted, sizeof *sorted, by_number);
    while (first < f->granted && sorted[first] != f->outside[0])
        first++;
    last = first;
    while (first > 0 && sorted[first] - sorted[first - 1] <= NEAR)
        first--;
    while (last + 1 < f->granted && sorted[last + 1] - sorted[last] <= NEAR)
        last++;
    *block = (struct range){sorted[first], sorted[last]};
    free(sorted);
    uint32_t count = last - first + 1, span = block->high - block->low + 1u;
    for (uint32_t i = 0; i < count; i++)
        if (!is_within(f->outside[i], block))
            return 0;
    return count >= FEW && span <= CLOSE * count ? count : 0;
}

/* Are all ports of the other host elsewhere? */
static bool lies_apart(const struct flows *other, const struct range *block)
{
    for (uint32_t i = 0; i < other->granted; i++)
        if (is_within(other->outside[i], block))
            return false;
    return other->granted > 0;
}

/* Does a host go on where the one before it ended? */
static bool goes_on(const struct flows *before, const struct flows *f)
{
    if (before->granted == 0)
        return false;
    int32_t gap = f->outside[0] - before->outside[before->granted - 1];
    return gap >= -NEAR && gap <= NEAR;
}

/* Did the steps come to an end that is not the range's? */
static bool is_ended(const struct flows *f, int32_t step)
{
    struct range block = {0, 0};
    uint32_t count = find_block(f, &block);
    bool wrapped = step > 0 ? block.high + step > UINT16_MAX : block.low + step < FIRST_PORT;
    return f->granted < f->asked || (count < f->granted && !wrapped);
}

/* flows: of the one host, then of the others.  One other host that lies apart
 * is enough: on another address of a pool the same ports may be a block too.  A
 * step inside a block and a counter per host look alike until the block ends. */
static bool is_blocks(const struct flows *flows, uint32_t others, int32_t step,
                      const struct range *block)
{
    for (uint32_t i = 1; i <= others; i++)
        if (lies_apart(&flows[i], block) &&
            (step == 0 || (is_ended(flows, step) && !goes_on(&flows[i - 1], &flows[i]))))
            return true;
    return false;
}

static enum probe_ports find_rule(const struct flows *flows, uint32_t others,
                                  struct probe_report *report)
{
    struct range block = {0, 0};
    if (flows->granted < 2)
        return PROBE_PORTS_UNKNOWN;
    if (2 * flows->preserved >= flows->granted)
        return PROBE_PORTS_PRESERVE;
    int32_t step = common_step(flows);
    if (find_block(flows, &block) > 0 && is_blocks(flows, others, step, &block)) {
        report->block = block.high - block.low + 1u;
        return PROBE_PORTS_BLOCK;
    }
    report->delta = step;
    return step != 0 ? PROBE_PORTS_SEQUENTIAL : PROBE_PORTS_RANDOM;
}

void probe_ports(struct probe *p, struct probe_report *report)
{
    struct flows flows[1 + PROBE_OTHERS];
    bool enough = p->net->hosts >= PROBE_HOSTS_ENOUGH;
    uint32_t others = enough ? PROBE_OTHERS : 1;
    flows[0] = open_flows(p, enough ? PROBE_FLOWS_HOST : 0, p->effort->flows);
    report->flows = flows[0].granted;
    report->flows_refused = flows[0].granted < flows[0].asked;
    report->flows_of_box = report->flows_refused;
    for (uint32_t i = 1; i <= others; i++) {
        flows[i] = open_flows(p, p->net->hosts - 1 - others + i, LATER);
        report->flows_of_box = report->flows_of_box && flows[i].granted == 0;
    }
    report->ports = find_rule(flows, others, report);
    if (flows[0].granted > 0) {
        struct range r = range_of(flows[0].outside, flows[0].granted);
        report->low = r.low;
        report->high = r.high;
    }
    for (uint32_t i = 0; i <= others; i++)
        close_flows(p, &flows[i]);
}
