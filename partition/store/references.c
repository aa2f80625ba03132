/** references.h5: the tables that are not partitioned, columns as in parts, written and read whole
 *  by libhdf5. Columns of nulls only are left out. */
#include <stdio.h>
#include <string.h>
#include "h5.h"
#include "inside.h"

enum { REFERENCE_PATH_BYTES = 512 };

// Values in their stored width with nulls as the null of the form, into `out`.
static pc_status store_values(const pc_column *column, const pc_chunk_form *form, int64_t row_count,
                              pc_buffer *out, pc_error *err)
{
    const size_t width = form->width;
    out->bytes = 0;
    PC_TRY(pc_buffer_reserve(out, (size_t)row_count * width, err));
    const pc_chunk_values values = {.data = column->data, .width = column->width};
    const bool is_integer = pc_form_is_integer(form->type);
    const int64_t null = is_integer               ? pc_form_null(form->type, form->width)
                         : form->type == PC_FLOAT ? (int64_t)pc_form_null_float()
                                                  : 0;
    for (int64_t row = 0; row < row_count; row++) {
        char *to = out->data + (size_t)row * width;
        if (!pc_is_valid(column->valid, row)) {
            memset(to, 0, width);
            memcpy(to, &null, width < 8 ? width : 8);
        } else if (is_integer) {
            const int64_t value = pc_values_int(&values, pc_form_is_unsigned(form->type), row);
            memcpy(to, &value, width);
        } else {
            memcpy(to, (const char *)column->data + (size_t)row * width, width);
        }
    }
    return PC_OK;
}

static pc_status write_column(hid_t file, const pc_model_table *table, int c,
                              const pc_column *column, int64_t row_count, pc_buffer *scratch,
                              pc_error *err)
{
    const pc_model_column *about = &table->column[c];
    if (column->data == NULL) return PC_OK;
    const pc_chunk_values values = {.data = column->data,
                                    .width = column->width,
                                    .valid = column->valid,
                                    .row_count = row_count};
    const pc_chunk_range range = pc_chunk_measure(about->type, &values);
    if (range.null_count == row_count) return PC_OK;
    pc_chunk_form form = {.type = about->type, .width = column->width};
    if (pc_form_is_integer(about->type)) {
        form.width = (uint8_t)pc_form_width(about->type, range.min, range.max);
    }
    char path[REFERENCE_PATH_BYTES];
    snprintf(path, sizeof path, "/%s/%s", table->name, about->name);
    if (form.width == 0) return PC_FAIL(err, PC_BAD_INPUT, "'%s': a value is too large", path);
    PC_TRY(store_values(column, &form, row_count, scratch, err));
    const pc_h5_values stored = {
        .path = path, .form = form, .row_count = row_count, .data = scratch->data};
    if (pc_h5_write_values(file, &stored)) return PC_OK;
    return PC_FAIL(err, PC_IO, "HDF5 cannot write '%s'", path);
}

static pc_status write_table(hid_t file, const pc_model *model, const pc_reference_rows *rows,
                             pc_buffer *scratch, pc_error *err)
{
    const pc_model_table *table = &model->table[rows->table];
    char path[REFERENCE_PATH_BYTES];
    snprintf(path, sizeof path, "/%s", table->name);
    bool is_done = pc_h5_group(file, path);
    const hid_t group = is_done ? H5Gopen2(file, path, H5P_DEFAULT) : H5I_INVALID_HID;
    is_done = group >= 0 && pc_h5_attribute_int(group, "rows", rows->row_count);
    if (group >= 0) H5Gclose(group);
    if (!is_done) return PC_FAIL(err, PC_IO, "HDF5 cannot write '%s'", path);
    for (int c = 0; rows->row_count > 0 && c < table->column_count; c++) {
        PC_TRY(write_column(file, table, c, &rows->column[c], rows->row_count, scratch, err));
    }
    return PC_OK;
}

pc_status pc_references_write(const char *path, const pc_store_contents *contents,
                              pc_budget *budget, pc_error *err)
{
    const pc_model *model = contents->manifest->model;
    pc_buffer scratch = {.budget = budget};
    const hid_t file = pc_h5_create(path);
    if (file < 0) return PC_FAIL(err, PC_IO, "cannot write '%s'", path);
    pc_status status = PC_OK;
    for (int table = 0; table < model->table_count && status == PC_OK; table++) {
        for (int i = 0; i < contents->reference_count && status == PC_OK; i++) {
            if (contents->reference[i].table != table) continue;
            status = write_table(file, model, &contents->reference[i], &scratch, err);
        }
    }
    if (!pc_h5_close(file) && status == PC_OK) {
        status = PC_FAIL(err, PC_IO, "cannot write '%s'", path);
    }
    pc_buffer_release(&scratch);
    return status;
}

