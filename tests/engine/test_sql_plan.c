/** Queries as plans: how tables are joined, what is shown and hidden, what is refused. */
#include <stdio.h>
#include <string.h>
#include "parcours/plan.h"
#include "test_main.h"

typedef struct fixture {
    pc_budget budget;
    pc_arena arena;
    pc_catalog catalog;
    pc_dict empty;
} fixture;

static void set_up(fixture *f)
{
    static const uint64_t none[1] = {0};
    *f = (fixture){.empty = {.sorted = true, .offset = none, .bytes = ""}};
    f->arena.budget = &f->budget;
    const pc_model *model;
    pc_error err = {0};
    CU_ASSERT_EQUAL_FATAL(pc_model_read("snds", PC_TEST_SHARE, &f->arena, &model, &err), PC_OK);
    const size_t tables = (size_t)model->table_count;
    const pc_dict **dict =
        pc_arena_array(&f->arena, (size_t)model->dict_count + 1, sizeof *dict, NULL);
    for (int i = 0; i < model->dict_count; i++) {
        dict[i] = &f->empty;
    }
    f->catalog =
        (pc_catalog){.model = model,
                     .dict = dict,
                     .reference = pc_arena_array(&f->arena, tables, sizeof(void *), NULL),
                     .reference_count = pc_arena_array(&f->arena, tables, sizeof(int64_t), NULL)};
}

static void tear_down(fixture *f)
{
    pc_arena_reset(&f->arena);
    CU_ASSERT_EQUAL(f->budget.used_bytes, 0);
}

static pc_status plan(fixture *f, const char *sql, bool protect, const pc_query **query,
                      pc_buffer *text, pc_error *err)
{
    const pc_status status = pc_sql_plan(sql, &f->catalog, protect, &f->arena, query, err);
    if (status != PC_OK) return status;
    return pc_plan_print((*query)->root, &f->catalog, text, err);
}

static void check_plan_of(const char *sql, bool protect, const char *expected)
{
    fixture f;
    set_up(&f);
    pc_error err = {0};
    const pc_query *query;
    pc_buffer text = {.budget = &f.budget};
    const pc_status status = plan(&f, sql, protect, &query, &text, &err);
    const char *found = status == PC_OK ? text.data : err.text;
    if (strcmp(found, expected) != 0) {
        (void)fprintf(stderr, "\n--- %s\n--- expected\n%s--- found\n%s\n", sql, expected, found);
    }
    CU_ASSERT_STRING_EQUAL(found, expected);
    pc_buffer_release(&text);
    tear_down(&f);
}

static void check_plan(const char *sql, const char *expected)
{
    check_plan_of(sql, false, expected);
}

static void test_design_query(void)
{
    check_plan(
        "SELECT year(d.event_date) AS y, p.sex, count(*) AS drug_lines, "
        "count(DISTINCT d.patient) AS patients, sum(d.PHA_ACT_QSN) AS boxes "
        "FROM ER_PHA_F d JOIN PERSON p USING (patient) "
        "WHERE d.atc LIKE 'A10%' AND d.event_date BETWEEN DATE '2020-01-01' AND DATE '2020-12-31' "
        "GROUP BY 1, 2 ORDER BY boxes DESC LIMIT 20",
        "sort by boxes DESC NULLS FIRST, all columns, limit 20\n"
        "  project key, sex, count, count, sum, LEAST(patients, CASE((count = 0), NULL, "
        "count), CASE((patients = 0), NULL, patients))\n"
        "    aggregate by extract(year, event_date), sex: count(*), count(DISTINCT patient) where "
        "is_patient, sum of PHA_ACT_QSN, count(DISTINCT patient), count(DISTINCT patient) where "
        "PHA_ACT_QSN IS NOT NULL\n"
        "      scan\n"
        "        ER_PHA_F: every row; columns: atc event_date is_patient PHA_ACT_QSN\n"
        "        PERSON: its person, inner; columns: sex\n"
        "        filter atc LIKE 'A10%'\n"
        "        filter (event_date >= DATE '2020-01-01')\n"
        "        filter (event_date <= DATE '2020-12-31')\n");
}

