/** Files of exports: a part a shard, and virtual datasets over all of them. */
#include "parcours/export_file.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "files.h"
#include "h5.h"

static int width_of(const pc_export_column *column)
{
    switch (column->type) {
        case PC_BOOL:
            return 1;
        case PC_DATE:
            return 4;
        case PC_ID:
            return column->width;
        default:
            return 8;
    }
}

/** A file under its temporary name. */
typedef struct making {
    const char *path;
    char temporary[PC_PATH_BYTES];
    hid_t file;
} making;

static pc_status begin(making *m, const char *path, pc_error *err)
{
    *m = (making){.path = path, .file = H5I_INVALID_HID};
    const int bytes = snprintf(m->temporary, sizeof m->temporary, "%s.tmp.%d", path, (int)getpid());
    if (bytes < 0 || bytes >= (int)sizeof m->temporary) {
        return PC_FAIL(err, PC_BAD_INPUT, "the path of an export is too long");
    }
    unlink(m->temporary);
    m->file = pc_h5_create(m->temporary);
    return m->file >= 0 ? PC_OK : PC_FAIL(err, PC_IO, "cannot make '%s'", m->temporary);
}

static pc_status end(making *m, pc_status status, pc_error *err)
{
    if (m->file >= 0 && !pc_h5_close(m->file) && status == PC_OK) {
        status = PC_FAIL(err, PC_IO, "it could not be completed: is the disk full?");
    }
    if (status == PC_OK && rename(m->temporary, m->path) != 0) {
        status = PC_FAIL(err, PC_IO, "it cannot get its name: %s", strerror(errno));
    }
    if (status != PC_OK) {
        pc_error_prefix(err, "export '%s'", m->path);
        if (m->temporary[0] != '\0') unlink(m->temporary);
    }
    return status;
}

static pc_status write_column(hid_t file, const pc_export_column *column, pc_error *err)
{
    if (column->name[0] == '\0' || strchr(column->name, '/') != NULL) {
        return PC_FAIL(err, PC_BAD_INPUT, "'%s' cannot be the name of a dataset", column->name);
    }
    const pc_h5_values values = {.path = column->name,
                                 .form = {.type = column->type, .width = (uint8_t)width_of(column)},
                                 .row_count = column->count,
                                 .data = column->data,
                                 .is_plain = true};
    if (pc_h5_write_values(file, &values)) return PC_OK;
    return PC_FAIL(err, PC_IO, "HDF5 cannot write '/%s'", column->name);
}

pc_status pc_export_part_write(const char *path, const pc_export_column *column, int column_count,
                               pc_budget *budget, pc_error *err)
{
    making m;
    PC_TRY(pc_budget_take(budget, PC_H5_BYTES, err)); // libhdf5's own memory
    pc_status status = begin(&m, path, err);
    for (int i = 0; i < column_count && status == PC_OK; i++)
        status = write_column(m.file, &column[i], err);
    status = end(&m, status, err);
    pc_budget_give(budget, PC_H5_BYTES);
    return status;
}

/** What the parts of an export hold. */
typedef struct joining {
    hid_t file;
    const char *folder; ///< with its slash
    int folder_bytes;
    const char *const *part;
    int part_count;
    pc_budget *budget;
    pc_arena *arena;
} joining;

static hid_t open_part(const joining *j, int part)
{
    char path[PC_PATH_BYTES];
    const int bytes =
        snprintf(path, sizeof path, "%.*s%s", j->folder_bytes, j->folder, j->part[part]);
    return bytes > 0 && bytes < (int)sizeof path ? pc_h5_open(path) : H5I_INVALID_HID;
}

/** Rows and widths of a dataset in each part. */
typedef struct shapes {
    int64_t *count; ///< [part_count]
    int *width;
    int64_t total;
    int widest;
} shapes;

