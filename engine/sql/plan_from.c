/** FROM and WHERE: tables, how they are joined, which one drives. */
#include <string.h>
#include <strings.h>
#include "plan_private.h"

static pc_status add_conjunct(pc_sql_planner *p, const pc_sql_conjunct *made)
{
    if (p->conjunct_count == PC_SQL_CONJUNCTS) {
        return pc_bind_fail(&p->binder, made->location, PC_UNSUPPORTED,
                            "a query has at most %d conditions joined by AND", PC_SQL_CONJUNCTS);
    }
    p->conjunct[p->conjunct_count++] = *made;
    return PC_OK;
}

static pc_status resolve_node(pc_sql_planner *p, const cJSON *node, pc_sql_place *out)
{
    *out = (pc_sql_place){-1, 0};
    if (!pc_node_is(node, "ColumnRef")) return PC_OK;
    const cJSON *fields = pc_node_get(pc_node_body(node), "fields");
    const int count = cJSON_GetArraySize(fields);
    const char *name = pc_node_string(cJSON_GetArrayItem(fields, count - 1));
    if (name == NULL || count > 2) return PC_OK;
    const char *qualifier = count == 2 ? pc_node_string(cJSON_GetArrayItem(fields, 0)) : NULL;
    const int location = pc_node_location(node);
    const pc_status status = pc_sql_resolve(p, qualifier, name, out, p->err);
    if (status != PC_OK) {
        pc_error_prefix(p->err, "%s: character %d", p->binder.text->what,
                        pc_sql_position(p->binder.text, location));
    }
    return status;
}

// Splits a condition at its ANDs; equalities of two columns are known by their places.
static pc_status add_condition(pc_sql_planner *p, const cJSON *node, int owner)
{
    const cJSON *body = pc_node_body(node);
    const char *op = pc_node_is(node, "BoolExpr") ? pc_node_text(body, "boolop") : NULL;
    if (op != NULL && strcmp(op, "AND_EXPR") == 0) {
        const cJSON *part;
        cJSON_ArrayForEach(part, pc_node_get(body, "args"))
        {
            PC_TRY(add_condition(p, part, owner));
        }
        return PC_OK;
    }
    pc_sql_conjunct made = {.node = node, .owner = owner, .location = pc_node_location(node)};
    const char *kind = pc_node_is(node, "A_Expr") ? pc_node_text(body, "kind") : "";
    if (strcmp(kind, "AEXPR_OP") == 0 &&
        strcmp(pc_node_name(pc_node_get(body, "name")), "=") == 0) {
        PC_TRY(resolve_node(p, pc_node_get(body, "lexpr"), &made.left));
        PC_TRY(resolve_node(p, pc_node_get(body, "rexpr"), &made.right));
        made.is_equality = made.left.source >= 0 && made.right.source >= 0 &&
                           made.left.source != made.right.source;
    }
    return add_conjunct(p, &made);
}

static pc_status add_source(pc_sql_planner *p, const cJSON *node, bool is_left)
{
    const cJSON *body = pc_node_body(node);
    const int location = pc_node_location(node);
    if (!pc_node_is(node, "RangeVar")) {
        const char *what = pc_node_is(node, "RangeSubselect")  ? "a subquery in FROM"
                           : pc_node_is(node, "RangeFunction") ? "a function in FROM"
                           : pc_node_is(node, "JoinExpr")      ? "a join in brackets"
                                                               : "this in FROM";
        return pc_bind_fail(&p->binder, location, PC_UNSUPPORTED, "%s is not offered", what);
    }
    const char *name = pc_node_text(body, "relname");
    const pc_model *model = p->catalog->model;
    const int table = pc_model_find_table(model, pc_span_of(name));
    if (table < 0) {
        const char *known[256];
        size_t count = 0;
        for (int i = 0; i < model->table_count && count < 256; i++) {
            known[count++] = model->table[i].name;
        }
        const char *nearest = pc_nearest_name(name, known, count);
        return pc_bind_fail(&p->binder, location, PC_BAD_JOB, "unknown table %s%s%s%s", name,
                            nearest == NULL ? "" : "; did you mean ",
                            nearest == NULL ? "" : nearest, nearest == NULL ? "" : "?");
    }
    if (p->source_count == PC_SQL_SOURCES) {
        return pc_bind_fail(&p->binder, location, PC_UNSUPPORTED, "a query joins at most %d tables",
                            PC_SQL_SOURCES);
    }
    const char *alias = pc_node_text(pc_node_get(body, "alias"), "aliasname");
    if (alias == NULL) alias = name;
    for (int i = 0; i < p->source_count; i++) {
        if (strcasecmp(p->source[i].alias, alias) != 0) continue;
        return pc_bind_fail(&p->binder, location, PC_BAD_JOB,
                            "the table name %s is used twice: give one an alias", alias);
    }
    p->source[p->source_count++] = (pc_sql_source){
        .alias = alias, .table = table, .location = location, .is_left = is_left, .relation = -1};
    return PC_OK;
}