static void test_joins(void)
{
    check_plan(
        "SELECT c.PSE_SPE_COD, count(*) FROM ER_PRS_F c JOIN ER_PHA_F d USING (patient, claim) "
        "WHERE c.valid GROUP BY 1",
        "sort by all columns\n"
        "  project PSE_SPE_COD, count, patients\n"
        "    aggregate by PSE_SPE_COD: count(*), count(DISTINCT patient)\n"
        "      scan\n"
        "        ER_PHA_F: every row; columns: is_patient\n"
        "        ER_PRS_F: its parent row, by link, inner; columns: valid PSE_SPE_COD\n"
        "        filter is_patient\n"
        "        filter valid\n");
    check_plan("SELECT count(*) FROM ER_PRS_F c LEFT JOIN ER_PHA_F d ON c.claim = d.claim AND "
               "d.PHA_ACT_QSN > 1",
               "sort by all columns\n"
               "  project count, patients\n"
               "    aggregate by : count(*), count(DISTINCT patient)\n"
               "      scan\n"
               "        ER_PRS_F: every row; columns:\n"
               "        ER_PHA_F: rows of the same parent, by link, left; columns: PHA_ACT_QSN; on "
               "(PHA_ACT_QSN > 1)\n");
    check_plan("SELECT count(*) FROM PERSON p, ER_PHA_F d, IR_PHA_R r WHERE p.patient = d.patient "
               "AND r.PHA_CIP_C13 = d.PHA_PRS_C13",
               "sort by all columns\n"
               "  project count, patients\n"
               "    aggregate by : count(*), count(DISTINCT patient)\n"
               "      scan\n"
               "        ER_PHA_F: every row; columns:\n"
               "        PERSON: its person, inner; columns:\n"
               "        IR_PHA_R: look-up by code, inner; columns:\n");
    check_plan("SELECT count(*) FROM T_MCOaaB a JOIN T_MCOaaB b ON a.patient = b.patient AND "
               "b.event_date > a.event_date",
               "sort by all columns\n"
               "  project count, patients\n"
               "    aggregate by : count(*), count(DISTINCT patient)\n"
               "      scan\n"
               "        T_MCOaaB: every row; columns: event_date\n"
               "        T_MCOaaB: rows of the same patient, by slot, inner; columns: event_date\n"
               "        filter (event_date > event_date)\n");
}

static void test_key_columns(void)
{
    check_plan(
        "SELECT count(*) FROM ER_BIO_F b JOIN ER_PRS_F c ON b.FLX_DIS_DTD = c.FLX_DIS_DTD AND "
        "b.FLX_TRT_DTD = c.FLX_TRT_DTD AND b.FLX_EMT_TYP = c.FLX_EMT_TYP AND b.FLX_EMT_NUM = "
        "c.FLX_EMT_NUM AND b.FLX_EMT_ORD = c.FLX_EMT_ORD AND b.ORG_CLE_NUM = c.ORG_CLE_NUM AND "
        "b.DCT_ORD_NUM = c.DCT_ORD_NUM AND b.PRS_ORD_NUM = c.PRS_ORD_NUM AND b.REM_TYP_AFF = "
        "c.REM_TYP_AFF",
        "sort by all columns\n"
        "  project count, patients\n"
        "    aggregate by : count(*), count(DISTINCT patient)\n"
        "      scan\n"
        "        ER_BIO_F: every row; columns:\n"
        "        ER_PRS_F: its parent row, by link, inner; columns:\n");
}

static void test_references_alone(void)
{
    check_plan("SELECT PHA_CIP_C13 AS cip FROM IR_PHA_R ORDER BY PHA_ATC_CLA DESC LIMIT 5 OFFSET 2",
               "sort by ?order? DESC NULLS FIRST, all columns, limit 5, offset 2\n"
               "  project PHA_CIP_C13, PHA_ATC_CLA\n"
               "    scan\n"
               "      IR_PHA_R: every row; columns: PHA_CIP_C13 PHA_ATC_CLA\n");
}

