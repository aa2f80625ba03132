/** dictionaries.h5: all texts of the newest generation in one run, dictionary after dictionary, and
 *  for each older generation the new number of each old code. A few datasets in all: a model has
 *  hundreds of dictionaries, and opening that many objects would cost more than reading them. A
 *  dictionary only gains texts, so those of older generations are found among the new. */
#include <stdio.h>
#include <string.h>
#include "h5.h"
#include "inside.h"

enum { NAME_BYTES = 64, PATH_BYTES = 64 };

/** What is written, dictionary after dictionary. */
typedef struct flat {
    pc_buffer name;   // NAME_BYTES each
    pc_buffer first;  // uint64_t [dict_count + 1] number of each dictionary's first text
    pc_buffer length; // uint32_t [texts] bytes of each text
    pc_buffer bytes;
} flat;

static pc_status put(pc_buffer *out, uint64_t value, pc_error *err)
{
    return pc_buffer_append(out, &value, sizeof value, err);
}

static pc_status flatten(const pc_store_contents *contents, flat *out, pc_error *err)
{
    const pc_model *model = contents->manifest->model;
    uint64_t text_count = 0;
    PC_TRY(put(&out->first, 0, err));
    for (int d = 0; d < model->dict_count; d++) {
        const pc_dict *dict = &contents->dict[d];
        char name[NAME_BYTES] = {0};
        if (strlen(model->dict_name[d]) > sizeof name) {
            return PC_FAIL(err, PC_BAD_INPUT, "the name of dictionary '%s' is too long",
                           model->dict_name[d]);
        }
        memcpy(name, model->dict_name[d], strlen(model->dict_name[d]));
        PC_TRY(pc_buffer_append(&out->name, name, sizeof name, err));
        if (dict->count > 0) {
            PC_TRY(pc_buffer_append(&out->bytes, dict->bytes + dict->offset[0],
                                    (size_t)(dict->offset[dict->count] - dict->offset[0]), err));
        }
        for (uint32_t i = 0; i < dict->count; i++) {
            const uint64_t bytes = dict->offset[i + 1] - dict->offset[i];
            const uint32_t length = (uint32_t)bytes;
            if (bytes > UINT32_MAX) return PC_FAIL(err, PC_BAD_INPUT, "a text is too long");
            PC_TRY(pc_buffer_append(&out->length, &length, sizeof length, err));
        }
        text_count += dict->count;
        PC_TRY(put(&out->first, text_count, err));
    }
    return PC_OK;
}

static bool write_numbers(hid_t file, const char *path, int width, const pc_buffer *values)
{
    const pc_h5_plain plain = {.path = path,
                               .type = PC_NONE,
                               .width = width,
                               .row_count = (int64_t)values->bytes / width,
                               .data = values->data,
                               .compressed = true};
    return pc_h5_write_plain(file, &plain);
}

static bool write_flat(hid_t file, const flat *values)
{
    const pc_h5_plain names = {.path = "/name",
                               .type = PC_ID,
                               .width = NAME_BYTES,
                               .row_count = (int64_t)values->name.bytes / NAME_BYTES,
                               .data = values->name.data};
    return pc_h5_write_plain(file, &names) && write_numbers(file, "/first", 8, &values->first) &&
           write_numbers(file, "/length", 4, &values->length) &&
           write_numbers(file, "/bytes", 1, &values->bytes);
}

// The maps of one older generation, reusing two of the buffers.
static pc_status write_maps(hid_t file, const pc_store_contents *contents, uint32_t generation,
                            flat *scratch, pc_error *err)
{
    const int dicts = contents->manifest->model->dict_count;
    char path[PATH_BYTES];
    uint64_t text_count = 0;
    scratch->first.bytes = 0;
    scratch->bytes.bytes = 0;
    PC_TRY(put(&scratch->first, 0, err));
    for (int d = 0; d < dicts; d++) {
        const size_t at = (size_t)generation * (size_t)dicts + (size_t)d;
        PC_TRY(pc_buffer_append(&scratch->bytes, contents->old_to_new[at],
                                contents->old_count[at] * sizeof(uint32_t), err));
        text_count += contents->old_count[at];
        PC_TRY(put(&scratch->first, text_count, err));
    }
    snprintf(path, sizeof path, "/old_first_%u", generation);
    bool is_done = write_numbers(file, path, 8, &scratch->first);
    snprintf(path, sizeof path, "/to_newest_%u", generation);
    is_done = is_done && write_numbers(file, path, 4, &scratch->bytes);
    return is_done ? PC_OK : PC_FAIL(err, PC_IO, "HDF5 cannot write '%s'", path);
}

