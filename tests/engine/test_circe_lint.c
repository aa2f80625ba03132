/** Warnings about definitions, each by a definition that has it; definitions in English. */
#include "engine/circe/lint.h"
#include <stdio.h>
#include <string.h>
#include "test_main.h"

/** A definition without anything odd. Cases put other texts in its place. */
static const char right[] =
    "{\"Title\": \"Fever\", \"ConceptSets\": [{\"id\": 1, \"name\": \"fever\", \"expression\": "
    "{\"items\": [{\"concept\": {\"CONCEPT_ID\": 10}}]}}],"
    "\"PrimaryCriteria\": {\"CriteriaList\": [{\"ConditionOccurrence\": {\"CodesetId\": 1, "
    "\"First\": true, \"Age\": {\"Value\": 18, \"Op\": \"gte\"}}}], "
    "\"ObservationWindow\": {\"PriorDays\": 365, \"PostDays\": 0}, "
    "\"PrimaryCriteriaLimit\": {\"Type\": \"All\"}},"
    "\"QualifiedLimit\": {\"Type\": \"All\"}, \"ExpressionLimit\": {\"Type\": \"First\"},"
    "\"InclusionRules\": [{\"name\": \"again\", \"expression\": {\"Type\": \"ALL\", "
    "\"CriteriaList\": [{\"Criteria\": {\"Measurement\": {\"CodesetId\": 1, "
    "\"ValueAsNumber\": {\"Value\": 2, \"Op\": \"bt\", \"Extent\": 3}}}, "
    "\"StartWindow\": {\"Start\": {\"Days\": 30, \"Coeff\": -1}, \"End\": {\"Coeff\": 1}}, "
    "\"EndWindow\": {\"Start\": {\"Coeff\": -1}, \"End\": {\"Days\": 9, \"Coeff\": 1}}, "
    "\"Occurrence\": {\"Type\": 2, \"Count\": 1}}], \"DemographicCriteriaList\": [], "
    "\"Groups\": []}}],"
    "\"EndStrategy\": {\"DateOffset\": {\"DateField\": \"StartDate\", \"Offset\": 7}},"
    "\"CensoringCriteria\": [], \"CollapseSettings\": {\"CollapseType\": \"ERA\", \"EraPad\": 0},"
    "\"CensorWindow\": {\"StartDate\": \"2010-01-01\", \"EndDate\": \"2020-12-31\"}}";

typedef struct odd_definition {
    const char *find, *put, *line;
} odd_definition;

