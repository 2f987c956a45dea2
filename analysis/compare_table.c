/* compare_table.c: the comparison for people, as text and as Markdown. */
#include <math.h>
#include <string.h>

#include "analysis/compare_parts.h"
#include "analysis/exit.h"

#define COLUMNS 7

static const char *const headings[COLUMNS] = {"",        "base",     "new", "new - base [95 % CI]",
                                              "verdict", "(margin)", "p"};

struct row {
    char cells[COLUMNS][3 * COMPARE_TEXT + 20];
    const struct compare_result *result;
};

static int width_of(const char *text)
{
    int columns = 0;
    for (; *text; text++)
        columns += ((unsigned char)*text & 0xc0) != 0x80;
    return columns;
}

static void fill_row(struct row *row, const struct compare_result *r)
{
    char text[COMPARE_TEXT], adjusted[COMPARE_TEXT], need[COMPARE_TEXT];
    int undecided = r->metric->better && r->verdict == VERDICT_UNDECIDED;
    const char *unit = r->metric->unit;
    row->result = r;
    snprintf(row->cells[0], sizeof *row->cells, "%s", r->metric->label);
    compare_text_value(text, r->difference.base, unit);
    snprintf(row->cells[1], sizeof *row->cells, "%s", text);
    compare_text_value(text, r->difference.candidate, unit);
    snprintf(row->cells[2], sizeof *row->cells, "%s", text);
    compare_text_change(text, r);
    snprintf(row->cells[3], sizeof *row->cells, "%s", text);
    snprintf(row->cells[4], sizeof *row->cells, "%s",
             r->metric->better ? verdict_name(r->verdict) : "-");
    if (r->metric->better)
        snprintf(row->cells[5], sizeof *row->cells, "(%s)", compare_text_margin(text, r));
    compare_text_p(text, r->difference.p);
    compare_text_p(adjusted, r->p_adjusted);
    if (!r->metric->better)
        snprintf(row->cells[6], sizeof *row->cells, "p=%s", text);
    else
        snprintf(row->cells[6], sizeof *row->cells, "p=%s %s %s%s%s", text,
                 r->gating ? "Holm" : "BH", adjusted, undecided ? "  " : "",
                 undecided ? compare_text_need(need, r) : "");
}

/* The colour in which a verdict stands out. */
static const char *colour_of(const struct compare_result *r)
{
    if (!r->metric->better)
        return "";
    switch (r->verdict) {
    case VERDICT_BETTER: return "\033[32m";
    case VERDICT_WORSE: return "\033[31m";
    case VERDICT_UNDECIDED: return "\033[33m";
    default: return "";
    }
}

static void put_padded(FILE *out, const char *text, int width, const char *colour)
{
    fprintf(out, "%s%s%s", colour, text, *colour ? "\033[0m" : "");
    for (int i = width_of(text); i < width + 2; i++)
        fputc(' ', out);
}

static void put_row(FILE *out, const struct row *row, const int widths[COLUMNS], int colours)
{
    for (int k = 0; k < COLUMNS; k++) {
        int last = k + 1 == COLUMNS;
        put_padded(out, row->cells[k], last ? -2 : widths[k],
                   k == 4 && colours ? colour_of(row->result) : "");
    }
    fputc('\n', out);
}

/* What differs between the sides besides builds: the selection. */
static void put_side(struct compare *c, int side, FILE *out)
{
    const struct compare_arm *arm = &c->arms[side];
    const char *select = c->request->select[side];
    fputs(side == COMPARE_BASE ? "base      " : "new       ", out);
    compare_print(out, arm->version);
    fputs(" (", out);
    compare_print(out, arm->commit);
    fputs(")  ", out);
    if (strcmp(arm->stack, "embedded") != 0) {
        compare_print(out, arm->stack);
        fputs("  ", out);
    }
    if (select) {
        compare_print(out, select);
        fputs("  ", out);
    }
    compare_print(out, arm->source.file);
    fputc('\n', out);
}

static void put_attrition(const struct compare *c, FILE *out)
{
    fputs("runs      ", out);
    for (int side = 0; side < COMPARE_SIDES; side++) {
        const struct compare_arm *a = &c->arms[side];
        fprintf(out, "%s%s: %d complete, %d failed, %d interrupted, %d running, %d without partner",
                side ? "; " : "", side ? "new" : "base", a->complete, a->failed, a->interrupted,
                a->running, a->alone);
    }
    fputc('\n', out);
}

static void put_margins(const struct compare *c, FILE *out)
{
    static const char *const from[] = {
        [MARGINS_OF_SCENARIO] = "as the scenario declares them",
        [MARGINS_DEFAULT] = "the defaults, since the scenario declares none under `compare`",
        [MARGINS_OF_LINE] = "set on the command line, not declared beforehand by the scenario",
    };
    fprintf(out, "margins   %s%s\n", from[c->margins_from],
            c->margins_differ ? " (the new side's scenario declares others; the base's count)"
                              : "");
}

