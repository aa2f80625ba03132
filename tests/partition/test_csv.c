/** The CSV reader: each kind of value, each bad record, and any split of a file. */
#include "parcours/csv.h"
#include "partition/csv_case.h"
#include "partition/csv_values.h"

// A record of STAY with one field given and the others plain.
static void write_record(pc_buffer *out, const char *column, const char *text)
{
    static const char *const name[] = {"PSEUDO", "RANK", "NUM",   "FROM_DAY", "TO_DAY",
                                       "DIAG",   "NOTE", "SMALL", "CIP",      "COST",
                                       "PRICE",  "RATE", "FLAG",  "BORN"};
    static const char *const plain[] = {"P1", "1", "n1", "", "", "", "",
                                        "",   "",  "",   "", "", "", ""};
    for (size_t i = 0; i < sizeof name / sizeof name[0]; i++) {
        const char *value = strcmp(name[i], column) == 0 ? text : plain[i];
        if (pc_buffer_print(out, NULL, "%s%s", i > 0 ? ";" : "", value) != PC_OK) exit(1);
    }
    if (pc_buffer_append(out, "\n", 1, NULL) != PC_OK) exit(1);
}

// The text of a column in a shown row of STAY.
static pc_span shown_value(const csv_case *c, const char *row, const char *column)
{
    const pc_model_table *table = &c->model->table[c->layout->table];
    const int wanted = pc_model_find_column(table, pc_span_of(column));
    for (int i = 0; i < wanted; i++) {
        if (c->layout->field_of_column[i] >= 0) row = strchr(row, '|') + 1;
    }
    return (pc_span){row, strcspn(row, "|")};
}

