/* nat_play_command.c: the command `mistsim nat play SCRIPT...`. */
#include <stdlib.h>

#include "sim/exit.h"
#include "sim/nat_command.h"
#include "sim/nat_play.h"
#include "sim/text.h"
#include "stack/check.h"

static int play_main(int argc, char **argv);

static const struct command_option OPTIONS[] = {
    {"json", NULL, "print one JSON object", 0},
    {NULL, NULL, NULL, 0},
};

const struct command nat_play_command = {
    .name = "nat play",
    .arguments = "SCRIPT...",
    .least = 1,
    .most = COMMAND_VALUES,
    .help = "send a script's packets through its boxes and check what comes out",
    .examples = "  mistsim nat play nat-models/scripts/rfc4787/REQ-1.yaml\n",
    .options = OPTIONS,
    .main = play_main,
};

struct tally {
    uint32_t passed, failed;
};

/* Reads all scripts first: where one is wrong nothing is played.  scripts: one
 * for each argument.  Returns EXIT_FINE, or EXIT_INPUT after telling. */
static int read_all(const struct command_line *line, struct nat_script **scripts)
{
    struct errors errors = {0};
    for (int i = 0; i < line->argument_count; i++)
        scripts[i] = nat_script_read(line->arguments[i], &errors);
    int code = errors.count ? EXIT_INPUT : EXIT_FINE;
    if (errors.count)
        errors_print(&errors, stderr);
    errors_free(&errors);
    return code;
}

static void play_text(const struct nat_script *script, struct tally *tally)
{
    struct nat_play *play = nat_play_open(script);
    struct nat_outcome o;
    for (uint32_t step = 1; nat_play_step(play, &o); step++) {
        if (o.ok) {
            tally->passed++;
            puts("ok");
            continue;
        }
        tally->failed++;
        printf("FAIL step %u: expected ", step);
        text_shown(stdout, o.expected);
        fputs(", got ", stdout);
        text_shown(stdout, o.got);
        putchar('\n');
    }
    nat_play_close(play);
}

static void print_step(uint32_t step, const struct nat_outcome *o)
{
    printf("%s{\"step\": %u, \"ok\": %s", step > 1 ? ", " : "", step, o->ok ? "true" : "false");
    if (!o->ok) {
        fputs(", \"expected\": ", stdout);
        text_json(stdout, o->expected);
        fputs(", \"got\": ", stdout);
        text_json(stdout, o->got);
    }
    putchar('}');
}

static void play_json(const struct nat_script *script, struct tally *tally)
{
    struct nat_play *play = nat_play_open(script);
    struct nat_outcome o;
    fputs("{\"script\": ", stdout);
    text_json(stdout, script->name);
    fputs(", \"steps\": [", stdout);
    for (uint32_t step = 1; nat_play_step(play, &o); step++) {
        print_step(step, &o);
        *(o.ok ? &tally->passed : &tally->failed) += 1;
    }
    fputs("]}", stdout);
    nat_play_close(play);
}

static struct tally play_all_text(struct nat_script **scripts, int count)
{
    struct tally tally = {0, 0};
    for (int i = 0; i < count; i++) {
        if (count > 1) {
            text_shown(stdout, scripts[i]->name);
            puts(":");
        }
        play_text(scripts[i], &tally);
    }
    printf("%u passed, %u failed\n", tally.passed, tally.failed);
    return tally;
}

static struct tally play_all_json(struct nat_script **scripts, int count)
{
    struct tally tally = {0, 0};
    fputs("{\"scripts\": [", stdout);
    for (int i = 0; i < count; i++) {
        fputs(i ? ", " : "", stdout);
        play_json(scripts[i], &tally);
    }
    printf("], \"passed\": %u, \"failed\": %u}\n", tally.passed, tally.failed);
    return tally;
}

static int play_main(int argc, char **argv)
{
    static struct command_line line;
    int code = command_parse(&nat_play_command, argc, argv, &line);
    if (code != COMMAND_CONTINUES)
        return code;
    int count = line.argument_count;
    struct nat_script **scripts = calloc((size_t)count, sizeof(struct nat_script *));
    CHECK(scripts);
    code = read_all(&line, scripts);
    if (code == EXIT_FINE) {
        struct tally tally = command_value(&line, "json") ? play_all_json(scripts, count)
                                                          : play_all_text(scripts, count);
        code = tally.failed ? EXIT_WORSE : EXIT_FINE;
    }
    for (int i = 0; i < count; i++)
        nat_script_free(scripts[i]);
    free(scripts);
    return code;
}
