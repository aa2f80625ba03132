/** The tables of a model, in two looks: columns first, then what points from one to another. */
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include "model_build.h"

enum { ENGINE_COLUMNS = 3, PERSON_COLUMNS = 64 }; // event_date, event_end, file_year; PERSON's most

static void table_path(char *out, const pc_model_table *table, const char *member)
{
    (void)snprintf(out, MODEL_PATH_BYTES, "tables.%s%s%s", table->name,
                   member[0] != '\0' ? "." : "", member);
}

static pc_status add_engine_columns(model_builder *b, int table, bool has_patient, bool has_year)
{
    pc_model_table *t = &b->table[table];
    const pc_model_column day = {.type = PC_DATE,
                                 .origin = PC_FROM_EVENT,
                                 .class_of = PC_CLASS_QUASI,
                                 .system = -1,
                                 .dict = -1,
                                 .parent_column = -1,
                                 .core = true};
    if (has_patient) {
        pc_model_column column = day;
        column.name = "event_date";
        t->event_date = t->column_count;
        PC_TRY(model_add_column(b, t->name, table, &column, NULL));
        column.name = "event_end";
        t->event_end = t->column_count;
        PC_TRY(model_add_column(b, t->name, table, &column, NULL));
    }
    if (has_year) {
        pc_model_column column = day;
        column.name = "file_year";
        column.type = PC_INT;
        column.digits = 9;
        column.origin = PC_FROM_FILE;
        column.class_of = PC_CLASS_PLAIN;
        t->file_year = t->column_count;
        PC_TRY(model_add_column(b, t->name, table, &column, NULL));
    }
    return PC_OK;
}

static pc_status read_columns(model_builder *b, int table, const pc_json *list)
{
    char path[MODEL_PATH_BYTES];
    const pc_model_table *t = &b->table[table];
    int index = 0;
    for (const pc_json *v = pc_json_first(list); v != NULL; v = pc_json_next(v), index++) {
        model_line line;
        (void)snprintf(path, sizeof path, "tables.%s.columns[%d]", t->name, index);
        PC_TRY(model_expect(b, path, v, PC_JSON_TEXT, "a text \"NAME type ...\""));
        PC_TRY(model_read_line(b, path, pc_json_text(v), &line));
        PC_TRY(model_add_column(b, path, table, &line.column, line.dict));
    }
    return PC_OK;
}

static pc_status check_patterns(const model_builder *b, const pc_model_table *t)
{
    char path[MODEL_PATH_BYTES];
    table_path(path, t, "files");
    for (int i = 0; i < t->pattern_count; i++) {
        const char *brace = strchr(t->pattern[i], '{');
        if (t->pattern[i][0] == '\0' || strchr(t->pattern[i], '/') != NULL) {
            return model_fail(b, path, "expected file names without a folder");
        }
        if (brace != NULL && strncmp(brace, "{yyyy}", 6) != 0 && strncmp(brace, "{yy}", 4) != 0) {
            return model_fail(b, path, "expected {yyyy} or {yy} where a name has braces");
        }
        if (t->file_year >= 0 && brace == NULL) {
            return model_fail(b, path,
                              "a table with a file_year needs {yyyy} or {yy} in its names");
        }
    }
    return PC_OK;
}

static pc_status read_table(model_builder *b, int table, int derived_count)
{
    static const char *const known[] = {"title",     "note",       "files",        "file_year",
                                        "patient",   "primary",    "dates",        "period",
                                        "multiline", "references", "columns",      "net",
                                        "flow",      "disjoint",   "needs_person", "often"};
    char path[MODEL_PATH_BYTES];
    pc_model_table *t = &b->table[table];
    const pc_json *json = b->json[table];
    bool has_year = false;
    table_path(path, t, "");
    PC_TRY(model_expect(b, path, json, PC_JSON_OBJECT, "an object"));
    PC_TRY(model_members(b, path, json, known, (int)(sizeof known / sizeof known[0])));
    PC_TRY(model_text(b, path, json, "title", false, &t->title));
    PC_TRY(model_texts(b, path, json, "files", true, &t->pattern, &t->pattern_count));
    PC_TRY(model_bool(b, path, json, "multiline", false, &t->multiline));
    PC_TRY(model_bool(b, path, json, "often", false, &t->often));
    PC_TRY(model_bool(b, path, json, "file_year", false, &has_year));
    const pc_json *columns = pc_json_get(json, "columns");
    table_path(path, t, "columns");
    PC_TRY(model_expect(b, path, columns, PC_JSON_ARRAY, "a list of columns"));
    const int count = pc_json_count(columns);
    if (count == 0 || count > MODEL_MAX_COLUMNS) {
        return model_fail(b, path, "expected 1 to %d columns", MODEL_MAX_COLUMNS);
    }
    PC_TRY(model_take_columns(b, table, ENGINE_COLUMNS + count + derived_count));
    PC_TRY(add_engine_columns(b, table, pc_json_get(json, "patient") != NULL, has_year));
    PC_TRY(read_columns(b, table, columns));
    return check_patterns(b, t);
}

