/** @file store_case.h
 *  A small model and random rows of it, for the tests of the store. Rows are a block in memory, as
 *  ingest makes it: all columns in their natural widths.
 */
#ifndef PC_TEST_STORE_CASE_H
#define PC_TEST_STORE_CASE_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "parcours/part.h"
#include "tests/test_main.h"
#include "tests/test_random.h"

static const char CASE_MODEL[] =
    "{\"model\":\"case\",\"version\":\"1\",\"delimiter\":\";\",\"null_text\":false,"
    "\"systems\":{\"ATC\":\"prefix\"},"
    "\"keys\":{\"claim\":{\"table\":\"CLAIM\",\"episode\":true}},"
    "\"person\":{\"identity\":[\"IDENT\"],\"sex\":\"SEX\",\"female\":\"2\",\"male\":\"1\","
    "\"birth_year\":\"BY\",\"birth_month\":\"BM\",\"death_date\":\"DD\",\"latest\":[\"MAJ\"],"
    "\"copy\":[\"DPT\"]},\"tables\":{"
    "\"IDENT\":{\"files\":[\"IDENT.CSV\"],\"patient\":{\"path\":\"identity\",\"pseudonym\":\"NIR\","
    "\"rank\":\"RNG\",\"person\":\"IDT\"},\"primary\":[\"NIR\",\"RNG\"],\"columns\":["
    "\"NIR id(17)\",\"RNG int(2)\",\"IDT id(18)\",\"SEX int(2)\",\"BY code\",\"BM int(2)\","
    "\"DD date\",\"MAJ date\",\"DPT code\"]},"
    "\"CLAIM\":{\"files\":[\"CLAIM.CSV\"],\"patient\":{\"path\":\"pair\",\"pseudonym\":\"NIR\","
    "\"rank\":\"RNG\"},\"primary\":[\"K1\",\"K2\"],\"dates\":[\"D1\",\"D2\"],\"columns\":["
    "\"NIR id(17)\",\"RNG int(2)\",\"K1 int(9)\",\"K2 code\",\"D1 date\",\"D2 date\","
    "\"AMOUNT decimal(12,2) unit=cents\",\"BIG int(18)\",\"WEIGHT float\",\"FLAG bool\","
    "\"NOTE text\",\"EMPTY code\",\"SAME int(9)\"]},"
    "\"DRUG\":{\"often\":true,\"files\":[\"DRUG.CSV\"],\"patient\":{\"path\":\"key\",\"parent\":"
    "\"claim\"},"
    "\"columns\":[\"K1 int(9)\",\"K2 code\",\"ATC code system=ATC\",\"QTY int(9)\"]},"
    "\"MORE\":{\"files\":[\"MORE.CSV\"],\"patient\":{\"path\":\"key\",\"parent\":\"claim\","
    "\"companion\":true},\"columns\":[\"K1 int(9)\",\"K2 code\",\"WHO int(9)\"]},"
    "\"CODES\":{\"files\":[\"CODES.CSV\"],\"primary\":[\"CODE\"],\"columns\":[\"CODE code "
    "system=ATC\","
    "\"LABEL text\",\"PRICE decimal(9,2)\",\"SINCE date\",\"SHARE float\",\"MARK id(4)\"]}},"
    "\"derived\":[]}";

static inline const pc_model *case_model(pc_arena *arena)
{
    const pc_model *model = NULL;
    pc_error err = {0};
    const pc_status status =
        pc_model_parse((pc_span){CASE_MODEL, sizeof CASE_MODEL - 1}, "case", arena, &model, &err);
    if (status != PC_OK) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    return model;
}

/** A folder for a test's files, removed by case_remove. */
static inline const char *case_folder(char out[128])
{
    snprintf(out, 128, "/tmp/parcours_test_store_%d", (int)getpid());
    return out;
}

static inline void case_remove(const char *folder)
{
    char command[256];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    if (system(command) != 0) abort();
}

