/* oracle_explain.c: see oracle_explain.h. */
#include "sim/oracle_explain.h"

#include "sim/text.h"
#include "stack/check.h"

/* %H: the host whose ports are sought, %S: the other. */
static const struct {
    const char *does, *formula;
} techniques[ORACLE_TECHNIQUES] = {
    [ORACLE_NONE] = {"nothing known brings them together: a relay is needed", ""},
    [ORACLE_PLAIN] = {"both send to where a third party saw the other, at the same time and again",
                      "follows from mapping and filtering (RFC 4787)"},
    [ORACLE_PREDICTION] = {"%H's next port follows from the last ones; %S probes a window of it",
                           "sum over k < w of e^-mu mu^k / k!, mu others' ports in between"},
    [ORACLE_ONE_SHOT] = {"both count: each sends one datagram to the other's next port, again and "
                         "again",
                         "e^-(muA + muB) a shot, mu others' ports in between"},
    [ORACLE_SPRAY] = {"%H opens many ports towards %S; %S probes many ports of %H",
                      "1 - C(N-m,k) / C(N,k): m ports open, k probed, N in all"},
    [ORACLE_BLOCK_SPRAY] = {"%H opens many ports of its block towards %S; %S probes the block",
                            "1 - C(B-m,k) / C(B,k): m ports open, k probed, B in the block"},
    [ORACLE_SWEEP] = {"%H sends to random ports of %S, which sends to %H's next ports",
                      "1 - e^(-m/N): m of each, N ports"},
    [ORACLE_BOTH_RANDOM] = {"both send to random ports of the other; two that aim at each other "
                            "meet",
                            "1 - e^(-nA nB / NA NB): n sent, N ports"},
    [ORACLE_CONTACT] = {"both open many ports and probe many; %H lets in any port of %S's address",
                        "1 - C(N-m,k) / C(N,k) for each side that is open so"},
    [ORACLE_MAPPED] = {"a port mapped on an outermost box is reached from everywhere",
                       "1 - (1 - uA)(1 - uB): u the share of hosts that have one"},
};

static char name_of(uint32_t side)
{
    return side ? 'B' : 'A';
}

/* Writes a sentence with %H and %S replaced. */
static void write_roles(const char *text, uint32_t holder, FILE *out)
{
    for (; *text; text++) {
        if (*text != '%') {
            putc(*text, out);
            continue;
        }
        text++;
        CHECK(*text == 'H' || *text == 'S');
        putc(name_of(*text == 'H' ? holder : !holder), out);
    }
}

static const char *filter_words(uint8_t filtering)
{
    static const char *const words[] = {"lets in everybody", "lets in addresses it sent to",
                                        "lets in endpoints it sent to"};
    return words[filtering];
}

static void explain_ports(const struct oracle_side *side, FILE *out)
{
    char number[TEXT_NUMBER];
    fprintf(out, "a new port for every remote%s, ", side->mapping == NAT_ADM ? " address" : "");
    text_count(number, side->places);
    if (side->law == ORACLE_SEQUENTIAL)
        fprintf(out, "%+d from the last", side->delta);
    else
        fprintf(out, "random among %s", number);
    if (side->block)
        fprintf(out, "%s a block of %s", side->law == ORACLE_SEQUENTIAL ? " in" : " of", number);
    if (side->addresses > 1)
        fprintf(out, ", at one of %u addresses", side->addresses);
}

void oracle_explain_class(const struct oracle_class *class, FILE *out)
{
    const struct oracle_side *side = &class->side;
    char number[TEXT_NUMBER];
    if (side->blocked) {
        fputs("lets no UDP out", out);
        return;
    }
    if (class->chain.count == 0) {
        fputs("public: no box in front", out);
        return;
    }
    if (side->mapping == NAT_EIM)
        fputs("one endpoint for all remotes", out);
    else
        explain_ports(side, out);
    fprintf(out, "; %s", filter_words(side->filtering));
    if (side->foreign_uhz > 0 && side->law == ORACLE_SEQUENTIAL)
        fprintf(out, "; others take %s ports/s",
                text_scaled(number, (double)side->foreign_uhz / 1e6));
    if (side->kept < 1)
        fprintf(out, "; keeps the port with %s", text_percent(number, side->kept));
}

