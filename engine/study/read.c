// Typed values of a study document. A problem does not stop the reading: all are told at once.
#include "study_read.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

pc_status pc_problem_at(pc_loader *loader, const char *path, const char *id, const char *format,
                        ...)
{
    pc_study *study = loader->study;
    study->problem_count++;
    if (study->problem_count > PC_STUDY_PROBLEM_MAX) return PC_OK;
    char sentence[PC_ERROR_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    for (char *at = sentence; *at != '\0'; at++) {
        if (*at == '\n' || *at == '\r') *at = ' ';
    }
    return pc_buffer_print(&study->problems, loader->err, "%s: %s: %s\n",
                           path[0] == '\0' ? "(file)" : path, id, sentence);
}

pc_status pc_place_text(pc_loader *loader, const pc_place *place, const char **out)
{
    const pc_place *chain[PC_STUDY_DEPTH_MAX * 4];
    size_t count = 0;
    for (; place != NULL && count < sizeof chain / sizeof chain[0]; place = place->up) {
        chain[count++] = place;
    }
    pc_buffer text = {.budget = loader->study->arena->budget};
    pc_status status = pc_buffer_print(&text, loader->err, "%s", loader->doc->shown);
    const size_t shown_bytes = text.bytes;
    while (count > 0 && status == PC_OK) {
        const pc_place *step = chain[--count];
        if (step->key == NULL) {
            status = pc_buffer_print(&text, loader->err, "[%d]", step->index);
        } else {
            status = pc_buffer_print(&text, loader->err, "%s%s",
                                     text.bytes == shown_bytes ? "" : ".", step->key);
        }
    }
    if (status == PC_OK) {
        *out = pc_arena_text(loader->study->arena, text.bytes == 0 ? "" : text.data, text.bytes,
                             loader->err);
        if (*out == NULL) status = PC_NO_MEMORY;
    }
    pc_buffer_release(&text);
    return status;
}

pc_status pc_problem(pc_loader *loader, const pc_place *place, const char *id, const char *format,
                     ...)
{
    const char *path = NULL;
    PC_TRY(pc_place_text(loader, place, &path));
    char sentence[PC_ERROR_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    return pc_problem_at(loader, path, id, "%s", sentence);
}

const char *pc_did_you_mean(pc_study *study, const char *wanted, const char *const *name, int count)
{
    const char *near = pc_nearest_name(wanted, name, (size_t)count);
    if (near == NULL) return "";
    char text[PC_STUDY_NAME_BYTES * 2 + 32];
    const int bytes = snprintf(text, sizeof text, ", did you mean '%.100s'?", near);
    const char *kept = pc_arena_text(study->arena, text, (size_t)bytes, NULL);
    return kept == NULL ? "" : kept;
}

static bool is_listed(const char *key, const char *const *list)
{
    for (; list != NULL && *list != NULL; list++) {
        if (strcmp(*list, key) == 0) return true;
    }
    return false;
}

pc_status pc_check_keys(pc_loader *loader, const pc_json *object, const pc_place *place,
                        const char *const *known, const char *const *above)
{
    int known_count = 0;
    while (known[known_count] != NULL)
        known_count++;
    for (const pc_json *member = pc_json_first(object); member != NULL;
         member = pc_json_next(member)) {
        const char *key = pc_json_key(member);
        if (is_listed(key, known)) continue;
        if (is_listed(key, above)) {
            PC_TRY(pc_problem(loader, PC_PLACE_KEY(place, key), "key",
                              "'%s' is above the level of this version", key));
        } else {
            const char *hint = pc_did_you_mean(loader->study, key, known, known_count);
            PC_TRY(pc_problem(loader, PC_PLACE_KEY(place, key), "key", "unknown key '%.100s'%s",
                              key, hint));
        }
    }
    return PC_OK;
}

/** The parameter of that name as `doc` sees it, or NULL. */
static const pc_parameter *find_parameter(const pc_doc *doc, const char *name, size_t bytes)
{
    for (int i = 0; i < doc->parameter_count; i++) {
        const char *known = doc->parameter[i].name;
        if (strlen(known) == bytes && memcmp(known, name, bytes) == 0) return &doc->parameter[i];
    }
    return NULL;
}

/** The parameter that stands for a whole value, or NULL. */
static const pc_parameter *whole_parameter(const pc_loader *loader, const pc_json *value)
{
    const char *text = value == NULL ? NULL : pc_json_text(value);
    if (text == NULL || strncmp(text, "${", 2) != 0) return NULL;
    const char *end = strchr(text, '}');
    if (end == NULL || end[1] != '\0') return NULL;
    return find_parameter(loader->doc, text + 2, (size_t)(end - text - 2));
}

const pc_json *pc_value_of(pc_loader *loader, const pc_json *value)
{
    const pc_parameter *parameter = whole_parameter(loader, value);
    return parameter == NULL ? value : parameter->value;
}

pc_doc *pc_doc_of(pc_loader *loader, const pc_json *value)
{
    const pc_parameter *parameter = whole_parameter(loader, value);
    return parameter == NULL ? loader->doc : parameter->doc;
}

bool pc_expect(pc_loader *loader, const pc_json *value, pc_json_kind kind, const pc_place *place,
               pc_status *status)
{
    if (pc_json_kind_of(value) == kind) return true;
    *status = pc_problem(loader, place, "type", "expected %s, not %s", pc_json_kind_name(kind),
                         pc_json_kind_name(pc_json_kind_of(value)));
    return false;
}

static pc_status append_quoted(pc_buffer *out, const char *text, pc_error *err)
{
    PC_TRY(pc_buffer_append(out, "'", 1, err));
    for (; *text != '\0'; text++) {
        PC_TRY(pc_buffer_append(out, *text == '\'' ? "''" : text, *text == '\'' ? 2 : 1, err));
    }
    return pc_buffer_append(out, "'", 1, err);
}

static pc_status append_parameter(pc_buffer *out, const pc_json *value, bool as_sql, pc_error *err)
{
    int64_t whole = 0;
    switch (pc_json_kind_of(value)) {
        case PC_JSON_TEXT:
            if (as_sql) return append_quoted(out, pc_json_text(value), err);
            return pc_buffer_print(out, err, "%s", pc_json_text(value));
        case PC_JSON_BOOL:
            return pc_buffer_print(out, err, "%s", pc_json_bool(value) ? "true" : "false");
        case PC_JSON_NUMBER:
            if (pc_json_int(value, &whole)) {
                return pc_buffer_print(out, err, "%lld", (long long)whole);
            }
            return pc_buffer_print(out, err, "%.12g", pc_json_number(value));
        default:
            return pc_buffer_print(out, err, "NULL");
    }
}

static pc_status tell_unknown(pc_loader *loader, const pc_place *place, const char *name,
                              size_t bytes)
{
    enum { KNOWN_MAX = 64 };
    const pc_doc *doc = loader->doc;
    const char *known[KNOWN_MAX];
    int known_count = 0;
    for (; known_count < doc->parameter_count && known_count < KNOWN_MAX; known_count++)
        known[known_count] = doc->parameter[known_count].name;
    char wanted[KNOWN_MAX];
    snprintf(wanted, sizeof wanted, "%.*s", (int)(bytes < KNOWN_MAX ? bytes : KNOWN_MAX), name);
    return pc_problem(loader, place, "parameter", "no parameter '%s'%s", wanted,
                      pc_did_you_mean(loader->study, wanted, known, known_count));
}

/** Copies `text` with every ${name} replaced. `*is_good` false after a problem. */
static pc_status substitute(pc_loader *loader, const char *text, const pc_place *place, bool as_sql,
                            pc_buffer *out, bool *is_good)
{
    while (*text != '\0') {
        const char *mark = strstr(text, "${");
        const char *end = mark == NULL ? NULL : strchr(mark, '}');
        if (end == NULL) return pc_buffer_append(out, text, strlen(text), loader->err);
        PC_TRY(pc_buffer_append(out, text, (size_t)(mark - text), loader->err));
        const size_t bytes = (size_t)(end - mark - 2);
        const pc_parameter *parameter = find_parameter(loader->doc, mark + 2, bytes);
        if (parameter == NULL) {
            *is_good = false;
            return tell_unknown(loader, place, mark + 2, bytes);
        }
        PC_TRY(append_parameter(out, parameter->value, as_sql, loader->err));
        text = end + 1;
    }
    return PC_OK;
}

static pc_status read_substituted(pc_loader *loader, const char *text, const pc_place *place,
                                  bool as_sql, const char **out)
{
    pc_buffer buffer = {.budget = loader->study->arena->budget};
    bool is_good = true;
    pc_status status = substitute(loader, text, place, as_sql, &buffer, &is_good);
    if (status == PC_OK && is_good) {
        *out = pc_arena_text(loader->study->arena, buffer.bytes == 0 ? "" : buffer.data,
                             buffer.bytes, loader->err);
        if (*out == NULL) status = PC_NO_MEMORY;
    }
    pc_buffer_release(&buffer);
    return status;
}

pc_status pc_read_text(pc_loader *loader, const pc_json *value, const pc_place *place,
                       const char **out)
{
    *out = NULL;
    pc_status status = PC_OK;
    const pc_parameter *parameter = whole_parameter(loader, value);
    value = pc_value_of(loader, value);
    if (parameter != NULL && pc_json_kind_of(value) == PC_JSON_NULL) {
        return pc_problem(loader, place, "parameter", "the parameter '%s' has no default: set it",
                          parameter->name);
    }
    if (!pc_expect(loader, value, PC_JSON_TEXT, place, &status)) return status;
    return read_substituted(loader, pc_json_text(value), place, false, out);
}

pc_status pc_read_sql(pc_loader *loader, const pc_json *value, const pc_place *place,
                      pc_sql_text *out)
{
    *out = (pc_sql_text){0};
    PC_TRY(pc_place_text(loader, place, &out->path));
    const pc_json_kind kind = pc_json_kind_of(value);
    if (kind == PC_JSON_NUMBER || kind == PC_JSON_BOOL) {
        pc_buffer buffer = {.budget = loader->study->arena->budget};
        pc_status status = append_parameter(&buffer, value, true, loader->err);
        if (status == PC_OK) {
            out->text = pc_arena_text(loader->study->arena, buffer.data, buffer.bytes, loader->err);
            if (out->text == NULL) status = PC_NO_MEMORY;
        }
        pc_buffer_release(&buffer);
        return status;
    }
    pc_status status = PC_OK;
    if (!pc_expect(loader, value, PC_JSON_TEXT, place, &status)) return status;
    return read_substituted(loader, pc_json_text(value), place, true, &out->text);
}

pc_status pc_read_int(pc_loader *loader, const pc_json *value, const pc_place *place, int64_t *out,
                      bool *is_good)
{
    value = pc_value_of(loader, value);
    *is_good = pc_json_kind_of(value) == PC_JSON_NUMBER && pc_json_int(value, out);
    if (*is_good) return PC_OK;
    return pc_problem(loader, place, "type", "expected a whole number");
}

pc_status pc_read_range(pc_loader *loader, const pc_json *value, const pc_place *place, int64_t low,
                        int64_t high, int64_t *out)
{
    bool is_good = false;
    int64_t number = 0;
    PC_TRY(pc_read_int(loader, value, place, &number, &is_good));
    if (!is_good) return PC_OK;
    if (number < low || number > high) {
        return pc_problem(loader, place, "type", "expected a whole number from %lld to %lld",
                          (long long)low, (long long)high);
    }
    *out = number;
    return PC_OK;
}

pc_status pc_read_gap(pc_loader *loader, const pc_json *value, const pc_place *place, int64_t *out)
{
    if (pc_json_kind_of(pc_value_of(loader, value)) == PC_JSON_NULL) {
        *out = PC_GAP_ALL;
        return PC_OK;
    }
    return pc_read_range(loader, value, place, -1, 1000000, out);
}

static pc_status read_pair_end(pc_loader *loader, const pc_json *value, const pc_place *place,
                               bool is_date, bool *has, int64_t *out, bool *is_good)
{
    value = pc_value_of(loader, value);
    *has = false;
    if (pc_json_kind_of(value) == PC_JSON_NULL) return PC_OK;
    if (!is_date) {
        PC_TRY(pc_read_int(loader, value, place, out, has));
        if (*has && (*out > 1000000 || *out < -1000000)) {
            *has = false;
            *is_good = false;
            return pc_problem(loader, place, "type", "expected a number within 1000000");
        }
        if (!*has) *is_good = false;
        return PC_OK;
    }
    const char *text = NULL;
    PC_TRY(pc_read_text(loader, value, place, &text));
    *is_good = *is_good && text != NULL;
    if (text == NULL) return PC_OK;
    int32_t day = 0;
    *has = pc_day_parse(pc_span_of(text), &day);
    *out = day;
    if (*has) return PC_OK;
    *is_good = false;
    return pc_problem(loader, place, "type", "expected a date YYYY-MM-DD");
}

pc_status pc_read_pair(pc_loader *loader, const pc_json *value, const pc_place *place, bool is_date,
                       pc_pair *out)
{
    *out = (pc_pair){0};
    value = pc_value_of(loader, value);
    const char *what = is_date ? "[first, last], two dates" : "[low, high], two whole numbers";
    if (pc_json_kind_of(value) != PC_JSON_ARRAY || pc_json_count(value) != 2) {
        return pc_problem(loader, place, "type", "expected %s or nulls", what);
    }
    const pc_json *low = pc_json_first(value);
    bool is_good = true;
    PC_TRY(read_pair_end(loader, low, PC_PLACE_INDEX(place, 0), is_date, &out->has_low, &out->low,
                         &is_good));
    PC_TRY(read_pair_end(loader, pc_json_next(low), PC_PLACE_INDEX(place, 1), is_date,
                         &out->has_high, &out->high, &is_good));
    out->is_given = is_good;
    if (is_good && out->has_low && out->has_high && out->low > out->high) {
        return pc_problem(loader, place, "type", "the low end is above the high end");
    }
    return PC_OK;
}

pc_status pc_read_names(pc_loader *loader, const pc_json *value, const pc_place *place,
                        pc_names *out)
{
    *out = (pc_names){0};
    value = pc_value_of(loader, value);
    const bool is_list = pc_json_kind_of(value) == PC_JSON_ARRAY;
    if (!is_list && pc_json_kind_of(value) != PC_JSON_TEXT) {
        return pc_problem(loader, place, "type", "expected a name or an array of names");
    }
    const int count = is_list ? pc_json_count(value) : 1;
    const char **name =
        pc_arena_array(loader->study->arena, (size_t)count, sizeof *name, loader->err);
    if (name == NULL) return PC_NO_MEMORY;
    const pc_json *element = is_list ? pc_json_first(value) : value;
    for (int i = 0; i < count; i++) {
        const char *text = NULL;
        PC_TRY(pc_read_text(loader, element, is_list ? PC_PLACE_INDEX(place, i) : place, &text));
        if (text != NULL) name[out->count++] = text;
        if (is_list) element = pc_json_next(element);
    }
    out->name = name;
    return PC_OK;
}

pc_status pc_read_title(pc_loader *loader, const pc_json *object, const pc_place *place,
                        const char **out)
{
    const pc_json *title = pc_json_get(object, "title");
    *out = NULL;
    if (title == NULL) return PC_OK;
    return pc_read_text(loader, title, PC_PLACE_KEY(place, "title"), out);
}

pc_status pc_read_choice(pc_loader *loader, const pc_json *value, const pc_place *place,
                         const char *const *choice, int *out)
{
    *out = -1;
    const char *text = NULL;
    PC_TRY(pc_read_text(loader, value, place, &text));
    if (text == NULL) return PC_OK;
    int count = 0;
    for (; choice[count] != NULL; count++) {
        if (strcmp(choice[count], text) == 0) *out = count;
    }
    if (*out >= 0) return PC_OK;
    char list[256] = "";
    size_t used = 0;
    for (int i = 0; i < count && used < sizeof list; i++) {
        used += (size_t)snprintf(list + used, sizeof list - used, "%s'%s'", i == 0 ? "" : ", ",
                                 choice[i]);
    }
    return pc_problem(loader, place, "type", "expected one of %s%s", list,
                      pc_did_you_mean(loader->study, text, choice, count));
}

static const char *const sql_words[] = {
    "all",     "and",       "any",        "array",     "as",      "asc",     "both",
    "case",    "cast",      "check",      "collate",   "column",  "create",  "default",
    "desc",    "distinct",  "do",         "else",      "end",     "except",  "false",
    "fetch",   "for",       "foreign",    "from",      "grant",   "group",   "having",
    "in",      "initially", "intersect",  "into",      "lateral", "leading", "limit",
    "not",     "null",      "offset",     "on",        "only",    "or",      "order",
    "placing", "primary",   "references", "returning", "select",  "some",    "symmetric",
    "table",   "then",      "to",         "trailing",  "true",    "union",   "unique",
    "user",    "using",     "variadic",   "when",      "where",   "window",  "with",
    NULL};

bool pc_name_is_plain(pc_loader *loader, const char *name, const pc_place *place, pc_status *status)
{
    const size_t bytes = strlen(name);
    bool is_good = bytes > 0 && bytes <= PC_STUDY_NAME_BYTES && name[0] >= 'a' && name[0] <= 'z';
    for (size_t i = 0; i < bytes && is_good; i++) {
        const char c = name[i];
        is_good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    }
    if (!is_good) {
        *status = pc_problem(loader, place, "name",
                             "expected a name of small letters, digits and _ (at most %d bytes)",
                             PC_STUDY_NAME_BYTES);
    }
    return is_good;
}

bool pc_name_is_good(pc_loader *loader, const char *name, const pc_place *place, pc_status *status)
{
    if (!pc_name_is_plain(loader, name, place, status)) return false;
    if (is_listed(name, sql_words)) {
        *status = pc_problem(loader, place, "name", "'%s' is a reserved word of SQL", name);
        return false;
    }
    return true;
}

pc_status pc_read_ref(pc_loader *loader, const pc_json *value, const pc_place *place, pc_ref **out)
{
    *out = NULL;
    const char *name = NULL;
    PC_TRY(pc_read_text(loader, value, place, &name));
    if (name == NULL) return PC_OK;
    pc_ref *ref = pc_arena_take(loader->study->arena, sizeof *ref, loader->err);
    if (ref == NULL) return PC_NO_MEMORY;
    PC_TRY(pc_place_text(loader, place, &ref->path));
    ref->name = name;
    ref->doc = pc_doc_of(loader, value);
    ref->next = loader->study->refs;
    loader->study->refs = ref;
    *out = ref;
    return PC_OK;
}

pc_status pc_read_refs(pc_loader *loader, const pc_json *value, const pc_place *place, bool *year,
                       int *count, pc_ref ***out)
{
    pc_status status = PC_OK;
    value = pc_value_of(loader, value);
    if (!pc_expect(loader, value, PC_JSON_ARRAY, place, &status)) return status;
    *out = pc_arena_array(loader->study->arena, (size_t)pc_json_count(value) + 1, sizeof **out,
                          loader->err);
    if (*out == NULL) return PC_NO_MEMORY;
    int index = 0;
    for (const pc_json *element = pc_json_first(value); element != NULL;
         element = pc_json_next(element), index++) {
        const char *text = pc_json_text(pc_value_of(loader, element));
        if (year != NULL && text != NULL && strcmp(text, "year") == 0) {
            *year = true;
            continue;
        }
        pc_ref *ref = NULL;
        PC_TRY(pc_read_ref(loader, element, PC_PLACE_INDEX(place, index), &ref));
        if (ref != NULL) (*out)[(*count)++] = ref;
    }
    return PC_OK;
}
