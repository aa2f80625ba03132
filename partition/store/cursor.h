/** @file partition/store/cursor.h
 *  One dataset of a part, read forward: rows first .. first + count - 1 as a plain array. A chunk
 * is decoded once, however many blocks it serves.
 */
#ifndef PC_STORE_CURSOR_H
#define PC_STORE_CURSOR_H
#include "part_file.h"

enum { PC_CURSOR_READY = 4 }; // a block touches three chunks at most, unless a slot is larger

/** A chunk of which single values are taken. */
typedef struct pc_ready_chunk {
    int chunk; ///< -1: none
    pc_buffer bytes;
} pc_ready_chunk;

typedef struct pc_cursor {
    const pc_data_entry *data;
    uint32_t code_count; ///< of codes and texts: values are below it
    int64_t first, end;  ///< rows that are decoded; `first` is a multiple of 64
    int next_chunk;      ///< chunks before it were read or passed over
    pc_buffer values, valid, view;
    pc_ready_chunk ready[PC_CURSOR_READY]; ///< by chunk % PC_CURSOR_READY
} pc_cursor;

/** What all cursors of a part share. */
typedef struct pc_cursor_tools {
    const pc_part_file *part;
    pc_codec *codec;
    pc_buffer *stored;
    pc_read_counts *counts;
} pc_cursor_tools;

void pc_cursor_begin(pc_cursor *cursor, const pc_data_entry *data, uint32_t code_count,
                     pc_budget *budget);
void pc_cursor_release(pc_cursor *cursor);

/** Decodes what is missing and shows rows first .. first + count - 1: width, data and valid of
 *  `out`. Valid until the next call. `valid` is NULL when no chunk in between has nulls.
 *  @return PC_BAD_INPUT: damaged (says which part, dataset and chunk), PC_NO_MEMORY, PC_IO */
pc_status pc_cursor_view(pc_cursor *cursor, const pc_cursor_tools *tools, int64_t first,
                         int64_t count, pc_column *out, pc_error *err) PC_MUST_CHECK;

/** Values of rows first + row[i] without decoding the rest of their chunks, which stay at hand.
 * Rows may come in any order, but going far back is dear: ask for near ones together.
 *  @param row    [count] -1: null
 *  @param out    [count] values of the form's width
 *  @param valid  bitmap of zeros; NULL: no row is -1 and the chunks have no nulls
 *  @return as pc_cursor_view */
pc_status pc_cursor_take(pc_cursor *cursor, const pc_cursor_tools *tools, int64_t first,
                         const int32_t *row, int count, void *out, uint64_t *valid,
                         pc_error *err) PC_MUST_CHECK;

/** Row `row` of a view of counts or links, widened. */
static inline uint64_t pc_view_number(const pc_column *view, int64_t row)
{
    switch (view->width) {
        case 1:
            return ((const uint8_t *)view->data)[row];
        case 2:
            return ((const uint16_t *)view->data)[row];
        case 4:
            return ((const uint32_t *)view->data)[row];
        default:
            return ((const uint64_t *)view->data)[row];
    }
}

#endif
