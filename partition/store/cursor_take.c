/** Single values of one dataset. */
#include <string.h>
#include "cursor.h"

enum { STEP_ROWS = 512 }; // indices on the stack

static pc_status fail(const pc_cursor *cursor, const pc_cursor_tools *tools, int chunk,
                      pc_status status, pc_error *err)
{
    pc_part_file_prefix(tools->part, cursor->data, chunk, err);
    return status;
}

// The chunk, read and checked when it is not at hand.
static pc_status need_chunk(pc_cursor *cursor, const pc_cursor_tools *tools, int chunk,
                            pc_span *out, pc_error *err)
{
    const pc_data_entry *data = cursor->data;
    pc_ready_chunk *ready = &cursor->ready[chunk % PC_CURSOR_READY];
    if (ready->chunk != chunk) {
        ready->chunk = -1;
        PC_TRY(pc_part_file_chunk(tools->part, data, chunk, tools->stored, err));
        const pc_status status = pc_chunk_ready(tools->codec, &data->form, data->chunk_rows,
                                                tools->stored, &ready->bytes, err);
        if (status != PC_OK) return fail(cursor, tools, chunk, status, err);
        ready->chunk = chunk;
        tools->counts->chunks_read++;
        tools->counts->bytes_read += data->chunk[chunk].bytes;
    }
    *out = (pc_span){ready->bytes.data, ready->bytes.bytes};
    return PC_OK;
}

#define ALL_BELOW(type)                                                                            \
    do {                                                                                           \
        const type *value = (const type *)out + at;                                                \
        for (int i = 0; i < count; i++)                                                            \
            most = value[i] > most ? value[i] : most;                                              \
    } while (0)

static bool codes_are_known(const pc_cursor *cursor, const void *out, int at, int count)
{
    const pc_chunk_form *form = &cursor->data->form;
    uint32_t most = 0;
    if (form->type != PC_CODE && form->type != PC_TEXT) return true;
    if (form->width == 1) ALL_BELOW(uint8_t);
    if (form->width == 2) ALL_BELOW(uint16_t);
    if (form->width == 4) ALL_BELOW(uint32_t);
    return most < cursor->code_count;
}

// Rows `index` [count] of one chunk to elements `at` .. of `out`.
static pc_status take_from_chunk(pc_cursor *cursor, const pc_cursor_tools *tools, int chunk,
                                 const int32_t *index, int count, int at, void *out,
                                 uint64_t *valid, pc_error *err)
{
    const pc_data_entry *data = cursor->data;
    const pc_chunk_entry *entry = &data->chunk[chunk];
    const bool is_null = entry->null_count == pc_data_chunk_rows(data, chunk);
    const bool is_constant = pc_form_is_integer(data->form.type) && entry->min == entry->max;
    if (is_null || (is_constant && entry->null_count == 0)) {
        pc_chunk_take_constant(&data->form, entry->min, is_null, count, at, out, valid);
    } else {
        pc_span ready;
        PC_TRY(need_chunk(cursor, tools, chunk, &ready, err));
        uint64_t *nulls = entry->null_count > 0 ? valid : NULL;
        pc_chunk_take(&data->form, ready, data->chunk_rows, index, count, at, out, nulls);
        for (int i = at; nulls == NULL && valid != NULL && i < at + count; i++)
            valid[i >> 6] |= UINT64_C(1) << (i & 63);
    }
    tools->counts->bytes_decoded += (int64_t)count * data->form.width;
    if (codes_are_known(cursor, out, at, count)) return PC_OK;
    pc_fail(err, PC_BAD_INPUT, "a code is not in its dictionary");
    return fail(cursor, tools, chunk, PC_BAD_INPUT, err);
}

pc_status pc_cursor_take(pc_cursor *cursor, const pc_cursor_tools *tools, int64_t first,
                         const int32_t *row, int count, void *out, uint64_t *valid, pc_error *err)
{
    const pc_data_entry *data = cursor->data;
    const size_t width = data->form.width;
    int32_t index[STEP_ROWS];
    for (int i = 0; i < count;) {
        if (row[i] < 0) {
            memset((char *)out + (size_t)i++ * width, 0, width);
            continue;
        }
        // A run of rows of one chunk.
        const int chunk = (int)((first + row[i]) / data->chunk_rows);
        const int64_t low = chunk * data->chunk_rows - first, high = low + data->chunk_rows;
        const int from = i;
        for (; i < count && i - from < STEP_ROWS && row[i] >= 0 && row[i] >= low && row[i] < high;
             i++) {
            index[i - from] = (int32_t)(row[i] - low);
        }
        PC_TRY(take_from_chunk(cursor, tools, chunk, index, i - from, from, out, valid, err));
    }
    return PC_OK;
}