enum { CASE_TEXTS = 600 }; // of each dictionary: codes need two bytes

/** Every dictionary has the texts T00000 .. : sorted. */
static inline pc_dict *case_dicts(const pc_model *model, pc_arena *arena, int text_count, int step)
{
    pc_dict *dict = pc_arena_array(arena, (size_t)model->dict_count, sizeof *dict, NULL);
    uint64_t *offset = pc_arena_array(arena, (size_t)text_count + 1, 8, NULL);
    char *bytes = pc_arena_array(arena, (size_t)text_count + 1, 8, NULL);
    for (int i = 0; i < text_count; i++) {
        snprintf(bytes + 6 * i, 8, "T%05d", i * step);
        offset[i + 1] = 6 * (uint64_t)(i + 1);
    }
    for (int d = 0; d < model->dict_count; d++) {
        dict[d] = (pc_dict){
            .count = (uint32_t)text_count, .sorted = true, .offset = offset, .bytes = bytes};
    }
    return dict;
}

typedef struct case_order {
    uint64_t hash;
    pc_slot_key key;
} case_order;

static inline int case_compare(const void *a, const void *b)
{
    const case_order *x = a, *y = b;
    if (x->hash != y->hash) return x->hash < y->hash ? -1 : 1;
    return memcmp(x->key.byte, y->key.byte, sizeof x->key.byte);
}

/** Slots of one shard in order. */
static inline pc_slot_key *case_keys(int slot_count, uint32_t shard, uint32_t shard_count,
                                     pc_arena *arena)
{
    case_order *order = pc_arena_array(arena, (size_t)slot_count + 1, sizeof *order, NULL);
    pc_slot_key *key = pc_arena_array(arena, (size_t)slot_count + 1, sizeof *key, NULL);
    int found = 0;
    for (int i = 0; found < slot_count; i++) {
        case_order *o = &order[found];
        memset(o, 0, sizeof *o);
        snprintf(o->key.byte, sizeof o->key.byte, "%cperson%d", "PPPUO"[i % 5], i);
        o->hash = pc_slot_hash(&o->key);
        found += pc_slot_shard(o->hash, shard_count) == shard;
    }
    qsort(order, (size_t)slot_count, sizeof *order, case_compare);
    for (int i = 0; i < slot_count; i++)
        key[i] = order[i].key;
    return key;
}

static inline int case_parent_table(const pc_model *model, int table)
{
    const int key = model->table[table].parent_key;
    return key < 0 ? -1 : model->key[key].table;
}

/** A random value of a column at `row`: natural widths. */
static inline void case_value(const pc_model_column *c, int64_t row, char *data, uint64_t *valid,
                              uint8_t *width, uint64_t *seed)
{
    const uint64_t r = pc_test_random(seed);
    const bool is_null = strcmp(c->name, "SAME") != 0 && r % 11 == 0;
    int64_t value = (int64_t)(r >> 8);
    *width = 8;
    switch (c->type) {
        case PC_BOOL:
            *width = 1;
            value &= 1;
            break;
        case PC_CODE:
        case PC_TEXT:
            *width = 4;
            value = 2 * (value % (CASE_TEXTS / 2)); // even: in both generations
            break;
        case PC_DATE:
            *width = 4;
            value = 17000 + value % 900;
            break;
        case PC_ID:
            *width = c->width;
            break;
        case PC_INT:
            if (c->digits <= 9) *width = 4;
            value = strcmp(c->name, "BIG") == 0 ? value % 1000000000000000 : value % 300 - 40;
            if (strcmp(c->name, "SAME") == 0) value = 7;
            break;
        default:
            value = value % 100000 - 300;
            break;
    }
    if (is_null) value = 0;
    if (c->type == PC_FLOAT) {
        const double number = (double)value / 3;
        memcpy(&value, &number, sizeof number);
    }
    char *to = data + row * *width;
    if (c->type == PC_ID) {
        memset(to, 0, *width);
        if (!is_null) snprintf(to, *width, "n%u", (unsigned)(r >> 40) % 9999);
    } else {
        memcpy(to, &value, *width);
    }
    if (!is_null) valid[row / 64] |= UINT64_C(1) << (row % 64);
}

