/** Writing a part: blocks are taken apart into columns that grow; at the end each column is encoded
 *  in one go, so that its chunks lie one behind the other in the file. */
#include "part_writer.h"
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "part_file.h"

/** One table of the part. */
typedef struct table_writer {
    bool is_stored; // a patient table
    int parent;     // table of its parent rows, or -1
    int64_t rows;
    pc_growing *column; // [model columns]
    pc_growing slot_rows, link, link_part, file;
} table_writer;

struct pc_part_writer {
    pc_budget *budget;
    pc_arena arena; // as long as the writer
    const pc_model *model;
    char path[PC_PATH_BYTES], temporary[PC_PATH_BYTES], spill_path[PC_PATH_BYTES];
    hid_t file;
    bool is_made; // the temporary file exists
    pc_spill spill;
    pc_growing key;
    table_writer *table; // [model->table_count]
    pc_directory directory;
    pc_slot_key last_key;
    pc_buffer numbers, bits; // scratch
};

static void release_columns(pc_part_writer *w)
{
    pc_growing_release(&w->key);
    for (int t = 0; w->table != NULL && t < w->model->table_count; t++) {
        table_writer *table = &w->table[t];
        for (int c = 0; table->column != NULL && c < w->model->table[t].column_count; c++) {
            pc_growing_release(&table->column[c]);
        }
        pc_growing_release(&table->slot_rows);
        pc_growing_release(&table->link);
        pc_growing_release(&table->link_part);
        pc_growing_release(&table->file);
    }
}

void pc_part_free(pc_part_writer *writer)
{
    if (writer == NULL) return;
    pc_part_writer *w = writer;
    if (w->file >= 0) (void)pc_h5_close(w->file);
    if (w->is_made) unlink(w->temporary);
    if (w->spill.fd >= 0) close(w->spill.fd);
    pc_codec_release(&w->spill.codec);
    pc_buffer_release(&w->spill.stored);
    release_columns(w);
    pc_buffer_release(&w->numbers);
    pc_buffer_release(&w->bits);
    pc_budget_give(w->budget, PC_H5_BYTES);
    pc_arena arena = w->arena; // the writer itself lies in it
    pc_arena_reset(&arena);
}

// What the model says; of a table that is read often, its days and links too.
static bool is_read_often(const pc_model_table *table, int column)
{
    const bool is_day = column == table->event_date || column == table->event_end;
    return table->column[column].often || (table->often && is_day);
}

static pc_status begin_tables(pc_part_writer *w, pc_error *err)
{
    const pc_model *model = w->model;
    w->table = pc_arena_array(&w->arena, (size_t)model->table_count, sizeof *w->table, err);
    w->directory.table_rows =
        pc_arena_array(&w->arena, (size_t)model->table_count, sizeof(int64_t), err);
    if (w->table == NULL || w->directory.table_rows == NULL) return PC_NO_MEMORY;
    for (int t = 0; t < model->table_count; t++) {
        const pc_model_table *from = &model->table[t];
        table_writer *table = &w->table[t];
        table->is_stored = from->path != PC_PATH_NONE;
        table->parent = from->parent_key < 0 ? -1 : model->key[from->parent_key].table;
        table->column =
            pc_arena_array(&w->arena, (size_t)from->column_count + 1, sizeof *table->column, err);
        if (table->column == NULL) return PC_NO_MEMORY;
        for (int c = 0; c < from->column_count; c++) {
            pc_growing_begin(&table->column[c], t, c, from->column[c].type, from->column[c].width,
                             w->budget);
            table->column[c].is_often = is_read_often(from, c);
        }
        pc_growing_begin(&table->slot_rows, t, PC_DATA_SLOT_ROWS, PC_NONE, 0, w->budget);
        pc_growing_begin(&table->link, t, PC_DATA_PARENT, PC_NONE, 0, w->budget);
        pc_growing_begin(&table->link_part, t, PC_DATA_PARENT_PART, PC_NONE, 0, w->budget);
        pc_growing_begin(&table->file, t, PC_DATA_FILE, PC_NONE, 0, w->budget);
        table->slot_rows.is_often = true;
        table->link.is_often = from->often;
    }
    return PC_OK;
}

