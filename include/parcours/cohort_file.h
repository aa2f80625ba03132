/** @file parcours/cohort_file.h
 *  The file of a cohort: HDF5 that h5py, h5dump or R open, with one dataset a column.
 *
 *  It is laid out first, without a row, from what all rows have in common (pc_cohort_extent). Then
 *  its rows are put in at their places, some at a time, by whoever has them: many ranks at once
 *  write one file, and none holds more than its own rows.
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

/** What the values of an attribute are, in all rows: those of parts are merged by the least, the
 *  greatest and the longest. */
typedef struct pc_cohort_extent {
    int64_t min, max;   ///< of numbers; min > max: all null
    int64_t text_bytes; ///< of the longest text
} pc_cohort_extent;
#define PC_COHORT_EXTENT_NONE ((pc_cohort_extent){.min = INT64_MAX, .max = INT64_MIN})

/** A dataset of the file. */
typedef struct pc_cohort_dataset {
    const char *name;
    pc_type type;       ///< as it is stored: texts are PC_ID
    int width;          ///< bytes of a value
    int64_t first_byte; ///< where its first value stands in the file; 0 without rows
} pc_cohort_dataset;

/** The datasets before those of attributes. */
enum { PC_COHORT_PATIENT, PC_COHORT_START, PC_COHORT_END, PC_COHORT_ATTRIBUTES };

typedef struct pc_cohort_layout {
    int64_t row_count; ///< of the whole file
    int attribute_count;
    pc_cohort_dataset *dataset; ///< [PC_COHORT_ATTRIBUTES + attribute_count]
} pc_cohort_layout;

/** The first three datasets. `dataset` has room for all. */
void pc_cohort_layout_begin(pc_cohort_layout *layout, int64_t row_count, int patient_bytes);
/** The next attribute: numbers in their width, texts as fixed bytes as long as the longest.
 *  @return PC_BAD_INPUT: a name that is no dataset's, a value too large */
pc_status pc_cohort_layout_add(pc_cohort_layout *layout, const char *name, pc_type type,
                               const pc_cohort_extent *extent, pc_error *err) PC_MUST_CHECK;

/** Makes a file with /patient (fixed bytes), /start_date, /end_date (int32) and a dataset for each
 *  attribute, none with a row yet, and says in `layout` where their values go. Nulls are the
 *  dataset's fill value, also given as attribute `null` (of numbers the least, or for codes of yes
 *  and no 255; of texts the empty one; of floats a NaN). Mode 0600. What was there is replaced.
 *  The same layout gives the same bytes. Local.
 *  @return PC_IO, PC_NO_MEMORY */
pc_status pc_cohort_file_make(const char *path, pc_cohort_layout *layout, pc_budget *budget,
                              pc_error *err) PC_MUST_CHECK;
/** Writes rows `first_row` on into a file that was made. Local; others may write other rows.
 *  @param file     its descriptor, open to write
 *  @param scratch  what it is filled with is of no further use
 *  @return PC_IO, PC_NO_MEMORY */
pc_status pc_cohort_file_put(int file, const pc_cohort_layout *layout, int64_t first_row,
                             const pc_cohort_rows *rows, pc_buffer *scratch,
                             pc_error *err) PC_MUST_CHECK;

/** A whole file of rows that are all here, under a temporary name, then renamed. Local.
 *  @return PC_IO, PC_NO_MEMORY, PC_BAD_INPUT */
pc_status pc_cohort_file_write(const char *path, const pc_cohort_rows *rows, pc_budget *budget,
                               pc_error *err) PC_MUST_CHECK;

#endif
