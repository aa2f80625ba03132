/** Reading one dataset forward. */
#include "cursor.h"
#include <string.h>

void pc_cursor_begin(pc_cursor *cursor, const pc_data_entry *data, uint32_t code_count,
                     pc_budget *budget)
{
    *cursor = (pc_cursor){.data = data,
                          .code_count = code_count,
                          .values = {.budget = budget},
                          .valid = {.budget = budget},
                          .view = {.budget = budget}};
    for (int i = 0; i < PC_CURSOR_READY; i++) {
        cursor->ready[i] = (pc_ready_chunk){.chunk = -1, .bytes = {.budget = budget}};
    }
}

void pc_cursor_release(pc_cursor *cursor)
{
    pc_buffer_release(&cursor->values);
    pc_buffer_release(&cursor->valid);
    pc_buffer_release(&cursor->view);
    for (int i = 0; i < PC_CURSOR_READY; i++)
        pc_buffer_release(&cursor->ready[i].bytes);
}

// Forgets rows before `row` (to a multiple of 64), or all when it lies outside of what is decoded.
static void drop_before(pc_cursor *cursor, const pc_cursor_tools *tools, int64_t row)
{
    const pc_data_entry *data = cursor->data;
    if (row < cursor->first || row >= cursor->end) {
        const int chunk = (int)(row / data->chunk_rows);
        if (chunk > cursor->next_chunk) tools->counts->chunks_skipped += chunk - cursor->next_chunk;
        cursor->next_chunk = chunk;
        cursor->first = cursor->end = chunk * data->chunk_rows;
        return;
    }
    const int64_t drop = (row - cursor->first) / 64 * 64;
    const size_t width = data->form.width;
    const size_t keep = (size_t)(cursor->end - cursor->first - drop);
    if (drop == 0) return;
    memmove(cursor->values.data, cursor->values.data + (size_t)drop * width, keep * width);
    if (data->form.has_null) {
        memmove(cursor->valid.data, cursor->valid.data + drop / 8, (keep + 63) / 64 * 8);
    }
    cursor->first += drop;
}

#define FILL(type)                                                                                 \
    do {                                                                                           \
        type *to = out;                                                                            \
        for (int64_t row = 0; row < row_count; row++)                                              \
            to[row] = (type)value;                                                                 \
    } while (0)

static void fill(int width, int64_t value, int64_t row_count, void *out)
{
    switch (width) {
        case 1:
            FILL(uint8_t);
            break;
        case 2:
            FILL(uint16_t);
            break;
        case 4:
            FILL(uint32_t);
            break;
        default:
            FILL(uint64_t);
            break;
    }
}

#define LARGEST(type)                                                                              \
    do {                                                                                           \
        const type *from = values;                                                                 \
        type most = 0;                                                                             \
        for (int64_t row = 0; row < row_count; row++)                                              \
            most = from[row] > most ? from[row] : most;                                            \
        return most;                                                                               \
    } while (0)

static uint32_t largest(int width, const void *values, int64_t row_count)
{
    switch (width) {
        case 1:
            LARGEST(uint8_t);
        case 2:
            LARGEST(uint16_t);
        default:
            LARGEST(uint32_t);
    }
}

// Reads chunk `chunk` to `out`; a chunk of one value is not even read: the directory says it.
static pc_status decode_chunk(pc_cursor *cursor, const pc_cursor_tools *tools, int chunk, void *out,
                              uint64_t *valid, pc_error *err)
{
    const pc_data_entry *data = cursor->data;
    const pc_chunk_entry *entry = &data->chunk[chunk];
    const int64_t rows = pc_data_chunk_rows(data, chunk);
    const size_t words = (size_t)(rows + 63) / 64;
    const bool is_constant = pc_form_is_integer(data->form.type) && entry->min == entry->max;
    const bool has_null = entry->null_count > 0;
    if (valid != NULL && !has_null) memset(valid, 0xFF, words * 8);
    if (entry->null_count == rows) {
        memset(valid, 0, words * 8);
        memset(out, 0, (size_t)rows * data->form.width);
    } else if (is_constant && !has_null) {
        fill(data->form.width, entry->min, rows, out);
    } else {
        PC_TRY(pc_part_file_chunk(tools->part, data, chunk, tools->stored, err));
        const pc_span stored = {tools->stored->data, tools->stored->bytes};
        const pc_status status =
            pc_chunk_decode(tools->codec, &data->form, stored, data->chunk_rows, rows, out,
                            has_null ? valid : NULL, err);
        if (status != PC_OK) {
            pc_part_file_prefix(tools->part, data, chunk, err);
            return status;
        }
        tools->counts->chunks_read++;
        tools->counts->bytes_read += entry->bytes;
    }
    tools->counts->bytes_decoded += rows * data->form.width;
    const bool is_code = data->form.type == PC_CODE || data->form.type == PC_TEXT;
    if (is_code && largest(data->form.width, out, rows) >= cursor->code_count) {
        pc_fail(err, PC_BAD_INPUT, "a code is not in its dictionary");
        pc_part_file_prefix(tools->part, data, chunk, err);
        return PC_BAD_INPUT;
    }
    return PC_OK;
}

