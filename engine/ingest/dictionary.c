/** One dictionary for all ranks: texts are gathered over a tree, sorted on rank 0 and sent back. */
#include <string.h>
#include "old.h"

// ---- bound ------------------------------------------------------------------------------------

static pc_status refuse_texts(const ingest_job *job, int most, size_t bytes, pc_error *err)
{
    const char *table = "", *column = job->model->dict_name[most];
    for (int t = 0; t < job->model->table_count && table[0] == '\0'; t++) {
        const pc_model_table *from = &job->model->table[t];
        if (!job->table[t].is_delivered) continue;
        for (int c = 0; c < from->column_count && table[0] == '\0'; c++) {
            if (from->column[c].dict != most) continue;
            table = from->name;
            column = from->column[c].name;
        }
    }
    return PC_FAIL(err, PC_NO_MEMORY,
                   "column %s of %s has %u different texts so far; those of all code columns take "
                   "%zu MiB, more than a quarter of the %zu MiB of --memory. An identifier or free "
                   "text is id(bytes) in the model, which needs no dictionary; for codes give more "
                   "memory",
                   column, table, pc_dict_builder_view(job->builder[most])->count, bytes >> 20,
                   job->budget->limit_bytes >> 20);
}

pc_status ingest_check_texts(const ingest_job *job, pc_error *err)
{
    size_t bytes = 0, most_bytes = 0;
    int most = 0;
    for (int d = 0; d < job->model->dict_count; d++) {
        const size_t own = pc_dict_builder_bytes(job->builder[d]);
        bytes += own;
        if (own <= most_bytes) continue;
        most = d;
        most_bytes = own;
    }
    if (job->budget->limit_bytes == 0 || bytes <= job->budget->limit_bytes / TEXT_SHARE) {
        return PC_OK;
    }
    return refuse_texts(job, most, bytes, err);
}

// ---- union ------------------------------------------------------------------------------------

/** Packs every text of every dictionary: its length, then its bytes; UINT32_MAX ends a dictionary.
 */
static pc_status pack_texts(void *context, pc_buffer *out, pc_error *err)
{
    const ingest_job *job = context;
    for (int d = 0; d < job->model->dict_count; d++) {
        const pc_dict *dict = pc_dict_builder_view(job->builder[d]);
        for (uint32_t i = 0; i < dict->count; i++) {
            const pc_span text = pc_dict_text(dict, i);
            const uint32_t bytes = (uint32_t)text.bytes;
            PC_TRY(pc_buffer_append(out, &bytes, sizeof bytes, err));
            PC_TRY(pc_buffer_append(out, text.data, text.bytes, err));
        }
        const uint32_t end = UINT32_MAX;
        PC_TRY(pc_buffer_append(out, &end, sizeof end, err));
    }
    return PC_OK;
}

static pc_status merge_texts(void *context, pc_span other, pc_error *err)
{
    const ingest_job *job = context;
    size_t at = 0;
    for (int d = 0; d < job->model->dict_count; d++) {
        for (;;) {
            uint32_t bytes, index;
            memcpy(&bytes, other.data + at, sizeof bytes);
            at += sizeof bytes;
            if (bytes == UINT32_MAX) break;
            const pc_span text = {other.data + at, bytes};
            PC_TRY(pc_dict_builder_add(job->builder[d], text, &index, err));
            at += bytes;
        }
    }
    return ingest_check_texts(job, err);
}

/** Rank 0 sorts what it has of dictionary `d`; all ranks get a copy in their arena. */
static pc_status share_sorted(ingest_job *job, int d, pc_error *err)
{
    pc_dict *dict = pc_arena_take(&job->arena, sizeof *dict, err);
    pc_status status = dict == NULL ? PC_NO_MEMORY : PC_OK;
    if (status == PC_OK && job->rank == 0) {
        status = pc_dict_builder_sort(job->builder[d], &job->arena, dict, NULL, err);
    }
    status = pc_comm_agree(job->comm, status, err);
    if (status != PC_OK) return status;
    uint64_t size[2] = {0};
    if (job->rank == 0) {
        size[0] = dict->count;
        size[1] = dict->count == 0 ? 0 : dict->offset[dict->count];
    }
    pc_comm_broadcast(job->comm, size, sizeof size);
    if (job->rank != 0) {
        uint64_t *offset = pc_arena_array(&job->arena, size[0] + 1, sizeof *offset, err);
        char *bytes = pc_arena_take(&job->arena, size[1] + 1, err);
        if (offset == NULL || bytes == NULL) status = PC_NO_MEMORY;
        *dict =
            (pc_dict){.count = (uint32_t)size[0], .sorted = true, .offset = offset, .bytes = bytes};
    }
    status = pc_comm_agree(job->comm, status, err);
    if (status != PC_OK || size[0] == 0) {
        job->dict[d] = dict;
        return status;
    }
    pc_comm_broadcast(job->comm, (void *)(uintptr_t)dict->offset,
                      (size_t)(size[0] + 1) * sizeof *dict->offset);
    pc_comm_broadcast(job->comm, (void *)(uintptr_t)dict->bytes, (size_t)size[1]);
    job->dict[d] = dict;
    return PC_OK;
}