// USING (a, b): the column of some table before, equal to that of the table that is joined.
static pc_status add_using(pc_sql_planner *p, const cJSON *names, int owner, int location)
{
    const int joined = p->source_count - 1;
    const cJSON *node;
    cJSON_ArrayForEach(node, names)
    {
        const char *name = pc_node_string(node);
        pc_sql_place before;
        pc_sql_place here;
        p->source_count = joined;
        pc_status status = pc_sql_resolve(p, NULL, name, &before, p->err);
        p->source_count = joined + 1;
        if (status == PC_OK) {
            status = pc_sql_resolve(p, p->source[joined].alias, name, &here, p->err);
        }
        if (status != PC_OK)
            return pc_bind_fail(&p->binder, location, status, "USING: %s", p->err->text);
        if (before.source < 0 || here.source < 0) {
            return pc_bind_fail(&p->binder, location, PC_BAD_JOB,
                                "USING (%s): the column is not in both tables", name);
        }
        const pc_sql_conjunct made = {.owner = owner,
                                      .is_equality = true,
                                      .left = before,
                                      .right = here,
                                      .location = location};
        PC_TRY(add_conjunct(p, &made));
        p->using_name[p->using_count++] = name;
    }
    return PC_OK;
}

static pc_status add_join(pc_sql_planner *p, const cJSON *node);

static pc_status add_from_item(pc_sql_planner *p, const cJSON *node)
{
    return pc_node_is(node, "JoinExpr") ? add_join(p, node) : add_source(p, node, false);
}

// Joins nest to the left, as deep as there are tables.
static pc_status add_join(pc_sql_planner *p, const cJSON *node)
{
    const cJSON *body = pc_node_body(node);
    const char *type = pc_node_text(body, "jointype");
    const cJSON *right = pc_node_get(body, "rarg");
    const bool is_left = strcmp(type, "JOIN_LEFT") == 0;
    const int location = pc_node_location(right);
    if (!is_left && strcmp(type, "JOIN_INNER") != 0) {
        return pc_bind_fail(&p->binder, location, PC_UNSUPPORTED, "%s JOIN is not offered",
                            type + strlen("JOIN_"));
    }
    if (pc_node_bool(body, "isNatural")) {
        return pc_bind_fail(&p->binder, location, PC_UNSUPPORTED, "NATURAL JOIN is not offered");
    }
    PC_TRY(add_from_item(p, pc_node_get(body, "larg")));
    PC_TRY(add_source(p, right, is_left));
    const int owner = is_left ? p->source_count - 1 : -1;
    const cJSON *names = pc_node_get(body, "usingClause");
    if (names != NULL) PC_TRY(add_using(p, names, owner, location));
    const cJSON *quals = pc_node_get(body, "quals");
    return quals == NULL ? PC_OK : add_condition(p, quals, owner);
}

static bool is_patient_place(pc_sql_place place)
{
    return place.column == PC_SCAN_PATIENT;
}

// The key that a place is of, or -1.
static int key_of(const pc_sql_planner *p, pc_sql_place place)
{
    const pc_model_table *t = pc_sql_table(p, place.source);
    if (place.column == PC_SCAN_KEY) return t->own_key;
    return place.column == PC_SCAN_PARENT_KEY ? t->parent_key : -1;
}

// The place of a column among those of its table's key `key`, or -1.
static int part_of_key(const pc_sql_planner *p, pc_sql_place place, int key)
{
    const pc_model_table *t = pc_sql_table(p, place.source);
    const pc_model_table *parent = &p->catalog->model->table[p->catalog->model->key[key].table];
    if (place.column < 0) return -1;
    int column = -1;
    if (t->own_key == key) column = place.column;
    if (t->own_key != key && t->parent_key == key) column = t->column[place.column].parent_column;
    for (int i = 0; i < parent->primary_count && column >= 0; i++) {
        if (parent->primary[i] == column) return i;
    }
    return -1;
}

