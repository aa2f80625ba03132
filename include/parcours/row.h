/** @file parcours/row.h
 *  A row on its way from CSV to part: fixed-width bytes whose memcmp order is the stored order.
 *
 *  | at   | bytes | what                                                                        |
 *  | ---  | ---   | ---                                                                         |
 *  | 0    | 8     | source: file index (16 bits) and offset of the record in it (48), big-endian |
 *  | 8    | 16    | tag of the slot: its hash, then a second hash of its key, big-endian        |
 *  | 24   | 4     | event_date, as a field                                                      |
 *  | 28   | ...   | fields: the parent's key, the primary key, the others in the model's order  |
 *
 *  A child's fields begin with those that hold its parent's key, in the order and form of the
 *  parent's own: child row [28, 28 + parent_bytes) equals parent row [28, 28 + key_bytes).
 *
 *  A field is big-endian: signed integers and dates with the sign bit flipped, floats in the order
 *  of values, codes as an index of a dictionary, ids as their bytes. Null is all bits set, so nulls
 *  come last. Codes are indices of the reading rank's own dictionaries until they are renumbered to
 *  those of the sorted national dictionary, where order of indices is order of bytes.
 */
#ifndef PC_ROW_H
#define PC_ROW_H
#include "parcours/model.h"

enum { PC_ROW_SOURCE = 0, PC_ROW_TAG = 8, PC_ROW_DATE = 24, PC_ROW_FIELDS = 28, PC_TAG_BYTES = 16 };

/** A field of a row. */
typedef struct pc_row_field {
    int column; ///< of the model table (CSV columns and file_year only)
    pc_type type;
    uint8_t bytes; ///< 1 (bool), 4 or 8 (int and decimal: 4 up to 9 digits), 4 (date, code, text),
                   ///< 8 (float), n (id)
    uint16_t offset; ///< in the row
    int dict;        ///< of CODE and TEXT, else -1
} pc_row_field;

typedef struct pc_row_layout {
    int table;
    int field_count;
    const pc_row_field *field;  ///< [field_count] in order of offset
    const int *field_of_column; ///< [model columns] index into field, or -1
    int parent_bytes; ///< of a child: bytes of its parent's key, from PC_ROW_FIELDS; else 0
    int key_bytes;    ///< bytes of the primary key's fields, from PC_ROW_FIELDS (behind or
                      ///< with the parent's key; 0: no primary key)
    int row_bytes;    ///< multiple of 4
} pc_row_layout;

/** The layout of a table of the model; owned by `arena`. */
pc_status pc_row_layout_make(const pc_model *model, int table, pc_arena *arena,
                             const pc_row_layout **out, pc_error *err) PC_MUST_CHECK;

/** Null test, and the value of a field of a row. */
bool pc_row_is_null(const pc_row_field *field, const unsigned char *row);
int64_t pc_row_int(const pc_row_field *field, const unsigned char *row); ///< not FLOAT, ID
void pc_row_set_int(const pc_row_field *field, unsigned char *row, int64_t value);
void pc_row_set_null(const pc_row_field *field, unsigned char *row);
/** The same for FLOAT. */
double pc_row_float(const pc_row_field *field, const unsigned char *row);
void pc_row_set_float(const pc_row_field *field, unsigned char *row, double value);
/** The bytes of an ID without their padding, borrowed from the row; setting cuts at the width. */
pc_span pc_row_id(const pc_row_field *field, const unsigned char *row);
void pc_row_set_id(const pc_row_field *field, unsigned char *row, pc_span value);

/** PC_ROW_SOURCE of a record, and its parts. */
uint64_t pc_row_source(int file_index, int64_t offset);
int pc_source_file(uint64_t source);
int64_t pc_source_offset(uint64_t source);

#endif
