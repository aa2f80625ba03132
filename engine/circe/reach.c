/** Which concepts of a definition codes of a mapping lead to: how far it can be asked of a store
 *  whose codes are those. */
#include <stdlib.h>
#include <string.h>
#include "reach.h"

/** Whether an item lists the concept that a code leads to, itself or above it. */
static bool item_is_reached(const circe_item *item, const circe_vocabulary *vocabulary,
                            int64_t target)
{
    int64_t hint = 0;
    return item->concept == target ||
           (item->descendants && circe_is_descendant(vocabulary, item->concept, target, &hint));
}

static pc_status reach_set(const pc_circe_reach *r, const circe_sets *sets, int i, pc_buffer *out,
                           int *warnings, pc_error *err)
{
    const int set = sets->set[i];
    int items, listed = 0, reached = 0;
    int64_t codes = 0;
    const circe_item *item = circe_items_of(r->concepts, set, &items);
    for (int64_t m = 0; m < r->mapping->count; m++) {
        codes += circe_set_has(r->concepts, set, r->mapping->map[m].target);
    }
    for (int k = 0; k < items; k++) {
        bool is_reached = false;
        if (item[k].is_excluded) continue;
        for (int64_t m = 0; m < r->mapping->count && !is_reached; m++) {
            const int64_t target = r->mapping->map[m].target;
            is_reached = circe_set_has(r->concepts, set, target) &&
                         item_is_reached(&item[k], r->vocabulary, target);
        }
        listed++;
        reached += is_reached;
    }
    *warnings += listed > 0 && reached == 0;
    return pc_buffer_print(out, err,
                           "%s: ConceptSets[%d]: %d of %d listed concepts are reached, by %lld "
                           "codes of the mapping\n",
                           r->file, sets->place[i], reached, listed, (long long)codes);
}

pc_status pc_circe_reach_sets(const pc_circe_reach *reach, const circe_sets *sets, pc_buffer *out,
                              int *warnings, pc_error *err)
{
    for (int i = 0; i < sets->count; i++)
        PC_TRY(reach_set(reach, sets, i, out, warnings, err));
    return PC_OK;
}

// ---- with what a store has ----------------------------------------------------------------------

typedef struct target {
    int64_t concept;
    bool is_met;
} target;

struct pc_circe_targets {
    int64_t count;
    target *target; // [count] by concept
};

static int compare_targets(const void *a, const void *b)
{
    const target *x = a, *y = b;
    return (x->concept > y->concept) - (x->concept < y->concept);
}

pc_status pc_circe_targets_make(const pc_omop_mapping *mapping, const int64_t *met, pc_arena *arena,
                                const pc_circe_targets **out, pc_error *err)
{
    pc_circe_targets *t = pc_arena_take(arena, sizeof *t, err);
    target *of = pc_arena_array(arena, (size_t)mapping->count + 1, sizeof *of, err);
    if (t == NULL || of == NULL) return PC_NO_MEMORY;
    for (int64_t m = 0; m < mapping->count; m++)
        of[m] = (target){mapping->map[m].target, met[m] > 0};
    qsort(of, (size_t)mapping->count, sizeof *of, compare_targets);
    *t = (pc_circe_targets){mapping->count, of};
    *out = t;
    return PC_OK;
}

/** Adds the codes that lead to a concept. */
static void count_codes(const pc_circe_targets *targets, int64_t concept, int64_t *mapped,
                        int64_t *met)
{
    int64_t low = 0, high = targets->count;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (targets->target[middle].concept < concept) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (; low < targets->count && targets->target[low].concept == concept; low++) {
        *mapped += 1;
        *met += targets->target[low].is_met;
    }
}

pc_status pc_circe_reach_rows(const pc_circe_reach *reach, const pc_circe_targets *targets,
                              int64_t definition, int64_t id, int set, pc_buffer *out,
                              bool *is_reached, pc_error *err)
{
    const circe_vocabulary *v = reach->vocabulary;
    int items = 0;
    const circe_item *item = circe_items_of(reach->concepts, set, &items);
    *is_reached = items == 0;
    for (int i = 0; i < items; i++) {
        int64_t mapped = 0, met = 0, first = 0, end = 0;
        if (item[i].is_excluded) continue;
        if (circe_set_has(reach->concepts, set, item[i].concept)) {
            count_codes(targets, item[i].concept, &mapped, &met);
        }
        if (item[i].descendants) circe_descendants(v, item[i].concept, &first, &end);
        for (int64_t row = first; row < end && !circe_is_null(&v->descendant, row); row++) {
            const int64_t concept = pc_column_int(&v->descendant, row);
            if (concept == item[i].concept) continue;
            if (circe_set_has(reach->concepts, set, concept)) {
                count_codes(targets, concept, &mapped, &met);
            }
        }
        *is_reached = *is_reached || met > 0;
        PC_TRY(pc_buffer_print(out, err, "%lld,%lld,%lld,%d,%lld,%lld\n", (long long)definition,
                               (long long)id, (long long)item[i].concept, item[i].descendants,
                               (long long)mapped, (long long)met));
    }
    return PC_OK;
}
