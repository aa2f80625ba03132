/** The delivery: which files it has, how they are cut into units, which columns they bring. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "old.h"

// ---- listing, on rank 0 -----------------------------------------------------------------------

/** A file name and its size, as it is broadcast. */
typedef struct listed_file {
    const char *name;
    int64_t bytes;
} listed_file;

static int compare_listed(const void *a, const void *b)
{
    return strcmp(((const listed_file *)a)->name, ((const listed_file *)b)->name);
}

static char *join_path(const char *folder, const char *name, pc_arena *arena, pc_error *err)
{
    const size_t bytes = strlen(folder) + strlen(name) + 2;
    char *path = pc_arena_take(arena, bytes, err);
    if (path != NULL) snprintf(path, bytes, "%s/%s", folder, name);
    return path;
}

static pc_status list_one(const char *folder, const char *name, pc_arena *arena, pc_buffer *list,
                          pc_error *err)
{
    struct stat info;
    const pc_arena_mark mark = pc_arena_now(arena);
    const char *path = join_path(folder, name, arena, err);
    if (path == NULL) return PC_NO_MEMORY;
    const bool is_there = stat(path, &info) == 0;
    const int reason = errno;
    pc_arena_rewind(arena, mark);
    if (!is_there) {
        return PC_FAIL(err, PC_IO, "delivery '%s': file '%s': %s", folder, name, strerror(reason));
    }
    if (!S_ISREG(info.st_mode)) return PC_OK;
    const listed_file file = {.name = pc_arena_text(arena, name, strlen(name), err),
                              .bytes = (int64_t)info.st_size};
    return file.name == NULL ? PC_NO_MEMORY : pc_buffer_append(list, &file, sizeof file, err);
}

/** Appends "<size> <name>" and NUL for each regular file, in order of names. Local. */
static pc_status list_folder(const char *folder, pc_arena *arena, pc_buffer *out, pc_error *err)
{
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        return PC_FAIL(err, PC_IO, "delivery '%s': cannot list the folder: %s", folder,
                       strerror(errno));
    }
    pc_buffer list = {.budget = arena->budget};
    pc_status status = PC_OK;
    for (struct dirent *item; status == PC_OK && (item = readdir(dir)) != NULL;) {
        if (item->d_name[0] == '.') continue;
        status = list_one(folder, item->d_name, arena, &list, err);
    }
    closedir(dir);
    listed_file *file = (listed_file *)(void *)list.data;
    const size_t count = list.bytes / sizeof *file;
    if (count > 0) qsort(file, count, sizeof *file, compare_listed);
    for (size_t i = 0; status == PC_OK && i < count; i++) {
        status = pc_buffer_print(out, err, "%lld %s", (long long)file[i].bytes, file[i].name);
        if (status == PC_OK) status = pc_buffer_append(out, "", 1, err);
    }
    pc_buffer_release(&list);
    return status;
}

// ---- every rank -------------------------------------------------------------------------------

/** @param bytes  that rank 0 saw: all ranks must cut the file into the same units */
static pc_status open_file(ingest_job *job, const char *name, int64_t bytes, pc_error *err)
{
    int year = 0;
    char *kept = pc_arena_text(&job->arena, name, strlen(name), err);
    if (kept == NULL) return PC_NO_MEMORY;
    const int table = pc_model_match_file(job->model, name, &year);
    if (table < 0) {
        job->ignored[job->ignored_count++] = kept;
        return PC_OK;
    }
    if (job->file_count == MOST_FILES) {
        return PC_FAIL(err, PC_BAD_INPUT, "delivery '%s': more than %d files: ingest it in pieces",
                       job->options->in, MOST_FILES);
    }
    const char *path = join_path(job->options->in, kept, &job->arena, err);
    if (path == NULL) return PC_NO_MEMORY;
    PC_TRY(pc_csv_open(job->model, path, kept, job->file_base + job->file_count, &job->arena,
                       &job->file[job->file_count], err));
    if (job->file[job->file_count].bytes != bytes) {
        return PC_FAIL(err, PC_BAD_INPUT,
                       "delivery '%s': file '%s' has changed since it was listed", job->options->in,
                       kept);
    }
    job->table[job->file[job->file_count].table].is_delivered = true;
    job->file_count++;
    return PC_OK;
}

static pc_status open_files(ingest_job *job, const pc_buffer *list, pc_error *err)
{
    size_t count = 0;
    for (size_t i = 0; i < list->bytes; i++)
        count += list->data[i] == '\0';
    job->file = pc_arena_array(&job->arena, count, sizeof *job->file, err);
    job->ignored = pc_arena_array(&job->arena, count, sizeof *job->ignored, err);
    if (job->file == NULL || job->ignored == NULL) return PC_NO_MEMORY;
    for (size_t at = 0; at < list->bytes; at += strlen(list->data + at) + 1) {
        char *name = NULL;
        const int64_t bytes = strtoll(list->data + at, &name, 10);
        PC_TRY(open_file(job, name + 1, bytes, err));
    }
    if (job->file_count == 0 && job->options->in != NULL) {
        return PC_FAIL(err, PC_BAD_INPUT,
                       "delivery '%s': none of its %d files is named like a table of model '%s'",
                       job->options->in, job->ignored_count, job->model->name);
    }
    return PC_OK;
}

