/** @file parcours/part.h
 *  Writing a store: parts from blocks, then dictionaries, references, parts.h5 and the manifest.
 */
#ifndef PC_PART_H
#define PC_PART_H
#include "parcours/hash.h"
#include "parcours/store.h"

/** A finished part, as parts.h5 keeps it. */
typedef struct pc_part_info {
    uint32_t shard;
    uint32_t number;                  ///< of the part in its shard, from 0
    uint32_t delivery;                ///< index of the delivery that made it
    uint32_t generation;              ///< of the dictionaries that its codes are of
    int64_t slot_count, person_count; ///< person_count: slots that are patients
    int64_t bytes;                    ///< of the file
    int64_t directory_offset, directory_bytes;
    pc_digest directory_digest;  ///< of the chunk directory's bytes
    pc_digest file_digest;       ///< of the whole file
    int32_t first_day, last_day; ///< event_date over all tables (INT32_MAX, INT32_MIN: none)
} pc_part_info;

typedef struct pc_part_writer pc_part_writer;

/** Begins STORE/shards/xx/xxxx/part-nnnnnn.h5 under a temporary name. */
pc_status pc_part_begin(const char *store, const pc_model *model, uint32_t shard, uint32_t number,
                        uint32_t delivery, uint32_t generation, pc_budget *budget,
                        pc_part_writer **out, pc_error *err) PC_MUST_CHECK;
/** Appends the slots of a block, behind those before, with all its columns and links (the block has
 *  every patient table of the model). Memory: one chunk of 131,072 rows per column. */
pc_status pc_part_add(pc_part_writer *writer, pc_block *block, pc_error *err) PC_MUST_CHECK;
/** Writes the directory, closes, re-reads and verifies, fsyncs, renames, fsyncs the folder. */
pc_status pc_part_end(pc_part_writer *writer, pc_part_info *info, pc_error *err) PC_MUST_CHECK;
/** Gives up: removes the temporary file. Accepts NULL. Called after end too: frees. */
void pc_part_free(pc_part_writer *writer);

/** What the manifest says besides parts. */
typedef struct pc_manifest {
    const pc_model *model;
    uint32_t shard_count;
    pc_span deliveries_json; ///< JSON array of deliveries, written as is
    pc_span tables_json;     ///< JSON object of tables: rows_read, rows_stored ...
} pc_manifest;

/** A reference table to store. */
typedef struct pc_reference_rows {
    int table;
    int64_t row_count;
    const pc_column *column; ///< [model columns], data NULL: all null
} pc_reference_rows;

/** Writes dictionaries.h5, references.h5, parts.h5 and, last, store.json. One rank calls it.
 *  @param dict  [model->dict_count] sorted dictionaries, of generation 0
 *  @param part  [part_count] in any order: sorted by shard and number inside */
pc_status pc_store_finish(const char *store, const pc_manifest *manifest, const pc_dict *dict,
                          const pc_reference_rows *reference, int reference_count,
                          const pc_part_info *part, int64_t part_count, pc_budget *budget,
                          pc_error *err) PC_MUST_CHECK;

#endif
