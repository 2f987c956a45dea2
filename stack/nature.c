#include "stack/nature.h"

#include "stack/check.h"

#define WORDS 5

static const struct {
    const char *knob, *words[WORDS];
} table[NATURE_KNOBS] = {
    [NATURE_KNOB_MAPPING] = {"mapping", {"unknown", "eim", "adm", "apdm"}},
    [NATURE_KNOB_FILTERING] = {"filtering", {"unknown", "eif", "adf", "apdf"}},
    [NATURE_KNOB_PORTS] = {"ports", {"unknown", "preserve", "sequential", "block", "random"}},
    [NATURE_KNOB_POOLING] = {"pooling", {"unknown", "paired", "arbitrary"}},
    [NATURE_KNOB_HAIRPIN] = {"hairpin", {"unknown", "off", "on"}},
};

uint8_t nature_of(const struct nature *n, enum nature_knob knob)
{
    switch (knob) {
    case NATURE_KNOB_MAPPING: return n->mapping;
    case NATURE_KNOB_FILTERING: return n->filtering;
    case NATURE_KNOB_PORTS: return n->ports;
    case NATURE_KNOB_POOLING: return n->pooling;
    case NATURE_KNOB_HAIRPIN: return n->hairpin;
    case NATURE_KNOBS: break;
    }
    return 0;
}

const char *nature_knob_word(enum nature_knob knob)
{
    CHECK(knob >= NATURE_KNOB_MAPPING && knob < NATURE_KNOBS);
    return table[knob].knob;
}

const char *nature_word(enum nature_knob knob, uint8_t verdict)
{
    CHECK(knob >= NATURE_KNOB_MAPPING && knob < NATURE_KNOBS);
    CHECK(verdict < WORDS && table[knob].words[verdict] != NULL);
    return table[knob].words[verdict];
}

static size_t append(char *text, size_t at, const char *word)
{
    for (; *word != '\0'; word++) {
        CHECK(at + 1 < NATURE_TEXT);
        text[at++] = *word;
    }
    text[at] = '\0';
    return at;
}

size_t nature_text(const struct nature *n, char text[NATURE_TEXT])
{
    size_t at = 0;
    for (enum nature_knob k = NATURE_KNOB_MAPPING; k < NATURE_KNOBS; k++) {
        at = append(text, at, k == NATURE_KNOB_MAPPING ? "" : " ");
        at = append(text, at, nature_knob_word(k));
        at = append(text, at, "=");
        at = append(text, at, nature_word(k, nature_of(n, k)));
    }
    return at;
}
