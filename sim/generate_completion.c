/* generate_completion.c: completion for bash, zsh and fish.
 *
 * What may follow is read off the tables' own notation: "native|ns3|netns" are
 * words, FILE.db and LIB.so files, SCENARIO a YAML file, KEY and PATH=VALUE keys
 * of scenarios. */
#include <string.h>

#include "sim/generate.h"
#include "sim/schema.h"

enum follows { FOLLOWS_NOTHING, FOLLOWS_WORDS, FOLLOWS_FILE, FOLLOWS_KEY, FOLLOWS_SETTING };

/* Of an option's value or a command's arguments. */
struct expected {
    enum follows follows;
    const char *ending; /* of files: "yaml", "db", "so"; NULL: any */
};

static struct expected read_notation(const char *text)
{
    static const struct {
        const char *sign;
        struct expected expected;
    } signs[] = {
        {"PATH=VALUE", {FOLLOWS_SETTING, NULL}},
        {"KEY", {FOLLOWS_KEY, NULL}},
        {"SCENARIO", {FOLLOWS_FILE, "yaml"}},
        {"SCRIPT", {FOLLOWS_FILE, "yaml"}},
        {".db", {FOLLOWS_FILE, "db"}},
        {".so", {FOLLOWS_FILE, "so"}},
        {"FILE", {FOLLOWS_FILE, NULL}},
        {"DIR", {FOLLOWS_FILE, NULL}},
        {"|", {FOLLOWS_WORDS, NULL}},
    };
    for (size_t i = 0; text && i < sizeof signs / sizeof *signs; i++)
        if (strstr(text, signs[i].sign))
            return signs[i].expected;
    return (struct expected){FOLLOWS_NOTHING, NULL};
}

/* "native|ns3|netns" with blanks between the words. */
static void put_words(const char *text, FILE *out)
{
    for (; *text; text++)
        fputc(*text == '|' ? ' ' : *text, out);
}

struct keys {
    FILE *out;
    const char *tail; /* "=" after a path that is set */
    int settings;     /* only those that one value can set */
};

static void put_key(void *data, const char *path, const struct schema_key *key)
{
    const struct keys *keys = data;
    if (key->need == NEED_LATER || (keys->settings && key->inside))
        return;
    fputc(' ', keys->out);
    for (const char *c = path; *c; c++)
        fputc(*c == '*' ? '0' : *c, keys->out);
    fputs(keys->tail, keys->out);
}

static void put_keys(int settings, FILE *out)
{
    struct keys keys = {out, settings ? "=" : "", settings};
    schema_walk(&SCHEMA_SCENARIO, put_key, &keys);
}

/* A description inside single quotes: for zsh and fish. */
static void put_quoted(const char *text, FILE *out)
{
    for (; *text; text++)
        if (*text == '\'')
            fputs("'\\''", out);
        else if (strchr("[]:", *text))
            fprintf(out, "\\%c", *text);
        else
            fputc(*text, out);
}

/* ---- bash ---------------------------------------------------------------- */

static void bash_expected(const struct expected *e, const char *words, FILE *out)
{
    switch (e->follows) {
    case FOLLOWS_WORDS:
        fputs("words='", out);
        put_words(words, out);
        fputs("'", out);
        break;
    case FOLLOWS_FILE: fprintf(out, "files='%s'", e->ending ? e->ending : "*"); break;
    case FOLLOWS_KEY: fputs("words=$keys", out); break;
    case FOLLOWS_SETTING: fputs("words=$settings; compopt -o nospace", out); break;
    default: fputs("return", out);
    }
    fputs(" ;;\n", out);
}

static void bash_options(const struct command *command, FILE *out)
{
    for (const struct command_option *o = command->options; o && o->name; o++) {
        struct expected e = read_notation(o->value);
        if (!o->value)
            continue;
        fprintf(out, "    '%s --%s'", command->name, o->name);
        if (o->letter)
            fprintf(out, " | '%s -%c'", command->name, o->letter);
        fputs(") ", out);
        bash_expected(&e, o->value, out);
    }
}

static void bash_command(const struct command *command, FILE *out)
{
    struct expected e = read_notation(command->arguments);
    fprintf(out, "    '%s '-*) words='", command->name);
    for (const struct command_option *o = command->options; o && o->name; o++)
        fprintf(out, "--%s ", o->name);
    fputs("--help' ;;\n", out);
    fprintf(out, "    '%s '*) ", command->name);
    if (command->commands) {
        fputs("words='", out);
        for (const struct command *const *c = command->commands; *c; c++)
            fprintf(out, "%s%s", c == command->commands ? "" : " ", strrchr((*c)->name, ' ') + 1);
        fputs("' ;;\n", out);
    } else {
        bash_expected(&e, command->arguments, out);
    }
}

