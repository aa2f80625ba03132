// `match` of a cohort's entry.
#include <string.h>
#include "study_read.h"

static pc_status parse_on(pc_loader *loader, const pc_json *value, const pc_place *place,
                          pc_match *out)
{
    pc_status status = PC_OK;
    value = pc_value_of(loader, value);
    if (!pc_expect(loader, value, PC_JSON_ARRAY, place, &status)) return status;
    out->on = pc_arena_array(loader->study->arena, (size_t)pc_json_count(value) + 1,
                             sizeof *out->on, loader->err);
    if (out->on == NULL) return PC_NO_MEMORY;
    if (pc_json_count(value) > PC_STUDY_BY_MAX) {
        return pc_problem(loader, place, "type", "at most %d expressions", PC_STUDY_BY_MAX);
    }
    for (const pc_json *member = pc_json_first(value); member != NULL;
         member = pc_json_next(member), out->on_count++) {
        PC_TRY(pc_read_sql(loader, member, PC_PLACE_INDEX(place, out->on_count),
                           &out->on[out->on_count]));
        if (out->on[out->on_count].text == NULL) return PC_OK;
    }
    return PC_OK;
}

static pc_status parse_near(pc_loader *loader, const pc_json *value, const pc_place *place,
                            pc_match *out)
{
    pc_arena *arena = loader->study->arena;
    pc_status status = PC_OK;
    value = pc_value_of(loader, value);
    if (!pc_expect(loader, value, PC_JSON_OBJECT, place, &status)) return status;
    const size_t count = (size_t)pc_json_count(value) + 1;
    out->near = pc_arena_array(arena, count, sizeof *out->near, loader->err);
    out->apart = pc_arena_array(arena, count, sizeof *out->apart, loader->err);
    if (out->near == NULL || out->apart == NULL) return PC_NO_MEMORY;
    if (pc_json_count(value) > PC_STUDY_BY_MAX) {
        return pc_problem(loader, place, "type", "at most %d columns", PC_STUDY_BY_MAX);
    }
    for (const pc_json *member = pc_json_first(value); member != NULL;
         member = pc_json_next(member)) {
        const pc_place at = {.up = place, .key = pc_json_key(member)};
        pc_sql_text *near = &out->near[out->near_count];
        PC_TRY(pc_place_text(loader, &at, &near->path));
        near->text = pc_json_key(member);
        PC_TRY(pc_read_range(loader, member, &at, 0, 1000000, &out->apart[out->near_count]));
        out->near_count++;
    }
    return PC_OK;
}

static pc_status parse_numbers(pc_loader *loader, const pc_json *object, const pc_place *place,
                               pc_match *out)
{
    const pc_json *value = pc_json_get(object, "ratio");
    if (value == NULL) {
        PC_TRY(pc_problem(loader, place, "key", "'ratio' is missing: controls of a case"));
    } else {
        PC_TRY(pc_read_range(loader, value, PC_PLACE_KEY(place, "ratio"), 1, 1000, &out->ratio));
    }
    value = pc_json_get(object, "seed");
    if (value != NULL) {
        PC_TRY(pc_read_range(loader, value, PC_PLACE_KEY(place, "seed"), 0, INT64_C(1) << 53,
                             &out->seed));
    }
    value = pc_value_of(loader, pc_json_get(object, "reuse"));
    pc_status status = PC_OK;
    if (value == NULL) return PC_OK;
    if (!pc_expect(loader, value, PC_JSON_BOOL, PC_PLACE_KEY(place, "reuse"), &status)) {
        return status;
    }
    out->reuse = pc_json_bool(value);
    return PC_OK;
}

/** The two timelines, as inputs of the timeline of sets. */
static pc_status parse_sides(pc_loader *loader, const pc_json *object, const pc_place *place,
                             pc_def *def)
{
    static const char *const sides[] = {"cases", "controls"};
    def->from = pc_arena_array(loader->study->arena, 2, sizeof *def->from, loader->err);
    if (def->from == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < 2; i++) {
        const pc_json *value = pc_json_get(object, sides[i]);
        if (value == NULL) {
            PC_TRY(pc_problem(loader, place, "key", "'%s' is missing", sides[i]));
            continue;
        }
        pc_ref *ref = NULL;
        PC_TRY(pc_read_ref(loader, value, PC_PLACE_KEY(place, sides[i]), &ref));
        if (ref != NULL) def->from[def->from_count++] = ref;
    }
    if (def->from_count < 2) def->from_count = 0;
    return PC_OK;
}

pc_status pc_parse_match(pc_loader *loader, const pc_json *value, const pc_place *place,
                         pc_def *cohort)
{
    static const char *const keys[] = {"cases", "controls", "on",   "near", "ratio",
                                       "reuse", "seed",     "note", NULL};
    pc_arena *arena = loader->study->arena;
    pc_status status = PC_OK;
    value = pc_value_of(loader, value);
    if (!pc_expect(loader, value, PC_JSON_OBJECT, place, &status)) return status;
    PC_TRY(pc_check_keys(loader, value, place, keys, NULL));
    pc_def *def = NULL;
    pc_match *match = pc_arena_take(arena, sizeof *match, loader->err);
    pc_ref *ref = pc_arena_take(arena, sizeof *ref, loader->err);
    cohort->from = pc_arena_array(arena, 1, sizeof *cohort->from, loader->err);
    if (match == NULL || ref == NULL || cohort->from == NULL) return PC_NO_MEMORY;
    PC_TRY(pc_def_add(loader, PC_DEF_MATCH, "match", place, &def));
    def->is_anonymous = true;
    def->name = match->path = def->path;
    def->match = match;
    match->ratio = 1;
    PC_TRY(parse_sides(loader, value, place, def));
    PC_TRY(parse_numbers(loader, value, place, match));
    const pc_json *on = pc_json_get(value, "on"), *near = pc_json_get(value, "near");
    if (on != NULL) PC_TRY(parse_on(loader, on, PC_PLACE_KEY(place, "on"), match));
    if (near != NULL) PC_TRY(parse_near(loader, near, PC_PLACE_KEY(place, "near"), match));
    *ref = (pc_ref){.name = def->name, .path = def->path, .doc = loader->doc, .def = def};
    cohort->from[0] = ref;
    cohort->from_count = def->from_count == 2 ? 1 : 0;
    return PC_OK;
}
