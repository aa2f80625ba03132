/** Which tables are read in one scan: a row of the driving table finds the rows of others by links
 *  of the model, in its slot, or by look-up in a reference table. Tables that no link leads to make
 *  scans of their own, which plan_join.c joins. */
#include <string.h>
#include "plan_private.h"

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
    pc_scan_plan *scan = p->scan[p->building];
    p->source[source].scan = p->building;
    p->source[source].relation = scan->relation_count;
    scan->relation[scan->relation_count++] = *step;
}

static bool is_table(const pc_sql_planner *p, int source)
{
    return p->source[source].table >= 0;
}

// True when every column of a subtree is of source `of` or of the scan that is being built: then
// the scan can evaluate it. Subqueries are not of a scan.
static bool is_of_scan(pc_sql_planner *p, const cJSON *node, int of)
{
    for (const cJSON *at = node; at != NULL; at = at->next) {
        if (at->string != NULL && strcmp(at->string, "SubLink") == 0) return false;
        if (at->string != NULL && strcmp(at->string, "ColumnRef") == 0) {
            const cJSON *fields = pc_node_get(at, "fields");
            const int count = cJSON_GetArraySize(fields);
            const char *name = pc_node_string(cJSON_GetArrayItem(fields, count - 1));
            const char *qualifier =
                count == 2 ? pc_node_string(cJSON_GetArrayItem(fields, 0)) : NULL;
            pc_sql_place place;
            if (name == NULL || pc_sql_resolve(p, qualifier, name, &place, NULL) != PC_OK ||
                place.source < 0) {
                return false;
            }
            if (place.source != of && p->source[place.source].scan != p->building) return false;
        }
        if (at->child != NULL && !is_of_scan(p, at->child, of)) return false;
    }
    return true;
}

// A LEFT JOIN happens in the scan when all of its conditions are of the scan.
static bool can_attach(pc_sql_planner *p, int to)
{
    const pc_sql_source *s = &p->source[to];
    if (s->table < 0 || s->relation >= 0 || s->join == PC_JOIN_MARK) return false;
    if (s->join == PC_JOIN_INNER) return true;
    for (int i = 0; i < p->conjunct_count; i++) {
        const pc_sql_conjunct *c = &p->conjunct[i];
        if (c->owner != to) continue;
        if (c->node != NULL && !is_of_scan(p, c->node->child, to)) return false;
        const int other = c->left.source == to ? c->right.source : c->left.source;
        if (c->node == NULL && p->source[other].scan != p->building) return false;
    }
    return true;
}

// A source that can be attached to one that is: one row at most first, then the order as written.
static bool attach_next(pc_sql_planner *p, bool single_only)
{
    for (int to = 0; to < p->source_count; to++) {
        if (!can_attach(p, to)) continue;
        const bool is_left = p->source[to].join == PC_JOIN_LEFT;
        for (int from = 0; from < p->source_count; from++) {
            if (p->source[from].scan != p->building) continue;
            bool used[PC_SQL_CONJUNCTS];
            for (int i = 0; i < p->conjunct_count; i++) {
                used[i] = p->conjunct[i].is_used;
            }
            pc_scan_relation step = {.join = is_left ? PC_JOIN_LEFT : PC_JOIN_INNER,
                                     .table = p->source[to].table,
                                     .from = p->source[from].relation};
            const bool found = find_link(p, from, to, is_left ? to : -1, &step);
            const bool single = step.attach == PC_ATTACH_PARENT ||
                                step.attach == PC_ATTACH_PERSON ||
                                step.attach == PC_ATTACH_REFERENCE;
            if (found && (single || !single_only)) {
                attach(p, to, &step);
                return true;
            }
            for (int i = 0; i < p->conjunct_count; i++) {
                p->conjunct[i].is_used = used[i];
            }
        }
    }
    return false;
}

// The scan that `driving` would drive. Returns how many tables it reads.
static int attach_all(pc_sql_planner *p, int driving, const bool *was_used)
{
    pc_scan_plan *scan = p->scan[p->building];
    for (int i = 0; i < p->source_count; i++) {
        if (p->source[i].scan != p->building) continue;
        p->source[i].scan = -1;
        p->source[i].relation = -1;
    }
    for (int i = 0; i < p->conjunct_count; i++) {
        p->conjunct[i].is_used = was_used[i];
    }
    scan->relation_count = 0;
    const pc_scan_relation step = {
        .attach = PC_ATTACH_DRIVE, .table = p->source[driving].table, .from = -1};
    attach(p, driving, &step);
    // An optional table that the scan cannot attach is joined alone.
    while (p->source[driving].join == PC_JOIN_INNER &&
           (attach_next(p, true) || attach_next(p, false))) {
    }
    return scan->relation_count;
}

