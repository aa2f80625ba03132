/** Values of a definition, with the leniency of Circe's own parser. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "read.h"

enum { PLACE_MAX = 256, PATH_BYTES = 600 }; // a document has at most 64 levels

pc_status pc_circe_fail(pc_circe_reader *reader, const pc_circe_place *place, pc_status status,
                        const char *format, ...)
{
    const pc_circe_place *chain[PLACE_MAX];
    int count = 0;
    for (; place != NULL && count < PLACE_MAX; place = place->up)
        chain[count++] = place;
    char path[PATH_BYTES] = "";
    size_t at = 0;
    while (count > 0 && at < sizeof path - 1) {
        const pc_circe_place *step = chain[--count];
        const int bytes =
            step->key == NULL
                ? snprintf(path + at, sizeof path - at, "[%d]", step->index)
                : snprintf(path + at, sizeof path - at, "%s%s", at == 0 ? "" : ".", step->key);
        at += bytes < 0 ? 0 : (size_t)bytes;
    }
    char sentence[PC_ERROR_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    return PC_FAIL(reader->err, status, "definition '%s': %s%s%s", reader->out->path, path,
                   path[0] == '\0' ? "" : ": ", sentence);
}

const pc_json *pc_circe_member(const pc_json *object, const char *key)
{
    const pc_json *value = object == NULL ? NULL : pc_json_get(object, key);
    return value != NULL && pc_json_kind_of(value) == PC_JSON_NULL ? NULL : value;
}

pc_status pc_circe_expect(pc_circe_reader *reader, const pc_json *value,
                          const pc_circe_place *place, pc_json_kind kind)
{
    const pc_json_kind found = pc_json_kind_of(value);
    if (found == kind) return PC_OK;
    return pc_circe_fail(reader, place, PC_BAD_JOB, "expected %s, found %s",
                         pc_json_kind_name(kind), pc_json_kind_name(found));
}

pc_status pc_circe_array(pc_circe_reader *reader, const pc_json *object, const char *key,
                         const pc_circe_place *up, bool may_be_null, const pc_json **out,
                         int *count)
{
    const pc_json *value = pc_json_get(object, key);
    *out = NULL;
    *count = 0;
    if (value == NULL) return PC_OK;
    if (pc_json_kind_of(value) == PC_JSON_NULL && may_be_null) return PC_OK;
    PC_TRY(pc_circe_expect(reader, value, PC_CIRCE_KEY(up, key), PC_JSON_ARRAY));
    *out = value;
    *count = pc_json_count(value);
    return PC_OK;
}

static pc_status read_number(pc_circe_reader *reader, const pc_json *value,
                             const pc_circe_place *place, double *out)
{
    const pc_json_kind kind = pc_json_kind_of(value);
    if (kind == PC_JSON_NUMBER) {
        *out = pc_json_number(value);
    } else if (kind == PC_JSON_TEXT) {
        char *end = NULL;
        const char *text = pc_json_text(value);
        *out = strtod(text, &end);
        if (end == text || *end != '\0') {
            return pc_circe_fail(reader, place, PC_BAD_JOB, "expected a number, found a text");
        }
    } else {
        return pc_circe_fail(reader, place, PC_BAD_JOB, "expected a number, found %s",
                             pc_json_kind_name(kind));
    }
    if (isfinite(*out)) return PC_OK;
    return pc_circe_fail(reader, place, PC_BAD_JOB, "the number is too large");
}

pc_status pc_circe_whole(pc_circe_reader *reader, const pc_json *object, const char *key,
                         const pc_circe_place *up, int64_t low, int64_t high, int64_t *out)
{
    const pc_json *value = pc_circe_member(object, key);
    if (value == NULL) return PC_OK;
    const pc_circe_place *place = PC_CIRCE_KEY(up, key);
    double number = 0;
    PC_TRY(read_number(reader, value, place, &number));
    number = trunc(number);
    if (number < (double)low || number > (double)high) {
        return pc_circe_fail(reader, place, PC_BAD_JOB, "expected a number from %lld to %lld",
                             (long long)low, (long long)high);
    }
    *out = (int64_t)number;
    return PC_OK;
}

pc_status pc_circe_days(pc_circe_reader *reader, const pc_json *object, const char *key,
                        const pc_circe_place *up, int32_t *out)
{
    int64_t days = *out;
    PC_TRY(pc_circe_whole(reader, object, key, up, -PC_CIRCE_DAYS_MAX, PC_CIRCE_DAYS_MAX, &days));
    *out = (int32_t)days;
    return PC_OK;
}

pc_status pc_circe_flag(pc_circe_reader *reader, const pc_json *object, const char *key,
                        const pc_circe_place *up, bool *out)
{
    const pc_json *value = pc_circe_member(object, key);
    if (value == NULL) return PC_OK;
    const pc_json_kind kind = pc_json_kind_of(value);
    const char *text = pc_json_text(value);
    if (kind == PC_JSON_BOOL) {
        *out = pc_json_bool(value);
    } else if (kind == PC_JSON_NUMBER) {
        *out = trunc(pc_json_number(value)) != 0;
    } else if (text != NULL && (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)) {
        *out = text[0] == 't';
    } else {
        return pc_circe_fail(reader, PC_CIRCE_KEY(up, key), PC_BAD_JOB,
                             "expected true or false, found %s", pc_json_kind_name(kind));
    }
    return PC_OK;
}

pc_status pc_circe_text(pc_circe_reader *reader, const pc_json *object, const char *key,
                        const pc_circe_place *up, const char **out)
{
    const pc_json *value = pc_circe_member(object, key);
    *out = NULL;
    if (value == NULL) return PC_OK;
    PC_TRY(pc_circe_expect(reader, value, PC_CIRCE_KEY(up, key), PC_JSON_TEXT));
    const pc_span text = pc_span_of(pc_json_text(value));
    *out = pc_arena_text(reader->arena, text.data, text.bytes, reader->err);
    return *out == NULL ? PC_NO_MEMORY : PC_OK;
}

/** Year, month and day between hyphens, with or without leading zeros. */
static bool parse_date(const char *text, int32_t *out)
{
    int part[3];
    for (int i = 0; i < 3; i++) {
        int digits = 0;
        part[i] = 0;
        for (; *text >= '0' && *text <= '9' && digits < 9; text++, digits++)
            part[i] = part[i] * 10 + (*text - '0');
        if (digits == 0 || *text != (i < 2 ? '-' : '\0')) return false;
        text++;
    }
    if (part[0] < 1 || part[0] > 9999 || !pc_date_is_valid(part[0], part[1], part[2])) return false;
    *out = pc_day_of(part[0], part[1], part[2]);
    return true;
}

