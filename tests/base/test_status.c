/** Sentences are cut at whole characters, cleaned of what breaks a line, and prefixed. */
#include <string.h>
#include "parcours/status.h"
#include "parcours/text.h"
#include "test_main.h"

static void test_fail_writes_the_sentence(void)
{
    pc_error err = {0};
    CU_ASSERT_EQUAL(PC_FAIL(&err, PC_IO, "cannot open '%s': line %d", "a.csv", 7), PC_IO);
    CU_ASSERT_EQUAL(err.status, PC_IO);
    CU_ASSERT_STRING_EQUAL(err.text, "cannot open 'a.csv': line 7");
    CU_ASSERT_EQUAL(PC_FAIL(NULL, PC_BAD_JOB, "nobody reads this"), PC_BAD_JOB);
}

// At every distance from the end, a character of 1 to 4 bytes is whole or absent.
static void test_cut_at_a_whole_character(void)
{
    static const char *const character[] = {"x", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
    for (size_t kind = 0; kind < 4; kind++) {
        for (size_t lead = PC_ERROR_BYTES - 12; lead < PC_ERROR_BYTES + 2; lead++) {
            char text[2 * PC_ERROR_BYTES];
            memset(text, '.', lead);
            text[lead] = '\0';
            strcat(strcat(text, character[kind]), "tail behind it");
            pc_error err = {0};
            pc_fail(&err, PC_IO, "%s", text);
            const pc_span cut = pc_span_of(err.text);
            CU_ASSERT(cut.bytes < PC_ERROR_BYTES);
            CU_ASSERT(cut.bytes + 4 >= PC_ERROR_BYTES);
            CU_ASSERT_EQUAL(pc_utf8_prefix(cut), cut.bytes);
            CU_ASSERT(memcmp(cut.data, text, cut.bytes) == 0);
        }
    }
}

static void test_bytes_that_break_a_line(void)
{
    pc_error err = {0};
    pc_fail(&err, PC_IO,
            "a\nb\tc\033d\xff"
            "e\xc3");
    CU_ASSERT_STRING_EQUAL(err.text, "a b c?d?e?");
}

static void test_prefix(void)
{
    pc_error err = {0};
    pc_fail(&err, PC_BAD_INPUT, "not a day");
    pc_error_prefix(&err, "file '%s', line %d", "b.csv", 3);
    CU_ASSERT_STRING_EQUAL(err.text, "file 'b.csv', line 3: not a day");
    CU_ASSERT_EQUAL(err.status, PC_BAD_INPUT);
    pc_fail(&err, PC_BAD_INPUT, "again: %s", err.text); // an argument may be the text itself
    CU_ASSERT_STRING_EQUAL(err.text, "again: file 'b.csv', line 3: not a day");
    for (int i = 0; i < 100; i++) {
        pc_error_prefix(&err, "a prefix that is repeated \xc3\xa9");
    }
    CU_ASSERT(strlen(err.text) < PC_ERROR_BYTES);
    CU_ASSERT_EQUAL(pc_utf8_prefix(pc_span_of(err.text)), strlen(err.text));
    pc_error_prefix(NULL, "nobody");
}

static void test_exit_codes(void)
{
    static const int code[] = {0, 2, 2, 3, 4, 75, 1, 1, 1};
    for (int status = PC_OK; status <= PC_IO; status++) {
        CU_ASSERT_EQUAL(pc_exit_code((pc_status)status), code[status]);
    }
}

PC_TEST_MAIN("status", {"a failure writes its sentence", test_fail_writes_the_sentence},
             {"a long one is cut at a whole character", test_cut_at_a_whole_character},
             {"bytes that break a line", test_bytes_that_break_a_line}, {"prefixes", test_prefix},
             {"exit codes", test_exit_codes});
