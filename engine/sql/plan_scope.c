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

// A visible column of a subquery by name; -1: none, -2: several.
static int find_in_subquery(const pc_sql_source *s, const char *name)
{
    int found = -1;
    for (int i = 0; i < s->relation_of->visible_count; i++) {
        if (strcasecmp(s->column_name[i], name) != 0) continue;
        if (found >= 0) return -2;
        found = i;
    }
    return found;
}

// A column of one source by name, or one of PC_SCAN_...; -1 in `*column` is no answer of a table.
static bool find_in_source(const pc_sql_planner *p, int source, const char *name, int *column)
{
    const pc_model *model = p->catalog->model;
    if (p->source[source].relation_of != NULL) {
        *column = find_in_subquery(&p->source[source], name);
        return *column != -1;
    }
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
    for (int i = p->first_source; i < p->source_count; i++) {
        int column;
        const char *alias = p->source[i].alias;
        if (alias == NULL || (qualifier != NULL && strcasecmp(qualifier, alias) != 0)) continue;
        known_qualifier = true;
        if (!find_in_source(p, i, name, &column)) continue;
        if (column == -2 && p->source[i].relation_of != NULL) {
            return PC_FAIL(err, PC_BAD_JOB, "%s is ambiguous: %s has several such columns", name,
                           alias);
        }
        if (out->source >= 0 && is_using(p, name)) {
            // The columns that USING joins are one: the first that is always there.
            if (p->source[out->source].join == PC_JOIN_LEFT && p->source[i].join != PC_JOIN_LEFT) {
                *out = (pc_sql_place){i, column};
            }
            continue;
        }
        if (out->source >= 0) {
            return PC_FAIL(err, PC_BAD_JOB, "%s is ambiguous: a column of %s and of %s", name,
                           p->source[out->source].alias, alias);
        }
        *out = (pc_sql_place){i, column};
    }
    if (known_qualifier) return PC_OK;
    const char *known[PC_SQL_SOURCES];
    size_t count = 0;
    for (int i = 0; i < p->source_count; i++) {
        if (p->source[i].alias != NULL) known[count++] = p->source[i].alias;
    }
    const char *nearest = pc_nearest_name(qualifier, known, count);
    return PC_FAIL(err, PC_BAD_JOB, "unknown table %s%s%s%s", qualifier,
                   nearest == NULL ? "" : "; did you mean ", nearest == NULL ? "" : nearest,
                   nearest == NULL ? "" : "?");
}

static pc_field field_of(const pc_sql_planner *p, pc_sql_place place)
{
    if (place.column == PC_SQL_MARKED) return (pc_field){"found", PC_BOOL, 0, 0};
    if (p->source[place.source].relation_of != NULL) {
        pc_field field = p->source[place.source].relation_of->plan->schema.field[place.column];
        if (place.column < p->source[place.source].relation_of->visible_count) {
            field.name = p->source[place.source].column_name[place.column];
        }
        return field;
    }
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
        case PC_SCAN_PATIENT_KEY:
            return (pc_field){"patient", PC_KEY, 0, 0};
        default: {
            const pc_model_column *c = &t->column[place.column];
            return (pc_field){c->name, c->type, c->scale, c->width};
        }
    }
}

static pc_status grow_columns(pc_sql_planner *p)
{
    if (p->column_count < p->column_room) return PC_OK;
    const size_t room = p->column_room == 0 ? 32 : (size_t)p->column_room * 2;
    pc_sql_place *column = pc_arena_array(p->arena, room, sizeof *column, p->err);
    pc_field *field = pc_arena_array(p->arena, room, sizeof *field, p->err);
    const pc_expr **computed = pc_arena_array(p->arena, room, sizeof *computed, p->err);
    if (column == NULL || field == NULL || computed == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < p->column_count; i++) {
        column[i] = p->column[i];
        field[i] = p->field[i];
        computed[i] = p->computed[i];
    }
    p->column = column;
    p->field = field;
    p->computed = computed;
    p->column_room = (int)room;
    return PC_OK;
}

