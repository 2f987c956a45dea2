/* privileges.c: see privileges.h. */
#define _DEFAULT_SOURCE /* initgroups(3) */
#include "stack/host/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "stack/host/system.h"

static int fail(char *error, size_t size, const char *user, const char *why)
{
    (void)snprintf(error, size, "cannot become the user %s: %s", user, why);
    return -1;
}

static int become(const char *user, char *error, size_t size)
{
    errno = 0;
    const struct passwd *who = getpwnam(user);
    if (!who)
        return fail(error, size, user, errno ? strerror(errno) : "there is none of that name");
    if (geteuid() == who->pw_uid && getuid() == who->pw_uid)
        return 0;
    if (initgroups(user, who->pw_gid) != 0 || setgid(who->pw_gid) != 0 || setuid(who->pw_uid) != 0)
        return fail(error, size, user, strerror(errno));
    if (who->pw_uid != 0 && setuid(0) == 0)
        return fail(error, size, user, "root could be had back");
    return 0;
}

int privileges_drop(const char *user, char *error, size_t size)
{
    if (user && become(user, error, size) != 0)
        return -1;
    if (system_confine() != 0) {
        (void)snprintf(error, size, "cannot give up privileges: %s", strerror(errno));
        return -1;
    }
    return 0;
}
