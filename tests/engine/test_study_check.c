/** What `parcours check` says: each kind of error, its path, its id. */
#include <stdbool.h>
#include "study_case.h"
#include "test_main.h"

// A good study with one place to break: %s is a member of the study with a comma in front, or
// nothing.
#define STUDY_BEGIN "{\"study\": \"s\", \"parameters\": {\"year\": 2020, \"text\": \"it's\"}, "
#define GOOD_PARTS                                                                                 \
    "\"codes\": {\"flu\": {\"ICD10\": [\"J10-J11\", \"=J09\"]}, "                                  \
    "\"ward\": {\"WARD\": [\"A1\"]}}, "                                                            \
    "\"periods\": {\"calendar\": {\"every\": \"year\"}}, "                                         \
    "\"cohorts\": {\"c\": {\"entry\": {\"from\": \"visit\"}}}"
#define VISIT                                                                                      \
    "\"visit\": {\"from\": \"VISIT\", \"code\": \"DIAGNOSIS\", \"value\": \"COST\", "              \
    "\"codes\": \"flu\", \"keep\": {\"ward\": \"WARD\", \"doctor\": \"DOCTOR\"}}"

static pc_status check_text(study_case *c, const char *text)
{
    study_case_write(c, "study.json", text);
    return study_case_check(c, NULL, 0);
}

/** The study with `event` as a further event, and `member` as a further section. */
static pc_status check_event(study_case *c, const char *event, const char *member)
{
    char text[8192];
    snprintf(text, sizeof text, STUDY_BEGIN GOOD_PARTS ", \"events\": {" VISIT "%s%s}%s%s}",
             event[0] == '\0' ? "" : ", ", event, member[0] == '\0' ? "" : ", ", member);
    return check_text(c, text);
}

typedef struct bad_case {
    const char *event, *member;
    const char *expected; // the beginning of the one line
} bad_case;

