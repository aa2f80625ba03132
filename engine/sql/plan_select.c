/** Groups, outputs and order: the nodes above the tree of FROM. */
#include <string.h>
#include "parcours/release.h"
#include "plan_private.h"
#include "sql_aggregate.h"

static const pc_field PATIENTS = {.name = "patients", .type = PC_INT};

/** What is read of the SELECT before nodes are made. */
typedef struct parts {
    const pc_expr *having;
    pc_sql_order order;
    int64_t limit, offset;
    const pc_expr *behind; ///< the patients of a row, or of a group; NULL: not known, not needed
    int patients;          ///< their output, or -1
    bool is_distinct;      ///< of the outputs of groups: a second grouping
    int visible_count;
} parts;

static pc_status add_node(pc_sql_planner *p, const pc_plan *made, const pc_plan **root)
{
    return pc_sql_add_node(p->job, made, root);
}

static int keys_and_set(const pc_sql_planner *p)
{
    return p->key_count + (p->set_count > 0);
}

static pc_field field_of_expr(const char *name, const pc_expr *x)
{
    return (pc_field){name, x->type, x->scale, x->type == PC_ID ? x->width : 0};
}

// Each row once a grouping set: the keys first, so that they can be null, then all columns as they
// are, for the aggregates.
static pc_status add_sets(pc_sql_planner *p, const pc_plan **root)
{
    const pc_schema *in = &(*root)->schema;
    const int keys = p->key_count;
    const int count = keys + in->field_count;
    const pc_expr **expr = pc_arena_array(p->arena, (size_t)count + 1, sizeof *expr, p->err);
    pc_field *field = pc_arena_array(p->arena, (size_t)count + 2, sizeof *field, p->err);
    if (expr == NULL || field == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < count; i++) {
        if (i < keys) {
            expr[i] = p->placed_key[i];
            field[i] = field_of_expr("key", expr[i]);
            continue;
        }
        field[i] = in->field[i - keys];
        PC_TRY(pc_expr_column(i - keys, &field[i], 0, p->arena, &expr[i], p->err));
    }
    const pc_plan project = {
        .kind = PC_PLAN_PROJECT, .schema = {count, field}, .of.project = {count, expr}};
    PC_TRY(add_node(p, &project, root));
    field[count] = (pc_field){.name = "set", .type = PC_INT};
    const pc_plan expand = {.kind = PC_PLAN_EXPAND,
                            .schema = {count + 1, field},
                            .of.expand = {keys, p->set_count, p->set}};
    PC_TRY(add_node(p, &expand, root));
    for (int i = 0; i < keys; i++) {
        PC_TRY(pc_expr_column(i, &field[i], 0, p->arena, &p->placed_key[i], p->err));
    }
    return pc_expr_column(count, &field[count], 0, p->arena, &p->placed_key[keys], p->err);
}

static pc_status shift_column(void *context, const pc_expr *x, const pc_expr **out)
{
    pc_sql_planner *p = context;
    pc_expr *made = pc_arena_take(p->arena, sizeof *made, p->err);
    if (made == NULL) return PC_NO_MEMORY;
    *made = *x;
    made->column += p->key_count;
    *out = made;
    return PC_OK;
}

// Arguments and filters of aggregates over the tree's columns, behind the keys of grouping sets.
static pc_status place_aggregates(pc_sql_planner *p, const pc_sql_tree *tree, pc_aggregate *out)
{
    for (int i = 0; i < p->aggregate_count; i++) {
        out[i] = p->aggregate[i];
        const pc_expr **part[] = {&out[i].arg, &out[i].filter};
        for (int k = 0; k < 2; k++) {
            if (*part[k] == NULL) continue;
            PC_TRY(pc_sql_place_expr(p, tree, *part[k], part[k]));
            if (p->set_count == 0) continue;
            PC_TRY(pc_sql_rewrite(p->job, *part[k], shift_column, p, part[k]));
        }
    }
    return PC_OK;
}

static int empty_set(const pc_sql_planner *p)
{
    for (int i = 0; i < p->set_count; i++) {
        if (p->set[i] == 0) return i;
    }
    return -1;
}

