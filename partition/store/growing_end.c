/** The end of a column: its rows are read again in chunks, encoded in their final width, and
 * written to the part. A column that repeats an earlier one takes no bytes. */
#include <stdio.h>
#include <string.h>
#include "bits.h"
#include "files.h"
#include "part_writer.h"

enum {
    TRIAL_ROWS = 32768,    // enough to choose an encoding by
    MOST_OF_SHUFFLED = 95, // percent of the shuffled bytes at which whole values are chosen
    MOST_OF_PACKED = 85,   // percent of the packed bytes that zstd may leave to be chosen
    MOST_OF_OFTEN = 25     // the same of columns that most questions read
};

/** Reads the rows of a column again, in runs of one chunk. */
typedef struct replay {
    const pc_growing *grow;
    pc_spill *spill;
    int64_t piece_count; // closed ones; the open one follows
    int64_t piece;       // whose rows stand in `data`; -1: none
    int64_t piece_first; // its first row
    int64_t piece_rows;
    const char *data; // NULL: all null
    const uint64_t *valid;
    pc_buffer piece_data, piece_valid; // of a closed piece
    pc_buffer run_data, run_valid;     // of the run
    pc_buffer earlier;                 // a chunk of a column that may be the same
} replay;

static void release_replay(replay *r)
{
    pc_buffer_release(&r->piece_data);
    pc_buffer_release(&r->piece_valid);
    pc_buffer_release(&r->run_data);
    pc_buffer_release(&r->run_valid);
    pc_buffer_release(&r->earlier);
}

static pc_status load_piece(replay *r, int64_t index, pc_error *err)
{
    const pc_growing *grow = r->grow;
    r->piece = index;
    r->piece_rows = grow->open_rows;
    if (index == r->piece_count) {
        r->data = grow->data.bytes == 0 ? NULL : grow->data.data;
        r->valid = (const uint64_t *)grow->valid.data;
        return PC_OK;
    }
    const pc_piece piece = ((const pc_piece *)grow->piece.data)[index];
    r->piece_rows = piece.row_count;
    r->data = NULL;
    if (piece.bytes == 0) return PC_OK;
    pc_spill *spill = r->spill;
    const pc_chunk_form form = pc_piece_form(grow);
    PC_TRY(pc_buffer_reserve(&r->piece_data, (PC_CHUNK_ROWS + 8) * (size_t)grow->width, err));
    PC_TRY(pc_buffer_reserve(&r->piece_valid, PC_CHUNK_ROWS / 8, err));
    spill->stored.bytes = 0;
    PC_TRY(pc_buffer_reserve(&spill->stored, piece.bytes + PC_BITS_SLACK, err));
    PC_TRY(pc_read_at(spill->fd, piece.offset, spill->stored.data, piece.bytes, spill->path, err));
    memset(spill->stored.data + piece.bytes, 0, PC_BITS_SLACK);
    PC_TRY(pc_chunk_decode(&spill->codec, &form, (pc_span){spill->stored.data, piece.bytes},
                           piece.row_count, piece.row_count, r->piece_data.data,
                           (uint64_t *)r->piece_valid.data, err));
    r->data = r->piece_data.data;
    r->valid = (const uint64_t *)r->piece_valid.data;
    return PC_OK;
}

// The piece that holds a row: the one at hand, one behind it, or one from the first on.
static pc_status find_piece(replay *r, int64_t row, pc_error *err)
{
    const pc_piece *piece = (const pc_piece *)(const void *)r->grow->piece.data;
    int64_t index = 0, first = 0;
    if (r->piece >= 0 && row >= r->piece_first) {
        if (row < r->piece_first + r->piece_rows) return PC_OK;
        index = r->piece + 1;
        first = r->piece_first + r->piece_rows;
    }
    for (; index < r->piece_count && row >= first + piece[index].row_count; index++)
        first += piece[index].row_count;
    r->piece_first = first;
    return load_piece(r, index, err);
}

