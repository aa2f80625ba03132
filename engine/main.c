/** The program. */
#include "parcours/arena.h"
#include "parcours/cli.h"

int main(int argc, char **argv)
{
    pc_memory_prepare();
    return pc_main(argc, argv);
}
