/* page_answer.c: the answer: headline rates with intervals, then all measures. */
#include <math.h>
#include <string.h>

#include "analysis/measure.h"
#include "analysis/page.h"
#include "analysis/text.h"

#define RATES_CELLS 12 /* cells that a headline compares */

static const struct {
    const char *metric, *title, *says;
} rates[] = {
    {"dial.direct_rate", "Direct", "of all dials got a path without a relay"},
    {"dial.connected_rate", "Connected", "of all dials got a path, direct or through a relay"},
    {"dial.punch_rate", "Punched",
     "of the dials between peers that were both behind NATs or "
     "firewalls and not yet connected became direct"},
};
#define RATES (sizeof rates / sizeof *rates)

/* In groups: a row without metric is a heading. */
static const struct {
    const char *metric, *label;
} measures[] = {
    {NULL, "Dials"},
    {"dial.direct_rate", "direct"},
    {"dial.relayed_rate", "relayed"},
    {"dial.failed_rate", "failed"},
    {"dial.connected_rate", "connected"},
    {"dial.punch_rate", "punched"},
    {"dial.first_attempt_rate", "punched at the first attempt"},
    {"dial.punch_packets.mean", "datagrams of punching per dial"},
    {"dial.rule_rate", "direct, by the rule of RFC 4787"},
    {"dial.direct_rate_vs_rule", "distance from the rule"},
    {NULL, "Times"},
    {"dial.first_byte.p50", "first byte, median"},
    {"dial.first_byte.p95", "first byte, p95"},
    {"dial.first_byte.p99", "first byte, p99"},
    {"dial.direct_time.p50", "direct path, median"},
    {"dial.direct_time.p95", "direct path, p95"},
    {"dial.direct_time.p99", "direct path, p99"},
    {NULL, "Overlay"},
    {"node.joined", "nodes joined"},
    {"lookup.ok_rate", "lookups that ended well"},
    {"lookup.hops.mean", "hops of a lookup, mean"},
    {"lookup.latency.p50", "lookup, median"},
    {"lookup.latency.p95", "lookup, p95"},
    {"message.delivery_rate", "messages delivered"},
    {"message.latency.p50", "last subscriber, median"},
    {"message.latency.p95", "last subscriber, p95"},
    {"traffic.packets_per_node_s", "datagrams sent per node"},
    {"traffic.bytes_per_node_s", "bytes sent per node"},
};
#define MEASURES (sizeof measures / sizeof *measures)

/* ---- headline ---- */

static void write_n(FILE *out, const struct figure_value *f)
{
    char number[TEXT_VALUE];
    fprintf(out, "n&nbsp;=&nbsp;%s", text_count(number, f->trials));
    if (f->seeds > 1)
        fprintf(out, ", %d&nbsp;seeds", f->seeds);
}

static void single_rate(const struct page *p, const struct figure_value *f)
{
    char number[TEXT_VALUE];
    fputs("<p class=\"big\">", p->out);
    text_html(p->out, text_value(number, f->interval.value, "ratio"), TEXT_VALUE);
    fputs("</p>", p->out);
    page_track(p->out, f->interval);
    fputs("<p class=\"note\">95&nbsp;%: ", p->out);
    page_range(p->out, f->interval, "ratio");
    fputs(" \xc2\xb7 ", p->out);
    write_n(p->out, f);
    fputs("</p>", p->out);
}

