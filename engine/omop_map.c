/** SOURCE_TO_CONCEPT_MAP: codes of source vocabularies to concepts. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "omop.h"

enum { CODE, SOURCE_CONCEPT, VOCABULARY, TARGET, INVALID, COLUMNS, MOST_FIELDS = 64 };
static const char *const column_name[COLUMNS] = {"source_code", "source_concept_id",
                                                 "source_vocabulary_id", "target_concept_id",
                                                 "invalid_reason"};

/** A line of the file, cut at its delimiter. */
typedef struct map_line {
    int count;
    pc_span field[MOST_FIELDS];
} map_line;

/** Cuts a line; quotes around a field go, doubled ones inside are not expected in codes. */
static void cut(pc_span line, char delimiter, map_line *out)
{
    out->count = 0;
    for (size_t at = 0; at <= line.bytes && out->count < MOST_FIELDS;) {
        const bool quoted = delimiter != '\t' && at < line.bytes && line.data[at] == '"';
        const char *from = line.data + at + quoted;
        const size_t left = line.bytes - at - quoted;
        const char *end = memchr(from, quoted ? '"' : delimiter, left);
        const size_t bytes = end != NULL ? (size_t)(end - from) : left;
        out->field[out->count++] = pc_span_trim((pc_span){from, bytes});
        const char *next = memchr(from + bytes, delimiter, left - bytes);
        if (next == NULL) break;
        at = (size_t)(next - line.data) + 1;
    }
}

static int compare_maps(const void *a, const void *b)
{
    const pc_omop_map *x = a, *y = b;
    int order = pc_span_compare(x->vocabulary, y->vocabulary);
    if (order == 0) order = pc_span_compare(x->code, y->code);
    if (order != 0) return order;
    if (x->target != y->target) return x->target < y->target ? -1 : 1;
    return (x->source_concept > y->source_concept) - (x->source_concept < y->source_concept);
}

static pc_status find_columns(const map_line *head, const char *name, int *at, pc_error *err)
{
    for (int c = 0; c < COLUMNS; c++) {
        at[c] = -1;
        for (int i = 0; i < head->count; i++) {
            if (pc_span_equal_nocase(head->field[i], pc_span_of(column_name[c]))) at[c] = i;
        }
        if (at[c] < 0 && c != INVALID && c != SOURCE_CONCEPT) {
            return PC_FAIL(err, PC_BAD_INPUT, "mapping '%s': line 1: column %s is missing", name,
                           column_name[c]);
        }
    }
    return PC_OK;
}

static pc_status take_line(const map_line *line, const int *at, const char *name, int64_t number,
                           pc_omop_mapping *out, pc_error *err)
{
    pc_span value[COLUMNS] = {{0}};
    for (int c = 0; c < COLUMNS; c++) {
        if (at[c] >= 0 && at[c] < line->count) value[c] = line->field[at[c]];
    }
    if (value[INVALID].bytes > 0) return PC_OK;
    pc_omop_map *map = &out->map[out->count];
    *map = (pc_omop_map){.vocabulary = value[VOCABULARY], .code = value[CODE]};
    const bool has_source = value[SOURCE_CONCEPT].bytes > 0;
    if (map->code.bytes == 0 || !pc_int_parse(value[TARGET], &map->target) ||
        (has_source && !pc_int_parse(value[SOURCE_CONCEPT], &map->source_concept))) {
        return PC_FAIL(err, PC_BAD_INPUT,
                       "mapping '%s': line %lld: expected a source_code, and whole numbers as "
                       "target_concept_id and source_concept_id",
                       name, (long long)number);
    }
    out->count++;
    return PC_OK;
}

pc_status pc_omop_mapping_text(const char *path, pc_buffer *out, pc_error *err)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return PC_FAIL(err, PC_IO, "mapping '%s': cannot be opened: %s", path, strerror(errno));
    }
    pc_status status = PC_OK;
    for (size_t got = 1; status == PC_OK && got > 0;) {
        char piece[16384];
        got = fread(piece, 1, sizeof piece, file);
        status = pc_buffer_append(out, piece, got, err);
    }
    (void)fclose(file); // only read
    return status;
}

pc_status pc_omop_mapping_read(pc_span text, const char *name, pc_arena *arena,
                               pc_omop_mapping *out, pc_error *err)
{
    int at[COLUMNS];
    int64_t lines = 1, number = 0;
    map_line line;
    char delimiter = ',';
    for (size_t i = 0; i < text.bytes; i++)
        lines += text.data[i] == '\n';
    out->count = 0;
    out->map = pc_arena_array(arena, (size_t)lines, sizeof *out->map, err);
    if (out->map == NULL) return PC_NO_MEMORY;
    for (size_t from = 0; from < text.bytes;) {
        const char *end = memchr(text.data + from, '\n', text.bytes - from);
        const size_t bytes = end != NULL ? (size_t)(end - text.data) - from : text.bytes - from;
        const bool has_return = bytes > 0 && text.data[from + bytes - 1] == '\r';
        const pc_span whole = {text.data + from, bytes - has_return};
        from += bytes + 1;
        number++;
        if (number == 1 && memchr(whole.data, '\t', whole.bytes) != NULL) delimiter = '\t';
        if (pc_span_trim(whole).bytes == 0) continue;
        cut(whole, delimiter, &line);
        PC_TRY(number == 1 ? find_columns(&line, name, at, err)
                           : take_line(&line, at, name, number, out, err));
    }
    if (number == 0) return PC_FAIL(err, PC_BAD_INPUT, "mapping '%s': is empty", name);
    if (out->count > 0) qsort(out->map, (size_t)out->count, sizeof *out->map, compare_maps);
    return PC_OK;
}

const pc_omop_map *pc_omop_mapping_find(const pc_omop_mapping *mapping, pc_span vocabulary,
                                        pc_span code, int64_t *count)
{
    const pc_omop_map wanted = {
        .vocabulary = vocabulary, .code = code, .source_concept = INT64_MIN, .target = INT64_MIN};
    int64_t low = 0, high = mapping->count;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (compare_maps(&mapping->map[middle], &wanted) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *count = 0;
    while (low + *count < mapping->count) {
        const pc_omop_map *m = &mapping->map[low + *count];
        if (!pc_span_equal(m->vocabulary, vocabulary) || !pc_span_equal(m->code, code)) break;
        ++*count;
    }
    return mapping->map + low;
}