static pc_status number_units(ingest_job *job, pc_error *err)
{
    job->first_unit =
        pc_arena_array(&job->arena, (size_t)job->file_count + 1, sizeof *job->first_unit, err);
    if (job->first_unit == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < job->file_count; i++) {
        job->first_unit[i + 1] = job->first_unit[i] + job->file[i].unit_count;
    }
    const size_t units = (size_t)job->first_unit[job->file_count];
    job->unit_lines = pc_arena_array(&job->arena, units, sizeof *job->unit_lines, err);
    job->unit_digest = pc_arena_array(&job->arena, units, sizeof *job->unit_digest, err);
    job->file_count_of =
        pc_arena_array(&job->arena, (size_t)job->file_count + 1, sizeof *job->file_count_of, err);
    return job->unit_lines == NULL || job->unit_digest == NULL || job->file_count_of == NULL
               ? PC_NO_MEMORY
               : PC_OK;
}

/** A layout without the columns that no file of the table has: rows get narrower, and an absent
 *  column is null all the same. Keys stay. */
static pc_status trim_layout(ingest_job *job, const pc_row_layout *full, const bool *is_present,
                             const pc_row_layout **out, pc_error *err)
{
    const int column_count = job->model->table[full->table].column_count;
    pc_row_layout *layout = pc_arena_take(&job->arena, sizeof *layout, err);
    pc_row_field *field =
        pc_arena_array(&job->arena, (size_t)full->field_count + 1, sizeof *field, err);
    int *field_of_column =
        pc_arena_array(&job->arena, (size_t)column_count, sizeof *field_of_column, err);
    if (layout == NULL || field == NULL || field_of_column == NULL) return PC_NO_MEMORY;
    for (int c = 0; c < column_count; c++)
        field_of_column[c] = -1;
    const int key_bytes =
        full->key_bytes > full->parent_bytes ? full->key_bytes : full->parent_bytes;
    *layout = *full;
    layout->field = field;
    layout->field_of_column = field_of_column;
    layout->field_count = 0;
    int offset = PC_ROW_FIELDS;
    for (int i = 0; i < full->field_count; i++) {
        const pc_row_field *from = &full->field[i];
        if (from->offset >= PC_ROW_FIELDS + key_bytes && !is_present[from->column]) continue;
        field_of_column[from->column] = layout->field_count;
        field[layout->field_count] = *from;
        field[layout->field_count++].offset = (uint16_t)offset;
        offset += from->bytes;
    }
    layout->row_bytes = (offset + 3) / 4 * 4;
    *out = layout;
    return PC_OK;
}

static pc_status make_layout(ingest_job *job, int table, pc_error *err)
{
    const pc_model_table *t = &job->model->table[table];
    bool *is_present = pc_arena_array(&job->arena, (size_t)t->column_count + 1, 1, err);
    if (is_present == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < job->file_count; i++) {
        const pc_csv_file *file = &job->file[i];
        for (int c = 0; file->table == table && c < file->column_count; c++) {
            if (file->column[c] >= 0) is_present[file->column[c]] = true;
        }
    }
    if (t->file_year >= 0) is_present[t->file_year] = true;
    for (int c = 0; job->old != NULL && c < t->column_count; c++) {
        if (job->old->present[table][c]) is_present[c] = true;
    }
    const pc_row_layout *full = NULL;
    PC_TRY(pc_row_layout_make(job->model, table, &job->arena, &full, err));
    return trim_layout(job, full, is_present, &job->table[table].layout, err);
}

/** The path of a table must have the columns that it needs, of the types that it can use. */
static pc_status check_path(const ingest_job *job, int table, pc_error *err)
{
    const pc_model_table *t = &job->model->table[table];
    const int id[] = {t->pseudonym, t->person};
    for (size_t i = 0; i < sizeof id / sizeof id[0]; i++) {
        if (id[i] >= 0 && t->column[id[i]].type != PC_ID) {
            return PC_FAIL(err, PC_BAD_JOB, "model '%s': column '%s' of %s must be of type id",
                           job->model->name, t->column[id[i]].name, t->name);
        }
    }
    return PC_OK;
}

