/** Columns of a scan's rows: slices of the block where nothing was left out, else gathered. */
#include <string.h>
#include "scan_private.h"

#define GATHER(name, type)                                                                         \
    static void gather_##name(const type *from, const int32_t *row, int count, type *to)           \
    {                                                                                              \
        for (int i = 0; i < count; i++) {                                                          \
            to[i] = row[i] < 0 ? 0 : from[row[i]];                                                 \
        }                                                                                          \
    }
GATHER(8, uint8_t)
GATHER(16, uint16_t)
GATHER(32, uint32_t)
GATHER(64, uint64_t)

static void gather(const pc_column *c, const int32_t *row, int count, void *to)
{
    switch (c->type == PC_ID ? 0 : c->width) {
        case 1:
            gather_8(c->data, row, count, to);
            break;
        case 2:
            gather_16(c->data, row, count, to);
            break;
        case 4:
            gather_32(c->data, row, count, to);
            break;
        case 8:
            gather_64(c->data, row, count, to);
            break;
        default:
            for (int i = 0; i < count; i++) {
                char *cell = (char *)to + (size_t)i * c->width;
                if (row[i] < 0) {
                    memset(cell, 0, c->width);
                } else {
                    memcpy(cell, (const char *)c->data + (size_t)row[i] * c->width, c->width);
                }
            }
            break;
    }
}

static bool has_missing(const int32_t *row, int count)
{
    int32_t any = 0;
    for (int i = 0; i < count; i++) {
        any |= row[i];
    }
    return any < 0;
}

static pc_status null_column(pc_scan *scan, const pc_field *field, int count, pc_column *out,
                             pc_error *err)
{
    const uint8_t width = field->type == PC_FLOAT || field->type == PC_KEY ? 8
                          : field->type == PC_ID                           ? field->width
                                                                           : 1;
    void *data = pc_arena_array(&scan->scratch, (size_t)count + 8, width, err);
    uint64_t *valid = pc_arena_array(&scan->scratch, (size_t)count / 64 + 1, 8, err);
    if (data == NULL || valid == NULL) return PC_NO_MEMORY;
    *out = (pc_column){field->type, field->scale, width, data, valid, out->dict};
    return PC_OK;
}

static pc_status gather_column(pc_scan *scan, const pc_column *c, const int32_t *row, int count,
                               pc_column *out, pc_error *err)
{
    *out = *c;
    void *data = pc_arena_raw(&scan->scratch, ((size_t)count + 8) * c->width, err);
    if (data == NULL) return PC_NO_MEMORY;
    gather(c, row, count, data);
    out->data = data;
    if (c->valid == NULL && !has_missing(row, count)) return PC_OK;
    uint64_t *valid = pc_arena_array(&scan->scratch, (size_t)count / 64 + 1, sizeof *valid, err);
    if (valid == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < count; i++) {
        const bool there = row[i] >= 0 && pc_is_valid(c->valid, row[i]);
        valid[i >> 6] |= (uint64_t)there << (i & 63);
    }
    out->valid = valid;
    return PC_OK;
}

static void slice_column(const pc_column *c, int64_t first, pc_column *out)
{
    *out = *c;
    out->data = (const char *)c->data + (size_t)first * c->width;
    if (c->valid != NULL) out->valid = c->valid + first / 64;
}

// A column of the relation's table in the block, or of the reference table.
static pc_status source_column(pc_scan *scan, int relation, int column, const pc_column **out,
                               pc_error *err)
{
    const int table = scan->plan->relation[relation].table;
    if (!pc_scan_is_reference(scan, relation)) {
        return pc_block_column(scan->block, table, column, out, err);
    }
    static const pc_column none = {.type = PC_NONE};
    const bool is_there = scan->catalog->reference_count[table] > 0;
    *out = is_there ? &scan->catalog->reference[table][column] : &none;
    return PC_OK;
}

pc_status pc_scan_take(pc_scan *scan, pc_rows *rows, int relation, int column, pc_column *out,
                       pc_error *err)
{
    const pc_column *c;
    PC_TRY(source_column(scan, relation, column, &c, err));
    if (c->type == PC_NONE || c->data == NULL) {
        const pc_model_column *m = &pc_scan_table(scan, relation)->column[column];
        const pc_field field = {m->name, m->type, m->scale, m->width};
        *out = (pc_column){.dict = m->dict < 0 ? NULL : scan->catalog->dict[m->dict]};
        return null_column(scan, &field, rows->count, out, err);
    }
    if (relation == 0 && rows->is_slice) {
        slice_column(c, rows->first, out);
        return PC_OK;
    }
    return gather_column(scan, c, rows->row[relation], rows->count, out, err);
}

