/** Scans and subqueries joined to one tree: which keys, in what order, where conditions stand. */
#include <string.h>
#include "plan_private.h"

pc_status pc_sql_rewrite(pc_sql_job *job, const pc_expr *x, pc_sql_replace to, void *context,
                         const pc_expr **out)
{
    *out = x;
    if (x->kind == PC_EXPR_COLUMN) return to(context, x, out);
    if (x->kind != PC_EXPR_CALL) return PC_OK;
    pc_expr *copy = pc_arena_take(job->arena, sizeof *copy, job->err);
    const pc_expr **arg =
        pc_arena_array(job->arena, (size_t)x->arg_count + 1, sizeof *arg, job->err);
    if (copy == NULL || arg == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < x->arg_count; i++) {
        PC_TRY(pc_sql_rewrite(job, x->arg[i], to, context, &arg[i]));
    }
    *copy = *x;
    copy->arg = arg;
    *out = copy;
    return PC_OK;
}

/** Where columns of the planner are among some others. */
typedef struct mapping {
    pc_sql_planner *p;
    int count;
    const int *column; ///< [count]
} mapping;

static pc_status map_column(void *context, const pc_expr *x, const pc_expr **out)
{
    const mapping *m = context;
    int at = 0;
    while (at < m->count && m->column[at] != x->column) {
        at++;
    }
    if (at == m->count) { // a bug of the planner: no plan is better than a wrong one
        return PC_FAIL(m->p->err, PC_UNSUPPORTED, "%s: character %d: %s cannot be used here",
                       m->p->binder.text->what, x->position, m->p->field[x->column].name);
    }
    *out = x;
    if (at == x->column) return PC_OK;
    pc_expr *made = pc_arena_take(m->p->arena, sizeof *made, m->p->err);
    if (made == NULL) return PC_NO_MEMORY;
    *made = *x;
    made->column = at;
    *out = made;
    return PC_OK;
}

pc_status pc_sql_place_expr(pc_sql_planner *p, const pc_sql_tree *tree, const pc_expr *x,
                            const pc_expr **out)
{
    mapping m = {p, tree->column_count, tree->column};
    return pc_sql_rewrite(p->job, x, map_column, &m, out);
}

// Marks the sources that an expression reads.
static void mark_sources(const pc_sql_planner *p, const pc_expr *x, bool *uses)
{
    if (x->kind == PC_EXPR_COLUMN) {
        const int source = p->column[x->column].source;
        if (source >= 0) uses[source] = true;
        if (source < 0) mark_sources(p, p->computed[x->column], uses);
    }
    for (int i = 0; x->kind == PC_EXPR_CALL && i < x->arg_count; i++) {
        mark_sources(p, x->arg[i], uses);
    }
}

static bool is_within(const pc_sql_planner *p, const pc_expr *x, const bool *has)
{
    bool uses[PC_SQL_SOURCES] = {false};
    mark_sources(p, x, uses);
    for (int i = 0; i < p->source_count; i++) {
        if (uses[i] && !has[i]) return false;
    }
    return true;
}

/** What is joined: a scan with all its tables, or one subquery. */
typedef struct part {
    int source; ///< the first of it
    pc_join join;
    pc_spread spread;
    bool is_guest; ///< rows of other patients than those of the row it is joined to
    bool is_joined;
    bool has[PC_SQL_SOURCES];
    int64_t rows; ///< as far as it is known; 0: not
} part;

typedef struct parts {
    int count;
    part part[PC_SQL_SOURCES];
} parts;

static pc_spread spread_of(const pc_sql_planner *p, int source)
{
    const pc_sql_relation *r = p->source[source].relation_of;
    if (r != NULL) return r->plan->spread;
    return pc_sql_is_patient_table(p, source) ? PC_SPREAD_SLOTS : PC_SPREAD_WHOLE;
}

