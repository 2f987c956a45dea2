/* nat_played.h: plays a NAT script that stands in a test, and tells what came
 * of it in one text. */
#ifndef SIM_TEST_NAT_PLAYED_H
#define SIM_TEST_NAT_PLAYED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/nat_play.h"
#include "stack/check.h"

_Noreturn void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: broken promise: %s\n", file, line, condition);
    abort();
}

#define PLAYED 4000 /* bytes of what is told */

/* The first error of a script, without the quotation. */
static inline void played_error(struct errors *errors, char told[PLAYED])
{
    FILE *out = tmpfile();
    assert_non_null(out);
    errors_print(errors, out);
    rewind(out);
    told[fread(told, 1, PLAYED - 1, out)] = 0;
    told[strcspn(told, "\n")] = 0;
    fclose(out);
}

/* "" if all steps are ok; "2: expected A, got B; " for each that is not; the
 * first error of a script that cannot be read. */
static inline const char *played(const char *script)
{
    static char told[PLAYED];
    struct errors errors = {0};
    struct nat_script *s = nat_script_parse("x.yaml", script, strlen(script), &errors);
    told[0] = 0;
    if (s) {
        struct nat_play *play = nat_play_open(s);
        struct nat_outcome o;
        for (uint32_t i = 1; nat_play_step(play, &o); i++)
            if (!o.ok)
                snprintf(told + strlen(told), PLAYED - strlen(told), "%u: expected %s, got %s; ", i,
                         o.expected, o.got);
        nat_play_close(play);
    } else {
        played_error(&errors, told);
    }
    nat_script_free(s);
    errors_free(&errors);
    return told;
}

/* A script and what comes of it. */
struct line {
    const char *script, *told;
};

/* A text told that ends in * is a beginning: the rest is somebody else's. */
static inline void check_lines(const struct line *lines, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *told = played(lines[i].script), *star = strrchr(lines[i].told, '*');
        if (star && !star[1])
            assert_memory_equal(told, lines[i].told, (size_t)(star - lines[i].told));
        else
            assert_string_equal(told, lines[i].told);
    }
}
#define CHECK_LINES(lines) check_lines(lines, sizeof(lines) / sizeof *(lines))

#endif
