/** The person section of a model, the columns of PERSON, and the derived columns. */
#include <stdio.h>
#include <string.h>
#include "model_build.h"
#include "parcours/slot.h"

// The column of every identity table, of the first one's type.
static pc_status identity_column(model_builder *b, const char *path, const char *name,
                                 const pc_model_column **out)
{
    const pc_model_person *person = &b->model->person;
    for (int i = 0; i < person->identity_count; i++) {
        int column = -1;
        PC_TRY(model_column_named(b, path, person->identity[i], name, &column));
        if (i == 0) *out = &b->column[person->identity[i]][column];
    }
    return PC_OK;
}

static pc_status identity_text(model_builder *b, const pc_json *json, const char *member,
                               const char **name)
{
    char path[MODEL_PATH_BYTES];
    const pc_model_column *column = NULL;
    (void)snprintf(path, sizeof path, "person.%s", member);
    PC_TRY(model_text(b, "person", json, member, true, name));
    return identity_column(b, path, *name, &column);
}

/** `death_date`: a column of the identity tables, or "TABLE.COLUMN" of another patient table. */
static pc_status death_column(model_builder *b, const pc_json *json)
{
    static const char *const path = "person.death_date";
    pc_model_person *person = &b->model->person;
    const char *name = NULL;
    int column = -1;
    person->death_table = -1;
    PC_TRY(model_text(b, "person", json, "death_date", true, &name));
    const char *dot = strchr(name, '.');
    if (dot == NULL) return identity_text(b, json, "death_date", &person->death_date);
    const char *table = pc_arena_text(b->arena, name, (size_t)(dot - name), b->err);
    if (table == NULL) return PC_NO_MEMORY;
    person->death_date = dot + 1;
    PC_TRY(model_table_named(b, path, table, &person->death_table));
    PC_TRY(model_column_named(b, path, person->death_table, dot + 1, &column));
    const pc_model_table *t = &b->table[person->death_table];
    if (t->event_date < 0 || b->column[person->death_table][column].type != PC_DATE) {
        return model_fail(b, path, "expected a column of type date of a patient table");
    }
    return PC_OK;
}

/** `observation`: the table of the days on which a person is observed. */
static pc_status observation_table(model_builder *b, const pc_json *json)
{
    static const char *const path = "person.observation";
    pc_model_person *person = &b->model->person;
    const char *name = NULL;
    person->observation_table = -1;
    PC_TRY(model_text(b, "person", json, "observation", false, &name));
    if (name == NULL) return PC_OK;
    PC_TRY(model_table_named(b, path, name, &person->observation_table));
    if (b->table[person->observation_table].event_date >= 0) return PC_OK;
    return model_fail(b, path, "expected a patient table");
}

static pc_status add_person_column(model_builder *b, const char *name, pc_type type,
                                   pc_class class_of)
{
    const pc_model_column column = {.name = name,
                                    .type = type,
                                    .origin = PC_FROM_PERSON,
                                    .class_of = class_of,
                                    .width = type == PC_ID ? PC_SLOT_TEXT_BYTES : 0,
                                    .digits = type == PC_INT ? 9 : 0,
                                    .system = -1,
                                    .dict = -1,
                                    .parent_column = -1,
                                    .core = true};
    return model_add_column(b, "person", b->model->person_table, &column, NULL);
}

static pc_status add_person_columns(model_builder *b)
{
    const pc_model_person *person = &b->model->person;
    PC_TRY(add_person_column(b, "patient", PC_ID, PC_CLASS_PATIENT));
    PC_TRY(add_person_column(b, "sex", PC_CODE, PC_CLASS_QUASI));
    PC_TRY(add_person_column(b, "birth_date", PC_DATE, PC_CLASS_POTENTIAL_ID));
    PC_TRY(add_person_column(b, "birth_year", PC_INT, PC_CLASS_QUASI));
    PC_TRY(add_person_column(b, "death_date", PC_DATE, PC_CLASS_POTENTIAL_ID));
    for (int i = 0; i < person->copy_count; i++) {
        const pc_model_column *source = NULL;
        PC_TRY(identity_column(b, "person.copy", person->copy[i], &source));
        pc_model_column column = *source;
        column.origin = PC_FROM_PERSON;
        column.codes = NULL;
        const char *dict = column.dict < 0 ? NULL : b->dict[column.dict];
        PC_TRY(model_add_column(b, "person.copy", b->model->person_table, &column, dict));
    }
    return add_person_column(b, "resolved", PC_BOOL, PC_CLASS_PLAIN);
}