// Splits stored values into values and bitmap.
static pc_status split_nulls(pc_store *store, pc_room *room, pc_column *column, char *data,
                             int64_t row_count, pc_error *err)
{
    const size_t width = column->width;
    uint64_t *valid =
        pc_room_take(room, &store->arena, (size_t)(row_count + 63) / 64 + 1, sizeof *valid, err);
    if (valid == NULL) return PC_NO_MEMORY;
    int64_t null = 0, null_count = 0;
    if (pc_form_is_integer(column->type)) null = pc_form_null(column->type, column->width);
    if (column->type == PC_FLOAT) null = (int64_t)pc_form_null_float();
    char null_bytes[PC_ID_MAX_BYTES] = {0};
    memcpy(null_bytes, &null, sizeof null);
    for (int64_t row = 0; row < row_count; row++) {
        char *value = data + (size_t)row * width;
        const bool is_null = memcmp(value, null_bytes, width) == 0;
        valid[row / 64] |= (uint64_t)!is_null << (row % 64);
        null_count += is_null;
        if (is_null) memset(value, 0, width);
    }
    column->data = data;
    column->valid = null_count > 0 ? valid : NULL;
    return PC_OK;
}

static pc_status check_codes(const pc_column *column, int64_t row_count, pc_error *err)
{
    for (int64_t row = 0; column->dict != NULL && row < row_count; row++) {
        if (pc_column_is_null(column, row)) continue;
        if ((uint64_t)pc_column_int(column, row) >= column->dict->count) {
            return PC_FAIL(err, PC_BAD_INPUT, "a code is not in its dictionary");
        }
    }
    return PC_OK;
}

static pc_status read_column(pc_store *store, hid_t file, const char *path,
                             const pc_model_column *about, int64_t row_count, pc_room *room,
                             pc_column *out, pc_error *err)
{
    *out = (pc_column){.type = about->type,
                       .scale = about->scale,
                       .width = about->type == PC_ID ? about->width : 1,
                       .dict = about->dict >= 0 ? &store->dict[about->dict] : NULL};
    if (about->type == PC_FLOAT) out->width = 8;
    if (row_count == 0 || !pc_h5_exists(file, path)) return PC_OK;
    int64_t rows, columns;
    int width;
    if (!pc_h5_shape(file, path, &rows, &columns, &width) || rows != row_count || columns != 1 ||
        width < 1 || width > PC_ID_MAX_BYTES || (about->type == PC_ID && width != about->width) ||
        (about->type != PC_ID && width != 1 && width != 2 && width != 4 && width != 8) ||
        (about->dict >= 0 && width == 8)) {
        return PC_FAIL(err, PC_BAD_INPUT, "it has another form than the model says");
    }
    out->width = (uint8_t)width;
    char *data = pc_room_take(room, &store->arena, (size_t)rows, (size_t)width, err);
    if (data == NULL) return PC_NO_MEMORY;
    if (!pc_h5_read_plain(file, path, about->type, width, data)) {
        return PC_FAIL(err, PC_BAD_INPUT, "it cannot be read");
    }
    PC_TRY(split_nulls(store, room, out, data, rows, err));
    return check_codes(out, rows, err);
}

// Each column of a table that the file has; its number of rows is the manifest's.
static pc_status read_table(pc_store *store, hid_t file, int t, pc_room *room, pc_error *err)
{
    const pc_model_table *table = &store->model->table[t];
    char path[REFERENCE_PATH_BYTES];
    int64_t rows = 0;
    snprintf(path, sizeof path, "/%s", table->name);
    if (pc_h5_exists(file, path)) {
        const hid_t attribute = H5Aopen_by_name(file, path, "rows", H5P_DEFAULT, H5P_DEFAULT);
        const bool is_read = attribute >= 0 && H5Aread(attribute, H5T_NATIVE_INT64, &rows) >= 0;
        if (attribute >= 0) H5Aclose(attribute);
        if (!is_read || rows < 0) {
            return PC_FAIL(err, PC_BAD_INPUT, "'%s' has no number of rows", path);
        }
    }
    if (rows != store->reference_rows[t]) {
        return PC_FAIL(err, PC_BAD_INPUT, "'%s' has not as many rows as store.json says", path);
    }
    for (int c = 0; c < table->column_count; c++) {
        snprintf(path, sizeof path, "/%s/%s", table->name, table->column[c].name);
        const pc_status status = read_column(store, file, path, &table->column[c], rows, room,
                                             &store->reference[t][c], err);
        if (status != PC_OK) {
            pc_error_prefix(err, "'%s'", path);
            return status;
        }
    }
    return PC_OK;
}