// Marks the conditions that write a key out between two tables. False: not all columns are there.
static bool use_key_columns(pc_sql_planner *p, int a, int b, int key, int owner)
{
    const pc_model_table *parent = &p->catalog->model->table[p->catalog->model->key[key].table];
    uint64_t seen = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < p->conjunct_count; i++) {
            pc_sql_conjunct *c = &p->conjunct[i];
            const bool between = (c->left.source == a && c->right.source == b) ||
                                 (c->left.source == b && c->right.source == a);
            if (!c->is_equality || !between || c->owner != owner) continue;
            const int part = part_of_key(p, c->left, key);
            if (part < 0 || part != part_of_key(p, c->right, key)) continue;
            seen |= 1ULL << part;
            if (pass == 1) c->is_used = true;
        }
        if (parent->primary_count == 0 || seen != (1ULL << parent->primary_count) - 1) return false;
    }
    return true;
}

// Marks the condition that names the key between two tables.
static bool use_key_name(pc_sql_planner *p, int a, int b, int key, int owner)
{
    bool found = false;
    for (int i = 0; i < p->conjunct_count; i++) {
        pc_sql_conjunct *c = &p->conjunct[i];
        const bool between = (c->left.source == a && c->right.source == b) ||
                             (c->left.source == b && c->right.source == a);
        if (!c->is_equality || !between || c->owner != owner) continue;
        if (key_of(p, c->left) != key || key_of(p, c->right) != key) continue;
        c->is_used = true;
        found = true;
    }
    return found;
}

static bool use_patient(pc_sql_planner *p, int a, int b, int owner)
{
    bool found = false;
    for (int i = 0; i < p->conjunct_count; i++) {
        pc_sql_conjunct *c = &p->conjunct[i];
        const bool between = (c->left.source == a && c->right.source == b) ||
                             (c->left.source == b && c->right.source == a);
        if (!c->is_equality || !between || c->owner != owner) continue;
        if (!is_patient_place(c->left) || !is_patient_place(c->right)) continue;
        c->is_used = true;
        found = true;
    }
    return found;
}

static bool use_reference(pc_sql_planner *p, int from, int reference, int owner,
                          pc_scan_relation *step)
{
    for (int i = 0; i < p->conjunct_count; i++) {
        pc_sql_conjunct *c = &p->conjunct[i];
        if (!c->is_equality || c->owner != owner) continue;
        const bool forward = c->left.source == from && c->right.source == reference;
        const bool backward = c->right.source == from && c->left.source == reference;
        if (!forward && !backward) continue;
        const pc_sql_place ours = forward ? c->left : c->right;
        const pc_sql_place theirs = forward ? c->right : c->left;
        if (ours.column < 0 || theirs.column < 0) continue;
        const pc_model_column *x = &pc_sql_table(p, from)->column[ours.column];
        const pc_model_column *y = &pc_sql_table(p, reference)->column[theirs.column];
        if (x->type != y->type || x->scale != y->scale || x->type == PC_FLOAT ||
            x->type == PC_BOOL) {
            continue;
        }
        c->is_used = true;
        step->attach = PC_ATTACH_REFERENCE;
        step->column = ours.column;
        step->their_column = theirs.column;
        return true;
    }
    return false;
}

// How source `to` can be attached to `from` by the conditions of `owner`.
static bool find_link(pc_sql_planner *p, int from, int to, int owner, pc_scan_relation *step)
{
    const pc_model *model = p->catalog->model;
    const pc_model_table *a = pc_sql_table(p, from);
    const pc_model_table *b = pc_sql_table(p, to);
    if (b->path == PC_PATH_NONE) return use_reference(p, from, to, owner, step);
    if (a->path == PC_PATH_NONE) return false;
    for (int key = 0; key < model->key_count; key++) {
        const bool parent = a->parent_key == key && b->own_key == key;
        const bool children = b->parent_key == key && (a->own_key == key || a->parent_key == key);
        if (!parent && !children) continue;
        const bool by_columns = use_key_columns(p, from, to, key, owner);
        const bool by_name = use_key_name(p, from, to, key, owner);
        if (!by_columns && !by_name) continue;
        step->attach = parent ? PC_ATTACH_PARENT : PC_ATTACH_CHILDREN;
        (void)use_patient(p, from, to, owner);
        return true;
    }
    const int person = model->person_table;
    if (!use_patient(p, from, to, owner)) return false;
    step->attach = p->source[to].table == person ? PC_ATTACH_PERSON : PC_ATTACH_PATIENT;
    return true;
}

