/** A definition in English: who enters, who is kept, until when. Names of concept sets stand in
 *  quotes; lists are as deep as the definition's groups. */
#include <stdio.h>
#include <string.h>
#include "lint.h"

typedef struct teller {
    pc_buffer *out;
    pc_error *err;
    const pc_json *sets; // "ConceptSets", or NULL
} teller;

static pc_status say(const teller *t, const char *text)
{
    return pc_buffer_append(t->out, text, strlen(text), t->err);
}

static pc_status line(const teller *t, int depth)
{
    PC_TRY(say(t, "\n"));
    for (int i = 0; i < depth; i++)
        PC_TRY(say(t, "  "));
    return depth > 0 ? say(t, "- ") : PC_OK;
}

static const char *text_of(const pc_json *object, const char *key)
{
    const pc_json *value = object == NULL ? NULL : pc_json_get(object, key);
    return value == NULL ? NULL : pc_json_text(value);
}

static bool is_true(const pc_json *object, const char *key)
{
    const pc_json *value = object == NULL ? NULL : pc_json_get(object, key);
    return value != NULL && pc_json_kind_of(value) == PC_JSON_BOOL && pc_json_bool(value);
}

static const pc_json *first_of(const pc_json *object, const char *key)
{
    const pc_json *list = object == NULL ? NULL : pc_json_get(object, key);
    const bool is_list = list != NULL && pc_json_kind_of(list) == PC_JSON_ARRAY;
    return is_list ? pc_json_first(list) : NULL;
}

/** A key as words: "OccurrenceStartDate" is "occurrence start date". */
static pc_status say_words(const teller *t, const char *key)
{
    for (const char *c = key; *c != '\0'; c++) {
        const bool is_upper = *c >= 'A' && *c <= 'Z';
        const char small = (char)(is_upper ? *c - 'A' + 'a' : *c);
        if (is_upper && c > key && !(c[-1] >= 'A' && c[-1] <= 'Z')) PC_TRY(say(t, " "));
        PC_TRY(pc_buffer_append(t->out, &small, 1, t->err));
    }
    return PC_OK;
}

static pc_status say_value(const teller *t, const pc_json *value)
{
    if (value == NULL) return say(t, "nothing");
    if (pc_json_text(value) != NULL) return say(t, pc_json_text(value));
    return pc_buffer_print(t->out, t->err, "%.10g", pc_json_number(value));
}

static pc_status say_set(const teller *t, const pc_json *id)
{
    int64_t wanted, own;
    if (!pc_json_int(id, &wanted)) return say(t, "a concept set");
    for (const pc_json *s = t->sets == NULL ? NULL : pc_json_first(t->sets); s != NULL;
         s = pc_json_next(s)) {
        const pc_json *value = pc_json_get(s, "id");
        if (value == NULL || !pc_json_int(value, &own) || own != wanted) continue;
        const char *name = text_of(s, "name");
        if (name == NULL) break;
        return pc_buffer_print(t->out, t->err, "'%s'", name);
    }
    return pc_buffer_print(t->out, t->err, "concept set %lld", (long long)wanted);
}

// ---- criteria -----------------------------------------------------------------------------------

/** What an event of a criteria type is called: of a set, and of any code. */
static const char *noun_of(const char *type)
{
    static const char *const noun[][2] = {{"ConditionOccurrence", "condition"},
                                          {"DrugExposure", "drug exposure"},
                                          {"ProcedureOccurrence", "procedure"},
                                          {"VisitOccurrence", "visit"},
                                          {"VisitDetail", "part of a visit"},
                                          {"DeviceExposure", "device exposure"},
                                          {"Death", "death"},
                                          {"ConditionEra", "condition era"},
                                          {"DrugEra", "drug era"},
                                          {"DoseEra", "dose era"},
                                          {"ObservationPeriod", "observation period"},
                                          {"PayerPlanPeriod", "insurance period"},
                                          {"Measurement", "measurement"},
                                          {"Observation", "observation"},
                                          {"Specimen", "specimen"}};
    for (size_t i = 0; i < sizeof noun / sizeof noun[0]; i++) {
        if (strcmp(noun[i][0], type) == 0) return noun[i][1];
    }
    return type;
}

