/** Warnings about a definition: what is ignored, and what can never or always hold. */
#include "lint.h"
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { PATH_BYTES = 512 };

typedef struct linter {
    const char *file;
    pc_buffer *out;
    pc_error *err;
    char path[PATH_BYTES];
    size_t path_bytes;
    const pc_json *sets; // "ConceptSets", or NULL
    uint64_t used[16];   // by place in "ConceptSets", the first 1,024
    int *warnings;
} linter;

int64_t pc_circe_number_of(const pc_json *object, const char *key, int64_t fallback)
{
    const pc_json *value = object == NULL ? NULL : pc_json_get(object, key);
    if (value == NULL || pc_json_kind_of(value) != PC_JSON_NUMBER) return fallback;
    return (int64_t)pc_json_number(value);
}

const pc_json *pc_circe_object_of(const pc_json *object, const char *key)
{
    const pc_json *value = object == NULL ? NULL : pc_json_get(object, key);
    return value != NULL && pc_json_kind_of(value) == PC_JSON_OBJECT ? value : NULL;
}

static const pc_json *list_of(const pc_json *object, const char *key)
{
    const pc_json *value = object == NULL ? NULL : pc_json_get(object, key);
    return value != NULL && pc_json_kind_of(value) == PC_JSON_ARRAY ? value : NULL;
}

static int count_of(const pc_json *list)
{
    return list == NULL ? 0 : pc_json_count(list);
}

static bool flag_of(const pc_json *object, const char *key)
{
    const pc_json *value = pc_json_get(object, key);
    return value != NULL && pc_json_kind_of(value) == PC_JSON_BOOL && pc_json_bool(value);
}

const pc_circe_domain_info *pc_circe_type_of(const pc_json *criterion, const pc_json **body)
{
    const pc_json *first = criterion == NULL ? NULL : pc_json_first(criterion);
    *body = first;
    for (int d = 0; first != NULL && d < PC_CIRCE_DOMAINS; d++) {
        const pc_circe_domain_info *info = pc_circe_domain_of((pc_circe_domain)d);
        if (strcmp(info->type, pc_json_key(first)) == 0) return info;
    }
    return NULL;
}

const pc_circe_attribute *pc_circe_attribute_of(const pc_circe_domain_info *info, const char *key)
{
    for (const pc_circe_attribute *a = info->attribute; a->key != NULL; a++) {
        if (strcmp(a->key, key) == 0) return a;
    }
    return NULL;
}

// ---- the place and the sentence -----------------------------------------------------------------

/** Goes into a member or element; what it returns leads back. */
static size_t into(linter *l, const char *key, int index)
{
    const size_t before = l->path_bytes;
    const size_t room = sizeof l->path - before;
    const int bytes = key != NULL
                          ? snprintf(l->path + before, room, "%s%s", before > 0 ? "." : "", key)
                          : snprintf(l->path + before, room, "[%d]", index);
    if (bytes > 0) l->path_bytes += (size_t)bytes < room ? (size_t)bytes : room - 1;
    return before;
}

static void back(linter *l, size_t before)
{
    l->path_bytes = before;
    l->path[before] = '\0';
}

static pc_status warn(linter *l, const char *format, ...) PC_PRINTF(2, 3);
static pc_status warn(linter *l, const char *format, ...)
{
    char text[512];
    va_list list;
    va_start(list, format);
    (void)vsnprintf(text, sizeof text, format, list);
    va_end(list);
    ++*l->warnings;
    return pc_buffer_print(l->out, l->err, "%s: %s: %s\n", l->file,
                           l->path_bytes > 0 ? l->path : "$", text);
}

/** Names the members that Circe ignores. `known` ends with NULL. */
static pc_status check_keys(linter *l, const pc_json *object, const char *const *known)
{
    size_t count = 0;
    while (known[count] != NULL)
        count++;
    for (const pc_json *m = object == NULL ? NULL : pc_json_first(object); m != NULL;
         m = pc_json_next(m)) {
        bool found = false;
        for (size_t i = 0; i < count && !found; i++)
            found = strcmp(known[i], pc_json_key(m)) == 0;
        if (found) continue;
        const char *near = pc_nearest_name(pc_json_key(m), known, count);
        PC_TRY(warn(l, "'%.80s' is ignored: there is no such key here%s%s%s", pc_json_key(m),
                    near != NULL ? ", did you mean '" : "", near != NULL ? near : "",
                    near != NULL ? "'?" : ""));
    }
    return PC_OK;
}

