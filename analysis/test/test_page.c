/* test_page.c: the page of a real sweep: its numbers against SQL of another hand, what
 * it refers to, what hostile texts become, what stands there where there is nothing. */
#include "analysis/test/fixture.h"

#include <jansson.h>
#include <math.h>
#include <sodium.h>

#include "analysis/report.h"
#include "analysis/text.h"

#define SWEEP  "sweep.db" /* three cells, two seeds */
#define SINGLE "single.db"

/* The page that is examined, and the file that it is of. */
static char *page;
static json_t *data;
static sqlite3 *db;

static void forget(void)
{
    free(page);
    json_decref(data);
    sqlite3_close(db);
    page = NULL;
    data = NULL;
    db = NULL;
}

static char *read_page(const char *folder)
{
    char path[FIXTURE_PATH + 20];
    char *text = malloc(8 << 20);
    snprintf(path, sizeof path, "%s/index.html", folder);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t n = fread(text, 1, (8 << 20) - 1, file);
    text[n] = 0;
    fclose(file);
    return text;
}

/* What stands between two marks; cut out of a copy. */
static char *between(const char *text, const char *before, const char *after)
{
    const char *start = strstr(text, before);
    assert_non_null(start);
    start += strlen(before);
    const char *end = strstr(start, after);
    assert_non_null(end);
    return strndup(start, (size_t)(end - start));
}

/* Makes the page of the file. */
static void look_at(const char *name)
{
    char file[FIXTURE_PATH], folder[FIXTURE_PATH];
    json_error_t error;
    forget();
    char *words[] = {"report", (char *)fixture_path(file, name), "-o",
                     (char *)fixture_path(folder, "page"), NULL};
    assert_int_equal(report_main(4, words), 0);
    page = read_page(folder);
    char *json = between(page, "id=\"mist-data\">", "</script>");
    data = json_loads(json, JSON_REJECT_DUPLICATES, &error);
    if (!data)
        fail_msg("%s: %s", name, error.text);
    free(json);
    assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
}

static int make_files(void **state)
{
    (void)state;
    fixture_run(SWEEP, "scenarios/smoke/sweep.yaml --seeds 1..2");
    fixture_run(SINGLE, "scenarios/smoke/sweep.yaml --set network.loss=1% --set sweep={}");
    return 0;
}

static int clean_up(void **state)
{
    (void)state;
    forget();
    fixture_remove();
    return 0;
}

/* One number by SQL. */
static double sql(const char *format, ...)
{
    char text[600];
    sqlite3_stmt *row;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (sqlite3_prepare_v2(db, text, -1, &row, NULL) != SQLITE_OK)
        fail_msg("%s: %s", text, sqlite3_errmsg(db));
    assert_int_equal(sqlite3_step(row), SQLITE_ROW);
    double value = sqlite3_column_double(row, 0);
    sqlite3_finalize(row);
    return value;
}

static json_t *rows(const char *table)
{
    json_t *found = json_object_get(json_object_get(data, table), "rows");
    assert_true(json_is_array(found));
    return found;
}

static const char *word(json_t *row, size_t column)
{
    return json_string_value(json_array_get(row, column));
}

static double number(json_t *row, size_t column)
{
    return json_number_value(json_array_get(row, column));
}

static void assert_near(double got, double expected)
{
    if (!(fabs(got - expected) <= 1e-5 * fmax(1, fabs(expected))))
        fail_msg("got %.9g, expected %.9g", got, expected);
}

static int count_of(const char *text, const char *part)
{
    int n = 0;
    for (; (text = strstr(text, part)); text += strlen(part))
        n++;
    return n;
}

#define CELL "(SELECT run FROM run WHERE cell=(SELECT cell FROM run WHERE run=%d))"

/* Runs are made in the order of cells: run 1, 2, 3 are the first seeds of cell 1, 2, 3. */
static void the_headline_is_the_share_of_the_dials(void **state)
{
    char value[TEXT_VALUE], expected[100];
    (void)state;
    look_at(SWEEP);
    for (int cell = 1; cell <= 3; cell++) {
        double direct = sql("SELECT avg(outcome='direct') FROM dial WHERE run IN " CELL, cell);
        snprintf(expected, sizeof expected, "<strong>%s</strong>", text_percent(value, direct));
        assert_non_null(strstr(page, expected));
    }
    look_at(SINGLE);
    double direct = sql("SELECT avg(outcome='direct') FROM dial");
    snprintf(expected, sizeof expected, "<p class=\"big\">%s</p>", text_percent(value, direct));
    assert_non_null(strstr(page, expected));
    snprintf(expected, sizeof expected, "n&nbsp;=&nbsp;%.0f<", sql("SELECT count(*) FROM dial"));
    assert_non_null(strstr(page, expected));
}

