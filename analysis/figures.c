/* figures.c: see figures.h. */
#include "analysis/figures.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/curves.h"
#include "analysis/exit.h"
#include "analysis/gnuplot.h"
#include "analysis/text.h"
#include "stack/check.h"

enum axis { LOG_SECONDS, SIMULATED_TIME, LOG_BYTES, SHARE, TAIL_SHARE, NUMBER };

static const struct kind {
    enum curve curve;
    enum figures_part part;
    const char *name; /* of files and anchors */
    const char *title, *x_title, *y_title;
    enum axis x, y;
    int band;
    const char *says;    /* how to read it */
    const char *nothing; /* instead of an empty figure */
} kinds[] = {
    {CURVE_FIRST_BYTE, FIGURES_TIMES, "first-byte", "Time to first byte",
     "time since the dial began", "share of all dials", LOG_SECONDS, SHARE, 1,
     "The share of all dials that had data by that time. Where the line ends flat, the rest never "
     "had any.",
     "No dial carried data: no time to first byte to draw."},
    {CURVE_DIRECT, FIGURES_TIMES, "direct", "Time to a direct path", "time since the dial began",
     "share of all dials", LOG_SECONDS, SHARE, 1,
     "The share of all dials that had a direct path by that time. What is missing at the top went "
     "through a relay or failed.",
     "No dial became direct: no time to a direct path to draw."},
    {CURVE_FIRST_BYTE_TAIL, FIGURES_TIMES, "first-byte-tail", "First byte: the slow tail",
     "time since the dial began", "share still waiting", LOG_SECONDS, TAIL_SHARE, 1,
     "Of the dials that had data: the share that still waited for it. 1 % marks the slowest "
     "hundredth.",
     "No dial carried data: no tail to draw."},
    {CURVE_DIRECT_TAIL, FIGURES_TIMES, "direct-tail", "Direct path: the slow tail",
     "time since the dial began", "share still waiting", LOG_SECONDS, TAIL_SHARE, 1,
     "Of the dials that became direct: the share that was not yet.",
     "No dial became direct: no tail to draw."},
    {CURVE_CONNECTED_RATE, FIGURES_COURSE, "connected-rate", "Connected, by time of dial",
     "simulated time", "share of the dials begun then", SIMULATED_TIME, SHARE, 1,
     "Direct or through a relay, within the dial's window.", "Nobody dialled."},
    {CURVE_DIRECT_RATE, FIGURES_COURSE, "direct-rate", "Direct, by time of dial", "simulated time",
     "share of the dials begun then", SIMULATED_TIME, SHARE, 1,
     "On a direct path within the dial's window.", "Nobody dialled."},
    {CURVE_JOINED, FIGURES_COURSE, "joined", "Nodes that have joined", "simulated time",
     "share of all nodes", SIMULATED_TIME, SHARE, 1,
     "A node has joined when it takes part in the overlay.",
     "The run recorded no series of joined nodes."},
    {CURVE_DATAGRAMS, FIGURES_COURSE, "datagrams", "Datagrams sent", "simulated time",
     "datagrams per node and second", SIMULATED_TIME, NUMBER, 1,
     "All nodes together, divided by their number.", "The run recorded no series of datagrams."},
    {CURVE_NODE_BYTES, FIGURES_TRAFFIC, "node-bytes", "Traffic of a node",
     "bytes per second, sent and received", "share of nodes", LOG_BYTES, SHARE, 0,
     "The share of nodes with at most that much traffic, averaged over the run.",
     "The run recorded no traffic."},
    {CURVE_LOOKUP, FIGURES_LOOKUPS, "lookup", "Time of a lookup", "time since the lookup began",
     "share of all lookups", LOG_SECONDS, SHARE, 1,
     "The share of all lookups that had ended well by that time.", "No lookup ended well."},
    {CURVE_MESSAGE, FIGURES_MESSAGES, "message", "Time to the last subscriber",
     "time since publication", "share of all messages", LOG_SECONDS, SHARE, 1,
     "The share of all messages that had reached every subscriber by that time.",
     "No message reached all its subscribers."},
};
#define KINDS (sizeof kinds / sizeof *kinds)

