/** How many bytes and chunks columns take. */
#include "inside.h"

static void add_sizes(const pc_directory *directory, pc_column_size *const *size)
{
    for (int i = 0; i < directory->data_count; i++) {
        const pc_data_entry *data = &directory->data[i];
        if (data->table < 0 || data->column < 0 || size[data->table] == NULL) continue;
        pc_column_size *one = &size[data->table][data->column];
        one->chunks += data->chunk_count;
        one->decoded_bytes += data->row_count * data->form.width;
        one->null_count += data->null_count;
        for (int c = 0; c < data->chunk_count; c++)
            one->stored_bytes += data->chunk[c].bytes;
    }
}

pc_status pc_store_sizes(const pc_store *store, int shard, pc_budget *budget,
                         pc_column_size *const *size, pc_error *err)
{
    pc_arena arena = {.budget = budget};
    pc_status status = PC_OK;
    for (int64_t i = store->shard_part[shard]; i < store->shard_part[shard + 1]; i++) {
        const pc_part_info *info = &store->part[i];
        char path[PC_PATH_BYTES];
        pc_part_file *part = pc_arena_take(&arena, sizeof *part, err);
        status = part == NULL ? PC_NO_MEMORY : PC_OK;
        if (status == PC_OK)
            status = pc_part_path(store->path, info->shard, info->number, path, err);
        if (status == PC_OK)
            status = pc_part_file_open(path, store->model, info, &arena, part, err);
        if (status != PC_OK) break;
        add_sizes(&part->directory, size);
        pc_part_file_close(part);
        pc_arena_reset(&arena);
    }
    pc_arena_reset(&arena);
    return status;
}
