/** @file parcours/column.h
 *  One column of rows in memory: a flat array, a bitmap of what is not null, a dictionary for
 * texts.
 */
#ifndef PC_COLUMN_H
#define PC_COLUMN_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "parcours/arena.h"
#include "parcours/dict.h"

/** What a value means. How it lies in memory follows from it:
 *
 *  | type       | array element                                   | width in bytes |
 *  | ---        | ---                                             | ---            |
 *  | PC_BOOL    | 0 or 1, unsigned                                | 1              |
 *  | PC_INT     | signed                                          | 1, 2, 4, 8     |
 *  | PC_DECIMAL | signed, times 10^scale                          | 1, 2, 4, 8     |
 *  | PC_FLOAT   | double                                          | 8              |
 *  | PC_DATE    | signed days since 1970-01-01                    | 1, 2, 4, 8     |
 *  | PC_CODE    | unsigned index into `dict`                      | 1, 2, 4        |
 *  | PC_TEXT    | unsigned index into `dict` (free text)          | 1, 2, 4        |
 *  | PC_ID      | fixed bytes, padded with NUL at the end         | 1 to 64        |
 *  | PC_KEY     | unsigned, an opaque number of a parent row      | 8              |
 */
typedef enum pc_type {
    PC_NONE = 0,
    PC_BOOL,
    PC_INT,
    PC_DECIMAL,
    PC_FLOAT,
    PC_DATE,
    PC_CODE,
    PC_TEXT,
    PC_ID,
    PC_KEY
} pc_type;

enum { PC_ID_MAX_BYTES = 64, PC_DECIMAL_MAX_SCALE = 18 };

/** "bool", "int", "decimal", "float", "date", "code", "text", "id", "key". */
const char *pc_type_name(pc_type type);
/** True for the types whose array holds integers (BOOL, INT, DECIMAL, DATE, CODE, TEXT, KEY). */
bool pc_type_is_integer(pc_type type);
/** True where the integers are unsigned (BOOL, CODE, TEXT, KEY). */
bool pc_type_is_unsigned(pc_type type);

/** Values of some rows. The struct is a view: who made it says who owns the arrays. */
typedef struct pc_column {
    pc_type type;
    uint8_t scale;         ///< digits after the point, of PC_DECIMAL; else 0
    uint8_t width;         ///< bytes per value
    const void *data;      ///< [row_count] values; of null rows: any value (an index of CODE or
                           ///< TEXT is within its dictionary or 0)
    const uint64_t *valid; ///< bitmap, bit row % 64 of word row / 64 is 1 when not null;
                           ///< NULL: no row is null. Bits beyond the last row are undefined
    const pc_dict *dict;   ///< of CODE and TEXT; else NULL. Borrowed, outlives the column
} pc_column;

static inline bool pc_is_valid(const uint64_t *valid, int64_t row)
{
    return valid == NULL || ((valid[row >> 6] >> (row & 63)) & 1) != 0;
}

static inline bool pc_column_is_null(const pc_column *c, int64_t row)
{
    return !pc_is_valid(c->valid, row);
}

/** The integer of a row, widened by its sign rule. Not for FLOAT and ID. The row must not be null
 *  to mean something. For loops of few rows; kernels switch on the width once. */
static inline int64_t pc_column_int(const pc_column *c, int64_t row)
{
    const bool is_unsigned =
        c->type == PC_BOOL || c->type == PC_CODE || c->type == PC_TEXT || c->type == PC_KEY;
    switch (c->width) {
        case 1:
            return is_unsigned ? (int64_t)((const uint8_t *)c->data)[row]
                               : (int64_t)((const int8_t *)c->data)[row];
        case 2:
            return is_unsigned ? (int64_t)((const uint16_t *)c->data)[row]
                               : (int64_t)((const int16_t *)c->data)[row];
        case 4:
            return is_unsigned ? (int64_t)((const uint32_t *)c->data)[row]
                               : (int64_t)((const int32_t *)c->data)[row];
        default:
            return ((const int64_t *)c->data)[row];
    }
}

/** The values of some rows, as a column of their own. Local.
 *  @param row  [count] rows of `column`, in any order; -1: null
 *  @param out  its arrays are owned by `arena`, the rest is that of `column` (data not NULL)
 *  @return PC_NO_MEMORY */
pc_status pc_column_take(const pc_column *column, const int32_t *row, int count, pc_arena *arena,
                         pc_column *out, pc_error *err) PC_MUST_CHECK;

/** The text of a row of a CODE or TEXT column, or the bytes of an ID without their padding. */
pc_span pc_column_span(const pc_column *c, int64_t row);

#endif
