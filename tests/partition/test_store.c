/** Stores of several parts a shard, hidden slots, links across parts and two generations of
 *  dictionaries; verify; damage anywhere; every request for memory refused once. */
#include "partition/store/inside.h"
#include "partition/store/part_writer.h"
#include "tests/partition/store_case.h"
#include "parcours/cohort_file.h"
#include "parcours/json.h"
#include <fcntl.h>
#include <sys/stat.h>

static const char DELIVERIES[] = "[{\"name\":\"a\",\"hash\":\"00\"}]";
enum { PARTS = 3, SLOTS = 60, REFERENCE_ROWS = 5 };

/** A world of rows, and the part that each is stored in. */
typedef struct world {
    pc_arena arena;
    const pc_model *model;
    const pc_dict *dict, *old_dict;
    pc_block all;
    int8_t *part_of[16];   // [table][row]; PARTS - 1 also for slots that were rewritten
    bool is_hidden[SLOTS]; // in part 0, which then has all rows of the slot, wrongly
    uint64_t seed;
    int64_t reference_error; ///< that the manifest adds to the rows of the reference table
} world;

static void make_world(world *w, uint64_t seed, bool has_ties)
{
    *w = (world){.seed = seed};
    w->model = case_model(&w->arena);
    w->dict = case_dicts(w->model, &w->arena, CASE_TEXTS, 1);
    w->old_dict = case_dicts(w->model, &w->arena, CASE_TEXTS / 2, 2);
    w->all = case_block(w->model, w->dict, SLOTS, 0, 1, 5, &w->arena, &w->seed);
    for (int slot = 0; slot < SLOTS; slot++)
        w->is_hidden[slot] = pc_test_below(&w->seed, 5) == 0;
    for (int t = 0; t < w->model->table_count; t++) {
        pc_block_table *table = &w->all.table[t];
        if (table->offset == NULL) continue;
        w->part_of[t] = pc_arena_take(&w->arena, (size_t)table->row_count + 1, NULL);
        const int date = w->model->table[t].event_date;
        for (int slot = 0; slot < SLOTS; slot++) {
            int8_t part = 0;
            for (int64_t row = table->offset[slot]; row < table->offset[slot + 1]; row++) {
                if (!has_ties) part = (int8_t)pc_test_below(&w->seed, PARTS);
                if (has_ties && part + 1 < PARTS) part += (int8_t)pc_test_below(&w->seed, 2);
                w->part_of[t][row] = w->is_hidden[slot] ? PARTS - 1 : part;
                if (!has_ties || date < 0) continue;
                ((int32_t *)(uintptr_t)table->column[date].data)[row] = 17000 + slot;
                ((uint64_t *)(uintptr_t)table->column[date].valid)[row / 64] |= UINT64_C(1)
                                                                                << (row % 64);
            }
        }
    }
}

// Whether part `part` holds the row: in part 0 all rows of hidden slots stand too.
static bool is_in(const world *w, int t, int slot, int64_t row, int part)
{
    return w->part_of[t][row] == part || (part == 0 && w->is_hidden[slot]);
}

/** The rows of one part as a block, and their links. */
typedef struct part_rows {
    pc_block block;
    pc_part_links *links;
    uint32_t hidden[SLOTS];
    int hidden_count;
} part_rows;

static void pick_column(const world *w, const pc_column *from, const int64_t *row, int64_t count,
                        bool is_old, pc_arena *arena, pc_column *to)
{
    (void)w;
    *to = *from;
    if (from->data == NULL) return;
    char *data = pc_arena_array(arena, (size_t)count + 1, from->width, NULL);
    uint64_t *valid = pc_arena_array(arena, (size_t)count / 64 + 1, 8, NULL);
    for (int64_t i = 0; i < count; i++) {
        const char *value = (const char *)from->data + row[i] * from->width;
        memcpy(data + i * from->width, value, from->width);
        if (is_old && (from->type == PC_CODE || from->type == PC_TEXT)) {
            ((uint32_t *)(void *)data)[i] /= 2;
        }
        const uint64_t bit = pc_column_is_null(from, row[i]) ? 0 : 1;
        valid[i / 64] |= bit << (i % 64);
    }
    to->data = data;
    to->valid = valid;
}

static void pick_links(const world *w, int t, int part, const int64_t *row, int64_t count,
                       const int *slot_of, part_rows *out, pc_arena *arena)
{
    const pc_block_table *table = &w->all.table[t];
    const int p = case_parent_table(w->model, t);
    int64_t *link = pc_arena_array(arena, (size_t)count + 1, 8, NULL);
    uint32_t *number = pc_arena_array(arena, (size_t)count + 1, 4, NULL);
    for (int64_t i = 0; i < count; i++) {
        const int slot = slot_of[i];
        const int32_t parent = table->parent[row[i]];
        const bool is_wrong = part == 0 && w->is_hidden[slot];
        link[i] = -1;
        if (parent < 0 || is_wrong) continue;
        const int parent_part = w->part_of[p][parent];
        link[i] = 0;
        for (int64_t r = w->all.table[p].offset[slot]; r < parent; r++) {
            link[i] += is_in(w, p, slot, r, parent_part);
        }
        number[i] = (uint32_t)(10 * parent_part);
    }
    out->links[t] = (pc_part_links){.row = link, .part = number};
}

