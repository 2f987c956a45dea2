/* bench_nat.c: the NAT translator, by the number of live mappings of one box.
 *
 * A box eim/apdf (the home router's; one mapping and one filter entry per flow)
 * carries datagrams of flows in random order, so that in a large table each
 * datagram meets a mapping that the cache has long forgotten.  Beside it in the
 * same run: the same two rules on a plain table, searched from its beginning.
 *
 * How much of it is waiting for memory: the same box carries datagrams of a few of its
 * flows, all in the cache; what flows in random order take longer is waiting.  A chase,
 * where each load says where the next one goes, through as much memory and with as
 * much work between two loads, shows what a load costs at that minute: other programs
 * take their part of the cache, the more of it the slower one comes back to a line. */
#include <stdlib.h>
#include <time.h>

#include "nat-models/nat.h"
#include "sim/bench.h"
#include "sim/draw.h"
#include "sim/exit.h"
#include "sim/native/memory.h"
#include "stack/check.h"

#define SAMPLE_S          0.2    /* of a core */
#define BURST             32     /* datagrams */
#define BURSTS            32     /* between two looks at the clock */
#define NAIVE_BATCH       16     /* one takes up to a millisecond */
#define NAIVE_MOST        100000 /* beyond, a search takes longer than it tells */
#define CHASED            96     /* bytes per mapping: a record, and its share of the index */
#define LOADS             65536  /* between two looks at the clock */
#define FEW               1000   /* flows that the cache holds */
#define PORTS_OF_HOST     64     /* flows of one inside host */
#define FLOWS_PER_ADDRESS 32768u /* half of an external address's ports */
#define INSIDE            0x0a000000u
#define OUTSIDE           0x01000000u
#define REMOTE            0x20000000u

/* A flow, as its packets need it; small, so that reading them costs little. */
struct flow {
    uint32_t inside_ip, outside_ip, remote_ip;
    uint16_t inside_port, outside_port;
};

struct table {
    struct nat_slab *slab;
    struct nat *nat;
    mist_time now;
    uint32_t count;
    uint32_t next; /* flow */
    struct flow *flows;
};

static struct nat_datagram outward(const struct flow *f)
{
    return (struct nat_datagram){.from = addr_v4(f->inside_ip, f->inside_port),
                                 .to = addr_v4(f->remote_ip, 443),
                                 .protocol = NAT_UDP,
                                 .ttl = 64};
}

static struct nat_datagram inward(const struct flow *f)
{
    return (struct nat_datagram){.from = addr_v4(f->remote_ip, 443),
                                 .to = addr_v4(f->outside_ip, f->outside_port),
                                 .protocol = NAT_UDP,
                                 .ttl = 64};
}

/* Time that this process had a core, so that the figures are a core's even where
 * others use it too. */
static double core_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- the box ---- */

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    CHECK(memory != NULL);
    return memory;
}

static struct nat *open_box(struct nat_slab *slab, uint32_t flows)
{
    struct nat_policy policy = nat_policy_default();
    policy.ports = NAT_PORTS_SEQUENTIAL;
    policy.pooling = NAT_POOL_SOFT_PAIRED;
    policy.pool = flows / FLOWS_PER_ADDRESS + 1;
    struct addr *external = allocate(policy.pool, sizeof *external);
    for (uint32_t i = 0; i < policy.pool; i++)
        external[i] = addr_v4(OUTSIDE + i, 0);
    struct nat *nat =
        nat_init(allocate(1, nat_size(policy.pool)), slab, &policy, 1, external, policy.pool);
    free(external);
    return nat;
}

static void make_flow(struct table *t, uint32_t i)
{
    struct flow *f = &t->flows[i];
    f->inside_ip = INSIDE + i / PORTS_OF_HOST;
    f->inside_port = (uint16_t)(1024 + i % PORTS_OF_HOST);
    f->remote_ip = REMOTE + i;
    struct nat_datagram d = outward(f);
    enum nat_verdict verdict = nat_outbound(t->nat, t->now, &d);
    CHECK(verdict == NAT_PASS);
    f->outside_ip = addr_ip4(&d.from);
    f->outside_port = d.from.port;
}

/* Fisher and Yates; the flows then stand in the order of their packets. */
static void shuffle(struct table *t)
{
    for (uint32_t i = t->count - 1; i > 0; i--) {
        uint32_t k = (uint32_t)(draw_below(1, i, DRAW_LINK, 0, (uint64_t)i + 1));
        struct flow f = t->flows[i];
        t->flows[i] = t->flows[k];
        t->flows[k] = f;
    }
}

static struct table open_table(uint32_t flows)
{
    struct table t = {.slab = nat_slab_open(), .count = flows};
    t.flows = allocate(flows, sizeof *t.flows);
    t.nat = open_box(t.slab, flows);
    for (uint32_t i = 0; i < flows; i++)
        make_flow(&t, i);
    shuffle(&t);
    return t;
}

