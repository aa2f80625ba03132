/** Rows of the store as rows of ingest, as if they were read from their files again. */
#include "old.h"
#include <stdlib.h>
#include <string.h>
#include "route.h"

// ---- blocks of this rank's shards -------------------------------------------------------------

pc_status old_scan_open(old_scan *scan, ingest_job *job, int table, int64_t block_rows,
                        pc_error *err)
{
    const size_t tables = (size_t)job->model->table_count;
    bool *asked = pc_arena_array(&job->arena, tables, sizeof *asked, err);
    if (asked == NULL) return PC_NO_MEMORY;
    for (size_t t = 0; t < tables; t++) {
        asked[t] =
            (int)t == table || (table == -1 && ingest_is_patient_table(&job->model->table[t]));
    }
    *scan = (old_scan){.job = job,
                       .request = {.table = asked, .block_rows = block_rows},
                       .shard = route_first_shard(job, job->rank),
                       .end = route_first_shard(job, job->rank + 1)};
    return PC_OK;
}

void old_scan_close(old_scan *scan)
{
    pc_reader_close(scan->reader);
    scan->reader = NULL;
}

pc_status old_scan_next(old_scan *scan, pc_block **block, pc_error *err)
{
    ingest_job *job = scan->job;
    for (; scan->shard < scan->end; scan->shard++) {
        if (scan->reader == NULL) {
            PC_TRY(ingest_check_stop(err));
            if (scan->wants != NULL && !scan->wants(job, scan->shard)) continue;
            PC_TRY(pc_reader_open(job->old->store, (int)scan->shard, &scan->request, job->budget,
                                  &scan->reader, err));
        }
        PC_TRY(pc_reader_next(scan->reader, block, err));
        if ((*block)->slot_count > 0) return PC_OK;
        old_scan_close(scan);
    }
    *block = &scan->none;
    return PC_OK;
}

// ---- rows -------------------------------------------------------------------------------------

void old_put_field(const pc_row_field *field, const pc_column *column, int64_t from, int64_t to,
                   unsigned char *row, size_t row_bytes)
{
    for (int64_t i = from; i < to; i++, row += row_bytes) {
        if (column->data == NULL || pc_column_is_null(column, i)) {
            pc_row_set_null(field, row);
        } else if (field->type == PC_ID) {
            pc_row_set_id(field, row, pc_column_span(column, i));
        } else if (field->type == PC_FLOAT) {
            pc_row_set_float(field, row, ((const double *)column->data)[i]);
        } else {
            pc_row_set_int(field, row, pc_column_int(column, i));
        }
    }
}

pc_status old_rows_append(const ingest_job *job, pc_block *block, int table, int64_t from,
                          int64_t to, pc_buffer *out, pc_error *err)
{
    const pc_row_layout *layout = job->table[table].layout;
    const size_t row_bytes = (size_t)layout->row_bytes;
    const size_t bytes = (size_t)(to - from) * row_bytes;
    if (bytes == 0) return PC_OK;
    const uint16_t *file;
    PC_TRY(pc_block_file(block, table, &file, err));
    if (file == NULL) {
        return PC_FAIL(err, PC_UNSUPPORTED,
                       "the store does not say which file a row of '%s' came from: it was made by "
                       "an earlier version and cannot be added to",
                       job->model->table[table].name);
    }
    PC_TRY(pc_buffer_reserve(out, out->bytes + bytes, err));
    unsigned char *row = (unsigned char *)out->data + out->bytes;
    memset(row, 0, bytes);
    for (int64_t i = from; i < to; i++) {
        const uint64_t source = __builtin_bswap64(pc_row_source(file[i], 0));
        memcpy(row + (size_t)(i - from) * row_bytes + PC_ROW_SOURCE, &source, sizeof source);
    }
    for (int f = 0; f < layout->field_count; f++) {
        const pc_column *column;
        PC_TRY(pc_block_column(block, table, layout->field[f].column, &column, err));
        old_put_field(&layout->field[f], column, from, to, row, row_bytes);
    }
    out->bytes += bytes;
    return PC_OK;
}

uint64_t old_row_source(const unsigned char *row)
{
    uint64_t source;
    memcpy(&source, row + PC_ROW_SOURCE, sizeof source);
    return __builtin_bswap64(source);
}

// ---- slots that leave -------------------------------------------------------------------------

/** Sorts pointers to rows by their keys: a shell sort, as slots are small. */
static void sort_by_key(const unsigned char **row, int64_t count, size_t key_bytes)
{
    for (int64_t gap = count / 2; gap > 0; gap /= 2) {
        for (int64_t i = gap; i < count; i++) {
            const unsigned char *const moving = row[i];
            int64_t at = i;
            for (; at >= gap && memcmp(moving, row[at - gap], key_bytes) < 0; at -= gap)
                row[at] = row[at - gap];
            row[at] = moving;
        }
    }
}

/** Rows of a slot whose primary key an earlier row of it has: as pc_bucket_arrange counts them. */
static pc_status count_conflicts(const ingest_job *job, int table, const unsigned char *row,
                                 int64_t count, int64_t *out, pc_error *err)
{
    const pc_model_table *t = &job->model->table[table];
    const pc_row_layout *layout = job->table[table].layout;
    *out = 0;
    if (t->primary_count == 0 || count < 2) return PC_OK;
    const size_t key_bytes = (size_t)layout->key_bytes, row_bytes = (size_t)layout->row_bytes;
    pc_buffer pointers = {.budget = job->budget};
    PC_TRY(pc_buffer_reserve(&pointers, (size_t)count * sizeof(void *), err));
    const unsigned char **key = (const unsigned char **)(void *)pointers.data;
    for (int64_t i = 0; i < count; i++)
        key[i] = row + (size_t)i * row_bytes + PC_ROW_FIELDS;
    // Children with one key stand side by side; of other tables any order counts.
    if (t->path != PC_PATH_KEY) sort_by_key(key, count, key_bytes);
    for (int64_t i = 1; i < count; i++)
        *out += memcmp(key[i], key[i - 1], key_bytes) == 0;
    pc_buffer_release(&pointers);
    return PC_OK;
}