static void attach(pc_sql_planner *p, int source, const pc_scan_relation *step)
{
    p->source[source].relation = p->plan->relation_count;
    p->plan->relation[p->plan->relation_count++] = *step;
}

// A source that can be attached to one that is: one row at most first, then the order as written.
static bool attach_next(pc_sql_planner *p, bool single_only)
{
    for (int to = 0; to < p->source_count; to++) {
        if (p->source[to].relation >= 0) continue;
        const int owner = p->source[to].is_left ? to : -1;
        for (int from = 0; from < p->source_count; from++) {
            if (p->source[from].relation < 0) continue;
            pc_sql_conjunct *saved = p->conjunct;
            bool used[PC_SQL_CONJUNCTS];
            for (int i = 0; i < p->conjunct_count; i++) {
                used[i] = saved[i].is_used;
            }
            pc_scan_relation step = {.join = p->source[to].is_left ? PC_JOIN_LEFT : PC_JOIN_INNER,
                                     .table = p->source[to].table,
                                     .from = p->source[from].relation};
            const bool found = find_link(p, from, to, owner, &step);
            const bool single = step.attach == PC_ATTACH_PARENT ||
                                step.attach == PC_ATTACH_PERSON ||
                                step.attach == PC_ATTACH_REFERENCE;
            if (found && (single || !single_only)) {
                attach(p, to, &step);
                return true;
            }
            for (int i = 0; i < p->conjunct_count; i++) {
                saved[i].is_used = used[i];
            }
        }
    }
    return false;
}

static void attach_all(pc_sql_planner *p, int driving)
{
    for (int i = 0; i < p->source_count; i++) {
        p->source[i].relation = -1;
    }
    for (int i = 0; i < p->conjunct_count; i++) {
        p->conjunct[i].is_used = false;
    }
    p->plan->relation_count = 0;
    const pc_scan_relation step = {
        .attach = PC_ATTACH_DRIVE, .table = p->source[driving].table, .from = -1};
    attach(p, driving, &step);
    while (attach_next(p, true) || attach_next(p, false)) {
    }
}

// Fewer multiplying joins are better: a child's row finds its parent without a search.
static int cost_of(const pc_sql_planner *p)
{
    int cost = 0;
    for (int i = 1; i < p->plan->relation_count; i++) {
        const pc_attach attach_kind = p->plan->relation[i].attach;
        if (attach_kind == PC_ATTACH_PATIENT) cost += 10;
        if (attach_kind == PC_ATTACH_CHILDREN) cost += 3;
    }
    return p->plan->relation_count == p->source_count ? cost : -1;
}

static pc_status choose_driving(pc_sql_planner *p)
{
    int best = -1;
    int best_cost = 0;
    bool has_patients = false;
    for (int i = 0; i < p->source_count; i++) {
        has_patients = has_patients || pc_sql_is_patient_table(p, i);
    }
    for (int i = 0; i < p->source_count; i++) {
        if (p->source[i].is_left || pc_sql_is_patient_table(p, i) != has_patients) continue;
        attach_all(p, i);
        const int cost = cost_of(p);
        if (cost < 0 || (best >= 0 && cost >= best_cost)) continue;
        best = i;
        best_cost = cost;
    }
    if (best >= 0) {
        attach_all(p, best);
        return PC_OK;
    }
    int first = 0;
    while (first + 1 < p->source_count && pc_sql_is_patient_table(p, first) != has_patients) {
        first++;
    }
    attach_all(p, first);
    int lonely = 0;
    while (lonely + 1 < p->source_count && p->source[lonely].relation >= 0) {
        lonely++;
    }
    return pc_bind_fail(
        &p->binder, p->source[lonely].location, PC_UNSUPPORTED,
        "the join of %s is not offered: tables of patients are joined on patient or "
        "on a key of the model, others on a column of a reference table",
        p->source[lonely].alias);
}