struct panel {
    int cell;    /* 0: all of them, overlaid */
    int present; /* has it any point? */
    char *svg, *words;
};

struct figures {
    const struct cells *cells;
    double duration_s; /* of the longest run that counts */
    int panels;        /* of each kind */
    int lines;         /* in a panel that overlays */
    struct panel panel[KINDS][CURVES_CELLS];
};

/* Small multiples are smaller, and their text is as large as in the others. */
struct size {
    int width, height;
};

static struct size size(const struct figures *f)
{
    return f->panels > 1 ? (struct size){330, 230} : (struct size){480, 300};
}

/* The same in gnuplot and in the legend. */
static const char *const dashes[FIGURES_LINES] = {"", "9,3", "3,3", "9,3,2,3", "14,4", "5,2,2,2"};

struct range { /* of a panel's points */
    double x_low, x_high, y_low, y_high;
    int present;
};

static struct range find_range(struct source *s, enum curve curve, int cells)
{
    struct range r = {0};
    sqlite3_stmt *row = source_query(s,
                                     "SELECT min(x), max(x), min(y) FILTER (WHERE y > 0), max(y),"
                                     " count(y) FROM point WHERE curve=? AND cell<=?",
                                     "ti", curves_names[curve], (int64_t)cells);
    while (source_row(s, row)) {
        r = (struct range){source_real(row, 0), source_real(row, 1), source_real(row, 2),
                           source_real(row, 3), sqlite3_column_int(row, 4) > 0};
    }
    r.present = r.present && isfinite(r.x_low) && isfinite(r.x_high);
    return r;
}

/* ---- axes ---- */

struct time_unit {
    double seconds;
    const char *name;
};

static struct time_unit time_unit(double seconds)
{
    static const struct time_unit units[] = {{1, "s"}, {60, "min"}, {3600, "h"}, {86400, "days"}};
    int i = 0;
    while (i < 3 && seconds > 3 * units[i + 1].seconds)
        i++;
    return units[i];
}

static void write_tick_text(FILE *gp, enum axis axis, double x)
{
    static const char *const bytes[] = {"B/s", "kB/s", "MB/s", "GB/s"};
    int unit = 0;
    if (axis == LOG_SECONDS) {
        fprintf(gp, x < 0.9999 ? "%.4g ms" : "%.4g s", x < 0.9999 ? x * 1e3 : x);
        return;
    }
    for (; x > 999.9 && unit < 3; unit++)
        x /= 1000;
    fprintf(gp, "%.4g %s", x, bytes[unit]);
}

/* The fewer decades, the more ticks of each have a name: 1, 2, 5; or 1, 3; or 1. */
static int is_named(int digit, int exponent, double decades)
{
    if (digit == 1)
        return decades < 6 || exponent % 2 == 0;
    if (decades < 1.4)
        return digit == 2 || digit == 5;
    return decades < 2.4 && digit == 3;
}

/* The nearest of 1, 2, 5 times a power of ten that is not above x. */
static double round_down(double x)
{
    double power = pow(10, floor(log10(x * 1.001)));
    return power * (x * 1.001 >= 5 * power ? 5 : x * 1.001 >= 2 * power ? 2 : 1);
}

static double round_up(double x)
{
    double down = round_down(x), power = pow(10, floor(log10(down * 1.001)));
    return x <= down * 1.001    ? down
           : down < power * 1.5 ? down * 2
           : down < power * 3   ? down * 2.5
                                : down * 2;
}

