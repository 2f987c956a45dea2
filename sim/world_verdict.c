/* world_verdict.c: what nodes say of their NATs (the event NATURE), beside what an ideal
 * observer could see of them (probe_judge.h).
 *
 * The text of the event is read word for word, so other builds of the core may know other
 * knobs: those that nobody can judge here are left out. */
#include <stdlib.h>
#include <string.h>

#include "sim/probe_judge.h"
#include "sim/record.h"
#include "sim/world_parts.h"
#include "stack/check.h"

#define BOXES_MOST 8    /* in a row */
#define BLOCK_MOST 4096 /* ports: carriers give no larger blocks (profile cgn_fixed) */
#define WORD       24

/* "sequential:80", "60..90:95": a verdict and its confidence in percent. */
struct said {
    char knob[WORD], found[WORD];
    uint32_t confidence;
};

struct truth {
    struct probe_expected seen;
    struct nat_policy policies[BOXES_MOST];
    uint32_t count;
};

/* ---- what there is to be seen ---- */

static bool look(const struct world *w, uint32_t host, struct truth *t)
{
    const struct plan *p = w->plan;
    const struct probe_effort effort = {.longest_s = UINT32_MAX / 2};
    t->count = 0;
    for (uint32_t box = p->hosts[w->hosts[host].place].box; box != PLAN_NONE;
         box = p->boxes[box].outer) {
        if (t->count == BOXES_MOST)
            return false;
        t->policies[t->count++] = p->boxes[box].policy;
    }
    if (t->count == 0)
        return false;
    probe_expect(t->policies, t->count, NULL, &effort, &t->seen);
    return true;
}

/* The box that chooses the outermost ports of a block is seen to do so where it draws
 * them; in order they are those of a counter to whoever opens a few. */
static bool counts_within_blocks(const struct truth *t)
{
    for (uint32_t i = t->count; i-- > 0;) {
        const struct nat_policy *b = &t->policies[i];
        if (b->ports == NAT_PORTS_BLOCK || b->ports == NAT_PORTS_DETERMINISTIC)
            return b->block_ports != NAT_BLOCK_RANDOM;
        if (b->ports == NAT_PORTS_SEQUENTIAL)
            return true;
    }
    return false;
}

/* A range for all subscribers that is no larger than a carrier's block is one to each. */
static bool draws_from_few(const struct truth *t)
{
    for (uint32_t i = t->count; i-- > 0;) {
        const struct nat_policy *b = &t->policies[i];
        if (b->kind == NAT_KIND_NAT)
            return b->ports == NAT_PORTS_RANDOM && b->high - b->low < BLOCK_MOST;
    }
    return false;
}

static const char *true_word(const struct truth *t, enum probe_key key)
{
    const char *word = t->seen.text[key];
    if (key == PROBE_KEY_MAPPING && strcmp(word, "none") == 0)
        return "eim"; /* no mapping is one for all */
    if (key == PROBE_KEY_PORTS && strcmp(word, "none") == 0)
        return "preserve";
    if (key == PROBE_KEY_PORTS && strcmp(word, "block") == 0 && counts_within_blocks(t))
        return "sequential";
    if (key == PROBE_KEY_PORTS && strcmp(word, "random") == 0 && draws_from_few(t))
        return "block";
    if (key == PROBE_KEY_POOLING && strcmp(word, "none") == 0)
        return "paired";
    if (key == PROBE_KEY_HAIRPIN &&
        (strcmp(word, "external") == 0 || strcmp(word, "internal") == 0))
        return "on";
    return word;
}

/* ---- one knob each: the truth's word, and whether the verdict agrees ---- */

static bool judge_word(const struct truth *t, enum probe_key key, const struct said *s,
                       char word[WORD])
{
    (void)snprintf(word, WORD, "%.*s", WORD - 1, true_word(t, key));
    return strcmp(word, s->found) == 0;
}

