/* page_runs.c: what was expected, which runs there are, and how to repeat them. */
#include <stdio.h>
#include <string.h>

#include "analysis/page.h"
#include "analysis/text.h"

#define RUNS_MOST         500
#define EXPECTATIONS_MOST 200
#define SETTINGS_MOST     50 /* --set of a command */

/* ---- expectations ---- */

static const char *unit_of(struct source *s, const char *metric, char unit[16])
{
    sqlite3_stmt *row =
        source_query(s, "SELECT unit FROM measured WHERE metric=? LIMIT 1", "t", metric);
    unit[0] = 0;
    while (source_row(s, row))
        snprintf(unit, 16, "%s", source_text(row, 0));
    return unit;
}

/* The value, or from the least to the greatest of several seeds. */
static void write_values(const struct page *p, sqlite3_stmt *row)
{
    char low[TEXT_VALUE], high[TEXT_VALUE], unit[16];
    unit_of(p->source, source_text(row, 1), unit);
    text_value(low, source_real(row, 3), unit);
    text_value(high, source_real(row, 4), unit);
    text_html(p->out, low, TEXT_VALUE);
    if (strcmp(low, high) != 0) {
        fputs(" to ", p->out);
        text_html(p->out, high, TEXT_VALUE);
    }
}

void page_expectations(const struct page *p)
{
    int count = 0;
    sqlite3_stmt *rows =
        source_query(p->source,
                     "SELECT cell, metric, bound, min(value), max(value), sum(ok<>0), count(*) FROM"
                     " main.expectation JOIN counted USING(run) GROUP BY cell, metric, bound"
                     " ORDER BY metric, bound, cell LIMIT ?",
                     "i", (int64_t)EXPECTATIONS_MOST);
    for (; source_row(p->source, rows); count++) {
        int met = sqlite3_column_int(rows, 5), all = sqlite3_column_int(rows, 6);
        if (count == 0)
            fprintf(p->out,
                    "<div class=\"scroll\"><table><thead><tr><th scope=\"col\">met</th>"
                    "<th scope=\"col\">measure</th><th scope=\"col\">expected</th>"
                    "<th scope=\"col\" class=\"n\">got</th><th scope=\"col\" class=\"n\">runs</th>"
                    "%s</tr></thead><tbody>\n",
                    p->cells->count > 1 ? "<th scope=\"col\">cell</th>" : "");
        fprintf(p->out, "<tr><td class=\"%s\">%s</td><th scope=\"row\"><code>",
                met == all ? "good" : "bad", met == all ? "\xe2\x9c\x93 yes" : "\xe2\x9c\x97 no");
        text_html(p->out, source_text(rows, 1), TEXT_LABEL);
        fputs("</code></th><td>", p->out);
        text_html(p->out, source_text(rows, 2), TEXT_LABEL);
        fputs("</td><td class=\"n\">", p->out);
        write_values(p, rows);
        fprintf(p->out, "</td><td class=\"n\">%d of %d</td>", met, all);
        if (p->cells->count > 1) {
            fputs("<td>", p->out);
            page_cell_name(p, sqlite3_column_int(rows, 0));
            fputs("</td>", p->out);
        }
        fputs("</tr>\n", p->out);
    }
    fputs(count ? "</tbody></table></div>\n"
                : "<p class=\"nothing\">The scenario expected nothing.</p>\n",
          p->out);
}

/* ---- runs ---- */

static void run_numbers(const struct page *p, sqlite3_stmt *row)
{
    static const char *const units[] = {"s", "s", "count", "count", "B"};
    char number[TEXT_VALUE];
    for (int i = 0; i < 5; i++) {
        double value = source_real(row, 8 + i);
        const char *text = strcmp(units[i], "B") == 0 ? text_bytes(number, value)
                                                      : text_value(number, value, units[i]);
        fprintf(p->out, "<td class=\"n\">%s</td>", text);
    }
}

