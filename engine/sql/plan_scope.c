/** Names of a query: columns of its tables, `patient`, keys of the model. */
#include <string.h>
#include <strings.h>
#include "plan_private.h"

const pc_model_table *pc_sql_table(const pc_sql_planner *p, int source)
{
    return &p->catalog->model->table[p->source[source].table];
}

bool pc_sql_is_patient_table(const pc_sql_planner *p, int source)
{
    return pc_sql_table(p, source)->path != PC_PATH_NONE;
}

// A column of one source by name, or one of PC_SCAN_...; false: it has none.
static bool find_in_source(const pc_sql_planner *p, int source, const char *name, int *column)
{
    const pc_model *model = p->catalog->model;
    const pc_model_table *t = pc_sql_table(p, source);
    // PERSON stores its patient as a column too: the slot's key is the same and costs nothing.
    if (t->path != PC_PATH_NONE && strcasecmp(name, "patient") == 0) {
        *column = PC_SCAN_PATIENT;
        return true;
    }
    *column = pc_model_find_column(t, pc_span_of(name));
    if (*column >= 0) return true;
    if (t->path == PC_PATH_NONE) return false;
    if (strcasecmp(name, "patient_status") == 0) {
        *column = PC_SCAN_STATUS;
        return true;
    }
    const int key = pc_model_find_key(model, pc_span_of(name));
    if (key < 0 || (t->own_key != key && t->parent_key != key)) return false;
    *column = t->own_key == key ? PC_SCAN_KEY : PC_SCAN_PARENT_KEY;
    return true;
}

static bool is_using(const pc_sql_planner *p, const char *name)
{
    for (int i = 0; i < p->using_count; i++) {
        if (strcasecmp(p->using_name[i], name) == 0) return true;
    }
    return false;
}

pc_status pc_sql_resolve(pc_sql_planner *p, const char *qualifier, const char *name,
                         pc_sql_place *out, pc_error *err)
{
    *out = (pc_sql_place){-1, 0};
    bool known_qualifier = qualifier == NULL;
    for (int i = 0; i < p->source_count; i++) {
        int column;
        if (qualifier != NULL && strcasecmp(qualifier, p->source[i].alias) != 0) continue;
        known_qualifier = true;
        if (!find_in_source(p, i, name, &column)) continue;
        if (out->source >= 0) {
            // The columns that USING joins are one: the first table's.
            if (is_using(p, name)) continue;
            return PC_FAIL(err, PC_BAD_JOB, "%s is ambiguous: a column of %s and of %s", name,
                           p->source[out->source].alias, p->source[i].alias);
        }
        *out = (pc_sql_place){i, column};
    }
    if (known_qualifier) return PC_OK;
    const char *alias[PC_SQL_SOURCES];
    for (int i = 0; i < p->source_count; i++) {
        alias[i] = p->source[i].alias;
    }
    const char *nearest = pc_nearest_name(qualifier, alias, (size_t)p->source_count);
    return PC_FAIL(err, PC_BAD_JOB, "unknown table %s%s%s%s", qualifier,
                   nearest == NULL ? "" : "; did you mean ", nearest == NULL ? "" : nearest,
                   nearest == NULL ? "" : "?");
}

static pc_field field_of(const pc_sql_planner *p, pc_sql_place place)
{
    const pc_model_table *t = pc_sql_table(p, place.source);
    const pc_model *model = p->catalog->model;
    switch (place.column) {
        case PC_SCAN_PATIENT:
            return (pc_field){"patient", PC_ID, 0, PC_SLOT_TEXT_BYTES};
        case PC_SCAN_STATUS:
            return (pc_field){"patient_status", PC_CODE, 0, 0};
        case PC_SCAN_KEY:
            return (pc_field){model->key[t->own_key].name, PC_KEY, 0, 0};
        case PC_SCAN_PARENT_KEY:
            return (pc_field){model->key[t->parent_key].name, PC_KEY, 0, 0};
        case PC_SCAN_IS_PATIENT:
            return (pc_field){"is_patient", PC_BOOL, 0, 0};
        default: {
            const pc_model_column *c = &t->column[place.column];
            return (pc_field){c->name, c->type, c->scale, c->width};
        }
    }
}

