/* page_nat.c: who reached whom: the matrix of NATs, the paths taken, the boxes. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analysis/page.h"
#include "analysis/text.h"

#define NATS_MOST     16  /* rows of the matrix; the rarer ones are in the list */
#define PAIRS_MOST    400 /* rows of the list */
#define MATRICES_MOST 12  /* cells that get a matrix */
#define PROFILES_MOST 40

/* ---- matrix ---- */

struct pair {
    double dials, direct, failed;
    struct interval rate;
};

struct matrix {
    int count;
    int64_t all; /* NATs, of which count are shown */
    char label[NATS_MOST][400];
    struct pair pair[NATS_MOST][NATS_MOST];
};

static int label_index(const struct matrix *m, const char *nat)
{
    for (int i = 0; i < m->count; i++)
        if (strcmp(m->label[i], nat) == 0)
            return i;
    return -1;
}

#define NATS                                                                                       \
    "(SELECT cell, a AS nat, trials FROM grouped WHERE kind='pair' UNION ALL"                      \
    " SELECT cell, b, trials FROM grouped WHERE kind='pair')"

static void read_labels(struct source *s, int cell, struct matrix *m)
{
    sqlite3_stmt *rows = source_query(s,
                                      "SELECT nat FROM (SELECT nat FROM " NATS
                                      " WHERE cell=? GROUP BY nat ORDER BY sum(trials)"
                                      " DESC, nat LIMIT ?) ORDER BY nat<>'none', nat",
                                      "ii", (int64_t)cell, (int64_t)NATS_MOST);
    while (source_row(s, rows))
        snprintf(m->label[m->count++], sizeof *m->label, "%s", source_text(rows, 0));
    m->all = source_number(s, "SELECT count(DISTINCT nat) FROM " NATS " WHERE cell=?", "i",
                           (int64_t)cell);
}

static void read_pairs(struct source *s, int cell, struct matrix *m)
{
    sqlite3_stmt *rows = source_query(s,
                                      "SELECT a, b, trials, hits, value, lo, hi FROM grouped WHERE"
                                      " kind='pair' AND cell=?",
                                      "i", (int64_t)cell);
    while (source_row(s, rows)) {
        int i = label_index(m, source_text(rows, 0)), j = label_index(m, source_text(rows, 1));
        if (i < 0 || j < 0)
            continue;
        struct pair *pair = &m->pair[i][j];
        pair->dials = source_real(rows, 2);
        pair->direct = source_real(rows, 3);
        pair->rate =
            (struct interval){source_real(rows, 4), source_real(rows, 5), source_real(rows, 6)};
    }
    rows = source_query(s,
                        "SELECT substr(src_nat, 1, 99), substr(dst_nat, 1, 99), sum(failed) FROM"
                        " tally JOIN counted USING(run) WHERE cell=? GROUP BY 1, 2",
                        "i", (int64_t)cell);
    while (source_row(s, rows)) {
        int i = label_index(m, source_text(rows, 0)), j = label_index(m, source_text(rows, 1));
        if (i >= 0 && j >= 0)
            m->pair[i][j].failed = source_real(rows, 2);
    }
}

/* 100 and 0 are said only of what is exactly that. */
static double whole_percent(const struct pair *pair)
{
    double percent = 100 * pair->direct / pair->dials;
    return percent > 99 && percent < 100 ? 99 : percent > 0 && percent < 1 ? 1 : percent;
}

static const char *symbol(const struct pair *pair)
{
    return pair->direct == pair->dials ? "\xe2\x97\x8f"
           : pair->direct > 0          ? "\xe2\x97\x90"
                                       : "\xe2\x97\x8b";
}

static void write_pair(FILE *out, const struct pair *pair)
{
    char number[TEXT_VALUE];
    if (!(pair->dials > 0)) {
        fputs("<td class=\"none\">\xc2\xb7</td>", out);
        return;
    }
    fprintf(out, "<td style=\"--v:%.3f\" title=\"95 %%: ", pair->direct / pair->dials);
    page_range(out, pair->rate, "ratio");
    fprintf(out, "\">%s&nbsp;%.0f%s<small>%s</small></td>", symbol(pair), whole_percent(pair),
            pair->failed > 0 ? "<em>\xe2\x9c\x97</em>" : "", text_count(number, pair->dials));
}