/** From the indices that this rank's reader gave to those of the sorted dictionary. Local. */
static pc_status make_renumber(ingest_job *job, int d, pc_error *err)
{
    const pc_dict *own = pc_dict_builder_view(job->builder[d]);
    const uint32_t count = job->renumber_count[d];
    uint32_t *map = pc_arena_array(&job->arena, (size_t)count, sizeof *map, err);
    if (map == NULL) return PC_NO_MEMORY;
    for (uint32_t i = 0; i < count; i++)
        map[i] = pc_dict_find(job->dict[d], pc_dict_text(own, i));
    job->renumber[d] = map;
    pc_dict_builder_free(job->builder[d]);
    job->builder[d] = NULL;
    return PC_OK;
}

void ingest_renumber(const ingest_job *job, const pc_row_layout *layout, unsigned char *row,
                     int64_t row_count)
{
    for (int i = 0; i < layout->field_count; i++) {
        const pc_row_field *field = &layout->field[i];
        if (field->dict < 0) continue;
        const uint32_t *map = job->renumber[field->dict];
        unsigned char *at = row + field->offset;
        for (int64_t r = 0; r < row_count; r++, at += layout->row_bytes) {
            uint32_t index;
            memcpy(&index, at, sizeof index);
            if (index == UINT32_MAX) continue; // null
            index = __builtin_bswap32(map[__builtin_bswap32(index)]);
            memcpy(at, &index, sizeof index);
        }
    }
}

// ---- reference tables -------------------------------------------------------------------------

/** Rows of the store's table as rows of ingest; they come before all others. */
static pc_status make_old_rows(ingest_job *job, int t, pc_buffer *out, pc_error *err)
{
    const pc_row_layout *layout = job->table[t].layout;
    const size_t row_bytes = (size_t)layout->row_bytes;
    const pc_column *column = NULL;
    int64_t count = 0;
    if (job->old == NULL) return PC_OK;
    PC_TRY(pc_store_reference(job->old->store, t, &column, &count, err));
    PC_TRY(pc_buffer_reserve(out, (size_t)count * row_bytes + 1, err));
    unsigned char *row = (unsigned char *)out->data;
    memset(row, 0, (size_t)count * row_bytes);
    for (int64_t i = 0; i < count; i++)
        memset(row + (size_t)i * row_bytes + PC_ROW_DATE, 0xff, 4);
    for (int f = 0; f < layout->field_count; f++) {
        old_put_field(&layout->field[f], &column[layout->field[f].column], 0, count, row,
                      row_bytes);
    }
    out->bytes = (size_t)count * row_bytes;
    return PC_OK;
}

static bool is_replaced(const ingest_job *job, int t)
{
    for (int f = 0; job->old != NULL && f < job->old->file_count; f++) {
        if (job->old->is_replaced[f] && job->old->file[f].table == t) return true;
    }
    return false;
}

/** Columns of a reference table by which rows of others find its rows. */
static void find_referenced(const ingest_job *job, int t, bool *is_referenced)
{
    for (int other = 0; other < job->model->table_count; other++) {
        const pc_model_table *table = &job->model->table[other];
        for (int r = 0; r < table->reference_count; r++) {
            if (table->reference[r].table != t) continue;
            is_referenced[table->reference[r].their_column] = true;
        }
    }
}

static pc_status note_change(ingest_job *job, int t, const bool *is_referenced,
                             const pc_column *column, int64_t row, pc_error *err)
{
    for (int c = 0; c < job->model->table[t].column_count; c++) {
        const pc_column *of = &column[c];
        if (!is_referenced[c] || of->data == NULL || !pc_type_is_integer(of->type)) continue;
        if (pc_column_is_null(of, row)) continue;
        const old_change change = {c, pc_column_int(of, row)};
        PC_TRY(pc_buffer_append(&job->old->changes[t], &change, sizeof change, err));
    }
    return PC_OK;
}

/** Notes the rows that the store alone had and those that only came now. Both sides ascend.
 *  @param column  of the rows as they are now */
