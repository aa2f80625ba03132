/** @file parcours/exec.h
 *  Running over a store: the loop over shards that queries and studies share, and queries.
 */
#ifndef PC_EXEC_H
#define PC_EXEC_H
#include "parcours/comm.h"
#include "parcours/log.h"
#include "parcours/plan.h"
#include "parcours/release.h"
#include "parcours/table.h"

/** What one rank did in a loop over shards. */
typedef struct pc_run_counts {
    int64_t shards;
    pc_read_counts read;
    double seconds; ///< from entry until this rank found no further shard
    double cpu_s;   ///< of processor, in shards: without waiting for other ranks
} pc_run_counts;

/** Steps in which a protected command tells what was read. Zone maps, and columns that are read for
 *  the rows that pass, make a chunk more or less depend on the value of one row, and so a condition
 *  moved until the count changes would find that value. Sixteen chunks have rows of many patients;
 *  of a condition's rows a thousand are a step, since each is one. */
enum {
    PC_TOLD_ROWS = 1000,
    PC_TOLD_CHUNKS = 16,
    PC_TOLD_SCANNED = 16 << 17, ///< rows of sixteen blocks
    PC_TOLD_BYTES = 16 << 20    ///< sixteen chunks of the widest numbers
};
static inline int64_t pc_told(int64_t value, int64_t step)
{
    return (value + step / 2) / step * step;
}

/** A loop over all shards: each is given to one rank, the largest first, and read block by block.
 *  Callbacks are local: no collective call in there. */
typedef struct pc_shards {
    pc_store *store;
    const pc_read_request *request; ///< which tables
    pc_budget *budget;
    const pc_log *log; ///< shows the progress; NULL: no progress
    void *context;     ///< of the callbacks
    /** A block with at least one slot, in the order of slots. `reader` answers zone questions. */
    pc_status (*block)(void *context, int shard, pc_block *block, const pc_reader *reader,
                       pc_error *err);
    /** The shard's last block is done. NULL: nothing to do then. */
    pc_status (*shard_end)(void *context, int shard, pc_error *err);
    const uint64_t *done; ///< bitmap of shards that are left out; NULL: none
    /** Bitmap: a shard that cannot be read is noted there, the rank stops drawing (its state holds
     * a part of that shard), and the others go on. NULL: it ends the loop for all. */
    uint64_t *lost;
    bool keeps_shards; ///< a shard once begun is worth finishing (see pc_stop_is_urgent)
} pc_shards;

/** Collective. Runs the loop and agrees: a failure of one rank makes the others stop at their next
 *  shard, and all leave with its sentence. A stop signal ends it with PC_STOPPED. Which rank gets
 *  which shard differs from run to run: results must not depend on it.
 *  @param counts  of this rank */
pc_status pc_shards_run(pc_comm *comm, const pc_shards *work, pc_run_counts *counts,
                        pc_error *err) PC_MUST_CHECK;

/** What an operator did, for explain --analyze. */
typedef struct pc_op_profile {
    const pc_plan *node;
    int stage; ///< in the order in which they began
    int depth; ///< of the node in its stage's tree
    int64_t rows_in, rows_out, batches;
    int64_t chunks_read, bytes_read; ///< of a scan of shards
    double seconds;                  ///< of the slowest rank
} pc_op_profile;

/** What it did on one rank. */
typedef struct pc_op_share {
    int64_t rows_in, rows_out, chunks_read, bytes_read;
    double seconds;
} pc_op_share;

/** What a query did. Sums and maxima over ranks are on rank 0 only. */
typedef struct pc_query_profile {
    int node_count;
    pc_op_profile *node; ///< [node_count] stage by stage, each from its root down; rows summed over
                         ///< ranks
    pc_op_share *share;  ///< [ranks][node_count]
    int64_t rows_scanned;
    pc_run_counts counts; ///< summed over ranks and loops over shards; seconds of the slowest
    int stage_count, pass_count;               ///< pass: a loop over shards
    double open_s, scan_s, reduce_s, finish_s; ///< on this rank
    int64_t aside_bytes;                       ///< put aside in parts, on this rank
    bool in_pieces;                            ///< the result went to `output`
} pc_query_profile;

/** Where relations that are no tables come from: a block is given first, then asked for its rows.
 */
typedef struct pc_block_rows {
    void *context; ///< of the callbacks, which are local
    /** Marks the tables that `block` reads. */
    void (*tables)(void *context, bool *needed);
    pc_status (*block)(void *context, pc_block *block, const pc_reader *reader, pc_error *err);
    /** Rows of a source from `first` on, in order of slots, with `batch->slot`; 0 rows: no more. */
    pc_status (*rows)(void *context, int source, int64_t first, pc_arena *arena, pc_batch *batch,
                      pc_error *err);
} pc_block_rows;

/** Where a result goes that is more than rank 0 should hold: in pieces, in order. */
typedef struct pc_query_output {
    void *context;
    /** Rows as text, behind what `text` holds. Local, on the rank that has them. */
    pc_status (*format)(void *context, const pc_result *rows, pc_buffer *text, pc_error *err);
    /** Takes the texts of all rows in their order. Local, on rank 0. */
    pc_status (*write)(void *context, pc_span text, pc_error *err);
} pc_query_output;

/** How to run a query. */
typedef struct pc_query_run {
    pc_store *store;
    const pc_catalog *catalog;
    const pc_query *query;
    const pc_block_rows *rows; ///< of its PC_PLAN_ROWS; NULL: it has none
    pc_budget *budget;
    const pc_log *log;
    const char *scratch; ///< folder for what does not fit in the budget; made and removed
    size_t state_bytes;  ///< states of this size are put aside; 0: a third of what is left
    const pc_query_output *output;
} pc_query_run;

/** Collective. Runs a query: each rank its shards up to the first operator whose state is of all
 *  ranks, then the states are reduced to rank 0, which runs the rest; subqueries that all ranks
 *  must know come first. A state that is more than rank 0 can hold is reduced in parts on all
 *  ranks. The result does not depend on ranks or shards.
 *  @param arena   owns the result and the profile's arrays
 *  @param result  filled on rank 0, unless it went to `output`; elsewhere it has no rows. It holds
 *                 the visible columns */
pc_status pc_query_execute(pc_comm *comm, const pc_query_run *run, pc_arena *arena,
                           pc_result *result, pc_query_profile *profile,
                           pc_error *err) PC_MUST_CHECK;

/** A query whose rows are each of one slot, asked block by block: a table that is not stored. */
typedef struct pc_view pc_view;
/** Prepares it. Local. `query` and `catalog` must live as long.
 *  @return PC_UNSUPPORTED: rows of several slots meet in it, or it is of other rows than patients'
 */
pc_status pc_view_open(const pc_catalog *catalog, const pc_query *query, pc_budget *budget,
                       pc_view **out, pc_error *err) PC_MUST_CHECK;
/** Accepts NULL. */
void pc_view_close(pc_view *view);
/** Marks the tables that it reads. */
void pc_view_tables(const pc_view *view, bool *needed);
/** Its rows of a block, with their slots, in the order of slots; of one slot in any order. Valid
 *  until the next call. Local. */
pc_status pc_view_block(pc_view *view, pc_block *block, const pc_reader *reader,
                        const pc_table **rows, pc_error *err) PC_MUST_CHECK;

#endif
