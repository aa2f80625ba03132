/** Expressions from SQL text: what they mean, and what is refused. */
#include <stdio.h>
#include <string.h>
#include "parcours/bind.h"
#include "parcours/function.h"
#include "test_main.h"

enum { ROWS = 4 };

/** Four rows of every type; the last row is null in all columns but `k`. */
typedef struct fixture {
    pc_budget budget;
    pc_arena arena;
    pc_schema schema;
    pc_batch batch;
    pc_expr_state *state;
    pc_dict codes;
    pc_scope *scope;
} fixture;

static const pc_field fields[] = {
    {"i", PC_INT, 0, 0},   {"small", PC_INT, 0, 0}, {"amount", PC_DECIMAL, 2, 0},
    {"f", PC_FLOAT, 0, 0}, {"d", PC_DATE, 0, 0},    {"atc", PC_CODE, 0, 0},
    {"ok", PC_BOOL, 0, 0}, {"id", PC_ID, 0, 8},     {"birth_date", PC_DATE, 0, 0},
    {"k", PC_INT, 0, 0},   {"sex", PC_CODE, 0, 0}};

static const int64_t i_data[ROWS] = {1, -7, 9000000000, 0};
static const int8_t small_data[ROWS] = {0, 40, 127, 0};
static const int32_t amount_data[ROWS] = {1250, -5, 0, 0};
static const double f_data[ROWS] = {0.5, -2.5, 1e10, 0};
static const int32_t d_data[ROWS] = {18262, 18321, -1, 0}; // 2020-01-01, 2020-02-29, 1969-12-31
static const uint8_t atc_data[ROWS] = {0, 1, 3, 0};
static const uint8_t ok_data[ROWS] = {1, 0, 1, 0};
static const char id_data[ROWS][8] = {"A1", "ABCDEFGH", "", ""};
static const int32_t birth_data[ROWS] = {0, 11016, -25567, 0}; // 1970-01-01, 2000-02-29, 1900-01-01
static const uint16_t k_data[ROWS] = {1, 2, 3, 4};
static const uint64_t offsets[] = {0, 7, 14, 18, 21};
static const char texts[] = "A10BA02A10BB01B01AN\xc3\xa9";
static const uint64_t valid[1] = {7};

static void set_up(fixture *f)
{
    static pc_column column[11];
    *f = (fixture){.codes = {.count = 4, .sorted = true, .offset = offsets, .bytes = texts}};
    f->arena.budget = &f->budget;
    f->schema = (pc_schema){11, fields};
    const pc_column made[11] = {{PC_INT, 0, 8, i_data, valid, NULL},
                                {PC_INT, 0, 1, small_data, valid, NULL},
                                {PC_DECIMAL, 2, 4, amount_data, valid, NULL},
                                {PC_FLOAT, 0, 8, f_data, valid, NULL},
                                {PC_DATE, 0, 4, d_data, valid, NULL},
                                {PC_CODE, 0, 1, atc_data, valid, &f->codes},
                                {PC_BOOL, 0, 1, ok_data, valid, NULL},
                                {PC_ID, 0, 8, id_data, valid, NULL},
                                {PC_DATE, 0, 4, birth_data, valid, NULL},
                                {PC_INT, 0, 2, k_data, NULL, NULL},
                                {PC_CODE, 0, 1, NULL, NULL, NULL}};
    memcpy(column, made, sizeof made);
    f->batch = (pc_batch){.column_count = 11, .row_count = ROWS, .column = column};
    CU_ASSERT_EQUAL(pc_expr_state_new(&f->arena, &f->budget, &f->state, NULL), PC_OK);
    f->scope = pc_schema_scope(&f->schema, NULL, &f->arena, NULL);
}

static void tear_down(fixture *f)
{
    pc_expr_state_free(f->state);
    pc_arena_reset(&f->arena);
    CU_ASSERT_EQUAL(f->budget.used_bytes, 0);
}

