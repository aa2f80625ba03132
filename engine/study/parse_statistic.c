// The `statistics` section.
#include "study_read.h"
#include <string.h>

static const char *const verbs[] = {"attrition", "count", "prevalence"};
static const char *const keys[] = {"title", "note", "attrition", "count",    "prevalence",
                                   "by",    "in",   "total",     "interval", NULL};
static const char *const above[] = {"incidence", "survival",  "summary", "overlap",  "sql",
                                    "split",     "at_risk",   "clean",   "rate_per", "standardise",
                                    "at",        "competing", NULL};

static pc_status parse_by(pc_loader *loader, const pc_json *value, const pc_place *place,
                          pc_statistic *out)
{
    pc_status status = PC_OK;
    value = pc_value_of(loader, value);
    if (!pc_expect(loader, value, PC_JSON_ARRAY, place, &status)) return status;
    if (pc_json_count(value) > PC_STUDY_BY_MAX) {
        return pc_problem(loader, place, "type", "at most %d expressions", PC_STUDY_BY_MAX);
    }
    out->by = pc_arena_array(loader->study->arena, (size_t)pc_json_count(value), sizeof *out->by,
                             loader->err);
    if (out->by == NULL) return PC_NO_MEMORY;
    int index = 0;
    for (const pc_json *element = pc_json_first(value); element != NULL;
         element = pc_json_next(element), index++) {
        PC_TRY(pc_read_sql(loader, element, PC_PLACE_INDEX(place, index), &out->by[index]));
        if (out->by[index].text == NULL) return PC_OK;
        out->by_count++;
    }
    return PC_OK;
}

static pc_status check_verb_keys(pc_loader *loader, const pc_json *object, const pc_place *place,
                                 pc_statistic_kind kind)
{
    static const struct {
        const char *key;
        pc_statistic_kind kind;
    } belongs[] = {{"total", PC_STAT_COUNT}, {"interval", PC_STAT_PREVALENCE}};
    for (size_t i = 0; i < sizeof belongs / sizeof belongs[0]; i++) {
        if (kind == belongs[i].kind || pc_json_get(object, belongs[i].key) == NULL) continue;
        PC_TRY(pc_problem(loader, PC_PLACE_KEY(place, belongs[i].key), "key",
                          "'%s' belongs to '%s'", belongs[i].key, verbs[belongs[i].kind]));
    }
    for (int i = 0; kind == PC_STAT_ATTRITION && i < 2; i++) {
        const char *key = i == 0 ? "by" : "in";
        if (pc_json_get(object, key) == NULL) continue;
        PC_TRY(pc_problem(loader, PC_PLACE_KEY(place, key), "key", "'%s' is not for 'attrition'",
                          key));
    }
    if (kind == PC_STAT_PREVALENCE && pc_json_get(object, "in") == NULL) {
        return pc_problem(loader, place, "key", "'in' is missing: the cohort of the population");
    }
    return PC_OK;
}

static pc_status parse_statistic(pc_loader *loader, const pc_json *object, const pc_place *place,
                                 pc_statistic *out)
{
    int found = 0;
    PC_TRY(pc_check_keys(loader, object, place, keys, above));
    for (int i = 0; i < 3; i++) {
        if (pc_json_get(object, verbs[i]) == NULL) continue;
        found++;
        out->kind = (pc_statistic_kind)i;
    }
    if (found != 1) {
        return pc_problem(loader, place, "verb",
                          "expected one of 'attrition', 'count', 'prevalence'");
    }
    PC_TRY(pc_place_text(loader, place, &out->path));
    PC_TRY(pc_read_title(loader, object, place, &out->title));
    const char *verb = verbs[out->kind];
    PC_TRY(
        pc_read_ref(loader, pc_json_get(object, verb), PC_PLACE_KEY(place, verb), &out->timeline));
    PC_TRY(check_verb_keys(loader, object, place, out->kind));
    const pc_json *value = pc_json_get(object, "in");
    if (value != NULL) PC_TRY(pc_read_ref(loader, value, PC_PLACE_KEY(place, "in"), &out->in));
    value = pc_json_get(object, "by");
    if (value != NULL) PC_TRY(parse_by(loader, value, PC_PLACE_KEY(place, "by"), out));
    value = pc_json_get(object, "total");
    if (value != NULL)
        PC_TRY(pc_read_text(loader, value, PC_PLACE_KEY(place, "total"), &out->total));
    value = pc_json_get(object, "interval");
    if (value != NULL) {
        static const char *const intervals[] = {"wilson", "exact", NULL};
        int choice = 0;
        PC_TRY(pc_read_choice(loader, value, PC_PLACE_KEY(place, "interval"), intervals, &choice));
        out->is_exact = choice == 1;
    }
    return PC_OK;
}

pc_status pc_parse_statistics(pc_loader *loader, const pc_json *section)
{
    const pc_place root = {.key = "statistics"};
    pc_study *study = loader->study;
    pc_status status = PC_OK;
    if (!pc_expect(loader, section, PC_JSON_OBJECT, &root, &status)) return status;
    study->statistic = pc_arena_array(study->arena, (size_t)pc_json_count(section),
                                      sizeof *study->statistic, loader->err);
    if (study->statistic == NULL) return PC_NO_MEMORY;
    for (const pc_json *member = pc_json_first(section); member != NULL;
         member = pc_json_next(member)) {
        const char *name = pc_json_key(member);
        const pc_place place = {.up = &root, .key = name};
        if (!pc_name_is_plain(loader, name, &place, &status) ||
            !pc_expect(loader, member, PC_JSON_OBJECT, &place, &status)) {
            PC_TRY(status);
            continue;
        }
        pc_statistic *statistic = &study->statistic[study->statistic_count++];
        statistic->name = name;
        PC_TRY(parse_statistic(loader, member, &place, statistic));
    }
    return PC_OK;
}
