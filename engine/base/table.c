/** Tables in memory: growing columns. Codes are those of one borrowed dictionary while all batches
 *  have it; at the first other one, texts are copied from then on. */
#include "parcours/table.h"
#include <assert.h>
#include <string.h>

typedef struct kept_column {
    pc_field field;
    uint8_t width;
    pc_buffer data;          // [row_count] values of `width` bytes
    pc_buffer valid;         // bitmap
    const pc_dict *borrowed; // the codes are of this one; NULL: of `text`
    pc_dict_builder *text;   // owned; NULL: not made
    pc_dict_mark mapped;     // dictionary that `map` is of
    pc_buffer map;           // uint32: its index to builder index + 1, 0: not yet
} kept_column;

struct pc_table {
    pc_arena self; // holds this struct
    pc_budget *budget;
    pc_schema schema;
    pc_table_texts texts;
    int64_t row_count;
    bool has_slots;
    pc_buffer slot;      // int64 [row_count]
    kept_column *column; // [schema.field_count]
};

static bool is_dict_type(pc_type type)
{
    return type == PC_CODE || type == PC_TEXT;
}

static uint8_t width_of(const pc_field *field)
{
    if (is_dict_type(field->type)) return sizeof(uint32_t);
    if (field->type == PC_BOOL) return 1;
    if (field->type == PC_ID) return field->width == 0 ? PC_ID_MAX_BYTES : field->width;
    return sizeof(int64_t);
}

pc_status pc_table_new(const pc_schema *schema, pc_table_texts texts, pc_budget *budget,
                       pc_table **out, pc_error *err)
{
    pc_arena self = {.budget = budget};
    const size_t count = (size_t)schema->field_count + 1;
    pc_table *t = pc_arena_take(&self, sizeof *t, err);
    kept_column *column = t == NULL ? NULL : pc_arena_array(&self, count, sizeof *column, err);
    pc_field *field = column == NULL ? NULL : pc_arena_array(&self, count, sizeof *field, err);
    if (field == NULL) {
        pc_arena_reset(&self);
        return PC_NO_MEMORY;
    }
    for (int i = 0; i < schema->field_count; i++) {
        field[i] = schema->field[i];
        field[i].width = field[i].type == PC_ID ? width_of(&field[i]) : 0;
        column[i] = (kept_column){.field = field[i],
                                  .width = width_of(&field[i]),
                                  .data = {.budget = budget},
                                  .valid = {.budget = budget},
                                  .map = {.budget = budget}};
    }
    *t = (pc_table){.self = self,
                    .budget = budget,
                    .schema = {schema->field_count, field},
                    .texts = texts,
                    .slot = {.budget = budget},
                    .column = column};
    *out = t;
    return PC_OK;
}

static void forget_texts(kept_column *c)
{
    pc_dict_builder_free(c->text);
    c->text = NULL;
    c->borrowed = NULL;
    c->mapped = (pc_dict_mark){0};
}

void pc_table_free(pc_table *table)
{
    if (table == NULL) return;
    for (int i = 0; i < table->schema.field_count; i++) {
        pc_buffer_release(&table->column[i].data);
        pc_buffer_release(&table->column[i].valid);
        pc_buffer_release(&table->column[i].map);
        forget_texts(&table->column[i]);
    }
    pc_buffer_release(&table->slot);
    pc_arena self = table->self; // a copy: the struct lies in it
    pc_arena_reset(&self);
}

void pc_table_clear(pc_table *table)
{
    for (int i = 0; i < table->schema.field_count; i++) {
        table->column[i].data.bytes = 0;
        table->column[i].valid.bytes = 0;
        forget_texts(&table->column[i]);
    }
    table->slot.bytes = 0;
    table->row_count = 0;
    table->has_slots = false;
}

int64_t pc_table_rows(const pc_table *table)
{
    return table->row_count;
}

const int64_t *pc_table_slots(const pc_table *table)
{
    return table->has_slots ? (const int64_t *)(const void *)table->slot.data : NULL;
}

