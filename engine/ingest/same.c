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

pc_status same_build(resolver *r, int table, pc_error *err)
{
    ingest_job *job = r->job;
    const pc_model_same *same = &job->model->table[table].same;
    int bytes = width_of(job, table, same->column, same->column_count);
    if (bytes == 0) bytes = 1; // no row has a key: nothing is asked
    pc_status status =
        keymap_init(&r->same, job->comm, bytes, bytes, &job->arena, job->budget, err);
    r->same.several_is_none = true;
    status = pc_comm_agree(job->comm, status, err);
    for (int i = 0; status == PC_OK && i < same->table_count; i++) {
        status = put_notes(r, *note_of(r, table, same->table[i]), bytes, err);
    }
    return status;
}
