// Events on tables: the scan with the predicates of those who use the event.
#include <stdio.h>
#include <string.h>
#include "parcours/function.h"
#include "node.h"

/** The record's columns as expressions of the row, by the names of `schema`. */
static pc_status map_columns(const pc_node *node, const pc_record_schema *schema, pc_arena *arena,
                             const pc_expr ***out, pc_error *err)
{
    const pc_def *def = node->def;
    const pc_table_parts *parts = &node->parts;
    const pc_expr **column = pc_arena_array(arena, (size_t)schema->count, sizeof *column, err);
    if (column == NULL) return PC_NO_MEMORY;
    column[PC_START] = parts->start;
    column[PC_END] = parts->end != NULL || def->end_is_open ? parts->end : parts->start;
    column[PC_CODE_COLUMN] = parts->code;
    column[PC_VALUE_COLUMN] = parts->value;
    for (int i = 0; i < def->keep_count; i++) {
        const int at = pc_record_find(schema, def->keep[i].name);
        if (at >= 0) column[at] = parts->keep[i];
    }
    *out = column;
    return PC_OK;
}

/** The scope in which pushed predicates are bound: names of the record, expressions of the row. */
typedef struct pushed_scope {
    pc_table_scope table; ///< first: callbacks get its address
    int code_system;
} pushed_scope;

static int find_system(pc_scope *base, const pc_expr *expr)
{
    const pushed_scope *scope = base->context;
    if (expr == scope->table.column[PC_CODE_COLUMN]) return scope->code_system;
    return scope->table.row->system == NULL ? -1 : scope->table.row->system(scope->table.row, expr);
}

/** Binds a predicate over the record and adds it to the scan. One that is always true is left out,
 *  one that never is makes the node empty. */
static pc_status add_predicate(pc_nodes *nodes, pc_node *node, const pc_doc *doc,
                               const pc_record_schema *schema, const pc_sql_text *text,
                               pc_error *err)
{
    pushed_scope scope = {.code_system = node->parts.code_system};
    pc_table_scope_open(&scope.table, node->row, doc, nodes->arena);
    scope.table.record = schema;
    const pc_expr **column = NULL;
    PC_TRY(map_columns(node, schema, nodes->arena, &column, err));
    scope.table.column = column;
    scope.table.scope.system = find_system;
    const pc_expr *expr = NULL;
    PC_TRY(pc_bind_expr(&scope.table.scope, text->text, text->path, PC_BOOL, nodes->arena, &expr,
                        err));
    if (expr->kind == PC_EXPR_CONSTANT) {
        if (expr->constant.is_null || expr->constant.integer == 0) node->is_never = true;
        return PC_OK;
    }
    return pc_row_scope_filter(node->row, expr, err);
}

/** in_codes(code, 'a') OR in_codes(code, 'b') ... */
static pc_status add_codes(pc_nodes *nodes, pc_node *node, const pc_def *by, pc_error *err)
{
    pc_buffer text = {.budget = nodes->arena->budget};
    pc_status status = pc_buffer_print(&text, err, "false");
    text.bytes = 0;
    for (int i = 0; i < by->codes_count && status == PC_OK; i++) {
        status = pc_buffer_print(&text, err, "%sin_codes(code, '%s')", i == 0 ? "" : " OR ",
                                 by->codes_name[i]);
    }
    if (status == PC_OK) {
        const pc_sql_text sql = {text.data, by->path};
        status = node->parts.code == NULL
                     ? PC_OK
                     : add_predicate(nodes, node, by->doc, &node->def->typed->out, &sql, err);
        if (node->parts.code == NULL) node->is_never = true;
    }
    pc_buffer_release(&text);
    return status;
}

static pc_status add_dates(pc_nodes *nodes, pc_node *node, const pc_pair *dates, pc_error *err)
{
    for (int end = 0; end < 2; end++) {
        if (end == 0 ? !dates->has_low : !dates->has_high) continue;
        char day[16], sql[64];
        pc_day_format((int32_t)(end == 0 ? dates->low : dates->high), day);
        snprintf(sql, sizeof sql, "start_date %s DATE '%s'", end == 0 ? ">=" : "<=", day);
        const pc_sql_text text = {sql, node->def->path};
        PC_TRY(add_predicate(nodes, node, node->def->doc, &node->def->typed->out, &text, err));
    }
    return PC_OK;
}