static void write_cell(const pc_column *c, int row, char *out)
{
    if (pc_column_is_null(c, row)) {
        strcpy(out, "null");
    } else if (c->type == PC_FLOAT) {
        (void)pc_float_format(((const double *)c->data)[row], out);
    } else if (c->type == PC_DATE) {
        (void)pc_day_format((int32_t)pc_column_int(c, row), out);
    } else if (c->type == PC_BOOL) {
        strcpy(out, pc_column_int(c, row) != 0 ? "t" : "f");
    } else if (c->type == PC_CODE || c->type == PC_TEXT || c->type == PC_ID) {
        const pc_span text = pc_column_span(c, row);
        (void)snprintf(out, 60, "%.*s", (int)text.bytes, text.data);
    } else {
        (void)pc_decimal_format(pc_column_int(c, row), c->scale, out);
    }
}

// "value|value|value|value" of the four rows, or the error.
static void evaluate(fixture *f, const char *sql, char *out)
{
    pc_error err = {0};
    const pc_expr *x;
    pc_column column;
    out[0] = '\0';
    pc_arena scratch = {.budget = &f->budget};
    pc_status status = pc_bind_expr(f->scope, sql, "test", PC_NONE, &f->arena, &x, &err);
    if (status == PC_OK) {
        status = pc_expr_eval(x, &f->batch, f->state, &scratch, &column, &err);
    }
    for (int row = 0; status == PC_OK && row < ROWS; row++) {
        char cell[64];
        write_cell(&column, row, cell);
        if (row > 0) strcat(out, "|");
        strcat(out, cell);
    }
    if (status != PC_OK) (void)snprintf(out, 400, "%.390s", err.text);
    pc_arena_reset(&scratch);
}

typedef struct sql_case {
    const char *sql, *expected;
} sql_case;

static void check_cases(const sql_case *list, size_t count)
{
    fixture f;
    set_up(&f);
    for (size_t i = 0; i < count; i++) {
        char found[512];
        evaluate(&f, list[i].sql, found);
        if (strcmp(found, list[i].expected) != 0) {
            (void)fprintf(stderr, "\n  %s\n    expected %s\n    found    %s\n", list[i].sql,
                          list[i].expected, found);
        }
        CU_ASSERT_STRING_EQUAL(found, list[i].expected);
    }
    tear_down(&f);
}
#define CHECK_CASES(list) check_cases((list), sizeof(list) / sizeof(list)[0])

static void test_comparison(void)
{
    static const sql_case list[] = {
        {"i = 1", "t|f|f|null"},
        {"1 < i", "f|f|t|null"},
        {"small >= 40.0", "f|t|t|null"},
        {"small > 39.5", "f|t|t|null"},
        {"small <> 300", "t|t|t|null"},
        {"small < 300", "t|t|t|null"},
        {"small = -129", "f|f|f|null"},
        {"small BETWEEN 1 AND 126", "f|t|f|null"},
        {"small NOT BETWEEN 1 AND 126", "t|f|t|null"},
        {"amount = 12.5", "t|f|f|null"},
        {"amount < '0.001'", "f|t|t|null"},
        {"amount = -0.05", "f|t|f|null"},
        {"f < amount", "t|t|f|null"},
        {"i = '-7'", "f|t|f|null"},
        {"d = '2020-01-01'", "t|f|f|null"},
        {"d BETWEEN DATE '2020-01-01' AND '2020-02-01'", "t|f|f|null"},
        {"d > '1969-12-30'", "t|t|t|null"},
        {"atc = 'A10BB01'", "f|t|f|null"},
        {"atc <> 'A10BB01'", "t|f|t|null"},
        {"atc > 'A10BA99'", "f|t|t|null"},
        {"atc <= 'A10BB01'", "t|t|f|null"},
        {"atc < 'A'", "f|f|f|null"},
        {"'A10BA02' = atc", "t|f|f|null"},
        {"id = 'A1'", "t|f|f|null"},
        {"id >= 'ABCDEFGH'", "f|t|f|null"},
        {"id LIKE 'A_'", "t|f|f|null"},
        {"atc = id", "f|f|f|null"},
        {"sex = 'F'", "null|null|null|null"},
        {"sex IS NULL", "t|t|t|t"},
        {"i IS DISTINCT FROM 1", "f|t|t|t"},
        {"i IS NOT DISTINCT FROM NULL", "f|f|f|t"},
        {"atc IS DISTINCT FROM 'A10BA02'", "f|t|t|t"},
        {"i = NULL", "null|null|null|null"},
        {"NULL = NULL", "null|null|null|null"},
        {"ok = true", "t|f|t|null"},
        {"ok < 'true'", "f|t|f|null"},
    };
    CHECK_CASES(list);
}