static pc_status grow_columns(pc_sql_planner *p)
{
    pc_scan_plan *plan = p->plan;
    if (plan->column_count < p->column_room) return PC_OK;
    const int room = p->column_room == 0 ? 32 : p->column_room * 2;
    pc_scan_column *column = pc_arena_array(p->arena, (size_t)room, sizeof *column, p->err);
    pc_field *field = pc_arena_array(p->arena, (size_t)room, sizeof *field, p->err);
    if (column == NULL || field == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < plan->column_count; i++) {
        column[i] = plan->column[i];
        field[i] = plan->field[i];
    }
    plan->column = column;
    plan->field = field;
    p->column_room = room;
    return PC_OK;
}

pc_status pc_sql_column(pc_sql_planner *p, pc_sql_place place, int position, const pc_expr **out)
{
    pc_scan_plan *plan = p->plan;
    const int relation = p->source[place.source].relation;
    int at = 0;
    while (at < plan->column_count &&
           (plan->column[at].relation != relation || plan->column[at].column != place.column)) {
        at++;
    }
    if (at == plan->column_count) {
        PC_TRY(grow_columns(p));
        plan->column[at] = (pc_scan_column){relation, place.column};
        plan->field[at] = field_of(p, place);
        plan->column_count++;
    }
    const pc_expr *made;
    PC_TRY(pc_expr_column(at, &plan->field[at], position, p->arena, &made, p->err));
    if (plan->field[at].type == PC_KEY) {
        const pc_model_table *t = pc_sql_table(p, place.source);
        const int key = place.column == PC_SCAN_KEY ? t->own_key : t->parent_key;
        ((pc_expr *)made)->extra = &p->catalog->model->key[key];
    }
    *out = made;
    return PC_OK;
}

pc_status pc_sql_add_filter(pc_sql_planner *p, const pc_expr *filter)
{
    pc_scan_plan *plan = p->plan;
    if (filter->kind == PC_EXPR_CALL && pc_function_which(filter->function) == PC_FN_AND) {
        for (int i = 0; i < filter->arg_count; i++) {
            PC_TRY(pc_sql_add_filter(p, filter->arg[i]));
        }
        return PC_OK;
    }
    for (int i = 0; i < plan->filter_count; i++) {
        if (pc_expr_equal(plan->filter[i], filter)) return PC_OK;
    }
    if (plan->filter_count == p->filter_room) {
        const int room = p->filter_room == 0 ? 16 : p->filter_room * 2;
        const pc_expr **next = pc_arena_array(p->arena, (size_t)room, sizeof *next, p->err);
        if (next == NULL) return PC_NO_MEMORY;
        for (int i = 0; i < plan->filter_count; i++) {
            next[i] = plan->filter[i];
        }
        plan->filter = next;
        p->filter_room = room;
    }
    plan->filter[plan->filter_count++] = filter;
    return PC_OK;
}

static pc_status find_column(pc_scope *scope, const char *qualifier, const char *name, int position,
                             const pc_expr **out, pc_error *err)
{
    pc_sql_planner *p = scope->context;
    pc_sql_place place;
    *out = NULL;
    PC_TRY(pc_sql_resolve(p, qualifier, name, &place, err));
    return place.source < 0 ? PC_OK : pc_sql_column(p, place, position, out);
}

static int list_names(pc_scope *scope, const char **name, int capacity)
{
    const pc_sql_planner *p = scope->context;
    const pc_model *model = p->catalog->model;
    int count = 0;
    for (int s = 0; s < p->source_count; s++) {
        const pc_model_table *t = pc_sql_table(p, s);
        for (int i = 0; i < t->column_count; i++, count++) {
            if (count < capacity) name[count] = t->column[i].name;
        }
    }
    for (int i = 0; i < model->key_count; i++, count++) {
        if (count < capacity) name[count] = model->key[i].name;
    }
    static const char *const given[] = {"patient", "patient_status"};
    for (int i = 0; i < 2; i++, count++) {
        if (count < capacity) name[count] = given[i];
    }
    return count;
}