static void set_nothing(pc_model_table *t)
{
    t->event_date = t->event_end = t->own_date = t->own_end = t->file_year = -1;
    t->pseudonym = t->rank = t->person = t->person_flag = t->nobody_key = -1;
    t->own_key = t->parent_key = t->flow = -1;
}

// Names and room for every table; how many columns there are in all.
static pc_status begin_tables(model_builder *b, const pc_json *list, int *column_count)
{
    const int count = pc_json_count(list);
    if (count < 1 || count >= MODEL_MAX_TABLES) {
        return model_fail(b, "tables", "expected 1 to %d tables", MODEL_MAX_TABLES - 1);
    }
    const int used = b->model->table_count;
    b->table = model_grow(b, b->table, used, count + 1, sizeof *b->table);
    b->column = model_grow(b, b->column, used, count + 1, sizeof(pc_model_column *));
    b->column_hash = model_grow(b, b->column_hash, used, count + 1, sizeof(uint32_t *));
    b->json = model_grow(b, b->json, used, count + 1, sizeof(const pc_json *));
    if (b->table == NULL || b->column == NULL || b->column_hash == NULL || b->json == NULL) {
        return PC_NO_MEMORY;
    }
    b->model->table = b->table;
    for (const pc_json *v = pc_json_first(list); v != NULL; v = pc_json_next(v)) {
        char path[MODEL_PATH_BYTES];
        const char *name = pc_json_key(v);
        (void)snprintf(path, sizeof path, "tables.%.63s", name);
        PC_TRY(model_check_name(b, path, name));
        if (pc_span_equal_nocase(pc_span_of(name), pc_span_of("PERSON"))) {
            return model_fail(b, path, "PERSON is made by the engine");
        }
        if (pc_model_find_table(b->model, pc_span_of(name)) >= 0) {
            return model_fail(b, path, "is there twice");
        }
        pc_model_table *t = &b->table[b->model->table_count];
        t->name = pc_arena_text(b->arena, name, strlen(name), b->err);
        if (t->name == NULL) return PC_NO_MEMORY;
        set_nothing(t);
        t->delimiters = b->delimiters;
        b->json[b->model->table_count++] = v;
        const pc_json *columns = pc_json_get(v, "columns");
        if (columns != NULL) *column_count += pc_json_count(columns);
    }
    return PC_OK;
}

pc_status model_read_tables(model_builder *b, const pc_json *document)
{
    const pc_json *list = pc_json_get(document, "tables");
    const pc_json *derived = pc_json_get(document, "derived");
    const int derived_count = derived == NULL ? 0 : pc_json_count(derived);
    int column_count = 0;
    PC_TRY(model_expect(b, "tables", list, PC_JSON_OBJECT, "an object {name: table}"));
    b->first_table = b->model->table_count;
    PC_TRY(begin_tables(b, list, &column_count));
    const int tables = b->model->table_count - b->first_table;
    const int used = b->model->dict_count;
    const int more = column_count + derived_count * tables + PERSON_COLUMNS;
    b->dict = model_grow(b, b->dict, used, more, sizeof *b->dict);
    b->dict_hash = model_grow(b, b->dict_hash, used, more, sizeof *b->dict_hash);
    if (b->dict == NULL || b->dict_hash == NULL) return PC_NO_MEMORY;
    b->dict_room = used + more;
    b->model->dict_name = b->dict;
    for (int t = b->first_table; t < b->model->table_count; t++)
        PC_TRY(read_table(b, t, derived_count));
    if (b->first_table > 0) return PC_OK; // an extension: PERSON is the base's
    b->model->person_table = b->model->table_count++;
    pc_model_table *person = &b->table[b->model->person_table];
    set_nothing(person);
    person->name = "PERSON";
    person->path = PC_PATH_PERSON;
    person->title = "one person, derived";
    return model_take_columns(b, b->model->person_table, PERSON_COLUMNS + derived_count);
}