static const odd_definition ODD[] = {
    {"\"Title\"", "\"title\"",
     "f: $: 'title' is ignored: there is no such key here, did you mean 'Title'?"},
    {"\"PriorDays\"", "\"priorDays\"",
     "f: PrimaryCriteria.ObservationWindow: 'priorDays' is ignored"},
    {"\"Age\"", "\"Ages\"",
     "CriteriaList[0].ConditionOccurrence.Ages: is ignored: ConditionOccurrence has no such"},
    {"\"id\": 1,", "\"id\": 2,",
     "ConditionOccurrence.CodesetId: there is no concept set 1: nothing is found"},
    {"\"id\": 1,", "\"id\": 2,", "f: ConceptSets[0]: the concept set is not used"},
    {"{\"CONCEPT_ID\": 10}", "{\"CONCEPT_ID\": 10}, \"isExcluded\": true",
     "ConceptSets[0]: the concept set is empty"},
    {"\"QualifiedLimit\": {\"Type\": \"All\"}", "\"QualifiedLimit\": {\"Type\": \"First\"}",
     "f: QualifiedLimit: 'First' has no effect without AdditionalCriteria"},
    {"\"Extent\": 3", "\"Extent\": 1",
     "Measurement.ValueAsNumber: Value is above Extent: no value passes"},
    {"\"Op\": \"gte\"", "\"Op\": \"gte\", \"Extent\": 3", "Age: Extent is ignored: Op is 'gte'"},
    {"\"Days\": 30, \"Coeff\": -1}, \"End\": {\"Coeff\": 1}",
     "\"Days\": 30, \"Coeff\": 1}, \"End\": {\"Days\": 20, \"Coeff\": 1}",
     "f: InclusionRules[0].expression.CriteriaList[0].StartWindow: no day lies in the window: it "
     "begins 10 days after"},
    {"{\"Days\": 30, \"Coeff\": -1}", "{\"Days\": 30, \"Coeff\": 1}",
     "CriteriaList[0]: no event fits both windows: it would end before"},
    {"\"Count\": 1", "\"Count\": 0", "Occurrence: at least 0: always holds"},
    {"\"Type\": 2, \"Count\": 1", "\"Type\": 1, \"Count\": -1",
     "Occurrence: a number below 0: never holds"},
    {"\"Count\": 1", "\"Count\": 1, \"CountColumn\": \"START_DATE\"",
     "CountColumn is ignored: IsDistinct is not true"},
    {"\"Type\": \"ALL\"", "\"Type\": \"AT_LEAST\", \"Count\": 2",
     "f: InclusionRules[0].expression: at least 2 of 1: never holds"},
    {"\"Type\": \"ALL\"", "\"Type\": \"AT_MOST\", \"Count\": 1",
     "expression: at most 1 of 1: always holds"},
    {"\"Groups\": []", "\"Groups\": [{\"Type\": \"ANY\"}]",
     "expression.Groups[0]: the group is empty: it always holds"},
    {"\"Offset\": 7", "\"Offset\": -7", "f: EndStrategy.DateOffset: the end lies before the start"},
    {"\"2010-01-01\"", "\"2021-01-01\"", "f: CensorWindow: StartDate is after EndDate"},
    {"\"2010-01-01\"", "\"\"", "f: CensorWindow: StartDate is empty: it is taken as absent"},
    {"\"First\": true", "\"ConditionTypeExclude\": true",
     "ConditionTypeExclude: has no effect: there is no ConditionType"},
    {"\"First\": true", "\"Gender\": []", "Gender: has no effect: the list is empty"},
    {"\"First\": true", "\"CorrelatedCriteria\": {\"Type\": \"ALL\"}",
     "ConditionOccurrence.CorrelatedCriteria: the group is empty"},
};

static pc_json *parse_with(const char *find, const char *put, pc_budget *budget)
{
    pc_buffer text = {.budget = budget};
    pc_json *json = NULL;
    const char *from = strstr(right, find);
    CU_ASSERT_PTR_NOT_NULL_FATAL(from);
    CU_ASSERT_EQUAL(pc_buffer_print(&text, NULL, "%.*s%s%s", (int)(from - right), right, put,
                                    from + strlen(find)),
                    PC_OK);
    CU_ASSERT_EQUAL_FATAL(pc_json_parse((pc_span){text.data, text.bytes}, "f", &json, NULL), PC_OK);
    pc_buffer_release(&text);
    return json;
}

