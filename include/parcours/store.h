/** @file parcours/store.h
 *  Reading a store: manifest, dictionaries, references, and the parts of its shards block by block.
 *  Local: every rank opens the store for itself; a shard is read by one rank at a time.
 */
#ifndef PC_STORE_H
#define PC_STORE_H
#include "parcours/block.h"

typedef struct pc_store pc_store;

/** Opens a store: reads and checks the manifest and dictionaries. Nothing of the references and the
 *  parts is read yet. Memory from `budget`.
 *  @return PC_BAD_INPUT: not a store, unfinished, damaged (says which file) */
pc_status pc_store_open(const char *path, pc_budget *budget, pc_store **out,
                        pc_error *err) PC_MUST_CHECK;
void pc_store_close(pc_store *store);

/** The dictionaries and reference tables of a store in one piece of memory, which several ranks of
 * a node see. A reference table is read there by the rank that first asks for it. */
typedef struct pc_store_shared {
    void *memory; ///< made by pc_store_shared_pack. NULL: none
    size_t bytes;
    int readers; ///< ranks that share it: each counts its part in its budget
} pc_store_shared;
/** Bytes that the dictionaries of an open store need there, and, with `has_references`, its
 * reference tables might: pages of those that nobody asks for are never touched. */
size_t pc_store_shared_size(const pc_store *store, bool has_references);
/** Copies the dictionaries to `memory` [pc_store_shared_size], aligned for 64 bytes, and says that
 * no reference table was read. */
void pc_store_shared_pack(const pc_store *store, bool has_references, void *memory);
/** As pc_store_open, without reading what `shared` holds (NULL, or of another state of the store:
 * it is read). `shared->memory` outlives the store, which may not be grown. */
pc_status pc_store_open_with(const char *path, const pc_store_shared *shared, pc_budget *budget,
                             pc_store **out, pc_error *err) PC_MUST_CHECK;

const char *pc_store_id(const pc_store *store);
const pc_model *pc_store_model(const pc_store *store);
/** First and last day of care of the store (event_date of all patient tables, of real rows). */
void pc_store_period(const pc_store *store, int32_t *first, int32_t *last);
/** The manifest as JSON. */
const pc_json *pc_store_manifest(const pc_store *store);
/** The newest dictionary: [model->dict_count]. */
const pc_dict *pc_store_dict(const pc_store *store, int dict);
/** A reference table, whole: columns as in the model, sorted by its primary key; data NULL: all
 *  null. `row_count` 0 for tables that were not delivered. Read when it is first asked for: a
 *  vocabulary may be larger than all that a question needs. Valid as long as the store.
 *  @return PC_BAD_INPUT: damaged (says what); PC_NO_MEMORY */
pc_status pc_store_reference(pc_store *store, int table, const pc_column **column,
                             int64_t *row_count, pc_error *err) PC_MUST_CHECK;
/** Where the columns of a reference table will stand once it is read. */
const pc_column *pc_store_reference_columns(const pc_store *store, int table);
/** Reads all reference tables that were not asked for yet. */
pc_status pc_store_read_references(pc_store *store, pc_error *err) PC_MUST_CHECK;

int pc_store_shard_count(const pc_store *store);
/** Stored bytes of a shard (of all its parts), for largest-first scheduling. */
int64_t pc_store_shard_bytes(const pc_store *store, int shard);
/** Rows and patients over all parts, hidden slots left out. */
int64_t pc_store_table_rows(const pc_store *store, int table);

/** Which tables a reader will be asked for. Columns are loaded on demand. */
typedef struct pc_read_request {
    const bool *table;  ///< [model->table_count]
    int64_t block_rows; ///< aim: rows of the largest table in a block (0: 131,072)
} pc_read_request;

typedef struct pc_reader pc_reader;

/** What was read so far. */
typedef struct pc_read_counts {
    int64_t blocks, slots, rows; ///< rows of all asked tables
    int64_t chunks_read, chunks_skipped, bytes_read, bytes_decoded;
} pc_read_counts;

/** Opens a shard. Checks each chunk that it reads against its hash. */
pc_status pc_reader_open(const pc_store *store, int shard, const pc_read_request *request,
                         pc_budget *budget, pc_reader **out, pc_error *err) PC_MUST_CHECK;
/** The next block; `(*block)->slot_count` 0 at the end. Valid until the next call. Slots of several
 *  parts are merged, hidden ones left out, codes are those of the newest dictionaries. */
pc_status pc_reader_next(pc_reader *reader, pc_block **block, pc_error *err) PC_MUST_CHECK;
const pc_read_counts *pc_reader_counts(const pc_reader *reader);
void pc_reader_close(pc_reader *reader);

/** A range of values that a column must touch for a row to pass; from predicates. */
typedef struct pc_zone {
    int table, column;
    int64_t low, high; ///< as stored integers, both included
} pc_zone;
/** True if no row of `table` in the current block can pass `zone`, by the chunk directory alone. */
bool pc_reader_zone_is_empty(const pc_reader *reader, const pc_zone *zone);

/** What a column takes in the parts, by their chunk directories. */
typedef struct pc_column_size {
    int64_t chunks;
    int64_t stored_bytes;  ///< encoded, as in the file
    int64_t decoded_bytes; ///< in the stored width
    int64_t null_count;    ///< of the rows in chunks; columns without chunks are all null
} pc_column_size;

/** Adds the sizes of a shard's columns to `size` [table_count][model columns of the table]; tables
 *  whose array is NULL are left out. Reads the directories of the shard's parts. Local.
 *  @return PC_BAD_INPUT: a part is damaged, PC_NO_MEMORY, PC_IO */
pc_status pc_store_sizes(const pc_store *store, int shard, pc_budget *budget,
                         pc_column_size *const *size, pc_error *err) PC_MUST_CHECK;

/** What `pc_store_verify` looked at. */
typedef struct pc_verify_counts {
    int64_t shards, parts, chunks, rows, bytes; ///< rows and bytes of parts, hidden slots included
} pc_verify_counts;

/** Checks shards first .. first + count - 1: each part against its digest, each chunk against its
 *  hash, its fletcher32 and what the directory says of it; the order of slots and of their rows;
 *  slots in their shard; row counts; codes in their dictionaries; links. With shard 0 it checks the
 *  manifest too (rows read = stored + rejected, stored = in parts). Adds to `counts`. Local: ranks
 *  share the shards.
 *  @return PC_BAD_INPUT: the first problem, with file and dataset */
pc_status pc_store_verify(pc_store *store, int first_shard, int shard_count, pc_budget *budget,
                          pc_verify_counts *counts, pc_error *err) PC_MUST_CHECK;

#endif