static void list_parts(const pc_sql_planner *p, parts *out)
{
    out->count = 0;
    for (int i = 0; i < p->source_count; i++) {
        const pc_sql_source *s = &p->source[i];
        if (s->relation > 0) continue; // read by a scan that another table drives
        part *q = &out->part[out->count++];
        *q = (part){.source = i, .join = s->join, .spread = spread_of(p, i)};
        for (int k = 0; k < p->source_count; k++) {
            q->has[k] = k == i || (s->scan >= 0 && p->source[k].scan == s->scan);
            if (!q->has[k] || s->table < 0) continue;
            if (!pc_sql_is_patient_table(p, i)) {
                q->rows = p->catalog->reference_count[p->source[i].table];
            }
        }
    }
}

static part *part_of(parts *all, int source)
{
    int i = 0;
    while (!all->part[i].has[source]) {
        i++;
    }
    return &all->part[i];
}

// An equality of two keys that lie within a slot, of different sources.
static bool is_slot_equality(const pc_sql_planner *p, const pc_expr *x, int *a, int *b)
{
    if (x == NULL || x->kind != PC_EXPR_CALL || pc_function_which(x->function) != PC_FN_EQUAL) {
        return false;
    }
    const pc_expr *l = x->arg[0];
    const pc_expr *r = x->arg[1];
    if (l->kind != PC_EXPR_COLUMN || r->kind != PC_EXPR_COLUMN || l->type != PC_KEY) return false;
    *a = p->column[l->column].source;
    *b = p->column[r->column].source;
    return *a >= 0 && *b >= 0 && *a != *b;
}

// A part of slots is of the same patients as the others when a key that lies within a slot joins
// it to one of them; else it is a guest, which every rank must see whole.
static void find_guests(const pc_sql_planner *p, parts *all)
{
    bool is_main[PC_SQL_SOURCES] = {false};
    bool found = false;
    for (int i = 0; i < all->count && !found; i++) {
        const part *q = &all->part[i];
        found = q->join == PC_JOIN_INNER && q->spread == PC_SPREAD_SLOTS;
        if (found) memcpy(is_main, q->has, sizeof is_main);
    }
    for (bool more = found; more;) {
        more = false;
        for (int i = 0; i < p->conjunct_count; i++) {
            int a, b;
            const pc_sql_conjunct *c = &p->conjunct[i];
            if (!is_slot_equality(p, c->bound, &a, &b) || is_main[a] == is_main[b]) continue;
            const part *q = part_of(all, is_main[a] ? b : a);
            if (c->owner >= 0 && !q->has[c->owner]) continue;
            for (int k = 0; k < p->source_count; k++) {
                is_main[k] = is_main[k] || q->has[k];
            }
            more = true;
        }
    }
    for (int i = 0; i < all->count; i++) {
        part *q = &all->part[i];
        q->is_guest = q->spread == PC_SPREAD_SLOTS && !is_main[q->source];
    }
}

bool pc_sql_is_guest(const pc_sql_planner *p, int source)
{
    parts all;
    list_parts(p, &all);
    find_guests(p, &all);
    return part_of(&all, source)->is_guest;
}

static pc_status add_filter_to(pc_sql_planner *p, pc_sql_tree *tree, const pc_expr *x)
{
    const pc_expr *predicate;
    PC_TRY(pc_sql_place_expr(p, tree, x, &predicate));
    const pc_plan made = {.kind = PC_PLAN_FILTER, .of.filter = {predicate}};
    return pc_sql_add_node(p->job, &made, &tree->plan);
}

static pc_status add_scan_filter(pc_sql_planner *p, pc_scan_plan *scan, const pc_sql_tree *tree,
                                 const pc_expr *x)
{
    PC_TRY(pc_sql_place_expr(p, tree, x, &x));
    for (int i = 0; i < scan->filter_count; i++) {
        if (pc_expr_equal(scan->filter[i], x)) return PC_OK;
    }
    if (x->kind == PC_EXPR_CALL && pc_function_which(x->function) == PC_FN_AND) {
        for (int i = 0; i < x->arg_count; i++) { // is_patient of two relations
            scan->filter[scan->filter_count++] = x->arg[i];
        }
        return PC_OK;
    }
    scan->filter[scan->filter_count++] = x;
    return PC_OK;
}

static bool belongs(const part *q, const pc_sql_conjunct *c)
{
    return q->join == PC_JOIN_INNER ? c->owner < 0 : c->owner == q->source;
}

