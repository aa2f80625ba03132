/** @file patience.h
 *  A rank that a file system keeps waiting ends, so that the others do not wait for it without end.
 */
#ifndef PC_PATIENCE_H
#define PC_PATIENCE_H
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include "parcours/status.h"

/** The watch over one process. Private to patience.c; holds no memory. */
typedef struct pc_patience {
    bool is_on, is_over;
    int rank;
    int64_t limit_s;
    clockid_t clock; ///< processor time of the thread that is watched
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
} pc_patience;

/** Watches the calling thread from another one: when it has slept for `limit_s` seconds on end,
 *  without one instant of processor time, one sentence is printed and the process ends with exit
 *  code 1, which ends the job. A rank that waits for others does not sleep: MPI polls. A process
 *  that is stopped is not watched while it is. `limit_s` 0: no watch. Local.
 *  Cost: a wake-up a second. @return PC_IO: the system gives no thread */
pc_status pc_patience_begin(pc_patience *patience, int rank, int64_t limit_s,
                            pc_error *err) PC_MUST_CHECK;
/** Ends the watch. Local; nothing when there is none. */
void pc_patience_end(pc_patience *patience);

#endif