static const bad_case bad_cases[] = {
    // key: unknown, missing, above the level
    {"\"e\": {\"from\": \"visit\", \"wher\": \"true\"}", "",
     "events.e.wher: key: unknown key 'wher', did you mean 'where'?"},
    {"\"e\": {\"where\": \"true\"}", "", "events.e: key: 'from' is missing"},
    {"", "\"exports\": {\"x\": {\"rows\": \"visit\", \"days\": 3}}",
     "exports.x.days: key: 'days' is not for 'rows'"},
    {"", "\"exports\": {\"x\": {\"buckets\": \"c\", \"features\": [\"visit\"]}}",
     "exports.x: key: 'days' is missing"},
    {"", "\"exports\": {\"x\": {\"rows\": \"visit\", \"columns\": [\"wart\"]}}",
     "exports.x: name: 'columns': the record has no column 'wart', did you mean 'ward'?"},
    {"", "\"exports\": {\"x\": {\"intervals\": \"visit\"}}",
     "exports.x.intervals: name: 'visit' is not a cohort"},
    {"", "\"exports\": {\"x\": {\"columns\": []}}", "exports.x: verb: expected one of"},
    {"", "\"statistics\": {\"a\": {\"sql\": \"visit\", \"count\": \"visit\"}}",
     "statistics.a: verb: expected one of"},
    {"", "\"statistics\": {\"a\": {\"sql\": \"SELECT count(*) FROM visit\", \"by\": [\"sex\"]}}",
     "statistics.a.by: key: 'by' is not for 'sql'"},
    {"", "\"statistics\": {\"a\": {\"sql\": \"SELECT cuont(*) FROM visit\"}}",
     "statistics.a.sql: sql: query: character 8:"},
    {"", "\"statistics\": {\"a\": {\"sql\": \"SELECT count(*) FROM viist\"}}",
     "statistics.a.sql: sql: query: character 22: unknown table viist"},
    {"", "\"statistics\": {\"a\": {\"sql\": \"SELECT wart, count(*) FROM visit GROUP BY 1\"}}",
     "statistics.a.sql: sql: query: character 8: unknown column wart; did you mean ward?"},
    {"", "\"statistics\": {\"a\": {\"sql\": \"SELECT start_date FROM visit\"}}",
     "statistics.a.sql: private: the query returns rows of patients"},
    {"", "\"statistics\": {\"a\": {\"sql\": \"SELECT doctor, count(*) FROM visit GROUP BY 1\"}}",
     "statistics.a.sql: private: a statistic cannot show an identifier"},
    {"", "\"statistics\": {\"a\": {\"sql\": \"SELECT max(value) FROM visit\"}}",
     "statistics.a.sql: private: a minimum or maximum"},
    {"", "\"statistics\": {\"a\": {\"sql\": \"SELECT count(*) FROM visit WHERE patient = 'x'\"}}",
     "statistics.a.sql: private: a condition chooses persons"},
    {"", "\"statistics\": {\"a\": {\"count\": \"visit\", \"at\": [3]}}",
     "statistics.a.at: key: 'at' is not for 'count'"},
    {"", "\"statistics\": {\"a\": {\"survival\": \"visit\", \"in\": \"c\", \"at\": [3, 3]}}",
     "statistics.a.at[1]: type: expected days in order"},
    {"", "\"statistics\": {\"a\": {\"survival\": \"visit\"}}",
     "statistics.a: key: 'in' is missing"},
    {"", "\"statistics\": {\"a\": {\"overlap\": [\"visit\"]}}",
     "statistics.a.overlap: type: expected at least two timelines"},
    {"", "\"statistics\": {\"a\": {\"summary\": [\"valu\"], \"in\": \"c\"}}",
     "statistics.a: name: 'summary': the record has no column 'valu', did you mean 'value'?"},
    {"", "\"statistics\": {\"a\": {\"summary\": [\"doctor\"], \"in\": \"c\"}}",
     "statistics.a: private: a statistic cannot show an identifier"},
    {"", "\"statistics\": {\"a\": {\"summary\": [\"start_date\"], \"in\": \"c\"}}",
     "statistics.a: type: 'summary' takes truths, numbers and texts"},
    {"", "\"statistics\": {\"a\": {\"incidence\": \"visit\", \"in\": \"visit\"}}",
     "statistics.a.in: name: 'visit' is not a cohort"},
    {"", "\"exposures\": {\"e\": {\"from\": \"visit\", \"combine\": {\"most\": 2}}}",
     "exposures.e.combine: key: 'combine' needs 'per'"},
    {"", "\"exposures\": {\"e\": {\"from\": \"visit\", \"carry\": \"al\"}}",
     "exposures.e.carry: type: expected one of 'all', did you mean 'all'?"},
    {"", "\"exposures\": {\"e\": {\"from\": \"visit\", \"supply\": \"ward\"}}",
     "exposures.e.supply: type: expected days, a number, not text"},
    {"", "\"exposures\": {\"e\": {\"from\": \"visit\", \"gap\": -2}}",
     "exposures.e.gap: type: expected a whole number from -1 to 1000000"},
    {"", "\"exposures\": {\"e\": {\"from\": \"visit\", \"per\": \"wart\"}}",
     "exposures.e: name: 'per': the record has no column 'wart', did you mean 'ward'?"},
    {"", "\"exposures\": {\"e\": {\"from\": \"visit\", \"clip\": \"viist\"}}",
     "exposures.e.clip: name: no timeline 'viist', did you mean 'visit'?"},
    {"\"e\": {\"from\": \"visit\", \"per\": \"ward\"}", "",
     "events.e.per: key: 'per' says nothing without"},
    {"", "\"statistics\": {\"a\": {\"prevalence\": \"visit\"}}",
     "statistics.a: key: 'in' is missing"},
    {"\"e\": {\"from\": \"PERSON\"}", "", "events.e: key: 'start' is missing"},
    // type
    {"\"e\": {\"from\": \"visit\", \"pick\": \"frist\"}", "",
     "events.e.pick: type: expected one of 'all', 'first', 'last', did you mean 'first'?"},
    {"\"e\": {\"from\": \"visit\", \"dates\": [\"2020-02-30\", null]}", "",
     "events.e.dates[0]: type: expected a date"},
    {"\"e\": {\"from\": \"visit\", \"dates\": [\"2020-02-03\", \"2020-02-01\"]}", "",
     "events.e.dates: type: the low end is above the high end"},
    {"\"e\": {\"from\": \"visit\", \"apart\": \"x\"}", "",
     "events.e.apart: type: expected a whole number"},
    {"\"e\": {\"from\": \"visit\", \"value\": \"ward\"}", "",
     "events.e.value: type: expected a number, not text"},
    {"\"e\": 3", "", "events.e: type: expected"},
    // name
    {"\"E\": {\"from\": \"visit\"}", "", "events.E: name: expected a name of small letters"},
    {"\"select\": {\"from\": \"visit\"}", "", "events.select: name: 'select' is a reserved word"},
    {"\"e\": {\"from\": \"vist\"}", "",
     "events.e.from: name: no table or timeline 'vist', did you mean"},
    {"\"e\": {\"from\": \"WARDS\"}", "",
     "events.e.from: name: 'WARDS' is a table without patients"},
    {"\"c\": {\"from\": \"visit\"}", "", "cohorts.c: name: two timelines are called 'c'"},
    {"\"death\": {\"from\": \"visit\"}", "", "events.death: name: 'death' is a given timeline"},
    {"\"e\": {\"from\": \"visit\", \"codes\": \"flue\"}", "",
     "events.e: name: no code set 'flue', did you mean 'flu'?"},
    {"\"e\": {\"from\": \"visit\", \"group\": [\"start_date\", \"wards\"]}", "",
     "events.e: name: 'group': the record has no column 'wards', did you mean 'ward'?"},
    {"\"e\": {\"from\": \"visit\", \"keep\": {\"code\": \"'x'\"}}", "",
     "events.e.keep.code: name: 'code' is a column of every record"},
    {"", "\"statistics\": {\"a\": {\"attrition\": \"visit\"}}",
     "statistics.a.attrition: name: 'visit' is not a cohort"},
    // cycle
    {"\"e\": {\"from\": \"f\"}, \"f\": {\"from\": \"visit\", \"require\": [{\"some\": \"e\"}]}", "",
     "events.e: cycle: a timeline needs itself: e <- f <- e"},
    // parameter
    {"\"e\": {\"from\": \"visit\", \"where\": \"value > ${yeer}\"}", "",
     "events.e.where: parameter: no parameter 'yeer', did you mean 'year'?"},
    // verb
    {"\"e\": {\"from\": \"visit\", \"require\": [{\"days\": [0, 1]}]}", "",
     "events.e.require[0]: verb: expected a verb"},
    {"\"e\": {\"from\": \"visit\", \"require\": [{\"some\": \"visit\", \"none\": \"visit\"}]}", "",
     "events.e.require[0]: verb: expected one verb, not several"},
    {"\"e\": {\"from\": \"visit\", \"require\": [{\"any\": []}]}", "",
     "events.e.require[0].any: verb: 'any' of nothing"},
    {"", "\"statistics\": {\"a\": {}}", "statistics.a: verb: expected one of"},
    // bound
    {"\"e\": {\"from\": \"visit\", \"require\": [{\"count\": \"visit\"}]}", "",
     "events.e.require[0]: bound: 'count' needs at_least"},
    {"\"e\": {\"from\": \"visit\", \"require\": [{\"some\": \"visit\", \"at_least\": 1}]}", "",
     "events.e.require[0]: bound: the verb 'some' takes no bound"},
    {"\"e\": {\"from\": \"visit\", \"require\": [{\"count\": \"visit\", \"at_least\": 3, "
     "\"at_most\": 1}]}",
     "", "events.e.require[0]: bound: at_least is above at_most"},
    {"\"e\": {\"from\": \"visit\", \"require\": [{\"of\": [{\"some\": \"visit\"}], \"at_least\": "
     "2}]}",
     "", "events.e.require[0]: bound: only 1 conditions are listed"},
    {"\"e\": {\"from\": \"visit\", \"measures\": {\"n\": {\"count\": \"visit\", \"at_least\": 2}}}",
     "", "events.e.measures.n: bound: the measure 'count' takes no bound"},
    // window
    {"\"e\": {\"from\": \"visit\", \"require\": [{\"some\": \"visit\", \"days\": [0, 1], "
     "\"years\": [0, 0]}]}",
     "", "events.e.require[0]: window: a window has one unit"},
    {"\"e\": {\"from\": \"visit\", \"require\": [{\"covered_by\": \"visit\", \"days\": [0, "
     "null]}]}",
     "", "events.e.require[0]: window: 'covered_by' needs a window with two ends"},
    // sql
    {"\"e\": {\"from\": \"visit\", \"where\": \"value >\"}", "", "events.e.where: sql: "},
    {"\"e\": {\"from\": \"visit\", \"where\": \"valu > 1\"}", "", "events.e.where: sql: "},
    {"\"e\": {\"from\": \"VISIT\", \"where\": \"DIAGNOSI = 'J10'\"}", "", "events.e.where: sql: "},
    {"\"e\": {\"from\": \"VISIT\", \"where\": \"count(*) > 1\"}", "", "events.e.where: sql: "},
    {"", "\"statistics\": {\"a\": {\"count\": \"c\", \"by\": [\"wrd\"]}}",
     "statistics.a.by[0]: sql: "},
    // codes
    {"\"e\": {\"from\": \"visit\", \"codes\": \"ward\"}", "",
     "events.e: codes: the set 'ward' has no code of ICD10"},
    {"\"e\": {\"from\": \"VISIT\", \"codes\": \"flu\"}", "",
     "events.e: codes: 'codes' filters the code"},
    // private
    {"", "\"statistics\": {\"a\": {\"count\": \"visit\", \"by\": [\"doctor\"]}}",
     "statistics.a.by[0]: private: a statistic cannot show an identifier"},
};