static pc_status decode_until(pc_cursor *cursor, const pc_cursor_tools *tools, int64_t end,
                              pc_error *err)
{
    const pc_data_entry *data = cursor->data;
    const size_t width = data->form.width;
    while (cursor->end < end) {
        const int chunk = (int)(cursor->end / data->chunk_rows);
        const int64_t rows = pc_data_chunk_rows(data, chunk);
        const size_t before = (size_t)(cursor->end - cursor->first);
        const size_t after = before + (size_t)rows;
        cursor->values.bytes = before * width;
        PC_TRY(pc_buffer_reserve(&cursor->values, (after + 8) * width, err));
        uint64_t *valid = NULL;
        if (data->form.has_null) {
            cursor->valid.bytes = (before + 63) / 64 * 8;
            PC_TRY(pc_buffer_reserve(&cursor->valid, (after + 63) / 64 * 8, err));
            valid = (uint64_t *)cursor->valid.data + before / 64;
        }
        PC_TRY(
            decode_chunk(cursor, tools, chunk, cursor->values.data + before * width, valid, err));
        cursor->end += rows;
        cursor->next_chunk = chunk + 1;
    }
    return PC_OK;
}

static bool has_nulls_between(const pc_data_entry *data, int64_t first, int64_t end)
{
    for (int64_t chunk = first / data->chunk_rows; chunk * data->chunk_rows < end; chunk++) {
        if (data->chunk[chunk].null_count > 0) return true;
    }
    return false;
}

// The bitmap from row `first` on; copied when that is not the first bit of a word.
static pc_status view_valid(pc_cursor *cursor, int64_t first, int64_t count, const uint64_t **out,
                            pc_error *err)
{
    const uint64_t *from = (const uint64_t *)cursor->valid.data + (first - cursor->first) / 64;
    const int shift = (int)((first - cursor->first) % 64);
    *out = from;
    if (shift == 0) return PC_OK;
    const int64_t words = (count + 63) / 64;
    const int64_t last = (cursor->end - first + shift + 63) / 64 - 1; // last word that exists
    PC_TRY(pc_buffer_reserve(&cursor->view, (size_t)words * 8, err));
    uint64_t *to = (uint64_t *)cursor->view.data;
    for (int64_t word = 0; word < words; word++) {
        const uint64_t high = word < last ? from[word + 1] << (64 - shift) : 0;
        to[word] = (from[word] >> shift) | high;
    }
    *out = to;
    return PC_OK;
}

pc_status pc_cursor_view(pc_cursor *cursor, const pc_cursor_tools *tools, int64_t first,
                         int64_t count, pc_column *out, pc_error *err)
{
    const pc_data_entry *data = cursor->data;
    out->width = data->form.width;
    out->data = NULL;
    out->valid = NULL;
    if (count == 0) return PC_OK;
    if (first < cursor->first || first + count > cursor->end) {
        drop_before(cursor, tools, first);
        PC_TRY(decode_until(cursor, tools, first + count, err));
    }
    out->data = cursor->values.data + (size_t)(first - cursor->first) * data->form.width;
    if (data->null_count == 0 || !has_nulls_between(data, first, first + count)) return PC_OK;
    return view_valid(cursor, first, count, &out->valid, err);
}
