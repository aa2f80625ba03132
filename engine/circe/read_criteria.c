/** Criteria and groups of a definition. */
#include <string.h>
#include "read.h"

/** Filters of a leaf or of a demographic criterion as they come. */
typedef struct filters {
    pc_buffer list;
    pc_circe_reader *reader;
} filters;

static pc_status add_filter(filters *to, pc_circe_filter filter)
{
    const int field = filter.field;
    if (field == PC_CIRCE_AGE || field == PC_CIRCE_AGE_AT_END || field == PC_CIRCE_GENDER ||
        field == PC_CIRCE_RACE || field == PC_CIRCE_ETHNICITY) {
        to->reader->out->uses_person = true;
    }
    return pc_buffer_append(&to->list, &filter, sizeof filter, to->reader->err);
}

/** The filters in the arena; gives the list back. */
static pc_status keep_filters(filters *from, pc_status status, int *count,
                              const pc_circe_filter **out)
{
    pc_circe_reader *reader = from->reader;
    if (status == PC_OK) {
        *count = (int)(from->list.bytes / sizeof **out);
        pc_circe_filter *kept =
            pc_arena_array(reader->arena, (size_t)*count + 1, sizeof *kept, reader->err);
        if (kept == NULL) status = PC_NO_MEMORY;
        if (kept != NULL && *count > 0) memcpy(kept, from->list.data, from->list.bytes);
        *out = kept;
    }
    pc_buffer_release(&from->list);
    return status;
}

/** {"CodesetId", "IsExclusion"}, or the number alone as older versions write it. */
static pc_status read_selection(filters *to, const pc_json *object, const char *key, int field,
                                const pc_circe_place *up)
{
    pc_circe_reader *reader = to->reader;
    const pc_json *value = pc_circe_member(object, key);
    const pc_circe_place *place = PC_CIRCE_KEY(up, key);
    pc_circe_filter filter = {.field = field, .set = PC_CIRCE_NO_SET};
    bool is_exclusion = false;
    if (pc_json_kind_of(value) == PC_JSON_OBJECT) {
        PC_TRY(pc_circe_set_index(reader, value, "CodesetId", place, &filter.set));
        PC_TRY(pc_circe_flag(reader, value, "IsExclusion", place, &is_exclusion));
    } else {
        PC_TRY(pc_circe_set_index(reader, object, key, up, &filter.set));
    }
    if (filter.set == PC_CIRCE_NO_SET) {
        filter.op = is_exclusion ? PC_CIRCE_IS_NULL : PC_CIRCE_IS_NOT_NULL;
    } else {
        filter.op = is_exclusion ? PC_CIRCE_NOT_IN_SET : PC_CIRCE_IN_SET;
    }
    return add_filter(to, filter);
}

static pc_status read_user_period(filters *to, const pc_json *value, const pc_circe_place *place,
                                  pc_circe_leaf *leaf)
{
    pc_circe_reader *reader = to->reader;
    PC_TRY(pc_circe_expect(reader, value, place, PC_JSON_OBJECT));
    PC_TRY(pc_circe_date(reader, value, "StartDate", place, &leaf->user_start));
    PC_TRY(pc_circe_date(reader, value, "EndDate", place, &leaf->user_end));
    const int32_t day[] = {leaf->user_start, leaf->user_end};
    for (int i = 0; i < 2; i++) {
        if (day[i] == PC_CIRCE_NO_DAY) continue;
        PC_TRY(add_filter(to, (pc_circe_filter){.op = PC_CIRCE_HOLDS_DAY, .low = day[i]}));
    }
    return PC_OK;
}

