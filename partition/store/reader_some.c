/** Single values of a block, for a shard of one part. */
#include "reader.h"

pc_status pc_reader_some(pc_block *block, int table, int column, const int32_t *row, int count,
                         pc_arena *arena, pc_column *out, bool *is_done, pc_error *err)
{
    pc_reader *reader = block->source;
    pc_reader_part *part = &reader->part[0];
    const pc_model_table *about = &reader->store->model->table[table];
    const bool is_link = column < 0;
    *is_done = is_link || about->parent_key < 0 || about->column[column].parent_column < 0;
    if (!*is_done) return PC_OK; // a key column: some rows have their own, others their parent's
    const int64_t first = part->first_row[table][reader->next_slot - block->slot_count];
    const pc_cursor_tools tools = pc_reader_tools(reader, part);
    pc_cursor *cursor;
    PC_TRY(pc_reader_cursor(reader, part, table, is_link ? PC_DATA_PARENT : column, &cursor, err));
    *out = (pc_column){.type = PC_KEY, .width = 1};
    if (!is_link) {
        const pc_model_column *c = &about->column[column];
        *out = (pc_column){.type = c->type,
                           .scale = c->scale,
                           .width = c->type == PC_ID      ? c->width
                                    : c->type == PC_FLOAT ? 8
                                                          : 1,
                           .dict = c->dict < 0 ? NULL : &reader->store->dict[c->dict]};
    }
    if (cursor == NULL) return PC_OK;
    const pc_data_entry *data = cursor->data;
    int32_t any = 0;
    for (int i = 0; i < count; i++)
        any |= row[i];
    out->width = data->form.width;
    void *values = pc_arena_raw(arena, ((size_t)count + 8) * out->width, err);
    uint64_t *valid = NULL;
    if (values == NULL) return PC_NO_MEMORY;
    if (any < 0 || data->null_count > 0) {
        valid = pc_arena_array(arena, (size_t)count / 64 + 1, sizeof *valid, err);
        if (valid == NULL) return PC_NO_MEMORY;
    }
    PC_TRY(pc_cursor_take(cursor, &tools, first, row, count, values, valid, err));
    out->data = values;
    out->valid = valid;
    return PC_OK;
}
