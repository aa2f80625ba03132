/** Reading a shard block by block. Nothing is read before it is asked for, but slot row counts. */
#include "reader.h"
#include <assert.h>
#include <string.h>

enum { DEFAULT_BLOCK_ROWS = 131072, MOST_BLOCK_SLOTS = 1 << 20 };

pc_cursor_tools pc_reader_tools(pc_reader *reader, const pc_reader_part *part)
{
    return (pc_cursor_tools){.part = &part->file,
                             .codec = &reader->codec,
                             .stored = &reader->stored,
                             .counts = &reader->counts};
}

static uint32_t code_count(const pc_reader *reader, const pc_reader_part *part, int table,
                           int column)
{
    const int dict =
        table < 0 || column < 0 ? -1 : reader->store->model->table[table].column[column].dict;
    return dict < 0 ? 0 : pc_store_dict_count(reader->store, part->file.directory.generation, dict);
}

pc_status pc_reader_cursor(pc_reader *reader, pc_reader_part *part, int table, int column,
                           pc_cursor **out, pc_error *err)
{
    pc_cursor **place = &part->key;
    if (table >= 0) {
        place = column == PC_DATA_PARENT        ? &part->link[table]
                : column == PC_DATA_PARENT_PART ? &part->link_part[table]
                : column == PC_DATA_FILE        ? &part->from_file[table]
                                                : &part->column[table][column];
    }
    *out = *place;
    if (*place != NULL) return PC_OK;
    const pc_data_entry *data = pc_directory_find(&part->file.directory, table, column);
    if (data == NULL) return PC_OK;
    pc_cursor *cursor = pc_arena_take(&reader->arena, sizeof *cursor, err);
    if (cursor == NULL) return PC_NO_MEMORY;
    pc_cursor_begin(cursor, data, code_count(reader, part, table, column), reader->budget);
    *place = cursor;
    *out = cursor;
    return PC_OK;
}

static void close_part(const pc_reader *reader, pc_reader_part *part)
{
    const pc_model *model = reader->store->model;
    for (int t = 0; part->column != NULL && t < model->table_count; t++) {
        for (int c = 0; part->column[t] != NULL && c < model->table[t].column_count; c++) {
            if (part->column[t][c] != NULL) pc_cursor_release(part->column[t][c]);
        }
        if (part->link[t] != NULL) pc_cursor_release(part->link[t]);
        if (part->link_part[t] != NULL) pc_cursor_release(part->link_part[t]);
        if (part->from_file[t] != NULL) pc_cursor_release(part->from_file[t]);
    }
    if (part->key != NULL) pc_cursor_release(part->key);
    pc_part_file_close(&part->file);
}

void pc_reader_close(pc_reader *reader)
{
    if (reader == NULL) return;
    for (int p = 0; p < reader->part_count; p++)
        close_part(reader, &reader->part[p]);
    for (int t = 0; reader->parents != NULL && t < reader->store->model->table_count; t++) {
        pc_buffer_release(&reader->parents[t]);
    }
    pc_codec_release(&reader->codec);
    pc_buffer_release(&reader->stored);
    pc_arena_reset(&reader->block_arena);
    pc_arena arena = reader->arena; // the reader itself lies in it
    pc_arena_reset(&arena);
}

const pc_read_counts *pc_reader_counts(const pc_reader *reader)
{
    return &reader->counts;
}

