/** @file bucket_columns.h
 *  Fields of rows to arrays of columns. Private to partition/.
 */
#ifndef PC_BUCKET_COLUMNS_H
#define PC_BUCKET_COLUMNS_H
#include "parcours/bucket.h"

/** A column being filled. */
typedef struct pc_fill {
    const pc_row_field *field;
    unsigned char *data; ///< [row_count] x width
    uint64_t *valid;     ///< bitmap
    int64_t null_count;
} pc_fill;

/** Arrays for `row_count` values of `width` bytes; all null. */
pc_status pc_fill_make(const pc_row_field *field, int width, int64_t row_count, pc_arena *arena,
                       pc_fill *out, pc_error *err) PC_MUST_CHECK;
/** Fills `count` columns from rows, a tile of rows at a time, so that a row is in cache while its
 *  fields are taken. */
void pc_fill_rows(pc_fill *fill, int count, const unsigned char *const *row, int64_t row_count);
/** Sets one value of four bytes. */
void pc_fill_set32(pc_fill *fill, int64_t row, int32_t value);
/** The finished column: without bitmap when nothing is null, without data when all is. */
pc_column pc_fill_column(const pc_fill *fill, const pc_model_column *column, int width,
                         int64_t row_count, const pc_dict *const *dict);
/** Bytes of a value in memory before it is stored. */
int pc_column_width(const pc_model_column *column, const pc_row_field *field);

#endif