static void write_log_axis(FILE *gp, enum axis axis, double low, double high)
{
    low = round_down(low);
    high = fmax(round_up(high), low * 2);
    double decades = log10(high / low);
    int n = 0;
    fprintf(gp, "set logscale x\nset xrange [%.6g:%.6g]\nset xtics (", low, high);
    for (int e = (int)floor(log10(low)); e <= (int)ceil(log10(high)); e++)
        for (int digit = 1; digit <= 9; digit++) {
            double x = digit * pow(10, e);
            if (x < low * 0.999 || x > high * 1.001)
                continue;
            fprintf(gp, "%s\"", n++ > 0 ? "," : "");
            if (is_named(digit, e, decades))
                write_tick_text(gp, axis, x);
            fprintf(gp, "\" %.6g %d", x, digit != 1 && !is_named(digit, e, decades));
        }
    fputs(")\n", gp);
}

static void write_axes(FILE *gp, const struct kind *kind, const struct range *r, double duration_s)
{
    struct time_unit unit = time_unit(duration_s);
    fprintf(gp, "set label 1 \"%s\" at graph 0, screen 0.955 left textcolor rgb \"#040404\"\n",
            kind->y_title);
    if (kind->x == SIMULATED_TIME)
        fprintf(gp, "set xrange [0:%.6g]\nset xlabel \"%s, %s\" offset 0,0.4\n",
                duration_s / unit.seconds, kind->x_title, unit.name);
    else
        write_log_axis(gp, kind->x, r->x_low, r->x_high);
    if (kind->x != SIMULATED_TIME)
        fprintf(gp, "set xlabel \"%s\" offset 0,0.4\n", kind->x_title);
    if (kind->y == SHARE)
        fputs("set yrange [0:100]\nset ytics 0,20,100 format \"%g %%\"\n", gp);
    else if (kind->y == TAIL_SHARE)
        fprintf(gp, "set logscale y\nset yrange [%.3g:100]\nset ytics format \"%%g %%%%\"\n",
                pow(10, floor(log10(fmin(r->y_low, 0.5)) + 2)));
    else
        fprintf(gp, "set yrange [0:%.6g]\n", r->y_high > 0 ? r->y_high * 1.08 : 1);
}

static void write_style(FILE *gp, const char *name, struct size size)
{
    fprintf(gp,
            "reset\nset terminal svg size %d,%d noenhanced font \"sans-serif,14\"\n"
            "set output \"%s.svg\"\n"
            "set border 3 linecolor rgb \"#040404\"\n"
            "set tics nomirror out scale 0.5 textcolor rgb \"#040404\"\n"
            "set xlabel textcolor rgb \"#040404\"\n"
            "set grid linetype 1 linecolor rgb \"#030303\" linewidth 1 dashtype solid\n"
            "set style fill transparent solid 0.16 noborder\n"
            "set tmargin 2.2\nset rmargin 2.5\nunset key\n",
            size.width, size.height, name);
}

/* ---- data ---- */

/* Rows "x y lo hi" of a cell's line; where there is a gap, NaN. */
static void write_data(struct source *s, FILE *data, const struct kind *kind, int cell,
                       double x_unit)
{
    double percent = kind->y == NUMBER ? 1 : 100;
    sqlite3_stmt *points =
        source_query(s, "SELECT x, y, lo, hi FROM point WHERE curve=? AND cell=? ORDER BY rowid",
                     "ti", curves_names[kind->curve], (int64_t)cell);
    while (source_row(s, points)) {
        double y = source_real(points, 1), lo = source_real(points, 2), hi = source_real(points, 3);
        fprintf(data, "%.6g", source_real(points, 0) / x_unit);
        const double values[] = {y, isfinite(lo) ? lo : y, isfinite(hi) ? hi : y};
        for (int i = 0; i < 3; i++)
            fprintf(data, isfinite(values[i]) ? " %.5g" : " NaN", values[i] * percent);
        fputc('\n', data);
    }
}

