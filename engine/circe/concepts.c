/** Concept sets as definitions write them: read, checked, equal ones found. */
#include "concepts_inside.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "parcours/hash.h"

enum { PATH_BYTES = 512 };

pc_status circe_concepts_new(pc_arena *arena, circe_concepts **out, pc_error *err)
{
    *out = pc_arena_take(arena, sizeof **out, err);
    if (*out == NULL) return PC_NO_MEMORY;
    (*out)->arena = arena;
    return PC_OK;
}

static pc_status fail(const char *path, const char *what, pc_error *err)
{
    return PC_FAIL(err, PC_BAD_JOB, "%s: %s", path, what);
}

static pc_status read_flag(const pc_json *item, const char *key, const char *path, bool *out,
                           pc_error *err)
{
    const pc_json *value = pc_json_get(item, key);
    *out = false;
    if (value == NULL || pc_json_kind_of(value) == PC_JSON_NULL) return PC_OK;
    if (pc_json_kind_of(value) != PC_JSON_BOOL) {
        return PC_FAIL(err, PC_BAD_JOB, "%s.%s: expected true or false", path, key);
    }
    *out = pc_json_bool(value);
    return PC_OK;
}

static pc_status read_item(const pc_json *json, const char *path, circe_item *out, pc_error *err)
{
    *out = (circe_item){0};
    if (pc_json_kind_of(json) != PC_JSON_OBJECT) return fail(path, "expected an object", err);
    const pc_json *concept = pc_json_get(json, "concept");
    if (concept == NULL || pc_json_kind_of(concept) != PC_JSON_OBJECT) {
        return PC_FAIL(err, PC_BAD_JOB, "%s.concept: expected an object", path);
    }
    const pc_json *id = pc_json_get(concept, "CONCEPT_ID");
    if (id == NULL || !pc_json_int(id, &out->concept)) {
        return PC_FAIL(err, PC_BAD_JOB, "%s.concept.CONCEPT_ID: expected a whole number", path);
    }
    PC_TRY(read_flag(json, "isExcluded", path, &out->is_excluded, err));
    PC_TRY(read_flag(json, "includeDescendants", path, &out->descendants, err));
    return read_flag(json, "includeMapped", path, &out->mapped, err);
}

static int compare_items(const void *a, const void *b)
{
    const circe_item *x = a, *y = b;
    if (x->concept != y->concept) return x->concept < y->concept ? -1 : 1;
    const int fx = 4 * x->is_excluded + 2 * x->descendants + x->mapped;
    const int fy = 4 * y->is_excluded + 2 * y->descendants + y->mapped;
    return fx - fy;
}

/** The items sorted, equal ones once, so that the order in the file does not matter. */
static concept_set sorted_set(circe_item *item, int count)
{
    if (count > 0) qsort(item, (size_t)count, sizeof *item, compare_items);
    int kept = 0;
    for (int i = 0; i < count; i++) {
        if (kept == 0 || compare_items(&item[i], &item[kept - 1]) != 0) item[kept++] = item[i];
    }
    return (concept_set){.item = item, .item_count = kept};
}

static pc_status read_items(circe_concepts *concepts, const pc_json *json, const char *path,
                            concept_set *out, pc_error *err)
{
    char at[PATH_BYTES + 32];
    const pc_json *expression = pc_json_get(json, "expression");
    if (expression == NULL || pc_json_kind_of(expression) != PC_JSON_OBJECT) {
        return PC_FAIL(err, PC_BAD_JOB, "%s.expression: expected an object", path);
    }
    const pc_json *list = pc_json_get(expression, "items");
    if (list == NULL || pc_json_kind_of(list) != PC_JSON_ARRAY) {
        return PC_FAIL(err, PC_BAD_JOB, "%s.expression.items: expected a list", path);
    }
    const int count = pc_json_count(list);
    circe_item *item = pc_arena_array(concepts->arena, (size_t)count + 1, sizeof *item, err);
    if (item == NULL) return PC_NO_MEMORY;
    int at_item = 0;
    for (const pc_json *v = pc_json_first(list); v != NULL; v = pc_json_next(v), at_item++) {
        (void)snprintf(at, sizeof at, "%s.expression.items[%d]", path, at_item);
        PC_TRY(read_item(v, at, &item[at_item], err));
    }
    *out = sorted_set(item, count);
    return PC_OK;
}

static bool same_items(const concept_set *a, const concept_set *b)
{
    if (a->item_count != b->item_count) return false;
    for (int i = 0; i < a->item_count; i++) {
        if (compare_items(&a->item[i], &b->item[i]) != 0) return false;
    }
    return true;
}

static uint64_t hash_items(const concept_set *set)
{
    uint64_t hash = (uint64_t)set->item_count;
    for (int i = 0; i < set->item_count; i++) {
        const circe_item *item = &set->item[i];
        const uint64_t word[2] = {hash, ((uint64_t)item->concept << 3) + 4U * item->is_excluded +
                                            2U * item->descendants + item->mapped};
        hash = pc_hash64(word, sizeof word);
    }
    return hash;
}