static pc_status add_aggregation(pc_sql_planner *p, const pc_sql_tree *tree, const pc_plan **root)
{
    const int keys = keys_and_set(p);
    const int count = keys + p->aggregate_count;
    pc_field *field = pc_arena_array(p->arena, (size_t)count + 1, sizeof *field, p->err);
    pc_aggregate *aggregate =
        pc_arena_array(p->arena, (size_t)p->aggregate_count + 1, sizeof *aggregate, p->err);
    p->placed_key = pc_arena_array(p->arena, (size_t)keys + 1, sizeof *p->placed_key, p->err);
    if (field == NULL || aggregate == NULL || p->placed_key == NULL) return PC_NO_MEMORY;
    pc_plan made = {.kind = PC_PLAN_AGGREGATE, .by_slot = p->slot_key != NULL};
    for (int i = 0; i < p->key_count; i++) {
        PC_TRY(pc_sql_place_expr(p, tree, p->key[i], &p->placed_key[i]));
        if (p->key[i] == p->slot_key) made.patient = p->placed_key[i]->column;
    }
    if (p->set_count > 0) PC_TRY(add_sets(p, root));
    PC_TRY(place_aggregates(p, tree, aggregate));
    for (int i = 0; i < keys; i++) {
        const pc_expr *x = i < p->key_count ? p->key[i] : p->placed_key[i];
        const bool is_column = i < p->key_count && x->kind == PC_EXPR_COLUMN;
        field[i] = field_of_expr(is_column ? p->field[x->column].name : "key", x);
    }
    for (int i = 0; i < p->aggregate_count; i++) {
        field[keys + i] = p->aggregate[i].field;
    }
    made.schema = (pc_schema){count, field};
    made.of.aggregate.key_count = keys;
    made.of.aggregate.key = p->placed_key;
    made.of.aggregate.aggregate_count = p->aggregate_count;
    made.of.aggregate.aggregate = aggregate;
    made.of.aggregate.has_empty_set = empty_set(p) >= 0;
    made.of.aggregate.empty_set = empty_set(p);
    return add_node(p, &made, root);
}

static pc_status settle(pc_sql_planner *p, const pc_sql_tree *tree, const pc_expr *x,
                        const pc_expr **out)
{
    if (p->is_grouped) return pc_sql_after_group(p, x, out);
    return pc_sql_place_windows(p, tree, x, out);
}

static pc_status add_projection(pc_sql_planner *p, const pc_sql_tree *tree, const pc_plan **root)
{
    const pc_expr **expr =
        pc_arena_array(p->arena, (size_t)p->output_count + 1, sizeof *expr, p->err);
    if (expr == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < p->output_count; i++) {
        PC_TRY(settle(p, tree, p->output[i], &expr[i]));
    }
    const pc_plan made = {.kind = PC_PLAN_PROJECT,
                          .schema = {p->output_count, p->output_field},
                          .of.project = {p->output_count, expr}};
    return add_node(p, &made, root);
}

static pc_status add_having(pc_sql_planner *p, const pc_sql_tree *tree, const pc_expr *having,
                            const pc_plan **root)
{
    const pc_expr *predicate;
    if (having == NULL) return PC_OK;
    PC_TRY(settle(p, tree, having, &predicate));
    const pc_plan made = {.kind = PC_PLAN_FILTER, .of.filter = {predicate}};
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
                          .of.hide = {keys_and_set(p), behind, PC_MIN_PATIENTS - 1}};
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
static pc_status put_hidden_last(pc_sql_planner *p, const pc_expr *patients, pc_sql_order *out)
{
    int at = 0;
    while (at < out->count && !p->is_cell[out->key[at].column]) {
        at++;
    }
    if (at == out->count) return PC_OK;
    const pc_expr *is_few;
    int column = -1;
    PC_TRY(make_few(p, patients, &is_few));
    PC_TRY(pc_sql_add_output(p, is_few, "?hidden?", &column));
    memmove(&out->key[at + 1], &out->key[at], (size_t)(out->count - at) * sizeof out->key[0]);
    out->key[at] = (pc_sort_key){.column = column};
    out->count++;
    return PC_OK;
}

static bool is_distinct_on(const cJSON *distinct)
{
    return cJSON_GetArraySize(distinct) > 0 && cJSON_GetArrayItem(distinct, 0)->child != NULL;
}

