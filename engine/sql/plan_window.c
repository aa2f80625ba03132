/** Window functions of a SELECT: what rows a window has, and the nodes that compute them, between
 * the conditions and the outputs. A window of patients' rows lies within a patient: then each rank
 *  computes it for its own slots. */
#include <string.h>
#include "plan_private.h"
#include "sql_window.h"

struct pc_sql_window {
    int partition_count;
    const pc_expr **partition; ///< [partition_count] over the planner's columns
    const pc_expr *slot_key;   ///< the patient's key among them, or NULL
    int order_count;
    const pc_expr **order; ///< [order_count]
    pc_sort_key *direction;
    int call_count;
    pc_window_call *call; ///< [PC_SQL_WINDOW_CALLS]
    int *number;          ///< [call_count] of the call among all of the SELECT
};

// WINDOW w AS (...), by name.
static const cJSON *find_named(const pc_sql_planner *p, const char *name)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, p->window_clause)
    {
        const cJSON *body = pc_node_body(item);
        const char *its = pc_node_text(body, "name");
        if (its != NULL && strcmp(its, name) == 0) return body;
    }
    return NULL;
}

// OVER w stands for its definition, OVER (w ORDER BY ...) for its partition.
static pc_status find_base(pc_sql_planner *p, const cJSON *over, const cJSON **base)
{
    const char *name = pc_node_text(over, "name");
    const char *of = name != NULL ? name : pc_node_text(over, "refname");
    *base = over;
    if (of == NULL) return PC_OK;
    *base = find_named(p, of);
    if (*base != NULL && pc_node_text(*base, "refname") == NULL) return PC_OK;
    return pc_bind_fail(
        &p->binder, pc_node_int(over, "location"), *base == NULL ? PC_BAD_JOB : PC_UNSUPPORTED,
        *base == NULL ? "unknown window %s" : "the window %s is made of another one", of);
}

// A value that rows are put together or in order by.
static pc_status bind_value(pc_sql_planner *p, const cJSON *node, const pc_expr **out)
{
    PC_TRY(pc_bind_typed(&p->binder, node, out));
    return PC_OK;
}

// Is this the patient, by text or by number: then its number.
static pc_status note_patient(pc_sql_planner *p, const pc_expr *x, pc_sql_window *w)
{
    if (x->kind != PC_EXPR_COLUMN || x->column >= p->column_count || w->slot_key != NULL) {
        return PC_OK;
    }
    const pc_sql_place place = p->column[x->column];
    if (place.source < 0 || pc_sql_is_guest(p, place.source)) return PC_OK;
    if (x->type == PC_KEY) {
        w->slot_key = x;
        return PC_OK;
    }
    const pc_sql_place key = pc_sql_patient_key(p, place);
    return key.source < 0 ? PC_OK : pc_sql_column(p, key, 0, &w->slot_key);
}

static pc_status bind_partition(pc_sql_planner *p, const cJSON *list, pc_sql_window *w)
{
    const size_t count = (size_t)cJSON_GetArraySize(list);
    w->partition = pc_arena_array(p->arena, count + 1, sizeof *w->partition, p->err);
    if (w->partition == NULL) return PC_NO_MEMORY;
    const cJSON *node;
    cJSON_ArrayForEach(node, list)
    {
        const pc_expr *x;
        PC_TRY(bind_value(p, node, &x));
        const pc_expr *before = w->slot_key;
        if (p->people == PC_SQL_ONE) PC_TRY(note_patient(p, x, w));
        // The number of a patient stands for its text.
        w->partition[w->partition_count++] = w->slot_key != before ? w->slot_key : x;
    }
    return PC_OK;
}