static inline void case_columns(const pc_model *model, int t, pc_block_table *table,
                                const pc_dict *dict, pc_arena *arena, uint64_t *seed)
{
    const pc_model_table *about = &model->table[t];
    const size_t rows = (size_t)table->row_count;
    for (int c = 0; c < about->column_count; c++) {
        const pc_model_column *column = &about->column[c];
        pc_column *out = &table->column[c];
        *out = (pc_column){.type = column->type, .scale = column->scale, .width = 1};
        if (column->dict >= 0) out->dict = &dict[column->dict];
        if (strcmp(column->name, "EMPTY") == 0 || c == about->event_date || rows == 0) continue;
        char *data = pc_arena_array(arena, rows + 1, PC_ID_MAX_BYTES, NULL);
        uint64_t *valid = pc_arena_array(arena, rows / 64 + 1, 8, NULL);
        for (size_t row = 0; row < rows; row++) {
            case_value(column, (int64_t)row, data, valid, &out->width, seed);
        }
        out->data = data;
        out->valid = valid;
        if (strcmp(column->name, "D2") == 0) *out = out[-1]; // repeats D1: stored once
    }
}

/** Days that ascend within each slot, all different; the last may be null. */
static inline void case_dates(pc_block_table *table, int column, int slot_count, pc_arena *arena,
                              uint64_t *seed)
{
    const size_t rows = (size_t)table->row_count;
    int32_t *day = pc_arena_array(arena, rows + 1, sizeof *day, NULL);
    uint64_t *valid = pc_arena_array(arena, rows / 64 + 1, 8, NULL);
    for (int slot = 0; slot < slot_count; slot++) {
        int32_t at = 17000;
        for (int64_t row = table->offset[slot]; row < table->offset[slot + 1]; row++) {
            at += 1 + pc_test_below(seed, 20);
            day[row] = at;
            const bool is_last = row + 1 == table->offset[slot + 1];
            if (is_last && pc_test_below(seed, 9) == 0) continue;
            valid[row / 64] |= UINT64_C(1) << (row % 64);
        }
    }
    table->column[column] = (pc_column){.type = PC_DATE, .width = 4, .data = day, .valid = valid};
}

// Links to rows of the own slot; the key columns of linked rows are those of the parent.
static inline void case_links(pc_block *block, int t, pc_arena *arena, uint64_t *seed)
{
    const pc_model *model = block->model;
    pc_block_table *table = &block->table[t];
    const pc_block_table *parent = &block->table[case_parent_table(model, t)];
    int32_t *link = pc_arena_array(arena, (size_t)table->row_count + 1, sizeof *link, NULL);
    for (int slot = 0; slot < block->slot_count; slot++) {
        const int parents = (int)(parent->offset[slot + 1] - parent->offset[slot]);
        for (int64_t row = table->offset[slot]; row < table->offset[slot + 1]; row++) {
            const bool has_parent = parents > 0 && pc_test_below(seed, 10) > 0;
            link[row] =
                has_parent ? (int32_t)parent->offset[slot] + pc_test_below(seed, parents) : -1;
        }
    }
    table->parent = link;
    for (int c = 0; c < model->table[t].column_count; c++) {
        const int theirs = model->table[t].column[c].parent_column;
        if (theirs < 0 || table->row_count == 0) continue;
        const pc_column *from = &parent->column[theirs], *to = &table->column[c];
        for (int64_t row = 0; row < table->row_count; row++) {
            if (link[row] < 0) continue;
            const uint64_t bit = UINT64_C(1) << (row % 64);
            uint64_t *word = (uint64_t *)to->valid + row / 64;
            *word = pc_column_is_null(from, link[row]) ? *word & ~bit : *word | bit;
            memcpy((char *)to->data + row * to->width,
                   (const char *)from->data + link[row] * from->width, to->width);
        }
    }
}

