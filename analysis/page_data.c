/* page_data.c: the numbers behind the page, as JSON inside it.
 *
 * Format: an object with `format` "mist-report" and `version` 1; each table is
 * {"columns": [...], "rows": [[...], ...]}.  Cells are numbered from 1. */
#include "analysis/page.h"
#include "analysis/text.h"

static void json_value(FILE *out, sqlite3_stmt *row, int column)
{
    switch (sqlite3_column_type(row, column)) {
    case SQLITE_INTEGER: fprintf(out, "%lld", (long long)sqlite3_column_int64(row, column)); break;
    case SQLITE_FLOAT: text_json_number(out, sqlite3_column_double(row, column)); break;
    case SQLITE_NULL: fputs("null", out); break;
    default: text_json(out, source_text(row, column)); break;
    }
}

static void json_table(const struct page *p, const char *name, const char *sql)
{
    sqlite3_stmt *row = source_query(p->source, sql, "");
    fprintf(p->out, ",\n\"%s\":{\"columns\":[", name);
    for (int i = 0; row && i < sqlite3_column_count(row); i++) {
        fputs(i ? "," : "", p->out);
        text_json(p->out, sqlite3_column_name(row, i));
    }
    fputs("],\"rows\":[", p->out);
    for (int n = 0; source_row(p->source, row); n++) {
        fputs(n ? ",\n[" : "\n[", p->out);
        for (int i = 0; i < sqlite3_column_count(row); i++) {
            fputs(i ? "," : "", p->out);
            json_value(p->out, row, i);
        }
        fputc(']', p->out);
    }
    fputs("]}", p->out);
}

static void json_cells(const struct page *p)
{
    fputs(",\n\"cells\":{\"columns\":[\"cell\",\"label\",\"seeds\"],\"rows\":[", p->out);
    for (int i = 0; i < p->cells->count; i++) {
        fprintf(p->out, "%s[%d,", i ? "," : "", i + 1);
        text_json(p->out, p->cells->all[i].label);
        fprintf(p->out, ",%d]", p->cells->all[i].seeds);
    }
    fputs("]}", p->out);
}

void page_data(const struct page *p)
{
    fputs(
        "<p>All numbers of this page are in it as JSON, by run and by cell. <span id=\"download\">"
        "With JavaScript, a button to save them stands here; without, they are in the page"
        "\xe2\x80\x99s source, in the element <code>mist-data</code>.</span></p>\n"
        "<script type=\"application/json\" id=\"mist-data\">{\"format\":\"mist-report\","
        "\"version\":1",
        p->out);
    json_cells(p);
    json_table(p, "runs",
               "SELECT run, scenario, run.cell AS settings, run.seed, engine, stack,"
               " stack_version, commit_id, started_utc, status, run.sim_s, wall_s, events,"
               " packets, peak_rss_bytes, trace_hash, counted.cell AS cell FROM main.run LEFT JOIN"
               " counted USING(run) ORDER BY run LIMIT 10000");
    json_table(p, "measured",
               "SELECT run, metric, value, lo, hi, unit FROM measured ORDER BY run, metric");
    json_table(p, "groups",
               "SELECT kind, cell, a, b, hits, trials, value, lo, hi FROM grouped"
               " ORDER BY kind, cell, a, b LIMIT 20000");
    json_table(p, "expectations",
               "SELECT run, metric, bound, value, ok FROM main.expectation JOIN counted USING(run)"
               " ORDER BY run, metric LIMIT 10000");
    json_table(p, "boxes",
               "SELECT cell, profile, count(*) AS boxes, sum(mappings_made*1.0) AS mappings_made,"
               " max(mappings_peak) AS mappings_peak, sum(dropped_filter*1.0) AS dropped_filter,"
               " sum(dropped_capacity*1.0) AS dropped_capacity, sum(hairpins*1.0) AS hairpins FROM"
               " main.nat_box JOIN counted USING(run) GROUP BY 1, 2 ORDER BY 1, 2 LIMIT 10000");
    json_table(p, "points", "SELECT curve, cell, x, y, lo, hi FROM point ORDER BY rowid");
    fputs("}</script>\n", p->out);
}