static pc_status open_tree(pc_sql_planner *p, pc_sql_tree *tree, int room)
{
    tree->column = pc_arena_array(p->arena, (size_t)room + 1, sizeof *tree->column, p->err);
    tree->has = pc_arena_array(p->arena, PC_SQL_SOURCES, sizeof *tree->has, p->err);
    return tree->column == NULL || tree->has == NULL ? PC_NO_MEMORY : PC_OK;
}

// The scan: its columns are those that were asked of its tables, in the order of asking.
static pc_status make_scan(pc_sql_planner *p, const part *q, pc_sql_tree *tree)
{
    pc_scan_plan *scan = p->scan[p->source[q->source].scan];
    const size_t room = (size_t)p->column_count + 1;
    scan->column = pc_arena_array(p->arena, room, sizeof *scan->column, p->err);
    scan->field = pc_arena_array(p->arena, room, sizeof *scan->field, p->err);
    scan->filter = pc_arena_array(p->arena, 2 * PC_SQL_CONJUNCTS, sizeof *scan->filter, p->err);
    if (scan->column == NULL || scan->field == NULL || scan->filter == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < p->column_count; i++) {
        const int source = p->column[i].source;
        if (source < 0 || !q->has[source]) continue;
        const int at = scan->column_count++;
        scan->column[at] = (pc_scan_column){p->source[source].relation, p->column[i].column};
        scan->field[at] = p->field[i];
        tree->column[at] = i;
    }
    tree->column_count = scan->column_count;
    for (int i = 0; i < scan->relation_count; i++) {
        pc_scan_relation *r = &scan->relation[i];
        if (r->on != NULL) PC_TRY(pc_sql_place_expr(p, tree, r->on, &r->on));
    }
    for (int i = 0; i < p->conjunct_count; i++) {
        pc_sql_conjunct *c = &p->conjunct[i];
        if (c->is_used || !belongs(q, c) || !is_within(p, c->bound, q->has)) continue;
        c->is_used = true;
        PC_TRY(add_scan_filter(p, scan, tree, c->bound));
    }
    const bool of_patients = q->spread == PC_SPREAD_SLOTS;
    const pc_plan made = {.kind = PC_PLAN_SCAN,
                          .schema = {scan->column_count, scan->field},
                          .spread = q->spread,
                          .of.scan = {scan, of_patients ? -1 : scan->relation[0].table}};
    return pc_sql_add_node(p->job, &made, &tree->plan);
}

// Of a subquery that is joined, only the columns that were asked for go on.
static pc_status narrow(pc_sql_planner *p, pc_sql_tree *tree, const int *from)
{
    const pc_schema *schema = &tree->plan->schema;
    if (tree->column_count == schema->field_count) return PC_OK;
    const size_t room = (size_t)tree->column_count + 1;
    const pc_expr **expr = pc_arena_array(p->arena, room, sizeof *expr, p->err);
    pc_field *field = pc_arena_array(p->arena, room, sizeof *field, p->err);
    if (expr == NULL || field == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < tree->column_count; i++) {
        field[i] = schema->field[from[i]];
        PC_TRY(pc_expr_column(from[i], &field[i], 0, p->arena, &expr[i], p->err));
    }
    const pc_plan made = {.kind = PC_PLAN_PROJECT,
                          .schema = {tree->column_count, field},
                          .of.project = {tree->column_count, expr}};
    return pc_sql_add_node(p->job, &made, &tree->plan);
}

static pc_status make_subquery(pc_sql_planner *p, const part *q, bool is_alone, pc_sql_tree *tree)
{
    const pc_sql_relation *r = p->source[q->source].relation_of;
    const int count = r->plan->schema.field_count;
    int *from = pc_arena_array(p->arena, (size_t)count + 1, sizeof *from, p->err);
    if (from == NULL) return PC_NO_MEMORY;
    tree->plan = r->plan;
    for (int column = 0; column < count; column++) {
        for (int i = 0; i < p->column_count; i++) {
            if (p->column[i].source != q->source || p->column[i].column != column) continue;
            from[tree->column_count] = column;
            tree->column[tree->column_count++] = i;
        }
    }
    if (tree->column_count == 0 && count > 0 && is_alone) {
        // Rows without columns: one is kept, so that rows are counted.
        tree->column[0] = -1;
        tree->column_count = 1;
    }
    PC_TRY(narrow(p, tree, from));
    for (int i = 0; i < p->conjunct_count; i++) {
        pc_sql_conjunct *c = &p->conjunct[i];
        if (c->is_used || !belongs(q, c) || !is_within(p, c->bound, q->has)) continue;
        if (q->join == PC_JOIN_MARK && p->source[q->source].null_aware) continue;
        c->is_used = true;
        PC_TRY(add_filter_to(p, tree, c->bound));
    }
    return PC_OK;
}