static void pick_part(const world *w, int part, part_rows *out, pc_arena *arena)
{
    const pc_model *model = w->model;
    const pc_block *all = &w->all;
    *out = (part_rows){.block = *all};
    pc_slot_key *key = pc_arena_array(arena, SLOTS, sizeof *key, NULL);
    int slot_list[SLOTS], slot_count = 0;
    for (int slot = 0; slot < SLOTS; slot++) {
        bool has_rows = false;
        for (int t = 0; t < model->table_count; t++) {
            if (all->table[t].offset == NULL) continue;
            for (int64_t r = all->table[t].offset[slot]; r < all->table[t].offset[slot + 1]; r++) {
                has_rows = has_rows || is_in(w, t, slot, r, part);
            }
        }
        if (!has_rows) continue;
        if (part == 0 && w->is_hidden[slot])
            out->hidden[out->hidden_count++] = (uint32_t)slot_count;
        key[slot_count] = all->slot_key[slot];
        slot_list[slot_count++] = slot;
    }
    out->block.slot_count = slot_count;
    out->block.slot_key = key;
    out->block.arena = arena;
    out->block.table =
        pc_arena_array(arena, (size_t)model->table_count, sizeof(pc_block_table), NULL);
    out->links = pc_arena_array(arena, (size_t)model->table_count, sizeof *out->links, NULL);
    for (int t = 0; t < model->table_count; t++) {
        const pc_block_table *from = &all->table[t];
        pc_block_table *to = &out->block.table[t];
        if (from->offset == NULL) continue;
        int64_t *row = pc_arena_array(arena, (size_t)from->row_count + 1, 8, NULL);
        int *slot_of = pc_arena_array(arena, (size_t)from->row_count + 1, sizeof *slot_of, NULL);
        int64_t *offset = pc_arena_array(arena, (size_t)slot_count + 1, 8, NULL);
        int64_t count = 0;
        for (int i = 0; i < slot_count; i++) {
            const int slot = slot_list[i];
            for (int64_t r = from->offset[slot]; r < from->offset[slot + 1]; r++) {
                if (!is_in(w, t, slot, r, part)) continue;
                slot_of[count] = slot;
                row[count++] = r;
            }
            offset[i + 1] = count;
        }
        const int columns = model->table[t].column_count;
        to->offset = offset;
        to->row_count = count;
        to->column = pc_arena_array(arena, (size_t)columns, sizeof(pc_column), NULL);
        for (int c = 0; c < columns; c++) {
            pick_column(w, &from->column[c], row, count, part < PARTS - 1, arena, &to->column[c]);
        }
        if (case_parent_table(model, t) >= 0) {
            pick_links(w, t, part, row, count, slot_of, out, arena);
        }
    }
}

// Rows of the one reference table, sorted by its code.
static void make_reference(const world *w, pc_reference_rows *out, pc_arena *arena)
{
    const int t = pc_model_find_table(w->model, pc_span_of("CODES"));
    const int columns = w->model->table[t].column_count;
    pc_column *column = pc_arena_array(arena, (size_t)columns, sizeof *column, NULL);
    uint64_t seed = 5;
    for (int c = 0; c < columns; c++) {
        const pc_model_column *about = &w->model->table[t].column[c];
        char *data = pc_arena_array(arena, REFERENCE_ROWS, PC_ID_MAX_BYTES, NULL);
        uint64_t *valid = pc_arena_array(arena, 1, 8, NULL);
        column[c] = (pc_column){.type = about->type, .scale = about->scale, .data = data};
        for (int row = 0; row < REFERENCE_ROWS; row++) {
            case_value(about, row, data, valid, &column[c].width, &seed);
        }
        column[c].valid = valid;
    }
    *out = (pc_reference_rows){.table = t, .row_count = REFERENCE_ROWS, .column = column};
}

static pc_status write_part(const world *w, const char *folder, const part_rows *rows, int part,
                            pc_budget *budget, pc_part_info *info, pc_error *err)
{
    pc_part_writer *writer = NULL;
    pc_block block = rows->block;
    pc_status status = pc_part_begin(folder, w->model, 0, (uint32_t)(10 * part), (uint32_t)part,
                                     part < PARTS - 1 ? 0 : 1, budget, &writer, err);
    if (status == PC_OK) status = pc_part_add_linked(writer, &block, rows->links, err);
    if (status == PC_OK) status = pc_part_end(writer, info, err);
    pc_part_free(writer);
    return status;
}

// rows_stored of each table, as ingest would say it.
static void print_tables(const world *w, pc_buffer *out)
{
    for (int t = 0; t < w->model->table_count; t++) {
        const bool is_reference = w->all.table[t].offset == NULL;
        const int64_t rows =
            is_reference ? REFERENCE_ROWS + w->reference_error : w->all.table[t].row_count;
        const pc_status status = pc_buffer_print(
            out, NULL, "%s\"%s\":{\"rows_read\":%lld,\"rows_stored\":%lld,\"rows_rejected\":3}",
            t == 0 ? "{" : ",", w->model->table[t].name, (long long)rows + 3, (long long)rows);
        CU_ASSERT_EQUAL(status, PC_OK);
    }
    CU_ASSERT_EQUAL(pc_buffer_append(out, "}", 1, NULL), PC_OK);
}

