/* test_nat_play_errors.c: what a person is told of a bad NAT script, and what the
 * command prints. */
#include <unistd.h>

#include "sim/exit.h"
#include "sim/nat_command.h"
#include "sim/test/captured.h"
#include "sim/test/nat_played.h"

#define BOX   "nat: {mapping: eim, filtering: apdf, ports: preserve, idle: 30 s}\n"
#define AT    "external: [1.2.3.4]\n"
#define HOST  "192.168.0.2:1234"
#define Y     "5.6.7.8:5678"
#define STEPS "steps:\n"
#define SENT  "- {at: 0 s, out: \"" HOST " -> " Y "\", save: p}\n"

#define KINDS "expected exactly one of out, in, state, reboot, flush, readdress, map or set, got "

#define SENT_FORMS "expected an endpoint `A:p`, `$n`, `$n+k` or `$n-k`, got "

/* Mistakes of the document, and of what is common to all steps. */
static const struct line DOCUMENTS[] = {
    {AT STEPS SENT, "x.yaml:1:1: expected the key `nat`, got none"},
    {BOX AT, "x.yaml:1:1: expected the key `steps`, got none"},
    {BOX AT "steps: []", "x.yaml:3:8: steps: expected at least one step, got none"},
    {"nat: none\n" STEPS SENT,
     "x.yaml:1:6: nat: expected a profile's name, knobs or a chain of them, got `none`"},
    {"nat: {population: roverso}\n" STEPS SENT,
     "x.yaml:1:6: nat: expected a profile's name, knobs or a chain of them, got a population"},
    {"nat: {maping: eim}\n" STEPS SENT,
     "x.yaml:1:7: nat: expected the name of a NAT's knob, got `maping` (did you mean "
     "`mapping`?)"},
    {"nat: {telepathy: on}\n" STEPS SENT,
     "x.yaml:1:7: nat: expected the name of a NAT's knob, got `telepathy`"},
    {BOX "external: [1.2.3]\n" STEPS SENT,
     "x.yaml:2:12: external: expected an IPv4 address such as `1.2.3.4`, got `1.2.3`"},
    {BOX "external: [1.2.3.4, 1.2.3.4]\n" STEPS SENT,
     "x.yaml:2:21: external: expected each address once, got `1.2.3.4`"},
    {BOX "external: []\n" STEPS SENT, "x.yaml:2:11: external: expected 1 to 1000 addresses, got 0"},
    {BOX AT STEPS "- {out: \"" HOST " -> " Y "\"}",
     "x.yaml:4:3: steps.0: expected the key `at`, got none"},
    {BOX AT STEPS "- {at: 1 s}", "x.yaml:4:3: steps.0: " KINDS "0 of them"},
    {BOX AT STEPS "- {at: 1 s, flush: true, reboot: true}",
     "x.yaml:4:3: steps.0: " KINDS "2 of them"},
    {BOX AT STEPS "- {at: 1 s, flush: false}",
     "x.yaml:4:20: steps.0.flush: expected true, got `false`"},
    {BOX AT STEPS "- {at: 1 s, flush: true, repeat: 2}",
     "x.yaml:4:34: steps.0: expected no `repeat` beside `flush`"},
    {BOX AT STEPS "- {at: 1 s, out: \"" HOST " -> " Y "\", box: 0}",
     "x.yaml:4:59: steps.0: expected no `box` beside `out`"},
    {BOX AT STEPS SENT "- {at: 1 s, flush: true, box: 1}",
     "x.yaml:5:31: steps.1.box: expected 0 to 0, the innermost box is 0, got `1`"},
};