// Sorted texts of patient_status, as a dictionary.
static const pc_dict *status_dict(void)
{
    static const char bytes[] = "ambiguousdummyorphanresolvedunresolved";
    static const uint64_t offset[] = {0, 9, 14, 20, 28, 38};
    static const pc_dict dict = {.count = 5, .sorted = true, .offset = offset, .bytes = bytes};
    return &dict;
}

static pc_status take_status(pc_scan *scan, const pc_rows *rows, int relation, pc_column *out,
                             pc_error *err)
{
    uint8_t *code = pc_arena_array(&scan->scratch, (size_t)rows->count + 8, 1, err);
    uint64_t *valid = pc_arena_array(&scan->scratch, (size_t)rows->count / 64 + 1, 8, err);
    if (code == NULL || valid == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < rows->count; i++) {
        if (rows->row[relation][i] < 0) continue;
        valid[i >> 6] |= 1ULL << (i & 63);
        const char kind = scan->block->slot_key[rows->slot[i]].byte[0];
        code[i] = kind == PC_SLOT_AMBIGUOUS  ? 0
                  : kind == PC_SLOT_DUMMY    ? 1
                  : kind == PC_SLOT_ORPHAN   ? 2
                  : kind == PC_SLOT_RESOLVED ? 3
                                             : 4;
    }
    *out = (pc_column){
        .type = PC_CODE, .width = 1, .data = code, .valid = valid, .dict = status_dict()};
    return PC_OK;
}

static pc_status take_is_patient(pc_scan *scan, const pc_rows *rows, int relation, pc_column *out,
                                 pc_error *err)
{
    uint8_t *is_patient = pc_arena_array(&scan->scratch, (size_t)rows->count + 8, 1, err);
    if (is_patient == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < rows->count; i++) {
        const char kind = scan->block->slot_key[rows->slot[i]].byte[0];
        is_patient[i] =
            rows->row[relation][i] >= 0 && pc_slot_is_patient((pc_slot_kind)kind) ? 1 : 0;
    }
    *out = (pc_column){.type = PC_BOOL, .width = 1, .data = is_patient};
    return PC_OK;
}

static pc_status take_patient(pc_scan *scan, const pc_rows *rows, int relation, pc_column *out,
                              pc_error *err)
{
    const size_t width = PC_SLOT_TEXT_BYTES;
    char *data = pc_arena_array(&scan->scratch, (size_t)rows->count + 1, width, err);
    uint64_t *valid = pc_arena_array(&scan->scratch, (size_t)rows->count / 64 + 1, 8, err);
    if (data == NULL || valid == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < rows->count; i++) {
        const pc_slot_key *key = &scan->block->slot_key[rows->slot[i]];
        if (rows->row[relation][i] < 0) continue;
        if (!pc_slot_is_patient((pc_slot_kind)key->byte[0])) continue;
        memcpy(data + (size_t)i * width, key->byte + 1, width);
        valid[i >> 6] |= 1ULL << (i & 63);
    }
    *out = (pc_column){.type = PC_ID, .width = (uint8_t)width, .data = data, .valid = valid};
    return PC_OK;
}

// Parents are told apart by slot, row in it, and which key.
static pc_status take_key(pc_scan *scan, const pc_rows *rows, int relation, bool of_parent,
                          pc_column *out, pc_error *err)
{
    const int table = scan->plan->relation[relation].table;
    const pc_model *model = scan->catalog->model;
    const int key = of_parent ? model->table[table].parent_key : model->table[table].own_key;
    const int parent_table = of_parent ? model->key[key].table : table;
    const int64_t *offset = scan->block->table[parent_table].offset;
    const int32_t *parent = NULL;
    if (of_parent) PC_TRY(pc_block_parent(scan->block, table, &parent, err));
    uint64_t *data = pc_arena_array(&scan->scratch, (size_t)rows->count + 1, sizeof *data, err);
    uint64_t *valid = pc_arena_array(&scan->scratch, (size_t)rows->count / 64 + 1, 8, err);
    if (data == NULL || valid == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < rows->count; i++) {
        int64_t row = rows->row[relation][i];
        if (row >= 0 && of_parent) row = parent[row];
        if (row < 0) continue;
        const uint64_t place = (uint64_t)(row - offset[rows->slot[i]]);
        if (place >> PC_SCAN_ROW_BITS != 0) {
            return PC_FAIL(err, PC_UNSUPPORTED, "a patient has more than %d rows in table %s",
                           1 << PC_SCAN_ROW_BITS, model->table[parent_table].name);
        }
        const uint64_t slot = (uint64_t)(scan->block->first_slot + rows->slot[i]);
        data[i] = (slot << PC_SCAN_ROW_BITS | place) << PC_SCAN_KEY_BITS | (uint64_t)key;
        valid[i >> 6] |= 1ULL << (i & 63);
    }
    *out = (pc_column){.type = PC_KEY, .width = 8, .data = data, .valid = valid};
    return PC_OK;
}

