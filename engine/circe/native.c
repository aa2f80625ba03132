/** Tables of the CDM over a store of another model, block by block: the queries of the list, codes
 *  looked up in the mapping, rows numbered in the order in which a conversion would write them. */
#include "native.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "parcours/exec.h"

/** Where a column of the CDM comes from, if not from a column of the query. */
enum { NOT_THERE = -1, ROW_ID = -2, TARGET = -3, SOURCE_CONCEPT = -4 };
enum { PERSON_COLUMNS = 5 }; // person_id, then those that filters look at

/** A table of the list. */
typedef struct native_view {
    pc_omop_table table;
    pc_view *view; ///< NULL: nobody asks for it, or the list does not have it
    int column[PC_CIRCE_COLUMNS_MAX];
    const pc_column *value; ///< [columns of the query] of the block at hand
    const pc_table *rows;
    const pc_omop_map *
        *map;           ///< [texts of the code column] what a code maps to; NULL: not looked up
    int64_t *map_count; ///< [texts]
} native_view;

/** A row that some criterion waits for. */
typedef struct native_row {
    int64_t row; ///< of the query's result
    int64_t id, concept, source, start;
    int64_t place; ///< among the rows of its person in the order of the query's result
    int32_t by_concept, by_source;
} native_row;

struct pc_circe_native {
    pc_circe_source *source;
    pc_circe_lens lens;
    pc_arena arena; // of this struct and the plans
    native_view person, domain[PC_CIRCE_DOMAINS];
    pc_buffer chosen; // native_row
    pc_buffer order;  // placed_row
    uint32_t missing;
};

/** A row with what it is compared by. */
typedef struct placed_row {
    const native_view *view;
    int64_t row;
} placed_row;

// ---- opening ------------------------------------------------------------------------------------

static int find_source(const pc_omop_table *t, const char *name)
{
    if (name == NULL) return NOT_THERE;
    const pc_span wanted = pc_span_of(name);
    if (t->id != NULL && pc_span_equal_nocase(pc_span_of(t->id), wanted)) return ROW_ID;
    if (t->code_column >= 0 && pc_span_equal_nocase(pc_span_of(t->concept), wanted)) return TARGET;
    if (t->code_column >= 0 && pc_span_equal_nocase(pc_span_of(t->source_concept), wanted)) {
        return SOURCE_CONCEPT;
    }
    return pc_schema_find(&t->schema, name);
}

/** Whether the column of the query can be what the CDM's is. */
static bool has_kind(const pc_omop_table *t, int column, pc_circe_kind kind)
{
    const pc_type type = t->schema.field[column].type;
    if (kind == PC_CIRCE_TEXT) return type == PC_CODE || type == PC_TEXT;
    if (t->is_number[column]) return kind == PC_CIRCE_INTEGER && type != PC_FLOAT;
    if (type == PC_INT || type == PC_DATE) return true;
    return kind == PC_CIRCE_NUMBER && (type == PC_DECIMAL || type == PC_FLOAT);
}

static pc_status bind_column(const pc_circe_native *n, native_view *view, int at, const char *name,
                             pc_circe_kind kind, pc_error *err)
{
    const int from = find_source(&view->table, name);
    view->column[at] = from;
    if (from < 0 || has_kind(&view->table, from, kind)) return PC_OK;
    return PC_FAIL(err, PC_BAD_JOB, "'%s': %s: column '%s' of the query is %s: expected %s",
                   n->lens.path, view->table.name, name,
                   pc_type_name(view->table.schema.field[from].type),
                   kind == PC_CIRCE_TEXT ? "a text" : "a number, a day or one of \"numbers\"");
}

/** The place of the table of this name in the list, -1: none. */
static int find_table(const pc_circe_native *n, const char *name)
{
    int place = 0;
    const pc_json *tables = pc_json_get(n->lens.list, "tables");
    for (const pc_json *t = pc_json_first(tables); t != NULL; t = pc_json_next(t), place++) {
        const pc_json *of = pc_json_kind_of(t) == PC_JSON_OBJECT ? pc_json_get(t, "table") : NULL;
        const char *text = of == NULL ? NULL : pc_json_text(of);
        if (text != NULL && pc_span_equal_nocase(pc_span_of(text), pc_span_of(name))) return place;
    }
    return -1;
}