static const struct line STEPS_OF_ALL_KINDS[] = {
    {BOX AT STEPS "- {at: 1 s, out: \"" HOST "\"}",
     "x.yaml:4:18: steps.0.out: expected `source -> destination`, got `" HOST "`"},
    {BOX AT STEPS "- {at: 1 s, out: \"" HOST " -> 5.6.7.8\"}",
     "x.yaml:4:18: steps.0.out: " SENT_FORMS "`" HOST " -> 5.6.7.8`"},
    {BOX AT STEPS "- {at: 1 s, out: \"" HOST " -> 5.6.7.8:*\"}",
     "x.yaml:4:18: steps.0.out: " SENT_FORMS "`" HOST " -> 5.6.7.8:*`"},
    {BOX AT STEPS "- {at: 1 s, in: \"" Y " -> $p\"}",
     "x.yaml:4:17: steps.0.in: expected what a step before has saved, got `" Y " -> $p`"},
    {BOX AT STEPS SENT "- {at: 1 s, in: \"" Y " -> $p\", expect: $p+}",
     "x.yaml:5:47: steps.1.expect: expected `drop`, `A:p`, `A:*`, `$n`, `$n:*`, `$n+k` or "
     "`$n-k`, with `!` before it for anything else, got `$p+`"},
    {BOX AT STEPS SENT "- {at: 1 s, in: \"" Y " -> $p\", expect: $p+65536}",
     "x.yaml:5:47: steps.1.expect: expected `drop`, `A:p`, `A:*`, `$n`, `$n:*`, `$n+k` or "
     "`$n-k`, with `!` before it for anything else, got `$p+65536`"},
    {BOX AT STEPS "- {at: 1 s, out: \"" HOST " -> " Y "\", save: a-b}",
     "x.yaml:4:60: steps.0.save: expected a name of letters, digits and `_`, got `a-b`"},
    {BOX AT STEPS "- {at: 1 s, out: \"" HOST " -> " Y "\", vary: port}",
     "x.yaml:4:60: steps.0.vary: expected source_port, source_address, destination_port or "
     "destination_address, got `port`"},
    {BOX AT STEPS "- {at: 1 s, flush: true}\n- {at: 0 s, flush: true}",
     "x.yaml:5:8: steps.1.at: expected a time that does not precede the last packet before "
     "it, got `0 s`"},
    {BOX AT STEPS "- {at: 0 s, out: \"" HOST " -> " Y "\", repeat: 3, step: 1 s}\n"
                  "- {at: 1999 ms, flush: true}",
     "x.yaml:5:8: steps.1.at: expected a time that does not precede the last packet before "
     "it, got `1999 ms`"},
    {BOX AT STEPS "- {at: 1 d, out: \"" HOST " -> " Y "\", repeat: 1000000, step: 300 d}",
     "x.yaml:4:77: steps.0.step: expected the last packet within 100 years, got `300 d`"},
    {BOX AT STEPS "- {at: 1 s, state: {mapings: 1}}",
     "x.yaml:4:21: steps.0.state: expected a counter such as mappings, mappings_made or "
     "dropped_filter, got `mapings` (did you mean `mappings`?)"},
    {BOX AT STEPS "- {at: 1 s, state: {mappings: many}}",
     "x.yaml:4:31: steps.0.state: expected a whole number, got `many`"},
    {BOX AT STEPS "- {at: 1 s, state: {}}",
     "x.yaml:4:20: steps.0.state: expected at least one counter, got a map"},
    {BOX AT STEPS "- {at: 1 s, readdress: [1.1.1.1, 2.2.2.2]}",
     "x.yaml:4:24: steps.0.readdress: expected as many addresses as the box has, 1, got 2"},
    {BOX AT STEPS "- {at: 1 s, set: {filtering: all}}", "x.yaml:4:30: steps.0.set.filtering: *"},
    {BOX AT STEPS "- {at: 1 s, set: {kind: firewall}}",
     "x.yaml:4:18: steps.0.set: expected the box to stay of its kind, got a map"},
    {BOX AT STEPS "- {at: 1 s, set: {range: [10, 9]}}",
     "x.yaml:4:18: steps.0.set: range: expected 1 <= low <= high, got [10, 9]"},
    {BOX AT STEPS "- {at: 1 s, set: {filtering: [eif, adf]}}",
     "x.yaml:4:18: steps.0.set: expected one value for each knob, got a map"},
    {BOX AT STEPS "- {at: 1 s, map: {external: \"1.2.3.4:5\"}}",
     "x.yaml:4:18: steps.0.map: expected the key `inside`, got none"},
    {BOX AT STEPS "- {at: 1 s, out: \"" HOST " -> " Y "\", icmp: 3}",
     "x.yaml:4:60: steps.0.icmp: expected `none` or an ICMP type and code such as `3/13`, got "
     "`3`"},
    {BOX AT STEPS "- {at: 1 s, in: \"" Y " -> " Y "\", error: 3/3}",
     "x.yaml:4:56: steps.0.error: expected `error` and `about` together, got `3/3`"},
    {BOX AT STEPS "- {at: 1 s, in: \"" Y " -> " Y "\", damaged: on}",
     "x.yaml:4:58: steps.0.damaged: expected `error` beside it, got `on`"},
    {BOX AT STEPS "- {at: 1 s, out: \"" HOST " -> " Y "\", pieces: 3 3 x}",
     "x.yaml:4:62: steps.0.pieces: expected numbers of pieces, at most 16, such as `2 1`, or "
     "`1/2`, got `3 3 x`"},
    {BOX AT STEPS "- {at: 1 s, out: \"" HOST " -> " Y "\", pieces: 3/2}",
     "x.yaml:4:62: steps.0.pieces: expected numbers of pieces, at most 16, such as `2 1`, or "
     "`1/2`, got `3/2`"},
    {BOX AT STEPS "- {at: 1 s, out: \"" HOST " -> " Y "\", pieces: 1 2 3 4}",
     "x.yaml:4:62: steps.0.pieces: expected fewer pieces: each but the last has a multiple of "
     "8 bytes, got `1 2 3 4`"},
    {BOX AT STEPS "- {at: 1 s, out: \"" HOST " -> " Y "\", reads: a}",
     "x.yaml:4:61: steps.0.reads: expected an IPv4 address such as `192.168.0.2`, got `a`"},
    {BOX AT STEPS "- {at: 1 s, out: \"" HOST " -> " Y "\", size: 15}",
     "x.yaml:4:60: steps.0.size: expected 16 to 65000, got `15`"},
    {BOX AT STEPS "- {at: 1 s, map: {inside: \"" HOST "\", by: stun}}",
     "x.yaml:4:51: steps.0.map.by: expected box, nat_pmp, pcp or upnp, got `stun`"},
};