static pc_status begin_file(pc_part_writer *w, const char *store, pc_error *err)
{
    const pc_directory *d = &w->directory;
    PC_TRY(pc_part_path(store, d->shard, d->number, w->path, err));
    const int pid = (int)getpid();
    const int bytes = snprintf(w->temporary, sizeof w->temporary, "%s.tmp.%d", w->path, pid);
    if (bytes + 8 > (int)sizeof w->temporary) {
        return PC_FAIL(err, PC_BAD_INPUT, "the path of the store is too long");
    }
    snprintf(w->spill_path, sizeof w->spill_path, "%.*s.spill", bytes, w->temporary);
    PC_TRY(pc_make_folders(w->path, err));
    unlink(w->temporary); // of an earlier process of this number
    unlink(w->spill_path);
    errno = 0;
    w->file = pc_h5_create(w->temporary);
    w->is_made = true;
    if (w->file >= 0) return PC_OK;
    return PC_FAIL(err, PC_IO, "cannot write part '%s': %s", w->temporary,
                   errno == 0 ? "HDF5 has failed" : strerror(errno));
}

pc_status pc_part_begin(const char *store, const pc_model *model, uint32_t shard, uint32_t number,
                        uint32_t delivery, uint32_t generation, pc_budget *budget,
                        pc_part_writer **out, pc_error *err)
{
    *out = NULL;
    PC_TRY(pc_budget_take(budget, PC_H5_BYTES, err)); // libhdf5's own memory
    pc_arena arena = {.budget = budget};
    pc_part_writer *w = pc_arena_take(&arena, sizeof *w, err);
    if (w == NULL) {
        pc_budget_give(budget, PC_H5_BYTES);
        return PC_NO_MEMORY;
    }
    *w = (pc_part_writer){.budget = budget,
                          .arena = arena,
                          .model = model,
                          .file = H5I_INVALID_HID,
                          .spill = {.open_limit = pc_budget_left(budget) / 4,
                                    .fd = -1,
                                    .path = w->spill_path,
                                    .codec = {.budget = budget,
                                              .scratch = {.budget = budget},
                                              .scratch2 = {.budget = budget}},
                                    .stored = {.budget = budget}},
                          .directory = {.shard = shard,
                                        .number = number,
                                        .delivery = delivery,
                                        .generation = generation,
                                        .first_day = INT32_MAX,
                                        .last_day = INT32_MIN},
                          .numbers = {.budget = budget},
                          .bits = {.budget = budget}};
    pc_growing_begin(&w->key, -1, PC_DATA_SLOT_KEY, PC_ID, PC_SLOT_KEY_BYTES, budget);
    pc_status status = begin_tables(w, err);
    if (status == PC_OK) status = begin_file(w, store, err);
    if (status != PC_OK) {
        pc_part_free(w);
        return status;
    }
    *out = w;
    return PC_OK;
}

static int compare_keys(const pc_slot_key *a, const pc_slot_key *b)
{
    const uint64_t hash_a = pc_slot_hash(a), hash_b = pc_slot_hash(b);
    if (hash_a != hash_b) return hash_a < hash_b ? -1 : 1;
    return memcmp(a->byte, b->byte, sizeof a->byte);
}

static pc_status add_slots(pc_part_writer *w, const pc_block *block, pc_error *err)
{
    pc_directory *d = &w->directory;
    for (int slot = 0; slot < block->slot_count; slot++) {
        const pc_slot_key *key = &block->slot_key[slot];
        if (d->slot_count + slot > 0 && compare_keys(&w->last_key, key) >= 0) {
            return PC_FAIL(err, PC_BAD_INPUT, "part '%s': slots come out of order", w->path);
        }
        w->last_key = *key;
        d->person_count += pc_slot_is_patient((pc_slot_kind)key->byte[0]) ? 1 : 0;
    }
    const pc_column keys = {.type = PC_ID, .width = PC_SLOT_KEY_BYTES, .data = block->slot_key};
    d->slot_count += block->slot_count;
    return pc_growing_add(&w->key, &w->spill, &keys, 0, block->slot_count, NULL, err);
}

static pc_status add_numbers(pc_part_writer *w, pc_growing *grow, const void *number,
                             const uint64_t *valid, int64_t count, pc_error *err)
{
    const pc_column column = {.type = PC_KEY, .width = 8, .data = number, .valid = valid};
    return pc_growing_add(grow, &w->spill, &column, 0, count, NULL, err);
}