/** Binds a table. `*is_there` false: the list does not have it. */
static pc_status open_view(pc_circe_native *n, const char *name, native_view *view, bool *is_there,
                           pc_error *err)
{
    const int place = find_table(n, name);
    *is_there = place >= 0;
    for (int c = 0; c < PC_CIRCE_COLUMNS_MAX; c++)
        view->column[c] = NOT_THERE;
    if (place < 0) return PC_OK;
    PC_TRY(pc_omop_table_plan(n->lens.list, place, n->lens.path, n->lens.store, n->lens.catalog,
                              &n->arena, &view->table, err));
    const pc_status status =
        pc_view_open(n->lens.catalog, view->table.query, n->arena.budget, &view->view, err);
    if (status != PC_OK) {
        pc_error_prefix(err, "'%s': %s", n->lens.path, view->table.name);
        return status;
    }
    pc_view_tables(view->view, n->source->tables);
    return PC_OK;
}

static pc_status open_person(pc_circe_native *n, pc_error *err)
{
    static const char *const name[PERSON_COLUMNS] = {"person_id", "year_of_birth",
                                                     "gender_concept_id", "race_concept_id",
                                                     "ethnicity_concept_id"};
    bool is_there = false;
    PC_TRY(open_view(n, "person", &n->person, &is_there, err));
    for (int i = 0; i < PERSON_COLUMNS && is_there; i++)
        PC_TRY(bind_column(n, &n->person, i, name[i], PC_CIRCE_INTEGER, err));
    if (is_there && n->person.column[0] >= 0) return PC_OK;
    return PC_FAIL(err, PC_BAD_JOB, "'%s': expected a table 'person' with a column 'person_id'",
                   n->lens.path);
}

static pc_status open_domain(pc_circe_native *n, pc_circe_domain domain, pc_error *err)
{
    const pc_circe_program *program = n->source->program;
    const pc_circe_domain_info *info = pc_circe_domain_of(domain);
    native_view *view = &n->domain[domain];
    const bool is_visit = domain == PC_CIRCE_VISIT && program->uses_visit_concept;
    bool is_there = false;
    if (!program->domain[domain].is_used && domain != PC_CIRCE_PERIOD && !is_visit) return PC_OK;
    PC_TRY(open_view(n, info->table, view, &is_there, err));
    if (!is_there) {
        n->missing |= UINT32_C(1) << domain;
        return PC_OK;
    }
    for (int c = 0; c < info->column_count; c++)
        PC_TRY(bind_column(n, view, c, info->column[c].name, info->column[c].kind, err));
    if (view->column[PC_CIRCE_START_DATE] >= 0) return PC_OK;
    return PC_FAIL(err, PC_BAD_JOB, "'%s': %s: the query has no column '%s'", n->lens.path,
                   view->table.name, info->column[PC_CIRCE_START_DATE].name);
}

/** Providers and care sites are not seen through the list: what asks for them must find none. */
static pc_status check_references(const pc_circe_native *n, pc_error *err)
{
    const pc_circe_program *program = n->source->program;
    const char *wanted = program->uses_specialty ? "provider" : NULL;
    if (wanted == NULL || find_table(n, wanted) < 0) {
        wanted = program->uses_place ? "care_site" : NULL;
    }
    if (wanted == NULL || find_table(n, wanted) < 0) return PC_OK;
    return PC_FAIL(err, PC_UNSUPPORTED,
                   "'%s': a definition asks for what table '%s' says of providers or places: that "
                   "runs on the converted store alone (parcours omop)",
                   n->lens.path, wanted);
}

static pc_status open_all(pc_circe_native *n, pc_error *err)
{
    PC_TRY(check_references(n, err));
    PC_TRY(open_person(n, err));
    for (int d = 0; d < PC_CIRCE_DOMAINS; d++)
        PC_TRY(open_domain(n, (pc_circe_domain)d, err));
    return PC_OK;
}

pc_status pc_circe_native_open(const pc_circe_program *program, const pc_circe_lens *lens,
                               pc_arena *arena, pc_circe_source *source, pc_circe_native **out,
                               pc_error *err)
{
    *source = (pc_circe_source){.program = program, .model = pc_store_model(lens->store)};
    const size_t tables = (size_t)source->model->table_count;
    pc_circe_native *n = pc_arena_take(arena, sizeof *n, err);
    source->tables = pc_arena_array(arena, tables, sizeof *source->tables, err);
    if (n == NULL || source->tables == NULL) return PC_NO_MEMORY;
    n->source = source;
    n->lens = *lens;
    n->arena.budget = n->chosen.budget = n->order.budget = arena->budget;
    *out = n;
    PC_TRY(pc_circe_waiting_open(arena, &source->by_concept, err));
    PC_TRY(pc_circe_waiting_open(arena, &source->by_source, err));
    source->tables[source->model->person_table] = true;
    return open_all(n, err);
}

