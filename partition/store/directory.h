/** @file partition/store/directory.h
 *  The chunk directory of a part: where every chunk lies, what stands in it, its hash. One read
 *  gives index, zone map and integrity check. docs/store.md holds the layout of its bytes.
 */
#ifndef PC_STORE_DIRECTORY_H
#define PC_STORE_DIRECTORY_H
#include "parcours/model.h"
#include "chunk.h"

/** Columns of a directory that are not columns of the model. */
enum {
    PC_DATA_SLOT_KEY = -1,    ///< of the slots: 24 bytes each
    PC_DATA_SLOT_ROWS = -2,   ///< rows of each slot in a table
    PC_DATA_PARENT = -3,      ///< row in the parent table's slice of the same slot
    PC_DATA_PARENT_PART = -4, ///< number of the part that holds the parent
    PC_DATA_FILE = -5         ///< number of the delivered file, over all deliveries
};

/** One chunk. */
typedef struct pc_chunk_entry {
    uint64_t address; ///< in the file
    uint64_t hash;    ///< pc_hash64 of the stored bytes
    int64_t min, max;
    uint32_t bytes;
    uint32_t null_count;
} pc_chunk_entry;

/** One dataset. */
typedef struct pc_data_entry {
    int table;  ///< of the model; -1: the slots
    int column; ///< of the model table, or PC_DATA_...
    pc_chunk_form form;
    int64_t row_count;
    int64_t chunk_rows;
    int chunk_count;
    int64_t min, max, null_count; ///< over all chunks
    pc_chunk_entry *chunk;        ///< [chunk_count]
} pc_data_entry;

typedef struct pc_directory {
    uint32_t shard, number, delivery, generation;
    int64_t slot_count, person_count;
    int32_t first_day, last_day;
    int64_t *table_rows; ///< [model->table_count]
    int data_count;
    pc_data_entry *data; ///< [data_count] in order of table and column
} pc_directory;

/** Rows of chunk `chunk`. */
static inline int64_t pc_data_chunk_rows(const pc_data_entry *data, int chunk)
{
    const int64_t first = chunk * data->chunk_rows;
    const int64_t left = data->row_count - first;
    return left < data->chunk_rows ? left : data->chunk_rows;
}

/** The bytes of a directory; appends to `out`. Local. */
pc_status pc_directory_write(const pc_directory *directory, const pc_model *model, pc_buffer *out,
                             pc_error *err) PC_MUST_CHECK;

/** Reads a directory; owned by `arena`. Every number is checked against the model, the others and
 *  the file's size, so that nothing later has to doubt it. Local.
 *  @return PC_BAD_INPUT: says what is wrong */
pc_status pc_directory_read(pc_span bytes, const pc_model *model, int64_t file_bytes,
                            pc_arena *arena, pc_directory *out, pc_error *err) PC_MUST_CHECK;

/** The dataset, or NULL: all null, or no rows. Binary search. */
const pc_data_entry *pc_directory_find(const pc_directory *directory, int table, int column);

/** What errors call a dataset: "ER_PHA_F/atc", "slots/key", "ER_PHA_F/parent". */
void pc_data_name(const pc_model *model, int table, int column, char *out, size_t out_bytes);

#endif
