/** A run of slots of an arranged bucket as a block. */
#include <string.h>
#include "bucket_columns.h"
#include "bucket_person.h"
#include "bucket_sort.h"

int pc_bucket_run(const pc_bucket *bucket, int from, int64_t row_limit)
{
    int to = from + 1;
    for (; to < bucket->slot_count; to++) {
        for (int t = 0; t < bucket->model->table_count; t++) {
            const int64_t *offset = bucket->table[t].offset;
            if (offset != NULL && offset[to + 1] - offset[from] > row_limit) return to;
        }
        // Slots without many rows count too: PERSON has one row for each.
        if (to - from >= row_limit) return to;
    }
    return to;
}

typedef struct block_job {
    const pc_bucket *bucket;
    const pc_dict *const *dict;
    pc_arena *arena;
    pc_block *block;
    int from, to; // slots
} block_job;

static pc_status fill_parents(const block_job *job, int index, int64_t first, pc_block_table *out,
                              pc_error *err)
{
    const pc_bucket_table *table = &job->bucket->table[index];
    const int parent_index =
        job->bucket->model->key[job->bucket->model->table[index].parent_key].table;
    const pc_bucket_table *parent = &job->bucket->table[parent_index];
    int32_t *link = pc_arena_array(job->arena, (size_t)out->row_count, sizeof *link, err);
    if (link == NULL) return PC_NO_MEMORY;
    const int32_t base = parent->offset == NULL ? 0 : (int32_t)parent->offset[job->from];
    for (int64_t i = 0; i < out->row_count; i++) {
        const int32_t place = table->parent[first + i];
        link[i] = place < 0 ? -1 : place - base;
    }
    out->parent = link;
    return PC_OK;
}

/** The date that every row got when it was sorted. */
static pc_status fill_event_date(const block_job *job, const unsigned char *const *row,
                                 int64_t row_count, const pc_model_column *column, pc_column *out,
                                 pc_error *err)
{
    const pc_row_field field = {.type = PC_DATE, .bytes = 4, .offset = PC_ROW_DATE, .dict = -1};
    pc_fill fill;
    PC_TRY(pc_fill_make(&field, 4, row_count, job->arena, &fill, err));
    pc_fill_rows(&fill, 1, row, row_count);
    *out = pc_fill_column(&fill, column, 4, row_count, job->dict);
    return PC_OK;
}

/** Its own end; for a table with a date and no end, the date; else its parent's end. */
static pc_status fill_event_end(const block_job *job, const pc_model_table *table,
                                pc_block_table *out, pc_error *err)
{
    const pc_model_column *column = &table->column[table->event_end];
    pc_column *to = &out->column[table->event_end];
    *to = pc_fill_column(NULL, column, 4, out->row_count, job->dict);
    if (table->own_end >= 0) {
        to->data = out->column[table->own_end].data;
        to->valid = out->column[table->own_end].valid;
        return PC_OK;
    }
    if (table->own_date >= 0) {
        *to = out->column[table->event_date];
        return PC_OK;
    }
    if (table->parent_key < 0 || out->row_count == 0) return PC_OK;
    const int parent_index = job->bucket->model->key[table->parent_key].table;
    const int parent_end = job->bucket->model->table[parent_index].event_end;
    const pc_block_table *parent = &job->block->table[parent_index];
    if (parent_end < 0 || parent->column == NULL || parent->column[parent_end].data == NULL) {
        return PC_OK;
    }
    const pc_column *from = &parent->column[parent_end];
    pc_fill fill;
    PC_TRY(pc_fill_make(NULL, 4, out->row_count, job->arena, &fill, err));
    for (int64_t i = 0; i < out->row_count; i++) {
        const int32_t link = out->parent[i];
        if (link < 0 || pc_column_is_null(from, link)) continue;
        pc_fill_set32(&fill, i, (int32_t)pc_column_int(from, link));
    }
    *to = pc_fill_column(&fill, column, 4, out->row_count, job->dict);
    return PC_OK;
}