static void test_odd_definitions(void)
{
    pc_budget budget = {0};
    int wrong = 0;
    for (size_t i = 0; i < sizeof ODD / sizeof ODD[0]; i++) {
        pc_buffer out = {.budget = &budget};
        int warnings = 0;
        pc_json *json = parse_with(ODD[i].find, ODD[i].put, &budget);
        CU_ASSERT_EQUAL(pc_circe_lint(json, "f", &out, &warnings, NULL), PC_OK);
        if (warnings == 0 || strstr(out.data, ODD[i].line) == NULL) {
            (void)fprintf(stderr, "\n%s: %.*s\n", ODD[i].line, (int)out.bytes, out.data);
            wrong++;
        }
        pc_json_free(json);
        pc_buffer_release(&out);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

static void test_nothing_odd(void)
{
    pc_budget budget = {0};
    pc_buffer out = {.budget = &budget};
    int warnings = 0;
    pc_json *json = parse_with("", "", &budget);
    CU_ASSERT_EQUAL(pc_circe_lint(json, "f", &out, &warnings, NULL), PC_OK);
    CU_ASSERT_EQUAL(warnings, 0);
    CU_ASSERT_EQUAL(out.bytes, 0);
    pc_json_free(json);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

static void test_english(void)
{
    static const char wanted[] =
        "f: Fever\n"
        "A person enters with\n"
        "  - the first condition of 'fever' of the person's life, age at least 18\n"
        "observed from 365 days before to 0 days after; all of them count.\n"
        "Rule 1, 'again': all of these hold:\n"
        "  - at least 1 time a measurement of 'fever', value as number from 2 to 3, starting from "
        "30 days before to any time after, counted from the start of the entry, ending from any "
        "time before to 9 days after, counted from the start of the entry\n"
        "Of the entries that fit every rule the first of a person is kept.\n"
        "The person stays until the end of observation, at most until 7 days after the entry's "
        "start. Stays that share a day are one. Nothing before 2010-01-01 counts. Nothing after "
        "2020-12-31 counts.\n";
    pc_budget budget = {0};
    pc_json *json = parse_with("", "", &budget);
    pc_status status = PC_NO_MEMORY;
    for (size_t limit = 1; status != PC_OK && limit < 1 << 16; limit += 64) {
        pc_budget small = {.limit_bytes = limit};
        pc_buffer out = {.budget = &small};
        status = pc_circe_describe(json, "f", &out, NULL);
        CU_ASSERT(status == PC_OK || status == PC_NO_MEMORY);
        if (status == PC_OK) {
            CU_ASSERT(pc_span_equal((pc_span){out.data, out.bytes}, pc_span_of(wanted)));
        }
        pc_buffer_release(&out);
        CU_ASSERT_EQUAL(small.used_bytes, 0);
    }
    CU_ASSERT_EQUAL(status, PC_OK);
    pc_json_free(json);
}

typedef struct told_definition {
    const char *find, *put, *says;
} told_definition;

static void test_other_words(void)
{
    static const char age[] = "\"Age\": {\"Value\": 18, \"Op\": \"gte\"}";
    static const told_definition TOLD[] = {
        {"{\"Measurement\": {\"CodesetId\": 1, \"ValueAsNumber\": {\"Value\": 2, "
         "\"Op\": \"bt\", \"Extent\": 3}}}",
         "{\"Observation\": {\"CodesetId\": 1}}", "at least 1 time an observation of 'fever',"},
        {age,
         "\"DateAdjustment\": {\"StartWith\": \"END_DATE\", \"StartOffset\": -1, \"EndOffset\": "
         "0}",
         ", taken to start 1 day before its end and to end at its end\n"},
        {"\"Offset\": 7", "\"Offset\": 0", "at most until the entry's start."},
        {"\"Offset\": 7", "\"Offset\": -1", "at most until 1 day before the entry's start."},
        {"\"ExpressionLimit\": {\"Type\": \"First\"}", "\"ExpressionLimit\": {\"Type\": \"All\"}",
         "\nEach entry that fits every rule is kept.\n"},
        {"\"EraPad\": 0", "\"EraPad\": 1", "Stays at most 1 day apart are one."},
        {"\"QualifiedLimit\": {\"Type\": \"All\"}",
         "\"AdditionalCriteria\": {\"Type\": \"ALL\", \"CriteriaList\": []}",
         "stay for which all of these hold:\nRule 1"},
        {"\"QualifiedLimit\": {\"Type\": \"All\"}",
         "\"QualifiedLimit\": {\"Type\": \"Last\"}, \"AdditionalCriteria\": {\"Type\": "
         "\"ALL\", \"CriteriaList\": []}",
         "\nand of these the last of a person.\nRule 1"}};
    for (size_t i = 0; i < sizeof TOLD / sizeof TOLD[0]; i++) {
        pc_budget budget = {0};
        pc_json *json = parse_with(TOLD[i].find, TOLD[i].put, &budget);
        pc_buffer out = {.budget = &budget};
        CU_ASSERT_EQUAL(pc_circe_describe(json, "f", &out, NULL), PC_OK);
        CU_ASSERT_EQUAL(pc_buffer_append(&out, "", 1, NULL), PC_OK);
        CU_ASSERT_PTR_NOT_NULL(strstr(out.data, TOLD[i].says));
        if (strstr(out.data, TOLD[i].says) == NULL) printf("\n%zu: %s", i, out.data);
        pc_buffer_release(&out);
        CU_ASSERT_EQUAL(budget.used_bytes, 0);
        pc_json_free(json);
    }
}

PC_TEST_MAIN("circe_lint", {"what is odd is said with its place", test_odd_definitions},
             {"what is not odd is not", test_nothing_odd},
             {"a definition in English, each refusal of memory", test_english},
             {"what definitions say otherwise", test_other_words});
