/** Outputs, groups and order: the nodes above the scan. */
#include <string.h>
#include <strings.h>
#include "parcours/release.h"
#include "plan_private.h"

static pc_status add_output(pc_sql_planner *p, const pc_expr *x, const char *name, int *at)
{
    if (p->output_count == PC_SQL_OUTPUTS) {
        return pc_bind_fail(&p->binder, -1, PC_UNSUPPORTED, "a query has at most %d columns",
                            PC_SQL_OUTPUTS);
    }
    *at = p->output_count++;
    p->output[*at] = x;
    p->field[*at] = (pc_field){name, x->type, x->scale, x->type == PC_ID ? x->width : 0};
    p->is_cell[*at] = pc_sql_has_aggregate(x);
    return PC_OK;
}

static const pc_field PATIENTS = {.name = "patients", .type = PC_INT};

// The name of an output without an alias, as PostgreSQL's FigureColname gives it.
static const char *name_of(const pc_sql_planner *p, const cJSON *node, const pc_expr *x)
{
    const cJSON *body = pc_node_body(node);
    if (pc_node_is(node, "ColumnRef") && x->kind == PC_EXPR_COLUMN) {
        return p->plan->field[x->column].name;
    }
    if (pc_node_is(node, "FuncCall")) return pc_node_name(pc_node_get(body, "funcname"));
    if (pc_node_is(node, "CaseExpr")) return "case";
    if (pc_node_is(node, "CoalesceExpr")) return "coalesce";
    if (pc_node_is(node, "MinMaxExpr")) {
        return strcmp(pc_node_text(body, "op"), "IS_GREATEST") == 0 ? "greatest" : "least";
    }
    if (pc_node_is(node, "TypeCast")) {
        const cJSON *arg = pc_node_get(body, "arg");
        if (pc_node_is(arg, "ColumnRef")) {
            const cJSON *fields = pc_node_get(pc_node_body(arg), "fields");
            return pc_node_name(fields);
        }
        return pc_node_name(pc_node_get(pc_node_get(body, "typeName"), "names"));
    }
    return "?column?";
}

// * and t.*: every column of the tables as written; those of USING once.
static pc_status add_star(pc_sql_planner *p, const char *qualifier, int location)
{
    bool found = false;
    for (int s = 0; s < p->source_count; s++) {
        if (qualifier != NULL && strcasecmp(qualifier, p->source[s].alias) != 0) continue;
        found = true;
        const pc_model_table *t = pc_sql_table(p, s);
        const int first = t->path == PC_PATH_NONE ? 0 : PC_SCAN_PATIENT;
        for (int c = first; c < t->column_count; c++) {
            const char *name = c < 0 ? "patient" : t->column[c].name;
            if (c >= 0 && first < 0 && strcasecmp(name, "patient") == 0) continue;
            pc_sql_place at = {s, c};
            if (qualifier == NULL && s > 0) {
                pc_sql_place owner;
                if (pc_sql_resolve(p, NULL, name, &owner, NULL) == PC_OK && owner.source != s) {
                    continue; // the first table's column of USING stands for it
                }
            }
            const pc_expr *x;
            int output;
            PC_TRY(pc_sql_column(p, at, pc_sql_position(p->binder.text, location), &x));
            PC_TRY(add_output(p, x, name, &output));
        }
    }
    if (found) return PC_OK;
    return pc_bind_fail(&p->binder, location, PC_BAD_JOB, "unknown table %s", qualifier);
}

static pc_status copy_name(pc_sql_planner *p, const char *name, const char **out)
{
    *out = pc_arena_text(p->arena, name, strlen(name), p->err);
    return *out == NULL ? PC_NO_MEMORY : PC_OK;
}

static pc_status bind_target(pc_sql_planner *p, const cJSON *target)
{
    const cJSON *node = pc_node_get(target, "val");
    const int location = pc_node_int(target, "location");
    if (pc_node_is(node, "ColumnRef")) {
        const cJSON *fields = pc_node_get(pc_node_body(node), "fields");
        const int count = cJSON_GetArraySize(fields);
        if (pc_node_is(cJSON_GetArrayItem(fields, count - 1), "A_Star")) {
            const char *qualifier =
                count > 1 ? pc_node_string(cJSON_GetArrayItem(fields, 0)) : NULL;
            return add_star(p, qualifier, location);
        }
    }
    const pc_expr *x;
    const char *name = pc_node_text(target, "name");
    int at;
    PC_TRY(pc_bind_typed(&p->binder, node, &x));
    if (x->type == PC_KEY) {
        return pc_bind_fail(&p->binder, location, PC_BAD_JOB,
                            "a model key can be joined and counted, but not selected");
    }
    PC_TRY(copy_name(p, name != NULL ? name : name_of(p, node, x), &name));
    return add_output(p, x, name, &at);
}