static void close_table(struct table *t)
{
    nat_close(t->nat);
    nat_slab_close(t->slab);
    free(t->nat);
    free(t->flows);
}

/* The next burst of datagrams from that side. */
static void make_burst(struct table *t, enum nat_side side, struct nat_datagram burst[BURST])
{
    for (int i = 0; i < BURST; i++) {
        t->next = t->next + 1 < t->count ? t->next + 1 : 0;
        const struct flow *f = &t->flows[t->next];
        burst[i] = side == NAT_INSIDE ? outward(f) : inward(f);
    }
}

static void translate(struct table *t, enum nat_side side, struct nat_datagram *d)
{
    t->now += US(1);
    enum nat_verdict verdict =
        side == NAT_INSIDE ? nat_outbound(t->nat, t->now, d) : nat_inbound(t->nat, t->now, d);
    CHECK(verdict == NAT_PASS);
}

/* Each datagram waits for memory by itself. */
static void one_by_one(struct table *t, enum nat_side side)
{
    struct nat_datagram burst[BURST];
    make_burst(t, side, burst);
    for (int i = 0; i < BURST; i++)
        translate(t, side, &burst[i]);
}

/* A burst waits for memory together. */
static void in_bursts(struct table *t, enum nat_side side)
{
    struct nat_datagram burst[BURST];
    make_burst(t, side, burst);
    nat_prefetch(t->nat, side, burst, BURST);
    for (int i = 0; i < BURST; i++)
        translate(t, side, &burst[i]);
}

/* Translations per second. */
static double box_sample(struct table *t, void (*carry)(struct table *t, enum nat_side side),
                         enum nat_side side)
{
    double begin = core_seconds(), elapsed;
    uint64_t calls = 0;
    do {
        for (int k = 0; k < BURSTS; k++)
            carry(t, side);
        calls += BURSTS * BURST;
    } while ((elapsed = core_seconds() - begin) < SAMPLE_S);
    return (double)calls / elapsed;
}

/* The same with the first of the flows alone. */
static double few_sample(struct table *t, enum nat_side side)
{
    uint32_t count = t->count;
    t->count = FEW;
    double rate = box_sample(t, one_by_one, side);
    t->count = count;
    return rate;
}

/* ---- the plain table ---- */

struct row {
    struct addr inside, outside, remote;
    mist_time refreshed;
};

static struct row *open_rows(const struct table *t)
{
    struct row *rows = allocate(t->count, sizeof *rows);
    for (uint32_t i = 0; i < t->count; i++) {
        const struct flow *f = &t->flows[i];
        rows[i] = (struct row){.inside = addr_v4(f->inside_ip, f->inside_port),
                               .outside = addr_v4(f->outside_ip, f->outside_port),
                               .remote = addr_v4(f->remote_ip, 443)};
    }
    return rows;
}

static void naive_outward(struct row *rows, uint32_t count, mist_time now, struct nat_datagram *d)
{
    uint32_t i = 0;
    while (i < count && !addr_equal(&rows[i].inside, &d->from))
        i++;
    CHECK(i < count);
    rows[i].refreshed = now;
    d->from = rows[i].outside;
    d->ttl--;
}

static void naive_inward(struct row *rows, uint32_t count, struct nat_datagram *d)
{
    uint32_t i = 0;
    while (i < count && !addr_equal(&rows[i].outside, &d->to))
        i++;
    CHECK(i < count && addr_equal(&rows[i].remote, &d->from));
    d->to = rows[i].inside;
    d->ttl--;
}

/* Half of the datagrams in each direction. */
static double naive_rate(struct table *t)
{
    double samples[BENCH_SAMPLES];
    struct row *rows = open_rows(t);
    for (int i = 0; i < BENCH_SAMPLES; i++) {
        double begin = core_seconds(), elapsed;
        uint64_t calls = 0, which = (uint64_t)i;
        do {
            for (int k = 0; k < NAIVE_BATCH; k++, which += 7919) {
                const struct flow *f = &t->flows[which % t->count];
                struct nat_datagram d = k % 2 ? inward(f) : outward(f);
                if (k % 2)
                    naive_inward(rows, t->count, &d);
                else
                    naive_outward(rows, t->count, t->now, &d);
            }
            calls += NAIVE_BATCH;
        } while ((elapsed = core_seconds() - begin) < SAMPLE_S);
        samples[i] = (double)calls / elapsed;
    }
    free(rows);
    return bench_median(samples);
}

/* ---- the chase ---- */

union cache_line {
    uint32_t next;
    char bytes[64];
};

/* One cycle through all lines, in no order (Sattolo). */
static union cache_line *open_chase(uint32_t count)
{
    union cache_line *lines = memory_map((size_t)count * sizeof *lines);
    for (uint32_t i = 0; i < count; i++)
        lines[i].next = i;
    for (uint32_t i = count - 1; i > 0; i--) {
        uint32_t k = (uint32_t)draw_below(1, i, DRAW_LINK, 0, i), next = lines[i].next;
        lines[i].next = lines[k].next;
        lines[k].next = next;
    }
    return lines;
}

