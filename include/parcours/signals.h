/** @file parcours/signals.h
 *  Being asked to stop: SIGTERM, SIGINT and SIGUSR1 (what batch systems send before a time limit).
 */
#ifndef PC_SIGNALS_H
#define PC_SIGNALS_H
#include <stdbool.h>

/** From here on the signals set a flag in place of ending the process. Local. */
void pc_stop_listen(void);
/** True once one of the signals came. Loops over shards, files and blocks poll it and leave with
 *  PC_STOPPED. Local; cheap. */
bool pc_stop_requested(void);
/** True once SIGTERM or SIGINT came, or SIGUSR1 twice. Work that can be kept only as whole shards
 *  finishes its shard after one SIGUSR1, which comes well before a time limit. Local; cheap. */
bool pc_stop_is_urgent(void);

#endif