/* A chain or triple may break after its separators. */
static void write_label(FILE *out, const char *label)
{
    char part[400];
    while (*label) {
        size_t length = strcspn(label, "/>");
        length += label[length] != 0;
        snprintf(part, sizeof part, "%.*s", (int)length, label);
        text_html(out, part, TEXT_LABEL);
        label += length;
        fputs(*label ? "<wbr>" : "", out);
    }
}

static void write_matrix(const struct page *p, const struct matrix *m)
{
    fputs(
        "<div class=\"scroll\"><table class=\"matrix\"><thead><tr><th scope=\"col\" colspan=\"2\">"
        "row dials column</th>",
        p->out);
    for (int j = 0; j < m->count; j++) {
        fputs("<th scope=\"col\"><abbr title=\"", p->out);
        text_html(p->out, m->label[j], TEXT_LABEL);
        fprintf(p->out, "\">%c</abbr></th>", 'A' + j);
    }
    fputs("</tr></thead><tbody>\n", p->out);
    for (int i = 0; i < m->count; i++) {
        fprintf(p->out, "<tr><th class=\"letter\">%c</th><th scope=\"row\">", 'A' + i);
        write_label(p->out, m->label[i]);
        fputs("</th>", p->out);
        for (int j = 0; j < m->count; j++)
            write_pair(p->out, &m->pair[i][j]);
        fputs("</tr>\n", p->out);
    }
    fputs("</tbody></table></div>\n", p->out);
    if (m->all > m->count)
        fprintf(p->out,
                "<p class=\"note\">The %d NATs of most dials out of %lld; the list has more.</p>\n",
                m->count, (long long)m->all);
}

/* Every pair with its interval, for those who want the numbers. */
static void write_list(const struct page *p, int cell)
{
    int rows = 0;
    char number[TEXT_VALUE];
    sqlite3_stmt *pairs = source_query(p->source,
                                       "SELECT a, b, trials, hits, value, lo, hi FROM grouped WHERE"
                                       " kind='pair' AND cell=? ORDER BY trials DESC, a, b LIMIT ?",
                                       "ii", (int64_t)cell, (int64_t)PAIRS_MOST);
    fputs("<details><summary>As a list, with intervals</summary><div class=\"scroll\"><table>"
          "<thead><tr><th scope=\"col\">from</th><th scope=\"col\">to</th><th scope=\"col\""
          " class=\"n\">dials</th><th scope=\"col\" class=\"n\">direct</th><th scope=\"col\""
          " class=\"n\">share</th><th scope=\"col\" class=\"i\">95&nbsp;% interval</th></tr>"
          "</thead><tbody>\n",
          p->out);
    for (; source_row(p->source, pairs); rows++) {
        struct interval x = {source_real(pairs, 4), source_real(pairs, 5), source_real(pairs, 6)};
        fputs("<tr><td>", p->out);
        text_html(p->out, source_text(pairs, 0), TEXT_LABEL);
        fputs("</td><td>", p->out);
        text_html(p->out, source_text(pairs, 1), TEXT_LABEL);
        for (int i = 2; i <= 3; i++)
            fprintf(p->out, "</td><td class=\"n\">%s", text_count(number, source_real(pairs, i)));
        fputs("</td><td class=\"n\">", p->out);
        text_html(p->out, text_value(number, x.value, "ratio"), TEXT_VALUE);
        fputs("</td><td class=\"i\">", p->out);
        page_range(p->out, x, "ratio");
        fputs("</td></tr>\n", p->out);
    }
    fputs("</tbody></table></div>", p->out);
    if (rows == PAIRS_MOST)
        fprintf(p->out, "<p class=\"note\">The %d pairs of most dials.</p>", PAIRS_MOST);
    fputs("</details>\n", p->out);
}

/* Each cell in a fold, open at first, where there are several. */
static void open_cell(const struct page *p, int cell)
{
    if (p->cells->count < 2)
        return;
    fprintf(p->out, "<details class=\"cell\"%s><summary>", cell == 1 ? " open" : "");
    page_cell_name(p, cell);
    fputs("</summary>\n", p->out);
}

static void close_cell(const struct page *p)
{
    if (p->cells->count > 1)
        fputs("</details>\n", p->out);
}

