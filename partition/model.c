/** Models: look-ups, file names, and reading one from its JSON text. docs/model.md is the form. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "model_build.h"

const char *pc_class_name(pc_class class_of)
{
    static const char *const name[] = {"plain",           "quasi",     "sensitive", "potential_id",
                                       "professional_id", "direct_id", "patient"};
    return name[class_of];
}

static int find_name(const char *const *name, size_t stride, int count, pc_span wanted)
{
    for (int i = 0; i < count; i++) {
        const char *const *at =
            (const char *const *)(const void *)((const char *)name + (size_t)i * stride);
        if (pc_span_equal_nocase(pc_span_of(*at), wanted)) return i;
    }
    return -1;
}

int pc_model_find_table(const pc_model *model, pc_span name)
{
    if (model->table_count == 0) return -1;
    return find_name(&model->table[0].name, sizeof *model->table, model->table_count, name);
}

int pc_model_find_column(const pc_model_table *table, pc_span name)
{
    if (table->column_count == 0) return -1;
    return find_name(&table->column[0].name, sizeof *table->column, table->column_count, name);
}

int pc_model_find_key(const pc_model *model, pc_span name)
{
    if (model->key_count == 0) return -1;
    return find_name(&model->key[0].name, sizeof *model->key, model->key_count, name);
}

int pc_model_find_system(const pc_model *model, pc_span name)
{
    if (model->system_count == 0) return -1;
    return find_name(&model->system[0].name, sizeof *model->system, model->system_count, name);
}

static char lower(char c)
{
    return (c >= 'A' && c <= 'Z') ? (char)(c - 'A' + 'a') : c;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

int pc_model_find_population(const pc_model *model, pc_span name)
{
    if (model->population_count == 0) return -1;
    return find_name(&model->population[0].name, sizeof *model->population, model->population_count,
                     name);
}

// Digits of a year at the start of `text`: {yyyy} or {yy}. 0: not there.
static int year_digits(const char *pattern, const char *text, size_t *pattern_bytes, int *year)
{
    int digits = 0;
    if (strncmp(pattern, "{yyyy}", 6) == 0) digits = 4;
    if (strncmp(pattern, "{yy}", 4) == 0) digits = 2;
    if (digits == 0) return 0;
    int value = 0;
    for (int i = 0; i < digits; i++) {
        if (!is_digit(text[i])) return 0;
        value = 10 * value + (text[i] - '0');
    }
    *pattern_bytes = digits == 4 ? 6 : 4;
    *year = digits == 4 ? value : (value >= 70 ? 1900 : 2000) + value;
    return digits;
}

// '*' stands for any characters; `text` ends with NUL.
static bool pattern_fits(const char *pattern, const char *text, int *year)
{
    const char *star = NULL;  // behind the last '*'
    const char *again = NULL; // where the text goes on if that '*' must take one more
    *year = 0;
    for (;;) {
        size_t step = 1;
        int digits = 0;
        if (*pattern == '*') {
            star = ++pattern;
            again = text;
            continue;
        }
        if (*pattern == '\0' && *text == '\0') return true;
        digits = *pattern == '{' ? year_digits(pattern, text, &step, year) : 0;
        if (digits > 0) {
            pattern += step;
            text += digits;
        } else if (*pattern != '\0' && lower(*pattern) == lower(*text)) {
            pattern++;
            text++;
        } else {
            if (star == NULL || *again == '\0') return false;
            pattern = star;
            text = ++again;
        }
    }
}

static bool ends_with(const char *text, size_t bytes, const char *end)
{
    const size_t end_bytes = strlen(end);
    return bytes > end_bytes &&
           pc_span_equal_nocase((pc_span){text + bytes - end_bytes, end_bytes}, pc_span_of(end));
}

int pc_model_match_file(const pc_model *model, const char *file_name, int *year)
{
    char name[256];
    size_t bytes = strlen(file_name);
    *year = 0;
    if (ends_with(file_name, bytes, ".gz")) bytes -= 3;
    if (ends_with(file_name, bytes, ".zst")) bytes -= 4;
    if (bytes >= sizeof name) return -1;
    memcpy(name, file_name, bytes);
    name[bytes] = '\0';
    for (int t = 0; t < model->table_count; t++) {
        const pc_model_table *table = &model->table[t];
        for (int i = 0; i < table->pattern_count; i++) {
            if (pattern_fits(table->pattern[i], name, year)) return t;
        }
    }
    *year = 0;
    return -1;
}

void *model_grow(const model_builder *b, const void *old, int used, int more, size_t size)
{
    void *grown = pc_arena_array(b->arena, (size_t)used + (size_t)more, size, b->err);
    if (grown != NULL && used > 0) memcpy(grown, old, (size_t)used * size);
    return grown;
}

void model_path(char path[MODEL_PATH_BYTES], const char *parent, const char *member)
{
    const int bytes = snprintf(path, MODEL_PATH_BYTES, "%s.%s", parent, member);
    if (bytes < 0) path[0] = '\0';
}

pc_status model_fail(const model_builder *b, const char *path, const char *format, ...)
{
    char text[512];
    va_list list;
    va_start(list, format);
    (void)vsnprintf(text, sizeof text, format, list);
    va_end(list);
    return PC_FAIL(b->err, PC_BAD_JOB, "model '%s': %s: %s", b->name, path, text);
}

pc_status model_expect(const model_builder *b, const char *path, const pc_json *value,
                       pc_json_kind kind, const char *what)
{
    if (value == NULL) return model_fail(b, path, "missing: expected %s", what);
    if (pc_json_kind_of(value) == kind) return PC_OK;
    return model_fail(b, path, "expected %s, found %s", what,
                      pc_json_kind_name(pc_json_kind_of(value)));
}

pc_status model_members(const model_builder *b, const char *path, const pc_json *object,
                        const char *const *known, int count)
{
    for (const pc_json *m = pc_json_first(object); m != NULL; m = pc_json_next(m)) {
        const char *key = pc_json_key(m);
        bool found = false;
        for (int i = 0; i < count && !found; i++)
            found = strcmp(known[i], key) == 0;
        if (found) continue;
        const char *near = pc_nearest_name(key, known, (size_t)count);
        return model_fail(b, path, "unknown key '%.63s'%s%s%s", key,
                          near != NULL ? ", did you mean '" : "", near != NULL ? near : "",
                          near != NULL ? "'?" : "");
    }
    return PC_OK;
}

pc_status model_text(const model_builder *b, const char *path, const pc_json *object,
                     const char *member, bool required, const char **out)
{
    char at[MODEL_PATH_BYTES];
    model_path(at, path, member);
    const pc_json *value = pc_json_get(object, member);
    *out = NULL;
    if (value == NULL && !required) return PC_OK;
    PC_TRY(model_expect(b, at, value, PC_JSON_TEXT, "a text"));
    const char *text = pc_json_text(value);
    *out = pc_arena_text(b->arena, text, strlen(text), b->err);
    return *out == NULL ? PC_NO_MEMORY : PC_OK;
}

pc_status model_bool(const model_builder *b, const char *path, const pc_json *object,
                     const char *member, bool fallback, bool *out)
{
    char at[MODEL_PATH_BYTES];
    model_path(at, path, member);
    const pc_json *value = pc_json_get(object, member);
    *out = fallback;
    if (value == NULL) return PC_OK;
    PC_TRY(model_expect(b, at, value, PC_JSON_BOOL, "true or false"));
    *out = pc_json_bool(value);
    return PC_OK;
}

pc_status model_texts(const model_builder *b, const char *path, const pc_json *object,
                      const char *member, bool required, const char *const **out, int *count)
{
    char at[MODEL_PATH_BYTES];
    model_path(at, path, member);
    const pc_json *list = pc_json_get(object, member);
    *out = NULL;
    *count = 0;
    if (list == NULL && !required) return PC_OK;
    PC_TRY(model_expect(b, at, list, PC_JSON_ARRAY, "a list of texts"));
    const int all = pc_json_count(list);
    if (all == 0 && required) return model_fail(b, at, "expected at least one text");
    if (all == 0) return PC_OK;
    const char **text = pc_arena_array(b->arena, (size_t)all, sizeof *text, b->err);
    if (text == NULL) return PC_NO_MEMORY;
    for (const pc_json *v = pc_json_first(list); v != NULL; v = pc_json_next(v)) {
        PC_TRY(model_expect(b, at, v, PC_JSON_TEXT, "texts"));
        const char *source = pc_json_text(v);
        text[*count] = pc_arena_text(b->arena, source, strlen(source), b->err);
        if (text[*count] == NULL) return PC_NO_MEMORY;
        (*count)++;
    }
    *out = text;
    return PC_OK;
}

pc_status model_check_name(const model_builder *b, const char *path, const char *name)
{
    bool good = (lower(name[0]) >= 'a' && lower(name[0]) <= 'z');
    size_t bytes = 0;
    for (; name[bytes] != '\0'; bytes++) {
        const char c = lower(name[bytes]);
        good = good && ((c >= 'a' && c <= 'z') || is_digit(c) || c == '_');
    }
    if (good && bytes <= MODEL_NAME_BYTES) return PC_OK;
    return model_fail(b, path,
                      "expected a name: a letter, then letters, digits and _, at most %d in all",
                      MODEL_NAME_BYTES);
}

// "no table 'x', did you mean 'y'?" with the nearest of `count` names that lie `stride` apart.
static pc_status no_such(const model_builder *b, const char *path, const char *noun,
                         const char *wanted, const char *const *name, size_t stride, int count)
{
    const char *near = NULL;
    const pc_arena_mark mark = pc_arena_now(b->arena);
    const char **flat = pc_arena_array(b->arena, (size_t)count + 1, sizeof *flat, NULL);
    for (int i = 0; flat != NULL && i < count; i++) {
        flat[i] = *(const char *const *)(const void *)((const char *)name + (size_t)i * stride);
    }
    if (flat != NULL) near = pc_nearest_name(wanted, flat, (size_t)count);
    const pc_status status = model_fail(b, path, "no %s '%.63s'%s%s%s", noun, wanted,
                                        near != NULL ? ", did you mean '" : "",
                                        near != NULL ? near : "", near != NULL ? "'?" : "");
    pc_arena_rewind(b->arena, mark);
    return status;
}

pc_status model_table_named(const model_builder *b, const char *path, const char *name, int *out)
{
    *out = pc_model_find_table(b->model, pc_span_of(name));
    if (*out >= 0) return PC_OK;
    return no_such(b, path, "table", name, &b->table[0].name, sizeof *b->table,
                   b->model->table_count);
}

pc_status model_column_named(const model_builder *b, const char *path, int table, const char *name,
                             int *out)
{
    const pc_model_table *t = &b->table[table];
    *out = pc_model_find_column(t, pc_span_of(name));
    if (*out >= 0) return PC_OK;
    char noun[MODEL_NAME_BYTES + 32];
    (void)snprintf(noun, sizeof noun, "column of %s called", t->name);
    return no_such(b, path, noun, name, &b->column[table][0].name, sizeof **b->column,
                   t->column_count);
}

pc_status model_key_named(const model_builder *b, const char *path, const char *name, int *out)
{
    *out = pc_model_find_key(b->model, pc_span_of(name));
    if (*out >= 0) return PC_OK;
    const char *const nothing = "";
    return no_such(b, path, "key", name, b->key != NULL ? &b->key[0].name : &nothing,
                   sizeof *b->key, b->model->key_count);
}

static pc_status read_systems(model_builder *b, const pc_json *document)
{
    static const char *const kind_name[] = {"flat", "prefix", "tree"};
    const pc_json *list = pc_json_get(document, "systems");
    if (list == NULL) return PC_OK;
    PC_TRY(model_expect(b, "systems", list, PC_JSON_OBJECT, "an object {name: kind}"));
    b->system = model_grow(b, b->system, b->model->system_count, pc_json_count(list) + 1,
                           sizeof *b->system);
    if (b->system == NULL) return PC_NO_MEMORY;
    b->model->system = b->system;
    for (const pc_json *v = pc_json_first(list); v != NULL; v = pc_json_next(v)) {
        char path[MODEL_PATH_BYTES];
        const char *key = pc_json_key(v);
        (void)snprintf(path, sizeof path, "systems.%.63s", key);
        PC_TRY(model_check_name(b, path, key));
        const int same = pc_model_find_system(b->model, pc_span_of(key));
        if (same >= b->first_system) return model_fail(b, path, "is there twice");
        PC_TRY(model_expect(b, path, v, PC_JSON_TEXT, "\"flat\", \"prefix\" or \"tree\""));
        int kind = 0;
        while (kind < 3 && strcmp(kind_name[kind], pc_json_text(v)) != 0)
            kind++;
        if (kind == 3) {
            return model_fail(b, path, "expected \"flat\", \"prefix\" or \"tree\"");
        }
        if (same >= 0 && b->system[same].kind == (pc_system_kind)kind) continue; // the base's
        if (same >= 0) return model_fail(b, path, "is of another kind in the base model");
        pc_system *system = &b->system[b->model->system_count];
        system->kind = (pc_system_kind)kind;
        system->name = pc_arena_text(b->arena, key, strlen(key), b->err);
        if (system->name == NULL) return PC_NO_MEMORY;
        b->model->system_count++;
    }
    return PC_OK;
}

static pc_status read_keys(model_builder *b, const pc_json *document)
{
    static const char *const known[] = {"table", "episode"};
    const pc_json *list = pc_json_get(document, "keys");
    if (list == NULL) return PC_OK;
    PC_TRY(model_expect(b, "keys", list, PC_JSON_OBJECT, "an object {name: {\"table\": ...}}"));
    b->key = model_grow(b, b->key, b->model->key_count, pc_json_count(list) + 1, sizeof *b->key);
    if (b->key == NULL) return PC_NO_MEMORY;
    b->model->key = b->key;
    for (const pc_json *v = pc_json_first(list); v != NULL; v = pc_json_next(v)) {
        char path[MODEL_PATH_BYTES];
        const char *name = pc_json_key(v);
        const char *table = NULL;
        (void)snprintf(path, sizeof path, "keys.%.63s", name);
        PC_TRY(model_check_name(b, path, name));
        if (pc_model_find_key(b->model, pc_span_of(name)) >= 0) {
            return model_fail(b, path, "is there twice");
        }
        PC_TRY(model_expect(b, path, v, PC_JSON_OBJECT, "an object"));
        PC_TRY(model_members(b, path, v, known, 2));
        pc_model_key *key = &b->key[b->model->key_count];
        PC_TRY(model_text(b, path, v, "table", true, &table));
        PC_TRY(model_table_named(b, path, table, &key->table));
        PC_TRY(model_bool(b, path, v, "episode", true, &key->is_episode));
        if (b->table[key->table].own_key >= 0) {
            return model_fail(b, path, "table %s has a key already", b->table[key->table].name);
        }
        key->name = pc_arena_text(b->arena, name, strlen(name), b->err);
        if (key->name == NULL) return PC_NO_MEMORY;
        b->table[key->table].own_key = b->model->key_count++;
    }
    return PC_OK;
}

// What every document says of itself.
static pc_status read_head(model_builder *b, const pc_json *document, const char **name,
                           const char **version)
{
    static const char *const known[] = {"model",     "version",   "title",       "note",   "notice",
                                        "delimiter", "null_text", "systems",     "keys",   "person",
                                        "tables",    "derived",   "populations", "extends"};
    static const char *const all = ";,|\t";
    const char *delimiters = NULL;
    PC_TRY(model_expect(b, "$", document, PC_JSON_OBJECT, "an object"));
    PC_TRY(model_members(b, "$", document, known, (int)(sizeof known / sizeof known[0])));
    PC_TRY(model_text(b, "$", document, "model", true, name));
    PC_TRY(model_check_name(b, "model", *name));
    PC_TRY(model_text(b, "$", document, "version", true, version));
    PC_TRY(model_text(b, "$", document, "delimiter", false, &delimiters));
    if (delimiters == NULL) delimiters = ";";
    if (delimiters[0] == '\0' || delimiters[strspn(delimiters, all)] != '\0') {
        return model_fail(b, "delimiter", "expected one of ; , | or a tab, or some of them");
    }
    b->delimiters = delimiters;
    b->first_system = b->model->system_count;
    return PC_OK;
}

static pc_status build_base(model_builder *b, const pc_json *document)
{
    PC_TRY(read_head(b, document, &b->model->name, &b->model->version));
    if (pc_json_get(document, "extends") != NULL) {
        return model_fail(b, "extends", "an extension is given behind its base: base+extension");
    }
    PC_TRY(model_bool(b, "$", document, "null_text", false, &b->model->null_text));
    PC_TRY(read_systems(b, document));
    PC_TRY(model_read_tables(b, document));
    PC_TRY(read_keys(b, document));
    PC_TRY(model_read_person(b, document));
    PC_TRY(model_read_rules(b, document));
    return model_read_populations(b, document);
}

// The tables of another source beside those of the base.
static pc_status build_extension(model_builder *b, const pc_json *document, const char *base)
{
    static const char *const of_base[] = {"person", "null_text", "populations"};
    const char *name = NULL;
    const char *version = NULL;
    const char *extends = NULL;
    PC_TRY(read_head(b, document, &name, &version));
    PC_TRY(model_text(b, "$", document, "extends", true, &extends));
    if (strcmp(extends, base) != 0) {
        return model_fail(b, "extends", "expected '%s', the model that it stands behind", base);
    }
    for (size_t i = 0; i < sizeof of_base / sizeof of_base[0]; i++) {
        if (pc_json_get(document, of_base[i]) == NULL) continue;
        return model_fail(b, of_base[i], "an extension takes this from its base");
    }
    const size_t bytes = strlen(b->model->name) + strlen(name) + 2;
    char *joined = pc_arena_take(b->arena, bytes, b->err);
    if (joined == NULL) return PC_NO_MEMORY;
    (void)snprintf(joined, bytes, "%s+%s", b->model->name, name);
    b->model->name = joined;
    PC_TRY(read_systems(b, document));
    PC_TRY(model_read_tables(b, document));
    PC_TRY(read_keys(b, document));
    return model_read_rules(b, document);
}

static pc_status build(model_builder *b, const pc_json *document)
{
    const bool is_list = pc_json_kind_of(document) == PC_JSON_ARRAY;
    const pc_json *first = is_list ? pc_json_first(document) : document;
    PC_TRY(model_expect(b, "$", first, PC_JSON_OBJECT, "an object"));
    PC_TRY(build_base(b, first));
    const char *base = b->model->name;
    for (const pc_json *v = is_list ? pc_json_next(first) : NULL; v != NULL; v = pc_json_next(v)) {
        PC_TRY(build_extension(b, v, base));
    }
    PC_TRY(model_link_tables(b));
    return model_read_nets(b);
}

pc_status pc_model_build(const pc_json *document, pc_span text, const char *name, pc_arena *arena,
                         const pc_model **out, pc_error *err)
{
    model_builder b = {.arena = arena, .err = err, .name = name};
    b.model = pc_arena_take(arena, sizeof *b.model, err);
    pc_status status = b.model == NULL ? PC_NO_MEMORY : build(&b, document);
    if (status == PC_OK) {
        const char *copy = pc_arena_text(arena, text.data, text.bytes, err);
        b.model->document = (pc_span){copy, text.bytes};
        if (copy == NULL) status = PC_NO_MEMORY;
    }
    *out = b.model;
    return status;
}

pc_status pc_model_parse(pc_span text, const char *name, pc_arena *arena, const pc_model **out,
                         pc_error *err)
{
    pc_json *document = NULL;
    PC_TRY(pc_json_parse(text, name, &document, err));
    const pc_status status = pc_model_build(document, text, name, arena, out, err);
    pc_json_free(document);
    return status;
}
