/* survey_burst.c: what bursts of fresh sockets say about a NAT's port rule. */
#include "stack/survey_parts.h"

#define BLOCK_SPAN 4096 /* carriers' blocks are not larger (RFC 7422 gives 1,024) */
#define PRESERVED  2  /* bursts that prove it: no liar knows the inside ports that it would name */
#define STEP_MOST  64 /* others' ports between two of a burst, times the step */

/* Ports that grow by one step, others' in between left out: n - 1 differences of
 * one sign, each a multiple of the least. */
static int sequential_step(const uint16_t *ports, uint32_t n)
{
    int least = 0;
    for (uint32_t i = 1; i < n; i++) {
        int d = (int)ports[i] - (int)ports[i - 1];
        if (d == 0 || d > STEP_MOST || d < -STEP_MOST || (least != 0 && (d > 0) != (least > 0)))
            return 0;
        if (least == 0 || (d > 0 ? d < least : d > least))
            least = d;
    }
    for (uint32_t i = 1; i < n; i++) {
        if (((int)ports[i] - (int)ports[i - 1]) % least != 0)
            return 0;
    }
    return least;
}

bool survey_read_burst(struct survey *s)
{
    struct survey_burst *b = &s->bursts[s->burst_count];
    uint16_t ports[SURVEY_SHOTS];
    uint32_t n = 0, kept = 0, elsewhere = 0;
    b->found = (struct nature){.low = UINT16_MAX};
    for (uint32_t i = 0; i < s->shot_count; i++) {
        const struct addr *seen = &s->shots[i].seen;
        const struct addr *local = sockets_local(s->sockets, s->shots[i].socket, s->family);
        if (seen->family == ADDR_NONE || local == NULL)
            continue;
        ports[n++] = seen->port;
        kept += seen->port == local->port;
        elsewhere += !addr_same_ip(seen, &s->shots[0].seen);
        b->found.low = seen->port < b->found.low ? seen->port : b->found.low;
        b->found.high = seen->port > b->found.high ? seen->port : b->found.high;
    }
    if (n + 1 < SURVEY_SHOTS)
        return false;
    b->first = ports[0];
    b->last = ports[n - 1];
    b->found.step = (int8_t)sequential_step(ports, n);
    b->found.pooling = elsewhere > 0 ? NATURE_ARBITRARY : NATURE_PAIRED;
    b->found.ports = kept + 1 >= n                                ? NATURE_PRESERVE
                     : b->found.step != 0                         ? NATURE_SEQUENTIAL
                     : b->found.high - b->found.low <= BLOCK_SPAN ? NATURE_BLOCK
                                                                  : NATURE_RANDOM;
    return true;
}

struct vote {
    uint8_t verdict;      /* that most bursts share; 0: no burst */
    uint32_t votes, lead; /* how many do; how many more than share any other */
};

static uint32_t votes_for(const struct survey *s, enum nature_knob knob, uint8_t verdict)
{
    uint32_t votes = 0;
    for (uint32_t i = 0; i < s->burst_count; i++)
        votes += nature_of(&s->bursts[i].found, knob) == verdict;
    return votes;
}

static struct vote most_of(const struct survey *s, enum nature_knob knob)
{
    struct vote most = {0};
    for (uint8_t v = 1; v < NATURE_WORDS; v++) {
        uint32_t votes = votes_for(s, knob, v);
        if (votes > most.votes)
            most = (struct vote){v, votes, votes - most.votes};
        else if (most.votes - votes < most.lead)
            most.lead = most.votes - votes;
    }
    return most;
}

bool survey_ports_known(const struct survey *s)
{
    return votes_for(s, NATURE_KNOB_PORTS, NATURE_PRESERVE) >= PRESERVED ||
           most_of(s, NATURE_KNOB_PORTS).lead >= SURVEY_LEAD;
}

static bool near_each_other(const struct survey_burst *a, const struct survey_burst *b)
{
    int d = (int)a->found.low - (int)b->found.low;
    return d <= BLOCK_SPAN && d >= -BLOCK_SPAN;
}

/* The block: from the burst that most others lie close to, with those. */
static void judge_block(struct survey *s)
{
    uint32_t best = 0;
    for (uint32_t i = 0; i < s->burst_count; i++) {
        uint32_t votes = 0;
        uint16_t low = UINT16_MAX, high = 0;
        for (uint32_t j = 0; j < s->burst_count; j++) {
            const struct survey_burst *b = &s->bursts[j];
            if (s->bursts[i].found.ports != NATURE_BLOCK || b->found.ports != NATURE_BLOCK ||
                !near_each_other(&s->bursts[i], b))
                continue;
            votes++;
            low = b->found.low < low ? b->found.low : low;
            high = b->found.high > high ? b->found.high : high;
        }
        if (votes > best) {
            best = votes;
            s->nature.low = low;
            s->nature.high = high;
        }
    }
}

/* The step that most bursts have, and the ports that others took between them. */
static void judge_step(struct survey *s)
{
    uint32_t best = 0;
    int64_t others = 0, time = 0;
    for (uint32_t i = 0; i < s->burst_count; i++) {
        uint32_t same = 0;
        for (uint32_t j = 0; j < s->burst_count; j++)
            same += s->bursts[j].found.step == s->bursts[i].found.step;
        if (s->bursts[i].found.step != 0 && same > best) {
            best = same;
            s->nature.step = s->bursts[i].found.step;
        }
    }
    for (uint32_t i = 1; i < s->burst_count; i++) {
        const struct survey_burst *a = &s->bursts[i - 1], *b = &s->bursts[i];
        int64_t gap = ((int64_t)b->first - a->last) / s->nature.step - 1;
        if (a->found.step != s->nature.step || b->found.step != s->nature.step || gap < 0)
            continue; /* a counter that wrapped, or a liar */
        others += gap;
        time += b->at - a->at;
    }
    int64_t rate = time > 0 ? (others * SEC(1) + time - 1) / time : 0;
    s->nature.rate_hz = rate > UINT16_MAX ? UINT16_MAX : (uint16_t)rate;
}

void survey_judge_ports(struct survey *s)
{
    struct vote ports = most_of(s, NATURE_KNOB_PORTS), pooling = most_of(s, NATURE_KNOB_POOLING);
    if (votes_for(s, NATURE_KNOB_PORTS, NATURE_PRESERVE) >= PRESERVED)
        ports.verdict = NATURE_PRESERVE;
    s->nature.ports = ports.verdict;
    s->nature.pooling = pooling.verdict;
    s->nature.step = 0;
    s->nature.rate_hz = s->nature.low = s->nature.high = 0;
    uint32_t all = s->burst_count == 0 ? 1 : s->burst_count;
    s->confidence[NATURE_KNOB_PORTS] =
        (uint8_t)(100 * votes_for(s, NATURE_KNOB_PORTS, ports.verdict) / all);
    s->confidence[NATURE_KNOB_POOLING] = (uint8_t)(100 * pooling.votes / all);
    if (s->nature.ports == NATURE_SEQUENTIAL)
        judge_step(s);
    if (s->nature.ports == NATURE_BLOCK)
        judge_block(s);
}
