/* test_compare.c: comparisons of results files made by hand, whose differences were
 * computed apart, by R 4.2's t.test(new, base, paired = TRUE), and of files that lie. */
#include "analysis/test/fixture.h"

#include <jansson.h>
#include <math.h>
#include <sys/wait.h>

#include "analysis/compare_parts.h"

#define GOOD   "good.db"
#define SEEDS  4
#define OUTPUT (1 << 20)
#define SQL    6000

static char output[OUTPUT];
static int dials = 1000; /* of a seed */

static int make_good(void **state)
{
    (void)state;
    fixture_run(GOOD, "scenarios/smoke/two-peers.yaml");
    return 0;
}

static int clean_up(void **state)
{
    (void)state;
    fixture_remove();
    return 0;
}

/* Runs `mistsim compare` in the folder of the files; what it says goes to output. */
static int compare(const char *words)
{
    char command[3 * FIXTURE_PATH], path[FIXTURE_PATH];
    const char *build = getenv("MIST_BUILD");
    snprintf(command, sizeof command,
             "b=$(realpath '%s') && cd '%s' && exec \"$b/mistsim\" compare %s 2>&1",
             build ? build : "build", fixture_path(path, "."), words);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t length = fread(output, 1, sizeof output - 1, pipe);
    output[length] = 0;
    int status = pclose(pipe);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void assert_said(const char *words)
{
    if (!strstr(output, words))
        fail_msg("expected `%s` in\n%s", words, output);
}

/* A side: SEEDS runs, and of dials dials of each the first hits[] direct after as many
 * milliseconds as their number, the others failed. */
static void make_side(const char *name, const char *commit, const int hits[SEEDS])
{
    char sql[SQL];
    int n = snprintf(
        sql, sizeof sql,
        "DELETE FROM lookup; DELETE FROM message; DELETE FROM traffic; DELETE FROM nat_box;"
        "DELETE FROM pair; DELETE FROM series; DELETE FROM expectation; DELETE FROM dial;"
        "DELETE FROM run_key; UPDATE run SET commit_id='%s', seed=1, trace_hash='%s' || seed;",
        commit, commit);
    for (int k = 2; k <= SEEDS; k++)
        n += snprintf(sql + n, sizeof sql - (size_t)n,
                      "INSERT INTO run SELECT %d, scenario, scenario_text, cell, %d, engine, stack,"
                      " stack_version, commit_id, started_utc, status, sim_s, wall_s, events,"
                      " packets, peak_rss_bytes, '%s' || %d FROM run WHERE run=1;"
                      "INSERT INTO node SELECT %d, node, name, population, region, nat, stack FROM"
                      " node WHERE run=1;",
                      k, k, commit, k, k);
    for (int k = 0; k < SEEDS; k++)
        n += snprintf(sql + n, sizeof sql - (size_t)n,
                      "WITH RECURSIVE d(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM d WHERE i<%d)"
                      " INSERT INTO dial SELECT %d, i, i*1000000, 3, 4, 'port_restricted',"
                      " 'port_restricted', iif(i<=%d, 'direct', 'failed'), iif(i<=%d, 'punched',"
                      " 'none'), iif(i<=%d, i*1000000, NULL), iif(i<=%d, i*1000000, NULL), 1, 1, 1,"
                      " NULL, NULL, 100000000, 'none', 30000000000 FROM d;",
                      dials, k + 1, hits[k], hits[k], hits[k], hits[k]);
    assert_true(n < SQL);
    fixture_spoil(GOOD, name, sql);
}

static void declare(const char *file, const char *to, const char *metric, double margin,
                    int relative)
{
    char sql[300];
    snprintf(sql, sizeof sql, "INSERT INTO margin SELECT run, '%s', %.9g, %d FROM run", metric,
             margin, relative);
    fixture_spoil(file, to, sql);
}

static json_t *parsed;

/* The metric in the last --json. */
static const json_t *metric(const char *name)
{
    json_error_t error;
    size_t i;
    json_t *found;
    json_decref(parsed);
    parsed = json_loads(output, 0, &error);
    if (!parsed)
        fail_msg("%s in\n%s", error.text, output);
    json_array_foreach(json_object_get(parsed, "metrics"), i, found)
    {
        if (strcmp(json_string_value(json_object_get(found, "metric")), name) == 0)
            return found;
    }
    fail_msg("no %s in\n%s", name, output);
    return NULL;
}

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static void assert_near(double got, double expected)
{
    if (!(fabs(got - expected) <= 2e-6 * fmax(1e-2, fabs(expected))))
        fail_msg("got %.9g, expected %.9g", got, expected);
}

static const int base_hits[SEEDS] = {500, 600, 700, 600};
static const int new_hits[SEEDS] = {600, 600, 900, 700};

static void a_difference_is_that_of_a_paired_t_test_over_seeds(void **state)
{
    (void)state;
    make_side("a.db", "aaaa", base_hits);
    make_side("b.db", "bbbb", new_hits);
    assert_int_equal(compare("a.db b.db --json"), EXIT_FINE);
    const json_t *m = metric("dial.direct_rate"), *d = json_object_get(m, "difference");
    assert_near(number(d, "value"), 0.1);
    assert_near(number(d, "lo"), -0.02992282636);
    assert_near(number(d, "hi"), 0.22992282636);
    assert_near(number(m, "p"), 0.09172111331);
    assert_near(number(m, "correlation"), 0.8660254);
    assert_near(number(m, "variance_paired"), 0.006666667);
    assert_near(number(m, "variance_unpaired"), 0.02666667);
    assert_int_equal(number(m, "seeds"), SEEDS);
    /* The one-sided limit is 0.1 - 2.3534 * 0.040825 = 0.0039: no loss, and no gain shown. */
    assert_string_equal(json_string_value(json_object_get(m, "verdict")), "not worse");
    assert_true(json_is_null(json_object_get(m, "seeds_needed")));
}

static void the_family_is_that_of_the_gating_metrics(void **state)
{
    (void)state;
    make_side("a.db", "aaaa", base_hits);
    make_side("b.db", "bbbb", new_hits);
    declare("a.db", "one.db", "dial.direct_rate", 0.01, 0);
    declare("one.db", "two.db", "dial.connected_rate", 0.01, 0);
    compare("one.db b.db --json"); /* Holm over one metric changes nothing */
    assert_near(number(metric("dial.direct_rate"), "p_adjusted"), 0.09172111331);
    compare("two.db b.db --json"); /* over two equal ones it doubles */
    assert_near(number(metric("dial.direct_rate"), "p_adjusted"), 2 * 0.09172111331);
    assert_near(number(metric("dial.connected_rate"), "p_adjusted"), 2 * 0.09172111331);
    assert_false(json_is_true(json_object_get(metric("dial.first_byte.p50"), "gating")));
}

static void a_dial_that_failed_counts_as_its_window(void **state)
{
    (void)state;
    const int hits[SEEDS] = {400, 600, 700, 600};
    static const double expected[SEEDS] = {30, 0.501, 0.501, 0.501}; /* rank 501 of 1,001 */
    dials = 1001;
    make_side("a.db", "aaaa", hits);
    make_side("b.db", "bbbb", new_hits);
    dials = 1000;
    compare("a.db b.db --json");
    const json_t *m = metric("dial.first_byte.p50");
    for (size_t k = 0; k < SEEDS; k++) {
        assert_near(json_number_value(json_array_get(json_object_get(m, "base_by_seed"), k)),
                    expected[k]);
        assert_near(json_number_value(json_array_get(json_object_get(m, "candidate_by_seed"), k)),
                    0.501);
    }
}

/* A second cell of half as many dials, of which so many are direct. */
static void add_cell(const char *file, const char *to, const int hits[SEEDS])
{
    char sql[SQL];
    int n = snprintf(sql, sizeof sql, "UPDATE run SET cell='{\"network.loss\":\"0%%\"}';");
    for (int k = 0; k < SEEDS; k++)
        n +=
            snprintf(sql + n, sizeof sql - (size_t)n,
                     "INSERT INTO run SELECT %d, scenario, scenario_text,"
                     " '{\"network.loss\":\"2%%\"}', seed, engine, stack, stack_version, commit_id,"
                     " started_utc, status, sim_s, wall_s, events, packets, peak_rss_bytes,"
                     " trace_hash || 'x' FROM run WHERE run=%d;"
                     "INSERT INTO node SELECT %d, node, name, population, region, nat, stack FROM"
                     " node WHERE run=1;"
                     "INSERT INTO dial SELECT %d, dial, at_ns, src, dst, src_nat, dst_nat,"
                     " iif(dial<=%d, 'direct', 'failed'), iif(dial<=%d, 'punched', 'none'), NULL,"
                     " NULL, 1, 1, 1, NULL, NULL, rtt_ideal_ns, 'none', window_ns FROM dial"
                     " WHERE run=1 AND dial<=500;",
                     k + 11, k + 1, k + 11, k + 11, hits[k], hits[k]);
    assert_true(n < SQL);
    fixture_spoil(file, to, sql);
}

static void the_cells_of_a_seed_are_added_up(void **state)
{
    (void)state;
    const int base_more[SEEDS] = {100, 200, 150, 250}, new_more[SEEDS] = {150, 200, 100, 300};
    make_side("a.db", "aaaa", base_hits);
    make_side("b.db", "bbbb", new_hits);
    add_cell("a.db", "a2.db", base_more);
    add_cell("b.db", "b2.db", new_more);
    compare("a2.db b2.db --json");
    const json_t *m = metric("dial.direct_rate"), *d = json_object_get(m, "difference");
    assert_int_equal(number(parsed, "pairs"), 2 * SEEDS);
    assert_int_equal(number(m, "seeds"), SEEDS);
    assert_near(number(d, "lo"), -0.004561157632);
    assert_near(number(d, "hi"), 0.154561157632);
    compare("a2.db b2.db --json --base network.loss=0% --candidate network.loss=0%");
    assert_near(number(json_object_get(metric("dial.direct_rate"), "difference"), "value"), 0.1);
}

static void dials_are_matched_one_by_one(void **state)
{
    (void)state;
    const int fewer[SEEDS] = {490, 600, 720, 600};
    make_side("a.db", "aaaa", base_hits);
    make_side("b.db", "bbbb", fewer);
    fixture_spoil("b.db", "c.db", "DELETE FROM dial WHERE run=2 AND dial=7");
    compare("a.db c.db --json");
    metric("dial.direct_rate");
    const json_t *counts = json_object_get(parsed, "dials");
    assert_int_equal(number(counts, "both"), SEEDS * dials - 1);
    assert_int_equal(number(counts, "base_alone"), 1);
    assert_int_equal(number(counts, "candidate_alone"), 0);
    assert_int_equal(number(counts, "changed"), 30);
    assert_int_equal(number(counts, "direct_in_base_only"), 10);
    assert_int_equal(number(counts, "direct_in_candidate_only"), 20);
    assert_int_equal(compare("a.db c.db --facts --json"), EXIT_WORSE);
    json_decref(parsed);
    parsed = json_loads(output, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(parsed, "differ")), 31);
}