static void compared_rates(const struct page *p, const char *metric)
{
    char number[TEXT_VALUE];
    int cells = p->cells->count < RATES_CELLS ? p->cells->count : RATES_CELLS;
    fputs("<ul class=\"compare\">", p->out);
    for (int cell = 1; cell <= cells; cell++) {
        struct figure_value f = measure(p->source, cell, metric);
        fputs("<li><span>", p->out);
        page_cell_name(p, cell);
        fputs("</span> <strong>", p->out);
        text_html(p->out, text_value(number, f.interval.value, "ratio"), TEXT_VALUE);
        fputs("</strong>", p->out);
        page_track(p->out, f.interval);
        if (f.seeds) {
            fputs("<small>", p->out);
            page_range(p->out, f.interval, "ratio");
            fputs(" \xc2\xb7 ", p->out);
            write_n(p->out, &f);
            fputs("</small>", p->out);
        }
        fputs("</li>\n", p->out);
    }
    fputs("</ul>", p->out);
    if (p->cells->count > cells)
        fprintf(p->out, "<p class=\"note\">The first %d of %d cells; the table has all.</p>", cells,
                p->cells->count);
}

void page_headline(const struct page *p)
{
    if (p->cells->count == 0) {
        fputs("<p class=\"nothing\">No run has come to an end: there is no answer yet.</p>\n",
              p->out);
        return;
    }
    fputs("<div class=\"cards\">\n", p->out);
    for (size_t i = 0; i < RATES; i++) {
        struct figure_value f = measure(p->source, 1, rates[i].metric);
        fprintf(p->out, "<article class=\"card\"><h3>%s</h3><p class=\"says\">%s</p>",
                rates[i].title, rates[i].says);
        if (p->cells->count > 1)
            compared_rates(p, rates[i].metric);
        else if (f.seeds)
            single_rate(p, &f);
        else
            fputs("<p class=\"nothing\">No dial of that kind.</p>", p->out);
        fputs("</article>\n", p->out);
    }
    fputs("</div>\n", p->out);
}

/* ---- measures ---- */

static void say_what_intervals_are(const struct page *p)
{
    int single = 0, several = 0;
    for (int i = 0; i < p->cells->count; i++) {
        single += p->cells->all[i].seeds == 1;
        several += p->cells->all[i].seeds > 1;
    }
    fputs("<p class=\"note\">", p->out);
    if (several)
        fputs("Intervals are 95&nbsp;% over seeds, since the dials of one seed share a world:"
              " shares by Wilson's formula with the effective number of trials and Student\xe2\x80"
              "\x99s t, all else mean and t interval of the seeds\xe2\x80\x99 values"
              " (of percentiles, too), cut at what is possible. ",
              p->out);
    if (single)
        fputs("With one seed, intervals are 95&nbsp;% within that run: shares by Wilson\xe2\x80"
              "\x99s formula, percentiles by order statistics. They say nothing about the spread"
              " between worlds: run more <code>--seeds</code> for that.",
              p->out);
    fputs("</p>\n", p->out);
}

static void measure_values(const struct page *p, const char *metric, int columns)
{
    char number[TEXT_VALUE];
    for (int cell = 1; cell <= columns; cell++) {
        struct figure_value f = measure(p->source, cell, metric);
        fputs("<td class=\"n\">", p->out);
        text_html(p->out, f.seeds ? text_value(number, f.interval.value, f.unit) : "-", TEXT_VALUE);
        fputs("</td><td class=\"i\">", p->out);
        page_range(p->out, f.interval, f.unit);
        fputs("</td><td class=\"n\">", p->out);
        if (f.trials > 0)
            text_html(p->out, text_count(number, f.trials), TEXT_VALUE);
        fputs("</td>", p->out);
    }
}

static int is_measured(const struct page *p, const char *metric)
{
    return source_number(p->source, "SELECT 1 FROM measured WHERE metric=? AND value NOT NULL", "t",
                         metric) == 1;
}

static void begin_table(const struct page *p, int columns)
{
    fputs("<div class=\"scroll\"><table class=\"measures\"><thead>", p->out);
    if (p->cells->count > 1) {
        fputs("<tr><td></td>", p->out);
        for (int cell = 1; cell <= columns; cell++) {
            fputs("<th scope=\"colgroup\" colspan=\"3\">", p->out);
            page_cell_name(p, cell);
            fputs("</th>", p->out);
        }
        fputs("</tr>", p->out);
    }
    fputs("</thead><tbody>\n", p->out);
}