// Cells of few patients are hidden below all that asks for them, and their rows come last where a
// cell decides the order: before the first such key, behind the keys that are the group's own.
static void test_protected_plans(void)
{
    const char *sql = "SELECT sex, birth_year, count(*) AS n FROM PERSON GROUP BY 1, 2 "
                      "HAVING sum(birth_year) > 5 ORDER BY sex, avg(birth_year), n DESC LIMIT 3";
    check_plan_of(sql, true,
                  "sort by sex, ?hidden?, ?order?, n DESC NULLS FIRST, all columns, limit 3\n"
                  "  project sex, birth_year, count, avg, ((patients > 0) AND (patients < 11)), "
                  "patients\n"
                  "    filter (sum > 5)\n"
                  "      hide aggregates of 1 to 10 patients: LEAST(patients, CASE((patients = 0), "
                  "NULL, patients), CASE((patients = 0), NULL, patients))\n"
                  "        aggregate by sex, birth_year: count(*), sum of birth_year, avg of "
                  "birth_year, count(DISTINCT patient), count(DISTINCT patient) where birth_year "
                  "IS NOT NULL\n"
                  "          scan\n"
                  "            PERSON: every row; columns: sex birth_year\n");
    check_plan_of("SELECT DISTINCT sex FROM PERSON ORDER BY sex DESC", true,
                  "sort by sex DESC NULLS FIRST, all columns\n"
                  "  project sex, patients\n"
                  "    filter NOT(((patients > 0) AND (patients < 11)))\n"
                  "      hide aggregates of 1 to 10 patients: patients\n"
                  "        aggregate by sex: count(DISTINCT patient)\n"
                  "          scan\n"
                  "            PERSON: every row; columns: sex\n");
    check_plan_of("SELECT PHA_ATC_CLA, count(*) AS n FROM IR_PHA_R GROUP BY 1 ORDER BY n", true,
                  "sort by n, all columns\n"
                  "  project PHA_ATC_CLA, count\n"
                  "    aggregate by PHA_ATC_CLA: count(*)\n"
                  "      scan\n"
                  "        IR_PHA_R: every row; columns: PHA_ATC_CLA\n");
}

static pc_query query_of(fixture *f, const char *sql)
{
    const pc_query *query;
    pc_error err = {0};
    const pc_status status = pc_sql_plan(sql, &f->catalog, false, &f->arena, &query, &err);
    if (status != PC_OK) (void)fprintf(stderr, "\n%s\n", err.text);
    CU_ASSERT_EQUAL_FATAL(status, PC_OK);
    return *query;
}