void pc_circe_native_close(pc_circe_native *native)
{
    if (native == NULL) return;
    pc_view_close(native->person.view);
    for (int d = 0; d < PC_CIRCE_DOMAINS; d++)
        pc_view_close(native->domain[d].view);
    pc_buffer_release(&native->chosen);
    pc_buffer_release(&native->order);
    pc_arena_reset(&native->arena);
}

uint32_t pc_circe_native_missing(const pc_circe_native *native)
{
    return native->missing;
}

// ---- values -------------------------------------------------------------------------------------

static bool is_null(const pc_column *column, int64_t row)
{
    return column->data == NULL || pc_column_is_null(column, row);
}

static int64_t integer_at(const native_view *view, int column, int64_t row)
{
    char digits[PC_OMOP_CELL_BYTES];
    if (column < 0 || is_null(&view->value[column], row)) return PC_CIRCE_NULL;
    if (view->table.is_number[column]) {
        return pc_omop_number(pc_omop_cell(&view->value[column], row, digits));
    }
    return pc_column_int(&view->value[column], row);
}

static double number_at(const native_view *view, int column, int64_t row)
{
    if (column < 0 || is_null(&view->value[column], row)) return NAN;
    const pc_column *from = &view->value[column];
    if (from->type == PC_FLOAT) return ((const double *)from->data)[row];
    double scale = 1;
    for (int i = 0; i < from->scale; i++)
        scale *= 10;
    return (double)pc_column_int(from, row) / scale;
}

static int compare_values(const pc_column *column, int64_t a, int64_t b)
{
    const bool null_a = is_null(column, a), null_b = is_null(column, b);
    if (null_a || null_b) return null_a - null_b; // nulls last
    if (column->type == PC_FLOAT) {
        const double x = ((const double *)column->data)[a], y = ((const double *)column->data)[b];
        return (x > y) - (x < y);
    }
    if (column->dict != NULL || column->type == PC_ID) {
        return pc_span_compare(pc_column_span(column, a), pc_column_span(column, b));
    }
    const int64_t x = pc_column_int(column, a), y = pc_column_int(column, b);
    return (x > y) - (x < y);
}

/** The order of a query's result: all its columns. */
static int compare_rows(const native_view *view, int64_t a, int64_t b)
{
    for (int c = 0; c < view->table.schema.field_count; c++) {
        const int order = compare_values(&view->value[c], a, b);
        if (order != 0) return order;
    }
    return 0;
}

static int compare_placed(const void *a, const void *b)
{
    const placed_row *x = a, *y = b;
    return compare_rows(x->view, x->row, y->row);
}

// ---- rows of a block ----------------------------------------------------------------------------

static pc_status run_view(native_view *view, pc_block *block, const pc_reader *reader,
                          pc_arena *arena, pc_error *err)
{
    const int columns = view->table.schema.field_count;
    PC_TRY(pc_view_block(view->view, block, reader, &view->rows, err));
    pc_column *value = pc_arena_array(arena, (size_t)columns + 1, sizeof *value, err);
    if (value == NULL) return PC_NO_MEMORY;
    for (int c = 0; c < columns; c++)
        pc_table_view(view->rows, c, &value[c]);
    view->value = value;
    const pc_dict *dict = view->table.code_column < 0 ? NULL : value[view->table.code_column].dict;
    if (dict == NULL) return PC_OK;
    view->map = pc_arena_array(arena, (size_t)dict->count + 1, sizeof(pc_omop_map *), err);
    view->map_count = pc_arena_array(arena, (size_t)dict->count + 1, sizeof(int64_t), err);
    return view->map == NULL || view->map_count == NULL ? PC_NO_MEMORY : PC_OK;
}