static pc_status add_slot_rows(pc_part_writer *w, table_writer *table, const pc_block *block,
                               const int64_t *offset, pc_error *err)
{
    PC_TRY(pc_buffer_reserve(&w->numbers, (size_t)block->slot_count * 8 + 8, err));
    int64_t *rows = (int64_t *)w->numbers.data;
    for (int slot = 0; slot < block->slot_count; slot++) {
        rows[slot] = offset == NULL ? 0 : offset[slot + 1] - offset[slot];
    }
    return add_numbers(w, &table->slot_rows, rows, NULL, block->slot_count, err);
}

// Links of the block as rows within the slot: `row` [row_count], -1: none.
static pc_status own_links(pc_block *block, int t, int parent, int64_t *row, pc_error *err)
{
    const int32_t *link;
    PC_TRY(pc_block_parent(block, t, &link, err));
    const int64_t *offset = block->table[t].offset;
    const int64_t *parent_offset = block->table[parent].offset;
    for (int slot = 0; slot < block->slot_count; slot++) {
        for (int64_t i = offset[slot]; i < offset[slot + 1]; i++) {
            row[i] = -1;
            if (link[i] < 0) continue;
            if (parent_offset == NULL || link[i] < parent_offset[slot] ||
                link[i] >= parent_offset[slot + 1]) {
                return PC_FAIL(err, PC_BAD_INPUT, "table '%s': a parent row is of another slot",
                               block->model->table[t].name);
            }
            row[i] = link[i] - parent_offset[slot];
        }
    }
    return PC_OK;
}

// The links of a table; leaves in `bits` which rows have none: those keep their key columns.
static pc_status add_links(pc_part_writer *w, table_writer *table, pc_block *block, int t,
                           const pc_part_links *links, pc_error *err)
{
    const int64_t count = block->table[t].row_count;
    const size_t words = (size_t)(count + 63) / 64;
    PC_TRY(pc_buffer_reserve(&w->numbers, (size_t)count * 8 + 8, err));
    PC_TRY(pc_buffer_reserve(&w->bits, 2 * words * 8 + 8, err));
    int64_t *row = (int64_t *)w->numbers.data;
    uint64_t *orphan = (uint64_t *)w->bits.data, *linked = orphan + words;
    memset(w->bits.data, 0, 2 * words * 8);
    if (links != NULL && links->row != NULL) {
        memcpy(row, links->row, (size_t)count * 8);
    } else {
        PC_TRY(own_links(block, t, table->parent, row, err));
    }
    for (int64_t i = 0; i < count; i++) {
        (row[i] < 0 ? orphan : linked)[i / 64] |= UINT64_C(1) << (i % 64);
        if (row[i] < 0) row[i] = 0;
    }
    PC_TRY(add_numbers(w, &table->link, row, linked, count, err));
    if (links == NULL || links->row == NULL) {
        const pc_column own = {.type = PC_KEY, .width = 8};
        return pc_growing_add(&table->link_part, &w->spill, &own, 0, count, NULL, err);
    }
    const pc_column part = {.type = PC_KEY, .width = 4, .data = links->part, .valid = linked};
    return pc_growing_add(&table->link_part, &w->spill, &part, 0, count, NULL, err);
}

// The files that rows came from; rows that are not of a file (PERSON) have none.
static pc_status add_files(pc_part_writer *w, table_writer *table, pc_block *block, int t,
                           pc_error *err)
{
    const uint16_t *file;
    const int64_t count = block->table[t].row_count;
    PC_TRY(pc_block_file(block, t, &file, err));
    PC_TRY(pc_buffer_reserve(&w->numbers, (size_t)count * 8 + 8, err));
    int64_t *number = (int64_t *)w->numbers.data;
    for (int64_t i = 0; file != NULL && i < count; i++)
        number[i] = file[i];
    return add_numbers(w, &table->file, file == NULL ? NULL : number, NULL, count, err);
}

static pc_status add_column(pc_part_writer *w, pc_block *block, int t, int c, const uint64_t *keep,
                            pc_error *err)
{
    const pc_column *column;
    const pc_model_column *about = &w->model->table[t].column[c];
    PC_TRY(pc_block_column(block, t, c, &column, err));
    pc_status status = PC_OK;
    if (column->type != about->type) {
        status = PC_FAIL(err, PC_BAD_INPUT, "expected type %s, the block has %s",
                         pc_type_name(about->type), pc_type_name(column->type));
    } else {
        status = pc_growing_add(&w->table[t].column[c], &w->spill, column, 0,
                                block->table[t].row_count, keep, err);
    }
    if (status != PC_OK) {
        pc_error_prefix(err, "part '%s': '%s/%s'", w->path, w->model->table[t].name, about->name);
    }
    return status;
}