static void verdicts_become_exit_codes(void **state)
{
    (void)state;
    static const struct {
        const char *claim;
        int hits[SEEDS], code;
    } cases[] = {
        {"same", {500, 600, 700, 601}, EXIT_FINE},
        {"BETTER", {601, 700, 802, 700}, EXIT_FINE},
        {"WORSE", {401, 500, 598, 500}, EXIT_WORSE},
        {"UNDECIDED", {480, 600, 720, 605}, EXIT_UNDECIDED},
    };
    make_side("a.db", "aaaa", base_hits);
    declare("a.db", "one.db", "dial.direct_rate", 0.01, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        make_side("b.db", "bbbb", cases[i].hits);
        assert_int_equal(compare("one.db b.db --json"), cases[i].code);
        assert_string_equal(
            json_string_value(json_object_get(metric("dial.direct_rate"), "verdict")),
            cases[i].claim);
        assert_int_equal(number(parsed, "exit"), cases[i].code);
        assert_true((number(metric("dial.direct_rate"), "seeds_needed") > SEEDS) ==
                    (cases[i].code == EXIT_UNDECIDED));
    }
}

static void equal_hashes_are_the_same_whatever_the_rows_say(void **state)
{
    (void)state;
    make_side("a.db", "aaaa", base_hits);
    make_side("b.db", "aaaa", new_hits);
    assert_int_equal(compare("a.db b.db"), EXIT_FINE);
    assert_said("same: all 4 pairs of runs are identical");
    fixture_spoil("a.db", "a0.db", "UPDATE run SET trace_hash=NULL");
    fixture_spoil("b.db", "b0.db", "UPDATE run SET trace_hash=NULL");
    assert_int_equal(compare("a0.db b0.db"), EXIT_FINE);
    assert_said("4 paired seeds, 1000 dials each, discordant 10 %"); /* 400 of 4,000 */
}

