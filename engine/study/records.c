// Records of a block as flat arrays: texts as numbers, room, dropping, order, offsets.
#include <assert.h>
#include <string.h>
#include "record.h"

enum { KEPT_AT_ONCE = 1024 };

pc_status pc_words_open(pc_words *words, pc_arena *arena, pc_error *err)
{
    *words = (pc_words){.arena = arena};
    PC_TRY(pc_dict_builder_new(arena->budget, &words->builder, err));
    words->dict = pc_dict_builder_view(words->builder);
    return PC_OK;
}

void pc_words_close(pc_words *words)
{
    pc_dict_builder_free(words->builder);
    *words = (pc_words){0};
}

pc_status pc_words_add(pc_words *words, pc_span text, int64_t *word, pc_error *err)
{
    uint32_t index = 0;
    PC_TRY(pc_dict_builder_add(words->builder, text, &index, err));
    *word = index;
    return PC_OK;
}

/** The map from a dictionary's indices to words, long enough for what it holds now. */
static pc_status find_map(pc_words *words, const pc_dict *dict, pc_word_map **out, pc_error *err)
{
    int at = 0;
    while (at < words->map_count && words->map[at].dict != dict)
        at++;
    if (at == words->map_capacity) {
        const int capacity = words->map_capacity == 0 ? 16 : 2 * words->map_capacity;
        pc_word_map *map = pc_arena_array(words->arena, (size_t)capacity, sizeof *map, err);
        if (map == NULL) return PC_NO_MEMORY;
        if (words->map_count > 0) {
            memcpy(map, words->map, (size_t)words->map_count * sizeof *map);
        }
        words->map = map;
        words->map_capacity = capacity;
    }
    pc_word_map *map = &words->map[at];
    if (at == words->map_count) {
        *map = (pc_word_map){.dict = dict};
        words->map_count++;
    }
    if (map->count < dict->count) {
        // Dictionaries of expressions grow; doubling bounds what the arena keeps of old maps.
        uint32_t count = dict->count;
        if (map->count > 0 && count < 2 * map->count) count = 2 * map->count;
        uint32_t *word = pc_arena_array(words->arena, count, sizeof *word, err);
        if (word == NULL) return PC_NO_MEMORY;
        if (map->count > 0) memcpy(word, map->word, map->count * sizeof *word);
        map->word = word;
        map->count = count;
    }
    *out = map;
    return PC_OK;
}

pc_status pc_records_open(pc_records *records, int column_count, const bool *needed,
                          pc_arena *arena, pc_error *err)
{
    *records = (pc_records){.column_count = column_count, .needed = needed};
    records->column = pc_arena_array(arena, (size_t)column_count, sizeof *records->column, err);
    if (records->column == NULL) return PC_NO_MEMORY;
    return pc_records_reserve(records, 1, arena, err);
}

pc_status pc_records_reserve(pc_records *records, int64_t more, pc_arena *arena, pc_error *err)
{
    const int64_t wanted = records->count + more;
    if (wanted <= records->capacity) return PC_OK;
    int64_t capacity = records->capacity + records->capacity / 2;
    if (capacity < wanted) capacity = wanted;
    if (capacity < 256) capacity = 256;
    int32_t *slot = pc_arena_raw(arena, (size_t)capacity * sizeof *slot, err);
    if (slot == NULL) return PC_NO_MEMORY;
    if (records->count > 0) memcpy(slot, records->slot, (size_t)records->count * sizeof *slot);
    records->slot = slot;
    for (int i = 0; i < records->column_count; i++) {
        if (!records->needed[i]) continue;
        // Days are always filled; some attributes are, of some records only.
        const size_t bytes = (size_t)capacity * sizeof(int64_t);
        int64_t *column = pc_arena_raw(arena, bytes, err);
        if (column == NULL) return PC_NO_MEMORY;
        const size_t filled = (size_t)records->count * sizeof *column;
        if (records->count > 0) memcpy(column, records->column[i], filled);
        if (i > PC_END) memset((char *)column + filled, 0, bytes - filled);
        records->column[i] = column;
    }
    records->capacity = capacity;
    return PC_OK;
}

static pc_status fill_words(int64_t *out, const pc_column *values, int count, pc_words *words,
                            pc_error *err)
{
    pc_word_map *map = NULL;
    PC_TRY(find_map(words, values->dict, &map, err));
    const uint64_t *valid = values->valid;
    const uint32_t *wide = values->width == sizeof *wide ? values->data : NULL;
    for (int row = 0; row < count; row++) {
        if (!pc_is_valid(valid, row)) {
            out[row] = PC_NULL;
            continue;
        }
        const uint32_t index = wide != NULL ? wide[row] : (uint32_t)pc_column_int(values, row);
        if (map->word[index] == 0) {
            uint32_t word = 0;
            PC_TRY(
                pc_dict_builder_add(words->builder, pc_dict_text(values->dict, index), &word, err));
            map->word[index] = word + 1;
        }
        out[row] = (int64_t)map->word[index] - 1;
    }
    return PC_OK;
}

