/** @file partition/store/part_writer.h
 *  Inside the writing of parts: columns that collect rows, spill whole pieces, and are encoded at
 *  the end, when their widths and row counts are known.
 */
#ifndef PC_STORE_PART_WRITER_H
#define PC_STORE_PART_WRITER_H
#include "parcours/part.h"
#include "directory.h"
#include "h5.h"

/** A piece of rows in the spill file: PC_CHUNK_ROWS, or less when memory is short, but a multiple
 *  of 64. */
typedef struct pc_piece {
    uint64_t offset;
    uint32_t bytes; ///< 0: all null
    uint32_t row_count;
} pc_piece;

/** A column being written. Rows of the open piece stand in `data` (empty while all are null). */
typedef struct pc_growing {
    int table, column; ///< as in pc_data_entry
    pc_type type;
    uint8_t width; ///< while it grows: that of the type's widest values
    pc_buffer data, valid;
    int64_t open_rows;  ///< rows of the open piece
    int64_t row_count;  ///< of all
    int64_t null_count; ///< of the pieces that are closed
    int64_t min, max;   ///< of the pieces that are closed
    pc_buffer piece;    ///< pc_piece each
    bool is_often;      ///< numbers stay packed, however much smaller zstd would be
} pc_growing;

/** Where closed pieces go: an unlinked file beside the part. */
typedef struct pc_spill {
    int fd; ///< -1: not made yet
    uint64_t bytes;
    size_t open_bytes, open_limit; ///< of the open pieces of all columns
    const char *path;
    pc_codec codec;
    pc_buffer stored;
} pc_spill;

void pc_growing_begin(pc_growing *grow, int table, int column, pc_type type, int id_width,
                      pc_budget *budget);
void pc_growing_release(pc_growing *grow);
/** Appends rows first .. first + count - 1 of `column` (data NULL: all null). `keep` clears more
 *  rows: bit set = keeps its value; NULL: all keep. */
pc_status pc_growing_add(pc_growing *grow, pc_spill *spill, const pc_column *column, int64_t first,
                         int64_t count, const uint64_t *keep, pc_error *err) PC_MUST_CHECK;
/** The form of a piece: the widest, with room for nulls. */
pc_chunk_form pc_piece_form(const pc_growing *grow);
/** The range of the open piece, added to that of the column. PC_BAD_INPUT: a value that would mean
 *  null. */
pc_status pc_growing_measure(pc_growing *grow, pc_chunk_range *range, pc_error *err) PC_MUST_CHECK;

/** The datasets that were written before. */
typedef struct pc_earlier {
    const pc_model *model;
    const pc_data_entry *data; ///< [count]
    int count;
} pc_earlier;

/** Encodes all rows into a dataset at `path` and describes it in `data`, whose chunks are of
 *  `arena`. A column of nulls only makes none: chunk_count 0. One with the values of an earlier
 *  column of its table becomes a second name of that dataset: `is_shared`. */
pc_status pc_growing_end(pc_growing *grow, pc_spill *spill, hid_t file, const char *path,
                         const pc_earlier *earlier, pc_arena *arena, pc_data_entry *data,
                         bool *is_shared, pc_error *err) PC_MUST_CHECK;

/** Explicit links of one table, where parents may stand in other parts of the shard. */
typedef struct pc_part_links {
    const int64_t *row;   ///< [row_count] row in the parent's slice of the slot; -1: none
    const uint32_t *part; ///< [row_count] number of the part that holds the parent
} pc_part_links;

/** pc_part_add with links across parts: `links` is [table_count], row NULL: links of the block. */
pc_status pc_part_add_linked(pc_part_writer *writer, pc_block *block, const pc_part_links *links,
                             pc_error *err) PC_MUST_CHECK;

#endif