static pc_status find_shapes(const joining *j, const char *name, shapes *out, pc_error *err)
{
    *out = (shapes){.count = pc_arena_array(j->arena, (size_t)j->part_count, sizeof(int64_t), err),
                    .width = pc_arena_array(j->arena, (size_t)j->part_count, sizeof(int), err),
                    .widest = 1};
    if (out->count == NULL || out->width == NULL) return PC_NO_MEMORY;
    for (int part = 0; part < j->part_count; part++) {
        const hid_t file = open_part(j, part);
        int64_t columns = 0;
        const bool is_good =
            file >= 0 && pc_h5_shape(file, name, &out->count[part], &columns, &out->width[part]);
        if (file >= 0) pc_h5_close(file);
        if (!is_good) return PC_FAIL(err, PC_IO, "part '%s' has no '/%s'", j->part[part], name);
        out->total += out->count[part];
        if (out->count[part] > 0 && out->width[part] > out->widest) {
            out->widest = out->width[part];
        }
    }
    return PC_OK;
}

/** The parts' rows behind each other in a dataset-creation property. */
static bool map_parts(const joining *j, const char *name, const shapes *s, hid_t space,
                      hid_t create)
{
    hsize_t at = 0;
    bool is_good = true;
    for (int part = 0; part < j->part_count && is_good; part++) {
        const hsize_t count = (hsize_t)s->count[part];
        if (count == 0) continue;
        const hid_t source = H5Screate_simple(1, &count, NULL);
        is_good = source >= 0 &&
                  H5Sselect_hyperslab(space, H5S_SELECT_SET, &at, NULL, &count, NULL) >= 0 &&
                  H5Pset_virtual(create, space, j->part[part], name, source) >= 0;
        if (source >= 0) H5Sclose(source);
        at += count;
    }
    return is_good && H5Sselect_all(space) >= 0;
}

static bool add_null(hid_t dataset, hid_t type, const pc_chunk_form *form)
{
    char null[PC_FORM_NULL_BYTES] = {0};
    pc_form_null_bytes(form, null);
    return pc_h5_attribute(dataset, "null", type, null);
}

static pc_status join_virtual(const joining *j, const pc_export_column *column, pc_error *err)
{
    shapes s;
    PC_TRY(find_shapes(j, column->name, &s, err));
    const int width = column->type == PC_ID ? s.widest : width_of(column);
    const pc_chunk_form form = {.type = column->type, .width = (uint8_t)width};
    const hsize_t total = (hsize_t)s.total;
    const hid_t space = H5Screate_simple(1, &total, NULL);
    const hid_t create = H5Pcreate(H5P_DATASET_CREATE);
    const hid_t type = pc_h5_type(column->type, width);
    hid_t dataset = H5I_INVALID_HID;
    bool is_good = space >= 0 && create >= 0 && type >= 0 &&
                   H5Pset_obj_track_times(create, false) >= 0 &&
                   (total == 0 || map_parts(j, column->name, &s, space, create));
    if (is_good) {
        dataset = H5Dcreate2(j->file, column->name, type, space, H5P_DEFAULT, create, H5P_DEFAULT);
        is_good = dataset >= 0 && (column->type == PC_ID || add_null(dataset, type, &form));
    }
    if (dataset >= 0) H5Dclose(dataset);
    if (type >= 0) H5Tclose(type);
    if (create >= 0) H5Pclose(create);
    if (space >= 0) H5Sclose(space);
    if (is_good) return PC_OK;
    return PC_FAIL(err, PC_IO, "HDF5 cannot write '/%s'", column->name);
}

/** Reads a dataset of one part; [count] of `width` bytes. */
static pc_status read_part(const joining *j, int part, const char *name, pc_type type, int width,
                           void *out, pc_error *err)
{
    const hid_t file = open_part(j, part);
    const bool is_good = file >= 0 && pc_h5_read_plain(file, name, type, width, out);
    if (file >= 0) pc_h5_close(file);
    return is_good ? PC_OK
                   : PC_FAIL(err, PC_IO, "part '%s': '/%s' cannot be read", j->part[part], name);
}