static pc_status read_concepts(filters *to, const pc_json *object,
                               const pc_circe_attribute *attribute, int field,
                               const pc_circe_place *up)
{
    pc_circe_reader *reader = to->reader;
    pc_circe_filter filter = {.op = PC_CIRCE_IN, .field = field};
    bool is_exclusion = false;
    PC_TRY(pc_circe_concepts(reader, pc_circe_member(object, attribute->key),
                             PC_CIRCE_KEY(up, attribute->key), &filter));
    if (attribute->exclude != NULL) {
        PC_TRY(pc_circe_flag(reader, object, attribute->exclude, up, &is_exclusion));
    }
    if (is_exclusion) filter.op = PC_CIRCE_NOT_IN;
    return filter.id_count == 0 ? PC_OK : add_filter(to, filter);
}

/** An attribute that is there. */
static pc_status read_attribute(filters *to, const pc_json *object,
                                const pc_circe_attribute *attribute, const pc_circe_place *up,
                                pc_circe_leaf *leaf)
{
    pc_circe_reader *reader = to->reader;
    const pc_circe_domain_info *info = pc_circe_domain_of(leaf->domain);
    const pc_json *value = pc_circe_member(object, attribute->key);
    const pc_circe_place *place = PC_CIRCE_KEY(up, attribute->key);
    pc_circe_filter filter = {.set = PC_CIRCE_NO_SET};
    bool flag = false;
    if (attribute->reads == PC_CIRCE_READS_NEVER) {
        return pc_circe_fail(reader, place, PC_UNSUPPORTED, "not supported: %s", attribute->field);
    }
    if (attribute->field != NULL) filter.field = pc_circe_field_of(info, attribute->field);
    switch (attribute->reads) {
        case PC_CIRCE_READS_SET:
            return pc_circe_set_index(reader, object, attribute->key, up, &leaf->set);
        case PC_CIRCE_READS_SOURCE:
            return pc_circe_set_index(reader, object, attribute->key, up, &leaf->source_set);
        case PC_CIRCE_READS_FIRST:
            return pc_circe_flag(reader, object, attribute->key, up, &leaf->is_first);
        case PC_CIRCE_READS_START_IF_COMPATIBLE:
            if (!reader->options->compatible) {
                return pc_circe_fail(reader, place, PC_UNSUPPORTED,
                                     "Circe tests the start date with it: --circe-compat does so");
            }
            PC_TRY(pc_circe_range(reader, value, place, -1, &filter));
            break;
        case PC_CIRCE_READS_DATES:
            PC_TRY(pc_circe_range(reader, value, place, -1, &filter));
            break;
        case PC_CIRCE_READS_INTEGERS:
            PC_TRY(pc_circe_range(reader, value, place, 0, &filter));
            break;
        case PC_CIRCE_READS_NUMBERS:
            PC_TRY(pc_circe_range(reader, value, place, 4, &filter));
            break;
        case PC_CIRCE_READS_CONCEPTS:
            return read_concepts(to, object, attribute, filter.field, up);
        case PC_CIRCE_READS_SELECTION:
            return read_selection(to, object, attribute->key, filter.field, up);
        case PC_CIRCE_READS_SET_FILTER:
            filter.op = PC_CIRCE_IN_SET;
            PC_TRY(pc_circe_set_index(reader, object, attribute->key, up, &filter.set));
            break;
        case PC_CIRCE_READS_TEXT:
            PC_TRY(pc_circe_pattern(reader, value, place, &filter));
            break;
        case PC_CIRCE_READS_ABNORMAL:
            PC_TRY(pc_circe_flag(reader, object, attribute->key, up, &flag));
            if (!flag) return PC_OK;
            filter.op = PC_CIRCE_ABNORMAL;
            break;
        case PC_CIRCE_READS_USER_PERIOD:
            return read_user_period(to, value, place, leaf);
        case PC_CIRCE_READS_NEVER:
            break;
    }
    return add_filter(to, filter);
}

