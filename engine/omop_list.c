/** The list of tables that a store is turned into: what it says of each, and its query. */
#include <string.h>
#include "omop.h"
#include "parcours/hash.h"

static const uint64_t NUMBER_LIMIT = UINT64_C(1000000000000000000); // of 18 digits

int64_t pc_omop_number(pc_span text)
{
    return (int64_t)(pc_hash64(text.data, text.bytes) % (NUMBER_LIMIT - 1)) + 1;
}

pc_span pc_omop_cell(const pc_column *column, int64_t row, char *digits)
{
    if (pc_type_is_integer(column->type) && column->dict == NULL) {
        const int64_t value = pc_column_int(column, row);
        const int bytes = column->type == PC_DATE ? pc_day_format((int32_t)value, digits)
                                                  : pc_decimal_format(value, column->scale, digits);
        return (pc_span){digits, (size_t)bytes};
    }
    if (column->type == PC_FLOAT) {
        const int bytes = pc_float_format(((const double *)column->data)[row], digits);
        return (pc_span){digits, (size_t)bytes};
    }
    return pc_span_trim(pc_column_span(column, row));
}

pc_status pc_omop_list_read(const char *path, pc_json **out, pc_error *err)
{
    PC_TRY(pc_json_read(path, out, err));
    const pc_json *tables =
        pc_json_kind_of(*out) == PC_JSON_OBJECT ? pc_json_get(*out, "tables") : NULL;
    if (tables != NULL && pc_json_kind_of(tables) == PC_JSON_ARRAY &&
        pc_json_count(tables) <= PC_OMOP_MOST_TABLES) {
        return PC_OK;
    }
    pc_json_free(*out);
    *out = NULL;
    return PC_FAIL(err, PC_BAD_JOB, "'%s': tables: expected a list of at most %d", path,
                   (int)PC_OMOP_MOST_TABLES);
}

/** The SQL with the store's first and last day of care in it. */
static pc_status fill_days(const pc_store *store, const char *sql, pc_buffer *out, pc_error *err)
{
    static const char *const mark[] = {"${first}", "${last}"};
    int32_t day[2];
    pc_store_period(store, &day[0], &day[1]);
    while (*sql != '\0') {
        size_t bytes = strcspn(sql, "$");
        PC_TRY(pc_buffer_append(out, sql, bytes, err));
        sql += bytes;
        for (int i = 0; i < 2 && *sql == '$'; i++) {
            char text[PC_OMOP_CELL_BYTES];
            if (strncmp(sql, mark[i], strlen(mark[i])) != 0) continue;
            bytes = (size_t)pc_day_format(day[i], text);
            PC_TRY(pc_buffer_append(out, text, bytes, err));
            sql += strlen(mark[i]);
        }
        if (*sql == '$') PC_TRY(pc_buffer_append(out, sql++, 1, err));
    }
    return pc_buffer_append(out, "", 1, err);
}

/** A text of the list; `is_needed` false: it may be absent. */
static pc_status text_of(const char *path, const pc_json *json, const char *key, bool is_needed,
                         const char **out, pc_error *err)
{
    const pc_json *value = pc_json_kind_of(json) == PC_JSON_OBJECT ? pc_json_get(json, key) : NULL;
    *out = value == NULL ? NULL : pc_json_text(value);
    if (*out != NULL || (value == NULL && !is_needed)) return PC_OK;
    return PC_FAIL(err, PC_BAD_JOB, "'%s': tables: expected a text '%s'", path, key);
}

static pc_status read_texts(const pc_json *json, const char *path, pc_omop_table *t,
                            const char **sql, const char **code, pc_error *err)
{
    PC_TRY(text_of(path, json, "table", true, &t->name, err));
    PC_TRY(text_of(path, json, "sql", true, sql, err));
    PC_TRY(text_of(path, json, "id", false, &t->id, err));
    PC_TRY(text_of(path, json, "code", false, code, err));
    PC_TRY(text_of(path, json, "vocabulary", *code != NULL, &t->vocabulary, err));
    PC_TRY(text_of(path, json, "concept", *code != NULL, &t->concept, err));
    PC_TRY(text_of(path, json, "source_concept", *code != NULL, &t->source_concept, err));
    if (strspn(t->name, "abcdefghijklmnopqrstuvwxyz_") == strlen(t->name)) return PC_OK;
    return PC_FAIL(err, PC_BAD_JOB, "'%s': tables: a name has small letters and _", path);
}

static pc_status bind_columns(const pc_json *json, const char *path, const char *code,
                              pc_omop_table *t, pc_error *err)
{
    if (t->schema.field_count > PC_OMOP_MOST_COLUMNS) {
        return PC_FAIL(err, PC_BAD_JOB, "'%s': %s: more than %d columns", path, t->name,
                       (int)PC_OMOP_MOST_COLUMNS);
    }
    t->code_column = code == NULL ? -1 : pc_schema_find(&t->schema, code);
    const char *missing = code != NULL && t->code_column < 0 ? code : NULL;
    const pc_json *numbers = pc_json_get(json, "numbers");
    for (const pc_json *n = numbers == NULL ? NULL : pc_json_first(numbers); n != NULL;
         n = pc_json_next(n)) {
        const char *name = pc_json_text(n);
        const int c = name == NULL ? -1 : pc_schema_find(&t->schema, name);
        if (c >= 0) t->is_number[c] = true;
        if (c < 0) missing = name == NULL ? "numbers" : name;
    }
    if (missing != NULL) {
        return PC_FAIL(err, PC_BAD_JOB, "'%s': %s: the query has no column '%s'", path, t->name,
                       missing);
    }
    if (t->id == NULL || pc_schema_find(&t->schema, "person_id") == 0) return PC_OK;
    return PC_FAIL(err, PC_BAD_JOB,
                   "'%s': %s: rows are numbered within their person: expected person_id as the "
                   "first column of the query",
                   path, t->name);
}

pc_status pc_omop_table_plan(const pc_json *list, int place, const char *path, pc_store *store,
                             const pc_catalog *catalog, pc_arena *arena, pc_omop_table *out,
                             pc_error *err)
{
    const pc_json *json = pc_json_first(pc_json_get(list, "tables"));
    for (int i = 0; i < place; i++)
        json = pc_json_next(json);
    const char *text = NULL, *code = NULL;
    pc_buffer sql = {.budget = arena->budget};
    *out = (pc_omop_table){.code_column = -1, .place = place};
    PC_TRY(read_texts(json, path, out, &text, &code, err));
    pc_status status = fill_days(store, text, &sql, err);
    if (status == PC_OK) {
        status = pc_sql_plan(sql.data, catalog, false, arena, &out->query, err);
        if (status != PC_OK) pc_error_prefix(err, "'%s': %s", path, out->name);
    }
    pc_buffer_release(&sql);
    PC_TRY(status);
    out->schema = (pc_schema){out->query->visible_count, out->query->root->schema.field};
    return bind_columns(json, path, code, out, err);
}
