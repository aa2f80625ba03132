/** @file old.h
 *  What an append, a replacement or a compaction starts from: the store as it is. A new store has
 *  none of this: `job->old` is NULL then. docs/ingest.md, "Deliveries after the first", has the
 *  idea. Private to engine/ingest/.
 */
#ifndef PC_INGEST_OLD_H
#define PC_INGEST_OLD_H
#include "ingest_job.h"

/** A file of an earlier delivery, as store.json tells of it. */
typedef struct old_file {
    const char *name, *hash;
    int table; // of the model
    int delivery;
    int64_t bytes, rows_read;
    int64_t reject[PC_REJECT_COUNT];
    const char **unknown; // columns, NULL at the end
    int replaced_by;      // delivery that took its rows out, -1: none
} old_file;

typedef struct old_delivery {
    const char *hash, *plan;
} old_delivery;

/** A value by which rows of patient tables find a row of a reference table. */
typedef struct old_change {
    int column; // of the reference table
    int64_t value;
} old_change;

/** Why a slot of the store is written again with its new rows: docs/ingest.md has them. */
typedef enum old_rewrite {
    REWRITE_NOT,
    REWRITE_SHARD,     // all of the shard is
    REWRITE_REFERENCE, // a row finds another row of a reference table
    REWRITE_PERSON,    // PERSON changes
    REWRITE_PARENT,    // a parent stands in the store, or came for rows that do
    REWRITE_PRIMARY,   // rows of a primary key are counted together
    REWRITE_DAY,       // a table has old and new rows of one day
    REWRITE_COUNT
} old_rewrite;

struct ingest_old {
    int64_t rewritten_slots[REWRITE_COUNT], rewritten_rows[REWRITE_COUNT]; // of this rank
    pc_store *store;
    int delivery_count;
    old_delivery *delivery;
    int file_count;
    old_file *file;       // [file_count] of all deliveries: a row's file is an index here
    bool *is_replaced;    // [file_count] rows of these files are taken out now
    bool replaces;        // one of them
    bool compacts;        // nothing is delivered
    bool rewrites_all;    // derived columns of any row may have changed
    bool moves_ambiguous; // slots of kind A may belong elsewhere now
    bool *changed;        // [table_count] reference tables that have other rows now
    pc_buffer *changes;   // [table_count] old_change: of the rows that one side alone has
    bool **present;       // [table_count][columns] some part has values of the column
    uint64_t *low, *high; // [key_count] of the first field of keys that the delivery names
    pc_buffer affected;   // pc_slot_entry, of any rank: slots whose rows may belong elsewhere now
    pc_buffer moved;      // pc_slot_entry of this rank's shards, in the order of the store: slots
                          // whose rows are resolved again
    pc_buffer hidden;     // pc_part_slot of this rank's shards
};

// old.c
/** Collective. Opens the store on every rank; the job gets its model and shards. */
pc_status old_open(ingest_job *job, pc_error *err) PC_MUST_CHECK;
/** Local. Accepts a job without one. */
void old_close(ingest_job *job);
/** Local. Marks the files that the delivery replaces. */
pc_status old_mark_replaced(ingest_job *job, pc_error *err) PC_MUST_CHECK;
/** Local. A file that is loaded already is refused by name. */
pc_status old_check_resent(const ingest_job *job, pc_error *err) PC_MUST_CHECK;
/** Local, rank 0. Adds the counts of the store to those of the job, which are changes so far. */
void old_add_counts(ingest_job *job);
/** Local. Whether any shard has more than one part, hidden slots or codes of old dictionaries. */
bool old_needs_compaction(const ingest_job *job);
/** Local. Whether the shard's parts are all read and written as one. */
bool old_rewrites_shard(const ingest_job *job, uint32_t shard, bool has_rows);

// old_rows.c
/** The store's blocks, shard by shard, of this rank's shards. */
typedef struct old_scan {
    ingest_job *job;
    pc_read_request request;
    int64_t shard, end;
    pc_reader *reader;                                   // of `shard`; NULL: not open
    pc_block none;                                       // what old_scan_next gives at the end
    bool (*wants)(const ingest_job *job, int64_t shard); // shards to read; NULL: all
} old_scan;
/** Local. @param table  one table alone, or -1: every patient table, or -2: slot keys only */
pc_status old_scan_open(old_scan *scan, ingest_job *job, int table, int64_t block_rows,
                        pc_error *err) PC_MUST_CHECK;
void old_scan_close(old_scan *scan);
/** Local. The next block; `(*block)->slot_count` 0: no more. */
pc_status old_scan_next(old_scan *scan, pc_block **block, pc_error *err) PC_MUST_CHECK;

/** Appends rows from .. to - 1 of a block's table as rows of ingest, their file as source, without
 *  tag and date; rows of replaced files too. Local. */
pc_status old_rows_append(const ingest_job *job, pc_block *block, int table, int64_t from,
                          int64_t to, pc_buffer *out, pc_error *err) PC_MUST_CHECK;
/** One field of the rows from .. to - 1, into rows `row_bytes` apart. Local. */
void old_put_field(const pc_row_field *field, const pc_column *column, int64_t from, int64_t to,
                   unsigned char *row, size_t row_bytes);
