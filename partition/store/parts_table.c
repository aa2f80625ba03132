/** parts.h5: one row per part, each field a dataset; which slots are hidden. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include "cursor.h"
#include "h5.h"
#include "inside.h"

/** A field of pc_part_info that is a dataset of parts.h5. */
typedef struct field {
    const char *path;
    size_t at;
    pc_type type;
    int width;
    int64_t columns; // 0: one value
} field;

#define FIELD(path, name, type, width, columns)                                                    \
    {                                                                                              \
        path, offsetof(pc_part_info, name), type, width, columns                                   \
    }
static const field FIELDS[] = {
    FIELD("/shard", shard, PC_NONE, 4, 0),
    FIELD("/number", number, PC_NONE, 4, 0),
    FIELD("/delivery", delivery, PC_NONE, 4, 0),
    FIELD("/generation", generation, PC_NONE, 4, 0),
    FIELD("/slots", slot_count, PC_INT, 8, 0),
    FIELD("/persons", person_count, PC_INT, 8, 0),
    FIELD("/bytes", bytes, PC_INT, 8, 0),
    FIELD("/directory_offset", directory_offset, PC_INT, 8, 0),
    FIELD("/directory_bytes", directory_bytes, PC_INT, 8, 0),
    FIELD("/directory_digest", directory_digest, PC_NONE, 1, PC_DIGEST_BYTES),
    FIELD("/file_digest", file_digest, PC_NONE, 1, PC_DIGEST_BYTES),
    FIELD("/first_day", first_day, PC_INT, 4, 0),
    FIELD("/last_day", last_day, PC_INT, 4, 0),
};
enum { FIELD_COUNT = sizeof FIELDS / sizeof FIELDS[0] };

static size_t field_bytes(const field *f)
{
    return (size_t)f->width * (size_t)(f->columns > 0 ? f->columns : 1);
}

pc_status pc_parts_subtract_hidden(const pc_part_file *part, const uint32_t *hidden, int64_t count,
                                   pc_budget *budget, int64_t *rows, pc_error *err)
{
    pc_codec codec = {
        .budget = budget, .scratch = {.budget = budget}, .scratch2 = {.budget = budget}};
    pc_buffer stored = {.budget = budget};
    pc_read_counts counts = {0};
    const pc_cursor_tools tools = {
        .part = part, .codec = &codec, .stored = &stored, .counts = &counts};
    pc_status status = PC_OK;
    for (int t = 0; t < part->model->table_count && status == PC_OK; t++) {
        const pc_data_entry *data = pc_directory_find(&part->directory, t, PC_DATA_SLOT_ROWS);
        if (data == NULL || count == 0) continue;
        pc_cursor cursor;
        pc_column view;
        pc_cursor_begin(&cursor, data, 0, budget);
        status = pc_cursor_view(&cursor, &tools, 0, data->row_count, &view, err);
        for (int64_t i = 0; i < count && status == PC_OK; i++) {
            if (hidden[i] < data->row_count) rows[t] -= (int64_t)pc_view_number(&view, hidden[i]);
        }
        pc_cursor_release(&cursor);
    }
    pc_codec_release(&codec);
    pc_buffer_release(&stored);
    return status;
}

// Rows of a part that are not hidden, [table_count], from its own directory.
static pc_status count_rows(const char *store, const pc_store_contents *contents, int64_t index,
                            pc_budget *budget, int64_t *rows, pc_error *err)
{
    const pc_part_info *info = &contents->part[index];
    const pc_model *model = contents->manifest->model;
    pc_arena arena = {.budget = budget};
    char path[PC_PATH_BYTES];
    pc_part_file *part = pc_arena_take(&arena, sizeof *part, err);
    if (part == NULL) return PC_NO_MEMORY;
    part->fd = -1;
    pc_status status = pc_part_path(store, info->shard, info->number, path, err);
    if (status == PC_OK) status = pc_part_file_open(path, model, info, &arena, part, err);
    if (status == PC_OK) {
        memcpy(rows, part->directory.table_rows, (size_t)model->table_count * sizeof *rows);
    }
    if (status == PC_OK && contents->hidden_offset != NULL) {
        const int64_t from = contents->hidden_offset[index];
        status =
            pc_parts_subtract_hidden(part, contents->hidden + from,
                                     contents->hidden_offset[index + 1] - from, budget, rows, err);
    }
    pc_part_file_close(part);
    pc_arena_reset(&arena);
    return status;
}