// A whole number from 1 as the place of an output; 0: the node is something else.
static pc_status ordinal_of(pc_sql_planner *p, const cJSON *node, const char *where, int *out)
{
    *out = 0;
    if (!pc_node_is(node, "A_Const")) return PC_OK;
    const cJSON *whole = pc_node_get(pc_node_body(node), "ival");
    const int at = whole == NULL ? 0 : pc_node_int(whole, "ival");
    if (at < 1 || at > p->visible_count) {
        return pc_bind_fail(&p->binder, pc_node_location(node), PC_BAD_JOB,
                            "%s: expected the number of an output column, 1 to %d", where,
                            p->visible_count);
    }
    *out = at;
    return PC_OK;
}

// The visible output of that alias or name, or -1.
static int output_named(const pc_sql_planner *p, const char *name)
{
    for (int i = 0; i < p->visible_count; i++) {
        if (strcasecmp(p->field[i].name, name) == 0) return i;
    }
    return -1;
}

// The bare name of a column node, or NULL.
static const char *bare_name(const cJSON *node)
{
    if (!pc_node_is(node, "ColumnRef")) return NULL;
    const cJSON *fields = pc_node_get(pc_node_body(node), "fields");
    return cJSON_GetArraySize(fields) == 1 ? pc_node_string(cJSON_GetArrayItem(fields, 0)) : NULL;
}

static pc_status add_key(pc_sql_planner *p, const pc_expr *x, int location)
{
    if (pc_sql_has_aggregate(x)) {
        return pc_bind_fail(&p->binder, location, PC_BAD_JOB,
                            "an aggregate is not allowed in GROUP BY");
    }
    for (int i = 0; i < p->key_count; i++) {
        if (pc_expr_equal(p->key[i], x)) return PC_OK;
    }
    if (p->key_count == PC_SQL_OUTPUTS) {
        return pc_bind_fail(&p->binder, location, PC_UNSUPPORTED, "too many keys in GROUP BY");
    }
    p->key[p->key_count++] = x;
    return PC_OK;
}

// GROUP BY: an ordinal, a column of the tables, else an alias, else an expression.
static pc_status bind_keys(pc_sql_planner *p, const cJSON *list)
{
    const cJSON *node;
    cJSON_ArrayForEach(node, list)
    {
        const int location = pc_node_location(node);
        const char *name = bare_name(node);
        int ordinal;
        PC_TRY(ordinal_of(p, node, "GROUP BY", &ordinal));
        if (ordinal == 0 && name != NULL && output_named(p, name) >= 0) {
            pc_sql_place place;
            PC_TRY(pc_sql_resolve(p, NULL, name, &place, p->err));
            if (place.source < 0) ordinal = output_named(p, name) + 1;
        }
        const pc_expr *x;
        if (ordinal > 0) {
            x = p->output[ordinal - 1];
        } else {
            PC_TRY(pc_bind_typed(&p->binder, node, &x));
        }
        PC_TRY(add_key(p, x, location));
    }
    return PC_OK;
}

/** ORDER BY, as places of outputs. */
typedef struct order {
    int count;
    pc_sort_key *key; ///< [count], with room for one more
} order;