static void test_traits(void)
{
    fixture f;
    set_up(&f);
    pc_query q = query_of(&f, "SELECT sex, count(*) AS n FROM PERSON GROUP BY sex");
    CU_ASSERT(q.traits.reads_patients && !q.traits.returns_rows && !q.traits.returns_extremes);
    CU_ASSERT(!q.traits.returns_identifier);
    CU_ASSERT_EQUAL(q.visible_count, 2);
    CU_ASSERT_EQUAL(q.patients_column, 2);
    CU_ASSERT(!q.is_cell[0] && q.is_cell[1]);
    CU_ASSERT_STRING_EQUAL(q.root->schema.field[1].name, "n");
    const pc_query *protected;
    const char *sql = "SELECT sex, count(*) AS n FROM PERSON GROUP BY sex ORDER BY n";
    CU_ASSERT_EQUAL_FATAL(pc_sql_plan(sql, &f.catalog, true, &f.arena, &protected, NULL), PC_OK);
    CU_ASSERT_EQUAL(protected->visible_count, 2);
    CU_ASSERT_EQUAL(protected->patients_column, 3);
    CU_ASSERT_STRING_EQUAL(protected->root->schema.field[3].name, "patients");
    q = query_of(&f, "SELECT atc FROM ER_PHA_F");
    CU_ASSERT(q.traits.returns_rows && !q.traits.returns_identifier);
    CU_ASSERT_EQUAL(q.patients_column, -1);
    q = query_of(&f, "SELECT DISTINCT atc FROM ER_PHA_F");
    CU_ASSERT(!q.traits.returns_rows && q.patients_column == 1);
    q = query_of(&f, "SELECT left(patient, 2), count(*) FROM ER_PHA_F GROUP BY 1");
    CU_ASSERT(q.traits.returns_identifier);
    q = query_of(&f, "SELECT PFS_EXE_NUM, count(*) FROM ER_PRS_F GROUP BY 1");
    CU_ASSERT(q.traits.returns_identifier);
    CU_ASSERT_STRING_EQUAL(q.traits.why, "PFS_EXE_NUM");
    q = query_of(
        &f, "SELECT PFS_EXE_NUM IS NULL, count(DISTINCT PFS_EXE_NUM) FROM ER_PRS_F GROUP BY 1");
    CU_ASSERT(!q.traits.returns_identifier);
    q = query_of(&f, "SELECT max(PRS_PAI_MNT) FROM ER_PRS_F");
    CU_ASSERT(q.traits.returns_extremes);
    static const char *const of_one[] = {
        "bool_or(PRS_PAI_MNT > 5)",
        "mode() WITHIN GROUP (ORDER BY PRS_NAT_REF)",
        "string_agg(ORG_CLE_NUM, ',' ORDER BY ORG_CLE_NUM)",
        "percentile_cont(0.995) WITHIN GROUP (ORDER BY PRS_PAI_MNT)",
        "percentile_disc(0) WITHIN GROUP (ORDER BY PRS_PAI_MNT)",
        "approx_percentile(PRS_PAI_MNT, 1)"};
    for (size_t i = 0; i < sizeof of_one / sizeof of_one[0]; i++) {
        char text[128];
        (void)snprintf(text, sizeof text, "SELECT %s FROM ER_PRS_F", of_one[i]);
        q = query_of(&f, text);
        CU_ASSERT(q.traits.returns_extremes);
    }
    q = query_of(&f, "SELECT stddev(PRS_PAI_MNT), approx_count_distinct(PRS_NAT_REF), "
                     "percentile_cont(0.5) WITHIN GROUP (ORDER BY PRS_PAI_MNT) FROM ER_PRS_F");
    CU_ASSERT(!q.traits.returns_extremes && !q.traits.returns_rows);
    q = query_of(&f, "SELECT max(PHA_ATC_CLA) FROM IR_PHA_R");
    CU_ASSERT(!q.traits.reads_patients && !q.traits.returns_extremes && q.patients_column == -1);
    tear_down(&f);
}

