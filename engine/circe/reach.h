/** @file reach.h
 *  Portability of a definition: which of its concepts the codes of another store lead to. Private
 *  to engine/.
 */
#ifndef PC_CIRCE_REACH_H
#define PC_CIRCE_REACH_H
#include "../omop.h"
#include "concepts.h"

typedef struct pc_circe_reach {
    const char *file;               ///< of the definition
    const circe_concepts *concepts; ///< expanded
    const circe_vocabulary *vocabulary;
    const pc_omop_mapping *mapping;
} pc_circe_reach;

/** Appends a line a concept set: how many of its listed concepts a code of the mapping leads to,
 *  themselves or by one of their descendants in the set, and how many codes there are. Local.
 *  @param warnings  counts sets of which none is reached
 *  Cost: codes x listed concepts searches */
pc_status pc_circe_reach_sets(const pc_circe_reach *reach, const circe_sets *sets, pc_buffer *out,
                              int *warnings, pc_error *err) PC_MUST_CHECK;

/** The concepts that codes lead to, by concept. */
typedef struct pc_circe_targets pc_circe_targets;
/** @param met  [mapping->count] 1: the store has the code. Owned by `arena`. Local */
pc_status pc_circe_targets_make(const pc_omop_mapping *mapping, const int64_t *met, pc_arena *arena,
                                const pc_circe_targets **out, pc_error *err) PC_MUST_CHECK;
/** Appends a line for each concept that a set lists, excluded ones left out: definition, set,
 *  concept, whether its descendants count, codes that lead to it or them, those of the store.
 *  Local. Cost: a search for each descendant.
 *  @param is_reached  a code of the store leads to some concept; a set without concepts is */
pc_status pc_circe_reach_rows(const pc_circe_reach *reach, const pc_circe_targets *targets,
                              int64_t definition, int64_t id, int set, pc_buffer *out,
                              bool *is_reached, pc_error *err) PC_MUST_CHECK;

#endif