// Rows first .. first + count - 1; first is a multiple of 64, pieces too: bitmaps move by words.
static pc_status replay_run(replay *r, int64_t first, int64_t count, pc_chunk_values *out,
                            pc_error *err)
{
    const size_t width = r->grow->width;
    const size_t words = (size_t)(count + 63) / 64;
    PC_TRY(pc_buffer_reserve(&r->run_data, (size_t)count * width, err));
    PC_TRY(pc_buffer_reserve(&r->run_valid, words * 8, err));
    for (int64_t done = 0; done < count;) {
        const int64_t row = first + done;
        PC_TRY(find_piece(r, row, err));
        const int64_t at = row - r->piece_first, left = r->piece_rows - at;
        const int64_t step = count - done < left ? count - done : left;
        char *data = r->run_data.data + (size_t)done * width;
        char *valid = r->run_valid.data + done / 8;
        const size_t valid_bytes = (size_t)(step + 63) / 64 * 8;
        if (r->data == NULL) {
            memset(data, 0, (size_t)step * width);
            memset(valid, 0, valid_bytes);
        } else {
            memcpy(data, r->data + (size_t)at * width, (size_t)step * width);
            memcpy(valid, (const char *)r->valid + at / 8, valid_bytes);
        }
        done += step;
    }
    *out = (pc_chunk_values){.data = r->run_data.data,
                             .width = r->grow->width,
                             .valid = (const uint64_t *)r->run_valid.data,
                             .row_count = count};
    return PC_OK;
}

// Rows of a chunk: as many chunks as PC_CHUNK_ROWS needs, all of one size but for the last, which
// then has hardly any padding.
static int64_t even_chunk_rows(int64_t row_count)
{
    if (row_count <= PC_CHUNK_ROWS) return row_count;
    const int64_t chunks = (row_count - 1) / PC_CHUNK_ROWS + 1;
    const int64_t rows = (row_count - 1) / chunks + 1;
    return (rows + 63) / 64 * 64;
}

// Bytes that the rows take in an encoding, which stays in data->form.
static pc_status try_encoding(replay *r, pc_data_entry *data, pc_encoding encoding,
                              const pc_chunk_values *values, const pc_chunk_range *range,
                              size_t *bytes, pc_error *err)
{
    pc_spill *spill = r->spill;
    data->form.encoding = (uint8_t)encoding;
    spill->codec.is_hasty = true;
    const pc_status status = pc_chunk_encode(&spill->codec, &data->form, values, range,
                                             values->row_count, &spill->stored, err);
    spill->codec.is_hasty = false;
    if (status != PC_OK) return status;
    *bytes = spill->stored.bytes;
    return PC_OK;
}

// The smaller of the two forms that zstd packs (shuffled bytes decode faster), unless numbers as
// they are packed by bits are not much larger: they decode three times as fast, and single values
// without the others. Looked at on the first rows that are not all null.
static pc_status choose_encoding(replay *r, bool is_often, pc_data_entry *data, pc_error *err)
{
    const bool is_integer = pc_form_is_integer(data->form.type);
    const size_t most = is_often ? MOST_OF_OFTEN : MOST_OF_PACKED;
    data->form.encoding = (uint8_t)(is_integer ? PC_ENCODING_PACKED : PC_ENCODING_ZSTD);
    for (int chunk = 0; chunk < data->chunk_count; chunk++) {
        const int64_t rows = pc_data_chunk_rows(data, chunk);
        pc_chunk_values values;
        PC_TRY(replay_run(r, chunk * data->chunk_rows, rows < TRIAL_ROWS ? rows : TRIAL_ROWS,
                          &values, err));
        const pc_chunk_range range = pc_chunk_measure(data->form.type, &values);
        if (range.null_count == values.row_count) continue;
        size_t packed = 0, shuffled = 0, whole = 0;
        if (is_integer) {
            PC_TRY(try_encoding(r, data, PC_ENCODING_PACKED, &values, &range, &packed, err));
        }
        PC_TRY(try_encoding(r, data, PC_ENCODING_ZSTD, &values, &range, &shuffled, err));
        PC_TRY(try_encoding(r, data, PC_ENCODING_WHOLE, &values, &range, &whole, err));
        const bool is_whole = 100 * whole < MOST_OF_SHUFFLED * shuffled;
        const size_t least = is_whole ? whole : shuffled;
        pc_encoding best = is_whole ? PC_ENCODING_WHOLE : PC_ENCODING_ZSTD;
        if (is_integer && 100 * least >= most * packed) best = PC_ENCODING_PACKED;
        data->form.encoding = (uint8_t)best;
        return PC_OK;
    }
    return PC_OK;
}

