// Files of cohorts: laid out from what the ranks know together, filled by all of them at once.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "parcours/cohort_file.h"
#include "results.h"

/** The file of a cohort. Its owner makes it, hashes it and gives it its name. */
typedef struct cohort_file {
    const pc_cohort_rows_of_rank *cohort;
    int owner; ///< a rank; -1: not chosen yet
    const char *path;
    char *temporary;
    pc_cohort_extent *extent; ///< [attribute_count]
    int64_t *first_row;       ///< [pieces] where the rows of each piece of this rank go
    pc_cohort_layout layout;
} cohort_file;

typedef struct cohort_files {
    pc_comm *comm;
    pc_results *results;
    int count;
    cohort_file *file; ///< [count]
    pc_arena arena;    ///< of all this
    pc_arena piece;    ///< of the columns of one piece
    pc_buffer scratch;
} cohort_files;

static bool is_text(pc_type type)
{
    return type == PC_CODE || type == PC_TEXT || type == PC_ID;
}

static const pc_record_column *column_of(const pc_cohort_rows_of_rank *cohort, int attribute)
{
    return &cohort->node->def->typed->out.column[cohort->attribute[attribute]];
}

static bool is_null(const pc_record_column *column, int64_t value)
{
    return value == PC_NULL || (column->type == PC_DATE && value == PC_OPEN);
}

static const pc_cohort_piece *pieces_of(const pc_cohort_rows_of_rank *cohort, int64_t *count)
{
    *count = (int64_t)(cohort->pieces.bytes / sizeof(pc_cohort_piece));
    return (const pc_cohort_piece *)(const void *)cohort->pieces.data;
}

static pc_cohort_reader read_piece(const pc_cohort_rows_of_rank *cohort,
                                   const pc_cohort_piece *piece)
{
    return (pc_cohort_reader){.cohort = cohort,
                              .in = {cohort->rows.data + piece->first_byte, (size_t)piece->bytes}};
}

// ---- what this rank has -----------------------------------------------------------------------

static void measure_row(const cohort_file *file, const pc_cohort_packed *row)
{
    const char *at = row->attributes;
    for (int i = 0; i < file->cohort->attribute_count; i++) {
        const pc_record_column *column = column_of(file->cohort, i);
        pc_cohort_extent *extent = &file->extent[i];
        int64_t value = 0;
        pc_span text = {0};
        pc_cohort_attribute_next(column->type, &at, &value, &text);
        if (is_text(column->type)) {
            if ((int64_t)text.bytes > extent->text_bytes) extent->text_bytes = (int64_t)text.bytes;
        } else if (!is_null(column, value)) {
            if (value < extent->min) extent->min = value;
            if (value > extent->max) extent->max = value;
        }
    }
}

static pc_status measure(const cohort_file *file, pc_error *err)
{
    if (file->cohort->attribute_count == 0) return PC_OK;
    int64_t count = 0;
    const pc_cohort_piece *piece = pieces_of(file->cohort, &count);
    for (int64_t i = 0; i < count; i++) {
        pc_cohort_reader reader = read_piece(file->cohort, &piece[i]);
        for (int64_t row = 0; row < piece[i].rows; row++) {
            pc_cohort_packed packed;
            PC_TRY(pc_cohort_next(&reader, &packed, err));
            measure_row(file, &packed);
        }
    }
    return PC_OK;
}

