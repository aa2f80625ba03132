/** Rows of fixed width: where each field lies, and what its bytes mean. parcours/row.h is the form.
 */
#include "parcours/row.h"
#include <assert.h>
#include <string.h>
#include "row_bytes.h"

enum { ROW_MAX_BYTES = 32768, NULL_BYTE = 0xff };

static uint8_t field_bytes(const pc_model_column *column)
{
    switch (column->type) {
        case PC_BOOL:
            return 1;
        case PC_INT:
        case PC_DECIMAL:
            return column->digits <= 9 ? 4 : 8;
        case PC_FLOAT:
            return 8;
        case PC_ID:
            return column->width;
        default:
            return 4;
    }
}

// A layout while fields are added to it.
typedef struct layout_maker {
    const pc_model_table *table;
    pc_row_layout *layout;
    pc_row_field *field;
    int *field_of_column;
    int offset;
} layout_maker;

static void add_field(layout_maker *m, int column)
{
    const pc_model_column *c = &m->table->column[column];
    if (m->field_of_column[column] >= 0) return;
    if (c->origin != PC_FROM_CSV && c->origin != PC_FROM_FILE) return;
    m->field_of_column[column] = m->layout->field_count;
    m->field[m->layout->field_count++] = (pc_row_field){.column = column,
                                                        .type = c->type,
                                                        .bytes = field_bytes(c),
                                                        .offset = (uint16_t)m->offset,
                                                        .dict = c->dict};
    m->offset += field_bytes(c);
}

static void add_parent_key(layout_maker *m, const pc_model *model)
{
    if (m->table->parent_key < 0) return;
    const pc_model_table *parent = &model->table[model->key[m->table->parent_key].table];
    for (int i = 0; i < parent->primary_count; i++) {
        for (int c = 0; c < m->table->column_count; c++) {
            if (m->table->column[c].parent_column == parent->primary[i]) add_field(m, c);
        }
    }
    m->layout->parent_bytes = m->offset - PC_ROW_FIELDS;
}

pc_status pc_row_layout_make(const pc_model *model, int table, pc_arena *arena,
                             const pc_row_layout **out, pc_error *err)
{
    const pc_model_table *t = &model->table[table];
    const size_t count = (size_t)t->column_count + 1;
    layout_maker m = {.table = t, .offset = PC_ROW_FIELDS};
    m.layout = pc_arena_take(arena, sizeof *m.layout, err);
    m.field = pc_arena_array(arena, count, sizeof *m.field, err);
    m.field_of_column = pc_arena_array(arena, count, sizeof *m.field_of_column, err);
    if (m.layout == NULL || m.field == NULL || m.field_of_column == NULL) return PC_NO_MEMORY;
    int most = PC_ROW_FIELDS;
    for (int c = 0; c < t->column_count; c++) {
        m.field_of_column[c] = -1;
        most += field_bytes(&t->column[c]);
    }
    if (most > ROW_MAX_BYTES) {
        return PC_FAIL(err, PC_BAD_JOB, "model '%s': a row of table %s takes %d bytes, at most %d",
                       model->name, t->name, most, ROW_MAX_BYTES);
    }
    add_parent_key(&m, model);
    for (int i = 0; i < t->primary_count; i++)
        add_field(&m, t->primary[i]);
    if (t->primary_count > 0) m.layout->key_bytes = m.offset - PC_ROW_FIELDS;
    for (int c = 0; c < t->column_count; c++)
        add_field(&m, c);
    m.layout->table = table;
    m.layout->field = m.field;
    m.layout->field_of_column = m.field_of_column;
    m.layout->row_bytes = (m.offset + 3) / 4 * 4;
    *out = m.layout;
    return PC_OK;
}

bool pc_row_is_null(const pc_row_field *field, const unsigned char *row)
{
    const unsigned char *at = row + field->offset;
    if (field->bytes == 4) return get32(at) == UINT32_MAX;
    for (int i = 0; i < field->bytes; i++) {
        if (at[i] != NULL_BYTE) return false;
    }
    return true;
}

static bool is_unsigned(pc_type type)
{
    return type == PC_BOOL || type == PC_CODE || type == PC_TEXT;
}

int64_t pc_row_int(const pc_row_field *field, const unsigned char *row)
{
    assert(field->type != PC_FLOAT && field->type != PC_ID);
    const unsigned char *at = row + field->offset;
    if (field->bytes == 1) return at[0];
    if (field->bytes == 8) return (int64_t)(get64(at) ^ UINT64_C(0x8000000000000000));
    const uint32_t value = get32(at);
    return is_unsigned(field->type) ? (int64_t)value
                                    : (int64_t)(int32_t)(value ^ UINT32_C(0x80000000));
}

void pc_row_set_int(const pc_row_field *field, unsigned char *row, int64_t value)
{
    assert(field->type != PC_FLOAT && field->type != PC_ID);
    unsigned char *at = row + field->offset;
    if (field->bytes == 1) {
        at[0] = (unsigned char)value;
    } else if (field->bytes == 8) {
        put_int64(at, value);
    } else if (is_unsigned(field->type)) {
        put32(at, (uint32_t)value);
    } else {
        put_int32(at, (int32_t)value);
    }
}

void pc_row_set_null(const pc_row_field *field, unsigned char *row)
{
    memset(row + field->offset, NULL_BYTE, field->bytes);
}

double pc_row_float(const pc_row_field *field, const unsigned char *row)
{
    uint64_t bits = get64(row + field->offset);
    double value;
    bits = (bits >> 63) != 0 ? bits ^ UINT64_C(0x8000000000000000) : ~bits;
    memcpy(&value, &bits, sizeof value);
    return value;
}

void pc_row_set_float(const pc_row_field *field, unsigned char *row, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put64(row + field->offset, (bits >> 63) != 0 ? ~bits : bits ^ UINT64_C(0x8000000000000000));
}

pc_span pc_row_id(const pc_row_field *field, const unsigned char *row)
{
    const unsigned char *at = row + field->offset;
    size_t bytes = field->bytes;
    while (bytes > 0 && at[bytes - 1] == 0)
        bytes--;
    return (pc_span){(const char *)at, bytes};
}

void pc_row_set_id(const pc_row_field *field, unsigned char *row, pc_span value)
{
    const size_t bytes = value.bytes < field->bytes ? value.bytes : field->bytes;
    memset(row + field->offset, 0, field->bytes);
    memcpy(row + field->offset, value.data, bytes);
}

uint64_t pc_row_source(int file_index, int64_t offset)
{
    return ((uint64_t)(unsigned)file_index << 48) | ((uint64_t)offset & UINT64_C(0xffffffffffff));
}

int pc_source_file(uint64_t source)
{
    return (int)(source >> 48);
}

int64_t pc_source_offset(uint64_t source)
{
    return (int64_t)(source & UINT64_C(0xffffffffffff));
}