// First row of each slot of a table, from the stored row counts.
static pc_status read_first_rows(pc_reader *reader, pc_reader_part *part, int table, pc_error *err)
{
    const pc_directory *d = &part->file.directory;
    int64_t *first = pc_arena_array(&reader->arena, (size_t)d->slot_count + 1, sizeof *first, err);
    if (first == NULL) return PC_NO_MEMORY;
    part->first_row[table] = first;
    const pc_data_entry *data = pc_directory_find(d, table, PC_DATA_SLOT_ROWS);
    int64_t row = 0;
    if (data != NULL) {
        pc_cursor cursor;
        pc_column view;
        const pc_cursor_tools tools = pc_reader_tools(reader, part);
        pc_cursor_begin(&cursor, data, 0, reader->budget);
        const pc_status status = pc_cursor_view(&cursor, &tools, 0, d->slot_count, &view, err);
        for (int64_t slot = 0; status == PC_OK && slot < d->slot_count; slot++) {
            const uint64_t rows = pc_view_number(&view, slot);
            if (rows > (uint64_t)(d->table_rows[table] - row)) break;
            row += (int64_t)rows;
            first[slot + 1] = row;
        }
        pc_cursor_release(&cursor);
        if (status != PC_OK) return status;
    }
    if (row == d->table_rows[table]) return PC_OK;
    return PC_FAIL(err, PC_BAD_INPUT, "part '%s': the slots of '%s' do not add up to its rows",
                   part->file.path, reader->store->model->table[table].name);
}

static pc_status open_part(pc_reader *reader, int64_t store_part, pc_reader_part *part,
                           pc_error *err)
{
    const pc_store *store = reader->store;
    const pc_model *model = store->model;
    const size_t tables = (size_t)model->table_count;
    char path[PC_PATH_BYTES];
    part->store_part = store_part;
    part->column = pc_arena_array(&reader->arena, tables, sizeof *part->column, err);
    part->link = pc_arena_array(&reader->arena, tables, sizeof *part->link, err);
    part->link_part = pc_arena_array(&reader->arena, tables, sizeof *part->link_part, err);
    part->from_file = pc_arena_array(&reader->arena, tables, sizeof *part->from_file, err);
    part->first_row = pc_arena_array(&reader->arena, tables, sizeof *part->first_row, err);
    if (part->from_file == NULL || part->column == NULL || part->link == NULL ||
        part->link_part == NULL || part->first_row == NULL) {
        part->column = NULL;
        return PC_NO_MEMORY;
    }
    const pc_part_info *info = &store->part[store_part];
    PC_TRY(pc_part_path(store->path, info->shard, info->number, path, err));
    PC_TRY(pc_part_file_open(path, model, info, &reader->arena, &part->file, err));
    part->is_old = info->generation + 1 < store->generation_count;
    for (int t = 0; t < model->table_count; t++) {
        if (!reader->is_needed[t]) continue;
        part->column[t] = pc_arena_array(&reader->arena, (size_t)model->table[t].column_count + 1,
                                         sizeof(pc_cursor *), err);
        if (part->column[t] == NULL) return PC_NO_MEMORY;
        PC_TRY(read_first_rows(reader, part, t, err));
    }
    return PC_OK;
}

// Asked tables, and the parents that their links and keys lead to.
static pc_status note_request(pc_reader *reader, const pc_read_request *request, pc_error *err)
{
    const pc_model *model = reader->store->model;
    const size_t tables = (size_t)model->table_count;
    reader->is_asked = pc_arena_array(&reader->arena, tables, sizeof(bool), err);
    reader->is_needed = pc_arena_array(&reader->arena, tables, sizeof(bool), err);
    reader->merged = pc_arena_array(&reader->arena, tables, sizeof *reader->merged, err);
    reader->block.table = pc_arena_array(&reader->arena, tables, sizeof(pc_block_table), err);
    reader->parents = pc_arena_array(&reader->arena, tables, sizeof *reader->parents, err);
    if (reader->parents == NULL || reader->is_asked == NULL || reader->is_needed == NULL ||
        reader->merged == NULL || reader->block.table == NULL) {
        return PC_NO_MEMORY;
    }
    for (size_t t = 0; t < tables; t++)
        reader->parents[t].budget = reader->budget;
    for (int t = 0; t < model->table_count; t++) {
        if (!request->table[t] || model->table[t].path == PC_PATH_NONE) continue;
        reader->is_asked[t] = true;
        int at = t;
        for (int depth = 0; at >= 0 && depth < model->table_count; depth++) {
            reader->is_needed[at] = true;
            const int key = model->table[at].parent_key;
            at = key < 0 ? -1 : model->key[key].table;
        }
    }
    for (int t = 0; t < model->table_count; t++) {
        if (!reader->is_needed[t]) continue;
        reader->block.table[t].column = pc_arena_array(
            &reader->arena, (size_t)model->table[t].column_count + 1, sizeof(pc_column), err);
        if (reader->block.table[t].column == NULL) return PC_NO_MEMORY;
    }
    reader->block_rows = request->block_rows > 0 ? request->block_rows : DEFAULT_BLOCK_ROWS;
    return PC_OK;
}

