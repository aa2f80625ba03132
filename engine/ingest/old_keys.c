/** Keys of parents that are in the store already. Their columns are read again, those of this
 * rank's shards: an index of keys would be as large as the keys. The first column of the key (the
 * month of the flow, of claims) is compared first: a block without a value between the least and
 * the largest that the delivery names is passed over. */
#include <string.h>
#include "old.h"

enum { KEY_BLOCK_ROWS = 65536 };

/** The first bytes of a key as a number in the order of keys; false: they say nothing, since codes
 *  are numbered by each rank when the delivery is read. */
static bool key_start(const pc_row_layout *layout, const unsigned char *key, uint64_t *out)
{
    const pc_row_field *field = &layout->field[0];
    if (layout->field_count == 0 || field->dict >= 0) return false;
    const size_t bytes = field->bytes < 8 ? field->bytes : 8;
    *out = 0;
    for (size_t i = 0; i < bytes; i++)
        *out = *out << 8 | key[i];
    return true;
}

void old_note_keys(ingest_job *job, int table, const unsigned char *row, int64_t row_count)
{
    const pc_model_table *t = &job->model->table[table];
    const pc_row_layout *layout = job->table[table].layout;
    const int key = t->own_key >= 0 ? t->own_key : t->parent_key;
    uint64_t start;
    if (key < 0 || layout->field_count == 0 || layout->field[0].dict >= 0) return;
    uint64_t low = job->old->low[key], high = job->old->high[key];
    for (int64_t i = 0; i < row_count; i++, row += layout->row_bytes) {
        if (!key_start(layout, row + PC_ROW_FIELDS, &start)) return;
        low = start < low ? start : low;
        high = start > high ? start : high;
    }
    job->old->low[key] = low;
    job->old->high[key] = high;
}

void old_share_keys(ingest_job *job)
{
    const uint64_t flip = UINT64_C(1) << 63; // so that they compare as signed numbers
    for (int k = 0; k < job->model->key_count; k++) {
        int64_t low = (int64_t)(job->old->low[k] ^ flip),
                high = (int64_t)(job->old->high[k] ^ flip);
        pc_comm_min_int64(job->comm, &low, 1);
        pc_comm_max_int64(job->comm, &high, 1);
        job->old->low[k] = (uint64_t)low ^ flip;
        job->old->high[k] = (uint64_t)high ^ flip;
    }
}

/** A field that is part of what is read, at its own place behind those before it. */
static void add_field(old_keys *keys, const pc_row_field *field)
{
    keys->field[keys->field_count] = *field;
    keys->field[keys->field_count++].offset = (uint16_t)keys->key_bytes;
    keys->key_bytes += field->bytes;
}

static pc_status open_keys(old_keys *keys, ingest_job *job, int table, size_t most, pc_error *err)
{
    *keys = (old_keys){.job = job,
                       .table = table,
                       .key = -1,
                       .keys.budget = job->budget,
                       .entries.budget = job->budget,
                       .rows.budget = job->budget};
    keys->field = pc_arena_array(&job->arena, most + 1, sizeof *keys->field, err);
    if (keys->field == NULL) return PC_NO_MEMORY;
    return old_scan_open(&keys->scan, job, table, KEY_BLOCK_ROWS, err);
}

pc_status old_keys_open(old_keys *keys, ingest_job *job, int table, pc_error *err)
{
    const pc_row_layout *layout = job->table[table].layout;
    PC_TRY(open_keys(keys, job, table, (size_t)layout->field_count, err));
    keys->key = job->model->table[table].own_key;
    for (int f = 0; f < layout->field_count; f++) {
        if (layout->field[f].offset >= PC_ROW_FIELDS + layout->key_bytes) break;
        add_field(keys, &layout->field[f]);
    }
    return PC_OK;
}

