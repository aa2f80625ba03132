/** Checking a store: hashes first, then everything that readers rely on. */
#include <stdio.h>
#include <string.h>
#include "bits.h"
#include "cursor.h"
#include "inside.h"
#include "parcours/json.h"

/** One part being checked. */
typedef struct checker {
    const pc_store *store;
    pc_budget *budget;
    pc_verify_counts *counts;
    int64_t part_index;
    pc_part_file part;
    pc_arena arena;
    pc_codec codec;
    pc_buffer stored, values, valid;
} checker;

static bool range_is_right(const pc_chunk_entry *entry, const pc_chunk_range *range)
{
    return entry->min == range->min && entry->max == range->max &&
           entry->null_count == range->null_count;
}

// Decodes a chunk and compares it with what the directory says of it.
static pc_status check_values(checker *c, const pc_data_entry *data, int chunk,
                              pc_chunk_values *values, pc_error *err)
{
    const int64_t rows = pc_data_chunk_rows(data, chunk);
    const pc_span stored = {c->stored.data, c->stored.bytes};
    const size_t words = (size_t)(rows + 63) / 64;
    PC_TRY(pc_buffer_reserve(&c->values, (size_t)(rows + 8) * data->form.width, err));
    PC_TRY(pc_buffer_reserve(&c->valid, words * 8, err));
    memset(c->valid.data, 0xFF, words * 8);
    uint64_t *valid = (uint64_t *)c->valid.data;
    if (!pc_chunk_check_is_right(stored)) {
        return PC_FAIL(err, PC_BAD_INPUT, "its fletcher32 is wrong");
    }
    PC_TRY(pc_chunk_decode(&c->codec, &data->form, stored, data->chunk_rows, rows, c->values.data,
                           data->form.has_null ? valid : NULL, err));
    *values = (pc_chunk_values){.data = c->values.data,
                                .width = data->form.width,
                                .valid = data->form.has_null ? valid : NULL,
                                .row_count = rows};
    const pc_chunk_range range = pc_chunk_measure(data->form.type, values);
    if (!range_is_right(&data->chunk[chunk], &range)) {
        return PC_FAIL(err, PC_BAD_INPUT, "its minimum, maximum or nulls are not as listed");
    }
    const bool is_code = data->form.type == PC_CODE || data->form.type == PC_TEXT;
    if (!is_code || range.null_count == rows) return PC_OK;
    const int dict = c->store->model->table[data->table].column[data->column].dict;
    if (range.max < pc_store_dict_count(c->store, c->part.directory.generation, dict)) return PC_OK;
    return PC_FAIL(err, PC_BAD_INPUT, "a code is not in its dictionary");
}

/** What is known of the slots so far. */
typedef struct slot_check {
    pc_slot_key last;
    bool has_last;
    int64_t person_count;
} slot_check;

static pc_status check_slots(const checker *c, const pc_chunk_values *values, slot_check *slots,
                             pc_error *err)
{
    const pc_slot_key *key = values->data;
    for (int64_t i = 0; i < values->row_count; i++) {
        const uint64_t hash = pc_slot_hash(&key[i]);
        const uint64_t last = slots->has_last ? pc_slot_hash(&slots->last) : 0;
        if (slots->has_last &&
            (hash < last || (hash == last && memcmp(&slots->last, &key[i], sizeof *key) >= 0))) {
            return PC_FAIL(err, PC_BAD_INPUT, "slots are not in order");
        }
        if (pc_slot_shard(hash, (uint32_t)c->store->shard_count) != c->part.directory.shard) {
            return PC_FAIL(err, PC_BAD_INPUT, "a slot belongs to another shard");
        }
        slots->person_count += pc_slot_is_patient((pc_slot_kind)key[i].byte[0]) ? 1 : 0;
        slots->last = key[i];
        slots->has_last = true;
    }
    return PC_OK;
}

static pc_status check_data(checker *c, const pc_data_entry *data, slot_check *slots, pc_error *err)
{
    for (int chunk = 0; chunk < data->chunk_count; chunk++) {
        pc_chunk_values values;
        PC_TRY(pc_part_file_chunk(&c->part, data, chunk, &c->stored, err));
        pc_status status = check_values(c, data, chunk, &values, err);
        if (status == PC_OK && data->table < 0) status = check_slots(c, &values, slots, err);
        if (status != PC_OK) {
            pc_part_file_prefix(&c->part, data, chunk, err);
            return status;
        }
        c->counts->chunks++;
    }
    return PC_OK;
}

