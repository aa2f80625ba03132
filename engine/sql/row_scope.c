/** What a row of a model table sees: its own columns, those of the rows that it points to (the
 *  nearest wins, a draw is an error), its person. Each name that is used adds to a scan plan. */
#include <string.h>
#include <strings.h>
#include "sql_private.h"

enum { MOST_RELATIONS = 64, FIRST_COLUMNS = 32 };

struct pc_row_scope {
    pc_scope scope;
    const pc_catalog *catalog;
    pc_arena *arena;
    int hidden; // column of the table itself that is not seen, or -1
    pc_scan_plan plan;
    int column_room, filter_room;
    pc_schema schema;
};

/** A row that can be seen from the table's row, and how. */
typedef struct place {
    pc_scan_relation step; ///< `from` and `instead_of` are indices in the list of places
    int distance;
    bool is_hidden; ///< its row is seen through the last reference to the same table
} place;

typedef struct places {
    place place[MOST_RELATIONS];
    int count;
} places;

static const pc_model_table *table_of(const pc_row_scope *s, int relation)
{
    return &s->catalog->model->table[s->plan.relation[relation].table];
}

static void add_place(places *all, int from, pc_scan_relation step)
{
    if (all->count == MOST_RELATIONS) return;
    step.from = from;
    step.join = PC_JOIN_LEFT;
    all->place[all->count] =
        (place){.step = step, .distance = from < 0 ? 0 : all->place[from].distance + 1};
    all->count++;
}

// Several references of one row to one table are ways to the same row: each is asked when those
// before it found none, and only the last one is seen.
static void add_references(places *all, int at, const pc_model_table *t)
{
    for (int i = 0; i < t->reference_count && all->count < MOST_RELATIONS; i++) {
        const pc_model_reference *r = &t->reference[i];
        pc_scan_relation step = {.attach = PC_ATTACH_REFERENCE,
                                 .table = r->table,
                                 .column = r->column,
                                 .their_column = r->their_column,
                                 .first_only = true};
        for (int before = at + 1; before < all->count; before++) {
            place *p = &all->place[before];
            if (p->step.from != at || p->step.table != r->table) continue;
            p->is_hidden = true;
            step.instead_of = before;
        }
        add_place(all, at, step);
    }
}

// All places, nearest first: breadth first over parents, companions and references.
static void list_places(const pc_row_scope *s, places *all)
{
    const pc_model *model = s->catalog->model;
    all->count = 0;
    add_place(all, -1,
              (pc_scan_relation){.attach = PC_ATTACH_DRIVE, .table = s->plan.relation[0].table});
    for (int at = 0; at < all->count; at++) {
        const place here = all->place[at];
        const pc_model_table *t = &model->table[here.step.table];
        add_references(all, at, t);
        // A companion is not a way further: its parent is where we came from.
        if (here.step.attach == PC_ATTACH_COMPANION) continue;
        if (t->parent_key >= 0) {
            add_place(all, at,
                      (pc_scan_relation){.attach = PC_ATTACH_PARENT,
                                         .table = model->key[t->parent_key].table});
        }
        for (int other = 0; t->own_key >= 0 && other < model->table_count; other++) {
            if (!model->table[other].companion || model->table[other].parent_key != t->own_key) {
                continue;
            }
            if (other == all->place[0].step.table) continue;
            add_place(all, at, (pc_scan_relation){.attach = PC_ATTACH_COMPANION, .table = other});
        }
    }
}

static bool same_step(const pc_scan_relation *a, const pc_scan_relation *b)
{
    return a->attach == b->attach && a->table == b->table && a->from == b->from &&
           (a->attach != PC_ATTACH_REFERENCE ||
            (a->column == b->column && a->their_column == b->their_column &&
             a->instead_of == b->instead_of));
}

static pc_status add_relation(pc_row_scope *s, const pc_scan_relation *step, int *out,
                              pc_error *err)
{
    for (int i = 0; i < s->plan.relation_count; i++) {
        if (!same_step(&s->plan.relation[i], step)) continue;
        *out = i;
        return PC_OK;
    }
    if (s->plan.relation_count == MOST_RELATIONS) {
        return PC_FAIL(err, PC_UNSUPPORTED, "a row sees at most %d tables", MOST_RELATIONS);
    }
    *out = s->plan.relation_count;
    s->plan.relation[s->plan.relation_count++] = *step;
    return PC_OK;
}