static void test_logic(void)
{
    static const sql_case list[] = {
        {"ok AND NULL", "null|f|null|null"},
        {"ok OR NULL", "t|null|t|null"},
        {"NOT ok", "f|t|f|null"},
        {"ok OR k = 4", "t|f|t|t"},
        {"ok AND k = 4", "f|f|f|null"},
        {"ok IS TRUE", "t|f|t|f"},
        {"ok IS NOT TRUE", "f|t|f|t"},
        {"ok IS FALSE", "f|t|f|f"},
        {"ok IS NOT FALSE", "t|f|t|t"},
        {"ok IS UNKNOWN", "f|f|f|t"},
        {"ok IS NOT NULL", "t|t|t|f"},
        {"i <> 0 AND 10 / i > 0", "t|f|f|null"},
        {"small = 0 OR 40 / small = 1", "t|t|f|null"},
        {"small <> 0 AND 40 / small = 1", "f|t|f|null"},
        {"CASE WHEN small = 0 THEN 0 ELSE 127 / small END", "0|3|1|null"},
        {"CASE small WHEN 0 THEN 'zero' WHEN 40 THEN 'forty' END", "zero|forty|null|null"},
        {"CASE WHEN ok THEN 1 ELSE 2.50 END", "1.00|2.50|1.00|2.50"},
        {"CASE WHEN ok THEN atc ELSE 'none' END", "A10BA02|none|N\xc3\xa9|none"},
        {"COALESCE(atc, 'none')", "A10BA02|A10BB01|N\xc3\xa9|none"},
        {"COALESCE(small, 99)", "0|40|127|99"},
        {"COALESCE(NULL, NULL)", "null|null|null|null"},
        {"NULLIF(small, 40)", "0|null|127|null"},
        {"GREATEST(i, 5, NULL)", "5|5|9000000000|5"},
        {"LEAST(amount, 1)", "1.00|-0.05|0.00|1.00"},
        {"GREATEST(atc, 'A10BB')", "A10BB|A10BB01|N\xc3\xa9|A10BB"},
    };
    CHECK_CASES(list);
}