static pc_status check_member_keys(linter *l, const pc_json *object, const char *key,
                                   const char *const *known)
{
    const size_t before = into(l, key, 0);
    const pc_status status = check_keys(l, pc_circe_object_of(object, key), known);
    back(l, before);
    return status;
}

// ---- concept sets -------------------------------------------------------------------------------

static pc_status use_set(linter *l, const pc_json *id)
{
    int64_t wanted, value;
    int place = 0;
    if (!pc_json_int(id, &wanted)) return PC_OK;
    for (const pc_json *s = l->sets == NULL ? NULL : pc_json_first(l->sets); s != NULL;
         s = pc_json_next(s), place++) {
        const pc_json *own = pc_json_get(s, "id");
        if (own == NULL || !pc_json_int(own, &value) || value != wanted) continue;
        if (place < 1024) l->used[place / 64] |= UINT64_C(1) << (place % 64);
        return PC_OK;
    }
    return warn(l, "there is no concept set %lld: nothing is found", (long long)wanted);
}

static pc_status check_set(linter *l, const pc_json *set, int place)
{
    int included = 0;
    const pc_json *expression = pc_circe_object_of(set, "expression");
    const pc_json *items = list_of(expression, "items");
    for (const pc_json *i = items == NULL ? NULL : pc_json_first(items); i != NULL;
         i = pc_json_next(i)) {
        included += !flag_of(i, "isExcluded");
    }
    if (items != NULL && included == 0) {
        PC_TRY(warn(l, "the concept set is empty: it finds nothing"));
    }
    if (place < 1024 && (l->used[place / 64] >> (place % 64) & 1) == 0) {
        return warn(l, "the concept set is not used");
    }
    return PC_OK;
}

static pc_status check_sets(linter *l)
{
    int place = 0;
    const size_t before = into(l, "ConceptSets", 0);
    for (const pc_json *s = l->sets == NULL ? NULL : pc_json_first(l->sets); s != NULL;
         s = pc_json_next(s), place++) {
        const size_t at = into(l, NULL, place);
        PC_TRY(check_set(l, s, place));
        back(l, at);
    }
    back(l, before);
    return PC_OK;
}

// ---- criteria -----------------------------------------------------------------------------------

static pc_status check_group(linter *l, const pc_json *group);

static pc_status check_range(linter *l, const pc_json *range)
{
    static const char *const known[] = {"Value", "Op", "Extent", NULL};
    PC_TRY(check_keys(l, range, known));
    const pc_json *op = pc_json_get(range, "Op");
    const char *name = op == NULL ? NULL : pc_json_text(op);
    const pc_json *low = pc_json_get(range, "Value"), *high = pc_json_get(range, "Extent");
    if (name == NULL || low == NULL) return PC_OK;
    const size_t bytes = strlen(name);
    const bool is_between = bytes >= 2 && strcmp(name + bytes - 2, "bt") == 0;
    if (!is_between) return high == NULL ? PC_OK : warn(l, "Extent is ignored: Op is '%s'", name);
    if (high == NULL || pc_json_kind_of(high) != pc_json_kind_of(low)) return PC_OK;
    const bool is_turned = pc_json_kind_of(low) == PC_JSON_TEXT
                               ? strcmp(pc_json_text(low), pc_json_text(high)) > 0
                               : pc_json_number(low) > pc_json_number(high);
    if (!is_turned) return PC_OK;
    return warn(l, name[0] == '!' ? "Value is above Extent: every value passes"
                                  : "Value is above Extent: no value passes");
}