// A reference with those that are asked before it, the first one first.
static pc_status add_chain(pc_row_scope *s, const places *all, int at, int from, int *relation,
                           pc_error *err)
{
    int chain[MOST_RELATIONS];
    int count = 0;
    for (int i = at; i > 0; i = all->place[i].step.instead_of) {
        chain[count++] = i;
    }
    int before = 0;
    while (count > 0) {
        pc_scan_relation step = all->place[chain[--count]].step;
        step.from = from;
        step.instead_of = before;
        PC_TRY(add_relation(s, &step, &before, err));
    }
    *relation = before;
    return PC_OK;
}

// The relation of a place, with those on the way to it.
static pc_status reach(pc_row_scope *s, const places *all, int at, int *relation, pc_error *err)
{
    int way[MOST_RELATIONS];
    int count = 0;
    for (int i = at; i > 0; i = all->place[i].step.from) {
        way[count++] = i;
    }
    *relation = 0;
    while (count > 0) {
        PC_TRY(add_chain(s, all, way[--count], *relation, relation, err));
    }
    return PC_OK;
}

static pc_field field_of(const pc_row_scope *s, int relation, int column)
{
    switch (column) {
        case PC_SCAN_PATIENT:
            return (pc_field){"patient", PC_ID, 0, PC_SLOT_TEXT_BYTES};
        case PC_SCAN_STATUS:
            return (pc_field){"patient_status", PC_CODE, 0, 0};
        case PC_SCAN_IS_PATIENT:
            return (pc_field){"is_patient", PC_BOOL, 0, 0};
        case PC_SCAN_KEY:
        case PC_SCAN_PARENT_KEY:
        case PC_SCAN_SLOT:
            return (pc_field){"key", PC_KEY, 0, 0};
        default: {
            const pc_model_column *c = &table_of(s, relation)->column[column];
            return (pc_field){c->name, c->type, c->scale, c->width};
        }
    }
}

static pc_status grow(pc_row_scope *s, pc_error *err)
{
    if (s->plan.column_count < s->column_room) return PC_OK;
    const int room = s->column_room == 0 ? FIRST_COLUMNS : s->column_room * 2;
    pc_scan_column *column = pc_arena_array(s->arena, (size_t)room, sizeof *column, err);
    pc_field *field = pc_arena_array(s->arena, (size_t)room, sizeof *field, err);
    if (column == NULL || field == NULL) return PC_NO_MEMORY;
    const size_t count = (size_t)s->plan.column_count;
    if (count > 0) memcpy(column, s->plan.column, count * sizeof *column);
    if (count > 0) memcpy(field, s->plan.field, count * sizeof *field);
    s->plan.column = column;
    s->plan.field = field;
    s->column_room = room;
    return PC_OK;
}

pc_status pc_row_scope_add(pc_row_scope *scope, int relation, int column, int *out, pc_error *err)
{
    pc_scan_plan *plan = &scope->plan;
    for (int i = 0; i < plan->column_count; i++) {
        if (plan->column[i].relation != relation || plan->column[i].column != column) continue;
        *out = i;
        return PC_OK;
    }
    PC_TRY(grow(scope, err));
    const int at = plan->column_count++;
    plan->column[at] = (pc_scan_column){relation, column};
    plan->field[at] = field_of(scope, relation, column);
    *out = at;
    return PC_OK;
}

static pc_status make_column(pc_row_scope *s, int relation, int column, int position,
                             const pc_expr **out, pc_error *err)
{
    int at;
    PC_TRY(pc_row_scope_add(s, relation, column, &at, err));
    return pc_expr_column(at, &s->plan.field[at], position, s->arena, out, err);
}

static pc_status call(pc_row_scope *s, const pc_call *made, const pc_expr **out, pc_error *err)
{
    return pc_expr_call(made, s->arena, out, err);
}