static pc_status take_patient_key(pc_scan *scan, const pc_rows *rows, int relation, pc_column *out,
                                  pc_error *err)
{
    uint64_t *data = pc_arena_array(&scan->scratch, (size_t)rows->count + 1, sizeof *data, err);
    uint64_t *valid = pc_arena_array(&scan->scratch, (size_t)rows->count / 64 + 1, 8, err);
    if (data == NULL || valid == NULL) return PC_NO_MEMORY;
    const uint64_t rest = (UINT64_C(1) << (PC_SCAN_ROW_BITS + PC_SCAN_KEY_BITS)) - 1;
    for (int i = 0; i < rows->count; i++) {
        const char kind = scan->block->slot_key[rows->slot[i]].byte[0];
        if (rows->row[relation][i] < 0 || !pc_slot_is_patient((pc_slot_kind)kind)) continue;
        const uint64_t slot = (uint64_t)(scan->block->first_slot + rows->slot[i]);
        data[i] = slot << (PC_SCAN_ROW_BITS + PC_SCAN_KEY_BITS) | rest;
        valid[i >> 6] |= 1ULL << (i & 63);
    }
    *out = (pc_column){.type = PC_KEY, .width = 8, .data = data, .valid = valid};
    return PC_OK;
}

static pc_status take_slot(pc_scan *scan, const pc_rows *rows, pc_column *out, pc_error *err)
{
    int64_t *data = pc_arena_array(&scan->scratch, (size_t)rows->count + 1, sizeof *data, err);
    if (data == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < rows->count; i++) {
        data[i] = scan->block->first_slot + rows->slot[i];
    }
    *out = (pc_column){.type = PC_KEY, .width = 8, .data = data};
    return PC_OK;
}

static pc_status gather_one(pc_scan *scan, pc_rows *rows, int at, pc_error *err)
{
    const pc_scan_column *c = &scan->plan->column[at];
    pc_column *out = &rows->column[at];
    rows->is_gathered[at] = true;
    switch (c->column) {
        case PC_SCAN_PATIENT:
            return take_patient(scan, rows, c->relation, out, err);
        case PC_SCAN_IS_PATIENT:
            return take_is_patient(scan, rows, c->relation, out, err);
        case PC_SCAN_PATIENT_KEY:
            return take_patient_key(scan, rows, c->relation, out, err);
        case PC_SCAN_STATUS:
            return take_status(scan, rows, c->relation, out, err);
        case PC_SCAN_KEY:
            return take_key(scan, rows, c->relation, false, out, err);
        case PC_SCAN_PARENT_KEY:
            return take_key(scan, rows, c->relation, true, out, err);
        case PC_SCAN_SLOT:
            return take_slot(scan, rows, out, err);
        default:
            return pc_scan_take(scan, rows, c->relation, c->column, out, err);
    }
}

pc_status pc_scan_gather(pc_scan *scan, pc_rows *rows, const pc_expr *expr, pc_error *err)
{
    const int count = scan->plan->column_count;
    bool *used = pc_arena_array(&scan->scratch, (size_t)count + 1, sizeof *used, err);
    if (used == NULL) return PC_NO_MEMORY;
    if (expr != NULL) pc_expr_columns(expr, used);
    for (int i = 0; i < count; i++) {
        const bool wanted =
            expr == NULL ? rows->is_attached[scan->plan->column[i].relation] : used[i];
        if (wanted && !rows->is_gathered[i]) PC_TRY(gather_one(scan, rows, i, err));
    }
    return PC_OK;
}

void pc_rows_changed(const pc_scan *scan, pc_rows *rows)
{
    memset(rows->is_gathered, 0, (size_t)scan->plan->column_count * sizeof *rows->is_gathered);
}

void pc_rows_keep(const pc_scan *scan, pc_rows *rows, const int *row, int row_count)
{
    if (row_count == rows->count) return;
    for (int r = 0; r < scan->plan->relation_count; r++) {
        if (!rows->is_attached[r]) continue;
        int32_t *it = rows->row[r];
        for (int i = 0; i < row_count; i++) {
            it[i] = it[row[i]];
        }
    }
    int32_t *slot = rows->slot;
    for (int i = 0; i < row_count; i++) {
        slot[i] = slot[row[i]];
    }
    rows->count = row_count;
    rows->is_slice = false;
    pc_rows_changed(scan, rows);
}