static pc_status say_range(const teller *t, const pc_json *range)
{
    static const char *const op[][2] = {{"lt", "below "}, {"lte", "at most "}, {"eq", "exactly "},
                                        {"!eq", "not "},  {"gt", "above "},    {"gte", "at least "},
                                        {"bt", "from "},  {"!bt", "outside "}};
    const char *name = text_of(range, "Op");
    const char *words = "";
    for (size_t i = 0; name != NULL && i < sizeof op / sizeof op[0]; i++) {
        if (strcmp(op[i][0], name) == 0) words = op[i][1];
    }
    PC_TRY(say(t, words));
    PC_TRY(say_value(t, pc_json_get(range, "Value")));
    if (name == NULL || strstr(name, "bt") == NULL) return PC_OK;
    PC_TRY(say(t, " to "));
    return say_value(t, pc_json_get(range, "Extent"));
}

static pc_status say_concepts(const teller *t, const pc_json *list, bool are_excluded)
{
    PC_TRY(say(t, are_excluded ? "none of " : "one of "));
    for (const pc_json *c = pc_json_first(list); c != NULL; c = pc_json_next(c)) {
        const char *name = text_of(c, "CONCEPT_NAME");
        if (c != pc_json_first(list)) PC_TRY(say(t, ", "));
        PC_TRY(name != NULL ? say(t, name) : say_value(t, pc_json_get(c, "CONCEPT_ID")));
    }
    return PC_OK;
}

/** One attribute behind a comma: "age at least 18". */
static pc_status say_attribute(const teller *t, const pc_json *body, const pc_json *member,
                               const pc_circe_attribute *a)
{
    const bool is_false = pc_json_kind_of(member) == PC_JSON_BOOL && !pc_json_bool(member);
    if (is_false || pc_json_kind_of(member) == PC_JSON_NULL) return PC_OK;
    if (pc_json_kind_of(member) == PC_JSON_ARRAY && pc_json_count(member) == 0) return PC_OK;
    PC_TRY(say(t, ", "));
    PC_TRY(say_words(t, a->key));
    if (pc_json_kind_of(member) == PC_JSON_BOOL) return PC_OK;
    PC_TRY(say(t, " "));
    switch (a->reads) {
        case PC_CIRCE_READS_SOURCE:
        case PC_CIRCE_READS_SET_FILTER:
            PC_TRY(say(t, "in "));
            return say_set(t, member);
        case PC_CIRCE_READS_CONCEPTS:
            return say_concepts(t, member, a->exclude != NULL && is_true(body, a->exclude));
        case PC_CIRCE_READS_SELECTION:
            PC_TRY(say(t, is_true(member, "IsExclusion") ? "not in " : "in "));
            return pc_json_get(member, "CodesetId") == NULL
                       ? say(t, "any set")
                       : say_set(t, pc_json_get(member, "CodesetId"));
        case PC_CIRCE_READS_TEXT:
            PC_TRY(say_words(t, text_of(member, "Op") != NULL ? text_of(member, "Op") : ""));
            PC_TRY(say(t, " '"));
            PC_TRY(say_value(t, pc_json_get(member, "Text")));
            return say(t, "'");
        case PC_CIRCE_READS_USER_PERIOD:
            PC_TRY(say_value(t, pc_json_get(member, "StartDate")));
            PC_TRY(say(t, " to "));
            return say_value(t, pc_json_get(member, "EndDate"));
        default:
            return say_range(t, member);
    }
}

static pc_status say_group(const teller *t, const pc_json *group, const char *index, int depth);

/** A day by its distance from another: "7 days after its start". */
static pc_status say_day(const teller *t, int64_t offset, const char *whose, bool is_end)
{
    const char *of = is_end ? "end" : "start";
    if (offset == 0) return pc_buffer_print(t->out, t->err, "%s %s", whose, of);
    const unsigned long long days =
        offset < 0 ? 0 - (unsigned long long)offset : (unsigned long long)offset;
    return pc_buffer_print(t->out, t->err, "%llu day%s %s %s %s", days, days == 1 ? "" : "s",
                           offset < 0 ? "before" : "after", whose, of);
}

/** The days that stand for those of an event. NULL: its own. */
static pc_status say_adjustment(const teller *t, const pc_json *adjusted)
{
    static const char *const key[][3] = {{"StartWith", "StartOffset", ", taken to start "},
                                         {"EndWith", "EndOffset", " and to end "}};
    for (int i = 0; adjusted != NULL && i < 2; i++) {
        const char *from = text_of(adjusted, key[i][0]);
        const bool is_end = from != NULL ? strcmp(from, "END_DATE") == 0 : i == 1;
        const int64_t offset = pc_circe_number_of(adjusted, key[i][1], 0);
        PC_TRY(say(t, key[i][2]));
        if (offset == 0) PC_TRY(say(t, "at "));
        PC_TRY(say_day(t, offset, "its", is_end));
    }
    return PC_OK;
}

