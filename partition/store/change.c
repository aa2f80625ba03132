/** Changing a store: what is added to it is told of its parts, its slots and its dictionaries. */
#include <assert.h>
#include <string.h>
#include "cursor.h"
#include "inside.h"

uint32_t pc_store_edition(const pc_store *store)
{
    return store->edition;
}

const pc_part_info *pc_store_parts(const pc_store *store, int64_t *count)
{
    *count = store->part_count;
    return store->part;
}

void pc_store_shard_parts(const pc_store *store, int shard, int64_t *from, int64_t *to)
{
    *from = store->shard_part[shard];
    *to = store->shard_part[shard + 1];
}

const uint32_t *pc_store_hidden(const pc_store *store, int64_t part, int64_t *count)
{
    *count = store->hidden_offset[part + 1] - store->hidden_offset[part];
    return store->hidden + store->hidden_offset[part];
}

pc_status pc_part_look(const char *store, const pc_model *model, const pc_part_info *part,
                       pc_budget *budget, pc_error *err)
{
    char path[PC_PATH_BYTES];
    pc_arena arena = {.budget = budget};
    pc_part_file file = {.fd = -1};
    pc_status status = pc_part_path(store, part->shard, part->number, path, err);
    if (status == PC_OK) status = pc_part_file_open(path, model, part, &arena, &file, err);
    pc_part_file_close(&file);
    pc_arena_reset(&arena);
    return status;
}

// ---- dictionaries -----------------------------------------------------------------------------

// The new number of each text of dictionary `d`; NULL: a text is missing, or no memory.
static uint32_t *map_texts(pc_store *store, const pc_dict *from, const pc_dict *to, pc_error *err)
{
    uint32_t *map = pc_arena_array(&store->arena, (size_t)from->count + 1, sizeof *map, err);
    uint32_t at = 0;
    for (uint32_t i = 0; map != NULL && i < from->count; i++, at++) {
        // Both ascend, so each text is found behind the one before.
        while (at < to->count && !pc_span_equal(pc_dict_text(from, i), pc_dict_text(to, at)))
            at++;
        if (at == to->count) {
            (void)PC_FAIL(err, PC_BAD_INPUT, "a larger dictionary lacks a text of the old one");
            return NULL;
        }
        map[i] = at;
    }
    return map;
}

static pc_status renumber_reference(pc_store *store, pc_column *column, int64_t row_count,
                                    const uint32_t *map, pc_error *err)
{
    if (column->data == NULL) return PC_OK;
    uint32_t *data = pc_arena_array(&store->arena, (size_t)row_count + 1, sizeof *data, err);
    if (data == NULL) return PC_NO_MEMORY;
    for (int64_t row = 0; row < row_count; row++) {
        if (!pc_column_is_null(column, row)) data[row] = map[pc_column_int(column, row)];
    }
    column->data = data;
    column->width = sizeof *data;
    return PC_OK;
}

static pc_status renumber_references(pc_store *store, uint32_t *const *map, pc_error *err)
{
    PC_TRY(pc_references_read(store, -1, err));
    for (int t = 0; t < store->model->table_count; t++) {
        const pc_model_table *table = &store->model->table[t];
        for (int c = 0; store->reference[t] != NULL && c < table->column_count; c++) {
            const int dict = table->column[c].dict;
            if (dict < 0) continue;
            PC_TRY(renumber_reference(store, &store->reference[t][c], store->reference_rows[t],
                                      map[dict], err));
        }
    }
    return PC_OK;
}

