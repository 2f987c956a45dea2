/* nat_conformance.c: see nat_conformance.h. */
#include "sim/nat_conformance.h"

#include <string.h>

static const uint32_t RFCS[] = {4787, 5508, 6888, 7857};

static const char *const SIGNS[NAT_CONFORMANCE_COUNT] = {
    [NAT_RULE_MEETS] = "+",
    [NAT_RULE_BREAKS] = "**-**",
    [NAT_RULE_SOME] = "+-",
    [NAT_RULE_OUTSIDE] = "",
};

/* "REQ-3a" -> "3a" */
static const char *short_number(const struct nat_rule *rule)
{
    const char *dash = strchr(rule->number, '-');
    return dash ? dash + 1 : rule->number;
}

static void print_head(uint32_t rfc, FILE *out)
{
    fprintf(out, "| RFC %u", rfc);
    for (uint32_t i = 0; i < NAT_RULE_COUNT; i++)
        if (NAT_RULES[i].rfc == rfc)
            fprintf(out, " | %s", short_number(&NAT_RULES[i]));
    fputs(" |\n|---", out);
    for (uint32_t i = 0; i < NAT_RULE_COUNT; i++)
        if (NAT_RULES[i].rfc == rfc)
            fputs("|---", out);
    fputs("|\n", out);
}

/* Does the RFC speak of the profile at all? */
static bool is_about(uint32_t rfc, const struct nat_profile *p)
{
    for (uint32_t i = 0; i < NAT_RULE_COUNT; i++)
        if (NAT_RULES[i].rfc == rfc && nat_profile_judge(p, &NAT_RULES[i]) != NAT_RULE_OUTSIDE)
            return true;
    return false;
}

static void print_row(uint32_t rfc, const struct nat_profile *p, FILE *out)
{
    fprintf(out, "| %s", p->name);
    for (uint32_t i = 0; i < NAT_RULE_COUNT; i++)
        if (NAT_RULES[i].rfc == rfc)
            fprintf(out, " | %s", SIGNS[nat_profile_judge(p, &NAT_RULES[i])]);
    fputs(" |\n", out);
}

static void print_rules(FILE *out)
{
    fputs("| Requirement | | Asks |\n|---|---|---|\n", out);
    for (uint32_t i = 0; i < NAT_RULE_COUNT; i++)
        fprintf(out, "| RFC %u %s | %s | %s |\n", NAT_RULES[i].rfc, NAT_RULES[i].number,
                NAT_RULES[i].must ? "must" : "should", NAT_RULES[i].text);
}

void nat_conformance_print(const struct nat_profile *const *profiles, uint32_t count, FILE *out)
{
    for (size_t r = 0; r < sizeof RFCS / sizeof *RFCS; r++) {
        print_head(RFCS[r], out);
        for (uint32_t i = 0; i < count; i++)
            if (is_about(RFCS[r], profiles[i]))
                print_row(RFCS[r], profiles[i], out);
        fputc('\n', out);
    }
    print_rules(out);
}
