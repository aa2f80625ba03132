// `exit` of a cohort: the candidates that may end its records.
#include <string.h>
#include "study_read.h"

/** The first record of T that starts on or after this one's start: its first day. */
static pc_status look_for_start(pc_loader *loader, pc_condition *look)
{
    if (look->window == NULL) {
        look->window = pc_arena_array(loader->study->arena, 1, sizeof *look->window, loader->err);
        if (look->window == NULL) return PC_NO_MEMORY;
    }
    look->take = "start_date";
    look->window[look->window_count++] =
        (pc_window){.unit = PC_WINDOW_DAYS, .pair = {.is_given = true, .has_low = true}};
    return PC_OK;
}

/** The record of T that holds this one's start: its last day. */
static pc_status look_for_end(pc_loader *loader, pc_condition *look)
{
    look->take = "end_date";
    look->window_count = 1;
    look->window = pc_arena_array(loader->study->arena, 1, sizeof *look->window, loader->err);
    if (look->window == NULL) return PC_NO_MEMORY;
    look->window[0] = (pc_window){.unit = PC_WINDOW_DAYS,
                                  .pair = {.is_given = true, .has_low = true, .has_high = true},
                                  .part = PC_PART_OVERLAP};
    return PC_OK;
}

static pc_status new_look(pc_loader *loader, const pc_place *place, pc_condition **out)
{
    *out = pc_arena_take(loader->study->arena, sizeof **out, loader->err);
    if (*out == NULL) return PC_NO_MEMORY;
    (*out)->verb = PC_VERB_FIRST;
    return pc_place_text(loader, place, &(*out)->path);
}

static pc_status parse_plus(pc_loader *loader, const pc_json *object, const pc_place *place,
                            pc_exit *out)
{
    const pc_json *plus = pc_json_get(object, "plus");
    if (plus != NULL) {
        PC_TRY(pc_read_range(loader, plus, PC_PLACE_KEY(place, "plus"), -1000000, 1000000,
                             &out->plus));
    }
    const pc_json *months = pc_json_get(object, "plus_months");
    if (months == NULL) return PC_OK;
    return pc_read_range(loader, months, PC_PLACE_KEY(place, "plus_months"), -12000, 12000,
                         &out->months);
}

/** An object with `start_of`, `end_of` or `anchor`. */
static pc_status parse_object(pc_loader *loader, const pc_json *object, const pc_place *place,
                              pc_exit *out)
{
    static const char *const looking[] = {"start_of",  "days", "months",      "years",  "dates",
                                          "anchor",    "date", "windows",     "during", "same",
                                          "different", "plus", "plus_months", "reason", "title",
                                          "note",      NULL};
    static const char *const plain[] = {"start_of", "end_of", "anchor", "plus", "plus_months",
                                        "reason",   "title",  "note",   NULL};
    static const char *const anchors[] = {"start", "end", NULL};
    const bool looks = pc_json_get(object, "start_of") != NULL;
    const bool ends = pc_json_get(object, "end_of") != NULL;
    PC_TRY(pc_check_keys(loader, object, place, looks ? looking : plain, NULL));
    PC_TRY(parse_plus(loader, object, place, out));
    const pc_json *anchor = pc_json_get(object, "anchor");
    if (ends && (looks || anchor != NULL)) {
        return pc_problem(loader, place, "verb",
                          "expected one of 'start_of', 'end_of' and 'anchor'");
    }
    if (looks || ends) PC_TRY(new_look(loader, place, &out->look));
    if (looks) {
        PC_TRY(pc_parse_look(loader, object, "start_of", place, out->look));
        PC_TRY(look_for_start(loader, out->look));
    } else if (ends) {
        PC_TRY(pc_read_ref(loader, pc_json_get(object, "end_of"), PC_PLACE_KEY(place, "end_of"),
                           &out->look->timeline));
        PC_TRY(look_for_end(loader, out->look));
    } else if (anchor != NULL) {
        int choice = 0;
        PC_TRY(pc_read_choice(loader, anchor, PC_PLACE_KEY(place, "anchor"), anchors, &choice));
        out->from_end = choice == 1;
    }
    const bool is_named = out->look != NULL && out->look->timeline != NULL;
    out->reason = is_named ? out->look->timeline->name : "plus";
    const pc_json *reason = pc_json_get(object, "reason");
    if (reason == NULL) return PC_OK;
    const char *text = NULL;
    PC_TRY(pc_read_text(loader, reason, PC_PLACE_KEY(place, "reason"), &text));
    if (text != NULL) out->reason = text;
    return PC_OK;
}

static pc_status parse_exit(pc_loader *loader, const pc_json *value, const pc_place *place,
                            pc_exit *out)
{
    pc_status status = PC_OK;
    value = pc_value_of(loader, value);
    PC_TRY(pc_place_text(loader, place, &out->path));
    out->reason = "plus";
    if (pc_json_kind_of(value) != PC_JSON_TEXT) {
        if (!pc_expect(loader, value, PC_JSON_OBJECT, place, &status)) return status;
        return parse_object(loader, value, place, out);
    }
    PC_TRY(new_look(loader, place, &out->look));
    PC_TRY(pc_read_ref(loader, value, place, &out->look->timeline));
    if (out->look->timeline != NULL) out->reason = out->look->timeline->name;
    return look_for_start(loader, out->look);
}

pc_status pc_parse_exits(pc_loader *loader, const pc_json *value, const pc_place *place,
                         pc_def *def)
{
    pc_status status = PC_OK;
    value = pc_value_of(loader, value);
    if (!pc_expect(loader, value, PC_JSON_ARRAY, place, &status)) return status;
    if (pc_json_count(value) == 0) {
        return pc_problem(loader, place, "type", "expected at least one way to leave");
    }
    def->exit = pc_arena_array(loader->study->arena, (size_t)pc_json_count(value),
                               sizeof *def->exit, loader->err);
    if (def->exit == NULL) return PC_NO_MEMORY;
    int index = 0;
    for (const pc_json *member = pc_json_first(value); member != NULL;
         member = pc_json_next(member), index++) {
        PC_TRY(parse_exit(loader, member, PC_PLACE_INDEX(place, index),
                          &def->exit[def->exit_count++]));
    }
    return PC_OK;
}
