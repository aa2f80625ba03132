/** Rows of a result, gathered column by column. */
#include <string.h>
#include "exec_private.h"

typedef struct gathered {
    pc_field field;
    uint8_t width;
    pc_buffer data;        // [row_count] values of `width` bytes; of texts, builder indices
    pc_buffer valid;       // bitmap
    pc_dict_builder *text; // owned; NULL: no text
    const pc_dict *dict;   // the dictionary that `map` is of
    pc_buffer map;         // uint32: its index to builder index + 1, 0: not yet
} gathered;

struct pc_collector {
    pc_arena self; // holds this struct
    pc_budget *budget;
    int column_count;
    int64_t row_count;
    gathered *column; // [column_count]
};

static bool is_text(pc_type type)
{
    return type == PC_CODE || type == PC_TEXT;
}

pc_status pc_collector_new(const pc_schema *schema, pc_budget *budget, pc_collector **out,
                           pc_error *err)
{
    pc_arena self = {.budget = budget};
    pc_collector *c = pc_arena_take(&self, sizeof *c, err);
    if (c == NULL) return PC_NO_MEMORY;
    c->budget = budget;
    c->column = pc_arena_array(&self, (size_t)schema->field_count + 1, sizeof *c->column, err);
    c->self = self;
    pc_status status = c->column == NULL ? PC_NO_MEMORY : PC_OK;
    for (int i = 0; i < schema->field_count && status == PC_OK; i++) {
        c->column_count = i + 1;
        gathered *g = &c->column[i];
        *g = (gathered){.field = schema->field[i],
                        .data = {.budget = budget},
                        .valid = {.budget = budget},
                        .map = {.budget = budget}};
        if (is_text(g->field.type)) status = pc_dict_builder_new(budget, &g->text, err);
    }
    if (status != PC_OK) {
        pc_collector_free(c);
        return status;
    }
    *out = c;
    return PC_OK;
}

void pc_collector_free(pc_collector *collector)
{
    if (collector == NULL) return;
    for (int i = 0; i < collector->column_count; i++) {
        pc_buffer_release(&collector->column[i].data);
        pc_buffer_release(&collector->column[i].valid);
        pc_buffer_release(&collector->column[i].map);
        pc_dict_builder_free(collector->column[i].text);
    }
    pc_arena self = collector->self; // a copy: the struct lies in it
    pc_arena_reset(&self);
}

int64_t pc_collector_rows(const pc_collector *collector)
{
    return collector->row_count;
}

static pc_status grow_valid(gathered *g, const pc_column *from, int64_t row_count, int more,
                            pc_error *err)
{
    const size_t bytes = (size_t)((row_count + more) / 64 + 1) * sizeof(uint64_t);
    PC_TRY(pc_buffer_reserve(&g->valid, bytes, err));
    if (bytes > g->valid.bytes) memset(g->valid.data + g->valid.bytes, 0, bytes - g->valid.bytes);
    g->valid.bytes = bytes;
    uint64_t *valid = (uint64_t *)(void *)g->valid.data;
    for (int row = 0; row < more; row++) {
        const int64_t at = row_count + row;
        if (!pc_column_is_null(from, row)) valid[at >> 6] |= UINT64_C(1) << (at & 63);
    }
    return PC_OK;
}

static pc_status text_index(gathered *g, const pc_column *from, int row, uint32_t *out,
                            pc_error *err)
{
    const size_t code = (size_t)pc_column_int(from, row);
    if (g->dict != from->dict || g->map.bytes / sizeof(uint32_t) <= code) {
        const size_t bytes = (size_t)from->dict->count * sizeof(uint32_t);
        PC_TRY(pc_buffer_reserve(&g->map, bytes, err));
        memset(g->map.data, 0, bytes);
        g->map.bytes = bytes;
        g->dict = from->dict;
    }
    uint32_t *known = (uint32_t *)(void *)g->map.data + code;
    if (*known == 0) {
        uint32_t index = 0;
        PC_TRY(pc_dict_builder_add(g->text, pc_column_span(from, row), &index, err));
        *known = index + 1;
    }
    *out = *known - 1;
    return PC_OK;
}