/** START_DATE or END_DATE; `*is_end` stays when it is absent. */
static pc_status read_which_date(pc_circe_reader *reader, const pc_json *object, const char *key,
                                 const pc_circe_place *up, bool *is_end)
{
    const char *text = NULL;
    PC_TRY(pc_circe_text(reader, object, key, up, &text));
    if (text == NULL) return PC_OK;
    *is_end = strcmp(text, "END_DATE") == 0;
    if (*is_end || strcmp(text, "START_DATE") == 0) return PC_OK;
    return pc_circe_fail(reader, PC_CIRCE_KEY(up, key), PC_BAD_JOB,
                         "expected START_DATE or END_DATE");
}

static pc_status read_adjustment(pc_circe_reader *reader, const pc_json *value,
                                 const pc_circe_place *place, pc_circe_leaf *leaf)
{
    PC_TRY(pc_circe_expect(reader, value, place, PC_JSON_OBJECT));
    leaf->is_adjusted = true;
    leaf->end_from_end = true;
    PC_TRY(read_which_date(reader, value, "StartWith", place, &leaf->start_from_end));
    PC_TRY(read_which_date(reader, value, "EndWith", place, &leaf->end_from_end));
    PC_TRY(pc_circe_days(reader, value, "StartOffset", place, &leaf->start_offset));
    return pc_circe_days(reader, value, "EndOffset", place, &leaf->end_offset);
}

static pc_status read_leaf(pc_circe_reader *reader, pc_circe_domain domain, const pc_json *object,
                           const pc_circe_place *place, const pc_circe_leaf **out)
{
    pc_circe_leaf *leaf = pc_arena_take(reader->arena, sizeof *leaf, reader->err);
    if (leaf == NULL) return PC_NO_MEMORY;
    *leaf = (pc_circe_leaf){.domain = domain,
                            .set = PC_CIRCE_NO_SET,
                            .source_set = PC_CIRCE_NO_SET,
                            .user_start = PC_CIRCE_NO_DAY,
                            .user_end = PC_CIRCE_NO_DAY};
    filters to = {.list = {.budget = reader->arena->budget}, .reader = reader};
    pc_status status = PC_OK;
    for (const pc_circe_attribute *a = pc_circe_domain_of(domain)->attribute;
         a->key != NULL && status == PC_OK; a++) {
        if (pc_circe_member(object, a->key) == NULL) continue;
        status = read_attribute(&to, object, a, place, leaf);
    }
    const pc_json *adjustment = pc_circe_member(object, "DateAdjustment");
    if (status == PC_OK && adjustment != NULL) {
        status = read_adjustment(reader, adjustment, PC_CIRCE_KEY(place, "DateAdjustment"), leaf);
    }
    *out = leaf;
    return keep_filters(&to, status, &leaf->filter_count, &leaf->filter);
}

static pc_status find_domain(pc_circe_reader *reader, const char *type, const pc_circe_place *place,
                             pc_circe_domain *out)
{
    const char *name[PC_CIRCE_DOMAINS];
    for (int i = 0; i < PC_CIRCE_DOMAINS; i++) {
        name[i] = pc_circe_domain_of((pc_circe_domain)i)->type;
        if (strcmp(name[i], type) != 0) continue;
        *out = (pc_circe_domain)i;
        return PC_OK;
    }
    if (strcmp(type, "LocationRegion") == 0) {
        return pc_circe_fail(reader, PC_CIRCE_KEY(place, type), PC_UNSUPPORTED,
                             "not supported: it needs tables of CDM 6.1, and Circe ignores its "
                             "dates");
    }
    const char *nearest = pc_nearest_name(type, name, PC_CIRCE_DOMAINS);
    return pc_circe_fail(reader, PC_CIRCE_KEY(place, type), PC_BAD_JOB,
                         "no criteria type has this name%s%s%s", nearest == NULL ? "" : ": is it '",
                         nearest == NULL ? "" : nearest, nearest == NULL ? "" : "'?");
}

