/* station.h: a chain of modelled NATs at its place between real interfaces.
 *
 *     inside ports -> boxes -> line up -> outside port
 *     inside ports <- boxes <- line down <- outside port
 *
 * One per process: it takes signals, standard input (options.commands) and output. */
#ifndef NATBOX_STATION_H
#define NATBOX_STATION_H

#include "sim/natbox/options.h"

/* Opens the interfaces, says `natbox: ready: NAME` on stderr, becomes `nobody`, and runs
 * until SIGINT or SIGTERM.  Returns the exit code; what is wrong was said. */
int station_run(struct options *options);

#endif