static pc_status open_shard(pc_reader *reader, const pc_read_request *request, pc_error *err)
{
    const pc_store *store = reader->store;
    PC_TRY(note_request(reader, request, err));
    const int64_t first = store->shard_part[reader->shard];
    const int64_t count = store->shard_part[reader->shard + 1] - first;
    reader->part = pc_arena_array(&reader->arena, (size_t)count + 1, sizeof *reader->part, err);
    if (reader->part == NULL) return PC_NO_MEMORY;
    for (int64_t p = 0; p < count; p++) {
        reader->part[p].file.fd = -1;
        reader->part_count = (int)p + 1;
        PC_TRY(open_part(reader, first + p, &reader->part[p], err));
        const bool hides = store->hidden_offset[first + p] < store->hidden_offset[first + p + 1];
        reader->is_merged = reader->is_merged || hides || reader->part[p].is_old || count > 1;
        for (int t = 0; t < store->model->table_count; t++) {
            const pc_directory *d = &reader->part[p].file.directory;
            if (pc_directory_find(d, t, PC_DATA_PARENT_PART) != NULL) reader->is_merged = true;
        }
    }
    return reader->is_merged ? pc_merge_begin(reader, err) : PC_OK;
}

pc_status pc_reader_open(const pc_store *store, int shard, const pc_read_request *request,
                         pc_budget *budget, pc_reader **out, pc_error *err)
{
    assert(shard >= 0 && shard < store->shard_count);
    *out = NULL;
    pc_arena arena = {.budget = budget};
    pc_reader *reader = pc_arena_take(&arena, sizeof *reader, err);
    if (reader == NULL) return PC_NO_MEMORY;
    *reader = (pc_reader){
        .store = store,
        .budget = budget,
        .arena = arena,
        .block_arena = {.budget = budget},
        .shard = shard,
        .codec = {.budget = budget, .scratch = {.budget = budget}, .scratch2 = {.budget = budget}},
        .stored = {.budget = budget},
        .block = {.model = store->model}};
    const pc_status status = open_shard(reader, request, err);
    if (status != PC_OK) {
        pc_reader_close(reader);
        return status;
    }
    *out = reader;
    return PC_OK;
}

static int64_t slot_total(const pc_reader *reader)
{
    if (reader->is_merged) return reader->merge.slot_count;
    return reader->part_count == 0 ? 0 : reader->part[0].file.directory.slot_count;
}

