/** @file partition/store/chunk.h
 *  One chunk of one column: values to stored bytes and back, in forms that any HDF5 tool can read.
 *  docs/store.md describes them.
 */
#ifndef PC_STORE_CHUNK_H
#define PC_STORE_CHUNK_H
#include "parcours/column.h"

enum {
    PC_CHUNK_ROWS = 131072,   ///< most rows of a chunk: 1 MiB of the widest number
    PC_CHUNK_HEADER = 21,     ///< bytes before the bit stream of a packed chunk
    PC_CHUNK_CHECK = 4,       ///< bytes of the fletcher32 behind it
    PC_FORM_NULL_BYTES = 256, ///< a null of any width
    PC_ZSTD_FILTER = 32015    ///< the filter's number, registered at The HDF Group
};

typedef enum pc_encoding {
    PC_ENCODING_PACKED = 1, ///< HDF5's scale-offset, then fletcher32
    PC_ENCODING_ZSTD = 2,   ///< shuffle, zstd, then fletcher32
    PC_ENCODING_WHOLE = 3   ///< zstd of the values as they stand, then fletcher32
} pc_encoding;

/** How the values of a dataset are stored. */
typedef struct pc_chunk_form {
    pc_type type;  ///< PC_NONE: an unsigned number of the store itself (counts, links)
    uint8_t width; ///< bytes of a value
    uint8_t encoding;
    bool has_null; ///< some value of the dataset is null: one value of the width means null
} pc_chunk_form;

/** Values before they are encoded. */
typedef struct pc_chunk_values {
    const void *data;      ///< [row_count] of `width` bytes each
    uint8_t width;         ///< for numbers: any; for ids and floats that of the form
    const uint64_t *valid; ///< bitmap; NULL: none is null
    int64_t row_count;
} pc_chunk_values;

/** What stands in a chunk. Of floats and ids, and where all is null, min is INT64_MIN and max
 *  INT64_MAX: nothing is known. */
typedef struct pc_chunk_range {
    int64_t min, max;
    int64_t null_count;
} pc_chunk_range;

/** The library state that encoding and decoding use. Start with `{.budget = b}`. */
typedef struct pc_codec {
    pc_budget *budget;
    void *compress, *decompress; ///< zstd contexts, made when first needed
    pc_buffer scratch, scratch2;
    bool is_hasty; ///< what is encoded now is not kept: least effort
} pc_codec;
void pc_codec_release(pc_codec *codec);

/** True where the form's values are integers (the types of pc_type_is_integer, and PC_NONE). */
bool pc_form_is_integer(pc_type type);
/** True where they are unsigned. */
bool pc_form_is_unsigned(pc_type type);
/** The integer that means null: the minimum of a signed, the maximum of an unsigned width. */
int64_t pc_form_null(pc_type type, int width);
/** Narrowest width whose null does not occur between min and max; 0: none. */
int pc_form_width(pc_type type, int64_t min, int64_t max);
/** The bits of the float that means null: a NaN that no computation makes. */
uint64_t pc_form_null_float(void);

/** The null of a form as it stands in a file; ids: zeros. `out` has PC_FORM_NULL_BYTES. */
void pc_form_null_bytes(const pc_chunk_form *form, char *out);

/** Row `row` widened. */
int64_t pc_values_int(const pc_chunk_values *values, bool is_unsigned, int64_t row);

/** Minimum, maximum and nulls. Local. Cannot fail. */
pc_chunk_range pc_chunk_measure(pc_type type, const pc_chunk_values *values);

/** Encodes the rows, as a chunk of `chunk_rows` >= row_count (the rest is filled), with its
 *  fletcher32. Replaces the content of `out`. Local.
 *  @param range  what pc_chunk_measure said; it fits the form's width
 *  @return PC_NO_MEMORY, PC_IO (zstd failed) */
pc_status pc_chunk_encode(pc_codec *codec, const pc_chunk_form *form, const pc_chunk_values *values,
                          const pc_chunk_range *range, int64_t chunk_rows, pc_buffer *out,
                          pc_error *err) PC_MUST_CHECK;

/** Decodes the first `row_count` rows of a chunk of `chunk_rows`. Every byte is checked for sense;
 *  whether they are the right bytes is the caller's to check by hash. Null rows become 0. Local.
 *  @param stored  the chunk with its fletcher32, and PC_BITS_SLACK readable bytes behind it
 *  @param out     [row_count + 8] values of the form's width
 *  @param valid   bitmap to fill, from its bit 0; NULL: the chunk has no nulls
 *  @return PC_BAD_INPUT without the name of the dataset, which the caller puts in front */
pc_status pc_chunk_decode(pc_codec *codec, const pc_chunk_form *form, pc_span stored,
                          int64_t chunk_rows, int64_t row_count, void *out, uint64_t *valid,
                          pc_error *err) PC_MUST_CHECK;

/** A packed chunk opened: its bit stream, and what every value is less of. */
typedef struct pc_packed {
    const unsigned char *in;
    int bits; ///< of a value; 0: all rows are null (where the form has nulls) or `min`
    uint64_t min;
} pc_packed;
/** Reads and checks the header of a packed chunk. Local. PC_BAD_INPUT: it makes no sense. */
pc_status pc_chunk_packed(const pc_chunk_form *form, pc_span stored, int64_t chunk_rows,
                          pc_packed *out, pc_error *err) PC_MUST_CHECK;
/** Undoes zstd: exactly `bytes` bytes to `out`, still shuffled. Local. PC_BAD_INPUT, PC_NO_MEMORY.
 */
pc_status pc_chunk_expand(pc_codec *codec, pc_span stored, size_t bytes, void *out,
                          pc_error *err) PC_MUST_CHECK;

/** Makes a chunk ready for `pc_chunk_take`: a packed one stays as it is (`out` and `stored` change
 *  places), one of zstd is expanded. Local.
 *  @param stored  the chunk with its fletcher32 and PC_BITS_SLACK bytes behind it
 *  @return as pc_chunk_decode */
pc_status pc_chunk_ready(pc_codec *codec, const pc_chunk_form *form, int64_t chunk_rows,
                         pc_buffer *stored, pc_buffer *out, pc_error *err) PC_MUST_CHECK;
/** Single values of a chunk that is ready. Local. Cannot fail. Cost: some 2 ns a value.
 *  @param index  [count] rows of the chunk, in any order
 *  @param out    elements `at` .. are filled, of the form's width; null rows become 0
 *  @param valid  bitmap, zero from bit `at` on; NULL: the chunk has no nulls */
void pc_chunk_take(const pc_chunk_form *form, pc_span ready, int64_t chunk_rows,
                   const int32_t *index, int count, int at, void *out, uint64_t *valid);
/** The same of a chunk whose rows are all `value`, or all null. */
void pc_chunk_take_constant(const pc_chunk_form *form, int64_t value, bool is_null, int count,
                            int at, void *out, uint64_t *valid);

/** HDF5's fletcher32 of `bytes` bytes. */
uint32_t pc_fletcher32(const unsigned char *data, size_t bytes);
/** True if the chunk ends with its own fletcher32. */
bool pc_chunk_check_is_right(pc_span stored);

#endif