static pc_status write_world(const world *w, const char *folder, pc_budget *budget, pc_error *err)
{
    pc_arena arena = {0};
    pc_buffer tables = {0};
    pc_part_info info[PARTS];
    part_rows rows[PARTS];
    int64_t hidden_offset[PARTS + 1] = {0};
    uint32_t hidden[PARTS * SLOTS];
    uint32_t *map[16], map_count[16];
    pc_reference_rows reference;
    pc_status status = PC_OK;
    for (int part = 0; part < PARTS && status == PC_OK; part++) {
        pick_part(w, part, &rows[part], &arena);
        status = write_part(w, folder, &rows[part], part, budget, &info[part], err);
        memcpy(hidden + hidden_offset[part], rows[part].hidden,
               (size_t)rows[part].hidden_count * sizeof *hidden);
        hidden_offset[part + 1] = hidden_offset[part] + rows[part].hidden_count;
    }
    for (int d = 0; d < w->model->dict_count; d++) {
        map[d] = pc_arena_array(&arena, CASE_TEXTS / 2, sizeof *map[d], NULL);
        map_count[d] = CASE_TEXTS / 2;
        for (uint32_t i = 0; i < CASE_TEXTS / 2; i++)
            map[d][i] = 2 * i;
    }
    make_reference(w, &reference, &arena);
    print_tables(w, &tables);
    const pc_manifest manifest = {.model = w->model,
                                  .shard_count = 1,
                                  .deliveries_json = {DELIVERIES, sizeof DELIVERIES - 1},
                                  .tables_json = {tables.data, tables.bytes}};
    const pc_store_contents contents = {.manifest = &manifest,
                                        .dict = w->dict,
                                        .generation_count = 2,
                                        .old_to_new = map,
                                        .old_count = map_count,
                                        .reference = &reference,
                                        .reference_count = 1,
                                        .part = info,
                                        .part_count = PARTS,
                                        .hidden_offset = hidden_offset,
                                        .hidden = hidden};
    if (status == PC_OK) status = pc_store_write(folder, &contents, budget, err);
    pc_buffer_release(&tables);
    pc_arena_reset(&arena);
    return status;
}

static pc_status verify(const char *folder, pc_budget *budget, pc_verify_counts *counts,
                        pc_error *err)
{
    pc_store *store = NULL;
    pc_status status = pc_store_open(folder, budget, &store, err);
    if (status == PC_OK) {
        status = pc_store_verify(store, 0, pc_store_shard_count(store), budget, counts, err);
    }
    pc_store_close(store);
    return status;
}

/** A reference table is read when it is asked for; that it has other rows than the manifest says is
 *  found then, and by verify. */
static void test_rows_of_a_reference(void)
{
    char folder[128];
    case_folder(folder);
    world w;
    pc_budget budget = {0};
    pc_error err = {0};
    pc_verify_counts counts = {0};
    make_world(&w, 7, false);
    w.reference_error = 1;
    CU_ASSERT_EQUAL(write_world(&w, folder, &budget, &err), PC_OK);
    pc_store *store = NULL;
    CU_ASSERT_EQUAL_FATAL(pc_store_open(folder, &budget, &store, &err), PC_OK);
    const pc_column *column;
    int64_t rows;
    const int codes = pc_model_find_table(w.model, pc_span_of("CODES"));
    CU_ASSERT_EQUAL(pc_store_reference(store, codes, &column, &rows, &err), PC_BAD_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "as many rows"));
    pc_store_close(store);
    CU_ASSERT_EQUAL(verify(folder, &budget, &counts, &err), PC_BAD_INPUT);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
    pc_arena_reset(&w.arena);
}

// Both have the same texts and the same new numbers of old codes.
static int64_t texts_that_differ(const pc_store *a, const pc_store *b)
{
    const size_t dicts = (size_t)a->model->dict_count;
    int64_t wrong = 0;
    for (size_t d = 0; d < dicts; d++) {
        wrong += a->dict[d].count != b->dict[d].count;
        for (uint32_t i = 0; wrong == 0 && i < a->dict[d].count; i++)
            wrong += !pc_span_equal(pc_dict_text(&a->dict[d], i), pc_dict_text(&b->dict[d], i));
    }
    for (size_t i = 0; wrong == 0 && i < dicts * (a->generation_count - 1); i++) {
        wrong += a->old_count[i] != b->old_count[i];
        for (uint32_t text = 0; wrong == 0 && text < a->old_count[i]; text++)
            wrong += a->old_to_new[i][text] != b->old_to_new[i][text];
    }
    return wrong;
}

static pc_status open_and_verify(const char *folder, const pc_store_shared *shared,
                                 const pc_store *expected, pc_budget *budget, pc_error *err)
{
    pc_store *store = NULL;
    pc_verify_counts counts = {0};
    pc_status status = pc_store_open_with(folder, shared, budget, &store, err);
    if (status == PC_OK) {
        CU_ASSERT_EQUAL(texts_that_differ(expected, store), 0);
        status = pc_store_verify(store, 0, pc_store_shard_count(store), budget, &counts, err);
    }
    pc_store_close(store);
    return status;
}

/** Dictionaries that a node holds once are those that a rank reads itself; those of another edition
 * of the store are not taken. */