static void test_each_error_has_path_and_id(void)
{
    study_case c;
    study_case_open(&c);
    CU_ASSERT_EQUAL(check_event(&c, "", ""), PC_OK);
    CU_ASSERT_STRING_EQUAL(c.lines.data, "study 's' is valid, level 1\n");
    for (size_t i = 0; i < sizeof bad_cases / sizeof bad_cases[0]; i++) {
        const bad_case *bad = &bad_cases[i];
        const pc_status status = check_event(&c, bad->event, bad->member);
        const bool is_expected =
            status == PC_BAD_JOB && strstr(c.lines.data, bad->expected) != NULL;
        CU_ASSERT(is_expected);
        if (!is_expected) {
            printf("\n%d %s\n expected %s\n got %s\n", (int)status, c.err.text, bad->expected,
                   c.lines.data);
        }
    }
    pc_buffer_release(&c.lines);
    CU_ASSERT_EQUAL(c.budget.used_bytes, 0);
    study_case_close(&c);
}

static void test_codes_are_read_strictly(void)
{
    static const char *const bad[][2] = {
        {"\"ICD10\": [\"J10.1\"]", "codes.x.ICD10[0]: codes: a code is written without dot"},
        {"\"ICD10\": [\"J1-J20\"]", "codes.x.ICD10[0]: codes: a range is two codes of one length"},
        {"\"ICD10\": [\"J20-J10\"]", "codes.x.ICD10[0]: codes: a range is two codes"},
        {"\"WARD\": [\"A1-A2\"]", "codes.x.WARD[0]: codes: WARD has no hierarchy"},
        {"\"ICD1\": [\"J10\"]",
         "codes.x.ICD1: codes: model register has no code system 'ICD1', did"},
        {"\"ICD10\": [7]", "codes.x.ICD10[0]: type: expected"},
        {"\"sets\": [\"y\"]", "codes.x: name: no code set 'y'"},
        {"\"sets\": [\"x\"]", "codes.x: cycle: the set 'x' contains itself"},
        {"\"file\": \"a.csv\"", "codes.x.file: name: the file cannot be read"}};
    study_case c;
    study_case_open(&c);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[512];
        snprintf(text, sizeof text, "{\"study\": \"s\", \"codes\": {\"x\": {%s}}}", bad[i][0]);
        CU_ASSERT_EQUAL(check_text(&c, text), PC_BAD_JOB);
        const bool is_expected = strstr(c.lines.data, bad[i][1]) != NULL;
        CU_ASSERT(is_expected);
        if (!is_expected) printf("\nexpected %s\n got %s\n", bad[i][1], c.lines.data);
    }
    study_case_close(&c);
}