static pc_status say_criterion(const teller *t, const pc_json *criterion, int depth)
{
    const pc_json *body = NULL;
    const pc_circe_domain_info *info = pc_circe_type_of(criterion, &body);
    if (info == NULL) return say(t, "an unknown criterion");
    const pc_json *set = pc_json_get(body, "CodesetId");
    const bool has_set = set != NULL && pc_json_kind_of(set) == PC_JSON_NUMBER;
    const char *noun = noun_of(info->type);
    const bool is_first = is_true(body, "First");
    PC_TRY(say(t, is_first ? "the first " : strchr("aeiou", noun[0]) != NULL ? "an " : "a "));
    PC_TRY(say(t, noun));
    if (has_set) PC_TRY(say(t, " of "));
    if (has_set) PC_TRY(say_set(t, set));
    if (is_first) PC_TRY(say(t, " of the person's life"));
    for (const pc_json *m = pc_json_first(body); m != NULL; m = pc_json_next(m)) {
        const pc_circe_attribute *a = pc_circe_attribute_of(info, pc_json_key(m));
        if (a == NULL || a->reads == PC_CIRCE_READS_SET || a->reads == PC_CIRCE_READS_FIRST) {
            continue;
        }
        PC_TRY(say_attribute(t, body, m, a));
    }
    PC_TRY(say_adjustment(t, pc_circe_object_of(body, "DateAdjustment")));
    const pc_json *nested = pc_circe_object_of(body, "CorrelatedCriteria");
    if (nested == NULL) return PC_OK;
    PC_TRY(say(t, ", if "));
    return say_group(t, nested, "that event", depth + 1);
}

// ---- windows ------------------------------------------------------------------------------------

static pc_status say_bound(const teller *t, const pc_json *window, const char *key)
{
    const pc_json *bound = pc_circe_object_of(window, key);
    const int64_t days = pc_circe_number_of(bound, "Days", -1);
    const bool is_before = pc_circe_number_of(bound, "Coeff", 0) < 0;
    if (days < 0) return say(t, is_before ? "any time before" : "any time after");
    if (days == 0) return say(t, "the same day");
    return pc_buffer_print(t->out, t->err, "%lld day%s %s", (long long)days, days == 1 ? "" : "s",
                           is_before ? "before" : "after");
}

static pc_status say_window(const teller *t, const pc_json *correlated, const char *key,
                            const char *index)
{
    const pc_json *window = pc_circe_object_of(correlated, key);
    if (window == NULL) return PC_OK;
    const bool is_end_window = strcmp(key, "EndWindow") == 0;
    const bool by_end =
        is_end_window ? pc_json_get(window, "UseEventEnd") == NULL || is_true(window, "UseEventEnd")
                      : is_true(window, "UseEventEnd");
    PC_TRY(say(t, by_end ? ", ending from " : ", starting from "));
    PC_TRY(say_bound(t, window, "Start"));
    PC_TRY(say(t, " to "));
    PC_TRY(say_bound(t, window, "End"));
    return pc_buffer_print(t->out, t->err, ", counted from the %s of %s",
                           is_true(window, "UseIndexEnd") ? "end" : "start", index);
}

static pc_status say_correlated(const teller *t, const pc_json *correlated, const char *index,
                                int depth)
{
    static const char *const how[] = {"exactly", "at most", "at least"};
    const pc_json *occurrence = pc_circe_object_of(correlated, "Occurrence");
    const int64_t type = pc_circe_number_of(occurrence, "Type", 0);
    const char *column = text_of(occurrence, "CountColumn");
    PC_TRY(pc_buffer_print(t->out, t->err, "%s %lld time%s ", how[type < 0 || type > 2 ? 0 : type],
                           (long long)pc_circe_number_of(occurrence, "Count", 0),
                           pc_circe_number_of(occurrence, "Count", 0) == 1 ? "" : "s"));
    if (is_true(occurrence, "IsDistinct")) {
        PC_TRY(say(t, "(different values of "));
        PC_TRY(say(t, column != NULL ? column : "DOMAIN_CONCEPT"));
        PC_TRY(say(t, ") "));
    }
    PC_TRY(say_criterion(t, pc_circe_object_of(correlated, "Criteria"), depth));
    PC_TRY(say_window(t, correlated, "StartWindow", index));
    PC_TRY(say_window(t, correlated, "EndWindow", index));
    if (is_true(correlated, "RestrictVisit")) PC_TRY(say(t, ", in the same visit"));
    if (!is_true(correlated, "IgnoreObservationPeriod")) return PC_OK;
    return say(t, ", also outside of the observation period");
}

