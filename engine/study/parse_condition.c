// Conditions and measures: one verb, a look through windows at a timeline, a bound.
#include "study_read.h"
#include <string.h>

typedef struct verb_rule {
    const char *key;
    bool has_timeline; ///< the verb's value is the name of a timeline
    bool has_bound;    ///< as a condition it needs at_least, at_most or exactly
    bool is_condition, is_measure;
} verb_rule;

static const verb_rule verb_rules[PC_VERB_COUNT_OF_VERBS] = {
    [PC_VERB_SOME] = {"some", true, false, true, true},
    [PC_VERB_NONE] = {"none", true, false, true, true},
    [PC_VERB_COUNT] = {"count", true, true, true, true},
    [PC_VERB_SUM] = {"sum", true, true, true, true},
    [PC_VERB_FIRST] = {"first", true, true, true, true},
    [PC_VERB_LAST] = {"last", true, true, true, true},
    [PC_VERB_DAYS_OF] = {"days_of", true, true, true, true},
    [PC_VERB_SHARE_OF] = {"share_of", true, true, true, true},
    [PC_VERB_COVERED_BY] = {"covered_by", true, false, true, true},
    [PC_VERB_AGE] = {"age", false, false, true, false},
    [PC_VERB_AGE_IN_YEAR] = {"age_in_year", false, false, true, false},
    [PC_VERB_SEX] = {"sex", false, false, true, false},
    [PC_VERB_WHERE] = {"where", false, false, true, false},
    [PC_VERB_ALL] = {"all", false, false, true, false},
    [PC_VERB_ANY] = {"any", false, false, true, false},
    [PC_VERB_NOT] = {"not", false, false, true, false},
    [PC_VERB_OF] = {"of", false, true, true, false},
    [PC_VERB_TAKE] = {"take", false, false, false, true}};

static const char *const window_keys[] = {"days",   "months", "years", "dates",
                                          "anchor", "date",   NULL};
static const char *const condition_keys[] = {
    "title",   "note",    "some",     "none",       "count",  "sum",         "first",
    "last",    "days_of", "share_of", "covered_by", "age",    "age_in_year", "sex",
    "where",   "all",     "any",      "not",        "of",     "take",        "at_least",
    "at_most", "exactly", "distinct", "days",       "months", "years",       "dates",
    "anchor",  "date",    "windows",  "during",     "same",   "different",   NULL};

static pc_status parse_window(pc_loader *loader, const pc_json *object, const pc_place *place,
                              pc_window *window)
{
    static const char *const unit_key[] = {"", "days", "months", "years", "dates"};
    static const char *const anchors[] = {"start", "end", NULL};
    static const char *const parts[] = {"start", "end", "overlap", "within", NULL};
    *window = (pc_window){.unit = PC_WINDOW_ALL};
    for (int unit = PC_WINDOW_DAYS; unit <= PC_WINDOW_DATES; unit++) {
        const pc_json *value = pc_json_get(object, unit_key[unit]);
        if (value == NULL) continue;
        if (window->unit != PC_WINDOW_ALL) {
            PC_TRY(pc_problem(loader, place, "window",
                              "a window has one unit, not both '%s' and '%s'",
                              unit_key[window->unit], unit_key[unit]));
        }
        window->unit = (pc_window_unit)unit;
        PC_TRY(pc_read_pair(loader, value, PC_PLACE_KEY(place, unit_key[unit]),
                            unit == PC_WINDOW_DATES, &window->pair));
    }
    int choice = 0;
    const pc_json *anchor = pc_json_get(object, "anchor");
    if (anchor != NULL) {
        PC_TRY(pc_read_choice(loader, anchor, PC_PLACE_KEY(place, "anchor"), anchors, &choice));
        window->from_end = choice == 1;
    }
    const pc_json *date = pc_json_get(object, "date");
    choice = 0;
    if (date != NULL) {
        PC_TRY(pc_read_choice(loader, date, PC_PLACE_KEY(place, "date"), parts, &choice));
    }
    window->part = choice < 0 ? PC_PART_START : (pc_window_part)choice;
    return PC_OK;
}

