/** Batches: their invariants, and keeping some of their rows. */
#include <assert.h>
#include <string.h>
#include "parcours/batch.h"

pc_status pc_schema_packed(const pc_schema *schema, pc_arena *arena, pc_schema *out, pc_error *err)
{
    const int count = schema->field_count;
    pc_field *field = pc_arena_array(arena, (size_t)count + 1, sizeof *field, err);
    if (field == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < count; i++) {
        field[i] = schema->field[i];
        if (field[i].type == PC_ID && field[i].width == 0) field[i].width = PC_ID_MAX_BYTES;
    }
    *out = (pc_schema){.field_count = count, .field = field};
    return PC_OK;
}

int pc_schema_find(const pc_schema *schema, const char *name)
{
    const pc_span wanted = pc_span_of(name);
    for (int i = 0; i < schema->field_count; i++) {
        if (pc_span_equal_nocase(pc_span_of(schema->field[i].name), wanted)) return i;
    }
    return -1;
}

static bool width_fits(pc_type type, uint8_t width)
{
    switch (type) {
        case PC_BOOL:
            return width == 1;
        case PC_INT:
        case PC_DECIMAL:
        case PC_DATE:
            return width == 1 || width == 2 || width == 4 || width == 8;
        case PC_CODE:
        case PC_TEXT:
            return width == 1 || width == 2 || width == 4;
        case PC_FLOAT:
        case PC_KEY:
            return width == 8;
        case PC_ID:
            return width >= 1 && width <= PC_ID_MAX_BYTES;
        case PC_NONE:
            break;
    }
    return false;
}

static pc_status check_dict(const pc_column *c, int row_count, const char *name, pc_error *err)
{
    if (c->dict == NULL) return PC_FAIL(err, PC_BAD_INPUT, "column '%s': no dictionary", name);
    for (int row = 0; row < row_count; row++) {
        const int64_t index = pc_column_int(c, row);
        const bool may_be_zero = index == 0 && pc_column_is_null(c, row);
        if (index >= (int64_t)c->dict->count && !may_be_zero) {
            return PC_FAIL(err, PC_BAD_INPUT,
                           "column '%s', row %d of the batch: index beyond its dictionary of %u",
                           name, row, c->dict->count);
        }
    }
    return PC_OK;
}

static pc_status check_column(const pc_column *c, const pc_field *field, int row_count,
                              pc_error *err)
{
    if (c->type != field->type) {
        return PC_FAIL(err, PC_BAD_INPUT, "column '%s': expected type %s, not %s", field->name,
                       pc_type_name(field->type), pc_type_name(c->type));
    }
    if (!width_fits(c->type, c->width) || (c->type == PC_ID && c->width != field->width)) {
        return PC_FAIL(err, PC_BAD_INPUT, "column '%s': width %d does not fit type %s", field->name,
                       c->width, pc_type_name(c->type));
    }
    const uint8_t scale = c->type == PC_DECIMAL ? field->scale : 0;
    if (c->scale != scale || scale > PC_DECIMAL_MAX_SCALE) {
        return PC_FAIL(err, PC_BAD_INPUT, "column '%s': expected scale %d, not %d", field->name,
                       scale, c->scale);
    }
    if (c->data == NULL && row_count > 0) {
        return PC_FAIL(err, PC_BAD_INPUT, "column '%s': no values", field->name);
    }
    if (c->type == PC_CODE || c->type == PC_TEXT) {
        return check_dict(c, row_count, field->name, err);
    }
    if (c->dict != NULL) {
        return PC_FAIL(err, PC_BAD_INPUT, "column '%s': a dictionary with type %s", field->name,
                       pc_type_name(c->type));
    }
    for (int row = 0; c->type == PC_BOOL && row < row_count; row++) {
        if (!pc_column_is_null(c, row) && pc_column_int(c, row) > 1) {
            return PC_FAIL(err, PC_BAD_INPUT, "column '%s', row %d of the batch: not a boolean",
                           field->name, row);
        }
    }
    return PC_OK;
}

