// The `statistics` section.
#include <string.h>
#include "study_read.h"

#define BIT(kind) (1U << (kind))

static const char *const verbs[PC_STAT_COUNT_OF_KINDS] = {
    "attrition", "count", "prevalence", "incidence", "survival", "summary", "overlap", "sql"};
/** Which verbs a key belongs to. */
static const struct {
    const char *key;
    unsigned kinds;
} belongs[] = {{"by", BIT(PC_STAT_COUNT) | BIT(PC_STAT_PREVALENCE) | BIT(PC_STAT_INCIDENCE) |
                          BIT(PC_STAT_SURVIVAL) | BIT(PC_STAT_SUMMARY)},
               {"in", ~(BIT(PC_STAT_ATTRITION) | BIT(PC_STAT_SQL))},
               {"total", BIT(PC_STAT_COUNT)},
               {"interval", BIT(PC_STAT_PREVALENCE)},
               {"standardise", BIT(PC_STAT_PREVALENCE) | BIT(PC_STAT_INCIDENCE)},
               {"split", BIT(PC_STAT_INCIDENCE)},
               {"at_risk", BIT(PC_STAT_INCIDENCE)},
               {"clean", BIT(PC_STAT_INCIDENCE)},
               {"rate_per", BIT(PC_STAT_INCIDENCE)},
               {"at", BIT(PC_STAT_SURVIVAL)},
               {"competing", BIT(PC_STAT_SURVIVAL)}};
static const char *const keys[] = {
    "title",    "note",        "attrition", "count",   "prevalence", "incidence",
    "survival", "summary",     "overlap",   "by",      "in",         "total",
    "interval", "standardise", "split",     "at_risk", "clean",      "rate_per",
    "at",       "competing",   "sql",       NULL};

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

/** `at`: days, ascending. */
static pc_status parse_at(pc_loader *loader, const pc_json *value, const pc_place *place,
                          pc_statistic *out)
{
    pc_status status = PC_OK;
    value = pc_value_of(loader, value);
    if (!pc_expect(loader, value, PC_JSON_ARRAY, place, &status)) return status;
    out->at = pc_arena_array(loader->study->arena, (size_t)pc_json_count(value) + 1,
                             sizeof *out->at, loader->err);
    if (out->at == NULL) return PC_NO_MEMORY;
    int64_t last = -1;
    int index = 0;
    for (const pc_json *element = pc_json_first(value); element != NULL;
         element = pc_json_next(element), index++) {
        int64_t day = -1;
        const pc_place *nth = PC_PLACE_INDEX(place, index);
        PC_TRY(pc_read_range(loader, element, nth, 0, 1000000, &day));
        if (day < 0) continue;
        if (day <= last) PC_TRY(pc_problem(loader, nth, "type", "expected days in order"));
        last = day;
        out->at[out->at_count++] = day;
    }
    return PC_OK;
}

static pc_status check_verb_keys(pc_loader *loader, const pc_json *object, const pc_place *place,
                                 pc_statistic_kind kind)
{
    for (size_t i = 0; i < sizeof belongs / sizeof belongs[0]; i++) {
        const bool fits = (belongs[i].kinds & BIT(kind)) != 0;
        if (fits || pc_json_get(object, belongs[i].key) == NULL) continue;
        PC_TRY(pc_problem(loader, PC_PLACE_KEY(place, belongs[i].key), "key",
                          "'%s' is not for '%s'", belongs[i].key, verbs[kind]));
    }
    const unsigned need_in = BIT(PC_STAT_PREVALENCE) | BIT(PC_STAT_INCIDENCE) |
                             BIT(PC_STAT_SURVIVAL) | BIT(PC_STAT_SUMMARY);
    if ((need_in & BIT(kind)) != 0 && pc_json_get(object, "in") == NULL) {
        return pc_problem(loader, place, "key", "'in' is missing: the cohort of the population");
    }
    return PC_OK;
}

/** Keys of `incidence`. */
static pc_status parse_incidence(pc_loader *loader, const pc_json *object, const pc_place *place,
                                 pc_statistic *out)
{
    const pc_json *value = pc_json_get(object, "split");
    out->clean = -1;
    out->rate_per = 100000;
    if (value != NULL) {
        PC_TRY(pc_read_refs(loader, value, PC_PLACE_KEY(place, "split"), &out->by_year,
                            &out->split_count, &out->split));
        if (out->split_count > PC_STUDY_BY_MAX) {
            PC_TRY(pc_problem(loader, PC_PLACE_KEY(place, "split"), "type", "at most %d timelines",
                              PC_STUDY_BY_MAX));
        }
    }
    value = pc_json_get(object, "at_risk");
    if (value != NULL) {
        PC_TRY(pc_read_pair(loader, value, PC_PLACE_KEY(place, "at_risk"), false, &out->at_risk));
    }
    value = pc_json_get(object, "clean");
    if (value != NULL) {
        PC_TRY(pc_read_range(loader, value, PC_PLACE_KEY(place, "clean"), 0, 1000000, &out->clean));
    }
    value = pc_json_get(object, "rate_per");
    if (value == NULL) return PC_OK;
    int64_t per = 100000;
    PC_TRY(pc_read_range(loader, value, PC_PLACE_KEY(place, "rate_per"), 1, 1000000000, &per));
    out->rate_per = (double)per;
    return PC_OK;
}