/* The step of the outermost box that counts: boxes further in show nothing of theirs. */
static bool judge_step(const struct truth *t, const struct said *s, char word[WORD])
{
    for (uint32_t i = t->count; i-- > 0;) {
        const struct nat_policy *b = &t->policies[i];
        if (b->ports == NAT_PORTS_SEQUENTIAL) {
            (void)snprintf(word, WORD, "%d", (int)b->delta);
            return strcmp(word, s->found) == 0;
        }
    }
    (void)snprintf(word, WORD, "1"); /* of blocks, and after a clash */
    return strcmp(word, s->found) == 0;
}

static bool judge_block(const struct truth *t, const struct said *s, char word[WORD])
{
    char *end;
    long low = strtol(s->found, &end, 10), high = low;
    if (strncmp(end, "..", 2) == 0)
        high = strtol(end + 2, NULL, 10);
    for (uint32_t i = t->count; i-- > 0;) {
        const struct nat_policy *b = &t->policies[i];
        if (b->ports == NAT_PORTS_BLOCK || b->ports == NAT_PORTS_DETERMINISTIC) {
            (void)snprintf(word, WORD, "of %u", (unsigned)b->block);
            return high - low < (long)b->block * (long)b->max_blocks;
        }
        if (b->ports == NAT_PORTS_RANDOM) { /* a range for all subscribers looks alike */
            (void)snprintf(word, WORD, "of %u", (unsigned)(b->high - b->low + 1u));
            return low >= b->low && high <= b->high;
        }
    }
    (void)snprintf(word, WORD, "none");
    return false;
}

/* ---- reading the event ---- */

/* Takes "knob=found:confidence " off the text; false: there is none. */
static bool take(const char **at, const char *end, struct said *s)
{
    char token[3 * WORD];
    while (*at < end && **at == ' ')
        (*at)++;
    size_t length = 0;
    while (*at + length < end && (*at)[length] != ' ')
        length++;
    if (length == 0 || length >= sizeof token)
        return false;
    memcpy(token, *at, length);
    token[length] = '\0';
    *at += length;
    char *equals = strchr(token, '='), *colon = strrchr(token, ':');
    if (equals == NULL || colon == NULL || colon < equals || equals - token >= WORD ||
        colon - equals > WORD)
        return false;
    *equals = *colon = '\0';
    (void)snprintf(s->knob, WORD, "%.*s", WORD - 1, token);
    (void)snprintf(s->found, WORD, "%.*s", WORD - 1, equals + 1);
    s->confidence = (uint32_t)strtoul(colon + 1, NULL, 10);
    return true;
}

/* false: not to be judged. */
static bool judge(const struct truth *t, const struct said *s, char word[WORD], bool *ok)
{
    static const struct {
        const char *knob;
        enum probe_key key;
    } words[] = {{"mapping", PROBE_KEY_MAPPING},
                 {"filtering", PROBE_KEY_FILTERING},
                 {"ports", PROBE_KEY_PORTS},
                 {"pooling", PROBE_KEY_POOLING},
                 {"hairpin", PROBE_KEY_HAIRPIN}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(words[i].knob, s->knob) == 0) {
            *ok = judge_word(t, words[i].key, s, word);
            return word[0] != '\0'; /* there is something to know */
        }
    }
    if (strcmp(s->knob, "step") == 0)
        *ok = judge_step(t, s, word);
    else if (strcmp(s->knob, "block") == 0)
        *ok = judge_block(t, s, word);
    else
        return false;
    return true;
}

void world_record_nature(struct world *w, mist_time now, uint32_t host, const struct mist_event *e)
{
    const char *at = (const char *)e->bytes, *end = at + e->length;
    struct truth truth;
    struct said said;
    if (w->options->record == NULL || e->length == 0 || !look(w, host, &truth))
        return;
    while (take(&at, end, &said)) {
        char word[WORD];
        bool ok;
        if (!judge(&truth, &said, word, &ok))
            continue;
        record_verdict(w->options->record, &(struct record_verdict){.at = now,
                                                                    .took = e->rtt,
                                                                    .node = host,
                                                                    .packets = e->count,
                                                                    .confidence = said.confidence,
                                                                    .knob = said.knob,
                                                                    .found = said.found,
                                                                    .truth = word,
                                                                    .ok = ok});
    }
}
