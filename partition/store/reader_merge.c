/** Several parts of a shard as one: slots are merged in their common order, hidden ones left out;
 * the rows of a slot are merged by event_date, those of an earlier part first; codes of older
 *  dictionaries are renumbered; links lead across parts. */
#include <assert.h>
#include <string.h>
#include "reader.h"

static bool slot_is_hidden(const pc_store *store, int64_t part, int64_t slot)
{
    int64_t from = store->hidden_offset[part], to = store->hidden_offset[part + 1];
    while (from < to) {
        const int64_t middle = from + (to - from) / 2;
        if (store->hidden[middle] == slot) return true;
        if (store->hidden[middle] < slot) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return false;
}

static int compare_keys(const pc_slot_key *a, const pc_slot_key *b)
{
    const uint64_t hash_a = pc_slot_hash(a), hash_b = pc_slot_hash(b);
    if (hash_a != hash_b) return hash_a < hash_b ? -1 : 1;
    return memcmp(a->byte, b->byte, sizeof a->byte);
}

// Keys of all slots of a part, [slot_count], in the reader's arena.
static pc_status read_keys(pc_reader *reader, pc_reader_part *part, const pc_slot_key **out,
                           pc_error *err)
{
    const int64_t count = part->file.directory.slot_count;
    const pc_cursor_tools tools = pc_reader_tools(reader, part);
    pc_cursor *cursor;
    pc_column view = {.data = NULL};
    PC_TRY(pc_reader_cursor(reader, part, -1, PC_DATA_SLOT_KEY, &cursor, err));
    if (cursor == NULL && count > 0) {
        return PC_FAIL(err, PC_BAD_INPUT, "part '%s' has no slot keys", part->file.path);
    }
    if (count > 0) PC_TRY(pc_cursor_view(cursor, &tools, 0, count, &view, err));
    *out = view.data;
    return PC_OK;
}

// The part whose next visible slot comes first, or -1. Moves positions over hidden slots.
static int first_part(const pc_reader *reader, const pc_slot_key *const *key, int64_t *at)
{
    int best = -1;
    for (int p = 0; p < reader->part_count; p++) {
        const pc_reader_part *part = &reader->part[p];
        const int64_t count = part->file.directory.slot_count;
        while (at[p] < count && slot_is_hidden(reader->store, part->store_part, at[p]))
            at[p]++;
        if (at[p] == count) continue;
        if (best < 0 || compare_keys(&key[p][at[p]], &key[best][at[best]]) < 0) best = p;
    }
    return best;
}

static pc_status merge_slots(pc_reader *reader, const pc_slot_key *const *key, int64_t *at,
                             pc_error *err)
{
    pc_merge *m = &reader->merge;
    size_t total = 0;
    for (int p = 0; p < reader->part_count; p++) {
        total += (size_t)reader->part[p].file.directory.slot_count;
    }
    m->first_entry = pc_arena_array(&reader->arena, total + 1, sizeof *m->first_entry, err);
    m->entry_part = pc_arena_array(&reader->arena, total + 1, sizeof *m->entry_part, err);
    m->entry_slot = pc_arena_array(&reader->arena, total + 1, sizeof *m->entry_slot, err);
    m->key = pc_arena_array(&reader->arena, total + 1, sizeof *m->key, err);
    if (m->first_entry == NULL || m->entry_part == NULL || m->entry_slot == NULL ||
        m->key == NULL) {
        return PC_NO_MEMORY;
    }
    int64_t entries = 0;
    for (int p = first_part(reader, key, at); p >= 0; p = first_part(reader, key, at)) {
        const pc_slot_key *next = &key[p][at[p]];
        const bool is_new =
            m->slot_count == 0 || memcmp(&m->key[m->slot_count - 1], next, sizeof *next) != 0;
        if (is_new) {
            m->first_entry[m->slot_count] = entries;
            m->key[m->slot_count++] = *next;
        }
        m->entry_part[entries] = (uint32_t)p;
        m->entry_slot[entries++] = (uint32_t)at[p]++;
        m->first_entry[m->slot_count] = entries;
    }
    return PC_OK;
}

pc_status pc_merge_begin(pc_reader *reader, pc_error *err)
{
    const size_t parts = (size_t)reader->part_count;
    const pc_slot_key **key = pc_arena_array(&reader->arena, parts, sizeof *key, err);
    int64_t *at = pc_arena_array(&reader->arena, parts, sizeof *at, err);
    if (key == NULL || at == NULL) return PC_NO_MEMORY;
    for (int p = 0; p < reader->part_count; p++) {
        PC_TRY(read_keys(reader, &reader->part[p], &key[p], err));
    }
    PC_TRY(merge_slots(reader, key, at, err));
    for (int p = 0; p < reader->part_count; p++) {
        if (reader->part[p].key != NULL) pc_cursor_release(reader->part[p].key);
    }
    return PC_OK;
}

int64_t pc_merge_slot_rows(const pc_reader *reader, int64_t slot, int table)
{
    const pc_merge *m = &reader->merge;
    int64_t rows = 0;
    for (int64_t e = m->first_entry[slot]; e < m->first_entry[slot + 1]; e++) {
        const int64_t *first = reader->part[m->entry_part[e]].first_row[table];
        rows += first[m->entry_slot[e] + 1] - first[m->entry_slot[e]];
    }
    return rows;
}

/** Event dates of the rows low .. high - 1 of each part, for merging. */
typedef struct dates {
    const pc_column *view; // [part_count] data NULL: all null
    const int64_t *low;
} dates;

// Nulls come last.
static int64_t date_of(const dates *d, uint32_t part, int64_t row)
{
    const pc_column *view = &d->view[part];
    const int64_t at = row - d->low[part];
    if (view->data == NULL || pc_column_is_null(view, at)) return INT64_MAX;
    return pc_column_int(view, at);
}

// Merges rows `count` .. of `part` at the end of the sorted rows 0 .. old_count - 1 of a slot: from
// the back, so that each moves once, equal dates keep the earlier part first.
static void merge_run(const dates *d, uint32_t *part, int64_t *row, int64_t old_count,
                      uint32_t new_part, int64_t new_row, int64_t new_count)
{
    int64_t a = old_count - 1, b = new_count - 1;
    for (int64_t to = old_count + new_count - 1; b >= 0; to--) {
        const bool takes_old =
            a >= 0 && date_of(d, part[a], row[a]) > date_of(d, new_part, new_row + b);
        if (takes_old) {
            part[to] = part[a];
            row[to] = row[a--];
        } else {
            part[to] = new_part;
            row[to] = new_row + b--;
        }
    }
}

// The rows of each part that the block's slots cover.
static pc_status find_ranges(pc_reader *reader, int table, int64_t first, int count,
                             pc_merged_rows *rows, pc_error *err)
{
    const pc_merge *m = &reader->merge;
    const size_t parts = (size_t)reader->part_count;
    rows->low = pc_arena_array(&reader->block_arena, parts, sizeof *rows->low, err);
    rows->high = pc_arena_array(&reader->block_arena, parts, sizeof *rows->high, err);
    if (rows->low == NULL || rows->high == NULL) return PC_NO_MEMORY;
    for (size_t p = 0; p < parts; p++)
        rows->low[p] = -1;
    for (int64_t e = m->first_entry[first]; e < m->first_entry[first + count]; e++) {
        const uint32_t p = m->entry_part[e];
        const int64_t *first_row = reader->part[p].first_row[table];
        if (rows->low[p] < 0) rows->low[p] = first_row[m->entry_slot[e]];
        rows->high[p] = first_row[m->entry_slot[e] + 1];
    }
    for (size_t p = 0; p < parts; p++) {
        if (rows->low[p] < 0) rows->low[p] = 0;
    }
    return PC_OK;
}

// The rows of a column that the block covers, in one part.
static pc_status view_part(pc_reader *reader, int p, int table, int column, pc_column *out,
                           pc_error *err)
{
    pc_reader_part *part = &reader->part[p];
    const pc_merged_rows *rows = &reader->merged[table];
    const pc_cursor_tools tools = pc_reader_tools(reader, part);
    pc_cursor *cursor;
    *out = (pc_column){.width = 0};
    PC_TRY(pc_reader_cursor(reader, part, table, column, &cursor, err));
    if (cursor == NULL) return PC_OK;
    PC_TRY(pc_cursor_view(cursor, &tools, rows->low[p], rows->high[p] - rows->low[p], out, err));
    out->type = cursor->data->form.type == PC_NONE ? PC_KEY : cursor->data->form.type;
    return PC_OK;
}

pc_status pc_merge_table(pc_reader *reader, int table, int64_t first, int count, int64_t *offset,
                         pc_error *err)
{
    const pc_merge *m = &reader->merge;
    pc_merged_rows *rows = &reader->merged[table];
    for (int slot = 0; slot < count; slot++) {
        offset[slot + 1] = offset[slot] + pc_merge_slot_rows(reader, first + slot, table);
    }
    const size_t total = (size_t)offset[count];
    rows->part = pc_arena_array(&reader->block_arena, total + 1, sizeof *rows->part, err);
    rows->row = pc_arena_array(&reader->block_arena, total + 1, sizeof *rows->row, err);
    pc_column *view =
        pc_arena_array(&reader->block_arena, (size_t)reader->part_count, sizeof *view, err);
    if (rows->part == NULL || rows->row == NULL || view == NULL) return PC_NO_MEMORY;
    PC_TRY(find_ranges(reader, table, first, count, rows, err));
    const int date = reader->store->model->table[table].event_date;
    for (int p = 0; p < reader->part_count && date >= 0; p++) {
        PC_TRY(view_part(reader, p, table, date, &view[p], err));
    }
    const dates d = {.view = view, .low = rows->low};
    for (int slot = 0; slot < count; slot++) {
        int64_t done = 0;
        for (int64_t e = m->first_entry[first + slot]; e < m->first_entry[first + slot + 1]; e++) {
            const int64_t *first_row = reader->part[m->entry_part[e]].first_row[table];
            const int64_t from = first_row[m->entry_slot[e]];
            const int64_t run = first_row[m->entry_slot[e] + 1] - from;
            merge_run(&d, rows->part + offset[slot], rows->row + offset[slot], done,
                      m->entry_part[e], from, run);
            done += run;
        }
    }
    return PC_OK;
}

// Codes of older generations get the numbers of the newest.
static const uint32_t *code_map(const pc_reader *reader, int p, int dict)
{
    const pc_reader_part *part = &reader->part[p];
    if (dict < 0 || !part->is_old) return NULL;
    const pc_store *store = reader->store;
    return store->old_to_new[part->file.directory.generation * (uint32_t)store->model->dict_count +
                             (uint32_t)dict];
}

static pc_status load_column(pc_reader *reader, int table, int column, pc_error *err)
{
    const pc_store *store = reader->store;
    const pc_model_column *about = &store->model->table[table].column[column];
    const pc_merged_rows *rows = &reader->merged[table];
    const int64_t count = reader->block.table[table].row_count;
    pc_column *view =
        pc_arena_array(&reader->block_arena, (size_t)reader->part_count, sizeof *view, err);
    if (view == NULL) return PC_NO_MEMORY;
    pc_column *out = &reader->block.table[table].column[column];
    *out = (pc_column){.scale = about->scale,
                       .width = about->type == PC_ID ? about->width : 1,
                       .dict = about->dict >= 0 ? &store->dict[about->dict] : NULL};
    if (about->type == PC_FLOAT) out->width = 8;
    bool is_all_null = true;
    for (int p = 0; p < reader->part_count; p++) {
        PC_TRY(view_part(reader, p, table, column, &view[p], err));
        if (view[p].data == NULL) continue;
        is_all_null = false;
        const int width = code_map(reader, p, about->dict) != NULL ? 4 : view[p].width;
        if (width > out->width) out->width = (uint8_t)width;
    }
    out->type = about->type;
    if (is_all_null) return PC_OK;
    const size_t words = (size_t)(count + 63) / 64 + 1;
    char *data = pc_arena_array(&reader->block_arena, (size_t)count + 1, out->width, err);
    uint64_t *valid = pc_arena_array(&reader->block_arena, words, sizeof *valid, err);
    if (data == NULL || valid == NULL) {
        out->type = PC_NONE;
        return PC_NO_MEMORY;
    }
    for (int64_t i = 0; i < count; i++) {
        const uint32_t p = rows->part[i];
        const pc_column *from = &view[p];
        const int64_t at = rows->row[i] - rows->low[p];
        if (from->data == NULL || pc_column_is_null(from, at)) continue;
        valid[i / 64] |= UINT64_C(1) << (i % 64);
        const uint32_t *map = code_map(reader, (int)p, about->dict);
        if (map == NULL && from->width == out->width) {
            memcpy(data + i * out->width, (const char *)from->data + at * out->width, out->width);
            continue;
        }
        int64_t value = pc_column_int(from, at);
        if (map != NULL) value = map[value];
        memcpy(data + i * out->width, &value, out->width);
    }
    out->data = data;
    out->valid = valid;
    return PC_OK;
}

/** Links of a child table being followed. */
typedef struct follow {
    int table, parent_table;
    const pc_column *link, *link_part; // [part_count] views
    int32_t **row_of;                  // [part_count][high - low] row in the block of a parent row
} follow;

// Where each parent row of each part stands in the block.
static pc_status invert_parents(pc_reader *reader, int table, int32_t **row_of, pc_error *err)
{
    const pc_merged_rows *rows = &reader->merged[table];
    for (int p = 0; p < reader->part_count; p++) {
        const size_t count = (size_t)(rows->high[p] - rows->low[p]);
        row_of[p] = pc_arena_array(&reader->block_arena, count + 1, sizeof *row_of[p], err);
        if (row_of[p] == NULL) return PC_NO_MEMORY;
        for (size_t i = 0; i < count; i++)
            row_of[p][i] = -1;
    }
    const int64_t total = reader->block.table[table].row_count;
    for (int64_t i = 0; i < total; i++) {
        const uint32_t p = rows->part[i];
        row_of[p][rows->row[i] - rows->low[p]] = (int32_t)i;
    }
    return PC_OK;
}

// The parent of row `row` of part `p`, in merged slot `slot`: -1 none, -2 damaged.
static int32_t follow_link(const pc_reader *reader, const follow *f, int64_t slot, uint32_t p,
                           int64_t row)
{
    const pc_merge *m = &reader->merge;
    const int64_t at = row - reader->merged[f->table].low[p];
    if (f->link[p].data == NULL || pc_column_is_null(&f->link[p], at)) return -1;
    const uint64_t link = pc_view_number(&f->link[p], at);
    uint32_t number = reader->part[p].file.directory.number;
    const pc_column *part = &f->link_part[p];
    if (part->data != NULL && !pc_column_is_null(part, at)) {
        number = (uint32_t)pc_view_number(part, at);
    }
    for (int64_t e = m->first_entry[slot]; e < m->first_entry[slot + 1]; e++) {
        const uint32_t q = m->entry_part[e];
        if (reader->part[q].file.directory.number != number) continue;
        const int64_t *first = reader->part[q].first_row[f->parent_table] + m->entry_slot[e];
        if (link >= (uint64_t)(first[1] - first[0])) return -2;
        const int64_t low = reader->merged[f->parent_table].low[q];
        return f->row_of[q][first[0] + (int64_t)link - low];
    }
    return -2;
}

static pc_status load_parents(pc_reader *reader, int table, pc_error *err)
{
    const pc_model *model = reader->store->model;
    const size_t parts = (size_t)reader->part_count;
    pc_block_table *t = &reader->block.table[table];
    pc_arena *arena = &reader->block_arena;
    const int parent_table = model->key[model->table[table].parent_key].table;
    pc_column *link = pc_arena_array(arena, 2 * parts, sizeof *link, err);
    int32_t **row_of = pc_arena_array(arena, parts, sizeof *row_of, err);
    int32_t *out = pc_arena_array(arena, (size_t)t->row_count + 1, sizeof *out, err);
    if (link == NULL || row_of == NULL || out == NULL) return PC_NO_MEMORY;
    for (int p = 0; p < reader->part_count; p++) {
        PC_TRY(view_part(reader, p, table, PC_DATA_PARENT, &link[p], err));
        PC_TRY(view_part(reader, p, table, PC_DATA_PARENT_PART, &link[parts + (size_t)p], err));
    }
    PC_TRY(invert_parents(reader, parent_table, row_of, err));
    const follow f = {.table = table,
                      .parent_table = parent_table,
                      .link = link,
                      .link_part = link + parts,
                      .row_of = row_of};
    const pc_merged_rows *rows = &reader->merged[table];
    const int64_t first_slot = reader->next_slot - reader->block.slot_count;
    for (int slot = 0; slot < reader->block.slot_count; slot++) {
        for (int64_t i = t->offset[slot]; i < t->offset[slot + 1]; i++) {
            out[i] = follow_link(reader, &f, first_slot + slot, rows->part[i], rows->row[i]);
            if (out[i] >= -1) continue;
            return PC_FAIL(err, PC_BAD_INPUT, "part '%s': a link of '%s' leads nowhere",
                           reader->part[rows->part[i]].file.path, model->table[table].name);
        }
    }
    t->parent = out;
    return PC_OK;
}

static pc_status load_files(pc_reader *reader, int table, pc_error *err)
{
    const pc_merged_rows *rows = &reader->merged[table];
    const int64_t count = reader->block.table[table].row_count;
    pc_arena *arena = &reader->block_arena;
    pc_column *view = pc_arena_array(arena, (size_t)reader->part_count, sizeof *view, err);
    uint16_t *out = pc_arena_array(arena, (size_t)count + 1, sizeof *out, err);
    if (view == NULL || out == NULL) return PC_NO_MEMORY;
    bool is_known = true;
    for (int p = 0; p < reader->part_count; p++) {
        PC_TRY(view_part(reader, p, table, PC_DATA_FILE, &view[p], err));
        is_known = is_known && (view[p].data != NULL || rows->low[p] == rows->high[p]);
    }
    for (int64_t i = 0; is_known && i < count; i++) {
        const uint32_t p = rows->part[i];
        out[i] = (uint16_t)pc_view_number(&view[p], rows->row[i] - rows->low[p]);
    }
    if (is_known) reader->block.table[table].file = out;
    return PC_OK;
}

pc_status pc_merge_load(pc_reader *reader, int table, int column, pc_error *err)
{
    if (column == PC_BLOCK_PARENT) return load_parents(reader, table, err);
    if (column == PC_BLOCK_FILE) return load_files(reader, table, err);
    return load_column(reader, table, column, err);
}
