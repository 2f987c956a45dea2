/* page.c: see page.h.  The frame, the question, and what several sections use. */
#include "analysis/page.h"

#include <math.h>
#include <string.h>

#include "analysis/question.h"
#include "analysis/text.h"

#define GROUPS_MOST    40 /* rows of a table of groups */
#define SCENARIOS_MOST 5
#define SCENARIO_TEXT  200000 /* characters of a scenario that are shown */

/* ---- shared by the sections ---- */

static void css_share(FILE *out, const char *name, double share)
{
    fprintf(out, "%s:%.4f;", name, share >= 0 && share <= 1 ? share : 0);
}

void page_track(FILE *out, struct interval share)
{
    int known = isfinite(share.lo) && isfinite(share.hi);
    fputs("<span class=\"track\" aria-hidden=\"true\" style=\"", out);
    css_share(out, "--v", share.value);
    css_share(out, "--lo", known ? share.lo : share.value);
    css_share(out, "--hi", known ? share.hi : share.value);
    fputs("\"><i></i><b></b></span>", out);
}

void page_range(FILE *out, struct interval x, const char *unit)
{
    char lo[TEXT_VALUE], hi[TEXT_VALUE];
    if (!isfinite(x.lo) || !isfinite(x.hi))
        return;
    text_value(lo, x.lo, unit);
    text_value(hi, x.hi, unit);
    /* The unit is said once where both have the same. */
    const char *unit_lo = strchr(lo, ' '), *unit_hi = strchr(hi, ' ');
    int same = unit_lo && unit_hi && strcmp(unit_lo, unit_hi) == 0;
    if (same)
        lo[unit_lo - lo] = 0;
    text_html(out, lo, TEXT_VALUE);
    fputs("&thinsp;\xe2\x80\x93&thinsp;", out);
    text_html(out, hi, TEXT_VALUE);
}

void page_cell_name(const struct page *p, int cell)
{
    const char *label = p->cells->all[cell - 1].label;
    if (p->cells->count > 1 && p->cells->count <= FIGURES_LINES)
        figures_key(cell - 1, p->out);
    text_html(p->out, *label ? label : "this scenario", TEXT_LABEL);
}

static const char *meaning(const char *const *words, const char *a)
{
    for (; words && words[0]; words += 2)
        if (strcmp(words[0], a) == 0)
            return words[1];
    return "";
}

/* One value with its interval, and a bar where it is the only column. */
static void group_value(const struct page *p, const struct page_groups *g, const char *a, int cell,
                        double largest)
{
    char number[TEXT_VALUE];
    sqlite3_stmt *row =
        source_query(p->source, "SELECT value, lo, hi FROM grouped WHERE kind=? AND cell=? AND a=?",
                     "tit", g->kind, (int64_t)cell, a);
    fputs("<td class=\"n\">", p->out);
    while (source_row(p->source, row)) {
        struct interval x = {source_real(row, 0), source_real(row, 1), source_real(row, 2)};
        text_html(p->out, text_value(number, x.value, g->unit), TEXT_VALUE);
        fputs(" <small>", p->out);
        page_range(p->out, x, g->unit);
        fputs("</small>", p->out);
        if (p->cells->count == 1) {
            fputs("</td><td class=\"w\"><span class=\"bar\" style=\"", p->out);
            css_share(p->out, "--v", x.value / largest);
            fputs(x.value > 0 ? "\"></span>" : "\" hidden></span>", p->out);
        }
    }
    fputs("</td>", p->out);
}

static void groups_head(const struct page *p, const struct page_groups *g, int columns)
{
    fprintf(p->out, "<div class=\"scroll\"><table><thead><tr><th scope=\"col\">%s</th>",
            g->heading);
    for (int cell = 1; cell <= columns; cell++) {
        fputs("<th scope=\"col\" class=\"n\">", p->out);
        if (p->cells->count > 1)
            page_cell_name(p, cell);
        else
            fprintf(p->out, "%s",
                    strcmp(g->unit, "ratio") == 0 ? "share <small>95&nbsp;% interval</small>"
                                                  : "mean");
        fputs("</th>", p->out);
    }
    fputs(p->cells->count == 1 ? "<th></th></tr></thead><tbody>\n" : "</tr></thead><tbody>\n",
          p->out);
}