/** A block of `slot_count` slots of a shard; about `rows` rows of CLAIM a slot. */
static inline pc_block case_block(const pc_model *model, const pc_dict *dict, int slot_count,
                                  uint32_t shard, uint32_t shard_count, int rows, pc_arena *arena,
                                  uint64_t *seed)
{
    pc_block block = {.model = model, .slot_count = slot_count, .arena = arena};
    block.slot_key = case_keys(slot_count, shard, shard_count, arena);
    block.table = pc_arena_array(arena, (size_t)model->table_count, sizeof *block.table, NULL);
    for (int t = 0; t < model->table_count; t++) {
        const pc_model_table *about = &model->table[t];
        pc_block_table *table = &block.table[t];
        if (about->path == PC_PATH_NONE) continue;
        int64_t *offset = pc_arena_array(arena, (size_t)slot_count + 1, 8, NULL);
        for (int slot = 0; slot < slot_count; slot++) {
            const int most = about->path == PC_PATH_PERSON ? 0 : pc_test_below(seed, 2 * rows + 1);
            offset[slot + 1] =
                offset[slot] + (about->path == PC_PATH_PERSON ? 1 : most / (t == 0 ? rows : 1));
        }
        table->offset = offset;
        table->row_count = offset[slot_count];
        table->column = pc_arena_array(arena, (size_t)about->column_count, sizeof(pc_column), NULL);
        case_columns(model, t, table, dict, arena, seed);
        if (about->event_date >= 0) {
            case_dates(table, about->event_date, slot_count, arena, seed);
        }
    }
    for (int t = 0; t < model->table_count; t++) {
        if (case_parent_table(model, t) >= 0) case_links(&block, t, arena, seed);
    }
    return block;
}

/** Slots first .. first + count - 1 of a block, as a block that shares its columns. */
static inline pc_block case_slice(const pc_block *from, int first, int count, pc_arena *arena)
{
    pc_block out = *from;
    const pc_model *model = from->model;
    out.slot_count = count;
    out.slot_key = from->slot_key + first;
    out.arena = arena;
    out.table = pc_arena_array(arena, (size_t)model->table_count, sizeof *out.table, NULL);
    for (int t = 0; t < model->table_count; t++) {
        const pc_block_table *table = &from->table[t];
        pc_block_table *to = &out.table[t];
        if (table->offset == NULL) continue;
        const int64_t low = table->offset[first], high = table->offset[first + count];
        int64_t *offset = pc_arena_array(arena, (size_t)count + 1, 8, NULL);
        for (int slot = 0; slot <= count; slot++) {
            offset[slot] = table->offset[first + slot] - low;
        }
        to->offset = offset;
        to->row_count = high - low;
        to->column =
            pc_arena_array(arena, (size_t)model->table[t].column_count, sizeof(pc_column), NULL);
        for (int c = 0; c < model->table[t].column_count; c++) {
            pc_column *column = &to->column[c];
            *column = table->column[c];
            if (column->data == NULL) continue;
            column->data = (const char *)column->data + low * column->width;
            uint64_t *valid = pc_arena_array(arena, (size_t)to->row_count / 64 + 1, 8, NULL);
            for (int64_t row = 0; row < to->row_count; row++) {
                const uint64_t bit = pc_column_is_null(&table->column[c], low + row) ? 0 : 1;
                valid[row / 64] |= bit << (row % 64);
            }
            column->valid = valid;
        }
        if (table->parent == NULL) continue;
        const int64_t parent_low = from->table[case_parent_table(model, t)].offset[first];
        int32_t *parent = pc_arena_array(arena, (size_t)to->row_count + 1, 4, NULL);
        for (int64_t row = 0; row < to->row_count; row++) {
            const int32_t link = table->parent[low + row];
            parent[row] = link < 0 ? -1 : link - (int32_t)parent_low;
        }
        to->parent = parent;
    }
    return out;
}

