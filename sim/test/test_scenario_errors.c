/* test_scenario_errors.c: what a person is told about a broken scenario. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/plan.h"
#include "sim/scenario.h"

#define HEAD "mist: 1\nname: x\nduration: 10 min\n"
#define HOSTS                                                                                      \
    "population:\n- {name: server, count: 1, roles: bootstrap}\n- {name: home, count: 2}\n"
#define GOOD HEAD HOSTS

#define KEYS                                                                                       \
    "expected one of the keys mist, name, question, seed, duration, join, network, population, "   \
    "stack, crypto, engine, workload, churn, faults, sweep, expect, compare or record, got "

/* One mistake and the one line that tells it, quotation left out. */
struct mistake {
    const char *text, *set; /* set: NULL or an override */
    const char *told;
};

static const struct mistake MISTAKES[] = {
    /* not a document at all */
    {"", NULL, "x.yaml: expected a YAML document, got an empty one"},
    {"# nothing\n", NULL, "x.yaml: expected a YAML document, got an empty one"},
    {"just text", NULL, "x.yaml:1:1: expected a map of keys, got text"},
    {"- a\n- b\n", NULL, "x.yaml:1:1: expected a map of keys, got a list"},
    {"a: [1, 2\n", NULL,
     "x.yaml:2:1: expected YAML in UTF-8, got a mistake: did not find expected ',' or ']'"},
    {"a:\n\t- 1\n", NULL,
     "x.yaml:2:1: expected YAML in UTF-8, got a mistake: a tab where only spaces indent"},
    {"a: @b\n", NULL,
     "x.yaml:1:4: expected YAML in UTF-8, got a mistake: found character that cannot start any "
     "token"},
    {"a: \xff\xfe\n", NULL,
     "x.yaml:1:4: expected YAML in UTF-8, got a mistake: invalid leading UTF-8 octet"},
    {"\xc3\xa9: b\na: \xc3\xa9\xc3\n", NULL,
     "x.yaml:2:5: expected YAML in UTF-8, got a mistake: invalid trailing UTF-8 octet"},
    {GOOD "---\nmist: 1\n", NULL, "x.yaml:7:1: expected one document, got a second"},
    {GOOD "x-a: !!str b\n", NULL, "x.yaml:7:6: expected plain YAML, got a tag"},
    {GOOD "x-a: &a b\n", NULL,
     "x.yaml:7:6: expected every anchor to be used, got `&a` without `*a`"},
    {GOOD "x-a: *b\n", NULL,
     "x.yaml:7:6: expected an anchor that stands above, got an unknown one"},
    {GOOD "? [a]\n: b\n", NULL, "x.yaml:7:3: expected a word as a key, got a list or a map"},
    {GOOD "name: y\n", NULL,
     "x.yaml:7:1: expected each key once, got `name` again (first in line 2)"},
    /* keys */
    {GOOD "stop_tme: 2 min\n", NULL, "x.yaml:7:1: " KEYS "`stop_tme`"},
    {GOOD "seeds: 2\n", NULL, "x.yaml:7:1: " KEYS "`seeds` (did you mean `seed`?)"},
    {"name: x\nduration: 10 min\n" HOSTS, NULL, "x.yaml:1:1: expected the key `mist`, got none"},
    {GOOD "churn: {}\n", NULL, "x.yaml:7:8: churn: expected the key `session`, got none"},
    {GOOD "churn: {session: {}}\n", NULL,
     "x.yaml:7:18: churn.session: expected exactly one of weibull, exponential, lognormal or "
     "trace, got 0 of them"},
    {GOOD "churn: {session: {weibull: {shape: 0.1, scale: 1 h}}}\n", NULL,
     "x.yaml:7:36: churn.session.weibull.shape: expected 0.2 to 20, got `0.1`"},
    {GOOD "churn: {session: {weibull: {shape: 61%, scale: 1 h}}}\n", NULL,
     "x.yaml:7:36: churn.session.weibull.shape: expected a number such as `0.61`, in steps of "
     "0.000001, got `61%`"},
    {GOOD "churn: {session: {lognormal: {median: 0 s, sigma: 1}}}\n", NULL,
     "x.yaml:7:39: churn.session.lognormal.median: expected 1 ms to 36500 d, got `0 s`"},
    {GOOD "churn: {session: {exponential: {mean: 1 h}}, of: [home, hom]}\n", NULL,
     "x.yaml:7:57: churn: expected the name of a population, got `hom` (did you mean `home`?)"},
    {GOOD "churn: {session: {trace: none.txt}}\n", NULL,
     "x.yaml:7:26: churn.session: cannot open `none.txt`: No such file or directory"},
    {GOOD "faults: [{at: 1 min}]\n", NULL,
     "x.yaml:7:10: faults.0: expected exactly one of crash, leave, restart, nat_reboot, nat_flush, "
     "nat_set, readdress, roam, partition or loss, got 0 of them"},
    {GOOD "faults: [{crash: home}]\n", NULL,
     "x.yaml:7:10: faults.0: expected the key `at`, got none"},
    {GOOD "faults: [{at: 10 min, crash: home}]\n", NULL,
     "x.yaml:7:15: faults.0: expected a time before the duration, got `10 min`"},
    {GOOD "faults: [{at: 1 min, crash: hom}]\n", NULL,
     "x.yaml:7:29: faults.0: expected the name of a population, got `hom` (did you mean `home`?)"},
    {GOOD "faults: [{at: 1 min, nat_reboot: home, for: 1 s}]\n", NULL,
     "x.yaml:7:45: faults.0: expected no for with nat_reboot"},
    {GOOD "faults: [{at: 1 min, loss: 5%, share: 10%}]\n", NULL,
     "x.yaml:7:39: faults.0: expected no share with loss"},
    {GOOD "faults: [{at: 1 min, crash: home, of: home}]\n", NULL,
     "x.yaml:7:39: faults.0: expected no of with crash"},
    {GOOD "faults: [{at: 1 min, partition: [home, mars]}]\n", NULL,
     "x.yaml:7:40: faults.0: expected the name of a population or of a region of network.latency, "
     "got `mars`"},
    {GOOD "faults: [{at: 1 min, nat_set: home}]\n", NULL,
     "x.yaml:7:10: faults.0: expected the key `knobs`, got none"},
    {GOOD "faults: [{at: 1 min, nat_set: home, knobs: {hold: [1 s, 2 s]}}]\n", NULL,
     "x.yaml:7:51: faults.0: expected one value, got a list"},
    {GOOD "- {name: six, count: 1, family: 6}\nfaults: [{at: 1 min, roam: home, to: six}]\n", NULL,
     "x.yaml:8:38: faults.0: expected a population of the same family of addresses as home, got "
     "`six`"},
    {GOOD "workload: [{publish: uniform, rate: 1/s, talk: 1 s}]\n", NULL,
     "x.yaml:7:48: workload.0: expected no talk with publish"},
    {GOOD "network: {jiter: 5%}\n", NULL,
     "x.yaml:7:11: network: expected one of the keys latency, jitter, loss or broken, got `jiter` "
     "(did you mean `jitter`?)"},
    {GOOD "network: 5%\n", NULL, "x.yaml:7:10: network: expected a map of keys, got `5%`"},
    {GOOD "network: {latency: {}}\n", NULL,
     "x.yaml:7:20: network.latency: expected exactly one of constant, uniform, matrix or regions, "
     "got 0 of them"},
    {GOOD "network: {latency: {constant: 1 ms, regions: r.yaml}}\n", NULL,
     "x.yaml:7:20: network.latency: expected exactly one of constant, uniform, matrix or regions, "
     "got 2 of them"},
    /* values */
    {"mist: 2\nname: x\nduration: 10 min\n" HOSTS, NULL, "x.yaml:1:7: mist: expected 1, got `2`"},
    {"mist: 1\nname: a/b\nduration: 10 min\n" HOSTS, NULL,
     "x.yaml:2:7: name: expected a name of at most 64 letters, digits, `_` and `-`, not only "
     "digits, got `a/b`"},
    {"mist: 1\nname: x\nduration: 10\n" HOSTS, NULL,
     "x.yaml:3:11: duration: expected a time such as `30 s` (ns, us, ms, s, min, h, d), got `10`"},
    {"mist: 1\nname: x\nduration: 0 s\n" HOSTS, NULL,
     "x.yaml:3:11: duration: expected 1 ms to 36525 d, got `0 s`"},
    {"mist: 1\nname: x\nduration: [1 s]\n" HOSTS, NULL,
     "x.yaml:3:11: duration: expected time, `30 s`, got a list"},
    {GOOD "network: {loss: 0.5}\n", NULL,
     "x.yaml:7:17: network.loss: expected a share such as `0.5%`, from 0% to 100% in steps of "
     "0.0001%, got `0.5`"},
    {GOOD "network: {loss: 101%}\n", NULL,
     "x.yaml:7:17: network.loss: expected a share such as `0.5%`, from 0% to 100% in steps of "
     "0.0001%, got `101%`"},
    {GOOD "network: {latency: {uniform: 9 ms..2 ms}}\n", NULL,
     "x.yaml:7:30: network.latency.uniform: expected two times such as `10 ms..200 ms`, the "
     "smaller first, got `9 ms..2 ms`"},
    {GOOD "network: {latency: {constant: 2 min}}\n", NULL,
     "x.yaml:7:31: network.latency.constant: expected 0 s to 60 s, got `2 min`"},
    {GOOD "network: {latency: {regions: none.yaml}}\n", NULL,
     "x.yaml:7:30: network.latency: cannot open `none.yaml`: No such file or directory"},
    {GOOD "record: {packets: yes}\n", NULL,
     "x.yaml:7:19: record.packets: expected on or off, got `yes`"},
    {GOOD "join: 11 min\n", NULL, "x.yaml:7:7: join: expected at most the duration, got `11 min`"},
    /* populations */
    {HEAD "population: []\n", NULL,
     "x.yaml:4:13: population: expected a population with the role bootstrap, got none"},
    {HEAD "population:\n- {name: home, count: 2}\n", NULL,
     "x.yaml:5:1: population: expected a population with the role bootstrap, got none"},
    {GOOD "- {name: home, count: 2}\n", NULL,
     "x.yaml:7:10: population: expected each name once, got a second `home`"},
    {GOOD "- {name: far, count: 0}\n", NULL,
     "x.yaml:7:22: population.far.count: expected 1 to 4000000, got `0`"},
    {GOOD "- {name: far, count: 4000000}\n", NULL,
     "x.yaml:7:22: population: expected at most 4000000 hosts in all, got more"},
    {GOOD "- {name: 12, count: 3}\n", NULL,
     "x.yaml:7:10: population.2.name: expected a name of at most 64 letters, digits, `_` and `-`, "
     "not only digits, got `12`"},
    {GOOD "- {name: far, count: 3, roles: [relay, bootstap]}\n", NULL,
     "x.yaml:7:40: population.far.roles: expected bootstrap, relay or echo, "
     "got `bootstap` (did you mean "
     "`bootstrap`?)"},
    {GOOD "- {name: far, count: 3, behaviour: lair}\n", NULL,
     "x.yaml:7:36: population.far.behaviour: expected honest, liar, flooder, reflector, "
     "bystander, tap or framer, got `lair` (did you mean `liar`?)"},
    {GOOD "- {name: far, count: 3, behaviour: flooder}\n", NULL,
     "x.yaml:7:3: population.far.attack: expected the key `attack`, got none"},
    {GOOD "- {name: far, count: 3, attack: {rate: 1/s, at: home}}\n", NULL,
     "x.yaml:7:33: population.far.attack: expected no attack but of a flooder, a reflector or a "
     "framer"},
    {GOOD "- {name: far, count: 3, behaviour: reflector, attack: {rate: 1/s, at: home}}\n", NULL,
     "x.yaml:7:55: population.far.attack: expected the key `victim`, got none"},
    {GOOD "- {name: far, count: 3, behaviour: flooder, attack: {rate: 1/s, at: hom}}\n", NULL,
     "x.yaml:7:69: population.far.attack: expected the name of a population, got `hom` (did you "
     "mean `home`?)"},
    {GOOD "- {name: far, count: 3, behaviour: flooder, attack: {rate: 1/s, at: home, victim: home, "
          "sources: any}}\n",
     NULL,
     "x.yaml:7:98: population.far.attack: expected any sources with a flooder that names no "
     "victim"},
    {GOOD "- {name: far, count: 3, behaviour: flooder, attack: {rate: 1/s, at: home, forge: []}}\n",
     NULL, "x.yaml:7:82: population.far.attack: expected a word, got none"},
    {GOOD "- {name: far, count: 3, behaviour: flooder, attack: {rate: 0/s, at: home}}\n", NULL,
     "x.yaml:7:60: population.far.attack: expected more than 0, got `0/s`"},
    {GOOD "- {name: far, count: 3, behaviour: bystander, roles: relay}\n", NULL,
     "x.yaml:7:54: population.far.attack: expected no roles where no node runs"},
    {GOOD "- {name: far, count: 3, family: 5}\n", NULL,
     "x.yaml:7:33: population.far.family: expected 4 or 6, got `5`"},
    {GOOD "- {name: far, count: 3, access: {up: 20 Mbps}}\n", NULL,
     "x.yaml:7:38: population.far.access.up: expected a bandwidth such as `20 Mbit/s` (bit/s, "
     "kbit/s, Mbit/s, Gbit/s) or `unlimited`, got `20 Mbps`"},
    {GOOD "- {name: far, count: 3, nat: home_apdv}\n", NULL,
     "x.yaml:7:30: population.far.nat: expected a profile of nat-models/profiles, got `home_apdv` "
     "(did you mean `home_apdf`?)"},
    {GOOD "- {name: far, count: 3, nat: {population: roveso}}\n", NULL,
     "x.yaml:7:43: population.far.nat: expected a population of nat-models/populations, got "
     "`roveso` (did you mean `roverso`?)"},
    {GOOD "- {name: far, count: 3, nat: {maping: eim}}\n", NULL,
     "x.yaml:7:31: population.far.nat: expected the name of a NAT's knob, got `maping` (did you "
     "mean `mapping`?)"},
    {GOOD "- {name: far, count: 3, nat: [[home_apdf]]}\n", NULL,
     "x.yaml:7:31: population.far.nat: expected a profile or knobs, got a list"},
    {GOOD "- {name: far, count: 3, nat: []}\n", NULL,
     "x.yaml:7:30: population.far.nat: expected a chain of 1 to 8 boxes, got 0"},
    {GOOD "- {name: far, count: 3, nat: ../profiles/home_apdf}\n", NULL,
     "x.yaml:7:30: population.far.nat: expected a profile of nat-models/profiles, got "
     "`../profiles/home_apdf`"},
    {GOOD "- {name: far, count: 3, family: 6, nat: home_apdf}\n", NULL,
     "x.yaml:7:41: population.far.nat: expected none or firewalls for IPv6 hosts, got a box that "
     "translates IPv4"},
    {GOOD "- {name: far, count: 3, nat: {range: [5000, 5001]}, subscribers_per_nat: 3}\n", NULL,
     "x.yaml:7:30: population.far.nat: expected a port for each subscriber, got 3 subscribers on 2 "
     "ports"},
    {GOOD "- {name: far, count: 3, nat: home_apdf, roles: bootstrap}\n", NULL,
     "x.yaml:7:30: population.far.nat: expected `none` for hosts through which others join"},
    {GOOD "- {name: far, count: 3, nat: {idle: {min: 5 s, median: 3 s, max: 9 s}}}\n", NULL,
     "x.yaml:7:37: population.far.nat.idle: expected { min: A, median: B, max: C } with A <= B <= "
     "C"},
    /* workload */
    {GOOD "workload: [{dial: uniform}]\n", NULL,
     "x.yaml:7:12: workload.0: expected the key `rate`, got none"},
    {GOOD "workload: [{dial: uniform, rate: 0/s}]\n", NULL,
     "x.yaml:7:34: workload.0: expected more than 0, got `0/s`"},
    {GOOD "workload: [{dial: all_pairs, rate: 1/s}]\n", NULL,
     "x.yaml:7:36: workload.0: expected no rate with all_pairs"},
    {GOOD "workload: [{rate: 1/s}]\n", NULL,
     "x.yaml:7:12: workload.0: expected exactly one of dial or publish, got 0 of them"},
    {GOOD "workload: [{dial: unifrom, rate: 1/s}]\n", NULL,
     "x.yaml:7:19: workload.0.dial: expected uniform or all_pairs, got `unifrom` (did you mean "
     "`uniform`?)"},
    {GOOD "workload: [{dial: uniform, rate: 1/s, src: hom}]\n", NULL,
     "x.yaml:7:44: workload.0: expected the name of a population, got `hom` (did you mean "
     "`home`?)"},
    {GOOD "workload: [{dial: uniform, rate: 1/s, window: 11 min}]\n", NULL,
     "x.yaml:7:47: workload.0: expected a window within the duration, got `11 min`"},
    {GOOD "workload: [{dial: uniform, rate: 1/s, until: 10 min}]\n", NULL,
     "x.yaml:7:46: workload.0: expected at most duration - window, so that the last has its "
     "outcome, got `10 min`"},
    {GOOD "workload: [{dial: uniform, rate: 1/s, from: 9 min}]\n", NULL,
     "x.yaml:7:45: workload.0: expected a time before duration - window, got `9 min`"},
    {GOOD "workload: [{dial: uniform, rate: 1/s, size: 3 B}]\n", NULL,
     "x.yaml:7:45: workload.0: expected no size with dial"},
    {GOOD "workload: [{dial: uniform, rate: 1/s, settled: 3 s}]\n", NULL,
     "x.yaml:7:48: workload.0: expected no settled with dial"},
    {GOOD "workload: [{dial: all_pairs, src: server, dst: server}]\n", NULL,
     "x.yaml:7:12: workload.0: expected hosts that act and others that they can reach, got too "
     "few"},
    {GOOD "workload: [{publish: uniform, rate: 1/s, size: 1 kB}]\n", NULL,
     "x.yaml:7:48: workload.0.size: expected 0 B to 900 B, got `1 kB`"},
    /* expectations and sweeps */
    {GOOD "expect: {dial.direct_rate: 70%}\n", NULL,
     "x.yaml:7:28: expect: expected a bound on a share such as `>= 70%`, got `70%`"},
    {GOOD "expect: {dial.direct_rate: \">= 2 s\"}\n", NULL,
     "x.yaml:7:28: expect: expected a bound on a share such as `>= 70%`, got `>= 2 s`"},
    {GOOD "expect: {dial.direct_rat: \">= 70%\"}\n", NULL,
     "x.yaml:7:10: expect: expected a metric, got `dial.direct_rat` (did you mean "
     "`dial.direct_rate`?)"},
    {GOOD "expect: {\"dial.first_byte.p50[home,home]\": \"<= 1 s\"}\n", NULL,
     "x.yaml:7:10: expect: expected `dial.first_byte.p50` alone: it is not measured by pair, got "
     "`dial.first_byte.p50[home,home]`"},
    {GOOD "expect: {\"dial.direct_rate[home,hom]\": \">= 1%\"}\n", NULL,
     "x.yaml:7:10: expect: expected the name of a population, got `hom` (did you mean `home`?)"},
    {GOOD "expect: {happiness: \">= 70%\"}\n", NULL,
     "x.yaml:7:10: expect: expected a metric such as `dial.direct_rate` or "
     "`dial.direct_rate[home,mobile]`, got `happiness` (`mistsim explain-key expect` lists them)"},
    {GOOD "expect: {\"dial.direct_rate[home]\": \">= 70%\"}\n", NULL,
     "x.yaml:7:10: expect: expected a pair such as `dial.direct_rate[home,mobile]`, got "
     "`dial.direct_rate[home]`"},
    {GOOD "expect: {matrix: {home: {hom: direct}}}\n", NULL,
     "x.yaml:7:26: expect.matrix: expected the name of a population, got `hom` (did you mean "
     "`home`?)"},
    {GOOD "expect: {matrix: {home: {home: maybe}}}\n", NULL,
     "x.yaml:7:32: expect.matrix: expected direct, relayed or failed, got `maybe`"},
    {GOOD "sweep: {network.loss: 2%}\n", NULL,
     "x.yaml:7:23: sweep: expected a list of at least one value, got text"},
    {GOOD "sweep: {network.loss: []}\n", NULL,
     "x.yaml:7:23: sweep: expected a list of at least one value, got an empty one"},
    {GOOD "sweep: {network.loss: [1%, 2]}\n", NULL,
     "x.yaml:7:28: network.loss: expected a share such as `0.5%`, from 0% to 100% in steps of "
     "0.0001%, got `2`"},
    {GOOD "sweep: {network.los: [1%]}\n", NULL,
     "x.yaml:7:9: network: expected one of the keys latency, jitter, loss or broken, got `los` "
     "(did you mean `loss`?)"},
    {GOOD "sweep: {population.hom.count: [1]}\n", NULL,
     "x.yaml:7:9: population.hom.count: expected the name of an item or a position from 0 to 1, "
     "got `hom` (did you mean `home`?)"},
    {"mist: 1\nduration: 10 min\n" HOSTS "sweep: {network.loss: [1%, 2%]}\n", NULL,
     "x.yaml:1:1: expected the key `name`, got none"}, /* in both cells, told once */
    {HEAD "population: []\nsweep: {network.loss: [1%, 2%]}\n", NULL,
     "x.yaml:4:13: population: expected a population with the role bootstrap, got none"},
    /* overrides */
    {GOOD, "network.loss", "--set:1:1: expected PATH=VALUE, got `network.loss`"},
    {GOOD, "=3", "--set:1:1: expected PATH=VALUE, got `=3`"},
    {GOOD, "network.loss=2",
     "--set:1:14: network.loss: expected a share such as `0.5%`, from 0% to 100% in steps of "
     "0.0001%, got `2`"},
    {GOOD, "network.los=2%",
     "--set:1:1: network: expected one of the keys latency, jitter, loss or broken, got `los` (did "
     "you mean `loss`?)"},
    {GOOD, "population.7.count=2",
     "--set:1:1: population.7.count: expected the name of an item or a position from 0 to 1, got "
     "`7`"},
    {GOOD, "population.home.nat=[",
     "--set:1:22: expected YAML in UTF-8, got a mistake: did not "
     "find expected node content"},
    {GOOD "sweep: {network.loss: [1%]}\n", "network.loss=2%",
     "x.yaml:7:9: sweep: `network.loss` is swept and set; use --set 'sweep.network.loss=[VALUE]'"},
};

