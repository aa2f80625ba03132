/** Columns of a scan's rows: slices of the block where nothing was left out, else gathered. */
#include <string.h>
#include "scan_private.h"

// Nulls of a column, for as many rows as a batch has: zeros that nobody writes to.
static pc_status null_column(pc_scan *scan, const pc_field *field, pc_column *out, pc_error *err)
{
    static const uint64_t zero[PC_BATCH_ROWS + 8] = {0};
    const uint8_t width = field->type == PC_FLOAT || field->type == PC_KEY ? 8
                          : field->type == PC_ID                           ? field->width
                                                                           : 1;
    const void *data = zero;
    if (width > sizeof *zero) {
        if (scan->nothing == NULL) {
            scan->nothing = pc_arena_array(&scan->self, PC_BATCH_ROWS + 8, PC_ID_MAX_BYTES, err);
        }
        data = scan->nothing;
    }
    if (data == NULL) return PC_NO_MEMORY;
    *out = (pc_column){field->type, field->scale, width, data, zero, out->dict};
    return PC_OK;
}

static void slice_column(const pc_column *c, int64_t first, pc_column *out)
{
    *out = *c;
    out->data = (const char *)c->data + (size_t)first * c->width;
    if (c->valid != NULL) out->valid = c->valid + first / 64;
}

// The rows' values of a column of a reference table, or of the block.
static pc_status take_column(pc_scan *scan, const pc_rows *rows, int relation, int column,
                             pc_column *out, pc_error *err)
{
    const int table = scan->plan->relation[relation].table;
    const bool is_slice = relation == 0 && rows->is_slice;
    const int32_t *row = rows->row[relation];
    if (!pc_scan_is_reference(scan, relation) && !is_slice) {
        return pc_block_take(scan->block, table, column, row, rows->count, &scan->scratch, out,
                             err);
    }
    static const pc_column none = {.type = PC_NONE};
    const pc_column *whole = &none;
    if (!pc_scan_is_reference(scan, relation)) {
        PC_TRY(pc_block_column(scan->block, table, column, &whole, err));
    } else if (scan->catalog->reference_count[table] > 0) {
        whole = &scan->catalog->reference[table][column];
    }
    *out = *whole;
    if (whole->type == PC_NONE || whole->data == NULL) {
        out->data = NULL;
        return PC_OK;
    }
    if (!is_slice) return pc_column_take(whole, row, rows->count, &scan->scratch, out, err);
    slice_column(whole, rows->first, out);
    return PC_OK;
}

