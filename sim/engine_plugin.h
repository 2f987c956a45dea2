/* engine_plugin.h: engines that are loaded on demand: build/engine-NAME.so. */
#ifndef SIM_ENGINE_PLUGIN_H
#define SIM_ENGINE_PLUGIN_H

#include "sim/engine.h"
#include "sim/plan.h"

/* What a plug-in exports as the function `engine_plugin`. */
struct engine_plugin {
    uint64_t layout; /* ENGINE_PLUGIN_LAYOUT of its build */
    const struct engine_type *type;
    const char *about; /* the library behind it: "ns-3.37" */
};

/* Changes with what program and plug-in share, as far as sizes tell. */
#define ENGINE_PLUGIN_LAYOUT                                                                       \
    ((uint64_t)1 << 56 | (uint64_t)sizeof(struct plan) << 40 |                                     \
     (uint64_t)sizeof(struct plan_population) << 28 | (uint64_t)sizeof(struct plan_box) << 16 |    \
     (uint64_t)sizeof(struct engine_calls) << 8 | (uint64_t)sizeof(struct engine_type))

/* Implemented by the plug-in alone. */
__attribute__((visibility("default"))) const struct engine_plugin *engine_plugin(void);

#define ENGINE_PLUGIN_PATH 4200 /* bytes of a file name */

/* Loads engine-NAME.so from beside the program or from ../lib/mist; writes which
 * file that is.  Returns NULL where there is none or it does not fit: why, and
 * what helps, in error. */
const struct engine_plugin *engine_plugin_load(const char *name, char path[ENGINE_PLUGIN_PATH],
                                               char *error, int error_size);

#endif