// ORDER BY: an ordinal, an alias, else an expression (a hidden output when it is a new one).
static pc_status bind_order(pc_sql_planner *p, const cJSON *list, order *out)
{
    out->key =
        pc_arena_array(p->arena, (size_t)cJSON_GetArraySize(list) + 1, sizeof *out->key, p->err);
    if (out->key == NULL) return PC_NO_MEMORY;
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        const cJSON *body = pc_node_body(item);
        const cJSON *node = pc_node_get(body, "node");
        const char *direction = pc_node_text(body, "sortby_dir");
        const char *nulls = pc_node_text(body, "sortby_nulls");
        const char *name = bare_name(node);
        int at;
        PC_TRY(ordinal_of(p, node, "ORDER BY", &at));
        at--;
        if (at < 0 && name != NULL) at = output_named(p, name);
        if (at < 0) {
            const pc_expr *x;
            PC_TRY(pc_bind_typed(&p->binder, node, &x));
            if (x->type == PC_KEY) {
                return pc_bind_fail(&p->binder, pc_node_location(node), PC_BAD_JOB,
                                    "a model key has no order");
            }
            for (int i = 0; i < p->output_count && at < 0; i++) {
                if (pc_expr_equal(p->output[i], x)) at = i;
            }
            if (at < 0) PC_TRY(add_output(p, x, "?order?", &at));
        }
        if (strcmp(direction, "SORTBY_USING") == 0) {
            return pc_bind_fail(&p->binder, pc_node_location(node), PC_UNSUPPORTED,
                                "ORDER BY USING is not offered");
        }
        const bool descending = strcmp(direction, "SORTBY_DESC") == 0;
        const bool first = strcmp(nulls, "SORTBY_NULLS_FIRST") == 0 ||
                           (descending && strcmp(nulls, "SORTBY_NULLS_DEFAULT") == 0);
        out->key[out->count++] = (pc_sort_key){at, descending, first};
    }
    return PC_OK;
}

static pc_status bind_count(pc_sql_planner *p, const cJSON *node, const char *what, int64_t none,
                            int64_t *out)
{
    const pc_expr *x;
    *out = none;
    if (node == NULL) return PC_OK;
    PC_TRY(pc_bind_node(&p->binder, node, &x));
    if (pc_is_bare_null(x)) return PC_OK;
    if (x->kind != PC_EXPR_CONSTANT || x->type != PC_INT || x->constant.integer < 0) {
        return pc_bind_fail(&p->binder, pc_node_location(node), PC_BAD_JOB,
                            "%s: expected a whole number from 0", what);
    }
    *out = x->constant.integer;
    return PC_OK;
}

static pc_status add_node(pc_sql_planner *p, const pc_plan *made, const pc_plan **root)
{
    pc_plan *node = pc_arena_take(p->arena, sizeof *node, p->err);
    if (node == NULL) return PC_NO_MEMORY;
    *node = *made;
    node->input = *root;
    *root = node;
    return PC_OK;
}

static pc_status add_aggregation(pc_sql_planner *p, const pc_plan **root)
{
    const int count = p->key_count + p->aggregate_count;
    pc_field *field = pc_arena_array(p->arena, (size_t)count + 1, sizeof *field, p->err);
    if (field == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < p->key_count; i++) {
        const pc_expr *x = p->key[i];
        const char *name = x->kind == PC_EXPR_COLUMN ? p->plan->field[x->column].name : "key";
        field[i] = (pc_field){name, x->type, x->scale, x->type == PC_ID ? x->width : 0};
    }
    for (int i = 0; i < p->aggregate_count; i++) {
        field[p->key_count + i] = p->aggregate[i].field;
    }
    const pc_plan made = {.kind = PC_PLAN_AGGREGATE,
                          .schema = {count, field},
                          .of.aggregate = {p->key_count, p->key, p->aggregate_count, p->aggregate}};
    return add_node(p, &made, root);
}

static pc_status add_projection(pc_sql_planner *p, const pc_plan **root)
{
    for (int i = 0; i < p->output_count && p->is_grouped; i++) {
        PC_TRY(pc_sql_after_group(p, p->output[i], &p->output[i]));
    }
    const pc_plan made = {.kind = PC_PLAN_PROJECT,
                          .schema = {p->output_count, p->field},
                          .of.project = {p->output_count, p->output}};
    return add_node(p, &made, root);
}

static pc_status add_having(pc_sql_planner *p, const pc_expr *having, const pc_plan **root)
{
    const pc_expr *predicate;
    if (having == NULL) return PC_OK;
    PC_TRY(pc_sql_after_group(p, having, &predicate));
    const pc_plan made = {
        .kind = PC_PLAN_FILTER, .schema = (*root)->schema, .of.filter = {predicate}};
    return add_node(p, &made, root);
}