/** The sparse matrix over all parts. */
typedef struct sparse {
    shapes indptr, indices, feature;
    int64_t feature_count;
    char *feature_text;  ///< [feature_count][feature.widest] sorted
    int64_t **number_of; ///< [part_count][features of the part]
} sparse;

static int64_t find_text(const sparse *m, const char *text)
{
    const size_t width = (size_t)m->feature.widest;
    int64_t from = 0, end_at = m->feature_count;
    while (from < end_at) {
        const int64_t middle = from + (end_at - from) / 2;
        if (memcmp(m->feature_text + (size_t)middle * width, text, width) < 0) {
            from = middle + 1;
        } else {
            end_at = middle;
        }
    }
    return from;
}

static bool has_text(const sparse *m, int64_t at, const char *text)
{
    const size_t width = (size_t)m->feature.widest;
    return at < m->feature_count && memcmp(m->feature_text + (size_t)at * width, text, width) == 0;
}

/** The features of a part, each widened to the widest. */
static pc_status read_features(const joining *j, const sparse *m, int part, char **out,
                               pc_error *err)
{
    const size_t count = (size_t)m->feature.count[part], width = (size_t)m->feature.width[part];
    const size_t widest = (size_t)m->feature.widest;
    char *narrow = pc_arena_array(j->arena, count + 1, width, err);
    *out = pc_arena_array(j->arena, count + 1, widest, err);
    if (narrow == NULL || *out == NULL) return PC_NO_MEMORY;
    if (count == 0) return PC_OK;
    PC_TRY(read_part(j, part, "feature", PC_ID, (int)width, narrow, err));
    for (size_t i = 0; i < count; i++)
        memcpy(*out + i * widest, narrow + i * width, width);
    return PC_OK;
}

/** All features in order of their bytes, and the number of each part's ones. */
static pc_status join_features(const joining *j, sparse *m, pc_error *err)
{
    const size_t widest = (size_t)m->feature.widest;
    m->feature_text = pc_arena_array(j->arena, (size_t)m->feature.total + 1, widest, err);
    m->number_of = pc_arena_array(j->arena, (size_t)j->part_count, sizeof *m->number_of, err);
    char **text = pc_arena_array(j->arena, (size_t)j->part_count, sizeof *text, err);
    if (m->feature_text == NULL || m->number_of == NULL || text == NULL) return PC_NO_MEMORY;
    for (int part = 0; part < j->part_count; part++) {
        PC_TRY(read_features(j, m, part, &text[part], err));
        for (int64_t i = 0; i < m->feature.count[part]; i++) {
            const char *one = text[part] + (size_t)i * widest;
            const int64_t at = find_text(m, one);
            if (has_text(m, at, one)) continue;
            char *to = m->feature_text + (size_t)at * widest;
            memmove(to + widest, to, (size_t)(m->feature_count - at) * widest);
            memcpy(to, one, widest);
            m->feature_count++;
        }
    }
    for (int part = 0; part < j->part_count; part++) {
        m->number_of[part] = pc_arena_array(j->arena, (size_t)m->feature.count[part] + 1,
                                            sizeof **m->number_of, err);
        if (m->number_of[part] == NULL) return PC_NO_MEMORY;
        for (int64_t i = 0; i < m->feature.count[part]; i++)
            m->number_of[part][i] = find_text(m, text[part] + (size_t)i * widest);
    }
    return PC_OK;
}

