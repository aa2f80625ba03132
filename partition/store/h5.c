/** Calls to libhdf5. */
#include "h5.h"
#include <H5PLextern.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

void pc_h5_prepare(void)
{
    // libhdf5 writes what it still holds when the process exits; after a full disk that crashes.
    H5dont_atexit();
    H5open();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    H5PLset_loading_state(0);
    // Our own filter is part of the program: datasets that libhdf5 reads and writes for us use it.
    if (H5Zfilter_avail(PC_ZSTD_FILTER) <= 0) (void)H5Zregister(H5PLget_plugin_info());
}

hid_t pc_h5_create(const char *path)
{
    pc_h5_prepare();
    // The file exists with its mode before libhdf5, which knows no modes, writes to it.
    const int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0) return H5I_INVALID_HID;
    close(fd);
    hid_t file = H5I_INVALID_HID;
    const hid_t create = H5Pcreate(H5P_FILE_CREATE);
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    if (create >= 0 && access >= 0 && H5Pset_obj_track_times(create, false) >= 0 &&
        H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110) >= 0) {
        file = H5Fcreate(path, H5F_ACC_TRUNC, create, access);
    }
    if (create >= 0) H5Pclose(create);
    if (access >= 0) H5Pclose(access);
    return file;
}

bool pc_h5_close(hid_t file)
{
    return H5Fclose(file) >= 0;
}

bool pc_h5_group(hid_t file, const char *path)
{
    const hid_t create = H5Pcreate(H5P_GROUP_CREATE);
    if (create < 0) return false;
    H5Pset_obj_track_times(create, false);
    const hid_t group = H5Gcreate2(file, path, H5P_DEFAULT, create, H5P_DEFAULT);
    H5Pclose(create);
    return group >= 0 && H5Gclose(group) >= 0;
}

hid_t pc_h5_type(pc_type type, int width)
{
    if (type == PC_ID) {
        const hid_t text = H5Tcopy(H5T_C_S1);
        H5Tset_size(text, (size_t)width);
        H5Tset_strpad(text, H5T_STR_NULLPAD);
        return text;
    }
    if (type == PC_FLOAT) return H5Tcopy(H5T_IEEE_F64LE);
    const bool is_unsigned = pc_form_is_unsigned(type);
    if (width == 1) return H5Tcopy(is_unsigned ? H5T_STD_U8LE : H5T_STD_I8LE);
    if (width == 2) return H5Tcopy(is_unsigned ? H5T_STD_U16LE : H5T_STD_I16LE);
    if (width == 4) return H5Tcopy(is_unsigned ? H5T_STD_U32LE : H5T_STD_I32LE);
    return H5Tcopy(is_unsigned ? H5T_STD_U64LE : H5T_STD_I64LE);
}

bool pc_h5_attribute(hid_t object, const char *name, hid_t type, const void *value)
{
    const hid_t space = H5Screate(H5S_SCALAR);
    const hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    const bool is_written = attribute >= 0 && H5Awrite(attribute, type, value) >= 0;
    if (attribute >= 0) H5Aclose(attribute);
    if (space >= 0) H5Sclose(space);
    return is_written;
}

bool pc_h5_attribute_text(hid_t object, const char *name, const char *text)
{
    const hid_t type = pc_h5_type(PC_ID, (int)strlen(text) + 1);
    H5Tset_strpad(type, H5T_STR_NULLTERM);
    H5Tset_cset(type, H5T_CSET_UTF8);
    const bool is_written = pc_h5_attribute(object, name, type, text);
    H5Tclose(type);
    return is_written;
}

bool pc_h5_attribute_int(hid_t object, const char *name, int64_t value)
{
    return pc_h5_attribute(object, name, H5T_STD_I64LE, &value);
}

static bool set_filters(hid_t create, const pc_chunk_form *form)
{
    const unsigned level = form->encoding == PC_ENCODING_ZSTD ? 1 : 3;
    if (form->encoding == PC_ENCODING_PACKED) {
        if (H5Pset_scaleoffset(create, H5Z_SO_INT, H5Z_SO_INT_MINBITS_DEFAULT) < 0) return false;
    } else {
        // Optional: then libhdf5 does not look for a filter that it does not have. We compress.
        const bool is_shuffled = form->encoding == PC_ENCODING_ZSTD;
        if (is_shuffled && H5Pset_shuffle(create) < 0) return false;
        if (H5Pset_filter(create, PC_ZSTD_FILTER, H5Z_FLAG_OPTIONAL, 1, &level) < 0) return false;
    }
    return H5Pset_fletcher32(create) >= 0;
}