/** The window written in the condition itself and those of its list. */
static pc_status parse_windows(pc_loader *loader, const pc_json *object, const pc_place *place,
                               pc_condition *out)
{
    const pc_json *list = pc_value_of(loader, pc_json_get(object, "windows"));
    const pc_place at = {.up = place, .key = "windows"};
    pc_status status = PC_OK;
    if (list != NULL && !pc_expect(loader, list, PC_JSON_ARRAY, &at, &status)) return status;
    const int listed = list == NULL ? 0 : pc_json_count(list);
    out->window =
        pc_arena_array(loader->study->arena, (size_t)listed + 2, sizeof *out->window, loader->err);
    if (out->window == NULL) return PC_NO_MEMORY;
    bool has_own = listed == 0;
    if (listed > PC_STUDY_WINDOW_MAX - 3) {
        return pc_problem(loader, &at, "window", "more than %d windows", PC_STUDY_WINDOW_MAX - 3);
    }
    for (int i = 0; window_keys[i] != NULL; i++) {
        has_own = has_own || pc_json_get(object, window_keys[i]) != NULL;
    }
    if (has_own) PC_TRY(parse_window(loader, object, place, &out->window[out->window_count++]));
    int index = 0;
    for (const pc_json *element = list == NULL ? NULL : pc_json_first(list); element != NULL;
         element = pc_json_next(element), index++) {
        const pc_place nth = {.up = &at, .index = index};
        if (!pc_expect(loader, element, PC_JSON_OBJECT, &nth, &status)) {
            PC_TRY(status);
            continue;
        }
        PC_TRY(pc_check_keys(loader, element, &nth, window_keys, NULL));
        PC_TRY(parse_window(loader, element, &nth, &out->window[out->window_count++]));
    }
    return PC_OK;
}

static pc_status parse_bound_value(pc_loader *loader, const pc_json *object, const pc_place *place,
                                   const char *key, bool *has, double *out)
{
    const pc_json *value = pc_value_of(loader, pc_json_get(object, key));
    if (value == NULL) return PC_OK;
    pc_status status = PC_OK;
    if (!pc_expect(loader, value, PC_JSON_NUMBER, PC_PLACE_KEY(place, key), &status)) return status;
    *has = true;
    *out = pc_json_number(value);
    return PC_OK;
}

static pc_status parse_bound(pc_loader *loader, const pc_json *object, const pc_place *place,
                             bool is_measure, pc_condition *out)
{
    bool has_exactly = false;
    double exactly = 0;
    PC_TRY(parse_bound_value(loader, object, place, "at_least", &out->has_least, &out->least));
    PC_TRY(parse_bound_value(loader, object, place, "at_most", &out->has_most, &out->most));
    PC_TRY(parse_bound_value(loader, object, place, "exactly", &has_exactly, &exactly));
    const bool has_range = out->has_least || out->has_most;
    const char *verb = verb_rules[out->verb].key;
    if (has_exactly && has_range) {
        return pc_problem(loader, place, "bound", "'exactly' stands alone");
    }
    if (has_exactly) {
        out->has_least = out->has_most = true;
        out->least = out->most = exactly;
    }
    if ((has_exactly || has_range) && (is_measure || !verb_rules[out->verb].has_bound)) {
        return pc_problem(loader, place, "bound", "%s '%s' takes no bound",
                          is_measure ? "the measure" : "the verb", verb);
    }
    if (!is_measure && verb_rules[out->verb].has_bound && !has_exactly && !has_range) {
        return pc_problem(loader, place, "bound", "'%s' needs at_least, at_most or exactly", verb);
    }
    if (out->has_least && out->has_most && out->least > out->most) {
        return pc_problem(loader, place, "bound", "at_least is above at_most: nothing can pass");
    }
    if (out->verb == PC_VERB_OF && out->has_least && out->least > out->child_count) {
        return pc_problem(loader, place, "bound", "only %d conditions are listed",
                          out->child_count);
    }
    return PC_OK;
}

pc_status pc_parse_look(pc_loader *loader, const pc_json *object, const char *key,
                        const pc_place *place, pc_condition *out)
{
    PC_TRY(pc_read_ref(loader, pc_json_get(object, key), PC_PLACE_KEY(place, key), &out->timeline));
    PC_TRY(parse_windows(loader, object, place, out));
    const pc_json *value = pc_json_get(object, "during");
    if (value != NULL) {
        PC_TRY(pc_read_ref(loader, value, PC_PLACE_KEY(place, "during"), &out->during));
    }
    value = pc_json_get(object, "same");
    if (value != NULL) {
        PC_TRY(pc_read_names(loader, value, PC_PLACE_KEY(place, "same"), &out->same));
    }
    value = pc_json_get(object, "different");
    if (value != NULL) {
        PC_TRY(pc_read_names(loader, value, PC_PLACE_KEY(place, "different"), &out->different));
    }
    return PC_OK;
}

