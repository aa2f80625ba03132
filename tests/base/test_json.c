/** JSON: what is read, and where and why the rest is refused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "parcours/json.h"
#include "test_main.h"
#include "test_random.h"

static void test_values(void)
{
    static const char text[] =
        "\xef\xbb\xbf{\"a\": [1, -2.5e3, true, null, \"\\u00e9\\ud83d\\ude00\\n\"],"
        " \"b\": {\"a\": {}}, \"\": [[]]}\n";
    pc_json *root = NULL;
    pc_error err = {0};
    CU_ASSERT_EQUAL(pc_json_parse(pc_span_of(text), "t", &root, &err), PC_OK);
    CU_ASSERT_EQUAL(pc_json_count(root), 3);
    const pc_json *a = pc_json_get(root, "a");
    CU_ASSERT_EQUAL(pc_json_kind_of(a), PC_JSON_ARRAY);
    const pc_json *each = pc_json_first(a);
    int64_t number = 0;
    CU_ASSERT(pc_json_int(each, &number) && number == 1);
    CU_ASSERT_PTR_NULL(pc_json_key(each));
    each = pc_json_next(each);
    CU_ASSERT_EQUAL(pc_json_number(each), -2500.0);
    CU_ASSERT(pc_json_bool(each = pc_json_next(each)));
    CU_ASSERT_EQUAL(pc_json_kind_of(each = pc_json_next(each)), PC_JSON_NULL);
    CU_ASSERT_FALSE(pc_json_int(each, &number));
    CU_ASSERT_STRING_EQUAL(pc_json_text(each = pc_json_next(each)), "\xc3\xa9\xf0\x9f\x98\x80\n");
    CU_ASSERT_PTR_NULL(pc_json_next(each));
    CU_ASSERT_PTR_NULL(pc_json_get(root, "A"));
    CU_ASSERT_STRING_EQUAL(pc_json_key(pc_json_next(pc_json_first(root))), "b");
    CU_ASSERT_STRING_EQUAL(pc_json_kind_name(pc_json_kind_of(root)), "an object");
    pc_json_free(root);
    pc_json_free(NULL);
}

static void check_refused(const char *text, size_t bytes, const char *expected)
{
    pc_json *root = NULL;
    pc_error err = {0};
    CU_ASSERT_EQUAL(pc_json_parse((pc_span){text, bytes}, "t", &root, &err), PC_BAD_JOB);
    if (strstr(err.text, expected) == NULL) printf("\n'%s' is not in '%s'\n", expected, err.text);
    CU_ASSERT(strstr(err.text, expected) != NULL);
}

static void test_refusals(void)
{
    static const char *const each[][2] = {
        {"", "line 1, column 1: expected a value"},
        {"{\n  \"a\": 1,\n  \"\xc3\xa9\" 2}", "line 3, column 7: expected ':'"},
        {"{\"a\": 1,}", "column 9: expected a key"},
        {"{a: 1}", "column 2: expected a key in double quotes"},
        {"[1 2]", "column 4: expected ',' or ']'"},
        {"[1,]", "column 4: expected a value"},
        {"[1", "column 3: expected ',' or ']'"},
        {"{\"a\":1", "column 7: expected ',' or '}'"},
        {"1 1", "column 3: expected nothing more"},
        {"[01]", "a number does not begin with 0"},
        {"[1.]", "expected a digit after the decimal point"},
        {"[1e]", "expected a digit in the exponent"},
        {"[-]", "expected a digit"},
        {"[+1]", "expected a value"},
        {"1e999", "too large"},
        {"NaN", "expected a value"},
        {"'a'", "expected a value"},
        {"\"a", "line 1, column 1: this text is not closed"},
        {"\"a\nb\"", "control character inside a text"},
        {"\"\\x\"", "after a backslash"},
        {"\"\\u12g4\"", "four hexadecimal digits"},
        {"\"\\u0000\"", "\\u0000"},
        {"\"\\ud800\"", "second half"},
        {"\"\\udc00\"", "half of a pair"},
        {"\"\xff\"", "column 2: this is not UTF-8"},
        {"{\"a\":1,\"b\":{\"a\":2},\"a\":3}", "column 20: this key stands twice"},
        {"[{\"a\":1},{\"b\":1,\"\\u0062\":2}]", "column 17: this key stands twice"},
        {"// no\n1", "expected a value"}};
    for (size_t i = 0; i < sizeof each / sizeof each[0]; i++) {
        check_refused(each[i][0], strlen(each[i][0]), each[i][1]);
    }
    check_refused("1\0", 2, "expected nothing more");
    check_refused("\"\0\"", 3, "control character");
}

static void test_depth(void)
{
    char text[200];
    for (size_t depth = 63; depth < 67; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        pc_json *root = NULL;
        const pc_status status = pc_json_parse((pc_span){text, 2 * depth}, "t", &root, NULL);
        CU_ASSERT_EQUAL(status, depth <= 64 ? PC_OK : PC_BAD_JOB);
        pc_json_free(root);
    }
    memset(text, '[', sizeof text);
    check_refused(text, sizeof text, "column 65: nested more than 64 levels");
}

static void test_integers(void)
{
    static const struct {
        const char *text;
        bool is_int;
    } each[] = {{"9007199254740992", true},
                {"-9007199254740992", true},
                {"9007199254740994", false},
                {"1.5", false},
                {"1e3", true},
                {"\"1\"", false}};
    for (size_t i = 0; i < sizeof each / sizeof each[0]; i++) {
        pc_json *root = NULL;
        int64_t value;
        CU_ASSERT_EQUAL(pc_json_parse(pc_span_of(each[i].text), "t", &root, NULL), PC_OK);
        CU_ASSERT_EQUAL(pc_json_int(root, &value), each[i].is_int);
        pc_json_free(root);
    }
}

// Any bytes, cut or changed: refused or read, never a crash, and never "out of memory": what the
// scanner lets through, cJSON accepts.
static void test_hostile_documents(void)
{
    printf(" seed 81 ");
    static const char good[] = "{\"a\":[1,2.5e-3,\"x\\u00e9\\ud83d\\ude00\"],\"b\":{\"c\":null,"
                               "\"d\":[true,false,{}]},\"e\":\"\xc3\xa9\"}";
    static const char alphabet[] = "{}[]\",:\\u0d8e1-+.tfn \n\xc3\xff";
    uint64_t random = 81;
    int wrong = 0;
    for (int round = 0; round < 20000; round++) {
        char text[sizeof good];
        memcpy(text, good, sizeof good);
        for (int changes = 1 + pc_test_below(&random, 3); changes > 0; changes--) {
            const int place = pc_test_below(&random, sizeof good - 1);
            text[place] = alphabet[pc_test_below(&random, sizeof alphabet)];
        }
        const size_t bytes =
            round % 2 == 0 ? sizeof good - 1 : (size_t)pc_test_below(&random, sizeof good);
        pc_json *root = NULL;
        const pc_status status = pc_json_parse((pc_span){text, bytes}, "t", &root, NULL);
        wrong += status != PC_OK && status != PC_BAD_JOB;
        if (status == PC_OK) pc_json_free(root);
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void test_files(void)
{
    char path[] = "/tmp/parcours_test_json_XXXXXX";
    const int file = mkstemp(path);
    CU_ASSERT(file >= 0 && write(file, "{\"a\":\n tru}", 11) == 11 && close(file) == 0);
    pc_json *root = NULL;
    pc_error err = {0};
    CU_ASSERT_EQUAL(pc_json_read(path, &root, &err), PC_BAD_JOB);
    CU_ASSERT(strstr(err.text, path) != NULL && strstr(err.text, "line 2, column 2") != NULL);
    CU_ASSERT_EQUAL(remove(path), 0);
    CU_ASSERT_EQUAL(pc_json_read(path, &root, &err), PC_IO);
    CU_ASSERT(strstr(err.text, "No such file") != NULL);
    CU_ASSERT_EQUAL(pc_json_read("/", &root, &err), PC_IO);
}

static void test_write_and_read_again(void)
{
    pc_budget budget = {0};
    pc_buffer out = {.budget = &budget};
    static const char text[] = "q\" b\\ n\n t\t \x01 \x7f \xc3\xa9 /";
    pc_json *root = NULL;
    CU_ASSERT_EQUAL(pc_json_write_text(&out, pc_span_of(text), NULL), PC_OK);
    CU_ASSERT_EQUAL(pc_json_parse((pc_span){out.data, out.bytes}, "t", &root, NULL), PC_OK);
    CU_ASSERT_STRING_EQUAL(pc_json_text(root), text);
    pc_json_free(root);
    out.bytes = 0;
    CU_ASSERT_EQUAL(pc_json_write_text(&out, pc_span_of("a\xff"), NULL), PC_OK);
    CU_ASSERT(out.bytes == 6 && memcmp(out.data, "\"a\xef\xbf\xbd\"", 6) == 0);
    pc_buffer_release(&out);
    budget.limit_bytes = 1;
    CU_ASSERT_EQUAL(pc_json_write_text(&out, pc_span_of("a"), NULL), PC_NO_MEMORY);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

PC_TEST_MAIN("json", {"values", test_values}, {"refusals", test_refusals}, {"depth", test_depth},
             {"integers", test_integers}, {"hostile documents", test_hostile_documents},
             {"files", test_files}, {"write and read again", test_write_and_read_again});
