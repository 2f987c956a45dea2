/* scenario_check.c: the command `mistsim check SCENARIO...`: reads scenarios and
 * tells everything that is wrong with them. */
#include <stdbool.h>
#include <string.h>

#include "sim/exit.h"
#include "sim/plan.h"
#include "sim/scenario.h"
#include "stack/mist.h"

#define MOST_SETS 100

static const char USAGE[] =
    "usage: mistsim check [--set PATH=VALUE]... [--merged] SCENARIO...\n"
    "\n"
    "Tells everything that is wrong with scenarios; runs nothing.\n"
    "\n"
    "  --set PATH=VALUE  override a key (items of a list by position or name)\n"
    "  --merged          print every key with its value and where that came from\n"
    "  --help            print this\n";

struct request {
    const char *sets[MOST_SETS];
    uint32_t set_count;
    bool merged;
};

/* Draws the first cell too: some mistakes show only in what is drawn. */
static bool check_one(const char *path, const struct request *request)
{
    struct errors errors = {0};
    struct scenario_options options = {mist_api()};
    struct scenario *s = scenario_read(path, request->sets, request->set_count, &options, &errors);
    if (s) {
        struct plan *plan = scenario_plan(s, 0, scenario_seed(s), &errors);
        if (plan && request->merged)
            scenario_print(s, 0, stdout);
        else if (plan)
            printf("%s: fine: %u host%s, %u box%s, %u cell%s\n", path, plan->host_count,
                   plan->host_count == 1 ? "" : "s", plan->box_count,
                   plan->box_count == 1 ? "" : "es", scenario_cells(s),
                   scenario_cells(s) == 1 ? "" : "s");
        plan_free(plan);
    }
    bool fine = errors.count == 0;
    if (!fine)
        errors_print(&errors, stderr);
    scenario_free(s);
    errors_free(&errors);
    return fine;
}

static int bad_usage(const char *what, const char *argument)
{
    fprintf(stderr, "mistsim check: %s%s\n%s", what, argument, USAGE);
    return EXIT_INPUT;
}

int check_main(int argc, char **argv)
{
    struct request request = {0};
    int code = EXIT_FINE, seen = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            fputs(USAGE, stdout);
            return EXIT_FINE;
        }
        if (strcmp(argv[i], "--merged") == 0) {
            request.merged = true;
        } else if (strcmp(argv[i], "--set") == 0 || strncmp(argv[i], "--set=", 6) == 0) {
            const char *set = argv[i][5] ? argv[i] + 6 : argv[++i];
            if (!set || request.set_count == MOST_SETS)
                return bad_usage("--set needs PATH=VALUE, at most 100 times", "");
            request.sets[request.set_count++] = set;
        } else if (argv[i][0] == '-') {
            return bad_usage("unknown option ", argv[i]);
        }
    }
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--set") == 0)
            i++;
        else if (argv[i][0] != '-' && seen++ >= 0 && !check_one(argv[i], &request))
            code = EXIT_INPUT;
    }
    return seen ? code : bad_usage("no scenario given", "");
}