static void test_lists(void)
{
    static const sql_case list[] = {
        {"small IN (40, 127)", "f|t|t|null"},
        {"small IN (40, NULL)", "null|t|null|null"},
        {"small NOT IN (40, NULL)", "null|f|null|null"},
        {"small NOT IN (40)", "t|f|t|null"},
        {"small IN (40, 1000000)", "f|t|f|null"},
        {"small IN (40.5, 127.0)", "f|f|t|null"},
        {"small IN (i, 127)", "f|f|t|null"},
        {"small NOT IN (i, 127)", "t|t|f|null"},
        {"amount IN (12.5, 0)", "t|f|t|null"},
        {"d IN ('2020-02-29', '1969-12-31')", "f|t|t|null"},
        {"atc IN ('A10BB01', 'X', 'N\xc3\xa9')", "f|t|t|null"},
        {"atc NOT IN ('A10BB01', NULL)", "null|f|null|null"},
        {"id IN ('A1', 'A')", "t|f|f|null"},
        {"f IN (0.5, 3)", "t|f|f|null"},
        {"atc LIKE 'A10B%'", "t|t|f|null"},
        {"atc NOT LIKE 'A10B%'", "f|f|t|null"},
        {"atc LIKE '%B%1'", "f|t|f|null"},
        {"atc LIKE 'N_'", "f|f|t|null"},
        {"atc LIKE 'A10BA02'", "t|f|f|null"},
        {"atc ILIKE 'a10ba__'", "t|f|f|null"},
        {"atc NOT ILIKE 'a10%'", "f|f|t|null"},
        {"atc LIKE 'A!%%' ESCAPE '!'", "f|f|f|null"},
        {"'50%' LIKE '50\\%'", "t|t|t|t"},
        {"'500' LIKE '50\\%'", "f|f|f|f"},
        {"atc LIKE '%'", "t|t|t|null"},
        {"atc LIKE ''", "f|f|f|null"},
        {"atc LIKE NULL", "null|null|null|null"},
        {"atc BETWEEN 'A10BB' AND 'B'", "f|t|f|null"},
    };
    CHECK_CASES(list);
}

static void test_numbers(void)
{
    static const sql_case list[] = {
        {"i + 1", "2|-6|9000000001|null"},
        {"i / 2", "0|-3|4500000000|null"},
        {"i % 2", "1|-1|0|null"},
        {"- /* 9 */ (-(--8\n-3)) + k", "-2|-1|0|1"},
        {"0 - k", "-1|-2|-3|-4"},
        {"-i", "-1|7|-9000000000|null"},
        {"i - small * 2", "1|-87|8999999746|null"},
        {"amount + 1", "13.50|0.95|1.00|null"},
        {"amount * 2", "25.00|-0.10|0.00|null"},
        {"amount * 1.5", "18.750|-0.075|0.000|null"},
        {"amount / 2", "6.25|-0.025|0|null"},
        {"amount % 5", "2.50|-0.05|0.00|null"},
        {"f * 2", "1|-5|20000000000|null"},
        {"i + f", "1.5|-9.5|19000000000|null"},
        {"i * 9000000000", "test: character 3: beyond"},
        {"round(amount, 1)", "12.5|-0.1|0.0|null"},
        {"round(amount)", "13|0|0|null"},
        {"round(f)", "0|-2|10000000000|null"},
        {"round(f, 1)", "0.5|-2.5|10000000000.0|null"},
        {"floor(amount)", "12|-1|0|null"},
        {"ceil(amount)", "13|0|0|null"},
        {"abs(i)", "1|7|9000000000|null"},
        {"sign(amount)", "1|-1|0|null"},
        {"mod(i, 4)", "1|-3|0|null"},
        {"small::text", "0|40|127|null"},
        {"amount::int", "13|0|0|null"},
        {"CAST(f AS bigint)", "0|-2|10000000000|null"},
        {"CAST(f AS integer)",
         "a value beyond the range of integer in 'CAST' at character 6 of the SQL text"},
        {"CAST(amount AS numeric(10,1))", "12.5|-0.1|0.0|null"},
        {"amount::float8", "12.5|-0.05|0|null"},
        {"'12'::int + k", "13|14|15|16"},
        {"ok::int", "1|0|1|null"},
        {"band(small, 10)", "0-9|40-49|120-129|null"},
        {"band(i, 5)", "0-4|-10--6|9000000000-9000000004|null"},
        {"1e2", "100|100|100|100"},
        {".5 + 5.", "5.5|5.5|5.5|5.5"},
        {"i / 0", "division by zero in '/' at character 3 of the SQL text"},
    };
    fixture f;
    set_up(&f);
    char found[512];
    evaluate(&f, "i * 9000000000", found);
    CU_ASSERT_STRING_EQUAL(found, "a result beyond 64 bits in '*' at character 3 of the SQL text");
    tear_down(&f);
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        if (strstr(list[i].expected, "beyond") == NULL) check_cases(&list[i], 1);
    }
}