/** Local. */
static pc_status open_file(cohort_files *all, int index, const char *path, pc_error *err)
{
    cohort_file *file = &all->file[index];
    *file = (cohort_file){.cohort = &all->results->cohort[index], .owner = -1, .path = path};
    const size_t attributes = (size_t)file->cohort->attribute_count, bytes = strlen(path) + 5;
    int64_t pieces = 0;
    (void)pieces_of(file->cohort, &pieces);
    file->temporary = pc_arena_array(&all->arena, bytes, 1, err);
    file->extent = pc_arena_array(&all->arena, attributes + 1, sizeof *file->extent, err);
    file->first_row = pc_arena_array(&all->arena, (size_t)pieces + 1, sizeof *file->first_row, err);
    file->layout.dataset = pc_arena_array(&all->arena, PC_COHORT_ATTRIBUTES + attributes,
                                          sizeof *file->layout.dataset, err);
    if (file->temporary == NULL || file->extent == NULL || file->first_row == NULL ||
        file->layout.dataset == NULL) {
        return PC_NO_MEMORY;
    }
    (void)snprintf(file->temporary, bytes, "%s.tmp", path);
    for (size_t i = 0; i < attributes; i++)
        file->extent[i] = PC_COHORT_EXTENT_NONE;
    return measure(file, err);
}

// ---- what all have ----------------------------------------------------------------------------

/** Where the pieces of this rank go: behind those of all lower shards. Collective, cannot fail.
 *  @param rows  [shard_count] scratch */
static void place_pieces(pc_comm *comm, cohort_file *file, int64_t *rows, int64_t shard_count)
{
    int64_t count = 0, before = 0;
    const pc_cohort_piece *piece = pieces_of(file->cohort, &count);
    memset(rows, 0, (size_t)shard_count * sizeof *rows);
    for (int64_t i = 0; i < count; i++)
        rows[piece[i].shard] = piece[i].rows;
    pc_comm_sum_int64(comm, rows, (int)shard_count);
    for (int64_t shard = 0; shard < shard_count; shard++) {
        const int64_t here = rows[shard];
        rows[shard] = before;
        before += here;
    }
    for (int64_t i = 0; i < count; i++)
        file->first_row[i] = rows[piece[i].shard];
    file->layout.row_count = before;
}

/** The extents of all ranks. Collective, cannot fail. */
static void join_extents(pc_comm *comm, cohort_file *file)
{
    for (int i = 0; i < file->cohort->attribute_count; i++) {
        pc_cohort_extent *extent = &file->extent[i];
        pc_comm_min_int64(comm, &extent->min, 1);
        pc_comm_max_int64(comm, &extent->max, 1);
        pc_comm_max_int64(comm, &extent->text_bytes, 1);
    }
}

static bool is_mine(const cohort_files *all, int index)
{
    return all->file[index].owner == pc_comm_rank(all->comm);
}

/** Local: every rank finds the same forms. */
static pc_status lay_out(cohort_file *file, pc_error *err)
{
    pc_cohort_layout_begin(&file->layout, file->layout.row_count, PC_SLOT_TEXT_BYTES);
    for (int i = 0; i < file->cohort->attribute_count; i++) {
        const pc_record_column *column = column_of(file->cohort, i);
        PC_TRY(
            pc_cohort_layout_add(&file->layout, column->name, column->type, &file->extent[i], err));
    }
    return PC_OK;
}

static int64_t bytes_of(const cohort_file *file)
{
    int64_t row_bytes = 0;
    for (int i = 0; i < PC_COHORT_ATTRIBUTES + file->cohort->attribute_count; i++)
        row_bytes += (int64_t)file->layout.dataset[i].width;
    return row_bytes * file->layout.row_count;
}

/** Files have owners so that no rank hashes much more than another: the largest file first, to the
 *  rank with the fewest bytes so far, the lowest of equal ones. Local, the same on every rank. */
static pc_status choose_owners(cohort_files *all, pc_error *err)
{
    enum { FILE_BYTES = 4096 }; // what a file without rows weighs
    const int ranks = pc_comm_size(all->comm);
    int64_t *load = pc_arena_array(&all->arena, (size_t)ranks, sizeof *load, err);
    if (load == NULL) return PC_NO_MEMORY;
    for (int chosen = 0; chosen < all->count; chosen++) {
        cohort_file *largest = NULL;
        for (int i = 0; i < all->count; i++) {
            cohort_file *file = &all->file[i];
            if (file->owner >= 0) continue;
            if (largest == NULL || bytes_of(file) > bytes_of(largest)) largest = file;
        }
        int least = 0;
        for (int rank = 1; rank < ranks; rank++) {
            if (load[rank] < load[least]) least = rank;
        }
        largest->owner = least;
        load[least] += bytes_of(largest) + FILE_BYTES;
    }
    return PC_OK;
}

