/** @file vocabulary.h
 *  The vocabulary tables that concept sets are expanded with: concepts, all pairs of ancestor and
 *  descendant, and which concept maps to which. Private to engine/.
 */
#ifndef PC_CIRCE_VOCABULARY_H
#define PC_CIRCE_VOCABULARY_H
#include "parcours/store.h"

/** Views of columns. Concepts are sorted by id, pairs by ancestor, then descendant. */
typedef struct circe_vocabulary {
    int64_t concept_count; ///< 0: there is no such table
    pc_column concept, invalid;
    int64_t pair_count;
    pc_column ancestor, descendant;
    int64_t relation_count;
    pc_column from, to, kind,
        ended;      ///< concept_id_1, concept_id_2, relationship_id, invalid_reason
    bool maps_only; ///< the relations are valid 'Maps to': `kind` and `ended` are not there
} circe_vocabulary;

/** The tables CONCEPT, CONCEPT_ANCESTOR and CONCEPT_RELATIONSHIP of a store. Local. Borrowed from
 *  the store.
 *  @return PC_BAD_JOB: the model of the store has no such tables */
pc_status circe_vocabulary_of(pc_store *store, circe_vocabulary *out, pc_error *err) PC_MUST_CHECK;

/** Whether a row of a column holds no value; columns of nulls only have no data. */
static inline bool circe_is_null(const pc_column *column, int64_t row)
{
    return column->data == NULL || pc_column_is_null(column, row);
}

/** First row from `from` on whose value is >= `value`, `count` if none: gallops, so that ascending
 *  values cost the logarithm of the steps between them. Local. */
int64_t circe_seek(const pc_column *sorted, int64_t count, int64_t from, int64_t value);

/** Whether a concept is there, and whether it is valid (no invalid_reason). `*hint` is where the
 *  search begins and where it ended: 0 at first, then for ascending ids. */
typedef enum circe_known { CIRCE_UNKNOWN, CIRCE_INVALID, CIRCE_VALID } circe_known;
circe_known circe_concept_known(const circe_vocabulary *vocabulary, int64_t concept, int64_t *hint);

/** Rows of a concept's descendants: *first .. *end - 1, ascending by descendant. */
void circe_descendants(const circe_vocabulary *vocabulary, int64_t ancestor, int64_t *first,
                       int64_t *end);
/** Whether the pair is there. `*hint` as above, for ascending ancestors. */
bool circe_is_descendant(const circe_vocabulary *vocabulary, int64_t ancestor, int64_t descendant,
                         int64_t *hint);

#endif