static pc_status bind_order(pc_sql_planner *p, const cJSON *list, pc_sql_window *w)
{
    const size_t count = (size_t)cJSON_GetArraySize(list);
    w->order = pc_arena_array(p->arena, count + 1, sizeof *w->order, p->err);
    w->direction = pc_arena_array(p->arena, count + 1, sizeof *w->direction, p->err);
    if (w->order == NULL || w->direction == NULL) return PC_NO_MEMORY;
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        const cJSON *body = pc_node_body(item);
        const char *direction = pc_node_text(body, "sortby_dir");
        const char *nulls = pc_node_text(body, "sortby_nulls");
        const cJSON *node = pc_node_get(body, "node");
        PC_TRY(bind_value(p, node, &w->order[w->order_count]));
        if (w->order[w->order_count]->type == PC_KEY || strcmp(direction, "SORTBY_USING") == 0) {
            return pc_bind_fail(&p->binder, pc_node_location(node), PC_BAD_JOB,
                                "this has no order");
        }
        const bool descending = strcmp(direction, "SORTBY_DESC") == 0;
        const bool first = strcmp(nulls, "SORTBY_NULLS_FIRST") == 0 ||
                           (descending && strcmp(nulls, "SORTBY_NULLS_DEFAULT") == 0);
        w->direction[w->order_count++] = (pc_sort_key){0, descending, first};
    }
    return PC_OK;
}

static bool same_window(const pc_sql_window *a, const pc_sql_window *b)
{
    if (a->partition_count != b->partition_count || a->order_count != b->order_count) return false;
    for (int i = 0; i < a->partition_count; i++) {
        if (!pc_expr_equal(a->partition[i], b->partition[i])) return false;
    }
    for (int i = 0; i < a->order_count; i++) {
        if (!pc_expr_equal(a->order[i], b->order[i]) ||
            a->direction[i].descending != b->direction[i].descending ||
            a->direction[i].nulls_first != b->direction[i].nulls_first) {
            return false;
        }
    }
    return true;
}

// The window among those of the SELECT: a new one when there is no equal one.
static pc_status keep_window(pc_sql_planner *p, const pc_sql_window *made, int location,
                             pc_sql_window **out)
{
    for (int i = 0; i < p->window_count; i++) {
        *out = p->window[i];
        if (same_window(*out, made)) return PC_OK;
    }
    if (p->window_count == PC_SQL_WINDOWS) {
        return pc_bind_fail(&p->binder, location, PC_UNSUPPORTED,
                            "a query has at most %d different windows", PC_SQL_WINDOWS);
    }
    pc_sql_window *w = pc_arena_take(p->arena, sizeof *w, p->err);
    if (w == NULL) return PC_NO_MEMORY;
    *w = *made;
    w->call = pc_arena_array(p->arena, PC_SQL_WINDOW_CALLS, sizeof *w->call, p->err);
    w->number = pc_arena_array(p->arena, PC_SQL_WINDOW_CALLS, sizeof *w->number, p->err);
    if (w->call == NULL || w->number == NULL) return PC_NO_MEMORY;
    p->window[p->window_count++] = w;
    *out = w;
    return PC_OK;
}

static pc_status bind_window(pc_sql_planner *p, const cJSON *over, int location,
                             pc_sql_window **out, pc_frame *frame)
{
    const cJSON *base;
    pc_sql_window made = {.partition_count = 0};
    PC_TRY(find_base(p, over, &base));
    const bool is_name = pc_node_text(over, "name") != NULL;
    const cJSON *order = pc_node_get(base, "orderClause");
    if (order == NULL || is_name) order = pc_node_get(is_name ? base : over, "orderClause");
    PC_TRY(bind_partition(p, pc_node_get(base, "partitionClause"), &made));
    PC_TRY(bind_order(p, order, &made));
    if (p->people == PC_SQL_ONE && made.slot_key == NULL) {
        return pc_bind_fail(&p->binder, location, PC_UNSUPPORTED,
                            "a window over rows of patients lies within a patient: write PARTITION "
                            "BY patient");
    }
    PC_TRY(pc_bind_frame(&p->binder, is_name ? base : over,
                         made.order_count > 0 ? made.order[0] : NULL, made.order_count, frame));
    return keep_window(p, &made, location, out);
}

