#include "stack/config.h"

#include <stddef.h>
#include <string.h>

#include "stack/punch.h"
#include "stack/reach.h"

struct word {
    const char *text;
    uint32_t value;
};

static const struct word assume_words[] = {
    {"auto", REACH_AUTO}, {"public", REACH_PUBLIC}, {"private", REACH_PRIVATE}, {NULL, 0}};
static const struct word family_words[] = {{"4", 1}, {"6", 2}, {"both", 3}, {NULL, 0}};
static const struct word switch_words[] = {{"on", 1}, {"off", 0}, {NULL, 0}};
static const struct word strategy_words[] = {
    {"none", STRATEGY_NONE},         {"mist", STRATEGY_MIST},
    {"plain", STRATEGY_PLAIN},       {"dcutr", STRATEGY_DCUTR},
    {"noq", STRATEGY_NOQ},           {"tailscale", STRATEGY_TAILSCALE},
    {"hyperdht", STRATEGY_HYPERDHT}, {"easytier", STRATEGY_EASYTIER},
    {"tox", STRATEGY_TOX},           {"ice", STRATEGY_ICE},
    {"bep55", STRATEGY_BEP55},       {NULL, 0}};
static const struct word crypto_words[] = {{"real", 0}, {"modelled", 1}, {NULL, 0}};
static const struct word size_words[] = {{"tiny", 0}, {"normal", 1}, {"server", 2}, {NULL, 0}};

#define FIELD(name) (offsetof(struct config, name) / sizeof(uint32_t))
#define NO_FIELD    UINT32_MAX

/* The schema: X(name, form, standard, doc, field, low, high, words).  A count has its
 * range, which is also its form, "8 to 16384"; a word its list. */
#define SPAN(low, high)    SPANNED(low, high)
#define SPANNED(low, high) #low " to " #high
#define COUNT(X, name, standard, doc, field, low, high)                                            \
    X(name, SPAN(low, high), standard, doc, FIELD(field), low, high, NULL)
#define WORDS(X, name, form, standard, doc, field, words)                                          \
    X(name, form, standard, doc, field, 0, 0, words)
#define SCHEMA(X)                                                                                  \
    WORDS(X, "size", "tiny | normal | server", "normal", "sets every limit below to a named size", \
          NO_FIELD, size_words)                                                                    \
    COUNT(X, "links", "256", "peers at once", links, 8, 16384)                                     \
    COUNT(X, "contacts", "512", "servers in the overlay table", contacts, 20, 65534)               \
    COUNT(X, "lookups", "8", "lookups at once", lookups, 2, 256)                                   \
    COUNT(X, "topics", "8", "own subscriptions and publications at once", topics, 2, 256)          \
    COUNT(X, "held", "512", "subscriptions kept for others", held, 0, 65536)                       \
    COUNT(X, "circuits", "128", "pairs relayed at once", circuits, 0, 65536)                       \
    COUNT(X, "connections", "64", "connections at once", connections, 2, 1024)                     \
    COUNT(X, "punches", "32", "links being punched at once", punches, 2, 1024)                     \
    COUNT(X, "socket.port", "0", "local UDP port; 0: any", port, 0, 65535)                         \
    WORDS(X, "socket.family", "4 | 6 | both", "4", "address families to use", FIELD(families),     \
          family_words)                                                                            \
    WORDS(X, "reach.assume", "auto | public | private", "auto",                                    \
          "whether strangers can reach this node", FIELD(assume), assume_words)                    \
    WORDS(X, "reach.survey", "on | off", "on", "learn from peers what the NAT does",               \
          FIELD(survey), switch_words)                                                             \
    WORDS(X, "reach.port_mapping", "on | off", "on",                                               \
          "have the gateway map a port, by PCP or NAT-PMP", FIELD(port_mapping), switch_words)     \
    WORDS(X, "relay.serve", "on | off", "on", "forward datagrams for others once reachable",       \
          FIELD(relay_serve), switch_words)                                                        \
    WORDS(                                                                                         \
        X, "punch.strategy",                                                                       \
        "none | mist | plain | dcutr | noq | tailscale | hyperdht | easytier | tox | ice | bep55", \
        "mist", "how direct paths are sought", FIELD(punch), strategy_words)                       \
    COUNT(X, "punch.rounds", "6", "rounds of probes in an attempt", punch_rounds, 1, PUNCH_ROUNDS) \
    COUNT(X, "punch.mappings", "0", "new NAT mappings per peer; 0: the strategy's own",            \
          punch_mappings, 0, 256)                                                                  \
    COUNT(X, "punch.probes", "0", "probes to guessed ports per peer; 0: the strategy's own",       \
          punch_probes, 0, 65535)                                                                  \
    COUNT(X, "punch.time_s", "0", "seconds of seeking a peer; 0: the strategy's own",              \
          punch_time_s, 0, 3600)                                                                   \
    COUNT(X, "punch.doubtful", "12",                                                               \
          "probes in 10 min to an address at which no introducer saw the peer that names it",      \
          punch_doubtful, 1, 65535)                                                                \
    COUNT(X, "punch.target", "4096", "probes in 10 min to any one address that echoed no token",   \
          punch_target, 1, 65535)                                                                  \
    COUNT(X, "punch.node", "1024", "probes in 10 min to all addresses of punch.doubtful together", \
          punch_node, 1, 65535)                                                                    \
    WORDS(X, "crypto", "real | modelled", "real",                                                  \
          "modelled: the same messages and sizes without any protection, for simulations only",    \
          FIELD(modelled), crypto_words)

