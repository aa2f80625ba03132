// How SQL of a study sees records: their columns, age at their start, the person.
#include "typing.h"
#include <string.h>
#include "parcours/function.h"

int pc_record_find(const pc_record_schema *schema, const char *name)
{
    for (int i = 0; i < schema->count; i++) {
        if (strcmp(schema->column[i].name, name) == 0) return i;
    }
    return -1;
}

int pc_record_scope_count(const pc_record_schema *schema, const pc_model_table *person)
{
    return schema->count + 2 + person->column_count;
}

static int find_nocase(const pc_record_schema *schema, const char *name)
{
    for (int i = 0; i < schema->count; i++) {
        if (pc_span_equal_nocase(pc_span_of(schema->column[i].name), pc_span_of(name))) return i;
    }
    return -1;
}

/** A null of no type: an attribute that no record has. */
static pc_status make_null(pc_record_scope *scope, int position, const pc_expr **out, pc_error *err)
{
    const pc_value value = {.type = PC_NONE, .is_null = true};
    return pc_expr_constant(&value, position, scope->arena, out, err);
}

/** Columns of PERSON that SQL of a study sees: not the person's key. */
static int find_person(const pc_model_table *person, const char *name)
{
    const int column = pc_model_find_column(person, pc_span_of(name));
    if (column < 0 || person->column[column].type == PC_ID) return -1;
    if (column == person->event_date || column == person->event_end) return -1;
    return column;
}

static pc_status find_column(pc_scope *base, const char *qualifier, const char *name, int position,
                             const pc_expr **out, pc_error *err)
{
    pc_record_scope *scope = base->context;
    const pc_record_schema *schema = scope->schema;
    *out = NULL;
    if (qualifier != NULL) return PC_OK;
    const int at = find_nocase(schema, name);
    if (at >= 0) {
        const pc_record_column *column = &schema->column[at];
        if (column->type == PC_NONE) return make_null(scope, position, out, err);
        const pc_field field = {.name = column->name, .type = column->type, .scale = column->scale};
        return pc_expr_column(at, &field, position, scope->arena, out, err);
    }
    scope->uses_other = true;
    if (strcmp(name, "age") == 0 || strcmp(name, "age_in_year") == 0) {
        const pc_field field = {.name = name[3] == '\0' ? "age" : "age_in_year", .type = PC_INT};
        return pc_expr_column(schema->count + (name[3] == '\0' ? 0 : 1), &field, position,
                              scope->arena, out, err);
    }
    const int column = find_person(scope->person, name);
    if (column < 0) return PC_OK;
    const pc_model_column *found = &scope->person->column[column];
    const pc_field field = {
        .name = found->name, .type = found->type, .scale = found->scale, .width = found->width};
    return pc_expr_column(schema->count + 2 + column, &field, position, scope->arena, out, err);
}

static int list_names(pc_scope *base, const char **name, int capacity)
{
    const pc_record_scope *scope = base->context;
    int count = 0;
    for (int i = 0; i < scope->schema->count; i++, count++) {
        if (count < capacity) name[count] = scope->schema->column[i].name;
    }
    static const char *const ages[] = {"age", "age_in_year"};
    for (int i = 0; i < 2; i++, count++) {
        if (count < capacity) name[count] = ages[i];
    }
    for (int i = 0; i < scope->person->column_count; i++) {
        if (find_person(scope->person, scope->person->column[i].name) < 0) continue;
        if (count < capacity) name[count] = scope->person->column[i].name;
        count++;
    }
    return count;
}

const pc_code_set *pc_code_set_find(const pc_doc *doc, const char *name)
{
    const char *dot = strchr(name, '.');
    const char *own = dot == NULL ? name : dot + 1;
    for (int i = 0; dot != NULL && i < doc->use_count; i++) {
        const pc_use *use = &doc->use[i];
        if (strlen(use->prefix) == (size_t)(dot - name) &&
            strncmp(use->prefix, name, (size_t)(dot - name)) == 0) {
            doc = use->doc;
            dot = NULL;
        }
    }
    if (dot != NULL) return NULL;
    for (const pc_codes *codes = doc->codes; codes != NULL; codes = codes->next) {
        if (strcmp(codes->name, own) == 0) return codes->set;
    }
    return NULL;
}

static const pc_code_set *find_codes(pc_scope *base, const char *name)
{
    const pc_record_scope *scope = base->context;
    return pc_code_set_find(scope->doc, name);
}

static int find_system(pc_scope *base, const pc_expr *expr)
{
    const pc_record_scope *scope = base->context;
    if (expr->kind != PC_EXPR_COLUMN) return -1;
    if (expr->column < scope->schema->count) return scope->schema->column[expr->column].system;
    const int person = expr->column - scope->schema->count - 2;
    return person < 0 ? -1 : scope->person->column[person].system;
}

void pc_record_scope_open(pc_record_scope *scope, const pc_study *study, const pc_doc *doc,
                          const pc_record_schema *schema, pc_arena *arena)
{
    *scope = (pc_record_scope){.study = study,
                               .doc = doc,
                               .schema = schema,
                               .person = &study->model->table[study->model->person_table],
                               .arena = arena};
    scope->scope = (pc_scope){.context = scope,
                              .column = find_column,
                              .names = list_names,
                              .codes = find_codes,
                              .system = find_system};
}

pc_status pc_record_bind(pc_record_scope *scope, const pc_sql_text *text, pc_type wanted,
                         pc_record_sql *out, pc_error *err)
{
    *out = (pc_record_sql){0};
    const int count = pc_record_scope_count(scope->schema, scope->person);
    out->used = pc_arena_array(scope->arena, (size_t)count, sizeof *out->used, err);
    if (out->used == NULL) return PC_NO_MEMORY;
    PC_TRY(
        pc_bind_expr(&scope->scope, text->text, text->path, wanted, scope->arena, &out->expr, err));
    pc_expr_columns(out->expr, out->used);
    return PC_OK;
}
