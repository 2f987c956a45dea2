/* bench_queue.c: the bare event loop, by the hold model: as many events pending
 * as given, the earliest taken and put back after a delay like a network's. */
#include "sim/bench.h"
#include "sim/exit.h"
#include "sim/native/queue.h"
#include "sim/progress.h"

#define HOLDS       2000000 /* pops and pushes per sample, at least as many as pending */
#define LEAST_DELAY MS(10)
#define SPREAD      MS(190)

/* Marsaglia's xorshift64: a delay must cost nothing beside the loop. */
static mist_time next_delay(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    *state = x;
    return LEAST_DELAY + (mist_time)((x >> 36) * SPREAD >> 28);
}

static void hold(struct queue *q, uint64_t *state, uint64_t holds)
{
    struct event event;
    while (holds-- > 0 && queue_pop(q, MIST_NEVER, &event)) {
        event.at += next_delay(state);
        queue_push(q, &event);
    }
}

double bench_bare_loop(uint64_t pending)
{
    uint64_t state = 1, holds = pending > HOLDS ? pending : HOLDS;
    double samples[BENCH_SAMPLES];
    struct queue *q = queue_open();
    for (uint64_t i = 0; i < pending; i++)
        queue_push(q, &(struct event){.at = next_delay(&state), .order = i});
    hold(q, &state, holds); /* into the steady state */
    for (int i = 0; i < BENCH_SAMPLES; i++) {
        double begin = progress_clock();
        hold(q, &state, holds);
        samples[i] = (double)holds / (progress_clock() - begin);
    }
    queue_close(q);
    return bench_median(samples);
}

int bench_queue(struct bench *b)
{
    for (uint64_t pending = 1000; pending <= 1000000; pending *= 10)
        bench_add(b, "queue", "bare loop", pending, bench_bare_loop(pending), "events/s");
    return EXIT_FINE;
}
