/** @file parcours/csv.h
 *  CSV bytes to typed rows (parcours/row.h), one unit of a file at a time. Local.
 *
 *  A file is cut into units of PC_CSV_UNIT_BYTES; a unit holds the records that begin in it, so any
 *  rank reads any unit. Compressed files and files of `multiline` tables are one unit.
 */
#ifndef PC_CSV_H
#define PC_CSV_H
#include "parcours/hash.h"
#include "parcours/row.h"

enum { PC_CSV_UNIT_BYTES = 8 * 1024 * 1024 };

/** A file of the delivery. */
typedef struct pc_csv_file {
    const char *path;
    const char *name; ///< relative to the delivery folder: what rejects and messages call it
    int index;        ///< in the delivery, below 65,536
    int table;
    int year;      ///< of its name, or 0
    int64_t bytes; ///< on disk
    int64_t unit_count;
    bool is_stream; ///< compressed or multiline: one unit
    char delimiter;
    bool multiline;             ///< quoted fields may hold line feeds
    int column_count;           ///< of its header
    const int *column;          ///< [column_count] model column of each field; -1: unknown, ignored
    const char *const *unknown; ///< names of unknown columns, NULL at the end
    const char *const *missing; ///< names of model columns that it lacks, NULL at the end
    int64_t header_bytes;       ///< offset of the first record (after BOM and header)
    int64_t unit_bytes;         ///< size of a unit: PC_CSV_UNIT_BYTES (tests make it smaller)
} pc_csv_file;

/** Opens a file: reads BOM and header, matches columns by name without regard to case.
 *  @return PC_BAD_INPUT: empty (not even a header), not text, no known column, a key column of the
 *          model missing, a column twice; PC_IO. Each with the file's name */
pc_status pc_csv_open(const pc_model *model, const char *path, const char *name, int index,
                      pc_arena *arena, pc_csv_file *out, pc_error *err) PC_MUST_CHECK;

/** Why a record was rejected. The names are written to the rejects file. */
typedef enum pc_reject {
    PC_REJECT_COLUMNS,   ///< "columns": another number of fields than the header
    PC_REJECT_QUOTE,     ///< "quote": a quoted field that does not end, or text behind its end
    PC_REJECT_ENCODING,  ///< "encoding": a NUL or control byte
    PC_REJECT_DATE,      ///< "date"
    PC_REJECT_NUMBER,    ///< "number"
    PC_REJECT_RANGE,     ///< "range": more digits than the column has
    PC_REJECT_LENGTH,    ///< "length": an identifier longer than the column
    PC_REJECT_KEY,       ///< "key": a column of the key is empty
    PC_REJECT_TRUNCATED, ///< "truncated": the last record of the file is cut
    PC_REJECT_DUPLICATE, ///< "duplicate": equal in all columns to a row that is kept
    PC_REJECT_PERIOD,    ///< "period": ends before it starts (where the model says so)
    PC_REJECT_OVERLAP,   ///< "overlap": a period that overlaps another of its person
    PC_REJECT_PERSON,    ///< "person": of nobody known, where the model asks for a person
    PC_REJECT_COUNT
} pc_reject;
const char *pc_reject_name(pc_reject reason);

/** A rejected record; its text is read again from the file when the rejects are written. */
typedef struct pc_rejected {
    uint64_t source; ///< as PC_ROW_SOURCE
    int64_t line;    ///< 1 is the header; 0: to be found from the offset
    int32_t column;  ///< model column, or -1
    int32_t reason;
} pc_rejected;

/** Takes the rows of a unit. `row` is [row_count] x layout->row_bytes, valid during the call; tags
 *  and event_date are not set. */
typedef pc_status (*pc_csv_sink)(void *context, const unsigned char *row, int64_t row_count,
                                 pc_error *err);

/** What a unit held. */
typedef struct pc_csv_counts {
    int64_t rows_read, rows_rejected; ///< header and blank lines are not rows
    int64_t lines, bytes;
} pc_csv_counts;

typedef struct pc_csv_reader pc_csv_reader;

/** A reader for one rank: buffers, and the rank's dictionaries.
 *  @param dict  [model->dict_count] builders, borrowed: codes of rows are their indices */
pc_status pc_csv_reader_open(const pc_model *model, pc_dict_builder *const *dict, pc_budget *budget,
                             pc_csv_reader **out, pc_error *err) PC_MUST_CHECK;
/** Reads unit `unit` of `file`. Lines of rejected rows count from the unit's first line (add the
 *  lines of the units before it). The unit's bytes are hashed into `digest`.
 *  @param rejected  pc_rejected structs are appended */
pc_status pc_csv_read_unit(pc_csv_reader *reader, const pc_csv_file *file, int64_t unit,
                           const pc_row_layout *layout, pc_csv_sink sink, void *context,
                           pc_buffer *rejected, pc_csv_counts *counts, pc_digest *digest,
                           pc_error *err) PC_MUST_CHECK;
void pc_csv_reader_close(pc_csv_reader *reader);

/** Reads the text of records again, for rejects. Opaque. */
typedef struct pc_csv_records pc_csv_records;
/** Local. Memory: a window of 1 MiB from the first record on. */
pc_status pc_csv_records_open(pc_budget *budget, pc_csv_records **out, pc_error *err) PC_MUST_CHECK;
void pc_csv_records_close(pc_csv_records *records);
/** Appends the text of the record at `offset` of a file (decompressed), without its line end, at
 *  most 64 KiB. Offsets of one file should ascend: going back begins a compressed file anew. */
pc_status pc_csv_records_read(pc_csv_records *records, const pc_csv_file *file, int64_t offset,
                              pc_buffer *out, pc_error *err) PC_MUST_CHECK;

/** Finds the line of each record whose line is 0, by counting line feeds from the beginning of its
 *  file.
 *  @param file      all files, by their index
 *  @param rejected  [count] sorted by source */
pc_status pc_csv_find_lines(const pc_csv_file *file, pc_rejected *rejected, int64_t count,
                            pc_budget *budget, pc_error *err) PC_MUST_CHECK;

#endif