// DISTINCT is a group by all that is shown: each row then knows its patients. Of groups it is a
// second one.
static pc_status bind_distinct(pc_sql_planner *p, const cJSON *select, parts *it)
{
    const cJSON *distinct = pc_node_get(select, "distinctClause");
    if (distinct == NULL || is_distinct_on(distinct)) return PC_OK;
    if (p->output_count > p->visible_count) {
        return pc_bind_fail(&p->binder, -1, PC_BAD_JOB,
                            "with SELECT DISTINCT, ORDER BY takes output columns only");
    }
    if (p->is_grouped) {
        it->is_distinct = true;
        return PC_OK;
    }
    p->is_grouped = true;
    for (int i = 0; i < p->visible_count; i++) {
        PC_TRY(pc_sql_add_key(p, p->output[i], -1));
    }
    return PC_OK;
}

static void note_traits(pc_sql_planner *p)
{
    pc_plan_traits *traits = &p->job->traits;
    const bool is_last = p->job->depth == 1;
    const bool leaves = is_last || (p->is_grouped && p->slot_key == NULL);
    for (int i = 0; i < p->output_count && !p->is_grouped && is_last; i++) {
        pc_sql_note_identifiers(p, p->output[i]);
    }
    for (int i = 0; i < p->key_count && leaves; i++) {
        pc_sql_note_identifiers(p, p->key[i]);
    }
    for (int i = 0; i < p->aggregate_count; i++) {
        const pc_aggregate *a = &p->aggregate[i];
        if (a->filter != NULL) pc_sql_note_chosen(p, a->filter);
        if (a->arg != NULL) pc_sql_note_chosen(p, a->arg);
        if (!leaves || p->people == PC_SQL_GROUPS || p->people == PC_SQL_NOBODY) continue;
        const bool shows = pc_shows_one_patient(a);
        if (shows || a->function == PC_PERCENTILE_DISC) pc_sql_note_identifiers(p, a->arg);
        if (!shows) continue;
        traits->returns_extremes = true;
        if (traits->why == NULL) traits->why = a->field.name;
    }
    const bool is_rows = !p->is_grouped || p->slot_key != NULL;
    if (p->people == PC_SQL_LOOSE || (p->people == PC_SQL_ONE && is_rows && is_last)) {
        traits->returns_rows = true;
    }
}

static pc_status bind_outputs(pc_sql_planner *p, const cJSON *select, parts *out)
{
    const cJSON *target;
    p->binder.aggregate = pc_sql_bind_aggregate;
    p->binder.window = pc_sql_bind_window;
    p->window_clause = pc_node_get(select, "windowClause");
    cJSON_ArrayForEach(target, pc_node_get(select, "targetList"))
    {
        PC_TRY(pc_sql_bind_target(p, pc_node_body(target)));
    }
    p->visible_count = p->output_count;
    if (p->visible_count == 0 && !p->is_exists) {
        return pc_bind_fail(&p->binder, -1, PC_BAD_JOB, "expected at least one column to select");
    }
    const cJSON *group = pc_node_get(select, "groupClause");
    const cJSON *having = pc_node_get(select, "havingClause");
    p->binder.window = NULL;
    PC_TRY(pc_sql_bind_keys(p, group));
    if (having != NULL) PC_TRY(pc_bind_bool(&p->binder, having, &out->having));
    p->is_grouped = group != NULL || having != NULL || p->aggregate_count > 0;
    const cJSON *distinct = pc_node_get(select, "distinctClause");
    p->binder.window = pc_sql_bind_window;
    PC_TRY(pc_sql_bind_order(p, pc_node_get(select, "sortClause"), &out->order));
    if (is_distinct_on(distinct)) PC_TRY(pc_sql_bind_distinct_on(p, distinct, &out->order));
    p->is_grouped = p->is_grouped || p->aggregate_count > 0; // one in ORDER BY
    if (p->grouping_count > 0 && group == NULL) {
        return pc_bind_fail(&p->binder, pc_node_int(p->grouping[0], "location"), PC_BAD_JOB,
                            "GROUPING needs GROUP BY");
    }
    p->binder.aggregate = NULL;
    p->binder.window = NULL;
    PC_TRY(pc_sql_check_windows(p, distinct != NULL && !is_distinct_on(distinct)));
    PC_TRY(
        pc_sql_bind_count(&p->binder, pc_node_get(select, "limitCount"), "LIMIT", -1, &out->limit));
    return pc_sql_bind_count(&p->binder, pc_node_get(select, "limitOffset"), "OFFSET", 0,
                             &out->offset);
}