static void test_texts_of_a_node(void)
{
    char folder[128];
    case_folder(folder);
    world w;
    pc_budget budget = {0};
    pc_error err = {0};
    make_world(&w, 7, false);
    CU_ASSERT_EQUAL_FATAL(write_world(&w, folder, &budget, &err), PC_OK);
    pc_store *plain = NULL;
    CU_ASSERT_EQUAL_FATAL(pc_store_open(folder, &budget, &plain, &err), PC_OK);
    CU_ASSERT(plain->generation_count > 1);
    pc_arena arena = {0};
    pc_store_shared texts = {.bytes = pc_store_shared_size(plain, false), .readers = 4};
    texts.memory = pc_arena_take(&arena, texts.bytes, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(texts.memory);
    pc_store_shared_pack(plain, false, texts.memory);
    CU_ASSERT_EQUAL(open_and_verify(folder, &texts, plain, &budget, &err), PC_OK);
    pc_store *taken = NULL;
    CU_ASSERT_EQUAL_FATAL(pc_store_open_with(folder, &texts, &budget, &taken, &err), PC_OK);
    const char *from = texts.memory;
    CU_ASSERT(taken->dict[0].bytes >= from && taken->dict[0].bytes < from + texts.bytes);
    pc_store_close(taken);
    pc_status status = PC_NO_MEMORY;
    for (size_t limit = 0; status != PC_OK && limit < 1 << 26; limit += 1 << 14) {
        pc_budget tight = {.limit_bytes = limit};
        status = open_and_verify(folder, &texts, plain, &tight, &err);
        CU_ASSERT(status == PC_OK || status == PC_NO_MEMORY);
        CU_ASSERT_EQUAL(tight.used_bytes, 0);
    }
    CU_ASSERT_EQUAL(status, PC_OK);
    *(char *)texts.memory ^= 1; // of another edition
    CU_ASSERT_EQUAL_FATAL(pc_store_open_with(folder, &texts, &budget, &taken, &err), PC_OK);
    CU_ASSERT(taken->dict[0].bytes < from || taken->dict[0].bytes >= from + texts.bytes);
    CU_ASSERT_EQUAL(texts_that_differ(plain, taken), 0);
    pc_store_close(taken);
    pc_store_close(plain);
    pc_arena_reset(&arena);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
    case_remove(folder);
    pc_arena_reset(&w.arena);
}

enum { NODE_LIMIT = 1 << 26 };

// Asks for table CODES; `*at` where its first column with values lies.
static pc_status ask_for_codes(const world *w, const char *folder, const pc_store_shared *shared,
                               pc_budget *budget, const char **at, pc_error *err)
{
    pc_store *store = NULL;
    const int codes = pc_model_find_table(w->model, pc_span_of("CODES"));
    const pc_column *column = NULL;
    int64_t rows = 0;
    pc_status status = pc_store_open_with(folder, shared, budget, &store, err);
    if (status == PC_OK) status = pc_store_reference(store, codes, &column, &rows, err);
    *at = NULL;
    if (status == PC_OK) {
        pc_arena arena = {0};
        pc_reference_rows right;
        make_reference(w, &right, &arena);
        int64_t wrong = rows != right.row_count;
        for (int c = 0; c < w->model->table[codes].column_count; c++) {
            if (*at == NULL) *at = column[c].data;
            for (int64_t row = 0; row < rows; row++)
                wrong += !case_same(&column[c], row, &right.column[c], row);
        }
        CU_ASSERT_EQUAL(wrong, 0);
        pc_arena_reset(&arena);
    }
    pc_store_close(store);
    return status;
}

/** A reference table is read by the first rank of a node that asks for it, where the others see it;
 * where that failed, each reads its own. */
static void test_references_of_a_node(void)
{
    char folder[128];
    case_folder(folder);
    world w;
    pc_budget budget = {0};
    pc_error err = {0};
    pc_arena arena = {0};
    make_world(&w, 7, false);
    CU_ASSERT_EQUAL_FATAL(write_world(&w, folder, &budget, &err), PC_OK);
    pc_store *plain = NULL;
    CU_ASSERT_EQUAL_FATAL(pc_store_open(folder, &budget, &plain, &err), PC_OK);
    pc_store_shared node = {.bytes = pc_store_shared_size(plain, true), .readers = 4};
    node.memory = pc_arena_take(&arena, node.bytes, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(node.memory);
    const char *first = NULL, *second = NULL;
    pc_store_shared_pack(plain, true, node.memory);
    CU_ASSERT_EQUAL(ask_for_codes(&w, folder, &node, &budget, &first, &err), PC_OK);
    CU_ASSERT_EQUAL(ask_for_codes(&w, folder, &node, &budget, &second, &err), PC_OK);
    const char *from = node.memory;
    CU_ASSERT(first > from && first < from + node.bytes);
    CU_ASSERT_PTR_EQUAL(first, second);
    // Too little memory, wherever it runs out: the next one reads the table, or takes it.
    pc_status status = PC_NO_MEMORY;
    for (size_t limit = 0; status != PC_OK && limit < NODE_LIMIT; limit += 1 << 12) {
        pc_store_shared_pack(plain, true, node.memory);
        pc_budget tight = {.limit_bytes = limit};
        status = ask_for_codes(&w, folder, &node, &tight, &first, &err);
        CU_ASSERT(status == PC_OK || status == PC_NO_MEMORY);
        CU_ASSERT_EQUAL(tight.used_bytes, 0);
        CU_ASSERT_EQUAL(ask_for_codes(&w, folder, &node, &budget, &second, &err), PC_OK);
    }
    CU_ASSERT_EQUAL(status, PC_OK);
    // A node whose area ends before the table.
    pc_store_shared_pack(plain, true, node.memory);
    node.bytes = pc_store_shared_size(plain, false) + 64;
    CU_ASSERT_EQUAL(ask_for_codes(&w, folder, &node, &budget, &first, &err), PC_OK);
    CU_ASSERT(first < from || first > from + node.bytes);
    pc_store_close(plain);
    pc_arena_reset(&arena);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
    case_remove(folder);
    pc_arena_reset(&w.arena);
}

static void test_merged_parts(void)
{
    char folder[128];
    case_folder(folder);
    for (int round = 0; round < 4; round++) {
        world w;
        pc_budget budget = {0};
        pc_error err = {0};
        pc_verify_counts counts = {0};
        const uint64_t seed = 100 + (uint64_t)round;
        printf("seed %d ", (int)seed);
        make_world(&w, seed, round % 2 == 1);
        CU_ASSERT_EQUAL(write_world(&w, folder, &budget, &err), PC_OK);
        CU_ASSERT_EQUAL(verify(folder, &budget, &counts, &err), PC_OK);
        CU_ASSERT_STRING_EQUAL(err.text, "");
        CU_ASSERT_EQUAL(counts.parts, PARTS);
        bool asked[16];
        for (int64_t block_rows = 1; block_rows < 2000; block_rows = block_rows * 5 + 2) {
            memset(asked, true, sizeof asked);
            CU_ASSERT_EQUAL(case_read(folder, 0, &w.all, block_rows, asked, &budget), 0);
            for (int t = 0; t < w.model->table_count; t++)
                asked[t] = pc_test_below(&w.seed, 2) == 0;
            CU_ASSERT_EQUAL(case_read(folder, 0, &w.all, block_rows, asked, &budget), 0);
        }
        CU_ASSERT_EQUAL(budget.used_bytes, 0);
        pc_arena_reset(&w.arena);
        case_remove(folder);
    }
}

static void test_open_store(void)
{
    char folder[128];
    world w;
    pc_budget budget = {0};
    pc_error err = {0};
    pc_store *store = NULL;
    pc_arena arena = {0};
    pc_reference_rows reference;
    case_folder(folder);
    make_world(&w, 200, false);
    make_reference(&w, &reference, &arena);
    CU_ASSERT_EQUAL(write_world(&w, folder, &budget, &err), PC_OK);
    CU_ASSERT_EQUAL_FATAL(pc_store_open(folder, &budget, &store, &err), PC_OK);
    const pc_model *model = pc_store_model(store);
    CU_ASSERT_EQUAL(model->table_count, w.model->table_count);
    CU_ASSERT(pc_span_equal(model->document, w.model->document));
    CU_ASSERT_EQUAL(strlen(pc_store_id(store)), 64);
    CU_ASSERT_EQUAL(pc_store_shard_count(store), 1);
    CU_ASSERT(pc_store_shard_bytes(store, 0) > 0);
    CU_ASSERT_PTR_NOT_NULL(pc_json_get(pc_store_manifest(store), "tables"));
    int32_t first, last;
    pc_store_period(store, &first, &last);
    CU_ASSERT(first > 17000 && first < last && last < 17400);
    for (int t = 0; t < model->table_count; t++) {
        const bool is_reference = w.all.table[t].offset == NULL;
        CU_ASSERT_EQUAL(pc_store_table_rows(store, t),
                        is_reference ? REFERENCE_ROWS : w.all.table[t].row_count);
    }
    const pc_column *column;
    int64_t rows, wrong = 0;
    CU_ASSERT_EQUAL(pc_store_reference(store, reference.table, &column, &rows, NULL), PC_OK);
    CU_ASSERT_EQUAL(rows, REFERENCE_ROWS);
    for (int c = 0; c < model->table[reference.table].column_count; c++) {
        for (int64_t row = 0; row < rows; row++) {
            wrong += !case_same(&column[c], row, &reference.column[c], row);
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(pc_store_dict(store, 0)->count, CASE_TEXTS);
    CU_ASSERT_EQUAL(pc_dict_find(pc_store_dict(store, 0), pc_span_of("T00017")), 17);
    pc_store_close(store);
    case_remove(folder);
    pc_arena_reset(&arena);
    pc_arena_reset(&w.arena);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

// Reads every column of every table, then verifies. Values that differ silently are counted.
static pc_status read_damaged(const char *folder, const world *w, int64_t *wrong, pc_error *err)
{
    pc_budget budget = {0};
    pc_store *store = NULL;
    pc_reader *reader = NULL;
    bool asked[16];
    memset(asked, true, sizeof asked);
    const pc_read_request request = {.table = asked, .block_rows = 50};
    pc_status status = pc_store_open(folder, &budget, &store, err);
    if (status == PC_OK) status = pc_reader_open(store, 0, &request, &budget, &reader, err);
    int first = 0;
    for (pc_block *block = NULL; status == PC_OK; first += block->slot_count) {
        status = pc_reader_next(reader, &block, err);
        if (status != PC_OK || block->slot_count == 0) break;
        for (int t = 0; t < w->model->table_count && status == PC_OK; t++) {
            const pc_block_table *from = &w->all.table[t];
            const pc_column *column;
            const int32_t *parent;
            if (from->offset == NULL) continue;
            for (int c = 0; c < w->model->table[t].column_count && status == PC_OK; c++) {
                status = pc_block_column(block, t, c, &column, err);
                for (int64_t row = 0; status == PC_OK && row < block->table[t].row_count; row++) {
                    *wrong += !case_same(column, row, &from->column[c], from->offset[first] + row);
                }
            }
            if (status == PC_OK && case_parent_table(w->model, t) >= 0) {
                status = pc_block_parent(block, t, &parent, err);
            }
        }
        if (status != PC_OK) break;
    }
    pc_reader_close(reader);
    pc_verify_counts counts = {0};
    if (status == PC_OK) status = pc_store_verify(store, 0, 1, &budget, &counts, err);
    pc_store_close(store);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
    return status;
}

static int64_t file_bytes(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 ? (int64_t)about.st_size : -1;
}

static void flip(const char *path, int64_t at, int bit)
{
    unsigned char byte = 0;
    const int fd = open(path, O_RDWR);
    CU_ASSERT_EQUAL(pread(fd, &byte, 1, (off_t)at), 1);
    byte ^= (unsigned char)(1 << bit);
    CU_ASSERT_EQUAL(pwrite(fd, &byte, 1, (off_t)at), 1);
    close(fd);
}

static const char *const FILES[] = {"store.json",
                                    "parts.h5",
                                    "dictionaries.h5",
                                    "references.h5",
                                    "shards/00/0000/part-000000.h5",
                                    "shards/00/0000/part-000010.h5",
                                    "shards/00/0000/part-000020.h5"};
enum { FILE_COUNT = sizeof FILES / sizeof FILES[0] };

static void test_damage_is_found(void)
{
    char folder[128], path[256];
    world w;
    pc_budget budget = {0};
    case_folder(folder);
    make_world(&w, 300, false);
    CU_ASSERT_EQUAL(write_world(&w, folder, &budget, NULL), PC_OK);
    uint64_t seed = 301;
    printf("seed 301 ");
    for (int round = 0; round < 140; round++) {
        const char *name = FILES[round % FILE_COUNT];
        snprintf(path, sizeof path, "%s/%s", folder, name);
        const int64_t at = pc_test_below(&seed, (int)file_bytes(path));
        const int bit = pc_test_below(&seed, 8);
        pc_error err = {0};
        int64_t wrong = 0;
        flip(path, at, bit);
        const pc_status status = read_damaged(folder, &w, &wrong, &err);
        CU_ASSERT_EQUAL(status, PC_BAD_INPUT);
        CU_ASSERT_EQUAL(wrong, 0);
        const char *expected = strrchr(name, '/') == NULL ? name : strrchr(name, '/') + 1;
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, expected));
        flip(path, at, bit);
    }
    pc_error err = {0};
    int64_t wrong = 0;
    CU_ASSERT_EQUAL(read_damaged(folder, &w, &wrong, &err), PC_OK);
    CU_ASSERT_EQUAL(wrong, 0);
    for (int file = 0; file < FILE_COUNT; file++) {
        snprintf(path, sizeof path, "%s/%s", folder, FILES[file]);
        const int64_t bytes = file_bytes(path);
        pc_error cut = {0};
        CU_ASSERT_EQUAL(truncate(path, (off_t)pc_test_below(&seed, (int)bytes)), 0);
        CU_ASSERT_EQUAL(read_damaged(folder, &w, &wrong, &cut), PC_BAD_INPUT);
        CU_ASSERT_EQUAL(unlink(path), 0);
        const pc_status status = read_damaged(folder, &w, &wrong, &cut);
        CU_ASSERT(status == PC_BAD_INPUT || status == PC_IO);
        case_remove(folder);
        CU_ASSERT_EQUAL(write_world(&w, folder, &budget, NULL), PC_OK);
    }
    case_remove(folder);
    pc_arena_reset(&w.arena);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

static void test_any_request_may_be_refused(void)
{
    char folder[128];
    world w;
    case_folder(folder);
    make_world(&w, 400, false);
    pc_status status = PC_NO_MEMORY;
    for (size_t limit = 0; status != PC_OK && limit < 8 << 20; limit += 1 + limit / 7) {
        pc_budget budget = {.limit_bytes = limit == 0 ? 1 : limit};
        pc_error err = {0};
        status = write_world(&w, folder, &budget, &err);
        CU_ASSERT(status == PC_OK || status == PC_NO_MEMORY);
        CU_ASSERT_EQUAL(err.status, status);
        CU_ASSERT_EQUAL(budget.used_bytes, 0);
    }
    CU_ASSERT_EQUAL(status, PC_OK);
    bool asked[16];
    memset(asked, true, sizeof asked);
    status = PC_NO_MEMORY;
    for (size_t limit = 1; status != PC_OK && limit < 8 << 20; limit += 1 + limit / 12) {
        pc_budget budget = {.limit_bytes = limit};
        pc_verify_counts counts = {0};
        pc_error err = {0};
        status = verify(folder, &budget, &counts, &err);
        CU_ASSERT(status == PC_OK || status == PC_NO_MEMORY);
        CU_ASSERT_EQUAL(budget.used_bytes, 0);
    }
    CU_ASSERT_EQUAL(status, PC_OK);
    case_remove(folder);
    pc_arena_reset(&w.arena);
}

static const char EXTENSION[] =
    "{\"model\":\"more\",\"version\":\"1\",\"extends\":\"case\",\"systems\":{\"CIM\":\"prefix\"},"
    "\"tables\":{\"VISIT\":{\"files\":[\"VISIT.CSV\"],\"patient\":{\"path\":\"direct\","
    "\"person\":\"IDT\",\"nobody\":\"WHO\"},\"columns\":[\"IDT id(18)\",\"WHO id(4)\","
    "\"WHY code system=CIM\",\"ATC code system=ATC\"]},"
    "\"WARDS\":{\"files\":[\"WARDS.CSV\"],\"primary\":[\"W\"],\"columns\":[\"W code\"]}}}";

// Opens the store, extends it, looks at it.
static pc_status extend_and_verify(const char *folder, const char *model_path, pc_budget *budget,
                                   bool looks, pc_error *err)
{
    pc_arena arena = {.budget = budget};
    const pc_model *model = NULL;
    pc_store *store = NULL;
    pc_verify_counts counts = {0};
    pc_status status = pc_store_open(folder, budget, &store, err);
    if (status == PC_OK) {
        status = pc_model_extend(pc_store_model(store), model_path, "", &arena, &model, err);
    }
    const int before = status == PC_OK ? pc_store_model(store)->table_count : 0;
    const int dicts = status == PC_OK ? pc_store_model(store)->dict_count : 0;
    if (status == PC_OK) status = pc_store_extend(store, model, err);
    if (status == PC_OK) status = pc_store_verify(store, 0, 1, budget, &counts, err);
    if (status == PC_OK && looks) {
        const pc_column *column;
        int64_t rows;
        CU_ASSERT_EQUAL(pc_store_model(store)->table_count, before + 2);
        CU_ASSERT_EQUAL(pc_store_dict(store, 0)->count, CASE_TEXTS);
        CU_ASSERT_EQUAL(pc_store_dict(store, dicts)->count, 0);
        CU_ASSERT_EQUAL(pc_dict_find(pc_store_dict(store, dicts), pc_span_of("x")), PC_DICT_NONE);
        CU_ASSERT_EQUAL(pc_store_table_rows(store, before), 0);
        CU_ASSERT(pc_store_table_rows(store, pc_model_find_table(model, pc_span_of("DRUG"))) > 0);
        CU_ASSERT_EQUAL(pc_store_reference(store, before + 1, &column, &rows, NULL), PC_OK);
        CU_ASSERT_EQUAL(rows, 0);
        CU_ASSERT_PTR_NULL(column[0].data);
        const int codes = pc_model_find_table(model, pc_span_of("CODES"));
        CU_ASSERT_EQUAL(pc_store_reference(store, codes, &column, &rows, NULL), PC_OK);
        CU_ASSERT_EQUAL(rows, REFERENCE_ROWS);
        CU_ASSERT_PTR_EQUAL(column[0].dict,
                            pc_store_dict(store, model->table[before].column[5].dict));
        CU_ASSERT_EQUAL(counts.parts, PARTS);
    }
    pc_store_close(store);
    pc_arena_reset(&arena);
    return status;
}

static void test_larger_model(void)
{
    char folder[128], path[160];
    world w;
    pc_budget budget = {0};
    pc_error err = {0};
    case_folder(folder);
    make_world(&w, 300, false);
    CU_ASSERT_EQUAL(write_world(&w, folder, &budget, &err), PC_OK);
    snprintf(path, sizeof path, "%s_more.json", folder);
    FILE *file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    (void)fputs(EXTENSION, file);
    (void)fclose(file);
    CU_ASSERT_EQUAL(extend_and_verify(folder, path, &budget, true, &err), PC_OK);
    CU_ASSERT_STRING_EQUAL(err.text, "");
    pc_status status = PC_NO_MEMORY;
    for (size_t limit = 1; status != PC_OK && limit < 8 << 20; limit += 1 + limit / 12) {
        pc_budget small = {.limit_bytes = limit};
        status = extend_and_verify(folder, path, &small, false, &err);
        CU_ASSERT(status == PC_OK || status == PC_NO_MEMORY);
        CU_ASSERT_EQUAL(small.used_bytes, 0);
    }
    CU_ASSERT_EQUAL(status, PC_OK);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
    unlink(path);
    case_remove(folder);
    pc_arena_reset(&w.arena);
}

static void test_cohort_file(void)
{
    char path[160], folder[128];
    pc_budget budget = {0};
    pc_error err = {0};
    const char patient[3][4] = {"a", "bb", "ccc"};
    const int32_t start[3] = {1, 2, 3}, end[3] = {4, INT32_MIN, 6};
    const int16_t age[3] = {40, 0, 300};
    const uint64_t valid = 5;
    const uint8_t code[3] = {1, 0, 1};
    const uint64_t offset[3] = {0, 1, 3};
    const pc_dict dict = {.count = 2, .sorted = true, .offset = offset, .bytes = "FMM"};
    const pc_cohort_attribute attribute[2] = {
        {"age", {.type = PC_INT, .width = 2, .data = age, .valid = &valid}},
        {"sex", {.type = PC_CODE, .width = 1, .data = code, .valid = &valid, .dict = &dict}}};
    pc_cohort_rows rows = {.row_count = 3,
                           .patient_bytes = 4,
                           .patient = patient[0],
                           .start_date = start,
                           .end_date = end,
                           .attribute_count = 2,
                           .attribute = attribute};
    case_folder(folder);
    snprintf(path, sizeof path, "%s_cohort.h5", folder);
    CU_ASSERT_EQUAL(pc_cohort_file_write(path, &rows, &budget, &err), PC_OK);
    CU_ASSERT_STRING_EQUAL(err.text, "");
    struct stat about;
    CU_ASSERT_EQUAL(stat(path, &about), 0);
    CU_ASSERT_EQUAL(about.st_mode & 0777, 0600);
    const hid_t file = pc_h5_open(path);
    char text[3][4];
    int32_t day[3];
    int16_t number[3];
    char sex[3][2];
    CU_ASSERT(pc_h5_read_plain(file, "/patient", PC_ID, 4, text));
    CU_ASSERT(pc_h5_read_plain(file, "/end_date", PC_DATE, 4, day));
    CU_ASSERT(pc_h5_read_plain(file, "/age", PC_INT, 2, number));
    CU_ASSERT(pc_h5_read_plain(file, "/sex", PC_ID, 2, sex));
    CU_ASSERT_EQUAL(memcmp(text, patient, sizeof text), 0);
    CU_ASSERT_EQUAL(memcmp(day, end, sizeof day), 0);
    CU_ASSERT_EQUAL(number[1], INT16_MIN);
    CU_ASSERT_EQUAL(number[2], 300);
    CU_ASSERT_EQUAL(memcmp(sex, "MM\0\0MM", 6), 0);
    (void)pc_h5_close(file);
    rows.row_count = 0;
    CU_ASSERT_EQUAL(pc_cohort_file_write(path, &rows, &budget, &err), PC_OK);
    CU_ASSERT_EQUAL(pc_cohort_file_write("/nowhere/x.h5", &rows, &budget, &err), PC_IO);
    unlink(path);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

static void same_file(const char *one, const char *other)
{
    pc_budget budget = {0};
    pc_digest digest[2];
    int64_t bytes[2];
    pc_error err = {0};
    CU_ASSERT_EQUAL(pc_file_digest(one, &budget, &digest[0], &bytes[0], &err), PC_OK);
    CU_ASSERT_EQUAL(pc_file_digest(other, &budget, &digest[1], &bytes[1], &err), PC_OK);
    CU_ASSERT_EQUAL(bytes[0], bytes[1]);
    CU_ASSERT_EQUAL(memcmp(&digest[0], &digest[1], sizeof digest[0]), 0);
}

/** Rows put in by two, the later first, make the file that is written at once. */
static void test_cohort_file_in_parts(void)
{
    enum { ROWS = 1000, CUT = 317, BYTES = 5 };
    static char patient[ROWS][BYTES];
    static int32_t start[ROWS], end[ROWS];
    static int64_t age[ROWS];
    static uint64_t valid[ROWS / 64 + 1];
    char whole[160], parts[160], folder[128];
    pc_budget budget = {0};
    pc_error err = {0};
    for (int i = 0; i < ROWS; i++) {
        snprintf(patient[i], BYTES, "%d", i % 9999);
        start[i] = i;
        end[i] = i % 3 == 0 ? INT32_MIN : 2 * i;
        age[i] = i - 200;
        valid[i / 64] |= (uint64_t)(i % 7 != 0) << (i % 64);
    }
    pc_cohort_attribute attribute[2] = {
        {"age", {.type = PC_INT, .width = 8, .data = age, .valid = valid}},
        {"name", {.type = PC_ID, .width = BYTES, .data = patient}}};
    const pc_cohort_rows all = {.row_count = ROWS,
                                .patient_bytes = BYTES,
                                .patient = patient[0],
                                .start_date = start,
                                .end_date = end,
                                .attribute_count = 2,
                                .attribute = attribute};
    case_folder(folder);
    snprintf(whole, sizeof whole, "%s_whole.h5", folder);
    snprintf(parts, sizeof parts, "%s_parts.h5", folder);
    CU_ASSERT_EQUAL(pc_cohort_file_write(whole, &all, &budget, &err), PC_OK);

    pc_cohort_dataset dataset[PC_COHORT_ATTRIBUTES + 2];
    pc_cohort_layout layout = {.dataset = dataset};
    pc_cohort_extent extent = {.min = -199, .max = 799};
    pc_cohort_layout_begin(&layout, ROWS, BYTES);
    CU_ASSERT_EQUAL(pc_cohort_layout_add(&layout, "age", PC_INT, &extent, &err), PC_OK);
    extent.text_bytes = 3;
    CU_ASSERT_EQUAL(pc_cohort_layout_add(&layout, "name", PC_TEXT, &extent, &err), PC_OK);
    CU_ASSERT_EQUAL(pc_cohort_layout_add(&layout, "a/b", PC_INT, &extent, &err), PC_BAD_INPUT);
    extent.text_bytes = 256;
    CU_ASSERT_EQUAL(pc_cohort_layout_add(&layout, "long", PC_TEXT, &extent, &err), PC_BAD_INPUT);
    CU_ASSERT_EQUAL(pc_cohort_file_make(parts, &layout, &budget, &err), PC_OK);

    pc_buffer scratch = {.budget = &budget};
    const int file = open(parts, O_WRONLY);
    static uint64_t valid_later[ROWS / 64 + 1];
    for (int i = CUT; i < ROWS; i++)
        valid_later[(i - CUT) / 64] |= (uint64_t)(i % 7 != 0) << ((i - CUT) % 64);
    pc_cohort_rows later = all;
    later.row_count = ROWS - CUT;
    later.patient = patient[CUT];
    later.start_date = start + CUT;
    later.end_date = end + CUT;
    attribute[0].column.data = age + CUT;
    attribute[0].column.valid = valid_later;
    attribute[1].column.data = patient[CUT];
    CU_ASSERT_EQUAL(pc_cohort_file_put(file, &layout, CUT, &later, &scratch, &err), PC_OK);
    pc_cohort_rows first = all;
    first.row_count = CUT;
    attribute[0].column.data = age;
    attribute[0].column.valid = valid;
    attribute[1].column.data = patient[0];
    CU_ASSERT_EQUAL(pc_cohort_file_put(file, &layout, 0, &first, &scratch, &err), PC_OK);
    close(file);
    CU_ASSERT_STRING_NOT_EQUAL(err.text, "");
    same_file(whole, parts);
    const int read_only = open(parts, O_RDONLY);
    CU_ASSERT_EQUAL(pc_cohort_file_put(read_only, &layout, 0, &first, &scratch, &err), PC_IO);
    close(read_only);
    pc_buffer_release(&scratch);
    unlink(whole);
    unlink(parts);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

PC_TEST_MAIN("store", {"several parts are read as one", test_merged_parts},
             {"what a store says of itself", test_open_store},
             {"texts that a node holds once", test_texts_of_a_node},
             {"rows of a reference table", test_rows_of_a_reference},
             {"references that a node holds once", test_references_of_a_node},
             {"damage anywhere is found", test_damage_is_found},
             {"any request for memory may be refused", test_any_request_may_be_refused},
             {"a larger model", test_larger_model}, {"cohort files", test_cohort_file},
             {"a cohort file in parts", test_cohort_file_in_parts});
