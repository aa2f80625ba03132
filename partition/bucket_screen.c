/** Rows of nobody known, and periods that overlap: out, with their reason. */
#include "bucket_screen.h"

pc_screen pc_screen_of(const pc_model *model, const pc_row_layout *layout, int first_file)
{
    const pc_model_table *table = &model->table[layout->table];
    pc_screen screen = {.needs_person = table->needs_person, .first_file = first_file};
    if (!table->disjoint) return screen;
    const int start = layout->field_of_column[table->own_date];
    const int end = layout->field_of_column[table->own_end];
    if (start < 0 || end < 0) return screen; // no file has these columns
    screen.start = &layout->field[start];
    screen.end = &layout->field[end];
    return screen;
}

static bool is_stored(const pc_screen *screen, const pc_sort_item *item)
{
    return pc_source_file(get64(item->row + PC_ROW_SOURCE)) < screen->first_file;
}

static bool has_days(const pc_screen *screen, const pc_sort_item *item)
{
    return !pc_row_is_null(screen->start, item->row) && !pc_row_is_null(screen->end, item->row);
}

/** Walks along the periods in order of their first days. */
typedef struct period_walk {
    int64_t last_day;    // of those that stay, so far
    int64_t next_stored; // the first row behind this one that is in the store
} period_walk;

static pc_reject reason_of(const pc_screen *screen, period_walk *walk, const pc_sort_item *item,
                           int64_t at, int64_t count)
{
    if (screen->start == NULL) return PC_REJECT_COUNT;
    if (!has_days(screen, &item[at])) return PC_REJECT_PERIOD;
    const int64_t start = pc_row_int(screen->start, item[at].row);
    const int64_t end = pc_row_int(screen->end, item[at].row);
    if (walk->next_stored <= at) walk->next_stored = at + 1;
    while (walk->next_stored < count && !(is_stored(screen, &item[walk->next_stored]) &&
                                          has_days(screen, &item[walk->next_stored]))) {
        walk->next_stored++;
    }
    if (start <= walk->last_day) return PC_REJECT_OVERLAP;
    if (walk->next_stored < count &&
        pc_row_int(screen->start, item[walk->next_stored].row) <= end) {
        return PC_REJECT_OVERLAP;
    }
    return PC_REJECT_COUNT;
}

pc_status pc_screen_rows(const pc_screen *screen, pc_slot_kind kind, pc_sort_item *item,
                         int64_t *count, pc_buffer *rejected, pc_error *err)
{
    const bool is_nobodys = screen->needs_person && kind != PC_SLOT_RESOLVED;
    period_walk walk = {.last_day = INT64_MIN};
    int64_t kept = 0;
    for (int64_t i = 0; i < *count; i++) {
        pc_reject reason = is_nobodys ? PC_REJECT_PERSON : PC_REJECT_COUNT;
        if (reason == PC_REJECT_COUNT) reason = reason_of(screen, &walk, item, i, *count);
        if (reason != PC_REJECT_COUNT && !is_stored(screen, &item[i])) {
            const pc_rejected out = {.source = get64(item[i].row + PC_ROW_SOURCE),
                                     .column = -1,
                                     .reason = (int32_t)reason};
            PC_TRY(pc_buffer_append(rejected, &out, sizeof out, err));
            continue;
        }
        if (screen->start != NULL && has_days(screen, &item[i])) {
            const int64_t end = pc_row_int(screen->end, item[i].row);
            if (end > walk.last_day) walk.last_day = end;
        }
        item[kept++] = item[i];
    }
    *count = kept;
    return PC_OK;
}
