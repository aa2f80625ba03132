/** What a scan is likely to read: see explain_estimate.h. */
#include "explain_estimate.h"

enum { SHARDS_ASKED = 8 }; // directories are read of so many, spread over the store

typedef struct estimate {
    pc_store *store;
    const pc_model *model;
    const pc_scan_plan *plan;
    pc_scan *scan;
    pc_budget *budget;
    bool with_zones;       // else as if zone maps left all
    bool *needed;          // [table_count]
    pc_column_size **size; // [table_count] of the shard that is looked at
    bool **is_read;        // [table_count] columns
    double chunks, bytes;
} estimate;

static pc_status open_estimate(estimate *e, pc_arena *arena, pc_error *err)
{
    const size_t tables = (size_t)e->model->table_count;
    e->needed = pc_arena_array(arena, tables, sizeof *e->needed, err);
    e->size = pc_arena_array(arena, tables, sizeof *e->size, err);
    e->is_read = pc_arena_array(arena, tables, sizeof *e->is_read, err);
    if (e->needed == NULL || e->size == NULL || e->is_read == NULL) return PC_NO_MEMORY;
    pc_scan_tables(e->scan, e->needed);
    for (size_t t = 0; t < tables; t++) {
        const size_t columns = (size_t)e->model->table[t].column_count + 1;
        if (!e->needed[t]) continue;
        e->size[t] = pc_arena_array(arena, columns, sizeof **e->size, err);
        e->is_read[t] = pc_arena_array(arena, columns, sizeof **e->is_read, err);
        if (e->size[t] == NULL || e->is_read[t] == NULL) return PC_NO_MEMORY;
    }
    bool *used = pc_arena_array(arena, (size_t)e->plan->column_count + 1, sizeof *used, err);
    if (used == NULL) return PC_NO_MEMORY;
    pc_scan_plan_used(e->plan, used);
    for (int i = 0; i < e->plan->column_count; i++) {
        int column = e->plan->column[i].column;
        int table = e->plan->relation[e->plan->column[i].relation].table;
        if (column < 0 || !used[i] || e->model->table[table].path == PC_PATH_NONE) continue;
        const pc_model_table *t = &e->model->table[table];
        const int above = t->column[column].parent_column;
        if (t->parent_key >= 0 && above >= 0) { // a key column that stands with the parent
            table = e->model->key[t->parent_key].table;
            column = above;
        }
        if (e->is_read[table] != NULL) e->is_read[table][column] = true;
    }
    return PC_OK;
}

// The share of a shard's blocks that zone maps leave.
static pc_status share_of_blocks(estimate *e, int shard, double *share, pc_error *err)
{
    const pc_read_request request = {.table = e->needed};
    pc_reader *reader = NULL;
    pc_block *block = NULL;
    int64_t blocks = 0, left = 0;
    pc_status status = pc_reader_open(e->store, shard, &request, e->budget, &reader, err);
    while (status == PC_OK) {
        status = pc_reader_next(reader, &block, err);
        if (status != PC_OK || block->slot_count == 0) break;
        status = pc_scan_begin(e->scan, block, reader, err);
        blocks++;
        left += status == PC_OK && (!e->with_zones || !pc_scan_skips(e->scan));
    }
    pc_reader_close(reader);
    *share = blocks == 0 ? 0 : (double)left / (double)blocks;
    return status;
}

static pc_status look_at(estimate *e, int shard, pc_error *err)
{
    double share;
    PC_TRY(share_of_blocks(e, shard, &share, err));
    PC_TRY(pc_store_sizes(e->store, shard, e->budget, e->size, err));
    for (int t = 0; t < e->model->table_count; t++) {
        for (int c = 0; e->size[t] != NULL && c < e->model->table[t].column_count; c++) {
            pc_column_size *size = &e->size[t][c];
            if (e->is_read[t][c]) {
                e->chunks += share * (double)size->chunks;
                e->bytes += share * (double)size->stored_bytes;
            }
            *size = (pc_column_size){0};
        }
    }
    return PC_OK;
}

pc_status pc_estimate_scan(pc_store *store, const pc_catalog *catalog, const pc_scan_plan *plan,
                           bool with_zones, pc_budget *budget, pc_scan_estimate *out, pc_error *err)
{
    estimate e = {.store = store,
                  .model = catalog->model,
                  .plan = plan,
                  .budget = budget,
                  .with_zones = with_zones};
    pc_arena arena = {.budget = budget};
    *out = (pc_scan_estimate){0};
    pc_status status = pc_scan_open(catalog, plan, budget, &e.scan, err);
    if (status == PC_OK) status = open_estimate(&e, &arena, err);
    const int shards = pc_store_shard_count(store);
    const int asked = shards < SHARDS_ASKED ? shards : SHARDS_ASKED;
    for (int i = 0; i < asked && status == PC_OK; i++) {
        status = look_at(&e, (int)((int64_t)i * shards / asked), err);
    }
    pc_scan_close(e.scan);
    pc_arena_reset(&arena);
    if (status != PC_OK || asked == 0) return status;
    out->chunks = (int64_t)(e.chunks * shards / asked + 0.5);
    out->bytes = (int64_t)(e.bytes * shards / asked + 0.5);
    return PC_OK;
}