// Fewer multiplying joins are better: a child's row finds its parent without a search.
static int cost_of(const pc_scan_plan *scan)
{
    int cost = 0;
    for (int i = 1; i < scan->relation_count; i++) {
        const pc_attach attach_kind = scan->relation[i].attach;
        if (attach_kind == PC_ATTACH_PATIENT) cost += 10;
        if (attach_kind == PC_ATTACH_CHILDREN) cost += 3;
    }
    return cost;
}

// May drive the next scan: tables of patients first, those that may be missing last.
static int rank_of(const pc_sql_planner *p, int source)
{
    if (!is_table(p, source) || p->source[source].relation >= 0) return 0;
    if (p->source[source].join != PC_JOIN_INNER) return 1;
    return pc_sql_is_patient_table(p, source) ? 3 : 2;
}

static pc_status open_scan(pc_sql_planner *p)
{
    pc_scan_plan *scan = pc_arena_take(p->arena, sizeof *scan, p->err);
    if (scan == NULL) return PC_NO_MEMORY;
    scan->relation = pc_arena_array(p->arena, PC_SQL_SOURCES, sizeof *scan->relation, p->err);
    if (scan->relation == NULL) return PC_NO_MEMORY;
    p->building = p->scan_count;
    p->scan[p->scan_count++] = scan;
    return PC_OK;
}

// The scan that reads the most of the tables that are left, and multiplies rows the least.
static pc_status make_scan(pc_sql_planner *p, int best_rank)
{
    bool used[PC_SQL_CONJUNCTS];
    for (int i = 0; i < p->conjunct_count; i++) {
        used[i] = p->conjunct[i].is_used;
    }
    bool may_drive[PC_SQL_SOURCES];
    for (int i = 0; i < p->source_count; i++) {
        may_drive[i] = rank_of(p, i) == best_rank;
    }
    PC_TRY(open_scan(p));
    int best = -1, best_count = 0, best_cost = 0;
    for (int i = 0; i < p->source_count; i++) {
        if (!may_drive[i]) continue;
        const int count = attach_all(p, i, used);
        const int cost = cost_of(p->scan[p->building]);
        if (best >= 0 && (count < best_count || (count == best_count && cost >= best_cost))) {
            continue;
        }
        best = i;
        best_count = count;
        best_cost = cost;
    }
    (void)attach_all(p, best, used);
    return PC_OK;
}

pc_status pc_sql_link(pc_sql_planner *p)
{
    for (;;) {
        int best_rank = 0;
        for (int i = 0; i < p->source_count; i++) {
            if (rank_of(p, i) > best_rank) best_rank = rank_of(p, i);
        }
        if (best_rank == 0) return PC_OK;
        PC_TRY(make_scan(p, best_rank));
    }
}

static pc_status bind_is_patient(pc_sql_planner *p, int source, const pc_expr **out)
{
    return pc_sql_column(p, (pc_sql_place){source, PC_SCAN_IS_PATIENT}, 0, out);
}

static bool joins_on_patient(const pc_scan_relation *r)
{
    return r->attach == PC_ATTACH_PATIENT || r->attach == PC_ATTACH_PERSON;
}

static const pc_scan_relation *relation_of(const pc_sql_planner *p, int source)
{
    const pc_sql_source *s = &p->source[source];
    return &p->scan[s->scan]->relation[s->relation];
}

static bool same_scan(const pc_sql_planner *p, int a, int b)
{
    return p->source[a].scan >= 0 && p->source[a].scan == p->source[b].scan;
}