static void every_pair_of_nats_is_that_of_the_dials(void **state)
{
    size_t i, pairs = 0;
    json_t *row;
    (void)state;
    look_at(SWEEP);
    json_array_foreach(rows("groups"), i, row)
    {
        if (strcmp(word(row, 0), "pair") != 0)
            continue;
        int cell = (int)number(row, 1);
        const char *a = word(row, 2), *b = word(row, 3);
        pairs++;
        assert_near(number(row, 5), sql("SELECT count(*) FROM dial WHERE src_nat='%s' AND"
                                        " dst_nat='%s' AND run IN " CELL,
                                        a, b, cell));
        assert_near(number(row, 6), sql("SELECT avg(outcome='direct') FROM dial WHERE src_nat='%s'"
                                        " AND dst_nat='%s' AND run IN " CELL,
                                        a, b, cell));
        assert_true(number(row, 7) <= number(row, 6) && number(row, 6) <= number(row, 8));
    }
    assert_int_equal(pairs, (int)sql("SELECT count(*) FROM (SELECT DISTINCT cell, src_nat, dst_nat"
                                     " FROM dial JOIN run USING(run))"));
}

static void one_seed_has_the_intervals_of_the_files_views(void **state)
{
    size_t i;
    json_t *row;
    (void)state;
    look_at(SINGLE);
    json_array_foreach(rows("groups"), i, row)
    {
        if (strcmp(word(row, 0), "pair") != 0)
            continue;
        const char *a = word(row, 2), *b = word(row, 3);
        assert_near(number(row, 7), sql("SELECT lo FROM punch_matrix WHERE src_nat='%s' AND"
                                        " dst_nat='%s'",
                                        a, b));
        assert_near(number(row, 8), sql("SELECT hi FROM punch_matrix WHERE src_nat='%s' AND"
                                        " dst_nat='%s'",
                                        a, b));
    }
}

/* Exact at every point, whatever the width of the bins. */
static void every_point_of_a_distribution_is_exact(void **state)
{
    size_t i, points = 0;
    json_t *row;
    (void)state;
    look_at(SWEEP);
    json_array_foreach(rows("points"), i, row)
    {
        const char *curve = word(row, 0);
        int cell = (int)number(row, 1);
        double x = number(row, 2) * 1e9, y = number(row, 3);
        /* x was written with six digits: a value may lie between it and the bin's end. */
        double least = x * (1 - 1e-5), most = x * (1 + 1e-5), lowest, highest;
        if (strcmp(curve, "direct") == 0) {
            lowest = sql("SELECT avg(coalesce(direct_ns,9e18)<=%.0f) FROM dial WHERE run IN " CELL,
                         least, cell);
            highest = sql("SELECT avg(coalesce(direct_ns,9e18)<=%.0f) FROM dial WHERE run IN " CELL,
                          most, cell);
        } else if (strcmp(curve, "first_byte_tail") == 0) {
            lowest =
                sql("SELECT avg(first_ns>%.0f) FROM dial WHERE first_ns NOTNULL AND run IN " CELL,
                    most, cell);
            highest =
                sql("SELECT avg(first_ns>%.0f) FROM dial WHERE first_ns NOTNULL AND run IN " CELL,
                    least, cell);
        } else {
            continue;
        }
        points++;
        assert_true(y >= lowest - 1e-5 && y <= highest + 1e-5);
    }
    assert_true(points > 300);
}

static void the_kinds_of_traffic_add_up_to_all_of_it(void **state)
{
    size_t i;
    json_t *row;
    double sent[4] = {0};
    (void)state;
    look_at(SWEEP);
    json_array_foreach(rows("groups"), i, row) if (strcmp(word(row, 0), "sent") == 0)
        sent[(int)number(row, 1)] += number(row, 6);
    for (int cell = 1; cell <= 3; cell++)
        assert_near(sent[cell],
                    sql("SELECT avg(bytes) FROM (SELECT sum(bytes_out)/sim_s/(SELECT count(*) FROM"
                        " node WHERE node.run=run.run) AS bytes FROM traffic JOIN run USING(run)"
                        " WHERE run IN " CELL " GROUP BY run)",
                        cell));
}