static void test_all_errors_are_told_at_once(void)
{
    study_case c;
    study_case_open(&c);
    CU_ASSERT_EQUAL(check_event(&c,
                                "\"e\": {\"from\": \"vist\", \"wher\": \"true\"}, "
                                "\"f\": {\"from\": \"visit\", \"where\": \"nothing = 1\"}",
                                "\"statistcs\": {}"),
                    PC_BAD_JOB);
    CU_ASSERT_PTR_NOT_NULL(strstr(c.lines.data, "events.e.wher: key:"));
    CU_ASSERT_PTR_NOT_NULL(strstr(c.lines.data, "events.e.from: name:"));
    CU_ASSERT_PTR_NOT_NULL(strstr(c.lines.data, "events.f.where: sql:"));
    CU_ASSERT_PTR_NOT_NULL(strstr(c.lines.data, "statistcs: key: unknown key 'statistcs', did you "
                                                "mean 'statistics'?"));
    CU_ASSERT_PTR_NOT_NULL(strstr(c.err.text, "4 errors"));
    study_case_close(&c);
}

static void test_json_errors_say_where(void)
{
    study_case c;
    study_case_open(&c);
    CU_ASSERT_EQUAL(check_text(&c, "{\"study\": \"s\",\n \"events\": {]}"), PC_BAD_JOB);
    CU_ASSERT_PTR_NOT_NULL(strstr(c.lines.data, "json: "));
    CU_ASSERT_PTR_NOT_NULL(strstr(c.lines.data, "line 2"));
    CU_ASSERT_EQUAL(check_text(&c, "{\"study\": \"s\", \"study\": \"t\"}"), PC_BAD_JOB);
    CU_ASSERT_PTR_NOT_NULL(strstr(c.lines.data, "json: "));
    CU_ASSERT_EQUAL(check_text(&c, "[1]"), PC_BAD_JOB);
    CU_ASSERT_EQUAL(check_text(&c, ""), PC_BAD_JOB);
    CU_ASSERT_EQUAL(check_text(&c, "{\"events\": {}}"), PC_BAD_JOB);
    CU_ASSERT_PTR_NOT_NULL(strstr(c.lines.data, "'study' is missing"));
    study_case_close(&c);
}