static void test_refusals(void)
{
    static const char *const list[][2] = {
        {"SELECT claim FROM ER_PHA_F",
         "character 8: a model key can be joined and counted, but not selected"},
        {"SELECT count(*) FROM ER_PHA_F ORDER BY claim", "character 40: a model key has no order"},
        {"SELECT claim || 'x' FROM ER_PHA_F", "character 8: a model key has no value of type code"},
        {"SELECT atc, count(*) FROM ER_PHA_F",
         "character 8: the column atc must stand in GROUP BY or in an aggregate"},
        {"SELECT count(*) FROM ER_PHA",
         "character 22: unknown table er_pha; did you mean ER_PHA_F?"},
        {"SELECT x.atc FROM ER_PHA_F d", "character 8: unknown table x"},
        {"SELECT d.atc FROM ER_PHA_F d JOIN ER_PRS_F c USING (patient, claim) WHERE event_date IS "
         "NULL",
         "character 75: event_date is ambiguous: a column of d and of c"},
        {"SELECT count(*) FROM ER_PHA_F UNION SELECT 1, 2",
         "character 8: the parts of a set operation must have as many columns"},
        {"WITH RECURSIVE a AS (SELECT 1) SELECT count(*) FROM a",
         "character 1: WITH RECURSIVE is not offered"},
        {"SELECT count(*) FROM (SELECT 1)", "character 22: subquery in FROM must have an alias"},
        {"SELECT (SELECT atc FROM ER_PHA_F d WHERE d.patient = p.patient) FROM PERSON p",
         "character 8: a subquery that names the query around it is a value when it is an "
         "aggregate; else it could give several rows"},
        {"SELECT (SELECT p.sex) FROM PERSON p",
         "character 16: sex is a column of the query around: a subquery names it in conditions of "
         "its WHERE only"},
        {"SELECT count(*) FROM ER_PHA_F FULL JOIN PERSON USING (patient)",
         "character 41: FULL JOIN is not offered"},
        {"SELECT sum(atc) FROM ER_PHA_F", "character 8: sum of type code does not exist"},
        {"SELECT sum(count(*)) FROM ER_PHA_F",
         "character 12: count stands inside another aggregate"},
        {"SELECT atc FROM ER_PHA_F WHERE count(*) > 1",
         "character 32: the aggregate count is not allowed here"},
        {"SELECT atc, count(*) FROM ER_PHA_F GROUP BY 3",
         "character 45: GROUP BY: expected the number of an output column, 1 to 2"},
        {"SELECT array_agg(PHA_ACT_QSN) FROM ER_PHA_F",
         "character 8: the aggregate array_agg is not offered"},
        {"SELECT grouping(sex) FROM PERSON GROUP BY ROLLUP(birth_year)",
         "character 17: the arguments of GROUPING must stand in GROUP BY"},
        {"SELECT count(*) FROM ER_PHA_F LIMIT -1",
         "character 37: LIMIT: expected a whole number from 0"},
        {"DELETE FROM ER_PHA_F", "character 1: expected SELECT; other statements are not offered"},
        {"SELECT DISTINCT ON (atc) atc FROM ER_PHA_F ORDER BY event_date, atc",
         "character 21: the expressions of DISTINCT ON must be the first ones of ORDER BY"},
        {"SELECT count(*) FROM ER_PHA_F a JOIN PERSON a USING (patient)",
         "character 38: the table name a is used twice: give one an alias"},
        {"SELECT count(*) FROM net('PERSON')",
         "character 22: net: PERSON has no netting key in the model"},
        {"SELECT count(*) FROM generate_series(1, 2)",
         "character 22: of functions in FROM only net('TABLE'[, DATE '...']) is offered"},
        {"SELECT count(*) FROM ER_PHA_F WHERE d.atc = 'A'", "character 37: unknown table d"}};
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        char expected[512];
        (void)snprintf(expected, sizeof expected, "query: %s", list[i][1]);
        check_plan(list[i][0], expected);
    }
}

