/** Look-ups in reference tables: by code, number or text, made once when a scan opens. */
#include <stdlib.h>
#include <string.h>
#include "scan_private.h"

// Numbers are found in a table of places when it has few holes: a rule or an event has its own.
enum { DENSE_VALUES = 1 << 22, SMALL_VALUES = 1 << 16, HOLES = 64 };

typedef struct number_row {
    int64_t value;
    int32_t row;
} number_row;

typedef struct text_row {
    pc_span text;
    int32_t row;
} text_row;

static int compare_numbers(const void *a, const void *b)
{
    const number_row *x = a;
    const number_row *y = b;
    if (x->value != y->value) return x->value < y->value ? -1 : 1;
    return x->row < y->row ? -1 : 1;
}

static int compare_texts(const void *a, const void *b)
{
    const text_row *x = a;
    const text_row *y = b;
    const int order = pc_span_compare(x->text, y->text);
    return order != 0 ? order : x->row < y->row ? -1 : 1;
}

static pc_status make_dense(pc_scan *scan, pc_lookup *l, pc_error *err)
{
    if (l->count == 0) return PC_OK;
    const int64_t low = l->value[0];
    const uint64_t span = (uint64_t)l->value[l->count - 1] - (uint64_t)low;
    const bool has_few_holes = span < SMALL_VALUES || span / HOLES < (uint64_t)l->count;
    if (span >= DENSE_VALUES || !has_few_holes) return PC_OK;
    const int64_t dense_count = (int64_t)span + 1;
    int32_t *dense = pc_arena_array(&scan->self, (size_t)dense_count + 1, sizeof *dense, err);
    if (dense == NULL) return PC_NO_MEMORY;
    int64_t at = 0;
    for (int64_t i = 0; i <= dense_count; i++) {
        while (at < l->count && l->value[at] - low < i) {
            at++;
        }
        dense[i] = (int32_t)at;
    }
    l->low = low;
    l->dense_count = dense_count;
    l->dense = dense;
    return PC_OK;
}

static pc_status sort_numbers(pc_scan *scan, const pc_column *c, int64_t row_count, bool first_only,
                              pc_lookup *l, pc_error *err)
{
    pc_arena scratch = {.budget = scan->budget};
    number_row *pair = pc_arena_array(&scratch, (size_t)row_count + 1, sizeof *pair, err);
    int64_t *value = pc_arena_array(&scan->self, (size_t)row_count + 1, sizeof *value, err);
    int32_t *row = pc_arena_array(&scan->self, (size_t)row_count + 1, sizeof *row, err);
    pc_status status = PC_NO_MEMORY;
    if (pair == NULL || value == NULL || row == NULL) goto done;
    int64_t count = 0;
    for (int64_t i = 0; i < row_count; i++) {
        if (pc_column_is_null(c, i)) continue;
        pair[count++] = (number_row){pc_column_int(c, i), (int32_t)i};
    }
    qsort(pair, (size_t)count, sizeof *pair, compare_numbers);
    l->is_unique = true;
    for (int64_t i = 0; i < count; i++) {
        const bool again = i > 0 && pair[i].value == pair[i - 1].value;
        if (again && first_only) continue;
        if (again) l->is_unique = false;
        value[l->count] = pair[i].value;
        row[l->count++] = pair[i].row;
    }
    l->value = value;
    l->row = row;
    status = make_dense(scan, l, err);
done:
    pc_arena_reset(&scratch);
    return status;
}

static pc_status sort_texts(pc_scan *scan, const pc_column *c, int64_t row_count, bool first_only,
                            pc_lookup *l, pc_error *err)
{
    pc_arena scratch = {.budget = scan->budget};
    text_row *pair = pc_arena_array(&scratch, (size_t)row_count + 1, sizeof *pair, err);
    pc_span *text = pc_arena_array(&scan->self, (size_t)row_count + 1, sizeof *text, err);
    int32_t *row = pc_arena_array(&scan->self, (size_t)row_count + 1, sizeof *row, err);
    pc_status status = PC_NO_MEMORY;
    if (pair == NULL || text == NULL || row == NULL) goto done;
    int64_t count = 0;
    for (int64_t i = 0; i < row_count; i++) {
        if (pc_column_is_null(c, i)) continue;
        pair[count++] = (text_row){pc_column_span(c, i), (int32_t)i};
    }
    qsort(pair, (size_t)count, sizeof *pair, compare_texts);
    l->is_unique = true;
    for (int64_t i = 0; i < count; i++) {
        const bool again = i > 0 && pc_span_equal(pair[i].text, pair[i - 1].text);
        if (again && first_only) continue;
        if (again) l->is_unique = false;
        text[l->count] = pair[i].text;
        row[l->count++] = pair[i].row;
    }
    l->text = text;
    l->row = row;
    status = PC_OK;
done:
    pc_arena_reset(&scratch);
    return status;
}