static void runs_table(const struct page *p)
{
    static const char *const heads[] = {"run",    "seed",   "status",    "counts", "trace hash",
                                        "engine", "core",   "commit",    "begun",  "simulated",
                                        "took",   "events", "datagrams", "memory", NULL};
    sqlite3_stmt *rows = source_query(
        p->source,
        "SELECT run, run.seed, status, coalesce(cell, 0), trace_hash, engine, stack || ' ' ||"
        " stack_version, commit_id, run.sim_s, wall_s, events, packets, peak_rss_bytes,"
        " started_utc FROM (SELECT run, seed, status, trace_hash, engine, stack, stack_version,"
        " commit_id, sim_s, wall_s, events, packets, peak_rss_bytes, started_utc FROM main.run)"
        " AS run LEFT JOIN counted USING(run) ORDER BY run LIMIT ?",
        "i", (int64_t)RUNS_MOST);
    fputs("<div class=\"scroll\"><table class=\"runs\"><thead><tr>", p->out);
    for (int i = 0; heads[i]; i++)
        fprintf(p->out, "<th scope=\"col\"%s>%s</th>", i > 8 ? " class=\"n\"" : "", heads[i]);
    fputs("</tr></thead><tbody>\n", p->out);
    while (source_row(p->source, rows)) {
        int cell = sqlite3_column_int(rows, 3);
        fputs("<tr>", p->out);
        for (int i = 0; i < 3; i++) {
            fputs("<td>", p->out);
            text_html(p->out, source_text(rows, i), TEXT_LABEL);
            fputs("</td>", p->out);
        }
        fputs("<td>", p->out);
        if (cell == 0)
            fputs("no", p->out);
        else if (p->cells->count > 1)
            page_cell_name(p, cell);
        else
            fputs("yes", p->out);
        fputs("</td><td><code>", p->out);
        text_html(p->out, source_text(rows, 4), TEXT_LABEL);
        fputs("</code></td>", p->out);
        for (int i = 5; i <= 8; i++) {
            fputs("<td>", p->out);
            text_html(p->out, source_text(rows, i < 8 ? i : 13), TEXT_LABEL);
            fputs("</td>", p->out);
        }
        run_numbers(p, rows);
        fputs("</tr>\n", p->out);
    }
    fputs("</tbody></table></div>\n", p->out);
}

/* ---- how to repeat them ---- */

/* As one word of a shell's line, however it looks. */
static void shell_word(FILE *out, const char *word, size_t length)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "._-/=+:,@%";
    char text[600];
    size_t n = 0;
    if (length > 0 && strspn(word, plain) >= length) {
        snprintf(text, sizeof text, "%.*s", (int)length, word);
        text_html(out, text, sizeof text);
        return;
    }
    for (size_t i = 0; i < length && n < sizeof text - 8; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, word[i] == '\'' ? "'\\''" : "%c", word[i]);
    text[n] = 0;
    fputs("&#39;", out);
    text_html(out, text, sizeof text);
    fputs("&#39;", out);
}

/* The recorder notes each override as a line of the text. */
static void settings(FILE *out, const char *scenario_text)
{
    static const char mark[] = "\n# --set ";
    const char *line = strstr(scenario_text, mark);
    for (int n = 0; line && n < SETTINGS_MOST; n++) {
        const char *word = line + strlen(mark);
        size_t length = strcspn(word, "\n");
        fputs(" --set ", out);
        shell_word(out, word, length < 500 ? length : 500);
        line = strstr(word, mark);
    }
}

static void command(const struct page *p, sqlite3_stmt *row)
{
    char file[300], commit[100];
    long long low = sqlite3_column_int64(row, 4), high = sqlite3_column_int64(row, 5);
    snprintf(file, sizeof file, "%.250s.yaml", source_text(row, 0));
    snprintf(commit, sizeof commit, "%.90s", source_text(row, 2));
    char *dirty = strstr(commit, "-dirty");
    if (dirty)
        *dirty = 0;
    fputs("<pre class=\"command\">git checkout ", p->out);
    shell_word(p->out, commit, strlen(commit));
    fputs(" &amp;&amp; make\nbuild/mistsim run ", p->out);
    shell_word(p->out, file, strlen(file));
    if (low == high)
        fprintf(p->out, " --seed %lld", low);
    else
        fprintf(p->out, " --seeds %lld..%lld", low, high);
    fputs(" --engine ", p->out);
    shell_word(p->out, source_text(row, 3), strlen(source_text(row, 3)));
    settings(p->out, source_text(row, 1));
    fputs("</pre>\n", p->out);
    if (dirty)
        fputs("<p class=\"note\">The program had changes beyond that commit.</p>\n", p->out);
}

static void repeat(const struct page *p)
{
    int count = 0;
    sqlite3_stmt *rows =
        source_query(p->source,
                     "SELECT scenario, scenario_text, commit_id, engine, min(run.seed),"
                     " max(run.seed) FROM main.run JOIN counted USING(run)"
                     " GROUP BY 1, 2, 3, 4 ORDER BY min(run.run) LIMIT 5",
                     "");
    for (; source_row(p->source, rows); count++) {
        if (count == 0)
            fputs("<h3>To repeat them</h3>\n<p>With the scenario above in a file beside the files"
                  " that it names:</p>\n",
                  p->out);
        command(p, rows);
    }
    if (count)
        fputs("<p class=\"note\">The same scenario, seed and core give the same trace hash, on any"
              " machine.</p>\n",
              p->out);
}

void page_runs(const struct page *p)
{
    runs_table(p);
    repeat(p);
}