// Nothing behind the aggregation sees the cells of few patients.
static pc_status add_hiding(pc_sql_planner *p, const pc_expr *patients, const pc_plan **root)
{
    const pc_schema *in = &(*root)->schema;
    const int count = in->field_count;
    pc_field *field = pc_arena_array(p->arena, (size_t)count + 1, sizeof *field, p->err);
    if (field == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < count; i++) {
        field[i] = in->field[i];
    }
    field[count] = PATIENTS;
    const pc_expr *behind;
    PC_TRY(pc_sql_after_group(p, patients, &behind));
    const pc_plan made = {.kind = PC_PLAN_HIDE,
                          .schema = {count + 1, field},
                          .of.hide = {p->key_count, behind, PC_MIN_PATIENTS - 1}};
    return add_node(p, &made, root);
}

// 0 < patients < 11.
static pc_status make_few(pc_sql_planner *p, const pc_expr *patients, const pc_expr **out)
{
    const pc_expr *bound[2];
    const pc_expr *both[2];
    pc_binder *b = &p->binder;
    PC_TRY(pc_make_int(b, 0, &bound[0]));
    PC_TRY(pc_make_int(b, PC_MIN_PATIENTS, &bound[1]));
    PC_TRY(pc_make_compare(b, PC_FN_LESS, bound[0], patients, 0, -1, &both[0]));
    PC_TRY(pc_make_compare(b, PC_FN_LESS, patients, bound[1], 0, -1, &both[1]));
    return pc_make_call(b, PC_FN_AND, PC_BOOL, 0, 0, both, 2, NULL, out);
}

// Groups shown without a single cell (DISTINCT, a bare GROUP BY) would be rows of few patients with
// nothing to suppress in them: those of 1 to 10 leave.
static pc_status drop_few(pc_sql_planner *p, const pc_expr *patients, const pc_expr **having)
{
    for (int i = 0; i < p->visible_count; i++) {
        if (p->is_cell[i]) return PC_OK;
    }
    const pc_expr *few;
    const pc_expr *both[2] = {*having, NULL};
    PC_TRY(make_few(p, patients, &few));
    PC_TRY(pc_make_call(&p->binder, PC_FN_NOT, PC_BOOL, 0, 0, &few, 1, NULL, &both[1]));
    if (*having != NULL) {
        return pc_make_call(&p->binder, PC_FN_AND, PC_BOOL, 0, 0, both, 2, NULL, having);
    }
    *having = both[1];
    return PC_OK;
}

// Hidden cells come last, whatever ORDER BY says of nulls, and before their own values (of an
// expression that makes something of null) could decide.
static pc_status put_hidden_last(pc_sql_planner *p, const pc_expr *patients, order *out)
{
    int at = 0;
    while (at < out->count && !p->is_cell[out->key[at].column]) {
        at++;
    }
    if (at == out->count) return PC_OK;
    const pc_expr *is_few;
    int column = -1;
    PC_TRY(make_few(p, patients, &is_few));
    PC_TRY(add_output(p, is_few, "?hidden?", &column));
    memmove(&out->key[at + 1], &out->key[at], (size_t)(out->count - at) * sizeof out->key[0]);
    out->key[at] = (pc_sort_key){.column = column};
    out->count++;
    return PC_OK;
}

// DISTINCT is a group by all that is shown: each row then knows its patients.
static pc_status bind_distinct(pc_sql_planner *p, const cJSON *select)
{
    const cJSON *distinct = pc_node_get(select, "distinctClause");
    if (distinct == NULL) return PC_OK;
    const bool on =
        cJSON_GetArraySize(distinct) > 0 && cJSON_GetArrayItem(distinct, 0)->child != NULL;
    if (on) return pc_bind_fail(&p->binder, -1, PC_UNSUPPORTED, "DISTINCT ON is not offered");
    if (p->is_grouped) {
        return pc_bind_fail(&p->binder, -1, PC_UNSUPPORTED,
                            "SELECT DISTINCT with aggregates or GROUP BY is not offered");
    }
    if (p->output_count > p->visible_count) {
        return pc_bind_fail(&p->binder, -1, PC_BAD_JOB,
                            "with SELECT DISTINCT, ORDER BY takes output columns only");
    }
    p->is_grouped = true;
    for (int i = 0; i < p->visible_count; i++) {
        PC_TRY(add_key(p, p->output[i], -1));
    }
    return PC_OK;
}