pc_status pc_batch_check(const pc_batch *batch, const pc_schema *schema, pc_error *err)
{
    if (batch->row_count < 0 || batch->row_count > PC_BATCH_ROWS) {
        return PC_FAIL(err, PC_BAD_INPUT, "a batch has 0 to %d rows, not %d", PC_BATCH_ROWS,
                       batch->row_count);
    }
    if (batch->column_count != schema->field_count) {
        return PC_FAIL(err, PC_BAD_INPUT, "a batch of %d columns for a schema of %d",
                       batch->column_count, schema->field_count);
    }
    for (int i = 0; i < batch->column_count; i++) {
        PC_TRY(check_column(&batch->column[i], &schema->field[i], batch->row_count, err));
    }
    for (int row = 0; batch->slot != NULL && row < batch->row_count; row++) {
        const int64_t before = row == 0 ? 0 : batch->slot[row - 1];
        if (batch->slot[row] < before) {
            return PC_FAIL(err, PC_BAD_INPUT, "row %d of the batch: slots are not in order", row);
        }
    }
    return PC_OK;
}

#define PICK(name, type)                                                                           \
    static void name(const void *from, const int *row, int row_count, void *to)                    \
    {                                                                                              \
        const type *source = from;                                                                 \
        type *target = to;                                                                         \
        for (int i = 0; i < row_count; i++) {                                                      \
            target[i] = source[row[i]];                                                            \
        }                                                                                          \
    }
PICK(pick_1, uint8_t)
PICK(pick_2, uint16_t)
PICK(pick_4, uint32_t)
PICK(pick_8, uint64_t)

static void pick_bytes(const char *from, const int *row, int row_count, size_t width, char *to)
{
    for (int i = 0; i < row_count; i++) {
        memcpy(to + (size_t)i * width, from + (size_t)row[i] * width, width);
    }
}

static void pick_values(const pc_column *c, const int *row, int row_count, void *to)
{
    switch (c->type == PC_ID ? 0 : c->width) {
        case 1:
            pick_1(c->data, row, row_count, to);
            break;
        case 2:
            pick_2(c->data, row, row_count, to);
            break;
        case 4:
            pick_4(c->data, row, row_count, to);
            break;
        case 8:
            pick_8(c->data, row, row_count, to);
            break;
        default:
            pick_bytes(c->data, row, row_count, c->width, to);
    }
}

static void pick_bits(const uint64_t *from, const int *row, int row_count, uint64_t *to)
{
    for (int i = 0; i < row_count; i++) {
        to[i >> 6] |= (from[row[i] >> 6] >> (row[i] & 63) & 1) << (i & 63);
    }
}

pc_status pc_column_pick(const pc_column *from, const int *row, int count, pc_arena *arena,
                         pc_column *out, pc_error *err)
{
    *out = *from;
    void *data = pc_arena_array(arena, (size_t)count + 1, from->width, err);
    if (data == NULL) return PC_NO_MEMORY;
    pick_values(from, row, count, data);
    out->data = data;
    if (from->valid == NULL) return PC_OK;
    uint64_t *valid = pc_arena_array(arena, (size_t)count / 64 + 1, sizeof *valid, err);
    if (valid == NULL) return PC_NO_MEMORY;
    pick_bits(from->valid, row, count, valid);
    out->valid = valid;
    return PC_OK;
}

pc_status pc_batch_keep(pc_batch *batch, const int *row, int row_count, pc_arena *arena,
                        pc_error *err)
{
    assert(row_count >= 0 && row_count <= batch->row_count);
    if (row_count == batch->row_count) return PC_OK; // strictly ascending: these are all rows
    const pc_arena_mark mark = pc_arena_now(arena);
    pc_column *column = pc_arena_array(arena, (size_t)batch->column_count, sizeof *column, err);
    int64_t *slot = NULL;
    if (batch->slot != NULL) slot = pc_arena_array(arena, (size_t)row_count, sizeof *slot, err);
    if (column == NULL || (batch->slot != NULL && slot == NULL)) goto refused;
    for (int i = 0; i < batch->column_count; i++) {
        if (pc_column_pick(&batch->column[i], row, row_count, arena, &column[i], err) != PC_OK) {
            goto refused;
        }
    }
    if (slot != NULL) pick_8(batch->slot, row, row_count, slot);
    batch->column = column;
    batch->slot = slot;
    batch->row_count = row_count;
    return PC_OK;
refused:
    pc_arena_rewind(arena, mark); // the batch is as it was
    return PC_NO_MEMORY;
}
