/* cells.c: see cells.h. */
#include "analysis/cells.h"

#include <stdio.h>
#include <string.h>

#define COUNTS "(run.status='complete' OR (run.status='interrupted' AND run.sim_s > 0))"
#define SAME                                                                                       \
    "run.scenario=c.scenario AND run.scenario_text=c.scenario_text AND run.cell=c.settings"        \
    " AND run.engine=c.engine AND run.stack=c.stack AND run.stack_version=c.stack_version"         \
    " AND run.commit_id=c.commit_id"

static void make_tables(struct source *s)
{
    source_run(s,
               "CREATE TEMP TABLE sweep_cell(cell INTEGER PRIMARY KEY, scenario, scenario_text,"
               " settings, engine, stack, stack_version, commit_id, complete)",
               "");
    source_run(s,
               "INSERT INTO sweep_cell SELECT NULL, scenario, scenario_text, cell, engine, stack,"
               " stack_version, commit_id, max(status='complete') FROM main.run WHERE " COUNTS
               " GROUP BY scenario, scenario_text, cell, engine, stack, stack_version, commit_id"
               " ORDER BY min(run) LIMIT ?",
               "i", (int64_t)CELLS_MOST);
    source_run(s,
               "CREATE TEMP TABLE counted(run INTEGER PRIMARY KEY, cell INTEGER, seed INTEGER,"
               " sim_s REAL, nodes INTEGER)",
               "");
    source_run(s,
               "INSERT INTO counted SELECT max(run.run), c.cell, seed, sim_s,"
               " (SELECT count(*) FROM main.node WHERE node.run=run.run) FROM sweep_cell AS c"
               " JOIN main.run ON " SAME " AND " COUNTS
               " AND (run.status='complete' OR NOT c.complete) GROUP BY c.cell, seed",
               "");
}

#define SETTINGS "CASE WHEN json_valid(settings) THEN settings ELSE '{}' END"

/* Appends " · text" where it differs between cells. */
static void add_part(char *label, size_t size, int differs, const char *text)
{
    size_t length = strlen(label);
    if (differs)
        snprintf(label + length, size - length, "%s%.80s", length ? " \xc2\xb7 " : "", text);
}

static void read_cells(struct source *s, struct cells *cells)
{
    /* Of the settings those that are not the same in all cells. */
    static const char sql[] =
        "SELECT (SELECT group_concat(key || ' = ' || value, ', ') FROM json_each(" SETTINGS
        ") WHERE key IN (SELECT key FROM sweep_cell, json_each(" SETTINGS ") GROUP BY key HAVING"
        " count(DISTINCT value) > 1 OR count(*) < (SELECT count(*) FROM sweep_cell))), scenario,"
        " 'text ' || (SELECT count(DISTINCT scenario_text) FROM sweep_cell AS d WHERE"
        " d.cell <= c.first), engine, stack, stack_version, substr(commit_id, 1, 16), complete,"
        " (SELECT count(*) FROM counted WHERE counted.cell=c.cell)"
        " FROM (SELECT *, min(cell) OVER (PARTITION BY scenario_text) AS first FROM sweep_cell)"
        " AS c ORDER BY cell";
    sqlite3_stmt *kinds =
        source_query(s,
                     "SELECT count(DISTINCT settings)>1, count(DISTINCT scenario)>1,"
                     " count(DISTINCT scenario_text)>1, count(DISTINCT engine)>1,"
                     " count(DISTINCT stack)>1, count(DISTINCT stack_version)>1,"
                     " count(DISTINCT commit_id)>1 FROM sweep_cell",
                     "");
    int differs[7] = {0};
    while (source_row(s, kinds))
        for (int i = 0; i < 7; i++)
            differs[i] = sqlite3_column_int(kinds, i);
    sqlite3_stmt *query = source_query(s, sql, "");
    while (source_row(s, query) && cells->count < CELLS_MOST) {
        struct cell *cell = &cells->all[cells->count++];
        for (int i = 0; i < 7; i++)
            add_part(cell->label, sizeof cell->label, differs[i], source_text(query, i));
        cell->complete = sqlite3_column_int(query, 7);
        cell->seeds = sqlite3_column_int(query, 8);
    }
}

void cells_find(struct source *s, struct cells *cells)
{
    memset(cells, 0, sizeof *cells);
    make_tables(s);
    read_cells(s, cells);
    cells->left_out = (int)source_number(
        s,
        "SELECT count(*) - ? FROM (SELECT 1 FROM main.run WHERE " COUNTS
        " GROUP BY scenario, scenario_text, cell, engine, stack, stack_version, commit_id)",
        "i", (int64_t)cells->count);
}
