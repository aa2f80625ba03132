/** @file partition/store/h5.h
 *  The few things that we ask of libhdf5, each without time stamps, in V110 format, and silent:
 *  true or false, and the caller writes the sentence.
 */
#ifndef PC_STORE_H5_H
#define PC_STORE_H5_H
#include <hdf5.h>
#include "parcours/hash.h"
#include "chunk.h"

enum { PC_H5_BYTES = 1 << 20 }; ///< what an open HDF5 file is counted as

/** No plugins, no messages on stderr. Called before anything else of libhdf5; can be repeated. */
void pc_h5_prepare(void);
/** Creates a file, readable by its owner only; it must not exist. <0: failed. */
hid_t pc_h5_create(const char *path);
bool pc_h5_close(hid_t file);
bool pc_h5_group(hid_t file, const char *path);
/** The stored type of a form. Close with H5Tclose. */
hid_t pc_h5_type(pc_type type, int width);
bool pc_h5_attribute(hid_t object, const char *name, hid_t type, const void *value);
bool pc_h5_attribute_text(hid_t object, const char *name, const char *text);
bool pc_h5_attribute_int(hid_t object, const char *name, int64_t value);

/** An empty dataset of `row_count` rows in chunks of `chunk_rows`, with the filters of the form,
 *  its null as fill value and attribute. Chunks come by pc_h5_write_chunk. <0: failed. */
hid_t pc_h5_dataset(hid_t file, const char *path, const pc_chunk_form *form, int64_t row_count,
                    int64_t chunk_rows);
/** Writes a chunk as it is. */
bool pc_h5_write_chunk(hid_t dataset, int64_t first_row, pc_span stored);
/** Reads a chunk as it is; `out` has its stored bytes. */
bool pc_h5_read_chunk(hid_t dataset, int64_t first_row, void *out);
/** Where a chunk lies. */
bool pc_h5_chunk_address(hid_t dataset, int64_t first_row, uint64_t *address);

/** Writes a plain dataset [row_count] or, with `column_count` > 0, [row_count][column_count];
 *  shuffle and zstd when `compressed`. */
typedef struct pc_h5_plain {
    const char *path;
    pc_type type; ///< as pc_h5_type
    int width;
    int64_t row_count, column_count;
    const void *data;
    bool compressed;
} pc_h5_plain;
bool pc_h5_write_plain(hid_t file, const pc_h5_plain *plain);

/** Writes values of a form [row_count], with its null as fill value and attribute; shuffle and
 *  zstd. */
typedef struct pc_h5_values {
    const char *path;
    pc_chunk_form form; ///< type and width
    int64_t row_count;
    const void *data;
    bool is_plain; ///< neither in chunks nor compressed: written in a fraction of the time
} pc_h5_values;
bool pc_h5_write_values(hid_t file, const pc_h5_values *values);
/** The same without a value, plain: room for them, from `*first_byte` of the file on (0: no rows),
 *  which is undefined until they are written there. */
bool pc_h5_lay_out(hid_t file, const char *path, const pc_chunk_form *form, int64_t row_count,
                   int64_t *first_byte);

/** Opens a file to read, never with plugins. <0: failed. */
hid_t pc_h5_open(const char *path);
/** Rows (first dimension) of a dataset, its other dimension (1 when there is none), its width.
 *  False: it is not there or of more than two dimensions. */
bool pc_h5_shape(hid_t file, const char *path, int64_t *row_count, int64_t *column_count,
                 int *width);
/** Reads a whole dataset as it is stored; its type must be the given one. */
bool pc_h5_read_plain(hid_t file, const char *path, pc_type type, int width, void *out);
/** True if the path leads to something. */
bool pc_h5_exists(hid_t file, const char *path);

#endif