// Order of parts in the table: shard, number. Insertion into the sorted, which they mostly are.
static void sort_parts(const pc_part_info *part, int64_t count, int64_t *order)
{
    for (int64_t i = 0; i < count; i++) {
        const pc_part_info *new = &part[i];
        int64_t from = 0, to = i;
        while (from < to) {
            const int64_t middle = from + (to - from) / 2;
            const pc_part_info *old = &part[order[middle]];
            if (old->shard < new->shard ||
                (old->shard == new->shard && old->number < new->number)) {
                from = middle + 1;
            } else {
                to = middle;
            }
        }
        memmove(order + from + 1, order + from, (size_t)(i - from) * sizeof *order);
        order[from] = i;
    }
}

/** What is written, in order. */
typedef struct table_rows {
    int64_t *order;         // [part_count]
    int64_t *rows;          // [part_count][table_count]
    int64_t *hidden_offset; // [part_count + 1]
    uint32_t *hidden;
    char *column; // [part_count] values of a field
} table_rows;

static pc_status collect(const char *store, const pc_store_contents *contents, pc_arena *arena,
                         table_rows *out, pc_error *err)
{
    const size_t parts = (size_t)contents->part_count;
    const size_t tables = (size_t)contents->manifest->model->table_count;
    const int64_t *hidden_offset = contents->hidden_offset;
    const size_t hidden = hidden_offset == NULL ? 0 : (size_t)hidden_offset[parts];
    out->order = pc_arena_array(arena, parts + 1, sizeof *out->order, err);
    out->rows = pc_arena_array(arena, parts * tables + 1, sizeof *out->rows, err);
    out->hidden_offset = pc_arena_array(arena, parts + 1, sizeof *out->hidden_offset, err);
    out->hidden = pc_arena_array(arena, hidden + 1, sizeof *out->hidden, err);
    out->column = pc_arena_array(arena, parts + 1, PC_DIGEST_BYTES, err);
    if (out->order == NULL || out->rows == NULL || out->hidden_offset == NULL ||
        out->hidden == NULL || out->column == NULL) {
        return PC_NO_MEMORY;
    }
    sort_parts(contents->part, contents->part_count, out->order);
    int64_t at = 0;
    for (size_t i = 0; i < parts; i++) {
        const int64_t from = out->order[i];
        PC_TRY(count_rows(store, contents, from, arena->budget, out->rows + i * tables, err));
        for (int64_t h = hidden == 0 ? 0 : hidden_offset[from];
             hidden > 0 && h < hidden_offset[from + 1]; h++) {
            out->hidden[at++] = contents->hidden[h];
        }
        out->hidden_offset[i + 1] = at;
    }
    return PC_OK;
}

