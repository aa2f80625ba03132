/** @file csv_private.h
 *  The pieces of the CSV reader: bytes of a file, where fields end, values. Private to partition/.
 */
#ifndef PC_CSV_PRIVATE_H
#define PC_CSV_PRIVATE_H
#include "parcours/csv.h"

enum {
    CSV_PADDING = 64,               // readable bytes behind every text, for loads of whole words
    CSV_WINDOW_BYTES = 256 * 1024,  // read at once: the window and its index stay in L2
    CSV_TAIL_BYTES = 16 * 1024,     // read behind a unit for the end of its last record
    CSV_RECORD_BYTES = 1024 * 1024, // longest record; longer ones are rejected
    CSV_BATCH_BYTES = 256 * 1024,   // rows given to the sink at once
    CSV_CACHE_ENTRIES = 512,        // per code column; a power of two
    CSV_CACHE_BITS = 9
};

/** The bytes of a file, decompressed. */
typedef struct csv_source {
    int fd;
    const char *name; // what errors call the file
    enum { CSV_PLAIN, CSV_GZIP, CSV_ZSTD } kind;
    pc_budget *budget;
    int64_t offset;               // of the next byte to read from disk
    int64_t hash_from, hash_to;   // bytes on disk that belong to the digest
    pc_fingerprint_state *digest; // or NULL
    pc_buffer input;              // compressed bytes
    size_t input_at;
    bool input_ended, stream_ended;
    void *decoder; // z_stream or ZSTD_DStream
    pc_buffer decoder_memory;
    size_t decoder_bytes; // taken from the budget for the library's own memory
} csv_source;

/** Opens `path` at `offset` (0 when compressed). Close it whether this failed or not. */
pc_status csv_source_open(csv_source *source, const char *path, const char *name, int64_t offset,
                          pc_budget *budget, pc_error *err) PC_MUST_CHECK;
/** Up to `room` bytes; *got 0: the end. PC_BAD_INPUT when a compressed stream is broken or cut. */
pc_status csv_source_read(csv_source *source, char *out, size_t room, size_t *got,
                          pc_error *err) PC_MUST_CHECK;
void csv_source_close(csv_source *source);
/** Is a file of this name compressed? */
bool csv_is_compressed(const char *path);

/** Positions of the delimiter, of quotes and of all bytes below 32, ascending.
 *  @param data   [bytes + CSV_PADDING]
 *  @param index  [bytes] room
 *  @return how many */
size_t csv_index(const char *data, size_t bytes, char delimiter, uint32_t *index);

/** Where a record ends. */
typedef enum csv_end {
    CSV_END_LINE,   // at a line feed: `bytes` without it
    CSV_END_FILE,   // at the end of the data, which is the end of the file
    CSV_END_QUOTE,  // a quoted field does not end: `bytes` up to the first line feed or all
    CSV_END_UNKNOWN // more data is needed
} csv_end;
csv_end csv_find_end(const char *data, size_t bytes, bool is_last, char delimiter, bool multiline,
                     size_t *record_bytes);
/** Splits a record with quotes. Doubled quotes are halved in `scratch` [bytes + CSV_PADDING].
 *  @param field  [room]
 *  @return fields, which may be more than room; -1: text behind a closing quote */
int csv_split(const char *record, size_t bytes, char delimiter, char *scratch, pc_span *field,
              int room);

/** Values of CSV fields; the text is trimmed and not empty, and CSV_PADDING bytes behind it may be
 *  read. */
typedef enum csv_parsed { CSV_GOOD, CSV_BAD, CSV_RANGE } csv_parsed;
csv_parsed csv_parse_int(pc_span text, int digits, int64_t *value);
csv_parsed csv_parse_decimal(pc_span text, int digits, int scale, int64_t *value);
bool csv_parse_float(pc_span text, double *value);
bool csv_parse_bool(pc_span text, int64_t *value);
bool csv_parse_date(pc_span text, pc_date_format format, int32_t *day);

/** True when all bytes are below 128. */
bool csv_is_ascii(pc_span text);
/** True for well-formed UTF-8 (no overlong forms, no surrogates). */
bool csv_is_utf8(pc_span text);
/** Latin-1 to UTF-8; `out` has 2 x text.bytes. Returns the bytes written. */
size_t csv_latin1_to_utf8(pc_span text, char *out);

/** How a field is read. */
typedef enum csv_parser {
    CSV_SKIP,
    CSV_BOOL,
    CSV_INT4,
    CSV_INT8,
    CSV_DECIMAL4,
    CSV_DECIMAL8,
    CSV_FLOAT,
    CSV_DATE,
    CSV_CODE,
    CSV_ID
} csv_parser;

/** A text of at most 16 bytes and its index in a dictionary. */
typedef struct csv_cached {
    uint64_t low, high;
    uint32_t bytes; // 0: empty entry
    uint32_t index;
} csv_cached;

/** A column of the file that is read. */
typedef struct csv_column {
    csv_parser parser;
    int field; // of the record
    uint8_t bytes, digits, scale;
    uint16_t offset; // in the row
    bool is_required;
    bool has_null_marks;
    int column; // of the model
    pc_date_format date_format;
    int null_count;
    const int64_t *null_value;    // [null_count] of numbers and dates
    const char *const *null_mark; // [null_count] of texts
    pc_dict_builder *dict;
    csv_cached *cache; // [CSV_CACHE_ENTRIES] of codes
} csv_column;

/** How the records of a file become rows. */
typedef struct csv_plan {
    const pc_model *model;
    int column_count;           // those that are read
    csv_column *column;         // [column_count] in the order of the file
    const unsigned char *blank; // [row_bytes] a row with nulls, and the file's year
    int row_bytes;
    const int *required; // [required_count] fields of the layout that no row may lack
    int required_count;
    bool lacks_required; // one of them is no column of the file, and not its year
    const pc_row_layout *layout;
    const pc_row_field *start, *end; // of the period that is checked, or NULL
    bool null_text;
} csv_plan;

pc_status csv_plan_make(const pc_model *model, const pc_csv_file *file, const pc_row_layout *layout,
                        pc_dict_builder *const *dict, pc_arena *arena, csv_plan *out,
                        pc_error *err) PC_MUST_CHECK;
/** A record that became a row, while its text is still in memory. Most fields of a record repeat
 *  those of the one before: what has the same text has the same value. */
typedef struct csv_before {
    const pc_span *field;     // [columns of the file]; NULL: there is none
    const unsigned char *row; // what it became
} csv_before;
/** One record to one row. *reason PC_REJECT_COUNT: it is good.
 *  @param field   [columns of the file], each with CSV_PADDING readable bytes behind it
 *  @param column  the model column that a reject is about, or -1 */
pc_status csv_plan_row(csv_plan *plan, const pc_span *field, csv_before before, pc_buffer *scratch,
                       unsigned char *row, pc_reject *reason, int *column,
                       pc_error *err) PC_MUST_CHECK;
/** Is the column part of a key that every row must have? */
bool csv_is_key_column(const pc_model_table *table, int column);

#endif
