/** Tables whose rows are those of the patient of other rows with the same values: the statement of
 *  some claims, the acts of a hospital's own patient number, the rows of a register by a mapping
 *  table. While the other tables are resolved, their values and tags are noted in spools; then
 *  these fill a map that the table asks. Values of several patients lead to nobody. */
#include <string.h>
#include "resolver.h"

static int width_of(const ingest_job *job, int table, const int *column, int count)
{
    const pc_row_layout *layout = job->table[table].layout;
    int bytes = 0;
    for (int i = 0; i < count; i++) {
        const int at = layout->field_of_column[column[i]];
        if (at < 0) return 0; // no file has the column: no row has a value
        bytes += layout->field[at].bytes;
    }
    return bytes;
}

static bool take_key(const ingest_job *job, int table, const int *column, int count,
                     const unsigned char *row, unsigned char *key)
{
    const pc_row_layout *layout = job->table[table].layout;
    for (int i = 0; i < count; i++) {
        const int at = layout->field_of_column[column[i]];
        if (at < 0 || pc_row_is_null(&layout->field[at], row)) return false;
        const pc_row_field *field = &layout->field[at];
        memcpy(key, row + field->offset, field->bytes);
        key += field->bytes;
    }
    return true;
}

bool same_key(const ingest_job *job, int table, const unsigned char *row, unsigned char *key)
{
    const pc_model_same *same = &job->model->table[table].same;
    return take_key(job, table, same->column, same->column_count, row, key);
}

static pc_spool **note_of(const resolver *r, int asking, int asked)
{
    return &r->note[asking * r->job->model->table_count + asked];
}

static pc_status open_notes(resolver *r, int asking, pc_error *err)
{
    const ingest_job *job = r->job;
    const pc_model_same *same = &job->model->table[asking].same;
    const int bytes = width_of(job, asking, same->column, same->column_count);
    if (bytes > MOST_SAME_BYTES) {
        return PC_FAIL(err, PC_BAD_JOB,
                       "model '%s': the columns that find the patient of %s take %d bytes, at "
                       "most %d",
                       job->model->name, job->model->table[asking].name, bytes, MOST_SAME_BYTES);
    }
    for (int i = 0; bytes > 0 && i < same->table_count; i++) {
        const int asked = same->table[i];
        const int *their = same->their + i * same->column_count;
        if (job->table[asked].all_rows == 0 ||
            width_of(job, asked, their, same->column_count) == 0) {
            continue;
        }
        PC_TRY(pc_spool_open(job->read_pool, bytes + PC_TAG_BYTES, PC_SPOOL_BLOCK_BYTES,
                             note_of(r, asking, asked), err));
        r->is_asked[asked] = true;
    }
    return PC_OK;
}

pc_status same_open(resolver *r, pc_error *err)
{
    const ingest_job *job = r->job;
    const size_t tables = (size_t)job->model->table_count;
    r->note = pc_arena_array(&r->job->arena, tables * tables, sizeof(pc_spool *), err);
    r->is_asked = pc_arena_array(&r->job->arena, tables, sizeof *r->is_asked, err);
    if (r->note == NULL || r->is_asked == NULL) return PC_NO_MEMORY;
    for (int t = 0; t < job->model->table_count; t++) {
        if (job->model->table[t].path != PC_PATH_SAME || job->table[t].all_rows == 0) continue;
        PC_TRY(open_notes(r, t, err));
    }
    return PC_OK;
}

pc_status same_note(resolver *r, int table, const unsigned char *row, pc_error *err)
{
    const ingest_job *job = r->job;
    if (!r->is_asked[table]) return PC_OK;
    for (int t = 0; t < job->model->table_count; t++) {
        if (*note_of(r, t, table) == NULL) continue;
        unsigned char record[MOST_SAME_BYTES + PC_TAG_BYTES];
        const pc_model_same *same = &job->model->table[t].same;
        int i = 0;
        while (same->table[i] != table)
            i++;
        const int *their = same->their + i * same->column_count;
        if (!take_key(job, table, their, same->column_count, row, record)) continue;
        const int bytes = width_of(job, table, their, same->column_count);
        memcpy(record + bytes, row + PC_ROW_TAG, PC_TAG_BYTES);
        PC_TRY(pc_spool_append(*note_of(r, t, table), record, 1, err));
    }
    return PC_OK;
}

/** The notes of one table that is asked, in rounds: each rank takes part until all are done. */
static pc_status put_notes(resolver *r, pc_spool *note, int key_bytes, pc_error *err)
{
    const size_t record_bytes = (size_t)key_bytes + PC_TAG_BYTES;
    pc_status status = note == NULL ? PC_OK : pc_spool_seal(note, err);
    int64_t blocks = note == NULL || status != PC_OK ? 0 : pc_spool_block_count(note);
    const int64_t mine = blocks;
    status = pc_comm_agree(r->job->comm, status, err);
    if (status != PC_OK) return status;
    pc_comm_max_int64(r->job->comm, &blocks, 1);
    for (int64_t block = 0; status == PC_OK && block < blocks; block++) {
        r->rows.bytes = 0;
        if (block < mine) status = pc_spool_read(note, (int)block, &r->rows, err);
        const unsigned char *record = (const unsigned char *)r->rows.data;
        const int64_t count = (int64_t)(r->rows.bytes / record_bytes);
        status = keymap_put(&r->same, status, record, count == 0 ? NULL : record + key_bytes,
                            record_bytes, count, err);
    }
    if (note != NULL) pc_spool_drop(note);
    return status;
}

int same_bytes(const ingest_job *job, int table)
{
    const pc_model_same *same = &job->model->table[table].same;
    return width_of(job, table, same->column, same->column_count);
}