static void explain_cost(const struct oracle_option *o, FILE *out)
{
    char number[TEXT_NUMBER];
    for (uint32_t s = 0; s < 2; s++) {
        fprintf(out, "%c %s mapping%s, ", name_of(s), text_count(number, o->mappings[s]),
                o->mappings[s] == 1 ? "" : "s");
        fprintf(out, "%s datagram%s; ", text_count(number, o->probes[s]),
                o->probes[s] == 1 ? "" : "s");
    }
    fputs(text_seconds(number, (double)o->time / 1e9), out);
}

static void explain_limit(const struct oracle_option *o, const struct oracle_side *const sides[2],
                          FILE *out)
{
    static const char *const words[] = {
        [ORACLE_UNLIMITED] = "",
        [ORACLE_LIMIT_MAPPINGS] = "the budget's mappings",
        [ORACLE_LIMIT_PROBES] = "the budget's probes",
        [ORACLE_LIMIT_TIME] = "the budget's time",
        [ORACLE_LIMIT_QUOTA] = "its box's quota_ports",
        [ORACLE_LIMIT_RATE] = "its box's new_mappings rate",
        [ORACLE_LIMIT_CAPACITY] = "its box's table_capacity",
        [ORACLE_LIMIT_BLOCK] = "its box's block of ports",
        [ORACLE_LIMIT_RANGE] = "its box's range of ports",
        [ORACLE_LIMIT_TIMER] = "a hole's life at its box",
    };
    char number[TEXT_NUMBER];
    fprintf(out, "%c, by %s", name_of(o->limited), words[o->limit]);
    if (o->limit == ORACLE_LIMIT_TIMER)
        fprintf(out, " (%s)", text_seconds(number, (double)sides[o->limited]->life / 1e9));
    else if (o->limit >= ORACLE_LIMIT_QUOTA)
        fprintf(out, " (%s at once)", text_count(number, sides[o->limited]->mappings));
    if (sides[o->holder]->addresses > 1)
        fprintf(out, "; pooling at %c spreads the ports over %u addresses", name_of(o->holder),
                sides[o->holder]->addresses);
}

void oracle_explain_option(const struct oracle_verdict *verdict, enum oracle_technique technique,
                           const struct oracle_side *const sides[2], const char *indent, FILE *out)
{
    const struct oracle_option *o = &verdict->options[technique];
    fputs(indent, out);
    write_roles(techniques[technique].does, o->holder, out);
    putc('\n', out);
    if (technique == ORACLE_NONE)
        return;
    fprintf(out, "%sformula  %s\n", indent, techniques[technique].formula);
    if (technique == ORACLE_MAPPED)
        return;
    fprintf(out, "%scosts    ", indent);
    explain_cost(o, out);
    if (o->limit != ORACLE_UNLIMITED) {
        fprintf(out, "\n%slimited  at ", indent);
        explain_limit(o, sides, out);
    }
    putc('\n', out);
}

/* ---- what the model leaves out ---- */

static bool knocks_move(const struct nat_policy *p)
{
    return p->inbound_clash;
}

static bool counts_alone(const struct nat_policy *p)
{
    return p->mapping != NAT_EIM && p->ports == NAT_PORTS_SEQUENTIAL && p->background_uhz == 0 &&
           p->counter != NAT_COUNTER_SUBSCRIBER;
}

static bool preserves_alone(const struct nat_policy *p)
{
    return p->kind == NAT_KIND_NAT && p->mapping != NAT_EIM && p->ports == NAT_PORTS_PRESERVE &&
           p->background_uhz == 0;
}

static bool moves_between_addresses(const struct nat_policy *p)
{
    return p->kind == NAT_KIND_NAT && p->mapping != NAT_EIM && p->pool > 1 &&
           p->pooling == NAT_POOL_ARBITRARY && p->ports <= NAT_PORTS_OVERLOAD;
}

