/* run_key.c: see run_key.h.  BLAKE2b, 128 bits: nobody gains by a collision. */
#include "sim/run_key.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "sim/run_stack.h"

#define HASH (RUN_KEY / 2)

static void add(crypto_generichash_state *h, const void *bytes, size_t length)
{
    uint64_t prefix = length;
    crypto_generichash_update(h, (const unsigned char *)&prefix, sizeof prefix);
    crypto_generichash_update(h, bytes, length);
}

static void add_text(crypto_generichash_state *h, const char *text)
{
    add(h, text ? text : "", text ? strlen(text) : 0);
}

static void add_number(crypto_generichash_state *h, uint64_t n)
{
    crypto_generichash_update(h, (const unsigned char *)&n, sizeof n);
}

static int add_file(crypto_generichash_state *h, const char *name)
{
    FILE *f = fopen(name, "rb");
    if (!f)
        return -1;
    static unsigned char bytes[1 << 16];
    size_t n;
    while ((n = fread(bytes, 1, sizeof bytes, f)) > 0)
        add(h, bytes, n);
    int failed = ferror(f);
    fclose(f);
    return failed ? -1 : 0;
}

static void finish(crypto_generichash_state *h, char key[RUN_KEY])
{
    unsigned char hash[HASH];
    crypto_generichash_final(h, hash, sizeof hash);
    sodium_bin2hex(key, RUN_KEY, hash, sizeof hash);
}

int run_key_program(char program[RUN_KEY], const char *library, const char *plugin)
{
    crypto_generichash_state h;
    crypto_generichash_init(&h, NULL, 0, HASH);
    if (add_file(&h, "/proc/self/exe") || (library && add_file(&h, library)) ||
        (plugin && add_file(&h, plugin)))
        return -1;
    finish(&h, program);
    return 0;
}

int run_key_file(char hash[RUN_KEY], const char *file)
{
    crypto_generichash_state h;
    crypto_generichash_init(&h, NULL, 0, HASH);
    if (add_file(&h, file))
        return -1;
    finish(&h, hash);
    return 0;
}

/* What the scenario drew from files of its own: round trips and regions. */
static void add_network(crypto_generichash_state *h, const struct plan_network *n)
{
    add_number(h, n->regions);
    if (n->rtt)
        add(h, n->rtt, sizeof *n->rtt * n->regions * n->regions);
}

/* Durations from files of their own; the other laws are in the scenario's text. */
static void add_churn(crypto_generichash_state *h, const struct plan_churn *churn)
{
    const struct lifetime *laws[] = {&churn->session, &churn->downtime};
    for (int i = 0; i < 2; i++)
        if (laws[i]->duration)
            add(h, laws[i]->duration, sizeof *laws[i]->duration * laws[i]->count);
}

static void add_hosts(crypto_generichash_state *h, const struct plan *plan)
{
    for (uint32_t i = 0; i < plan_places(plan); i++) {
        const struct plan_host *host = &plan->hosts[i];
        add_number(h, (uint64_t)host->population << 32 | host->region);
        add_number(h, host->box);
        add_number(h, (uint64_t)host->start);
        add(h, &host->addr, sizeof host->addr);
        add_text(h, host->nat);
    }
}

static void add_boxes(crypto_generichash_state *h, const struct plan *plan)
{
    for (uint32_t i = 0; i < plan->box_count; i++) {
        const struct plan_box *box = &plan->boxes[i];
        add(h, &box->policy, sizeof box->policy); /* integers only, no padding (policy.h) */
        add_number(h, (uint64_t)box->outer << 32 | box->region);
        add(h, &box->outside, sizeof box->outside);
        add_text(h, box->profile);
    }
}

/* Nothing where all run the same core: then the program's hash says it. */
static void add_stacks(crypto_generichash_state *h, const struct plan *plan)
{
    for (uint32_t i = 0; i < plan->population_count; i++)
        if (plan->populations[i].stack)
            add_text(h, plan->populations[i].stack->bytes);
}

void run_key(char key[RUN_KEY], const struct plan *plan, const char *engine, const char *program,
             const char *detail)
{
    crypto_generichash_state h;
    crypto_generichash_init(&h, NULL, 0, HASH);
    add_text(&h, plan->text);
    add_text(&h, plan->cell);
    add_number(&h, plan->seed);
    add_text(&h, engine);
    add_text(&h, program);
    add_text(&h, detail);
    add_network(&h, &plan->network);
    add_churn(&h, &plan->churn);
    add_hosts(&h, plan);
    add_boxes(&h, plan);
    add_stacks(&h, plan);
    finish(&h, key);
}