/** A parent row that is replaced: its key is asked for once more, by movers.c. */
static pc_status keep_gone(ingest_job *job, int table, const unsigned char *row, pc_error *err)
{
    ingest_table *t = &job->table[table];
    if (job->model->table[table].own_key < 0) return PC_OK;
    if (t->gone == NULL) {
        PC_TRY(pc_spool_open(job->read_pool, t->layout->row_bytes, PC_SPOOL_BLOCK_BYTES, &t->gone,
                             err));
    }
    old_note_keys(job, table, row, 1);
    return pc_spool_append(t->gone, row, 1, err);
}

/** Drops rows of replaced files from the end of `out`, and gives the others their tag. */
static pc_status keep_rows(ingest_job *job, int table, size_t first, const unsigned char *tag,
                           pc_buffer *out, pc_error *err)
{
    const size_t row_bytes = (size_t)job->table[table].layout->row_bytes;
    size_t kept = first;
    for (size_t at = first; at < out->bytes; at += row_bytes) {
        unsigned char *row = (unsigned char *)out->data + at;
        memcpy(row + PC_ROW_TAG, tag, PC_TAG_BYTES);
        if (old_row_is_gone(job->old, old_row_source(row))) {
            PC_TRY(keep_gone(job, table, row, err));
            continue;
        }
        if (kept < at) memmove(out->data + kept, row, row_bytes);
        kept += row_bytes;
    }
    out->bytes = kept;
    return PC_OK;
}

static pc_status take_table(ingest_job *job, pc_block *block, int slot, int table,
                            const unsigned char *tag, pc_buffer *rows, pc_error *err)
{
    pc_block_table *t = &block->table[table];
    const int64_t from = t->offset[slot], to = t->offset[slot + 1];
    if (from == to) return PC_OK;
    int64_t *count = job->table[table].count, conflicts;
    const size_t first = rows->bytes;
    PC_TRY(old_rows_append(job, block, table, from, to, rows, err));
    PC_TRY(count_conflicts(job, table, (const unsigned char *)rows->data + first, to - from,
                           &conflicts, err));
    const char *kind = strchr(STATUS_KINDS, block->slot_key[slot].byte[0]);
    count[COUNT_CONFLICT] -= conflicts;
    count[COUNT_STORED] -= to - from;
    if (kind != NULL) count[COUNT_STATUS + (kind - STATUS_KINDS)] -= to - from;
    if (job->model->table[table].path == PC_PATH_KEY) {
        const int32_t *parent;
        PC_TRY(pc_block_parent(block, table, &parent, err));
        for (int64_t i = from; i < to; i++)
            count[COUNT_ORPHAN] -= parent[i] < 0;
    }
    return keep_rows(job, table, first, tag, rows, err);
}

pc_status old_slot_take(ingest_job *job, pc_block *block, int slot, pc_buffer *rows, pc_error *err)
{
    const pc_slot_key *key = &block->slot_key[slot];
    unsigned char tag[PC_TAG_BYTES];
    pc_slot_tag(key, tag);
    for (int t = 0; t < job->model->table_count; t++) {
        if (block->table[t].offset == NULL || !ingest_is_patient_table(&job->model->table[t])) {
            continue;
        }
        PC_TRY(take_table(job, block, slot, t, tag, &rows[t], err));
    }
    if (pc_slot_is_patient((pc_slot_kind)key->byte[0])) {
        int64_t *count = job->table[job->model->person_table].count;
        count[COUNT_READ]--;
        count[COUNT_STORED]--;
        count[COUNT_STATUS + (strchr(STATUS_KINDS, key->byte[0]) - STATUS_KINDS)]--;
    }
    return PC_OK;
}

// ---- moved slots ------------------------------------------------------------------------------

int old_compare_entries(const void *a, const void *b)
{
    const pc_slot_entry *x = a, *y = b;
    const int order = memcmp(x->tag, y->tag, 8);
    return order != 0 ? order : memcmp(x->key.byte, y->key.byte, PC_SLOT_KEY_BYTES);
}

bool old_is_moved(const ingest_job *job, const pc_slot_entry *entry)
{
    const pc_buffer *moved = &job->old->moved;
    return moved->bytes > 0 && bsearch(entry, moved->data, moved->bytes / sizeof *entry,
                                       sizeof *entry, old_compare_entries) != NULL;
}

const pc_slot_entry *old_moved_of_shard(const ingest_job *job, int64_t shard, int64_t *count)
{
    const pc_slot_entry *entry = (const pc_slot_entry *)(const void *)job->old->moved.data;
    const int64_t all = (int64_t)(job->old->moved.bytes / sizeof *entry);
    int64_t bound[2];
    for (int side = 0; side < 2; side++) { // first entry of the shard, and behind its last
        int64_t from = 0, to = all;
        while (from < to) {
            const int64_t middle = from + (to - from) / 2;
            const uint64_t hash = pc_slot_hash(&entry[middle].key);
            if ((int64_t)pc_slot_shard(hash, job->shard_count) < shard + side) {
                from = middle + 1;
            } else {
                to = middle;
            }
        }
        bound[side] = from;
    }
    *count = bound[1] - bound[0];
    return entry + bound[0];
}
