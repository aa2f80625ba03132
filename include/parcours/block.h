/** @file parcours/block.h
 *  A run of whole slots of one shard, with the rows of all tables that were asked for. What ingest
 *  sorts, what parts are written from, what scans read: one structure.
 */
#ifndef PC_BLOCK_H
#define PC_BLOCK_H
#include "parcours/column.h"
#include "parcours/model.h"
#include "parcours/slot.h"

typedef struct pc_block pc_block;

/** The rows of one table in a block, in order of slots, inside a slot in the stored order. */
typedef struct pc_block_table {
    int64_t row_count;
    const int64_t *offset; ///< [slot_count + 1] first row of each slot
    pc_column *column;     ///< [model columns] loaded ones; type PC_NONE: not loaded yet. A column
                           ///< that is all null here has data NULL and type set
    const int32_t *parent; ///< [row_count] row in the parent table of this block, -1: none; NULL:
                           ///< not loaded, or the table has no parent
    const uint16_t *file;  ///< [row_count] number of the delivered file of each row, over all
                           ///< deliveries; NULL: not loaded, or not known
    const int32_t *companion; ///< kept by pc_block_companion; NULL: not asked for yet
} pc_block_table;

enum { PC_BLOCK_PARENT = -1, PC_BLOCK_FILE = -2 };
/** Fills `block->table[table].column[column]` (column >= 0), `.parent` or `.file`. */
typedef pc_status (*pc_block_load)(pc_block *block, int table, int column, pc_error *err);
/** Values of a column (or, of column -1, links as they are stored: rows within the slot's rows of
 *  the parent table) at rows `row` [count] (-1: null), in `arena`; `out->data` NULL: all null.
 *  `is_done` false: this source or column cannot. */
typedef pc_status (*pc_block_some)(pc_block *block, int table, int column, const int32_t *row,
                                   int count, pc_arena *arena, pc_column *out, bool *is_done,
                                   pc_error *err);

struct pc_block {
    const pc_model *model;
    int64_t first_slot; ///< number of its first slot: unique within a store, ascending in
                        ///< the global order of slots inside a shard
    int slot_count;
    const pc_slot_key *slot_key; ///< [slot_count]
    pc_block_table *table;       ///< [model->table_count]; tables not asked for have offset NULL
    pc_block_load load;          ///< how missing columns come; NULL: all are there
    pc_block_some some;          ///< how single values come; NULL: by whole columns only
    void *source;                ///< of `load` and `some`
    pc_arena *arena;             ///< what lives as long as the block
};

/** The column of a table, loaded when it is not there yet. Valid until the next block. Local.
 *  A child's dropped key columns come from its parent. `column->data == NULL` with row_count > 0
 *  means all null. */
pc_status pc_block_column(pc_block *block, int table, int column, const pc_column **out,
                          pc_error *err) PC_MUST_CHECK;
/** The values of a column at some rows, without loading the column when they are few of what it
 *  holds. `out->data == NULL`: all null. Local.
 *  @param row    [count] rows of the table in the block; -1: null. At most PC_BATCH_ROWS
 *  @param arena  owns the arrays of `out` */
pc_status pc_block_take(pc_block *block, int table, int column, const int32_t *row, int count,
                        pc_arena *arena, pc_column *out, pc_error *err) PC_MUST_CHECK;
/** The parent rows of some rows of `table`, in the same way: `out` [count], -1: none.
 *  @param slot  [count] the slot of each row within the block */
pc_status pc_block_parents_of(pc_block *block, int table, const int32_t *row, const int32_t *slot,
                              int count, pc_arena *scratch, int32_t *out,
                              pc_error *err) PC_MUST_CHECK;
/** [row_count] the parent row of each row of `table` (-1: none). */
pc_status pc_block_parent(pc_block *block, int table, const int32_t **out,
                          pc_error *err) PC_MUST_CHECK;
/** [row_count] the delivered file of each row, NULL: not known (PERSON, or a store that does not
 *  keep it). */
pc_status pc_block_file(pc_block *block, int table, const uint16_t **out,
                        pc_error *err) PC_MUST_CHECK;
/** [rows of the parent table] the first row of the companion table `table` of each parent row,
 *  -1: none. Computed once a block. */
pc_status pc_block_companion(pc_block *block, int table, const int32_t **out,
                             pc_error *err) PC_MUST_CHECK;

#endif
