/** What a SELECT gives: outputs, * of tables, items of GROUP BY and ORDER BY. */
#include <string.h>
#include <strings.h>
#include "plan_private.h"

pc_status pc_sql_add_output(pc_sql_planner *p, const pc_expr *x, const char *name, int *at)
{
    if (p->output_count == PC_SQL_OUTPUTS) {
        return pc_bind_fail(&p->binder, -1, PC_UNSUPPORTED, "a query has at most %d columns",
                            PC_SQL_OUTPUTS);
    }
    *at = p->output_count++;
    p->output[*at] = x;
    p->output_field[*at] = (pc_field){name, x->type, x->scale, x->type == PC_ID ? x->width : 0};
    p->is_cell[*at] = pc_sql_has_aggregate(x) || pc_sql_info_of_expr(p, x).is_cell;
    return PC_OK;
}

// The name of an output without an alias, as PostgreSQL's FigureColname gives it.
static const char *name_of(const pc_sql_planner *p, const cJSON *node, const pc_expr *x)
{
    const cJSON *body = pc_node_body(node);
    if (pc_node_is(node, "ColumnRef")) {
        if (x->kind == PC_EXPR_COLUMN && x->column < p->column_count) {
            return p->field[x->column].name;
        }
        return pc_node_name(pc_node_get(body, "fields"));
    }
    if (pc_node_is(node, "SubLink")) {
        const char *kind = pc_node_text(body, "subLinkType");
        if (strcmp(kind, "EXISTS_SUBLINK") == 0) return "exists";
        if (strcmp(kind, "EXPR_SUBLINK") != 0) return "?column?";
        const cJSON *select = pc_node_body(pc_node_get(body, "subselect"));
        const cJSON *target = pc_node_body(pc_node_get(select, "targetList")->child);
        const char *name = pc_node_text(target, "name");
        return name != NULL ? name : name_of(p, pc_node_get(target, "val"), x);
    }
    if (pc_node_is(node, "GroupingFunc")) return "grouping";
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

// Column `c` of a source as * shows it; false: it does not.
static bool star_column(const pc_sql_planner *p, int source, int c, const char **name)
{
    const pc_sql_source *s = &p->source[source];
    if (s->relation_of != NULL) {
        *name = c < 0 ? NULL : s->column_name[c];
        return c >= 0;
    }
    const pc_model_table *t = pc_sql_table(p, source);
    const bool has_patient = t->path != PC_PATH_NONE;
    *name = c < 0 ? "patient" : t->column[c].name;
    if (c < 0) return has_patient && c == PC_SCAN_PATIENT;
    return !has_patient || strcasecmp(*name, "patient") != 0;
}

static pc_status add_star_column(pc_sql_planner *p, pc_sql_place at, const char *name, bool is_all,
                                 int location)
{
    pc_sql_place owner;
    if (is_all && at.source > 0 && pc_sql_resolve(p, NULL, name, &owner, NULL) == PC_OK &&
        owner.source != at.source) {
        return PC_OK; // the column of USING that stands for both
    }
    const pc_expr *x;
    int output;
    PC_TRY(pc_sql_column(p, at, pc_sql_position(p->binder.text, location), &x));
    return pc_sql_add_output(p, x, name, &output);
}

// * and t.*: every column of the tables as written; those of USING once.
static pc_status add_star(pc_sql_planner *p, const char *qualifier, int location)
{
    bool found = false;
    for (int s = 0; s < p->source_count; s++) {
        const pc_sql_source *source = &p->source[s];
        if (source->alias == NULL) continue;
        if (qualifier != NULL && strcasecmp(qualifier, source->alias) != 0) continue;
        found = true;
        const int count = source->relation_of != NULL ? source->relation_of->visible_count
                                                      : pc_sql_table(p, s)->column_count;
        for (int c = PC_SCAN_PATIENT; c < count; c++) {
            const char *name;
            if (!star_column(p, s, c, &name)) continue;
            PC_TRY(add_star_column(p, (pc_sql_place){s, c}, name, qualifier == NULL, location));
        }
    }
    if (found) return PC_OK;
    if (qualifier == NULL) {
        return pc_bind_fail(&p->binder, location, PC_BAD_JOB, "* needs a table in FROM");
    }
    return pc_bind_fail(&p->binder, location, PC_BAD_JOB, "unknown table %s", qualifier);
}

static pc_status copy_name(pc_sql_planner *p, const char *name, const char **out)
{
    *out = pc_arena_text(p->arena, name, strlen(name), p->err);
    return *out == NULL ? PC_NO_MEMORY : PC_OK;
}

pc_status pc_sql_bind_target(pc_sql_planner *p, const cJSON *target)
{
    const cJSON *node = pc_node_get(target, "val");
    const int location = pc_node_int(target, "location");
    if (pc_node_is(node, "ColumnRef")) {
        const cJSON *fields = pc_node_get(pc_node_body(node), "fields");
        const int count = cJSON_GetArraySize(fields);
        if (pc_node_is(cJSON_GetArrayItem(fields, count - 1), "A_Star")) {
            const char *qualifier =
                count > 1 ? pc_node_string(cJSON_GetArrayItem(fields, 0)) : NULL;
            // Of EXISTS the columns do not matter.
            return p->is_exists ? PC_OK : add_star(p, qualifier, location);
        }
    }
    const pc_expr *x;
    const char *name = pc_node_text(target, "name");
    int at;
    PC_TRY(pc_bind_typed(&p->binder, node, &x));
    if (x->type == PC_KEY && p->job->depth == 1) {
        return pc_bind_fail(&p->binder, location, PC_BAD_JOB,
                            "a model key can be joined and counted, but not selected");
    }
    PC_TRY(copy_name(p, name != NULL ? name : name_of(p, node, x), &name));
    return pc_sql_add_output(p, x, name, &at);
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
        if (strcasecmp(p->output_field[i].name, name) == 0) return i;
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

pc_status pc_sql_add_key(pc_sql_planner *p, const pc_expr *x, int location)
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

// An item of GROUP BY: an ordinal, a column of the tables, else an alias, else an expression.
static pc_status bind_key(pc_sql_planner *p, const cJSON *node, const pc_expr **out)
{
    const char *name = bare_name(node);
    int ordinal;
    PC_TRY(ordinal_of(p, node, "GROUP BY", &ordinal));
    if (ordinal == 0 && name != NULL && output_named(p, name) >= 0) {
        pc_sql_place place;
        PC_TRY(pc_sql_resolve(p, NULL, name, &place, p->err));
        if (place.source < 0) ordinal = output_named(p, name) + 1;
    }
    if (ordinal == 0) return pc_bind_typed(&p->binder, node, out);
    *out = p->output[ordinal - 1];
    return PC_OK;
}

pc_status pc_sql_bind_keys(pc_sql_planner *p, const cJSON *list)
{
    if (pc_sql_has_sets(list)) return pc_sql_bind_sets(p, list, bind_key);
    const cJSON *node;
    cJSON_ArrayForEach(node, list)
    {
        const pc_expr *x;
        PC_TRY(bind_key(p, node, &x));
        PC_TRY(pc_sql_add_key(p, x, pc_node_location(node)));
    }
    return PC_OK;
}

// A key that lies within a slot: the group is put together block by block.
pc_status pc_sql_find_slot_key(pc_sql_planner *p)
{
    for (int i = 0; i < p->key_count && p->people == PC_SQL_ONE && p->set_count == 0; i++) {
        const pc_expr *x = p->key[i];
        if (x->kind != PC_EXPR_COLUMN || p->column[x->column].source < 0) continue;
        const pc_sql_place place = p->column[x->column];
        if (pc_sql_is_guest(p, place.source)) continue;
        if (x->type == PC_KEY) {
            p->slot_key = x;
            return PC_OK;
        }
        const pc_sql_place key = pc_sql_patient_key(p, place);
        if (key.source < 0) continue;
        const pc_expr *number;
        PC_TRY(pc_sql_column(p, key, 0, &number));
        PC_TRY(pc_sql_add_key(p, number, -1));
        for (int k = 0; k < p->key_count; k++) { // it may have been a key before
            if (pc_expr_equal(p->key[k], number)) p->slot_key = p->key[k];
        }
        return PC_OK;
    }
    return PC_OK;
}

// ORDER BY: an ordinal, an alias, else an expression (a hidden output when it is a new one).
pc_status pc_sql_bind_order(pc_sql_planner *p, const cJSON *list, pc_sql_order *out)
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
            if (at < 0) PC_TRY(pc_sql_add_output(p, x, "?order?", &at));
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

pc_status pc_sql_bind_count(pc_binder *b, const cJSON *node, const char *what, int64_t none,
                            int64_t *out)
{
    const pc_expr *x;
    *out = none;
    if (node == NULL) return PC_OK;
    PC_TRY(pc_bind_node(b, node, &x));
    if (pc_is_bare_null(x)) return PC_OK;
    if (x->kind != PC_EXPR_CONSTANT || x->type != PC_INT || x->constant.integer < 0) {
        return pc_bind_fail(b, pc_node_location(node), PC_BAD_JOB,
                            "%s: expected a whole number from 0", what);
    }
    *out = x->constant.integer;
    return PC_OK;
}

// The output that an item of DISTINCT ON means.
static pc_status bind_on_item(pc_sql_planner *p, const cJSON *node, int *at)
{
    const char *name = bare_name(node);
    PC_TRY(ordinal_of(p, node, "DISTINCT ON", at));
    if (--*at < 0 && name != NULL) *at = output_named(p, name);
    if (*at >= 0) return PC_OK;
    const pc_expr *x;
    PC_TRY(pc_bind_typed(&p->binder, node, &x));
    for (int i = 0; i < p->output_count; i++) {
        if (!pc_expr_equal(p->output[i], x)) continue;
        *at = i;
        return PC_OK;
    }
    return pc_sql_add_output(p, x, "?on?", at);
}

static int find_key(const pc_sql_order *order, int count, int column)
{
    for (int i = 0; i < count; i++) {
        if (order->key[i].column == column) return i;
    }
    return -1;
}

pc_status pc_sql_bind_distinct_on(pc_sql_planner *p, const cJSON *list, pc_sql_order *out)
{
    const int items = cJSON_GetArraySize(list);
    pc_sql_order on = {0};
    pc_sort_key *key =
        pc_arena_array(p->arena, (size_t)(items + out->count) + 1, sizeof *key, p->err);
    on.key = pc_arena_array(p->arena, (size_t)items + 1, sizeof *on.key, p->err);
    if (key == NULL || on.key == NULL) return PC_NO_MEMORY;
    const cJSON *node;
    cJSON_ArrayForEach(node, list)
    {
        int at;
        PC_TRY(bind_on_item(p, node, &at));
        if (find_key(&on, on.count, at) < 0) on.key[on.count++] = (pc_sort_key){.column = at};
    }
    int matched = 0;
    while (matched < out->count && find_key(&on, on.count, out->key[matched].column) >= 0) {
        matched++;
    }
    if (matched < out->count && matched < on.count) {
        return pc_bind_fail(&p->binder, pc_node_location(list), PC_BAD_JOB,
                            "the expressions of DISTINCT ON must be the first ones of ORDER BY");
    }
    int count = 0;
    for (int i = 0; i < matched; i++) {
        key[count++] = out->key[i];
    }
    for (int i = 0; i < on.count; i++) {
        if (find_key(out, matched, on.key[i].column) < 0) key[count++] = on.key[i];
    }
    for (int i = matched; i < out->count; i++) {
        key[count++] = out->key[i];
    }
    *out = (pc_sql_order){count, key, on.count};
    return PC_OK;
}

// The output that is the patient's number beside output `column`, its text; -1: none.
static int number_of_patient(const pc_sql_planner *p, int column)
{
    const pc_expr *x = p->output[column];
    if (x->kind != PC_EXPR_COLUMN || x->column >= p->column_count) return -1;
    const pc_sql_place place = pc_sql_patient_key(p, p->column[x->column]);
    for (int i = 0; i < p->output_count && place.source >= 0; i++) {
        const pc_expr *y = p->output[i];
        if (y->kind != PC_EXPR_COLUMN || y->column >= p->column_count) continue;
        const pc_sql_place other = p->column[y->column];
        if (other.source == place.source && other.column == place.column) return i;
    }
    return -1;
}

pc_status pc_sql_add_first_of(pc_sql_planner *p, const pc_sql_order *order, const pc_plan **root)
{
    pc_plan made = {.kind = PC_PLAN_SORT,
                    .of.sort = {order->count, order->key, -1, 0, order->first_of}};
    pc_sort_key *key = pc_arena_array(p->arena, (size_t)order->count + 1, sizeof *key, p->err);
    if (key == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < order->first_of && (*root)->spread == PC_SPREAD_SLOTS; i++) {
        const int number = number_of_patient(p, order->key[i].column);
        if (number < 0) continue;
        // Within slots: the patient's number comes first, so that rows stay in the order of slots.
        int count = 0;
        key[count++] = (pc_sort_key){.column = number};
        for (int k = 0; k < order->count; k++) {
            if (k != i) key[count++] = order->key[k];
        }
        made.of.sort.key = key;
        made.by_slot = true;
        made.patient = number;
        break;
    }
    return pc_sql_add_node(p->job, &made, root);
}