// Rows of the directory, without those of hidden slots, are those of parts.h5.
static pc_status check_rows(checker *c, pc_error *err)
{
    const pc_store *store = c->store;
    const int tables = store->model->table_count;
    const int64_t hidden = store->hidden_offset[c->part_index];
    int64_t *rows = pc_arena_array(&c->arena, (size_t)tables, sizeof *rows, err);
    if (rows == NULL) return PC_NO_MEMORY;
    memcpy(rows, c->part.directory.table_rows, (size_t)tables * sizeof *rows);
    for (int t = 0; t < tables; t++)
        c->counts->rows += rows[t];
    PC_TRY(pc_parts_subtract_hidden(&c->part, store->hidden + hidden,
                                    store->hidden_offset[c->part_index + 1] - hidden, c->budget,
                                    rows, err));
    for (int t = 0; t < tables; t++) {
        if (rows[t] == store->part_rows[c->part_index * tables + t]) continue;
        return PC_FAIL(err, PC_BAD_INPUT, "part '%s': parts.h5 lists other row counts of '%s'",
                       c->part.path, store->model->table[t].name);
    }
    return PC_OK;
}

static pc_status check_content(checker *c, pc_error *err)
{
    slot_check slots = {.has_last = false};
    const pc_directory *d = &c->part.directory;
    for (int i = 0; i < d->data_count; i++)
        PC_TRY(check_data(c, &d->data[i], &slots, err));
    if (slots.person_count != d->person_count ||
        d->person_count != c->store->part[c->part_index].person_count) {
        return PC_FAIL(err, PC_BAD_INPUT, "part '%s' miscounts its patients", c->part.path);
    }
    return check_rows(c, err);
}

static pc_status check_part(const pc_store *store, int64_t index, pc_budget *budget,
                            pc_verify_counts *counts, pc_error *err)
{
    const pc_part_info *info = &store->part[index];
    char path[PC_PATH_BYTES];
    pc_digest digest;
    int64_t bytes;
    PC_TRY(pc_part_path(store->path, info->shard, info->number, path, err));
    PC_TRY(pc_file_digest(path, budget, &digest, &bytes, err));
    if (bytes != info->bytes || memcmp(&digest, &info->file_digest, sizeof digest) != 0) {
        return PC_FAIL(err, PC_BAD_INPUT,
                       "part '%s' is damaged: it has changed since it was written", path);
    }
    checker c = {
        .store = store,
        .budget = budget,
        .counts = counts,
        .part_index = index,
        .part = {.fd = -1},
        .arena = {.budget = budget},
        .codec = {.budget = budget, .scratch = {.budget = budget}, .scratch2 = {.budget = budget}},
        .stored = {.budget = budget},
        .values = {.budget = budget},
        .valid = {.budget = budget}};
    pc_status status = pc_part_file_open(path, store->model, info, &c.arena, &c.part, err);
    if (status == PC_OK) status = check_content(&c, err);
    pc_part_file_close(&c.part);
    pc_codec_release(&c.codec);
    pc_buffer_release(&c.stored);
    pc_buffer_release(&c.values);
    pc_buffer_release(&c.valid);
    pc_arena_reset(&c.arena);
    counts->parts++;
    counts->bytes += bytes;
    return status;
}

// Days of a slot's rows do not descend, nulls last.
static pc_status check_days(pc_block *block, int table, pc_error *err)
{
    const pc_column *day;
    const pc_block_table *t = &block->table[table];
    PC_TRY(pc_block_column(block, table, block->model->table[table].event_date, &day, err));
    if (day->data == NULL) return PC_OK;
    for (int slot = 0; slot < block->slot_count; slot++) {
        for (int64_t row = t->offset[slot] + 1; row < t->offset[slot + 1]; row++) {
            if (pc_column_is_null(day, row)) continue;
            if (pc_column_is_null(day, row - 1) ||
                pc_column_int(day, row) < pc_column_int(day, row - 1)) {
                return PC_FAIL(err, PC_BAD_INPUT, "rows of '%s' are not in order of event_date",
                               block->model->table[table].name);
            }
        }
    }
    return PC_OK;
}