static void the_runs_are_all_told(void **state)
{
    size_t i;
    json_t *row;
    (void)state;
    look_at(SWEEP);
    assert_int_equal(json_array_size(rows("runs")), 6);
    json_array_foreach(rows("runs"), i, row)
    {
        const char *hash = word(row, 15);
        assert_int_equal(strlen(hash), 16);
        assert_near(1, sql("SELECT count(*) FROM run WHERE run=%d AND trace_hash='%s'",
                           (int)number(row, 0), hash));
        assert_non_null(strstr(page, hash));
    }
    assert_non_null(strstr(page, "build/mistsim run sweep.yaml --seeds 1..2 --engine native"));
}

static void nothing_outside_the_page_is_named(void **state)
{
    static const char *const marks[] = {"http:",   "https:",  "src=",   "@import", "url(",
                                        "<iframe", "<object", "<embed", "<base",   "<form",
                                        "xlink",   "<img",    "=\"//",  "='//"};
    (void)state;
    const char *const files[] = {SWEEP, SINGLE};
    for (int f = 0; f < 2; f++) {
        look_at(files[f]);
        for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
            if (strstr(page, marks[i]))
                fail_msg("the page has `%s`", marks[i]);
        assert_int_equal(count_of(page, "<link"), 1);
        assert_non_null(strstr(page, "<link rel=\"icon\" href=\"data:,\">"));
        assert_int_equal(count_of(page, "href=\"") - count_of(page, "href=\"#"), 1);
    }
}

static void the_policy_names_the_script(void **state)
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    char base64[100], expected[140];
    (void)state;
    look_at(SINGLE);
    char *script = between(page, "<script>", "</script>");
    crypto_hash_sha256(hash, (const unsigned char *)script, strlen(script));
    sodium_bin2base64(base64, sizeof base64, hash, sizeof hash, sodium_base64_VARIANT_ORIGINAL);
    snprintf(expected, sizeof expected, "script-src 'sha256-%s'", base64);
    if (!strstr(page, expected))
        fail_msg("page_style.c must say %s", expected);
    assert_true(strlen(script) < 5000);
    assert_int_equal(count_of(page, "<script"), 2); /* the data and that one */
    free(script);
}

static void every_figure_has_its_title_and_no_id_twice(void **state)
{
    (void)state;
    look_at(SWEEP);
    int figures = count_of(page, "role=\"img\"");
    assert_int_equal(figures, 10);
    assert_int_equal(count_of(page, "<title id=\"t-"), figures);
    assert_int_equal(count_of(page, "<desc id=\"d-"), figures);
    for (const char *id = page; (id = strstr(id, " id=\"")); id++) {
        char whole[100];
        snprintf(whole, sizeof whole, "%.*s", (int)strcspn(id + 5, "\"") + 6, id);
        assert_int_equal(count_of(page, whole), 1);
    }
    /* Colours that only one theme could bear. */
    assert_null(strstr(page, "rgb( "));
    assert_null(strstr(page, "\"black\""));
}

#define EVIL "</script><script>alert(1)</script><img src=x onerror=\"a()\">''\"&amp;\x01\xff"

/* Whatever the field, the page's elements are those of a tame file. */
static void hostile_texts_stay_texts(void **state)
{
    static const char *const fields[] = {
        "run SET scenario=",  "run SET scenario_text=", "run SET commit_id=",
        "run SET engine=",    "run SET stack_version=", "run SET trace_hash=",
        "run SET cell=",      "run SET started_utc=",   "dial SET src_nat=",
        "dial SET path=",     "node SET population=",   "traffic SET kind=",
        "series SET metric=", "nat_box SET profile=",   "expectation SET value=1, bound=",
    };
    char change[400];
    (void)state;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const char *where = strstr(fields[i], "kind") ? "||kind" : "";
        char *evil = sqlite3_mprintf("%Q", EVIL);
        snprintf(change, sizeof change, "UPDATE OR IGNORE %s%s%s", fields[i], evil, where);
        sqlite3_free(evil);
        fixture_spoil(SINGLE, "evil.db", change);
        look_at("evil.db");
        assert_int_equal(count_of(page, "<script"), 2);
        assert_int_equal(count_of(page, "</script"), 2);
        assert_int_equal(count_of(page, "<img"), 0);
        assert_null(strchr(page, '\x01'));
        assert_null(strchr(page, '\xff'));
    }
}

static void a_setting_is_one_word_of_the_command(void **state)
{
    (void)state;
    fixture_spoil(SINGLE, "words.db",
                  "UPDATE run SET scenario_text='mist: 1' || char(10) || '# --set a=$(x) ''b'''");
    look_at("words.db");
    assert_non_null(
        strstr(page, "--set &#39;a=$(x) &#39;\\&#39;&#39;b&#39;\\&#39;&#39;&#39;</pre>"));
}