static pc_status add_table(pc_part_writer *w, pc_block *block, int t, const pc_part_links *links,
                           pc_error *err)
{
    table_writer *table = &w->table[t];
    const pc_model_table *about = &w->model->table[t];
    PC_TRY(add_slot_rows(w, table, block, block->table[t].offset, err));
    if (block->table[t].offset == NULL || block->table[t].row_count == 0) return PC_OK;
    table->rows += block->table[t].row_count;
    PC_TRY(add_files(w, table, block, t, err));
    if (table->parent >= 0) PC_TRY(add_links(w, table, block, t, links, err));
    for (int c = 0; c < about->column_count; c++) {
        const bool is_dropped = table->parent >= 0 && about->column[c].parent_column >= 0;
        const uint64_t *keep = is_dropped ? (const uint64_t *)w->bits.data : NULL;
        PC_TRY(add_column(w, block, t, c, keep, err));
    }
    return PC_OK;
}

pc_status pc_part_add_linked(pc_part_writer *writer, pc_block *block, const pc_part_links *links,
                             pc_error *err)
{
    assert(block->model->table_count == writer->model->table_count);
    PC_TRY(add_slots(writer, block, err));
    for (int t = 0; t < writer->model->table_count; t++) {
        if (!writer->table[t].is_stored) continue;
        PC_TRY(add_table(writer, block, t, links == NULL ? NULL : &links[t], err));
    }
    return PC_OK;
}

pc_status pc_part_add(pc_part_writer *writer, pc_block *block, pc_error *err)
{
    return pc_part_add_linked(writer, block, NULL, err);
}

// What the model says of a column, for people who open the file with other tools.
static bool describe(hid_t file, const char *path, const pc_model *model, int t, int c)
{
    const pc_model_column *about = &model->table[t].column[c];
    const hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT);
    if (dataset < 0) return false;
    bool is_done = pc_h5_attribute_text(dataset, "type", pc_type_name(about->type));
    if (about->type == PC_DECIMAL) {
        is_done = is_done && pc_h5_attribute_int(dataset, "scale", about->scale);
    }
    if (about->dict >= 0) {
        is_done =
            is_done && pc_h5_attribute_text(dataset, "dictionary", model->dict_name[about->dict]);
    }
    if (about->unit != NULL) {
        is_done = is_done && pc_h5_attribute_text(dataset, "unit", about->unit);
    }
    return H5Dclose(dataset) >= 0 && is_done;
}

// Are the days of a table days of care: is a row of it an episode (a claim, a stay). An exemption
// or a death is not: it may have begun decades before the first delivery.
static bool is_care(const pc_model *model, int table)
{
    const int key = model->table[table].own_key;
    return key >= 0 && model->key[key].is_episode;
}

// Encodes one column; one of nulls only leaves no trace.
static pc_status end_column(pc_part_writer *w, pc_growing *grow, pc_error *err)
{
    pc_directory *d = &w->directory;
    pc_data_entry *data = &d->data[d->data_count];
    char name[512], path[520];
    pc_data_name(w->model, grow->table, grow->column, name, sizeof name);
    snprintf(path, sizeof path, "/%s", name);
    const pc_earlier earlier = {.model = w->model, .data = d->data, .count = d->data_count};
    bool is_shared;
    pc_status status =
        pc_growing_end(grow, &w->spill, w->file, path, &earlier, &w->arena, data, &is_shared, err);
    const int c = grow->column;
    if (status == PC_OK && data->chunk_count > 0) {
        d->data_count++;
        if (c >= 0 && !is_shared && !describe(w->file, path, w->model, grow->table, c)) {
            status = PC_FAIL(err, PC_IO, "HDF5 cannot write attributes of '%s'", name);
        }
        if (c >= 0 && c == w->model->table[grow->table].event_date &&
            is_care(w->model, grow->table)) {
            d->first_day = data->min < d->first_day ? (int32_t)data->min : d->first_day;
            d->last_day = data->max > d->last_day ? (int32_t)data->max : d->last_day;
        }
    }
    if (status != PC_OK) pc_error_prefix(err, "part '%s'", w->path);
    pc_growing_release(grow);
    return status;
}