void page_matrix(const struct page *p)
{
    static struct matrix m;
    int cells = p->cells->count < MATRICES_MOST ? p->cells->count : MATRICES_MOST, shown = 0;
    for (int cell = 1; cell <= cells; cell++) {
        memset(&m, 0, sizeof m);
        read_labels(p->source, cell, &m);
        read_pairs(p->source, cell, &m);
        if (m.count == 0)
            continue;
        if (shown++ == 0)
            fputs("<p class=\"note\">Direct dials in percent, and below how many dials that is of."
                  " \xe2\x97\x8f&nbsp;all direct \xe2\x97\x90&nbsp;some direct"
                  " \xe2\x97\x8b&nbsp;none direct <em>\xe2\x9c\x97</em>&nbsp;some failed"
                  " \xc2\xb7&nbsp;nobody dialled</p>\n",
                  p->out);
        open_cell(p, cell);
        write_matrix(p, &m);
        write_list(p, cell);
        close_cell(p);
    }
    if (shown == 0)
        fputs("<p class=\"nothing\">Nobody dialled: there is no matrix.</p>\n", p->out);
}

/* ---- paths ---- */

void page_paths(const struct page *p)
{
    static const char *const words[] = {
        "public",    "the answering side could be reached unasked",
        "lan",       "both sides in one local network",
        "mapped",    "a port that a NAT opened when asked to (PCP, NAT-PMP, UPnP)",
        "reversed",  "the dialling side could be reached, so the other side came",
        "punched",   "both sides sent at once, through their NATs",
        "predicted", "punched, at a predicted port",
        "sprayed",   "punched, by trying many ports",
        "relay",     "through one relay",
        "relay2",    "through two relays",
        "tcp",       "a direct stream",
        "none",      "no path at all",
        NULL};
    page_groups(p, &(struct page_groups){"path", "best path used", "ratio", words});
}

/* ---- boxes ---- */

static void boxes_of_cell(const struct page *p, int cell)
{
    static const char *const heads[] = {"profile",           "boxes",
                                        "mappings made",     "most in one box",
                                        "dropped by filter", "dropped for room",
                                        "hairpins",          NULL};
    char number[TEXT_VALUE];
    sqlite3_stmt *rows = source_query(
        p->source,
        "SELECT profile, count(*), sum(mappings_made*1.0), max(mappings_peak*1.0),"
        " sum(dropped_filter*1.0), sum(dropped_capacity*1.0), sum(hairpins*1.0) FROM main.nat_box"
        " JOIN counted USING(run) WHERE cell=? GROUP BY profile ORDER BY 2 DESC, 1 LIMIT ?",
        "ii", (int64_t)cell, (int64_t)PROFILES_MOST);
    fputs("<div class=\"scroll\"><table><thead><tr>", p->out);
    for (int i = 0; heads[i]; i++)
        fprintf(p->out, "<th scope=\"col\"%s>%s</th>", i ? " class=\"n\"" : "", heads[i]);
    fputs("</tr></thead><tbody>\n", p->out);
    while (source_row(p->source, rows)) {
        fputs("<tr><th scope=\"row\">", p->out);
        text_html(p->out, source_text(rows, 0), TEXT_LABEL);
        fputs("</th>", p->out);
        for (int i = 1; i < 7; i++)
            fprintf(p->out, "<td class=\"n\">%s</td>", text_count(number, source_real(rows, i)));
        fputs("</tr>\n", p->out);
    }
    fputs("</tbody></table></div>\n", p->out);
}

void page_boxes(const struct page *p)
{
    int cells = p->cells->count < MATRICES_MOST ? p->cells->count : MATRICES_MOST;
    if (source_number(p->source, "SELECT count(*) FROM main.nat_box JOIN counted USING(run)", "") ==
        0) {
        fputs("<p class=\"nothing\">There were no NAT boxes.</p>\n", p->out);
        return;
    }
    fputs("<p class=\"note\">Counts of all boxes of a profile, over all seeds. What a filter drops"
          " came unasked, or before the inside had sent.</p>\n",
          p->out);
    for (int cell = 1; cell <= cells; cell++) {
        open_cell(p, cell);
        boxes_of_cell(p, cell);
        close_cell(p);
    }
}