// The patients behind a row: of groups those that were counted, of the rows of other queries the
// least that any of them has.
static pc_status bind_patients(pc_sql_planner *p, parts *out)
{
    out->patients = -1;
    const bool of_groups = p->is_grouped && p->slot_key == NULL;
    if (p->people == PC_SQL_ONE && of_groups) {
        // Of a subquery nobody asks when nothing is hidden.
        if (!p->job->protect && p->job->depth > 1) return PC_OK;
        PC_TRY(pc_sql_patients(p, &out->behind));
    } else if (p->job->protect && p->people != PC_SQL_ONE) {
        PC_TRY(pc_sql_patients_of_rows(p, &out->behind));
    }
    if (out->behind == NULL) return PC_OK;
    const pc_expr *patients = out->behind;
    if (p->job->protect) {
        if (p->is_grouped) { // the column that hiding adds behind the last aggregate
            PC_TRY(pc_expr_column(PC_SQL_AGGREGATE + p->aggregate_count, &PATIENTS, 0, p->arena,
                                  &patients, p->err));
        }
        PC_TRY(drop_few(p, patients, &out->having));
        PC_TRY(put_hidden_last(p, patients, &out->order));
    }
    return pc_sql_add_output(p, patients, PATIENTS.name, &out->patients);
}

// The numbers of patients beside their texts, for the query around.
static pc_status add_patient_keys(pc_sql_planner *p, int *key)
{
    for (int i = 0; i < p->visible_count; i++) {
        key[i] = -1;
        const pc_expr *x = p->output[i];
        if (p->job->depth == 1 || p->people != PC_SQL_ONE || x->kind != PC_EXPR_COLUMN ||
            x->column >= p->column_count || p->column[x->column].source < 0) {
            continue;
        }
        const pc_sql_place place = pc_sql_patient_key(p, p->column[x->column]);
        if (place.source < 0 || pc_sql_is_guest(p, place.source)) continue;
        const pc_expr *number;
        PC_TRY(pc_sql_column(p, place, 0, &number));
        const bool is_there =
            !p->is_grouped || (p->slot_key != NULL && pc_expr_equal(number, p->slot_key));
        for (int k = 0; k < p->output_count && is_there && key[i] < 0; k++) {
            if (pc_expr_equal(p->output[k], number)) key[i] = k;
        }
        if (is_there && key[i] < 0) PC_TRY(pc_sql_add_output(p, number, "patient", &key[i]));
    }
    return PC_OK;
}

static pc_status find_slot_output(pc_sql_planner *p, int *at)
{
    *at = -1;
    for (int i = 0; i < p->output_count; i++) {
        if (p->slot_key != NULL && pc_expr_equal(p->output[i], p->slot_key)) *at = i;
    }
    return PC_OK;
}

// SELECT DISTINCT of groups: equal rows once, with the least patients of any.
static pc_status add_second_grouping(pc_sql_planner *p, const parts *it, const pc_plan **root)
{
    const pc_schema *in = &(*root)->schema;
    const int count = in->field_count;
    const bool counts = it->patients >= 0;
    const pc_expr **key = pc_arena_array(p->arena, (size_t)count + 1, sizeof *key, p->err);
    pc_aggregate *least = pc_arena_take(p->arena, sizeof *least, p->err);
    if (key == NULL || least == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < count; i++) {
        PC_TRY(pc_expr_column(i, &in->field[i], 0, p->arena, &key[i], p->err));
    }
    // The patients are the last output: the key of that place is the aggregate.
    *least = (pc_aggregate){
        .function = PC_MIN, .arg = key[count - 1], .field = PATIENTS, .separator = {"", 0}};
    pc_plan made = {.kind = PC_PLAN_AGGREGATE,
                    .schema = *in,
                    .of.aggregate = {.key_count = counts ? count - 1 : count,
                                     .key = key,
                                     .aggregate_count = counts ? 1 : 0,
                                     .aggregate = least}};
    PC_TRY(find_slot_output(p, &made.patient));
    made.by_slot = made.patient >= 0 && (*root)->spread == PC_SPREAD_SLOTS;
    return add_node(p, &made, root);
}