int same_asked_bytes(const ingest_job *job, int table, int i)
{
    const pc_model_same *same = &job->model->table[table].same;
    return width_of(job, same->table[i], same->their + i * same->column_count, same->column_count);
}

pc_status same_put_rows(resolver *r, keymap *map, int table, int asked, pc_error *err)
{
    const ingest_job *job = r->job;
    const pc_model_same *same = &job->model->table[table].same;
    const int from = asked < 0 ? table : same->table[asked];
    const int *column = asked < 0 ? same->column : same->their + asked * same->column_count;
    const size_t row_bytes = (size_t)job->table[from].layout->row_bytes;
    row_rounds rounds = {.table = from};
    pc_buffer *keys = &r->ask[0];
    for (;;) {
        int64_t row_count = 0, count = 0;
        bool is_done = false;
        pc_status status = resolver_next(r, &rounds, &row_count, &is_done, err);
        if (status != PC_OK || is_done) return status;
        keys->bytes = 0;
        const unsigned char *row = (const unsigned char *)r->rows.data;
        for (int64_t i = 0; status == PC_OK && i < row_count; i++, row += row_bytes) {
            unsigned char key[MOST_SAME_BYTES + PC_TAG_BYTES] = {0};
            if (!take_key(job, from, column, same->column_count, row, key)) continue;
            status = pc_buffer_append(keys, key, (size_t)map->key_bytes + PC_TAG_BYTES, err);
            count++;
        }
        const unsigned char *key = (const unsigned char *)keys->data;
        const unsigned char *tag = count == 0 ? NULL : key + map->key_bytes;
        status =
            keymap_put(map, status, key, tag, (size_t)map->key_bytes + PC_TAG_BYTES, count, err);
        if (status != PC_OK) return status;
    }
}

pc_status same_ask_store(resolver *r, keymap *map, old_keys *keys, pc_error *err)
{
    const size_t width = (size_t)map->key_bytes, stride = width + PC_TAG_BYTES;
    pc_status status = PC_OK;
    r->ask[0].bytes = 0;
    for (int64_t i = 0; status == PC_OK && i < keys->count; i++) {
        status = pc_buffer_append(&r->ask[0], keys->keys.data + (size_t)i * stride, width, err);
    }
    const size_t count = (size_t)keys->count;
    if (status == PC_OK) status = pc_buffer_reserve(&r->tag[0], count * PC_TAG_BYTES + 1, err);
    if (status == PC_OK) status = pc_buffer_reserve(&r->found[0], count + 1, err);
    return keymap_get(map, status, (const unsigned char *)r->ask[0].data, keys->count,
                      (unsigned char *)r->tag[0].data, (bool *)(void *)r->found[0].data, err);
}

/** Rows of one table of the store that hold values which rows of `table` ask for. */
static pc_status put_store(resolver *r, int table, int asked, keymap *wanted, pc_error *err)
{
    ingest_job *job = r->job;
    const pc_model_same *same = &job->model->table[table].same;
    const size_t stride = (size_t)wanted->key_bytes + PC_TAG_BYTES;
    old_keys keys;
    pc_status status =
        old_values_open(&keys, job, same->table[asked], same->their + asked * same->column_count,
                        same->column_count, err);
    status = pc_comm_agree(job->comm, status, err);
    while (status == PC_OK) {
        bool is_done = false;
        status = old_keys_next(&keys, &is_done, err);
        if (status != PC_OK || is_done) break;
        status = same_ask_store(r, wanted, &keys, err);
        if (status != PC_OK) break;
        const bool *found = (const bool *)(const void *)r->found[0].data;
        unsigned char *record = (unsigned char *)keys.keys.data;
        int64_t kept = 0;
        for (int64_t i = 0; i < keys.count; i++) {
            if (!found[i]) continue;
            if (kept < i)
                memcpy(record + (size_t)kept * stride, record + (size_t)i * stride, stride);
            kept++;
        }
        status = keymap_put(&r->same, PC_OK, record, kept == 0 ? NULL : record + wanted->key_bytes,
                            stride, kept, err);
    }
    old_keys_close(&keys);
    return status;
}

/** What the store's rows that stay say of the values that rows of `table` hold. */
static pc_status put_stores(resolver *r, int table, int bytes, pc_error *err)
{
    ingest_job *job = r->job;
    const pc_model_same *same = &job->model->table[table].same;
    const pc_arena_mark mark = pc_arena_now(&job->arena);
    keymap wanted;
    pc_status status = keymap_init(&wanted, job->comm, bytes, &job->arena, job->budget, err);
    status = pc_comm_agree(job->comm, status, err);
    if (status == PC_OK) status = same_put_rows(r, &wanted, table, -1, err);
    for (int i = 0; status == PC_OK && i < same->table_count; i++) {
        if (same_asked_bytes(job, table, i) == bytes) {
            status = put_store(r, table, i, &wanted, err);
        }
    }
    keymap_release(&wanted);
    pc_arena_rewind(&job->arena, mark);
    return status;
}

pc_status same_build(resolver *r, int table, pc_error *err)
{
    ingest_job *job = r->job;
    const pc_model_same *same = &job->model->table[table].same;
    int bytes = width_of(job, table, same->column, same->column_count);
    if (bytes == 0) bytes = 1; // no row has a key: nothing is asked
    pc_status status = keymap_init(&r->same, job->comm, bytes, &job->arena, job->budget, err);
    r->same.several_is_none = true;
    status = pc_comm_agree(job->comm, status, err);
    for (int i = 0; status == PC_OK && i < same->table_count; i++) {
        status = put_notes(r, *note_of(r, table, same->table[i]), bytes, err);
    }
    if (status == PC_OK && job->old != NULL && same_bytes(job, table) > 0) {
        status = put_stores(r, table, bytes, err);
    }
    return status;
}