pc_status pc_circe_date(pc_circe_reader *reader, const pc_json *object, const char *key,
                        const pc_circe_place *up, int32_t *out)
{
    const pc_json *value = pc_circe_member(object, key);
    *out = PC_CIRCE_NO_DAY;
    if (value == NULL) return PC_OK;
    PC_TRY(pc_circe_expect(reader, value, PC_CIRCE_KEY(up, key), PC_JSON_TEXT));
    const char *text = pc_json_text(value);
    if (text[0] == '\0' || parse_date(text, out)) return PC_OK;
    return pc_circe_fail(reader, PC_CIRCE_KEY(up, key), PC_BAD_JOB,
                         "expected a date written YYYY-MM-DD");
}

double pc_circe_round(double value)
{
    enum { DECIMALS = 4, DIGITS = 17 };
    char text[40];
    int digits = 1;
    do { // the shortest text that is this number, as Java prints it
        (void)snprintf(text, sizeof text, "%.*e", digits - 1, fabs(value));
    } while (strtod(text, NULL) != fabs(value) && digits++ < DIGITS);
    const int exponent = atoi(strchr(text, 'e') + 1);
    const int kept = exponent + 1 + DECIMALS;
    if (kept >= digits) return value;
    int64_t number = 0;
    for (int i = 0, seen = 0; seen < kept && text[i] != 'e'; i++) {
        if (text[i] == '.') continue;
        number = number * 10 + (text[i] - '0');
        seen++;
    }
    const char next = kept < 0 ? '0' : kept == 0 ? text[0] : text[kept + 1];
    if (next >= '5') number++;
    (void)snprintf(text, sizeof text, "%lldE-%d", (long long)number, (int)DECIMALS);
    return value < 0 ? -strtod(text, NULL) : strtod(text, NULL);
}

/** One end of a range. */
static pc_status read_end(pc_circe_reader *reader, const pc_json *range, const char *key,
                          const pc_circe_place *up, int decimals, double *out)
{
    const pc_json *value = pc_circe_member(range, key);
    const pc_circe_place *place = PC_CIRCE_KEY(up, key);
    if (value == NULL) return pc_circe_fail(reader, place, PC_BAD_JOB, "a range needs it");
    if (decimals < 0) {
        int32_t day = PC_CIRCE_NO_DAY;
        PC_TRY(pc_circe_date(reader, range, key, up, &day));
        if (day == PC_CIRCE_NO_DAY) {
            return pc_circe_fail(reader, place, PC_BAD_JOB, "expected a date written YYYY-MM-DD");
        }
        *out = day;
        return PC_OK;
    }
    PC_TRY(read_number(reader, value, place, out));
    *out = decimals == 0 ? fmax(fmin(trunc(*out), INT32_MAX), INT32_MIN) : pc_circe_round(*out);
    return PC_OK;
}

