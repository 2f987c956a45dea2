#include "stack/nature.h"

#include "stack/check.h"

static const struct {
    const char *knob, *words[NATURE_WORDS];
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
    CHECK(verdict < NATURE_WORDS && table[knob].words[verdict] != NULL);
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

static size_t append_number(char *text, size_t at, int number)
{
    char digits[12];
    size_t n = sizeof digits;
    unsigned left = number < 0 ? 0u - (unsigned)number : (unsigned)number;
    digits[--n] = '\0';
    do
        digits[--n] = (char)('0' + left % 10);
    while ((left /= 10) != 0);
    if (number < 0)
        digits[--n] = '-';
    return append(text, at, digits + n);
}

static size_t append_confidence(char *text, size_t at, uint8_t percent)
{
    return append_number(text, append(text, at, ":"), percent);
}

static size_t append_knob(char *text, size_t at, const char *knob)
{
    at = append(text, at, at == 0 ? "" : " ");
    return append(text, append(text, at, knob), "=");
}

size_t nature_text_number(char text[NATURE_TEXT], size_t at, const char *knob, int low, int high,
                          uint8_t confidence)
{
    at = append_knob(text, at, knob);
    at = low == 0 && high == 0 ? append(text, at, "none") : append_number(text, at, low);
    if (high > low)
        at = append_number(text, append(text, at, ".."), high);
    return append_confidence(text, at, confidence);
}

size_t nature_text(const struct nature *n, const uint8_t confidence[NATURE_KNOBS],
                   char text[NATURE_TEXT])
{
    size_t at = 0;
    for (enum nature_knob k = NATURE_KNOB_MAPPING; k < NATURE_KNOBS; k++) {
        at = append_knob(text, at, nature_knob_word(k));
        at = append(text, at, nature_word(k, nature_of(n, k)));
        at = append_confidence(text, at, confidence[k]);
    }
    uint8_t ports = confidence[NATURE_KNOB_PORTS];
    if (n->ports == NATURE_SEQUENTIAL)
        at = nature_text_number(text, at, "step", n->step, n->step, ports);
    if (n->ports == NATURE_BLOCK)
        at = nature_text_number(text, at, "block", n->low, n->high, ports);
    return at;
}