static void heading_row(const struct page *p, const char *heading, int columns)
{
    fprintf(p->out, "<tr class=\"heading\"><th scope=\"col\">%s</th>", heading);
    for (int cell = 1; cell <= columns; cell++)
        fputs("<th scope=\"col\" class=\"n\">value</th><th scope=\"col\" class=\"i\">95&nbsp;%"
              " interval</th><th scope=\"col\" class=\"n\">n</th>",
              p->out);
    fputs("</tr>\n", p->out);
}

/* A table per group where there is one cell; else one table, whose columns then align. */
static void measure_groups(const struct page *p, int columns)
{
    const char *heading = NULL;
    int tables = 0, separate = p->cells->count == 1;
    for (size_t i = 0; i < MEASURES; i++) {
        if (!measures[i].metric)
            heading = measures[i].label;
        if (!measures[i].metric || !is_measured(p, measures[i].metric))
            continue;
        if (heading && separate && tables)
            fputs("</tbody></table></div>\n", p->out);
        if (heading && (separate || !tables++))
            begin_table(p, columns);
        tables += heading != NULL;
        if (heading)
            heading_row(p, heading, columns);
        heading = NULL;
        fprintf(p->out, "<tr><th scope=\"row\">%s</th>", measures[i].label);
        measure_values(p, measures[i].metric, columns);
        fputs("</tr>\n", p->out);
    }
    fputs(tables ? "</tbody></table></div>\n" : "", p->out);
}

/* Of many cells: a row each, with the measures that decide. */
static void cells_table(const struct page *p)
{
    static const char *const columns[] = {"dial.direct_rate",
                                          "direct",
                                          "dial.connected_rate",
                                          "connected",
                                          "dial.punch_rate",
                                          "punched",
                                          "dial.first_byte.p50",
                                          "first byte, median",
                                          "dial.first_byte.p95",
                                          "first byte, p95",
                                          "dial.direct_time.p50",
                                          "direct, median",
                                          "dial.direct_time.p95",
                                          "direct, p95",
                                          "traffic.bytes_per_node_s",
                                          "bytes sent per node",
                                          NULL};
    char number[TEXT_VALUE];
    fputs("<div class=\"scroll\"><table class=\"groups\"><thead><tr><th scope=\"col\">cell</th>"
          "<th scope=\"col\" class=\"n\">seeds</th>",
          p->out);
    for (int i = 0; columns[i]; i += 2)
        fprintf(p->out, "<th scope=\"col\" class=\"n\">%s</th>", columns[i + 1]);
    fputs("</tr></thead><tbody>\n", p->out);
    for (int cell = 1; cell <= p->cells->count; cell++) {
        fputs("<tr><th scope=\"row\">", p->out);
        page_cell_name(p, cell);
        fprintf(p->out, "</th><td class=\"n\">%d</td>", p->cells->all[cell - 1].seeds);
        for (int i = 0; columns[i]; i += 2) {
            struct figure_value f = measure(p->source, cell, columns[i]);
            fprintf(p->out, "<td class=\"n\" title=\"n = %.0f\">", f.trials);
            text_html(p->out, f.seeds ? text_value(number, f.interval.value, f.unit) : "-",
                      TEXT_VALUE);
            fputs("<br><small>", p->out);
            page_range(p->out, f.interval, f.unit);
            fputs("</small></td>", p->out);
        }
        fputs("</tr>\n", p->out);
    }
    fputs("</tbody></table></div>\n", p->out);
}

void page_measures(const struct page *p)
{
    if (p->cells->count == 0)
        return;
    if (p->cells->count > PAGE_COLUMNS) {
        cells_table(p);
    } else {
        fprintf(p->out, "<div class=\"%s\">", p->cells->count > 1 ? "wide" : "tables");
        measure_groups(p, p->cells->count);
        fputs("</div>\n", p->out);
    }
    say_what_intervals_are(p);
}