/** Local. */
static pc_status make_file(cohort_files *all, int index, pc_error *err)
{
    cohort_file *file = &all->file[index];
    if (!is_mine(all, index)) return PC_OK;
    return pc_cohort_file_make(file->temporary, &file->layout, all->results->budget, err);
}

/** Where the values go, from the rank that made the file. Collective, cannot fail. */
static void share_places(pc_comm *comm, cohort_file *file)
{
    for (int i = 0; i < PC_COHORT_ATTRIBUTES + file->cohort->attribute_count; i++)
        pc_comm_max_int64(comm, &file->layout.dataset[i].first_byte, 1);
}

// ---- rows -------------------------------------------------------------------------------------

/** An attribute of some rows: numbers as 64 bits, texts as fixed bytes, padded. */
typedef struct attribute_values {
    int64_t *number;
    char *text;
    uint8_t *yes; ///< of yes and no
    uint64_t *valid;
} attribute_values;

typedef struct piece_columns {
    char *patient;
    int32_t *start, *end;
    attribute_values *value;        ///< [attribute_count]
    pc_cohort_attribute *attribute; ///< [attribute_count] views of them
} piece_columns;

static pc_status open_attribute(const pc_cohort_dataset *to, const pc_record_column *column,
                                size_t rows, pc_arena *arena, attribute_values *value,
                                pc_cohort_attribute *out, pc_error *err)
{
    const size_t width = (size_t)to->width;
    value->valid = pc_arena_array(arena, rows / 64 + 1, sizeof *value->valid, err);
    if (value->valid == NULL) return PC_NO_MEMORY;
    *out = (pc_cohort_attribute){.name = column->name, .column = {.valid = value->valid}};
    void *data = NULL;
    if (is_text(column->type)) {
        data = value->text = pc_arena_array(arena, rows, width, err);
        out->column.type = PC_ID;
        out->column.width = (uint8_t)width;
    } else if (column->type == PC_BOOL) {
        data = value->yes = pc_arena_array(arena, rows, 1, err);
        out->column.type = PC_BOOL;
        out->column.width = 1;
    } else {
        data = value->number = pc_arena_array(arena, rows, sizeof *value->number, err);
        out->column.type = column->type;
        out->column.scale = column->scale;
        out->column.width = sizeof *value->number;
    }
    out->column.data = data;
    return data == NULL ? PC_NO_MEMORY : PC_OK;
}

static pc_status open_columns(const cohort_file *file, int64_t row_count, pc_arena *arena,
                              piece_columns *out, pc_error *err)
{
    const size_t rows = (size_t)row_count, attributes = (size_t)file->cohort->attribute_count;
    *out = (piece_columns){0};
    out->patient = pc_arena_raw(arena, rows * PC_SLOT_TEXT_BYTES, err);
    out->start = pc_arena_raw(arena, rows * sizeof *out->start, err);
    out->end = pc_arena_raw(arena, rows * sizeof *out->end, err);
    out->value = pc_arena_array(arena, attributes + 1, sizeof *out->value, err);
    out->attribute = pc_arena_array(arena, attributes + 1, sizeof *out->attribute, err);
    if (out->patient == NULL || out->start == NULL || out->end == NULL || out->value == NULL ||
        out->attribute == NULL) {
        return PC_NO_MEMORY;
    }
    for (size_t i = 0; i < attributes; i++) {
        PC_TRY(open_attribute(&file->layout.dataset[PC_COHORT_ATTRIBUTES + i],
                              column_of(file->cohort, (int)i), rows, arena, &out->value[i],
                              &out->attribute[i], err));
    }
    return PC_OK;
}