static const pc_model_key *key_of_place(const pc_sql_planner *p, pc_sql_place place)
{
    const pc_sql_source *s = &p->source[place.source];
    if (s->relation_of != NULL) {
        return place.column < 0 ? NULL : s->relation_of->info[place.column].key;
    }
    const pc_model_table *t = pc_sql_table(p, place.source);
    if (place.column == PC_SCAN_KEY) return &p->catalog->model->key[t->own_key];
    if (place.column == PC_SCAN_PARENT_KEY) return &p->catalog->model->key[t->parent_key];
    return NULL;
}

pc_status pc_sql_raw_column(pc_sql_planner *p, pc_sql_place place, int position,
                            const pc_expr **out)
{
    int at = 0;
    while (at < p->column_count &&
           (p->column[at].source != place.source || p->column[at].column != place.column)) {
        at++;
    }
    if (at == p->column_count) {
        PC_TRY(grow_columns(p));
        p->column[at] = place;
        p->field[at] = field_of(p, place);
        p->column_count++;
    }
    const pc_expr *made;
    PC_TRY(pc_expr_column(at, &p->field[at], position, p->arena, &made, p->err));
    if (p->field[at].type == PC_KEY) ((pc_expr *)made)->extra = key_of_place(p, place);
    *out = made;
    return PC_OK;
}

pc_status pc_sql_add_computed(pc_sql_planner *p, const pc_expr *x, const pc_expr **out, int *column)
{
    PC_TRY(grow_columns(p));
    const int at = p->column_count++;
    p->column[at] = (pc_sql_place){-1, 0};
    p->field[at] = (pc_field){"key", x->type, x->scale, x->type == PC_ID ? x->width : 0};
    p->computed[at] = x;
    *column = at;
    return pc_expr_column(at, &p->field[at], x->position, p->arena, out, p->err);
}

// What an aggregate of a subquery is where the outer row finds no row: count is 0, not null.
pc_status pc_sql_column(pc_sql_planner *p, pc_sql_place place, int position, const pc_expr **out)
{
    PC_TRY(pc_sql_raw_column(p, place, position, out));
    const pc_sql_relation *r = p->source[place.source].relation_of;
    if (r == NULL || r->missing == NULL || place.column < 0 || r->missing[place.column] == NULL) {
        return PC_OK;
    }
    const pc_expr *choice[3] = {NULL, r->missing[place.column], *out};
    const pc_expr *key;
    PC_TRY(pc_sql_raw_column(p, (pc_sql_place){place.source, r->key[0]}, 0, &key));
    PC_TRY(pc_make_call(&p->binder, PC_FN_IS_NULL, PC_BOOL, 0, 0, &key, 1, NULL, &choice[0]));
    return pc_make_call(&p->binder, PC_FN_CASE, (*out)->type, (*out)->scale, 0, choice, 3, NULL,
                        out);
}

pc_sql_place pc_sql_patient_key(const pc_sql_planner *p, pc_sql_place place)
{
    const pc_sql_place none = {-1, 0};
    if (place.source < 0) return none;
    const pc_sql_relation *r = p->source[place.source].relation_of;
    if (r == NULL) {
        if (place.column != PC_SCAN_PATIENT) return none;
        return (pc_sql_place){place.source, PC_SCAN_PATIENT_KEY};
    }
    if (place.column < 0 || r->info[place.column].patient_key < 0) return none;
    return (pc_sql_place){place.source, r->info[place.column].patient_key};
}

