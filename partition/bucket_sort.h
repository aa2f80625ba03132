/** @file bucket_sort.h
 *  Rows in the stored order: shared by slots' rows and reference tables. Private to partition/.
 */
#ifndef PC_BUCKET_SORT_H
#define PC_BUCKET_SORT_H
#include <string.h>
#include "row_bytes.h"
#include "parcours/bucket.h"

/** A row to sort: its first bytes as a number, so that most comparisons touch nothing else. */
typedef struct pc_sort_item {
    uint64_t prefix; ///< bytes PC_ROW_DATE .. PC_ROW_DATE + 7, big-endian
    const unsigned char *row;
    int32_t parent; ///< place of its parent, carried along
} pc_sort_item;

/** What is compared. */
typedef struct pc_sort_rule {
    int content_end; ///< bytes PC_ROW_DATE .. content_end - 1 are the content
    int key_bytes;   ///< of the primary key at PC_ROW_FIELDS, 0: rows may repeat
} pc_sort_rule;

pc_sort_rule pc_sort_rule_of(const pc_model *model, const pc_row_layout *layout);

/** Sorts by content, then source. @param spare  [count] */
void pc_sort_items(const pc_sort_rule *rule, pc_sort_item *item, int64_t count,
                   pc_sort_item *spare);
/** Drops all but the first of items with equal content (if the table has a primary key).
 *  @return how many stay, in place */
pc_status pc_sort_unique(const pc_sort_rule *rule, pc_sort_item *item, int64_t *count,
                         pc_buffer *rejected, pc_error *err) PC_MUST_CHECK;

#endif