// A member that names a column of the table; -1 when absent and not required.
static pc_status column_member(model_builder *b, const char *path, const pc_json *json, int table,
                               const char *member, bool required, int *out)
{
    char at[MODEL_PATH_BYTES];
    const char *name = NULL;
    *out = -1;
    PC_TRY(model_text(b, path, json, member, required, &name));
    if (name == NULL) return PC_OK;
    model_path(at, path, member);
    PC_TRY(model_column_named(b, at, table, name, out));
    if (b->column[table][*out].origin == PC_FROM_CSV) return PC_OK;
    return model_fail(b, at, "expected a column of the files");
}

static pc_status link_dummies(model_builder *b, const char *patient_path, const pc_json *patient,
                              int table)
{
    char path[MODEL_PATH_BYTES];
    const pc_json *list = pc_json_get(patient, "dummies");
    if (list == NULL) return PC_OK;
    model_path(path, patient_path, "dummies");
    PC_TRY(model_expect(b, path, list, PC_JSON_OBJECT, "an object {column: [values]}"));
    pc_model_table *t = &b->table[table];
    pc_model_dummy *dummy =
        pc_arena_array(b->arena, (size_t)pc_json_count(list) + 1, sizeof *dummy, b->err);
    if (dummy == NULL) return PC_NO_MEMORY;
    t->dummy = dummy;
    for (const pc_json *v = pc_json_first(list); v != NULL; v = pc_json_next(v)) {
        pc_model_dummy *d = &dummy[t->dummy_count++];
        PC_TRY(model_column_named(b, path, table, pc_json_key(v), &d->column));
        PC_TRY(model_texts(b, path, list, pc_json_key(v), true, &d->value, &d->value_count));
    }
    return PC_OK;
}

// {"when": {"DCD_IDT_TOP": 1}}: the person key counts only then.
static pc_status link_flag(model_builder *b, const char *patient_path, const pc_json *patient,
                           int table)
{
    char path[MODEL_PATH_BYTES];
    const pc_json *when = pc_json_get(patient, "when");
    if (when == NULL) return PC_OK;
    pc_model_table *t = &b->table[table];
    model_path(path, patient_path, "when");
    PC_TRY(model_expect(b, path, when, PC_JSON_OBJECT, "an object {column: whole number}"));
    const pc_json *value = pc_json_first(when);
    if (pc_json_count(when) != 1 || !pc_json_int(value, &t->person_flag_value)) {
        return model_fail(b, path, "expected one column with a whole number");
    }
    PC_TRY(model_column_named(b, path, table, pc_json_key(value), &t->person_flag));
    if (b->column[table][t->person_flag].type == PC_INT) return PC_OK;
    return model_fail(b, path, "expected a column of type int");
}

static bool same_storage(const pc_model_column *a, const pc_model_column *b)
{
    return a->type == b->type && a->scale == b->scale && a->width == b->width &&
           a->digits == b->digits && a->dict == b->dict;
}

// The columns of a child that hold its parent's key have the names that they have there.
static pc_status link_parent(model_builder *b, const char *path, int table)
{
    pc_model_table *t = &b->table[table];
    const int parent = b->key[t->parent_key].table;
    const pc_model_table *p = &b->table[parent];
    if (parent == table) return model_fail(b, path, "a table cannot be its own parent");
    for (int i = 0; i < p->primary_count; i++) {
        const pc_model_column *theirs = &b->column[parent][p->primary[i]];
        int column = -1;
        PC_TRY(model_column_named(b, path, table, theirs->name, &column));
        if (!same_storage(theirs, &b->column[table][column])) {
            return model_fail(b, path, "column %s is of another type than in %s", theirs->name,
                              p->name);
        }
        b->column[table][column].parent_column = p->primary[i];
    }
    return PC_OK;
}

