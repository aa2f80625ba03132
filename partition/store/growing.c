/** Columns of a part while it is written. Rows come in blocks of any size; what is stored depends
 *  on the rows alone. A full piece is packed and spilled, since its stored width and the rows of
 * its chunks are known only at the end of the part. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "bits.h"
#include "files.h"
#include "part_writer.h"

enum { LEAST_PIECE_ROWS = 1024 }; // of a piece that is closed early: a multiple of 64

static int growing_width(pc_type type, int id_width)
{
    switch (type) {
        case PC_BOOL:
            return 1;
        case PC_ID:
            return id_width;
        case PC_CODE:
        case PC_TEXT:
        case PC_DATE:
            return 4;
        default:
            return 8;
    }
}

void pc_growing_begin(pc_growing *grow, int table, int column, pc_type type, int id_width,
                      pc_budget *budget)
{
    *grow = (pc_growing){.table = table,
                         .column = column,
                         .type = type,
                         .width = (uint8_t)growing_width(type, id_width),
                         .data = {.budget = budget},
                         .valid = {.budget = budget},
                         .min = INT64_MAX,
                         .max = INT64_MIN,
                         .piece = {.budget = budget}};
}

void pc_growing_release(pc_growing *grow)
{
    pc_buffer_release(&grow->data);
    pc_buffer_release(&grow->valid);
    pc_buffer_release(&grow->piece);
}

static pc_status open_spill(pc_spill *spill, pc_error *err)
{
    if (spill->fd >= 0) return PC_OK;
    spill->fd = open(spill->path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    if (spill->fd < 0) {
        return PC_FAIL(err, PC_IO, "cannot make '%s': %s", spill->path, strerror(errno));
    }
    unlink(spill->path);
    return PC_OK;
}

pc_chunk_form pc_piece_form(const pc_growing *grow)
{
    return (pc_chunk_form){.type = grow->type,
                           .width = grow->width,
                           .encoding = pc_form_is_integer(grow->type) ? PC_ENCODING_PACKED
                                                                      : PC_ENCODING_ZSTD,
                           .has_null = true};
}

static pc_chunk_values open_values(const pc_growing *grow)
{
    return (pc_chunk_values){.data = grow->data.data,
                             .width = grow->width,
                             .valid = (const uint64_t *)grow->valid.data,
                             .row_count = grow->open_rows};
}

pc_status pc_growing_measure(pc_growing *grow, pc_chunk_range *range, pc_error *err)
{
    if (grow->data.bytes == 0) {
        *range =
            (pc_chunk_range){.min = INT64_MIN, .max = INT64_MAX, .null_count = grow->open_rows};
    } else {
        const pc_chunk_values values = open_values(grow);
        *range = pc_chunk_measure(grow->type, &values);
    }
    grow->null_count += range->null_count;
    if (range->null_count == grow->open_rows) return PC_OK;
    if (pc_form_is_integer(grow->type) && (range->min == pc_form_null(grow->type, grow->width) ||
                                           range->max == pc_form_null(grow->type, grow->width))) {
        return PC_FAIL(err, PC_BAD_INPUT, "a value is too large to be stored");
    }
    grow->min = range->min < grow->min ? range->min : grow->min;
    grow->max = range->max > grow->max ? range->max : grow->max;
    return PC_OK;
}

// Whether the open pieces of all columns take more than they may.
static bool is_short(const pc_spill *spill)
{
    return spill->open_bytes > spill->open_limit;
}

static pc_status close_piece(pc_growing *grow, pc_spill *spill, pc_error *err)
{
    pc_chunk_range range;
    PC_TRY(pc_growing_measure(grow, &range, err));
    pc_piece piece = {.offset = spill->bytes, .row_count = (uint32_t)grow->open_rows};
    if (range.null_count < grow->open_rows) {
        const pc_chunk_form form = pc_piece_form(grow);
        const pc_chunk_values values = open_values(grow);
        PC_TRY(open_spill(spill, err));
        spill->codec.is_hasty = true;
        const pc_status status = pc_chunk_encode(&spill->codec, &form, &values, &range,
                                                 grow->open_rows, &spill->stored, err);
        spill->codec.is_hasty = false;
        if (status != PC_OK) return status;
        PC_TRY(pc_write_all(spill->fd, spill->stored.data, spill->stored.bytes, spill->path, err));
        piece.bytes = (uint32_t)spill->stored.bytes;
        spill->bytes += spill->stored.bytes;
    }
    PC_TRY(pc_buffer_append(&grow->piece, &piece, sizeof piece, err));
    const bool was_short = is_short(spill);
    spill->open_bytes -= grow->data.bytes;
    grow->open_rows = 0;
    grow->data.bytes = 0;
    if (!was_short) return PC_OK;
    pc_buffer_release(&grow->data);
    pc_buffer_release(&grow->valid);
    return PC_OK;
}

// 64 bits of a bitmap from bit `at` on (NULL: all set); no word beyond bit `end` is read.
static uint64_t bits_from(const uint64_t *valid, int64_t at, int64_t end)
{
    if (valid == NULL) return UINT64_MAX;
    const int shift = (int)(at & 63);
    const uint64_t low = valid[at >> 6] >> shift;
    const bool has_next = shift > 0 && ((at >> 6) + 1) * 64 < end;
    return has_next ? low | (valid[(at >> 6) + 1] << (64 - shift)) : low;
}

// Bits at .. at + count - 1 of `out`, which are 0, from bits first .. of `valid` and `keep`.
static void put_bits(uint64_t *out, int64_t at, const uint64_t *valid, const uint64_t *keep,
                     int64_t first, int64_t count)
{
    const int64_t end = first + count;
    while (first < end) {
        const int room = 64 - (int)(at & 63);
        const int step = end - first < room ? (int)(end - first) : room;
        const uint64_t mask = step == 64 ? UINT64_MAX : (UINT64_C(1) << step) - 1;
        const uint64_t bits = bits_from(valid, first, end) & bits_from(keep, first, end) & mask;
        out[at >> 6] |= bits << (at & 63);
        at += step;
        first += step;
    }
}

#define WIDEN_TO(to_type, from_type)                                                               \
    do {                                                                                           \
        const from_type *from = (const from_type *)column->data + first;                           \
        to_type *to = (to_type *)(void *)out;                                                      \
        for (int64_t i = 0; i < count; i++)                                                        \
            to[i] = (to_type)from[i];                                                              \
    } while (0)

// Values of a narrower array: they fit.
static void widen_values(const pc_growing *grow, const pc_column *column, int64_t first,
                         int64_t count, char *out)
{
    const bool is_unsigned = pc_form_is_unsigned(grow->type);
    const int from_width = column->width;
    if (grow->width == 8 && from_width == 4 && !is_unsigned) {
        WIDEN_TO(int64_t, int32_t);
    } else if (grow->width == 8 && from_width == 4) {
        WIDEN_TO(int64_t, uint32_t);
    } else if (grow->width == 8 && from_width == 2 && !is_unsigned) {
        WIDEN_TO(int64_t, int16_t);
    } else if (grow->width == 8 && from_width == 2) {
        WIDEN_TO(int64_t, uint16_t);
    } else if (grow->width == 8 && !is_unsigned) {
        WIDEN_TO(int64_t, int8_t);
    } else if (grow->width == 8) {
        WIDEN_TO(int64_t, uint8_t);
    } else if (from_width == 2 && !is_unsigned) {
        WIDEN_TO(int32_t, int16_t);
    } else if (from_width == 2) {
        WIDEN_TO(int32_t, uint16_t);
    } else if (!is_unsigned) {
        WIDEN_TO(int32_t, int8_t);
    } else {
        WIDEN_TO(int32_t, uint8_t);
    }
}

// Values of a wider array, each checked; those of null rows become 0.
static pc_status narrow_values(const pc_growing *grow, const pc_column *column, int64_t first,
                               int64_t count, char *out, pc_error *err)
{
    const pc_chunk_values from = {.data = column->data, .width = column->width};
    const bool is_unsigned = pc_form_is_unsigned(grow->type);
    for (int64_t i = 0; i < count; i++) {
        int64_t value = 0;
        if (pc_is_valid(column->valid, first + i)) {
            value = pc_values_int(&from, is_unsigned, first + i);
            const int needed = pc_form_width(grow->type, value, value);
            if (needed == 0 || needed > grow->width) {
                return PC_FAIL(err, PC_BAD_INPUT, "a value is too large to be stored");
            }
        }
        memcpy(out + i * grow->width, &value, grow->width);
    }
    return PC_OK;
}

// Before the first value of a piece: room, and zeros for the nulls that came before.
static pc_status make_room(pc_growing *grow, int64_t count, pc_error *err)
{
    const size_t before = (size_t)grow->open_rows * grow->width;
    if (grow->data.bytes == 0) {
        PC_TRY(pc_buffer_reserve(&grow->valid, PC_CHUNK_ROWS / 8, err));
        memset(grow->valid.data, 0, PC_CHUNK_ROWS / 8);
    }
    PC_TRY(pc_buffer_reserve(&grow->data, before + (size_t)count * grow->width, err));
    if (grow->data.bytes == 0) memset(grow->data.data, 0, before);
    grow->data.bytes = before + (size_t)count * grow->width;
    return PC_OK;
}

static pc_status add_rows(pc_growing *grow, const pc_column *column, int64_t first, int64_t count,
                          const uint64_t *keep, pc_error *err)
{
    if (column->data == NULL) {
        if (grow->data.bytes == 0) return PC_OK;
        PC_TRY(make_room(grow, count, err));
        memset(grow->data.data + grow->open_rows * grow->width, 0, (size_t)count * grow->width);
        return PC_OK; // their bits are 0 since the piece began
    }
    PC_TRY(make_room(grow, count, err));
    char *out = grow->data.data + grow->open_rows * grow->width;
    if (column->width == grow->width) {
        memcpy(out, (const char *)column->data + first * grow->width, (size_t)count * grow->width);
    } else if (pc_form_is_integer(grow->type) && column->width < grow->width) {
        widen_values(grow, column, first, count, out);
    } else if (pc_form_is_integer(grow->type)) {
        PC_TRY(narrow_values(grow, column, first, count, out, err));
    } else {
        return PC_FAIL(err, PC_BAD_INPUT, "values have another width than the model says");
    }
    put_bits((uint64_t *)grow->valid.data, grow->open_rows, column->valid, keep, first, count);
    return PC_OK;
}

// Rows that the open piece still takes: when memory is short no more than to a multiple of 64.
static int64_t room_of(const pc_growing *grow, const pc_spill *spill)
{
    const int64_t rows = grow->open_rows;
    if (!is_short(spill) || grow->data.bytes == 0) return PC_CHUNK_ROWS - rows;
    const int64_t most = rows < LEAST_PIECE_ROWS ? LEAST_PIECE_ROWS : (rows + 63) / 64 * 64;
    return most == rows ? 64 : most - rows;
}

pc_status pc_growing_add(pc_growing *grow, pc_spill *spill, const pc_column *column, int64_t first,
                         int64_t count, const uint64_t *keep, pc_error *err)
{
    while (count > 0) {
        const int64_t room = room_of(grow, spill);
        const int64_t step = count < room ? count : room;
        const size_t before = grow->data.bytes;
        PC_TRY(add_rows(grow, column, first, step, keep, err));
        spill->open_bytes += grow->data.bytes - before;
        grow->open_rows += step;
        grow->row_count += step;
        first += step;
        count -= step;
        if (step == room) PC_TRY(close_piece(grow, spill, err));
    }
    return PC_OK;
}