static pc_sql_info info_of_place(const pc_sql_planner *p, pc_sql_place place)
{
    pc_sql_info info = {.system = -1, .patient_key = -1};
    if (place.source < 0 || place.column == PC_SQL_MARKED) return info;
    const pc_sql_source *s = &p->source[place.source];
    if (s->relation_of != NULL) return s->relation_of->info[place.column];
    const pc_model_table *t = pc_sql_table(p, place.source);
    info.key = key_of_place(p, place);
    if (place.column >= 0) info.system = t->column[place.column].system;
    if (t->path == PC_PATH_NONE) return info; // a nomenclature or a directory: not of patients
    if (place.column == PC_SCAN_PATIENT) info.is_identifier = info.names_patient = true;
    if (place.column < 0) return info;
    const pc_model_column *c = &t->column[place.column];
    info.names_patient = c->class_of == PC_CLASS_PATIENT || c->class_of == PC_CLASS_DIRECT_ID;
    info.is_identifier = info.names_patient || c->class_of == PC_CLASS_PROFESSIONAL_ID ||
                         c->type == PC_TEXT || c->type == PC_ID;
    return info;
}

pc_sql_info pc_sql_info_of(const pc_sql_planner *p, int column)
{
    if (column >= PC_SQL_OUTER) return pc_sql_info_of(p->outer, column - PC_SQL_OUTER);
    if (column >= PC_SQL_WINDOW) return p->window_info[column - PC_SQL_WINDOW];
    if (column >= PC_SQL_AGGREGATE) return (pc_sql_info){.system = -1, .patient_key = -1};
    if (p->column[column].source < 0) return pc_sql_info_of_expr(p, p->computed[column]);
    return info_of_place(p, p->column[column]);
}

static void add_info(const pc_sql_planner *p, const pc_expr *x, pc_sql_info *info)
{
    if (x->kind == PC_EXPR_COLUMN) {
        const pc_sql_info one = pc_sql_info_of(p, x->column);
        info->is_identifier = info->is_identifier || one.is_identifier;
        info->names_patient = info->names_patient || one.names_patient;
        info->is_cell = info->is_cell || one.is_cell;
    }
    if (x->kind == PC_EXPR_LATER) info->is_cell = true; // a subquery's value, which may be hidden
    if (x->kind != PC_EXPR_CALL) return;
    // Whether an identifier is there says nothing about whose it is.
    const pc_function_id id = pc_function_which(x->function);
    pc_sql_info inside = {.system = -1, .patient_key = -1};
    for (int i = 0; i < x->arg_count; i++) {
        add_info(p, x->arg[i], &inside);
    }
    info->is_cell = info->is_cell || inside.is_cell;
    if (id == PC_FN_IS_NULL || id == PC_FN_IS_NOT_NULL) return;
    info->is_identifier = info->is_identifier || inside.is_identifier;
    info->names_patient = info->names_patient || inside.names_patient;
}

pc_sql_info pc_sql_info_of_expr(const pc_sql_planner *p, const pc_expr *x)
{
    if (x->kind == PC_EXPR_COLUMN) return pc_sql_info_of(p, x->column);
    pc_sql_info info = {.system = -1, .patient_key = -1};
    add_info(p, x, &info);
    return info;
}

// A name of the query around: conditions may use it, as a column beyond PC_SQL_OUTER.
static pc_status find_outer(pc_sql_planner *p, const char *qualifier, const char *name,
                            int position, const pc_expr **out, pc_error *err)
{
    pc_sql_place place;
    const pc_expr *column;
    if (p->outer == NULL || pc_sql_resolve(p->outer, qualifier, name, &place, NULL) != PC_OK ||
        place.source < 0) {
        return PC_OK;
    }
    PC_TRY(pc_sql_column(p->outer, place, position, &column));
    if (!p->may_be_outer || column->kind != PC_EXPR_COLUMN) {
        return PC_FAIL(err, PC_UNSUPPORTED,
                       "%s is a column of the query around: a subquery names it in conditions of "
                       "its WHERE only",
                       name);
    }
    pc_expr *made = pc_arena_take(p->arena, sizeof *made, err);
    if (made == NULL) return PC_NO_MEMORY;
    *made = *column;
    made->column += PC_SQL_OUTER;
    *out = made;
    return PC_OK;
}