static char *tell(const char *text, const char *set)
{
    struct errors errors = {0};
    const struct scenario_options options = {0};
    struct scenario *s =
        scenario_parse("x.yaml", text, strlen(text), &set, set != NULL, &options, &errors);
    char *told = NULL;
    size_t size;
    FILE *out = open_memstream(&told, &size);
    assert_non_null(out);
    errors_print(&errors, out);
    assert_int_equal(fclose(out), 0);
    assert_true((s == NULL) == (errors.count > 0));
    scenario_free(s);
    errors_free(&errors);
    return told;
}

static void each_mistake_is_told_in_one_line_with_its_place(void **state)
{
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < sizeof MISTAKES / sizeof *MISTAKES; i++) {
        char *told = tell(MISTAKES[i].text, MISTAKES[i].set);
        size_t length = strcspn(told, "\n");
        int one = strcmp(told + strlen(told) - 9, "1 error.\n") == 0;
        if (length != strlen(MISTAKES[i].told) || !one ||
            memcmp(told, MISTAKES[i].told, length) != 0) {
            print_error("expected:\n%s\ngot:\n%s\n", MISTAKES[i].told, told);
            wrong++;
        }
        free(told);
    }
    assert_int_equal(wrong, 0);
}

static void all_mistakes_are_told_at_once_in_order_and_underlined(void **state)
{
    (void)state;
    static const char text[] = "mist: 1\n"
                               "name: x\n"
                               "duraton: 10 min\n"
                               "network: {loss: 3}\n"
                               "population:\n"
                               "- {name: server, count: 1, roles: bootstrap}\n"
                               "- {name: home, count: 2, nat: home_apdv}\n"
                               "workload:\n"
                               "- {dial: uniform, rate: 1/min, src: hom}\n";
    static const char expected[] =
        "x.yaml:1:1: expected the key `duration`, got none\n"
        "   1 | mist: 1\n"
        "     | ^\n"
        "x.yaml:3:1: " KEYS "`duraton` (did you mean `duration`?)\n"
        "   3 | duraton: 10 min\n"
        "     | ^~~~~~~\n"
        "x.yaml:4:17: network.loss: expected a share such as `0.5%`, from 0% to 100% in steps of "
        "0.0001%, got `3`\n"
        "   4 | network: {loss: 3}\n"
        "     |                 ^\n"
        "x.yaml:7:31: population.home.nat: expected a profile of nat-models/profiles, got "
        "`home_apdv` (did you mean `home_apdf`?)\n"
        "   7 | - {name: home, count: 2, nat: home_apdv}\n"
        "     |                               ^~~~~~~~~\n"
        "x.yaml:9:37: workload.0: expected the name of a population, got `hom` (did you mean "
        "`home`?)\n"
        "   9 | - {dial: uniform, rate: 1/min, src: hom}\n"
        "     |                                     ^~~\n"
        "5 errors.\n";
    char *told = tell(text, NULL);
    assert_string_equal(told, expected);
    free(told);
}