/** A child's row must begin with its parent's key, in the parent's own form. */
static pc_status check_parent(const ingest_job *job, int table, pc_error *err)
{
    const pc_model_table *t = &job->model->table[table];
    if (t->parent_key < 0) return PC_OK;
    const int parent = job->model->key[t->parent_key].table;
    const pc_row_layout *child = job->table[table].layout;
    const pc_row_layout *above = job->table[parent].layout;
    bool same = child->parent_bytes == above->key_bytes && above->key_bytes > 0;
    for (int i = 0; same && i < above->field_count; i++) {
        const pc_row_field *a = &above->field[i];
        if (a->offset >= PC_ROW_FIELDS + above->key_bytes) break;
        const pc_row_field *c = &child->field[i];
        same = a->type == c->type && a->bytes == c->bytes && a->dict == c->dict;
    }
    if (same) return PC_OK;
    return PC_FAIL(err, PC_BAD_JOB,
                   "model '%s': the key columns of %s must be of the types of its parent %s, and "
                   "the parent's key must not hold another parent's",
                   job->model->name, t->name, job->model->table[parent].name);
}

static pc_status make_layouts(ingest_job *job, pc_error *err)
{
    for (int t = 0; t < job->model->table_count; t++) {
        if (t == job->model->person_table) continue;
        PC_TRY(make_layout(job, t, err));
        PC_TRY(check_path(job, t, err));
    }
    for (int t = 0; t < job->model->table_count; t++) {
        if (t != job->model->person_table) PC_TRY(check_parent(job, t, err));
    }
    return PC_OK;
}

static pc_status choose_shards(ingest_job *job, pc_error *err)
{
    int64_t wanted = job->options->shards;
    if (job->old != NULL) return PC_OK; // as many as the store has
    if (wanted == 0) {
        int64_t bytes = 0;
        for (int i = 0; i < job->file_count; i++)
            bytes += job->file[i].bytes;
        wanted = LEAST_SHARDS;
        while (wanted < 16384 && wanted < bytes / DEFAULT_SHARD_BYTES)
            wanted *= 2;
    }
    if (wanted < 1 || wanted > MOST_SHARDS || (wanted & (wanted - 1)) != 0) {
        return PC_FAIL(err, PC_BAD_JOB, "--shards %lld: expected a power of two, 1 to %d",
                       (long long)wanted, MOST_SHARDS);
    }
    job->shard_count = (uint32_t)wanted;
    return PC_OK;
}

/** What --resume compares: the same model, shards, file names and sizes. */
static void digest_plan(ingest_job *job, const pc_buffer *list)
{
    pc_digest_state state;
    pc_digest_begin(&state);
    pc_digest_add(&state, job->model->document.data, job->model->document.bytes);
    pc_digest_add(&state, &job->shard_count, sizeof job->shard_count);
    pc_digest_add(&state, list->data, list->bytes);
    if (job->options->compact) pc_digest_add(&state, "compact", 7);
    if (job->options->append) pc_digest_add(&state, "append", 6);
    if (job->options->replace) pc_digest_add(&state, "replace", 7);
    job->plan_digest = pc_digest_end(&state);
}

pc_status ingest_compare(ingest_job *job, pc_digest mine, pc_error *err)
{
    pc_digest first = mine;
    pc_comm_broadcast(job->comm, &first, sizeof first);
    pc_status status = PC_OK;
    if (memcmp(&first, &mine, sizeof first) != 0) {
        status = PC_FAIL(err, PC_BAD_JOB,
                         "model '%s': rank %d reads another text of it than rank 0: name a file "
                         "that all nodes share",
                         job->options->model == NULL ? job->model->name : job->options->model,
                         job->rank);
    }
    return pc_comm_agree(job->comm, status, err);
}

pc_status ingest_plan(ingest_job *job, pc_error *err)
{
    pc_status status = PC_OK;
    if (job->old == NULL) {
        status =
            pc_model_read(job->options->model, job->options->share, &job->arena, &job->model, err);
    }
    if (status == PC_OK) {
        job->table =
            pc_arena_array(&job->arena, (size_t)job->model->table_count, sizeof *job->table, err);
        if (job->table == NULL) status = PC_NO_MEMORY;
    }
    for (int t = 0; status == PC_OK && t < job->model->table_count; t++) {
        job->table[t].rejected.budget = job->budget;
    }
    pc_buffer list = {.budget = job->budget};
    const bool is_delivered = job->old == NULL || !job->old->compacts;
    if (status == PC_OK && job->rank == 0 && is_delivered) {
        status = list_folder(job->options->in, &job->arena, &list, err);
    }
    status = pc_comm_agree(job->comm, status, err);
    if (status == PC_OK) status = pc_comm_broadcast_buffer(job->comm, &list, err);
    if (status == PC_OK) status = open_files(job, &list, err);
    if (status == PC_OK) status = number_units(job, err);
    if (status == PC_OK) status = make_layouts(job, err);
    if (status == PC_OK && job->old != NULL) status = old_mark_replaced(job, err);
    if (status == PC_OK) status = choose_shards(job, err);
    if (status == PC_OK) digest_plan(job, &list);
    pc_buffer_release(&list);
    status = pc_comm_agree(job->comm, status, err);
    return status == PC_OK ? ingest_compare(job, job->plan_digest, err) : status;
}
