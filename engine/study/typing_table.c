// Events on tables: their SQL over a row and what it points to.
#include <stdio.h>
#include <string.h>
#include "parcours/function.h"
#include "typing.h"

static pc_status find_in_record(pc_table_scope *scope, const char *name, int position,
                                const pc_expr **out, pc_error *err)
{
    for (int i = 0; i < scope->record->count; i++) {
        if (!pc_span_equal_nocase(pc_span_of(scope->record->column[i].name), pc_span_of(name))) {
            continue;
        }
        if (scope->column[i] != NULL) {
            *out = scope->column[i];
            return PC_OK;
        }
        const pc_value value = {.type = PC_NONE, .is_null = true};
        return pc_expr_constant(&value, position, scope->arena, out, err);
    }
    return PC_OK;
}

static pc_status find_column(pc_scope *base, const char *qualifier, const char *name, int position,
                             const pc_expr **out, pc_error *err)
{
    pc_table_scope *scope = base->context;
    *out = NULL;
    if (scope->record != NULL) {
        return qualifier != NULL ? PC_OK : find_in_record(scope, name, position, out, err);
    }
    return scope->row->column(scope->row, qualifier, name, position, out, err);
}

static int list_names(pc_scope *base, const char **name, int capacity)
{
    pc_table_scope *scope = base->context;
    return scope->row->names(scope->row, name, capacity);
}

static const pc_code_set *find_codes(pc_scope *base, const char *name)
{
    const pc_table_scope *scope = base->context;
    return pc_code_set_find(scope->doc, name);
}

static int find_system(pc_scope *base, const pc_expr *expr)
{
    pc_table_scope *scope = base->context;
    return scope->row->system == NULL ? -1 : scope->row->system(scope->row, expr);
}

void pc_table_scope_open(pc_table_scope *scope, pc_row_scope *row, const pc_doc *doc,
                         pc_arena *arena)
{
    *scope = (pc_table_scope){.row = pc_row_scope_scope(row), .doc = doc, .arena = arena};
    scope->scope = (pc_scope){.context = scope,
                              .column = find_column,
                              .names = list_names,
                              .codes = find_codes,
                              .system = find_system,
                              .catalog = scope->row->catalog};
}

pc_status pc_bind_or_tell(pc_loader *loader, pc_scope *scope, const pc_sql_text *text,
                          pc_type wanted, const pc_expr **out)
{
    static const char what[] = "SQL";
    *out = NULL;
    if (text->text == NULL) return PC_OK;
    pc_error why = {0};
    const pc_status status =
        pc_bind_expr(scope, text->text, what, wanted, loader->study->arena, out, &why);
    if (status == PC_OK) return PC_OK;
    *out = NULL;
    if (status != PC_BAD_JOB && status != PC_UNSUPPORTED) {
        return pc_fail(loader->err, status, "%s: %s", text->path, why.text);
    }
    const char *sentence = why.text;
    if (strncmp(sentence, what, sizeof what - 1) == 0 && sentence[sizeof what - 1] == ':') {
        sentence += sizeof what + 1;
    }
    return pc_problem_at(loader, text->path, "sql", "%s", sentence);
}

/** The highest class of the columns that an expression reads. */
static pc_class class_of(const pc_scan_plan *plan, const pc_model *model, const pc_expr *expr,
                         pc_arena *arena)
{
    pc_class highest = PC_CLASS_PLAIN;
    if (expr == NULL || plan->column_count == 0) return highest;
    const pc_arena_mark mark = pc_arena_now(arena);
    bool *used = pc_arena_array(arena, (size_t)plan->column_count, sizeof *used, NULL);
    if (used == NULL) return PC_CLASS_PATIENT;
    pc_expr_columns(expr, used);
    for (int i = 0; i < plan->column_count; i++) {
        if (!used[i]) continue;
        const pc_scan_column *column = &plan->column[i];
        const pc_class class_here =
            column->column < 0
                ? (column->column == PC_SCAN_STATUS ? PC_CLASS_PLAIN : PC_CLASS_PATIENT)
                : model->table[plan->relation[column->relation].table]
                      .column[column->column]
                      .class_of;
        if (class_here > highest) highest = class_here;
        if (plan->field[i].type == PC_TEXT && highest < PC_CLASS_DIRECT_ID) {
            highest = PC_CLASS_DIRECT_ID; // free text may name a person
        }
    }
    pc_arena_rewind(arena, mark);
    return highest;
}