/** {"ConditionOccurrence": {...}} */
static pc_status read_criterion(pc_circe_reader *reader, const pc_json *value,
                                const pc_circe_place *place, pc_circe_criterion *out)
{
    PC_TRY(pc_circe_expect(reader, value, place, PC_JSON_OBJECT));
    if (pc_json_count(value) != 1) {
        return pc_circe_fail(reader, place, PC_BAD_JOB,
                             "expected one key, the criteria type, found %d", pc_json_count(value));
    }
    const pc_json *body = pc_json_first(value);
    const char *type = pc_json_key(body);
    pc_circe_domain domain = PC_CIRCE_CONDITION;
    PC_TRY(find_domain(reader, type, place, &domain));
    const pc_circe_place *inside = PC_CIRCE_KEY(place, type);
    PC_TRY(pc_circe_expect(reader, body, inside, PC_JSON_OBJECT));
    *out = (pc_circe_criterion){.leaf_index = -1, .nested_index = -1};
    PC_TRY(read_leaf(reader, domain, body, inside, &out->leaf));
    const pc_json *nested = pc_circe_member(body, "CorrelatedCriteria");
    if (nested == NULL) return PC_OK;
    pc_circe_group *group = pc_arena_take(reader->arena, sizeof *group, reader->err);
    if (group == NULL) return PC_NO_MEMORY;
    out->group = group;
    out->nested_index = reader->out->nested_count++;
    return pc_circe_read_group(reader, nested, PC_CIRCE_KEY(inside, "CorrelatedCriteria"), group);
}

pc_status pc_circe_criteria(pc_circe_reader *reader, const pc_json *object, const char *key,
                            const pc_circe_place *up, bool may_be_null, int *count,
                            pc_circe_criterion **out)
{
    const pc_json *list = NULL;
    PC_TRY(pc_circe_array(reader, object, key, up, may_be_null, &list, count));
    *out = pc_arena_array(reader->arena, (size_t)*count + 1, sizeof **out, reader->err);
    if (*out == NULL) return PC_NO_MEMORY;
    int at = 0;
    for (const pc_json *v = *count == 0 ? NULL : pc_json_first(list); v != NULL;
         v = pc_json_next(v), at++) {
        PC_TRY(read_criterion(reader, v, PC_CIRCE_NTH(PC_CIRCE_KEY(up, key), at), &(*out)[at]));
    }
    return PC_OK;
}

static pc_status read_bound(pc_circe_reader *reader, const pc_json *window, const char *key,
                            const pc_circe_place *up, pc_circe_bound *out)
{
    const pc_circe_place *place = PC_CIRCE_KEY(up, key);
    const pc_json *value = pc_circe_member(window, key);
    if (value == NULL) return pc_circe_fail(reader, place, PC_BAD_JOB, "a window needs it");
    PC_TRY(pc_circe_expect(reader, value, place, PC_JSON_OBJECT));
    int64_t coefficient = 0;
    PC_TRY(pc_circe_whole(reader, value, "Coeff", place, -1000, 1000, &coefficient));
    *out = (pc_circe_bound){.is_open = pc_circe_member(value, "Days") == NULL,
                            .at_period_start = coefficient == -1};
    int32_t days = 0;
    PC_TRY(pc_circe_days(reader, value, "Days", place, &days));
    const int64_t signed_days = coefficient * days;
    if (signed_days > PC_CIRCE_DAYS_MAX || signed_days < -PC_CIRCE_DAYS_MAX) {
        return pc_circe_fail(reader, place, PC_BAD_JOB, "more than ten thousand years");
    }
    out->days = (int32_t)signed_days;
    return PC_OK;
}

static pc_status read_window(pc_circe_reader *reader, const pc_json *value,
                             const pc_circe_place *place, bool event_end, pc_circe_window *out)
{
    PC_TRY(pc_circe_expect(reader, value, place, PC_JSON_OBJECT));
    *out = (pc_circe_window){.is_given = true, .of_event_end = event_end};
    PC_TRY(pc_circe_flag(reader, value, "UseIndexEnd", place, &out->from_index_end));
    PC_TRY(pc_circe_flag(reader, value, "UseEventEnd", place, &out->of_event_end));
    PC_TRY(read_bound(reader, value, "Start", place, &out->start));
    return read_bound(reader, value, "End", place, &out->end);
}

