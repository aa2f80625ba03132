/** @file concepts.h
 *  The concept sets of all definitions, expanded together: equal expressions once. The result is
 *  the sorted concepts of each set, and for a concept the sets that hold it.
 *
 *  A set holds the concepts that its items list, if the vocabulary has them; the valid descendants
 *  of items that ask for them; and what maps to an item that asks for it, or to its descendants
 *  when it asks for both. Excluded items take out in the same way, and have the last word.
 */
#ifndef PC_CIRCE_CONCEPTS_H
#define PC_CIRCE_CONCEPTS_H
#include "parcours/comm.h"
#include "vocabulary.h"

enum { CIRCE_MOST_CONCEPTS = 1000000 }; // of a set: fewer than these; more is a slip in the set

typedef struct circe_concepts circe_concepts; ///< opaque

/** The concept sets of one definition. */
typedef struct circe_sets {
    int count;
    const int64_t *id; ///< [count] "id" of each, ascending
    const int *set;    ///< [count] which set of circe_concepts it is; equal ones are one
    const int *place;  ///< [count] its place in "ConceptSets", for errors
} circe_sets;

/** No sets yet. All memory is of `arena`. Local. */
pc_status circe_concepts_new(pc_arena *arena, circe_concepts **out, pc_error *err) PC_MUST_CHECK;

/** Adds "ConceptSets" of a definition. Local.
 *  @param list  the value of the key; NULL or null: no sets
 *  @param file  what errors call the definition
 *  @return PC_BAD_JOB with the JSON path: another form than expected, two sets with one id */
pc_status circe_concepts_read(circe_concepts *concepts, const pc_json *list, const char *file,
                              circe_sets *out, pc_error *err) PC_MUST_CHECK;
/** An item of a set as it is written. */
typedef struct circe_item {
    int64_t concept;
    bool is_excluded, descendants, mapped;
} circe_item;
/** Adds a set that is in no definition.
 *  @param item   [count] sorted in place, equal ones once; owned by the arena of `concepts`
 *  @param place  what errors call it */
pc_status circe_concepts_add(circe_concepts *concepts, circe_item *item, int count,
                             const char *place, int *set, pc_error *err) PC_MUST_CHECK;
/** The set with this id in the definition, or -1. */
int circe_sets_find(const circe_sets *sets, int64_t id);

/** Expands all sets with a vocabulary. Cost: for each listed concept a search in CONCEPT and
 *  CONCEPT_ANCESTOR, for each descendant a step in CONCEPT; one scan of CONCEPT_RELATIONSHIP when
 *  a set asks for what maps to it. Local.
 *  @return PC_BAD_JOB: a table that is needed is missing, a set of CIRCE_MOST_CONCEPTS concepts or
 *          more, two concepts that are each other's ancestors */
pc_status circe_concepts_expand(circe_concepts *concepts, const circe_vocabulary *vocabulary,
                                pc_error *err) PC_MUST_CHECK;
/** The same by rank 0, then sent to all. Collective over comm. Agrees before it returns.
 *  @param vocabulary  of rank 0; others do not look at it */
pc_status circe_concepts_share(circe_concepts *concepts, pc_comm *comm,
                               const circe_vocabulary *vocabulary, pc_error *err) PC_MUST_CHECK;

/** Sets in all, over all definitions. */
int circe_concepts_count(const circe_concepts *concepts);
/** The concepts of a set, ascending. */
const int64_t *circe_concepts_of(const circe_concepts *concepts, int set, int64_t *count);
/** The sets that hold a concept, ascending: [*count]. Constant time. */
const int32_t *circe_sets_with(const circe_concepts *concepts, int64_t concept, int *count);
/** Whether a set holds a concept. */
bool circe_set_has(const circe_concepts *concepts, int set, int64_t concept);

/** The items of a set, by concept, and where the first such set stands ("'7.json':
 * ConceptSets[1]"). */
const circe_item *circe_items_of(const circe_concepts *concepts, int set, int *count);
const char *circe_set_place(const circe_concepts *concepts, int set);

#endif