// age and age_in_year at the row's first day.
static pc_status make_age(pc_row_scope *s, bool in_year, int position, const pc_expr **out,
                          pc_error *err)
{
    static const pc_date_part year = PC_PART_YEAR;
    const pc_model *model = s->catalog->model;
    const int person = model->person_table;
    const int birth = pc_model_find_column(&model->table[person],
                                           pc_span_of(in_year ? "birth_year" : "birth_date"));
    const int own = s->plan.relation[0].table;
    const int event = model->table[own].event_date;
    *out = NULL;
    if (birth < 0 || event < 0) return PC_OK;
    int relation = 0;
    const pc_scan_relation step = {
        .attach = PC_ATTACH_PERSON, .join = PC_JOIN_LEFT, .table = person};
    if (own != person) PC_TRY(add_relation(s, &step, &relation, err));
    const pc_expr *arg[2];
    PC_TRY(make_column(s, relation, birth, position, &arg[0], err));
    PC_TRY(make_column(s, 0, event, position, &arg[1], err));
    pc_call made = {
        .id = PC_FN_AGE_ON, .type = PC_INT, .position = position, .arg = arg, .arg_count = 2};
    if (!in_year) return call(s, &made, out, err);
    const pc_expr *difference[2] = {NULL, arg[0]};
    const pc_call part = {.id = PC_FN_DATE_PART,
                          .type = PC_INT,
                          .position = position,
                          .arg = &arg[1],
                          .arg_count = 1,
                          .extra = &year};
    PC_TRY(call(s, &part, &difference[0], err));
    made.id = PC_FN_SUBTRACT;
    made.arg = difference;
    return call(s, &made, out, err);
}

static pc_status find_person_column(pc_row_scope *s, const char *qualifier, const char *name,
                                    int position, const pc_expr **out, pc_error *err)
{
    const pc_model *model = s->catalog->model;
    const int person = model->person_table;
    const int own = s->plan.relation[0].table;
    if (model->table[own].path == PC_PATH_NONE) return PC_OK;
    if (qualifier != NULL && strcasecmp(qualifier, model->table[person].name) != 0) return PC_OK;
    if (qualifier == NULL && strcasecmp(name, "age") == 0) {
        return make_age(s, false, position, out, err);
    }
    if (qualifier == NULL && strcasecmp(name, "age_in_year") == 0) {
        return make_age(s, true, position, out, err);
    }
    const int column = pc_model_find_column(&model->table[person], pc_span_of(name));
    if (column < 0) return PC_OK;
    int relation = 0;
    const pc_scan_relation step = {
        .attach = PC_ATTACH_PERSON, .join = PC_JOIN_LEFT, .table = person};
    if (own != person) PC_TRY(add_relation(s, &step, &relation, err));
    return make_column(s, relation, column, position, out, err);
}

static pc_status find_column(pc_scope *scope, const char *qualifier, const char *name, int position,
                             const pc_expr **out, pc_error *err)
{
    pc_row_scope *s = scope->context;
    const pc_model *model = s->catalog->model;
    const bool partitioned = model->table[s->plan.relation[0].table].path != PC_PATH_NONE;
    *out = NULL;
    if (partitioned && qualifier == NULL && strcasecmp(name, "patient") == 0) {
        return make_column(s, 0, PC_SCAN_PATIENT, position, out, err);
    }
    if (partitioned && qualifier == NULL && strcasecmp(name, "patient_status") == 0) {
        return make_column(s, 0, PC_SCAN_STATUS, position, out, err);
    }
    places all;
    list_places(s, &all);
    int found = -1;
    int found_column = -1;
    for (int at = 0; at < all.count; at++) {
        const pc_model_table *t = &model->table[all.place[at].step.table];
        if (found >= 0 && all.place[at].distance > all.place[found].distance) break;
        if (all.place[at].is_hidden) continue;
        if (qualifier != NULL && strcasecmp(qualifier, t->name) != 0) continue;
        const int column = pc_model_find_column(t, pc_span_of(name));
        if (column < 0 || (at == 0 && column == s->hidden)) continue;
        if (found >= 0) {
            return PC_FAIL(err, PC_BAD_JOB, "%s is ambiguous: a column of %s and of %s", name,
                           model->table[all.place[found].step.table].name, t->name);
        }
        found = at;
        found_column = column;
    }
    if (found < 0) return find_person_column(s, qualifier, name, position, out, err);
    int relation;
    PC_TRY(reach(s, &all, found, &relation, err));
    return make_column(s, relation, found_column, position, out, err);
}

