/** The bytes of a chunk directory. All numbers are little-endian. */
#include "directory.h"
#include <stdio.h>
#include <string.h>
#include "parcours/slot.h"

enum { DIRECTORY_VERSION = 1 };
static const char MAGIC[8] = {'P', 'A', 'R', 'C', 'D', 'I', 'R', '\n'};

static const char *table_name_of(const pc_model *model, int table)
{
    return table < 0 ? "slots" : model->table[table].name;
}

static const char *column_name_of(const pc_model *model, int table, int column)
{
    switch (column) {
        case PC_DATA_SLOT_KEY:
            return "key";
        case PC_DATA_SLOT_ROWS:
            return "slot_rows";
        case PC_DATA_PARENT:
            return "parent";
        case PC_DATA_PARENT_PART:
            return "parent_part";
        case PC_DATA_FILE:
            return "file";
        default:
            return model->table[table].column[column].name;
    }
}

void pc_data_name(const pc_model *model, int table, int column, char *out, size_t out_bytes)
{
    snprintf(out, out_bytes, "%s/%s", table_name_of(model, table),
             column_name_of(model, table, column));
}

static int order(int table, int column, const pc_data_entry *data)
{
    if (table != data->table) return table < data->table ? -1 : 1;
    return column < data->column ? -1 : column > data->column;
}

const pc_data_entry *pc_directory_find(const pc_directory *directory, int table, int column)
{
    int from = 0, to = directory->data_count;
    while (from < to) {
        const int middle = from + (to - from) / 2;
        const int side = order(table, column, &directory->data[middle]);
        if (side == 0) return &directory->data[middle];
        if (side < 0) {
            to = middle;
        } else {
            from = middle + 1;
        }
    }
    return NULL;
}

static pc_status put(pc_buffer *out, uint64_t value, size_t bytes, pc_error *err)
{
    return pc_buffer_append(out, &value, bytes, err);
}

static pc_status put_name(pc_buffer *out, const char *name, pc_error *err)
{
    const size_t bytes = strlen(name);
    PC_TRY(put(out, bytes, 2, err));
    return pc_buffer_append(out, name, bytes, err);
}

static pc_status write_data(const pc_data_entry *data, const pc_model *model, pc_buffer *out,
                            pc_error *err)
{
    PC_TRY(put(out, (uint64_t)data->table, 4, err));
    PC_TRY(put(out, (uint64_t)data->column, 4, err));
    char name[512];
    pc_data_name(model, data->table, data->column, name, sizeof name);
    PC_TRY(put_name(out, name, err));
    PC_TRY(put(out, data->form.type, 1, err));
    PC_TRY(put(out, data->form.width, 1, err));
    PC_TRY(put(out, data->form.encoding, 1, err));
    PC_TRY(put(out, data->form.has_null ? 1 : 0, 1, err));
    PC_TRY(put(out, (uint64_t)data->row_count, 8, err));
    PC_TRY(put(out, (uint64_t)data->chunk_rows, 4, err));
    PC_TRY(put(out, (uint64_t)data->chunk_count, 4, err));
    for (int i = 0; i < data->chunk_count; i++) {
        const pc_chunk_entry *chunk = &data->chunk[i];
        PC_TRY(put(out, chunk->address, 8, err));
        PC_TRY(put(out, chunk->hash, 8, err));
        PC_TRY(put(out, (uint64_t)chunk->min, 8, err));
        PC_TRY(put(out, (uint64_t)chunk->max, 8, err));
        PC_TRY(put(out, chunk->bytes, 4, err));
        PC_TRY(put(out, chunk->null_count, 4, err));
    }
    return PC_OK;
}