static bool write_fields(hid_t file, const pc_store_contents *contents, const table_rows *rows)
{
    const int64_t count = contents->part_count;
    for (int f = 0; f < FIELD_COUNT; f++) {
        const size_t bytes = field_bytes(&FIELDS[f]);
        for (int64_t i = 0; i < count; i++) {
            const char *from = (const char *)&contents->part[rows->order[i]] + FIELDS[f].at;
            memcpy(rows->column + (size_t)i * bytes, from, bytes);
        }
        const pc_h5_plain plain = {.path = FIELDS[f].path,
                                   .type = FIELDS[f].type,
                                   .width = FIELDS[f].width,
                                   .row_count = count,
                                   .column_count = FIELDS[f].columns,
                                   .data = rows->column};
        if (!pc_h5_write_plain(file, &plain)) return false;
    }
    const pc_h5_plain others[] = {
        {.path = "/table_rows",
         .type = PC_INT,
         .width = 8,
         .row_count = count,
         .column_count = contents->manifest->model->table_count,
         .data = rows->rows},
        {.path = "/hidden_offset",
         .type = PC_INT,
         .width = 8,
         .row_count = count + 1,
         .data = rows->hidden_offset},
        {.path = "/hidden",
         .type = PC_NONE,
         .width = 4,
         .row_count = rows->hidden_offset[count],
         .data = rows->hidden},
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (!pc_h5_write_plain(file, &others[i])) return false;
    }
    return true;
}

pc_status pc_parts_write(const char *store, const char *path, const pc_store_contents *contents,
                         pc_budget *budget, pc_error *err)
{
    pc_arena arena = {.budget = budget};
    table_rows rows;
    pc_status status = collect(store, contents, &arena, &rows, err);
    if (status == PC_OK) {
        const hid_t file = pc_h5_create(path);
        bool is_done = file >= 0 && write_fields(file, contents, &rows);
        if (file >= 0) is_done = pc_h5_close(file) && is_done;
        if (!is_done) status = PC_FAIL(err, PC_IO, "cannot write '%s'", path);
    }
    pc_arena_reset(&arena);
    return status;
}

static pc_status read_field(hid_t file, const char *path, pc_type type, int width, int64_t rows,
                            int64_t columns, void *out, pc_error *err)
{
    int64_t stored_rows, stored_columns;
    int stored_width;
    if (!pc_h5_shape(file, path, &stored_rows, &stored_columns, &stored_width) ||
        stored_rows != rows || stored_columns != columns || stored_width != width ||
        (rows > 0 && !pc_h5_read_plain(file, path, type, width, out))) {
        return PC_FAIL(err, PC_BAD_INPUT, "'%s' is not there or has another form", path);
    }
    return PC_OK;
}

static pc_status read_infos(pc_store *store, hid_t file, pc_error *err)
{
    int64_t columns;
    int width;
    if (!pc_h5_shape(file, "/shard", &store->part_count, &columns, &width) ||
        store->part_count > (int64_t)1 << 32) {
        return PC_FAIL(err, PC_BAD_INPUT, "it does not list parts");
    }
    const size_t parts = (size_t)store->part_count;
    store->part = pc_arena_array(&store->arena, parts + 1, sizeof *store->part, err);
    pc_arena scratch = {.budget = store->budget};
    char *values = pc_arena_array(&scratch, parts + 1, PC_DIGEST_BYTES, err);
    pc_status status = store->part == NULL || values == NULL ? PC_NO_MEMORY : PC_OK;
    for (int f = 0; f < FIELD_COUNT && status == PC_OK; f++) {
        const size_t bytes = field_bytes(&FIELDS[f]);
        status =
            read_field(file, FIELDS[f].path, FIELDS[f].type, FIELDS[f].width, store->part_count,
                       FIELDS[f].columns > 0 ? FIELDS[f].columns : 1, values, err);
        for (size_t i = 0; i < parts && status == PC_OK; i++) {
            memcpy((char *)&store->part[i] + FIELDS[f].at, values + i * bytes, bytes);
        }
    }
    pc_arena_reset(&scratch);
    return status;
}