static pc_status check_attribute(linter *l, const pc_circe_domain_info *info, const pc_json *body,
                                 const pc_json *member)
{
    const char *key = pc_json_key(member);
    const pc_circe_attribute *a = pc_circe_attribute_of(info, key);
    if (pc_json_kind_of(member) == PC_JSON_NULL) return PC_OK;
    if (strcmp(key, "CorrelatedCriteria") == 0) return check_group(l, member);
    if (strcmp(key, "DateAdjustment") == 0) {
        static const char *const known[] = {"StartWith", "StartOffset", "EndWith", "EndOffset",
                                            NULL};
        return check_keys(l, member, known);
    }
    for (const pc_circe_attribute *e = info->attribute; a == NULL && e->key != NULL; e++) {
        if (e->exclude == NULL || strcmp(e->exclude, key) != 0) continue;
        if (!flag_of(body, key) || count_of(list_of(body, e->key)) > 0) return PC_OK;
        return warn(l, "has no effect: there is no %s to exclude", e->key);
    }
    if (a == NULL) return warn(l, "is ignored: %s has no such attribute", info->type);
    switch (a->reads) {
        case PC_CIRCE_READS_SET:
        case PC_CIRCE_READS_SOURCE:
        case PC_CIRCE_READS_SET_FILTER:
            return use_set(l, member);
        case PC_CIRCE_READS_SELECTION: {
            const pc_json *id = pc_json_get(member, "CodesetId");
            return id == NULL ? PC_OK : use_set(l, id);
        }
        case PC_CIRCE_READS_DATES:
        case PC_CIRCE_READS_INTEGERS:
        case PC_CIRCE_READS_NUMBERS:
            return check_range(l, member);
        case PC_CIRCE_READS_CONCEPTS:
            return count_of(member) > 0 ? PC_OK : warn(l, "has no effect: the list is empty");
        default:
            return PC_OK;
    }
}

static pc_status check_criterion(linter *l, const pc_json *criterion)
{
    const pc_json *body = NULL;
    const pc_circe_domain_info *info = pc_circe_type_of(criterion, &body);
    if (info == NULL || pc_json_kind_of(body) != PC_JSON_OBJECT) return PC_OK;
    const size_t before = into(l, info->type, 0);
    for (const pc_json *m = pc_json_first(body); m != NULL; m = pc_json_next(m)) {
        const size_t at = into(l, pc_json_key(m), 0);
        PC_TRY(check_attribute(l, info, body, m));
        back(l, at);
    }
    back(l, before);
    return PC_OK;
}

static pc_status check_criteria(linter *l, const pc_json *object, const char *key)
{
    const pc_json *list = list_of(object, key);
    const size_t before = into(l, key, 0);
    int place = 0;
    for (const pc_json *c = list == NULL ? NULL : pc_json_first(list); c != NULL;
         c = pc_json_next(c), place++) {
        const size_t at = into(l, NULL, place);
        PC_TRY(check_criterion(l, c));
        back(l, at);
    }
    back(l, before);
    return PC_OK;
}

// ---- windows and groups -------------------------------------------------------------------------

/** The days of a window from a day of the index event; open ends are far away. */
typedef struct day_range {
    bool is_given, from_index_end, of_event_end;
    int64_t low, high;
} day_range;

static int64_t bound_of(const pc_json *window, const char *key, int64_t open)
{
    const pc_json *bound = pc_circe_object_of(window, key);
    const int64_t days = pc_circe_number_of(bound, "Days", INT64_MIN);
    if (days == INT64_MIN) return open;
    return days * pc_circe_number_of(bound, "Coeff", 0);
}

static pc_status check_window(linter *l, const pc_json *object, const char *key, day_range *out)
{
    static const char *const known[] = {"Start", "End", "UseIndexEnd", "UseEventEnd", NULL};
    static const char *const of_bound[] = {"Days", "Coeff", NULL};
    const pc_json *window = pc_circe_object_of(object, key);
    *out = (day_range){.is_given = window != NULL};
    if (window == NULL) return PC_OK;
    const size_t before = into(l, key, 0);
    PC_TRY(check_keys(l, window, known));
    PC_TRY(check_member_keys(l, window, "Start", of_bound));
    PC_TRY(check_member_keys(l, window, "End", of_bound));
    out->from_index_end = flag_of(window, "UseIndexEnd");
    const bool is_end_window = strcmp(key, "EndWindow") == 0;
    out->of_event_end = is_end_window && pc_json_get(window, "UseEventEnd") == NULL
                            ? true
                            : flag_of(window, "UseEventEnd");
    out->low = bound_of(window, "Start", INT32_MIN);
    out->high = bound_of(window, "End", INT32_MAX);
    if (out->low > out->high) {
        PC_TRY(warn(l, "no day lies in the window: it begins %lld days after it ends",
                    (long long)(out->low - out->high)));
    }
    back(l, before);
    return PC_OK;
}