static void test_dates(void)
{
    static const sql_case list[] = {
        {"extract(year FROM d)", "2020|2020|1969|null"},
        {"year(d) * 100 + month(d)", "202001|202002|196912|null"},
        {"extract(day FROM d)", "1|29|31|null"},
        {"extract(doy FROM d)", "1|60|365|null"},
        {"date_part('quarter', d)", "1|1|4|null"},
        {"week(d)", "1|9|1|null"},
        {"extract(isoyear FROM d)", "2020|2020|1970|null"},
        {"extract(dow FROM d)", "3|6|3|null"},
        {"extract(isodow FROM d)", "3|6|3|null"},
        {"date_trunc('month', d)", "2020-01-01|2020-02-01|1969-12-01|null"},
        {"date_trunc('week', d)", "2019-12-30|2020-02-24|1969-12-29|null"},
        {"date_trunc('quarter', d)", "2020-01-01|2020-01-01|1969-10-01|null"},
        {"d + 1", "2020-01-02|2020-03-01|1970-01-01|null"},
        {"1 + d", "2020-01-02|2020-03-01|1970-01-01|null"},
        {"d - birth_date", "18262|7305|25566|null"},
        {"d - INTERVAL '1 year'", "2019-01-01|2019-02-28|1968-12-31|null"},
        {"d + INTERVAL '1 month 2 days'", "2020-02-03|2020-03-31|1970-02-02|null"},
        {"d + INTERVAL '6' MONTH", "2020-07-01|2020-08-29|1970-06-30|null"},
        {"make_date(2020, k, 28)", "2020-01-28|2020-02-28|2020-03-28|2020-04-28"},
        {"age_on(d)", "50|20|69|null"},
        {"d::text", "2020-01-01|2020-02-29|1969-12-31|null"},
        {"date '2020-01-31' + interval '1 mon'", "2020-02-29|2020-02-29|2020-02-29|2020-02-29"},
        {"d = DATE '2020-02-30'", "test: character 10: this text is not a value of type date (a "
                                  "date is written 'YYYY-MM-DD')"},
        {"d + 100000000",
         "a date beyond the years 1 to 9999 in '+' at character 3 of the SQL text"},
    };
    CHECK_CASES(list);
}

static void test_texts(void)
{
    static const sql_case list[] = {
        {"substr(atc, 1, 3)", "A10|A10|N\xc3\xa9|null"},
        {"substring(atc FROM 4)", "BA02|BB01||null"},
        {"substr(atc, -1, 4)", "A1|A1|N\xc3\xa9|null"},
        {"left(atc, 1)", "A|A|N|null"},
        {"left(atc, -5)", "A1|A1||null"},
        {"right(atc, 1)", "2|1|\xc3\xa9|null"},
        {"length(atc)", "7|7|2|null"},
        {"lower(atc)", "a10ba02|a10bb01|n\xc3\xa9|null"},
        {"upper('a' || id)", "AA1|AABCDEFGH|A|null"},
        {"atc || '-' || k", "A10BA02-1|A10BB01-2|N\xc3\xa9-3|null"},
        {"concat(atc, NULL, k)", "A10BA021|A10BB012|N\xc3\xa9"
                                 "3|4"},
        {"replace(atc, 'A', 'xy')", "xy10Bxy02|xy10BB01|N\xc3\xa9|null"},
        {"position('B' IN atc)", "4|4|0|null"},
        {"strpos(atc, '\xc3\xa9')", "0|0|2|null"},
        {"starts_with(atc, 'A10BA')", "t|f|f|null"},
        {"lpad(small::text, 3, '0')", "000|040|127|null"},
        {"rpad(atc, 8, '*')", "A10BA02*|A10BB01*|N\xc3\xa9******|null"},
        {"trim('  x ')", "x|x|x|x"},
        {"trim(BOTH 'A' FROM atc)", "10BA02|10BB01|N\xc3\xa9|null"},
        {"ltrim(atc, 'A10')", "BA02|BB01|N\xc3\xa9|null"},
        {"atc::varchar(3)", "A10|A10|N\xc3\xa9|null"},
        {"left(atc, 3) = 'A10' AND length(atc) = 7", "t|t|f|null"},
        {"CAST(substr(atc, 2, 2) AS int)",
         "a text that is not a value of that type in 'CAST' at character 6 of the SQL text"},
        {"CASE WHEN atc LIKE 'A%' THEN CAST(substr(atc, 2, 2) AS int) END", "10|10|null|null"},
    };
    CHECK_CASES(list);
}