// Whoever mistypes is told where, and what the name may be meant for.
static void test_misspelt(void)
{
    static const char *const list[][2] = {
        {"SELECT coutn(*) FROM ER_PRS_F",
         "character 8: the function coutn is not offered; did you mean count?"},
        {"SELECT summ(PRS_PAI_MNT) FROM ER_PRS_F",
         "character 8: the function summ is not offered; did you mean sum?"},
        {"SELECT count(*) FORM ER_PRS_F", "character 22: syntax error at or near \"ER_PRS_F\""},
        {"SELECT count(*) FROM ER_PRS",
         "character 22: unknown table er_prs; did you mean ER_PRS_F?"},
        {"SELECT count(*) FROM ER_PRSF",
         "character 22: unknown table er_prsf; did you mean ER_PRS_F?"},
        {"SELECT count(*) FROM PERSONS",
         "character 22: unknown table persons; did you mean PERSON?"},
        {"SELECT sexe, count(*) FROM PERSON GROUP BY 1",
         "character 8: unknown column sexe; did you mean sex?"},
        {"SELECT p.sexx, count(*) FROM PERSON p GROUP BY 1",
         "character 8: unknown column p.sexx; did you mean sex?"},
        {"SELECT q.sex, count(*) FROM PERSON p GROUP BY 1", "character 8: unknown table q"},
        {"SELECT count(*) FROM PERSON WHERE birth_yer = 1950",
         "character 35: unknown column birth_yer; did you mean birth_year?"},
        {"SELECT count(*) FROM PERSON WHERE birth_year = '195O'",
         "character 48: this text is not a value of type int"},
        {"SELECT count(*) FROM ER_PRS_F WHERE event_date > '2020-02-31'",
         "character 50: this text is not a value of type date (a date is written 'YYYY-MM-DD')"},
        {"SELECT count(*) FROM ER_PRS_F WHERE event_date > DATE '2020-13-01'",
         "character 55: this text is not a value of type date (a date is written 'YYYY-MM-DD')"},
        {"SELECT count(*) FROM ER_PRS_F WHERE PRS_PAI_MNT > 'ten'",
         "character 51: this text is not a value of type decimal"},
        {"SELECT count(*) FROM ER_PHA_F WHERE subst(atc, 1, 3) = 'A10'",
         "character 37: the function subst is not offered; did you mean substr?"},
        {"SELECT count(*) FROM ER_PHA_F WHERE atc LIKE",
         "character 45: syntax error at end of input"},
        {"SELECT count(*) FROM ER_PHA_F WHERE atc = A10BA02",
         "character 43: unknown column a10ba02"},
        {"SELECT count(*) FROM ER_PHA_F d JOIN PERSON p USING (patien)",
         "character 38: USING (patien): the column is not in both tables; did you mean patient?"},
        {"SELECT count(*) FROM ER_PHA_F d JOIN ER_PRS_F p USING (patient, clam)",
         "character 38: USING (clam): the column is not in both tables; did you mean claim?"},
        {"SELECT count(*) FROM ER_PHA_F d JOIN PERSON p ON d.patient = p.patint",
         "character 62: unknown column p.patint; did you mean patient?"},
        {"SELECT year(event_dat), count(*) FROM ER_PHA_F GROUP BY 1",
         "character 13: unknown column event_dat; did you mean event_date?"},
        {"SELECT count(*) FROM ER_PHA_F GROUP BY atcc",
         "character 40: unknown column atcc; did you mean atc?"},
        {"SELECT atc, count(*) FROM ER_PHA_F GROUP BY 1 ORDER BY cuont",
         "character 56: unknown column cuont"},
        {"SELECT atc FROM ER_PHA_F GROUP BY 1 HAVING cout(*) > 5",
         "character 44: the function cout is not offered; did you mean count?"},
        {"SELECT row_numbr() OVER (PARTITION BY patient ORDER BY event_date) FROM ER_PHA_F",
         "character 8: the window function row_numbr is not offered; did you mean row_number?"},
        {"SELECT count(*) FILTER (WHERE sx = 'F') FROM PERSON",
         "character 31: unknown column sx; did you mean sex?"},
        {"SELECT extract(yeer FROM event_date), count(*) FROM ER_PHA_F GROUP BY 1",
         "character 8: extract: expected one of year, quarter, month, week, day, doy, dow, isodow, "
         "isoyear, decade, century, millennium, epoch, julian"},
        {"SELECT date_trunc('mnth', event_date), count(*) FROM ER_PHA_F GROUP BY 1",
         "character 8: date_trunc: expected one of year, quarter, month, week, day, doy, dow, "
         "isodow, isoyear, decade, century, millennium, epoch, julian"},
        {"SELECT CAST(PRS_PAI_MNT AS intger) FROM ER_PRS_F",
         "character 28: the type intger is not offered; did you mean integer?"},
        {"SELECT event_date + INTERVAL '1 mnth' FROM ER_PRS_F",
         "character 30: expected an interval of years, months, weeks and days, as in INTERVAL '6 "
         "months'"},
        {"SELECT count(*) FROM net('ER_PHA')",
         "character 22: net: ER_PHA is not a table; did you mean ER_PHA_F?"},
        {"WITH a AS (SELECT patient FROM ER_PHA_F) SELECT count(*) FROM aa",
         "character 63: unknown table aa"},
        {"SELECT count(*) FROM ER_PHA_F WHERE patient IN (SELECT patiend FROM PERSON)",
         "character 56: unknown column patiend; did you mean patient?"},
        {"SELECT a.n FROM (SELECT count(*) AS nn FROM PERSON) a",
         "character 8: unknown column a.n"},
        {"SELECT sex, count(*) FROM PERSON GROUP BY 3",
         "character 43: GROUP BY: expected the number of an output column, 1 to 2"},
        {"SELECT percentile_cnt(0.5) WITHIN GROUP (ORDER BY PRS_PAI_MNT) FROM ER_PRS_F",
         "character 8: the function percentile_cnt is not offered; did you mean percentile_cont?"},
        {"SELECT atc, count(*) FROM ER_PHA_F GROUP BY 1 FETCH FIRST 3 ROWS WITH TIES",
         "character 1: WITH TIES cannot be specified without ORDER BY clause"},
        {"DELETE FROM PERSON", "character 1: expected SELECT; other statements are not offered"},
        {"SELECT count(*) FROM PERSON NATURAL JOIN ER_PRS_F",
         "character 42: NATURAL JOIN is not offered"},
        {"SELECT sum(PRS_PAI_MNT) OVER (PARTITION BY patient ORDER BY event_date ROWS BETWEEN 1 "
         "PRECEDING AND CURRENT ROW EXCLUDE TIES) FROM ER_PRS_F",
         "character 30: EXCLUDE is not offered"},
        {"SELECT histogram(PRS_PAI_MNT) FROM ER_PRS_F",
         "character 8: the function histogram is not offered"},
        {"SELECT count(*) FROM ER_PHA_F d LEFT JOIN (PERSON p JOIN IR_PHA_R r ON true) USING "
         "(patient)",
         "character 8: the optional side of a LEFT JOIN is one table or subquery: put the join of "
         "several in a subquery"},
        {"SELECT DISTINCT sex FROM PERSON ORDER BY birth_year",
         "character 17: with SELECT DISTINCT, ORDER BY takes output columns only"}};
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        char expected[512];
        (void)snprintf(expected, sizeof expected, "query: %s", list[i][1]);
        check_plan(list[i][0], expected);
    }
}