/* Cuts "| a | b |" in place; returns how many fields it has. */
static int cut(char *line, char *fields[8])
{
    int count = 0;
    for (char *at = strchr(line, '|'); at && count < 8; at = strchr(at, '|')) {
        *at++ = 0;
        fields[count++] = at + strspn(at, " `");
        if (strcspn(at, "|\n") == 0)
            break;
    }
    for (int i = 0; i < count; i++)
        fields[i][strcspn(fields[i], " `|\n")] = 0;
    return count;
}

/* | `name` | bound | of a pair | better | meaning | */
static void the_metrics_and_their_better_are_those_of_the_simulator(void **state)
{
    (void)state;
    char command[FIXTURE_PATH], line[600], *fields[8];
    const char *build = getenv("MIST_BUILD");
    int found = 0, judged = 0;
    snprintf(command, sizeof command, "'%s/mistsim' schema --metrics", build ? build : "build");
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    while (fgets(line, sizeof line, pipe)) {
        if (strncmp(line, "| `", 3) != 0 || cut(line, fields) < 5)
            continue;
        const struct compare_metric *m = compare_metric_find(fields[0]);
        int higher = strcmp(fields[3], "higher") == 0, lower = strcmp(fields[3], "lower") == 0;
        if (m ? m->better != higher - lower : higher || lower)
            fail_msg("%s: the simulator says `%s`", fields[0], fields[3]);
        found += m != NULL;
        judged += higher || lower;
    }
    assert_int_equal(pclose(pipe), 0);
    assert_int_equal(found, compare_metric_count);
    assert_true(judged >= 15 && compare_metric_count <= COMPARE_METRICS);
}

