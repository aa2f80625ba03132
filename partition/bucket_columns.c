/** Big-endian fields of rows to native arrays with bitmaps of what is not null. */
#include "bucket_columns.h"
#include <string.h>
#include "bucket_sort.h"

enum { TILE_ROWS = 512 }; // about 128 KiB of rows: they stay in L2 while all fields are taken

int pc_column_width(const pc_model_column *column, const pc_row_field *field)
{
    if (field != NULL) return field->bytes;
    if (column->type == PC_BOOL) return 1;
    if (column->type == PC_ID) return column->width;
    return column->type == PC_FLOAT || column->type == PC_KEY ? 8 : 4;
}

pc_status pc_fill_make(const pc_row_field *field, int width, int64_t row_count, pc_arena *arena,
                       pc_fill *out, pc_error *err)
{
    *out = (pc_fill){.field = field, .null_count = row_count};
    out->data = pc_arena_array(arena, (size_t)row_count, (size_t)width, err);
    out->valid = pc_arena_array(arena, (size_t)(row_count + 63) / 64, sizeof *out->valid, err);
    return out->data == NULL || out->valid == NULL ? PC_NO_MEMORY : PC_OK;
}

// Each loop below takes rows `from` .. `to` - 1, where `from` is a multiple of 64.

static void fill4(pc_fill *fill, const unsigned char *const *row, int64_t from, int64_t to,
                  uint32_t flip)
{
    const int at = fill->field->offset;
    uint32_t *out = (uint32_t *)(void *)fill->data;
    int64_t valid_count = 0;
    for (int64_t word = from; word < to; word += 64) {
        const int64_t end = word + 64 < to ? word + 64 : to;
        uint64_t bits = 0;
        for (int64_t i = word; i < end; i++) {
            const uint32_t raw = get32(row[i] + at);
            const bool is_valid = raw != UINT32_MAX;
            out[i] = is_valid ? raw ^ flip : 0;
            bits |= (uint64_t)is_valid << (i - word);
        }
        fill->valid[word / 64] = bits;
        valid_count += __builtin_popcountll(bits);
    }
    fill->null_count -= valid_count;
}

static uint64_t unorder_float(uint64_t raw)
{
    return (raw >> 63) != 0 ? raw ^ (UINT64_C(1) << 63) : ~raw;
}

static void fill8(pc_fill *fill, const unsigned char *const *row, int64_t from, int64_t to)
{
    const int at = fill->field->offset;
    const bool is_float = fill->field->type == PC_FLOAT;
    const uint64_t flip = pc_type_is_unsigned(fill->field->type) ? 0 : UINT64_C(1) << 63;
    uint64_t *out = (uint64_t *)(void *)fill->data;
    for (int64_t i = from; i < to; i++) {
        const uint64_t raw = get64(row[i] + at);
        if (raw == UINT64_MAX) continue;
        out[i] = is_float ? unorder_float(raw) : raw ^ flip;
        fill->valid[i / 64] |= UINT64_C(1) << (i % 64);
        fill->null_count--;
    }
}

static void fill_bytes(pc_fill *fill, const unsigned char *const *row, int64_t from, int64_t to)
{
    const size_t width = fill->field->bytes;
    for (int64_t i = from; i < to; i++) {
        if (pc_row_is_null(fill->field, row[i])) continue;
        memcpy(fill->data + (size_t)i * width, row[i] + fill->field->offset, width);
        fill->valid[i / 64] |= UINT64_C(1) << (i % 64);
        fill->null_count--;
    }
}

static void fill_tile(pc_fill *fill, const unsigned char *const *row, int64_t from, int64_t to)
{
    const pc_type type = fill->field->type;
    if (type == PC_ID || type == PC_BOOL) {
        fill_bytes(fill, row, from, to);
    } else if (fill->field->bytes == 8) {
        fill8(fill, row, from, to);
    } else {
        fill4(fill, row, from, to, pc_type_is_unsigned(type) ? 0 : UINT32_C(1) << 31);
    }
}

void pc_fill_rows(pc_fill *fill, int count, const unsigned char *const *row, int64_t row_count)
{
    for (int64_t from = 0; from < row_count; from += TILE_ROWS) {
        const int64_t to = from + TILE_ROWS < row_count ? from + TILE_ROWS : row_count;
        for (int i = 0; i < count; i++)
            fill_tile(&fill[i], row, from, to);
    }
}

void pc_fill_set32(pc_fill *fill, int64_t row, int32_t value)
{
    ((int32_t *)(void *)fill->data)[row] = value;
    fill->valid[row / 64] |= UINT64_C(1) << (row % 64);
    fill->null_count--;
}

pc_column pc_fill_column(const pc_fill *fill, const pc_model_column *column, int width,
                         int64_t row_count, const pc_dict *const *dict)
{
    const bool is_empty = fill == NULL || fill->null_count == row_count;
    return (pc_column){.type = column->type,
                       .scale = column->scale,
                       .width = (uint8_t)width,
                       .data = is_empty ? NULL : fill->data,
                       .valid = is_empty || fill->null_count == 0 ? NULL : fill->valid,
                       .dict = column->dict >= 0 ? dict[column->dict] : NULL};
}

pc_status pc_rows_to_columns(const pc_model *model, const pc_row_layout *layout,
                             const unsigned char *const *row, int64_t row_count,
                             const pc_dict *const *dict, pc_arena *arena, pc_column *column,
                             pc_error *err)
{
    const pc_model_table *table = &model->table[layout->table];
    pc_fill *fill = pc_arena_array(arena, (size_t)layout->field_count, sizeof *fill, err);
    if (fill == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < layout->field_count; i++) {
        PC_TRY(pc_fill_make(&layout->field[i], layout->field[i].bytes, row_count, arena, &fill[i],
                            err));
    }
    pc_fill_rows(fill, layout->field_count, row, row_count);
    for (int c = 0; c < table->column_count; c++) {
        const int field = layout->field_of_column[c];
        const pc_row_field *of = field < 0 ? NULL : &layout->field[field];
        column[c] = pc_fill_column(field < 0 ? NULL : &fill[field], &table->column[c],
                                   pc_column_width(&table->column[c], of), row_count, dict);
    }
    return PC_OK;
}