static pc_status end_table(pc_part_writer *w, int t, pc_error *err)
{
    table_writer *table = &w->table[t];
    const pc_model_table *about = &w->model->table[t];
    w->directory.table_rows[t] = table->rows;
    if (table->rows == 0) return PC_OK;
    char path[520];
    snprintf(path, sizeof path, "/%s", about->name);
    if (!pc_h5_group(w->file, path)) {
        return PC_FAIL(err, PC_IO, "part '%s': HDF5 cannot make group '%s'", w->path, path);
    }
    PC_TRY(end_column(w, &table->file, err));
    PC_TRY(end_column(w, &table->link_part, err));
    PC_TRY(end_column(w, &table->link, err));
    PC_TRY(end_column(w, &table->slot_rows, err));
    for (int c = 0; c < about->column_count; c++)
        PC_TRY(end_column(w, &table->column[c], err));
    return PC_OK;
}

static pc_status end_data(pc_part_writer *w, pc_error *err)
{
    size_t most = 1;
    for (int t = 0; t < w->model->table_count; t++) {
        most += (size_t)w->model->table[t].column_count + 4;
    }
    w->directory.data = pc_arena_array(&w->arena, most, sizeof *w->directory.data, err);
    if (w->directory.data == NULL) return PC_NO_MEMORY;
    if (w->directory.slot_count > 0) {
        if (!pc_h5_group(w->file, "/slots")) {
            return PC_FAIL(err, PC_IO, "part '%s': HDF5 cannot make group '/slots'", w->path);
        }
        PC_TRY(end_column(w, &w->key, err));
    }
    for (int t = 0; t < w->model->table_count; t++) {
        if (w->table[t].is_stored) PC_TRY(end_table(w, t, err));
    }
    return PC_OK;
}

// Writes the directory as a contiguous dataset and notes where it lies.
static pc_status end_directory(pc_part_writer *w, pc_part_info *info, pc_error *err)
{
    pc_buffer bytes = {.budget = w->budget};
    pc_status status = pc_directory_write(&w->directory, w->model, &bytes, err);
    haddr_t address = HADDR_UNDEF;
    if (status == PC_OK) {
        const pc_h5_plain plain = {.path = "/directory",
                                   .type = PC_NONE,
                                   .width = 1,
                                   .row_count = (int64_t)bytes.bytes,
                                   .data = bytes.data};
        const bool is_written = pc_h5_write_plain(w->file, &plain);
        const hid_t dataset =
            is_written ? H5Dopen2(w->file, "/directory", H5P_DEFAULT) : H5I_INVALID_HID;
        if (dataset >= 0) {
            address = H5Dget_offset(dataset);
            H5Dclose(dataset);
        }
        info->directory_bytes = (int64_t)bytes.bytes;
        info->directory_digest = pc_digest_of(bytes.data, bytes.bytes);
    }
    if (status == PC_OK && address == HADDR_UNDEF) {
        status = PC_FAIL(err, PC_IO, "part '%s': HDF5 cannot write the directory", w->path);
    }
    info->directory_offset = (int64_t)address;
    pc_buffer_release(&bytes);
    return status;
}

static pc_status verify_written(pc_part_writer *w, pc_part_info *info, pc_error *err)
{
    pc_arena arena = {.budget = w->budget};
    pc_part_file part = {.fd = -1};
    pc_status status = pc_part_file_open(w->temporary, w->model, info, &arena, &part, err);
    if (status == PC_OK) status = pc_part_file_check(&part, w->budget, info, err);
    pc_part_file_close(&part);
    pc_arena_reset(&arena);
    return status;
}

pc_status pc_part_end(pc_part_writer *writer, pc_part_info *info, pc_error *err)
{
    pc_part_writer *w = writer;
    const pc_directory *d = &w->directory;
    PC_TRY(end_data(w, err));
    *info = (pc_part_info){.shard = d->shard,
                           .number = d->number,
                           .delivery = d->delivery,
                           .generation = d->generation,
                           .slot_count = d->slot_count,
                           .person_count = d->person_count,
                           .first_day = d->first_day,
                           .last_day = d->last_day};
    PC_TRY(end_directory(w, info, err));
    const bool is_closed = pc_h5_close(w->file);
    w->file = H5I_INVALID_HID;
    if (!is_closed) {
        return PC_FAIL(err, PC_IO, "part '%s' could not be completed: is the disk full?", w->path);
    }
    PC_TRY(verify_written(w, info, err));
    PC_TRY(pc_publish(w->temporary, w->path, err));
    w->is_made = false;
    return PC_OK;
}