hid_t pc_h5_dataset(hid_t file, const char *path, const pc_chunk_form *form, int64_t row_count,
                    int64_t chunk_rows)
{
    const hsize_t rows = (hsize_t)row_count, chunk = (hsize_t)chunk_rows;
    char null[PC_FORM_NULL_BYTES];
    pc_form_null_bytes(form, null);
    hid_t dataset = H5I_INVALID_HID;
    const hid_t type = pc_h5_type(form->type, form->width);
    const hid_t space = H5Screate_simple(1, &rows, NULL);
    const hid_t create = H5Pcreate(H5P_DATASET_CREATE);
    // Without nulls there is no fill value, and scale-offset needs no code for it.
    if (type >= 0 && space >= 0 && create >= 0 && H5Pset_obj_track_times(create, false) >= 0 &&
        H5Pset_chunk(create, 1, &chunk) >= 0 &&
        H5Pset_fill_value(create, type, form->has_null ? null : NULL) >= 0 &&
        H5Pset_fill_time(create, H5D_FILL_TIME_NEVER) >= 0 && set_filters(create, form)) {
        dataset = H5Dcreate2(file, path, type, space, H5P_DEFAULT, create, H5P_DEFAULT);
    }
    if (dataset >= 0 && form->has_null && !pc_h5_attribute(dataset, "null", type, null)) {
        H5Dclose(dataset);
        dataset = H5I_INVALID_HID;
    }
    if (create >= 0) H5Pclose(create);
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    return dataset;
}

bool pc_h5_write_chunk(hid_t dataset, int64_t first_row, pc_span stored)
{
    const hsize_t offset = (hsize_t)first_row;
    return H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, &offset, stored.bytes, stored.data) >= 0;
}

bool pc_h5_read_chunk(hid_t dataset, int64_t first_row, void *out)
{
    const hsize_t offset = (hsize_t)first_row;
    uint32_t mask = 0;
    return H5Dread_chunk(dataset, H5P_DEFAULT, &offset, &mask, out) >= 0 && mask == 0;
}

bool pc_h5_chunk_address(hid_t dataset, int64_t first_row, uint64_t *address)
{
    const hsize_t offset = (hsize_t)first_row;
    haddr_t at = HADDR_UNDEF;
    hsize_t bytes = 0;
    unsigned mask = 0;
    if (H5Dget_chunk_info_by_coord(dataset, &offset, &mask, &at, &bytes) < 0) return false;
    *address = at;
    return at != HADDR_UNDEF;
}

// What fits data that libhdf5 itself reads: small files, read whole after their digest was
// compared.
static void set_compression(hid_t create, bool is_shuffled)
{
    const unsigned level = 3;
    if (is_shuffled) H5Pset_shuffle(create);
    H5Pset_filter(create, PC_ZSTD_FILTER, H5Z_FLAG_MANDATORY, 1, &level);
}

bool pc_h5_write_plain(hid_t file, const pc_h5_plain *plain)
{
    const hsize_t size[2] = {(hsize_t)plain->row_count, (hsize_t)plain->column_count};
    const hsize_t chunk[2] = {size[0] < PC_CHUNK_ROWS ? size[0] : PC_CHUNK_ROWS, size[1]};
    const int rank = plain->column_count > 0 ? 2 : 1;
    bool is_written = false;
    const hid_t type = pc_h5_type(plain->type, plain->width);
    const hid_t space = H5Screate_simple(rank, size, NULL);
    const hid_t create = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_obj_track_times(create, false);
    if (plain->compressed && plain->row_count > 0) {
        H5Pset_chunk(create, rank, chunk);
        set_compression(create, false); // texts, and lengths that zstd finds equal by itself
    }
    const hid_t dataset =
        H5Dcreate2(file, plain->path, type, space, H5P_DEFAULT, create, H5P_DEFAULT);
    if (dataset >= 0) {
        is_written = plain->row_count == 0 ||
                     H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, plain->data) >= 0;
        is_written = H5Dclose(dataset) >= 0 && is_written;
    }
    if (create >= 0) H5Pclose(create);
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    return is_written;
}

