/* metric.c: the table of metrics; see metric.h. */
#include "sim/metric.h"

#include <string.h>

#include "sim/errors.h"
#include "stack/check.h"

#define MOST 128

#define SHARE(name, pairs, better, label, doc)                                                     \
    {                                                                                              \
        name, METRIC_SUMMARY, VALUE_SHARE, pairs, METRIC_##better, label, doc                      \
    }
#define TIME(name, label, doc)                                                                     \
    {                                                                                              \
        name, METRIC_SUMMARY, VALUE_TIME, false, METRIC_LOWER, label, doc                          \
    }
#define TIMES(name, label, doc)                                                                    \
    TIME(name ".p50", label ", median", doc ", median"),                                           \
        TIME(name ".p95", label ", 95 %", doc ": 95 % are not slower"),                            \
        TIME(name ".p99", label ", 99 %", doc ": 99 % are not slower")
/* Of nodes' verdicts on their NATs: not compared, they have their own matrix. */
#define KNOWN(knob, doc) SHARE("verdict." knob "_rate", false, NEITHER, NULL, doc)
#define SURVEY_TIME(percent, doc)                                                                  \
    {                                                                                              \
        "verdict.time.p" percent, METRIC_SUMMARY, VALUE_TIME, false, METRIC_NEITHER, NULL, doc     \
    }
#define NUMBER(name, better, label, doc)                                                           \
    {                                                                                              \
        name, METRIC_SUMMARY, VALUE_NUMBER, false, METRIC_##better, label, doc                     \
    }
#define SERIES(name, doc)                                                                          \
    {                                                                                              \
        name, METRIC_SERIES, VALUE_NUMBER, false, METRIC_NEITHER, NULL, doc                        \
    }