/** True if row `a` of one column has the value of row `b` of another, whatever their widths. */
static inline bool case_same(const pc_column *x, int64_t a, const pc_column *y, int64_t b)
{
    const bool null_x = x->data == NULL || pc_column_is_null(x, a);
    const bool null_y = y->data == NULL || pc_column_is_null(y, b);
    if (null_x || null_y) return null_x && null_y;
    if (x->type == PC_ID || x->type == PC_FLOAT) {
        return x->width == y->width && memcmp((const char *)x->data + a * x->width,
                                              (const char *)y->data + b * y->width, x->width) == 0;
    }
    return pc_column_int(x, a) == pc_column_int(y, b);
}

enum { CASE_TAKEN = 200 };

/** Some rows of a table, fewer than a share of it so that they come one by one where that is
 *  possible; -1 among them. Not always ascending. Fills their slots too. */
static inline int case_pick_rows(const pc_block *block, int t, uint64_t *seed, int32_t *row,
                                 int32_t *slot)
{
    const pc_block_table *table = &block->table[t];
    const int64_t rows = table->row_count;
    int count = (int)(rows / 5 < CASE_TAKEN ? rows / 5 : CASE_TAKEN);
    if (pc_test_below(seed, 4) == 0 && count > 2) count = 2;
    const bool ascends = pc_test_below(seed, 3) > 0;
    for (int i = 0; i < count; i++) {
        const int64_t low = ascends ? rows * i / count : 0;
        const int64_t high = ascends ? rows * (i + 1) / count : rows;
        const bool is_missing = pc_test_below(seed, 10) == 0;
        row[i] = is_missing ? -1 : (int32_t)low + pc_test_below(seed, (int)(high - low));
        slot[i] = 0;
        while (row[i] >= 0 && table->offset[slot[i] + 1] <= row[i])
            slot[i]++;
    }
    return count;
}

/** Values that single rows give otherwise than the block in memory does: of columns that are not
 *  loaded yet, and of parents. */
static inline int64_t case_take_differences(pc_block *read, const pc_block *all, int first, int t,
                                            uint64_t *seed)
{
    const pc_model_table *about = &all->model->table[t];
    const pc_block_table *from = &all->table[t];
    const int64_t low = from->offset[first];
    pc_arena arena = {0};
    pc_error err = {0};
    int32_t row[CASE_TAKEN] = {0}, slot[CASE_TAKEN], parent[CASE_TAKEN];
    int64_t wrong = 0;
    const int count = case_pick_rows(read, t, seed, row, slot);
    for (int c = 0; c < about->column_count; c++) {
        pc_column taken = {0};
        wrong += pc_block_take(read, t, c, row, count, &arena, &taken, &err) != PC_OK;
        for (int i = 0; i < count; i++) {
            const bool is_null = taken.data == NULL || pc_column_is_null(&taken, i);
            wrong += row[i] < 0 ? !is_null : !case_same(&taken, i, &from->column[c], low + row[i]);
        }
        wrong += taken.type != from->column[c].type && count > 0;
    }
    const int p = case_parent_table(all->model, t);
    if (p >= 0) {
        wrong += pc_block_parents_of(read, t, row, slot, count, &arena, parent, &err) != PC_OK;
        for (int i = 0; i < count; i++) {
            const int32_t link = row[i] < 0 ? -1 : from->parent[low + row[i]];
            wrong += parent[i] != (link < 0 ? -1 : link - (int32_t)all->table[p].offset[first]);
        }
    }
    if (err.text[0] != '\0') fprintf(stderr, "%s\n", err.text);
    pc_arena_reset(&arena);
    return wrong;
}

/** How many values of a read block differ from those of the block in memory, whose slots
 *  `first` .. it holds. */