/** What a distinct count counts. */
static pc_status read_count_column(pc_circe_reader *reader, const pc_json *occurrence,
                                   const pc_circe_place *up, pc_circe_correlated *out)
{
    const pc_circe_domain_info *info = pc_circe_domain_of(out->criterion.leaf->domain);
    const pc_circe_place *place = PC_CIRCE_KEY(up, "CountColumn");
    const char *text = NULL;
    PC_TRY(pc_circe_text(reader, occurrence, "CountColumn", up, &text));
    if (text == NULL) text = "DOMAIN_CONCEPT";
    const bool is_nested = out->criterion.group != NULL;
    if (strcmp(text, "START_DATE") == 0) {
        out->count_of = PC_CIRCE_COUNT_START;
    } else if (strcmp(text, "END_DATE") == 0) {
        out->count_of = PC_CIRCE_COUNT_END;
    } else if (strcmp(text, "VISIT_ID") == 0 &&
               out->criterion.leaf->domain != PC_CIRCE_VISIT_DETAIL) {
        out->count_of = PC_CIRCE_COUNT_VISIT;
    } else if (strcmp(text, "DOMAIN_CONCEPT") == 0 && !is_nested) {
        out->count_of = PC_CIRCE_COUNT_COLUMN + PC_CIRCE_CONCEPT;
    } else {
        const char *const *pair = info->distinct;
        while (!is_nested && pair[0] != NULL && strcmp(pair[0], text) != 0)
            pair += 2;
        if (is_nested || pair[0] == NULL) {
            return pc_circe_fail(reader, place, PC_UNSUPPORTED, "%s cannot be counted of %s%s",
                                 is_nested ? "it" : "this column", info->type,
                                 is_nested ? " with CorrelatedCriteria: only START_DATE, END_DATE "
                                             "and VISIT_ID remain"
                                           : "");
        }
        const char *field = pair[1];
        if (strcmp(field, "@event") == 0) {
            out->count_of = PC_CIRCE_COUNT_EVENT;
        } else if (strcmp(field, "@length") == 0) {
            out->count_of = PC_CIRCE_COUNT_DURATION;
        } else if (strcmp(field, "@one") == 0) {
            out->count_of = PC_CIRCE_COUNT_ONE;
        } else {
            out->count_of =
                PC_CIRCE_COUNT_COLUMN + pc_circe_field_of(info, field) - PC_CIRCE_COLUMN;
        }
    }
    return PC_OK;
}

static pc_status read_occurrence(pc_circe_reader *reader, const pc_json *object,
                                 const pc_circe_place *up, pc_circe_correlated *out)
{
    const pc_circe_place *place = PC_CIRCE_KEY(up, "Occurrence");
    const pc_json *value = pc_circe_member(object, "Occurrence");
    if (value == NULL) {
        return pc_circe_fail(reader, place, PC_BAD_JOB, "it says how often, and is missing");
    }
    PC_TRY(pc_circe_expect(reader, value, place, PC_JSON_OBJECT));
    int64_t type = 0, count = 0;
    PC_TRY(pc_circe_whole(reader, value, "Type", place, 0, 2, &type));
    PC_TRY(pc_circe_whole(reader, value, "Count", place, INT32_MIN, INT32_MAX, &count));
    out->occurrence = (pc_circe_occurrence)type;
    out->count = (int32_t)count;
    bool is_distinct = false;
    PC_TRY(pc_circe_flag(reader, value, "IsDistinct", place, &is_distinct));
    return is_distinct ? read_count_column(reader, value, place, out) : PC_OK;
}