// First slot behind `from` at which a table of one part has had its rows since `from`.
static int64_t plain_end(const int64_t *first_row, int64_t from, int64_t total, int64_t rows)
{
    int64_t low = from + 1, high = total;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (first_row[middle] - first_row[from] >= rows) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

// The same over several parts, slot by slot.
static int64_t merged_end(const pc_reader *reader, int table, int64_t from, int64_t total)
{
    int64_t rows = 0, slot = from;
    while (slot < total && rows < reader->block_rows) {
        rows += pc_merge_slot_rows(reader, slot++, table);
    }
    return slot;
}

// Slots of the next block: until the largest asked table has its rows, one at least.
static int choose_slots(const pc_reader *reader)
{
    const int64_t from = reader->next_slot, total = slot_total(reader);
    int64_t end = total < from + MOST_BLOCK_SLOTS ? total : from + MOST_BLOCK_SLOTS;
    for (int t = 0; t < reader->store->model->table_count && end > from; t++) {
        if (!reader->is_asked[t]) continue;
        end = reader->is_merged
                  ? merged_end(reader, t, from, end)
                  : plain_end(reader->part[0].first_row[t], from, end, reader->block_rows);
    }
    return (int)(end - from);
}

static pc_status block_offsets(pc_reader *reader, int table, int64_t first, int count,
                               pc_error *err)
{
    pc_block_table *t = &reader->block.table[table];
    int64_t *offset = pc_arena_array(&reader->block_arena, (size_t)count + 1, sizeof *offset, err);
    if (offset == NULL) return PC_NO_MEMORY;
    if (reader->is_merged) {
        PC_TRY(pc_merge_table(reader, table, first, count, offset, err));
    } else {
        const int64_t *row = reader->part[0].first_row[table] + first;
        for (int slot = 0; slot <= count; slot++)
            offset[slot] = row[slot] - row[0];
    }
    t->offset = offset;
    t->row_count = offset[count];
    if (t->row_count <= INT32_MAX) return PC_OK;
    return PC_FAIL(err, PC_BAD_INPUT, "shard %d: a slot has more than %d rows of '%s'",
                   reader->shard, INT32_MAX, reader->store->model->table[table].name);
}

static pc_status block_keys(pc_reader *reader, int64_t first, int count, pc_error *err)
{
    if (reader->is_merged) {
        reader->block.slot_key = reader->merge.key + first;
        return PC_OK;
    }
    pc_reader_part *part = &reader->part[0];
    const pc_cursor_tools tools = pc_reader_tools(reader, part);
    pc_cursor *cursor;
    pc_column view;
    PC_TRY(pc_reader_cursor(reader, part, -1, PC_DATA_SLOT_KEY, &cursor, err));
    if (cursor == NULL) {
        return PC_FAIL(err, PC_BAD_INPUT, "part '%s' has no slot keys", part->file.path);
    }
    PC_TRY(pc_cursor_view(cursor, &tools, first, count, &view, err));
    reader->block.slot_key = view.data;
    return PC_OK;
}

// As stored, for a shard of one part.
static pc_status load_plain(pc_reader *reader, int table, int column, pc_error *err)
{
    pc_reader_part *part = &reader->part[0];
    const pc_model_column *about = &reader->store->model->table[table].column[column];
    const pc_cursor_tools tools = pc_reader_tools(reader, part);
    const pc_block *block = &reader->block;
    const int64_t first_slot = reader->next_slot - block->slot_count;
    const int64_t first = part->first_row[table][first_slot];
    pc_cursor *cursor;
    pc_column out = {.type = about->type, .scale = about->scale, .width = 1};
    if (about->type == PC_ID) out.width = about->width;
    if (about->type == PC_FLOAT) out.width = 8;
    if (about->dict >= 0) out.dict = &reader->store->dict[about->dict];
    PC_TRY(pc_reader_cursor(reader, part, table, column, &cursor, err));
    if (cursor != NULL) {
        PC_TRY(pc_cursor_view(cursor, &tools, first, block->table[table].row_count, &out, err));
    }
    block->table[table].column[column] = out;
    return PC_OK;
}

#define FOLLOW_LINKS(type)                                                                         \
    do {                                                                                           \
        const type *link = view->data;                                                             \
        for (int slot = 0; slot < slot_count; slot++) {                                            \
            const int64_t first = parent->offset[slot];                                            \
            const uint64_t rows = (uint64_t)(parent->offset[slot + 1] - first);                    \
            for (int64_t row = child->offset[slot]; row < child->offset[slot + 1]; row++) {        \
                const bool is_valid = pc_is_valid(view->valid, row);                               \
                is_wrong |= is_valid && link[row] >= rows;                                         \
                out[row] = is_valid ? (int32_t)(first + (int64_t)link[row]) : -1;                  \
            }                                                                                      \
        }                                                                                          \
    } while (0)

// Rows within slots to rows of the block; false: one leads beyond its slot.
static bool follow_links(const pc_column *view, const pc_block_table *child,
                         const pc_block_table *parent, int slot_count, int32_t *out)
{
    bool is_wrong = false;
    switch (view->width) {
        case 1:
            FOLLOW_LINKS(uint8_t);
            break;
        case 2:
            FOLLOW_LINKS(uint16_t);
            break;
        case 4:
            FOLLOW_LINKS(uint32_t);
            break;
        default:
            FOLLOW_LINKS(uint64_t);
            break;
    }
    return !is_wrong;
}

static pc_status load_parents(pc_reader *reader, int table, pc_error *err)
{
    pc_reader_part *part = &reader->part[0];
    const pc_model *model = reader->store->model;
    pc_block_table *t = &reader->block.table[table];
    const pc_block_table *p =
        &reader->block.table[model->key[model->table[table].parent_key].table];
    const pc_cursor_tools tools = pc_reader_tools(reader, part);
    const int64_t first = part->first_row[table][reader->next_slot - reader->block.slot_count];
    pc_buffer *buffer = &reader->parents[table];
    pc_cursor *cursor;
    pc_column view;
    buffer->bytes = 0;
    PC_TRY(pc_buffer_reserve(buffer, (size_t)t->row_count * sizeof(int32_t) + 64, err));
    PC_TRY(pc_reader_cursor(reader, part, table, PC_DATA_PARENT, &cursor, err));
    int32_t *out = (int32_t *)buffer->data;
    if (cursor == NULL) {
        for (int64_t row = 0; row < t->row_count; row++)
            out[row] = -1;
        t->parent = out;
        return PC_OK;
    }
    PC_TRY(pc_cursor_view(cursor, &tools, first, t->row_count, &view, err));
    if (!follow_links(&view, t, p, reader->block.slot_count, out)) {
        return PC_FAIL(err, PC_BAD_INPUT, "part '%s': a link of '%s' leads nowhere",
                       part->file.path, model->table[table].name);
    }
    t->parent = out;
    return PC_OK;
}

static pc_status load_files(pc_reader *reader, int table, pc_error *err)
{
    pc_reader_part *part = &reader->part[0];
    pc_block_table *t = &reader->block.table[table];
    const pc_cursor_tools tools = pc_reader_tools(reader, part);
    const int64_t first = part->first_row[table][reader->next_slot - reader->block.slot_count];
    pc_cursor *cursor;
    pc_column view;
    PC_TRY(pc_reader_cursor(reader, part, table, PC_DATA_FILE, &cursor, err));
    if (cursor == NULL) return PC_OK;
    uint16_t *out =
        pc_arena_array(&reader->block_arena, (size_t)t->row_count + 1, sizeof *out, err);
    if (out == NULL) return PC_NO_MEMORY;
    PC_TRY(pc_cursor_view(cursor, &tools, first, t->row_count, &view, err));
    for (int64_t row = 0; row < t->row_count; row++)
        out[row] = (uint16_t)pc_view_number(&view, row);
    t->file = out;
    return PC_OK;
}

// Copies one value between columns of a type, whatever their widths.
static void copy_value(const pc_column *from, int64_t row, int width, char *to)
{
    if (from->width == width) {
        memcpy(to, (const char *)from->data + row * width, (size_t)width);
        return;
    }
    const int64_t value = pc_column_int(from, row);
    memcpy(to, &value, (size_t)width);
}

pc_status pc_reader_gather_key(pc_reader *reader, pc_block *block, int table, int column,
                               pc_error *err)
{
    const pc_model_table *about = &reader->store->model->table[table];
    const int parent_table = reader->store->model->key[about->parent_key].table;
    pc_column *own = &block->table[table].column[column];
    const int64_t rows = block->table[table].row_count;
    const pc_column *theirs;
    const int32_t *parent;
    PC_TRY(pc_block_parent(block, table, &parent, err));
    PC_TRY(pc_block_column(block, parent_table, about->column[column].parent_column, &theirs, err));
    if (theirs->type != own->type) {
        return PC_FAIL(err, PC_BAD_INPUT, "'%s.%s' has another type than its parent's", about->name,
                       about->column[column].name);
    }
    if (theirs->data == NULL) return PC_OK;
    int width = theirs->width;
    if (own->data != NULL && own->width > width) width = own->width;
    const size_t words = (size_t)(rows + 63) / 64;
    char *data = pc_arena_array(&reader->block_arena, (size_t)rows + 1, (size_t)width, err);
    uint64_t *valid = pc_arena_array(&reader->block_arena, words + 1, sizeof *valid, err);
    if (data == NULL || valid == NULL) return PC_NO_MEMORY;
    for (int64_t row = 0; row < rows; row++) {
        const pc_column *from = parent[row] < 0 ? own : theirs;
        const int64_t at = parent[row] < 0 ? row : parent[row];
        if (from->data == NULL || pc_column_is_null(from, at)) continue;
        copy_value(from, at, width, data + row * width);
        valid[row / 64] |= UINT64_C(1) << (row % 64);
    }
    own->data = data;
    own->valid = valid;
    own->width = (uint8_t)width;
    return PC_OK;
}

static pc_status load(pc_block *block, int table, int column, pc_error *err)
{
    pc_reader *reader = block->source;
    const pc_model_table *about = &reader->store->model->table[table];
    if (column < 0) {
        if (reader->is_merged) return pc_merge_load(reader, table, column, err);
        return column == PC_BLOCK_FILE ? load_files(reader, table, err)
                                       : load_parents(reader, table, err);
    }
    PC_TRY(reader->is_merged ? pc_merge_load(reader, table, column, err)
                             : load_plain(reader, table, column, err));
    if (about->parent_key < 0 || about->column[column].parent_column < 0) return PC_OK;
    const pc_status status = pc_reader_gather_key(reader, block, table, column, err);
    if (status != PC_OK) block->table[table].column[column].type = PC_NONE;
    return status;
}

pc_status pc_reader_next(pc_reader *reader, pc_block **block, pc_error *err)
{
    const pc_model *model = reader->store->model;
    pc_block *b = &reader->block;
    pc_arena_reset(&reader->block_arena);
    const int64_t first = reader->next_slot;
    b->slot_count = choose_slots(reader);
    b->first_slot = reader->store->shard_slot[reader->shard] + first;
    b->load = load;
    b->some = reader->is_merged ? NULL : pc_reader_some;
    b->source = reader;
    b->arena = &reader->block_arena;
    *block = b;
    for (int t = 0; t < model->table_count; t++) {
        pc_block_table *table = &b->table[t];
        table->offset = NULL;
        table->parent = NULL;
        table->file = NULL;
        table->companion = NULL;
        table->row_count = 0;
        for (int c = 0; table->column != NULL && c < model->table[t].column_count; c++) {
            table->column[c] = (pc_column){.type = PC_NONE};
        }
    }
    if (b->slot_count == 0) return PC_OK;
    for (int t = 0; t < model->table_count; t++) {
        if (!reader->is_needed[t]) continue;
        PC_TRY(block_offsets(reader, t, first, b->slot_count, err));
        if (reader->is_asked[t]) reader->counts.rows += b->table[t].row_count;
    }
    PC_TRY(block_keys(reader, first, b->slot_count, err));
    reader->next_slot += b->slot_count;
    reader->counts.blocks++;
    reader->counts.slots += b->slot_count;
    return PC_OK;
}

bool pc_reader_zone_is_empty(const pc_reader *reader, const pc_zone *zone)
{
    const pc_block_table *t = &reader->block.table[zone->table];
    const pc_model_table *about = &reader->store->model->table[zone->table];
    if (t->offset == NULL || t->row_count == 0) return t->offset != NULL;
    const pc_model_column *column = &about->column[zone->column];
    const bool is_key = about->parent_key >= 0 && column->parent_column >= 0;
    if (reader->is_merged || is_key || !pc_type_is_integer(column->type)) return false;
    const pc_reader_part *part = &reader->part[0];
    const pc_data_entry *data = pc_directory_find(&part->file.directory, zone->table, zone->column);
    if (data == NULL) return true;
    const int64_t *row = part->first_row[zone->table];
    const int64_t first = row[reader->next_slot - reader->block.slot_count];
    const int64_t end = row[reader->next_slot];
    for (int64_t chunk = first / data->chunk_rows; chunk * data->chunk_rows < end; chunk++) {
        const pc_chunk_entry *entry = &data->chunk[chunk];
        if (entry->null_count == pc_data_chunk_rows(data, (int)chunk)) continue;
        if (entry->min <= zone->high && entry->max >= zone->low) return false;
    }
    return true;
}