/** Whether a row that old_rows_append made is of a file that is replaced. Local. */
static inline bool old_row_is_gone(const ingest_old *old, uint64_t source)
{
    const int file = pc_source_file(source);
    return file < old->file_count && old->is_replaced[file];
}
/** A slot leaves the parts that it stands in: its rows, but those of replaced files, are appended
 *  to rows[table], with the slot's tag, and it is taken off the counts. Local. */
pc_status old_slot_take(ingest_job *job, pc_block *block, int slot, pc_buffer *rows,
                        pc_error *err) PC_MUST_CHECK;
/** PC_ROW_SOURCE of a row. Local. */
uint64_t old_row_source(const unsigned char *row);
/** The order of slots in the store, for qsort. Local. */
int old_compare_entries(const void *a, const void *b);
/** Whether the slot is in old->moved. Local. */
bool old_is_moved(const ingest_job *job, const pc_slot_entry *entry);
/** The entries of old->moved in a shard: [*count]. Local. */
const pc_slot_entry *old_moved_of_shard(const ingest_job *job, int64_t shard, int64_t *count);

// old_keys.c
/** The parents' keys of the store that keys of this delivery may equal, in rounds. */
typedef struct old_keys {
    ingest_job *job;
    int table;
    int key; // of the model, whose least and largest start are known; -1: none
    int field_count;
    pc_row_field *field; // [field_count], one behind the other
    int key_bytes;       // of all fields
    old_scan scan;
    pc_buffer rows;    // key fields of a block
    pc_buffer keys;    // of the round: key, tag, one behind the other
    pc_buffer entries; // pc_slot_entry of the same
    int64_t count;
} old_keys;
/** Local. Notes the least and the largest start of the keys that rows of the delivery hold. */
void old_note_keys(ingest_job *job, int table, const unsigned char *row, int64_t row_count);
/** Collective. The least and the largest of all ranks. */
void old_share_keys(ingest_job *job);
pc_status old_keys_open(old_keys *keys, ingest_job *job, int table, pc_error *err) PC_MUST_CHECK;
/** The same of other columns, which some file or part has; rows with a null in one are left out. */
pc_status old_values_open(old_keys *keys, ingest_job *job, int table, const int *column, int count,
                          pc_error *err) PC_MUST_CHECK;
void old_keys_close(old_keys *keys);
/** Collective. The next round: `keys->count` of this rank; `*is_done` when no rank has more. Keys
 *  of moved slots are left out. */
pc_status old_keys_next(old_keys *keys, bool *is_done, pc_error *err) PC_MUST_CHECK;

// old_join.c
/** Rows of a table that may look at another row of a reference table than they did. */
typedef struct old_look {
    int table, column;
    int64_t *value; // [count] ascending
    size_t count;
} old_look;

typedef struct old_join {
    ingest_job *job;
    bool *asked;   // [table_count] patient tables
    bool *nothing; // [table_count] none
    int64_t shard;
    bool rewrites_all;
    old_look *look; // [look_count] slots with such rows are rewritten
    int look_count;
    pc_reader *reader; // NULL: the shard has no slot in the store
    pc_block *block;
    int slot;         // of the block, the next
    pc_reader *names; // the same slots, keys alone, one bucket ahead
    pc_block *name_block;
    int name_slot;
    pc_buffer tags;         // of a bucket's rows, sorted, each once
    pc_buffer *rows;        // [table_count] of slots that are rewritten, of one bucket
    pc_buffer taken;        // pc_slot_entry of slots that leave the old parts
    int64_t taken_before;   // of earlier buckets
    pc_buffer is_continued; // bool [slots of the bucket]
} old_join;
/** Local. For all shards of this rank. */
pc_status old_join_open(old_join *join, ingest_job *job, pc_error *err) PC_MUST_CHECK;
void old_join_close(old_join *join);
/** Local. Rules look at a reference table that has other rows now: slots with a row that finds one
 *  of these are rewritten. */
pc_status old_join_look(old_join *join, int reference, pc_error *err) PC_MUST_CHECK;
/** Local. @param has_rows  rows of the delivery, or moved ones, come into the shard */
pc_status old_join_begin(old_join *join, int64_t shard, bool has_rows, pc_error *err) PC_MUST_CHECK;
/** Local. Appends to `entries` the keys of the store's slots that rows of a bucket belong to: a row
 *  that found its person or its parent there brought no key. Before the bucket is arranged. */
pc_status old_join_names(old_join *join, const pc_bucket *bucket, int64_t number,
                         pc_buffer *entries, pc_error *err) PC_MUST_CHECK;
/** Local. Goes through the store's slots of the bucket. Those that must be rewritten are taken:
 *  `join->rows` has their rows, `join->taken` from `join->taken_before` on their keys; of the
 *  others that the bucket has too bucket->is_continued is set.
 *  @param bucket  arranged: the new rows alone */
pc_status old_join_bucket(old_join *join, pc_bucket *bucket, int64_t number,
                          pc_error *err) PC_MUST_CHECK;
/** Local. Sets bucket->is_continued anew, for the slots of these keys, after it was arranged again.
 *  @param key  [key_count] in the order of the store */
pc_status old_join_continue(old_join *join, pc_bucket *bucket, const pc_slot_key *key,
                            size_t key_count, pc_error *err) PC_MUST_CHECK;
/** Local. Notes where the slots stand that left the shard. */
pc_status old_join_end(old_join *join, pc_error *err) PC_MUST_CHECK;

#endif