static pc_status make_part(pc_sql_planner *p, const part *q, bool is_alone, pc_sql_tree *tree)
{
    const pc_sql_relation *r = p->source[q->source].relation_of;
    *tree = (pc_sql_tree){0};
    const int room = r == NULL ? 0 : r->plan->schema.field_count;
    PC_TRY(open_tree(p, tree, room + p->column_count));
    memcpy(tree->has, q->has, sizeof q->has);
    return r == NULL ? make_scan(p, q, tree) : make_subquery(p, q, is_alone, tree);
}

// Rows that are to meet those of other ranks. Of patients' rows the slots are lost: protected, the
// query is refused.
static pc_status lose_slots(pc_sql_planner *p, const pc_sql_tree *tree, int source)
{
    if (tree->plan->spread == PC_SPREAD_SLOTS) {
        p->job->traits.returns_rows = true;
        const char *alias = p->source[source].alias; // of the parse tree, which goes
        if (p->job->traits.why == NULL && alias != NULL) {
            p->job->traits.why = pc_arena_text(p->arena, alias, strlen(alias), p->err);
            if (p->job->traits.why == NULL) return PC_NO_MEMORY;
        }
    }
    return PC_OK;
}

/** A join being made. */
typedef struct joining {
    pc_sql_planner *p;
    pc_sql_tree *left;
    pc_sql_tree right;
    const part *q;
    int key_count;
    int *key, *build_key;
    const pc_expr *on; ///< over the planner's columns
    bool within_slot, within_part;
} joining;

static bool same_kind(const pc_expr *x, const pc_expr *y)
{
    if (pc_type_is_text(x->type) && pc_type_is_text(y->type)) return true;
    return x->type == y->type && x->scale == y->scale;
}

// The column of a tree that holds an expression, computed when it is not one.
static pc_status column_in(pc_sql_planner *p, pc_sql_tree *tree, const pc_expr *x, int *at)
{
    const pc_expr *placed;
    PC_TRY(pc_sql_place_expr(p, tree, x, &placed));
    if (placed->kind == PC_EXPR_COLUMN) {
        *at = placed->column;
        return PC_OK;
    }
    const pc_schema *schema = &tree->plan->schema;
    const int count = schema->field_count;
    const pc_expr **expr = pc_arena_array(p->arena, (size_t)count + 1, sizeof *expr, p->err);
    pc_field *field = pc_arena_array(p->arena, (size_t)count + 1, sizeof *field, p->err);
    int *column = pc_arena_array(p->arena, (size_t)count + 1, sizeof *column, p->err);
    if (expr == NULL || field == NULL || column == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < count; i++) {
        field[i] = schema->field[i];
        column[i] = tree->column[i];
        PC_TRY(pc_expr_column(i, &field[i], 0, p->arena, &expr[i], p->err));
    }
    const pc_expr *made;
    PC_TRY(pc_sql_add_computed(p, x, &made, &column[count]));
    field[count] = p->field[column[count]];
    expr[count] = placed;
    const pc_plan node = {
        .kind = PC_PLAN_PROJECT, .schema = {count + 1, field}, .of.project = {count + 1, expr}};
    tree->column = column;
    tree->column_count = count + 1;
    *at = count;
    return pc_sql_add_node(p->job, &node, &tree->plan);
}

static pc_status add_on(joining *j, const pc_expr *x)
{
    const pc_expr *both[2] = {j->on, x};
    if (j->on == NULL) {
        j->on = x;
        return PC_OK;
    }
    return pc_make_call(&j->p->binder, PC_FN_AND, PC_BOOL, 0, 0, both, 2, NULL, &j->on);
}

