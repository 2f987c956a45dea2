/* space.c: see space.h. */
#define _GNU_SOURCE /* unshare, setns, close_range */
#include "sim/netns/space.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define HERE "/proc/self/ns/net"

static int write_file(const char *path, const char *text)
{
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0)
        return -errno;
    int code = write(file, text, strlen(text)) < 0 ? -errno : 0;
    (void)close(file);
    return code;
}

/* The rights of root, over nothing but what this process makes. */
static int become_root(void)
{
    char map[64];
    uid_t user = geteuid();
    gid_t group = getegid();
    if (unshare(CLONE_NEWUSER) != 0)
        return -1;
    (void)snprintf(map, sizeof map, "0 %u 1", (unsigned)user);
    if (write_file("/proc/self/setgroups", "deny") != 0 ||
        write_file("/proc/self/uid_map", map) != 0)
        return -1;
    (void)snprintf(map, sizeof map, "0 %u 1", (unsigned)group);
    return write_file("/proc/self/gid_map", map);
}

/* The first process of the process namespace: when it ends, all others are killed.  It
 * ends when nobody holds the other end of the pipe any more, which is the kernel's word
 * that its maker is gone. */
_Noreturn static void be_first(int pipe)
{
    char nothing;
    (void)dup2(pipe, 0);
    (void)close_range(1, ~0u, 0);
    while (read(0, &nothing, 1) < 0 && errno == EINTR)
        continue;
    _exit(0);
}

static int start_first(void)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    pid_t first = fork();
    if (first == 0) {
        (void)close(ends[1]);
        be_first(ends[0]);
    }
    (void)close(ends[0]); /* the other end stays open until this process ends */
    return first < 0 ? -1 : 0;
}

int space_begin(char *error, int error_size)
{
    int code = geteuid() == 0 || become_root() == 0 ? 0 : -1;
    if (code == 0)
        code = unshare(CLONE_NEWNET | CLONE_NEWPID);
    if (code == 0)
        code = start_first();
    int home = code == 0 ? open(HERE, O_RDONLY | O_CLOEXEC) : -1;
    if (home < 0)
        (void)snprintf(error, (size_t)error_size,
                       "no network namespaces of its own: %s; run as root, or allow everybody's "
                       "(sysctl kernel.unprivileged_userns_clone=1)",
                       strerror(errno));
    return home;
}

int space_visit(int space)
{
    return setns(space, CLONE_NEWNET) == 0 ? 0 : -errno;
}

int space_make(int home)
{
    if (unshare(CLONE_NEWNET) != 0)
        return -errno;
    int space = open(HERE, O_RDONLY | O_CLOEXEC), code = -errno;
    int back = space_visit(home);
    return back != 0 ? back : space < 0 ? code : space;
}

int space_set(const char *file, const char *word)
{
    char path[200];
    (void)snprintf(path, sizeof path, "/proc/sys/net/%s", file);
    return write_file(path, word);
}