static int list_names(pc_scope *scope, const char **name, int capacity)
{
    static const char *const given[] = {"patient", "patient_status", "age", "age_in_year"};
    const pc_row_scope *s = scope->context;
    const pc_model *model = s->catalog->model;
    places all;
    int count = 0;
    list_places(s, &all);
    for (int at = 0; at <= all.count; at++) {
        const int table = at < all.count ? all.place[at].step.table : model->person_table;
        const pc_model_table *t = &model->table[table];
        for (int i = 0; i < t->column_count; i++, count++) {
            if (count < capacity) name[count] = t->column[i].name;
        }
    }
    for (int i = 0; i < 4; i++, count++) {
        if (count < capacity) name[count] = given[i];
    }
    return count;
}

static int find_system(pc_scope *scope, const pc_expr *column)
{
    const pc_row_scope *s = scope->context;
    if (column->kind != PC_EXPR_COLUMN || column->column >= s->plan.column_count) return -1;
    const pc_scan_column *c = &s->plan.column[column->column];
    return c->column < 0 ? -1 : table_of(s, c->relation)->column[c->column].system;
}

pc_status pc_row_scope_open(const pc_catalog *catalog, int table, pc_arena *arena,
                            pc_row_scope **out, pc_error *err)
{
    pc_row_scope *s = pc_arena_take(arena, sizeof *s, err);
    if (s == NULL) return PC_NO_MEMORY;
    *s = (pc_row_scope){.catalog = catalog, .arena = arena, .hidden = -1};
    s->plan.relation = pc_arena_array(arena, MOST_RELATIONS, sizeof *s->plan.relation, err);
    if (s->plan.relation == NULL) return PC_NO_MEMORY;
    s->plan.relation[0] = (pc_scan_relation){.attach = PC_ATTACH_DRIVE, .table = table, .from = -1};
    s->plan.relation_count = 1;
    s->scope = (pc_scope){.context = s,
                          .column = find_column,
                          .names = list_names,
                          .system = find_system,
                          .catalog = catalog};
    *out = s;
    return PC_OK;
}

pc_scope *pc_row_scope_scope(pc_row_scope *scope)
{
    return &scope->scope;
}

void pc_row_scope_hide(pc_row_scope *scope, int column)
{
    scope->hidden = column;
}

pc_status pc_row_scope_episode(pc_row_scope *scope, int *relation, int *column, pc_error *err)
{
    const pc_model *model = scope->catalog->model;
    *relation = 0;
    for (int steps = 0; steps < MOST_RELATIONS; steps++) {
        const pc_model_table *t = table_of(scope, *relation);
        if (t->own_key >= 0 && model->key[t->own_key].is_episode) {
            *column = PC_SCAN_KEY;
            return PC_OK;
        }
        if (t->parent_key < 0) break;
        if (model->key[t->parent_key].is_episode) {
            *column = PC_SCAN_PARENT_KEY;
            return PC_OK;
        }
        const pc_scan_relation step = {.attach = PC_ATTACH_PARENT,
                                       .join = PC_JOIN_LEFT,
                                       .table = model->key[t->parent_key].table,
                                       .from = *relation};
        PC_TRY(add_relation(scope, &step, relation, err));
    }
    *relation = -1;
    *column = 0;
    return PC_OK;
}

pc_status pc_row_scope_filter(pc_row_scope *scope, const pc_expr *filter, pc_error *err)
{
    pc_scan_plan *plan = &scope->plan;
    // A conjunction is a list of filters: each is tested on the rows that the others left.
    if (filter->kind == PC_EXPR_CALL && pc_function_which(filter->function) == PC_FN_AND) {
        for (int i = 0; i < filter->arg_count; i++) {
            PC_TRY(pc_row_scope_filter(scope, filter->arg[i], err));
        }
        return PC_OK;
    }
    if (plan->filter_count == scope->filter_room) {
        const int room = scope->filter_room == 0 ? FIRST_COLUMNS : scope->filter_room * 2;
        const pc_expr **next = pc_arena_array(scope->arena, (size_t)room, sizeof *next, err);
        if (next == NULL) return PC_NO_MEMORY;
        for (int i = 0; i < plan->filter_count; i++) {
            next[i] = plan->filter[i];
        }
        plan->filter = next;
        scope->filter_room = room;
    }
    plan->filter[plan->filter_count++] = filter;
    return PC_OK;
}

pc_scan_plan *pc_row_scope_plan(pc_row_scope *scope)
{
    return &scope->plan;
}