static pc_status say_demographic(const teller *t, const pc_json *demographic, const char *index)
{
    PC_TRY(say(t, "the person at "));
    PC_TRY(say(t, index));
    for (const pc_json *m = pc_json_first(demographic); m != NULL; m = pc_json_next(m)) {
        const pc_json_kind kind = pc_json_kind_of(m);
        if (kind != PC_JSON_OBJECT && (kind != PC_JSON_ARRAY || pc_json_count(m) == 0)) continue;
        PC_TRY(say(t, ", "));
        PC_TRY(say_words(t, pc_json_key(m)));
        PC_TRY(say(t, " "));
        PC_TRY(kind == PC_JSON_ARRAY                 ? say_concepts(t, m, false)
               : pc_json_get(m, "CodesetId") != NULL ? say_set(t, pc_json_get(m, "CodesetId"))
                                                     : say_range(t, m));
    }
    return PC_OK;
}

static pc_status say_group(const teller *t, const pc_json *group, const char *index, int depth)
{
    const char *type = text_of(group, "Type");
    const long long count = (long long)pc_circe_number_of(group, "Count", 0);
    const pc_span name = pc_span_of(type == NULL ? "ALL" : type);
    if (pc_span_equal_nocase(name, pc_span_of("ANY"))) {
        PC_TRY(say(t, "any of these holds:"));
    } else if (pc_span_equal_nocase(name, pc_span_of("AT_LEAST"))) {
        PC_TRY(pc_buffer_print(t->out, t->err, "at least %lld of these hold:", count));
    } else if (pc_span_equal_nocase(name, pc_span_of("AT_MOST"))) {
        PC_TRY(pc_buffer_print(t->out, t->err, "at most %lld of these hold:", count));
    } else {
        PC_TRY(say(t, "all of these hold:"));
    }
    for (const pc_json *m = first_of(group, "CriteriaList"); m != NULL; m = pc_json_next(m)) {
        PC_TRY(line(t, depth));
        PC_TRY(say_correlated(t, m, index, depth));
    }
    for (const pc_json *m = first_of(group, "DemographicCriteriaList"); m != NULL;
         m = pc_json_next(m)) {
        PC_TRY(line(t, depth));
        PC_TRY(say_demographic(t, m, index));
    }
    for (const pc_json *m = first_of(group, "Groups"); m != NULL; m = pc_json_next(m)) {
        PC_TRY(line(t, depth));
        PC_TRY(say_group(t, m, index, depth + 1));
    }
    return PC_OK;
}

// ---- the definition -----------------------------------------------------------------------------

static const char *limit_of(const pc_json *object, const char *key)
{
    const char *type = text_of(pc_circe_object_of(object, key), "Type");
    if (type != NULL && pc_span_equal_nocase(pc_span_of(type), pc_span_of("All"))) return "all";
    return type != NULL && pc_span_equal_nocase(pc_span_of(type), pc_span_of("Last")) ? "the last"
                                                                                      : "the first";
}

static pc_status say_entry(const teller *t, const pc_json *definition)
{
    const pc_json *entry = pc_circe_object_of(definition, "PrimaryCriteria");
    const pc_json *window = pc_circe_object_of(entry, "ObservationWindow");
    PC_TRY(say(t, "\nA person enters with"));
    for (const pc_json *c = first_of(entry, "CriteriaList"); c != NULL; c = pc_json_next(c)) {
        PC_TRY(line(t, 1));
        PC_TRY(say_criterion(t, c, 1));
    }
    PC_TRY(pc_buffer_print(
        t->out, t->err, "\nobserved from %lld days before to %lld days after; %s of them count%s.",
        (long long)pc_circe_number_of(window, "PriorDays", 0),
        (long long)pc_circe_number_of(window, "PostDays", 0),
        limit_of(entry, "PrimaryCriteriaLimit"),
        limit_of(entry, "PrimaryCriteriaLimit")[0] == 'a' ? "" : "s"));
    const pc_json *additional = pc_circe_object_of(definition, "AdditionalCriteria");
    if (additional == NULL) return PC_OK;
    PC_TRY(say(t, "\nOf these events those stay for which "));
    PC_TRY(say_group(t, additional, "the entry", 1));
    const char *limit = limit_of(definition, "QualifiedLimit");
    if (pc_json_get(definition, "QualifiedLimit") == NULL || limit[0] == 'a') return PC_OK;
    return pc_buffer_print(t->out, t->err, "\nand of these %s of a person.", limit);
}

