/** @file parcours/release.h
 *  The only way out: results pass disclosure control here and are written. For queries and studies.
 */
#ifndef PC_RELEASE_H
#define PC_RELEASE_H
#include "parcours/batch.h"
#include "parcours/hash.h"

enum { PC_MIN_PATIENTS = 11 }; // a cell standing for 1 to 10 patients is suppressed

/** A result table: all its rows, on rank 0. */
typedef struct pc_result {
    pc_schema schema;
    const bool *is_cell; ///< [field_count] true: suppressed when the row is small
    int64_t row_count;
    const pc_column *column; ///< [field_count] of [row_count]
    const int64_t *patients; ///< [row_count] patients (nobody slots count as one each) behind a
                             ///< row; NULL: the result is not of patients
    const int64_t *const *cell_patients; ///< [field_count] columns whose cells stand for other
                                         ///< patients than their row: [row_count] of them; NULL
                                         ///< (also all of it): those of the row
} pc_result;

/** What the gate did. */
typedef struct pc_gate_counts {
    int64_t rows, suppressed_rows;
} pc_gate_counts;

typedef enum pc_format { PC_FORMAT_CSV, PC_FORMAT_TABLE, PC_FORMAT_JSON } pc_format;

/** Appends the result as text (docs/sql.md, output). With `protect`, cells of rows with 1 to 10
 *  patients are "s" (in JSON the text "s"). Local. */
pc_status pc_result_write(const pc_result *result, pc_format format, bool protect, pc_buffer *out,
                          pc_gate_counts *counts, pc_error *err) PC_MUST_CHECK;

/** Some rows of a result that is written piece by piece, as text without what stands before the
 *  first and behind the last row; in JSON each row has a comma in front. Not of a table, whose
 *  columns are as wide as their widest cell. Counts are added. Local. */
pc_status pc_result_write_piece(const pc_result *result, pc_format format, bool protect,
                                pc_buffer *out, pc_gate_counts *counts,
                                pc_error *err) PC_MUST_CHECK;
/** What stands before the first row, and behind the last. `result`: its schema is looked at. */
pc_status pc_result_write_head(const pc_result *result, pc_format format, pc_buffer *out,
                               pc_error *err) PC_MUST_CHECK;
pc_status pc_result_write_tail(pc_format format, pc_buffer *out, pc_error *err) PC_MUST_CHECK;

/** The text of one cell as it is released, for other forms than those above: with `protect` "s"
 * where the cell is suppressed; empty when it is null. Of a number, day or yes/no it lies in
 * `room`. Local, cannot fail. */
enum { PC_CELL_TEXT_BYTES = 64 };
pc_span pc_result_text(const pc_result *result, bool protect, int column, int64_t row,
                       char room[PC_CELL_TEXT_BYTES]);
/** The same as a number. False: it is suppressed, null or not a number. */
bool pc_result_number(const pc_result *result, bool protect, int column, int64_t row, double *out);
/** Appends a text to HTML or XML: marks escaped, control characters as blanks. */
pc_status pc_markup_text(pc_buffer *out, pc_span text, pc_error *err) PC_MUST_CHECK;

/** A file that gets its name when it is whole. */
enum { PC_FILE_PATH_BYTES = 4096 };
typedef struct pc_file_writer {
    int file; ///< -1: closed
    unsigned mode;
    char path[PC_FILE_PATH_BYTES], temporary[PC_FILE_PATH_BYTES];
} pc_file_writer;
/** `mode`: 0600 or 0644. After it failed there is nothing to close. */
pc_status pc_file_begin(const char *path, unsigned mode, pc_file_writer *out,
                        pc_error *err) PC_MUST_CHECK;
pc_status pc_file_add(pc_file_writer *writer, pc_span text, pc_error *err) PC_MUST_CHECK;
/** Gives it its name. `syncs`: it is on disk before. */
pc_status pc_file_end(pc_file_writer *writer, bool syncs, pc_error *err) PC_MUST_CHECK;
/** Removes a file that was not ended; else does nothing. */
void pc_file_abandon(pc_file_writer *writer);

/** Writes a whole file: temporary name, rename; not synced. For files whose hash stands elsewhere,
 *  so that one torn by a power cut is found. `mode`: 0600 or 0644. */
pc_status pc_file_put(const char *path, pc_span text, unsigned mode, pc_error *err) PC_MUST_CHECK;
/** Writes a whole file that is on disk before it gets its name. `mode`: 0600 or 0644. */
pc_status pc_file_write(const char *path, pc_span text, unsigned mode, pc_error *err) PC_MUST_CHECK;
/** The BLAKE2b-256 of a file's bytes, as text. Local. @return PC_IO */
pc_status pc_file_hash(const char *path, char out[PC_DIGEST_TEXT_BYTES],
                       pc_error *err) PC_MUST_CHECK;

#endif