/** The value of the verb: a timeline, a list of timelines or of measures. */
static pc_status parse_subject(pc_loader *loader, const pc_json *value, const pc_place *place,
                               pc_statistic *out)
{
    if (out->kind == PC_STAT_SUMMARY) {
        PC_TRY(pc_read_names(loader, value, place, &out->measures));
        if (out->measures.count > 0) return PC_OK;
        return pc_problem(loader, place, "type", "expected at least one measure");
    }
    if (out->kind == PC_STAT_SQL) return pc_read_sql(loader, value, place, &out->sql);
    if (out->kind == PC_STAT_OVERLAP) {
        PC_TRY(pc_read_refs(loader, value, place, NULL, &out->of_count, &out->of));
        if (out->of_count >= 2) return PC_OK;
        return pc_problem(loader, place, "type", "expected at least two timelines");
    }
    return pc_read_ref(loader, value, place, &out->timeline);
}

/** `standardise`: a standard population of the model. */
static pc_status parse_population(pc_loader *loader, const pc_json *value, const pc_place *place,
                                  pc_statistic *out)
{
    const pc_model *model = loader->study->model;
    const char *name = NULL;
    PC_TRY(pc_read_text(loader, value, place, &name));
    if (name == NULL) return PC_OK;
    const int found = pc_model_find_population(model, pc_span_of(name));
    if (found >= 0) {
        out->population = &model->population[found];
        return PC_OK;
    }
    const char *known[16];
    int count = 0;
    for (; count < 16 && count < model->population_count; count++)
        known[count] = model->population[count].name;
    return pc_problem(loader, place, "name", "model %s has no standard population '%.80s'%s",
                      model->name, name, pc_did_you_mean(loader->study, name, known, count));
}

static pc_status parse_common(pc_loader *loader, const pc_json *object, const pc_place *place,
                              pc_statistic *out)
{
    static const char *const intervals[] = {"wilson", "exact", NULL};
    int choice = 0;
    const pc_json *value = pc_json_get(object, "in");
    if (value != NULL) PC_TRY(pc_read_ref(loader, value, PC_PLACE_KEY(place, "in"), &out->in));
    value = pc_json_get(object, "by");
    if (value != NULL) PC_TRY(parse_by(loader, value, PC_PLACE_KEY(place, "by"), out));
    value = pc_json_get(object, "total");
    if (value != NULL)
        PC_TRY(pc_read_text(loader, value, PC_PLACE_KEY(place, "total"), &out->total));
    value = pc_json_get(object, "interval");
    if (value != NULL) {
        PC_TRY(pc_read_choice(loader, value, PC_PLACE_KEY(place, "interval"), intervals, &choice));
        out->is_exact = choice == 1;
    }
    value = pc_json_get(object, "standardise");
    if (value != NULL) {
        PC_TRY(parse_population(loader, value, PC_PLACE_KEY(place, "standardise"), out));
    }
    value = pc_json_get(object, "at");
    if (value != NULL) PC_TRY(parse_at(loader, value, PC_PLACE_KEY(place, "at"), out));
    value = pc_json_get(object, "competing");
    if (value == NULL) return PC_OK;
    return pc_read_refs(loader, value, PC_PLACE_KEY(place, "competing"), NULL, &out->of_count,
                        &out->of);
}

static pc_status parse_statistic(pc_loader *loader, const pc_json *object, const pc_place *place,
                                 pc_statistic *out)
{
    int found = 0;
    out->total_column = -1;
    PC_TRY(pc_check_keys(loader, object, place, keys, NULL));
    for (int i = 0; i < PC_STAT_COUNT_OF_KINDS; i++) {
        if (pc_json_get(object, verbs[i]) == NULL) continue;
        found++;
        out->kind = (pc_statistic_kind)i;
    }
    if (found != 1) {
        return pc_problem(loader, place, "verb",
                          "expected one of 'attrition', 'count', 'prevalence', 'incidence', "
                          "'survival', 'summary', 'overlap', 'sql'");
    }
    PC_TRY(pc_place_text(loader, place, &out->path));
    PC_TRY(pc_read_title(loader, object, place, &out->title));
    const char *verb = verbs[out->kind];
    PC_TRY(parse_subject(loader, pc_json_get(object, verb), PC_PLACE_KEY(place, verb), out));
    PC_TRY(check_verb_keys(loader, object, place, out->kind));
    if (out->kind == PC_STAT_INCIDENCE) PC_TRY(parse_incidence(loader, object, place, out));
    return parse_common(loader, object, place, out);
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
