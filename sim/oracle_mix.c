/* oracle_mix.c: see oracle_mix.h. */
#include "sim/oracle_mix.h"

#include <string.h>

#include "stack/check.h"

#define DRAWS 256 /* boxes per chain: a knob's value of 1 in 4 is then met to 3 in 100 */
#define SEED  1   /* any: the same mix each time */

static void write_label(struct oracle_class *class)
{
    char box[NAT_LABEL];
    size_t used = 0;
    strcpy(class->label, "none");
    for (uint32_t i = 0; i < class->chain.count; i++) {
        size_t length = strlen(nat_policy_label(&class->policies[i], box));
        CHECK(used + length + 2 <= sizeof class->label);
        if (i > 0)
            class->label[used++] = '>';
        memcpy(class->label + used, box, length + 1);
        used += length;
    }
}

/* Alike but for the datagrams that keep a hole open. */
static bool is_alike(const struct oracle_class *a, const struct oracle_class *b)
{
    struct oracle_side a_side = a->side, b_side = b->side;
    a_side.refreshes = b_side.refreshes = 0;
    return memcmp(a->kinds, b->kinds, sizeof a->kinds) == 0 &&
           memcmp(&a_side, &b_side, sizeof a_side) == 0;
}

static struct oracle_class *find_class(const struct oracle_mix *mix,
                                       const struct oracle_class *drawn)
{
    for (uint32_t i = 0; i < mix->count; i++)
        if (is_alike(mix->classes[i], drawn))
            return mix->classes[i];
    return NULL;
}

/* The costliest of its kind stands for the class. */
static void stand_for(struct oracle_class *class, const struct oracle_class *drawn)
{
    double weight = class->weight;
    *class = *drawn;
    class->weight = weight;
    for (uint32_t i = 0; i < class->chain.count; i++)
        class->chain.boxes[i] = &class->policies[i];
    write_label(class);
}

static void add_class(struct oracle_mix *mix, struct arena *arena, const struct oracle_class *drawn)
{
    if (mix->count == mix->room) {
        struct oracle_class **old = mix->classes;
        mix->room = mix->room ? mix->room * 2 : 16;
        mix->classes = arena_take(arena, mix->room * sizeof *mix->classes);
        if (old)
            memcpy(mix->classes, old, mix->count * sizeof *mix->classes);
    }
    struct oracle_class *class = arena_take(arena, sizeof *class);
    stand_for(class, drawn);
    mix->classes[mix->count++] = class;
}

static int draw_class(struct oracle_class *class, const struct catalogue_chain *chain,
                      uint32_t entity, const struct oracle_budget *budget, char *error, size_t size)
{
    memset(class, 0, sizeof *class);
    class->chain.count = chain->count;
    for (uint32_t i = 0; i < chain->count; i++) {
        struct nat_policy *policy = &class->policies[i];
        if (catalogue_policy(chain->boxes[i], SEED, entity, i, policy, error, size))
            return -1;
        class->kinds[i] = rule_kind(policy);
        class->chain.boxes[i] = policy;
    }
    class->side = oracle_side_of(&class->chain, budget);
    return 0;
}

int oracle_mix_draw(struct oracle_mix *mix, struct arena *arena, const struct catalogue_nat *nat,
                    const struct oracle_budget *budget, char *error, size_t size)
{
    struct oracle_class drawn;
    memset(mix, 0, sizeof *mix);
    for (uint32_t i = 0; i < nat->count; i++)
        for (uint32_t entity = 0; entity < DRAWS; entity++) {
            if (draw_class(&drawn, &nat->chains[i], entity, budget, error, size))
                return -1;
            struct oracle_class *class = find_class(mix, &drawn);
            if (!class) {
                add_class(mix, arena, &drawn);
                class = mix->classes[mix->count - 1];
            } else if (drawn.side.refreshes > class->side.refreshes) {
                stand_for(class, &drawn);
            }
            class->weight += (double)nat->chains[i].weight / (double)nat->weight / DRAWS;
        }
    return 0;
}