void page_groups(const struct page *p, const struct page_groups *g)
{
    int columns = p->cells->count < PAGE_COLUMNS ? p->cells->count : PAGE_COLUMNS, rows = 0;
    double largest = 0;
    sqlite3_stmt *names = source_query(p->source,
                                       "SELECT a, max(value) FROM grouped WHERE kind=? AND cell<=?"
                                       " GROUP BY a ORDER BY sum(value) DESC, a LIMIT ?",
                                       "tii", g->kind, (int64_t)columns, (int64_t)GROUPS_MOST);
    while (source_row(p->source, names)) {
        const char *a = source_text(names, 0), *means = meaning(g->words, a);
        if (rows++ == 0) {
            largest = source_real(names, 1);
            groups_head(p, g, columns);
        }
        fputs("<tr><th scope=\"row\">", p->out);
        text_html(p->out, a, TEXT_LABEL);
        if (*means)
            fprintf(p->out, " <small>%s</small>", means);
        fputs("</th>", p->out);
        for (int cell = 1; cell <= columns; cell++)
            group_value(p, g, a, cell, largest);
        fputs("</tr>\n", p->out);
    }
    fputs(rows ? "</tbody></table></div>\n" : "<p class=\"nothing\">Nothing was recorded.</p>\n",
          p->out);
}

/* ---- the frame ---- */

static void head(const struct page *p, const char *name)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>", p->out);
    text_html(p->out, name, TEXT_LABEL);
    fputs(" \xe2\x80\x93 Mist report</title>\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n"
          "<meta name=\"generator\" content=\"mistsim report\">\n",
          p->out);
    page_style(p->out);
    fputs("</head>\n<body>\n", p->out);
}

/* Each different scenario: its name, question and text. */
static void scenarios(const struct page *p)
{
    static char question[4000];
    sqlite3_stmt *rows = source_query(p->source,
                                      "SELECT scenario, scenario_text FROM main.run GROUP BY 1, 2"
                                      " ORDER BY min(run) LIMIT ?",
                                      "i", (int64_t)SCENARIOS_MOST);
    while (source_row(p->source, rows)) {
        question_read(source_text(rows, 1), question, sizeof question);
        fputs("<p class=\"kicker\">Mist report</p><h1>", p->out);
        text_html(p->out, source_text(rows, 0), TEXT_LABEL);
        fputs("</h1>\n<p class=\"question\">", p->out);
        text_html(p->out, *question ? question : "The scenario asks no question.", sizeof question);
        fputs("</p>\n<details class=\"scenario\"><summary>The scenario</summary><pre>", p->out);
        text_html(p->out, source_text(rows, 1), SCENARIO_TEXT);
        fputs("</pre></details>\n", p->out);
    }
}

static void chip(const struct page *p, double n, const char *one, const char *many)
{
    char number[TEXT_VALUE];
    fprintf(p->out, "<li>%s %s</li>", text_count(number, n), n == 1 ? one : many);
}

static void verdict(const struct page *p)
{
    int64_t all = source_number(p->source,
                                "SELECT count(*) FROM main.expectation JOIN counted"
                                " USING(run)",
                                "");
    int64_t met = source_number(p->source,
                                "SELECT count(*) FROM main.expectation JOIN counted"
                                " USING(run) WHERE ok",
                                "");
    if (all)
        fprintf(p->out, "<li class=\"%s\">%s %lld of %lld expectations met</li>",
                met == all ? "good" : "bad", met == all ? "\xe2\x9c\x93" : "\xe2\x9c\x97",
                (long long)met, (long long)all);
}