/* As long as half of a translation in the cache: 24 multiplications of three cycles,
 * each of which needs the one before. */
static uint64_t work(uint64_t x)
{
    for (int i = 0; i < 24; i++)
        x = x * 0x9fb21c651e98df25u + 1;
    return x;
}

/* ns of one load and the work after it. */
static double chase_ns(const union cache_line *lines)
{
    static volatile uint64_t nothing; /* 0, but the next load waits for the work */
    uint64_t loads = 0, none = nothing;
    double begin = core_seconds(), elapsed;
    uint32_t at = 0;
    do {
        for (int k = 0; k < LOADS; k++) {
            uint32_t next = lines[at].next;
            at = next + (uint32_t)(work(next) & none);
        }
        loads += LOADS;
    } while ((elapsed = core_seconds() - begin) < SAMPLE_S);
    nothing = at & none;
    return elapsed / (double)loads * 1e9;
}

/* ---- the part ---- */

/* Figures of a table, sample by sample side by side: what else the machine does
 * changes within seconds. */
struct samples {
    double out[BENCH_SAMPLES], in[BENCH_SAMPLES];
    double burst_out[BENCH_SAMPLES], burst_in[BENCH_SAMPLES];
    double wait_ns[BENCH_SAMPLES], load_ns[BENCH_SAMPLES], loads[BENCH_SAMPLES];
};

static void sample_rates(struct samples *s, struct table *t)
{
    for (int i = 0; i < BENCH_SAMPLES; i++) {
        s->out[i] = box_sample(t, one_by_one, NAT_INSIDE);
        s->in[i] = box_sample(t, one_by_one, NAT_OUTSIDE);
        s->burst_out[i] = box_sample(t, in_bursts, NAT_INSIDE);
        s->burst_in[i] = box_sample(t, in_bursts, NAT_OUTSIDE);
    }
}

/* ns of one of both directions. */
static double mean_ns(double out, double in)
{
    return 1e9 * (1 / out + 1 / in) / 2;
}

static void sample_waits(struct samples *s, struct table *t)
{
    uint32_t count = t->count / sizeof(union cache_line) * CHASED;
    union cache_line *lines = open_chase(count), *alone = open_chase(1);
    for (int i = 0; i < BENCH_SAMPLES; i++) {
        double all_ns =
            mean_ns(box_sample(t, one_by_one, NAT_INSIDE), box_sample(t, one_by_one, NAT_OUTSIDE));
        double few_ns = mean_ns(few_sample(t, NAT_INSIDE), few_sample(t, NAT_OUTSIDE));
        s->wait_ns[i] = all_ns - few_ns;
        s->load_ns[i] = chase_ns(lines) - chase_ns(alone);
        s->loads[i] = s->wait_ns[i] / s->load_ns[i];
    }
    memory_unmap(lines, (size_t)count * sizeof *lines);
    memory_unmap(alone, sizeof *alone);
}

static void add_waits(struct bench *b, struct table *t)
{
    struct samples s;
    sample_waits(&s, t);
    bench_add(b, "nat", "one by one, waiting for memory", t->count, bench_median(s.wait_ns), "ns");
    bench_add(b, "nat", "a load of a chase at that pace", t->count, bench_median(s.load_ns), "ns");
    bench_add(b, "nat", "the waiting, in such loads", t->count, bench_median(s.loads), "x");
}

static void measure(struct bench *b, uint32_t flows)
{
    struct samples s;
    double begin = core_seconds();
    struct table t = open_table(flows);
    double made_s = core_seconds() - begin;
    sample_rates(&s, &t);
    double out = bench_median(s.out), in = bench_median(s.in);
    bench_add(b, "nat", "outward", flows, out, "translations/s");
    bench_add(b, "nat", "inward", flows, in, "translations/s");
    bench_add(b, "nat", "outward, in bursts of 32", flows, bench_median(s.burst_out),
              "translations/s");
    bench_add(b, "nat", "inward, in bursts of 32", flows, bench_median(s.burst_in),
              "translations/s");
    if (flows > FEW)
        add_waits(b, &t);
    bench_add(b, "nat", "first datagram of a flow", flows, made_s / flows * 1e9, "ns");
    bench_add(b, "nat", "memory per mapping", flows,
              (double)(nat_slab_bytes(t.slab) + nat_bytes(t.nat)) / flows, "B");
    if (flows <= NAIVE_MOST) {
        double naive = naive_rate(&t);
        bench_add(b, "nat", "plain table, half each way", flows, naive, "translations/s");
        bench_add(b, "nat", "one by one over the plain table", flows,
                  1e9 / mean_ns(out, in) / naive, "x");
    }
    close_table(&t);
}

int bench_nat(struct bench *b)
{
    measure(b, FEW);
    measure(b, 100000);
    measure(b, 10000000);
    return EXIT_FINE;
}