static void test_parameters_are_put_in(void)
{
    static const char study[] = STUDY_BEGIN
        "\"dates\": [\"${year}-01-01\", \"${year}-12-31\"], " GOOD_PARTS ", \"events\": {" VISIT
        ", \"e\": {\"from\": \"visit\", \"apart\": \"${year}\", "
        "\"where\": \"value > ${year} AND ward <> ${text}\"}}}";
    study_case c;
    study_case_open(&c);
    study_case_write(&c, "study.json", study);
    CU_ASSERT_EQUAL(study_case_check(&c, NULL, 0), PC_OK);
    const char *const good[] = {"year=2019"};
    CU_ASSERT_EQUAL(study_case_check(&c, good, 1), PC_OK);
    const char *const day[] = {"year=20191"};
    CU_ASSERT_EQUAL(study_case_check(&c, day, 1), PC_BAD_JOB);
    CU_ASSERT_PTR_NOT_NULL(strstr(c.lines.data, "dates[0]: type: expected a date"));
    const char *const unknown[] = {"yeer=2019"};
    CU_ASSERT_EQUAL(study_case_check(&c, unknown, 1), PC_BAD_JOB);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(c.lines.data, "parameter: no parameter 'yeer', did you mean 'year'?"));
    const char *const bad[] = {"year"};
    CU_ASSERT_EQUAL(study_case_check(&c, bad, 1), PC_BAD_JOB);
    const char *const quoted[] = {"text=' OR true --"};
    CU_ASSERT_EQUAL(study_case_check(&c, quoted, 1), PC_OK);
    study_case_close(&c);
}

static void test_libraries_have_prefix_and_parameters(void)
{
    static const char library[] =
        "{\"parameters\": {\"least\": 0}, \"codes\": {\"flu\": {\"ICD10\": [\"J10\"]}}, "
        "\"events\": {\"visit\": {\"from\": \"VISIT\", \"code\": \"DIAGNOSIS\", \"codes\": "
        "\"flu\", "
        "\"where\": \"COST >= ${least}\"}, \"two\": {\"from\": [\"visit\", \"visit\"]}}}";
    static const char study[] =
        "{\"study\": \"s\", \"use\": {\"lib\": {\"file\": \"library.json\", \"set\": {\"least\": "
        "5}}}, "
        "\"codes\": {\"more\": {\"sets\": [\"lib.flu\"], \"ICD10\": [\"J11\"]}}, "
        "\"events\": {\"e\": {\"from\": \"lib.two\", \"codes\": \"more\"}}, "
        "\"cohorts\": {\"c\": {\"entry\": {\"from\": \"e\"}}}}";
    study_case c;
    study_case_open(&c);
    study_case_write(&c, "library.json", library);
    study_case_write(&c, "study.json", study);
    CU_ASSERT_EQUAL(study_case_check(&c, NULL, 0), PC_OK);
    CU_ASSERT_STRING_EQUAL(c.lines.data, "study 's' is valid, level 2\n");
    const char *const set[] = {"lib.least=7"};
    CU_ASSERT_EQUAL(study_case_check(&c, set, 1), PC_OK);
    study_case_write(&c, "library.json", "{\"events\": {\"visit\": {\"from\": \"VISITS\"}}}");
    CU_ASSERT_EQUAL(study_case_check(&c, NULL, 0), PC_BAD_JOB);
    CU_ASSERT_PTR_NOT_NULL(strstr(c.lines.data, "library.json: events.visit.from: name: no table"));
    CU_ASSERT_PTR_NOT_NULL(strstr(c.lines.data, "events.e.from: name: no table or timeline"));
    study_case_write(&c, "library.json", "{\"use\": {\"me\": \"library.json\"}}");
    CU_ASSERT_EQUAL(study_case_check(&c, NULL, 0), PC_BAD_JOB);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(c.lines.data, "use.me: cycle: the library 'library.json' uses itself"));
    CU_ASSERT_EQUAL(check_text(&c, "{\"study\": \"s\", \"use\": {\"lib\": \"none.json\"}}"),
                    PC_BAD_JOB);
    CU_ASSERT_PTR_NOT_NULL(strstr(c.lines.data, "name: the library cannot be read"));
    study_case_close(&c);
}

