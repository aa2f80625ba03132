/** Types of columns and the text of a cell. */
#include "parcours/column.h"
#include "parcours/kernel.h"
#include <string.h>

const char *pc_type_name(pc_type type)
{
    switch (type) {
        case PC_BOOL:
            return "bool";
        case PC_INT:
            return "int";
        case PC_DECIMAL:
            return "decimal";
        case PC_FLOAT:
            return "float";
        case PC_DATE:
            return "date";
        case PC_CODE:
            return "code";
        case PC_TEXT:
            return "text";
        case PC_ID:
            return "id";
        case PC_KEY:
            return "key";
        case PC_NONE:
            break;
    }
    return "none";
}

bool pc_type_is_integer(pc_type type)
{
    return type == PC_INT || type == PC_DECIMAL || type == PC_DATE || pc_type_is_unsigned(type);
}

bool pc_type_is_unsigned(pc_type type)
{
    return type == PC_BOOL || type == PC_CODE || type == PC_TEXT || type == PC_KEY;
}

pc_span pc_column_span(const pc_column *c, int64_t row)
{
    if (pc_column_is_null(c, row)) return (pc_span){"", 0};
    if (c->type != PC_ID) return pc_dict_text(c->dict, (uint32_t)pc_column_int(c, row));
    pc_span text = {(const char *)c->data + row * c->width, c->width};
    while (text.bytes > 0 && text.data[text.bytes - 1] == '\0') {
        text.bytes--;
    }
    return text;
}

#define TAKE(type)                                                                                 \
    do {                                                                                           \
        const type *from = column->data;                                                           \
        type *to = data;                                                                           \
        for (int i = 0; i < count; i++)                                                            \
            to[i] = row[i] < 0 ? 0 : from[row[i]];                                                 \
    } while (0)

PC_KERNEL static void take_values(const pc_column *column, const int32_t *row, int count,
                                  void *data)
{
    const size_t width = column->width;
    switch (column->type == PC_ID ? 0 : width) {
        case 1:
            TAKE(uint8_t);
            return;
        case 2:
            TAKE(uint16_t);
            return;
        case 4:
            TAKE(uint32_t);
            return;
        case 8:
            TAKE(uint64_t);
            return;
        default:
            break;
    }
    char *to = data;
    for (int i = 0; i < count; i++, to += width) {
        if (row[i] < 0) {
            memset(to, 0, width);
        } else {
            memcpy(to, (const char *)column->data + (size_t)row[i] * width, width);
        }
    }
}

static bool has_missing(const int32_t *row, int count)
{
    int32_t any = 0;
    for (int i = 0; i < count; i++)
        any |= row[i];
    return any < 0;
}

pc_status pc_column_take(const pc_column *column, const int32_t *row, int count, pc_arena *arena,
                         pc_column *out, pc_error *err)
{
    *out = *column;
    void *data = pc_arena_raw(arena, ((size_t)count + 8) * column->width, err);
    if (data == NULL) return PC_NO_MEMORY;
    take_values(column, row, count, data);
    out->data = data;
    if (column->valid == NULL && !has_missing(row, count)) return PC_OK;
    uint64_t *valid = pc_arena_array(arena, (size_t)count / 64 + 1, sizeof *valid, err);
    if (valid == NULL) return PC_NO_MEMORY;
    for (int first = 0; first < count; first += 64) {
        const int end = count - first < 64 ? count : first + 64;
        uint64_t word = 0;
        bool there = false;
        for (int i = first; i < end; i++) {
            // Rows that repeat, those of a person, are looked up once.
            if (i == first || row[i] != row[i - 1]) {
                there = row[i] >= 0 && pc_is_valid(column->valid, row[i]);
            }
            word |= (uint64_t)there << (i - first);
        }
        valid[first / 64] = word;
    }
    out->valid = valid;
    return PC_OK;
}