/** Does the look have two ends: fixed or from `during`. */
static bool has_two_ends(const pc_condition *c)
{
    bool has_low = c->during != NULL, has_high = c->during != NULL;
    for (int i = 0; i < c->window_count; i++) {
        has_low = has_low || c->window[i].pair.has_low;
        has_high = has_high || c->window[i].pair.has_high;
    }
    return has_low && has_high;
}

/** A timeline verb's other keys: those of the look, distinct, take. */
static pc_status parse_timeline_verb(pc_loader *loader, const pc_json *object,
                                     const pc_place *place, pc_condition *out)
{
    const char *key = verb_rules[out->verb].key;
    PC_TRY(pc_parse_look(loader, object, key, place, out));
    const pc_json *value = pc_json_get(object, "distinct");
    if (value != NULL) {
        PC_TRY(pc_read_text(loader, value, PC_PLACE_KEY(place, "distinct"), &out->distinct));
        if (out->verb != PC_VERB_COUNT) {
            PC_TRY(pc_problem(loader, PC_PLACE_KEY(place, "distinct"), "key",
                              "'distinct' belongs to 'count'"));
        }
    }
    const bool takes = out->verb == PC_VERB_FIRST || out->verb == PC_VERB_LAST;
    value = takes ? pc_json_get(object, "take") : NULL;
    if (value != NULL) {
        PC_TRY(pc_read_text(loader, value, PC_PLACE_KEY(place, "take"), &out->take));
        if (out->take != NULL && strcmp(out->take, "days") == 0) out->take = NULL;
    }
    const bool needs_ends = out->verb == PC_VERB_DAYS_OF || out->verb == PC_VERB_SHARE_OF ||
                            out->verb == PC_VERB_COVERED_BY;
    if (needs_ends && !has_two_ends(out)) {
        return pc_problem(loader, place, "window", "'%s' needs a window with two ends", key);
    }
    return PC_OK;
}

static pc_status parse_anchor_verb(pc_loader *loader, const pc_json *object, const pc_place *place,
                                   int depth, pc_condition *out)
{
    const char *key = verb_rules[out->verb].key;
    const pc_json *value = pc_value_of(loader, pc_json_get(object, key));
    const pc_place at = {.up = place, .key = key};
    switch (out->verb) {
        case PC_VERB_AGE:
        case PC_VERB_AGE_IN_YEAR: {
            pc_pair pair;
            PC_TRY(pc_read_pair(loader, value, &at, false, &pair));
            out->has_least = pair.has_low;
            out->has_most = pair.has_high;
            out->least = (double)pair.low;
            out->most = (double)pair.high;
            return PC_OK;
        }
        case PC_VERB_SEX: {
            static const char *const sexes[] = {"F", "M", NULL};
            int choice = -1;
            PC_TRY(pc_read_choice(loader, value, &at, sexes, &choice));
            out->sex = choice == 1 ? 'M' : 'F';
            return PC_OK;
        }
        case PC_VERB_NOT: {
            out->child = pc_arena_array(loader->study->arena, 1, sizeof *out->child, loader->err);
            if (out->child == NULL) return PC_NO_MEMORY;
            int count = 0;
            pc_condition **child = NULL;
            PC_TRY(pc_parse_conditions(loader, value, &at, depth + 1, &count, &child));
            out->child_count = count;
            out->child = child;
            return PC_OK;
        }
        case PC_VERB_WHERE:
        case PC_VERB_TAKE:
            return pc_read_sql(loader, value, &at, &out->sql);
        default: {
            pc_status status = PC_OK;
            if (!pc_expect(loader, value, PC_JSON_ARRAY, &at, &status)) return status;
            PC_TRY(
                pc_parse_conditions(loader, value, &at, depth + 1, &out->child_count, &out->child));
            if (out->verb == PC_VERB_ANY && pc_json_count(value) == 0) {
                return pc_problem(loader, &at, "verb", "'any' of nothing is never true");
            }
            return PC_OK;
        }
    }
}

