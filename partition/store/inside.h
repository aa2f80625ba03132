/** @file partition/store/inside.h
 *  An open store, as the files of this folder see it.
 */
#ifndef PC_STORE_INSIDE_H
#define PC_STORE_INSIDE_H
#include "parcours/part.h"
#include "directory.h"
#include "files.h"
#include "part_file.h"

#define PC_STORE_FORMAT "parcours-store-1"

enum { PC_SHARED_ALIGN = 64 };
/** What an open store sees of the memory that its node shares. */
typedef struct pc_store_seen {
    char *at; ///< the area of the reference tables; NULL: none
    size_t bytes;
    int readers;
    size_t counted_bytes; ///< of the budget: this rank's part, of dictionaries too
} pc_store_seen;

struct pc_store {
    pc_budget *budget;
    pc_arena arena;
    char path[PC_PATH_BYTES];
    char id[PC_DIGEST_TEXT_BYTES];
    pc_json *manifest; ///< owned
    const pc_model *model;
    int shard_count;
    uint32_t edition;
    pc_dict *dict;             ///< [dict_count] the newest
    uint32_t generation_count; ///< generations 0 .. count - 1; the last is the newest
    uint32_t **old_to_new;     ///< [generation * dict_count + dict]; NULL for the newest
    uint32_t *old_count;       ///< [generation * dict_count + dict] texts of that generation
    pc_column **reference;     ///< [table_count] columns; NULL: not a reference table
    bool *reference_is_read;   ///< [table_count] else its columns are not there yet
    int64_t *reference_rows;   ///< [table_count]
    bool references_are_right; ///< their file was compared with its digest
    int64_t part_count;
    pc_part_info *part;     ///< [part_count] sorted by shard and number
    int64_t *part_rows;     ///< [part_count * table_count] rows of slots that are not hidden
    int64_t *hidden_offset; ///< [part_count + 1] into `hidden`
    uint32_t *hidden;       ///< slots, ascending within a part
    int64_t *shard_part;    ///< [shard_count + 1] first part of each shard
    int64_t *shard_slot;    ///< [shard_count + 1] number of the first slot of each shard
    pc_store_seen shared;
    pc_digest parts_digest, dictionaries_digest, references_digest;
};

/** dictionaries.h5. */
pc_status pc_dictionaries_write(const char *path, const pc_store_contents *contents,
                                pc_budget *budget, pc_error *err) PC_MUST_CHECK;
pc_status pc_dictionaries_read(pc_store *store, const char *path, pc_error *err) PC_MUST_CHECK;
/** Room for the dictionaries and the maps of older generations, still empty. */
pc_status pc_dictionaries_room(pc_store *store, pc_error *err) PC_MUST_CHECK;
/** Points the dictionaries into `shared`, and tells the store where references are.
 *  `*is_done` false: that is memory of another edition. */
pc_status pc_dictionaries_attach(pc_store *store, const pc_store_shared *shared, bool *is_done,
                                 pc_error *err) PC_MUST_CHECK;
/** Are the texts of each dictionary in order? Opening trusts the file's digest that they are. */
pc_status pc_dictionaries_check(const pc_store *store, pc_error *err) PC_MUST_CHECK;
/** references.h5. */
pc_status pc_references_write(const char *path, const pc_store_contents *contents,
                              pc_budget *budget, pc_error *err) PC_MUST_CHECK;
/** Room for the references and their numbers of rows, from the manifest. */
pc_status pc_references_open(pc_store *store, pc_error *err) PC_MUST_CHECK;
/** Reads reference table `table`, or all (-1), unless it was. */
pc_status pc_references_read(pc_store *store, int table, pc_error *err) PC_MUST_CHECK;

/** Bytes of the area of the reference tables: at most the budget, what does not fit is not shared.
 */
size_t pc_references_shared_bytes(const pc_store *store);
/** Makes the area at `memory` one where nothing was read yet. */
void pc_references_shared_begin(const pc_store *store, void *memory);
/** Where a table is read to. */
typedef struct pc_room {
    char *at; ///< NULL: the store's arena
    const char *end;
} pc_room;
/** Memory of `count * width` zeros there, or in `arena`. NULL: refused by the arena. */
void *pc_room_take(pc_room *room, pc_arena *arena, size_t count, size_t width, pc_error *err);
/** Takes reference table `t` as another rank of the node has read it, waiting until it is done
 *  (`reference_is_read`). Else it is to be read: to `room`, and then told. */
pc_status pc_references_shared_ask(pc_store *store, int t, pc_room *room,
                                   pc_error *err) PC_MUST_CHECK;
/** Tells the node that the table is there, or that it is not (`status`, which is given back). */
pc_status pc_references_shared_tell(pc_store *store, int t, const pc_room *room, pc_status status,
                                    pc_error *err) PC_MUST_CHECK;
/** Path of the file of the store that the edition names `base`, its digest compared. */
pc_status pc_store_find_file(const pc_store *store, const char *base, const pc_digest *digest,
                             char *path, pc_error *err) PC_MUST_CHECK;
/** parts.h5. */
pc_status pc_parts_write(const char *store, const char *path, const pc_store_contents *contents,
                         pc_budget *budget, pc_error *err) PC_MUST_CHECK;
pc_status pc_parts_read(pc_store *store, const char *path, pc_error *err) PC_MUST_CHECK;

/** Takes the rows of `hidden` [count] slots of a part off `rows` [table_count]. */
pc_status pc_parts_subtract_hidden(const pc_part_file *part, const uint32_t *hidden, int64_t count,
                                   pc_budget *budget, int64_t *rows, pc_error *err) PC_MUST_CHECK;

/** Texts that codes of a dictionary in a generation may index. */
static inline uint32_t pc_store_dict_count(const pc_store *store, uint32_t generation, int dict)
{
    return generation + 1 == store->generation_count
               ? store->dict[dict].count
               : store->old_count[generation * (uint32_t)store->model->dict_count + (uint32_t)dict];
}

#endif