static pc_status bind_conjunct(pc_sql_planner *p, const pc_sql_conjunct *c, const pc_expr **out)
{
    if (c->node != NULL) return pc_bind_bool(&p->binder, c->node, out);
    const pc_expr *x;
    const pc_expr *y;
    PC_TRY(pc_sql_column(p, c->left, 0, &x));
    PC_TRY(pc_sql_column(p, c->right, 0, &y));
    return pc_make_compare(&p->binder, PC_FN_EQUAL, x, y, 0, c->location, out);
}

static pc_status bind_is_patient(pc_sql_planner *p, int source, const pc_expr **out)
{
    return pc_sql_column(p, (pc_sql_place){source, PC_SCAN_IS_PATIENT}, 0, out);
}

static bool joins_on_patient(const pc_scan_relation *r)
{
    return r->attach == PC_ATTACH_PATIENT || r->attach == PC_ATTACH_PERSON;
}

// a.patient = b.patient: all rows of a scan's row are of one slot, so what is left of the condition
// is that the slot is a patient. Where a join on the patient sees to that, nothing is left.
static pc_status bind_patients(pc_sql_planner *p, const pc_sql_conjunct *c, const pc_expr **out)
{
    const pc_expr *both[2];
    *out = NULL;
    if (c->owner >= 0) {
        if (joins_on_patient(&p->plan->relation[p->source[c->owner].relation])) return PC_OK;
        return bind_is_patient(p, c->left.source == c->owner ? c->right.source : c->left.source,
                               out);
    }
    if (p->source[c->left.source].is_left || p->source[c->right.source].is_left) {
        PC_TRY(bind_is_patient(p, c->left.source, &both[0]));
        PC_TRY(bind_is_patient(p, c->right.source, &both[1]));
        return pc_make_call(&p->binder, PC_FN_AND, PC_BOOL, 0, 0, both, 2, NULL, out);
    }
    int driving = 0;
    for (int i = 0; i < p->source_count; i++) {
        const pc_scan_relation *r = &p->plan->relation[p->source[i].relation];
        if (joins_on_patient(r) && r->join == PC_JOIN_INNER) return PC_OK;
        if (p->source[i].relation == 0) driving = i;
    }
    return bind_is_patient(p, driving, out);
}

// Conditions that the joins do not stand for: filters, or the ON of a LEFT JOIN.
static pc_status bind_rest(pc_sql_planner *p)
{
    for (int i = 0; i < p->conjunct_count; i++) {
        const pc_sql_conjunct *c = &p->conjunct[i];
        const bool on_patient =
            c->is_equality && is_patient_place(c->left) && is_patient_place(c->right);
        const pc_expr *x = NULL;
        if (on_patient) {
            PC_TRY(bind_patients(p, c, &x));
        } else if (!c->is_used) {
            PC_TRY(bind_conjunct(p, c, &x));
        }
        if (x == NULL) continue;
        if (c->owner < 0) {
            PC_TRY(pc_sql_add_filter(p, x));
            continue;
        }
        pc_scan_relation *r = &p->plan->relation[p->source[c->owner].relation];
        const pc_expr *both[2] = {r->on, x};
        if (r->on != NULL) {
            PC_TRY(pc_make_call(&p->binder, PC_FN_AND, PC_BOOL, 0, 0, both, 2, NULL, &x));
        }
        r->on = x;
    }
    return PC_OK;
}

pc_status pc_sql_plan_from(pc_sql_planner *p, const cJSON *select)
{
    const cJSON *from = pc_node_get(select, "fromClause");
    if (cJSON_GetArraySize(from) == 0) {
        return pc_bind_fail(&p->binder, -1, PC_UNSUPPORTED, "expected FROM and a table");
    }
    p->conjunct = pc_arena_array(p->arena, PC_SQL_CONJUNCTS, sizeof *p->conjunct, p->err);
    p->plan->relation = pc_arena_array(p->arena, PC_SQL_SOURCES, sizeof *p->plan->relation, p->err);
    if (p->conjunct == NULL || p->plan->relation == NULL) return PC_NO_MEMORY;
    const cJSON *item;
    cJSON_ArrayForEach(item, from)
    {
        PC_TRY(add_from_item(p, item));
    }
    const cJSON *where = pc_node_get(select, "whereClause");
    if (where != NULL) PC_TRY(add_condition(p, where, -1));
    PC_TRY(choose_driving(p));
    for (int i = 0; i < p->source_count; i++) {
        p->traits.reads_patients = p->traits.reads_patients || pc_sql_is_patient_table(p, i);
    }
    return bind_rest(p);
}
