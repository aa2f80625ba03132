/** @file part_lists.h
 *  The rows of each part, one list behind the other. Private to ops/.
 */
#ifndef PC_OPS_PART_LISTS_H
#define PC_OPS_PART_LISTS_H
#include "parcours/arena.h"

typedef struct pc_part_lists {
    const uint32_t *row;   ///< [rows] those of part 0 ascending, then those of part 1, ...
    const uint32_t *start; ///< [parts + 1] where a part's rows begin
} pc_part_lists;

/** @param part  [row_count] each < part_count
 *  In `arena`. Local. Cost: two passes. */
pc_status pc_part_lists_make(const uint16_t *part, uint32_t row_count, int part_count,
                             pc_arena *arena, pc_part_lists *out, pc_error *err) PC_MUST_CHECK;

#endif