static void put_scenario(const struct compare *c, FILE *out)
{
    const struct compare_arm *base = &c->arms[COMPARE_BASE], *new = &c->arms[COMPARE_CANDIDATE];
    fputs("scenario  ", out);
    compare_print(out, base->scenario);
    fprintf(out, ", %d paired seed%s", c->seed_count, c->seed_count == 1 ? "" : "s");
    if (c->cell_count > 1)
        fprintf(out, " of %d cells added up", c->cell_count);
    if (c->identical)
        fprintf(out, ", %d of %d pairs of runs identical", c->identical, c->pair_count);
    if (c->dials.both)
        fprintf(out, ", %.0f dials each, discordant %.2g %%", (double)c->dials.both / c->seed_count,
                100 * (double)c->dials.changed / (double)c->dials.both);
    if (strcmp(base->engine, new->engine) != 0) {
        fputs(", engines ", out);
        compare_print(out, base->engine);
        fputs(" and ", out);
        compare_print(out, new->engine);
    }
    fputc('\n', out);
    if (c->dials.unmatched[COMPARE_BASE] || c->dials.unmatched[COMPARE_CANDIDATE])
        fprintf(out, "          dials made on one side alone: base %lld, new %lld\n",
                (long long)c->dials.unmatched[COMPARE_BASE],
                (long long)c->dials.unmatched[COMPARE_CANDIDATE]);
}

static int count_of(const struct compare *c, enum verdict verdict)
{
    int n = 0;
    for (int i = 0; i < c->gating_count; i++)
        n += c->results[i].verdict == verdict;
    return n;
}

static void put_closing(const struct compare *c, FILE *out)
{
    fprintf(out,
            "%d undecided, %d worse of %d gating metrics; family-wise error held at %.0f %% (Holm)."
            "  Details: --why METRIC.  Exit %d\n",
            count_of(c, VERDICT_UNDECIDED), count_of(c, VERDICT_WORSE), c->gating_count,
            100 * COMPARE_ALPHA, compare_exit(c));
    if (c->seed_count == 1)
        fputs("One seed has no spread to judge by: run both sides with --seeds 1..20.\n", out);
}

static void put_identical(const struct compare *c, FILE *out)
{
    fprintf(out, "same: all %d pairs of runs are identical, datagram by datagram (trace hash)\n",
            c->pair_count);
}

static void put_text(struct compare *c, FILE *out)
{
    static struct row rows[COMPARE_METRICS + 1];
    int widths[COLUMNS] = {0};
    for (int k = 0; k < COLUMNS; k++)
        snprintf(rows[0].cells[k], sizeof *rows[0].cells, "%s", headings[k]);
    for (int i = 0; i < c->result_count; i++)
        fill_row(&rows[i + 1], &c->results[i]);
    for (int i = 0; i <= c->result_count; i++)
        for (int k = 0; k < COLUMNS; k++)
            widths[k] = (int)fmax(widths[k], width_of(rows[i].cells[k]));
    for (int side = 0; side < COMPARE_SIDES; side++)
        put_side(c, side, out);
    put_scenario(c, out);
    put_attrition(c, out);
    put_margins(c, out);
    fputc('\n', out);
    for (int i = 0; i <= c->result_count; i++) {
        if (i == c->gating_count + 1)
            fputs(
                "\nfor information (false discovery rate, Benjamini-Hochberg; decides nothing):\n",
                out);
        put_row(out, &rows[i], widths, i > 0 && compare_colours(out));
    }
    fputc('\n', out);
    put_closing(c, out);
}

static void put_markdown(struct compare *c, FILE *out)
{
    static struct row row;
    fputs("```\n", out);
    for (int side = 0; side < COMPARE_SIDES; side++)
        put_side(c, side, out);
    put_scenario(c, out);
    put_attrition(c, out);
    put_margins(c, out);
    fputs("```\n\n| | base | new | new - base [95 % CI] | verdict | margin | p |\n"
          "|---|---:|---:|---:|---|---|---|\n",
          out);
    for (int i = 0; i < c->result_count; i++) {
        const char *mark = c->results[i].gating ? "**" : "";
        memset(&row, 0, sizeof row);
        fill_row(&row, &c->results[i]);
        for (int k = 0; k < COLUMNS; k++)
            fprintf(out, "| %s%s%s ", k == 4 ? mark : "", row.cells[k], k == 4 ? mark : "");
        fputs("|\n", out);
    }
    fputs("\nBold verdicts are of the gating metrics.  ", out);
    put_closing(c, out);
}

void compare_table(struct compare *c, FILE *out)
{
    if (c->identical == c->pair_count)
        put_identical(c, out);
    else if (c->request->form == FORM_MARKDOWN)
        put_markdown(c, out);
    else
        put_text(c, out);
}
