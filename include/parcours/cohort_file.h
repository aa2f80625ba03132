/** @file parcours/cohort_file.h
 *  The file of a cohort: HDF5 that h5py, h5dump or R open, with one dataset a column.
 */
#ifndef PC_COHORT_FILE_H
#define PC_COHORT_FILE_H
#include "parcours/column.h"

/** One attribute of the rows. */
typedef struct pc_cohort_attribute {
    const char *name; ///< of the dataset
    pc_column column; ///< [row_count]; data NULL: all null
} pc_cohort_attribute;

typedef struct pc_cohort_rows {
    int64_t row_count;
    int patient_bytes;         ///< 1 to 64
    const char *patient;       ///< [row_count][patient_bytes] padded with NUL
    const int32_t *start_date; ///< [row_count] days since 1970-01-01
    const int32_t *end_date;   ///< [row_count]; INT32_MIN: null
    int attribute_count;
    const pc_cohort_attribute *attribute; ///< [attribute_count]
} pc_cohort_rows;

/** Writes /patient (fixed bytes), /start_date, /end_date (int32) and a dataset for each attribute:
 *  numbers in their width, texts as fixed bytes as long as the longest. Nulls are the dataset's
 * fill value, also given as attribute `null` (of numbers the least, or for codes of yes and no 255;
 * of texts the empty one; of floats a NaN). Mode 0600, under a temporary name, then renamed. The
 * same rows give the same bytes. Local.
 *  @return PC_IO, PC_NO_MEMORY, PC_BAD_INPUT (a name that is no dataset's, a value too large) */
pc_status pc_cohort_file_write(const char *path, const pc_cohort_rows *rows, pc_budget *budget,
                               pc_error *err) PC_MUST_CHECK;

#endif
