/** Numbering combinations of keys: key by key, (group so far, value) becomes the next group. */
#include <assert.h>
#include <string.h>
#include "groups.h"
#include "keys.h"

pc_status pc_groups_open(pc_groups *groups, const pc_field *field, int key_count, pc_arena *arena,
                         pc_error *err)
{
    *groups = (pc_groups){0};
    const size_t room = (size_t)key_count + 1;
    groups->coder = pc_arena_array(arena, room, sizeof *groups->coder, err);
    groups->pairs = pc_arena_array(arena, room, sizeof *groups->pairs, err);
    if (groups->coder == NULL || groups->pairs == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < key_count; i++) {
        PC_TRY(pc_coder_open(&groups->coder[i], &field[i], arena->budget, err));
        groups->pairs[i].intern.budget = arena->budget;
        groups->pairs[i].direct.budget = arena->budget;
        groups->key_count = i + 1; // what close must give back
    }
    return PC_OK;
}

void pc_groups_close(pc_groups *groups)
{
    for (int i = 0; i < groups->key_count; i++) {
        pc_coder_close(&groups->coder[i]);
        pc_pairs_release(&groups->pairs[i]);
    }
    *groups = (pc_groups){0};
}

pc_status pc_groups_join(pc_groups *groups, int key, const uint32_t *number, int row_count,
                         uint32_t *group, uint32_t *group_count, pc_error *err)
{
    pc_pairs *pairs = &groups->pairs[key];
    const uint32_t numbers = pc_coder_count(&groups->coder[key]);
    PC_TRY(pc_pairs_number(pairs, group, *group_count, number, numbers, row_count, group, err));
    *group_count = pairs->intern.count;
    return PC_OK;
}

void pc_groups_end(pc_groups *groups, uint32_t group_count)
{
    if (group_count > groups->count) groups->count = group_count;
}

pc_status pc_groups_number(pc_groups *groups, const pc_column *key, int row_count, uint32_t *group,
                           pc_error *err)
{
    memset(group, 0, (size_t)row_count * sizeof *group);
    uint32_t group_count = row_count > 0 ? 1 : 0;
    uint32_t number[PC_BATCH_ROWS];
    for (int i = 0; i < groups->key_count; i++) {
        PC_TRY(pc_coder_number(&groups->coder[i], &key[i], row_count, number, err));
        PC_TRY(pc_groups_join(groups, i, number, row_count, group, &group_count, err));
    }
    pc_groups_end(groups, group_count);
    return PC_OK;
}

void pc_groups_run(uint32_t first, int count, uint32_t *group)
{
    for (int i = 0; i < count; i++) {
        group[i] = first + (uint32_t)i;
    }
}

pc_status pc_groups_column(const pc_groups *groups, int key, const uint32_t *of, int count,
                           pc_arena *arena, pc_column *out, pc_error *err)
{
    assert(count <= PC_BATCH_ROWS);
    uint32_t number[PC_BATCH_ROWS];
    for (int i = 0; i < count; i++) {
        uint32_t group = of[i];
        for (int later = groups->key_count - 1; later > key; later--) {
            group = (uint32_t)(pc_intern_word(&groups->pairs[later].intern, group) >> 32);
        }
        number[i] = (uint32_t)pc_intern_word(&groups->pairs[key].intern, group);
    }
    return pc_coder_column(&groups->coder[key], number, count, arena, out, err);
}

void pc_groups_forget(pc_groups *groups)
{
    for (int i = 0; i < groups->key_count; i++) {
        pc_coder_forget(&groups->coder[i]);
    }
}

static pc_status hash_groups(const pc_groups *groups, pc_keys *keys, int part_count,
                             pc_arena *arena, uint16_t *part, pc_error *err)
{
    for (uint32_t first = 0; first < groups->count; first += PC_BATCH_ROWS) {
        const pc_arena_mark mark = pc_arena_now(arena);
        const uint32_t left = groups->count - first;
        pc_batch batch = {.column_count = groups->key_count,
                          .row_count = left < PC_BATCH_ROWS ? (int)left : PC_BATCH_ROWS};
        batch.column =
            pc_arena_array(arena, (size_t)batch.column_count + 1, sizeof *batch.column, err);
        if (batch.column == NULL) return PC_NO_MEMORY;
        uint32_t group[PC_BATCH_ROWS];
        uint64_t hash[PC_BATCH_ROWS];
        bool is_null[PC_BATCH_ROWS];
        pc_groups_run(first, batch.row_count, group);
        for (int i = 0; i < groups->key_count; i++) {
            PC_TRY(
                pc_groups_column(groups, i, group, batch.row_count, arena, &batch.column[i], err));
        }
        PC_TRY(pc_keys_hash(keys, &batch, hash, is_null, err));
        pc_keys_forget(keys);
        for (int i = 0; i < batch.row_count; i++) {
            part[first + (uint32_t)i] = (uint16_t)pc_part_of_hash(hash[i], part_count);
        }
        pc_arena_rewind(arena, mark);
    }
    return PC_OK;
}

pc_status pc_groups_parts(const pc_groups *groups, int part_count, pc_arena *arena, uint16_t **part,
                          pc_error *err)
{
    int *column = pc_arena_array(arena, (size_t)groups->key_count + 1, sizeof *column, err);
    *part = pc_arena_array(arena, (size_t)groups->count + 1, sizeof **part, err);
    if (column == NULL || *part == NULL) return PC_NO_MEMORY;
    if (part_count == 1) return PC_OK;
    for (int i = 0; i < groups->key_count; i++) {
        column[i] = i;
    }
    pc_keys keys;
    pc_status status = pc_keys_open(&keys, column, groups->key_count, arena, err);
    if (status == PC_OK) status = hash_groups(groups, &keys, part_count, arena, *part, err);
    pc_keys_close(&keys);
    return status;
}