static pc_status bind_call(pc_sql_planner *p, const cJSON *call, const char *name,
                           const pc_expr **out)
{
    const int location = pc_node_int(call, "location");
    pc_window_call made = {.field = {.name = pc_arena_text(p->arena, name, strlen(name), p->err)}};
    if (made.field.name == NULL) return PC_NO_MEMORY;
    pc_sql_window *w = NULL;
    PC_TRY(pc_bind_window_function(&p->binder, call, made.field.name, &made));
    PC_TRY(bind_window(p, pc_node_get(call, "over"), location, &w, &made.frame));
    if (p->window_call_count == PC_SQL_WINDOW_CALLS) {
        return pc_bind_fail(&p->binder, location, PC_UNSUPPORTED,
                            "a query has at most %d window functions", PC_SQL_WINDOW_CALLS);
    }
    const int number = p->window_call_count++;
    w->number[w->call_count] = number;
    w->call[w->call_count++] = made;
    p->window_info[number] = (pc_sql_info){.system = -1, .patient_key = -1};
    const pc_expr *shown = made.arg != NULL ? made.arg : made.aggregate.arg;
    const bool shows =
        made.arg != NULL || made.aggregate.function == PC_MIN || made.aggregate.function == PC_MAX;
    if (shown != NULL && shows) {
        p->window_info[number] = pc_sql_info_of_expr(p, shown);
        p->window_info[number].patient_key = -1;
    }
    // Over groups it is made of cells.
    if (p->people == PC_SQL_GROUPS) p->window_info[number].is_cell = true;
    return pc_expr_column(PC_SQL_WINDOW + number, &made.field,
                          pc_sql_position(p->binder.text, location), p->arena, out, p->err);
}

pc_status pc_sql_bind_window(pc_binder *b, const cJSON *call, const char *name, const pc_expr **out)
{
    pc_sql_planner *p = b->context;
    // Neither aggregates of the SELECT nor other window functions stand inside.
    pc_status (*aggregate)(pc_binder *, const cJSON *, const char *, const pc_expr **) =
        b->aggregate;
    b->aggregate = NULL;
    b->window = NULL;
    const pc_status status = bind_call(p, call, name, out);
    b->aggregate = aggregate;
    b->window = pc_sql_bind_window;
    return status;
}

pc_status pc_sql_check_windows(pc_sql_planner *p, bool is_distinct)
{
    if (p->window_call_count == 0) return PC_OK;
    const char *what = p->is_grouped        ? "GROUP BY, HAVING or an aggregate"
                       : is_distinct        ? "DISTINCT"
                       : p->outer_count > 0 ? "conditions on the query around"
                                            : NULL;
    if (what == NULL) return PC_OK;
    return pc_bind_fail(&p->binder, -1, PC_UNSUPPORTED,
                        "window functions beside %s are not offered: put one of them in a subquery "
                        "in FROM",
                        what);
}

/** The columns under a window node: those of the input, then computed ones. */
typedef struct columns {
    int count;
    pc_field *field;
    const pc_expr **expr;
} columns;

static pc_status open_columns(pc_sql_planner *p, const pc_plan *root, int more, columns *c)
{
    const size_t most = (size_t)(root->schema.field_count + more) + 1;
    *c = (columns){.field = pc_arena_array(p->arena, most, sizeof *c->field, p->err),
                   .expr = pc_arena_array(p->arena, most, sizeof *c->expr, p->err)};
    if (c->field == NULL || c->expr == NULL) return PC_NO_MEMORY;
    for (; c->count < root->schema.field_count; c->count++) {
        c->field[c->count] = root->schema.field[c->count];
        PC_TRY(
            pc_expr_column(c->count, &c->field[c->count], 0, p->arena, &c->expr[c->count], p->err));
    }
    return PC_OK;
}

// Where a value is found: a column that is there, or one computed behind them.
static pc_status column_of(pc_sql_planner *p, const pc_sql_tree *tree, const pc_expr *x, columns *c,
                           int *at)
{
    const pc_expr *placed;
    PC_TRY(pc_sql_place_expr(p, tree, x, &placed));
    if (placed->kind == PC_EXPR_COLUMN) {
        *at = placed->column;
        return PC_OK;
    }
    *at = c->count;
    c->field[c->count] =
        (pc_field){"key", placed->type, placed->scale, placed->type == PC_ID ? placed->width : 0};
    c->expr[c->count++] = placed;
    return PC_OK;
}