static pc_status link_same(model_builder *b, const char *path, const pc_json *patient, int table)
{
    pc_model_same *same = &b->table[table].same;
    const char *const *name = NULL;
    const char *const *column = NULL;
    PC_TRY(model_texts(b, path, patient, "tables", true, &name, &same->table_count));
    PC_TRY(model_texts(b, path, patient, "columns", true, &column, &same->column_count));
    const size_t count = (size_t)same->column_count;
    int *of = pc_arena_array(b->arena, (size_t)same->table_count, sizeof *of, b->err);
    int *mine = pc_arena_array(b->arena, count, sizeof *mine, b->err);
    int *their = pc_arena_array(b->arena, (size_t)same->table_count * count, sizeof *their, b->err);
    if (of == NULL || mine == NULL || their == NULL) return PC_NO_MEMORY;
    same->table = of;
    same->column = mine;
    same->their = their;
    for (int k = 0; k < same->column_count; k++)
        PC_TRY(model_column_named(b, path, table, column[k], &mine[k]));
    for (int i = 0; i < same->table_count; i++) {
        PC_TRY(model_table_named(b, path, name[i], &of[i]));
        const pc_json *there = pc_json_get(b->json[of[i]], "patient");
        const char *way = there == NULL ? NULL : pc_json_text(pc_json_get(there, "path"));
        if (way == NULL || strcmp(way, "same") == 0) {
            return model_fail(b, path, "%s does not find its patients by itself", name[i]);
        }
        for (int k = 0; k < same->column_count; k++, their++) {
            PC_TRY(model_column_named(b, path, of[i], column[k], their));
            if (same_storage(&b->column[table][mine[k]], &b->column[of[i]][*their])) continue;
            return model_fail(b, path, "column %s is of another type than in %s", column[k],
                              name[i]);
        }
    }
    return PC_OK;
}

static pc_status link_patient(model_builder *b, int table)
{
    static const char *const known[] = {"path",    "pseudonym", "rank",    "person",
                                        "when",    "nobody",    "parent",  "companion",
                                        "dummies", "tables",    "columns", "person_may_lack"};
    static const char *const path_name[] = {"identity", "pair",   "pseudonym",
                                            "key",      "direct", "same"};
    const int path_count = (int)(sizeof path_name / sizeof path_name[0]);
    char path[MODEL_PATH_BYTES];
    pc_model_table *t = &b->table[table];
    const pc_json *patient = pc_json_get(b->json[table], "patient");
    const char *kind = NULL;
    const char *parent = NULL;
    table_path(path, t, "patient");
    if (patient == NULL) return PC_OK;
    PC_TRY(model_expect(b, path, patient, PC_JSON_OBJECT, "an object"));
    PC_TRY(model_members(b, path, patient, known, (int)(sizeof known / sizeof known[0])));
    PC_TRY(model_text(b, path, patient, "path", true, &kind));
    int found = 0;
    while (found < path_count && strcmp(path_name[found], kind) != 0)
        found++;
    if (found == path_count) {
        return model_fail(b, path, "expected path identity, pair, pseudonym, key, direct or same");
    }
    t->path = (pc_path)(PC_PATH_IDENTITY + found);
    const bool pair = t->path == PC_PATH_PAIR;
    const bool person = t->path == PC_PATH_IDENTITY || t->path == PC_PATH_DIRECT;
    PC_TRY(column_member(b, path, patient, table, "pseudonym", pair || t->path == PC_PATH_PSEUDONYM,
                         &t->pseudonym));
    const bool ranked = pair || (t->path == PC_PATH_IDENTITY && t->pseudonym >= 0);
    PC_TRY(column_member(b, path, patient, table, "rank", ranked, &t->rank));
    PC_TRY(column_member(b, path, patient, table, "person", person, &t->person));
    PC_TRY(column_member(b, path, patient, table, "nobody", t->path == PC_PATH_DIRECT,
                         &t->nobody_key));
    PC_TRY(model_text(b, path, patient, "parent", t->path == PC_PATH_KEY, &parent));
    PC_TRY(model_bool(b, path, patient, "companion", false, &t->companion));
    PC_TRY(model_bool(b, path, patient, "person_may_lack", false, &t->person_may_lack));
    PC_TRY(link_flag(b, path, patient, table));
    PC_TRY(link_dummies(b, path, patient, table));
    if (t->path == PC_PATH_SAME) return link_same(b, path, patient, table);
    if (parent == NULL) return PC_OK;
    (void)snprintf(path, sizeof path, "tables.%s.patient.parent", t->name);
    return model_key_named(b, path, parent, &t->parent_key);
}