static pc_status grow_sets(circe_concepts *concepts, pc_error *err)
{
    if (concepts->set_count < concepts->set_room) return PC_OK;
    const int room = concepts->set_room == 0 ? 64 : 2 * concepts->set_room;
    concept_set *set = pc_arena_array(concepts->arena, (size_t)room, sizeof *set, err);
    int *bucket = pc_arena_array(concepts->arena, 2 * (size_t)room, sizeof *bucket, err);
    if (set == NULL || bucket == NULL) return PC_NO_MEMORY;
    const uint64_t mask = 2 * (uint64_t)room - 1;
    for (int i = 0; i < concepts->set_count; i++) {
        set[i] = concepts->set[i];
        uint64_t at = set[i].hash & mask;
        while (bucket[at] != 0)
            at = (at + 1) & mask;
        bucket[at] = i + 1;
    }
    concepts->set = set;
    concepts->bucket = bucket;
    concepts->set_room = room;
    return PC_OK;
}

/** Which set this one is: an equal one that is there, else a new one. */
static pc_status keep_set(circe_concepts *concepts, const concept_set *set, const char *path,
                          int *out, pc_error *err)
{
    PC_TRY(grow_sets(concepts, err));
    const uint64_t hash = hash_items(set);
    const uint64_t mask = 2 * (uint64_t)concepts->set_room - 1;
    uint64_t at = hash & mask;
    for (; concepts->bucket[at] != 0; at = (at + 1) & mask) {
        *out = concepts->bucket[at] - 1;
        if (concepts->set[*out].hash == hash && same_items(&concepts->set[*out], set)) {
            return PC_OK;
        }
    }
    *out = concepts->set_count;
    concept_set *kept = &concepts->set[*out];
    *kept = *set;
    kept->hash = hash;
    kept->place = pc_arena_text(concepts->arena, path, strlen(path), err);
    if (kept->place == NULL) return PC_NO_MEMORY;
    concepts->bucket[at] = ++concepts->set_count;
    return PC_OK;
}

pc_status circe_concepts_add(circe_concepts *concepts, circe_item *item, int count,
                             const char *place, int *set, pc_error *err)
{
    const concept_set sorted = sorted_set(item, count);
    return keep_set(concepts, &sorted, place, set, err);
}

typedef struct found_set {
    int64_t id;
    int set, place;
} found_set;

static int compare_found(const void *a, const void *b)
{
    const found_set *x = a, *y = b;
    if (x->id != y->id) return x->id < y->id ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

static pc_status sort_found(circe_concepts *concepts, found_set *found, int count, const char *file,
                            circe_sets *out, pc_error *err)
{
    if (count > 0) qsort(found, (size_t)count, sizeof *found, compare_found);
    int64_t *id = pc_arena_array(concepts->arena, (size_t)count + 1, sizeof *id, err);
    int *set = pc_arena_array(concepts->arena, 2 * (size_t)count + 1, sizeof *set, err);
    if (id == NULL || set == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < count; i++) {
        if (i > 0 && found[i].id == found[i - 1].id) {
            return PC_FAIL(err, PC_BAD_JOB,
                           "'%s': ConceptSets[%d].id: %lld is the id of ConceptSets[%d] too: "
                           "expected one set an id",
                           file, found[i].place, (long long)found[i].id, found[i - 1].place);
        }
        id[i] = found[i].id;
        set[i] = found[i].set;
        set[count + i] = found[i].place;
    }
    *out = (circe_sets){.count = count, .id = id, .set = set, .place = set + count};
    return PC_OK;
}

pc_status circe_concepts_read(circe_concepts *concepts, const pc_json *list, const char *file,
                              circe_sets *out, pc_error *err)
{
    char path[PATH_BYTES];
    *out = (circe_sets){0};
    if (list == NULL || pc_json_kind_of(list) == PC_JSON_NULL) return PC_OK;
    if (pc_json_kind_of(list) != PC_JSON_ARRAY) {
        return PC_FAIL(err, PC_BAD_JOB, "'%s': ConceptSets: expected a list", file);
    }
    const int count = pc_json_count(list);
    found_set *found = pc_arena_array(concepts->arena, (size_t)count + 1, sizeof *found, err);
    if (found == NULL) return PC_NO_MEMORY;
    int place = 0;
    for (const pc_json *v = pc_json_first(list); v != NULL; v = pc_json_next(v), place++) {
        concept_set set;
        (void)snprintf(path, sizeof path, "'%.400s': ConceptSets[%d]", file, place);
        if (pc_json_kind_of(v) != PC_JSON_OBJECT) return fail(path, "expected an object", err);
        const pc_json *id = pc_json_get(v, "id");
        if (id == NULL || !pc_json_int(id, &found[place].id)) {
            return PC_FAIL(err, PC_BAD_JOB, "%s.id: expected a whole number", path);
        }
        found[place].place = place;
        PC_TRY(read_items(concepts, v, path, &set, err));
        PC_TRY(keep_set(concepts, &set, path, &found[place].set, err));
    }
    return sort_found(concepts, found, count, file, out, err);
}

int circe_sets_find(const circe_sets *sets, int64_t id)
{
    int low = 0, high = sets->count;
    while (low < high) {
        const int middle = low + (high - low) / 2;
        if (sets->id[middle] < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < sets->count && sets->id[low] == id ? sets->set[low] : -1;
}

int circe_concepts_count(const circe_concepts *concepts)
{
    return concepts->set_count;
}

const circe_item *circe_items_of(const circe_concepts *concepts, int set, int *count)
{
    *count = concepts->set[set].item_count;
    return concepts->set[set].item;
}

const char *circe_set_place(const circe_concepts *concepts, int set)
{
    return concepts->set[set].place;
}