static void test_values(void)
{
    csv_case c;
    int wrong = 0;
    case_begin(&c);
    for (size_t i = 0; i < sizeof VALUE / sizeof VALUE[0]; i++) {
        const value_case *v = &VALUE[i];
        pc_buffer text = {.budget = &c.budget};
        CU_ASSERT(pc_buffer_print(&text, NULL, "%s\n", STAY_HEADER) == PC_OK);
        write_record(&text, v->column, v->text);
        CU_ASSERT_EQUAL(case_text(&c, "stay_2019.csv", text.data, text.bytes), PC_OK);
        bool good = c.counts.rows_read == 1;
        if (v->shown != NULL) {
            good = good && c.counts.rows_rejected == 0 &&
                   pc_span_equal(shown_value(&c, case_rows(&c), v->column), pc_span_of(v->shown));
        } else {
            good = good && c.counts.rows_rejected == 1 &&
                   case_reject(&c, 0)->reason == (int32_t)v->reason &&
                   case_reject(&c, 0)->line == 2;
        }
        if (!good) (void)fprintf(stderr, "\n%s '%s'", v->column, v->text);
        wrong += !good;
        pc_buffer_release(&text);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    case_end(&c);
}

static int read_body(csv_case *c, const char *name, const char *header, const char *body)
{
    char text[4096];
    const int bytes = snprintf(text, sizeof text, "%s%s", header, body);
    const pc_status status = case_text(c, name, text, (size_t)bytes);
    if (status != PC_OK) (void)fprintf(stderr, "\n%s\n", c->err.text);
    return status == PC_OK ? (int)c->counts.rows_read : -1;
}

static void test_line_ends(void)
{
    csv_case c;
    case_begin(&c);
    const char *rows = "A1|1|p|~|~|~|~|\nB2|2|q|~|~|~|~|\n";
    CU_ASSERT_EQUAL(read_body(&c, "people.csv", "PSEUDO;RANK;ID\n", "A1;1;p\nB2;2;q\n"), 2);
    CU_ASSERT_STRING_EQUAL(case_rows(&c), rows);
    CU_ASSERT_EQUAL(c.counts.lines, 3);
    CU_ASSERT_EQUAL(read_body(&c, "people.csv", "PSEUDO;RANK;ID\n", "A1;1;p\nB2;2;q"), 2);
    CU_ASSERT_STRING_EQUAL(case_rows(&c), rows);
    CU_ASSERT_EQUAL(read_body(&c, "people.csv", "pseudo;rank;id\r\n", "A1;1;p\r\nB2;2;q\r\n"), 2);
    CU_ASSERT_STRING_EQUAL(case_rows(&c), rows);
    CU_ASSERT_EQUAL(read_body(&c, "people.csv", "\xef\xbb\xbf\"PSEUDO\" ;RANK;ID\r\n",
                              "A1;1;p\r\n\r\n  \nB2;2;q\r"),
                    2);
    CU_ASSERT_STRING_EQUAL(case_rows(&c), rows);
    CU_ASSERT_EQUAL(c.counts.lines, 5);
    CU_ASSERT_EQUAL(read_body(&c, "people.csv", "PSEUDO;RANK;ID", ""), 0);
    CU_ASSERT_EQUAL(read_body(&c, "people.csv", "PSEUDO;RANK;ID\n", ""), 0);
    CU_ASSERT_EQUAL(read_body(&c, "one.csv", "WORD\n", "a\n\n \nb"), 2);
    CU_ASSERT_STRING_EQUAL(case_rows(&c), "a|\nb|\n");
    case_end(&c);
}

static void test_order_and_unknown_columns(void)
{
    csv_case c;
    pc_csv_file file;
    case_begin(&c);
    const char text[] = "ID;extra;RANK;PSEUDO;NEW\np;x;1;A1;y\n";
    const char *path = case_file(&c, "people.csv", text, sizeof text - 1);
    CU_ASSERT_EQUAL(pc_csv_open(c.model, path, "in/people.csv", 3, &c.arena, &file, NULL), PC_OK);
    CU_ASSERT_STRING_EQUAL(file.unknown[0], "extra");
    CU_ASSERT_STRING_EQUAL(file.unknown[1], "NEW");
    CU_ASSERT_PTR_NULL(file.unknown[2]);
    CU_ASSERT_STRING_EQUAL(file.missing[0], "SEX");
    CU_ASSERT_EQUAL(case_read(&c, &file, 0), PC_OK);
    CU_ASSERT_STRING_EQUAL(case_rows(&c), "A1|1|p|~|~|~|~|\n");
    (void)unlink(path);
    case_end(&c);
}

// Bad records: each is kept with its line, and its text can be read again.
static void test_rejects(void)
{
    csv_case c;
    pc_csv_file file;
    case_begin(&c);
    const char text[] =
        "PSEUDO;RANK;ID;DEATH\nA;1;p;\nA;1\nA;1;p;;;\nA;x;p;\n\"A;1;p;\nB;1;q;31/02/2019\r\n"
        "C;1;p;2019-01-01\nD;1;";
    const struct {
        int64_t line;
        pc_reject reason;
        const char *column, *record;
    } want[] = {{3, PC_REJECT_COLUMNS, NULL, "A;1"},
                {4, PC_REJECT_COLUMNS, NULL, "A;1;p;;;"},
                {5, PC_REJECT_NUMBER, "RANK", "A;x;p;"},
                {6, PC_REJECT_QUOTE, NULL, "\"A;1;p;"},
                {7, PC_REJECT_DATE, "DEATH", "B;1;q;31/02/2019"},
                {9, PC_REJECT_TRUNCATED, NULL, "D;1;"}};
    const char *path = case_file(&c, "people.csv", text, sizeof text - 1);
    CU_ASSERT_EQUAL(pc_csv_open(c.model, path, "people.csv", 3, &c.arena, &file, NULL), PC_OK);
    CU_ASSERT_EQUAL(case_read(&c, &file, 0), PC_OK);
    CU_ASSERT_EQUAL(c.counts.rows_read, 8);
    CU_ASSERT_EQUAL(c.counts.rows_rejected, 6);
    CU_ASSERT_EQUAL(c.rejected.bytes, 6 * sizeof(pc_rejected));
    const pc_model_table *table = &c.model->table[file.table];
    pc_csv_records *records = NULL;
    CU_ASSERT_EQUAL_FATAL(pc_csv_records_open(&c.budget, &records, NULL), PC_OK);
    for (int i = 0; i < 6; i++) {
        const pc_rejected *r = case_reject(&c, i);
        pc_buffer record = {.budget = &c.budget};
        CU_ASSERT_EQUAL(r->line, want[i].line);
        CU_ASSERT_EQUAL(r->reason, (int32_t)want[i].reason);
        CU_ASSERT_EQUAL(pc_source_file(r->source), 3);
        const int column =
            want[i].column == NULL ? -1 : pc_model_find_column(table, pc_span_of(want[i].column));
        CU_ASSERT_EQUAL(r->column, column);
        CU_ASSERT_EQUAL(
            pc_csv_records_read(records, &file, pc_source_offset(r->source), &record, NULL), PC_OK);
        CU_ASSERT(pc_span_equal((pc_span){record.data, record.bytes}, pc_span_of(want[i].record)));
        pc_buffer_release(&record);
    }
    pc_csv_records_close(records);
    (void)unlink(path);
    case_end(&c);
}

static void test_periods_and_keys(void)
{
    csv_case c;
    case_begin(&c);
    const char *header = "PSEUDO;RANK;NUM;FROM_DAY;TO_DAY\n";
    CU_ASSERT_EQUAL(read_body(&c, "stay_2019.csv", header,
                              "P;1;a;2019-01-02;2019-01-01\nP;1;b;2019-01-02;2019-01-02\n"
                              "P;1;c;2019-01-02;1600-01-01\nP;1;d;2100-01-01;2099-12-31\n"
                              "P;1;;2019-01-02;2019-01-02\n"),
                    5);
    CU_ASSERT_EQUAL(c.counts.rows_rejected, 2);
    CU_ASSERT_EQUAL(case_reject(&c, 0)->reason, PC_REJECT_PERIOD);
    CU_ASSERT_EQUAL(case_reject(&c, 1)->reason, PC_REJECT_KEY);
    CU_ASSERT_STRING_EQUAL(pc_reject_name(PC_REJECT_PERIOD), "period");
    CU_ASSERT_PTR_NOT_NULL(strstr(case_rows(&c), "2019|P|1|c|2019-01-02|~|"));
    case_end(&c);
}

// Line feeds in quoted fields, and a quote that never ends: one line is lost, not the file.
static void test_multiline(void)
{
    csv_case c;
    case_begin(&c);
    CU_ASSERT_EQUAL(read_body(&c, "label.csv", "CODE;TEXT\n",
                              "a;\"two\nlines\"\nb;\"with \"\"quotes\"\"; and\r\nmore\"\r\nc;d\n"),
                    3);
    CU_ASSERT_STRING_EQUAL(case_rows(&c), "a|two\nlines|\nb|with \"quotes\"; and\r\nmore|\nc|d|\n");
    CU_ASSERT_EQUAL(c.counts.lines, 6);
    CU_ASSERT_EQUAL(read_body(&c, "label.csv", "CODE;TEXT\n", "a;b\nc;\"open\nd;e\nf;g\n"), 4);
    CU_ASSERT_STRING_EQUAL(case_rows(&c), "a|b|\nd|e|\nf|g|\n");
    CU_ASSERT_EQUAL(case_reject(&c, 0)->line, 3);
    CU_ASSERT_EQUAL(case_reject(&c, 0)->reason, PC_REJECT_QUOTE);
    CU_ASSERT_EQUAL(read_body(&c, "label.csv", "CODE;TEXT\n", "a;b\nc;\"open"), 2);
    CU_ASSERT_EQUAL(case_reject(&c, 0)->reason, PC_REJECT_TRUNCATED);
    case_end(&c);
}

static void expect_open(csv_case *c, const char *name, const char *text, size_t bytes,
                        const char *sentence)
{
    c->err.text[0] = '\0';
    const pc_status status = case_text(c, name, text, bytes);
    CU_ASSERT(status == PC_BAD_INPUT || status == PC_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(c->err.text, name));
    CU_ASSERT_PTR_NOT_NULL(strstr(c->err.text, sentence));
    if (strstr(c->err.text, sentence) == NULL) (void)fprintf(stderr, "\n%s\n", c->err.text);
}

static void test_bad_files(void)
{
    csv_case c;
    pc_csv_file file;
    case_begin(&c);
    expect_open(&c, "people.csv", "", 0, "is empty: expected a header line");
    expect_open(&c, "people.csv", "\xef\xbb\xbf", 3, "is empty");
    expect_open(&c, "people.csv", "\n", 1, "line 1 is blank");
    expect_open(&c, "people.csv", "PSEUDO\0;RANK\n", 13, "is not text");
    expect_open(&c, "people.csv", "\x01\x02\x03\x04\x05", 5, "is not text");
    expect_open(&c, "people.csv", "PSEUDO,RANK,ID\n", 15, "no column of table PEOPLE");
    expect_open(&c, "people.csv", "PSEUDO;RANK\n", 12, "column ID is missing");
    expect_open(&c, "people.csv", "PSEUDO;RANK;ID;rank\n", 20, "column RANK is there twice");
    expect_open(&c, "other.csv", "PSEUDO;RANK;ID\n", 15, "no table of model case");
    CU_ASSERT_EQUAL(
        pc_csv_open(c.model, "/nowhere/people.csv", "people.csv", 0, &c.arena, &file, &c.err),
        PC_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(c.err.text, "people.csv"));
    expect_open(&c, "people.csv.gz", "this is no gzip file", 20, "damaged");
    expect_open(&c, "people.csv.zst", "this is no zstd file", 20, "damaged");
    case_end(&c);
}

PC_TEST_MAIN("csv", {"each form of a value", test_values},
             {"line ends, BOM, blank lines", test_line_ends},
             {"columns in any order", test_order_and_unknown_columns},
             {"bad records are kept with their line", test_rejects},
             {"periods and keys", test_periods_and_keys},
             {"line feeds in quoted fields", test_multiline},
             {"files that cannot be read", test_bad_files});