static void control_bytes_do_not_reach_the_terminal(void **state)
{
    (void)state;
    char *told = tell(GOOD "\"a\\e[31m\": 1\n", NULL);
    assert_null(strchr(told, '\x1b'));
    free(told);
    told = tell("a: \x9b\n", NULL); /* CSI of ISO 8859-1, and no UTF-8 */
    assert_null(strchr(told, '\x9b'));
    free(told);
}

/* Nine anchors of nine aliases each would be 9^9 nodes. */
static void an_alias_bomb_is_refused(void **state)
{
    (void)state;
    char text[2000] = "x-a0: &a0 [1,1,1,1,1,1,1,1,1]\n";
    for (int i = 1; i < 10; i++) {
        char line[200];
        int used = snprintf(line, sizeof line, "x-a%d: &a%d [", i, i);
        for (int k = 0; k < 9; k++)
            used +=
                snprintf(line + used, sizeof line - (size_t)used, "%s*a%d", k ? "," : "", i - 1);
        (void)snprintf(line + used, sizeof line - (size_t)used, "]\n");
        strcat(text, line);
    }
    char *told = tell(text, NULL);
    assert_non_null(
        strstr(told, "expected a smaller document, got too many nodes once aliases are copied"));
    free(told);
}

static void a_document_too_deep_or_too_wide_is_refused(void **state)
{
    (void)state;
    char *deep = malloc(200001);
    assert_non_null(deep);
    memset(deep, '[', 200000);
    deep[200000] = 0;
    char *told = tell(deep, NULL);
    assert_non_null(strstr(told, "expected at most 32 levels of lists and maps, got one more"));
    free(told);
    size_t used = 0;
    for (int i = 0; i < 1001; i++)
        used += (size_t)snprintf(deep + used, 200001 - used, "x-%d: 1\n", i);
    told = tell(deep, NULL);
    assert_non_null(strstr(told, "expected at most 1000 keys in a map, got one more"));
    free(told);
    free(deep);
}

static void a_megabyte_of_garbage_is_refused(void **state)
{
    (void)state;
    char *garbage = malloc(1000001);
    assert_non_null(garbage);
    uint32_t x = 1;
    for (int i = 0; i < 1000000; i++) {
        x = x * 1664525u + 1013904223u;
        garbage[i] = (char)(x >> 24);
        if (garbage[i] == 0)
            garbage[i] = ' ';
    }
    garbage[1000000] = 0;
    char *told = tell(garbage, NULL);
    assert_non_null(strstr(told, "1 error.\n"));
    free(told);
    free(garbage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_mistake_is_told_in_one_line_with_its_place),
        cmocka_unit_test(all_mistakes_are_told_at_once_in_order_and_underlined),
        cmocka_unit_test(control_bytes_do_not_reach_the_terminal),
        cmocka_unit_test(an_alias_bomb_is_refused),
        cmocka_unit_test(a_document_too_deep_or_too_wide_is_refused),
        cmocka_unit_test(a_megabyte_of_garbage_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