static void write_line(FILE *gp, const char *data, const char *colour, int line)
{
    fprintf(gp, ", \"%s\" using 1:2 with lines linewidth 2 linecolor rgb \"%s\"", data, colour);
    if (*dashes[line])
        fprintf(gp, " dashtype (%s)", dashes[line]);
}

static void data_name(char name[64], const struct kind *kind, int cell)
{
    snprintf(name, 64, "%s-cell%d.dat", kind->name, cell);
}

/* An overlay of all lines, or one cell beside the first. */
static void write_plot(FILE *gp, const struct kind *kind, const struct figures *f, int cell)
{
    char name[64];
    int bands = kind->band && (cell || f->lines == 1); /* of several lines they would be mud */
    fputs("plot NaN", gp);
    for (int line = 0; line < f->lines && bands && !cell; line++) {
        data_name(name, kind, line + 1);
        fprintf(gp, ", \"%s\" using 1:3:4 with filledcurves linecolor rgb \"#0101%02x\"", name,
                (unsigned)line + 1);
    }
    for (int line = 0; line < f->lines && !cell; line++) {
        char colour[32];
        snprintf(colour, sizeof colour, "#0101%02x", (unsigned)line + 1);
        data_name(name, kind, line + 1);
        write_line(gp, name, colour, line);
    }
    if (cell > 1) {
        data_name(name, kind, 1);
        write_line(gp, name, "#020202", 0);
    }
    if (cell) {
        data_name(name, kind, cell);
        if (bands)
            fprintf(gp, ", \"%s\" using 1:3:4 with filledcurves linecolor rgb \"#010101\"", name);
        write_line(gp, name, "#010101", 0);
    }
    fputs("\nunset output\n", gp);
}

static void panel_name(char name[64], const struct kind *kind, int cell)
{
    if (cell)
        snprintf(name, 64, "%s-%d", kind->name, cell);
    else
        snprintf(name, 64, "%s", kind->name);
}

static void write_kind(struct gnuplot *g, struct figures *f, size_t k)
{
    const struct kind *kind = &kinds[k];
    char name[64];
    int cells = f->panels > 1 ? f->panels : f->lines;
    struct range range = find_range(g->source, kind->curve, cells);
    double unit = kind->x == SIMULATED_TIME ? time_unit(f->duration_s).seconds : 1;
    for (int cell = 1; cell <= cells && range.present; cell++) {
        data_name(name, kind, cell);
        FILE *data = gnuplot_create(g, name);
        if (!data)
            return;
        /* Something to plot even where a cell has no points. */
        fputs("NaN NaN NaN NaN\n", data);
        write_data(g->source, data, kind, cell, unit);
        gnuplot_written(g, data);
    }
    for (int i = 0; i < f->panels && range.present; i++) {
        struct panel *panel = &f->panel[k][i];
        char script[80];
        panel->cell = f->panels > 1 ? i + 1 : 0;
        panel_name(name, kind, panel->cell);
        snprintf(script, sizeof script, "%s.gp", name);
        FILE *gp = gnuplot_create(g, script);
        if (!gp)
            return;
        panel->present = 1;
        write_style(gp, name, size(f));
        write_axes(gp, kind, &range, f->duration_s);
        write_plot(gp, kind, f, panel->cell);
        gnuplot_written(g, gp);
    }
}

/* ---- in words ---- */

static const char *axis_value(char buffer[TEXT_VALUE], enum axis axis, double value)
{
    switch (axis) {
    case SHARE:
    case TAIL_SHARE: return text_percent(buffer, value);
    case LOG_BYTES: return text_value(buffer, value, "B/s");
    case NUMBER: return text_scaled(buffer, value);
    default: return text_seconds(buffer, value);
    }
}