static pc_status grow_valid(kept_column *k, const pc_column *from, int64_t row_count, int more,
                            pc_error *err)
{
    const size_t bytes = (size_t)((row_count + more) / 64 + 1) * sizeof(uint64_t);
    PC_TRY(pc_buffer_reserve(&k->valid, bytes, err));
    if (bytes > k->valid.bytes) memset(k->valid.data + k->valid.bytes, 0, bytes - k->valid.bytes);
    k->valid.bytes = bytes;
    uint64_t *valid = (uint64_t *)(void *)k->valid.data;
    for (int row = 0; row < more; row++) {
        const int64_t at = row_count + row;
        if (!pc_column_is_null(from, row)) valid[at >> 6] |= UINT64_C(1) << (at & 63);
    }
    return PC_OK;
}

static pc_status own_index(kept_column *k, const pc_dict *dict, uint32_t code, uint32_t *out,
                           pc_error *err)
{
    if (!pc_dict_is_marked(k->mapped, dict) || k->map.bytes / sizeof(uint32_t) <= code) {
        const size_t bytes = (size_t)dict->count * sizeof(uint32_t);
        PC_TRY(pc_buffer_reserve(&k->map, bytes, err));
        memset(k->map.data, 0, bytes);
        k->map.bytes = bytes;
        k->mapped = pc_dict_mark_of(dict);
    }
    uint32_t *known = (uint32_t *)(void *)k->map.data + code;
    if (*known == 0) {
        uint32_t index = 0;
        PC_TRY(pc_dict_builder_add(k->text, pc_dict_text(dict, code), &index, err));
        *known = index + 1;
    }
    *out = *known - 1;
    return PC_OK;
}

// From now on texts are copied: those that are there first.
static pc_status own_texts(kept_column *k, int64_t row_count, pc_budget *budget, pc_error *err)
{
    if (k->text == NULL) PC_TRY(pc_dict_builder_new(budget, &k->text, err));
    const pc_dict *before = k->borrowed;
    k->borrowed = NULL;
    uint32_t *code = (uint32_t *)(void *)k->data.data;
    const uint64_t *valid = (const uint64_t *)(const void *)k->valid.data;
    for (int64_t row = 0; before != NULL && row < row_count; row++) {
        if (pc_is_valid(valid, row)) PC_TRY(own_index(k, before, code[row], &code[row], err));
    }
    return PC_OK;
}

static pc_status fit_texts(pc_table *t, kept_column *k, const pc_column *from, pc_error *err)
{
    if (t->texts == PC_TABLE_BORROWS && k->text == NULL) {
        if (k->borrowed == NULL) k->borrowed = from->dict;
        if (k->borrowed == from->dict) return PC_OK;
    }
    if (k->text != NULL && k->borrowed == NULL) return PC_OK;
    return own_texts(k, t->row_count, t->budget, err);
}

static pc_status add_texts(kept_column *k, const pc_column *from, int more, uint32_t *to,
                           pc_error *err)
{
    for (int row = 0; row < more; row++) {
        to[row] = 0;
        if (pc_column_is_null(from, row)) continue;
        to[row] = (uint32_t)pc_column_int(from, row);
        if (k->borrowed == NULL) PC_TRY(own_index(k, from->dict, to[row], &to[row], err));
    }
    return PC_OK;
}

#define WIDEN(name, type)                                                                          \
    static void name(const void *from, int more, int64_t *to)                                      \
    {                                                                                              \
        const type *value = from;                                                                  \
        for (int row = 0; row < more; row++) {                                                     \
            to[row] = (int64_t)value[row];                                                         \
        }                                                                                          \
    }
WIDEN(widen_1, int8_t)
WIDEN(widen_2, int16_t)
WIDEN(widen_4, int32_t)

static void add_plain(const kept_column *k, const pc_column *from, int more, char *to)
{
    if (from->width == k->width) {
        if (more > 0) memcpy(to, from->data, (size_t)more * k->width);
        return;
    }
    if (from->type != PC_ID) {
        int64_t *value = (int64_t *)(void *)to;
        if (from->width == 1) widen_1(from->data, more, value);
        if (from->width == 2) widen_2(from->data, more, value);
        if (from->width == 4) widen_4(from->data, more, value);
        return;
    }
    const size_t bytes = from->width < k->width ? from->width : k->width;
    for (int row = 0; row < more; row++) {
        memset(to + (size_t)row * k->width, 0, k->width);
        memcpy(to + (size_t)row * k->width, (const char *)from->data + (size_t)row * from->width,
               bytes);
    }
}

