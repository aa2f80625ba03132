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