/* ESC, CSI and the like must not reach a terminal, nor may anything crash. */
static void assert_survives(const char *words)
{
    int code = compare(words);
    if (code > EXIT_STORAGE || code == EXIT_BROKEN)
        fail_msg("%s: exit %d\n%s", words, code, output);
    int terminal = !strstr(words, "--json"); /* which is UTF-8, for programs */
    for (const unsigned char *c = (const unsigned char *)output; *c; c++)
        if ((*c < ' ' && *c != '\n') || *c == 0x7f || (*c == 0x9b && terminal))
            fail_msg("%s: character %d in\n%s", words, *c, output);
}

static void files_that_lie_are_refused_or_told_harmlessly(void **state)
{
    (void)state;
    static const char *const lies[] = {
        "UPDATE run SET commit_id=char(27) || '[31m' || char(155), stack=char(7)",
        "UPDATE run SET cell='[[[1,2],{}],\"x\"]'",
        "UPDATE run SET cell='not JSON' || char(27)",
        "UPDATE run SET cell='{\"a\":{\"b\":[1]},\"c\":null,\"d\":1e999}'",
        "UPDATE run SET scenario_text=''",
        "UPDATE run SET scenario_text='a: *nobody' || char(10) || '[' || char(10) || '# --set '",
        "UPDATE run SET scenario_text=replace(hex(zeroblob(20000)), '00', '[')",
        "UPDATE run SET scenario_text=replace(hex(zeroblob(20000)), '00', '? ')",
        "UPDATE run SET scenario=replace(hex(zeroblob(5000)), '00', char(27))",
        "UPDATE run SET seed=9223372036854775807-run, sim_s=NULL",
        "UPDATE run SET seed=-1",
        "UPDATE run SET status='running' WHERE seed=2",
        "UPDATE node SET name=char(27) || replace(hex(zeroblob(5000)), '00', 'n')",
        "UPDATE node SET nat=char(27,91,50,74)",
        "DELETE FROM node",
        "DELETE FROM dial",
        "DELETE FROM run",
        "UPDATE dial SET src_nat=replace(hex(zeroblob(5000)), '00', 'x'), path=char(27), src=-5",
        "UPDATE dial SET window_ns=-9223372036854775807-1, first_ns=9223372036854775807",
        "UPDATE dial SET at_ns=0, src=0, dst=0",
        "INSERT INTO margin SELECT run, char(27), 1, 0 FROM run",
        "INSERT INTO margin SELECT run, 'dial.direct_rate', -1, 0 FROM run",
        "INSERT INTO margin SELECT run, 'dial.direct_rate', 9e999, 1 FROM run",
        "INSERT INTO margin SELECT run, 'dial.direct_rate', 1e300, 1 FROM run",
        "INSERT INTO margin SELECT run, 'dial.count', 1, 0 FROM run",
        "INSERT INTO lookup SELECT run, 0, 0, 9223372036854775807, 0, 9223372036854775807, 1 FROM"
        " run",
        "INSERT INTO message SELECT run, 1, 0, 0, -5, 9223372036854775807, 0, 0 FROM run",
        "INSERT INTO traffic SELECT run, 0, char(27), 9223372036854775807, 9223372036854775807, 0,"
        " 0 FROM run; INSERT INTO traffic SELECT run, 1, 'x', 9223372036854775807,"
        " 9223372036854775807, 0, 0 FROM run",
        "INSERT INTO series SELECT run, 0, 'joined', 1e308 FROM run",
        "INSERT INTO series SELECT run, 0, 'joined', -9e999 FROM run",
        "INSERT INTO series SELECT run, 0, 'joined', NULL FROM run",
    };
    const int base_few[SEEDS] = {10, 12, 14, 12}, new_few[SEEDS] = {12, 12, 18, 14};
    dials = 20;
    make_side("a.db", "aaaa", base_few);
    make_side("b.db", "bbbb", new_few);
    dials = 1000;
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        fixture_spoil("a.db", "lie.db", lies[i]);
        fixture_spoil("b.db", "lie2.db", lies[i]);
        assert_survives("lie.db b.db");
        assert_survives("a.db lie.db --facts");
        assert_survives("lie.db lie2.db --json");
        assert_survives("lie.db lie2.db --incomplete --across-engines");
        assert_survives("lie.db lie2.db --why dial.direct_rate");
    }
}