static void note_traits(pc_sql_planner *p)
{
    for (int i = 0; i < p->output_count; i++) {
        if (!p->is_grouped) pc_sql_note_identifiers(p, p->output[i]);
    }
    for (int i = 0; i < p->key_count; i++) {
        pc_sql_note_identifiers(p, p->key[i]);
    }
    for (int i = 0; i < p->plan->filter_count; i++) {
        pc_sql_note_chosen(p, p->plan->filter[i]);
    }
    for (int i = 0; i < p->plan->relation_count; i++) {
        if (p->plan->relation[i].on != NULL) pc_sql_note_chosen(p, p->plan->relation[i].on);
    }
    for (int i = 0; i < p->aggregate_count; i++) {
        if (p->aggregate[i].filter != NULL) pc_sql_note_chosen(p, p->aggregate[i].filter);
        if (p->aggregate[i].arg != NULL) pc_sql_note_chosen(p, p->aggregate[i].arg);
    }
    p->traits.returns_rows = p->traits.reads_patients && !p->is_grouped;
}

/** What is read of the SELECT before nodes are made. */
typedef struct parts {
    const pc_expr *having;
    order order;
    int64_t limit, offset;
    const pc_expr *behind; ///< the patients of a group; NULL: not of patients
    int patients;          ///< their output, or -1
} parts;

static pc_status bind_parts(pc_sql_planner *p, const cJSON *select, parts *out)
{
    const cJSON *target;
    p->binder.aggregate = pc_sql_bind_aggregate;
    p->binder.context = p;
    cJSON_ArrayForEach(target, pc_node_get(select, "targetList"))
    {
        PC_TRY(bind_target(p, pc_node_body(target)));
    }
    p->visible_count = p->output_count;
    if (p->visible_count == 0) {
        return pc_bind_fail(&p->binder, -1, PC_BAD_JOB, "expected at least one column to select");
    }
    const cJSON *group = pc_node_get(select, "groupClause");
    const cJSON *having = pc_node_get(select, "havingClause");
    PC_TRY(bind_keys(p, group));
    if (having != NULL) PC_TRY(pc_bind_bool(&p->binder, having, &out->having));
    PC_TRY(bind_order(p, pc_node_get(select, "sortClause"), &out->order));
    p->binder.aggregate = NULL;
    PC_TRY(bind_count(p, pc_node_get(select, "limitCount"), "LIMIT", -1, &out->limit));
    PC_TRY(bind_count(p, pc_node_get(select, "limitOffset"), "OFFSET", 0, &out->offset));
    p->is_grouped = group != NULL || having != NULL || p->aggregate_count > 0;
    PC_TRY(bind_distinct(p, select));
    out->patients = -1;
    if (!p->is_grouped || !p->traits.reads_patients) return PC_OK;
    PC_TRY(pc_sql_patients(p, &out->behind));
    const pc_expr *patients = out->behind;
    if (p->protect) { // the column that hiding adds behind the last aggregate
        PC_TRY(pc_expr_column(PC_SQL_AGGREGATE + p->aggregate_count, &PATIENTS, 0, p->arena,
                              &patients, p->err));
        PC_TRY(drop_few(p, patients, &out->having));
        PC_TRY(put_hidden_last(p, patients, &out->order));
    }
    return add_output(p, patients, PATIENTS.name, &out->patients);
}

pc_status pc_sql_plan_select(pc_sql_planner *p, const cJSON *select, const pc_plan *scan,
                             pc_query *out)
{
    parts it = {0};
    PC_TRY(bind_parts(p, select, &it));
    note_traits(p);
    const pc_plan *root = scan;
    // The scan's columns are all known only now.
    ((pc_plan *)scan)->schema = (pc_schema){p->plan->column_count, p->plan->field};
    if (p->is_grouped) {
        PC_TRY(add_aggregation(p, &root));
        if (p->protect && it.behind != NULL) PC_TRY(add_hiding(p, it.behind, &root));
        PC_TRY(add_having(p, it.having, &root));
    }
    PC_TRY(add_projection(p, &root));
    const pc_plan sort = {.kind = PC_PLAN_SORT,
                          .schema = root->schema,
                          .of.sort = {it.order.count, it.order.key, it.limit, it.offset}};
    PC_TRY(add_node(p, &sort, &root));
    *out = (pc_query){.root = root,
                      .is_cell = p->is_cell,
                      .visible_count = p->visible_count,
                      .patients_column = it.patients,
                      .traits = p->traits};
    return PC_OK;
}