static void test_refusals(void)
{
    static const sql_case list[] = {
        {"atcc = 'x'", "test: character 1: unknown column atcc; did you mean atc?"},
        {"i = 1 AND\n zzz", "test: character 12: unknown column zzz"},
        {"i = ", "test: character 5: syntax error at or near \")\""},
        {"i = 'x'", "test: character 5: this text is not a value of type int"},
        {"i = d", "test: character 3: = of types int and date does not exist: cast one"},
        {"i AND ok", "test: character 1: expected a condition (bool), found a value of type int"},
        {"atc + 1", "test: character 5: + of types code and int does not exist: cast one"},
        {"length(i)", "test: character 1: length: expected a text as argument 1, found a value of "
                      "type int"},
        {"lenght(atc)",
         "test: character 1: the function lenght is not offered; did you mean length?"},
        {"count(*)", "test: character 1: the aggregate count is not allowed here"},
        {"row_number() OVER ()", "test: character 1: row_number: a window function is not allowed "
                                 "here: it stands among the outputs or in ORDER BY"},
        {"EXISTS (SELECT 1)",
         "test: character 1: a subquery is offered as x IN (SELECT column FROM "
         "reference table) only"},
        {"1) FROM t WHERE (1=1", "test: character 9: FROM is not offered here"},
        {"1), (2", "test: expected one expression, found a list"},
        {"1); DELETE FROM t; SELECT (1", "test: expected one SQL statement, found 3"},
        {"", "test: expected SQL, found nothing"},
        {"atc ~ amount", "test: character 5: ~ of types code and decimal does not exist"},
        {"$1", "test: character 1: ParamRef is not offered"},
        {"current_date", "test: character 1: the time of day is not offered: results must not "
                         "depend on it"},
        {"d + INTERVAL '2 hours'",
         "test: character 14: expected an interval of years, months, weeks "
         "and days, as in INTERVAL '6 months'"},
        {"i::json", "test: character 4: the type json is not offered"},
        {"\xc3\xa9", "test: character 1: unknown column \xc3\xa9"},
        {"i IN (SELECT x FROM t)", "test: character 21: IN takes SELECT column FROM one reference "
                                   "table"},
        {"12345678901234567890", "test: character 1: a number has at most 18 digits, found "
                                 "12345678901234567890"},
    };
    CHECK_CASES(list);
}

// A thousand levels are refused, not followed until the stack ends.
static void test_deep_nesting(void)
{
    fixture f;
    set_up(&f);
    pc_buffer sql = {.budget = &f.budget};
    for (int i = 0; i < 3000; i++) {
        CU_ASSERT_EQUAL(pc_buffer_print(&sql, NULL, "-("), PC_OK);
    }
    CU_ASSERT_EQUAL(pc_buffer_print(&sql, NULL, "i"), PC_OK);
    for (int i = 0; i < 3000; i++) {
        CU_ASSERT_EQUAL(pc_buffer_print(&sql, NULL, ")"), PC_OK);
    }
    const pc_expr *x;
    pc_error err = {0};
    CU_ASSERT_EQUAL(pc_bind_expr(f.scope, sql.data, "test", PC_NONE, &f.arena, &x, &err),
                    PC_UNSUPPORTED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "nested at most 400 levels deep"));
    pc_buffer_release(&sql);
    tear_down(&f);
}

