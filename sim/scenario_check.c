/* scenario_check.c: the command `mistsim check SCENARIO...`: reads scenarios and
 * tells everything that is wrong with them. */
#include "sim/engine_plugin.h"
#include "sim/exit.h"
#include "sim/plan.h"
#include "sim/scenario.h"
#include "sim/scenario_command.h"
#include "stack/mist.h"

static const struct command_option OPTIONS[] = {
    {"set", "PATH=VALUE", "override a key; items of a list by position or name", 0},
    {"merged", NULL, "print every key with its value and where that came from", 0},
    {NULL, NULL, NULL, 0},
};

const struct command scenario_check_command = {
    .name = "check",
    .arguments = "SCENARIO...",
    .least = 1,
    .most = COMMAND_VALUES,
    .help = "tell everything that is wrong with scenarios; run nothing",
    .examples = "  mistsim check scenarios/quickstart.yaml\n"
                "  mistsim check --merged --set network.loss=2% scenarios/quickstart.yaml\n",
    .options = OPTIONS,
    .main = check_main,
};

static void print_fine(const char *path, const struct scenario *s, const struct plan *plan)
{
    uint32_t cells = scenario_cells(s);
    printf("%s: fine: %u host%s, %u box%s, %u cell%s\n", path, plan->host_count,
           plan->host_count == 1 ? "" : "s", plan->box_count, plan->box_count == 1 ? "" : "es",
           cells, cells == 1 ? "" : "s");
}

/* What only ns-3 knows: the names of its attributes.  Where it is not, nobody tells. */
static int check_attributes(const struct plan *plan)
{
    char path[ENGINE_PLUGIN_PATH], error[ENGINE_PLUGIN_PATH + 600] = "";
    if (plan->attribute_count == 0)
        return EXIT_FINE;
    const struct engine_plugin *plugin = engine_plugin_load("ns3", path, error, sizeof error);
    int code = plugin ? plugin->type->fits(plan, error, sizeof error) : EXIT_FINE;
    if (code)
        fprintf(stderr, "%s\n", error);
    return code;
}

/* Draws the first cell too: some mistakes show only in what is drawn. */
static int check_one(const char *path, const struct command_line *line)
{
    const char *sets[COMMAND_VALUES];
    uint32_t set_count = command_values(line, "set", sets);
    struct errors errors = {0};
    struct scenario_options options = {.api = mist_api()};
    struct scenario *s = scenario_read(path, sets, set_count, &options, &errors);
    int code = EXIT_FINE;
    if (s) {
        struct plan *plan = scenario_plan(s, 0, scenario_seed(s), &errors);
        code = plan ? check_attributes(plan) : EXIT_INPUT;
        if (plan && command_value(line, "merged"))
            scenario_print(s, 0, stdout);
        else if (!code)
            print_fine(path, s, plan);
        plan_free(plan);
    }
    code = errors.count ? EXIT_INPUT : code;
    if (errors.count)
        errors_print(&errors, stderr);
    scenario_free(s);
    errors_free(&errors);
    return code;
}

int check_main(int argc, char **argv)
{
    struct command_line line;
    int worst = command_parse(&scenario_check_command, argc, argv, &line);
    if (worst != COMMAND_CONTINUES)
        return worst;
    worst = EXIT_FINE;
    for (int i = 0; i < line.argument_count; i++) {
        int code = check_one(line.arguments[i], &line);
        worst = code ? code : worst;
    }
    return worst;
}