/** A library's parameter may name a timeline or a code set: of who sets it, else of the library. */
static void test_parameters_name_timelines(void)
{
    static const char library[] =
        "{\"parameters\": {\"visit\": \"own\", \"flu\": \"cold\", \"more\": [\"own\"], \"must\": "
        "null}, \"codes\": {\"cold\": {\"ICD10\": [\"J00\"]}}, "
        "\"events\": {\"own\": {\"from\": \"VISIT\", \"code\": \"DIAGNOSIS\"}, "
        "\"near\": {\"from\": \"${visit}\", \"codes\": \"${flu}\", \"require\": [{\"some\": "
        "\"${visit}\", \"days\": [1, 9]}]}, \"each\": {\"from\": \"${more}\"}%s}}";
    static const char study[] =
        "{\"study\": \"s\", \"use\": {\"lib\": {\"file\": \"library.json\", \"set\": {%s}}}, "
        "\"codes\": {\"mine\": {\"ICD10\": [\"J11\"]}}, "
        "\"events\": {\"ours\": {\"from\": \"VISIT\", \"code\": \"DIAGNOSIS\"}, \"e\": "
        "{\"from\": [\"lib.near\", \"lib.each\"]}}, \"cohorts\": {\"c\": {\"entry\": {\"from\": "
        "\"e\"}}}}";
    static const struct {
        const char *set, *event, *expected;
    } cases[] = {
        {"", "", "study 's' is valid, level 2\n"},
        {"\"visit\": \"ours\", \"flu\": \"mine\", \"more\": [\"ours\"]", "",
         "study 's' is valid, level 2\n"},
        {"\"visit\": \"own\"", "",
         "library.json: events.near.from: name: no table or timeline 'own'"},
        {"\"flu\": \"cold\"", "", "library.json: events.near: name: no code set 'cold'"},
        {"\"more\": [\"own\"]", "", "library.json: events.each.from[0]: name: no timeline 'own'"},
        {"\"visit\": \"e\"", "", "events.e: cycle: a timeline needs itself: e <- lib.near <- e"},
        {"", ", \"m\": {\"from\": \"${must}\"}",
         "library.json: events.m.from: parameter: the parameter 'must' has no default: set it"},
    };
    study_case c;
    study_case_open(&c);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[2048];
        snprintf(text, sizeof text, library, cases[i].event);
        study_case_write(&c, "library.json", text);
        snprintf(text, sizeof text, study, cases[i].set);
        CU_ASSERT_EQUAL(check_text(&c, text), i < 2 ? PC_OK : PC_BAD_JOB);
        CU_ASSERT_PTR_NOT_NULL(strstr(c.lines.data, cases[i].expected));
        if (strstr(c.lines.data, cases[i].expected) == NULL) printf("%zu: %s\n", i, c.lines.data);
    }
    study_case_close(&c);
}

/** A library that many use is read once, whatever their prefixes; parameters of its own make it
 *  another one. More documents than a study may hold show which it was. */
static void test_a_library_is_shared(void)
{
    static const char other[] = "{\"use\": {\"lib\": \"library.json\"}, \"events\": {\"e\": "
                                "{\"from\": \"lib.visit\", \"pick\": \"first\"}}}";
    char study[4096];
    size_t bytes = (size_t)snprintf(study, sizeof study, "{\"study\": \"s\", \"use\": {");
    for (int i = 0; i < 40; i++) {
        bytes += (size_t)snprintf(study + bytes, sizeof study - bytes, "\"p%d\": \"%s.json\", ", i,
                                  i % 2 == 0 ? "library" : "other");
    }
    snprintf(
        study + bytes, sizeof study - bytes,
        "\"last\": {\"file\": \"library.json\", \"set\": {\"least\": 3}}}, \"cohorts\": {\"c\": "
        "{\"entry\": {\"from\": [\"p0.visit\", \"p38.visit\", \"p39.e\", \"last.visit\"]}}}}");
    study_case c;
    study_case_open(&c);
    study_case_write(
        &c, "library.json",
        "{\"parameters\": {\"least\": 0}, \"events\": {\"visit\": {\"from\": \"VISIT\", "
        "\"where\": \"COST >= ${least}\"}}}");
    study_case_write(&c, "other.json", other);
    study_case_write(&c, "study.json", study);
    CU_ASSERT_EQUAL(study_case_check(&c, NULL, 0), PC_OK);
    const char *const set[] = {"p38.least=7", "p39.lib.least=8"};
    CU_ASSERT_EQUAL(study_case_check(&c, set, 2), PC_OK);
    const char *const wrong[] = {"p38.most=7"};
    CU_ASSERT_EQUAL(study_case_check(&c, wrong, 1), PC_BAD_JOB);
    CU_ASSERT_PTR_NOT_NULL(strstr(c.lines.data, "parameter: no parameter 'most'"));
    study_case_close(&c);
}