static pc_status fill_ids(int64_t *out, const pc_column *values, int count, pc_words *words,
                          pc_error *err)
{
    for (int row = 0; row < count; row++) {
        out[row] = PC_NULL;
        if (pc_column_is_null(values, row)) continue;
        PC_TRY(pc_words_add(words, pc_column_span(values, row), &out[row], err));
    }
    return PC_OK;
}

static void fill_reals(int64_t *out, const pc_column *values, int count)
{
    const double *real = values->data;
    for (int row = 0; row < count; row++) {
        // Adding zero makes -0 the same as 0, whose bits are not those of null.
        const double value = real[row] + 0.0;
        memcpy(&out[row], &value, sizeof value);
        if (pc_column_is_null(values, row)) out[row] = PC_NULL;
    }
}

pc_status pc_records_fill(pc_records *records, int column, int64_t at, const pc_column *values,
                          int count, pc_words *words, pc_error *err)
{
    int64_t *out = records->column[column] + at;
    if (values->data == NULL || values->type == PC_NONE) {
        for (int row = 0; row < count; row++)
            out[row] = PC_NULL;
        return PC_OK;
    }
    if (values->type == PC_CODE || values->type == PC_TEXT) {
        return fill_words(out, values, count, words, err);
    }
    if (values->type == PC_ID) return fill_ids(out, values, count, words, err);
    if (values->type == PC_FLOAT) {
        fill_reals(out, values, count);
        return PC_OK;
    }
    for (int row = 0; row < count; row++) {
        out[row] = pc_column_is_null(values, row) ? PC_NULL : pc_column_int(values, row);
    }
    return PC_OK;
}

/** The rows from `from` on that are kept, at most KEPT_AT_ONCE of them. `*from`: where to go on. */
static int list_kept(const uint8_t *keep, int64_t count, int64_t *from, int64_t *kept)
{
    int64_t row = *from;
    int found = 0;
    while (row < count && found <= KEPT_AT_ONCE - 8) {
        uint64_t eight = 1;
        if (count - row >= 8) memcpy(&eight, keep + row, sizeof eight);
        if (eight == 0) { // most steps keep few or most
            row += 8;
            continue;
        }
        const int64_t end = count - row < 8 ? count : row + 8;
        for (; row < end; row++) {
            kept[found] = row;
            found += keep[row] != 0;
        }
    }
    *from = row;
    return found;
}

void pc_records_keep(pc_records *records, const uint8_t *keep)
{
    // Many steps drop few records or none: what stands before the first of them stays where it is.
    const uint8_t *dropped = records->count == 0 ? NULL : memchr(keep, 0, (size_t)records->count);
    if (dropped == NULL) return;
    int64_t kept[KEPT_AT_ONCE], to = dropped - keep;
    for (int64_t from = to; from < records->count;) {
        const int found = list_kept(keep, records->count, &from, kept);
        for (int i = 0; i < found; i++)
            records->slot[to + i] = records->slot[kept[i]];
        for (int c = 0; c < records->column_count; c++) {
            int64_t *column = records->column[c];
            for (int i = 0; column != NULL && i < found; i++)
                column[to + i] = column[kept[i]];
        }
        to += found;
    }
    records->count = to;
}

int pc_record_compare(const pc_record_column *column, const pc_words *words, int64_t a, int64_t b)
{
    if (a == b) return 0;
    if (a == PC_NULL || b == PC_NULL) return a == PC_NULL ? 1 : -1;
    if (column->type == PC_CODE || column->type == PC_TEXT || column->type == PC_ID) {
        return pc_span_compare(pc_dict_text(words->dict, (uint32_t)a),
                               pc_dict_text(words->dict, (uint32_t)b));
    }
    if (column->type == PC_FLOAT) {
        double x = 0, y = 0;
        memcpy(&x, &a, sizeof x);
        memcpy(&y, &b, sizeof y);
        return x < y ? -1 : x > y;
    }
    return a < b ? -1 : 1;
}

/** What is sorted, and by what. */
typedef struct sorting {
    const pc_records *records;
    const pc_record_schema *schema;
    const pc_words *words;
    int column_count;
} sorting;