static pc_status write_chunks(replay *r, hid_t dataset, const char *path, pc_data_entry *data,
                              pc_error *err)
{
    pc_spill *spill = r->spill;
    for (int i = 0; i < data->chunk_count; i++) {
        pc_chunk_values values;
        const int64_t first = i * data->chunk_rows;
        PC_TRY(replay_run(r, first, pc_data_chunk_rows(data, i), &values, err));
        const pc_chunk_range range = pc_chunk_measure(data->form.type, &values);
        PC_TRY(pc_chunk_encode(&spill->codec, &data->form, &values, &range, data->chunk_rows,
                               &spill->stored, err));
        const pc_span stored = {spill->stored.data, spill->stored.bytes};
        if (!pc_h5_write_chunk(dataset, first, stored)) {
            return PC_FAIL(err, PC_IO, "HDF5 cannot write '%s'", path);
        }
        data->chunk[i] = (pc_chunk_entry){.hash = pc_hash64(stored.data, stored.bytes),
                                          .min = range.min,
                                          .max = range.max,
                                          .bytes = (uint32_t)stored.bytes,
                                          .null_count = (uint32_t)range.null_count};
    }
    for (int i = 0; i < data->chunk_count; i++) {
        if (!pc_h5_chunk_address(dataset, i * data->chunk_rows, &data->chunk[i].address)) {
            return PC_FAIL(err, PC_IO, "HDF5 cannot tell where '%s' was written", path);
        }
    }
    return PC_OK;
}