static pc_status check_occurrence(linter *l, const pc_json *correlated)
{
    static const char *const known[] = {"Type", "Count", "IsDistinct", "CountColumn", NULL};
    const pc_json *occurrence = pc_circe_object_of(correlated, "Occurrence");
    if (occurrence == NULL) return PC_OK;
    const size_t before = into(l, "Occurrence", 0);
    PC_TRY(check_keys(l, occurrence, known));
    const int64_t type = pc_circe_number_of(occurrence, "Type", 0);
    const int64_t count = pc_circe_number_of(occurrence, "Count", 0);
    if (type == 2 && count <= 0) PC_TRY(warn(l, "at least %lld: always holds", (long long)count));
    if (type != 2 && count < 0) PC_TRY(warn(l, "a number below 0: never holds"));
    if (pc_json_get(occurrence, "CountColumn") != NULL && !flag_of(occurrence, "IsDistinct")) {
        PC_TRY(warn(l, "CountColumn is ignored: IsDistinct is not true"));
    }
    back(l, before);
    return PC_OK;
}

static pc_status check_correlated(linter *l, const pc_json *correlated)
{
    static const char *const known[] = {"Criteria",   "StartWindow",   "EndWindow",
                                        "Occurrence", "RestrictVisit", "IgnoreObservationPeriod",
                                        NULL};
    day_range start, end;
    PC_TRY(check_keys(l, correlated, known));
    PC_TRY(check_window(l, correlated, "StartWindow", &start));
    PC_TRY(check_window(l, correlated, "EndWindow", &end));
    if (start.is_given && end.is_given && start.from_index_end == end.from_index_end &&
        !start.of_event_end && end.of_event_end && end.high < start.low) {
        PC_TRY(warn(l, "no event fits both windows: it would end before it starts"));
    }
    PC_TRY(check_occurrence(l, correlated));
    const size_t before = into(l, "Criteria", 0);
    const pc_status status = check_criterion(l, pc_circe_object_of(correlated, "Criteria"));
    back(l, before);
    return status;
}

static pc_status check_count(linter *l, const pc_json *group, int members)
{
    const pc_json *type = pc_json_get(group, "Type");
    const char *name = type == NULL ? NULL : pc_json_text(type);
    const int64_t count = pc_circe_number_of(group, "Count", 0);
    if (members == 0) return warn(l, "the group is empty: it always holds");
    if (name == NULL) return PC_OK;
    if (pc_span_equal_nocase(pc_span_of(name), pc_span_of("AT_LEAST"))) {
        if (count <= 0)
            return warn(l, "at least %lld of %d: always holds", (long long)count, members);
        if (count > members) {
            return warn(l, "at least %lld of %d: never holds", (long long)count, members);
        }
    } else if (pc_span_equal_nocase(pc_span_of(name), pc_span_of("AT_MOST")) && count >= members) {
        return warn(l, "at most %lld of %d: always holds", (long long)count, members);
    }
    return PC_OK;
}

static pc_status check_members(linter *l, const pc_json *group, const char *key,
                               pc_status (*check)(linter *l, const pc_json *member))
{
    const pc_json *list = list_of(group, key);
    const size_t before = into(l, key, 0);
    int place = 0;
    for (const pc_json *m = list == NULL ? NULL : pc_json_first(list); m != NULL;
         m = pc_json_next(m), place++) {
        const size_t at = into(l, NULL, place);
        PC_TRY(check(l, m));
        back(l, at);
    }
    back(l, before);
    return PC_OK;
}

static pc_status check_demographic(linter *l, const pc_json *demographic)
{
    static const char *const known[] = {"Age",
                                        "Gender",
                                        "GenderCS",
                                        "Race",
                                        "RaceCS",
                                        "Ethnicity",
                                        "EthnicityCS",
                                        "OccurrenceStartDate",
                                        "OccurrenceEndDate",
                                        NULL};
    static const char *const ranges[] = {"Age", "OccurrenceStartDate", "OccurrenceEndDate"};
    PC_TRY(check_keys(l, demographic, known));
    for (int i = 0; i < 3; i++) {
        const pc_json *range = pc_circe_object_of(demographic, ranges[i]);
        const size_t before = into(l, ranges[i], 0);
        if (range != NULL) PC_TRY(check_range(l, range));
        back(l, before);
    }
    const pc_json *gender = pc_circe_object_of(demographic, "GenderCS");
    const pc_json *id = gender == NULL ? NULL : pc_json_get(gender, "CodesetId");
    return id == NULL ? PC_OK : use_set(l, id);
}