static void broken_selections_are_refused(void **state)
{
    (void)state;
    static const char *const words[] = {"x",
                                        "=",
                                        "=x",
                                        "x=1,=2",
                                        "stack.x",
                                        "'stack.x=1,,'",
                                        "a=,b=,c=,d=,e=,f=,g=,h=,i=,j=,k=,l=,m=,n=,o=,p=,q="};
    char line[400];
    make_side("a.db", "aaaa", base_hits);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        snprintf(line, sizeof line, "a.db --base %s --candidate stack.x=1", words[i]);
        assert_int_equal(compare(line), EXIT_INPUT);
        assert_said("KEY=VALUE");
    }
}

static void a_commit_is_chosen_by_its_beginning(void **state)
{
    (void)state;
    make_side("a.db", "aaaa", base_hits);
    fixture_spoil("a.db", "two.db",
                  "INSERT INTO run SELECT run+20, scenario, scenario_text, cell, seed, engine,"
                  " stack, stack_version, 'abcd', started_utc, status, sim_s, wall_s, events,"
                  " packets, peak_rss_bytes, trace_hash FROM run;"
                  "INSERT INTO node SELECT run+20, node, name, population, region, nat, stack FROM"
                  " node; INSERT INTO dial SELECT run+20, dial, at_ns, src, dst, src_nat, dst_nat,"
                  " outcome, path, first_ns, direct_ns, attempts, probes, sockets, rtt_first_ns,"
                  " rtt_final_ns, rtt_ideal_ns, reason, window_ns FROM dial");
    assert_int_equal(compare("two.db a.db"), EXIT_INPUT);
    assert_said("commit=abcd");
    assert_int_equal(compare("two.db --base commit=aa --candidate commit=ab"), EXIT_FINE);
    assert_said("identical");
    assert_int_equal(compare("two.db --base commit=a --candidate commit=ab"), EXIT_INPUT);
    assert_int_equal(compare("two.db --base commit= --candidate commit=ab"), EXIT_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_difference_is_that_of_a_paired_t_test_over_seeds),
        cmocka_unit_test(the_family_is_that_of_the_gating_metrics),
        cmocka_unit_test(a_dial_that_failed_counts_as_its_window),
        cmocka_unit_test(the_cells_of_a_seed_are_added_up),
        cmocka_unit_test(dials_are_matched_one_by_one),
        cmocka_unit_test(verdicts_become_exit_codes),
        cmocka_unit_test(equal_hashes_are_the_same_whatever_the_rows_say),
        cmocka_unit_test(the_metrics_and_their_better_are_those_of_the_simulator),
        cmocka_unit_test(files_that_lie_are_refused_or_told_harmlessly),
        cmocka_unit_test(broken_selections_are_refused),
        cmocka_unit_test(a_commit_is_chosen_by_its_beginning),
    };
    int failed = cmocka_run_group_tests(tests, make_good, clean_up);
    json_decref(parsed);
    return failed;
}
