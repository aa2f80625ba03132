/** Cohort files: plain HDF5, which every HDF5 tool reads. Not compressed: that took longer than the
 *  study itself. libhdf5 lays the file out; values are written to their places by pwrite, so that
 *  several ranks can do it at once. */
#include "parcours/cohort_file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "files.h"
#include "h5.h"

static bool name_is_valid(const char *name)
{
    return name[0] != '\0' && strlen(name) < 256 && strchr(name, '/') == NULL &&
           strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static bool is_text(pc_type type)
{
    return type == PC_CODE || type == PC_TEXT || type == PC_ID;
}

static pc_chunk_form form_of(const pc_cohort_dataset *dataset)
{
    return (pc_chunk_form){.type = dataset->type, .width = (uint8_t)dataset->width};
}

void pc_cohort_layout_begin(pc_cohort_layout *layout, int64_t row_count, int patient_bytes)
{
    layout->row_count = row_count;
    layout->attribute_count = 0;
    layout->dataset[PC_COHORT_PATIENT] =
        (pc_cohort_dataset){.name = "patient", .type = PC_ID, .width = patient_bytes};
    layout->dataset[PC_COHORT_START] =
        (pc_cohort_dataset){.name = "start_date", .type = PC_DATE, .width = 4};
    layout->dataset[PC_COHORT_END] =
        (pc_cohort_dataset){.name = "end_date", .type = PC_DATE, .width = 4};
}

pc_status pc_cohort_layout_add(pc_cohort_layout *layout, const char *name, pc_type type,
                               const pc_cohort_extent *extent, pc_error *err)
{
    pc_cohort_dataset dataset = {.name = name, .type = type, .width = 8};
    if (!name_is_valid(name)) {
        return PC_FAIL(err, PC_BAD_INPUT, "'%s' cannot be the name of a dataset", name);
    }
    if (is_text(type)) {
        if (extent->text_bytes > UINT8_MAX) {
            return PC_FAIL(err, PC_BAD_INPUT, "a text of '%s' is longer than %d bytes", name,
                           UINT8_MAX);
        }
        dataset.type = PC_ID;
        dataset.width = extent->text_bytes < 1 ? 1 : (int)extent->text_bytes;
    } else if (pc_form_is_integer(type)) {
        dataset.width =
            extent->min > extent->max ? 1 : pc_form_width(type, extent->min, extent->max);
        if (dataset.width == 0) {
            return PC_FAIL(err, PC_BAD_INPUT, "a value of '%s' is too large", name);
        }
    }
    layout->dataset[PC_COHORT_ATTRIBUTES + layout->attribute_count++] = dataset;
    return PC_OK;
}

pc_status pc_cohort_file_make(const char *path, pc_cohort_layout *layout, pc_budget *budget,
                              pc_error *err)
{
    PC_TRY(pc_budget_take(budget, PC_H5_BYTES, err)); // libhdf5's own memory
    unlink(path);
    const hid_t file = pc_h5_create(path);
    pc_status status = file >= 0 ? PC_OK : PC_FAIL(err, PC_IO, "cannot make '%s'", path);
    for (int i = 0; i < PC_COHORT_ATTRIBUTES + layout->attribute_count && status == PC_OK; i++) {
        pc_cohort_dataset *dataset = &layout->dataset[i];
        const pc_chunk_form form = form_of(dataset);
        if (!pc_h5_lay_out(file, dataset->name, &form, layout->row_count, &dataset->first_byte)) {
            status = PC_FAIL(err, PC_IO, "HDF5 cannot write '/%s'", dataset->name);
        }
    }
    if (file >= 0 && !pc_h5_close(file) && status == PC_OK) {
        status = PC_FAIL(err, PC_IO, "it could not be completed: is the disk full?");
    }
    if (status != PC_OK && file >= 0) unlink(path);
    pc_budget_give(budget, PC_H5_BYTES);
    return status;
}

// Texts as fixed bytes, numbers with their nulls, in `out`.
static pc_status fill_values(const pc_column *from, const pc_cohort_dataset *dataset,
                             int64_t row_count, pc_buffer *out, pc_error *err)
{
    const size_t width = (size_t)dataset->width;
    const pc_chunk_form form = form_of(dataset);
    char null[PC_FORM_NULL_BYTES];
    pc_form_null_bytes(&form, null);
    PC_TRY(pc_buffer_reserve(out, (size_t)row_count * width + 1, err));
    memset(out->data, 0, (size_t)row_count * width);
    for (int64_t row = 0; row < row_count; row++) {
        char *to = out->data + (size_t)row * width;
        if (from->data == NULL || pc_column_is_null(from, row)) {
            if (dataset->type != PC_ID) memcpy(to, null, width);
        } else if (dataset->type == PC_ID) {
            const pc_span text = pc_column_span(from, row);
            memcpy(to, text.data, text.bytes);
        } else if (dataset->type == PC_FLOAT) {
            memcpy(to, (const char *)from->data + row * 8, 8);
        } else {
            const int64_t value = pc_column_int(from, row);
            memcpy(to, &value, width);
        }
    }
    return PC_OK;
}

// `data` are the values of rows `first_row` on.
static pc_status put(int file, const pc_cohort_dataset *dataset, int64_t first_row,
                     int64_t row_count, const void *data, pc_error *err)
{
    const char *from = data;
    size_t left = (size_t)row_count * (size_t)dataset->width;
    off_t at = (off_t)(dataset->first_byte + first_row * dataset->width);
    while (left > 0) {
        const ssize_t done = pwrite(file, from, left, at);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) {
            return PC_FAIL(err, PC_IO, "'/%s' cannot be written: %s", dataset->name,
                           strerror(errno));
        }
        from += done;
        at += done;
        left -= (size_t)done;
    }
    return PC_OK;
}