pc_status pc_store_grow(pc_store *store, const pc_dict *const *dict, pc_error *err)
{
    const size_t dicts = (size_t)store->model->dict_count;
    const size_t olds = dicts * store->generation_count;
    bool grows = false;
    for (size_t d = 0; d < dicts; d++)
        grows = grows || dict[d]->count != store->dict[d].count;
    if (!grows) return PC_OK;
    uint32_t **old_to_new = pc_arena_array(&store->arena, olds + 1, sizeof *old_to_new, err);
    uint32_t *old_count = pc_arena_array(&store->arena, olds + 1, sizeof *old_count, err);
    if (old_to_new == NULL || old_count == NULL) return PC_NO_MEMORY;
    uint32_t **newest = old_to_new + olds - dicts;
    for (size_t d = 0; d < dicts; d++) {
        newest[d] = map_texts(store, &store->dict[d], dict[d], err);
        if (newest[d] == NULL) return err != NULL ? err->status : PC_NO_MEMORY;
        old_count[olds - dicts + d] = store->dict[d].count;
    }
    for (size_t i = 0; i + dicts < olds; i++) {
        old_count[i] = store->old_count[i];
        old_to_new[i] = store->old_to_new[i];
        for (uint32_t text = 0; text < old_count[i]; text++)
            old_to_new[i][text] = newest[i % dicts][old_to_new[i][text]];
    }
    PC_TRY(renumber_references(store, newest, err));
    for (size_t d = 0; d < dicts; d++)
        store->dict[d] = *dict[d];
    store->old_to_new = old_to_new;
    store->old_count = old_count;
    store->generation_count++;
    return PC_OK;
}

void pc_store_generations(const pc_store *store, pc_store_contents *out)
{
    out->dict = store->dict;
    out->generation_count = store->generation_count;
    out->old_to_new = store->old_to_new;
    out->old_count = store->old_count;
}

// ---- a larger model ----------------------------------------------------------------------------

static pc_status extend_dicts(pc_store *store, const pc_model *model, pc_error *err)
{
    static const uint64_t no_text[1] = {0};
    const size_t before = (size_t)store->model->dict_count, after = (size_t)model->dict_count;
    const size_t generations = store->generation_count;
    pc_dict *dict = pc_arena_array(&store->arena, after + 1, sizeof *dict, err);
    uint32_t **map = pc_arena_array(&store->arena, generations * after + 1, sizeof *map, err);
    uint32_t *count = pc_arena_array(&store->arena, generations * after + 1, sizeof *count, err);
    uint32_t *no_map = pc_arena_array(&store->arena, 1, sizeof *no_map, err);
    if (dict == NULL || map == NULL || count == NULL || no_map == NULL) return PC_NO_MEMORY;
    for (size_t d = 0; d < after; d++) {
        dict[d] =
            d < before ? store->dict[d] : (pc_dict){.sorted = true, .offset = no_text, .bytes = ""};
        for (size_t g = 0; g + 1 < generations; g++) {
            map[g * after + d] = d < before ? store->old_to_new[g * before + d] : no_map;
            count[g * after + d] = d < before ? store->old_count[g * before + d] : 0;
        }
    }
    store->dict = dict;
    store->old_to_new = map;
    store->old_count = count;
    return PC_OK;
}

// Columns look at dictionaries in their new place; reference tables that are added have no rows.
static pc_status extend_references(pc_store *store, const pc_model *model, pc_error *err)
{
    const size_t after = (size_t)model->table_count;
    pc_column **reference = pc_arena_array(&store->arena, after, sizeof *reference, err);
    int64_t *rows = pc_arena_array(&store->arena, after, sizeof *rows, err);
    bool *is_read = pc_arena_array(&store->arena, after, sizeof *is_read, err);
    if (reference == NULL || rows == NULL || is_read == NULL) return PC_NO_MEMORY;
    for (int t = 0; t < model->table_count; t++) {
        const pc_model_table *table = &model->table[t];
        if (table->path != PC_PATH_NONE) continue;
        const bool is_new = t >= store->model->table_count;
        pc_column *column = is_new ? pc_arena_array(&store->arena, (size_t)table->column_count + 1,
                                                    sizeof *column, err)
                                   : store->reference[t];
        if (column == NULL) return PC_NO_MEMORY;
        for (int c = 0; c < table->column_count; c++) {
            const pc_model_column *about = &table->column[c];
            if (is_new) column[c] = (pc_column){.type = about->type, .width = 1};
            if (about->dict >= 0) column[c].dict = &store->dict[about->dict];
        }
        reference[t] = column;
        rows[t] = is_new ? 0 : store->reference_rows[t];
        is_read[t] = true;
    }
    store->reference = reference;
    store->reference_is_read = is_read;
    store->reference_rows = rows;
    return PC_OK;
}