pc_status old_values_open(old_keys *keys, ingest_job *job, int table, const int *column, int count,
                          pc_error *err)
{
    const pc_row_layout *layout = job->table[table].layout;
    PC_TRY(open_keys(keys, job, table, (size_t)count, err));
    for (int i = 0; i < count; i++)
        add_field(keys, &layout->field[layout->field_of_column[column[i]]]);
    return PC_OK;
}

void old_keys_close(old_keys *keys)
{
    old_scan_close(&keys->scan);
    pc_buffer_release(&keys->keys);
    pc_buffer_release(&keys->entries);
    pc_buffer_release(&keys->rows);
}

/** Whether the delivery may name a key that starts like this one. */
static bool may_be_named(const old_keys *k, const unsigned char *key)
{
    const ingest_old *old = k->job->old;
    uint64_t start;
    if (k->key < 0 || !key_start(k->job->table[k->table].layout, key, &start)) return true;
    return start >= old->low[k->key] && start <= old->high[k->key];
}

/** The fields of all rows of the block; `*any`: some row's first field is one that may be named. */
static pc_status read_fields(old_keys *k, pc_block *block, bool *any, pc_error *err)
{
    const int64_t count = block->table[k->table].row_count;
    const size_t width = (size_t)k->key_bytes;
    PC_TRY(pc_buffer_reserve(&k->rows, (size_t)count * width, err));
    unsigned char *row = (unsigned char *)k->rows.data;
    *any = false;
    for (int f = 0; f < k->field_count; f++) {
        const pc_column *column;
        PC_TRY(pc_block_column(block, k->table, k->field[f].column, &column, err));
        old_put_field(&k->field[f], column, 0, count, row, width);
        for (int64_t i = 0; f == 0 && !*any && i < count; i++)
            *any = may_be_named(k, row + (size_t)i * width);
        if (!*any) break;
    }
    return PC_OK;
}

static bool has_null(const old_keys *k, const unsigned char *key)
{
    for (int f = 0; f < k->field_count; f++) {
        if (pc_row_is_null(&k->field[f], key)) return true;
    }
    return false;
}

static pc_status add_keys(old_keys *k, const pc_block *block, pc_error *err)
{
    const size_t width = (size_t)k->key_bytes;
    const int64_t *offset = block->table[k->table].offset;
    for (int slot = 0; slot < block->slot_count; slot++) {
        if (offset[slot] == offset[slot + 1]) continue;
        pc_slot_entry entry = {.key = block->slot_key[slot]};
        pc_slot_tag(&entry.key, entry.tag);
        if (old_is_moved(k->job, &entry)) continue;
        for (int64_t i = offset[slot]; i < offset[slot + 1]; i++) {
            const unsigned char *key = (const unsigned char *)k->rows.data + (size_t)i * width;
            if (!may_be_named(k, key) || has_null(k, key)) continue;
            PC_TRY(pc_buffer_append(&k->keys, key, width, err));
            PC_TRY(pc_buffer_append(&k->keys, entry.tag, PC_TAG_BYTES, err));
            PC_TRY(pc_buffer_append(&k->entries, &entry, sizeof entry, err));
            k->count++;
        }
    }
    return PC_OK;
}

static pc_status fill_round(old_keys *k, pc_error *err)
{
    k->keys.bytes = 0;
    k->entries.bytes = 0;
    k->count = 0;
    while (k->count == 0) {
        pc_block *block;
        bool any;
        PC_TRY(old_scan_next(&k->scan, &block, err));
        if (block->slot_count == 0) return PC_OK;
        if (block->table[k->table].row_count == 0) continue;
        PC_TRY(read_fields(k, block, &any, err));
        if (any) PC_TRY(add_keys(k, block, err));
    }
    return PC_OK;
}

pc_status old_keys_next(old_keys *keys, bool *is_done, pc_error *err)
{
    ingest_job *job = keys->job;
    const pc_status status = pc_comm_agree(job->comm, fill_round(keys, err), err);
    if (status != PC_OK) return status;
    int64_t most = keys->count;
    pc_comm_max_int64(job->comm, &most, 1);
    *is_done = most == 0;
    return PC_OK;
}
