/** @file window.h
 *  What window.c, window_order.c and window_value.c share. Private to ops/.
 */
#ifndef PC_OPS_WINDOW_H
#define PC_OPS_WINDOW_H
#include "parcours/function.h"
#include "parcours/op.h"
#include "parcours/table.h"

/** One window function while rows are kept and its results made. */
typedef struct pc_window_state {
    const pc_window_call *call;
    int arg, second, missing, filter; ///< columns of the kept rows, behind the input's; -1: none
    const pc_expr *choose; ///< of lag and lead with a third argument: which of both, or NULL
    // Results of all kept rows: words, or the row whose value it is.
    int64_t *word;   ///< [rows] or NULL: 8 bytes of an int or float
    uint64_t *valid; ///< [rows] of `word`
    int64_t *source; ///< [rows] or NULL: a kept row, -1: null
    uint8_t *missed; ///< [rows] with `choose`: there is no such row
} pc_window_state;

/** Rows in order. */
typedef struct pc_window_rows {
    const pc_column *column; ///< [all columns that are kept]
    const int64_t *slot;     ///< [row_count] partitions lie within slots; NULL: not known
    int64_t row_count;
    uint32_t *index;      ///< [row_count] rows by slot, partition, order
    int64_t *peers_begin; ///< [row_count] of a place in `index`: its first peer's place
    int64_t *peers_end;   ///< [row_count] the place behind its last peer
} pc_window_rows;

/** Places begin .. end - 1 of `index`: one partition. */
typedef struct pc_window_part {
    int64_t begin, end;
    int64_t known_begin, known_end; ///< of them those whose first order key is not null
} pc_window_part;

/** Sorts the rows and finds peers. Arrays in `arena`. */
pc_status pc_window_sort(const pc_plan *node, pc_window_rows *rows, pc_arena *arena,
                         pc_error *err) PC_MUST_CHECK;
/** The partition that begins at a place. */
pc_window_part pc_window_part_at(const pc_plan *node, const pc_window_rows *rows, int64_t begin);
/** The frame of a place, as places begin .. end - 1 (begin >= end: no row). */
void pc_window_frame(const pc_plan *node, const pc_window_rows *rows, const pc_window_part *part,
                     const pc_frame *frame, int64_t at, int64_t *begin, int64_t *end);
/** Results of one function for one partition. @param queue  [rows of the partition] scratch */
pc_status pc_window_values(const pc_plan *node, const pc_window_rows *rows,
                           const pc_window_part *part, pc_window_state *state, uint32_t *queue,
                           pc_error *err) PC_MUST_CHECK;
/** Order of two values that are not null: numbers by size (nan last), texts and ids by bytes. */
int pc_window_compare(const pc_column *c, int64_t a, int64_t b);

#endif