// A dataset of values of a form, `values->data` not yet in it. <0: failed. `is_reserved`: its room
// is taken at once and not filled.
static hid_t create_values(hid_t file, const pc_h5_values *values, bool is_reserved)
{
    const int64_t rows = values->row_count;
    const hsize_t size = (hsize_t)rows, chunk = size < PC_CHUNK_ROWS ? size : PC_CHUNK_ROWS;
    char null[PC_FORM_NULL_BYTES];
    pc_form_null_bytes(&values->form, null);
    const hid_t type = pc_h5_type(values->form.type, values->form.width);
    const hid_t space = H5Screate_simple(1, &size, NULL);
    const hid_t create = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_obj_track_times(create, false);
    H5Pset_fill_value(create, type, null);
    if (rows > 0 && !values->is_plain) {
        H5Pset_chunk(create, 1, &chunk);
        set_compression(create, true);
    }
    if (is_reserved) {
        H5Pset_alloc_time(create, H5D_ALLOC_TIME_EARLY);
        H5Pset_fill_time(create, H5D_FILL_TIME_NEVER);
    }
    hid_t dataset = H5Dcreate2(file, values->path, type, space, H5P_DEFAULT, create, H5P_DEFAULT);
    if (dataset >= 0 && !pc_h5_attribute(dataset, "null", type, null)) {
        H5Dclose(dataset);
        dataset = H5I_INVALID_HID;
    }
    if (create >= 0) H5Pclose(create);
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    return dataset;
}

bool pc_h5_write_values(hid_t file, const pc_h5_values *values)
{
    const hid_t dataset = create_values(file, values, false);
    if (dataset < 0) return false;
    bool is_done = true;
    if (values->row_count > 0) {
        const hid_t type = pc_h5_type(values->form.type, values->form.width);
        is_done = H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values->data) >= 0;
        if (type >= 0) H5Tclose(type);
    }
    return H5Dclose(dataset) >= 0 && is_done;
}

bool pc_h5_lay_out(hid_t file, const char *path, const pc_chunk_form *form, int64_t row_count,
                   int64_t *first_byte)
{
    const pc_h5_values values = {
        .path = path, .form = *form, .row_count = row_count, .is_plain = true};
    const hid_t dataset = create_values(file, &values, true);
    if (dataset < 0) return false;
    const haddr_t at = row_count > 0 ? H5Dget_offset(dataset) : 0;
    *first_byte = at == HADDR_UNDEF ? 0 : (int64_t)at;
    return H5Dclose(dataset) >= 0 && at != HADDR_UNDEF;
}

hid_t pc_h5_open(const char *path)
{
    pc_h5_prepare();
    return H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
}

bool pc_h5_exists(hid_t file, const char *path)
{
    return H5Lexists(file, path, H5P_DEFAULT) > 0;
}

bool pc_h5_shape(hid_t file, const char *path, int64_t *row_count, int64_t *column_count,
                 int *width)
{
    hsize_t size[2] = {0, 1};
    const hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT);
    if (dataset < 0) return false;
    const hid_t space = H5Dget_space(dataset);
    const hid_t type = H5Dget_type(dataset);
    const int rank = space < 0 ? 0 : H5Sget_simple_extent_ndims(space);
    const bool is_known =
        type >= 0 && (rank == 1 || rank == 2) && H5Sget_simple_extent_dims(space, size, NULL) >= 0;
    *row_count = (int64_t)size[0];
    *column_count = (int64_t)size[1];
    *width = is_known ? (int)H5Tget_size(type) : 0;
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    H5Dclose(dataset);
    return is_known && *row_count >= 0 && *column_count >= 0;
}

bool pc_h5_read_plain(hid_t file, const char *path, pc_type type, int width, void *out)
{
    const hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT);
    if (dataset < 0) return false;
    const hid_t expected = pc_h5_type(type, width);
    const hid_t stored = H5Dget_type(dataset);
    const bool is_read = expected >= 0 && stored >= 0 && H5Tequal(expected, stored) > 0 &&
                         H5Dread(dataset, expected, H5S_ALL, H5S_ALL, H5P_DEFAULT, out) >= 0;
    if (stored >= 0) H5Tclose(stored);
    if (expected >= 0) H5Tclose(expected);
    H5Dclose(dataset);
    return is_read;
}