static void bash_each(const struct command *const *commands,
                      void (*put)(const struct command *command, FILE *out), FILE *out)
{
    for (; *commands; commands++) {
        if ((*commands)->commands) /* first: the shell takes the first pattern that fits */
            bash_each((*commands)->commands, put, out);
        put(*commands, out);
    }
}

static void bash_names(const struct command *const *commands, FILE *out)
{
    fputs("    if [ \"$COMP_CWORD\" = 1 ]; then\n        words='--help --version", out);
    for (; *commands; commands++)
        fprintf(out, " %s", (*commands)->name);
    fputs("'\n    fi\n", out);
}

/* Sub-commands are two words. */
static void bash_groups(const struct command *const *commands, FILE *out)
{
    fputs("    case \"$command\" in\n", out);
    for (; *commands; commands++)
        if ((*commands)->commands)
            fprintf(
                out,
                "    %s) [ \"$COMP_CWORD\" -lt 3 ] || command=\"$command ${COMP_WORDS[2]}\" ;;\n",
                (*commands)->name);
    fputs("    esac\n", out);
}

void generate_bash(const struct command *const *commands, FILE *out)
{
    fputs("# bash completion for mistsim; made by `mistsim generate completion bash`\n"
          "_mistsim() {\n"
          "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
          "    local command=${COMP_WORDS[1]} words='' files='' name\n"
          "    local keys='",
          out);
    put_keys(0, out);
    fputs("'\n    local settings='", out);
    put_keys(1, out);
    fputs("'\n    COMPREPLY=()\n"
          "    [ \"$before\" != = ] || before=${COMP_WORDS[COMP_CWORD-2]}\n"
          "    [ \"$word\" != = ] || word=''\n",
          out);
    bash_groups(commands, out);
    bash_names(commands, out);
    fputs("    [ -n \"$words\" ] || case \"$command $before\" in\n", out);
    bash_each(commands, bash_options, out);
    fputs("    *) case \"$command $word\" in\n", out);
    bash_each(commands, bash_command, out);
    fputs("    esac ;;\n    esac\n"
          "    [ -z \"$words\" ] || mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
          "    [ -n \"$files\" ] || return\n"
          "    compopt -o filenames\n"
          "    while IFS= read -r name; do\n"
          "        if [ -d \"$name\" ] || [ \"$files\" = '*' ] ||\n"
          "            [ \"${name##*.}\" = \"$files\" ]; then\n"
          "            COMPREPLY+=(\"$name\")\n"
          "        fi\n"
          "    done < <(compgen -f -- \"$word\")\n"
          "}\n"
          "complete -F _mistsim mistsim\n",
          out);
}

/* ---- zsh ----------------------------------------------------------------- */

static void zsh_expected(const struct expected *e, const char *words, FILE *out)
{
    switch (e->follows) {
    case FOLLOWS_WORDS:
        fputc('(', out);
        put_words(words, out);
        fputc(')', out);
        break;
    case FOLLOWS_FILE:
        if (e->ending)
            fprintf(out, "_files -g \"*.%s(-.)\"", e->ending);
        else
            fputs("_files", out);
        break;
    case FOLLOWS_KEY:
        fputc('(', out);
        put_keys(0, out);
        fputc(')', out);
        break;
    case FOLLOWS_SETTING:
        fputs("compadd -S \"\" --", out);
        put_keys(1, out);
        break;
    default: fputc(' ', out);
    }
    fputs("' \\\n", out);
}

static void zsh_arguments(const struct command *command, FILE *out)
{
    struct expected e = read_notation(command->arguments);
    fputs("_arguments \\\n", out);
    for (const struct command_option *o = command->options; o && o->name; o++) {
        struct expected value = read_notation(o->value);
        fprintf(out, "            '*--%s[", o->name);
        put_quoted(o->help, out);
        fputs(o->value ? "]:value:" : "]' \\\n", out);
        if (o->value)
            zsh_expected(&value, o->value, out);
    }
    fputs("            '--help[print a short help]' \\\n            '*:argument:", out);
    zsh_expected(&e, command->arguments, out);
    fputs("            ;;\n", out);
}

static void zsh_describe(const struct command *const *commands, FILE *out)
{
    fputs("_describe command '(", out);
    for (; *commands; commands++) {
        const char *word = strrchr((*commands)->name, ' ');
        fprintf(out, " \"%s\\:", word ? word + 1 : (*commands)->name);
        put_quoted((*commands)->help, out);
        fputc('"', out);
    }
    fputs(" )'\n", out);
}

