/* compare_metric.c: the metrics that are compared, of the view `summary` and
 * one that is the last value of a series; pure data.  Which
 * way is better is what `mistsim schema --metrics` says; a test compares. */
#include <string.h>

#include "analysis/compare_parts.h"

#define SHARE(name, better, label)                                                                 \
    {                                                                                              \
        name, label, "ratio", COMPARE_SHARE, better                                                \
    }
#define TIMES(name, label)                                                                         \
    {name ".p50", label ", p50", "s", COMPARE_QUANTILE, -1},                                       \
        {name ".p95", label ", p95", "s", COMPARE_QUANTILE, -1},                                   \
    {                                                                                              \
        name ".p99", label ", p99", "s", COMPARE_QUANTILE, -1                                      \
    }
#define MEAN(name, better, unit, label)                                                            \
    {                                                                                              \
        name, label, unit, COMPARE_MEAN, better                                                    \
    }

/* Times of dials are restricted: a dial that never got there counts as its window. */
const struct compare_metric compare_metrics[] = {
    SHARE("dial.connected_rate", 1, "dials connected"),
    SHARE("dial.online_rate", 1, "connected, both running"),
    SHARE("dial.direct_rate", 1, "dials direct"),
    SHARE("dial.punch_rate", 1, "direct, both behind NATs"),
    MEAN("dial.first_attempt_rate", 1, "ratio", "punched at the first attempt"),
    MEAN("dial.punch_packets.mean", -1, "count", "datagrams of punching per dial"),
    SHARE("dial.relayed_rate", 0, "dials relayed"),
    SHARE("dial.failed_rate", -1, "dials failed"),
    TIMES("dial.first_byte", "time to first byte"),
    TIMES("dial.direct_time", "time to direct path"),
    SHARE("recovery.rate", 1, "recovered after faults"),
    TIMES("recovery.time", "time to recover"),
    SHARE("node.joined", 1, "nodes joined"),
    MEAN("node.online_rate", 0, "ratio", "time that nodes ran"),
    MEAN("node.sessions", 0, "count", "sessions of nodes"),
    SHARE("lookup.ok_rate", 1, "lookups answered"),
    MEAN("lookup.hops.mean", -1, "hops", "hops per lookup"),
    TIMES("lookup.latency", "lookup latency"),
    SHARE("message.delivery_rate", 1, "messages delivered"),
    TIMES("message.latency", "message latency"),
    MEAN("traffic.packets_per_node_s", -1, "1/s", "sent per node, packets"),
    MEAN("traffic.bytes_per_node_s", -1, "B/s", "sent per node, bytes"),
    MEAN("nat.mappings_peak", -1, "count", "most mappings in one box"),
    MEAN("nat.mappings_made", -1, "count", "mappings made"),
    MEAN("nat.dropped_capacity", -1, "count", "dropped by full boxes"),
    MEAN("nat.dropped_filter", 0, "count", "dropped by filters"),
    MEAN("nat.hairpins", 0, "count", "turned back inside"),
    MEAN("attack_amplification", -1, "", "bytes at bystanders per byte of attackers"),
    MEAN("lookup.count", 0, "count", "lookups"),
};
const int compare_metric_count = sizeof compare_metrics / sizeof *compare_metrics;

const struct compare_metric *compare_metric_find(const char *name)
{
    for (int i = 0; i < compare_metric_count; i++)
        if (strcmp(compare_metrics[i].name, name) == 0)
            return &compare_metrics[i];
    return NULL;
}
