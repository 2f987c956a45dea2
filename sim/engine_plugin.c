/* engine_plugin.c: see engine_plugin.h. */
#include "sim/engine_plugin.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const places[] = {"", "../lib/mist/"}; /* of a build, installed */

/* The folder of the program, with its slash; "" where nobody knows. */
static void find_folder(char *folder, size_t size)
{
    ssize_t length = readlink("/proc/self/exe", folder, size - 1);
    folder[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(folder, '/');
    if (slash != NULL)
        slash[1] = '\0';
}

static int find_file(const char *name, char path[ENGINE_PLUGIN_PATH])
{
    char folder[4096];
    find_folder(folder, sizeof folder);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        int n = snprintf(path, ENGINE_PLUGIN_PATH, "%s%sengine-%s.so", folder, places[i], name);
        if (n > 0 && n < ENGINE_PLUGIN_PATH && access(path, R_OK) == 0)
            return 0;
    }
    return -1;
}

const struct engine_plugin *engine_plugin_load(const char *name, char path[ENGINE_PLUGIN_PATH],
                                               char *error, int error_size)
{
    size_t size = (size_t)error_size;
    if (find_file(name, path) != 0) {
        snprintf(error, size,
                 "this program was built without it: apt-get install libns3-dev, then make again; "
                 "or use --engine native");
        return NULL;
    }
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    void *symbol = handle ? dlsym(handle, "engine_plugin") : NULL;
    if (!symbol) {
        const char *why = dlerror();
        snprintf(error, size,
                 "%s: apt-get install libns3-dev, then make again; or use "
                 "--engine native",
                 why ? why : "no engine_plugin in it");
        return NULL;
    }
    const struct engine_plugin *(*open)(void);
    memcpy(&open, &symbol, sizeof open); /* ISO C has no cast from an object pointer */
    if (open()->layout != ENGINE_PLUGIN_LAYOUT) {
        snprintf(error, size, "%s was built for another version of this program: make again", path);
        return NULL;
    }
    return open();
}
