/** What leaves: formats, suppression, whole files, the journal's chain. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "parcours/journal.h"
#include "parcours/json.h"
#include "parcours/release.h"
#include "test_main.h"

enum { ROWS = 5 };

// Texts: "A", "" and one that needs quotes.
static const uint64_t text_offset[] = {0, 1, 1, 10};
static const pc_dict text_dict = {
    .count = 3, .offset = text_offset, .bytes = "Aa,\"b\"\n\xc3\xa9z"};
static const uint8_t text_code[ROWS] = {0, 1, 2, 0, 0};
static const int64_t count_value[ROWS] = {100, 10, 11, 0, 3};
static const int64_t money_value[ROWS] = {-1250, 5, 0, 7, 99};
static const double share_value[ROWS] = {0.1, -0.0, 1.0 / 3, 1e300, 2};
static const int32_t day_value[ROWS] = {0, 18262, -1, 18262, 18262};
static const uint8_t flag_value[ROWS] = {1, 0, 1, 0, 1};
static const uint64_t but_fourth[] = {0x17}; // rows 0, 1, 2, 4
static const int64_t patients_value[ROWS] = {100, 10, 11, 0, 1};

static const pc_field field[] = {{.name = "drug", .type = PC_CODE},
                                 {.name = "n", .type = PC_INT},
                                 {.name = "euros", .type = PC_DECIMAL, .scale = 2},
                                 {.name = "a,b", .type = PC_FLOAT},
                                 {.name = "day", .type = PC_DATE},
                                 {.name = "flag", .type = PC_BOOL}};
static const pc_column column[] = {
    {.type = PC_CODE, .width = 1, .data = text_code, .valid = but_fourth, .dict = &text_dict},
    {.type = PC_INT, .width = 8, .data = count_value},
    {.type = PC_DECIMAL, .scale = 2, .width = 8, .data = money_value},
    {.type = PC_FLOAT, .width = 8, .data = share_value},
    {.type = PC_DATE, .width = 4, .data = day_value, .valid = but_fourth},
    {.type = PC_BOOL, .width = 1, .data = flag_value}};
static const bool is_cell[] = {false, true, true, false, false, false};
static const pc_result result = {.schema = {.field_count = 6, .field = field},
                                 .is_cell = is_cell,
                                 .row_count = ROWS,
                                 .column = column,
                                 .patients = patients_value};

static void check_text(pc_format format, bool protect, const char *wanted, int suppressed)
{
    pc_budget budget = {0};
    pc_buffer out = {.budget = &budget};
    pc_gate_counts counts;
    CU_ASSERT_EQUAL(pc_result_write(&result, format, protect, &out, &counts, NULL), PC_OK);
    CU_ASSERT_EQUAL(pc_buffer_append(&out, "", 1, NULL), PC_OK);
    CU_ASSERT_STRING_EQUAL(out.data, wanted);
    if (strcmp(out.data, wanted) != 0) printf("\n%s\n", out.data);
    CU_ASSERT_EQUAL(counts.rows, ROWS);
    CU_ASSERT_EQUAL(counts.suppressed_rows, suppressed);
    pc_buffer_release(&out);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

static void test_csv(void)
{
    check_text(PC_FORMAT_CSV, true,
               "drug,n,euros,\"a,b\",day,flag\n"
               "A,100,-12.50,0.1,1970-01-01,true\n"
               "\"\",s,s,0,2020-01-01,false\n"
               "\"a,\"\"b\"\"\n\xc3\xa9z\",11,0.00,0.333333333333,1969-12-31,true\n"
               ",0,0.07,1e+300,,false\n"
               "A,s,s,2,2020-01-01,true\n",
               2);
}

static void test_unprotected(void)
{
    check_text(PC_FORMAT_CSV, false,
               "drug,n,euros,\"a,b\",day,flag\n"
               "A,100,-12.50,0.1,1970-01-01,true\n"
               "\"\",10,0.05,0,2020-01-01,false\n"
               "\"a,\"\"b\"\"\n\xc3\xa9z\",11,0.00,0.333333333333,1969-12-31,true\n"
               ",0,0.07,1e+300,,false\n"
               "A,3,0.99,2,2020-01-01,true\n",
               0);
}

static void test_json(void)
{
    check_text(PC_FORMAT_JSON, true,
               "{\"columns\":[{\"name\":\"drug\",\"type\":\"code\"},{\"name\":\"n\",\"type\":"
               "\"int\"},{\"name\":\"euros\",\"type\":\"decimal\"},{\"name\":\"a,b\",\"type\":"
               "\"float\"},{\"name\":\"day\",\"type\":\"date\"},{\"name\":\"flag\",\"type\":"
               "\"bool\"}],\"rows\":[\n"
               "[\"A\",100,-12.50,0.1,\"1970-01-01\",true],\n"
               "[\"\",\"s\",\"s\",0,\"2020-01-01\",false],\n"
               "[\"a,\\\"b\\\"\\n\xc3\xa9z\",11,0.00,0.333333333333,\"1969-12-31\",true],\n"
               "[null,0,0.07,1e+300,null,false],\n"
               "[\"A\",\"s\",\"s\",2,\"2020-01-01\",true]\n]}\n",
               2);
}

static void test_table(void)
{
    check_text(PC_FORMAT_TABLE, true,
               " drug     | n   | euros  | a,b            | day        | flag\n"
               "----------+-----+--------+----------------+------------+-------\n"
               " A        | 100 | -12.50 |            0.1 | 1970-01-01 | true\n"
               "          |   s |      s |              0 | 2020-01-01 | false\n"
               " a,\"b\" \xc3\xa9z |  11 |   0.00 | 0.333333333333 | 1969-12-31 | true\n"
               "          |   0 |   0.07 |         1e+300 |            | false\n"
               " A        |   s |      s |              2 | 2020-01-01 | true\n"
               "(5 rows, 2 with cells of fewer than 11 patients: s)\n",
               2);
}

// 0 patients say nothing of anybody, 1 to 10 do, 11 and more do not.
static void test_bounds(void)
{
    for (int64_t patients = 0; patients <= 12; patients++) {
        const int64_t value = 7;
        const bool cell = true;
        const pc_column one = {.type = PC_INT, .width = 8, .data = &value};
        const pc_field n = {.name = "n", .type = PC_INT};
        const pc_result r = {.schema = {.field_count = 1, .field = &n},
                             .is_cell = &cell,
                             .row_count = 1,
                             .column = &one,
                             .patients = &patients};
        pc_buffer out = {0};
        CU_ASSERT_EQUAL(pc_result_write(&r, PC_FORMAT_CSV, true, &out, NULL, NULL), PC_OK);
        const bool small = patients >= 1 && patients <= 10;
        CU_ASSERT_EQUAL(memcmp(out.data, small ? "n\ns\n" : "n\n7\n", 4), 0);
        pc_buffer_release(&out);
    }
}

// A cell can stand for fewer patients than its row.
static void test_cells_of_few(void)
{
    static const int64_t few[ROWS] = {3, 3, 0, 3, 11};
    const int64_t *const cell_patients[] = {NULL, NULL, few, NULL, NULL, NULL};
    pc_result r = result;
    r.cell_patients = cell_patients;
    pc_buffer out = {0};
    pc_gate_counts counts;
    CU_ASSERT_EQUAL(pc_result_write(&r, PC_FORMAT_CSV, true, &out, &counts, NULL), PC_OK);
    CU_ASSERT_EQUAL(pc_buffer_append(&out, "", 1, NULL), PC_OK);
    CU_ASSERT_STRING_EQUAL(out.data, "drug,n,euros,\"a,b\",day,flag\n"
                                     "A,100,s,0.1,1970-01-01,true\n"
                                     "\"\",s,s,0,2020-01-01,false\n"
                                     "\"a,\"\"b\"\"\n\xc3\xa9z\",11,0.00,0.333333333333,"
                                     "1969-12-31,true\n"
                                     ",0,s,1e+300,,false\n"
                                     "A,s,0.99,2,2020-01-01,true\n");
    CU_ASSERT_EQUAL(counts.suppressed_rows, 4);
    pc_buffer_release(&out);
}

static void test_any_request_may_be_refused(void)
{
    pc_status status = PC_NO_MEMORY;
    for (size_t limit = 64; status != PC_OK && limit < 1 << 16; limit += 64) {
        pc_budget budget = {.limit_bytes = limit};
        pc_buffer out = {.budget = &budget};
        status = pc_result_write(&result, PC_FORMAT_TABLE, true, &out, NULL, NULL);
        CU_ASSERT(status == PC_OK || status == PC_NO_MEMORY);
        pc_buffer_release(&out);
        CU_ASSERT_EQUAL(budget.used_bytes, 0);
    }
    CU_ASSERT_EQUAL(status, PC_OK);
}

static void test_file(void)
{
    char folder[] = "/tmp/pc_test_release_XXXXXX";
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    char path[64];
    (void)snprintf(path, sizeof path, "%s/a.csv", folder);
    CU_ASSERT_EQUAL(pc_file_write(path, pc_span_of("one\n"), 0600, NULL), PC_OK);
    CU_ASSERT_EQUAL(pc_file_write(path, pc_span_of("two\n"), 0644, NULL), PC_OK);
    struct stat info;
    CU_ASSERT_EQUAL(stat(path, &info), 0);
    CU_ASSERT_EQUAL(info.st_mode & 0777, 0644);
    CU_ASSERT_EQUAL(info.st_size, 4);
    char found[PC_DIGEST_TEXT_BYTES];
    char wanted[PC_DIGEST_TEXT_BYTES];
    const pc_digest digest = pc_digest_of("two\n", 4);
    pc_digest_format(&digest, wanted);
    CU_ASSERT_EQUAL(pc_file_hash(path, found, NULL), PC_OK);
    CU_ASSERT_STRING_EQUAL(found, wanted);
    CU_ASSERT_EQUAL(unlink(path), 0);
    CU_ASSERT_EQUAL(rmdir(folder), 0); // no temporary file stayed
    pc_error err = {0};
    CU_ASSERT_EQUAL(pc_file_write(path, pc_span_of("x"), 0600, &err), PC_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "a.csv"));
}

static pc_status append_record(const char *path, const char *event, const char *subject)
{
    static const char *const set[] = {"year=2019", "drug='A10'"};
    const pc_journal_record record = {.set = set,
                                      .set_count = 2,
                                      .event = event,
                                      .command = "query",
                                      .store = "/s",
                                      .store_id = "1234",
                                      .version = "0",
                                      .subject = subject,
                                      .ranks = 2};
    return pc_journal_append(path, &record, NULL);
}

// Writes one byte of a file.
static void change_byte(const char *path, off_t at, char to)
{
    const int file = open(path, O_WRONLY);
    CU_ASSERT_EQUAL(pwrite(file, &to, 1, at), 1);
    CU_ASSERT_EQUAL(close(file), 0);
}

static void test_journal(void)
{
    char path[] = "/tmp/pc_test_journal_XXXXXX";
    const int made = mkstemp(path);
    CU_ASSERT_FATAL(made >= 0);
    CU_ASSERT_EQUAL(close(made), 0);
    CU_ASSERT_EQUAL(append_record(path, "begin", "SELECT \"a\"\nFROM t"), PC_OK);
    CU_ASSERT_EQUAL(append_record(path, "end", NULL), PC_OK);
    CU_ASSERT_EQUAL(append_record(path, "begin", "x"), PC_OK);
    int64_t lines = 0;
    CU_ASSERT_EQUAL(pc_journal_verify(path, &lines, NULL), PC_OK);
    CU_ASSERT_EQUAL(lines, 3);
    change_byte(path, 90, '!'); // in the first line: the second no longer follows
    pc_error err = {0};
    CU_ASSERT_EQUAL(pc_journal_verify(path, &lines, &err), PC_BAD_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "line"));
    struct stat info;
    CU_ASSERT_EQUAL(stat(path, &info), 0);
    CU_ASSERT_EQUAL(truncate(path, info.st_size - 1), 0); // half a record at the end
    CU_ASSERT_EQUAL(append_record(path, "end", NULL), PC_BAD_INPUT);
    CU_ASSERT_EQUAL(unlink(path), 0);
    CU_ASSERT_EQUAL(append_record("/tmp/pc_test_no_folder/j", "begin", NULL), PC_IO);
}

// A text of many bytes that all need escapes still makes one record.
static void test_long_subject(void)
{
    static char subject[100001];
    memset(subject, '\x01', sizeof subject - 1);
    char path[] = "/tmp/pc_test_journal_XXXXXX";
    const int made = mkstemp(path);
    CU_ASSERT_FATAL(made >= 0);
    CU_ASSERT_EQUAL(close(made), 0);
    CU_ASSERT_EQUAL(append_record(path, "begin", subject), PC_OK);
    CU_ASSERT_EQUAL(append_record(path, "end", subject), PC_OK);
    int64_t lines = 0;
    CU_ASSERT_EQUAL(pc_journal_verify(path, &lines, NULL), PC_OK);
    CU_ASSERT_EQUAL(lines, 2);
    CU_ASSERT_EQUAL(unlink(path), 0);
}

PC_TEST_MAIN("release", {"CSV", test_csv}, {"without protection", test_unprotected},
             {"JSON", test_json}, {"a table", test_table}, {"1 to 10 patients", test_bounds},
             {"cells of fewer than their row", test_cells_of_few},
             {"any request may be refused", test_any_request_may_be_refused},
             {"whole files", test_file}, {"the journal's chain", test_journal},
             {"a long record", test_long_subject});