static pc_status read_rest(pc_store *store, hid_t file, pc_error *err)
{
    const size_t parts = (size_t)store->part_count;
    const size_t tables = (size_t)store->model->table_count;
    int64_t hidden_count, columns;
    int width;
    store->part_rows =
        pc_arena_array(&store->arena, parts * tables + 1, sizeof *store->part_rows, err);
    store->hidden_offset =
        pc_arena_array(&store->arena, parts + 1, sizeof *store->hidden_offset, err);
    if (store->part_rows == NULL || store->hidden_offset == NULL) return PC_NO_MEMORY;
    PC_TRY(read_field(file, "/table_rows", PC_INT, 8, store->part_count, (int64_t)tables,
                      store->part_rows, err));
    PC_TRY(read_field(file, "/hidden_offset", PC_INT, 8, store->part_count + 1, 1,
                      store->hidden_offset, err));
    if (!pc_h5_shape(file, "/hidden", &hidden_count, &columns, &width) ||
        hidden_count > (int64_t)1 << 40) {
        return PC_FAIL(err, PC_BAD_INPUT, "'/hidden' is not there");
    }
    store->hidden =
        pc_arena_array(&store->arena, (size_t)hidden_count + 1, sizeof *store->hidden, err);
    if (store->hidden == NULL) return PC_NO_MEMORY;
    PC_TRY(read_field(file, "/hidden", PC_NONE, 4, hidden_count, 1, store->hidden, err));
    if (store->hidden_offset[0] != 0 || store->hidden_offset[parts] != hidden_count) {
        return PC_FAIL(err, PC_BAD_INPUT, "'/hidden_offset' is wrong");
    }
    return PC_OK;
}

// Parts ascend by shard and number, hidden slots within a part; generations exist.
static pc_status check_parts(const pc_store *store, pc_error *err)
{
    for (int64_t i = 0; i < store->part_count; i++) {
        const pc_part_info *part = &store->part[i];
        const bool is_ordered = i == 0 || part[-1].shard < part->shard ||
                                (part[-1].shard == part->shard && part[-1].number < part->number);
        if (!is_ordered || part->shard >= (uint32_t)store->shard_count ||
            part->generation >= store->generation_count || part->slot_count < 0 ||
            part->slot_count > INT32_MAX || part->bytes < 0) {
            return PC_FAIL(err, PC_BAD_INPUT, "part %lld makes no sense", (long long)i);
        }
        const int64_t from = store->hidden_offset[i], to = store->hidden_offset[i + 1];
        bool is_right = from >= 0 && from <= to && to <= store->hidden_offset[store->part_count];
        for (int64_t h = from; is_right && h < to; h++) {
            is_right = store->hidden[h] < part->slot_count &&
                       (h == from || store->hidden[h - 1] < store->hidden[h]);
        }
        if (!is_right) {
            return PC_FAIL(err, PC_BAD_INPUT, "the hidden slots of part %lld make no sense",
                           (long long)i);
        }
    }
    return PC_OK;
}

static pc_status index_shards(pc_store *store, pc_error *err)
{
    const size_t shards = (size_t)store->shard_count;
    store->shard_part = pc_arena_array(&store->arena, shards + 1, sizeof(int64_t), err);
    store->shard_slot = pc_arena_array(&store->arena, shards + 1, sizeof(int64_t), err);
    if (store->shard_part == NULL || store->shard_slot == NULL) return PC_NO_MEMORY;
    int64_t part = 0, slot = 0;
    for (size_t shard = 0; shard < shards; shard++) {
        store->shard_part[shard] = part;
        store->shard_slot[shard] = slot;
        for (; part < store->part_count && store->part[part].shard == shard; part++) {
            slot += store->part[part].slot_count;
        }
    }
    store->shard_part[shards] = part;
    store->shard_slot[shards] = slot;
    return PC_OK;
}

pc_status pc_parts_read(pc_store *store, const char *path, pc_error *err)
{
    const hid_t file = pc_h5_open(path);
    if (file < 0) return PC_FAIL(err, PC_BAD_INPUT, "'%s' is not an HDF5 file", path);
    pc_status status = read_infos(store, file, err);
    if (status == PC_OK) status = read_rest(store, file, err);
    if (status == PC_OK) status = check_parts(store, err);
    if (status == PC_BAD_INPUT) pc_error_prefix(err, "'%s'", path);
    (void)pc_h5_close(file);
    return status == PC_OK ? index_shards(store, err) : status;
}