#define KEY(name, form, standard, doc, field, low, high, words)  {name, form, standard, doc},
#define RULE(name, form, standard, doc, field, low, high, words) {field, low, high, words},

static const struct mist_key keys[] = {SCHEMA(KEY)};
static const struct {
    uint32_t field, low, high;
    const struct word *words;
} rules[] = {SCHEMA(RULE)};

#define KEYS (sizeof keys / sizeof keys[0])

/* links .. punches of the named sizes, in the order of struct config. */
static const uint32_t sizes[3][8] = {
    {64, 96, 4, 4, 64, 16, 16, 8},
    {256, 512, 8, 8, 512, 128, 64, 32},
    {4096, 2048, 32, 16, 8192, 4096, 256, 128},
};

static uint32_t *field_of(struct config *c, uint32_t field)
{
    return (uint32_t *)(void *)c + field;
}

static void set_size(struct config *c, uint32_t size)
{
    for (uint32_t i = 0; i < 8; i++)
        *field_of(c, FIELD(links) + i) = sizes[size][i];
}

static int parse_count(const char *text, uint32_t low, uint32_t high, uint32_t *value)
{
    uint64_t n = 0;
    if (*text == '\0')
        return MIST_ERR_VALUE;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return MIST_ERR_VALUE;
        n = n * 10 + (uint64_t)(*text - '0');
        if (n > high)
            return MIST_ERR_VALUE;
    }
    if (n < low)
        return MIST_ERR_VALUE;
    *value = (uint32_t)n;
    return MIST_OK;
}

static int parse_word(const char *text, const struct word *words, uint32_t *value)
{
    for (; words->text != NULL; words++) {
        if (strcmp(words->text, text) == 0) {
            *value = words->value;
            return MIST_OK;
        }
    }
    return MIST_ERR_VALUE;
}

int config_set(struct config *c, const char *key, const char *value)
{
    for (uint32_t i = 0; i < KEYS; i++) {
        uint32_t n;
        if (strcmp(keys[i].name, key) != 0)
            continue;
        int error = rules[i].words != NULL ? parse_word(value, rules[i].words, &n)
                                           : parse_count(value, rules[i].low, rules[i].high, &n);
        if (error != MIST_OK)
            return error;
        if (rules[i].field == NO_FIELD)
            set_size(c, n);
        else
            *field_of(c, rules[i].field) = n;
        return MIST_OK;
    }
    return MIST_ERR_KEY;
}

void config_init(struct config *c)
{
    memset(c, 0, sizeof *c);
    for (uint32_t i = 0; i < KEYS; i++)
        (void)config_set(c, keys[i].name, keys[i].standard);
}

const struct seal_suite *config_suite(const struct config *c)
{
    return c->modelled != 0 ? &seal_modelled : &seal_real;
}

const struct mist_key *config_keys(uint32_t *count)
{
    *count = KEYS;
    return keys;
}