static bool texts_are_equal(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

// Whether two columns of a table may be one dataset, for all that is known without their values.
static bool may_share(const pc_model *model, const pc_data_entry *a, const pc_data_entry *b)
{
    if (a->table != b->table || a->table < 0 || a->column < 0 || b->column < 0) return false;
    const pc_model_column *x = &model->table[a->table].column[a->column];
    const pc_model_column *y = &model->table[b->table].column[b->column];
    return x->type == y->type && x->scale == y->scale && x->dict == y->dict &&
           texts_are_equal(x->unit, y->unit) && a->form.width == b->form.width &&
           a->row_count == b->row_count && a->null_count == b->null_count && a->min == b->min &&
           a->max == b->max;
}

// Encodes the column as the earlier one was and compares the chunks byte by byte.
static pc_status compare_chunks(replay *r, hid_t dataset, const pc_data_entry *earlier,
                                bool *is_equal, pc_error *err)
{
    pc_spill *spill = r->spill;
    *is_equal = true;
    for (int i = 0; i < earlier->chunk_count && *is_equal; i++) {
        const pc_chunk_entry *chunk = &earlier->chunk[i];
        pc_chunk_values values;
        const int64_t first = i * earlier->chunk_rows;
        PC_TRY(replay_run(r, first, pc_data_chunk_rows(earlier, i), &values, err));
        const pc_chunk_range range = pc_chunk_measure(earlier->form.type, &values);
        *is_equal = range.min == chunk->min && range.max == chunk->max &&
                    range.null_count == chunk->null_count;
        if (!*is_equal) return PC_OK;
        PC_TRY(pc_chunk_encode(&spill->codec, &earlier->form, &values, &range, earlier->chunk_rows,
                               &spill->stored, err));
        PC_TRY(pc_buffer_reserve(&r->earlier, chunk->bytes, err));
        *is_equal = spill->stored.bytes == chunk->bytes &&
                    pc_h5_read_chunk(dataset, first, r->earlier.data) &&
                    memcmp(spill->stored.data, r->earlier.data, chunk->bytes) == 0;
    }
    return PC_OK;
}

// A column with the values of an earlier one of its table becomes a second name of its dataset.
static pc_status share_dataset(replay *r, hid_t file, const char *path, const pc_earlier *earlier,
                               pc_data_entry *data, bool *is_shared, pc_error *err)
{
    *is_shared = false;
    for (int i = 0; i < earlier->count && !*is_shared; i++) {
        const pc_data_entry *other = &earlier->data[i];
        char name[512], other_path[520];
        if (!may_share(earlier->model, data, other)) continue;
        pc_data_name(earlier->model, other->table, other->column, name, sizeof name);
        snprintf(other_path, sizeof other_path, "/%s", name);
        const hid_t dataset = H5Dopen2(file, other_path, H5P_DEFAULT);
        if (dataset < 0) return PC_FAIL(err, PC_IO, "HDF5 cannot open '%s'", other_path);
        const pc_status status = compare_chunks(r, dataset, other, is_shared, err);
        H5Dclose(dataset);
        PC_TRY(status);
        if (!*is_shared) continue;
        if (H5Lcreate_hard(file, other_path, file, path, H5P_DEFAULT, H5P_DEFAULT) < 0) {
            return PC_FAIL(err, PC_IO, "HDF5 cannot link '%s'", path);
        }
        data->form = other->form;
        data->chunk = other->chunk;
    }
    return PC_OK;
}

static pc_status write_dataset(replay *r, hid_t file, const char *path, pc_arena *arena,
                               pc_data_entry *data, pc_error *err)
{
    data->chunk = pc_arena_array(arena, (size_t)data->chunk_count, sizeof *data->chunk, err);
    if (data->chunk == NULL) return PC_NO_MEMORY;
    PC_TRY(choose_encoding(r, r->grow->is_often, data, err));
    const hid_t dataset = pc_h5_dataset(file, path, &data->form, data->row_count, data->chunk_rows);
    if (dataset < 0) return PC_FAIL(err, PC_IO, "HDF5 cannot make '%s'", path);
    pc_status status = write_chunks(r, dataset, path, data, err);
    if (H5Dclose(dataset) < 0 && status == PC_OK) {
        status = PC_FAIL(err, PC_IO, "HDF5 cannot close '%s'", path);
    }
    return status;
}

pc_status pc_growing_end(pc_growing *grow, pc_spill *spill, hid_t file, const char *path,
                         const pc_earlier *earlier, pc_arena *arena, pc_data_entry *data,
                         bool *is_shared, pc_error *err)
{
    *is_shared = false;
    *data = (pc_data_entry){.table = grow->table, .column = grow->column};
    pc_chunk_range range;
    if (grow->open_rows > 0) PC_TRY(pc_growing_measure(grow, &range, err));
    if (grow->null_count == grow->row_count) return PC_OK;
    data->form =
        (pc_chunk_form){.type = grow->type, .width = grow->width, .has_null = grow->null_count > 0};
    if (pc_form_is_integer(grow->type)) {
        data->form.width = (uint8_t)pc_form_width(grow->type, grow->min, grow->max);
    }
    data->row_count = grow->row_count;
    data->chunk_rows = even_chunk_rows(grow->row_count);
    data->chunk_count = (int)((grow->row_count - 1) / data->chunk_rows + 1);
    data->null_count = grow->null_count;
    data->min = grow->min;
    data->max = grow->max;
    pc_budget *budget = grow->data.budget;
    replay r = {.grow = grow,
                .spill = spill,
                .piece_count = (int64_t)(grow->piece.bytes / sizeof(pc_piece)),
                .piece = -1,
                .piece_data = {.budget = budget},
                .piece_valid = {.budget = budget},
                .run_data = {.budget = budget},
                .run_valid = {.budget = budget},
                .earlier = {.budget = budget}};
    pc_status status = share_dataset(&r, file, path, earlier, data, is_shared, err);
    if (status == PC_OK && !*is_shared) status = write_dataset(&r, file, path, arena, data, err);
    release_replay(&r);
    return status;
}
