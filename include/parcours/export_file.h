/** @file parcours/export_file.h
 *  Files of exports for modelling: plain HDF5, one a shard, and one over all that h5py and scipy
 * open as a whole.
 */
#ifndef PC_EXPORT_FILE_H
#define PC_EXPORT_FILE_H
#include "parcours/column.h"

/** A dataset of one dimension. Nulls: the least integer, 255 (yes or no), NaN, empty text. */
typedef struct pc_export_column {
    const char *name;
    pc_type type; ///< PC_INT (64 bits), PC_DATE (days, 32 bits), PC_FLOAT, PC_BOOL (8 bits), PC_ID
    int width;    ///< bytes of a PC_ID, padded with NUL
    int64_t count;
    const void *data; ///< [count]
} pc_export_column;

/** Writes the file of one shard. Mode 0600, under a temporary name, then renamed. The same columns
 *  give the same bytes. Local. @return PC_IO, PC_NO_MEMORY, PC_BAD_INPUT (a name that is no
 * dataset's) */
pc_status pc_export_part_write(const char *path, const pc_export_column *column, int column_count,
                               pc_budget *budget, pc_error *err) PC_MUST_CHECK;

/** Writes the file over all parts, which lie in its folder: virtual datasets, one behind the other.
 *  But a sparse matrix is made whole: `feature` becomes the sorted texts of all parts, `indices`
 * their numbers, `indptr` goes on from part to part. Local.
 *  @param column  names and types
 *  @param part    [part_count] file names without folder, in order */
pc_status pc_export_join(const char *path, const pc_export_column *column, int column_count,
                         const char *const *part, int part_count, pc_budget *budget,
                         pc_error *err) PC_MUST_CHECK;

#endif