static void zsh_cases(const struct command *const *commands, int depth, FILE *out)
{
    fprintf(out, "    case $words[%d] in\n", depth);
    for (; *commands; commands++) {
        const char *word = strrchr((*commands)->name, ' ');
        fprintf(out, "    %s)\n        ", word ? word + 1 : (*commands)->name);
        if (!(*commands)->commands) {
            zsh_arguments(*commands, out);
            continue;
        }
        fprintf(out, "if (( CURRENT == %d )); then\n            ", depth + 1);
        zsh_describe((*commands)->commands, out);
        fputs("            return\n        fi\n", out);
        zsh_cases((*commands)->commands, depth + 1, out);
        fputs("        ;;\n", out);
    }
    fputs("    esac\n", out);
}

void generate_zsh(const struct command *const *commands, FILE *out)
{
    fputs("#compdef mistsim\n"
          "# zsh completion for mistsim; made by `mistsim generate completion zsh`\n"
          "_mistsim() {\n"
          "    if (( CURRENT == 2 )); then\n        ",
          out);
    zsh_describe(commands, out);
    fputs("        return\n    fi\n", out);
    zsh_cases(commands, 2, out);
    fputs("}\n_mistsim \"$@\"\n", out);
}

/* ---- fish ---------------------------------------------------------------- */

static void fish_text(const char *text, FILE *out)
{
    fputs("'", out);
    for (; *text; text++)
        fprintf(out, "%s%c", strchr("'\\", *text) ? "\\" : "", *text);
    fputs("'", out);
}

static void fish_expected(const struct expected *e, const char *words, FILE *out)
{
    switch (e->follows) {
    case FOLLOWS_WORDS:
        fputs(" -x -a '", out);
        put_words(words, out);
        fputs("'", out);
        break;
    case FOLLOWS_FILE:
        if (e->ending)
            fprintf(out, " -k -x -a '(__fish_complete_suffix .%s)'", e->ending);
        else
            fputs(" -r -F", out);
        break;
    case FOLLOWS_KEY:
    case FOLLOWS_SETTING:
        fputs(" -x -a '", out);
        put_keys(e->follows == FOLLOWS_SETTING, out);
        fputs("'", out);
        break;
    default: fputs(" -x", out);
    }
}

static void fish_command(const struct command *command, const char *condition, FILE *out)
{
    struct expected e = read_notation(command->arguments);
    for (const struct command_option *o = command->options; o && o->name; o++) {
        struct expected value = read_notation(o->value);
        fprintf(out, "complete -c mistsim -n '%s' -l %s", condition, o->name);
        if (o->letter)
            fprintf(out, " -s %c", o->letter);
        if (o->value)
            fish_expected(&value, o->value, out);
        fputs(" -d ", out);
        fish_text(o->help, out);
        fputc('\n', out);
    }
    if (e.follows == FOLLOWS_NOTHING)
        return;
    fprintf(out, "complete -c mistsim -n '%s'", condition);
    fish_expected(&e, command->arguments, out);
    fputc('\n', out);
}

/* before: the condition under which these commands may stand; "": the first word. */
static void fish_commands(const struct command *const *commands, const char *before, FILE *out)
{
    for (const struct command *const *c = commands; *c; c++) {
        char condition[300];
        const char *word = strrchr((*c)->name, ' ');
        word = word ? word + 1 : (*c)->name;
        if (*before)
            fprintf(out, "complete -c mistsim -n '%s; and not __fish_seen_subcommand_from", before);
        else
            fputs("complete -c mistsim -n 'not __fish_seen_subcommand_from", out);
        for (const struct command *const *other = commands; *other; other++) {
            const char *name = strrchr((*other)->name, ' ');
            fprintf(out, " %s", name ? name + 1 : (*other)->name);
        }
        fprintf(out, "' -a %s -d ", word);
        fish_text((*c)->help, out);
        fputc('\n', out);
        snprintf(condition, sizeof condition, "%s%s__fish_seen_subcommand_from %s", before,
                 *before ? "; and " : "", word);
        if ((*c)->commands)
            fish_commands((*c)->commands, condition, out);
        else
            fish_command(*c, condition, out);
    }
}

void generate_fish(const struct command *const *commands, FILE *out)
{
    fputs("# fish completion for mistsim; made by `mistsim generate completion fish`\n"
          "complete -c mistsim -f\n"
          "complete -c mistsim -l help -d 'print a short help'\n",
          out);
    fish_commands(commands, "", out);
}
