/** The vocabulary tables of a store, and searches in their sorted columns. */
#include "vocabulary.h"
#include <stdio.h>

/** A table of the model and its columns by name. Rows with nulls in the first column are last and
 *  are left out. */
static pc_status take_table(pc_store *store, const char *table, const char *const *name,
                            pc_column *const *out, int count, int64_t *row_count, pc_error *err)
{
    const pc_model *model = pc_store_model(store);
    const int t = pc_model_find_table(model, pc_span_of(table));
    const pc_column *column = NULL;
    if (t < 0 || model->table[t].path != PC_PATH_NONE) {
        return PC_FAIL(err, PC_BAD_JOB,
                       "the store's model '%s' has no vocabulary: no reference table %s",
                       model->name, table);
    }
    PC_TRY(pc_store_reference(store, t, &column, row_count, err));
    for (int i = 0; i < count; i++) {
        const int c = pc_model_find_column(&model->table[t], pc_span_of(name[i]));
        if (c < 0) {
            return PC_FAIL(err, PC_BAD_JOB, "the store's model '%s' has no column %s in %s",
                           model->name, name[i], table);
        }
        if (*row_count > 0) *out[i] = column[c];
    }
    while (*row_count > 0 && circe_is_null(out[0], *row_count - 1))
        --*row_count;
    return PC_OK;
}

pc_status circe_vocabulary_of(pc_store *store, circe_vocabulary *out, pc_error *err)
{
    static const char *const concept[] = {"concept_id", "invalid_reason"};
    static const char *const pair[] = {"ancestor_concept_id", "descendant_concept_id"};
    static const char *const relation[] = {"concept_id_1", "concept_id_2", "relationship_id",
                                           "invalid_reason"};
    *out = (circe_vocabulary){0};
    pc_column *const of_concept[] = {&out->concept, &out->invalid};
    pc_column *const of_pair[] = {&out->ancestor, &out->descendant};
    pc_column *const of_relation[] = {&out->from, &out->to, &out->kind, &out->ended};
    PC_TRY(take_table(store, "CONCEPT", concept, of_concept, 2, &out->concept_count, err));
    PC_TRY(take_table(store, "CONCEPT_ANCESTOR", pair, of_pair, 2, &out->pair_count, err));
    return take_table(store, "CONCEPT_RELATIONSHIP", relation, of_relation, 4, &out->relation_count,
                      err);
}

int64_t circe_seek(const pc_column *sorted, int64_t count, int64_t from, int64_t value)
{
    int64_t step = 1;
    int64_t low = from; // all before it are smaller
    while (low < count && pc_column_int(sorted, low) < value) {
        const int64_t next = low + step;
        if (next >= count || pc_column_int(sorted, next) >= value) {
            int64_t high = next < count ? next : count;
            for (low++; low < high;) {
                const int64_t middle = low + (high - low) / 2;
                if (pc_column_int(sorted, middle) < value) {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            return low;
        }
        low = next;
        step *= 2;
    }
    return low;
}

circe_known circe_concept_known(const circe_vocabulary *vocabulary, int64_t concept, int64_t *hint)
{
    const int64_t count = vocabulary->concept_count;
    *hint = circe_seek(&vocabulary->concept, count, *hint, concept);
    if (*hint == count || pc_column_int(&vocabulary->concept, *hint) != concept) {
        return CIRCE_UNKNOWN;
    }
    return circe_is_null(&vocabulary->invalid, *hint) ? CIRCE_VALID : CIRCE_INVALID;
}

void circe_descendants(const circe_vocabulary *vocabulary, int64_t ancestor, int64_t *first,
                       int64_t *end)
{
    const pc_column *column = &vocabulary->ancestor;
    *first = circe_seek(column, vocabulary->pair_count, 0, ancestor);
    *end = circe_seek(column, vocabulary->pair_count, *first, ancestor + 1);
}

bool circe_is_descendant(const circe_vocabulary *vocabulary, int64_t ancestor, int64_t descendant,
                         int64_t *hint)
{
    const int64_t count = vocabulary->pair_count;
    int64_t row = circe_seek(&vocabulary->ancestor, count, *hint, ancestor);
    *hint = row;
    if (row == count || pc_column_int(&vocabulary->ancestor, row) != ancestor) return false;
    const int64_t end = circe_seek(&vocabulary->ancestor, count, row, ancestor + 1);
    row = circe_seek(&vocabulary->descendant, end, row, descendant);
    return row < end && !circe_is_null(&vocabulary->descendant, row) &&
           pc_column_int(&vocabulary->descendant, row) == descendant;
}