/** Codes are text: a number is cast. */
static pc_status bind_code(pc_loader *loader, pc_table_scope *scope, const pc_sql_text *text,
                           pc_table_parts *out)
{
    out->code_system = -1;
    PC_TRY(pc_bind_or_tell(loader, &scope->scope, text, PC_NONE, &out->code));
    if (out->code == NULL) return PC_OK;
    out->code_system = find_system(&scope->scope, out->code);
    const pc_type type = out->code->type;
    if (type == PC_CODE || type == PC_TEXT || type == PC_ID) return PC_OK;
    pc_buffer cast = {.budget = loader->study->arena->budget};
    pc_status status = pc_buffer_print(&cast, loader->err, "CAST((%s) AS text)", text->text);
    if (status == PC_OK) {
        const pc_sql_text cast_text = {
            pc_arena_text(loader->study->arena, cast.data, cast.bytes, loader->err), text->path};
        status = cast_text.text == NULL
                     ? PC_NO_MEMORY
                     : pc_bind_or_tell(loader, &scope->scope, &cast_text, PC_NONE, &out->code);
    }
    pc_buffer_release(&cast);
    return status;
}

static bool is_wanted(const pc_def *def, const bool *needed, const char *name)
{
    if (needed == NULL) return true;
    const int column = pc_record_find(&def->typed->out, name);
    return column < 0 || needed[column];
}

/** First and last day: as written, else those of the table. */
static pc_status bind_days(pc_loader *loader, const pc_def *def, pc_table_scope *scope,
                           pc_row_scope *row, const bool *needed, pc_table_parts *out)
{
    const pc_model_table *table = &loader->study->model->table[def->table];
    const bool has_start = def->start.text != NULL;
    PC_TRY(pc_bind_or_tell(loader, &scope->scope, &def->start, PC_DATE, &out->start));
    if (!def->end_is_open && is_wanted(def, needed, "end_date")) {
        PC_TRY(pc_bind_or_tell(loader, &scope->scope, &def->end, PC_DATE, &out->end));
    }
    if (has_start) return PC_OK;
    if (table->event_date < 0) {
        return pc_problem_at(loader, def->path, "key",
                             "'start' is missing: table %s has no days of its own", table->name);
    }
    for (int i = 0; i < 2; i++) {
        const int column = i == 0 ? table->event_date : table->event_end;
        const bool own_end = def->end.text != NULL || def->end_is_open;
        if (i == 1 && (own_end || column < 0 || !is_wanted(def, needed, "end_date"))) continue;
        int at = 0;
        PC_TRY(pc_row_scope_add(row, 0, column, &at, loader->err));
        const pc_field field = {.name = table->column[column].name, .type = PC_DATE};
        PC_TRY(pc_expr_column(at, &field, -1, loader->study->arena,
                              i == 0 ? &out->start : &out->end, loader->err));
    }
    return PC_OK;
}

pc_status pc_table_bind(pc_loader *loader, const pc_def *def, pc_row_scope *row, const bool *needed,
                        pc_table_parts *out)
{
    pc_arena *arena = loader->study->arena;
    const pc_model *model = loader->study->model;
    *out = (pc_table_parts){.code_system = -1};
    pc_table_scope scope;
    pc_table_scope_open(&scope, row, def->doc, arena);
    out->keep = pc_arena_array(arena, (size_t)def->keep_count + 1, sizeof *out->keep, loader->err);
    out->keep_class =
        pc_arena_array(arena, (size_t)def->keep_count + 1, sizeof *out->keep_class, loader->err);
    if (out->keep == NULL || out->keep_class == NULL) return PC_NO_MEMORY;
    PC_TRY(pc_bind_or_tell(loader, &scope.scope, &def->where, PC_BOOL, &out->where));
    if (is_wanted(def, needed, "code")) PC_TRY(bind_code(loader, &scope, &def->code, out));
    if (is_wanted(def, needed, "value")) {
        PC_TRY(pc_bind_or_tell(loader, &scope.scope, &def->value, PC_NONE, &out->value));
    }
    PC_TRY(bind_days(loader, def, &scope, row, needed, out));
    for (int i = 0; i < def->keep_count; i++) {
        if (!is_wanted(def, needed, def->keep[i].name)) continue;
        PC_TRY(pc_bind_or_tell(loader, &scope.scope, &def->keep[i].sql, PC_NONE, &out->keep[i]));
    }
    const pc_scan_plan *plan = pc_row_scope_plan(row);
    out->class_of[0] = class_of(plan, model, out->code, arena);
    out->class_of[1] = class_of(plan, model, out->value, arena);
    out->class_of[2] = PC_CLASS_PATIENT;
    for (int i = 0; i < def->keep_count; i++) {
        out->keep_class[i] = class_of(plan, model, out->keep[i], arena);
    }
    return PC_OK;
}