static pc_status note_changes(ingest_job *job, int t, const pc_buffer *old,
                              const unsigned char *const *sorted, int64_t kept,
                              const pc_column *column, pc_error *err)
{
    const size_t row_bytes = (size_t)job->table[t].layout->row_bytes;
    const unsigned char *row = (const unsigned char *)old->data + PC_ROW_FIELDS;
    const pc_column *old_column = NULL;
    int64_t count = 0, i = 0, j = 0;
    bool *is_referenced = pc_arena_array(&job->arena, (size_t)job->model->table[t].column_count + 1,
                                         sizeof *is_referenced, err);
    if (is_referenced == NULL) return PC_NO_MEMORY;
    find_referenced(job, t, is_referenced);
    PC_TRY(pc_store_reference(job->old->store, t, &old_column, &count, err));
    while (i < count || j < kept) {
        int order = i == count ? 1 : -1;
        if (i < count && j < kept) {
            order = memcmp(row + (size_t)i * row_bytes, sorted[j] + PC_ROW_FIELDS,
                           row_bytes - PC_ROW_FIELDS);
        }
        if (order < 0) PC_TRY(note_change(job, t, is_referenced, old_column, i, err));
        if (order > 0) PC_TRY(note_change(job, t, is_referenced, column, j, err));
        i += order <= 0;
        j += order >= 0;
    }
    return PC_OK;
}

/** Takes the store's rows off the counts (they are counted again with the others), and says whether
 *  the table has other rows now. */
static void compare_old_rows(ingest_job *job, int t, const pc_buffer *old,
                             const unsigned char *const *sorted, int64_t kept)
{
    const pc_row_layout *layout = job->table[t].layout;
    const size_t row_bytes = (size_t)layout->row_bytes;
    const int64_t count = (int64_t)(old->bytes / row_bytes);
    const unsigned char *row = (const unsigned char *)old->data;
    int64_t conflict = 0;
    bool is_same = count == kept;
    for (int64_t i = 0; i < count; i++, row += row_bytes) {
        is_same = is_same && memcmp(row + PC_ROW_FIELDS, sorted[i] + PC_ROW_FIELDS,
                                    row_bytes - PC_ROW_FIELDS) == 0;
        if (i == 0 || job->model->table[t].primary_count == 0) continue;
        conflict += memcmp(row + PC_ROW_FIELDS, row - row_bytes + PC_ROW_FIELDS,
                           (size_t)layout->key_bytes) == 0;
    }
    job->old->changed[t] = !is_same;
    if (job->rank != 0) return;
    job->table[t].count[COUNT_STORED] -= count;
    job->table[t].count[COUNT_CONFLICT] -= conflict;
}

static pc_status sort_reference(ingest_job *job, int t, const pc_buffer *old, pc_error *err)
{
    const pc_row_layout *layout = job->table[t].layout;
    pc_buffer *rows = &job->reference[t];
    const int64_t row_count = (int64_t)rows->bytes / layout->row_bytes;
    const unsigned char **sorted =
        pc_arena_array(&job->arena, (size_t)row_count, sizeof *sorted, err);
    pc_column *column = pc_arena_array(&job->arena, (size_t)job->model->table[t].column_count + 1,
                                       sizeof *column, err);
    if (sorted == NULL || column == NULL) return PC_NO_MEMORY;
    int64_t kept = 0, conflict = 0;
    pc_buffer duplicate = {.budget = job->budget};
    pc_status status =
        pc_rows_sort(job->model, layout, (const unsigned char *)rows->data, row_count, sorted,
                     &kept, &conflict, &job->arena, &duplicate, err);
    if (status == PC_OK) {
        status = pc_rows_to_columns(job->model, layout, sorted, kept, job->dict, &job->arena,
                                    column, err);
    }
    if (status == PC_OK && job->old != NULL) {
        compare_old_rows(job, t, old, sorted, kept);
        if (job->old->changed[t]) {
            status = note_changes(job, t, old, sorted, kept, column, err);
        }
    }
    // Every rank has these rows; rank 0 counts them. Twins are of the delivery: others are sorted
    // before them.
    if (status == PC_OK && job->rank == 0) {
        int64_t *count = job->table[t].count;
        count[COUNT_STORED] += kept;
        count[COUNT_CONFLICT] += conflict;
        count[COUNT_REJECTED] += row_count - kept;
        count[COUNT_REASON + PC_REJECT_DUPLICATE] += row_count - kept;
        status = pc_buffer_append(&job->table[t].rejected, duplicate.data, duplicate.bytes, err);
    }
    pc_buffer_release(&duplicate);
    job->column[t] = column;
    job->reference_rows[t] = kept;
    return status;
}