static pc_status place_call(pc_sql_planner *p, const pc_sql_tree *tree, pc_window_call *call)
{
    const pc_expr **part[] = {&call->arg, &call->second, &call->missing, &call->aggregate.arg,
                              &call->aggregate.filter};
    for (size_t i = 0; i < sizeof part / sizeof part[0]; i++) {
        if (*part[i] != NULL) PC_TRY(pc_sql_place_expr(p, tree, *part[i], part[i]));
    }
    return PC_OK;
}

static pc_status add_window(pc_sql_planner *p, const pc_sql_tree *tree, const pc_sql_window *w,
                            const pc_plan **root)
{
    columns c;
    PC_TRY(open_columns(p, *root, w->partition_count + w->order_count + w->call_count, &c));
    int *partition =
        pc_arena_array(p->arena, (size_t)w->partition_count + 1, sizeof *partition, p->err);
    pc_sort_key *order =
        pc_arena_array(p->arena, (size_t)w->order_count + 1, sizeof *order, p->err);
    if (partition == NULL || order == NULL) return PC_NO_MEMORY;
    pc_plan made = {.kind = PC_PLAN_WINDOW};
    for (int i = 0; i < w->partition_count; i++) {
        PC_TRY(column_of(p, tree, w->partition[i], &c, &partition[i]));
        if (w->partition[i] == w->slot_key) made.patient = partition[i];
    }
    for (int i = 0; i < w->order_count; i++) {
        order[i] = w->direction[i];
        PC_TRY(column_of(p, tree, w->order[i], &c, &order[i].column));
    }
    if (c.count > (*root)->schema.field_count) {
        const pc_plan project = {
            .kind = PC_PLAN_PROJECT, .schema = {c.count, c.field}, .of.project = {c.count, c.expr}};
        PC_TRY(pc_sql_add_node(p->job, &project, root));
    }
    pc_field *field =
        pc_arena_array(p->arena, (size_t)(c.count + w->call_count) + 1, sizeof *field, p->err);
    if (field == NULL) return PC_NO_MEMORY;
    memcpy(field, c.field, (size_t)c.count * sizeof *field);
    for (int i = 0; i < w->call_count; i++) {
        PC_TRY(place_call(p, tree, &w->call[i]));
        field[c.count + i] = w->call[i].field;
        p->window_column[w->number[i]] = c.count + i;
    }
    made.by_slot = w->slot_key != NULL && (*root)->spread == PC_SPREAD_SLOTS;
    made.schema = (pc_schema){c.count + w->call_count, field};
    made.of.window.partition_count = w->partition_count;
    made.of.window.partition = partition;
    made.of.window.order_count = w->order_count;
    made.of.window.order = order;
    made.of.window.call_count = w->call_count;
    made.of.window.call = w->call;
    return pc_sql_add_node(p->job, &made, root);
}

pc_status pc_sql_add_windows(pc_sql_planner *p, const pc_sql_tree *tree, const pc_plan **root)
{
    for (int i = 0; i < p->window_count; i++) {
        PC_TRY(add_window(p, tree, p->window[i], root));
    }
    return PC_OK;
}

/** Places of columns, and of results of window functions. */
typedef struct placing {
    pc_sql_planner *p;
    const pc_sql_tree *tree;
} placing;

static pc_status place_column(void *context, const pc_expr *x, const pc_expr **out)
{
    const placing *at = context;
    if (x->column < PC_SQL_WINDOW || x->column >= PC_SQL_OUTER) {
        return pc_sql_place_expr(at->p, at->tree, x, out);
    }
    pc_expr *made = pc_arena_take(at->p->arena, sizeof *made, at->p->err);
    if (made == NULL) return PC_NO_MEMORY;
    *made = *x;
    made->column = at->p->window_column[x->column - PC_SQL_WINDOW];
    *out = made;
    return PC_OK;
}

pc_status pc_sql_place_windows(pc_sql_planner *p, const pc_sql_tree *tree, const pc_expr *x,
                               const pc_expr **out)
{
    placing at = {p, tree};
    return pc_sql_rewrite(p->job, x, place_column, &at, out);
}
