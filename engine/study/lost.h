/** @file lost.h
 *  Shards that a run leaves out because they cannot be read (--keep-going).
 */
#ifndef PC_LOST_H
#define PC_LOST_H
#include "parcours/comm.h"

typedef struct pc_lost {
    pc_arena arena; ///< its budget is given
    int64_t shard_count;
    uint64_t *all;   ///< bitmap: the same on every rank
    uint64_t *fresh; ///< bitmap: found by this rank in the pass that is under way
    int count;       ///< how many are in `all`
} pc_lost;

/** Makes both bitmaps, empty. Local. */
pc_status pc_lost_open(pc_lost *lost, int64_t shard_count, pc_error *err) PC_MUST_CHECK;
/** Adds what all ranks have found to `all` and empties `fresh`. `*found`: how many are new.
 *  Collective. */
void pc_lost_gather(pc_comm *comm, pc_lost *lost, int *found);
/** Appends the numbers, ascending, ", " between them. Local. */
pc_status pc_lost_print(const pc_lost *lost, pc_buffer *out, pc_error *err) PC_MUST_CHECK;
void pc_lost_close(pc_lost *lost);

#endif