static pc_status link_primary(model_builder *b, int table)
{
    char path[MODEL_PATH_BYTES];
    pc_model_table *t = &b->table[table];
    const char *const *name = NULL;
    int count = 0;
    table_path(path, t, "");
    PC_TRY(model_texts(b, path, b->json[table], "primary", t->own_key >= 0, &name, &count));
    if (count == 0) return PC_OK;
    int *primary = pc_arena_array(b->arena, (size_t)count, sizeof *primary, b->err);
    if (primary == NULL) return PC_NO_MEMORY;
    table_path(path, t, "primary");
    for (int i = 0; i < count; i++) {
        PC_TRY(model_column_named(b, path, table, name[i], &primary[i]));
        const pc_origin origin = b->column[table][primary[i]].origin;
        if (origin != PC_FROM_CSV && origin != PC_FROM_FILE) {
            return model_fail(b, path, "expected columns of the files or file_year");
        }
        for (int k = 0; k < i; k++) {
            if (primary[k] == primary[i]) return model_fail(b, path, "a column is there twice");
        }
    }
    t->primary = primary;
    t->primary_count = count;
    return PC_OK;
}

static pc_status link_dates(model_builder *b, int table)
{
    char path[MODEL_PATH_BYTES];
    pc_model_table *t = &b->table[table];
    const char *const *name = NULL;
    int count = 0;
    int found[2] = {-1, -1};
    table_path(path, t, "");
    PC_TRY(model_texts(b, path, b->json[table], "dates", false, &name, &count));
    PC_TRY(model_bool(b, path, b->json[table], "period", false, &t->check_period));
    PC_TRY(model_bool(b, path, b->json[table], "disjoint", false, &t->disjoint));
    PC_TRY(model_bool(b, path, b->json[table], "needs_person", false, &t->needs_person));
    t->check_period = t->check_period || t->disjoint;
    table_path(path, t, "dates");
    if (count > 2) return model_fail(b, path, "expected the first day and, if any, the last day");
    for (int i = 0; i < count; i++) {
        PC_TRY(model_column_named(b, path, table, name[i], &found[i]));
        if (b->column[table][found[i]].type != PC_DATE ||
            b->column[table][found[i]].origin != PC_FROM_CSV) {
            return model_fail(b, path, "expected columns of type date");
        }
    }
    if (count > 0 && t->path == PC_PATH_NONE) {
        return model_fail(b, path, "a reference table has no days: no \"patient\" is given");
    }
    t->own_date = found[0];
    t->own_end = count == 2 ? found[1] : found[0];
    if (t->check_period && count < 2) {
        table_path(path, t, t->disjoint ? "disjoint" : "period");
        return model_fail(b, path, "expected two dates to compare");
    }
    // An append joins the rows of such a table with those of the store, by the same rule.
    if ((t->disjoint || t->needs_person) && (t->path == PC_PATH_NONE || t->primary_count == 0 ||
                                             t->own_key >= 0 || t->parent_key >= 0)) {
        table_path(path, t, t->disjoint ? "disjoint" : "needs_person");
        return model_fail(b, path,
                          "expected a patient table with a primary key and no key of the model");
    }
    return PC_OK;
}

// "TABLE.COLUMN" of a reference table.
static pc_status find_reference(const model_builder *b, const char *path, const char *text,
                                int *table, int *column)
{
    char name[2 * MODEL_NAME_BYTES + 2];
    (void)snprintf(name, sizeof name, "%s", text);
    char *dot = strchr(name, '.');
    if (dot == NULL) return model_fail(b, path, "expected \"TABLE.COLUMN\"");
    *dot = '\0';
    PC_TRY(model_table_named(b, path, name, table));
    PC_TRY(model_column_named(b, path, *table, dot + 1, column));
    if (b->table[*table].path == PC_PATH_NONE) return PC_OK;
    return model_fail(b, path, "%s is not a reference table", b->table[*table].name);
}

