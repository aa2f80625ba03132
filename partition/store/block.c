/** Blocks: columns and links on demand, whoever made the block. */
#include "parcours/block.h"
#include <assert.h>

pc_status pc_block_column(pc_block *block, int table, int column, const pc_column **out,
                          pc_error *err)
{
    pc_block_table *t = &block->table[table];
    const pc_model_table *about = &block->model->table[table];
    if (t->offset == NULL) {
        return PC_FAIL(err, PC_BAD_INPUT, "table '%s' is not in the block", about->name);
    }
    pc_column *c = &t->column[column];
    if (c->type == PC_NONE) {
        if (t->row_count == 0) {
            *c = (pc_column){.type = about->column[column].type,
                             .scale = about->column[column].scale,
                             .width = 1};
            *out = c;
            return PC_OK;
        }
        if (block->load == NULL) {
            return PC_FAIL(err, PC_BAD_INPUT, "column '%s.%s' is not in the block", about->name,
                           about->column[column].name);
        }
        PC_TRY(block->load(block, table, column, err));
        assert(c->type != PC_NONE);
    }
    *out = c;
    return PC_OK;
}

pc_status pc_block_parent(pc_block *block, int table, const int32_t **out, pc_error *err)
{
    pc_block_table *t = &block->table[table];
    const pc_model_table *about = &block->model->table[table];
    if (t->offset == NULL || about->parent_key < 0) {
        return PC_FAIL(err, PC_BAD_INPUT, "table '%s' has no parent rows in the block",
                       about->name);
    }
    if (t->parent == NULL && block->load != NULL)
        PC_TRY(block->load(block, table, PC_BLOCK_PARENT, err));
    if (t->parent == NULL && t->row_count > 0) {
        return PC_FAIL(err, PC_BAD_INPUT, "parent rows of '%s' are not in the block", about->name);
    }
    *out = t->parent;
    return PC_OK;
}

pc_status pc_block_file(pc_block *block, int table, const uint16_t **out, pc_error *err)
{
    pc_block_table *t = &block->table[table];
    if (t->file == NULL && t->row_count > 0 && block->load != NULL) {
        PC_TRY(block->load(block, table, PC_BLOCK_FILE, err));
    }
    *out = t->file;
    return PC_OK;
}

pc_status pc_block_companion(pc_block *block, int table, const int32_t **out, pc_error *err)
{
    pc_block_table *t = &block->table[table];
    if (t->companion != NULL) {
        *out = t->companion;
        return PC_OK;
    }
    const int32_t *parent;
    PC_TRY(pc_block_parent(block, table, &parent, err));
    const int parent_table = block->model->key[block->model->table[table].parent_key].table;
    const int64_t parent_rows = block->table[parent_table].row_count;
    int32_t *first = pc_arena_array(block->arena, (size_t)parent_rows + 1, sizeof *first, err);
    if (first == NULL) return PC_NO_MEMORY;
    for (int64_t row = 0; row < parent_rows; row++)
        first[row] = -1;
    for (int64_t row = t->row_count - 1; row >= 0; row--) {
        if (parent[row] >= 0) first[parent[row]] = (int32_t)row;
    }
    t->companion = first;
    *out = first;
    return PC_OK;
}