pc_status pc_circe_range(pc_circe_reader *reader, const pc_json *value, const pc_circe_place *place,
                         int decimals, pc_circe_filter *out)
{
    static const char *const names[] = {"lt", "lte", "eq", "!eq", "gt", "gte", "bt", "!bt"};
    static const pc_circe_op ops[] = {PC_CIRCE_LT,      PC_CIRCE_LTE,        PC_CIRCE_EQ,
                                      PC_CIRCE_NE,      PC_CIRCE_GT,         PC_CIRCE_GTE,
                                      PC_CIRCE_BETWEEN, PC_CIRCE_NOT_BETWEEN};
    PC_TRY(pc_circe_expect(reader, value, place, PC_JSON_OBJECT));
    const pc_json *op = pc_circe_member(value, "Op");
    const char *text = op == NULL ? NULL : pc_json_text(op);
    int found = -1;
    for (int i = 0; i < 8 && text != NULL; i++) {
        if (strcmp(text, names[i]) == 0) found = i;
    }
    if (found < 0) {
        return pc_circe_fail(reader, PC_CIRCE_KEY(place, "Op"), PC_BAD_JOB,
                             "expected one of lt, lte, eq, !eq, gt, gte, bt, !bt");
    }
    out->op = ops[found];
    PC_TRY(read_end(reader, value, "Value", place, decimals, &out->low));
    if (out->op != PC_CIRCE_BETWEEN && out->op != PC_CIRCE_NOT_BETWEEN) return PC_OK;
    return read_end(reader, value, "Extent", place, decimals, &out->high);
}

static int compare_ids(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

pc_status pc_circe_concepts(pc_circe_reader *reader, const pc_json *value,
                            const pc_circe_place *place, pc_circe_filter *out)
{
    PC_TRY(pc_circe_expect(reader, value, place, PC_JSON_ARRAY));
    const int count = pc_json_count(value);
    int64_t *id = pc_arena_array(reader->arena, (size_t)count + 1, sizeof *id, reader->err);
    if (id == NULL) return PC_NO_MEMORY;
    int at = 0;
    for (const pc_json *v = pc_json_first(value); v != NULL; v = pc_json_next(v), at++) {
        PC_TRY(pc_circe_expect(reader, v, PC_CIRCE_NTH(place, at), PC_JSON_OBJECT));
        id[at] = PC_CIRCE_NULL; // a concept without an id is that of no row
        PC_TRY(pc_circe_whole(reader, v, "CONCEPT_ID", PC_CIRCE_NTH(place, at), -(INT64_C(1) << 53),
                              INT64_C(1) << 53, &id[at]));
    }
    qsort(id, (size_t)count, sizeof *id, compare_ids);
    out->id = id;
    out->id_count = count;
    return PC_OK;
}

pc_status pc_circe_pattern(pc_circe_reader *reader, const pc_json *value,
                           const pc_circe_place *place, pc_circe_filter *out)
{
    static const char *const names[] = {"eq", "contains", "startsWith", "endsWith"};
    PC_TRY(pc_circe_expect(reader, value, place, PC_JSON_OBJECT));
    const char *op = NULL, *text = NULL;
    PC_TRY(pc_circe_text(reader, value, "Op", place, &op));
    PC_TRY(pc_circe_text(reader, value, "Text", place, &text));
    const bool is_not = op != NULL && op[0] == '!';
    int found = -1;
    for (int i = 0; i < 4 && op != NULL; i++) {
        if (strcmp(op + is_not, names[i]) == 0) found = i;
    }
    if (found < 0) {
        return pc_circe_fail(
            reader, PC_CIRCE_KEY(place, "Op"), PC_BAD_JOB,
            "expected one of eq, contains, startsWith, endsWith, or the same behind a '!'");
    }
    if (text == NULL) {
        return pc_circe_fail(reader, PC_CIRCE_KEY(place, "Text"), PC_BAD_JOB,
                             "a text filter needs it");
    }
    const bool before = found == 1 || found == 3, behind = found == 1 || found == 2;
    const size_t bytes = strlen(text);
    char *pattern = pc_arena_take(reader->arena, bytes + 3, reader->err);
    if (pattern == NULL) return PC_NO_MEMORY;
    (void)snprintf(pattern, bytes + 3, "%s%s%s", before ? "%" : "", text, behind ? "%" : "");
    out->op = is_not ? PC_CIRCE_NOT_LIKE : PC_CIRCE_LIKE;
    out->text = pattern;
    return PC_OK;
}

pc_status pc_circe_set_index(pc_circe_reader *reader, const pc_json *object, const char *key,
                             const pc_circe_place *up, int *out)
{
    if (pc_circe_member(object, key) == NULL) return PC_OK;
    int64_t id = 0;
    PC_TRY(pc_circe_whole(reader, object, key, up, INT32_MIN, INT32_MAX, &id));
    const int set = circe_sets_find(&reader->out->sets, id);
    *out = set < 0 ? PC_CIRCE_EMPTY_SET : set;
    return PC_OK;
}