/** Every request for memory is refused once: nothing crashes, nothing stays taken. */
static void test_any_request_may_be_refused(void)
{
    static const char study[] = STUDY_BEGIN GOOD_PARTS
        ", \"events\": {" VISIT ", \"e\": {\"from\": \"visit\", \"group\": [\"start_date\"], "
        "\"having\": \"value > 0\", \"require\": [{\"any\": [{\"count\": "
        "\"visit\", \"at_least\": 2, \"days\": [-3, 0]}, {\"age\": [3, null]}]}]}}, "
        "\"statistics\": {\"n\": {\"count\": \"c\", \"by\": [\"sex\"]}}}";
    study_case c;
    study_case_open(&c);
    study_case_write(&c, "study.json", study);
    pc_status status = PC_NO_MEMORY;
    for (size_t limit = 1; status != PC_OK && limit < 4 << 20; limit += limit / 8 + 512) {
        pc_buffer_release(&c.lines);
        c.budget.limit_bytes = limit;
        char path[128], model[128];
        snprintf(path, sizeof path, "%s/study.json", c.folder);
        snprintf(model, sizeof model, "%s/model.json", c.folder);
        const pc_study_options options = {.study = path, .model = model, .budget = &c.budget};
        status = pc_study_check(&options, &c.lines, NULL);
        CU_ASSERT(status == PC_OK || status == PC_NO_MEMORY);
        pc_buffer_release(&c.lines);
        CU_ASSERT_EQUAL(c.budget.used_bytes, 0);
    }
    CU_ASSERT_EQUAL(status, PC_OK);
    c.budget.limit_bytes = 0;
    study_case_close(&c);
}