/* Where the line begins and ends, and where it crosses the middle. */
static void describe_line(struct source *s, const struct kind *kind, const char *label, int cell,
                          FILE *out)
{
    static const char sql[] =
        "SELECT x, y, (SELECT min(x) FROM point WHERE curve=?1 AND cell=?2 AND y>=0.5) FROM point"
        " WHERE curve=?1 AND cell=?2 AND rowid IN ((SELECT min(rowid) FROM point WHERE curve=?1"
        " AND cell=?2 AND y NOTNULL), (SELECT max(rowid) FROM point WHERE curve=?1 AND cell=?2"
        " AND y NOTNULL)) ORDER BY rowid";
    int ends = 0;
    sqlite3_stmt *rows = source_query(s, sql, "ti", curves_names[kind->curve], (int64_t)cell);
    while (source_row(s, rows)) {
        char x[TEXT_VALUE], y[TEXT_VALUE], middle[TEXT_VALUE];
        if (ends++ == 0 && *label) {
            fputc(' ', out);
            text_html(out, label, TEXT_LABEL);
            fputc(':', out);
        }
        fprintf(out, "%s %s at %s", ends == 1 ? " from" : " to",
                axis_value(y, kind->y, source_real(rows, 1)),
                axis_value(x, kind->x, source_real(rows, 0)));
        if (ends == 2 && kind->y == SHARE && kind->x != SIMULATED_TIME &&
            isfinite(source_real(rows, 2)))
            fprintf(out, ", half by %s", axis_value(middle, kind->x, source_real(rows, 2)));
    }
    fputs(ends ? "." : "", out);
}

static void describe(struct source *s, struct figures *f)
{
    for (size_t k = 0; k < KINDS; k++)
        for (int i = 0; i < f->panels; i++) {
            struct panel *panel = &f->panel[k][i];
            size_t size;
            FILE *out = open_memstream(&panel->words, &size);
            CHECK(out);
            fprintf(out, "Horizontal: %s. Vertical: %s.", kinds[k].x_title, kinds[k].y_title);
            for (int line = 0; line < f->lines && !panel->cell; line++)
                describe_line(s, &kinds[k], f->cells->all[line].label, line + 1, out);
            if (panel->cell)
                describe_line(s, &kinds[k], "", panel->cell, out);
            CHECK(fclose(out) == 0);
        }
}

/* ---- drawing ---- */

static void write_master(struct gnuplot *g, const struct figures *f)
{
    FILE *all = gnuplot_create(g, "all.gp");
    if (!all)
        return;
    for (size_t k = 0; k < KINDS; k++)
        for (int i = 0; i < f->panels; i++) {
            char name[64];
            panel_name(name, &kinds[k], f->panel[k][i].cell);
            if (f->panel[k][i].present)
                fprintf(all, "load \"%s.gp\"\n", name);
        }
    gnuplot_written(g, all);
}

static void take_panels(struct gnuplot *g, struct figures *f)
{
    for (size_t k = 0; k < KINDS; k++)
        for (int i = 0; i < f->panels; i++) {
            char name[64], file[80];
            panel_name(name, &kinds[k], f->panel[k][i].cell);
            snprintf(file, sizeof file, "%s.svg", name);
            if (f->panel[k][i].present)
                f->panel[k][i].svg = gnuplot_take(g, file);
        }
}

struct figures *figures_draw(struct source *s, const struct cells *cells, const char *folder)
{
    struct gnuplot g;
    struct figures *f = calloc(1, sizeof *f);
    CHECK(f);
    f->cells = cells;
    f->lines = cells->count <= FIGURES_LINES ? cells->count : 0;
    f->panels = cells->count <= FIGURES_LINES  ? 1
                : cells->count <= CURVES_CELLS ? cells->count
                                               : CURVES_CELLS;
    sqlite3_stmt *row = source_query(s, "SELECT max(sim_s) FROM counted", "");
    while (source_row(s, row))
        f->duration_s = fmax(sqlite3_column_double(row, 0), 1e-3);
    gnuplot_open(&g, s, folder);
    for (size_t k = 0; k < KINDS; k++)
        write_kind(&g, f, k);
    write_master(&g, f);
    gnuplot_run(&g, "all.gp");
    take_panels(&g, f);
    describe(s, f);
    gnuplot_close(&g);
    if (!s->status)
        return f;
    figures_free(f);
    return NULL;
}