static pc_status fill_fields(const block_job *job, int index, const unsigned char *const *row,
                             pc_block_table *out, pc_error *err)
{
    const pc_model_table *table = &job->bucket->model->table[index];
    const pc_row_layout *layout = job->bucket->table[index].layout;
    const int field_count = layout == NULL ? 0 : layout->field_count;
    pc_fill *fill = pc_arena_array(job->arena, (size_t)field_count, sizeof *fill, err);
    if (fill == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < field_count; i++) {
        PC_TRY(pc_fill_make(&layout->field[i], layout->field[i].bytes, out->row_count, job->arena,
                            &fill[i], err));
    }
    pc_fill_rows(fill, field_count, row, out->row_count);
    for (int c = 0; c < table->column_count; c++) {
        const pc_model_column *column = &table->column[c];
        if (column->origin != PC_FROM_CSV && column->origin != PC_FROM_FILE) continue;
        const int field = layout == NULL ? -1 : layout->field_of_column[c];
        const pc_row_field *of = field < 0 ? NULL : &layout->field[field];
        out->column[c] = pc_fill_column(field < 0 ? NULL : &fill[field], column,
                                        pc_column_width(column, of), out->row_count, job->dict);
    }
    return PC_OK;
}

static pc_status fill_files(const block_job *job, const unsigned char *const *row,
                            pc_block_table *out, pc_error *err)
{
    uint16_t *file = pc_arena_array(job->arena, (size_t)out->row_count, sizeof *file, err);
    if (file == NULL) return PC_NO_MEMORY;
    for (int64_t i = 0; i < out->row_count; i++)
        file[i] = (uint16_t)pc_source_file(get64(row[i] + PC_ROW_SOURCE));
    out->file = file;
    return PC_OK;
}

static pc_status fill_table(const block_job *job, int index, pc_error *err)
{
    const pc_model_table *table = &job->bucket->model->table[index];
    const pc_bucket_table *from = &job->bucket->table[index];
    pc_block_table *out = &job->block->table[index];
    int64_t *offset =
        pc_arena_array(job->arena, (size_t)(job->to - job->from) + 1, sizeof *offset, err);
    out->column = pc_arena_array(job->arena, (size_t)table->column_count, sizeof *out->column, err);
    if (offset == NULL || out->column == NULL) return PC_NO_MEMORY;
    const int64_t first = from->offset[job->from];
    for (int i = job->from; i <= job->to; i++)
        offset[i - job->from] = from->offset[i] - first;
    out->offset = offset;
    out->row_count = offset[job->to - job->from];
    const unsigned char *const *row = (const unsigned char *const *)from->sorted + first;
    if (table->parent_key >= 0) PC_TRY(fill_parents(job, index, first, out, err));
    PC_TRY(fill_files(job, row, out, err));
    PC_TRY(fill_fields(job, index, row, out, err));
    if (table->event_date >= 0) {
        PC_TRY(fill_event_date(job, row, out->row_count, &table->column[table->event_date],
                               &out->column[table->event_date], err));
    }
    return table->event_end >= 0 ? fill_event_end(job, table, out, err) : PC_OK;
}

pc_status pc_bucket_block(const pc_bucket *bucket, int from, int to, int64_t first_slot,
                          const pc_person_plan *person, const pc_dict *const *dict, pc_arena *arena,
                          pc_block *out, pc_error *err)
{
    const pc_model *model = bucket->model;
    *out = (pc_block){.model = model,
                      .first_slot = first_slot,
                      .slot_count = to - from,
                      .slot_key = bucket->slot_key + from,
                      .arena = arena};
    out->table = pc_arena_array(arena, (size_t)model->table_count, sizeof *out->table, err);
    if (out->table == NULL) return PC_NO_MEMORY;
    const block_job job = {bucket, dict, arena, out, from, to};
    // A child's end is its parent's, so parents come first.
    for (int is_child = 0; is_child < 2; is_child++) {
        for (int t = 0; t < model->table_count; t++) {
            const pc_model_table *table = &model->table[t];
            if (table->path == PC_PATH_NONE || table->path == PC_PATH_PERSON) continue;
            if ((table->parent_key >= 0) == (is_child == 1)) PC_TRY(fill_table(&job, t, err));
        }
    }
    return pc_person_fill(person, bucket, from, to, arena, &out->table[model->person_table], err);
}
