/** CSV to rows: ranks draw units of files; rows go to spools, reference rows to rank 0's memory. */
#include <stdlib.h>
#include <string.h>
#include "old.h"

/** Files in the order of reading: those of the largest table first, so that no rank is left with a
 *  long unit at the end. */
typedef struct read_order {
    int64_t table_bytes;
    int file;
} read_order;

typedef struct read_state {
    ingest_job *job;
    pc_csv_reader *reader;
    read_order *order; // [order_count]
    int order_count;
    int64_t *first_draw; // [order_count + 1] units before each file in the order of reading
    int table;           // of the unit being read
} read_state;

static int compare_order(const void *a, const void *b)
{
    const read_order *x = a, *y = b;
    if (x->table_bytes != y->table_bytes) return x->table_bytes > y->table_bytes ? -1 : 1;
    return x->file < y->file ? -1 : x->file > y->file;
}

bool ingest_is_patient_table(const pc_model_table *table)
{
    return table->path != PC_PATH_NONE && table->path != PC_PATH_PERSON;
}

static pc_status sink_patient(void *context, const unsigned char *row, int64_t row_count,
                              pc_error *err)
{
    read_state *state = context;
    ingest_table *table = &state->job->table[state->table];
    if (table->rows == NULL) {
        PC_TRY(pc_spool_open(state->job->read_pool, table->layout->row_bytes, PC_SPOOL_BLOCK_BYTES,
                             &table->rows, err));
    }
    PC_TRY(ingest_check_texts(state->job, err));
    if (state->job->old != NULL) old_note_keys(state->job, state->table, row, row_count);
    return pc_spool_append(table->rows, row, row_count, err);
}

static pc_status sink_reference(void *context, const unsigned char *row, int64_t row_count,
                                pc_error *err)
{
    read_state *state = context;
    const size_t width = (size_t)state->job->table[state->table].layout->row_bytes;
    PC_TRY(ingest_check_texts(state->job, err));
    return pc_buffer_append(&state->job->reference[state->table], row, (size_t)row_count * width,
                            err);
}

static pc_status read_unit(read_state *state, int file_index, int64_t unit, pc_error *err)
{
    ingest_job *job = state->job;
    const pc_csv_file *file = &job->file[file_index];
    const int64_t number = job->first_unit[file_index] + unit;
    ingest_table *table = &job->table[file->table];
    pc_csv_counts counts = {0};
    state->table = file->table;
    const size_t before = table->rejected.bytes;
    const bool is_patient = ingest_is_patient_table(&job->model->table[file->table]);
    PC_TRY(pc_csv_read_unit(state->reader, file, unit, table->layout,
                            is_patient ? sink_patient : sink_reference, state, &table->rejected,
                            &counts, &job->unit_digest[number], err));
    job->unit_lines[number] = counts.lines;
    job->file_count_of[file_index].rows_read += counts.rows_read;
    table->count[COUNT_READ] += counts.rows_read;
    job->fields_read += counts.rows_read * file->column_count;
    table->count[COUNT_REJECTED] += counts.rows_rejected;
    const pc_rejected *rejected =
        (const pc_rejected *)(const void *)(table->rejected.data + before);
    for (size_t i = 0; i < (table->rejected.bytes - before) / sizeof *rejected; i++) {
        table->count[COUNT_REASON + rejected[i].reason]++;
    }
    return PC_OK;
}

static pc_status read_references(read_state *state, pc_error *err)
{
    const ingest_job *job = state->job;
    for (int f = 0; f < job->file_count; f++) {
        if (ingest_is_patient_table(&job->model->table[job->file[f].table])) continue;
        for (int64_t unit = 0; unit < job->file[f].unit_count; unit++) {
            PC_TRY(ingest_check_stop(err));
            PC_TRY(read_unit(state, f, unit, err));
        }
    }
    return PC_OK;
}

static pc_status order_files(read_state *state, pc_error *err)
{
    ingest_job *job = state->job;
    const size_t count = (size_t)job->file_count;
    state->order = pc_arena_array(&job->arena, count, sizeof *state->order, err);
    state->first_draw = pc_arena_array(&job->arena, count + 1, sizeof *state->first_draw, err);
    int64_t *table_bytes =
        pc_arena_array(&job->arena, (size_t)job->model->table_count, sizeof *table_bytes, err);
    if (state->order == NULL || state->first_draw == NULL || table_bytes == NULL) {
        return PC_NO_MEMORY;
    }
    for (int f = 0; f < job->file_count; f++)
        table_bytes[job->file[f].table] += job->file[f].bytes;
    for (int f = 0; f < job->file_count; f++) {
        const int table = job->file[f].table;
        if (!ingest_is_patient_table(&job->model->table[table])) continue;
        state->order[state->order_count++] = (read_order){table_bytes[table], f};
    }
    qsort(state->order, (size_t)state->order_count, sizeof *state->order, compare_order);
    for (int i = 0; i < state->order_count; i++) {
        state->first_draw[i + 1] =
            state->first_draw[i] + job->file[state->order[i].file].unit_count;
    }
    return PC_OK;
}