static void many_cells_get_a_panel_each(void **state)
{
    (void)state;
    fixture_spoil(SWEEP, "many.db",
                  "INSERT INTO run SELECT run+6, scenario, scenario_text, '{\"x\":' || run || '}',"
                  " seed, engine, stack, stack_version, commit_id, started_utc, status, sim_s,"
                  " wall_s, events, packets, peak_rss_bytes, trace_hash FROM run;"
                  "UPDATE dial SET run=run+6 WHERE run=2");
    look_at("many.db");
    assert_int_equal(json_array_size(rows("cells")), 9);
    assert_non_null(strstr(page, "id=\"figure-direct-1\""));
    assert_non_null(strstr(page, "id=\"figure-direct-9\""));
    assert_null(strstr(page, "Drawn: the first"));
    assert_non_null(strstr(page, "x = 6"));
}

static void where_nothing_was_recorded_the_page_says_so(void **state)
{
    (void)state;
    fixture_spoil(SINGLE, "bare.db",
                  "DELETE FROM dial; DELETE FROM lookup; DELETE FROM series; DELETE FROM traffic;"
                  "DELETE FROM nat_box; DELETE FROM expectation");
    look_at("bare.db");
    assert_int_equal(count_of(page, "role=\"img\""), 0);
    assert_non_null(strstr(page, "No dial became direct: no time to a direct path to draw."));
    assert_non_null(strstr(page, "Nobody dialled: there is no matrix."));
    assert_non_null(strstr(page, "The scenario expected nothing."));
    fixture_spoil(SINGLE, "bare.db", "DELETE FROM run");
    look_at("bare.db");
    assert_non_null(strstr(page, "The results file holds no run."));
    assert_non_null(strstr(page, "there is no answer yet"));
}

static void runs_that_did_not_complete_are_told_of(void **state)
{
    (void)state;
    fixture_spoil(SWEEP, "attrition.db",
                  "UPDATE run SET status='failed' WHERE run=4;"
                  "UPDATE run SET status='interrupted' WHERE run IN (2, 5, 6)");
    look_at("attrition.db");
    assert_non_null(strstr(page, "4 of 6 runs did not complete"));
    json_t *cells = rows("cells");
    assert_int_equal(json_array_size(cells), 3);
    /* Of cell 1 one run is left; of cell 2 both are interrupted, and count; of cell 3
     * the complete one alone. */
    assert_near(number(json_array_get(cells, 0), 2), 1);
    assert_near(number(json_array_get(cells, 1), 2), 2);
    assert_near(number(json_array_get(cells, 2), 2), 1);
}

static void results_of_two_builds_stay_apart(void **state)
{
    (void)state;
    fixture_spoil(SWEEP, "builds.db", "UPDATE run SET commit_id='abc' WHERE run > 3");
    look_at("builds.db");
    assert_int_equal(json_array_size(rows("cells")), 6);
    assert_non_null(strstr(page, "network.loss = 5% \xc2\xb7 abc"));
}

static void of_a_repeated_seed_the_newest_run_counts(void **state)
{
    (void)state;
    fixture_spoil(SWEEP, "repeated.db", "UPDATE run SET seed=1");
    look_at("repeated.db");
    json_t *runs = rows("runs");
    assert_true(json_is_null(json_array_get(json_array_get(runs, 0), 16)));
    assert_near(number(json_array_get(runs, 3), 16), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_headline_is_the_share_of_the_dials),
        cmocka_unit_test(every_pair_of_nats_is_that_of_the_dials),
        cmocka_unit_test(one_seed_has_the_intervals_of_the_files_views),
        cmocka_unit_test(every_point_of_a_distribution_is_exact),
        cmocka_unit_test(the_kinds_of_traffic_add_up_to_all_of_it),
        cmocka_unit_test(the_runs_are_all_told),
        cmocka_unit_test(nothing_outside_the_page_is_named),
        cmocka_unit_test(the_policy_names_the_script),
        cmocka_unit_test(every_figure_has_its_title_and_no_id_twice),
        cmocka_unit_test(hostile_texts_stay_texts),
        cmocka_unit_test(a_setting_is_one_word_of_the_command),
        cmocka_unit_test(many_cells_get_a_panel_each),
        cmocka_unit_test(where_nothing_was_recorded_the_page_says_so),
        cmocka_unit_test(runs_that_did_not_complete_are_told_of),
        cmocka_unit_test(results_of_two_builds_stay_apart),
        cmocka_unit_test(of_a_repeated_seed_the_newest_run_counts),
    };
    return cmocka_run_group_tests(tests, make_files, clean_up);
}