/** Columns that the pushed predicates read, besides those that are needed. */
static pc_status find_bound(const pc_nodes *nodes, const pc_node *node, bool **out, pc_error *err)
{
    const pc_record_schema *schema = &node->def->typed->out;
    bool *bound = pc_arena_array(nodes->arena, (size_t)schema->count, sizeof *bound, err);
    if (bound == NULL) return PC_NO_MEMORY;
    memcpy(bound, node->needed, (size_t)schema->count * sizeof *bound);
    if (node->def->codes_count > 0) bound[PC_CODE_COLUMN] = true;
    for (int f = 0; f < node->filter_count; f++) {
        if (node->filter[f].is_codes) {
            bound[PC_CODE_COLUMN] = true;
            continue;
        }
        const pc_typed *by = node->filter[f].by->typed;
        for (int i = 0; i < by->in.count; i++) {
            const int column =
                by->where.used[i] ? pc_record_find(schema, by->in.column[i].name) : -1;
            if (column >= 0) bound[column] = true;
        }
    }
    *out = bound;
    return PC_OK;
}

/** Marks the scan's columns that a record is made from: what only predicates read is not gathered
 *  for the rows that pass. */
static pc_status mark_read(const pc_nodes *nodes, const pc_node *node, pc_error *err)
{
    const pc_def *def = node->def;
    const pc_table_parts *parts = &node->parts;
    pc_scan_plan *plan = pc_row_scope_plan(node->row);
    plan->is_read = pc_arena_array(nodes->arena, (size_t)plan->column_count + 1, sizeof(bool), err);
    if (plan->is_read == NULL) return PC_NO_MEMORY;
    const pc_expr *const of_record[] = {[PC_START] = parts->start,
                                        [PC_END] = parts->end,
                                        [PC_CODE_COLUMN] = parts->code,
                                        [PC_VALUE_COLUMN] = parts->value};
    for (int i = PC_START; i <= PC_VALUE_COLUMN; i++) {
        if (of_record[i] != NULL && node->needed[i]) pc_expr_columns(of_record[i], plan->is_read);
    }
    for (int i = 0; i < def->keep_count; i++) {
        if (parts->keep[i] == NULL || !node->needed[def->typed->keep_column[i]]) continue;
        pc_expr_columns(parts->keep[i], plan->is_read);
    }
    if (node->stay_at >= 0) plan->is_read[node->stay_at] = true;
    return PC_OK;
}

pc_status pc_node_open_table(pc_nodes *nodes, pc_node *node, pc_budget *budget, pc_error *err)
{
    const pc_def *def = node->def;
    bool *bound = NULL;
    PC_TRY(find_bound(nodes, node, &bound, err));
    PC_TRY(pc_row_scope_open(nodes->catalog, def->table, nodes->arena, &node->row, err));
    PC_TRY(pc_table_bind(nodes->loader, def, node->row, bound, &node->parts));
    if (def->codes_count > 0) PC_TRY(add_codes(nodes, node, def, err));
    for (int i = 0; i < node->filter_count; i++) {
        const pc_filter *filter = &node->filter[i];
        if (filter->is_codes) {
            PC_TRY(add_codes(nodes, node, filter->by, err));
        } else {
            PC_TRY(add_predicate(nodes, node, filter->by->doc, &filter->by->typed->in,
                                 &filter->by->where, err));
        }
    }
    if (def->dates.is_given) PC_TRY(add_dates(nodes, node, &def->dates, err));
    if (node->is_never) return PC_OK;
    if (node->parts.where != NULL) PC_TRY(pc_row_scope_filter(node->row, node->parts.where, err));
    const pc_type stay_type = def->typed->out.column[PC_STAY_COLUMN].type;
    if (node->needed[PC_STAY_COLUMN] && stay_type == PC_KEY) {
        int relation = -1, column = -1;
        PC_TRY(pc_row_scope_episode(node->row, &relation, &column, err));
        PC_TRY(pc_row_scope_add(node->row, relation, column, &node->stay_at, err));
    }
    PC_TRY(mark_read(nodes, node, err));
    return pc_scan_open(nodes->catalog, pc_row_scope_plan(node->row), budget, &node->scan, err);
}
