/** @file waiting.h
 *  Which criteria wait for a concept: for each concept met so far the leaves whose set holds it.
 */
#ifndef PC_CIRCE_WAITING_H
#define PC_CIRCE_WAITING_H
#include "program.h"

/** For each concept met so far the leaves that wait for it: found once, then looked up. List 0 is
 *  empty. */
typedef struct pc_circe_waiting {
    int64_t slot_count, used_count; ///< an open hash of concepts
    int64_t *concept;               ///< [slot_count] PC_CIRCE_NULL: empty
    int32_t *list;                  ///< [slot_count]
    pc_buffer slots, lists, leaves; ///< behind `concept` and `list`; int first [lists + 1]; int
} pc_circe_waiting;
static inline const int *pc_circe_list(const pc_circe_waiting *waiting, int32_t list, int *count)
{
    const int *first = (const int *)(const void *)waiting->lists.data;
    *count = first[list + 1] - first[list];
    return (const int *)(const void *)waiting->leaves.data + first[list];
}

/** One for each domain, empty. Local. */
pc_status pc_circe_waiting_open(pc_arena *arena, pc_circe_waiting **out,
                                pc_error *err) PC_MUST_CHECK;
/** Accepts NULL. */
void pc_circe_waiting_close(pc_circe_waiting *waiting);
/** The list of a concept (PC_CIRCE_NULL: none); 0 when nobody waits for it. Local. Cost: a look-up;
 *  the first time one step for each set that holds it.
 *  @param lists  leaves by set */
pc_status pc_circe_waiting_find(pc_circe_waiting *waiting, const pc_circe_program *program,
                                const pc_circe_lists *lists, int64_t concept, int32_t *out,
                                pc_error *err) PC_MUST_CHECK;

#endif