static bool is_slow(const struct nat_policy *p)
{
    return p->new_mappings_per_s > 0;
}

static bool maps_by_address(const struct nat_policy *p)
{
    return p->kind == NAT_KIND_NAT && p->mapping == NAT_ADM;
}

static bool is_shared(const struct nat_policy *p)
{
    return p->background_uhz > 0 && p->ports == NAT_PORTS_OVERLOAD;
}

static bool is_tight(const struct nat_policy *p)
{
    uint32_t room = p->quota_ports && (!p->table_capacity || p->quota_ports < p->table_capacity)
                        ? p->quota_ports
                        : p->table_capacity;
    return (room > 0 && room <= ORACLE_IN_USE + 1) || p->high - p->low <= ORACLE_IN_USE;
}

static bool forgets_at_once(const struct nat_policy *p)
{
    return p->udp_unreplied < SEC(1);
}

static bool shares_blocks(const struct nat_policy *p)
{
    return p->background_uhz > 0 &&
           (p->ports == NAT_PORTS_BLOCK || p->ports == NAT_PORTS_DETERMINISTIC);
}

static bool keeps_some(const struct nat_policy *p)
{
    return p->kind == NAT_KIND_NAT && p->mapping != NAT_EIM && p->ports == NAT_PORTS_PRESERVE &&
           (p->low > 1024 || p->high < UINT16_MAX);
}

static bool seats_neighbours(const struct nat_policy *p)
{
    return p->contiguity || p->same_port_after_expiry;
}

static const struct {
    bool (*holds)(const struct nat_policy *policy);
    const char *text;
} gaps[] = {
    {knocks_move, "moves a port that was knocked at first: plain punching holds while both sides "
                  "start within the one-way delay of each other"},
    {counts_alone, "counts for other hosts too; none are assumed (say background: {rate: 5/s, "
                   "life: 60 s})"},
    {preserves_alone, "keeps a port until another host holds it; none are assumed (say "
                      "background: {rate: 5/s, life: 60 s})"},
    {moves_between_addresses, "draws an address for every remote, which the rule of plain "
                              "punching does not know"},
    {is_slow, "limits new mappings per second: later ones are taken to meet half of the probes, "
              "and measuring to be done before"},
    {is_tight, "has room for hardly more than measuring: plain punching is taken to fit"},
    {forgets_at_once, "forgets within a second: what was measured is taken to hold"},
    {maps_by_address, "maps by address: two hard sides may do a little better than counted"},
    {shares_blocks, "gives others blocks too: that they share one or use all up is left out"},
    {keeps_some, "keeps only ports of its range: sockets are taken to have such a port"},
    {seats_neighbours, "may choose a port beside a neighbour's or a former one: left out"},
    {is_shared, "shares ports: clashes over one remote are left out"},
};

static void explain_box_gaps(uint32_t side, const struct oracle_class *class, const char *indent,
                             FILE *out)
{
    for (size_t g = 0; g < sizeof gaps / sizeof *gaps; g++)
        for (uint32_t i = 0; i < class->chain.count; i++)
            if (gaps[g].holds(class->chain.boxes[i])) {
                fprintf(out, "%s%c's box %s\n", indent, name_of(side), gaps[g].text);
                break;
            }
}

void oracle_explain_gaps(const struct oracle_class *const classes[2], const char *indent, FILE *out)
{
    for (uint32_t s = 0; s < 2; s++)
        explain_box_gaps(s, classes[s], indent, out);
    if (classes[0]->chain.count > 1 && classes[1]->chain.count > 1)
        fprintf(out, "%sbehind one outer box the two need its hairpin; here each has its own\n",
                indent);
    fprintf(out,
            "%sloss: with p each way, n rounds of plain punching reach (1 - p^n)^2; other "
            "techniques need about 1/(1-p) times the datagrams\n",
            indent);
}