pc_status model_read_person(model_builder *b, const pc_json *document)
{
    static const char *const known[] = {"identity", "sex",        "female",      "male",
                                        "note",     "birth_year", "birth_month", "death_date",
                                        "latest",   "copy",       "observation"};
    enum { MOST_COPIES = 32 }; // PERSON has room for so many
    pc_model_person *person = &b->model->person;
    const pc_json *json = pc_json_get(document, "person");
    const char *const *name = NULL;
    const pc_model_column *column = NULL;
    PC_TRY(model_expect(b, "person", json, PC_JSON_OBJECT, "an object"));
    PC_TRY(model_members(b, "person", json, known, (int)(sizeof known / sizeof known[0])));
    PC_TRY(model_texts(b, "person", json, "identity", true, &name, &person->identity_count));
    int *identity =
        pc_arena_array(b->arena, (size_t)person->identity_count, sizeof *identity, b->err);
    if (identity == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < person->identity_count; i++) {
        PC_TRY(model_table_named(b, "person.identity", name[i], &identity[i]));
    }
    person->identity = identity;
    PC_TRY(identity_text(b, json, "sex", &person->sex_column));
    PC_TRY(model_text(b, "person", json, "female", true, &person->female));
    PC_TRY(model_text(b, "person", json, "male", true, &person->male));
    PC_TRY(identity_text(b, json, "birth_year", &person->birth_year));
    PC_TRY(identity_text(b, json, "birth_month", &person->birth_month));
    PC_TRY(death_column(b, json));
    PC_TRY(observation_table(b, json));
    PC_TRY(model_texts(b, "person", json, "latest", false, &person->latest, &person->latest_count));
    PC_TRY(model_texts(b, "person", json, "copy", false, &person->copy, &person->copy_count));
    if (person->copy_count > MOST_COPIES) {
        return model_fail(b, "person.copy", "expected at most %d columns", MOST_COPIES);
    }
    for (int i = 0; i < person->latest_count; i++) {
        PC_TRY(identity_column(b, "person.latest", person->latest[i], &column));
    }
    return add_person_columns(b);
}

// One derived line for one table: its column, and its place in the order of rules.
static pc_status add_rule(model_builder *b, const char *path, const char *table_name,
                          const model_line *line, pc_model_rule *rule)
{
    PC_TRY(model_table_named(b, path, table_name, &rule->table));
    const pc_model_table *t = &b->table[rule->table];
    if (t->event_date < 0 && rule->table != b->model->person_table) {
        return model_fail(b, path, "%s is a reference table: it has no derived columns", t->name);
    }
    if (rule->table < b->first_table) {
        return model_fail(b, path, "%s is a table of the base model: extensions leave it as it is",
                          t->name);
    }
    rule->column = t->column_count;
    return model_add_column(b, path, rule->table, &line->column, line->dict);
}

static int target_count(const pc_json *line)
{
    const pc_json *target = pc_json_first(line);
    if (target == NULL) return 0;
    return pc_json_kind_of(target) == PC_JSON_ARRAY ? pc_json_count(target) : 1;
}

static pc_status read_rule(model_builder *b, const char *path, const pc_json *json,
                           pc_model_rule *rule)
{
    model_line line;
    PC_TRY(model_expect(b, path, json, PC_JSON_ARRAY, "[tables, \"name type ...\", \"SQL\"]"));
    if (pc_json_count(json) != 3) {
        return model_fail(b, path, "expected [tables, \"name type ...\", \"SQL\"]");
    }
    const pc_json *target = pc_json_first(json);
    const pc_json *column = pc_json_next(target);
    const pc_json *sql = pc_json_next(column);
    PC_TRY(model_expect(b, path, column, PC_JSON_TEXT, "\"name type ...\" as second"));
    PC_TRY(model_expect(b, path, sql, PC_JSON_TEXT, "an SQL expression as third"));
    PC_TRY(model_read_line(b, path, pc_json_text(column), &line));
    line.column.origin = PC_FROM_RULE;
    line.column.sql = pc_arena_text(b->arena, pc_json_text(sql), strlen(pc_json_text(sql)), b->err);
    if (line.column.sql == NULL) return PC_NO_MEMORY;
    if (line.column.sql[0] == '\0') return model_fail(b, path, "expected an SQL expression");
    if (pc_json_kind_of(target) == PC_JSON_TEXT) {
        b->model->rule_count++;
        return add_rule(b, path, pc_json_text(target), &line, rule);
    }
    PC_TRY(model_expect(b, path, target, PC_JSON_ARRAY, "a table or a list of tables as first"));
    for (const pc_json *v = pc_json_first(target); v != NULL; v = pc_json_next(v)) {
        PC_TRY(model_expect(b, path, v, PC_JSON_TEXT, "names of tables"));
        b->model->rule_count++;
        PC_TRY(add_rule(b, path, pc_json_text(v), &line, rule++));
    }
    return PC_OK;
}

pc_status model_read_rules(model_builder *b, const pc_json *document)
{
    const pc_json *list = pc_json_get(document, "derived");
    int count = 0;
    int index = 0;
    if (list == NULL) return PC_OK;
    PC_TRY(model_expect(b, "derived", list, PC_JSON_ARRAY, "a list of derived columns"));
    for (const pc_json *v = pc_json_first(list); v != NULL; v = pc_json_next(v)) {
        count += target_count(v);
    }
    pc_model_rule *rule =
        model_grow(b, b->model->rule, b->model->rule_count, count + 1, sizeof *rule);
    if (rule == NULL) return PC_NO_MEMORY;
    b->model->rule = rule;
    for (const pc_json *v = pc_json_first(list); v != NULL; v = pc_json_next(v), index++) {
        char path[MODEL_PATH_BYTES];
        (void)snprintf(path, sizeof path, "derived[%d]", index);
        PC_TRY(read_rule(b, path, v, rule + b->model->rule_count));
    }
    return PC_OK;
}