static pc_status check_group(linter *l, const pc_json *group)
{
    static const char *const known[] = {
        "Type", "Count", "CriteriaList", "DemographicCriteriaList", "Groups", NULL};
    if (group == NULL || pc_json_kind_of(group) != PC_JSON_OBJECT) return PC_OK;
    PC_TRY(check_keys(l, group, known));
    PC_TRY(check_count(l, group,
                       count_of(list_of(group, "CriteriaList")) +
                           count_of(list_of(group, "DemographicCriteriaList")) +
                           count_of(list_of(group, "Groups"))));
    PC_TRY(check_members(l, group, "CriteriaList", check_correlated));
    PC_TRY(check_members(l, group, "DemographicCriteriaList", check_demographic));
    return check_members(l, group, "Groups", check_group);
}

// ---- the definition -----------------------------------------------------------------------------

static pc_status check_rules(linter *l, const pc_json *definition)
{
    static const char *const known[] = {"name", "description", "expression", NULL};
    const pc_json *list = list_of(definition, "InclusionRules");
    const size_t before = into(l, "InclusionRules", 0);
    int place = 0;
    for (const pc_json *r = list == NULL ? NULL : pc_json_first(list); r != NULL;
         r = pc_json_next(r), place++) {
        const size_t at = into(l, NULL, place);
        PC_TRY(check_keys(l, r, known));
        const size_t inside = into(l, "expression", 0);
        PC_TRY(check_group(l, pc_circe_object_of(r, "expression")));
        back(l, inside);
        back(l, at);
    }
    back(l, before);
    return PC_OK;
}

static pc_status check_exit(linter *l, const pc_json *definition)
{
    static const char *const kinds[] = {"DateOffset", "CustomEra", NULL};
    static const char *const of_offset[] = {"DateField", "Offset", NULL};
    static const char *const of_era[] = {"DrugCodesetId", "GapDays", "Offset", "DaysSupplyOverride",
                                         NULL};
    const pc_json *strategy = pc_circe_object_of(definition, "EndStrategy");
    if (strategy == NULL) return PC_OK;
    const size_t before = into(l, "EndStrategy", 0);
    PC_TRY(check_keys(l, strategy, kinds));
    PC_TRY(check_member_keys(l, strategy, "DateOffset", of_offset));
    PC_TRY(check_member_keys(l, strategy, "CustomEra", of_era));
    const pc_json *offset = pc_circe_object_of(strategy, "DateOffset");
    const pc_json *field = offset == NULL ? NULL : pc_json_get(offset, "DateField");
    const bool from_end =
        field != NULL && pc_json_text(field) != NULL && strcmp(pc_json_text(field), "EndDate") == 0;
    if (offset != NULL && !from_end && pc_circe_number_of(offset, "Offset", 0) < 0) {
        const size_t at = into(l, "DateOffset", 0);
        PC_TRY(warn(l, "the end lies before the start: nobody stays in the cohort"));
        back(l, at);
    }
    const pc_json *era = pc_circe_object_of(strategy, "CustomEra");
    const pc_json *id = era == NULL ? NULL : pc_json_get(era, "DrugCodesetId");
    if (id != NULL) {
        const size_t at = into(l, "CustomEra.DrugCodesetId", 0);
        PC_TRY(use_set(l, id));
        back(l, at);
    }
    back(l, before);
    return PC_OK;
}

static pc_status check_censor_window(linter *l, const pc_json *definition)
{
    static const char *const known[] = {"StartDate", "EndDate", NULL};
    static const char *const key = "CensorWindow";
    const pc_json *window = pc_circe_object_of(definition, key);
    if (window == NULL) return PC_OK;
    const size_t before = into(l, key, 0);
    PC_TRY(check_keys(l, window, known));
    const char *day[2] = {NULL, NULL};
    for (int i = 0; i < 2; i++) {
        const pc_json *value = pc_json_get(window, known[i]);
        day[i] = value == NULL ? NULL : pc_json_text(value);
        if (day[i] != NULL && day[i][0] == '\0') {
            PC_TRY(warn(l, "%s is empty: it is taken as absent, where Circe fails", known[i]));
            day[i] = NULL;
        }
    }
    if (day[0] != NULL && day[1] != NULL && strcmp(day[0], day[1]) > 0) {
        PC_TRY(warn(l, "StartDate is after EndDate: nobody stays in the cohort"));
    }
    back(l, before);
    return PC_OK;
}