void pc_lookup_find(const pc_lookup *lookup, int64_t value, int64_t *from, int64_t *to)
{
    *from = *to = 0;
    if (lookup->dense_count > 0) {
        const uint64_t at = (uint64_t)value - (uint64_t)lookup->low;
        if (at >= (uint64_t)lookup->dense_count) return;
        *from = lookup->dense[at];
        *to = lookup->dense[at + 1];
        return;
    }
    int64_t low = 0;
    int64_t high = lookup->count;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (lookup->value[middle] < value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *from = *to = low;
    while (*to < lookup->count && lookup->value[*to] == value) {
        (*to)++;
    }
}

void pc_lookup_find_text(const pc_lookup *lookup, pc_span text, int64_t *from, int64_t *to)
{
    int64_t low = 0;
    int64_t high = lookup->count;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (pc_span_compare(lookup->text[middle], text) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *from = *to = low;
    while (*to < lookup->count && pc_span_equal(lookup->text[*to], text)) {
        (*to)++;
    }
}

// Codes of one dictionary as those of another: -1 where it lacks the text.
static pc_status map_codes(pc_scan *scan, int relation, int from_dict, int to_dict, pc_error *err)
{
    if (from_dict == to_dict) return PC_OK;
    const pc_dict *from = scan->catalog->dict[from_dict];
    const pc_dict *to = scan->catalog->dict[to_dict];
    int32_t *map = pc_arena_array(&scan->self, (size_t)from->count + 1, sizeof *map, err);
    if (map == NULL) return PC_NO_MEMORY;
    for (uint32_t i = 0; i < from->count; i++) {
        const uint32_t code = pc_dict_find(to, pc_dict_text(from, i));
        map[i] = code == PC_DICT_NONE ? -1 : (int32_t)code;
    }
    scan->by_code[relation] = map;
    return PC_OK;
}

// What each code of the column that is looked up finds, where that is one row at most.
static pc_status index_codes(pc_scan *scan, int relation, uint32_t code_count, pc_error *err)
{
    pc_lookup *l = &scan->lookup[relation];
    const int32_t *map = scan->by_code[relation];
    if (!l->is_unique) return PC_OK;
    int32_t *found = pc_arena_array(&scan->self, (size_t)code_count + 1, sizeof *found, err);
    if (found == NULL) return PC_NO_MEMORY;
    found[0] = -1; // an empty dictionary has no code, but null rows hold one
    for (uint32_t code = 0; code < code_count; code++) {
        const int64_t value = map == NULL ? (int64_t)code : map[code];
        int64_t from = 0, to = 0;
        if (value >= 0) pc_lookup_find(l, value, &from, &to);
        found[code] = from < to ? l->row[from] : -1;
    }
    l->row_of_code = found;
    return PC_OK;
}

// What each integer of a dense table finds, where that is one row at most.
static pc_status index_values(pc_scan *scan, pc_lookup *l, pc_error *err)
{
    if (!l->is_unique || l->dense_count == 0) return PC_OK;
    int32_t *found = pc_arena_array(&scan->self, (size_t)l->dense_count, sizeof *found, err);
    if (found == NULL) return PC_NO_MEMORY;
    for (int64_t i = 0; i < l->dense_count; i++)
        found[i] = l->dense[i] < l->dense[i + 1] ? l->row[l->dense[i]] : -1;
    l->row_of_value = found;
    return PC_OK;
}

pc_status pc_scan_make_lookup(pc_scan *scan, int relation, pc_error *err)
{
    const pc_scan_relation *r = &scan->plan->relation[relation];
    const pc_model *model = scan->catalog->model;
    const pc_model_column *theirs = &model->table[r->table].column[r->their_column];
    const pc_model_table *from = &model->table[scan->plan->relation[r->from].table];
    const pc_model_column *ours = &from->column[r->column];
    const bool same_kind = ours->type == theirs->type && ours->scale == theirs->scale;
    if (!same_kind || ours->type == PC_FLOAT || ours->type == PC_BOOL) {
        return PC_FAIL(err, PC_UNSUPPORTED,
                       "%s.%s (%s) cannot be looked up in %s.%s (%s): the types differ", from->name,
                       ours->name, pc_type_name(ours->type), model->table[r->table].name,
                       theirs->name, pc_type_name(theirs->type));
    }
    pc_lookup *l = &scan->lookup[relation];
    *l = (pc_lookup){.is_unique = true};
    const pc_column *columns = scan->catalog->reference[r->table];
    const int64_t row_count = scan->catalog->reference_count[r->table];
    if (row_count > INT32_MAX) {
        return PC_FAIL(err, PC_UNSUPPORTED, "reference table %s has more than 2147483647 rows",
                       model->table[r->table].name);
    }
    if (row_count == 0 || columns[r->their_column].data == NULL) return PC_OK;
    const pc_column *c = &columns[r->their_column];
    if (ours->type == PC_ID) return sort_texts(scan, c, row_count, r->first_only, l, err);
    const bool is_code = ours->type == PC_CODE || ours->type == PC_TEXT;
    if (is_code) PC_TRY(map_codes(scan, relation, ours->dict, theirs->dict, err));
    PC_TRY(sort_numbers(scan, c, row_count, r->first_only, l, err));
    if (!is_code) return index_values(scan, l, err);
    return index_codes(scan, relation, scan->catalog->dict[ours->dict]->count, err);
}