static void test_any_request_may_be_refused(void)
{
    pc_status status = PC_NO_MEMORY;
    for (size_t limit = 1; status != PC_OK && limit < 1 << 24; limit += limit / 4 + 2048) {
        fixture f;
        set_up(&f);
        const pc_query *query;
        f.budget.limit_bytes = f.budget.used_bytes + limit;
        status = pc_sql_plan(
            "SELECT sex, sum(PHA_ACT_QSN) AS q FROM ER_PHA_F d LEFT JOIN PERSON p USING "
            "(patient) WHERE atc LIKE 'A%' GROUP BY 1 HAVING count(*) > 1 ORDER BY q",
            &f.catalog, true, &f.arena, &query, NULL);
        CU_ASSERT(status == PC_OK || status == PC_NO_MEMORY);
        tear_down(&f);
    }
    CU_ASSERT_EQUAL(status, PC_OK);
}

PC_TEST_MAIN("sql_plan", {"the query of the design", test_design_query}, {"joins", test_joins},
             {"a key by its columns", test_key_columns},
             {"a reference table", test_references_alone},
             {"protected plans", test_protected_plans}, {"traits", test_traits},
             {"refusals", test_refusals}, {"misspelt queries", test_misspelt},
             {"any request may be refused", test_any_request_may_be_refused});