/* ---- in the page ---- */

void figures_key(int line, FILE *out)
{
    fprintf(out,
            "<svg class=\"key\" viewBox=\"0 0 36 8\" aria-hidden=\"true\"><path d=\"M0 4h36\""
            " stroke=\"var(--line-%d)\" stroke-width=\"2.5\" stroke-dasharray=\"%s\"/></svg>",
            line + 1, *dashes[line] ? dashes[line] : "none");
}

static void write_legend(const struct figures *f, FILE *out)
{
    if (f->lines < 2)
        return;
    fputs("<ul class=\"legend\">", out);
    for (int line = 0; line < f->lines; line++) {
        fputs("<li>", out);
        figures_key(line, out);
        text_html(out, f->cells->all[line].label, TEXT_LABEL);
        fputs("</li>", out);
    }
    fputs("</ul>", out);
}

static void write_panel(const struct figures *f, size_t k, int i, FILE *out)
{
    const struct panel *panel = &f->panel[k][i];
    char name[64];
    panel_name(name, &kinds[k], panel->cell);
    fprintf(out, "<figure class=\"plot\" id=\"figure-%s\">", name);
    if (panel->cell) {
        fputs("<p class=\"panel\">", out);
        text_html(out, f->cells->all[i].label, TEXT_LABEL);
        fputs("</p>", out);
    } else {
        fprintf(out, "<h3>%s</h3>", kinds[k].title);
    }
    fprintf(out,
            "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-labelledby=\"t-%s d-%s\">"
            "<title id=\"t-%s\">%s</title><desc id=\"d-%s\">%s</desc>%s</svg>",
            size(f).width, size(f).height, name, name, name, kinds[k].title, name, panel->words,
            panel->svg);
    write_legend(f, out);
    if (!panel->cell)
        fprintf(out, "<figcaption>%s%s</figcaption>", kinds[k].says,
                kinds[k].band && f->lines == 1 ? " Shaded: 95&nbsp;% interval." : "");
    fputs("</figure>\n", out);
}

/* A figure, or its small multiples under one heading. */
static void write_kind_html(const struct figures *f, size_t k, FILE *out)
{
    if (!f->panel[k][0].present) {
        fprintf(out, "<p class=\"nothing\">%s</p>\n", kinds[k].nothing);
        return;
    }
    if (f->panels > 1)
        fprintf(out,
                "<div class=\"multiples\"><h3>%s</h3><p class=\"note\">%s In grey, for"
                " comparison: the first cell.%s</p>\n<div class=\"plots small\">\n",
                kinds[k].title, kinds[k].says, kinds[k].band ? " Shaded: 95&nbsp;% interval." : "");
    for (int i = 0; i < f->panels; i++)
        write_panel(f, k, i, out);
    fputs(f->panels > 1 ? "</div></div>\n" : "", out);
}

void figures_html(const struct figures *f, enum figures_part part, FILE *out)
{
    fprintf(out, "<div%s>\n", f->panels > 1 ? "" : " class=\"plots\"");
    for (size_t k = 0; k < KINDS; k++)
        if (kinds[k].part == part)
            write_kind_html(f, k, out);
    fputs("</div>\n", out);
    if (f->cells->count > f->panels && f->panels > 1)
        fprintf(out, "<p class=\"note\">Drawn: the first %d of %d cells.</p>\n", f->panels,
                f->cells->count);
}

void figures_free(struct figures *f)
{
    for (size_t k = 0; f && k < KINDS; k++)
        for (int i = 0; i < CURVES_CELLS; i++) {
            free(f->panel[k][i].svg);
            free(f->panel[k][i].words);
        }
    free(f);
}