static pc_status add_column(pc_table *t, kept_column *k, const pc_column *from, int more,
                            pc_error *err)
{
    const pc_type type = k->field.type;
    const bool both_texts = is_dict_type(type) && is_dict_type(from->type);
    if ((from->type != type && !both_texts) || from->scale != k->field.scale) {
        return PC_FAIL(err, PC_BAD_INPUT, "column '%s' is not the %s that was planned",
                       k->field.name, pc_type_name(type));
    }
    if (both_texts) PC_TRY(fit_texts(t, k, from, err));
    PC_TRY(grow_valid(k, from, t->row_count, more, err));
    const size_t bytes = (size_t)(t->row_count + more) * k->width;
    PC_TRY(pc_buffer_reserve(&k->data, bytes + 1, err));
    char *to = k->data.data + (size_t)t->row_count * k->width;
    if (both_texts) {
        PC_TRY(add_texts(k, from, more, (uint32_t *)(void *)to, err));
    } else {
        add_plain(k, from, more, to);
    }
    k->data.bytes = bytes;
    return PC_OK;
}

pc_status pc_table_add(pc_table *table, const pc_batch *batch, pc_error *err)
{
    if (batch->row_count == 0) return PC_OK;
    if (table->row_count == 0) table->has_slots = batch->slot != NULL;
    for (int i = 0; i < table->schema.field_count; i++) {
        PC_TRY(add_column(table, &table->column[i], &batch->column[i], batch->row_count, err));
    }
    if (table->has_slots) {
        assert(batch->slot != NULL);
        PC_TRY(pc_buffer_append(&table->slot, batch->slot,
                                (size_t)batch->row_count * sizeof *batch->slot, err));
    }
    table->row_count += batch->row_count;
    return PC_OK;
}

void pc_table_view(const pc_table *table, int column, pc_column *out)
{
    const kept_column *k = &table->column[column];
    static const uint64_t nothing[1] = {0};
    *out = (pc_column){
        .type = k->field.type,
        .scale = k->field.type == PC_DECIMAL ? k->field.scale : 0,
        .width = k->width,
        .data = k->data.data == NULL ? (const void *)nothing : k->data.data,
        .valid = k->valid.data == NULL ? nothing : (const uint64_t *)(const void *)k->valid.data};
    if (!is_dict_type(k->field.type)) return;
    static const uint64_t none[1] = {0};
    static const pc_dict empty = {.sorted = true, .offset = none, .bytes = ""};
    out->dict = k->borrowed != NULL ? k->borrowed
                : k->text != NULL   ? pc_dict_builder_view(k->text)
                                    : &empty;
}

pc_status pc_table_slice(const pc_table *table, int64_t first, pc_arena *arena, pc_batch *out,
                         pc_error *err)
{
    assert(first % 64 == 0);
    const int count = table->schema.field_count;
    const int64_t left = table->row_count - first;
    *out = (pc_batch){.column_count = count,
                      .row_count = left < PC_BATCH_ROWS ? (int)left : PC_BATCH_ROWS};
    out->column = pc_arena_array(arena, (size_t)count + 1, sizeof *out->column, err);
    if (out->column == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < count && out->row_count > 0; i++) {
        pc_column *c = &out->column[i];
        pc_table_view(table, i, c);
        c->data = (const char *)c->data + (size_t)first * c->width;
        c->valid += first / 64;
    }
    if (table->has_slots && out->row_count > 0) {
        out->slot = (int64_t *)(void *)table->slot.data + first;
    }
    return PC_OK;
}

static void take_values(const kept_column *k, const int64_t *row, int count, char *to)
{
    for (int i = 0; i < count; i++) {
        if (row[i] < 0) continue; // zeros
        memcpy(to + (size_t)i * k->width, k->data.data + (size_t)row[i] * k->width, k->width);
    }
}

static void take_words(const kept_column *k, const int64_t *row, int count, int64_t *to)
{
    const int64_t *from = (const int64_t *)(const void *)k->data.data;
    for (int i = 0; i < count; i++) {
        if (row[i] >= 0) to[i] = from[row[i]];
    }
}

