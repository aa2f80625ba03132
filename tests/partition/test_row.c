/** Rows: what is set is read again, and bytes compare as values do. */
#include "parcours/row.h"
#include <stdio.h>
#include <string.h>
#include "test_main.h"
#include "test_random.h"

enum { SEED = 77, ROUNDS = 20000 };

static int sign(int64_t value)
{
    return (value > 0) - (value < 0);
}

// Random numbers of any size, often near each other.
static int64_t random_number(uint64_t *random, int64_t most)
{
    const int shift = pc_test_below(random, 60);
    const int64_t value = (int64_t)((pc_test_random(random) >> 1) >> shift) % (most + 1);
    return pc_test_below(random, 2) == 0 ? value : -value;
}

static int order_of(const pc_row_field *field, const unsigned char *a, const unsigned char *b)
{
    return sign(memcmp(a + field->offset, b + field->offset, field->bytes));
}

static void test_integers(void)
{
    static const struct {
        pc_type type;
        uint8_t bytes;
        int64_t least, most;
    } kind[] = {{PC_INT, 4, -999999999, 999999999},
                {PC_INT, 8, -999999999999999999, 999999999999999999},
                {PC_DECIMAL, 8, -999999999999999999, 999999999999999999},
                {PC_DATE, 4, -719162, 2932896},
                {PC_CODE, 4, 0, 4294967294},
                {PC_TEXT, 4, 0, 4294967294},
                {PC_BOOL, 1, 0, 1}};
    uint64_t random = SEED;
    int wrong = 0;
    (void)printf("seed %d ", SEED);
    for (int i = 0; i < ROUNDS; i++) {
        const int k = i % 7;
        const pc_row_field field = {.type = kind[k].type, .bytes = kind[k].bytes, .offset = 28};
        unsigned char row[2][40] = {{0}, {0}};
        int64_t value[2];
        for (int r = 0; r < 2; r++) {
            value[r] = random_number(&random, kind[k].most);
            if (value[r] < kind[k].least) value[r] = kind[k].least;
            pc_row_set_int(&field, row[r], value[r]);
            wrong += pc_row_int(&field, row[r]) != value[r] || pc_row_is_null(&field, row[r]);
        }
        wrong +=
            order_of(&field, row[0], row[1]) != sign((value[0] > value[1]) - (value[0] < value[1]));
        pc_row_set_null(&field, row[1]);
        wrong += !pc_row_is_null(&field, row[1]) || order_of(&field, row[0], row[1]) >= 0;
        wrong += row[1][27] != 0 || row[1][28 + kind[k].bytes] != 0;
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void test_floats_and_ids(void)
{
    const double value[] = {-1e300, -1.5, -1e-300, 0.0, 1e-300, 1.5, 1e300};
    const pc_row_field number = {.type = PC_FLOAT, .bytes = 8, .offset = 28};
    const pc_row_field id = {.type = PC_ID, .bytes = 6, .offset = 28};
    unsigned char row[2][40] = {{0}, {0}};
    for (int i = 0; i < 7; i++) {
        pc_row_set_float(&number, row[0], value[i]);
        CU_ASSERT_EQUAL(pc_row_float(&number, row[0]), value[i]);
        CU_ASSERT(!pc_row_is_null(&number, row[0]));
        if (i > 0) CU_ASSERT(order_of(&number, row[1], row[0]) < 0);
        memcpy(row[1], row[0], sizeof row[0]);
    }
    pc_row_set_null(&number, row[1]);
    CU_ASSERT(pc_row_is_null(&number, row[1]));
    CU_ASSERT(order_of(&number, row[0], row[1]) < 0);
    pc_row_set_id(&id, row[0], pc_span_of("abc"));
    CU_ASSERT(pc_span_equal(pc_row_id(&id, row[0]), pc_span_of("abc")));
    pc_row_set_id(&id, row[1], pc_span_of("abcdefgh"));
    CU_ASSERT(pc_span_equal(pc_row_id(&id, row[1]), pc_span_of("abcdef")));
    CU_ASSERT(order_of(&id, row[0], row[1]) < 0);
    pc_row_set_null(&id, row[1]);
    CU_ASSERT(pc_row_is_null(&id, row[1]));
    CU_ASSERT(!pc_row_is_null(&id, row[0]));
    const uint64_t source = pc_row_source(65535, INT64_C(0x123456789abc));
    CU_ASSERT_EQUAL(pc_source_file(source), 65535);
    CU_ASSERT_EQUAL(pc_source_offset(source), INT64_C(0x123456789abc));
}

// A child's row begins with its parent's key, in the parent's order.
static void test_layouts(void)
{
    pc_budget budget = {0};
    pc_arena arena = {.budget = &budget};
    const pc_model *m = NULL;
    int wrong = 0;
    CU_ASSERT_EQUAL_FATAL(pc_model_read("snds", PC_TEST_SHARE, &arena, &m, NULL), PC_OK);
    for (int t = 0; t < m->table_count; t++) {
        const pc_model_table *table = &m->table[t];
        const pc_row_layout *layout = NULL;
        int offset = PC_ROW_FIELDS;
        CU_ASSERT_EQUAL_FATAL(pc_row_layout_make(m, t, &arena, &layout, NULL), PC_OK);
        for (int i = 0; i < layout->field_count; i++) {
            const pc_row_field *field = &layout->field[i];
            wrong += field->offset != offset || layout->field_of_column[field->column] != i;
            offset += field->bytes;
        }
        wrong += layout->row_bytes < offset || layout->row_bytes % 4 != 0;
        for (int c = 0; c < table->column_count; c++) {
            const pc_origin origin = table->column[c].origin;
            const bool stored = origin == PC_FROM_CSV || origin == PC_FROM_FILE;
            wrong += stored != (layout->field_of_column[c] >= 0);
        }
        if (table->parent_key < 0) continue;
        const pc_row_layout *parent = NULL;
        const int p = m->key[table->parent_key].table;
        CU_ASSERT_EQUAL_FATAL(pc_row_layout_make(m, p, &arena, &parent, NULL), PC_OK);
        wrong += layout->parent_bytes != parent->key_bytes;
        for (int i = 0; i < m->table[p].primary_count; i++) {
            wrong +=
                table->column[layout->field[i].column].parent_column != parent->field[i].column;
            wrong += layout->field[i].bytes != parent->field[i].bytes;
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
    pc_arena_reset(&arena);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

PC_TEST_MAIN("row", {"integers keep value and order", test_integers},
             {"floats, identifiers, sources", test_floats_and_ids},
             {"layouts of all tables", test_layouts});
