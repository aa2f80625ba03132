/** The program. */
#include "parcours/arena.h"
#include "parcours/cli.h"
#include "parcours/signals.h"

int main(int argc, char **argv)
{
    pc_stop_listen(); // before all else: a signal that comes earlier ends the program
    pc_memory_prepare();
    return pc_main(argc, argv);
}