pc_status pc_table_take(const pc_table *table, int column, const int64_t *row, int count,
                        pc_arena *arena, pc_column *out, pc_error *err)
{
    const kept_column *k = &table->column[column];
    pc_table_view(table, column, out);
    char *data = pc_arena_array(arena, (size_t)count + 1, k->width, err);
    uint64_t *valid = pc_arena_array(arena, (size_t)count / 64 + 1, sizeof *valid, err);
    if (data == NULL || valid == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < count; i++) {
        if (row[i] < 0 || !pc_is_valid(out->valid, row[i])) continue;
        valid[i >> 6] |= UINT64_C(1) << (i & 63);
    }
    if (k->width == sizeof(int64_t) && k->field.type != PC_ID) {
        take_words(k, row, count, (int64_t *)(void *)data);
    } else {
        take_values(k, row, count, data);
    }
    out->data = data;
    out->valid = valid;
    return PC_OK;
}

static pc_status copy_texts(const pc_column *from, uint32_t *index, int64_t row_count,
                            pc_budget *budget, pc_arena *arena, const pc_dict **out, pc_error *err)
{
    pc_dict_builder *builder = NULL;
    uint32_t *map = NULL;
    pc_dict *dict = pc_arena_take(arena, sizeof *dict, err);
    pc_status status = dict == NULL ? PC_NO_MEMORY : pc_dict_builder_new(budget, &builder, err);
    for (int64_t row = 0; status == PC_OK && row < row_count; row++) {
        if (!pc_is_valid(from->valid, row)) continue;
        status =
            pc_dict_builder_add(builder, pc_dict_text(from->dict, index[row]), &index[row], err);
    }
    if (status == PC_OK) status = pc_dict_builder_sort(builder, arena, dict, &map, err);
    for (int64_t row = 0; status == PC_OK && row < row_count; row++) {
        if (pc_is_valid(from->valid, row)) index[row] = map[index[row]];
    }
    pc_dict_builder_free(builder);
    *out = dict;
    return status;
}

pc_status pc_table_copy(const pc_table *table, int column, pc_arena *arena, pc_column *out,
                        pc_error *err)
{
    const kept_column *k = &table->column[column];
    pc_table_view(table, column, out);
    char *data = pc_arena_take(arena, k->data.bytes + 1, err);
    char *valid = pc_arena_take(arena, k->valid.bytes + sizeof(uint64_t), err);
    if (data == NULL || valid == NULL) return PC_NO_MEMORY;
    if (k->data.bytes > 0) memcpy(data, k->data.data, k->data.bytes);
    if (k->valid.bytes > 0) memcpy(valid, k->valid.data, k->valid.bytes);
    out->data = data;
    out->valid = (const uint64_t *)(const void *)valid;
    if (!is_dict_type(k->field.type)) return PC_OK;
    return copy_texts(out, (uint32_t *)(void *)data, table->row_count, table->budget, arena,
                      &out->dict, err);
}

// A column in another order of rows: into new buffers, which take the place of the old ones.
static pc_status reorder_column(kept_column *k, const uint32_t *order, int64_t row_count,
                                pc_error *err)
{
    pc_buffer data = {.budget = k->data.budget};
    pc_buffer valid = {.budget = k->valid.budget};
    pc_status status = pc_buffer_reserve(&data, k->data.bytes + 1, err);
    if (status == PC_OK) status = pc_buffer_reserve(&valid, k->valid.bytes + 1, err);
    if (status != PC_OK) {
        pc_buffer_release(&data);
        return status;
    }
    data.bytes = k->data.bytes;
    valid.bytes = k->valid.bytes;
    memset(valid.data, 0, valid.bytes);
    uint64_t *bit = (uint64_t *)(void *)valid.data;
    const uint64_t *old = (const uint64_t *)(const void *)k->valid.data;
    for (int64_t row = 0; row < row_count; row++) {
        memcpy(data.data + (size_t)row * k->width, k->data.data + (size_t)order[row] * k->width,
               k->width);
        if (pc_is_valid(old, order[row])) bit[row >> 6] |= UINT64_C(1) << (row & 63);
    }
    pc_buffer_release(&k->data);
    pc_buffer_release(&k->valid);
    k->data = data;
    k->valid = valid;
    return PC_OK;
}