/** The one verb of an object, or PC_VERB_COUNT_OF_VERBS after a problem. */
static pc_status find_verb(pc_loader *loader, const pc_json *object, const pc_place *place,
                           bool is_measure, pc_verb *out)
{
    int found = 0;
    *out = PC_VERB_COUNT_OF_VERBS;
    for (int verb = 0; verb < PC_VERB_COUNT_OF_VERBS; verb++) {
        const bool fits = is_measure ? verb_rules[verb].is_measure : verb_rules[verb].is_condition;
        if (!fits || pc_json_get(object, verb_rules[verb].key) == NULL) continue;
        // `take` beside `first` and `last` is their key, not a verb.
        if (verb == PC_VERB_TAKE && found > 0) continue;
        found++;
        *out = (pc_verb)verb;
    }
    if (found == 1) return PC_OK;
    *out = PC_VERB_COUNT_OF_VERBS;
    return pc_problem(loader, place, "verb",
                      found == 0 ? "expected a verb such as 'some', 'none', "
                                   "'count'"
                                 : "expected one verb, not several");
}

static pc_status parse_condition(pc_loader *loader, const pc_json *object, const pc_place *place,
                                 int depth, bool is_measure, pc_condition **out)
{
    *out = NULL;
    pc_status status = PC_OK;
    object = pc_value_of(loader, object);
    if (!pc_expect(loader, object, PC_JSON_OBJECT, place, &status)) return status;
    if (depth > PC_STUDY_DEPTH_MAX / 2) {
        return pc_problem(loader, place, "verb", "conditions are nested deeper than %d",
                          PC_STUDY_DEPTH_MAX / 2);
    }
    PC_TRY(pc_check_keys(loader, object, place, condition_keys, NULL));
    pc_verb verb = PC_VERB_COUNT_OF_VERBS;
    PC_TRY(find_verb(loader, object, place, is_measure, &verb));
    if (verb == PC_VERB_COUNT_OF_VERBS) return PC_OK;
    pc_condition *condition = pc_arena_take(loader->study->arena, sizeof *condition, loader->err);
    if (condition == NULL) return PC_NO_MEMORY;
    condition->verb = verb;
    PC_TRY(pc_place_text(loader, place, &condition->path));
    PC_TRY(pc_read_title(loader, object, place, &condition->title));
    if (verb_rules[verb].has_timeline) {
        PC_TRY(parse_timeline_verb(loader, object, place, condition));
    } else {
        PC_TRY(parse_anchor_verb(loader, object, place, depth, condition));
    }
    if (verb != PC_VERB_AGE && verb != PC_VERB_AGE_IN_YEAR) {
        PC_TRY(parse_bound(loader, object, place, is_measure, condition));
    }
    *out = condition;
    return PC_OK;
}

pc_status pc_parse_conditions(pc_loader *loader, const pc_json *value, const pc_place *place,
                              int depth, int *count, pc_condition ***out)
{
    *count = 0;
    value = pc_value_of(loader, value);
    const bool is_list = pc_json_kind_of(value) == PC_JSON_ARRAY;
    const int listed = is_list ? pc_json_count(value) : 1;
    *out = pc_arena_array(loader->study->arena, (size_t)listed + 1, sizeof **out, loader->err);
    if (*out == NULL) return PC_NO_MEMORY;
    const pc_json *element = is_list ? pc_json_first(value) : value;
    for (int i = 0; i < listed; i++) {
        pc_condition *condition = NULL;
        PC_TRY(parse_condition(loader, element, is_list ? PC_PLACE_INDEX(place, i) : place, depth,
                               false, &condition));
        if (condition != NULL) (*out)[(*count)++] = condition;
        if (is_list) element = pc_json_next(element);
    }
    return PC_OK;
}

pc_status pc_parse_measures(pc_loader *loader, const pc_json *value, const pc_place *place,
                            int *count, pc_condition ***out)
{
    *count = 0;
    pc_status status = PC_OK;
    value = pc_value_of(loader, value);
    if (!pc_expect(loader, value, PC_JSON_OBJECT, place, &status)) return status;
    *out = pc_arena_array(loader->study->arena, (size_t)pc_json_count(value) + 1, sizeof **out,
                          loader->err);
    if (*out == NULL) return PC_NO_MEMORY;
    for (const pc_json *member = pc_json_first(value); member != NULL;
         member = pc_json_next(member)) {
        const pc_place at = {.up = place, .key = pc_json_key(member)};
        if (!pc_name_is_good(loader, pc_json_key(member), &at, &status)) {
            PC_TRY(status);
            continue;
        }
        pc_condition *measure = NULL;
        PC_TRY(parse_condition(loader, member, &at, 0, true, &measure));
        if (measure == NULL) continue;
        measure->name = pc_json_key(member);
        (*out)[(*count)++] = measure;
    }
    return PC_OK;
}
