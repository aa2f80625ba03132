/** Blocks: columns and links on demand, whoever made the block. */
#include "parcours/block.h"
#include <assert.h>
#include "parcours/batch.h"

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

enum {
    SPARSE_SHARE = 4, // below one row in so many, single values are cheaper than whole chunks
    FEW_SHARE = 64    // the same for a last batch, however dense it is
};

// Are the rows few of those that they lie among.
static bool is_sparse(const int32_t *row, int count, int64_t row_count)
{
    int32_t low = INT32_MAX, high = -1;
    for (int i = 0; i < count; i++) {
        low = row[i] >= 0 && row[i] < low ? row[i] : low;
        high = row[i] > high ? row[i] : high;
    }
    if (high < 0) return true;
    if ((int64_t)count * SPARSE_SHARE < (int64_t)high - low + 1) return true;
    return count < PC_BATCH_ROWS / 2 && (int64_t)count * FEW_SHARE < row_count;
}

pc_status pc_block_take(pc_block *block, int table, int column, const int32_t *row, int count,
                        pc_arena *arena, pc_column *out, pc_error *err)
{
    const pc_block_table *t = &block->table[table];
    const bool is_loaded = t->offset != NULL && t->column[column].type != PC_NONE;
    if (block->some != NULL && t->offset != NULL && !is_loaded &&
        is_sparse(row, count, t->row_count)) {
        bool is_done = false;
        PC_TRY(block->some(block, table, column, row, count, arena, out, &is_done, err));
        if (is_done) return PC_OK;
    }
    const pc_column *whole = NULL;
    PC_TRY(pc_block_column(block, table, column, &whole, err));
    *out = *whole;
    return whole->data == NULL ? PC_OK : pc_column_take(whole, row, count, arena, out, err);
}

// Links within slots to rows of the block.
static pc_status follow(const pc_block *block, int table, const pc_column *link,
                        const int32_t *slot, int count, int32_t *out, pc_error *err)
{
    const pc_model_table *about = &block->model->table[table];
    const int64_t *offset = block->table[block->model->key[about->parent_key].table].offset;
    for (int i = 0; i < count; i++) {
        out[i] = -1;
        if (link->data == NULL || pc_column_is_null(link, i)) continue;
        const uint64_t rows = (uint64_t)(offset[slot[i] + 1] - offset[slot[i]]);
        const uint64_t at = (uint64_t)pc_column_int(link, i);
        if (at >= rows) {
            return PC_FAIL(err, PC_BAD_INPUT, "a link of '%s' leads nowhere", about->name);
        }
        out[i] = (int32_t)(offset[slot[i]] + (int64_t)at);
    }
    return PC_OK;
}

pc_status pc_block_parents_of(pc_block *block, int table, const int32_t *row, const int32_t *slot,
                              int count, pc_arena *scratch, int32_t *out, pc_error *err)
{
    const pc_block_table *t = &block->table[table];
    if (block->some != NULL && t->offset != NULL && t->parent == NULL &&
        block->model->table[table].parent_key >= 0 && is_sparse(row, count, t->row_count)) {
        pc_column link;
        bool is_done = false;
        PC_TRY(block->some(block, table, -1, row, count, scratch, &link, &is_done, err));
        if (is_done) return follow(block, table, &link, slot, count, out, err);
    }
    const int32_t *parent = NULL;
    PC_TRY(pc_block_parent(block, table, &parent, err));
    for (int i = 0; i < count; i++)
        out[i] = row[i] < 0 ? -1 : parent[row[i]];
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
