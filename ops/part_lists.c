/** Rows put together by their parts: a counting sort. */
#include "part_lists.h"

pc_status pc_part_lists_make(const uint16_t *part, uint32_t row_count, int part_count,
                             pc_arena *arena, pc_part_lists *out, pc_error *err)
{
    uint32_t *start = pc_arena_array(arena, (size_t)part_count + 2, sizeof *start, err);
    uint32_t *row = pc_arena_array(arena, (size_t)row_count + 1, sizeof *row, err);
    if (start == NULL || row == NULL) return PC_NO_MEMORY;
    // Counted two places further on, so that filling leaves each start where it belongs.
    for (uint32_t i = 0; i < row_count; i++) {
        if (part[i] + 2 <= part_count) start[part[i] + 2]++;
    }
    for (int p = 2; p <= part_count; p++) {
        start[p] += start[p - 1];
    }
    for (uint32_t i = 0; i < row_count; i++) {
        row[start[part[i] + 1]++] = i;
    }
    *out = (pc_part_lists){.row = row, .start = start};
    return PC_OK;
}