// A condition of the join: a pair of keys when each side is of one tree, else part of `on`.
static pc_status add_join_condition(joining *j, const pc_expr *x, bool may_be_key)
{
    pc_sql_planner *p = j->p;
    const bool is_equal = x->kind == PC_EXPR_CALL &&
                          pc_function_which(x->function) == PC_FN_EQUAL &&
                          same_kind(x->arg[0], x->arg[1]);
    for (int turn = 0; turn < 2 && is_equal && may_be_key; turn++) {
        const pc_expr *ours = x->arg[turn];
        const pc_expr *theirs = x->arg[1 - turn];
        bool ours_uses[PC_SQL_SOURCES] = {false}, theirs_uses[PC_SQL_SOURCES] = {false};
        mark_sources(p, ours, ours_uses);
        mark_sources(p, theirs, theirs_uses);
        bool any = false;
        for (int i = 0; i < p->source_count; i++) {
            any = any || theirs_uses[i];
        }
        if (!any || !is_within(p, ours, j->left->has) || !is_within(p, theirs, j->right.has)) {
            continue;
        }
        PC_TRY(column_in(p, j->left, ours, &j->key[j->key_count]));
        PC_TRY(column_in(p, &j->right, theirs, &j->build_key[j->key_count]));
        j->key_count++;
        j->within_slot = j->within_slot || ours->type == PC_KEY;
        return PC_OK;
    }
    return add_on(j, x);
}

// IN with other conditions: its own comparison may be unknown, theirs count as true or not.
static pc_status add_test(joining *j, const pc_expr *test)
{
    if (j->on != NULL) {
        PC_TRY(pc_make_call(&j->p->binder, PC_FN_IS_TRUE, PC_BOOL, 0, 0, &j->on, 1, NULL, &j->on));
    }
    return add_join_condition(j, test, j->on == NULL && j->key_count == 0);
}

static pc_status collect_conditions(joining *j)
{
    pc_sql_planner *p = j->p;
    bool has[PC_SQL_SOURCES];
    for (int i = 0; i < PC_SQL_SOURCES; i++) {
        has[i] = j->left->has[i] || j->q->has[i];
    }
    const pc_expr *test = NULL; // of IN: the first condition of its source
    for (int i = 0; i < p->conjunct_count; i++) {
        pc_sql_conjunct *c = &p->conjunct[i];
        if (c->is_used || !belongs(j->q, c) || !is_within(p, c->bound, has)) continue;
        c->is_used = true;
        if (p->source[j->q->source].null_aware && test == NULL) {
            test = c->bound;
        } else {
            PC_TRY(add_join_condition(j, c->bound, true));
        }
    }
    return test == NULL ? PC_OK : add_test(j, test);
}

static pc_status layout_join(joining *j, pc_field **field, int *count)
{
    pc_sql_planner *p = j->p;
    pc_sql_tree *left = j->left;
    const pc_schema *a = &left->plan->schema;
    const pc_schema *b = &j->right.plan->schema;
    const bool is_mark = j->q->join == PC_JOIN_MARK;
    *count = a->field_count + (is_mark ? 1 : b->field_count);
    *field = pc_arena_array(p->arena, (size_t)*count + 1, sizeof **field, p->err);
    int *column = pc_arena_array(p->arena, (size_t)*count + 1, sizeof *column, p->err);
    if (*field == NULL || column == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < *count; i++) {
        const bool ours = i < a->field_count;
        const int at = ours ? i : i - a->field_count;
        if (is_mark && !ours) {
            (*field)[i] = (pc_field){"found", PC_BOOL, 0, 0};
            column[i] = -1;
            for (int k = 0; k < p->column_count; k++) {
                if (p->column[k].source == j->q->source && p->column[k].column == PC_SQL_MARKED) {
                    column[i] = k;
                }
            }
            continue;
        }
        (*field)[i] = ours ? a->field[at] : b->field[at];
        column[i] = ours ? left->column[at] : j->right.column[at];
    }
    left->column = column;
    left->column_count = *count;
    return PC_OK;
}

