/* recorded.h: a small plan and a run of it, for the tests of what comes after a
 * run: six nodes behind three kinds of NAT, with numbers chosen so that every
 * metric can be worked out by hand. */
#ifndef SIM_TEST_RECORDED_H
#define SIM_TEST_RECORDED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/oracle_census.h"
#include "sim/plan.h"
#include "sim/record.h"

#define RECORDED_PATH 300

static inline struct plan *recorded_plan(void)
{
    static char *regions[] = {"north", "south"};
    static struct plan_population populations[] = {
        {.name = "server", .first = 0, .count = 2, .nat = "none"},
        {.name = "home", .first = 2, .count = 2, .nat = "home_apdf"},
        {.name = "mobile", .first = 4, .count = 2, .nat = "apdm/apdf/random"},
    };
    static struct plan_host hosts[] = {
        {.population = 0, .box = PLAN_NONE, .nat = "none"},
        {.population = 0, .region = 1, .box = PLAN_NONE, .nat = "none"},
        {.population = 1, .box = 0, .nat = "home_apdf"},
        {.population = 1, .region = 1, .box = 1, .nat = "home_apdf"},
        {.population = 2, .box = 2, .nat = "apdm/apdf/random"},
        {.population = 2, .region = 1, .box = 2, .nat = "apdm/apdf/random"},
    };
    static struct plan_box boxes[] = {
        {.outer = PLAN_NONE, .profile = "home_apdf"},
        {.outer = PLAN_NONE, .profile = "home_apdf"},
        {.outer = PLAN_NONE, .profile = "apdm/apdf/random"},
    };
    static struct plan plan;
    plan = (struct plan){
        .name = "evening",
        .question = "Who reaches whom?",
        .path = "evening.yaml",
        .text = "mist: 1\nname: evening\n",
        .cell = "{}",
        .seed = 7,
        .duration = SEC(100),
        .network = {.regions = 2, .region_names = regions},
        .population_count = 3,
        .host_count = 6,
        .box_count = 3,
        .populations = populations,
        .hosts = hosts,
        .boxes = boxes,
        .traffic_per_node = true,
        .margin_count = 2,
        .margins = {{"dial.direct_rate", 0.01, 0}, {"dial.first_byte.p50", 0.05, 1}},
    };
    return &plan;
}

static inline struct record_run recorded_run(void)
{
    return (struct record_run){
        .engine = "native",
        .stack = "embedded",
        .stack_version = "mist 0.1.0",
        .commit_id = "abcdef1",
        .started_utc = "2026-01-31T12:00:00Z",
        .status = "complete",
        .sim_s = 100,
        .wall_s = 2,
        .events = 4000000,
        .packets = 1500000,
        .peak_rss_bytes = 50000000,
        .trace_hash = 0x0123456789abcdef,
    };
}

/* Ten dials: direct 6 (of which 2 from a public end, 1 on a LAN), relayed 3, failed 1.
 * First byte 0.1 s, 0.2 s, ... 0.9 s over the nine that connected. */
static inline void recorded_dials(struct record *r)
{
    static const struct {
        uint32_t src, dst;
        const char *outcome, *path, *reason;
    } dials[] = {
        {0, 2, "direct", "public", "none"},  {3, 1, "direct", "public", "none"},
        {2, 3, "direct", "punched", "none"}, {3, 2, "direct", "punched", "none"},
        {2, 3, "direct", "punched", "none"}, {4, 5, "direct", "lan", "none"},
        {2, 4, "relayed", "relay", "none"},  {4, 2, "relayed", "relay", "none"},
        {5, 3, "relayed", "relay", "none"},  {3, 5, "failed", "none", "timeout"},
    };
    for (uint32_t i = 0; i < 10; i++) {
        int ok = strcmp(dials[i].outcome, "failed") != 0;
        int direct = strcmp(dials[i].outcome, "direct") == 0;
        record_dial(r, &(struct record_dial){
                           .dial = i + 1,
                           .at = SEC(10 + i),
                           .src = dials[i].src,
                           .dst = dials[i].dst,
                           .outcome = dials[i].outcome,
                           .path = dials[i].path,
                           .first = ok ? MS(100) * (i + 1) : RECORD_NONE,
                           .direct = direct ? MS(200) * (i + 1) : RECORD_NONE,
                           .attempts = i == 3 ? 2 : 1,
                           .probes = 4,
                           .sockets = 1,
                           .rtt_first = ok ? MS(80) : RECORD_NONE,
                           .rtt_final = ok ? MS(70) : RECORD_NONE,
                           .rtt_ideal = MS(60),
                           .reason = dials[i].reason,
                           .window = SEC(60),
                       });
    }
}

static inline void recorded_rows(struct record *r)
{
    recorded_dials(r);
    record_session(r, 4, 1, SEC(0), SEC(40), "churn"); /* 150 s of 6 nodes in 100 s: 25 % */
    record_session(r, 4, 2, SEC(60), SEC(70), "end");
    record_session(r, 5, 1, SEC(0), SEC(100), "end");
    record_fault(r, 0, SEC(50), RECORD_NONE, "nat_flush home", 2);
    record_recovery(r, 0, 3, MS(1500));
    record_recovery(r, 0, 7, RECORD_NONE);
    for (uint32_t i = 0; i < 4; i++)
        record_lookup(r, SEC(i), i, i + 1, 20, MS(100), i != 3);
    record_message(r, 1, SEC(20), 2, 10, 10, MS(50), MS(400));
    record_message(r, 2, SEC(21), 3, 10, 5, MS(60), MS(300));
    for (uint32_t node = 0; node < 6; node++)
        record_traffic(
            r, &(struct record_traffic){node, node < 5 ? "kad" : "punch", 100, 6000, 90, 5400});
    record_box(r, &(struct record_box){0, 30, 12, 5, 0, 0});
    record_box(r, &(struct record_box){2, 70, 25, 8, 1, 2});
    record_pair(r,
                &(struct oracle_pair){"home_apdf", "apdm/apdf/random", 2, 0.25, 0.9, ORACLE_SPRAY});
    record_pair(r, &(struct oracle_pair){"home_apdf", "home_apdf", 3, 1, 1, ORACLE_PLAIN});
    record_series(r, SEC(1), "joined", 3);
    record_series(r, SEC(2), "joined", 6);
}

/* A new name in a folder of its own, which recorded_remove takes away. */
static inline void recorded_name(char name[RECORDED_PATH])
{
    char folder[] = "/tmp/mist-record-XXXXXX";
    if (!mkdtemp(folder))
        abort();
    snprintf(name, RECORDED_PATH, "%s/r.db", folder);
}

static inline void recorded_remove(const char *name)
{
    char command[RECORDED_PATH + 40];
    snprintf(command, sizeof command, "rm -rf '%.*s'", (int)(strrchr(name, '/') - name), name);
    if (system(command))
        abort();
}

#endif
