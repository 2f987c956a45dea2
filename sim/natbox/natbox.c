/* natbox.c: the program `natbox`: a modelled NAT between real interfaces. */
#include "sim/natbox/station.h"

int main(int argc, char **argv)
{
    static struct options options;
    int code = options_read(&options, argc, argv);
    if (code == OPTIONS_GO_ON)
        code = station_run(&options);
    options_close(&options);
    return code;
}