pc_status pc_dictionaries_write(const char *path, const pc_store_contents *contents,
                                pc_budget *budget, pc_error *err)
{
    flat values = {.name = {.budget = budget},
                   .first = {.budget = budget},
                   .length = {.budget = budget},
                   .bytes = {.budget = budget}};
    pc_status status = flatten(contents, &values, err);
    const hid_t file = status == PC_OK ? pc_h5_create(path) : H5I_INVALID_HID;
    if (status == PC_OK && (file < 0 || !write_flat(file, &values))) {
        status = PC_FAIL(err, PC_IO, "cannot write '%s'", path);
    }
    for (uint32_t g = 0; status == PC_OK && g + 1 < contents->generation_count; g++) {
        status = write_maps(file, contents, g, &values, err);
    }
    if (file >= 0 && !pc_h5_close(file) && status == PC_OK) {
        status = PC_FAIL(err, PC_IO, "cannot write '%s'", path);
    }
    pc_buffer_release(&values.name);
    pc_buffer_release(&values.first);
    pc_buffer_release(&values.length);
    pc_buffer_release(&values.bytes);
    return status;
}

// A whole plain dataset of one dimension, in the store's arena.
static pc_status read_numbers(pc_store *store, hid_t file, const char *path, pc_type type,
                              int width, int64_t *count, void *out, pc_error *err)
{
    int64_t columns;
    int stored_width;
    if (!pc_h5_shape(file, path, count, &columns, &stored_width) || columns != 1 ||
        stored_width != width || *count > (int64_t)1 << 40) {
        return PC_FAIL(err, PC_BAD_INPUT, "'%s' is not there or has another form", path);
    }
    void *values = pc_arena_raw(&store->arena, ((size_t)*count + 1) * (size_t)width, err);
    if (values == NULL) return PC_NO_MEMORY;
    if (*count > 0 && !pc_h5_read_plain(file, path, type, width, values)) {
        return PC_FAIL(err, PC_BAD_INPUT, "'%s' cannot be read", path);
    }
    memcpy(out, &values, sizeof values);
    return PC_OK;
}

// Numbers that ascend from 0 to `last`.
static bool ascends(const uint64_t *value, int64_t count, uint64_t last)
{
    bool is_right = count >= 1 && value[0] == 0 && value[count - 1] == last;
    for (int64_t i = 1; is_right && i < count; i++)
        is_right = value[i - 1] <= value[i];
    return is_right;
}

static pc_status read_maps(pc_store *store, hid_t file, uint32_t generation, pc_error *err)
{
    const int dicts = store->model->dict_count;
    char path[PATH_BYTES];
    int64_t first_count, text_count;
    uint64_t *first;
    uint32_t *map;
    snprintf(path, sizeof path, "/old_first_%u", generation);
    PC_TRY(read_numbers(store, file, path, PC_NONE, 8, &first_count, &first, err));
    snprintf(path, sizeof path, "/to_newest_%u", generation);
    PC_TRY(read_numbers(store, file, path, PC_NONE, 4, &text_count, &map, err));
    if (first_count != dicts + 1 || !ascends(first, first_count, (uint64_t)text_count)) {
        return PC_FAIL(err, PC_BAD_INPUT, "'%s' does not list the dictionaries", path);
    }
    for (int d = 0; d < dicts; d++) {
        for (uint64_t i = first[d]; i < first[d + 1]; i++) {
            if (map[i] < store->dict[d].count && (i == first[d] || map[i] > map[i - 1])) continue;
            return PC_FAIL(err, PC_BAD_INPUT, "'%s' does not ascend within a dictionary", path);
        }
        const size_t at = (size_t)generation * (size_t)dicts + (size_t)d;
        store->old_to_new[at] = map + first[d];
        store->old_count[at] = (uint32_t)(first[d + 1] - first[d]);
    }
    return PC_OK;
}

// One dictionary of the run; its offsets stay those of the run.
static pc_status take_dict(pc_store *store, int d, const uint64_t *offset, uint64_t text_count,
                           const char *bytes, pc_error *err)
{
    if (text_count >= PC_DICT_NONE) {
        return PC_FAIL(err, PC_BAD_INPUT, "a dictionary has too many texts");
    }
    store->dict[d] =
        (pc_dict){.count = (uint32_t)text_count, .sorted = true, .offset = offset, .bytes = bytes};
    return PC_OK;
}