// Stable: runs that are in order already are merged from the bottom up.
static void merge_orders(const int64_t *slot, const uint32_t *from, int64_t count, int64_t run,
                         uint32_t *to)
{
    for (int64_t start = 0; start < count; start += 2 * run) {
        const int64_t middle = start + run < count ? start + run : count;
        const int64_t end = start + 2 * run < count ? start + 2 * run : count;
        int64_t left = start, right = middle;
        for (int64_t at = start; at < end; at++) {
            const bool take_left =
                left < middle && (right >= end || slot[from[left]] <= slot[from[right]]);
            to[at] = take_left ? from[left++] : from[right++];
        }
    }
}

static bool slots_ascend(const int64_t *slot, int64_t row_count)
{
    for (int64_t row = 1; row < row_count; row++) {
        if (slot[row] < slot[row - 1]) return false;
    }
    return true;
}

static pc_status reorder(pc_table *t, const uint32_t *order, pc_error *err)
{
    for (int i = 0; i < t->schema.field_count; i++) {
        PC_TRY(reorder_column(&t->column[i], order, t->row_count, err));
    }
    pc_buffer moved = {.budget = t->budget};
    PC_TRY(pc_buffer_reserve(&moved, t->slot.bytes + 1, err));
    moved.bytes = t->slot.bytes;
    const int64_t *from = (const int64_t *)(const void *)t->slot.data;
    int64_t *to = (int64_t *)(void *)moved.data;
    for (int64_t row = 0; row < t->row_count; row++) {
        to[row] = from[order[row]];
    }
    pc_buffer_release(&t->slot);
    t->slot = moved;
    return PC_OK;
}

pc_status pc_table_sort_slots(pc_table *table, pc_error *err)
{
    const int64_t count = table->row_count;
    if (!table->has_slots) return PC_OK;
    const int64_t *slot = (const int64_t *)(const void *)table->slot.data;
    if (slots_ascend(slot, count)) return PC_OK;
    if (count > UINT32_MAX) {
        return PC_FAIL(err, PC_UNSUPPORTED, "more than %u rows to put in order", UINT32_MAX);
    }
    pc_arena arena = {.budget = table->budget};
    uint32_t *order = pc_arena_array(&arena, (size_t)count, sizeof *order, err);
    uint32_t *other = pc_arena_array(&arena, (size_t)count, sizeof *other, err);
    pc_status status = order == NULL || other == NULL ? PC_NO_MEMORY : PC_OK;
    for (int64_t row = 0; status == PC_OK && row < count; row++) {
        order[row] = (uint32_t)row;
    }
    for (int64_t run = 1; status == PC_OK && run < count; run *= 2) {
        merge_orders(slot, order, count, run, other);
        uint32_t *const sorted = other;
        other = order;
        order = sorted;
    }
    if (status == PC_OK) status = reorder(table, order, err);
    pc_arena_reset(&arena);
    return status;
}

pc_status pc_table_pack(const pc_table *table, pc_buffer *out, pc_error *err)
{
    pc_arena arena = {.budget = table->budget};
    pc_status status = PC_OK;
    for (int64_t first = 0; status == PC_OK && first < table->row_count; first += PC_BATCH_ROWS) {
        pc_batch batch;
        status = pc_table_slice(table, first, &arena, &batch, err);
        if (status == PC_OK) status = pc_batch_pack(&batch, &table->schema, out, err);
        pc_arena_empty(&arena);
    }
    pc_arena_reset(&arena);
    return status;
}

pc_status pc_table_unpack(pc_table *table, pc_span in, pc_error *err)
{
    table->texts = PC_TABLE_COPIES; // what was borrowed is copied when the next rows come
    pc_arena arena = {.budget = table->budget};
    pc_status status = PC_OK;
    for (size_t at = 0; status == PC_OK && at < in.bytes;) {
        pc_batch batch;
        status = pc_batch_unpack(in, &at, &table->schema, &arena, &batch, err);
        if (status == PC_OK) status = pc_table_add(table, &batch, err);
        for (int i = 0; i < table->schema.field_count; i++) {
            table->column[i].mapped = (pc_dict_mark){0}; // the batch's dictionaries go
        }
        pc_arena_empty(&arena);
    }
    pc_arena_reset(&arena);
    return status;
}