static pc_status check_block(pc_block *block, pc_error *err)
{
    for (int t = 0; t < block->model->table_count; t++) {
        const pc_model_table *about = &block->model->table[t];
        const int32_t *parent;
        if (block->table[t].offset == NULL || block->table[t].row_count == 0) continue;
        if (about->parent_key >= 0) PC_TRY(pc_block_parent(block, t, &parent, err));
        if (about->event_date >= 0) PC_TRY(check_days(block, t, err));
    }
    return PC_OK;
}

// All links and the order of rows, as a reader sees them.
static pc_status check_blocks(const pc_store *store, int shard, const bool *all, pc_budget *budget,
                              pc_error *err)
{
    pc_reader *reader = NULL;
    const pc_read_request request = {.table = all};
    PC_TRY(pc_reader_open(store, shard, &request, budget, &reader, err));
    pc_status status = PC_OK;
    for (bool is_end = false; status == PC_OK && !is_end;) {
        pc_block *block = NULL;
        status = pc_reader_next(reader, &block, err);
        is_end = status != PC_OK || block->slot_count == 0;
        if (!is_end) status = check_block(block, err);
    }
    pc_reader_close(reader);
    if (status != PC_OK) pc_error_prefix(err, "shard %d", shard);
    return status;
}

static bool take_rows(const pc_json *table, const char *key, int64_t *out)
{
    const pc_json *value = pc_json_get(table, key);
    return value != NULL && pc_json_int(value, out);
}

// rows_read = rows_stored + rows_rejected, and what is stored is in the parts.
static pc_status check_manifest(const pc_store *store, pc_error *err)
{
    const pc_json *tables = pc_json_get(store->manifest, "tables");
    if (tables == NULL) return PC_OK;
    for (const pc_json *v = pc_json_first(tables); v != NULL; v = pc_json_next(v)) {
        int64_t read, stored, rejected;
        if (pc_json_kind_of(v) != PC_JSON_OBJECT || !take_rows(v, "rows_stored", &stored)) continue;
        const char *name = pc_json_key(v);
        const int table = pc_model_find_table(store->model, pc_span_of(name));
        if (table < 0) {
            return PC_FAIL(err, PC_BAD_INPUT, "store.json: no table '%s' in the model", name);
        }
        if (pc_store_table_rows(store, table) != stored) {
            return PC_FAIL(err, PC_BAD_INPUT, "store.json: '%s' has rows_stored %lld, found %lld",
                           name, (long long)stored, (long long)pc_store_table_rows(store, table));
        }
        if (take_rows(v, "rows_read", &read) && take_rows(v, "rows_rejected", &rejected) &&
            read != stored + rejected) {
            return PC_FAIL(err, PC_BAD_INPUT,
                           "store.json: '%s': rows_read is not rows_stored + rows_rejected", name);
        }
    }
    return PC_OK;
}

pc_status pc_store_verify(pc_store *store, int first_shard, int shard_count, pc_budget *budget,
                          pc_verify_counts *counts, pc_error *err)
{
    pc_arena arena = {.budget = budget};
    const size_t tables = (size_t)store->model->table_count;
    bool *all = pc_arena_array(&arena, tables, sizeof *all, err);
    pc_status status = all == NULL ? PC_NO_MEMORY : PC_OK;
    if (status == PC_OK && first_shard == 0) status = check_manifest(store, err);
    if (status == PC_OK && first_shard == 0) status = pc_dictionaries_check(store, err);
    if (status == PC_OK && first_shard == 0) status = pc_references_read(store, -1, err);
    for (size_t t = 0; all != NULL && t < tables; t++)
        all[t] = true;
    for (int shard = first_shard; shard < first_shard + shard_count && status == PC_OK; shard++) {
        for (int64_t i = store->shard_part[shard];
             i < store->shard_part[shard + 1] && status == PC_OK; i++) {
            status = check_part(store, i, budget, counts, err);
        }
        if (status == PC_OK) status = check_blocks(store, shard, all, budget, err);
        if (status == PC_OK) counts->shards++;
    }
    pc_arena_reset(&arena);
    return status;
}
