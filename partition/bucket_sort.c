/** Sorting rows by their bytes: a merge sort on the first eight, with memcmp for ties. */
#include <string.h>
#include "bucket_sort.h"

enum { INSERTION_COUNT = 12 }; // shorter runs are sorted by insertion

pc_sort_rule pc_sort_rule_of(const pc_model *model, const pc_row_layout *layout)
{
    pc_sort_rule rule = {.content_end = PC_ROW_FIELDS};
    if (layout->field_count > 0) {
        const pc_row_field *last = &layout->field[layout->field_count - 1];
        rule.content_end = last->offset + last->bytes;
    }
    if (model->table[layout->table].primary_count > 0) rule.key_bytes = layout->key_bytes;
    return rule;
}

static int compare_content(const pc_sort_rule *rule, const unsigned char *a, const unsigned char *b)
{
    return memcmp(a + PC_ROW_DATE, b + PC_ROW_DATE, (size_t)(rule->content_end - PC_ROW_DATE));
}

static bool comes_before(const pc_sort_rule *rule, const pc_sort_item *a, const pc_sort_item *b)
{
    if (a->prefix != b->prefix) return a->prefix < b->prefix;
    const int order = compare_content(rule, a->row, b->row);
    if (order != 0) return order < 0;
    return memcmp(a->row + PC_ROW_SOURCE, b->row + PC_ROW_SOURCE, 8) < 0;
}

static void sort_by_insertion(const pc_sort_rule *rule, pc_sort_item *item, int64_t count)
{
    for (int64_t i = 1; i < count; i++) {
        const pc_sort_item moving = item[i];
        int64_t at = i;
        for (; at > 0 && comes_before(rule, &moving, &item[at - 1]); at--)
            item[at] = item[at - 1];
        item[at] = moving;
    }
}

static void merge(const pc_sort_rule *rule, const pc_sort_item *from, int64_t first_count,
                  int64_t count, pc_sort_item *to)
{
    int64_t a = 0, b = first_count;
    for (int64_t i = 0; i < count; i++) {
        const bool take_b =
            a == first_count || (b < count && comes_before(rule, &from[b], &from[a]));
        to[i] = take_b ? from[b++] : from[a++];
    }
}

void pc_sort_items(const pc_sort_rule *rule, pc_sort_item *item, int64_t count, pc_sort_item *spare)
{
    for (int64_t at = 0; at < count; at += INSERTION_COUNT) {
        const int64_t left = count - at;
        sort_by_insertion(rule, item + at, left < INSERTION_COUNT ? left : INSERTION_COUNT);
    }
    pc_sort_item *from = item, *to = spare;
    for (int64_t run = INSERTION_COUNT; run < count; run *= 2) {
        for (int64_t at = 0; at < count; at += 2 * run) {
            const int64_t left = count - at;
            merge(rule, from + at, left < run ? left : run, left < 2 * run ? left : 2 * run,
                  to + at);
        }
        pc_sort_item *const swap = from;
        from = to;
        to = swap;
    }
    if (from != item) memcpy(item, from, (size_t)count * sizeof *item);
}

pc_status pc_sort_unique(const pc_sort_rule *rule, pc_sort_item *item, int64_t *count,
                         pc_buffer *rejected, pc_error *err)
{
    if (rule->key_bytes == 0 || *count == 0) return PC_OK;
    int64_t kept = 1;
    for (int64_t i = 1; i < *count; i++) {
        const pc_sort_item *last = &item[kept - 1];
        if (item[i].prefix == last->prefix && compare_content(rule, item[i].row, last->row) == 0) {
            const pc_rejected twin = {.source = get64(item[i].row + PC_ROW_SOURCE),
                                      .column = -1,
                                      .reason = PC_REJECT_DUPLICATE};
            PC_TRY(pc_buffer_append(rejected, &twin, sizeof twin, err));
        } else {
            item[kept++] = item[i];
        }
    }
    *count = kept;
    return PC_OK;
}

pc_status pc_rows_sort(const pc_model *model, const pc_row_layout *layout, const unsigned char *row,
                       int64_t row_count, const unsigned char **sorted, int64_t *kept_count,
                       int64_t *key_conflict, pc_arena *arena, pc_buffer *rejected, pc_error *err)
{
    const pc_sort_rule rule = pc_sort_rule_of(model, layout);
    const pc_arena_mark mark = pc_arena_now(arena);
    pc_sort_item *item = pc_arena_array(arena, 2 * (size_t)row_count, sizeof *item, err);
    if (item == NULL) return PC_NO_MEMORY;
    for (int64_t i = 0; i < row_count; i++) {
        item[i].row = row + i * layout->row_bytes;
        item[i].prefix = get64(item[i].row + PC_ROW_DATE);
    }
    pc_sort_items(&rule, item, row_count, item + row_count);
    *kept_count = row_count;
    const pc_status status = pc_sort_unique(&rule, item, kept_count, rejected, err);
    *key_conflict = 0;
    for (int64_t i = 0; status == PC_OK && i < *kept_count; i++) {
        sorted[i] = item[i].row;
        *key_conflict += rule.key_bytes > 0 && i > 0 &&
                         memcmp(sorted[i] + PC_ROW_FIELDS, sorted[i - 1] + PC_ROW_FIELDS,
                                (size_t)rule.key_bytes) == 0;
    }
    pc_arena_rewind(arena, mark);
    return status;
}