/** What the code of a row maps to: a concept 0 when to nothing. */
static const pc_omop_map *maps_of(const pc_circe_native *n, native_view *view, int64_t row,
                                  int64_t *count)
{
    static const pc_omop_map nothing = {.target = 0};
    const pc_column *codes = &view->value[view->table.code_column];
    const pc_span vocabulary = pc_span_of(view->table.vocabulary);
    char digits[PC_OMOP_CELL_BYTES];
    *count = 1;
    if (is_null(codes, row)) return &nothing;
    const int64_t code = codes->dict == NULL ? 0 : pc_column_int(codes, row);
    if (codes->dict != NULL && view->map[code] != NULL) {
        *count = view->map_count[code];
        return view->map[code];
    }
    const pc_omop_map *map =
        pc_omop_mapping_find(n->lens.mapping, vocabulary, pc_omop_cell(codes, row, digits), count);
    for (int64_t i = 0; i < *count; i++)
        n->lens.met[map - n->lens.mapping->map + i] = 1;
    if (*count == 0) {
        map = &nothing;
        *count = 1;
    }
    if (codes->dict != NULL) {
        view->map[code] = map;
        view->map_count[code] = *count;
    }
    return map;
}

/** Keeps a row if some criterion waits for it. */
static pc_status take_row(pc_circe_native *n, pc_circe_domain domain, native_row *r, bool all,
                          pc_error *err)
{
    const pc_circe_source *source = n->source;
    const pc_circe_reads_of *reads = &source->program->domain[domain];
    if (reads->has_sets) {
        PC_TRY(pc_circe_waiting_find(&source->by_concept[domain], source->program, &reads->by_set,
                                     r->concept, &r->by_concept, err));
    }
    if (reads->has_sources) {
        PC_TRY(pc_circe_waiting_find(&source->by_source[domain], source->program, &reads->by_source,
                                     r->source, &r->by_source, err));
    }
    if (!all && r->by_concept == 0 && r->by_source == 0) return PC_OK;
    return pc_buffer_append(&n->chosen, r, sizeof *r, err);
}

/** The rows of a slot in the order of the query's result. */
static pc_status order_slot(pc_circe_native *n, const native_view *view, int64_t first, int64_t end,
                            pc_error *err)
{
    n->order.bytes = 0;
    bool is_sorted = true;
    for (int64_t row = first; row < end; row++) {
        const placed_row placed = {view, row};
        is_sorted = is_sorted && (row == first || compare_rows(view, row - 1, row) <= 0);
        PC_TRY(pc_buffer_append(&n->order, &placed, sizeof placed, err));
    }
    if (!is_sorted) {
        qsort(n->order.data, (size_t)(end - first), sizeof(placed_row), compare_placed);
    }
    return PC_OK;
}