static pc_status read_correlated(pc_circe_reader *reader, const pc_json *value,
                                 const pc_circe_place *place, pc_circe_correlated *out)
{
    PC_TRY(pc_circe_expect(reader, value, place, PC_JSON_OBJECT));
    const pc_json *criterion = pc_circe_member(value, "Criteria");
    if (criterion == NULL) {
        return pc_circe_fail(reader, PC_CIRCE_KEY(place, "Criteria"), PC_BAD_JOB,
                             "it says what to look for, and is missing");
    }
    PC_TRY(read_criterion(reader, criterion, PC_CIRCE_KEY(place, "Criteria"), &out->criterion));
    const pc_json *start = pc_circe_member(value, "StartWindow");
    const pc_json *end = pc_circe_member(value, "EndWindow");
    if (start == NULL) {
        return pc_circe_fail(reader, PC_CIRCE_KEY(place, "StartWindow"), PC_BAD_JOB,
                             "it says where to look, and is missing");
    }
    PC_TRY(
        read_window(reader, start, PC_CIRCE_KEY(place, "StartWindow"), false, &out->start_window));
    if (end != NULL) {
        PC_TRY(read_window(reader, end, PC_CIRCE_KEY(place, "EndWindow"), true, &out->end_window));
    }
    PC_TRY(pc_circe_flag(reader, value, "RestrictVisit", place, &out->same_visit));
    PC_TRY(pc_circe_flag(reader, value, "IgnoreObservationPeriod", place, &out->ignores_period));
    return read_occurrence(reader, value, place, out);
}

static pc_status read_demographic(pc_circe_reader *reader, const pc_json *value,
                                  const pc_circe_place *place, pc_circe_demographic *out)
{
    PC_TRY(pc_circe_expect(reader, value, place, PC_JSON_OBJECT));
    static const struct {
        const char *key;
        int field;
        int decimals; // 1: concepts
    } part[] = {{"Age", PC_CIRCE_AGE, 0},
                {"Gender", PC_CIRCE_GENDER, 1},
                {"Race", PC_CIRCE_RACE, 1},
                {"Ethnicity", PC_CIRCE_ETHNICITY, 1},
                {"OccurrenceStartDate", PC_CIRCE_START, -1},
                {"OccurrenceEndDate", PC_CIRCE_END, -1}};
    static const char *const wrong[] = {"RaceCS", "EthnicityCS"};
    for (int i = 0; i < 2; i++) {
        if (pc_circe_member(value, wrong[i]) == NULL) continue;
        return pc_circe_fail(reader, PC_CIRCE_KEY(place, wrong[i]), PC_UNSUPPORTED,
                             "not supported: Circe tests the gender with it");
    }
    filters to = {.list = {.budget = reader->arena->budget}, .reader = reader};
    pc_status status = PC_OK;
    reader->out->uses_person = true;
    for (int i = 0; i < 6 && status == PC_OK; i++) {
        const pc_json *member = pc_circe_member(value, part[i].key);
        if (member == NULL) continue;
        pc_circe_filter filter = {.op = PC_CIRCE_IN, .field = part[i].field};
        const pc_circe_place *inside = PC_CIRCE_KEY(place, part[i].key);
        status = part[i].decimals == 1
                     ? pc_circe_concepts(reader, member, inside, &filter)
                     : pc_circe_range(reader, member, inside, part[i].decimals, &filter);
        if (status == PC_OK && (part[i].decimals != 1 || filter.id_count > 0)) {
            status = add_filter(&to, filter);
        }
    }
    if (status == PC_OK && pc_circe_member(value, "GenderCS") != NULL) {
        status = read_selection(&to, value, "GenderCS", PC_CIRCE_GENDER, place);
    }
    return keep_filters(&to, status, &out->filter_count, &out->filter);
}