const struct metric METRICS[] = {
    SHARE("node.joined", false, HIGHER, "nodes joined",
          "share of the nodes that had joined at the end"),
    SHARE("node.online_rate", false, NEITHER, "nodes online",
          "share of the nodes' time in which they ran; with churn or faults"),
    SHARE("dial.connected_rate", true, HIGHER, "dials connected",
          "share of dials direct or relayed"),
    SHARE("dial.online_rate", false, HIGHER, "dials connected, ends online",
          "share of dials direct or relayed among those that did not fail with an end off; with "
          "churn or faults"),
    SHARE("dial.direct_rate", true, HIGHER, "dials direct",
          "share of dials with an authenticated round trip over a direct path"),
    SHARE("dial.rule_rate", false, NEITHER, "direct by the rule of plain punching",
          "share of dials that plain punching makes direct, by the rule beside the run"),
    NUMBER("dial.direct_rate_vs_rule", NEITHER, "distance from that rule",
           "standard errors between direct_rate and rule_rate"),
    NUMBER("dial.direct_rate_under_rule", NEITHER, NULL,
           "standard errors by which direct_rate stays under rule_rate; 0 when it does not"),
    NUMBER("dial.direct_rate_over_best", NEITHER, NULL,
           "standard errors by which direct_rate exceeds best_rate; 0 when it does not"),
    SHARE("dial.best_rate", false, NEITHER, "direct at best, by formula",
          "share of the dials made that the best technique can make direct, by formula"),
    SHARE("dial.punch_rate", true, HIGHER, "direct where both are behind NATs",
          "share of direct ones among dials with no end public, port-mapped, on the same LAN or "
          "already connected"),
    SHARE("dial.first_attempt_rate", false, HIGHER, NULL,
          "share won by the first attempt, of the dials that punching made direct"),
    NUMBER("dial.punch_packets.mean", LOWER, NULL,
           "datagrams of punching that all nodes sent, per dial behind NATs at both ends"),
    SHARE("dial.relayed_rate", true, NEITHER, NULL, "share of dials that only a relay carried"),
    SHARE("dial.failed_rate", true, LOWER, NULL, "share of dials without any round trip"),
    TIMES("dial.first_byte", "time to first byte", "from the dial to its first round trip"),
    TIMES("dial.direct_time", "time to direct path", "from the dial to its direct path"),
    SHARE("recovery.rate", false, HIGHER, "recovered after a fault",
          "share of dials that carried data again, of those that did when a fault struck an end"),
    TIMES("recovery.time", "time to recover", "from the fault, or its end, to the next data"),
    SHARE("lookup.ok_rate", false, HIGHER, "lookups answered",
          "share of lookups that found an answer"),
    NUMBER("lookup.hops.mean", LOWER, "hops per lookup", "hops per answered lookup, mean"),
    TIMES("lookup.latency", "lookup latency", "of answered lookups"),
    SHARE("message.delivery_rate", false, HIGHER, "messages delivered",
          "share of the deliveries due that arrived"),
    TIMES("message.latency", "message latency", "from publishing to the last delivery"),
    NUMBER("traffic.packets_per_node_s", LOWER, "sent per node, packets",
           "datagrams that a node sends per second, mean"),
    {"traffic.bytes_per_node_s", METRIC_SUMMARY, VALUE_SIZE, false, METRIC_LOWER,
     "sent per node, bytes", "bytes that a node sends per second, mean"},
    KNOWN("mapping", "share of nodes behind NATs whose verdict on the mapping is what an ideal "
                     "observer could see"),
    KNOWN("filtering", "the same of filtering"),
    KNOWN("ports", "the same of the port rule"),
    KNOWN("step", "the same of the step of sequential ports"),
    KNOWN("block", "the same of blocks: the ports named lie within one"),
    KNOWN("pooling", "the same of pooling"),
    KNOWN("hairpin", "the same of hairpinning"),
    NUMBER("verdict.packets.mean", NEITHER, NULL, "datagrams that a survey of a NAT took, mean"),
    SURVEY_TIME("50", "that a survey of a NAT took, median"),
    SURVEY_TIME("95", "that a survey of a NAT took: 95 % took no longer"),
    SURVEY_TIME("99", "that a survey of a NAT took: 99 % took no longer"),
    NUMBER("nat.mappings_peak", LOWER, "most mappings in one box",
           "most mappings alive in one box"),
    NUMBER("nat.dropped_capacity", LOWER, "datagrams dropped by full boxes",
           "datagrams dropped for lack of mappings, ports, quota or rate"),
    NUMBER("nat.dropped_filter", NEITHER, NULL,
           "datagrams from outside dropped: filtered, or no mapping"),
    NUMBER("nat.mappings_made", LOWER, NULL, "mappings made by all boxes"),
    NUMBER("nat.hairpins", NEITHER, NULL, "datagrams that a box turned back inside"),
    {"dial.count", METRIC_SUMMARY, VALUE_NUMBER, true, METRIC_NEITHER, NULL,
     "dials with an outcome"},
    NUMBER("lookup.count", NEITHER, NULL, "lookups"),
    NUMBER("message.count", NEITHER, NULL, "messages published"),
    NUMBER("node.sessions", NEITHER, NULL, "sessions of nodes; with churn or faults"),
    NUMBER("node.count", NEITHER, NULL, "nodes"),
    SERIES("joined", "nodes that had joined at the end"),
    SERIES("dials", "dials with an outcome at the end"),
    SERIES("direct", "direct ones among them"),
    SERIES("relayed", "relayed ones among them"),
    SERIES("failed", "failed ones among them"),
    SERIES("online", "nodes that ran at the end; with churn or faults"),
    SERIES("starts", "starts of nodes"),
    SERIES("stops", "ends of nodes' sessions"),
    SERIES("unmade", "what hosts would have done while they were off"),
    SERIES("wrong_keys",
           "dials that were taken to another person than the dialled one; with `persons`"),
    SERIES("impostors", "answers without the dialled person's key that dialers refused; with "
                        "`persons`"),
    SERIES("attack_sent", "bytes that flooders and reflectors sent"),
    SERIES("attack_arrived", "bytes that came to bystanders"),
    {"attack_amplification", METRIC_SERIES, VALUE_NUMBER, false, METRIC_LOWER, NULL,
     "bytes that came to bystanders for each byte that flooders and reflectors sent"},
    SERIES("datagrams_sent", "datagrams that nodes sent"),
    SERIES("datagrams_arrived", "datagrams that reached nodes"),
};
const uint32_t METRIC_COUNT = sizeof METRICS / sizeof *METRICS;

const struct metric *metric_find(const char *name, size_t length)
{
    for (uint32_t i = 0; i < METRIC_COUNT; i++)
        if (strlen(METRICS[i].name) == length && strncmp(METRICS[i].name, name, length) == 0)
            return &METRICS[i];
    return NULL;
}

const char *metric_better_word(enum metric_better better)
{
    static const char *const words[] = {
        [METRIC_NEITHER] = "", [METRIC_HIGHER] = "higher", [METRIC_LOWER] = "lower"};
    return words[better];
}

const char *metric_suggest(const char *word)
{
    const char *names[MOST];
    CHECK(METRIC_COUNT <= MOST);
    for (uint32_t i = 0; i < METRIC_COUNT; i++)
        names[i] = METRICS[i].name;
    return errors_suggest(word, names, METRIC_COUNT);
}

void metric_print_markdown(FILE *out)
{
    fputs("| metric | bound | of a pair | better | meaning |\n|---|---|---|---|---|\n", out);
    for (uint32_t i = 0; i < METRIC_COUNT; i++)
        fprintf(out, "| `%s` | %s | %s | %s | %s |\n", METRICS[i].name,
                value_quantity_word(METRICS[i].quantity), METRICS[i].pairs ? "yes" : "",
                metric_better_word(METRICS[i].better), METRICS[i].doc);
}