static pc_status check_entry(linter *l, const pc_json *definition)
{
    static const char *const known[] = {"CriteriaList", "ObservationWindow", "PrimaryCriteriaLimit",
                                        NULL};
    static const char *const of_window[] = {"PriorDays", "PostDays", NULL};
    static const char *const of_limit[] = {"Type", NULL};
    const pc_json *entry = pc_circe_object_of(definition, "PrimaryCriteria");
    const size_t before = into(l, "PrimaryCriteria", 0);
    PC_TRY(check_keys(l, entry, known));
    PC_TRY(check_member_keys(l, entry, "ObservationWindow", of_window));
    PC_TRY(check_member_keys(l, entry, "PrimaryCriteriaLimit", of_limit));
    if (count_of(list_of(entry, "CriteriaList")) == 0) {
        PC_TRY(warn(l, "there is no criterion: nobody enters the cohort"));
    }
    PC_TRY(check_criteria(l, entry, "CriteriaList"));
    back(l, before);
    PC_TRY(check_member_keys(l, definition, "QualifiedLimit", of_limit));
    PC_TRY(check_member_keys(l, definition, "ExpressionLimit", of_limit));
    const pc_json *limit = pc_circe_object_of(definition, "QualifiedLimit");
    const pc_json *type = limit == NULL ? NULL : pc_json_get(limit, "Type");
    const char *name = type == NULL ? NULL : pc_json_text(type);
    if (name == NULL || pc_json_get(definition, "AdditionalCriteria") != NULL ||
        pc_span_equal_nocase(pc_span_of(name), pc_span_of("All"))) {
        return PC_OK;
    }
    const size_t at = into(l, "QualifiedLimit", 0);
    PC_TRY(warn(l, "'%.20s' has no effect without AdditionalCriteria", name));
    back(l, at);
    return PC_OK;
}

pc_status pc_circe_lint(const pc_json *definition, const char *file, pc_buffer *out, int *warnings,
                        pc_error *err)
{
    static const char *const known[] = {"cdmVersionRange",
                                        "Title",
                                        "PrimaryCriteria",
                                        "AdditionalCriteria",
                                        "ConceptSets",
                                        "QualifiedLimit",
                                        "ExpressionLimit",
                                        "InclusionRules",
                                        "EndStrategy",
                                        "CensoringCriteria",
                                        "CollapseSettings",
                                        "CensorWindow",
                                        NULL};
    static const char *const of_collapse[] = {"CollapseType", "EraPad", NULL};
    linter l = {.file = file,
                .out = out,
                .err = err,
                .sets = list_of(definition, "ConceptSets"),
                .warnings = warnings};
    PC_TRY(check_keys(&l, definition, known));
    PC_TRY(check_entry(&l, definition));
    const pc_json *additional = pc_circe_object_of(definition, "AdditionalCriteria");
    const size_t before = into(&l, "AdditionalCriteria", 0);
    PC_TRY(check_group(&l, additional));
    back(&l, before);
    PC_TRY(check_rules(&l, definition));
    PC_TRY(check_exit(&l, definition));
    PC_TRY(check_criteria(&l, definition, "CensoringCriteria"));
    PC_TRY(check_member_keys(&l, definition, "CollapseSettings", of_collapse));
    PC_TRY(check_censor_window(&l, definition));
    return check_sets(&l);
}

pc_status pc_circe_lint_sets(const circe_concepts *concepts, const circe_sets *sets,
                             const circe_vocabulary *vocabulary, const char *file, pc_buffer *out,
                             int *warnings, pc_error *err)
{
    for (int i = 0; i < sets->count; i++) {
        int items;
        int64_t count, hint = 0;
        const circe_item *item = circe_items_of(concepts, sets->set[i], &items);
        (void)circe_concepts_of(concepts, sets->set[i], &count);
        if (items > 0 && count == 0) {
            ++*warnings;
            PC_TRY(pc_buffer_print(out, err,
                                   "%s: ConceptSets[%d]: expands to no concept of the store\n",
                                   file, sets->place[i]));
        }
        for (int k = 0; k < items; k++) {
            const circe_known known = circe_concept_known(vocabulary, item[k].concept, &hint);
            if (known == CIRCE_VALID) continue;
            ++*warnings;
            PC_TRY(pc_buffer_print(out, err, "%s: ConceptSets[%d]: concept %lld is %s\n", file,
                                   sets->place[i], (long long)item[k].concept,
                                   known == CIRCE_UNKNOWN ? "not in the store's vocabulary"
                                                          : "not valid any more"));
        }
    }
    return PC_OK;
}