static void test_any_request_may_be_refused(void)
{
    static const char *const sql[] = {
        "CASE WHEN atc LIKE 'A%' THEN left(atc, 3) || 'x' ELSE 'y' END",
        "i IN (1, 2) AND NOT ok OR length(atc) + small > 3"};
    for (size_t s = 0; s < 2; s++) {
        pc_status status = PC_NO_MEMORY;
        for (size_t limit = 0; status != PC_OK && limit < 1 << 22; limit += 1024) {
            fixture f;
            set_up(&f);
            const pc_expr *x;
            pc_column out;
            pc_arena scratch = {.budget = &f.budget};
            f.budget.limit_bytes = f.budget.used_bytes + limit + 1;
            status = pc_bind_expr(f.scope, sql[s], "test", PC_NONE, &f.arena, &x, NULL);
            if (status == PC_OK) {
                status = pc_expr_eval(x, &f.batch, f.state, &scratch, &out, NULL);
            }
            CU_ASSERT(status == PC_OK || status == PC_NO_MEMORY);
            pc_arena_reset(&scratch);
            tear_down(&f);
        }
        CU_ASSERT_EQUAL(status, PC_OK);
    }
}

static const pc_code_set *code_set; // what the scope below knows

static const pc_code_set *one_set(pc_scope *scope, const char *name)
{
    (void)scope;
    (void)name;
    return code_set;
}

static int one_system(pc_scope *scope, const pc_expr *column)
{
    (void)scope;
    (void)column;
    return 0;
}

/** Codes that are stored as numbers are a list of numbers, also where they were cast to text,
 * unless their system goes by beginnings. */
static void test_codes_of_numbers(void)
{
    fixture f;
    set_up(&f);
    f.scope->codes = one_set;
    f.scope->system = one_system;
    for (int by_prefix = 0; by_prefix < 2; by_prefix++) {
        const pc_code_pattern pattern[2] = {
            {.is_prefix_system = by_prefix == 1, .low = {"4", 1}},
            {.is_prefix_system = by_prefix == 1, .low = {"127", 3}}};
        pc_code_set *set = NULL;
        CU_ASSERT_EQUAL(pc_code_set_make(pattern, 2, &f.arena, &set, NULL), PC_OK);
        code_set = set;
        static const char *const sql[] = {"in_codes(small, 'set')",
                                          "in_codes(CAST(small AS text), 'set')"};
        for (int i = 0; i < 2; i++) {
            char found[512];
            const pc_expr *x = NULL;
            evaluate(&f, sql[i], found);
            CU_ASSERT_STRING_EQUAL(found, by_prefix == 1 ? "f|t|t|null" : "f|f|t|null");
            CU_ASSERT_EQUAL(pc_bind_expr(f.scope, sql[i], "t", PC_BOOL, &f.arena, &x, NULL), PC_OK);
            const pc_function_id id = pc_function_which(x->function);
            CU_ASSERT_EQUAL(id, by_prefix == 1 ? PC_FN_IN_CODES : PC_FN_IN);
            CU_ASSERT_EQUAL(x->arg[0]->kind, PC_EXPR_COLUMN);
        }
    }
    tear_down(&f);
}

PC_TEST_MAIN("sql_bind", {"comparison", test_comparison}, {"logic and CASE", test_logic},
             {"lists and LIKE", test_lists}, {"numbers", test_numbers}, {"dates", test_dates},
             {"texts", test_texts}, {"refusals", test_refusals},
             {"deep nesting", test_deep_nesting}, {"codes of numbers", test_codes_of_numbers},
             {"any request may be refused", test_any_request_may_be_refused});