pc_status pc_directory_write(const pc_directory *directory, const pc_model *model, pc_buffer *out,
                             pc_error *err)
{
    PC_TRY(pc_buffer_append(out, MAGIC, sizeof MAGIC, err));
    PC_TRY(put(out, DIRECTORY_VERSION, 4, err));
    PC_TRY(put(out, directory->shard, 4, err));
    PC_TRY(put(out, directory->number, 4, err));
    PC_TRY(put(out, directory->delivery, 4, err));
    PC_TRY(put(out, directory->generation, 4, err));
    PC_TRY(put(out, (uint64_t)directory->slot_count, 8, err));
    PC_TRY(put(out, (uint64_t)directory->person_count, 8, err));
    PC_TRY(put(out, (uint64_t)directory->first_day, 4, err));
    PC_TRY(put(out, (uint64_t)directory->last_day, 4, err));
    PC_TRY(put(out, (uint64_t)model->table_count, 4, err));
    PC_TRY(put(out, (uint64_t)directory->data_count, 4, err));
    for (int table = 0; table < model->table_count; table++) {
        PC_TRY(put_name(out, model->table[table].name, err));
        PC_TRY(put(out, (uint64_t)directory->table_rows[table], 8, err));
    }
    for (int i = 0; i < directory->data_count; i++) {
        PC_TRY(write_data(&directory->data[i], model, out, err));
    }
    return PC_OK;
}

/** What is left to read. After the end everything reads as 0 and `is_short` is set. */
typedef struct source {
    pc_span bytes;
    size_t at;
    bool is_short;
} source;

static uint64_t take(source *in, size_t bytes)
{
    uint64_t value = 0;
    if (in->bytes.bytes - in->at < bytes) {
        in->is_short = true;
        return 0;
    }
    memcpy(&value, in->bytes.data + in->at, bytes);
    in->at += bytes;
    return value;
}

static pc_span take_name(source *in)
{
    const size_t bytes = (size_t)take(in, 2);
    if (in->is_short || in->bytes.bytes - in->at < bytes) {
        in->is_short = true;
        return (pc_span){"", 0};
    }
    const pc_span name = {in->bytes.data + in->at, bytes};
    in->at += bytes;
    return name;
}

// True if `name` is "<table>/<column>". Directories have hundreds of names: nothing is printed.
static bool is_name_of(pc_span name, const pc_model *model, int table, int column)
{
    const pc_span first = pc_span_of(table_name_of(model, table));
    const pc_span second = pc_span_of(column_name_of(model, table, column));
    return name.bytes == first.bytes + 1 + second.bytes &&
           memcmp(name.data, first.data, first.bytes) == 0 && name.data[first.bytes] == '/' &&
           memcmp(name.data + first.bytes + 1, second.data, second.bytes) == 0;
}

// The type that a dataset must have by the model; false: there is no such dataset.
static bool expected_type(const pc_model *model, int table, int column, pc_type *type)
{
    *type = PC_NONE;
    if (table == -1) {
        *type = PC_ID;
        return column == PC_DATA_SLOT_KEY;
    }
    if (table < 0 || table >= model->table_count) return false;
    if (column < 0) return column <= PC_DATA_SLOT_ROWS && column >= PC_DATA_FILE;
    if (column >= model->table[table].column_count) return false;
    *type = model->table[table].column[column].type;
    return true;
}

static bool form_is_valid(const pc_model *model, int table, int column, const pc_chunk_form *form)
{
    pc_type type;
    if (!expected_type(model, table, column, &type) || type != form->type) return false;
    if (form->encoding == PC_ENCODING_PACKED) {
        if (!pc_form_is_integer(type)) return false;
    } else if (form->encoding != PC_ENCODING_ZSTD && form->encoding != PC_ENCODING_WHOLE) {
        return false;
    }
    const int width = form->width;
    if (table == -1) return width == PC_SLOT_KEY_BYTES;
    if (type == PC_ID) return width == model->table[table].column[column].width && width > 0;
    if (type == PC_FLOAT || type == PC_KEY) return width == 8;
    if (type == PC_BOOL) return width == 1;
    if (type == PC_CODE || type == PC_TEXT) return width == 1 || width == 2 || width == 4;
    return width == 1 || width == 2 || width == 4 || width == 8;
}