pc_status pc_cohort_file_put(int file, const pc_cohort_layout *layout, int64_t first_row,
                             const pc_cohort_rows *rows, pc_buffer *scratch, pc_error *err)
{
    const pc_cohort_dataset *to = layout->dataset;
    const int64_t count = rows->row_count;
    PC_TRY(put(file, &to[PC_COHORT_PATIENT], first_row, count, rows->patient, err));
    PC_TRY(put(file, &to[PC_COHORT_START], first_row, count, rows->start_date, err));
    PC_TRY(put(file, &to[PC_COHORT_END], first_row, count, rows->end_date, err));
    for (int i = 0; i < rows->attribute_count; i++) {
        const pc_cohort_dataset *dataset = &to[PC_COHORT_ATTRIBUTES + i];
        PC_TRY(fill_values(&rows->attribute[i].column, dataset, count, scratch, err));
        PC_TRY(put(file, dataset, first_row, count, scratch->data, err));
    }
    return PC_OK;
}

static pc_cohort_extent extent_of(const pc_column *column, int64_t row_count)
{
    pc_cohort_extent extent = PC_COHORT_EXTENT_NONE;
    if (column->data == NULL) return extent;
    if (is_text(column->type)) {
        for (int64_t row = 0; row < row_count; row++) {
            if (pc_column_is_null(column, row)) continue;
            const int64_t bytes = (int64_t)pc_column_span(column, row).bytes;
            if (bytes > extent.text_bytes) extent.text_bytes = bytes;
        }
    } else if (pc_form_is_integer(column->type)) {
        const pc_chunk_values values = {.data = column->data,
                                        .width = column->width,
                                        .valid = column->valid,
                                        .row_count = row_count};
        const pc_chunk_range range = pc_chunk_measure(column->type, &values);
        if (range.null_count < row_count) {
            extent.min = range.min;
            extent.max = range.max;
        }
    }
    return extent;
}

// Makes the file under its temporary name and puts the rows in.
static pc_status write_rows(const char *path, const pc_cohort_rows *rows, pc_arena *arena,
                            pc_error *err)
{
    pc_cohort_layout layout = {0};
    layout.dataset = pc_arena_array(arena, PC_COHORT_ATTRIBUTES + (size_t)rows->attribute_count,
                                    sizeof *layout.dataset, err);
    if (layout.dataset == NULL) return PC_NO_MEMORY;
    pc_cohort_layout_begin(&layout, rows->row_count, rows->patient_bytes);
    for (int i = 0; i < rows->attribute_count; i++) {
        const pc_cohort_attribute *attribute = &rows->attribute[i];
        const pc_cohort_extent extent = extent_of(&attribute->column, rows->row_count);
        PC_TRY(
            pc_cohort_layout_add(&layout, attribute->name, attribute->column.type, &extent, err));
    }
    PC_TRY(pc_cohort_file_make(path, &layout, arena->budget, err));
    const int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) return PC_FAIL(err, PC_IO, "it cannot be opened: %s", strerror(errno));
    pc_buffer scratch = {.budget = arena->budget};
    pc_status status = pc_cohort_file_put(file, &layout, 0, rows, &scratch, err);
    if (close(file) != 0 && status == PC_OK) {
        status = PC_FAIL(err, PC_IO, "it could not be completed: %s", strerror(errno));
    }
    pc_buffer_release(&scratch);
    return status;
}

pc_status pc_cohort_file_write(const char *path, const pc_cohort_rows *rows, pc_budget *budget,
                               pc_error *err)
{
    char temporary[PC_PATH_BYTES];
    if (rows->patient_bytes < 1 || rows->patient_bytes > PC_ID_MAX_BYTES) {
        return PC_FAIL(err, PC_BAD_INPUT, "expected patient keys of 1 to %d bytes",
                       PC_ID_MAX_BYTES);
    }
    const int bytes = snprintf(temporary, sizeof temporary, "%s.tmp.%d", path, (int)getpid());
    if (bytes < 0 || bytes >= (int)sizeof temporary) {
        return PC_FAIL(err, PC_BAD_INPUT, "the path of a cohort file is too long");
    }
    pc_arena arena = {.budget = budget};
    pc_status status = write_rows(temporary, rows, &arena, err);
    if (status == PC_OK && rename(temporary, path) != 0) {
        status = PC_FAIL(err, PC_IO, "it cannot get its name: %s", strerror(errno));
    }
    if (status != PC_OK) {
        pc_error_prefix(err, "cohort file '%s'", path);
        unlink(temporary);
    }
    pc_arena_reset(&arena);
    return status;
}