// a.patient = b.patient in one scan: all rows of a scan's row are of one slot, so what is left of
// the condition is that the slot is a patient. Where a join on the patient sees to that, nothing is
// left.
static pc_status bind_patients(pc_sql_planner *p, const pc_sql_conjunct *c, const pc_expr **out)
{
    const pc_expr *both[2];
    *out = NULL;
    if (c->owner >= 0) {
        if (joins_on_patient(relation_of(p, c->owner))) return PC_OK;
        return bind_is_patient(p, c->left.source == c->owner ? c->right.source : c->left.source,
                               out);
    }
    if (p->source[c->left.source].join == PC_JOIN_LEFT ||
        p->source[c->right.source].join == PC_JOIN_LEFT) {
        PC_TRY(bind_is_patient(p, c->left.source, &both[0]));
        PC_TRY(bind_is_patient(p, c->right.source, &both[1]));
        return pc_make_call(&p->binder, PC_FN_AND, PC_BOOL, 0, 0, both, 2, NULL, out);
    }
    int driving = 0;
    for (int i = 0; i < p->source_count; i++) {
        if (!same_scan(p, i, c->left.source)) continue;
        const pc_scan_relation *r = relation_of(p, i);
        if (joins_on_patient(r) && r->join == PC_JOIN_INNER) return PC_OK;
        if (p->source[i].relation == 0) driving = i;
    }
    return bind_is_patient(p, driving, out);
}

static pc_status bind_equality(pc_sql_planner *p, const pc_sql_conjunct *c, const pc_expr **out)
{
    const pc_sql_place left = pc_sql_patient_key(p, c->left);
    const pc_sql_place right = pc_sql_patient_key(p, c->right);
    const pc_expr *both[2];
    if (left.source >= 0 && right.source >= 0) { // numbers of patients instead of their texts
        PC_TRY(pc_sql_column(p, left, 0, &both[0]));
        PC_TRY(pc_sql_column(p, right, 0, &both[1]));
        return pc_make_call(&p->binder, PC_FN_EQUAL, PC_BOOL, 0, 0, both, 2, NULL, out);
    }
    PC_TRY(pc_sql_column(p, c->left, 0, &both[0]));
    PC_TRY(pc_sql_column(p, c->right, 0, &both[1]));
    return pc_make_compare(&p->binder, PC_FN_EQUAL, both[0], both[1], 0, c->location, out);
}

static pc_status bind_conjunct(pc_sql_planner *p, const pc_sql_conjunct *c, const pc_expr **out)
{
    *out = NULL;
    const bool on_patient = c->is_equality && pc_sql_patient_key(p, c->left).source >= 0 &&
                            pc_sql_patient_key(p, c->right).source >= 0;
    if (on_patient && same_scan(p, c->left.source, c->right.source)) {
        return bind_patients(p, c, out);
    }
    if (c->is_used) return PC_OK;
    if (on_patient || c->node == NULL) return bind_equality(p, c, out);
    return pc_bind_bool(&p->binder, c->node, out);
}

// The ON of a table that the scan itself attaches.
static pc_status add_on(pc_sql_planner *p, int source, const pc_expr *x)
{
    const pc_sql_source *s = &p->source[source];
    pc_scan_relation *r = &p->scan[s->scan]->relation[s->relation];
    const pc_expr *both[2] = {r->on, x};
    if (r->on != NULL) {
        PC_TRY(pc_make_call(&p->binder, PC_FN_AND, PC_BOOL, 0, 0, both, 2, NULL, &x));
    }
    r->on = x;
    return PC_OK;
}

static pc_status settle_conjunct(pc_sql_planner *p, int at, const pc_expr *x)
{
    pc_sql_conjunct *c = &p->conjunct[at];
    c->is_used = true;
    if (x == NULL) return PC_OK;
    pc_sql_note_chosen(p, x);
    if (pc_sql_names_outer(x)) {
        if (c->owner >= 0) {
            return pc_bind_fail(&p->binder, c->location, PC_UNSUPPORTED,
                                "the ON of a LEFT JOIN in a subquery cannot name the query around");
        }
        p->outer_condition[p->outer_count++] = x;
        return PC_OK;
    }
    if (c->owner >= 0 && p->source[c->owner].relation > 0) return add_on(p, c->owner, x);
    c->bound = x;
    c->is_used = false; // plan_join.c finds its place
    return PC_OK;
}

pc_status pc_sql_bind_rest(pc_sql_planner *p)
{
    // Subqueries in a condition add sources and conditions behind it.
    for (int i = 0; i < p->conjunct_count; i++) {
        const pc_expr *x = p->conjunct[i].bound;
        p->may_be_outer = true;
        if (x == NULL) PC_TRY(bind_conjunct(p, &p->conjunct[i], &x));
        p->may_be_outer = false;
        PC_TRY(settle_conjunct(p, i, x));
    }
    return PC_OK;
}
