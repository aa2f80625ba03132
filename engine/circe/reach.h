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

#endif