// `on` sees the columns of both, whatever the join gives.
static pc_status place_on(joining *j, int left_count, const int *left_column)
{
    pc_sql_planner *p = j->p;
    if (j->on == NULL) return PC_OK;
    const int count = left_count + j->right.column_count;
    int *column = pc_arena_array(p->arena, (size_t)count + 1, sizeof *column, p->err);
    if (column == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < count; i++) {
        column[i] = i < left_count ? left_column[i] : j->right.column[i - left_count];
    }
    mapping m = {p, count, column};
    return pc_sql_rewrite(p->job, j->on, map_column, &m, &j->on);
}

// Both sides are exchanged by the hash of their keys where the right one would fill a good part of
// each rank's memory. Of patients' rows only: groups are on rank 0 already.
static bool is_too_large(const joining *j)
{
    enum { SHARE_OF_MEMORY = 8, INDEX_BYTES = 20 };
    const pc_sql_planner *p = j->p;
    const bool joins_rows = j->q->join == PC_JOIN_INNER || j->q->join == PC_JOIN_LEFT;
    const size_t limit = p->arena->budget == NULL ? 0 : p->arena->budget->limit_bytes;
    const pc_spread spread = j->right.plan->spread;
    const bool is_spread = spread == PC_SPREAD_SLOTS || spread == PC_SPREAD_PARTS;
    if (!joins_rows || !is_spread || j->key_count == 0 || limit == 0) return false;
    const int columns = j->right.plan->schema.field_count;
    const double bytes = (double)(columns * (int)sizeof(int64_t) + INDEX_BYTES);
    return pc_plan_rows(j->right.plan, p->catalog) * bytes > (double)(limit / SHARE_OF_MEMORY);
}

// Rows of one key are to meet: within slots they do; else every rank sees the right side whole, or
// both are exchanged.
static pc_status bring_together(joining *j)
{
    pc_sql_planner *p = j->p;
    const bool both_slots =
        j->left->plan->spread == PC_SPREAD_SLOTS && j->right.plan->spread == PC_SPREAD_SLOTS;
    j->within_slot = j->within_slot && both_slots && !j->q->is_guest;
    if (j->within_slot || j->right.plan->spread == PC_SPREAD_WHOLE) return PC_OK;
    PC_TRY(lose_slots(p, &j->right, j->q->source));
    j->within_part = is_too_large(j);
    if (!j->within_part) return pc_sql_share(p->job, &j->right.plan);
    PC_TRY(pc_sql_exchange(p->job, j->key, j->key_count, &j->left->plan));
    return pc_sql_exchange(p->job, j->build_key, j->key_count, &j->right.plan);
}

static pc_status join_part(pc_sql_planner *p, pc_sql_tree *left, const part *q)
{
    joining j = {.p = p, .left = left, .q = q};
    j.key = pc_arena_array(p->arena, PC_SQL_CONJUNCTS, sizeof *j.key, p->err);
    j.build_key = pc_arena_array(p->arena, PC_SQL_CONJUNCTS, sizeof *j.build_key, p->err);
    if (j.key == NULL || j.build_key == NULL) return PC_NO_MEMORY;
    PC_TRY(make_part(p, q, false, &j.right));
    if (left->plan->spread == PC_SPREAD_ROOT) PC_TRY(pc_sql_share(p->job, &left->plan));
    PC_TRY(collect_conditions(&j));
    PC_TRY(bring_together(&j));
    PC_TRY(place_on(&j, left->column_count, left->column));
    pc_field *field;
    int count;
    PC_TRY(layout_join(&j, &field, &count));
    const pc_plan made = {.kind = PC_PLAN_JOIN,
                          .schema = {count, field},
                          .of.join = {.join = q->join,
                                      .build = j.right.plan,
                                      .within_slot = j.within_slot,
                                      .within_part = j.within_part,
                                      .key_count = j.key_count,
                                      .key = j.key,
                                      .build_key = j.build_key,
                                      .on = j.on,
                                      .null_aware = p->source[q->source].null_aware}};
    for (int i = 0; i < PC_SQL_SOURCES; i++) {
        left->has[i] = left->has[i] || q->has[i];
    }
    return pc_sql_add_node(p->job, &made, &left->plan);
}

