/** @file exports.h
 *  Exports for modelling: gathered shard by shard, each shard's file written when it ends, one file
 * over all at the end. DIR/cohorts/<name>-<shard>.h5, DIR/cohorts/<name>.h5 or .csv. They hold
 * patients.
 */
#ifndef PC_EXPORTS_H
#define PC_EXPORTS_H
#include "output.h"
#include "parcours/export_file.h"

/** Values of one column of the shard at hand. */
typedef struct pc_export_values {
    const char *name;
    pc_type type;    ///< as records have it
    uint8_t scale;   ///< of PC_DECIMAL
    pc_buffer value; ///< int64_t: as in records; of the patients bytes
} pc_export_values;

typedef struct pc_export_state {
    const pc_export *export;
    const pc_node *node;
    const pc_node **split, **outcome, **feature;
    int column_count;
    pc_export_values *column;
    int of_kind;               ///< first column of the kind's own, behind those of the timeline
    pc_dict_builder *features; ///< of buckets: names in this shard
} pc_export_state;

typedef struct pc_exports {
    pc_block_eval *eval;
    const pc_output *output;
    int count;
    pc_export_state *state;
} pc_exports;

/** Local. `eval` is open. */
pc_status pc_exports_open(pc_exports *exports, pc_block_eval *eval, const pc_output *output,
                          pc_error *err) PC_MUST_CHECK;
void pc_exports_close(pc_exports *exports);
/** Adds the records of the block that was just evaluated. Local. */
pc_status pc_exports_add(pc_exports *exports, pc_error *err) PC_MUST_CHECK;

// export_write.c
/** Removes what is in DIR/cohorts but not of a shard in `done` (bitmap). Local, rank
 * 0.
 */
pc_status pc_exports_begin(const pc_exports *exports, const uint64_t *done, int64_t shard_count,
                           pc_error *err) PC_MUST_CHECK;
/** Writes the files of a shard. Local. */
pc_status pc_exports_shard(pc_exports *exports, int shard, pc_error *err) PC_MUST_CHECK;
/** Writes the files over all shards and notes all. Local, rank 0. */
pc_status pc_exports_end(pc_exports *exports, pc_output *output, int64_t shard_count,
                         pc_error *err) PC_MUST_CHECK;

#endif