static pc_status make_reference(ingest_job *job, int t, pc_error *err)
{
    pc_buffer *rows = &job->reference[t];
    pc_buffer old = {.budget = job->budget};
    pc_status status = make_old_rows(job, t, &old, err);
    if (status == PC_OK && !is_replaced(job, t)) {
        status = pc_buffer_append(rows, old.data, old.bytes, err);
    }
    if (status == PC_OK) status = sort_reference(job, t, &old, err);
    pc_buffer_release(&old);
    pc_buffer_release(rows);
    return status;
}

/** Whether the delivery or the store has rows of a reference table, or its file. */
static bool is_wanted(const ingest_job *job, int t)
{
    const int64_t rows = job->old == NULL ? 0 : pc_store_table_rows(job->old->store, t);
    return job->table[t].is_delivered || rows > 0;
}

static pc_status share_references(ingest_job *job, pc_error *err)
{
    for (int t = 0; t < job->model->table_count; t++) {
        if (job->model->table[t].path != PC_PATH_NONE || !is_wanted(job, t)) continue;
        const pc_row_layout *layout = job->table[t].layout;
        pc_buffer *rows = &job->reference[t];
        if (job->rank == 0) {
            const int64_t row_count = (int64_t)rows->bytes / layout->row_bytes;
            unsigned char *row = (unsigned char *)rows->data;
            for (int64_t i = 0; i < row_count; i++) {
                memset(row + i * layout->row_bytes + PC_ROW_DATE, 0xff, 4);
            }
            ingest_renumber(job, layout, row, row_count);
        }
        pc_status status = pc_comm_broadcast_buffer(job->comm, rows, err);
        if (status == PC_OK) status = make_reference(job, t, err);
        status = pc_comm_agree(job->comm, status, err);
        if (status != PC_OK) return status;
    }
    return PC_OK;
}

/** Texts that no file need hold: the sexes of PERSON. Local. */
static pc_status add_own_texts(ingest_job *job, pc_error *err)
{
    const pc_model_table *person = &job->model->table[job->model->person_table];
    const int sex = pc_model_find_column(person, pc_span_of("sex"));
    if (sex < 0 || person->column[sex].dict < 0) return PC_OK;
    uint32_t index;
    pc_dict_builder *builder = job->builder[person->column[sex].dict];
    PC_TRY(pc_dict_builder_add(builder, pc_span_of("F"), &index, err));
    return pc_dict_builder_add(builder, pc_span_of("M"), &index, err);
}

/** The texts of the store: dictionaries only gain. Local. */
static pc_status add_old_texts(ingest_job *job, pc_error *err)
{
    uint32_t index;
    for (int d = 0; d < job->model->dict_count; d++) {
        const pc_dict *dict = pc_store_dict(job->old->store, d);
        for (uint32_t i = 0; i < dict->count; i++) {
            PC_TRY(pc_dict_builder_add(job->builder[d], pc_dict_text(dict, i), &index, err));
        }
    }
    return PC_OK;
}

static pc_status prepare(ingest_job *job, pc_error *err)
{
    const size_t dicts = (size_t)job->model->dict_count;
    const size_t tables = (size_t)job->model->table_count;
    job->dict = pc_arena_array(&job->arena, dicts, sizeof(void *), err);
    job->renumber = pc_arena_array(&job->arena, dicts, sizeof(void *), err);
    job->renumber_count = pc_arena_array(&job->arena, dicts, sizeof *job->renumber_count, err);
    job->column = pc_arena_array(&job->arena, tables, sizeof(void *), err);
    job->reference_rows = pc_arena_array(&job->arena, tables, sizeof *job->reference_rows, err);
    if (job->dict == NULL || job->renumber == NULL || job->renumber_count == NULL ||
        job->column == NULL || job->reference_rows == NULL) {
        return PC_NO_MEMORY;
    }
    for (size_t d = 0; d < dicts; d++) {
        job->renumber_count[d] = pc_dict_builder_view(job->builder[d])->count;
    }
    PC_TRY(add_own_texts(job, err));
    return job->old == NULL || job->rank != 0 ? PC_OK : add_old_texts(job, err);
}

pc_status ingest_dictionaries(ingest_job *job, pc_error *err)
{
    pc_status status = pc_comm_agree(job->comm, prepare(job, err), err);
    if (status == PC_OK) {
        status = pc_comm_reduce(job->comm, job, pack_texts, merge_texts, job->budget, err);
    }
    for (int d = 0; status == PC_OK && d < job->model->dict_count; d++) {
        status = share_sorted(job, d, err);
    }
    for (int d = 0; status == PC_OK && d < job->model->dict_count; d++) {
        status = make_renumber(job, d, err);
    }
    if (status == PC_OK && job->old != NULL) {
        status = pc_store_grow(job->old->store, job->dict, err);
    }
    status = pc_comm_agree(job->comm, status, err);
    return status == PC_OK ? share_references(job, err) : status;
}