// Values of a chunk that say nothing false: within the width, bytes within the file.
static bool chunk_is_valid(const pc_data_entry *data, int index, int64_t file_bytes)
{
    const pc_chunk_entry *chunk = &data->chunk[index];
    const int64_t rows = pc_data_chunk_rows(data, index);
    if (chunk->address > (uint64_t)file_bytes || chunk->bytes <= PC_CHUNK_CHECK ||
        chunk->bytes > (uint64_t)file_bytes - chunk->address) {
        return false;
    }
    if (chunk->null_count > rows || (chunk->null_count > 0 && !data->form.has_null)) return false;
    if (!pc_form_is_integer(data->form.type) || chunk->null_count == rows) {
        return chunk->min == INT64_MIN && chunk->max == INT64_MAX;
    }
    const int width = pc_form_width(data->form.type, chunk->min, chunk->max);
    return chunk->min <= chunk->max && width > 0 && width <= data->form.width;
}

static pc_status fail_data(const pc_model *model, const pc_data_entry *data, const char *what,
                           pc_error *err)
{
    char name[512];
    pc_data_name(model, data->table, data->column, name, sizeof name);
    return PC_FAIL(err, PC_BAD_INPUT, "the chunk directory of '%s' %s", name, what);
}

static pc_status read_data(source *in, const pc_model *model, const pc_directory *directory,
                           int64_t file_bytes, pc_arena *arena, pc_data_entry *data, pc_error *err)
{
    data->table = (int)(int32_t)take(in, 4);
    data->column = (int)(int32_t)take(in, 4);
    pc_type type;
    if (in->is_short || !expected_type(model, data->table, data->column, &type)) {
        return PC_FAIL(err, PC_BAD_INPUT, "the chunk directory lists a dataset without a column");
    }
    const bool name_is_right = is_name_of(take_name(in), model, data->table, data->column);
    data->form.type = (pc_type)take(in, 1);
    data->form.width = (uint8_t)take(in, 1);
    data->form.encoding = (uint8_t)take(in, 1);
    const uint64_t has_null = take(in, 1);
    data->form.has_null = has_null != 0;
    data->row_count = (int64_t)take(in, 8);
    data->chunk_rows = (int64_t)take(in, 4);
    const uint64_t chunk_count = take(in, 4);
    if (in->is_short || !name_is_right || has_null > 1 ||
        !form_is_valid(model, data->table, data->column, &data->form)) {
        return fail_data(model, data, "makes no sense", err);
    }
    const int64_t rows = data->table < 0 || data->column == PC_DATA_SLOT_ROWS
                             ? directory->slot_count
                             : directory->table_rows[data->table];
    if (data->row_count != rows || rows == 0 || data->chunk_rows < 1 ||
        data->chunk_rows > PC_CHUNK_ROWS || (data->chunk_rows % 64 != 0 && chunk_count != 1) ||
        chunk_count != (uint64_t)((rows - 1) / data->chunk_rows + 1) ||
        chunk_count > (in->bytes.bytes - in->at) / 40) {
        return fail_data(model, data, "miscounts its rows", err);
    }
    data->chunk_count = (int)chunk_count;
    data->chunk = pc_arena_array(arena, chunk_count, sizeof *data->chunk, err);
    if (data->chunk == NULL) return PC_NO_MEMORY;
    data->min = INT64_MAX;
    data->max = INT64_MIN;
    for (int i = 0; i < data->chunk_count; i++) {
        pc_chunk_entry *chunk = &data->chunk[i];
        chunk->address = take(in, 8);
        chunk->hash = take(in, 8);
        chunk->min = (int64_t)take(in, 8);
        chunk->max = (int64_t)take(in, 8);
        chunk->bytes = (uint32_t)take(in, 4);
        chunk->null_count = (uint32_t)take(in, 4);
        if (!chunk_is_valid(data, i, file_bytes)) {
            return fail_data(model, data, "has a chunk that makes no sense", err);
        }
        data->null_count += chunk->null_count;
        if (chunk->null_count == pc_data_chunk_rows(data, i)) continue;
        data->min = chunk->min < data->min ? chunk->min : data->min;
        data->max = chunk->max > data->max ? chunk->max : data->max;
    }
    return PC_OK;
}