static int compare_native(const void *a, const void *b)
{
    const native_row *x = a, *y = b;
    if (x->start != y->start) return x->start < y->start ? -1 : 1;
    if (x->id != y->id) return x->id < y->id ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

/** A table without numbers of its own is stored by day and id, equal rows once. */
static void sort_stored(native_row *row, size_t count)
{
    if (count > 1) qsort(row, count, sizeof *row, compare_native);
}

/** Periods that end before they begin, or overlap an earlier one of the person, are not loaded. */
static void drop_periods(const native_view *view, pc_buffer *chosen, size_t from)
{
    native_row *row = (native_row *)(void *)(chosen->data + from);
    const size_t count = (chosen->bytes - from) / sizeof *row;
    int64_t last = INT64_MIN;
    size_t kept = 0;
    sort_stored(row, count);
    for (size_t i = 0; i < count; i++) {
        const int64_t end = integer_at(view, view->column[PC_CIRCE_END_DATE], row[i].row);
        if (row[i].start == PC_CIRCE_NULL || end == PC_CIRCE_NULL || end < row[i].start) continue;
        if (row[i].start <= last) continue;
        last = end;
        row[kept++] = row[i];
    }
    chosen->bytes = from + kept * sizeof *row;
}

static pc_status choose_slot(pc_circe_native *n, pc_circe_domain domain, int64_t first, int64_t end,
                             pc_error *err)
{
    native_view *view = &n->domain[domain];
    const bool is_visit = domain == PC_CIRCE_VISIT && n->source->program->uses_visit_concept;
    const bool all =
        n->source->program->domain[domain].any_count > 0 || is_visit || domain == PC_CIRCE_PERIOD;
    const size_t from = n->chosen.bytes;
    PC_TRY(order_slot(n, view, first, end, err));
    const placed_row *placed = (const placed_row *)(const void *)n->order.data;
    int64_t count_of_person = 0;
    for (int64_t i = 0; i < end - first; i++) {
        const int64_t row = placed[i].row;
        if (view->table.id == NULL && i > 0 && compare_rows(view, placed[i - 1].row, row) == 0) {
            continue; // equal rows are loaded once
        }
        static const pc_omop_map nothing = {.target = 0};
        int64_t count = 1;
        const pc_omop_map *map =
            view->table.code_column < 0 ? &nothing : maps_of(n, view, row, &count);
        for (int64_t m = 0; m < count; m++) {
            native_row r = {.row = row,
                            .place = ++count_of_person,
                            .concept = map[m].target,
                            .source = map[m].source_concept,
                            .start = integer_at(view, view->column[PC_CIRCE_START_DATE], row)};
            r.id = view->column[PC_CIRCE_ID] == ROW_ID
                       ? pc_omop_row_id(r.place, view->table.place, 0)
                       : integer_at(view, view->column[PC_CIRCE_ID], row);
            if (view->column[PC_CIRCE_CONCEPT] != TARGET) {
                r.concept = integer_at(view, view->column[PC_CIRCE_CONCEPT], row);
            }
            if (view->column[PC_CIRCE_SOURCE] != SOURCE_CONCEPT) {
                r.source = integer_at(view, view->column[PC_CIRCE_SOURCE], row);
            }
            PC_TRY(take_row(n, domain, &r, all, err));
        }
    }
    native_row *row = (native_row *)(void *)(n->chosen.data + from);
    if (n->chosen.bytes == from) return PC_OK;
    if (domain == PC_CIRCE_PERIOD) {
        drop_periods(view, &n->chosen, from);
    } else if (view->table.id == NULL) {
        sort_stored(row, (n->chosen.bytes - from) / sizeof *row);
    }
    return PC_OK;
}

static int64_t value_of(const native_view *view, const native_row *r, int column)
{
    const int from = view->column[column];
    if (column == PC_CIRCE_ID) return r->id;
    if (from == TARGET) return r->concept;
    if (from == SOURCE_CONCEPT) return r->source;
    return from == ROW_ID ? r->id : integer_at(view, from, r->row);
}

/** A column of the CDM at the chosen rows. */
static pc_status fill_column(const pc_circe_native *n, const native_view *view, int column,
                             pc_circe_kind kind, pc_arena *arena, pc_circe_rows *out, pc_error *err)
{
    const native_row *row = (const native_row *)(const void *)n->chosen.data;
    const size_t bytes = ((size_t)out->count + 1) * sizeof(int64_t);
    if (kind == PC_CIRCE_NUMBER) {
        double *number = pc_arena_raw(arena, bytes, err);
        if (number == NULL) return PC_NO_MEMORY;
        for (int64_t i = 0; i < out->count; i++)
            number[i] = number_at(view, view->column[column], row[i].row);
        out->number[column] = number;
        return PC_OK;
    }
    int64_t *integer = pc_arena_raw(arena, bytes, err);
    if (integer == NULL) return PC_NO_MEMORY;
    for (int64_t i = 0; i < out->count; i++)
        integer[i] = value_of(view, &row[i], column);
    out->integer[column] = integer;
    if (kind == PC_CIRCE_TEXT) out->dict[column] = view->value[view->column[column]].dict;
    return PC_OK;
}

/** Who waits for each chosen row. */
static pc_status fill_waiting(const pc_circe_native *n, const pc_circe_reads_of *reads,
                              pc_arena *arena, pc_circe_rows *out, pc_error *err)
{
    const native_row *row = (const native_row *)(const void *)n->chosen.data;
    const size_t bytes = ((size_t)out->count + 1) * sizeof(int32_t);
    int32_t *by_concept = pc_arena_raw(arena, bytes, err);
    int32_t *by_source = pc_arena_raw(arena, bytes, err);
    if (by_concept == NULL || by_source == NULL) return PC_NO_MEMORY;
    for (int64_t i = 0; i < out->count; i++) {
        by_concept[i] = row[i].by_concept;
        by_source[i] = row[i].by_source;
    }
    out->by_concept = reads->has_sets ? by_concept : NULL;
    out->by_source = reads->has_sources ? by_source : NULL;
    return PC_OK;
}

/** First row of each slot: calls for the rows of one after the other. */
static pc_status read_domain(pc_circe_native *n, pc_circe_domain domain, pc_block *block,
                             const pc_reader *reader, pc_arena *arena, pc_circe_rows *out,
                             pc_error *err)
{
    native_view *view = &n->domain[domain];
    const pc_circe_reads_of *reads = &n->source->program->domain[domain];
    const pc_circe_domain_info *info = pc_circe_domain_of(domain);
    *out = (pc_circe_rows){.count = 0};
    if (view->view == NULL) return PC_OK;
    PC_TRY(run_view(view, block, reader, arena, err));
    const int64_t *slot = pc_table_slots(view->rows);
    const int64_t rows = slot == NULL ? 0 : pc_table_rows(view->rows);
    int32_t *first = pc_arena_raw(arena, ((size_t)block->slot_count + 1) * sizeof *first, err);
    if (first == NULL) return PC_NO_MEMORY;
    n->chosen.bytes = 0;
    int64_t at = 0;
    for (int s = 0; s < block->slot_count; s++) {
        first[s] = (int32_t)(n->chosen.bytes / sizeof(native_row));
        const int64_t from = at;
        while (at < rows && slot[at] == block->first_slot + s)
            at++;
        if (at > from) PC_TRY(choose_slot(n, domain, from, at, err));
    }
    out->count = (int64_t)(n->chosen.bytes / sizeof(native_row));
    first[block->slot_count] = (int32_t)out->count;
    out->first = first;
    PC_TRY(fill_waiting(n, reads, arena, out, err));
    for (int c = 0; c < info->column_count && out->count > 0; c++) {
        const bool is_fixed = domain == PC_CIRCE_PERIOD || domain == PC_CIRCE_VISIT;
        const bool is_read = reads->column[c] || (is_fixed && c <= PC_CIRCE_END_DATE);
        if (!is_read || view->column[c] == NOT_THERE) continue;
        PC_TRY(fill_column(n, view, c, info->column[c].kind, arena, out, err));
    }
    return PC_OK;
}

/** The person of each slot. */
static pc_status read_persons(pc_circe_native *n, pc_block *block, const pc_reader *reader,
                              pc_arena *arena, pc_circe_block *out, pc_error *err)
{
    native_view *view = &n->person;
    const size_t slots = (size_t)block->slot_count;
    int64_t *offset = pc_arena_raw(arena, (slots + 1) * sizeof *offset, err);
    int64_t *value[PERSON_COLUMNS];
    for (int c = 0; c < PERSON_COLUMNS; c++) {
        value[c] = pc_arena_raw(arena, (slots + 1) * sizeof **value, err);
        if (value[c] == NULL) return PC_NO_MEMORY;
    }
    if (offset == NULL) return PC_NO_MEMORY;
    PC_TRY(run_view(view, block, reader, arena, err));
    const int64_t *slot = pc_table_slots(view->rows);
    const int64_t rows = slot == NULL ? 0 : pc_table_rows(view->rows);
    int64_t at = 0;
    for (int s = 0; s < block->slot_count; s++) {
        const int64_t from = at;
        while (at < rows && slot[at] == block->first_slot + s)
            at++;
        offset[s] = s; // a slot's person stands at its own place
        for (int c = 0; c < PERSON_COLUMNS; c++)
            value[c][s] = at > from ? integer_at(view, view->column[c], from) : PC_CIRCE_NULL;
    }
    offset[block->slot_count] = block->slot_count;
    out->person_offset = offset;
    out->subject = value[0];
    out->birth = value[1];
    out->gender = value[2];
    out->race = value[3];
    out->ethnicity = value[4];
    return PC_OK;
}

pc_status pc_circe_native_block(pc_circe_native *native, pc_block *block, const pc_reader *reader,
                                pc_arena *arena, pc_circe_block *out, pc_error *err)
{
    *out = (pc_circe_block){.block = block};
    PC_TRY(read_persons(native, block, reader, arena, out, err));
    for (int d = 0; d < PC_CIRCE_DOMAINS; d++) {
        PC_TRY(read_domain(native, (pc_circe_domain)d, block, reader, arena, &out->rows[d], err));
    }
    if (!native->source->program->uses_visit_concept) return PC_OK;
    const pc_circe_rows *visits = &out->rows[PC_CIRCE_VISIT];
    int64_t *offset = pc_arena_array(arena, (size_t)block->slot_count + 1, sizeof *offset, err);
    if (offset == NULL) return PC_NO_MEMORY;
    for (int s = 0; s <= block->slot_count && visits->first != NULL; s++)
        offset[s] = visits->first[s];
    out->visit_offset = offset;
    out->visit_id = visits->integer[PC_CIRCE_ID];
    out->visit_concept = visits->integer[PC_CIRCE_CONCEPT];
    return PC_OK;
}