pc_status pc_references_open(pc_store *store, pc_error *err)
{
    const pc_model *model = store->model;
    const size_t tables = (size_t)model->table_count;
    store->reference = pc_arena_array(&store->arena, tables, sizeof *store->reference, err);
    store->reference_is_read = pc_arena_array(&store->arena, tables, sizeof(bool), err);
    store->reference_rows =
        pc_arena_array(&store->arena, tables, sizeof *store->reference_rows, err);
    if (store->reference == NULL || store->reference_is_read == NULL ||
        store->reference_rows == NULL) {
        return PC_NO_MEMORY;
    }
    const pc_json *all = pc_json_get(store->manifest, "tables");
    for (size_t t = 0; t < tables; t++) {
        const pc_model_table *table = &model->table[t];
        if (table->path != PC_PATH_NONE) continue;
        store->reference[t] = pc_arena_array(&store->arena, (size_t)table->column_count + 1,
                                             sizeof *store->reference[t], err);
        if (store->reference[t] == NULL) return PC_NO_MEMORY;
        const pc_json *counts = all == NULL ? NULL : pc_json_get(all, table->name);
        const pc_json *rows = counts == NULL ? NULL : pc_json_get(counts, "rows_stored");
        if (rows == NULL) continue; // not delivered
        if (!pc_json_int(rows, &store->reference_rows[t]) || store->reference_rows[t] < 0) {
            return PC_FAIL(err, PC_BAD_INPUT, "store.json has no number of rows of '%s'",
                           table->name);
        }
    }
    return PC_OK;
}

// Is there something of it to be read: all that was not (-1), or that table.
static bool is_asked(const pc_store *store, int t, int table)
{
    return store->reference[t] != NULL && !store->reference_is_read[t] && (table < 0 || t == table);
}

// The file, the first time that something is to be read of it, its digest compared once.
static pc_status open_file(pc_store *store, char *path, hid_t *file, pc_error *err)
{
    if (*file >= 0) return PC_OK;
    const pc_digest *digest = store->references_are_right ? NULL : &store->references_digest;
    PC_TRY(pc_store_find_file(store, "references", digest, path, err));
    store->references_are_right = true;
    PC_TRY(pc_budget_take(store->budget, PC_H5_BYTES, err)); // libhdf5's own memory
    *file = pc_h5_open(path);
    if (*file >= 0) return PC_OK;
    pc_budget_give(store->budget, PC_H5_BYTES);
    return PC_FAIL(err, PC_BAD_INPUT, "'%s' is not an HDF5 file", path);
}

// From the file, or as another rank of the node has read it.
static pc_status get_table(pc_store *store, int t, char *path, hid_t *file, pc_error *err)
{
    pc_room room;
    PC_TRY(pc_references_shared_ask(store, t, &room, err));
    if (store->reference_is_read[t]) return PC_OK;
    pc_status status = open_file(store, path, file, err);
    if (status == PC_OK) {
        status = read_table(store, *file, t, &room, err);
        if (status == PC_BAD_INPUT) pc_error_prefix(err, "'%s'", path);
    }
    if (room.at != NULL) return pc_references_shared_tell(store, t, &room, status, err);
    store->reference_is_read[t] = status == PC_OK;
    return status;
}

pc_status pc_references_read(pc_store *store, int table, pc_error *err)
{
    char path[PC_PATH_BYTES];
    hid_t file = H5I_INVALID_HID;
    pc_status status = PC_OK;
    for (int t = 0; t < store->model->table_count && status == PC_OK; t++) {
        if (is_asked(store, t, table)) status = get_table(store, t, path, &file, err);
    }
    if (file >= 0) {
        (void)pc_h5_close(file);
        pc_budget_give(store->budget, PC_H5_BYTES);
    }
    return status;
}