pc_status pc_scan_take(pc_scan *scan, pc_rows *rows, int relation, int column, pc_column *out,
                       pc_error *err)
{
    PC_TRY(take_column(scan, rows, relation, column, out, err));
    if (out->data != NULL) return PC_OK;
    const pc_model_column *m = &pc_scan_table(scan, relation)->column[column];
    const pc_field field = {m->name, m->type, m->scale, m->width};
    *out = (pc_column){.dict = m->dict < 0 ? NULL : scan->catalog->dict[m->dict]};
    return null_column(scan, &field, out, err);
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

// True if all rows are there and of patients: seen by the slots that they span, not row by row.
static bool are_patients(const pc_scan *scan, const pc_rows *rows, int relation)
{
    if (rows->count == 0) return true;
    const int32_t first = rows->slot[0], last = rows->slot[rows->count - 1];
    if (last - first > rows->count) return false; // not worth it: slots without rows
    for (int32_t slot = first; slot <= last; slot++) {
        const char kind = scan->block->slot_key[slot].byte[0];
        if (!pc_slot_is_patient((pc_slot_kind)kind)) return false;
    }
    if (relation == 0) return true; // the driving table's rows are all there
    const int32_t *row = rows->row[relation];
    const int count = rows->count;
    int32_t any = 0;
    for (int i = 0; i < count; i++)
        any |= row[i];
    return any >= 0;
}

// Which rows are there and of a patient, as bytes of 0 and 1, in `scratch`.
static pc_status mark_patients(pc_scan *scan, const pc_rows *rows, int relation, uint8_t **out,
                               pc_error *err)
{
    uint8_t *mark = pc_arena_array(&scan->scratch, (size_t)rows->count + 64, 1, err);
    if (mark == NULL) return PC_NO_MEMORY;
    *out = mark;
    if (are_patients(scan, rows, relation)) {
        memset(mark, 1, (size_t)rows->count);
        return PC_OK;
    }
    const int32_t *row = rows->row[relation], *slot = rows->slot;
    uint8_t is_patient = 0;
    for (int i = 0; i < rows->count; i++) {
        if (i == 0 || slot[i] != slot[i - 1]) { // rows of a slot stand together
            const char kind = scan->block->slot_key[slot[i]].byte[0];
            is_patient = pc_slot_is_patient((pc_slot_kind)kind);
        }
        mark[i] = is_patient & (uint8_t)(row[i] >= 0);
    }
    return PC_OK;
}

// The same as a bitmap; NULL where all are.
static pc_status patient_bits(pc_scan *scan, const pc_rows *rows, int relation,
                              const uint64_t **out, pc_error *err)
{
    uint8_t *mark;
    *out = NULL;
    if (are_patients(scan, rows, relation)) return PC_OK;
    PC_TRY(mark_patients(scan, rows, relation, &mark, err));
    uint64_t *valid = pc_arena_array(&scan->scratch, (size_t)rows->count / 64 + 1, 8, err);
    if (valid == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < rows->count; i += 8) { // beyond the last row there is room, of zeros
        uint64_t eight;
        memcpy(&eight, mark + i, sizeof eight);
        valid[i >> 6] |= (eight * UINT64_C(0x0102040810204080)) >> 56 << (i & 63);
    }
    *out = valid;
    return PC_OK;
}

static pc_status take_is_patient(pc_scan *scan, const pc_rows *rows, int relation, pc_column *out,
                                 pc_error *err)
{
    uint8_t *is_patient;
    PC_TRY(mark_patients(scan, rows, relation, &is_patient, err));
    *out = (pc_column){.type = PC_BOOL, .width = 1, .data = is_patient};
    return PC_OK;
}

// Whether the rows have a patient, for a test of that alone: of the texts there is nothing.
static pc_status take_patient_nulls(pc_scan *scan, const pc_rows *rows, int relation,
                                    pc_column *out, pc_error *err)
{
    const uint64_t *valid;
    PC_TRY(patient_bits(scan, rows, relation, &valid, err));
    *out = (pc_column){
        .type = PC_ID, .width = PC_SLOT_TEXT_BYTES, .data = scan->block->slot_key, .valid = valid};
    return PC_OK;
}

static pc_status take_patient(pc_scan *scan, const pc_rows *rows, int relation, pc_column *out,
                              pc_error *err)
{
    const size_t width = PC_SLOT_TEXT_BYTES;
    const uint64_t *valid;
    PC_TRY(patient_bits(scan, rows, relation, &valid, err));
    char *data = pc_arena_raw(&scan->scratch, ((size_t)rows->count + 1) * width, err);
    if (data == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < rows->count; i++)
        memcpy(data + (size_t)i * width, scan->block->slot_key[rows->slot[i]].byte + 1, width);
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
    const uint64_t *valid;
    PC_TRY(patient_bits(scan, rows, relation, &valid, err));
    uint64_t *data = pc_arena_raw(&scan->scratch, ((size_t)rows->count + 1) * sizeof *data, err);
    if (data == NULL) return PC_NO_MEMORY;
    const uint64_t rest = (UINT64_C(1) << (PC_SCAN_ROW_BITS + PC_SCAN_KEY_BITS)) - 1;
    for (int i = 0; i < rows->count; i++) {
        const uint64_t slot = (uint64_t)(scan->block->first_slot + rows->slot[i]);
        data[i] = slot << (PC_SCAN_ROW_BITS + PC_SCAN_KEY_BITS) | rest;
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

// What nobody reads of a batch is null.
static pc_status gather_nothing(pc_scan *scan, pc_rows *rows, int at, pc_error *err)
{
    const pc_scan_column *c = &scan->plan->column[at];
    const pc_model_table *t = pc_scan_table(scan, c->relation);
    const int dict = c->column < 0 ? -1 : t->column[c->column].dict;
    pc_column *out = &rows->column[at];
    *out = (pc_column){.dict = dict < 0 ? NULL : scan->catalog->dict[dict]};
    if (c->column == PC_SCAN_STATUS) out->dict = status_dict();
    return null_column(scan, &scan->plan->field[at], out, err);
}

// `expr` is a test of column `at` for null and nothing else.
static bool only_tests_null(const pc_expr *expr, int at)
{
    if (expr == NULL || expr->kind != PC_EXPR_CALL) return false;
    const pc_function_id id = pc_function_which(expr->function);
    const bool is_test = id == PC_FN_IS_NULL || id == PC_FN_IS_NOT_NULL;
    return is_test && expr->arg[0]->kind == PC_EXPR_COLUMN && expr->arg[0]->column == at;
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
        if (!wanted || rows->is_gathered[i]) continue;
        const pc_scan_column *c = &scan->plan->column[i];
        if (c->column == PC_SCAN_PATIENT && only_tests_null(expr, i)) {
            PC_TRY(take_patient_nulls(scan, rows, c->relation, &rows->column[i], err));
            continue; // not gathered: who wants the texts takes them
        }
        const bool is_read = expr != NULL || scan->plan->is_read == NULL || scan->plan->is_read[i];
        if (is_read) {
            PC_TRY(gather_one(scan, rows, i, err));
        } else {
            PC_TRY(gather_nothing(scan, rows, i, err));
        }
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