static pc_status add_column(gathered *g, const pc_column *from, int64_t row_count, int more,
                            pc_error *err)
{
    const pc_type type = g->field.type;
    if (type == PC_ID) {
        if (g->width == 0) g->width = from->width;
    } else {
        g->width = is_text(type) ? sizeof(uint32_t) : type == PC_BOOL ? 1 : sizeof(int64_t);
    }
    if (from->type != type && !(is_text(type) && is_text(from->type))) {
        return PC_FAIL(err, PC_BAD_INPUT, "column '%s' is not the %s that was planned",
                       g->field.name, pc_type_name(type));
    }
    PC_TRY(grow_valid(g, from, row_count, more, err));
    const size_t bytes = (size_t)(row_count + more) * g->width;
    PC_TRY(pc_buffer_reserve(&g->data, bytes + 1, err));
    memset(g->data.data + g->data.bytes, 0, bytes - g->data.bytes);
    char *to = g->data.data + (size_t)row_count * g->width;
    g->data.bytes = bytes;
    for (int row = 0; row < more; row++, to += g->width) {
        if (pc_column_is_null(from, row)) continue;
        if (is_text(type)) {
            uint32_t index = 0;
            PC_TRY(text_index(g, from, row, &index, err));
            memcpy(to, &index, sizeof index);
        } else if (type == PC_ID || type == PC_FLOAT) {
            const size_t width = from->width < g->width ? from->width : g->width;
            memcpy(to, (const char *)from->data + (size_t)row * from->width, width);
        } else {
            const int64_t value = pc_column_int(from, row);
            memcpy(to, &value, g->width); // little-endian
        }
    }
    return PC_OK;
}

pc_status pc_collector_add(pc_collector *collector, const pc_batch *batch, pc_error *err)
{
    for (int i = 0; i < collector->column_count; i++) {
        PC_TRY(add_column(&collector->column[i], &batch->column[i], collector->row_count,
                          batch->row_count, err));
    }
    collector->row_count += batch->row_count;
    return PC_OK;
}

static pc_status copy_texts(const gathered *g, uint32_t *index, int64_t row_count, pc_arena *arena,
                            const pc_dict **out, pc_error *err)
{
    pc_dict *dict = pc_arena_take(arena, sizeof *dict, err);
    if (dict == NULL) return PC_NO_MEMORY;
    uint32_t *map = NULL;
    PC_TRY(pc_dict_builder_sort(g->text, arena, dict, &map, err));
    const uint64_t *valid = (const uint64_t *)(const void *)g->valid.data;
    for (int64_t row = 0; row < row_count; row++) {
        if (pc_is_valid(valid, row)) index[row] = map[index[row]];
    }
    *out = dict;
    return PC_OK;
}

pc_status pc_collector_column(const pc_collector *collector, int column, pc_arena *arena,
                              pc_column *out, pc_error *err)
{
    const gathered *g = &collector->column[column];
    *out = (pc_column){.type = g->field.type,
                       .scale = g->field.type == PC_DECIMAL ? g->field.scale : 0,
                       .width = g->width};
    char *data = pc_arena_take(arena, g->data.bytes + 1, err);
    char *valid = pc_arena_take(arena, g->valid.bytes + sizeof(uint64_t), err);
    if (data == NULL || valid == NULL) return PC_NO_MEMORY;
    if (g->data.bytes > 0) memcpy(data, g->data.data, g->data.bytes);
    if (g->valid.bytes > 0) memcpy(valid, g->valid.data, g->valid.bytes);
    out->data = data;
    out->valid = (const uint64_t *)(const void *)valid;
    if (g->text == NULL) return PC_OK;
    return copy_texts(g, (uint32_t *)(void *)data, collector->row_count, arena, &out->dict, err);
}