static void fill_attributes(const cohort_file *file, const char *at, int64_t row,
                            const piece_columns *to)
{
    for (int i = 0; i < file->cohort->attribute_count; i++) {
        const pc_record_column *column = column_of(file->cohort, i);
        const size_t width = (size_t)file->layout.dataset[PC_COHORT_ATTRIBUTES + i].width;
        const attribute_values *value = &to->value[i];
        int64_t number = 0;
        pc_span text = {0};
        pc_cohort_attribute_next(column->type, &at, &number, &text);
        if (is_text(column->type) ? text.data == NULL : is_null(column, number)) continue;
        value->valid[row >> 6] |= (uint64_t)1 << (row & 63);
        if (value->text != NULL) {
            memcpy(value->text + (size_t)row * width, text.data, text.bytes);
        } else if (value->yes != NULL) {
            value->yes[row] = (uint8_t)number;
        } else {
            value->number[row] = number;
        }
    }
}

/** Writes the rows of a piece to their place. */
static pc_status put_piece(cohort_files *all, const cohort_file *file, int descriptor,
                           const pc_cohort_piece *piece, int64_t first_row, pc_error *err)
{
    piece_columns to;
    pc_arena_empty(&all->piece);
    PC_TRY(open_columns(file, piece->rows, &all->piece, &to, err));
    pc_cohort_reader reader = read_piece(file->cohort, piece);
    for (int64_t row = 0; row < piece->rows; row++) {
        pc_cohort_packed packed;
        PC_TRY(pc_cohort_next(&reader, &packed, err));
        memcpy(to.patient + row * PC_SLOT_TEXT_BYTES, packed.patient, PC_SLOT_TEXT_BYTES);
        to.start[row] = packed.start;
        to.end[row] = packed.end;
        fill_attributes(file, packed.attributes, row, &to);
    }
    const pc_cohort_rows rows = {.row_count = piece->rows,
                                 .patient_bytes = PC_SLOT_TEXT_BYTES,
                                 .patient = to.patient,
                                 .start_date = to.start,
                                 .end_date = to.end,
                                 .attribute_count = file->cohort->attribute_count,
                                 .attribute = to.attribute};
    return pc_cohort_file_put(descriptor, &file->layout, first_row, &rows, &all->scratch, err);
}

/** Writes the rows of this rank. Local. */
static pc_status put_rows(cohort_files *all, const cohort_file *file, pc_error *err)
{
    int64_t count = 0;
    const pc_cohort_piece *piece = pieces_of(file->cohort, &count);
    if (count == 0) return PC_OK;
    const int descriptor = open(file->temporary, O_WRONLY | O_CLOEXEC);
    if (descriptor < 0) {
        return PC_FAIL(err, PC_IO, "it cannot be opened: %s; is the folder shared by all nodes?",
                       strerror(errno));
    }
    pc_status status = PC_OK;
    for (int64_t i = 0; i < count && status == PC_OK; i++)
        status = put_piece(all, file, descriptor, &piece[i], file->first_row[i], err);
    if (close(descriptor) != 0 && status == PC_OK) {
        status = PC_FAIL(err, PC_IO, "it could not be completed: %s", strerror(errno));
    }
    return status;
}

// ---- all of it --------------------------------------------------------------------------------

/** Names which file it was about. */
static pc_status about(const cohort_file *file, pc_status status, pc_error *err)
{
    if (status != PC_OK) pc_error_prefix(err, "cohort file '%s'", file->path);
    return status;
}