// Conditions that the tree can evaluate by now.
static pc_status add_filters(pc_sql_planner *p, pc_sql_tree *tree)
{
    for (int i = 0; i < p->conjunct_count; i++) {
        pc_sql_conjunct *c = &p->conjunct[i];
        if (c->is_used || c->owner >= 0 || !is_within(p, c->bound, tree->has)) continue;
        c->is_used = true;
        PC_TRY(add_filter_to(p, tree, c->bound));
    }
    return PC_OK;
}

// How good it is to join a part next: 4 within slots, 3 by an equality, 2 only a test, 1 all pairs;
// 0: not yet.
static int score_of(const pc_sql_planner *p, const pc_sql_tree *tree, const part *q)
{
    bool has[PC_SQL_SOURCES];
    for (int i = 0; i < PC_SQL_SOURCES; i++) {
        has[i] = tree->has[i] || q->has[i];
    }
    int score = q->join == PC_JOIN_INNER ? 1 : 2;
    for (int i = 0; i < p->conjunct_count; i++) {
        const pc_sql_conjunct *c = &p->conjunct[i];
        if (c->is_used || !belongs(q, c)) continue;
        const bool is_ready = is_within(p, c->bound, has);
        if (!is_ready && c->owner >= 0) return 0;
        int a, b;
        if (!is_ready) continue;
        const bool is_equal =
            c->bound->kind == PC_EXPR_CALL && pc_function_which(c->bound->function) == PC_FN_EQUAL;
        if (is_slot_equality(p, c->bound, &a, &b) && !q->is_guest && score < 4) score = 4;
        if (is_equal && !is_within(p, c->bound, q->has) && score < 3) score = 3;
    }
    return score;
}

// The first part: rows of patients rather than others, the larger reference table.
static part *first_part(parts *all)
{
    part *best = NULL;
    for (int i = 0; i < all->count; i++) {
        part *q = &all->part[i];
        if (q->join != PC_JOIN_INNER || q->is_guest) continue;
        const bool is_better =
            best == NULL || (best->spread != PC_SPREAD_SLOTS &&
                             (q->spread == PC_SPREAD_SLOTS || q->rows > best->rows));
        if (is_better) best = q;
    }
    return best;
}

static part *next_part(const pc_sql_planner *p, const pc_sql_tree *tree, parts *all)
{
    part *best = NULL;
    int best_score = 0;
    for (int i = 0; i < all->count; i++) {
        part *q = &all->part[i];
        if (q->is_joined) continue;
        const int score = score_of(p, tree, q);
        const bool is_smaller = best != NULL && score == best_score && q->rows < best->rows;
        if (score > best_score || (score > 0 && is_smaller)) {
            best = q;
            best_score = score;
        }
    }
    return best;
}

// SELECT without FROM: one row without columns.
static pc_status make_one_row(pc_sql_planner *p, pc_sql_tree *tree)
{
    static const pc_expr *const no_value[1] = {NULL};
    static const pc_field no_field[1] = {{.name = ""}};
    *tree = (pc_sql_tree){0};
    PC_TRY(open_tree(p, tree, 1));
    const pc_plan made = {.kind = PC_PLAN_VALUES,
                          .schema = {0, no_field},
                          .spread = PC_SPREAD_WHOLE,
                          .of.values = {1, no_value}};
    return pc_sql_add_node(p->job, &made, &tree->plan);
}

pc_status pc_sql_build(pc_sql_planner *p, pc_sql_tree *out)
{
    parts all;
    list_parts(p, &all);
    find_guests(p, &all);
    part *first = first_part(&all);
    if (first == NULL) {
        PC_TRY(make_one_row(p, out));
    } else {
        first->is_joined = true;
        PC_TRY(make_part(p, first, all.count == 1, out));
    }
    PC_TRY(add_filters(p, out));
    for (part *q = next_part(p, out, &all); q != NULL; q = next_part(p, out, &all)) {
        q->is_joined = true;
        PC_TRY(join_part(p, out, q));
        PC_TRY(add_filters(p, out));
    }
    for (int i = 0; i < all.count; i++) {
        if (all.part[i].is_joined || &all.part[i] == first) continue;
        return pc_bind_fail(&p->binder, p->source[all.part[i].source].location, PC_UNSUPPORTED,
                            "the conditions of the joins refer to each other in a ring");
    }
    return PC_OK;
}
