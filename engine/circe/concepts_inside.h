/** @file concepts_inside.h
 *  What concepts.c reads and expand.c fills. Private to engine/circe/.
 */
#ifndef PC_CIRCE_CONCEPTS_INSIDE_H
#define PC_CIRCE_CONCEPTS_INSIDE_H
#include "concepts.h"

typedef struct concept_set {
    const circe_item *item; // [item_count] sorted, distinct
    int item_count;
    uint64_t hash;     // of the items
    const char *place; // of the first set with these items
} concept_set;

struct circe_concepts {
    pc_arena *arena;
    concept_set *set; // [set_room], set_count in use
    int set_count, set_room;
    int *bucket; // [2 x set_room] set + 1 by hash, 0: free
    // What expansion made.
    const int64_t *first; // [set_count + 1] where the concepts of a set begin in `concept`
    const int64_t *concept;
    uint64_t mask;       // of the two below
    int64_t *key;        // [mask + 1] a concept, by hash
    uint32_t *key_first; // [mask + 1] by place of the key: where its sets begin in `sets`
    uint32_t *key_end;   // [mask + 1] and where they end; 0: no key stands there
    int32_t *sets;       // the sets of each concept, ascending
};

#endif