static int compare_ties(const sorting *s, int64_t a, int64_t b)
{
    for (int i = PC_START + 1; i < s->column_count; i++) {
        const int64_t *column = s->records->column[i];
        if (column == NULL || column[a] == column[b]) continue;
        return pc_record_compare(&s->schema->column[i], s->words, column[a], column[b]);
    }
    return 0;
}

static inline int compare_rows(const sorting *s, int64_t a, int64_t b)
{
    const int32_t *slot = s->records->slot;
    const int64_t *start = s->records->column[PC_START];
    if (slot[a] != slot[b]) return slot[a] < slot[b] ? -1 : 1;
    if (start[a] != start[b]) return start[a] < start[b] ? -1 : 1;
    return compare_ties(s, a, b);
}

static bool is_sorted(const sorting *s)
{
    for (int64_t row = 1; row < s->records->count; row++) {
        if (compare_rows(s, row - 1, row) > 0) return false;
    }
    return true;
}

/** Where the run that begins at `from` ends. */
static int64_t run_end(const sorting *s, const int64_t *order, int64_t from)
{
    int64_t at = from + 1;
    while (at < s->records->count && compare_rows(s, order[at - 1], order[at]) <= 0) {
        at++;
    }
    return at;
}

/** One round of merging neighbouring runs of `from` into `to`. Returns how many runs it left. */
static int64_t merge_runs(const sorting *s, const int64_t *from, int64_t *to)
{
    const int64_t count = s->records->count;
    int64_t begin = 0, runs = 0;
    while (begin < count) {
        const int64_t middle = run_end(s, from, begin);
        const int64_t end = middle == count ? middle : run_end(s, from, middle);
        int64_t a = begin, b = middle;
        for (int64_t at = begin; at < end; at++) {
            const bool takes_a = b == end || (a < middle && compare_rows(s, from[a], from[b]) <= 0);
            to[at] = takes_a ? from[a++] : from[b++];
        }
        begin = end;
        runs++;
    }
    return runs;
}

static void permute(pc_records *records, const int64_t *order, int64_t *spare)
{
    for (int64_t row = 0; row < records->count; row++)
        spare[row] = records->slot[order[row]];
    for (int64_t row = 0; row < records->count; row++)
        records->slot[row] = (int32_t)spare[row];
    for (int i = 0; i < records->column_count; i++) {
        int64_t *column = records->column[i];
        if (column == NULL) continue;
        for (int64_t row = 0; row < records->count; row++)
            spare[row] = column[order[row]];
        memcpy(column, spare, (size_t)records->count * sizeof *column);
    }
}

void pc_records_narrow(pc_records *records, const bool *needed)
{
    records->needed = needed;
    for (int i = 0; i < records->column_count; i++) {
        if (!needed[i]) records->column[i] = NULL;
    }
}

pc_status pc_records_sort(pc_records *records, int column_count, const pc_record_schema *schema,
                          const pc_words *words, pc_arena *scratch, pc_error *err)
{
    const sorting s = {records, schema, words, column_count};
    // Scans deliver rows by slot and day: mostly there is nothing to do.
    if (is_sorted(&s)) return PC_OK;
    const pc_arena_mark mark = pc_arena_now(scratch);
    const size_t bytes = (size_t)records->count * sizeof(int64_t);
    int64_t *order = pc_arena_raw(scratch, bytes, err);
    int64_t *other = pc_arena_raw(scratch, bytes, err);
    if (order == NULL || other == NULL) return PC_NO_MEMORY;
    for (int64_t row = 0; row < records->count; row++)
        order[row] = row;
    int64_t runs = 0;
    do {
        runs = merge_runs(&s, order, other);
        int64_t *swap = order;
        order = other;
        other = swap;
    } while (runs > 1);
    permute(records, order, other);
    pc_arena_rewind(scratch, mark);
    return PC_OK;
}

pc_status pc_records_index(pc_records *records, int slot_count, pc_arena *arena, pc_error *err)
{
    if (records->count > UINT32_MAX) {
        return PC_FAIL(err, PC_NO_MEMORY, "more than %u records of one timeline in a block",
                       UINT32_MAX);
    }
    uint32_t *offset = pc_arena_raw(arena, ((size_t)slot_count + 1) * sizeof *offset, err);
    if (offset == NULL) return PC_NO_MEMORY;
    // By records: timelines of few patients are the most.
    const int32_t *slot = records->slot;
    const uint32_t count = (uint32_t)records->count;
    int next = 0;
    for (uint32_t row = 0; row < count; row++) {
        assert(slot[row] < slot_count && slot[row] >= next - 1);
        while (next <= slot[row])
            offset[next++] = row;
    }
    while (next <= slot_count)
        offset[next++] = count;
    records->offset = offset;
    return PC_OK;
}
