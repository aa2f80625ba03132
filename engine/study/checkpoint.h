/** @file checkpoint.h
 *  What a run has done so far, on disk: DIR/checkpoint/<generation>-<rank>.state, one file a rank,
 *  written anew after a shard when enough time has passed. It holds the packed state of whole
 *  shards, so a run that is continued, on any number of ranks, reads only the others. The sets that
 *  a pass of matching has chosen lie beside them (pass-N.matched).
 */
#ifndef PC_CHECKPOINT_H
#define PC_CHECKPOINT_H
#include "parcours/comm.h"
#include "parcours/log.h"
#include "results.h"

typedef struct pc_checkpoint {
    const char *folder;     ///< DIR/checkpoint
    const char *study_hash; ///< a state is taken up by the same study over the same store
    const char *store_id;
    pc_results *results;
    const pc_log *log;
    int rank;
    int64_t shard_count;
    int64_t generation;       ///< of this start; files of later ones count first
    uint64_t *mine;           ///< bitmap: shards in this rank's state
    uint64_t *done;           ///< bitmap: shards in the state of any rank when the run began
    int64_t shards_taken;     ///< how many those are
    bool in_shard;            ///< the state holds a part of a shard: it cannot be kept
    double written_s, cost_s; ///< when this rank last wrote, and how long that took
    double kept_s;            ///< what it took in all
    int taken_count;
    const char **taken; ///< [taken_count] files whose state is now in this rank's own
    pc_arena arena;
} pc_checkpoint;

/** Collective. Takes up the states that lie in the folder: each is merged by one rank. Fills
 *  what `generation` to `taken` tell; those before and `arena` are given. A state of another
 * version of the engine, or damaged, is told in the log and its shards are read again.
 *  @return PC_BAD_JOB: they are of another study or store; PC_IO */
pc_status pc_checkpoint_open(pc_comm *comm, pc_checkpoint *checkpoint, pc_error *err) PC_MUST_CHECK;
/** A shard is in the state whole. Writes when the last time lies a second and forty times its cost
 *  back. Local. */
pc_status pc_checkpoint_shard(pc_checkpoint *checkpoint, int shard, pc_error *err) PC_MUST_CHECK;
/** Writes what this rank has, if it is whole shards. Local. */
pc_status pc_checkpoint_write(pc_checkpoint *checkpoint, pc_error *err) PC_MUST_CHECK;
/** Writes bytes of another kind into the folder, which is made when it is not there. Local. */
pc_status pc_checkpoint_keep(const pc_checkpoint *checkpoint, const char *name, pc_span bytes,
                             pc_error *err) PC_MUST_CHECK;
/** Reads them back. `*is_there` false: there are none, or they are damaged or of another version,
 *  which is told in the log. Local.
 *  @return PC_BAD_JOB: they are of another study or store; PC_IO; PC_NO_MEMORY */
pc_status pc_checkpoint_kept(const pc_checkpoint *checkpoint, const char *name, pc_buffer *out,
                             bool *is_there, pc_error *err) PC_MUST_CHECK;
/** Removes all files and the folder: the run is complete. Local; what cannot be removed stays. */
void pc_checkpoint_remove(const char *folder);
void pc_checkpoint_close(pc_checkpoint *checkpoint);

#endif
