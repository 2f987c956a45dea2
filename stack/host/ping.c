/* ping.c: see ping.h. */
#include "stack/host/ping.h"

#include <inttypes.h>

static double ms(mist_time t)
{
    return (double)t / 1e6;
}

void ping_count(struct ping *p, mist_time rtt)
{
    if (p->received == 0 || rtt < p->least)
        p->least = rtt;
    if (rtt > p->most)
        p->most = rtt;
    if (p->received > 0)
        p->jitter += rtt > p->last ? rtt - p->last : p->last - rtt;
    p->sum += rtt;
    p->last = rtt;
    p->received++;
}

void ping_answer(const struct ping *p, const char *name, const char *path, FILE *out)
{
    fprintf(out, "%s: seq=%" PRIu32 " path=%s time=%.3f ms\n", name, p->sent, path, ms(p->last));
    fflush(out);
}

static mist_time average(const struct ping *p)
{
    return p->received ? p->sum / p->received : 0;
}

static mist_time jitter(const struct ping *p)
{
    return p->received > 1 ? p->jitter / (p->received - 1) : 0;
}

void ping_report(const struct ping *p, const char *name, FILE *out)
{
    double lost = p->sent ? 100.0 * (p->sent - p->received) / p->sent : 0;
    fprintf(out, "--- %s ---\n%" PRIu32 " sent, %" PRIu32 " received, %.1f%% lost\n", name, p->sent,
            p->received, lost);
    if (p->received)
        fprintf(out, "round trip min/avg/max/jitter = %.3f/%.3f/%.3f/%.3f ms\n", ms(p->least),
                ms(average(p)), ms(p->most), ms(jitter(p)));
}

void ping_line(const struct ping *p, FILE *out)
{
    fprintf(out,
            "{\"event\":\"done\",\"sent\":%" PRIu32 ",\"received\":%" PRIu32
            ",\"rtt_min_ns\":%" PRId64 ",\"rtt_avg_ns\":%" PRId64 ",\"rtt_max_ns\":%" PRId64
            ",\"jitter_ns\":%" PRId64 "}\n",
            p->sent, p->received, p->least, average(p), p->most, jitter(p));
}