// A part that was written before the model was extended has the first of its tables, and no rows of
// the others.
static pc_status read_tables(source *in, const pc_model *model, int table_count, pc_arena *arena,
                             pc_directory *out, pc_error *err)
{
    out->table_rows =
        pc_arena_array(arena, (size_t)model->table_count + 1, sizeof *out->table_rows, err);
    if (out->table_rows == NULL) return PC_NO_MEMORY;
    for (int table = 0; table < table_count; table++) {
        if (!pc_span_equal(take_name(in), pc_span_of(model->table[table].name))) {
            return PC_FAIL(err, PC_BAD_INPUT,
                           "the chunk directory has other tables than the model");
        }
        out->table_rows[table] = (int64_t)take(in, 8);
        if (out->table_rows[table] < 0 || out->table_rows[table] > INT64_C(1) << 40) {
            return PC_FAIL(err, PC_BAD_INPUT, "the chunk directory miscounts the rows of '%s'",
                           model->table[table].name);
        }
    }
    return PC_OK;
}

pc_status pc_directory_read(pc_span bytes, const pc_model *model, int64_t file_bytes,
                            pc_arena *arena, pc_directory *out, pc_error *err)
{
    source in = {.bytes = bytes};
    if (bytes.bytes < sizeof MAGIC || memcmp(bytes.data, MAGIC, sizeof MAGIC) != 0) {
        return PC_FAIL(err, PC_BAD_INPUT, "it has no chunk directory");
    }
    in.at = sizeof MAGIC;
    const uint64_t version = take(&in, 4);
    if (version != DIRECTORY_VERSION) {
        return PC_FAIL(err, PC_BAD_INPUT, "its chunk directory is of a version that is not known");
    }
    out->shard = (uint32_t)take(&in, 4);
    out->number = (uint32_t)take(&in, 4);
    out->delivery = (uint32_t)take(&in, 4);
    out->generation = (uint32_t)take(&in, 4);
    out->slot_count = (int64_t)take(&in, 8);
    out->person_count = (int64_t)take(&in, 8);
    out->first_day = (int32_t)take(&in, 4);
    out->last_day = (int32_t)take(&in, 4);
    const uint64_t table_count = take(&in, 4);
    const uint64_t data_count = take(&in, 4);
    if (in.is_short || table_count == 0 || table_count > (uint64_t)model->table_count ||
        data_count > bytes.bytes / 32 || out->slot_count < 0 || out->slot_count > INT32_MAX ||
        out->person_count < 0 || out->person_count > out->slot_count) {
        return PC_FAIL(err, PC_BAD_INPUT, "its chunk directory does not fit the model");
    }
    PC_TRY(read_tables(&in, model, (int)table_count, arena, out, err));
    out->data = pc_arena_array(arena, data_count + 1, sizeof *out->data, err);
    if (out->data == NULL) return PC_NO_MEMORY;
    for (uint64_t i = 0; i < data_count; i++) {
        pc_data_entry *data = &out->data[i];
        PC_TRY(read_data(&in, model, out, file_bytes, arena, data, err));
        if (i > 0 && order(data->table, data->column, data - 1) <= 0) {
            return PC_FAIL(err, PC_BAD_INPUT, "the chunk directory is not in order");
        }
    }
    out->data_count = (int)data_count;
    if (in.is_short || in.at != bytes.bytes) {
        return PC_FAIL(err, PC_BAD_INPUT, "the chunk directory has a wrong length");
    }
    return PC_OK;
}
