/** Cohort files: plain HDF5, which every HDF5 tool reads. Not compressed: that took longer than the
 *  study itself. */
#include "parcours/cohort_file.h"
#include <errno.h>
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

static pc_status write_numbers(hid_t file, const char *name, pc_type type, const int32_t *value,
                               int64_t row_count, pc_error *err)
{
    const pc_h5_values column = {.path = name,
                                 .form = {.type = type, .width = 4},
                                 .row_count = row_count,
                                 .data = value,
                                 .is_plain = true};
    if (pc_h5_write_values(file, &column)) return PC_OK;
    return PC_FAIL(err, PC_IO, "HDF5 cannot write '/%s'", name);
}

// Longest text of a column, 1 at least; 0: too long.
static int longest_text(const pc_column *column, int64_t row_count)
{
    size_t most = 1;
    for (int64_t row = 0; row < row_count; row++) {
        if (pc_column_is_null(column, row)) continue;
        const size_t bytes = pc_column_span(column, row).bytes;
        most = bytes > most ? bytes : most;
    }
    return most > UINT8_MAX ? 0 : (int)most;
}

// Texts as fixed bytes, numbers with their nulls, in `out`.
static pc_status fill_values(const pc_column *from, const pc_chunk_form *form, int64_t row_count,
                             pc_buffer *out, pc_error *err)
{
    const size_t width = form->width;
    char null[PC_FORM_NULL_BYTES];
    pc_form_null_bytes(form, null);
    PC_TRY(pc_buffer_reserve(out, (size_t)row_count * width + 1, err));
    memset(out->data, 0, (size_t)row_count * width);
    for (int64_t row = 0; row < row_count; row++) {
        char *to = out->data + (size_t)row * width;
        if (from->data == NULL || pc_column_is_null(from, row)) {
            if (form->type != PC_ID) memcpy(to, null, width);
        } else if (form->type == PC_ID) {
            const pc_span text = pc_column_span(from, row);
            memcpy(to, text.data, text.bytes);
        } else if (form->type == PC_FLOAT) {
            memcpy(to, (const char *)from->data + row * 8, 8);
        } else {
            const int64_t value = pc_column_int(from, row);
            memcpy(to, &value, width);
        }
    }
    return PC_OK;
}

static pc_status write_attribute(hid_t file, const pc_cohort_attribute *attribute,
                                 int64_t row_count, pc_buffer *scratch, pc_error *err)
{
    const pc_column *from = &attribute->column;
    pc_chunk_form form = {.type = from->type, .width = 8};
    const bool is_text = from->type == PC_CODE || from->type == PC_TEXT || from->type == PC_ID;
    if (!name_is_valid(attribute->name)) {
        return PC_FAIL(err, PC_BAD_INPUT, "'%s' cannot be the name of a dataset", attribute->name);
    }
    if (is_text) {
        const int bytes = from->data == NULL ? 1 : longest_text(from, row_count);
        if (bytes == 0) {
            return PC_FAIL(err, PC_BAD_INPUT, "a text of '%s' is longer than %d bytes",
                           attribute->name, UINT8_MAX);
        }
        form = (pc_chunk_form){.type = PC_ID, .width = (uint8_t)bytes};
    } else if (pc_form_is_integer(from->type)) {
        const pc_chunk_values values = {.data = from->data,
                                        .width = from->width,
                                        .valid = from->valid,
                                        .row_count = from->data == NULL ? 0 : row_count};
        const pc_chunk_range range = pc_chunk_measure(from->type, &values);
        const bool is_null = range.null_count == values.row_count;
        form.width = is_null ? 1 : (uint8_t)pc_form_width(from->type, range.min, range.max);
        if (form.width == 0) {
            return PC_FAIL(err, PC_BAD_INPUT, "a value of '%s' is too large", attribute->name);
        }
    }
    PC_TRY(fill_values(from, &form, row_count, scratch, err));
    const pc_h5_values column = {.path = attribute->name,
                                 .form = form,
                                 .row_count = row_count,
                                 .data = scratch->data,
                                 .is_plain = true};
    if (pc_h5_write_values(file, &column)) return PC_OK;
    return PC_FAIL(err, PC_IO, "HDF5 cannot write '/%s'", attribute->name);
}

static pc_status write_rows(hid_t file, const pc_cohort_rows *rows, pc_buffer *scratch,
                            pc_error *err)
{
    const int64_t count = rows->row_count;
    const pc_h5_values patient = {.path = "patient",
                                  .form = {.type = PC_ID, .width = (uint8_t)rows->patient_bytes},
                                  .row_count = count,
                                  .data = rows->patient,
                                  .is_plain = true};
    if (!pc_h5_write_values(file, &patient)) {
        return PC_FAIL(err, PC_IO, "HDF5 cannot write '/patient'");
    }
    PC_TRY(write_numbers(file, "start_date", PC_DATE, rows->start_date, count, err));
    PC_TRY(write_numbers(file, "end_date", PC_DATE, rows->end_date, count, err));
    for (int i = 0; i < rows->attribute_count; i++) {
        PC_TRY(write_attribute(file, &rows->attribute[i], count, scratch, err));
    }
    return PC_OK;
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
    PC_TRY(pc_budget_take(budget, PC_H5_BYTES, err)); // libhdf5's own memory
    pc_buffer scratch = {.budget = budget};
    unlink(temporary);
    const hid_t file = pc_h5_create(temporary);
    pc_status status = file >= 0 ? PC_OK : PC_FAIL(err, PC_IO, "cannot make '%s'", temporary);
    if (status == PC_OK) status = write_rows(file, rows, &scratch, err);
    if (file >= 0 && !pc_h5_close(file) && status == PC_OK) {
        status = PC_FAIL(err, PC_IO, "it could not be completed: is the disk full?");
    }
    if (status == PC_OK && rename(temporary, path) != 0) {
        status = PC_FAIL(err, PC_IO, "it cannot get its name: %s", strerror(errno));
    }
    if (status != PC_OK) {
        pc_error_prefix(err, "cohort file '%s'", path);
        unlink(temporary);
    }
    pc_buffer_release(&scratch);
    pc_budget_give(budget, PC_H5_BYTES);
    return status;
}