static pc_status describe(pc_sql_planner *p, const int *patient_key, pc_sql_relation *out)
{
    out->info = pc_arena_array(p->arena, (size_t)p->output_count + 1, sizeof *out->info, p->err);
    if (out->info == NULL) return PC_NO_MEMORY;
    const bool has_cells = p->people != PC_SQL_NOBODY && p->slot_key == NULL;
    for (int i = 0; i < p->output_count; i++) {
        pc_sql_info *info = &out->info[i];
        *info = pc_sql_info_of_expr(p, p->output[i]);
        info->patient_key = i < p->visible_count ? patient_key[i] : -1;
        info->is_cell = has_cells && p->is_cell[i];
        if (p->output[i]->type == PC_KEY) info->key = p->output[i]->extra;
    }
    return PC_OK;
}

// What the rows are after a LIMIT or an order of all ranks.
static pc_sql_people people_after(const pc_sql_planner *p, const pc_plan *root)
{
    const bool of_groups = p->is_grouped && p->slot_key == NULL;
    if (p->people == PC_SQL_NOBODY || p->people == PC_SQL_GROUPS) return p->people;
    if (of_groups) return p->people == PC_SQL_LOOSE ? PC_SQL_LOOSE : PC_SQL_GROUPS;
    return root->spread == PC_SPREAD_SLOTS ? p->people : PC_SQL_LOOSE;
}

static pc_status add_order(pc_sql_planner *p, const parts *it, const pc_plan **root)
{
    const bool is_last = p->job->depth == 1;
    pc_plan sort = {.kind = PC_PLAN_SORT,
                    .of.sort = {it->order.count, it->order.key, it->limit, it->offset, 0}};
    if (it->order.first_of > 0) {
        PC_TRY(pc_sql_add_first_of(p, &it->order, root));
        if (it->limit < 0 && it->offset == 0 && !is_last) return PC_OK;
    }
    if (!is_last && (p->is_exists || (it->limit < 0 && it->offset == 0))) return PC_OK;
    return add_node(p, &sort, root);
}

static pc_status add_nodes(pc_sql_planner *p, const parts *it, const pc_sql_tree *tree,
                           pc_sql_relation *out)
{
    const pc_plan *root = tree->plan;
    if (p->is_grouped) {
        PC_TRY(add_aggregation(p, tree, &root));
        if (p->job->protect && it->behind != NULL) PC_TRY(add_hiding(p, it->behind, &root));
    }
    PC_TRY(add_having(p, tree, it->having, &root));
    PC_TRY(pc_sql_add_windows(p, tree, &root));
    PC_TRY(add_projection(p, tree, &root));
    if (it->is_distinct) PC_TRY(add_second_grouping(p, it, &root));
    PC_TRY(add_order(p, it, &root));
    out->plan = root;
    out->people = people_after(p, root);
    return PC_OK;
}

pc_status pc_sql_plan_select(pc_sql_planner *p, const cJSON *select, pc_sql_relation *out)
{
    parts it = {.patients = -1};
    PC_TRY(bind_outputs(p, select, &it));
    PC_TRY(bind_distinct(p, select, &it));
    PC_TRY(pc_sql_correlate(p, out));
    PC_TRY(pc_sql_find_slot_key(p));
    int *key = pc_arena_array(p->arena, (size_t)p->visible_count + 1, sizeof *key, p->err);
    if (key == NULL) return PC_NO_MEMORY;
    PC_TRY(add_patient_keys(p, key));
    PC_TRY(bind_patients(p, &it));
    note_traits(p);
    pc_sql_tree tree;
    PC_TRY(pc_sql_build(p, &tree));
    PC_TRY(describe(p, key, out));
    PC_TRY(add_nodes(p, &it, &tree, out));
    out->visible_count = p->visible_count;
    out->patients = it.patients;
    out->is_cell = p->is_cell;
    return PC_OK;
}
