/** @file partition/store/reader.h
 *  Inside the reader of a shard. One part without hidden slots is read straight; several parts are
 *  merged slot by slot (reader_merge.c).
 */
#ifndef PC_STORE_READER_H
#define PC_STORE_READER_H
#include "parcours/store.h"
#include "cursor.h"
#include "inside.h"

/** One part of the shard, open. */
typedef struct pc_reader_part {
    pc_part_file file;
    int64_t store_part;  ///< index in the store
    bool is_old;         ///< codes are of an older generation
    pc_cursor ***column; ///< [table][model columns]; NULL: not read yet. [table] NULL: not asked
    pc_cursor *key;      ///< of the slots
    pc_cursor **link;    ///< [table], or NULL
    pc_cursor **link_part;
    pc_cursor **from_file;
    int64_t **first_row; ///< [table][slot_count + 1] row of each slot; [table] NULL: not needed
} pc_reader_part;

/** Slots of several parts, in their common order. */
typedef struct pc_merge {
    int64_t slot_count;
    int64_t *first_entry; ///< [slot_count + 1] into the entries
    uint32_t *entry_part; ///< index in reader->part
    uint32_t *entry_slot; ///< slot of that part
    pc_slot_key *key;     ///< [slot_count]
} pc_merge;

/** Rows of one table in the block, and the rows of the parts that they are. */
typedef struct pc_merged_rows {
    uint32_t *part; ///< [row_count]
    int64_t *row;   ///< [row_count] row in the part
    int64_t *low;   ///< [part_count] rows low .. high - 1 of the part cover the block
    int64_t *high;
} pc_merged_rows;

struct pc_reader {
    const pc_store *store;
    pc_budget *budget;
    pc_arena arena;       ///< as long as the reader
    pc_arena block_arena; ///< as long as a block
    int shard;
    bool *is_asked;  ///< [table_count]
    bool *is_needed; ///< [table_count] asked, or ancestors of asked ones
    int64_t block_rows;
    int part_count;
    pc_reader_part *part; ///< [part_count]
    pc_codec codec;
    pc_buffer stored;
    pc_read_counts counts;
    bool is_merged;
    pc_merge merge;
    pc_merged_rows *merged; ///< [table_count] of the current block
    pc_buffer *parents;     ///< [table_count] links of the current block, reused
    int64_t next_slot;
    pc_block block;
};

/** The tools of cursors of a part. */
pc_cursor_tools pc_reader_tools(pc_reader *reader, const pc_reader_part *part);
/** The cursor of a column (>= 0), of PC_DATA_PARENT, PC_DATA_PARENT_PART or PC_DATA_FILE; made
 *  when first asked for. NULL: the part has no such dataset: all null. */
pc_status pc_reader_cursor(pc_reader *reader, pc_reader_part *part, int table, int column,
                           pc_cursor **out, pc_error *err) PC_MUST_CHECK;
/** A child's key column: its own where the row has no parent, else the parent's. */
pc_status pc_reader_gather_key(pc_reader *reader, pc_block *block, int table, int column,
                               pc_error *err) PC_MUST_CHECK;

/** pc_block_some of a shard of one part. */
pc_status pc_reader_some(pc_block *block, int table, int column, const int32_t *row, int count,
                         pc_arena *arena, pc_column *out, bool *is_done,
                         pc_error *err) PC_MUST_CHECK;

/** Reads all slot keys and finds the common order. */
pc_status pc_merge_begin(pc_reader *reader, pc_error *err) PC_MUST_CHECK;
/** Rows of a merged slot in a table. */
int64_t pc_merge_slot_rows(const pc_reader *reader, int64_t slot, int table);
/** Offsets and sources of the rows of a table, for slots first .. first + count - 1. */
pc_status pc_merge_table(pc_reader *reader, int table, int64_t first, int count, int64_t *offset,
                         pc_error *err) PC_MUST_CHECK;
/** Loads a column of the block (as stored), PC_BLOCK_PARENT or PC_BLOCK_FILE. */
pc_status pc_merge_load(pc_reader *reader, int table, int column, pc_error *err) PC_MUST_CHECK;

#endif