// Periods, exits and matching: each study has one place that is wrong.
static void test_periods_exits_and_matching(void)
{
    static const struct {
        const char *period, *cohort, *expected;
    } cases[] = {
        {"\"p\": {\"every\": \"year\", \"from\": \"visit\"}", "",
         "periods.p: key: a period has exactly one of"},
        {"\"p\": {\"intersect\": [\"visit\"]}", "",
         "periods.p.intersect: type: expected at least two timelines"},
        {"\"p\": {\"every\": \"year\", \"gap\": 3}", "",
         "periods.p.gap: key: 'gap' belongs to 'from'"},
        {"\"p\": {\"from\": \"q\"}, \"q\": {\"subtract\": [\"study\", \"p\"]}", "",
         "periods.p: cycle: a timeline needs itself: p <- q <- p"},
        {"", "\"exit\": []", "cohorts.c.exit: type: expected at least one way to leave"},
        {"", "\"exit\": [\"vist\"]",
         "cohorts.c.exit[0]: name: no timeline 'vist', did you mean 'visit'?"},
        {"", "\"exit\": [{\"end_of\": \"visit\", \"anchor\": \"end\"}]",
         "cohorts.c.exit[0]: verb: expected one of 'start_of'"},
        {"", "\"exit\": [{\"plus\": \"x\"}]",
         "cohorts.c.exit[0].plus: type: expected a whole number"},
        {"", "\"exit\": [{\"end_of\": \"visit\", \"days\": [0, 3]}]",
         "cohorts.c.exit[0].days: key: unknown key 'days'"},
        {"", "\"exit\": [{\"start_of\": \"c\"}]", "cohorts.c: cycle: a timeline needs itself"},
        {"", "\"gap\": -3", "cohorts.c.gap: type: expected a whole number from -1"},
        {"", "\"measures\": {\"exit_reason\": {\"some\": \"visit\"}}, \"exit\": [\"visit\"]",
         "cohorts.c.measures.exit_reason: name: the record has a column"}};
    static const char *const entries[][2] = {
        {"{\"match\": {\"cases\": \"visit\", \"ratio\": 2}}", "match: key: 'controls' is missing"},
        {"{\"match\": {\"cases\": \"visit\", \"controls\": \"visit\"}}",
         "match: key: 'ratio' is missing"},
        {"{\"match\": {\"cases\": \"visit\", \"controls\": \"visit\", \"ratio\": 2, \"on\": "
         "[\"age\"]}}",
         "match.on[0]: sql: cases and controls are compared by what does not change"},
        {"{\"match\": {\"cases\": \"visit\", \"controls\": \"visit\", \"ratio\": 2, \"near\": "
         "{\"sex\": 1}}}",
         "match.near.sex: type: 'near' needs a whole number or a date, not"},
        {"{\"from\": \"visit\", \"match\": {}}",
         "entry: key: an entry has one of 'from' and 'match'"}};
    study_case c;
    char text[2048];
    study_case_open(&c);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0] + sizeof entries / sizeof entries[0];
         i++) {
        const size_t own = sizeof cases / sizeof cases[0];
        const char *entry = i < own ? "{\"from\": \"visit\"}" : entries[i - own][0];
        const char *expected = i < own ? cases[i].expected : entries[i - own][1];
        snprintf(
            text, sizeof text,
            "{\"study\": \"s\", \"events\": {\"visit\": {\"from\": \"VISIT\"}}, \"periods\": {%s}, "
            "\"cohorts\": {\"c\": {\"entry\": %s%s%s}}}",
            i < own ? cases[i].period : "", entry,
            i < own && cases[i].cohort[0] != '\0' ? ", " : "", i < own ? cases[i].cohort : "");
        const bool is_expected =
            check_text(&c, text) == PC_BAD_JOB && strstr(c.lines.data, expected) != NULL;
        CU_ASSERT(is_expected);
        if (!is_expected) printf("\nexpected %s\n got %s\n", expected, c.lines.data);
    }
    pc_buffer_release(&c.lines);
    CU_ASSERT_EQUAL(c.budget.used_bytes, 0);
    study_case_close(&c);
}

// Studies that run, but may not mean what is written.
static void test_warnings(void)
{
    static const struct {
        const char *study, *expected;
    } cases[] = {
        {"{\"study\": \"s\", \"codes\": {\"none\": {\"ICD10\": []}}}",
         "codes.none: warning: the set is empty: it matches nothing\n"},
        {"{\"study\": \"s\", \"events\": {\"e\": {\"from\": \"VISIT\"}, \"f\": {\"from\": \"e\", "
         "\"require\": [{\"some\": \"e\", \"days\": [0, 9], \"windows\": [{\"days\": [10, "
         "12]}]}]}}}",
         "events.f.require[0]: warning: the windows exclude each other: none holds\n"},
        {"{\"study\": \"s\", \"events\": {\"e\": {\"from\": \"VISIT\"}, \"f\": {\"from\": \"e\", "
         "\"require\": [{\"some\": \"e\", \"days\": [0, 9], \"windows\": [{\"days\": [9, "
         "12]}]}]}}}",
         "study 's' is valid"}};
    study_case c;
    study_case_open(&c);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CU_ASSERT_EQUAL(check_text(&c, cases[i].study), PC_OK);
        const bool is_expected =
            strncmp(c.lines.data, cases[i].expected, strlen(cases[i].expected)) == 0;
        CU_ASSERT(is_expected);
        if (!is_expected) printf("\nexpected %s\n got %s\n", cases[i].expected, c.lines.data);
    }
    pc_buffer_release(&c.lines);
    CU_ASSERT_EQUAL(c.budget.used_bytes, 0);
    study_case_close(&c);
}

PC_TEST_MAIN("study check", {"each error has its path and id", test_each_error_has_path_and_id},
             {"codes are read strictly", test_codes_are_read_strictly},
             {"all errors are told at once", test_all_errors_are_told_at_once},
             {"periods, exits and matching", test_periods_exits_and_matching},
             {"warnings", test_warnings}, {"JSON errors say where", test_json_errors_say_where},
             {"parameters are put in", test_parameters_are_put_in},
             {"parameters name timelines", test_parameters_name_timelines},
             {"libraries have prefix and parameters", test_libraries_have_prefix_and_parameters},
             {"a library is shared", test_a_library_is_shared},
             {"any request for memory may be refused", test_any_request_may_be_refused});