static int find_system(pc_scope *scope, const pc_expr *column)
{
    const pc_sql_planner *p = scope->context;
    if (column->kind != PC_EXPR_COLUMN || column->column >= p->plan->column_count) return -1;
    const pc_scan_column *c = &p->plan->column[column->column];
    const int table = p->plan->relation[c->relation].table;
    return c->column < 0 ? -1 : p->catalog->model->table[table].column[c->column].system;
}

void pc_sql_open_scope(pc_sql_planner *p)
{
    p->scope = (pc_scope){.context = p,
                          .column = find_column,
                          .names = list_names,
                          .system = find_system,
                          .catalog = p->catalog};
}

// What names a patient: the person key, pseudonyms, other identifiers of a person.
static bool names_patient(const pc_sql_planner *p, int column)
{
    const pc_scan_column *c = &p->plan->column[column];
    const pc_model_table *t = &p->catalog->model->table[p->plan->relation[c->relation].table];
    if (t->path == PC_PATH_NONE) return false;
    if (c->column == PC_SCAN_PATIENT) return true;
    if (c->column < 0) return false;
    const pc_class class_of = t->column[c->column].class_of;
    return class_of == PC_CLASS_PATIENT || class_of == PC_CLASS_DIRECT_ID;
}

// The columns of an expression: how many of them name a patient, and how many there are.
static void count_columns(pc_sql_planner *p, const pc_expr *x, int *naming, int *all)
{
    if (x->kind == PC_EXPR_COLUMN && x->column < PC_SQL_AGGREGATE) {
        (*all)++;
        if (!names_patient(p, x->column)) return;
        (*naming)++;
        if (p->traits.why == NULL) p->traits.why = p->plan->field[x->column].name;
    }
    for (int i = 0; x->kind == PC_EXPR_CALL && i < x->arg_count; i++) {
        count_columns(p, x->arg[i], naming, all);
    }
}

void pc_sql_note_chosen(pc_sql_planner *p, const pc_expr *x)
{
    if (x->kind != PC_EXPR_CALL) return;
    const pc_function_id id = pc_function_which(x->function);
    if (id == PC_FN_IS_NULL || id == PC_FN_IS_NOT_NULL) return;
    // Two columns are a join; one that names a patient beside constants is a choice of patients.
    const char *why = p->traits.why;
    int naming = 0, all = 0;
    count_columns(p, x, &naming, &all);
    if (naming == 1 && all == 1) {
        p->traits.chooses_patients = true;
        return;
    }
    p->traits.why = why;
    for (int i = 0; i < x->arg_count; i++) {
        pc_sql_note_chosen(p, x->arg[i]);
    }
}

static bool is_identifier(const pc_sql_planner *p, int column)
{
    const pc_scan_column *c = &p->plan->column[column];
    const pc_model_table *t = &p->catalog->model->table[p->plan->relation[c->relation].table];
    if (t->path == PC_PATH_NONE) return false; // a nomenclature or a directory: not of patients
    if (c->column == PC_SCAN_PATIENT) return true;
    if (c->column < 0) return false;
    const pc_model_column *m = &t->column[c->column];
    return m->class_of == PC_CLASS_PATIENT || m->class_of == PC_CLASS_DIRECT_ID ||
           m->class_of == PC_CLASS_PROFESSIONAL_ID || m->type == PC_TEXT || m->type == PC_ID;
}

void pc_sql_note_identifiers(pc_sql_planner *p, const pc_expr *x)
{
    if (x->kind == PC_EXPR_COLUMN && x->column < PC_SQL_AGGREGATE && is_identifier(p, x->column)) {
        p->traits.returns_identifier = true;
        if (p->traits.why == NULL) p->traits.why = p->plan->field[x->column].name;
    }
    if (x->kind != PC_EXPR_CALL) return;
    // Whether an identifier is there says nothing about whose it is.
    const pc_function_id id = pc_function_which(x->function);
    if (id == PC_FN_IS_NULL || id == PC_FN_IS_NOT_NULL) return;
    for (int i = 0; i < x->arg_count; i++) {
        pc_sql_note_identifiers(p, x->arg[i]);
    }
}