static pc_status find_column(pc_scope *scope, const char *qualifier, const char *name, int position,
                             const pc_expr **out, pc_error *err)
{
    pc_sql_planner *p = scope->context;
    pc_sql_place place;
    *out = NULL;
    const pc_status status = pc_sql_resolve(p, qualifier, name, &place, err);
    if (status == PC_OK && place.source >= 0) return pc_sql_column(p, place, position, out);
    PC_TRY(find_outer(p, qualifier, name, position, out, err));
    return *out != NULL ? PC_OK : status;
}

static int list_names(pc_scope *scope, const char **name, int capacity)
{
    const pc_sql_planner *p = scope->context;
    const pc_model *model = p->catalog->model;
    int count = 0;
    for (int s = 0; s < p->source_count; s++) {
        const pc_sql_relation *r = p->source[s].relation_of;
        const pc_model_table *t = r == NULL ? pc_sql_table(p, s) : NULL;
        const int columns = r == NULL ? t->column_count : r->visible_count;
        for (int i = 0; i < columns; i++, count++) {
            if (count >= capacity) continue;
            name[count] = r == NULL ? t->column[i].name : p->source[s].column_name[i];
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
    if (column->kind != PC_EXPR_COLUMN) return -1;
    return pc_sql_info_of(p, column->column).system;
}

void pc_sql_open_scope(pc_sql_planner *p)
{
    p->scope = (pc_scope){.context = p,
                          .column = find_column,
                          .names = list_names,
                          .system = find_system,
                          .catalog = p->catalog};
}

// The columns of an expression: how many of them name a patient, and how many there are.
static void count_columns(pc_sql_planner *p, const pc_expr *x, int *naming, int *all)
{
    if (x->kind == PC_EXPR_COLUMN && (x->column < PC_SQL_AGGREGATE || x->column >= PC_SQL_OUTER)) {
        (*all)++;
        if (!pc_sql_info_of(p, x->column).names_patient) return;
        (*naming)++;
        if (p->job->traits.why == NULL && x->column < PC_SQL_AGGREGATE) {
            p->job->traits.why = p->field[x->column].name;
        }
    }
    for (int i = 0; x->kind == PC_EXPR_CALL && i < x->arg_count; i++) {
        count_columns(p, x->arg[i], naming, all);
    }
}

static bool is_comparison(pc_function_id id)
{
    return (id >= PC_FN_EQUAL && id <= PC_FN_NOT_DISTINCT) || id == PC_FN_IN || id == PC_FN_LIKE;
}

void pc_sql_note_chosen(pc_sql_planner *p, const pc_expr *x)
{
    if (x->kind != PC_EXPR_CALL) return;
    const pc_function_id id = pc_function_which(x->function);
    if (id == PC_FN_IS_NULL || id == PC_FN_IS_NOT_NULL) return;
    // Two columns that name patients are a join; one beside constants, or beside a column that
    // names none (a list that was brought along), is a choice of patients.
    pc_plan_traits *traits = &p->job->traits;
    const char *why = traits->why;
    int naming = 0, all = 0;
    count_columns(p, x, &naming, &all);
    if ((naming == 1 && all == 1) || (is_comparison(id) && naming > 0 && naming < all)) {
        traits->chooses_patients = true;
        return;
    }
    traits->why = why;
    for (int i = 0; i < x->arg_count; i++) {
        pc_sql_note_chosen(p, x->arg[i]);
    }
}

static const char *identifier_in(const pc_sql_planner *p, const pc_expr *x)
{
    if (x->kind == PC_EXPR_COLUMN && x->column < PC_SQL_AGGREGATE &&
        pc_sql_info_of(p, x->column).is_identifier) {
        return p->field[x->column].name;
    }
    const char *name = NULL;
    for (int i = 0; x->kind == PC_EXPR_CALL && i < x->arg_count && name == NULL; i++) {
        name = identifier_in(p, x->arg[i]);
    }
    return name;
}

void pc_sql_note_identifiers(pc_sql_planner *p, const pc_expr *x)
{
    if (!pc_sql_info_of_expr(p, x).is_identifier) return;
    p->job->traits.returns_identifier = true;
    if (p->job->traits.why == NULL) p->job->traits.why = identifier_in(p, x);
}