static void a_bad_script_is_told_with_its_place(void **state)
{
    (void)state;
    CHECK_LINES(DOCUMENTS);
}

static void a_bad_step_is_told_with_its_place(void **state)
{
    (void)state;
    CHECK_LINES(STEPS_OF_ALL_KINDS);
}

/* ---- the command ---- */

static void write_script(char path[40], const char *script)
{
    strcpy(path, "/tmp/nat_play_XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, script, strlen(script)), (ssize_t)strlen(script));
    close(fd);
}

static void the_command_tells_each_step_and_its_exit_code(void **state)
{
    static char out[CAPTURED], err[CAPTURED], expected[CAPTURED];
    char good[40], fails[40], bad[40];
    (void)state;
    write_script(good, BOX AT STEPS SENT "- {at: 1 s, flush: true}\n");
    write_script(fails, BOX AT STEPS SENT "- {at: 1 s, state: {mappings: 7}}\n");
    write_script(bad, BOX AT STEPS "- {at: 1 s, state: {mappings: x}, flsh: true}\n");
    assert_int_equal(
        captured(&nat_command, out, err, (const char *const[]){"nat", "play", good, NULL}),
        EXIT_FINE);
    assert_string_equal(out, "ok\nok\n2 passed, 0 failed\n");
    assert_int_equal(
        captured(&nat_command, out, err, (const char *const[]){"nat", "play", fails, NULL}),
        EXIT_WORSE);
    assert_string_equal(out, "ok\nFAIL step 2: expected mappings 7, got mappings 1\n"
                             "1 passed, 1 failed\n");
    assert_int_equal(
        captured(&nat_command, out, err, (const char *const[]){"nat", "play", good, fails, NULL}),
        EXIT_WORSE);
    snprintf(expected, sizeof expected,
             "%s:\nok\nok\n%s:\nok\nFAIL step 2: expected mappings 7, got mappings 1\n"
             "3 passed, 1 failed\n",
             good, fails);
    assert_string_equal(out, expected);
    assert_int_equal(captured(&nat_command, out, err,
                              (const char *const[]){"nat", "play", "--json", fails, NULL}),
                     EXIT_WORSE);
    snprintf(
        expected, sizeof expected,
        "{\"scripts\": [{\"script\": \"%s\", \"steps\": [{\"step\": 1, \"ok\": true}, "
        "{\"step\": 2, \"ok\": false, \"expected\": \"mappings 7\", \"got\": \"mappings 1\"}]}]"
        ", \"passed\": 1, \"failed\": 1}\n",
        fails);
    assert_string_equal(out, expected);
    /* a bad one: nothing is played, not even the good one */
    assert_int_equal(
        captured(&nat_command, out, err, (const char *const[]){"nat", "play", good, bad, NULL}),
        EXIT_INPUT);
    assert_string_equal(out, "");
    assert_non_null(strstr(err, "flsh"));
    assert_int_equal(
        captured(&nat_command, out, err, (const char *const[]){"nat", "play", "/no/such", NULL}),
        EXIT_INPUT);
    assert_int_equal(captured(&nat_command, out, err, (const char *const[]){"nat", "play", NULL}),
                     EXIT_INPUT);
    assert_int_equal(captured(&nat_command, out, err, (const char *const[]){"nat", "plya", NULL}),
                     EXIT_INPUT);
    assert_non_null(strstr(err, "did you mean `play`?"));
    unlink(good);
    unlink(fails);
    unlink(bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bad_script_is_told_with_its_place),
        cmocka_unit_test(a_bad_step_is_told_with_its_place),
        cmocka_unit_test(the_command_tells_each_step_and_its_exit_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