static pc_status read_group_type(pc_circe_reader *reader, const pc_json *value,
                                 const pc_circe_place *place, pc_circe_group *out)
{
    static const char *const names[] = {"ALL", "ANY", "AT_LEAST", "AT_MOST"};
    const char *text = NULL;
    PC_TRY(pc_circe_text(reader, value, "Type", place, &text));
    int found = -1;
    for (int i = 0; i < 4 && text != NULL; i++) {
        if (pc_span_equal_nocase(pc_span_of(text), pc_span_of(names[i]))) found = i;
    }
    if (found < 0) {
        return pc_circe_fail(reader, PC_CIRCE_KEY(place, "Type"), PC_BAD_JOB,
                             "expected ALL, ANY, AT_LEAST or AT_MOST");
    }
    out->type = (pc_circe_group_type)found;
    if (found < 2) return PC_OK;
    int64_t count = -1;
    PC_TRY(pc_circe_whole(reader, value, "Count", place, 0, INT32_MAX, &count));
    out->count = (int32_t)count;
    if (count >= 0) return PC_OK;
    return pc_circe_fail(reader, PC_CIRCE_KEY(place, "Count"), PC_BAD_JOB,
                         "a group of type %s needs it", names[found]);
}

static pc_status read_members(pc_circe_reader *reader, const pc_json *value,
                              const pc_circe_place *place, pc_circe_group *out)
{
    const pc_json *list = NULL;
    const pc_circe_place *inside = PC_CIRCE_KEY(place, "CriteriaList");
    int at = 0;
    PC_TRY(
        pc_circe_array(reader, value, "CriteriaList", place, false, &list, &out->correlated_count));
    out->correlated = pc_arena_array(reader->arena, (size_t)out->correlated_count + 1,
                                     sizeof *out->correlated, reader->err);
    if (out->correlated == NULL) return PC_NO_MEMORY;
    for (const pc_json *v = list == NULL ? NULL : pc_json_first(list); v != NULL;
         v = pc_json_next(v), at++) {
        PC_TRY(read_correlated(reader, v, PC_CIRCE_NTH(inside, at), &out->correlated[at]));
    }
    PC_TRY(pc_circe_array(reader, value, "DemographicCriteriaList", place, false, &list,
                          &out->demographic_count));
    pc_circe_demographic *demographic = pc_arena_array(
        reader->arena, (size_t)out->demographic_count + 1, sizeof *demographic, reader->err);
    if (demographic == NULL) return PC_NO_MEMORY;
    out->demographic = demographic;
    inside = PC_CIRCE_KEY(place, "DemographicCriteriaList");
    at = 0;
    for (const pc_json *v = list == NULL ? NULL : pc_json_first(list); v != NULL;
         v = pc_json_next(v), at++) {
        PC_TRY(read_demographic(reader, v, PC_CIRCE_NTH(inside, at), &demographic[at]));
    }
    PC_TRY(pc_circe_array(reader, value, "Groups", place, false, &list, &out->group_count));
    out->group = pc_arena_array(reader->arena, (size_t)out->group_count + 1, sizeof *out->group,
                                reader->err);
    if (out->group == NULL) return PC_NO_MEMORY;
    inside = PC_CIRCE_KEY(place, "Groups");
    at = 0;
    for (const pc_json *v = list == NULL ? NULL : pc_json_first(list); v != NULL;
         v = pc_json_next(v), at++) {
        PC_TRY(pc_circe_read_group(reader, v, PC_CIRCE_NTH(inside, at), &out->group[at]));
    }
    return PC_OK;
}

pc_status pc_circe_read_group(pc_circe_reader *reader, const pc_json *value,
                              const pc_circe_place *place, pc_circe_group *out)
{
    PC_TRY(pc_circe_expect(reader, value, place, PC_JSON_OBJECT));
    *out = (pc_circe_group){.type = PC_CIRCE_ALL};
    PC_TRY(read_members(reader, value, place, out));
    if (out->correlated_count + out->demographic_count + out->group_count == 0) return PC_OK;
    return read_group_type(reader, value, place, out);
}