static pc_status say_rules(const teller *t, const pc_json *definition)
{
    int number = 0;
    for (const pc_json *r = first_of(definition, "InclusionRules"); r != NULL;
         r = pc_json_next(r)) {
        const char *name = text_of(r, "name");
        PC_TRY(pc_buffer_print(t->out, t->err, "\nRule %d, '%s': ", ++number,
                               name == NULL ? "" : name));
        PC_TRY(say_group(t, pc_circe_object_of(r, "expression"), "the entry", 1));
    }
    const char *limit = limit_of(definition, "ExpressionLimit");
    if (limit[0] == 'a') {
        return pc_buffer_print(t->out, t->err, "\nEach entry %sis kept.",
                               number > 0 ? "that fits every rule " : "");
    }
    return pc_buffer_print(t->out, t->err, "\nOf the entries %s%s of a person is kept.",
                           number > 0 ? "that fit every rule " : "", limit);
}

static pc_status say_exit(const teller *t, const pc_json *definition)
{
    const pc_json *strategy = pc_circe_object_of(definition, "EndStrategy");
    const pc_json *offset = pc_circe_object_of(strategy, "DateOffset");
    const pc_json *era = pc_circe_object_of(strategy, "CustomEra");
    PC_TRY(say(t, "\nThe person stays until the end of observation"));
    if (offset != NULL) {
        const char *field = text_of(offset, "DateField");
        const bool is_end = field != NULL && strcmp(field, "EndDate") == 0;
        PC_TRY(say(t, ", at most until "));
        PC_TRY(say_day(t, pc_circe_number_of(offset, "Offset", 0), "the entry's", is_end));
    }
    if (era != NULL) {
        PC_TRY(say(t, ", at most as long as exposures to "));
        PC_TRY(say_set(t, pc_json_get(era, "DrugCodesetId")));
        const long long more = (long long)pc_circe_number_of(era, "Offset", 0);
        PC_TRY(pc_buffer_print(t->out, t->err, " follow each other within %lld days",
                               (long long)pc_circe_number_of(era, "GapDays", 0)));
        if (more != 0) {
            PC_TRY(pc_buffer_print(t->out, t->err, ", and %lld more", more));
        }
    }
    const pc_json *censoring = first_of(definition, "CensoringCriteria");
    if (censoring != NULL) PC_TRY(say(t, ", or until"));
    for (const pc_json *c = censoring; c != NULL; c = pc_json_next(c)) {
        PC_TRY(line(t, 1));
        PC_TRY(say_criterion(t, c, 1));
    }
    PC_TRY(say(t, censoring != NULL ? "\n" : ". "));
    const pc_json *collapse = pc_circe_object_of(definition, "CollapseSettings");
    const long long pad = (long long)pc_circe_number_of(collapse, "EraPad", 0);
    PC_TRY(pad == 0 ? say(t, "Stays that share a day are one.")
                    : pc_buffer_print(t->out, t->err, "Stays at most %lld day%s apart are one.",
                                      pad, pad == 1 ? "" : "s"));
    const pc_json *window = pc_circe_object_of(definition, "CensorWindow");
    for (int i = 0; i < 2; i++) {
        const char *day = text_of(window, i == 0 ? "StartDate" : "EndDate");
        if (day == NULL || day[0] == '\0') continue;
        PC_TRY(pc_buffer_print(t->out, t->err, " Nothing %s %s counts.",
                               i == 0 ? "before" : "after", day));
    }
    return say(t, "\n");
}

pc_status pc_circe_describe(const pc_json *definition, const char *file, pc_buffer *out,
                            pc_error *err)
{
    const pc_json *sets = pc_json_get(definition, "ConceptSets");
    const bool has_sets = sets != NULL && pc_json_kind_of(sets) == PC_JSON_ARRAY;
    const teller t = {.out = out, .err = err, .sets = has_sets ? sets : NULL};
    const char *title = text_of(definition, "Title");
    PC_TRY(pc_buffer_print(out, err, "%s%s%s", file, title != NULL ? ": " : "",
                           title != NULL ? title : ""));
    PC_TRY(say_entry(&t, definition));
    PC_TRY(say_rules(&t, definition));
    return say_exit(&t, definition);
}