/** Every file with its rows, under temporary names. Collective. */
static pc_status write_files(cohort_files *all, const char *const *path, int64_t shard_count,
                             pc_error *err)
{
    pc_status status = PC_OK;
    int64_t *rows = pc_arena_array(&all->arena, (size_t)shard_count, sizeof *rows, err);
    all->file = pc_arena_array(&all->arena, (size_t)all->count + 1, sizeof *all->file, err);
    if (rows == NULL || all->file == NULL) status = PC_NO_MEMORY;
    for (int i = 0; i < all->count && status == PC_OK; i++)
        status = open_file(all, i, path[i], err);
    PC_TRY(pc_comm_agree(all->comm, status, err));
    for (int i = 0; i < all->count; i++) {
        place_pieces(all->comm, &all->file[i], rows, shard_count);
        join_extents(all->comm, &all->file[i]);
    }
    for (int i = 0; i < all->count && status == PC_OK; i++)
        status = about(&all->file[i], lay_out(&all->file[i], err), err);
    if (status == PC_OK) status = choose_owners(all, err);
    for (int i = 0; i < all->count && status == PC_OK; i++)
        status = about(&all->file[i], make_file(all, i, err), err);
    PC_TRY(pc_comm_agree(all->comm, status, err));
    for (int i = 0; i < all->count; i++)
        share_places(all->comm, &all->file[i]);
    for (int i = 0; i < all->count && status == PC_OK; i++)
        status = about(&all->file[i], put_rows(all, &all->file[i], err), err);
    return pc_comm_agree(all->comm, status, err);
}

/** Files of this rank get their names. Their hashes, in order, to `out`. Local. */
static pc_status name_files(const cohort_files *all, pc_buffer *out, pc_error *err)
{
    for (int i = 0; i < all->count; i++) {
        const cohort_file *file = &all->file[i];
        char hash[PC_DIGEST_TEXT_BYTES];
        if (!is_mine(all, i)) continue;
        PC_TRY(pc_file_hash(file->temporary, hash, err));
        PC_TRY(pc_buffer_append(out, hash, sizeof hash, err));
        if (rename(file->temporary, file->path) != 0) {
            return PC_FAIL(err, PC_IO, "cohort file '%s': it cannot get its name: %s", file->path,
                           strerror(errno));
        }
    }
    return PC_OK;
}

/** The hashes of all files on rank 0, in order of cohorts. Collective. */
static pc_status gather_hashes(const cohort_files *all, const pc_buffer *mine,
                               char (*hash)[PC_DIGEST_TEXT_BYTES], pc_error *err)
{
    pc_buffer found = {.budget = all->results->budget};
    const pc_status status =
        pc_comm_gather(all->comm, (pc_span){mine->data, mine->bytes}, &found, NULL, err);
    const int ranks = pc_comm_size(all->comm);
    const char *from = found.data;
    for (int rank = 0; rank < ranks && status == PC_OK && pc_comm_rank(all->comm) == 0; rank++) {
        for (int i = 0; i < all->count; i++) {
            if (all->file[i].owner != rank) continue;
            memcpy(hash[i], from, PC_DIGEST_TEXT_BYTES);
            from += PC_DIGEST_TEXT_BYTES;
        }
    }
    pc_buffer_release(&found);
    return pc_comm_agree(all->comm, status, err);
}

pc_status pc_cohort_files_write(pc_comm *comm, pc_results *results, int64_t shard_count,
                                const char *const *path, char (*hash)[PC_DIGEST_TEXT_BYTES],
                                pc_error *err)
{
    cohort_files all = {.comm = comm,
                        .results = results,
                        .count = results->cohort_count,
                        .arena = {.budget = results->budget},
                        .piece = {.budget = results->budget},
                        .scratch = {.budget = results->budget}};
    pc_buffer mine = {.budget = results->budget};
    pc_status status = write_files(&all, path, shard_count, err);
    if (status == PC_OK) status = pc_comm_agree(comm, name_files(&all, &mine, err), err);
    if (status == PC_OK) status = gather_hashes(&all, &mine, hash, err);
    for (int i = 0; i < all.count && all.file != NULL && status != PC_OK; i++) {
        if (is_mine(&all, i) && all.file[i].temporary != NULL) unlink(all.file[i].temporary);
    }
    pc_buffer_release(&mine);
    pc_buffer_release(&all.scratch);
    pc_arena_reset(&all.piece);
    pc_arena_reset(&all.arena);
    return status;
}