static pc_status read_drawn(read_state *state, pc_counter *counter, pc_progress *progress,
                            pc_error *err)
{
    const int64_t total = state->first_draw[state->order_count];
    int at = 0;
    for (int64_t draw; (draw = pc_counter_next(counter)) < total;) {
        PC_TRY(ingest_check_stop(err));
        while (state->first_draw[at + 1] <= draw)
            at++;
        PC_TRY(read_unit(state, state->order[at].file, draw - state->first_draw[at], err));
        pc_progress_set(progress, draw + 1);
    }
    return PC_OK;
}

static pc_status make_dictionaries(ingest_job *job, pc_error *err)
{
    const size_t count = (size_t)job->model->dict_count;
    job->builder = pc_arena_array(&job->arena, count, sizeof(void *), err);
    job->reference =
        pc_arena_array(&job->arena, (size_t)job->model->table_count, sizeof *job->reference, err);
    if (job->builder == NULL || job->reference == NULL) return PC_NO_MEMORY;
    for (int t = 0; t < job->model->table_count; t++)
        job->reference[t].budget = job->budget;
    for (size_t d = 0; d < count; d++) {
        PC_TRY(pc_dict_builder_new(job->budget, &job->builder[d], err));
    }
    return PC_OK;
}

static pc_status seal_spools(ingest_job *job, pc_error *err)
{
    for (int t = 0; t < job->model->table_count; t++) {
        if (job->table[t].rows == NULL) continue;
        PC_TRY(pc_spool_seal(job->table[t].rows, err));
        job->table[t].all_rows = pc_spool_row_count(job->table[t].rows);
    }
    return PC_OK;
}

/** Each unit was read by one rank: the digests of the others are zero, so sums collect them. */
static void collect_digests(ingest_job *job)
{
    enum { UNITS_AT_ONCE = 4096, WORDS = PC_DIGEST_BYTES / 8 };
    const int64_t units = job->first_unit[job->file_count];
    for (int64_t at = 0; at < units; at += UNITS_AT_ONCE) {
        const int64_t left = units - at;
        const int count = (int)(left < UNITS_AT_ONCE ? left : UNITS_AT_ONCE);
        int64_t *word = (int64_t *)(void *)(job->unit_digest + at);
        pc_comm_sum_int64(job->comm, word, count * WORDS);
    }
}

pc_status ingest_read(ingest_job *job, pc_error *err)
{
    read_state state = {.job = job};
    const size_t memory = pc_budget_left(job->budget) / 3;
    pc_status status = make_dictionaries(job, err);
    if (status == PC_OK) status = order_files(&state, err);
    if (status == PC_OK) {
        status = pc_spool_pool_open(job->scratch, memory, job->budget, &job->read_pool, err);
    }
    if (status == PC_OK) {
        status = pc_csv_reader_open(job->model, job->builder, job->budget, &state.reader, err);
    }
    status = pc_comm_agree(job->comm, status, err);
    pc_counter *counter = NULL;
    if (status == PC_OK) status = pc_counter_open(job->comm, &counter, err);
    if (status != PC_OK) {
        pc_csv_reader_close(state.reader);
        return status;
    }
    pc_progress progress;
    pc_progress_begin(&progress, job->log, "reading", "units", state.first_draw[state.order_count]);
    if (job->rank == 0) status = read_references(&state, err);
    if (status == PC_OK) status = read_drawn(&state, counter, &progress, err);
    if (status == PC_OK) status = seal_spools(job, err);
    if (status != PC_OK) pc_counter_poison(counter);
    pc_progress_end(&progress);
    pc_csv_reader_close(state.reader);
    pc_counter_close(job->comm, counter);
    status = pc_comm_agree(job->comm, status, err);
    if (status != PC_OK) return status;
    pc_comm_sum_int64(job->comm, job->unit_lines, (int)job->first_unit[job->file_count]);
    for (int t = 0; t < job->model->table_count; t++) {
        pc_comm_sum_int64(job->comm, &job->table[t].all_rows, 1);
    }
    collect_digests(job);
    return job->old == NULL ? PC_OK : pc_comm_agree(job->comm, old_check_resent(job, err), err);
}