static void chips(const struct page *p)
{
    struct source *s = p->source;
    char number[TEXT_VALUE];
    double longest = (double)source_number(s, "SELECT round(max(sim_s)) FROM counted", "");
    fputs("<ul class=\"chips\">", p->out);
    chip(p, (double)source_number(s, "SELECT max(nodes) FROM counted", ""), "node", "nodes");
    fprintf(p->out, "<li>%s simulated</li>", text_seconds(number, longest));
    if (p->cells->count > 1)
        chip(p, p->cells->count, "cell", "cells");
    chip(p, (double)source_number(s, "SELECT count(DISTINCT seed) FROM counted", ""), "seed",
         "seeds");
    chip(p, (double)source_number(s, "SELECT sum(dials) FROM tally", ""), "dial", "dials");
    verdict(p);
    fputs("</ul>\n", p->out);
}

/* Runs that did not end well are told of, never dropped silently. */
static void attrition(const struct page *p)
{
    int64_t all = source_number(p->source, "SELECT count(*) FROM main.run", "");
    int64_t complete =
        source_number(p->source, "SELECT count(*) FROM main.run WHERE status='complete'", "");
    if (all == 0)
        fputs("<p class=\"warning\">The results file holds no run.</p>\n", p->out);
    else if (complete < all)
        fprintf(p->out,
                "<p class=\"warning\">%lld of %lld runs did not complete. Interrupted runs count"
                " only in cells without a complete one; see the <a href=\"#runs\">runs</a>.</p>\n",
                (long long)(all - complete), (long long)all);
    if (p->cells->left_out > 0)
        fprintf(p->out, "<p class=\"warning\">%d cells beyond the first %d are left out.</p>\n",
                p->cells->left_out, p->cells->count);
}

static void contents(const struct page *p)
{
    static const char *const parts[] = {
        "answer",       "Answer",       "matrix",  "NAT by NAT", "times",     "Times",   "course",
        "Course",       "traffic",      "Traffic", "boxes",      "NAT boxes", "lookups", "Lookups",
        "expectations", "Expectations", "runs",    "Runs",       "data",      "Data",    NULL};
    fputs("<nav aria-label=\"Contents\">", p->out);
    for (int i = 0; parts[i]; i += 2)
        fprintf(p->out, "<a href=\"#%s\">%s</a>", parts[i], parts[i + 1]);
    fputs("</nav>\n", p->out);
}

static void section(const struct page *p, const char *id, const char *title)
{
    fprintf(p->out, "</section>\n<section id=\"%s\"><h2>%s</h2>\n", id, title);
}

static void results(const struct page *p)
{
    fputs("<section id=\"answer\"><h2>Answer</h2>\n", p->out);
    page_headline(p);
    page_measures(p);
    section(p, "matrix", "NAT by NAT");
    page_matrix(p);
    section(p, "paths", "Paths taken");
    page_paths(p);
    section(p, "times", "Times");
    figures_html(p->figures, FIGURES_TIMES, p->out);
    section(p, "course", "Course of the run");
    figures_html(p->figures, FIGURES_COURSE, p->out);
    section(p, "traffic", "Traffic");
    page_traffic(p);
    section(p, "boxes", "NAT boxes");
    page_boxes(p);
    section(p, "lookups", "Lookups");
    page_lookups(p);
    page_messages(p);
}

void page_write(const struct page *p)
{
    char name[400] = "Mist";
    sqlite3_stmt *row =
        source_query(p->source, "SELECT scenario FROM main.run ORDER BY run LIMIT 1", "");
    while (source_row(p->source, row))
        snprintf(name, sizeof name, "%s", source_text(row, 0));
    head(p, name);
    fputs("<header>\n", p->out);
    scenarios(p);
    chips(p);
    attrition(p);
    contents(p);
    fputs("</header>\n<main>\n", p->out);
    results(p);
    section(p, "expectations", "Expectations");
    page_expectations(p);
    section(p, "runs", "Runs, and how to repeat them");
    page_runs(p);
    section(p, "data", "Data");
    page_data(p);
    fputs("</section>\n</main>\n", p->out);
    page_script(p->out);
    fputs("</body>\n</html>\n", p->out);
}
