/** Spans, numbers both ways against printf, UTF-8, nearest names. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "parcours/text.h"
#include "test_main.h"
#include "test_random.h"

static void test_spans(void)
{
    const pc_span empty = {NULL, 0};
    CU_ASSERT(pc_span_equal(empty, pc_span_of("")));
    CU_ASSERT(pc_span_compare(empty, pc_span_of("a")) < 0);
    CU_ASSERT(pc_span_compare(pc_span_of("ab"), pc_span_of("a")) > 0);
    CU_ASSERT(pc_span_compare(pc_span_of("\xc3\xa9"), pc_span_of("z")) > 0); // bytes are unsigned
    CU_ASSERT(pc_span_equal_nocase(pc_span_of("Ben_Sex"), pc_span_of("BEN_SEX")));
    CU_ASSERT(!pc_span_equal_nocase(pc_span_of("a@"), pc_span_of("a`")));
    CU_ASSERT(pc_span_equal(pc_span_trim(pc_span_of(" \ta b \t")), pc_span_of("a b")));
    CU_ASSERT_EQUAL(pc_span_trim(pc_span_of(" \t ")).bytes, 0);
}

// Of all sequences of up to 3 bytes, and of 4 at random: the twin decodes and encodes again.
static size_t slow_utf8(const unsigned char *c, size_t bytes)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (c[0] < 0x80) return 1;
    size_t wanted = 0;
    while (wanted < 8 && (c[0] >> (7 - wanted) & 1) != 0) {
        wanted++;
    }
    if (wanted < 2 || wanted > 4 || wanted > bytes) return 0;
    uint32_t code = c[0] & (0xffU >> (wanted + 1));
    for (size_t i = 1; i < wanted; i++) {
        if (c[i] >> 6 != 2) return 0;
        code = code << 6 | (c[i] & 0x3f);
    }
    const bool bad = code < least[wanted] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000);
    return bad ? 0 : wanted;
}

static void test_utf8(void)
{
    int wrong = 0;
    for (uint32_t i = 0x800000; i < 0x1000000; i += 7) {
        const unsigned char c[3] = {(unsigned char)(i >> 16), (unsigned char)(i >> 8),
                                    (unsigned char)i};
        wrong += pc_utf8_character((pc_span){(const char *)c, 3}) != slow_utf8(c, 3);
    }
    uint64_t random = 21;
    for (int i = 0; i < 200000; i++) {
        const uint64_t bits = pc_test_random(&random);
        unsigned char c[4] = {(unsigned char)(0xec + bits % 12), (unsigned char)(bits >> 8),
                              (unsigned char)(bits >> 16), (unsigned char)(bits >> 24)};
        if (i % 2 == 0) c[2] = (unsigned char)(0x80 | (c[2] & 0x3f));
        if (i % 2 == 0) c[3] = (unsigned char)(0x80 | (c[3] & 0x3f));
        wrong += pc_utf8_character((pc_span){(const char *)c, 4}) != slow_utf8(c, 4);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(pc_utf8_prefix(pc_span_of("ab\xc3\xa9\xff")), 4);
    CU_ASSERT_EQUAL(pc_utf8_character((pc_span){NULL, 0}), 0);
}

static void test_integers(void)
{
    static const char *const bad[] = {"",
                                      "-",
                                      "+",
                                      "1 ",
                                      " 1",
                                      "1.0",
                                      "0x1",
                                      "--1",
                                      "1e3",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "99999999999999999999999",
                                      "18446744073709551616"};
    int64_t value;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CU_ASSERT_FALSE(pc_int_parse(pc_span_of(bad[i]), &value));
    }
    CU_ASSERT(pc_int_parse(pc_span_of("9223372036854775807"), &value) && value == INT64_MAX);
    CU_ASSERT(pc_int_parse(pc_span_of("-9223372036854775808"), &value) && value == INT64_MIN);
    CU_ASSERT(pc_int_parse(pc_span_of("+0000000000000000000000012"), &value) && value == 12);
    CU_ASSERT_FALSE(pc_int_parse((pc_span){"12\0", 3}, &value));
    uint64_t random = 31;
    int wrong = 0;
    for (int i = 0; i < 20000; i++) {
        const int64_t number = (int64_t)pc_test_random(&random) >> pc_test_below(&random, 64);
        char text[32];
        (void)snprintf(text, sizeof text, "%" PRId64, number);
        wrong += !pc_int_parse(pc_span_of(text), &value) || value != number;
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

// The twin: printf of the two halves.
static void slow_decimal(int64_t number, int scale, char mark, char *out, size_t bytes)
{
    const uint64_t magnitude = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    uint64_t unit = 1;
    for (int i = 0; i < scale; i++) {
        unit *= 10;
    }
    char rest[32];
    (void)snprintf(rest, sizeof rest, "%020" PRIu64, magnitude % unit);
    (void)snprintf(out, bytes, "%s%" PRIu64 "%.*s%s", number < 0 ? "-" : "", magnitude / unit,
                   scale > 0 ? 1 : 0, &mark, rest + 20 - scale);
}

static void test_decimals(void)
{
    uint64_t random = 41;
    int wrong = 0;
    for (int i = 0; i < 20000; i++) {
        const int64_t number = (int64_t)pc_test_random(&random) >> pc_test_below(&random, 64);
        const int scale = pc_test_below(&random, 19);
        char text[64];
        char written[64];
        int64_t value = 0;
        slow_decimal(number, scale, '.', text, sizeof text);
        const int bytes = pc_decimal_format(number, scale, written);
        wrong += strcmp(text, written) != 0 || (size_t)bytes != strlen(text);
        slow_decimal(number, scale, ',', text, sizeof text);
        wrong += !pc_decimal_parse(pc_span_of(text), scale, ',', &value) || value != number;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    int64_t value = 0;
    CU_ASSERT(pc_decimal_parse(pc_span_of("12.5"), 2, '.', &value) && value == 1250);
    CU_ASSERT(pc_decimal_parse(pc_span_of("-0.5000"), 1, '.', &value) && value == -5);
    CU_ASSERT_FALSE(pc_decimal_parse(pc_span_of("0.51"), 1, '.', &value));
    CU_ASSERT_FALSE(pc_decimal_parse(pc_span_of("0,5"), 1, '.', &value));
    CU_ASSERT_FALSE(pc_decimal_parse(pc_span_of("1."), 1, '.', &value));
    CU_ASSERT_FALSE(pc_decimal_parse(pc_span_of(".5"), 1, '.', &value));
    CU_ASSERT_FALSE(pc_decimal_parse(pc_span_of("1.2.3"), 2, '.', &value));
    CU_ASSERT_FALSE(pc_decimal_parse(pc_span_of("92233720368547758.08"), 2, '.', &value));
    CU_ASSERT(pc_decimal_parse(pc_span_of("-92233720368547758.08"), 2, '.', &value));
    CU_ASSERT_EQUAL(value, INT64_MIN);
    const pc_int128 most = ((pc_int128)INT64_MAX << 64) + UINT64_MAX;
    char text[48];
    CU_ASSERT_EQUAL(pc_decimal_format(-most - 1, 18, text), 41);
    CU_ASSERT_STRING_EQUAL(text, "-170141183460469231731.687303715884105728");
}

static void test_floats(void)
{
    static const struct {
        double value;
        const char *text;
    } each[] = {
        {0.1, "0.1"},         {-0.0, "0"},           {1.0 / 3, "0.333333333333"},
        {1e300, "1e+300"},    {-2.5, "-2.5"},        {123456789012345.0, "1.23456789012e+14"},
        {(double)NAN, "nan"}, {-(double)NAN, "nan"}, {HUGE_VAL, "inf"},
        {-HUGE_VAL, "-inf"}};
    for (size_t i = 0; i < sizeof each / sizeof each[0]; i++) {
        char text[32];
        CU_ASSERT_EQUAL(pc_float_format(each[i].value, text), (int)strlen(each[i].text));
        CU_ASSERT_STRING_EQUAL(text, each[i].text);
    }
}

static void test_sizes(void)
{
    static const char *const bad[] = {"",
                                      "K",
                                      "x",
                                      "-1",
                                      "+1",
                                      "1.5",
                                      "1 G",
                                      "1GB",
                                      "1.G",
                                      ".5G",
                                      "9223372036854775808",
                                      "99999999999T"};
    size_t bytes = 0;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CU_ASSERT_FALSE(pc_size_parse(bad[i], &bytes));
    }
    CU_ASSERT(pc_size_parse("1024", &bytes) && bytes == 1024);
    CU_ASSERT(pc_size_parse("256M", &bytes) && bytes == (size_t)256 << 20);
    CU_ASSERT(pc_size_parse("4g", &bytes) && bytes == (size_t)4 << 30);
    CU_ASSERT(pc_size_parse("1.5G", &bytes) && bytes == (size_t)3 << 29);
    CU_ASSERT(pc_size_parse("2T", &bytes) && bytes == (size_t)2 << 40);
}

static void test_nearest_name(void)
{
    static const char *const name[] = {"entry", "require", "exclude", "prevalence", "sex"};
    enum { COUNT = 5 };
    CU_ASSERT_STRING_EQUAL(pc_nearest_name("requier", name, COUNT), "require");
    CU_ASSERT_STRING_EQUAL(pc_nearest_name("REQUIRE", name, COUNT), "require");
    CU_ASSERT_STRING_EQUAL(pc_nearest_name("prevalance", name, COUNT), "prevalence");
    CU_ASSERT_STRING_EQUAL(pc_nearest_name("sx", name, COUNT), "sex");
    CU_ASSERT_STRING_EQUAL(pc_nearest_name("esx", name, COUNT), "sex"); // one swap
    CU_ASSERT_PTR_NULL(pc_nearest_name("banana", name, COUNT));
    CU_ASSERT_PTR_NULL(pc_nearest_name("", name, COUNT));
    CU_ASSERT_PTR_NULL(pc_nearest_name("entry", name, 0));
    char longest[200];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    CU_ASSERT_PTR_NULL(pc_nearest_name(longest, name, COUNT));
}

static void test_natural_order(void)
{
    // Each before all that follow it; equal numbers in other writing are told apart by bytes.
    static const char *const in_order[] = {"",    "-5", "0-4", "5-9", "05-9x", "10-14", "90-94",
                                           "100", "A",  "F",   "a9",  "a010",  "a10",   "b"};
    enum { COUNT = sizeof in_order / sizeof *in_order };
    for (int i = 0; i < COUNT; i++) {
        for (int j = 0; j < COUNT; j++) {
            const int order =
                pc_span_compare_natural(pc_span_of(in_order[i]), pc_span_of(in_order[j]));
            CU_ASSERT_EQUAL((order > 0) - (order < 0), (i > j) - (i < j));
        }
    }
}

PC_TEST_MAIN("text", {"spans", test_spans}, {"UTF-8", test_utf8}, {"integers", test_integers},
             {"decimals", test_decimals}, {"floats", test_floats}, {"sizes", test_sizes},
             {"nearest names", test_nearest_name}, {"order for readers", test_natural_order});
