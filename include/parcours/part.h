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

/** All that a store is made of besides its parts' files. */
typedef struct pc_store_contents {
    const pc_manifest *manifest;
    uint32_t edition;            ///< how often the store was changed since it was made
    const pc_dict *dict;         ///< [dict_count] sorted, of the newest generation
    uint32_t generation_count;   ///< 1: no older one
    uint32_t *const *old_to_new; ///< [(generation_count - 1) * dict_count]
    const uint32_t *old_count;   ///< [(generation_count - 1) * dict_count]
    const pc_reference_rows *reference;
    int reference_count;
    const pc_part_info *part; ///< [part_count] in any order: sorted by shard and number inside
    int64_t part_count;
    const int64_t *hidden_offset; ///< [part_count + 1] into `hidden`; NULL: nothing is hidden
    const uint32_t *hidden;       ///< slots, ascending within a part
} pc_store_contents;

/** Writes dictionaries.h5, references.h5, parts.h5 (with the edition in their names from 1 on) and,
 *  last, store.json: the store changes at that rename. One rank calls it. */
pc_status pc_store_write(const char *store, const pc_store_contents *contents, pc_budget *budget,
                         pc_error *err) PC_MUST_CHECK;

// ---- changing a store --------------------------------------------------------------------------

/** How often the store was changed. */
uint32_t pc_store_edition(const pc_store *store);
/** The name of one of its three files in an edition: "parts" in 0 is "parts.h5", in 2
 *  "parts-000002.h5". */
void pc_store_file_name(const char *base, uint32_t edition, char out[64]);
/** Its parts, sorted by shard and number. [*count] */
const pc_part_info *pc_store_parts(const pc_store *store, int64_t *count);
/** The parts of a shard: first and behind the last, in pc_store_parts. */
void pc_store_shard_parts(const pc_store *store, int shard, int64_t *from, int64_t *to);
/** The hidden slots of a part, ascending. [*count] */
const uint32_t *pc_store_hidden(const pc_store *store, int64_t part, int64_t *count);

/** Whether the file of a part is there, with its directory. Local.
 *  @return PC_BAD_INPUT or PC_IO when not */
pc_status pc_part_look(const char *store, const pc_model *model, const pc_part_info *part,
                       pc_budget *budget, pc_error *err) PC_MUST_CHECK;

/** Gives the open store larger dictionaries: from now on readers show the codes of `dict`, as when
 *  the store had been written with one generation more. Nothing changes when no dictionary is
 *  larger. Not for stores that others read at the same time.
 *  @param dict  [model->dict_count] sorted, with every text of the old ones; borrowed */
pc_status pc_store_grow(pc_store *store, const pc_dict *const *dict, pc_error *err) PC_MUST_CHECK;
/** Gives the open store a model that begins with its own (pc_model_extend): the tables and
 *  dictionaries that it adds are empty. Not for stores that others read at the same time.
 *  @param model  borrowed for the life of the store */
pc_status pc_store_extend(pc_store *store, const pc_model *model, pc_error *err) PC_MUST_CHECK;
/** What pc_store_write is told of generations: the maps to the newest dictionaries. */
void pc_store_generations(const pc_store *store, pc_store_contents *out);

/** A slot of a part. */
typedef struct pc_part_slot {
    int64_t part; ///< in pc_store_parts
    uint32_t slot;
} pc_part_slot;

/** Appends to `out` where visible slots of a shard stand: one pc_part_slot for each part that has
 *  one of the keys, in order of part and slot.
 *  @param key  [key_count] in the order of the store; those that are nowhere are passed over */
pc_status pc_store_find_slots(const pc_store *store, int shard, const pc_slot_key *key,
                              int64_t key_count, pc_budget *budget, pc_buffer *out,
                              pc_error *err) PC_MUST_CHECK;

#endif
