/** Cells of columns: every width and sign rule, and texts. */
#include <string.h>
#include "parcours/column.h"
#include "test_main.h"

static void test_integers_of_each_width(void)
{
    static const pc_type type[] = {PC_INT, PC_CODE, PC_DATE, PC_TEXT, PC_DECIMAL};
    for (size_t kind = 0; kind < 5; kind++) {
        for (int width = 1; width <= 8; width *= 2) {
            const int64_t stored[2] = {-1, 5};
            unsigned char data[16];
            memcpy(data, &stored[0], (size_t)width); // little-endian: the low bytes come first
            memcpy(data + width, &stored[1], (size_t)width);
            const pc_column c = {.type = type[kind], .width = (uint8_t)width, .data = data};
            const int64_t unsigned_value =
                width == 8 ? -1 : (int64_t)(((uint64_t)1 << width * 8) - 1);
            CU_ASSERT_EQUAL(pc_column_int(&c, 0),
                            pc_type_is_unsigned(type[kind]) ? unsigned_value : -1);
            CU_ASSERT_EQUAL(pc_column_int(&c, 1), 5);
        }
    }
}

static void test_texts(void)
{
    static const uint64_t offset[] = {0, 3, 3, 7};
    const pc_dict dict = {.count = 3, .offset = offset, .bytes = "A10B11xC"};
    const uint8_t index[] = {2, 0, 1, 9};
    const uint64_t valid = 0x7;
    const pc_column code = {
        .type = PC_CODE, .width = 1, .data = index, .valid = &valid, .dict = &dict};
    CU_ASSERT(pc_span_equal(pc_column_span(&code, 0), pc_span_of("B11x")));
    CU_ASSERT(pc_span_equal(pc_column_span(&code, 1), pc_span_of("A10")));
    CU_ASSERT_EQUAL(pc_column_span(&code, 2).bytes, 0);
    CU_ASSERT_EQUAL(pc_column_span(&code, 3).bytes, 0); // null
    CU_ASSERT(pc_column_is_null(&code, 3) && !pc_column_is_null(&code, 2));
    const pc_column id = {.type = PC_ID, .width = 4, .data = "ab\0\0abcd\0\0\0\0"};
    CU_ASSERT(pc_span_equal(pc_column_span(&id, 0), pc_span_of("ab")));
    CU_ASSERT(pc_span_equal(pc_column_span(&id, 1), pc_span_of("abcd")));
    CU_ASSERT_EQUAL(pc_column_span(&id, 2).bytes, 0);
}

static void test_types(void)
{
    static const char *const name[] = {"none", "bool", "int",  "decimal", "float",
                                       "date", "code", "text", "id",      "key"};
    static const char integer[] = "0111011101";
    static const char is_unsigned[] = "0100001101";
    for (int type = PC_NONE; type <= PC_KEY; type++) {
        CU_ASSERT_STRING_EQUAL(pc_type_name((pc_type)type), name[type]);
        CU_ASSERT_EQUAL(pc_type_is_integer((pc_type)type), integer[type] == '1');
        CU_ASSERT_EQUAL(pc_type_is_unsigned((pc_type)type), is_unsigned[type] == '1');
    }
}

PC_TEST_MAIN("column", {"integers of each width", test_integers_of_each_width},
             {"texts", test_texts}, {"types", test_types});