pc_status pc_dictionaries_check(const pc_store *store, pc_error *err)
{
    for (int d = 0; d < store->model->dict_count; d++) {
        const pc_dict *dict = &store->dict[d];
        for (uint32_t i = 0; i + 1 < dict->count; i++) {
            if (pc_span_compare(pc_dict_text(dict, i), pc_dict_text(dict, i + 1)) < 0) continue;
            return PC_FAIL(err, PC_BAD_INPUT, "dictionaries.h5: the texts of '%s' are not in order",
                           store->model->dict_name[d]);
        }
    }
    return PC_OK;
}

/** Where each text begins, and where the last one ends, from their lengths. */
static pc_status sum_lengths(pc_store *store, const uint32_t *length, int64_t count,
                             int64_t byte_count, const uint64_t **out, pc_error *err)
{
    uint64_t *offset = pc_arena_raw(&store->arena, ((size_t)count + 1) * sizeof *offset, err);
    if (offset == NULL) return PC_NO_MEMORY;
    uint64_t at = 0;
    for (int64_t i = 0; i < count; i++) {
        offset[i] = at;
        at += length[i];
    }
    offset[count] = at;
    *out = offset;
    return at == (uint64_t)byte_count
               ? PC_OK
               : PC_FAIL(err, PC_BAD_INPUT, "its texts are not as long as it says");
}

static pc_status read_flat(pc_store *store, hid_t file, pc_error *err)
{
    const int dicts = store->model->dict_count;
    int64_t name_count, first_count, text_count, byte_count;
    uint64_t *first;
    const uint64_t *offset;
    uint32_t *length;
    char *name, *bytes;
    PC_TRY(read_numbers(store, file, "/name", PC_ID, NAME_BYTES, &name_count, &name, err));
    PC_TRY(read_numbers(store, file, "/first", PC_NONE, 8, &first_count, &first, err));
    PC_TRY(read_numbers(store, file, "/length", PC_NONE, 4, &text_count, &length, err));
    PC_TRY(read_numbers(store, file, "/bytes", PC_NONE, 1, &byte_count, &bytes, err));
    PC_TRY(sum_lengths(store, length, text_count, byte_count, &offset, err));
    if (name_count != dicts || first_count != dicts + 1 ||
        !ascends(first, first_count, (uint64_t)text_count)) {
        return PC_FAIL(err, PC_BAD_INPUT, "it does not list the dictionaries of the model");
    }
    for (int d = 0; d < dicts; d++) {
        if (strncmp(name + (size_t)d * NAME_BYTES, store->model->dict_name[d], NAME_BYTES) != 0) {
            return PC_FAIL(err, PC_BAD_INPUT, "dictionary '%s' is not in its place",
                           store->model->dict_name[d]);
        }
        PC_TRY(take_dict(store, d, offset + first[d], first[d + 1] - first[d], bytes, err));
    }
    return PC_OK;
}

pc_status pc_dictionaries_room(pc_store *store, pc_error *err)
{
    const size_t dicts = (size_t)store->model->dict_count;
    const size_t maps = dicts * store->generation_count + 1;
    store->dict = pc_arena_array(&store->arena, dicts + 1, sizeof *store->dict, err);
    store->old_to_new = pc_arena_array(&store->arena, maps, sizeof *store->old_to_new, err);
    store->old_count = pc_arena_array(&store->arena, maps, sizeof *store->old_count, err);
    return store->dict == NULL || store->old_to_new == NULL || store->old_count == NULL
               ? PC_NO_MEMORY
               : PC_OK;
}

pc_status pc_dictionaries_read(pc_store *store, const char *path, pc_error *err)
{
    PC_TRY(pc_dictionaries_room(store, err));
    const hid_t file = pc_h5_open(path);
    if (file < 0) return PC_FAIL(err, PC_BAD_INPUT, "'%s' is not an HDF5 file", path);
    pc_status status = read_flat(store, file, err);
    for (uint32_t g = 0; status == PC_OK && g + 1 < store->generation_count; g++) {
        status = read_maps(store, file, g, err);
    }
    if (status == PC_BAD_INPUT) pc_error_prefix(err, "'%s'", path);
    (void)pc_h5_close(file);
    return status;
}