static inline int64_t case_differences(pc_block *read, const pc_block *all, int first,
                                       const bool *asked)
{
    const pc_model *model = all->model;
    int64_t wrong = memcmp(read->slot_key, all->slot_key + first,
                           (size_t)read->slot_count * sizeof *read->slot_key) != 0;
    for (int t = 0; t < model->table_count; t++) {
        const pc_block_table *from = &all->table[t];
        if (!asked[t] || from->offset == NULL) continue;
        const int64_t low = from->offset[first];
        const int64_t rows = from->offset[first + read->slot_count] - low;
        wrong += rows != read->table[t].row_count;
        if (rows != read->table[t].row_count) continue;
        for (int slot = 0; slot <= read->slot_count; slot++) {
            wrong += read->table[t].offset[slot] != from->offset[first + slot] - low;
        }
        uint64_t seed = (uint64_t)first * 31 + (uint64_t)t;
        for (int round = 0; rows > 0 && round < 3; round++) {
            wrong += case_take_differences(read, all, first, t, &seed);
        }
        for (int c = 0; c < model->table[t].column_count; c++) {
            const pc_column *column = NULL;
            pc_error err = {0};
            if (pc_block_column(read, t, c, &column, &err) != PC_OK) {
                fprintf(stderr, "%s\n", err.text);
                wrong++;
                continue;
            }
            wrong += column->type != from->column[c].type;
            wrong += column->scale != model->table[t].column[c].scale;
            for (int64_t row = 0; row < rows; row++) {
                wrong += !case_same(column, row, &from->column[c], low + row);
            }
        }
        const int p = case_parent_table(model, t);
        if (p < 0) continue;
        const int32_t *parent = NULL;
        wrong += pc_block_parent(read, t, &parent, NULL) != PC_OK;
        for (int64_t row = 0; parent != NULL && row < rows; row++) {
            const int32_t link = from->parent[low + row];
            const int32_t expected = link < 0 ? -1 : link - (int32_t)all->table[p].offset[first];
            wrong += parent[row] != expected;
        }
    }
    return wrong;
}

/** Reads a shard and compares it with a block in memory: values that differ, or -1. */
static inline int64_t case_read(const char *folder, int shard, const pc_block *all,
                                int64_t block_rows, const bool *asked, pc_budget *budget)
{
    pc_error err = {0};
    pc_store *store = NULL;
    pc_reader *reader = NULL;
    int64_t wrong = 0;
    const pc_read_request request = {.table = asked, .block_rows = block_rows};
    pc_status status = pc_store_open(folder, budget, &store, &err);
    if (status == PC_OK) status = pc_reader_open(store, shard, &request, budget, &reader, &err);
    int first = 0;
    while (status == PC_OK) {
        pc_block *block = NULL;
        status = pc_reader_next(reader, &block, &err);
        if (status != PC_OK || block->slot_count == 0) break;
        if (first + block->slot_count > all->slot_count) {
            wrong++;
            break;
        }
        wrong += case_differences(block, all, first, asked);
        first += block->slot_count;
    }
    if (status != PC_OK) fprintf(stderr, "%s\n", err.text);
    wrong += first != all->slot_count;
    pc_reader_close(reader);
    pc_store_close(store);
    return status == PC_OK ? wrong : -1;
}

/** Writes slots of a block as a part, in pieces of random size. */
static inline pc_status case_write(const char *folder, const pc_block *block, uint32_t shard,
                                   uint32_t number, int piece_slots, pc_budget *budget,
                                   pc_part_info *info, pc_error *err)
{
    pc_part_writer *writer = NULL;
    pc_arena arena = {0};
    pc_status status =
        pc_part_begin(folder, block->model, shard, number, 0, 0, budget, &writer, err);
    for (int at = 0; status == PC_OK && at < block->slot_count;) {
        const int left = block->slot_count - at;
        const int count = left < piece_slots ? left : piece_slots;
        pc_block slice = case_slice(block, at, count, &arena);
        status = pc_part_add(writer, &slice, err);
        pc_arena_reset(&arena);
        at += count;
    }
    if (status == PC_OK) status = pc_part_end(writer, info, err);
    pc_part_free(writer);
    return status;
}

#endif
