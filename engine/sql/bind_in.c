/** IN: a list of values, or one column of a reference table, read when the query is bound. */
#include <stdlib.h>
#include <string.h>
#include "sql_private.h"

static int compare_integers(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a;
    const int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int compare_reals(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

static int compare_texts(const void *a, const void *b)
{
    return pc_span_compare(*(const pc_span *)a, *(const pc_span *)b);
}

pc_status pc_make_in(pc_binder *b, const pc_expr *x, const pc_value *value, int64_t count,
                     bool negate, int position, const pc_expr **out)
{
    pc_in_list *list = pc_arena_take(b->arena, sizeof *list, b->err);
    const bool is_text = pc_type_is_text(x->type);
    const size_t cell = is_text ? sizeof(pc_span) : sizeof(int64_t);
    void *data = pc_arena_array(b->arena, (size_t)count + 1, cell, b->err);
    if (list == NULL || data == NULL) return PC_NO_MEMORY;
    list->negate = negate;
    int64_t n = 0;
    for (int64_t i = 0; i < count; i++) {
        if (value[i].is_null) {
            list->has_null = true;
        } else if (is_text) {
            ((pc_span *)data)[n++] = value[i].text;
        } else if (x->type == PC_FLOAT) {
            ((double *)data)[n++] = value[i].real;
        } else {
            ((int64_t *)data)[n++] = value[i].integer;
        }
    }
    list->count = n;
    if (is_text) {
        list->text = data;
        qsort(data, (size_t)n, cell, compare_texts);
    } else if (x->type == PC_FLOAT) {
        list->real = data;
        qsort(data, (size_t)n, cell, compare_reals);
    } else {
        list->integer = data;
        qsort(data, (size_t)n, cell, compare_integers);
    }
    return pc_make_call(b, PC_FN_IN, PC_BOOL, 0, position, &x, 1, list, out);
}

// x = a OR x = b ..., for lists that are not constant.
static pc_status make_alternatives(pc_binder *b, const pc_expr *x, const pc_expr **item, int count,
                                   bool negate, int location, const pc_expr **out)
{
    for (int i = 0; i < count; i++) {
        PC_TRY(pc_make_compare(b, negate ? PC_FN_NOT_EQUAL : PC_FN_EQUAL, x, item[i], 0, location,
                               &item[i]));
    }
    return pc_make_call(b, negate ? PC_FN_AND : PC_FN_OR, PC_BOOL, 0, 0, item, count, NULL, out);
}

pc_status pc_bind_in_list(pc_binder *b, const cJSON *body, const pc_expr **out)
{
    const cJSON *items = pc_node_get(pc_node_body(pc_node_get(body, "rexpr")), "items");
    const int location = pc_node_int(body, "location");
    const bool negate = strcmp(pc_node_name(pc_node_get(body, "name")), "<>") == 0;
    const cJSON *left = pc_node_get(body, "lexpr");
    if (pc_node_is(left, "RowExpr")) return pc_bind_rows_in(b, left, items, negate, location, out);
    return pc_bind_in_items(b, left, items, negate, location, out);
}

// A value of a long list, as a literal; texts are put to `*room`, which moves behind them.
static void read_item(pc_span item, char **room, pc_value *out)
{
    *out = (pc_value){.type = PC_NONE, .text = {"", 0}};
    if (item.data[0] != '\'') {
        if (item.data[0] == '+') item = (pc_span){item.data + 1, item.bytes - 1};
        if (!pc_read_number(item, out)) out->type = PC_BOOL; // said by the caller
        return;
    }
    out->text = (pc_span){*room, 0};
    for (size_t i = 1; i + 1 < item.bytes; i++) {
        (*room)[out->text.bytes++] = item.data[i];
        if (item.data[i] == '\'') i++; // two stand for one
    }
    *room += out->text.bytes;
}

// The values of a list, brought to a type one by one: nothing of them but the value stays.
static pc_status read_items(pc_binder *b, const pc_sql_list *list, pc_type type, uint8_t scale,
                            int location, pc_value *value)
{
    char *room = pc_arena_take(b->arena, list->text.bytes + 1, b->err);
    if (room == NULL) return PC_NO_MEMORY;
    size_t at = 0;
    pc_span item;
    bool more;
    for (int64_t i = 0; pc_sql_next_item(list->text, &at, &item, &more); i++) {
        const pc_arena_mark mark = pc_arena_now(b->arena);
        const pc_expr *x;
        pc_value read;
        read_item(item, &room, &read);
        if (read.type == PC_BOOL) {
            return pc_bind_fail(b, location, PC_UNSUPPORTED, "a number has at most 18 digits");
        }
        PC_TRY(pc_expr_constant(&read, 0, b->arena, &x, b->err));
        PC_TRY(pc_bring_to(b, x, type, scale, &x));
        value[i] = x->constant;
        if (pc_type_is_text(type)) value[i].text = read.text; // `x` may hold a copy
        pc_arena_rewind(b->arena, mark);
    }
    return PC_OK;
}

// The type of a list: text that the other side decides, or numbers of its most decimals.
static pc_status type_of_items(pc_binder *b, const pc_sql_list *list, const pc_expr *x,
                               int location, pc_type *type, uint8_t *scale)
{
    pc_value widest = {.type = PC_NONE, .text = {"", 0}};
    size_t at = 0;
    pc_span item;
    bool more;
    while (pc_sql_next_item(list->text, &at, &item, &more)) {
        if (item.data[0] == '\'') break;
        pc_value read;
        read_item(item, NULL, &read);
        if (widest.type == PC_NONE || read.scale > widest.scale) widest = read;
    }
    if (widest.type == PC_BOOL) widest.type = PC_INT; // refused when it is read
    const pc_expr *both[2] = {x, NULL};
    PC_TRY(pc_expr_constant(&widest, 0, b->arena, &both[1], b->err));
    return pc_common_type(b, both, 2, location, "IN", type, scale);
}

static pc_status bind_long_list(pc_binder *b, const pc_expr *x, const pc_sql_list *list,
                                bool negate, int location, const pc_expr **out)
{
    pc_type type;
    uint8_t scale;
    PC_TRY(type_of_items(b, list, x, location, &type, &scale));
    if (type == PC_KEY) {
        return pc_bind_fail(b, location, PC_BAD_JOB, "a model key compares with the same key only");
    }
    pc_value *value = pc_arena_array(b->arena, (size_t)list->count + 1, sizeof *value, b->err);
    if (value == NULL) return PC_NO_MEMORY;
    PC_TRY(read_items(b, list, type, scale, location, value));
    PC_TRY(pc_bring_to(b, x, type, scale, &x));
    return pc_make_in(b, x, value, list->count, negate, pc_sql_position(b->text, location), out);
}

pc_status pc_bind_in_items(pc_binder *b, const cJSON *left, const cJSON *items, bool negate,
                           int location, const pc_expr **out)
{
    const pc_sql_list *list = pc_sql_find_list(b->text, items);
    if (list != NULL) {
        const pc_expr *x;
        PC_TRY(pc_bind_node(b, left, &x));
        return bind_long_list(b, x, list, negate, location, out);
    }
    const int count = cJSON_GetArraySize(items);
    const pc_expr **item = pc_arena_array(b->arena, (size_t)count + 1, sizeof *item, b->err);
    pc_value *value = pc_arena_array(b->arena, (size_t)count + 1, sizeof *value, b->err);
    if (item == NULL || value == NULL) return PC_NO_MEMORY;
    PC_TRY(pc_bind_node(b, left, &item[count]));
    int i = 0;
    const cJSON *node;
    cJSON_ArrayForEach(node, items)
    {
        PC_TRY(pc_bind_node(b, node, &item[i++]));
    }
    pc_type type;
    uint8_t scale;
    bool constant = true;
    PC_TRY(pc_common_type(b, item, count + 1, location, "IN", &type, &scale));
    if (type == PC_KEY) {
        return pc_bind_fail(b, location, PC_BAD_JOB, "a model key compares with the same key only");
    }
    const pc_expr *x = item[count];
    for (i = 0; i < count; i++) {
        PC_TRY(pc_bring_to(b, item[i], type, scale, &item[i]));
        constant = constant && item[i]->kind == PC_EXPR_CONSTANT;
        value[i] = item[i]->constant;
    }
    if (!constant) return make_alternatives(b, x, item, count, negate, location, out);
    PC_TRY(pc_bring_to(b, x, type, scale, &x));
    return pc_make_in(b, x, value, count, negate, pc_sql_position(b->text, location), out);
}

/** Rows of a reference table, as batches. */
typedef struct reference_rows {
    const pc_model_table *table;
    const pc_column *column;
    int64_t row_count;
    pc_schema schema;
} reference_rows;

static pc_status find_reference(pc_binder *b, const cJSON *select, reference_rows *out)
{
    static const char *const allowed[] = {"fromClause", "whereClause", NULL};
    const pc_catalog *catalog = b->scope->catalog;
    PC_TRY(pc_refuse_clauses(b, select, allowed));
    const cJSON *from = pc_node_get(select, "fromClause");
    const cJSON *range = pc_node_body(cJSON_GetArrayItem(from, 0));
    const int location = pc_node_location(from);
    if (cJSON_GetArraySize(from) != 1 || catalog == NULL ||
        !pc_node_is(cJSON_GetArrayItem(from, 0), "RangeVar")) {
        return pc_bind_fail(b, location, PC_UNSUPPORTED,
                            "IN takes SELECT column FROM one reference table");
    }
    const char *name = pc_node_text(range, "relname");
    const int table = pc_model_find_table(catalog->model, pc_span_of(name));
    if (table < 0 || catalog->model->table[table].path != PC_PATH_NONE) {
        return pc_bind_fail(b, location, table < 0 ? PC_BAD_JOB : PC_UNSUPPORTED,
                            "IN (SELECT ...) reads a reference table; %s is %s", name,
                            table < 0 ? "not known" : "a table of patients");
    }
    out->table = &catalog->model->table[table];
    PC_TRY(pc_catalog_reference(catalog, table, &out->column, &out->row_count, b->err));
    const int count = out->table->column_count;
    pc_field *field = pc_arena_array(b->arena, (size_t)count, sizeof *field, b->err);
    if (field == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < count; i++) {
        const pc_model_column *c = &out->table->column[i];
        field[i] = (pc_field){c->name, c->type, c->scale, c->width};
    }
    out->schema = (pc_schema){count, field};
    return PC_OK;
}

// A slice of the table that starts at a multiple of 64 rows.
static pc_status slice(const reference_rows *rows, int64_t from, pc_batch *out)
{
    const int64_t left = rows->row_count - from;
    out->row_count = left < PC_BATCH_ROWS ? (int)left : PC_BATCH_ROWS;
    for (int i = 0; i < rows->table->column_count; i++) {
        const pc_column *c = &rows->column[i];
        out->column[i] = *c;
        if (c->data != NULL) {
            out->column[i].data = (const char *)c->data + (size_t)from * c->width;
        }
        if (c->valid != NULL) out->column[i].valid = c->valid + from / 64;
    }
    return PC_OK;
}

/** What is read: the value of the selected expression, where the condition holds. */
typedef struct reading {
    pc_binder *b;
    const reference_rows *rows;
    const pc_expr *value;
    const pc_expr *where; ///< or NULL
    pc_buffer found;      ///< pc_value []
} reading;

static pc_status keep_value(reading *r, const pc_column *c, int row)
{
    pc_value value = {.type = r->value->type, .scale = r->value->scale, .text = {"", 0}};
    value.is_null = pc_column_is_null(c, row);
    if (!value.is_null && pc_type_is_text(c->type)) {
        const pc_span text = pc_column_span(c, row);
        value.text.data = pc_arena_text(r->b->arena, text.data, text.bytes, r->b->err);
        value.text.bytes = text.bytes;
        if (value.text.data == NULL) return PC_NO_MEMORY;
    } else if (!value.is_null && c->type == PC_FLOAT) {
        value.real = ((const double *)c->data)[row];
    } else if (!value.is_null) {
        value.integer = pc_column_int(c, row);
    }
    return pc_buffer_append(&r->found, &value, sizeof value, r->b->err);
}

static pc_status read_batch(reading *r, pc_batch *batch, pc_expr_state *state, pc_arena *scratch)
{
    int row[PC_BATCH_ROWS];
    int count = batch->row_count;
    for (int i = 0; i < count; i++) {
        row[i] = i;
    }
    if (r->where != NULL) {
        PC_TRY(pc_expr_filter(r->where, batch, state, scratch, row, &count, r->b->err));
    }
    pc_column column;
    PC_TRY(pc_expr_eval(r->value, batch, state, scratch, &column, r->b->err));
    for (int i = 0; i < count; i++) {
        PC_TRY(keep_value(r, &column, row[i]));
    }
    return PC_OK;
}

static pc_status read_rows(reading *r)
{
    pc_arena own = {.budget = r->b->arena->budget};
    pc_arena scratch = {.budget = r->b->arena->budget};
    pc_expr_state *state = NULL;
    pc_status status = pc_expr_state_new(&own, own.budget, &state, r->b->err);
    pc_batch batch = {.column_count = r->rows->table->column_count};
    batch.column =
        pc_arena_array(&own, (size_t)batch.column_count + 1, sizeof *batch.column, r->b->err);
    if (batch.column == NULL) status = PC_NO_MEMORY;
    for (int64_t at = 0; status == PC_OK && at < r->rows->row_count; at += PC_BATCH_ROWS) {
        pc_arena_reset(&scratch);
        status = slice(r->rows, at, &batch);
        if (status == PC_OK) status = read_batch(r, &batch, state, &scratch);
    }
    pc_expr_state_free(state);
    pc_arena_reset(&scratch);
    pc_arena_reset(&own);
    return status;
}

static pc_status bind_reading(pc_binder *b, const cJSON *select, const reference_rows *rows,
                              reading *r)
{
    pc_scope *scope = pc_schema_scope(&rows->schema, b->scope->catalog, b->arena, b->err);
    if (scope == NULL) return PC_NO_MEMORY;
    pc_binder inner = {.scope = scope, .text = b->text, .arena = b->arena, .err = b->err};
    const cJSON *targets = pc_node_get(select, "targetList");
    if (cJSON_GetArraySize(targets) != 1) {
        return pc_bind_fail(b, pc_node_location(targets), PC_BAD_JOB,
                            "IN (SELECT ...) selects one column");
    }
    const cJSON *target = pc_node_body(cJSON_GetArrayItem(targets, 0));
    PC_TRY(pc_bind_typed(&inner, pc_node_get(target, "val"), &r->value));
    const cJSON *where = pc_node_get(select, "whereClause");
    if (where != NULL) PC_TRY(pc_bind_bool(&inner, where, &r->where));
    return PC_OK;
}

pc_status pc_bind_in_select(pc_binder *b, const cJSON *body, const pc_expr **out)
{
    const char *kind = pc_node_text(body, "subLinkType");
    const int location = pc_node_int(body, "location");
    const cJSON *test = pc_node_get(body, "testexpr");
    const cJSON *operators = pc_node_get(body, "operName");
    if (kind == NULL || strcmp(kind, "ANY_SUBLINK") != 0 || operators != NULL) {
        return pc_bind_fail(b, location, PC_UNSUPPORTED,
                            "a subquery is offered as x IN (SELECT column FROM reference table) "
                            "only");
    }
    const cJSON *select = pc_node_body(pc_node_get(body, "subselect"));
    reference_rows rows = {0};
    reading r = {.b = b, .rows = &rows, .found = {.budget = b->arena->budget}};
    const pc_expr *x;
    PC_TRY(pc_bind_typed(b, test, &x));
    PC_TRY(find_reference(b, select, &rows));
    PC_TRY(bind_reading(b, select, &rows, &r));
    pc_type type;
    uint8_t scale;
    PC_TRY(pc_common_type(b, (const pc_expr *[]){x, r.value}, 2, location, "IN", &type, &scale));
    PC_TRY(pc_bring_to(b, x, type, scale, &x));
    PC_TRY(pc_bring_to(b, r.value, type, scale, &r.value));
    pc_status status = read_rows(&r);
    if (status == PC_OK) {
        const int64_t count = (int64_t)(r.found.bytes / sizeof(pc_value));
        status = pc_make_in(b, x, (const pc_value *)(const void *)r.found.data, count, false,
                            pc_sql_position(b->text, location), out);
    }
    pc_buffer_release(&r.found);
    return status;
}
