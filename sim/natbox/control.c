/* control.c: see control.h. */
#include "sim/natbox/control.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sim/command.h"

/* Takes the next word of *text, which is changed; "" at the end. */
static const char *next_word(char **text)
{
    char *word = *text + strspn(*text, " \t\r");
    char *end = word + strcspn(word, " \t\r");
    *text = *end ? end + 1 : end;
    *end = '\0';
    return word;
}

static const char *do_readdress(struct nat *nat, mist_time now, char *rest)
{
    struct addr external[BOX_EXTERNALS];
    uint32_t wanted = nat_policy_of(nat)->pool, count = 0;
    const char *word;
    if (nat_policy_of(nat)->kind == NAT_KIND_FIREWALL)
        return "a firewall has no external address";
    for (; *(word = next_word(&rest)) && count < BOX_EXTERNALS; count++)
        if (addr_parse(&external[count], word) != 0 || external[count].family != ADDR_V4 ||
            external[count].port != 0)
            return "expected IPv4 addresses";
    if (count != wanted)
        return "expected as many addresses as the box has";
    nat_readdress(nat, now, external);
    return NULL;
}

static const char *do_set(struct nat *nat, mist_time now, char *rest)
{
    static char error[200];
    struct nat_policy policy = *nat_policy_of(nat);
    const char *knob = next_word(&rest);
    rest += strspn(rest, " \t");
    rest[strcspn(rest, "\r")] = '\0';
    if (nat_policy_set(&policy, knob, rest, error, sizeof error) != 0 ||
        nat_policy_check(&policy, error, sizeof error) != 0)
        return error;
    if (policy.kind != nat_policy_of(nat)->kind || policy.pool != nat_policy_of(nat)->pool)
        return "kind and pool stay as they are";
    nat_set(nat, now, &policy);
    return NULL;
}

static const char *do_counters(struct nat *nat, mist_time now)
{
    struct nat_counters c = nat_counters(nat, now);
    printf("{\"mappings\": %u, \"mappings_made\": %" PRIu64 ", \"mappings_peak\": %" PRIu64
           ", \"hairpins\": %" PRIu64,
           c.mappings_alive, c.mappings_made, (uint64_t)c.mappings_peak, c.hairpins);
    for (int v = NAT_DROP_FIRST; v < NAT_VERDICTS; v++)
        printf(", \"dropped_%s\": %" PRIu64, nat_verdict_word((enum nat_verdict)v), c.dropped[v]);
    puts("}");
    return NULL;
}

/* Returns NULL or what is wrong. */
static const char *obey(struct box *b, mist_time now, char *text)
{
    uint64_t level = box_count(b) - 1;
    const char *word = next_word(&text);
    if (strcmp(word, "box") == 0) {
        if (command_read_number(next_word(&text), box_count(b) - 1, &level) != 0)
            return "expected the number of a box, 0 is the innermost";
        word = next_word(&text);
    }
    struct nat *nat = box_nat(b, (uint32_t)level);
    if (strcmp(word, "flush") == 0)
        nat_flush(nat, now);
    else if (strcmp(word, "reboot") == 0)
        nat_reboot(nat, now);
    else if (strcmp(word, "readdress") == 0)
        return do_readdress(nat, now, text);
    else if (strcmp(word, "set") == 0)
        return do_set(nat, now, text);
    else if (strcmp(word, "counters") == 0)
        return do_counters(nat, now);
    else
        return "expected flush, reboot, readdress ADDR, set KNOB VALUE or counters";
    return NULL;
}

int control_read(struct control *c, mist_time now)
{
    ssize_t got = read(STDIN_FILENO, c->line + c->length, sizeof c->line - 1 - c->length);
    if (got <= 0)
        return -1;
    c->length += (uint32_t)got;
    c->line[c->length] = '\0';
    for (char *end; (end = strchr(c->line, '\n')) != NULL;) {
        *end = '\0';
        const char *wrong = obey(c->box, now, c->line);
        puts(wrong ? wrong : "ok");
        c->length -= (uint32_t)(end + 1 - c->line);
        memmove(c->line, end + 1, c->length + 1);
    }
    if (c->length == sizeof c->line - 1) {
        puts("too long a line");
        c->length = 0;
    }
    (void)fflush(stdout);
    return 0;
}
