/* run_stack.c: see run_stack.h. */
#include "sim/run_stack.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static const struct mist_api *load(const char *library, char *error, int error_size)
{
    char path[4096];
    /* Without a slash dlopen would search the system's libraries. */
    snprintf(path, sizeof path, "%s%s", strchr(library, '/') ? "" : "./", library);
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    void *symbol = handle ? dlsym(handle, "mist_api") : NULL;
    if (!symbol) {
        const char *why = dlerror();
        snprintf(error, (size_t)error_size, "%s", why ? why : "no mist_api in it");
        return NULL;
    }
    const struct mist_api *(*api)(void);
    memcpy(&api, &symbol, sizeof api); /* ISO C has no cast from an object pointer */
    return api();
}

const struct mist_api *run_stack_load(const char *library, char *error, int error_size)
{
    const struct mist_api *api = library ? load(library, error, error_size) : mist_api();
    if (api && (api->version != MIST_API_VERSION || api->size < sizeof *api)) {
        snprintf(error, (size_t)error_size,
                 "%s has version %u of the interface; this program drives version %d",
                 library ? library : "the core", (unsigned)api->version, MIST_API_VERSION);
        return NULL;
    }
    return api;
}
