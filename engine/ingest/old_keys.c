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

pc_status old_keys_open(old_keys *keys, ingest_job *job, int table, pc_error *err)
{
    *keys = (old_keys){.job = job,
                       .table = table,
                       .keys.budget = job->budget,
                       .entries.budget = job->budget,
                       .rows.budget = job->budget};
    return old_scan_open(&keys->scan, job, table, KEY_BLOCK_ROWS, err);
}

void old_keys_close(old_keys *keys)
{
    old_scan_close(&keys->scan);
    pc_buffer_release(&keys->keys);
    pc_buffer_release(&keys->entries);
    pc_buffer_release(&keys->rows);
}

/** The key fields of all rows of the block, as rows that end with them; `*any`: some row's first
 *  field is one that the delivery may name. */
static pc_status read_key_fields(old_keys *k, pc_block *block, bool *any, pc_error *err)
{
    const ingest_job *job = k->job;
    const pc_row_layout *layout = job->table[k->table].layout;
    const int key = job->model->table[k->table].own_key;
    const int64_t count = block->table[k->table].row_count;
    const size_t width = (size_t)(PC_ROW_FIELDS + layout->key_bytes);
    PC_TRY(pc_buffer_reserve(&k->rows, (size_t)count * width, err));
    unsigned char *row = (unsigned char *)k->rows.data;
    *any = false;
    for (int f = 0; f < layout->field_count; f++) {
        const pc_row_field *field = &layout->field[f];
        if (field->offset >= PC_ROW_FIELDS + layout->key_bytes) break;
        const pc_column *column;
        PC_TRY(pc_block_column(block, k->table, field->column, &column, err));
        old_put_field(field, column, 0, count, row, width);
        uint64_t start = 0;
        for (int64_t i = 0; f == 0 && !*any && i < count; i++) {
            *any = !key_start(layout, row + (size_t)i * width + PC_ROW_FIELDS, &start) ||
                   (start >= job->old->low[key] && start <= job->old->high[key]);
        }
        if (!*any) break;
    }
    return PC_OK;
}

static pc_status add_keys(old_keys *k, const pc_block *block, pc_error *err)
{
    const ingest_job *job = k->job;
    const pc_row_layout *layout = job->table[k->table].layout;
    const int number = job->model->table[k->table].own_key;
    const size_t width = (size_t)(PC_ROW_FIELDS + layout->key_bytes);
    const int64_t *offset = block->table[k->table].offset;
    for (int slot = 0; slot < block->slot_count; slot++) {
        if (offset[slot] == offset[slot + 1]) continue;
        pc_slot_entry entry = {.key = block->slot_key[slot]};
        pc_slot_tag(&entry.key, entry.tag);
        if (old_is_moved(job, &entry)) continue;
        for (int64_t i = offset[slot]; i < offset[slot + 1]; i++) {
            const unsigned char *key =
                (const unsigned char *)k->rows.data + (size_t)i * width + PC_ROW_FIELDS;
            uint64_t start;
            if (key_start(layout, key, &start) &&
                (start < job->old->low[number] || start > job->old->high[number])) {
                continue;
            }
            PC_TRY(pc_buffer_append(&k->keys, key, (size_t)layout->key_bytes, err));
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
        PC_TRY(read_key_fields(k, block, &any, err));
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
