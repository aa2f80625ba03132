/** @file bucket_screen.h
 *  Rows of a slot that a table's rules do not let in: rows of nobody known, periods that overlap.
 *  Private to partition/.
 */
#ifndef PC_BUCKET_SCREEN_H
#define PC_BUCKET_SCREEN_H
#include "bucket_sort.h"
#include "parcours/slot.h"

typedef struct pc_screen {
    bool needs_person;
    const pc_row_field *start, *end; ///< NULL: periods may overlap
    int first_file;                  ///< rows of earlier files are in the store already: they stay
} pc_screen;

/** What the model asks of a table. */
pc_screen pc_screen_of(const pc_model *model, const pc_row_layout *layout, int first_file);
/** True when the screen lets all rows in. */
static inline bool pc_screen_is_open(const pc_screen *screen)
{
    return !screen->needs_person && screen->start == NULL;
}

/** Takes out the rows of a slot that do not pass; they are appended to `rejected`. Of periods that
 *  overlap the one of the store stays, else the one that comes first in the stored order. Local.
 *  @param item  [*count] in the stored order; those that stay move to the front */
pc_status pc_screen_rows(const pc_screen *screen, pc_slot_kind kind, pc_sort_item *item,
                         int64_t *count, pc_buffer *rejected, pc_error *err) PC_MUST_CHECK;

#endif