/** `indptr` of all parts: each begins with 0 and goes on where the one before ended. */
static pc_status join_indptr(const joining *j, const sparse *m, pc_error *err)
{
    const int64_t rows = m->indptr.total - j->part_count;
    int64_t *out = pc_arena_array(j->arena, (size_t)rows + 1, sizeof *out, err);
    if (out == NULL) return PC_NO_MEMORY;
    int64_t at = 0, base = 0;
    for (int part = 0; part < j->part_count; part++) {
        const int64_t count = m->indptr.count[part];
        int64_t *mine = pc_arena_array(j->arena, (size_t)count + 1, sizeof *mine, err);
        if (mine == NULL) return PC_NO_MEMORY;
        PC_TRY(read_part(j, part, "indptr", PC_INT, 8, mine, err));
        for (int64_t i = 1; i < count; i++)
            out[++at] = base + mine[i];
        base = out[at];
    }
    const pc_export_column column = {
        .name = "indptr", .type = PC_INT, .count = rows + 1, .data = out};
    return write_column(j->file, &column, err);
}

static pc_status join_indices(const joining *j, const sparse *m, pc_error *err)
{
    int64_t *out = pc_arena_array(j->arena, (size_t)m->indices.total + 1, sizeof *out, err);
    if (out == NULL) return PC_NO_MEMORY;
    int64_t at = 0;
    for (int part = 0; part < j->part_count; part++) {
        const int64_t count = m->indices.count[part];
        if (count > 0) PC_TRY(read_part(j, part, "indices", PC_INT, 8, out + at, err));
        for (int64_t i = 0; i < count; i++, at++) {
            if (out[at] < 0 || out[at] >= m->feature.count[part]) {
                return PC_FAIL(err, PC_BAD_INPUT, "part '%s': no such feature", j->part[part]);
            }
            out[at] = m->number_of[part][out[at]];
        }
    }
    const pc_export_column column = {
        .name = "indices", .type = PC_INT, .count = m->indices.total, .data = out};
    return write_column(j->file, &column, err);
}

static pc_status join_sparse(const joining *j, pc_error *err)
{
    sparse m = {0};
    PC_TRY(find_shapes(j, "indptr", &m.indptr, err));
    PC_TRY(find_shapes(j, "indices", &m.indices, err));
    PC_TRY(find_shapes(j, "feature", &m.feature, err));
    PC_TRY(join_features(j, &m, err));
    const pc_export_column feature = {.name = "feature",
                                      .type = PC_ID,
                                      .width = m.feature.widest,
                                      .count = m.feature_count,
                                      .data = m.feature_text};
    PC_TRY(write_column(j->file, &feature, err));
    PC_TRY(join_indptr(j, &m, err));
    return join_indices(j, &m, err);
}

static pc_status join_all(const joining *j, const pc_export_column *column, int column_count,
                          pc_error *err)
{
    for (int i = 0; i < column_count; i++) {
        const char *name = column[i].name;
        if (strcmp(name, "indices") == 0 || strcmp(name, "feature") == 0) continue;
        if (strcmp(name, "indptr") == 0) {
            PC_TRY(join_sparse(j, err));
        } else {
            PC_TRY(join_virtual(j, &column[i], err));
        }
    }
    return PC_OK;
}

pc_status pc_export_join(const char *path, const pc_export_column *column, int column_count,
                         const char *const *part, int part_count, pc_budget *budget, pc_error *err)
{
    making m;
    pc_arena arena = {.budget = budget};
    const char *slash = strrchr(path, '/');
    PC_TRY(pc_budget_take(budget, 2 * (size_t)PC_H5_BYTES, err)); // this file and a part
    pc_status status = begin(&m, path, err);
    const joining j = {.file = m.file,
                       .folder = path,
                       .folder_bytes = slash == NULL ? 0 : (int)(slash - path) + 1,
                       .part = part,
                       .part_count = part_count,
                       .budget = budget,
                       .arena = &arena};
    if (status == PC_OK) status = join_all(&j, column, column_count, err);
    status = end(&m, status, err);
    pc_arena_reset(&arena);
    pc_budget_give(budget, 2 * (size_t)PC_H5_BYTES);
    return status;
}