// Nomenclatures have the type of the columns whose values they list; codes are compared as texts.
static pc_status link_codes(const model_builder *b, int table)
{
    for (int i = 0; i < b->table[table].column_count; i++) {
        char path[MODEL_PATH_BYTES];
        pc_model_column *c = &b->column[table][i];
        if (c->codes == NULL) continue;
        (void)snprintf(path, sizeof path, "tables.%s.%s", b->table[table].name, c->name);
        PC_TRY(find_reference(b, path, c->codes, &c->codes_table, &c->codes_column));
        const pc_model_column *theirs = &b->column[c->codes_table][c->codes_column];
        const bool is_text = c->type == PC_CODE || c->type == PC_TEXT;
        if ((!is_text && c->type != PC_INT) || c->type != theirs->type) {
            return model_fail(b, path, "codes= needs columns of type code or int, both the same");
        }
    }
    return PC_OK;
}

static pc_status link_flow(model_builder *b, int table)
{
    char path[MODEL_PATH_BYTES];
    pc_model_table *t = &b->table[table];
    table_path(path, t, "");
    PC_TRY(column_member(b, path, b->json[table], table, "flow", false, &t->flow));
    if (t->flow < 0 || b->column[table][t->flow].type == PC_DATE) return PC_OK;
    table_path(path, t, "flow");
    return model_fail(b, path, "expected a column of type date");
}

static pc_status link_references(model_builder *b, int table)
{
    char path[MODEL_PATH_BYTES];
    pc_model_table *t = &b->table[table];
    const pc_json *list = pc_json_get(b->json[table], "references");
    if (list == NULL) return PC_OK;
    table_path(path, t, "references");
    PC_TRY(model_expect(b, path, list, PC_JSON_OBJECT, "an object {column: \"TABLE.COLUMN\"}"));
    pc_model_reference *reference =
        pc_arena_array(b->arena, (size_t)pc_json_count(list) + 1, sizeof *reference, b->err);
    if (reference == NULL) return PC_NO_MEMORY;
    t->reference = reference;
    for (const pc_json *v = pc_json_first(list); v != NULL; v = pc_json_next(v)) {
        pc_model_reference *r = &reference[t->reference_count++];
        PC_TRY(model_column_named(b, path, table, pc_json_key(v), &r->column));
        PC_TRY(model_expect(b, path, v, PC_JSON_TEXT, "\"TABLE.COLUMN\""));
        PC_TRY(find_reference(b, path, pc_json_text(v), &r->table, &r->their_column));
        const pc_model_column *mine = &b->column[table][r->column];
        const pc_model_column *theirs = &b->column[r->table][r->their_column];
        if (mine->type != theirs->type || mine->dict != theirs->dict) {
            return model_fail(b, path, "%s and %s are of different types or dictionaries",
                              mine->name, theirs->name);
        }
    }
    return PC_OK;
}

pc_status model_link_tables(model_builder *b)
{
    const int count = b->model->table_count;
    for (int t = 0; t < count; t++) {
        if (b->json[t] != NULL) PC_TRY(link_primary(b, t));
    }
    for (int t = 0; t < count; t++) {
        if (b->json[t] != NULL) PC_TRY(link_patient(b, t));
    }
    for (int t = 0; t < count; t++) {
        if (b->json[t] == NULL) continue; // PERSON
        char path[MODEL_PATH_BYTES];
        table_path(path, &b->table[t], "patient.parent");
        if (b->table[t].own_key >= 0 && b->table[t].parent_key >= 0) {
            return model_fail(b, path, "a table with a key of its own finds its patient by itself");
        }
        if (b->table[t].own_key >= 0 && b->table[t].path == PC_PATH_NONE) {
            return model_fail(b, path, "a table with a key needs a \"patient\"");
        }
        if (b->table[t].parent_key >= 0) PC_TRY(link_parent(b, path, t));
        PC_TRY(link_dates(b, t));
        PC_TRY(link_references(b, t));
        PC_TRY(link_codes(b, t));
        PC_TRY(link_flow(b, t));
    }
    for (int i = 0; i < b->model->person.identity_count; i++) {
        const pc_model_table *t = &b->table[b->model->person.identity[i]];
        if (t->path != PC_PATH_IDENTITY) {
            return model_fail(b, "person.identity", "%s has no path \"identity\"", t->name);
        }
    }
    return PC_OK;
}
