/* fuzz_gateway.c: whatever a gateway sends, is read within its length, and a machine that
 * takes it in asks back no more than once a second. */
#include <stdlib.h>
#include <string.h>

#include "stack/check.h"
#include "stack/portmap.h"

#define TIMERS 1

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void check_failed(const char *condition, const char *file, int line)
{
    (void)condition;
    (void)file;
    (void)line;
    abort();
}

static uint32_t requests(struct out *out)
{
    struct effect e;
    uint32_t n = 0;
    while (out_take(out, &e))
        n += e.kind == EFFECT_BARE;
    return n;
}

/* Pieces of the input, each with its length before it, a tenth of a second apart. */
static void feed(struct portmap *p, struct timers *timers, struct out *out, const uint8_t *data,
                 size_t size)
{
    mist_time now = SEC(100);
    uint32_t sent = 0, pieces = 0;
    for (size_t at = 0; at < size; pieces++) {
        size_t length = data[at++];
        length = length < size - at ? length : size - at;
        uint8_t *exactly = malloc(length == 0 ? 1 : length);
        CHECK(exactly != NULL);
        memcpy(exactly, data + at, length);
        out_reset(out, p);
        portmap_input(p, now, exactly, length, out);
        sent += requests(out);
        free(exactly);
        at += length;
        now += MS(100);
        uint32_t id;
        if (timers_take(timers, now, &id)) {
            out_reset(out, p);
            portmap_timer(p, now, out);
            sent += requests(out);
        }
    }
    CHECK(sent <= 2 * (pieces / 10 + 2)); /* NAT-PMP asks two things at once */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t seed[32];
    struct portmap p = {0};
    struct rng rng = {0};
    struct timer heap[TIMERS];
    uint16_t places[TIMERS] = {0};
    struct timers timers = {.limit = TIMERS, .heap = heap, .place = places};
    struct spare spares[4] = {0};
    struct sockets sockets = {0};
    struct out *out = calloc(1, out_size());
    const struct addr inside = addr_v4(0xc0a80002, 4000), gateway = addr_v4(0xc0a80001, 0);
    CHECK(out != NULL);
    rng_init(&rng, seed);
    sockets_init(&sockets, spares, 4);
    portmap_init(&p, &rng, &timers, &sockets, 0);
    out_reset(out, &p);
    portmap_inside(&p, SEC(100), &inside, out);
    portmap_gateway(&p, SEC(100), &gateway, out);
    if (size > 0 && data[0] % 2 == 1) /* else the nonce would have to be guessed */
        memset(p.nonce, 0, sizeof p.nonce);
    feed(&p, &timers, out, data, size);
    free(out);
    return 0;
}