pc_status pc_store_extend(pc_store *store, const pc_model *model, pc_error *err)
{
    const size_t before = (size_t)store->model->table_count, after = (size_t)model->table_count;
    const size_t parts = (size_t)store->part_count;
    assert(after >= before && model->dict_count >= store->model->dict_count);
    assert(strcmp(model->table[before - 1].name, store->model->table[before - 1].name) == 0);
    int64_t *rows = pc_arena_array(&store->arena, parts * after + 1, sizeof *rows, err);
    if (rows == NULL) return PC_NO_MEMORY;
    for (size_t p = 0; p < parts; p++) {
        memcpy(rows + p * after, store->part_rows + p * before, before * sizeof *rows);
    }
    PC_TRY(pc_references_read(store, -1, err)); // as the model knew them
    PC_TRY(extend_dicts(store, model, err));
    PC_TRY(extend_references(store, model, err));
    store->part_rows = rows;
    store->model = model;
    return PC_OK;
}

// ---- slots ------------------------------------------------------------------------------------

static int compare_keys(const pc_slot_key *a, const pc_slot_key *b)
{
    const uint64_t hash_a = pc_slot_hash(a), hash_b = pc_slot_hash(b);
    if (hash_a != hash_b) return hash_a < hash_b ? -1 : 1;
    return memcmp(a->byte, b->byte, sizeof a->byte);
}

// The keys that the part's own keys [count] hold, but hidden ones.
static pc_status match_keys(const pc_store *store, int64_t part, const pc_slot_key *own,
                            int64_t count, const pc_slot_key *key, int64_t key_count,
                            pc_buffer *out, pc_error *err)
{
    int64_t hidden = store->hidden_offset[part], at = 0;
    for (int64_t i = 0; i < count && at < key_count; i++) {
        while (at < key_count && compare_keys(&key[at], &own[i]) < 0)
            at++;
        while (hidden < store->hidden_offset[part + 1] && store->hidden[hidden] < (uint32_t)i)
            hidden++;
        const bool is_hidden =
            hidden < store->hidden_offset[part + 1] && store->hidden[hidden] == (uint32_t)i;
        if (at == key_count || is_hidden || memcmp(&key[at], &own[i], sizeof *own) != 0) continue;
        const pc_part_slot found = {part, (uint32_t)i};
        PC_TRY(pc_buffer_append(out, &found, sizeof found, err));
    }
    return PC_OK;
}

static pc_status find_in_part(const pc_store *store, int64_t part, const pc_slot_key *key,
                              int64_t key_count, pc_budget *budget, pc_buffer *out, pc_error *err)
{
    const pc_part_info *info = &store->part[part];
    char path[PC_PATH_BYTES];
    pc_arena arena = {.budget = budget};
    pc_part_file file = {.fd = -1};
    pc_codec codec = {
        .budget = budget, .scratch = {.budget = budget}, .scratch2 = {.budget = budget}};
    pc_buffer stored = {.budget = budget};
    pc_read_counts counts = {0};
    pc_status status = pc_part_path(store->path, info->shard, info->number, path, err);
    if (status == PC_OK) status = pc_part_file_open(path, store->model, info, &arena, &file, err);
    const pc_data_entry *data =
        status == PC_OK ? pc_directory_find(&file.directory, -1, PC_DATA_SLOT_KEY) : NULL;
    if (data != NULL) {
        const pc_cursor_tools tools = {&file, &codec, &stored, &counts};
        pc_cursor cursor;
        pc_column view;
        pc_cursor_begin(&cursor, data, 0, budget);
        status = pc_cursor_view(&cursor, &tools, 0, data->row_count, &view, err);
        if (status == PC_OK) {
            status = match_keys(store, part, view.data, data->row_count, key, key_count, out, err);
        }
        pc_cursor_release(&cursor);
    }
    pc_part_file_close(&file);
    pc_codec_release(&codec);
    pc_buffer_release(&stored);
    pc_arena_reset(&arena);
    return status;
}

pc_status pc_store_find_slots(const pc_store *store, int shard, const pc_slot_key *key,
                              int64_t key_count, pc_budget *budget, pc_buffer *out, pc_error *err)
{
    for (int64_t part = store->shard_part[shard];
         key_count > 0 && part < store->shard_part[shard + 1]; part++) {
        PC_TRY(find_in_part(store, part, key, key_count, budget, out, err));
    }
    return PC_OK;
}
