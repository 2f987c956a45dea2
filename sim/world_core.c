/* world_core.c: the builds of the core that a world's hosts run, and their words.
 *
 * Most worlds have one.  In a network of several versions a population has its own:
 * what numbers mean is then asked of the build that said them. */
#include <stdlib.h>
#include <string.h>

#include "sim/run_stack.h"
#include "sim/world_parts.h"
#include "stack/check.h"

static void open_one(struct core *core, const struct mist_api *api)
{
    size_t size = (api->scratch_size() + 63) / 64 * 64;
    core->api = api;
    core->scratch = aligned_alloc(64, size);
    CHECK(core->scratch != NULL);
    memset(core->scratch, 0, size);
    core->facts.names = api->fact_names(&core->facts.count);
    core->paths.names = api->path_names(&core->paths.count);
    core->reasons.names = api->reason_names(&core->reasons.count);
    core->kinds.names = api->kind_names(&core->kinds.count);
}

void world_core_open(struct world *w, const struct mist_api *usual)
{
    const struct plan *p = w->plan;
    w->cores = calloc(p->population_count + 1, sizeof *w->cores);
    CHECK(w->cores != NULL);
    for (uint32_t i = 0; i < p->population_count; i++) {
        const struct run_stack *own = p->populations[i].stack;
        const struct mist_api *api = own != NULL ? own->api : usual;
        for (uint32_t j = 0; j < i && w->cores[i].api == NULL; j++)
            if (w->cores[j].api == api)
                w->cores[i] = w->cores[j];
        if (w->cores[i].api == NULL)
            open_one(&w->cores[i], api);
    }
}

void world_core_close(struct world *w)
{
    for (uint32_t i = 0; w->cores != NULL && i < w->plan->population_count; i++) {
        void *scratch = w->cores[i].scratch;
        for (uint32_t j = i; j < w->plan->population_count; j++)
            if (w->cores[j].scratch == scratch)
                w->cores[j].scratch = NULL;
        free(scratch);
    }
    free(w->cores);
}

const char *world_core_word(const struct core_words *words, uint32_t number)
{
    for (uint32_t i = 0; i < words->count; i++)
        if (words->names[i].number == number)
            return words->names[i].word;
    return "?";
}
